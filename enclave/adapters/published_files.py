"""Tables that are public already, from files: what a custodian enters so that it counts as released (`enclave releases`).

Decides how a published number is read, and what is known of one that is not written. The spec is that of `enclave protect`
(SHAPES, Table to protect): dimensions with their totals and hierarchies, and the column `count` of persons. A number may
be written `1,234`; one that its publisher hid is an interval: `<10`, `1-9`, or nothing but a sign (`-`, `*`, `***`, `X`), which is
anything from nobody on. A hidden number is never more than a total that it is part of and that is written, since of
distinct persons no part is larger than the whole. Numbers need not add up: these are persons, and it is somebody else's table.

Relies on the spec for what is a total. Does not know a person.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final

from enclave.adapters.table_files import read_specs, read_table
from enclave.core.refusal import Refused
from enclave.disclosure.protection.spec import Spec
from enclave.disclosure.releases.history import MARGIN
from enclave.disclosure.releases.published import Published

MOST: Final = 200_000
"""Numbers of one table."""

_BELOW = re.compile(r"<(\d+)", re.ASCII)
_AT_MOST = re.compile(r"(?:<=|≦|≤)(\d+)", re.ASCII)
_BETWEEN = re.compile(r"(\d+)[-~](\d+)", re.ASCII)
_WHOLE = re.compile(r"\d+(?:\.0*)?", re.ASCII)
_NOT_WRITTEN = re.compile(r"[-*.xX]*|秘匿|hidden|suppressed")

Interval = tuple[int, int | None]
_Parents = Mapping[str, Mapping[str, str]]
_Key = tuple[str, ...]


def read(table: Path, spec_file: Path, release: str) -> tuple[Published, ...]:
    """The numbers of a table. Raises Refused `disclosure.*` with the place."""
    specs = read_specs(spec_file)
    if len(specs) != 1:
        raise Refused("disclosure.spec_invalid", {"where": "tables", "needs": "one table at a time"})
    spec, parents = specs[0]
    rows = read_table(table)
    if not rows:
        raise Refused("disclosure.shape", {"row": 1})
    if len(rows) > MOST:
        raise Refused("disclosure.too_large", {"cells": len(rows), "limit": MOST})
    for column in (*(one.name for one in spec.dimensions), spec.count):
        if column not in rows[0]:
            raise Refused("disclosure.column_missing", {"column": column})
    cells: dict[_Key, Interval] = {}
    for place, row in enumerate(rows, start=1):
        key = tuple(str(row[one.name]).strip() for one in spec.dimensions)
        _check_known(spec, parents, key, place)
        if key in cells:
            raise Refused("disclosure.duplicate_row", {"row": place})
        cells[key] = _interval(row[spec.count], spec.count, place)
    return tuple(_published(spec, parents, cells, release, table.stem))


def _check_known(spec: Spec, parents: _Parents, key: _Key, place: int) -> None:
    for one, code in zip(spec.dimensions, key, strict=True):
        if code != one.total and one.name in parents and code not in parents[one.name]:
            facts = {"dimension": one.name, "category": code, "row": place}
            raise Refused("disclosure.category_unknown", facts)


def _interval(written: object, column: str, place: int) -> Interval:
    """The least and the most persons that a written number stands for."""
    text = unicodedata.normalize("NFKC", str("" if written is None else written))
    text = re.sub(r"[\s,]", "", text).replace("‐", "-").replace("−", "-").replace("–", "-")
    if _WHOLE.fullmatch(text):
        whole = int(text.partition(".")[0])
        return whole, whole
    if _NOT_WRITTEN.fullmatch(text):
        return 0, None
    if found := _BELOW.fullmatch(text):
        return 0, max(0, int(found[1]) - 1)
    if found := _AT_MOST.fullmatch(text):
        return 0, int(found[1])
    if (found := _BETWEEN.fullmatch(text)) and int(found[1]) <= int(found[2]):
        return int(found[1]), int(found[2])
    code = "disclosure.negative" if re.fullmatch(r"-\d+(\.\d+)?", text) else "disclosure.not_a_number"
    raise Refused(code, {"column": column, "row": place})


def _published(
    spec: Spec, parents: _Parents, cells: Mapping[_Key, Interval], release: str, table: str
) -> Iterator[Published]:
    for key, (low, high) in cells.items():
        above = [cells[one][1] for one in _wholes(spec, parents, key) if low != high and one in cells]
        bounds = [one for one in (high, *above) if one is not None]
        most = max(low, min(bounds)) if bounds else None
        keys = tuple(
            (one.name, MARGIN if code == one.total else code)
            for one, code in zip(spec.dimensions, key, strict=True)
        )
        yield Published(release, table, keys, low, most)


def _wholes(spec: Spec, parents: _Parents, key: _Key) -> Iterator[_Key]:
    """Every cell that a cell is part of, itself left out."""
    lines = []
    for one, code in zip(spec.dimensions, key, strict=True):
        line = [code]
        while line[-1] != one.total:
            line.append(parents[one.name][line[-1]] if one.name in parents else one.total)
        lines.append(line)
    yield from (one for one in product(*lines) if one != key)


def as_sent(cells: Sequence[Published]) -> list[dict[str, Any]]:
    """Cells as custody takes them (`custody_releases.published_lines`)."""
    return [{"table": one.table, **one.to_json()} for one in cells]
