"""What a request must be before anything looks at what it asks, and how every no leaves.

Decides from method, target, headers and size alone. A workspace is hostile ground: a request that a proxy could read
differently (an absolute target, CONNECT, an upgrade, a second Host, another Host) is refused, and so is JSON with a
name that stands twice. Client addresses are the socket's; forwarding headers mean nothing here.
"""

import json
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from enclave.adapters.edge import new_id, token_digest
from enclave.core.refusal import CODES as CORE
from enclave.core.refusal import Refused, Wording, problem
from enclave.custody.codes import CODES as CUSTODY
from enclave.disclosure.codes import CODES as DISCLOSURE
from enclave.export.codes import CODES as EXPORT
from enclave.gateway.asking import Entered, enter
from enclave.gateway.codes import CODES as GATEWAY
from enclave.gateway.deps import Deps
from enclave.query.codes import CODES as QUERY

WORDINGS: dict[str, Wording] = {**CORE, **QUERY, **DISCLOSURE, **EXPORT, **CUSTODY, **GATEWAY}
log = logging.getLogger("enclave.gateway")

Handler = Callable[[Request], Awaitable[Response]]


def language_of(accept: str) -> str:
    """`ja` or `en`: the one that an Accept-Language header prefers, English where it names neither."""
    best, weight = "en", 0.0
    for part in accept.split(","):
        name, _, rest = part.strip().partition(";")
        try:
            quality = float(rest.strip().removeprefix("q=")) if rest else 1.0
        except ValueError:
            continue
        primary = name.strip().lower().partition("-")[0]
        if primary in {"ja", "en"} and quality > weight:
            best, weight = primary, quality
    return best


def no(refused: Refused, language: str) -> Response:
    """A refusal as problem+json, with the status of its wording."""
    said = problem(refused, WORDINGS, language)
    return JSONResponse(said, int(str(said["status"])), media_type="application/problem+json")


def internal(error: BaseException, language: str) -> Response:
    """A defect: a number for the person, its place for the log. The error's text may hold data and goes nowhere."""
    number = new_id()
    places = [
        f"{f.filename.rpartition('/')[2]}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)
    ]
    log.error("internal %s %s at %s", number, type(error).__name__, " ".join(places[-8:]))
    return no(Refused("internal", {"id": number}), language)


class Door:
    """The outermost layer: refuses what is no plain request to this gateway."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1002})
            return
        why = self._odd(scope)
        if why is not None:
            accept = next((v for k, v in scope["headers"] if k == b"accept-language"), b"")
            answer = no(Refused("gateway.request", {"why": why}), language_of(accept.decode("latin-1")))
            answer.headers["Connection"] = "close"
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _odd(self, scope: Scope) -> str | None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        names = [name.lower() for name, _ in headers]
        target = scope.get("raw_path") or scope["path"].encode()
        if scope["method"] not in {"GET", "POST", "DELETE"}:
            return "method"
        if not target.startswith(b"/") or target.startswith(b"//") or b"%" in target:
            return "target"
        if b"upgrade" in names or b"http2-settings" in names:
            return "upgrade"
        if [value.decode("latin-1") for name, value in headers if name.lower() == b"host"] not in (
            [host] for host in self._hosts
        ):
            return "host"
        if names.count(b"authorization") > 1 or names.count(b"content-length") > 1:
            return "headers"
        if b"content-encoding" in names:
            return "encoding"
        return None


def answering(handler: Handler, deps: Deps) -> Handler:
    """`handler` with every Refused, and every defect, turned into its problem."""

    async def answered(request: Request) -> Response:
        language = language_of(request.headers.get("accept-language", ""))
        try:
            return await handler(request)
        except Refused as refused:
            deps.metrics.refusals.labels(refused.code if refused.code in WORDINGS else "other").inc()
            return no(refused, language)
        except ClientDisconnect:
            raise
        except Exception as error:
            deps.metrics.refusals.labels("internal").inc()
            return internal(error, language)

    return answered


def bearer(request: Request) -> str:
    """The digest of the bearer token. Raises Refused `session.required`."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token or len(token) > 256 or not token.isascii():
        raise Refused("session.required")
    return token_digest(token)


def address_of(request: Request) -> str:
    """The socket's own address. Raises Refused `session.address`."""
    if request.client is None:
        raise Refused("session.address")
    return request.client.host


async def entered(request: Request, deps: Deps) -> Entered:
    """Who asks: the live session behind the token, at its own address, with its permit in force."""
    return await run_in_threadpool(enter, deps, bearer(request), address_of(request))


async def read_json(request: Request, limit: int) -> Mapping[str, Any]:
    """The body as one JSON object of at most `limit` bytes. Raises Refused `gateway.too_large`, `gateway.json`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused("gateway.json", {"why": "content type"})
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > limit:
        raise Refused("gateway.too_large", {"limit": limit})
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise Refused("gateway.too_large", {"limit": limit})
    return parse_json(bytes(body))


def parse_json(body: bytes) -> Mapping[str, Any]:
    """One JSON object. Raises Refused `gateway.json` for anything else, for a repeated name and for NaN."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise Refused("gateway.json", {"why": "a name stands twice"})
        return found

    def never(_: str) -> float:
        raise Refused("gateway.json", {"why": "not a number"})

    try:
        found = json.loads(body.decode("utf-8"), object_pairs_hook=once, parse_constant=never)
    except (ValueError, RecursionError):
        raise Refused("gateway.json", {"why": "syntax"}) from None
    if not isinstance(found, dict):
        raise Refused("gateway.json", {"why": "object"})
    return found
