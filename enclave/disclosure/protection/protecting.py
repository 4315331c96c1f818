"""One described table, protected: what is hidden, what stays possible of it, and the tables that prove it.

Decides the order: what the rules find unsafe, the cheapest pattern, and then the exact ranges on which every claim rests.
A pattern whose ranges do not give an unsafe cell what it needs is no pattern: more is hidden, or the answer is a refusal.
Relies on `cutting` for a proposal only. Reads no file and no clock but the one it is given.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf

import numpy as np

from enclave.core.refusal import Refused
from enclave.disclosure.protection.boxed import short
from enclave.disclosure.protection.boxes import Boxes, grid
from enclave.disclosure.protection.certificate import Change, Known, Range, ranges, reaches
from enclave.disclosure.protection.covering import covered
from enclave.disclosure.protection.cutting import Found, against_insiders, least_cost
from enclave.disclosure.protection.least import least_of_sums
from enclave.disclosure.protection.rings import against_rings
from enclave.disclosure.protection.system import Merged, System, merged
from enclave.disclosure.protection.tabular import Tabular
from enclave.disclosure.protection.unseen import tables_for_insiders

_MANY = 4_000_000
"""Unsafe cells times cells from which on a table of counts is covered rather than cut: some seconds of one by one."""

_SMALL, _SPAN = 500, 8.0
"""Up to so many cells, a move may change other cells by so many times what the unsafe one needs; in larger tables by as much
as that, which is all that a table of two dimensions with one hierarchy ever asks for (its sums are those of a network), and
shorter to search. A bound is one over patterns of such moves."""

_SHARE, _COVERED = 0.55, 0.75
"""Of the time limit, how much goes into a pattern; one that is covered comes with its proofs."""

_PROVEN = 0.95
"""How much of it may go by until there is any pattern that is covered."""

_READ_S = 2e-5
"""What it takes to read a cell, where the machine does nothing else."""

_WRITING, _EACH_S = 3.0, 2e-6
"""To write a table takes a part of the time that it took to read it, and to write a cell of an assignment some microseconds
of a slow machine; kept free by this many times, since others may come to work on the machine meanwhile."""

Assignment = Mapping[int, int | Fraction]
"""Values by cell, in the units of the published column. Cells share them, and each is one object."""


@dataclass(frozen=True)
class Hidden:
    """A hidden cell. `lower`, `upper` in the units of the published column, `upper` None where there is no end; `low`,
    `high`: assignments of other values to hidden cells (by cell); `more`: further ones, which insiders cannot tell from the
    truth."""

    unsafe: bool
    lower: Fraction
    upper: Fraction | None
    exact: bool
    low: Assignment
    high: Assignment
    more: tuple[Assignment, ...] = ()


@dataclass(frozen=True)
class Protected:
    """`hidden` by cell; every other cell is shown. `found`: cost and bound of the pattern."""

    tabular: Tabular
    hidden: Mapping[int, Hidden]
    found: Found


def protect(tabular: Tabular, left: Callable[[], float], spent: float = 0.0) -> Protected:
    """The table with everything hidden that must be. `left`: seconds that remain; `spent`: those that reading took, from
    which is judged what writing will take.

    Raises Refused `disclosure.no_safe_pattern`, `disclosure.out_of_time`. Never a pattern that is not proven.
    """
    began = left()
    system = tabular.system
    small = merged(system)
    if not small.system.needs:
        return Protected(tabular, {}, Found(frozenset(), 0.0, 0.0, False))
    # Merging took part in reading; what follows is measured by both.
    spent += began - left() if began < inf else 0.0

    # The same work takes so many times as long as where the machine does nothing else.
    slow = max(1.0, spent / (_READ_S * len(system) + 0.5))

    def telling() -> float:
        return left() - _WRITING * 0.5 * slow * _READ_S * len(system)

    whole = telling()
    pattern = _pattern(small.system, telling, whole, lambda: _boxes(tabular, small))
    if tabular.parts:
        pattern = _ringed(pattern, tabular, small, telling)
    sizes = Counter(place for place in small.place if place is not None)
    possible = ranges(
        small.system,
        pattern.found.hidden,
        telling,
        tuple(small.system.needs),
        pattern.moves,
        [sizes[place] for place in range(len(small.system))],
        lambda cells: _WRITING * slow * _EACH_S * cells,
    )
    for cell, need in small.system.needs.items():
        if not reaches(cell, need, possible[cell]):
            raise Refused("disclosure.no_safe_pattern" if possible[cell].exact else "disclosure.out_of_time")
    more = tables_for_insiders(small.system, pattern.found.hidden, possible, telling)
    return Protected(tabular, _hidden(system, small, possible, more), _bounded(pattern.found, small.system))


@dataclass(frozen=True)
class _Pattern:
    """`moves`: changes that the search for the pattern has checked already."""

    found: Found
    moves: Sequence[Mapping[int, int]] = ()


def _bounded(found: Found, system: System) -> Found:
    """The same, with what its sums alone say of the least cost: a search that was short of time may know less."""
    least = float(least_of_sums(system))
    if least <= found.bound:
        return found
    return replace(found, bound=min(least, found.cost), ended=found.ended and least < found.cost)


def _ringed(pattern: _Pattern, tabular: Tabular, small: Merged, left: Callable[[], float]) -> _Pattern:
    """The same, and what has to be hidden besides where the tables form a ring."""
    hidden = against_rings(tabular, small, pattern.found.hidden, left)
    if hidden == pattern.found.hidden:
        return pattern
    cost = float(sum(small.system.costs[cell] for cell in hidden if cell not in small.system.needs))
    return _Pattern(Found(hidden, cost, pattern.found.bound, True, pattern.found.moves), pattern.moves)


def _boxes(tabular: Tabular, small: Merged) -> Boxes | None:
    """The boxes of the table; None where its dimensions are none that have any."""
    table = grid(tabular.keys, tabular.system.sums)
    room = [value - least for value, least in zip(small.system.values, small.system.least, strict=True)]
    return None if table is None else Boxes(table, small.place, np.array(room, dtype=np.float64))


def _pattern(
    system: System, left: Callable[[], float], whole: float, boxes: Callable[[], Boxes | None]
) -> _Pattern:
    """One programme per unsafe cell where they are few enough; else many cells at once, which knows counts only. `whole`:
    what `left` was at first."""

    def until(share: float) -> Callable[[], float]:
        return (lambda: left() - (1 - share) * whole) if whole < inf else left

    steps = all(need.slide <= 1 and not need.down and not need.up for need in system.needs.values())
    if system.whole and steps and len(system.needs) * len(system) > _MANY:
        covering = covered(system, until(_COVERED), until(_PROVEN), boxes())
        if system.insiders:
            hidden, cost = against_insiders(system, covering.hidden, until(_PROVEN))
            return _Pattern(Found(hidden, cost, 0.0, covering.ended))
        return _Pattern(Found(covering.hidden, covering.cost, 0.0, covering.ended), covering.moves)
    span = _SPAN if len(system) <= _SMALL else 1.0
    found = least_cost(system, until(_SHARE), span, until(_PROVEN), boxes)
    if whole == inf:
        return _Pattern(found)
    # Whatever time is left for exact bounds, most cells have a proof then.
    moves = list(found.moves)
    known = Known(system)
    for move in moves:
        known.both_ways(move)
    if not all(reaches(cell, need, known.range(cell)) for cell, need in system.needs.items()):
        table = boxes()
        moves += [] if table is None else short(system, table, found.hidden)
    return _Pattern(found, moves)


def _hidden(
    system: System, small: Merged, possible: Mapping[int, Range], more: Mapping[int, tuple[Change, ...]]
) -> dict[int, Hidden]:
    """What stays possible, per cell of the table as it is written."""
    members: dict[int, list[int]] = {}
    for cell, place in enumerate(small.place):
        if place is not None:
            members.setdefault(place, []).append(cell)

    shared: dict[int, Assignment] = {}

    def written(change: Change) -> Assignment:
        known = shared.get(id(change))
        if known is None:
            known = shared[id(change)] = {
                cell: _number(system.values[cell] + step, system.unit)
                for place, step in sorted(change.items())
                for cell in members[place]
            }
        return known

    hidden: dict[int, Hidden] = {}
    for place, reach in possible.items():
        low, high = written(reach.low), written(reach.high)
        further = tuple(written(change) for change in more.get(place, ()))
        for cell in members[place]:
            true = Fraction(system.values[cell], system.unit)
            upper = None if reach.endless else Fraction(high.get(cell, true))
            hidden[cell] = Hidden(
                cell in system.needs, Fraction(low.get(cell, true)), upper, reach.exact, low, high, further
            )
    return hidden


def _number(units: int | Fraction, unit: int) -> int | Fraction:
    return units if unit == 1 else Fraction(units) / unit
