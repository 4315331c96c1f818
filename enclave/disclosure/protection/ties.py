"""Fewer numbers that say as much: hidden cells of which one gives the other are one.

Decides, for a set of hidden cells, which of them an attacker knows outright once all else is shown (a sum with one hidden
cell), and which always change together or against each other (a sum with two). What is left is as small as the question
allows, and loses nothing: every change of the hidden cells that keeps every sum is one of the heads, and the other way
round. Whole numbers throughout. Relies on `system`, and on `attack` for the form of a programme.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

import highspy
import numpy as np
import numpy.typing as npt

from enclave.disclosure.protection.attack import Floats, linear
from enclave.disclosure.protection.system import System


@dataclass(frozen=True)
class Ties:
    """`cells`: those that may change. `place`, `sign`: per cell of these its head and whether it changes with (1) or against
    (-1) it; place -1: it cannot change. `rows`: (heads, coefficients) that add up to 0. `least`, `most`: by head, how far
    it can change down (not above 0) and up (infinite where nothing holds it); `ends`: the same in exact numbers, None where nothing holds it."""

    cells: tuple[int, ...]
    place: npt.NDArray[np.int32]
    sign: npt.NDArray[np.int32]
    rows: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    least: Floats
    most: Floats
    ends: tuple[tuple[int | None, int | None], ...]

    def __len__(self) -> int:
        return len(self.least)

    def longest(self) -> int:
        """The furthest that anything can change to where something holds it."""
        return max((abs(end) for pair in self.ends for end in pair if end is not None), default=0)

    def programme(self, both: bool, scale: float = 1.0) -> highspy.HighsLp:
        """The heads as columns; with `both`, first what they rise and then what they fall, each not below 0. `scale`: how many
        units a step of the programme is."""
        lp = linear(len(self), self.rows, both)
        least, most = self.least / scale, self.most / scale
        lp.col_lower_ = np.zeros(2 * len(self)) if both else least
        lp.col_upper_ = np.concatenate([most, -least]) if both else most
        return lp


class _Tying:
    """Rows that shrink while cells are put together."""

    def __init__(self, system: System, cells: tuple[int, ...]) -> None:
        place = {cell: at for at, cell in enumerate(cells)}
        self.rows: list[dict[int, int]] = []
        self.parent = list(range(len(cells)))
        self.sign = [1] * len(cells)
        self.fixed = [False] * len(cells)
        self.of: list[set[int]] = [set() for _ in cells]
        for total, details in system.sums:
            row = {place[cell]: -1 for cell in details if cell in place}
            if total in place:
                row[place[total]] = 1
            if row:
                for at in row:
                    self.of[at].add(len(self.rows))
                self.rows.append(row)
        self._short = [number for number, row in enumerate(self.rows) if len(row) <= 2]

    def tie(self) -> None:
        while True:
            while self._short:
                row = self.rows[self._short.pop()]
                if len(row) == 1:
                    self._fix(next(iter(row)))
                elif len(row) == 2:
                    (one, a), (other, b) = sorted(row.items())
                    if abs(a) == abs(b):
                        self._join(one, other, -1 if a == b else 1)
            if not self._same():
                return

    def _fix(self, at: int) -> None:
        self.fixed[at] = True
        for number in self.of[at]:
            del self.rows[number][at]
            self._shorter(number)
        self.of[at] = set()

    def _shorter(self, number: int) -> None:
        if 0 < len(self.rows[number]) <= 2:
            self._short.append(number)

    def _join(self, one: int, other: int, sign: int) -> None:
        """`other` changes as `sign` times `one` does, or the other way round."""
        if len(self.of[one]) < len(self.of[other]):
            one, other = other, one
        self.parent[other], self.sign[other] = one, sign
        for number in self.of[other]:
            row = self.rows[number]
            now = row.get(one, 0) + sign * row.pop(other)
            if now:
                row[one] = now
                self.of[one].add(number)
            elif one in row:
                del row[one]
                self.of[one].discard(number)
            self._shorter(number)
        self.of[other] = set()

    def _same(self) -> bool:
        """Leaves out rows that say the same; where two differ in one cell only, these are tied. Whether anything was."""
        seen: dict[tuple[tuple[int, int], ...], int] = {}
        for number, row in enumerate(self.rows):
            if not row:
                continue
            items = tuple(sorted(row.items()))
            if items[0][1] < 0:
                items = tuple((at, -value) for at, value in items)
            if seen.setdefault(items, number) != number:
                for at in row:
                    self.of[at].discard(number)
                self.rows[number] = {}
        return bool(self._short)

    def head(self, at: int) -> tuple[int, int]:
        sign = 1
        while self.parent[at] != at:
            sign *= self.sign[at]
            at = self.parent[at]
        return at, sign


def tied(system: System, hidden: Iterable[int]) -> Ties:
    """The hidden cells with all others shown."""
    cells = tuple(sorted(hidden))
    tying = _Tying(system, cells)
    tying.tie()
    found = [tying.head(at) for at in range(len(cells))]
    number = {head: 0 for head, _ in found if not tying.fixed[head]}
    number = {head: at for at, head in enumerate(sorted(number))}
    place = np.array([number.get(head, -1) for head, _ in found], dtype=np.int32)
    sign = np.array([one for _, one in found], dtype=np.int32)
    least: list[int | float] = [-inf] * len(number)
    most: list[int | float] = [inf] * len(number)
    for at, cell in enumerate(cells):
        head = int(place[at])
        if head < 0:
            continue
        room = system.values[cell] - system.least[cell]
        if sign[at] > 0:
            least[head] = max(least[head], -room)
        else:
            most[head] = min(most[head], room)
    rows = tuple(
        (tuple(number[at] for at in sorted(row)), tuple(row[at] for at in sorted(row)))
        for row in tying.rows
        if row
    )
    ends = tuple(
        (None if low == -inf else int(low), None if high == inf else int(high))
        for low, high in zip(least, most, strict=True)
    )
    lows, highs = (np.array([float(one) for one in side], dtype=np.float64) for side in (least, most))
    return Ties(cells, place, sign, rows, lows, highs, ends)
