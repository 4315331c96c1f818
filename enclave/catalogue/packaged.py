"""The public databases as this program knows them: one descriptor per database, `data/<database>.yaml`.

Decides nothing. These files are part of the program, as its code is, so they are read here and not by an adapter; a
site's own registered descriptors are `enclave.adapters.descriptor_files`. Each is a whole descriptor: what stands here
is what `enclave data synth` writes into a source's folder and what `enclave data register` takes in.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import yaml

from enclave.catalogue.descriptor import Descriptor, parse
from enclave.core.ids import DatabaseId

CORE = DatabaseId("core")
"""The database of reference tables."""

PUBLIC: tuple[DatabaseId, ...] = tuple(
    DatabaseId(name)
    for name in (
        "ndb", "kaigo", "dpc", "vac", "welfare", "cancer", "nanbyo", "shoman", "idb", "nextgen", "midnet",
    )
)  # fmt: skip
"""The eleven databases with tables, in the order in which the ministry lists them."""


@cache
def packaged() -> Mapping[DatabaseId, Descriptor]:
    """Every public database and `core`, by id, in the ministry's order, `core` last."""
    folder = files("enclave.catalogue") / "data"
    found = {}
    for name in (*PUBLIC, CORE):
        text = (folder / f"{name}.yaml").read_text(encoding="utf-8")
        found[name] = parse(yaml.safe_load(text))
    return MappingProxyType(found)


def code_list(table: str) -> bytes:
    """The CSV (UTF-8, header) of a reference table of `core` that the program brings along.

    Raises FileNotFoundError for tables whose rows are made with the databases (`muni`, `pop`).
    """
    return (files("enclave.catalogue") / "data" / "codes" / f"{table}.csv").read_bytes()
