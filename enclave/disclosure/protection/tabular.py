"""A described table as a system: which cells there are, which sums tie them, which are unsafe and how far each must reach.

Decides whether the table is whole (every number there, every sum exact, every code known) and what the rules find unsafe
by itself. Several tables become one system, in which a cell that stands in two of them is one (`linking`). Relies on `spec`
for what the columns are and on `Rules` for every threshold. Chooses nothing to hide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation, localcontext
from fractions import Fraction
from math import ceil

from enclave.core.refusal import Refused
from enclave.disclosure.criteria.cell_rules import protection, reasons
from enclave.disclosure.criteria.evidence import CellEvidence, of_maxima
from enclave.disclosure.criteria.rules import Rules, RuleSet, Zero, combine
from enclave.disclosure.protection.insiders import insiders
from enclave.disclosure.protection.linking import Joined, Numbers, Read, joined
from enclave.disclosure.protection.spec import Margin, Spec
from enclave.disclosure.protection.system import Need, System

Key = tuple[str, ...]

_DECIMALS_AT_MOST, _DIGITS_AT_MOST = 12, 30
"""After and before the decimal point."""

_EXACT = Context(prec=100)
"""So many digits that no sum of a table is rounded."""


@dataclass(frozen=True)
class Part:
    """One of several tables: its own keys, in the order of its file, and the cell of the system that each is."""

    spec: Spec
    keys: tuple[Key, ...]
    cells: tuple[int, ...]


@dataclass(frozen=True)
class Tabular:
    """`names`: of the dimensions; of several tables, all that any of them has. `keys` and `numbers` per cell, in the order of
    the file; `system` has a cell for each of them. `parts`: the tables, where there are several."""

    names: tuple[str, ...]
    keys: tuple[Key, ...]
    numbers: tuple[Numbers, ...]
    system: System
    parts: tuple[Part, ...] = ()


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
    with localcontext(_EXACT):
        read = _read(spec, parents, rows)
        one = Joined(tuple(read.keys), read.numbers, tuple(read.sums), frozenset(read.empty), ())
        return Tabular(
            tuple(dimension.name for dimension in spec.dimensions),
            one.keys,
            tuple(one.numbers),
            _system(spec, one, _enforced(sets)),
        )


Described = tuple[Spec, Mapping[str, Mapping[str, str]], Sequence[Mapping[str, object]]]
"""A spec, the parents of the codes of its dimensions, and the rows of its table."""


def linked(tables: Sequence[Described], sets: Sequence[RuleSet]) -> Tabular:
    """The one system of several tables that share the columns of their specs.

    Raises Refused as `tabular` does, with `row` as `table:row`; and `disclosure.tables_differ` where two tables say different
    things of a cell, or a hierarchy of one does not fit the numbers of another.
    """
    with localcontext(_EXACT):
        return _linked(tables, sets)


def _linked(tables: Sequence[Described], sets: Sequence[RuleSet]) -> Tabular:
    reads = []
    for spec, parents, rows in tables:
        try:
            reads.append(_read(spec, parents, rows))
        except Refused as refused:
            facts = {
                name: f"{spec.name}:{fact}" if name in ("row", "column") else fact
                for name, fact in refused.facts.items()
            }
            raise Refused(refused.code, {"table": spec.name, **facts}) from None
    one = joined(reads)
    names = dict.fromkeys(dimension.name for read in reads for dimension in read.spec.dimensions)
    parts = tuple(
        Part(read.spec, tuple(read.keys), cells) for read, cells in zip(reads, one.places, strict=True)
    )
    return Tabular(
        tuple(names), one.keys, tuple(one.numbers), _system(reads[0].spec, one, _enforced(sets)), parts
    )


def _read(spec: Spec, parents: Mapping[str, Mapping[str, str]], rows: Sequence[Mapping[str, object]]) -> Read:
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
    return Read(spec, parents, keys, numbers, sums, empty)


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
    # Also before anything computes with it: a number of a few signs (1e999999999) may have endless digits.
    long = found and not -_DECIMALS_AT_MOST <= found.adjusted() < _DIGITS_AT_MOST
    if long or -int(found.normalize().as_tuple().exponent) > _DECIMALS_AT_MOST:
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
    asked = tuple(
        _distance(margin, row, value, place)
        for margin in (spec.protection.lower, spec.protection.upper, spec.protection.width)
    )
    return Numbers(int(count), value, max1, max2, _cost(spec, row, place), asked)


def _cost(spec: Spec, row: Mapping[str, object], place: int) -> Decimal:
    if spec.cost.column is None:
        return Decimal(1)
    found = _number(row, spec.cost.column, place)
    return (1 + found).ln().quantize(Decimal("1e-6")) if spec.cost.log else found


def _distance(margin: Margin, row: Mapping[str, object], value: Decimal, place: int) -> Fraction:
    column = 0 if margin.column is None else _number(row, margin.column, place)
    return margin.fixed + margin.share * Fraction(value) + Fraction(column)


def _sums(
    spec: Spec, parents: Mapping[str, Mapping[str, str]], keys: Mapping[Key, int], numbers: Sequence[Numbers]
) -> tuple[list[tuple[int, tuple[int, ...]]], set[int]]:
    """(total, its details) along every dimension; and the cells that are known to be empty, for a total that is not written
    is empty. Raises Refused where a category is unknown or a total that is not empty is not written."""
    sums: list[tuple[int, tuple[int, ...]]] = []
    empty: set[int] = set()
    for axis, dimension in enumerate(spec.dimensions):
        if all(key[axis] != dimension.total for key in keys) and any(one.count for one in numbers):
            where = f"dimensions.{dimension.name}.total"
            raise Refused("disclosure.spec_invalid", {"where": where, "needs": "a code of its column"})
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


def _system(spec: Spec, joined: Joined, rules: Rules) -> System:
    numbers = joined.numbers
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
    least = tuple(1 if counts and shown and one.count else 0 for one in numbers)
    needs: dict[int, Need] = {}
    for place, one in enumerate(numbers):
        need = _need(one, rules, counts)
        if need is not None and place not in joined.empty:
            need = _asked(need, one, spec, least[place])
            needs[place] = Need(need.down * unit, need.up * unit, need.slide * unit)
    system = System(
        tuple(int(one.value * unit) for one in numbers),
        least,
        counts,
        unit,
        joined.sums,
        needs,
        tuple(Fraction(one.cost) for one in numbers),
        frozenset(place for place, one in enumerate(numbers) if one.count == 0 and place not in needs),
    )
    asked = rules.limit("insiders.n")
    most = max(spec.insiders, 0 if asked is None else int(asked.value))
    if not most:
        return system
    width = Fraction(max(1, rules.min_whole_numbers - 1) if counts else 1) * unit
    return insiders(system, [one.count for one in numbers], most, rules.n, width)


def _asked(need: Need, one: Numbers, spec: Spec, least: int) -> Need:
    """What the rules ask in the form that the spec chooses, and what the spec asks besides. Nothing can lie below what
    everybody knows it to be at least; of counts, distances are whole."""
    if spec.protection.sliding:
        need = Need(slide=max(need.slide, need.down + need.up))
    lower, upper, width = one.asked
    need = need.stricter(Need(min(lower, Fraction(one.value) - least), upper, width))
    if spec.value is None:
        return Need(Fraction(ceil(need.down)), Fraction(ceil(need.up)), Fraction(ceil(need.slide)))
    return need


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
