"""An answer as a terminal or a program reads it: JSON (SHAPES, Permit), or a table with its statuses and receipt.

Decides nothing. In table form each column of statuses stands apart from the columns that were asked for; a hidden cell
is null in JSON and its status in brackets on a terminal, never a zero and never an empty cell.
"""

import json
import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import IO, Any

import pyarrow as pa

from enclave.rehearsal.flow import Answer

_TYPES: tuple[tuple[Any, str], ...] = (
    (pa.types.is_boolean, "BOOLEAN"),
    (pa.types.is_int8, "TINYINT"),
    (pa.types.is_int16, "SMALLINT"),
    (pa.types.is_int32, "INTEGER"),
    (pa.types.is_int64, "BIGINT"),
    (pa.types.is_uint8, "UTINYINT"),
    (pa.types.is_uint16, "USMALLINT"),
    (pa.types.is_uint32, "UINTEGER"),
    (pa.types.is_uint64, "UBIGINT"),
    (pa.types.is_float32, "FLOAT"),
    (pa.types.is_float64, "DOUBLE"),
    (pa.types.is_date, "DATE"),
    (pa.types.is_time, "TIME"),
    (pa.types.is_timestamp, "TIMESTAMP"),
    (pa.types.is_duration, "INTERVAL"),
    (pa.types.is_interval, "INTERVAL"),
    (pa.types.is_string, "VARCHAR"),
    (pa.types.is_large_string, "VARCHAR"),
    (pa.types.is_string_view, "VARCHAR"),
    (pa.types.is_binary, "BLOB"),
    (pa.types.is_large_binary, "BLOB"),
    (pa.types.is_null, "NULL"),
)
"""Arrow's types under the names that manifests and descriptors use."""


def sql_type(kind: Any) -> str:
    """The SQL name of an Arrow type."""
    if pa.types.is_dictionary(kind):
        return sql_type(kind.value_type)
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"{sql_type(kind.value_type)}[]"
    return next((name for test, name in _TYPES if test(kind)), str(kind).upper())


def json_value(value: object) -> object:
    """A value as JSON has it: times as ISO 8601, exact whole decimals as numbers, what is no number as its name."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal():
            if not value.is_finite():
                return str(value)
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime() | date() | time():
            return value.isoformat()
        case pa.MonthDayNano():
            return f"P{value.months}M{value.days}DT{Decimal(value.nanoseconds).scaleb(-9).normalize():f}S"
        case timedelta():
            return str(value)
        case bytes():
            return value.hex()
        case Mapping():
            return {str(name): json_value(one) for name, one in value.items()}
        case list() | tuple():
            return [json_value(one) for one in value]
        case _:
            return str(value)


def _opened(answer: Answer) -> tuple[Any, list[str], dict[str, str]]:
    """The stream's reader, the asker's columns, and by column the one that holds its statuses."""
    reader = pa.ipc.open_stream(answer.stream)
    own = [name for name in reader.schema.names if name in answer.names]
    others = [name for name in reader.schema.names if name not in answer.names]
    return reader, own, {name.removesuffix("_status"): name for name in others}


def write_json(answer: Answer, out: IO[str]) -> None:
    """`{columns: [{name, type}], rows: [[…]], statuses: {column: […]}, receipt}`, row by row as it is read."""
    reader, own, statuses = _opened(answer)
    columns = [{"name": name, "type": sql_type(reader.schema.field(name).type)} for name in own]
    out.write(f'{{"columns": {_dumps(columns)}, "rows": [')
    told: dict[str, list[object]] = {name: [] for name in statuses}
    before = "\n"
    for batch in reader:
        for name, column in statuses.items():
            told[name] += batch.column(column).to_pylist()
        for row in zip(*(batch.column(name).to_pylist() for name in own), strict=True):
            out.write(before + _dumps([json_value(value) for value in row]))
            before = ",\n"
    out.write(f'], "statuses": {_dumps(told)}, "receipt": {_dumps(dict(answer.receipt))}}}\n')


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


MOST_ROWS = 200
"""Rows of a table on a terminal; `--json` gives all."""


def write_table(answer: Answer, out: IO[str], language: str) -> None:
    """The answer for people, at most MOST_ROWS rows of it, then how many rows and cells, then the receipt."""
    reader, own, statuses = _opened(answer)
    rows: list[list[str]] = []
    total = 0
    for batch in reader:
        total += batch.num_rows
        if len(rows) < MOST_ROWS:
            rows += _cells(batch.slice(0, MOST_ROWS - len(rows)), own, statuses)
    numbers = [_number(reader.schema.field(name).type) for name in own]
    for line in _lines(own, rows, numbers):
        out.write(line + "\n")
    out.write(_summary(answer.receipt, len(rows), total, language) + "\n")


def _cells(batch: Any, own: Sequence[str], statuses: Mapping[str, str]) -> Iterator[list[str]]:
    values = [batch.column(name).to_pylist() for name in own]
    told = [batch.column(statuses[name]).to_pylist() if name in statuses else None for name in own]
    for place in range(batch.num_rows):
        yield [
            _cell(column[place], None if status is None else status[place])
            for column, status in zip(values, told, strict=True)
        ]


def _cell(value: object, status: str | None) -> str:
    if status is not None and status not in {"shown", "detail"}:
        return f"[{status}]" if value is None else f"{_text(value)} [{status}]"
    return _text(value)


def _text(value: object) -> str:
    """One line, whatever it holds: a text of the data must not act on the terminal."""
    plain = (
        "NULL" if value is None else value if isinstance(value, str) else _dumps(json_value(value)).strip('"')
    )
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in plain)


def _number(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _wide(text: str) -> int:
    """Columns of a terminal that a text takes: East Asian characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def _lines(names: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[bool]) -> Iterator[str]:
    header = [_text(name) for name in names]
    widths = [max(map(_wide, column)) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = []
        for cell, width, number in zip(cells, widths, numbers, strict=True):
            space = " " * (width - _wide(cell))
            padded.append(space + cell if number else cell + space)
        return "  ".join(padded).rstrip()

    yield line(header)
    yield "  ".join("-" * width for width in widths)
    yield from map(line, rows)


def _summary(receipt: Mapping[str, Any], printed: int, total: int, language: str) -> str:
    japanese = language == "ja"
    parts = [f"{total} 行" if japanese else f"{total} rows"]
    if printed < total:
        parts.append(
            f"うち {printed} 行を表示" if japanese else f"{printed} of them printed; --json gives all"
        )
    cells = receipt.get("cells")
    if cells:
        words = {"shown": "表示", "hidden": "秘匿", "perturbed": "摂動"} if japanese else {}
        parts.append(", ".join(f"{words.get(name, name)} {count}" for name, count in cells.items()))
    log = ", ".join(str(place) for place in receipt["log"])
    label = "受領" if japanese else "receipt"
    told = f"{label}: {receipt['id']} {receipt['time']} {receipt['permit']} {receipt['extract']} log [{log}]"
    return f"({'; '.join(parts)})\n{told} {receipt['policy'][:19]} {' '.join(receipt['rule_sets'])}"
