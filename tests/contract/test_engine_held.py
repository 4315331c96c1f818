"""A statement that is held: the engine says what it would read, and executes nothing before it may."""

import select
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from enclave.adapters.engine import Engine, EnginePool
from enclave.adapters.engine_process import EngineProcess
from enclave.core.refusal import Refused
from tests.contract.test_engine import LIMITS, PATIENTS, build, guarded, rows

COUNT = f"SELECT count(*) AS n FROM {PATIENTS}"
READS_MORE = 'SELECT "name" FROM "other"."hidden"'


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    pool = EnginePool(LIMITS)
    yield pool.open(build(tmp_path / "extract.duckdb"), None, "v-1/1")
    pool.close()


def silent(worker: EngineProcess, seconds: float) -> bool:
    source = worker._process.stdout
    assert source is not None
    return not select.select([source], [], [], seconds)[0]


def test_a_held_statement_is_not_executed_before_the_word(tmp_path: Path) -> None:
    """Its worker says nothing, not even what columns there would be; after the word it answers."""
    worker = EngineProcess(LIMITS.address_space)
    try:
        worker.open(build(tmp_path / "extract.duckdb"), None, LIMITS.memory, LIMITS.threads)
        number = worker.start(guarded(COUNT), 5.0, held=True)
        worker.go(number + 1)
        worker.cancel(number - 1)
        assert silent(worker, 0.5)
        worker.go(number)
        kinds = []
        while kinds[-1:] != [b"D"] and (frame := worker.receive()) is not None:
            kinds += [frame[0]] if frame[0] != b"P" else []
        assert kinds == [b"S", b"B", b"D"]
        # The word for one statement is none for the next.
        worker.start(guarded(COUNT), 5.0, held=True)
        worker.go(number)
        assert silent(worker, 0.5)
    finally:
        worker.end()


def test_it_answers_once_it_is_allowed(engine: Engine) -> None:
    allowed = threading.Event()

    def until_then() -> None:
        assert allowed.wait(60)

    run = engine.run(guarded(COUNT), None, until_then)
    threading.Timer(0.1, allowed.set).start()
    assert rows(run) == [{"n": 200_000}]
    assert rows(engine.run(guarded(COUNT), None, lambda: None)) == [{"n": 200_000}]


def test_what_is_not_allowed_has_no_answer(engine: Engine) -> None:
    """Whoever says no is heard, and the engine goes on with the next question."""

    def no() -> None:
        raise Refused("ledger.unavailable")

    run = engine.run(guarded(COUNT), None, no)
    try:
        with pytest.raises(Refused, match=r"ledger\.unavailable"):
            rows(run)
    finally:
        run.close()
    assert rows(engine.run(guarded(COUNT))) == [{"n": 200_000}]


def test_a_held_statement_that_reads_more_than_it_says_is_refused(engine: Engine) -> None:
    with pytest.raises(Refused, match=r"query\.account_differs"):
        rows(engine.run(guarded(READS_MORE), None, lambda: None))


def test_a_held_statement_can_be_cancelled(engine: Engine) -> None:
    """Its worker is not lost by that."""
    asked, cancelled = threading.Event(), threading.Event()

    def until_cancelled() -> None:
        asked.set()
        assert cancelled.wait(60)

    run = engine.run(guarded(COUNT), None, until_cancelled)

    def cancel() -> None:
        assert asked.wait(60)
        run.cancel()
        cancelled.set()

    threading.Thread(target=cancel).start()
    with pytest.raises(Refused, match=r"query\.cancelled"):
        rows(run)
    assert rows(engine.run(guarded(COUNT))) == [{"n": 200_000}]
