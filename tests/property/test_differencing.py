"""An output against the history as a whole: what is found, what is said to whom, and what is offered instead."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from enclave.disclosure.files.examine import Verdict
from enclave.disclosure.releases import differencing
from enclave.disclosure.releases.differencing import OTHERS, examine, findings
from enclave.disclosure.releases.history import Book, Cell, Kind, Ruler

from .test_history import FLOORS, MOST, book, rank, sets_of, tells

RULER = Ruler(3)


def table(
    release: str, cells: dict[str, set[int]], floor: int = 10, project: str | None = "ours", name: str = "t"
) -> tuple[tuple[Cell, ...], dict[str, BitMap]]:
    sets = {f"{release}/{name}/{key}": BitMap(persons) for key, persons in cells.items()}
    return tuple(
        Cell(
            f"{release}/{name}/{key}", release, project, name, (("age", key),), len(persons),
            RULER.sketch(BitMap(persons)), floor,
        )
        for key, persons in cells.items()
    ), sets  # fmt: skip


def together(*tables: tuple[tuple[Cell, ...], dict[str, BitMap]]) -> Book:
    sets = {key: persons for _, kept in tables for key, persons in kept.items()}
    return Book(tuple(cell for cells, _ in tables for cell in cells), sets.__getitem__)


@seed(20_240_918)
@settings(max_examples=80, deadline=None)
@given(st.data(), FLOORS)
def test_an_output_passes_exactly_where_it_adds_nothing_that_tells_of_too_few(
    data: st.DataObject, floor: int
) -> None:
    """Pass means: no weights of any number of cells, one of them new, tell of 1 to n - 1 persons."""
    old, new = data.draw(sets_of(floor, 4)), data.draw(sets_of(floor, 3))
    result = examine(book(new, floor, "n", RULER), book(old, floor, "o", RULER))
    assert result.bound.complete
    if result.verdict is Verdict.PASS:
        assert tells([*old, *new], floor) == tells(old, floor)
    else:
        assert tells([*old, *new], floor)


def told_of(sets: list[frozenset[int]], few: tuple[int, ...]) -> int:
    """How many independent sums of the sets' numbers leave nobody but `few` with a part."""
    everybody = range(MOST)
    matrix = [[int(person in one) for person in everybody] for one in sets]
    others = [[row[person] for person in everybody if person not in few] for row in matrix]
    return rank(matrix) - rank(others)


@seed(20_240_918)
@settings(max_examples=80, deadline=None)
@given(st.data(), FLOORS)
def test_a_pass_adds_nothing_about_any_few_persons_to_what_was_told_before(
    data: st.DataObject, floor: int
) -> None:
    """Pass means that of every group of 1 to n - 1 persons no more sums are known than before, also where earlier
    releases already told of somebody: their finding does not cover for another."""
    old, new = data.draw(sets_of(floor, 4)), data.draw(sets_of(floor, 3))
    result = examine(book(new, floor, "n", RULER), book(old, floor, "o", RULER))
    more = any(
        told_of([*old, *new], few) > told_of(old, few)
        for size in range(1, floor)
        for few in combinations(range(MOST), size)
    )
    assert result.bound.complete
    assert result.verdict is Verdict.FAIL or not more


@seed(20_240_918)
@settings(max_examples=60, deadline=None)
@given(st.data(), FLOORS)
def test_more_releases_never_turn_a_finding_into_a_pass(data: st.DataObject, floor: int) -> None:
    """The verdict over a longer history is no milder, and every pair and three found stays found."""
    old, more = data.draw(sets_of(floor, 3)), data.draw(sets_of(floor, 3))
    mine = book(data.draw(sets_of(floor, 3)), floor, "n", RULER)
    before = examine(mine, book(old, floor, "o", RULER))
    after = examine(mine, book([*old, *more], floor, "o", RULER))
    order = [Verdict.PASS, Verdict.HUMAN, Verdict.FAIL]
    assert order.index(before.verdict) <= order.index(after.verdict)


AREAS = st.lists(st.sampled_from([None, "13101", "13102"]), min_size=6, max_size=6)


def of_areas(one: Book, areas: list[str | None], strictest: int) -> Book:
    """The cells of a book, each about a municipality or none, in tables of their own."""
    cells = (
        replace(cell, area=area, strictest=strictest, table=cell.id)
        for cell, area in zip(one.cells, areas, strict=False)
    )
    return Book(tuple(cells), one.load)


@seed(20_240_918)
@settings(max_examples=60, deadline=None)
@given(st.data(), FLOORS, AREAS, AREAS, st.integers(0, 6))
def test_more_releases_never_turn_a_finding_into_a_pass_by_municipality_either(
    data: st.DataObject, floor: int, own: list[str | None], theirs: list[str | None], strictest: int
) -> None:
    """Where cells are about municipalities whose inhabitants ask for more persons: the same, in both directions."""
    old, more = data.draw(sets_of(floor, 3)), data.draw(sets_of(floor, 3))
    plain = book(data.draw(sets_of(floor, 3)), floor, "n", RULER)
    mine = of_areas(plain, own, strictest)
    before = examine(mine, of_areas(book(old, floor, "o", RULER), theirs, strictest))
    after = examine(mine, of_areas(book([*old, *more], floor, "o", RULER), theirs, strictest))
    order = [Verdict.PASS, Verdict.HUMAN, Verdict.FAIL]
    assert order.index(before.verdict) <= order.index(after.verdict)
    # A municipality takes nothing away from what is found without one.
    bare = examine(plain, book(old, floor, "o", RULER))
    assert order.index(bare.verdict) <= order.index(before.verdict)


@seed(20_240_918)
@settings(max_examples=60, deadline=None)
@given(st.data(), FLOORS, st.integers(0, 5), AREAS)
def test_a_difference_that_may_be_a_small_municipalitys_never_passes(
    data: st.DataObject, floor: int, more: int, areas: list[str | None]
) -> None:
    """Every pair of cells of which one is about a municipality and the other about something else: fewer persons than the smallest
    municipality asks for between them are refused, or shown to a human."""
    new, old = data.draw(sets_of(floor, 2)), data.draw(sets_of(floor, 2))
    mine = of_areas(book(new, floor, "n", RULER), areas, floor + more)
    theirs = of_areas(book(old, floor, "o", RULER), areas[2:], floor + more)
    found = examine(mine, theirs)
    for cell in mine.cells:
        for other in theirs.cells:
            persons = len(mine.load(cell.id) ^ theirs.load(other.id))
            asked = floor if cell.area == other.area else floor + more
            if 0 < persons < floor:
                assert found.verdict is Verdict.FAIL
            if 0 < persons < asked:
                assert found.verdict is not Verdict.PASS


def test_what_a_difference_of_municipalities_asks_for() -> None:
    """Within one municipality its own number; beside a wider area a human looks at what a smaller one would hide; within one
    table nothing more."""
    everybody = set(range(100))
    wide, wide_sets = table("e-1", {"area": everybody})
    town, town_sets = table("e-2", {"town": everybody - set(range(15))})
    aimed = (replace(town[0], area="13101", strictest=20),)
    found = examine(together((aimed, town_sets)), together((wide, wide_sets)))
    assert [(one.kind, one.floor) for one in found.collisions] == [(Kind.AREA, 20)]
    assert found.verdict is Verdict.HUMAN
    small = (replace(aimed[0], floor=20),)
    before = (replace(wide[0], area="13101", floor=20, strictest=20),)
    found = examine(together((small, town_sets)), together((before, wide_sets)))
    assert [(one.kind, one.floor) for one in found.collisions] == [(Kind.PAIR, 20)]
    both = (replace(wide[0], release="e-2", strictest=20), aimed[0])
    assert examine(together((both, {**wide_sets, **town_sets})), together()).verdict is Verdict.PASS


def test_forty_seven_cells_against_a_total_of_all_but_one_person_are_found() -> None:
    """A total that lacks one person of what 47 released cells add up to is found, though no two or three cells tell it."""
    parts = table("r1", {str(n): set(range(20 * n, 20 * n + 20)) for n in range(47)})
    total = table("r2", {"all": set(range(20 * 47)) - {333}})
    result = examine(together(total), together(parts))
    assert result.verdict is Verdict.FAIL
    (one,) = result.collisions
    assert one.persons == 1
    assert len(one.cells) == 48


def test_a_refreshed_extract_opens_no_difference() -> None:
    """The same cell over a newer extract, in which two persons left and one came, is found; over the same persons it is not."""
    first = table("r1", {"40-": set(range(50))})
    assert examine(together(table("r2", {"40-": set(range(50))})), together(first)).verdict is Verdict.PASS
    moved = table("r2", {"40-": set(range(2, 51))})
    assert examine(together(moved), together(first)).verdict is Verdict.FAIL


def test_overlapping_cells_alone_tell_nothing() -> None:
    """Two cells that overlap in three persons, or differ by three on one side and many on the other, pass."""
    assert examine(
        together(table("r2", {"a": set(range(27, 60))})), together(table("r1", {"b": set(range(30))}))
    ).verdict is Verdict.PASS  # fmt: skip
    assert examine(
        together(table("r2", {"a": set(range(3, 60))})), together(table("r1", {"b": set(range(30))}))
    ).verdict is Verdict.PASS  # fmt: skip


def test_an_overlap_is_found_once_the_total_is_public() -> None:
    """What two cells share is the sum of both less what they cover: a public total tells it."""
    public = table("census", {"all": set(range(60))}, project=None)
    one, other = table("r1", {"b": set(range(30))}), table("r2", {"a": set(range(27, 60))})
    result = examine(together(other), together(one, public))
    assert result.verdict is Verdict.FAIL
    assert {cell.release for cell, _ in result.collisions[0].terms} == {"r1", "r2", "census"}


def test_the_asker_reads_own_and_public_releases_by_name_and_the_checker_all() -> None:
    """Another project's release is a release of another project to the asker, and has its name for the checker."""
    new = together(table("r9", {"x": set(range(30))}, project="ours"))
    for project, named in (("ours", True), (None, True), ("theirs", False)):
        old = together(table("r1", {"y": set(range(29))}, project=project))
        (said,) = findings(examine(new, old), new, old, RULER, "ours", "example")
        shown = said.finding.facts["with"]
        assert shown == (["r1 t: age=y"] if named else [OTHERS])
        assert said.checker["with"] == ["r1 t: age=y"]
        assert said.finding.where == "t: age=x"
        assert "persons" not in said.finding.facts


def test_the_grouping_that_is_offered_is_safe() -> None:
    """A category that differs by one person from a released one is offered together with its neighbour, and that passes."""
    old = together(table("r1", {"40-44": set(range(20)), "60-": set(range(100, 130))}))
    cells = {"40-44": set(range(21)), "45-49": set(range(21, 45)), "50-54": set(range(45, 70))}
    new = together(table("r2", cells))
    (said,) = findings(examine(new, old), new, old, RULER, "ours", "example")
    assert said.finding.facts["merge"] == {"dimension": "age", "categories": ["40-44", "45-49"]}
    merged = {"40-49": cells["40-44"] | cells["45-49"], "50-54": cells["50-54"]}
    assert examine(together(table("r2", merged)), old).verdict is Verdict.PASS


def test_where_nobody_is_secret_two_definitions_of_the_same_persons_are_found() -> None:
    """Under rules that hide zeros, equal persons under other words tell that nobody is between; equal words tell nothing."""
    persons = BitMap(range(20))

    def one(release: str, definition: str, hides: bool = False) -> Book:
        cell = Cell(release, release, "ours", "t", (), 20, RULER.sketch(persons), 10, definition, hides)
        return Book((cell,), {release: persons}.__getitem__)

    for words, verdict in (("same", Verdict.PASS), ("other", Verdict.FAIL)):
        for new, old in ((True, False), (False, True)):
            assert examine(one("r2", words, new), one("r1", "same", old)).verdict is verdict
    assert examine(one("r2", "other"), one("r1", "same")).verdict is Verdict.PASS


def test_a_history_too_long_for_one_system_is_left_to_a_human() -> None:
    """Beyond the bound the verdict is human, the bound is printed, and what pairs tell is still found."""
    releases = [
        table(f"r{n}", {f"{m}": set(range(5000 * n + 20 * m, 5000 * n + 20 * m + 20)) for m in range(250)})
        for n in range(3)
    ]
    quiet = together(table("new", {"x": set(range(90_000, 90_050))}))
    result = examine(quiet, together(*releases))
    assert result.verdict is Verdict.HUMAN
    assert result.bound.to_json() == {
        "released_cells": 750, "cells_together": "any", "earlier_releases_together": 1,
        "releases_without_persons": 0, "complete": False,
    }  # fmt: skip
    (said,) = findings(result, quiet, together(*releases), RULER, "ours", "example")
    assert said.finding.code == "disclosure.history_bound"
    assert said.finding.verdict is Verdict.HUMAN
    loud = together(table("new", {"x": {*range(20), 99_999}}))
    assert examine(loud, together(*releases)).verdict is Verdict.FAIL


def test_a_release_of_which_only_totals_are_known_leaves_the_output_to_a_human() -> None:
    """Where nobody has the persons behind an earlier release, nothing new passes by the machine alone."""
    new, old = together(table("r2", {"x": set(range(30))})), together()
    result = examine(new, old, without_sets=["NDB Open Data 9"])
    assert result.verdict is Verdict.HUMAN
    assert examine(new, old).verdict is Verdict.PASS


def test_a_large_output_without_a_history_is_examined_by_itself() -> None:
    """More cells than one system takes, of which many together tell of one person: found though nothing was released."""
    parts = table("new", {str(n): set(range(20 * n, 20 * n + 20)) for n in range(650)})
    total = table("new", {"all": set(range(20 * 650)) - {333}}, name="u")
    result = examine(together(parts, total), together())
    assert result.verdict is not Verdict.PASS


def test_what_only_asks_for_a_look_hides_no_collision() -> None:
    """The same persons with another value of one measure are a human's; one person between two cells stays forbidden beside it."""
    persons = set(range(30))

    def cells(release: str, kept: dict[str, set[int]], value: str) -> Book:
        made, sets = table(release, kept)
        return Book(tuple(replace(one, measure="rows", value=value) for one in made), sets.__getitem__)

    old = cells("r1", {"a": persons, "b": set(range(40, 60))}, "90")
    again = examine(cells("r2", {"a": persons}, "89"), old)
    assert [one.kind for one in again.collisions] == [Kind.RECORDS]
    assert again.verdict is Verdict.HUMAN
    assert examine(cells("r2", {"a": persons}, "90"), old).verdict is Verdict.PASS
    assert examine(cells("r2", {"February": persons}, "89"), old).verdict is Verdict.PASS
    both = examine(cells("r2", {"a": persons, "c": {*persons, *range(40, 60), 99}}, "89"), old)
    assert both.verdict is Verdict.FAIL
    new = cells("r2", {"a": persons}, "89")
    (said,) = findings(again, new, old, RULER, "ours", "example")
    assert (said.finding.code, said.finding.verdict) == ("disclosure.history_records", Verdict.HUMAN)


def test_a_number_released_again_is_not_blamed_for_what_others_told_before() -> None:
    """Two earlier releases collide with each other; releasing one of their cells again tells nothing new."""
    old = together(
        table("r1", {str(n): set(range(20 * n, 20 * n + 20)) for n in range(4)}),
        table("r0", {"all": set(range(80)) - {7}}),
    )
    assert examine(together(table("r2", {"2": set(range(40, 60))})), old).verdict is Verdict.PASS


def test_how_deep_an_output_was_examined_is_said_also_where_it_passes() -> None:
    """With a history the bound is a finding that passes; without one there is nothing to say."""
    new, old = together(table("r2", {"x": set(range(30))})), together(table("r1", {"y": set(range(40, 80))}))
    (said,) = findings(examine(new, old), new, old, RULER, "ours", "example")
    assert (said.finding.code, said.finding.verdict) == ("disclosure.history_examined", Verdict.PASS)
    assert said.finding.facts["released_cells"] == 1
    assert findings(examine(new, together()), new, together(), RULER, "ours", "example") == []


def test_a_hidden_cell_follows_once_the_cell_that_covered_it_is_released() -> None:
    """A small cell was hidden with a large one beside it; releasing the large one in another table tells the small one."""
    row = {"all": set(range(100)), "a": set(range(40)), "b": set(range(40, 77))}
    covered = together(table("r1", row))
    cover = together(table("r2", {"c": set(range(77, 97))}))
    result = examine(cover, covered)
    assert result.verdict is Verdict.FAIL
    assert [one.persons for one in result.collisions] == [3]


@seed(20_240_918)
@settings(max_examples=80, deadline=None)
@given(st.data(), FLOORS)
def test_an_output_beyond_one_system_passes_nothing_that_one_system_would_find(
    data: st.DataObject, floor: int
) -> None:
    """Where output and history are not one system, a pass still means that nothing more is told."""
    old, new = data.draw(sets_of(floor, 4)), data.draw(sets_of(floor, 3))
    cut = data.draw(st.integers(0, len(old)))
    earlier = (book(old[:cut], floor, "o", RULER), book(old[cut:], floor, "q", RULER))
    released = Book(
        (*earlier[0].cells, *earlier[1].cells),
        lambda name: earlier[0 if name.startswith("o") else 1].load(name),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(differencing, "WHOLE", 0)
        result = examine(book(new, floor, "n", RULER), released)
    more = any(
        told_of([*old, *new], few) > told_of(old, few)
        for size in range(1, floor)
        for few in combinations(range(MOST), size)
    )
    assert result.verdict is not Verdict.PASS or not more


def test_releases_in_between_move_no_related_one_out_of_sight() -> None:
    """Any number of harmless tables after the one that an output collides with leaves the collision found."""
    related = table("r0", {str(n): set(range(20 * n, 20 * n + 20)) for n in range(5)})
    harmless = [
        table(f"s{n:02}", {str(m): set(range(1000 * n + 20 * m, 1000 * n + 20 * m + 20)) for m in range(20)})
        for n in range(1, 46)
    ]
    total = together(table("new", {"all": set(range(100)) - {33}}))
    result = examine(total, together(related, *harmless))
    assert result.verdict is Verdict.FAIL
    assert [one.persons for one in result.collisions] == [1]
