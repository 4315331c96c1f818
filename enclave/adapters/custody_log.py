"""What the log knows of custody's acts, held against what the vault says: an older vault that was put back is noticed.

Decides what must agree: a provision whose erasure the log holds has no key, and the list of who withdrew is the one that
the log saw last. Relies on the ledger for its leaves. What the log cannot show it does not notice: whoever may read as
custody's own user reads without asking custody.

A process that died between the log and the vault looks the same as an older vault, and the remedy is the same: the
erasure is finished, the list is entered again.
"""

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from enclave.audit.ledger import MAX_PAGE, Entry, Found, Sought
from enclave.core.event import Outcome

ERASING, WITHDRAWN = "extract.erasing", "person.withdrawn"


class Searching(Protocol):
    def search(self, sought: Sought) -> Found:
        """The newest matching leaves. Raises Refused `ledger.unavailable`."""
        ...


@dataclass(frozen=True)
class Listed:
    """A list of withdrawals as the log knows it: a digest under custody's own key, and how many there are."""

    digest: str
    total: int


def erased(ledger: Searching) -> frozenset[str]:
    """The provisions whose erasure was begun, according to the log."""
    return frozenset(
        str(leaf["object"]["id"])
        for leaf in _leaves(ledger, ERASING)
        if leaf["object"]["kind"] == "provision"
    )


def withdrawals(ledger: Searching) -> Listed | None:
    """The list that the log saw last, with the most persons that it ever saw listed; None where it never saw one.

    Nobody is ever struck from the list, so that one with fewer is not whole: a long one is entered again in parts.
    """
    digest, most = None, 0
    for leaf in _leaves(ledger, WITHDRAWN):
        total = leaf["counts"].get("in_all")
        if leaf["object"]["digest"] is not None and total is not None:
            digest = digest or str(leaf["object"]["digest"])
            most = max(most, int(total))
    return None if digest is None else Listed(digest, most)


def listed(key: bytes, rows: Sequence[tuple[str, str, str, str]]) -> Listed:
    """What a list (database, person, kind, effective) is called in the log: whoever lacks the key can try nobody out."""
    digest = hmac.new(key, digestmod=hashlib.sha256)
    for row in sorted(rows):
        digest.update("\0".join(row).encode() + b"\n")
    return Listed(f"sha256:{digest.hexdigest()}", len(rows))


def _leaves(ledger: Searching, action: str) -> Iterator[Any]:
    """The leaves of an act that happened, newest first."""
    before: int | None = None
    while True:
        entries: Sequence[Entry] = ledger.search(Sought(action=action, before=before, limit=MAX_PAGE)).entries
        for entry in entries:
            if entry.leaf["outcome"] == Outcome.OK.value:
                yield entry.leaf
        if len(entries) < MAX_PAGE:
            return
        before = entries[-1].index
