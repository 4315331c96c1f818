"""The airlock's pure rules: lifecycle, names, tables, pictures, receipts, and what leaves."""

import io
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enclave.adapters.export_views import WORDINGS
from enclave.core.ids import Digest, ExportId, PersonId
from enclave.core.lifecycle import diagram
from enclave.core.refusal import Refused
from enclave.disclosure.answers.table import (
    TOTAL,
    Hidden,
    Measure,
    ProtectedRow,
    ProtectedTable,
    Reason,
    Shown,
)
from enclave.export import checks, codes, release, review
from enclave.export.names import key, shown, well_named
from enclave.export.receipt import Difference, difference, same
from enclave.export.request import Finding, Verdict, worst
from enclave.export.review import Choice, State, Step, Vote, after, visible_votes
from enclave.export.table_text import read_sheet
from tests.fakes.custody_site import a_permit

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


# -- lifecycle -----------------------------------------------------------------------------------
def test_only_the_steps_of_the_table_are_possible() -> None:
    """Every pair of state and step that the table does not name is refused: there is no way round the checkers."""
    allowed = {(t.at, t.step): t.to for t in review.TRANSITIONS}
    for state, step in product(State, Step):
        if (state, step) in allowed:
            assert after(state, step) is allowed[state, step]
        else:
            with pytest.raises(Refused, match=r"export\.state"):
                after(state, step)


def test_every_way_to_a_release_leads_through_the_queue_and_the_checkers() -> None:
    into = {t.to: {(s.at, s.by) for s in review.TRANSITIONS if s.to is t.to} for t in review.TRANSITIONS}
    assert into[State.RELEASED] == {(State.APPROVED, "machine"), (State.RELEASED, "handler")}
    assert into[State.APPROVED] == {(State.QUEUED, "checkers")}
    assert into[State.QUEUED] == {(State.SUBMITTED, "machine"), (State.QUEUED, "checker")}


def test_the_diagram_is_made_from_the_table() -> None:
    drawn = diagram(review.TRANSITIONS)
    assert all(f"{t.at.value} --> {t.to.value}: {t.step.value} ({t.by})" in drawn for t in review.TRANSITIONS)


def test_a_vote_is_seen_by_its_own_checker_until_all_are_in() -> None:
    votes = tuple(
        Vote(PersonId(person), Choice.APPROVE, Digest("sha256:0"), NOON) for person in ("takahashi", "ito")
    )
    for state in State:
        decided = state in {State.APPROVED, State.REJECTED, State.RELEASED}
        assert visible_votes(votes, PersonId("ito"), state) == (votes if decided else votes[1:])
        assert visible_votes(votes, PersonId("mori"), state) == (votes if decided else ())


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"allow": False, "deny": []},
        {"allow": True},
        {"allow": True, "deny": ["export.state"]},
        {"allow": "true", "deny": []},
        {"allow": 1, "deny": []},
        {"allow": True, "deny": None},
    ],
)
def test_anything_but_an_explicit_yes_is_a_no(answer: dict[str, Any]) -> None:
    class Policy:
        def decide(self, path: str, question: Any) -> dict[str, Any]:
            assert path == "enclave/export/decision"
            return answer

    matter = review.Matter(ExportId("e"), PersonId("tanaka"), "t1", State.QUEUED, Digest("sha256:0"), ())
    asked = review.question(Step.QUEUE, matter, a_permit(), [], PersonId("tanaka"), [], NOON)
    with pytest.raises(Refused):
        review.decide(Policy(), asked)


# -- findings and verdicts -----------------------------------------------------------------------
def test_the_worst_verdict_counts() -> None:
    assert [worst(v) for v in ((), (Verdict.PASS,), (Verdict.HUMAN, Verdict.PASS), tuple(Verdict))] == [
        Verdict.PASS,
        Verdict.PASS,
        Verdict.HUMAN,
        Verdict.FAIL,
    ]


def test_every_code_that_a_check_can_say_has_words() -> None:
    """Codes in the airlock's sources all stand in `codes`, in both languages."""
    import inspect
    import re

    from enclave.export import flow, names, picture, receipt, table_text

    said = {
        code
        for module in (checks, flow, names, picture, receipt, review, table_text, release)
        for code in re.findall(r'"(export\.[a-z_]+)"', inspect.getsource(module))
    }
    assert said <= set(WORDINGS)
    for code, wording in codes.CODES.items():
        assert wording.title_ja, code
        assert wording.title_en, code
        assert wording.hint_ja, code
        assert wording.hint_en, code


def test_every_denial_of_the_policy_has_words() -> None:
    import re
    from pathlib import Path

    rego = (Path(__file__).parents[3] / "policies/enclave/export/decision.rego").read_text()
    denied = set(re.findall(r'deny contains "([a-z_.]+)"', rego))
    assert denied
    assert denied <= set(WORDINGS)


# -- names ---------------------------------------------------------------------------------------
NAMES = {
    "table.csv": True, "表1（性別）.csv": True, "年齢別_人数-2024.csv": True, "カタカナー.png": True, "t (1).png": True,
    "Table.CSV": False, "table": False, ".csv": False, "a..csv": False, "a.b.csv": False, " a.csv": False,
    "a .csv": False, "a/b.csv": False, "a\\b.csv": False, "a\0.csv": False, "\u202ea.csv": False, "а.csv": False,
    "ａ.csv": False, "ｶﾅ.csv": False, "nul.csv": False, "COM1.csv": False, "a.csv ": False, "한글.csv": False,
    "café.csv": False, "😀.csv": False, "-rf.csv": False, "": False,
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_are_plain_words_with_one_extension(name: str) -> None:
    assert well_named(name) is NAMES[name]


@given(st.text(max_size=120), st.integers(0, 50))
def test_what_is_shown_of_a_name_is_harmless(name: str, position: int) -> None:
    """Whatever a file is called, the name that is kept and printed has no path, no control and no turning mark."""
    import unicodedata

    kept = shown(name, position)
    assert not set("/\\<>\"'&") & set(kept)
    assert all(unicodedata.category(c)[0] != "C" for c in kept)
    assert len(kept) <= 120
    assert kept == name or kept.endswith(f"(?{position})")


def test_names_that_a_system_takes_for_one_have_one_key() -> None:
    assert key("A.csv") == key("a.csv")
    assert key("が.csv") == key("か\u3099.csv")
    assert key("a.csv") != key("b.csv")


# -- tables --------------------------------------------------------------------------------------
@given(
    st.lists(st.lists(st.text(st.characters(categories=["L", "N", "P"])), min_size=2, max_size=2), max_size=5)
)
def test_a_table_is_read_as_it_was_written(rows: list[list[str]]) -> None:
    import csv

    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([["a", "b"], *rows])
    sheet = read_sheet(out.getvalue().encode())
    assert (sheet.header, [list(row) for row in sheet.rows]) == (("a", "b"), rows)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_a_refusal(data: bytes) -> None:
    told = ""
    try:
        sheet = read_sheet(data)
        assert all(len(row) == len(sheet.header) for row in sheet.rows)
    except Refused as refused:
        told = refused.code
    assert told in {"", "export.csv_encoding", "export.csv_form"}


@given(st.binary(max_size=300))
def test_any_bytes_after_the_signature_are_no_picture(data: bytes) -> None:
    from enclave.export.picture import SIGNATURE, read_picture

    with pytest.raises(Refused):
        read_picture(SIGNATURE + data)


FORMULAS = {
    "=1": True, "=A1": True, "+A1": True, "-A1": True, "@x": True, "\tx": True, " =1": True, "＝A1": True, "－A1": True,
    "-5": False, "+5": False, "-5.2": False, "-1e-3": False, "-1,234": False, "-12.5 %": False, "-": False, "": False,
    "a=1": False, "<5": False, "1-5": False, "'=1": False,
}  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_what_fires_in_a_spreadsheet_is_found_and_numbers_are_not(text: str) -> None:
    data = f'k,v\na,"{text}"\n'.encode()
    subject = checks.Subject("t.csv", checks.Kind.TABLE, data, sheet=read_sheet(data))
    assert bool(list(checks.csv_formula(subject))) is FORMULAS[text]


def test_a_long_list_of_the_same_is_cut() -> None:
    data = b"k\n" + b"=1\n" * 500
    subject = checks.Subject("t.csv", checks.Kind.TABLE, data, sheet=read_sheet(data))
    found = [f for f in checks.examine(subject) if f.code == "export.csv_formula"]
    assert len(found) == checks.MANY_FINDINGS


# -- receipts ------------------------------------------------------------------------------------
def an_answer() -> ProtectedTable:
    """male × n with a null category, a total and a hidden cell."""
    cells: list[tuple[object, Any]] = [
        (0, Shown(120)), (1, Hidden(Reason.PRIMARY)), (None, Shown(30)), (TOTAL, Shown(155)),
    ]  # fmt: skip
    return ProtectedTable(
        ("male",), (Measure("n"),), tuple(ProtectedRow((k,), (c,)) for k, c in cells), ("example",)
    )


RECEIPTS: dict[str, tuple[str, Difference | None]] = {
    "the answer": ("male,male_status,n,n_status\n0,detail,120,shown\n1,detail,,hidden\n,detail,30,shown\n,total,155,shown\n", None),
    "rows left out": ("male,male_status,n\n0,detail,120\n", None),
    "another order": ("n,male_status,male\n155,total,\n120,detail,0\n", None),
    "floats for whole numbers": ("male,male_status,n\n0.0,detail,120.0\n", None),
    "a hidden number": ("male,male_status,n\n1,detail,5\n", Difference(1, "n")),
    "zero for hidden": ("male,male_status,n\n1,detail,0\n", Difference(1, "n")),
    "hidden said to be shown": ("male,male_status,n,n_status\n1,detail,,shown\n", Difference(1, "n_status")),
    "another number": ("male,male_status,n\n0,detail,121\n", Difference(1, "n")),
    "a row twice": ("male,male_status,n\n0,detail,120\n0,detail,120\n", Difference(2, "male")),
    "a row of its own": ("male,male_status,n\n2,detail,50\n", Difference(1, "male")),
    "a column of its own": ("male,male_status,n,m\n0,detail,120,5\n", Difference(0, "m")),
    "no dimension": ("n\n120\n", Difference(0, "male")),
    "a total that could be a missing value": ("male,n\n,155\n", Difference(1, "male")),
    "a number with a message": ("male,male_status,n\n0,detail,120 (7)\n", Difference(1, "n")),
}  # fmt: skip


@pytest.mark.parametrize("name", RECEIPTS)
def test_a_table_equals_its_receipt_or_the_place_is_named(name: str) -> None:
    text, found = RECEIPTS[name]
    assert difference(read_sheet(text.encode()), an_answer()) == found


def test_numbers_are_equal_by_value_and_nothing_else() -> None:
    table: list[tuple[str, object, bool]] = [
        ("0.1", 0.1, True), ("0.10000000000000001", 0.1, True), ("0.100000000000000005", 0.1, False), ("0.1000001", 0.1, False), ("1e2", 100, False),
        ("100", Decimal("100.00"), True), ("9007199254740993", 9007199254740992, False), ("", None, True),
        ("0", None, False), ("", 0, False), ("True", True, True), ("1", True, False), ("nan", float("nan"), True),
        ("x", 1, False), ("２", 2, False), ("2 ", 2, False), ("2.0", 2, True), ("a", "a", True), ("a", "b", False),
    ]  # fmt: skip
    for text, value, equal in table:
        assert same(text, value) is equal, (text, value)


# -- what leaves ---------------------------------------------------------------------------------
@given(
    st.lists(st.tuples(st.text(), st.text()), max_size=4),
    st.lists(st.tuples(st.text(), st.text()), max_size=4),
)
def test_two_lists_of_files_have_one_digest_only_where_they_are_one(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    assert (release.export_digest(one) == release.export_digest(other)) is (one == other)


def test_the_archive_holds_the_bytes_and_is_the_same_every_time() -> None:
    files = [("表.csv", b"a\n1\n"), ("f.png", b"\x89PNG")]
    packed = release.archive(files)
    assert packed == release.archive(files)
    with zipfile.ZipFile(io.BytesIO(packed)) as read:
        assert [(m.filename, read.read(m)) for m in read.infolist()] == files


def test_bytes_that_changed_or_are_gone_do_not_leave() -> None:
    data = b"a\n1\n"
    digest = release.digest_of(data)
    assert release.check_bytes(data, digest, "a.csv") == data
    for other in (b"a\n2\n", b"", None):
        with pytest.raises(Refused, match=r"export\.bytes_changed"):
            release.check_bytes(other, digest, "a.csv")


def test_a_finding_prints_what_shapes_say() -> None:
    finding = Finding(
        "disclosure.small_cell", Verdict.FAIL, {"row": 3, "column": "n"}, {"threshold": 10}, "example"
    )
    assert finding.to_json() == {
        "code": "disclosure.small_cell", "verdict": "fail", "where": {"row": 3, "column": "n"},
        "facts": {"threshold": 10}, "rule_set": "example",
    }  # fmt: skip
