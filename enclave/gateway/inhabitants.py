"""How many inhabitants the municipalities of a table's rows have: asked of the extract, and put beside the rows.

Decides nothing about disclosure: which statements to ask, and of which rows they speak, `query.municipal` has decided; what
small ones may show is in the rule sets. An extract never changes, so each statement is asked of it once.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import pyarrow as pa

from enclave.disclosure.answers.table import Inhabitants, Table
from enclave.gateway.deps import Engine, Run
from enclave.query.municipal import PLACE, POPULATION
from enclave.query.stages import Cells, Guarded

NONE = 0
"""The inhabitants of a municipality that nobody knows: as few as can be, so that the strictest tier holds."""

_KNOWN: WeakKeyDictionary[Any, dict[str, Mapping[object, int]]] = WeakKeyDictionary()


def inhabitants_of(
    engine: Engine,
    guarded: Guarded,
    started: Callable[[Run], None] = lambda _: None,
    since: float | None = None,
) -> Inhabitants | None:
    """By the keys of the table's rows; None where no rule asks. `started` and `since` as `settled` has them. Raises Refused `query.*`."""
    cells = guarded.cells
    if cells is None or cells.municipal is None:
        return None
    municipal = cells.municipal
    known = _KNOWN.setdefault(engine, {})
    for statement in (*(one.asks for one in municipal.places), *(one.asks for one in municipal.within)):
        if statement.sql not in known:
            known[statement.sql] = _asked(engine, statement, started, since)
    dimensions = [dimension.name for dimension in cells.dimensions]
    places = []
    for place in municipal.places:
        found: dict[object, int | None] = dict(known[place.asks.sql])
        found[None] = None if place.missing_is_none else NONE
        places.append((dimensions.index(place.key), found))
    within: list[tuple[int | None, int]] = [
        (
            None if one.told_by is None else dimensions.index(one.told_by),
            min((known[one.asks.sql].get(code, NONE) for code in one.codes), default=NONE),
        )
        for one in municipal.within
    ]
    if municipal.unclear:
        within.append((None, NONE))
    return Inhabitants(tuple(places), tuple(within))


def _asked(
    engine: Engine, statement: Guarded, started: Callable[[Run], None], since: float | None
) -> Mapping[object, int]:
    run = engine.run(statement, since)
    try:
        started(run)
        rows = pa.Table.from_batches(list(run.batches()), schema=run.schema).to_pylist()
    finally:
        run.close()
    return {row[PLACE]: NONE if row[POPULATION] is None else int(row[POPULATION]) for row in rows}


def populated(table: Table, cells: Cells, inhabitants: Inhabitants | None) -> Table:
    """The table with the population that each row is judged by. Raises TypeError where it was not asked for."""
    if cells.municipal is None:
        return table
    if inhabitants is None:
        raise TypeError("a table by municipality is judged by their inhabitants")
    rows = tuple(replace(row, population=inhabitants.of(row.keys)) for row in table.rows)
    return replace(table, rows=rows, inhabitants=inhabitants)
