"""docs/databases.md and its Japanese sister show the catalogue's rows. To print them anew: run this file."""

from datetime import date
from pathlib import Path

import pytest

from enclave.catalogue.packaged import PLANNED, PUBLIC
from enclave.catalogue.printed import (
    Stage,
    block,
    facts_table,
    matrix_table,
    reach_table,
    read_reach,
    replaced,
    tables_table,
)
from enclave.core.ids import DatabaseId

DOCUMENTS = {
    "en": Path(__file__).parents[3] / "docs" / "databases.md",
    "ja": Path(__file__).parents[3] / "docs" / "databases.ja.md",
}
DAY = date(2026, 11, 21)
"""The day that the documents show."""


def printed(language: str) -> dict[str, str]:
    return {
        "facts": facts_table(DAY, language),
        "matrix": matrix_table(DAY, language),
        "tables": tables_table(language),
    }


@pytest.mark.parametrize("language", DOCUMENTS)
@pytest.mark.parametrize("name", ["facts", "matrix", "tables"])
def test_the_documents_show_the_rows(language: str, name: str) -> None:
    """What people read is what the rules are."""
    assert block(DOCUMENTS[language].read_text(encoding="utf-8"), name) == printed(language)[name]


def test_both_documents_say_the_same_of_how_far_each_database_comes() -> None:
    """One row per database, an operator's after the public ones; the planned one is found and no more."""
    said = {
        language: read_reach(block(path.read_text(encoding="utf-8"), "reach"))
        for language, path in DOCUMENTS.items()
    }
    assert said["ja"] == said["en"]
    public = (*PUBLIC, PLANNED)
    assert tuple(said["en"])[: len(public)] == public
    assert "nafld" in tuple(said["en"])[len(public) :]
    assert said["en"][PLANNED] == (Stage.FOUND,)


@pytest.mark.parametrize("language", DOCUMENTS)
def test_a_table_of_reach_reads_back_as_it_was(language: str) -> None:
    """So that a test of the whole system can compare what it saw with what the page says."""
    reach = {DatabaseId("ndb"): tuple(Stage), DatabaseId("vac"): (Stage.FOUND, Stage.QUERIED), PLANNED: ()}
    found = read_reach(reach_table(reach, language))
    assert {name: found[name] for name in reach} == reach
    assert found[DatabaseId("cancer")] == ()


def test_a_document_without_its_place_is_not_passed_over() -> None:
    """A block that was lost would never be compared again."""
    with pytest.raises(ValueError, match="facts"):
        block("no place", "facts")


if __name__ == "__main__":
    for spoken, document in DOCUMENTS.items():
        text = document.read_text(encoding="utf-8")
        for place, table in printed(spoken).items():
            text = replaced(text, place, table)
        document.write_text(text, encoding="utf-8")
