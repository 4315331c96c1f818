"""Moves: other tables that an attacker cannot tell from the true one, found by linear programming (HiGHS).

A move changes hidden numbers by whole steps so that every shown number and every sum stays; each number that it
changes has at least two possible values. Decides nothing: it proposes moves, and the integers of every move are checked
here and once more, by code of its own, in `interval`. Relies on HiGHS for speed, never for truth: what does not check is
not a move. Does not read a clock: the solver's own account of its time is held against the budget.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import highspy
import numpy as np

from enclave.core.refusal import Refused
from enclave.disclosure.answers.lattice import Lattice, Relation

Number = tuple[int, int]
"""(node, series): one hidden number."""

Move = Mapping[Number, int]
"""The change of each hidden number that changes. Whole, never 0."""

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
    persons the cheapest move is the cheapest set of further cells to hide.
    """

    def __init__(
        self,
        lattice: Lattice,
        relations: Sequence[Relation],
        free: Iterable[int],
        budget: Budget,
        series: Sequence[int],
    ) -> None:
        self.lattice = lattice
        self.budget = budget
        self._series = series
        self.numbers: list[Number] = [
            (node, one) for node in free for one in series if lattice.moves(node, one)
        ]
        self.place: dict[Number, int] = {number: place for place, number in enumerate(self.numbers)}
        self.size = len(self.numbers)
        self.down = np.array(
            [lattice.nodes[node].persons[series] - lattice.least for node, series in self.numbers],
            dtype=float,
        )
        self._sums = self._sum_rows(relations)
        self._links = self._link_rows()
        self._highs = _solver(integer=False)
        self._highs.passModel(self._programme())

    def _sum_rows(self, relations: Sequence[Relation]) -> list[list[tuple[int, int]]]:
        rows: list[list[tuple[int, int]]] = []
        for relation in relations:
            for series in self._series:
                terms = [(self.place.get((relation.parent, series)), 1)]
                terms += [(self.place.get((child, series)), -1) for child in relation.children]
                row = [(place, sign) for place, sign in terms if place is not None]
                if row:
                    rows.append(row)
        return rows

    def _link_rows(self) -> list[tuple[int, int, int]]:
        """(place in series 0, place in a counted series, how many persons the row has more)."""
        links = []
        for place, (node, series) in enumerate(self.numbers):
            whole = self.place.get((node, 0))
            if series and whole is not None and self.lattice.series[series].counted:
                persons = self.lattice.nodes[node].persons
                links.append((whole, place, persons[0] - persons[series]))
        return links

    def _programme(self) -> highspy.HighsLp:
        start, index, value, lower, upper = [0], [], [], [], []
        for row in self._sums:
            for place, sign in row:
                index += [place, self.size + place]
                value += [float(sign), float(-sign)]
            start.append(len(index))
            lower.append(0.0)
            upper.append(0.0)
        for whole, part, slack in self._links:
            index += [whole, self.size + whole, part, self.size + part]
            value += [1.0, -1.0, -1.0, 1.0]
            start.append(len(index))
            lower.append(float(-slack))
            upper.append(highspy.kHighsInf)
        programme = highspy.HighsLp()
        programme.num_col_ = 2 * self.size
        programme.num_row_ = len(lower)
        programme.col_cost_ = np.full(2 * self.size, _FREE)
        programme.col_lower_ = np.zeros(2 * self.size)
        programme.col_upper_ = np.concatenate([np.full(self.size, highspy.kHighsInf), self.down])
        programme.row_lower_ = np.array(lower)
        programme.row_upper_ = np.array(upper)
        programme.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        programme.a_matrix_.start_ = np.array(start)
        programme.a_matrix_.index_ = np.array(index)
        programme.a_matrix_.value_ = np.array(value)
        return programme

    def price(self, costs: Mapping[int, float]) -> None:
        """What a step costs, per node; nodes without a price are hidden already."""
        cost = np.array([costs.get(node, _FREE) for node, _ in self.numbers])
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
                whole = [int(step) for step in steps]
                if self._fits(whole):
                    return {self.numbers[place]: step for place, step in enumerate(whole) if step}
        return None

    def _fits(self, whole: list[int]) -> bool:
        return not (
            any(step < -int(self.down[place]) for place, step in enumerate(whole) if step < 0)
            or any(sum(sign * whole[place] for place, sign in row) for row in self._sums)
            or any(whole[first] - whole[part] < -slack for first, part, slack in self._links)
        )

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

    def __init__(
        self, lattice: Lattice, relations: Sequence[Relation], free: Sequence[int], budget: Budget
    ) -> None:
        self._given = lattice, relations, free, budget
        self._parts = tied_series(lattice)
        self._models: dict[tuple[int, ...], Model] = {}
        self._costs: Mapping[int, float] | None = None
        self._blocked: list[int] = []
        self._relations_of: defaultdict[int, list[Relation]] | None = None
        self.size = sum(lattice.moves(node, series) for node in free for series in range(len(lattice.series)))

    def _of(self, series: int) -> Model:
        part = next(part for part in self._parts if series in part)
        if part not in self._models:
            model = self._models[part] = Model(*self._given, part)
            model.block(self._blocked)
        return self._models[part]

    def price(self, costs: Mapping[int, float]) -> None:
        """What a step costs from now on, as `Model.price`."""
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
        lattice, relations, _, budget = self._given
        if self._relations_of is None:
            self._relations_of = defaultdict(list)
            for relation in relations:
                for node in (relation.parent, *relation.children):
                    self._relations_of[node].append(relation)
        near = {id(one): one for node in nodes for one in self._relations_of[node]}
        part = next(part for part in self._parts if number[1] in part)
        model = Model(lattice, list(near.values()), nodes, budget, part)
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
