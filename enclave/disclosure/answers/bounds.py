"""Primary suppression from bounds: which rows are safe, or unsafe, whatever the exact numbers of persons are.

Decides, for all rows at once, what `primary.unsafe` would decide from exact numbers, where lower bounds of persons and exact
numbers of records are enough to know; the other rows stay undecided and are the caller's to count. Never guesses.
Relies on: bounds that hold. Does not: look at other rows, or know how a bound was found.

Why it holds. A group with at least `n` persons is not small. A group with 1 to n - 1 records, each of somebody, is. What
a count under a condition takes in is within the row, and so what it leaves over is everybody but those: with records of all
taken in nobody is left over, with none the whole row. A sum of three different values is no count. Two sums are subtracted
from each other: nothing is left over where both take in every record.

Where no row is unsafe, no total of rows is either (`whole`): a sum of groups that are nobody or at least `n` is one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enclave.disclosure.answers.tallies import MOST

Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

MORE = 3
"""So many different values, and a sum of them is no count in disguise."""

SEVERAL = MOST + 1
"""So many, and several numbers that are made of them do not tell how many have which."""


@dataclass(frozen=True)
class SumBounds:
    """Of a sum, mean or variance: at least so many persons, of at least so many different values; `records` it takes in,
    where that matters (several sums); `least`: how many different values it takes."""

    persons: Counts
    values: Counts
    records: Counts | None = None
    least: int = MORE


@dataclass(frozen=True)
class ConditionBounds:
    """Of the counts under a condition: `records` under it, at least so many persons with such a record, and at least so many with
    none (`others`)."""

    records: Counts
    persons: Counts
    others: Counts


@dataclass(frozen=True)
class Bounds:
    """What is known of each row. `records` are exact, and so are `persons` where `exact`, else at least so many;
    `named`: each record has a person."""

    records: Counts
    persons: Counts
    exact: bool
    named: bool
    sums: Sequence[SumBounds] = ()
    condition: ConditionBounds | None = None


@dataclass(frozen=True)
class Decided:
    """Per row; neither where the bounds do not tell."""

    safe: Flags
    unsafe: Flags

    @property
    def open(self) -> Flags:
        return ~(self.safe | self.unsafe)


def decide(bounds: Bounds, n: int) -> Decided:
    """What a rule of at least `n` persons (0 being shown) says of each row."""
    records, persons = bounds.records, bounds.persons
    nobody = records == 0
    enough = persons >= n
    # Somebody, and each of them with a record: fewer than n records are fewer than n persons.
    somebody = persons >= 1
    if bounds.named:
        somebody = somebody | (records >= 1)
    unsafe = somebody & (records < n)
    if bounds.exact:
        unsafe = unsafe | ((persons >= 1) & (persons < n))
    safe = enough.copy()
    for one in bounds.sums:
        safe &= (one.persons >= n) & (one.values >= one.least)
        if one.records is not None:
            safe &= one.records == records
    if bounds.condition is not None:
        within = bounds.condition
        everything, nothing = within.records == records, within.records == 0
        safe &= nothing | (within.persons >= n) | everything
        safe &= nothing | everything | (within.others >= n)
        if bounds.named:
            left = records - within.records
            unsafe |= (within.records >= 1) & (within.records < n)
            unsafe |= (left >= 1) & (left < n)
    safe = (safe & ~unsafe) | nobody
    return Decided(safe, unsafe & ~nobody)
