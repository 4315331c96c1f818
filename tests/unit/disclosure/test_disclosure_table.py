"""Well-formed tables, and what a hidden number looks like outside."""

from decimal import Decimal

import pytest

from enclave.core.refusal import Refused
from enclave.disclosure.answers.table import (
    TOTAL,
    Hidden,
    Measure,
    Perturbed,
    ProtectedRow,
    ProtectedTable,
    Reason,
    Row,
    Shown,
    Table,
    checked,
    columns,
    reasons,
)

N = (Measure("n"),)


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([Row(("a",), (float("nan"),), (3,))], "not_finite"),
        ([Row(("a",), (float("inf"),), (3,))], "not_finite"),
        ([Row(("a",), (Decimal("NaN"),), (3,))], "not_finite"),
        ([Row((float("nan"),), (1,), (3,))], "not_finite"),
        ([Row(("a",), (1,), ())], "no_evidence"),
        ([Row(("a",), (1,), (-1,))], "evidence_invalid"),
        ([Row(("a",), (1,), (True,))], "evidence_invalid"),
        ([Row(("a",), (1,), (12,), 11)], "evidence_invalid"),
        ([Row(("a",), (1,), (1,)), Row(("a",), (2,), (2,))], "duplicate_row"),
        ([Row(("a", "b"), (1,), (1,))], "shape"),
    ],
)
def test_a_table_that_is_none_is_refused(rows: list[Row], code: str) -> None:
    """Numbers that are none, missing or contradicting evidence, rows that stand twice."""
    with pytest.raises(Refused) as caught:
        checked(Table(("d",), N, tuple(rows)))
    assert caught.value.code == f"disclosure.{code}"
    assert "a" not in map(str, caught.value.facts.values())


def test_a_null_category_is_not_the_total() -> None:
    """Null is a category of its own beside the total of all."""
    rows = (Row((None,), (20,), (20,)), Row((TOTAL,), (20,), (20,)), Row(("None",), (0,), (0,)))
    assert checked(Table(("d",), N, rows)).rows == rows


def test_a_hidden_number_is_null_with_a_status_and_without_a_reason() -> None:
    """The wire says shown, hidden or perturbed; why only the checker sees."""
    table = ProtectedTable(
        ("d",),
        (Measure("n"), Measure("mean")),
        (
            ProtectedRow((TOTAL,), (Shown(40), Shown(None))),
            ProtectedRow((None,), (Hidden(Reason.PRIMARY), Hidden(Reason.SECONDARY))),
            ProtectedRow(("x",), (Shown(0), Perturbed(15, "round-5"))),
        ),
        ("ndb-2024-09",),
    )
    assert columns(table) == {
        "d": [None, None, "x"],
        "d_status": ["total", "detail", "detail"],
        "n": [40, None, 0],
        "n_status": ["shown", "hidden", "shown"],
        "mean": [None, None, 15],
        "mean_status": ["shown", "hidden", "perturbed"],
    }
    assert reasons(table) == {"n": [None, "primary", None], "mean": [None, "secondary", None]}
    assert table.tally() == {"shown": 3, "hidden": 2, "perturbed": 1}


def test_a_column_cannot_take_the_name_of_a_status() -> None:
    """A forged status column would speak for the engine."""
    table = ProtectedTable(("n_status",), N, (ProtectedRow(("x",), (Shown(1),)),), ())
    with pytest.raises(Refused, match="name_taken"):
        columns(table)
