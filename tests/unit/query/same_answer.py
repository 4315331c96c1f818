"""Whether a question that went the whole way gives what the bare engine gives for the text as it was written."""

from collections.abc import Iterator
from itertools import compress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from enclave.adapters.engine import Engine
from enclave.disclosure.answers.table import TOTAL, Hidden, ProtectedTable, value_of
from enclave.gateway import cells
from enclave.query.stages import Form, Guarded
from tests.unit.query import world


def bare(sql: str, extract: Path, databases: list[str]) -> tuple[list[str], list[str]]:
    """Names of the columns, and the rows as texts in order of the alphabet."""
    con = duckdb.connect(str(extract), read_only=True)
    try:
        con.execute(f"SET search_path = '{','.join(databases)}'")
        run = con.execute(sql)
        names = [column[0] for column in run.description or ()]
        return names, sorted(text_of(row) for row in run.fetchall())
    finally:
        con.close()


def guarded(engine: Engine, question: Guarded) -> tuple[list[str], list[str]]:
    """The same for what runs, in the engine's own process, held for a moment as the gateway holds it."""
    run = engine.run(question, None, lambda: None)
    rows: list[str] = []
    for batch in run.batches():
        columns = [batch.column(place).to_pylist() for place in range(len(question.names))]
        rows += [text_of(row) for row in zip(*columns, strict=True)]
    return list(question.names), sorted(rows)


def assert_same(
    sql: str, engine: Engine, policy: Any, extract: Path, databases: list[str], **parts: Any
) -> int:
    """Raises AssertionError where the two differ; the number of rows otherwise."""
    asked = bare(sql, extract, databases)
    got = guarded(engine, world.ask(sql, policy, Form.ROWS, **parts))
    assert [name.lower() for name in got[0]] == [name.lower() for name in asked[0]]
    assert got[1] == asked[1]
    return len(got[1])


def protected(engine: Engine, question: Guarded) -> ProtectedTable:
    """The answer in table form, protected as the gateway does it."""
    run = engine.run(question)
    answered = pa.Table.from_batches(list(run.batches()), schema=run.schema)
    run.close()
    return cells.protect(answered, question)


def assert_shown_as_bare(table: ProtectedTable, sql: str, extract: Path, databases: list[str]) -> int:
    """Raises AssertionError for a row of which the keys and shown cells are in no line of the bare engine's answer; the number of
    its lines otherwise."""
    names = [*table.dimensions, *(measure.name for measure in table.measures)]
    with duckdb.connect(str(extract), read_only=True) as con:
        con.execute(f"SET search_path = '{','.join(databases)}'")
        run = con.execute(sql)
        columns = [column[0] for column in run.description or ()]
        places = [columns.index(name) for name in names]
        lines = [[line[place] for place in places] for line in run.fetchall()]
    for row in table.rows:
        keys = [None if key is TOTAL else key for key in row.keys]
        told = [*keys, *(value_of(cell) for cell in row.cells)]
        shown = [True] * len(keys) + [not isinstance(cell, Hidden) for cell in row.cells]
        mine = text_of(tuple(compress(told, shown)))
        assert any(text_of(tuple(compress(line, shown))) == mine for line in lines)
    return len(lines)


def text_of(row: tuple[Any, ...]) -> str:
    return repr(list(_plain(row)))


def _plain(values: Any) -> Iterator[Any]:
    """Numbers rounded (sums of floats differ in their last digits with the order of addition), whole ones as such,
    intervals as days (the engine's process sends months, days and nanoseconds apart)."""
    for value in values:
        if isinstance(value, list | tuple) and not hasattr(value, "nanoseconds"):
            yield list(_plain(value))
        elif hasattr(value, "nanoseconds"):
            yield f"{value.months * 30 + value.days} days {value.nanoseconds // 1000}"
        elif hasattr(value, "total_seconds"):
            yield f"{value.days} days {value.seconds * 1_000_000 + value.microseconds}"
        elif isinstance(value, float) or hasattr(value, "as_tuple"):
            number = float(f"{float(value):.9g}")
            yield int(number) if number.is_integer() else number
        else:
            yield value
