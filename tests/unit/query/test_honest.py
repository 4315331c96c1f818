"""What researchers of the field write passes in the record tier, and gives what the bare engine gives for it.

`honest/*.sql`: cohorts, measures, episodes and idioms over the databases of the use cases; the use cases themselves;
the 22 queries of TPC-H over persons. One made-up population each.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from enclave.adapters.engine import Engine, EngineLimits, EnginePool
from enclave.adapters.policy_server import PolicyServer
from tests.unit.query import claims_world, tpch_world, world
from tests.unit.query.same_answer import assert_same
from tests.unit.query.test_use_cases import CASES

FOLDER = Path(__file__).parent / "honest"


def questions(file: Path) -> dict[str, str]:
    """Title, in both languages (`in English / 日本語`) → question."""
    found = re.findall(r"^-- ([^\n]*)\n(.*?);\s*$", file.read_text(), flags=re.MULTILINE | re.DOTALL)
    return dict(found)


HONEST = {
    f"{file.stem}: {title}": sql
    for file in sorted(FOLDER.glob("*.sql"))
    for title, sql in questions(file).items()
}


@pytest.fixture(scope="module")
def pool() -> Iterator[EnginePool]:
    made = EnginePool(EngineLimits(wall=60, workers=2))
    yield made
    made.close()


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory, pool: EnginePool) -> tuple[Path, Engine]:
    path = tmp_path_factory.mktemp("claims") / "extract.duckdb"
    with duckdb.connect(str(path)) as con:
        claims_world.fill(con)
    return path, pool.open(path, None, "v-81c2/2")


@pytest.fixture(scope="module")
def tpch(tmp_path_factory: pytest.TempPathFactory, pool: EnginePool) -> tuple[Path, Engine]:
    path = tmp_path_factory.mktemp("tpch") / "extract.duckdb"
    with duckdb.connect(str(path)) as con:
        tpch_world.fill(con)
    return path, pool.open(path, None, "v-81c2/3")


def test_there_are_many_honest_questions() -> None:
    assert len(HONEST) >= 155
    assert len(tpch_world.QUERIES) == 22


@pytest.mark.parametrize("name", sorted(HONEST))
def test_an_honest_question_gives_what_the_bare_engine_gives(
    name: str, claims: tuple[Path, Engine], policy: PolicyServer
) -> None:
    databases = sorted({table.split(".")[0] for table in claims_world.TABLES})
    path, engine = claims
    rows = assert_same(HONEST[name], engine, policy, path, databases, **claims_world.parts())
    assert rows > 0, "a question without an answer compares nothing"


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_use_case_gives_what_the_bare_engine_gives(
    name: str, claims: tuple[Path, Engine], policy: PolicyServer
) -> None:
    databases = sorted({table.split(".")[0] for table in claims_world.TABLES})
    path, engine = claims
    assert_same(CASES[name], engine, policy, path, databases, **claims_world.parts())


@pytest.mark.parametrize("name", sorted(tpch_world.QUERIES, key=lambda name: int(name[1:])))
def test_a_query_of_tpc_h_gives_what_the_bare_engine_gives(
    name: str, tpch: tuple[Path, Engine], policy: PolicyServer
) -> None:
    tables = {
        table.removeprefix("tpch."): {"columns": list(columns)}
        for table, columns in tpch_world.TABLES.items()
    }
    parts = {
        "permit": world.permit(databases={"tpch": tables}, linkage_groups=[["tpch"]]),
        "schema": world.schema(tables=tpch_world.TABLES),
    }
    path, engine = tpch
    rows = assert_same(tpch_world.text_of(name), engine, policy, path, ["tpch"], **parts)
    assert rows > 0, "a question without an answer compares nothing"
