"""What is asked of a registry that nothing but its columns' roles describes is answered in both forms as the bare engine answers it.

`honest_clinic.sql`. Where cells of a table are hidden it is written down why.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from enclave.adapters.engine import Engine, EngineLimits, EnginePool
from enclave.adapters.policy_server import PolicyServer
from enclave.disclosure.answers.table import TOTAL, Hidden, value_of
from enclave.gateway import cells
from enclave.query.stages import Form
from tests.unit.query import clinic_world, world
from tests.unit.query.same_answer import assert_same, text_of
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
    guarded = world.ask(QUESTIONS[name], policy, Form.TABLE, **clinic_world.parts())
    run = engine.run(guarded)
    answered = pa.Table.from_batches(list(run.batches()), schema=run.schema)
    run.close()
    table = cells.protect(answered, guarded)
    found = [isinstance(cell, Hidden) for row in table.rows for cell in row.cells]
    assert any(found) == (name in SMALL)
    assert not all(found)
    asked = _bare(QUESTIONS[name], path, [*table.dimensions, *(measure.name for measure in table.measures)])
    assert len(asked) == len(table.rows)
    for row in table.rows:
        keys = [None if key is TOTAL else key for key in row.keys]
        told = [*keys, *(value_of(cell) for cell in row.cells)]
        shown = [True] * len(keys) + [not isinstance(cell, Hidden) for cell in row.cells]
        assert any(_texts(line, shown) == _texts(told, shown) for line in asked)


def _bare(sql: str, path: Path, names: list[str]) -> list[list[object]]:
    with duckdb.connect(str(path), read_only=True) as con:
        con.execute(f"SET search_path = '{','.join(clinic_world.DATABASES)}'")
        run = con.execute(sql)
        columns = [column[0] for column in run.description or ()]
        places = [columns.index(name) for name in names]
        return [[line[place] for place in places] for line in run.fetchall()]


def _texts(line: list[object], shown: list[bool]) -> str:
    return text_of(tuple(value for value, told in zip(line, shown, strict=True) if told))
