"""Which data set of a database: chosen in the form, judged by rule, on the opinion sheet, in the permit."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from enclave.adapters import edge
from enclave.adapters.descriptor_files import write_descriptor
from enclave.adapters.permit_records import permit_by_id
from enclave.application import flow
from enclave.application.review import Opinion
from enclave.catalogue.facts import Span
from enclave.catalogue.packaged import dossiers, packaged
from enclave.core.event import Actor, Thing
from enclave.core.ids import ApplicationId, DatabaseId, PersonId
from enclave.core.permit import DataSetGrant, Permit
from enclave.core.refusal import Refused
from enclave.core.roles import Role
from enclave.portal.applications import ports_of
from tests.fakes.portal_site import PortalSite
from tests.web.application_form import FILLED
from tests.web.page_checks import words

ASKED = {
    **FILLED,
    "columns": ["ndb.rcpt.pid", "ndb.rcpt.sex", "ndb.rcpt.service_ym", "ndb.sy.pid", "ndb.sy.icd10"],
    "output_dimensions": ["sex, icd10", ""],
}


@pytest.fixture
def public(portal: PortalSite) -> PortalSite:
    """Databases with several sets, and one without."""
    for name in ("ndb", "kaigo", "cancer"):
        write_descriptor(packaged()[DatabaseId(name)], portal.site.catalogue)
    return portal


def submitted(browse: Any, language: str = "en", *, status: int = 200, **changed: Any) -> Any:
    """Tanaka's browser after the form was sent."""
    tanaka = browse("tanaka", language)
    tanaka.get("/applications/new")
    tanaka.press("submit-application", status=status, **{**ASKED, **changed})
    return tanaka


def decided(browse: Any, tanaka: Any) -> str:
    """Two members approve; the last one's page of the sheet."""
    application = str(tanaka.answer.request.url).rsplit("/", 1)[-1]
    page = ""
    for member in ("sato", "suzuki"):
        reviewer = browse(member)
        page = reviewer.get(f"/reviews/{application}").text
        reviewer.press("give-opinion", opinion="approve", comment="Agreed.")
    return page


def permit(public: PortalSite) -> Permit:
    return permit_by_id(public.records, "p-2026-0001", public.deps.trusted()).permit


def test_the_form_offers_every_set_with_its_review_and_means_a_special_extraction(
    public: PortalSite, browse: Any
) -> None:
    """A database without sets offers none; what is given elsewhere cannot be chosen."""
    tanaka = browse("tanaka")
    page = tanaka.get("/applications/new").text
    for name in ("special", "sampling", "trial", "panel", "beta", "aggregate"):
        assert f'name="set.ndb" value="{name}"' in page
    assert 'value="special" checked' in page
    assert page.count('class="pill path-simplified"') == 3
    assert 'name="set.cancer" value="national" disabled' in page
    assert "set.kaigo" not in page
    assert "not carried out here" in page
    assert "この環境では行われない" in browse("tanaka", "ja").get("/applications/new").text


def test_nothing_chosen_means_a_special_extraction_and_the_permit_says_so(
    public: PortalSite, browse: Any
) -> None:
    """The sheet shows which body is heard."""
    sheet = decided(browse, submitted(browse))
    assert 'data-set="special" data-path="full"' in sheet
    assert "expert committee on providing anonymised medical information" in sheet
    assert permit(public).data_sets == {"ndb": DataSetGrant("special")}


def test_a_choice_of_beta_is_on_the_sheet_with_its_path_and_in_the_signed_permit(
    public: PortalSite, browse: Any
) -> None:
    """Committee and applicant read what it is, and what of it is not carried out here."""
    tanaka = submitted(browse, **{"set.ndb": "beta"})
    assert 'data-set="beta"' in tanaka.answer.text
    sheet = decided(browse, tanaka)
    assert 'data-set="beta" data-path="simplified"' in sheet
    assert "The masking by a list is not done" in sheet
    assert 'id="j-ndb-minimal-met"' in sheet
    assert permit(public).data_sets == {"ndb": DataSetGrant("beta")}
    assert set(permit(public).databases["ndb"]["rcpt"].columns) == {"pid", "service_ym", "sex"}
    page = browse("tanaka").get("/permits/p-2026-0001").text
    assert 'data-set="beta"' in page
    assert "The masking by a list is not done" in page


def test_a_trial_set_is_cut_to_its_months_and_its_share_without_a_proof_of_least_need(
    public: PortalSite, browse: Any
) -> None:
    """The sheet has nine lines; months are a condition of each table, the share is for custody."""
    sheet = decided(browse, submitted(browse, **{"set.ndb": "trial"}))
    assert 'id="j-ndb-minimal-met"' not in sheet
    assert 'id="j-ndb-security-met"' in sheet
    assert "No proof of least need is asked of this set" in sheet
    assert permit(public).data_sets == {"ndb": DataSetGrant("trial", 20)}
    for table in ("rcpt", "sy"):
        assert permit(public).databases["ndb"][table].rows == "month(service_ym) IN (1, 4, 7, 10)"
    assert "one person in 20" in browse("tanaka").get("/permits/p-2026-0001").text


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize(
    ("changed", "ja", "en"),
    [
        ({"set.ndb": "gamma"}, "「gamma」というデータセットはありません", "has no data set “gamma”"),
        ({"set.ndb": "beta", "columns": ["ndb.rcpt.pref_code"]}, "「NDB-β」には地域が含まれません：ndb.rcpt.pref_code", "does not hold areas: ndb.rcpt.pref_code"),
        ({"set.ndb": "beta", "rows.ndb.rcpt": "pref_code = '13'"}, "ndb.rcpt.pref_code", "does not hold areas: ndb.rcpt.pref_code"),
        ({"set.ndb": "trial", "columns": ["ndb.death.place"]}, "表そのもの", "does not hold the table itself: ndb.death"),
        ({"set.ndb": "aggregate"}, "「集計のみ」の段階でしか", "in the aggregate tier only"),
        ({"set.ndb": "aggregate", "tier": "aggregate", "output_dimensions": ["a, b, c, d", ""]}, "3 軸まで", "at most 3 axes"),
        ({"set.cancer": "national", "columns": ["cancer.reg.topo"]}, "顕名の情報を扱わない", "holds no identifiable information"),
    ],
)  # fmt: skip
def test_what_a_set_does_not_allow_is_refused_with_its_reason(
    public: PortalSite, browse: Any, language: str, changed: dict[str, Any], ja: str, en: str
) -> None:
    """It stays a draft, and the choice stays chosen."""
    tanaka = submitted(browse, language, status=422, **changed)
    assert (ja if language == "ja" else en) in words(tanaka.page)
    if changed.get("set.ndb") == "beta":
        assert 'value="beta" checked' in tanaka.answer.text


@pytest.mark.parametrize(
    ("language", "said"), [("ja", "提供されていません"), ("en", "is not given on 2024-08-31")]
)
def test_a_set_is_not_given_before_its_first_day(
    public: PortalSite, browse: Any, language: str, said: str
) -> None:
    """NDB-β and the panel came with the guideline of September 2024."""
    public.clock.at = datetime(2024, 8, 31, 3, 0, tzinfo=UTC)
    dates = {"use_from": "2024-11-01", "use_to": "2025-10-31"}
    tanaka = submitted(browse, language, status=422, **{"set.ndb": "beta"}, **dates)
    assert said in words(tanaka.page)
    assert 'name="set.ndb" value="beta"' not in tanaka.answer.text
    public.clock.at = datetime(2024, 9, 1, 3, 0, tzinfo=UTC)
    later = submitted(browse, language, **{"set.ndb": "beta"}, **dates)
    assert 'data-state="submitted"' in later.answer.text


def test_an_aggregate_set_is_granted_in_the_aggregate_tier(public: PortalSite, browse: Any) -> None:
    """Two tables of two axes."""
    decided(browse, submitted(browse, **{"set.ndb": "aggregate", "tier": "aggregate"}))
    assert permit(public).data_sets == {"ndb": DataSetGrant("aggregate")}
    assert permit(public).tier.value == "aggregate"


def test_a_form_sent_twice_without_naming_a_set_is_submitted_once(public: PortalSite, browse: Any) -> None:
    """What was meant by default is no change."""
    tanaka = browse("tanaka")
    tanaka.get("/applications/new")
    page = tanaka.page
    tanaka.press("submit-application", **{**ASKED, "set.ndb": [], "set.cancer": []})
    tanaka.page = page
    tanaka.press("submit-application", **{**ASKED, "set.ndb": [], "set.cancer": []})
    assert 'data-state="submitted"' in tanaka.answer.text


def test_a_set_that_ended_during_the_review_is_not_granted(public: PortalSite, browse: Any) -> None:
    """The last opinion is not taken, and no permit exists."""
    tanaka = submitted(browse, **{"set.ndb": "beta"})
    application = ApplicationId(str(tanaka.answer.request.url).rsplit("/", 1)[-1])
    ndb = dossiers()[DatabaseId("ndb")]
    over = tuple(
        replace(one, span=Span(one.span.start, public.clock.at.date())) if one.id == "beta" else one
        for one in ndb.datasets
    )
    ended = replace(ports_of(public.deps), dossiers={**dossiers(), ndb.database: replace(ndb, datasets=over)})
    reviewers = [flow.Reviewer(PersonId(m), frozenset({Role.COMMITTEE})) for m in ("sato", "suzuki")]
    flow.opine(ended, reviewers[0], application, "ndb", Opinion.APPROVE, comment="Agreed.")
    with pytest.raises(Refused) as no:
        flow.opine(ended, reviewers[1], application, "ndb", Opinion.APPROVE, comment="Agreed.")
    assert no.value.code == "application.dataset_not_open"
    assert ended.applications.stored(application).decided_at is None


def test_an_application_of_before_there_was_a_choice_is_decided_as_it_was_submitted(
    public: PortalSite, browse: Any
) -> None:
    """Its permit names no set."""
    tanaka = submitted(browse)
    application = ApplicationId(str(tanaka.answer.request.url).rsplit("/", 1)[-1])
    ports = ports_of(public.deps)
    before = ports.applications.stored(application)
    old = replace(before, draft=replace(before.draft, sets={}), version=before.version + 1)
    saved = edge.event(Actor("tanaka", "applicant"), "application.saved", Thing("application", application))
    ports.applications.change(before, old, saved)
    sheet = decided(browse, tanaka)
    assert "data-path" not in sheet
    assert permit(public).data_sets == {}
