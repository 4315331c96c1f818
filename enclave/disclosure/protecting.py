"""One described table, protected: what is hidden, what stays possible of it, and the tables that prove it.

Decides the order: what the rules find unsafe, the cheapest pattern, and then the exact ranges on which every claim rests.
A pattern whose ranges do not give an unsafe cell what it needs is no pattern: more is hidden, or the answer is a refusal.
Relies on `cutting` for a proposal only. Reads no file and no clock but the one it is given.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf

from enclave.core.refusal import Refused
from enclave.disclosure.certificate import Change, Range, ranges
from enclave.disclosure.covering import covered
from enclave.disclosure.cutting import Found, against_insiders, least_cost
from enclave.disclosure.system import Merged, Need, System, merged
from enclave.disclosure.tabular import Tabular
from enclave.disclosure.unseen import far_enough, tables_for_insiders

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
    more = tables_for_insiders(small.system, pattern.found.hidden, possible, telling)
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
    return far_enough(cell, need, (reach.low, reach.high))


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
