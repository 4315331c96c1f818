"""Persons who stand in several rows: totals lie between the largest detail and the sum."""

import pytest

from enclave.disclosure.answers.table import TOTAL, Measure, Row, Table
from enclave.disclosure.proof.distinct import distinct_holds

N = (Measure("n"),)


def of(total: int, *details: int) -> Table:
    rows = tuple(Row((place,), (count,), (count,)) for place, count in enumerate(details))
    return Table(("d",), N, (*rows, Row((TOTAL,), (total,), (total,))))


@pytest.mark.parametrize(
    ("table", "hidden", "holds"),
    [
        # 20 people, the rows overlap: 4 could be more.
        (of(20, 15, 12, 4), {(2,)}, True),
        # Overlapping, and one detail hidden that is the only one besides a full row.
        (of(20, 20, 4), {(1,)}, True),
        # One person alone in the hidden row where the total leaves exactly that many and nobody overlaps.
        (of(16, 12, 4), {(1,)}, True),
        # The total is 1 and every detail is at most 1 and, hidden, at least 1.
        (of(1, 1, 1), {(0,)}, False),
    ],
)
def test_inequalities_pin_a_number_only_where_nothing_else_fits(
    table: Table, hidden: set[tuple[object, ...]], holds: bool
) -> None:
    """max ≤ total ≤ sum, with the hidden number at least 1 (tables that add up are the other audit's)."""
    assert distinct_holds(table, frozenset(hidden), 1) is holds
