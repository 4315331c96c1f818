"""Moves: other tables that an attacker cannot tell from the true one, found by linear programming (HiGHS).

A move changes hidden numbers by whole steps so that every shown number and every sum stays; each number that it
changes has at least two possible values. Decides nothing: it proposes moves, and the integers of every move are checked
here and once more, by code of its own, in `interval`. Relies on HiGHS for speed, never for truth: what does not check is
not a move. Does not read a clock: the solver's own account of its time is held against the budget.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

from enclave.core.refusal import Refused
from enclave.disclosure.answers.lattice import Lattice, Numbers, Sums

Number = tuple[int, int]
"""(node, series): one hidden number."""

Move = Mapping[Number, int]
"""The change of each hidden number that changes. Whole, never 0."""

Costs = npt.NDArray[np.float64]
"""Per node of a lattice."""

_NEAR = 1e-6
_MULTIPLES = (1, 2, 3, 4, 6)
_INTEGER_AT_MOST = 1_000
"""Numbers in a programme that is also searched over whole numbers, which has no bound on its time beyond."""

_FREE = 0.01
"""What a step in a hidden number costs beside one in a shown number (1 and more per person): short moves, no more."""


@dataclass
class Budget:
    """Seconds of solver time that are left for one table."""

    left: float

    def spend(self, seconds: float) -> None:
        self.left -= seconds
        if self.left <= 0:
            raise Refused("disclosure.no_safe_pattern", {"why": "time"})


def _solver(integer: bool) -> highspy.Highs:
    highs = highspy.Highs()
    for name, value in {
        "output_flag": False,
        "threads": 1,
        "random_seed": 1,
        "parallel": "off",
        "presolve": "on" if integer else "off",
        "solver": "choose" if integer else "simplex",
        "mip_rel_gap": 0.25,
        "mip_max_nodes": 100,
    }.items():
        highs.setOptionValue(name, value)
    return highs


class Model:
    """The linear programme over the numbers of some series that may move.

    A number's change is up - down, both ≥ 0; `cost` per node is paid for each step of it, so that with costs of
    persons the cheapest move is the cheapest set of further cells to hide. `near`: only the sums in which a node stands, in
    the order in which the nodes meet them; they are all there are for these nodes.
    """

    def __init__(
        self,
        lattice: Lattice,
        sums: Sums,
        free: Sequence[int],
        budget: Budget,
        series: Sequence[int],
        near: bool = False,
    ) -> None:
        self.budget = budget
        self._series = series
        nodes, columns = np.array(free, dtype=np.int64), np.array(series)
        persons = lattice.numbers[np.ix_(nodes, columns)]
        may = persons >= lattice.least
        at, which = np.nonzero(may)
        self._nodes = nodes[at]
        self.numbers: list[Number] = list(zip(self._nodes.tolist(), columns[which].tolist(), strict=True))
        self.place: dict[Number, int] = {number: place for place, number in enumerate(self.numbers)}
        self.size = len(self.numbers)
        self.down = (persons[may] - lattice.least).astype(float)
        self._place_at = np.where(may, np.cumsum(may.reshape(-1)).reshape(may.shape) - 1, -1)
        self._sum_rows(sums, nodes, near)
        self._link_rows(lattice, nodes)
        self._highs = _solver(integer=False)
        self._highs.passModel(self._programme())

    def _sum_rows(self, sums: Sums, nodes: Numbers, near: bool) -> None:
        """Per sum and series that hold a number of ours: from where on, which numbers, and their signs."""
        begin, relation, sign = sums.of_node
        nodes = nodes[nodes + 1 < len(begin)]
        size = begin[nodes + 1] - begin[nodes]
        entry = np.repeat(np.arange(len(nodes)), size)
        inside = np.arange(len(entry)) - np.repeat(np.cumsum(size) - size, size) + begin[nodes[entry]]
        rank = relation[inside]
        if near:
            _, first, back = np.unique(rank, return_index=True, return_inverse=True)
            rank = np.argsort(np.argsort(first))[back]
        width = len(self._series)
        place = self._place_at[entry]
        line = rank[:, None] * width + np.arange(width)
        signs = np.broadcast_to(sign[inside][:, None], place.shape)
        there = place >= 0
        place, line, signs = place[there], line[there], signs[there]
        order = np.argsort(line, kind="stable")
        self._row_place, self._row_sign = place[order], signs[order]
        self._row_start = np.flatnonzero(np.diff(line[order], prepend=-1))

    def _link_rows(self, lattice: Lattice, nodes: Numbers) -> None:
        """(place in series 0, place in a counted series, how many persons the row has more)."""
        links: list[Numbers] = []
        if self._series[0] == 0:
            for column, one in enumerate(self._series):
                if one and lattice.series[one].counted:
                    whole, part = self._place_at[:, 0], self._place_at[:, column]
                    both = (whole >= 0) & (part >= 0)
                    persons = lattice.numbers[nodes[both]]
                    links.append(np.stack([whole[both], part[both], persons[:, 0] - persons[:, one]], axis=1))
        found = np.concatenate(links) if links else np.zeros((0, 3), dtype=np.int64)
        self._links = found[np.argsort(found[:, 1], kind="stable")]

    def _programme(self) -> highspy.HighsLp:
        sums, links, size = len(self._row_start), len(self._links), self.size
        terms = len(self._row_place)
        index = np.empty(2 * terms + 4 * links, dtype=np.int32)
        value = np.empty(len(index))
        index[0 : 2 * terms : 2], index[1 : 2 * terms : 2] = self._row_place, size + self._row_place
        value[0 : 2 * terms : 2], value[1 : 2 * terms : 2] = self._row_sign, -self._row_sign
        whole, part, slack = self._links.T
        index[2 * terms :] = np.stack([whole, size + whole, part, size + part], axis=1).reshape(-1)
        value[2 * terms :] = np.tile([1.0, -1.0, -1.0, 1.0], links)
        programme = highspy.HighsLp()
        programme.num_col_ = 2 * size
        programme.num_row_ = sums + links
        programme.col_cost_ = np.full(2 * size, _FREE)
        programme.col_lower_ = np.zeros(2 * size)
        programme.col_upper_ = np.concatenate([np.full(size, highspy.kHighsInf), self.down])
        programme.row_lower_ = np.concatenate([np.zeros(sums), -slack.astype(float)])
        programme.row_upper_ = np.concatenate([np.zeros(sums), np.full(links, highspy.kHighsInf)])
        programme.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        programme.a_matrix_.start_ = np.concatenate(
            [2 * self._row_start, 2 * terms + 4 * np.arange(links + 1)]
        ).astype(np.int32)
        programme.a_matrix_.index_ = index
        programme.a_matrix_.value_ = value
        return programme

    def price(self, costs: Costs) -> None:
        """What a step costs, per node of the lattice."""
        cost = costs[self._nodes]
        places = np.arange(2 * self.size, dtype=np.int32)
        self._highs.changeColsCost(2 * self.size, places, np.concatenate([cost, cost]))

    def block(self, nodes: Iterable[int], blocked: bool = True) -> None:
        """Nodes that no move may touch (`blocked`), or may touch again."""
        for node in nodes:
            for series in self._series:
                place = self.place.get((node, series))
                if place is not None:
                    self._highs.changeColBounds(place, 0.0, 0.0 if blocked else highspy.kHighsInf)
                    self._highs.changeColBounds(
                        self.size + place, 0.0, 0.0 if blocked else float(self.down[place])
                    )

    def move(self, number: Number, thorough: bool = True) -> Move | None:
        """The cheapest move by one step of `number`, up or else down; None where none is found.

        `thorough`: also search over whole numbers where the programme's vertex has fractions (a bounded search).
        """
        place = self.place.get(number)
        if place is None:
            return None
        for up in (True, False):
            if not up and self.down[place] < 1:
                continue
            self._highs.changeColBounds(place, float(up), float(up))
            self._highs.changeColBounds(self.size + place, float(not up), float(not up))
            found = self._solve(thorough)
            self._highs.changeColBounds(place, 0.0, highspy.kHighsInf)
            self._highs.changeColBounds(self.size + place, 0.0, float(self.down[place]))
            if found is not None:
                return found
        return None

    def _run(self) -> np.ndarray | None:
        before = self._highs.getRunTime()
        self._highs.setOptionValue("time_limit", before + max(self.budget.left, 0.01))
        self._highs.run()
        self.budget.spend(self._highs.getRunTime() - before)
        if self._highs.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        return np.asarray(self._highs.getSolution().col_value)

    def _solve(self, thorough: bool) -> Move | None:
        values = self._run()
        if values is None:
            return None
        move = self._whole(values)
        if move is not None or not thorough:
            return move
        # A vertex with halves or thirds (three and more dimensions) for which there was no room in whole numbers: with
        # a half or a third of the room, the same vertex times two or three has it.
        size = self.size
        every = np.arange(2 * size, dtype=np.int32)
        bounds = self._highs.getLp()
        lower, upper = np.array(bounds.col_lower_), np.array(bounds.col_upper_)
        for times in _MULTIPLES[1:3]:
            narrow = upper.copy()
            narrow[size:] = np.maximum(lower[size:], upper[size:] / times)
            self._highs.changeColsBounds(2 * size, every, lower, narrow)
            values = self._run()
            move = None if values is None else self._whole(values)
            if move is not None:
                break
        self._highs.changeColsBounds(2 * size, every, lower, upper)
        return self._over_whole_numbers() if move is None and size <= _INTEGER_AT_MOST else move

    def _over_whole_numbers(self) -> Move | None:
        size = self.size
        every = np.arange(2 * size, dtype=np.int32)
        self._highs.changeColsIntegrality(2 * size, every, np.ones(2 * size, dtype=np.uint8))
        self._highs.setOptionValue("presolve", "on")
        self._highs.setOptionValue("solver", "choose")
        values = self._run()
        self._highs.setOptionValue("solver", "simplex")
        self._highs.setOptionValue("presolve", "off")
        self._highs.changeColsIntegrality(2 * size, every, np.zeros(2 * size, dtype=np.uint8))
        return None if values is None else self._whole(values)

    def _whole(self, values: np.ndarray) -> Move | None:
        """The move in integers, checked in integers; None where the solution is not one.

        A vertex with halves or thirds is a move of so many times its size, where there is room for it.
        """
        change = values[: self.size] - values[self.size :]
        for times in _MULTIPLES:
            steps = np.rint(change * times)
            if np.abs(change * times - steps).max(initial=0.0) <= _NEAR:
                whole = steps.astype(np.int64)
                if self._fits(whole):
                    return {
                        self.numbers[place]: int(whole[place]) for place in np.flatnonzero(whole).tolist()
                    }
        return None

    def _fits(self, whole: Numbers) -> bool:
        if bool((whole < -self.down.astype(np.int64)).any()):
            return False
        sums = (
            np.add.reduceat(self._row_sign * whole[self._row_place], self._row_start)
            if len(self._row_start)
            else whole[:0]
        )
        first, part, slack = self._links.T
        return not (bool(sums.any()) or bool((whole[first] - whole[part] < -slack).any()))

    def spread(self, wanted: Sequence[Number]) -> list[Move]:
        """A few moves of single steps that together change many of `wanted`: a cheap first pass, promising nothing."""
        found: list[Move] = []
        uncovered = {self.place[number] for number in wanted if number in self.place}
        size = self.size
        every = np.arange(2 * size, dtype=np.int32)
        one_down = np.minimum(self.down, 1.0)
        self._highs.changeColsBounds(
            2 * size, every, np.zeros(2 * size), np.concatenate([np.ones(size), one_down])
        )
        kept = np.full(2 * size, 0.0)
        for attempt in range(6):
            if not uncovered:
                break
            # Reward for one direction only, and twice its size as the price of the other: up = down = 1 gains nothing.
            cost = np.full(2 * size, 0.001)
            for turn, place in enumerate(sorted(uncovered)):
                up = self.down[place] < 1 or (turn + attempt) % 2 == 0
                cost[place], cost[size + place] = (-1.0, 2.0) if up else (2.0, -1.0)
            self._highs.changeColsCost(2 * size, every, cost)
            values = self._run()
            move = None if values is None else self._whole(values)
            gained = {self.place[number] for number in move} & uncovered if move else set()
            if move and gained:
                found.append(move)
            elif attempt:
                break
            uncovered -= gained
        kept[:] = _FREE
        self._highs.changeColsCost(2 * size, every, kept)
        self._highs.changeColsBounds(
            2 * size,
            every,
            np.zeros(2 * size),
            np.concatenate([np.full(size, highspy.kHighsInf), self.down]),
        )
        return found


def tied_series(lattice: Lattice) -> tuple[tuple[int, ...], ...]:
    """Series that say something of each other, together: a row's persons and every number that is known to be at most
    these. Whatever else changes, changes by itself."""
    counted = tuple(number for number, one in enumerate(lattice.series) if one.counted and number)
    alone = [(number,) for number in range(1, len(lattice.series)) if number not in counted]
    return ((0, *counted), *alone)


class Programmes:
    """One programme per `tied_series`, each built when it is first asked: together what one over all numbers would say."""

    def __init__(self, lattice: Lattice, sums: Sums, free: Sequence[int], budget: Budget) -> None:
        self._given = lattice, sums, free, budget
        self._parts = tied_series(lattice)
        self._models: dict[tuple[int, ...], Model] = {}
        self._costs: Costs | None = None
        self._blocked: list[int] = []
        self.size = int((lattice.numbers[list(free)] >= lattice.least).sum())

    def _of(self, series: int) -> Model:
        part = next(part for part in self._parts if series in part)
        if part not in self._models:
            model = self._models[part] = Model(*self._given, part)
            model.block(self._blocked)
        return self._models[part]

    def price(self, hidden_more: Mapping[int, float]) -> None:
        """What a step costs from now on: of these nodes as said, of others next to nothing, since they are hidden already."""
        costs = np.full(len(self._given[0].nodes), _FREE)
        costs[list(hidden_more)] = list(hidden_more.values())
        self._costs = costs

    def block(self, nodes: Iterable[int]) -> None:
        """Nodes that no move may touch any more."""
        self._blocked += nodes
        for model in self._models.values():
            model.block(self._blocked)

    def move(self, number: Number, thorough: bool = True) -> Move | None:
        """As `Model.move`."""
        model = self._of(number[1])
        if self._costs is not None:
            model.price(self._costs)
        return model.move(number, thorough)

    def nearby(self, number: Number, nodes: Sequence[int]) -> Move | None:
        """As `Model.move`, among these nodes; None where they hold none, which says nothing of others."""
        lattice, sums, _, budget = self._given
        part = next(part for part in self._parts if number[1] in part)
        model = Model(lattice, sums, nodes, budget, part, near=True)
        if self._costs is not None:
            model.price(self._costs)
        return model.move(number)

    def spread(self, wanted: Sequence[Number]) -> list[Move]:
        """As `Model.spread`, part by part."""
        found: list[Move] = []
        for part in self._parts:
            ours = [number for number in wanted if number[1] in part]
            if ours:
                found += self._of(part[0]).spread(ours)
        return found
