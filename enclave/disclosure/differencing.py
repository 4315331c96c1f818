"""May this output leave, after everything that left before? Collisions become findings, with the nearest safe grouping.

Decides the order and the bound of the examination, and what whom it tells. 1. Every pair of cells. 2. Every three.
3. Any number of cells at once: of the output and all of the history where that is one system that can be solved,
else of the output with one earlier release at a time. What was not looked at is said (`disclosure.history_bound`), and
a human decides. So more history never turns a finding into a pass: pairs, threes and systems of what was there before
are looked at again, or the verdict is `human`.

Relies on `history` and `combinations` for what can be computed. Does not: know whose eyes read a finding; it gives both
readings (`facts` for who asks: own and public releases by name; `checker` for who checks: all).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from enclave.disclosure import combinations
from enclave.disclosure.examine import Finding, Verdict
from enclave.disclosure.history import (
    MARGIN,
    Book,
    Cell,
    Collision,
    Kind,
    Load,
    Persons,
    Ruler,
    by_table,
    pairs,
    triples,
)

WHOLE: Final = 600
"""Cells of output and history together, up to which all are one system."""
SYSTEMS: Final = 40
"""The latest earlier releases that are systems with the output, each by itself."""
LISTED: Final = 50
OTHERS: Final = "another project"


@dataclass(frozen=True)
class Bound:
    """What was examined, as printed: `cells_together` is None where any number was, of `releases` earlier ones at a time."""

    released: int
    cells_together: int | None
    releases: int | None
    complete: bool
    without_sets: tuple[str, ...] = ()
    """Releases of which only totals are known: nobody can look whom they speak of."""

    def to_json(self) -> dict[str, object]:
        return {
            "released_cells": self.released,
            "cells_together": "any" if self.cells_together is None else self.cells_together,
            "earlier_releases_together": "all" if self.releases is None else self.releases,
            "releases_without_persons": len(self.without_sets),
            "complete": self.complete,
        }


@dataclass(frozen=True)
class Examined:
    collisions: tuple[Collision, ...]
    bound: Bound

    @property
    def verdict(self) -> Verdict:
        if self.collisions:
            return Verdict.FAIL
        return Verdict.PASS if self.bound.complete else Verdict.HUMAN


def examine(
    new: Book, released: Book, *, zero_hidden: bool = False, without_sets: Sequence[str] = ()
) -> Examined:
    """Every collision of an output with the history, up to the bound that it states.

    `without_sets` names releases of the population that are totals only: with one of them nothing is complete.
    """
    found = {one.cells: one for one in pairs(new, released, zero_hidden=zero_hidden)}
    three = triples(new, released)
    for one in three.collisions:
        if not any(known < one.cells for known in found):
            found.setdefault(one.cells, one)
    systems, whole = _systems(new, released)
    complete = three.complete
    for cells in systems:
        collisions, solved = _system(cells, new, released)
        complete &= solved
        for one in collisions:
            if not any(known <= one.cells for known in found):
                found[one.cells] = one
    complete = complete and whole and not without_sets
    bound = Bound(len(released.cells), None, None if whole else 1, complete, tuple(without_sets))
    return Examined(tuple(found.values()), bound)


def _systems(new: Book, released: Book) -> tuple[list[list[Cell]], bool]:
    """Lists of cells that are examined together, and whether that is all at once."""
    if len(new.cells) + len(released.cells) <= WHOLE:
        return [[*new.cells, *released.cells]], True
    earlier: dict[str, list[Cell]] = {}
    for cell in released.cells:
        earlier.setdefault(cell.release, []).append(cell)
    latest = list(earlier.values())[-SYSTEMS:]
    return [[*new.cells, *cells] for cells in latest], len(earlier) <= 1


def _system(cells: Sequence[Cell], new: Book, released: Book) -> tuple[list[Collision], bool]:
    own = frozenset(cell.id for cell in new.cells)
    sets = [(new if cell.id in own else released).load(cell.id) for cell in cells]
    kept = [place for place, one in enumerate(sets) if one]
    kept = _by_themselves([cells[place] for place in kept], [sets[place] for place in kept], kept)
    floor = max((cells[place].floor for place in kept), default=1)
    chosen = [sets[place] for place in kept]
    result = combinations.examine(chosen, floor)
    mine = frozenset(number for number, place in enumerate(kept) if cells[place].id in own)
    found = []
    for told in result.told:
        few = combinations.without(chosen, told, mine, floor)
        if few & mine:
            terms = tuple((cells[kept[number]], 0) for number in sorted(few))
            found.append(Collision(Kind.SUM, terms, floor, len(told.persons)))
    return found, result.complete


def _by_themselves(cells: Sequence[Cell], sets: Sequence[Persons], places: Sequence[int]) -> list[int]:
    """Without totals that are exactly the cells beside them added up, and repeated sets: they tell nothing of their own."""
    kept: list[int] = []
    seen: set[bytes] = set()
    tables: dict[tuple[str, str], list[int]] = {}
    for number in sorted(range(len(cells)), key=lambda one: len(sets[one])):
        here = tables.setdefault((cells[number].release, cells[number].table), [])
        left = Persons(sets[number])
        digest = left.serialize()
        if digest in seen:
            continue
        seen.add(digest)
        for part in reversed(here):
            if len(sets[part]) <= len(left) and sets[part] <= left:
                left -= sets[part]
                if not left:
                    break
        if left:
            kept.append(number)
            here.append(number)
    return sorted(places[number] for number in kept)


# -- what is said ----------------------------------------------------------------------------------
@dataclass(frozen=True)
class Said:
    """A finding for who asks, and what only a checker reads beside it."""

    finding: Finding
    checker: Mapping[str, object]


_CODES: Final = {
    Kind.PAIR: "disclosure.history_pair",
    Kind.SUM: "disclosure.history_sum",
    Kind.EQUAL: "disclosure.history_equal",
}


def findings(
    examined: Examined, new: Book, released: Book, ruler: Ruler, project: str, rule_set: str
) -> list[Said]:
    """Findings for the project that asks. Facts hold names and limits, never how many persons or who.

    `where` is the output's own cell; `with` what it collides with: own and public releases by name, any other as one
    of another project. `merge` is the nearest safe grouping, where there is one.
    """
    own = frozenset(cell.id for cell in new.cells)
    said = []
    groupings = Groupings(new, released, ruler)
    for one in sorted(examined.collisions, key=lambda c: (c.kind.value, sorted(c.cells)))[:LISTED]:
        mine = [cell for cell, _ in one.terms if cell.id in own]
        others = [cell for cell, _ in one.terms if cell.id not in own] or mine[1:]
        facts: dict[str, object] = {
            "threshold": one.floor,
            "with": [_named(cell, project if cell.id not in own else cell.project) for cell in others],
        }
        merge = groupings.nearest(mine[0])
        if merge is not None:
            facts["merge"] = merge
        finding = Finding(_CODES[one.kind], _place(mine[0]), facts, rule_set)
        said.append(Said(finding, {"with": [_named(cell, cell.project) for cell in others]}))
    more = len(examined.collisions) - LISTED
    if more > 0:
        said.append(Said(Finding("disclosure.more", "", {"more": more}, rule_set), {}))
    if not examined.bound.complete:
        bound = Finding("disclosure.history_bound", "", examined.bound.to_json(), rule_set, Verdict.HUMAN)
        said.append(Said(bound, {}))
    return said


def _place(cell: Cell) -> str:
    keys = ", ".join(f"{name}={value}" for name, value in cell.keys)
    return f"{cell.table}: {keys}" if keys else cell.table


def _named(cell: Cell, reader: str | None) -> str:
    if cell.project is not None and cell.project != reader:
        return OTHERS
    return f"{cell.release} {_place(cell)}"


class Groupings:
    """Which neighbours a cell may be put together with, so that nothing collides any more."""

    def __init__(self, new: Book, released: Book, ruler: Ruler) -> None:
        self._new, self._released, self._ruler = new, released, ruler
        self._tables = by_table(new.cells)
        self._known: dict[str, dict[str, object] | None] = {}

    def nearest(self, cell: Cell) -> dict[str, object] | None:
        """`{dimension, categories}` to put together: the fewest categories, next to each other in the table's order, then
        the fewest persons; tried against the whole history, and offered only where pairs and threes find nothing."""
        if cell.id not in self._known:
            self._known[cell.id] = self._search(cell)
        return self._known[cell.id]

    def _search(self, cell: Cell) -> dict[str, object] | None:
        tried: list[tuple[int, int, str, list[Cell]]] = []
        for place, (dimension, _) in enumerate(cell.keys):
            line = [
                one
                for one in self._tables[cell.release, cell.table]
                if len(one.keys) == len(cell.keys)
                and one.keys[:place] + one.keys[place + 1 :] == cell.keys[:place] + cell.keys[place + 1 :]
                and one.keys[place][0] == dimension
                and one.keys[place][1] != MARGIN
            ]
            at = next((n for n, one in enumerate(line) if one.id == cell.id), None)
            if at is None:
                continue
            for low in range(max(0, at - 2), at + 1):
                for high in range(at, min(len(line), at + 3)):
                    if high > low:
                        group = line[low : high + 1]
                        tried.append((len(group), sum(one.size for one in group), dimension, group))
        for _, _, dimension, group in sorted(tried, key=lambda one: one[:3]):
            if self._safe(cell, group):
                return {"dimension": dimension, "categories": [dict(one.keys)[dimension] for one in group]}
        return None

    def _safe(self, cell: Cell, group: Sequence[Cell]) -> bool:
        together = Persons.union(*(self._new.load(one.id) for one in group))
        name = f"{cell.id}+"
        merged = replace(cell, id=name, size=len(together), sketch=self._ruler.sketch(together))
        alone = Book((merged,), _one(name, together))
        return not pairs(alone, self._released) and not triples(alone, self._released).collisions


def _one(name: str, persons: Persons) -> Load:
    return {name: persons}.__getitem__
