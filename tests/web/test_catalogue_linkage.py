"""Linkage, from the public matrix over the form to the permit: what the matrix does not allow is refused by rule."""

from dataclasses import replace
from typing import Any

import pytest

from enclave.adapters.descriptor_files import write_descriptor
from enclave.adapters.policy_server import PolicyServer
from enclave.application import dataset, flow
from enclave.application.linkage import POLICY, pair_facts
from enclave.application.review import Opinion
from enclave.catalogue.linkage import Link, LinkageRules, linkage
from enclave.catalogue.packaged import PLANNED, PUBLIC, linkage_rules, packaged
from enclave.core.ids import ApplicationId, DatabaseId, PersonId
from enclave.core.refusal import Refused
from enclave.core.roles import Role
from enclave.portal.applications import ports_of
from tests.fakes.portal_site import PortalSite
from tests.web.application_form import FILLED
from tests.web.page_checks import words

RULES = linkage_rules()
LINKED = {
    **FILLED,
    "columns": ["ndb.rcpt.pid", "ndb.rcpt.sex", "kaigo.cert.pid", "kaigo.cert.care_level"],
    "links": ["kaigo", "ndb"],
    "linkage_reason": "To follow persons from hospital into care.",
    "output_dimensions": ["sex, care_level", ""],
}


@pytest.fixture
def public(portal: PortalSite) -> PortalSite:
    """Four of the public databases are registered."""
    for name in ("ndb", "kaigo", "cancer", "welfare"):
        write_descriptor(packaged()[DatabaseId(name)], portal.site.catalogue)
    return portal


def test_the_policy_and_the_matrix_say_the_same_of_every_pair_on_every_day_of_change(
    opa: PolicyServer,
) -> None:
    """Two readings of the same rows, one in Rego and one in Python, agree."""
    for day in RULES.days():
        facts = pair_facts((*PUBLIC, PLANNED), RULES, {})
        asked = {"step": "submit", "at": day.isoformat(), "pairs": facts, "apart": [], **dataset.NOTHING}
        refused = {tuple(pair) for pair in opa.decide(POLICY, asked)["obligations"]["pairs"]}
        for a, b in (tuple(one["pair"]) for one in facts):
            allowed = isinstance(linkage(RULES, DatabaseId(a), DatabaseId(b), day), Link)
            assert allowed == ((a, b) not in refused), f"{a} × {b} on {day}"


def test_what_the_matrix_allows_becomes_a_group_of_the_permit(public: PortalSite, browse: Any) -> None:
    """Asked for with a reason, seen by the committee, signed."""
    tanaka = browse("tanaka")
    tanaka.get("/applications/new")
    tanaka.press("submit-application", **LINKED)
    application = str(tanaka.answer.request.url).rsplit("/", 1)[-1]
    for member in ("sato", "suzuki"):
        reviewer = browse(member)
        page = reviewer.get(f"/reviews/{application}").text
        assert "To follow persons from hospital into care." in page
        assert 'data-pair="kaigo ndb"' in page
        for _ in ("kaigo", "ndb"):
            reviewer.press("give-opinion", opinion="approve", comment="Agreed.")
            reviewer.get(f"/reviews/{application}")
    from enclave.adapters.permit_records import permit_by_id

    permit = permit_by_id(public.records, "p-2026-0001", public.deps.trusted()).permit
    assert permit.linkage_groups == (("kaigo", "ndb"),)


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize(
    ("other", "columns", "ja", "en"),
    [
        ("cancer", ["cancer.reg.topo"], "他のデータベースと連結しない", "linked with no other database"),
        ("welfare", ["welfare.cert.support_level"], "連結は未定", "Linkage is undecided"),
        ("nafld", ["nafld.patients.age"], "認める定めがない", "No rule allows this pair"),
    ],
)
def test_what_the_matrix_does_not_allow_is_refused_naming_the_pair_and_the_ground(
    public: PortalSite, browse: Any, language: str, other: str, columns: list[str], ja: str, en: str
) -> None:
    """It stays a draft, nothing is submitted."""
    tanaka = browse("tanaka", language)
    tanaka.get("/applications/new")
    asked = {
        **LINKED,
        "columns": ["ndb.rcpt.pid", *columns],
        "links": ["ndb", other],
    }
    said = words(tanaka.press("submit-application", status=422, **asked) and tanaka.page)
    assert (ja if language == "ja" else en) in said
    assert "NDB" in said
    assert 'data-state="submitted"' not in tanaka.get("/applications").text


def test_two_databases_that_may_not_be_linked_may_still_be_asked_for_side_by_side(
    public: PortalSite, browse: Any
) -> None:
    """Each with pseudonyms of its own."""
    tanaka = browse("tanaka")
    tanaka.get("/applications/new")
    asked = {**LINKED, "columns": ["ndb.rcpt.pid", "cancer.reg.pid", "cancer.reg.topo"], "links": []}
    tanaka.press("submit-application", **asked)
    assert 'data-state="submitted"' in tanaka.answer.text


def test_the_form_says_at_once_what_cannot_be_linked(public: PortalSite, browse: Any) -> None:
    """While someone ticks, pair by pair."""
    tanaka = browse("tanaka")
    page = tanaka.get("/applications/new").text
    assert 'hx-get="/applications/linkage"' in page
    # The form around it sends nothing of what is typed; without this the question would arrive empty.
    assert 'hx-params="links"' in page
    text = tanaka.get("/applications/linkage?links=ndb&links=kaigo&links=cancer", hx_request="true").text
    assert 'class="can" data-pair="kaigo ndb"' in text
    assert 'class="cannot" data-pair="cancer ndb"' in text
    assert 'class="cannot" data-pair="cancer kaigo"' in text
    assert "linked with no other database" in text
    assert "data-pair" not in tanaka.get("/applications/linkage?links=ndb", hx_request="true").text
    browse().get("/applications/linkage?links=ndb", status=303, follow=False)


def test_what_is_typed_is_not_lost_while_the_policy_server_is_silent(public: PortalSite, browse: Any) -> None:
    """The form comes back with everything, and says why."""
    tanaka = browse("tanaka")
    tanaka.get("/applications/new")
    public.policy.silent = True
    page = tanaka.press("submit-application", status=503, **LINKED).text
    assert "policy.unavailable" in page
    assert "To follow persons from hospital into care." in page


def test_columns_that_hide_others_are_refused_together(public: PortalSite, browse: Any) -> None:
    """The prefecture beside the code of an intractable disease."""
    tanaka = browse("tanaka")
    tanaka.get("/applications/new")
    asked = {**LINKED, "columns": ["welfare.cert.nanbyo_no", "welfare.cert.pref_code"], "links": []}
    said = words(tanaka.press("submit-application", status=422, **asked) and tanaka.page)
    assert "cannot ask for “welfare.cert.pref_code”" in said


def test_a_rule_that_ended_during_the_review_grants_nothing(public: PortalSite, browse: Any) -> None:
    """The last opinion is not taken, and no permit exists."""
    tanaka = browse("tanaka")
    tanaka.get("/applications/new")
    tanaka.press("submit-application", **LINKED)
    application = ApplicationId(str(tanaka.answer.request.url).rsplit("/", 1)[-1])
    ended = replace(ports_of(public.deps), linkage=LinkageRules((), (), ()))
    given = [(m, d) for m in ("sato", "suzuki") for d in ("kaigo", "ndb")]
    for member, database in given[:-1]:
        reviewer = flow.Reviewer(PersonId(member), frozenset({Role.COMMITTEE}))
        flow.opine(ended, reviewer, application, database, Opinion.APPROVE, comment="Agreed.")
    last = flow.Reviewer(PersonId("suzuki"), frozenset({Role.COMMITTEE}))
    with pytest.raises(Refused) as no:
        flow.opine(ended, last, application, "ndb", Opinion.APPROVE, comment="Agreed.")
    assert no.value.code == "application.linkage_not_permitted"
    assert ended.applications.stored(application).decided_at is None
