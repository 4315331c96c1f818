"""The databases of the rehearsals' tests, made once; a test that changes them makes its own."""

from pathlib import Path

import pytest

from tests.unit.rehearsal import ground
from tests.unit.rehearsal.ground import Person, Terminal


@pytest.fixture(scope="session")
def persons() -> list[Person]:
    return ground.people()


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory, persons: list[Person]) -> Path:
    return ground.write(tmp_path_factory.mktemp("rehearsal") / "data", persons)


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Terminal:
    """One state folder for the tests of a module: the extract is built once, as for a person at a terminal."""
    return Terminal(tmp_path_factory.mktemp("terminal"), data)
