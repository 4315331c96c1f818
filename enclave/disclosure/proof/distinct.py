"""The audit of distinct persons: what their numbers tell where somebody stands in several rows and nothing adds up.

Decides whether every hidden number has a second value between the inequalities that hold for distinct persons; of tables that add
up `interval.verify` has spoken. Relies on nothing that the search computed, and on programmes over whole numbers (`interval.Solver`)
only to say no.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from enclave.disclosure.answers.table import Table
from enclave.disclosure.proof.interval import Keys, Place, Solver, Steps, System, detailed, families


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
