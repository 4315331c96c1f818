"""HTTP for custody, over a Unix socket: register, withdraw, build, open, report, trace, erase.

Decides which service may ask for which act (`MAY`); the policy server decides on the person and the permit, and
`enclave.adapters.custodian` on the order of the steps. A caller is who its token says. Does not log a request: the
ledger holds what happened, and a key in an answer is written nowhere.

    POST   /v1/databases                        {descriptor: path, actor?}            → what was taken in
    GET    /v1/databases                                                              → {databases: {id: {...}}}
    POST   /v1/withdrawals                      {withdrawals: [...], actor?}          → {entered, known, log}
    POST   /v1/traces                           {database, person, actor?}            → {provisions, log}
    POST   /v1/reports                          {provision?, actor?}                  → {provided, erasures, ...}
    POST   /v1/extracts                         {envelope, refresh?, actor?}          → the manifest
    GET    /v1/builds/{provision}                                                     → {n, table, share} or {}
    GET    /v1/extracts/{provision}                                                   → {extracts: [manifest]}
    POST   /v1/extracts/{provision}/{n}/open    {envelope, session, person?}          → {n, manifest, key, log}
    POST   /v1/releases/{output}/examined       {envelope, n, database, floor, zero_hidden, rule_set, cells, session,
                                                 person?, unread?, unjudged?, strictest?} → {findings, bound, log}
    POST   /v1/releases/{output}/concluded      {released, actor}                     → {populations, log}
    POST   /v1/publications                     {database, release, cells, actor?}    → {release, numbers, ...}
    POST   /v1/publications/listed              {database, actor?}                    → {releases: [...], log}
    DELETE /v1/extracts/{provision}             {actor?}                              → the certificate
    GET    /healthz                             no token                              → {ok: true}

`n` may be `latest`. `actor` is `{person, role}`; a withdrawal is `{database, person, kind, effective}`. A build answers when it is done (the demonstration's three tables:
about two seconds); the answer carries `Server-Timing: custody;dur=<ms>`. A no is problem+json.
"""

import hashlib
import json
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from enclave.adapters import signing
from enclave.adapters.custodian import Caller, Custodian, Ledger, Policy, Withdrawal, WithdrawalKind
from enclave.adapters.custody_releases import asked_of, lines_of, published_lines
from enclave.adapters.ledger_service import bind
from enclave.catalogue import codes as catalogue_codes
from enclave.config import SERVICES_GROUP, Site
from enclave.core import refusal
from enclave.core.event import Actor
from enclave.core.ids import PERSON
from enclave.core.refusal import Refused
from enclave.custody import codes as custody_codes
from enclave.custody.plan import CompileRows

MAY: Mapping[str, frozenset[str]] = {
    "register": frozenset({"operator"}),
    "withdraw": frozenset({"operator"}),
    "trace": frozenset({"operator"}),
    "report": frozenset({"operator", "portal"}),
    "build": frozenset({"operator", "portal"}),
    "list": frozenset({"operator", "portal", "gateway"}),
    "open": frozenset({"gateway"}),
    "examine": frozenset({"gateway"}),
    "conclude": frozenset({"portal"}),
    "publish": frozenset({"operator"}),
    "erase": frozenset({"operator", "portal"}),
}
"""Act → services that may ask for it. Only the gateway ever receives a key."""

MAX_BODY = 1 << 20
MAX_CELLS = 256 << 20
"""Bytes of the sets of persons behind an output's cells, as the gateway sends them."""
WORDINGS = {**refusal.CODES, **catalogue_codes.CODES, **custody_codes.CODES}

_ROLE = re.compile(r"[a-z][a-z-]{0,29}")
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")

Work = Callable[[Caller, Mapping[str, Any], Mapping[str, str]], dict[str, Any]]


def build(custodian: Custodian, callers: Callable[[], Mapping[str, str]]) -> Starlette:
    """The application. `callers` gives {service: SHA-256 of its token in hex} at each request, so a token can change."""

    def register(caller: Caller, body: Mapping[str, Any], _path: Mapping[str, str]) -> dict[str, Any]:
        path = Path(_text(body, "descriptor"))
        if not path.is_absolute():
            raise Refused("custody.request_malformed", {"place": "descriptor"})
        return custodian.register(caller, path)

    def databases(_caller: Caller, _body: Mapping[str, Any], _path: Mapping[str, str]) -> dict[str, Any]:
        return {"databases": custodian.databases()}

    def withdraw(caller: Caller, body: Mapping[str, Any], _path: Mapping[str, str]) -> dict[str, Any]:
        return custodian.withdraw(caller, _withdrawals(body))

    def trace(caller: Caller, body: Mapping[str, Any], _path: Mapping[str, str]) -> dict[str, Any]:
        return custodian.trace(caller, _text(body, "database"), _text(body, "person"))

    def report(caller: Caller, body: Mapping[str, Any], _path: Mapping[str, str]) -> dict[str, Any]:
        return custodian.report(caller, None if body.get("provision") is None else _text(body, "provision"))

    def progress(_caller: Caller, _body: Mapping[str, Any], path: Mapping[str, str]) -> dict[str, Any]:
        return custodian.progress(path["provision"])

    def extract(caller: Caller, body: Mapping[str, Any], _path: Mapping[str, str]) -> dict[str, Any]:
        refresh = body.get("refresh", False)
        if not isinstance(refresh, bool):
            raise Refused("custody.request_malformed", {"place": "refresh"})
        return custodian.build(caller, _envelope(body), refresh=refresh)

    def extracts(_caller: Caller, _body: Mapping[str, Any], path: Mapping[str, str]) -> dict[str, Any]:
        return {"extracts": custodian.extracts(path["provision"])}

    def opened(caller: Caller, body: Mapping[str, Any], path: Mapping[str, str]) -> dict[str, Any]:
        n = path["n"]
        if n != "latest" and not re.fullmatch(r"[1-9][0-9]{0,8}", n, re.ASCII):
            raise Refused("custody.request_malformed", {"place": "n"})
        found = custodian.open(caller, path["provision"], None if n == "latest" else int(n), _envelope(body))
        return {"n": found.n, "manifest": found.manifest, "key": found.key, "log": found.log}

    def erase(caller: Caller, _body: Mapping[str, Any], path: Mapping[str, str]) -> dict[str, Any]:
        return custodian.erase(caller, path["provision"])

    def examined(caller: Caller, body: Mapping[str, Any], path: Mapping[str, str]) -> dict[str, Any]:
        asked = asked_of(path["output"], body)
        return custodian.examine(caller, _envelope(body), asked, lines_of(body.get("cells")))

    def publish(caller: Caller, body: Mapping[str, Any], _path: Mapping[str, str]) -> dict[str, Any]:
        release = _text(body, "release")
        cells = published_lines(release, body.get("cells"))
        return custodian.enter_release(caller, _text(body, "database"), release, cells)

    def publications(caller: Caller, body: Mapping[str, Any], _path: Mapping[str, str]) -> dict[str, Any]:
        return custodian.releases(caller, _text(body, "database"))

    def concluded(caller: Caller, body: Mapping[str, Any], path: Mapping[str, str]) -> dict[str, Any]:
        released = body.get("released")
        if not isinstance(released, bool):
            raise Refused("custody.request_malformed", {"place": "released"})
        return custodian.conclude(caller, path["output"], released)

    def answering(act: str, work: Work, most: int = MAX_BODY) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            began = time.perf_counter()
            try:
                service = _service(request, callers())
                if service not in MAY[act]:
                    raise Refused("custody.caller_not_allowed", {"act": act})
                body = await _body(request, most)
                caller = Caller(service, _actor(service, body))
                found = await run_in_threadpool(work, caller, body, request.path_params)
            except Refused as no:
                return _problem(no)
            except Exception as error:
                # A defect. Its text could quote a value, so only its kind and place are written down.
                at = traceback.extract_tb(error.__traceback__)[-1]
                print(
                    f"custody: {type(error).__name__} at {at.name}:{at.lineno}", file=sys.stderr, flush=True
                )
                return _problem(Refused("custody.engine"))
            milliseconds = (time.perf_counter() - began) * 1000
            return JSONResponse(
                found,
                headers={"Cache-Control": "no-store", "Server-Timing": f"custody;dur={milliseconds:.0f}"},
            )

        return answer

    async def health(_request: Request) -> Response:
        return JSONResponse({"ok": True})

    return Starlette(
        routes=[
            Route("/v1/databases", answering("register", register), methods=["POST"]),
            Route("/v1/databases", answering("list", databases), methods=["GET"]),
            Route("/v1/withdrawals", answering("withdraw", withdraw), methods=["POST"]),
            Route("/v1/traces", answering("trace", trace), methods=["POST"]),
            Route("/v1/reports", answering("report", report), methods=["POST"]),
            Route("/v1/builds/{provision}", answering("list", progress), methods=["GET"]),
            Route("/v1/extracts", answering("build", extract), methods=["POST"]),
            Route("/v1/extracts/{provision}", answering("list", extracts), methods=["GET"]),
            Route("/v1/extracts/{provision}", answering("erase", erase), methods=["DELETE"]),
            Route("/v1/extracts/{provision}/{n}/open", answering("open", opened), methods=["POST"]),
            Route(
                "/v1/releases/{output}/examined", answering("examine", examined, MAX_CELLS), methods=["POST"]
            ),
            Route("/v1/releases/{output}/concluded", answering("conclude", concluded), methods=["POST"]),
            Route("/v1/publications", answering("publish", publish, MAX_CELLS), methods=["POST"]),
            Route("/v1/publications/listed", answering("publish", publications), methods=["POST"]),
            Route("/healthz", health, methods=["GET"]),
        ]
    )


def _problem(no: Refused) -> Response:
    problem = refusal.problem(no, WORDINGS, "en")
    status = int(str(problem["status"]))
    return JSONResponse(problem, status_code=status, media_type="application/problem+json")


def _service(request: Request, callers: Mapping[str, str]) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    names = {digest.removeprefix("sha256:"): name for name, digest in callers.items()}
    # Looked up by digest: how long it takes says nothing about a token that is not known.
    name = names.get(hashlib.sha256(token.strip().encode()).hexdigest())
    if scheme.lower() != "bearer" or name is None:
        raise Refused("custody.caller_unknown")
    return name


async def _body(request: Request, most: int) -> Mapping[str, Any]:
    raw = bytearray()
    try:
        async for part in request.stream():
            raw += part
            if len(raw) > most:
                raise Refused("custody.request_malformed", {"place": "length"})
    except ClientDisconnect:
        raise Refused("custody.request_malformed", {"place": "length"}) from None
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refused("custody.request_malformed", {"place": "body"}) from None
    if not isinstance(body, dict):
        raise Refused("custody.request_malformed", {"place": "body"})
    return body


def _actor(service: str, body: Mapping[str, Any]) -> Actor:
    """Who acts: `actor`, or the `person` and `session` of an opening, else the service itself."""
    session = body.get("session")
    if session is not None and not (isinstance(session, str) and _SESSION.fullmatch(session)):
        raise Refused("custody.request_malformed", {"place": "session"})
    said = body.get("actor")
    if said is None and "person" in body:
        said = {"person": body["person"], "role": "handler"}
    if said is None:
        return Actor(service, "service", session)
    if not isinstance(said, Mapping):
        raise Refused("custody.request_malformed", {"place": "actor"})
    person, role = said.get("person"), said.get("role")
    if not (isinstance(person, str) and PERSON.fullmatch(person)):
        raise Refused("custody.request_malformed", {"place": "actor.person"})
    if not (isinstance(role, str) and _ROLE.fullmatch(role)):
        raise Refused("custody.request_malformed", {"place": "actor.role"})
    return Actor(person, role, session)


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not 0 < len(value) < 4096 or "\0" in value:
        raise Refused("custody.request_malformed", {"place": name})
    return value


def _whole(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1 << 31:
        raise Refused("custody.request_malformed", {"place": name})
    return value


def _withdrawals(body: Mapping[str, Any]) -> list[Withdrawal]:
    raw = body.get("withdrawals")
    if not isinstance(raw, list):
        raise Refused("custody.request_malformed", {"place": "withdrawals"})
    found = []
    for n, one in enumerate(raw):
        try:
            found.append(
                Withdrawal(
                    _text(one, "database"),
                    _text(one, "person"),
                    WithdrawalKind(_text(one, "kind")),
                    date.fromisoformat(_text(one, "effective")),
                )
            )
        except (Refused, ValueError, AttributeError):
            raise Refused("custody.request_malformed", {"place": f"withdrawals.{n}"}) from None
    return found


def _envelope(body: Mapping[str, Any]) -> Mapping[str, Any]:
    value = body.get("envelope")
    if not isinstance(value, Mapping):
        raise Refused("custody.request_malformed", {"place": "envelope"})
    return value


# -- the process ---------------------------------------------------------------------------------
def serve(site: Site, *, ledger: Ledger, policy: Policy, compile_rows: CompileRows) -> None:
    """Run custody for a site until a signal ends it; a build that is under way is finished or swept at the next start.

    Where it must not start (a vault whose key is missing), it says why in both languages and exits with status 3.
    """
    os.umask(0o027)
    try:
        custodian = Custodian(
            site,
            ledger=ledger,
            policy=policy,
            compile_rows=compile_rows,
            trusted=lambda: signing.load_trusted(signing.trusted_file(site)),
        )
    except Refused as no:
        for language in ("ja", "en"):
            said = refusal.problem(no, WORDINGS, language)
            print(f"{no.code}: {said['title']} {said['hint']}", file=sys.stderr, flush=True)
        raise SystemExit(3) from None
    app = build(custodian, lambda: dict(json.loads(site.callers("custody").read_text())))
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    listening = bind(site.custody_socket, SERVICES_GROUP)
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        site.custody_socket.unlink(missing_ok=True)
