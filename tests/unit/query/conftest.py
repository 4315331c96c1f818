from collections.abc import Iterator

import pytest

from enclave.adapters.policy_server import PolicyServer
from tests.unit.query import world


@pytest.fixture(scope="session")
def policy() -> Iterator[PolicyServer]:
    """The real policy server with the real policies."""
    with world.policies() as server:
        yield server
