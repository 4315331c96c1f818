"""Amendments of permits and the opinions on them, as the records hold them (the port `application.amending.Amendments`).

Every write is a compare-and-set on the amendment's version, in one transaction with its events. That a permit has one open
amendment, and that a revision is brought by one, are unique keys: of two at one moment the first has it.
"""

from typing import Any

import sqlalchemy as sa

from enclave.adapters import records_schema as t
from enclave.adapters.application_records import enter_grant, payload_of
from enclave.adapters.records import Records
from enclave.application.amending import Stored
from enclave.application.amendment import OPEN, Sheet, State, change_from_json
from enclave.application.flow import Grant
from enclave.application.review import Opinion
from enclave.core.clock import parse_rfc3339, rfc3339
from enclave.core.event import Event
from enclave.core.ids import AmendmentId, PermitId, PersonId, ProjectId
from enclave.core.permit import Limits, parse
from enclave.core.refusal import Refused

_a = t.amendments.c


class AmendmentRecords:
    """The records' hold on amendments. Raises Refused `ledger.unavailable` wherever the log is behind."""

    def __init__(self, records: Records) -> None:
        self._records = records

    # -- reading ------------------------------------------------------------------------------
    def stored(self, amendment: AmendmentId) -> Stored:
        with self._records.read() as connection:
            found = _all(connection, _a.id == amendment)
        if not found:
            raise Refused("amendment.unknown")
        return found[0]

    def exists(self, amendment: AmendmentId) -> bool:
        with self._records.read() as connection:
            return connection.scalar(sa.select(_a.id).where(_a.id == amendment)) is not None

    def of_project(self, project: str) -> tuple[Stored, ...]:
        """A project's amendments, newest first."""
        with self._records.read() as connection:
            return _all(connection, _a.project == project)

    def in_states(self, *states: State) -> tuple[Stored, ...]:
        """Amendments in any of the states, newest first."""
        with self._records.read() as connection:
            return _all(connection, _a.state.in_([s.value for s in states]))

    def open_of(self, permit: PermitId) -> tuple[AmendmentId, ...]:
        with self._records.read() as connection:
            return tuple(
                AmendmentId(one)
                for one in connection.scalars(sa.select(_a.id).where(_a.waiting_for == permit))
            )

    def founder(self, permit: PermitId) -> PersonId | None:
        applied = (
            sa.select(t.applications.c.applicant)
            .join(t.permits, t.permits.c.application == t.applications.c.id)
            .where(t.permits.c.permit_id == permit)
            .order_by(t.permits.c.revision)
            .limit(1)
        )
        with self._records.read() as connection:
            found = connection.scalar(applied)
        return None if found is None else PersonId(found)

    def limits_before(self, stored: Stored) -> Limits:
        """The limits of the revision that an amendment was written for, as they stand in it."""
        wanted = sa.select(t.permits.c.envelope).where(
            t.permits.c.permit_id == stored.permit_id, t.permits.c.revision == stored.revises
        )
        with self._records.read() as connection:
            envelope = connection.scalar(wanted)
        if envelope is None:
            raise Refused("permit.unknown")
        return parse(payload_of(envelope)).limits

    # -- writing ------------------------------------------------------------------------------
    def enter(self, new: Stored, *events: Event) -> None:
        try:
            with self._records.change(*events) as tx:
                tx.execute(
                    sa.insert(t.amendments).values(
                        id=new.id,
                        permit_id=new.permit_id,
                        revises=new.revises,
                        project=new.project,
                        applicant=new.applicant,
                        kind=new.change.kind.value,
                        body=new.change.to_json(),
                        reason=new.reason,
                        submitted_at=rfc3339(new.submitted_at),
                        **_columns(new),
                    )
                )
        except sa.exc.IntegrityError as error:
            raise Refused("amendment.open", {"permit": new.reference}) from error

    def change(
        self,
        before: Stored,
        after: Stored,
        *events: Event,
        sheet: Sheet | None = None,
        grant: Grant | None = None,
    ) -> None:
        try:
            with self._records.change(*events) as tx:
                written = tx.execute(
                    sa.update(t.amendments)
                    .where(_a.id == before.id, _a.version == before.version)
                    .values(**_columns(after))
                )
                if written.rowcount != 1:
                    raise Refused("amendment.changed")
                if sheet is not None:
                    tx.execute(
                        sa.insert(t.amendment_opinions).values(
                            amendment=after.id,
                            reviewer=sheet.reviewer,
                            opinion=sheet.opinion.value,
                            comment=sheet.comment,
                            given_at=rfc3339(sheet.given_at),
                        )
                    )
                if grant is not None:
                    # The next revision comes from the same application as the one before it.
                    application = tx.scalar(
                        sa.select(t.permits.c.application).where(
                            t.permits.c.permit_id == before.permit_id,
                            t.permits.c.revision == before.revises,
                        )
                    )
                    enter_grant(tx, grant, application)
        except sa.exc.IntegrityError as error:
            raise Refused("amendment.changed") from error


def _columns(stored: Stored) -> dict[str, Any]:
    return {
        "state": stored.state.value,
        "version": stored.version,
        "waiting_for": stored.permit_id if stored.state in OPEN else None,
        "decided_at": rfc3339(stored.decided_at) if stored.decided_at else None,
        "brought": stored.brought,
    }


def _all(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> tuple[Stored, ...]:
    rows = connection.execute(
        sa.select(t.amendments).where(condition).order_by(_a.submitted_at.desc(), _a.id.desc())
    ).all()
    sheets: dict[str, list[Sheet]] = {}
    o = t.amendment_opinions
    given = sa.select(o).where(o.c.amendment.in_([row.id for row in rows])).order_by(o.c.given_at)
    for row in connection.execute(given):
        sheets.setdefault(row.amendment, []).append(
            Sheet(PersonId(row.reviewer), Opinion(row.opinion), parse_rfc3339(row.given_at), row.comment)
        )
    return tuple(
        Stored(
            id=AmendmentId(row.id),
            applicant=PersonId(row.applicant),
            project=ProjectId(row.project),
            permit_id=PermitId(row.permit_id),
            revises=row.revises,
            change=change_from_json(row.body),
            reason=row.reason,
            state=State(row.state),
            version=row.version,
            submitted_at=parse_rfc3339(row.submitted_at),
            decided_at=parse_rfc3339(row.decided_at) if row.decided_at else None,
            brought=row.brought,
            sheets=tuple(sheets.get(row.id, ())),
        )
        for row in rows
    )
