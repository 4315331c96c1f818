"""A larger budget, page by page: applied for by a handler, heard by the committee, in force with the permit's next revision."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from enclave.adapters import edge, query_records
from enclave.adapters import records_schema as t
from enclave.adapters.amendment_records import AmendmentRecords
from enclave.adapters.application_records import enter_grant
from enclave.adapters.permit_records import WorkspaceSession, create_workspace_session
from enclave.adapters.signing import sign_permit, verify_permit
from enclave.application.amendment import State, revised
from enclave.application.flow import Grant
from enclave.audit.ledger import Sought
from enclave.core.event import Actor, Thing
from enclave.core.ids import AmendmentId, PersonId, QueryId, SessionId
from enclave.core.permit import Limits
from enclave.core.refusal import Refused
from tests.fakes.portal_site import PortalSite
from tests.web.application_form import approved
from tests.web.conftest import Browser
from tests.web.page_checks import check_page, words

PROJECT = "/projects/nafld-fib"
WHY = "The sensitivity analysis asks one question per hospital <b>and month</b>."


@pytest.fixture
def tanaka(portal: PortalSite, browse: Any) -> Browser:
    """A handler of a project whose permit is in force and whose extract is built."""
    approved(browse)
    portal.build_extract("nafld-fib")
    browser: Browser = browse("tanaka")
    browser.get(PROJECT)
    return browser


def asked(tanaka: Browser, **typed: str) -> str:
    """An amendment that was submitted; its id."""
    tanaka.get(f"{PROJECT}/amendments/new")
    tanaka.press("submit-amendment", **{"queries_day": "4,000", "reason": WHY, **typed})
    assert 'data-state="submitted"' in tanaka.answer.text
    return str(tanaka.answer.request.url).rsplit("/", 1)[-1]


def heard(browse: Any, amendment: str, opinion: str = "approve", *members: str) -> None:
    for member in members or ("sato", "suzuki"):
        reviewer = browse(member)
        reviewer.get(f"/reviews/amendments/{amendment}")
        reviewer.press("give-opinion", opinion=opinion, comment=f"{member} thought about it.")


def actions(portal: PortalSite) -> list[str]:
    found = reversed(portal.ledger.search(Sought(project="nafld-fib")).entries)
    named = [str(e.leaf["action"]) for e in found]
    return [one for one in named if one.startswith(("amendment.", "permit.amended"))]


def test_two_approvals_bring_the_next_revision_with_only_other_limits(
    portal: PortalSite, browse: Any, tanaka: Browser
) -> None:
    """Signed as the first was; everything but revision and limits is as it was, and the extract is still what it grants."""
    before = portal.permit("nafld-fib")
    amendment = asked(tanaka, bytes_day="7.5")
    heard(browse, amendment)
    permit = portal.permit("nafld-fib")
    assert permit.reference == "p-2026-0001@2"
    assert permit.limits == Limits(4000, 50_000_000, 7_500_000_000)
    assert permit.carries(before)
    envelope = json.loads(tanaka.get("/permits/p-2026-0001/envelope.json").text)
    assert verify_permit(envelope, portal.deps.trusted()) == permit
    page = tanaka.get(PROJECT).text
    assert 'data-extract="built"' in page
    assert "p-2026-0001@2" in page
    assert "7.5" in page
    tanaka.get("/permits/p-2026-0001")
    shown = words(tanaka.page)
    for part in ("p-2026-0001@1", "2,000 queries", "p-2026-0001@2", "4,000 queries, 50,000,000 rows, 7.5 GB"):
        assert part in shown, part


def test_every_step_is_in_the_log_under_the_project(portal: PortalSite, browse: Any, tanaka: Browser) -> None:
    """From the application to the revision, whose leaf says the new limits; the reason stands behind a digest."""
    heard(browse, asked(tanaka))
    assert actions(portal) == [
        "amendment.submitted",
        "amendment.opinion_given",
        "amendment.opinion_given",
        "amendment.approved",
        "permit.amended",
    ]
    (amended,) = portal.ledger.search(Sought(action="permit.amended")).entries
    assert amended.leaf["permit"] == "p-2026-0001@2"
    assert amended.leaf["counts"] == {"queries_day": 4000, "rows_day": 50_000_000, "bytes_day": 5_000_000_000}
    (submitted,) = portal.ledger.search(Sought(action="amendment.submitted")).entries
    kept = portal.records.text(str(submitted.leaf["object"]["digest"]))
    assert json.loads(kept or "")["reason"] == WHY
    assert WHY not in json.dumps([e.leaf for e in portal.ledger.search(Sought()).entries])


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_handler_reads_status_opinions_and_result(browse: Any, tanaka: Browser, language: str) -> None:
    """While it is open how many opinions there are and nothing of them; then what was said, without names, and the result."""
    amendment = asked(tanaka)
    page = f"{PROJECT}/amendments/{amendment}"
    heard(browse, amendment, "approve", "sato")
    reader = browse("tanaka", language)
    text = reader.get(page).text
    assert 'data-state="under_review"' in text
    assert ("意見 1 件" if language == "ja" else "opinions given: 1") in text
    assert "thought about it" not in text
    heard(browse, amendment, "approve", "suzuki")
    text = reader.get(page).text
    assert 'data-state="approved"' in text
    assert "p-2026-0001@2" in text
    assert text.count("thought about it.") == 2
    assert "Makoto" not in text
    assert "佐藤" not in text
    assert "4,000" in words(reader.page)


def test_two_refusals_refuse_it_and_the_permit_stays(
    portal: PortalSite, browse: Any, tanaka: Browser
) -> None:
    """The page says so, with what was said, and another one may be applied for."""
    amendment = asked(tanaka)
    heard(browse, amendment, "refuse")
    assert 'data-state="refused"' in tanaka.get(f"{PROJECT}/amendments/{amendment}").text
    assert portal.permit("nafld-fib").revision == 1
    assert "new-amendment" in tanaka.get(PROJECT).text
    asked(tanaka)


def test_a_second_one_while_one_is_open_is_refused(portal: PortalSite, tanaka: Browser) -> None:
    """Neither offered nor taken in; after a withdrawal it is."""
    tanaka.get(f"{PROJECT}/amendments/new")
    form = tanaka.page
    amendment = asked(tanaka)
    assert "new-amendment" not in tanaka.get(PROJECT).text
    assert 'data-code="amendment.open"' in tanaka.get(f"{PROJECT}/amendments/new", status=409).text
    assert "submit-amendment" not in tanaka.answer.text
    tanaka.page = form
    tanaka.press("submit-amendment", status=409, queries_day="5000", reason="Another thought")
    assert 'data-code="amendment.open"' in tanaka.answer.text
    assert "Another thought" in words(tanaka.page)
    assert actions(portal) == ["amendment.submitted"]
    tanaka.get(f"{PROJECT}/amendments/{amendment}")
    tanaka.press("withdraw-amendment")
    assert 'data-state="withdrawn"' in tanaka.answer.text
    asked(tanaka)


def test_of_a_permit_that_has_ended_none_is_taken_in_or_granted(
    portal: PortalSite, browse: Any, tanaka: Browser
) -> None:
    """Not begun, not submitted, and the one that was open brings no revision: the sheet says why."""
    tanaka.get(f"{PROJECT}/amendments/new")
    form = tanaka.page
    amendment = asked(tanaka)
    heard(browse, amendment, "approve", "sato")
    sheet = browse("suzuki").get(f"/reviews/amendments/{amendment}").text
    portal.clock.at = portal.permit("nafld-fib").valid_to
    suzuki = browse("suzuki")
    suzuki.page = check_page(sheet)
    suzuki.press("give-opinion", status=403, opinion="approve")
    assert 'data-code="permit.expired"' in suzuki.answer.text
    assert portal.permit("nafld-fib").revision == 1
    assert amendment not in browse("suzuki").get("/reviews").text.split("Other amendments")[0]
    late = browse("tanaka")
    late.get(f"{PROJECT}/amendments/{amendment}")
    late.press("withdraw-amendment")
    assert "new-amendment" not in late.get(PROJECT).text
    assert 'data-code="permit.expired"' in late.get(f"{PROJECT}/amendments/new", status=403).text
    late.page = form
    late.press("submit-amendment", status=403, queries_day="5000", reason=WHY)
    assert "It ended at 1 Nov 2027, 00:00 JST." in words(late.page)


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({"queries_day": "10,001"}, "amendment.beyond"),
        ({"rows_day": "500000001"}, "amendment.beyond"),
        ({"bytes_day": "50.000000001"}, "amendment.beyond"),
        ({"queries_day": "1999"}, "amendment.smaller"),
        ({"queries_day": "2000"}, "amendment.unchanged"),
        ({"queries_day": "many"}, "amendment.number"),
        ({"queries_day": "-4000"}, "amendment.number"),
        ({"queries_day": "4000.5"}, "amendment.number"),
        ({"queries_day": "1e9"}, "amendment.number"),
        ({"queries_day": "NaN"}, "amendment.number"),
        ({"queries_day": "9" * 30}, "amendment.number"),
        ({"bytes_day": "6.0000000001"}, "amendment.number"),
        ({"queries_day": ""}, "application.field_missing"),
        ({"reason": " \n"}, "application.field_missing"),
        ({"reason": "x" * 4001}, "application.text_too_long"),
    ],
)
def test_what_was_typed_wrongly_gets_a_sentence_and_stays(
    portal: PortalSite, browse: Any, tanaka: Browser, typed: dict[str, str], code: str, language: str
) -> None:
    """Nothing is entered; every field comes back as it was typed; the bound comes with its reason."""
    browser = browse("tanaka", language)
    browser.get(f"{PROJECT}/amendments/new")
    browser.press("submit-amendment", status=422, **{"queries_day": "4000", "reason": WHY, **typed})
    assert f'data-code="{code}"' in browser.answer.text
    assert "…" not in words(browser.page)
    if code == "amendment.beyond":
        assert ("At most" if language == "en" else "までです") in words(browser.page)
    if "reason" not in typed:
        assert WHY in words(browser.page)
    for name, text in typed.items():
        if name != "reason":
            assert f'value="{text}"' in browser.answer.text
    assert actions(portal) == []
    browser.press(
        "submit-amendment", queries_day="４，０００", bytes_day="5", rows_day="50,000,000", reason=WHY
    )
    assert 'data-state="submitted"' in browser.answer.text


def test_sent_twice_it_has_happened_once(portal: PortalSite, browse: Any, tanaka: Browser) -> None:
    """A double click on the form, and on the sheet."""
    tanaka.get(f"{PROJECT}/amendments/new")
    form = tanaka.page
    tanaka.press("submit-amendment", queries_day="4000", reason=WHY)
    tanaka.page = form
    tanaka.press("submit-amendment", queries_day="4000", reason=WHY)
    assert 'data-state="submitted"' in tanaka.answer.text
    amendment = str(tanaka.answer.request.url).rsplit("/", 1)[-1]
    sato = browse("sato")
    page = sato.get(f"/reviews/amendments/{amendment}").text
    sato.press("give-opinion", opinion="approve")
    sato.page = check_page(page)
    sato.press("give-opinion", opinion="approve")
    sato.page = check_page(page)
    sato.press("give-opinion", opinion="refuse", status=409)
    assert 'data-code="amendment.opinion_given"' in sato.answer.text
    assert actions(portal) == ["amendment.submitted", "amendment.opinion_given"]


@pytest.mark.usefixtures("tanaka")
def test_the_committee_finds_it_and_sees_how_far_it_may_go(portal: PortalSite, browse: Any) -> None:
    """Among the things to do, in the queue, with the reason, what it was, what is asked for, the bound, and the use."""
    for rows in (3, 4_321):
        _use(portal, rows=rows, sent=10)
    portal.clock.advance(hours=24)
    amendment = asked(browse("tanaka"))
    sato = browse("sato")
    assert f"/reviews/amendments/{amendment}" in sato.get("/").text
    assert f"/reviews/amendments/{amendment}" in sato.get("/reviews").text
    sato.get(f"/reviews/amendments/{amendment}")
    shown = words(sato.page)
    for part in (WHY, "2,000", "4,000", "10,000", "4,324", "Megumi Tanaka", "p-2026-0001@1"):
        assert part in shown, part
    sato.press("give-opinion", status=422, comment="A careful thought")
    assert 'data-code="amendment.opinion_missing"' in sato.answer.text
    assert "A careful thought" in words(sato.page)
    sato.press("give-opinion", opinion="approve")
    assert f"/reviews/amendments/{amendment}" not in sato.get("/").text
    assert f'data-amendment="{amendment}" data-state="under_review"' in sato.get("/reviews").text


def test_a_party_does_not_review_it(portal: PortalSite, browse: Any) -> None:
    """A committee member who is a handler gets a refusal, not a sheet, and nothing waits for them."""
    with portal.records.change(
        edge.event(Actor("o", "operator"), "role.granted", Thing("person", "mori"))
    ) as tx:
        tx.execute(
            t.person_roles.insert().values(person="mori", role="committee", granted_at="2026-01-01T00:00:00Z")
        )
    approved(browse, members="tanaka mori")
    tanaka, mori = browse("tanaka"), browse("mori")
    amendment = asked(tanaka)
    assert amendment not in mori.get("/").text + mori.get("/reviews").text
    assert "amendment.own" in mori.get(f"/reviews/amendments/{amendment}", status=403).text
    token = ("csrf", portal.deps.sessions.csrf("mori"))
    sent = [token, ("opinion", "approve")]
    assert "amendment.own" in mori.post(f"/reviews/amendments/{amendment}/opinions", sent, status=403).text
    assert 'data-state="submitted"' in mori.get(f"{PROJECT}/amendments/{amendment}").text
    mori.post(f"{PROJECT}/amendments/{amendment}/withdraw", [token], status=403)
    assert "amendment.not_yours" in mori.answer.text


@pytest.mark.parametrize("person", ["mori", "sato", "ito", "yamamoto", "watanabe"])
def test_it_is_nobody_elses(portal: PortalSite, browse: Any, tanaka: Browser, person: str) -> None:
    """Who is not a handler can neither read nor write it from the project's side; the auditor reads."""
    amendment = asked(tanaka)
    stranger = browse(person)
    token = ("csrf", portal.deps.sessions.csrf(person))
    for path in ("new", amendment):
        assert "permit.unknown" in stranger.get(f"{PROJECT}/amendments/{path}", status=404).text
    stranger.post(f"{PROJECT}/amendments/{edge.new_id()}", [token, ("reason", "x")], status=404)
    stranger.post(f"{PROJECT}/amendments/{amendment}/withdraw", [token], status=403)
    if person != "sato":
        stranger.get(f"/reviews/amendments/{amendment}", status=403)
    assert actions(portal) == ["amendment.submitted"]
    assert WHY in words(
        browse("kobayashi").get(f"{PROJECT}/amendments/{amendment}")
        and check_page(browse("kobayashi").get(f"{PROJECT}/amendments/{amendment}").text)
    )


@pytest.mark.parametrize("silent", ["ledger", "policy"])
def test_a_silent_machine_refuses_and_keeps_what_was_typed(
    portal: PortalSite, browse: Any, tanaka: Browser, silent: str
) -> None:
    """503 with the form as it was; the same form is taken in once the machine is back. So is the opinion."""
    machine: Any = portal.ledger if silent == "ledger" else portal.policy
    tanaka.get(f"{PROJECT}/amendments/new")
    machine.silent = True
    tanaka.press("submit-amendment", status=503, queries_day="4000", reason=WHY)
    assert f'data-code="{silent}.unavailable"' in tanaka.answer.text
    if silent == "policy":
        assert WHY in words(tanaka.page)
    machine.silent = False
    amendment = asked(tanaka)
    sato = browse("sato")
    sato.get(f"/reviews/amendments/{amendment}")
    machine.silent = True
    sato.press("give-opinion", status=503, opinion="approve", comment="A thought")
    machine.silent = False
    assert "amendment.opinion_given" not in actions(portal)


def test_an_amendment_of_another_revision_brings_nothing(
    portal: PortalSite, browse: Any, tanaka: Browser
) -> None:
    """The permit was revised in another way while it was open: it is not granted over that."""
    amendment = asked(tanaka)
    heard(browse, amendment, "approve", "sato")
    suzuki = browse("suzuki")
    suzuki.get(f"/reviews/amendments/{amendment}")
    other = replace(portal.permit("nafld-fib"), revision=2, purpose="another")
    with portal.records.change(
        edge.event(Actor("o", "operator"), "permit.granted", Thing("permit", other.permit_id))
    ) as tx:
        enter_grant(tx, Grant(other, sign_permit(other, portal.deps.signing_key), portal.clock()), None)
    suzuki.press("give-opinion", status=409, opinion="approve")
    assert 'data-code="amendment.superseded"' in suzuki.answer.text
    assert portal.permit("nafld-fib") == other


def test_of_two_at_one_moment_the_first_has_it(portal: PortalSite, browse: Any, tanaka: Browser) -> None:
    """Both were judged before either was written: one amendment, one decision, one revision, and no event of the other."""
    amendments = AmendmentRecords(portal.records)
    first = amendments.stored(AmendmentId(asked(tanaka)))
    said = edge.event(Actor("tanaka", "handler"), "amendment.submitted", Thing("amendment", "m"))
    with pytest.raises(Refused, match=r"amendment\.open"):
        amendments.enter(replace(first, id=AmendmentId(edge.new_id())), said)
    granted = replace(first, state=State.APPROVED, version=2, brought=2)
    said = edge.event(Actor("sato", "committee"), "permit.amended", Thing("permit", "p"))
    permit = revised(portal.permit("nafld-fib"), first.change)
    grant = Grant(permit, sign_permit(permit, portal.deps.signing_key), portal.clock())
    amendments.change(first, granted, said, grant=grant)
    for before in (first, granted):
        late = edge.event(Actor("suzuki", "committee"), "permit.amended", Thing("permit", "p"))
        with pytest.raises(Refused, match=r"amendment\.changed"):
            amendments.change(before, replace(granted, version=3), late, grant=grant)
    assert len(portal.ledger.search(Sought(action="permit.amended")).entries) == 1
    assert portal.permit("nafld-fib") == permit


def test_the_projects_page_says_what_is_used_what_is_left_and_what_to_do(
    portal: PortalSite, browse: Any, tanaka: Browser
) -> None:
    """Counted as the gateway counts; where a budget has ended it says when it is renewed, and how to get more."""
    tanaka.get(PROJECT)
    assert 'data-budget="left"' in tanaka.answer.text
    _use(portal, rows=10, sent=1_234_567)
    shown = words(tanaka.get(PROJECT) and tanaka.page)
    for part in ("2,000", "1,999", "49,999,990", "0.001", "4.999", "22 Nov 2026, 09:00 JST"):
        assert part in shown, part
    _use(portal, rows=50_000_000, sent=0)
    text = tanaka.get(PROJECT).text
    assert 'data-budget="ended"' in text
    assert "Today’s rows are used up." in text
    assert "apply for a larger budget" in text
    portal.clock.advance(days=1)
    assert 'data-budget="left"' in browse("tanaka").get(PROJECT).text


def _use(portal: PortalSite, *, rows: int, sent: int) -> None:
    """One answered question of the project, as the gateway enters it."""
    permit, now = portal.permit("nafld-fib"), portal.clock()
    session = WorkspaceSession(
        SessionId(edge.new_id()), PersonId("tanaka"), permit.project, permit.permit_id, permit.revision,
        "10.101.0.2", now + timedelta(hours=12),
    )  # fmt: skip
    event = edge.event(Actor("tanaka", "handler"), "workspace.started", Thing("workspace", "w"))
    create_workspace_session(portal.records, event, session, edge.new_token(), now)
    query = query_records.Asked(QueryId(edge.new_id()), session, permit, "rows", "sha256:" + "0" * 64, now)
    opened = query_records.event_of(query, "query.authorised")
    query_records.enter(portal.records, opened, query)
    query_records.close(
        portal.records, query_records.event_of(query, "query.answered"), query.id, query_records.DONE, now,
        opened=opened.id, rows=rows, sent=sent, receipt={},
    )  # fmt: skip
