"""Query → answer, from the session to the receipt (DESIGN, story 3). Reads top to bottom like the policy it implements.

 1. session: a live one, from its own address (`door` has done it). 2. permit: signed, in force now, and the person a
 handler. 3. parse, facts, authorise, rewrite (`query.flow.prepare`). 4. record: `query.authorised` is in the log
 before anything runs; meanwhile the engine may say what a statement would read. 5. execute. 6. protect (table form). 7. record: `query.answered` is in the log before the last
 batch leaves; so is `.refused` or `.aborted` where it ended otherwise. 8. receipt. Between 4 and 5 it waits its turn.

Runs in threads; knows nothing of HTTP. Relies on the records for "no record, no effect".
"""

import hashlib
import json
import time
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from enclave.adapters import query_records as q
from enclave.adapters.permit_records import SignedPermit, WorkspaceSession, live_session, permit_by_id
from enclave.core.clock import rfc3339
from enclave.core.event import Outcome
from enclave.core.ids import QueryId
from enclave.core.refusal import Refused
from enclave.disclosure.answers.table import Inhabitants
from enclave.gateway import cells
from enclave.gateway.deps import Deps, OpenExtract, Run
from enclave.gateway.inhabitants import inhabitants_of
from enclave.gateway.large import in_slices
from enclave.gateway.question import Question
from enclave.gateway.running import Board, Running
from enclave.gateway.settling import settled
from enclave.query.flow import Unsettled, prepare
from enclave.query.stages import Form, Guarded, Session, Used

ROWS_A_BATCH = 65_536

END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"
"""How an Arrow stream says that it is whole."""

STEP = 1.0
"""Seconds between the moments at which answers of the aggregate tier leave."""


@dataclass(frozen=True)
class Entered:
    """Who asks, seen to be allowed in: a live session and its permit, in force, with the person as a handler.

    `carried`: the session was opened under an earlier revision, and the present one changed nothing but limits.
    """

    session: WorkspaceSession
    signed: SignedPermit
    carried: bool = False


def enter(deps: Deps, token_digest: str, address: str) -> Entered:
    """Steps 1 and 2. Raises Refused `session.*`, `permit.*`."""
    now = deps.now()
    session = live_session(deps.records, token_digest, address, now)
    entered = admit(session, permit_by_id(deps.records, session.permit_id, deps.trusted()), now)
    if session.revision == entered.signed.permit.revision:
        return entered
    earlier = permit_by_id(deps.records, session.permit_id, deps.trusted(), session.revision)
    return replace(entered, carried=entered.signed.permit.carries(earlier.permit))


def admit(session: WorkspaceSession, signed: SignedPermit, now: datetime) -> Entered:
    """Step 2, of a permit at hand. Raises Refused `permit.*`."""
    signed.permit.check_in_force(now)
    signed.permit.check_handler(session.person)
    return Entered(session, signed)


class Asking:
    """One question on its way. `begin`, `running.turn.called`, then `chunks` to the end; `running.stop` from any thread.

    The turn is waited for outside, so that nobody who waits holds a thread.
    """

    def __init__(
        self,
        deps: Deps,
        board: Board,
        entered: Entered,
        used: Used,
        question: Question,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._deps = deps
        self._board = board
        self._question = question
        self._session = entered.session
        self._signed = entered.signed
        self._carried = entered.carried
        self._used = used
        self._started = time.perf_counter()
        self.finished = False
        self._pool = pool
        self._rows = 0
        self._sent = 0
        self.id = QueryId(deps.new_id())
        self.running = Running(self.id, self._session.id, self._session.person, self._session.project)
        self._asked: q.Asked
        self._prepared: Guarded | Unsettled
        self._guarded: Guarded
        self._opened: str
        self._recorded: Future[None]
        self._ran: tuple[str, ...] = ()
        self._extract: OpenExtract

    @property
    def names(self) -> tuple[str, ...]:
        """The asker's own columns, once it has answered; in table form the answer has columns of statuses besides."""
        return self._guarded.names

    def begin(self) -> None:
        """Steps 3 and 4: what was refused is in the log, and what is allowed is on its way there (`recorded`). Raises
        Refused."""
        deps, question = self._deps, self._question
        self._board.enter(self.running)
        deps.metrics.running.set(len(self._board))
        try:
            now = deps.now()
            # Written while the question is judged: the blob's way to the disk takes as long as that.
            keeping = self._pool.submit(
                q.keep_statement, deps.records, question.sql, question.raw_params, question.tier
            )
            try:
                self._prepared = self._judge(now)
            except Refused as refused:
                self._asked = self._kept(keeping.result(), now)
                event = q.event_of(self._asked, "query.refused", Outcome.REFUSED, refused.codes)
                q.enter_refused(deps.records, event, self._asked, refused)
                self._count("refused", refused)
                raise
            self._asked = self._kept(keeping.result(), now)
            authorised = q.event_of(self._asked, "query.authorised")
            self._opened = authorised.id
            self._recorded = self._pool.submit(q.enter, deps.records, authorised, self._asked)
            self._recorded.add_done_callback(self._not_recorded)
            self.running.wait()
        except BaseException:
            self._leave()
            raise

    @property
    def recorded(self) -> bool:
        """Whether `query.authorised` is in the log: before that nothing of an answer leaves, its headers neither."""
        return self._recorded.done() and self._recorded.exception() is None

    def _not_recorded(self, entering: "Future[None]") -> None:
        why = entering.exception()
        if why is not None:
            self.running.stop(why if isinstance(why, Refused) else Refused("ledger.unavailable"))

    def _judge(self, now: datetime) -> Guarded | Unsettled:
        """Step 3. Raises Refused."""
        deps, question, session, permit = self._deps, self._question, self._session, self._signed.permit
        self._extract = deps.extracts.open(self._signed, session)
        asking = Session(
            session.id,
            session.person,
            session.project,
            f"{session.permit_id}@{session.revision}",
            now,
            self._used,
            self._carried,
        )
        schema = self._extract.schema
        return prepare(
            question.sql, question.params, question.form, permit, schema, asking, deps.policy, question.tier
        )

    def _kept(self, statement: str, now: datetime) -> q.Asked:
        form = self._question.form.value
        return q.Asked(self.id, self._session, self._signed.permit, form, statement, now)

    def chunks(self) -> Iterator[bytes]:
        """Steps 5 to 8: the Arrow stream, piece by piece; before the last one everything has ended (`finished`).

        A small answer is one piece, which exists only once `query.answered` is in the log. Raises Refused; whatever
        ends it is recorded first, and where that fails the stream ends without its last batch all the same.
        """
        try:
            last = yield from self._stream()
        except Refused as refused:
            told = self.running.stopped or refused
            self.running.rest(silent=self._aggregate)
            self._keep_time()
            self._ended(told)
            raise told from refused
        except BaseException:
            # A defect, or the asker went away while the answer was on its way.
            self._ended(self.running.stopped or Refused("query.disconnected"))
            raise
        finally:
            self._leave()
        self.finished = True
        yield last

    def _stream(self) -> Generator[bytes, None, bytes]:
        # Its turn has come, or it was stopped while it waited.
        self.running.check()
        engine = self._extract.engine
        since = time.monotonic()
        if self._aggregate or self._question.form is not Form.ROWS:
            # Several statements, or one that depends on what another found: none of them is looked at before.
            self._recorded.result()
        self._guarded = settled(
            engine, self._prepared, lambda run: self.running.start(run, silent=True), since
        )
        if self._guarded.counting is not None:
            shown = cells.shown_by_bounds(engine, self._guarded, self.running.start, since)  # 5, 6
            if shown is not None:
                self._ran = shown.statements
                return (yield from self._sent_as(shown.table.schema, _messages(shown.table), shown.tally))
        inhabitants = inhabitants_of(
            engine, self._guarded, lambda run: self.running.start(run, silent=True), since
        )
        self._guarded = in_slices(
            engine, self._guarded, lambda run, silent: self.running.start(run, silent=True), since
        )
        run = engine.run(self._guarded, since, self._recorded.result)  # 5
        try:
            self.running.start(run, silent=self._aggregate)
            return (yield from self._pieces(run, inhabitants))
        finally:
            run.close()

    @property
    def _aggregate(self) -> bool:
        return isinstance(self._prepared, Unsettled)

    def _keep_time(self) -> None:
        """In the aggregate tier everything that was computed from values leaves at a step of the clock: how long it took
        would be an answer too."""
        if not self._aggregate:
            return
        passed = time.perf_counter() - self._started
        time.sleep((passed // STEP + 1) * STEP - passed)

    def _pieces(self, run: Run, inhabitants: Inhabitants | None) -> Generator[bytes, None, bytes]:
        if self._guarded.form is Form.ROWS:
            return (yield from self._sent_as(run.schema, run.messages(), None))
        answered = pa.Table.from_batches(list(run.batches()), schema=run.schema)
        self.running.check()
        protected = cells.protect(answered, self._guarded, inhabitants)  # 6
        shown = cells.arrow(protected, answered, self._guarded)
        return (yield from self._sent_as(shown.schema, _messages(shown), protected.tally()))

    def _sent_as(
        self, schema: pa.Schema, messages: Iterator[tuple[int, bytes]], tally: Mapping[str, int] | None
    ) -> Generator[bytes, None, bytes]:
        held = [schema.serialize().to_pybytes()]
        for rows, message in messages:
            self.running.check()
            # Only what came before the batch at hand leaves now, so the last one is still here when the
            # answer is recorded.
            if self._rows:
                yield self._take(held)
            self._rows += rows
            held.append(message)
            self._budget(held)
        self.running.rest(silent=self._aggregate)
        held.append(END_OF_STREAM)
        self._budget(held)
        piece = self._take(held)
        self._keep_time()
        self._answered(tally)  # 7, 8
        return piece

    def _take(self, held: list[bytes]) -> bytes:
        """What is held, as one piece: a batch that stands alone is not copied."""
        piece = held[0] if len(held) == 1 else b"".join(held)
        held.clear()
        self._sent += len(piece)
        return piece

    def _budget(self, held: list[bytes]) -> None:
        limit = self._guarded.obligations.max_bytes
        if limit is not None and self._sent + sum(map(len, held)) > limit:
            raise Refused("query.limit_bytes", {"limit": limit})

    def _answered(self, tally: Mapping[str, int] | None) -> None:
        self.running.check()
        event = q.event_of(
            self._asked, "query.answered", counts=at_most({"rows": self._rows, **(tally or {})})
        )
        q.close(
            self._deps.records,
            event,
            self.id,
            q.DONE,
            self._deps.now(),
            opened=self._opened,
            rows=self._rows,
            sent=self._sent,
            receipt=self._receipt(tally),
        )
        self._count("answered")

    def _receipt(self, tally: Mapping[str, int] | None) -> dict[str, Any]:
        asked = {"sql": self._question.sql, "params": self._question.raw_params}
        return {
            "id": self.id,
            "time": rfc3339(self._asked.at),
            "permit": self._asked.permit.reference,
            "sql_digest": _digest(json.dumps(asked, ensure_ascii=False, sort_keys=True)),
            "run_digest": _digest(";\n".join(self._ran or (self._guarded.sql,))),
            "extract": self._extract.reference,
            "policy": self._deps.policy_digest(),
            "rule_sets": sorted(self._guarded.obligations.rule_sets),
            "form": self._question.form.value,
            "rows": self._rows,
            "cells": None if tally is None else dict(tally),
        }

    def _ended(self, refused: Refused) -> None:
        """Record an end that is no answer. A silent ledger leaves the row `running`; it is closed at the next start."""
        deps = self._deps
        # Its beginning is there before its end.
        wait({self._recorded})
        aborted = refused.code in {"query.disconnected", "query.cancelled", "query.abandoned"} or (
            refused.code.startswith(("session.", "permit.", "ledger.", "policy."))
        )
        state = q.CANCELLED if refused.code == "query.cancelled" else q.ABORTED if aborted else q.REFUSED
        event = q.event_of(
            self._asked,
            "query.aborted" if aborted else "query.refused",
            Outcome.ABORTED if aborted else Outcome.REFUSED,
            refused.codes,
            at_most({"rows": self._rows}),
        )
        self._count(state, refused)
        try:
            q.close(
                deps.records,
                event,
                self.id,
                state,
                deps.now(),
                opened=self._opened,
                rows=self._rows,
                sent=self._sent,
                refused=refused,
            )
        except Refused:
            return

    def _leave(self) -> None:
        self._board.leave(self.id)
        self._deps.metrics.running.set(len(self._board))

    def _count(self, outcome: str, refused: Refused | None = None) -> None:
        metrics, form = self._deps.metrics, self._question.form.value
        metrics.answers.labels(form, outcome).inc()
        metrics.seconds.labels(form).observe(time.perf_counter() - self._started)
        if refused is not None:
            metrics.refusals.labels(refused.code).inc()


def _messages(table: pa.Table) -> Iterator[tuple[int, bytes]]:
    for batch in table.to_batches(max_chunksize=ROWS_A_BATCH):
        yield batch.num_rows, batch.serialize().to_pybytes()


COARSEST_SMALL = 16
"""Below this nothing is told apart in the log: the first power of two above the smallest count that rule sets show."""


def at_most(counts: Mapping[str, int]) -> dict[str, int]:
    """What the log says of an answer's size: each count raised to a power of two, none and few alike.

    How many rows or cells an answer has is computed from the data (`… WHERE …` of one person's traits has one row or
    none), and the log is read by people who may see no data. The exact numbers stand in the receipt, which stays with the
    records and the person who asked.
    """
    return {
        f"{name}_at_most": max(COARSEST_SMALL, 1 << max(count - 1, 0).bit_length())
        for name, count in counts.items()
    }


def _digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
