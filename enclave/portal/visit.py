"""One request, judged before any page sees it: from where, by whom, in which language.

Decides that an unsafe request comes from a page of this portal: `Origin` and `Sec-Fetch-Site` of its own, and the
person's token. That matters because a notebook of a workspace runs its owner's and anybody's scripts in the same
browser. Relies on the sessions; roles are read from the records at every request, so taking one away holds at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from enclave.adapters.person_records import Person, find_person
from enclave.core.refusal import Refused
from enclave.core.roles import Role
from enclave.portal import sessions
from enclave.portal.deps import Deps
from enclave.portal.language import COOKIE as LANGUAGE_COOKIE
from enclave.portal.language import Speech, choose

SESSION_COOKIE = "__Host-enclave-session"
LOGIN_COOKIE = "__Host-enclave-login"
SAFE = frozenset({"GET", "HEAD"})
MAX_FORM = 1_000_000
MAX_FIELDS = 5_000


@dataclass(frozen=True)
class Form:
    """What a page sent: texts by field, in order."""

    fields: Sequence[tuple[str, str]] = ()

    def text(self, name: str) -> str:
        """The first value, with line ends as typed on this system; empty where there is none."""
        return next((value.replace("\r\n", "\n") for key, value in self.fields if key == name), "")

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(value.replace("\r\n", "\n") for key, value in self.fields if key == name)

    def starting(self, prefix: str) -> Mapping[str, str]:
        """Fields whose name begins with `prefix`, by the rest of their name."""
        return {
            k.removeprefix(prefix): v.replace("\r\n", "\n") for k, v in self.fields if k.startswith(prefix)
        }


@dataclass(frozen=True)
class Visit:
    """Who asks, in which language. `person` is None for the public."""

    speech: Speech
    path: str
    person: Person | None = None
    session: sessions.Session | None = None
    form: Form = Form()
    csrf: str = ""

    @property
    def language(self) -> str:
        return self.speech.language

    def say(self, ja: str, en: str) -> str:
        return self.speech.say(ja, en)

    def required(self, *roles: Role) -> Person:
        """The person, with one of the roles where any is named.

        Raises Refused `session.required` or `session.role_missing`.
        """
        if self.person is None:
            raise Refused("session.required")
        if roles and not self.person.roles & set(roles):
            raise Refused(
                "session.role_missing", {"role": ", ".join(self.speech.word("role", r.value) for r in roles)}
            )
        return self.person


def speech_of(request: Request) -> Speech:
    return Speech(
        choose(
            request.query_params.get("lang"),
            request.cookies.get(LANGUAGE_COOKIE),
            request.headers.get("accept-language"),
        )
    )


def visit_of(request: Request) -> Visit:
    """The judged visit of a request, for the pages."""
    visit: Visit = request.state.visit
    return visit


async def judge(request: Request, deps: Deps) -> Visit:
    """The visit of a request. Raises Refused `session.cross_site`, `portal.too_large`, `portal.form`.

    1. An unsafe request says that it comes from this origin, or it goes no further.
    2. The session of the cookie, if it lives; the hub is asked now and then whether its log-in still holds.
    3. The person as the records know them now; a suspended one is nobody.
    4. An unsafe request of a person carries the person's token.
    """
    # 1
    form = Form()
    if request.method not in SAFE:
        check_origin(request, deps.site.origin)
        form = await _read_form(request)
    # 2, 3
    session, person = await run_in_threadpool(_who, request, deps)
    # 4
    if request.method not in SAFE and person is not None:
        token = form.text("csrf") or request.headers.get("x-enclave-csrf", "")
        if not deps.sessions.csrf_good(person.id, token):
            raise Refused("session.cross_site")
    csrf = deps.sessions.csrf(person.id) if person is not None else ""
    return Visit(speech_of(request), request.url.path, person, session, form, csrf)


def check_origin(request: Request, origin: str) -> None:
    """Raise Refused `session.cross_site` unless the browser says that the request is this origin's own.

    Every current browser sends `Origin` with a POST; `Sec-Fetch-Site` tells a sibling site apart. One of them must be
    there, and none may say otherwise.
    """
    said, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if (said is None and site is None) or said not in {None, origin} or site not in {None, "same-origin"}:
        raise Refused("session.cross_site")


async def _read_form(request: Request) -> Form:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > MAX_FORM:
            raise Refused("portal.too_large")
    if not raw:
        return Form()
    if kind != "application/x-www-form-urlencoded":
        raise Refused("portal.form")
    try:
        text = raw.decode("ascii")
        fields = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError as error:
        raise Refused("portal.form") from error
    if any("\x00" in key or "\x00" in value for key, value in fields):
        raise Refused("portal.form")
    return Form(tuple(fields))


def _who(request: Request, deps: Deps) -> tuple[sessions.Session | None, Person | None]:
    cookie = request.cookies.get(SESSION_COOKIE, "")
    now = deps.now()
    session = deps.sessions.find(cookie, now) if cookie else None
    if session is None:
        return None, None
    if now - session.asked_at > sessions.ASK_HUB and not _hub_agrees(deps, session):
        deps.sessions.end(session)
        return None, None
    person = find_person(deps.records, session.person)
    if person is None or not person.active:
        return None, None
    return session, person


def _hub_agrees(deps: Deps, session: sessions.Session) -> bool:
    """Whether the hub still knows the log-in. A silent hub ends nobody's session: it is asked again next time."""
    try:
        known = deps.hub.whoami(session.hub_token)
    except Refused:
        return True
    if known != session.person:
        return False
    deps.sessions.asked_hub(session, deps.now())
    return True
