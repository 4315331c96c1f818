"""Primary rules, cell by cell: which of the binding rules find one cell unsafe, and how far it must then be protected.

Decides from evidence alone (`CellEvidence`), in exact arithmetic, every rule for itself: an unsafe cell names them all.
Relies on `Rules`, in which the strictest of several sets already binds. Does not: look at other cells (that is secondary
suppression) or at the categories of a table (`categories`). The same decision, written a second time from the files alone, is
`policies/enclave/disclosure/cell.rego`; a test asks both about the same cells.

What a rule needs and nobody counted makes the cell unsafe (`evidence_missing`): a rule that cannot be applied is not kept.

Sources of the definitions: the rule sets; for concentration Hundepool et al., Statistical Disclosure Control (Wiley 2012),
chapter 4, and the Handbook on Statistical Disclosure Control; for other statistics the ESSnet Guidelines for the checking of
output based on microdata research.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from enclave.disclosure.criteria.evidence import CellEvidence, Statistic, checked, exact
from enclave.disclosure.criteria.rules import Concentration, Rules, Zero


@dataclass(frozen=True)
class Reason:
    """One rule that finds a cell unsafe. `rule_set`: the strictest set that says so; `facts`: the rule's own numbers, never one
    of the cell's."""

    code: str
    rule_set: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Protection:
    """How far from its true value a hidden number must be able to lie for an attacker: at least `lower` below and `upper`
    above, and at least `width` between its ends. In the units of what is published."""

    lower: Fraction
    upper: Fraction
    width: Fraction


def _missing(rule: str, source: str) -> Reason:
    return Reason("disclosure.evidence_missing", source, {"rule": rule})


def _small(count: int, n: int) -> bool:
    return 0 < count < n


# -- who stands behind the cell ------------------------------------------------------------------------------------------


def _persons(cell: CellEvidence, rules: Rules) -> Iterator[Reason]:
    """Minimum persons, by the population of the area too; zeros; what a rounding rule redacts."""
    if cell.municipal and cell.population is None and rules.tiers:
        source = next(one.id for one in rules.sets if one.min_persons_by_population)
        yield _missing("min_persons_by_population", source)
    n, source = rules.threshold_of(cell.population)
    if n is None:
        yield Reason("disclosure.no_counts", source)
    if cell.persons is None:
        if cell.statistic is not Statistic.QUANTITY:
            yield _missing("min_persons", rules.source)
        return
    if n is not None and _small(cell.persons, n):
        yield Reason("disclosure.small_cell", source, {"threshold": n})
    if cell.persons == 0 and rules.zero is Zero.HIDDEN:
        yield Reason("disclosure.zero_hidden", rules.zero_source)
    redacted = rules.limit("rounding.redact_at_most")
    if redacted is not None and redacted.value and cell.persons <= redacted.value:
        yield Reason("disclosure.redacted", redacted.source, {"at_most": redacted.value})


def _institutions(cell: CellEvidence, rules: Rules) -> Iterator[Reason]:
    """Fewer institutions than a rule asks for; none of them at all says nothing of any."""
    limit = rules.limit("min_institutions")
    if limit is None or cell.persons == 0:
        return
    if cell.institutions is None:
        yield _missing("min_institutions", limit.source)
    elif _small(cell.institutions, int(limit.value)):
        yield Reason("disclosure.few_institutions", limit.source, {"threshold": limit.value})


def _group(cell: CellEvidence, rules: Rules) -> Iterator[Reason]:
    """All in one group, all but few, and the few that subtraction from the group leaves over."""
    part, group = cell.persons, cell.group
    if cell.statistic is Statistic.RATIO:
        part, group = cell.numerator, cell.persons
    if part is None or group is None or part == 0:
        return
    rest = group - part
    n, source = rules.threshold_of(cell.population)
    if n is not None and _small(rest, n):
        yield Reason("disclosure.small_rest", source, {"threshold": n})
    least = rules.limit("group.rest")
    if least is not None and rest < least.value:
        yield Reason("disclosure.group_rest", least.source, {"rest": least.value})
    share = rules.limit("group.share")
    if share is not None and 100 * part >= share.value * group:
        yield Reason("disclosure.group_share", share.source, {"share": str(share.value)})


# -- contributions to a sum ----------------------------------------------------------------------------------------------


def _largest(cell: CellEvidence, n: int) -> list[Fraction] | None:
    """The `n` largest contributions, filled with nothing where there are fewer; None where they are not known."""
    if cell.total is None:
        return None
    found = [exact(one, "contributions") for one in cell.contributions[:n]]
    there = cell.persons if cell.contributors is None else cell.contributors
    if len(found) < n and (there is None or there > len(found)):
        return None
    return found + [Fraction(0)] * (n - len(found))


def _lacks_dominance(rule: Concentration, cell: CellEvidence) -> Fraction | None:
    """(n, k): unsafe where the n largest together exceed k % of the total. Lacking: 100/k of them less the total."""
    largest = _largest(cell, rule.n)
    return None if largest is None else sum(largest) / rule.share - exact(cell.total or 0, "total")


def _lacks_p(rule: Concentration, cell: CellEvidence) -> Fraction | None:
    """p % with n respondents who pool what they know: unsafe where the total less the largest and the n next is below p % of
    the largest. Lacking: p % of the largest less that rest."""
    largest = _largest(cell, rule.n + 1)
    if largest is None:
        return None
    return rule.share * largest[0] - (exact(cell.total or 0, "total") - sum(largest))


_LACKING: Mapping[str, Callable[[Concentration, CellEvidence], Fraction | None]] = {
    "dominance": _lacks_dominance,
    "p_percent": _lacks_p,
    # p-q: the rest is known beforehand to within q %, so that p / q of the largest must be left.
    "pq": _lacks_p,
}


def lacking(cell: CellEvidence, rules: Rules) -> Iterator[tuple[str, Concentration, Fraction | None]]:
    """Each rule about contributions with what a sum lacks to keep it: above 0 where it is broken, None where nobody knows."""
    if cell.statistic not in {Statistic.SUM, Statistic.MEAN} or cell.persons == 0:
        return
    for name, lack in _LACKING.items():
        for rule in getattr(rules, name):
            yield name, rule, lack(rule, cell)


def _concentration(cell: CellEvidence, rules: Rules) -> Iterator[Reason]:
    for name, rule, lack in lacking(cell, rules):
        if lack is None:
            yield _missing(name, rule.source)
        elif lack > 0:
            yield Reason(f"disclosure.{name}", rule.source, {"n": rule.n, "share": str(rule.share)})


# -- other statistics ----------------------------------------------------------------------------------------------------


def _ratio(cell: CellEvidence, rules: Rules) -> Iterator[Reason]:
    """The denominator is `persons` and tested as such; the numerator is a count of its own."""
    if cell.statistic is not Statistic.RATIO:
        return
    n, source = rules.threshold_of(cell.population)
    if cell.numerator is None:
        yield _missing("min_persons", rules.source)
    elif n is not None and _small(cell.numerator, n):
        yield Reason("disclosure.small_numerator", source, {"threshold": n})
    elif cell.numerator == 0 and rules.zero is Zero.HIDDEN:
        yield Reason("disclosure.zero_hidden", rules.zero_source)


_BY_STATISTIC: Mapping[Statistic, tuple[str, str, tuple[str, ...]]] = {
    Statistic.QUANTILE: ("statistics.quantile_margin", "disclosure.quantile_margin", ("below", "above")),
    Statistic.EXTREME: ("statistics.quantile_margin", "disclosure.extreme", ("at",)),
    Statistic.SURVIVAL: ("statistics.survival_at_risk", "disclosure.few_at_risk", ("at_risk",)),
    Statistic.MODEL: ("statistics.min_df", "disclosure.few_degrees_of_freedom", ("df",)),
}
"""Kind of statistic → the limit, its code, and the numbers that must reach it. At a step of a curve where nobody is at risk any
more there is nothing to learn."""


def _statistic(cell: CellEvidence, rules: Rules) -> Iterator[Reason]:
    if cell.statistic not in _BY_STATISTIC:
        return
    name, code, numbers = _BY_STATISTIC[cell.statistic]
    limit = rules.limit(name)
    if limit is None:
        return
    values = [getattr(cell, number) for number in numbers]
    if None in values:
        yield _missing(name, limit.source)
    elif min(values) < limit.value and not (cell.statistic is Statistic.SURVIVAL and values == [0]):
        yield Reason(code, limit.source, {"least": limit.value})


def _quantity(cell: CellEvidence, rules: Rules) -> Iterator[Reason]:
    """Units dispensed stand for persons only where nobody counted the persons, and only for a set that says how many do; to
    another set that asks for persons, they are missing."""
    if cell.statistic is not Statistic.QUANTITY or cell.persons is not None:
        return
    route = None if cell.route is None else cell.route.value
    silent = [one.id for one in rules.sets if one.min_persons and route not in (one.quantities or {})]
    limit = rules.limit(f"quantities.{route}")
    if silent or limit is None or cell.quantity is None:
        yield _missing("min_persons", silent[0] if silent else rules.source)
    if limit is None or cell.quantity is None:
        return
    if 0 < exact(cell.quantity, "quantity") < limit.value:
        yield Reason("disclosure.small_quantity", limit.source, {"threshold": limit.value})


CELL_RULES: tuple[Callable[[CellEvidence, Rules], Iterator[Reason]], ...] = (
    _persons, _institutions, _group, _concentration, _ratio, _statistic, _quantity,
)  # fmt: skip
"""The list can be read and shown; each looks at the whole cell."""


def reasons(cell: CellEvidence, rules: Rules) -> tuple[Reason, ...]:
    """Every rule that finds `cell` unsafe, in the order of `CELL_RULES`; none where it is safe by itself.

    Raises Refused `disclosure.evidence_invalid`, `disclosure.not_finite`.
    """
    checked(cell)
    return tuple(reason for rule in CELL_RULES for reason in rule(cell, rules))


def protection(cell: CellEvidence, rules: Rules) -> Protection | None:
    """How far `cell` must be protected; None where no rule finds it unsafe (SHAPES, Table to protect).

    Concentration: by what the cell lacks, in both directions, the most demanding rule of all. By frequency alone: at least
    `interval.min_whole_numbers` whole numbers for a count, a width of 1 for a magnitude.
    """
    if not reasons(cell, rules):
        return None
    found = [lack for _, _, lack in lacking(cell, rules) if lack is not None and lack > 0]
    if found:
        most = max(found)
        return Protection(most, most, 2 * most)
    counted = cell.statistic is Statistic.COUNT
    return Protection(Fraction(0), Fraction(0), Fraction(rules.min_whole_numbers - 1 if counted else 1))
