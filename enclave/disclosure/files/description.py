"""What the columns of a table file are, where its maker says so: dimensions, counts, and the evidence behind other numbers.

Decides whether a mapping is such a description, what evidence it gives of each row, and which categories (`categories`) the
dimensions are. Relies on text alone. Does not: judge, guess a column that nobody described, or read a disk.

Evidence may stand in the file itself, or in a table of its own with the same dimensions (`attach`): the largest contributions
behind a sum belong to single persons and must not leave beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from enclave.core.refusal import Refused
from enclave.disclosure.criteria.categories import AREAS, Band, Categories
from enclave.disclosure.criteria.evidence import Route, Statistic
from enclave.disclosure.files.age_bands import bands_of

Columns = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Dimension:
    """`kind`: `age`, `birth_weight`, `death_time`, an area (`categories.AREAS`), or what a rule calls it (`insurer_kind`,
    `siblings`); "" where no rule names it. `width`: of bands that are written by their lower end alone, in years or g.
    `hours`: of bands of a time of death. `population`: the column with the inhabitants of the area."""

    kind: str = ""
    width: int = 1
    hours: Fraction | None = None
    population: str | None = None


@dataclass(frozen=True)
class Value:
    """A column that is no count: what it shows, and the columns of its evidence. `largest`: contributions, descending;
    `numbers`: fields of `CellEvidence` to columns."""

    statistic: Statistic
    largest: tuple[str, ...] = ()
    numbers: Mapping[str, str] = field(default_factory=dict)
    route: Route | None = None


@dataclass(frozen=True)
class Description:
    """What is said of one file. `institutions`, `group`: columns, or None. An empty one says nothing."""

    dimensions: Mapping[str, Dimension] = field(default_factory=dict)
    counts: tuple[str, ...] = ()
    institutions: str | None = None
    group: str | None = None
    values: Mapping[str, Value] = field(default_factory=dict)

    def evidence_columns(self) -> frozenset[str]:
        """Every column that is there as evidence alone."""
        named = {self.institutions, self.group, *(one.population for one in self.dimensions.values())}
        for value in self.values.values():
            named |= {*value.largest, *value.numbers.values()}
        return frozenset(name for name in named if name is not None)


_NUMBERS: Mapping[Statistic, tuple[str, ...]] = {
    Statistic.SUM: ("contributors",),
    Statistic.MEAN: ("contributors", "total"),
    Statistic.RATIO: ("numerator",),
    Statistic.QUANTILE: ("below", "above"),
    Statistic.EXTREME: ("at",),
    Statistic.SURVIVAL: ("at_risk",),
    Statistic.MODEL: ("df",),
    Statistic.QUANTITY: (),
    Statistic.COUNT: (),
}
"""Kind of statistic → the evidence that it may have a column for."""


def _bad(where: str, needs: str) -> Refused:
    return Refused("disclosure.spec_invalid", {"where": where, "needs": needs})


def _mapping(data: object, allowed: set[str], where: str) -> Mapping[str, Any]:
    if data is None:
        return {}
    if not isinstance(data, Mapping) or any(not isinstance(key, str) for key in data):
        raise _bad(where or "description", "a mapping")
    for key in sorted(set(data) - allowed):
        raise _bad(f"{where}.{key}" if where else key, "one of " + ", ".join(sorted(allowed)))
    return data


def _column(data: object, where: str) -> str | None:
    if data is None:
        return None
    if not isinstance(data, str) or not data:
        raise _bad(where, "the name of a column")
    return data


def _columns(data: object, where: str) -> tuple[str, ...]:
    found = [] if data is None else data
    if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
        raise _bad(where, "a list of columns")
    return tuple(found)


def _whole(data: object, where: str) -> int:
    if not isinstance(data, int) or isinstance(data, bool) or data < 1:
        raise _bad(where, "a whole number of at least 1")
    return data


def _dimension(data: object, where: str) -> Dimension:
    said = _mapping(data, {"is", "width", "hours", "population"}, where)
    kind = _column(said.get("is"), f"{where}.is") or ""
    hours = said.get("hours")
    if hours is not None and (
        isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 < hours <= 24
    ):
        raise _bad(f"{where}.hours", "hours above 0 and up to 24")
    if kind == "death_time" and hours is None:
        raise _bad(f"{where}.hours", "the width of the bands of a time of death")
    return Dimension(
        kind,
        _whole(said.get("width", 1), f"{where}.width"),
        None if hours is None else Fraction(str(hours)),
        _column(said.get("population"), f"{where}.population"),
    )


def _value(data: object, where: str) -> Value:
    every = {name for names in _NUMBERS.values() for name in names}
    said = _mapping(data, {"statistic", "largest", "route"} | every, where)
    words = [one.value for one in Statistic if one is not Statistic.COUNT]
    if said.get("statistic") not in words:
        raise _bad(f"{where}.statistic", "one of " + ", ".join(words))
    statistic = Statistic(said["statistic"])
    for name in sorted(every & set(said) - set(_NUMBERS[statistic])):
        raise _bad(f"{where}.{name}", f"no such evidence of a {statistic.value}")
    route = said.get("route")
    if route not in (None, *(one.value for one in Route)):
        raise _bad(f"{where}.route", "one of " + ", ".join(one.value for one in Route))
    return Value(
        statistic,
        _columns(said.get("largest"), f"{where}.largest"),
        {name: str(_column(said[name], f"{where}.{name}")) for name in _NUMBERS[statistic] if said.get(name)},
        None if route is None else Route(route),
    )


KEYS = {"dimensions", "counts", "institutions", "group", "values", "evidence"}


def parse(data: object) -> Description:
    """The description in a mapping. `evidence` names a file and is the reader's; here it is only allowed.

    Raises Refused `disclosure.spec_invalid` (`where`, `needs`) for an unknown key or a value of the wrong form.
    """
    said = _mapping(data, KEYS, "")
    dimensions = said.get("dimensions", {})
    values = said.get("values", {})
    for name, part in (("dimensions", dimensions), ("values", values)):
        if not isinstance(part, Mapping) or any(not isinstance(key, str) for key in part):
            raise _bad(name, "columns, each with what it is")
    return Description(
        {name: _dimension(one, f"dimensions.{name}") for name, one in dimensions.items()},
        _columns(said.get("counts"), "counts"),
        _column(said.get("institutions"), "institutions"),
        _column(said.get("group"), "group"),
        {name: _value(one, f"values.{name}") for name, one in values.items()},
    )


def attach(description: Description, columns: Columns, evidence: Columns) -> dict[str, Sequence[str]]:
    """The columns of `evidence` in the order of the rows of `columns`, joined by the described dimensions; empty text where
    the evidence has no such row, which is evidence that nobody counted.

    Raises Refused `disclosure.column_missing`, and `disclosure.duplicate_row` where the evidence has a row twice.
    """
    for name in description.dimensions:
        for table in (columns, evidence):
            if name not in table:
                raise Refused("disclosure.column_missing", {"column": name})
    rows: dict[tuple[str, ...], int] = {}
    names = list(description.dimensions)
    for number, keys in enumerate(zip(*(evidence[name] for name in names), strict=True)):
        if keys in rows:
            raise Refused("disclosure.duplicate_row", {"row": number + 1})
        rows[keys] = number
    places = [rows.get(keys) for keys in zip(*(columns[name] for name in names), strict=True)]
    return {
        name: tuple("" if place is None else cells[place] for place in places)
        for name, cells in evidence.items()
        if name not in description.dimensions
    }


def categories(description: Description, columns: Columns) -> tuple[Categories, tuple[str, ...]]:
    """What the dimensions are, and those whose categories nobody could read (a band in other words than ages are written in)."""
    ages: list[Band] = []
    weights: list[Band] = []
    unread: list[str] = []
    areas: set[str] = set()
    crossed: set[str] = set()
    ungrouped: set[str] = set()
    hours = None
    for name, one in description.dimensions.items():
        cells = columns.get(name, ())
        match one.kind:
            case "age" | "birth_weight":
                bands = bands_of(cells, one.width)
                if bands is None:
                    unread.append(name)
                else:
                    (ages if one.kind == "age" else weights).extend(bands)
            case "death_time":
                hours = one.hours if hours is None or one.hours is None else min(hours, one.hours)
            case kind if kind in AREAS:
                areas.add(kind)
            case "":
                pass
            case kind:
                crossed.add(kind)
                bands = bands_of(cells, one.width)
                if bands is not None and any(end is not None and end - begin == 1 for begin, end in bands):
                    ungrouped.add(kind)
    found = Categories(
        tuple(dict.fromkeys(ages)),
        frozenset(areas),
        frozenset(crossed),
        hours,
        tuple(dict.fromkeys(weights)),
        frozenset(ungrouped),
    )
    return found, tuple(unread)
