"""What epidemiologists tabulate is answered in table form where a rule about contributions binds as well.

The studies of `honest_tables`, under the European set's dominance and p % besides the thresholds. What is shown is what is shown
without the rules; where more is hidden it is written down why.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from enclave.adapters.engine import Engine, EngineLimits, EnginePool
from enclave.adapters.policy_server import PolicyServer
from enclave.disclosure.answers.table import Hidden, ProtectedTable, value_of
from enclave.query.stages import Form
from tests.unit.query import claims_world, world
from tests.unit.query.same_answer import protected, text_of
from tests.unit.query.test_honest_tables import SMALL, STUDIES, tenfold

BESIDES = {
    "id": "besides", "valid_from": "2015-01-01", "source": "the test's own", "scope": {"databases": ["*"]},
    "dominance": {"n": 2, "k": 90}, "p_percent": {"p": 10, "n": 1},
}  # fmt: skip

DOMINATED: dict[str, str] = {}
"""Studies of which more is hidden, and why."""


class Besides:
    """The real policy, and one rule set more in what it binds an answer to."""

    def __init__(self, server: PolicyServer) -> None:
        self._server = server

    def decide(self, path: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
        said = dict(self._server.decide(path, question))
        bound = dict(said["obligations"])
        return {**said, "obligations": {**bound, "rule_sets": {**bound["rule_sets"], "besides": BESIDES}}}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    path: Path = tmp_path_factory.mktemp("claims") / "extract.duckdb"
    with duckdb.connect(str(path)) as con:
        claims_world.fill(con, tenfold)
    pool = EnginePool(EngineLimits(wall=60, workers=2))
    yield pool.open(path, None, "v-81c2/2")
    pool.close()


def ask(sql: str, policy: Any, engine: Engine) -> ProtectedTable:
    return protected(engine, world.ask(sql, policy, Form.TABLE, **claims_world.parts()))


@pytest.mark.parametrize("name", sorted(STUDIES))
def test_a_study_is_answered_under_rules_about_contributions(
    name: str, opened: Engine, policy: PolicyServer
) -> None:
    without, under = ask(STUDIES[name], policy, opened), ask(STUDIES[name], Besides(policy), opened)
    assert [row.keys for row in under.rows] == [row.keys for row in without.rows]
    more = 0
    for one, other in zip(without.rows, under.rows, strict=True):
        for before, after in zip(one.cells, other.cells, strict=True):
            assert isinstance(after, Hidden) or text_of((value_of(after),)) == text_of((value_of(before),))
            more += isinstance(after, Hidden) and not isinstance(before, Hidden)
    assert (more > 0) == (name in DOMINATED)
    assert name in {*SMALL, *DOMINATED} or not any(
        isinstance(cell, Hidden) for row in under.rows for cell in row.cells
    )
