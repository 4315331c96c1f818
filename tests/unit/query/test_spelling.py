"""One thing written one way keeps its meaning; the parser and the engine read each statement alike."""

import itertools
from collections.abc import Iterator

import duckdb
import pytest

from enclave.core.refusal import Refused
from enclave.query.parse import DIALECT, parse
from enclave.query.stages import Form

BETWEEN = (
    "+", "-", "*", "/", "//", "%", "**", "^", "||", "=", "<>", "<", "<=", ">", ">=", "AND", "OR", "LIKE", "NOT LIKE", "ILIKE",
    "SIMILAR TO", "IS DISTINCT FROM", "IS NOT DISTINCT FROM", "&", "~", "!~", "^@",
)  # fmt: skip
BEHIND = (
    "IS NULL", "IS NOT NULL", "IS TRUE", "IS NOT TRUE", "IN (c, d)", "NOT IN (c, d)", "BETWEEN c AND d",
    "NOT BETWEEN c AND d", "::INTEGER", "::VARCHAR", "ISNULL", "NOTNULL",
    "= ANY([1, 3])", "<> ALL([0])", "= ANY(ARRAY['1'])", "<> ALL(['true', '1'])", "[1:2]",
)  # fmt: skip
BEFORE = ("NOT", "-", "+")

EXPRESSIONS = sorted(
    {f"a {one} b {two} c" for one, two in itertools.product(BETWEEN, BETWEEN)}
    | {f"a {one} b {two}" for one, two in itertools.product(BETWEEN, BEHIND)}
    | {f"a {two} {one} b" for one, two in itertools.product(BETWEEN, BEHIND)}
    | {f"a {one} {two}" for one, two in itertools.product(BEHIND, BEHIND)}
    | {f"{one} a {two} b" for one, two in itertools.product(BEFORE, BETWEEN)}
    | {f"a {two} {one} b" for one, two in itertools.product(BEFORE, BETWEEN)}
    | {f"{one} a {two}" for one, two in itertools.product(BEFORE, BEHIND)}
    | {
        f"NOT a {one} b {two} c"
        for one, two in itertools.product(("=", "<", "AND", "OR", "LIKE", "||"), BETWEEN)
    }
)

VALUES = {
    "truths": ("true", "false", "NULL"),
    "numbers": ("0", "1", "3"),
    "texts": ("'1'", "'t%'", "'true'"),
}


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    made = duckdb.connect(config={"threads": "1"})
    for name, values in VALUES.items():
        lists = ", ".join(f"(VALUES {', '.join(f'({v})' for v in values)}) AS {x}({x})" for x in "abcd")
        made.execute(f"CREATE TABLE {name} AS SELECT a, b, c, d FROM {lists}")
    yield made
    made.close()


def _answer(con: duckdb.DuckDBPyConnection, sql: str) -> str | None:
    try:
        return repr(con.execute(sql).fetchall())
    except duckdb.Error:
        return None


def test_every_pair_of_operators_is_read_as_the_engine_reads_it(con: duckdb.DuckDBPyConnection) -> None:
    """What is printed from the tree, and the same with every bracket of the tree written, answer as the text does."""
    wrong: list[str] = []
    compared = 0
    for expression, table in itertools.product(EXPRESSIONS, VALUES):
        text = f"SELECT {expression} AS x FROM {table}"
        asked = _answer(con, text)
        if asked is None:
            continue
        try:
            tree = parse(text, (), Form.ROWS).tree
        except Refused:
            continue
        compared += 1
        if not asked == _answer(con, tree.sql(DIALECT)) == _answer(con, _bracketed(tree)):
            wrong.append(text)
    assert wrong == []
    assert compared > 1000


def _bracketed(tree: object) -> str:
    from sqlglot import exp

    copy = tree.copy()  # type: ignore[attr-defined]
    joined = exp.Binary | exp.Not | exp.Neg | exp.Between | exp.In | exp.Cast
    for node in tuple(copy.walk()):
        if isinstance(node, joined) and not isinstance(node.parent, exp.Paren | exp.Alias | exp.Select):
            held = exp.Paren()
            node.replace(held)
            held.set("this", node)
    return str(copy.sql(DIALECT))


@pytest.mark.parametrize(
    "series",
    [
        "range(5)",
        "unnest([3, -1, 3])",
        "unnest(['a', 'b''c'])",
        "range(2, 9, 3) AS t(i)",
        "range(5, 0, -2) r",
        "range(-3, 2)",
        "range(0)",
        "range(3, 1) t(k)",
        "generate_series(1, 4)",
        "generate_series(5, 1, -2) t(x)",
        "generate_series(DATE '2020-01-31', DATE '2020-08-01', INTERVAL 1 MONTH) t(d)",
        "range(DATE '2020-01-31', DATE '2021-08-01', INTERVAL '1 quarter') t(d)",
        "range(TIMESTAMP '2020-01-31 10:00:00', DATE '2020-02-20', INTERVAL 1 WEEK) t(d)",
        "range(DATE '2016-02-29', DATE '2024-03-01', INTERVAL 1 YEAR) t(d)",
        "generate_series(DATE '2020-02-01', DATE '2020-02-03', INTERVAL '1' DAY)",
        "range('2019-12-01'::DATE, '2020-03-01'::DATE, INTERVAL 30 DAYS)",
    ],
)
def test_a_series_of_constants_becomes_its_rows(series: str, con: duckdb.DuckDBPyConnection) -> None:
    text = f"SELECT * FROM {series}"
    plain = parse(text, (), Form.ROWS).tree.sql(DIALECT)
    assert "VALUES" in plain or "FALSE" in plain
    asked, got = con.execute(text), con.cursor().execute(plain)
    assert [c[0] for c in got.description or ()] == [c[0] for c in asked.description or ()]
    assert got.fetchall() == asked.fetchall()


@pytest.mark.parametrize(
    ("series", "code"),
    [
        ("range(1000000000)", "query.limit_list"),
        ("generate_series(DATE '1900-01-01', DATE '2100-01-01', INTERVAL 1 DAY)", "query.limit_list"),
        ("generate_series(DATE '1900-01-01', DATE '9999-12-31', INTERVAL 1 YEAR)", "query.limit_list"),
        ("range(1, 9, 0)", "query.function"),
        ("range(a)", "query.function"),
        ("range((SELECT 5))", "query.function"),
        ("range(DATE '2020-01-01', DATE '2021-01-01', INTERVAL 1 SECOND)", "query.function"),
        ("range(DATE '2020-01-01', DATE '2021-01-01', INTERVAL '-1' DAY)", "query.function"),
        ("range(1e18)", "query.function"),
        ("range('5')", "query.function"),
    ],
)
def test_a_series_that_is_long_or_not_constant_is_refused(series: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(f"SELECT * FROM {series} AS t(i)", (), Form.ROWS)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("SELECT a FROM t FETCH FIRST 5 ROWS ONLY", "SELECT a FROM t LIMIT 5"),
        ("(SELECT a FROM t) ORDER BY a LIMIT 2", "SELECT a FROM t ORDER BY a LIMIT 2"),
        ("((SELECT a FROM t))", "SELECT a FROM t"),
        (
            "(SELECT a FROM t LIMIT 3) ORDER BY a",
            "SELECT * FROM (SELECT a FROM t LIMIT 3) AS bracketed ORDER BY a",
        ),
        (
            "SELECT 1 FROM (a JOIN b ON a.x = b.x) LEFT JOIN c ON c.x = a.x",
            "SELECT 1 FROM a JOIN b ON a.x = b.x LEFT JOIN c ON c.x = a.x",
        ),
        ("SELECT array_length(l) FROM t", "SELECT LENGTH(l) FROM t"),
        ("SELECT a FROM t WHERE a = ANY(ARRAY['x', 'y'])", "SELECT a FROM t WHERE (a IN ('x', 'y'))"),
        ("SELECT a FROM t WHERE a <> ALL([1, 2])", "SELECT a FROM t WHERE (NOT a IN (1, 2))"),
        ("SELECT x NOT LIKE 'a%' FROM t", "SELECT (NOT x LIKE 'a%') FROM t"),
        (
            "SELECT grouping_id(a, b) FROM t GROUP BY CUBE (a, b)",
            "SELECT GROUPING(a, b) FROM t GROUP BY CUBE (a, b)",
        ),
        ("SELECT a ~ 'x', b !~ 'y' FROM t", "SELECT a SIMILAR TO 'x', NOT b SIMILAR TO 'y' FROM t"),
    ],
)
def test_spellings_become_the_plain_one(text: str, plain: str) -> None:
    assert parse(text, (), Form.ROWS).tree.sql(DIALECT) == plain
