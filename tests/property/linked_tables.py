"""Invented tables of one population that share cells, with the sums between them worked out from the persons themselves."""

import itertools
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.property.protect_tables import Row, rule_set

TREE = {"a0": "T", "a1": "T", "a00": "a0", "a01": "a0", "a10": "a1", "a11": "a1"}
LEVELS = {
    "a": (("T",), ("a0", "a1"), ("a00", "a01", "a10", "a11")),
    "b": (("T",), ("b0", "b1")),
    "c": (("T",), ("c0", "c1", "c2")),
}
NAMES = tuple(LEVELS)

Cell = tuple[str, str, str]


def holds(code: str, one: str) -> bool:
    """Whether a person of the finest code `one` belongs to `code`."""
    return code in ("T", one) or TREE.get(one) == code


@dataclass(frozen=True)
class Shape:
    """`axes`: per dimension the levels that are written. `tree`: whether the table names the hierarchy of a. `within`: see
    the spec."""

    axes: Mapping[str, tuple[int, ...]]
    tree: bool = False
    within: tuple[tuple[str, str], ...] = ()


SHAPES: tuple[tuple[Shape, ...], ...] = (
    # The same hierarchy, coarser in the second.
    (Shape({"a": (0, 1, 2), "b": (0, 1)}, True), Shape({"a": (0, 1), "c": (0, 1)}, True)),
    # Leaves here, groups there: only the hierarchy of the second says how they belong together.
    (Shape({"a": (0, 2), "b": (0, 1)}), Shape({"a": (0, 1), "b": (0, 1)}, True)),
    # Three margins of a cube that nobody writes.
    (Shape({"a": (0, 1), "b": (0, 1)}), Shape({"a": (0, 1), "c": (0, 1)}), Shape({"b": (0, 1), "c": (0, 1)})),
    # Part of the persons only.
    (Shape({"b": (0, 1), "c": (0, 1)}), Shape({"c": (0, 1)}, within=(("b", "b0"),)), Shape({"a": (0, 2), "b": (0, 1)})),
)  # fmt: skip


@dataclass(frozen=True)
class Linked:
    spec: dict[str, Any]
    rows: dict[str, list[Row]]
    rules: dict[str, Any]
    persons: list[tuple[Cell, int]]

    def parents(self, name: str) -> dict[str, dict[str, str]]:
        dimensions = self.spec["tables"][name]["dimensions"]
        return {one: dict(TREE) for one, about in dimensions.items() if "hierarchy" in about}

    def value(self, cell: Cell) -> int:
        return sum(share for person, share in self.persons if all(map(holds, cell, person)))

    def sums(self, cells: list[Cell]) -> list[tuple[int, tuple[int, ...]]]:
        """Every way in which the persons of a cell are those of others: finer codes of one dimension, the rest being equal.
        Codes whose cell is not written must be of nobody."""
        place = {cell: at for at, cell in enumerate(cells)}
        found = []
        for cell in cells:
            for axis, name in enumerate(NAMES):
                for level in LEVELS[name]:
                    below = [code for code in level if code != cell[axis] and _under(code, cell[axis])]
                    parts = [(*cell[:axis], code, *cell[axis + 1 :]) for code in below]
                    written = tuple(place[one] for one in parts if one in place)
                    missing = [one for one in parts if one not in place]
                    if written and not any(self.count(one) for one in missing):
                        found.append((place[cell], written))
        return found

    def count(self, cell: Cell) -> int:
        return sum(all(map(holds, cell, person)) for person, _ in self.persons)


def _under(code: str, above: str) -> bool:
    return above == "T" or TREE.get(code) == above


def linked(seed: int, magnitude: bool = False, **more: Any) -> Linked:
    rng = random.Random(seed)
    shapes = SHAPES[seed % len(SHAPES)]
    leaves = list(itertools.product(*(levels[-1] for levels in LEVELS.values())))
    persons = [
        (leaf, rng.choice([1, 3, 10, 40]))
        for leaf in leaves
        for _ in range(rng.choice([0, 0, 0, 1, 1, 2, 3]))
    ] or [(leaves[0], 1)]
    spec: dict[str, Any] = {"tables": {}, "count": "n", **more}
    if magnitude:
        spec |= {"value": "v", "max1": "x", "max2": "y"}
    rows: dict[str, list[Row]] = {}
    for number, shape in enumerate(shapes):
        name = f"t{number}"
        spec["tables"][name] = {
            "file": f"{name}.csv",
            "dimensions": {
                axis: {"total": "T", **({"hierarchy": "a.csv"} if axis == "a" and shape.tree else {})}
                for axis in shape.axes
            },
            **({"within": dict(shape.within)} if shape.within else {}),
        }
        rows[name] = []
        for codes in itertools.product(
            *(
                [code for level in levels for code in LEVELS[axis][level]]
                for axis, levels in shape.axes.items()
            )
        ):
            key = dict(zip(shape.axes, codes, strict=True))
            whole = dict.fromkeys(NAMES, "T") | dict(shape.within) | key
            shares = sorted(
                (share for one, share in persons if all(map(holds, whole.values(), one))), reverse=True
            )
            if shares or "T" in codes:
                row: Row = {**key, "n": len(shares)}
                if magnitude:
                    first, second = [*shares, 0, 0][:2]
                    row |= {"v": sum(shares), "x": first, "y": second}
                rows[name].append(row)
    rules = rule_set(rng.choice([2, 3]))
    if magnitude:
        rules = rule_set(2, **rng.choice([{}, {"p_percent": {"p": 15, "n": 1}}]))
    return Linked(spec, rows, rules, persons)
