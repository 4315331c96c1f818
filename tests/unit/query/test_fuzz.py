"""Broken and odd statements: nothing but a refusal or a guarded statement ever comes out, and no hidden name goes in."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enclave.adapters.policy_server import PolicyServer
from enclave.core.refusal import Refused
from enclave.query.codes import CODES
from enclave.query.parse import DIALECT
from enclave.query.stages import Form
from tests.unit.query import world

WORDS = [
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "BY",
    "ORDER",
    "LIMIT",
    "HAVING",
    "QUALIFY",
    "WITH",
    "AS",
    "UNION",
    "ALL",
    "EXCEPT",
    "JOIN",
    "LEFT",
    "ON",
    "USING",
    "(",
    ")",
    ",",
    "*",
    ".",
    ";",
    "count",
    "sum",
    "min",
    "avg",
    "pid",
    "age",
    "status",
    "weight",
    "name",
    "patients",
    "events",
    "people",
    "nafld",
    "secret",
    "nafld.patients",
    "secret.people",
    "p",
    "e",
    "1",
    "0.5",
    "'x'",
    "NULL",
    "=",
    "<>",
    "<",
    "AND",
    "OR",
    "NOT",
    "IN",
    "EXISTS",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "OVER",
    "PARTITION",
    "FILTER",
    "DISTINCT",
    "::",
    "INT",
    "DATE",
    "INTERVAL",
    "BETWEEN",
    "LIKE",
    "$1",
    "?",
    "[",
    "]",
    "{",
    "}",
    "->",
    "ROLLUP",
    "PIVOT",
    "LATERAL",
    "COLUMNS",
    "query_table",
    "read_text",
    "\u200b",
    "/*",
    "*/",
    "--",
]

HIDDEN = ("weight", "secret", "notes", "people")


def worded(code: str) -> str:
    assert code in CODES
    return code


def outcome(text: str, form: Form) -> str:
    """The code of the refusal, or the SQL that would run."""

    class Yes:
        def decide(self, path: str, question: object) -> dict[str, object]:
            return {"allow": True, "deny": [], "obligations": {"rule_sets": {"x": {}}}}

    try:
        guarded = world.ask(text, Yes(), form)
    except Refused as refused:
        return worded(refused.code)
    base = [table for table in DIALECT.parse(guarded.sql)[0].find_all(*_tables()) if table.db]
    assert all((table.db, table.name) in guarded.expected for table in base)
    assert all(f'"{name}"' not in _reads(guarded.sql) for name in HIDDEN)
    return guarded.sql


def _tables() -> tuple[type, ...]:
    from sqlglot import exp

    return (exp.Table,)


def _reads(sql: str) -> str:
    """The projections over base tables: all that a statement can reach."""
    from sqlglot import exp

    return " ".join(
        table.parent_select.sql(DIALECT, identify=True)
        for table in DIALECT.parse(sql)[0].find_all(exp.Table)
        if table.db
    )


@given(st.lists(st.sampled_from(WORDS), max_size=40), st.sampled_from(Form))
@settings(max_examples=400, deadline=None)
def test_soups_of_words_are_refused_or_guarded(words: list[str], form: Form) -> None:
    outcome(" ".join(["SELECT", *words]), form)


@given(st.text(max_size=200), st.sampled_from(Form))
@settings(max_examples=200, deadline=None)
def test_any_text_is_refused_or_guarded(text: str, form: Form) -> None:
    outcome(text, form)


def test_damaged_honest_statements_are_refused_or_guarded() -> None:
    """Each with words left out, doubled, swapped or replaced; some still parse."""
    chance = random.Random(7)
    honest = [
        "SELECT male , age // 10 AS d , count(*) AS n FROM patients p JOIN events e USING (pid) WHERE age > 40"
        " GROUP BY ALL ORDER BY ALL",
        "WITH f AS ( SELECT pid , min(days) AS t FROM events GROUP BY pid ) SELECT count(*) AS n FROM f"
        " WHERE pid IN ( SELECT pid FROM labs WHERE value > 3 )",
        "SELECT * FROM patients WHERE EXISTS ( SELECT 1 FROM events e WHERE e.pid = patients.pid )",
    ]
    guarded = 0
    for _ in range(600):
        words = chance.choice(honest).split(" ")
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(words))
            match chance.randrange(4):
                case 0 if len(words) > 1:
                    del words[place]
                case 1:
                    words.insert(place, words[place])
                case 2:
                    other = chance.randrange(len(words))
                    words[place], words[other] = words[other], words[place]
                case _:
                    words[place] = chance.choice(WORDS)
        guarded += outcome(" ".join(words), chance.choice(list(Form))).startswith(("SELECT", "WITH"))
    assert guarded >= 10


@pytest.mark.parametrize(
    "name", ["weight", "Weight", '"weight"', "WEIGHT", "p.weight", "nafld.patients.weight"]
)
def test_a_hidden_column_is_hidden_in_every_spelling(name: str, policy: PolicyServer) -> None:
    with pytest.raises(Refused):
        world.ask(f"SELECT {name} FROM nafld.patients p", policy)
