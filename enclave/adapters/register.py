"""The register of a population: which number every person and facility has, and which block every person is in.

Decides nothing about links (`enclave.custody.linkage`) or blocks (`enclave.custody.blocks`); keeps what follows from
them, for ever: a number is given once and never again, and a person keeps theirs when a source is refreshed. Relies on
the stores (`enclave.adapters.source_store`). A register is never changed: the next one is made beside it and takes its
place in one transaction of the vault, so that whatever fails leaves the population as it was.

Two kinds of databases share a population:

- those whose holder gives identifiers (`identifiers` in the descriptor): numbers of records are the database's own, and
  linkage finds who is who. They share the population `residents` unless they name another;
- the others: the same identifier is the same person in every database of the population.

Layout of the file: `numbers.shared(source, number)`, `numbers.facility(source, number)`, `numbers."of <database>"
(source, number)`, `blocks.person(number, block)`, `blocks.cell(c0, c1, …, block)`, `about.next(number)`.
"""

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from enclave.adapters.custody_engine import Attached, engine, quiet, quoted, text
from enclave.adapters.person_linkage import link
from enclave.catalogue.descriptor import PID, Column, ColumnType, Descriptor, Role
from enclave.custody import blocks as block_rules
from enclave.custody.blocks import Cell
from enclave.custody.plan import Kind, kind_of
from enclave.custody.pseudonym import SIZE

REGISTER = "register"
_BEFORE = "before"
BAND_YEARS = 5


@dataclass(frozen=True)
class BlockRule:
    """From the rule sets: how many persons a block has at least, and along which columns it is cut, in order."""

    k: int
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Member:
    """One database of a population: what it is, where its store lies, and which of its persons are withdrawn."""

    descriptor: Descriptor
    store: Attached
    withdrawn: frozenset[str]

    @property
    def linked(self) -> bool:
        return self.descriptor.identifiers is not None


def make(
    members: Sequence[Member],
    path: Path,
    key: str,
    *,
    before: Attached | None,
    legacy: Mapping[str, tuple[Sequence[str], Sequence[int]]],
    blocks: BlockRule | None,
    spill: Path,
) -> dict[str, Any]:
    """Write the register of a population to `path`; what it counts: `{persons, blocks, smallest_block}`.

    1. Everybody who has a number keeps it, whether or not a source still names them.
    2. Withdrawn records are left out before anything is linked.
    3. Who is new gets the next numbers, in an order that no source tells.
    4. Blocks: whoever has one keeps it.

    `legacy` is what an earlier version kept, by `shared` and `facility`. Raises Refused `custody.engine`,
    `custody.disk_full`.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = [Attached(path, REGISTER, key, writable=True), *(one.store for one in members)]
    if before is not None:
        files.append(Attached(before.path, _BEFORE, before.key))
    with engine(files, spill=spill) as connection, quiet("custody.engine", {}):
        for schema in ("numbers", "blocks", "about"):
            connection.execute(f"CREATE SCHEMA {REGISTER}.{schema}")
        connection.execute("CREATE TEMP TABLE salt AS SELECT ?::VARCHAR AS salt", [secrets.token_hex(16)])
        _take_over(connection, before is not None, legacy)
        _number_shared(connection, members)
        linked = [one for one in members if one.linked]
        if linked:
            _number_linked(connection, linked, before is not None)
        _number_facilities(connection, members)
        counts = _form_blocks(connection, members, before is not None, blocks)
        connection.execute(f"CHECKPOINT {REGISTER}")
        connection.execute(f"DETACH {REGISTER}")
    os.chmod(path, 0o600)
    return counts


def _take_over(
    connection: Any, before: bool, legacy: Mapping[str, tuple[Sequence[str], Sequence[int]]]
) -> None:
    for name in ("shared", "facility"):
        table = f"{REGISTER}.numbers.{name}"
        if before:
            connection.execute(f"CREATE TABLE {table} AS FROM {_BEFORE}.numbers.{name}")
            continue
        texts, numbers = legacy.get(name, ((), ()))
        kept = pa.table({"source": pa.array(texts, pa.string()), "number": pa.array(numbers, pa.uint32())})
        connection.register("kept", kept)
        connection.execute(f"CREATE TABLE {table} AS SELECT source, number FROM kept")
        connection.unregister("kept")
    first = f"(SELECT coalesce(max(number) + 1, 0) FROM {REGISTER}.numbers.shared)"
    if before:
        connection.execute(f"CREATE TABLE {REGISTER}.about.next AS FROM {_BEFORE}.about.next")
    else:
        connection.execute(f"CREATE TABLE {REGISTER}.about.next AS SELECT {first}::UBIGINT AS number")


def _deal(connection: Any, newcomers: str, columns: str) -> str:
    """A query that gives each row of `newcomers` the next number, in an order that nothing tells."""
    return (
        f"SELECT {columns}, ((SELECT number FROM {REGISTER}.about.next) + row_number()"
        f" OVER (ORDER BY hash({columns}, (SELECT salt FROM salt))) - 1)::UINTEGER AS number FROM {newcomers}"
    )


def _dealt(connection: Any, count: int) -> None:
    connection.execute(f"UPDATE {REGISTER}.about.next SET number = number + ?", [count])
    (now,) = connection.execute(f"SELECT number FROM {REGISTER}.about.next").fetchone()
    if now > SIZE:
        raise ValueError("a population of more than 2^32 persons")


def _inserted(connection: Any, table: str, newcomers: str) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE dealt AS {_deal(connection, newcomers, 'source')}")
    connection.execute(f"INSERT INTO {table} SELECT source, number FROM dealt")
    (count,) = connection.execute("SELECT count(*) FROM dealt").fetchone()
    _dealt(connection, int(count))


def _number_shared(connection: Any, members: Sequence[Member]) -> None:
    sources = [
        f"SELECT source::VARCHAR AS source FROM {quoted(one.store.name)}.seats.person"
        for one in members
        if not one.linked and _has(one.descriptor, Kind.PERSON)
    ]
    if sources:
        table = f"{REGISTER}.numbers.shared"
        new = f"(SELECT source FROM ({' UNION '.join(sources)}) n ANTI JOIN {table} USING (source))"
        _inserted(connection, table, new)


def _number_facilities(connection: Any, members: Sequence[Member]) -> None:
    """Facilities are numbered apart from persons: their pseudonyms come from a key of their own."""
    sources = [
        f"SELECT source::VARCHAR AS source FROM {quoted(one.store.name)}.seats.facility"
        for one in members
        if _has(one.descriptor, Kind.FACILITY)
    ]
    if not sources:
        return
    table = f"{REGISTER}.numbers.facility"
    connection.execute(
        f"INSERT INTO {table} SELECT source, ((SELECT coalesce(max(number) + 1, 0) FROM {table}) + row_number()"
        f" OVER (ORDER BY hash(source, (SELECT salt FROM salt))) - 1)::UINTEGER"
        f" FROM ({' UNION '.join(sources)}) n ANTI JOIN {table} USING (source)"
    )


def _has(descriptor: Descriptor, kind: Kind) -> bool:
    links = kind is Kind.PERSON and descriptor.identifiers is not None
    return links or any(kind_of(c) is kind for t in descriptor.tables.values() for c in t.columns.values())


# -- linked databases --------------------------------------------------------------------------------
def withdrawn_table(connection: Any, name: str, withdrawn: frozenset[str], seats: str) -> str:
    """A temporary table of withdrawn identifiers, as texts that equal those of a store's list of `seats`.

    Where these are whole numbers, `007` is 7; a text `007` is itself.
    """
    held = connection.execute(f"SELECT typeof(source) FROM {seats} LIMIT 1").fetchone()
    if held and held[0] != "VARCHAR":
        withdrawn = frozenset(str(int(one)) if one.isascii() and one.isdigit() else one for one in withdrawn)
    rows = pa.table({"source": pa.array(sorted(withdrawn), pa.string())})
    connection.register("withdrawing", rows)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS SELECT source FROM withdrawing")
    connection.unregister("withdrawing")
    return quoted(name)


def here(store: Attached, persons: frozenset[str]) -> int:
    """How many of some persons, by the holder's identifiers, a store knows. Raises Refused `custody.engine`."""
    with engine([store]) as connection, quiet("custody.engine", {}):
        known = "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND schema_name = 'seats' AND table_name = 'person'"
        if connection.execute(known, [store.name]).fetchone() is None:
            return 0
        seats = f"{quoted(store.name)}.seats.person"
        asked = withdrawn_table(connection, "asked", persons, seats)
        (found,) = connection.execute(
            f"SELECT count(DISTINCT source) FROM {seats} WHERE source::VARCHAR IN (FROM {asked})"
        ).fetchone()
    return int(found)


def _number_linked(connection: Any, members: Sequence[Member], before: bool) -> None:
    nodes, observations, earlier = [], [], []
    for one in members:
        store, database = quoted(one.store.name), text(one.descriptor.database)
        seats = f"{store}.seats.person"
        gone = withdrawn_table(connection, f"withdrawn {one.descriptor.database}", one.withdrawn, seats)
        nodes.append(
            f"SELECT {database} AS database, seat, source FROM {store}.seats.person"
            f" WHERE source::VARCHAR NOT IN (FROM {gone})"
        )
        observations.append(f"SELECT {database} AS database, * FROM {store}.links.identifiers")
        if before and _exists(connection, _BEFORE, "numbers", f"of {one.descriptor.database}"):
            known = f"{_BEFORE}.numbers.{quoted(f'of {one.descriptor.database}')}"
            earlier.append(f"SELECT {database} AS database, source, number FROM {known}")
    connection.execute(
        "CREATE TEMP TABLE node AS SELECT (row_number() OVER () - 1)::UINTEGER AS node, *"
        f" FROM ({' UNION ALL '.join(nodes)})"
    )
    connection.execute(
        "CREATE TEMP TABLE observed AS SELECT n.node, o.* EXCLUDE (seat)"
        f" FROM ({' UNION ALL '.join(observations)}) o JOIN node n USING (database, seat)"
    )
    (count,) = connection.execute("SELECT count(*) FROM node").fetchone()
    labels = link(connection, "observed", int(count))
    rows = pa.table({"node": pa.array(np.arange(len(labels), dtype=np.uint32)), "label": pa.array(labels)})
    connection.register("linked", rows)
    connection.execute(
        "CREATE TEMP TABLE person AS SELECT n.database, n.source, l.label FROM node n JOIN linked l USING (node)"
    )
    connection.unregister("linked")
    known = (
        " UNION ALL ".join(earlier)
        or "SELECT NULL::VARCHAR AS database, NULL::UBIGINT AS source, NULL::UINTEGER AS number LIMIT 0"
    )
    # A person keeps the number that most of their records had; where a person of before is now two, the larger part
    # keeps it and the other is new.
    connection.execute(
        "CREATE TEMP TABLE kept AS WITH vote AS ("
        f" SELECT p.label, e.number, count(*) AS n FROM person p JOIN ({known}) e USING (database, source) GROUP BY ALL),"
        " one AS (SELECT * FROM vote QUALIFY row_number() OVER (PARTITION BY number ORDER BY n DESC, label) = 1)"
        " SELECT label, number FROM one QUALIFY row_number() OVER (PARTITION BY label ORDER BY n DESC, number) = 1"
    )
    connection.execute(
        "CREATE TEMP TABLE newcomer AS SELECT DISTINCT label AS source FROM person ANTI JOIN kept USING (label)"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE dealt AS {_deal(connection, 'newcomer', 'source')}")
    (new,) = connection.execute("SELECT count(*) FROM dealt").fetchone()
    _dealt(connection, int(new))
    connection.execute("INSERT INTO kept SELECT source AS label, number FROM dealt")
    for one in members:
        connection.execute(
            f"CREATE TABLE {REGISTER}.numbers.{quoted(f'of {one.descriptor.database}')} AS"
            " SELECT source, number FROM person JOIN kept USING (label)"
            f" WHERE database = {text(one.descriptor.database)} ORDER BY source"
        )


def _exists(connection: Any, catalog: str, schema: str, table: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND schema_name = ? AND table_name = ?",
        [catalog, schema, table],
    ).fetchone()
    return found is not None


# -- blocks ------------------------------------------------------------------------------------------
def _form_blocks(
    connection: Any, members: Sequence[Member], before: bool, rule: BlockRule | None
) -> dict[str, Any]:
    """Give everybody who has none a block. Blocks know identifying columns only."""
    persons = f"{REGISTER}.blocks.person"
    if before and rule is not None and _exists(connection, _BEFORE, "blocks", "person"):
        connection.execute(f"CREATE TABLE {persons} AS FROM {_BEFORE}.blocks.person")
    else:
        connection.execute(f"CREATE TABLE {persons} (number UINTEGER, block UINTEGER)")
    counted = {"k": None if rule is None else rule.k}
    if rule is None:
        return counted
    attributes = _attributes(members, rule)
    if not attributes:
        return counted
    # All of them, so that a cell means the same when another database joins: in bands first, then within the bands.
    names = (*rule.columns, *map(_fine, rule.columns))
    cells = [f"c{place}" for place in range(len(names))]
    parts = []
    for source, columns in attributes:
        asked = (
            f"{columns[name]} AS {cell}" if name in columns else f"NULL AS {cell}"
            for name, cell in zip(names, cells, strict=True)
        )
        parts.append(f"SELECT number, {', '.join(asked)} FROM {source}")
    # Of some persons nothing is known: they are a cell of their own.
    everybody = {
        numbers_of(one.descriptor, Kind.PERSON) for one in members if _has(one.descriptor, Kind.PERSON)
    }
    unknown = ", ".join(f"NULL AS {cell}" for cell in cells)
    parts += [f"SELECT number, {unknown} FROM {source}" for source in sorted(everybody)]
    least = ", ".join(f"coalesce(min({cell})::INTEGER, -1) AS {cell}" for cell in cells)
    connection.execute(
        f"CREATE TEMP TABLE described AS SELECT number, {least} FROM ({' UNION ALL '.join(parts)}) GROUP BY number"
    )
    cut = ", ".join(cells)
    known = _known_cells(connection, before, len(cells))
    new = f"described ANTI JOIN {persons} USING (number)"
    counts = connection.execute(f"SELECT {cut}, count(*) FROM {new} GROUP BY ALL").fetchall()
    newcomers = {tuple(row[:-1]): int(row[-1]) for row in counts}
    sizes = connection.execute(f"SELECT block, count(*) FROM {persons} GROUP BY block").fetchall()
    of = block_rules.extended(known, newcomers, rule.k, {int(block): int(n) for block, n in sizes})
    kept = {**known, **of}
    rows = pa.table(
        {
            **{cell: pa.array([one[place] for one in kept], pa.int32()) for place, cell in enumerate(cells)},
            "block": pa.array(list(kept.values()), pa.uint32()),
        }
    )
    connection.register("formed", rows)
    connection.execute(f"CREATE TABLE {REGISTER}.blocks.cell AS FROM formed")
    connection.unregister("formed")
    connection.execute(
        f"INSERT INTO {persons} SELECT number, block FROM {new} JOIN {REGISTER}.blocks.cell USING ({cut})"
    )
    found = connection.execute(
        f"SELECT count(*), min(n) FROM (SELECT count(*) AS n FROM {persons} GROUP BY block)"
    ).fetchone()
    told = [name for name in rule.columns if any(name in columns for _, columns in attributes)]
    return {**counted, "columns": told, "blocks": int(found[0]), "smallest": int(found[1] or 0)}


def _known_cells(connection: Any, before: bool, width: int) -> dict[Cell, int]:
    if not before or not _exists(connection, _BEFORE, "blocks", "cell"):
        return {}
    rows = connection.execute(f"FROM {_BEFORE}.blocks.cell").fetchall()
    # The rule set may name more columns than it did: the new ones are no earlier cuts.
    return {tuple([*row[:-1], *[-1] * width][:width]): int(row[-1]) for row in rows}


def _attributes(members: Sequence[Member], rule: BlockRule) -> list[tuple[str, dict[str, str]]]:
    """(relation with `number`, {column of the rule: its ordinal}) for every place that tells of persons."""
    found = []
    for one in members:
        store = quoted(one.store.name)
        if one.linked:
            numbers = f"{REGISTER}.numbers.{quoted(f'of {one.descriptor.database}')}"
            source = f"{store}.links.identifiers JOIN {store}.seats.person USING (seat) JOIN {numbers} USING (source)"
            told = {
                "sex": ("sex", None),
                "birth_ym": (f"year(birth_ym) // {BAND_YEARS}", _months("birth_ym")),
            }
            found.append((source, _both({name: told[name] for name in told if name in rule.columns})))
            continue
        for table in one.descriptor.tables.values():
            if not table.person_level:
                continue
            columns = {
                c.name: c
                for c in table.columns.values()
                if c.role is Role.IDENTIFYING and c.name in rule.columns
            }
            if columns:
                source = (
                    f"{store}.held.{quoted(table.name)} h JOIN {store}.seats.person s ON h.{PID} = s.seat"
                    f" JOIN {REGISTER}.numbers.shared r ON s.source::VARCHAR = r.source"
                )
                found.append((source, _both({n: (_ordinal(c), _within(c)) for n, c in columns.items()})))
    return found


def _ordinal(column: Column) -> str:
    value = f"h.{quoted(column.name)}"
    match column.type:
        case ColumnType.INT | ColumnType.FLOAT:
            return f"floor({value} / {column.bands or 1})"
        case ColumnType.BOOL:
            return f"{value}::INTEGER"
        case ColumnType.DATE | ColumnType.MONTH:
            return f"year({value}) // {BAND_YEARS}"
        case ColumnType.TEXT | ColumnType.CODE:
            # Any order will do, as long as it is the same tomorrow.
            return f"(hash({value}::VARCHAR) % 1000000007)::INTEGER"


def _within(column: Column) -> str | None:
    """The ordinal of a value within its band, None where a band has one value."""
    value = f"h.{quoted(column.name)}"
    match column.type:
        case ColumnType.INT | ColumnType.FLOAT if (column.bands or 1) > 1:
            return f"floor({value})"
        case ColumnType.DATE | ColumnType.MONTH:
            return _months(value)
        case _:
            return None


def _months(value: str) -> str:
    return f"date_diff('month', DATE '1800-01-01', {value}::DATE)"


def _fine(name: str) -> str:
    return f"{name} within its band"


def _both(ordinals: Mapping[str, tuple[str, str | None]]) -> dict[str, str]:
    coarse = {name: sql for name, (sql, _) in ordinals.items()}
    return {**coarse, **{_fine(name): fine for name, (_, fine) in ordinals.items() if fine is not None}}


# -- who is called what ------------------------------------------------------------------------------
def numbers_of(descriptor: Descriptor, kind: Kind) -> str:
    """The relation (source, number) of one kind of identifier of a database, in an attached register."""
    if kind is Kind.FACILITY:
        return f"{REGISTER}.numbers.facility"
    if descriptor.identifiers is not None:
        return f"{REGISTER}.numbers.{quoted(f'of {descriptor.database}')}"
    return f"{REGISTER}.numbers.shared"


def whose(descriptor: Descriptor, register: Attached, person: str) -> list[int]:
    """The number of a person by the holder's own identifier; empty where the register knows nobody of that name."""
    numbers = numbers_of(descriptor, Kind.PERSON)
    if descriptor.identifiers is not None and person.isascii() and person.isdigit():
        person = str(int(person))
    with engine([register]) as connection, quiet("custody.engine", {}):
        rows = connection.execute(
            f"SELECT number FROM {numbers} WHERE source::VARCHAR = ?", [person]
        ).fetchall()
    return [int(row[0]) for row in rows]
