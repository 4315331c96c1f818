"""Many statements at once: who lasts makes way, workers are not more than the machine holds, scarce memory ends the largest."""

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from enclave.adapters import engine as engines
from enclave.adapters.engine import (
    BEHIND,
    GIB,
    Engine,
    EngineLimits,
    EnginePool,
    Run,
    limits_of_machine,
)
from enclave.adapters.engine_process import FIRST
from enclave.core.refusal import Refused
from tests.contract.test_engine import PATIENTS, build, guarded, rows

LIMITS = EngineLimits(address_space=2 * GIB, memory=GIB // 4, wall=120.0, workers=3, patience=0.3, grace=0.5)
ENDLESS = (
    f"SELECT count(*) FROM {PATIENTS}, (SELECT pid FROM d.patients) b WHERE (p.pid % 7) * (b.pid % 11) = 5"
)


AT_FIRST = max(FIRST, os.getpriority(os.PRIO_PROCESS, 0))
"""Where the tests themselves make way for others, so do the workers."""


@pytest.fixture
def engine(tmp_path: Path) -> object:
    pool = EnginePool(LIMITS)
    yield pool.open(build(tmp_path / "extract.duckdb"), None, "v-1/1")
    pool.close()


def pid(run: Run) -> int:
    return int(run._worker._process.pid)


def reading(run: Run) -> list[str]:
    """Reads it in a thread; the code it ends with comes into the list."""
    ended: list[str] = []

    def read() -> None:
        try:
            rows(run)
        except Refused as refused:
            ended.append(refused.code)

    threading.Thread(target=read, daemon=True).start()
    return ended


def until(true: object, patience: float = 60) -> None:
    end = time.monotonic() + patience
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def test_a_statement_makes_way_by_what_it_has_used_and_its_worker_comes_back(engine: Engine) -> None:
    """Every thread of the process, more and more; the next statement begins like any other."""
    run = engine.run(guarded(ENDLESS))
    assert os.getpriority(os.PRIO_PROCESS, pid(run)) == AT_FIRST
    reading(run)

    def slowed() -> bool:
        run.slow()
        return os.getpriority(os.PRIO_PROCESS, pid(run)) >= BEHIND[1][1]

    until(slowed)
    threads = [int(one.name) for one in Path(f"/proc/{pid(run)}/task").iterdir()]
    assert len(threads) > 2
    assert min(os.getpriority(os.PRIO_PROCESS, one) for one in threads) >= BEHIND[0][1]
    run.cancel()
    until(lambda: run.finished)
    after = engine.run(guarded("SELECT 1 AS one"))
    assert os.getpriority(os.PRIO_PROCESS, pid(after)) in {FIRST, AT_FIRST}
    assert rows(after) == [{"one": 1}]


def test_a_statement_that_has_used_little_does_not_make_way(engine: Engine) -> None:
    run = engine.run(guarded("SELECT 1 AS one"))
    run.slow()
    assert os.getpriority(os.PRIO_PROCESS, pid(run)) == AT_FIRST
    assert rows(run) == [{"one": 1}]


def test_where_memory_is_scarce_the_largest_statement_ends_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that ran out of memory; the next question is answered.

    Both last, and the engine's own limit is far above what the larger one holds: only scarcity can end it.
    """
    pool = EnginePool(replace(LIMITS, address_space=4 * GIB, memory=GIB))
    try:
        engine = pool.open(build(tmp_path / "extract.duckdb"), None, "v-1/1")
        small, large = engine.run(guarded(ENDLESS)), engine.run(
            guarded(f"SELECT count(*) FROM (SELECT list(\"note\" || repeat('x', 400)) AS l FROM {PATIENTS}) q, "
                    f"(SELECT pid FROM d.patients) b, (SELECT pid FROM d.patients) c"
                    f" WHERE (b.pid % 7) * (c.pid % 11) = 5 + 0 * len(l)")
        )  # fmt: skip
        of_small, of_large = reading(small), reading(large)
        until(lambda: large.memory() > small.memory() + (64 << 20))
        assert not large.finished
        monkeypatch.setattr(engines, "_available", lambda: 0)
        time.sleep(engines.LOOK)
        small.slow()
        until(lambda: bool(of_large))
        assert of_large == ["query.out_of_memory"]
        assert of_small == []
        monkeypatch.undo()
        assert rows(engine.run(guarded("SELECT 1 AS one"))) == [{"one": 1}]
        small.cancel()
    finally:
        pool.close()


def test_workers_of_all_extracts_together_are_as_many_as_the_pool_may_have(tmp_path: Path) -> None:
    """Those that wait for a question count: the one that has waited longest is ended for another extract's."""
    pool = EnginePool(replace(LIMITS, workers=2))
    try:
        opened = [pool.open(build(tmp_path / f"{n}.duckdb"), None, f"v-{n}/1") for n in range(4)]
        for one in [*opened, *opened]:
            assert rows(one.run(guarded("SELECT 1 AS one"))) == [{"one": 1}]
            assert sum(engine.at_rest for engine in opened) <= 2
    finally:
        pool.close()


def test_a_machine_has_workers_for_its_processors_and_its_memory() -> None:
    assert limits_of_machine(2, 24 * GIB).workers == 34
    assert limits_of_machine(64, 24 * GIB).workers == 38
    assert limits_of_machine(1, 2 * GIB).workers == 6
