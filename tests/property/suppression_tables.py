"""Small tables for the suppression properties, and an attacker that only counts: slow, obvious, shares nothing."""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import combinations

from enclave.core.refusal import Refused
from enclave.disclosure.answers.table import TOTAL, Hidden, Measure, ProtectedTable, Reason, Row, Shown, Table
from enclave.disclosure.criteria.rules import MinPersons, RuleSet, Zero
from enclave.disclosure.flow import protect

N = 4
"""The threshold of these tables: small, so that everything can be enumerated."""

RULES = [RuleSet("four", date(2024, 1, 1), None, "test", ("*",), MinPersons(N, Zero.SHOWN))]

Keys = tuple[object, ...]
Cells = Mapping[Keys, tuple[int, ...]]


def rolled(keys: Keys, kept: tuple[int, ...]) -> Keys:
    return tuple(key if place in kept else TOTAL for place, key in enumerate(keys))


def subsets(width: int) -> list[tuple[int, ...]]:
    return [kept for size in range(width + 1) for kept in combinations(range(width), size)]


def totals(cells: Cells, kept: tuple[int, ...]) -> dict[Keys, tuple[int, ...]]:
    sums: dict[Keys, tuple[int, ...]] = {}
    for keys, persons in cells.items():
        if persons[0]:
            there = sums.get(rolled(keys, kept), (0,) * len(persons))
            sums[rolled(keys, kept)] = tuple(a + b for a, b in zip(there, persons, strict=True))
    return sums


def table_of(cells: Cells, groupings: list[tuple[int, ...]]) -> Table:
    """The answer of GROUPING SETS `groupings`: a count, and a filtered count where the cells have two numbers."""
    width = len(next(iter(cells)))
    rows = [
        Row(keys, persons, persons, persons[0])
        for kept in groupings
        for keys, persons in totals(cells, kept).items()
    ]
    measures = tuple(Measure(f"m{place}") for place in range(len(next(iter(cells.values())))))
    return Table(tuple(f"d{place}" for place in range(width)), measures, tuple(rows))


def shown(answer: ProtectedTable) -> dict[tuple[Keys, int], object]:
    return {
        (row.keys, place): cell.value
        for row in answer.rows
        for place, cell in enumerate(row.cells)
        if isinstance(cell, Shown)
    }


def hidden(answer: ProtectedTable) -> list[tuple[Keys, int]]:
    return [
        (row.keys, place)
        for row in answer.rows
        for place, cell in enumerate(row.cells)
        if isinstance(cell, Hidden)
    ]


def known_of(
    cells: Cells, asked: list[tuple[int, ...]]
) -> tuple[ProtectedTable, dict[tuple[Keys, int], object]]:
    """The answer to one question, and all that is known after also asking for every total by itself."""
    answer = protect(table_of(cells, asked), RULES)
    known: dict[tuple[Keys, int], object] = {}
    width = len(next(iter(cells)))
    for kept in subsets(width):
        if any(set(kept) <= set(finer) for finer in asked):
            try:
                known |= shown(protect(table_of(cells, [kept]), RULES))
            except Refused:
                continue
    return answer, known | shown(answer)


def fitting(cells: Cells, known: Mapping[tuple[Keys, int], object]) -> Iterator[dict[tuple[Keys, int], int]]:
    """Every table of whole numbers that fits what is known: empty cells are known, hidden counts are at least 1,
    a filtered count is at most its row's. Numbers are tried up to three above the largest true one: fewer only make the attacker weaker to us."""
    width, series = len(next(iter(cells))), len(next(iter(cells.values())))
    finest = tuple(range(width))
    places = [
        (keys, place)
        for keys, persons in sorted(totals(cells, finest).items(), key=repr)
        for place in range(series)
    ]
    truth = {(keys, place): cells[keys][place] for keys, place in places}
    top = max(truth.values()) + 3
    checks: dict[tuple[Keys, int], list[tuple[Keys, int]]] = {}
    for keys, place in places:
        for kept in subsets(width):
            checks.setdefault((rolled(keys, kept), place), []).append((keys, place))
    sums = [(members, known[total]) for total, members in checks.items() if total in known]

    def walk(at: int, chosen: dict[tuple[Keys, int], int]) -> Iterator[dict[tuple[Keys, int], int]]:
        if at == len(places):
            yield dict(chosen)
            return
        here = places[at]
        if here in known:
            options = [truth[here]]
        elif here[1] and truth[here] == 0:
            options = [0]
        else:
            options = list(range(1, top + 1))
        for value in options:
            if here[1] and value > chosen[here[0], 0]:
                continue
            chosen[here] = value
            if all(_possible(members, total, chosen) for members, total in sums if here in members):
                yield from walk(at + 1, chosen)
            del chosen[here]

    yield from walk(0, {})


def _possible(members: list[tuple[Keys, int]], total: object, chosen: Mapping[tuple[Keys, int], int]) -> bool:
    have = sum(chosen.get(member, 0) for member in members)
    return have == total if all(member in chosen for member in members) else have <= int(str(total))


def pinned(cells: Cells, asked: list[tuple[int, ...]]) -> list[tuple[Keys, int]]:
    """The hidden numbers of an answer that only one value fits: of unsafe rows all, of the others the persons.

    Raises Refused where there is no answer.
    """
    answer, known = known_of(cells, asked)
    open_places = {(row.keys, 0) for row in answer.rows if isinstance(row.cells[0], Hidden)} | {
        (row.keys, place)
        for row in answer.rows
        for place, cell in enumerate(row.cells)
        if isinstance(cell, Hidden) and cell.reason is Reason.PRIMARY
    }
    first: dict[tuple[Keys, int], int] = {}
    for found in fitting(cells, known):
        for keys, place in list(open_places):
            kept = tuple(dim for dim, key in enumerate(keys) if key is not TOTAL)
            value = sum(
                count
                for (detail, series), count in found.items()
                if series == place and rolled(detail, kept) == keys
            )
            if first.setdefault((keys, place), value) != value:
                open_places.discard((keys, place))
        if not open_places:
            return []
    return sorted(open_places, key=repr)
