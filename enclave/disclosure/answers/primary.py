"""Primary suppression: which rows a rule finds unsafe by themselves.

Decides, per row, from evidence alone (the numbers of persons, never the values). Relies on `Rules`. Does not look
at other rows: that is `secondary`.

A row hides as one: when one of its numbers is unsafe every number of it that somebody stands behind is hidden.
Count and percentage, count and mean and sum, each pair gives the third, so hiding only the unsafe one hides nothing.
A number that nobody stands behind stays shown where the rule set says `zero: shown`.

What is compared with the threshold
 1. each measure's own persons, and the row's;
 2. what is left by subtraction within the row: a COUNT against the row's persons (everyone not counted), and two
    measures of the same sort against each other: count and count (one filter may lie inside the other), sum or mean
    and sum or mean of the same expression (with the counts beside them a mean is a sum). `Measure.of` tells measures
    apart that cannot be subtracted; where it is None they are compared. A count of records whose rest is a group of its own
    (`Measure.rest`) is compared with neither.
 3. what others found to be left over between the row and rows inside it or around it (`Row.beside`).
Exempt from 2: a SUM or MEAN against the row's persons: those left over have no value (null or filtered out), so
there is nothing to subtract, and how many they are shows only in a COUNT, which is tested itself. Otherwise a mean
of 500 people with three missing values would never be shown. OTHER is tested by 1 only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from enclave.disclosure.answers.table import Measure, MeasureKind, Row
from enclave.disclosure.criteria.rules import Rules, Zero

_ADDITIVE = (MeasureKind.SUM, MeasureKind.MEAN)


def small(count: int, n: int) -> bool:
    """Somebody, but too few."""
    return 0 < count < n


def _comparable(one: Measure, other: Measure) -> bool:
    if one.rest or other.rest:
        return False
    sort = {one.kind in _ADDITIVE, other.kind in _ADDITIVE}
    if len(sort) == 2 or MeasureKind.OTHER in (one.kind, other.kind):
        return False
    return one.of is None or other.of is None or one.of == other.of


@dataclass(frozen=True)
class Compared:
    """Which numbers of a row can be subtracted from each other (2 above), by the places of its measures: `counts` from the
    row's persons, and `pairs`."""

    measures: tuple[Measure, ...]
    counts: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]

    def left_over(self, persons: tuple[int, ...], total: int) -> Iterator[int]:
        """The sizes of the groups that subtraction within one row makes readable."""
        for one in self.counts:
            yield total - persons[one]
        # A measure that nobody stands behind says nothing by subtraction that the other does not say itself.
        for one, other in self.pairs:
            yield abs(persons[one] - persons[other])


def compared(measures: tuple[Measure, ...]) -> Compared:
    """Looked at once for all rows of a table."""
    numbered = list(enumerate(measures))
    return Compared(
        measures,
        tuple(place for place, one in numbered if one.leaves_over),
        tuple(
            (place, other_place)
            for (place, one), (other_place, other) in combinations(numbered, 2)
            if _comparable(one, other)
        ),
    )


def unsafe_group(told: Compared, persons: tuple[int, ...], total: int, n: int) -> bool:
    """Whether a row of these persons holds or leaves over a group of 1 to n - 1."""
    if 0 < total < n:
        return True
    return any(0 < count < n for count in persons) or any(
        0 < count < n for count in told.left_over(persons, total)
    )


def unsafe(row: Row, measures: tuple[Measure, ...] | Compared, rules: Rules) -> bool:
    """Whether a rule finds this row unsafe. Source of each rule: the rule sets behind `rules`."""
    told = measures if isinstance(measures, Compared) else compared(measures)
    n = rules.threshold(row.population)
    if n is None:
        # The ministry's tier for the smallest municipalities: no number of patients at all, not even 0.
        return True
    shown = (count for measure, count in zip(told.measures, row.persons, strict=True) if not measure.group)
    if rules.zero is Zero.HIDDEN and 0 in (row.total_persons, *shown):
        return True
    if small(row.beside, n) or unsafe_group(told, row.persons, row.total_persons, n):
        return True
    return (
        rules.min_institutions is not None
        and row.institutions is not None
        and any(small(count, rules.min_institutions) for count in row.institutions)
    )
