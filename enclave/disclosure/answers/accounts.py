"""Whom adding and subtracting several numbers of one row leaves over.

A row tells several numbers, each the sum of what persons add to it: `(1, 0)` whoever is counted in the first alone, `(5, 2)` whoever has five
records of which two are counted in the second. Any multiples of the numbers, added and subtracted, are told as well. Where such a sum
is nought for everybody but some, it tells of them alone: the fewest persons of whom any sum tells are found here. A count to which some
add and from which others take away tells of neither; a sum of what few have tells of these, whatever their signs.

In the words of geometry: what persons add are rays, a sum is a plane through nought, and it tells of whoever is beside the plane. Of counts
the planes that touch the cone of all rays are asked for, its facets. Relies on the caller's numbers, to 10 digits. Does not know a rule:
`least` is the number from which on a group is not small, and no group so large is looked for.

How. Whoever adds the same, up to a multiple, is one ray. A ray of `least` persons or more lies in every plane that leaves fewer out, and
so does what such rays span: what is left has few dimensions, mostly none. Of few rays all planes are tried. Of many, sets of rays that just
span what is left are taken out one after the other, with nobody in two, a third as many as `least`: a plane that leaves out few
leaves out one or two of some set at most, and through all others but one or two of each the planes are tried. Only in rows of hardly more
persons than it takes (ten persons and four numbers) may one leave out three of each and be overlooked.
"""

import math
from itertools import combinations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

NOUGHT = 1e-10
"""Less than this part of a ray is none: the last bits of sums in another order."""

_NARROW = 1e-8
"""A direction that holds less than this part of all rays (of their squares) is looked at again, ray by ray."""

_UPRIGHT = 1e-16
"""Less than this of a ray (its square) is not beside what others span."""

_FEW = 64
"""Rays of which it is not worth while to look for those that are the same."""

_ALL_PLANES = 150
"""So many planes are all tried."""


def smallest(
    added: Numbers, persons: Numbers, least: int, counts: bool = True, general: int = 0
) -> int | None:
    """The fewest persons of whom a sum of the row's numbers tells, where they are fewer than `least`; None where there are none.

    `added`: (lines, numbers), what each of some persons adds to each number; `persons`: (lines,), how many they are; `counts`: what
    counts tell, else what sums do; `general`: where hardly two persons add the same, how many persons the row has.
    """
    if added.shape[1] < 2:
        # Of one number alone its own persons tell.
        return None
    lines = _scaled(added)
    if lines is None or _spread(lines, persons, least):
        return None
    rays, weights = _beside(*_rays(lines, persons), np.zeros((0, 0)))
    if general:
        # A plane through as many persons as it takes to make one is no finding: nobody knows through whom it goes.
        least = min(least, general - rays.shape[1] + 1)
    heavy = weights >= least
    return _fewest(*_beside(rays, weights, rays[heavy]), least, counts)


def spread(added: Numbers, persons: Numbers, least: int) -> bool:
    """Whether no sum of the row's numbers, nor of some of them, tells of fewer than `least`, as far as can be said at a glance."""
    lines = _scaled(added)
    return lines is not None and _spread(lines, persons, least)


def _scaled(added: Numbers) -> Numbers | None:
    """Each number by its largest; nothing beyond all numbers: whether anybody is left over there hangs on one value, and the caller
    hides such rows."""
    scale = np.abs(added).max(axis=0, initial=0.0)
    if not np.isfinite(scale).all():
        return None
    lines: Numbers = added[:, scale > 0] / scale[scale > 0]
    return lines


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
    squares, directions = np.linalg.eigh(rays.T @ rays)
    wide = squares > _NARROW * len(rays)
    if not wide.all() and np.abs(rays @ directions[:, ~wide]).max() > NOUGHT:
        # Somebody, maybe of few, adds in a direction in which hardly anybody does.
        return False
    rank = int(wide.sum())
    # Those who add to the same numbers one after the other, so that each group has some of them; not all, where they are many.
    kinds = (rays != 0) @ np.sqrt(np.arange(1, rays.shape[1] + 1))
    order = np.argsort(kinds, kind="stable")
    starts = np.flatnonzero(np.diff(kinds[order], prepend=-1.0) > 0)
    sizes = np.diff(starts, append=len(order))
    inside = np.arange(len(order)) - np.repeat(starts, sizes)
    first = inside < 4 * least * rank
    # The rarest first: what does not go into whole groups is of those of whom there are most.
    order = order[first][np.argsort(np.repeat(sizes, sizes)[first], kind="stable")]
    # Whoever has many alike is in as many groups.
    turns = np.repeat(order, np.minimum(persons[order], least).astype(np.intp))
    rounds = len(turns) // least
    if rounds < rank:
        return False
    seen = (rays @ directions[:, wide])[turns[: rounds * least]].reshape(rounds, least, rank)
    grams = np.einsum("rgi,rgj->gij", seen, seen)
    return bool(np.linalg.eigvalsh(grams)[:, 0].min() > _NARROW * rounds)


def _fewest(rays: Numbers, weights: Numbers, least: int, counts: bool) -> int | None:
    """As `smallest`, of rays that span all there is."""
    dimensions = rays.shape[1]
    if dimensions == 0:
        return None
    if dimensions == 1:
        return _told(rays, weights, np.ones((1, 1)), least, counts)
    if math.comb(len(rays), dimensions - 1) <= _ALL_PLANES:
        chosen = np.array(list(combinations(range(len(rays)), dimensions - 1)), dtype=np.intp)
        _, sizes, directions = np.linalg.svd(rays[chosen], full_matrices=True)
        return _told(rays, weights, directions[sizes[:, -1] > NOUGHT, -1, :], least, counts)
    # Fewer than `least` left out of so many sets: of some set no more than two.
    sets = _spanning(rays, weights, math.ceil(least / 3))
    if not len(sets):
        return 1
    # Each column: nought for all of a set but one.
    planes = np.linalg.inv(rays[sets])
    told = rays @ planes
    pairs = [_two_out(told[number], planes[number], weights) for number in range(len(sets))]
    single = np.moveaxis(planes, 1, 2).reshape(-1, dimensions)
    return _told(rays, weights, np.concatenate([single, *pairs]), least, counts)


def _two_out(told: Numbers, planes: Numbers, weights: Numbers) -> Numbers:
    """Of each two planes that a set tells, the sum of multiples that is nought for the most persons besides."""
    dimensions = planes.shape[1]
    found = []
    for one, other in combinations(range(dimensions), 2):
        both = (np.abs(told[:, one]) > NOUGHT) & (np.abs(told[:, other]) > NOUGHT)
        if not both.any():
            continue
        ratios = told[both, one] / told[both, other]
        order = np.argsort(ratios, kind="stable")
        ratios, held = ratios[order], weights[both][order]
        apart = np.diff(ratios, prepend=-np.inf) > NOUGHT * np.maximum(1.0, np.abs(ratios))
        most = int(np.argmax(np.add.reduceat(held, np.flatnonzero(apart))))
        ratio = ratios[np.flatnonzero(apart)[most]]
        found.append(planes[:, one] - ratio * planes[:, other])
    return np.array(found).reshape(-1, dimensions)


def _told(rays: Numbers, weights: Numbers, planes: Numbers, least: int, counts: bool) -> int | None:
    """The fewest persons beside one of several planes, of whom it tells."""
    lengths = np.sqrt((planes * planes).sum(axis=1))
    sums = rays @ (planes[lengths > 0] / lengths[lengths > 0, None]).T
    above, below = sums > NOUGHT, sums < -NOUGHT
    left = weights @ (above | below)
    few = (left > 0) & (left < least)
    if counts:
        few &= ~(above.any(axis=0) & below.any(axis=0))
    return round(float(left[few].min())) if few.any() else None


def _spanning(rays: Numbers, weights: Numbers, most: int) -> npt.NDArray[np.intp]:
    """Sets of rays (sets, dimensions) that each span all there is, nobody in two of them: as many as are found, up to `most`."""
    dimensions = rays.shape[1]
    free = weights.copy()
    found: list[list[int]] = []
    while len(found) < most:
        left, chosen = rays.copy(), list[int]()
        for _ in range(dimensions):
            sizes = np.einsum("ij,ij->i", left, left)
            usable = (free > 0) & (sizes > _UPRIGHT)
            if not usable.any():
                return np.array(found, dtype=np.intp)
            # Whoever has many alike first, so that few of those who have none are spent.
            place = int(np.argmax(np.where(usable, free + sizes / 2, -1.0)))
            chosen.append(place)
            unit = left[place] / math.sqrt(float(sizes[place]))
            left -= np.outer(left @ unit, unit)
        free[chosen] -= 1
        found.append(chosen)
    return np.array(found, dtype=np.intp)


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
    if len(seen) <= _FEW:
        return seen @ span.T, weights[there]
    return _rays(seen @ span.T, weights[there])
