"""What epidemiologists tabulate is answered in table form, and what is shown is what the bare engine says of the same text.

`honest_tables/*.sql` over the databases of the use cases, ten times as many persons. Where cells are hidden it is written down
why: a group of fewer than ten, or numbers of a row that are so near each other that one may lie inside the other.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from enclave.adapters.engine import Engine, EngineLimits, EnginePool
from enclave.adapters.policy_server import PolicyServer
from enclave.disclosure.answers.table import Hidden
from enclave.query.stages import Form
from tests.unit.query import claims_world, world
from tests.unit.query.same_answer import assert_shown_as_bare, protected
from tests.unit.query.test_honest import questions

FOLDER = Path(__file__).parent / "honest_tables"
STUDIES = {
    title.partition(" / ")[0]: sql
    for file in sorted(FOLDER.glob("*.sql"))
    for title, sql in questions(file).items()
}

SMALL = {
    "readmission within thirty days": "the last year has five who came back",
    "steps of a survival curve by half-years": "the last step has one person",
    "table one by exposure": "two of the few who are not exposed have no weight",
    "death within a year of admission": "seven, five and two died",
}
"""Questions that have a group of fewer than ten, and what it is."""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Engine]]:
    path = tmp_path_factory.mktemp("claims") / "extract.duckdb"
    with duckdb.connect(str(path)) as con:
        claims_world.fill(con, tenfold)
    pool = EnginePool(EngineLimits(wall=60, workers=2))
    yield path, pool.open(path, None, "v-81c2/2")
    pool.close()


def tenfold(rows: str) -> str:
    """The statement that fills a table, for ten times as many persons and lines."""
    rows = re.sub(r"'p', (\d+)\)", r"'p', \g<1>0)", rows)
    return re.sub(r"range\((\d{2,})\) t\(", r"range(\g<1>0) t(", rows)


def test_there_are_forty_studies() -> None:
    assert len(STUDIES) >= 40
    assert set(SMALL) <= set(STUDIES)


@pytest.mark.parametrize("name", sorted(STUDIES))
def test_a_study_is_answered_with_what_the_bare_engine_says(
    name: str, opened: tuple[Path, Engine], policy: PolicyServer
) -> None:
    path, engine = opened
    sql = STUDIES[name]
    table = protected(engine, world.ask(sql, policy, Form.TABLE, **claims_world.parts()))
    found = [isinstance(cell, Hidden) for row in table.rows for cell in row.cells]
    assert found
    assert any(found) == (name in SMALL)
    assert_shown_as_bare(table, sql, path, sorted({one.split(".")[0] for one in claims_world.TABLES}))
