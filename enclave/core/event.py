"""What the log says of one step (SHAPES, Log leaf). An event is an argument of every mutator and commits with the state.

Titles, names, statements and comments are never in an event: they live in erasable blobs to which a salted digest points.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from enclave.core.clock import rfc3339
from enclave.core.ids import EventId


class Outcome(StrEnum):
    OK = "ok"
    REFUSED = "refused"
    ABORTED = "aborted"


@dataclass(frozen=True)
class Actor:
    """Who acted. `role` is the hat worn for this step; services act as `service`."""

    person: str
    role: str
    session: str | None = None


@dataclass(frozen=True)
class Thing:
    """What was acted upon: its kind, its id, and the salted digest of its erasable content where it has any."""

    kind: str
    id: str
    digest: str | None = None


@dataclass(frozen=True)
class Event:
    """One leaf before it has a place in the log. `codes` for a no, `counts` for whole numbers that identify nobody."""

    id: EventId
    time: datetime
    actor: Actor
    action: str
    thing: Thing
    project: str | None = None
    permit: str | None = None
    outcome: Outcome = Outcome.OK
    codes: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    def leaf(self) -> dict[str, object]:
        """The JSON object of the leaf, version 1; the ledger canonicalises it (RFC 8785)."""
        return {
            "v": 1,
            "id": str(self.id),
            "time": rfc3339(self.time),
            "actor": {"person": self.actor.person, "role": self.actor.role, "session": self.actor.session},
            "project": self.project,
            "permit": self.permit,
            "action": self.action,
            "object": {"kind": self.thing.kind, "id": self.thing.id, "digest": self.thing.digest},
            "outcome": self.outcome.value,
            "codes": list(self.codes),
            "counts": dict(self.counts),
        }
