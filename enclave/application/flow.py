"""The story from draft to permit, top to bottom. Each function is one step of a person; its numbers are its order.

Relies on ports for everything that is a machine: the records, the policy server, the signing key, time and chance.
Decides nothing that `request`, `review`, `permit` or the policy decide.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Protocol

from enclave.application import dataset, linkage, request, review
from enclave.application import permit as permits
from enclave.application.request import Application, Draft, Known, Problem
from enclave.application.review import Opinion, OpinionSheet, State, Step
from enclave.catalogue.descriptor import Descriptor
from enclave.catalogue.facts import Dossier
from enclave.catalogue.linkage import LinkageRules
from enclave.catalogue.packaged import dossiers, linkage_rules
from enclave.catalogue.words import Title
from enclave.core.clock import JAPAN
from enclave.core.event import Actor, Event, Thing
from enclave.core.ids import PROJECT, ApplicationId, DatabaseId, PermitId, PersonId
from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.core.roles import Role

TRIES = 5
"""How often an opinion is tried again when another one was written at the same moment."""


@dataclass(frozen=True)
class Stored:
    """An application as the records hold it. `version` rises by one with every change."""

    id: ApplicationId
    applicant: PersonId
    state: State
    version: int
    draft: Draft
    created_at: datetime
    submitted_at: datetime | None = None
    decided_at: datetime | None = None
    sheets: tuple[OpinionSheet, ...] = ()


@dataclass(frozen=True)
class Grant:
    """A permit with the envelope that signs it, to be entered with the decision."""

    permit: Permit
    envelope: Mapping[str, Any]
    at: datetime


class Applications(Protocol):
    """What the story needs of the records."""

    def stored(self, application: ApplicationId) -> Stored:
        """Raises Refused `application.unknown`."""
        ...

    def projects_held(self, but: ApplicationId | None) -> frozenset[str]:
        """Names that other applications hold."""
        ...

    def names_taken(self) -> tuple[frozenset[str], frozenset[str]]:
        """Permit numbers and provisions in use."""
        ...

    def enter(self, new: Stored, *events: Event) -> None:
        """Enter a new application with its events."""
        ...

    def change(
        self,
        before: Stored,
        after: Stored,
        *events: Event,
        sheet: OpinionSheet | None = None,
        grant: Grant | None = None,
    ) -> None:
        """Write a change, its opinion, its permit and its events in one transaction.

        Raises Refused `application.changed` unless the application is still at the version of `before`.
        """
        ...


class PolicyPort(Protocol):
    """A policy server: `{allow, deny, obligations}`. Raises Refused `policy.unavailable`."""

    def decide(self, path: str, question: Mapping[str, Any]) -> Mapping[str, Any]: ...


class MakeEvent(Protocol):
    """An event that happens now, with a fresh id."""

    def __call__(
        self,
        actor: Actor,
        action: str,
        thing: Thing,
        *,
        project: str | None = None,
        permit: str | None = None,
    ) -> Event: ...


@dataclass(frozen=True)
class Ports:
    applications: Applications
    policy: PolicyPort
    sign: Callable[[Permit], Mapping[str, Any]]
    event: MakeEvent
    keep_text: Callable[[str], str]
    now: Callable[[], datetime]
    random: Callable[[int], bytes]
    catalogue: Callable[[], Mapping[DatabaseId, Descriptor]] = dict
    linkage: LinkageRules = field(default_factory=linkage_rules)
    dossiers: Mapping[DatabaseId, Dossier] = field(default_factory=dossiers)


def start(ports: Ports, applicant: PersonId, application: ApplicationId, draft: Draft) -> Stored:
    """A new draft: kept as typed, however incomplete. Its id comes with the form, so that a form sent twice is one."""
    new = Stored(application, applicant, State.DRAFT, 1, draft, ports.now())
    ports.applications.enter(new, _event(ports, "application.created", new, applicant, "applicant"))
    return new


def save(ports: Ports, applicant: PersonId, application: ApplicationId, draft: Draft) -> Stored:
    """Keep what was typed. Raises Refused `application.not_yours`, `.state`, `.changed`."""
    before = _own(ports, applicant, application)
    after = replace(
        before, state=review.after(before.state, Step.SAVE), version=before.version + 1, draft=draft
    )
    if draft != before.draft:
        ports.applications.change(
            before, after, _event(ports, "application.saved", after, applicant, "applicant")
        )
        return after
    return before


def submit(
    ports: Ports, applicant: PersonId, application: ApplicationId, known: Known
) -> tuple[Stored, tuple[Problem, ...]]:
    """Submit a saved draft, or say what is wrong with it (then it stays a draft).

    1. It is the applicant's own and still a draft.
    2. It reads as a complete application, or its problems come back.
    3. A rule set covers each database, so that its outputs can be judged at all.
    4. The policy permits what is asked for together: databases to be linked, columns that hide others, data sets and
       what they hold.
    5. What was submitted, the data sets meant by default included, is kept under a digest, which the log holds.
    """
    before = _own(ports, applicant, application)
    state = review.after(before.state, Step.SUBMIT)
    known = replace(known, projects=ports.applications.projects_held(application))
    complete, problems = request.parse(before.draft, known)
    if complete is None:
        return before, problems
    permits.rule_sets_for(complete.databases, permits.RULE_SETS)
    if problems := _together(ports, "submit", complete):
        return before, problems
    sets = {str(database): name for database, name in complete.sets.items()}
    draft = replace(before.draft, sets={**before.draft.sets, **sets})
    after = replace(before, state=state, version=before.version + 1, draft=draft, submitted_at=ports.now())
    digest = ports.keep_text(_canonical(draft))
    ports.applications.change(
        before, after, _event(ports, "application.submitted", after, applicant, "applicant", digest=digest)
    )
    return after, ()


def withdraw(ports: Ports, applicant: PersonId, application: ApplicationId) -> Stored:
    """Take it back before the decision; its name becomes free. Raises Refused `application.not_yours`, `.state`."""
    before = _own(ports, applicant, application)
    after = replace(before, state=review.after(before.state, Step.WITHDRAW), version=before.version + 1)
    ports.applications.change(
        before, after, _event(ports, "application.withdrawn", after, applicant, "applicant")
    )
    return after


def read(stored: Stored) -> Application:
    """The application inside a submitted record: it was complete when submitted, so it is read without a catalogue.

    Raises Refused `application.state` for a draft.
    """
    columns: dict[str, dict[str, list[str]]] = {}
    for name in stored.draft.columns:
        database, table, column = (*name.split(".", 2), "", "")[:3]
        columns.setdefault(database, {}).setdefault(table, []).append(column)
    for place, limits in stored.draft.limits.items():
        database, _, table = place.partition(".")
        # A period may stand on a column that is not shown.
        if limits.get("period_column") and table in columns.get(database, {}):
            columns[database][table].append(limits["period_column"])
    sets = {database: (name,) for database, name in stored.draft.sets.items()}
    application, _ = request.parse(stored.draft, Known(columns, frozenset(stored.draft.members), sets=sets))
    if application is None:
        raise Refused("application.state", {"state": stored.state.value, "step": "read"})
    return application


@dataclass(frozen=True)
class Reviewer:
    """Who gives an opinion, with the roles that are theirs now."""

    person: PersonId
    roles: frozenset[Role]


def opine(
    ports: Ports,
    reviewer: Reviewer,
    application: ApplicationId,
    database: str,
    opinion: Opinion,
    *,
    comment: str,
) -> Stored:
    """Give an opinion; the last one needed brings the decision, and an approval brings the signed permit.

    1. The application is in review.
    2. The policy lets this person give it: of the committee, no party, on a database applied for, once.
    3. The policy is asked whether the opinions, this one included, grant it.
    4. Where they do, and what is asked for together is still permitted today, the permit is built and signed before
       anything is written.
    5. Opinion, state, permit and events commit together. Whoever wrote in between sends us back to 1.

    Raises Refused `application.*`, `session.role_missing`, `policy.unavailable`, `ledger.unavailable`.
    """
    kept = ports.keep_text(comment)
    for attempt in range(TRIES):
        try:
            return _opine_once(ports, reviewer, application, database, opinion, comment=kept)
        except Refused as refused:
            if refused.code != "application.changed" or attempt == TRIES - 1:
                raise
    raise Refused("application.changed")


def _opine_once(
    ports: Ports, who: Reviewer, application: ApplicationId, database: str, opinion: Opinion, *, comment: str
) -> Stored:
    reviewer = who.person
    # 1
    before = ports.applications.stored(application)
    state = review.after(before.state, Step.OPINE)
    # 2
    asked = read(before)
    question = review.question(before.id, before.applicant, asked, before.sheets)
    if codes := review.denied(
        ports.policy.decide(review.POLICY, review.may_opine(question, reviewer, who.roles, database))
    ):
        raise Refused(codes[0], {"role": Role.COMMITTEE.value, "database": database[:40]}, codes)
    now = ports.now()
    sheet = OpinionSheet(database, reviewer, opinion, now, comment)
    sheets = (*before.sheets, sheet)
    after = replace(before, state=state, version=before.version + 1, sheets=sheets)
    events = [_event(ports, "application.opinion_given", after, reviewer, "committee", digest=comment)]
    # 3
    granted = not review.denied(
        ports.policy.decide(review.POLICY, review.question(before.id, before.applicant, asked, sheets))
    )
    # 4
    grant = None
    if granted:
        if problems := _together(ports, "grant", asked):
            raise Refused(problems[0].code, dict(problems[0].facts))
        grant = _grant(ports, asked, now)
        after = replace(after, state=review.after(after.state, Step.APPROVE), decided_at=now)
        reference = grant.permit.reference
        events.append(_event(ports, "application.approved", after, reviewer, "committee"))
        events.append(
            ports.event(
                Actor(reviewer, "committee"),
                "permit.granted",
                Thing("permit", grant.permit.permit_id),
                project=asked.project,
                permit=reference,
            )
        )
    elif review.refused_databases(sheets):
        after = replace(after, state=review.after(after.state, Step.REFUSE), decided_at=now)
        events.append(_event(ports, "application.refused", after, reviewer, "committee"))
    # 5
    ports.applications.change(before, after, *events, sheet=sheet, grant=grant)
    return after


def _together(ports: Ports, step: str, application: Application) -> tuple[Problem, ...]:
    """What may not be asked for together today; empty where the policy says yes."""
    today, catalogue = _today(ports), ports.catalogue()
    question = {
        **linkage.question(step, application, today, ports.linkage, catalogue),
        **dataset.facts(application, today, ports.dossiers, catalogue),
    }
    answer = ports.policy.decide(linkage.POLICY, question)
    codes = review.denied(answer)
    if not codes:
        return ()
    names: dict[DatabaseId, Title] = {name: one.title for name, one in catalogue.items()}
    names |= {name: one.names for name, one in ports.dossiers.items()}
    found = linkage.problems(answer, today, ports.linkage, names)
    found += dataset.problems(answer, application, today, ports.dossiers, catalogue)
    if not found:
        raise Refused(codes[0], codes=codes)
    return found


def _today(ports: Ports) -> date:
    return ports.now().astimezone(JAPAN).date()


def _grant(ports: Ports, application: Application, now: datetime) -> Grant:
    numbers, provisions = ports.applications.names_taken()
    number: PermitId = permits.next_permit_id(now.astimezone(JAPAN).year, numbers)
    permit = permits.build(
        application,
        number=number,
        provision=permits.provision_id(ports.random(2), provisions),
        sets=dataset.chosen(application, ports.dossiers, now.astimezone(JAPAN).date()),
    )
    return Grant(permit, ports.sign(permit), now)


def _own(ports: Ports, applicant: PersonId, application: ApplicationId) -> Stored:
    stored = ports.applications.stored(application)
    if stored.applicant != applicant:
        raise Refused("application.not_yours")
    return stored


def _event(
    ports: Ports, action: str, stored: Stored, person: PersonId, role: str, *, digest: str | None = None
) -> Event:
    # A draft may carry any name; only one that is nobody else's may file its steps under that project in the log.
    project = stored.draft.text("project")
    free = PROJECT.fullmatch(project) and project not in ports.applications.projects_held(stored.id)
    thing = Thing("application", stored.id, digest)
    return ports.event(Actor(person, role), action, thing, project=project if free else None)


def _canonical(draft: Draft) -> str:
    return json.dumps(draft.to_json(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
