"""The body of a request, read as one JSON object within bounds of size, time and room.

Decides from the bytes alone: how many may come, how long they may take, and whether they can be read in one way only (a
name that stands twice, or a number that is none, is read differently by different machines). What the fields mean is
`question`'s and `exports`'. The room is one for the process: a workspace that sends much at once is refused before its
bytes would crowd out another's.
"""

import asyncio
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from enclave.core.refusal import Refused

MAX_OF_ADDRESS = 64 << 20
"""Bytes of bodies that one workspace may have on their way at once."""

MAX_OF_ALL = 192 << 20
"""The same of all workspaces together."""

PATIENCE = 30.0
"""Seconds for a body to arrive: a workspace is next door."""

AT_HAND = 64 << 10
"""Bytes up to which a body is parsed where it is read; a larger one would hold everybody up for its milliseconds."""

LARGEST = 1 << 63
"""Whole numbers beyond 64 bits have no column that they could be compared with."""


class Room:
    """Counts the bytes of bodies that are held. Used from the event loop only."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()

    @contextmanager
    def of(self, address: str) -> Iterator["Taking"]:
        """Room for one body, given back at the end."""
        taking = Taking(self._held, address)
        try:
            yield taking
        finally:
            taking.give_back()


class Taking:
    """What one body holds."""

    def __init__(self, held: Counter[str], address: str) -> None:
        self._held, self._address, self._bytes = held, address, 0

    def take(self, count: int) -> None:
        """Raises Refused `gateway.crowded` where there is no room for `count` bytes more."""
        if self._held[self._address] + count > MAX_OF_ADDRESS or self._held.total() + count > MAX_OF_ALL:
            raise Refused("gateway.crowded", {"requests": 1, "bytes": MAX_OF_ADDRESS})
        self._held[self._address] += count
        self._bytes += count

    def give_back(self) -> None:
        self._held[self._address] -= self._bytes
        if not self._held[self._address]:
            del self._held[self._address]


async def read_json(request: Request, limit: int, room: Room) -> Mapping[str, Any]:
    """The body as one JSON object of at most `limit` bytes.

    Raises Refused `gateway.content_type`, `.too_large` (before anything is read, where the length is declared),
    `.slow_body`, `.crowded`, and as `parse_json`.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused("gateway.content_type")
    declared = request.headers.get("content-length", "0")
    if not (declared.isascii() and declared.isdecimal()) or len(declared) > 15 or int(declared) > limit:
        raise Refused("gateway.too_large", {"limit": limit})
    address = request.client.host if request.client is not None else ""
    with room.of(address) as taking:
        body = bytearray()
        try:
            async with asyncio.timeout(PATIENCE):
                async for piece in request.stream():
                    if len(body) + len(piece) > limit:
                        raise Refused("gateway.too_large", {"limit": limit})
                    taking.take(len(piece))
                    body += piece
        except TimeoutError:
            raise Refused("gateway.slow_body", {"seconds": int(PATIENCE)}) from None
        if len(body) <= AT_HAND:
            return parse_json(body)
        return await run_in_threadpool(parse_json, body)


def parse_json(body: bytes | bytearray) -> Mapping[str, Any]:
    """One JSON object. Raises Refused `gateway.not_utf8`, `.json`, `.name_twice`, `.not_a_number`, `.not_an_object`."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("gateway.not_utf8") from None
    try:
        found = json.loads(
            text, object_pairs_hook=_once, parse_constant=_never, parse_float=_finite, parse_int=_whole
        )
    except (ValueError, RecursionError):
        raise Refused("gateway.json") from None
    if not isinstance(found, dict):
        raise Refused("gateway.not_an_object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused("gateway.name_twice")
    return found


def _never(_: str) -> float:
    raise Refused("gateway.not_a_number")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _never(text)


def _whole(text: str) -> int:
    value = int(text) if len(text) <= 20 else LARGEST
    return value if -LARGEST <= value < LARGEST else int(_never(text))
