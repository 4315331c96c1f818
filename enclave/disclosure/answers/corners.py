"""Moves by corners: the simplest other tables, found without a solver.

In each dimension either two categories exchange a person, or one category and the (hidden) total change together; the
product over the dimensions changes 2^d cells by one and keeps every sum. For a table with many cells this finds in
microseconds what a linear programme finds in tens of milliseconds, and always in whole numbers. Decides nothing: what
is found is a move like those of `moves`, and is audited like them. Does not find every move; `moves` does.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
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


_WRITTEN_OUT = 4_000
"""Corners times cells up to which all of them are looked up at once."""

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
        self._steps = tuple(
            size // reduce(lambda a, b: a * b, self._shape[: dim + 1], 1) for dim in range(len(index))
        )
        # Where each node stands in the dense table, written out in one line; -1: not in it.
        self._flat = np.full(len(lattice.nodes), -1, dtype=np.int64)
        self._flat[inside] = np.array(list(self._index.values()), dtype=np.int64) @ np.array(self._steps)
        standing = self._flat[inside]
        node = np.full(size, -1, dtype=np.int64)
        node[standing] = inside
        self._node = node.reshape(self._shape)
        self._node_at: list[int] = node.tolist()
        self._price = np.full(self._shape, np.inf)
        persons = np.zeros((size, len(lattice.series)), dtype=np.int64)
        persons[standing] = lattice.numbers[inside]
        self._persons = persons.reshape(*self._shape, -1)
        counted = tuple(number for number, one in enumerate(lattice.series) if one.counted and number)
        # A filtered count and the row's persons may have to change together: nobody is in the one and not the other.
        self._modes: list[tuple[int, ...]] = [(number,) for number in range(len(lattice.series))]
        self._modes += [(0, number) for number in counted]
        if len(counted) > 1:
            self._modes.append((0, *counted))
        there = (node >= 0).reshape(self._shape)
        self._rooms = {mode: self._room(mode, counted, there) for mode in self._modes}
        # Per mode, growing and shrinking, what each node costs: in one array, since every price stands in all of them.
        self._room_of = np.stack([side.reshape(-1) for mode in self._modes for side in self._rooms[mode]])
        self._cost_of = np.full(self._room_of.shape, np.inf)
        sides = self._cost_of.reshape(-1, 2, *self._shape)
        self._costs = dict(zip(self._modes, sides, strict=True))
        # Exchanging with another category takes from it; changing with the total gives to it, and with a total that moves every
        # detail moves the same way: per dimension, for a number that is no total there and for one that is.
        lines = [
            tuple(length if place == dim else 1 for place in range(len(index)))
            for dim, length in enumerate(self._shape)
        ]
        self._facing = [
            (np.where(np.arange(length) == length - 1, 1, -1).reshape(line), np.ones(line, dtype=int))
            for length, line in zip(self._shape, lines, strict=True)
        ]
        corners = [one for one in product((False, True), repeat=len(index)) if any(one)]
        self._staying = np.where(np.array(corners), 0, np.array(self._steps))
        self._places: dict[tuple[int, tuple[bool, ...]], npt.NDArray[np.int64]] = {}
        self._growing: dict[tuple[int, tuple[bool, ...]], list[tuple[tuple[bool, ...], Flags]]] = {}

    def _room(self, mode: tuple[int, ...], counted: tuple[int, ...], there: Flags) -> tuple[Flags, Flags]:
        """Where the series of `mode` can grow by one together, where they can shrink, the others staying."""
        least, persons = self._lattice.least, self._persons
        unknown = there & (persons[..., mode] >= least).all(axis=-1)
        below = {one: persons[..., one] < persons[..., 0] for one in counted}
        up, down = unknown, unknown & (persons[..., mode] > least).all(axis=-1)
        for one in counted:
            if 0 not in mode and one in mode:
                up = up & below[one]
            if 0 in mode and one not in mode:
                down = down & below[one]
        return up, down

    def price_all(self, nodes: Sequence[int], costs: Sequence[float], hidden: Collection[int]) -> None:
        """What each of `nodes` costs; the `hidden` nothing; no other is to be touched."""
        self._price.fill(np.inf)
        self._price.reshape(-1)[self._flat[list(nodes)]] = costs
        self._price.reshape(-1)[self._flat[list(hidden)]] = 0.0
        self._cost_of[:] = np.where(self._room_of, self._price.reshape(-1), np.inf)

    def price(self, nodes: Collection[int], cost: float) -> None:
        """What these nodes cost from now on."""
        places = self._flat[list(nodes)]
        self._price.reshape(-1)[places] = cost
        self._changed(places)

    def seen(self, nodes: Collection[int]) -> None:
        """Hidden nodes that a move changes."""
        places = self._flat[list(nodes)]
        places = places[self._price.reshape(-1)[places] < _HIDDEN]
        self._price.reshape(-1)[places] = _SEEN
        self._changed(places)

    def _changed(self, places: npt.NDArray[np.int64]) -> None:
        self._cost_of[:, places] = np.where(self._room_of[:, places], self._price.reshape(-1)[places], np.inf)

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
        if self._price.size << len(at) <= _WRITTEN_OUT:
            return self._sum_at_once(at, sign, mode)
        up, down = self._costs[mode]
        total = np.zeros(self._shape)
        for chosen, grows in self._grows(at, sign):
            pick = tuple(
                slice(None) if yes else slice(here, here + 1) for yes, here in zip(chosen, at, strict=True)
            )
            total += np.where(grows, up[pick], down[pick])
        return self._none_its_own(total, at)

    def _none_its_own(self, total: Prices, at: tuple[int, ...]) -> Prices:
        """Nothing is its own partner."""
        for dim, here in enumerate(at):
            total[(slice(None),) * dim + (here,)] = np.inf
        return total

    def _sum_at_once(self, at: tuple[int, ...], sign: int, mode: tuple[int, ...]) -> Prices:
        """`_sum` of a small table, in a few steps however many corners there are: where each corner of each choice stands."""
        size = self._price.size
        totals = tuple(here == length - 1 for here, length in zip(at, self._shape, strict=True))
        if (sign, totals) not in self._places:
            lines = np.indices(self._shape).reshape(len(at), size) * np.array(self._steps)[:, None]
            self._places[sign, totals] = np.stack(
                [
                    lines[np.array(chosen)].sum(axis=0)
                    + np.where(np.broadcast_to(grows, self._shape).reshape(-1), 0, size)
                    for chosen, grows in self._grows(at, sign)
                ]
            )
        own = self._staying @ np.array(at) + self._modes.index(mode) * 2 * size
        places = self._places[sign, totals] + own[:, None]
        total = np.take(self._cost_of, places).sum(axis=0).reshape(self._shape)
        return self._none_its_own(total, at)

    def _grows(self, at: tuple[int, ...], sign: int) -> list[tuple[tuple[bool, ...], Flags]]:
        """Per choice of dimensions in which a corner is the partner's, where it grows."""
        totals = tuple(here == length - 1 for here, length in zip(at, self._shape, strict=True))
        if (sign, totals) not in self._growing:
            found = []
            for chosen in product((False, True), repeat=len(at)):
                direction = np.full((1,) * len(at), sign)
                for sides, yes, total in zip(self._facing, chosen, totals, strict=True):
                    if yes:
                        direction = direction * sides[total]
                if any(chosen):
                    found.append((chosen, direction > 0))
            self._growing[sign, totals] = found
        return self._growing[sign, totals]

    def _written(
        self, at: tuple[int, ...], partner: tuple[int, ...], sign: int, mode: tuple[int, ...]
    ) -> Move:
        corners = [(0, sign)]
        for here, there, step, length in zip(at, partner, self._steps, self._shape, strict=True):
            facing = 1 if length - 1 in (here, there) else -1
            corners = [
                (place + (other if away else here) * step, change * (facing if away else 1))
                for place, change in corners
                for away, other in ((False, here), (True, there))
            ]
        steps = {self._node_at[place]: change for place, change in corners}
        every = (*mode, *self._besides(steps, mode))
        return {(node, series): step for node, step in steps.items() for series in every}

    def _besides(self, steps: Mapping[int, int], mode: tuple[int, ...]) -> Iterable[int]:
        """Further series that have room for the same steps: one move then shows more numbers to be open. A count changes
        besides only where its row's persons change with it."""
        lattice = self._lattice
        numbers = [(lattice.nodes[node].persons, step) for node, step in steps.items()]
        for series, one in enumerate(lattice.series):
            if series in mode or series == 0 or (one.counted and 0 not in mode):
                continue
            if all(
                persons[series] >= lattice.least and persons[series] + step >= lattice.least
                for persons, step in numbers
            ):
                yield series
