"""Fixed, sliding and relative protection and the choice of costs: honoured by the pattern, by every table that fits, and by the
checker."""

import itertools
from collections.abc import Mapping
from fractions import Fraction
from math import ceil, inf, log
from typing import Any

import pytest

from enclave.core.refusal import Refused
from enclave.disclosure.protection.protecting import Protected
from enclave.disclosure.protection.spec import parse
from enclave.disclosure.protection.tabular import tabular
from tests.property.protect_tables import Invented, every_table, invented
from tests.property.test_insiders import found_in, protected, written

SEEDS = range(40)
FEW = 10

FORMS: Mapping[str, Mapping[str, Any]] = {
    "so many units below and above": {"lower": 1, "upper": 2},
    "a width": {"width": 3},
    "a share of the value": {"upper": "50%", "width": "150%"},
    "what a column says": {"upper": "n"},
    "only the width of what rules ask": {"form": "sliding"},
    "only the width, and some more above": {"form": "sliding", "upper": 1},
}


def chosen(seed: int, magnitude: bool = False, **more: Any) -> Invented:
    one = invented(seed, 2, magnitude)
    return Invented({**one.spec, **more}, one.parents, one.rows, one.rules)


def asked(form: Mapping[str, Any], count: int, least: int) -> tuple[int, int, int]:
    """By hand, for a count that is unsafe by frequency."""

    def of(side: str) -> int:
        found = form.get(side, 0)
        if found == "n":
            return count
        return ceil(Fraction(found[:-1]) / 100 * count) if isinstance(found, str) else found

    return min(of("lower"), count - least), of("upper"), max(1, of("width"))


@pytest.mark.parametrize("name", FORMS)
def test_unsafe_counts_may_lie_as_far_away_as_the_spec_asks(name: str) -> None:
    form, tried = FORMS[name], 0
    for seed in SEEDS:
        one = chosen(seed, protection=form)
        done = protected(one)
        if done is None:
            continue
        assert not found_in(written(done, one), one)
        system = done.tabular.system
        if not 0 < len(done.hidden) <= FEW:
            continue
        tried += 1
        most = max(system.values) * 3 + 4
        ends = every_table(
            list(system.values), list(system.least), list(system.sums), sorted(done.hidden), most
        )
        for cell in system.needs:
            count = system.values[cell]
            lower, upper, width = asked(form, count, system.least[cell])
            low, high = ends[cell]
            assert low <= count - lower
            assert high >= count + upper
            assert high - low >= width
    assert tried > 3


@pytest.mark.parametrize("name", FORMS)
def test_unsafe_magnitudes_may_lie_as_far_away_as_the_spec_asks(name: str) -> None:
    done = 0
    for seed in SEEDS:
        one = chosen(seed, magnitude=True, protection=FORMS[name])
        found = protected(one)
        if found is not None and found.hidden:
            done += 1
            assert not found_in(written(found, one), one)
    assert done > 5


def test_a_pattern_for_less_does_not_pass_for_more() -> None:
    """The checker reads the spec itself: certificates of a plain pattern do not prove a wider protection."""
    failed = 0
    for seed in SEEDS:
        plain = chosen(seed)
        done = protected(plain)
        if done is not None and done.hidden:
            failed += bool(found_in(written(done, plain), chosen(seed, protection={"width": 10_000})))
    assert failed > 5


def test_sliding_protection_costs_no_more_than_fixed() -> None:
    less = 0
    for seed in SEEDS:
        fixed, sliding = (
            protected(chosen(seed, magnitude=True, protection={"form": form}))
            for form in ("fixed", "sliding")
        )
        if fixed is not None:
            assert sliding is not None
            assert sliding.found.cost <= fixed.found.cost + 1e-6
            less += sliding.found.cost < fixed.found.cost
    assert less > 0


def _least(done: Protected, cost: Mapping[int, float]) -> float:
    system = done.tabular.system
    spare = [cell for cell in range(len(system)) if cell not in system.needs and system.values[cell]]
    if len(spare) > 7:
        return inf
    best = inf
    for cells in itertools.chain.from_iterable(
        itertools.combinations(spare, size) for size in range(len(spare) + 1)
    ):
        hidden = sorted({*system.needs, *cells})
        total = sum(cost[cell] for cell in cells)
        if total < best and len(hidden) <= FEW:
            ends = every_table(
                list(system.values), list(system.least), list(system.sums), hidden, max(system.values) + 4
            )
            if all(ends[cell][1] - ends[cell][0] >= 1 for cell in system.needs):
                best = total
    return best


@pytest.mark.parametrize(
    ("cost", "of"),
    [(1, lambda n: 1.0), ({"log": "n"}, lambda n: log(1 + n)), ("n", float)],
    ids=["cells", "logarithm", "column"],
)
def test_the_least_cost_is_that_of_the_costs_that_were_chosen(cost: Any, of: Any) -> None:
    tried = 0
    for seed in range(30):
        done = protected(chosen(seed, cost=cost))
        if done is None or not done.hidden:
            continue
        best = _least(done, {cell: of(value) for cell, value in enumerate(done.tabular.system.values)})
        if best < inf:
            tried += 1
            assert done.found.cost == pytest.approx(best, abs=1e-4), seed
    assert tried > 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"cost": {"square": "n"}},
        {"cost": True},
        {"insiders": -1},
        {"insiders": True},
        {"insiders": 1.5},
        {"protection": {"form": "loose"}},
        {"protection": {"lower": -1}},
        {"protection": {"upper": "-5%"}},
        {"protection": {"upper": "x%"}},
        {"protection": {"width": float("inf")}},
        {"protection": {"wide": 3}},
        {"protection": []},
    ],
)
def test_what_is_no_form_and_no_cost_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        parse({**invented(0).spec, **wrong})
    assert refused.value.code == "disclosure.spec_invalid"


def test_a_column_of_distances_must_be_there() -> None:
    one = chosen(0, protection={"upper": "far"})
    with pytest.raises(Refused) as refused:
        tabular(*one.parsed)
    assert refused.value.facts == {"column": "far"}
