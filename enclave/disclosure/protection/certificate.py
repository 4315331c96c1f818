"""What stays possible for each hidden cell, and the two tables that show it.

Decides the least and the greatest value of every hidden cell for an attacker who knows all that is shown (秘匿インター
バル), each with an assignment of the hidden cells that fits everything shown and takes that value. The assignments are
exact: whoever has them can check them by adding (`verify`), so that nothing rests on the solver that found them. Relies on
`attack` for its way of asking HiGHS, not on the search for patterns.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, inf, lcm

import highspy
import numpy as np

from enclave.disclosure.protection.attack import Floats, shorter, solver
from enclave.disclosure.protection.corners import corner
from enclave.disclosure.protection.system import Need, Sums, System
from enclave.disclosure.protection.ties import tied

SHORT = 40
"""A table that changes more cells is made shorter where another one goes as far."""

ENTRIES = 800_000
"""Where time is limited: so many cells all tables together may change, for they must be written. Beyond, shorter ones are
told that are known."""

Change = Mapping[int, int | Fraction]
"""By cell the difference to its true value, in the table's unit; never 0."""

_NOTHING: tuple[Change, Change] = ({}, {})

_PARTS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 20, 24, 30, 60)
"""Denominators tried for a corner of the attacker's system, before it is solved in fractions: in two dimensions every corner is
whole."""

_ENDED = (
    highspy.HighsModelStatus.kOptimal,
    highspy.HighsModelStatus.kUnbounded,
    highspy.HighsModelStatus.kUnboundedOrInfeasible,
)

_NODES = 20_000
"""Of a search for a corner in whole numbers, so that it ends where there is no time limit too."""


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

    def __init__(
        self, system: System, hidden: Iterable[int], left: Callable[[], float] = lambda: inf
    ) -> None:
        self.system = system
        self._left = left
        self._sparse: highspy.Highs | None = None
        self._sums = Sums(system)
        self._ties = tied(system, hidden)
        self.cells = self._ties.cells
        self._at = {cell: at for at, cell in enumerate(self.cells)}
        # Beyond some digits a solver sees no more of single units: then it is asked in larger ones.
        self._scale = shorter(float(self._ties.longest()))
        self._highs = solver()
        self._highs.setOptionValue("presolve", "off")
        self._highs.passModel(self._ties.programme(both=False, scale=self._scale))
        self._highs.setOptionValue("mip_rel_gap", 0.0)
        # Ends of counts are whole: less than one is nothing.
        self._highs.setOptionValue("mip_abs_gap", 0.9)
        self._highs.setOptionValue("mip_max_nodes", _NODES)
        self._bound: dict[int, tuple[int, int]] = {}
        self._all = np.arange(len(self._ties), dtype=np.int32)

    def range(
        self, cell: int, beyond: int, still: Iterable[int] = (), known: tuple[Change, Change] = _NOTHING
    ) -> Range:
        """What a hidden cell may be. `beyond`: where there is no greatest value, how far above the truth to go. `still`: cells
        that are known not to change. `known`: changes that are possible; they are told where none goes further."""
        kept = sorted({int(self._ties.place[self._at[one]]) for one in still if one in self._at} - {-1})
        if not kept:
            return self._range(cell, beyond, frozenset(), known)
        places, nothing = np.array(kept, dtype=np.int32), np.zeros(len(kept))
        least, most = self._ties.least[kept] / self._scale, self._ties.most[kept] / self._scale
        self._highs.changeColsBounds(len(kept), places, nothing, nothing)
        self._bound = dict.fromkeys(kept, (0, 0))
        found = self._range(cell, beyond, frozenset(kept), _NOTHING)
        self._bound = {}
        self._highs.changeColsBounds(len(kept), places, least, most)
        return found

    def _range(self, cell: int, beyond: int, kept: frozenset[int], known: tuple[Change, Change]) -> Range:
        at = self._at[cell]
        place, sign = int(self._ties.place[at]), int(self._ties.sign[at])
        if place < 0 or place in kept:
            return Range({}, {}, False, True)
        exact, endless, found = True, False, list(known)
        for side, near in enumerate(known):
            way = sign if side else -sign
            if not side and self.system.values[cell] + near.get(cell, 0) == self.system.least[cell]:
                continue
            further, true = self._end(place, way)
            if further is None:
                endless = bool(side)
                ray = self._ray(place, way, beyond, kept) if endless else None
                if ray is not None:
                    found[side] = ray
                    continue
                # Whoever is to believe that there is no end needs such a change: without one the end told is not the last.
                endless, exact = False, False
                further, true = self._furthest(place, way, beyond)
            exact &= true
            gain = further.get(cell, 0) - near.get(cell, 0)
            if gain > 0 if side else gain < 0:
                long = len(further) > SHORT and not kept
                found[side] = self._shorter(place, further) if long else further
        return Range(found[0], found[1], endless, exact)

    def _shorter(self, place: int, change: Change) -> Change:
        """A change that takes the head as far as this one, and changes the others by as little as possible together."""
        ties, size = self._ties, len(self._ties)
        at = int(np.nonzero(ties.place == place)[0][0])
        step = float(Fraction(change.get(self.cells[at], 0)) * int(ties.sign[at]))
        if self._sparse is None:
            lp = ties.programme(both=True, scale=self._scale)
            lp.col_cost_ = np.tile(np.bincount(ties.place[ties.place >= 0], minlength=size).astype(float), 2)
            self._sparse = solver()
            self._sparse.setOptionValue("presolve", "off")
            self._sparse.passModel(lp)
        highs, most = self._sparse, (float(ties.most[place]), -float(ties.least[place]))
        rise, fall = (place, size + place) if step > 0 else (size + place, place)
        highs.changeColBounds(rise, abs(step) / self._scale, abs(step) / self._scale)
        highs.changeColBounds(fall, 0.0, 0.0)
        highs.setOptionValue("time_limit", highs.getRunTime() + max(0.05, min(self._left(), 60.0)))
        highs.run()
        solved = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        values = np.asarray(highs.getSolution().col_value)
        highs.changeColBounds(place, 0.0, most[0] / self._scale)
        highs.changeColBounds(size + place, 0.0, most[1] / self._scale)
        shorter = self._exact(values[:size] - values[size:]) if solved else None
        same = shorter is not None and shorter.get(self.cells[at], 0) == change.get(self.cells[at], 0)
        return shorter if shorter is not None and same and len(shorter) < len(change) else change

    def _furthest(self, place: int, sign: int, beyond: int) -> tuple[Change, bool]:
        """The change at one end, or one by `beyond` where there is no end."""
        found, exact = self._end(place, sign)
        if found is not None:
            return found, exact
        highs, least, most = self._highs, float(self._ties.least[place]), float(self._ties.most[place])
        down, up = self._ties.ends[place]
        down, up = (
            (-beyond if down is None else max(down, -beyond)),
            (beyond if up is None else min(up, beyond)),
        )
        highs.changeColBounds(place, down / self._scale, up / self._scale)
        before = self._bound
        self._bound = {**before, place: (down, up)}
        found, exact = self._end(place, sign)
        self._bound = before
        highs.changeColBounds(place, least / self._scale, most / self._scale)
        return found or {}, exact

    def _ray(self, place: int, sign: int, beyond: int, kept: frozenset[int]) -> Change | None:
        """A change by at least `beyond` in which nothing falls, so that it can be made any number of times."""
        highs, size = self._highs, len(self._ties)
        rises = np.zeros(size), np.zeros(size)
        turned = np.zeros((2, size), dtype=bool)
        for head, way in zip(self._ties.place.tolist(), self._ties.sign.tolist(), strict=True):
            if head >= 0:
                turned[int(way < 0), head] = True
        # What moves cells against each other lets one of them fall.
        free = turned[0] != turned[1]
        free[list(kept)] = False
        rises[0][free & turned[1]], rises[1][free & turned[0]] = -1.0, 1.0
        before = self._bound
        self._bound = {head: (int(rises[0][head]), int(rises[1][head])) for head in range(size)}
        highs.changeColsBounds(size, self._all, *rises)
        highs.changeColCost(place, -float(sign))
        highs.run()
        ended = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        heads = corner(highs, self._ties.rows, [self._bound[head] for head in range(size)]) if ended else None
        highs.changeColCost(place, 0.0)
        least, most = self._ties.least / self._scale, self._ties.most / self._scale
        least[list(kept)] = most[list(kept)] = 0.0
        highs.changeColsBounds(size, self._all, least, most)
        self._bound = before
        if heads is None or heads[place] * sign <= 0:
            return None
        times = lcm(*(one.denominator for one in heads)) if self.system.whole else 1
        times *= ceil(Fraction(beyond) / abs(heads[place] * times))
        change = self._of_heads([one * times for one in heads])
        return change if self._sums.hold(change) and min(change.values()) > 0 else None

    def _of_heads(self, heads: Sequence[Fraction]) -> Change:
        change: dict[int, int | Fraction] = {}
        for cell, place, sign in zip(
            self.cells, self._ties.place.tolist(), self._ties.sign.tolist(), strict=True
        ):
            if place >= 0 and heads[place]:
                step = heads[place] * sign
                change[cell] = int(step) if step.denominator == 1 else step
        return change

    def _end(self, place: int, sign: int) -> tuple[Change | None, bool]:
        """The change in which a head is greatest (sign 1) or least (-1); None where there is no end. Nothing changes where no
        exact one was found."""
        highs = self._highs
        highs.changeColCost(place, -float(sign))
        try:
            seconds = self._left()
            highs.setOptionValue(
                "time_limit", highs.getRunTime() + max(0.05, seconds) if seconds < inf else inf
            )
            highs.run()
            status = highs.getModelStatus()
            if status == highspy.HighsModelStatus.kTimeLimit:
                return {}, False
            if status not in _ENDED:
                # It lost its way among long numbers; from the beginning it mostly finds it.
                highs.clearSolver()
                highs.run()
                status = highs.getModelStatus()
            if status in (
                highspy.HighsModelStatus.kUnbounded,
                highspy.HighsModelStatus.kUnboundedOrInfeasible,
            ):
                return None, True
            near = self._exact(np.asarray(highs.getSolution().col_value))
            if near is None and not self.system.whole:
                near = self._solved()
            if near is not None:
                return near, status == highspy.HighsModelStatus.kOptimal
            # Of longer numbers a search for whole ones does not end.
            return self._inner() if self._scale == 1 else ({}, False)
        finally:
            highs.changeColCost(place, 0.0)

    def _inner(self) -> tuple[Change, bool]:
        """The furthest change by whole units, for a corner that is not whole, and whether nothing goes further."""
        highs, count = self._highs, len(self._ties)
        seconds = self._left()
        highs.setOptionValue("time_limit", highs.getRunTime() + max(0.05, seconds) if seconds < inf else inf)
        highs.changeColsIntegrality(count, self._all, np.ones(count, dtype=np.uint8))
        highs.run()
        ended = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        found = np.asarray(highs.getSolution().col_value)
        near = self._exact(found) if len(found) == count else None
        highs.changeColsIntegrality(count, self._all, np.zeros(count, dtype=np.uint8))
        return near or {}, ended and near is not None and self.system.whole

    def _solved(self) -> Change | None:
        """The corner in fractions; None where it is none of a table that fits."""
        ends = [self._bound.get(place, end) for place, end in enumerate(self._ties.ends)]
        heads = corner(self._highs, self._ties.rows, ends)
        if heads is None:
            return None
        change = self._of_heads(heads)
        return change if self._sums.hold(change) else None

    def _exact(self, corner: Floats) -> Change | None:
        """The corner in exact numbers; None where it is not one of small denominators."""
        place, sign = self._ties.place, self._ties.sign
        if self._scale != 1:
            return self._solved()
        for parts in (1,) if self.system.whole else _PARTS:
            scaled = corner * parts
            near = np.rint(scaled)
            if np.abs(scaled - near).max(initial=0.0) > 1e-4 * parts:
                continue
            heads = np.where(place >= 0, near[place] * sign, 0.0)
            moved = np.nonzero(heads)[0]
            change: dict[int, int | Fraction] = {
                self.cells[at]: int(step) if parts == 1 else Fraction(int(step), parts)
                for at, step in zip(moved.tolist(), heads[moved].tolist(), strict=True)
            }
            if self._sums.hold(change):
                return change
        return None


@dataclass
class Known:
    """By cell the changes that are known to take it furthest down and up; of two that go as far, the shorter."""

    system: System
    ends: dict[int, tuple[Change, Change]] = field(default_factory=dict)

    def learn(self, change: Change) -> None:
        nothing: Change = {}
        for cell, step in change.items():
            low, high = self.ends.get(cell, (nothing, nothing))
            if _further(-step, -low.get(cell, 0), change, low):
                low = change
            if _further(step, high.get(cell, 0), change, high):
                high = change
            self.ends[cell] = (low, high)

    def both_ways(self, change: Mapping[int, int]) -> None:
        """Learns a change, and what it is backwards where that is possible too."""
        self.learn(change)
        values, least = self.system.values, self.system.least
        if all(values[cell] - step >= least[cell] for cell, step in change.items()):
            self.learn({cell: -step for cell, step in change.items()})

    def range(self, cell: int) -> Range:
        """What is known of a cell; others may go further."""
        low, high = self.ends.get(cell, ({}, {}))
        return Range(low, high, False, False)


def _further(step: int | Fraction, than: int | Fraction, change: Change, known: Change) -> bool:
    return step > than or (step == than and step > 0 and len(change) < len(known))


def ranges(
    system: System,
    hidden: Iterable[int],
    left: Callable[[], float],
    first: Sequence[int] = (),
    known: Iterable[Mapping[int, int]] = (),
    sizes: Sequence[int] = (),
    pace: Callable[[int], float] = lambda cells: 0.0,
) -> dict[int, Range]:
    """Per hidden cell what it may be, those of `first` first. Where time runs out, what other cells' tables and those that
    are `known` already have shown of it: not exact. `sizes`: how many written cells each stands for. `pace`: how many
    seconds it takes to say tables of so many written cells."""
    knowing = Known(system)
    for move in known:
        knowing.both_ways(move)
    limited = left() < inf
    measured: dict[int, tuple[Change, int]] = {}

    def size(cell: int, change: Change) -> int:
        if id(change) not in measured:
            measured[id(change)] = change, sum(sizes[one] for one in change) if sizes else len(change)
        return measured[id(change)][1] * (sizes[cell] if sizes else 1)

    possible = Possible(system, hidden, lambda: left() - pace(written))
    # Those whose need nothing known meets come before all others.
    lacking = [
        cell
        for cell in first
        if (need := system.needs.get(cell)) and not reaches(cell, need, knowing.range(cell))
    ]
    cells = list(dict.fromkeys((*lacking, *first, *possible.cells)))
    # What will be written if nothing better is found.
    written = sum(size(cell, side) for cell in cells for side in knowing.ends.get(cell, ()))
    found: dict[int, Range] = {}
    pending: list[int] = []
    for cell in cells:
        before = knowing.range(cell)
        need = system.needs.get(cell)
        met = need is None or reaches(cell, need, before)
        if left() - pace(written) <= 0 or (limited and written > ENTRIES and met):
            pending.append(cell)
            continue
        beyond = 1 if need is None else int(max(need.up, need.slide)) + 1
        one = possible.range(cell, max(beyond, system.unit), (), (before.low, before.high))
        more = sum(size(cell, side) for side in (one.low, one.high)) - sum(
            size(cell, side) for side in (before.low, before.high)
        )
        if limited and met and more > ENTRIES // 100:
            # Exact, and too long to be told to anyone.
            pending.append(cell)
            continue
        written += more
        found[cell] = one
        for change in (one.low, one.high):
            if change is not before.low and change is not before.high:
                knowing.learn(change)
    return found | {cell: knowing.range(cell) for cell in pending}


def reaches(cell: int, need: Need, reach: Range) -> bool:
    """Whether a range gives an unsafe cell what it needs."""
    return far_enough(cell, need, (reach.low, reach.high))


def far_enough(cell: int, need: Need, tables: Sequence[Change], still: frozenset[int] = frozenset()) -> bool:
    """Whether the tables in which nothing of `still` changes give a cell what it needs."""
    steps = [table.get(cell, 0) for table in tables if still.isdisjoint(table)]
    low, high = min((*steps, 0)), max((*steps, 0))
    return -low >= need.down and high >= need.up and high - low >= need.slide
