"""What tables to protect are made of (SHAPES, Table to protect): their dimensions with their hierarchies, and their columns.

Decides whether a mapping is such a description, of one table or of several that share cells (`tables`, decision 0028), and
whether a list of (child, parent) is a hierarchy. Reads no file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from enclave.core.refusal import Refused

_COLUMNS = ("count", "value", "max1", "max2", "cost", "time_limit", "insiders", "protection")
_KEYS = frozenset({"dimensions", *_COLUMNS})
_LINKED_KEYS = frozenset({"tables", *_COLUMNS})
_TABLE_KEYS = frozenset({"file", "dimensions", "within"})
_DIMENSION_KEYS = frozenset({"hierarchy", "total"})
_PROTECTION_KEYS = frozenset({"form", "lower", "upper", "width"})


@dataclass(frozen=True)
class Dimension:
    """`total`: the code of everything together. `hierarchy`: name of the file of (child, parent), None where every other
    code stands directly below the total."""

    name: str
    total: str
    hierarchy: str | None


@dataclass(frozen=True)
class Cost:
    """What hiding a cell costs: what stands in `column`; its logarithm (of one more) with `log`; 1 where there is no column."""

    column: str | None
    log: bool = False


@dataclass(frozen=True)
class Margin:
    """A distance: so many units of what is published (`fixed`), so many parts of the cell's own value (`share`), or what
    stands in `column`."""

    fixed: Fraction = Fraction(0)
    share: Fraction = Fraction(0)
    column: str | None = None


@dataclass(frozen=True)
class Protection:
    """What every unsafe cell needs besides what the rules ask. `lower`, `upper`: how far below and above its value it must
    possibly lie; `width`: how far apart its ends. `sliding`: of what the rules ask, only the width is asked."""

    lower: Margin = Margin()
    upper: Margin = Margin()
    width: Margin = Margin()
    sliding: bool = False

    @property
    def columns(self) -> tuple[str | None, ...]:
        return (self.lower.column, self.upper.column, self.width.column)


@dataclass(frozen=True)
class Spec:
    """`count`: column of persons or enterprises behind a cell. `value`: column of what is published, None where that is the
    count. `max1`, `max2`: columns of the largest contributions. `time_limit` in seconds of wall time, None for no limit.
    `insiders`: the contributors of a cell that has so many or fewer pool what they know; 0: nobody knows more than the
    public. Of one of several tables `name`, `file`, and `within`: codes of dimensions that it does not have and to which all
    of it belongs."""

    dimensions: tuple[Dimension, ...]
    count: str
    value: str | None
    max1: str | None
    max2: str | None
    cost: Cost
    time_limit: float | None
    insiders: int = 0
    protection: Protection = Protection()
    name: str = ""
    file: str = ""
    within: tuple[tuple[str, str], ...] = ()

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
            self.cost.column,
            *self.protection.columns,
        )
        return tuple(dict.fromkeys(name for name in named if name is not None))


def _bad(where: str, needs: str) -> Refused:
    return Refused("disclosure.spec_invalid", {"where": where, "needs": needs})


def _text(value: object, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise _bad(where, "a text")
    return str(value)


def parse(data: object) -> Spec:
    """The spec of one table from a mapping. Raises Refused `disclosure.spec_invalid` (`where`, `needs`)."""
    found = _mapping(data, "spec", _KEYS)
    return _described(found, _columns(found))


def parse_tables(data: object) -> tuple[Spec, ...]:
    """The specs of a mapping: one without a name, or those of `tables`, which share the columns and the dimensions of a name.

    Raises Refused `disclosure.spec_invalid` (`where`, `needs`): besides what `parse` refuses, a dimension with another total
    than in another table, and a code of a dimension that no other table has.
    """
    if not isinstance(data, Mapping) or "tables" not in data:
        return (parse(data),)
    shared = _columns(_mapping(data, "spec", _LINKED_KEYS))
    tables = _mapping(data["tables"], "tables", None)
    specs = []
    for name, about in tables.items():
        where = f"tables.{name}"
        found = _mapping(about, where, _TABLE_KEYS)
        if not str(name).replace("-", "").replace("_", "").isalnum():
            raise _bad(where, "a name of letters, digits, - and _")
        inside = {} if found.get("within") is None else _mapping(found["within"], f"{where}.within", None)
        within = tuple((str(one), _text(code, f"{where}.within")) for one, code in inside.items())
        spec = _described(found, shared, f"{where}.")
        specs.append(
            replace(spec, name=str(name), file=_text(found.get("file"), f"{where}.file"), within=within)
        )
    totals: dict[str, str] = {}
    for spec in specs:
        for one in spec.dimensions:
            if totals.setdefault(one.name, one.total) != one.total:
                raise _bad(f"tables.{spec.name}.dimensions.{one.name}.total", totals[one.name])
    for spec in specs:
        own = {one.name for one in spec.dimensions}
        for dimension, code in spec.within:
            if dimension in own or dimension not in totals or code == totals[dimension]:
                raise _bad(f"tables.{spec.name}.within.{dimension}", "a code of a dimension of another table")
    return tuple(specs)


def _mapping(data: object, where: str, keys: frozenset[str] | None) -> Mapping[str, Any]:
    if not isinstance(data, Mapping) or not data:
        raise _bad(where, "a mapping")
    unknown = sorted(str(key) for key in data if keys is not None and key not in keys)
    if unknown:
        raise _bad(unknown[0], "one of " + ", ".join(sorted(keys or ())))
    return data


def _columns(data: Mapping[str, Any]) -> Spec:
    """A spec without dimensions."""
    count = _text(data.get("count"), "count")
    value, max1, max2 = (
        None if data.get(key) is None else _text(data[key], key) for key in ("value", "max1", "max2")
    )
    insiders = data.get("insiders", 0)
    if isinstance(insiders, bool) or not isinstance(insiders, int) or insiders < 0:
        raise _bad("insiders", "a whole number, 0 or more")
    return Spec(
        (),
        count,
        value,
        max1,
        max2,
        _cost(data.get("cost"), value or count),
        _seconds(data.get("time_limit")),
        insiders,
        _protection(data.get("protection")),
    )


def _described(data: Mapping[str, Any], columns: Spec, where: str = "") -> Spec:
    found = data.get("dimensions")
    if not isinstance(found, Mapping) or not found:
        raise _bad(f"{where}dimensions", "a mapping of at least one dimension")
    spec = replace(
        columns, dimensions=tuple(_dimension(str(name), about, where) for name, about in found.items())
    )
    taken = [one.name for one in spec.dimensions]
    for column in (spec.count, spec.value, spec.max1, spec.max2):
        if column in taken:
            raise _bad(str(column), "a column that is not a dimension")
    reserved = {"status", "lower", "upper", "bounds"} & {*taken, spec.published}
    if reserved:
        raise Refused("disclosure.name_taken", {"column": sorted(reserved)[0]})
    return spec


def _cost(found: object, otherwise: str) -> Cost:
    """A column; `{log: column}`; the number 1 for a count of cells."""
    if found is None:
        return Cost(otherwise)
    if isinstance(found, Mapping):
        if set(found) != {"log"}:
            raise _bad("cost", "a column, {log: column}, or 1")
        return Cost(_text(found["log"], "cost.log"), log=True)
    return Cost(None) if type(found) is int and found == 1 else Cost(_text(found, "cost"))


def _protection(found: object) -> Protection:
    if found is None:
        return Protection()
    about = _mapping(found, "protection", _PROTECTION_KEYS)
    form = about.get("form", "fixed")
    if form not in ("fixed", "sliding"):
        raise _bad("protection.form", "fixed or sliding")
    lower, upper, width = (
        _margin(about.get(one), f"protection.{one}") for one in ("lower", "upper", "width")
    )
    return Protection(lower, upper, width, form == "sliding")


def _margin(found: object, where: str) -> Margin:
    """A number of units, a text `n%` of the cell's value, or a column."""
    if found is None:
        return Margin()
    number = isinstance(found, int | float | Decimal) and not isinstance(found, bool)
    text = str(found) if number else _text(found, where)
    if not number and not text.endswith("%"):
        return Margin(column=text)
    try:
        exact = Decimal(text.removesuffix("%").strip())
    except InvalidOperation:
        raise _bad(where, "a number, n% of the value, or a column") from None
    if not exact.is_finite() or exact < 0 or exact.adjusted() > 15:
        raise _bad(where, "0 or more")
    return Margin(fixed=Fraction(exact)) if number else Margin(share=Fraction(exact) / 100)


def _dimension(name: str, about: Any, within: str) -> Dimension:
    where = f"{within}dimensions.{name}"
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
        if child == dimension.total and not above:
            # A line for the total itself, which has nothing above it.
            continue
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
