"""The public catalogue in both languages: every database, its facts on a day, the matrix, the statistics."""

from typing import Any

import pytest

from enclave.catalogue.packaged import CORE, PLANNED, PUBLIC
from tests.web.page_checks import words

EVERY = (*PUBLIC, PLANNED, CORE, "nafld")


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("database", EVERY)
def test_every_database_has_a_page_that_anyone_may_read(browse: Any, database: str, language: str) -> None:
    """Also those that are not registered here, and the one that is only announced."""
    assert f"{database}" in browse(None, language).get(f"/catalogue/{database}").text


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("path", ["/catalogue", "/linkage", "/linkage?at=2019-01-01", "/catalogue?q=hba1c"])
def test_the_lists_are_public(browse: Any, path: str, language: str) -> None:
    """Nobody is asked to log in."""
    browse(None, language).get(path)
