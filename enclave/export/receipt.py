"""Does a submitted table say what its receipt says? Every number is held against the recomputed, protected answer.

Decides equality of a CSV and a protected table: same keys, same values, nothing where the answer is hidden. Rows and
value columns may be left out and reordered; anything more than the answer holds is a difference. Relies on the caller
for the recomputation (the same SQL over the same immutable extract, protected by the rule sets that bind).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation

from enclave.disclosure.answers.table import ProtectedTable, columns
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
    3. Every key and value equals the answer's, each column in one spelling; where a value is hidden the cell is empty,
    and the status says so.
    """
    return _compared(sheet, answer, [])


def rows_of(sheet: Sheet, answer: ProtectedTable) -> tuple[int, ...]:
    """Which row of the answer each row of a sheet is, where nothing differs. Raises ValueError where something does."""
    rows: list[int] = []
    if _compared(sheet, answer, rows) is not None:
        raise ValueError("the sheet says something else than the answer")
    return tuple(rows)


def _compared(sheet: Sheet, answer: ProtectedTable, rows: list[int]) -> Difference | None:
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
    ways = dict.fromkeys(places, frozenset(range(len(WRITERS))))
    for row, texts in enumerate(sheet.rows, start=1):
        found = candidates.get(tuple(_spelling(texts[places[c]]) for c in keys), [])
        if len(found) != 1 or found[0] in used:
            return Difference(row, keys[0] if keys else sheet.header[0])
        used.add(found[0])
        rows.append(found[0])
        for title, place in places.items():
            ways[title] &= _ways(texts[place], wire[title][found[0]])
            if not ways[title]:
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


# -- spellings ----------------------------------------------------------------------------------
# A number can be written in endless ways (1.50, +1.5, 15e-1, １.５, 1.5 and spaces, digits beyond a double's), and the
# choice can say something that no checker sees. So a cell is what one of these would write, and a column is all one's.


def _exact(value: object) -> str:
    """As Python and data frames print it."""
    match value:
        case None:
            return ""
        case float():
            return repr(value)
        case Decimal():
            return format(value, "f")
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return str(value)


def _lower(value: object) -> str:
    """Truth values as SQL and JSON print them."""
    return _exact(value).lower() if isinstance(value, bool) else _exact(value)


def _as_float(value: object) -> str:
    """Whole numbers in a column that had to hold a missing one; decimals as doubles; a date as its midnight."""
    match value:
        case bool() | None:
            return _exact(value)
        case int() | Decimal():
            return repr(float(value))
        case datetime():
            return str(value)
        case date():
            return f"{value.isoformat()} 00:00:00"
        case _:
            return _exact(value)


def _shortened(value: object) -> str:
    """Without the digits that say nothing: 45 for 45.0, a day for its midnight."""
    match value:
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case Decimal():
            return format(value.normalize() + 0, "f")
        case datetime():
            return _spelling(value.isoformat())
        case _:
            return _exact(value)


def _long(value: object) -> str:
    """Doubles with all their digits, as programs in C print them."""
    return format(value, ".17g") if isinstance(value, float) else _exact(value)


WRITERS: tuple[Callable[[object], str], ...] = (_exact, _lower, _as_float, _shortened, _long)


def _ways(text: str, value: object) -> frozenset[int]:
    """Which WRITERS would have written `text` for `value`."""
    ways = frozenset(number for number, write in enumerate(WRITERS) if write(value) == text)
    if isinstance(value, int) and not isinstance(value, bool) and float(value) != value:
        ways -= {2}  # the double is another number
    return ways


def same(text: str, value: object) -> bool:
    """Whether a cell's text is the answer's value, in a spelling that says no more than it."""
    return bool(_ways(text, value))
