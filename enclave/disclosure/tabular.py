"""A described table as a system: which cells there are, which sums tie them, which are unsafe and how far each must reach.

Decides whether the table is whole (every number there, every sum exact, every code known) and what the rules find unsafe
by itself. Relies on `spec` for what its columns are and on `Rules` for every threshold. Chooses nothing to hide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from enclave.core.refusal import Refused
from enclave.disclosure.cell_rules import protection, reasons
from enclave.disclosure.evidence import CellEvidence, of_maxima
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
    return Tabular(tuple(keys), tuple(numbers), _system(spec, numbers, sums, empty, _enforced(sets)))


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
        need = _need(one, rules, counts)
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


def _need(one: Numbers, rules: Rules, counts: bool) -> Need | None:
    """How far a cell must be able to lie from its true value, in its own units; None where no rule finds it unsafe.

    Raises Refused `disclosure.rule_unsupported` where a rule asks for what no column of the table says.
    """
    cell = CellEvidence(one.count) if counts else of_maxima(one.count, one.value, one.max1, one.max2)
    for reason in reasons(cell, rules):
        if reason.code == "disclosure.evidence_missing":
            raise Refused("disclosure.rule_unsupported", {"rule": reason.facts["rule"]})
    found = protection(cell, rules)
    if found is None or found.lower:
        return None if found is None else Need(found.lower, found.upper)
    return Need(slide=max(found.width, Fraction(1)))


def _enforced(sets: Sequence[RuleSet]) -> Rules:
    """What the sets ask together. Raises Refused `disclosure.rule_unsupported` for rules that do not hide but change."""
    rules = combine(sets, minimum=False)
    for name in ("rounding", "masking"):
        if name in rules.unenforced:
            raise Refused("disclosure.rule_unsupported", {"rule": name})
    return rules
