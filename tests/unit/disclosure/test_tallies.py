"""How many have one of few values is told where nothing else gives the same sums, held against trying everything."""

import random
from itertools import product

import pytest

from enclave.disclosure.answers import tallies


@pytest.mark.parametrize(
    ("tally", "moments", "least"),
    [
        ({0.0: 100, 1.0: 50, 1.0001: 3}, 1, 3),
        ({0.0: 100, 1.0: 50, 1.0001: 60}, 1, 50),
        ({1000.0: 90, 1e9: 3, 1e15: 40}, 1, 3),
        ({0.0: 100, 2**0.5: 4, 3**0.5: 30}, 1, 4),
        ({0.0: 100, 1.0: 50, 2.0: 3}, 1, None),
        ({0.0: 100, 1.0: 50, 2.0: 3}, 2, 3),
        ({0.0: 100, 1.0: 50, 2.0: 30, 3.0: 3}, 2, None),
        ({0.0: 100, 1.0: 50, 2.0: 30, 3.0: 3}, 3, 3),
        ({0.0: 100, 1 / 3: 50, 2 / 3: 30, 1.0: 3}, 1, None),
        ({5.0: 100}, 3, None),
        ({}, 1, None),
        ({0.0: 100, float("nan"): 3}, 1, None),
    ],
)
def test_a_number_is_told_where_no_other_gives_the_same_sums(
    tally: dict[float, int], moments: int, least: int | None
) -> None:
    """A score of small weights is one number; beside its spread three values are three numbers."""
    assert tallies.told(tally, moments) == least


@pytest.mark.parametrize("seed", range(120))
def test_whatever_the_sums_tell_is_found(seed: int) -> None:
    """All other tallies of as many records are tried: where all agree about one value, its number is told."""
    chance = random.Random(seed)
    values = sorted(chance.sample((0, 1, 2, 3, 5, 10, 11, 100), chance.randint(3, 4)))
    counts = [chance.randint(1, 6) for _ in values]
    moments = chance.randint(1, 2)

    def sums(numbers: tuple[int, ...] | list[int]) -> list[int]:
        return [
            sum(n * v**power for n, v in zip(numbers, values, strict=True)) for power in range(moments + 1)
        ]

    total = sum(counts)
    alike = [
        c
        for c in product(range(total + 1), repeat=len(values))
        if sum(c) == total and sums(c) == sums(counts)
    ]
    certain = [n for place, n in enumerate(counts) if all(c[place] == n for c in alike)]
    told = tallies.told({float(v): n for v, n in zip(values, counts, strict=True)}, moments)
    assert not certain or (told is not None and told <= min(certain))


def test_of_many_values_the_largest_are_told_where_they_outweigh_the_others() -> None:
    growing = {1000.0**n: 5 for n in range(30)}
    assert tallies.told(growing, 1) == 5
    assert tallies.told({float(n): 5 for n in range(30)}, 1) is None


def test_what_grows_tells_of_the_longest_two_lengths() -> None:
    assert tallies.told_by_length({3.0: 500, 4.0: 30, 9.0: 2, 8.0: 1}) == 3
    assert tallies.told_by_length({3.0: 500, 4.0: 30}) is None
    assert tallies.told_by_length({3.0: 50, 4.0: 5}) is None
    assert tallies.told_by_length({}) is None


def test_different_values_beside_the_usual_one_are_persons() -> None:
    """Seven different days where all but six have the same: six have a day of their own."""
    assert tallies.told_by_different({1: 700, 2: 2, 3: 1, 4: 1, 5: 1, 6: 1}, 7) == 6
    assert tallies.told_by_different({1: 700, 2: 500, 3: 1, 4: 1, 5: 1}, 5) == 3
    assert tallies.told_by_different({1: 700, 2: 60, 3: 60}, 3) is None
    assert tallies.told_by_different({1: 10, 2: 3, 3: 2}, 3) is None
    assert tallies.told_by_different({}, 0) is None
