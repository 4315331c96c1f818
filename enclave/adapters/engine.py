"""The engine: DuckDB in worker processes, one statement at a time in each, over one extract each.

Executes a `Guarded` and nothing else; decides nothing. It relies on `engine_worker` for the walls inside the process and
adds those outside: wall time (the process is ended), the number of processes, and that no secret, file or environment of
the gateway is in them. A worker that crashed, was ended or ran out of memory is replaced; a spare one stands ready, since
a process takes some 130 ms to start and a question a few.
"""

import logging
import os
import struct
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from enclave.adapters.deadlines import Deadlines
from enclave.adapters.engine_process import PAGE, EngineProcess
from enclave.core.refusal import Refused
from enclave.query.stages import Guarded

log = logging.getLogger("enclave.engine")

GIB = 1 << 30

KEPT_IDLE = 4
"""Open workers that wait for an extract's next question."""

OF_MACHINE = 0.75
"""The part of the machine's memory that all workers together may have."""

USUAL = GIB // 2
"""Bytes that a statement takes, by which the workers of a machine are numbered. Most take a tenth of it; those that take
more, up to `EngineLimits.memory`, are more than the machine holds only where many do at once (`EnginePool.relieve`)."""

SCARCE = 0.06
"""Where less of the machine's memory is free than this part of it, the largest worker is ended."""

LOOK = 0.25
"""Seconds between two looks at the machine's memory."""

BEHIND = ((0.2, 12), (0.8, 16), (3.0, 18), (12.0, 19))
"""Seconds of a processor that a statement has used, and the niceness of its worker from there on where others run too.
What lasts for ever delays what lasts a few seconds by less than these."""


@dataclass(frozen=True)
class EngineLimits:
    """What one worker may use, and how many there are. Bytes and seconds.

    `workers` bounds all extracts of a pool together, those that wait for a question among them, since each keeps what it
    read. A question waits `patience` for a free one, then `query.busy`.
    """

    address_space: int = 6 * GIB
    memory: int = 2 * GIB
    threads: int = 2
    wall: float = 300.0
    workers: int = 4
    patience: float = 30.0
    grace: float = 2.0
    """Between asking a worker to stop and ending it."""
    standby: bool = True
    """Whether another process is started where the one that stood ready was taken; a command asks one question."""


def limits_of_machine(processors: int, memory: int) -> EngineLimits:
    """As many workers as this machine serves well, for its `processors` and its `memory` in bytes: six at least."""
    fitting = int(OF_MACHINE * memory / USUAL)
    return EngineLimits(workers=max(6, min(fitting, 16 * processors) + 2))


class EnginePool:
    """Workers for any number of extracts. Safe to share between threads; `close` ends every process."""

    def __init__(self, limits: EngineLimits | None = None) -> None:
        self.limits = limits or EngineLimits()
        self.deadlines = Deadlines()
        self._room = threading.BoundedSemaphore(self.limits.workers)
        self._lock = threading.Lock()
        self._spare: EngineProcess | None = None
        self._engines: dict[str, Engine] = {}
        self._at_work = 0
        self._looked = 0.0
        self._closed = False
        self._refill()

    def open(self, extract: Path, key: str | None, name: str) -> "Engine":
        """The engine over an extract; the same one for the same `name` (`v-81c2/3`). `key` None: an unencrypted file.

        The file is opened at once, so that a wrong key or a tampered file is found here.
        Raises Refused `query.extract_unreadable`.
        """
        with self._lock:
            found = self._engines.get(name)
        if found is not None:
            return found
        engine = Engine(self, extract, key, name)
        engine.warm()
        with self._lock:
            first = self._engines.setdefault(name, engine)
        if first is not engine:
            engine.close()
        return first

    def forget(self, name: str) -> None:
        """End the workers of an extract: it was erased, or replaced by a newer one. Running questions are ended."""
        with self._lock:
            engine = self._engines.pop(name, None)
        if engine is not None:
            engine.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            engines, self._engines = list(self._engines.values()), {}
            spare, self._spare = self._spare, None
        for engine in engines:
            engine.close()
        if spare is not None:
            spare.end()
        self.deadlines.close()

    def make_room(self) -> None:
        """End the worker that has waited longest for a question where one more would be too many."""
        with self._lock:
            engines = list(self._engines.values())
        while True:
            idle = [one for one in (engine.longest_idle() for engine in engines) if one is not None]
            # Those at work are counted from the moment they are let in, before their process is there.
            if not idle or self._at_work + sum(engine.at_rest for engine in engines) <= self.limits.workers:
                return
            min(idle, key=lambda one: one[0])[1]()

    def relieve(self) -> None:
        """Where the machine's memory runs out: end the statement that holds most of it, as one that ran out of memory."""
        now = time.monotonic()
        if now - self._looked < LOOK:
            return
        self._looked = now
        if _available() >= SCARCE * PAGE * os.sysconf("SC_PHYS_PAGES"):
            return
        with self._lock:
            engines = list(self._engines.values())
        largest = max((run for engine in engines for run in engine.runs()), key=Run.memory, default=None)
        if largest is not None:
            log.warning("memory is scarce: the largest statement is ended")
            largest.end("query.out_of_memory")

    def take_spare(self) -> EngineProcess:
        """A started worker that has no extract yet."""
        with self._lock:
            worker, self._spare = self._spare, None
        if worker is None or not worker.alive():
            worker = EngineProcess(self.limits.address_space)
        if self.limits.standby:
            self._refill()
        return worker

    def _refill(self) -> None:
        def start() -> None:
            worker = EngineProcess(self.limits.address_space)
            with self._lock:
                if self._spare is None and not self._closed:
                    self._spare = worker
                    return
            worker.end()

        with self._lock:
            if self._closed or self._spare is not None:
                return
        threading.Thread(target=start, daemon=True).start()

    def enter(self) -> None:
        if not self._room.acquire(timeout=self.limits.patience):
            raise Refused("query.busy")
        with self._lock:
            self._at_work += 1

    def leave(self) -> None:
        with self._lock:
            self._at_work -= 1
        self._room.release()


class Engine:
    """One extract, open in one or more workers."""

    def __init__(self, pool: EnginePool, extract: Path, key: str | None, name: str) -> None:
        self.name = name
        self._pool = pool
        self._extract = extract
        self._key = key
        self._lock = threading.Lock()
        self._idle: list[tuple[float, EngineProcess]] = []
        self._busy: set[EngineProcess] = set()
        self._runs: weakref.WeakSet[Run] = weakref.WeakSet()
        self._closed = False

    @property
    def at_rest(self) -> int:
        return len(self._idle)

    def longest_idle(self) -> tuple[float, Callable[[], None]] | None:
        """Since when its longest waiting worker waits, and what ends that one."""
        with self._lock:
            return (self._idle[0][0], self._end_idle) if self._idle else None

    def _end_idle(self) -> None:
        with self._lock:
            worker = self._idle.pop(0)[1] if self._idle else None
        if worker is not None:
            worker.end()

    def warm(self) -> None:
        """Open the extract in one worker that then waits."""
        worker = self._opened()
        with self._lock:
            self._idle.append((time.monotonic(), worker))

    def run(
        self, guarded: Guarded, since: float | None = None, allowed: Callable[[], None] | None = None
    ) -> "Run":
        """Start a statement. `since`: when the question that it is a part of began to run (`time.monotonic`): the wall
        time is that of all its statements together. `allowed` returns once it may be executed, or raises; until then the
        worker only looks at what the statement would read. Raises Refused `query.busy`, `query.extract_unreadable`,
        `query.extract_closed`, `query.time_limit`."""
        wall = self._pool.limits.wall
        left = wall if since is None else wall - (time.monotonic() - since)
        if left <= 0:
            raise Refused("query.time_limit")
        self._pool.relieve()
        self._pool.enter()
        try:
            worker = self._worker()
        except BaseException:
            self._pool.leave()
            raise
        run = Run(self, worker, guarded, self._pool, left, allowed)
        with self._lock:
            self._runs.add(run)
        return run

    def relieve(self) -> None:
        self._pool.relieve()

    def runs(self) -> list["Run"]:
        """Those that have not ended."""
        with self._lock:
            return [run for run in self._runs if not run.finished]

    def _worker(self) -> EngineProcess:
        with self._lock:
            if self._closed:
                raise Refused("query.extract_closed")
            while self._idle:
                worker = self._idle.pop()[1]
                if worker.alive():
                    self._busy.add(worker)
                    return worker
        worker = self._opened()
        with self._lock:
            self._busy.add(worker)
        return worker

    def _opened(self) -> EngineProcess:
        self._pool.make_room()
        worker = self._pool.take_spare()
        try:
            worker.open(self._extract, self._key, self._pool.limits.memory, self._pool.limits.threads)
        except BaseException:
            worker.end()
            raise
        return worker

    def give_back(self, worker: EngineProcess, healthy: bool) -> None:
        """A worker after its statement; one that is not healthy is ended, and the next question takes the spare."""
        with self._lock:
            self._busy.discard(worker)
            keep = healthy and not self._closed and worker.alive() and len(self._idle) < KEPT_IDLE
            if keep:
                self._idle.append((time.monotonic(), worker))
        if not keep:
            worker.end()
        self._pool.leave()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            workers = [*(worker for _, worker in self._idle), *self._busy]
            self._idle = []
            self._key = None
        for worker in workers:
            worker.end()


class Run:
    """One statement while it runs. `batches` is read by one thread; `progress` and `cancel` serve any other."""

    def __init__(
        self,
        engine: Engine,
        worker: EngineProcess,
        guarded: Guarded,
        pool: EnginePool,
        wall: float,
        allowed: Callable[[], None] | None = None,
    ) -> None:
        self.rows = 0
        self._allowed = allowed
        self._engine = engine
        self._worker = worker
        self._deadlines = pool.deadlines
        self._grace = pool.limits.grace
        self._progress = 0.0
        self._code: str | None = None
        self._lock = threading.Lock()
        self._finished = False
        self._niceness = 0
        self._used = worker.processor()
        self._schema: pa.Schema | None = None
        self._first: pa.RecordBatch | None = None
        self._number = worker.start(guarded, wall * pool.limits.threads, held=allowed is not None)
        self._deadline = self._deadlines.at(time.monotonic() + wall, lambda: self._stop("query.time_limit"))

    @property
    def schema(self) -> pa.Schema:
        """The answer's columns; waits for them. Raises Refused as `batches` does."""
        while self._schema is None:
            kind, data = self._next()
            if kind == b"S":
                self._schema = pa.ipc.read_schema(pa.py_buffer(data))
        return self._schema

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Record batches as they come, each in memory only while it is looked at. Raises Refused as `messages` does."""
        schema = self.schema
        for _, message in self.messages():
            yield pa.ipc.read_record_batch(pa.py_buffer(message), schema)

    def messages(self) -> Iterator[tuple[int, bytes]]:
        """The same as messages of an Arrow stream, each with its number of rows: not written anew to be sent on.

        Raises Refused `query.out_of_memory`, `query.time_limit`, `query.cancelled`, `query.limit_rows`,
        `query.value`, `query.types`, `query.account_differs`, `query.failed`. Leaving the loop early ends the
        statement.
        """
        schema = self.schema
        try:
            while True:
                kind, data = self._next()
                if kind == b"B":
                    rows = pa.ipc.read_record_batch(pa.py_buffer(data), schema).num_rows
                    self.rows += rows
                    yield rows, data
                elif kind == b"D":
                    self._finish(healthy=True)
                    return
        finally:
            self.close()

    @property
    def finished(self) -> bool:
        return self._finished

    def memory(self) -> int:
        return self._worker.memory()

    def end(self, code: str) -> None:
        """End its process now; its reader gets Refused `code`."""
        with self._lock:
            if self._finished:
                return
            self._code = self._code or code
        self._worker.kill()

    def progress(self) -> float:
        """0 to 1; the engine's estimate."""
        return self._progress

    def cancel(self) -> None:
        """End the statement; its reader gets Refused `query.cancelled`."""
        self._stop("query.cancelled")

    def slow(self) -> None:
        """Let what has used less go first, from here on to the end of the statement."""
        self._engine.relieve()
        with self._lock:
            if self._finished:
                return
            used = self._worker.processor() - self._used
            niceness = max((nice for seconds, nice in BEHIND if used >= seconds), default=0)
            if niceness > self._niceness:
                self._niceness = niceness
                self._worker.make_way(niceness)

    def close(self) -> None:
        """End the statement if it still runs, and give the worker back. Harmless after the end."""
        with self._lock:
            if self._finished:
                return
        self._worker.end()
        self._finish(healthy=False)

    def _next(self) -> tuple[bytes, bytes]:
        """The next frame that is schema, batch or end. Raises Refused for an error frame or a worker that ended."""
        if self._allowed is not None:
            self._allowed()
            self._allowed = None
            self._worker.go(self._number)
        while True:
            frame = self._worker.receive()
            if frame is None:
                with self._lock:
                    code = self._code
                self._finish(healthy=False)
                last = self._worker.last_words()
                log.warning("a worker ended: %s", last)
                raise Refused(code or last)
            kind, data = frame
            if kind == b"P":
                self._progress = max(self._progress, min(1.0, struct.unpack(">d", data)[0] / 100))
            elif kind == b"E":
                with self._lock:
                    code = self._code
                said, _, error = data.decode("ascii", "replace").partition(" ")
                if said == "query.failed":
                    log.warning("a statement failed: %s", error)
                # A worker that ran out of memory keeps what it had taken; a new one starts empty.
                self._finish(healthy=said not in {"query.out_of_memory", "query.failed"})
                raise Refused(code or said)
            else:
                if kind == b"D":
                    self._progress = 1.0
                return kind, data

    def _stop(self, code: str) -> None:
        with self._lock:
            if self._finished or self._code is not None:
                return
            self._code = code
        self._worker.cancel(self._number)
        self._deadlines.at(time.monotonic() + self._grace, self._end_if_running)

    def _end_if_running(self) -> None:
        with self._lock:
            running = not self._finished
        if running:
            self._worker.end()

    def _finish(self, healthy: bool) -> None:
        with self._lock:
            if self._finished:
                return
            self._finished = True
        self._deadlines.forget(self._deadline)
        self._engine.give_back(self._worker, healthy and self._worker.come_back(self._niceness))


def _available() -> int:
    """Bytes of memory that this machine could still give."""
    for line in Path("/proc/meminfo").read_text("ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return sys.maxsize


def started(pool: EnginePool, patience: float = 5.0) -> None:
    """Wait until the pool's spare worker stands ready."""
    end = time.monotonic() + patience
    while time.monotonic() < end and pool._spare is None:
        time.sleep(0.01)
