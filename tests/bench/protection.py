"""What protecting a table costs (`tables` has what is promised), and, for information, what an entry in the log costs."""

import sqlite3
import tempfile
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa

from enclave.adapters import edge
from enclave.adapters.engine import EnginePool
from enclave.adapters.policy_server import PolicyServer
from enclave.app import ledger_of
from enclave.core.event import Actor, Thing
from enclave.gateway import cells
from enclave.query.stages import Form
from tests.bench import tables
from tests.bench.parts import guarded_by, median_of, timed
from tests.bench.place import Place
from tests.bench.promises import Row, Unit, Words, p50

APPENDS = 200

TABLES: tuple[tuple[str, Words, str, int], ...] = (
    (
        "protect_200",
        ("table() の保護、{rows} 行", "table() protected, {rows} rows"),
        "SELECT male, age // 4 * 4 AS band, status, count(*) AS n FROM nafld.patients"
        " GROUP BY CUBE (male, age // 4 * 4, status)",
        7,
    ),
    (
        "protect_2000",
        ("table() の保護、{rows} 行", "table() protected, {rows} rows"),
        "SELECT male, age // 2 * 2 AS band, status, futime // 1500 * 1500 AS span, count(*) AS n FROM nafld.patients"
        " GROUP BY CUBE (male, age // 2 * 2, status, futime // 1500 * 1500)",
        3,
    ),
)


def measure(place: Place) -> list[Row]:
    return [*tables.rows(), *_protection(place), _append(place)]


def _protection(place: Place) -> list[Row]:
    rows: list[Row] = []
    policy, pool, bare = PolicyServer(place.site.policy_socket), EnginePool(), place.bare()
    try:
        engine = pool.open(place.file, place.key, place.reference)
        for name, words, sql, runs in TABLES:
            guarded = guarded_by(place, sql, Form.TABLE, policy)
            run = engine.run(guarded)
            answered = pa.Table.from_batches(list(run.batches()), schema=run.schema)
            took = median_of(partial(cells.protect, answered, guarded), runs)
            alone = median_of(partial(_answered_by, bare, sql), runs)
            japanese, english = (text.format(rows=f"{answered.num_rows:,}") for text in words)
            rows.append(
                Row(
                    name,
                    (japanese, english),
                    Unit.MILLISECONDS,
                    took,
                    alone,
                    ("DuckDBの集計", "DuckDB's query"),
                    runs=runs,
                )
            )
    finally:
        pool.close()
        bare.close()
    return rows


def _answered_by(bare: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    return bare.sql(sql).to_arrow_table()


def _append(place: Place) -> Row:
    ledger = ledger_of(place.site, "operator")

    def append() -> None:
        ledger.append([edge.event(Actor("operator", "operator"), "person.entered", Thing("person", "bench"))])

    append()
    took = p50([timed(append) for _ in range(APPENDS)])
    words = ("台帳への追記1件（署名とfsyncまで）", "One entry in the log, signed and on disk")
    alone = _bare_append(place.site.home)
    return Row("ledger_append", words, Unit.MILLISECONDS, took, alone, ("SQLite", "SQLite"), runs=APPENDS)


def _bare_append(near: Path) -> float:
    """A row in SQLite, as durable as the ledger's, on the same disk."""
    with tempfile.TemporaryDirectory(dir=near) as folder:
        connection = sqlite3.connect(Path(folder) / "bare.sqlite", isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("CREATE TABLE leaves (place INTEGER PRIMARY KEY, leaf BLOB)")
            return p50(
                [
                    timed(lambda: connection.execute("INSERT INTO leaves (leaf) VALUES (?)", (b"x" * 300,)))
                    for _ in range(APPENDS)
                ]
            )
        finally:
            connection.close()
