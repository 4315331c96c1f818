"""How many have which of few values, as far as sums of them tell.

Decides, from how many records have each value (a tally) and from how many numbers are made of the values (a sum or mean is one,
a spread is one more), the smallest number of records that an answer tells. Everybody knows the values and how many
records there are. A number is told where no other tally gives the same answer: others differ from it by whole multiples of
relations between few of the values (`1, 2, 3`: two more of the 2 and one less of each other), and where a relation asks for
more than there are, there is no other. Relies on tallies of records. Does not know a rule.
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations

MOST = 16
"""Different values; of more only the largest can be read, where they are lengths apart."""

SMALL = 100
"""Records: no rule asks for so many."""

USUAL = 3
"""Values that nearly all may have; more are no trick."""

FEW = 4
"""Those who have others are few where they are less than one in so many."""


def told(tally: Mapping[float, int], moments: int) -> int | None:
    """The smallest number of records with one value that sums of the values tell; None where they tell none below `SMALL`."""
    values = sorted(value for value, count in tally.items() if count and math.isfinite(value))
    if len(values) < 2 or len(values) < len(tally):
        return None
    counts = [tally[value] for value in values]
    if len(values) > MOST:
        return min(_largest([abs(one) for one in values], counts), default=None)
    exact = [_exact(value) for value in values]
    several = moments + 2
    found = [
        count
        for place, count in enumerate(counts)
        if count < SMALL and not _other(place, exact, counts, several)
    ]
    return min(found, default=None)


def told_by_length(tally: Mapping[float, int]) -> int | None:
    """The number of records that make nearly all of a sum whose values have different lengths (powers of ten): those of the
    longest two; None where others are as long."""
    lengths = [one for one, count in tally.items() if count and math.isfinite(one)]
    longest = sum(tally[one] for one in lengths if one >= max(lengths) - 1)
    return longest if longest < min(SMALL, sum(tally[one] for one in lengths)) else None


def told_by_different(tally: Mapping[int, int], different: int) -> int | None:
    """The number of records that stand apart from the values that nearly all have, where most of those few have one of their own:
    the number of different values tells how many they are. `tally`: by marks of the values."""
    ordered = sorted(tally.values(), reverse=True)
    found = []
    for usual, most in enumerate(ordered[:USUAL], 1):
        few = sum(ordered[usual:])
        if 0 < few < min(SMALL, most) and FEW * few < sum(ordered) and 2 * (different - usual) > few:
            found.append(few)
    return min(found, default=None)


def _largest(values: Sequence[float], counts: Sequence[int]) -> list[int]:
    """The numbers of the largest values, as long as one is more than all that is below it."""
    ordered = sorted(zip(values, counts, strict=True), reverse=True)
    found = []
    for place, (value, count) in enumerate(ordered[:-1]):
        below = sum(one * number for one, number in ordered[place + 1 :])
        if value <= below:
            break
        found.append(count)
    return [one for one in found if one < SMALL]


def _other(place: int, values: Sequence[Fraction], counts: Sequence[int], several: int) -> bool:
    """Whether there may be more or fewer with the value at `place`, others making up for it."""
    rest = [one for one in range(len(values)) if one != place]
    for chosen in combinations(rest, several - 1):
        places = (place, *chosen)
        relation = _relation([values[one] for one in places])
        steps = list(zip((counts[one] for one in places), relation, strict=True))
        if all(count + step >= 0 for count, step in steps) or all(count >= step for count, step in steps):
            return True
    return False


def _relation(values: Sequence[Fraction]) -> list[int]:
    """The whole numbers without a common factor by which so many values may be more and fewer, their sums the same."""
    parts = []
    for place, value in enumerate(values):
        product = Fraction(1)
        for other in (*values[:place], *values[place + 1 :]):
            product *= value - other
        parts.append(1 / product)
    whole = math.lcm(*(part.denominator for part in parts))
    numbers = [int(part * whole) for part in parts]
    common = math.gcd(*numbers)
    return [number // common for number in numbers]


def _exact(value: float) -> Fraction:
    """A number as somebody wrote it: a fraction of small numbers, where it is one, else its decimals."""
    simple = Fraction(value).limit_denominator(10_000)
    if abs(float(simple) - value) <= 1e-12 * max(1.0, abs(value)):
        return simple
    return Fraction(f"{value:.12g}")
