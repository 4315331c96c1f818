"""What the machine finds in a file that asks to leave."""

from datetime import date
from itertools import product
from typing import Any

import pytest

from enclave.disclosure.answers.table import columns
from enclave.disclosure.codes import CODES
from enclave.disclosure.criteria.rules import MinPersons, PopulationTier, RuleSet, Zero
from enclave.disclosure.files.examine import Findings, TableFile, Verdict
from enclave.disclosure.flow import check_table, protect
from tests.property.suppression_tables import subsets, table_of

TEN = RuleSet("ten", date(2024, 1, 1), None, "test", ("*",), MinPersons(10, Zero.SHOWN))


def check(text: str, rule_set: RuleSet = TEN, **declared: tuple[str, ...]) -> Findings:
    """A file written as lines of `|`-separated cells, the first the heading."""
    head, *rows = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    cells = {name: tuple(row[place] for row in rows) for place, name in enumerate(head)}
    return check_table(TableFile("t.csv", cells, **declared), [rule_set])


def codes(found: Findings) -> set[str]:
    return {finding.code.removeprefix("disclosure.") for finding in found.findings}


def test_a_small_cell_is_named_by_its_keys_and_never_by_its_value() -> None:
    """The finding says which cell and which threshold."""
    found = check(
        """male | age5 | n
           0    | 80   | 40
           0    | 85   | 7
           1    | 80   | 0""",
        dimensions=("male", "age5"),
    )
    (finding,) = found.findings
    assert found.verdict is Verdict.FAIL
    assert (finding.code, finding.where, finding.facts, finding.rule_set) == (
        "disclosure.small_cell",
        "row 2: male=0, age5=85; n",
        {"threshold": 10},
        "ten",
    )


TABLES = {
    "safe": ("sex | n\nm | 40\nf | 50", set(), Verdict.PASS),
    "zero is shown": ("sex | n\nm | 0\nf | 50", set(), Verdict.PASS),
    "thousands": ("sex | n\nm | 1,234\nf | ５０", set(), Verdict.PASS),
    "one hidden under a total": (
        "sex | n | n_status\nm | | hidden\nf | 50 | shown\ntotal | 57 | shown",
        {"recomputable"},
        Verdict.FAIL,
    ),
    "starred under a Japanese total": ("sex | n\nm | *\nf | 50\n合計 | 57", {"recomputable"}, Verdict.FAIL),
    "two hidden, together small": ("sex | n\na | *\nb | *\nc | 50\nall | 57", {"small_group"}, Verdict.FAIL),
    "two hidden, exactly one each": (
        "sex | n\na | *\nb | *\nc | 50\nall | 52",
        {"small_group", "recomputable"},
        Verdict.FAIL,
    ),
    "two hidden, together enough": ("sex | n\na | *\nb | *\nc | 50\nall | 67", set(), Verdict.PASS),
    "a total that only the arithmetic shows": (
        "sex | n | n_dead\na | * | 30\nb | 50 | 20\nc | 33 | 11\nx | 88 | 61",
        {"recomputable"},
        Verdict.FAIL,
    ),
    "perhaps a total": ("sex | n\na | *\nb | 50\nc | 33\nx | 88", {"maybe_recomputable"}, Verdict.HUMAN),
    "a rate beside a hidden count": (
        "sex | n | rate\nm | * | 0.5\nf | 50 | 0.2",
        {"beside_hidden"},
        Verdict.FAIL,
    ),
    "a value under a hidden status": (
        "sex | n | n_status\nm | 12 | hidden\nf | 50 | shown",
        {"hidden_written"},
        Verdict.FAIL,
    ),
    "not a number": ("sex | n\nm | nan\nf | 50", {"not_finite"}, Verdict.FAIL),
    "negative": ("sex | n\nm | -12\nf | 50", {"not_a_count"}, Verdict.FAIL),
    "no counts": ("sex | mean\nm | 1.5\nf | 2.5", {"no_evidence"}, Verdict.HUMAN),
    "a part that leaves few over": (
        "sex | n | n_alive\nm | 40 | 35\nf | 50 | 30",
        {"small_difference"},
        Verdict.HUMAN,
    ),
    "persons": ("pid | n\n1 | 40\n2 | 50", {"row_level"}, Verdict.FAIL),
    "mapped persons": ("case_pid | n\n1 | 40\n2 | 50", {"row_level"}, Verdict.FAIL),
    "records": ("sex | status\nm | 0\nm | 0\nf | 1", {"row_level", "no_evidence"}, Verdict.FAIL),
    "the same cell twice": ("sex | n\nm | 40\nm | 50", {"repeated_cell"}, Verdict.HUMAN),
    "totals that are no sums": ("sex | n\na | *\nb | 50\nall | 40", {"not_additive"}, Verdict.HUMAN),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_file_gets_its_findings(name: str) -> None:
    """Each kind of file, its findings, its verdict."""
    text, expected, verdict = TABLES[name]
    found = check(text, counts=("n", "n_dead") if "n_dead" in text else ())
    assert codes(found) == expected
    assert found.verdict is verdict
    assert all(finding.code in CODES for finding in found.findings)


def test_subtraction_goes_along_both_dimensions() -> None:
    """A hole in a two-way table that only the columns give away."""
    found = check(
        """sex   | age   | n
           m     | old   | *
           m     | young | *
           m     | total | 60
           f     | old   | 30
           f     | young | 40
           f     | total | 70
           total | old   | 35
           total | young | 95
           total | total | 130"""
    )
    assert "recomputable" in codes(found)
    assert {one.where for one in found.findings if one.code == "disclosure.recomputable"} == {
        "row 1: sex=m, age=old; n",
        "row 2: sex=m, age=young; n",
    }


def test_a_missing_value_is_a_category_where_the_status_says_so() -> None:
    """An empty key is a total only if its status or the arithmetic says so."""
    hole = "sex | sex_status | n\nm | detail | *\n{} | {} | 50\nf | detail | 40\n | total | 97"
    assert "recomputable" in codes(check(hole.format("", "detail")))
    assert codes(check("sex | n\nm | *\nf | 40\n | 50")) == set()


def test_more_than_five_thousand_rows_are_data() -> None:
    """Nobody can check such a table by eye."""
    rows = "\n".join(f"a{place} | 40" for place in range(5001))
    assert "row_level" in codes(check(f"code | n\n{rows}"))


def test_unique_numbers_beside_counts_look_like_persons() -> None:
    """A column of large numbers that never repeat is an identifier, whatever its name."""
    rows = "\n".join(f"{place * 7919 + 100_003} | 40" for place in range(30))
    assert "row_level" in codes(check(f"x | n\n{rows}"))


def test_zeros_fail_where_the_rule_set_hides_them() -> None:
    """Zero policy is the rule set's."""
    hiding = RuleSet("h", date(2024, 1, 1), None, "test", ("*",), MinPersons(10, Zero.HIDDEN))
    assert codes(check("sex | n\nm | 0\nf | 50", hiding)) == {"zero_hidden"}


def test_municipalities_need_a_person_where_their_population_counts() -> None:
    """The tiers by population cannot be judged from the file."""
    tiers = RuleSet(
        "t", date(2024, 1, 1), None, "test", ("*",), MinPersons(10, Zero.SHOWN), (PopulationTier(2000, None),)
    )
    assert check("市区町村 | n\nA | 40\nB | 50", tiers).verdict is Verdict.HUMAN


def test_many_findings_of_one_kind_are_counted_not_listed() -> None:
    """A page of findings stays readable; the verdict does not change."""
    rows = "\n".join(f"a{place} | 3" for place in range(150))
    found = check(f"code | n\n{rows}")
    assert len(found.findings) == 101
    assert found.findings[-1].facts["more"] == 50
    assert found.verdict is Verdict.FAIL


def test_what_the_engine_protected_passes() -> None:
    """The wire form of a protected cube with margins, written as text, has no findings."""
    cells = {
        key: (n,)
        for key, n in zip(product("abc", range(3)), (3, 40, 50, 60, 12, 30, 25, 44, 71), strict=True)
    }
    wire = columns(protect(table_of(cells, subsets(2)), [TEN]))
    text = {
        name: tuple("" if cell is None else str(cell) for cell in column) for name, column in wire.items()
    }
    assert "hidden" in text["m0_status"]
    found = check_table(TableFile("t.csv", text, ("d0", "d1"), ("m0",)), [TEN])
    assert found.findings == ()
    # Written back by hand, the first hidden cell is found.
    place = text["m0_status"].index("hidden")
    opened = list(text["m0_status"])
    opened[place] = "shown"
    values = list(text["m0"])
    values[place] = "12"
    forged = {**text, "m0": tuple(values), "m0_status": tuple(opened)}
    assert check_table(TableFile("t.csv", forged, ("d0", "d1"), ("m0",)), [TEN]).verdict is not Verdict.PASS


@pytest.mark.parametrize(
    ("more", "text", "rules"),
    [
        ({"min_institutions": 3}, "sex | n\nm | 40\nf | 50", ["min_institutions"]),
        ({"dominance": {"n": 2, "k": 90}}, "sex | n\nm | 40\nf | 50", []),
        (
            {"dominance": {"n": 2, "k": 90}, "p_percent": {"p": 10, "n": 1}},
            "sex | n | cost\nm | 40 | 12.5\nf | 50 | 13.5",
            ["dominance", "p_percent"],
        ),
    ],
)
def test_what_a_rule_needs_and_the_file_does_not_say_is_for_a_person(
    more: dict[str, Any], text: str, rules: list[str]
) -> None:
    """Institutions and largest contributions are not in a table of persons; a file under such a rule is not passed."""
    rule_set = RuleSet("more", date(2024, 1, 1), None, "test", ("*",), MinPersons(10, Zero.SHOWN), **more)
    found = check(text, rule_set, dimensions=("sex",), counts=("n",))
    missing = [one for one in found.findings if one.code == "disclosure.evidence_missing"]
    assert [one.facts["rule"] for one in missing] == rules
    assert {one.verdict for one in missing} <= {Verdict.HUMAN}
    assert found.verdict is (Verdict.HUMAN if rules else Verdict.PASS)
