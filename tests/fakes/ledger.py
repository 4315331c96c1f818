"""The ledger in memory: the same tree, leaves and signatures as the real one, no disk and no process."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from enclave.audit import checkpoint, leaf, tree
from enclave.audit.checkpoint import Checkpoint
from enclave.audit.ledger import MAX_PAGE, Entry, Found, Sought
from enclave.audit.note import Signer
from enclave.core.clock import parse_rfc3339
from enclave.core.event import Event
from enclave.core.refusal import Refused


class MemoryLedger:
    """A `Ledger` for tests. `silent` makes it answer nothing, as a stopped process would."""

    def __init__(self, origin: str = "memory.test/log") -> None:
        self.signer = Signer(origin, Ed25519PrivateKey.from_private_bytes(bytes(32)))
        self.entries: list[bytes] = []
        self.silent = False
        self._places: dict[str, int] = {}
        self._edge = tree.Edge()
        self._lock = threading.Lock()

    def append(self, events: Sequence[Event]) -> tuple[int, ...]:
        return self.append_leaves([event.leaf() for event in events])

    def append_leaves(self, leaves: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
        self.ping()
        batch = [(str(one.get("id")), leaf.entry_of(one)) for one in leaves]
        with self._lock:
            places, entries = dict(self._places), list(self.entries)
            for name, entry in batch:
                if name not in places:
                    places[name] = len(entries)
                    entries.append(entry)
                elif entries[places[name]] != entry:
                    raise Refused("ledger.conflict", {"id": name})
            self._edge, _tiles = self._edge.extend(
                tree.leaf_hash(entry) for entry in entries[len(self.entries) :]
            )
            self._places, self.entries = places, entries
            return tuple(places[name] for name, _entry in batch)

    def search(self, sought: Sought) -> Found:
        self.ping()
        found = [Entry(index, leaf.leaf_of(entry)) for index, entry in enumerate(self.entries)]
        asked = [entry for entry in reversed(found) if _matches(entry, sought)]
        return Found(len(found), tuple(asked[: min(sought.limit, MAX_PAGE)]))

    def checkpoint(self) -> str:
        self.ping()
        return checkpoint.sign(Checkpoint(self.signer.name, self._edge.size, self._edge.root()), self.signer)

    def ping(self) -> None:
        if self.silent:
            raise Refused("ledger.unavailable")


def _matches(entry: Entry, sought: Sought) -> bool:
    held = entry.leaf
    time = parse_rfc3339(held["time"])
    return (
        sought.project in (None, held["project"])
        and sought.person in (None, held["actor"]["person"])
        and sought.action in (None, held["action"])
        and sought.permit in (None, held["permit"])
        and (sought.since is None or time >= sought.since)
        and (sought.until is None or time < sought.until)
        and (sought.before is None or entry.index < sought.before)
    )
