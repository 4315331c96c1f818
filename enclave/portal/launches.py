"""Opening a workspace: stop the person's others, start this one, say how it stands.

Decides nothing: the hub asks the policy at every start. The hub answers a start only when the workspace is up, so it
is asked from a thread of its own while the page shows progress. After a restart of the portal the hub's own account
of the server is all that is needed.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from enclave.adapters.hub_api import Hub
from enclave.core.refusal import Refused

PATIENCE_STOP = 30.0
"""Seconds for the person's other workspace to end."""


@dataclass(frozen=True)
class Launch:
    """`stage`: stopping_other, starting, ready, stopping, off or failed; `refused` says why it failed."""

    stage: str
    refused: Refused | None = None


class Launches:
    """One process's account of the starts it asked for."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="launch")
        self._lock = threading.Lock()
        self._asked: dict[tuple[str, str], Future[None]] = {}
        self._stopping: set[tuple[str, str]] = set()

    def open(self, person: str, project: str, language: str) -> None:
        """Ask for a workspace that greets in a language; asked twice, it is started once."""
        key = (person, project)
        with self._lock:
            before = self._asked.get(key)
            if before is not None and not before.done():
                return
            self._asked[key] = self._threads.submit(self._run, person, project, language)

    def forget(self, person: str, project: str) -> None:
        """A failure that was shown is not shown for ever."""
        with self._lock:
            asked = self._asked.get((person, project))
            if asked is not None and asked.done():
                self._asked.pop((person, project))

    def stop(self, person: str, project: str) -> None:
        with self._lock:
            self._asked.pop((person, project), None)
        self._hub.stop(person, project)

    def _run(self, person: str, project: str, language: str) -> None:
        key = (person, project)
        servers = self._hub.servers(person)
        mine = servers.get(project)
        if mine is not None and mine.ready:
            return
        if mine is not None and mine.pending == "stop":
            self._wait_until_gone(person, lambda names: project in names)
        others = [name for name in servers if name != project]
        if others:
            # All of a person's servers share an origin, so only one may run (docs: SHAPES, Addresses).
            self._stopping.add(key)
            try:
                for name in others:
                    self._hub.stop(person, name)
                self._wait_until_gone(person, lambda names: bool(names & set(others)))
            finally:
                self._stopping.discard(key)
        self._hub.start(person, project, language)

    def _wait_until_gone(self, person: str, there: Callable[[set[str]], bool]) -> None:
        ends = time.monotonic() + PATIENCE_STOP
        while there(set(self._hub.servers(person))):
            if time.monotonic() > ends:
                raise Refused("session.another_starting")
            time.sleep(0.2)

    def settle(self, person: str, project: str, seconds: float) -> None:
        """Return once the hub has answered a start under way, or after this time: the page need not ask so often."""
        asked = self._asked.get((person, project))
        if asked is not None:
            wait([asked], timeout=seconds)

    def state(self, person: str, project: str) -> Launch:
        """How the workspace stands. Raises Refused `hub.unavailable`."""
        key = (person, project)
        asked = self._asked.get(key)
        if asked is not None and asked.done():
            error = asked.exception()
            if isinstance(error, Refused):
                return Launch("failed", error)
            if error is not None:
                return Launch("failed", Refused("hub.refused"))
        server = self._hub.servers(person).get(project)
        if server is not None and server.ready and server.pending is None:
            return Launch("ready")
        if key in self._stopping:
            return Launch("stopping_other")
        if server is not None and server.pending == "stop":
            return Launch("stopping")
        if (asked is not None and not asked.done()) or (server is not None and server.pending == "spawn"):
            return Launch("starting")
        if asked is not None:
            # The hub took the start and the server is neither there nor coming: it ended. Ask why, once.
            with self._lock:
                self._asked.pop(key, None)
            why = self._hub.failure(person, project)
            return Launch("off") if why is None else Launch("failed", why)
        return Launch("off")
