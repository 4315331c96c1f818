"""What a published table with dashes still says of what it hides: how many hidden counts are exact, and how wide the rest are.

Decides the interval of every hidden count of a row whose total may be shown, for two attackers: one who knows that a hidden
count is at least 1 (zeros are shown), and one who knows the rule by which dashes were put (`public_tables.dashes`) too. Relies on
the interval audit of the engine (`interval.Solver`) for the first. Reports counts and widths, never a bound or a value. Does not:
join tables with each other, or rows that overlap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from enclave.disclosure.proof.interval import Bounds, Solver, System

Line = tuple[int | None, Sequence[int | None]]
"""The total and the details of a row; None where there is a dash."""


@dataclass(frozen=True)
class Widths:
    """hidden    hidden details
    exact     those that only one number fits
    narrow    those of at most `NARROW` possible numbers, the exact ones included
    endless   those without an upper end (their total is hidden too)
    median    of the numbers of possible counts, where there is an end; None where nowhere is
    """

    hidden: int
    exact: int
    narrow: int
    endless: int
    median: float | None


@dataclass(frozen=True)
class Audit:
    """`totals`: dashes in the place of a total; `alone`: rows with exactly one dash among the details and a shown total.
    `contradictory`: rows whose numbers are no sum; `unexplained`: rows whose dashes the rule does not give, so that knowing it tells
    nothing more. `ignorant`, `informed`: the two attackers."""

    rows: int
    cells: int
    totals: int
    alone: int
    contradictory: int
    unexplained: int
    ignorant: Widths
    informed: Widths


NARROW = 3


def bounds(total: int | None, details: Sequence[int | None]) -> list[Bounds] | None:
    """Of every hidden detail what fits the row, at least 1 each; None where the row contradicts itself."""
    hidden = [place for place, one in enumerate(details) if one is None]
    rest = None if total is None else total - sum(one for one in details if one is not None)
    rows = () if rest is None else ((dict.fromkeys(range(len(hidden)), 1), rest, rest),)
    if rest is not None and rest < len(hidden):
        return None
    solver = Solver(System(len(hidden), (1,) * len(hidden), rows))
    return [solver.bounds(place) for place in range(len(hidden))]


def informed_bounds(total: int | None, details: Sequence[int | None], n: int) -> list[Bounds] | None:
    """The same for who knows the rule of NDB Open Data 5 to 9: hidden is what is below `n`; where that is one place of the row
    alone (its total included), the smallest number of `n` or more besides, wherever it stands.

    None where no numbers fit. What both explanations allow together is one interval.
    """
    hidden = sum(one is None for one in details)
    shown = sum(one for one in details if one is not None)
    least = min((one for one in (total, *details) if one is not None and one >= n), default=None)
    found: list[Bounds] = []
    if total is None:
        # The total is below n, and then every detail is. Or it is itself the smallest of n or more, beside the one detail below n;
        # beside several hidden details it cannot be: one of them would be as large as the total.
        most = n - 1 - shown - (hidden - 1)
        if most >= 1:
            found.append((1, most))
        if hidden == 1 and (least is None or shown + 1 < least):
            top = n - 1 if least is None else min(n - 1, least - 1 - shown)
            if max(1, n - shown) <= top:
                found.append((max(1, n - shown), top))
    else:
        rest = total - shown
        low, high = max(1, rest - (n - 1) * (hidden - 1)), min(n - 1, rest - (hidden - 1))
        if low <= high and hidden > 1:
            found.append((low, high))
        if hidden > 1:
            # One is below n, the others are all the same number of n or more, smaller than everything shown from n on.
            for one in range(1, n):
                other, over = divmod(rest - one, hidden - 1)
                if not over and other >= n and (least is None or other < least):
                    found += [(one, one), (other, other)]
        elif hidden == 1 and rest >= 1:
            found.append((rest, rest))
    if not found:
        return None
    whole = (min(low for low, _ in found), max(high for _, high in found if high is not None))
    return [whole] * hidden


def _widths(found: Iterable[Bounds]) -> Widths:
    every = list(found)
    ended = [high - low + 1 for low, high in every if high is not None]
    return Widths(
        len(every),
        sum(width == 1 for width in ended),
        sum(width <= NARROW for width in ended),
        len(every) - len(ended),
        median(ended) if ended else None,
    )


def audit(table: Iterable[Line], n: int) -> Audit:
    """`n`: below which the rule hides. A row that contradicts itself (its total is no sum) says nothing and is counted apart."""
    rows = cells = totals = alone = wrong = unexplained = 0
    ignorant: list[Bounds] = []
    informed: list[Bounds] = []
    for total, details in table:
        rows, cells, totals = rows + 1, cells + len(details), totals + (total is None)
        hidden = sum(one is None for one in details)
        if not hidden:
            continue
        alone += hidden == 1 and total is not None
        plain, knowing = bounds(total, details), informed_bounds(total, details, n)
        if plain is None:
            wrong += 1
            continue
        unexplained += knowing is None
        ignorant += plain
        informed += plain if knowing is None else knowing
    return Audit(rows, cells, totals, alone, wrong, unexplained, _widths(ignorant), _widths(informed))
