"""What does not parse is told where and what may be meant; nothing of the text but names is repeated."""

import pytest

from enclave.adapters.engine import Engine
from enclave.adapters.policy_server import PolicyServer
from enclave.core.refusal import Refused, problem
from enclave.query.codes import CODES
from enclave.query.parse import parse
from enclave.query.stages import Form, Params
from enclave.query.text import WHOLE
from tests.unit.query import world


def refused(text: str, params: Params = ()) -> Refused:
    with pytest.raises(Refused) as caught:
        parse(text, params, Form.ROWS)
    return caught.value


@pytest.mark.parametrize(
    ("text", "line", "suggestion"),
    [
        ("SELECT age FORM patients WHERE age > 3", 1, "FROM"),
        ("SELECT age\nFROM patients\nWEHRE age > 3", 3, "WHERE"),
        ("SELECT age, count(*)\nFROM patients GRUOP BY age", 2, "GROUP"),
        ("SELECT age FROM patients ORDRE BY age", 1, "ORDER"),
        ("SELECT count(* FROM patients", 1, ")"),
        ("SELECT (age FROM patients", 1, ")"),
        ("SELECT age) FROM patients", 1, "("),
        ("SELECT CASE WHEN age > 3 THEN 1 FROM patients", 1, "END"),
        ("SELECT age FROM patients p LEFT JION events e USING (pid)", 1, "JOIN"),
        ("SELECT age FROM\npatients WHERE name = 'TANAKA", 2, "' \" */"),
        ("SELECT 1 /* SECRET", 1, "' \" */"),
        ("SELECT pid FROM patients\nLEFT JOIN events WHERE age > 3", 2, "ON"),
        ("SELECT pid FROM patients p JOIN events e ON WHERE p.age > 3", 1, "ON"),
        ("SELECT pid FROM patients p JOIN events USING", 1, "ON"),
        ("SELECT pid FROM patients SEMI JOIN (SELECT pid FROM events JOIN labs) USING (pid)", 1, "ON"),
        ("SELECT age FROM patients WHERE 'SECRET' LIKE @", 1, WHOLE),
        ("SELECT age FROM patients WHERE age IN ()", 1, WHOLE),
        ("SELECT age FROM patients JOIN (VALUES (1, 'x'), (2)) v(a, b) ON a = age", 1, "(1, 'a'), (2, 'b')"),
    ],
)
def test_a_place_and_a_suggestion_are_said_and_no_word_of_the_text(
    text: str, line: int, suggestion: str
) -> None:
    found = refused(text)
    assert (found.code, found.facts["line"], found.facts["suggestion"]) == ("query.syntax", line, suggestion)
    for language in ("ja", "en"):
        said = str(problem(found, CODES, language))
        assert "…}" not in said
        assert not any(word in said for word in ("TANAKA", "SECRET", "patients", "name"))


def test_an_unclosed_text_is_shown_where_it_begins() -> None:
    found = refused("SELECT 'a', -- it's\n  'b''c', 'never")
    assert (found.facts["line"], found.facts["column"]) == (2, 11)


@pytest.mark.parametrize(
    ("text", "node", "instead"),
    [
        ("SELECT pid FROM patients TABLESAMPLE 10%", "table sample", "SELECT pid FROM t WHERE pid % 10 = 3"),
        (
            "WITH RECURSIVE r AS (SELECT 1) SELECT * FROM r",
            "with recursive",
            "FROM range(2018, 2023) AS y(y)",
        ),
        ("SELECT * FROM patients NATURAL JOIN events", "natural join", "JOIN u USING (pid)"),
        ("SELECT {'a': age} FROM patients", "struct", "SELECT a, b FROM t"),
        ("SELECT pid FROM patients LIMIT (SELECT 3)", "limit expression", "LIMIT 100"),
    ],
)
def test_a_refused_part_of_a_query_comes_with_what_to_write(text: str, node: str, instead: str) -> None:
    found = refused(text)
    assert found.code == "query.node"
    assert (found.facts["node"], found.facts["instead"]) == (node, instead)


@pytest.mark.parametrize(
    ("text", "params", "code"),
    [
        ("SELECT age FROM patients WHERE age > ?", ("old",), "query.value"),
        ("SELECT age FROM patients WHERE entry > ?", ("not a date",), "query.value"),
        ("SELECT age FROM patients WHERE entry > ?", (5,), "query.types"),
        ("SELECT age + ? FROM patients", ("x",), "query.value"),
        ("SELECT age FROM patients WHERE male = ?", ("maybe",), "query.value"),
        ("SELECT age FROM patients WHERE age IN (?)", (("x", "y"),), "query.value"),
    ],
)
def test_a_parameter_of_the_wrong_type_is_a_code_without_its_value(
    text: str, params: Params, code: str, policy: PolicyServer, engine: Engine
) -> None:
    with pytest.raises(Refused) as caught:
        for _ in engine.run(world.ask(text, policy, params=params)).batches():
            pass
    assert caught.value.code == code
    said = str(problem(caught.value, CODES, "en"))
    assert not any(str(value) in said for value in params)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT age, count(*) AS n, sum(status) AS n_status FROM patients GROUP BY age",
        "SELECT age, count(*) AS N, sum(status) AS n_STATUS FROM patients GROUP BY age",
        "SELECT age, count(*) AS age_status FROM patients GROUP BY age",
        "SELECT age, count(*) AS 数, sum(status) AS 数_status FROM patients GROUP BY age",
    ],
)
def test_a_name_that_is_anothers_companion_is_taken(text: str, policy: PolicyServer) -> None:
    """In a table; records have no companions, and there the name is free."""
    with pytest.raises(Refused) as caught:
        world.ask(text, policy, Form.TABLE)
    assert caught.value.code == "query.name_taken"
    assert world.ask(text, policy, Form.ROWS).sql
