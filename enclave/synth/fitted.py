"""Correction factors that make the synthetic counts meet the published ones.

Decides nothing: `data/fitted.csv` holds a factor per item and sex-age cell, found by running the generator, comparing
with the published tables and multiplying by the ratio a few times (`calibration.refit`). An item without a row is 1.
"""

from functools import cache
from importlib.resources import files

import numpy as np

from enclave.synth import tables
from enclave.synth.draws import Array


@cache
def _factors() -> dict[tuple[str, str], Array]:
    if not (files("enclave.synth") / "data" / "fitted.csv").is_file():
        return {}
    return {(row["kind"], row["item"]): tables.cells(row) for row in tables.rows("fitted")}


def factor(kind: str, item: str) -> Array:
    """38 factors."""
    return _factors().get((kind, item), np.ones(38))
