"""The public catalogue in both languages: every database, its facts on a day, the matrix, the statistics."""

from dataclasses import replace
from typing import Any

import pytest

from enclave.adapters.descriptor_files import write_descriptor
from enclave.adapters.statistics_files import read_statistics, write_statistics
from enclave.catalogue.packaged import CORE, PLANNED, PUBLIC, packaged
from enclave.catalogue.statistics import ColumnFacts, TableFacts, Thresholds, publish
from enclave.core.ids import DatabaseId
from enclave.portal.web import build
from tests.fakes.portal_site import PortalSite
from tests.web.conftest import Browser
from tests.web.page_checks import words

EVERY = (*PUBLIC, PLANNED, CORE, "nafld")


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("database", EVERY)
def test_every_database_has_a_page_that_anyone_may_read(browse: Any, database: str, language: str) -> None:
    """Also those that are not registered here, and the one that is only announced."""
    text = browse(None, language).get(f"/catalogue/{database}").text
    assert f'<span class="mono">{database}</span>' in text


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("path", ["/catalogue", "/linkage", "/linkage?at=2019-01-01", "/catalogue?q=hba1c"])
def test_the_lists_are_public(browse: Any, path: str, language: str) -> None:
    """Nobody is asked to log in."""
    browse(None, language).get(path)


def test_an_operators_database_stands_in_the_same_list(browse: Any) -> None:
    """Registered, with its tables, among those that are not."""
    text = browse().get("/catalogue").text
    for database in EVERY:
        assert f'data-database="{database}"' in text
    row = text.partition('data-database="nafld"')[2].partition("</tr>")[0]
    assert "nafld.patients" in row
    assert "Registered" in row
    assert "Not here" in text.partition('data-database="cancer"')[2].partition("</tr>")[0]


def test_a_public_database_that_is_registered_here_says_so(portal: PortalSite, browse: Any) -> None:
    """Then it can be applied for."""
    assert "cannot be applied for" in browse().get("/catalogue/ndb").text
    write_descriptor(packaged()[DatabaseId("ndb")], portal.site.catalogue)
    assert "It can be applied for." in browse().get("/catalogue/ndb").text


def test_the_facts_are_those_of_the_day_that_is_asked_for(browse: Any) -> None:
    """The vaccination database was under construction once."""
    assert "Runs from fiscal year 2026" in browse().get("/catalogue/vac").text
    before = browse().get("/catalogue/vac?at=2025-01-01").text
    assert '<p class="fact">Under construction' in before
    assert "Nothing is known of it on that day." in browse().get("/catalogue/emr3?at=2001-01-01").text


@pytest.mark.parametrize("path", ["/linkage", "/catalogue/ndb", "/catalogue"])
@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "20261121", "２０２６-11-21"])
def test_what_is_no_day_is_refused(browse: Any, path: str, day: str) -> None:
    """With its code, not a traceback."""
    assert "catalogue.day" in browse().get(f"{path}?at={day}", status=400).text


def test_a_database_that_nobody_knows_is_not_found(browse: Any) -> None:
    """Also one that would be a path."""
    assert "catalogue.unknown" in browse().get("/catalogue/nowhere", status=404).text


def cell(text: str, a: str, b: str) -> str:
    return text.partition(f'data-pair="{a} {b}"')[2].partition("</td>")[0]


def test_the_matrix_shows_the_day(browse: Any) -> None:
    """Which pairs, on which key; cancer and MID-NET with nobody; what is not verified is marked."""
    text = browse().get("/linkage?at=2026-11-21").text
    assert "ID5" in cell(text, "ndb", "kaigo")
    assert "linked with nothing" in cell(text, "cancer", "ndb")
    assert "linked with nothing" in cell(text, "nextgen", "midnet")
    assert "undecided" in cell(text, "welfare", "ndb")
    assert "planned" in cell(text, "vac", "ndb")
    assert "not begun yet" in cell(text, "nanbyo", "ndb")
    later = browse().get("/linkage?at=2027-04-01", hx_request="true").text
    assert "<html" not in later
    assert "ID5" in cell(later, "nanbyo", "ndb")
    assert "unverified" in cell(later, "nanbyo", "ndb")


def test_every_footnote_leads_to_a_source(browse: Any) -> None:
    """`page_checks` follows each link; here: there are some, with an address in words and never a link outside."""
    text = browse().get("/catalogue/ndb").text
    assert 'href="#source-1"' in text
    assert "wic-net.com/material/document/16766/9" in text
    assert "http" not in text.partition('<ol class="sources">')[2].partition("</ol>")[0]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("hba1c", "ndb.checkup.hba1c"),
        ("要介護状態", "kaigo.cert.care_level"),
        ("icd10 死因", "cancer.reg.cause_icd10"),
        ("lot", "vac.shot.lot_no"),
    ],
)
def test_a_column_is_found_by_its_name_in_either_language(browse: Any, asked: str, found: str) -> None:
    """Whoever wants to know which database holds it need not open each."""
    text = browse().get(f"/catalogue?q={asked}", hx_request="true").text
    assert f'<span class="mono">{found}</span>' in text
    assert "<html" not in text


@pytest.mark.parametrize("asked", ["zzzz", "a", "<script>", "zz%00zz"])
def test_a_search_without_a_result_says_so(browse: Any, asked: str) -> None:
    """Whatever is typed comes back as text."""
    text = browse().get(f"/catalogue?q={asked}").text
    assert "Nothing found." in text
    assert "<script>" not in text


def test_published_statistics_stand_beside_the_columns(portal: PortalSite) -> None:
    """Rounded, with the rule set that protected them; hidden where few stand behind a figure."""
    ndb = packaged()[DatabaseId("ndb")]
    facts = {
        "checkup": TableFacts(
            1234,
            1011,
            {"hba1c": ColumnFacts(250, 200, 900, low=4.63, high=9.71), "egfr": ColumnFacts(3, 3, 1000)},
        )
    }
    thresholds = Thresholds(10, 10, 10, ("ndb-2024-09",))
    write_statistics(publish(ndb, facts, thresholds, "2026-11-21T00:00:00Z"), portal.site.catalogue)
    deps = replace(portal.deps, statistics=lambda: read_statistics(portal.site))
    browser = Browser(portal, build(deps))
    text = browser.get("/catalogue/ndb").text
    said = words(browser.page)
    assert "1,230 rows, 1,010 persons" in said
    assert "protected by ndb-2024-09" in said
    assert "4.6 – 9.8" in text
    assert "20 %" in text
    row = text.partition('<th scope="row" class="mono">egfr</th>')[2].partition("</tr>")[0]
    assert "hidden" in row


def test_whoever_asks_for_the_code_of_an_intractable_disease_reads_what_they_lose(browse: Any) -> None:
    """Before applying."""
    text = browse().get("/catalogue/welfare").text
    assert "Never given together" in text
    assert "cert.nanbyo_no" in text
