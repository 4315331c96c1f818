"""Chance that is the same whatever the number of cores, and draws with little noise.

Decides how random numbers are made: each (seed, block, topic) has its own stream, so that a block's numbers depend on
nothing but its own place. Relies on numpy's PCG64. Does not know what is drawn.

Calibration needs counts close to their expectation, so events are drawn systematically (one random start, equal steps
along the cumulated expectation) and liabilities by rank within a stratum, not independently.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

GOLDEN = 0.6180339887498949
"""Steps of the golden ratio spread the random starts of successive blocks evenly."""


def stream(seed: int, block: int, topic: str) -> np.random.Generator:
    """The stream of one topic in one block. `block` −1 is the whole population."""
    key = np.random.SeedSequence(seed, spawn_key=(block + 1, crc32(topic.encode())))
    return np.random.Generator(np.random.PCG64(key))


def columns(parts: Iterable[Sequence[Array]]) -> list[Array]:
    """Parts of a table, each a sequence of columns → the whole table's columns."""
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def ragged(counts: Array) -> tuple[Array, Array]:
    """For rows repeated `counts` times: (index of the row, position within the row)."""
    counts = np.asarray(counts)
    owner = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    starts = np.cumsum(counts) - counts
    within = np.arange(len(owner), dtype=np.int32) - np.repeat(starts.astype(np.int32), counts)
    return owner, within


def systematic(expected: Array, start: float) -> Array:
    """Whole counts whose running sum stays within one of the running sum of `expected`."""
    running = np.floor(np.cumsum(expected, dtype=np.float64) + start)
    return np.diff(running, prepend=np.floor(start)).astype(np.int32)


def events(expected: Array, order: Array, rng: np.random.Generator, block: int) -> Array:
    """Indices of those to whom something happens (repeated where twice), drawn systematically along `order`."""
    offset = (rng.random() * 1e-3 + GOLDEN * (block + 1) + float(expected.sum()) * GOLDEN) % 1.0
    counts = systematic(expected[order], offset)
    return np.repeat(order, counts)


def liability(score: Array, cell: Array, rng: np.random.Generator) -> Array:
    """Uniform numbers, one per row, that follow the order of `score` and are spread evenly within each `cell`.

    A small number means a high score: the first to have what `score` disposes to.
    """
    order = np.lexsort((-score, cell))
    sorted_cell = cell[order]
    starts = np.flatnonzero(np.r_[True, sorted_cell[1:] != sorted_cell[:-1]])
    sizes = np.diff(np.r_[starts, len(cell)])
    rank = np.arange(len(cell)) - np.repeat(starts, sizes)
    spread = np.empty(len(cell))
    spread[order] = (rank + rng.random(len(cell))) / np.repeat(sizes, sizes)
    return spread


def pick(cumulative: Array, u: Array) -> Array:
    """Category per row: `cumulative` is (rows, categories) or (categories,), the last value 1."""
    if cumulative.ndim == 1:
        return np.searchsorted(cumulative, u, side="right").clip(max=len(cumulative) - 1)
    category: Array = (u[:, None] >= cumulative[:, :-1]).sum(axis=1)
    return category


def cumulated(weights: Array) -> Array:
    """Cumulative shares along the last axis. Rows without weight give their first category."""
    total = weights.sum(axis=-1, keepdims=True)
    shares = np.divide(weights, total, out=np.zeros_like(weights, dtype=np.float64), where=total > 0)
    running = np.cumsum(shares, axis=-1)
    running[..., -1] = 1.0
    return running


def mixed(*parts: Array | np.integer[Any] | int) -> Array:
    """64-bit values that look unrelated for related inputs (splitmix64's finaliser); equal inputs, equal values.

    For one varying part it is a bijection, so numbers made from distinct ids never collide.
    """
    with np.errstate(over="ignore"):
        value = np.asarray(np.uint64(0x9E3779B97F4A7C15))
        for part in parts:
            word = np.asarray(part).astype(np.uint64)
            value = value ^ word
            value = value + np.uint64(0x9E3779B97F4A7C15)
            value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            value = value ^ (value >> np.uint64(31))
    return value


def even(value: Array) -> Array:
    """64-bit values → numbers from 0 to below 1."""
    number: Array = (value >> np.uint64(11)).astype(np.float64) / 2**53
    return number
