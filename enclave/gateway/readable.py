"""What can be read in an answer beside its own numbers, from the evidence that came with it: by subtraction within a row, from
a sum of two values, between rows of which one lies inside another.

Decides which groups are readable and how large each is; whether one is too small is `disclosure.primary`'s. Relies on the
evidence columns of `query.rewrite.evidence`. Does not: look at a value that it can do without.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import Any

import pyarrow as pa

from enclave.disclosure.answers import accounts, tallies
from enclave.disclosure.answers.contained import Group, left_between
from enclave.disclosure.answers.table import TOTAL, Inside, Measure, MeasureKind
from enclave.query.stages import Account, Cells, Coding, Members, Others, Part, Tally, TallyOf


@dataclass(frozen=True)
class Bounds:
    """Fewer persons than `small` are few to every rule, and `large` or more to none."""

    small: int
    large: int


ANY = Bounds(1, 100)
"""Whatever the rules are."""

Margins = list[tuple[int, list[int]]]
"""Each margin of an answer, by row, with the rows of its details."""

_KINDS = {
    "records": MeasureKind.COUNT,
    "persons": MeasureKind.COUNT,
    "count": MeasureKind.COUNT,
    "count_distinct": MeasureKind.OTHER,
    "sum": MeasureKind.SUM,
    "avg": MeasureKind.MEAN,
    "variance": MeasureKind.OTHER,
}
"""Kind of aggregate (`stages.Part`) → what can be subtracted from it. A number of distinct codes is no sum."""


def lines_of(column: pa.ChunkedArray | pa.Array, account: Account) -> list[accounts.Numbers | None]:
    """The column of an account, row by row: what persons add, and how many add so much."""
    width = account.numbers + 1
    found: list[accounts.Numbers | None] = []
    for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
        every = chunk.values.values.to_numpy(zero_copy_only=False).reshape(-1, width)
        ends = chunk.offsets.to_numpy()
        there = chunk.is_valid().to_numpy(zero_copy_only=False)
        found += [
            every[start:end] if one else None for start, end, one in zip(ends, ends[1:], there, strict=False)
        ]
    return found


def measures_of(data: Mapping[str, Sequence[Any]], cells: Cells, rows: int) -> list[Measure]:
    """Each aggregate call as a measure, with what tells it from those that it cannot be subtracted from."""
    seen = _seen(cells)
    apart = _apart(data, cells, rows) | seen
    summed = _summed_apart(data, cells, rows)
    return [
        Measure(
            part.id,
            _kind(part, data),
            summed[part.id] if part.id in summed and part.id not in seen else _of(part, apart),
            rest=_rest_told(part, cells),
        )
        for part in cells.parts
    ]


def _rest_told(part: Part, cells: Cells) -> bool:
    """Whether whom a count of records leaves out of its row is known by itself, and it is the only count under a condition or an
    account tells what it leaves over of others."""
    counts = part.rest is not None and part.coding is None
    return counts and (cells.others is None or part.id in _seen(cells))


def _summed_apart(data: Mapping[str, Sequence[Any]], cells: Cells, rows: int) -> dict[str, str | None]:
    """What sums of one column under conditions are of, where no record fulfils two of them: none of them lies inside another
    (two years' cost), but all inside what is summed without a condition."""
    one = cells.apart
    if one is None or one.together not in data or any((data[one.together][n] or 0) > 1 for n in range(rows)):
        return {}
    number = dict(one.of)
    additive = [part for part in cells.parts if _KINDS[part.aggregate] in {MeasureKind.SUM, MeasureKind.MEAN}]
    if any(part.of is None for part in additive) or len({part.of for part in additive}) > 1:
        # A sum that is compared with all others would be compared with what it has nothing to do with.
        return {}
    return {part.id: f"{part.of} {number[part.id]}" if part.id in number else None for part in additive}


def _kind(part: Part, data: Mapping[str, Sequence[Any]]) -> MeasureKind:
    """A number of distinct codes of which nearly every person has one of their own is a number of persons."""
    if part.aggregate == "count_distinct" and 2 * sum(data[part.value]) > sum(data[part.persons]):
        return MeasureKind.COUNT
    return _KINDS[part.aggregate]


def _of(part: Part, apart: frozenset[str]) -> str | None:
    """What a mean or sum is of, and of a count that it overlaps with no other: None is maybe the same as any other."""
    return f"count {part.id}" if part.id in apart else part.of


def _apart(data: Mapping[str, Sequence[Any]], cells: Cells, rows: int) -> frozenset[str]:
    """The counts under conditions of which, in every row, nobody is in two: none of them lies inside another."""
    others = cells.others
    if others is None:
        return frozenset()
    parts = [part for part in cells.parts if part.id in others.parts]
    for number in range(rows):
        inside = sum(int(data[part.persons][number]) for part in parts)
        if inside + int(data[others.persons][number]) != int(data[cells.persons][number]):
            return frozenset()
    return frozenset(part.id for part in parts if _KINDS[part.aggregate] is MeasureKind.COUNT)


def _seen(cells: Cells) -> frozenset[str]:
    """The counts and sums of which accounts tell who stands behind them: whether one lies inside another is not guessed from their
    sizes."""
    return frozenset(cells.account.parts if cells.account is not None else ())


def _besides(data: Mapping[str, Sequence[Any]], cells: Cells, rows: int) -> dict[str, list[int]]:
    """Whom none of several sums takes in that lie apart, where a sum of all stands beside them."""
    one = cells.apart
    if one is None or one.together not in data:
        return {}
    inside = {part for part, _ in one.of}
    whole = any(
        _KINDS[part.aggregate] in {MeasureKind.SUM, MeasureKind.MEAN} and part.id not in inside
        for part in cells.parts
    )
    sizes = [int(data[one.persons][n]) if (data[one.together][n] or 0) <= 1 else 0 for n in range(rows)]
    return {"apart": sizes} if whole and any(sizes) else {}


@dataclass(frozen=True)
class Told:
    """`groups`: by a name of its own each group that subtraction within a row makes readable, with its persons in each row; they
    add up. `beside`: per row the smallest group that is none of its own numbers' (`table.Row`); `inside`: which rows lie in
    others."""

    groups: Mapping[str, list[int]]
    beside: list[int]
    inside: tuple[Inside, ...] = ()


def readable(
    data: Mapping[str, Sequence[Any]],
    cells: Cells,
    keys: Sequence[tuple[object, ...]],
    bounds: Bounds = ANY,
) -> Told:
    """Per group that subtraction within a row makes readable, its persons in each row, by a name of its own.

    1. What a count under a condition leaves out, where the row's own numbers do not tell it already (somebody with
    several records stands on both sides). 2. Where a sum is of at most two different values, it counts: those with
    the one, those with the other, and those with none. 3. What several counts that overlap nowhere leave over together.
    Where sums under conditions lie apart beside a sum of all: those whom none takes in. 4. Whom several numbers tell of
    together (`cells.account`). 5. How many have one of few values, where sums of the values tell. Of the row
    alone (`Told.beside`): what lies between rows of which one may lie inside another, whom several numbers tell of together, and all
    of a row with a sum beyond all
    numbers: whether it is may hang on one value, and a refusal would tell.
    """
    found: dict[str, list[int]] = {}
    rows = len(keys)
    totals = [int(data[cells.persons][number]) for number in range(rows)]
    for part in cells.parts:
        if part.rest is None:
            continue
        rest = [int(count) for count in data[part.rest]]
        if part.coding is None:
            inside = [int(count) for count in data[part.persons]]
            apart = any(
                total - count != left for total, count, left in zip(totals, inside, rest, strict=True)
            )
            if apart or _rest_told(part, cells):
                found[f"rest {part.id}"] = rest
            continue
        coded = [_coded(data, part.coding, number) for number in range(rows)]
        groups = {
            "rest": [left if one else 0 for one, left in zip(coded, rest, strict=True)],
            "low": [one[0] if one else 0 for one in coded],
            "high": [one[1] if one else 0 for one in coded],
        }
        for name, sizes in groups.items():
            if any(sizes):
                found[f"{name} {part.id}"] = [min(pair) for pair in zip(sizes, totals, strict=True)]
    if cells.others is not None:
        sizes = [_left_over(data, cells, cells.others, number) for number in range(rows)]
        if any(sizes):
            found["others"] = sizes
    found |= _besides(data, cells, rows)
    found |= _flags(data, cells, rows)
    broken = [any(not _finite(data[part.value][number]) for part in cells.parts) for number in range(rows)]
    shared = any(part.aggregate == "persons" for part in cells.parts)
    margins = _margins(keys) if found or cells.tallies or shared else []
    told = {name: _of_margins(sizes, margins) for name, sizes in found.items()}
    for tally in cells.tallies:
        told[f"values {tally.counts}"] = _lowered(_tallied(data, tally, totals), margins)
    left, lying = _between(data, cells, keys)
    for row, persons in _together(data, cells, totals, told, bounds).items():
        left[row] = min(persons, left.get(row, persons))
    for row, persons in _shared(data, cells, margins, bounds).items():
        left[row] = min(persons, left.get(row, persons))
    beside = [
        min(1, total) if one else left.get(row, 0)
        for row, (one, total) in enumerate(zip(broken, totals, strict=True))
    ]
    return Told(told, beside, lying)


def _between(
    data: Mapping[str, Sequence[Any]], cells: Cells, keys: Sequence[tuple[object, ...]]
) -> tuple[dict[int, int], tuple[Inside, ...]]:
    """The smallest group that each row leaves over beside others of its kind, and which rows lie in others. What a
    sum leaves over, nobody knows who contributed to: where a rule asks for that, it may be one person."""
    sums = cells.given is not None and not all(one.counts for one in cells.given.of)
    kinds: dict[tuple[bool, ...], list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        kinds[tuple(part is TOTAL for part in key)].append(row)
    measure = {part.persons: place for place, part in enumerate(cells.parts)}
    found: dict[int, int] = {}
    inside: set[Inside] = set()
    for rows in kinds.values():
        groups = [
            (measure.get(one.persons, -1), _group(row, data, one, row))
            for one in cells.members
            for row in rows
        ]
        of = {id(group): number for number, group in groups}
        told = left_between([group for _, group in groups])
        found |= {row: 1 if sums else persons for row, persons in told.left.items()}
        inside |= {
            Inside(of[id(inner)], keys[inner.row], keys[outer.row])
            for inner, outer in told.pairs
            if of[id(inner)] == of[id(outer)]
        }
    return found, tuple(sorted(inside, key=repr))


def _together(
    data: Mapping[str, Sequence[Any]],
    cells: Cells,
    totals: list[int],
    known: Mapping[str, Sequence[int]],
    bounds: Bounds,
) -> dict[int, int]:
    """The smallest group that numbers of a row tell together, of rows in which there is one. Rows that hide anyway are not looked at:
    `known` are groups found before."""
    account = cells.account
    if account is None:
        return {}
    found: dict[int, int] = {}
    value = {part.id: part.value for part in cells.parts}
    groups = [totals, *known.values(), *([int(n) for n in data[part.persons]] for part in cells.parts)]
    for row, lines in enumerate(data[account.added]):
        if lines is None or any(0 < sizes[row] < bounds.small for sizes in groups):
            continue
        added, persons = lines[:, :-1], lines[:, -1]
        apart = {
            place for place, part in account.adding if persons @ added[:, place] != data[value[part]][row]
        }
        every = [place for place in range(account.numbers) if place not in apart]
        if accounts.spread(added[:, every], persons, bounds.large):
            continue
        for one in account.judged:
            places = [place for place in one.places if place not in apart]
            general = totals[row] if one.general else 0
            told = accounts.smallest(added[:, places], persons, bounds.large, one.counts, general)
            if told is not None:
                found[row] = min(told, found.get(row, told))
    return found


def _shared(
    data: Mapping[str, Sequence[Any]], cells: Cells, margins: Margins, bounds: Bounds
) -> dict[int, int]:
    """Few persons whom details share where their total counts each once (23 and 18, and 39 together): told by the smallest detail. As
    many at most as the details are more than the total; where these are more, nobody knows how few they are."""
    found: dict[int, int] = {}
    for part in cells.parts:
        if part.aggregate != "persons":
            continue
        persons = [int(one) for one in data[part.value]]
        for row, details in margins:
            more = sum(persons[one] for one in details) - persons[row]
            if 0 < more < bounds.large:
                smallest = min((one for one in details if persons[one]), key=lambda one: (persons[one], one))
                found[smallest] = min(more, found.get(smallest, more))
    return found


def _group(place: int, data: Mapping[str, Sequence[Any]], one: Members, row: int) -> Group:
    numbers = data[one.sketch][row] or ()
    sketch = tuple(sorted(set(numbers)))
    full = one.full
    records = int(data[one.records][row]) if one.records else 0
    return Group(place, int(data[one.persons][row]), records, sketch, full)


def _tallied(data: Mapping[str, Sequence[Any]], tally: Tally, totals: list[int]) -> list[int]:
    """The smallest number with one of few values that each row tells (its own persons where it tells none)."""
    found = list(totals)
    for row, counted in enumerate(data[tally.counts]):
        counts = dict(counted or ())
        match tally.of:
            case TallyOf.VALUES:
                told = tallies.told(counts, tally.moments)
            case TallyOf.LENGTHS:
                told = tallies.told_by_length(counts)
            case TallyOf.MARKS:
                told = tallies.told_by_different(counts, int(data[tally.different][row]))
        if told is not None:
            found[row] = min(found[row], told)
    return found


def _finite(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value.is_finite() if isinstance(value, Decimal) else True


def number_of(value: object) -> object:
    """A value; nothing where it is none that can be told: too large, or undefined."""
    return value if _finite(value) else None


def _flags(data: Mapping[str, Sequence[Any]], cells: Cells, rows: int) -> dict[str, list[int]]:
    """What two sums of different columns leave over of each other where both are counts in disguise: those with the one
    flag may all have the other."""
    found: dict[str, list[int]] = {}
    seen = _seen(cells)
    coded = [
        part
        for part in cells.parts
        if part.coding is not None and part.of is not None and part.id not in seen
    ]
    for one, other in combinations(coded, 2):
        if one.of == other.of or one.coding is None or other.coding is None:
            continue
        sizes = [
            abs(int(data[one.persons][number]) - int(data[other.persons][number]))
            if _coded(data, one.coding, number) and _coded(data, other.coding, number)
            else 0
            for number in range(rows)
        ]
        if any(sizes):
            found[f"flags {one.id} {other.id}"] = sizes
    return found


def _of_margins(sizes: list[int], margins: Margins) -> list[int]:
    """The sizes of readable groups with those of margins between the largest and the sum of their details.

    A group that is readable in a detail (where a sum is of two values) need not be in the margin (where it is of
    three), and the other way round: these are no numbers that add up by themselves.
    """
    found = list(sizes)
    for row, details in margins:
        within = [found[one] for one in details]
        found[row] = min(max(found[row], *within), sum(within))
    return found


def _lowered(sizes: list[int], margins: Margins) -> list[int]:
    """The sizes with those of margins between the largest and the sum of their details, none of them larger than it was.

    Where a margin is small its details are taken to be as small: what was found of it must not be lost.
    """
    found, changed = list(sizes), True
    while changed:
        before = list(found)
        for row, details in margins:
            found[row] = min(found[row], sum(found[one] for one in details))
        for row, details in reversed(margins):
            for one in details:
                found[one] = min(found[one], found[row])
        changed = found != before
    return found


def _margins(keys: Sequence[tuple[object, ...]]) -> Margins:
    """Each margin with its details along each dimension in which it is one; those of the fewest dimensions first."""
    totals = sorted(
        (row for row, key in enumerate(keys) if TOTAL in key),
        key=lambda row: sum(part is TOTAL for part in keys[row]),
    )
    if not totals:
        return []
    details: dict[tuple[int, tuple[object, ...]], list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        for place, part in enumerate(key):
            if part is not TOTAL:
                details[place, (*key[:place], *key[place + 1 :])].append(row)
    found = []
    for row in totals:
        for place, part in enumerate(keys[row]):
            rest = (place, (*keys[row][:place], *keys[row][place + 1 :]))
            if part is TOTAL and rest in details:
                found.append((row, details[rest]))
    return found


def _left_over(data: Mapping[str, Sequence[Any]], cells: Cells, others: Others, number: int) -> int:
    """The persons whom none of several counts takes in; 0 where the counts overlap, so that they cannot be summed."""
    persons, records = int(data[others.persons][number]), int(data[others.records][number])
    parts = [part for part in cells.parts if part.id in others.parts]
    apart = sum(int(data[part.persons][number]) for part in parts) + persons == data[cells.persons][number]
    if all(part.aggregate in {"records", "count"} for part in parts):
        apart |= (
            sum(int(data[part.value][number] or 0) for part in parts) + records == data[cells.records][number]
        )
    return persons if apart else 0


def _coded(data: Mapping[str, Sequence[Any]], coding: Coding, number: int) -> tuple[int, int] | None:
    """The records with the smaller and with the larger of two values; (0, 0) for one value, None for more or none."""
    different, records = int(data[coding.different][number]), int(data[coding.records][number])
    if different not in {1, 2}:
        return None
    if different == 1:
        return 0, 0
    low, high, total = (data[name][number] for name in (coding.low, coding.high, coding.total))
    if None in (low, high, total) or not math.isfinite(total) or not high > low:
        # Two values too close or too large to be told apart here; the sum itself may be exact.
        return 1, 1
    upper = min(max(round((total - records * low) / (high - low)), 0), records)
    return records - upper, upper
