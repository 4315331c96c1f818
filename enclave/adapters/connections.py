"""HTTP connections of workspaces, as uvicorn serves them, within bounds: how many of one address, and how long in silence.

Decides when a connection ends that the packet filter let in: one too many from its address, or one on which no request was
said within `SILENCE` seconds. Relies on uvicorn's own protocol for everything else. What is in a request is the door's.
"""

import asyncio
from collections import Counter
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_OF_ADDRESS = 1_200
"""Connections of one workspace, as in the packet filter (`firewall.MAX_CONNECTIONS`), for where there is none."""

SILENCE = 30.0
"""Seconds in which the headers of a request must be there: whoever says nothing, or one byte a minute, keeps no place."""


class WorkspaceConnection(H11Protocol):
    """One connection. All of a process are counted together: its event loop is one."""

    open: ClassVar[Counter[str]] = Counter()

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._who = (self.client or ("",))[0]
        self.open[self._who] += 1
        self._silence: asyncio.TimerHandle | None = None
        if self.open[self._who] > MAX_OF_ADDRESS:
            transport.abort()
        else:
            self._listen()

    def connection_lost(self, exc: Exception | None) -> None:
        self.open[self._who] -= 1
        if not self.open[self._who]:
            del self.open[self._who]
        self._heard()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._heard()
        elif self._silence is None:
            # Part of another request's headers, on a connection that is kept.
            self._listen()

    def _listen(self) -> None:
        self._silence = self.loop.call_later(SILENCE, self._end)

    def _heard(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def _end(self) -> None:
        self._silence = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.abort()
