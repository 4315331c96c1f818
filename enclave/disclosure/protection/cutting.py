"""Which cells to hide besides the unsafe ones, at the least cost that can be had in the time.

The attacker is a linear programme (`attack`). Each unsafe cell that a pattern does not protect yields a cut: a linear
inequality that every safe pattern satisfies and this one does not. Whatever satisfies the cuts found so far at the least
cost is a lower bound; once it protects every cell it is the optimum (Fischetti and Salazar-Gonzalez, "Solving the cell
suppression problem on tabular data with linear constraints", Management Science 47 (2001) 1008-1027).

How
 1. A safe pattern at once: per unsafe cell the cheapest move, cells that are hidden already being free (`greedy`).
 2. Cuts for degrees of hiding between 0 and 1 until no cell yields one: a bound, and a guide to which cells matter.
 3. The greedy way again, guided; then what is dear is taken out and repaired while that gains.
 4. Whole degrees: least cost under the cuts, more cuts, repaired into a safe pattern each time; until both meet.
Where the table is too large for that, or time is short, a pattern of boxes (`boxed`), and 3 for as long as there is time.
The best safe pattern so far is at hand at any time. The same system gives the same pattern when the time is enough.
Does not prove anything to others: that is for exact certificates.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf

import highspy
import numpy as np
import numpy.typing as npt

from enclave.core.refusal import Refused
from enclave.disclosure.protection.attack import NEAR, Attack, Cut, Floats, Witnesses, solver
from enclave.disclosure.protection.boxed import Boxed, short
from enclave.disclosure.protection.boxes import Boxes
from enclave.disclosure.protection.greedy import Bools, Greedy
from enclave.disclosure.protection.system import Need, System

LOOSE = 1e-5
TIGHT = 1e-9
"""By how much of its need a cell may fall short and still count as protected, while bounds are sought and at the end."""

_GAP = 1e-7

_MANY = 20_000_000
"""Unsafe cells times cells from which on boxes come first: a minute of programmes for one unsafe cell after another."""

_BRIDGED = 1_000
"""Up to so many cells, the master is told that no hidden cell is of no use, and each of its answers is followed to the end; in
larger tables both take longer than they save."""

_ROUNDS = 4
"""Bounds ask about every demand some times over, each as dear as a cell of the first pattern. With less time than so many such
patterns took nothing of it would be settled, and the time is better spent on what can be shown again."""

_SHARE = 0.5
"""Of the time that is left after the first safe pattern, how much goes into bounds before the guided one is made."""


def _middle(numbers: Floats) -> float:
    """The median, 0 of none. Not numpy's, which takes in a package of masked arrays to find it."""
    ordered = np.sort(numbers)
    return float(ordered[[(len(ordered) - 1) // 2, len(ordered) // 2]].mean()) if len(ordered) else 0.0


@dataclass(frozen=True)
class Found:
    """`hidden`: the cells to hide, unsafe ones included. `cost`: of those that are not unsafe. `bound`: no safe pattern
    costs less. `ended`: the search ran out of time rather than out of questions. `moves`: changes of hidden cells that have
    been checked already."""

    hidden: frozenset[int]
    cost: float
    bound: float
    ended: bool
    moves: Sequence[Mapping[int, int]] = ()


@dataclass(frozen=True)
class _Demand:
    """One thing that must be possible: `cell` moves by `step` in the direction `sign`; 0: both ways together; while the cells
    `still` do not change."""

    cell: int
    sign: int
    step: float
    still: frozenset[int] = frozenset()

    @property
    def ways(self) -> tuple[int, ...]:
        return (self.sign,) if self.sign else (1, -1)


def _demands(needs: Mapping[int, Need], still: frozenset[int] = frozenset()) -> list[_Demand]:
    found = []
    for cell, need in needs.items():
        if need.up:
            found.append(_Demand(cell, 1, float(need.up), still))
        if need.down:
            found.append(_Demand(cell, -1, float(need.down), still))
        if need.slide > need.up + need.down:
            found.append(_Demand(cell, 0, float(need.slide), still))
    return found


class _Master:
    """The least cost under all cuts so far; degrees between 0 and 1, or whole."""

    def __init__(self, cost: Floats, unsafe: Bools) -> None:
        self._places = np.nonzero(~unsafe)[0].astype(np.int32)
        self._of = np.full(len(cost), -1, dtype=np.int32)
        self._of[self._places] = np.arange(len(self._places), dtype=np.int32)
        self._unsafe = unsafe
        self._cost = cost[self._places]
        self._scale = max(1.0, _middle(self._cost[self._cost > 0]))
        count = len(self._places)
        programme = highspy.HighsLp()
        programme.num_col_ = count
        programme.col_cost_ = self._cost / self._scale
        programme.col_lower_, programme.col_upper_ = np.zeros(count), np.ones(count)
        programme.a_matrix_.start_ = np.zeros(count + 1, dtype=np.int32)
        self._highs = solver()
        self._highs.passModel(programme)
        self.cuts = 0

    def add(self, cut: Cut) -> None:
        self._highs.addRow(1.0, highspy.kHighsInf, len(cut.cells), self._of[cut.cells], cut.weights)
        self.cuts += 1

    def needed(self, cell: int, others: Iterable[int]) -> None:
        """Whoever hides `cell` hides one of `others` too: what would otherwise be had from what is shown may as well be shown."""
        there = [one for one in others if one != cell]
        if any(self._unsafe[one] for one in there):
            return
        places = np.array([self._of[cell], *(self._of[one] for one in there)], dtype=np.int32)
        weights = np.array([-1.0, *([1.0] * len(there))])
        self._highs.addRow(0.0, highspy.kHighsInf, len(places), places, weights)

    def whole(self) -> None:
        count = len(self._places)
        self._highs.changeColsIntegrality(
            count, np.arange(count, dtype=np.int32), np.ones(count, dtype=np.uint8)
        )
        self._highs.setOptionValue("mip_rel_gap", _GAP)

    def start(self, hidden: Bools) -> None:
        """A pattern that is known to be safe, so that nothing dearer is looked at."""
        known = highspy.HighsSolution()
        known.col_value = hidden[self._places].astype(float)
        self._highs.setSolution(known)

    def solve(self, seconds: float) -> tuple[Floats, float] | None:
        """Degrees and the bound that they give; None where time ran out first."""
        self._highs.setOptionValue("time_limit", self._highs.getRunTime() + max(0.0, seconds))
        self._highs.run()
        status = self._highs.getModelStatus()
        found = np.asarray(self._highs.getSolution().col_value)
        if status == highspy.HighsModelStatus.kInfeasible:
            raise Refused("disclosure.no_safe_pattern")
        if status not in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kModelEmpty):
            return None
        degree = np.zeros(len(self._unsafe))
        degree[self._unsafe] = 1.0
        degree[self._places] = np.where(found < 1e-7, 0.0, np.minimum(found, 1.0))
        bound = float(self._highs.getInfo().objective_function_value) * self._scale
        return degree, bound


@dataclass
class _Cutting:
    """Demands against degrees. `met`: per demand the cells of a move that met it, and the degrees that it takes."""

    attack: Attack
    master: _Master
    left: Callable[[], float]
    met: dict[_Demand, list[tuple[npt.NDArray[np.int32], Floats]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._witnesses = Witnesses(self.attack.system)

    def parts(self, demand: _Demand) -> Iterator[_Demand]:
        """The demand, and then, once it is met, the same against those who see through what met it."""
        yield demand
        if self.attack.system.insiders:
            touched = (int(cell) for cells, _ in self.met.get(demand, ()) for cell in cells)
            for need, known in self._witnesses.of(demand.cell, touched):
                yield from _demands({demand.cell: need}, known)

    def still_met(self, demand: _Demand, degree: Floats) -> bool:
        known = self.met.get(demand)
        return known is not None and all(
            bool((degree[cells] >= least - TIGHT).all()) for cells, least in known
        )

    def check(self, demand: _Demand, degree: Floats, near: float) -> Cut | bool | None:
        """True where the demand is met; else the cut that it yields, None where it yields none."""
        if self.still_met(demand, degree):
            return True
        still = sorted(demand.still)
        if still:
            degree = degree.copy()
            degree[still] = 0.0
        reached, gains, own = 0.0, np.zeros(len(degree)), 0.0
        moves = []
        for way in demand.ways:
            reach = self.attack.reach(demand.cell, way, demand.step, degree)
            reached += reach.far
            gains += reach.gain
            own += reach.own
            moves.append(self.attack.degrees(demand.step, reach.move))
            self._other_way(demand, reach.move, degree)
            if reached >= 1 - near:
                self.met[demand] = moves[-1:] if reach.far >= 1 - near else moves
                return True
        self.met.pop(demand, None)
        gains[still] = 0.0
        return self.attack.cut(gains, 1.0 - own)

    def _other_way(self, demand: _Demand, move: Floats, degree: Floats) -> None:
        """A move that can be made backwards meets the demand of the other direction as well."""
        back = replace(demand, sign=-demand.sign)
        if not demand.sign or abs(float(move[demand.cell])) < 1:
            return
        known = self.attack.degrees(demand.step, -move)
        if bool((degree[known[0]] >= known[1] - TIGHT).all()):
            self.met[back] = [known]

    def round(
        self, demands: Iterable[_Demand], degree: Floats, near: float, until: float = 0.0
    ) -> tuple[list[_Demand], bool]:
        """The demands that are not met, with their cuts added; and whether all were looked at."""
        unmet: list[_Demand] = []
        for demand in demands:
            for part in self.parts(demand):
                if self.left() <= until:
                    return unmet, False
                verdict = self.check(part, degree, near)
                if verdict is True:
                    continue
                if isinstance(verdict, Cut) and verdict.broken(degree):
                    self.master.add(verdict)
                    unmet.append(demand)
                elif near == TIGHT:
                    unmet.append(demand)
                break
        return unmet, True

    def deepen(self, unmet: Iterable[_Demand], degree: Floats, cost: Floats) -> None:
        """More cuts of whole degrees that leave some demands unmet: what a cut asks for is given, as cheaply as can be, until
        every demand is met. The next least cost then answers to all that was asked on the way, not to its first step."""
        degree, pending = degree.copy(), list(unmet)
        while pending:
            still: list[_Demand] = []
            for demand in pending:
                cut = self._first(demand, degree)
                if cut is None:
                    continue
                self.master.add(cut)
                shown = degree[cut.cells] < 0.5
                lacking, each = cut.cells[shown], cut.weights[shown]
                if not len(lacking):
                    continue
                degree[lacking[np.argmin(cost[lacking] / each)]] = 1.0
                still.append(demand)
            if still:
                self.bridged(degree)
            pending = still

    def _first(self, demand: _Demand, degree: Floats) -> Cut | None:
        """The cut of the first part of a demand that is not met; None where there is none, or no time."""
        for part in self.parts(demand):
            if self.left() <= 0:
                return None
            verdict = self.check(part, degree, TIGHT)
            if verdict is not True:
                return verdict if isinstance(verdict, Cut) and verdict.broken(degree) else None
        return None

    def bridged(self, degree: Floats) -> None:
        """For each hidden cell that cannot change at all: what else would have to be hidden to make it of any use."""
        for cell in np.nonzero((degree > 0.5) & ~self.attack.unsafe)[0].tolist():
            if self.left() <= 0:
                return
            ways = [self.attack.reach(cell, sign, 1.0, degree) for sign in (1, -1)]
            if max(abs(one.far) for one in ways) < NEAR:
                others = np.nonzero(ways[0].gain + ways[1].gain > 0)[0]
                self.master.needed(cell, others.tolist())

    def settle(self, demands: list[_Demand], until: float) -> tuple[Floats, float, bool]:
        """Degrees for which no demand yields a cut, the bound that they give, and whether that is so: it is not where
        only `until` seconds are left first.
        """
        active, whole = demands, True
        degree, bound = self.master.solve(self.left()) or (np.zeros(len(self.attack.system)), 0.0)
        while self.left() > until:
            unmet, ended = self.round(active, degree, LOOSE, until)
            if ended and not unmet and whole:
                return degree, bound, True
            active, whole = (unmet, False) if unmet else (demands, True)
            solved = self.master.solve(self.left()) if unmet else (degree, bound)
            if solved is None:
                break
            degree, bound = solved
        return degree, bound, False


def least_cost(
    system: System,
    left: Callable[[], float],
    span: float = 1.0,
    spare: Callable[[], float] | None = None,
    boxes: Callable[[], Boxes | None] = lambda: None,
) -> Found:
    """The cells to hide. `left`: seconds that remain; `spare`: those for a safe pattern at all. `span`: see `Attack`. `boxes`: of
    the table, where it has any; used where it is too large for all else, or no time is left.

    Raises Refused `disclosure.no_safe_pattern` where no pattern protects some cell, `disclosure.out_of_time` where none was
    found in time.
    """
    greedy = Greedy(system, left)
    if not greedy.order:
        return Found(frozenset(), 0.0, 0.0, False)
    began = left()
    if len(greedy.order) * len(system) > _MANY or not greedy.fill(greedy.cost):
        found = None if system.insiders else boxes()
        if found is not None:
            return _by_boxes(greedy, found, left, spare or left)
        if not greedy.fill(greedy.cost):
            raise Refused("disclosure.out_of_time")
    if began < inf and left() < _ROUNDS * (began - left()):
        greedy.refine()
        return _found(greedy)
    best = _Best(greedy.total(), greedy.hidden.copy())
    demands = _demands(system.needs)
    cutting = _Cutting(Attack(system, span), _Master(greedy.cost, greedy.unsafe), left)
    if len(system) <= _BRIDGED:
        for total, details in system.sums:
            for cell in (total, *details):
                if not greedy.unsafe[cell]:
                    cutting.master.needed(cell, (total, *details))
    until = left() * (1 - _SHARE)
    degree, bound, settled = cutting.settle(demands, until if until < inf else 0.0)
    greedy.clear()
    if greedy.fill(greedy.cost * (1.0 - degree)):
        best.take(greedy)
        greedy.refine()
        best.take(greedy)
    ended = True
    if settled:
        bound, ended = _whole(cutting, greedy, demands, best, bound)
    hidden = frozenset(int(cell) for cell in np.nonzero(best.hidden)[0])
    return Found(hidden, best.cost, bound, ended, greedy.proofs(best.hidden))


def _by_boxes(greedy: Greedy, boxes: Boxes, left: Callable[[], float], spare: Callable[[], float]) -> Found:
    """A safe pattern of boxes for all that no programme has moved yet; less as time allows."""
    system = greedy.system
    covering = Boxed(system, boxes, greedy.hidden)
    covering.cover([cell for cell in greedy.order if cell not in greedy.support], spare)
    for cell, moves in covering.of.items():
        greedy.keep(cell, frozenset(one for move in moves for one in move))
        greedy.made += moves
    greedy.left = spare
    if not greedy.fill(greedy.cost, [cell for cell in greedy.order if cell not in greedy.support]):
        raise Refused("disclosure.out_of_time")
    greedy.left = left
    greedy.refine()
    found = _found(greedy)
    return replace(found, moves=[*found.moves, *short(system, boxes, found.hidden)])


def _found(greedy: Greedy) -> Found:
    """What was grown, of which nobody knows how much less would do."""
    hidden = frozenset(int(cell) for cell in np.nonzero(greedy.hidden)[0])
    return Found(hidden, greedy.total(), 0.0, True, greedy.proofs(greedy.hidden))


def against_insiders(
    system: System, hidden: Iterable[int], left: Callable[[], float]
) -> tuple[frozenset[int], float]:
    """A pattern that holds against insiders too, grown from one that may not: one programme per unsafe cell, and no search for
    less. With what it costs. Raises Refused as `least_cost` does."""
    greedy = Greedy(system, left)
    greedy.hidden[list(hidden)] = True
    if not greedy.fill(greedy.cost):
        raise Refused("disclosure.out_of_time")
    return frozenset(int(cell) for cell in np.nonzero(greedy.hidden)[0]), greedy.total()


@dataclass
class _Best:
    cost: float
    hidden: Bools

    def take(self, greedy: Greedy) -> None:
        if greedy.total() < self.cost:
            self.cost, self.hidden = greedy.total(), greedy.hidden.copy()


def _whole(
    cutting: _Cutting, greedy: Greedy, demands: list[_Demand], best: _Best, bound: float
) -> tuple[float, bool]:
    """Whole degrees until the bound meets the best pattern; the bound, and whether time ended it."""
    cutting.master.whole()
    active, small = demands, len(best.hidden) <= _BRIDGED
    while best.cost > bound + _GAP * max(1.0, best.cost):
        if small:
            cutting.master.start(best.hidden)
        solved = cutting.master.solve(cutting.left())
        if solved is None:
            return bound, True
        degree, least = np.rint(solved[0]), solved[1]
        bound = max(bound, least)
        unmet, ended = cutting.round(active, degree, TIGHT)
        if not ended:
            return bound, True
        if not unmet and active is demands:
            cost = float(greedy.cost[(degree > 0) & ~greedy.unsafe].sum())
            if cost < best.cost:
                best.cost, best.hidden = cost, degree > 0
            return bound, False
        if active is demands:
            repaired = _repaired(cutting, greedy, demands, unmet, degree)
            if repaired and greedy.total() < best.cost:
                best.take(greedy)
                if small:
                    greedy.refine()
                    best.take(greedy)
        if small:
            cutting.bridged(degree)
            cutting.deepen(unmet, degree, greedy.cost)
        active = unmet or demands
    return bound, False


def _repaired(
    cutting: _Cutting,
    greedy: Greedy,
    demands: list[_Demand],
    unmet: list[_Demand],
    degree: Floats,
) -> bool:
    """Makes a safe pattern of one that leaves some demands unmet; False where time ran out first."""
    greedy.clear()
    greedy.hidden |= degree > 0
    bare = {demand.cell for demand in unmet}
    support: dict[int, set[int]] = {}
    for demand in demands:
        if demand.cell not in bare:
            for part in cutting.parts(demand):
                known = cutting.met.get(part, [])
                support.setdefault(demand.cell, set()).update(
                    int(cell) for cells, _ in known for cell in cells
                )
    for cell, cells in support.items():
        greedy.keep(cell, frozenset(cells))
    return greedy.fill(greedy.cost, [cell for cell in greedy.order if cell in bare])
