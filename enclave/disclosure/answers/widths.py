"""How far a hidden sum may lie from its value, for all that is known: far enough for the rule that hid it, or more hides.

Decides, with linear programmes (HiGHS), whether there are other numbers in the hidden cells so that every sum stays and one of them
is as far above its value, or below, as its rule asks; and which further cells would have to hide for that at the least cost.
Numbers that everybody knows to be at least nothing stay so. Nothing lies further below than that. Relies on `given` for needs;
`proof.widths` looks again with code of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import highspy
import numpy as np

from enclave.disclosure.answers.given import Magnitude
from enclave.disclosure.answers.moves import Budget

Wish = tuple[int, int, int]
"""(magnitude, cell, direction 1 or -1): a number that has to be able to lie further up, or down."""

_LEAST = 1e-6
"""Of what is asked: a smaller change is none, and nothing is missing where so much is."""

_FARTHEST = 1e6
"""Times what is asked: no number has to lie further away for another's sake."""

_FREE = 1e-3
"""What a change of a hidden cell costs, in what is asked; of a cell that would have to hide, its persons."""


@dataclass(frozen=True)
class Change:
    """Other numbers of one magnitude that fit: by cell how far they lie from the true ones."""

    magnitude: int
    by: Mapping[int, float]


def wishes(magnitudes: Sequence[Magnitude], cells: Iterable[int]) -> list[Wish]:
    """What the rules ask of these cells where they are hidden."""
    asked = list(cells)
    return [
        (number, cell, sign)
        for number, one in enumerate(magnitudes)
        for cell in asked
        for sign in (1, -1)
        if far(one, cell, sign) > 0
    ]


def far(one: Magnitude, cell: int, sign: int) -> Fraction:
    """How far a number must be able to lie above (1) or below (-1) its value; as far as it can for what everybody knows."""
    end = one.upper(cell) if sign > 0 else one.lower(cell)
    return one.needs[cell] if end is None else min(one.needs[cell], end)


class Widths:
    """The programmes over some cells of a table and their sums, and the changes found so far."""

    def __init__(
        self, magnitudes: Sequence[Magnitude], sums: Sequence[tuple[int, Sequence[int]]], budget: Budget
    ) -> None:
        self._magnitudes, self._sums, self._budget = magnitudes, sums, budget
        self._found: list[Change] = []
        self._programmes: dict[tuple[int, frozenset[int]], _Programme] = {}

    def missing(self, cells: Iterable[int], hidden: set[int]) -> list[Wish]:
        """What is asked of these hidden cells and no change among hidden cells that was found so far gives."""
        asked = wishes(self._magnitudes, cells)
        if not asked:
            return []
        holding = [one for one in self._found if hidden.issuperset(one.by)]
        return [wish for wish in asked if not any(self._gives(one, wish) for one in holding)]

    def _gives(self, one: Change, wish: Wish) -> bool:
        number, cell, sign = wish
        if one.magnitude != number or cell not in one.by or one.by[cell] * sign <= 0:
            return False
        magnitude = self._magnitudes[number]
        times = float(far(magnitude, cell, sign)) / abs(one.by[cell])
        if times <= 1 + _LEAST:
            return True
        for other, step in one.by.items():
            end = magnitude.upper(other) if step > 0 else magnitude.lower(other)
            if end is not None and times * abs(step) > float(end):
                return False
        return True

    def search(self, wish: Wish, hidden: set[int], helpers: Mapping[int, float]) -> Change | None:
        """The cheapest change that gives what is asked, of hidden cells and of `helpers` at their price; None where there is none.

        Raises Refused `disclosure.no_safe_pattern` (`why`: time) when the budget is spent.
        """
        number = wish[0]
        allowed = frozenset(hidden | helpers.keys())
        key = (number, allowed)
        if key not in self._programmes:
            # Of another set of cells nothing is asked any more soon.
            self._programmes.clear()
            self._programmes[key] = _Programme(self._magnitudes[number], self._sums, sorted(allowed))
        found = self._programmes[key].solve(wish, helpers, self._budget)
        if found is None:
            return None
        change = Change(number, found)
        self._found.append(change)
        return change


class _Programme:
    """Changes of the cells of one magnitude, up - down, both at least 0, that keep every sum."""

    def __init__(
        self, one: Magnitude, sums: Sequence[tuple[int, Sequence[int]]], cells: Sequence[int]
    ) -> None:
        self._one = one
        self._cells = [cell for cell in cells if not one.fixed[cell]]
        self._place = {cell: place for place, cell in enumerate(self._cells)}
        self._size = len(self._cells)
        start, index, value = [0], list[int](), list[float]()
        for total, details in sums:
            terms = [(self._place.get(total), 1.0), *((self._place.get(cell), -1.0) for cell in details)]
            for place, sign in terms:
                if place is not None:
                    index += [place, self._size + place]
                    value += [sign, -sign]
            if len(index) > start[-1]:
                start.append(len(index))
        size, rows = 2 * self._size, len(start) - 1
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = size, rows
        lp.col_cost_ = np.zeros(size)
        lp.col_lower_, lp.col_upper_ = np.zeros(size), np.full(size, _FARTHEST)
        lp.row_lower_, lp.row_upper_ = np.zeros(rows), np.zeros(rows)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.array(start)
        lp.a_matrix_.index_ = np.array(index, dtype=np.int32)
        lp.a_matrix_.value_ = np.array(value)
        self._highs = highspy.Highs()
        for name, setting in {
            "output_flag": False, "threads": 1, "random_seed": 1, "parallel": "off", "presolve": "off", "solver": "simplex",
        }.items():  # fmt: skip
            self._highs.setOptionValue(name, setting)
        self._highs.passModel(lp)
        self._up = np.array([_end(one.upper(cell)) for cell in self._cells])
        self._down = np.array([_end(one.lower(cell)) for cell in self._cells])

    def solve(self, wish: Wish, prices: Mapping[int, float], budget: Budget) -> dict[int, float] | None:
        _, cell, sign = wish
        place = self._place.get(cell)
        if place is None:
            return None
        unit, size = float(far(self._one, cell, sign)), 2 * self._size
        every = np.arange(size, dtype=np.int32)
        ends = np.concatenate([self._up, self._down])
        upper = np.minimum(ends / unit, _FARTHEST)
        lower = np.zeros(size)
        wanted, other = (place, self._size + place) if sign > 0 else (self._size + place, place)
        lower[wanted] = upper[wanted] = 1.0
        upper[other] = 0.0
        cost = np.array([prices.get(one, _FREE) for one in self._cells])
        self._highs.changeColsBounds(size, every, lower, upper)
        self._highs.changeColsCost(size, every, np.concatenate([cost, cost]))
        before = self._highs.getRunTime()
        self._highs.setOptionValue("time_limit", before + max(budget.left, 0.01))
        self._highs.run()
        budget.spend(self._highs.getRunTime() - before)
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        values = np.asarray(self._highs.getSolution().col_value)
        change = values[: self._size] - values[self._size :]
        return {
            one: float(step) * unit
            for one, step in zip(self._cells, change, strict=True)
            if abs(step) > _LEAST
        }


def _end(end: Fraction | None) -> float:
    return highspy.kHighsInf if end is None else float(end)
