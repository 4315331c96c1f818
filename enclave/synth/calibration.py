"""Real beside synthetic: the published tables, what the invented people show, and whether they agree.

Decides agreement: a count agrees where it is within 5 % of the published one (scaled to the number of people) or
within three standard errors, whichever is wider. Amounts that one person repeats (visits, tablets) have a standard
error over persons; counts so small that the normal approximation fails are judged by the Poisson distribution at the
same level. Relies on the counts that the run left in `truth/counted.parquet` and on the tables of `data/`.
"""

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from enclave.synth import counting, fitted, tables
from enclave.synth.draws import Array
from enclave.synth.population import REAL_PEOPLE

WITHIN = 0.05
ERRORS = 3.0
TAIL = 0.00135
"""One-sided chance beyond three standard errors."""

SMALL = 25
"""Below this expected count the Poisson distribution decides."""


@dataclass(frozen=True)
class Compared:
    """One number. `expected` is the published one scaled to the run's people; `error` its standard error."""

    part: str
    item: str
    cell: str
    expected: float
    found: float
    error: float
    counts: bool = True

    @property
    def allowed(self) -> float:
        return max(WITHIN * abs(self.expected), ERRORS * self.error)

    @property
    def agrees(self) -> bool:
        if abs(self.found - self.expected) <= self.allowed:
            return True
        if not self.counts or self.expected >= SMALL:
            return False
        return _poisson_tail(self.expected, round(self.found)) > TAIL


def _poisson_tail(mean: float, count: int) -> float:
    """Chance of a count at least as far out on its side."""
    if mean <= 0:
        return 1.0 if count == 0 else 0.0
    terms = [math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(count + 1)]
    below = sum(terms)
    return below if count < mean else 1 - below + terms[-1]


def published() -> dict[tuple[str, str], Array]:
    """Published numbers by (kind, item): 38 cells each."""
    found: dict[tuple[str, str], Array] = {}
    for row in tables.rows("visit_fees"):
        found["fee", row["kubun"]] = tables.cells(row)
    for row in tables.rows("procedures"):
        found["operation" if row["setting"] == "in" else "outpatient", row["act_code"]] = tables.cells(row)
    for row in tables.rows("drug_units"):
        found["drug", row["yj7"]] = tables.cells(row)
    return found


def counted(folder: Path) -> tuple[dict[tuple[str, str], Array], dict[tuple[str, str], Array]]:
    """(amounts, sums of squares) by (kind, item) of a run."""
    table = pq.read_table(folder / "truth" / "counted.parquet")
    position = {item: number for number, item in enumerate(counting.items())}
    keys = zip(table["kind"].to_pylist(), table["item"].to_pylist(), strict=True)
    number = np.array([position[key] for key in keys])
    place = number * 38 + table["cell"].to_numpy()
    size = len(position) * 38
    amounts = np.bincount(place, table["amount"].to_numpy(), size).reshape(-1, 38)
    squares = np.bincount(place, table["squares"].to_numpy(), size).reshape(-1, 38)
    return dict(zip(position, amounts, strict=True)), dict(zip(position, squares, strict=True))


def scale(folder: Path) -> float:
    """Invented people per real one: residents on the reference day over those of the country."""
    return living(folder) / REAL_PEOPLE


def living(folder: Path) -> int:
    """Invented residents on the reference day."""
    table = pq.read_table(folder / "truth" / "persons.parquet", columns=["resident"])
    return int(np.asarray(table["resident"]).sum())


def claims(folder: Path) -> Iterator[Compared]:
    """Fees, operations and drugs by sex and age."""
    amounts, squares = counted(folder)
    factor = scale(folder)
    for (kind, item), real in published().items():
        expected = real * factor
        for cell in range(38):
            if real[cell] == 0:
                continue  # masked or none: the ministry shows neither
            square = max(
                float(squares[kind, item][cell]),
                _typical(amounts[kind, item], squares[kind, item]) * expected[cell],
            )
            yield Compared(
                kind, item, tables.CELLS[cell], float(expected[cell]), float(amounts[kind, item][cell]),
                math.sqrt(max(square, 1e-9)), counts=kind in {"operation", "outpatient"},
            )  # fmt: skip


def totals(folder: Path) -> Iterator[Compared]:
    """Every fee, operation and drug over the cells that are published."""
    amounts, squares = counted(folder)
    factor = scale(folder)
    for (kind, item), real in published().items():
        shown = real > 0
        found, expected = float(amounts[kind, item][shown].sum()), float(real.sum() * factor)
        typical = _typical(amounts[kind, item], squares[kind, item])
        square = max(float(squares[kind, item][shown].sum()), typical * expected)
        yield Compared(
            "totals", f"{kind} {item}", "", expected, found, math.sqrt(square),
            counts=kind in {"operation", "outpatient"},
        )  # fmt: skip


def _typical(amounts: Array, squares: Array) -> float:
    """What a person who has any has, on average (weighted by amount)."""
    return float(squares.sum() / amounts.sum()) if amounts.sum() > 0 else 1.0


def refit(folders: Sequence[Path], to: Path, strength: float = 1.0) -> None:
    """Multiply the factors by published ÷ counted, cell by cell, over several runs together.

    What chance explains is left alone: a deviation of less than a standard error or so changes nothing, a large one
    counts in full, otherwise the factors would learn the runs' noise. Where little is seen, the item's own ratio.
    """
    runs = [counted(folder) for folder in folders]
    factor = sum(scale(folder) for folder in folders)
    amounts = {key: np.sum([run[0][key] for run in runs], axis=0) for key in published()}
    squares = {key: np.sum([run[1][key] for run in runs], axis=0) for key in published()}
    rows = []
    for (kind, item), real in published().items():
        expected, found = real * factor, amounts[kind, item]
        if expected.sum() == 0 or found.sum() == 0:
            ratio = np.ones(38)
        else:
            whole = expected.sum() / found.sum()
            typical = _typical(found, squares[kind, item])
            prior = 60 * typical
            ratio = (expected + prior * whole) / (found + prior)
            spread = np.maximum(np.abs(expected - found), 1e-9) ** 2 / (
                typical * np.maximum(expected, typical)
            )
            ratio = ratio ** (1 - 2 / np.maximum(spread, 2))
        updated = fitted.factor(kind, item) * ratio.clip(0.3, 3.0) ** strength
        rows.append([kind, item, *[f"{value:.3g}" for value in updated.clip(0.02, 20)]])
    with to.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["kind", "item", *tables.CELLS])
        writer.writerows(rows)
