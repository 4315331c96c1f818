"""The auditor's pages, the permit's page for every office, the public register."""

import base64
from typing import Any

import pytest

from enclave.adapters import edge
from enclave.adapters import records_schema as t
from enclave.core.event import Actor, Thing
from tests.fakes.portal_site import PortalSite
from tests.web.application_form import FILLED, approved
from tests.web.page_checks import words


def test_an_auditor_filters_the_log_to_a_project(portal: PortalSite, browse: Any) -> None:
    """Each line has its index, time, person, action and object; other projects are not among them."""
    approved(browse)
    tanaka = browse("tanaka")
    tanaka.get("/applications/new")
    tanaka.press("submit-application", **{**FILLED, "project": "other-work"})
    kobayashi = browse("kobayashi")
    page = kobayashi.get("/log?project=nafld-fib").text
    assert page.count("<tr data-index=") == 6
    assert 'data-action-name="permit.granted"' in page
    assert "other-work" not in page
    assert (
        'data-action-name="application.created"'
        in kobayashi.get("/log?person=tanaka&action=application.created").text
    )


def test_times_of_the_filter_are_days_in_japan(portal: PortalSite, browse: Any) -> None:
    """A time that cannot be read is one sentence, with what was typed still in the form."""
    approved(browse)
    kobayashi = browse("kobayashi")
    assert "<tr data-index=" in kobayashi.get("/log?since=2020-01-01").text
    assert "Nothing matches." in words(kobayashi.get("/log?until=2020-01-01") and kobayashi.page)
    for no_time in ("since=0001-01-01", "until=9999-12-31"):
        assert "audit.search_time" in kobayashi.get(f"/log?{no_time}", status=422).text
    answer = kobayashi.get("/log?since=yesterday", status=422)
    assert "audit.search_time" in answer.text
    assert 'value="yesterday"' in answer.text


def test_older_entries_are_reached_page_by_page(portal: PortalSite, browse: Any) -> None:
    """The link at the end leads on and keeps the filter."""
    thing = Thing("note", "n")
    portal.ledger.append([edge.event(Actor("x", "service"), "note.taken", thing) for _ in range(150)])
    kobayashi = browse("kobayashi")
    page = kobayashi.get("/log?action=note.taken").text
    assert page.count("<tr data-index=") == 100
    assert "action=note.taken&amp;" in page
    assert "before=51" in page
    assert kobayashi.get("/log?action=note.taken&before=51").text.count("<tr data-index=") == 50


def test_the_checkpoint_is_shown_and_can_be_taken_away(portal: PortalSite, browse: Any) -> None:
    """The page says how to verify offline, and the file is the signed note itself."""
    kobayashi = browse("kobayashi")
    assert "enclave audit verify ./log-copy" in kobayashi.get("/log/checkpoint").text
    assert kobayashi.get("/log/checkpoint.txt").text == portal.ledger.checkpoint()


def test_a_silent_ledger_is_one_sentence_on_the_log(portal: PortalSite, browse: Any) -> None:
    """503 and the code, in the page's own look."""
    kobayashi = browse("kobayashi")
    portal.ledger.silent = True
    assert "ledger.unavailable" in kobayashi.get("/log", status=503).text


@pytest.mark.parametrize("person", ["tanaka", "sato", "yamamoto", "kobayashi", "watanabe"])
def test_offices_and_handlers_read_a_permit(browse: Any, person: str) -> None:
    """In words, with the signature verified."""
    approved(browse)
    page = browse(person).get("/permits/p-2026-0001").text
    assert 'data-signature="verified"' in page
    assert "enclave data extract p-2026-0001 --site test" in page


@pytest.mark.parametrize("person", ["mori", "ito"])
def test_others_do_not_learn_that_a_permit_exists(browse: Any, person: str) -> None:
    """`permit.unknown`, as for a number that was never given."""
    approved(browse)
    browser = browse(person)
    there = browser.get("/permits/p-2026-0001", status=404).text
    assert "permit.unknown" in there
    assert there == browser.get("/permits/p-2026-0009", status=404).text.replace("p-2026-0009", "p-2026-0001")


def test_a_permit_edited_in_the_records_is_refused(portal: PortalSite, browse: Any) -> None:
    """The page verifies the signature at each reading."""
    approved(browse)
    with portal.records.change(edge.event(Actor("x", "service"), "test.edited", Thing("permit", "p"))) as tx:
        envelope = dict(tx.execute(t.permits.select()).one().envelope)
        payload = base64.b64decode(envelope["payload"]).replace(b'"tanaka"', b'"mallory"')
        tx.execute(
            t.permits.update().values(envelope={**envelope, "payload": base64.b64encode(payload).decode()})
        )
    browser = browse("yamamoto")
    assert "permit.signature" in browser.get("/permits/p-2026-0001", status=403).text
    assert "permit.signature" in browser.get("/permits").text


def test_an_extract_is_shown_with_its_counts_once_built(portal: PortalSite, browse: Any) -> None:
    """And as stale once the permit no longer is what it holds."""
    approved(browse)
    portal.build_extract("nafld-fib")
    yamamoto = browse("yamamoto")
    page = yamamoto.get("/permits/p-2026-0001").text
    assert 'data-extract="built"' in page
    assert "17,549" in page


def test_the_public_register_names_approved_projects_only(browse: Any) -> None:
    """Title, affiliation, databases and period; no draft, no person."""
    tanaka = browse("tanaka")
    tanaka.get("/applications/new")
    tanaka.press("save-draft", **{**FILLED, "title": "Not public yet", "project": "quiet"})
    approved(browse)
    public = browse()
    for path in ("/", "/register"):
        page = public.get(path).text
        assert "FIB-4 and survival in fatty liver disease" in page
        assert "Hokuto University" in page
        assert "Not public yet" not in page
        assert "Tanaka" not in page
    assert "31 Oct 2027" in words(public.page)


@pytest.mark.parametrize("language", ["ja", "en"])
def test_every_page_exists_in_both_languages(portal: PortalSite, browse: Any, language: str) -> None:
    """No Japanese on an English page (`page_checks`), and a Japanese heading on a Japanese one."""
    application = approved(browse)
    portal.build_extract("nafld-fib")
    pages = {
        None: ["/", "/about", "/catalogue", "/register", "/nowhere"],
        "tanaka": [
            "/",
            "/applications",
            "/applications/new",
            f"/applications/{application}",
            "/projects",
            "/projects/nafld-fib",
            "/projects/nafld-fib/workspace",
            "/permits/p-2026-0001",
            "/log",
        ],
        "sato": ["/", "/reviews", f"/reviews/{application}"],
        "ito": ["/", "/checks"],
        "yamamoto": ["/", "/permits", "/status"],
        "kobayashi": ["/", "/log", "/log/checkpoint"],
        "watanabe": ["/", "/status"],
    }
    for person, paths in pages.items():
        browser = browse(person, language)
        for path in paths:
            status = {"/nowhere": 404}.get(path, 403 if (person, path) == ("tanaka", "/log") else 200)
            browser.get(path, status=status)
            assert browser.page.get("lang") == language
            assert language == "en" or any(ord(c) > 0x3000 for c in words(browser.page))


def test_long_words_and_markup_are_only_text(browse: Any) -> None:
    """What people type is never anything but text."""
    nasty = '"><script src=//evil></script>' + "あ" * 300 + "W" * 300
    tanaka = browse("tanaka", "ja")
    tanaka.get("/applications/new")
    tanaka.press(
        "submit-application", **{**FILLED, "title": nasty, "purpose": nasty, "output_title": [nasty, nasty]}
    )
    assert nasty in words(tanaka.page)
    sato = browse("sato", "ja")
    sato.get("/reviews")
    assert nasty in words(sato.page)
