"""What the benchmark says of a figure, as a table; and that both languages are there."""

import pytest

from tests.bench.promises import Row, Target, Unit, Verdict, p50_extra, status
from tests.bench.sheet import HEADS, VERDICTS
from tests.bench.starts import whole_run

WORDS = ("約束", "promise")
WITHIN_25 = Target(25.0, above=True)


def row(**facts: object) -> Row:
    return Row("x", WORDS, Unit.MILLISECONDS, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (row(measured=4.0, target=Target(4.0)), Verdict.MET),
        (row(measured=4.1, target=Target(4.0)), Verdict.MISSED),
        (row(measured=90.0, bare=70.0, extra=20.0, target=WITHIN_25), Verdict.MET),
        (row(measured=30.0, bare=1.0, extra=29.0, target=WITHIN_25), Verdict.MISSED),
        (row(measured=20.0, bare=1.0, target=WITHIN_25), Verdict.UNMEASURED),
        (row(target=Target(4.0)), Verdict.UNMEASURED),
        (row(measured=1.0, target=Target(4.0), failed="it broke"), Verdict.FAILED),
        (row(measured=900.0), Verdict.INFORMATION),
        (row(), Verdict.UNMEASURED),
    ],
)
def test_a_promise_is_kept_only_by_a_figure_within_its_target(one: Row, verdict: Verdict) -> None:
    """A figure at the target is within it; what was not measured is neither kept nor missed; a failure is never kept."""
    assert one.verdict is verdict


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([row(measured=1.0, target=Target(4.0)), row(), row(measured=9.0)], 0),
        ([row(measured=1.0, target=Target(4.0)), row(measured=5.0, target=Target(4.0))], 1),
        ([row(failed="it broke", target=Target(0.0))], 1),
    ],
)
def test_one_missed_promise_is_enough_to_fail(verdicts: list[Row], expected: int) -> None:
    """Figures without a target, and promises that were not measured here, fail nothing."""
    assert status(verdicts) == expected


def test_a_busy_moment_weighs_on_both_sides_of_a_pair() -> None:
    """The extra is the median of the differences: three runs beside a slow bare run are not counted as ours."""
    assert p50_extra([30.0, 130.0, 131.0, 132.0, 29.0], [10.0, 110.0, 111.0, 112.0, 9.0]) == 20.0


SET_UP = {"made": ["images", "python"], "seconds": 170.4, "at": 1000}


def test_the_first_whole_run_after_a_set_up_is_a_fresh_machines() -> None:
    """Its time is the set-up's and the tests'; the next run is a warm one, and both figures stay known."""
    first = whole_run({}, SET_UP, 700, 1900)
    assert first == {"seconds": 870, "fresh": True, "at": 1900, "fresh_s": 870}
    second = whole_run(first, SET_UP, 650, 3000)
    assert second == {"seconds": 650, "fresh": False, "at": 3000, "fresh_s": 870, "warm_s": 650}
    assert whole_run(second, SET_UP | {"at": 4000, "seconds": 30}, 640, 5000)["fresh"] is True
    assert whole_run({}, {}, 640, 5000) == {"seconds": 640, "fresh": False, "at": 5000, "warm_s": 640}


def test_every_word_of_the_table_is_there_in_both_languages() -> None:
    """A verdict that has no word in one language has none in the other."""
    for japanese, english in (*HEADS, *VERDICTS.values()):
        assert bool(japanese) == bool(english)
        assert not japanese or japanese != english
