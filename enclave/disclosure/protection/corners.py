"""The corner of a programme in exact numbers, from the basis in which a solver left it.

Decides, where the numbers of a solution are too long or too odd to be read off its floats, what they are: a cell outside the basis
lies at one of its ends, which are whole numbers, and the sums give the others, by substitution and then by elimination in
fractions. Does not say that the corner keeps what everybody knows: whoever asks checks that. Relies on HiGHS for the basis only.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction

import highspy

Rows = Sequence[tuple[Sequence[int], Sequence[int]]]
"""(columns, coefficients) that add up to 0."""

Ends = Sequence[tuple[int | None, int | None]]
"""The least and the greatest of each column, None where there is no end."""

_ELIMINATED = 150
"""Columns that no substitution gives; elimination in fractions takes their third power."""


def corner(highs: highspy.Highs, rows: Rows, ends: Ends) -> list[Fraction] | None:
    """The value of each column where `highs` ended; None where its basis does not say, or would take too long to."""
    status = highs.getBasis().col_status
    if len(status) != len(ends):
        return None
    known: dict[int, Fraction] = {}
    basic = highspy.HighsBasisStatus.kBasic
    for column, (where, (least, most)) in enumerate(zip(status, ends, strict=True)):
        if where != basic:
            end = most if where == highspy.HighsBasisStatus.kUpper else least
            known[column] = Fraction(0 if end is None else end)
    return _solved(rows, known, len(ends))


def _solved(rows: Rows, known: dict[int, Fraction], columns: int) -> list[Fraction] | None:
    left = [{one for one in row if one not in known} for row, _ in rows]
    of: dict[int, list[int]] = {}
    for number, open_ in enumerate(left):
        for one in open_:
            of.setdefault(one, []).append(number)
    waiting = [number for number, open_ in enumerate(left) if len(open_) == 1]
    while waiting:
        number = waiting.pop()
        if len(left[number]) != 1:
            continue
        (column,) = left[number]
        at = dict(zip(*rows[number], strict=True))
        known[column] = -_sum(at, known, column) / at[column]
        for other in of[column]:
            left[other].discard(column)
            if len(left[other]) == 1:
                waiting.append(other)
    rest = sorted({one for open_ in left for one in open_})
    if len(rest) > _ELIMINATED or not _eliminated(rows, known, left, rest):
        return None
    return [known.get(column, Fraction(0)) for column in range(columns)]


def _sum(at: Mapping[int, int], known: Mapping[int, Fraction], without: int = -1) -> Fraction:
    return sum(
        (times * known[one] for one, times in at.items() if one != without and one in known), Fraction(0)
    )


def _eliminated(
    rows: Rows, known: dict[int, Fraction], left: Sequence[set[int]], rest: Sequence[int]
) -> bool:
    """Adds what is left to `known`; False where the rows do not decide it."""
    lines = []
    for (columns, times), open_ in zip(rows, left, strict=True):
        if open_:
            at = dict(zip(columns, times, strict=True))
            lines.append(({one: Fraction(at[one]) for one in open_}, -_sum(at, known)))
    done: list[tuple[int, dict[int, Fraction], Fraction]] = []
    for column in rest:
        place = next((place for place, (line, _) in enumerate(lines) if line.get(column)), None)
        if place is None:
            return False
        line, value = lines.pop(place)
        for number, (other, own) in enumerate(lines):
            if factor := other.get(column, Fraction(0)) / line[column]:
                changed = {
                    one: found
                    for one in {*other, *line}
                    if (found := other.get(one, Fraction(0)) - factor * line.get(one, Fraction(0)))
                }
                lines[number] = changed, own - factor * value
        done.append((column, line, value))
    for column, line, value in reversed(done):
        known[column] = (value - sum(line[one] * known[one] for one in line if one != column)) / line[column]
    return True
