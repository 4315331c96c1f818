"""Checkers and researchers: what each sees of an export, and that what is downloaded is what was checked."""

import hashlib
import io
import zipfile
from typing import Any

import pytest

from enclave.audit.ledger import Sought
from enclave.export.request import Finding, Kind, Verdict
from tests.fakes.portal_site import PortalSite
from tests.web.application_form import approved
from tests.web.page_checks import check_page, words

TABLE = b'male,n,n_status,note\n0,8000,shown,<b>bold</b>\n1,,hidden,"=1+1"\n'
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8ffff3f0005fe02fe0def46b8"
    "0000000049454e44ae426082"
)
FILES = (
    ("by sex.csv", Kind.TABLE, TABLE, ()),
    (
        "curve.png",
        Kind.FIGURE,
        PNG,
        (Finding("export.picture_by_eye", Verdict.HUMAN, {}, {"table": "curve.csv"}),),
    ),
)


@pytest.fixture
def export(portal: PortalSite, browse: Any) -> str:
    """An export that waits for its checkers."""
    approved(browse)
    portal.build_extract("nafld-fib")
    return portal.submit("nafld-fib", "tanaka", FILES)


def test_a_checker_sees_table_figure_findings_and_purpose_side_by_side(browse: Any, export: str) -> None:
    """Hidden cells say so, every text is escaped, the figure comes from an address of its own."""
    takahashi = browse("takahashi")
    takahashi.get("/checks")
    page = takahashi.get(f"/checks/{export}").text
    shown = words(takahashi.page)
    assert '<td class="hidden-cell">hidden</td>' in page
    assert "<b>bold</b>" in shown
    assert "=1+1" in shown
    assert "<script>alert(1)</script>" in shown
    assert "export.picture_by_eye" in shown
    assert "Survival by sex and age" in shown
    figure = takahashi.get(f"/checks/{export}/files/1")
    assert figure.content == PNG
    assert figure.headers["content-type"] == "image/png"
    assert figure.headers["content-security-policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert figure.headers["x-content-type-options"] == "nosniff"


def test_a_table_asked_for_as_a_picture_comes_as_a_download(browse: Any, export: str) -> None:
    """Bytes from a workspace are never interpreted by the browser of a checker."""
    answer = browse("takahashi").get(f"/checks/{export}/files/0")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"] == "application/octet-stream"


def test_the_other_vote_is_hidden_until_both_are_in(browse: Any, export: str) -> None:
    """Neither the vote nor its comment is anywhere on the second checker's page or on the researcher's."""
    takahashi, ito, tanaka = browse("takahashi"), browse("ito"), browse("tanaka")
    takahashi.get(f"/checks/{export}")
    takahashi.press("cast-vote", vote="approve", comment="A thoughtful remark")
    assert "Waiting for the other vote." in words(takahashi.page)
    for browser, path in (
        (ito, "/checks"),
        (ito, f"/checks/{export}"),
        (tanaka, f"/projects/nafld-fib/exports/{export}"),
    ):
        page = browser.get(path).text
        assert "thoughtful" not in page
        assert "Takahashi" not in page
    ito.get(f"/checks/{export}")
    ito.press("cast-vote", vote="approve")
    assert "A thoughtful remark" in words(ito.page)
    assert "A thoughtful remark" in words(takahashi.get(f"/checks/{export}") and takahashi.page)


def test_a_vote_sent_twice_counts_once(portal: PortalSite, browse: Any, export: str) -> None:
    """A double click shows the same page and leaves one vote in the log."""
    takahashi = browse("takahashi")
    page = takahashi.get(f"/checks/{export}").text
    takahashi.press("cast-vote", vote="approve")
    takahashi.page = check_page(page)
    takahashi.press("cast-vote", vote="approve")
    assert len(portal.ledger.search(Sought(action="export.voted")).entries) == 1


def test_what_is_downloaded_is_what_was_checked(portal: PortalSite, browse: Any, export: str) -> None:
    """Byte for byte, one by one and together, and each download is in the log before it begins."""
    for checker in ("takahashi", "ito"):
        browser = browse(checker)
        browser.get(f"/checks/{export}")
        browser.press("cast-vote", vote="approve")
    tanaka = browse("tanaka")
    page = tanaka.get(f"/projects/nafld-fib/exports/{export}").text
    assert 'data-state="released"' in page
    assert "Collect a released output" in words(tanaka.get("/") and tanaka.page)
    one = tanaka.get(f"/projects/nafld-fib/exports/{export}/files/0")
    assert one.content == TABLE
    assert one.headers["enclave-digest"] == "sha256:" + hashlib.sha256(TABLE).hexdigest()
    assert "filename*=UTF-8''by%20sex.csv" in one.headers["content-disposition"]
    archive = zipfile.ZipFile(
        io.BytesIO(tanaka.get(f"/projects/nafld-fib/exports/{export}/release.zip").content)
    )
    assert {n: archive.read(n) for n in archive.namelist()} == {"by sex.csv": TABLE, "curve.png": PNG}
    assert len(portal.ledger.search(Sought(action="export.downloaded")).entries) == 2


def test_a_silent_ledger_downloads_nothing(portal: PortalSite, browse: Any, export: str) -> None:
    """What cannot be recorded does not leave."""
    for checker in ("takahashi", "ito"):
        browser = browse(checker)
        browser.get(f"/checks/{export}")
        browser.press("cast-vote", vote="approve")
    tanaka = browse("tanaka")
    portal.ledger.silent = True
    answer = tanaka.get(f"/projects/nafld-fib/exports/{export}/files/0", status=503)
    assert TABLE not in answer.content
    assert "ledger.unavailable" in answer.text


def test_nothing_leaves_before_the_second_vote(browse: Any, export: str) -> None:
    """One approval is none."""
    takahashi, tanaka = browse("takahashi"), browse("tanaka")
    takahashi.get(f"/checks/{export}")
    takahashi.press("cast-vote", vote="approve")
    answer = tanaka.get(f"/projects/nafld-fib/exports/{export}/files/0", status=409)
    assert TABLE not in answer.content


def test_a_rejection_needs_a_reason_and_keeps_the_form(browse: Any, export: str) -> None:
    """The researcher must learn what to mend."""
    takahashi = browse("takahashi")
    takahashi.get(f"/checks/{export}")
    takahashi.press("cast-vote", status=422, vote="reject")
    assert "portal.reason_missing" in takahashi.answer.text
    takahashi.press("cast-vote", comment="Row 2 is not explained.")
    assert 'data-vote="reject"' in takahashi.answer.text


def test_the_findings_that_turned_an_export_back_are_shown_with_their_places(
    portal: PortalSite, browse: Any
) -> None:
    """Row and column by name, never a value."""
    approved(browse)
    finding = Finding("export.identifier", Verdict.FAIL, {"row": 1, "column": "pid"}, {"column": "pid"})
    returned = portal.submit("nafld-fib", "tanaka", (("a.csv", Kind.TABLE, b"pid,n\n7,1\n", (finding,)),))
    tanaka = browse("tanaka")
    page = tanaka.get(f"/projects/nafld-fib/exports/{returned}").text
    assert 'data-state="returned"' in page
    assert 'data-code="export.identifier"' in page
    assert "row 1" in words(tanaka.page)


@pytest.mark.parametrize("person", ["tanaka", "mori", "sato", "kobayashi", "yamamoto"])
def test_only_checkers_reach_the_checkers_page(browse: Any, export: str, person: str) -> None:
    """The project's own people least of all."""
    browse(person).get(f"/checks/{export}", status=403)


@pytest.mark.parametrize("person", ["mori", "takahashi", "kobayashi"])
def test_only_handlers_reach_the_researchers_page(browse: Any, export: str, person: str) -> None:
    """For others there is no such project."""
    browser = browse(person)
    browser.get(f"/projects/nafld-fib/exports/{export}", status=404)
    browser.get(f"/projects/nafld-fib/exports/{export}/release.zip", status=404)
