"""What is asked of a registry that nothing but its columns' roles describes is answered in both forms as the bare engine answers it.

`honest_clinic.sql`. Where cells of a table are hidden it is written down why.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from enclave.adapters.engine import Engine, EngineLimits, EnginePool
from enclave.adapters.policy_server import PolicyServer
from enclave.disclosure.answers.table import Hidden
from enclave.query.stages import Form
from tests.unit.query import clinic_world, world
from tests.unit.query.same_answer import assert_same, assert_shown_as_bare, protected
from tests.unit.query.test_honest import questions

QUESTIONS = questions(Path(__file__).parent / "honest_clinic.sql")

SMALL = {
    "persons by stage and sex": "in each stage a few have no sex",
    "first event": "the first and the last year have a few",
    "person-years and rate": "a few of those without a sex died",
    "rollup two": "a few smoke among those without a sex",
    "cost per patient per quarter": "the last quarters have a few",
    "readmission 30": "in some years a few came back",
}
"""Questions that have a group of fewer than ten, and what it is."""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Engine]]:
    path = clinic_world.build(tmp_path_factory.mktemp("clinic") / "extract.duckdb")
    pool = EnginePool(EngineLimits(wall=60, workers=1))
    yield path, pool.open(path, None, "v-81c2/3")
    pool.close()


def test_there_are_forty_questions() -> None:
    assert len(QUESTIONS) >= 40
    assert set(SMALL) <= set(QUESTIONS)


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_rows_are_the_bare_engines(name: str, opened: tuple[Path, Engine], policy: PolicyServer) -> None:
    path, engine = opened
    parts = clinic_world.parts()
    assert assert_same(QUESTIONS[name], engine, policy, path, list(clinic_world.DATABASES), **parts) > 0


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_cells_are_the_bare_engines_or_hidden(
    name: str, opened: tuple[Path, Engine], policy: PolicyServer
) -> None:
    path, engine = opened
    table = protected(engine, world.ask(QUESTIONS[name], policy, Form.TABLE, **clinic_world.parts()))
    found = [isinstance(cell, Hidden) for row in table.rows for cell in row.cells]
    assert any(found) == (name in SMALL)
    assert not all(found)
    assert assert_shown_as_bare(table, QUESTIONS[name], path, list(clinic_world.DATABASES)) == len(table.rows)
