"""Patterns that grow by the cheapest move per unsafe cell, and shrink again.

Decides what to hide for one unsafe cell after another, cells that are hidden already being free. A cell that asks for more
against insiders gets further moves. Every pattern so made is safe as far as floating point can say; what is proven is said
elsewhere. Relies on `attack` for the moves.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import ceil

import numpy as np
import numpy.typing as npt

from enclave.core.refusal import Refused
from enclave.disclosure.protection.attack import Floats, Repair, Witnesses
from enclave.disclosure.protection.system import Need, Sums, System

Bools = npt.NDArray[np.bool_]


@dataclass
class Greedy:
    """Patterns that grow by the cheapest move per unsafe cell. `support`: the cells that each one's moves touch. `made`: moves
    that turned out to be whole and to keep every sum, whatever became of them."""

    system: System
    left: Callable[[], float]
    made: list[dict[int, int]] = field(default_factory=list)
    hidden: Bools = field(init=False)
    support: dict[int, frozenset[int]] = field(init=False)
    users: dict[int, set[int]] = field(init=False)

    def __post_init__(self) -> None:
        self._both = Repair(self.system, both_ways=True)
        self._one: Repair | None = None
        self._witnesses = Witnesses(self.system)
        self._sums = Sums(self.system)
        self.cost = np.array([float(one) for one in self.system.costs])
        self.unsafe = np.zeros(len(self.system), dtype=bool)
        self.unsafe[list(self.system.needs)] = True
        self.order = sorted(self.system.needs, key=lambda cell: (-self._size(cell), cell))
        self.clear()

    def _size(self, cell: int) -> float:
        need = self.system.needs[cell]
        return float(max(need.up, need.down, need.slide))

    def clear(self) -> None:
        self.hidden = self.unsafe.copy()
        self.support = {}
        self.users = {}

    def total(self) -> float:
        return float(self.cost[self.hidden & ~self.unsafe].sum())

    def _single(self) -> Repair:
        self._one = self._one or Repair(self.system, both_ways=False)
        return self._one

    def _moves(self, cell: int, weight: Floats) -> list[Floats]:
        """Moves that give a cell what it needs at the least cost, against insiders too. Raises Refused where none does."""
        need = self.system.needs[cell]
        moves = self._asked(cell, need, weight, frozenset())
        seen = self._witnesses.of(cell, _touched(moves))
        if len(seen) > 1:
            # One way round all of them is mostly there, and enough.
            try:
                return moves + self._asked(
                    cell, need, weight, frozenset().union(*(known for _, known in seen))
                )
            except Refused:
                pass
        for asked, known in seen:
            moves += self._asked(cell, asked, weight, known)
        return moves

    def _asked(self, cell: int, need: Need, weight: Floats, still: frozenset[int]) -> list[Floats]:
        """Moves that give a cell this and change nothing of `still`. Raises Refused where none does."""
        moves: list[Floats] = []
        step = float(max(need.up, need.down))
        if step:
            costs = self._priced(weight, step)
            both = self._both.cheapest(cell, step, costs, still) if need.up and need.down else None
            if both is not None:
                moves.append(both)
            else:
                for way in (float(need.up), -float(need.down)):
                    move = self._single().cheapest(cell, way, costs, still) if way else None
                    if way and move is None:
                        raise Refused("disclosure.no_safe_pattern")
                    if move is not None:
                        moves.append(move)
        if need.slide > need.up + need.down:
            slide = float(need.slide)
            costs = self._priced(weight, slide)
            ways = [self._single().cheapest(cell, way, costs, still) for way in (-slide, slide)]
            either = [
                (float(costs @ np.abs(move)), place, move)
                for place, move in enumerate(ways)
                if move is not None
            ]
            if not either:
                raise Refused("disclosure.no_safe_pattern")
            moves.append(min(either, key=lambda one: one[:2])[2])
        return moves

    def _priced(self, weight: Floats, step: float) -> Floats:
        """What a step in each cell costs: nothing where it is hidden, else its cost, and a little more the longer a move."""
        return np.where(self.hidden, 0.0, np.maximum(weight, 1e-3 * step))

    def protect(self, cell: int, weight: Floats) -> None:
        moves = self._moves(cell, weight)
        self.keep(cell, _touched(moves))
        need = self.system.needs[cell]
        for move in moves:
            step = abs(float(move[cell]))
            # A float of many digits may fall short of what is asked.
            asked = (one for one in (need.up, need.down, need.slide) if float(one) == step)
            self._made(move, step, ceil(next(asked, step)))

    def _made(self, move: Floats, step: float, units: int) -> None:
        """Keeps a move that is one in whole numbers too: most are made of steps as long as that of their cell, `units`."""
        places = np.nonzero(move)[0]
        signs = np.rint(move[places] / step).astype(int).tolist() if step else []
        whole = {one: sign * units for one, sign in zip(places.tolist(), signs, strict=False) if sign}
        if whole and self._sums.hold(whole):
            self.made.append(whole)

    def proofs(self, hidden: Bools) -> list[dict[int, int]]:
        """Of the moves that were made, those of hidden cells only."""
        return [move for move in self.made if hidden[list(move)].all()]

    def keep(self, cell: int, support: frozenset[int]) -> None:
        for place in self.support.get(cell, ()):
            self.users[place].discard(cell)
        self.support[cell] = support
        for place in support:
            self.users.setdefault(place, set()).add(cell)
        self.hidden[list(support)] = True

    def tidy(self) -> None:
        """Shows again what no move touches."""
        for place in np.nonzero(self.hidden & ~self.unsafe)[0]:
            if not self.users.get(int(place)):
                self.hidden[place] = False

    def fill(self, weight: Floats, cells: Iterable[int] | None = None) -> bool:
        """Protects these cells, or all; False where the time ran out before the end."""
        for cell in self.order if cells is None else cells:
            if self.left() <= 0:
                return False
            self.protect(cell, weight)
        self.tidy()
        return True

    def without(self, places: Iterable[int]) -> bool:
        """Shows `places` and protects anew whom that leaves bare; kept if it costs less, else undone."""
        before, mask = self.total(), self.hidden.copy()
        bare = sorted({cell for place in places for cell in self.users.get(place, ())})
        old = {cell: self.support[cell] for cell in bare}
        for cell in bare:
            self.keep(cell, frozenset())
        self.hidden[list(places)] = False
        for place in {place for support in old.values() for place in support}:
            if not self.unsafe[place] and not self.users.get(place):
                self.hidden[place] = False
        # A shown place costs its price again, so the way back is open and no cell is left without a move.
        for cell in bare:
            if self.left() <= 0:
                break
            self.protect(cell, self.cost)
            if self.total() >= before:
                break
        else:
            self.tidy()
            if self.total() < before:
                return True
        for cell in bare:
            self.keep(cell, frozenset())
        for cell, support in old.items():
            self.keep(cell, support)
        self.hidden = mask
        return False

    def refine(self) -> None:
        """Takes out each hidden cell once, dearest first, for as long as there is time."""
        places = np.nonzero(self.hidden & ~self.unsafe)[0]
        for place in sorted(places, key=lambda one: (-self.cost[one], one)):
            if self.left() <= 0:
                return
            if self.hidden[place]:
                self.without([int(place)])


def _touched(moves: Iterable[Floats]) -> frozenset[int]:
    return frozenset(int(place) for move in moves for place in np.nonzero(move)[0])
