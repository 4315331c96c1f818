"""From an amendment's form to the next revision of the permit, top to bottom. Each function is one step of a person.

Relies on ports for everything that is a machine: the records, the policy server, the signing key and time. Decides nothing
that `amendment` or the policy decide.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from enclave.application import amendment as rules
from enclave.application.amendment import Bound, Change, Sheet, State, Step
from enclave.application.flow import TRIES, Grant, MakeEvent, PolicyPort, Reviewer
from enclave.application.request import Problem
from enclave.application.review import Opinion, denied
from enclave.core.event import Actor, Event, Thing
from enclave.core.ids import AmendmentId, PermitId, PersonId, ProjectId
from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.core.roles import Role


@dataclass(frozen=True)
class Stored:
    """An amendment as the records hold it. `revises` is the revision that it was written for, `brought` the one that it
    brought; `reason` is the salted digest of its text; `version` rises by one with every change."""

    id: AmendmentId
    applicant: PersonId
    project: ProjectId
    permit_id: PermitId
    revises: int
    change: Change
    reason: str
    state: State
    version: int
    submitted_at: datetime
    decided_at: datetime | None = None
    brought: int | None = None
    sheets: tuple[Sheet, ...] = ()

    @property
    def reference(self) -> str:
        """The revision that it amends, `p-2026-0007@1`."""
        return f"{self.permit_id}@{self.revises}"


class Amendments(Protocol):
    """What the story needs of the records."""

    def stored(self, amendment: AmendmentId) -> Stored:
        """Raises Refused `amendment.unknown`."""
        ...

    def open_of(self, permit: PermitId) -> tuple[AmendmentId, ...]:
        """The permit's amendments that wait for a decision."""
        ...

    def founder(self, permit: PermitId) -> PersonId | None:
        """Who applied for the project; None for a permit that was not applied for here."""
        ...

    def enter(self, new: Stored, *events: Event) -> None:
        """Enter a new amendment with its events. Raises Refused `amendment.open` where the permit has an open one."""
        ...

    def change(
        self,
        before: Stored,
        after: Stored,
        *events: Event,
        sheet: Sheet | None = None,
        grant: Grant | None = None,
    ) -> None:
        """Write a change, its opinion, the permit's revision and the events in one transaction.

        Raises Refused `amendment.changed` unless amendment and permit are still what they were.
        """
        ...


@dataclass(frozen=True)
class Ports:
    """`latest` is the verified latest revision of a project's permit; it raises Refused `permit.*`."""

    amendments: Amendments
    policy: PolicyPort
    latest: Callable[[str], Permit]
    sign: Callable[[Permit], Mapping[str, Any]]
    event: MakeEvent
    keep_text: Callable[[str], str]
    now: Callable[[], datetime]


def look(ports: Ports, person: PersonId, project: str) -> tuple[tuple[str, ...], Mapping[str, Bound]]:
    """Why this person may not begin an amendment of the project's permit now (nothing where they may), and how far its
    limits may be raised. Raises Refused `permit.*`, `policy.unavailable`."""
    permit = ports.latest(project)
    asked = _question(ports, "look", permit, person, permit.reference, None)
    answer = ports.policy.decide(rules.POLICY, asked)
    return denied(answer), rules.bounds(answer)


def submit(
    ports: Ports,
    applicant: PersonId,
    amendment: AmendmentId,
    project: str,
    typed: Mapping[str, str],
    reason: str,
) -> tuple[Stored | None, tuple[Problem, ...]]:
    """Submit an amendment of the project's permit, or say what is wrong with it (then nothing was entered).

    1. The form can be read: numbers and a reason.
    2. The policy permits it: a handler's, of a permit in force, the only one, within the bounds, larger than now.
    3. The reason is kept under a digest, which the log holds.

    Raises Refused `amendment.*`, `permit.*`, `policy.unavailable`, `ledger.unavailable`.
    """
    permit = ports.latest(project)
    # 1
    change, problems = rules.parse(typed, reason, permit)
    if change is None:
        return None, problems
    # 2
    answer = ports.policy.decide(
        rules.POLICY, _question(ports, "submit", permit, applicant, permit.reference, change)
    )
    codes = denied(answer)
    found = rules.problems_of(answer, permit)
    if found and set(codes) <= {p.code for p in found} | {"amendment.unchanged"}:
        return None, found
    if codes:
        raise Refused(codes[0], {"permit": permit.reference}, codes)
    # 3
    kept = ports.keep_text(json.dumps({"reason": reason.strip(), **change.to_json()}, ensure_ascii=False))
    new = Stored(
        amendment,
        applicant,
        permit.project,
        permit.permit_id,
        permit.revision,
        change,
        kept,
        State.SUBMITTED,
        1,
        ports.now(),
    )
    ports.amendments.enter(new, _event(ports, "amendment.submitted", new, applicant, "handler", digest=kept))
    return new, ()


def withdraw(ports: Ports, applicant: PersonId, amendment: AmendmentId) -> Stored:
    """Take it back before the decision. Raises Refused `amendment.not_yours`, `.state`, `.changed`."""
    before = ports.amendments.stored(amendment)
    if before.applicant != applicant:
        raise Refused("amendment.not_yours")
    after = replace(before, state=rules.after(before.state, Step.WITHDRAW), version=before.version + 1)
    ports.amendments.change(before, after, _event(ports, "amendment.withdrawn", after, applicant, "handler"))
    return after


def opine(
    ports: Ports, reviewer: Reviewer, amendment: AmendmentId, opinion: Opinion, *, comment: str
) -> Stored:
    """Give an opinion; the last one needed brings the decision, and an approval brings the permit's next revision, signed.

    1. The amendment is in review, and the permit is still the one that it was written for, in force.
    2. The policy lets this person give it: of the committee, no party, once.
    3. The policy is asked whether the opinions, this one included, grant it, by the bounds of today.
    4. Where they do, the next revision is built and signed before anything is written.
    5. Opinion, state, revision and events commit together. Whoever wrote in between sends us back to 1.

    Raises Refused `amendment.*`, `permit.*`, `session.role_missing`, `policy.unavailable`, `ledger.unavailable`.
    """
    kept = ports.keep_text(comment)
    for attempt in range(TRIES):
        try:
            return _opine_once(ports, reviewer, amendment, opinion, comment=kept)
        except Refused as refused:
            if refused.code != "amendment.changed" or attempt == TRIES - 1:
                raise
    raise Refused("amendment.changed")


def _opine_once(
    ports: Ports, who: Reviewer, amendment: AmendmentId, opinion: Opinion, *, comment: str
) -> Stored:
    # 1
    before = ports.amendments.stored(amendment)
    state = rules.after(before.state, Step.OPINE)
    permit = ports.latest(before.project)
    # 2
    asked = _question(ports, "grant", permit, before.applicant, before.reference, before.change)
    given = rules.may_opine(rules.with_opinions(asked, before.sheets), who.person, who.roles)
    if codes := denied(ports.policy.decide(rules.POLICY, given)):
        facts = {"permit": before.reference, "role": Role.COMMITTEE.value}
        raise Refused(codes[0], facts, codes)
    now = ports.now()
    sheet = Sheet(who.person, opinion, now, comment)
    sheets = (*before.sheets, sheet)
    after = replace(before, state=state, version=before.version + 1, sheets=sheets)
    events = [_event(ports, "amendment.opinion_given", after, who.person, "committee", digest=comment)]
    # 3
    answer = ports.policy.decide(rules.POLICY, rules.with_opinions(asked, sheets))
    codes = denied(answer)
    grant = None
    if not codes:
        # 4
        next_one = rules.revised(permit, before.change)
        grant = Grant(next_one, ports.sign(next_one), now)
        after = replace(
            after, state=rules.after(state, Step.APPROVE), decided_at=now, brought=next_one.revision
        )
        events.append(_event(ports, "amendment.approved", after, who.person, "committee"))
        events.append(_amended(ports, who.person, next_one))
    elif rules.is_refused(sheets):
        after = replace(after, state=rules.after(state, Step.REFUSE), decided_at=now)
        events.append(_event(ports, "amendment.refused", after, who.person, "committee"))
    elif "amendment.opinion_missing" not in codes and (problems := rules.problems_of(answer, permit)):
        # A bound that was lowered since: the opinion that would grant it is refused, with the bound of today.
        raise Refused(problems[0].code, dict(problems[0].facts))
    # 5
    ports.amendments.change(before, after, *events, sheet=sheet, grant=grant)
    return after


def _question(
    ports: Ports, step: str, permit: Permit, applicant: PersonId, revises: str, change: Change | None
) -> dict[str, Any]:
    asked = rules.question(
        step,
        now=ports.now(),
        permit=permit,
        applicant=applicant,
        founder=ports.amendments.founder(permit.permit_id),
        revises=revises,
        change=change,
    )
    return {**asked, "open": list(ports.amendments.open_of(permit.permit_id))}


def _event(
    ports: Ports, action: str, stored: Stored, person: PersonId, role: str, *, digest: str | None = None
) -> Event:
    thing = Thing("amendment", stored.id, digest)
    return ports.event(Actor(person, role), action, thing, project=stored.project, permit=stored.reference)


def _amended(ports: Ports, person: PersonId, permit: Permit) -> Event:
    made = ports.event(
        Actor(person, "committee"),
        "permit.amended",
        Thing("permit", permit.permit_id),
        project=permit.project,
        permit=permit.reference,
    )
    return replace(made, counts={k: v for k, v in asdict(permit.limits).items() if v is not None})
