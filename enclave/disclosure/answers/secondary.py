"""Secondary suppression: which further rows to hide so that no hidden number can be had by subtraction.

The attacker knows every shown cell, every total that a question of its own would show, which rows are empty, that sums
are sums, that hidden counts are whole and (where zeros are shown) at least 1, and that a filtered count is at most the
row's. For every number of an unsafe row, and for the persons of every hidden row, at least two values stay possible
(for every hidden number where that can be had), and what is hidden under one shown total is, together,
nobody or at least the threshold: it can be read as one cell. So are the persons by whom details hidden in either of two totals
are apart of which one lies inside the other. Where a rule about contributions binds, no hidden sum
that it finds unsafe can be told more closely than it asks, and what is hidden under one shown total is no such sum itself.

How
 1. Coarsest grouping first, each by itself as if it had been asked alone: the same total gets the same answer in every
    question. What a coarser grouping shows stays shown for the finer ones.
 2. Within a grouping: for each hidden number that cannot move, hide the cheapest cells (persons) that let it move; then
    see to the sums under shown totals, and to how far hidden sums may lie (`widths`); again until nothing changes. Then show again what was hidden needlessly.
 3. A grouping that nobody asked and that has no safe pattern would be refused if asked: its cells are unknown.
 4. A grouping in the answer that has none: NoPatternError. Never a pattern that leaks, and never one that hides a
    total which a question of its own would show: a way out for one answer, and a leak in two.

Relies on `moves` for the search and hands every certificate on; `interval` checks them with code of its own.
The same table gives the same pattern whatever the order of its rows. Does not promise the least possible loss.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from enclave.disclosure.answers.corners import Corners
from enclave.disclosure.answers.given import lost_by
from enclave.disclosure.answers.lattice import Lattice, Numbers, Pair, Relation, Sums
from enclave.disclosure.answers.moves import Budget, Move, Number, Programmes
from enclave.disclosure.answers.widths import Widths

Flags = npt.NDArray[np.bool_]

_SMALL = 600
"""Numbers in a programme that is solved for its own sake: some milliseconds."""

_HALF = 0.5
"""Less than the least difference between two costs, which are whole; what is hidden already costs next to nothing."""

_NEAR, _LESS_NEAR = 8, 16
"""Categories of each dimension that are near a number: programmes of some hundred numbers, and of some thousand."""

_REFINE_AT_MOST = 60
_REFINE_WORK = 20_000
"""Rows that are tried to be shown again, per grouping, fewer where each try is long (numbers in the programme): counts
and not a time, so that patterns do not depend on speed."""


@dataclass(frozen=True)
class Pattern:
    """`hidden`: places of nodes. `moves`: together they change every hidden number of the answer."""

    hidden: frozenset[int]
    moves: tuple[Move, ...]


class NoPatternError(Exception):
    """No safe pattern for one grouping (a bit mask of dimensions), with what coarser groupings show."""

    def __init__(self, grouping: int = 0) -> None:
        super().__init__(grouping)
        self.grouping = grouping


@dataclass
class _Stage:
    """One problem: nodes up to one grouping, some of which may still be hidden."""

    lattice: Lattice
    sums: Sums
    pairs: Sequence[Pair]
    candidates: frozenset[int]
    hidden: set[int]
    targets: frozenset[int]
    budget: Budget
    corners: Corners | None = None
    strict: bool = True
    banned: set[int] = field(default_factory=set)
    widths: Widths | None = None

    def open_candidates(self) -> list[int]:
        return sorted(self.candidates - self.hidden - self.banned)

    def required(self, node: int) -> list[Number]:
        """The numbers of a hidden node that must not be pinned: all in an unsafe row, else its persons.

        `strict` asks for all in every row. Without it a filtered count that is large enough by itself may be worked out
        for a row that hides only to help another: it is a number that could be shown.
        """
        every = self.strict or self.lattice.nodes[node].unsafe
        return [
            (node, series)
            for series in range(len(self.lattice.series))
            if self.lattice.moves(node, series) and (every or series == 0)
        ]

    def numbers(self) -> list[Number]:
        """The hidden numbers that need two values (`required`), smallest first."""
        node, series = self._by_size
        return list(
            zip(*(one[self._flags(self.hidden)[node]].tolist() for one in (node, series)), strict=True)
        )

    @cached_property
    def _by_size(self) -> tuple[Numbers, Numbers]:
        """All numbers that may come to need two values, by node and series, smallest first."""
        persons = self.lattice.numbers
        wanted = persons >= self.lattice.least
        wanted &= self._flags(self.targets | self.candidates)[:, None]
        if not self.strict:
            wanted[:, 1:] &= np.array([node.unsafe for node in self.lattice.nodes])[:, None]
        node, series = np.nonzero(wanted)
        order = np.lexsort((series, node, persons[node, series]))
        return node[order], series[order]

    @cached_property
    def pools(self) -> Numbers:
        """Each node's persons in each group that subtraction under a total reads: every series, and those left over."""
        persons = self.lattice.numbers
        counted = [place for place, one in enumerate(self.lattice.series) if place and one.leaves_over]
        return np.concatenate([persons, persons[:, :1] - persons[:, counted]], axis=1)

    def thin(self) -> list[int] | None:
        """Of the first shown total whose hidden details are, in some group, fewer persons than the floor, or perhaps fewer
        institutions than a rule asks for, or of the first two that lie inside each other and whose details hidden in either
        are fewer persons apart: the rows that would help if they were hidden too."""
        sums, flags = self.sums, self._flags(self.hidden)
        open_to = ~flags[sums.parent] & (sums.together(flags.astype(np.int64)) > 0)
        persons = sums.together(self.pools * flags[:, None])
        few: Flags = (persons > 0) & (persons < self.lattice.floor) & open_to[:, None]
        bad: Flags = np.any(few, axis=1)
        concerned = bad | open_to if self.lattice.institutions else bad
        for number in np.flatnonzero(concerned).tolist():
            relation = sums.relations[number]
            group = int(np.argmax(few[number])) if bad[number] else self._few_institutions(relation)
            if group is not None:
                return [child for child in relation.children if _ends_thin(self, child, group)]
        for pair in self.pairs:
            if pair.outer in self.hidden or pair.inner in self.hidden:
                continue
            shown = [one for one in pair.details if self.hidden.isdisjoint(one[:2])]
            left = [persons for *two, persons in pair.details if not self.hidden.isdisjoint(two)]
            if min(left, default=-1) >= 0 and 0 < sum(left) < self.lattice.floor:
                return [node for *two, persons in shown if persons for node in two if node >= 0]
        return _dominated(self)

    def _few_institutions(self, relation: Relation) -> int | None:
        """The first group in which what is hidden under a shown total may be of too few institutions."""
        nodes = self.lattice.nodes
        if all(child in self.hidden or not nodes[child].persons[0] for child in relation.children):
            # All of them together are the total, which is shown.
            return None
        hidden = (nodes[child].institutions for child in relation.children if child in self.hidden)
        for group, counts in enumerate(zip(*hidden, strict=True), start=self.pools.shape[1]):
            if 0 < max(counts) < self.lattice.institutions:
                return group
        return None

    def _flags(self, nodes: Collection[int]) -> Flags:
        found = np.zeros(len(self.lattice.nodes), dtype=np.bool_)
        found[list(nodes)] = True
        return found

    def cost(self, node: int) -> float:
        return float(max(1, self.lattice.nodes[node].persons[0]))

    def costs(self) -> dict[int, float]:
        """What may still be hidden, with its cost."""
        return {node: self.cost(node) for node in self.open_candidates()}


def _dominated(stage: _Stage) -> list[int] | None:
    """As `_Stage.thin`, of what persons contribute."""
    lattice = stage.lattice
    if not lattice.magnitudes:
        return None
    first = stage.pools.shape[1] + len(lattice.nodes[0].institutions)
    for relation in stage.sums.relations:
        for group, magnitude in enumerate(lattice.magnitudes, start=first):
            if relation.parent in stage.hidden and not magnitude.told[relation.parent]:
                continue
            hidden = [node for node in relation.children if node in stage.hidden and not magnitude.told[node]]
            if not hidden or (
                all(node in stage.hidden or magnitude.fixed[node] for node in relation.children)
                and not any(magnitude.told[node] for node in relation.children)
            ):
                # Nothing, or all of it: the total, which was looked at.
                continue
            if magnitude.together(hidden, lost_by(magnitude, relation.parent, relation.children)) > 0:
                return [child for child in relation.children if _ends_thin(stage, child, group)]
    return None


def _ends_thin(stage: _Stage, node: int, group: int) -> bool:
    """Whether hiding a row too helps a group that is too thin: one of persons, of institutions, or what they contribute."""
    groups: int = stage.pools.shape[1]
    institutions = stage.lattice.nodes[node].institutions
    if group < groups:
        return bool(stage.pools[node, group] > 0)
    if group < groups + len(institutions):
        return institutions[group - groups] >= stage.lattice.institutions
    magnitude = stage.lattice.magnitudes[group - groups - len(institutions)]
    return any(lacks[node] < 0 for lacks in magnitude.lacks)


def _narrow(stage: _Stage) -> list[tuple[int, int, int]]:
    """What the rules about contributions ask of hidden cells and no change among what is hidden gives; what is found is kept."""
    if not stage.lattice.magnitudes:
        return []
    widths = _widths(stage)
    cells = sorted((stage.targets & stage.hidden) | (stage.candidates & stage.hidden))
    missing = widths.missing(cells, stage.hidden)
    while missing:
        if widths.search(missing[0], stage.hidden, {}) is None:
            return missing
        missing = widths.missing(cells, stage.hidden)
    return []


def _widths(stage: _Stage) -> Widths:
    if stage.widths is None:
        sums = [(relation.parent, relation.children) for relation in stage.sums.relations]
        stage.widths = Widths(stage.lattice.magnitudes, sums, stage.budget)
    return stage.widths


def _widen(stage: _Stage, wish: tuple[int, int, int]) -> None:
    """Hides what lets a hidden sum lie as far from its value as its rule asks."""
    prices = {node: stage.cost(node) for node in stage.open_candidates()}
    change = _widths(stage).search(wish, stage.hidden, prices)
    if change is None:
        if wish[1] in stage.candidates:
            raise _PinnedError(wish[1])
        raise NoPatternError
    _hide(stage, set(change.by))


def _covered(moves: Sequence[Move]) -> set[Number]:
    return set[Number]().union(*moves)


def _certify(stage: _Stage, known: Sequence[Move] = (), thorough: bool = True) -> list[Move] | None:
    """Moves among what is hidden that change every number of `stage`; None where some number cannot move.

    `known`: moves found before, of which those that touch only what is hidden still hold.
    """
    moves = [move for move in known if all(node in stage.hidden for node, _ in move)]
    covered = _covered(moves)
    wanted = [number for number in stage.numbers() if number not in covered]
    if not wanted:
        return moves
    _price(stage, helpers=False)
    model: Programmes | None = None
    for number in wanted:
        if number in covered:
            continue
        corner = stage.corners.move(number) if stage.corners else None
        move = corner[1] if corner else None
        if move is None:
            model = model or Programmes(stage.lattice, stage.sums, sorted(stage.hidden), stage.budget)
            if stage.corners and model.size > _SMALL:
                move = _nearby(stage.corners, model, number, helpers=False)
            move = move or model.move(number, thorough)
        if move is None:
            return None
        moves.append(move)
        covered |= set(move)
        if stage.corners:
            stage.corners.seen({node for node, _ in move})
    return moves


def _price(stage: _Stage, helpers: bool) -> None:
    """What a corner move costs: nothing where it is hidden, persons where it may still be hidden (`helpers`)."""
    if stage.corners is None:
        return
    costs = stage.costs() if helpers else {}
    stage.corners.price_all(list(costs), list(costs.values()), stage.hidden)


def _fill(stage: _Stage, model: Programmes, choices: Sequence[int]) -> None:
    """Hides the cheapest of the rows that end a thin sum, if one can be hidden with any use."""
    useful = stage.candidates.difference(stage.hidden, stage.banned).intersection(choices)
    for node in sorted(useful, key=lambda node: (stage.cost(node), node)):
        if all(_cheapest(stage, model, number) is not None for number in stage.required(node)):
            _hide(stage, {node})
            return
        stage.banned.add(node)
        model.block([node])
        if stage.corners:
            stage.corners.price([node], math.inf)
    raise NoPatternError


def _grow(stage: _Stage) -> list[Move]:
    """Hides until every hidden number moves and no sum is thin; gives the moves."""
    free = stage.hidden | (stage.candidates - stage.banned)
    model = Programmes(stage.lattice, stage.sums, sorted(free), stage.budget)
    moves: list[Move] = []
    covered: set[Number] = set()
    while True:
        wanted = [number for number in stage.numbers() if number not in covered]
        if wanted and not moves:
            only_hidden = Programmes(stage.lattice, stage.sums, sorted(stage.hidden), stage.budget)
            if stage.corners is None or only_hidden.size <= _SMALL:
                moves += only_hidden.spread(wanted)
            covered = _covered(moves)
        _price(stage, helpers=True)
        for number in wanted:
            if number in covered:
                continue
            move = _cheapest(stage, model, number)
            if move is None:
                if number[0] in stage.candidates:
                    raise _PinnedError(number[0])
                raise NoPatternError
            moves.append(move)
            covered |= set(move)
            nodes = {node for node, _ in move}
            _hide(stage, nodes)
            if stage.corners:
                stage.corners.seen(nodes)
        thin = stage.thin()
        if thin is not None:
            _fill(stage, model, thin)
        elif covered.issuperset(stage.numbers()):
            narrow = _narrow(stage)
            if not narrow:
                return moves
            _widen(stage, narrow[0])


def _hide(stage: _Stage, nodes: set[int]) -> None:
    more = nodes - stage.hidden
    stage.hidden |= more
    if stage.corners and more:
        stage.corners.price(more, 0.0)


def _cheapest(stage: _Stage, model: Programmes, number: Number) -> Move | None:
    """A move that hides little more. Where the programme is small it is asked even if a corner move is at hand, unless no move
    can hide less."""
    corner = stage.corners.move(number) if stage.corners else None
    if corner and (corner[0] == 0 or model.size > _SMALL or corner[0] < _at_least(stage, number) + _HALF):
        return corner[1]
    model.price(stage.costs())
    if stage.corners and model.size > _SMALL:
        near = _nearby(stage.corners, model, number, helpers=True)
        if near is not None:
            return near
    return model.move(number) or (corner[1] if corner else None)


def _at_least(stage: _Stage, number: Number) -> float:
    """What every move of a number hides more, in persons: in each sum that it stands in another number moves too, and these are
    different ones."""
    node, series = number
    start, relation, _ = stage.sums.of_node
    may = stage.hidden | (stage.candidates - stage.banned)
    least = 0.0
    for place in relation[start[node] : start[node + 1]].tolist():
        one = stage.sums.relations[place]
        least += min(
            (
                0.0 if other in stage.hidden else stage.cost(other)
                for other in (one.parent, *one.children)
                if other != node and other in may and stage.lattice.moves(other, series)
            ),
            default=math.inf,
        )
    return least


def _nearby(corners: Corners, model: Programmes, number: Number, helpers: bool) -> Move | None:
    """A move among few cells, hidden ones if there is one."""
    for more, width in ((False, _NEAR), (False, _LESS_NEAR), (True, _LESS_NEAR)):
        near = model.nearby(number, corners.nearby(number, more, width)) if helpers or not more else None
        if near is not None:
            return near
    return None


class _PinnedError(Exception):
    """A cell was hidden as a helper that others pin down: it is no helper."""

    def __init__(self, node: int) -> None:
        super().__init__(node)
        self.node = node


def _refine(stage: _Stage, primary: frozenset[int], moves: list[Move]) -> list[Move]:
    """Shows again, dearest first, what is not needed."""
    extra = sorted((stage.hidden & stage.candidates) - primary, key=lambda node: (-stage.cost(node), node))
    tries = min(_REFINE_AT_MOST, _REFINE_WORK // max(1, len(stage.numbers())))
    for node in extra[:tries]:
        stage.hidden.discard(node)
        still = None if stage.thin() is not None else _certify(stage, moves, thorough=False)
        if still is None or _narrow(stage):
            stage.hidden.add(node)
        else:
            moves = still
    return moves


def _solve(stage: _Stage) -> tuple[frozenset[int], list[Move]]:
    """The hidden nodes of a stage and their moves. Raises NoPatternError."""
    primary = frozenset(stage.hidden)
    while True:
        try:
            moves = _refine(stage, primary, _grow(stage))
        except _PinnedError as pinned:
            if pinned.node in primary:
                raise NoPatternError from None
            stage.banned.add(pinned.node)
            stage.hidden = set(primary)
        else:
            return frozenset(stage.hidden), moves


def _strictly_or_not(stage: _Stage) -> tuple[frozenset[int], list[Move]]:
    """A pattern that pins no hidden number at all, or else one that pins none that matters (`_Stage.required`)."""
    start = set(stage.hidden)
    try:
        return _solve(stage)
    except NoPatternError:
        if len(stage.lattice.series) == 1:
            raise
    return _solve(replace(stage, hidden=start, banned=set(), strict=False, widths=None))


def _upto(lattice: Lattice, grouping: int) -> list[Relation]:
    return [relation for relation in lattice.relations if relation.grouping & grouping == relation.grouping]


def _corners(lattice: Lattice, grouping: int) -> Corners | None:
    corners = Corners(lattice, grouping)
    return corners if corners.usable else None


def _finest(lattice: Lattice) -> int | None:
    """The grouping that all others roll up, where there is one."""
    finest = max(lattice.groupings)
    return finest if all(grouping & finest == grouping for grouping in lattice.groupings) else None


def protect(lattice: Lattice, budget: Budget) -> Pattern:
    """The nodes to hide.

    Raises NoPatternError, or Refused `disclosure.no_safe_pattern` (`why`: time) when the budget is spent.
    """
    nodes = lattice.nodes
    hidden = {place for place, node in enumerate(nodes) if node.unsafe or node.dominated}
    if not hidden:
        return Pattern(frozenset(), ())
    unknown: set[int] = set()
    moves: list[Move] = []
    for grouping in lattice.groupings:
        own = {place for place, node in enumerate(nodes) if node.grouping == grouping}
        below = {place for place, node in enumerate(nodes) if node.grouping & grouping == node.grouping}
        # Asked or not: a grouping must come out the same in every question that holds it.
        needs = (hidden & below) - unknown
        if not needs:
            continue
        stage = _Stage(
            lattice,
            Sums(_upto(lattice, grouping)),
            [pair for pair in lattice.pairs if pair.grouping & grouping == pair.grouping],
            frozenset(own),
            set(hidden & below),
            frozenset(needs),
            budget,
            _corners(lattice, grouping),
        )
        try:
            found, moves = _strictly_or_not(stage)
        except NoPatternError:
            if any(nodes[place].row is not None for place in own):
                raise NoPatternError(grouping) from None
            unknown |= own
            hidden |= own
        else:
            hidden |= found
    return _whole(lattice, hidden, moves, budget)


def _whole(lattice: Lattice, hidden: set[int], known: Sequence[Move], budget: Budget) -> Pattern:
    """The pattern over all groupings together, with moves for every hidden number of the answer."""
    asked = frozenset(place for place in hidden if lattice.nodes[place].row is not None)
    stage = _Stage(
        lattice, Sums(lattice.relations), lattice.pairs, frozenset(), set(hidden), asked, budget, strict=False
    )
    finest = _finest(lattice)
    if finest is not None:
        stage.corners = _corners(lattice, finest)
    # Moves of a stage hold for the whole only if no finer grouping was left out of it.
    moves = _certify(stage, known if finest is not None else ())
    if moves is None or stage.thin() is not None:
        raise NoPatternError(max(lattice.groupings))
    return Pattern(frozenset(hidden), tuple(moves))
