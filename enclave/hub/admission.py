"""May this person's workspace start now? Asked at every spawn: permits end, handlers change, signatures can be edited.

Decides nothing itself: the records give the signed permit (verified as it is read), the policy decides
(`enclave/spawn/decision`). Only `allow` being exactly true is a yes. Relies on the server's clock.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from enclave.core.clock import rfc3339
from enclave.core.ids import PERSON, PROJECT, PersonId
from enclave.core.permit import Permit
from enclave.core.refusal import Refused

DECISION = "enclave/spawn/decision"

LONGEST = timedelta(hours=12)
"""A session ends with the working day; the person starts another one with a fresh decision."""


class PolicyPort(Protocol):
    """A policy server. `decide` answers `{allow, deny, obligations}` and raises Refused `policy.unavailable`."""

    def decide(self, path: str, question: Mapping[str, Any]) -> Mapping[str, Any]: ...


def check_names(person: str, server: str) -> None:
    """Raise Refused `session.unnamed` unless the server is named as a project may be, for a person's name as they are."""
    if not PROJECT.fullmatch(server) or not PERSON.fullmatch(person):
        raise Refused("session.unnamed")


def question(permit: Permit, person: PersonId, active: bool, now: datetime) -> dict[str, Any]:
    """The input of the decision, as JSON values. `active`: whether the person may still work here at all."""
    return {
        "now": rfc3339(now),
        "person": person,
        "active": active,
        "project": permit.project,
        "permit": {
            "permit_id": permit.permit_id,
            "revision": permit.revision,
            "reference": permit.reference,
            "project": permit.project,
            "handlers": list(permit.handlers),
            "tier": permit.tier.value,
            "workspace": permit.workspace.value,
            "valid_from": rfc3339(permit.valid_from),
            "valid_to": rfc3339(permit.valid_to),
        },
    }


def admit(
    policy: PolicyPort, permit: Permit, person: PersonId, project: str, *, active: bool, now: datetime
) -> datetime:
    """When the session ends that may begin now. Raises Refused with the policy's codes."""
    if permit.project != project:
        raise Refused("permit.unknown")
    answer = policy.decide(DECISION, question(permit, person, active, now))
    denied = answer.get("deny")
    codes = tuple(sorted(str(code) for code in denied)) if isinstance(denied, (list, tuple, set)) else ()
    if answer.get("allow") is not True or codes:
        facts = {
            "permit": permit.reference,
            "valid_from": rfc3339(permit.valid_from),
            "valid_to": rfc3339(permit.valid_to),
        }
        raise Refused(codes[0] if codes else "policy.unavailable", facts, codes)
    return min(permit.valid_to, now + LONGEST)
