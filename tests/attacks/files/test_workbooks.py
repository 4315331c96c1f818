"""What a workbook can carry past a check, and that each of it is found or refused."""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation

from enclave.rehearsal import checking

POLICIES = Path(__file__).resolve().parents[3] / "policies"
ROWS: tuple[tuple[object, ...], ...] = (("sex", "n"), ("f", 120), ("m", 95), ("total", 215))
SHEET = "xl/worksheets/sheet1.xml"

Book = openpyxl.Workbook


def book(rows: tuple[tuple[object, ...], ...] = ROWS) -> Book:
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    return made


def saved(made: Book) -> bytes:
    kept = io.BytesIO()
    made.save(kept)
    return kept.getvalue()


def rewritten(data: bytes, change: Callable[[str, bytes], bytes], **more: bytes) -> bytes:
    """The archive with every part changed by `change` and further parts added, names with `__` for a slash."""
    kept = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        for name, content in more.items():
            new.writestr(name.replace("__", "/"), content)
    return kept.getvalue()


def replaced(part: str, old: str, new: str) -> bytes:
    """A plain workbook with one text of one part replaced."""

    def change(name: str, content: bytes) -> bytes:
        if name != part:
            return content
        text = content.decode()
        assert re.search(old, text), "the attack touches nothing"
        return re.sub(old, new, text, count=1).encode()

    return rewritten(saved(book()), change)


def added(**parts: bytes) -> bytes:
    return rewritten(saved(book()), lambda _, content: content, **parts)


def made(change: Callable[[Book], object]) -> bytes:
    plain = book()
    change(plain)
    return saved(plain)


def hidden_sheet(plain: Book) -> None:
    plain.create_sheet("x").append(("id", 7))
    plain["x"].sheet_state = "veryHidden"


def formula(plain: Book) -> None:
    plain.active["B4"] = "=B2+95"


def validated(plain: Book) -> None:
    choice = DataValidation(type="list", formula1='"3,4,7"')
    choice.add("A2")
    plain.active.add_data_validation(choice)


def titled(plain: Book) -> None:
    plain.properties.title = "n of the hidden cell: 7"


def shared(strings: str) -> bytes:
    """A plain workbook whose cell A2 shows the first of some shared texts."""
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    changes = {
        SHEET: ('<c r="A2" t="inlineStr"><is><t>f</t></is></c>', '<c r="A2" t="s"><v>0</v></c>'),
        "[Content_Types].xml": ("</Types>", f'<Override PartName="/xl/sharedStrings.xml" ContentType="{types}"/></Types>'),
        "xl/_rels/workbook.xml.rels": (
            "</Relationships>", f'<Relationship Type="{kind}" Target="sharedStrings.xml" Id="rId9"/></Relationships>'
        ),
    }  # fmt: skip

    def change(name: str, content: bytes) -> bytes:
        old, new = changes.get(name, ("", ""))
        assert old in content.decode()
        return content.decode().replace(old, new).encode() if old else content

    sheet = f'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{strings}</sst>'
    return rewritten(saved(book()), change, **{"xl__sharedStrings.xml": sheet.encode()})


HIDDEN, PART, FORMULA = (
    "disclosure.workbook_hidden",
    "disclosure.workbook_part",
    "disclosure.workbook_formula",
)
SAID, UNSAFE, FORM = "disclosure.workbook_said", "disclosure.workbook_unsafe", "disclosure.workbook_form"

ATTACKS: dict[str, tuple[bytes, str, str]] = {
    "a hidden sheet": (made(hidden_sheet), HIDDEN, "fail"),
    "a hidden row": (made(lambda b: setattr(b.active.row_dimensions[2], "hidden", True)), HIDDEN, "fail"),
    "a hidden column": (made(lambda b: setattr(b.active.column_dimensions["B"], "hidden", True)), HIDDEN, "fail"),
    "a column of no width": (made(lambda b: setattr(b.active.column_dimensions["B"], "width", 0.01)), HIDDEN, "fail"),
    "a row of no height": (made(lambda b: setattr(b.active.row_dimensions[2], "height", 0.1)), HIDDEN, "fail"),
    "a formula": (made(formula), FORMULA, "fail"),
    "a formula with the value of old": (
        replaced(SHEET, r'<c r="B4" t="n"><v>215</v></c>', '<c r="B4"><f>B2+95</f><v>215</v></c>'), FORMULA, "fail"),
    "a comment": (made(lambda b: setattr(b.active["B2"], "comment", Comment("7", "x"))), PART, "fail"),
    "a name of a constant": (
        made(lambda b: b.defined_names.add(DefinedName("secret", attr_text="7"))), HIDDEN, "fail"),
    "a link to a page": (made(lambda b: setattr(b.active["A2"], "hyperlink", "https://example.org/?n=7")), PART, "fail"),
    "another workbook": (added(**{"xl__externalLinks__externalLink1.xml": b"<x/>"}), PART, "fail"),
    "macros": (added(**{"xl__vbaProject.bin": b"\xd0\xcf"}), PART, "fail"),
    "an embedded file": (added(**{"xl__embeddings__oleObject1.bin": b"7"}), PART, "fail"),
    "a picture": (added(**{"xl__media__image1.png": b"\x89PNG"}), PART, "fail"),
    "custom data": (added(**{"customXml__item1.xml": b"<n>7</n>"}), PART, "fail"),
    "custom properties": (added(**{"docProps__custom.xml": b"<n>7</n>"}), PART, "fail"),
    "a pivot's memory": (added(**{"xl__pivotCache__pivotCacheRecords1.xml": b"<n>7</n>"}), PART, "fail"),
    "a part of no kind": (added(**{"notes.txt": b"7"}), PART, "fail"),
    "a sheet that the book does not name": (
        added(**{"xl__worksheets__sheet9.xml": b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'}),
        UNSAFE, "fail"),
    "merged cells": (made(lambda b: b.active.merge_cells("A2:A3")), HIDDEN, "fail"),
    "a list to choose from": (made(validated), HIDDEN, "fail"),
    "a format that depends on the value": (
        made(lambda b: b.active.conditional_formatting.add("B2:B4", CellIsRule("equal", ["7"]))), FORMULA, "fail"),
    "a format that writes digits": (made(lambda b: setattr(b.active["B2"], "number_format", '"n = 7"')), HIDDEN, "fail"),
    "a format that shows nothing": (made(lambda b: setattr(b.active["B2"], "number_format", ";;;")), HIDDEN, "fail"),
    "a head over the printed page": (
        made(lambda b: setattr(b.active.oddHeader.center, "text", "7 of them")), SAID, "human"),
    "a title": (made(titled), SAID, "human"),
    "a writer's name": (made(lambda b: setattr(b.properties, "creator", "nr 7")), SAID, "human"),
    "a sheet's name": (made(lambda b: setattr(b.active, "title", "m85 n=7")), SAID, "human"),
    "several sheets": (made(lambda b: b.create_sheet("second").append(("sex", "n"))), SAID, "human"),
    "text that no cell shows": (shared("<si><t>f</t></si><si><t>m85: 7</t></si>"), HIDDEN, "fail"),
    "a number in a reading aid": (
        shared('<si><t>f</t><rPh sb="0" eb="1"><t>7</t></rPh></si>'), HIDDEN, "fail"),
    "a value that its type hides": (
        replaced(SHEET, r'<c r="B4" t="n"><v>215</v></c>', '<c r="B4" t="n"><v>215</v><is><t>7</t></is></c>'),
        UNSAFE, "fail"),
    "cells in another order": (
        replaced(SHEET, r'(<row r="2".*?</row>)(<row r="3".*?</row>)', r"\2\1"), UNSAFE, "fail"),
    "a cell twice": (
        replaced(SHEET, r'(<c r="B4" t="n"><v>)215(</v></c>)', r'\g<1>7\2\g<1>215\2'), UNSAFE, "fail"),
    "text between the elements": (replaced(SHEET, r"<sheetData>", "7<sheetData>"), SAID, "human"),
    "an attribute that nobody reads": (
        replaced(SHEET, r"<sheetData>", '<sheetData xmlns:x="urn:x" x:n="7">'), HIDDEN, "fail"),
    "an XML comment": (replaced(SHEET, r"<sheetData>", "<!-- 7 --><sheetData>"), UNSAFE, "fail"),
    "a billion laughs": (
        replaced(SHEET, r"^", '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'), UNSAFE, "fail"),
    "another encoding": (
        rewritten(saved(book()), lambda name, content: content.decode().encode("utf-16") if name == SHEET else content),
        UNSAFE, "fail"),
    "a bomb": (added(**{"xl__theme__theme9.xml": b"0" * (65 << 20)}), UNSAFE, "fail"),
    "bytes before the archive": (b"GIF89a" + saved(book()), UNSAFE, "fail"),
    "bytes after the archive": (saved(book()) + b"7", UNSAFE, "fail"),
    "an archive behind another": (saved(book()) + saved(book(ROWS[:2])), UNSAFE, "fail"),
    "a title above the table": (saved(book((("Patients",), (), *ROWS))), FORM, "human"),
    "notes beside the table": (saved(book((*ROWS, ("x", 50, "7")))), FORM, "human"),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_what_a_workbook_carries_beside_its_table_is_found(tmp_path: Path, name: str) -> None:
    """Every one is told with its code, and no such workbook passes."""
    data, code, verdict = ATTACKS[name]
    (tmp_path / "t.xlsx").write_bytes(data)
    (checked,) = checking.check([tmp_path / "t.xlsx"], ["ndb-2024-09"], POLICIES)
    assert code in {one.code for one in checked.findings}
    assert checked.verdict.value == verdict
    assert all("7" not in f"{one.where} {one.facts}" for one in checked.findings)


def test_texts_that_cells_share_are_read_with_their_readings_in_kana(tmp_path: Path) -> None:
    """What spreadsheet programs write for Japanese carries nothing."""
    text = '<si><t>女</t><rPh sb="0" eb="1"><t>オンナ</t></rPh><phoneticPr fontId="1"/></si>'
    (tmp_path / "t.xlsx").write_bytes(shared(text))
    (checked,) = checking.check([tmp_path / "t.xlsx"], ["ndb-2024-09"], POLICIES)
    assert (checked.verdict.value, checked.findings) == ("pass", ())


def test_a_sheet_that_makes_itself_small_is_read_to_its_end(tmp_path: Path) -> None:
    """What a sheet says of its own extent hides nothing: the small count outside of it is found."""
    data = saved(book((*ROWS[:-1], ("x", 4))))
    small = rewritten(
        data,
        lambda name, content: (
            re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:B3"', content)
            if name == SHEET
            else content
        ),
    )
    (tmp_path / "t.xlsx").write_bytes(small)
    (checked,) = checking.check([tmp_path / "t.xlsx"], ["ndb-2024-09"], POLICIES)
    assert "disclosure.small_cell" in {one.code for one in checked.findings}


def test_every_sheet_is_examined(tmp_path: Path) -> None:
    """A small count on the second sheet is found there."""
    plain = book()
    second = plain.create_sheet("second")
    for row in (("sex", "n"), ("f", 4), ("m", 95)):
        second.append(row)
    (tmp_path / "t.xlsx").write_bytes(saved(plain))
    (checked,) = checking.check([tmp_path / "t.xlsx"], ["ndb-2024-09"], POLICIES)
    assert "disclosure.small_cell" in {one.code for one in checked.findings}


def test_a_plain_workbook_is_a_table_like_any_other(tmp_path: Path) -> None:
    """Bold headings, wide columns, a frozen row and formats of numbers carry nothing."""
    plain = book()
    sheet = plain.active
    sheet["A1"].font = openpyxl.styles.Font(bold=True)
    sheet.column_dimensions["A"].width = 30
    sheet.freeze_panes = "A2"
    sheet["B2"].number_format = "#,##0"
    sheet.print_title_rows = "1:1"
    (tmp_path / "t.xlsx").write_bytes(saved(plain))
    (checked,) = checking.check([tmp_path / "t.xlsx"], ["ndb-2024-09"], POLICIES)
    assert (checked.verdict.value, checked.findings) == ("pass", ())
