"""Opening a workspace from the project's page: who may, what is shown meanwhile, and what a no looks like."""

import time
from datetime import timedelta
from typing import Any

import pytest

from enclave.adapters import edge
from enclave.adapters.permit_records import (
    WorkspaceSession,
    create_workspace_session,
    revoke_workspace_sessions,
)
from enclave.core.event import Actor, Thing
from enclave.core.ids import PersonId, SessionId
from enclave.core.refusal import Refused
from tests.fakes.portal_site import PortalSite
from tests.web.application_form import approved
from tests.web.conftest import Browser


@pytest.fixture
def project(portal: PortalSite, browse: Any) -> str:
    """A project with a permit in force and a built extract."""
    approved(browse)
    portal.build_extract("nafld-fib")
    return "nafld-fib"


def _until(browser: Browser, stage: str) -> str:
    """The state that the progress page asks for, once it is `stage`."""
    for _ in range(3000):
        text = browser.get("/projects/nafld-fib/workspace/state", hx_request="true").text
        if f'data-workspace="{stage}"' in text:
            return text
        time.sleep(0.02)
    raise AssertionError(f"never {stage}: {text}")


def test_the_button_leads_over_progress_into_the_workspace(
    portal: PortalSite, browse: Any, project: str
) -> None:
    """The hub is asked for the project's server; when it is ready the browser is sent to the person's own site."""
    tanaka = browse("tanaka")
    tanaka.get(f"/projects/{project}")
    tanaka.press("open-workspace")
    text = _until(tanaka, "starting")
    assert 'hx-trigger="load delay:100ms"' in text
    portal.hub.finish("tanaka", project)
    _until(tanaka, "ready")
    target = "https://tanaka.enclave-work.localhost:9443/user/tanaka/nafld-fib/enclave/enter"
    assert tanaka.answer.headers["hx-redirect"] == target
    assert portal.hub.calls == [("start", "tanaka", project)]
    assert target in tanaka.get(f"/projects/{project}").text


def test_a_double_click_starts_one_workspace(portal: PortalSite, browse: Any, project: str) -> None:
    """The second request finds the first under way."""
    tanaka = browse("tanaka")
    tanaka.get(f"/projects/{project}")
    form = tanaka.page
    portal.hub.at_once = True
    tanaka.press("open-workspace")
    _until(tanaka, "ready")
    tanaka.page = form
    tanaka.press("open-workspace")
    _until(tanaka, "ready")
    assert portal.hub.calls.count(("start", "tanaka", project)) == 1


def test_another_workspace_of_the_person_is_stopped_first(
    portal: PortalSite, browse: Any, project: str
) -> None:
    """All of a person's servers share an origin, so one runs at a time."""
    portal.hub.finish("tanaka", "other")
    tanaka = browse("tanaka")
    tanaka.get(f"/projects/{project}")
    tanaka.press("open-workspace")
    _until(tanaka, "starting")
    assert portal.hub.calls == [("stop", "tanaka", "other"), ("start", "tanaka", project)]


def test_stopping_ends_it(portal: PortalSite, browse: Any, project: str) -> None:
    """The stop button asks the hub, and the page says that nothing runs."""
    portal.hub.finish("tanaka", project)
    tanaka = browse("tanaka")
    tanaka.get(f"/projects/{project}")
    tanaka.press("stop-workspace")
    assert 'data-workspace="off"' in tanaka.answer.text
    assert portal.hub.calls == [("stop", "tanaka", project)]


def test_an_expired_permit_opens_nothing(portal: PortalSite, browse: Any, project: str) -> None:
    """One clear sentence with its code and the time, and the hub is never asked."""
    portal.clock.advance(days=400)
    tanaka = browse("tanaka")
    tanaka.get(f"/projects/{project}")
    tanaka.press("open-workspace", status=403)
    assert 'data-code="permit.expired"' in tanaka.answer.text
    assert "It ended at 1 Nov 2027, 00:00 JST." in tanaka.answer.text
    assert portal.hub.calls == []


def test_without_an_extract_nothing_opens(portal: PortalSite, browse: Any) -> None:
    """The page says for whom one waits."""
    approved(browse)
    tanaka = browse("tanaka")
    page = tanaka.get("/projects/nafld-fib").text
    assert 'data-extract="waiting"' in page
    assert "enclave data extract p-2026-0001 --site test" in page
    tanaka.press("open-workspace", status=409)
    assert 'data-code="portal.no_extract"' in tanaka.answer.text


@pytest.mark.parametrize(
    "code", ["policy.unavailable", "ledger.unavailable", "permit.expired", "session.no_such_code"]
)
def test_what_the_hub_refuses_is_shown_with_its_code(
    portal: PortalSite, browse: Any, project: str, code: str
) -> None:
    """Also a code that has no sentence here is shown as itself: a missing sentence must not hide a no."""
    portal.hub.refuses = Refused(code)
    tanaka = browse("tanaka")
    tanaka.get(f"/projects/{project}")
    tanaka.press("open-workspace")
    assert f'data-code="{code}"' in _until(tanaka, "failed")
    portal.hub.refuses = None
    tanaka.get(f"/projects/{project}/workspace")
    tanaka.press("open-workspace")
    _until(tanaka, "starting")


def test_a_start_that_breaks_off_later_says_why(portal: PortalSite, browse: Any, project: str) -> None:
    """The hub took the start and it failed afterwards."""
    tanaka = browse("tanaka")
    tanaka.get(f"/projects/{project}")
    tanaka.press("open-workspace")
    _until(tanaka, "starting")
    portal.hub.break_off("tanaka", project, Refused("session.did_not_start"))
    assert 'data-code="session.did_not_start"' in _until(tanaka, "failed")


def test_a_workspace_that_was_ended_says_why_until_the_next_one(
    portal: PortalSite, browse: Any, project: str
) -> None:
    """Neither its person nor its hour ended it: the first page and the project's say so; a new session ends the news."""
    tanaka = browse("tanaka")

    def begin() -> None:
        permit, now = portal.permit(project), portal.clock()
        session = WorkspaceSession(
            SessionId(edge.new_id()), PersonId("tanaka"), permit.project, permit.permit_id, permit.revision,
            "10.101.0.2", now + timedelta(hours=12),
        )  # fmt: skip
        event = edge.event(Actor("tanaka", "handler"), "workspace.started", Thing("workspace", "w"))
        create_workspace_session(portal.records, event, session, edge.new_token(), now)
        portal.clock.advance(minutes=1)

    begin()
    assert "data-code" not in tanaka.get(f"/projects/{project}").text
    event = edge.event(
        Actor("hub", "service"), "workspace.stopped", Thing("workspace", "w"), codes=("session.plan_changed",)
    )
    revoke_workspace_sessions(portal.records, event, portal.clock(), person="tanaka", project=project)
    for path in (f"/projects/{project}", "/"):
        assert 'data-code="session.plan_changed"' in tanaka.get(path).text
    begin()
    for path in (f"/projects/{project}", "/"):
        assert "data-code" not in tanaka.get(path).text


def test_a_silent_hub_is_one_sentence(portal: PortalSite, browse: Any, project: str) -> None:
    """The project's page still shows everything else."""
    tanaka = browse("tanaka")
    portal.hub.silent = True
    page = tanaka.get(f"/projects/{project}").text
    assert 'data-workspace="unknown"' in page
    tanaka.press("open-workspace")
    assert 'data-code="hub.unavailable"' in _until(tanaka, "failed")


@pytest.mark.parametrize("person", ["mori", "sato", "ito", "kobayashi", "yamamoto", "watanabe"])
def test_a_project_is_nobody_elses(portal: PortalSite, browse: Any, project: str, person: str) -> None:
    """Who is not a handler cannot see, open or stop; the answer does not tell that the project exists."""
    stranger = browse(person)
    token = ("csrf", portal.deps.sessions.csrf(person))
    assert "permit.unknown" in stranger.get(f"/projects/{project}", status=404).text
    stranger.get(f"/projects/{project}/workspace/state", status=404)
    stranger.post(f"/projects/{project}/workspace", [token], status=404)
    stranger.post(f"/projects/{project}/workspace/stop", [token], status=404)
    assert portal.hub.calls == []
