"""What an attacker can reach: one linear programme per question over the hidden cells of a system, kept warm (HiGHS).

Decides nothing. `Attack.reach` says how far a cell can be moved when each cell is free to the degree that a pattern gives
it, and which cells hold it back (a cut: a linear inequality that every safe pattern satisfies); `Repair.cheapest` finds
the move that asks for the cheapest further cells. Relies on HiGHS for speed, never for truth: what is published rests on
exact certificates.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, log2

import highspy
import numpy as np
import numpy.typing as npt

from enclave.disclosure.protection.system import Need, System

Floats = npt.NDArray[np.float64]

NEAR = 1e-7

_LARGE, _SHORT = 2.0**32, 2.0**20
"""Above the first, numbers are too long for a programme that must tell single units from nothing, and the other way round: it is
asked in larger units then, in which the longest is the second."""

_FAR = 1e6
"""How many times its step the cheapest move of a cell may change another, where numbers are that long."""


@dataclass(frozen=True)
class Cut:
    """sum(weight * degree[cell]) >= 1 for every safe pattern (`cells` are not unsafe themselves)."""

    cells: npt.NDArray[np.int32]
    weights: Floats

    def broken(self, degree: Floats) -> bool:
        return float(self.weights @ degree[self.cells]) < 1 - 1e-6


def shorter(longest: float) -> float:
    """By what to divide numbers up to `longest` for a programme: powers of two, or sums would be rounded differently and have no
    table at all."""
    return 2.0 ** ceil(log2(longest / _SHORT)) if longest > _LARGE else 1.0


def solver() -> highspy.Highs:
    """A HiGHS that gives the same answer to the same questions in the same order."""
    highs = highspy.Highs()
    for name, value in {"output_flag": False, "threads": 1, "random_seed": 1, "parallel": "off"}.items():
        highs.setOptionValue(name, value)
    return highs


Row = tuple[Sequence[int], Sequence[int]]
"""Columns and coefficients that add up to 0."""


def linear(columns: int, rows: Iterable[Row], both: bool) -> highspy.HighsLp:
    """Changes that keep every row. With `both`, first what each column rises and then what it falls; the bounds of the columns
    are the caller's to set."""
    start, index, value = [0], list[int](), list[float]()
    for places, coefficients in rows:
        index += places
        value += coefficients
        if both:
            index += [columns + place for place in places]
            value += [-one for one in coefficients]
        start.append(len(index))
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = columns * (1 + both), len(start) - 1
    lp.col_cost_ = lp.col_lower_ = lp.col_upper_ = np.zeros(columns * (1 + both))
    lp.row_lower_ = lp.row_upper_ = np.zeros(len(start) - 1)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.array(start, dtype=np.int32)
    lp.a_matrix_.index_ = np.array(index, dtype=np.int32)
    lp.a_matrix_.value_ = np.array(value, dtype=np.float64)
    return lp


def programme(system: System, both: bool) -> highspy.HighsLp:
    """A column per cell: a change of a total is the sum of the changes of its details."""
    rows = (((total, *details), (1, *([-1] * len(details)))) for total, details in system.sums)
    return linear(len(system), rows, both)


class Witnesses:
    """Who sees through a move: insiders who know that a cell which it changes has not changed."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._of: dict[int, list[int]] = {}
        for number, one in enumerate(system.insiders):
            for cell in one.known:
                self._of.setdefault(cell, []).append(number)

    def of(self, cell: int, touched: Iterable[int]) -> list[tuple[Need, frozenset[int]]]:
        """For a move of `cell` that changes `touched`: what the cell needs against each of them, and the cells they know."""
        numbers = sorted({number for one in touched for number in self._of.get(one, ())})
        known = (self._system.insiders[number] for number in numbers)
        return [
            (need, one.known) for one in known if (need := one.asks(cell, self._system.needs)) is not None
        ]


@dataclass(frozen=True)
class Reach:
    """`far`: parts of the step; `move`: of every cell; `gain`: per cell what a whole degree of freedom of it adds (0 and more);
    `own`: what is reached without any of them."""

    far: float
    move: Floats
    gain: Floats
    own: float


class Attack:
    """How far single cells can be moved. Steps are in parts of what the cell in question needs."""

    def __init__(self, system: System, span: float) -> None:
        """`span`: how many times the step of the cell in question another cell may be moved."""
        self.system = system
        self.span = span
        self.solved = 0
        self.room = np.array(
            [v - low for v, low in zip(system.values, system.least, strict=True)], dtype=float
        )
        self.unsafe = np.zeros(len(system), dtype=bool)
        self.unsafe[list(system.needs)] = True
        self._columns = np.arange(len(system), dtype=np.int32)
        self._highs = solver()
        self._highs.setOptionValue("presolve", "off")
        self._highs.passModel(programme(system, both=False))

    def reach(self, cell: int, sign: int, step: float, degree: Floats) -> Reach:
        """How far `cell` can be moved in the direction `sign`, in parts of `step` and at most 1.

        A cell that is free in part may move by that part of the step only, or an eighth of freedom would pass for all of it
        where `span` is 8; what it gains is told for the whole of its span, so that the cut holds for every pattern.
        """
        span = np.where(degree > 1 - NEAR, self.span, min(1.0, self.span))
        down, up = np.minimum(self.room / step, span), span
        lower, upper = -down * degree, up * degree
        # The cell itself has one direction: the other would let it lie on both sides of the truth.
        lower[cell], upper[cell] = (0.0, 1.0) if sign > 0 else (-min(1.0, down[cell]), 0.0)
        highs = self._highs
        highs.changeColsBounds(len(lower), self._columns, lower, upper)
        highs.changeColCost(cell, -float(sign))
        highs.run()
        self.solved += 1
        found = highs.getSolution()
        highs.changeColCost(cell, 0.0)
        move = np.asarray(found.col_value)
        price = -np.asarray(found.col_dual)
        rising, falling = np.maximum(price, 0.0), np.maximum(-price, 0.0)
        rising[cell] = falling[cell] = 0.0
        far = float(sign * move[cell])
        own = far - float((rising * up + falling * down) @ degree)
        rising[rising < 1e-9], falling[falling < 1e-9] = 0.0, 0.0
        gain = rising * self.span + falling * np.minimum(self.room / step, self.span)
        return Reach(far, move, gain, own)

    def cut(self, gain: Floats, wanted: float = 1.0) -> Cut | None:
        """What every safe pattern satisfies, given that the gains of all hidden cells together must be `wanted`."""
        lacking = wanted - float(gain[self.unsafe].sum())
        if lacking <= 1e-6 * wanted:
            return None
        weights = np.minimum(gain, lacking) / lacking
        weights[self.unsafe] = 0.0
        cells = np.nonzero(weights > NEAR)[0].astype(np.int32)
        return Cut(cells, weights[cells]) if len(cells) else None

    def degrees(self, step: float, move: Floats) -> tuple[npt.NDArray[np.int32], Floats]:
        """The cells that a move touches, and the least degree of freedom of each that still allows it, as `reach` sees it."""
        cells = np.nonzero(np.abs(move) > NEAR)[0].astype(np.int32)
        steps, most = move[cells], min(1.0, self.span)
        room = self.room[cells] / step
        part = np.where(steps > 0, steps / most, -steps / np.maximum(np.minimum(room, most), NEAR))
        whole = np.where(steps > 0, steps, -steps) <= np.where(steps > 0, self.span, room) + NEAR
        # Whole freedom allows all of the span; nothing allows more than there is.
        return cells, np.where((part > 1) & whole, 1.0, part)


class Repair:
    """The cheapest move of a cell: a change is up - down, each paid by the step."""

    def __init__(self, system: System, both_ways: bool) -> None:
        """`both_ways`: only moves that can be made in both directions."""
        self.system = system
        size = len(system)
        self.room = np.array(
            [v - low for v, low in zip(system.values, system.least, strict=True)], dtype=float
        )
        self._size = size
        self._both = both_ways
        self._upper = np.concatenate(
            [self.room if both_ways else np.full(size, highspy.kHighsInf), self.room]
        )
        self._costs = np.zeros(2 * size)
        self._highs = solver()
        self._highs.setOptionValue("presolve", "off")
        self._highs.passModel(programme(system, both=True))
        self._places = np.arange(2 * size, dtype=np.int32)
        self._large = shorter(float(self.room.max(initial=0.0))) != 1
        self._highs.changeColsBounds(2 * size, self._places, np.zeros(2 * size), self._upper)

    def cheapest(
        self, cell: int, step: float, costs: Floats, still: frozenset[int] = frozenset()
    ) -> Floats | None:
        """Per cell its change, for the move that changes `cell` by `step` and none of `still`; None where there is none.

        `costs` are paid for a change as large as the step, and in proportion.
        """
        size, highs = self._size, self._highs
        if self._large:
            costs = costs * (_FAR / max(float(costs.max(initial=0.0)), 1.0))
        both = np.concatenate([costs, costs])
        other = np.nonzero(both != self._costs)[0].astype(np.int32)
        if len(other):
            highs.changeColsCost(len(other), other, both[other])
            self._costs = both
        rise, fall = (cell, size + cell) if step > 0 else (size + cell, cell)
        if abs(step) > self._upper[rise]:
            return None
        # Long numbers: everything in parts of the step.
        unit, upper = 1.0, self._upper
        if self._large:
            unit, upper = abs(step), np.minimum(self._upper / abs(step), _FAR)
            highs.changeColsBounds(2 * size, self._places, np.zeros(2 * size), upper)
        kept = np.array([place for one in sorted(still) for place in (one, size + one)], dtype=np.int32)
        if len(kept):
            highs.changeColsBounds(len(kept), kept, np.zeros(len(kept)), np.zeros(len(kept)))
        highs.changeColBounds(rise, abs(step) / unit, abs(step) / unit)
        highs.changeColBounds(fall, 0.0, 0.0)
        highs.run()
        move: Floats | None = None
        if highs.getModelStatus() == highspy.HighsModelStatus.kOptimal:
            values = np.asarray(highs.getSolution().col_value)
            move = values[:size] - values[size:]
            move[np.abs(move) < NEAR * max(1.0, abs(step) / unit)] = 0.0
            move *= unit
        highs.changeColBounds(rise, 0.0, upper[rise])
        highs.changeColBounds(fall, 0.0, upper[fall])
        if len(kept):
            highs.changeColsBounds(len(kept), kept, np.zeros(len(kept)), upper[kept])
        return move
