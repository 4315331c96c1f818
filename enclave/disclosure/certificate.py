"""What stays possible for each hidden cell, and the two tables that show it.

Decides the least and the greatest value of every hidden cell for an attacker who knows all that is shown (秘匿インター
バル), each with an assignment of the hidden cells that fits everything shown and takes that value. The assignments are
exact: whoever has them can check them by adding (`verify`), so that nothing rests on the solver that found them. Relies on
`attack` for its way of asking HiGHS, not on the search for patterns.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import highspy
import numpy as np

from enclave.disclosure.attack import Floats, solver
from enclave.disclosure.system import Sums, System
from enclave.disclosure.ties import tied

ENTRIES, SHORT = 1_500_000, 50
"""How many cells all exact tables together may change: beyond, nobody could read them, and what is known already is said. A
table that changes more than `SHORT` cells is not used for other cells that have one of their own."""

Change = Mapping[int, Fraction]
"""By cell the difference to its true value, in the table's unit; never 0."""

_PARTS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 20, 24, 30, 60)
"""Denominators tried for a corner of the attacker's system: in two dimensions every corner is whole."""


@dataclass(frozen=True)
class Range:
    """`low`, `high`: changes of the least and the greatest possible table. `endless`: no greatest value; `high` then is
    one that lies beyond what was needed. `exact`: no other table goes further; otherwise these are attainable, and
    further ones may be."""

    low: Change
    high: Change
    endless: bool
    exact: bool


class Possible:
    """The tables that fit what is shown: changes of hidden cells that keep every sum."""

    def __init__(self, system: System, hidden: Iterable[int]) -> None:
        self.system = system
        self._sums = Sums(system)
        self._ties = tied(system, hidden)
        self.cells = self._ties.cells
        self._at = {cell: at for at, cell in enumerate(self.cells)}
        self._highs = solver()
        self._highs.setOptionValue("presolve", "off")
        self._highs.passModel(self._ties.programme(both=False))
        self._all = np.arange(len(self._ties), dtype=np.int32)

    def range(self, cell: int, beyond: int, still: Iterable[int] = ()) -> Range:
        """What a hidden cell may be. `beyond`: where there is no greatest value, how far above the truth to go. `still`: cells
        that are known not to change."""
        kept = sorted({int(self._ties.place[self._at[one]]) for one in still if one in self._at} - {-1})
        if not kept:
            return self._range(cell, beyond)
        places, nothing = np.array(kept, dtype=np.int32), np.zeros(len(kept))
        least, most = self._ties.least[kept], self._ties.most[kept]
        self._highs.changeColsBounds(len(kept), places, nothing, nothing)
        found = self._range(cell, beyond, frozenset(kept))
        self._highs.changeColsBounds(len(kept), places, least, most)
        return found

    def _range(self, cell: int, beyond: int, kept: frozenset[int] = frozenset()) -> Range:
        at = self._at[cell]
        place, sign = int(self._ties.place[at]), int(self._ties.sign[at])
        if place < 0 or place in kept:
            return Range({}, {}, False, True)
        low, low_exact = self._furthest(place, -sign, beyond)
        high, high_exact = self._end(place, sign)
        endless = high is None
        if high is None:
            high, high_exact = self._furthest(place, sign, beyond)
        return Range(low, high, endless, low_exact and high_exact)

    def _furthest(self, place: int, sign: int, beyond: int) -> tuple[Change, bool]:
        """The change at one end, or one by `beyond` where there is no end."""
        found, exact = self._end(place, sign)
        if found is not None:
            return found, exact
        highs, least, most = self._highs, float(self._ties.least[place]), float(self._ties.most[place])
        highs.changeColBounds(place, max(least, -float(beyond)), min(most, float(beyond)))
        found, exact = self._end(place, sign)
        highs.changeColBounds(place, least, most)
        return found or {}, exact

    def _end(self, place: int, sign: int) -> tuple[Change | None, bool]:
        """The change in which a head is greatest (sign 1) or least (-1); None where there is no end. Nothing changes where no
        exact one was found."""
        highs = self._highs
        highs.changeColCost(place, -float(sign))
        try:
            highs.run()
            status = highs.getModelStatus()
            if status in (
                highspy.HighsModelStatus.kUnbounded,
                highspy.HighsModelStatus.kUnboundedOrInfeasible,
            ):
                return None, True
            corner = self._exact(np.asarray(highs.getSolution().col_value))
            if corner is not None:
                return corner, True
            return self._inner(), False
        finally:
            highs.changeColCost(place, 0.0)

    def _inner(self) -> Change:
        """The furthest change by whole units, for a corner that is not a whole part of one."""
        highs, count = self._highs, len(self._ties)
        highs.changeColsIntegrality(count, self._all, np.ones(count, dtype=np.uint8))
        highs.run()
        corner = self._exact(np.asarray(highs.getSolution().col_value))
        highs.changeColsIntegrality(count, self._all, np.zeros(count, dtype=np.uint8))
        return corner or {}

    def _exact(self, corner: Floats) -> Change | None:
        """The corner in exact numbers; None where it is not one of small denominators."""
        place, sign = self._ties.place, self._ties.sign
        for parts in (1,) if self.system.whole else _PARTS:
            scaled = corner * parts
            near = np.rint(scaled)
            if np.abs(scaled - near).max(initial=0.0) > 1e-4 * parts:
                continue
            heads = np.where(place >= 0, near[place] * sign, 0.0)
            change = {self.cells[int(at)]: Fraction(int(heads[at]), parts) for at in np.nonzero(heads)[0]}
            if self._sums.hold(change):
                return change
        return None


def ranges(
    system: System,
    hidden: Iterable[int],
    left: Callable[[], float],
    first: Sequence[int] = (),
    known: Iterable[Mapping[int, int]] = (),
    sizes: Sequence[int] = (),
) -> dict[int, Range]:
    """Per hidden cell what it may be, those of `first` first. Where time runs out, what other cells' tables and those that
    are `known` already have shown of it: not exact. `sizes`: how many written cells each stands for."""
    possible = Possible(system, hidden)
    found: dict[int, Range] = {}
    ends: dict[int, tuple[Change, Change]] = {}
    nothing: Change = {}

    def learn(change: Change) -> None:
        for cell, step in change.items():
            low, high = ends.get(cell, (nothing, nothing))
            if step < low.get(cell, 0):
                low = change
            if step > high.get(cell, 0):
                high = change
            ends[cell] = (low, high)

    entries = 0
    moves = list(known)
    for move in moves:
        learn({cell: Fraction(step) for cell, step in move.items()})
    for cell in dict.fromkeys((*first, *possible.cells)):
        if left() <= 0 or entries > ENTRIES:
            low, high = ends.get(cell, (nothing, nothing))
            found[cell] = Range(low, high, False, False)
            continue
        need = system.needs.get(cell)
        beyond = 1 if need is None else int(max(need.up, need.slide)) + 1
        found[cell] = possible.range(cell, max(beyond, system.unit))
        for change in (found[cell].low, found[cell].high):
            entries += sum(sizes[one] for one in change) if sizes else len(change)
            if not moves or len(change) <= SHORT:
                learn(change)
    return found
