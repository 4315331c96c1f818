"""What everyone may see without logging in: what this is, the register of approved projects."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from enclave.adapters.application_records import ApplicationRecords
from enclave.portal import home
from enclave.portal.catalogue import to_choose_from
from enclave.portal.deps import Deps
from enclave.portal.pages import Pages
from enclave.portal.visit import visit_of


def routes(deps: Deps, pages: Pages) -> APIRouter:
    router = APIRouter()
    applications = ApplicationRecords(deps.records)

    @router.get("/")
    def first(request: Request) -> Response:
        visit = visit_of(request)
        if visit.person is not None:
            return home.page(deps, pages, visit, visit.person)
        return about(request)

    @router.get("/about")
    def about(request: Request) -> Response:
        visit = visit_of(request)
        return pages.show(
            visit,
            "front.html",
            visit.say("データは動かさない。人が、データのもとへ。", "The data stays. People come to it."),
            register=applications.register()[:6],
            databases=to_choose_from(deps.catalogue()),
            now=deps.now(),
        )

    @router.get("/register")
    def register(request: Request) -> Response:
        visit = visit_of(request)
        entries = applications.register()
        days = sorted(e.days for e in entries)
        return pages.show(
            visit,
            "register.html",
            visit.say("承諾済み研究の一覧", "Register of approved projects"),
            register=entries,
            median=days[len(days) // 2] if days else None,
            now=deps.now(),
        )

    return router
