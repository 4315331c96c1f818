"""Runs what counts a large table's persons by bounds (`query.counting`) and reads the answers into `disclosure.bounds`.

Decides how to go about it, never what may be seen: a slice of the persons first; where that decides nearly every cell, the
asker's own numbers, else bounds over everybody; at last an exact count of the few cells that are still open. Where that is not
the shorter way, or anything is unusual, None: then everything is counted exactly, as for a small table.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from enclave.core.refusal import Refused
from enclave.disclosure.answers.bounds import (
    MORE,
    SEVERAL,
    Bounds,
    ConditionBounds,
    Counts,
    Decided,
    Flags,
    SumBounds,
    decide,
)
from enclave.disclosure.answers.primary import unsafe
from enclave.disclosure.answers.table import MeasureKind, Table
from enclave.disclosure.criteria.rules import Rules, Zero
from enclave.gateway.deps import Engine
from enclave.gateway.large import MANY, Asking, Sizes, Started, in_slices, sizes_of
from enclave.query.counting import Counting
from enclave.query.rewrite.counting import HALF, MASK, persons_of
from enclave.query.rewrite.evidence import RECORDS
from enclave.query.schema import TableName
from enclave.query.stages import Guarded

PILOT = 1 << 16
"""Rows of the largest table that are looked at first: some milliseconds."""

LARGEST_SHARE = 0.6
"""Of a table's rows, beyond which bounds are taken over all of them."""

LARGEST_PART = 8
"""A slice of more than one in so many rows costs more than bounds over everybody."""

ENOUGH = 4
"""Times the persons that a rule asks for: a slice in which nearly every cell should have so many decides nearly every cell."""

NEARLY_ALL, MOST = 0.998, 0.9
"""Of the cells of a slice, how many it must decide for `plain` to follow; the second where nothing else could."""

FEW = 2_000
"""Cells that are counted exactly beside others. For more, everything is."""

LARGEST = 24
"""Above this number of persons masks decide too little."""

TableOf = Callable[[pa.Table], Table]


@dataclass(frozen=True)
class Counted:
    """The asker's own columns and the evidence, row by row, and which rows a rule finds unsafe by themselves.
    `statements`: what ran."""

    answered: pa.Table
    unsafe: Flags
    statements: tuple[str, ...]


def counted(
    engine: Engine,
    guarded: Guarded,
    rules: Rules,
    table_of: TableOf,
    started: Started = lambda run, silent: None,
    since: float | None = None,
    many: int = MANY,
    all_safe: bool = False,
) -> Counted | None:
    """The rows of `guarded.counting` with what a rule says of each; None where everything is to be counted exactly, with
    `all_safe` also where some row is found unsafe before all are looked at.

    `table_of` reads exact evidence; `since` as `Engine.run` has it. Raises Refused `query.*` where the exact way would,
    or where the question was ended.
    """
    counting = guarded.counting
    if counting is None or _unusual(rules):
        return None
    try:
        ask = Asking(engine, started, since)
        return _counted(ask, engine, guarded, counting, rules, table_of, many, all_safe)
    except Refused as refused:
        if refused.code in _NOT_OF_THE_QUESTION:
            return None
        raise


_NOT_OF_THE_QUESTION = frozenset({"query.value", "query.types", "query.out_of_memory", "query.failed"})
"""What a statement of ours may end with although the asker's own would not: the exact way says which it is."""


def _unusual(rules: Rules) -> bool:
    """Whether a rule asks for what bounds do not tell."""
    return (
        bool(rules.unenforced)
        or rules.min_whole_numbers != 2
        or rules.min_institutions is not None
        or rules.zero is not Zero.SHOWN
        or rules.n > LARGEST
    )


def _counted(
    ask: Asking,
    engine: Engine,
    guarded: Guarded,
    counting: Counting,
    rules: Rules,
    table_of: TableOf,
    many: int,
    all_safe: bool,
) -> Counted | None:
    asked = _Question(counting, rules.n, ask, sizes_of(engine))
    rows, table, named = asked.largest()
    if rows < many:
        return None
    sliced, enough = (None, 0) if counting.alone else asked.slice_that_decides(table, rows)
    if counting.alone or sliced is not None:
        answered = ask(counting.plain(), silent=False)
    elif counting.masks:
        answered = ask(asked.masked(table, rows, enough), silent=False)
    else:
        return None
    if not _usual(answered, guarded, counting):
        return None
    evidence = answered if sliced is None else _aligned(sliced, answered, counting.keys)
    if evidence is None:
        return None
    bounds = _bounds(answered, evidence, counting, named)
    decided = decide(bounds, rules.n)
    if all_safe and decided.unsafe.any():
        return None
    flags = _finished(ask, decided, answered, counting, rules, table_of)
    if flags is None or (counting.shape.margins and flags.any()):
        # What is readable in a detail may be so in its margins, too, which their own numbers do not tell.
        return None
    return Counted(answered, flags, tuple(ask.ran))


def counted_exactly(
    engine: Engine,
    guarded: Guarded,
    rules: Rules,
    table_of: TableOf,
    started: Started = lambda run, silent: None,
    since: float | None = None,
) -> Counted:
    """The same from exact evidence of every row. Raises Refused `query.*`."""
    ask = Asking(engine, started, since)
    answered = ask(in_slices(engine, guarded, started, since), silent=False)
    table = table_of(answered)
    flags = np.array([unsafe(row, table.measures, rules) for row in table.rows], dtype=np.bool_)
    return Counted(answered, flags, tuple(ask.ran))


@dataclass(frozen=True)
class _Question:
    """One question on its way; `n`: the least persons of a cell."""

    counting: Counting
    n: int
    ask: Asking
    sizes: Sizes

    def largest(self) -> tuple[int, TableName, bool]:
        """The largest person table with its rows, and whether every row of all of them has a person."""
        found = []
        for table in self.counting.tables:
            if table not in self.sizes.rows:
                (row,) = self.ask(self.counting.size(table)).to_pylist()
                self.sizes.rows[table] = (int(row["rows"]), row["rows"] == row["named"])
            found.append((self.sizes.rows[table][0], table))
        named = all(self.sizes.rows[table][1] for _, table in found)
        return (*max(found), named and self.counting.named)

    def slice_that_decides(self, table: TableName, rows: int) -> tuple[pa.Table | None, int]:
        """The bounds of a slice that decides nearly every cell it holds, None where it would have to be large; and how many
        rows would do."""
        least = NEARLY_ALL if self.counting.masks else MOST
        size = min(PILOT, max(1, rows // LARGEST_PART))
        sliced = self._slice(table, size)
        persons, decided = _seen(sliced, self.counting, self.n)
        if decided >= least:
            return sliced, size
        # How much larger a slice has to be for a cell that is small among those seen, or for any of many that were not.
        enough = math.ceil(size * ENOUGH * self.n / max(min(persons, _cell(sliced, self.counting)), 0.01))
        size <<= max(1, math.ceil(math.log2(enough / size)))
        if size * LARGEST_PART > rows:
            return None, enough
        sliced = self._slice(table, size)
        decides = _seen(sliced, self.counting, self.n)[1] >= least
        return (sliced if decides else None), rows

    def masked(self, table: TableName, rows: int, enough: int) -> Guarded:
        """The asker's own numbers with bounds over so many rows where that is fewer than all."""
        size = min(PILOT, max(4, rows // LARGEST_PART))
        while size < enough:
            size += size // 4
        # Rows without a person are in neither part.
        if self.sizes.rows[table][1] and size <= rows * LARGEST_SHARE:
            found = self.counting.parted(table, self._most(table, size))
            if found is not None:
                return found
        return self.counting.masked()

    def _slice(self, table: TableName, rows: int) -> pa.Table:
        return self.ask(self.counting.sliced(self._most(table, rows)))

    def _most(self, table: TableName, rows: int) -> int:
        """The highest pseudonym of the first so many rows."""
        if (table, rows) not in self.sizes.most:
            (row,) = self.ask(self.counting.bound(table, rows)).to_pylist()
            self.sizes.most[table, rows] = int(row["most"] or 0)
        return self.sizes.most[table, rows]


# -- reading bounds ------------------------------------------------------------------------------------------------------


def _whole(column: pa.ChunkedArray) -> Counts:
    found: Counts = pc.fill_null(column, 0).to_numpy().astype(np.int64)
    return found


def _bits(column: pa.ChunkedArray) -> tuple[Counts, Counts]:
    """How many of the low and of the high bits are set."""
    mask = pc.fill_null(column, 0).to_numpy().astype(np.uint64)
    low = mask & np.uint64((1 << HALF) - 1)
    return _popcount(low), _popcount(mask >> np.uint64(HALF))


def _popcount(bits: Any) -> Counts:
    found: Counts = np.bitwise_count(bits).astype(np.int64)
    return found


def _bounds(answered: pa.Table, evidence: pa.Table, counting: Counting, named: bool) -> Bounds:
    """`evidence` has a row for each row of `answered`, in its order."""
    records = _whole(answered.column(RECORDS))
    persons = np.zeros_like(records)
    sums = []
    for one in counting.sums:
        low, high = _bits(evidence.column(one.mask))
        inside = None if one.inside is None else _whole(answered.column(one.inside))
        sums.append(SumBounds(low, high, inside, SEVERAL if one.few else MORE))
        persons = np.maximum(persons, low)
    if MASK in evidence.column_names:
        low, high = _bits(evidence.column(MASK))
        persons = np.maximum(persons, low + high)
    condition = None
    if counting.condition is not None:
        everybody = _whole(evidence.column(persons_of(None)))
        within = _whole(evidence.column(counting.condition.persons))
        persons = np.maximum(persons, everybody)
        condition = ConditionBounds(
            _whole(answered.column(counting.condition.records)), within, everybody - within
        )
    exact = counting.persons is not None
    if counting.persons is not None:
        persons = _whole(answered.column(counting.persons))
    return Bounds(records, persons, exact, named, sums, condition)


def _seen(sliced: pa.Table, counting: Counting, n: int) -> tuple[float, float]:
    """Of a slice's cells: the persons that nearly all would have in the mean of such slices, and the share that its bounds find safe, were the
    records as they should be."""
    if sliced.num_rows == 0:
        return 0.0, 0.0
    persons = np.full(sliced.num_rows, np.iinfo(np.int64).max)
    enough = np.ones(sliced.num_rows, dtype=np.bool_)
    for one in counting.sums:
        low, high = _bits(sliced.column(one.mask))
        persons = np.minimum(persons, low)
        enough &= high >= (SEVERAL if one.few else MORE)
    if MASK in sliced.column_names:
        low, high = _bits(sliced.column(MASK))
        persons = np.minimum(persons, low + high)
    if counting.condition is not None:
        everybody = _whole(sliced.column(persons_of(None)))
        within = _whole(sliced.column(counting.condition.persons))
        # Of cells that lie wholly within the condition or without the records tell.
        one_sided = (within == 0) | (within == everybody)
        persons = np.minimum(persons, np.where(one_sided, everybody, np.minimum(within, everybody - within)))
    # Where a cell holds so many by chance, few of its kind hold less than sqrt(mean) - 0.8, squared.
    mean = (math.sqrt(float(np.quantile(persons, 0.05))) + 0.8) ** 2
    return mean, float((enough & (persons >= n)).mean())


def _cell(sliced: pa.Table, counting: Counting) -> float:
    """The persons of a mean cell in a slice, those that the slice does not hold included: were persons thrown into
    cells, so many would have met there. No bound, only a guess of what to try."""
    cells = sliced.num_rows
    name = counting.sums[0].mask if counting.sums else MASK
    if cells == 0 or name not in sliced.column_names:
        return math.inf
    low, high = _bits(sliced.column(name))
    thrown = float((low if counting.sums else low + high).sum())
    if thrown <= cells * 1.001:
        return 0.0
    least, most = 1e-3, thrown / cells
    for _ in range(40):
        mean = (least + most) / 2
        # Of cells with so many persons in the mean, a share of 1 - exp(-mean) is seen.
        if mean / (1 - math.exp(-mean)) < thrown / cells:
            least = mean
        else:
            most = mean
    return least


# -- rows of two answers -------------------------------------------------------------------------------------------------


def _codes(tables: Sequence[pa.Table], keys: Sequence[str]) -> list[Counts]:
    """A number for each row, the same for the same keys, across tables. A missing key is a key."""
    sizes = [table.num_rows for table in tables]
    code = np.zeros(sum(sizes), dtype=np.int64)
    width = 1
    for key in keys:
        chunks = [chunk for table in tables for chunk in table.column(key).chunks]
        column = pa.chunked_array(chunks, type=tables[0].schema.field(key).type).combine_chunks()
        encoded = column.dictionary_encode(null_encoding="encode")
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        places = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        size = max(1, len(encoded.dictionary))
        if width * size >= 1 << 62:
            distinct, code = np.unique(code, return_inverse=True)
            width = len(distinct)
        code = code * size + places
        width *= size
    return list(np.split(code, np.cumsum(sizes)[:-1]))


def _aligned(evidence: pa.Table, answered: pa.Table, keys: Sequence[str]) -> pa.Table | None:
    """The rows of `evidence` in the order of `answered`; without a row there, nulls. None where keys do not name rows."""
    theirs, ours = _codes([evidence, answered], keys)
    order = np.argsort(theirs, kind="stable")
    ordered = theirs[order]
    if len(ordered) > 1 and bool((ordered[1:] == ordered[:-1]).any()):
        return None
    if len(ordered) == 0:
        return evidence.take(pa.nulls(answered.num_rows, pa.int64()))
    place = np.searchsorted(ordered, ours)
    place = np.minimum(place, len(ordered) - 1)
    missing = ordered[place] != ours
    if int((~missing).sum()) != evidence.num_rows:
        return None
    return evidence.take(pa.array(order[place], mask=missing))


def _usual(answered: pa.Table, guarded: Guarded, counting: Counting) -> bool:
    """Whether keys name rows and every number is finite; what is not is refused on the exact way."""
    for name in guarded.names:
        column = answered.column(name)
        if pa.types.is_floating(column.type) and not pc.all(pc.is_finite(column), min_count=0).as_py():
            return False
    if not all(_tells_apart(answered.schema.field(name).type) for name in counting.keys):
        return False
    if counting.shape.margins:
        # The same grouping set may be named twice; missing keys and margins stand in an order of their own.
        (codes,) = _codes([answered], counting.keys)
        return len(np.unique(codes)) == len(codes) and not _both(answered, counting)
    return True


_TELLING = (
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_boolean,
    pa.types.is_decimal,
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_date,
    pa.types.is_timestamp,
)
"""Types of keys by whose values rows of two answers are known to be the same cell."""


def _tells_apart(kind: pa.DataType) -> bool:
    return any(check(kind) for check in _TELLING)


def _both(answered: pa.Table, counting: Counting) -> bool:
    """Whether some key is missing in one row and a margin in another."""
    for dimension in counting.cells.dimensions:
        if dimension.grouping is None:
            continue
        margins = pc.not_equal(answered.column(dimension.grouping), 0)
        missing = pc.and_(pc.is_null(answered.column(dimension.name)), pc.invert(margins))
        if pc.any(margins).as_py() and pc.any(missing).as_py():
            return True
    return False


# -- what is still open --------------------------------------------------------------------------------------------------


def _finished(
    ask: Asking, decided: Decided, answered: pa.Table, counting: Counting, rules: Rules, table_of: TableOf
) -> Flags | None:
    """Which rows are unsafe, the open ones counted exactly; None where that takes as long as counting all."""
    places = np.flatnonzero(decided.open)
    if len(places) == 0:
        return decided.unsafe
    if not counting.keys or len(places) > FEW or any(one.inside is not None for one in counting.sums):
        return None
    rows = answered.select(list(counting.keys)).take(pa.array(places))
    names = [d.name for d in counting.cells.dimensions]
    marks = [d.grouping for d in counting.cells.dimensions]
    lines = rows.to_pylist()
    cells = [
        (
            tuple(line[name] for name in names),
            tuple(mark is None or not line[mark] for mark in marks),
        )
        for line in lines
    ]
    statement = counting.exact(cells)
    if statement is None:
        return None
    exact = ask(statement)
    aligned = _aligned_exactly(exact, rows, counting.keys)
    if aligned is None:
        return None
    table = table_of(aligned)
    flags = decided.unsafe.copy()
    for place, row in zip(places, table.rows, strict=True):
        if row.row_persons == 0 or any(
            measure.kind is MeasureKind.COUNT and persons == 0 and value not in (None, 0)
            for measure, persons, value in zip(table.measures, row.persons, row.values, strict=True)
        ):
            return None
        flags[place] = unsafe(row, table.measures, rules)
    return flags


def _aligned_exactly(exact: pa.Table, rows: pa.Table, keys: Sequence[str]) -> pa.Table | None:
    """The rows of `exact` that are wanted, in the order of `rows`; None where one is not there."""
    theirs, ours = _codes([exact, rows], keys)
    found = {code: place for place, code in enumerate(theirs.tolist())}
    if len(found) != len(theirs):
        return None
    places = [found.get(code) for code in ours.tolist()]
    return None if None in places else exact.take(pa.array(places, type=pa.int64()))
