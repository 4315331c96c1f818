"""Tables that once passed the machine while they carried records, each beside its honest twin."""

import csv
import io
import random

import pytest

from enclave.disclosure.answers.table import (
    Hidden,
    Measure,
    MeasureKind,
    ProtectedRow,
    ProtectedTable,
    Reason,
    Shown,
)
from enclave.export.flow import check
from enclave.export.request import CheckedFile, Submission, TableItem, Verdict
from tests.attacks.files.test_airlock_files import RULES, first_ever, nothing, permit

ANSWER = ProtectedTable(
    ("a",),
    (Measure("n"), Measure("m", MeasureKind.MEAN)),
    (
        ProtectedRow((0,), (Shown(9348), Shown(53.36617458279846))),
        ProtectedRow((1,), (Shown(8201), Shown(51.854286062675286))),
    ),
    ("example",),
)
FIRST, SECOND = "0,9348,53.36617458279846", "1,8201,51.854286062675286"


def with_receipt(text: str, answer: ProtectedTable = ANSWER) -> CheckedFile:
    item = TableItem("a.csv", text.encode(), answer.dimensions, ("n",), "q-1")
    return check(Submission("t1", "a poster", (item,)), permit(), RULES, lambda _: answer, first_ever).files[
        0
    ]


def without(text: str, dimensions: tuple[str, ...], counts: tuple[str, ...]) -> CheckedFile:
    item = TableItem("a.csv", text.encode(), dimensions, counts)
    return check(Submission("t1", "a poster", (item,)), permit(), RULES, nothing, first_ever).files[0]


SPELLINGS = {
    "digits beyond a double's": "0,9348,53.366174582798460000000123456789123456789123456789",
    "zeros after the point": "0,9348.0000000000000,53.36617458279846",
    "spaces after a number": "0,9348      ,53.36617458279846",
    "spaces before a number": "0,   9348,53.36617458279846",
    "underscores": "0,9_348,53.36617458279846",
    "a sign": "0,+9348,53.36617458279846",
    "an exponent": "0,0.00000000009348E14,53.36617458279846",
    "wide digits": "0,９３４８,53.36617458279846",
    "Arabic digits": "0,\u0669\u0663\u0664\u0668,53.36617458279846",
    "a key with zeros": "00.000,9348,53.36617458279846",
}


@pytest.mark.parametrize("line", SPELLINGS.values(), ids=SPELLINGS)
def test_a_number_of_a_receipt_has_no_second_spelling_to_hide_a_message_in(line: str) -> None:
    """Equal as a number, and different as a text: what is different says something."""
    file = with_receipt(f"a,n,m\n{line}\n{SECOND}\n")
    assert file.verdict is Verdict.FAIL
    assert [f.code for f in file.findings if f.verdict is Verdict.FAIL] == ["export.differs_from_receipt"]


def test_a_column_is_spelled_by_one_writer() -> None:
    """One bit in each row: with or without the point."""
    mixed = with_receipt("a,n\n0,9348.0\n1,8201\n")
    assert mixed.verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "text", [f"a,n,m\n{FIRST}\n{SECOND}\n", f"a,n,m\n{SECOND}\n", "a,n\n0.0,9348.0\n1.0,8201.0\n"]
)
def test_what_a_data_frame_writes_is_the_receipts(text: str) -> None:
    """The twins: as answered, rows left out, whole numbers as floats."""
    assert with_receipt(text).verdict is Verdict.PASS


def keys_only(rows: int, hidden: int) -> tuple[str, ProtectedTable]:
    shown = [Hidden(Reason.PRIMARY) if number < hidden else Shown(100 + number) for number in range(rows)]
    answer = ProtectedTable(
        ("k",),
        (Measure("n"),),
        tuple(ProtectedRow((76_000_000 + n,), (cell,)) for n, cell in enumerate(shown)),
        ("example",),
    )
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["k", "n", "n_status"])
    for row in answer.rows:
        cell = row.cells[0]
        table.writerow([row.keys[0], *((cell.value, "shown") if isinstance(cell, Shown) else ("", "hidden"))])
    return out.getvalue(), answer


def test_records_do_not_leave_as_the_keys_of_hidden_cells() -> None:
    """`GROUP BY age, bmi, …`: every count is hidden and every record is there."""
    text, answer = keys_only(1000, 1000)
    assert [f.code for f in with_receipt(text, answer).findings] == [
        "export.matches_receipt",
        "export.only_keys",
    ]
    without_counts = "k\n" + "".join(f"{row.keys[0]}\n" for row in answer.rows)
    assert with_receipt(without_counts, answer).verdict is Verdict.FAIL
    text, answer = keys_only(1000, 400)
    assert with_receipt(text, answer).verdict is Verdict.HUMAN
    text, answer = keys_only(150, 29)
    assert with_receipt(text, answer).verdict is Verdict.PASS


def records(count: int) -> list[tuple[int, int, float, int]]:
    chance = random.Random(7)
    return [
        (n, chance.randint(18, 95), round(chance.uniform(17, 45), 2), chance.randint(7, 7000))
        for n in range(count)
    ]


def test_nothing_that_vouches_for_itself_passes_unseen() -> None:
    """Records beside a number of persons that the researcher made up; a safe-looking table no less: a person looks."""
    forged = "case,age,bmi,futime,n\n" + "".join(f"{c},{a},{b},{f},500\n" for c, a, b, f in records(300))
    for file in (without(forged, ("case",), ("n",)), without("sex,n\nf,120\nm,95\n", ("sex",), ("n",))):
        assert file.verdict is not Verdict.PASS
        assert "export.no_receipt" in [f.code for f in file.findings]


@pytest.mark.parametrize("space", ["\u00a0", "\u2003", "\u202f", "\u3000"])
def test_a_formula_behind_any_space_is_a_formula(space: str) -> None:
    codes = {f.code for f in without(f"sex,n\n{space}=1+1,10\n", ("sex",), ("n",)).findings}
    assert "export.csv_formula" in codes


UNDECLARED = {
    "a count under another name": ("band,n,x\n20,1014,4\n30,2419,33\n", "disclosure.maybe_count", Verdict.HUMAN),
    "a percentage that gives a count": ("band,n,share\n20,1014,0.3945\n30,2419,1.3642\n", "disclosure.maybe_count", Verdict.HUMAN),
    "a share that gives a count": ("band,n,share\n20,1014,0.003945\n30,2419,0.013642\n", "disclosure.maybe_count", Verdict.HUMAN),
    "a count in words": ("band,n\n20,four\n30,2419\n", "disclosure.not_a_count", Verdict.FAIL),
    "a count in kanji": ("band,n\n20,四\n30,2419\n", "disclosure.not_a_count", Verdict.FAIL),
    "a count with its unit": ("band,n\n20,4 persons\n30,2419\n", "disclosure.not_a_count", Verdict.FAIL),
    "a count in base sixteen": ("band,n\n20,0x3\n30,2419\n", "disclosure.not_a_count", Verdict.FAIL),
}  # fmt: skip


@pytest.mark.parametrize("name", UNDECLARED)
def test_a_small_count_in_another_dress_is_seen(name: str) -> None:
    text, code, verdict = UNDECLARED[name]
    found = {f.code: f.verdict for f in without(text, ("band",), ("n",)).findings}
    assert found.get(code) is verdict


@pytest.mark.parametrize("mark", ["", "*", "-", "<10", "x", "秘匿", "10未満", "(suppressed)"])
def test_the_marks_that_people_hide_a_count_with_are_no_counts(mark: str) -> None:
    """The twin: two hidden cells without a total, as in any paper."""
    file = without(f"band,n\n20,{mark}\n30,{mark}\n40,2419\n", ("band",), ("n",))
    assert [f.code for f in file.findings] == ["export.no_receipt"]


def test_records_with_their_counts_left_empty_are_records() -> None:
    lines = "".join(f"{age},{bmi},{futime},\n" for _, age, bmi, futime in records(300))
    found = {
        f.code: f.verdict
        for f in without(f"age,bmi,futime,n\n{lines}", ("age", "bmi", "futime"), ("n",)).findings
    }
    assert found["disclosure.row_level"] is Verdict.FAIL
