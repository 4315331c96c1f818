"""A described table as a system: which cells there are, which sums tie them, which are unsafe and how far each must reach.

Decides whether the table is whole (every number there, every sum exact, every code known) and what the rules find unsafe
by itself. Relies on `spec` for what its columns are and on `Rules` for every threshold. Chooses nothing to hide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from enclave.core.refusal import Refused
from enclave.disclosure.rules import Rules, RuleSet, Zero, combine
from enclave.disclosure.spec import Spec
from enclave.disclosure.system import Need, System

Key = tuple[str, ...]

_DECIMALS_AT_MOST = 12


@dataclass(frozen=True)
class Numbers:
    """One cell as it is written: `value` is what is published."""

    count: int
    value: Decimal
    max1: Decimal | None
    max2: Decimal | None
    cost: Decimal


@dataclass(frozen=True)
class Tabular:
    """`keys` and `numbers` per cell, in the order of the file; `system` has a cell for each of them."""

    keys: tuple[Key, ...]
    numbers: tuple[Numbers, ...]
    system: System


def tabular(
    spec: Spec,
    parents: Mapping[str, Mapping[str, str]],
    rows: Sequence[Mapping[str, object]],
    sets: Sequence[RuleSet],
) -> Tabular:
    """The system of a table. `parents`: per dimension with a hierarchy the parent of each code; `rows`: text or numbers by
    column, one per cell.

    Raises Refused `disclosure.*` with the place (`row`, from 1): a column that is missing, a number that is none, a
    category that no hierarchy has, a cell written twice, a sum that does not add up, a rule that this table cannot answer.
    """
    if not rows:
        raise Refused("disclosure.shape", {"row": 1})
    missing = [name for name in spec.columns if name not in rows[0]]
    if missing:
        raise Refused("disclosure.column_missing", {"column": missing[0]})
    keys: dict[Key, int] = {}
    numbers: list[Numbers] = []
    for place, row in enumerate(rows, start=1):
        key = tuple(str(row[one.name]) for one in spec.dimensions)
        if keys.setdefault(key, place - 1) != place - 1:
            raise Refused("disclosure.duplicate_row", {"row": place})
        numbers.append(_numbers(spec, row, place))
    sums, empty = _sums(spec, parents, keys, numbers)
    for total, details in sums:
        for one in ("count", "value"):
            if getattr(numbers[total], one) != sum(getattr(numbers[cell], one) for cell in details):
                raise Refused("disclosure.margin_incomplete", {"row": total + 1})
    return Tabular(tuple(keys), tuple(numbers), _system(spec, numbers, sums, empty, combine(sets), sets))


def _number(row: Mapping[str, object], column: str, place: int) -> Decimal:
    written = row[column]
    try:
        found = written if isinstance(written, Decimal) else Decimal(str(written).strip())
    except InvalidOperation:
        raise Refused("disclosure.not_a_number", {"column": column, "row": place}) from None
    if not found.is_finite():
        raise Refused("disclosure.not_finite", {"column": column})
    if found < 0:
        raise Refused("disclosure.negative", {"column": column, "row": place})
    if -int(found.normalize().as_tuple().exponent) > _DECIMALS_AT_MOST:
        raise Refused("disclosure.not_a_number", {"column": column, "row": place})
    return found


def _numbers(spec: Spec, row: Mapping[str, object], place: int) -> Numbers:
    count = _number(row, spec.count, place)
    if count != int(count):
        raise Refused("disclosure.not_a_number", {"column": spec.count, "row": place})
    value = count if spec.value is None else _number(row, spec.value, place)
    max1 = None if spec.max1 is None else _number(row, spec.max1, place)
    max2 = None if spec.max2 is None else _number(row, spec.max2, place)
    together = (max1 or Decimal(0)) + (max2 or Decimal(0))
    contradiction = (
        (count == 0 and value != 0)
        or together > value
        or (max1 is not None and max2 is not None and max2 > max1)
        or (max1 is not None and count == 1 and max1 != value)
    )
    if contradiction:
        raise Refused("disclosure.evidence_invalid", {"row": place})
    return Numbers(int(count), value, max1, max2, _number(row, spec.cost, place))


def _sums(
    spec: Spec, parents: Mapping[str, Mapping[str, str]], keys: Mapping[Key, int], numbers: Sequence[Numbers]
) -> tuple[list[tuple[int, tuple[int, ...]]], set[int]]:
    """(total, its details) along every dimension; and the cells that are known to be empty, for a total that is not written
    is empty. Raises Refused where a category is unknown or a total that is not empty is not written."""
    sums: list[tuple[int, tuple[int, ...]]] = []
    empty: set[int] = set()
    for axis, dimension in enumerate(spec.dimensions):
        known = parents.get(dimension.name)
        details: dict[Key, list[int]] = {}
        for key, place in keys.items():
            code = key[axis]
            if code == dimension.total:
                continue
            above = dimension.total if known is None else known.get(code)
            if above is None:
                raise Refused(
                    "disclosure.category_unknown",
                    {"dimension": dimension.name, "category": code, "row": place + 1},
                )
            details.setdefault((*key[:axis], above, *key[axis + 1 :]), []).append(place)
        for total, cells in details.items():
            if total in keys:
                sums.append((keys[total], tuple(cells)))
                continue
            there = [cell for cell in cells if numbers[cell].count]
            if there:
                raise Refused("disclosure.margin_incomplete", {"row": there[0] + 1})
            empty.update(cells)
    return sums, empty


def _system(
    spec: Spec,
    numbers: Sequence[Numbers],
    sums: Sequence[tuple[int, tuple[int, ...]]],
    empty: set[int],
    rules: Rules,
    sets: Sequence[RuleSet],
) -> System:
    decimals = max(
        (
            -int(found.normalize().as_tuple().exponent)
            for one in numbers
            for found in (one.value, one.max1, one.max2)
            if found
        ),
        default=0,
    )
    unit = 10 ** max(0, decimals)
    counts = spec.value is None
    shown = rules.zero is Zero.SHOWN
    needs: dict[int, Need] = {}
    for place, one in enumerate(numbers):
        need = unsafe(one, rules, sets, counts)
        if need is not None and place not in empty:
            needs[place] = Need(need.down * unit, need.up * unit, need.slide * unit)
    return System(
        tuple(int(one.value * unit) for one in numbers),
        tuple(1 if counts and shown and one.count else 0 for one in numbers),
        counts,
        unit,
        tuple(sums),
        needs,
        tuple(Fraction(one.cost) for one in numbers),
        frozenset(place for place, one in enumerate(numbers) if one.count == 0 and place not in needs),
    )


def unsafe(one: Numbers, rules: Rules, sets: Sequence[RuleSet], counts: bool) -> Need | None:
    """How far a cell must be able to lie from its true value, in its own units; None where no rule finds it unsafe.

    p %: unsafe when value - max1 - max2 < p/100 max1, protected by the difference in both directions. Dominance (1 or 2,
    k): unsafe when max1 (+ max2) > k/100 value. p-q: as p % with the remainder known to q %. Sources: the rule sets, and
    Hundepool et al., Statistical Disclosure Control (Wiley 2012), chapter 4.
    """
    if one.count == 0:
        return Need(slide=Fraction(1)) if rules.zero is Zero.HIDDEN and counts else None
    least = Need(slide=Fraction(max(1, rules.min_whole_numbers - 1 if counts else 1)))
    found: Need | None = None
    if not counts:
        for rule_set in sets:
            for lacking in _lacking(one, rule_set):
                if lacking > 0:
                    found = Need(lacking, lacking).stricter(found or Need())
    if found is None and one.count < rules.n:
        return least
    return found


def _lacking(one: Numbers, rule_set: RuleSet) -> list[Fraction]:
    """By how much the rules of a set about contributions are missed, each; not above 0 where one is kept."""
    found: list[Fraction] = []
    value = Fraction(one.value)
    if rule_set.p_percent or rule_set.pq or rule_set.dominance:
        if one.max1 is None or one.max2 is None:
            raise Refused("disclosure.rule_unsupported", {"rule": "p_percent", "rule_sets": [rule_set.id]})
        first, second = Fraction(one.max1), Fraction(one.max2)
        rest = value - first - second
        if rule_set.p_percent:
            if rule_set.p_percent.get("n", 1) != 1:
                raise Refused(
                    "disclosure.rule_unsupported", {"rule": "p_percent.n", "rule_sets": [rule_set.id]}
                )
            found.append(Fraction(rule_set.p_percent["p"], 100) * first - rest)
        if rule_set.pq:
            found.append(Fraction(rule_set.pq["p"], rule_set.pq["q"]) * first - rest)
        if rule_set.dominance:
            largest = {1: first, 2: first + second}.get(rule_set.dominance["n"])
            if largest is None:
                raise Refused(
                    "disclosure.rule_unsupported", {"rule": "dominance.n", "rule_sets": [rule_set.id]}
                )
            found.append(Fraction(100, rule_set.dominance["k"]) * largest - value)
    return found
