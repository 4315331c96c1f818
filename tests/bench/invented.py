"""Tables invented for the benchmark of protection: the same seed, the same bytes. All cells with their margins, as files."""

import csv
import math
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import yaml

RULES_VALUE = {
    "id": "bench-value", "valid_from": "2020-01-01", "source": "the benchmark's own", "scope": {"databases": ["*"]},
    "min_persons": {"n": 3, "zero": "shown"}, "p_percent": {"p": 15, "n": 1},
}  # fmt: skip
RULES_COUNT = {**RULES_VALUE, "id": "bench-count", "min_persons": {"n": 10, "zero": "shown"}}
del RULES_COUNT["p_percent"]


@dataclass(frozen=True)
class Codes:
    """A dimension: `parents` of every code but the total "T"."""

    name: str
    parents: Mapping[str, str]

    def leaves(self) -> list[str]:
        above = set(self.parents.values())
        return [code for code in self.parents if code not in above]

    def path(self, code: str) -> list[str]:
        found = [code]
        while found[-1] != "T":
            found.append(self.parents[found[-1]])
        return found


def tree(name: str, *sizes: int) -> Codes:
    """Codes of as many levels as there are sizes."""
    parents: dict[str, str] = {}
    level = ["T"]
    for size in sizes:
        below = []
        for above in level:
            for number in range(size):
                code = f"{'' if above == 'T' else above}{chr(97 + number)}"
                parents[code] = above
                below.append(code)
        level = below
    return Codes(name, parents)


@dataclass
class Cell:
    count: int = 0
    cents: int = 0
    largest: list[int] = field(default_factory=list)

    def add(self, cents: int, times: int = 1) -> None:
        self.count += times
        self.cents += cents
        if len(self.largest) < 2 or cents > self.largest[-1]:
            self.largest = sorted([*self.largest, cents], reverse=True)[:2]


def values(seed: int = 1) -> tuple[list[Codes], dict[tuple[str, ...], Cell]]:
    """711 industries by 18 regions, 12,798 cells at most: what enterprises sell, some of them far larger than the others."""
    chance = random.Random(seed)
    industries, regions = tree("industry", 10, 10, 6), tree("region", 4, 3)
    regions = Codes("region", {**regions.parents, "z": "T"})
    cells: dict[tuple[str, ...], Cell] = defaultdict(Cell)
    for industry in industries.leaves():
        size = math.exp(chance.gauss(2.4, 1.1))
        for region in regions.leaves():
            for _ in range(int(size * math.exp(chance.gauss(0, 0.5)))):
                cents = int(100 * math.exp(chance.gauss(4, 1.3)))
                for key in product(industries.path(industry), regions.path(region)):
                    cells[key].add(cents)
    return [industries, regions], cells


def counts(seed: int = 1) -> tuple[list[Codes], dict[tuple[str, ...], Cell]]:
    """Three dimensions, two of them hierarchical: about 31,000 cells with somebody in them."""
    chance = random.Random(seed)
    dimensions = [tree("a", 8, 8), tree("b", 6, 6), tree("c", 10)]
    weights = [{code: math.exp(chance.gauss(0, 1.0)) for code in one.leaves()} for one in dimensions]
    cells: dict[tuple[str, ...], Cell] = defaultdict(Cell)
    for key in product(*(one.leaves() for one in dimensions)):
        mean = 33 * math.prod(weight[code] for weight, code in zip(weights, key, strict=True))
        count = int(-mean * math.log(1 - chance.random()) + 0.2)
        if count:
            for above in product(*(one.path(code) for one, code in zip(dimensions, key, strict=True))):
                cells[above].count += count
    return dimensions, cells


def written(
    folder: Path, made: tuple[list[Codes], dict[tuple[str, ...], Cell]], sums: bool, limit: int
) -> Path:
    """The files of a run in `folder`: table.csv, the hierarchies, spec.yaml, rules.yaml."""
    dimensions, cells = made
    said: dict[str, Any] = {"dimensions": {}, "count": "count", "time_limit": limit}
    for one in dimensions:
        said["dimensions"][one.name] = {"hierarchy": f"{one.name}.csv", "total": "T"}
        _csv(folder / f"{one.name}.csv", ["child", "parent"], iter(one.parents.items()))
    names = [one.name for one in dimensions]
    if sums:
        said |= {"value": "value", "max1": "max1", "max2": "max2", "cost": "value"}
    head = [*names, *(("value", "count", "max1", "max2") if sums else ("count",))]
    _csv(folder / "table.csv", head, (_line(key, cell, sums) for key, cell in cells.items()))
    (folder / "spec.yaml").write_text(yaml.safe_dump(said, sort_keys=False))
    (folder / "rules.yaml").write_text(yaml.safe_dump(RULES_VALUE if sums else RULES_COUNT))
    return folder


def _line(key: tuple[str, ...], cell: Cell, sums: bool) -> tuple[object, ...]:
    if not sums:
        return (*key, cell.count)
    first, second = (*cell.largest, 0, 0)[:2]
    return (*key, _money(cell.cents), cell.count, _money(first), _money(second))


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _csv(path: Path, head: list[str], lines: Iterator[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *lines])
