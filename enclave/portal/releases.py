"""An export as its researcher sees it, and the download of what was released."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from enclave.adapters.export_records import event_for, export_detail, exports_of, release_bytes
from enclave.core.event import Actor
from enclave.core.refusal import Refused
from enclave.portal.deps import Deps
from enclave.portal.downloads import attachment
from enclave.portal.pages import Pages
from enclave.portal.projects import permit_for
from enclave.portal.visit import visit_of


def routes(deps: Deps, pages: Pages) -> APIRouter:
    router = APIRouter()

    @router.get("/projects/{project}/exports/{export}")
    def one(request: Request, project: str, export: str) -> Response:
        visit = visit_of(request)
        person = visit.required()
        permit = permit_for(deps, project, person).permit
        view = export_detail(deps.records, deps.trusted(), export, person.id, visit.language, deps.now())
        if view.export.project != project:
            raise Refused("export.unknown")
        return pages.show(
            visit,
            "export.html",
            visit.say(f"公表物 {view.export.output}", f"Output {view.export.output}"),
            view=view,
            permit=permit,
            planned={o.id: o for o in permit.outputs},
        )

    def download(request: Request, project: str, export: str, position: int | None) -> Response:
        visit = visit_of(request)
        person = visit.required()
        permit_for(deps, project, person)
        mine = next((e for e in exports_of(deps.records, project=project) if e.id == export), None)
        if mine is None:
            raise Refused("export.unknown")
        name, data, digest = release_bytes(
            deps.records,
            deps.policy,
            deps.trusted(),
            event_for(Actor(person.id, "handler"), "export.downloaded", mine),
            export,
            person.id,
            [r.value for r in person.roles],
            deps.now(),
            position,
        )
        return attachment(name, data, digest)

    @router.get("/projects/{project}/exports/{export}/release.zip")
    def everything(request: Request, project: str, export: str) -> Response:
        return download(request, project, export, None)

    @router.get("/projects/{project}/exports/{export}/files/{position}")
    def file(request: Request, project: str, export: str, position: int) -> Response:
        return download(request, project, export, position)

    return router
