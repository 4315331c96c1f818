"""A safe pattern for a large table of counts, where one programme per unsafe cell over the whole table would not end in time.

An unsafe count is protected by a move: a change by whole steps that keeps every sum and changes it by one. The same system
gives the same pattern when the time is enough.

How
 1. Boxes (`boxes`): those that cost least for each cell that they move, then dearer ones, what is hidden by then being free.
    Where a table has boxes, all of its unsafe cells mostly have one: a safe pattern, without solving anything. The last and
    dearest of them are kept for the case that time runs out.
 2. Where there are none: one programme for many unsafe cells at once. Each that is moved earns a reward, each cell that would
    have to be hidden costs what hiding it costs, no cell moves by more than a step. Asked again for those that are left
    (`_Draft`). What moved is the draft: a small part of the table that has what is needed.
 3. For one cell after another that is left, the cheapest whole move, first among what is hidden or in the draft, a programme
    of a fraction of the size; a move serves every unsafe cell that it touches. What no move needs is shown again (`kept`).
 4. What is dear is taken out, and those whom that leaves bare are moved another way, for as long as that gains.
Relies on HiGHS for proposals only: a move counts once it is checked in whole numbers.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
import numpy.typing as npt

from enclave.core.refusal import Refused
from enclave.disclosure.protection.attack import Floats, programme, solver
from enclave.disclosure.protection.boxes import Boxes
from enclave.disclosure.protection.kept import FREE, Bools, Move, Moves
from enclave.disclosure.protection.system import Sums, System
from enclave.disclosure.protection.ties import tied

_REWARD, _MORE = 200.0, 5.0
"""What moving an unsafe cell earns, in units of what hiding costs: more than nearly every move costs. Where a batch moves few,
what the dear ones earn grows by so many times."""

_FURTHER = 3.0
_BATCHES = 30
_FEW = 0.15
"""A batch that moves less than this share of what is left has moved few."""

_MOVED, _NEAR, _HALF = 1e-6, 1e-2, 0.5
"""From where on a cell has moved: in a corner, in a proposal that is none, and far enough to be tried."""

_WALKED = 3_000
"""Up to so many cells, a batch is solved from corner to corner."""

_REST = 0.05
"""Once so small a share is left by boxes, the rest is moved one by one."""

_DEARER, _LITTLE = 1.2, 0.02
"""By how much more the boxes of the next round may cost for a cell; three times over where the last one moved few."""

_FAR = 1e6
"""More than all cells of a box cost together, where each costs 1."""

_PATIENCE_S = 20.0
"""How long a whole move is sought for one cell."""

_TIMES = (1, 2, 3, 4)
"""Corners that are not whole are mostly made of halves, sometimes of thirds: twice or three times them is a move."""


@dataclass(frozen=True)
class Covered:
    """`hidden`: the cells to hide, unsafe ones included. `moves`: whole moves, and `of`: by unsafe cell the place of the one
    that moves it. `ended`: time ended the search for less."""

    hidden: frozenset[int]
    moves: Sequence[Move]
    of: Mapping[int, int]
    cost: float
    ended: bool


def _whole(sums: Sums, change: Mapping[int, float]) -> Move | None:
    """The change, or a few times it, as a move; None where it is none."""
    for times in _TIMES:
        move = {cell: round(times * step) for cell, step in change.items()}
        if all(step and abs(times * change[cell] - step) < _MOVED for cell, step in move.items()):
            return move if sums.hold(move) else None
    return None


class _Draft:
    """Cells that are enough, by programmes that move many unsafe cells at once."""

    def __init__(self, system: System, unsafe: Bools, cost: Floats) -> None:
        size = len(system)
        self._size, self._unsafe, self._cost = size, unsafe, cost
        self._room = _room(system)
        lp = programme(system, both=True)
        lp.col_lower_ = np.zeros(2 * size)
        lp.col_upper_ = np.concatenate([np.ones(size), np.minimum(self._room, 1.0)])
        self._highs = solver()
        self._highs.setOptionValue("presolve", "off")
        if size > _WALKED:
            # From one batch to the next nearly every price changes: walking from corner to corner takes five times as long.
            self._highs.setOptionValue("solver", "ipm")
            self._highs.setOptionValue("run_crossover", "off")
        self._highs.passModel(lp)
        self._places = np.arange(2 * size, dtype=np.int32)
        self._signs = np.random.default_rng(1)

    def let(self, steps: float) -> None:
        """How many steps a cell may move at most; one that is unsafe moves by one."""
        most = np.where(self._unsafe, 1.0, steps)
        upper = np.concatenate([most, np.minimum(self._room, most)])
        self._highs.changeColsBounds(2 * self._size, self._places, np.zeros(2 * self._size), upper)

    def moved(self, bare: Bools, hidden: Bools, worth: float, seconds: float) -> Floats | None:
        """By how much each cell moves where many of the bare ones do, each at a cost of `worth` at most; None where time ran
        out."""
        # What cannot become less can only become more.
        sign = np.where(self._room > 0, self._signs.choice([-1.0, 1.0], self._size), 1.0)
        reward = np.where(bare, worth * sign, 0.0)
        costs = np.where(hidden, FREE, np.maximum(self._cost, FREE))
        self._highs.changeColsCost(
            2 * self._size, self._places, np.concatenate([costs - reward, costs + reward])
        )
        self._highs.clearSolver()
        self._highs.setOptionValue("time_limit", max(0.0, seconds))
        self._highs.run()
        values = np.asarray(self._highs.getSolution().col_value)
        if (
            self._highs.getModelStatus() == highspy.HighsModelStatus.kTimeLimit
            or len(values) < 2 * self._size
        ):
            return None
        # Without a corner it is called unknown; it is near enough for a proposal.
        change: Floats = np.abs(values[: self._size] - values[self._size :])
        return change


@dataclass(frozen=True)
class Search:
    """`tries`: how often prices are changed; `whole`: ask for whole changes outright, which takes long."""

    tries: int = 1
    whole: bool = False


class _Within:
    """The cheapest whole move of a cell that changes no cells but these. Small, and kept warm."""

    def __init__(self, system: System, sums: Sums, cells: Iterable[int]) -> None:
        self._sums = sums
        self._ties = tied(system, cells)
        self._cells = np.array(self._ties.cells, dtype=np.int64)
        self._at = {cell: at for at, cell in enumerate(self._ties.cells)}
        self._free = self._ties.place >= 0
        size = self._size = len(self._ties)
        self._highs = solver()
        self._highs.setOptionValue("presolve", "off")
        lp = self._ties.programme(both=True)
        self._upper = np.array(lp.col_upper_)
        self._highs.passModel(lp)
        self._places = np.arange(2 * size, dtype=np.int32)
        self._costs = np.zeros(2 * size)
        self._chance = np.random.default_rng(1)

    def cheapest(self, cell: int, costs: Floats, seconds: float, search: Search) -> Move | None:
        """A move of `cell` by a step or a few; None where these cells allow none. `costs` of a step by cell of the system.
        `search`: how hard to look where the cheapest change is not whole."""
        place, size = int(self._ties.place[self._at[cell]]), self._size
        if place < 0:
            return None
        own = np.bincount(self._ties.place[self._free], costs[self._cells[self._free]], size)
        ways = [
            (rise, fall)
            for rise, fall in ((place, size + place), (size + place, place))
            if self._upper[rise] >= 1
        ]
        for attempt in range(search.tries):
            # Other prices have other corners; few of them are not whole.
            self._pay(own if not attempt else own * self._chance.uniform(1.0, 3.0, size))
            step = 1 + attempt % 2
            moves = [
                move for way in ways if (move := self._one(*way, step, seconds, search.whole)) is not None
            ]
            if moves:
                return min(moves, key=lambda move: float(sum(costs[one] for one in move)))
        return None

    def _pay(self, costs: npt.NDArray[Any]) -> None:
        both = np.concatenate([costs, costs])
        other = np.nonzero(both != self._costs)[0].astype(np.int32)
        if len(other):
            self._highs.changeColsCost(len(other), other, both[other])
            self._costs = both

    def _one(self, rise: int, fall: int, step: int, seconds: float, whole: bool) -> Move | None:
        highs, size = self._highs, self._size
        if self._upper[rise] < step:
            return None
        highs.changeColBounds(rise, step, step)
        highs.changeColBounds(fall, 0.0, 0.0)
        if whole:
            highs.changeColsIntegrality(2 * size, self._places, np.ones(2 * size, dtype=np.uint8))
            # Any will do.
            highs.setOptionValue("mip_rel_gap", 1.0)
        highs.setOptionValue("time_limit", highs.getRunTime() + max(0.0, seconds))
        highs.run()
        solved = highs.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        values = np.asarray(highs.getSolution().col_value)
        if whole:
            highs.changeColsIntegrality(2 * size, self._places, np.zeros(2 * size, dtype=np.uint8))
        highs.changeColBounds(rise, 0.0, self._upper[rise])
        highs.changeColBounds(fall, 0.0, self._upper[fall])
        if not solved or len(values) < 2 * size:
            return None
        heads = values[:size] - values[size:]
        change = np.where(self._free, heads[self._ties.place] * self._ties.sign, 0.0)
        moved = np.nonzero(np.abs(change) > _MOVED)[0]
        return _whole(self._sums, {int(self._cells[at]): float(change[at]) for at in moved})


def _room(system: System) -> Floats:
    return np.array([v - low for v, low in zip(system.values, system.least, strict=True)], dtype=float)


def covered(
    system: System, left: Callable[[], float], spare: Callable[[], float], boxes: Boxes | None = None
) -> Covered:
    """The cells to hide so that every unsafe count can be at least one more or one less.

    `left`: seconds that remain for the search; `spare`: those that remain for a safe pattern at all. `boxes`: of the table,
    where it has any. Raises Refused `disclosure.no_safe_pattern`, `disclosure.out_of_time`.
    """
    unsafe = np.zeros(len(system), dtype=bool)
    unsafe[list(system.needs)] = True
    cost = np.array([float(one) for one in system.costs])
    sums = Sums(system)
    moves = Moves(unsafe, cost)
    order = sorted(system.needs, key=lambda one: (system.values[one], one))
    fallback = [] if boxes is None else _boxed(boxes, sums, moves, order, spare)
    bare = [cell for cell in order if moves.bare(cell)]
    if len(bare) > _REST * len(order):
        touched = _drafted(system, sums, moves, order, spare)
        bare = [cell for cell in order if moves.bare(cell)]
    else:
        touched = [int(cell) for cell in np.nonzero(moves.hidden)[0]]
    saved = _saved(moves, fallback)
    if all(cell in saved for cell in bare):
        # Nobody stays bare whatever happens: what follows is for a cheaper pattern, and the dearest come first.
        spare = left
        bare.sort(key=lambda cell: -saved[cell])
    # What is left are few: cells that no batch moved, and those whose cheapest change was not whole.
    everywhere = range(len(system))
    try:
        for cells, search in (
            (touched, Search(2 if fallback else 4)),
            (everywhere, Search()),
            (touched, Search(10)),
            (touched, Search(whole=True)),
            (everywhere, Search(whole=True)),
        ):
            if bare:
                bare = _moved(_Within(system, sums, cells), moves, bare, spare, search)
        late = False
    except Refused:
        late = True
    for move in fallback:
        if any(moves.unsafe[cell] and moves.bare(cell) for cell in move):
            moves.add(move)
    if any(moves.bare(cell) for cell in order):
        raise Refused("disclosure.out_of_time" if late else "disclosure.no_safe_pattern")
    moves.tidy()
    ended = _refined(system, sums, moves, left)
    return _result(moves, system, ended, [] if boxes is None else _short(boxes, sums, moves))


def _saved(moves: Moves, fallback: Sequence[Move]) -> dict[int, float]:
    """By unsafe cell what its move costs that is kept for the case that none is found."""
    found: dict[int, float] = {}
    for move in fallback:
        price = float(sum(moves.cost[cell] for cell in move if not moves.hidden[cell]))
        for cell in move:
            if moves.unsafe[cell]:
                found[cell] = min(price, found.get(cell, price))
    return found


def _boxed(
    boxes: Boxes, sums: Sums, moves: Moves, order: Sequence[int], left: Callable[[], float]
) -> list[Move]:
    """Moves nearly all by boxes. What one may cost for each bare cell that it moves grows until few are bare: the last are
    those for whom a change of another form is mostly cheaper. Boxes for these, in case there is no time for others."""
    worth = 0.0
    bare = np.array([cell for cell in order if moves.bare(cell)], dtype=np.int64)
    while len(bare) > _REST / 2 * len(order):
        if left() <= 0:
            raise Refused("disclosure.out_of_time")
        prices = moves.priced()
        prices[bare] = -worth
        boxes.price(prices)
        cost, way, side = boxes.cheapest(bare)
        if not np.isfinite(cost).any():
            break
        if not worth:
            worth = max(float(np.quantile(cost[np.isfinite(cost)], _REST)), FREE)
            continue
        taken = 0
        for at in np.argsort(cost, kind="stable"):
            cell = int(bare[at])
            if cost[at] > 0:
                break
            if not moves.bare(cell):
                continue
            move = boxes.move(cell, int(way[at]), int(side[at]))
            gain = worth * sum(bool(moves.unsafe[one]) and moves.bare(one) for one in move)
            price = sum(moves.cost[one] for one in move if not moves.hidden[one])
            if price <= gain and cell in move and sums.hold(move):
                moves.add(move)
                taken += 1
        worth *= _DEARER if taken > _LITTLE * len(bare) else _DEARER**3
        bare = np.array([cell for cell in bare if moves.bare(int(cell))], dtype=np.int64)
    moves.tidy()
    added = _last(boxes, sums, moves, bare, left)
    return [moves.drop(number) for number in added]


def _last(
    boxes: Boxes, sums: Sums, moves: Moves, bare: npt.NDArray[np.int64], left: Callable[[], float]
) -> list[int]:
    """Moves those that are left by the cheapest boxes, some at a time; the numbers of these moves."""
    added: list[int] = []
    while len(bare) and left() > 0:
        boxes.price(moves.priced())
        cost, way, side = boxes.cheapest(bare)
        before = len(added)
        for at in np.argsort(cost, kind="stable")[: max(1, len(bare) // 4)]:
            cell = int(bare[at])
            if np.isfinite(cost[at]) and moves.bare(cell):
                move = boxes.move(cell, int(way[at]), int(side[at]))
                if cell in move and sums.hold(move):
                    added.append(moves.add(move))
        if len(added) == before:
            break
        bare = np.array([cell for cell in bare if moves.bare(int(cell))], dtype=np.int64)
    return added


def _short(boxes: Boxes, sums: Sums, moves: Moves) -> list[Move]:
    """For each hidden cell the shortest box up and down of hidden cells only, where there is one."""
    boxes.price(np.where(moves.hidden, 1.0, _FAR))
    hidden = np.nonzero(moves.hidden)[0]
    found: list[Move] = []
    for sign in (1, -1):
        cost, way, side = boxes.cheapest(hidden, sign)
        for at in np.nonzero(cost < _FAR)[0]:
            move = boxes.move(int(hidden[at]), int(way[at]), int(side[at]))
            if int(hidden[at]) in move and moves.hidden[list(move)].all() and sums.hold(move):
                found.append(move)
    return found


def _drafted(
    system: System,
    sums: Sums,
    moves: Moves,
    order: Sequence[int],
    left: Callable[[], float],
) -> list[int]:
    """Moves many unsafe cells, batch by batch; the cells that a batch touched."""
    draft = _Draft(system, moves.unsafe, moves.cost)
    touched = moves.unsafe.copy()
    worth = _REWARD
    for _ in range(_BATCHES):
        bare = np.zeros(len(system), dtype=bool)
        bare[[cell for cell in order if moves.bare(cell)]] = True
        before = int(bare.sum())
        change = draft.moved(bare, moves.hidden, worth, left()) if before and left() > 0 else None
        if change is None:
            break
        near = change > _NEAR
        touched |= near
        within = _Within(system, sums, map(int, np.nonzero(near)[0]))
        _moved(
            within,
            moves,
            [cell for cell in order if bare[cell] and change[cell] > _HALF],
            left,
            Search(4),
        )
        if before - sum(map(moves.bare, order)) < _FEW * before:
            if worth > _REWARD * _MORE**2:
                break
            worth *= _MORE
            # Some need others to move further than themselves.
            draft.let(_FURTHER)
    return [int(cell) for cell in np.nonzero(touched)[0]]


def _moved(
    within: _Within, moves: Moves, cells: Sequence[int], left: Callable[[], float], search: Search
) -> list[int]:
    """Moves these cells; those for which no move was found."""
    lacking = []
    for cell in cells:
        if not moves.bare(cell):
            continue
        if left() <= 0:
            raise Refused("disclosure.out_of_time")
        move = within.cheapest(cell, moves.priced(), min(left(), _PATIENCE_S), search)
        if move is None:
            lacking.append(cell)
        else:
            moves.add(move)
    return [cell for cell in lacking if moves.bare(cell)]


def _refined(system: System, sums: Sums, moves: Moves, left: Callable[[], float]) -> bool:
    """Takes out each hidden cell once, dearest first; whether time ended it."""
    within = _Within(system, sums, map(int, np.nonzero(moves.hidden)[0]))
    far = float(moves.cost.sum()) + 1.0
    for place in sorted(np.nonzero(moves.hidden & ~moves.unsafe)[0], key=lambda one: (-moves.cost[one], one)):
        if left() <= 0:
            return True
        if moves.hidden[place]:
            _without(within, moves, int(place), far, left)
    return False


def _without(within: _Within, moves: Moves, place: int, far: float, left: Callable[[], float]) -> None:
    """Shows `place` and moves anew whom that leaves bare; kept if it costs less, else undone."""
    before = moves.total()
    dropped = {number: moves.drop(number) for number in sorted(moves.users[place])}
    bare = sorted(
        {cell for move in dropped.values() for cell in move if moves.unsafe[cell] and moves.bare(cell)}
    )
    added = []
    for cell in bare:
        if not moves.bare(cell):
            continue
        costs = moves.priced()
        costs[place] = far
        move = within.cheapest(cell, costs, max(0.1, left()), Search())
        if move is None or place in move:
            break
        added.append(moves.add(move))
        if moves.total() >= before:
            break
    else:
        return
    for number in added:
        moves.drop(number)
    for number, move in dropped.items():
        moves.restore(number, move)


def _result(moves: Moves, system: System, ended: bool, more: Sequence[Move]) -> Covered:
    kept = sorted(moves.moves)
    number = {one: place for place, one in enumerate(kept)}
    of = {cell: number[min(moves.movers[cell])] for cell in system.needs}
    hidden = frozenset(int(cell) for cell in np.nonzero(moves.hidden)[0])
    return Covered(hidden, [*(moves.moves[one] for one in kept), *more], of, moves.total(), ended)
