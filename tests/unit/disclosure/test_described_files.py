"""Files whose columns are described: every rule about single cells, and categories, judged by what the evidence says."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from enclave.core.refusal import Refused
from enclave.disclosure.criteria.rules import MinPersons, PopulationTier, RuleSet, Zero, combine
from enclave.disclosure.files.age_bands import bands_of
from enclave.disclosure.files.description import attach, parse
from enclave.disclosure.files.examine import Finding, TableFile, Verdict, examine
from enclave.rehearsal import checking

POLICIES = Path(__file__).resolve().parents[3] / "policies"


def rule_set(**more: Any) -> RuleSet:
    return RuleSet("ten", date(2024, 1, 1), None, "test", ("*",), MinPersons(10, Zero.SHOWN), **more)


def table(text: str) -> dict[str, tuple[str, ...]]:
    head, *rows = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return {name: tuple(row[place] for row in rows) for place, name in enumerate(head)}


def found(text: str, said: str, rules: RuleSet, evidence: str = "") -> list[Finding]:
    description = parse(yaml.safe_load(said))
    columns = table(text)
    attached = attach(description, columns, table(evidence)) if evidence else {}
    return list(
        examine(
            TableFile("t.csv", columns, description=description, attached=attached), combine([rules])
        ).findings
    )


def codes(findings: list[Finding]) -> set[str]:
    return {one.code.removeprefix("disclosure.") for one in findings}


NK = {"dominance": {"n": 2, "k": 90}}
STATISTICS = {"statistics": {"min_df": 10, "quantile_margin": 10, "survival_at_risk": 10}}
SUM = "{dimensions: {town: {}}, counts: [n], values: {cost: {statistic: sum, largest: [m1, m2]}}, evidence: e.csv}"

CASES: dict[str, tuple[str, str, dict[str, Any], str, set[str]]] = {
    "institutions, enough": (
        "sex | n | hospitals\nm | 40 | 3\nf | 50 | 5",
        "{dimensions: {sex: {}}, counts: [n], institutions: hospitals}",
        {"min_institutions": 3}, "", set(),
    ),
    "institutions, too few": (
        "sex | n | hospitals\nm | 40 | 2\nf | 50 | 5",
        "{dimensions: {sex: {}}, counts: [n], institutions: hospitals}",
        {"min_institutions": 3}, "", {"few_institutions"},
    ),
    "institutions, in a table of evidence": (
        "sex | n\nm | 40\nf | 50", "{dimensions: {sex: {}}, counts: [n], institutions: h, evidence: e.csv}",
        {"min_institutions": 3}, "sex | h\nf | 1\nm | 9", {"few_institutions"},
    ),
    "a row that the evidence has not": (
        "sex | n\nm | 40\nf | 50", "{dimensions: {sex: {}}, counts: [n], institutions: h, evidence: e.csv}",
        {"min_institutions": 3}, "sex | h\nm | 9", {"evidence_missing"},
    ),
    "a sum that two make": (
        "town | n | cost\na | 40 | 1000.5\nb | 50 | 900", SUM, NK,
        "town | m1 | m2\na | 500 | 420\nb | 20 | 10", {"dominance"},
    ),
    "a sum of many": (
        "town | n | cost\na | 40 | 1000.5\nb | 50 | 900", SUM, NK, "town | m1 | m2\na | 30 | 20\nb | 20 | 10", set(),
    ),
    "a sum whose largest are missing": (
        "town | n | cost\na | 40 | 1000.5\nb | 50 | 900", SUM, NK, "town | m1 | m2\na | 30 | 20\nb | |",
        {"evidence_missing"},
    ),
    "largest contributions that would leave": (
        "town | n | cost | m1 | m2\na | 40 | 1000.5 | 30 | 20\nb | 50 | 900 | 20 | 10",
        SUM.replace(", evidence: e.csv", ""), NK, "", {"evidence_shown"},
    ),
    "contributions above their sum": (
        "town | n | cost\na | 40 | 1000.5\nb | 50 | 900", SUM, NK, "town | m1 | m2\na | 3000 | 20\nb | 20 | 10",
        {"evidence_invalid"},
    ),
    "a rate of few": (
        "sex | n | rate | dead\nm | 400 | 0.01 | 4\nf | 500 | 0.1 | 50",
        "{dimensions: {sex: {}}, counts: [n], values: {rate: {statistic: ratio, numerator: dead}}}", {}, "",
        {"small_numerator"},
    ),
    "a quantile near the end": (
        "sex | n | p95\nm | 100 | 8.5\nf | 400 | 9.5",
        "{dimensions: {sex: {}}, counts: [n], values: {p95: {statistic: quantile, below: b, above: a}}, evidence: e}",
        STATISTICS, "sex | b | a\nm | 95 | 5\nf | 380 | 20", {"quantile_margin"},
    ),
    "the largest value": (
        "sex | n | oldest\nm | 100 | 99.5\nf | 400 | 98.5",
        "{dimensions: {sex: {}}, counts: [n], values: {oldest: {statistic: extreme, at: k}}, evidence: e}",
        STATISTICS, "sex | k\nm | 1\nf | 12", {"extreme"},
    ),
    "few at risk": (
        "year | n | alive\n1 | 100 | 0.9\n2 | 100 | 0.5",
        "{dimensions: {year: {}}, counts: [n], values: {alive: {statistic: survival, at_risk: r}}, evidence: e}",
        STATISTICS, "year | r\n1 | 100\n2 | 6", {"few_at_risk"},
    ),
    "few degrees of freedom": (
        "term | n | b\nage | 14 | 0.5\nsex | 14 | 0.2",
        "{dimensions: {term: {}}, counts: [n], values: {b: {statistic: model, df: d}}, evidence: e}",
        STATISTICS, "term | d\nage | 9\nsex | 9", {"few_degrees_of_freedom"},
    ),
    "units of a drug of unknown persons": (
        "drug | units\na | 999.5\nb | 4000",
        "{dimensions: {drug: {}}, values: {units: {statistic: quantity, route: oral}}}",
        {"quantities": {"oral": 1000, "injection": 400}}, "", {"small_quantity"},
    ),
    "a town by its inhabitants": (
        "town | n | pop\na | 19 | 8000\nb | 20 | 8000\nc | 11 | 90000\ntotal | 50 | ",
        "{dimensions: {town: {is: muni, population: pop}}, counts: [n]}",
        {"min_persons_by_population": (PopulationTier(2000, None), PopulationTier(25000, 20))}, "", {"small_cell"},
    ),
    "a village": (
        "town | n | pop\na | 19 | 1500\nb | 20 | 80000",
        "{dimensions: {town: {is: muni, population: pop}}, counts: [n]}",
        {"min_persons_by_population": (PopulationTier(2000, None),)}, "", {"no_counts"},
    ),
    "nearly all of a group": (
        "sex | n\nm | 95\nf | 12\ntotal | 107", "{dimensions: {sex: {}}, counts: [n]}", {"group": {"share": 88}}, "",
        {"group_share"},
    ),
    "a group in two parts": (
        "sex | n\nm | 60\nf | 47\ntotal | 107", "{dimensions: {sex: {}}, counts: [n]}", {"group": {"share": 88}}, "",
        set(),
    ),
    "counts that nobody rounded": (
        "sex | n\nm | 95\nf | 12", "{dimensions: {sex: {}}, counts: [n]}",
        {"rounding": {"redact_at_most": 7, "base": 5, "midpoint": 0}}, "", {"not_rounded"},
    ),
    "single years of age": (
        "age | n\n80 | 40\n81 | 50", "{dimensions: {age: {is: age}}, counts: [n]}", {"age": {"bands": 5, "top": 100}},
        "", {"age_bands"},
    ),
    "fives, written by their lower ends": (
        "age | n\n80 | 40\n85 | 50\n合計 | 90", "{dimensions: {age: {is: age, width: 5}}, counts: [n]}",
        {"age": {"bands": 5, "top": 100}}, "", set(),
    ),
    "ages in words that nobody reads": (
        "age | n\nold | 40\nolder | 50", "{dimensions: {age: {is: age}}, counts: [n]}",
        {"age": {"bands": 5, "top": 100}}, "", {"evidence_missing"},
    ),
    "a municipality with the kind of insurer": (
        "town | who | n\na | x | 40\na | y | 50",
        "{dimensions: {town: {is: muni}, who: {is: insurer_kind}}, counts: [n]}",
        {"area": {"finest": "muni", "forbidden_with": ["insurer_kind"]}}, "", {"crossing"},
    ),
    "an area that is too fine": (
        "town | n\na | 40\nb | 50", "{dimensions: {town: {is: muni}}, counts: [n]}", {"area": {"finest": "pref"}},
        "", {"area_too_fine"},
    ),
    "the hour of a death": (
        "hour | n\n0 | 40\n1 | 50", "{dimensions: {hour: {is: death_time, hours: 1}}, counts: [n]}",
        {"death": {"hours": 2}}, "", {"death_item"},
    ),
    "the number of siblings": (
        "k | n\n0 | 40\n1 | 50", "{dimensions: {k: {is: siblings}}, counts: [n]}", {"death": {"grouped": ["siblings"]}},
        "", {"death_item"},
    ),
    "siblings in groups": (
        "k | n\n0-1 | 40\n2以上 | 50", "{dimensions: {k: {is: siblings}}, counts: [n]}",
        {"death": {"grouped": ["siblings"]}}, "", set(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_described_file_is_judged_by_every_rule(name: str) -> None:
    """Each rule, broken and kept, by the evidence that a description names."""
    text, said, rules, evidence, expected = CASES[name]
    assert codes(found(text, said, rule_set(**rules), evidence)) == expected


def test_two_hidden_cells_may_be_too_close_for_a_set_that_asks_for_more() -> None:
    """An interval of four numbers is enough for most sets and not for one that asks for ten."""
    text = "sex | n\na | *\nb | *\nc | 50\nall | 65"
    said = "{dimensions: {sex: {}}, counts: [n]}"
    assert codes(found(text, said, rule_set())) == set()
    assert codes(found(text, said, rule_set(min_whole_numbers=20))) == {"narrow"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("age | n\n80 | 40\n81 | 50", "age_bands"),
        ("市区町村 | 保険者種別 | n\na | x | 40\na | y | 50", "crossing"),
    ],
)
def test_without_a_description_a_column_s_name_brings_a_person(text: str, code: str) -> None:
    """What a column is called is no evidence; it is enough not to pass."""
    rules = combine([rule_set(age={"bands": 5}, area={"finest": "muni", "forbidden_with": ["insurer_kind"]})])
    (finding,) = examine(TableFile("t.csv", table(text)), rules).findings
    assert (finding.code, finding.verdict) == (f"disclosure.{code}", Verdict.HUMAN)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("{dimension: {}}", "spec_invalid"),
        ("[1]", "spec_invalid"),
        ("{dimensions: [sex]}", "spec_invalid"),
        ("{dimensions: {sex: {is: age, width: 0}}}", "spec_invalid"),
        ("{dimensions: {sex: {is: death_time}}}", "spec_invalid"),
        ("{dimensions: {sex: {}}, values: {x: {statistic: count}}}", "spec_invalid"),
        ("{dimensions: {sex: {}}, values: {x: {statistic: sum, df: d}}}", "spec_invalid"),
        ("{dimensions: {sex: {}}, values: {x: {statistic: quantity, route: air}}}", "spec_invalid"),
        ("{dimensions: {sex: {}}, counts: n}", "spec_invalid"),
        ("{dimensions: {six: {}}, counts: [n]}", "column_missing"),
        ("{dimensions: {sex: {}}, counts: [n], institutions: h}", "column_missing"),
        ("{dimensions: {sex: {}}, counts: [n], evidence: nowhere.csv}", "file_missing"),
        ("{dimensions: {sex: {}}, counts: [n], evidence: twice.csv}", "duplicate_row"),
    ],
)
def test_a_description_that_does_not_fit_is_refused_and_nothing_passes(
    tmp_path: Path, said: str, code: str
) -> None:
    """A misspelt column would leave a rule without what it needs."""
    (tmp_path / "t.csv").write_text("sex,n\nm,40\nf,50\n")
    (tmp_path / "twice.csv").write_text("sex,h\nm,40\nm,50\n")
    (tmp_path / "d.yaml").write_text(said)
    assert outcome(tmp_path) == f"disclosure.{code}"


def outcome(folder: Path) -> str:
    """The code of the refusal, or of the only finding."""
    try:
        (checked,) = checking.check([folder / "t.csv"], ["ndb-2024-09"], POLICIES, folder / "d.yaml")
    except Refused as no:
        return no.code
    (finding,) = checked.findings
    return "passed" if checked.verdict is Verdict.PASS else finding.code


def test_evidence_beside_the_file_makes_a_table_of_means_safe(tmp_path: Path) -> None:
    """The counts are attached and do not leave; without them the same file goes to a person."""
    (tmp_path / "t.csv").write_text("sex,mean_bmi\nm,22.25\nf,23.5\n")
    (tmp_path / "e.csv").write_text("sex,n\nf,50\nm,40\n")
    said = "{dimensions: {sex: {}}, counts: [n], values: {mean_bmi: {statistic: mean}}, evidence: e.csv}"
    (tmp_path / "d.yaml").write_text(said)
    (bare,) = checking.check([tmp_path / "t.csv"], ["ndb-2024-09"], POLICIES)
    (checked,) = checking.check([tmp_path / "t.csv"], ["ndb-2024-09"], POLICIES, tmp_path / "d.yaml")
    assert (bare.verdict, checked.verdict) == (Verdict.HUMAN, Verdict.PASS)
    (tmp_path / "e.csv").write_text("sex,n\nf,5\nm,40\n")
    (checked,) = checking.check([tmp_path / "t.csv"], ["ndb-2024-09"], POLICIES, tmp_path / "d.yaml")
    assert [one.code for one in checked.findings] == ["disclosure.small_cell"]


@pytest.mark.parametrize(
    ("cells", "bands"),
    [
        (["0～4歳", "5-9歳", "90歳以上", "総計", ""], ((0, 5), (5, 10), (90, None))),
        (["<65", "65 to 69", "70+"], ((0, 65), (65, 70), (70, None))),
        (["[60,65)", "65歳以上70歳未満", "≥70"], ((60, 65), (65, 70), (70, None))),
        (["７０", "７１"], ((70, 71), (71, 72))),
        (["65歳未満", "64以下"], ((0, 65),)),
        (["young"], None),
        (["9-5"], None),
    ],
)
def test_bands_are_read_as_people_write_them(cells: list[str], bands: object) -> None:
    """From and to, the end excluded; what cannot be read is not guessed."""
    assert bands_of(cells) == bands
