"""The table that asks to be shown, the table that may be, and its wire form.

Decides: what a well-formed table is (`checked`), and what a hidden number looks like outside (`columns`).
Relies on: the caller's evidence: how many distinct persons stand behind each number. Does not: know a rule.
Hidden is not zero: a suppressed cell is a type of its own all the way to the screen and the file.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum
from fractions import Fraction
from typing import Final

from enclave.core.refusal import Refused


class Total(Enum):
    """The key of a rolled-up dimension. Taken from GROUPING bits, never from null: null is a category of its own."""

    TOTAL = "total"

    # It is in most keys, and keys are looked up all the time: an enumeration's own hash is a call of Python.
    __hash__ = object.__hash__


TOTAL: Final = Total.TOTAL


class MeasureKind(StrEnum):
    """What a measure's value tells, which decides what can be subtracted from it (see `primary`).

    COUNT counts rows or persons; SUM and MEAN of one expression can be subtracted from each other;
    OTHER (quantiles, extremes, ratios) cannot.
    """

    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"
    OTHER = "other"


@dataclass(frozen=True)
class Measure:
    """A value column.

    `of`: the expression that a sum or mean is taken of, or the condition that a count counts; two measures with
    different `of` are stated not to be subtractable from each other. None is read as "maybe the same as any other",
    which hides more. `group`: it shows nothing, and stands for a group that can be read in the row where it is not empty.
    `rest`: whom a count leaves out of its row is such a group of its own, so that its persons are subtracted from no others: of
    records, persons can be on both sides.
    """

    name: str
    kind: MeasureKind = MeasureKind.COUNT
    of: str | None = None
    group: bool = False
    rest: bool = False

    @property
    def leaves_over(self) -> bool:
        """Whether its persons are subtracted from the row's."""
        return self.kind is MeasureKind.COUNT and not self.rest


@dataclass(frozen=True)
class Row:
    """One row as the engine answered it.

    keys          per dimension a value, None (a null category) or TOTAL
    values        per measure
    persons       per measure the distinct persons behind its value (FILTER and non-null counted), whole, ≥ 0
    row_persons   the distinct persons of the row; None: the largest of `persons`
    institutions  numbers of distinct institutions, behind the row and behind whatever can be read in it; as many in each
                  row, in the same order; none where no institution stands behind the table; None where nobody counted
    population    inhabitants of the row's area, where a dimension is an area
    beside        persons of the smallest group that is left over between the row and others, where cells may lie in one another
                  (`contained`); 0: none. Of the row alone: nothing adds up to it
    """

    keys: tuple[object, ...]
    values: tuple[object, ...]
    persons: tuple[int, ...]
    row_persons: int | None = None
    institutions: tuple[int, ...] | None = None
    population: int | None = None
    beside: int = 0

    @property
    def total_persons(self) -> int:
        return max(self.persons, default=0) if self.row_persons is None else self.row_persons


@dataclass(frozen=True)
class Inhabitants:
    """How many inhabitants the smallest area has that a row can be about, by its keys.

    `places` are dimensions that tell an area: which one, and the inhabitants by its key (None: no area at all; an area that is
    not there counts as having none). `within`: what the rows of the whole table are restricted to, with the dimension that tells
    as much where it is no total.
    """

    places: tuple[tuple[int, Mapping[object, int | None]], ...] = ()
    within: tuple[tuple[int | None, int], ...] = ()

    def of(self, keys: tuple[object, ...]) -> int | None:
        """None: the row is about no area that has a number of its own, or about all of them together."""
        found = [known.get(keys[place], 0) for place, known in self.places if keys[place] is not TOTAL]
        found += [least for place, least in self.within if place is None or keys[place] is TOTAL]
        return min((one for one in found if one is not None), default=None)


@dataclass(frozen=True)
class Inside:
    """Whoever stands behind a measure of the row `inner` (-1: behind the row) stands behind it in the row `outer` too, which are
    of the same dimensions and few persons apart, or none."""

    measure: int
    inner: tuple[object, ...]
    outer: tuple[object, ...]


@dataclass(frozen=True)
class Contribution:
    """What persons contribute to one number of a cell: the number (`sum`), the sum of all contributions without their signs
    (`total`), the largest of them, descending, and how many persons contribute something. Somebody who contributes, and a total
    of nothing: beyond all numbers."""

    sum: Fraction
    total: Fraction
    largest: tuple[Fraction, ...]
    persons: int


@dataclass(frozen=True)
class Contributed:
    """One number that persons contribute to. `adds`: a total is the sum of its details; `whole`: it is a column of the answer, not
    what several leave over."""

    adds: bool = True
    whole: bool = True


@dataclass(frozen=True)
class Contributions:
    """What persons contribute to each number of each cell that is not empty, and of each total that could be asked for."""

    series: tuple[Contributed, ...]
    cells: tuple[tuple[tuple[object, ...], tuple[Contribution, ...]], ...]


@dataclass(frozen=True)
class Table:
    """A whole answer: every row that is not there is an empty cell, known to all to be zero.

    So nothing may have taken rows away by their values before protection (HAVING, LIMIT). `inhabitants` speaks of the
    totals that could be asked for besides, as `Row.population` does of rows; None where no area is a dimension. `inside`: which
    rows are known to lie in others. `contributions`: None where nobody counted them.
    """

    dimensions: tuple[str, ...]
    measures: tuple[Measure, ...]
    rows: tuple[Row, ...]
    inhabitants: Inhabitants | None = None
    contributions: Contributions | None = None
    inside: tuple[Inside, ...] = ()


class Reason(StrEnum):
    """Why a cell is hidden. Helps an attacker: only the checker sees it."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    BLOCK = "block"
    """An area with too few persons (aggregate tier); answered together with others, before protection."""


@dataclass(frozen=True)
class Shown:
    value: object


@dataclass(frozen=True)
class Hidden:
    reason: Reason


@dataclass(frozen=True)
class Perturbed:
    value: object
    rule: str


Cell = Shown | Hidden | Perturbed


@dataclass(frozen=True)
class ProtectedRow:
    keys: tuple[object, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class ProtectedTable:
    """What may leave. Rows in the order of the table that came in."""

    dimensions: tuple[str, ...]
    measures: tuple[Measure, ...]
    rows: tuple[ProtectedRow, ...]
    rule_sets: tuple[str, ...]

    def tally(self) -> dict[str, int]:
        """The receipt's `cells`: how many cells are shown, hidden and perturbed."""
        counts = {"shown": 0, "hidden": 0, "perturbed": 0}
        for row in self.rows:
            for cell in row.cells:
                counts[status(cell)] += 1
        return counts


def status(cell: Cell) -> str:
    """`shown`, `hidden` or `perturbed`: all that the asker learns of a cell besides its value."""
    match cell:
        case Shown():
            return "shown"
        case Hidden():
            return "hidden"
        case Perturbed():
            return "perturbed"


def value_of(cell: Cell) -> object:
    """The value on the wire: None where it is hidden."""
    return None if isinstance(cell, Hidden) else cell.value


def canonical(keys: tuple[object, ...]) -> tuple[tuple[str, str], ...]:
    """An order of rows that does not depend on the engine's: the same numbers get the same pattern."""
    return tuple((type(key).__name__, repr(key)) for key in keys)


def _finite(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value.is_finite() if isinstance(value, Decimal) else True


def _evidence(row: Row, number: int, measures: int) -> None:
    total = row.total_persons
    if len(row.persons) != measures:
        raise Refused("disclosure.no_evidence", {"row": number})
    counts = (*row.persons, total, row.beside, *(row.institutions or ()))
    if not all(isinstance(count, int) and not isinstance(count, bool) for count in counts):
        raise Refused("disclosure.evidence_invalid", {"row": number})
    if min(counts) < 0 or max(row.persons, default=0) > total:
        raise Refused("disclosure.evidence_invalid", {"row": number})


def checked(table: Table) -> Table:
    """`table` itself where it is well-formed.

    Raises Refused `disclosure.shape`, `.not_finite`, `.no_evidence`, `.evidence_invalid`, `.duplicate_row`; the
    facts name rows by number (from 1) and columns by name, never by value.
    """
    names = [*table.dimensions, *(measure.name for measure in table.measures)]
    if len(set(names)) != len(names):
        raise Refused("disclosure.shape", {"row": 0})
    if len({None if row.institutions is None else len(row.institutions) for row in table.rows}) > 1:
        raise Refused("disclosure.shape", {"row": 0})
    seen: set[tuple[tuple[str, str], ...]] = set()
    for number, row in enumerate(table.rows, start=1):
        if len(row.keys) != len(table.dimensions) or len(row.values) != len(table.measures):
            raise Refused("disclosure.shape", {"row": number})
        written = (*row.keys, *row.values)
        if not all(map(_finite, written)):
            name = next(name for name, value in zip(names, written, strict=True) if not _finite(value))
            raise Refused("disclosure.not_finite", {"row": number, "column": name})
        _evidence(row, number, len(table.measures))
        key = canonical(row.keys)
        if key in seen:
            raise Refused("disclosure.duplicate_row", {"row": number})
        seen.add(key)
    there = {row.keys for row in table.rows} if table.inside else set()
    if any(one.inner not in there or one.outer not in there for one in table.inside):
        raise Refused("disclosure.shape", {"row": 0})
    return table


def columns(table: ProtectedTable) -> dict[str, list[object]]:
    """The wire form: every value column has a companion `<column>_status`, its value None where hidden.

    A dimension in which some row is a total gets `<dimension>_status` (`detail` or `total`) as well, so that a
    total is never mistaken for a null category. Raises Refused `disclosure.name_taken` where a companion's name
    is already a column.
    """
    out: dict[str, list[object]] = {}

    def put(name: str, column: list[object]) -> None:
        if name in out:
            raise Refused("disclosure.name_taken", {"column": name})
        out[name] = column

    for place, dimension in enumerate(table.dimensions):
        keys = [row.keys[place] for row in table.rows]
        put(dimension, [None if key is TOTAL else key for key in keys])
        if TOTAL in keys:
            put(f"{dimension}_status", ["total" if key is TOTAL else "detail" for key in keys])
    for place, measure in enumerate(table.measures):
        put(measure.name, [value_of(row.cells[place]) for row in table.rows])
        put(f"{measure.name}_status", [status(row.cells[place]) for row in table.rows])
    return out


def reasons(table: ProtectedTable) -> dict[str, list[str | None]]:
    """The checker's view only: per measure and row why it is hidden, None where it is not."""
    found: Mapping[str, list[str | None]] = {
        measure.name: [
            cell.reason.value if isinstance(cell := row.cells[place], Hidden) else None for row in table.rows
        ]
        for place, measure in enumerate(table.measures)
    }
    return dict(found)
