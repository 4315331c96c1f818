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
from operator import add

import highspy
import numpy as np
import numpy.typing as npt

from enclave.disclosure.answers.table import TOTAL, MeasureKind, Table

Keys = tuple[object, ...]
Place = tuple[Keys, int]
"""(keys of a cell, measure), measure -1 being the persons of the row."""

Bounds = tuple[int, int | None]
"""Least and greatest value; None: without end."""

Steps = npt.NDArray[np.int64]

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


def _above(keys: Keys, rolled: int) -> Keys:
    """The total over one dimension."""
    return (*keys[:rolled], TOTAL, *keys[rolled + 1 :])


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


def verify(table: Table, claim: Claim, least: int, floor: int, institutions: int = 0) -> bool:
    """Whether the hidden numbers of `table` have two possible values each and no readable group is below `floor`.

    1. Each move touches only what is hidden or unknown. 2. It keeps every sum. 3. It leaves every number at `least`
    or more, and no count above its row's persons. 4. Every number of an unsafe row, and the persons of
    every hidden row, are changed by some move. 5. What is hidden
    under a shown total is together nobody or at least `floor`, and one of it has at least so many `institutions` behind it.
    6. So are what is hidden in either of two totals that lie inside each other (`Table.inside`) apart, and these themselves where
    nobody asked for them.
    """
    cells, groupings = _numbers(table)
    secret = claim.hidden | claim.unknown
    known = _Known(table, cells, groupings, secret)
    if not _hold(known, claim.moves, least):
        return False
    changed = {place for move in claim.moves for place, step in move.items() if step}
    for row in table.rows:
        if row.keys not in claim.hidden:
            continue
        for measure, persons in enumerate((row.total_persons, *row.persons), start=ROW):
            matters = measure == ROW or row.keys in claim.unsafe
            if matters and persons >= least and (row.keys, measure) not in changed:
                return False
    return (
        _no_thin_group(known, floor)
        and _no_few_institutions(known, institutions)
        and _no_thin_difference(known, floor)
    )


@dataclass(frozen=True)
class _Known:
    """The table as the audit sees it: every cell with its persons, all groupings, and which cells are not known."""

    table: Table
    cells: Mapping[Keys, tuple[int, ...]]
    groupings: set[tuple[int, ...]]
    secret: frozenset[Keys]


def _hold(known: _Known, moves: Sequence[Mapping[Place, int]], least: int) -> bool:
    """Whether each of the moves could be true: 1, 2 and 3 of `verify`, for all of them at once, in whole numbers."""
    place_of = {keys: place for place, keys in enumerate(known.cells) if keys in known.secret}
    entries: list[tuple[int, int, int, int]] = []
    for number, move in enumerate(moves):
        for (keys, measure), step in move.items():
            place = place_of.get(keys)
            if place is None:
                return False
            entries.append((number, place, measure + 1, step))
    if not entries:
        return True
    move_of, place, measure, step = np.array(entries, dtype=np.int64).T
    persons = np.array(list(known.cells.values()), dtype=np.int64)
    now = persons[place, measure]
    if bool(((now < least) | (now + step < least)).any()):
        return False
    width = persons.shape[1]
    # A count is at most its row's persons, wherever either of them changes.
    rows, at = np.unique(move_of * len(persons) + place, return_inverse=True)
    after = persons[rows % len(persons)]
    after[at, measure] += step
    for column, one in enumerate(known.table.measures, start=1):
        if one.kind is MeasureKind.COUNT and bool((after[:, column] > after[:, 0]).any()):
            return False
    start, family, sign = _families_of(known, place_of)
    size = start[place + 1] - start[place]
    entry = np.repeat(np.arange(len(place)), size)
    inside = np.arange(len(entry)) - np.repeat(np.cumsum(size) - size, size) + start[place[entry]]
    _, line = np.unique(
        (move_of[entry] * (int(family.max(initial=0)) + 1) + family[inside]) * width + measure[entry],
        return_inverse=True,
    )
    sums = np.zeros(int(line.max(initial=-1)) + 1, dtype=np.int64)
    np.add.at(sums, line, sign[inside] * step[entry])
    return not sums.any()


def _families_of(known: _Known, place_of: Mapping[Keys, int]) -> tuple[Steps, Steps, Steps]:
    """The sums that each secret cell stands in, by its place: from where on, which, and whether as the total (1) or as a
    detail (-1)."""
    number: dict[tuple[Keys, tuple[int, ...]], int] = {}
    finer = {
        dims: [other for other in known.groupings if len(other) == len(dims) + 1 and set(dims) < set(other)]
        for dims in known.groupings
    }
    start, family, sign = [0], list[int](), list[int]()
    for keys in known.cells:
        if keys in place_of:
            dims = detailed(keys)
            for rolled in dims:
                parent = _above(keys, rolled)
                family.append(number.setdefault((parent, dims), len(number)))
                sign.append(-1)
            for other in finer[dims]:
                family.append(number.setdefault((keys, other), len(number)))
                sign.append(1)
        start.append(len(family))
    return np.array(start), np.array(family, dtype=np.int64), np.array(sign, dtype=np.int64)


def _no_thin_group(known: _Known, floor: int) -> bool:
    table, cells, secret = known.table, known.cells, known.secret
    counts = [place + 1 for place, one in enumerate(table.measures) if one.leaves_over]
    together: dict[tuple[Keys, tuple[int, ...]], list[int]] = {}
    for keys in secret & cells.keys():
        dims = detailed(keys)
        persons = cells[keys]
        groups: list[int] | None = None
        for rolled in dims:
            parent = _above(keys, rolled)
            if parent in secret:
                continue
            groups = groups or [*persons, *(persons[0] - persons[place] for place in counts)]
            there = together.get((parent, dims))
            together[parent, dims] = groups if there is None else list(map(add, there, groups))
    return not any(0 < count < floor for sums in together.values() for count in sums)


def _no_few_institutions(known: _Known, least: int) -> bool:
    """As `_no_thin_group`, of institutions: several cells have at least as many behind them as the one with the most, and all
    the details of a total together as many as it has. Of a total that nobody asked for nothing is known but that of its
    details."""
    rows = [(row.keys, row.institutions) for row in known.table.rows if row.institutions]
    behind: dict[Keys, tuple[int, ...]] = dict(rows)
    unknown = known.secret - behind.keys()
    for dims in {detailed(keys) for keys in unknown}:
        for keys, counts in rows:
            above = _keep(keys, dims)
            if above in unknown and set(dims) < set(detailed(keys)):
                behind[above] = tuple(map(max, behind.get(above, counts), counts))
    together: dict[tuple[Keys, tuple[int, ...]], tuple[int, ...]] = {}
    for keys in known.secret & behind.keys():
        dims = detailed(keys)
        for rolled in dims:
            parent = _keep(keys, [dim for dim in dims if dim != rolled])
            if parent not in known.secret:
                there = together.get((parent, dims), behind[keys])
                together[parent, dims] = tuple(map(max, there, behind[keys]))
    few = {family for family, found in together.items() if any(0 < most < least for most in found)}
    if not few:
        return True
    shown: set[tuple[Keys, tuple[int, ...]]] = set()
    for keys in known.cells.keys() - known.secret:
        dims = detailed(keys)
        if known.cells[keys][0]:
            shown |= {(_keep(keys, [dim for dim in dims if dim != rolled]), dims) for rolled in dims}
    return not few & shown


def _no_thin_difference(known: _Known, floor: int) -> bool:
    """6 of `verify`."""
    table, cells, secret = known.table, known.cells, known.secret
    inside = {(one.measure + 1, one.inner, one.outer) for one in table.inside}
    lines = families(cells, known.groupings) if inside else {}
    asked = {row.keys for row in table.rows}
    for size in range(len(table.dimensions), 0, -1):
        for measure, inner, outer in [one for one in inside if len(detailed(one[2])) == size]:
            dims = detailed(outer)
            for rolled in dims:
                if inner[rolled] != outer[rolled]:
                    continue
                part, whole = _above(inner, rolled), _above(outer, rolled)
                apart, hidden = [0], [0]
                for key in {keys[rolled] for total in (part, whole) for keys in lines[total, dims]}:
                    one, other = ((*keys[:rolled], key, *keys[rolled + 1 :]) for keys in (outer, inner))
                    more = -1
                    if other not in cells:
                        more = cells[one][measure]
                    elif (measure, other, one) in inside:
                        more = cells[one][measure] - cells[other][measure]
                    apart.append(more)
                    hidden.append(more if one in secret or other in secret else 0)
                every, told = sum(apart), sum(hidden)
                small = whole not in asked and min(apart) >= 0 and every < floor
                if small:
                    inside.add((measure, part, whole))
                if whole in secret or part in secret:
                    continue
                if (small and every) or (min(hidden) >= 0 and 0 < told < floor):
                    return False
    return True


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

    def best(self, unknown: int, sign: int) -> list[int] | None:
        """Numbers that fit, with the least (sign 1) or greatest (-1) value of `unknown`; None: without end."""
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
            return [round(float(one)) for one in values]
        finally:
            self._highs.changeColCost(unknown, 0.0)

    def bounds(self, unknown: int) -> Bounds:
        low, high = self.best(unknown, 1), self.best(unknown, -1)
        return (
            self._system.least[unknown] if low is None else low[unknown],
            None if high is None else high[unknown],
        )


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
    rolls: dict[tuple[int, ...], list[int]] = {}
    for keys in cells:
        dims = detailed(keys)
        if dims not in rolls:
            rolls[dims] = [one for one in dims if tuple(dim for dim in dims if dim != one) in groupings]
        for rolled in rolls[dims]:
            parent = _above(keys, rolled)
            if parent in cells:
                families[parent, dims].append(keys)
    return families
