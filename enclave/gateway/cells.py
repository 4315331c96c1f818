"""From an engine's rows to cells that may be seen: rows with evidence → table → protected table → Arrow.

Decides nothing about disclosure: `disclosure.flow.protect` does. This module reads the evidence columns that the
rewriting added and drops them: what is sent holds the asker's own columns, each value column with its status, and a
status for a dimension in which some row is a total.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from enclave.disclosure import flow as disclosure
from enclave.disclosure.rules import RuleSet, parse
from enclave.disclosure.table import (
    TOTAL,
    Measure,
    MeasureKind,
    ProtectedRow,
    ProtectedTable,
    Row,
    Shown,
    Table,
    columns,
)
from enclave.query.stages import Cells, Guarded, Part

_KINDS = {
    "records": MeasureKind.COUNT,
    "persons": MeasureKind.COUNT,
    "count": MeasureKind.COUNT,
    "count_distinct": MeasureKind.OTHER,
    "sum": MeasureKind.SUM,
    "avg": MeasureKind.MEAN,
    "variance": MeasureKind.OTHER,
}
"""Kind of aggregate (`stages.Part`) → what can be subtracted from it. A number of distinct codes is no sum."""


def rule_sets_of(guarded: Guarded) -> tuple[RuleSet, ...]:
    """The rule sets that the policy's yes handed over. Raises Refused `disclosure.rule_*` for a set that is none."""
    return tuple(parse(dict(parameters)) for _, parameters in sorted(guarded.obligations.rule_sets.items()))


def protect(answered: pa.Table, guarded: Guarded) -> ProtectedTable:
    """The answer with every cell hidden that must be; measures are the asker's own columns, in their order.

    Raises Refused `disclosure.*`.
    """
    if guarded.cells is None:
        raise TypeError("a question in rows form has no cells")
    cells = guarded.cells
    table = table_of(answered, cells)
    protected = disclosure.protect(table, rule_sets_of(guarded))
    return _own_columns(protected, answered, guarded, cells)


def table_of(answered: pa.Table, cells: Cells) -> Table:
    """The rows as the disclosure story reads them.

    Each aggregate call is a measure with its own persons; a column computed from several of them is one more that
    nothing can be subtracted from, with the persons of the largest, so that it hides with the row.
    """
    data = {name: answered.column(name).to_pylist() for name in answered.column_names}
    derived = [measure for measure in cells.measures if measure.derived and measure.parts]
    parts = {part.id: part for part in cells.parts}
    measures = [Measure(part.id, _KINDS[part.aggregate], _of(part)) for part in cells.parts]
    measures += [Measure(f"column {measure.name}", MeasureKind.OTHER) for measure in derived]
    rows = []
    for number in range(answered.num_rows):
        persons = [int(data[part.persons][number]) for part in cells.parts]
        persons += [max(int(data[parts[one].persons][number]) for one in m.parts) for m in derived]
        rows.append(
            Row(
                keys=_keys(data, cells, number),
                values=(
                    *(data[part.value][number] for part in cells.parts),
                    *(data[measure.name][number] for measure in derived),
                ),
                persons=tuple(persons),
                row_persons=int(data[cells.persons][number]),
            )
        )
    return Table(tuple(d.name for d in cells.dimensions), tuple(measures), tuple(rows))


def _of(part: Part) -> str | None:
    """What a mean or sum is of, None (maybe the same as any other) where the rewriting does not say."""
    del part
    return None


def _keys(data: Mapping[str, Sequence[Any]], cells: Cells, number: int) -> tuple[object, ...]:
    return tuple(
        TOTAL if d.grouping is not None and data[d.grouping][number] else data[d.name][number]
        for d in cells.dimensions
    )


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
                Shown(answered.column(m.name)[number].as_py()) if at is None else row.cells[at]
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
