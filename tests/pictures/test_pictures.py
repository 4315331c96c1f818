"""The pictures of the docs show what the engine finds now. To draw them anew: `python -m tests.pictures docs/pictures`."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.pictures.draw import LANGUAGES, pictures, protected, whole

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"


def test_the_pictures_are_what_the_engine_finds() -> None:
    """A pattern or a bound that changes changes a picture, and somebody looks at it."""
    drawn = pictures()
    assert {path.name for path in FOLDER.glob("*.svg")} == set(drawn)
    for name, text in drawn.items():
        assert (FOLDER / name).read_text("utf-8") == text


def test_no_picture_for_the_public_writes_the_hidden_number() -> None:
    """The unsafe count stands in neither picture; its bounds hold it and another number."""
    (cell,) = [cell for cell, row in protected().items() if row["status"] == "primary"]
    row = protected()[cell]
    assert int(row["lower"]) <= whole()[cell] <= int(row["upper"])
    assert row["lower"] != row["upper"]
    assert row["n"] == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_picture_has_a_title_and_no_script(language: str) -> None:
    """A reader who does not see it is told what it is; it loads nothing."""
    for name, text in pictures().items():
        if f".{language}." in name:
            root = ElementTree.fromstring(text)  # noqa: S314  drawn here
            tags = {one.tag.rpartition("}")[2] for one in root.iter()}
            assert root.get("aria-label")
            assert tags == {"svg", "title", "rect", "text"}
