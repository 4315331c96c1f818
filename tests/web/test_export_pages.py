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


DESCRIPTION = (
    b"dimensions: {town: {is: muni, population: people}, age: {is: age, width: 5}}\n"
    b"counts: [n]\n"
    b"values: {cost: {statistic: sum, largest: [m1]}, q: {statistic: quantity, route: oral}}\n"
    b"institutions: hospitals # <b>all</b>\n"
)
EVIDENCE = b"town,age,m1,people,hospitals\n13101,40-44,30,60000,4\n"
COLLIDES = Finding(
    "disclosure.history_pair", Verdict.HUMAN, {"place": "ages.csv n: age=40-44"},
    {"threshold": 10, "with": "another project", "merge": "-", "checker": {"with": "e-7 t.csv n: age=40-49"}}, "ndb-2024-09",
)  # fmt: skip


def described_export(portal: PortalSite, browse: Any) -> str:
    approved(browse)
    portal.build_extract("nafld-fib")
    alone = Finding(
        "disclosure.evidence_missing",
        Verdict.HUMAN,
        {"place": "ages.csv"},
        {"rule": "dominance", "undescribed": True},
    )
    files = (
        ("ages.csv", Kind.TABLE, b"town,age,n,cost,q\n13101,40-44,40,900,2000\n", (alone, COLLIDES)),
    )  # fmt: skip
    return portal.submit("nafld-fib", "tanaka", files, {"ages.csv": (DESCRIPTION, EVIDENCE)})


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("ja", ("市区町村 · 人口: people", "年齢 · 幅 5", "人数", "合計 · 最大の寄与: m1", "数量 · 内服・外用", "施設・保険者の数",
                "書かれたままの説明", "根拠の表（持ち出されません） · 1 行", "説明がなくても", "最大の寄与の占める割合")),
        ("en", ("municipality · inhabitants: people", "age · width 5", "number of persons", "sum · largest contributions: m1",
                "quantity · oral", "number of institutions", "The description as written", "Evidence (does not leave) · 1 rows",
                "also without the description", "the share of the largest contributions")),
    ],
)  # fmt: skip
def test_a_checker_reads_what_the_columns_are_said_to_be(
    portal: PortalSite, browse: Any, language: str, said: tuple[str, ...]
) -> None:
    """In words and as written, with the evidence and the findings that stand without it; texts are escaped."""
    export = described_export(portal, browse)
    takahashi = browse("takahashi")
    page = takahashi.get(f"/checks/{export}?lang={language}").text
    shown = " ".join(words(takahashi.page).split())
    for one in said:
        assert one in shown, one
    assert "<b>all</b>" in shown
    assert "60000" in shown
    assert hashlib.sha256(EVIDENCE).hexdigest() in page
    tanaka = browse("tanaka")
    tanaka.get(f"/projects/nafld-fib/exports/{export}?lang={language}")
    assert said[0] in " ".join(words(tanaka.page).split())


def test_a_collision_says_where_and_with_what_in_the_readers_language(
    portal: PortalSite, browse: Any
) -> None:
    """The asker reads of another project in their language, the checker its release; where no grouping is safe that is said."""
    export = described_export(portal, browse)
    tanaka = browse("tanaka")
    tanaka.get(f"/projects/nafld-fib/exports/{export}?lang=ja")
    shown = words(tanaka.page)
    assert "ages.csv n: age=40-44" in shown
    assert "別のプロジェクトの公表" in shown
    assert "見つかりません" in shown
    assert "another project" not in shown
    assert "e-7" not in shown
    takahashi = browse("takahashi")
    takahashi.get(f"/checks/{export}?lang=ja")
    assert "e-7 t.csv n: age=40-49" in words(takahashi.page)


def test_description_and_evidence_do_not_leave_and_are_what_was_voted_for(
    portal: PortalSite, browse: Any
) -> None:
    """The archive holds the table alone; evidence that changed after the submission takes no vote."""
    export = described_export(portal, browse)
    takahashi, ito, tanaka = browse("takahashi"), browse("ito"), browse("tanaka")
    takahashi.get(f"/checks/{export}")
    takahashi.press("cast-vote", vote="approve")
    blob = next(one for one in portal.site.blobs.rglob("*") if one.is_file() and one.read_bytes() == EVIDENCE)
    blob.write_bytes(EVIDENCE.replace(b"60000", b"90000"))
    ito.get(f"/checks/{export}")
    ito.press("cast-vote", status=409, vote="approve")
    assert "export.bytes_changed" in ito.answer.text
    blob.write_bytes(EVIDENCE)
    ito.get(f"/checks/{export}")
    ito.press("cast-vote", vote="approve")
    archive = zipfile.ZipFile(
        io.BytesIO(tanaka.get(f"/projects/nafld-fib/exports/{export}/release.zip").content)
    )
    assert archive.namelist() == ["ages.csv"]


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
