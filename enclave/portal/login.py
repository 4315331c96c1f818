"""Logging in through the hub (OAuth 2 with PKCE), and out of both.

The hub authenticates; this module only turns its word into a session of the portal. The way back from the hub may
have begun on another site (a link in a mail): the session cookie, `SameSite=Strict`, is then first sent by a
navigation that this origin itself begins. Hence the small page in between instead of a redirect.
"""

from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from enclave.adapters.person_records import find_person
from enclave.core.refusal import Refused
from enclave.portal.deps import Deps
from enclave.portal.pages import Pages, go
from enclave.portal.sessions import LASTS, LOGIN_LASTS
from enclave.portal.visit import LOGIN_COOKIE, SESSION_COOKIE, Visit, visit_of


def local(path: str) -> str:
    """A path of this portal; anything else becomes the first page, so that nobody is sent elsewhere after log-in."""
    plain = (
        path.startswith("/")
        and not path.startswith(("//", "/\\"))
        and path.isprintable()
        and "\\" not in path
    )
    return path if plain and not path.startswith(("/login", "/logout", "/oauth_callback")) else "/"


def ask(path: str, query: str = "") -> RedirectResponse:
    """To the log-in, and back to this page afterwards."""
    return RedirectResponse("/login?" + urlencode({"next": path + (f"?{query}" if query else "")}), 303)


def routes(deps: Deps, pages: Pages) -> APIRouter:
    router = APIRouter()

    @router.get("/login")
    def login(request: Request) -> Response:
        visit = visit_of(request)
        following = local(request.query_params.get("next", "/"))
        if visit.person is not None:
            return go(following)
        state, begun = deps.sessions.begin_login(following, deps.now())
        answer = go(deps.hub.authorize_url(state, begun.verifier))
        answer.set_cookie(
            LOGIN_COOKIE,
            state,
            max_age=int(LOGIN_LASTS.total_seconds()),
            path="/",
            secure=True,
            httponly=True,
            samesite="lax",  # the hub's answer may arrive at the end of a navigation that began elsewhere
        )
        return answer

    @router.get("/oauth_callback")
    def callback(request: Request) -> Response:
        """1. The state is this browser's and unused. 2. The code is worth a token. 3. The person is registered."""
        visit = visit_of(request)
        state = request.query_params.get("state", "")
        # 1
        begun = deps.sessions.end_login(state, deps.now()) if state else None
        if begun is None or request.cookies.get(LOGIN_COOKIE) != state:
            raise Refused("session.login_expired")
        # 2
        code = request.query_params.get("code")
        if not code:
            raise Refused("session.login_failed")
        token = deps.hub.exchange(code, begun.verifier)
        name = deps.hub.whoami(token)
        if name is None:
            raise Refused("session.login_failed")
        # 3
        person = find_person(deps.records, name)
        if person is None or not person.active:
            raise Refused("session.unregistered")
        if visit.session is not None:
            deps.sessions.end(visit.session)
        cookie = deps.sessions.begin(person.id, token, deps.now())
        answer = pages.show(
            Visit(visit.speech, visit.path),
            "login_done.html",
            visit.say("ログインしました", "You are logged in"),
            following=quote(begun.next, safe="/?&=%.-_~:+"),
        )
        answer.set_cookie(
            SESSION_COOKIE,
            cookie,
            max_age=int(LASTS.total_seconds()),
            path="/",
            secure=True,
            httponly=True,
            samesite="strict",
        )
        answer.delete_cookie(LOGIN_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
        return answer

    @router.post("/logout")
    def logout(request: Request) -> Response:
        visit = visit_of(request)
        if visit.session is not None:
            deps.sessions.end(visit.session)
        answer = go("/hub/logout")
        answer.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="strict")
        return answer

    return router
