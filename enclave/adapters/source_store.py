"""A database as custody keeps it: one encrypted file per registration, made for the extracts that follow.

Decides how values are kept, not which: the descriptor names the columns. Every identifier of a person, a facility or a
record is replaced by its *seat*, a dense number within this file; the identifier itself stands once, in the list of
seats. Repeated texts are kept as codes of a dictionary and whole numbers as narrow as they are: the rows that an
extract sorts are then a third as wide. Nothing of the arriving files is kept beside this file.

Layout of `store.duckdb`:

- `held.<table>`: the descriptor's columns; `pid` and other identifiers are seats;
- `seats.<kind>` (`person`, `facility`, `record`): `seat`, `source` (whole number or text);
- `links.identifiers`, where the descriptor has identifiers: `seat`, the keys as UUID, `sex`, `birth_ym`, `first_seen`,
  `last_seen`.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from enclave.adapters import source_files
from enclave.adapters.custody_engine import Attached, engine, quiet, quoted, text
from enclave.adapters.source_files import Copied
from enclave.catalogue.descriptor import PID, Column, ColumnType, Descriptor, Table, Taken, taken
from enclave.core.refusal import Refused
from enclave.custody.plan import Kind, kind_of

STORE_FILE = "store.duckdb"
STORE = "store"
"""The name under which a store's file is attached."""

MOST_CODES = 60_000
"""Different texts of a column beyond which it is kept as text: a dictionary would not narrow it."""

_KEYED = frozenset({"id1", "id2", "id4", "id5"})


@dataclass(frozen=True)
class TableTaken:
    """What was taken in of one file."""

    taken: Taken
    digest: str
    rows: int
    persons: int | None


@dataclass(frozen=True)
class _Staged:
    """A file that has been looked at: its relation with every column typed and named, identifiers as `id <name>`."""

    table: Table
    copied: Copied
    relation: str
    columns: Sequence[Column]


def take_in(descriptor: Descriptor, home: Path, folder: Path, key: str, spill: Path) -> dict[str, TableTaken]:
    """Make `folder/store.duckdb` of a descriptor's files below `home`; what was taken in, by table.

    1. Copy each file; every byte of a text must be readable.
    2. Every named column is there, every value is of its type, everybody who is promised is there.
    3. Number the identifiers; write the tables; remove the copies.

    One thing wrong and nothing is taken in: the folder is the caller's to remove. Raises Refused `catalogue.*` with
    file, line and column; `custody.disk_full`, `custody.engine`.
    """
    arriving = folder / "arriving"
    found: dict[str, TableTaken] = {}
    copies: dict[str, tuple[Copied, Taken]] = {}
    for name, table in descriptor.tables.items():
        place = _place(descriptor, table)
        copied = source_files.copy_in(place, home / table.file, arriving, table.encoding)
        try:
            copies[name] = copied, taken(table, list(copied.header), descriptor.database)
        except Refused as no:
            raise Refused(no.code, {**place, **no.facts, **({} if copied.parquet else {"line": 1})}) from None
    links = _links_file(descriptor, home, arriving)
    path = folder / STORE_FILE
    store = Attached(path, STORE, key, writable=True)
    with engine([store], reads=[arriving], spill=spill) as connection:
        for schema in ("held", "seats", "links"):
            connection.execute(f"CREATE SCHEMA {STORE}.{schema}")
        staged = [_stage(connection, descriptor, descriptor.tables[n], copies[n][0]) for n in copies]
        link_relation = None if links is None else _stage_links(connection, descriptor, links)
        _number(connection, descriptor, staged, link_relation)
        for one in staged:
            rows, persons = _write(connection, descriptor, one)
            copied, columns = copies[one.table.name]
            found[one.table.name] = TableTaken(columns, copied.digest, rows, persons)
        if link_relation is not None:
            _write_links(connection, descriptor, link_relation)
        with quiet("custody.engine", {}):
            connection.execute(f"CHECKPOINT {STORE}")
            connection.execute(f"DETACH {STORE}")
    source_files.remove(arriving)
    os.chmod(path, 0o600)
    return found


def _place(descriptor: Descriptor, table: Table) -> dict[str, str]:
    return {"database": descriptor.database, "table": table.name, "file": table.file}


# -- examining ---------------------------------------------------------------------------------------
def _stage(connection: Any, descriptor: Descriptor, table: Table, copied: Copied) -> _Staged:
    """Look at every value of a file once. Raises Refused `catalogue.*`."""
    place = _place(descriptor, table)
    columns = list(table.columns.values())
    raw = {c.name: source_files.raw_of(c, copied, table.missing) for c in columns}
    read = [f"{_value(place, c, copied, table.missing)} AS {_staged_name(c)}" for c in columns]
    read += [f"{raw[c.name]} AS {quoted(f'raw {c.name}')}" for c in columns]
    relation = f"(SELECT {', '.join(read)} FROM {source_files.relation(copied, table.missing)})"
    counts = ["count(*)"]
    for column in columns:
        counts += [f"count({quoted(f'raw {column.name}')})", f"count({_staged_name(column)})"]
    with quiet("catalogue.file_unreadable", place, partial(source_files.where_in, copied)):
        if not copied.parquet:
            # A CSV is read once: what is numbered and written later comes from here.
            staged = quoted(f"staged {table.name}")
            connection.execute(f"CREATE TEMP TABLE {staged} AS FROM {relation}")
            relation = staged
        rows, *pairs = connection.execute(f"SELECT {', '.join(counts)} FROM {relation}").fetchone()
    for position, column in enumerate(columns):
        there, readable = pairs[2 * position], pairs[2 * position + 1]
        facts: dict[str, object] = {**place, "column": column.name}
        absent = f"{_staged_name(column)} IS NULL"
        if column.name == PID and readable < rows:
            line = source_files.line_of_record(copied, _first(connection, relation, absent))
            raise Refused("catalogue.person_absent", {**facts, "rows": rows - readable, "line": line})
        if readable < there and not _identifying(column):
            wrong = f"{absent} AND {quoted(f'raw {column.name}')} IS NOT NULL"
            line = source_files.line_of_record(copied, _first(connection, relation, wrong))
            told = {"type": column.type.value, "rows": there - readable, "line": line}
            raise Refused("catalogue.value_unreadable", {**facts, **told})
    if table.one_row_per_person:
        _check_one_row(connection, place, copied, relation, table)
    return _Staged(table, copied, relation, columns)


def _identifying(column: Column) -> bool:
    return kind_of(column) is not Kind.VALUE and kind_of(column) is not Kind.RECORD


def _value(place: Mapping[str, str], column: Column, copied: Copied, missing: Sequence[str]) -> str:
    raw = source_files.raw_of(column, copied, missing)
    if _identifying(column):
        return raw if source_files.whole(column, copied) else source_files.identifier(f"{raw}::VARCHAR")
    try:
        return source_files.typed(column, copied, missing)
    except Refused as no:
        raise Refused(no.code, {**place, "column": column.name, **no.facts}) from None


def _staged_name(column: Column) -> str:
    return quoted(f"id {column.name}" if kind_of(column) is not Kind.VALUE else column.name)


def _first(connection: Any, relation: str, condition: str) -> int:
    """The number, from 1, of the first row that fulfils a condition, in the file's own order."""
    query = f"SELECT min(n) FROM (SELECT row_number() OVER () AS n, * FROM {relation}) WHERE {condition}"
    with quiet("custody.engine", {}):
        return int(connection.execute(query).fetchone()[0] or 1)


def _check_one_row(
    connection: Any, place: Mapping[str, str], copied: Copied, relation: str, table: Table
) -> None:
    person = _staged_name(table.columns[PID])
    repeated = (
        "SELECT count(*), min(o) FROM (SELECT o, row_number() OVER (PARTITION BY p ORDER BY o) AS k"
        f" FROM (SELECT row_number() OVER () AS o, {person} AS p FROM {relation})) WHERE k > 1"
    )
    with quiet("custody.engine", {}):
        rows, record = connection.execute(repeated).fetchone()
    if rows:
        told = {"column": table.columns[PID].source, "rows": rows}
        line = source_files.line_of_record(copied, int(record))
        raise Refused("catalogue.person_repeated", {**place, **told, "line": line})


# -- numbering ---------------------------------------------------------------------------------------
def _number(connection: Any, descriptor: Descriptor, staged: Sequence[_Staged], links: str | None) -> None:
    """Give every identifier of each kind a seat. Whole numbers stay whole where every place of a kind has them."""
    for kind in (Kind.PERSON, Kind.FACILITY, Kind.RECORD):
        places = [
            (one.relation, _staged_name(c), kind is Kind.RECORD or source_files.whole(c, one.copied))
            for one in staged
            for c in one.columns
            if kind_of(c) is kind
        ]
        if kind is Kind.PERSON and links is not None:
            places.append((links, "person", True))
        if not places:
            continue
        if kind is Kind.PERSON and descriptor.identifiers is not None and not all(w for *_, w in places):
            # Linked records are numbered by their holder; a text here is another database's name for somebody.
            raise Refused("catalogue.person_number", {"database": descriptor.database})
        number = "BIGINT" if kind is Kind.RECORD else "UBIGINT"
        held = number if all(w for *_, w in places) else "VARCHAR"
        every = " UNION ALL ".join(
            f"SELECT {name}::{held} AS source FROM {relation} WHERE {name} IS NOT NULL"
            for relation, name, _ in places
        )
        with quiet("catalogue.value_unreadable", {"database": descriptor.database, "type": "identifier"}):
            connection.execute(
                f"CREATE TABLE {STORE}.seats.{kind.value} AS"
                f" SELECT (row_number() OVER (ORDER BY source) - 1)::UINTEGER AS seat, source"
                f" FROM (SELECT DISTINCT source FROM ({every}))"
            )


def _write(connection: Any, descriptor: Descriptor, one: _Staged) -> tuple[int, int | None]:
    """Write `held.<table>`; its rows and persons."""
    table, place = one.table, _place(descriptor, one.table)
    joins, chosen = [], []
    with quiet("custody.engine", place):
        narrow = _narrow(connection, place, one)
        for number, column in enumerate(one.columns):
            name, kind = quoted(column.name), kind_of(column)
            if kind is Kind.VALUE:
                cast = narrow.get(column.name)
                chosen.append(f"s.{name}::{cast} AS {name}" if cast else f"s.{name}")
                continue
            seats = f"{STORE}.seats.{kind.value}"
            held = connection.execute(f"SELECT typeof(source) FROM {seats} LIMIT 1").fetchone()
            cast = held[0] if held else "VARCHAR"
            joins.append(
                f" LEFT JOIN {seats} k{number} ON s.{_staged_name(column)}::{cast} = k{number}.source"
            )
            chosen.append(f"k{number}.seat AS {name}")
        target = f"{STORE}.held.{quoted(table.name)}"
        connection.execute(
            f"CREATE TABLE {target} AS SELECT {', '.join(chosen)} FROM {one.relation} s{''.join(joins)}"
        )
        persons = f"count(DISTINCT {PID})" if table.person_level else "NULL"
        rows, people = connection.execute(f"SELECT count(*), {persons} FROM {target}").fetchone()
        if not one.copied.parquet:
            connection.execute(f"DROP TABLE {one.relation}")
    return int(rows), None if people is None else int(people)


def _narrow(connection: Any, place: Mapping[str, str], one: _Staged) -> dict[str, str]:
    """The narrowest type that holds a column: an integer's width, or a dictionary of its texts."""
    values = [c for c in one.columns if kind_of(c) is Kind.VALUE]
    asked = []
    for column in values:
        name = quoted(column.name)
        if column.type is ColumnType.INT:
            asked.append(f"min({name})::VARCHAR || ',' || max({name})::VARCHAR")
        elif column.type in {ColumnType.TEXT, ColumnType.CODE}:
            asked.append(f"approx_count_distinct({name})::VARCHAR")
        else:
            asked.append("NULL")
    if not asked:
        return {}
    told = connection.execute(f"SELECT {', '.join(asked)} FROM {one.relation}").fetchone()
    found: dict[str, str] = {}
    for column, said in zip(values, told, strict=True):
        if said is None:
            continue
        if column.type is ColumnType.INT:
            low, high = (int(part) for part in said.split(","))
            found[column.name] = _integer(low, high)
        elif int(said) <= MOST_CODES:
            found[column.name] = _dictionary(connection, place, one, column)
    return found


def _integer(low: int, high: int) -> str:
    for name, bits in (("TINYINT", 7), ("SMALLINT", 15), ("INTEGER", 31)):
        if -(1 << bits) <= low and high < 1 << bits:
            return name
    return "BIGINT"


def _dictionary(connection: Any, place: Mapping[str, str], one: _Staged, column: Column) -> str:
    name = quoted(column.name)
    words = connection.execute(
        f"SELECT DISTINCT {name} FROM {one.relation} WHERE {name} IS NOT NULL ORDER BY 1"
    ).fetchall()
    if not words or len(words) > MOST_CODES * 2:
        return "VARCHAR"
    if any("\0" in word[0] for word in words):
        line = source_files.line_of_record(
            one.copied, _first(connection, one.relation, f"contains({name}, chr(0))")
        )
        facts = {**place, "column": column.name, "type": column.type.value, "rows": 1, "line": line}
        raise Refused("catalogue.value_unreadable", facts)
    dictionary = f"{STORE}.held.{quoted(f'{one.table.name} {column.name}')}"
    connection.execute(f"CREATE TYPE {dictionary} AS ENUM ({', '.join(text(word[0]) for word in words)})")
    return dictionary


# -- identifiers -------------------------------------------------------------------------------------
def _links_file(descriptor: Descriptor, home: Path, arriving: Path) -> Copied | None:
    about = descriptor.identifiers
    if about is None:
        return None
    place = {"database": descriptor.database, "table": "identifiers", "file": about.file}
    copied = source_files.copy_in(place, home / about.file, arriving)
    missing = [name for name in _link_columns(descriptor) if name not in copied.header]
    if missing:
        raise Refused("catalogue.column_missing", {**place, "columns": missing})
    return copied


def _link_columns(descriptor: Descriptor) -> list[str]:
    about = descriptor.identifiers
    return [] if about is None else [about.person, *about.keys, "sex", "birth_ym", "first_seen", "last_seen"]


def _stage_links(connection: Any, descriptor: Descriptor, copied: Copied) -> str:
    """The identifiers, typed: keys of 32 hexadecimal digits as UUID. Raises Refused `catalogue.value_unreadable`."""
    about = descriptor.identifiers
    if about is None:
        raise ValueError("a descriptor without identifiers")
    place = {"database": descriptor.database, "table": "identifiers", "file": about.file}
    raw = {name: f"nullif(trim({quoted(name)}::VARCHAR), '')" for name in _link_columns(descriptor)}
    person = f"CASE WHEN regexp_full_match({raw[about.person]}, '[0-9]{{1,19}}') THEN TRY_CAST({raw[about.person]} AS UBIGINT) END"
    chosen = {"person": (person, about.person)}
    for key in sorted(_KEYED):
        value = "NULL::UUID"
        if key in about.keys:
            value = f"CASE WHEN regexp_full_match({raw[key]}, '[0-9a-f]{{32}}') THEN TRY_CAST({raw[key]} AS UUID) END"
        chosen[key] = (value, key)
    chosen["sex"] = (f"CASE WHEN {raw['sex']} IN ('1', '2') THEN {raw['sex']}::TINYINT END", "sex")
    for day in ("birth_ym", "first_seen", "last_seen"):
        chosen[day] = (f"TRY_CAST({raw[day]} AS DATE)", day)
    staged = '"staged identifiers"'
    relation = source_files.relation(copied, ())
    with quiet("catalogue.file_unreadable", place, partial(source_files.where_in, copied)):
        connection.execute(
            f"CREATE TEMP TABLE {staged} AS SELECT {', '.join(f'{sql} AS {name}' for name, (sql, _) in chosen.items())}"
            f" FROM {relation}"
        )
        there = [f"count({raw[source]})" if source in raw else "0" for _, source in chosen.values()]
        counted = connection.execute(f"SELECT count(*), {', '.join(there)} FROM {relation}").fetchone()
        kept = connection.execute(
            f"SELECT {', '.join(f'count({name})' for name in chosen)} FROM {staged}"
        ).fetchone()
    for name, there_, kept_ in zip(chosen, counted[1:], kept, strict=True):
        wanted = counted[0] if name in {"person", "first_seen", "last_seen"} else there_
        if kept_ < wanted:
            # Where in the file: the first row that cannot be read.
            condition = f"{name} IS NULL"
            if name not in {"person", "first_seen", "last_seen"}:
                value, source = chosen[name]
                staged_with = f"(SELECT {value} AS {name}, {raw[source]} AS there FROM {relation})"
                record = _first(connection, staged_with, f"{condition} AND there IS NOT NULL")
            else:
                record = _first(connection, staged, condition)
            line = source_files.line_of_record(copied, record)
            facts = {**place, "column": name, "type": "identifier", "rows": wanted - kept_, "line": line}
            raise Refused("catalogue.value_unreadable", facts)
    return staged


def _write_links(connection: Any, descriptor: Descriptor, staged: str) -> None:
    with quiet("custody.engine", {"database": descriptor.database, "table": "identifiers"}):
        connection.execute(
            f"CREATE TABLE {STORE}.links.identifiers AS SELECT k.seat, s.* EXCLUDE (person)"
            f" FROM {staged} s JOIN {STORE}.seats.person k ON s.person = k.source"
        )
        connection.execute(f"DROP TABLE {staged}")
