"""Moves that can be had without solving anything: boxes.

A change of one dimension that keeps its sums goes along the tree of its codes from one detail to another (up by a step on
one side, down on the other), or from a detail to the total of all. One such path per dimension, multiplied, is a change of
the table that keeps every sum: a box, of eight corners where three dimensions have two neighbours each. `Boxes` finds the
cheapest box through every cell at once: in all dimensions but the longest every pair of details is tried, in the longest
the best path through each code follows from those of its neighbours in the tree. Decides nothing about which cells are
hidden; whoever uses a box checks it. Relies on numpy only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import prod

import numpy as np
import numpy.typing as npt

Key = tuple[str, ...]
Singles = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Move = dict[int, int]

_COLUMNS, _ENTRIES = 30_000, 4_000_000
"""Ways through the other dimensions, and these times the codes of the longest: beyond, a table is left to other searches."""

_NEVER = np.float32(1e12)


@dataclass(frozen=True)
class _Tree:
    """The codes of a dimension: `above` per code its parent (-1: the total of all), parents first."""

    codes: tuple[str, ...]
    above: tuple[int, ...]

    def up(self, code: int) -> list[int]:
        """From a code to the total of all."""
        found = [code]
        while self.above[found[-1]] >= 0:
            found.append(self.above[found[-1]])
        return found

    def leaves(self) -> list[int]:
        inner = set(self.above)
        return [code for code in range(len(self.codes)) if code not in inner]

    def paths(self) -> list[dict[int, int]]:
        """Every path: by code its step."""
        ups = {leaf: self.up(leaf) for leaf in self.leaves()}
        found = [dict.fromkeys(way, 1) for way in ups.values() if len(way) > 1]
        for one, other in combinations(ups, 2):
            a, b = ups[one], ups[other]
            common = set(a) & set(b)
            found.append(
                {code: 1 for code in a if code not in common} | {code: -1 for code in b if code not in common}
            )
        return found


def _tree(parents: Mapping[str, str]) -> _Tree | None:
    """None where it is no tree under one total."""
    tops = sorted(set(parents.values()) - set(parents))
    if len(tops) != 1:
        return None
    below: dict[str, list[str]] = {}
    for child in sorted(parents):
        below.setdefault(parents[child], []).append(child)
    order, above = [tops[0]], [-1]
    for at, code in enumerate(order):
        for child in below.get(code, ()):
            order.append(child)
            above.append(at)
    return _Tree(tuple(order), tuple(above)) if len(order) == len(parents) + 1 else None


@dataclass(frozen=True)
class Grid:
    """A table whose cells have places in a grid. `tree`: of the longest dimension; `rows`: per cell its code there; `columns`:
    what it is in the others together, one of `width`. `ways`: every box of these others, as the columns that rise and those
    that fall."""

    tree: _Tree
    rows: Places
    columns: Places
    width: int
    ways: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]


def grid(keys: Sequence[Key], sums: Sequence[tuple[int, tuple[int, ...]]]) -> Grid | None:
    """The grid of a table; None where its dimensions are no trees, or too many paths lead through them."""
    dimensions = len(keys[0])
    parents: list[dict[str, str]] = [{} for _ in range(dimensions)]
    for total, details in sums:
        for cell in details:
            differ = [axis for axis in range(dimensions) if keys[total][axis] != keys[cell][axis]]
            if len(differ) != 1:
                return None
            axis = differ[0]
            above = keys[total][axis]
            if parents[axis].setdefault(keys[cell][axis], above) != above:
                return None
    trees = [_tree(one) for one in parents]
    known = [tree for tree in trees if tree is not None]
    if len(known) < dimensions:
        return None
    longest = max(range(dimensions), key=lambda axis: (len(known[axis].codes), -axis))
    others = [axis for axis in range(dimensions) if axis != longest]
    leaves = [len(known[axis].leaves()) for axis in others]
    count = prod(one * (one + 1) // 2 for one in leaves)
    if count > _COLUMNS or count * len(known[longest].codes) > _ENTRIES:
        return None
    number = [{code: at for at, code in enumerate(tree.codes)} for tree in known]
    if any(key[axis] not in number[axis] for key in keys for axis in range(dimensions)):
        return None
    rows = np.array([number[longest][key[longest]] for key in keys], dtype=np.int64)
    columns = np.zeros(len(keys), dtype=np.int64)
    width = 1
    strides = []
    for axis in others:
        strides.append(width)
        columns += width * np.array([number[axis][key[axis]] for key in keys], dtype=np.int64)
        width *= len(known[axis].codes)
    ways = []
    for paths in product(*(known[axis].paths() for axis in others)):
        steps = {0: 1}
        for stride, path in zip(strides, paths, strict=True):
            steps = {
                at + stride * code: sign * step for at, sign in steps.items() for code, step in path.items()
            }
        ways.append(
            (
                tuple(at for at, step in steps.items() if step > 0),
                tuple(at for at, step in steps.items() if step < 0),
            )
        )
    return Grid(known[longest], rows, columns, width, tuple(ways))


def _families(tree: _Tree) -> list[tuple[Codes, Codes]]:
    """Codes that have as many details, with these (one row per code); what is above comes first."""
    children: dict[int, list[int]] = {}
    depth = [0] * len(tree.codes)
    for code, parent in enumerate(tree.above):
        if parent >= 0:
            children.setdefault(parent, []).append(code)
            depth[code] = depth[parent] + 1
    alike: dict[tuple[int, int], list[int]] = {}
    for code, below in children.items():
        alike.setdefault((depth[code], len(below)), []).append(code)
    return [
        (np.array(codes, dtype=np.int32), np.array([children[code] for code in codes], dtype=np.int32))
        for _, codes in sorted(alike.items())
    ]


@dataclass(frozen=True)
class _Down:
    """`cost`: of the cheapest way from each code to a detail, by way through the other dimensions. `best`: the next code on
    it (-1: it is a detail). `two`: per family the least cost among its details, whose it is, and the same without that."""

    cost: Singles
    best: Codes
    two: list[tuple[Singles, Codes, Singles, Codes]]


def _two_least(down: Singles, children: Codes) -> tuple[Singles, Codes, Singles, Codes]:
    least = down[children[:, 0]]
    first = np.repeat(children[:, :1], down.shape[1], axis=1)
    another = np.full_like(least, np.inf)
    second = first
    for child in children.T[1:]:
        costs = down[child]
        beats = costs < least
        close = costs < another
        second = np.where(beats, first, np.where(close, child[:, None], second))
        another = np.where(beats, least, np.minimum(another, costs))
        first = np.where(beats, child[:, None], first)
        least = np.minimum(least, costs)
    return least, first, another, second


class Boxes:
    """The cheapest boxes of a table under any prices. Speaks of cells that always have the same number as one (`merged`)."""

    def __init__(self, table: Grid, place: Sequence[int | None], room: npt.NDArray[np.float64]) -> None:
        """`place`: per cell of the grid which one it is, None where it cannot change; `room`: how far each can fall."""
        self._grid = table
        self._above = table.tree.above
        self._place = np.array([-1 if one is None else one for one in place], dtype=np.int64)
        free = self._place >= 0
        self._free, self._of = np.nonzero(free)[0], self._place[free]
        self._sizes = np.maximum(np.bincount(self._of, minlength=len(room)), 1).astype(np.float64)
        self._first = np.full(len(room), -1, dtype=np.int64)
        self._first[self._of[::-1]] = self._free[::-1]
        count, width, ways = len(table.tree.codes), table.width, len(table.ways)
        self._cell = np.full((count, width), -1, dtype=np.int64)
        self._cell[table.rows, table.columns] = self._place
        self._plus = np.zeros((width, ways), dtype=np.float32)
        self._minus = np.zeros((width, ways), dtype=np.float32)
        for way, (plus, minus) in enumerate(table.ways):
            self._plus[list(plus), way] = 1
            self._minus[list(minus), way] = 1
        self._through = [np.nonzero(self._plus[at] + self._minus[at])[0] for at in range(width)]
        self._room = room
        self._never = np.ones((count, width), dtype=np.float32)
        self._never[table.rows[free], table.columns[free]] = 0
        self._stuck: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]
        self.steps(1.0)
        self._families = _families(table.tree)
        self._own: list[Singles] = []
        self._best: list[Codes] = []
        self._partner: list[Codes] = []
        self._total: list[Singles] = []

    def steps(self, step: float, both: bool = False) -> None:
        """How far every corner of a box moves from now on; with `both`, boxes that can be moved either way only."""
        table, free = self._grid, self._free
        rising = np.zeros_like(self._never)
        rising[table.rows[free], table.columns[free]] = self._room[self._of] < step
        if both:
            stuck = (self._never + rising) @ (self._plus + self._minus) > 0
            self._stuck = (stuck, stuck)
            return
        never = self._never @ (self._plus + self._minus)
        # A way as it is, and with all its steps the other way round.
        self._stuck = (never + rising @ self._minus > 0, never + rising @ self._plus > 0)

    def price(self, prices: npt.NDArray[np.float64]) -> None:
        """What each cell costs from now on; less than nothing where it is wanted."""
        table, count = self._grid, len(self._above)
        dense = np.zeros((count, table.width), dtype=np.float32)
        # Cells that are one change together, and cost what they cost once.
        dense[table.rows[self._free], table.columns[self._free]] = (prices / self._sizes)[self._of]
        whole = dense @ (self._plus + self._minus)
        self._own = [np.where(stuck, _NEVER, whole) for stuck in self._stuck]
        downs = [self._downward(own) for own in self._own]
        self._best = [one.best for one in downs]
        self._partner, self._total = [], []
        for side in (0, 1):
            across, partner = self._across(self._own[side], downs[1 - side])
            self._partner.append(partner)
            across += downs[side].cost
            self._total.append(across)

    def _downward(self, own: Singles) -> "_Down":
        """From each code the cheapest way to a detail."""
        down = own.copy()
        best = np.full(down.shape, -1, dtype=np.int32)
        two: list[tuple[Singles, Codes, Singles, Codes]] = [()] * len(self._families)  # type: ignore[list-item]
        for number in range(len(self._families) - 1, -1, -1):
            codes, children = self._families[number]
            two[number] = _two_least(down, children)
            best[codes] = two[number][1]
            down[codes] += two[number][0]
        return _Down(down, best, two)

    def _across(self, own: Singles, other: "_Down") -> tuple[Singles, Codes]:
        """What it costs to go on from each code to the end of a path: down again beside it, or upwards; and the neighbour by
        which it goes down (-1: upwards). `other`: what it costs to go down with the steps the other way round."""
        across = np.zeros_like(own)
        partner = np.full(own.shape, -1, dtype=np.int32)
        for (codes, children), (cheapest, first, another, second) in zip(
            self._families, other.two, strict=True
        ):
            further = own[codes] + across[codes]
            for child in children.T:
                itself = first == child[:, None]
                beside = np.where(itself, another, cheapest)
                upward = further < beside
                across[child] = np.minimum(further, beside)
                partner[child] = np.where(upward, np.int32(-1), np.where(itself, second, first))
        return across, partner

    def cheapest(self, cells: Places, sign: int = 0) -> tuple[Singles, Places, Places]:
        """Per cell what its cheapest box costs (infinite: there is none), and where that is: for `move`. `sign`: 1 where the
        cell itself must rise, -1 where it must fall."""
        table, firsts = self._grid, self._first[cells]
        rows, columns = table.rows[firsts], table.columns[firsts]
        cost = np.full(len(cells), np.inf, dtype=np.float32)
        way, side = np.zeros(len(cells), dtype=np.int64), np.zeros(len(cells), dtype=np.int64)
        for column in np.unique(columns):
            mine = np.nonzero(columns == column)[0]
            for one in (0, 1):
                ways = self._through[column]
                if sign:
                    rises = (self._plus if one == 0 else self._minus)[column, ways] > 0
                    ways = ways[rises == (sign > 0)]
                if not len(ways):
                    continue
                costs = self._total[one][np.ix_(rows[mine], ways)]
                at = costs.argmin(axis=1)
                least = costs[np.arange(len(mine)), at]
                better = least < cost[mine]
                cost[mine[better]] = least[better]
                way[mine[better]] = ways[at[better]]
                side[mine[better]] = one
        cost[cost >= _NEVER / 2] = np.inf
        return cost, way, side

    def move(self, cell: int, way: int, side: int) -> Move:
        """The box through a cell: by cell its step."""
        at = int(self._grid.rows[self._first[cell]])
        here, there = self._downwards(side, at, way), list[int]()
        while at >= 0:
            partner = int(self._partner[side][at, way])
            if partner >= 0:
                there = self._downwards(1 - side, partner, way)
                break
            at = self._above[at]
            if at >= 0:
                here.append(at)
        first = -1 if side else 1
        plus, minus = self._grid.ways[way]
        return {
            int(self._cell[row, column]): step * sign
            for step, codes in ((first, here), (-first, there))
            for row in codes
            for sign, some in ((1, plus), (-1, minus))
            for column in some
        }

    def _downwards(self, side: int, at: int, way: int) -> list[int]:
        codes = []
        while at >= 0:
            codes.append(at)
            at = int(self._best[side][at, way])
        return codes
