"""The linkage matrix on the days on which it changed, and what never changes in it."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enclave.catalogue.linkage import (
    Link,
    NoLink,
    NoReason,
    common_keys,
    linkage,
    matrix,
    pairs,
    parse_rules,
)
from enclave.catalogue.packaged import PLANNED, PUBLIC, linkage_rules, packaged
from enclave.core.ids import DatabaseId

RULES = linkage_rules()
EVERY = (*PUBLIC, PLANNED)
DAYS = st.dates(date(2009, 1, 1), date(2035, 12, 31))
NAMES = st.sampled_from(EVERY)

TABLE = [
    # database, database, day, best key or why not
    ("ndb", "kaigo", "2020-09-30", NoReason.NOT_YET),
    ("ndb", "kaigo", "2020-10-01", "id4"),
    ("ndb", "kaigo", "2022-03-31", "id4"),
    ("ndb", "kaigo", "2022-04-01", "id5"),
    ("ndb", "dpc", "2022-03-31", NoReason.NOT_YET),
    ("ndb", "dpc", "2022-04-01", "id5"),
    ("kaigo", "dpc", "2022-04-01", "id5"),
    ("ndb", "nextgen", "2024-03-31", NoReason.NOT_YET),
    ("ndb", "nextgen", "2024-04-01", "id5"),
    ("ndb", "idb", "2024-04-01", "id4"),
    ("nanbyo", "shoman", "2024-03-31", NoReason.NOT_YET),
    ("nanbyo", "shoman", "2024-04-01", "id5"),
    ("nextgen", "nanbyo", "2025-11-30", NoReason.NOT_YET),
    ("nextgen", "nanbyo", "2025-12-01", "id5"),
    ("nextgen", "welfare", "2025-11-30", NoReason.UNDECIDED),
    ("nextgen", "welfare", "2025-12-01", "id5"),
    ("ndb", "vac", "2026-03-31", NoReason.UNDECIDED),
    ("ndb", "vac", "2026-04-01", "id5"),
    ("ndb", "welfare", "2026-11-21", NoReason.UNDECIDED),
    ("ndb", "nanbyo", "2026-11-21", NoReason.NOT_YET),
    ("ndb", "nanbyo", "2027-04-01", "id5"),
    ("ndb", "welfare", "2027-04-01", "id5"),
    ("vac", "nextgen", "2027-04-01", NoReason.NOT_LISTED),
    ("ndb", "cancer", "2026-11-21", NoReason.ALONE),
    ("midnet", "dpc", "2026-11-21", NoReason.ALONE),
    ("ndb", "emr3", "2027-04-01", NoReason.UNDECIDED),
    ("ndb", "nafld", "2026-11-21", NoReason.NOT_LISTED),
]


@pytest.mark.parametrize(("a", "b", "day", "expected"), TABLE, ids=[f"{r[0]}-{r[1]}-{r[2]}" for r in TABLE])
def test_what_holds_for_a_pair_on_a_day(a: str, b: str, day: str, expected: str | NoReason) -> None:
    """The day itself is included, the day before is not."""
    found = linkage(RULES, DatabaseId(a), DatabaseId(b), date.fromisoformat(day))
    assert (found.reason if isinstance(found, NoLink) else found.keys[0]) == expected
    assert found.ground.ja
    assert found.ground.en


@given(NAMES, NAMES, DAYS)
def test_a_pair_has_no_order(a: DatabaseId, b: DatabaseId, day: date) -> None:
    """NDB with 介護 is 介護 with NDB."""
    if a != b:
        there, back = linkage(RULES, a, b, day), linkage(RULES, b, a, day)
        assert type(there) is type(back)
        assert there.ground == back.ground


@given(NAMES, st.sampled_from(["cancer", "midnet"]), st.dates(date(2016, 1, 1), date(2100, 1, 1)))
def test_the_cancer_registry_and_mid_net_link_with_nobody(a: DatabaseId, b: str, day: date) -> None:
    """On no day, not even where the state's databases link with one another."""
    if a != b:
        assert isinstance(linkage(RULES, a, DatabaseId(b), day), NoLink)


@given(DAYS)
def test_nothing_changes_between_two_days_of_change(day: date) -> None:
    """The days that the page offers are all the days that matter."""
    last = max((d for d in RULES.days() if d <= day), default=date.min)
    before, now = matrix(RULES, EVERY, max(last, date(2009, 1, 1))), matrix(RULES, EVERY, day)
    assert {p: isinstance(c, Link) for p, c in before.items()} == {
        p: isinstance(c, Link) for p, c in now.items()
    }


def test_every_link_of_today_is_on_a_key_that_both_databases_carry() -> None:
    """Otherwise custody could not do what the matrix promises."""
    held = {name: d.identifiers.keys for name, d in packaged().items() if d.identifiers}
    for found in matrix(RULES, PUBLIC, date(2026, 11, 21)).values():
        if isinstance(found, Link):
            assert common_keys(found, held), f"{found.a} × {found.b}"


def test_a_database_with_itself_is_no_question() -> None:
    """Its own tables share their persons anyway."""
    with pytest.raises(ValueError, match="itself"):
        linkage(RULES, DatabaseId("ndb"), DatabaseId("ndb"), date(2026, 1, 1))


def test_pairs_are_each_named_once() -> None:
    """However often and in which order databases are named."""
    assert pairs([DatabaseId(d) for d in ("ndb", "dpc", "ndb", "kaigo")]) == (
        ("dpc", "kaigo"),
        ("dpc", "ndb"),
        ("kaigo", "ndb"),
    )


def test_a_rule_that_ended_says_so() -> None:
    """And the surest row wins where several hold."""
    ground = {"ja": "理由", "en": "because"}
    day = date(2020, 1, 1)
    data = {
        "alone": [],
        "undecided": [],
        "links": [
            {
                "pair": ["a", "b"],
                "keys": ["id4"],
                "valid_from": day,
                "valid_to": date(2021, 1, 1),
                "source": "S2",
                "ground": ground,
            },
            {
                "pair": ["a", "b"],
                "keys": ["id5"],
                "valid_from": day + timedelta(30),
                "valid_to": date(2021, 1, 1),
                "source": "S2",
                "ground": ground,
                "certainty": "assumed",
            },
        ],
    }
    rules = parse_rules(data)
    a, b = DatabaseId("a"), DatabaseId("b")
    held, over = linkage(rules, a, b, date(2020, 6, 1)), linkage(rules, a, b, date(2021, 1, 1))
    assert isinstance(held, Link)
    assert held.keys == ("id4",)
    assert isinstance(over, NoLink)
    assert over.reason is NoReason.ENDED


@pytest.mark.parametrize(
    "row",
    [
        {"pair": ["a", "b"], "among": ["a", "b"]},
        {"pair": ["a", "a"]},
        {"pair": ["a"]},
        {"pair": ["a", "b"], "untill": 1},
    ],
)
def test_a_row_that_cannot_be_meant_stops_the_program(row: dict[str, object]) -> None:
    """A row about nobody, or with a key that nobody reads."""
    whole = {
        "keys": ["id5"],
        "valid_from": date(2020, 1, 1),
        "source": "S2",
        "ground": {"ja": "x", "en": "x"},
        **row,
    }
    with pytest.raises((ValueError, KeyError)):
        parse_rules({"alone": [], "undecided": [], "links": [whole]})
