"""The aggregate tier is for real work: use cases over linked databases, and variants of each, are answered there.

The databases are known by their columns' roles alone. Every shown number is the bare engine's on the same rows; a perturbed
one is near it. What is hidden is hidden for its size.
"""

import statistics
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.query import aggregate_world, world

KINDS = ("UC1", "UC3", "UC4", "UC5", "UC7", "UC8", "UC11")

MOSTLY_HIDDEN = {"UC3", "UC3b", "UC4", "UC8"}
"""Cells of a few persons, and areas by sex and age in a small population: most of it hides, as it should."""


@pytest.fixture(scope="module")
def policy() -> Iterator[Any]:
    with world.policies() as server:
        yield server


@pytest.fixture(scope="module", params=[False, True], ids=["one age per person", "ages that move on"])
def extract(request: pytest.FixtureRequest) -> Iterator[tuple[bool, Any]]:
    with aggregate_world.opened(request.param) as con:
        yield request.param, con


@pytest.fixture(scope="module")
def joint() -> Iterator[Any]:
    with aggregate_world.opened(False, homes=True) as con:
        yield con


def test_there_are_three_variants_of_each_use_case() -> None:
    """The seven kinds, each with at least three statements beside the one that is published."""
    for kind in KINDS:
        assert kind in aggregate_world.CASES
        assert len([name for name in aggregate_world.CASES if name.rstrip("abcd") == kind]) >= 4, kind


@pytest.mark.parametrize("name", sorted(aggregate_world.CASES))
def test_a_use_case_is_answered_and_what_is_shown_is_true(
    name: str, extract: tuple[bool, Any], policy: Any
) -> None:
    """No refusal; shown cells exact, perturbed ones near, and most of them there where groups are large."""
    moving, con = extract
    told = aggregate_world.compared(aggregate_world.CASES[name], con, policy)
    assert not told.wrong
    assert statistics.median(told.off or [0.0]) <= 0.10
    assert max(told.off, default=0.0) <= 0.40
    cells = sum(told.statuses.values())
    seen = cells - told.statuses.get("hidden", 0)
    assert cells
    if name not in MOSTLY_HIDDEN:
        assert seen >= 0.5 * cells, told.statuses
    if not moving and name not in MOSTLY_HIDDEN | {"UC3c"}:
        # Ages of five and ten years are made of whole blocks.
        assert told.statuses.get("shown", 0) >= 0.5 * cells, told.statuses


BY_AREA = {
    "sex, age and prefecture": (
        "SELECT sex, age // 5 * 5 a, pref_code, count(DISTINCT pid) n, count(*) FILTER (rcpt_kind = 'dpc') admitted FROM ndb.rcpt"
        " GROUP BY ALL ORDER BY ALL",
        0.6,
    ),
    "rows of claims": (
        "SELECT sex, age // 10 * 10 a, pref_code, count(DISTINCT pid) n, sum(points) p FROM ndb.rcpt GROUP BY ALL",
        0.8,
    ),
    "margins": ("SELECT sex, pref_code, count(*) n FROM cancer.reg GROUP BY CUBE (sex, pref_code)", 1.0),
    "standardised": (aggregate_world.CASES["UC3b"], 1.0),
    "expected by the table of reference rates": (
        "WITH r AS (SELECT sex, age // 10 a, avg(vital) rate FROM (VALUES (1, 60, 0.2), (2, 60, 0.1), (1, 70, 0.4), (2, 70, 0.3),"
        " (1, 80, 0.6), (2, 80, 0.5)) v(sex, age, vital) GROUP BY ALL) SELECT c.pref_code, sum(c.vital) o, sum(r.rate) e FROM"
        " cancer.reg c JOIN r ON r.sex = c.sex AND r.a = c.age // 10 GROUP BY ALL",
        1.0,
    ),
    "one area": (
        "SELECT sex, count(*) n FROM cancer.reg WHERE pref_code = '13' AND age >= 65 GROUP BY ALL",
        1.0,
    ),
    "treatments": (
        "SELECT n.pref_code, n.sex, count(DISTINCT n.pid) n FROM nanbyo.reg n WHERE EXISTS (SELECT 1 FROM ndb.iy i WHERE"
        " i.pid = n.pid AND i.yj12 LIKE '3999%') GROUP BY ALL",
        0.9,
    ),
}


@pytest.mark.parametrize("name", sorted(BY_AREA))
def test_sex_and_age_by_area_are_answered_where_blocks_know_areas(name: str, joint: Any, policy: Any) -> None:
    """Most cells are seen, shown ones are the bare engine's, perturbed ones near it."""
    text, share = BY_AREA[name]
    told = aggregate_world.compared(text, joint, policy, homes=True)
    assert not told.wrong
    assert max(told.off, default=0.0) <= 0.40
    seen = sum(told.statuses.values()) - told.statuses.get("hidden", 0)
    assert seen >= share * sum(told.statuses.values()), told.statuses


def test_areas_that_blocks_do_not_know_are_still_hidden_beside_sex(
    extract: tuple[bool, Any], policy: Any
) -> None:
    """An extract from before: its blocks lie across areas, and it is read as it was."""
    told = aggregate_world.compared(BY_AREA["sex, age and prefecture"][0], extract[1], policy)
    assert set(told.statuses) == {"hidden"}
