"""A workbook (XLSX) as plain tables, and everything else that it carries beside them.

Decides what counts as "beside": a workbook shows a reader a few cells and can carry far more (hidden sheets, rows and columns,
formulas with the values of old, comments, names, leftovers, whole files). Whatever is not a cell of a plain table from A1 on is
told; what two programs could read differently, or what is no clean archive of plain XML, is refused. Relies on openpyxl for the
values of cells alone, and reads every part itself to see what openpyxl leaves out. Does not: judge a number, compute a formula.

Source of the parts and elements: ECMA-376, Office Open XML (SpreadsheetML), part 1.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from warnings import catch_warnings, simplefilter
from xml.etree.ElementTree import Element

import openpyxl

from enclave.adapters import workbook_parts as parts
from enclave.adapters.workbook_archive import Archive
from enclave.core.refusal import Refused

CELLS_AT_MOST = 1_000_000


@dataclass(frozen=True)
class Beside:
    """Something that is no cell of a table. `code`: `workbook_*`; `where`: the sheet by its number, or the part. Never content."""

    code: str
    where: str
    what: str


@dataclass(frozen=True)
class Workbook:
    """`sheets`: per sheet that has cells its columns by their headings, as text, by "sheet <number>"; None where it is no
    table from A1 on."""

    sheets: Mapping[str, Mapping[str, Sequence[str]] | None]
    beside: tuple[Beside, ...]


def read(data: bytes) -> Workbook:
    """The tables of a workbook and what it carries beside them.

    Raises Refused `disclosure.workbook_unsafe` (`why`: archive, bomb, xml, order) where it cannot be told what it carries.
    """
    archive = Archive.open(data)
    trees = {name: parts.tree(archive.read(name)) for name in archive.names if parts.readable(name)}
    found = [Beside("workbook_part", parts.shown(name), what) for name, what in parts.unknown(archive.names)]
    found += [Beside(*one) for one in _beside(trees)]
    if any(one.code == "workbook_part" for one in found):
        return Workbook({}, tuple(found))
    sheets = _sheets(data, len([name for name in trees if parts.is_sheet(name)]))
    return Workbook(sheets, tuple(dict.fromkeys(found)))


def _beside(trees: Mapping[str, Element]) -> Iterator[tuple[str, str, str]]:
    used: set[int] = set()
    sheets = [name for name in trees if parts.is_sheet(name)]
    for name, tree in trees.items():
        where = parts.shown(name)
        yield from ((code, where, what) for code, what in parts.strange(name, tree))
        if parts.is_sheet(name):
            used |= parts.strings_used(tree)
    strings = trees.get(parts.STRINGS)
    if strings is not None and parts.leftover(strings, used):
        yield "workbook_hidden", parts.shown(parts.STRINGS), "unused_text"
    if len(sheets) > 1:
        yield "workbook_said", "sheets", "several_sheets"


def _sheets(data: bytes, expected: int) -> dict[str, Mapping[str, Sequence[str]] | None]:
    try:
        with catch_warnings():
            simplefilter("ignore")
            # Read-only: row by row as the part has them. The values that formulas had are read; formulas are told besides.
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            if len(book.worksheets) != expected:
                raise Refused("disclosure.workbook_unsafe", {"why": "order"})
            return {
                f"sheet {number}": table
                for number, sheet in enumerate(book.worksheets, start=1)
                if (table := _table(sheet)) != {}
            }
    except Refused:
        raise
    except Exception:
        # openpyxl raises whatever it stumbles over; none of it is a table.
        raise Refused("disclosure.workbook_unsafe", {"why": "xml"}) from None


def _table(sheet: "openpyxl.worksheet._read_only.ReadOnlyWorksheet") -> Mapping[str, Sequence[str]] | None:
    """The columns of the one table that the sheet is; {} where it is empty, None where it is something else."""
    sheet.reset_dimensions()  # What a sheet says of its own extent hides the cells outside.
    rows: list[list[str]] = []
    cells = 0
    for row in sheet.iter_rows(values_only=True):
        texts = [_text(value) for value in row]
        while texts and not texts[-1]:
            texts.pop()
        cells += len(row)
        if cells > CELLS_AT_MOST:
            raise Refused("disclosure.too_large", {"limit": CELLS_AT_MOST})
        rows.append(texts)
    while rows and not rows[-1]:
        rows.pop()
    if not rows:
        return {}
    head = rows[0]
    if not head or "" in head or len(set(head)) < len(head) or any(len(row) > len(head) for row in rows):
        return None
    whole = [row + [""] * (len(head) - len(row)) for row in rows[1:]]
    return {name: tuple(row[place] for row in whole) for place, name in enumerate(head)}


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return str(value)
