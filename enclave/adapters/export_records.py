"""Exports, their files and votes, as the records hold them. Portal and gateway call these functions.
What they return is in `adapters/export_views`.

    submit_export(records, policy, event, export_id, checked, permit, roles, now) -> ExportSummary
    exports_of(records, *, person=None, project=None)                    -> tuple[ExportSummary, ...]   newest first
    queue_for(records, trusted, checker)                                 -> tuple[QueueEntry, ...]      oldest first
    decided_by(records, checker)                                         -> tuple[ExportSummary, ...]   newest first
    export_detail(records, trusted, export_id, viewer, language, now=None) -> ExportView
    file_for(records, trusted, export_id, position, viewer)              -> (name, media type, bytes)
    vote(records, policy, trusted, event, export_id, checker, roles, choice, comment, digest, now) -> ExportSummary
    release_bytes(records, policy, trusted, event, export_id, person, roles, now, position=None)
                                                                         -> (name, bytes, digest)
    event_for(actor, action, export)                                     -> Event  (project and permit filled in)

`event` is the caller's (`export.submitted`, `export.voted`, `export.downloaded`; make it with `event_for`, or with
`edge.event` where the export does not exist yet); what the machine does next in the same transaction
(`export.returned`, `.released`, `.rejected`) gets an event of its own here. Everything that changes state commits
with its events; nothing is returned before they are in the log.

Who may look: `export_detail` and `file_for` answer handlers of the project's permit, and checkers who are not of the
project. Everyone else gets `export.unknown`, so that an id says nothing.
Purposes and comments are erasable blobs; a file's bytes are blobs under their plain digest, verified at each reading.
The bytes of a returned export are not kept.
"""

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from enclave.adapters import edge
from enclave.adapters import records_schema as t
from enclave.adapters.export_views import (
    WORDINGS,
    ExportSummary,
    ExportView,
    FileView,
    QueueEntry,
    described,
    finding_view,
    vote_view,
)
from enclave.adapters.permit_records import Trusted, permit_by_id
from enclave.adapters.records import Records, add_event
from enclave.core.clock import parse_rfc3339, rfc3339
from enclave.core.event import Actor, Event, Outcome, Thing
from enclave.core.ids import Digest, ExportId, PersonId, ProjectId
from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.core.roles import Role
from enclave.export.history import read_by
from enclave.export.release import archive, check_bytes, digest_of, export_digest
from enclave.export.request import MEDIA, CheckedSubmission, Kind, Verdict, worst
from enclave.export.review import (
    Choice,
    FileFact,
    Matter,
    PolicyPort,
    State,
    Step,
    Vote,
    after,
    check_not_own,
    decide,
    question,
    visible_votes,
)
from enclave.export.table_text import read_sheet

SERVICE = Actor("enclave", "service")
"""Who acts where no person does: the checks that turn an export back, the release that follows the last vote."""


Conclude = Callable[[str, bool, str], None]
"""(export, released or turned down, checker): custody makes history of it or forgets it. Raises Refused `custody.*`."""


def event_for(actor: Actor, action: str, export: ExportSummary, **more: Any) -> Event:
    """The event of a step with an export that exists."""
    return edge.event(
        actor,
        action,
        Thing("export", export.id, export.digest),
        project=export.project,
        permit=export.permit,
        **more,
    )


# -- reading -------------------------------------------------------------------------------------
def exports_of(
    records: Records, *, person: str | None = None, project: str | None = None
) -> tuple[ExportSummary, ...]:
    """Exports of a person, of a project, or of a person within a project; newest first."""
    wanted = sa.select(t.exports).order_by(t.exports.c.submitted_at.desc(), t.exports.c.id.desc())
    if person is not None:
        wanted = wanted.where(t.exports.c.person == person)
    if project is not None:
        wanted = wanted.where(t.exports.c.project == project)
    with records.read() as connection:
        return _summaries(connection, wanted)


def queue_for(records: Records, trusted: Trusted, checker: str) -> tuple[QueueEntry, ...]:
    """What waits for votes, oldest first, without exports of projects that the checker is party to."""
    wanted = (
        sa.select(t.exports).where(t.exports.c.state == State.QUEUED.value).order_by(t.exports.c.submitted_at)
    )
    with records.read() as connection:
        waiting = _summaries(connection, wanted)
        voted = set(connection.scalars(sa.select(t.votes.c.export).where(t.votes.c.checker == checker)))
    parties = {project: parties_of(records, project) for project in {export.project for export in waiting}}
    return tuple(
        QueueEntry(export, export.id in voted)
        for export in waiting
        if checker not in parties[export.project] and checker != export.person
    )


def decided_by(records: Records, checker: str) -> tuple[ExportSummary, ...]:
    """Exports that the checker voted on and that are decided, newest first."""
    mine = sa.select(t.votes.c.export).where(t.votes.c.checker == checker)
    wanted = (
        sa.select(t.exports)
        .where(t.exports.c.id.in_(mine), t.exports.c.state != State.QUEUED.value)
        .order_by(t.exports.c.submitted_at.desc())
    )
    with records.read() as connection:
        return _summaries(connection, wanted)


def export_detail(
    records: Records,
    trusted: Trusted,
    export_id: str,
    viewer: str,
    language: str,
    now: datetime | None = None,
) -> ExportView:
    """One export as `viewer` may see it. Raises Refused `export.unknown` for what they may not see at all."""
    held = _held(records, trusted, export_id)
    side = _side(records, held, viewer)
    decided = held.summary.state in {State.REJECTED, State.RELEASED}
    all_votes = held.votes
    mine = next((vote_view(v, named=True) for v in all_votes if v.checker == viewer), None)
    if side is Role.CHECKER:
        seen = visible_votes(all_votes, PersonId(viewer), held.summary.state)
    else:
        seen = all_votes if decided else ()
    files = tuple(_file_view(records, row, language, side is Role.CHECKER) for row in held.files)
    return ExportView(
        export=held.summary,
        purpose=records.text(held.purpose),
        files=files,
        needed=held.permit.checkers,
        mine=mine,
        votes=tuple(vote_view(v, named=side is Role.CHECKER) for v in seen),
        may_vote=side is Role.CHECKER and held.summary.state is State.QUEUED and mine is None,
        may_download=side is Role.RESEARCHER
        and held.summary.state is State.RELEASED
        and held.permit.valid_from <= (now or edge.now()) < held.permit.valid_to,
    )


def file_for(
    records: Records, trusted: Trusted, export_id: str, position: int, viewer: str
) -> tuple[str, str, bytes]:
    """(name, media type, bytes) of one file, to be looked at by a checker in the portal.

    Only for checkers: the project's own people get bytes by `release_bytes`. Raises `export.unknown`,
    `export.bytes_changed`.
    """
    held = _held(records, trusted, export_id)
    row = next((row for row in held.files if row.position == position), None)
    if _side(records, held, viewer) is not Role.CHECKER or row is None:
        raise Refused("export.unknown")
    return row.name, row.media_type, check_bytes(_bytes(records, row.digest), row.digest, row.name)


# -- changing ------------------------------------------------------------------------------------
def submit_export(
    records: Records,
    policy: PolicyPort,
    event: Event,
    export_id: str,
    checked: CheckedSubmission,
    permit: Permit,
    roles: Iterable[str],
    now: datetime,
) -> ExportSummary:
    """Enter a checked submission: turned back at once where a file failed, else queued if the policy says so.

    `event` is `export.submitted` by the person who submits. Raises the policy's refusals, `ledger.unavailable`.
    """
    person = PersonId(event.actor.person)
    returned = checked.verdict is Verdict.FAIL
    step = Step.RETURN if returned else Step.QUEUE
    matter = Matter(
        ExportId(export_id),
        person,
        checked.output,
        State.SUBMITTED,
        checked.digest,
        tuple(
            FileFact(file.kind.value, file.verdict.value, tuple(sorted({f.code for f in file.findings})))
            for file in checked.files
        ),
    )
    decide(policy, question(step, matter, permit, permit.handlers, person, roles, now))
    state = after(State.SUBMITTED, step)
    codes = tuple(
        sorted({f.code for file in checked.files for f in file.findings if f.verdict is Verdict.FAIL})
    )
    follow = _follow(
        f"export.{state.value}", export_id, checked.digest, permit, outcome=Outcome.REFUSED, codes=codes
    )
    with records.change(event, *((follow,) if returned else ())) as tx:
        # Inside: where the ledger is silent, nothing of the submission stays on the disk either.
        purpose = records.keep_text(checked.purpose)
        if not returned:
            # What is turned back is not kept: it may hold what may not leave, and nobody will look at it.
            for file in checked.files:
                for data in (file.data, *(one.data for one in file.attached)):
                    records.keep_file(data)
        tx.execute(
            sa.insert(t.exports).values(
                id=export_id,
                project=permit.project,
                permit_id=permit.permit_id,
                revision=permit.revision,
                person=person,
                output=checked.output,
                purpose=purpose,
                digest=checked.digest,
                state=state.value,
                submitted_at=rfc3339(now),
                decided_at=rfc3339(now) if returned else None,
            )
        )
        for position, file in enumerate(checked.files):
            tx.execute(
                sa.insert(t.export_files).values(
                    export=export_id,
                    position=position,
                    name=file.name,
                    kind=file.kind.value,
                    media_type=MEDIA[file.kind],
                    digest=file.digest,
                    size=len(file.data),
                    verdict=file.verdict.value,
                    findings=[finding.to_json() for finding in file.findings],
                    declared=dict(file.declared),
                )
            )
    return _summary(records, export_id)


def vote(
    records: Records,
    policy: PolicyPort,
    trusted: Trusted,
    event: Event,
    export_id: str,
    checker: str,
    roles: Iterable[str],
    choice: Choice,
    comment: str,
    digest: str,
    now: datetime,
    conclude: Conclude,
) -> ExportSummary:
    """One checker's vote on the bytes of `digest`; the last vote needed decides in the same transaction.

    1. The export is in the queue, `digest` is its own, and every file still has its digest.
    2. The checker is not of the project, has not voted, and the policy lets them vote.
    3. With all votes in: approvals only, and the policy's yes, release it at once; any rejection rejects it. `conclude`
       tells custody first, which compares again with what was released meanwhile: its no leaves everything as it was.

    `event` is `export.voted` (its codes and counts say nothing of the choice). Raises Refused `export.unknown`,
    `export.state`, `export.digest`, `export.bytes_changed`, `export.own_project`, `export.already_voted`, or the
    policy's codes.
    """
    held = _held(records, trusted, export_id)
    if held.summary.digest != digest:
        raise Refused("export.digest")
    parties = parties_of(records, held.summary.project) | set(held.permit.handlers) | {held.summary.person}
    check_not_own(PersonId(checker), [PersonId(party) for party in parties])
    after(held.summary.state, Step.VOTE)
    for row in held.files:
        for one in (row.digest, *_attached(row)):
            check_bytes(_bytes(records, one), one, row.name)
    if any(v.checker == checker for v in held.votes):
        raise Refused("export.already_voted")
    asked = question(Step.VOTE, _matter(held), held.permit, sorted(parties), PersonId(checker), roles, now)
    needed = decide(policy, asked).get("approvals")
    if not isinstance(needed, int) or isinstance(needed, bool):
        raise Refused("policy.undefined")
    mine = Vote(PersonId(checker), choice, Digest(digest), now)
    with records.change() as tx:
        add_event(tx, event)
        # Inside the transaction: of two votes at once one comes second, sees the first, and decides.
        fresh = tx.execute(sa.select(t.exports).where(t.exports.c.id == export_id)).one()
        after(State(fresh.state), Step.VOTE)
        before = _votes(tx, export_id)
        if any(v.checker == checker for v in before):
            raise Refused("export.already_voted")
        kept = records.keep_text(comment) if comment else None
        tx.execute(
            sa.insert(t.votes).values(
                export=export_id,
                checker=checker,
                vote=choice.value,
                comment=kept,
                digest=digest,
                given_at=rfc3339(now),
            )
        )
        votes = (*before, mine)
        if len(votes) >= needed:
            _close(tx, policy, held, votes, sorted(parties), PersonId(checker), roles, now, conclude)
    return _summary(records, export_id)


def _close(
    tx: sa.Connection,
    policy: PolicyPort,
    held: "_Held",
    votes: tuple[Vote, ...],
    parties: list[str],
    checker: PersonId,
    roles: Iterable[str],
    now: datetime,
    conclude: Conclude,
) -> None:
    """The decision, once all votes are in: state and event of the release or the rejection."""
    summary = held.summary
    values: dict[str, Any] = {"decided_at": rfc3339(now), "version": t.exports.c.version + 1}
    if any(v.choice is Choice.REJECT for v in votes):
        state = after(State.QUEUED, Step.REJECT)
        follow = _follow("export.rejected", summary.id, summary.digest, held.permit, outcome=Outcome.REFUSED)
    else:
        decide(
            policy, question(Step.APPROVE, _matter(held, votes), held.permit, parties, checker, roles, now)
        )
        state = after(after(State.QUEUED, Step.APPROVE), Step.RELEASE)
        values["released_at"] = rfc3339(now)
        follow = _follow("export.released", summary.id, summary.digest, held.permit)
    # Before anything here changes. Where this transaction fails afterwards custody holds for released what was not: it
    # then guards against one output too many.
    conclude(summary.id, state is State.RELEASED, checker)
    tx.execute(sa.update(t.exports).where(t.exports.c.id == summary.id).values(state=state.value, **values))
    add_event(tx, follow)


def release_bytes(
    records: Records,
    policy: PolicyPort,
    trusted: Trusted,
    event: Event,
    export_id: str,
    person: str,
    roles: Iterable[str],
    now: datetime,
    position: int | None = None,
) -> tuple[str, bytes, str]:
    """(name, bytes, digest) of one released file, or of the archive of all where `position` is None.

    Every file's bytes are verified against the digest that the checkers voted for, and the download is in the log
    before the bytes are returned. `event` is `export.downloaded`. Raises Refused `export.unknown`, `export.state`,
    `export.bytes_changed`, `permit.*`, or the policy's codes.
    """
    held = _held(records, trusted, export_id)
    if _side(records, held, person) is not Role.RESEARCHER:
        raise Refused("export.unknown")
    held.permit.check_in_force(now)
    held.permit.check_handler(PersonId(person))
    after(held.summary.state, Step.DOWNLOAD)
    parties = sorted(parties_of(records, held.summary.project))
    decide(policy, question(Step.DOWNLOAD, _matter(held), held.permit, parties, PersonId(person), roles, now))
    if export_digest((row.name, row.digest, *_attached(row)) for row in held.files) != held.summary.digest:
        raise Refused("export.bytes_changed", {"name": held.summary.id})
    files = tuple(
        (row.name, check_bytes(_bytes(records, row.digest), row.digest, row.name)) for row in held.files
    )
    if position is None:
        name, data = f"{export_id}.zip", archive(files)
    elif 0 <= position < len(files):
        name, data = files[position]
    else:
        raise Refused("export.unknown")
    with records.change(event):
        pass
    return name, data, digest_of(data)


# -- inside --------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Held:
    """One export with everything that belongs to it, as the records hold it; comments as texts."""

    summary: ExportSummary
    purpose: str
    permit: Permit
    files: tuple[Any, ...]
    votes: tuple[Vote, ...]


def parties_of(records: Records, project: str) -> set[str]:
    """Everyone who has to do with a project: applicant, members, handlers of any revision of its permit."""
    with records.read() as connection:
        found: set[str] = set()
        for row in connection.execute(sa.select(t.applications).where(t.applications.c.project == project)):
            found.add(row.applicant)
            members = row.body.get("members", []) if isinstance(row.body, dict) else []
            found.update(str(member) for member in members)
        for envelope in connection.scalars(
            sa.select(t.permits.c.envelope).where(t.permits.c.project == project)
        ):
            # Read without verifying: a name in a forged envelope can only take somebody's vote away.
            found.update(json.loads(base64.b64decode(envelope["payload"]))["handlers"])
        found.update(connection.scalars(sa.select(t.exports.c.person).where(t.exports.c.project == project)))
    return found


def _held(records: Records, trusted: Trusted, export_id: str) -> _Held:
    summary = _summary(records, export_id)
    # The newest revision: it says who is a handler today, and a revoked permit releases nothing.
    permit = permit_by_id(records, summary.permit.partition("@")[0], trusted).permit
    with records.read() as connection:
        files = tuple(
            connection.execute(
                sa.select(t.export_files)
                .where(t.export_files.c.export == export_id)
                .order_by(t.export_files.c.position)
            ).all()
        )
        votes = _votes(connection, export_id, records)
        purpose = connection.scalar(sa.select(t.exports.c.purpose).where(t.exports.c.id == export_id))
    return _Held(summary, str(purpose), permit, files, votes)


def _votes(connection: sa.Connection, export_id: str, records: Records | None = None) -> tuple[Vote, ...]:
    rows = connection.execute(
        sa.select(t.votes).where(t.votes.c.export == export_id).order_by(t.votes.c.given_at)
    ).all()
    return tuple(
        Vote(
            PersonId(row.checker),
            Choice(row.vote),
            Digest(row.digest),
            parse_rfc3339(row.given_at),
            records.text(row.comment) if records is not None and row.comment else None,
        )
        for row in rows
    )


def _side(records: Records, held: _Held, viewer: str) -> Role:
    """As what the viewer looks: RESEARCHER of the project or CHECKER. Raises Refused `export.unknown`."""
    if viewer in held.permit.handlers:
        return Role.RESEARCHER
    if viewer not in parties_of(records, held.summary.project):
        with records.read() as connection:
            held_role = connection.scalar(
                sa.select(t.person_roles.c.role).where(
                    t.person_roles.c.person == viewer,
                    t.person_roles.c.role == Role.CHECKER.value,
                    t.person_roles.c.revoked_at.is_(None),
                )
            )
        if held_role is not None:
            return Role.CHECKER
    raise Refused("export.unknown")


def _matter(held: _Held, votes: tuple[Vote, ...] | None = None) -> Matter:
    facts = tuple(
        FileFact(row.kind, row.verdict, tuple(sorted({f["code"] for f in row.findings})))
        for row in held.files
    )
    s = held.summary
    return Matter(s.id, s.person, s.output, s.state, s.digest, facts, held.votes if votes is None else votes)


def _attached(row: Any) -> tuple[str, ...]:
    """The digests of a file's description and evidence, where it has any."""
    return tuple(str(row.declared[name]) for name in ("description", "evidence") if name in row.declared)


def _bytes(records: Records, digest: str) -> bytes | None:
    try:
        return records.file(digest)
    except ValueError:
        return None


def _follow(action: str, export_id: str, digest: str, permit: Permit, **more: Any) -> Event:
    thing = Thing("export", export_id, digest)
    return edge.event(SERVICE, action, thing, project=permit.project, permit=permit.reference, **more)


def _summary(records: Records, export_id: str) -> ExportSummary:
    with records.read() as connection:
        found = _summaries(connection, sa.select(t.exports).where(t.exports.c.id == export_id))
    if not found:
        raise Refused("export.unknown")
    return found[0]


def _summaries(connection: sa.Connection, wanted: Any) -> tuple[ExportSummary, ...]:
    rows = connection.execute(wanted).all()
    files: dict[str, list[Any]] = {row.id: [] for row in rows}
    for file in connection.execute(
        sa.select(t.export_files.c.export, t.export_files.c.name, t.export_files.c.verdict)
        .where(t.export_files.c.export.in_(list(files)))
        .order_by(t.export_files.c.position)
    ):
        files[file.export].append(file)
    return tuple(
        ExportSummary(
            ExportId(row.id),
            ProjectId(row.project),
            f"{row.permit_id}@{row.revision}",
            PersonId(row.person),
            row.output,
            State(row.state),
            Digest(row.digest),
            tuple(file.name for file in files[row.id]),
            worst(tuple(Verdict(file.verdict) for file in files[row.id])),
            parse_rfc3339(row.submitted_at),
            None if row.decided_at is None else parse_rfc3339(row.decided_at),
            None if row.released_at is None else parse_rfc3339(row.released_at),
        )
        for row in rows
    )


def _file_view(records: Records, row: Any, language: str, checker: bool) -> FileView:
    sheet = None
    if Kind(row.kind) is not Kind.FIGURE:
        data = _bytes(records, row.digest)
        sheet = None if data is None else read_sheet(data)
    attached = [_bytes(records, one) for one in _attached(row)] + [None, None]
    return FileView(
        row.position,
        row.name,
        Kind(row.kind),
        row.media_type,
        Digest(row.digest),
        row.size,
        Verdict(row.verdict),
        tuple(
            finding_view({**finding, "facts": read_by(finding["facts"], checker=checker)}, WORDINGS, language)
            for finding in row.findings
        ),
        row.declared,
        sheet,
        None if attached[0] is None else described(attached[0]),
        None if attached[1] is None else read_sheet(attached[1]),
    )
