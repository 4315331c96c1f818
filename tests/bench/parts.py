"""What the gateway does for one question, part by part, with the same code against the same services.

The parts are timed between the whole questions, not afterwards: a machine that is busy for a while is busy for all of them.
Beside the clock stands the processor time of each service, which a busy machine changes less.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from enclave.adapters import edge
from enclave.adapters import query_records as q
from enclave.adapters.engine import EnginePool
from enclave.adapters.permit_records import WorkspaceSession, live_session, permit_by_id
from enclave.adapters.policy_server import PolicyServer
from enclave.app import ledger_of, trusted_of
from enclave.config import Site
from enclave.core.event import Actor, Thing
from enclave.core.ids import QueryId
from enclave.query import schema
from enclave.query.flow import prepare
from enclave.query.stages import Form, Guarded, Session, Used
from tests.bench.place import Place
from tests.bench.promises import Line, Unit, Words, p50

ENTER, PREPARE, DECIDE, APPEND, RECORD, EXECUTE = "enter", "prepare", "decide", "append", "record", "execute"
_DIGEST = "sha256:" + "0" * 64
_NOBODY: Any = "s-bench"

SERVICES: dict[str, Words] = {
    "gateway": ("プロセッサ時間: ゲートウェイ", "processor time: gateway"),
    "ledger": ("プロセッサ時間: 台帳", "processor time: ledger"),
    "policy": ("プロセッサ時間: ポリシー", "processor time: policy server"),
}


def timed(act: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - began)


def median_of(act: Callable[[], object], runs: int) -> float:
    """Median milliseconds, after one run that does not count."""
    act()
    return p50([timed(act) for _ in range(runs)])


class Keeping:
    """A policy server that is asked once; its answer serves from then on, so that the rest can be timed alone."""

    def __init__(self, server: PolicyServer) -> None:
        self._server = server
        self.asked: tuple[str, Mapping[str, Any]] | None = None
        self.answer: Mapping[str, Any] | None = None

    def decide(self, path: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.answer is None:
            self.asked, self.answer = (path, dict(question)), self._server.decide(path, question)
        return self.answer


def guarded_by(place: Place, sql: str, form: Form, policy: Any) -> Guarded:
    """What would run for a question of the project, as the gateway prepares it."""
    permit = place.signed.permit
    session = Session(_NOBODY, permit.handlers[0], permit.project, permit.reference, edge.now(), Used())
    return prepare(sql, (), form, permit, schema.read(place.manifest), session, policy)


class Parts:
    """The parts of one question. `run` times each once; `lines` says what they took beside the whole."""

    def __init__(
        self, place: Place, session: WorkspaceSession, token: str, sql: str, pool: EnginePool
    ) -> None:
        self._place, self._session, self._sql = place, session, sql
        self._digest = edge.token_digest(token)
        self._trusted = trusted_of(place.site)
        self._server = PolicyServer(place.site.policy_socket)
        self._keeping = Keeping(self._server)
        self._ledger = ledger_of(place.site, "operator")
        self._engine = pool.open(place.file, place.key, place.reference)
        self._guarded = guarded_by(place, sql, Form.ROWS, self._keeping)
        self._steps: dict[str, Callable[[], object]] = {
            ENTER: self._enter,
            PREPARE: lambda: guarded_by(place, sql, Form.ROWS, self._keeping),
            DECIDE: self._decide,
            APPEND: self._append,
            RECORD: self._record,
            EXECUTE: self._execute,
        }
        for step in self._steps.values():
            step()
        self._took: dict[str, list[float]] = {name: [] for name in self._steps}

    def run(self) -> None:
        for name, step in self._steps.items():
            self._took[name].append(timed(step))

    def lines(self, whole: float, bare: float) -> tuple[Line, ...]:
        took = {name: p50(values) for name, values in self._took.items()}
        appends = 2 * took[APPEND]
        commits = took[RECORD] - appends
        rest = whole - sum(took[name] for name in (ENTER, PREPARE, DECIDE, RECORD, EXECUTE))
        named: tuple[tuple[Words, float, float | None], ...] = (
            (("セッション・承諾・使用量の確認", "session, permit, budget read"), took[ENTER], None),
            (("解析・書換え", "prepare: parse, resolve, rewrite"), took[PREPARE], None),
            (("ポリシー判断", "policy decision"), took[DECIDE], None),
            (("台帳への追記 ×2", "ledger appends ×2"), appends, None),
            (("業務記録の確定 ×2（台帳を除く）", "records committed ×2 (without the ledger)"), commits, None),
            (("エンジン（隔離プロセス）", "engine (walled process)"), took[EXECUTE], bare),
            (("残り: TLS・HTTP・スレッド・受領証", "the rest: TLS, HTTP, threads, receipt"), rest, None),
        )
        return tuple(Line(words, value, Unit.MILLISECONDS, alone) for words, value, alone in named)

    def _enter(self) -> None:
        records, session = self._place.records, self._session
        with records.read():
            live_session(records, self._digest, session.address, edge.now())
            permit_by_id(records, session.permit_id, self._trusted())
            q.used_today(records, session.project, edge.now())

    def _decide(self) -> None:
        if self._keeping.asked is not None:
            self._server.decide(*self._keeping.asked)

    def _append(self) -> None:
        actor = Actor(self._session.person, "handler", self._session.id)
        thing = Thing("query", edge.new_id())
        self._ledger.append([edge.event(actor, "query.authorised", thing, project=self._session.project)])

    def _record(self) -> None:
        records, permit = self._place.records, self._place.signed.permit
        asked = q.Asked(QueryId(edge.new_id()), self._session, permit, "rows", _DIGEST, edge.now())
        opened = q.event_of(asked, "query.authorised")
        q.enter(records, opened, asked)
        answered = q.event_of(asked, "query.answered", counts={"rows": 1})
        q.close(records, answered, asked.id, q.DONE, edge.now(), opened=opened.id, receipt={"id": asked.id})

    def _execute(self) -> None:
        run = self._engine.run(self._guarded)
        pa.Table.from_batches(list(run.batches()), schema=run.schema)


class Processors:
    """Processor time that the services of a site spend while `counting`, in milliseconds."""

    def __init__(self, site: Site) -> None:
        self._processes = {name: _process(site, name) for name in SERVICES}
        self._spent = dict.fromkeys(SERVICES, 0.0)

    @contextmanager
    def counting(self) -> Iterator[None]:
        before = self._now()
        yield
        for name, spent in self._now().items():
            self._spent[name] += spent - before[name]

    def lines(self, runs: int) -> tuple[Line, ...]:
        """Per question."""
        return tuple(
            Line(words, self._spent[name] / runs, Unit.MILLISECONDS) for name, words in SERVICES.items()
        )

    def _now(self) -> dict[str, float]:
        return {name: _spent(process) for name, process in self._processes.items()}


def _process(site: Site, service: str) -> Path:
    """The service's folder in /proc. Raises LookupError."""
    mark = f"unix://{site.policy_socket}" if service == "policy" else f"serve {service} --site {site.name}"
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if mark in words:
            return folder
    raise LookupError(f"no process of the service {service}")


def _spent(process: Path) -> float:
    """Milliseconds on a processor, of all threads (nanoseconds in /proc/…/schedstat)."""
    spent = 0
    for task in (process / "task").iterdir():
        try:
            spent += int((task / "schedstat").read_text().split()[0])
        except OSError:
            continue  # the thread has ended
    return spent / 1e6
