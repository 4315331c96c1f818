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
    return _no_thin_group(known, floor) and _no_few_institutions(known, institutions)


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
    counts = [place + 1 for place, one in enumerate(table.measures) if one.kind is MeasureKind.COUNT]
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


def distinct_holds(
    table: Table, hidden: frozenset[Keys], least: int, moves: Iterable[Mapping[Place, int]] = ()
) -> bool:
    """Where persons stand in several rows: whether numbers of distinct persons leave every hidden one a second value.

    A total of distinct persons lies between its largest detail and the sum of its details; where the numbers add up
    exactly the attacker may know that they do. Totals that were not asked are not known here, since their true
    number is not. True at once where everything adds up (`verify` has said so then).

    Other numbers that fit are looked for from the cheapest on: one number more or less by itself, the `moves` that are
    claimed (each is checked here), and last by programmes over whole numbers, which alone can say that there is none.
    Raises ValueError for a table that contradicts itself.
    """
    asked = {row.keys: (row.total_persons, *row.persons) for row in table.rows}
    sums_of = families(asked, {detailed(keys) for keys in asked})
    gaps_of = _gaps(asked, sums_of)
    seen: dict[bytes, int] = {}
    for measure in np.flatnonzero(gaps_of.any(axis=0)).tolist():
        # The same numbers have the same bounds.
        seen.setdefault(np.array([persons[measure] for persons in asked.values()]).tobytes(), measure)
    claimed: dict[int, list[dict[Keys, int]]] = {measure: [] for measure in seen.values()}
    for move in moves if claimed else ():
        parts: dict[int, dict[Keys, int]] = defaultdict(dict)
        for (keys, measure), step in move.items():
            if measure + 1 in claimed:
                parts[measure + 1][keys] = step
        for measure, part in parts.items():
            claimed[measure].append(part)
    for measure, parts_of in claimed.items():
        gaps = dict(zip(sums_of, gaps_of[:, measure].tolist(), strict=True))
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
        system = System(len(unknown), (least,) * len(unknown), tuple(rows))
        others = _Others(system, [asked[keys][measure] for keys in unknown])
        others.alone()
        for part in parts_of:
            others.take({place[keys]: step for keys, step in part.items() if keys in place})
        if not others.all_found():
            return False
    return True


def _gaps(
    asked: Mapping[Keys, tuple[int, ...]], sums_of: Mapping[tuple[Keys, tuple[int, ...]], list[Keys]]
) -> Steps:
    """Per sum and measure how much more the details are together than the total."""
    if not sums_of:
        return np.zeros((0, 1), dtype=np.int64)
    at = {keys: number for number, keys in enumerate(asked)}
    persons = np.array(list(asked.values()), dtype=np.int64)
    size = np.array([len(children) for children in sums_of.values()])
    details = persons[[at[child] for children in sums_of.values() for child in children]]
    return np.add.reduceat(details, np.cumsum(size) - size) - persons[[at[parent] for parent, _ in sums_of]]


class _Others:
    """Numbers that fit a system beside the true ones, and which unknowns have a second value among them."""

    def __init__(self, system: System, truth: Sequence[int]) -> None:
        self._system, self._truth = system, truth
        self._at = [sum(one * truth[place] for place, one in row.items()) for row, _, _ in system.rows]
        self._of: list[list[tuple[int, int]]] = [[] for _ in truth]
        for number, (row, _, _) in enumerate(system.rows):
            for place, one in row.items():
                self._of[place].append((number, one))
        self.found = [False] * len(truth)
        if any(not self._within(number, 0) for number in range(len(system.rows))):
            raise ValueError("no table fits")

    def _within(self, number: int, change: int) -> bool:
        _, low, high = self._system.rows[number]
        value = self._at[number] + change
        return (low is None or value >= low) and (high is None or value <= high)

    def alone(self) -> None:
        """One number more, or one less, all others staying."""
        for place, of in enumerate(self._of):
            for step in (1, -1):
                if self._truth[place] + step >= self._system.least[place] and all(
                    self._within(number, one * step) for number, one in of
                ):
                    self.found[place] = True
                    break

    def take(self, change: Mapping[int, int]) -> None:
        """These numbers besides, if they fit."""
        if all(self.found[place] for place in change):
            return
        rows: dict[int, int] = defaultdict(int)
        for place, step in change.items():
            if self._truth[place] + step < self._system.least[place]:
                return
            for number, one in self._of[place]:
                rows[number] += one * step
        if all(self._within(number, step) for number, step in rows.items()):
            for place, step in change.items():
                self.found[place] |= step != 0

    def all_found(self) -> bool:
        """Whether every unknown has a second value, those for which none was found yet being searched for."""
        solver: Solver | None = None
        for place, truth in enumerate(self._truth):
            for sign in (1, -1):
                if self.found[place]:
                    break
                solver = solver or Solver(self._system)
                values = solver.best(place, sign)
                if values is None or values[place] != truth:
                    self.found[place] = True
                if values is not None:
                    self.take(
                        {at: one - self._truth[at] for at, one in enumerate(values) if one != self._truth[at]}
                    )
            if not self.found[place]:
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
