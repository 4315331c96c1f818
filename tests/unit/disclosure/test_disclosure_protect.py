"""Whole tables through the engine: what hides, what stays, what is refused."""

from datetime import date
from itertools import product
from random import Random
from typing import Any

import pytest

from enclave.core.refusal import Refused
from enclave.disclosure.answers import lattice, secondary
from enclave.disclosure.answers.moves import Budget
from enclave.disclosure.answers.table import TOTAL, Hidden, Measure, MeasureKind, Reason, Row, Shown, Table
from enclave.disclosure.criteria.rules import MinPersons, PopulationTier, RuleSet, Zero, combine
from enclave.disclosure.flow import claim_of, protect
from enclave.disclosure.proof import interval
from tests.property.suppression_tables import hidden, shown, subsets, table_of

TEN = RuleSet("ten", date(2024, 1, 1), None, "test", ("*",), MinPersons(10, Zero.SHOWN))


def a_list(*persons: int, total: bool = False) -> Table:
    cells = {(place,): (count,) for place, count in enumerate(persons)}
    return table_of(cells, [(0,), ()] if total else [(0,)])


def statuses(table: Table) -> dict[tuple[object, ...], str]:
    answer = protect(table, [TEN])
    return {
        row.keys: cell.reason.value if isinstance(cell := row.cells[0], Hidden) else "shown"
        for row in answer.rows
    }


def test_a_small_cell_takes_the_cheapest_other_with_it() -> None:
    """One small cell under a known total: the cheapest other cell hides too, the dear ones stay."""
    assert statuses(a_list(3, 40, 25, 90)) == {
        (0,): "primary",
        (1,): "shown",
        (2,): "secondary",
        (3,): "shown",
    }


def test_a_total_that_nobody_asked_for_is_known() -> None:
    """Asking without the total hides as much as asking with it: the total can be asked for separately."""
    without = statuses(a_list(3, 40, 25))
    assert without == {(0,): "primary", (1,): "shown", (2,): "secondary"}
    assert statuses(a_list(3, 40, 25, total=True)) == {**without, (TOTAL,): "shown"}


def test_small_cells_that_together_are_small_need_a_third() -> None:
    """2 + 3 under one total can be read as a cell of 5."""
    assert statuses(a_list(2, 3, 50, 80))[(2,)] == "secondary"


def test_small_cells_that_together_are_enough_need_none() -> None:
    """6 + 7 hide each other."""
    assert statuses(a_list(6, 7, 50)) == {(0,): "primary", (1,): "primary", (2,): "shown"}


def test_a_single_person_cannot_hide_another_single_person() -> None:
    """1 + 1 under a total of 2 leaves one value each, since hidden is not zero: the total hides as well."""
    assert set(statuses(a_list(1, 1, total=True)).values()) == {"primary"}


def test_a_table_without_small_cells_is_shown_whole() -> None:
    """Nothing is hidden without need."""
    assert set(statuses(a_list(10, 40, 0, total=True)).values()) == {"shown"}


def test_zero_is_shown_as_zero_even_in_a_hidden_row() -> None:
    """A count of nobody stays, beside hidden numbers of the same row."""
    rows = (
        Row(("a",), (5, 0), (5, 0), 5),
        Row(("b",), (60, 20), (60, 20), 60),
        Row(("c",), (90, 40), (90, 40), 90),
    )
    answer = protect(Table(("d",), (Measure("n"), Measure("dead")), rows), [TEN])
    assert answer.rows[0].cells == (Hidden(Reason.PRIMARY), Shown(0))


def test_a_row_hides_as_one() -> None:
    """Count, mean and rate of an unsafe row all hide: two of them give the third."""
    kinds = (Measure("n"), Measure("mean", MeasureKind.MEAN), Measure("rate", MeasureKind.OTHER))
    rows = tuple(Row((n,), (n, 1.5, 0.5), (n, n, n), n) for n in (4, 30, 50))
    answer = protect(Table(("d",), kinds, rows), [TEN])
    assert all(isinstance(cell, Hidden) for cell in answer.rows[0].cells)
    assert all(isinstance(cell, Shown) for cell in answer.rows[2].cells)


def test_a_filtered_count_is_not_pinned_through_rows_where_nobody_is_counted() -> None:
    """The helper of a row must itself have somebody in the filtered count."""
    persons = ((12, 3), (20, 0), (60, 25), (70, 30))
    rows = tuple(Row((place,), pair, pair, pair[0]) for place, pair in enumerate(persons))
    answer = protect(Table(("d",), (Measure("n"), Measure("dead")), rows), [TEN])
    with_dead = [row for row in answer.rows if isinstance(row.cells[1], Hidden)]
    assert len(with_dead) >= 2


def test_those_not_counted_are_not_left_over_in_hidden_rows() -> None:
    """Row 0 has one person and no death; hiding only rows where everybody died would leave that one person."""
    persons = ((1, 0), (12, 12), (20, 20), (90, 40))
    rows = tuple(Row((place,), pair, pair, pair[0]) for place, pair in enumerate(persons))
    answer = protect(Table(("d",), (Measure("n", of="all"), Measure("dead", of="dead")), rows), [TEN])
    alive = sum(
        n - dead
        for (n, dead), row in zip(persons, answer.rows, strict=True)
        if isinstance(row.cells[0], Hidden)
    )
    assert alive >= 10


def test_margins_of_a_cube_hide_their_own_small_cells() -> None:
    """A small total hides, and its details with it."""
    cells = {
        ("a", 0): (2,),
        ("a", 1): (3,),
        ("b", 0): (40,),
        ("b", 1): (50,),
        ("c", 0): (60,),
        ("c", 1): (70,),
    }
    found = statuses(table_of(cells, subsets(2)))
    assert found[("a", TOTAL)] == "primary"
    assert found[(TOTAL, TOTAL)] == "shown"
    assert [keys for keys, status in found.items() if status == "secondary" and TOTAL in keys]


def test_a_cell_that_its_totals_give_away_is_refused_and_not_shown() -> None:
    """Where the totals alone give a small cell no pattern helps: refused, with the dimensions and no value."""
    # Row a has only its cell x, row c only y; so b's cells follow from totals that their own question shows.
    cells = {("a", "x"): (12,), ("b", "x"): (3,), ("b", "y"): (40,), ("c", "y"): (50,)}
    with pytest.raises(Refused) as caught:
        protect(table_of(cells, [(0, 1)]), [TEN])
    assert caught.value.code == "disclosure.no_safe_pattern"
    assert caught.value.facts == {"why": "structure", "dimensions": ["d0", "d1"]}


def test_a_municipality_without_counts_shows_not_even_zero() -> None:
    """Below 2,000 inhabitants the number is not shown, whatever it is."""
    tiers = RuleSet(
        "tiers",
        date(2024, 1, 1),
        None,
        "t",
        ("*",),
        MinPersons(10, Zero.SHOWN),
        (PopulationTier(2000, None),),
    )
    rows = (
        Row(("village",), (0,), (0,), 0, None, 900),
        Row(("hamlet",), (400,), (400,), 400, None, 1500),
        Row(("city",), (500,), (500,), 500, None, 90_000),
        Row(("town",), (600,), (600,), 600, None, 90_000),
    )
    answer = protect(Table(("area",), (Measure("n"),), rows), [tiers])
    assert [isinstance(row.cells[0], Hidden) for row in answer.rows[:2]] == [True, True]


@pytest.mark.parametrize(
    "more",
    [
        {"min_whole_numbers": 5},
        {"min_institutions": 3},
        {"rounding": {"redact_at_most": 7, "base": 5, "midpoint": 0}},
        {"masking": {"rule": "ndb-open-5-9"}},
        {"insiders": {"n": 1}},
    ],
)
def test_a_rule_that_cannot_be_applied_stops_the_table(more: dict[str, Any]) -> None:
    """A binding rule is never skipped: institutions that nobody counted are not enough institutions."""
    rule_set = RuleSet("r", date(2024, 1, 1), None, "t", ("*",), MinPersons(10, Zero.SHOWN), **more)
    with pytest.raises(Refused, match="rule_unsupported"):
        protect(a_list(40, 50), [rule_set])


@pytest.mark.parametrize("kind", [MeasureKind.SUM, MeasureKind.MEAN])
def test_a_rule_about_contributions_stops_a_table_of_sums_and_no_other(kind: MeasureKind) -> None:
    """Who contributed most is not known here; a table of persons has nobody who contributes more than another."""
    rule_set = RuleSet(
        "d", date(2024, 1, 1), None, "t", ("*",), MinPersons(10, Zero.SHOWN), dominance={"n": 2, "k": 90}
    )
    assert protect(a_list(40, 50), [rule_set]).tally()["hidden"] == 0
    sums = Table(("d",), (Measure("s", kind),), (Row(("a",), (40.5,), (40,)),))
    with pytest.raises(Refused, match="rule_unsupported"):
        protect(sums, [rule_set])


def test_a_total_larger_than_its_details_is_refused() -> None:
    """HAVING or LIMIT took rows away: missing rows are not empty ones."""
    rows = (Row(("a",), (20,), (20,)), Row((TOTAL,), (60,), (60,)))
    with pytest.raises(Refused, match="margin_incomplete"):
        protect(Table(("d",), (Measure("n"),), rows), [TEN])


def test_a_count_of_nobody_that_is_not_zero_is_refused() -> None:
    """A number that claims to have nobody behind it would be shown as harmless."""
    with pytest.raises(Refused, match="evidence_invalid"):
        protect(Table(("d",), (Measure("n"),), (Row(("a",), (7,), (0,), 0),)), [TEN])


def test_a_table_too_large_is_refused_before_any_work() -> None:
    """The limit counts all totals."""
    with pytest.raises(Refused, match="too_large"):
        protect(a_list(*([20] * 50)), [TEN], max_cells=40)


def test_without_time_there_is_a_refusal_and_no_pattern() -> None:
    """Running out of time never gives a half-protected table."""
    chance = Random(5)
    cells = {key: (chance.randrange(60),) for key in product(range(6), range(6), range(6))}
    with pytest.raises(Refused) as caught:
        protect(table_of(cells, [(0, 1, 2)]), [TEN], time_limit=1e-6)
    assert caught.value.facts == {"why": "time"}


def test_empty_and_single_tables_are_answered() -> None:
    """No rows, or one number without dimensions."""
    assert protect(Table(("d",), (Measure("n"),), ()), [TEN]).rows == ()
    assert protect(Table((), (Measure("n"),), (Row((), (40,), (40,)),)), [TEN]).rows[0].cells == (Shown(40),)
    small = protect(Table((), (Measure("n"),), (Row((), (4,), (4,)),)), [TEN])
    assert small.rows[0].cells == (Hidden(Reason.PRIMARY),)


def test_totals_of_several_finest_groupings_hold_together() -> None:
    """GROUPING SETS ((a), (b)) share a grand total; both lists are protected under it."""
    rows = [Row((name, TOTAL), (n,), (n,)) for name, n in (("x", 3), ("y", 40), ("z", 60))]
    rows += [Row((TOTAL, name), (n,), (n,)) for name, n in (("u", 50), ("v", 53))]
    answer = protect(Table(("a", "b"), (Measure("n"),), tuple(rows)), [TEN])
    assert [isinstance(row.cells[0], Hidden) for row in answer.rows] == [True, True, False, False, False]


def a_large_table(seed: int) -> Table:
    chance = Random(seed)
    cells = {}
    for key in product(range(2), range(7), range(3)):
        whole = int(chance.expovariate(1 / 60))
        cells[key] = (whole, sum(chance.random() < 0.3 for _ in range(whole)))
    return table_of(cells, subsets(3))


@pytest.mark.parametrize("seed", range(4))
def test_intervals_of_a_larger_table_leave_two_values_each(seed: int) -> None:
    """By integer programming, with code of its own: the hidden numbers of some 80 rows have two values."""
    table = a_large_table(seed)
    rules = combine([TEN])
    cells = lattice.build(table, rules, 10_000)
    claim = claim_of(cells, secondary.protect(cells, Budget(20)))
    found = interval.intervals(table, claim, cells.least)
    assert found
    assert all(
        high is None or low < high
        for (keys, measure), (low, high) in found.items()
        if measure == interval.ROW or keys in claim.unsafe
    )
    persons = {row.keys: (row.total_persons, *row.persons) for row in table.rows}
    assert all(
        low <= persons[keys][measure + 1] and (high is None or persons[keys][measure + 1] <= high)
        for (keys, measure), (low, high) in found.items()
    )


def test_the_audit_refuses_a_pattern_with_one_cell_shown_again() -> None:
    """Take any secondary cell away from a pattern and the audit says no: each is needed, and each is checked."""
    table = a_list(3, 40, 25, 90)
    rules = combine([TEN])
    cells = lattice.build(table, rules, 100)
    claim = claim_of(cells, secondary.protect(cells, Budget(5)))
    assert interval.verify(table, claim, 1, 10)
    for keys in claim.hidden:
        less = interval.Claim(claim.unsafe, claim.hidden - {keys}, claim.unknown, claim.moves)
        assert not interval.verify(table, less, 1, 10)


@pytest.mark.parametrize("change", ["step", "sum", "zero", "none"])
def test_the_audit_refuses_a_forged_certificate(change: str) -> None:
    """A move that leaves a total, goes below one, or is missing does not count."""
    table = a_list(3, 12, 40)
    hidden_rows = frozenset({(0,), (1,)})
    moves = {
        "step": {((0,), 0): 1, ((1,), 0): 1, ((0,), -1): 1, ((1,), -1): 1},
        "sum": {((0,), 0): 1, ((2,), 0): -1, ((0,), -1): 1, ((2,), -1): -1},
        "zero": {((0,), 0): -3, ((1,), 0): 3, ((0,), -1): -3, ((1,), -1): 3},
        "none": {},
    }
    good = {((0,), 0): 1, ((1,), 0): -1, ((0,), -1): 1, ((1,), -1): -1}
    assert interval.verify(table, interval.Claim(hidden_rows, hidden_rows, frozenset(), (good,)), 1, 10)
    assert not interval.verify(
        table, interval.Claim(hidden_rows, hidden_rows, frozenset(), (moves[change],)), 1, 10
    )


def test_more_protection_never_shows_more() -> None:
    """A higher threshold hides every cell that a lower one finds unsafe."""
    low = RuleSet("low", date(2024, 1, 1), None, "t", ("*",), MinPersons(5, Zero.SHOWN))
    chance = Random(11)
    for _ in range(20):
        cells = {key: (chance.randrange(40),) for key in product(range(3), range(4))}
        try:
            strict = protect(table_of(cells, subsets(2)), [TEN])
            both = protect(table_of(cells, subsets(2)), [low, TEN])
        except Refused:
            continue
        assert shown(strict) == shown(both)
        small = {(keys, 0) for keys, (n,) in cells.items() if 0 < n < 5}
        assert small <= set(hidden(both))
