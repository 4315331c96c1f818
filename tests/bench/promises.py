"""What is promised, as rows: a figure, the bare part's figure beside it, and whether the promise is kept.

Decides when a promise counts as kept. Pure: measuring is elsewhere, printing too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median, quantiles

Words = tuple[str, str]
"""Japanese, English."""


class Unit(StrEnum):
    MILLISECONDS = "ms"
    SECONDS = "s"
    MEBIBYTES = "MiB"
    TIMES = "×"


class Verdict(StrEnum):
    """UNMEASURED is no failure: some figures come from a run that need not have happened on this machine."""

    MET = "met"
    MISSED = "missed"
    FAILED = "failed"
    UNMEASURED = "unmeasured"
    INFORMATION = "information"


@dataclass(frozen=True)
class Target:
    """At most `most`; where `above`, of what comes on top of the bare part's figure."""

    most: float
    above: bool = False


@dataclass(frozen=True)
class Line:
    """A part of a row's figure, below it. `bare` where that part has a bare part of its own."""

    words: Words
    measured: float
    unit: Unit
    bare: float | None = None


@dataclass(frozen=True)
class Row:
    """One promise. `extra` is the figure that an `above` target judges: the median of the differences, pair by pair.

    `failed` is what went wrong while measuring; `note` says where a figure comes from, or why there is none.
    """

    id: str
    words: Words
    unit: Unit
    measured: float | None = None
    bare: float | None = None
    bare_words: Words = ("", "")
    target: Target | None = None
    extra: float | None = None
    runs: int | None = None
    note: Words = ("", "")
    failed: str = ""
    lines: tuple[Line, ...] = ()

    @property
    def ratio(self) -> float | None:
        return ratio(self.measured, self.bare)

    @property
    def judged(self) -> float | None:
        """The figure that the target is about."""
        return self.extra if self.target is not None and self.target.above else self.measured

    @property
    def verdict(self) -> Verdict:
        if self.failed:
            return Verdict.FAILED
        if self.target is None:
            return Verdict.UNMEASURED if self.measured is None else Verdict.INFORMATION
        if self.judged is None:
            return Verdict.UNMEASURED
        return Verdict.MET if self.judged <= self.target.most else Verdict.MISSED


def ratio(measured: float | None, bare: float | None) -> float | None:
    return None if measured is None or not bare else measured / bare


def status(rows: Sequence[Row]) -> int:
    """Exit status: 1 where a promise was missed, or could not be measured although it should have been."""
    return int(any(row.verdict in {Verdict.MISSED, Verdict.FAILED} for row in rows))


def p50(values: Sequence[float]) -> float:
    return median(values)


def p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


def p50_extra(measured: Sequence[float], bare: Sequence[float]) -> float:
    """The median of what each run took above the bare run beside it, so that a busy moment weighs on both."""
    return median(a - b for a, b in zip(measured, bare, strict=True))
