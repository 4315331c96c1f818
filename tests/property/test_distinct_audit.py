"""The audit of distinct persons says of every table what trying all whole numbers says, whatever moves it is handed."""

import random
from itertools import product

import pytest

from enclave.disclosure.answers.table import TOTAL, Measure, Row, Table
from enclave.disclosure.proof.distinct import distinct_holds
from enclave.disclosure.proof.interval import ROW

Keys = tuple[object, ...]


def populations(seed: int) -> dict[Keys, int]:
    """Distinct persons by two keys with all totals; up to twelve persons, each in one to three cells."""
    draw = random.Random(seed)
    cells: dict[Keys, set[int]] = {}
    for person in range(draw.randrange(2, 13)):
        for _ in range(draw.choice((1, 1, 2, 3))):
            here = (draw.randrange(2), draw.randrange(draw.choice((1, 2, 3))))
            for keys in product((here[0], TOTAL), (here[1], TOTAL)):
                cells.setdefault(keys, set()).add(person)
    return {keys: len(persons) for keys, persons in cells.items()}


def fits(numbers: dict[Keys, int], truth: dict[Keys, int]) -> bool:
    """At most the sum of the details; exactly that where the true numbers are, else no less than each of them."""
    for keys, total in numbers.items():
        for place, key in enumerate(keys):
            if key is not TOTAL:
                continue
            details = [
                one for one in numbers if one[place] is not TOTAL and one[1 - place] == keys[1 - place]
            ]
            if not details:
                continue
            parts = [numbers[one] for one in details]
            if truth[keys] == sum(truth[one] for one in details):
                if total != sum(parts):
                    return False
            elif not max(parts) <= total <= sum(parts):
                return False
    return True


def pinned(truth: dict[Keys, int], hidden: frozenset[Keys]) -> bool:
    """Whether some hidden number is the same in everything that fits, trying up to three above the largest."""
    places = sorted(hidden, key=repr)
    values: list[set[int]] = [set() for _ in places]
    for tried in product(range(1, max(truth.values()) + 4), repeat=len(places)):
        numbers = {**truth, **dict(zip(places, tried, strict=True))}
        if fits(numbers, truth):
            for found, value in zip(values, tried, strict=True):
                found.add(value)
    return any(len(found) == 1 for found in values)


@pytest.mark.parametrize("seed", range(150))
def test_the_audit_agrees_with_trying_everything(seed: int) -> None:
    """For up to four hidden cells; moves that do not hold change nothing, those that do only spare work."""
    truth = populations(seed)
    draw = random.Random(seed + 1000)
    hidden = frozenset(draw.sample(sorted(truth, key=repr), k=min(len(truth), draw.randrange(1, 5))))
    additive = all(
        truth[keys]
        == sum(truth[one] for one in truth if one[place] is not TOTAL and one[1 - place] == keys[1 - place])
        for keys in truth
        for place, key in enumerate(keys)
        if key is TOTAL
    )
    rows = tuple(Row(keys, (count,), (count,)) for keys, count in truth.items())
    table = Table(("a", "b"), (Measure("n"),), rows)
    # Where everything adds up the other audit has spoken already.
    expected = additive or not pinned(truth, hidden)
    moves = [{(keys, ROW): draw.choice((-1, 1)) for keys in hidden} for _ in range(3)]
    assert distinct_holds(table, hidden, 1) is expected
    assert distinct_holds(table, hidden, 1, moves) is expected
