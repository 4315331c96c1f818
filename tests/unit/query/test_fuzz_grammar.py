"""Thousands of statements from a grammar, honest, reaching for what is hidden, and broken: three things never happen.

The gateway never crashes (a code or a statement to run, nothing else); what runs never reads what the permit does not
name (by the statement, by the engine's own account, and by the answer, over an extract whose hidden values are known);
the researcher's text is never what is executed. And an honest statement answers what the bare engine answers.

5,000 statements; `ENCLAVE_FUZZ=100000` (`make fuzz`) is the nightly form. Each has a seed of its own, which a failure names.
"""

import os
import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import pytest
from sqlglot import exp

from enclave.adapters import engine_worker
from enclave.core.refusal import Refused
from enclave.query.codes import CODES
from enclave.query.flow import describe_expected
from enclave.query.parse import DIALECT
from enclave.query.stages import Form, Guarded
from tests.unit.query import same_answer, world
from tests.unit.query.statements import Maker, Statement

COUNT = int(os.environ.get("ENCLAVE_FUZZ", "5000"))
PARTS = max(10, COUNT // 2500)
SAMPLE = 8
"""One in so many of the statements that pass is run."""

CANARY = 7.77e77
PERMIT, SCHEMA, BLOCKED = world.permit(), world.schema(), ("weight", "note", "name")
SHOWN = {(d, t): set(columns) for d, tables in world.SHOWN.items() for t, columns in tables.items()}


class Yes:
    """The policy's yes to everything: what is looked at here must hold without it."""

    def decide(self, path: str, question: Mapping[str, object]) -> Mapping[str, object]:
        return {"allow": True, "deny": [], "obligations": {"rule_sets": {"x": {}}}}


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The small extract, every hidden value a canary, opened as the worker opens it."""
    path: Path = world.build(tmp_path_factory.mktemp("fuzz") / "extract.duckdb")
    with duckdb.connect(str(path)) as con:
        con.execute(f"UPDATE nafld.patients SET weight = {CANARY}")
    con = engine_worker.connect({"path": str(path), "key": None, "threads": 1, "memory": 1 << 30})
    yield con
    con.close()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The same without anything between: views of what the permit shows."""
    con = duckdb.connect(config={"threads": "1"})
    path = world.build(tmp_path_factory.mktemp("bare") / "extract.duckdb")
    con.execute(f"ATTACH '{path}' AS source (READ_ONLY)")
    for (database, table), columns in SHOWN.items():
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {database}")
        names = ", ".join(columns)
        con.execute(f"CREATE TABLE {database}.{table} AS SELECT {names} FROM source.{database}.{table}")
    yield con
    con.close()


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_but_a_code_or_a_statement_of_permitted_columns_comes_out(
    part: int, held: duckdb.DuckDBPyConnection, bare: duckdb.DuckDBPyConnection
) -> None:
    outcomes: Counter[tuple[str, bool]] = Counter()
    compared = 0
    unworded: set[tuple[int, str]] = set()
    for seed in range(part, COUNT, PARTS):
        made = Maker(random.Random(seed)).statement()
        try:
            guarded = world.ask(_marked(made, seed), Yes(), made.form, permit=PERMIT, schema=SCHEMA)
        except Refused as refused:
            outcomes[made.kind, False] += 1
            unworded |= {(seed, refused.code)} if refused.code not in CODES else set()
            continue
        outcomes[made.kind, True] += 1
        _reads_what_is_permitted(guarded, seed)
        assert f"mark{seed}" not in guarded.sql
        if sum(outcomes.values()) % SAMPLE == 0:
            compared += _runs(made, guarded, held, bare, seed)
    assert not unworded
    assert outcomes["honest", True] >= 0.95 * (outcomes["honest", True] + outcomes["honest", False])
    assert outcomes["broken", False] > 0
    assert outcomes["reaching", False] > 0
    assert compared > 0


def _marked(made: Statement, seed: int) -> str:
    """The text with a comment that must not survive: what runs is printed anew."""
    return f"{made.text} /* mark{seed} */"


def _reads_what_is_permitted(guarded: Guarded, seed: int) -> None:
    for (database, table), columns in guarded.expected.items():
        assert set(columns) <= SHOWN.get((database, table), set()), seed
    for table in DIALECT.parse(guarded.sql)[0].find_all(exp.Table):
        if table.db:
            read = {node.name for node in table.parent_select.expressions}
            assert read <= SHOWN.get((table.db, table.name), set()), seed
    words = guarded.sql.replace("'", '"').split('"')
    assert not {"secret", "people", "notes", "rowid"} & set(words), seed


def _runs(
    made: Statement,
    guarded: Guarded,
    held: duckdb.DuckDBPyConnection,
    bare: duckdb.DuckDBPyConnection,
    seed: int,
) -> int:
    """Run a statement: the engine's account holds, no canary is in the answer, and it is the bare engine's. The number
    of answers compared."""
    try:
        differs = engine_worker.account_differs(held, guarded.sql, describe_expected(guarded))
    except duckdb.Error:
        return 0  # types that do not fit: a code at the worker's edge
    assert not differs, (seed, made.text)
    got = _answer(held, guarded.sql, len(guarded.names))
    if got is None:
        return 0
    assert "SECRET-" not in str(got), (seed, made.text)
    assert "note-" not in str(got), (seed, made.text)
    assert "e+77" not in str(got), (seed, made.text)
    if made.kind != "honest" or made.form is not Form.ROWS:
        return 0
    asked = _answer(bare, made.text, len(guarded.names))
    if asked is None:
        return 0
    assert got == asked, (seed, made.text, guarded.sql)
    return 1


def _answer(con: duckdb.DuckDBPyConnection, sql: str, width: int) -> list[str] | None:
    """The rows as texts in order, None where the engine ends with an error or takes long."""
    clock = threading.Timer(3.0, con.interrupt)
    clock.start()
    try:
        return sorted(same_answer.text_of(row[:width]) for row in con.execute(sql).fetchall())
    except duckdb.Error:
        return None
    finally:
        clock.cancel()
