"""A handler's projects: the permit's standing, the workspace, the exports, what is left of today's budget.

The button that opens a workspace is checked here against the permit only to say no early and clearly; the hub asks
the policy again, and what the hub says counts.
"""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from enclave.adapters.amendment_records import AmendmentRecords
from enclave.adapters.export_records import exports_of
from enclave.adapters.permit_records import SignedPermit, permit_of_project, permits_of_handler, why_ended
from enclave.adapters.person_records import Person, find_person
from enclave.adapters.query_records import renewed
from enclave.application.amendment import OPEN
from enclave.core.clock import rfc3339
from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.portal.amendments import spending
from enclave.portal.deps import Deps
from enclave.portal.extracts import extract_of
from enclave.portal.launches import Launch, Launches
from enclave.portal.pages import Pages, go
from enclave.portal.permits import standing
from enclave.portal.visit import Visit, visit_of

NEWS_WITHIN = 1.0
"""Seconds for which a page that waits for its workspace is kept waiting before it is told that there is no news."""


def permit_for(deps: Deps, project: str, person: Person) -> SignedPermit:
    """The project's permit for one of its handlers; for anyone else there is no such permit."""
    signed = permit_of_project(deps.records, project, deps.trusted())
    if person.id not in signed.permit.handlers:
        raise Refused("permit.unknown")
    return signed


def ending(deps: Deps, person: str, permit: Permit) -> Refused | None:
    """Why the person's last workspace was ended for them, None where it was not; told until they open the next one."""
    code = why_ended(deps.records, person, permit.project)
    facts = {
        "permit": permit.reference,
        "valid_from": rfc3339(permit.valid_from),
        "valid_to": rfc3339(permit.valid_to),
    }
    return None if code is None else Refused(code, facts)


def routes(deps: Deps, pages: Pages) -> APIRouter:
    router = APIRouter()
    launches = Launches(deps.hub)

    def enter_url(person: str, project: str) -> str:
        return f"{deps.site.workspace_origin(person)}/user/{person}/{project}/enclave/enter"

    @router.get("/projects")
    def mine(request: Request) -> Response:
        visit = visit_of(request)
        person = visit.required()
        permits = [s.permit for s in permits_of_handler(deps.records, person.id, deps.trusted())]
        return pages.show(
            visit,
            "projects.html",
            visit.say("プロジェクト", "Projects"),
            rows=[(p, standing(p, deps), extract_of(deps.site, p)) for p in permits],
        )

    @router.get("/projects/{project}")
    def one(request: Request, project: str) -> Response:
        return page(visit_of(request), project, None)

    def page(visit: Visit, project: str, refused: Refused | None) -> Response:
        person = visit.required()
        permit = permit_for(deps, project, person).permit
        try:
            launch = launches.state(person.id, project)
        except Refused as silent:
            launch = Launch("unknown", silent)
        launches.forget(person.id, project)
        shown = refused or (launch.refused if launch.stage == "failed" else None)
        if shown is None and launch.stage == "off":
            shown = ending(deps, person.id, permit)
        said = pages.problem(visit, shown) if shown else None
        amendments = AmendmentRecords(deps.records).of_project(project)
        return pages.show(
            visit,
            "project.html",
            visit.say(f"プロジェクト {project}", f"Project {project}"),
            status=int(said["status"]) if refused and said else 200,
            permit=permit,
            standing=standing(permit, deps),
            people=[(p, find_person(deps.records, p)) for p in permit.handlers],
            catalogue={str(k): v for k, v in deps.catalogue().items()},
            extract=extract_of(deps.site, permit),
            launch=launch,
            enter_url=enter_url(person.id, project),
            exports=exports_of(deps.records, project=project),
            budget=spending(deps, permit),
            renewed=renewed(deps.now()),
            amendments=amendments,
            waiting=next((one for one in amendments if one.state in OPEN), None),
            said=said,
        )

    @router.post("/projects/{project}/workspace")
    def open_workspace(request: Request, project: str) -> Response:
        """1. A handler of the project. 2. The permit is in force. 3. The hub is asked; the next page shows progress."""
        visit = visit_of(request)
        person = visit.required()
        permit = permit_for(deps, project, person).permit
        try:
            permit.check_in_force(deps.now())
            if extract_of(deps.site, permit) is None:
                raise Refused("portal.no_extract", {"permit": permit.permit_id})
        except Refused as refused:
            return page(visit, project, refused)
        launches.open(person.id, project, visit.language)
        return go(f"/projects/{project}/workspace")

    @router.get("/projects/{project}/workspace")
    def progress(request: Request, project: str) -> Response:
        visit = visit_of(request)
        permit = permit_for(deps, project, visit.required()).permit
        return pages.show(
            visit,
            "workspace.html",
            visit.say("ワークスペースを開いています", "Opening your workspace"),
            permit=permit,
            **state_facts(visit, project),
        )

    def state_facts(visit: Visit, project: str) -> dict[str, Any]:
        person = visit.required()
        try:
            launch = launches.state(person.id, project)
        except Refused as silent:
            launch = Launch("failed", silent)
        return {
            "project": project,
            "launch": launch,
            "said": pages.problem(visit, launch.refused) if launch.refused else None,
            "enter_url": enter_url(person.id, project),
        }

    @router.get("/projects/{project}/workspace/state")
    def state(request: Request, project: str) -> Response:
        """The part of the progress page that asks for itself; answered as soon as there is news, or after a second.

        Once ready, the browser moves on.
        """
        visit = visit_of(request)
        person = visit.required()
        permit_for(deps, project, person)
        if request.headers.get("hx-request") == "true":
            launches.settle(person.id, project, NEWS_WITHIN)
        facts = state_facts(visit, project)
        answer = pages.part(visit, "workspace_state.html", **facts)
        launch = facts["launch"]
        if (
            isinstance(launch, Launch)
            and launch.stage == "ready"
            and request.headers.get("hx-request") == "true"
        ):
            answer.headers["HX-Redirect"] = str(facts["enter_url"])
        return answer

    @router.post("/projects/{project}/workspace/stop")
    def stop(request: Request, project: str) -> Response:
        visit = visit_of(request)
        person = visit.required()
        permit_for(deps, project, person)
        try:
            launches.stop(person.id, project)
        except Refused as refused:
            return page(visit, project, refused)
        return go(f"/projects/{project}")

    return router
