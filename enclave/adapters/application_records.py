"""Applications, opinions and granted permits, as the records hold them (the port `application.flow.Applications`).

Every write is a compare-and-set on the application's version, in one transaction with its events.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from enclave.adapters import records_schema as t
from enclave.adapters.records import Records
from enclave.application.flow import Grant, Stored
from enclave.application.request import draft_from_json
from enclave.application.review import Opinion, OpinionSheet, State
from enclave.core.clock import parse_rfc3339, rfc3339
from enclave.core.event import Event
from enclave.core.ids import ApplicationId, PersonId
from enclave.core.refusal import Refused

HOLDING = (State.SUBMITTED, State.UNDER_REVIEW, State.APPROVED)
"""States in which an application holds its project's name; a draft or a refused one keeps it from nobody."""


@dataclass(frozen=True)
class RegisterEntry:
    """One approved project, as the public sees it."""

    project: str
    title: str
    purpose: str
    affiliation_ja: str
    affiliation_en: str
    databases: tuple[str, ...]
    permit_id: str
    submitted_at: datetime
    decided_at: datetime
    valid_from: datetime
    valid_to: datetime

    def affiliation(self, language: str) -> str:
        return self.affiliation_ja if language == "ja" else self.affiliation_en

    @property
    def days(self) -> int:
        """Whole days from submission to decision."""
        return (self.decided_at - self.submitted_at).days


class ApplicationRecords:
    """The records' hold on applications. Raises Refused `ledger.unavailable` wherever the log is behind."""

    def __init__(self, records: Records) -> None:
        self._records = records

    # -- reading ------------------------------------------------------------------------------
    def stored(self, application: ApplicationId) -> Stored:
        with self._records.read() as connection:
            found = _all(connection, t.applications.c.id == application)
        if not found:
            raise Refused("application.unknown")
        return found[0]

    def of_applicant(self, person: str) -> tuple[Stored, ...]:
        """A person's own applications, newest first."""
        with self._records.read() as connection:
            return _all(connection, t.applications.c.applicant == person)

    def in_states(self, *states: State) -> tuple[Stored, ...]:
        """Applications in any of the states, newest first."""
        with self._records.read() as connection:
            return _all(connection, t.applications.c.state.in_([s.value for s in states]))

    def of_project(self, project: str) -> Stored | None:
        """The application that holds a project's name."""
        with self._records.read() as connection:
            found = _all(connection, t.applications.c.project == project)
        return found[0] if found else None

    def permit_of(self, application: ApplicationId) -> str | None:
        """The number of the permit that an application brought."""
        with self._records.read() as connection:
            return connection.scalar(
                sa.select(t.permits.c.permit_id).where(t.permits.c.application == application).limit(1)
            )

    def permit_ids(self) -> tuple[str, ...]:
        """The number of every permit, newest first."""
        with self._records.read() as connection:
            return tuple(
                dict.fromkeys(
                    connection.scalars(
                        sa.select(t.permits.c.permit_id).order_by(t.permits.c.granted_at.desc())
                    )
                )
            )

    def exists(self, application: ApplicationId) -> bool:
        with self._records.read() as connection:
            return (
                connection.scalar(sa.select(t.applications.c.id).where(t.applications.c.id == application))
                is not None
            )

    def projects_held(self, but: ApplicationId | None) -> frozenset[str]:
        wanted = sa.select(t.applications.c.project).where(
            t.applications.c.state.in_([s.value for s in HOLDING])
        )
        if but is not None:
            wanted = wanted.where(t.applications.c.id != but)
        with self._records.read() as connection:
            return frozenset(connection.scalars(wanted)) | frozenset(
                connection.scalars(
                    sa.select(t.permits.c.project).where(t.permits.c.application.is_distinct_from(but))
                )
            )

    def names_taken(self) -> tuple[frozenset[str], frozenset[str]]:
        with self._records.read() as connection:
            rows = connection.execute(sa.select(t.permits.c.permit_id, t.permits.c.envelope)).all()
        return frozenset(r.permit_id for r in rows), frozenset(
            payload_of(r.envelope)["provision"] for r in rows
        )

    def register(self) -> tuple[RegisterEntry, ...]:
        """Approved projects, newest decision first."""
        query = (
            sa.select(t.applications, t.persons.c.affiliation_ja, t.persons.c.affiliation_en, t.permits)
            .join(t.permits, t.permits.c.application == t.applications.c.id)
            .join(t.persons, t.persons.c.id == t.applications.c.applicant)
            .where(t.permits.c.revision == 1, t.permits.c.revoked_at.is_(None))
            .order_by(t.applications.c.decided_at.desc())
        )
        with self._records.read() as connection:
            rows = connection.execute(query).mappings().all()
        return tuple(
            RegisterEntry(
                project=row["project"],
                title=draft_from_json(row["body"]).text("title"),
                purpose=draft_from_json(row["body"]).text("purpose"),
                affiliation_ja=row["affiliation_ja"],
                affiliation_en=row["affiliation_en"],
                databases=tuple(dict.fromkeys(c.split(".")[0] for c in row["body"].get("columns", ()))),
                permit_id=row["permit_id"],
                submitted_at=parse_rfc3339(row["submitted_at"]),
                decided_at=parse_rfc3339(row["decided_at"]),
                valid_from=parse_rfc3339(row["valid_from"]),
                valid_to=parse_rfc3339(row["valid_to"]),
            )
            for row in rows
        )

    # -- writing ------------------------------------------------------------------------------
    def enter(self, new: Stored, *events: Event) -> None:
        with self._records.change(*events) as tx:
            tx.execute(
                sa.insert(t.applications).values(
                    id=new.id, applicant=new.applicant, created_at=rfc3339(new.created_at), **_columns(new)
                )
            )

    def change(
        self,
        before: Stored,
        after: Stored,
        *events: Event,
        sheet: OpinionSheet | None = None,
        grant: Grant | None = None,
    ) -> None:
        try:
            with self._records.change(*events) as tx:
                written = tx.execute(
                    sa.update(t.applications)
                    .where(t.applications.c.id == before.id, t.applications.c.version == before.version)
                    .values(**_columns(after))
                )
                if written.rowcount != 1:
                    raise Refused("application.changed")
                if sheet is not None:
                    tx.execute(
                        sa.insert(t.opinions).values(
                            application=after.id,
                            database=sheet.database,
                            reviewer=sheet.reviewer,
                            opinion=sheet.opinion.value,
                            comment=sheet.comment,
                            given_at=rfc3339(sheet.given_at),
                        )
                    )
                if grant is not None:
                    enter_grant(tx, grant, after.id)
        except sa.exc.IntegrityError as error:
            # Two at one moment wanted the same permit number, project name or opinion: the first one has it.
            raise Refused("application.changed") from error


def enter_grant(tx: sa.Connection, grant: Grant, application: str | None) -> None:
    """Enter a permit, or a revision of one, in the transaction at hand; a number that is taken raises IntegrityError."""
    permit = grant.permit
    tx.execute(
        sa.insert(t.permits).values(
            permit_id=permit.permit_id,
            revision=permit.revision,
            project=permit.project,
            application=application,
            envelope=dict(grant.envelope),
            valid_from=rfc3339(permit.valid_from),
            valid_to=rfc3339(permit.valid_to),
            granted_at=rfc3339(grant.at),
        )
    )


def _columns(stored: Stored) -> dict[str, Any]:
    holds = stored.state in HOLDING
    return {
        # The column is unique; what holds no name gets one that nobody can type.
        "project": stored.draft.text("project") if holds else "~" + stored.id.replace("-", "")[-24:],
        "state": stored.state.value,
        "version": stored.version,
        "body": stored.draft.to_json(),
        "submitted_at": rfc3339(stored.submitted_at) if stored.submitted_at else None,
        "decided_at": rfc3339(stored.decided_at) if stored.decided_at else None,
    }


def _all(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> tuple[Stored, ...]:
    rows = connection.execute(
        sa.select(t.applications).where(condition).order_by(t.applications.c.created_at.desc())
    ).all()
    sheets: dict[str, list[OpinionSheet]] = {}
    given = (
        sa.select(t.opinions)
        .where(t.opinions.c.application.in_([row.id for row in rows]))
        .order_by(t.opinions.c.given_at)
    )
    for row in connection.execute(given):
        sheets.setdefault(row.application, []).append(
            OpinionSheet(
                row.database,
                PersonId(row.reviewer),
                Opinion(row.opinion),
                parse_rfc3339(row.given_at),
                row.comment,
            )
        )
    return tuple(
        Stored(
            id=ApplicationId(row.id),
            applicant=PersonId(row.applicant),
            state=State(row.state),
            version=row.version,
            draft=draft_from_json(row.body),
            created_at=parse_rfc3339(row.created_at),
            submitted_at=parse_rfc3339(row.submitted_at) if row.submitted_at else None,
            decided_at=parse_rfc3339(row.decided_at) if row.decided_at else None,
            sheets=tuple(sheets.get(row.id, ())),
        )
        for row in rows
    )


def payload_of(envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an envelope says, its signature not looked at: for names, not for rights."""
    payload: Mapping[str, Any] = json.loads(base64.b64decode(envelope["payload"]))
    return payload
