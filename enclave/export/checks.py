"""What the airlock looks for in a file, as a tuple of small functions over typed subjects.

Decides from names and bytes alone. Each check yields findings and knows nothing of the others; whether numbers are
safe is asked of the disclosure story by `flow`. Limits are those of a guard, not of a regulation: an output is a small
aggregate (compare OpenSAFELY's airlock: 16 MiB, 5,000 rows).
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from enclave.core.refusal import Refused
from enclave.export.names import LONGEST, well_named
from enclave.export.picture import SIGNATURE, read_picture
from enclave.export.request import EXTENSION, Described, Finding, Kind, Verdict
from enclave.export.table_text import Sheet, read_sheet

MAX_FILES = 40
MAX_PURPOSE = 1_000
MAX_BYTES: Mapping[Kind, int] = {Kind.TABLE: 1 << 20, Kind.DATA: 1 << 20, Kind.FIGURE: 4 << 20}
MAX_ROWS = 5_000
MAX_COLUMNS = 200
MAX_CELL = 1_000
"""Characters."""
MANY_RECORDS = 100
"""Rows without a count column from which a table is called out as looking like records."""
MANY_FINDINGS = 20
"""Findings of one check for one file; more of the same help nobody."""


@dataclass(frozen=True)
class Subject:
    """One file as submitted. `sheet` is None where it is no readable table. `table` names the data under a figure."""

    name: str
    kind: Kind
    data: bytes
    dimensions: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    receipt: str | None = None
    table: str | None = None
    described: Described | None = None
    sheet: Sheet | None = field(default=None, compare=False)


Check = Callable[[Subject], Iterator[Finding]]


def fail(code: str, where: Mapping[str, object] | None = None, **facts: object) -> Finding:
    return Finding(code, Verdict.FAIL, where or {}, facts)


def name(subject: Subject) -> Iterator[Finding]:
    if not well_named(subject.name):
        yield fail("export.name", limit=LONGEST)


_OTHER = (b"<?xml", b"<!", b"<html", b"<svg", b"<script", b"%pdf", b"{\\rtf", b"#!", b"mz\x90", b"pk\x03\x04")
"""How files begin that a program opens by their content, whatever they are called."""


def extension(subject: Subject) -> Iterator[Finding]:
    """The extension says what the file is, and the first bytes agree (renamed programs, polyglots)."""
    expected = EXTENSION[subject.kind]
    starts_as_picture = subject.data.startswith(SIGNATURE)
    other = subject.data.lstrip()[:16].lower().startswith(_OTHER)
    if not subject.name.endswith(expected) or starts_as_picture is not (subject.kind is Kind.FIGURE) or other:
        yield fail("export.extension", kind=subject.kind.value, extension=expected)


def size(subject: Subject) -> Iterator[Finding]:
    if len(subject.data) > MAX_BYTES[subject.kind]:
        yield fail("export.size", limit=MAX_BYTES[subject.kind])


def csv_form(subject: Subject) -> Iterator[Finding]:
    if (
        subject.kind is Kind.FIGURE
        or subject.sheet is not None
        or len(subject.data) > MAX_BYTES[subject.kind]
    ):
        return
    try:
        read_sheet(subject.data)
    except Refused as refused:
        facts = dict(refused.facts)
        row = facts.pop("row", None)
        yield Finding(refused.code, Verdict.FAIL, {} if row is None else {"row": row}, facts)


def extent(subject: Subject) -> Iterator[Finding]:
    if subject.sheet is None:
        return
    if len(subject.sheet.rows) > MAX_ROWS:
        yield fail("export.rows", limit=MAX_ROWS)
    if len(subject.sheet.header) > MAX_COLUMNS:
        yield fail("export.columns", limit=MAX_COLUMNS)
    if subject.receipt is None and not subject.counts and len(subject.sheet.rows) > MANY_RECORDS:
        yield Finding("export.looks_like_records", Verdict.HUMAN, {}, {"rows": len(subject.sheet.rows)})


def cells(sheet: Sheet) -> Iterator[tuple[int, str, str]]:
    """(row, column, text) of every cell; the header is row 0. A column is named only by a name that is safe to show."""
    for place, text in enumerate(sheet.header):
        yield 0, _column(sheet, place), text
    for number, row in enumerate(sheet.rows, start=1):
        for place, text in enumerate(row):
            yield number, _column(sheet, place), text


def _column(sheet: Sheet, place: int) -> str:
    title = sheet.header[place]
    odd = len(title) > 60 or hidden_text(title) or _formula(title)
    return f"#{place + 1}" if odd else title


_NUMBER = re.compile(r"[+-]?(\d+(,\d{3})*(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s?%?")
_FIRES = "=+-@\t\r＝＋－＠"
"""First characters that make a spreadsheet compute (OWASP, CSV injection), with the wide forms of Japanese locales."""


SPACES = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
"""Every space of Unicode (category Zs): programs trim them before they compute."""


def _formula(text: str) -> bool:
    start = text.lstrip(SPACES)
    return (
        start[:1] in _FIRES
        and start[:1] != ""
        and len(start) > 1
        and _NUMBER.fullmatch(start.strip()) is None
    )


def csv_formula(subject: Subject) -> Iterator[Finding]:
    for row, column, text in cells(subject.sheet) if subject.sheet else ():
        if _formula(text):
            yield fail("export.csv_formula", {"row": row, "column": column})


def csv_long_cell(subject: Subject) -> Iterator[Finding]:
    for row, column, text in cells(subject.sheet) if subject.sheet else ():
        if len(text) > MAX_CELL:
            yield fail("export.csv_long_cell", {"row": row, "column": column}, limit=MAX_CELL)


def hidden_text(text: str) -> bool:
    """Characters that no reader sees, that turn the direction of reading, or that start another line."""
    return any(unicodedata.category(c) in {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"} for c in text)


def csv_hidden_text(subject: Subject) -> Iterator[Finding]:
    for row, column, text in cells(subject.sheet) if subject.sheet else ():
        if hidden_text(text):
            yield fail("export.csv_hidden_text", {"row": row, "column": column})


_PACKED = re.compile(r"(?=[A-Za-z0-9+/_-]*[0-9+/_])(?=[A-Za-z0-9+/_-]*[A-Za-z])[A-Za-z0-9+/_-]{32,}={0,2}")
_DIGITS = re.compile(r"\d{20,}")


def csv_packed(subject: Subject) -> Iterator[Finding]:
    """Columns with cells that are one long base64 or hexadecimal word, or a number that no count can be."""
    if subject.sheet is None:
        return
    for place in range(len(subject.sheet.header)):
        texts = (subject.sheet.header[place], *(row[place] for row in subject.sheet.rows))
        if any(_PACKED.fullmatch(text) or _DIGITS.fullmatch(text) for text in texts):
            yield fail("export.csv_packed", {"column": _column(subject.sheet, place)})


def identifier(subject: Subject) -> Iterator[Finding]:
    for place, title in enumerate(subject.sheet.header if subject.sheet else ()):
        plain = title.strip().casefold()
        if plain == "pid" or plain.endswith(("_pid", ".pid")):
            yield fail(
                "export.identifier", {"column": _column(subject.sheet, place)} if subject.sheet else {}
            )


def declared(subject: Subject) -> Iterator[Finding]:
    if subject.sheet is None:
        return
    for column in dict.fromkeys((*subject.dimensions, *subject.counts)):
        if column not in subject.sheet.header:
            yield fail("export.declared_column", {"column": column[:60]})


def png_form(subject: Subject) -> Iterator[Finding]:
    if subject.kind is not Kind.FIGURE or len(subject.data) > MAX_BYTES[Kind.FIGURE]:
        return
    try:
        read_picture(subject.data)
    except Refused as refused:
        yield fail(refused.code, {}, **refused.facts)
    else:
        yield Finding("export.picture_by_eye", Verdict.HUMAN, {}, {"data": subject.table})


CHECKS: tuple[Check, ...] = (
    name, extension, size, csv_form, extent, csv_formula, csv_long_cell, csv_hidden_text, csv_packed,
    identifier, declared, png_form,
)  # fmt: skip
"""Every check, in the order in which findings are shown. A file that one of them fails does not leave."""


def examine(subject: Subject) -> tuple[Finding, ...]:
    """The findings of all CHECKS on one file, at most MANY_FINDINGS of each."""
    return tuple(finding for check in CHECKS for finding in islice(check(subject), MANY_FINDINGS))
