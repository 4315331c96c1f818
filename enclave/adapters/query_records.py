"""Questions and what became of them, as the records hold them: budgets are counted here, receipts are kept here.

A question's text and parameters are one erasable blob; rows and receipts hold its salted digest. The places in the log
of the two leaves that bracket an answer are looked up when a receipt is read, since they exist only after its commit.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from enclave.adapters import edge
from enclave.adapters import records_schema as t
from enclave.adapters.permit_records import WorkspaceSession
from enclave.adapters.records import Records, driver, in_words
from enclave.core.clock import rfc3339
from enclave.core.event import Actor, Event, Outcome, Thing
from enclave.core.ids import QueryId
from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.query.stages import Used

RUNNING, DONE, REFUSED, ABORTED, CANCELLED = "running", "done", "refused", "aborted", "cancelled"


# Statements that every question needs, in the driver's words, made once.
_q = t.queries.c
_USED = in_words(
    sa.select(
        sa.func.count(),
        sa.func.coalesce(sa.func.sum(_q.rows), sa.literal_column("0")),
        sa.func.coalesce(sa.func.sum(_q.bytes), sa.literal_column("0")),
    ).where(_q.project == sa.bindparam("project"), _q.day == sa.bindparam("day"))
)
_ENTER = in_words(sa.insert(t.queries), t.queries.columns.keys())
_CLOSE = in_words(
    sa.update(t.queries)
    .where(_q.id == sa.bindparam("query"), _q.state == sa.bindparam("from_state"))
    .values(
        state=sa.bindparam("to_state"),
        rows=sa.bindparam("to_rows"),
        bytes=sa.bindparam("to_bytes"),
        receipt=sa.bindparam("to_receipt"),
        ended_at=sa.bindparam("at"),
    )
)


@dataclass(frozen=True)
class Asked:
    """A question as it came, before anything was judged. `statement` is the digest of its erasable text."""

    id: QueryId
    session: WorkspaceSession
    permit: Permit
    form: str
    statement: str
    at: datetime


@dataclass(frozen=True)
class Kept:
    """One question as the records hold it. `code` and `facts` where the answer was a no."""

    id: QueryId
    person: str
    project: str
    permit: str
    form: str
    state: str
    statement: str | None
    receipt: Mapping[str, Any] | None
    code: str | None
    facts: Mapping[str, Any]


def keep_statement(records: Records, sql: str, params: object, tier: str | None) -> str:
    """The digest of a question's erasable text."""
    return records.keep_text(json.dumps({"sql": sql, "params": params, "tier": tier}, ensure_ascii=False))


def statement(records: Records, kept: Kept) -> Mapping[str, Any]:
    """`{sql, params, tier}` of a kept question. Raises Refused `query.unknown` where the text was erased."""
    text = records.text(kept.statement) if kept.statement else None
    if text is None:
        raise Refused("query.unknown")
    found: Mapping[str, Any] = json.loads(text)
    return found


def used_today(records: Records, project: str, at: datetime) -> Used:
    """What the project used on the day (UTC) of `at`; refused questions count as questions."""
    with records.read() as connection:
        queries, rows, sent = (
            driver(connection).execute(_USED, {"project": project, "day": _day(at)}).fetchone()
        )
    return Used(int(queries), int(rows), int(sent))


def busiest(records: Records, project: str, since: datetime) -> Used:
    """The most that the project used on one day (UTC) from that of `since` on, each measure by itself."""
    by_day = (
        sa.select(
            sa.func.count().label("queries"),
            sa.func.coalesce(sa.func.sum(_q.rows), 0).label("rows"),
            sa.func.coalesce(sa.func.sum(_q.bytes), 0).label("bytes"),
        )
        .where(_q.project == project, _q.day >= _day(since))
        .group_by(_q.day)
        .subquery()
    )
    most = [sa.func.coalesce(sa.func.max(column), 0) for column in by_day.c]
    with records.read() as connection:
        queries, rows, sent = connection.execute(sa.select(*most)).one()
    return Used(int(queries), int(rows), int(sent))


def enter(records: Records, event: Event, asked: Asked) -> None:
    """An authorised question, about to run. `event` is `query.authorised`."""
    with records.change(event) as tx:
        kept = json.dumps({"events": [event.id]})
        driver(tx).execute(_ENTER, {**_row(asked), "state": RUNNING, "receipt": kept, "ended_at": None})


def enter_refused(records: Records, event: Event, asked: Asked, refused: Refused) -> None:
    """A question that was refused before it ran. `event` is `query.refused`."""
    with records.change(event) as tx:
        kept = {"events": [event.id], **_no(refused)}
        ended = {"state": REFUSED, "receipt": json.dumps(kept), "ended_at": rfc3339(asked.at)}
        driver(tx).execute(_ENTER, {**_row(asked), **ended})


def close(
    records: Records,
    event: Event,
    query: str,
    state: str,
    at: datetime,
    *,
    opened: str,
    rows: int = 0,
    sent: int = 0,
    receipt: Mapping[str, Any] | None = None,
    refused: Refused | None = None,
) -> None:
    """The end of a question that ran. `event` is `query.answered`, `.refused` or `.aborted`; `opened` the id of
    its `query.authorised`.

    Raises Refused `query.unknown` where it had ended already: a question ends once.
    """
    with records.change(event) as tx:
        kept = {
            "events": [opened, event.id],
            **(receipt or {}),
            **(_no(refused) if refused is not None else {}),
        }
        ended = {"to_state": state, "to_rows": rows, "to_bytes": sent, "to_receipt": json.dumps(kept)}
        place = {"query": query, "from_state": RUNNING, "at": rfc3339(at)}
        closed = driver(tx).execute(_CLOSE, {**place, **ended})
        if closed.rowcount != 1:
            raise Refused("query.unknown")


def find(records: Records, query: str) -> Kept:
    """A question by its id. Raises Refused `query.unknown`."""
    with records.read() as connection:
        row = connection.execute(sa.select(t.queries).where(t.queries.c.id == query)).one_or_none()
        if row is None:
            raise Refused("query.unknown")
        kept = dict(row.receipt or {})
        places = dict(
            connection.execute(
                sa.select(t.outbox.c.leaf_id, t.outbox.c.index).where(
                    t.outbox.c.leaf_id.in_(kept.get("events", []))
                )
            ).all()
        )
    log = [places.get(leaf) for leaf in kept.pop("events", [])]
    no = kept.pop("refused", {})
    receipt = {**kept, "log": log} if row.state == DONE else None
    return Kept(
        QueryId(row.id),
        row.person,
        row.project,
        f"{row.permit_id}@{row.revision}",
        row.form,
        row.state,
        row.statement,
        receipt,
        no.get("code"),
        no.get("facts", {}),
    )


def abandon(records: Records, at: datetime, gone: Callable[[str], bool] = lambda session: True) -> int:
    """Close what an earlier process left running; how many. Called once when the gateway starts.

    Where several processes ask over the same records, `gone` says of a session whether its process has ended.
    """
    with records.read() as connection:
        running = connection.execute(sa.select(t.queries).where(t.queries.c.state == RUNNING)).all()
    left = [row for row in running if gone(row.session)]
    for row in left:
        refused = Refused("query.abandoned")
        event = edge.event(
            Actor("enclave", "service"),
            "query.aborted",
            Thing("query", row.id, row.statement),
            project=row.project,
            permit=f"{row.permit_id}@{row.revision}",
            outcome=Outcome.ABORTED,
            codes=refused.codes,
        )
        opened = (row.receipt or {}).get("events", [""])[0]
        close(records, event, row.id, ABORTED, at, opened=opened, refused=refused)
    return len(left)


def event_of(
    asked: Asked,
    action: str,
    outcome: Outcome = Outcome.OK,
    codes: tuple[str, ...] = (),
    counts: dict[str, int] | None = None,
) -> Event:
    """A leaf about a question, by the handler who asked it."""
    return edge.event(
        Actor(asked.session.person, "handler", asked.session.id),
        action,
        Thing("query", asked.id, asked.statement),
        project=asked.session.project,
        permit=asked.permit.reference,
        outcome=outcome,
        codes=codes,
        counts=counts,
    )


def _row(asked: Asked) -> dict[str, Any]:
    return {
        "id": asked.id,
        "session": asked.session.id,
        "person": asked.session.person,
        "project": asked.session.project,
        "permit_id": asked.permit.permit_id,
        "revision": asked.permit.revision,
        "form": asked.form,
        "statement": asked.statement,
        "rows": 0,
        "bytes": 0,
        "day": _day(asked.at),
        "asked_at": rfc3339(asked.at),
    }


def _no(refused: Refused) -> dict[str, Any]:
    return {"refused": {"code": refused.code, "facts": dict(refused.facts)}}


def renewed(now: datetime) -> datetime:
    """When the day ends by which budgets are counted: the next midnight UTC."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def _day(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()
