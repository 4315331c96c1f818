"""What the client offers while a statement is written, as a table: pure, without a notebook around it."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent / "enclave" / "client")]

from enclave_client.completion import offers, parameters_in, statement_at  # noqa: E402

TABLES = {
    "ndb.rcpt": ("pid", "rcpt_kind", "points"),
    "ndb.sy": ("pid", "icd10"),
    "nafld.patients": ("pid", "age", "status"),
}


OFFERED = [
    # after FROM and JOIN: tables, by their names and their databases' names
    ("SELECT * FROM |", ["ndb.rcpt", "ndb.sy", "nafld.patients"]),
    ("SELECT * FROM n|", ["ndb.rcpt", "ndb.sy", "nafld.patients"]),
    ("SELECT * FROM pat|", ["nafld.patients"]),
    ("SELECT * FROM ndb.|", ["rcpt", "sy"]),
    ("SELECT * FROM ndb.r|", ["rcpt"]),
    ("SELECT * FROM ndb.rcpt r JOIN |", ["ndb.rcpt", "ndb.sy", "nafld.patients"]),
    ("SELECT * FROM ndb.rcpt r, nd|", ["ndb.rcpt", "ndb.sy"]),
    # elsewhere: columns of the tables that the statement names, also further down
    ("SELECT a| FROM nafld.patients", ["age"]),
    ("SELECT p| FROM ndb.rcpt", ["pid", "points", "nafld.patients"]),
    ("SELECT r.p| FROM ndb.rcpt r", ["pid", "points"]),
    ("SELECT r.| FROM ndb.rcpt AS r JOIN ndb.sy s USING (pid)", ["pid", "rcpt_kind", "points"]),
    ("SELECT s.| FROM ndb.rcpt AS r JOIN ndb.sy s USING (pid)", ["pid", "icd10"]),
    ("SELECT rcpt.| FROM ndb.rcpt", ["pid", "rcpt_kind", "points"]),
    ("SELECT * FROM ndb.sy WHERE ICD|", ["icd10"]),
    ("SELECT stat|", ["status"]),
    # in texts and comments: nothing
    ("SELECT 'a|", []),
    ("SELECT 1 -- a|", []),
    ("SELECT /* a|", []),
    ("SELECT 'it''s', a| FROM nafld.patients", ["age"]),
    ("SELECT unknown.| FROM nafld.patients", []),
]
"""A place in a statement (`|`), and the tables and columns that fit there; R is held against the same places."""


def offered(statement: str, kinds: str = "table column") -> list[str]:
    """`|` marks the place."""
    before, after = statement.split("|")
    return [offer.text for offer in offers(before, after, TABLES)[1] if offer.kind in kinds.split()]


@pytest.mark.parametrize(("statement", "expected"), OFFERED)
def test_names_of_the_permit_are_offered_where_they_fit(statement: str, expected: list[str]) -> None:
    """Tables after FROM and JOIN, columns elsewhere, nothing in a text."""
    assert offered(statement) == expected


def test_an_offer_replaces_what_was_begun() -> None:
    """Of `r.po` the part after the point, of a name the whole of it."""
    assert offers("SELECT r.po", " FROM ndb.rcpt r", TABLES)[0] == "po"
    assert offers("SELECT * FROM ndb", "", TABLES)[0] == "ndb"


def test_keywords_are_offered_last_and_only_for_a_word_that_was_begun() -> None:
    """Nobody wants forty words for nothing."""
    assert offered("SELECT a| FROM nafld.patients", "column keyword")[:2] == ["age", "ANTI"]
    assert offered("SELECT | FROM nafld.patients", "keyword") == []


@pytest.mark.parametrize(
    ("cell", "statement"),
    [
        ("%%sql\nSELECT |", ("SELECT ", "")),
        ("%%sql kept << --table\nSELECT a|\nFROM b", ("SELECT a", "\nFROM b")),
        ("x = %sql SELECT a|", ("SELECT a", "")),
        ("%sql SELECT a|\ny = 1", ("SELECT a", "")),
        ("e.sql('SELECT a| FROM b', x=1)", ("SELECT a", " FROM b")),
        ('e.table("""\nSELECT a|\nFROM b""")', ("\nSELECT a", "\nFROM b")),
        ('pd.read_sql("SELECT |", c)', ("SELECT ", "")),
        ("e.polars(r'SELECT a|')", ("SELECT a", "")),
        ("e.sql('SELECT a').he|", None),
        ("print('SELECT a|')", None),
        ("e.ta|", None),
        ("e.sql('SELECT 1')\nx = 'a|'", None),
    ],
)
def test_a_statement_is_found_where_a_person_writes_one(cell: str, statement: tuple[str, str] | None) -> None:
    """In a cell, a line, or the text of a call; other texts are left to Python."""
    place = cell.index("|")
    assert statement_at(cell.replace("|", ""), place) == statement


def test_variables_are_found_outside_of_texts_and_comments() -> None:
    """`$name` in a text is the text's own business."""
    found = parameters_in("SELECT $a, '$b', \"$c\", $a -- $d\n/* $e */ WHERE x > $least AND $1 = 2")
    assert found == ("a", "least")
