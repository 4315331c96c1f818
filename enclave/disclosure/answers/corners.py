"""Moves by corners: the simplest other tables, found without a solver.

In each dimension either two categories exchange a person, or one category and the (hidden) total change together; the
product over the dimensions changes 2^d cells by one and keeps every sum. For a table with many cells this finds in
microseconds what a linear programme finds in tens of milliseconds, and always in whole numbers. Decides nothing: what
is found is a move like those of `moves`, and is audited like them. Does not find every move; `moves` does.
"""

from collections.abc import Iterable, Mapping
from functools import reduce
from itertools import product

import numpy as np
import numpy.typing as npt

from enclave.disclosure.answers.lattice import Lattice
from enclave.disclosure.answers.moves import Move, Number
from enclave.disclosure.answers.table import TOTAL, canonical

Flags = npt.NDArray[np.bool_]
Prices = npt.NDArray[np.float64]

_WORK_AT_MOST = 20_000_000
"""Corners times cells of the dense table for one target; beyond, the sparse programme is quicker."""


_SEEN = 1e-4
"""What a hidden node costs that some move changes already: next to nothing, so that of moves which hide nothing more the one is
taken that shows the most other nodes to be open too."""

_HIDDEN = 0.5
"""Below this a price is that of hidden nodes alone: a node that may still be hidden costs 1 or more."""


class Corners:
    """All corner moves of one grouping with its roll-ups. `price` is per node: 0 hidden, inf not to be touched."""

    def __init__(self, lattice: Lattice, grouping: int) -> None:
        self._lattice = lattice
        width = len(lattice.nodes[0].keys)
        self._dims = [dim for dim in range(width) if grouping >> dim & 1]
        inside = [
            place for place, node in enumerate(lattice.nodes) if node.grouping & grouping == node.grouping
        ]
        values = [
            sorted(
                {lattice.nodes[place].keys[dim] for place in inside} - {TOTAL},
                key=lambda key: canonical((key,)),
            )
            for dim in self._dims
        ]
        index = [{key: number for number, key in enumerate([*one, TOTAL])} for one in values]
        self._shape = tuple(len(one) for one in index)
        size = reduce(lambda a, b: a * b, self._shape, 1)
        self.usable = bool(self._dims) and size << len(self._dims) <= _WORK_AT_MOST
        if not self.usable:
            return
        self._index = {
            place: tuple(
                one[lattice.nodes[place].keys[dim]] for one, dim in zip(index, self._dims, strict=True)
            )
            for place in inside
        }
        self._node = np.full(self._shape, -1, dtype=np.int64)
        for place, at in self._index.items():
            self._node[at] = place
        self._price = np.full(self._shape, np.inf)
        self._persons = np.zeros((*self._shape, len(lattice.series)), dtype=np.int64)
        for place, at in self._index.items():
            self._persons[at] = lattice.nodes[place].persons
        counted = tuple(number for number, one in enumerate(lattice.series) if one.counted)
        # A filtered count and the row's persons may have to change together: nobody is in the one and not the other.
        self._modes: list[tuple[int, ...]] = [(number,) for number in range(len(lattice.series))]
        self._modes += [(0, number) for number in counted]
        if len(counted) > 1:
            self._modes.append((0, *counted))
        self._rooms = {mode: self._room(mode, counted) for mode in self._modes}
        # Exchanging with another category takes from it; changing with the total gives to it.
        self._signs = [np.where(np.arange(length) == length - 1, 1, -1) for length in self._shape]

    def _room(self, mode: tuple[int, ...], counted: tuple[int, ...]) -> tuple[Flags, Flags]:
        """Where the series of `mode` can grow by one together, where they can shrink, the others staying."""
        lattice = self._lattice
        up, down = np.zeros(self._shape, dtype=bool), np.zeros(self._shape, dtype=bool)
        for place, at in self._index.items():
            persons = lattice.nodes[place].persons
            if not all(lattice.moves(place, series) for series in mode):
                continue
            up[at] = 0 in mode or all(persons[series] < persons[0] for series in mode if series in counted)
            down[at] = all(persons[series] > lattice.least for series in mode) and (
                0 not in mode or all(persons[other] < persons[0] for other in counted if other not in mode)
            )
        return up, down

    def places(self) -> Iterable[int]:
        return self._index

    def price(self, nodes: Iterable[int], cost: float) -> None:
        for place in nodes:
            self._price[self._index[place]] = cost

    def seen(self, nodes: Iterable[int]) -> None:
        """Hidden nodes that a move changes."""
        for place in nodes:
            at = self._index[place]
            if self._price[at] < _HIDDEN:
                self._price[at] = _SEEN

    def move(self, number: Number) -> tuple[float, Move] | None:
        """The cheapest corner move of `number` with its price; None where every one touches a shown or empty cell."""
        node, series = number
        at = self._index[node]
        best: tuple[float, tuple[int, ...], int, tuple[int, ...]] | None = None
        for mode in self._modes:
            if series not in mode:
                continue
            for sign, room in zip((1, -1), self._rooms[mode], strict=True):
                if not room[at]:
                    continue
                total = self._sum(at, sign, mode)
                place = int(np.argmin(total))
                price = float(total.flat[place])
                if np.isfinite(price) and (best is None or price < best[0]):
                    partner = tuple(int(one) for one in np.unravel_index(place, self._shape))
                    best = price, partner, sign, mode
                    if price < _HIDDEN:
                        return 0.0, self._written(at, partner, sign, mode)
        if best is None:
            return None
        return best[0], self._written(at, *best[1:])

    def nearby(self, number: Number, helpers: bool, width: int) -> list[int]:
        """Nodes near one, hidden or (`helpers`) such as may still be hidden: those of `width` categories in each dimension, of
        which the line through it has the most to take from. Where a corner is too simple a move, they nearly always hold
        one, and are a small programme."""
        node, series = number
        at = self._index[node]
        usable = self._price < (np.inf if helpers else _HIDDEN)
        picks = []
        for dim, here in enumerate(at):
            line = tuple(slice(None) if place == dim else one for place, one in enumerate(at))
            there = np.where(usable[line], self._persons[..., series][line], -1)
            order = np.argsort(-there, kind="stable")[:width]
            picks.append(sorted({here, *(int(one) for one in order if there[one] >= 0)}))
        grid = np.ix_(*picks)
        return sorted(int(one) for one in self._node[grid][usable[grid]])

    def _sum(self, at: tuple[int, ...], sign: int, mode: tuple[int, ...]) -> Prices:
        """Per choice of partners the price of all other corners."""
        width = len(self._dims)
        growing, shrinking = self._rooms[mode]
        up = np.where(growing, self._price, np.inf)
        down = np.where(shrinking, self._price, np.inf)
        total = np.zeros(self._shape)
        for chosen in product((False, True), repeat=width):
            if not any(chosen):
                continue
            pick = tuple(
                slice(None) if yes else slice(here, here + 1) for yes, here in zip(chosen, at, strict=True)
            )
            direction = np.full((1,) * width, sign)
            for dim, yes in enumerate(chosen):
                if yes:
                    direction = direction * self._facing(dim, at[dim])
            total = total + np.where(direction > 0, up[pick], down[pick])
        for dim, here in enumerate(at):
            # Nothing is its own partner.
            own = tuple(slice(here, here + 1) if place == dim else slice(None) for place in range(width))
            total[own] = np.inf
        return total

    def _facing(self, dim: int, here: int) -> np.ndarray:
        """Which way each partner in `dim` goes: with a total that moves, every detail moves the same way."""
        length = self._shape[dim]
        signs = np.ones(length, dtype=int) if here == length - 1 else self._signs[dim]
        return signs.reshape(tuple(length if place == dim else 1 for place in range(len(self._shape))))

    def _written(
        self, at: tuple[int, ...], partner: tuple[int, ...], sign: int, mode: tuple[int, ...]
    ) -> Move:
        steps: dict[int, int] = {}
        for chosen in product((False, True), repeat=len(at)):
            corner = tuple(
                there if yes else here for yes, here, there in zip(chosen, at, partner, strict=True)
            )
            step = sign
            for dim, yes in enumerate(chosen):
                if yes:
                    step *= int(self._facing(dim, at[dim]).flat[partner[dim]])
            steps[int(self._node[corner])] = step
        every = (*mode, *self._besides(steps, mode))
        return {(node, series): step for node, step in steps.items() for series in every}

    def _besides(self, steps: Mapping[int, int], mode: tuple[int, ...]) -> Iterable[int]:
        """Further series that have room for the same steps: one move then shows more numbers to be open. A count changes
        besides only where its row's persons change with it."""
        lattice = self._lattice
        for series, one in enumerate(lattice.series):
            if series in mode or series == 0 or (one.counted and 0 not in mode):
                continue
            if all(
                lattice.moves(node, series) and lattice.nodes[node].persons[series] + step >= lattice.least
                for node, step in steps.items()
            ):
                yield series
