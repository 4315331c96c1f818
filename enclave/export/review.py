"""The life of an export and the votes on it.

Decides which step is possible in which state (`TRANSITIONS`), who may see which vote, and lays out the question that
the policy `enclave/export/decision` answers. Counts of votes are judged by the policy, never here. Does not keep
anything: `adapters/export_records` does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from enclave.core.clock import rfc3339
from enclave.core.ids import Digest, ExportId, PersonId
from enclave.core.lifecycle import Transition, state_after
from enclave.core.permit import Permit
from enclave.core.refusal import Refused

DECISION = "enclave/export/decision"


class State(StrEnum):
    SUBMITTED = "submitted"
    RETURNED = "returned"
    QUEUED = "queued"
    APPROVED = "approved"
    REJECTED = "rejected"
    RELEASED = "released"


class Step(StrEnum):
    RETURN = "return"
    QUEUE = "queue"
    VOTE = "vote"
    APPROVE = "approve"
    REJECT = "reject"
    RELEASE = "release"
    DOWNLOAD = "download"


class Choice(StrEnum):
    """What a checker says of the whole export; there is no approval of a part."""

    APPROVE = "approve"
    REJECT = "reject"


TRANSITIONS: tuple[Transition[State, Step], ...] = (
    Transition(State.SUBMITTED, Step.RETURN, State.RETURNED, "machine"),
    Transition(State.SUBMITTED, Step.QUEUE, State.QUEUED, "machine"),
    Transition(State.QUEUED, Step.VOTE, State.QUEUED, "checker"),
    Transition(State.QUEUED, Step.APPROVE, State.APPROVED, "checkers"),
    Transition(State.QUEUED, Step.REJECT, State.REJECTED, "checkers"),
    Transition(State.APPROVED, Step.RELEASE, State.RELEASED, "machine"),
    Transition(State.RELEASED, Step.DOWNLOAD, State.RELEASED, "handler"),
)


def after(state: State, step: Step) -> State:
    """The state that a step leads to. Raises Refused `export.state` where the table has no such step."""
    return state_after(TRANSITIONS, state, step, "export.state")


@dataclass(frozen=True)
class Vote:
    """One checker's vote on exactly the bytes of `digest`. `comment` is its text, or None where erased or not given."""

    checker: PersonId
    choice: Choice
    digest: Digest
    given_at: datetime
    comment: str | None = None


def visible_votes(votes: Iterable[Vote], viewer: PersonId, state: State) -> tuple[Vote, ...]:
    """All votes once they decided, else the viewer's own: a checker who knows the other's vote is not independent."""
    decided = state in {State.APPROVED, State.REJECTED, State.RELEASED}
    return tuple(vote for vote in votes if decided or vote.checker == viewer)


def check_not_own(checker: PersonId, parties: Iterable[PersonId]) -> None:
    """Raise Refused `export.own_project` for a person of the project: nobody checks what they will take home."""
    if checker in set(parties):
        raise Refused("export.own_project")


class PolicyPort(Protocol):
    """A policy server. `decide` answers `{allow, deny, obligations}` and raises Refused `policy.unavailable`."""

    def decide(self, path: str, question: Mapping[str, Any]) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class FileFact:
    """What the policy may know of a file: its name's kind and what the machine found, never a number of it."""

    kind: str
    verdict: str
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Matter:
    """An export as the policy sees it."""

    id: ExportId
    person: PersonId
    output: str
    state: State
    digest: Digest
    files: tuple[FileFact, ...]
    votes: tuple[Vote, ...] = ()


def question(
    step: Step,
    matter: Matter,
    permit: Permit,
    parties: Sequence[str],
    person: PersonId,
    roles: Iterable[str],
    now: datetime,
) -> dict[str, Any]:
    """The input of the decision on `step` by `person`.

    `step` is `queue` (may it be queued?), `vote` (may this person vote? votes are those already in), `approve`
    (do the votes that are in release it?) or `download`.
    """
    return {
        "now": rfc3339(now),
        "step": step.value,
        "person": person,
        "roles": sorted(roles),
        "permit": {
            "reference": permit.reference,
            "project": permit.project,
            "handlers": list(permit.handlers),
            "parties": sorted(set(parties)),
            "outputs": [output.id for output in permit.outputs],
            "rule_sets": list(permit.rule_sets),
            "checkers": permit.checkers,
            "valid_from": rfc3339(permit.valid_from),
            "valid_to": rfc3339(permit.valid_to),
        },
        "export": {
            "id": matter.id,
            "person": matter.person,
            "output": matter.output,
            "state": matter.state.value,
            "digest": matter.digest,
            "files": [{"kind": f.kind, "verdict": f.verdict, "codes": list(f.codes)} for f in matter.files],
            "votes": [
                {"checker": v.checker, "vote": v.choice.value, "digest": v.digest} for v in matter.votes
            ],
        },
    }


def decide(policy: PolicyPort, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """The obligations of a yes; anything but `allow` being exactly True raises Refused with the policy's codes."""
    answer = policy.decide(DECISION, asked)
    deny = answer.get("deny")
    codes = (
        tuple(sorted(str(code) for code in deny)) if isinstance(deny, list | tuple | set | frozenset) else ()
    )
    if answer.get("allow") is True and deny is not None and not codes:
        obligations = answer.get("obligations")
        return obligations if isinstance(obligations, Mapping) else {}
    raise Refused(codes[0] if codes else "policy.undefined", {}, codes)
