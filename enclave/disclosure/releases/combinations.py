"""What any number of cells tell together: the sums in which too few persons take part, by linear algebra.

Decides, for a list of sets, whether some weights of their numbers leave 1 to n - 1 persons with a part (`history` says
why exactly that is what a reader can compute). Persons in the same sets cannot be told apart: they form an atom, and
every sum weighs all of an atom alike. An atom of n persons and more must get weight 0. So the weights that leave all
large atoms out are computed first; where every one of them leaves all small atoms out too (sums that are sums by
definition: a total and its parts), **no combination of any number of these cells tells anything**, and that is proven.
Otherwise what is left is a small space, in which the sums of fewest persons are looked for.

Relies on arithmetic modulo a prime: it may take numbers for dependent that are not, never the other way round, so
nothing is missed. A combination that is found is a true one up to the chance of one in two thousand million.
Does not: bound what is not determined (two whole numbers or more fit whatever is not found here).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations as choices
from math import comb
from typing import Final

import numpy as np
from numpy.typing import NDArray

from enclave.disclosure.releases.history import Persons

_PRIME: Final = 2_147_483_647
MAX_CELLS: Final = 400
"""Cells left after sums by definition are out; beyond, a system is not solved here and a human is told so."""
MAX_ENTRIES: Final = 8_000_000
"""Cells times atoms, beyond which a system is not solved here: 64 MB of numbers."""
_MAX_CHOICES: Final = 20_000

Matrix = NDArray[np.int64]

_Few = tuple[frozenset[int], frozenset[int]]
"""Cells, and the small atoms that take part in their sum."""


@dataclass(frozen=True)
class Told:
    """Cells, by their places in the list, whose numbers together tell of `persons`: 1 to n - 1 of them. A secret."""

    cells: frozenset[int]
    persons: Persons


@dataclass(frozen=True)
class Examined:
    """`complete`: nothing else is told by any combination. Otherwise some were too many to look at."""

    told: tuple[Told, ...]
    complete: bool


@dataclass(frozen=True)
class Atoms:
    """The persons of some sets, by the sets they stand in. `member[cell, atom]` is 1 or 0; `of` gives each of `persons`
    (ascending) an atom."""

    sizes: NDArray[np.int64]
    member: Matrix
    persons: NDArray[np.uint32]
    of: NDArray[np.int64]

    def who(self, chosen: NDArray[np.int64]) -> Persons:
        return Persons(self.persons[np.isin(self.of, chosen)])


def atoms(sets: Sequence[Persons], most: int = MAX_ENTRIES) -> Atoms | None:
    """The parts into which sets cut each other: persons of one atom stand in the same sets. None where they and the sets
    together are more than `most`."""
    everybody = Persons.union(*sets) if sets else Persons()
    persons = np.array(everybody.to_array(), dtype=np.uint32)
    atom = np.zeros(len(persons), dtype=np.int64)
    sizes = [len(persons)] if len(persons) else []
    inside: list[NDArray[np.int64]] = []
    for one in sets:
        place = np.searchsorted(persons, np.array(one.to_array(), dtype=np.uint32))
        inside.append(place)
        cut, back, counts = np.unique(atom[place], return_inverse=True, return_counts=True)
        # Each atom that the set cuts gives those inside a new number; one that lies inside whole keeps its own.
        new = cut.copy()
        for number, (old, count) in enumerate(zip(cut.tolist(), counts.tolist(), strict=True)):
            if count != sizes[old]:
                sizes[old] -= count
                new[number] = len(sizes)
                sizes.append(count)
        atom[place] = new[back]
        if len(sizes) * len(sets) > most:
            return None
    member = np.zeros((len(sets), len(sizes)), dtype=np.int64)
    for number, place in enumerate(inside):
        member[number, np.unique(atom[place])] = 1
    return Atoms(np.array(sizes, dtype=np.int64), member, persons, atom)


def examine(sets: Sequence[Persons], floor: int) -> Examined:
    """The combinations of numbers over `sets` in which 1 to `floor` - 1 persons take part.

    At least one is found wherever there is any, unless the answer says that it is not complete.
    """
    parts = atoms(sets)
    if parts is None:
        return Examined((), complete=False)
    small = parts.sizes < floor
    if not small.any():
        return Examined((), complete=True)
    weights, complete = _silent(parts.member[:, ~small])
    if weights is None:
        return Examined((), complete=False)
    told = _product(weights, parts.member[:, small])
    found, searched = _lightest(told, weights, parts.sizes[small], floor)
    few = np.flatnonzero(small)
    return Examined(
        tuple(Told(cells, parts.who(few[list(chosen)])) for cells, chosen in found), complete and searched
    )


def without(sets: Sequence[Persons], told: Told, last: frozenset[int], floor: int) -> frozenset[int]:
    """Fewer of the cells that tell of no one but (some of) the same persons: no cell of it can be spared. Cells of `last` are
    spared first, so that they stay only where the others do not tell it by themselves."""
    kept = sorted(told.cells)
    for cell in sorted(told.cells, key=lambda one: (one not in last, one)):
        rest = [one for one in kept if one != cell]
        if any(one.persons <= told.persons for one in examine([sets[one] for one in rest], floor).told):
            kept = rest
    return frozenset(kept)


def _product(left: Matrix, right: Matrix) -> Matrix:
    # One side has entries of 0, 1 and -1 only: numbers below 2**31 add up within 64 bits.
    return left @ right % _PRIME


def _silent(large: Matrix) -> tuple[Matrix | None, bool]:
    """A basis of the weights that leave every large atom out, modulo the prime; None where there are too many cells."""
    cells = large.shape[0]
    forced, groups = _simple(large)
    names = sorted({root for root, _ in groups if root not in forced})
    if len(names) > MAX_CELLS:
        return None, False
    place = {root: number for number, root in enumerate(names)}
    spread = np.zeros((len(names), cells), dtype=np.int64)
    for cell, (root, sign) in enumerate(groups):
        if root in place:
            spread[place[root], cell] = sign
    # Each atom asks that the weights of its cells add up to 0. Repeated demands are one.
    demands = (
        np.unique(_product(spread, large).T, axis=0)
        if large.shape[1]
        else np.zeros((0, len(names)), np.int64)
    )
    free = _null(_fewer(demands), len(names))
    if free.shape[0] == 0:
        return np.zeros((0, cells), dtype=np.int64), True
    return _product(free, spread), True


def _simple(large: Matrix) -> tuple[set[int], list[tuple[int, int]]]:
    """What follows from atoms that lie in one cell (its weight is 0) or in two (one weight is minus the other).

    Per cell the one whose weight it has, up to sign. A group that is its own opposite is forced to 0.
    """
    cells = large.shape[0]
    lead = [(cell, 1) for cell in range(cells)]

    def root(cell: int) -> tuple[int, int]:
        sign = 1
        while lead[cell][0] != cell:
            sign *= lead[cell][1]
            cell = lead[cell][0]
        return cell, sign

    forced: set[int] = set()
    counts = large.sum(axis=0)
    pairs = {tuple(np.flatnonzero(large[:, atom]).tolist()) for atom in np.flatnonzero(counts <= 2)}
    for pair in sorted(pairs):
        if len(pair) == 1:
            forced.add(pair[0])
            continue
        if len(pair) == 2:
            (one, sign), (other, turned) = root(pair[0]), root(pair[1])
            if one != other:
                lead[other] = (one, -sign * turned)
            elif sign == turned:
                forced.add(one)
    groups = [root(cell) for cell in range(cells)]
    return {root(cell)[0] for cell in forced}, groups


def _fewer(demands: Matrix) -> Matrix:
    """As many random sums of the demands as decide them all: what fits the demands fits these; the other way round but for
    one chance in two thousand million, and what fits too much is looked at and found to tell nothing, or something."""
    rows, columns = demands.shape
    wanted = columns + 8
    if rows <= wanted:
        return demands
    chance = np.random.default_rng(20_240_918)
    mixed = np.zeros((wanted, columns), dtype=np.int64)
    for start in range(0, rows, 1 << 15):
        block = demands[start : start + (1 << 15)]
        # Products of 31 and 16 bits, 2**15 of them, stay within 63.
        mixed = (mixed + chance.integers(0, 1 << 16, (wanted, len(block)), dtype=np.int64) @ block) % _PRIME
    return mixed


def _null(matrix: Matrix, columns: int) -> Matrix:
    """A basis of {x: matrix · x = 0} modulo the prime, one vector per row, in reduced form."""
    rows = matrix % _PRIME
    pivots: list[int] = []
    done = 0
    for column in range(columns):
        if done == len(rows):
            break
        below = np.flatnonzero(rows[done:, column])
        if len(below) == 0:
            continue
        first = done + int(below[0])
        rows[[done, first]] = rows[[first, done]]
        rows[done] = rows[done] * pow(int(rows[done, column]), -1, _PRIME) % _PRIME
        others = rows[:, column].copy()
        others[done] = 0
        touched = np.flatnonzero(others)
        rows[touched] = (rows[touched] - others[touched, None] * rows[done]) % _PRIME
        pivots.append(column)
        done += 1
    free = [column for column in range(columns) if column not in set(pivots)]
    basis = np.zeros((len(free), columns), dtype=np.int64)
    for number, column in enumerate(free):
        basis[number, column] = 1
        basis[number, pivots] = -rows[: len(pivots), column] % _PRIME
    return basis


def _lightest(told: Matrix, weights: Matrix, sizes: NDArray[np.int64], floor: int) -> tuple[list[_Few], bool]:
    """Vectors of the space that `told` spans in which 1 to `floor` - 1 persons take part, and whether all were looked at.

    A vector of fewest persons in a space of k dimensions is 0 at k - 1 places that decide it: those are tried. The space
    is taken apart first into those that share no atom.
    """
    found: list[_Few] = []
    complete = True
    for space, weighed in _apart(told, weights):
        used = np.flatnonzero(space.any(axis=0))
        lightest, searched = _least(space[:, used], weighed, sizes[used], floor)
        found += [(cells, frozenset(int(used[one]) for one in chosen)) for cells, chosen in lightest]
        complete &= searched
    return found, complete


def _apart(told: Matrix, weights: Matrix) -> Iterator[tuple[Matrix, Matrix]]:
    """The space in parts that share no atom, each as a basis in reduced form, with the weights that give it."""
    reduced, carried = _reduced(told, weights)
    rows = len(reduced)
    group = list(range(rows))
    for atom in range(reduced.shape[1]):
        inside = {group[row] for row in np.flatnonzero(reduced[:, atom])}
        if len(inside) > 1:
            first = min(inside)
            group = [first if one in inside else one for one in group]
    for one in sorted(set(group)):
        of = [row for row in range(rows) if group[row] == one]
        yield reduced[of], carried[of]


def _reduced(told: Matrix, weights: Matrix) -> tuple[Matrix, Matrix]:
    """`told` in reduced echelon form without its zero rows; `weights` taken along."""
    rows, carried = told.copy(), weights.copy()
    done = 0
    for column in range(rows.shape[1]):
        below = np.flatnonzero(rows[done:, column])
        if len(below) == 0:
            continue
        first = done + int(below[0])
        for one in (rows, carried):
            one[[done, first]] = one[[first, done]]
        factor = pow(int(rows[done, column]), -1, _PRIME)
        rows[done], carried[done] = rows[done] * factor % _PRIME, carried[done] * factor % _PRIME
        others = rows[:, column].copy()
        others[done] = 0
        for row in np.flatnonzero(others):
            rows[row] = (rows[row] - others[row] * rows[done]) % _PRIME
            carried[row] = (carried[row] - others[row] * carried[done]) % _PRIME
        done += 1
        if done == len(rows):
            break
    return rows[:done], carried[:done]


def _least(space: Matrix, weights: Matrix, sizes: NDArray[np.int64], floor: int) -> tuple[list[_Few], bool]:
    dimensions, places = space.shape
    found: set[_Few] = set()
    for row in range(dimensions):
        _keep(found, space[row], weights[row], sizes, floor)
    if dimensions == 1 or not places:
        return sorted(found, key=_order), True
    if comb(places, dimensions - 1) > _MAX_CHOICES:
        return sorted(found, key=_order), False
    for zero in choices(range(places), dimensions - 1):
        mix = _null(space[:, list(zero)].T.copy(), dimensions)
        if len(mix) == 1:
            vector, weighed = (
                sum(int(part) * row % _PRIME for part, row in zip(mix[0], of, strict=True)) % _PRIME
                for of in (space, weights)
            )
            _keep(found, vector, weighed, sizes, floor)
    return sorted(found, key=_order), True


def _keep(found: set[_Few], vector: Matrix, weights: Matrix, sizes: NDArray[np.int64], floor: int) -> None:
    chosen = np.flatnonzero(vector)
    if 0 < int(sizes[chosen].sum()) < floor:
        found.add((frozenset(np.flatnonzero(weights).tolist()), frozenset(chosen.tolist())))


def _order(few: _Few) -> tuple[list[int], list[int]]:
    return sorted(few[1]), sorted(few[0])
