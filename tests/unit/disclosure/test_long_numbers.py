"""Numbers of many digits: a table of them is protected as the same table of short ones is, and nothing of it is rounded."""

import itertools
import random
from decimal import Decimal
from fractions import Fraction

import pytest

from enclave import disclosure
from enclave.core.refusal import Refused
from enclave.disclosure.protection.certificate import Possible
from enclave.disclosure.protection.system import Need, System

SPEC = {
    "dimensions": {"a": {"total": "T"}, "b": {"total": "T"}},
    "count": "n",
    "value": "v",
    "max1": "m1",
    "max2": "m2",
}
RULES = {
    "id": "r",
    "valid_from": "2024-01-01",
    "source": "invented",
    "scope": {"databases": ["*"]},
    "p_percent": {"p": 15, "n": 1},
}


def _rows(seed: int, times: int, besides: int) -> list[dict[str, object]]:
    """Turnover in units of `times`, and up to `besides` thousand single units more."""
    chance = random.Random(seed)
    cells: dict[tuple[str, str], list[int]] = {}
    for a, b in itertools.product(range(5), repeat=2):
        found = [
            chance.choice([1, 5, 20, 70, 400]) * times + chance.randrange(1000) * besides
            for _ in range(chance.choice([0, 1, 2, 3, 5, 9, 20]))
        ]
        for key in itertools.product((f"a{a}", "T"), (f"b{b}", "T")):
            cells.setdefault(key, []).extend(found)
    rows = []
    for (a, b), found in cells.items():
        first, second, *_ = [*sorted(found, reverse=True), 0, 0]
        rows.append({"a": a, "b": b, "n": len(found), "v": sum(found), "m1": first, "m2": second})
    return rows


@pytest.mark.parametrize("times", [10**13, 10**15, 10**20])
@pytest.mark.parametrize("seed", [0, 3])
def test_a_table_of_long_numbers_is_protected_as_one_of_short_numbers(times: int, seed: int) -> None:
    """Turnover in the smallest unit of a currency has such numbers; its pattern, its proof and its end are those of short ones."""
    sets = [disclosure.rule_set(RULES)]
    short = disclosure.protect(_rows(seed, 1, 0), SPEC, sets)
    rows = _rows(seed, times, 1)
    long = disclosure.protect(rows, SPEC, sets)
    assert [row["status"] for row in long.rows] == [row["status"] for row in short.rows]
    assert long.optimal
    assert {row["bounds"] for row in long.rows} == {"exact"}
    as_text = [{name: str(value) for name, value in row.items()} for row in rows]
    assert not disclosure.verify(as_text, SPEC, [RULES], long.rows, long.certificates)


def test_a_sum_that_is_wrong_in_its_last_digit_is_found_however_long_it_is() -> None:
    """Sums are exact; arithmetic of 28 digits would take these for the same."""
    rows = _rows(0, 10**20, 1)
    rows[0] = {**rows[0], "v": Decimal(f"{rows[0]['v']}.000000000001")}
    with pytest.raises(Refused) as refused:
        disclosure.protect(rows, SPEC, [disclosure.rule_set(RULES)])
    assert refused.value.code == "disclosure.margin_incomplete"


@pytest.mark.parametrize("number", ["1e30", "1e999999999", "-0e999999999", "1e-13", "1e-999999999"])
def test_a_number_that_nobody_can_write_out_is_refused_before_it_is_computed_with(number: str) -> None:
    """A few signs can stand for more digits than a machine has memory."""
    rows = _rows(0, 1, 0)
    rows[0] = {**rows[0], "v": number}
    with pytest.raises(Refused) as refused:
        disclosure.protect(rows, SPEC, [disclosure.rule_set(RULES)])
    assert refused.value.code in {"disclosure.not_a_number", "disclosure.evidence_invalid"}


def test_an_end_that_is_no_part_of_small_denominator_is_exact_too() -> None:
    """x is seven times y, and at most 8 by what is shown: y is at most 8/7, and nobody has to be told less."""
    most, x, rest, y, q, p, *same = range(13)
    values = (8, 7, 1, 1, 1, 2, *([1] * 7))
    sums = ((most, (x, rest)), (x, tuple(same)), (p, (y, q)), *((p, (one, q)) for one in same))
    system = System(values, (0,) * 13, False, 1, sums, {y: Need(slide=Fraction(1))}, (Fraction(1),) * 13)
    reach = Possible(system, range(1, 13)).range(y, 10)
    assert reach.exact
    assert not reach.endless
    assert (reach.low[y], reach.high[y]) == (-1, Fraction(1, 7))
