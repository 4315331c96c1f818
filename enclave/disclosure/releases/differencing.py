"""May this output leave, after everything that left before? Collisions become findings, with the nearest safe grouping.

Decides the order and the bound of the examination, and what whom it tells. 1. Every pair of cells. 2. Every three.
3. Any number of cells at once: of the output and all of the history where that is one system that can be solved,
else of the output with one earlier release at a time. How deep that went is said of every output that has a history
(`disclosure.history_examined`); what was not looked at is said too (`disclosure.history_bound`), and a human decides. So more history never turns a finding into a pass: pairs, threes and systems of what was there before
are looked at again, or the verdict is `human`.

Relies on `history` and `combinations` for what can be computed. Does not: know whose eyes read a finding; it gives both
readings (`facts` for who asks: own and public releases by name; `checker` for who checks: all).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from enclave.disclosure.files.examine import Finding, Verdict
from enclave.disclosure.releases import combinations
from enclave.disclosure.releases.history import (
    MARGIN,
    Book,
    Cell,
    Collision,
    Kind,
    Persons,
    Ruler,
    by_table,
    most_of,
    pairs,
    triples,
)
from enclave.disclosure.releases.published import Near, Published, near

WHOLE: Final = 600
"""Cells of output and history together, up to which all are one system."""
IN_SYSTEMS: Final = 60_000
"""Cells of all systems of the output with one earlier release, the latest first. By cells and not by releases: any number of
small tables moves nothing out of sight that matters for the time."""
LISTED: Final = 50
TRIES: Final = 40
"""Groupings of an output that are examined as a whole system before none is offered any more."""
OTHERS: Final = "another project"

BY_POPULATION: Final = "min_persons_by_population"

Keys: TypeAlias = tuple[tuple[str, str], ...]


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


LOOKED_AT: Final = frozenset((Kind.RECORDS, Kind.AREA))
"""Collisions that a human judges."""


def verdict_of(collision: Collision) -> Verdict:
    """What one collision by itself means: of records, and of what may be a small municipality's, a human judges; whatever speaks
    of too few persons anywhere does not leave."""
    return Verdict.HUMAN if collision.kind in LOOKED_AT else Verdict.FAIL


@dataclass(frozen=True)
class Examined:
    collisions: tuple[Collision, ...]
    bound: Bound

    @property
    def verdict(self) -> Verdict:
        if any(verdict_of(one) is Verdict.FAIL for one in self.collisions):
            return Verdict.FAIL
        return Verdict.PASS if self.bound.complete and not self.collisions else Verdict.HUMAN


def examine(new: Book, released: Book, *, without_sets: Sequence[str] = ()) -> Examined:
    """Every collision of an output with the history, up to the bound that it states.

    `without_sets` names releases of the population that are totals only: with one of them nothing is complete.
    """
    two = pairs(new, released)
    # What only asks for a look does not stand for what forbids: it takes no larger collision's place.
    found = {one.cells: one for one in two if one.kind not in LOOKED_AT}
    three = triples(new, released)
    looks = {one.cells: one for one in (*two, *three.collisions) if one.kind in LOOKED_AT}
    for one in three.collisions:
        if one.kind not in LOOKED_AT and not any(known < one.cells for known in found):
            found.setdefault(one.cells, one)
    systems, whole = _systems(new, released)
    complete = three.complete
    for cells in systems:
        collisions, solved = _system(cells, new, released)
        complete &= solved
        for one in collisions:
            among = looks if one.kind in LOOKED_AT else found
            if not any(known <= one.cells for known in among):
                among[one.cells] = one
    complete = complete and whole and not without_sets
    bound = Bound(len(released.cells), None, None if whole else 1, complete, tuple(without_sets))
    return Examined((*found.values(), *looks.values()), bound)


def _systems(new: Book, released: Book) -> tuple[list[list[Cell]], bool]:
    """Lists of cells that are examined together, and whether that is all at once."""
    if len(new.cells) + len(released.cells) <= WHOLE:
        return [[*new.cells, *released.cells]], True
    earlier: dict[str, list[Cell]] = {}
    for cell in released.cells:
        earlier.setdefault(cell.release, []).append(cell)
    systems: list[list[Cell]] = []
    room = IN_SYSTEMS
    for cells in reversed(earlier.values()):
        room -= len(new.cells) + len(cells)
        if room < 0 and systems:
            break
        systems.append([*new.cells, *cells])
    # An output without a history is a system by itself: its own numbers are beside each other too.
    return systems or [list(new.cells)], len(earlier) <= 1


def _system(cells: Sequence[Cell], new: Book, released: Book) -> tuple[list[Collision], bool]:
    own = frozenset(cell.id for cell in new.cells)
    sets = [(new if cell.id in own else released).load(cell.id) for cell in cells]
    kept = [place for place, one in enumerate(sets) if one]
    kept = _by_themselves([cells[place] for place in kept], [sets[place] for place in kept], kept, own)
    chosen = [sets[place] for place in kept]
    mine = frozenset(number for number, place in enumerate(kept) if cells[place].id in own)
    found = []
    complete = True
    # By the cells' own floors, and where there are municipalities besides by what the smallest may ask for.
    usual = max((cell.floor for cell in cells), default=1)
    for floor in sorted({usual, *(cell.most for cell in cells if cell.most > usual)}):
        result = combinations.examine(chosen, floor)
        complete &= result.complete
        for told in result.told:
            few = combinations.without(chosen, told, mine, floor)
            terms = tuple((cells[kept[number]], 0) for number in sorted(few))
            if few & mine and floor == usual:
                found.append(Collision(Kind.SUM, terms, floor, len(told.persons)))
            elif few & mine and usual <= len(told.persons) < (most := most_of([cell for cell, _ in terms])):
                found.append(Collision(Kind.AREA, terms, most, len(told.persons)))
    return found, complete


def _by_themselves(
    cells: Sequence[Cell], sets: Sequence[Persons], places: Sequence[int], own: frozenset[str]
) -> list[int]:
    """Without totals that are exactly the cells beside them added up, and repeated sets: they tell nothing of their own.

    Of a new and an earlier cell of the same persons the earlier one stays: what it tells was told before.
    """
    kept: list[int] = []
    seen: set[bytes] = set()
    tables: dict[tuple[str, str], list[int]] = {}
    for number in sorted(range(len(cells)), key=lambda one: (len(sets[one]), cells[one].id in own)):
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
    Kind.RECORDS: "disclosure.history_records",
    Kind.AREA: "disclosure.history_area",
}


def findings(
    examined: Examined,
    new: Book,
    released: Book,
    ruler: Ruler,
    project: str,
    rule_set: str,
    *,
    public: Sequence[Published] = (),
    unjudged: Sequence[str] = (),
) -> list[Said]:
    """Findings for the project that asks. Facts hold names and limits, never how many persons or who.

    `public`: numbers of public tables without persons, which are laid beside the output's. `unjudged`: rules of the binding
    sets that ask for more than persons (institutions, contributions); a difference is not judged by them, which is said
    wherever there is something to differ from.

    `where` is the output's own cell; `with` what it collides with: own and public releases by name, any other as one
    of another project. `merge` is the nearest safe grouping, where there is one.
    """
    own = frozenset(cell.id for cell in new.cells)
    said = []
    groupings = Groupings(new, released, ruler)
    for one in sorted(examined.collisions, key=_weight)[:LISTED]:
        mine = [cell for cell, _ in one.terms if cell.id in own]
        others = [cell for cell, _ in one.terms if cell.id not in own] or mine[1:]
        facts: dict[str, object] = {
            "threshold": one.floor,
            "with": [_named(cell, project if cell.id not in own else cell.project) for cell in others],
        }
        merge = groupings.nearest(mine[0]) if verdict_of(one) is Verdict.FAIL else None
        if merge is not None:
            facts["merge"] = merge
        finding = Finding(_CODES[one.kind], _place(mine[0]), facts, rule_set, verdict_of(one))
        said.append(Said(finding, {"with": [_named(cell, cell.project) for cell in others]}))
    more = len(examined.collisions) - LISTED
    if more > 0:
        said.append(Said(Finding("disclosure.more", "", {"more": more}, rule_set), {}))
    said += _beside(new, public, rule_set)
    asked = _unjudged(unjudged, (*new.cells, *released.cells))
    if asked and (released.cells or examined.bound.without_sets):
        facts = {"rules": ", ".join(asked)}
        said.append(Said(Finding("disclosure.history_unjudged", "", facts, rule_set, Verdict.HUMAN), {}))
    bound = examined.bound
    if not bound.complete:
        said.append(
            Said(Finding("disclosure.history_bound", "", bound.to_json(), rule_set, Verdict.HUMAN), {})
        )
    elif released.cells and not examined.collisions:
        passed = Finding("disclosure.history_examined", "", bound.to_json(), rule_set, Verdict.PASS)
        said.append(Said(passed, {}))
    return said


def _unjudged(rules: Sequence[str], cells: Sequence[Cell]) -> list[str]:
    """Rules that nothing here applied to a difference. What a municipality may show by its inhabitants matters where one is
    told apart: of a small one a difference of any size would be too much, and whose persons a difference has no set says."""
    municipal = any(cell.area is not None for cell in cells)
    return [one for one in rules if one != BY_POPULATION or municipal]


def _beside(new: Book, public: Sequence[Published], rule_set: str) -> Iterator[Said]:
    """Per cell of the output the public numbers that it may differ from by few persons, as far as words tell."""
    by_cell: dict[str, list[Near]] = {}
    for one in near(new.cells, public):
        by_cell.setdefault(one.cell.id, []).append(one)
    for ones in list(by_cell.values())[:LISTED]:
        named = [f"{one.public.release} {_words_of(one.public.table, one.public.keys)}" for one in ones[:5]]
        facts: dict[str, object] = {"threshold": ones[0].cell.floor, "with": named}
        where = _place(ones[0].cell)
        yield Said(
            Finding("disclosure.history_published", where, facts, rule_set, Verdict.HUMAN), {"with": named}
        )


def _weight(one: Collision) -> tuple[bool, str, list[str]]:
    return (verdict_of(one) is not Verdict.FAIL, one.kind.value, sorted(one.cells))


def _place(cell: Cell) -> str:
    return _words_of(cell.table, cell.keys)


def _words_of(table: str, keys: Keys) -> str:
    said = ", ".join(f"{name}={value}" for name, value in keys)
    return f"{table}: {said}" if said else table


def _named(cell: Cell, reader: str | None) -> str:
    if cell.project is not None and cell.project != reader:
        return OTHERS
    return f"{cell.release} {_place(cell)}"


class Groupings:
    """Which neighbours a cell may be put together with, so that nothing collides any more."""

    def __init__(self, new: Book, released: Book, ruler: Ruler) -> None:
        self._new, self._released, self._ruler = new, released, ruler
        self._tries = TRIES
        self._tables = by_table(new.cells)
        self._known: dict[str, dict[str, object] | None] = {}

    def nearest(self, cell: Cell) -> dict[str, object] | None:
        """`{dimension, categories}` to put together: the fewest categories, next to each other in the table's order, then
        the fewest persons. Each is examined before it is offered (`_safe`)."""
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
            categories = [dict(one.keys)[dimension] for one in group]
            if self._safe(cell, dimension, categories):
                return {"dimension": dimension, "categories": categories}
        return None

    def _safe(self, cell: Cell, dimension: str, categories: Sequence[str]) -> bool:
        """Whether nothing is told by the table with these categories put together everywhere, beside the rest of the output
        and the whole history; in large ones, by its cells with every two and three of what was released."""
        merged, alone = self._merged(cell, dimension, frozenset(categories))
        if pairs(alone, self._released) or triples(alone, self._released).collisions:
            return False
        if len(merged.cells) + len(self._released.cells) > WHOLE:
            return True
        if self._tries == 0:
            return False
        self._tries -= 1
        fresh = {one.id for one in alone.cells}
        found = examine(merged, self._released).collisions
        return not any(one.cells & fresh and verdict_of(one) is Verdict.FAIL for one in found)

    def _merged(self, cell: Cell, dimension: str, categories: frozenset[str]) -> tuple[Book, Book]:
        """The output with the categories of a dimension of `cell`'s table as one, and the cells that this makes."""
        sets: dict[str, Persons] = {}
        groups: dict[Keys, Cell] = {}
        rest = []
        for one in self._new.cells:
            keys = dict(one.keys)
            here = (one.release, one.table) == (cell.release, cell.table)
            if not here or keys.get(dimension) not in categories:
                rest.append(one)
                sets[one.id] = self._new.load(one.id)
                continue
            place = tuple((name, "+" if name == dimension else value) for name, value in one.keys)
            first = groups.setdefault(
                place, replace(one, id=f"{one.id}+", keys=place, definition=None, measure=None)
            )
            sets[first.id] = sets.get(first.id, Persons()) | self._new.load(one.id)
        made = tuple(
            replace(one, size=len(sets[one.id]), sketch=self._ruler.sketch(sets[one.id]))
            for one in groups.values()
        )
        return Book((*rest, *made), sets.__getitem__), Book(made, sets.__getitem__)
