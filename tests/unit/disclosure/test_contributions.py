"""Sums whose contributions are known: what `protect` hides under rules about them, and what its audit does not let through."""

from datetime import date
from fractions import Fraction

import pytest

from enclave.core.refusal import Refused
from enclave.disclosure.answers import lattice
from enclave.disclosure.answers.table import (
    TOTAL,
    Contributed,
    Contribution,
    Contributions,
    Hidden,
    Measure,
    MeasureKind,
    Reason,
    Row,
    Table,
)
from enclave.disclosure.criteria.rules import MinPersons, RuleSet, Zero, combine
from enclave.disclosure.flow import protect
from enclave.disclosure.proof.interval import Claim
from enclave.disclosure.proof.widths import wide_enough

RULES = RuleSet(
    "d", date(2024, 1, 1), None, "t", ("*",), MinPersons(3, Zero.SHOWN),
    dominance={"n": 1, "k": 80}, p_percent={"p": 10, "n": 1},
)  # fmt: skip


def of(*persons: int) -> Contribution:
    """A number to which so many persons contribute so much each."""
    sizes = sorted((abs(one) for one in persons), reverse=True)
    return Contribution(
        Fraction(sum(persons)), Fraction(sum(sizes)), tuple(map(Fraction, sizes[:2])), len(sizes)
    )


CELLS: dict[object, tuple[int, ...]] = {
    "a": (900, 20, 20, 20),
    "b": (30, 30, 30, 30),
    "c": (70, 80, 90, 100),
    "d": (60, 60, 60, 60),
}


def table(cells: dict[object, tuple[int, ...]], asked_total: bool = True) -> Table:
    everybody = tuple(one for persons in cells.values() for one in persons)
    there = [*cells.items(), *([(TOTAL, everybody)] if asked_total else [])]
    rows = tuple(Row((key,), (sum(found),), (len(found),)) for key, found in there)
    given = tuple(((key,), (of(*found),)) for key, found in (*cells.items(), (TOTAL, everybody)))
    return Table(("k",), (Measure("s", MeasureKind.SUM),), rows, None, Contributions((Contributed(),), given))


def hidden(one: Table) -> dict[object, Reason]:
    return {
        row.keys[0]: row.cells[0].reason
        for row in protect(one, [RULES]).rows
        if isinstance(row.cells[0], Hidden)
    }


def test_a_dominated_sum_hides_with_one_that_is_large_enough() -> None:
    """The cheapest partner (b) lets the sum of a be known to within 120 of what must be 200 away: another hides."""
    found = hidden(table(CELLS))
    assert found["a"] is Reason.PRIMARY
    assert TOTAL not in found
    beside = sum(sum(CELLS[key]) for key in found if key != "a")
    assert beside >= 240


def test_a_total_that_nobody_asked_for_is_known_all_the_same() -> None:
    """A question of its own would show it."""
    assert len(hidden(table(CELLS, asked_total=False))) >= 2


def test_a_total_that_is_dominated_itself_protects_its_details() -> None:
    """Of nine tenths of everything one person's, neither the total nor the detail is shown, and nothing else hides."""
    found = hidden(table({"a": (9_000, 20, 20, 20), "b": (30, 30, 30, 30)}))
    assert found == {"a": Reason.PRIMARY, TOTAL: Reason.PRIMARY}


def test_what_some_take_away_counts_as_what_others_add() -> None:
    """500 and -490 of two persons among small ones: the sum is small, the contributions are not."""
    assert hidden(table({"a": (5_000, 0, -20, 20), "b": (500, 400, -490, 450)})).keys() >= {"a"}
    assert "b" not in hidden(table({"b": (500, 400, -490, 450), "c": (70, 80, 90, 100)}))


def test_without_a_pattern_there_is_a_refusal() -> None:
    """Everything else together is too little to hide in, and the total is one that is shown."""
    cells = {"a": (900, 20, 20, 20), "b": (400, 400, 400, 400)}
    one = table(cells)
    assert one.contributions is not None
    given = tuple(
        (keys, (of(900, 500, 500, 300),) if keys == (TOTAL,) else found)
        for keys, found in one.contributions.cells
        if keys != ("b",)
    )
    given = (*given, (("b",), (of(10, 10, 10),)))
    short = Table(one.dimensions, one.measures, one.rows, None, Contributions((Contributed(),), given))
    with pytest.raises(Refused) as refused:
        protect(short, [RULES])
    assert refused.value.code == "disclosure.no_safe_pattern"


def test_a_cell_of_which_nothing_was_counted_is_refused() -> None:
    """What nobody counted is not known to be safe."""
    one = table(CELLS)
    assert one.contributions is not None
    fewer = Contributions((Contributed(),), one.contributions.cells[1:])
    with pytest.raises(Refused, match="no_evidence"):
        protect(Table(one.dimensions, one.measures, one.rows, None, fewer), [RULES])


@pytest.mark.parametrize(
    ("keys", "holds"),
    [
        ((), False),
        (("a",), False),
        (("b",), False),
        (("a", "b"), False),
        (("a", "c"), True),
        (("a", "d"), True),
    ],
)
def test_the_audit_looks_for_itself(keys: tuple[str, ...], holds: bool) -> None:
    """A pattern that shows the dominated sum, one from which it follows, and one that leaves it too narrow do not pass."""
    claim = Claim(frozenset(), frozenset((key,) for key in keys), frozenset(), ())
    assert wide_enough(table(CELLS), claim, combine([RULES]), frozenset()) is holds


def test_a_total_hidden_for_another_number_is_known_to_the_audit() -> None:
    """Of a total that nobody asked for, what a question about one number alone would show is known."""
    claim = Claim(frozenset(), frozenset({("a",)}), frozenset({(TOTAL,)}), ())
    rules, one = combine([RULES]), table(CELLS, asked_total=False)
    assert wide_enough(one, claim, rules, frozenset())
    assert not wide_enough(one, claim, rules, frozenset({(TOTAL,)}))


def test_the_order_of_rows_changes_nothing() -> None:
    back = dict(reversed(CELLS.items()))
    assert hidden(table(CELLS)) == hidden(table(back))
    assert lattice.build(table(CELLS), combine([RULES]), 100).magnitudes
