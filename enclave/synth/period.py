"""The years that a run covers, as months and days. Decides nothing else.

Years are Japanese fiscal years (April to March), as the claims are counted. Days are days since 1970-01-01 (Arrow's
date32); months count from the first month of the run; `era` months count from the year 0.
"""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from enclave.synth.draws import Array

NEVER = 2**30
"""A day or month that does not come."""

EPOCH = date(1970, 1, 1).toordinal()


def day_of(year: int, month: int, day: int = 1) -> int:
    return date(year, month, day).toordinal() - EPOCH


def era_month(days: Array) -> Array:
    """Days → months since the year 0 (year × 12 + month − 1)."""
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return (months + 1970 * 12).astype(np.int32)


@dataclass(frozen=True)
class Window:
    """Fiscal years `first` to `last`, both included."""

    first: int
    last: int

    @property
    def years(self) -> int:
        return self.last - self.first + 1

    @property
    def months(self) -> int:
        return 12 * self.years

    @property
    def start(self) -> int:
        return day_of(self.first, 4)

    @property
    def end(self) -> int:
        """The first day after the window."""
        return day_of(self.last + 1, 4)

    @property
    def era0(self) -> int:
        """The first month, counted from the year 0."""
        return self.first * 12 + 3

    @cached_property
    def month_start(self) -> Array:
        """First day of each month, and of the month after the last."""
        months = [divmod(self.era0 + m, 12) for m in range(self.months + 1)]
        return np.array([day_of(y, m + 1) for y, m in months], dtype=np.int32)

    @cached_property
    def month_days(self) -> Array:
        return np.diff(self.month_start).astype(np.int32)

    @cached_property
    def month_of_day(self) -> Array:
        """Month of each day of the window, indexed by day − start."""
        return np.repeat(np.arange(self.months, dtype=np.int16), self.month_days)

    def month(self, days: Array) -> Array:
        """Month of days inside the window."""
        months: Array = self.month_of_day[np.asarray(days) - self.start]
        return months

    def month_at(self, year: int, month: int) -> int:
        """A calendar month as a month of the window; negative or beyond the end where it lies outside."""
        return year * 12 + month - 1 - self.era0

    def fiscal_start(self, fiscal_year: int) -> int:
        return day_of(fiscal_year, 4)

    @property
    def claims_year(self) -> int:
        """The year of the window that is nearest to the published claims (FY2022)."""
        return min(max(2022, self.first), self.last)

    @property
    def checkup_year(self) -> int:
        """The year of the window that is nearest to the published check-ups (FY2021)."""
        return min(max(2021, self.first), self.last)

    @property
    def reference(self) -> int:
        """The day on which the population has its published structure: 1 October of the claims' year."""
        return day_of(self.claims_year, 10)
