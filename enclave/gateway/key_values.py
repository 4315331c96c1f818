"""The values of a column as they are compared as keys, whatever they are: no value of anybody's may make an answer fail.

What is no number is the same as itself (Python's `nan` equals nothing, so that rows of one key would look like different ones).
A day that no calendar has, `infinity` or ten million days after another, and the end of a day as another time than its
beginning, are the number that the engine counts. Decides nothing.
"""

import math
from typing import Any

import pyarrow as pa

DAY = 86_400_000_000
"""Microseconds: `24:00:00`, which Python reads as midnight."""


class Far(int):
    """What a calendar does not have, as days or microseconds since 1970, or microseconds of a day."""


def values(column: pa.ChunkedArray | pa.Array) -> list[Any]:
    """As `to_pylist`, but for what Python cannot hold or tell apart."""
    if pa.types.is_time(column.type):
        return [_of_a_day(scalar) for scalar in column]
    try:
        found: list[Any] = column.to_pylist()
    except (OverflowError, ValueError):
        found = [_one(scalar) for scalar in column]
    if pa.types.is_floating(column.type):
        return [math.nan if value is not None and math.isnan(value) else value for value in found]
    return found


def lines(table: pa.Table) -> list[dict[str, Any]]:
    """As `Table.to_pylist`, of `values`."""
    columns = {name: values(table.column(name)) for name in table.column_names}
    return [dict(zip(columns, line, strict=True)) for line in zip(*columns.values(), strict=True)]


def order(value: Any) -> tuple[int, Any]:
    """By what the engine orders: what is no number is more than all numbers."""
    if isinstance(value, float) and math.isnan(value):
        return 1, 0
    if isinstance(value, Far):
        return (1 if value > 0 else -1), value
    return 0, value


def _one(scalar: Any) -> object:
    try:
        return scalar.as_py()
    except (OverflowError, ValueError):
        return Far(scalar.value)


def _of_a_day(scalar: Any) -> object:
    return Far(scalar.value) if scalar.is_valid and scalar.value >= DAY else scalar.as_py()
