"""Boxes: the cheapest move of their form, against trying all of them; and a safe pattern of boxes alone."""

import itertools
from collections.abc import Iterator, Mapping
from math import inf

import numpy as np
import pytest

from enclave.core.refusal import Refused
from enclave.disclosure.protection import cutting
from enclave.disclosure.protection.boxes import Boxes, grid
from enclave.disclosure.protection.covering import covered
from enclave.disclosure.protection.protecting import protect
from enclave.disclosure.protection.system import Sums, System, merged
from enclave.disclosure.protection.tabular import Tabular, tabular
from tests.property.protect_tables import Invented, invented
from tests.property.test_protecting import found_in, written

SEEDS = range(40)


def _boxes(table: Tabular) -> tuple[System, tuple[int | None, ...], Boxes]:
    small = merged(table.system)
    found = grid(table.keys, table.system.sums)
    assert found is not None
    room = np.array(
        [a - b for a, b in zip(small.system.values, small.system.least, strict=True)], dtype=float
    )
    return small.system, small.place, Boxes(found, small.place, room)


def _paths(above: Mapping[str, str]) -> Iterator[dict[str, int]]:
    """From each detail to each other one, and to the total."""

    def up(code: str) -> list[str]:
        return [code, *(up(above[code]) if code in above else [])]

    leaves = [code for code in above if code not in above.values()]
    for one in leaves:
        yield dict.fromkeys(up(one), 1)
    for one, other in itertools.permutations(leaves, 2):
        steps = dict.fromkeys(up(one), 1)
        for code in up(other):
            steps[code] = steps.get(code, 0) - 1
        yield {code: step for code, step in steps.items() if step}


def _every_box(invention: Invented, table: Tabular) -> Iterator[dict[int, int]]:
    """All products of paths, either way round, as changes of the cells of the table."""
    cell = {key: at for at, key in enumerate(table.keys)}
    for paths in itertools.product(*(list(_paths(one)) for one in invention.above.values())):
        steps = {
            key: int(np.prod([path[code] for path, code in zip(paths, key, strict=True)]))
            for key in itertools.product(*paths)
        }
        if all(key in cell for key in steps):
            for sign in (1, -1):
                yield {cell[key]: sign * step for key, step in steps.items()}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_cheapest_box_is_the_cheapest_of_all_boxes(seed: int, dimensions: int) -> None:
    """In a table with hierarchies, empty cells and cells that cannot become less, under prices drawn at random."""
    invention = invented(seed, dimensions)
    table = tabular(*invention.parsed)
    system, place, boxes = _boxes(table)
    prices = np.random.default_rng(seed).integers(1, 50, len(system)).astype(float)
    sums, least = Sums(system), dict[int, float]()
    for box in _every_box(invention, table):
        if any(place[cell] is None for cell in box):
            continue
        move = {int(place[cell] or 0): step for cell, step in box.items()}
        if sums.hold(move):
            for cell in move:
                least[cell] = min(least.get(cell, inf), float(sum(prices[one] for one in move)))
    boxes.price(prices)
    cells = np.arange(len(system))
    cost, way, side = boxes.cheapest(cells)
    for cell in range(len(system)):
        assert float(cost[cell]) == pytest.approx(least.get(cell, inf), rel=1e-5), table.keys
        if cell in least:
            move = boxes.move(cell, int(way[cell]), int(side[cell]))
            assert cell in move
            assert sums.hold(move)
            assert sum(prices[one] for one in move) == pytest.approx(float(cost[cell]), rel=1e-5)


def test_boxes_alone_give_a_safe_pattern_where_no_time_is_left_for_programmes() -> None:
    """Every unsafe count is changed by a move that keeps every sum and changes hidden cells only."""
    safe = 0
    for seed in SEEDS:
        table = tabular(*invented(seed, 3).parsed)
        system, _, boxes = _boxes(table)
        if not system.needs:
            continue
        try:
            found = covered(system, lambda: 0.0, lambda: inf, boxes)
        except Refused:
            continue
        sums = Sums(system)
        for cell in system.needs:
            move = found.moves[found.of[cell]]
            assert cell in move
            assert sums.hold(move)
            assert found.hidden.issuperset(move)
        safe += 1
    assert safe > 10


def test_a_table_whose_categories_are_no_tree_has_no_grid() -> None:
    """A code with two parents: the table is searched without boxes."""
    keys = [("a", "T"), ("p", "T"), ("q", "T")]
    assert grid(keys, [(1, (0,)), (2, (0,))]) is None


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("dimensions", [2, 3])
def test_magnitudes_hidden_by_boxes_reach_as_far_as_the_rules_ask(
    seed: int, dimensions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every table goes the way of the large ones; what is written of it is proven, and safe wherever the other way is."""
    invention = invented(seed, dimensions, magnitude=True)

    def hidden() -> set[int] | None:
        try:
            done = protect(tabular(*invention.parsed), lambda: inf)
        except Refused as refused:
            if refused.code != "disclosure.no_safe_pattern":
                raise
            return None
        assert not found_in(written(done, invention), invention)
        return set(done.hidden)

    # In three dimensions the search for the least takes seconds.
    searched = hidden() if dimensions == 2 else None
    monkeypatch.setattr(cutting, "_MANY", -1)
    boxed = hidden()
    assert dimensions == 3 or (searched is None) == (boxed is None)


def test_boxes_stand_in_where_no_programme_has_time() -> None:
    """No second is left for the search but some for a safe pattern: it is refused without boxes, and safe with them."""
    stood_in = 0
    for seed in range(40):
        table = tabular(*invented(seed, 2, magnitude=True).parsed)
        system, _, boxes = _boxes(table)
        if not system.needs:
            continue
        with pytest.raises(Refused, match=r"disclosure\.out_of_time"):
            cutting.least_cost(system, lambda: 0.0)
        try:
            found = cutting.least_cost(system, lambda: 0.0, 1.0, lambda: inf, lambda boxes=boxes: boxes)  # type: ignore[misc]
        except Refused as refused:
            if refused.code != "disclosure.no_safe_pattern":
                raise
            continue
        sums = Sums(system)
        assert all(sums.hold(move) and found.hidden.issuperset(move) for move in found.moves)
        stood_in += len(found.moves) > 0
    assert stood_in > 5
