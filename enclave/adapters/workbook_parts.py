"""What the parts of a workbook may say, and what of it is no cell: names of parts, elements, attributes and text.

Decides by lists of what is known to be harmless; whatever is on none of them is told. Each part is read as plain XML in UTF-8
without a document type, comments or processing instructions, which no spreadsheet shows. Does not: read the value of a cell.

What is *not* looked at: the names of fonts, styles and colours.
"""

import re
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.parsers import expat

from enclave.adapters.workbook_archive import unsafe

STRINGS = "xl/sharedStrings.xml"
_SHEET = re.compile(r"xl/worksheets/sheet\d{1,3}\.xml")
_KNOWN = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|docProps/(core|app)\.xml|xl/(workbook|sharedStrings|styles)\.xml"
    r"|xl/_rels/workbook\.xml\.rels|xl/theme/theme\d{1,2}\.xml|xl/worksheets/sheet\d{1,3}\.xml"
)
_KINDS = (
    ("vba", "macros"), ("macro", "macros"), ("embeddings", "embedded"), ("activex", "embedded"), ("ctrlprops", "embedded"),
    ("externallinks", "external_link"), ("comments", "comments"), ("threaded", "comments"), ("persons", "comments"),
    ("vmldrawing", "comments"), ("drawings", "drawing"), ("media", "picture"), ("charts", "chart"), ("pivot", "pivot"),
    ("querytables", "connection"), ("connections", "connection"), ("customxml", "custom_data"), ("custom", "custom_data"),
    ("tables", "table"), ("printersettings", "printer"), ("calcchain", "formula_chain"), ("worksheets/_rels", "links"),
)  # fmt: skip
"""How a part that carries something is called, in lower case, and what it carries; the first that fits."""


def readable(name: str) -> bool:
    return _KNOWN.fullmatch(name) is not None


def is_sheet(name: str) -> bool:
    return _SHEET.fullmatch(name) is not None


def shown(name: str) -> str:
    """A part by a name that cannot carry anything itself."""
    return name if readable(name) else "parts"


def unknown(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Every part that is none of a plain table's, with its kind."""
    for name in names:
        if not readable(name) and not name.endswith("/"):
            yield name, next((kind for word, kind in _KINDS if word in name.casefold()), "unknown")
        elif name.endswith("/"):
            yield name, "folder"


def tree(data: bytes) -> Element:
    """The elements of a part. Raises Refused `disclosure.workbook_unsafe` (`xml`): another encoding, a document type, comments or
    instructions, or what is not well-formed."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise unsafe("xml") from None
    if "<!" in text or "\0" in text or "<?" in text.removeprefix("<?xml"):
        raise unsafe("xml")
    declared = re.match(r"<\?xml[^>]*?encoding=[\"']([^\"']*)", text)
    if declared is not None and declared[1].casefold() not in ("utf-8", "us-ascii"):
        raise unsafe("xml")
    try:
        return ElementTree.fromstring(text.encode())  # noqa: S314  no document type reaches it, and so no entity
    except (ElementTree.ParseError, expat.ExpatError):
        raise unsafe("xml") from None


def _local(name: str) -> str:
    return name.rpartition("}")[2]


# -- what elements may stand where ---------------------------------------------------------------------------------------

_SHEET_FINE = frozenset(
    [
        "worksheet",
        "sheetPr",
        "tabColor",
        "outlinePr",
        "pageSetUpPr",
        "dimension",
        "sheetViews",
        "sheetView",
        "pane",
        "selection",
        "sheetFormatPr",
        "cols",
        "col",
        "sheetData",
        "row",
        "c",
        "v",
        "is",
        "t",
        "pageMargins",
        "pageSetup",
        "printOptions",
        "phoneticPr",
        "sheetProtection",
        "ignoredErrors",
        "ignoredError",
        "rowBreaks",
        "colBreaks",
        "brk",
    ]
)
_SHEET_CARRIES = {
    "f": ("workbook_formula", "formula"),
    "r": ("workbook_said", "rich_text"),
    "rPh": ("workbook_hidden", "reading_aid"),
    "mergeCell": ("workbook_hidden", "merged_cells"),
    "filterColumn": ("workbook_hidden", "filter"),
    "dataValidation": ("workbook_hidden", "validation"),
    "conditionalFormatting": ("workbook_formula", "conditional_format"),
    "headerFooter": ("workbook_said", "header_footer"),
    "hyperlink": ("workbook_hidden", "link"),
    "extLst": ("workbook_hidden", "extension"),
}
_NAMED_FINE = re.compile(r"_xlnm\.(Print_Area|Print_Titles|_FilterDatabase)")
_RANGE = re.compile(
    r"('[^']{1,31}'|[^'!]{1,31})!\$[A-Z]{1,3}(\$\d{1,7})?(:\$[A-Z]{1,3}(\$\d{1,7})?)?|('[^']{1,31}'|[^'!]{1,31})!\$\d{1,7}:\$\d{1,7}"
)
_BOOK_FINE = frozenset(
    [
        "workbook",
        "fileVersion",
        "workbookPr",
        "bookViews",
        "workbookView",
        "sheets",
        "sheet",
        "definedNames",
        "definedName",
        "calcPr",
        "workbookProtection",
        "fileSharing",
    ]
)
_FINE_TITLE = re.compile(r"(sheet|シート|table|表)?\s?\d{0,2}|\D{1,31}", re.IGNORECASE)
_TEXT_OF = frozenset(("v", "t", "f"))
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_PROPERTY = {
    "creator": re.compile(r"(openpyxl)?"), "created": _TIME, "modified": _TIME, "lastModifiedBy": re.compile(r"(openpyxl)?"),
    "Application": re.compile(
        r"Microsoft (Macintosh )?Excel( Compatible / Openpyxl \d\.\d{1,2}\.\d{1,2})?"
        r"|LibreOffice/[\d.]{3,12}(\$\w{1,20} LibreOffice_project/[0-9a-f]{0,40})?"
    ),
    "TotalTime": re.compile(r"0"),
    "AppVersion": re.compile(r"\d{1,2}\.\d{1,5}"), "DocSecurity": re.compile(r"0"), "ScaleCrop": re.compile(r"false"),
    "LinksUpToDate": re.compile(r"false"), "SharedDoc": re.compile(r"false"), "HyperlinksChanged": re.compile(r"false"),
}  # fmt: skip
"""Properties of a document that say nothing of it."""
_PROPERTY_FRAMES = frozenset(
    ("coreProperties", "Properties", "HeadingPairs", "TitlesOfParts", "vector", "variant", "lpstr", "i4")
)
_SPACES = re.compile(
    r"\{http://(schemas\.openxmlformats\.org|purl\.oclc\.org/ooxml|www\.w3\.org/(XML/1998|2001/XMLSchema-instance)"
    r"|schemas\.microsoft\.com/office/spreadsheetml/20\d\d/)"
)
"""Names whose attributes spreadsheet programs write themselves: relations, types, and the identity of a revision."""
_KANA = re.compile(r"[\u3040-\u30ff\uff65-\uff9f\s・]*")


def strange(name: str, root: Element) -> Iterator[tuple[str, str]]:
    """Whatever in a part is more than a plain table has: (code, what)."""
    if is_sheet(name):
        yield from _in_sheet(root)
    elif name == "xl/workbook.xml":
        yield from _in_book(root)
    elif name == STRINGS:
        yield from _in_strings(root)
    elif name.startswith("docProps/"):
        yield from _in_properties(root)
    elif name == "xl/styles.xml":
        yield from _in_styles(root)
    elif any(one.get("TargetMode", "Internal") != "Internal" for one in root.iter()):
        yield "workbook_part", "external_link"
    if name != STRINGS and not is_sheet(name) and not name.startswith("docProps/"):
        texts = (one for one in root.iter() if _local(one.tag) != "definedName")
        if any((one.text or "").strip() for one in texts):
            yield "workbook_said", "text"
    if any(name.startswith("{") and not _SPACES.match(name) for one in root.iter() for name in one.attrib):
        yield "workbook_hidden", "extension"
    if any((one.tail or "").strip() for one in root.iter()):
        yield "workbook_said", "text"


def _no(value: str | None) -> bool:
    return value in (None, "0", "false")


def _in_sheet(root: Element) -> Iterator[tuple[str, str]]:
    last_row, seen = 0, set()
    for one in root.iter():
        tag = _local(one.tag)
        if not _no(one.get("hidden")) or not _no(one.get("zeroHeight")) or not _no(one.get("collapsed")):
            yield "workbook_hidden", "hidden_rows_or_columns"
        if (tag == "col" and _thin(one.get("width"))) or (tag == "row" and _thin(one.get("ht"))):
            yield "workbook_hidden", "hidden_rows_or_columns"
        if tag == "sheetFormatPr" and (
            _thin(one.get("defaultRowHeight")) or _thin(one.get("defaultColWidth"))
        ):
            yield "workbook_hidden", "hidden_rows_or_columns"
        if tag in _SHEET_CARRIES:
            yield _SHEET_CARRIES[tag]
        elif tag not in _SHEET_FINE and tag not in (
            "mergeCells",
            "autoFilter",
            "dataValidations",
            "hyperlinks",
            "cfRule",
            "formula",
            "formula1",
            "formula2",
            "oddHeader",
            "oddFooter",
            "evenHeader",
            "evenFooter",
            "firstHeader",
            "firstFooter",
        ):
            yield "workbook_part", "element"
        if tag not in _TEXT_OF and (one.text or "").strip():
            yield "workbook_said", "text"
        if tag in ("c", "row"):
            place = one.get("r", "")
            if not place or place in seen:
                raise unsafe("order")
            seen.add(place)
        if tag == "row":
            if not place.isdecimal() or not last_row < int(place) <= 1_048_576:
                raise unsafe("order")
            last_row = int(place)
            yield from _in_row(one, last_row)


def _thin(length: str | None) -> bool:
    """Narrower or lower than a digit."""
    try:
        return length is not None and float(length) < 1
    except ValueError:
        return True


def _in_row(row: Element, number: int) -> Iterator[tuple[str, str]]:
    before = 0
    for cell in row:
        found = re.fullmatch(r"([A-Z]{1,3})(\d{1,7})", cell.get("r", ""))
        if _local(cell.tag) != "c" or found is None or int(found[2]) != number:
            raise unsafe("order")
        place = 0
        for letter in found[1]:
            place = 26 * place + ord(letter) - 64
        if place <= before:
            raise unsafe("order")
        before = place
        if len([one for one in cell if _local(one.tag) in ("v", "is")]) > 1:
            raise unsafe("order")
        kind, inline = cell.get("t", "n"), [_local(one.tag) for one in cell]
        # A value that the type makes a reader skip is carried and not shown.
        if ("is" in inline) != (kind == "inlineStr") and inline:
            yield "workbook_hidden", "unused_text"
        if set(cell.attrib) - {"r", "s", "t"}:
            yield "workbook_hidden", "extension"


def _in_book(root: Element) -> Iterator[tuple[str, str]]:
    for one in root.iter():
        tag = _local(one.tag)
        if tag == "sheet":
            if one.get("state", "visible") != "visible":
                yield "workbook_hidden", "hidden_sheet"
            if _FINE_TITLE.fullmatch(one.get("name", "")) is None:
                yield "workbook_said", "sheet_name"
        elif tag == "workbookView" and one.get("visibility", "visible") != "visible":
            yield "workbook_hidden", "hidden_sheet"
        elif tag == "definedName":
            plain = _NAMED_FINE.fullmatch(one.get("name", "")) and _RANGE.fullmatch((one.text or "").strip())
            if not plain or one.get("comment") or one.get("description"):
                yield "workbook_hidden", "defined_name"
        elif tag in ("externalReference", "externalReferences"):
            yield "workbook_part", "external_link"
        elif tag not in _BOOK_FINE:
            yield "workbook_said", "element"


def _in_strings(root: Element) -> Iterator[tuple[str, str]]:
    for one in root.iter():
        tag = _local(one.tag)
        if tag == "rPh" and not all(
            _KANA.fullmatch(part.text or "") for part in one.iter() if _local(part.tag) == "t"
        ):
            yield "workbook_hidden", "reading_aid"
        if tag not in _TEXT_OF and (one.text or "").strip():
            yield "workbook_said", "text"
        if tag == "extLst":
            yield "workbook_hidden", "extension"


def _in_properties(root: Element) -> Iterator[tuple[str, str]]:
    for one in root.iter():
        tag, text = _local(one.tag), (one.text or "").strip()
        if text and tag not in _PROPERTY_FRAMES and not (tag in _PROPERTY and _PROPERTY[tag].fullmatch(text)):
            yield "workbook_said", "property"
        if text and tag == "lpstr" and _FINE_TITLE.fullmatch(text) is None:
            yield "workbook_said", "property"
        if text and tag == "i4" and not (text.isdecimal() and len(text) < 3):
            yield "workbook_said", "property"


def _in_styles(root: Element) -> Iterator[tuple[str, str]]:
    """A number format may write digits of its own beside, or instead of, the cell's."""
    for one in root.iter():
        code = one.get("formatCode")
        if code is not None and _local(one.tag) == "numFmt":
            bare = re.sub(r"\[[^\]]*\]", "", code)
            literals = "".join(a + b for a, b in re.findall(r"\"([^\"]*)\"|\\(.)", bare))
            if (
                re.search(r"\d", literals)
                or re.search(r"[1-9]", re.sub(r"\"[^\"]*\"|\\.", "", bare))
                or ";;" in code
            ):
                yield "workbook_hidden", "number_format"


def strings_used(root: Element) -> set[int]:
    """The shared texts that the cells of a sheet show, by number."""
    found = set()
    for cell in root.iter():
        if _local(cell.tag) == "c" and cell.get("t") == "s":
            for value in cell:
                text = (value.text or "").strip()
                if _local(value.tag) == "v" and text.isdecimal():
                    found.add(int(text))
    return found


def leftover(strings: Element, used: set[int]) -> bool:
    """Whether there is a shared text that no cell shows."""
    count = sum(_local(one.tag) == "si" for one in strings)
    return not set(range(count)) <= used
