"""One small world for all tests of it: 12,500 invented people, four fiscal years, all eleven databases."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from enclave.synth.generate import Request, run
from tests.unit.synth.invented import FIRST, LAST, PEOPLE, attach


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("synthetic") / "world"
    run(Request(PEOPLE, FIRST, LAST, seed=7, out=out))
    return out


@pytest.fixture(scope="session")
def world(made: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = attach(made)
    yield connection
    connection.close()
