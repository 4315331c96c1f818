"""What somebody counted of one cell, whatever the cell shows: the only thing that primary rules look at.

Decides whether the evidence is possible at all (`checked`). Knows no rule. Numbers are exact: whole numbers, decimals and
fractions as they are, a float by the digits that it is written with.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from enclave.core.refusal import Refused

Exact = int | Fraction | Decimal | float
"""What evidence may be given as; it is decided on as a fraction, never as a float."""


class Statistic(StrEnum):
    """What a cell shows.

    COUNT persons; SUM and MEAN of a value (their `total` is the sum); RATIO persons of persons (rate, proportion, odds);
    QUANTILE; EXTREME a minimum or maximum; SURVIVAL one step of a survival curve; MODEL a coefficient or test of a model;
    QUANTITY units dispensed, of which persons may not be known.
    """

    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"
    RATIO = "ratio"
    QUANTILE = "quantile"
    EXTREME = "extreme"
    SURVIVAL = "survival"
    MODEL = "model"
    QUANTITY = "quantity"


class Route(StrEnum):
    """How a drug is given. What is applied externally counts as oral (内服・外用)."""

    ORAL = "oral"
    INJECTION = "injection"


@dataclass(frozen=True)
class CellEvidence:
    """One cell. None is "nobody counted it": a rule that binds and asks for it finds the cell unsafe (`evidence_missing`).

    persons        distinct persons (or enterprises) behind the cell; of a ratio those in the denominator
    population     inhabitants of the cell's municipality; None where its area is none
    municipal      whether the cell is of one municipality (or ward of a designated city)
    institutions   distinct institutions (or insurers) behind the cell
    group          persons of the whole that the cell is a part of and whose number the reader knows, where there is one
    total          the sum of all contributions (SUM, MEAN), contributions being at least 0
    contributions  the largest contributions, descending; all of them where there are no more
    contributors   how many contributions there are; None: as many as persons
    numerator      persons in the numerator (RATIO)
    below, above   persons with a value at or below, at or above the one shown (QUANTILE)
    at             persons who have the very value shown (EXTREME)
    at_risk        persons at risk at the step (SURVIVAL)
    df             residual degrees of freedom, observations less parameters (MODEL); may be negative
    quantity       units dispensed, with their `route` (QUANTITY)
    """

    persons: int | None = None
    statistic: Statistic = Statistic.COUNT
    population: int | None = None
    municipal: bool = False
    institutions: int | None = None
    group: int | None = None
    total: Exact | None = None
    contributions: tuple[Exact, ...] = ()
    contributors: int | None = None
    numerator: int | None = None
    below: int | None = None
    above: int | None = None
    at: int | None = None
    at_risk: int | None = None
    df: int | None = None
    quantity: Exact | None = None
    route: Route | None = None


def exact(value: Exact, where: str) -> Fraction:
    """`value` as a fraction. Raises Refused `disclosure.not_finite`, or `.evidence_invalid` for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | Fraction | Decimal | float):
        raise Refused("disclosure.evidence_invalid", {"row": where})
    if not isinstance(value, int | Fraction) and not math.isfinite(value):
        raise Refused("disclosure.not_finite", {"column": where})
    return Fraction(str(value)) if isinstance(value, float) else Fraction(value)


_COUNTS = (
    "persons", "population", "institutions", "group", "contributors", "numerator", "below", "above", "at", "at_risk",
)  # fmt: skip


def _impossible(cell: CellEvidence) -> str | None:
    """The name of a number that contradicts another one."""
    persons = cell.persons
    if persons is not None:
        for name in ("numerator", "at", "at_risk"):
            part = getattr(cell, name)
            if part is not None and part > persons:
                return name
        if cell.group is not None and cell.group < persons:
            return "group"
        if cell.below is not None and cell.above is not None and cell.below + cell.above < persons:
            return "below"
    found = [exact(one, "contributions") for one in cell.contributions]
    if any(one < 0 for one in found) or found != sorted(found, reverse=True):
        return "contributions"
    if cell.contributors is not None and len(found) > cell.contributors:
        return "contributors"
    if cell.total is not None and (exact(cell.total, "total") < 0 or sum(found) > exact(cell.total, "total")):
        return "total"
    if cell.quantity is not None and exact(cell.quantity, "quantity") < 0:
        return "quantity"
    return None


def checked(cell: CellEvidence) -> CellEvidence:
    """`cell` itself where its numbers are possible.

    Raises Refused `disclosure.evidence_invalid` (facts `row`: the name of the number): a count that is no whole number of at
    least 0, a part larger than its whole, contributions that are negative, not descending or more than their total;
    `disclosure.not_finite`.
    """
    for name in _COUNTS:
        value = getattr(cell, name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise Refused("disclosure.evidence_invalid", {"row": name})
    if cell.df is not None and (not isinstance(cell.df, int) or isinstance(cell.df, bool)):
        raise Refused("disclosure.evidence_invalid", {"row": "df"})
    wrong = _impossible(cell)
    if wrong is not None:
        raise Refused("disclosure.evidence_invalid", {"row": wrong})
    return cell


def of_maxima(count: int, value: Exact, max1: Exact | None, max2: Exact | None) -> CellEvidence:
    """The evidence of one line of a table to protect: a sum of `count` contributions of which at most two are known.

    Who stands alone in a cell contributed all of it. Raises as `checked` does, there, not here.
    """
    if count == 1 and max1 is None:
        max1 = value
    known = tuple(one for one in (max1, None if max1 is None else max2) if one is not None)
    return CellEvidence(count, Statistic.SUM, total=value, contributions=known[:count], contributors=count)
