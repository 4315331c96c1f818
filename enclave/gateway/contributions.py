"""What persons contribute to the cells of an answer, from the columns that came with it (`query.rewrite.contributions`).

Decides nothing about disclosure: reads numbers, to as many digits as the order of an addition leaves. Leaves out the counts to which
nobody contributes more than one: they are counts of persons, of which a rule about contributions does not speak.
"""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from enclave.core.refusal import Refused
from enclave.disclosure.answers.table import TOTAL, Contributed, Contribution, Contributions
from enclave.gateway.key_values import values
from enclave.query import stages
from enclave.query.stages import Cells, Given

_DIGITS = 12


def own_rows(answered: pa.Table, cells: Cells) -> pa.Table:
    """The answer without the lines that stand for totals nobody asked for."""
    if cells.given is None or not cells.given.keys:
        return answered
    return answered.filter(pc.is_valid(answered.column(cells.persons)))


def contributions_of(answered: pa.Table, cells: Cells) -> Contributions | None:
    """By cell; None where no rule asks. Raises Refused `disclosure.evidence_invalid` where the two ways to the same rows did not
    count the same persons."""
    given = cells.given
    if given is None:
        return None
    names = [*given.keys, *given.margins, given.persons, cells.persons]
    names += [name for one in given.of for name in (one.persons, one.largest, one.total, one.sum)]
    data = {name: values(answered.column(name)) for name in names}
    rows = [number for number in range(answered.num_rows) if data[given.persons][number]]
    for number in range(answered.num_rows):
        counted, told = data[given.persons][number] or 0, data[cells.persons][number]
        if told is not None and told != counted:
            raise Refused("disclosure.evidence_invalid", {"row": number + 1})
    kept = [one for one in given.of if not one.counts or _several(data, one, rows)]
    if not kept:
        return None
    return Contributions(
        tuple(Contributed(one.adds, " " not in one.name) for one in kept),
        tuple(
            (_keys(data, given, number), tuple(_contribution(data, one, number) for one in kept))
            for number in rows
        ),
    )


def _keys(data: Mapping[str, Sequence[Any]], given: Given, number: int) -> tuple[object, ...]:
    return tuple(
        TOTAL if data[mark][number] else data[key][number]
        for key, mark in zip(given.keys, given.margins, strict=True)
    )


def _several(data: Mapping[str, Sequence[Any]], one: stages.Contributed, rows: Sequence[int]) -> bool:
    return any((data[one.largest][number] or [0])[0] > 1 for number in rows)


def _contribution(data: Mapping[str, Sequence[Any]], one: stages.Contributed, number: int) -> Contribution:
    persons = int(data[one.persons][number] or 0)
    total, whole = data[one.total][number] or 0.0, data[one.sum][number] or 0.0
    if not (math.isfinite(total) and math.isfinite(whole)):
        return Contribution(Fraction(0), Fraction(0), (), max(persons, 1))
    largest = tuple(_exact(value) for value in data[one.largest][number] or ())
    everything = max(_exact(total), sum(largest, Fraction(0)))
    said = _exact(whole)
    # The last bits of two sums of the same numbers.
    if abs(abs(said) - everything) * 10**_DIGITS <= 100 * everything:
        said = everything if said > 0 else -everything
    return Contribution(said, everything, largest, persons)


def _exact(value: float) -> Fraction:
    return Fraction(Decimal(f"{value:.{_DIGITS}g}"))
