"""Which categories a table may have, and what two other bodies' public tables show."""

from fractions import Fraction
from pathlib import Path

import pytest

from enclave.adapters.rule_files import resolve
from enclave.disclosure.criteria.categories import Categories, unfit
from enclave.disclosure.criteria.public_tables import dashes, rounded
from enclave.disclosure.criteria.rules import Zero, combine

DATA = Path(__file__).resolve().parents[3] / "policies" / "data"
FIVES = tuple((begin, begin + 5) for begin in range(0, 100, 5))


def codes(table: Categories, *sets: str) -> list[str]:
    found = unfit(table, combine(resolve(sets, DATA)))
    return [one.code.removeprefix("disclosure.") for one in found]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (Categories(), []),
        (Categories(ages=(*FIVES, (100, None))), []),
        (Categories(ages=((0, 65), (65, 90), (90, None))), []),
        (Categories(ages=((0, 1), (1, 5))), ["age_bands"]),
        (Categories(ages=((100, 105), (105, None))), ["age_bands"]),
        (Categories(ages=((110, None),)), ["age_bands"]),
        (Categories(areas=frozenset({"muni"})), []),
        (Categories(areas=frozenset({"district"})), ["area_too_fine"]),
        (Categories(areas=frozenset({"muni"}), crossed=frozenset({"insurer_kind"})), ["crossing"]),
        (Categories(areas=frozenset({"sma"}), crossed=frozenset({"insurer_kind"})), []),
        (Categories(death_hours=2), []),
        (Categories(death_hours=Fraction(1, 2)), ["death_item"]),
        (Categories(birth_weights=((0, 300), (300, 400), (4000, None))), []),
        (Categories(birth_weights=((300, 350),)), ["death_item"]),
        (Categories(birth_weights=((200, 300),)), ["death_item"]),
        (Categories(birth_weights=((4000, 4100),)), ["death_item"]),
        (Categories(ungrouped=frozenset({"siblings"})), ["death_item"]),
    ],
)
def test_the_ministry_s_categories(table: Categories, expected: list[str]) -> None:
    """Fives up to 100, no municipality with the kind of insurer, two hours, 100 g, siblings grouped."""
    assert codes(table, "ndb-2024-09") == expected


def test_an_output_of_two_databases_has_the_categories_of_both() -> None:
    """Care adds that everybody below 65 and from 95 on is one group."""
    table = Categories(ages=((60, 65), (65, 70), (95, 100)))
    assert codes(table, "ndb-2024-09") == []
    assert codes(table, "kaigo-2022-12", "ndb-2024-09") == ["age_bands"]
    assert codes(Categories(ages=((0, 65), (65, 70), (95, None))), "kaigo-2022-12", "ndb-2024-09") == []


@pytest.mark.parametrize(
    ("ages", "expected"),
    [
        (((10, 15), (15, 18), (18, 20), (20, 25)), []),
        (((15, 20),), []),
        (((15, 17), (17, 18)), ["age_bands"]),
        (((18, 19),), ["age_bands"]),
        (((20, 22),), ["age_bands"]),
        (((100, None),), []),
    ],
)
def test_at_eighteen_another_law_begins(
    ages: tuple[tuple[int, int | None], ...], expected: list[str]
) -> None:
    """Disability services: 15 to 17 and 18 to 19 stand alone; with another database's rule they do not."""
    assert codes(Categories(ages=ages), "welfare-2025-09") == expected
    assert codes(Categories(ages=((15, 18),)), "welfare-2025-09", "ndb-2024-09") == ["age_bands"]


@pytest.mark.parametrize(
    ("total", "details", "rule", "zero", "expected"),
    [
        # Two places are small: they, and no more.
        (58, (5, 3, 50), "ndb-open-5-9", Zero.SHOWN, (False, (True, True, False))),
        # One place is small: the smallest of the others too, wherever it stands.
        (85, (5, 30, 50), "ndb-open-5-9", Zero.SHOWN, (False, (True, True, False))),
        (115, (5, 30, 30, 50), "ndb-open-5-9", Zero.SHOWN, (False, (True, True, True, False))),
        (85, (5, 30, 50), "ndb-open-1-4", Zero.SHOWN, (False, (True, True, True))),
        # A total below ten is a place like any other.
        (5, (5, 0, 0), "ndb-open-5-9", Zero.SHOWN, (True, (True, False, False))),
        (60, (10, 50, 0), "ndb-open-5-9", Zero.SHOWN, (False, (False, False, False))),
        # Where zeros are hidden, one is enough to make a second dash needed.
        (60, (10, 50, 0), "ndb-open-5-9", Zero.HIDDEN, (False, (True, False, True))),
        (60, (10, 50, 0), "ndb-open-1-4", Zero.HIDDEN, (False, (True, True, True))),
        (None, (5, 30), "ndb-open-5-9", Zero.SHOWN, (False, (True, True))),
    ],
)
def test_the_dashes_of_ndb_open_data(
    total: int | None, details: tuple[int, ...], rule: str, zero: Zero, expected: object
) -> None:
    """What the note in row 1 of the tables says of one row."""
    assert dashes(total, details, rule, 10, zero) == expected


def test_no_row_has_one_dash_alone() -> None:
    """Whatever the row: what one dash alone hides, its total would tell."""
    from itertools import product

    for details in product((0, 1, 9, 10, 11, 25), repeat=4):
        for rule, zero in product(("ndb-open-1-4", "ndb-open-5-9"), Zero):
            total, hidden = dashes(sum(details), details, rule, 10, zero)
            assert sum((total, *hidden)) != 1
            assert all(dash for dash, count in zip(hidden, details, strict=True) if 0 < count < 10)
    with pytest.raises(ValueError, match="masking"):
        dashes(25, (5, 20), "ndb-open-12", 10, Zero.SHOWN)


@pytest.mark.parametrize(
    ("persons", "nearest", "midpoint"),
    [(0, None, None), (7, None, None), (8, 10, 9), (12, 10, 9), (13, 15, 15), (18, 20, 15), (100, 100, 99)],
)
def test_opensafely_rounds_what_it_does_not_redact(
    persons: int, nearest: int | None, midpoint: int | None
) -> None:
    """7 or fewer redacted; to the nearest 5, or to 3, 9, 15, …"""
    (by_fives,) = resolve(["opensafely-rounding"], DATA)
    (by_sixes,) = resolve(["opensafely-midpoint"], DATA)
    assert by_fives.rounding is not None
    assert by_sixes.rounding is not None
    assert (rounded(persons, by_fives.rounding), rounded(persons, by_sixes.rounding)) == (nearest, midpoint)


def test_rounding_without_redaction_keeps_nobody() -> None:
    """The band of 6 that 1 begins in does not hold 0."""
    six = {"redact_at_most": 0, "base": 0, "midpoint": 6}
    assert [rounded(count, six) for count in (0, 1, 6, 7)] == [0, 3, 3, 9]
    assert [rounded(count, six | {"base": 5, "midpoint": 0}) for count in (0, 2, 3, 8)] == [0, 0, 5, 10]
    with pytest.raises(ValueError, match="negative"):
        rounded(-1, six)
