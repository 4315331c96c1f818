"""Which cells of one answer lie inside others, and how many persons are left over between them.

Cells that overlap because of how a question is put (`all` beside `all but one age`) are no table that adds up: two cells
of many persons may differ by a few. Decides, from sketches of who stands in which cell, how small the smallest group is that
a cell leaves over or is left over by. Relies on: the caller's exact numbers of persons. Does not know a rule.

A sketch is the smallest `full` of the members' scattered numbers. If one set lies inside another, every number of the one's
sketch that the other's reaches is in it: no difference of a few persons is overlooked. The other way round, sets that only
look so may be found too; then their numbers of persons have to be as close as well before anything hides.

What is reckoned: a cell less another inside it, and a cell less several inside it that overlap nowhere, each of them left
away in turn. Not reckoned: what only an alternating sum of cells that cross each other tells.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from enclave.core.refusal import Refused

MAX_PAIRS = 20_000
"""Pairs of cells that are compared, some seconds' work: of 200 thresholds each with each. Cells that share nobody are no pair."""


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

    def meets(self, other: "Group") -> bool:
        return not self.members.isdisjoint(other.members)


def left_between(groups: Sequence[Group]) -> dict[int, int]:
    """Per row the persons of the smallest group that is left over between it and other rows; rows without one are absent.

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

    def left(row: int, persons: int) -> None:
        if persons > 0:
            found[row] = min(persons, found.get(row, persons))

    for whole in groups:
        inside = sorted(within[id(whole)], key=lambda one: -one.persons)
        for one in inside:
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
    return found
