"""Tables in a ring (a by b, b by c, a by c): what they tell because a table of all of them exists, with no number below 0.

Decides whether a pattern that holds against sums holds against that too, and what to hide besides where it does not: of the shown
cells that hold an unsafe one back, the cheapest, one after the other. Tables that form no ring tell no more than their sums do
(their hypergraph is acyclic: margins that agree always have a table), and are left alone; so are tables whose codes do not part
the same people alike. Relies on HiGHS; whole numbers are asked for where an end is not one by itself. Searches no pattern.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import inf, prod

import highspy
import numpy as np

from enclave.core.refusal import Refused
from enclave.disclosure.protection.attack import Floats, shorter, solver
from enclave.disclosure.protection.system import Merged, System
from enclave.disclosure.protection.tabular import Tabular

CELLS_AT_MOST = 50_000
"""Of the table of all dimensions, those that may hold anybody: what a programme for every unsafe cell is solved over in time."""

_TRIED = 20 * CELLS_AT_MOST
"""Combinations of codes that are looked at to find them."""

_NEAR = 1e-6


def ring(scopes: Iterable[frozenset[str]]) -> bool:
    """Whether sets of dimensions form one: what stays when dimensions of one set only, and sets within others, are dropped
    (Graham; Yu and Özsoyoğlu)."""
    left = list(dict.fromkeys(scopes))
    changed = True
    while changed:
        changed = False
        once = {name for name in frozenset[str]().union(*left) if sum(name in one for one in left) == 1}
        thinner = [one - once for one in left]
        kept = [
            one
            for place, one in enumerate(thinner)
            if not any(
                one < other or (one == other and place > at)
                for at, other in enumerate(thinner)
                if at != place
            )
        ]
        changed = kept != left
        left = kept
    return len(left) > 1


@dataclass(frozen=True)
class _Whole:
    """The table of all dimensions. `under`: per cell of the merged system the places in it that add up to the cell."""

    size: int
    under: Mapping[int, tuple[int, ...]]


def _codes(tabular: Tabular) -> list[dict[str, frozenset[str]]]:
    """Per dimension, the finest codes of each code."""
    found = []
    for axis in range(len(tabular.names)):
        below: dict[str, set[str]] = {}
        for total, details in tabular.system.sums:
            above = tabular.keys[total][axis]
            below.setdefault(above, set()).update(tabular.keys[cell][axis] for cell in details)
        finest: dict[str, frozenset[str]] = {}

        def leaves(
            code: str,
            below: Mapping[str, set[str]] = below,
            known: dict[str, frozenset[str]] = finest,
        ) -> frozenset[str]:
            if code not in known:
                parts = (leaves(one) for one in sorted(below.get(code, ())) if one != code)
                known[code] = frozenset[str]().union(*parts) or frozenset({code})
            return known[code]

        for key in tabular.keys:
            leaves(key[axis])
        found.append(finest)
    return found


def _covers(
    tabular: Tabular, finest: Sequence[Mapping[str, frozenset[str]]]
) -> list[list[dict[str, list[str]]]] | None:
    """Per table and dimension, the codes of the table that each finest code belongs to; None where one belongs to the total of a
    table and to none of its details: two tables then part the same people differently, or one leaves some out."""
    found = []
    for part in tabular.parts:
        own = []
        for axis, name in enumerate(tabular.names):
            codes = sorted({tabular.keys[cell][axis] for cell in part.cells})
            above = {
                leaf: [code for code in codes if leaf in finest[axis][code]] for leaf in _all(finest[axis])
            }
            total = next((one.total for one in part.spec.dimensions if one.name == name), None)
            if len(codes) > 1 and any(one == [total] and leaf != total for leaf, one in above.items()):
                return None
            own.append(above)
        found.append(own)
    return found


def _whole(tabular: Tabular, small: Merged) -> _Whole | None:
    """None where the codes do not fit together. Raises Refused `disclosure.ring_too_large`."""
    finest = _codes(tabular)
    covers = _covers(tabular, finest)
    if covers is None:
        return None
    cells = {key: cell for cell, key in enumerate(tabular.keys)}
    there = [frozenset(part.cells) - tabular.system.open for part in tabular.parts]
    leaves = [sorted(_all(one)) for one in finest]
    if prod(map(len, leaves)) > _TRIED:
        raise Refused("disclosure.ring_too_large", {"limit": CELLS_AT_MOST})
    places = 0
    under: dict[int, list[int]] = {}
    for leaf in product(*leaves):
        written: set[int | None] = set()
        for own, covering in zip(there, covers, strict=True):
            above = [covering[axis][code] for axis, code in enumerate(leaf)]
            keys = [cells.get(key, -1) for key in product(*above)]
            if not own.issuperset(keys):
                # The table would have a row of it, had it anybody in it.
                break
            written.update(small.place[one] for one in keys)
        else:
            for cell in sorted(one for one in written if one is not None):
                under.setdefault(cell, []).append(places)
            places += 1
            if places > CELLS_AT_MOST:
                raise Refused("disclosure.ring_too_large", {"limit": CELLS_AT_MOST})
    return _Whole(places, {cell: tuple(at) for cell, at in under.items()})


def _all(finest: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*finest.values())


class _Ends:
    """The least and the greatest of a cell over all tables of all dimensions that fit what is shown."""

    def __init__(self, system: System, whole: _Whole) -> None:
        self._system, self._whole = system, whole
        self.cells = sorted(whole.under)
        row = {cell: at for at, cell in enumerate(self.cells)}
        self._row = row
        highs = self._highs = solver()
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = whole.size, len(self.cells)
        lp.col_cost_ = lp.col_lower_ = np.zeros(whole.size)
        lp.col_upper_ = np.full(whole.size, highspy.kHighsInf)
        most = float(max((system.values[cell] for cell in self.cells), default=0))
        self._scale = shorter(most)
        true = np.array([float(system.values[cell]) for cell in self.cells]) / self._scale
        lp.row_lower_, lp.row_upper_ = true, true
        start = np.cumsum([0, *(len(whole.under[cell]) for cell in self.cells)])
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = start.astype(np.int32)
        lp.a_matrix_.index_ = np.concatenate([whole.under[cell] for cell in self.cells]).astype(np.int32)
        lp.a_matrix_.value_ = np.ones(int(start[-1]))
        highs.passModel(lp)
        self._all = np.arange(whole.size, dtype=np.int32)

    def there(self) -> bool:
        """Whether there is a table with these margins at all."""
        self._highs.run()
        return bool(self._highs.getModelStatus() == highspy.HighsModelStatus.kOptimal)

    def hide(self, cell: int) -> None:
        if cell in self._row:
            least = self._system.least[cell] / self._scale
            self._highs.changeRowBounds(self._row[cell], least, highspy.kHighsInf)

    def end(self, cell: int, sign: int) -> tuple[float, list[int]]:
        """The least (sign -1) or the greatest the cell can be (infinite: there is no end), and the cells that hold it back."""
        places = np.array(self._whole.under[cell], dtype=np.int32)
        self._highs.changeColsCost(len(places), places, np.full(len(places), -float(sign)))
        self._highs.run()
        status = self._highs.getModelStatus()
        found = self._highs.getSolution()
        values, price = np.asarray(found.col_value), np.asarray(found.row_dual)
        far = sign * inf
        if status == highspy.HighsModelStatus.kOptimal:
            if self._system.whole and np.abs(values - np.rint(values)).max(initial=0.0) > _NEAR:
                values = self._whole_numbers()
            far = float(values[places].sum()) * self._scale
        self._highs.changeColsCost(len(places), places, np.zeros(len(places)))
        return far, [self.cells[at] for at in np.nonzero(np.abs(price) > _NEAR)[0]]

    def _whole_numbers(self) -> Floats:
        count = self._whole.size
        self._highs.changeColsIntegrality(count, self._all, np.ones(count, dtype=np.uint8))
        self._highs.run()
        values = np.asarray(self._highs.getSolution().col_value)
        self._highs.changeColsIntegrality(count, self._all, np.zeros(count, dtype=np.uint8))
        return values


def _differ(tabular: Tabular) -> Refused:
    """The margins agree and no table has them: they are not of the same people."""
    first, *_, last = (part.spec.name for part in tabular.parts)
    return Refused("disclosure.tables_differ", {"place": first, "other": last})


def against_rings(
    tabular: Tabular, small: Merged, hidden: frozenset[int], left: Callable[[], float]
) -> frozenset[int]:
    """The pattern with all that it lacks against those who know that a table of all dimensions exists; cells of the merged
    system. The same pattern where the tables form no ring, or tell nothing by it.

    Raises Refused `disclosure.no_safe_pattern`, `disclosure.out_of_time`, `disclosure.ring_too_large`, and
    `disclosure.tables_differ` where no table of all dimensions has these margins.
    """
    scopes = [
        frozenset(one.name for one in part.spec.dimensions) | {name for name, _ in part.spec.within}
        for part in tabular.parts
    ]
    if not ring(scopes):
        return hidden
    whole = _whole(tabular, small)
    if whole is None:
        return hidden
    if not whole.size:
        raise _differ(tabular)
    system, ends = small.system, _Ends(small.system, whole)
    known = set(hidden)
    if not ends.there():
        raise _differ(tabular)
    for cell in sorted(known):
        ends.hide(cell)
    for cell, need in system.needs.items():
        while cell in whole.under:
            if left() <= 0:
                raise Refused("disclosure.out_of_time")
            (low, below), (high, above) = ends.end(cell, -1), ends.end(cell, 1)
            true = system.values[cell]
            # What a programme does not see, and never as much as is asked for.
            slack = _NEAR * min(max(1.0, float(true)), max(1.0, float(max(need.down, need.up, need.slide))))
            if (
                low <= true - float(need.down) + slack
                and high >= true + float(need.up) - slack
                and high - low >= float(need.slide) - slack
            ):
                break
            holding = [one for one in {*below, *above} if one not in known]
            if not holding:
                raise Refused("disclosure.no_safe_pattern")
            cheapest = min(holding, key=lambda one: (system.costs[one], one))
            known.add(cheapest)
            ends.hide(cheapest)
    return frozenset(known)
