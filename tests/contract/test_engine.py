"""The engine as a machine: what it runs, what it will not, and what it survives. Bounded small."""

import base64
import ctypes
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import duckdb_extension_httpfs
import pytest

from enclave.adapters import engine_worker
from enclave.adapters.engine import GIB, Engine, EngineLimits, EnginePool, Run, started
from enclave.adapters.engine_process import worker_count
from enclave.core.refusal import Refused
from enclave.query.stages import Facts, Form, Guarded, Obligations

LIMITS = EngineLimits(address_space=2 * GIB, memory=GIB // 4, wall=4.0, workers=3, patience=0.3, grace=0.5)
PATIENTS = '(SELECT "pid", "age", "note" FROM "d"."patients") AS "p"'
COLUMNS = ("pid", "age", "note")


def guarded(sql: str, columns: tuple[str, ...] = COLUMNS, max_rows: int | None = None) -> Guarded:
    """A statement as it leaves the query story; here written by hand, to see what the engine itself holds against it."""
    return Guarded(
        sql, Form.ROWS, (), {("d", "patients"): columns}, Facts((), (), ()), Obligations(), None, max_rows
    )


def build(path: Path) -> Path:
    con = duckdb.connect(str(path))
    con.execute("CREATE SCHEMA d; CREATE SCHEMA other")
    con.execute(
        "CREATE TABLE d.patients AS"
        " SELECT range::UINTEGER AS pid, (range % 90)::TINYINT AS age, 'note ' || range AS note FROM range(200000)"
    )
    con.execute("CREATE TABLE other.hidden AS SELECT 'SECRET' AS name")
    con.close()
    return path


@pytest.fixture(scope="module")
def extract(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("engine") / "extract.duckdb")


@pytest.fixture(scope="module")
def pool() -> Iterator[EnginePool]:
    found = EnginePool(LIMITS)
    yield found
    found.close()


@pytest.fixture
def engine(pool: EnginePool, extract: Path) -> Engine:
    return pool.open(extract, None, "v-1/1")


def rows(run: Run) -> list[dict[str, object]]:
    return [row for batch in run.batches() for row in batch.to_pylist()]


def refusal(engine: Engine, statement: Guarded) -> str:
    with pytest.raises(Refused) as refused:
        rows(engine.run(statement))
    return refused.value.code


def test_an_answer_streams_in_batches_with_its_schema_first(engine: Engine) -> None:
    run = engine.run(guarded(f"SELECT * FROM {PATIENTS}"))
    assert run.schema.names == ["pid", "age", "note"]
    sizes = [batch.num_rows for batch in run.batches()]
    assert sum(sizes) == run.rows == 200_000
    assert len(sizes) > 1
    assert run.progress() == 1.0


def test_sums_of_whole_numbers_are_whole_numbers(engine: Engine) -> None:
    run = engine.run(guarded(f'SELECT sum("age") AS s, count(*) AS n FROM {PATIENTS}'))
    assert [str(field.type) for field in run.schema] == ["int64", "int64"]
    assert rows(run)[0]["n"] == 200_000


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM other.hidden",
        f"SELECT (SELECT max(name) FROM other.hidden) AS x FROM {PATIENTS}",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM range(10)",
        "SELECT * FROM pragma_storage_info('d.patients')",
        "SELECT note FROM d.patients WHERE pid = 1 AND age > 1 AND note <> ''",
        "SELECT * FROM query_table('other.hidden')",
        "SELECT * FROM query('SELECT * FROM other.hidden')",
        "SELECT * FROM information_schema.tables",
    ],
)
def test_what_was_not_expected_does_not_run(sql: str, engine: Engine) -> None:
    """The engine's own account of the statement, against what the query story said it would read."""
    assert refusal(engine, guarded(sql, ("pid", "age"))) == "query.account_differs"


def test_a_column_that_was_not_expected_does_not_run(engine: Engine) -> None:
    statement = guarded(f'SELECT "note" FROM {PATIENTS}', ("pid", "age"))
    assert refusal(engine, statement) == "query.account_differs"
    assert (
        len(rows(engine.run(guarded('SELECT "age" FROM (SELECT "age" FROM "d"."patients") AS p', ("age",)))))
        > 0
    )


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '/tmp/enclave-engine-test'",
        "ATTACH '/tmp/enclave-engine-test.duckdb' AS x",
        "SET memory_limit = '90GB'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM '/etc/hostname'",
        "SELECT 1; SELECT 2",
        "CREATE TABLE held.d.x AS SELECT 1",
        "DELETE FROM d.patients",
    ],
)
def test_what_is_no_question_does_not_run_either(sql: str, engine: Engine) -> None:
    """Even past the query story: the connection is read-only, locked and without files."""
    assert refusal(engine, guarded(sql)) in {
        "query.account_differs",
        "query.failed",
        "query.types",
        "query.value",
    }
    assert not Path("/tmp/enclave-engine-test").exists()
    assert len(rows(engine.run(guarded(f"SELECT count(*) FROM {PATIENTS}")))) == 1


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ('CAST("note" AS INTEGER)', "query.value"),
        ('CAST("note" AS DATE)', "query.value"),
        ('9223372036854775807 * ("pid" + 1)', "query.value"),
        ("strptime(\"note\", '%Y')", "query.value"),
        ('error("note")', "query.value"),
        ("\"note\" + DATE '2020-01-01'", "query.types"),
        ('"nothing"', "query.types"),
    ],
)
def test_an_error_becomes_a_code_without_a_value(expression: str, code: str, engine: Engine) -> None:
    run = engine.run(guarded(f"SELECT {expression} AS x FROM {PATIENTS}"))
    with pytest.raises(Refused) as refused:
        rows(run)
    assert refused.value.code == code
    assert dict(refused.value.facts) == {}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Conversion Error: Could not convert string 'x' to INT32", "query.value"),
        ("Out of Range Error: Overflow", "query.value"),
        ("Out of Memory Error: could not", "query.out_of_memory"),
        ("something else: Conversion Error", "query.failed"),
    ],
)
def test_an_error_between_two_batches_has_the_code_of_its_kind(text: str, code: str) -> None:
    """Arrow's stream keeps only an error's text: its first words are the engine's kind of error."""
    assert engine_worker.code_of(OSError(text)) == code


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT len(range(100000000)) AS n",
        "SELECT unnest(range(1000000000)) AS n",
        "SELECT length(repeat('x', 2000000000)) + length(lpad('x', 2000000000, 'y')) AS n",
        f"SELECT list(\"note\" || repeat('x', 100000)) AS n FROM {PATIENTS}",
        f'SELECT string_agg(repeat("note", 10000)) AS n FROM {PATIENTS}',
        f"SELECT a.pid, count(*) FROM {PATIENTS}, (SELECT pid, age FROM d.patients) a,"
        " (SELECT pid, age FROM d.patients) b WHERE a.pid * b.age % 7 = p.age % 11 GROUP BY 1",
    ],
    ids=["range", "unnest", "lpad", "list", "string_agg", "cross join"],
)
def test_a_hostile_statement_ends_in_time_and_within_its_memory(sql: str, engine: Engine) -> None:
    """The address space is the wall, the clock is the other; the next question is answered as if nothing had been."""
    started = time.monotonic()
    statement = replace(guarded(sql), expected={("d", "patients"): COLUMNS})
    assert refusal(engine, statement) in {"query.out_of_memory", "query.time_limit", "query.account_differs"}
    assert time.monotonic() - started < LIMITS.wall + LIMITS.grace + 20  # each of them would last for minutes
    assert rows(engine.run(guarded(f"SELECT count(*) AS n FROM {PATIENTS}"))) == [{"n": 200_000}]


def test_a_statement_is_cancelled_at_once(extract: Path) -> None:
    """Where it would last for minutes."""
    pool = EnginePool(replace(LIMITS, wall=600.0))
    try:
        run = pool.open(extract, None, "v-1/1").run(
            guarded(
                f"SELECT count(*) FROM {PATIENTS}, (SELECT pid FROM d.patients) b, (SELECT pid FROM d.patients) c"
                " WHERE (p.pid % 7) * (b.pid % 11) * (c.pid % 13) = 5"
            )
        )
        threading.Timer(0.2, run.cancel).start()
        started = time.monotonic()
        with pytest.raises(Refused) as refused:
            rows(run)
        assert refused.value.code == "query.cancelled"
        assert time.monotonic() - started < 20
    finally:
        pool.close()


def test_more_rows_than_are_left_end_the_answer(engine: Engine) -> None:
    assert refusal(engine, guarded(f"SELECT * FROM {PATIENTS}", max_rows=100)) == "query.limit_rows"
    assert len(rows(engine.run(guarded(f"SELECT * FROM {PATIENTS} LIMIT 100", max_rows=100)))) == 100


def test_a_reader_who_goes_away_frees_the_worker(engine: Engine) -> None:
    for _ in range(LIMITS.workers + 1):
        reader = engine.run(guarded(f"SELECT * FROM {PATIENTS}")).batches()
        next(reader)
        reader.close()  # type: ignore[attr-defined]  # a generator
    assert rows(engine.run(guarded("SELECT 1 AS one"))) == [{"one": 1}]


def test_a_worker_that_dies_is_replaced(engine: Engine) -> None:
    run = engine.run(guarded(f"SELECT * FROM {PATIENTS}"))
    os.kill(run._worker._process.pid, 9)
    with pytest.raises(Refused):
        rows(run)
    assert rows(engine.run(guarded("SELECT 1 AS one"))) == [{"one": 1}]


def test_more_questions_than_workers_wait_and_then_hear_that_it_is_busy(engine: Engine) -> None:
    running = [engine.run(guarded(f"SELECT * FROM {PATIENTS}")) for _ in range(LIMITS.workers)]
    with pytest.raises(Refused) as refused:
        engine.run(guarded("SELECT 1 AS one"))
    assert refused.value.code == "query.busy"
    for run in running:
        run.close()


def test_a_worker_holds_nothing_of_its_parent(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """No environment, no file of the parent, no core file, no new privileges, a filter on system calls."""
    run = engine.run(guarded("SELECT 1 AS one"))
    place = Path("/proc") / str(run._worker._process.pid)
    assert (place / "environ").read_bytes() == b""
    status = dict(
        line.split(":\t", 1) for line in (place / "status").read_text().splitlines() if ":\t" in line
    )
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    limits = {
        line[:26].strip(): line[26:].split()[:2] for line in (place / "limits").read_text().splitlines()
    }
    assert limits["Max core file size"] == ["0", "0"]
    assert limits["Max address space"] == [str(LIMITS.address_space)] * 2
    open_files = [os.readlink(entry) for entry in (place / "fd").iterdir()]
    foreign = [
        f
        for f in open_files
        if not f.startswith(("pipe:", "/dev/null", "anon_inode:")) and "extract" not in f
    ]
    assert foreign == []
    assert b"key" not in (place / "cmdline").read_bytes()
    run.close()


def test_behind_closed_doors_no_file_socket_or_program_opens() -> None:
    """In a child of this test, which closes the doors on itself."""
    child = os.fork()
    if child == 0:
        engine_worker.close_the_doors()
        libc = ctypes.CDLL(None, use_errno=True)
        denied = [
            libc.open(b"/etc/hostname", 0) == -1,
            libc.socket(2, 1, 0) == -1,
            libc.execv(b"/bin/true", None) == -1,
            libc.kill(os.getppid(), 0) == -1,
        ]
        os._exit(0 if all(denied) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_an_encrypted_extract_opens_with_its_key_and_no_other(pool: EnginePool, tmp_path: Path) -> None:
    key, wrong = (base64.b64encode(bytes([n]) * 32).decode() for n in (7, 8))
    path = tmp_path / "sealed.duckdb"
    con = duckdb.connect()
    con.execute(f"LOAD '{_httpfs()}'")
    con.execute(f"ATTACH '{path}' AS sealed (ENCRYPTION_KEY '{key}')")
    con.execute(
        "CREATE SCHEMA sealed.d; CREATE TABLE sealed.d.patients AS SELECT 1::UINTEGER AS pid, 2 AS age, 'SEALED' AS note"
    )
    con.close()
    assert b"SEALED" not in path.read_bytes()
    with pytest.raises(Refused) as refused:
        pool.open(path, wrong, "v-2/1")
    assert refused.value.code == "query.extract_unreadable"
    engine = pool.open(path, key, "v-2/1")
    assert rows(engine.run(guarded(f'SELECT "note" FROM {PATIENTS}'))) == [{"note": "SEALED"}]
    pool.forget("v-2/1")
    with pytest.raises(Refused) as closed:
        engine.run(guarded("SELECT 1"))
    assert closed.value.code == "query.extract_closed"


def test_an_extract_that_is_not_there_cannot_be_opened(pool: EnginePool, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        pool.open(tmp_path / "none.duckdb", None, "v-3/1")
    assert refused.value.code == "query.extract_unreadable"
    assert not (tmp_path / "none.duckdb").exists()


def test_a_closed_pool_leaves_no_process(pool: EnginePool, extract: Path) -> None:
    # Whatever an earlier test took from this process's other pools stands ready again.
    started(pool, 60)
    before = worker_count()
    other = EnginePool(replace(LIMITS, workers=1))
    engine = other.open(extract, None, "v-1/1")
    running = engine.run(guarded(f"SELECT * FROM {PATIENTS}"))
    assert worker_count() > before
    other.close()
    with pytest.raises(Refused):
        rows(running)
    end = time.monotonic() + 60
    while worker_count() > before and time.monotonic() < end:
        time.sleep(0.05)
    assert worker_count() == before


def test_a_small_answer_costs_little_more_than_the_bare_engine(engine: Engine, extract: Path) -> None:
    """The best of 60, since the machine is shared: what is said is what it costs, not how long it waits for others
    (make bench has the figure)."""
    sql = f'SELECT "age", count(*) AS n FROM {PATIENTS} WHERE "pid" < 5000 GROUP BY 1'
    bare = duckdb.connect(str(extract), read_only=True)
    times: dict[str, list[float]] = {"bare": [], "engine": []}
    for _ in range(60):
        started = time.perf_counter()
        bare.execute(sql).fetchall()
        times["bare"].append(time.perf_counter() - started)
        started = time.perf_counter()
        rows(engine.run(guarded(sql)))
        times["engine"].append(time.perf_counter() - started)
    bare.close()
    assert min(times["engine"]) - min(times["bare"]) < 0.010


def _httpfs() -> Path:
    folder = Path(duckdb_extension_httpfs.__file__).parent
    return next(folder.rglob("httpfs.duckdb_extension"))
