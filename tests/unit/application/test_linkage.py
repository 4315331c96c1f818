"""What an application asks for together: the facts that the policy sees, and the sentences that come back."""

from dataclasses import replace
from datetime import date
from typing import Any

from enclave.application import permit
from enclave.application.linkage import APART, NOT_PERMITTED, pair_facts, problems, question
from enclave.application.request import Application, parse
from enclave.catalogue.descriptor import Descriptor
from enclave.catalogue.descriptor import parse as parse_descriptor
from enclave.catalogue.packaged import dossiers, linkage_rules, packaged
from enclave.core.ids import DatabaseId
from enclave.core.permit import TableGrant
from tests.unit.application.test_request import DRAFT, KNOWN, TEXTS

RULES = linkage_rules()
TODAY = date(2026, 11, 21)
NDB, CANCER, WELFARE = DatabaseId("ndb"), DatabaseId("cancer"), DatabaseId("welfare")
TWO = replace(
    KNOWN,
    columns={**KNOWN.columns, "ndb": {"rcpt": ("pid", "sex")}},
)
BOTH = replace(DRAFT, columns=(*DRAFT.columns, "ndb.rcpt.sex"))


def application(**changed: Any) -> Application:
    complete, found = parse(DRAFT, KNOWN)
    assert complete is not None, found
    return replace(complete, **changed)


def codes(**changed: Any) -> list[tuple[str, str]]:
    _, found = parse(replace(BOTH, **changed), TWO)
    return [(p.field, p.code.removeprefix("application.")) for p in found]


def test_linking_needs_two_databases_that_are_asked_for_and_a_reason() -> None:
    """Each with its own sentence."""
    reason = {**TEXTS, "linkage_reason": "To follow persons from claims to the cohort."}
    assert codes() == []
    assert codes(links=("ndb", "nafld"), texts=reason) == []
    assert codes(links=("ndb", "nafld")) == [("linkage_reason", "field_missing")]
    assert codes(links=("ndb",), texts=reason) == [("links", "linkage_of_one")]
    assert codes(links=("ndb", "kaigo"), texts=reason) == [("links", "linkage_without_columns")]


def test_linked_databases_share_a_group_of_the_permit_and_the_others_stand_alone() -> None:
    """Custody gives one pseudonym per person and group."""
    grant = {"t": TableGrant(("pid",))}
    three = {DatabaseId(d): grant for d in ("ndb", "kaigo", "nafld")}
    linked = application(databases=three, links=(DatabaseId("kaigo"), NDB))
    assert permit.linkage_groups(linked) == (("kaigo", "ndb"), ("nafld",))
    assert permit.linkage_groups(application(databases=three)) == (("ndb",), ("kaigo",), ("nafld",))


def test_the_policy_sees_the_rows_and_decides_itself() -> None:
    """No verdict of Python's is among the facts."""
    asked = question("submit", application(links=(CANCER, NDB)), TODAY, RULES, packaged())
    assert asked["at"] == "2026-11-21"
    (pair,) = asked["pairs"]
    assert set(pair) == {"pair", "rows", "alone", "one_register"}
    assert pair["pair"] == ["cancer", "ndb"]
    assert pair["rows"] == []
    assert pair["alone"] == [{"valid_from": "2016-01-01", "valid_to": None, "database": "cancer"}]


def described(name: str, population: str) -> Descriptor:
    table = {"file": "t.csv", "person": "id", "columns": {"x": {"type": "int", "role": "clinical"}}}
    return parse_descriptor({"database": name, "population": population, "tables": {"t": table}})


def test_one_register_counts_between_operators_databases_only() -> None:
    """A public database whose descriptor claims another's register is still held to the matrix."""
    catalogue = {
        DatabaseId("a"): described("a", "town"),
        DatabaseId("b"): described("b", "town"),
        DatabaseId("c"): described("c", "village"),
        NDB: described("ndb", "town"),
    }
    found = {tuple(f["pair"]): f["one_register"] for f in pair_facts(catalogue, RULES, catalogue)}
    assert found[("a", "b")] is True
    assert found[("a", "c")] is False
    assert found[("a", "ndb")] is False


def test_a_denial_names_each_pair_with_its_ground_in_both_languages() -> None:
    """The applicant reads which pair, and why."""
    names = {name: one.names for name, one in dossiers().items()}
    answer = {"allow": False, "deny": [NOT_PERMITTED], "obligations": {"pairs": [["cancer", "ndb"]]}}
    (problem,) = problems(answer, TODAY, RULES, names)
    assert (problem.field, problem.code) == ("links", NOT_PERMITTED)
    assert problem.facts["pair"] == "cancer × ndb"
    assert problem.facts["pair_ja"] == "全国がん登録DB × NDB"
    assert "linked with no other database" in problem.facts["ground_en"]
    assert "他のデータベースと連結しない" in problem.facts["ground_ja"]


def test_columns_on_both_sides_of_a_rule_are_facts_and_a_denial_names_them() -> None:
    """The prefecture beside the code of an intractable disease."""
    cert = {"cert": TableGrant(("pid", "nanbyo_no", "pref_code"))}
    asked = question("submit", application(databases={WELFARE: cert}), TODAY, RULES, packaged())
    both = {"when": ["welfare.cert.nanbyo_no"], "hide": ["welfare.cert.pref_code"]}
    assert asked["apart"] == [both]
    (problem,) = problems({"obligations": {"apart": [both]}}, TODAY, RULES, {})
    assert (problem.field, problem.code) == ("columns", APART)
    assert problem.facts["hide"] == "welfare.cert.pref_code"
