"""One cell under one rule: the truth table of each, with the worked examples of the literature."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from enclave.core.refusal import Refused
from enclave.disclosure.codes import CODES
from enclave.disclosure.criteria.cell_rules import Protection, protection, reasons
from enclave.disclosure.criteria.evidence import CellEvidence, Route, Statistic, of_maxima
from enclave.disclosure.criteria.rules import Rules, combine, parse

COUNT, SUM, MEAN, RATIO = Statistic.COUNT, Statistic.SUM, Statistic.MEAN, Statistic.RATIO


def rules(*sets: Mapping[str, Any], n: int = 3, zero: str = "shown") -> Rules:
    """Rule sets that ask for `n` persons and what each mapping says."""
    made = [
        {
            "id": f"set-{place}",
            "valid_from": "2024-01-01",
            "source": "invented",
            "scope": {"databases": ["*"]},
            "min_persons": {"n": n, "zero": zero},
            **one,
        }
        for place, one in enumerate(sets or ({},))
    ]
    return combine([parse(one) for one in made])


def codes(cell: CellEvidence, asked: Rules) -> list[str]:
    return [reason.code.removeprefix("disclosure.") for reason in reasons(cell, asked)]


@pytest.mark.parametrize(
    ("persons", "zero", "expected"),
    [
        (0, "shown", []),
        (0, "hidden", ["zero_hidden"]),
        (1, "shown", ["small_cell"]),
        (9, "shown", ["small_cell"]),
        (10, "shown", []),
        (None, "shown", ["evidence_missing"]),
    ],
)
def test_fewer_persons_than_a_rule_asks_for_are_unsafe(
    persons: int | None, zero: str, expected: list[str]
) -> None:
    """1 to n - 1; nobody only where zeros are hidden; and never because nobody counted."""
    assert codes(CellEvidence(persons), rules(n=10, zero=zero)) == expected


@pytest.mark.parametrize(
    ("persons", "population", "municipal", "expected"),
    [
        (500, 1999, True, ["no_counts"]),
        (0, 1999, True, ["no_counts"]),
        (19, 2000, True, ["small_cell"]),
        (20, 2000, True, []),
        (10, 25000, True, []),
        (10, None, False, []),
        (10, None, True, ["evidence_missing"]),
    ],
)
def test_a_small_municipality_has_a_threshold_of_its_own(
    persons: int, population: int | None, municipal: bool, expected: list[str]
) -> None:
    """Whose inhabitants nobody looked up may be a village."""
    tiers = {"min_persons_by_population": [{"below": 25000, "n": 20}, {"below": 2000, "n": None}]}
    cell = CellEvidence(persons, population=population, municipal=municipal)
    assert codes(cell, rules(tiers, n=10)) == expected


@pytest.mark.parametrize(
    ("institutions", "persons", "expected"),
    [
        (2, 50, ["few_institutions"]),
        (3, 50, []),
        (0, 50, []),
        (None, 50, ["evidence_missing"]),
        (None, 0, []),
    ],
)
def test_few_institutions_are_unsafe(institutions: int | None, persons: int, expected: list[str]) -> None:
    """Fewer than three hospitals name one to the other two; where nobody is, there is none to name."""
    asked = rules({"min_institutions": {"n": 3}})
    assert codes(CellEvidence(persons, institutions=institutions), asked) == expected


@pytest.mark.parametrize(
    ("rule", "persons", "expected"),
    [
        ({}, 100, []),
        ({}, 99, ["small_rest"]),
        ({"group": {"rest": 1}}, 100, ["group_rest"]),
        ({"group": {"rest": 1}}, 90, []),
        ({"group": {"rest": 10}}, 91, ["small_rest", "group_rest"]),
        ({"group": {"share": 90}}, 90, ["group_share"]),
        ({"group": {"share": 90}}, 89, []),
        ({"group": {"share": 90, "rest": 1}}, 0, []),
    ],
)
def test_all_of_a_group_and_all_but_few_are_unsafe(
    rule: Mapping[str, Any], persons: int, expected: list[str]
) -> None:
    """Of a group of 100: the few left over are a small cell themselves; that all are inside tells of each of them."""
    assert codes(CellEvidence(persons, group=100), rules(rule, n=10)) == expected


# Handbook on Statistical Disclosure Control (sdctools.github.io/HandbookSDC), chapter 4, section 4.2.1: table of sensitivity
# rules and examples 1, 1d and 2; the same in Hundepool et al., Statistical Disclosure Control (Wiley 2012), chapter 4.
EXAMPLE_1 = CellEvidence(40, SUM, total=100_000, contributions=(50_000, 49_000))
EXAMPLE_1D = CellEvidence(51, SUM, total=1000, contributions=(990, 1, 1))
EXAMPLE_2 = CellEvidence(40, SUM, total=110_000, contributions=(52_000, 50_000))


@pytest.mark.parametrize(
    ("cell", "rule", "expected"),
    [
        # "there seems to be no risk"; but the second largest overestimates the largest by 2 % only.
        (EXAMPLE_1, {"dominance": {"n": 1, "k": 90}}, []),
        (EXAMPLE_1, {"p_percent": {"p": 2, "n": 1}}, []),
        (EXAMPLE_1, {"p_percent": {"p": 2.001, "n": 1}}, ["p_percent"]),
        (EXAMPLE_1, {"p_percent": {"p": 10, "n": 1}}, ["p_percent"]),
        (EXAMPLE_1, {"dominance": {"n": 2, "k": 90}}, ["dominance"]),
        (EXAMPLE_1D, {"dominance": {"n": 1, "k": 90}}, ["dominance"]),
        # Overprotected by (2, 90.9), safe by the p % rule that it corresponds to: 15.4 % too high.
        (EXAMPLE_2, {"p_percent": {"p": 10, "n": 1}}, []),
        (EXAMPLE_2, {"dominance": {"n": 2, "k": 90.909}}, ["dominance"]),
        (EXAMPLE_2, {"p_percent": {"p": 15.384, "n": 1}}, []),
        (EXAMPLE_2, {"p_percent": {"p": 15.385, "n": 1}}, ["p_percent"]),
        # A (p, q) rule is a p % rule of p / q: 10 of 50 is 20 %.
        (EXAMPLE_2, {"pq": {"p": 10, "q": 50}}, ["pq"]),
        (EXAMPLE_2, {"pq": {"p": 10, "q": 100}}, []),
    ],
)
def test_the_worked_examples_of_the_handbook(
    cell: CellEvidence, rule: Mapping[str, Any], expected: list[str]
) -> None:
    """Each example of the handbook comes out as the handbook says."""
    assert codes(cell, rules(rule)) == expected
    assert codes(replace(cell, statistic=MEAN), rules(rule)) == expected


def test_what_is_safe_by_two_k_is_safe_by_the_p_that_corresponds() -> None:
    """Proof A of the handbook, with k = 100 · 100 / (100 + p): p = 25 is k = 80."""
    random = Random(4)
    dominance, close = (
        rules({"dominance": {"n": 2, "k": 80}}),
        rules({"p_percent": {"p": 25, "n": 1}}),
    )
    seen = set()
    for _ in range(2_000):
        values = sorted((random.randint(0, 30) for _ in range(random.randint(3, 6))), reverse=True)
        cell = CellEvidence(len(values), SUM, total=sum(values), contributions=tuple(values))
        by_k, by_p = bool(codes(cell, dominance)), bool(codes(cell, close))
        assert by_k or not by_p
        seen.add((by_k, by_p))
    assert seen == {(True, True), (True, False), (False, False)}


def test_respondents_who_pool_what_they_know_subtract_more() -> None:
    """With n = 2 the next two largest are subtracted, with n = 1 only one."""
    cell = CellEvidence(10, SUM, total=100, contributions=(50, 20, 20))
    assert codes(cell, rules({"p_percent": {"p": 30, "n": 1}})) == []
    assert codes(cell, rules({"p_percent": {"p": 30, "n": 2}})) == ["p_percent"]


@pytest.mark.parametrize(
    ("total", "contributions", "contributors", "expected"),
    [
        (100, (50,), 30, ["evidence_missing"]),
        (100, (), None, ["evidence_missing"]),
        (None, (50, 20), 30, ["evidence_missing"]),
        (100, (50, 20), 30, []),
        (100, (60, 40), 2, ["p_percent"]),
        (100, (100,), 1, ["p_percent"]),
        (0, (), 0, []),
    ],
)
def test_contributions_that_nobody_knows_are_not_called_safe(
    total: int | None, contributions: tuple[int, ...], contributors: int | None, expected: list[str]
) -> None:
    """Unless there are no more of them than were given."""
    cell = CellEvidence(30, SUM, total=total, contributions=contributions, contributors=contributors)
    assert codes(cell, rules({"p_percent": {"p": 10, "n": 1}})) == expected


def test_no_rounding_decides() -> None:
    """On the threshold exactly: 0.1 + 0.2 is 0.3 here, and the last of thirty digits counts."""
    asked = rules({"p_percent": {"p": 10, "n": 1}})
    assert codes(CellEvidence(9, SUM, total=2.3, contributions=(1.0, 1.2 - 0.2, 0.2)), asked) == []
    large = 10**30
    cell = CellEvidence(9, SUM, total=21 * large, contributions=(10 * large, 10 * large))
    assert codes(cell, asked) == []
    assert codes(replace(cell, total=21 * large - 1), asked) == ["p_percent"]
    tenth = CellEvidence(9, SUM, total=Decimal("0.21"), contributions=(Decimal("0.1"), Fraction(1, 10)))
    assert codes(tenth, asked) == []
    assert codes(replace(tenth, total=Decimal("0.2099999999999999999999")), asked) == ["p_percent"]


@pytest.mark.parametrize(
    ("numerator", "denominator", "zero", "expected"),
    [
        (50, 100, "shown", []),
        (9, 100, "shown", ["small_numerator"]),
        (0, 100, "shown", []),
        (0, 100, "hidden", ["zero_hidden"]),
        (91, 100, "shown", ["small_rest"]),
        (100, 100, "shown", []),
        (5, 9, "shown", ["small_cell", "small_rest", "small_numerator"]),
        (None, 100, "shown", ["evidence_missing"]),
    ],
)
def test_a_ratio_is_its_numerator_its_denominator_and_the_rest(
    numerator: int | None, denominator: int, zero: str, expected: list[str]
) -> None:
    """3 % of 300 is nine persons; 97 % of 300 leaves nine."""
    cell = CellEvidence(denominator, RATIO, numerator=numerator)
    assert codes(cell, rules(n=10, zero=zero)) == expected


STATISTICS = {"statistics": {"min_df": 10, "quantile_margin": 10, "survival_at_risk": 10}}


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (CellEvidence(100, Statistic.QUANTILE, below=10, above=91), []),
        (CellEvidence(100, Statistic.QUANTILE, below=9, above=92), ["quantile_margin"]),
        (CellEvidence(100, Statistic.QUANTILE, below=95, above=5), ["quantile_margin"]),
        (CellEvidence(100, Statistic.QUANTILE, below=50), ["evidence_missing"]),
        (CellEvidence(100, Statistic.EXTREME, at=1), ["extreme"]),
        (CellEvidence(100, Statistic.EXTREME, at=10), []),
        (CellEvidence(100, Statistic.SURVIVAL, at_risk=9), ["few_at_risk"]),
        (CellEvidence(100, Statistic.SURVIVAL, at_risk=10), []),
        (CellEvidence(100, Statistic.SURVIVAL, at_risk=0), []),
        (CellEvidence(100, Statistic.MODEL, df=9), ["few_degrees_of_freedom"]),
        (CellEvidence(100, Statistic.MODEL, df=0), ["few_degrees_of_freedom"]),
        (CellEvidence(100, Statistic.MODEL, df=-3), ["few_degrees_of_freedom"]),
        (CellEvidence(100, Statistic.MODEL, df=10), []),
        (CellEvidence(100, Statistic.MODEL), ["evidence_missing"]),
    ],
)
def test_other_statistics_have_limits_of_their_own(cell: CellEvidence, expected: list[str]) -> None:
    """Persons on both sides of a quantile, at an extreme, at risk; degrees of freedom of a model."""
    assert codes(cell, rules(STATISTICS)) == expected
    assert codes(cell, rules()) == []


@pytest.mark.parametrize(
    ("persons", "quantity", "route", "expected"),
    [
        (None, 999, Route.ORAL, ["small_quantity"]),
        (None, 1000, Route.ORAL, []),
        (None, 0, Route.ORAL, []),
        (None, 399, Route.INJECTION, ["small_quantity"]),
        (None, 400, Route.INJECTION, []),
        (None, Decimal("999.99"), Route.ORAL, ["small_quantity"]),
        (9, 5000, Route.ORAL, ["small_cell"]),
        (10, 5, Route.ORAL, []),
        (None, None, Route.ORAL, ["evidence_missing"]),
    ],
)
def test_units_stand_for_persons_only_where_nobody_counted_them(
    persons: int | None, quantity: Any, route: Route, expected: list[str]
) -> None:
    """1,000 tablets or 400 injections; where the persons are known, they decide."""
    cell = CellEvidence(persons, Statistic.QUANTITY, quantity=quantity, route=route)
    assert codes(cell, rules({"quantities": {"oral": 1000, "injection": 400}}, n=10)) == expected


def test_seven_or_fewer_are_redacted_and_nobody_too() -> None:
    """The rule says at most seven, so it says it of none."""
    asked = rules({"rounding": {"redact_at_most": 7, "base": 5, "midpoint": 0}}, n=1)
    assert [codes(CellEvidence(persons), asked) for persons in (0, 7, 8)] == [["redacted"], ["redacted"], []]


def test_the_reason_names_the_strictest_set_and_no_number_of_the_cell() -> None:
    """A checker learns which rule of which set, from facts that say nothing of the cell."""
    asked = rules({"dominance": {"n": 1, "k": 95}}, {"dominance": {"n": 1, "k": 80}, "id": "stricter"})
    (found,) = reasons(CellEvidence(30, SUM, total=100, contributions=(83,)), asked)
    assert (found.code, found.rule_set, found.facts) == (
        "disclosure.dominance",
        "stricter",
        {"n": 1, "share": "4/5"},
    )
    assert reasons(CellEvidence(30, SUM, total=100, contributions=(80,)), asked) == ()


@pytest.mark.parametrize(
    "cell",
    [
        CellEvidence(-1),
        CellEvidence(True),
        CellEvidence(5.0),  # type: ignore[arg-type]  what a caller without types may hand over
        CellEvidence(5, group=4),
        CellEvidence(5, RATIO, numerator=6),
        CellEvidence(5, Statistic.EXTREME, at=6),
        CellEvidence(20, Statistic.QUANTILE, below=9, above=10),
        CellEvidence(5, SUM, total=10, contributions=(4, 5)),
        CellEvidence(5, SUM, total=10, contributions=(9, 2)),
        CellEvidence(5, SUM, total=10, contributions=(9, -2)),
        CellEvidence(5, SUM, total=-1),
        CellEvidence(5, SUM, total=10, contributions=(5, 5), contributors=1),
        CellEvidence(5, Statistic.MODEL, df=1.5),  # type: ignore[arg-type]  as above
        CellEvidence(None, Statistic.QUANTITY, quantity=-1, route=Route.ORAL),
        CellEvidence(5, SUM, total="10"),  # type: ignore[arg-type]  as above
    ],
)
def test_evidence_that_contradicts_itself_is_refused(cell: CellEvidence) -> None:
    """What cannot be is not judged."""
    with pytest.raises(Refused) as caught:
        reasons(cell, rules())
    assert caught.value.code == "disclosure.evidence_invalid"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity")])
def test_what_is_not_finite_is_refused(value: float | Decimal) -> None:
    """NaN is below no threshold and above none."""
    with pytest.raises(Refused, match="not_finite"):
        reasons(CellEvidence(5, SUM, total=value), rules())


@pytest.mark.parametrize(
    ("cell", "rule", "expected"),
    [
        (CellEvidence(10), {}, None),
        (CellEvidence(2), {}, Protection(Fraction(0), Fraction(0), Fraction(1))),
        (
            CellEvidence(2),
            {"interval": {"min_whole_numbers": 5}},
            Protection(Fraction(0), Fraction(0), Fraction(4)),
        ),
        # A magnitude unsafe by frequency alone: a width of one.
        (
            CellEvidence(2, SUM, total=10, contributions=(5, 5)),
            {"interval": {"min_whole_numbers": 5}},
            Protection(Fraction(0), Fraction(0), Fraction(1)),
        ),
        # 15 % of 50,000 less the 1,000 that are left.
        (
            EXAMPLE_1,
            {"p_percent": {"p": 15, "n": 1}},
            Protection(Fraction(6500), Fraction(6500), Fraction(13000)),
        ),
        # 100 / 90 of 99,000 less 100,000; the more demanding of two.
        (
            EXAMPLE_1,
            {"dominance": {"n": 2, "k": 90}, "p_percent": {"p": 10, "n": 1}},
            Protection(Fraction(10_000), Fraction(10_000), Fraction(20_000)),
        ),
    ],
)
def test_how_far_an_unsafe_cell_must_be_protected(
    cell: CellEvidence, rule: Mapping[str, Any], expected: Protection | None
) -> None:
    """By what the rule lacks, in both directions; by frequency, at least another whole number."""
    assert protection(cell, rules(rule)) == expected


def test_a_protected_sum_is_no_longer_close() -> None:
    """Whoever subtracts what they know from a value that far away is p % away from the largest contribution."""
    random = Random(11)
    asked = rules({"p_percent": {"p": 15, "n": 1}}, n=1)
    for _ in range(500):
        values = sorted((random.randint(0, 100) for _ in range(random.randint(2, 5))), reverse=True)
        cell = CellEvidence(len(values), SUM, total=sum(values), contributions=tuple(values))
        need = protection(cell, asked)
        if need is not None and values[0]:
            moved = sum(values) + need.upper
            assert moved - values[1] == values[0] * Fraction(115, 100)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ((10, 1000, 400, 100), []),
        ((10, 1000, 800, 190), ["p_percent"]),
        ((1, 1000, None, None), ["small_cell", "p_percent"]),
        ((2, 1000, 900, 100), ["small_cell", "p_percent"]),
        ((10, 1000, 400, None), ["evidence_missing"]),
        ((0, 0, 0, 0), []),
    ],
)
def test_a_line_of_a_table_to_protect_is_evidence(line: tuple[Any, ...], expected: list[str]) -> None:
    """count, value and the two largest are all that the rules need; who is alone contributed everything."""
    assert codes(of_maxima(*line), rules({"p_percent": {"p": 15, "n": 1}})) == expected


def test_every_reason_has_its_sentence() -> None:
    """The codes of this module, read from its source, are all in the wordings."""
    import re
    from pathlib import Path

    folder = Path(__file__).resolve().parents[3] / "enclave" / "disclosure" / "criteria"
    text = "".join((folder / f"{name}.py").read_text() for name in ("cell_rules", "categories"))
    named = set(re.findall(r'"(disclosure\.[a-z_]+)"', text)) | {
        f"disclosure.{name}" for name in ("dominance", "p_percent", "pq")
    }
    assert len(named) > 20
    assert named <= set(CODES)
