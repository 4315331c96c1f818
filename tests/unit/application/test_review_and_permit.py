"""The application's life as a table, and the permit that an approved one becomes."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from enclave.application import permit as permits
from enclave.application.request import Application
from enclave.application.review import (
    CRITERIA,
    TRANSITIONS,
    Opinion,
    OpinionSheet,
    State,
    Step,
    after,
    denied,
    possible,
    refused_databases,
)
from enclave.core.ids import DatabaseId, PermitId, PersonId, ProjectId, ProvisionId
from enclave.core.permit import PlannedOutput, TableGrant, Tier, Workspace, parse
from enclave.core.refusal import Refused

AT = datetime(2026, 11, 21, tzinfo=UTC)
APPLICATION = Application(
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
)
LIFE = {
    (State.DRAFT, Step.SAVE): State.DRAFT,
    (State.DRAFT, Step.SUBMIT): State.SUBMITTED,
    (State.DRAFT, Step.WITHDRAW): State.WITHDRAWN,
    (State.SUBMITTED, Step.OPINE): State.UNDER_REVIEW,
    (State.SUBMITTED, Step.WITHDRAW): State.WITHDRAWN,
    (State.UNDER_REVIEW, Step.OPINE): State.UNDER_REVIEW,
    (State.UNDER_REVIEW, Step.WITHDRAW): State.WITHDRAWN,
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
        with pytest.raises(Refused, match=r"application\.state"):
            after(state, step)


def test_what_is_decided_stays_decided() -> None:
    """No step leaves approved, refused or withdrawn, and no pair is named twice."""
    assert not [t for t in TRANSITIONS if t.at in {State.APPROVED, State.REFUSED, State.WITHDRAWN}]
    assert len({(t.at, t.step) for t in TRANSITIONS}) == len(TRANSITIONS)


@pytest.mark.parametrize(
    ("answer", "codes"),
    [
        ({"allow": True, "deny": []}, ()),
        ({"allow": True, "deny": ["application.own"]}, ("application.own",)),
        ({"allow": False, "deny": ["b.c", "a.b"]}, ("a.b", "b.c")),
        ({"allow": False, "deny": []}, ("policy.undefined",)),
        ({"allow": "true", "deny": []}, ("policy.undefined",)),
        ({"allow": 1, "deny": []}, ("policy.undefined",)),
        ({"allow": True}, ("policy.undefined",)),
        ({"allow": True, "deny": "none"}, ("policy.undefined",)),
        ({}, ("policy.undefined",)),
    ],
)
def test_only_an_explicit_yes_is_one(answer: dict[str, object], codes: tuple[str, ...]) -> None:
    """Silence and oddities of the policy server are a no."""
    assert denied(answer) == codes


def _sheets(*given: tuple[str, str, Opinion]) -> list[OpinionSheet]:
    return [OpinionSheet(d, PersonId(p), o, AT) for d, p, o in given]


def test_two_members_refuse_a_database_one_does_not() -> None:
    """Counted per database and per person."""
    no, yes = Opinion.REFUSE, Opinion.APPROVE
    assert refused_databases(_sheets(("a", "sato", no), ("b", "suzuki", no))) == ()
    assert refused_databases(_sheets(("a", "sato", no), ("a", "sato", no))) == ()
    assert refused_databases(_sheets(("a", "sato", no), ("a", "suzuki", no), ("b", "x", yes))) == ("a",)


def test_the_criteria_have_words_in_both_languages() -> None:
    """Ten lines, each with an id of its own."""
    assert len({c.id for c in CRITERIA}) == 10
    assert all(c.text("ja") != c.text("en") for c in CRITERIA)


def test_the_permit_grants_what_was_applied_for_and_nothing_else() -> None:
    """And reads back from its own JSON as the same value."""
    permit = permits.build(APPLICATION, number=PermitId("p-2026-0001"), provision=ProvisionId("v-0001"))
    assert permit.databases == APPLICATION.databases
    assert permit.handlers == APPLICATION.members
    assert permit.outputs == APPLICATION.outputs
    assert permit.tier is Tier.RECORD
    assert permit.workspace is Workspace.DIRECT
    assert permit.rule_sets == ("ndb-2024-09",)
    assert permit.checkers == 2
    assert parse(permit.to_json()) == permit


def test_days_of_use_are_days_in_japan_both_included() -> None:
    """In force from the first day's midnight in Japan to the midnight after the last day."""
    permit = permits.build(APPLICATION, number=PermitId("p-2026-0001"), provision=ProvisionId("v-0001"))
    assert permit.valid_from == datetime(2026, 10, 31, 15, tzinfo=UTC)
    assert permit.valid_to == datetime(2027, 10, 31, 15, tzinfo=UTC)
    permit.check_in_force(permit.valid_to - timedelta(microseconds=1))
    with pytest.raises(Refused, match=r"permit\.expired"):
        permit.check_in_force(permit.valid_to)
    with pytest.raises(Refused, match=r"permit\.not_yet_valid"):
        permit.check_in_force(permit.valid_from - timedelta(microseconds=1))


def test_a_database_without_a_rule_set_is_not_granted() -> None:
    """No threshold would bind its outputs; every set that covers one of the databases binds."""
    scopes = [
        permits.RuleScope("a", ("nafld",)),
        permits.RuleScope("b", ("*",)),
        permits.RuleScope("c", ("dpc",)),
    ]
    assert permits.rule_sets_for([DatabaseId("nafld")], scopes) == ("a", "b")
    assert permits.rule_sets_for([DatabaseId("nafld"), DatabaseId("dpc")], scopes) == ("a", "b", "c")
    with pytest.raises(Refused, match=r"application\.no_rule_set"):
        permits.rule_sets_for([DatabaseId("nafld"), DatabaseId("dpc")], scopes[:1])


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        ((), "p-2026-0001"),
        (("p-2026-0001", "p-2026-0007", "p-2025-0099"), "p-2026-0008"),
        (("p-2025-0001",), "p-2026-0001"),
    ],
)
def test_permits_are_numbered_within_their_year(taken: tuple[str, ...], expected: str) -> None:
    """One more than the highest of the year, so that a number is never used again."""
    assert permits.next_permit_id(2026, taken) == expected


def test_no_number_beyond_four_digits_is_given() -> None:
    """Rather a failure than a number that the form does not allow."""
    with pytest.raises(ValueError, match="numbered"):
        permits.next_permit_id(2026, ["p-2026-9999"])


def test_a_provisions_name_is_never_used_twice() -> None:
    """A taken one leads to the next free one, round the end of the range."""
    assert permits.provision_id(b"\x81\xc2") == "v-81c2"
    assert permits.provision_id(b"\x81\xc2", {"v-81c2", "v-81c3"}) == "v-81c4"
    assert permits.provision_id(b"\xff\xff", {"v-ffff"}) == "v-0000"
    with pytest.raises(ValueError, match="every"):
        permits.provision_id(b"\x00\x00", {f"v-{n:04x}" for n in range(1 << 16)})


def test_each_database_stands_alone_until_linkage_can_be_applied_for() -> None:
    """Two databases of one permit are two groups: their pseudonyms differ."""
    two = replace(
        APPLICATION,
        databases={
            DatabaseId("a"): {"t": TableGrant(("pid",))},
            DatabaseId("b"): {"t": TableGrant(("pid",))},
        },
    )
    permit = permits.build(two, number=PermitId("p-2026-0001"), provision=ProvisionId("v-0001"))
    assert permit.linkage_groups == (("a",), ("b",))


def test_a_permit_numbered_elsewhere_does_not_stop_the_count() -> None:
    """A permit that was brought in under another form of number is passed over; the next one still gets its own."""
    from enclave.application.permit import next_permit_id

    assert (
        next_permit_id(2026, ["p-2026-0003", "p-2026-pilot", "p-2025-0900", "p-2026-00041"]) == "p-2026-0004"
    )
