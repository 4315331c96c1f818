"""One worker process of the engine, seen from outside: its two pipes, what it has used, and how it makes way or ends.

Decides nothing about questions: `engine` says which worker runs what, `engine_worker` is what runs inside. No secret, file
or environment of the gateway is in the process.
"""

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from enclave.adapters.engine_worker import HEADER
from enclave.core.refusal import Refused
from enclave.query.flow import describe_expected
from enclave.query.stages import Guarded

WORKER = Path(__file__).with_name("engine_worker.py")

PIPE = 1 << 20
"""Bytes that a worker may be ahead of whoever reads from it."""

FIRST = 5
"""The niceness at which a worker begins a statement: whoever waits for the gateway itself does not wait for statements."""

TICKS, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


class EngineProcess:
    """One process and its two pipes."""

    def __init__(self, address_space: int) -> None:
        """`address_space` in bytes: its wall."""
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            close_fds=True,
            # A group, so that no signal for the gateway reaches it, and no session of its own: the kernel would weigh
            # sessions against each other and not heed who makes way for whom.
            process_group=0,
        )
        if self._process.stdout is not None:
            with contextlib.suppress(OSError):
                fcntl.fcntl(self._process.stdout, fcntl.F_SETPIPE_SZ, PIPE)
        self._write = threading.Lock()
        self._number = 0
        self._send({"op": "start", "address_space": address_space, "niceness": FIRST})

    def open(self, extract: Path, key: str | None, memory: int, threads: int) -> None:
        """Give the worker its extract, and the engine so many bytes and threads. Raises Refused `query.extract_unreadable`, `query.failed`."""
        self._expect(b"started")
        self._send(
            {
                "op": "open",
                "path": str(extract),
                "key": key,
                "memory": memory,
                "threads": threads,
            }
        )
        self._expect(b"open")

    def _expect(self, word: bytes) -> None:
        frame = self.receive()
        if frame is None:
            raise Refused("query.engine_unavailable")
        if frame != (b"R", word):
            raise Refused(
                frame[1].decode("ascii", "replace") if frame[0] == b"E" else "query.engine_unavailable"
            )

    def start(self, guarded: Guarded, cpu: float, held: bool) -> int:
        """Hand over a statement; its number. One that is `held` is looked at, and executed after `go`."""
        self._number += 1
        self._send(
            {
                "op": "run",
                "number": self._number,
                "sql": guarded.sql,
                "expected": describe_expected(guarded),
                "max_rows": guarded.max_rows,
                "cpu": cpu + 5,
                "held": held,
            }
        )
        return self._number

    def go(self, number: int) -> None:
        self._send({"op": "go", "number": number})

    def processor(self) -> float:
        """Seconds of a processor that it has used since it started."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self) -> int:
        """Bytes that it holds."""
        try:
            return int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]) * PAGE
        except (OSError, IndexError):
            return 0

    def make_way(self, niceness: int) -> None:
        """All its threads."""
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PGRP, self._process.pid, niceness)

    def come_back(self, niceness: int) -> bool:
        """Whether a worker that made way is where it began: the system lets it only where RLIMIT_NICE says so."""
        if niceness:
            try:
                os.setpriority(os.PRIO_PGRP, self._process.pid, FIRST)
            except OSError:
                return False
        return True

    def cancel(self, number: int) -> None:
        self._send({"op": "cancel", "number": number})

    def receive(self) -> tuple[bytes, bytes] | None:
        """The next frame, None when the process has ended."""
        source = self._process.stdout
        if source is None:
            return None
        try:
            header = source.read(HEADER.size)
            if len(header) < HEADER.size:
                return None
            kind, size = HEADER.unpack(header)
            data = source.read(size)
        except (OSError, ValueError):
            return None
        return (kind, data) if len(data) == size else None

    def _send(self, command: dict[str, Any]) -> None:
        data = json.dumps(command).encode()
        pipe = self._process.stdin
        if pipe is None:
            return
        try:
            with self._write:
                pipe.write(HEADER.pack(b"J", len(data)) + data)
                pipe.flush()
        except (OSError, ValueError):
            # The process has ended; whoever reads its answer finds out.
            return

    def alive(self) -> bool:
        return self._process.poll() is None

    def last_words(self) -> str:
        """The code for a process that ended by itself: out of CPU time, or of memory in a place that cannot say so."""
        try:
            status = self._process.wait(1)
        except subprocess.TimeoutExpired:
            return "query.failed"
        sigxcpu, sigabrt, sigsegv, sigkill = 24, 6, 11, 9
        if -status == sigxcpu:
            return "query.time_limit"
        return "query.out_of_memory" if -status in {sigabrt, sigsegv, sigkill} else "query.failed"

    def kill(self) -> None:
        """End the process; whoever reads from it finds out."""
        self._process.kill()

    def end(self) -> None:
        """End the process; nothing of it remains."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except (OSError, ValueError):
                    continue


def worker_count(pid: int | None = None) -> int:
    """How many worker processes a process has (for `enclave status` and tests)."""
    found = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            words = (entry / "cmdline").read_bytes()
        except (OSError, IndexError, ValueError):
            continue
        found += parent == (pid or os.getpid()) and WORKER.name.encode() in words
    return found
