"""The ledger as another process sees it: HTTP over its Unix socket, one kept connection per thread.

Decides nothing. Silence, slowness, a server's error and an answer that is not one are all the same no:
`ledger.unavailable`, so that what could not be recorded does not happen.
"""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from enclave.adapters.unix_http import SILENCE, Connection
from enclave.audit.ledger import MAX_BATCH, Entry, Found, Sought
from enclave.core.clock import rfc3339
from enclave.core.event import Event
from enclave.core.refusal import Refused

PATIENCE = 2.0
"""Seconds that an answer may take, everything included."""

AT_HAND = 1.0
"""Seconds for which a ledger that answered counts as there, while its end of the connection stands."""


class _Connection(Connection):
    """With the time of its last good answer (`time.monotonic`)."""

    answered = float("-inf")


class LedgerClient:
    """A `Ledger` (enclave.audit.ledger) over the socket of the ledger's process. Safe to share between threads."""

    def __init__(self, path: Path, token: str, patience: float = PATIENCE) -> None:
        """`token` is this service's own; `patience` in seconds."""
        self._path = path
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._patience = patience
        self._kept = threading.local()

    def append(self, events: Sequence[Event]) -> tuple[int, ...]:
        return self.append_leaves([event.leaf() for event in events])

    def append_leaves(self, leaves: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
        """More leaves than one request takes go in several, in their order: an earlier part may be recorded

        when a later one is refused. Sending again is safe.
        """
        places: list[int] = []
        for start in range(0, len(leaves), MAX_BATCH):
            part = leaves[start : start + MAX_BATCH]
            try:
                body = json.dumps({"leaves": part}, allow_nan=False)
            except (ValueError, TypeError):
                raise Refused("ledger.leaf_invalid", {"field": "leaf"}) from None
            answer = _object(self._call("POST", "/v1/leaves", body.encode()))
            indices = answer.get("indices")
            if (
                not isinstance(indices, list)
                or len(indices) != len(part)
                or any(type(i) is not int for i in indices)
            ):
                raise Refused("ledger.unavailable")
            places.extend(indices)
        return tuple(places)

    def search(self, sought: Sought) -> Found:
        terms = {
            "project": sought.project,
            "person": sought.person,
            "action": sought.action,
            "permit": sought.permit,
            "since": None if sought.since is None else rfc3339(sought.since),
            "until": None if sought.until is None else rfc3339(sought.until),
            "before": sought.before,
            "limit": sought.limit,
        }
        asked = urlencode({name: value for name, value in terms.items() if value is not None})
        answer = _object(self._call("GET", f"/v1/leaves?{asked}"))
        try:
            entries = tuple(Entry(int(one["index"]), dict(one["leaf"])) for one in answer["leaves"])
            return Found(int(answer["size"]), entries)
        except (KeyError, TypeError, ValueError):
            raise Refused("ledger.unavailable") from None

    def prove(self, index: int) -> dict[str, Any]:
        """The proof bundle of an entry (`ledger_files.verify_proof` checks it). Raises `ledger.index_unknown`."""
        return _object(self._call("GET", f"/v1/leaves/{index}/proof"))

    def checkpoint(self) -> str:
        return self._call("GET", "/v1/checkpoint").decode("utf-8", "replace")

    def ping(self) -> None:
        """Asks, unless this thread had a good answer within the last second and the ledger has not hung up since.

        One that hangs in between is found by the next append; what was committed then stays invisible until delivered.
        """
        kept: _Connection | None = getattr(self._kept, "connection", None)
        if kept is None or time.monotonic() - kept.answered > AT_HAND or not kept.stands():
            self._call("GET", "/healthz")

    def _call(self, method: str, target: str, body: bytes | None = None) -> bytes:
        ends = time.monotonic() + self._patience
        connection: _Connection | None = getattr(self._kept, "connection", None)
        if connection is not None and connection.kept:
            try:
                return self._ask(connection, ends, method, target, body)
            except TimeoutError:
                raise Refused("ledger.unavailable") from None
            except SILENCE:
                # The kept connection had ended, as after a restart. Every request here may be sent twice.
                pass
        try:
            return self._ask(_Connection(self._path), ends, method, target, body)
        except SILENCE:
            raise Refused("ledger.unavailable") from None

    def _ask(
        self, connection: _Connection, ends: float, method: str, target: str, body: bytes | None
    ) -> bytes:
        """One request on one connection, which is kept only after a whole answer."""
        self._kept.connection = None
        status, raw = connection.ask(method, target, body, self._headers, ends - time.monotonic())
        self._kept.connection = connection
        connection.answered = time.monotonic() if status < 500 else float("-inf")
        if status == 200:
            return raw
        raise _refusal(status, raw)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:
        raise Refused("ledger.unavailable") from None
    if not isinstance(found, dict):
        raise Refused("ledger.unavailable")
    return found


def _refusal(status: int, raw: bytes) -> Refused:
    """The ledger's own no where it is one; any other answer counts as silence."""
    try:
        found = json.loads(raw)
        code, facts = str(found["code"]), dict(found["facts"])
    except (ValueError, KeyError, TypeError):
        return Refused("ledger.unavailable")
    return Refused(code, facts) if 400 <= status < 500 else Refused("ledger.unavailable")
