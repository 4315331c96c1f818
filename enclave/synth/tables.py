"""Reads the parameter tables under `data/`. Decides nothing: what a table means is said where it is used."""

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import numpy as np

from enclave.synth.draws import Array

CELLS = tuple(f"{sex}{age}" for sex in "mf" for age in range(0, 95, 5))
"""Columns by sex and age: men 0–4 … 90 and over, then women; 38 cells."""

KNOTS = np.arange(0, 100, 10)
"""Ages at which a `shape` is given; linear between them, constant beyond."""


@cache
def rows(name: str) -> tuple[Mapping[str, str], ...]:
    """The rows of `data/<name>.csv` by column name."""
    text = (files("enclave.synth") / "data" / f"{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def cells(row: Mapping[str, str]) -> Array:
    return np.array([float(row[cell]) for cell in CELLS])


def numbers(row: Mapping[str, str], columns: Sequence[str]) -> Array:
    return np.array([float(row[column]) for column in columns])


def shape(text: str, ages: Array) -> Array:
    """A curve over age from its ten knots."""
    return np.interp(ages, KNOTS, [float(value) for value in text.split()])


def cell19(sex: Array, age: Array) -> Array:
    """Index of the published cell (38): men first, five-year bands, 90 and over together."""
    cell: Array = (np.minimum(age // 5, 18) + 19 * (sex - 1)).astype(np.int16)
    return cell


def cell21(sex: Array, age: Array) -> Array:
    """Index of the finer cell (42) up to 100 and over."""
    cell: Array = (np.minimum(age // 5, 20) + 21 * (sex - 1)).astype(np.int16)
    return cell
