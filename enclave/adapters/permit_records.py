"""Signed permits and workspace sessions, as the records hold them.

A permit is held against the trusted key each time it is read: a row that was edited gives a refusal, not a permit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from enclave.adapters import records_schema as t
from enclave.adapters.records import Records, driver, in_words
from enclave.adapters.signing import verify_permit
from enclave.core.clock import parse_rfc3339, rfc3339
from enclave.core.event import Event
from enclave.core.ids import PermitId, PersonId, ProjectId, SessionId
from enclave.core.permit import Permit
from enclave.core.refusal import Refused

Trusted = Mapping[str, Ed25519PublicKey]


@dataclass(frozen=True)
class SignedPermit:
    """A permit whose signature was verified, with the envelope that proves it."""

    permit: Permit
    envelope: Mapping[str, Any]


@dataclass(frozen=True)
class WorkspaceSession:
    id: SessionId
    person: PersonId
    project: ProjectId
    permit_id: PermitId
    revision: int
    address: str
    expires_at: datetime


# Statements of every request, made once: building an expression costs more than running it. The first is in the driver's
# words.
_s, _p = t.workspace_sessions.c, t.permits.c
_SESSION = in_words(
    sa.select(
        *(_s.id, _s.person, _s.project, _s.permit_id, _s.revision, _s.address, _s.expires_at, _s.revoked_at),
        t.persons.c.active,
    )
    .outerjoin(t.persons, t.persons.c.id == _s.person)
    .where(_s.token_digest == sa.bindparam("token_digest"))
)
_LATEST = (
    sa.select(t.permits)
    .where(_p.permit_id == sa.bindparam("permit_id"))
    .order_by(_p.revision.desc())
    .limit(1)
)


def _verified(row: Any, trusted: Trusted) -> SignedPermit:
    if row.revoked_at is not None:
        raise Refused("permit.revoked", {"permit": f"{row.permit_id}@{row.revision}"})
    return SignedPermit(verify_permit(row.envelope, trusted), row.envelope)


def permit_of_project(records: Records, project: str, trusted: Trusted) -> SignedPermit:
    """The latest revision of a project's permit, in force or not. Raises Refused `permit.unknown`, `.revoked`, `.signature`."""
    latest = (
        sa.select(t.permits)
        .where(t.permits.c.project == project)
        .order_by(t.permits.c.revision.desc())
        .limit(1)
    )
    with records.read() as connection:
        row = connection.execute(latest).one_or_none()
    if row is None:
        raise Refused("permit.unknown")
    return _verified(row, trusted)


def permit_by_id(
    records: Records, permit_id: str, trusted: Trusted, revision: int | None = None
) -> SignedPermit:
    """A permit by its number, the latest revision where none is named. Raises Refused as `permit_of_project`."""
    wanted = _LATEST if revision is None else _LATEST.where(_p.revision == revision)
    with records.read() as connection:
        row = connection.execute(wanted, {"permit_id": permit_id}).one_or_none()
    if row is None:
        raise Refused("permit.unknown")
    return _verified(row, trusted)


def revisions_of(
    records: Records, permit_id: str, trusted: Trusted
) -> tuple[tuple[SignedPermit, datetime], ...]:
    """Every revision of a permit that was not revoked, with the time of its signature, newest first. Raises Refused
    `permit.signature`."""
    wanted = (
        sa.select(t.permits)
        .where(_p.permit_id == permit_id, _p.revoked_at.is_(None))
        .order_by(_p.revision.desc())
    )
    with records.read() as connection:
        rows = connection.execute(wanted).all()
    return tuple((_verified(row, trusted), parse_rfc3339(row.granted_at)) for row in rows)


def permits_of_handler(records: Records, person: str, trusted: Trusted) -> tuple[SignedPermit, ...]:
    """Every unrevoked permit (latest revision) that names the person as a handler, in force or not, newest first."""
    with records.read() as connection:
        rows = connection.execute(
            sa.select(t.permits).order_by(t.permits.c.revision.desc(), t.permits.c.granted_at)
        ).all()
    latest: dict[str, Any] = {}
    for row in rows:
        latest.setdefault(row.permit_id, row)
    signed = [_verified(row, trusted) for row in latest.values() if row.revoked_at is None]
    mine = [s for s in signed if PersonId(person) in s.permit.handlers]
    return tuple(sorted(mine, key=lambda s: s.permit.valid_from, reverse=True))


def create_workspace_session(
    records: Records, event: Event, session: WorkspaceSession, token_digest: str, at: datetime
) -> None:
    """Enter a session; any other live session of the person ends in the same transaction (one workspace at a time)."""
    with records.change(event) as tx:
        tx.execute(
            sa.update(t.workspace_sessions)
            .where(
                t.workspace_sessions.c.person == session.person, t.workspace_sessions.c.revoked_at.is_(None)
            )
            .values(revoked_at=rfc3339(at))
        )
        tx.execute(
            sa.insert(t.workspace_sessions).values(
                id=session.id,
                token_digest=token_digest,
                person=session.person,
                project=session.project,
                permit_id=session.permit_id,
                revision=session.revision,
                address=session.address,
                started_at=rfc3339(at),
                expires_at=rfc3339(session.expires_at),
            )
        )


def revoke_workspace_sessions(
    records: Records, event: Event, at: datetime, *, person: str, project: str | None = None
) -> int:
    """End a person's live sessions (of one project where named); how many ended. Holds from the next request on.

    The event's first code, where it has one, is kept as the reason that the person is told.
    """
    sessions = t.workspace_sessions
    with records.change(event) as tx:
        ended = tx.execute(
            sa.update(sessions)
            .where(
                sessions.c.person == person,
                sessions.c.revoked_at.is_(None),
                *([sessions.c.project == project] if project is not None else []),
            )
            .values(revoked_at=rfc3339(at), ended_because=next(iter(event.codes), None))
        )
        return int(ended.rowcount)


def why_ended(records: Records, person: str, project: str) -> str | None:
    """The code with which the person's latest workspace for the project was ended; None where it runs, was stopped or
    never was."""
    sessions = t.workspace_sessions
    latest = (
        sa.select(sessions.c.ended_because)
        .where(sessions.c.person == person, sessions.c.project == project)
        .order_by(sessions.c.started_at.desc())
        .limit(1)
    )
    with records.read() as connection:
        found: str | None = connection.scalar(latest)
    return found


def live_session(records: Records, token_digest: str, address: str, at: datetime) -> WorkspaceSession:
    """The session of a token presented from an address. Raises Refused `session.unknown`, `session.ended`,
    `session.address`: a token copied to another machine is worth nothing."""
    with records.read() as connection:
        row = driver(connection).execute(_SESSION, {"token_digest": token_digest}).fetchone()
    if row is None:
        raise Refused("session.unknown")
    number, person, project, permit_id, revision, known, expires_at, revoked_at, active = row
    ends = parse_rfc3339(expires_at)
    if revoked_at is not None or not active or ends <= at:
        raise Refused("session.ended")
    if known != address:
        raise Refused("session.address")
    return WorkspaceSession(
        SessionId(number),
        PersonId(person),
        ProjectId(project),
        PermitId(permit_id),
        revision,
        known,
        ends,
    )
