"""How long a log-in waits after failures."""

from hypothesis import given
from hypothesis import strategies as st

from enclave.hub.attempts import FORGOTTEN_AFTER, FREE_FAILURES, LONGEST_WAIT, NAMES, Attempts


def test_the_first_failures_cost_nothing_and_the_next_double() -> None:
    """Five are free; then 15, 30, 60 … seconds, never more than the longest."""
    attempts = Attempts()
    waits = []
    for _ in range(FREE_FAILURES + 8):
        attempts.failed("tanaka", 0.0)
        waits.append(attempts.wait("tanaka", 0.0))
    assert waits[: FREE_FAILURES - 1] == [0.0] * (FREE_FAILURES - 1)
    assert waits[FREE_FAILURES - 1 : FREE_FAILURES + 2] == [15.0, 30.0, 60.0]
    assert max(waits) == LONGEST_WAIT


def test_a_wait_ends_and_is_forgotten() -> None:
    """It counts down; a success or a quarter of an hour forgets it; nobody else is held up."""
    attempts = Attempts()
    for _ in range(FREE_FAILURES):
        attempts.failed("tanaka", 100.0)
    assert attempts.wait("tanaka", 110.0) == 5.0
    assert attempts.wait("tanaka", 115.0) == 0.0
    assert attempts.wait("mori", 100.0) == 0.0
    attempts.failed("tanaka", 100.0 + FORGOTTEN_AFTER + 1)
    assert attempts.wait("tanaka", 101.0 + FORGOTTEN_AFTER) == 0.0
    attempts.succeeded("tanaka")
    assert attempts.wait("tanaka", 100.0) == 0.0


@given(st.lists(st.text(max_size=5), max_size=50))
def test_any_names_are_kept_apart(names: list[str]) -> None:
    """A name waits only where that very name failed often enough."""
    attempts = Attempts()
    for name in names:
        attempts.failed(name, 0.0)
    for name in set(names):
        assert (attempts.wait(name, 0.0) > 0) == (names.count(name) >= FREE_FAILURES)


def test_a_flood_of_names_fills_no_memory() -> None:
    """The oldest are forgotten."""
    attempts = Attempts()
    for n in range(NAMES + 100):
        attempts.failed(str(n), float(n))
    assert len(attempts._failures) == NAMES
