"""The real clock and the real chance, made into values at the edge: times, event ids, tokens; and how HTTP is spoken."""

import hashlib
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from enclave.core.event import Actor, Event, Outcome, Thing
from enclave.core.ids import EventId, uuid7

HTTP: Mapping[str, Any] = MappingProxyType(
    {"http": "h11", "ws": "none", "access_log": False, "server_header": False, "proxy_headers": False}
)
"""How uvicorn speaks to a network. Of its two parsers h11 hands on a request's target as written: a door can judge it."""


def now() -> datetime:
    """The server's time, aware, UTC. A container's or a browser's clock is never asked."""
    return datetime.now(UTC)


def new_id() -> str:
    """A fresh RFC 9562 UUID version 7."""
    return uuid7(time.time_ns() // 1_000_000, secrets.token_bytes(10))


def new_token() -> str:
    """256 bits of chance, URL-safe."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """What is kept of a token: `sha256:<hex>`."""
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()


def event(
    actor: Actor,
    action: str,
    thing: Thing,
    *,
    project: str | None = None,
    permit: str | None = None,
    outcome: Outcome = Outcome.OK,
    codes: tuple[str, ...] = (),
    counts: dict[str, int] | None = None,
) -> Event:
    """An event that happens now, with a fresh id."""
    return Event(
        EventId(new_id()), now(), actor, action, thing, project, permit, outcome, codes, counts or {}
    )
