"""The form in which parts of the claims are handed on: claims of one setting with their lines. Decides nothing."""

from dataclasses import dataclass, field

import numpy as np

from enclave.synth.draws import Array

KINDS = ("med_in", "med_out", "dpc", "dental", "pharm", "nurse")
"""Kinds of claim as the catalogue writes them; claims carry the position."""

Columns = dict[str, Array]
"""Columns of equal length. `claim` is the claim's position in its own bill."""

LINES: dict[str, dict[str, type]] = {
    "sy": {"claim": np.int32, "disease": np.int16, "start": np.int32, "outcome": np.int8, "suspected": np.bool_, "main": np.bool_},
    "si": {"claim": np.int32, "day": np.int32, "act": np.int16, "times": np.int16},
    "iy": {"claim": np.int32, "day": np.int32, "product": np.int16, "qty": np.float32, "days": np.int16},
    "to": {"claim": np.int32, "day": np.int32, "material": np.int8, "qty": np.float32},
    "bu": {"claim": np.int32, "reason": np.int16, "admit": np.int32, "leave": np.int32, "outcome": np.int8},
    "cd": {"claim": np.int32, "day": np.int32, "act": np.int16, "product": np.int16, "qty": np.float32},
}  # fmt: skip
"""Columns of each kind of line. −1 in `act` or `product` is none."""


@dataclass
class Bill:
    """Claims of one setting: `claims` has person, month, kind, facility, days, admit, extra (points beside lines)."""

    claims: Columns
    lines: dict[str, list[Columns]] = field(default_factory=lambda: {name: [] for name in LINES})

    def add(self, kind: str, **columns: Array | float) -> None:
        """Append lines; a scalar stands for a whole column."""
        size = len(np.asarray(columns["claim"]))
        made: Columns = {}
        for name, dtype in LINES[kind].items():
            value = np.asarray(columns[name])
            made[name] = (
                np.full(size, value, dtype=dtype) if value.ndim == 0 else value.astype(dtype, copy=False)
            )
        self.lines[kind].append(made)

    def joined(self, kind: str) -> Columns:
        parts = self.lines[kind]
        return {
            name: np.concatenate([part[name] for part in parts]) if parts else np.zeros(0, dtype=dtype)
            for name, dtype in LINES[kind].items()
        }
