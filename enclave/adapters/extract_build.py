"""From stores to an extract: the plan carried out by DuckDB, table by table, under pseudonyms, encrypted.

Decides nothing: a plan (`enclave.custody.plan`) says what an extract holds. Rows are sorted by pseudonym, so that
neither the files' order nor the register's is carried along, a person's rows lie together, and 32-bit names pack well.
Text is dictionary-encoded by the engine; it is sorted as the codes that the store keeps and becomes text when written.

Resumes: a table is written in passes over ranges of pseudonyms, each pass one transaction that also notes itself in the
schema `BUILDING`, which the finished file no longer has. Memory does not grow with the rows: what a pass cannot hold is
spilled, encrypted, to custody's own folder; the pseudonyms of one database (8 to 16 bytes an identifier) are held.

Besides what the manifest names, the file holds each person's block (`BLOCKS`), which no statement can name: the query
grammar has no identifier with a space, and the engine's account of a statement is held against the permit's tables.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from enclave.adapters.custody_engine import Attached, engine, quiet, quoted, text
from enclave.adapters.extract_store import flush
from enclave.adapters.members import REGISTER, numbers_of
from enclave.adapters.register import withdrawn_table
from enclave.adapters.source_store import STORE
from enclave.catalogue.descriptor import PID, ColumnType, Descriptor, Title
from enclave.core.ids import DatabaseId
from enclave.core.refusal import Refused
from enclave.custody.blocks import Cell, gathered
from enclave.custody.manifest import ManifestColumn, ManifestTable
from enclave.custody.plan import (
    CODES_TABLE,
    CodeValues,
    ExtractPlan,
    Kind,
    PlannedColumn,
    PlannedPeriod,
    TablePlan,
)
from enclave.custody.pseudonym import SIZE, RecordPermutation

EXTRACT = "extract"
BLOCKS = "enclave blocks"
POPULATION_BLOCKS = "enclave population blocks"
"""What a person counts with in this extract, and the block of the population that this is gathered from, for ever theirs."""

BUILDING = "enclave build"
MEMORY = 1 << 30
"""Bytes that a build may hold before it spills: more made it no faster when 100 million rows were measured."""

ROWS_PER_PASS = 128_000_000
"""Rows of a table that are sorted at once."""


@dataclass(frozen=True)
class Numbered:
    """The seats of one kind in a store with their numbers in the register, in step. `blocks` for persons, -1 is none."""

    seats: NDArray[np.uint32]
    numbers: NDArray[np.uint32]
    blocks: NDArray[np.int32] | None = None


@dataclass(frozen=True)
class Names:
    """What an extract calls persons or facilities: `seats[i]` becomes `pseudonyms[i]`."""

    seats: NDArray[np.uint32]
    pseudonyms: NDArray[np.uint32]


@dataclass(frozen=True)
class Placed:
    """Persons of a linkage group by pseudonym with their blocks in the population, in step; a block has at least `k`, and its
    least cell says what it is `like`."""

    pids: NDArray[np.uint32]
    blocks: NDArray[np.int32]
    k: int
    like: Mapping[int, Cell]


@dataclass(frozen=True)
class Built:
    """An encrypted file that is complete on disk, and what its manifest will say of it.

    `present` are the pseudonyms of the persons who are in it, by database.
    """

    tables: tuple[ManifestTable, ...]
    digest: str
    size: int
    present: Mapping[DatabaseId, NDArray[np.uint32]]
    blocks: Mapping[tuple[DatabaseId, ...], tuple[int, int]]
    """By linkage group: how many blocks its persons are in, and how many persons the smallest has here."""


Progress = Callable[[str, float], None]
"""(table, share of the whole build that is done, 0 to 1)."""


def numbered(
    descriptor: Descriptor, store: Attached, register: Attached, kind: Kind, withdrawn: frozenset[str]
) -> Numbered:
    """Who is behind each seat of a kind (person or facility), withdrawn persons left out.

    Raises Refused `custody.engine` where somebody who is not withdrawn has no number: the register is another source's.
    """
    place = {"database": descriptor.database}
    with engine([store, register]) as connection, quiet("custody.engine", place):
        seats = f"{store.name}.seats.{kind.value}"
        numbers = numbers_of(descriptor, kind)
        left_out = withdrawn if kind is Kind.PERSON else frozenset()
        gone = withdrawn_table(connection, "withdrawn", left_out, seats)
        same = (
            "s.source = r.source"
            if descriptor.identifiers and kind is Kind.PERSON
            else "s.source::VARCHAR = r.source"
        )
        block = "coalesce(b.block::INTEGER, -1)" if kind is Kind.PERSON else "0"
        blocks = (
            f" LEFT JOIN {REGISTER}.blocks.person b ON r.number = b.number" if kind is Kind.PERSON else ""
        )
        query = (
            f"SELECT s.seat, r.number, {block} AS block FROM {seats} s JOIN {numbers} r ON {same}{blocks}"
            f" WHERE s.source::VARCHAR NOT IN (FROM {gone})"
        )
        found = connection.execute(query).fetchnumpy()
        (expected,) = connection.execute(
            f"SELECT count(*) FROM {seats} s WHERE s.source::VARCHAR NOT IN (FROM {gone})"
        ).fetchone()
    if len(found["seat"]) != expected:
        raise Refused("custody.engine", place)
    return Numbered(
        np.asarray(found["seat"], dtype=np.uint32),
        np.asarray(found["number"], dtype=np.uint32),
        np.asarray(found["block"], dtype=np.int32) if kind is Kind.PERSON else None,
    )


def build(
    plan: ExtractPlan,
    stores: Mapping[DatabaseId, Path],
    store_keys: Mapping[DatabaseId, str],
    names: Mapping[tuple[DatabaseId, Kind], Names | RecordPermutation],
    blocks: Mapping[tuple[DatabaseId, ...], Placed],
    *,
    file: Path,
    key: str,
    spill: Path,
    progress: Progress = lambda table, share: None,
) -> Built:
    """Write `file`, encrypted under `key` (base64 of 32 bytes), or go on where an earlier call was interrupted.

    `names` by (database, kind): those of persons and facilities, and the permutation of records, whose list is too long
    to be held; `blocks` by linkage group.
    Raises Refused `custody.rows_unreadable`, `custody.disk_full`, `custody.engine`; the file is the caller's to keep
    or remove.
    """
    built: list[ManifestTable] = []
    present: dict[DatabaseId, NDArray[np.uint32]] = {}
    extract = Attached(file, EXTRACT, key, writable=True)
    if file.exists() and not _goes_on(extract):
        file.unlink()
        file.with_name(f"{file.name}.wal").unlink(missing_ok=True)
    by_database = list(dict.fromkeys(one.database for one in (*plan.tables, *plan.references)))
    attached = [Attached(stores[d], f"{STORE} {d}", store_keys[d]) for d in by_database]
    with engine([extract, *attached], spill=spill, memory=MEMORY) as connection:
        with quiet("custody.engine", {}):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {EXTRACT}.{quoted(BUILDING)}")
            connection.execute(f"CREATE TABLE IF NOT EXISTS {_done()} (name VARCHAR, pass INTEGER)")
            done = {
                (str(n), int(p))
                for n, p in connection.execute(f"SELECT name, pass FROM {_done()}").fetchall()
            }
        weights = _weights(connection, plan)
        told = _Told(connection, progress, weights)
        for database in by_database:
            mine = [one for one in plan.tables if one.database == database]
            kinds = {c.kind for one in mine for c in one.shown} - {Kind.VALUE}
            for kind in kinds:
                _hold_names(connection, database, kind, names[database, kind])
            if Kind.PERSON in kinds:
                with quiet("custody.engine", {}):
                    connection.execute("CREATE OR REPLACE TEMP TABLE present (pid UINTEGER)")
            for table in mine:
                built.append(_table(connection, table, done, told))
            if Kind.PERSON in kinds:
                with quiet("custody.engine", {}):
                    found = connection.execute("SELECT DISTINCT pid FROM present").fetchnumpy()
                present[database] = np.asarray(found["pid"], dtype=np.uint32)
        for table in plan.references:
            built.append(_table(connection, table, done, told))
        for database, codes in plan.codes.items():
            built.append(_code_values(connection, database, codes))
        formed = [_write_blocks(connection, group, blocks[group], present) for group in blocks]
        with quiet("custody.engine", {}):
            connection.execute(f"DROP SCHEMA {EXTRACT}.{quoted(BUILDING)} CASCADE")
            connection.execute(f"CHECKPOINT {EXTRACT}")
            connection.execute(f"DETACH {EXTRACT}")
    os.chmod(file, 0o640)
    return Built(tuple(built), flush(file), file.stat().st_size, present, dict(formed))


def _goes_on(extract: Attached) -> bool:
    """Whether a file is a build that was interrupted between two passes, readable to its last note."""
    try:
        with engine([extract]) as connection, quiet("custody.engine", {}):
            connection.execute(f"SELECT name, pass FROM {_done()}").fetchall()
    except Refused:
        return False
    return True


def _done() -> str:
    return f"{EXTRACT}.{quoted(BUILDING)}.done"


def _held(table: TablePlan) -> str:
    return f"{quoted(f'{STORE} {table.database}')}.held.{quoted(table.table)}"


def _weights(connection: Any, plan: ExtractPlan) -> dict[str, float]:
    """How much of the whole work each table is: its rows in the source."""
    rows = {}
    with quiet("custody.engine", {}):
        for table in (*plan.tables, *plan.references):
            (rows[table.name],) = connection.execute(f"SELECT count(*) + 1 FROM {_held(table)}").fetchone()
    total = sum(rows.values())
    return {name: count / total for name, count in rows.items()}


def _hold_names(connection: Any, database: DatabaseId, kind: Kind, names: Names | RecordPermutation) -> None:
    """The pseudonyms of one kind in a temporary table that the rows are joined with."""
    table = _names(kind)
    with quiet("custody.engine", {"database": database}):
        if isinstance(names, Names):
            _insert(connection, f"CREATE OR REPLACE TEMP TABLE {table} AS", names.seats, names.pseudonyms)
            return
        seats = f"{quoted(f'{STORE} {database}')}.seats.{kind.value}"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} (seat UINTEGER, name BIGINT)")
        with connection.cursor() as reading:
            query = f"SELECT seat, source FROM {seats}"
            for batch in reading.execute(query).to_arrow_reader(RECORDS_AT_ONCE):
                sources = batch.column("source").to_numpy(zero_copy_only=False)
                found = names.of_all(sources.astype(np.int64))
                _insert(
                    connection,
                    f"INSERT INTO {table}",
                    batch.column("seat").to_numpy(zero_copy_only=False),
                    found,
                )


RECORDS_AT_ONCE = 1 << 20


def _insert(connection: Any, into: str, seats: NDArray[Any], names: NDArray[Any]) -> None:
    connection.register("arriving", pa.table({"seat": pa.array(seats), "name": pa.array(names)}))
    connection.execute(f"{into} SELECT seat, name FROM arriving")
    connection.unregister("arriving")


def _names(kind: Kind) -> str:
    return quoted(f"names {kind.value}")


class _Told:
    """Says how far the build is, from the engine's own account of the statement that runs."""

    def __init__(self, connection: Any, progress: Progress, weights: Mapping[str, float]) -> None:
        self._connection, self._progress, self._weights = connection, progress, weights
        self._share = 0.0

    @contextmanager
    def of(self, table: str, part: float) -> Iterator[None]:
        """While one pass of a table runs; `part` is the pass's share of the table."""
        weight = self._weights[table] * part
        stop = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(table, weight, stop), daemon=True)
        ticker.start()
        try:
            yield
        finally:
            stop.set()
            ticker.join()
        self._share += weight
        self._progress(table, min(1.0, self._share))

    def _tick(self, table: str, weight: float, stop: threading.Event) -> None:
        while not stop.wait(0.2):
            try:
                done = max(0.0, self._connection.query_progress()) / 100
            except Exception:  # noqa: S112  between statements there is none to ask about
                continue
            self._progress(table, min(1.0, self._share + weight * done))


# -- one table ---------------------------------------------------------------------------------------
def _table(connection: Any, table: TablePlan, done: set[tuple[str, int]], told: _Told) -> ManifestTable:
    place = {"database": table.database, "table": table.table}
    name = f"{EXTRACT}.{quoted(table.database)}.{quoted(table.table)}"
    person = table.about.person_level
    code = "custody.rows_unreadable" if table.rows is not None else "custody.engine"
    with quiet("custody.engine", place):
        (source_rows,) = connection.execute(f"SELECT count(*) FROM {_held(table)}").fetchone()
    passes = max(1, -(-source_rows // ROWS_PER_PASS)) if person else 1
    for turn in range(passes):
        if (table.name, turn) in done:
            with told.of(table.name, 1 / passes):
                continue
        bounds = (turn * SIZE // passes, (turn + 1) * SIZE // passes - 1) if passes > 1 else None
        with told.of(table.name, 1 / passes), quiet(code, place):
            connection.execute("BEGIN")
            if turn == 0:
                described = ", ".join(f"{quoted(c.name)} {c.engine_type}" for c in table.shown)
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {EXTRACT}.{quoted(table.database)}")
                connection.execute(f"CREATE TABLE {name} ({described})")
            connection.execute(f"INSERT INTO {name} {_select(table, bounds)}")
            connection.execute(f"INSERT INTO {_done()} VALUES (?, ?)", [table.name, turn])
            connection.execute("COMMIT")
            connection.execute(f"CHECKPOINT {EXTRACT}")
    persons = None
    with quiet("custody.engine", place):
        (rows,) = connection.execute(f"SELECT count(*) FROM {name}").fetchone()
        if person:
            connection.execute(f"CREATE OR REPLACE TEMP TABLE here AS SELECT DISTINCT {PID} FROM {name}")
            (persons,) = connection.execute("SELECT count(*) FROM here").fetchone()
            connection.execute("INSERT INTO present FROM here")
    columns = tuple(
        ManifestColumn(c.name, c.engine_type, c.about.role.value, c.about.title, c.about.system, c.coarsen)
        for c in table.shown
    )
    return ManifestTable(
        table.database, table.table, table.about.title, columns, int(rows), persons, table.about.reference
    )


def _select(table: TablePlan, bounds: tuple[int, int] | None) -> str:
    """The rows of a table as the extract holds them, of persons whose pseudonym lies in `bounds`."""
    conditions = []
    if table.period is not None:
        conditions.append(_period(table.period))
    if table.rows is not None:
        conditions.append(f"({table.rows.sql})")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    read = []
    for column in table.columns:
        value = quoted(column.name)
        # A condition speaks of texts; what it does not read stays the store's code until it is written.
        spoken = table.rows is not None and column.name in table.rows.columns
        if column.kind is Kind.VALUE and spoken and column.type in {ColumnType.TEXT, ColumnType.CODE}:
            value = f"{value}::VARCHAR AS {value}"
        elif column.kind is not Kind.VALUE:
            # A seat, under a name that no condition can spell.
            value = f"{value} AS {_seat(column)}"
        read.append(value)
    joins, inner, outer = [], [], []
    for number, column in enumerate(table.shown):
        name = quoted(column.name)
        if column.kind is Kind.VALUE:
            inner.append(f"c.{name}")
            outer.append(f"{_coarsened(column)} AS {name}")
            continue
        own = column.name == PID
        within = f" AND n{number}.name BETWEEN {bounds[0]} AND {bounds[1]}" if own and bounds else ""
        kind = "" if own else " LEFT"
        joins.append(
            f"{kind} JOIN {_names(column.kind)} n{number} ON c.{_seat(column)} = n{number}.seat{within}"
        )
        inner.append(f"n{number}.name AS {name}")
        outer.append(name)
    order = PID if table.about.person_level else "ALL"
    chosen = f"(SELECT {', '.join(read)} FROM {_held(table)}{where}) c"
    return (
        f"SELECT {', '.join(outer)} FROM"
        f" (SELECT {', '.join(inner)} FROM {chosen}{''.join(joins)} ORDER BY {order})"
    )


def _seat(column: PlannedColumn) -> str:
    return quoted(f"seat of {column.name}")


def _coarsened(column: PlannedColumn) -> str:
    value = quoted(column.name)
    width = column.coarsen
    if width is not None:
        match column.type:
            case ColumnType.DATE | ColumnType.MONTH:
                months = f"((year({value}) * 12 + month({value}) - 1) // {width} * {width})"
                value = (
                    f"CASE WHEN {value} IS NOT NULL THEN make_date({months} // 12, {months} % 12 + 1, 1) END"
                )
            case ColumnType.CODE | ColumnType.TEXT:
                value = f"left({value}::VARCHAR, {width})"
            case _:
                value = f"floor({value} / {width}) * {width}"
    return f"({value})::{column.engine_type}"


def _period(period: PlannedPeriod) -> str:
    def end(moment: str) -> str:
        if period.type is ColumnType.INT:
            return str(int(moment))
        return f"DATE {text(moment if len(moment) > 7 else moment + '-01')}"

    column = quoted(period.column)
    return f"({column} >= {end(period.start)} AND {column} < {end(period.end)})"


# -- what comes along --------------------------------------------------------------------------------
def _code_values(connection: Any, database: DatabaseId, codes: Sequence[CodeValues]) -> ManifestTable:
    """`<database>.code_values`: what the catalogue itself says of codes."""
    rows = [(c.table, c.column, code, title.ja, title.en) for c in codes for code, title in c.values.items()]
    names = ("table_name", "column_name", "code", "ja", "en")
    about = pa.table(
        {name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(names)}
    )
    table = f"{EXTRACT}.{quoted(database)}.{CODES_TABLE}"
    with quiet("custody.engine", {"database": database, "table": CODES_TABLE}):
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {EXTRACT}.{quoted(database)}")
        connection.register("explained", about)
        connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM explained ORDER BY ALL")
        connection.unregister("explained")
    columns = tuple(
        ManifestColumn(name, "VARCHAR", "measure", title)
        for name, title in zip(names, _CODE_COLUMNS, strict=True)
    )
    return ManifestTable(
        database, CODES_TABLE, Title("コードの意味", "Meaning of codes"), columns, len(rows), None, True
    )


_CODE_COLUMNS = (
    Title("表", "Table"), Title("列", "Column"), Title("コード", "Code"), Title("日本語", "Japanese"), Title("英語", "English"),
)  # fmt: skip


def _write_blocks(
    connection: Any,
    group: tuple[DatabaseId, ...],
    placed: Placed,
    present: Mapping[DatabaseId, NDArray[np.uint32]],
) -> tuple[tuple[DatabaseId, ...], tuple[int, int]]:
    """The block of each person who is in the extract, beside what the manifest names: the population's, and those gathered of
    them that have k persons here."""
    here = np.isin(placed.pids, np.concatenate([present[one] for one in group if one in present]))
    persons, place = np.unique(placed.pids[here], return_index=True)
    own = placed.blocks[here][place]
    numbers, counts = np.unique(own, return_counts=True)
    of = gathered(dict(zip(numbers.tolist(), counts.tolist(), strict=True)), placed.k, placed.like)
    block = np.array([of[number] for number in numbers.tolist()], dtype=np.uint32)
    name = "-".join(group)
    with quiet("custody.engine", {}):
        for schema, values in (
            (POPULATION_BLOCKS, own.astype(np.uint32)),
            (BLOCKS, block[np.searchsorted(numbers, own)]),
        ):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {EXTRACT}.{quoted(schema)}")
            connection.register("formed", pa.table({PID: pa.array(persons), "block": pa.array(values)}))
            connection.execute(
                f"CREATE OR REPLACE TABLE {EXTRACT}.{quoted(schema)}.{quoted(name)} AS FROM formed ORDER BY {PID}"
            )
            connection.unregister("formed")
        found = connection.execute(
            "SELECT count(*), coalesce(min(n), 0) FROM (SELECT count(*) AS n"
            f" FROM {EXTRACT}.{quoted(BLOCKS)}.{quoted(name)} GROUP BY block)"
        ).fetchone()
    return group, (int(found[0]), int(found[1]))
