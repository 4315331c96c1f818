"""An answer on its way to a notebook: pulled piece by piece in a thread, ended at once when nobody takes it.

The first piece is waited for a moment, so that what goes wrong early is a proper refusal; what goes wrong later cuts
the stream, and `GET /v1/queries/{id}` says why. While an answer runs, its session and permit are looked at again every
half second, whether it waits for its turn or its pieces come fast or slowly: a session that was revoked ends its queries too. A reader who takes
nothing for a minute has no query any more; one who keeps the connection open all the same keeps one of the door's places.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from enclave.core.refusal import Refused
from enclave.gateway import line
from enclave.gateway.running import Running

log = logging.getLogger("enclave.gateway")

FIRST_PIECE = 0.25
"""Seconds that the first piece is waited for before the answer's headers leave."""

WATCH = 0.5
"""Seconds between two looks at the session of a running query."""

WATCH_WAITING = 2.0
"""The same while it waits for its turn: nothing is read of anybody's data meanwhile."""

TAKEN = 60.0
"""Seconds for which a piece may wait to be taken: a query that nobody reads holds a place that others wait for."""

SLICE = 256 << 10
"""Bytes that go to the connection at once."""

MEDIA_TYPE = "application/vnd.apache.arrow.stream"

Watch = Callable[[], None]
"""Raises Refused where the query may no longer run."""


class Pieces:
    """An iterator of bytes that is only ever advanced in a thread of `pool`, one step at a time."""

    def __init__(
        self, chunks: Iterator[bytes], running: Running, watch: Watch, pool: ThreadPoolExecutor
    ) -> None:
        self._chunks = chunks
        self._running = running
        self._watch = watch
        self._pool = pool
        self._ahead: asyncio.Future[bytes | None] | None = None
        self._came = False
        self._looked = time.monotonic()

    async def ready(self, patience: float) -> bool:
        """Whether the next piece is there within `patience` seconds (or the end, or what went wrong)."""
        done, _ = await asyncio.wait({self._begun()}, timeout=patience)
        return bool(done)

    def _begun(self) -> "asyncio.Future[bytes | None]":
        if self._ahead is None:
            self._ahead = asyncio.ensure_future(self._advance())
        return self._ahead

    async def _advance(self) -> bytes | None:
        if not self._came:
            self._came = True
            await self._turn()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, partial(next, self._chunks, None))

    async def _turn(self) -> None:
        """Wait for its turn, so long and no longer. Whatever came of it: its first step says so, and records it."""
        turn = self._running.turn
        if turn is None:
            return
        called = turn.called.done()
        if not called:
            waited = asyncio.wrap_future(turn.called)
            called = bool((await asyncio.wait({waited}, timeout=line.PATIENCE))[0])
        if not called:
            self._running.stop(Refused("gateway.busy", {"limit": line.OF_PERSON}))
        elif time.monotonic() - self._looked >= WATCH:
            # Its session may have ended while it waited: then it does not begin.
            with suppress(Refused):
                await self.look()

    def ahead(self) -> None:
        """Begin with the next piece; one is made at most before it is asked for."""
        self._begun()

    async def next(self) -> bytes | None:
        """The next piece, None after the last. Raises what its making raised."""
        ahead = self._begun()
        while True:
            done = ahead.done() or bool((await asyncio.wait({ahead}, timeout=WATCH))[0])
            every = WATCH_WAITING if self._running.waiting else WATCH
            if time.monotonic() - self._looked >= every:
                with suppress(Refused):
                    await self.look()
            if done:
                self._ahead = None
                return ahead.result()

    async def look(self) -> None:
        """Stop it where its session or permit no longer stands. Raises what says so, Refused."""
        self._looked = time.monotonic()
        try:
            await asyncio.get_running_loop().run_in_executor(self._pool, self._watch)
        except Refused as refused:
            self._running.stop(refused)
            raise

    async def stop(self, why: Refused) -> None:
        """End it and wait until its end is recorded."""
        self._running.stop(why)
        if self._ahead is not None:
            await asyncio.wait({self._ahead})
            if not self._ahead.cancelled():
                # Taken, so that nobody warns about it: the query's end already tells it.
                self._ahead.exception()
        close = getattr(self._chunks, "close", None)
        if close is not None:
            await asyncio.get_running_loop().run_in_executor(self._pool, close)


class Stream(Response):
    """The Arrow stream of a query, `first` being the piece that is there already, if any."""

    media_type = MEDIA_TYPE

    def __init__(self, pieces: Pieces, first: bytes | None, headers: Mapping[str, str]) -> None:
        super().__init__(headers=dict(headers))
        del self.headers["content-length"]
        self._pieces = pieces
        self._first = first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_gone(receive))
        sending = asyncio.ensure_future(self._send(send))
        try:
            await asyncio.wait({gone, sending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            sending.cancel()
            await asyncio.wait({sending})
            # Recorded by then, whatever ended it. To return without the last piece cuts the connection: after the
            # headers that is the only no there is, and the server logs it without the texts of an error.
            await self._pieces.stop(Refused("query.disconnected"))
        if not sending.cancelled() and (failed := sending.exception()) is not None:
            log.warning(
                "answer cut: %s", failed.code if isinstance(failed, Refused) else type(failed).__name__
            )

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        piece = self._first
        if piece is None:
            await send({"type": "http.response.body", "body": b"", "more_body": True})
            piece = await self._pieces.next()
        while piece is not None:
            # The next one is made while this one is on its way.
            self._pieces.ahead()
            await self._taken(_sliced(send, piece))
            piece = await self._pieces.next()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _taken(self, sending: Awaitable[None]) -> None:
        """Wait until a piece is taken. Where nobody takes it, or the session ended, the query ends first: Refused."""
        taking = asyncio.ensure_future(sending)
        try:
            waited = 0.0
            while not (await asyncio.wait({taking}, timeout=WATCH))[0]:
                waited += WATCH
                try:
                    await self._pieces.look()
                    if waited >= TAKEN:
                        raise Refused("query.disconnected")
                except Refused as refused:
                    await self._pieces.stop(refused)
                    # Its bytes lie in the connection's buffer until the reader takes them or goes: no more join them.
                    await taking
                    raise
            taking.result()
        finally:
            taking.cancel()


async def _sliced(send: Send, piece: bytes) -> None:
    """Send it in parts small enough that a processor still has at hand what is enciphered and copied after one another."""
    view = memoryview(piece)
    for start in range(0, len(piece), SLICE):
        # Its type says bytes; what is below joins whatever has the buffer protocol.
        await send({"type": "http.response.body", "body": view[start : start + SLICE], "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
