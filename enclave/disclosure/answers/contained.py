"""Which cells of one answer lie inside others, and how many persons are left over between them.

Cells that overlap because of how a question is put (`all` beside `all but one age`) are no table that adds up: two cells
of many persons may differ by a few. Decides, from sketches of who stands in which cell, how small the smallest group is that
a cell leaves over or is left over by. Relies on: the caller's exact numbers of persons. Does not know a rule.

A sketch is the smallest `full` of the members' scattered numbers. If one set lies inside another, every number of the one's
sketch that the other's reaches is in it: no difference of a few persons is overlooked. The other way round, sets that only
look so may be found too; then their numbers of persons have to be as close as well before anything hides.

What is reckoned: a cell less another inside it; a cell less several inside it that overlap nowhere, each of them left away
in turn, and one more that is too small beside it for sketches to say whether it is inside; of two cells that make up a third,
those who are in both; of two that cross inside a third, and a fourth that is what they share, those who are in neither. Not
reckoned: sums of more cells that cross each other (inclusion and exclusion of three), and of several that are too small.
"""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from enclave.core.refusal import Refused

MAX_PAIRS = 20_000
"""Pairs of cells that are compared, some seconds' work: of 200 thresholds each with each. Cells that share nobody are no pair."""

SMALL = 100
"""Persons: no rule asks for so many. Larger groups that cells leave over by crossing each other are not looked for, nor are larger
ones told by the pairs that leave them."""


@dataclass(frozen=True)
class Group:
    """Persons who stand behind a number of the row `row`: how many, in how many records, and their sketch."""

    row: int
    persons: int
    records: int
    sketch: tuple[int, ...]
    full: int

    @cached_property
    def members(self) -> frozenset[int]:
        return frozenset(self.sketch)

    @cached_property
    def reach(self) -> float:
        """The sketch holds every member up to this number."""
        return max(self.sketch) if len(self.sketch) >= self.full else float("inf")

    def inside(self, other: "Group") -> bool:
        if self.persons > other.persons:
            return False
        seen = [one for one in self.sketch if one <= other.reach]
        return bool(seen) and other.members.issuperset(seen)

    def unseen(self, other: "Group") -> bool:
        """Whether nobody of it is where the other's sketch would show them: inside or not, sketches cannot tell."""
        return self.persons < other.persons and not any(one <= other.reach for one in self.sketch)

    def is_of(self, one: "Group", other: "Group") -> bool:
        """Whether everybody in it is in one or the other, as far as all three sketches reach."""
        reach = min(self.reach, one.reach, other.reach)
        return all(n in one.members or n in other.members for n in self.sketch if n <= reach)

    def shared_by(self, one: "Group", other: "Group") -> bool:
        """Whether everybody who is in both is in it, as far as all three sketches reach."""
        reach = min(self.reach, one.reach, other.reach)
        return all(n in self.members for n in one.members & other.members if n <= reach)

    def meets(self, other: "Group") -> bool:
        return not self.members.isdisjoint(other.members)


@dataclass(frozen=True)
class Found:
    """`left`: per row the persons of the smallest group that is left over between it and other rows; rows without one are absent.
    `pairs`: of which one lies in the other, the inner first, few persons apart or none."""

    left: Mapping[int, int]
    pairs: Sequence[tuple[Group, Group]]


def left_between(groups: Sequence[Group]) -> Found:
    """What the groups leave over of each other.

    Raises Refused `disclosure.too_large` where more cells than `MAX_PAIRS` allows lie in one another.
    """
    by_number: dict[int, list[Group]] = defaultdict(list)
    for group in groups:
        for number in group.sketch:
            by_number[number].append(group)
    pairs = sum(len(by_number[min(one.sketch)]) for one in groups if one.sketch)
    if pairs > MAX_PAIRS + len(groups):
        raise Refused("disclosure.too_large", {"limit": math.isqrt(MAX_PAIRS)})
    within: dict[int, list[Group]] = defaultdict(list)
    for one in groups:
        # A set that holds `one` holds its smallest number too.
        for other in by_number[min(one.sketch)] if one.sketch else ():
            if other.row != one.row and one.inside(other):
                within[id(other)].append(one)
    found: dict[int, int] = {}
    near: list[tuple[Group, Group]] = []

    def left(row: int, persons: int) -> None:
        if persons > 0:
            found[row] = min(persons, found.get(row, persons))

    by_size = sorted(groups, key=lambda one: one.persons)
    sizes = [one.persons for one in by_size]
    for whole in groups:
        inside = sorted(within[id(whole)], key=lambda one: -one.persons)
        for one in inside:
            if whole.persons - one.persons < SMALL:
                near.append((one, whole))
            between = whole.persons - one.persons or abs(whole.records - one.records)
            left(whole.row, between)
            left(one.row, between)
        apart: list[Group] = []
        for one in inside:
            if not any(one.meets(other) for other in apart):
                apart.append(one)
        rest = whole.persons - sum(one.persons for one in apart)
        if len(apart) > 1 and rest >= 0:
            # The smallest of them may be hidden itself: then it is left over with the rest.
            between = rest or apart[-1].persons
            left(whole.row, between)
            if rest:
                left(apart[-1].row, between)
        if apart and rest > 0:
            fitting = by_size[bisect_left(sizes, rest - SMALL) : bisect_left(sizes, rest)]
            for one in fitting:
                if one.row != whole.row and one.unseen(whole) and not any(one.meets(a) for a in apart):
                    left(whole.row, rest - one.persons)
                    left(one.row, rest - one.persons)
        for rows, persons in _crossing(whole, inside, within):
            for row in rows:
                left(row, persons)
    return Found(found, near)


def _crossing(
    whole: Group, inside: Sequence[Group], within: Mapping[int, Sequence[Group]]
) -> Iterator[tuple[tuple[int, ...], int]]:
    """The rows and the persons that two cells inside `whole` which cross tell: who is in both, or in neither.

    `inside`: the larger first.
    """
    sizes = [-one.persons for one in inside]
    for place, one in enumerate(inside):
        # Of those that make up the whole together, few are in both.
        least = whole.persons - one.persons
        first = max(place + 1, bisect_left(sizes, -(least + SMALL)))
        nested = {id(group) for group in within[id(one)]}
        for other in inside[first : bisect_left(sizes, -least)]:
            if id(other) not in nested and whole.is_of(one, other):
                yield (whole.row, one.row, other.row), one.persons + other.persons - whole.persons
        if not nested:
            continue
        for other in inside[place + 1 :]:
            both = one.persons + other.persons - whole.persons
            if id(other) in nested:
                continue
            for group in within[id(other)]:
                neither = group.persons - both
                if id(group) in nested and 0 < neither <= SMALL and group.shared_by(one, other):
                    yield (whole.row, one.row, other.row, group.row), neither
