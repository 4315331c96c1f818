"""Tables of cells on disk: CSV, Parquet and Arrow in; the protected table, its public form and its certificates out.

Decides nothing about a table. Numbers keep the decimals that they are written with. What is written appears whole or not at
all: each file is made beside its place and moved there.
"""

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from enclave.adapters import spec_text
from enclave.core.refusal import Refused
from enclave.disclosure.protection import written
from enclave.disclosure.protection.protecting import Protected
from enclave.disclosure.protection.spec import Spec, hierarchy, parse_tables

CELLS_AT_MOST = 250_000
"""Rows of a table or of a hierarchy: what the memory of a small machine (2 GiB) holds, with all that is made of it."""

_CHUNK = 4 << 20


Parents = dict[str, dict[str, str]]


def read_specs(path: Path) -> list[tuple[Spec, Parents]]:
    """The spec of one table, or of each that a spec describes; and, per dimension with a hierarchy, the parent of each code.
    Raises Refused `disclosure.*`."""
    specs = parse_tables(spec_text.read(_text(path), path.name))
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
    parts = written.parts(protected)
    try:
        for folder in (out, public) if parts else ():
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise Refused("disclosure.file_unwritable", {"file": out.name}) from None
    for part, own, file in parts or [(protected, spec, "")]:
        _write_table(part, own, out / file, None if public is None else public / file)
    with _replacing(out.with_name(out.name + ".cert.jsonl")) as told:
        for chunk in _chunks(written.certificates(protected)):
            told.write(chunk)


def _write_table(protected: Protected, spec: Spec, out: Path, public: Path | None) -> None:
    rows = list(written.rows(protected, spec))
    names = [one.name for one in spec.dimensions]
    with _replacing(out) as file:
        _as_csv(file, [*names, spec.published, "status", "lower", "upper", "bounds"], rows)
    if public is not None:
        with _replacing(public) as file:
            _as_csv(
                file,
                [*names, spec.published, "status"],
                (written.public(row, names, spec.published) for row in rows),
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


def _as_csv(file: IO[bytes], names: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    with io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False) as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([row[name] for name in names] for row in rows)
