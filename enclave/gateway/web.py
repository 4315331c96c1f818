"""The handlers of the gateway's routes, wired from `Deps` by one factory. The routes themselves are `openapi.ROUTES`; no rule
is here: `asking` and `exports` hold the stories."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from enclave.adapters import metrics, query_records
from enclave.core.refusal import Refused, problem
from enclave.gateway import exports, openapi, session_view
from enclave.gateway.asking import Asking, Entered, enter
from enclave.gateway.body import Room, read_json
from enclave.gateway.deps import Deps
from enclave.gateway.door import (
    WORDINGS,
    Door,
    Handler,
    address_of,
    answering,
    bearer,
    entered,
    language_of,
    no,
)
from enclave.gateway.line import OF_ALL, Line
from enclave.gateway.question import question_of
from enclave.gateway.running import Board
from enclave.gateway.stream import FIRST_PIECE, MEDIA_TYPE, Pieces, Stream

MAX_QUESTION = 1 << 20
"""Bytes of a question with its parameters."""

MAX_SUBMISSION = 48 << 20
"""Bytes of a submission; pictures arrive as base64."""

JUDGED, JUDGED_OF_ADDRESS = 4, 2
"""Questions judged at once, of everybody and of one workspace, in threads of their own: a crowd of them leaves the others
to cancels, looks and sessions, and the crowd of one workspace leaves the next question to somebody else."""

TICK = 0.05
"""Seconds between two looks at the line: a long query makes way, and a place that nobody gave back is nobody's."""


def build(deps: Deps) -> ASGIApp:
    """The gateway as an ASGI application. What an earlier process left running is closed when it starts."""
    board, room = Board(Line(deps.places)), Room()
    # As many as can ever be needed: none of them waits for its turn in here, and each is made when it is needed first.
    pool = ThreadPoolExecutor(2 * OF_ALL, thread_name_prefix="query")
    judging = Judging(pool)

    async def ask(request: Request) -> Response:
        digest, address = bearer(request), address_of(request)
        question = question_of(await read_json(request, MAX_QUESTION, room))

        def begun() -> Asking:
            with deps.records.read():
                who = enter(deps, digest, address)
                used = query_records.used_today(deps.records, who.session.project, deps.now())
            asking = Asking(deps, board, who, used, question, pool)
            try:
                asking.begin()
            except Refused as refused:
                raise session_view.told(refused, who.signed.permit.limits, used, deps.now()) from None
            return asking

        asking = await judging.run(address, begun)
        # While it runs, steps 1 and 2 are taken again and again.
        pieces = Pieces(asking.chunks(), asking.running, lambda: _check(deps, digest, address), pool)
        return await _answer(asking, pieces, {"Enclave-Query": asking.id, "Cache-Control": "no-store"})

    async def look(request: Request) -> Response:
        who = await entered(request, deps)
        language = language_of(request.headers.get("accept-language", ""))
        found = await run_in_threadpool(_state, deps, board, who, request.path_params["id"], language)
        return JSONResponse(found, headers={"Cache-Control": "no-store"})

    async def cancel(request: Request) -> Response:
        who = await entered(request, deps)
        query = request.path_params["id"]
        running = board.find(query)
        if running is not None and (running.person, running.project) == (
            who.session.person,
            who.session.project,
        ):
            await run_in_threadpool(running.stop, Refused("query.cancelled"))
            return JSONResponse({"id": query, "state": query_records.CANCELLED})
        language = language_of(request.headers.get("accept-language", ""))
        return JSONResponse(await run_in_threadpool(_state, deps, board, who, query, language))

    async def session(request: Request) -> Response:
        who = await entered(request, deps)
        language = language_of(request.headers.get("accept-language", ""))
        used = await run_in_threadpool(
            query_records.used_today, deps.records, who.session.project, deps.now()
        )
        catalogue = await run_in_threadpool(deps.catalogue)
        return JSONResponse(session_view.view(who, catalogue, used, language, deps.now()))

    async def submit(request: Request) -> Response:
        who = await entered(request, deps)
        body = await read_json(request, MAX_SUBMISSION, room)
        language = language_of(request.headers.get("accept-language", ""))
        return JSONResponse(await run_in_threadpool(exports.submit, deps, who, body, language), 201)

    async def submitted(request: Request) -> Response:
        who = await entered(request, deps)
        return JSONResponse(await run_in_threadpool(exports.listed, deps, who))

    async def submission(request: Request) -> Response:
        who = await entered(request, deps)
        language = language_of(request.headers.get("accept-language", ""))
        found = await run_in_threadpool(exports.detail, deps, who, request.path_params["id"], language)
        return JSONResponse(found)

    async def measured(request: Request) -> Response:
        if not hmac.compare_digest(bearer(request), deps.metrics_token):
            raise Refused("session.unknown")
        return Response(deps.metrics.page(), media_type=metrics.CONTENT_TYPE)

    async def alive(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def described(request: Request) -> Response:
        await entered(request, deps)
        language = language_of(request.headers.get("accept-language", ""))
        return JSONResponse(documents[language])

    documents = {language: openapi.document(language) for language in openapi.LANGUAGES}
    handlers: Mapping[str, Handler] = {
        "ask": ask,
        "look": look,
        "cancel": cancel,
        "session": session,
        "submit": submit,
        "submitted": submitted,
        "submission": submission,
        "document": described,
        "measured": measured,
        "alive": alive,
    }
    places: dict[str, dict[str, Handler]] = {}
    for one in openapi.ROUTES:
        places.setdefault(one.path, {})[one.method] = answering(handlers[one.id], deps)

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        # A silent ledger at the start is no reason not to start: the rows stay `running` until the next one.
        with suppress(Refused):
            await run_in_threadpool(query_records.abandon, deps.records, deps.now())
        ticking = asyncio.ensure_future(_ticking(board))
        yield
        ticking.cancel()
        pool.shutdown(wait=False, cancel_futures=True)

    inner = Starlette(
        routes=[Route(path, Place(known)) for path, known in places.items()],
        exception_handlers={HTTPException: _no_route},
        lifespan=life,
    )
    return Door(inner, deps.hosts)


class Judging:
    """Who may be judged now, in threads of `pool`. Used from the event loop only."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._together = asyncio.Semaphore(JUDGED)
        self._apart: dict[str, _Apart] = {}

    async def run(self, address: str, begun: Callable[[], Asking]) -> Asking:
        """Judge one question of a workspace, after those that came from there before it."""
        mine = self._apart.setdefault(address, _Apart())
        mine.questions += 1
        try:
            async with mine.room, self._together:
                return await asyncio.get_running_loop().run_in_executor(self._pool, begun)
        finally:
            mine.questions -= 1
            if not mine.questions:
                del self._apart[address]


class _Apart:
    """One workspace's room, and how many of its questions are in it or wait for it."""

    def __init__(self) -> None:
        self.room, self.questions = asyncio.Semaphore(JUDGED_OF_ADDRESS), 0


async def _ticking(board: Board) -> None:
    while True:
        await asyncio.sleep(TICK)
        if len(board):
            board.line.tick()


class Place:
    """One path, its methods, and a no to every other one (a framework's own answer would be no problem+json)."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        handler = self._handlers.get(request.method)
        if handler is None:
            language = language_of(request.headers.get("accept-language", ""))
            answer = no(Refused("gateway.method", {"allowed": ", ".join(sorted(self._handlers))}), language)
        else:
            answer = await handler(request)
        await answer(scope, receive, send)


async def _no_route(request: Request, _: Exception) -> Response:
    return no(Refused("gateway.no_such_route"), language_of(request.headers.get("accept-language", "")))


async def _answer(asking: Asking, pieces: Pieces, headers: Mapping[str, str]) -> Response:
    """A whole answer that is there at once, a stream, or (raised) the refusal that came before anything left."""
    try:
        while not await pieces.ready(FIRST_PIECE):
            if asking.recorded:
                return Stream(pieces, None, headers)
        first = await pieces.next()
        if asking.finished:
            return Response(first, headers=dict(headers), media_type=MEDIA_TYPE)
        return Stream(pieces, first, headers)
    except Refused:
        raise
    except BaseException:
        await pieces.stop(Refused("query.disconnected"))
        raise


def _state(deps: Deps, board: Board, who: Entered, query: str, language: str) -> dict[str, Any]:
    """`{id, state, progress, …}` of an own query. Raises Refused `query.unknown`, also for somebody else's."""
    mine = (who.session.person, who.session.project)
    running = board.find(query)
    if running is not None and (running.person, running.project) == mine:
        found: dict[str, Any] = {
            "id": query,
            "state": query_records.RUNNING,
            "progress": running.progress(),
        }
        return found | {"waiting": True} if running.waiting else found
    kept = query_records.find(deps.records, query)
    if (kept.person, kept.project) != mine:
        raise Refused("query.unknown")
    found = {"id": query, "state": kept.state, "progress": 0.0}
    if kept.state == query_records.DONE:
        found |= {"progress": 1.0, "receipt": kept.receipt}
    if kept.code is not None:
        found |= {"code": kept.code, "problem": problem(Refused(kept.code, kept.facts), WORDINGS, language)}
    return found


def _check(deps: Deps, digest: str, address: str) -> None:
    enter(deps, digest, address)
