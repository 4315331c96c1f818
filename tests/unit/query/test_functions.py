"""Every function of the grammar has examples, and means there what it means to the bare engine."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from enclave.adapters.policy_server import PolicyServer
from enclave.core.refusal import Refused
from enclave.query import distributed, grammar, instead
from enclave.query.parse import parse
from enclave.query.stages import Form
from tests.unit.query import function_examples as examples
from tests.unit.query import same_answer, world

SHOWN = {
    **{
        (name, text): f"SELECT p.pid, {text} AS x FROM {examples.SCALAR_FROM}"
        for name, texts in examples.SCALARS.items()
        for text in texts
    },
    **{
        (name, text): f"SELECT male, {text} AS x FROM {examples.SCALAR_FROM} GROUP BY male"
        for name, texts in examples.AGGREGATES.items()
        for text in texts
    },
    **{
        (name, text): f"SELECT p.pid, days, {text} OVER (PARTITION BY p.pid ORDER BY days, event) AS x"
        f" FROM {examples.SCALAR_FROM}"
        for name, texts in examples.WINDOWS.items()
        for text in texts
    },
    **{("", text): f"SELECT p.pid, {text} AS x FROM {examples.SCALAR_FROM}" for text in examples.OPERATORS},
}


@pytest.fixture(scope="module")
def con(extract: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    made = duckdb.connect(str(extract), read_only=True)
    yield made
    made.close()


@pytest.mark.parametrize(("name", "text"), sorted(SHOWN))
def test_a_function_means_what_it_means_to_the_bare_engine(
    name: str, text: str, con: duckdb.DuckDBPyConnection, policy: PolicyServer
) -> None:
    sql = SHOWN[name, text]
    guarded = world.ask(sql, policy)
    assert name in guarded.facts.functions or name in {"", "cast", "case"}
    assert _rows(con, guarded.sql) == _rows(con, sql)


def _rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    return sorted(same_answer.text_of(row) for row in con.execute(sql).fetchall())


def test_every_function_has_an_example() -> None:
    shown = {name for name, _ in SHOWN if name}
    assert shown == grammar.ALL_NAMES


def test_what_a_distributed_engine_means_is_said_of_every_function() -> None:
    assert set(distributed.FUNCTIONS) == grammar.ALL_NAMES
    for name, said in distributed.FUNCTIONS.items():
        assert said in {"same", "unknown"} or said.startswith("differs: "), name


@pytest.mark.parametrize(
    "piece", sorted({*instead.FUNCTIONS.values(), *instead.NODES.values()} - {instead.NONE})
)
def test_what_is_offered_instead_is_itself_within_the_grammar(piece: str) -> None:
    """A refusal never sends a researcher to another refusal."""
    if piece.startswith(("SELECT", "WITH")):
        text = piece
    elif piece.startswith(("FROM", "LIMIT", "JOIN")):
        text = f"SELECT 1 FROM t {piece}" if not piece.startswith("FROM") else f"SELECT 1 {piece}"
    else:
        text = f"SELECT {piece}"
    assert parse(text, (), Form.ROWS).functions is not None


@pytest.mark.parametrize("name", sorted(set(instead.FUNCTIONS) - {"age"}))
def test_nothing_is_offered_instead_of_what_can_be_used(name: str) -> None:
    """Asked of each by its own name; `age` of two dates can be used, of one it reads the clock."""
    with pytest.raises(Refused):
        parse(f"SELECT {name}(a) AS x", (), Form.ROWS)


@pytest.mark.parametrize(
    ("text", "function", "piece"),
    [
        ("SELECT NVL2(age, 1, 0) FROM patients", "nvl2", "CASE WHEN x IS NULL THEN b ELSE a END"),
        ("SELECT histogram(age) FROM patients", "histogram", "SELECT x, count(*) AS n FROM t GROUP BY x"),
        ("SELECT Unnest(list(age)) FROM patients", "unnest", "SELECT v FROM unnest(['a', 'b']) AS t(v)"),
        ("SELECT now()", "now", "DATE '2026-04-01'"),
        ("SELECT today()", "today", "DATE '2026-04-01'"),
        ("SELECT approx_count_distinct(pid) FROM patients", "approx_count_distinct", "count(DISTINCT x)"),
        ("SELECT age(entry) FROM patients", "age", "age(DATE '2026-04-01', birth)"),
        ("SELECT printf('%d', age) FROM patients", "printf", "round(x, 1)::VARCHAR"),
        ("SELECT no_such_thing(age) FROM patients", "no_such_thing", "–"),
    ],
)
def test_a_refused_function_is_named_as_written_with_what_to_write_instead(
    text: str, function: str, piece: str, policy: PolicyServer
) -> None:
    with pytest.raises(Refused) as refused:
        world.ask(text, policy)
    assert refused.value.code == "query.function"
    assert (refused.value.facts["function"], refused.value.facts["instead"]) == (function, piece)
