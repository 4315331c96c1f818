"""The audit of sums of which a rule about contributions speaks. Shares no code with the search (`answers.given`, `answers.widths`).

Decides, from the table alone: whether every cell is hidden that such a rule finds unsafe; whether no hidden cells under a shown
total are together a sum that few may dominate; and whether every unsafe sum can lie as far above and below its value as its rule
asks, for somebody who knows all that is shown, all totals that could be asked for, and that what only adds is at least nothing.
Exact arithmetic, but for the last: linear programmes in the unit of what is asked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

import highspy
import numpy as np

from enclave.disclosure.answers.table import Contribution, Table
from enclave.disclosure.criteria.cell_rules import lacking
from enclave.disclosure.criteria.evidence import CellEvidence, Statistic
from enclave.disclosure.criteria.rules import Rules
from enclave.disclosure.proof.interval import Claim, Keys, detailed, families

_NEARLY = 1 - 1e-5
"""Of what is asked, as much as programmes in floating point can say."""

_FARTHEST = 1e7

Families = Mapping[tuple[Keys, tuple[int, ...]], Sequence[Keys]]


@dataclass(frozen=True)
class _Sum:
    """One number over all cells. `lacks` per cell, per rule; None is what nobody can say."""

    given: Mapping[Keys, Contribution]
    lacks: Mapping[Keys, tuple[Fraction | None, ...]]

    @property
    def unsafe(self) -> list[Keys]:
        return [keys for keys, found in self.lacks.items() if any(lack is None or lack > 0 for lack in found)]

    def need(self, keys: Keys) -> Fraction:
        return max((lack for lack in self.lacks[keys] if lack is not None), default=Fraction(0))

    @property
    def sign(self) -> int:
        """1 where nobody takes away, -1 where nobody adds, 0 where some do this and some that."""
        if all(one.sum == one.total for one in self.given.values()):
            return 1
        return -1 if all(one.sum == -one.total for one in self.given.values()) else 0


def wide_enough(table: Table, claim: Claim, rules: Rules, elsewhere: frozenset[Keys]) -> bool:
    """Whether the hidden numbers of `table` keep the rules about contributions. True where nobody counted contributions.

    `elsewhere`: totals nobody asked for that are hidden for some number of the question; another number of them is known where
    rules allow it.
    """
    if table.contributions is None:
        return True
    asked = {row.keys for row in table.rows}
    groupings = {
        kept
        for dims in {detailed(keys) for keys in asked}
        for size in range(len(dims) + 1)
        for kept in combinations(dims, size)
    }
    cells = {keys: found for keys, found in table.contributions.cells if detailed(keys) in groupings}
    if any(row.total_persons and row.keys not in cells for row in table.rows):
        return False
    sums_of = families(dict.fromkeys(cells, ()), groupings)
    for place, series in enumerate(table.contributions.series):
        given = {keys: found[place] for keys, found in cells.items()}
        one = _Sum(given, {keys: _lacks(found, rules) for keys, found in given.items()})
        unsafe = one.unsafe
        if any(keys in asked and keys not in claim.hidden for keys in unsafe):
            return False
        if not series.adds or not (unsafe or series.whole):
            continue
        few = {keys for keys, found in given.items() if 0 < found.persons < rules.n}
        secret = claim.hidden | (claim.unknown - (elsewhere - set(unsafe) - few))
        if not _no_dominated_group(one, sums_of, secret):
            return False
        if not _far_enough(one, sums_of, secret, [keys for keys in unsafe if keys in asked]):
            return False
    return True


def _lacks(one: Contribution, rules: Rules) -> tuple[Fraction | None, ...]:
    cell = CellEvidence(
        one.persons, Statistic.SUM, total=one.total, contributions=one.largest, contributors=one.persons
    )
    return tuple(lack for _, _, lack in lacking(cell, rules))


def _no_dominated_group(one: _Sum, sums_of: Families, secret: frozenset[Keys]) -> bool:
    for (parent, _), details in sums_of.items():
        inside = [keys for keys in details if keys in secret and one.given[keys].persons]
        if parent in secret or not inside:
            continue
        if len(inside) == sum(one.given[keys].persons > 0 for keys in details):
            # All of it: the total, which is shown and was looked at.
            continue
        everything = sum((one.given[keys].total for keys in details), Fraction(0))
        hidden = [one.given[keys] for keys in inside]
        cancelled = min(
            everything - one.given[parent].total,
            sum((found.total for found in hidden), Fraction(0))
            - abs(sum((found.sum for found in hidden), Fraction(0))),
        )
        for lacks in zip(*(one.lacks[keys] for keys in inside), strict=True):
            if sum((lack or Fraction(0) for lack in lacks), max(cancelled, Fraction(0))) > 0:
                return False
    return True


def _far_enough(one: _Sum, sums_of: Families, secret: frozenset[Keys], unsafe: Iterable[Keys]) -> bool:
    wanted = [keys for keys in unsafe if one.need(keys) > 0]
    if not wanted:
        return True
    unknown = [keys for keys in one.given if keys in secret and one.given[keys].persons]
    programme = _Programme(one, sums_of, unknown)
    return all(programme.reaches(keys, sign) for keys in wanted for sign in (1, -1))


class _Programme:
    """How far one number after another can lie from its value: one unknown for each secret number, its distance."""

    def __init__(self, one: _Sum, sums_of: Families, unknown: Sequence[Keys]) -> None:
        self._one, self._place = one, {keys: place for place, keys in enumerate(unknown)}
        self._highs = highspy.Highs()
        for name, setting in {"output_flag": False, "threads": 1}.items():
            self._highs.setOptionValue(name, setting)
        start, index, value = [0], list[int](), list[float]()
        for (parent, _), details in sums_of.items():
            signed = [(parent, -1.0), *((keys, 1.0) for keys in details)]
            row = [(self._place[keys], sign) for keys, sign in signed if keys in self._place]
            if row:
                index += [place for place, _ in row]
                value += [sign for _, sign in row]
                start.append(len(index))
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(unknown), len(start) - 1
        lp.col_cost_ = np.zeros(len(unknown))
        lp.col_lower_ = np.full(len(unknown), -_FARTHEST)
        lp.col_upper_ = np.full(len(unknown), _FARTHEST)
        lp.row_lower_ = lp.row_upper_ = np.zeros(len(start) - 1)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.array(start)
        lp.a_matrix_.index_ = np.array(index, dtype=np.int32)
        lp.a_matrix_.value_ = np.array(value)
        self._highs.passModel(lp)
        sums = np.array([float(one.given[keys].sum) for keys in unknown])
        endless = np.full(len(unknown), np.inf)
        self._down = sums if one.sign > 0 else endless
        self._up = -sums if one.sign < 0 else endless

    def reaches(self, keys: Keys, sign: int) -> bool:
        """Whether the number can lie as far up (1) or down (-1) as is asked, or as far as everybody knows that it can at most."""
        at, size = self._place[keys], len(self._place)
        need = self._one.need(keys)
        if sign == (-1 if self._one.sign > 0 else 1) and self._one.sign:
            need = min(need, abs(self._one.given[keys].sum))
        if need == 0:
            return True
        unit, places = float(need), np.arange(size, dtype=np.int32)
        lower = -np.minimum(self._down / unit, _FARTHEST)
        upper = np.minimum(self._up / unit, _FARTHEST)
        lower[at], upper[at] = max(lower[at], -2.0), min(upper[at], 2.0)
        self._highs.changeColsBounds(size, places, lower, upper)
        self._highs.changeColCost(at, float(-sign))
        self._highs.run()
        found = self._highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        far = sign * float(self._highs.getSolution().col_value[at]) if found else 0.0
        self._highs.changeColCost(at, 0.0)
        return far >= _NEARLY
