"""Whom adding and subtracting several numbers of a row leaves over, beside a search over all multiples."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enclave.disclosure.answers.accounts import smallest

LEAST = 5


def told(
    lines: list[tuple[float, ...]], least: int = LEAST, counts: bool = True, general: int = 0
) -> int | None:
    """`smallest` of lines that end with a number of persons."""
    whole = np.array(lines, dtype=np.float64)
    return smallest(whole[:, :-1], whole[:, -1], least, counts, general)


def by_search(lines: list[tuple[int, ...]], most: int, counts: bool = True) -> int | None:
    """The same by trying every sum with multiples up to `most`: nought for all but few, and of counts nowhere below."""
    found = []
    for multiples in product(range(-most, most + 1), repeat=len(lines[0]) - 1):
        sums = [sum(m * n for m, n in zip(multiples, line, strict=False)) for line in lines]
        if counts and min(sums) < 0:
            continue
        left = sum(line[-1] for line, one in zip(lines, sums, strict=True) if one)
        if 0 < left < LEAST:
            found.append(left)
    return min(found, default=None)


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 3, st.integers(1, 8)), min_size=1, max_size=7))
def test_of_three_numbers_the_same_group_is_found_as_by_trying_every_sum(
    lines: list[tuple[int, ...]],
) -> None:
    """Facets of rays of nought, one and two are told by multiples up to four."""
    assert told([tuple(map(float, line)) for line in lines]) == by_search(lines, 4)


@given(st.lists(st.tuples(*[st.integers(-1, 1)] * 2, st.integers(1, 8)), min_size=1, max_size=7))
def test_numbers_from_which_some_take_away_are_told_likewise(lines: list[tuple[int, ...]]) -> None:
    """Weights of both signs."""
    assert told([tuple(map(float, line)) for line in lines]) == by_search(lines, 2)


@given(
    st.lists(
        st.tuples(*[st.integers(0, 2)] * 3, st.integers(5, 12) | st.integers(1, 3)), min_size=1, max_size=7
    )
)
def test_of_sums_whatever_few_add_and_take_away_is_found(lines: list[tuple[int, ...]]) -> None:
    """A cost less a refund is still of two persons; a plane through as many persons as make one is no finding."""
    persons = sum(line[-1] for line in lines)
    rank = int(np.linalg.matrix_rank(np.array([line[:-1] for line in lines])))
    found = by_search(lines, 4, counts=False)
    expected = None if found is None or found > persons - rank else found
    assert told([tuple(map(float, line)) for line in lines], counts=False, general=persons) == expected


def test_a_row_of_few_more_than_the_rule_asks_for_tells_of_nobody_by_sums_in_general_position() -> None:
    """Some multiples of three sums are nought for any two of eleven persons: nobody knows which."""
    added = np.random.default_rng(9).normal(60.0, 9.0, (11, 3))
    assert smallest(added, np.ones(11), 10, counts=False, general=11) is None


@pytest.mark.parametrize(
    ("lines", "least", "found"),
    [
        pytest.param([(1, 1, 500), (1, 0, 3)], 10, 3, id="all but few are in the second, too"),
        pytest.param([(1, 1, 500), (1, 0, 30)], 10, None, id="enough are left over"),
        pytest.param([(1, 1, 500)], 10, None, id="nobody is left over"),
        pytest.param([(1, 1, 500), (2, 1, 4)], 10, 4, id="records less persons: few have two"),
        pytest.param([(2, 1, 500), (3, 1, 4)], 10, 4, id="records less twice the persons"),
        pytest.param(
            [(2, 1, 500), (3, 1, 4), (1, 1, 4)], 10, None, id="some more and some fewer: neither is told"
        ),
        pytest.param(
            [(1, 0, 0, 1, 96), (1, 1, 1, 1, 104), (0, 1, 0, 1, 103), (0, 0, 0, 1, 6)],
            10,
            6,
            id="either of two, or rare",
        ),
        pytest.param([(100, 0, 2), (1, 1, 500)], 10, 2, id="many records of few persons are few persons"),
        pytest.param([(1e9, 1e9, 400), (1e9, 1e9 + 1, 3)], 10, 3, id="a small part of large sums"),
    ],
)
def test_the_fewest_are_found(lines: list[tuple[float, ...]], least: int, found: int | None) -> None:
    """Of whom some sum of the numbers tells."""
    assert told(lines, least) == found


def test_sums_of_a_measurement_that_everybody_adds_to_leave_nobody_over() -> None:
    """Everybody adds something else: no multiples make it nought for all but few."""
    chance = np.random.default_rng(7)
    value = chance.normal(60.0, 9.0, 4000)
    one, other = chance.random(4000) < 0.4, chance.random(4000) < 0.7
    added = np.stack([value * one, value * other, value], axis=1)
    assert smallest(added, np.ones(4000), 20, counts=False, general=4000) is None


def test_few_that_one_of_many_sums_of_a_measurement_takes_in_besides_are_found() -> None:
    """Two that cross, what they share, and either of them or one of seven."""
    chance = np.random.default_rng(8)
    value = chance.normal(60.0, 9.0, 4000).round(1)
    one, other = chance.random(4000) < 0.4, chance.random(4000) < 0.7
    rare = np.zeros(4000, dtype=np.bool_)
    rare[np.flatnonzero(~(one | other))[:7]] = True
    added = np.stack(
        [value * one, value * other, value * (one & other), value * (one | other | rare)], axis=1
    )
    assert smallest(added, np.ones(4000), 20, counts=False, general=4000) == 7


def test_beyond_all_numbers_nothing_is_told() -> None:
    """Such a row hides for another reason."""
    assert told([(np.inf, 1.0, 3.0), (1.0, 1.0, 500.0)]) is None


def test_inclusion_and_exclusion_of_three_leaves_the_rare() -> None:
    """Seven counts of three conditions, and any of them or one rare code."""
    conditions = [0b001, 0b010, 0b100, 0b011, 0b101, 0b110, 0b111]
    lines: list[tuple[float, ...]] = []
    for who in range(8):
        counted = [float(who & needed == needed) for needed in conditions]
        lines.append((*counted, float(who > 0), 100 + who))
    assert told(lines, least=20) is None
    assert told([*lines, (*[0.0] * 7, 1.0, 4)], least=20) == 4
