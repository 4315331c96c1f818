"""The table as a lattice: every margin that its details have, asked for or not, and the sums that tie them.

Decides what an attacker may know of a table besides its own rows: a total can always be asked separately, so every
roll-up of a grouping in the answer is a cell here (virtual where the answer does not hold it). Relies on `primary` for
which cells are unsafe. Does not choose what else to hide: that is `secondary`.

Persons need not add up: someone may stand in several rows. What can always be subtracted is what adds up by its
nature (records, sums), and each row has at least as many records as persons. The lattice therefore ties *changes*
(the change of a total is the sum of the changes of its details) with the row's own persons as room to move: an
alternative that is possible here is possible for records too. Virtual margins take the sum of their details, which is
at least their true number of persons, so a virtual margin is never taken for unknown because of it. What the numbers of
distinct persons themselves tell where they do not add up is audited apart, with inequalities (`interval`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from enclave.core.refusal import Refused
from enclave.disclosure.answers.given import Given, Magnitude
from enclave.disclosure.answers.primary import Compared, compared, unsafe, unsafe_group
from enclave.disclosure.answers.table import TOTAL, MeasureKind, Table, canonical
from enclave.disclosure.criteria.rules import Rules, Zero

Keys = tuple[object, ...]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Series:
    """One vector of evidence over all cells. `counted`: its numbers are shown, so that it is known to be at most the
    row's persons (series 0); `leaves_over`: and subtracted from them."""

    counted: bool
    leaves_over: bool


@dataclass(frozen=True)
class Node:
    """One cell of the lattice. `persons` per series; `row`: its place in the answer, None when virtual; `institutions`: at
    least so many different ones, per group (`table.Row`), exactly so many where the cell is in the answer. `dominated`:
    unsafe for what persons contribute to a number of it, whether or not for how many they are (`unsafe`)."""

    keys: Keys
    grouping: int
    persons: tuple[int, ...]
    unsafe: bool
    row: int | None
    institutions: tuple[int, ...] = ()
    dominated: bool = False


@dataclass(frozen=True)
class Relation:
    """The change of `parent` is the sum of the changes of `children` (places in `nodes`, ascending)."""

    parent: int
    children: tuple[int, ...]
    grouping: int


@dataclass(frozen=True)
class Pair:
    """Two totals some of whose details lie inside each other: `details` (of `grouping`) as the outer, the inner (-1 where one has
    nobody) and how many persons more the outer has, -1 where it is not known that nobody else is in the inner."""

    outer: int
    inner: int
    grouping: int
    details: tuple[tuple[int, int, int], ...]


class Sums:
    """Relations, written out: `parent` of each, and its children from `start` on."""

    def __init__(self, relations: Sequence[Relation]) -> None:
        self.relations = relations
        self.parent = np.array([one.parent for one in relations], dtype=np.int64)
        self.children = np.array([child for one in relations for child in one.children], dtype=np.int64)
        self.size = np.array([len(one.children) for one in relations], dtype=np.int64)
        self.start = np.cumsum(self.size) - self.size

    @cached_property
    def of_node(self) -> tuple[Numbers, Numbers, Numbers]:
        """By node: from where on it stands, in which relations (ascending), and as the parent (1) or a child (-1)."""
        number = np.arange(len(self.relations))
        node = np.concatenate([self.parent, self.children])
        relation = np.concatenate([number, np.repeat(number, self.size)])
        sign = np.concatenate(
            [np.ones(len(number), dtype=np.int64), -np.ones(len(self.children), dtype=np.int64)]
        )
        order = np.lexsort((relation, node))
        start = np.zeros(int(node.max(initial=-1)) + 2, dtype=np.int64)
        np.add.at(start, node + 1, 1)
        return np.cumsum(start), relation[order], sign[order]

    def together(self, numbers: Numbers) -> Numbers:
        """Per relation the sum over its children of what `numbers` says of each node (in columns)."""
        if not len(self.parent):
            return numbers[:0]
        return np.add.reduceat(numbers[self.children], self.start, axis=0)


@dataclass(frozen=True)
class Lattice:
    """`groupings`: all, coarsest first, as bit masks of detailed dimensions; `least`: the least hidden count;
    `series_of`: per measure its series.

    `floor`: what the details hidden under one shown total must have together in persons (0 apart): they can be
    read as one cell. `institutions`: the same in institutions, of which as many stand behind several cells as behind the
    one with the most, for all that is known. `pairs`: the details that are hidden in either of them are apart by nobody or by
    `floor` persons as well. `magnitudes`: what persons contribute to numbers, where a rule asks.
    """

    nodes: tuple[Node, ...]
    relations: tuple[Relation, ...]
    groupings: tuple[int, ...]
    series: tuple[Series, ...]
    series_of: tuple[int, ...]
    least: int
    floor: int
    institutions: int = 0
    magnitudes: tuple[Magnitude, ...] = ()
    pairs: tuple[Pair, ...] = ()

    @cached_property
    def numbers(self) -> Numbers:
        """The persons of all nodes: nodes × series."""
        return np.array([node.persons for node in self.nodes], dtype=np.int64)

    def moves(self, node: int, series: int) -> bool:
        """Whether a hidden node's number in a series is unknown: 0 is known where zeros are shown."""
        return self.nodes[node].persons[series] >= self.least


def _mask(keys: Keys) -> int:
    return sum(1 << place for place, key in enumerate(keys) if key is not TOTAL)


def _rolled(keys: Keys, grouping: int) -> Keys:
    return tuple(key if grouping >> place & 1 else TOTAL for place, key in enumerate(keys))


def _submasks(mask: int) -> list[int]:
    found, sub = [], mask
    while True:
        found.append(sub)
        if sub == 0:
            return found
        sub = (sub - 1) & mask


def _series(table: Table) -> tuple[list[tuple[int, ...]], list[Series], tuple[int, ...]]:
    """The distinct vectors of evidence (per row), and per measure which is its own; the first is the row's persons.

    A SUM, MEAN or OTHER is a series too: where it is hidden it must not be pinned down through rows in which nobody
    stands behind it. The measures of a series that counts are shown, so `counted` wins.
    """
    vectors = [tuple(row.total_persons for row in table.rows)]
    counted, leaves_over = [False], [False]
    series_of = []
    for place, measure in enumerate(table.measures):
        vector = tuple(row.persons[place] for row in table.rows)
        if vector not in vectors:
            vectors.append(vector)
            counted.append(False)
            leaves_over.append(False)
        number = vectors.index(vector)
        counted[number] |= measure.kind is MeasureKind.COUNT
        leaves_over[number] |= measure.leaves_over
        series_of.append(number)
    return vectors, list(map(Series, counted, leaves_over)), tuple(series_of)


def build(table: Table, rules: Rules, max_cells: int) -> Lattice:
    """The lattice of a checked table.

    Raises Refused `disclosure.too_large` above `max_cells`, `disclosure.margin_incomplete` where a total is larger
    than its details together or smaller than one of them: then rows are missing that are not empty.
    """
    vectors, series, series_of = _series(table)
    by_row = list(zip(*vectors, strict=True))
    asked = {row.keys: place for place, row in enumerate(table.rows)}
    present = sorted({_mask(row.keys) for row in table.rows}, key=lambda mask: (mask.bit_count(), mask))
    if any(1 << mask.bit_count() > max_cells for mask in present):
        raise Refused("disclosure.too_large", {"limit": max_cells})
    groupings = sorted(
        {sub for mask in present for sub in _submasks(mask)}, key=lambda mask: (mask.bit_count(), mask)
    )

    evidence: dict[int, dict[Keys, tuple[int, ...]]] = {}
    measured: dict[int, dict[Keys, tuple[int, ...]]] = {}
    places: dict[Keys, tuple[int, ...]] = {}
    by_grouping: dict[int, list[int]] = defaultdict(list)
    for place, row in enumerate(table.rows):
        by_grouping[_mask(row.keys)].append(place)
    size = 0
    for grouping in groupings:
        numbers: dict[Keys, list[int]] = {}
        own: dict[Keys, list[int]] = {}
        behind: dict[Keys, tuple[int, ...]] = {}
        # The finest answers that this grouping rolls up; the first of them stands for all where it is not asked.
        source = next(mask for mask in present if mask & grouping == grouping)
        for number in by_grouping[source]:
            row = table.rows[number]
            keys = _rolled(row.keys, grouping)
            vector = by_row[number]
            if row.institutions:
                behind[keys] = tuple(map(max, behind.get(keys, row.institutions), row.institutions))
            if keys in numbers:
                numbers[keys] = [a + b for a, b in zip(numbers[keys], vector, strict=True)]
                own[keys] = [a + b for a, b in zip(own[keys], row.persons, strict=True)]
            else:
                numbers[keys], own[keys] = list(vector), list(row.persons)
        evidence[grouping] = {keys: tuple(vector) for keys, vector in numbers.items()}
        measured[grouping] = {keys: tuple(vector) for keys, vector in own.items()}
        places |= behind
        size += len(numbers)
        if size > max_cells:
            raise Refused("disclosure.too_large", {"limit": max_cells})

    told = compared(table.measures)
    given = None if table.contributions is None else Given(table.contributions, rules)
    nodes: list[Node] = []
    place_of: dict[Keys, int] = {}
    for grouping in groupings:
        for keys in sorted(evidence[grouping], key=canonical):
            place_asked = asked.get(keys)
            persons = evidence[grouping][keys]
            bad = (
                _unsafe_total(table, told, keys, measured[grouping][keys], persons[0], rules)
                if place_asked is None
                else unsafe(table.rows[place_asked], told, rules)
            )
            dominated = given is not None and given.unsafe(keys, persons[0])
            place_of[keys] = len(nodes)
            nodes.append(Node(keys, grouping, persons, bad, place_asked, places.get(keys, ()), dominated))
    relations = _relations(nodes, place_of)
    _whole(nodes, relations)
    pairs, beside = _pairs(table, nodes, place_of, relations, series_of, rules.n)
    nodes = (
        [replace(node, unsafe=node.unsafe or place in beside) for place, node in enumerate(nodes)]
        if beside
        else nodes
    )
    return Lattice(
        tuple(nodes),
        relations,
        tuple(groupings),
        tuple(series),
        series_of,
        least=0 if rules.zero is Zero.HIDDEN else 1,
        floor=rules.n,
        institutions=rules.min_institutions or 0,
        pairs=pairs,
        magnitudes=()
        if given is None
        else given.magnitudes(
            [node.keys for node in nodes],
            [(relation.parent, relation.children) for relation in relations],
            [is_elsewhere(node, rules.n, table.inhabitants is not None) for node in nodes],
        ),
    )


def is_elsewhere(node: Node, floor: int, by_population: bool) -> bool:
    """Whether a total that nobody asked for is hidden, though of so many persons that a question about one of its numbers alone
    may show that. `by_population`: whether areas have thresholds of their own, so that few persons may be more than `floor`."""
    if node.row is not None or (node.unsafe and by_population):
        return False
    return (node.unsafe or node.dominated) and node.persons[0] >= floor


def _unsafe_total(
    table: Table, told: Compared, keys: Keys, persons: tuple[int, ...], total: int, rules: Rules
) -> bool:
    """Whether a total that could be asked for would be unsafe by itself."""
    n = rules.threshold(None if table.inhabitants is None else table.inhabitants.of(keys))
    return n is None or unsafe_group(told, persons, total, n)


def _relations(nodes: list[Node], place_of: dict[Keys, int]) -> tuple[Relation, ...]:
    children: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place, node in enumerate(nodes):
        for dimension in range(len(node.keys)):
            if node.grouping >> dimension & 1:
                parent = _rolled(node.keys, node.grouping & ~(1 << dimension))
                if parent not in place_of:
                    raise Refused("disclosure.margin_incomplete", {"row": (node.row or 0) + 1})
                children[place_of[parent], node.grouping].append(place)
    return tuple(
        Relation(parent, tuple(details), grouping) for (parent, grouping), details in sorted(children.items())
    )


def _pairs(
    table: Table,
    nodes: Sequence[Node],
    place_of: Mapping[Keys, int],
    relations: Sequence[Relation],
    series_of: Sequence[int],
    floor: int,
) -> tuple[tuple[Pair, ...], set[int]]:
    """The totals above rows that lie in others (`table.Inside`), and those of them that nobody asked for which are themselves
    fewer than `floor` apart: their own question would find that."""
    children = {(one.parent, one.grouping): one.children for one in relations} if table.inside else {}
    series = (0, *series_of)
    inside = {(series[one.measure + 1], place_of[one.inner], place_of[one.outer]) for one in table.inside}
    found: dict[tuple[int, int, int, int], Pair] = {}
    beside: set[int] = set()
    # Finer groupings first: whether a total lies in another follows from all of their details.
    for size in range(len(table.dimensions), 0, -1):
        level = [one for one in inside if nodes[one[2]].grouping.bit_count() == size]
        for of, inner, outer in sorted(level):
            grouping = nodes[outer].grouping
            for dim, (own, other) in enumerate(zip(nodes[inner].keys, nodes[outer].keys, strict=True)):
                if own is TOTAL or own != other:
                    continue
                few, many = (
                    place_of[_rolled(nodes[one].keys, grouping & ~(1 << dim))] for one in (inner, outer)
                )
                if (of, few, many, grouping) in found:
                    continue
                part, whole = (
                    {nodes[child].keys[dim]: child for child in children[one, grouping]}
                    for one in (few, many)
                )
                details = []
                for key in part | whole:
                    big, small = whole.get(key, -1), part.get(key, -1)
                    lies = small < 0 or (of, small, big) in inside
                    more = (
                        nodes[big].persons[of] - (nodes[small].persons[of] if small >= 0 else 0)
                        if lies
                        else -1
                    )
                    details.append((big, small, more))
                found[of, few, many, grouping] = Pair(many, few, grouping, tuple(details))
                left = [more for _, _, more in details]
                if nodes[many].row is None and min(left) >= 0 and sum(left) < floor:
                    inside.add((of, few, many))
                    beside |= {few, many} if sum(left) else set()
    # Details of which each is nobody or enough are so together.
    return tuple(one for one in found.values() if any(0 < left < floor for _, _, left in one.details)), beside


def _whole(nodes: list[Node], relations: tuple[Relation, ...]) -> None:
    """A total lies between its largest detail and the sum of its details, or the table is not whole.

    Only where both were asked: a virtual total is a sum already, and may exceed the true number of persons.
    """
    asked = {node.grouping for node in nodes if node.row is not None}
    detailed: dict[int, set[int]] = defaultdict(set)
    finer: dict[int, set[int]] = defaultdict(set)
    told = []
    for relation in relations:
        parent = nodes[relation.parent]
        if relation.grouping not in asked or parent.row is None:
            continue
        told.append(relation)
        detailed[relation.parent].add(relation.grouping)
        finer[parent.grouping].add(relation.grouping)
    if told:
        persons, sums = np.array([node.persons for node in nodes], dtype=np.int64), Sums(told)
        totals = persons[sums.parent]
        fits = (np.maximum.reduceat(persons[sums.children], sums.start) <= totals) & (
            totals <= sums.together(persons)
        )
        for number in np.flatnonzero(~fits.all(axis=1))[:1].tolist():
            parent = nodes[told[number].parent]
            if parent.row is not None:
                raise Refused("disclosure.margin_incomplete", {"row": parent.row + 1})
    for place, node in enumerate(nodes):
        if node.row is not None and node.persons[0] and finer[node.grouping] - detailed[place]:
            raise Refused("disclosure.margin_incomplete", {"row": node.row + 1})
