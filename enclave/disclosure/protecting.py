"""One described table, protected: what is hidden, what stays possible of it, and the tables that prove it.

Decides the order: what the rules find unsafe, the cheapest pattern, and then the exact ranges on which every claim rests.
A pattern whose ranges do not give an unsafe cell what it needs is no pattern: more is hidden, or the answer is a refusal.
Relies on `cutting` for a proposal only. Reads no file and no clock but the one it is given.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf

from enclave.core.refusal import Refused
from enclave.disclosure.attack import Witnesses
from enclave.disclosure.certificate import Change, Possible, Range, ranges
from enclave.disclosure.covering import covered
from enclave.disclosure.cutting import Found, against_insiders, least_cost
from enclave.disclosure.system import Merged, Need, System, merged
from enclave.disclosure.tabular import Tabular

_MANY = 4_000_000
"""Unsafe cells times cells from which on a table of counts is covered rather than cut: some seconds of one by one."""

_SMALL, _SPAN = 500, 8.0
"""Up to so many cells, a move may change other cells by so many times what the unsafe one needs; in larger tables by as much
as that, which is all that a table of two dimensions with one hierarchy ever asks for (its sums are those of a network), and
shorter to search. A bound is one over patterns of such moves."""

_SHARE, _WRITING = 0.55, 0.25
"""Of the time limit, how much goes into the pattern, and how much is kept for writing what is said of it."""


@dataclass(frozen=True)
class Hidden:
    """A hidden cell. `lower`, `upper` in the units of the published column, `upper` None where there is no end; `low`,
    `high`: assignments of other values to hidden cells (by cell); `more`: further ones, which insiders cannot tell from the
    truth."""

    unsafe: bool
    lower: Fraction
    upper: Fraction | None
    exact: bool
    low: Mapping[int, Fraction]
    high: Mapping[int, Fraction]
    more: tuple[Mapping[int, Fraction], ...] = ()


@dataclass(frozen=True)
class Protected:
    """`hidden` by cell; every other cell is shown. `found`: cost and bound of the pattern."""

    tabular: Tabular
    hidden: Mapping[int, Hidden]
    found: Found


def protect(tabular: Tabular, left: Callable[[], float]) -> Protected:
    """The table with everything hidden that must be. `left`: seconds that remain.

    Raises Refused `disclosure.no_safe_pattern`, `disclosure.out_of_time`. Never a pattern that is not proven.
    """
    system = tabular.system
    small = merged(system)
    if not small.system.needs:
        return Protected(tabular, {}, Found(frozenset(), 0.0, 0.0, False))
    whole = left()
    pattern = _pattern(small.system, lambda: left() - (1 - _SHARE) * whole if whole < inf else inf, left)
    telling = (lambda: left() - _WRITING * whole) if whole < inf else left
    sizes = Counter(place for place in small.place if place is not None)
    possible = ranges(
        small.system,
        pattern.found.hidden,
        telling,
        tuple(small.system.needs),
        pattern.moves,
        [sizes[place] for place in range(len(small.system))],
    )
    for cell, need in small.system.needs.items():
        if not _reaches(small.system, cell, need, possible[cell]):
            raise Refused("disclosure.no_safe_pattern" if possible[cell].exact else "disclosure.out_of_time")
    more = _against_insiders(small.system, pattern.found.hidden, possible, telling)
    return Protected(tabular, _hidden(system, small, possible, more), pattern.found)


@dataclass(frozen=True)
class _Pattern:
    """`moves`: changes that the search for the pattern has checked already."""

    found: Found
    moves: Sequence[Mapping[int, int]] = ()


def _pattern(system: System, left: Callable[[], float], spare: Callable[[], float]) -> _Pattern:
    """One programme per unsafe cell where they are few enough; else many cells at once, which knows counts only."""
    steps = all(need.slide <= 1 and not need.down and not need.up for need in system.needs.values())
    if system.whole and steps and len(system.needs) * len(system) > _MANY:
        covering = covered(system, left, spare)
        if system.insiders:
            hidden, cost = against_insiders(system, covering.hidden, spare)
            return _Pattern(Found(hidden, cost, 0.0, covering.ended))
        return _Pattern(Found(covering.hidden, covering.cost, 0.0, covering.ended), covering.moves)
    return _Pattern(least_cost(system, left, _SPAN if len(system) <= _SMALL else 1.0))


def _reaches(system: System, cell: int, need: Need, reach: Range) -> bool:
    return _far_enough(cell, need, (reach.low, reach.high))


def _far_enough(cell: int, need: Need, tables: Sequence[Change], still: frozenset[int] = frozenset()) -> bool:
    """Whether the tables in which nothing of `still` changes give a cell what it needs."""
    steps = [table.get(cell, Fraction(0)) for table in tables if still.isdisjoint(table)]
    low, high = min((*steps, Fraction(0))), max((*steps, Fraction(0)))
    return -low >= need.down and high >= need.up and high - low >= need.slide


def _against_insiders(
    system: System, hidden: Iterable[int], possible: Mapping[int, Range], left: Callable[[], float]
) -> dict[int, tuple[Change, ...]]:
    """Further tables of unsafe cells, for those who see through the two of each.

    Raises Refused `disclosure.no_safe_pattern`, `disclosure.out_of_time`.
    """
    if not system.insiders:
        return {}
    witnesses, within = Witnesses(system), Possible(system, hidden)
    found: dict[int, tuple[Change, ...]] = {}
    for cell, need in system.needs.items():
        tables: list[Change] = [possible[cell].low, possible[cell].high]
        seen = witnesses.of(cell, {*tables[0], *tables[1]})
        far = max(int(max(need.up, need.slide)) + 1, system.unit)
        if len(seen) > 1:
            # One way round all of them is mostly there, and enough.
            reach = within.range(cell, far, frozenset[int]().union(*(known for _, known in seen)))
            tables += [one for one in (reach.low, reach.high) if one]
        for asked, known in seen:
            if _far_enough(cell, asked, tables, known):
                continue
            if left() <= 0:
                raise Refused("disclosure.out_of_time")
            reach = within.range(cell, far, known)
            if not _far_enough(cell, asked, (reach.low, reach.high)):
                raise Refused("disclosure.no_safe_pattern" if reach.exact else "disclosure.out_of_time")
            tables += [one for one in (reach.low, reach.high) if one]
        found[cell] = tuple(tables[2:])
    return found


def _hidden(
    system: System, small: Merged, possible: Mapping[int, Range], more: Mapping[int, tuple[Change, ...]]
) -> dict[int, Hidden]:
    """What stays possible, per cell of the table as it is written."""
    members: dict[int, list[int]] = {}
    for cell, place in enumerate(small.place):
        if place is not None:
            members.setdefault(place, []).append(cell)

    def written(change: Mapping[int, Fraction]) -> dict[int, Fraction]:
        return {
            cell: (system.values[cell] + step) / system.unit
            for place, step in sorted(change.items())
            for cell in members[place]
        }

    hidden: dict[int, Hidden] = {}
    for place, reach in possible.items():
        low, high = written(reach.low), written(reach.high)
        further = tuple(written(change) for change in more.get(place, ()))
        for cell in members[place]:
            true = Fraction(system.values[cell], system.unit)
            upper = None if reach.endless else high.get(cell, true)
            hidden[cell] = Hidden(
                cell in system.needs, low.get(cell, true), upper, reach.exact, low, high, further
            )
    return hidden
