"""From the first word of an application to the signed permit, page by page."""

import json
from typing import Any

from enclave.adapters import edge
from enclave.adapters import records_schema as t
from enclave.adapters.signing import verify_permit
from enclave.audit.ledger import Sought
from enclave.core.event import Actor, Thing
from tests.fakes.portal_site import PortalSite
from tests.web.application_form import FILLED, approved
from tests.web.page_checks import check_page, words


def test_two_approvals_bring_a_signed_permit_with_exactly_what_was_asked(
    portal: PortalSite, browse: Any
) -> None:
    """The permit grants the columns that were ticked, to the members who were named, and its signature verifies."""
    approved(browse)
    permit = portal.permit("nafld-fib")
    assert permit.permit_id == "p-2026-0001"
    assert permit.databases["nafld"]["patients"].columns == ("pid", "age", "male", "bmi", "status")
    assert permit.handlers == ("tanaka",)
    assert permit.rule_sets == ("ndb-2024-09",)
    assert permit.checkers == 2
    assert [o.id for o in permit.outputs] == ["t1", "f1"]
    page = browse("tanaka").get(f"/permits/{permit.permit_id}").text
    assert 'data-signature="verified"' in page
    envelope = json.loads(browse("tanaka").get(f"/permits/{permit.permit_id}/envelope.json").text)
    assert verify_permit(envelope, portal.deps.trusted()) == permit


def test_every_step_is_in_the_log_under_the_project(portal: PortalSite, browse: Any) -> None:
    """An auditor who filters by project sees the story from the first draft to the permit."""
    approved(browse)
    actions = [
        str(e.leaf["action"]) for e in reversed(portal.ledger.search(Sought(project="nafld-fib")).entries)
    ]
    assert actions == [
        "application.created",
        "application.submitted",
        "application.opinion_given",
        "application.opinion_given",
        "application.approved",
        "permit.granted",
    ]


def test_one_approval_is_not_enough(portal: PortalSite, browse: Any) -> None:
    """With one opinion the application stays in review and there is no permit."""
    tanaka = browse("tanaka")
    tanaka.get("/applications/new")
    tanaka.press("submit-application", **FILLED)
    application = str(tanaka.answer.request.url).rsplit("/", 1)[-1]
    sato = browse("sato")
    sato.get(f"/reviews/{application}")
    sato.press("give-opinion", opinion="approve")
    assert 'data-state="under_review"' in sato.answer.text
    assert "give-opinion" not in sato.answer.text
    browse("tanaka").get("/projects/nafld-fib", status=404)


def test_two_refusals_refuse_it(browse: Any) -> None:
    """The applicant reads the decision on the application's page."""
    tanaka = browse("tanaka")
    tanaka.get("/applications/new")
    tanaka.press("submit-application", **FILLED)
    application = str(tanaka.answer.request.url).rsplit("/", 1)[-1]
    for member in ("sato", "suzuki"):
        reviewer = browse(member)
        reviewer.get(f"/reviews/{application}")
        reviewer.press("give-opinion", opinion="refuse", comment="Not minimal.")
    assert 'data-state="refused"' in tanaka.get(f"/applications/{application}").text


def test_an_opinion_sent_twice_counts_once(portal: PortalSite, browse: Any) -> None:
    """A double click leads to the same page and leaves one opinion in the log."""
    tanaka = browse("tanaka")
    tanaka.get("/applications/new")
    tanaka.press("submit-application", **FILLED)
    application = str(tanaka.answer.request.url).rsplit("/", 1)[-1]
    sato = browse("sato")
    page = sato.get(f"/reviews/{application}")
    sato.press("give-opinion", opinion="approve")
    sato.page = check_page(page.text)
    sato.press("give-opinion", opinion="approve")
    given = portal.ledger.search(Sought(action="application.opinion_given")).entries
    assert len(given) == 1


def test_a_committee_member_cannot_review_what_they_are_party_to(portal: PortalSite, browse: Any) -> None:
    """A member of the research team gets a refusal, not a sheet."""
    with portal.records.change(
        edge.event(Actor("o", "operator"), "role.granted", Thing("person", "sato"))
    ) as tx:
        tx.execute(
            t.person_roles.insert().values(
                person="sato", role="researcher", granted_at="2026-01-01T00:00:00Z"
            )
        )
    tanaka = browse("tanaka")
    tanaka.get("/applications/new")
    tanaka.press("submit-application", **{**FILLED, "members": "tanaka sato"})
    application = str(tanaka.answer.request.url).rsplit("/", 1)[-1]
    sato = browse("sato")
    assert "application.own" in sato.get(f"/reviews/{application}", status=403).text
    token = portal.deps.sessions.csrf("sato")
    fields = [("csrf", token), ("database", "nafld"), ("opinion", "approve")]
    assert "application.own" in sato.post(f"/reviews/{application}/opinions", fields, status=403).text


def test_nothing_typed_is_lost_when_a_field_is_wrong(browse: Any) -> None:
    """The form comes back with everything in it, a sentence at each wrong field, and the draft is saved."""
    tanaka = browse("tanaka")
    tanaka.get("/applications/new")
    tanaka.press(
        "submit-application",
        status=422,
        **{**FILLED, "members": "tanaka nobody", "use_to": "2029-12-31", "title": ""},
    )
    shown = words(tanaka.page)
    assert "Nobody is registered as “nobody”." in shown
    assert "At most 2 years" in shown
    assert "To learn whether the FIB-4 index" in shown
    assert 'value="tanaka nobody"' in tanaka.answer.text
    assert 'value="nafld.patients.bmi" checked' in tanaka.answer.text
    tanaka.press("submit-application", title="Mended", members="tanaka", use_to="2027-10-31")
    assert 'data-state="submitted"' in tanaka.answer.text


def test_a_draft_can_be_saved_with_almost_nothing(browse: Any) -> None:
    """Saving asks for no field, and the draft waits on the first page."""
    tanaka = browse("tanaka")
    tanaka.get("/applications/new")
    tanaka.press("save-draft", purpose="An idea <b>&amp; more</b>")
    assert "The draft is saved." in words(tanaka.page)
    assert "An idea <b>&amp; more</b>" in words(tanaka.page)
    assert "Finish your draft application" in words(tanaka.get("/") and tanaka.page)


def test_a_silent_ledger_refuses_and_keeps_what_was_typed(portal: PortalSite, browse: Any) -> None:
    """503 with the form as it was; once the ledger is back, the same form is accepted."""
    tanaka = browse("tanaka")
    tanaka.get("/applications/new")
    portal.ledger.silent = True
    tanaka.press("submit-application", status=503, **FILLED)
    assert "ledger.unavailable" in tanaka.answer.text
    assert "To learn whether the FIB-4 index" in words(tanaka.page)
    portal.ledger.silent = False
    tanaka.press("submit-application")
    assert 'data-state="submitted"' in tanaka.answer.text


def test_a_silent_policy_server_leaves_no_opinion(portal: PortalSite, browse: Any) -> None:
    """No decision without the policy: nothing is written, and the sheet comes back with its words."""
    tanaka = browse("tanaka")
    tanaka.get("/applications/new")
    tanaka.press("submit-application", **FILLED)
    application = str(tanaka.answer.request.url).rsplit("/", 1)[-1]
    sato = browse("sato")
    sato.get(f"/reviews/{application}")
    portal.policy.silent = True
    sato.press("give-opinion", status=503, opinion="approve", comment="A careful thought")
    assert "policy.unavailable" in sato.answer.text
    assert "A careful thought" in words(sato.page)
    assert not portal.ledger.search(Sought(action="application.opinion_given")).entries
    portal.policy.silent = False
    sato.press("give-opinion")
    assert len(portal.ledger.search(Sought(action="application.opinion_given")).entries) == 1


def test_a_project_name_that_another_holds_is_refused(browse: Any) -> None:
    """Names are unique among applications that were submitted."""
    approved(browse)
    mori = browse("mori")
    mori.get("/applications/new")
    mori.press("submit-application", status=422, **{**FILLED, "members": "mori"})
    assert "application.incomplete" in mori.answer.text
    assert "The short name “nafld-fib” is taken." in words(mori.page)


def test_a_draft_is_seen_by_nobody_else(browse: Any) -> None:
    """For anyone but the applicant there is no such application."""
    tanaka = browse("tanaka")
    tanaka.get("/applications/new")
    tanaka.press("save-draft", title="Secret plan")
    draft = str(tanaka.answer.request.url).split("/applications/")[1].split("/")[0]
    for other in ("mori", "sato", "kobayashi"):
        browse(other).get(f"/applications/{draft}", status=404)


def test_a_withdrawn_application_frees_its_name(browse: Any) -> None:
    """After withdrawing, the same name can be submitted again."""
    tanaka = browse("tanaka")
    tanaka.get("/applications/new")
    tanaka.press("submit-application", **FILLED)
    tanaka.press("withdraw-application")
    assert 'data-state="withdrawn"' in tanaka.answer.text
    tanaka.get("/applications/new")
    tanaka.press("submit-application", **FILLED)
    assert 'data-state="submitted"' in tanaka.answer.text


def test_two_windows_do_not_overwrite_each_other_silently(browse: Any) -> None:
    """The second window is told, keeps its words, and may then send them again."""
    one, two = browse("tanaka"), browse("tanaka")
    one.get("/applications/new")
    one.press("save-draft", title="First")
    address = str(one.answer.request.url).split("localhost:9443")[1].split("?")[0]
    two.get(address)
    one.press("save-draft", title="Second")
    two.press("save-draft", status=409, title="Third")
    assert "application.changed" in two.answer.text
    assert 'value="Third"' in two.answer.text
    two.press("save-draft")
    assert 'value="Third"' in one.get(address).text
