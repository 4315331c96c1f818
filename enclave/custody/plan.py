"""What an extract will hold: permit and descriptors in, a plan out, or a no that names the place.

Decides, per table, which source columns are read, which are shown and under which names, what becomes a pseudonym,
which rows belong, and what is coarsened. Relies on a verified permit, on the registered descriptors, and on `rows`
being compiled by the query grammar (handed over as a function, so that custody knows no SQL parser). Does not read a
source and does not know the engine's dialect beyond the compiled predicate it passes on.

`rows` and `period` speak of source values before coarsening and may name columns that the permit does not show.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from enclave.catalogue.descriptor import PID, Column, ColumnType, Descriptor, Role, Table
from enclave.catalogue.systems import SYSTEMS
from enclave.catalogue.words import Title
from enclave.core.ids import DatabaseId, ProvisionId
from enclave.core.permit import Period, Permit, TableGrant
from enclave.core.refusal import Refused

PROVISION = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
"""A provision's id names a folder, so its form is checked before it is used as one."""

ENGINE_TYPES = {
    ColumnType.INT: "BIGINT",
    ColumnType.FLOAT: "DOUBLE",
    ColumnType.BOOL: "BOOLEAN",
    ColumnType.TEXT: "VARCHAR",
    ColumnType.DATE: "DATE",
    ColumnType.MONTH: "DATE",
    ColumnType.CODE: "VARCHAR",
}
"""Type of a column in the extract. A month is its first day. Pseudonyms are UINTEGER whatever the source holds."""


@dataclass(frozen=True)
class Predicate:
    """A compiled row condition: SQL over the catalogue's column names, and the columns that it reads."""

    sql: str
    columns: tuple[str, ...]


CompileRows = Callable[[str, Mapping[str, str]], Predicate]
"""(text of `rows`, {column: engine type}) → Predicate. Raises Refused `query.*`."""


class Kind(StrEnum):
    """What an extract's column holds."""

    VALUE = "value"
    PERSON = "person"
    FACILITY = "facility"
    RECORD = "record"
    """A claim's or an admission's own number."""


def kind_of(column: Column) -> Kind:
    """What a column of the catalogue becomes in an extract."""
    if column.record:
        return Kind.RECORD
    return {Role.PERSON: Kind.PERSON, Role.FACILITY: Kind.FACILITY}.get(column.role, Kind.VALUE)


PSEUDONYM_TYPES = {Kind.PERSON: "UINTEGER", Kind.FACILITY: "UINTEGER", Kind.RECORD: "BIGINT"}


@dataclass(frozen=True)
class PlannedColumn:
    """One column: its place in the source, and how it appears. `shown` is False where only a condition reads it.

    `coarsen` is a width: of a number in its unit, of a day or a month in months (12 leaves the year), of an area's code
    in the digits that stay (2 leaves the prefecture).
    """

    name: str
    source: str
    type: ColumnType
    kind: Kind
    engine_type: str
    shown: bool
    coarsen: int | None
    about: Column


@dataclass(frozen=True)
class PlannedPeriod:
    """Half-open [start, end) on a column's source values; texts are checked to be of the column's type."""

    column: str
    type: ColumnType
    start: str
    end: str


@dataclass(frozen=True)
class TablePlan:
    database: DatabaseId
    table: str
    columns: tuple[PlannedColumn, ...]
    about: Table
    period: PlannedPeriod | None
    rows: Predicate | None

    @property
    def shown(self) -> tuple[PlannedColumn, ...]:
        return tuple(column for column in self.columns if column.shown)

    @property
    def name(self) -> str:
        return f"{self.database}.{self.table}"


@dataclass(frozen=True)
class CodeValues:
    """What the codes of one shown column mean, where the catalogue itself says it."""

    table: str
    column: str
    values: Mapping[str, Title]


@dataclass(frozen=True)
class ExtractPlan:
    """`groups` says, per database, with which others it shares pseudonyms; `populations` whose register it uses.

    `references` are public tables that explain the codes of what is shown; `codes` what the catalogue says of codes
    that no list explains, by database.
    """

    provision: ProvisionId
    tables: tuple[TablePlan, ...]
    groups: Mapping[DatabaseId, tuple[DatabaseId, ...]]
    populations: Mapping[DatabaseId, str]
    references: tuple[TablePlan, ...] = ()
    codes: Mapping[DatabaseId, tuple[CodeValues, ...]] = field(default_factory=dict)


def plan(
    permit: Permit, descriptors: Mapping[DatabaseId, Descriptor], compile_rows: CompileRows
) -> ExtractPlan:
    """The plan of a permit's extract.

    1. Every database, table and column of the permit is registered.
    2. Every person-level table gets `pid`, whether named or not; persons must be countable in every answer.
    3. Period, rows and coarsening name columns on which they make sense.
    4. Databases are linked only as the permit says, and only within one population.
    5. Columns that hide others are not given beside them.
    6. What explains the codes comes along.

    Raises Refused `catalogue.database_unknown` or `custody.*`.
    """
    check_provision(permit.provision)
    tables = []
    for database, name, grant in permit.tables():
        descriptor = descriptors.get(database)
        if descriptor is None:
            raise Refused("catalogue.database_unknown", {"database": database})
        table = descriptor.tables.get(name)
        if table is None:
            raise Refused("custody.table_unknown", {"database": database, "table": name})
        tables.append(_table(database, table, grant, compile_rows))
    groups = {database: linkage_group(permit, database) for database in permit.databases}
    populations = {database: descriptors[database].population for database in permit.databases}
    for database, group in groups.items():
        # Numbers are stable within one register only: across two, equal numbers would join strangers.
        if any(populations[other] != populations[database] for other in group):
            raise Refused("custody.linkage_population", {"databases": sorted(group)})
    for database in permit.databases:
        _check_apart(descriptors[database], [one for one in tables if one.database in groups[database]])
    return ExtractPlan(
        permit.provision,
        tuple(tables),
        groups,
        populations,
        _references(tables, descriptors),
        _codes(tables),
    )


def _check_apart(descriptor: Descriptor, tables: Sequence[TablePlan]) -> None:
    """Raise Refused `custody.columns_apart` where a column hides another one that the linked `tables` would tell.

    A condition tells too: of rows that were chosen by their prefecture everybody knows the prefecture. Where an area
    hides, the areas of the databases that share this one's pseudonyms do: one join later they stand beside it.
    """
    told: dict[str, Column] = {}
    areas = set()
    for table in tables:
        own = table.database == descriptor.database
        for column in table.columns:
            name = f"{table.table}.{column.name}" if own else f"{table.name}.{column.name}"
            told[name] = column.about
            if not own and column.about.role is Role.AREA and table.about.person_level:
                areas.add(name)
    for rule in descriptor.apart:
        hiding = (descriptor.tables[name.split(".")[0]].columns[name.split(".")[1]] for name in rule.hide)
        elsewhere = areas if any(column.role is Role.AREA for column in hiding) else set()
        given = sorted(set(told).intersection(rule.when))
        hidden = sorted(set(told).intersection(rule.hide) | elsewhere)
        if given and hidden:
            facts = {
                "database": descriptor.database,
                "columns": given,
                "apart": hidden,
                "source": rule.source,
            }
            raise Refused("custody.columns_apart", facts)


def _references(
    tables: Sequence[TablePlan], descriptors: Mapping[DatabaseId, Descriptor]
) -> tuple[TablePlan, ...]:
    """The registered public tables about the codes of what is shown, but those that the permit itself names."""
    named = {table.name for table in tables}
    shown = [column.about for table in tables for column in table.shown]
    shown += [
        replace(column.about, system="pref")
        for table in tables
        for column in table.shown
        if column.coarsen and column.about.system in _OF_A_PREFECTURE
    ]
    found = []
    for database, table in explaining(shown, descriptors):
        if f"{database}.{table.name}" not in named:
            columns = tuple(_column(column, True, None) for column in table.columns.values())
            found.append(TablePlan(database, table.name, columns, table, None, None))
    return tuple(found)


def explaining(
    shown: Iterable[Column], descriptors: Mapping[DatabaseId, Descriptor]
) -> list[tuple[DatabaseId, Table]]:
    """The registered public tables about the codes of some columns."""
    systems = {column.system for column in shown if column.system}
    lists = {SYSTEMS[system].table for system in systems}
    found = []
    for database, descriptor in descriptors.items():
        for table in descriptor.tables.values():
            about = {column.system for column in table.columns.values()}
            listed = f"{database}.{table.name}" in lists or bool(about & systems)
            if table.reference and (table.codes in systems if table.codes else listed):
                found.append((database, table))
    return found


CODES_TABLE = "code_values"
"""The reference table that custody makes per database: `table_name, column_name, code, ja, en`."""


def _codes(tables: Sequence[TablePlan]) -> Mapping[DatabaseId, tuple[CodeValues, ...]]:
    found: dict[DatabaseId, tuple[CodeValues, ...]] = {}
    for table in tables:
        explained = tuple(
            CodeValues(table.table, column.name, column.about.values)
            for column in table.shown
            if column.about.values
        )
        if explained:
            found[table.database] = (*found.get(table.database, ()), *explained)
    return found


def check_provision(provision: str) -> None:
    """Raise Refused `custody.provision_malformed` for an id that could leave its folder."""
    if not PROVISION.fullmatch(provision):
        raise Refused("custody.provision_malformed")


def linkage_group(permit: Permit, database: DatabaseId) -> tuple[DatabaseId, ...]:
    """The databases with which one shares pseudonyms under this permit, itself included, sorted.

    Raises Refused `custody.linkage_group` where groups overlap or name a database that the permit does not hold.
    """
    named = [member for group in permit.linkage_groups for member in group]
    if len(set(named)) != len(named) or any(member not in permit.databases for member in named):
        raise Refused("custody.linkage_group", {"permit": permit.reference})
    for group in permit.linkage_groups:
        if database in group:
            return tuple(sorted(group))
    return (database,)


def _table(database: DatabaseId, table: Table, grant: TableGrant, compile_rows: CompileRows) -> TablePlan:
    place = {"database": database, "table": table.name}
    for name in grant.columns:
        if name not in table.columns:
            raise Refused("custody.column_unknown", {**place, "column": name})
    shown = dict.fromkeys(grant.columns)
    if table.person_level:
        shown = {PID: None, **shown}
    period = None if grant.period is None else _period(place, table, grant.period)
    rows = None
    if grant.rows is not None:
        values = {c.name: ENGINE_TYPES[c.type] for c in table.columns.values() if not c.pseudonymous}
        rows = compile_rows(grant.rows, values)
        for name in rows.columns:
            if name not in values:
                raise Refused("custody.rows_column", {**place, "column": name})
    for name, width in grant.coarsen.items():
        if name not in shown or not _coarsenable(table.columns[name], width):
            raise Refused("custody.coarsen_column", {**place, "column": name})
    read = dict(shown)
    if period is not None:
        read[period.column] = None
    if rows is not None:
        read.update(dict.fromkeys(rows.columns))
    columns = tuple(_column(table.columns[name], name in shown, grant.coarsen.get(name)) for name in read)
    return TablePlan(database, table.name, columns, table, period, rows)


def _column(column: Column, shown: bool, coarsen: int | None) -> PlannedColumn:
    kind = kind_of(column)
    engine_type = PSEUDONYM_TYPES.get(kind, ENGINE_TYPES[column.type])
    return PlannedColumn(column.name, column.source, column.type, kind, engine_type, shown, coarsen, column)


def _coarsenable(column: Column, width: int) -> bool:
    """Whether a width means something for a column: see `PlannedColumn`."""
    if column.pseudonymous or width < 1:
        return False
    match column.type:
        case ColumnType.INT | ColumnType.FLOAT | ColumnType.DATE | ColumnType.MONTH:
            return True
        case ColumnType.CODE:
            return (
                column.role is Role.AREA and width == PREFECTURE_DIGITS and column.system in _OF_A_PREFECTURE
            )
        case ColumnType.TEXT | ColumnType.BOOL:
            return False


PREFECTURE_DIGITS = 2
"""The first digits of a municipality's and of a medical area's code are the prefecture's (JIS X 0401, 0402; MHLW)."""

_OF_A_PREFECTURE = frozenset({"muni", "sma"})


def _period(place: Mapping[str, str], table: Table, period: Period) -> PlannedPeriod:
    column = table.columns.get(period.column)
    if column is None or column.pseudonymous or column.type not in _PERIOD_VALUES:
        raise Refused("custody.period_column", {**place, "column": period.column})
    start, end = (_PERIOD_VALUES[column.type](text) for text in (period.start, period.end))
    if start is None or end is None or not start < end:
        raise Refused("custody.period_value", {**place, "column": period.column})
    return PlannedPeriod(column.name, column.type, period.start, period.end)


def _day(text: str) -> int | None:
    try:
        return date.fromisoformat(text).toordinal() if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        return None


def _month(text: str) -> int | None:
    return _day(f"{text}-01") if re.fullmatch(r"\d{4}-\d{2}", text) else _day(text)


def _integer(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?\d{1,18}", text, re.ASCII) else None


_PERIOD_VALUES: Mapping[ColumnType, Callable[[str], int | None]] = {
    ColumnType.DATE: _day,
    ColumnType.MONTH: _month,
    ColumnType.INT: _integer,
}
"""How the ends of a period are read, by type; a type without an entry has no order that a period could mean."""
