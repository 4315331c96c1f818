"""Custody in a process of its own that is killed (signal 9) at the n-th step that another process could see.

`python -m tests.fakes.custody_killed_anywhere`: reads lines `ACT N`; for each a child process acts, counts every leaf that
is appended, every transaction of the vault (before and after it is durable), every rename and every removed file, and
kills itself at the N-th. Prints `killed`, or `done` where the act ended before that.
"""

import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from enclave.adapters import vault as vaults
from enclave.config import Site
from enclave.core.event import Event
from tests.fakes.custody_site import YAMAMOTO, a_custodian, signed
from tests.fakes.ledger import MemoryLedger

GRANT = {"small": {"people": {"columns": ["age", "clinic"]}}}


def envelope() -> Any:
    return signed(databases=GRANT, linkage_groups=[["small"]])


class Steps:
    def __init__(self, last: int) -> None:
        self._left = last

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*words: Any, **more: Any) -> Any:
            self()
            found = real(*words, **more)
            self()
            return found

        return counting


class KeptLedger(MemoryLedger):
    """What it holds is in a file, so that the next process finds it."""

    def __init__(self, file: Path, step: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._file, self._step = file, step
        self.entries = file.read_bytes().splitlines() if file.exists() else []

    def append(self, events: Sequence[Event]) -> tuple[int, ...]:
        self._step()
        places = super().append(events)
        self._file.write_bytes(b"".join(entry + b"\n" for entry in self.entries))
        self._step()
        return places


def main(act: str, last: int) -> None:
    site = Site("test", 1)
    step = Steps(last)
    ledger = KeptLedger(site.home / "ledger.log", step)
    custodian = a_custodian(site, ledger)

    class Counting(sqlite3.Connection):
        def execute(self, sql: str, *more: Any) -> sqlite3.Cursor:
            if sql == "COMMIT":
                step()
                found = super().execute(sql, *more)
                step()
                return found
            return super().execute(sql, *more)

    real = sqlite3.connect
    vaults.sqlite3.connect = lambda *words, **more: real(*words, factory=Counting, **more)  # type: ignore[attr-defined]
    Path.rename = step.around(Path.rename)  # type: ignore[method-assign]
    Path.unlink = step.around(Path.unlink)  # type: ignore[method-assign]
    shutil.rmtree = step.around(shutil.rmtree)
    match act:
        case "build":
            custodian.build(YAMAMOTO, envelope(), refresh=True)
        case "erase":
            custodian.erase(YAMAMOTO, "v-81c2")
        case "register":
            custodian.register(YAMAMOTO, site.home / "files" / "descriptor.yaml")


def serve() -> None:
    # Nothing of custody runs in this process: what it has imported is all that a child inherits.
    for line in sys.stdin:
        act, last = line.split()
        child = os.fork()
        if child == 0:
            main(act, int(last))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print({0: "done", signal.SIGKILL: "killed"}.get(status, f"failed {status}"), flush=True)


if __name__ == "__main__":
    serve()
