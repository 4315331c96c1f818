"""Unsafe cells of any kind moved by boxes: as far as each needs, without solving anything.

Decides, for a table that is too large for a programme per unsafe cell, boxes that give each cell what it needs and cost little;
and, in a pattern that is there, the short boxes that prove it. The far moves come first: whoever needs less and lies on one
of them is served by it. Relies on `boxes` for the search and checks every box in whole numbers.
"""

from collections.abc import Callable, Iterable, Mapping
from math import ceil

import numpy as np
import numpy.typing as npt

from enclave.disclosure.protection.boxes import Boxes, Move
from enclave.disclosure.protection.system import Need, Sums, System

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_RATIO = 1.5
"""Cells whose needs differ by less than so many times are moved by boxes of the same steps."""

_FREE = 1e-3
"""What a hidden cell costs, in parts of what the others do on average: short moves, no more."""

_FAR = 1e6


def far(need: Need) -> int:
    """How far a cell must be moved both ways to have all it needs."""
    return max(1, ceil(max(need.up, need.down, need.slide)))


def _groups(cells: Iterable[int], needs: Mapping[int, Need]) -> list[list[int]]:
    """Cells that need about as much, the most first."""
    groups: list[list[int]] = []
    for cell in sorted(cells, key=lambda one: (-far(needs[one]), one)):
        if groups and far(needs[groups[-1][0]]) <= _RATIO * far(needs[cell]):
            groups[-1].append(cell)
        else:
            groups.append([cell])
    return groups


class Boxed:
    """Moves by unsafe cell: `of`. `hidden`: what is hidden, by them or before, unsafe cells included."""

    def __init__(self, system: System, boxes: Boxes, hidden: Bools) -> None:
        self._system, self._boxes, self._sums = system, boxes, Sums(system)
        self._cost: Floats = np.array([float(one) for one in system.costs])
        self._free = max(_FREE * float(self._cost.mean()), 1e-9)
        self.hidden = hidden.copy()
        self.of: dict[int, list[Move]] = {}

    def cover(self, unsafe: Iterable[int], left: Callable[[], float]) -> None:
        """Moves all of these that a box can move; what has none, or no time, has nothing in `of`."""
        for group in _groups(unsafe, self._system.needs):
            # Both ways at once, where every corner can fall as far; else one box up and another down.
            for both in (True, False):
                step = far(self._system.needs[group[0]])
                self._boxes.steps(float(step), both)
                self._group([cell for cell in group if cell not in self.of], step, both, left)

    def _group(self, cells: list[int], step: int, both: bool, left: Callable[[], float]) -> None:
        while cells and left() > 0:
            self._boxes.price(np.where(self.hidden, self._free, np.maximum(self._cost, self._free)))
            places = np.array(cells, dtype=np.int64)
            ways = [self._boxes.cheapest(places, sign) for sign in ((0,) if both else (1, -1))]
            cost = np.sum([one[0] for one in ways], axis=0)
            order = np.argsort(cost, kind="stable")
            taken = 0
            # The dearer half is asked again, once the cheaper one is hidden.
            for at in order[: max(1, (len(order) + 1) // 2)]:
                cell = cells[at]
                if not np.isfinite(cost[at]):
                    break
                if cell in self.of:
                    continue
                found = []
                for _, way, side in ways:
                    box = self._boxes.move(cell, int(way[at]), int(side[at]))
                    found.append({one: sign * step for one, sign in box.items()})
                if self._fit(cell, found, both):
                    self._take(cell, found, step, both)
                    taken += 1
            if not taken:
                return
            cells = [cell for cell in cells if cell not in self.of]

    def _fit(self, cell: int, moves: list[Move], both: bool) -> bool:
        if both:
            moves = [*moves, {one: -step for one, step in moves[0].items()}]
        return all(cell in move and self._sums.hold(move) for move in moves)

    def _take(self, cell: int, moves: list[Move], step: int, both: bool) -> None:
        self.of[cell] = moves
        for move in moves:
            self.hidden[list(move)] = True
        if both:
            for one in moves[0]:
                need = self._system.needs.get(one)
                if need is not None and one not in self.of and far(need) <= step:
                    self.of[one] = moves


def short(system: System, boxes: Boxes, hidden: Iterable[int]) -> list[Move]:
    """In a pattern that is there: for each unsafe cell the shortest boxes of hidden cells that give it what it needs, where
    there are any."""
    sums = Sums(system)
    inside = np.zeros(len(system), dtype=bool)
    inside[list(hidden)] = True
    prices = np.where(inside, 1.0, _FAR)
    found: list[Move] = []
    for group in _groups(system.needs, system.needs):
        step = far(system.needs[group[0]])
        boxes.steps(float(step))
        boxes.price(prices)
        cells = np.array(group, dtype=np.int64)
        for sign in (1, -1):
            cost, way, side = boxes.cheapest(cells, sign)
            for at in np.nonzero(cost < _FAR)[0]:
                box = boxes.move(group[at], int(way[at]), int(side[at]))
                move = {one: step * each for one, each in box.items()}
                if group[at] in move and inside[list(move)].all() and sums.hold(move):
                    found.append(move)
    return found
