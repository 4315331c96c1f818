"""The portal as one application: every page, and what holds for all of them.

Decides the headers of every answer (nothing from elsewhere runs, frames or receives), the page of every refusal, and
that every request is judged (`visit.judge`) before a page sees it. Relies on `Deps` for every machine.
"""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import Depends, FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from enclave.core.refusal import Refused
from enclave.portal import (
    amendments,
    applications,
    catalogue,
    checks,
    front,
    log,
    login,
    permits,
    projects,
    releases,
    reviews,
    status,
)
from enclave.portal.deps import Deps
from enclave.portal.language import COOKIE, LANGUAGES
from enclave.portal.metrics import Metrics
from enclave.portal.pages import WORDINGS, Pages
from enclave.portal.visit import SAFE, Visit, judge, speech_of

LOG = logging.getLogger("enclave.portal")

CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: browsers would then send `Origin: null` with a form, which is refused.
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
UNGUARDED = ("/static/", "/healthz", "/metrics")
"""Served without asking who it is."""


def build(deps: Deps) -> FastAPI:
    """The application over its ports."""
    pages, metrics = Pages(deps.site, {**deps.wordings, **WORDINGS}), Metrics()

    async def judged(request: Request) -> None:
        if not request.url.path.startswith(UNGUARDED):
            request.state.visit = await judge(request, deps)

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, dependencies=[Depends(judged)])
    for story in (
        front,
        catalogue,
        login,
        applications,
        reviews,
        amendments,
        permits,
        projects,
        releases,
        checks,
        log,
        status,
    ):
        app.include_router(story.routes(deps, pages))
    app.include_router(metrics.routes(deps))
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")

    def refused_page(request: Request, refused: Refused) -> Response:
        visit: Visit = getattr(request.state, "visit", None) or Visit(speech_of(request), request.url.path)
        metrics.refused.labels(refused.code).inc()
        if (
            refused.code == "session.required"
            and request.method in SAFE
            and "hx-request" not in request.headers
        ):
            return login.ask(request.url.path, request.url.query)
        return pages.refusal(visit, refused)

    @app.exception_handler(Refused)
    async def on_refused(request: Request, refused: Refused) -> Response:
        return await run_in_threadpool(refused_page, request, refused)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, problem: HTTPException) -> Response:
        code = {405: "portal.method"}.get(problem.status_code, "portal.not_found")
        if not hasattr(request.state, "visit"):
            # No route, so nobody was asked yet; the page of a wrong address still shows who is logged in.
            try:
                if request.method in SAFE:
                    request.state.visit = await judge(request, deps)
            except Refused as refused:
                return refused_page(request, refused)
        return refused_page(request, Refused(code))

    @app.exception_handler(Exception)
    async def on_failure(request: Request, failure: Exception) -> Response:
        # The kind of the failure only: its text may quote what a person typed.
        LOG.error("%s %s: %s", request.method, request.url.path, type(failure).__name__)
        return refused_page(request, Refused("portal.failed"))

    @app.middleware("http")
    async def for_all(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        with metrics.timed(request.method):
            answer = await call_next(request)
        metrics.answered.labels(request.method, str(answer.status_code)).inc()
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        static = request.url.path.startswith("/static/")
        answer.headers.setdefault("Cache-Control", "public, max-age=3600" if static else "no-store")
        answer.headers.setdefault("Vary", "Cookie, Accept-Language")
        asked = request.query_params.get("lang")
        if asked in LANGUAGES:
            answer.set_cookie(
                COOKIE, asked, max_age=31536000, path="/", secure=True, httponly=True, samesite="lax"
            )
        return answer

    return app
