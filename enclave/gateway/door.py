"""What a request must be before anything looks at what it asks, and how every no leaves.

Decides from method, target, headers and size alone. A workspace is hostile ground: a request that a proxy could read
differently (an absolute target, CONNECT, an upgrade, a second Host, another Host) is refused. Client addresses are the
socket's; forwarding headers mean nothing here. One workspace may have only so many requests on their way: what comes
beyond is told so at once, before a thread or the records hear of it, so that nobody else waits for it.
"""

import asyncio
import logging
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from enclave.adapters.edge import new_id, token_digest
from enclave.core.refusal import CODES as CORE
from enclave.core.refusal import Refused, Wording, problem
from enclave.custody.codes import CODES as CUSTODY
from enclave.disclosure.codes import CODES as DISCLOSURE
from enclave.export.codes import CODES as EXPORT
from enclave.gateway.asking import Entered, enter
from enclave.gateway.body import MAX_OF_ADDRESS
from enclave.gateway.codes import CODES as GATEWAY
from enclave.gateway.deps import Deps
from enclave.query.codes import CODES as QUERY

WORDINGS: dict[str, Wording] = {**CORE, **QUERY, **DISCLOSURE, **EXPORT, **CUSTODY, **GATEWAY}
log = logging.getLogger("enclave.gateway")

MAX_REQUESTS = 64
"""Requests of one address on their way at once: four queries, their looks and cancels, and ample room."""

LINGER = 2.0
"""Seconds for which the rest of a refused body is read and thrown away: a connection that is closed while its client
still writes is reset, and the client never reads the no."""

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
    """A refusal as problem+json, with the status of its wording and the headers that go with the status."""
    said = problem(refused, WORDINGS, language)
    status = int(str(said["status"]))
    headers = {"Content-Language": language, "Cache-Control": "no-store", **_BESIDE.get(status, {})}
    if refused.code == "gateway.method":
        headers["Allow"] = str(refused.facts["allowed"])
    return JSONResponse(said, status, headers, media_type="application/problem+json")


_BESIDE = {401: {"WWW-Authenticate": "Bearer"}, 429: {"Retry-After": "1"}, 503: {"Retry-After": "5"}}


def internal(error: BaseException, language: str) -> Response:
    """A defect: a number for the person, its place for the log. The error's text may hold data and goes nowhere."""
    number = new_id()
    places = [
        f"{f.filename.rpartition('/')[2]}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)
    ]
    log.error("internal %s %s at %s", number, type(error).__name__, " ".join(places[-8:]))
    return no(Refused("internal", {"id": number}), language)


class Door:
    """The outermost layer: refuses what is no plain request to this gateway, and what is too much at once."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts
        self._inside: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1002})
            return
        body = _Body(scope, receive, send)
        who = (scope.get("client") or ("",))[0]
        self._inside[who] += 1
        try:
            refused, closing = self._refusal(scope, who)
            if refused is None:
                await self._app(scope, body.receive, body.send)
                return
            accept = next((v for k, v in scope["headers"] if k == b"accept-language"), b"")
            answer = no(refused, language_of(accept.decode("latin-1")))
            if closing:
                answer.headers["Connection"] = "close"
            await answer(scope, body.receive, body.send)
        finally:
            self._inside[who] -= 1
            if not self._inside[who]:
                del self._inside[who]

    def _refusal(self, scope: Scope, who: str) -> tuple[Refused | None, bool]:
        """Why it goes no further, if so, and whether its connection ends with that."""
        why = self._odd(scope)
        if why is not None:
            return Refused("gateway.request", {"why": why}), True
        if self._inside[who] > MAX_REQUESTS:
            return Refused("gateway.crowded", {"requests": MAX_REQUESTS, "bytes": MAX_OF_ADDRESS}), False
        return None, False

    def _odd(self, scope: Scope) -> str | None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        names = [name.lower() for name, _ in headers]
        target = scope.get("raw_path") or scope["path"].encode()
        if not target.startswith(b"/") or target.startswith(b"//") or b"%" in target:
            return "target"
        if scope.get("query_string"):
            return "query"
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


class _Body:
    """The body of one request: whether all of it was heard, and what happens where an answer leaves before that."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = {name.lower(): value for name, value in scope["headers"]}
        self._whole = b"transfer-encoding" not in named and named.get(b"content-length", b"0") == b"0"
        self._receive, self._send = receive, send

    async def receive(self) -> Message:
        message = await self._receive()
        self._whole = self._whole or message["type"] == "http.disconnect" or not message.get("more_body")
        return message

    async def send(self, message: Message) -> None:
        """Hand it on; before the end of an early answer, take the rest of the body away for `LINGER` seconds."""
        if self._whole:
            await self._send(message)
        elif message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message["headers"] if name.lower() != b"connection"]
            await self._send({**message, "headers": [*kept, (b"connection", b"close")]})
        elif message.get("more_body"):
            await self._send(message)
        else:
            await self._send({**message, "more_body": True})
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER):
                    while not self._whole:
                        await self.receive()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


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
            # Gone before it had said everything: nothing was begun, and nobody hears this.
            return Response(status_code=400)
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
