"""Blocks: groups of persons whom outsiders' knowledge cannot cut, formed from identifying columns only.

Decides which cells of identifying values (sex, five years of birth, …) are one block, so that every block has at least
k persons, and which block somebody new belongs to. Blocks are sticky: a person never changes theirs, since two
partitions of one population single people out (of persons re-partitioned once with a tenth of leavers, 8 % fell into a
set of three or fewer). Relies on k and the columns from the rule set. Sees counts of cells, never a person.

The order of the columns is the order of the cuts: a cut along the first is kept before one along the second. Where a
population's databases tell where people live, that is one of the columns: one partition for areas, sex and age together,
since two partitions of one population single people out.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from enclave.catalogue.descriptor import Role, Table

Cell = tuple[int, ...]
"""One ordinal per column; absent values have one of their own (-1)."""


@dataclass(frozen=True)
class Blocks:
    """`of` says the block of each cell. `counts` its persons."""

    of: Mapping[Cell, int]
    counts: Mapping[int, int]

    @property
    def smallest(self) -> int:
        return min(self.counts.values(), default=0)


def residence(table: Table, areas: Sequence[str]) -> tuple[str, ...]:
    """The columns of a table that tell where its persons live, of those that a rule calls `areas`, widest first.

    The widest and the narrowest are a person's own. One between them counts beside one of these only: an area alone, beside
    a service, is where the service was (the medical area of an institution).
    """
    named = [name for name in areas if name in table.columns and table.columns[name].role is Role.AREA]
    own = table.person_level and bool({areas[0], areas[-1]} & set(named)) if areas else False
    return tuple(named) if own else ()


def form(cells: Mapping[Cell, int], k: int) -> Blocks:
    """Cut the cells while both halves keep at least k persons; fewer than k in all is one block.

    Of the possible cuts along the earliest column that allows one, the most even is made.
    """
    if k < 1:
        raise ValueError("k is at least 1")
    found: list[list[Cell]] = []
    waiting = [(sorted(cells), 0)] if cells else []
    while waiting:
        group, first = waiting.pop()
        cut = _cut(group, cells, k, first)
        if cut is None:
            found.append(group)
        else:
            lower, upper, column = cut
            waiting += [(upper, column), (lower, column)]
    of = {cell: number for number, group in enumerate(found) for cell in group}
    counts = {number: sum(cells[cell] for cell in group) for number, group in enumerate(found)}
    return Blocks(of, counts)


def _cut(
    group: Sequence[Cell], cells: Mapping[Cell, int], k: int, first: int
) -> tuple[list[Cell], list[Cell], int] | None:
    """Both halves and the column that is cut along, from `first` on: what allowed no cut of the whole allows none of a part."""
    total = sum(cells[cell] for cell in group)
    if total < 2 * k:
        return None
    for column in range(first, len(group[0])):
        persons: dict[int, int] = defaultdict(int)
        for cell in group:
            persons[cell[column]] += cells[cell]
        best: tuple[int, int] | None = None
        below = 0
        for value in sorted(persons)[:-1]:
            below += persons[value]
            if below >= k and total - below >= k:
                uneven = abs(total - 2 * below)
                if best is None or uneven < best[0]:
                    best = (uneven, value)
        if best is not None:
            edge = best[1]
            lower, upper = [c for c in group if c[column] <= edge], [c for c in group if c[column] > edge]
            return lower, upper, column
    return None


def gathered(counts: Mapping[int, int], k: int, like: Mapping[int, Cell] | None = None) -> Mapping[int, int]:
    """What each block counts as among the persons of one extract, of whom a block may hold only some (`counts`).

    `like` says what each block is: its least cell. Blocks are put together as cells are cut: along the last columns first,
    so that the few women of one area are put with those of other ages before those of another area. Without, neighbours in
    number are neighbours in kind. Where all have k persons here, every block stays itself; a number is that of the first
    block of several.
    """
    if like is not None and not counts.keys() <= like.keys():
        like = None
    cells: dict[Cell, int] = defaultdict(int)
    blocks: dict[Cell, list[int]] = defaultdict(list)
    for block in sorted(counts):
        # Two blocks that begin with the same cell are told apart last of all.
        cell = (block,) if like is None else (*like[block], block)
        cells[cell] += counts[block]
        blocks[cell].append(block)
    together: dict[int, list[int]] = defaultdict(list)
    for cell, number in form(cells, k).of.items():
        together[number] += blocks[cell]
    return {block: min(group) for group in together.values() for block in group}


def extended(
    before: Mapping[Cell, int],
    newcomers: Mapping[Cell, int],
    k: int,
    counts: Mapping[int, int] | None = None,
) -> Mapping[Cell, int]:
    """The block of each newcomers' cell, given the newest block of every cell that has one.

    A cell that has a block keeps it. A block that has fewer than k persons so far (`counts`; the population was smaller
    than k) takes in the nearest cells until it has k. The others form blocks of their own where they are k together;
    otherwise they join the block of the nearest cell (the first columns weigh most).
    """
    of = {cell: before[cell] for cell in newcomers if cell in before}
    rest = {cell: count for cell, count in newcomers.items() if cell not in before}
    have = dict(counts or {})
    for cell, block in of.items():
        have[block] = have.get(block, 0) + newcomers[cell]
    for block in sorted(one for one in have if have[one] < k):
        own = [cell for cell in before if before[cell] == block]
        while own and rest and have[block] < k:
            nearest = min(rest, key=lambda cell: min((_distance(one, cell), cell) for one in own))
            of[nearest] = block
            have[block] += rest.pop(nearest)
    formed = form(rest, k)
    first = max(before.values(), default=-1) + 1
    for cell in rest:
        block = formed.of[cell]
        if formed.counts[block] >= k or not before:
            of[cell] = first + block
        else:
            of[cell] = before[min(before, key=lambda known: _distance(known, cell))]
    return of


def _distance(one: Cell, other: Cell) -> tuple[int, ...]:
    return tuple(abs(a - b) for a, b in zip(one, other, strict=True))
