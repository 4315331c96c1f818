"""Which cells of a table are touched where its keys are used in steps of whole blocks, and which beyond use.

Decides from how many persons of which block have which values of the keys (`stages.Near`): what outsiders know, and nothing
else. A cell is near where some block with several values has one that is the cell's; far where the steps misplace so
much of it that its number says nothing. Pure.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from enclave.query.stages import Near, Values

ELSEWHERE = 3
"""A cell is far where one in so many of its persons lives elsewhere, or as many who live there are not in it."""

OFF = 2
"""A cell is far where it has more than one in so many too many or too few."""


@dataclass(frozen=True)
class Touched:
    """Values of the keys that are told, of cells that are near what was asked (`near`) and that are far from it (`far`)."""

    near: frozenset[Values]
    far: frozenset[Values]


def touched_by(near: Near, told: tuple[int, ...]) -> Touched:
    """The cells of one grouping: `told` are the places of `near.keys` that its rows tell (a margin tells fewer)."""
    own: Counter[Values] = Counter()
    stands: Counter[Values] = Counter()
    away: Counter[Values] = Counter()
    guests: Counter[Values] = Counter()
    found: set[Values] = set()
    for values, persons in near.whole.items():
        own[_told(values, told)] += persons
        stands[_told(values, told)] += persons
    for block in near.blocks:
        here: Counter[Values] = Counter()
        for values, persons in block.items():
            here[_told(values, told)] += persons
        top = _top(here, len(told))
        if len(here) > 1:
            found |= set(here)
        for one, persons in here.items():
            own[one] += persons
            stands[top] += persons
            if any(one[n] != top[n] for n, place in enumerate(told) if place in near.home):
                away[one] += persons
                guests[top] += persons
    far = {
        one
        for one in found
        if max(away[one], guests[one]) * ELSEWHERE > own[one] or abs(stands[one] - own[one]) * OFF > own[one]
    }
    return Touched(frozenset(found), frozenset(far))


def _told(values: Values, told: tuple[int, ...]) -> Values:
    return tuple(values[place] for place in told)


def _top(here: Mapping[Values, int], width: int) -> Values:
    """What everybody in a block counts as: of each key the value that most have, the first of equals."""
    top = []
    for place in range(width):
        persons: dict[object, int] = defaultdict(int)
        for values, count in here.items():
            persons[values[place]] += count
        top.append(max(sorted(persons, key=lambda v: (v is None, str(v))), key=lambda v: persons[v]))
    return tuple(top)
