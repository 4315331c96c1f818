"""A CSV file read one way only: UTF-8, commas, double quotes, one header, every row as wide as it.

Decides whether bytes are such a table. A file that two programs would read differently is refused: the checker must
see what the public's program will show. Does not judge names, numbers or sizes: `checks` does.
"""

import csv
import io
from dataclasses import dataclass

from enclave.core.refusal import Refused

LARGEST_CELL = 131_072
"""Characters that the reader accepts in one cell at all; `checks` turns back far shorter ones."""


@dataclass(frozen=True)
class Sheet:
    """A parsed table: everything is text, as in the file. Rows are as long as the header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, name: str) -> tuple[str, ...]:
        place = self.header.index(name)
        return tuple(row[place] for row in self.rows)


def read_sheet(data: bytes) -> Sheet:
    """The table in `data`. Raises Refused `export.csv_encoding` or `export.csv_form` with the row (header: 0) and why."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("export.csv_encoding") from None
    # A byte order mark, a NUL and other control characters are invisible to a checker and not to every program.
    if text.startswith("\ufeff") or any(
        (ord(c) < 32 and c not in "\t\n\r") or 0x7F <= ord(c) < 0xA0 for c in text
    ):
        raise Refused("export.csv_encoding")
    if "\r" in text.replace("\r\n", ""):
        raise Refused("export.csv_form", {"row": 0, "why": "line_ends"})
    rows: list[tuple[str, ...]] = []
    try:
        # newline="" keeps line ends inside quotes as they are.
        rows.extend(tuple(line) for line in csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        raise Refused("export.csv_form", {"row": len(rows), "why": "quotes"}) from None
    if not rows or not rows[0]:
        raise Refused("export.csv_form", {"row": 0, "why": "empty"})
    header = rows[0]
    if len(set(header)) != len(header) or any(not name.strip() for name in header):
        raise Refused("export.csv_form", {"row": 0, "why": "header"})
    for number, line in enumerate(rows[1:], start=1):
        if len(line) != len(header):
            raise Refused("export.csv_form", {"row": number, "why": "width"})
    return Sheet(header, tuple(rows[1:]))
