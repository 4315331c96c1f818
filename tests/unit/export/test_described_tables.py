"""A table that leaves with a description of its columns: judged by it, and by everything that would stand without it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import yaml
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from enclave.core.refusal import Refused
from enclave.disclosure.answers.table import Measure, MeasureKind, ProtectedRow, ProtectedTable, Shown
from enclave.disclosure.criteria.rules import RuleSet, parse
from enclave.export.described import UNDESCRIBED
from enclave.export.flow import check
from enclave.export.history import Matched
from enclave.export.request import (
    CheckedFile,
    CheckedSubmission,
    Described,
    Finding,
    Submission,
    TableItem,
    Verdict,
)
from enclave.gateway.exports import submission_of
from tests.fakes.custody_site import a_permit

PERMIT = a_permit(outputs=[{"id": "t1", "kind": "table", "title": "…", "dimensions": ["sex"]}])


def rules(**more: Any) -> tuple[RuleSet, ...]:
    said = {
        "id": "example", "valid_from": "2024-01-01", "valid_to": None, "source": "test",
        "scope": {"databases": ["*"]}, "min_persons": {"n": 10, "zero": "shown"}, **more,
    }  # fmt: skip
    return (parse(said),)


def unknown(_: str) -> ProtectedTable:
    raise Refused("query.unknown")


def first_ever(_: Sequence[Matched], __: Sequence[int]) -> Mapping[int, Sequence[Finding]]:
    return {}


def checked(
    csv: str,
    description: object,
    evidence: str | None = None,
    binding: tuple[RuleSet, ...] = rules(),
    **more: Any,
) -> CheckedFile:
    """One table of a submission, as the gateway reads it."""
    item = {
        "kind": "table",
        "name": "table.csv",
        "csv": csv,
        "description": description,
        "evidence": evidence,
        **more,
    }
    submission = submission_of({"output": "t1", "purpose": "a poster", "items": [item]})
    return check(submission, PERMIT, binding, unknown, first_ever).files[0]


def told(file: CheckedFile) -> dict[str, Finding]:
    """Findings by code; of two the one that the description gives."""
    return {one.code: one for one in reversed(file.findings)}


AGES = "age,n\n40-44,120\n45-49,95\n"
FINE = "age,n\n40-41,120\n42-44,95\n"
SAID = {"dimensions": {"age": {"is": "age", "width": 5}}, "counts": ["n"]}
AGE_RULE = rules(age={"bands": 5, "top": 100})


def test_ages_are_judged_where_a_description_says_that_they_are_ages() -> None:
    """A band finer than the rule fails; the same table in bands of five does not."""
    assert "disclosure.age_bands" in told(checked(FINE, SAID, binding=AGE_RULE))
    assert told(checked(FINE, SAID, binding=AGE_RULE))["disclosure.age_bands"].verdict is Verdict.FAIL
    assert checked(AGES, SAID, binding=AGE_RULE).verdict is Verdict.HUMAN


def test_roles_that_nobody_declared_are_those_of_the_description() -> None:
    """What is recorded as declared says so."""
    file = checked(AGES, SAID)
    assert (file.declared["dimensions"], file.declared["counts"]) == (["age"], ["n"])


SUMS = "town,n,cost\na,40,1000.5\nb,50,900\n"
BY_EVIDENCE = "{dimensions: {town: {}}, counts: [n], values: {cost: {statistic: sum, largest: [m1, m2]}}, evidence: e.csv}"
DOMINANCE = rules(dominance={"n": 2, "k": 90})


def test_a_sum_is_judged_by_the_evidence_that_comes_with_it_and_does_not_leave() -> None:
    """Two contributors that make nearly all of a sum fail it."""
    bad = checked(SUMS, BY_EVIDENCE, "town,m1,m2\na,500,420\nb,20,10\n", DOMINANCE)
    assert told(bad)["disclosure.dominance"].verdict is Verdict.FAIL
    good = checked(SUMS, BY_EVIDENCE, "town,m1,m2\na,30,20\nb,20,10\n", DOMINANCE)
    assert good.verdict is Verdict.HUMAN
    assert good.data == SUMS.encode()


def test_evidence_takes_away_no_finding_that_stands_without_it() -> None:
    """What nobody recomputed is said twice: as described, and as it stands without a description, marked as such."""
    bare = checked(SUMS, None, None, DOMINANCE, dimensions=["town"], counts=["n"])
    good = checked(SUMS, BY_EVIDENCE, "town,m1,m2\na,30,20\nb,20,10\n", DOMINANCE)
    assert {one.code for one in bare.findings} <= {one.code for one in good.findings}
    missing = told(good)["disclosure.evidence_missing"]
    assert missing.verdict is Verdict.HUMAN
    assert missing.facts[UNDESCRIBED] is True
    assert told(good)["export.described"].verdict is Verdict.HUMAN


_COUNT = st.integers(min_value=0, max_value=40)
_COLUMNS = ["sex", "n", "m", "age", "share"]
_WORDS = st.sampled_from([*_COLUMNS, "nothing"])
_DESCRIPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "dimensions": st.dictionaries(_WORDS, st.sampled_from([{}, {"is": "age", "width": 5}, {"is": "muni"}]), max_size=3),
        "counts": st.lists(_WORDS, max_size=2),
        "values": st.dictionaries(
            _WORDS, st.sampled_from([{"statistic": "quantity", "route": "oral"}, {"statistic": "sum", "largest": ["m"]}]), max_size=3
        ),
        "institutions": _WORDS,
        "group": _WORDS,
    },
)  # fmt: skip


@seed(20_240_918)
@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(_COUNT, _COUNT, st.integers(0, 90)), min_size=1, max_size=5),
    _DESCRIPTIONS,
    st.booleans(),
)
def test_whatever_a_description_says_no_finding_is_lost(
    rows: list[tuple[int, int, int]], said: dict[str, Any], institutions: bool
) -> None:
    """Any description, true or a lie: every finding of the same table without it is there, or the description is turned back."""
    lines = [f"{sex},{n},{m},{age},{n / 4}" for sex, (n, m, age) in zip("abcde", rows, strict=False)]
    csv = "\n".join([",".join(_COLUMNS), *lines]) + "\n"
    binding = rules(age={"bands": 5}, **({"min_institutions": {"n": 3}} if institutions else {}))
    declared = {"dimensions": ["sex"], "counts": ["n"]}
    bare = checked(csv, None, None, binding, **declared)
    file = checked(csv, said, None, binding, **declared)
    if any(one.code in ("disclosure.spec_invalid", "disclosure.column_missing") for one in file.findings):
        assert file.verdict is Verdict.FAIL
        return
    there = {(one.code, one.verdict, str(dict(one.where))) for one in file.findings}
    assert {(one.code, one.verdict, str(dict(one.where))) for one in bare.findings} <= there


BAD: dict[str, tuple[object, str | None, str, str]] = {
    "an unknown key": ({"dimension": {}}, None, "disclosure.spec_invalid", "dimension"),
    "an unknown statistic": (
        {"values": {"n": {"statistic": "median"}}}, None, "disclosure.spec_invalid", "values.n.statistic",
    ),
    "a list": ("[1, 2]", None, "disclosure.spec_invalid", "description"),
    "no YAML": ("dimensions: {age: [}", None, "disclosure.spec_invalid", "description:1"),
    "a key twice": ("counts: [n]\ncounts: []\n", None, "disclosure.spec_invalid", "description:2"),
    "a reference": ("counts: &c [n]\ndimensions: *c\n", None, "disclosure.spec_invalid", "description:2"),
    "far too long": ("#" * 20_000, None, "disclosure.spec_invalid", "description"),
    "deep": ("[" * 9_000, None, "disclosure.spec_invalid", "description"),
    "turned around": ("counts: [n] # \u202ex\n", None, "disclosure.spec_invalid", "line 1"),
    "a column that is nowhere": ({"counts": ["persons"]}, None, "disclosure.column_missing", "description"),
    "evidence that did not come": ({"evidence": "e.csv"}, None, "disclosure.spec_invalid", "evidence"),
    "evidence of other rows": (
        {"dimensions": {"age": {}}}, "town,m\na,1\n", "disclosure.column_missing", "description",
    ),
    "evidence that says a row twice": (
        {"dimensions": {"age": {}}}, "age,m\n40-44,1\n40-44,2\n", "disclosure.duplicate_row", "evidence",
    ),
    "evidence that is no table": ({"counts": ["n"]}, 'a"b\n"', "export.csv_form", "evidence"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_description_that_cannot_be_used_turns_the_table_back_with_its_place(case: str) -> None:
    """A code and where in the description or the evidence; never a description that is left aside silently."""
    description, evidence, code, place = BAD[case]
    file = checked(AGES, description, evidence)
    assert file.verdict is Verdict.FAIL
    found = told(file)[code]
    assert str(found.where["place"]).startswith(place)


@pytest.mark.parametrize(
    ("description", "evidence"), [(7, None), (None, "age,m\n"), (["n"], None), ("\ud800", None), ({}, 3)]
)
def test_what_is_no_description_at_all_is_no_submission(description: object, evidence: object) -> None:
    """Of another type, or evidence without a description: 400 with the place."""
    with pytest.raises(Refused) as no:
        checked(AGES, description, evidence)  # type: ignore[arg-type]
    assert no.value.code == "export.malformed"
    assert no.value.facts["place"] in ("items[0].description", "items[0].evidence")


def digest(*described: Described | None) -> str:
    items = tuple(
        TableItem(f"{n}.csv", AGES.encode(), ("age",), ("n",), None, one) for n, one in enumerate(described)
    )
    return str(submitted(items).digest)


def submitted(items: tuple[TableItem, ...]) -> CheckedSubmission:
    return check(Submission("t1", "a poster", items), PERMIT, rules(), unknown, first_ever)


def test_the_votes_are_for_the_description_and_the_evidence_too() -> None:
    """Another description, other evidence, or the same moved to another file is another export."""
    text = yaml.safe_dump(SAID).encode()
    one = Described(text, SAID)
    with_evidence = Described(text, SAID, b"age,m\n40-44,1\n45-49,2\n")
    digests = [
        digest(None, None), digest(one, None), digest(None, one), digest(one, one),
        digest(Described(text + b" ", SAID), None), digest(with_evidence, None),
        digest(Described(text, SAID, b"age,m\n40-44,1\n45-49,3\n"), None),
    ]  # fmt: skip
    assert len(set(digests)) == len(digests)


def test_beside_a_receipt_a_description_adds_the_rules_that_it_breaks() -> None:
    """Numbers are recomputed; that the categories are ages is what only the description says."""
    answer = ProtectedTable(
        ("age",),
        (Measure("n", MeasureKind.COUNT),),
        (ProtectedRow(("40-41",), (Shown(120),)), ProtectedRow(("42-44",), (Shown(95),))),
        ("example",),
    )
    item = TableItem("table.csv", FINE.encode(), receipt="q-1", described=Described(b"{}", SAID))
    institutions = rules(age={"bands": 5}, min_institutions={"n": 3})
    submission = Submission("t1", "a poster", (item,))
    file = check(submission, PERMIT, institutions, lambda _: answer, first_ever).files[0]
    assert {one.code: one.verdict for one in file.findings} == {
        "export.matches_receipt": Verdict.PASS,
        "disclosure.age_bands": Verdict.FAIL,
    }
