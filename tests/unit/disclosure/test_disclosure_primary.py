"""Which rows are unsafe by themselves, as a truth table."""

from datetime import date

import pytest

from enclave.disclosure.answers.primary import unsafe
from enclave.disclosure.answers.table import Measure, MeasureKind, Row
from enclave.disclosure.criteria.rules import MinPersons, PopulationTier, RuleSet, Zero, combine

COUNT, SUM, MEAN, OTHER = MeasureKind.COUNT, MeasureKind.SUM, MeasureKind.MEAN, MeasureKind.OTHER

TEN = RuleSet("ten", date(2024, 1, 1), None, "test", ("*",), MinPersons(10, Zero.SHOWN))
HIDING_ZERO = RuleSet("zero", date(2024, 1, 1), None, "test", ("*",), MinPersons(10, Zero.HIDDEN))
TIERED = RuleSet(
    "tiers",
    date(2024, 1, 1),
    None,
    "test",
    ("*",),
    MinPersons(10, Zero.SHOWN),
    (PopulationTier(2000, None), PopulationTier(25000, 20)),
)
HOSPITALS = RuleSet(
    "hospitals", date(2024, 1, 1), None, "test", ("*",), MinPersons(10, Zero.SHOWN), min_institutions=3
)


@pytest.mark.parametrize(
    ("kinds", "persons", "total", "expected"),
    [
        ([COUNT], [9], 9, True),
        ([COUNT], [10], 10, False),
        ([COUNT], [0], 0, False),
        ([COUNT], [1], 1, True),
        # A filtered count, and everyone whom it leaves out.
        ([COUNT, COUNT], [50, 9], 50, True),
        ([COUNT, COUNT], [50, 10], 50, False),
        ([COUNT, COUNT], [50, 41], 50, True),
        ([COUNT, COUNT], [50, 40], 50, False),
        ([COUNT, COUNT], [50, 50], 50, False),
        ([COUNT, COUNT], [50, 0], 50, False),
        # The row's own persons, though no measure shows them.
        ([COUNT], [15], 20, True),
        ([COUNT], [0], 5, True),
        # Values missing for a few do not hide a mean; too few values do.
        ([COUNT, MEAN], [500, 497], 500, False),
        ([COUNT, MEAN], [500, 9], 500, True),
        ([COUNT, SUM], [500, 497], 500, False),
        ([COUNT, OTHER], [500, 497], 500, False),
        ([COUNT, OTHER], [500, 3], 500, True),
        # Two sums of the same expression give a third, the sum of those left over.
        ([SUM, SUM], [500, 497], 500, True),
        ([SUM, MEAN], [500, 497], 500, True),
    ],
)
def test_a_row_is_unsafe(kinds: list[MeasureKind], persons: list[int], total: int, expected: bool) -> None:
    """A row is unsafe when it holds, or leaves over by subtraction, a group of 1 to 9 persons."""
    measures = tuple(Measure(f"m{place}", kind) for place, kind in enumerate(kinds))
    row = Row((), tuple(persons), tuple(persons), total)
    assert unsafe(row, measures, combine([TEN])) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"), [("bmi", "bmi", True), ("bmi", "age", False), (None, "age", True)]
)
def test_only_sums_of_one_expression_are_subtracted(
    one: str | None, other: str | None, expected: bool
) -> None:
    """Sums of different columns leave nothing over; where it is not said which column, they may."""
    measures = (Measure("a", SUM, one), Measure("b", SUM, other))
    assert unsafe(Row((), (1.0, 2.0), (500, 497), 500), measures, combine([TEN])) is expected


def test_two_filters_of_which_one_may_lie_in_the_other_are_compared() -> None:
    """15 deaths and 14 deaths of men name one woman; conditions stated to be apart do not."""
    row = Row((), (100, 15, 14), (100, 15, 14), 100)
    unknown = (Measure("n"), Measure("dead"), Measure("dead_men"))
    apart = (Measure("n", of="all"), Measure("dead", of="dead"), Measure("alive", of="alive"))
    assert unsafe(row, unknown, combine([TEN]))
    assert not unsafe(row, apart, combine([TEN]))


@pytest.mark.parametrize(
    ("persons", "population", "expected"),
    [(19, 24999, True), (20, 24999, False), (19, 25000, False), (500, 1999, True), (0, 1999, True)],
)
def test_small_municipalities_have_their_own_threshold(persons: int, population: int, expected: bool) -> None:
    """Below 2,000 inhabitants nothing, not even a zero; below 25,000 twenty."""
    row = Row((), (persons,), (persons,), persons, None, population)
    assert unsafe(row, (Measure("n"),), combine([TIERED])) is expected


def test_a_zero_is_unsafe_only_where_the_rule_set_hides_zeros() -> None:
    """Zero policy is the rule set's."""
    row = Row((), (40, 0), (40, 0), 40)
    measures = (Measure("n"), Measure("dead"))
    assert not unsafe(row, measures, combine([TEN]))
    assert unsafe(row, measures, combine([HIDING_ZERO]))


@pytest.mark.parametrize(
    ("institutions", "expected"), [((2,), True), ((3,), False), ((0,), False), (None, False)]
)
def test_few_institutions_are_unsafe_where_a_rule_says_so(
    institutions: tuple[int, ...] | None, expected: bool
) -> None:
    """Fewer than three institutions, where they were counted and the set has the rule."""
    row = Row((), (40,), (40,), 40, institutions)
    assert unsafe(row, (Measure("n"),), combine([HOSPITALS])) is expected
    assert not unsafe(row, (Measure("n"),), combine([TEN]))
