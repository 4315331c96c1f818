"""Custody in a process of its own that is killed (signal 9) at one named point of a build.

`python -m tests.fakes.custody_killed HOMES PREFIX POINT`: `growing` waits for the test to kill it.
"""

import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from enclave.adapters.vault import Vault
from enclave.config import Site
from enclave.core.event import Event
from tests.fakes.custody_site import YAMAMOTO, a_custodian, signed
from tests.fakes.ledger import MemoryLedger


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class KillingLedger(MemoryLedger):
    """Dies when it is told that the extract was built: the file is whole, its place not yet taken."""

    def append(self, events: Sequence[Event]) -> tuple[int, ...]:
        if any(event.action == "extract.built" for event in events):
            die()
        return super().append(events)


def main(point: str) -> None:
    if point == "before the key is kept":

        def keep_extract(*_: Any) -> None:
            die()

        Vault.keep_extract = keep_extract  # type: ignore[method-assign]  # the moment between two steps
    ledger = KillingLedger() if point == "before the rename" else MemoryLedger()
    a_custodian(Site("test", 1), ledger).build(YAMAMOTO, signed())


if __name__ == "__main__":
    main(sys.argv[1])
