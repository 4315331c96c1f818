"""Does a submitted table say what its receipt says? Every number is held against the recomputed, protected answer.

Decides equality of a CSV and a protected table: same keys, same values, nothing where the answer is hidden. Rows and
value columns may be left out and reordered; anything more than the answer holds is a difference. Relies on the caller
for the recomputation (the same SQL over the same immutable extract, protected by the rule sets that bind).
"""

import math
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation

from enclave.disclosure.table import ProtectedTable, columns
from enclave.export.table_text import Sheet

STATUS = "_status"


@dataclass(frozen=True)
class Difference:
    """The first place where a sheet and the answer part; `row` 0 is the header."""

    row: int
    column: str


def difference(sheet: Sheet, answer: ProtectedTable) -> Difference | None:
    """Where `sheet` says something that `answer` does not; None where every cell agrees.

    1. Every column of the sheet is one of the answer's, and every dimension is there.
    2. Every row's keys name exactly one row of the answer, each at most once.
    3. Every value equals the answer's; where that is hidden the cell is empty, and the status says so.
    """
    wire = columns(answer)
    for title in sheet.header:
        if title not in wire:
            return Difference(0, title)
    for dimension in answer.dimensions:
        if dimension not in sheet.header:
            return Difference(0, dimension)
    keys = [c for name in answer.dimensions for c in (name, name + STATUS) if c in wire and c in sheet.header]
    places = {title: place for place, title in enumerate(sheet.header)}
    candidates: dict[tuple[str, ...], list[int]] = {}
    for number in range(len(answer.rows)):
        candidates.setdefault(tuple(_plain(wire[c][number]) for c in keys), []).append(number)
    used: set[int] = set()
    for row, texts in enumerate(sheet.rows, start=1):
        found = candidates.get(tuple(_spelling(texts[places[c]]) for c in keys), [])
        if len(found) != 1 or found[0] in used:
            return Difference(row, keys[0] if keys else sheet.header[0])
        used.add(found[0])
        for title, place in places.items():
            if title not in keys and not same(texts[place], wire[title][found[0]]):
                return Difference(row, title)
    return None


def _plain(value: object) -> str:
    """One spelling per key: 45, 45.0 and "45" are one key; null is the empty text."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case date() | datetime() | time():
            return _spelling(value.isoformat())
        case _:
            return _spelling(str(value))


def _spelling(text: str) -> str:
    lowered = text.lower()
    if lowered in {"true", "false"}:
        return lowered
    number = _number(text)
    if number is not None:
        return str(number.normalize() + 0)
    # Data frames print a date as a time at midnight.
    return text.removesuffix(" 00:00:00").removesuffix("T00:00:00")


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def same(text: str, value: object) -> bool:
    """Whether a cell's text is the answer's value; floats are equal as doubles, everything else exactly."""
    if value is None:
        return text == ""
    if isinstance(value, bool):
        return text.lower() == ("true" if value else "false")
    if isinstance(value, int | Decimal | float):
        number = _number(text)
        if number is None:
            return isinstance(value, float) and not math.isfinite(value) and text.lower() == str(value)
        return number == Decimal(value) or (not isinstance(value, int) and float(number) == float(value))
    return _spelling(text) == _plain(value)
