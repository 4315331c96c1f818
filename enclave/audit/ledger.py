"""The port to the ledger: what services, portal and auditor may ask of it.

Two implementations pass the same contract tests: the client of the ledger's process and the ledger in memory.
Decides nothing; says which answers and which refusals a caller must be ready for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from enclave.audit.leaf import Leaf
from enclave.core.event import Event

MAX_PAGE = 1000
"""Most leaves that one answer of a search holds."""

MAX_BATCH = 1000
"""Most leaves that one request appends; a client divides longer ones."""


@dataclass(frozen=True)
class Sought:
    """What a reader looks for; None is no restriction. `since` ≤ time < `until`; `before` is an index, for paging."""

    project: str | None = None
    person: str | None = None
    action: str | None = None
    permit: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    limit: int = 100


@dataclass(frozen=True)
class Entry:
    """One leaf at its place in the log."""

    index: int
    leaf: Leaf


@dataclass(frozen=True)
class Found:
    """The newest matching leaves first; `size` is that of the log when it was searched."""

    size: int
    entries: tuple[Entry, ...]


class Ledger(Protocol):
    """The log as its callers see it. Every method raises Refused `ledger.unavailable` where the ledger is silent."""

    def append(self, events: Sequence[Event]) -> tuple[int, ...]:
        """The places of the events in the log, once they are durable; the same event again keeps its place.

        Raises Refused `ledger.leaf_invalid`, or `ledger.conflict` where the id stands for other content:
        nothing of the call is recorded then.
        """
        ...

    def append_leaves(self, leaves: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
        """The same for events that are leaves already."""
        ...

    def search(self, sought: Sought) -> Found: ...

    def checkpoint(self) -> str:
        """The newest signed checkpoint, a note."""
        ...

    def ping(self) -> None:
        """Nothing, if the ledger answers."""
        ...
