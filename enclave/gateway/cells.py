"""From an engine's rows to cells that may be seen: rows with evidence → table → protected table → Arrow.

Decides nothing about disclosure: `disclosure.flow.protect` does. This module reads the evidence columns that the
rewriting added and drops them: what is sent holds the asker's own columns, each value column with its status, and a
status for a dimension in which some row is a total.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from enclave.disclosure import flow as disclosure
from enclave.disclosure.answers.table import (
    TOTAL,
    Cell,
    Hidden,
    Inhabitants,
    Measure,
    MeasureKind,
    Perturbed,
    ProtectedRow,
    ProtectedTable,
    Reason,
    Row,
    Shown,
    Table,
    columns,
)
from enclave.disclosure.criteria.rules import RuleSet, combine, parse
from enclave.gateway.contributions import contributions_of, own_rows
from enclave.gateway.counting import Counted, counted
from enclave.gateway.deps import Engine
from enclave.gateway.inhabitants import populated
from enclave.gateway.key_values import order, values
from enclave.gateway.large import MANY, Started
from enclave.gateway.readable import ANY, Bounds, lines_of, measures_of, number_of, readable
from enclave.query.stages import Cells, Guarded, Merge, Near, Term
from enclave.query.steps import Touched, touched_by

BLOCKS = "blocks"
"""The rule that a perturbed cell of the aggregate tier names: it is the number of the whole blocks nearest to it."""


def rule_sets_of(guarded: Guarded) -> tuple[RuleSet, ...]:
    """The rule sets that the policy's yes handed over. Raises Refused `disclosure.rule_*` for a set that is none."""
    return tuple(parse(dict(parameters)) for _, parameters in sorted(guarded.obligations.rule_sets.items()))


def protect(answered: pa.Table, guarded: Guarded, inhabitants: Inhabitants | None = None) -> ProtectedTable:
    """The answer with every cell hidden that must be; measures are the asker's own columns, in their order.

    `inhabitants`: what `inhabitants_of` found for the question. Raises Refused `disclosure.*`.
    """
    if guarded.cells is None:
        raise TypeError("a question in rows form has no cells")
    cells = guarded.cells
    if guarded.obligations.tier == "aggregate":
        answered = rounded(answered)
    sets = rule_sets_of(guarded)
    rules = combine(sets)
    table = table_of(answered, cells, Bounds(rules.n, rules.largest_threshold))
    table = replace(table, contributions=contributions_of(answered, cells))
    answered = own_rows(answered, cells)
    table = populated(written(table), cells, inhabitants)
    protected = read_again(disclosure.protect(table, sets))
    return unmerged(stepped(_own_columns(protected, answered, guarded, cells), cells), cells)


class Beyond(str):
    """A key beyond all numbers, written out: `nan`, `inf`, `-inf`."""


def written(table: Table) -> Table:
    """The table with keys that are no finite number written out: cells of their own like any others. A refusal would tell
    whether anybody has one (`CASE WHEN … THEN 1e308 * 10 END`)."""
    if not any(_beyond(key) for row in table.rows for key in row.keys):
        return table
    rows = (replace(r, keys=_written(r.keys)) for r in table.rows)
    given = table.contributions
    if given is not None:
        given = replace(given, cells=tuple((_written(keys), found) for keys, found in given.cells))
    inside = (replace(one, inner=_written(one.inner), outer=_written(one.outer)) for one in table.inside)
    return replace(table, rows=tuple(rows), contributions=given, inside=tuple(inside))


def _written(keys: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(Beyond(key) if _beyond(key) else key for key in keys)


def read_again(protected: ProtectedTable) -> ProtectedTable:
    """The protected table with what `written` wrote out as numbers again."""
    if not any(isinstance(key, Beyond) for row in protected.rows for key in row.keys):
        return protected
    rows = (
        replace(r, keys=tuple(_number(k) if isinstance(k, Beyond) else k for k in r.keys))
        for r in protected.rows
    )
    return replace(protected, rows=tuple(rows))


def _number(key: Beyond) -> float:
    return math.nan if key == "nan" else float(key)


def _beyond(key: object) -> bool:
    return isinstance(key, float) and not math.isfinite(key)


SIGNIFICANT = 12
"""Digits of a number with a fraction in the aggregate tier."""


def rounded(answered: pa.Table) -> pa.Table:
    """Numbers with fractions to `SIGNIFICANT` digits: the last bits of a sum depend on the order in which its values were
    added, and so on whose they are."""
    for place, field in enumerate(answered.schema):
        if pa.types.is_floating(field.type):
            values = [
                None if value is None else float(f"{value:.{SIGNIFICANT}g}")
                for value in answered.column(place).to_pylist()
            ]
            answered = answered.set_column(place, field, pa.array(values, type=field.type))
    return answered


def table_of(answered: pa.Table, cells: Cells, bounds: Bounds = ANY) -> Table:
    """The rows as the disclosure story reads them.

    Each aggregate call is a measure with its own persons; a column computed from several of them is one more that
    nothing can be subtracted from, with the persons of the largest, so that it hides with the row. The groups that a
    call makes readable by subtraction are measures without a value: they are never shown, and a row hides for them.
    `bounds`: which groups are small to every rule, and which to none.
    """
    answered = own_rows(answered, cells)
    account = cells.account
    data: dict[str, Sequence[Any]] = {
        name: lines_of(answered.column(name), account)
        if account is not None and name == account.added
        else values(answered.column(name))
        for name in answered.column_names
    }
    derived = [measure for measure in cells.measures if measure.derived and measure.parts]
    keys = [_keys(data, cells, number) for number in range(answered.num_rows)]
    measures = measures_of(data, cells, answered.num_rows)
    measures += [Measure(f"column {measure.name}", MeasureKind.OTHER) for measure in derived]
    told = readable(data, cells, keys, bounds)
    measures += [Measure(name, MeasureKind.OTHER, group=True) for name in told.groups]
    behind = {part.id: list(map(int, data[part.persons])) for part in cells.parts}
    persons = [behind[part.id] for part in cells.parts]
    persons += [list(map(max, zip(*(behind[one] for one in m.parts), strict=True))) for m in derived]
    persons += told.groups.values()
    found = [data[part.value] for part in cells.parts] + [data[measure.name] for measure in derived]
    columns = [list(map(number_of, one)) for one in found] + [[None] * len(keys) for _ in told.groups]
    institutions: Iterable[tuple[int, ...] | None] = repeat(None, len(keys))
    if cells.institutions is not None:
        institutions = _across([list(map(int, data[name])) for name in cells.institutions], len(keys))
    rows = map(
        Row,
        keys,
        _across(columns, len(keys)),
        _across(persons, len(keys)),
        map(int, data[cells.persons]),
        institutions,
        repeat(None),
        told.beside,
    )
    return Table(tuple(d.name for d in cells.dimensions), tuple(measures), tuple(rows), inside=told.inside)


def _across(columns: Sequence[Sequence[Any]], rows: int) -> Iterator[tuple[Any, ...]]:
    """Row by row what these columns say."""
    return zip(*columns, strict=True) if columns else repeat((), rows)


def _keys(data: Mapping[str, Sequence[Any]], cells: Cells, number: int) -> tuple[object, ...]:
    return tuple(
        TOTAL if d.grouping is not None and data[d.grouping][number] else data[d.name][number]
        for d in cells.dimensions
    )


def keys_of(answered: pa.Table, cells: Cells) -> list[tuple[object, ...]]:
    """The keys of every row, as `table_of` reads them."""
    data = {
        name: values(answered.column(name)) for name in answered.column_names if not _listed(answered, name)
    }
    return [_keys(data, cells, number) for number in range(answered.num_rows)]


def _listed(answered: pa.Table, name: str) -> bool:
    kind = answered.column(name).type
    return bool(pa.types.is_list(kind) or pa.types.is_map(kind))


def _own_columns(
    protected: ProtectedTable, answered: pa.Table, guarded: Guarded, cells: Cells
) -> ProtectedTable:
    """The protected table with the asker's measures in place of calls; a bare column takes its call's cell."""
    place = {measure.name: number for number, measure in enumerate(protected.measures)}
    chosen: list[int | None] = []
    for measure in cells.measures:
        if not measure.parts:
            chosen.append(None)
        elif measure.derived:
            chosen.append(place[f"column {measure.name}"])
        else:
            chosen.append(place[measure.parts[0]])
    rows = tuple(
        ProtectedRow(
            row.keys,
            tuple(
                # A column without an aggregate call says something of the keys alone.
                Shown(values(answered.column(m.name).slice(number, 1))[0]) if at is None else row.cells[at]
                for m, at in zip(cells.measures, chosen, strict=True)
            ),
        )
        for number, row in enumerate(protected.rows)
    )
    measures = tuple(
        Measure(m.name, MeasureKind.OTHER if at is None else protected.measures[at].kind)
        for m, at in zip(cells.measures, chosen, strict=True)
    )
    return ProtectedTable(protected.dimensions, measures, rows, protected.rule_sets)


def stepped(protected: ProtectedTable, cells: Cells) -> ProtectedTable:
    """The answer with the cells that whole blocks only come near to called so, and hidden where they do not come near. What
    stays hidden stays hidden. Which cells these are follows from what outsiders know (`query.steps`)."""
    if not cells.near and not cells.near_everywhere:
        return protected
    touched: dict[tuple[int, tuple[int, ...]], Touched] = {}
    rows = []
    for row in protected.rows:
        near, far = cells.near_everywhere, False
        for number, one in enumerate(cells.near):
            places = [protected.dimensions.index(name) for name in one.keys]
            told = tuple(n for n, place in enumerate(places) if row.keys[place] is not TOTAL)
            if (number, told) not in touched:
                touched[number, told] = touched_by(one, told)
            values = tuple(row.keys[places[n]] for n in told)
            near = near or values in touched[number, told].near
            far = far or values in touched[number, told].far
        rows.append(ProtectedRow(row.keys, tuple(_stepped(cell, near, far) for cell in row.cells)))
    for one in cells.near:
        if one.complete and set(one.keys) == set(protected.dimensions):
            rows = _in_order([*rows, *_lost(protected, one)], protected, cells)
    return ProtectedTable(protected.dimensions, protected.measures, tuple(rows), protected.rule_sets)


def _lost(protected: ProtectedTable, near: Near) -> list[ProtectedRow]:
    """A hidden line for each value that has none, since all who have it count with their neighbours: hidden is not zero."""
    places = [near.keys.index(name) for name in protected.dimensions]
    asked = {tuple(values[p] for p in places) for block in near.blocks for values in block}
    there = {row.keys for row in protected.rows}
    hidden = tuple(Hidden(Reason.BLOCK) for _ in protected.measures)
    return [ProtectedRow(keys, hidden) for keys in sorted(asked - there, key=repr)]


def _in_order(rows: list[ProtectedRow], protected: ProtectedTable, cells: Cells) -> list[ProtectedRow]:
    """As the engine was told to order them."""
    for term in reversed(cells.order):
        rows = _by(rows, protected.dimensions.index(term.key), term)
    return rows


def _stepped(cell: Cell, near: bool, far: bool) -> Cell:
    if not isinstance(cell, Shown):
        return cell
    return Hidden(Reason.BLOCK) if far else Perturbed(cell.value, BLOCKS) if near else cell


def unmerged(protected: ProtectedTable, cells: Cells) -> ProtectedTable:
    """The answer with a line of hidden cells for each value that was answered together with others, in its order.

    A margin over merged keys is exact and stays: only lines whose own keys tell merged values apart are hidden.
    """
    if not cells.merges and not _has_both(protected):
        return protected
    rows: dict[tuple[object, ...], ProtectedRow] = {}
    for row in protected.rows:
        keys = [row.keys]
        hidden = False
        for merge in cells.merges:
            places = [protected.dimensions.index(name) for name in merge.keys]
            told = [n for n, place in enumerate(places) if row.keys[place] is not TOTAL]
            parts = _together(merge, told, tuple(row.keys[places[n]] for n in told))
            if len(parts) > 1:
                hidden = True
                keys = [_with(one, [places[n] for n in told], part) for one in keys for part in parts]
        for one in keys:
            cells_of_row = tuple(Hidden(Reason.BLOCK) for _ in row.cells) if hidden else row.cells
            rows[one] = ProtectedRow(one, cells_of_row)
    ordered = _in_order(list(rows.values()), protected, cells)
    return ProtectedTable(protected.dimensions, protected.measures, tuple(ordered), protected.rule_sets)


def _has_both(protected: ProtectedTable) -> bool:
    """Whether some key is missing in one row and a margin in another: nulls to the engine, in no order of its own."""
    places = range(len(protected.dimensions))
    return any(
        any(row.keys[p] is None for row in protected.rows)
        and any(row.keys[p] is TOTAL for row in protected.rows)
        for p in places
    )


def _together(merge: Merge, told: Sequence[int], values: tuple[object, ...]) -> set[tuple[object, ...]]:
    """The values of the keys that are told which share a line with `values`; these alone where nothing is merged."""
    found = {values}
    for group in merge.groups:
        projected = {tuple(one[n] for n in told) for one in group}
        if values in projected and len(projected) > 1:
            found |= projected
    return found


def _with(keys: tuple[object, ...], places: Sequence[int], values: tuple[object, ...]) -> tuple[object, ...]:
    changed = list(keys)
    for place, value in zip(places, values, strict=True):
        changed[place] = value
    return tuple(changed)


def _by(rows: list[ProtectedRow], place: int, term: Term) -> list[ProtectedRow]:
    """Sorted as the engine did it: missing values and then margins, which are null to it, at the end it was told."""
    nothing = [row for row in rows if row.keys[place] is None]
    nothing += [row for row in rows if row.keys[place] is TOTAL]
    others = [row for row in rows if not (row.keys[place] is None or row.keys[place] is TOTAL)]

    def key(row: ProtectedRow) -> Any:
        return order(row.keys[place])

    others.sort(key=key, reverse=term.descending)
    return [*nothing, *others] if term.nulls_first else [*others, *nothing]


@dataclass(frozen=True)
class ShownByBounds:
    """A table of which nothing is hidden, on the wire. `statements`: what ran."""

    table: pa.Table
    tally: Mapping[str, int]
    statements: tuple[str, ...]


def shown_by_bounds(
    engine: Engine,
    guarded: Guarded,
    started: Started = lambda run, silent: None,
    since: float | None = None,
    many: int = MANY,
) -> ShownByBounds | None:
    """The whole table, where bounds tell that no rule finds any row of it, or any total of rows, unsafe. None: `protect` has
    to see to it, with exact numbers, which change nothing that is decided here.

    `many`: the rows of a table from which on bounds are tried. Raises Refused `query.*`, `disclosure.no_rules`.
    """
    if guarded.cells is None:
        raise TypeError("a question in rows form has no cells")
    rules = combine(rule_sets_of(guarded))
    table = partial(table_of, cells=guarded.cells)
    found = counted(engine, guarded, rules, table, started, since, many, all_safe=True)
    if found is None or found.unsafe.any():
        return None
    tally = {"shown": found.answered.num_rows * len(guarded.cells.measures), "hidden": 0, "perturbed": 0}
    return ShownByBounds(primary(found, guarded), tally, found.statements)


def primary(found: Counted, guarded: Guarded) -> pa.Table:
    """The wire form of a table with what primary suppression hides, which is all there is to hide where that is nothing."""
    if guarded.cells is None:
        raise TypeError("a question in rows form has no cells")
    unsafe = pa.array(found.unsafe)
    shown = pc.if_else(unsafe, "hidden", "shown")
    dimensions = {dimension.name: dimension for dimension in guarded.cells.dimensions}
    counts = {part.value for part in guarded.cells.parts if part.aggregate in {"records", "count"}}
    parts = {measure.name: measure.parts for measure in guarded.cells.measures}
    fields: list[tuple[str, pa.Array | pa.ChunkedArray]] = []
    for name in guarded.names:
        column = found.answered.column(name)
        nothing = pa.scalar(None, type=column.type)
        if name in dimensions:
            mark = dimensions[name].grouping
            totals = None if mark is None else pc.not_equal(found.answered.column(mark), 0)
            if totals is None or not pc.any(totals).as_py():
                fields.append((name, column))
            else:
                fields.append((name, pc.if_else(totals, nothing, column)))
                fields.append((f"{name}_status", pc.if_else(totals, "total", "detail")))
            continue
        hides, said = unsafe, shown
        if not parts[name]:
            hides, said = pc.and_(unsafe, False), pa.repeat("shown", len(shown))
        elif name in counts:
            hides = pc.and_(unsafe, pc.not_equal(column, 0))
            said = pc.if_else(hides, "hidden", "shown")
        fields.append((name, column if not pc.any(hides).as_py() else pc.if_else(hides, nothing, column)))
        fields.append((f"{name}_status", said))
    return pa.table([array for _, array in fields], names=[name for name, _ in fields])


def arrow(protected: ProtectedTable, answered: pa.Table, guarded: Guarded) -> pa.Table:
    """The wire form, with the engine's types and the asker's order of columns, each followed by its status."""
    wire = columns(protected)
    fields: list[tuple[str, pa.Array]] = []
    for name in guarded.names:
        fields.append((name, pa.array(wire[name], type=answered.schema.field(name).type)))
        status = f"{name}_status"
        if status in wire:
            fields.append((status, pa.array(wire[status], type=pa.string())))
    return pa.table([array for _, array in fields], names=[name for name, _ in fields])
