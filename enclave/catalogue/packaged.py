"""The public databases as this program knows them: descriptors, dated facts, sources and the linkage matrix.

Decides nothing. These files are part of the program, as its code is, so they are read here and not by an adapter; a
site's own registered descriptors are `enclave.adapters.descriptor_files`. Each `data/<database>.yaml` is a whole descriptor:
what stands here is what `enclave data synth` writes into a source's folder and `enclave data register` takes in.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

from enclave.catalogue.descriptor import Descriptor, parse
from enclave.catalogue.facts import Dossier, Source, parse_dossier, parse_sources
from enclave.catalogue.linkage import LinkageRules, parse_rules
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

PLANNED = DatabaseId("emr3")
"""The announced twelfth: facts, and no tables yet."""


@cache
def packaged() -> Mapping[DatabaseId, Descriptor]:
    """Every public database and `core`, by id, in the ministry's order, `core` last."""
    return MappingProxyType({name: parse(_read(f"{name}.yaml")) for name in (*PUBLIC, CORE)})


@cache
def dossiers() -> Mapping[DatabaseId, Dossier]:
    """The dated facts of every public database, the planned one last."""
    return MappingProxyType({name: parse_dossier(_read(f"facts/{name}.yaml")) for name in (*PUBLIC, PLANNED)})


@cache
def sources() -> Mapping[str, Source]:
    """The sources that rows name, but for papers, which are named by number and page (`facts.source`)."""
    return MappingProxyType(parse_sources(_read("sources.yaml")))


@cache
def linkage_rules() -> LinkageRules:
    """The rows of the linkage matrix."""
    return parse_rules(_read("linkage.yaml"))


def code_list(table: str) -> bytes:
    """The CSV (UTF-8, header) of a reference table of `core` that the program brings along.

    Raises FileNotFoundError for tables whose rows are made with the databases (`muni`, `pop`).
    """
    return (files("enclave.catalogue") / "data" / "codes" / f"{table}.csv").read_bytes()


def _read(name: str) -> Any:
    return yaml.safe_load((files("enclave.catalogue") / "data" / name).read_text(encoding="utf-8"))
