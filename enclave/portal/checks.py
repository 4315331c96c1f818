"""The checkers' pages: the queue, and one export with its files and the machine's findings side by side.

Whoever checks does not see the other's vote before both are in: `export_records` hands out only what may be seen.
"""

from fastapi import APIRouter, Request
from starlette.responses import Response

from enclave.adapters.export_records import (
    decided_by,
    event_for,
    export_detail,
    file_for,
    queue_for,
    vote,
)
from enclave.adapters.permit_records import permit_by_id
from enclave.adapters.person_records import find_person
from enclave.core.event import Actor
from enclave.core.refusal import Refused
from enclave.core.roles import Role
from enclave.export.review import Choice
from enclave.portal.deps import Deps
from enclave.portal.downloads import picture
from enclave.portal.pages import Pages, go
from enclave.portal.visit import Visit, visit_of

LONGEST_COMMENT = 4000
MOST_ROWS = 500
"""Rows of a table that the page shows at once; the rest is counted and shown on pages of its own."""


def routes(deps: Deps, pages: Pages) -> APIRouter:
    router = APIRouter()

    @router.get("/checks")
    def queue(request: Request) -> Response:
        visit = visit_of(request)
        person = visit.required(Role.CHECKER)
        return pages.show(
            visit,
            "checks.html",
            visit.say("公表物確認", "Output checks"),
            queue=queue_for(deps.records, deps.trusted(), person.id),
            decided=decided_by(deps.records, person.id),
        )

    @router.get("/checks/{export}")
    def one(request: Request, export: str) -> Response:
        return page(visit_of(request), export, None, request.query_params.get("from", "0"))

    def page(visit: Visit, export: str, refused: Refused | None, begin: str = "0") -> Response:
        person = visit.required(Role.CHECKER)
        view = export_detail(deps.records, deps.trusted(), export, person.id, visit.language, deps.now())
        if person.id == view.export.person:
            raise Refused("export.own_project")
        permit = permit_by_id(deps.records, view.export.permit.partition("@")[0], deps.trusted()).permit
        if person.id in permit.handlers:
            raise Refused("export.own_project")
        said = pages.problem(visit, refused) if refused else None
        names = {v.checker: find_person(deps.records, v.checker) for v in view.votes if v.checker}
        return pages.show(
            visit,
            "check.html",
            visit.say(f"公表物の確認 {view.export.output}", f"Check of output {view.export.output}"),
            status=int(said["status"]) if said else 200,
            view=view,
            permit=permit,
            planned={o.id: o for o in permit.outputs}.get(view.export.output),
            submitter=find_person(deps.records, view.export.person),
            names=names,
            said=said,
            typed=visit.form,
            begin=int(begin) if begin.isascii() and begin.isdigit() and len(begin) < 9 else 0,
            rows_shown=MOST_ROWS,
        )

    @router.get("/checks/{export}/files/{position}")
    def file(request: Request, export: str, position: int) -> Response:
        visit = visit_of(request)
        person = visit.required(Role.CHECKER)
        _, media_type, data = file_for(deps.records, deps.trusted(), export, position, person.id)
        return picture(data, media_type)

    @router.post("/checks/{export}/votes")
    def cast(request: Request, export: str) -> Response:
        """One vote on the digest that the page showed. Sent twice, it counts once."""
        visit = visit_of(request)
        person = visit.required(Role.CHECKER)
        form = visit.form
        view = export_detail(deps.records, deps.trusted(), export, person.id, visit.language, deps.now())
        try:
            if form.text("vote") not in {c.value for c in Choice}:
                raise Refused("portal.vote_missing")
            if len(form.text("comment")) > LONGEST_COMMENT:
                raise Refused("application.text_too_long", {"limit": LONGEST_COMMENT})
            if form.text("vote") == Choice.REJECT.value and not form.text("comment").strip():
                raise Refused("portal.reason_missing")
            vote(
                deps.records,
                deps.policy,
                deps.trusted(),
                event_for(Actor(person.id, "checker"), "export.voted", view.export),
                export,
                person.id,
                [r.value for r in person.roles],
                Choice(form.text("vote")),
                form.text("comment").strip(),
                form.text("digest"),
                deps.now(),
                deps.conclude,
            )
        except Refused as refused:
            now_there = export_detail(
                deps.records, deps.trusted(), export, person.id, visit.language, deps.now()
            ).mine
            if now_there is not None and now_there.choice.value == form.text("vote"):
                return go(f"/checks/{export}")
            return page(visit, export, refused)
        return go(f"/checks/{export}")

    return router
