"""Tables of cells on disk: CSV, Parquet and Arrow in; the protected table, its public form and its certificates out.

Decides nothing about a table. Numbers keep the decimals that they are written with. What is written appears whole or not at
all: each file is made beside its place and moved there.
"""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import yaml

from enclave.core.refusal import Refused
from enclave.disclosure.protecting import Hidden, Protected
from enclave.disclosure.spec import Spec, hierarchy, parse_tables
from enclave.disclosure.tabular import Tabular

DIGITS = 12
"""Significant digits of a bound that has more (SHAPES, Table to protect)."""


Parents = dict[str, dict[str, str]]


def read_specs(path: Path) -> list[tuple[Spec, Parents]]:
    """The spec of one table, or of each that a spec describes; and, per dimension with a hierarchy, the parent of each code.
    Raises Refused `disclosure.*`."""
    try:
        specs = parse_tables(yaml.safe_load(_text(path)))
    except yaml.YAMLError:
        raise Refused("disclosure.spec_invalid", {"where": path.name, "needs": "YAML"}) from None
    return [(spec, _parents(path, spec)) for spec in specs]


def _parents(path: Path, spec: Spec) -> Parents:
    parents: Parents = {}
    for one in spec.dimensions:
        if one.hierarchy is not None:
            rows = read_table(path.parent / one.hierarchy)
            if rows and not {"child", "parent"} <= set(rows[0]):
                raise Refused("disclosure.column_missing", {"column": "child, parent"})
            parents[one.name] = hierarchy(one, ((str(row["child"]), str(row["parent"])) for row in rows))
    return parents


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        raise Refused("disclosure.file_missing", {"file": path.name}) from None
    except UnicodeDecodeError:
        raise Refused("disclosure.file_unreadable", {"file": path.name}) from None


def read_table(path: Path) -> list[dict[str, Any]]:
    """The rows of a CSV, Parquet or Arrow file, numbers as exact decimals or as text. Raises Refused `disclosure.file_*`."""
    if path.suffix.lower() == ".csv":
        return list(_csv(path))
    try:
        if path.suffix.lower() == ".parquet":
            table = pyarrow.parquet.read_table(path)
        elif path.suffix.lower() in (".arrow", ".feather", ".ipc"):
            table = pyarrow.ipc.open_file(pa.memory_map(str(path))).read_all()
        else:
            raise Refused("disclosure.file_unreadable", {"file": path.name})
    except FileNotFoundError:
        raise Refused("disclosure.file_missing", {"file": path.name}) from None
    except (pa.ArrowException, OSError):
        raise Refused("disclosure.file_unreadable", {"file": path.name}) from None
    return [{name: _exact(value) for name, value in row.items()} for row in table.to_pylist()]


def _exact(value: object) -> object:
    # The shortest decimal that is read as this float is what its writer meant.
    return Decimal(repr(value)) if isinstance(value, float) else value


def _csv(path: Path) -> Iterator[dict[str, Any]]:
    reader = csv.DictReader(io.StringIO(_text(path)))
    if reader.fieldnames is None or len(set(reader.fieldnames)) != len(reader.fieldnames):
        raise Refused("disclosure.shape", {"row": 0})
    for place, row in enumerate(reader, start=1):
        if None in row or None in row.values():
            raise Refused("disclosure.shape", {"row": place})
        yield row


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise Refused("disclosure.file_unwritable", {"file": path.name}) from None


def write(protected: Protected, spec: Spec, out: Path, public: Path | None) -> None:
    """OUT, OUT.cert.jsonl beside it, and what the public gets. Of several tables OUT and the other are folders with a file
    `<table>.csv` each, and one file of certificates speaks of all of them."""
    parts = _parts(protected)
    try:
        for folder in (out, public) if parts else ():
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise Refused("disclosure.file_unwritable", {"file": out.name}) from None
    for part, own, file in parts or [(protected, spec, "")]:
        _write_table(part, own, out / file, None if public is None else public / file)
    certificates = "".join(_certificates(protected)).encode()
    _replace(out.with_name(out.name + ".cert.jsonl"), certificates)


def _parts(protected: Protected) -> list[tuple[Protected, Spec, str]]:
    """Each of several tables by itself, with the name of its file."""
    found = []
    for part in protected.tabular.parts:
        hidden = {
            row: protected.hidden[cell] for row, cell in enumerate(part.cells) if cell in protected.hidden
        }
        numbers = tuple(protected.tabular.numbers[cell] for cell in part.cells)
        names = tuple(one.name for one in part.spec.dimensions)
        own = Tabular(names, part.keys, numbers, protected.tabular.system)
        found.append((Protected(own, hidden, protected.found), part.spec, f"{part.spec.name}.csv"))
    return found


def _write_table(protected: Protected, spec: Spec, out: Path, public: Path | None) -> None:
    rows = list(_rows(protected, spec))
    _replace(out, _as_csv(rows))
    if public is not None:
        names = [one.name for one in spec.dimensions]
        _replace(public, _as_csv([_public(row, names, spec.published) for row in rows]))


def _public(row: Mapping[str, str], names: Sequence[str], published: str) -> dict[str, str]:
    """What everybody gets: hidden or shown, and neither why nor what stays possible."""
    status = "shown" if row["status"] == "shown" else "hidden"
    return {**{name: row[name] for name in names}, published: row[published], "status": status}


def _rows(protected: Protected, spec: Spec) -> Iterator[dict[str, str]]:
    tabular = protected.tabular
    for place, key in enumerate(tabular.keys):
        row = dict(zip((one.name for one in spec.dimensions), key, strict=True))
        hidden = protected.hidden.get(place)
        if hidden is None:
            value = str(tabular.numbers[place].value)
            row |= {
                spec.published: value,
                "status": "shown",
                "lower": value,
                "upper": value,
                "bounds": "exact",
            }
        else:
            row |= {
                spec.published: "",
                "status": "primary" if hidden.unsafe else "secondary",
                **_ends(hidden),
            }
        yield row


def _ends(hidden: Hidden) -> dict[str, str]:
    upper = "inf" if hidden.upper is None else decimal(hidden.upper)
    return {"lower": decimal(hidden.lower), "upper": upper, "bounds": "exact" if hidden.exact else "inner"}


def decimal(number: Fraction) -> str:
    """A number in decimals; with more than `DIGITS` significant digits it is rounded to these."""
    if number.denominator == 1:
        return str(number.numerator)
    return f"{float(number):.{DIGITS}g}" if _endless(number) else _exactly(number)


def _endless(number: Fraction) -> bool:
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest != 1 or len(_exactly(number).replace(".", "").strip("0-")) > DIGITS


def _exactly(number: Fraction) -> str:
    return format(Decimal(number.numerator) / Decimal(number.denominator), "f")


def _certificates(protected: Protected) -> Iterator[str]:
    names = protected.tabular.names
    keys = [dict(zip(names, key, strict=True)) for key in protected.tabular.keys]
    whole = protected.tabular.system.whole

    def assignment(values: Mapping[int, Fraction]) -> list[list[object]]:
        return [[keys[cell], _rational(value, whole)] for cell, value in values.items()]

    for place, hidden in sorted(protected.hidden.items()):
        line = {"cell": keys[place], "low": assignment(hidden.low), "high": assignment(hidden.high)}
        if hidden.more:
            line["more"] = [assignment(one) for one in hidden.more]
        yield json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"


def _rational(value: Fraction, whole: bool) -> object:
    return int(value) if whole else f"{value.numerator}/{value.denominator}"


def _as_csv(rows: Iterable[Mapping[str, str]]) -> bytes:
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
