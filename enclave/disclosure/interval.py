"""The audit: what an attacker can infer of each hidden number. Shares no code with the search for patterns.

Decides whether a pattern holds (`verify`, exact integers, no solver) and what interval a hidden number has
(`intervals`, by linear and integer programming: 秘匿インターバル). Relies on nothing that `lattice`, `moves` or
`secondary` computed: relations are built again here, from the table, in another way.
Does not: know reasons for hiding; an attacker who knows *why* a cell is hidden knows more (THREATS), so reasons stay
with the checker.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import highspy
import numpy as np

from enclave.disclosure.table import TOTAL, MeasureKind, Table

Keys = tuple[object, ...]
Place = tuple[Keys, int]
"""(keys of a cell, measure), measure -1 being the persons of the row."""

Bounds = tuple[int, int | None]
"""Least and greatest value; None: without end."""

ROW = -1


@dataclass(frozen=True)
class Claim:
    """What a pattern claims: these rows are hidden, these totals that nobody asked for are unknown, and with these
    moves every hidden number that matters has a second value: all of an `unsafe` row, else the persons. A move
    changes numbers by place."""

    unsafe: frozenset[Keys]
    hidden: frozenset[Keys]
    unknown: frozenset[Keys]
    moves: tuple[Mapping[Place, int], ...]


def detailed(keys: Keys) -> tuple[int, ...]:
    return tuple(place for place, key in enumerate(keys) if key is not TOTAL)


def _keep(keys: Keys, dimensions: Iterable[int]) -> Keys:
    kept = set(dimensions)
    return tuple(key if place in kept else TOTAL for place, key in enumerate(keys))


def _numbers(table: Table) -> tuple[dict[Keys, tuple[int, ...]], set[tuple[int, ...]]]:
    """Persons (row first, then measures) of every cell, asked or implied, and all groupings."""
    asked: dict[tuple[int, ...], dict[Keys, tuple[int, ...]]] = defaultdict(dict)
    for row in table.rows:
        asked[detailed(row.keys)][row.keys] = (row.total_persons, *row.persons)
    cells: dict[Keys, tuple[int, ...]] = {}
    groupings: set[tuple[int, ...]] = set()
    for finest in sorted(asked, key=lambda dims: (len(dims), sum(1 << place for place in dims))):
        for size in range(len(finest) + 1):
            for kept in combinations(finest, size):
                if kept in groupings:
                    continue
                groupings.add(kept)
                if kept in asked:
                    cells.update(asked[kept])
                    continue
                sums: dict[Keys, list[int]] = {}
                for keys, persons in asked[finest].items():
                    total = sums.setdefault(_keep(keys, kept), [0] * len(persons))
                    for place, count in enumerate(persons):
                        total[place] += count
                cells.update({keys: tuple(total) for keys, total in sums.items()})
    return cells, groupings


def verify(table: Table, claim: Claim, least: int, floor: int) -> bool:
    """Whether the hidden numbers of `table` have two possible values each and no readable group is below `floor`.

    1. Each move touches only what is hidden or unknown. 2. It keeps every sum. 3. It leaves every number at `least`
    or more, and no count above its row's persons. 4. Every number of an unsafe row, and the persons of
    every hidden row, are changed by some move. 5. What is hidden
    under a shown total is together nobody or at least `floor`.
    """
    cells, groupings = _numbers(table)
    secret = claim.hidden | claim.unknown
    known = _Known(table, cells, groupings, secret)
    if any(not _holds(known, move, least) for move in claim.moves):
        return False
    changed = {place for move in claim.moves for place, step in move.items() if step}
    for row in table.rows:
        if row.keys not in claim.hidden:
            continue
        for measure, persons in enumerate((row.total_persons, *row.persons), start=ROW):
            matters = measure == ROW or row.keys in claim.unsafe
            if matters and persons >= least and (row.keys, measure) not in changed:
                return False
    return _no_thin_group(known, floor)


@dataclass(frozen=True)
class _Known:
    """The table as the audit sees it: every cell with its persons, all groupings, and which cells are not known."""

    table: Table
    cells: Mapping[Keys, tuple[int, ...]]
    groupings: set[tuple[int, ...]]
    secret: frozenset[Keys]


def _holds(known: _Known, move: Mapping[Place, int], least: int) -> bool:
    cells = known.cells
    sums: dict[tuple[Keys, tuple[int, ...], int], int] = defaultdict(int)
    for (keys, measure), step in move.items():
        persons = cells.get(keys)
        if persons is None or keys not in known.secret or persons[measure + 1] < least:
            return False
        if persons[measure + 1] + step < least:
            return False
        dims = detailed(keys)
        for rolled in dims:
            sums[_keep(keys, [dim for dim in dims if dim != rolled]), dims, measure] -= step
        for other in known.groupings:
            if len(other) == len(dims) + 1 and set(dims) < set(other):
                sums[keys, other, measure] += step
    if any(sums.values()):
        return False
    for keys in {keys for keys, _ in move}:
        total = cells[keys][0] + move.get((keys, ROW), 0)
        for place, one in enumerate(known.table.measures):
            if one.kind is MeasureKind.COUNT and cells[keys][place + 1] + move.get((keys, place), 0) > total:
                return False
    return True


def _no_thin_group(known: _Known, floor: int) -> bool:
    table, cells, secret = known.table, known.cells, known.secret
    counts = [place + 1 for place, one in enumerate(table.measures) if one.kind is MeasureKind.COUNT]
    together: dict[tuple[Keys, tuple[int, ...]], list[int]] = {}
    for keys in secret & cells.keys():
        dims = detailed(keys)
        persons = cells[keys]
        groups = [*persons, *(persons[0] - persons[place] for place in counts)]
        for rolled in dims:
            parent = _keep(keys, [dim for dim in dims if dim != rolled])
            if parent in secret:
                continue
            sums = together.setdefault((parent, dims), [0] * len(groups))
            for place, count in enumerate(groups):
                sums[place] += count
    return not any(0 < count < floor for sums in together.values() for count in sums)


@dataclass(frozen=True)
class System:
    """What an attacker knows of some unknown whole numbers: each at least `least`, and rows of (coefficients by
    unknown, least, greatest)."""

    unknowns: int
    least: tuple[int, ...]
    rows: tuple[tuple[Mapping[int, int], int | None, int | None], ...]


class Solver:
    """Bounds of one unknown after another in one system, exactly over the whole numbers.

    Raises ValueError where no numbers fit at all.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        start, index, value, lower, upper = [0], [], [], [], []
        for coefficients, low, high in system.rows:
            index += list(coefficients)
            value += [float(one) for one in coefficients.values()]
            start.append(len(index))
            lower.append(-highspy.kHighsInf if low is None else float(low))
            upper.append(highspy.kHighsInf if high is None else float(high))
        programme = highspy.HighsLp()
        programme.num_col_, programme.num_row_ = system.unknowns, len(lower)
        programme.col_cost_ = np.zeros(system.unknowns)
        programme.col_lower_ = np.array(system.least, dtype=float)
        programme.col_upper_ = np.full(system.unknowns, highspy.kHighsInf)
        programme.row_lower_, programme.row_upper_ = np.array(lower), np.array(upper)
        programme.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        programme.a_matrix_.start_ = np.array(start)
        programme.a_matrix_.index_ = np.array(index, dtype=np.int32)
        programme.a_matrix_.value_ = np.array(value)
        self._highs = highspy.Highs()
        for name, setting in {"output_flag": False, "threads": 1, "mip_rel_gap": 0.0}.items():
            self._highs.setOptionValue(name, setting)
        self._highs.passModel(programme)
        self._highs.run()
        if self._highs.getModelStatus() not in (
            highspy.HighsModelStatus.kOptimal,
            highspy.HighsModelStatus.kModelEmpty,
        ):
            raise ValueError("no table fits")

    def _best(self, unknown: int, sign: int) -> int | None:
        """The least (sign 1) or greatest (-1) value; None: without end."""
        self._highs.changeColCost(unknown, float(sign))
        places = np.arange(self._system.unknowns, dtype=np.int32)
        try:
            self._highs.run()
            status = self._highs.getModelStatus()
            if status in (
                highspy.HighsModelStatus.kUnbounded,
                highspy.HighsModelStatus.kUnboundedOrInfeasible,
            ):
                return None
            if status != highspy.HighsModelStatus.kOptimal:
                raise ValueError("no table fits")
            values = np.asarray(self._highs.getSolution().col_value)
            if np.abs(values - np.rint(values)).max(initial=0.0) > 1e-6:
                whole = np.ones(self._system.unknowns, dtype=np.uint8)
                self._highs.changeColsIntegrality(self._system.unknowns, places, whole)
                self._highs.run()
                if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
                    raise ValueError("no table fits")
                values = np.asarray(self._highs.getSolution().col_value)
                self._highs.changeColsIntegrality(self._system.unknowns, places, np.zeros_like(whole))
            return round(float(values[unknown]))
        finally:
            self._highs.changeColCost(unknown, 0.0)

    def bounds(self, unknown: int) -> Bounds:
        low = self._best(unknown, 1)
        return (self._system.least[unknown] if low is None else low, self._best(unknown, -1))


def intervals(table: Table, claim: Claim, least: int) -> dict[Place, Bounds]:
    """Per hidden number of the answer the least and greatest value that fits all that is shown.

    For the checker (a bound helps an attacker who does not compute). Raises ValueError for a table that contradicts
    itself.
    """
    cells, groupings = _numbers(table)
    secret = claim.hidden | claim.unknown
    place_of: dict[Place, int] = {}
    for keys, persons in cells.items():
        for measure in range(ROW, len(table.measures)):
            if keys in secret and persons[measure + 1] >= least:
                place_of[keys, measure] = len(place_of)
    rows: list[tuple[Mapping[int, int], int | None, int | None]] = []
    for (parent, _dims), children in families(cells, groupings).items():
        for measure in range(ROW, len(table.measures)):
            rest, coefficients = 0, {}
            for keys, sign in ((parent, 1), *((child, -1) for child in children)):
                if (keys, measure) in place_of:
                    coefficients[place_of[keys, measure]] = sign
                else:
                    rest += sign * cells[keys][measure + 1]
            # What the table lacks to add up (persons in several rows) is taken as known: changes alone are tied.
            gap = cells[parent][measure + 1] - sum(cells[child][measure + 1] for child in children)
            if coefficients:
                rows.append((coefficients, gap - rest, gap - rest))
    for (keys, measure), part in place_of.items():
        whole = place_of.get((keys, ROW))
        if measure != ROW and whole is not None and table.measures[measure].kind is MeasureKind.COUNT:
            rows.append(({whole: 1, part: -1}, 0, None))
    solver = Solver(System(len(place_of), (least,) * len(place_of), tuple(rows)))
    return {place: solver.bounds(number) for place, number in place_of.items() if place[0] in claim.hidden}


def families(
    cells: Mapping[Keys, tuple[int, ...]], groupings: set[tuple[int, ...]]
) -> dict[tuple[Keys, tuple[int, ...]], list[Keys]]:
    """Per (total, grouping of its details) the details."""
    families: dict[tuple[Keys, tuple[int, ...]], list[Keys]] = defaultdict(list)
    for keys in cells:
        dims = detailed(keys)
        for rolled in dims:
            parent = tuple(dim for dim in dims if dim != rolled)
            if parent in groupings and _keep(keys, parent) in cells:
                families[_keep(keys, parent), dims].append(keys)
    return families


def distinct_holds(table: Table, hidden: frozenset[Keys], least: int) -> bool:
    """Where persons stand in several rows: whether numbers of distinct persons pin a hidden one down.

    A total of distinct persons lies between its largest detail and the sum of its details; where the numbers add up
    exactly the attacker may know that they do. Totals that were not asked are not known here, since their true
    number is not. True at once where everything adds up (`verify` has said so then).
    """
    asked = {row.keys: (row.total_persons, *row.persons) for row in table.rows}
    sums_of = families(asked, {detailed(keys) for keys in asked})
    for measure in range(len(table.measures) + 1):
        gaps = {
            family: sum(asked[child][measure] for child in children) - asked[family[0]][measure]
            for family, children in sums_of.items()
        }
        if not any(gaps.values()):
            continue
        unknown = [keys for keys in asked if keys in hidden and asked[keys][measure] >= least]
        place = {keys: number for number, keys in enumerate(unknown)}
        rows: list[tuple[Mapping[int, int], int | None, int | None]] = []
        for (parent, dims), children in sums_of.items():
            terms = _terms([(parent, 1), *((child, -1) for child in children)], asked, place, measure)
            if terms[0]:
                upper = -terms[1]
                rows.append((terms[0], upper if gaps[parent, dims] == 0 else None, upper))
            for child in children if gaps[parent, dims] else ():
                pair = _terms([(parent, 1), (child, -1)], asked, place, measure)
                if pair[0]:
                    rows.append((pair[0], -pair[1], None))
        solver = Solver(System(len(unknown), (least,) * len(unknown), tuple(rows)))
        for number in range(len(unknown)):
            low, high = solver.bounds(number)
            if low == high:
                return False
    return True


def _terms(
    signed: Sequence[tuple[Keys, int]],
    asked: Mapping[Keys, tuple[int, ...]],
    place: Mapping[Keys, int],
    measure: int,
) -> tuple[dict[int, int], int]:
    """Coefficients of the unknown among `signed`, and the sum of the known."""
    coefficients, known = {}, 0
    for keys, sign in signed:
        if keys in place:
            coefficients[place[keys]] = sign
        else:
            known += sign * asked[keys][measure]
    return coefficients, known
