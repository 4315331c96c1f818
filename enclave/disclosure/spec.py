"""What a table to protect is made of (SHAPES, Table to protect): its dimensions with their hierarchies, and its columns.

Decides whether a mapping is such a description, and whether a list of (child, parent) is a hierarchy. Reads no file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from enclave.core.refusal import Refused

_KEYS = frozenset({"dimensions", "count", "value", "max1", "max2", "cost", "time_limit"})
_DIMENSION_KEYS = frozenset({"hierarchy", "total"})


@dataclass(frozen=True)
class Dimension:
    """`total`: the code of everything together. `hierarchy`: name of the file of (child, parent), None where every other
    code stands directly below the total."""

    name: str
    total: str
    hierarchy: str | None


@dataclass(frozen=True)
class Spec:
    """`count`: column of persons or enterprises behind a cell. `value`: column of what is published, None where that is the
    count. `max1`, `max2`: columns of the largest contributions. `cost`: column of what hiding costs. `time_limit` in
    seconds of wall time, None for no limit."""

    dimensions: tuple[Dimension, ...]
    count: str
    value: str | None
    max1: str | None
    max2: str | None
    cost: str
    time_limit: float | None

    @property
    def published(self) -> str:
        return self.value or self.count

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that the table needs."""
        named = (
            *(one.name for one in self.dimensions),
            self.count,
            self.value,
            self.max1,
            self.max2,
            self.cost,
        )
        return tuple(dict.fromkeys(name for name in named if name is not None))


def _bad(where: str, needs: str) -> Refused:
    return Refused("disclosure.spec_invalid", {"where": where, "needs": needs})


def _text(value: object, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise _bad(where, "a text")
    return str(value)


def parse(data: object) -> Spec:
    """The spec of a mapping. Raises Refused `disclosure.spec_invalid` (`where`, `needs`)."""
    if not isinstance(data, Mapping):
        raise _bad("spec", "a mapping")
    unknown = sorted(str(key) for key in data if key not in _KEYS)
    if unknown:
        raise _bad(unknown[0], "one of " + ", ".join(sorted(_KEYS)))
    found = data.get("dimensions")
    if not isinstance(found, Mapping) or not found:
        raise _bad("dimensions", "a mapping of at least one dimension")
    count = _text(data.get("count"), "count")
    named: dict[str, str | None] = {
        key: None if data.get(key) is None else _text(data[key], key)
        for key in ("value", "max1", "max2", "cost")
    }
    spec = Spec(
        tuple(_dimension(str(name), about) for name, about in found.items()),
        count,
        named["value"],
        named["max1"],
        named["max2"],
        named["cost"] or named["value"] or count,
        _seconds(data.get("time_limit")),
    )
    taken = [one.name for one in spec.dimensions]
    for column in (spec.count, spec.value, spec.max1, spec.max2):
        if column in taken:
            raise _bad(str(column), "a column that is not a dimension")
    reserved = {"status", "lower", "upper", "bounds"} & {*taken, spec.published}
    if reserved:
        raise Refused("disclosure.name_taken", {"column": sorted(reserved)[0]})
    return spec


def _dimension(name: str, about: Any) -> Dimension:
    where = f"dimensions.{name}"
    if not isinstance(about, Mapping) or set(about) - _DIMENSION_KEYS:
        raise _bad(where, "{total, hierarchy}")
    hierarchy = about.get("hierarchy")
    total = _text(about.get("total"), f"{where}.total")
    return Dimension(name, total, None if hierarchy is None else _text(hierarchy, f"{where}.hierarchy"))


def _seconds(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e7:
        raise _bad("time_limit", "seconds, more than 0")
    return float(value)


def hierarchy(dimension: Dimension, rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The parent of every code below the total.

    Raises Refused `disclosure.hierarchy_invalid`: `why` two_parents, cycle, or gap (a code that leads to no total).
    """
    parent: dict[str, str] = {}
    for child, above in rows:
        if parent.setdefault(child, above) != above:
            raise _broken(dimension, child, "two_parents")
    if dimension.total in parent:
        raise _broken(dimension, dimension.total, "cycle")
    good = {dimension.total}
    for start in parent:
        path: dict[str, None] = {}
        code = start
        while code not in good:
            if code in path:
                raise _broken(dimension, code, "cycle")
            if code not in parent:
                raise _broken(dimension, code, "gap")
            path[code] = None
            code = parent[code]
        good.update(path)
    return parent


def _broken(dimension: Dimension, code: str, why: str) -> Refused:
    return Refused(
        "disclosure.hierarchy_invalid", {"dimension": dimension.name, "category": code, "why": why}
    )
