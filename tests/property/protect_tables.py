"""Invented tables for `protect`, and a referee that tries every table that fits what is shown."""

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from enclave.disclosure.criteria.rules import RuleSet, parse
from enclave.disclosure.protection.spec import Spec
from enclave.disclosure.protection.spec import parse as spec_of

Row = dict[str, Any]


def rule_set(n: int, zero: str = "shown", **more: Any) -> dict[str, Any]:
    return {
        "id": "invented", "valid_from": "2020-01-01", "source": "invented", "scope": {"databases": ["*"]},
        "min_persons": {"n": n, "zero": zero}, **more,
    }  # fmt: skip


@dataclass(frozen=True)
class Invented:
    spec: Mapping[str, Any]
    parents: Mapping[str, Mapping[str, str]]
    rows: list[Row]
    rules: Mapping[str, Any]

    @property
    def parsed(self) -> tuple[Spec, Mapping[str, Mapping[str, str]], list[Row], list[RuleSet]]:
        return spec_of(self.spec), self.parents, self.rows, [parse(self.rules)]

    @property
    def above(self) -> dict[str, dict[str, str]]:
        """Per dimension the parent of each code, hierarchy or not."""
        return {
            name: dict(self.parents.get(name) or {})
            or {row[name]: about["total"] for row in self.rows if row[name] != about["total"]}
            for name, about in self.spec["dimensions"].items()
        }

    def by_code(self) -> list[dict[str, str]]:
        return [{name: str(row[name]) for name in row} for row in self.rows]


def _codes(rng: random.Random, name: str, hierarchical: bool) -> tuple[list[str], dict[str, str]]:
    """Leaves, and the parent of every code; some totals have one detail."""
    if not hierarchical:
        return [f"{name}{n}" for n in range(rng.randint(2, 3))], {}
    parent, leaves = {}, []
    for group in range(2):
        parent[f"{name}{group}"] = "T"
        for one in range(rng.randint(1, 2)):
            leaves.append(f"{name}{group}{one}")
            parent[leaves[-1]] = f"{name}{group}"
    return leaves, parent


def _up(code: str, parent: Mapping[str, str]) -> Iterator[str]:
    while code != "T":
        yield code
        code = parent.get(code, "T")
    yield "T"


def invented(seed: int, dimensions: int = 2, magnitude: bool = False) -> Invented:
    rng = random.Random(seed)
    names = ["a", "b", "c"][:dimensions]
    codes = {name: _codes(rng, name, rng.random() < 0.4 and dimensions < 3) for name in names}
    parents = {name: parent for name, (_, parent) in codes.items() if parent}
    cells: dict[tuple[str, ...], list[int]] = {}
    for key in itertools.product(*(leaves for leaves, _ in codes.values())):
        persons = rng.choice([0, 0, 1, 2, 3, 4, 5, 9])
        shares = [rng.choice([0, 1, 3, 10, 40]) for _ in range(persons)]
        for above in itertools.product(
            *(list(_up(code, codes[name][1])) for code, name in zip(key, names, strict=True))
        ):
            cells.setdefault(above, []).extend(shares)
    rows = []
    for key, shares in cells.items():
        largest = [*sorted(shares, reverse=True), 0, 0]
        row: Row = {**dict(zip(names, key, strict=True)), "n": len(shares)}
        if magnitude:
            row |= {"v": sum(shares), "x": largest[0], "y": largest[1]}
        if shares or rng.random() < 0.7 or "T" in key:
            rows.append(row)
    spec: dict[str, Any] = {
        "dimensions": {
            name: {"total": "T", **({"hierarchy": f"{name}.csv"} if name in parents else {})}
            for name in names
        },
        "count": "n",
    }
    if magnitude:
        spec |= {"value": "v", "max1": "x", "max2": "y"}
    rules = rule_set(rng.choice([2, 3, 4]), rng.choice(["shown", "shown", "hidden"]))
    if magnitude:
        rules = rule_set(
            3,
            **rng.choice(
                [
                    {"p_percent": {"p": 15, "n": 1}},
                    {"dominance": {"n": 2, "k": 80}},
                    {"pq": {"p": 10, "q": 60}},
                ]
            ),
        )
    return Invented(spec, parents, rows, rules)


def every_table(
    values: list[int], least: list[int], sums: list[tuple[int, tuple[int, ...]]], hidden: list[int], most: int
) -> dict[int, tuple[int, int]]:
    """Per hidden cell the least and the greatest whole number over all tables that fit, none above `most`: by trying."""
    found: dict[int, tuple[int, int]] = {}
    now = list(values)
    place = {cell: at for at, cell in enumerate(hidden)}
    last = [
        max((place[cell] for cell in (total, *details) if cell in place), default=-1)
        for total, details in sums
    ]

    def holds(at: int) -> bool:
        return all(
            now[total] == sum(now[cell] for cell in details)
            for (total, details), end in zip(sums, last, strict=True)
            if end == at
        )

    def fits(at: int) -> bool:
        # A total that is shown, or settled, bounds what its details have so far.
        for total, details in sums:
            if place.get(total, -1) <= at:
                settled = sum(now[cell] if place.get(cell, -1) <= at else least[cell] for cell in details)
                if settled > now[total]:
                    return False
        return True

    def go(at: int) -> None:
        if at == len(hidden):
            for cell in hidden:
                low, high = found.get(cell, (now[cell], now[cell]))
                found[cell] = (min(low, now[cell]), max(high, now[cell]))
            return
        cell = hidden[at]
        true = now[cell]
        for value in range(least[cell], most + 1):
            now[cell] = value
            if fits(at) and holds(at):
                go(at + 1)
        now[cell] = true

    go(0)
    return found
