"""What makes a draft a complete application: a table of drafts and their problems."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enclave.application.codes import CODES
from enclave.application.request import Draft, Known, draft_from_json, parse
from enclave.core.permit import Period

KNOWN = Known(
    columns={"nafld": {"patients": ("pid", "age", "male"), "labs": ("pid", "days", "value")}},
    persons=frozenset({"tanaka", "mori"}),
    projects=frozenset({"taken"}),
    today=date(2026, 11, 21),
    row_condition=lambda _database, _table, text: text == "age >= 18",
)
TEXTS = {
    "project": "nafld-fib",
    "title": "T",
    "purpose": "P",
    "public_interest": "I",
    "other_data": "O",
    "use_from": "2026-11-01",
    "use_to": "2027-10-31",
    "tier": "record",
}
DRAFT = Draft(
    texts=TEXTS,
    columns=("nafld.patients.male", "nafld.patients.pid"),
    limits={},
    members=("tanaka",),
    outputs=({"id": "t1", "kind": "table", "title": "By sex", "dimensions": "male, age"},),
)


def problems_of(draft: Draft) -> list[tuple[str, str]]:
    complete, problems = parse(draft, KNOWN)
    assert (complete is None) == bool(problems)
    return [(p.field, p.code.removeprefix("application.")) for p in problems]


def texts(**changed: str) -> Draft:
    return replace(DRAFT, texts={**TEXTS, **changed})


def limits(place: str = "nafld.patients", **named: str) -> Draft:
    return replace(DRAFT, limits={place: named})


def output(**changed: str) -> Draft:
    return replace(DRAFT, outputs=({**DRAFT.outputs[0], **changed},))


CASES: list[tuple[str, Draft, list[tuple[str, str]]]] = [
    ("complete", DRAFT, []),
    ("no purpose", texts(purpose=" "), [("purpose", "field_missing")]),
    ("a page too long", texts(other_data="x" * 4001), [("other_data", "text_too_long")]),
    ("capital letters", texts(project="NAFLD"), [("project", "project_name")]),
    ("a taken name", texts(project="taken"), [("project", "project_taken")]),
    ("no column", replace(DRAFT, columns=()), [("columns", "field_missing")]),
    ("an unknown table", replace(DRAFT, columns=("nafld.x.y",)), [("columns", "unknown_table")]),
    ("an unknown database", replace(DRAFT, columns=("ndb.patients.age",)), [("columns", "unknown_table")]),
    ("an unknown column", replace(DRAFT, columns=("nafld.patients.name",)), [("columns", "unknown_column")]),
    ("no dots", replace(DRAFT, columns=("x",)), [("columns", "unknown_table")]),
    ("half a period", limits(period_column="age"), [("period_from.nafld.patients", "field_missing"), ("period_to.nafld.patients", "field_missing")]),
    ("a period on nothing", limits(period_column="x", period_from="1", period_to="2"), [("period_column.nafld.patients", "unknown_column")]),
    ("a period backwards", limits(period_column="age", period_from="5", period_to="5"), [("period_to.nafld.patients", "period_order")]),
    ("a period of two kinds", limits(period_column="age", period_from="5", period_to="2026-01-01"), [("period_to.nafld.patients", "period_value")]),
    ("a period of words", limits(period_column="age", period_from="a", period_to="2"), [("period_from.nafld.patients", "period_value")]),
    ("a day that is none", limits(period_column="age", period_from="2026-02-30", period_to="2026-03-01"), [("period_from.nafld.patients", "period_value")]),
    ("a good condition", limits(rows="age >= 18"), []),
    ("a bad condition", limits(rows="1; DROP TABLE x"), [("rows.nafld.patients", "row_condition")]),
    ("limits without columns", limits("nafld.labs", rows="age >= 18"), [("rows.nafld.labs", "limit_without_columns")]),
    ("nobody", replace(DRAFT, members=()), [("members", "field_missing")]),
    ("a stranger", replace(DRAFT, members=("tanaka", "x")), [("members", "unknown_person")]),
    ("no output", replace(DRAFT, outputs=()), [("output_id.0", "field_missing")]),
    ("an odd output id", output(id="T 1"), [("output_id.0", "output_id")]),
    ("an output without a title", output(title=""), [("output_title.0", "field_missing")]),
    ("an odd kind", output(kind="film"), [("output_kind.0", "unknown_choice")]),
    ("an id twice", replace(DRAFT, outputs=DRAFT.outputs * 2), [("output_id.1", "output_twice")]),
    ("no date", texts(use_from="soon"), [("use_from", "date")]),
    ("backwards", texts(use_from="2027-11-01"), [("use_to", "period_order")]),
    ("over", texts(use_from="2025-01-01", use_to="2026-11-20"), [("use_to", "period_over")]),
    ("ends today", texts(use_to="2026-11-21"), []),
    ("two years to the day", texts(use_to="2028-10-31"), []),
    ("a day more", texts(use_to="2028-11-01"), [("use_to", "too_long_period")]),
    ("from 29 February", texts(use_from="2028-02-29", use_to="2030-02-28"), []),
    ("from 29 February, a day more", texts(use_from="2028-02-29", use_to="2030-03-01"), [("use_to", "too_long_period")]),
    ("an odd tier", texts(tier="all"), [("tier", "unknown_choice")]),
]  # fmt: skip


@pytest.mark.parametrize(("draft", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_each_draft_has_exactly_these_problems(draft: Draft, expected: list[tuple[str, str]]) -> None:
    """Every problem is named with its field; what is right is not complained about."""
    assert problems_of(draft) == expected


def test_every_problem_has_its_sentence_in_both_languages() -> None:
    """No code of the table is shown to people as itself."""
    for code in {f"application.{code}" for _, _, expected in CASES for _, code in expected}:
        assert CODES[code].title_ja
        assert CODES[code].title_en


def test_several_problems_come_in_the_order_of_the_form() -> None:
    """All at once, so that nobody submits five times."""
    draft = replace(texts(title="", use_to="2030-01-01"), members=("x",), columns=())
    assert [field for field, _ in problems_of(draft)] == ["title", "columns", "members", "use_to"]


def test_an_application_holds_what_the_draft_says() -> None:
    """Columns in the catalogue's order, the period as typed, outputs with their dimensions apart."""
    draft = replace(
        limits(period_column="age", period_from="18", period_to="65", rows="age >= 18"),
        columns=("nafld.patients.male", "nafld.patients.pid", "nafld.patients.pid"),
    )
    application, _ = parse(draft, KNOWN)
    assert application is not None
    grant = application.databases["nafld"]["patients"]  # type: ignore[index]
    assert grant.columns == ("pid", "male")
    assert grant.period == Period("age", "18", "65")
    assert grant.rows == "age >= 18"
    assert application.outputs[0].dimensions == ("male", "age")
    assert application.parties("mori") == {"mori", "tanaka"}


words = st.text(max_size=12)


@given(
    st.builds(
        Draft,
        texts=st.dictionaries(st.sampled_from([*TEXTS, "x"]), words),
        columns=st.lists(st.one_of(words, st.just("nafld.patients.age")), max_size=4).map(tuple),
        limits=st.dictionaries(
            st.sampled_from(["nafld.patients", "x", "a.b.c"]), st.dictionaries(st.sampled_from(["rows", "period_column", "period_from", "period_to"]), words)
        ),
        members=st.lists(words, max_size=3).map(tuple),
        outputs=st.lists(st.dictionaries(st.sampled_from(["id", "kind", "title", "dimensions"]), words), max_size=3).map(tuple),
    )
)  # fmt: skip
def test_whatever_is_typed_is_kept_and_judged_without_failing(draft: Draft) -> None:
    """A draft survives its JSON unchanged, and reading it gives an application or problems, never an exception."""
    assert draft_from_json(draft.to_json()) == draft
    application, problems = parse(draft, KNOWN)
    assert (application is None) == bool(problems)
    assert all(p.code in CODES for p in problems)
