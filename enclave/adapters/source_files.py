"""A holder's files as they arrive: copied whole, readable to the last byte, with the columns that were promised.

Decides nothing about data; says where a file is not what its descriptor promises: file, line and column, never a value.
Relies on DuckDB's readers for CSV (quotes doubled, comma, a header line) and Parquet. Text is UTF-8, or Shift-JIS
(CP932, as the ministry's files come) where the descriptor says so; it is UTF-8 from here on.
"""

import codecs
import csv
import gzip
import hashlib
import io
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import duckdb

from enclave.adapters.custody_engine import quiet, quoted, text
from enclave.catalogue.descriptor import Column, ColumnType
from enclave.core.refusal import Refused

BLOCK = 1 << 20
ENCODINGS = {"utf-8": "utf-8-sig", "shift_jis": "cp932"}
"""What a descriptor may call an encoding, and the codec that reads it."""


@dataclass(frozen=True)
class Copied:
    """A file in custody's own folder. `types` are the engine's types by column where the file itself says them."""

    path: Path
    digest: str
    header: tuple[str, ...]
    types: Mapping[str, str] | None

    @property
    def parquet(self) -> bool:
        return self.types is not None


def copy_in(place: Mapping[str, str], path: Path, folder: Path, encoding: str = "utf-8") -> Copied:
    """Copy a file into custody's folder and look at its form: what is examined is what is kept.

    `place` is `{database, table, file}` for refusals. Raises Refused `catalogue.file_missing`,
    `catalogue.bytes_unreadable` (with line and column), `catalogue.file_unreadable`, `custody.disk_full`.
    """
    parquet = path.name.endswith(".parquet")
    kept = folder / f"{place['table']}.{'parquet' if parquet else 'csv'}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with quiet("catalogue.file_unreadable", place):
        digest = _copy(place, path, kept) if parquet else _copy_text(place, path, kept, encoding)
    if parquet:
        types = _parquet_types(place, kept)
        return Copied(kept, digest, tuple(types), types)
    return Copied(kept, digest, tuple(_header(place, kept)), None)


@contextmanager
def _opened(place: Mapping[str, str], path: Path) -> Iterator[IO[bytes]]:
    try:
        file = path.open("rb")
    except OSError:
        raise Refused("catalogue.file_missing", place) from None
    with file:
        yield file


@contextmanager
def _private(path: Path) -> Iterator[IO[bytes]]:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
        yield target
        target.flush()
        os.fsync(target.fileno())


def _copy(place: Mapping[str, str], path: Path, kept: Path) -> str:
    digest = hashlib.sha256()
    with _opened(place, path) as source, _private(kept) as target:
        while block := source.read(BLOCK):
            digest.update(block)
            target.write(block)
    return "sha256:" + digest.hexdigest()


class _Digesting(io.RawIOBase):
    """Reads a file and digests what was read, so that a packed file's digest is that of its bytes on disk."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._source.read(len(buffer))
        self.digest.update(block)
        buffer[: len(block)] = block
        return len(block)


def _copy_text(place: Mapping[str, str], path: Path, kept: Path, encoding: str) -> str:
    """Unpacked and as UTF-8, decoded to the last byte: the engine would stop at a broken one without saying where."""
    decoder = codecs.getincrementaldecoder(ENCODINGS[encoding])()
    line, column = 1, 1
    with _opened(place, path) as source, _private(kept) as target:
        read = _Digesting(source)
        buffered = io.BufferedReader(read, BLOCK)
        unpacked: IO[bytes] = gzip.GzipFile(fileobj=buffered) if path.name.endswith(".gz") else buffered  # type: ignore[assignment]
        while True:
            try:
                block = unpacked.read(BLOCK)
            except (EOFError, gzip.BadGzipFile, OSError) as error:
                if isinstance(error, gzip.BadGzipFile | EOFError):
                    raise Refused("catalogue.file_unreadable", place) from None
                raise
            try:
                decoded = decoder.decode(block, final=not block)
            except UnicodeDecodeError as wrong:
                good = wrong.object[: wrong.start].decode(ENCODINGS[encoding], "replace")
                line, column = _after(good, line, column)
                facts = {**place, "line": line, "column": column, "encoding": encoding}
                raise Refused("catalogue.bytes_unreadable", facts) from None
            if "\0" in decoded:
                # No text has one, and the engine would say neither where nor what.
                line, column = _after(decoded[: decoded.index("\0")], line, column)
                facts = {**place, "line": line, "column": column, "encoding": encoding}
                raise Refused("catalogue.bytes_unreadable", facts)
            target.write(decoded.encode())
            line, column = _after(decoded, line, column)
            if not block:
                break
        while buffered.read(BLOCK):  # what lies behind the packed part belongs to the digest
            pass
    return "sha256:" + read.digest.hexdigest()


def _after(read: str, line: int, column: int) -> tuple[int, int]:
    """Line and column (in characters) behind a text that began at `line`, `column`."""
    ends = read.count("\n")
    return (line + ends, len(read) - read.rfind("\n")) if ends else (line, column + len(read))


def _header(place: Mapping[str, str], path: Path) -> list[str]:
    with path.open("rt", encoding="utf-8", newline="") as opened:
        try:
            header = next(csv.reader([opened.readline(BLOCK)]))
        except (StopIteration, csv.Error):
            raise Refused("catalogue.file_unreadable", {**place, "line": 1}) from None
    if not header:
        raise Refused("catalogue.file_unreadable", {**place, "line": 1})
    return header


def _parquet_types(place: Mapping[str, str], path: Path) -> dict[str, str]:
    with duckdb.connect(":memory:") as connection, quiet("catalogue.file_unreadable", place):
        rows = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({text(str(path))})").fetchall()
    return {str(name): str(kind) for name, kind, *_ in rows}


# -- as the engine reads it ------------------------------------------------------------------------
def relation(copied: Copied, missing: Sequence[str]) -> str:
    """The file as a relation. A CSV's columns are all texts; an absent value of either is NULL."""
    path = text(str(copied.path))
    if copied.parquet:
        return f"read_parquet({path})"
    columns = ", ".join(f"{text(name)}: 'VARCHAR'" for name in copied.header)
    absent = ", ".join(text(one) for one in ("", *missing))
    return (
        f"read_csv({path}, columns = {{{columns}}}, header = true, auto_detect = false,"
        f" delim = ',', quote = '\"', escape = '\"', nullstr = [{absent}])"
    )


_WHOLE = frozenset(
    {f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG", "")}
    | {"INTEGER", "UINTEGER"}
)
_NATIVE: Mapping[ColumnType, frozenset[str]] = {
    ColumnType.INT: _WHOLE,
    ColumnType.FLOAT: _WHOLE | {"FLOAT", "DOUBLE"},
    ColumnType.BOOL: frozenset({"BOOLEAN"}),
    ColumnType.DATE: frozenset({"DATE"}),
    ColumnType.MONTH: frozenset({"DATE"}),
    ColumnType.TEXT: frozenset(),
    ColumnType.CODE: frozenset(),
}
"""Engine types of a Parquet column that are taken as they are; text is always read as a CSV's text would be."""


def raw_of(column: Column, copied: Copied, missing: Sequence[str]) -> str:
    """The column as it stands in the file."""
    name = quoted(column.source)
    if copied.types is None or copied.types[column.source] != "VARCHAR":
        return name
    for one in ("", *missing):
        name = f"nullif({name}, {text(one)})"
    return name


def whole(column: Column, copied: Copied) -> bool:
    """Whether an identifier stands in the file as a whole number."""
    return copied.types is not None and copied.types[column.source] in _WHOLE


def typed(column: Column, copied: Copied, missing: Sequence[str]) -> str:
    """The value in its declared type, NULL where it cannot be read as one. Never rounds.

    Raises Refused `catalogue.column_type` for a Parquet column of a type that the declared one cannot be.
    """
    raw = raw_of(column, copied, missing)
    held = "VARCHAR" if copied.types is None else copied.types[column.source]
    if held == "VARCHAR":
        return _read_text(column.type, raw)
    if held not in _NATIVE[column.type]:
        facts = {
            "name": column.name,
            "type": column.type.value,
            "found": re.sub(r"[^A-Z0-9_]", "", held)[:20],
        }
        raise Refused("catalogue.column_type", facts)
    match column.type:
        case ColumnType.INT:
            return f"TRY_CAST({raw} AS BIGINT)"
        case ColumnType.FLOAT:
            return f"CASE WHEN isfinite({raw}::DOUBLE) THEN {raw}::DOUBLE END"
        case ColumnType.MONTH:
            return f"CASE WHEN day({raw}) = 1 THEN {raw} END"
        case _:
            return raw


def _read_text(kind: ColumnType, raw: str) -> str:
    match kind:
        case ColumnType.TEXT | ColumnType.CODE:
            return raw
        case ColumnType.INT:
            number = f"TRY_CAST(split_part(trim({raw}), '.', 1) AS BIGINT)"
            return f"CASE WHEN regexp_full_match(trim({raw}), '[+-]?[0-9]{{1,18}}([.]0*)?') THEN {number} END"
        case ColumnType.FLOAT:
            number = f"TRY_CAST({raw} AS DOUBLE)"
            return f"CASE WHEN isfinite({number}) THEN {number} END"
        case ColumnType.BOOL:
            return f"TRY_CAST(lower(trim({raw})) AS BOOLEAN)"
        case ColumnType.DATE:
            day = f"TRY_CAST(trim({raw}) AS DATE)"
            return (
                f"CASE WHEN regexp_full_match(trim({raw}), '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}') THEN {day} END"
            )
        case ColumnType.MONTH:
            digits = f"regexp_replace(trim({raw}), '-', '', 'g')"
            first = f"TRY_CAST(left({digits}, 4) || '-' || right({digits}, 2) || '-01' AS DATE)"
            return f"CASE WHEN regexp_full_match(trim({raw}), '[0-9]{{4}}-?[0-9]{{2}}') THEN {first} END"


def identifier(raw: str) -> str:
    """The one spelling of an identifier in text: no white space around it, and `10630.0` is `10630`."""
    return f"nullif(regexp_replace(trim({raw}), '^([0-9]+)[.]0+$', '\\1'), '')"


# -- where a file is wrong -------------------------------------------------------------------------
def line_of_record(copied: Copied, record: int) -> int:
    """The line on which the `record`-th record (from 1, without the header) of a CSV begins; of Parquet, the record."""
    if copied.parquet:
        return record
    with copied.path.open("rt", encoding="utf-8", newline="") as opened:
        reader = csv.reader(opened)
        next(reader)
        for _ in range(record - 1):
            next(reader)
        return reader.line_num + 1


def where_in(copied: Copied, message: str) -> dict[str, object]:
    """Where a CSV cannot be read: its line, and the column where a record has too few fields or too many.

    The engine names a line, or none; nothing else of its message may be used, since it quotes the line. Where it names
    none, the file is read once more: for a record of another width, or a line that ends otherwise than the first.
    """
    if copied.parquet:
        return {}
    found = re.search(r"CSV Error on Line: (\d+)", message)
    told: dict[str, object] = {"line": int(found.group(1))} if found else {}
    wrong = _wrong_record(copied)
    return {**wrong, **told} if not told or told["line"] == wrong.get("line") else told


def _wrong_record(copied: Copied) -> dict[str, object]:
    last: list[str] = []

    def lines(opened: IO[str]) -> Iterator[str]:
        for line in opened:
            last[:] = [line]
            yield line

    begins, ending = 1, None
    with copied.path.open("rt", encoding="utf-8", newline="") as opened:
        reader = csv.reader(lines(opened), strict=True)
        try:
            for fields in reader:
                if fields and len(fields) < len(copied.header):
                    return {"line": begins, "column": copied.header[len(fields)]}
                if len(fields) > len(copied.header):
                    return {"line": begins, "column": len(copied.header) + 1}
                ends = last[0][len(last[0].rstrip("\r\n")) :]
                if ends and ends != (ending := ending or ends):
                    return {"line": reader.line_num}
                begins = reader.line_num + 1
        except csv.Error:
            return {"line": begins}
    return {}


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
