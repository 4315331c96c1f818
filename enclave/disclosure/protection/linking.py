"""Several tables as one: which of their cells are the same, and which sums hold between them.

Decides what a cell means: its codes, with the total of every dimension that its table does not have. Cells that mean the
same are one, and must have the same numbers wherever they are written. Relies on each table being whole by itself
(`tabular`). Does not hide anything.

Sums: those of each table; and those that the hierarchy of one table says of the cells of others, where no table has the
total and all of its details (prefectures here, municipalities there). An attacker knows both.

A code that a table has in some row, and not in the row of a cell that another table has, says there that the cell is
empty (a missing row is an empty cell): the other table must say so too, and everybody knows it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from enclave.core.refusal import Refused
from enclave.disclosure.protection.spec import Spec

Key = tuple[str, ...]
Sum = tuple[int, tuple[int, ...]]


@dataclass(frozen=True)
class Numbers:
    """One cell as it is written: `value` is what is published. `asked`: how far below and above its value, and how wide, the
    spec wants it to lie if it is unsafe."""

    count: int
    value: Decimal
    max1: Decimal | None
    max2: Decimal | None
    cost: Decimal
    asked: tuple[Fraction, ...] = (Fraction(0), Fraction(0), Fraction(0))


@dataclass(frozen=True)
class Read:
    """One table by itself. `keys`: the place of each; `sums`: (total, its details); `empty`: places that everybody knows to be
    empty."""

    spec: Spec
    parents: Mapping[str, Mapping[str, str]]
    keys: Mapping[Key, int]
    numbers: Sequence[Numbers]
    sums: Sequence[Sum]
    empty: set[int]


@dataclass(frozen=True)
class Joined:
    """`keys` over all dimensions of all tables. `places`: per table, the cell of each of its rows."""

    keys: tuple[Key, ...]
    numbers: Sequence[Numbers]
    sums: tuple[Sum, ...]
    empty: frozenset[int]
    places: tuple[tuple[int, ...], ...]


def joined(tables: Sequence[Read]) -> Joined:
    """The tables as one. Raises Refused `disclosure.tables_differ` (`place`, `other`)."""
    totals = {one.name: one.total for table in tables for one in table.spec.dimensions}
    names = tuple(totals)
    cells: dict[Key, int] = {}
    numbers: list[Numbers] = []
    first: list[str] = []
    places = []
    for table in tables:
        at = []
        for (key, row), own in zip(table.keys.items(), table.numbers, strict=True):
            cell = cells.setdefault(_full(table.spec, key, totals), len(numbers))
            place = f"{table.spec.name}:{row + 1}"
            if cell == len(numbers):
                numbers.append(own)
                first.append(place)
            elif _evidence(own) != _evidence(numbers[cell]):
                raise _differ(place, first[cell])
            elif own.cost > numbers[cell].cost:
                numbers[cell] = own
            at.append(cell)
        places.append(tuple(at))
    empty = {at[row] for table, at in zip(tables, places, strict=True) for row in table.empty}
    for table in tables:
        for cell in _unwritten(table, names, totals, cells):
            if numbers[cell].count:
                raise _differ(table.spec.name, first[cell])
            empty.add(cell)
    sums = [
        (at[total], tuple(at[one] for one in details))
        for table, at in zip(tables, places, strict=True)
        for total, details in table.sums
    ]
    known = {(total, frozenset(details)) for total, details in sums}
    for total, details in _between(tables, names, cells, [set(at) for at in places]):
        if (total, frozenset(details)) in known:
            continue
        known.add((total, frozenset(details)))
        for one in ("count", "value"):
            if getattr(numbers[total], one) != sum(getattr(numbers[cell], one) for cell in details):
                raise _differ(first[total], first[details[0]])
        sums.append((total, details))
    return Joined(tuple(cells), numbers, tuple(dict.fromkeys(sums)), frozenset(empty), tuple(places))


def _differ(place: str, other: str) -> Refused:
    return Refused("disclosure.tables_differ", {"place": place, "other": other})


def _full(spec: Spec, key: Key, totals: Mapping[str, str]) -> Key:
    codes = {
        **totals,
        **dict(spec.within),
        **dict(zip((one.name for one in spec.dimensions), key, strict=True)),
    }
    return tuple(codes.values())


def _evidence(one: Numbers) -> tuple[object, ...]:
    return (one.count, one.value, one.max1, one.max2, one.asked)


def _unwritten(
    table: Read, names: Sequence[str], totals: Mapping[str, str], cells: Mapping[Key, int]
) -> Iterator[int]:
    """Cells that this table would have a row of, had they anybody in them."""
    codes: dict[str, set[str]] = {name: {total} for name, total in totals.items()}
    codes |= {name: {code} for name, code in table.spec.within}
    for axis, one in enumerate(table.spec.dimensions):
        codes[one.name] |= {key[axis] for key in table.keys}
    own = {_full(table.spec, key, totals) for key in table.keys}
    for key, cell in cells.items():
        if key not in own and all(code in codes[name] for name, code in zip(names, key, strict=True)):
            yield cell


def _between(
    tables: Sequence[Read], names: Sequence[str], cells: Mapping[Key, int], places: Sequence[set[int]]
) -> Iterator[Sum]:
    for table in tables:
        for name, parents in table.parents.items():
            axis = names.index(name)
            details: dict[int, list[int]] = defaultdict(list)
            for key, cell in cells.items():
                above = parents.get(key[axis])
                total = None if above is None else cells.get((*key[:axis], above, *key[axis + 1 :]))
                if total is not None:
                    details[total].append(cell)
            for total, found in details.items():
                if not any(total in at and at.issuperset(found) for at in places):
                    yield total, tuple(found)
