"""The small world's policy server, extract and engine as fixtures; a `conftest.py` that wants them imports them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from enclave.adapters.engine import Engine, EngineLimits, EnginePool
from enclave.adapters.policy_server import PolicyServer
from tests.unit.query import world


@pytest.fixture(scope="session")
def policy() -> Iterator[PolicyServer]:
    """The real policy server with the real policies."""
    with world.policies() as server:
        yield server


@pytest.fixture(scope="session")
def extract(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world.build(tmp_path_factory.mktemp("extract") / "extract.duckdb")


@pytest.fixture(scope="session")
def engine(extract: Path) -> Iterator[Engine]:
    """The real engine over the small extract."""
    pool = EnginePool(EngineLimits(wall=30, workers=2))
    yield pool.open(extract, None, "v-81c2/1")
    pool.close()
