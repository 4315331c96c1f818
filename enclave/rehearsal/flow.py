"""The two commands, top to bottom (SHAPES, Permit). The same code as the gateway's: nothing is judged here.

`rewrite`: permit, statement → what would run, or the no. No data, no record.

 1. Read the permit; it is not signed, and is judged at the moment that `at` says.
 2. The schema: from the descriptors where a data folder is named, else what the permit itself says.
 3. `query.flow.prepare`, with a policy server of this command's own.

`query`: permit, data, statement → the answer and its receipt, or the no.

 1. The permit, as above; in force, or nothing is begun.
 2. A policy server of this command's own, the state folder's ledger and records; what a killed command left is closed.
 3. The extract of permit and data, built by custody unless it is there (`extract`).
 4. A session of the permit's first handler, and one question of it: `gateway.asking.Asking`.
"""

import json
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from enclave.adapters import edge
from enclave.adapters.policy_server import PolicyServer, bundle_digest, start_private
from enclave.core import permit as permits
from enclave.core.clock import parse_rfc3339
from enclave.core.ids import SessionId
from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.gateway.question import Question
from enclave.rehearsal import program

policies_of_program = program.policies_of_program

DEFAULTS: Mapping[str, Any] = {
    "revision": 1, "project": "rehearsal", "provision": "v-rehearsal", "handlers": ["researcher"], "purpose": "",
}  # fmt: skip
"""What a permit under rehearsal may leave out: nothing that says what may be seen."""

PATIENCE = 60.0
"""Seconds that the policy server may take to start, beside many other commands."""

IN_MEMORY = 64 << 20
"""Bytes of an answer that are held before it goes to a file without a name."""


def read_permit(path: Path) -> Permit:
    """Step 1. Raises Refused `rehearsal.permit_unreadable`, `permit.malformed`."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        raise Refused("rehearsal.permit_unreadable", {"file": str(path)}) from None
    if not isinstance(data, Mapping):
        raise Refused("permit.malformed", {"place": "schema"})
    return permits.parse({**DEFAULTS, **data})


def moment(text: str | None) -> datetime:
    """The time that a command is told; now where it is not. Without a zone it is UTC. Raises Refused `rehearsal.time`."""
    if text is None:
        return edge.now()
    try:
        said = datetime.fromisoformat(text)
        return parse_rfc3339((said if said.tzinfo else said.replace(tzinfo=UTC)).isoformat())
    except (ValueError, OverflowError):
        raise Refused("rehearsal.time") from None


# -- rewrite ------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Rewritten:
    """What would run, and its columns. In the aggregate tier `asked_first` are the statements about blocks that the
    extract answers before; where they say so, keys of `sql` are merged, which nobody knows without the data."""

    sql: str
    columns: tuple[str, ...]
    asked_first: tuple[str, ...] = ()


def rewrite(
    permit: Permit, question: Question, *, data: Path | None, at: datetime, policies: Path
) -> Rewritten:
    """What would run. Raises Refused: the query's, the policy's and custody's codes."""
    with tempfile.TemporaryDirectory(prefix="enclave-") as run, _policy(policies, Path(run)) as waiting:
        from enclave.query.flow import Unsettled, guard, prepare
        from enclave.query.stages import Session, Used
        from enclave.rehearsal import columns

        if data is None:
            schema = columns.from_permit(permit, at)
        else:
            from enclave.rehearsal.data import bring

            brought = bring(data, permit)
            schema = columns.from_descriptors(permit, {n: b.descriptor for n, b in brought.items()}, at)
        person = permit.handlers[0]
        session = Session(SessionId("s-rewrite"), person, permit.project, permit.reference, at, Used())
        prepared = prepare(
            question.sql, question.params, question.form, permit, schema, session, waiting(), question.tier
        )
    if isinstance(prepared, Unsettled):
        guarded = guard(prepared.authorised)
        return Rewritten(guarded.sql, guarded.names, tuple(one.sql for one in prepared.questions()))
    return Rewritten(prepared.sql, prepared.names)


@contextmanager
def _policy(policies: Path, run: Path) -> Iterator[Callable[[], PolicyServer]]:
    """A policy server of one's own that starts while the rest is read; the call waits for it.

    Raises Refused `rehearsal.opa_missing`, `policy.unavailable`.
    """
    # The thread lives as long as the server: the kernel ends the server with the thread that started it.
    with ThreadPoolExecutor(1) as starting, ExitStack() as stack:
        server = starting.submit(stack.enter_context, start_private(policies, run / "policy.sock", PATIENCE))

        def wait() -> PolicyServer:
            try:
                return server.result()
            except FileNotFoundError:
                raise Refused("rehearsal.opa_missing") from None

        try:
            yield wait
        finally:
            # Started to the end, so that what has begun is ended with the block.
            with suppress(Exception):
                server.result()


# -- query --------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Answer:
    """An answer that is recorded. `stream` is its Arrow stream from the start; `names` the asker's own columns."""

    stream: IO[bytes]
    names: tuple[str, ...]
    receipt: Mapping[str, Any]


@contextmanager
def query(
    permit: Permit,
    question: Question,
    *,
    data: Path,
    state: Path | None,
    at: datetime,
    policies: Path,
    notice: Callable[[str], None] = lambda what: None,
) -> Iterator[Answer]:
    """The answer, while the block lasts. Raises Refused as the gateway and custody do; Ctrl-C cancels the question."""
    permit.check_in_force(at)  # 1
    from enclave.rehearsal.state import State

    if not data.is_dir():
        raise Refused(
            "rehearsal.database_missing", {"database": next(iter(permit.databases)), "folder": str(data)}
        )
    home = State(state or data / ".enclave")
    with ExitStack() as stack:
        waiting = stack.enter_context(_policy(policies, stack.enter_context(home.sockets())))  # 2
        yield stack.enter_context(_answer(home, permit, question, data, at, policies, waiting, notice))


@contextmanager
def _answer(
    home: Any,
    permit: Permit,
    question: Question,
    data: Path,
    at: datetime,
    policies: Path,
    waiting: Callable[[], PolicyServer],
    notice: Callable[[str], None],
) -> Iterator[Answer]:
    from enclave.adapters import query_records
    from enclave.adapters.descriptor_files import read_catalogue
    from enclave.adapters.engine import EngineLimits, EnginePool
    from enclave.adapters.metrics import GatewayMetrics
    from enclave.gateway.asking import Asking, admit
    from enclave.gateway.deps import Deps
    from enclave.gateway.extracts import OpenExtracts
    from enclave.gateway.running import Board
    from enclave.rehearsal.extract import CustodyHere, OneExtract, Preparing

    pool = EnginePool(EngineLimits(standby=False))  # its first worker starts while the rest is read
    try:
        rules = bundle_digest(policies)
        home.close_abandoned(at)
        policy = waiting()
        ready = Preparing(home, data, policies, policy, lambda: at).ready(permit, notice)  # 3
        deps = Deps(
            records=home.records,
            trusted=lambda: home.trusted,
            policy=policy,
            policy_digest=lambda: rules,
            extracts=OneExtract(
                OpenExtracts(CustodyHere(ready.extracts), ready.holding.extracts, pool), ready.n
            ),
            catalogue=lambda: read_catalogue(ready.holding),
            metrics=GatewayMetrics(),
            metrics_token="",
            hosts=frozenset(),
            now=lambda: at,
            new_id=edge.new_id,
        )
        with (
            home.session(ready.signed.permit, at) as session,
            ThreadPoolExecutor(2) as threads,
            tempfile.SpooledTemporaryFile(IN_MEMORY, dir=home.folder) as stream,
        ):
            used = query_records.used_today(deps.records, session.project, at)
            asking = Asking(deps, Board(), admit(session, ready.signed, at), used, question, threads)  # 4
            asking.begin()
            with _stopped_by_signals(asking.running.stop):
                for piece in asking.chunks():
                    stream.write(piece)
            stream.seek(0)
            receipt = query_records.find(deps.records, asking.id).receipt
            yield Answer(stream, asking.names, dict(receipt or {}))
    finally:
        pool.close()


@contextmanager
def _stopped_by_signals(stop: Callable[[Refused], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM cancel the question as its asker would; its end is recorded before the command ends."""

    def cancel(_signal: int, _frame: object) -> None:
        # In a thread of its own: the one at hand may hold what `stop` needs.
        threading.Thread(target=stop, args=(Refused("query.cancelled"),), daemon=True).start()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, cancel) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
