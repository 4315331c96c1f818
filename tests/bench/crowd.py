"""The gateway under a crowd: 32 researchers at once, the same beside a hostile one, and an answer of a gigabyte.

Each researcher is a person with a workspace's address and one kept connection, and asks the next question as soon as the
last one is answered. The fair share of a question is what it takes alone × the number of those who ask: what everybody
would wait if the machine were cut into equal parts. Each question is held against its own fair share, and the ratio at
the 95th percentile is judged; a share that every processor could serve (divided by their number) stands below it.

The hostile one asks for a billion rows of a cross join and for a text of 7 GB, again and again. What the others wait longer
for is measured apart from the crowd, one researcher at a time, so that nobody else's waiting is taken for it.

`python -m tests.bench.crowd [crowd | hostile | stream]…` measures a gateway in a process of its own, without the site.
"""

import http.client
import json
import os
import random
import re
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tests.bench.crowd_apart import address_of, enter_people
from tests.bench.parts import _process
from tests.bench.place import CROWD, Place
from tests.bench.promises import Line, Row, Target, Unit, Words, p50, p95
from tests.bench.sheet import show

CLIENTS = 32
QUESTIONS = 12
ALONE = 7
TIMES_FAIR = Target(3.0)
DELAY = Target(2.0)
STREAMED = Target(1.3)
GATEWAY = Target(256.0)

SHORT = "SELECT age, male, status FROM nafld.patients WHERE age >= 95"
COUNTED = (
    "SELECT male, age // 10 * 10 AS band, count(*) AS n FROM nafld.patients GROUP BY male, age // 10 * 10"
)
MIDDLING = """
SELECT p.male, p.age // 10 * 10 AS band, l.test, count(*) AS n, avg(l.value) AS mean, max(l.value) AS most
FROM nafld.labs AS l JOIN nafld.patients AS p ON p.pid = l.pid
GROUP BY p.male, p.age // 10 * 10, l.test
"""
LONG = """
SELECT a.test, count(*) AS n, avg(b.value - a.value) AS mean
FROM nafld.labs AS a JOIN nafld.labs AS b ON a.pid = b.pid AND a.test = b.test AND a.days < b.days
GROUP BY a.test
"""
MIX: dict[str, tuple[str, str, int]] = {
    "short": (SHORT, "rows", 6),
    "table": (COUNTED, "table", 2),
    "middling": (MIDDLING, "rows", 3),
    "long": (LONG, "rows", 1),
}
"""Statement, form, and how often each researcher asks it."""

HOSTILE = (
    "SELECT count(*) AS n FROM nafld.labs AS a CROSS JOIN nafld.labs AS b WHERE sin(a.value) + cos(b.value) = 7",
    "SELECT length(repeat('x', 2000000000)) + length(repeat('y', 2000000000)) + length(repeat('z', 2000000000))"
    " + length(repeat('w', 1000000000)) AS n FROM nafld.patients",
)
GIGABYTE = """
SELECT a.pid, a.days, a.value, b.pid AS other, b.bmi, b.futime
FROM nafld.labs AS a CROSS JOIN nafld.patients AS b WHERE b.pid < {most}
"""
NAMES: dict[str, Words] = {
    "crowd": ("32人が同時に", "32 at once"),
    "hostile": ("悪意のある1件", "one hostile query"),
    "stream": ("1 GBの流れ", "streaming of 1 GB"),
}


@dataclass(frozen=True)
class Ways:
    """A gateway: where it is, whose process it is, who may ask (a token each), and the file behind it with its key."""

    host: str
    port: int
    ca: Path
    pid: int
    tokens: Sequence[str]
    file: Path
    key: str

    def researcher(self, number: int) -> "Researcher":
        tls = ssl.create_default_context(cafile=str(self.ca))
        connection = http.client.HTTPSConnection(
            self.host, self.port, timeout=300, context=tls, source_address=(address_of(number), 0)
        )
        return Researcher(connection, self.tokens[number])


@dataclass
class Researcher:
    """One person on one connection that is kept."""

    connection: http.client.HTTPSConnection
    token: str

    def begin(self, sql: str, form: str = "rows") -> http.client.HTTPResponse:
        body = json.dumps({"sql": sql, "form": form}).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        self.connection.request("POST", "/v1/queries", body, headers)
        return self.connection.getresponse()

    def ask(self, sql: str, form: str = "rows") -> pa.Table:
        """The whole answer. Raises RuntimeError with the refusal's code; of a cut one, what cut it."""
        answer = self.begin(sql, form)
        data = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {data[:300].decode('utf-8', 'replace')}")
        return pa.ipc.open_stream(data).read_all()


@dataclass(frozen=True)
class Asked:
    """One question of the crowd: its kind, how long it took (seconds), and what went wrong, if anything."""

    kind: str
    seconds: float
    failed: str = ""


def alone_times(ways: Ways) -> dict[str, float]:
    """Median seconds of each kind, with nobody else there."""
    one = ways.researcher(0)
    found = {}
    for kind, (sql, form, _) in MIX.items():
        one.ask(sql, form)
        found[kind] = p50([_seconds(one, sql, form) for _ in range(ALONE)])
    one.connection.close()
    return found


def _seconds(one: Researcher, sql: str, form: str) -> float:
    began = time.perf_counter()
    one.ask(sql, form)
    return time.perf_counter() - began


def crowd(ways: Ways, clients: int = CLIENTS) -> tuple[list[Asked], float]:
    """What everybody asked, and the seconds until the last one was answered."""
    asked: list[Asked] = []
    ready = threading.Barrier(clients + 1)

    def researcher(number: int) -> None:
        one = ways.researcher(number)
        one.connection.connect()
        kinds = [kind for kind, (_, _, times) in MIX.items() for _ in range(times)]
        random.Random(number).shuffle(kinds)
        ready.wait()
        for kind in kinds:
            sql, form, _ = MIX[kind]
            began = time.perf_counter()
            failed = ""
            try:
                one.ask(sql, form)
            except (RuntimeError, OSError, http.client.HTTPException, pa.ArrowInvalid) as error:
                failed = str(error) or type(error).__name__
                one.connection.close()
            asked.append(Asked(kind, time.perf_counter() - began, failed))
        one.connection.close()

    threads = [threading.Thread(target=researcher, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return asked, time.perf_counter() - began


@contextmanager
def beside(ways: Ways, sql: str) -> Iterator[None]:
    """The hostile one, who asks that again and again as soon as it is refused or ended."""
    over = threading.Event()
    held: list[Researcher] = []

    def asking() -> None:
        while not over.is_set():
            one = ways.researcher(CLIENTS)
            held[:] = [one]
            try:
                one.ask(sql)
            except (RuntimeError, OSError, http.client.HTTPException, pa.ArrowInvalid, ValueError):
                one.connection.close()

    thread = threading.Thread(target=asking)
    thread.start()
    time.sleep(1)
    try:
        yield
    finally:
        over.set()
        for one in held:
            if one.connection.sock is not None:
                one.connection.sock.shutdown(2)
        thread.join()


# -- the rows ------------------------------------------------------------------------------------
def crowd_rows(ways: Ways) -> list[Row]:
    alone = alone_times(ways)
    rows = []
    for name, words, hostile in (
        ("crowd", ("32人が同時に: 公平な取り分に対する比", "32 researchers at once, against their fair share"), ""),
        ("crowd_hostile", ("同じく、終わらない結合を尋ねる1人がいる中で", "the same beside one who asks for an endless join"), HOSTILE[0]),
    ):  # fmt: skip
        if hostile:
            with beside(ways, hostile):
                asked, took = crowd(ways)
        else:
            asked, took = crowd(ways)
        rows.append(_crowd_row(name, words, alone, asked, took))
    return rows


def _crowd_row(name: str, words: Words, alone: dict[str, float], asked: list[Asked], took: float) -> Row:
    failed = [one.failed for one in asked if one.failed]
    ratios = [one.seconds / (alone[one.kind] * CLIENTS) for one in asked]
    lines = [
        Line(("中央値", "median"), p50(ratios), Unit.TIMES),
        Line(("95パーセンタイル、全コアで分けた取り分に対して", "95th percentile, against a share of every processor"),
             p95(ratios) * len(os.sched_getaffinity(0)), Unit.TIMES),
        Line(("すべてが答えられるまで（単体は1人が順に尋ねた場合）", "until all are answered (bare: one after another, alone)"),
             took, Unit.SECONDS, sum(alone[one.kind] for one in asked)),
    ]  # fmt: skip
    for kind in MIX:
        times = [one.seconds for one in asked if one.kind == kind]
        share = alone[kind] * CLIENTS
        lines.append(
            Line((f"{kind}: 95パーセンタイル（単体は公平な取り分）", f"{kind}: 95th percentile (bare: fair share)"),
                 p95(times), Unit.SECONDS, share)
        )  # fmt: skip
    return Row(
        name, words, Unit.TIMES, p95(ratios), target=TIMES_FAIR, runs=len(asked), lines=tuple(lines),
        failed=f"{len(failed)} of {len(asked)} failed: {failed[0]}" if failed else "",
        note=(
            "取り分 = 単独での時間 × 32。各問合せをそれぞれの取り分と比べた95パーセンタイル",
            "share = time alone × 32; the 95th percentile of each question against its own share",
        ),
    )  # fmt: skip


def hostile_rows(ways: Ways) -> list[Row]:
    """What one researcher waits longer for each kind of question while the hostile one asks, at worst."""
    alone = alone_times(ways)
    rows = []
    for name, words, sql in (
        (
            "hostile_join",
            ("10億行の結合が他人を遅らせる時間", "A billion-row join delays others by"),
            HOSTILE[0],
        ),
        ("hostile_text", ("7 GBの文字列が他人を遅らせる時間", "A text of 7 GB delays others by"), HOSTILE[1]),
    ):
        lines, worst = [], 0.0
        with beside(ways, sql):
            one = ways.researcher(1)
            for kind, (statement, form, _) in MIX.items():
                times = [_seconds(one, statement, form) for _ in range(ALONE)]
                worst = max(worst, max(times) - alone[kind])
                lines.append(Line((kind, kind), max(times), Unit.SECONDS, alone[kind]))
            one.connection.close()
        rows.append(
            Row(name, words, Unit.SECONDS, worst, target=DELAY, runs=ALONE * len(MIX), lines=tuple(lines))
        )
    return rows


PIPED = """
import duckdb, sys
import pyarrow as pa
file, key, sql = sys.argv[1:]
connection = duckdb.connect(":memory:", config={"threads": "2"})
connection.execute(f"ATTACH '{file}' AS held (READ_ONLY, ENCRYPTION_KEY '{key}')")
connection.execute("USE held")
reader = connection.sql(sql).to_arrow_reader(65536)
with pa.ipc.new_stream(sys.stdout.buffer, reader.schema) as writer:
    for batch in reader:
        writer.write_batch(batch)
"""
"""The bare part: the same engine over the same file, its Arrow stream into a pipe that another process reads."""


def _read(source: object) -> int:
    """The bytes of an Arrow stream, read batch by batch, each looked at and let go."""
    return sum(batch.nbytes for batch in pa.ipc.open_stream(source))


def stream_rows(ways: Ways) -> list[Row]:
    one = ways.researcher(2)
    sql = GIGABYTE.format(most=200)
    rows = pa.ipc.open_stream(one.begin(sql)).read_all()
    sql = GIGABYTE.format(most=int(200 * (1 << 30) / rows.nbytes) + 1)
    del rows
    peak = _watched(ways.pid)
    through, piped, size = [], [], 0
    for _ in range(3):
        began = time.perf_counter()
        size = _read(one.begin(sql))
        through.append(time.perf_counter() - began)
        began = time.perf_counter()
        words = [sys.executable, "-c", PIPED, str(ways.file), ways.key, sql]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
            if process.stdout is None or _read(process.stdout) != size:
                raise RuntimeError("the bare engine's stream has another size")
        # Of a program that must start first, the start is not what is compared.
        piped.append(time.perf_counter() - began - STARTS.get("piped", 0.0))
    most = peak()
    one.connection.close()
    ratio = min(through) / min(piped)
    return [
        Row("stream", ("1 GBのArrowを流す: ローカルパイプとの比", "Streaming 1 GB of Arrow, against a local pipe"), Unit.TIMES, ratio,
            target=STREAMED, runs=len(through), lines=(
                Line(("ゲートウェイ経由（TLS）、最短", "through the gateway (TLS), fastest"), min(through), Unit.SECONDS, min(piped)),
                Line(("データ量", "data"), size / (1 << 20), Unit.MEBIBYTES),
            )),
        Row("stream_memory", ("その間のゲートウェイの最大メモリ", "The gateway's memory meanwhile, at most"), Unit.MEBIBYTES, most,
            target=GATEWAY),
    ]  # fmt: skip


STARTS: dict[str, float] = {}


def _watched(pid: int) -> Callable[[], float]:
    """From now on: the most that the process held at once, in MiB."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")

    def most() -> float:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else float("nan")

    return most


PARTS: dict[str, Callable[[Ways], list[Row]]] = {
    "crowd": crowd_rows,
    "hostile": hostile_rows,
    "stream": stream_rows,
}


def measure(place: Place) -> list[Row]:
    """The rows, of the installed gateway."""
    enter_people(place.records, CROWD)
    tokens = []
    for number, name in enumerate(CROWD):
        token, session = place.session_of(name, address_of(number))
        tokens.append(token)
        del session
    process = _process(place.site, "gateway")
    ways = Ways(
        place.site.service_ip, place.site.gateway_port, place.site.ca, int(process.name), tokens, place.file, place.key
    )  # fmt: skip
    return [row for part in PARTS.values() for row in part(ways)]


@contextmanager
def apart(port: int) -> Iterator[Ways]:
    """A gateway in a process of its own."""
    words = [sys.executable, "-m", "tests.bench.crowd_apart", str(CLIENTS + 1), str(port)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        try:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError("the gateway did not start")
            told = json.loads(line)
            yield Ways(
                told["host"], told["port"], Path(told["ca"]), told["pid"], told["tokens"], Path(told["file"]), told["key"]
            )  # fmt: skip
        finally:
            process.stdin.close()


if __name__ == "__main__":
    with apart(8471) as here:
        for chosen in sys.argv[1:] or list(PARTS):
            show(PARTS[chosen](here), "en")
