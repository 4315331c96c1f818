"""Statements that ask the same have one canonical text, whatever their names and order; others have another."""

import pytest

from enclave.adapters.policy_server import PolicyServer
from enclave.query.stages import Form
from tests.unit.query import world

PLAIN = "SELECT male, count(*) AS n FROM patients WHERE age >= 40 AND status = 1 GROUP BY male"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) AS cases, p.male AS sex FROM nafld.patients p WHERE status = 1 AND 40 <= age GROUP BY ALL",
        "SELECT male, count(*) n FROM patients AS other WHERE status = 1 AND age >= 40 GROUP BY 1 ORDER BY male DESC",
    ],
)
def test_names_and_order_make_no_difference(text: str, policy: PolicyServer) -> None:
    assert _canonical(text, policy) == _canonical(PLAIN, policy)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.replace("40", "41"),
        PLAIN.replace("AND", "OR"),
        PLAIN.replace(">=", "<="),
        PLAIN.replace("status", "futime"),
        PLAIN.replace("GROUP BY male", "GROUP BY ROLLUP (male)"),
        PLAIN.replace("FROM patients", "FROM patients LEFT JOIN events USING (pid)"),
    ],
)
def test_what_asks_for_something_else_has_another_text(text: str, policy: PolicyServer) -> None:
    assert _canonical(text, policy) != _canonical(PLAIN, policy)


def test_names_of_ctes_make_no_difference(policy: PolicyServer) -> None:
    text = "WITH {0} AS (SELECT pid, min(days) d FROM labs GROUP BY pid) SELECT count(*) n FROM {0} {1} WHERE {1}.d > 30"
    assert _canonical(text.format("first", "f"), policy) == _canonical(text.format("a", "b"), policy)


def test_the_sensitive_columns_are_counted(policy: PolicyServer) -> None:
    """Age and sex are known to outsiders here; status and follow-up are not."""
    schema = world.schema(
        tables={
            "nafld.patients": {
                "columns": {
                    "pid": {"type": "UINTEGER", "role": "person"},
                    "age": {"type": "TINYINT", "role": "identifying"},
                    "male": {"type": "BOOLEAN", "role": "identifying"},
                    "status": {"type": "TINYINT", "role": "outcome"},
                    "futime": {"type": "INTEGER", "role": "measure"},
                },
                "person": True,
            }
        }
    )
    text = "SELECT male, sum(status) d, sum(futime) t FROM patients WHERE age >= 40 GROUP BY male"
    facts = world.ask(text, policy, Form.TABLE, schema=schema).facts
    assert facts.sensitive == ("nafld.patients.futime", "nafld.patients.status")
    assert facts.arity == 2


def _canonical(text: str, policy: PolicyServer) -> str:
    return world.ask(text, policy, Form.TABLE).facts.canonical
