"""HTTP for the ledger, over a Unix socket: append, read, prove.

Decides who may: every known caller appends, named readers read. A caller is who its token says; whatever a leaf
says of its actor is the caller's statement and is recorded as such. Does not decide what is true or allowed.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from enclave.adapters import ledger_files
from enclave.adapters.ledger_store import Store
from enclave.audit.codes import CODES
from enclave.audit.ledger import MAX_BATCH, MAX_PAGE, Sought
from enclave.core import refusal
from enclave.core.clock import parse_rfc3339
from enclave.core.refusal import Refused

READERS = frozenset({"portal", "auditor"})
"""Callers that may read leaves and proofs; the others append and see checkpoints only."""

MAX_BODY = 8_000_000
WORDINGS = {**refusal.CODES, **CODES}
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_TEXTS = frozenset({"project", "person", "action", "permit"})
_TIMES = frozenset({"since", "until"})
_NUMBERS = frozenset({"before", "limit"})

Handler = Callable[[Request, str], Awaitable[Response]]


class Metrics:
    """Counts and codes of the ledger, never who did what."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.leaves = Counter(
            "enclave_ledger_leaves", "Leaves answered for, by caller", ["caller"], registry=registry
        )
        self.refused = Counter(
            "enclave_ledger_refused", "Requests refused, by code", ["code"], registry=registry
        )
        self.size = Gauge("enclave_ledger_size", "Entries in the published log", registry=registry)
        self.seconds = Histogram(
            "enclave_ledger_append_seconds",
            "From request to durable",
            registry=registry,
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2),
        )


def build(
    store: Store,
    callers: Mapping[str, str],
    metrics: Metrics | None = None,
    readers: frozenset[str] = READERS,
) -> ASGIApp:
    """The application. `callers` maps a service's name to the SHA-256 of its token, in hex (`sha256:` before it allowed)."""
    measured = metrics or Metrics(CollectorRegistry())
    names = {digest.removeprefix("sha256:"): name for name, digest in callers.items()}

    def caller_of(request: Request) -> str:
        return known(request.headers.get("authorization", ""))

    def known(authorization: str) -> str:
        scheme, _, token = authorization.partition(" ")
        # Looked up by digest: how long it takes says nothing about a token that is not known.
        caller = names.get(hashlib.sha256(token.encode()).hexdigest())
        if scheme.lower() != "bearer" or caller is None:
            raise Refused("ledger.caller_unknown")
        return caller

    def reader_of(request: Request) -> str:
        caller = caller_of(request)
        if caller not in readers:
            raise Refused("ledger.reader_required")
        return caller

    def guarded(who: Callable[[Request], str], handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                return await handler(request, who(request))
            except Refused as no:
                return refused(no)

        return answer

    def refused(no: Refused) -> Response:
        measured.refused.labels(no.code).inc()
        body = refusal.problem(no, WORDINGS, "en")
        return JSONResponse(body, status_code=int(str(body["status"])), media_type="application/problem+json")

    inside = Counted()

    async def append(scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        try:
            with inside:
                caller = known(_header(scope, b"authorization"))
                batch = _batch(await _body(receive))
                # Those that came meanwhile are inside after this; together they share a commit, in the writer's thread. One
                # who is alone does not wait for two threads to wake each other.
                await asyncio.sleep(0)
                done = store.append_here(batch, caller) if inside.number == 1 else None
                if done is None:
                    done = await asyncio.wrap_future(store.submit(batch, caller))
        except Refused as no:
            await refused(no)(scope, receive, send)
            return
        measured.leaves.labels(caller).inc(len(done.indices))
        measured.size.set(store.published.value.size)
        measured.seconds.observe(time.perf_counter() - began)
        body = json.dumps({"indices": done.indices, "checkpoint": done.checkpoint}).encode()
        head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body})

    async def search(request: Request, _caller: str) -> Response:
        found = await run_in_threadpool(store.search, _sought(request))
        entries = [{"index": entry.index, "leaf": entry.leaf} for entry in found.entries]
        return JSONResponse({"size": found.size, "leaves": entries})

    async def prove(request: Request, _caller: str) -> Response:
        index = request.path_params["index"]
        if not _NUMBER.fullmatch(index):
            raise Refused("ledger.request_invalid", {"part": "index"})
        return JSONResponse(await run_in_threadpool(store.prove, int(index)))

    async def checkpoint(_request: Request, _caller: str) -> Response:
        return PlainTextResponse(store.published.note, headers={"Cache-Control": "no-store"})

    async def numbers(_request: Request, _caller: str) -> Response:
        measured.size.set(store.published.value.size)
        return PlainTextResponse(generate_latest(measured.registry).decode())

    async def health(_request: Request) -> Response:
        return JSONResponse({"size": store.published.value.size}, status_code=200 if store.healthy else 503)

    rest = Starlette(
        routes=[
            Route("/v1/leaves", guarded(reader_of, search), methods=["GET"]),
            Route("/v1/leaves/{index}/proof", guarded(reader_of, prove), methods=["GET"]),
            Route("/v1/checkpoint", guarded(caller_of, checkpoint), methods=["GET"]),
            Route("/metrics", guarded(caller_of, numbers), methods=["GET"]),
            Route("/healthz", health, methods=["GET"]),
        ]
    )

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        # Every question waits twice for an append; a framework's way to it took longer than its entry does to be made.
        if scope["type"] == "http" and (scope["method"], scope["path"]) == ("POST", "/v1/leaves"):
            await append(scope, receive, send)
        else:
            await rest(scope, receive, send)

    return serve


class Counted:
    """How many are inside. Used from the event loop only."""

    def __init__(self) -> None:
        self.number = 0

    def __enter__(self) -> None:
        self.number += 1

    def __exit__(self, *_: object) -> None:
        self.number -= 1


def _header(scope: Scope, name: bytes) -> str:
    """The first of this name, as the framework takes it; empty where there is none."""
    found: bytes = next((value for key, value in scope["headers"] if key == name), b"")
    return found.decode("latin-1")


async def _body(receive: Receive) -> bytes:
    raw, more = bytearray(), True
    while more:
        message = await receive()
        raw += message.get("body", b"")
        more = message.get("more_body", False)
        # A caller that left has not said everything.
        if message["type"] == "http.disconnect" or len(raw) > MAX_BODY:
            raise Refused("ledger.request_invalid", {"part": "length"})
    return bytes(raw)


def _batch(raw: bytes) -> list[Mapping[str, Any]]:
    """The leaves of a body `{"leaves": [leaf, …]}`; that each is a leaf is for the store to check."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refused("ledger.request_invalid", {"part": "body"}) from None
    if not isinstance(body, dict) or set(body) != {"leaves"} or not isinstance(body["leaves"], list):
        raise Refused("ledger.request_invalid", {"part": "body"})
    if not 1 <= len(body["leaves"]) <= MAX_BATCH:
        raise Refused("ledger.request_invalid", {"part": "leaves"})
    return body["leaves"]


def _sought(request: Request) -> Sought:
    terms: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        try:
            if name in terms or not value:
                raise ValueError(name)
            if name in _TEXTS:
                terms[name] = value
            elif name in _TIMES:
                terms[name] = parse_rfc3339(value)
            elif name in _NUMBERS and _NUMBER.fullmatch(value):
                terms[name] = int(value)
            else:
                raise ValueError(name)
        except ValueError:
            raise Refused("ledger.request_invalid", {"part": name[:40]}) from None
    if not 1 <= terms.get("limit", 1) <= MAX_PAGE:
        raise Refused("ledger.request_invalid", {"part": "limit"})
    return Sought(**terms)


# -- the process --------------------------------------------------------------------------------------


def bind(path: Path, group: str | None = None) -> socket.socket:
    """A listening Unix socket, mode 660 (and of `group`) before anyone can see it; takes the place of a stale one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    old = os.umask(0o177)
    try:
        bound.bind(str(temporary))
    finally:
        os.umask(old)
    if group is not None:
        import grp  # only where a group is named: not every machine has this module

        os.chown(temporary, -1, grp.getgrnam(group).gr_gid)
    os.chmod(temporary, 0o660)
    bound.listen(128)
    os.rename(temporary, path)
    return bound


def main(
    store_dir: Path,
    socket_path: Path,
    signing_key_path: Path,
    callers_path: Path,
    *,
    readers: frozenset[str] = READERS,
    socket_group: str | None = None,
) -> None:
    """Runs the ledger until a signal ends it; what was submitted is finished first.

    A ledger that must not start says why in both languages on standard error and exits with status 3.
    """
    os.umask(0o022)
    try:
        signer = ledger_files.load_signer(signing_key_path)
        store = Store(store_dir, signer)
    except Refused as no:
        for language in ("ja", "en"):
            said = refusal.problem(no, WORDINGS, language)
            print(f"{no.code}: {said['title']} {said['hint']}", file=sys.stderr, flush=True)
        raise SystemExit(3) from None
    if store.repaired:
        print(f"ledger: completed {len(store.repaired)} files from the database", file=sys.stderr, flush=True)
    callers = MappingProxyType(json.loads(callers_path.read_text("utf-8")))
    app = build(store, callers, Metrics(CollectorRegistry()), readers)
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        lifespan="off",
        proxy_headers=False,
        timeout_keep_alive=300,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)

    def leave(_signal: int, _frame: object) -> None:
        # uvicorn stops on a signal and then raises it once more: by then there is nothing left to do.
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    listening = bind(socket_path, socket_group)
    try:
        server.run(sockets=[listening])
    finally:
        with contextlib.suppress(FileNotFoundError):
            socket_path.unlink()
        store.close()
