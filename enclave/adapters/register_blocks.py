"""The blocks of a population's persons, kept in its register: cells of what outsiders know, and who is in which.

Decides nothing about blocks (`enclave.custody.blocks`): it counts cells in the engine, has them cut, and keeps the outcome for
ever. A population keeps the columns that it was first cut along: areas are cut from the first on or never.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from enclave.adapters.custody_engine import Attached, engine, quiet, quoted
from enclave.adapters.members import BEFORE, REGISTER, Member, has_kind, numbers_of, table_exists
from enclave.catalogue.descriptor import PID, Column, ColumnType, Role
from enclave.custody import blocks as block_rules
from enclave.custody.blocks import Cell
from enclave.custody.plan import Kind

BAND_YEARS = 5


@dataclass(frozen=True)
class BlockRule:
    """From the rule sets: how many persons a block has at least, and along which columns it is cut, in order.

    `areas` tell where somebody lives, widest first: the widest is cut before `columns`, the others within their bands.
    """

    k: int
    columns: tuple[str, ...]
    areas: tuple[str, ...] = ()


def blocks_of(held: Attached) -> dict[int, Cell]:
    """The least cell of each block of a register: what the block is like."""
    with engine([held]) as connection, quiet("custody.engine", {}):
        rows = connection.execute(f"FROM {held.name}.blocks.cell").fetchall()
    found: dict[int, Cell] = {}
    for *cell, block in rows:
        one = tuple(cell)
        found[block] = min(found.get(block, one), one)
    return found


def form_blocks(
    connection: Any, members: Sequence[Member], before: bool, rule: BlockRule | None
) -> dict[str, Any]:
    """Give everybody who has none a block. Blocks know identifying columns only."""
    persons = f"{REGISTER}.blocks.person"
    if before and rule is not None and table_exists(connection, BEFORE, "blocks", "person"):
        connection.execute(f"CREATE TABLE {persons} AS FROM {BEFORE}.blocks.person")
    else:
        connection.execute(f"CREATE TABLE {persons} (number UINTEGER, block UINTEGER)")
    counted = {"k": None if rule is None else rule.k}
    if rule is None:
        return counted
    rule, before_names = _kept_to(connection, before, rule)
    homes = _homes(connection, members, rule)
    attributes = [*_attributes(members, rule), *homes.places]
    if not attributes:
        return counted
    # All of them, so that a cell means the same when another database joins: in bands first, then within the bands.
    names = _names(rule)
    cells = [f"c{place}" for place in range(len(names))]
    parts = []
    for source, columns in attributes:
        asked = (
            f"{columns[name]} AS {cell}" if name in columns else f"NULL AS {cell}"
            for name, cell in zip(names, cells, strict=True)
        )
        parts.append(f"SELECT number, {', '.join(asked)} FROM {source}")
    # Of some persons nothing is known: they are a cell of their own.
    everybody = {
        numbers_of(one.descriptor, Kind.PERSON) for one in members if has_kind(one.descriptor, Kind.PERSON)
    }
    unknown = ", ".join(f"NULL AS {cell}" for cell in cells)
    parts += [f"SELECT number, {unknown} FROM {source}" for source in sorted(everybody)]
    least = ", ".join(f"coalesce(min({cell})::INTEGER, -1) AS {cell}" for cell in cells)
    connection.execute(
        f"CREATE TEMP TABLE described AS SELECT number, {least} FROM ({' UNION ALL '.join(parts)}) GROUP BY number"
    )
    cut = ", ".join(cells)
    known = _known_cells(connection, before_names, names)
    new = f"described ANTI JOIN {persons} USING (number)"
    counts = connection.execute(f"SELECT {cut}, count(*) FROM {new} GROUP BY ALL").fetchall()
    newcomers = {tuple(row[:-1]): int(row[-1]) for row in counts}
    sizes = connection.execute(f"SELECT block, count(*) FROM {persons} GROUP BY block").fetchall()
    of = block_rules.extended(known, newcomers, rule.k, {int(block): int(n) for block, n in sizes})
    kept = {**known, **of}
    rows = pa.table(
        {
            **{cell: pa.array([one[place] for one in kept], pa.int32()) for place, cell in enumerate(cells)},
            "block": pa.array(list(kept.values()), pa.uint32()),
        }
    )
    connection.register("formed", rows)
    connection.execute(f"CREATE TABLE {REGISTER}.blocks.cell AS FROM formed")
    connection.unregister("formed")
    connection.execute(f"CREATE TABLE {REGISTER}.blocks.column (place INTEGER, name VARCHAR)")
    connection.executemany(f"INSERT INTO {REGISTER}.blocks.column VALUES (?, ?)", list(enumerate(names)))
    connection.execute(
        f"INSERT INTO {persons} SELECT number, block FROM {new} JOIN {REGISTER}.blocks.cell USING ({cut})"
    )
    found = connection.execute(
        f"SELECT count(*), min(n) FROM (SELECT count(*) AS n FROM {persons} GROUP BY block)"
    ).fetchone()
    told = [
        name for name in (*rule.areas, *rule.columns) if any(name in columns for _, columns in attributes)
    ]
    return {
        **counted,
        "columns": told,
        "areas": list(homes.columns),
        "blocks": int(found[0]),
        "smallest": int(found[1] or 0),
    }


def _names(rule: BlockRule) -> tuple[str, ...]:
    """What cells are made of, in the order of the cuts."""
    if not rule.areas:
        return (*rule.columns, *map(_fine, rule.columns))
    # Sex and age stand in any area, so they come before the smaller ones; a month of birth seldom matters as a place does.
    within = (*map(_years, rule.columns), *rule.areas[1:], *map(_fine, rule.columns))
    return (rule.areas[0], *rule.columns, *within)


def _kept_to(connection: Any, before: bool, rule: BlockRule) -> tuple[BlockRule, tuple[str, ...]]:
    """The rule as it binds a population that has blocks already, and what those were cut along: areas are cut from the first
    on or never, since a second partition beside the first singles people out."""
    if not before or not table_exists(connection, BEFORE, "blocks", "cell"):
        return rule, ()
    if not table_exists(connection, BEFORE, "blocks", "column"):
        plain = replace(rule, areas=())
        return plain, _names(plain)
    rows = connection.execute(f"SELECT name FROM {BEFORE}.blocks.column ORDER BY place").fetchall()
    names = tuple(str(name) for (name,) in rows)
    return replace(rule, areas=tuple(one for one in rule.areas if one in names)), names


def _known_cells(connection: Any, before_names: Sequence[str], names: Sequence[str]) -> dict[Cell, int]:
    if not before_names:
        return {}
    # A rule set may name more columns than it did: the new ones are no earlier cuts.
    found = {}
    for *cell, block in connection.execute(f"FROM {BEFORE}.blocks.cell").fetchall():
        value = dict(zip(before_names, cell, strict=False))
        found[tuple(int(value.get(name, -1)) for name in names)] = int(block)
    return found


# -- where somebody lives ----------------------------------------------------------------------------
@dataclass(frozen=True)
class _Homes:
    """`places` as `_attributes` has them: one relation with everybody's home. `columns` (`database.table.column`) tell of it."""

    places: tuple[tuple[str, dict[str, str]], ...] = ()
    columns: tuple[str, ...] = ()


_PREFECTURE = {"sma": 2, "muni": 2}
"""How many characters of a code name the prefecture, by code system (JIS X 0402; medical areas are numbered likewise)."""


def _homes(connection: Any, members: Sequence[Member], rule: BlockRule) -> _Homes:
    """Everybody's home: of the areas that the rows about a person name the most frequent, widest first; the smaller ones are
    looked for within it."""
    if not rule.areas:
        return _Homes()
    parts, columns = [], []
    for one in members:
        store = quoted(one.store.name)
        database = one.descriptor.database
        for table in one.descriptor.tables.values():
            own = block_rules.residence(table, rule.areas)
            if not own:
                continue
            columns += [f"{database}.{table.name}.{name}" for name in own]
            codes = {name: _code(table.columns[name]) for name in own}
            if rule.areas[0] not in own:
                narrow = table.columns[own[-1]]
                digits = _PREFECTURE.get(narrow.system or "")
                if digits is not None and narrow.type in {ColumnType.TEXT, ColumnType.CODE}:
                    codes[rule.areas[0]] = _number(f"left(h.{quoted(narrow.name)}::VARCHAR, {digits})")
            told = ", ".join(
                f"{codes.get(name, 'NULL')}::INTEGER AS a{n}" for n, name in enumerate(rule.areas)
            )
            same = "s.source = r.source" if one.linked else "s.source::VARCHAR = r.source"
            parts.append(
                f"SELECT r.number, {told}, count(*) AS n FROM {store}.held.{quoted(table.name)} h"
                f" JOIN {store}.seats.person s ON h.{PID} = s.seat"
                f" JOIN {numbers_of(one.descriptor, Kind.PERSON)} r ON {same} GROUP BY ALL"
            )
    if not parts:
        return _Homes()
    connection.execute(f"CREATE TEMP TABLE lived AS {' UNION ALL '.join(parts)}")
    chosen = "SELECT DISTINCT number FROM lived"
    for n in range(len(rule.areas)):
        wider = " AND ".join(f"(l.a{m} IS NULL OR l.a{m} IS NOT DISTINCT FROM h.a{m})" for m in range(n))
        kept = "".join(f", h.a{m}" for m in range(n))
        within = f" AND {wider}" if wider else ""
        connection.execute(
            f"CREATE TEMP TABLE home{n} AS SELECT * EXCLUDE (n) FROM (SELECT h.number{kept}, l.a{n}, sum(l.n) AS n"
            f" FROM ({chosen}) h LEFT JOIN lived l ON l.number = h.number AND l.a{n} IS NOT NULL{within} GROUP BY ALL)"
            f" QUALIFY row_number() OVER (PARTITION BY number ORDER BY n DESC, a{n}) = 1"
        )
        chosen = f"FROM home{n}"
    return _Homes(
        ((f"home{len(rule.areas) - 1}", {name: f"a{n}" for n, name in enumerate(rule.areas)}),),
        tuple(columns),
    )


def _code(column: Column) -> str:
    value = f"h.{quoted(column.name)}"
    numeric = column.type in {ColumnType.INT, ColumnType.FLOAT}
    return f"floor({value})" if numeric else _number(f"{value}::VARCHAR")


def _number(value: str) -> str:
    """Codes of digits in their order, so that neighbours in number are neighbours in space; others in any steady order."""
    return f"coalesce(TRY_CAST({value} AS INTEGER), (hash({value}) % 1000000007)::INTEGER)"


def _attributes(members: Sequence[Member], rule: BlockRule) -> list[tuple[str, dict[str, str]]]:
    """(relation with `number`, {column of the rule: its ordinal}) for every place that tells of persons."""
    found = []
    for one in members:
        store = quoted(one.store.name)
        if one.linked:
            numbers = f"{REGISTER}.numbers.{quoted(f'of {one.descriptor.database}')}"
            source = f"{store}.links.identifiers JOIN {store}.seats.person USING (seat) JOIN {numbers} USING (source)"
            told = {
                "sex": ("sex", None, None),
                "birth_ym": (f"year(birth_ym) // {BAND_YEARS}", "year(birth_ym)", _months("birth_ym")),
            }
            found.append((source, _levels({name: told[name] for name in told if name in rule.columns})))
            continue
        for table in one.descriptor.tables.values():
            if not table.person_level:
                continue
            columns = {
                c.name: c
                for c in table.columns.values()
                if c.role is Role.IDENTIFYING and c.name in rule.columns
            }
            if columns:
                source = (
                    f"{store}.held.{quoted(table.name)} h JOIN {store}.seats.person s ON h.{PID} = s.seat"
                    f" JOIN {REGISTER}.numbers.shared r ON s.source::VARCHAR = r.source"
                )
                levels = {n: (_ordinal(c), _year(c), _within(c)) for n, c in columns.items()}
                found.append((source, _levels(levels)))
    return found


def _ordinal(column: Column) -> str:
    value = f"h.{quoted(column.name)}"
    match column.type:
        case ColumnType.INT | ColumnType.FLOAT:
            return f"floor({value} / {column.bands or 1})"
        case ColumnType.BOOL:
            return f"{value}::INTEGER"
        case ColumnType.DATE | ColumnType.MONTH:
            return f"year({value}) // {BAND_YEARS}"
        case ColumnType.TEXT | ColumnType.CODE:
            # Any order will do, as long as it is the same tomorrow.
            return f"(hash({value}::VARCHAR) % 1000000007)::INTEGER"


def _within(column: Column) -> str | None:
    """The ordinal of a value within its band, None where a band has one value."""
    value = f"h.{quoted(column.name)}"
    match column.type:
        case ColumnType.INT | ColumnType.FLOAT if (column.bands or 1) > 1:
            return f"floor({value})"
        case ColumnType.DATE | ColumnType.MONTH:
            return _months(value)
        case _:
            return None


def _year(column: Column) -> str | None:
    dated = column.type in {ColumnType.DATE, ColumnType.MONTH}
    return f"year(h.{quoted(column.name)})" if dated else None


def _months(value: str) -> str:
    return f"date_diff('month', DATE '1800-01-01', {value}::DATE)"


def _fine(name: str) -> str:
    return f"{name} within its band"


def _years(name: str) -> str:
    return f"{name} in years"


def _levels(ordinals: Mapping[str, tuple[str, str | None, str | None]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, (coarse, year, fine) in ordinals.items():
        levels = ((name, coarse), (_years(name), year), (_fine(name), fine))
        found |= {level: sql for level, sql in levels if sql is not None}
    return found
