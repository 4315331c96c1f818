"""A query through the gateway beside the same SQL in bare DuckDB over the same file, in alternating runs.

The gateway is asked over TLS on one kept connection, as another machine would, and both sides end with the whole answer
as an Arrow table; that they are the same answer is checked first, since a wrong one could be fast. The parts below each
figure are timed in between (`parts`).
"""

import contextlib
import http.client
import io
import json
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from enclave.adapters.engine import EnginePool
from enclave.adapters.permit_records import WorkspaceSession
from tests.bench.parts import Parts, Processors, median_of, timed
from tests.bench.place import Place
from tests.bench.promises import Line, Row, Target, Unit, Words, p50, p50_extra, p95

RUNS = 200
PARTS_EVERY = 4
CLIENT_RUNS = 40
TARGET = Target(25.0, above=True)

SMALL = "SELECT age, male, status FROM nafld.patients WHERE age >= 95"
MIDDLING = """
SELECT p.male, p.age // 10 * 10 AS band, l.test, count(*) AS n, avg(l.value) AS mean, max(l.value) AS most
FROM nafld.labs AS l JOIN nafld.patients AS p ON p.pid = l.pid
GROUP BY p.male, p.age // 10 * 10, l.test
"""

LONG: dict[str, tuple[Words, str]] = {
    "windows": (
        ("窓関数", "windows"),
        """
        SELECT test, count(*) AS n, avg(change) AS mean, max(days) AS last FROM (
          SELECT test, days, value - lag(value) OVER (PARTITION BY pid, test ORDER BY days, value) AS change,
            dense_rank() OVER (PARTITION BY pid, test ORDER BY days DESC) AS place FROM nafld.labs)
        WHERE place <= 5 GROUP BY test
        """,
    ),
    "pairs": (
        ("自己結合", "a table with itself"),
        """
        SELECT a.test, b.test AS other, count(*) AS n, avg(b.value - a.value) AS mean
        FROM nafld.labs AS a JOIN nafld.labs AS b ON b.pid = a.pid AND b.days BETWEEN a.days AND a.days + 365
        GROUP BY a.test, b.test
        """,
    ),
}
"""Questions for which the bare engine needs more than a tenth of a second."""
LONG_RUNS = 30
LONG_TARGET = 1.15


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


def measure(place: Place) -> list[Row]:
    """The rows of both queries."""
    asking, bare = asker(place), place.bare()
    try:
        return [
            _row(place, asking, bare, "query_small", ("小さな問合せをゲートウェイ経由で", "A small query through the gateway"), SMALL),
            _row(place, asking, bare, "query_middling", ("中程度の集計（結合）をゲートウェイ経由で", "A middling aggregate (join) through the gateway"), MIDDLING),
            _long(asking, bare),
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
    pool, processors = EnginePool(), Processors(place.site)
    try:
        parts = Parts(place, asking.session, asking.token, sql, pool)
        for run in range(RUNS):
            with processors.counting():
                through.append(timed(lambda: asking.ask(sql)))
            single.append(timed(alone))
            if run % PARTS_EVERY == 0:
                parts.run()
    finally:
        pool.close()
    return Row(
        name, words, Unit.MILLISECONDS, p50(through), p50(single), ("DuckDB", "DuckDB"), TARGET,
        extra=p50_extra(through, single), runs=RUNS,
        lines=(
            *parts.lines(p50(through), p50(single)),
            *processors.lines(RUNS),
            Line(("95パーセンタイル", "95th percentile"), p95(through), Unit.MILLISECONDS, p95(single)),
            _through_client(place, asking, sql),
        ),
    )  # fmt: skip


def _long(asking: Asker, bare: duckdb.DuckDBPyConnection) -> Row:
    """The worst of the ratios of long questions, each the median over turns: what the machine does beside weighs on both."""
    ratios, lines = [], []
    for words, sql in LONG.values():
        if _comparable(asking.ask(sql)) != _comparable(bare.sql(sql).to_arrow_table()):
            raise RuntimeError("the gateway and the bare engine answer differently")
        turns = [
            (timed(lambda: asking.ask(sql)), timed(lambda: bare.sql(sql).to_arrow_table()))  # noqa: B023
            for _ in range(LONG_RUNS)
        ]
        ratios.append(p50([through / alone for through, alone in turns]))
        through, alone = (p50([turn[side] for turn in turns]) for side in (0, 1))
        lines.append(Line(words, through, Unit.MILLISECONDS, alone))
    words = (
        "0.1秒を超える問合せ（素のエンジンの倍数、最大）",
        "Questions of more than 0.1 s, times the bare engine (the worst)",
    )
    return Row(
        "query_long",
        words,
        Unit.TIMES,
        max(ratios),
        target=Target(LONG_TARGET),
        runs=LONG_RUNS,
        lines=tuple(lines),
    )


def _comparable(answer: pa.Table) -> list[tuple[object, ...]]:
    rows = [[round(v, 6) if isinstance(v, float) else v for v in row.values()] for row in answer.to_pylist()]
    return sorted((tuple(row) for row in rows), key=repr)


def _through_client(place: Place, asking: Asker, sql: str) -> Line:
    """The same question as a notebook asks it: a connection for each request, the state asked for, a data frame."""
    code = str(Path(__file__).parents[2] / "enclave" / "client")
    if code not in sys.path:
        sys.path.append(code)
    import enclave_client  # type: ignore[import-not-found]  # a project of its own, found just above

    with place.workspace_folder(asking.token) as folder, contextlib.redirect_stdout(io.StringIO()):
        enclave = enclave_client.connect(folder)
        took = median_of(lambda: enclave.sql(sql), CLIENT_RUNS)
    words = ("ノートブックの e.sql() から data frame まで", "as e.sql() in a notebook, to the data frame")
    return Line(words, took, Unit.MILLISECONDS)
