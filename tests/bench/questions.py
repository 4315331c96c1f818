"""A query through the gateway beside the same SQL in bare DuckDB over the same file, in alternating runs.

The gateway is asked over TLS on one kept connection, as another machine would, and both sides end with the whole answer
as an Arrow table; that they are the same answer is checked first, since a wrong one could be fast. The parts below each
figure are measured one by one against the same services.
"""

import contextlib
import http.client
import io
import json
import ssl
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from enclave.adapters import edge
from enclave.adapters import query_records as q
from enclave.adapters.engine import EngineLimits, EnginePool
from enclave.adapters.permit_records import WorkspaceSession, live_session, permit_by_id
from enclave.adapters.policy_server import PolicyServer
from enclave.app import ledger_of, trusted_of
from enclave.core.event import Actor, Thing
from enclave.core.ids import QueryId
from enclave.query import schema
from enclave.query.flow import prepare
from enclave.query.stages import Form, Guarded, Session, Used
from tests.bench.place import Place
from tests.bench.promises import Line, Row, Target, Unit, Words, p50, p50_extra, p95

RUNS = 200
PART_RUNS = 60
CLIENT_RUNS = 40
TARGET = Target(25.0, above=True)

SMALL = "SELECT age, male, status FROM nafld.patients WHERE age >= 95"
MIDDLING = """
SELECT p.male, p.age // 10 * 10 AS band, l.test, count(*) AS n, avg(l.value) AS mean, max(l.value) AS most
FROM nafld.labs AS l JOIN nafld.patients AS p ON p.pid = l.pid
GROUP BY p.male, p.age // 10 * 10, l.test
"""


class Keeping:
    """A policy server whose last question and answer stay here; `again` gives the answer without asking."""

    def __init__(self, server: PolicyServer) -> None:
        self._server = server
        self.asked: tuple[str, Mapping[str, Any]] | None = None
        self.answer: Mapping[str, Any] | None = None

    def decide(self, path: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.answer is None:
            self.asked, self.answer = (path, dict(question)), self._server.decide(path, question)
        return self.answer


@dataclass(frozen=True)
class Asker:
    """One session at the gateway, on one connection that is kept."""

    place: Place
    token: str
    session: WorkspaceSession
    connection: http.client.HTTPSConnection

    def ask(self, sql: str, form: str = "rows") -> pa.Table:
        """The whole answer. Raises RuntimeError with the refusal's code."""
        body = json.dumps({"sql": sql, "form": form}).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        self.connection.request("POST", "/v1/queries", body, headers)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {data[:300].decode('utf-8', 'replace')}")
        return pa.ipc.open_stream(data).read_all()


def asker(place: Place) -> Asker:
    token, session = place.session()
    tls = ssl.create_default_context(cafile=str(place.site.ca))
    connection = http.client.HTTPSConnection(
        place.site.service_ip, place.site.gateway_port, timeout=60, context=tls,
        source_address=(place.site.service_ip, 0),
    )  # fmt: skip
    return Asker(place, token, session, connection)


def timed(act: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - began)


def median_of(act: Callable[[], object], runs: int) -> float:
    """Median milliseconds, after one run that does not count."""
    act()
    return p50([timed(act) for _ in range(runs)])


def measure(place: Place) -> list[Row]:
    """The rows of both queries."""
    asking, bare = asker(place), place.bare()
    try:
        return [
            _row(place, asking, bare, "query_small", ("小さな問合せをゲートウェイ経由で", "A small query through the gateway"), SMALL),
            _row(place, asking, bare, "query_middling", ("中程度の集計（結合）をゲートウェイ経由で", "A middling aggregate (join) through the gateway"), MIDDLING),
        ]  # fmt: skip
    finally:
        asking.connection.close()
        bare.close()


def _row(
    place: Place, asking: Asker, bare: duckdb.DuckDBPyConnection, name: str, words: Words, sql: str
) -> Row:
    def alone() -> pa.Table:
        return bare.sql(sql).to_arrow_table()

    if _comparable(asking.ask(sql)) != _comparable(alone()):
        raise RuntimeError("the gateway and the bare engine answer differently")
    through, single = [], []
    for _ in range(RUNS):
        through.append(timed(lambda: asking.ask(sql)))
        single.append(timed(alone))
    parts = _parts(place, asking, sql, p50(through), p50(single))
    return Row(
        name, words, Unit.MILLISECONDS, p50(through), p50(single), ("DuckDB", "DuckDB"), TARGET,
        extra=p50_extra(through, single), runs=RUNS,
        lines=(
            *parts,
            Line(("95パーセンタイル", "95th percentile"), p95(through), Unit.MILLISECONDS, p95(single)),
            _through_client(place, asking, sql),
        ),
    )  # fmt: skip


def _comparable(answer: pa.Table) -> list[tuple[object, ...]]:
    rows = [[round(v, 6) if isinstance(v, float) else v for v in row.values()] for row in answer.to_pylist()]
    return sorted((tuple(row) for row in rows), key=repr)


def guarded_by(place: Place, sql: str, form: Form, policy: Any) -> Guarded:
    """What would run for a question of the project, as the gateway prepares it."""
    permit = place.signed.permit
    session = Session(_NOBODY, permit.handlers[0], permit.project, permit.reference, edge.now(), Used())
    return prepare(sql, (), form, permit, schema.read(place.manifest), session, policy)


def _parts(place: Place, asking: Asker, sql: str, whole: float, bare: float) -> tuple[Line, ...]:
    """What the gateway does for one question, part by part; what is left over is the way there and back."""
    records, trusted = place.records, trusted_of(place.site)
    keeping = Keeping(PolicyServer(place.site.policy_socket))
    guarded = guarded_by(place, sql, Form.ROWS, keeping)
    session, digest = asking.session, edge.token_digest(asking.token)

    def enter() -> None:
        live_session(records, digest, session.address, edge.now())
        permit_by_id(records, session.permit_id, trusted())
        q.used_today(records, session.project, edge.now())

    def decide() -> None:
        if keeping.asked is not None:
            PolicyServer.decide(server, *keeping.asked)

    server = PolicyServer(place.site.policy_socket)
    ledger = ledger_of(place.site, "operator")

    def append() -> None:
        actor = Actor(session.person, "handler", session.id)
        ledger.append(
            [edge.event(actor, "query.authorised", Thing("query", edge.new_id()), project=session.project)]
        )

    def record() -> None:
        asked = q.Asked(QueryId(edge.new_id()), session, place.signed.permit, "rows", _DIGEST, edge.now())
        q.enter(records, q.event_of(asked, "query.authorised"), asked)
        answered = q.event_of(asked, "query.answered", counts={"rows": 1})
        q.close(records, answered, asked.id, q.DONE, edge.now(), receipt={"id": asked.id})

    pool = EnginePool(EngineLimits())
    try:
        engine = pool.open(place.file, place.key, place.reference)

        def execute() -> None:
            run = engine.run(guarded)
            pa.Table.from_batches(list(run.batches()), schema=run.schema)

        took_enter = median_of(enter, PART_RUNS)
        took_prepare = median_of(lambda: guarded_by(place, sql, Form.ROWS, keeping), PART_RUNS)
        took_decide = median_of(decide, PART_RUNS)
        took_append = 2 * median_of(append, PART_RUNS)
        took_record = median_of(record, PART_RUNS) - took_append
        took_engine = median_of(execute, PART_RUNS)
    finally:
        pool.close()
    rest = whole - (took_enter + took_prepare + took_decide + took_append + took_record + took_engine)
    named: tuple[tuple[Words, float, float | None], ...] = (
        (("セッション・承諾・使用量の確認", "session, permit, budget read"), took_enter, None),
        (("解析・書換え", "prepare: parse, resolve, rewrite"), took_prepare, None),
        (("ポリシー判断", "policy decision"), took_decide, None),
        (("台帳への追記 ×2", "ledger appends ×2"), took_append, None),
        (
            ("業務記録への確定 ×2（台帳を除く）", "records committed ×2 (without the ledger)"),
            took_record,
            None,
        ),
        (("エンジン（隔離プロセス）", "engine (walled process)"), took_engine, bare),
        (("残り: TLS・HTTP・スレッド", "the rest: TLS, HTTP, threads"), rest, None),
    )
    return tuple(Line(words, took, Unit.MILLISECONDS, alone) for words, took, alone in named)


def _through_client(place: Place, asking: Asker, sql: str) -> Line:
    """The same question as a notebook asks it: a connection for each request, the state asked for, a data frame."""
    code = str(Path(__file__).parents[2] / "enclave" / "client")
    if code not in sys.path:
        sys.path.append(code)
    import enclave_client

    with place.workspace_folder(asking.token) as folder, contextlib.redirect_stdout(io.StringIO()):
        enclave = enclave_client.connect(folder)
        took = median_of(lambda: enclave.sql(sql), CLIENT_RUNS)
    words = ("ノートブックの e.sql() から data frame まで", "as e.sql() in a notebook, to the data frame")
    return Line(words, took, Unit.MILLISECONDS)


_DIGEST = "sha256:" + "0" * 64
_NOBODY: Any = "s-bench"
