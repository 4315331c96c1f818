"""The cell-key method: small, unbiased noise on the counts of public tables, the same for the same persons every time.

Decides what a count becomes, from a rule set's parameters and the key of the cell. A record of a person has a key of 32 bits;
the key of a cell is the sum of its records' keys modulo 2^32; a count and the cell's key name one entry of a published table of
probabilities (`Ptable`). Relies on record keys that nobody outside knows (`record_key`: a keyed hash, kept in custody).

What it does *not* do (docs/perturbation.md says it to readers): protect by itself a person whose cell is asked for again under
other conditions that keep the same persons but one (the noise of two such cells is independent, and many pairs average out),
keep totals equal to the sums of their details, or hide anything from whoever knows the record keys. Zeros stay zeros.

Sources: Fraser, Wooton: A proposed method for confidentialising tabular output to protect against differencing (UNECE/Eurostat
work session on statistical data confidentiality, 2005); Thompson, Broadfoot, Elazar: Methodology for the automatic
confidentialisation of statistical outputs from remote servers at the ABS (2013); Giessing: Computational issues in the design of
transition probabilities (PSD 2016), whose conditions on a row (mean 0, a given variance, no result in a gap, greatest entropy)
are those of the packages `ptable` and `cellKey` (Enderle, Meindl).
"""

import hmac
import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256

from enclave.core.refusal import Refused
from enclave.disclosure.criteria.rule_forms import feasible

KEYS = 1 << 32
"""A record key and a cell key are whole numbers below this."""


@dataclass(frozen=True)
class Parameters:
    """`most`: the greatest deviation (D). `variance`: of the noise of every count above 0. `gap`: counts of 1 to `gap` never
    appear (js)."""

    most: int
    variance: Fraction
    gap: int = 0


def parameters(rule: Mapping[str, int | Fraction]) -> Parameters:
    """Those of a rule set's `perturbation`."""
    return Parameters(int(rule["max_deviation"]), Fraction(rule["variance"]), int(rule["none_up_to"]))


def record_key(person: int, secret: bytes) -> int:
    """The key of a person's record: the same in every table of a population, and to be guessed by nobody without `secret`
    (at least 16 bytes). `person`: the population's own number. Raises ValueError."""
    if len(secret) < 16 or person < 0:
        raise ValueError("a secret of at least 16 bytes and a number of a person")
    said = b"enclave.record-key/1|" + str(person).encode()
    return int.from_bytes(hmac.new(secret, said, sha256).digest()[:4], "big")


def cell_key(records: Iterable[int]) -> int:
    """The key of a cell: the same persons, the same key, in whatever order and table."""
    return sum(records) % KEYS


@dataclass(frozen=True)
class Transition:
    """One row: what a count may become, ascending, and up to which key (excluded) each is chosen. The last end is `KEYS`."""

    results: tuple[int, ...]
    ends: tuple[int, ...]

    def of(self, key: int) -> int:
        return self.results[bisect_right(self.ends, key)]

    def probabilities(self) -> tuple[Fraction, ...]:
        return tuple(
            Fraction(end - begin, KEYS) for begin, end in zip((0, *self.ends), self.ends, strict=False)
        )

    def moment(self, count: int, power: int) -> Fraction:
        """The mean of the noise to a power, exactly."""
        chances = zip(self.results, self.probabilities(), strict=True)
        return sum((chance * (result - count) ** power for result, chance in chances), Fraction(0))


@dataclass(frozen=True)
class Ptable:
    """The table of probabilities: `rows[i - 1]` for a count of i; the last for every count from there on, as shifts."""

    parameters: Parameters
    rows: tuple[Transition, ...]

    def perturbed(self, count: int, key: int) -> int:
        """What is shown for `count` persons under the cell's key. Raises Refused `disclosure.evidence_invalid` for a negative count
        or a key out of its range."""
        if count < 0 or not 0 <= key < KEYS:
            raise Refused("disclosure.evidence_invalid", {"row": "count" if count < 0 else "key"})
        if count == 0:
            return 0
        row = min(count, len(self.rows))
        return self.rows[row - 1].of(key) + count - row

    def published(self) -> dict[str, object]:
        """Parameters, probabilities and error, as anybody may know them: counts to their possible results."""
        last = len(self.rows)
        return {
            "method": "cell_key",
            "max_deviation": self.parameters.most,
            "variance": str(self.parameters.variance),
            "none_up_to": self.parameters.gap,
            "zero": "stays 0",
            "rows": [
                {
                    "count": f"{count}+" if count == last else str(count),
                    "deviation": {
                        str(result - count): round(float(chance), 9)
                        for result, chance in zip(row.results, row.probabilities(), strict=True)
                    },
                    "mean": round(float(row.moment(count, 1)), 9),
                    "standard_deviation": round(math.sqrt(row.moment(count, 2)), 6),
                    "unchanged": round(
                        float(
                            sum(
                                p for r, p in zip(row.results, row.probabilities(), strict=True) if r == count
                            )
                        ),
                        6,
                    ),
                }
                for count, row in enumerate(self.rows, start=1)
            ],
        }


def ptable(given: Parameters) -> Ptable:
    """The table of `given`: for every count the distribution of greatest entropy with mean 0 and the variance asked for.

    Raises Refused `disclosure.rule_invalid` where some count has no such distribution (a variance too small for the gap, or too
    large for the deviation).
    """
    rows = []
    for count in range(1, given.most + given.gap + 2):
        shifts = [v for v in range(-given.most, given.most + 1) if count + v == 0 or count + v > given.gap]
        if not feasible(shifts, given.variance):
            needs = f"a variance that a count of {count} can have"
            raise Refused("disclosure.rule_invalid", {"where": "perturbation.variance", "needs": needs})
        chances = _entropic(shifts, float(given.variance))
        rows.append(_exactly([count + v for v in shifts], chances))
    return Ptable(given, tuple(rows))


def _entropic(shifts: Sequence[int], variance: float) -> list[float]:
    """p proportional to exp(a v + b v^2) with mean 0 and the variance: Newton's method on the convex dual."""
    scale = float(max(abs(shift) for shift in shifts))
    points = [(shift / scale, (shift / scale) ** 2 - variance / scale**2) for shift in shifts]
    a = b = 0.0

    def chances(a: float, b: float) -> tuple[float, list[float]]:
        powers = [a * x + b * y for x, y in points]
        top = max(powers)
        weights = [math.exp(power - top) for power in powers]
        whole = math.fsum(weights)
        return top + math.log(whole), [weight / whole for weight in weights]

    value, p = chances(a, b)
    for _ in range(200):
        gx = math.fsum(w * x for w, (x, _) in zip(p, points, strict=True))
        gy = math.fsum(w * y for w, (_, y) in zip(p, points, strict=True))
        if max(abs(gx), abs(gy)) < 1e-13:
            break
        xx = math.fsum(w * x * x for w, (x, _) in zip(p, points, strict=True)) - gx * gx + 1e-15
        xy = math.fsum(w * x * y for w, (x, y) in zip(p, points, strict=True)) - gx * gy
        yy = math.fsum(w * y * y for w, (_, y) in zip(p, points, strict=True)) - gy * gy + 1e-15
        det = xx * yy - xy * xy
        da, db = -(yy * gx - xy * gy) / det, -(xx * gy - xy * gx) / det
        step = 1.0
        while step > 1e-12:
            found, tried = chances(a + step * da, b + step * db)
            if found <= value + 1e-4 * step * (gx * da + gy * db) + 1e-16:
                break
            step /= 2
        a, b, value, p = a + step * da, b + step * db, found, tried
    return p


def _exactly(results: Sequence[int], chances: Sequence[float]) -> Transition:
    """Ends among the keys: cumulated chances to the nearest whole key."""
    ends, whole = [], 0.0
    for chance in chances:
        whole += chance
        ends.append(min(KEYS, round(whole * KEYS)))
    ends[-1] = KEYS
    kept = [(r, end) for r, end, before in zip(results, ends, (0, *ends), strict=False) if end > before]
    return Transition(tuple(r for r, _ in kept), tuple(end for _, end in kept))


@dataclass(frozen=True)
class Error:
    """What the noise did to one table; for the checker, since it is a function of the noise itself.

    cells, unchanged   counts above 0, and those that stayed
    mean, variance     of the deviations; `absolute`: mean of their sizes; `largest`
    hellinger          distance of the two tables as distributions, 0 (the same) to 1
    not_additive       totals that are no longer the sum of their details, of all `totals`
    """

    cells: int
    unchanged: int
    mean: float
    variance: float
    absolute: float
    largest: int
    hellinger: float
    totals: int
    not_additive: int


def error(before: Sequence[int], after: Sequence[int], sums: Sequence[tuple[int, Sequence[int]]]) -> Error:
    """`sums`: places of totals and of their details."""
    moved = [new - old for old, new in zip(before, after, strict=True) if old]
    n = len(moved)
    mean = sum(moved) / n if n else 0.0
    whole, shown = sum(before) or 1, sum(after) or 1
    overlap = math.fsum(math.sqrt(old / whole * new / shown) for old, new in zip(before, after, strict=True))
    broken = sum(after[total] != sum(after[place] for place in details) for total, details in sums)
    return Error(
        n,
        sum(not move for move in moved),
        mean,
        math.fsum((move - mean) ** 2 for move in moved) / n if n else 0.0,
        sum(abs(move) for move in moved) / n if n else 0.0,
        max((abs(move) for move in moved), default=0),
        math.sqrt(max(0.0, 1 - overlap)),
        len(sums),
        broken,
    )
