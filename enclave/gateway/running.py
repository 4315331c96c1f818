"""The queries that run in this process, so that their askers can look at them and stop them."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from enclave.core.refusal import Refused
from enclave.gateway.deps import Run
from enclave.gateway.line import FEW, Line, Turn


@dataclass
class Running:
    """One query from its question to its end. Only its own thread changes it, apart from `stop` and `slow`.

    Its way with the line: `enter` (of the board), `wait`, then `turn.called` is done, `rest` when the engine is, `leave`.
    """

    id: str
    session: str
    person: str
    project: str
    run: Run | None = None
    stopped: Refused | None = None
    silent: bool = False
    """How far it is, is not told: in the aggregate tier that depends on values."""
    line: Line | None = field(default=None, repr=False)
    turn: Turn | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def enter(self, line: Line) -> None:
        """Be counted in the line. Raises Refused `gateway.busy`."""
        self.turn, self.line = line.enter(self.person, self.project, self.slow), line

    def wait(self) -> None:
        """It may run: it waits for its turn."""
        if self.line is not None and self.turn is not None:
            self.line.ask(self.turn)

    def rest(self, silent: bool) -> None:
        """The engine is done with it. `silent`: that is not to be noticed before its end is told."""
        if self.line is not None and self.turn is not None:
            (self.line.rest if silent else self.line.leave)(self.turn)

    def leave(self) -> None:
        if self.line is not None and self.turn is not None:
            self.line.leave(self.turn)

    @property
    def waiting(self) -> bool:
        return self.turn is not None and self.turn.waiting

    def slow(self) -> None:
        """Others are there: what it runs makes way for shorter ones, by what it has used."""
        run = self.run
        if run is not None:
            run.slow()

    def stop(self, why: Refused) -> None:
        """Cancel it, whatever it is doing; `why` is what its end will say. The first reason stands."""
        with self._lock:
            if self.stopped is None:
                self.stopped = why
            run = self.run
        if run is not None:
            run.cancel()
        elif self.line is not None and self.turn is not None:
            self.line.withdraw(self.turn)

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
    """All queries of a gateway, those that wait among them, and the line they wait in."""

    def __init__(self, line: Line | None = None) -> None:
        """Without a `line`: one of its own, for somebody who asks alone."""
        self.line = line or Line(FEW)
        self._lock = threading.Lock()
        self._running: OrderedDict[str, Running] = OrderedDict()

    def enter(self, running: Running) -> None:
        """Raises Refused `gateway.busy` where the person, or everyone together, asks too many at once."""
        running.enter(self.line)
        with self._lock:
            self._running[running.id] = running

    def leave(self, query: str) -> None:
        with self._lock:
            running = self._running.pop(query, None)
        if running is not None:
            running.leave()

    def find(self, query: str) -> Running | None:
        with self._lock:
            return self._running.get(query)

    def __len__(self) -> int:
        with self._lock:
            return len(self._running)
