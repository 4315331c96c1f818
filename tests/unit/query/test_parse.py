"""What may be written."""

import time

import pytest

from enclave.core.refusal import Refused
from enclave.query.parse import DIALECT, parse, predicate
from enclave.query.stages import Form, Params


def made(text: str, params: Params = ()) -> str:
    return parse(text, params, Form.ROWS).tree.sql(DIALECT, comments=False)


def code(text: str, params: Params = ()) -> str:
    with pytest.raises(Refused) as refused:
        parse(text, params, Form.ROWS)
    return refused.value.code


def test_question_marks_are_filled_in_the_order_of_the_text() -> None:
    """Also where the parser keeps another order, as for WITH."""
    text = "WITH a AS (SELECT ? AS z) SELECT ?, (SELECT ?) FROM a JOIN b ON ? = ? WHERE ? GROUP BY ?"
    made_of = made(text, (1, 2, 3, 4, 5, True, "six"))
    assert (
        made_of
        == "WITH a AS (SELECT 1 AS z) SELECT 2, (SELECT 3) FROM a JOIN b ON 4 = 5 WHERE TRUE GROUP BY 'six'"
    )


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("o'b", "'o''b'"),
        ("a\\' OR 1=1 --", "'a\\'' OR 1=1 --'"),
        (-3, "-3"),
        (2.5, "CAST('2.5' AS DOUBLE)"),
        (None, "NULL"),
        (True, "TRUE"),
        ("肝臓", "'肝臓'"),
        ("$1", "'$1'"),
        ("?", "'?'"),
    ],
)
def test_a_value_becomes_one_literal_and_nothing_else(value: str, literal: str) -> None:
    assert made("SELECT ?", (value,)) == f"SELECT {literal}"
    assert made("SELECT $v", {"v": value}) == f"SELECT {literal}"


def test_a_list_stands_for_the_entries_of_in() -> None:
    assert made("SELECT 1 WHERE a IN (?)", (("x", "y'"),)) == "SELECT 1 WHERE a IN ('x', 'y''')"


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("SELECT ?", ()),
        ("SELECT ?", (1, 2)),
        ("SELECT $a", {"b": 1}),
        ("SELECT $a", {"a": 1, "b": 2}),
        ("SELECT ?", {"a": 1}),
        ("SELECT ?, $2", (1, 2)),
        ("SELECT ?", (float("nan"),)),
        ("SELECT ?", (float("inf"),)),
        ("SELECT ?", (1 << 70,)),
        ("SELECT ?", (("a", "b"),)),
        ("SELECT 1 WHERE a IN (?)", ((),)),
        ("SELECT 1 WHERE a IN (?, 2)", ((1, 2),)),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused(text: str, params: Params) -> None:
    assert code(text, params) == "query.parameter"


def test_a_format_character_in_a_parameter_is_refused() -> None:
    assert code("SELECT ?", ("a\u200bb",)) == "query.format_character"


def test_a_syntax_error_has_a_place_and_quotes_nothing() -> None:
    with pytest.raises(Refused) as refused:
        parse("SELECT age,\n  FROM 'SECRET VALUE' WHERE (", (), Form.ROWS)
    assert refused.value.code in {"query.syntax"}
    assert "SECRET" not in str(dict(refused.value.facts))
    assert set(refused.value.facts) == {"line", "column", "suggestion"}


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * 20_000,
        "SELECT " + "NOT " * 9_000 + "true",
        "SELECT " + "- " * 9_000 + "1",
        " UNION ALL ".join(["SELECT 1"] * 5_000),
        "SELECT a" + "[1]" * 9_000,
        "SELECT a" + ".b" * 9_000,
        "SELECT 1 FROM a " + "JOIN b " * 6_000,
        "SELECT " + "CASE WHEN true THEN " * 2_000,
        "SELECT 1 WHERE 1 IN (" + ",".join(["1"] * 30_000) + ")",
        "SELECT '" + "x" * 70_000 + "'",
        "WITH " * 9_000,
        "SELECT " + "+".join(["1"] * 9_000),
        "SELECT " + "interval " * 7_000,
    ],
    ids=lambda text: text[:30],
)
def test_a_statement_made_to_choke_the_parser_is_refused_at_once(text: str) -> None:
    started = time.thread_time()
    assert code(text).startswith(("query.limit_", "query.too_long", "query.syntax", "query.node"))
    assert time.thread_time() - started < 1.0


def test_comments_do_not_reach_the_engine() -> None:
    assert made("SELECT 1 /* a */ -- b") == "SELECT 1"


def test_a_quoted_function_name_is_the_same_function() -> None:
    assert code("SELECT \"Error\"('x')") == "query.function"
    assert made("SELECT \"suffix\"('x', 'y')") == "SELECT SUFFIX('x', 'y')"


@pytest.mark.parametrize(
    "text",
    [
        "age >= 18",
        "male AND bmi IS NOT NULL",
        "age BETWEEN 1 AND 2 OR event IN ('a', 'b')",
        "date >= DATE '2010-04-01'",
    ],
)
def test_a_permits_row_condition_is_one_predicate(text: str) -> None:
    assert predicate(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "age > 1; DROP TABLE x",
        "1 = 1) UNION SELECT (1",
        "age > (SELECT 1)",
        "EXISTS (SELECT 1)",
        "count(*) > 1",
        "row_number() OVER () = 1",
        "age > ?",
        "true GROUP BY age",
        "true ORDER BY age",
        "read_text('/etc/passwd') = 'x'",
        "a\u200b > 1",
    ],
)
def test_a_permits_row_condition_that_is_more_is_malformed(text: str) -> None:
    with pytest.raises(Refused) as refused:
        predicate(text)
    assert refused.value.code == "permit.malformed"
