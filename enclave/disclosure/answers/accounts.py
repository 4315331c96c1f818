"""Whom adding and subtracting several numbers of one row leaves over.

A row tells several numbers, each the sum of what persons add to it: `(1, 0)` whoever is counted in the first alone, `(5, 2)` whoever has five
records of which two are counted in the second. Any multiples of the numbers, added and subtracted, are told as well. Where such a sum
is nought for everybody but some, it tells of them alone: the fewest persons of whom any sum tells are found here. A count to which some
add and from which others take away tells of neither; a sum of what few have tells of these, whatever their signs.

In the words of geometry: what persons add are rays, a sum is a plane through nought, and it tells of whoever is beside the plane. Of counts
the planes that touch the cone of all rays are asked for, its facets. Relies on the caller's numbers, to 11 digits. Does not know a rule:
`least` is the number from which on a group is not small, and no group so large is looked for.

How. Whoever adds the same, up to a multiple, is one ray. A ray of `least` persons or more lies in every plane that leaves fewer out, and
so does what such rays span: what is left has few dimensions, mostly none. Where many rays of few persons are left (sums of a
measurement), as many bases apart from each other as are found, none of which a plane can hold whole, are persons that every plane
leaves out. Else planes are tried, one by one; where they are too many, the bases are what is known, and the answer may be too small.
"""

import math
from itertools import combinations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

NOUGHT = 1e-11
"""Less than this part of a ray is none: the last bits of sums in another order."""

_MOST_PLANES = 4_000
"""Planes that are tried for one row, some milliseconds' work."""


def smallest(added: Numbers, persons: Numbers, least: int, counts: bool = True) -> int | None:
    """The fewest persons of whom a sum of the row's numbers tells, where they are fewer than `least`; None where there are none.

    `added`: (lines, numbers), what each of some persons adds to each number; `persons`: (lines,), how many they are; `counts`: what of counts
    is told, else what of sums.
    """
    scale = np.abs(added).max(axis=0, initial=0.0)
    if not np.isfinite(added).all() or not np.isfinite(scale).all():
        # Beyond all numbers: whether anybody is left over hangs on one value. The caller hides such rows.
        return None
    rays, weights = _rays(added[:, scale > 0] / scale[scale > 0], persons)
    heavy = weights >= least
    rays, weights = _beside(rays, weights, rays[heavy])
    return _fewest(rays, weights, least, counts)


def _fewest(rays: Numbers, weights: Numbers, least: int, counts: bool) -> int | None:
    """As `smallest`, of rays that span all there is."""
    dimensions = rays.shape[1]
    if dimensions == 0 or not len(rays):
        return None
    if math.comb(len(rays), dimensions - 1) <= _MOST_PLANES:
        return _of_planes(rays, weights, least, counts)
    bases, unused = _bases(rays, weights, least)
    if bases >= least:
        return None
    within = rays[unused]
    if 0 < _rank(within) < dimensions and _bases(within, weights[unused], least)[0] >= least:
        # Every plane that leaves out fewer holds these.
        return _fewest(*_beside(rays, weights, within), least, counts)
    return max(1, bases)


def _of_planes(rays: Numbers, weights: Numbers, least: int, counts: bool) -> int | None:
    found: list[float] = []
    dimensions = rays.shape[1]
    chosen = np.array(list(combinations(range(len(rays)), dimensions - 1)), dtype=np.intp)
    planes = np.ones((1, 1)) if dimensions == 1 else _normals(rays[chosen])
    for plane in planes:
        told = rays @ plane
        told[np.abs(told) <= NOUGHT * 100] = 0.0
        if counts and told.min() < 0 < told.max():
            continue
        left = float(weights[told != 0].sum())
        if 0 < left < least:
            found.append(left)
    return round(min(found)) if found else None


def _normals(spans: Numbers) -> Numbers:
    """What stands upright on each of several spans, of those that leave one direction."""
    _, sizes, directions = np.linalg.svd(spans, full_matrices=True)
    return np.asarray(directions[sizes[:, -1] > NOUGHT * 100, -1, :], dtype=np.float64)


def _rays(added: Numbers, persons: Numbers) -> tuple[Numbers, Numbers]:
    """Each ray once, of length one, with its persons; those who add nothing are none."""
    lengths = np.sqrt((added * added).sum(axis=1))
    there = lengths > 0
    rays = added[there] / lengths[there, None]
    rounded, place = np.unique(np.round(rays, 10), axis=0, return_inverse=True)
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
    there = lengths > NOUGHT * 10
    if not there.any():
        return np.zeros((0, 0)), np.zeros(0)
    seen = left[there] / lengths[there, None]
    _, sizes, directions = np.linalg.svd(seen, full_matrices=False)
    span = directions[sizes > NOUGHT * 100 * float(sizes[0])]
    return _rays(seen @ span.T, weights[there])


def _rank(rays: Numbers) -> int:
    if not len(rays):
        return 0
    sizes = np.linalg.svd(rays, compute_uv=False)
    return int((sizes > NOUGHT * 100 * float(sizes[0])).sum())


def _bases(rays: Numbers, weights: Numbers, least: int) -> tuple[int, npt.NDArray[np.bool_]]:
    """How many bases of what the rays span are found that have nobody in common, up to `least`; and which rays still have somebody
    when no more are found."""
    rank = _rank(rays)
    free = weights.copy()
    for found in range(least):
        left, chosen = rays.copy(), []
        for _ in range(rank):
            sizes = np.where(free > 0, (left * left).sum(axis=1), 0.0)
            usable = sizes > 1e-12
            if not usable.any():
                return found, free > 0
            # Whoever has many alike first, so that few of those who have none are spent.
            place = int(np.argmax(np.where(usable, free + sizes / 2, -1.0)))
            chosen.append(place)
            unit = left[place] / math.sqrt(float(sizes[place]))
            left = left - np.outer(left @ unit, unit)
        free[chosen] -= 1
    return least, free > 0
