"""Deadlines are kept in their order, whichever was set first, and one that was forgotten is not."""

import threading
import time

from enclave.adapters.deadlines import Deadlines

LONG = 3600.0


def test_an_earlier_deadline_that_was_set_later_comes_first() -> None:
    deadlines, first, second = Deadlines(), threading.Event(), threading.Event()
    now = time.monotonic()
    deadlines.at(now + LONG, second.set)
    deadlines.at(now + 0.01, first.set)
    assert first.wait(30)
    assert not second.is_set()
    deadlines.close()


def test_one_that_was_forgotten_is_not_called_and_the_next_one_is() -> None:
    deadlines, called, never = Deadlines(), threading.Event(), threading.Event()
    now = time.monotonic()
    number = deadlines.at(now + 0.5, never.set)
    deadlines.at(now + 1.0, called.set)
    deadlines.forget(number)
    assert called.wait(30)
    assert not never.is_set()
    deadlines.close()


def test_one_that_takes_long_keeps_no_other_waiting() -> None:
    deadlines, over, called = Deadlines(), threading.Event(), threading.Event()
    now = time.monotonic()
    deadlines.at(now, over.wait)
    deadlines.at(now + 0.01, called.set)
    assert called.wait(30)
    over.set()
    deadlines.close()


def watching() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "deadlines"}


def test_many_share_one_thread() -> None:
    deadlines, before = Deadlines(), watching()
    for _ in range(50):
        deadlines.forget(deadlines.at(time.monotonic() + LONG, lambda: None))
    assert len(watching() - before) == 1
    deadlines.close()
    for thread in watching() - before:
        thread.join(30)
    assert watching() <= before
