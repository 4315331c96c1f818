"""The queries that run in this process, so that their askers can look at them and stop them."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from enclave.core.refusal import Refused
from enclave.gateway.deps import Run

MAX_OF_SESSION = 4
MAX_AT_ONCE = 16
"""Each running query holds a thread and shares the engine's pool (FINDINGS: without a limit p50 rose fourteenfold)."""


@dataclass
class Running:
    """One query from its question to its end. Only its own thread changes it, apart from `stop`."""

    id: str
    session: str
    person: str
    project: str
    run: Run | None = None
    stopped: Refused | None = None
    silent: bool = False
    """How far it is, is not told: in the aggregate tier that depends on values."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def stop(self, why: Refused) -> None:
        """Cancel it, whatever it is doing; `why` is what its end will say. The first reason stands."""
        with self._lock:
            if self.stopped is None:
                self.stopped = why
            run = self.run
        if run is not None:
            run.cancel()

    def start(self, run: Run, silent: bool = False) -> None:
        """The engine begins. `silent`: nobody is told how far it is. Raises Refused where it was stopped before."""
        with self._lock:
            self.run, self.silent = run, silent
            stopped = self.stopped
        if stopped is not None:
            run.cancel()
            raise stopped

    def check(self) -> None:
        """Raise Refused where somebody stopped it."""
        if self.stopped is not None:
            raise self.stopped

    def progress(self) -> float:
        run = self.run
        return 0.0 if run is None or self.silent else min(max(float(run.progress()), 0.0), 1.0)


class Board:
    """All running queries of a gateway."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: OrderedDict[str, Running] = OrderedDict()

    def enter(self, running: Running) -> None:
        """Raises Refused `gateway.busy` where the session, or everyone together, runs too many."""
        with self._lock:
            mine = sum(one.session == running.session for one in self._running.values())
            if mine >= MAX_OF_SESSION or len(self._running) >= MAX_AT_ONCE:
                raise Refused("gateway.busy", {"limit": MAX_OF_SESSION})
            self._running[running.id] = running

    def leave(self, query: str) -> None:
        with self._lock:
            self._running.pop(query, None)

    def find(self, query: str) -> Running | None:
        with self._lock:
            return self._running.get(query)

    def __len__(self) -> int:
        with self._lock:
            return len(self._running)
