"""A small group that a total and another number of its row give by subtraction, in the spellings that once did.

Each question asks for a total and for everybody but a few; where only the few are removed from the world, or many more
are taken, the same question is answered. Real policy, engine and protection over the small extract.
"""

from typing import Any

import pyarrow as pa
import pytest

from enclave.adapters.engine import Engine
from enclave.adapters.policy_server import PolicyServer
from enclave.disclosure.answers.table import Hidden, ProtectedTable
from enclave.gateway import cells
from enclave.query.stages import Form, Guarded
from tests.unit.query import world


def rows(engine: Engine, guarded: Guarded) -> pa.Table:
    run = engine.run(guarded)
    try:
        return pa.Table.from_batches(list(run.batches()), schema=run.schema)
    finally:
        run.close()


def protected(sql: str, policy: PolicyServer, engine: Engine) -> ProtectedTable:
    guarded = world.ask(sql, policy, Form.TABLE)
    return cells.protect(rows(engine, guarded), guarded)


def hidden(table: ProtectedTable) -> list[bool]:
    return [isinstance(cell, Hidden) for row in table.rows for cell in row.cells]


def persons(condition: str, source: str, policy: PolicyServer, engine: Engine) -> Any:
    guarded = world.ask(f"SELECT count(DISTINCT pid) AS n FROM {source} WHERE {condition}", policy)
    return rows(engine, guarded).column("n")[0].as_py()


@pytest.fixture(scope="module")
def few(policy: PolicyServer, engine: Engine) -> str:
    """A condition that holds for one to nine persons."""
    found = [f"age >= {age}" for age in range(80, 96)]
    return next(c for c in found if 0 < persons(c, "patients", policy, engine) < 10)


@pytest.fixture(scope="module")
def few_records(policy: PolicyServer, engine: Engine) -> str:
    """A condition on laboratory values that holds for records of one to nine persons, who have others too."""
    found = [f"value >= {value / 10}" for value in range(2900, 3001)]
    return next(c for c in found if 0 < persons(c, "labs", policy, engine) < 10)


MANY = "age >= 60"

ALL_BUT_FEW = (
    "count(*) FILTER (WHERE NOT ({few}))",
    "sum(CASE WHEN {few} THEN 0 ELSE 1 END)",
    "sum(CASE WHEN {few} THEN 1 ELSE 2 END)",
    "sum(CASE WHEN NOT ({few}) THEN 1 END)",
    "sum(CAST({few} AS INTEGER) + 1)",
    "avg(CASE WHEN {few} THEN 7 ELSE 8 END)",
    "avg(CASE WHEN NOT ({few}) THEN 1.5 ELSE 0.5 END)",
    "stddev_pop(CASE WHEN {few} THEN 3 ELSE 4 END)",
    "count(DISTINCT CASE WHEN NOT ({few}) THEN pid END)",
    "count(DISTINCT CASE WHEN NOT ({few}) THEN CAST(pid AS VARCHAR) END)",
    "count(*) FILTER (WHERE age < 50) AS a, count(*) FILTER (WHERE age >= 50 AND NOT ({few}))",
    "sum(CASE WHEN age < 50 THEN 1 ELSE 0 END) AS a, sum(CASE WHEN age >= 50 AND NOT ({few}) THEN 1 ELSE 0 END)",
    "count(DISTINCT pid) FILTER (WHERE age < 50) AS a, count(DISTINCT pid) FILTER (WHERE age >= 50 AND NOT ({few}))",
)


@pytest.mark.parametrize("measure", ALL_BUT_FEW)
def test_a_total_and_everybody_but_a_few_are_hidden_together(
    measure: str, few: str, policy: PolicyServer, engine: Engine
) -> None:
    """However the count of the others is spelled, total minus it would be the few."""
    table = protected(f"SELECT count(*) AS n, {measure.format(few=few)} AS d FROM patients", policy, engine)
    assert all(hidden(table))


@pytest.mark.parametrize("measure", ALL_BUT_FEW)
def test_the_same_question_about_many_is_answered(measure: str, policy: PolicyServer, engine: Engine) -> None:
    """A protection that hides everything would pass the attacks and fail here."""
    table = protected(f"SELECT count(*) AS n, {measure.format(few=MANY)} AS d FROM patients", policy, engine)
    assert not any(hidden(table))


def test_the_records_of_a_few_persons_cannot_be_had_by_subtraction_either(
    few_records: str, policy: PolicyServer, engine: Engine
) -> None:
    """With several records a person stands on both sides, so that the numbers of persons do not tell."""
    asked = "SELECT count(*) AS n, count(DISTINCT pid) AS p, count(*) FILTER (WHERE NOT ({})) AS d FROM labs"
    assert all(hidden(protected(asked.format(few_records), policy, engine)))
    assert not any(hidden(protected(asked.format("value >= 100"), policy, engine)))


@pytest.mark.parametrize("measure", ["avg(bmi)", "sum(futime)", "stddev(futime)", "count(DISTINCT age)"])
def test_measurements_of_everybody_stay_shown(measure: str, policy: PolicyServer, engine: Engine) -> None:
    """A mean over people of whom some have no value, or a number of distinct codes, tells of no small group."""
    assert not any(hidden(protected(f"SELECT count(*) AS n, {measure} AS d FROM patients", policy, engine)))
