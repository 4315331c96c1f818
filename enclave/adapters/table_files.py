"""Tables of cells on disk: CSV, Parquet and Arrow in; the protected table, its public form and its certificates out.

Decides nothing about a table. Numbers keep the decimals that they are written with. What is written appears whole or not at
all: each file is made beside its place and moved there.
"""

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import yaml

from enclave.core.refusal import Refused
from enclave.disclosure.protection.protecting import Assignment, Hidden, Protected
from enclave.disclosure.protection.spec import Spec, hierarchy, parse_tables
from enclave.disclosure.protection.tabular import Tabular

DIGITS = 12
"""Significant digits of a bound that has more (SHAPES, Table to protect)."""

CELLS_AT_MOST = 250_000
"""Rows of a table or of a hierarchy: what the memory of a small machine (2 GiB) holds, with all that is made of it."""

_CHUNK = 4 << 20


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
    """The rows of a CSV, Parquet or Arrow file, numbers as exact decimals or as text.

    Raises Refused `disclosure.file_*`, `disclosure.shape`, and `disclosure.too_large` before more than `CELLS_AT_MOST` rows
    are held.
    """
    if path.suffix.lower() == ".csv":
        return _csv(path)
    # Most tables are text, and these take longer to load than a small table takes to protect.
    import pyarrow as pa
    import pyarrow.ipc
    import pyarrow.parquet

    try:
        if path.suffix.lower() == ".parquet":
            file = pyarrow.parquet.ParquetFile(path)
            _few_enough(file.metadata.num_rows)
            table = file.read()
        elif path.suffix.lower() in (".arrow", ".feather", ".ipc"):
            batches = pyarrow.ipc.open_file(pa.memory_map(str(path)))
            rows, parts = 0, []
            for place in range(batches.num_record_batches):
                parts.append(batches.get_batch(place))
                rows += parts[-1].num_rows
                _few_enough(rows)
            table = pa.Table.from_batches(parts, batches.schema)
        else:
            raise Refused("disclosure.file_unreadable", {"file": path.name})
    except FileNotFoundError:
        raise Refused("disclosure.file_missing", {"file": path.name}) from None
    except (pa.ArrowException, OSError):
        raise Refused("disclosure.file_unreadable", {"file": path.name}) from None
    return [{name: _exact(value) for name, value in row.items()} for row in table.to_pylist()]


def _few_enough(rows: int) -> None:
    if rows > CELLS_AT_MOST:
        raise Refused("disclosure.too_large", {"limit": CELLS_AT_MOST})


def _exact(value: object) -> object:
    # The shortest decimal that is read as this float is what its writer meant.
    return Decimal(repr(value)) if isinstance(value, float) else value


def _csv(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            names = next(reader, None)
            if names is None or len(set(names)) != len(names):
                raise Refused("disclosure.shape", {"row": 0})
            for row in reader:
                if not row:
                    continue
                _few_enough(len(rows) + 1)
                if len(row) != len(names):
                    raise Refused("disclosure.shape", {"row": len(rows) + 1})
                rows.append(dict(zip(names, row, strict=True)))
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        raise Refused("disclosure.file_missing", {"file": path.name}) from None
    except (UnicodeDecodeError, csv.Error):
        raise Refused("disclosure.file_unreadable", {"file": path.name}) from None
    return rows


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file beside this one that takes its place once it is whole."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            yield file
        os.replace(beside, path)
    except OSError:
        raise Refused("disclosure.file_unwritable", {"file": path.name}) from None
    finally:
        beside.unlink(missing_ok=True)


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
    with _replacing(out.with_name(out.name + ".cert.jsonl")) as told:
        for chunk in _chunks(_certificates(protected)):
            told.write(chunk)


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
    names = [one.name for one in spec.dimensions]
    with _replacing(out) as file:
        _as_csv(file, [*names, spec.published, "status", "lower", "upper", "bounds"], rows)
    if public is not None:
        with _replacing(public) as file:
            _as_csv(
                file,
                [*names, spec.published, "status"],
                (_public(row, names, spec.published) for row in rows),
            )


def _chunks(lines: Iterable[str]) -> Iterator[bytes]:
    held: list[str] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size > _CHUNK:
            yield "".join(held).encode()
            held, size = [], 0
    yield "".join(held).encode()


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
    """One line per hidden cell. Cells share most of their assignments, and each is put into words once."""
    names = [json.dumps(name, ensure_ascii=False) for name in protected.tabular.names]
    codes: dict[str, str] = {}

    def cell(place: int) -> str:
        pairs = (
            f"{name}:{codes.get(code) or codes.setdefault(code, json.dumps(code, ensure_ascii=False))}"
            for name, code in zip(names, protected.tabular.keys[place], strict=True)
        )
        return "{" + ",".join(pairs) + "}"

    keys = {place: cell(place) for place in protected.hidden}
    whole = protected.tabular.system.whole
    uses = Counter(id(side) for one in protected.hidden.values() for side in (one.low, one.high, *one.more))
    told: dict[int, str] = {}

    def assignment(values: Assignment) -> str:
        known = told.get(id(values))
        if known is not None:
            return known
        if whole:
            pairs = [f"[{keys[place]},{value}]" for place, value in values.items()]
        else:
            pairs = [
                f'[{keys[place]},"{value.numerator}/{value.denominator}"]' for place, value in values.items()
            ]
        written = ",".join(pairs)
        if uses[id(values)] > 1:
            told[id(values)] = written
        return written

    for place, hidden in sorted(protected.hidden.items()):
        low, high = assignment(hidden.low), assignment(hidden.high)
        more = f',"more":[{",".join(f"[{assignment(one)}]" for one in hidden.more)}]' if hidden.more else ""
        yield f'{{"cell":{keys[place]},"low":[{low}],"high":[{high}]{more}}}\n'


def _as_csv(file: IO[bytes], names: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    with io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False) as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([row[name] for name in names] for row in rows)
