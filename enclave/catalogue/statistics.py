"""What the public may know of a column before applying: how much is missing, which range, how many codes.

Decides what of custody's exact counts is published. Numbers of persons come out rounded, or not at all where fewer than
the rule set's threshold are behind them; a range is never the least or greatest value of a person: it ends where enough
persons lie beyond it, and outward at the next band, month or round number. Relies on exact facts that custody computes
at registration (`ColumnFacts`), and on `Thresholds` read from the rule sets that bind the database. Restricted columns,
free text, and numbers of persons and records are published with nothing but how much is missing.

What an attacker could still do: compare the statistics of two registrations of one database. Every figure is rounded to
the threshold or coarser, so a change of one person moves a figure only by chance at a rounding edge, which then says
"one of those who came or went"; it names nobody.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from enclave.catalogue.descriptor import Column, ColumnType, Descriptor, Role, Sensitivity
from enclave.core.ids import DatabaseId
from enclave.core.refusal import Refused

SCHEMA = "enclave.statistics/1"

TAIL = 100
"""A range leaves out at least one person in this many at each end, where that is more than the rule set's margin."""


@dataclass(frozen=True)
class Thresholds:
    """From the rule sets that bind the database, the strictest of each.

    `n`: least number of persons behind a published figure; `base`: counts are rounded to a multiple of it; `margin`:
    persons that must lie beyond each end of a range; `rule_sets`: where these come from.
    """

    n: int
    base: int
    margin: int
    rule_sets: tuple[str, ...]


class Kind(StrEnum):
    """What is published of a column besides what is missing."""

    RANGE = "range"
    CODES = "codes"
    NOTHING = "nothing"


def kind_of(column: Column) -> Kind:
    """How a column is summarised: by its type, and not at all where it identifies or is restricted."""
    if column.sensitivity is Sensitivity.RESTRICTED or column.role is Role.PERSON:
        return Kind.NOTHING
    if column.role is Role.FACILITY or column.values is not None:
        return Kind.CODES
    match column.type:
        case ColumnType.CODE | ColumnType.BOOL:
            return Kind.CODES
        case ColumnType.INT | ColumnType.FLOAT | ColumnType.DATE | ColumnType.MONTH:
            return Kind.RANGE
        case ColumnType.TEXT:
            return Kind.NOTHING


Value = int | float | date
"""A value of an ordered column, as the engine gives it; a date for dates and months."""


@dataclass(frozen=True)
class ColumnFacts:
    """Exact, and custody's own: never written to a file, a leaf or a log.

    `missing_persons`: persons with at least one row where it is missing; `present_persons`: with at least one where it
    is not. `codes`: values that at least `Thresholds.n` persons have. `low`: the `k`-th least of the persons' least
    values, `high`: the `k`-th greatest of their greatest, with k = `rank(present_persons, …)`; None where k is None.
    """

    missing_rows: int
    missing_persons: int
    present_persons: int
    codes: int | None = None
    low: Value | None = None
    high: Value | None = None


@dataclass(frozen=True)
class TableFacts:
    rows: int
    persons: int
    columns: Mapping[str, ColumnFacts]


@dataclass(frozen=True)
class ColumnStatistics:
    """`missing`: whole per cent of rows, None where it is hidden. `low`, `high`: texts as people write them, both None
    where hidden or where there is no order. `codes`: None where there are none to count or it is hidden."""

    missing: int | None
    codes: int | None = None
    low: str | None = None
    high: str | None = None


@dataclass(frozen=True)
class TableStatistics:
    """`rows` and `persons` are rounded; None where hidden."""

    rows: int | None
    persons: int | None
    columns: Mapping[str, ColumnStatistics]


@dataclass(frozen=True)
class Statistics:
    """One database's, as published: `<catalogue>/<database>/statistics.json`."""

    database: DatabaseId
    computed: str
    rule_sets: tuple[str, ...]
    tables: Mapping[str, TableStatistics]


def rank(persons: int, thresholds: Thresholds) -> int | None:
    """Which person's value may end a range, counted from outside; None where too few persons lie between the ends."""
    k = max(thresholds.margin, math.ceil(persons / TAIL))
    return k if persons >= 2 * k + thresholds.n else None


def publish(
    descriptor: Descriptor, facts: Mapping[str, TableFacts], thresholds: Thresholds, computed: str
) -> Statistics:
    """What may be shown of a database's person-level tables; tables without facts are left out."""
    tables = {}
    for name, table in descriptor.tables.items():
        if name not in facts or not table.person_level:
            continue
        found = facts[name]
        columns = {
            column.name: _column(column, found, found.columns[column.name], thresholds)
            for column in table.columns.values()
            if column.name in found.columns
        }
        # Rows of few persons say how often those few came, so they are hidden with them.
        persons = count(found.persons, found.persons, thresholds)
        tables[name] = TableStatistics(count(found.rows, found.persons, thresholds), persons, columns)
    return Statistics(descriptor.database, computed, thresholds.rule_sets, tables)


def count(number: int, persons: int, thresholds: Thresholds) -> int | None:
    """A count rounded to the base, or None where 1 to n - 1 persons are behind it; nobody is 0."""
    if persons == 0:
        return 0
    if persons < thresholds.n:
        return None
    return max(thresholds.base, round(number / thresholds.base) * thresholds.base)


def _column(
    column: Column, table: TableFacts, facts: ColumnFacts, thresholds: Thresholds
) -> ColumnStatistics:
    missing = _missing(table, facts, thresholds)
    if facts.present_persons < thresholds.n:
        return ColumnStatistics(missing)
    match kind_of(column):
        case Kind.NOTHING:
            return ColumnStatistics(missing)
        case Kind.CODES:
            return ColumnStatistics(missing, codes=facts.codes)
        case Kind.RANGE:
            allowed = rank(facts.present_persons, thresholds) is not None
            if not allowed or facts.low is None or facts.high is None or facts.low > facts.high:  # type: ignore[operator]  # both are of the column's one type
                return ColumnStatistics(missing)
            return ColumnStatistics(
                missing, low=_outward(column, facts.low, -1), high=_outward(column, facts.high, 1)
            )


def _missing(table: TableFacts, facts: ColumnFacts, thresholds: Thresholds) -> int | None:
    """Whole per cent of rows, hidden where few persons lack the value, or few have it."""
    few = thresholds.n
    if 0 < facts.missing_persons < few or 0 < facts.present_persons < few or table.rows == 0:
        return None
    share = 100 * facts.missing_rows / table.rows
    if facts.missing_rows and facts.missing_rows < table.rows:
        # Neither "none" nor "all" is said of a column of which it is not true.
        return min(99, max(1, round(share)))
    return round(share)


def _outward(column: Column, value: Value, direction: int) -> str:
    """The next band, month or number of two figures beyond a value."""
    if isinstance(value, date):
        day = value.date() if isinstance(value, datetime) else value
        return f"{day.year:04d}-{day.month:02d}"
    if column.bands is not None:
        step = float(column.bands)
    elif value == 0:
        return "0"
    else:
        step = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
        if column.type is ColumnType.INT:
            step = max(1.0, step)
    units = value / step
    # A value that is a multiple already stays: 7.9 / 0.1 is 79.00000000000001.
    nearest = round(units)
    whole = nearest if math.isclose(units, nearest, rel_tol=1e-9) else math.floor(units) + (direction > 0)
    return f"{whole * step:.10g}"


# -- the file ----------------------------------------------------------------------------------------------------------
def to_json(statistics: Statistics) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "database": statistics.database,
        "computed": statistics.computed,
        "rule_sets": list(statistics.rule_sets),
        "tables": {
            name: {
                "rows": table.rows,
                "persons": table.persons,
                "columns": {
                    column: {
                        key: value
                        for key, value in (
                            ("missing", one.missing),
                            ("codes", one.codes),
                            ("low", one.low),
                            ("high", one.high),
                        )
                        if key == "missing" or value is not None
                    }
                    for column, one in table.columns.items()
                },
            }
            for name, table in statistics.tables.items()
        },
    }


def from_json(data: Mapping[str, Any]) -> Statistics:
    """What `to_json` printed. Raises Refused `catalogue.statistics_malformed`."""
    try:
        if data["schema"] != SCHEMA:
            raise ValueError("schema")
        return Statistics(
            database=DatabaseId(str(data["database"])),
            computed=str(data["computed"]),
            rule_sets=tuple(str(one) for one in data["rule_sets"]),
            tables={
                str(name): TableStatistics(
                    raw["rows"],
                    raw["persons"],
                    {
                        str(column): ColumnStatistics(
                            one["missing"], one.get("codes"), one.get("low"), one.get("high")
                        )
                        for column, one in raw["columns"].items()
                    },
                )
                for name, raw in data["tables"].items()
            },
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Refused("catalogue.statistics_malformed") from None
