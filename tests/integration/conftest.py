"""Fixtures of the tests that take something away from the running site, or hand it something broken."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from enclave.config import Site
from tests.integration.running_site import Desk, Ground, prepared


@pytest.fixture(scope="session")
def ground(site: Site) -> Ground:
    """The running site with one project whose permit is in force and whose extract is built."""
    return prepared(site)


@pytest.fixture
def desk(ground: Ground) -> Iterator[Desk]:
    """A fresh session of `mori` at the gateway, for the prepared project."""
    return ground.sit_down()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the services' users can read."""
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        Path(made).chmod(0o755)
        yield Path(made)
