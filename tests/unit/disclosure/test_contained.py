"""Which cells lie inside others, and what is left over between them."""

import random
from collections.abc import Iterable, Mapping

import pytest

from enclave.disclosure.answers.contained import Group, left_between

FULL = 64


def group(row: int, members: Iterable[int], records: int | None = None) -> Group:
    """A set of persons as the engine's sketch tells it."""
    known = set(members)
    scattered = sorted(random.Random(one).getrandbits(64) for one in known)
    return Group(row, len(known), len(known) if records is None else records, tuple(scattered[:FULL]), FULL)


def left(groups: list[Group]) -> Mapping[int, int]:
    return left_between(groups).left


def test_a_cell_that_lies_inside_another_leaves_both_the_difference() -> None:
    assert left([group(0, range(400)), group(1, range(393))]) == {0: 7, 1: 7}


def test_cells_that_share_nobody_leave_nothing() -> None:
    assert left([group(0, range(400)), group(1, range(400, 793))]) == {}


def test_cells_that_cross_leave_nothing_however_close_their_sizes_are() -> None:
    """Two diagnoses of about as many persons."""
    assert left([group(0, range(400)), group(1, range(200, 593))]) == {}


def test_a_cell_less_several_inside_it_is_a_group() -> None:
    found = left([group(0, range(300)), group(1, range(150)), group(2, range(150, 295))])
    assert found[0] == 5
    assert found[2] == 5


def test_a_cell_that_others_make_up_wholly_leaves_the_smallest_of_them() -> None:
    """Which may be hidden for being small: then it must not be had from the whole."""
    found = left([group(0, range(300)), group(1, range(296)), group(2, range(296, 300))])
    assert found[0] == 4


def test_the_same_persons_with_a_few_records_less_leave_those_records() -> None:
    assert left([group(0, range(300), 900), group(1, range(300), 897)]) == {0: 3, 1: 3}


def test_groups_of_one_row_are_not_compared() -> None:
    assert left([group(0, range(300)), group(0, range(295))]) == {}


def test_nobody_is_inside_nothing() -> None:
    assert left([group(0, ()), group(1, range(5)), group(2, ())]) == {}


def test_two_cells_that_make_up_a_third_tell_who_is_in_both() -> None:
    """`age <= 60`, `age >= 60` and everybody: those who are sixty."""
    found = left([group(0, range(2000)), group(1, range(1207)), group(2, range(1200, 2000))])
    assert found == {0: 7, 1: 7, 2: 7}


def test_two_cells_that_cross_and_what_they_share_tell_who_is_in_neither() -> None:
    cells = [
        group(0, range(2000)),
        group(1, range(1200)),
        group(2, range(800, 1994)),
        group(3, range(800, 1200)),
    ]
    assert left(cells) == {0: 6, 1: 6, 2: 6, 3: 6}


def test_cells_that_cross_in_the_midst_of_others_tell_nothing() -> None:
    cells = [
        group(0, range(2000)),
        group(1, range(1200)),
        group(2, range(800, 1700)),
        group(3, range(800, 1200)),
    ]
    assert {row: persons for row, persons in left(cells).items() if persons < 100} == {}


@pytest.mark.parametrize("seed", range(20))
def test_a_cell_too_small_for_the_sketch_of_another_leaves_the_rest_of_it(seed: int) -> None:
    """Everybody, everybody but fifteen, and twelve of these: three are left."""
    whole = random.Random(seed).sample(range(10**6), 20_000)
    found = left([group(0, whole), group(1, whole[15:]), group(2, whole[:12])])
    assert found[0] == 3 or found[0] == 12
    assert min(found.values()) == 3


def test_a_small_cell_elsewhere_leaves_nothing() -> None:
    found = left([group(0, range(20_000)), group(1, range(3000, 20_000)), group(2, range(30_000, 30_012))])
    assert found == {0: 3000, 1: 3000}


@pytest.mark.parametrize("seed", range(40))
def test_no_difference_of_a_few_persons_is_overlooked(seed: int) -> None:
    """Whatever the sets are, and however much larger than their sketches."""
    draw = random.Random(seed)
    people = range(draw.choice((30, 300, 3000)))
    sets: list[set[int]] = []
    for _ in range(8):
        base = (
            set(draw.choice(sets))
            if sets and draw.random() < 0.6
            else {p for p in people if draw.random() < 0.7}
        )
        sets.append(base - set(draw.sample(people, draw.randrange(12))))
    found = left([group(row, one) for row, one in enumerate(sets)])
    for a, one in enumerate(sets):
        for b, other in enumerate(sets):
            if one < other and len(other) - len(one) < 20:
                assert found[a] <= len(other) - len(one)
                assert found[b] <= len(other) - len(one)
