"""An amendment's life as a table, its form as typed, and the revision that it brings."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product
from typing import Any

import pytest

from enclave.application import permit as permits
from enclave.application.amendment import (
    MEASURES,
    OPEN,
    TRANSITIONS,
    Bound,
    LimitsChange,
    Sheet,
    State,
    Step,
    after,
    bounds,
    change_from_json,
    is_refused,
    parse,
    possible,
    problems_of,
    question,
    revised,
    spoken,
    typed_of,
)
from enclave.application.request import Application
from enclave.application.review import Opinion
from enclave.core.ids import DatabaseId, PermitId, PersonId, ProjectId, ProvisionId
from enclave.core.permit import Limits, PlannedOutput, TableGrant
from enclave.core.permit import parse as parse_permit
from enclave.core.refusal import Refused

AT = datetime(2026, 11, 21, tzinfo=UTC)
PERMIT = permits.build(
    Application(
        project=ProjectId("nafld-fib"),
        title="T",
        purpose="P",
        public_interest="I",
        other_data="O",
        databases={DatabaseId("nafld"): {"patients": TableGrant(("pid", "age"))}},
        members=(PersonId("tanaka"),),
        outputs=(PlannedOutput("t1", "table", "By sex", ("male",)),),
        use_from=date(2026, 11, 1),
        use_to=date(2027, 10, 31),
    ),
    number=PermitId("p-2026-0001"),
    provision=ProvisionId("v-0001"),
)
LIFE = {
    (State.SUBMITTED, Step.WITHDRAW): State.WITHDRAWN,
    (State.UNDER_REVIEW, Step.WITHDRAW): State.WITHDRAWN,
    (State.SUBMITTED, Step.OPINE): State.UNDER_REVIEW,
    (State.UNDER_REVIEW, Step.OPINE): State.UNDER_REVIEW,
    (State.UNDER_REVIEW, Step.APPROVE): State.APPROVED,
    (State.UNDER_REVIEW, Step.REFUSE): State.REFUSED,
}


@pytest.mark.parametrize(("state", "step"), list(product(State, Step)))
def test_each_step_leads_where_the_table_says_and_nowhere_else(state: State, step: Step) -> None:
    """Every pair that the table does not name is refused."""
    assert possible(state, step) == ((state, step) in LIFE)
    if (state, step) in LIFE:
        assert after(state, step) is LIFE[state, step]
    else:
        with pytest.raises(Refused, match=r"amendment\.state"):
            after(state, step)


def test_open_is_what_can_still_be_decided() -> None:
    """And nothing else: those two states and no other have a step."""
    assert {t.at for t in TRANSITIONS} == OPEN


def test_the_next_revision_differs_in_what_was_asked_for_and_in_nothing_else() -> None:
    """Same number, provision, people, data and days; it prints and reads back as itself."""
    change = LimitsChange(replace(PERMIT.limits, queries_day=4000))
    later = revised(PERMIT, change)
    assert (later.reference, later.limits.queries_day) == ("p-2026-0001@2", 4000)
    assert replace(later, revision=1, limits=PERMIT.limits) == PERMIT
    assert later.carries(PERMIT)
    assert parse_permit(later.to_json()) == later
    assert change_from_json(change.to_json()) == change


def test_a_change_of_an_unknown_kind_is_not_read() -> None:
    """A row from a later version of the program is no change of limits."""
    with pytest.raises(ValueError, match="handlers"):
        change_from_json({"kind": "handlers", "limits": {}})


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("queries_day", "4000", 4000),
        ("queries_day", " 4,000 ", 4000),
        ("queries_day", "４，０００", 4000),
        ("rows_day", "60_000_000", 60_000_000),
        ("bytes_day", "7.5", 7_500_000_000),
        ("bytes_day", "5.000000001", 5_000_000_001),
    ],
)
def test_numbers_are_read_as_people_type_them(name: str, typed: str, value: int) -> None:
    """With separators, full-width, and data in GB to the byte."""
    change, problems = parse({**typed_of(PERMIT.limits), name: typed}, "because", PERMIT)
    assert problems == ()
    assert change is not None
    assert getattr(change.limits, name) == value


@pytest.mark.parametrize(
    "typed", ["many", "-1", "+1", "1e3", "1.5", "0x10", "∞", "NaN", "1" * 19, "½", "4.0.0"]
)
def test_what_is_no_number_of_questions_is_a_problem_of_its_field(typed: str) -> None:
    """One code, at that field, and no change comes of it."""
    change, problems = parse({**typed_of(PERMIT.limits), "queries_day": typed}, "because", PERMIT)
    assert change is None
    assert [(p.field, p.code) for p in problems] == [("queries_day", "amendment.number")]


def test_a_form_that_is_empty_is_missing_everything() -> None:
    """Every limit of the permit, and the reason."""
    change, problems = parse({}, "  ", PERMIT)
    assert change is None
    assert [p.field for p in problems] == [*(m.name for m in MEASURES), "reason"]
    assert {p.code for p in problems} == {"application.field_missing"}


def test_a_limit_that_the_permit_does_not_set_is_not_asked_for() -> None:
    """What is typed for it all the same changes nothing: no limit is more than any."""
    free = replace(PERMIT, limits=Limits(queries_day=10))
    change, problems = parse({"queries_day": "20", "rows_day": "5"}, "because", free)
    assert problems == ()
    assert change == LimitsChange(Limits(queries_day=20))
    assert typed_of(free.limits) == {"queries_day": "10"}


@pytest.mark.parametrize("value", [0, 1, 999, 5_000_000_000, 7_500_000_000, 5_000_000_001, 10**17])
def test_what_is_shown_reads_back_as_the_same_limit(value: int) -> None:
    """A form that is sent as it came asks for what there is."""
    for measure in MEASURES:
        limits = Limits(**{measure.name: value})
        change, _ = parse({measure.name: spoken(measure, value)}, "because", replace(PERMIT, limits=limits))
        assert change == LimitsChange(limits)


def test_one_member_refuses_nothing_two_do() -> None:
    """Counted per person, whatever the others said."""

    def sheet(person: str, opinion: Opinion) -> Sheet:
        return Sheet(PersonId(person), opinion, AT)

    no, yes = Opinion.REFUSE, Opinion.APPROVE
    assert not is_refused([sheet("sato", no), sheet("sato", no), sheet("suzuki", yes)])
    assert is_refused([sheet("sato", no), sheet("suzuki", no), sheet("ono", yes)])


def test_the_policy_is_asked_about_the_permit_and_what_is_to_become_of_it() -> None:
    """Before anything is written, what is asked for is what there is."""
    facts: dict[str, Any] = {
        "now": AT, "permit": PERMIT, "applicant": PersonId("tanaka"), "founder": None, "revises": PERMIT.reference
    }  # fmt: skip
    looked = question("look", **facts)
    assert looked["amendment"]["limits"] == looked["permit"]["limits"]
    larger = question("submit", **facts, change=LimitsChange(Limits(4000, 1, 2)))
    assert larger["amendment"]["limits"] == {"queries_day": 4000, "rows_day": 1, "bytes_day": 2}
    assert larger["permit"] == looked["permit"]


def test_the_policys_bounds_become_sentences_with_their_reasons() -> None:
    """Numbers in the field's unit; an answer without bounds has none, and hides no refusal."""
    answer = {
        "obligations": {
            "bounds": {"bytes_day": {"most": 50_000_000_000, "reason": {"ja": "理由", "en": "a reason"}}},
            "refused": [
                {"limit": "bytes_day", "code": "amendment.beyond"},
                {"limit": "rows_day", "code": "amendment.smaller"},
            ],
        }
    }
    assert bounds(answer) == {"bytes_day": Bound(50_000_000_000, "理由", "a reason")}
    rows, data = problems_of(answer, PERMIT)
    assert (rows.field, rows.code, rows.facts["present"]) == ("rows_day", "amendment.smaller", "50,000,000")
    assert (data.field, data.facts["most"], data.facts["reason_en"]) == ("bytes_day", "50 GB", "a reason")
    assert bounds({}) == {}
    assert problems_of({}, PERMIT) == ()
