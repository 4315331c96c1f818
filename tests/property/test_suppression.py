"""Suppressed stays unrecoverable: against an attacker that enumerates every table that fits."""

from itertools import product

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from enclave.core.refusal import Refused
from enclave.disclosure.answers.table import TOTAL, Hidden, Row, Shown, Table
from enclave.disclosure.flow import protect
from tests.property.suppression_tables import (
    RULES,
    Cells,
    N,
    hidden,
    known_of,
    pinned,
    shown,
    subsets,
    table_of,
    totals,
)

SETTINGS = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
COUNT = st.sampled_from([0, 0, 1, 1, 2, 3, 4, 5, 6, 9])


def grid(*sizes: int) -> list[tuple[object, ...]]:
    return list(product(*(range(size) for size in sizes)))


def counts(*sizes: int) -> st.SearchStrategy[Cells]:
    keys = grid(*sizes)
    return st.lists(COUNT, min_size=len(keys), max_size=len(keys)).map(
        lambda found: {key: (count,) for key, count in zip(keys, found, strict=True)}
    )


def pairs(*sizes: int) -> st.SearchStrategy[Cells]:
    keys = grid(*sizes)
    pair = COUNT.flatmap(lambda whole: st.tuples(st.just(whole), st.integers(0, whole)))
    return st.lists(pair, min_size=len(keys), max_size=len(keys)).map(
        lambda found: dict(zip(keys, found, strict=True))
    )


def groupings(width: int, margins: bool) -> list[tuple[int, ...]]:
    return subsets(width) if margins else [tuple(range(width))]


def holds(cells: Cells, margins: bool) -> None:
    if not any(persons[0] for persons in cells.values()):
        return
    code, left = "", []
    try:
        left = pinned(cells, groupings(len(next(iter(cells))), margins))
    except Refused as refused:
        code = refused.code
    assert code in ("", "disclosure.no_safe_pattern")
    assert left == []


@SETTINGS
@given(counts(2, 3), st.booleans())
@example({key: (n,) for key, n in zip(grid(2, 3), (1, 9, 9, 9, 1, 9), strict=True)}, True)
def test_no_hidden_count_of_a_two_way_table_has_one_value_only(cells: Cells, margins: bool) -> None:
    """Every hidden cell of a 2 × 3 table has two possible values, with its margins and without."""
    holds(cells, margins)


@SETTINGS
@given(counts(3, 3), st.booleans())
def test_no_hidden_count_of_a_square_table_has_one_value_only(cells: Cells, margins: bool) -> None:
    """Every hidden cell of a 3 × 3 table has two possible values."""
    holds(cells, margins)


@SETTINGS
@given(counts(2, 2, 2), st.booleans())
def test_no_hidden_count_of_a_three_way_table_has_one_value_only(cells: Cells, margins: bool) -> None:
    """Every hidden cell of a 2 × 2 × 2 table has two possible values."""
    holds(cells, margins)


@SETTINGS
@given(counts(5), st.booleans())
def test_no_hidden_count_of_a_list_has_one_value_only(cells: Cells, margins: bool) -> None:
    """Every hidden cell of a list has two possible values, whether its total is asked or not."""
    holds(cells, margins)


@settings(SETTINGS, max_examples=80)
@given(pairs(2, 2), st.booleans())
def test_a_count_and_its_part_together_pin_nothing(cells: Cells, margins: bool) -> None:
    """An attacker who knows that the filtered count lies inside the row's count still finds two values for both."""
    holds(cells, margins)


@settings(SETTINGS, max_examples=80)
@given(pairs(4), st.booleans())
def test_a_list_of_counts_and_parts_pins_nothing(cells: Cells, margins: bool) -> None:
    """The same for a list with two counts per row."""
    holds(cells, margins)


@SETTINGS
@given(counts(3, 3), st.booleans())
def test_nothing_below_the_threshold_is_shown_and_zero_is(cells: Cells, margins: bool) -> None:
    """Shown cells are 0 or at least the threshold; empty cells of a shown table are never hidden."""
    if not any(persons[0] for persons in cells.values()):
        return
    try:
        answer = protect(table_of(cells, groupings(2, margins)), RULES)
    except Refused:
        return
    assert all(value == 0 or value >= N for value in map(int, map(str, shown(answer).values())))


@SETTINGS
@given(counts(3, 3), st.booleans())
def test_what_is_hidden_under_one_total_is_enough_people_to_be_a_cell(cells: Cells, margins: bool) -> None:
    """Subtracting the shown cells from a known total never leaves a group below the threshold."""
    if not any(persons[0] for persons in cells.values()):
        return
    try:
        answer, known = known_of(cells, groupings(2, margins))
    except Refused:
        return
    secret = set(hidden(answer))
    for kept in ((0,), (1,), ()):
        for total, persons in totals(cells, kept).items():
            if (total, 0) not in known:
                continue
            inside = [
                count[0]
                for keys, count in cells.items()
                if (keys, 0) in secret and all(total[dim] == keys[dim] for dim in kept)
            ]
            if len(kept) == 1:
                assert sum(inside) == 0 or sum(inside) >= N
            assert sum(inside) <= persons[0]


@SETTINGS
@given(counts(3, 3), st.randoms(use_true_random=False), st.booleans())
def test_the_pattern_does_not_depend_on_the_order_of_rows(
    cells: Cells, chance: object, margins: bool
) -> None:
    """The same numbers give the same pattern in whatever order the engine answered."""
    if not any(persons[0] for persons in cells.values()):
        return
    table = table_of(cells, groupings(2, margins))
    rows = list(table.rows)
    chance.shuffle(rows)  # type: ignore[attr-defined]
    try:
        first = protect(table, RULES)
    except Refused as refused:
        with pytest.raises(Refused, match=refused.code):
            protect(Table(table.dimensions, table.measures, tuple(rows)), RULES)
        return
    again = protect(Table(table.dimensions, table.measures, tuple(rows)), RULES)
    assert {row.keys: row.cells for row in first.rows} == {row.keys: row.cells for row in again.rows}


@SETTINGS
@given(counts(3, 3))
def test_a_total_is_answered_alike_alone_and_with_its_details(cells: Cells) -> None:
    """The totals that a question with details takes as known are those that their own question shows."""
    if not any(persons[0] for persons in cells.values()):
        return
    try:
        both = protect(table_of(cells, subsets(2)), RULES)
    except Refused:
        return
    for kept in subsets(2):
        alone = protect(table_of(cells, [kept]), RULES)
        assert shown(alone).items() <= shown(both).items()
        assert set(hidden(alone)) <= set(hidden(both))


@SETTINGS
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 3)), min_size=3, max_size=8), st.booleans())
def test_persons_in_several_rows_are_protected_or_refused(rows: list[tuple[int, int]], total: bool) -> None:
    """Where distinct persons do not add up the engine neither crashes nor shows a small cell."""
    persons = [count for count, _ in rows]
    union = max(persons) + sum(persons) // 3
    table = Table(
        ("d",),
        (*table_of({(0,): (1,)}, [(0,)]).measures,),
        tuple(Row((place,), (count * times,), (count,), count) for place, (count, times) in enumerate(rows)),
    )
    if total:
        whole = min(union, sum(persons))
        value = sum(count * times for count, times in rows)
        table = Table(
            table.dimensions, table.measures, (*table.rows, Row((TOTAL,), (value,), (whole,), whole))
        )
    answer, code = None, ""
    try:
        answer = protect(table, RULES)
    except Refused as refused:
        code = refused.code
    assert (answer is None) == (code == "disclosure.no_safe_pattern")
    if answer is None:
        return
    by_keys = {row.keys: row for row in table.rows}
    for row in answer.rows:
        assert isinstance(row.cells[0], Hidden) or by_keys[row.keys].persons[0] >= N
    details = [
        row for row in answer.rows if isinstance(row.cells[0], Hidden) and isinstance(row.keys[0], int)
    ]
    whole_row = [row for row in answer.rows if not isinstance(row.keys[0], int)]
    if whole_row and isinstance(whole_row[0].cells[0], Shown):
        assert len(details) != 1
