"""Whom adding and subtracting several numbers of one row leaves over.

A row tells several numbers, each the sum of what persons add to it: `(1, 0)` whoever is counted in the first alone, `(5, 2)` whoever has five
records of which two are counted in the second. Any multiples of the numbers, added and subtracted, are told as well. Where such a sum
is nought for everybody but some, it tells of them alone: the fewest persons of whom any sum tells are found here. A count to which some
add and from which others take away tells of neither; a sum of what few have tells of these, whatever their signs.

In the words of geometry: what persons add are rays, a sum is a plane through nought, and it tells of whoever is beside the plane. Of counts
the planes that touch the cone of all rays are asked for, its facets. Relies on the caller's numbers, to 10 digits. Does not know a rule:
`least` is the number from which on a group is not small, and no group so large is looked for.

How. Whoever adds the same, up to a multiple, is one ray. A ray of `least` persons or more lies in every plane that leaves fewer out, and
so does what such rays span: what is left has few dimensions, mostly none. Of as many groups of persons as `least`, who have nobody in
common, every plane that leaves fewer out holds one whole: each is tried, along what it spans. Where that is too much, a row is taken
to tell of one person.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

NOUGHT = 1e-10
"""Less than this part of a ray is none: the last bits of sums in another order."""

_NARROW = 1e-8
"""A direction that holds less than this part of all rays (of their squares) is looked at again, ray by ray."""

_MOST_PLANES = 2_000
"""Planes that are tried for one row, some tens of milliseconds' work."""


def smallest(added: Numbers, persons: Numbers, least: int, counts: bool = True) -> int | None:
    """The fewest persons of whom a sum of the row's numbers tells, where they are fewer than `least`; None where there are none.

    `added`: (lines, numbers), what each of some persons adds to each number; `persons`: (lines,), how many they are; `counts`: what of counts
    is told, else what of sums.
    """
    scale = np.abs(added).max(axis=0, initial=0.0)
    if not np.isfinite(scale).all():
        # Beyond all numbers: whether anybody is left over hangs on one value. The caller hides such rows.
        return None
    lines = added[:, scale > 0] / scale[scale > 0]
    if _spread(lines, persons, least):
        return None
    rays, weights = _beside(*_rays(lines, persons), np.zeros((0, 0)))
    if not counts:
        # A plane through as many persons as it takes to make one is no finding: nobody knows through whom it goes.
        least = min(least, int(persons.sum()) - rays.shape[1] + 1)
    heavy = weights >= least
    search = _Search(least, counts)
    try:
        return search.fewest(*_beside(rays, weights, rays[heavy]))
    except _TooManyError:
        return 1


def _spread(lines: Numbers, persons: Numbers, least: int) -> bool:
    """Whether `least` groups of persons are found at once that have nobody in common and each of whom span all there is: every plane leaves
    out somebody of each. False says nothing."""
    lengths = np.sqrt(np.einsum("ij,ij->i", lines, lines))
    there = lengths > 0
    if not there.all():
        lines, persons, lengths = lines[there], persons[there], lengths[there]
    if not len(lines):
        return True
    rays = lines / lengths[:, None]
    sizes, directions = np.linalg.eigh(rays.T @ rays)
    wide = sizes > _NARROW * len(rays)
    if not wide.all() and np.abs(rays @ directions[:, ~wide]).max() > NOUGHT:
        # Somebody, maybe of few, adds in a direction in which hardly anybody does.
        return False
    rank = int(wide.sum())
    most = min(len(rays), 8 * least * rank)
    # Whoever has many alike is in as many groups.
    turns = np.repeat(np.arange(most), np.minimum(persons[:most], least).astype(np.intp))
    rounds = len(turns) // least
    if rounds < rank:
        return False
    seen = (rays @ directions[:, wide])[turns[: rounds * least]].reshape(rounds, least, rank)
    grams = np.einsum("rgi,rgj->gij", seen, seen)
    return bool(np.linalg.eigvalsh(grams)[:, 0].min() > _NARROW * rounds)


class _TooManyError(Exception):
    """More planes than are tried."""


@dataclass
class _Search:
    """Planes are tried one after the other. `least` and `counts` as `smallest` has them."""

    least: int
    counts: bool
    tried: int = 0

    def fewest(self, rays: Numbers, weights: Numbers) -> int | None:
        """As `smallest`, of rays that span all there is."""
        dimensions = rays.shape[1]
        if dimensions == 0:
            return None
        if dimensions == 1:
            return self._told(rays[:, 0], weights)
        found: list[int] = []
        for group in _groups(weights, self.least) or combinations(range(len(rays)), dimensions - 1):
            _, sizes, directions = np.linalg.svd(rays[list(group)], full_matrices=True)
            rank = int((sizes > NOUGHT).sum())
            if rank == dimensions:
                continue
            if rank == dimensions - 1:
                told = self._told(rays @ directions[-1], weights)
            else:
                told = self.fewest(*_beside(rays, weights, rays[list(group)]))
            if told is not None:
                found.append(told)
        return min(found, default=None)

    def _told(self, sums: Numbers, weights: Numbers) -> int | None:
        """The persons to whom a sum is not nought, where they are few and it tells of them."""
        self.tried += 1
        if self.tried > _MOST_PLANES:
            raise _TooManyError
        there = np.abs(sums) > NOUGHT
        if self.counts and (sums[there] > 0).any() and (sums[there] < 0).any():
            return None
        left = float(weights[there].sum())
        return round(left) if 0 < left < self.least else None


def _groups(weights: Numbers, least: int) -> list[tuple[int, ...]]:
    """So many groups of rays that whoever leaves out fewer than `least` persons leaves one of them whole; none where there are
    fewer persons. A ray of several persons may stand in as many groups."""
    turns = np.repeat(np.arange(len(weights)), np.minimum(weights, least).astype(np.intp))
    if len(turns) < least:
        return []
    return sorted({tuple(sorted(set(turns[place::least].tolist()))) for place in range(least)})


def _rays(added: Numbers, persons: Numbers) -> tuple[Numbers, Numbers]:
    """Each ray once, of length one, with its persons; those who add nothing are none."""
    lengths = np.sqrt((added * added).sum(axis=1))
    there = lengths > 0
    rays = added[there] / lengths[there, None]
    rounded, place = np.unique(np.round(rays, 11), axis=0, return_inverse=True)
    if len(rounded) == len(rays):
        return rays, persons[there].astype(np.float64)
    weights = np.zeros(len(rounded))
    np.add.at(weights, place.reshape(-1), persons[there])
    first = np.zeros(len(rounded), dtype=np.intp)
    first[place.reshape(-1)[::-1]] = np.arange(len(rays))[::-1]
    return rays[first], weights


def _beside(rays: Numbers, weights: Numbers, within: Numbers) -> tuple[Numbers, Numbers]:
    """The rays as they are seen along what `within` spans, in as many dimensions as are left; those inside it are gone."""
    left = rays
    if len(within):
        _, sizes, directions = np.linalg.svd(within, full_matrices=False)
        span = directions[sizes > NOUGHT * max(1.0, float(sizes[0]))]
        for _ in range(2):
            # Twice, since the first time leaves the last bits of large numbers.
            left = left - (left @ span.T) @ span
    lengths = np.sqrt((left * left).sum(axis=1))
    there = lengths > NOUGHT
    if not there.any():
        return np.zeros((0, 0)), np.zeros(0)
    seen = left[there] / lengths[there, None]
    _, sizes, directions = np.linalg.svd(seen, full_matrices=False)
    span = directions[sizes > NOUGHT * float(sizes[0])]
    return _rays(seen @ span.T, weights[there])
