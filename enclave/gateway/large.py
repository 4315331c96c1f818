"""What is known of an extract's large tables, and the statement that counts every cell of them slice by slice of the persons.

Decides which tables are large and where they are cut (`query.slices` writes the statement); never what may be seen.
"""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import pyarrow as pa

from enclave.gateway.deps import Engine, Run
from enclave.query.schema import TableName
from enclave.query.stages import Guarded

MANY = 500_000
"""Rows of a person table from which on it is large: below, an exact count takes some milliseconds."""

SLICE = 5 << 17
"""Rows of a slice of persons that are counted exactly: what a processor has at hand, and far less than a worker may have."""

MOST_SLICES = 256

PLACES = 1024
"""Intervals of pseudonyms of which slices are made."""

Started = Callable[[Run, bool], None]
"""Told of each run, and whether how far it is says nothing of how far the question is."""


class Sizes:
    """What is known of an extract's tables. An extract never changes, and an engine is over one."""

    def __init__(self) -> None:
        self.rows: dict[TableName, tuple[int, bool]] = {}
        """Rows, and whether each has a person."""
        self.most: dict[tuple[TableName, int], int] = {}
        """The highest pseudonym of the first so many rows."""
        self.ends: dict[TableName, tuple[int, int, int]] = {}
        """Rows, and the least and the highest pseudonym."""
        self.spread: dict[TableName, list[tuple[int, int]]] = {}
        """Highest pseudonyms of intervals, ascending, and the rows in each."""


_SIZES: WeakKeyDictionary[Any, Sizes] = WeakKeyDictionary()


def sizes_of(engine: Engine) -> Sizes:
    return _SIZES.setdefault(engine, Sizes())


class Asking:
    """Runs the statements of one question, one after the other."""

    def __init__(self, engine: Engine, started: Started, since: float | None) -> None:
        self._engine, self._started = engine, started
        self._since = time.monotonic() if since is None else since
        self.ran: list[str] = []

    def __call__(self, guarded: Guarded, silent: bool = True) -> pa.Table:
        run = self._engine.run(guarded, self._since)
        try:
            self._started(run, silent)
            self.ran.append(guarded.sql)
            return pa.Table.from_batches(list(run.batches()), schema=run.schema)
        finally:
            run.close()


def in_slices(
    engine: Engine,
    guarded: Guarded,
    started: Started = lambda run, silent: None,
    since: float | None = None,
    many: int = MANY,
    rows_each: int = SLICE,
) -> Guarded:
    """The statement that counts every cell exactly, slice by slice of the persons where a table is large: the same columns, in
    a memory that does not grow with the rows. Else `guarded` itself. Raises Refused `query.*`."""
    slices = guarded.slices
    if slices is None:
        return guarded
    ask = Asking(engine, started, since)
    sizes = sizes_of(engine)
    for table in slices.tables:
        if table not in sizes.ends:
            (row,) = ask(slices.size(table)).to_pylist()
            sizes.ends[table] = (int(row["rows"]), int(row["least"] or 0), int(row["most"] or 0))
            sizes.rows[table] = (int(row["rows"]), row["rows"] == row["named"])
    rows, table = max((sizes.ends[table][0], table) for table in slices.tables)
    if rows < many:
        return guarded
    if table not in sizes.spread:
        _, least, most = sizes.ends[table]
        width = max(1, (most - least) // PLACES)
        lines = ask(slices.spread(table, width)).to_pylist()
        found = {int(one["place"]): int(one["rows"]) for one in lines if one["place"] is not None}
        sizes.spread[table] = [((place + 1) * width - 1, found[place]) for place in sorted(found)]
    number = min(MOST_SLICES, math.ceil(rows * slices.sets / rows_each))
    return slices.exact(guarded, cuts_of(sizes.spread[table], number)) or guarded


def cuts_of(spread: Sequence[tuple[int, int]], number: int) -> list[int]:
    """Pseudonyms after which to cut, so that so many slices hold about as many rows each."""
    cuts, held = [], 0
    each = sum(rows for _, rows in spread) / number
    for upto, rows in spread[:-1]:
        held += rows
        if held >= each:
            cuts.append(upto)
            held = 0
    return cuts
