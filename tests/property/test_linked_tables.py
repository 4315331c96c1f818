"""Tables that share cells, protected as one: against every assignment that fits what all of them show together."""

import copy
import json
from math import inf
from typing import Any

import pytest

from enclave.core.refusal import Refused
from enclave.disclosure.criteria.rules import parse
from enclave.disclosure.proof.reread import Files, claim
from enclave.disclosure.proof.verify import problems
from enclave.disclosure.protection import written as writing
from enclave.disclosure.protection.protecting import Protected, protect
from enclave.disclosure.protection.spec import parse_tables
from enclave.disclosure.protection.tabular import Tabular
from enclave.disclosure.protection.tabular import linked as tabular
from tests.property.linked_tables import NAMES, Linked, linked
from tests.property.protect_tables import every_table

SEEDS = range(80)
FEW = 11

Written = tuple[dict[str, list[dict[str, str]]], list[dict[str, Any]]]


def read(one: Linked) -> Tabular:
    tables = [(spec, one.parents(spec.name), one.rows[spec.name]) for spec in parse_tables(one.spec)]
    return tabular(tables, [parse(one.rules)])


def protected(one: Linked) -> Protected | None:
    try:
        return protect(read(one), lambda: inf)
    except Refused as refused:
        if refused.code != "disclosure.no_safe_pattern":
            raise
        return None


def written(done: Protected) -> Written:
    out = {spec.name: list(writing.rows(part, spec)) for part, spec, _ in writing.parts(done)}
    return out, [json.loads(line) for line in writing.certificates(done)]


def found_in(one: Linked, files: Written) -> list[str]:
    out, certificates = files
    tables = [
        Files(
            [{name: str(value) for name, value in row.items()} for row in one.rows[name]],
            out[name],
            {axis: each["total"] for axis, each in about["dimensions"].items()},
            one.parents(name),
            about.get("within", {}),
        )
        for name, about in one.spec["tables"].items()
    ]
    read, wrong = claim(tables, one.spec, [one.rules])
    return wrong or list(problems(read, certificates))


def cells(done: Protected) -> list[tuple[str, str, str]]:
    """The cells of the system with a code for every dimension, whether a table has it or not."""
    return [
        tuple(dict(zip(done.tabular.names, key, strict=True)).get(name, "T") for name in NAMES)  # type: ignore[misc]
        for key in done.tabular.keys
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_bounds_are_those_of_every_population_that_fits_all_tables(seed: int) -> None:
    """The sums are worked out from the persons: a tie between two tables that the system lacked would show."""
    one = linked(seed)
    done = protected(one)
    if done is None:
        return
    assert not found_in(one, written(done))
    system = done.tabular.system
    assert [one.count(cell) for cell in cells(done)] == list(system.values)
    for cell in system.needs:
        assert done.hidden[cell].upper is None or done.hidden[cell].upper > done.hidden[cell].lower  # type: ignore[operator]
    if 0 < len(done.hidden) <= FEW:
        most = max(system.values) + 3
        tried = every_table(
            list(system.values), list(system.least), one.sums(cells(done)), sorted(done.hidden), most
        )
        for cell, (low, high) in tried.items():
            told = done.hidden[cell]
            assert told.lower == low
            assert told.upper is None or told.upper == high


@pytest.mark.parametrize("seed", SEEDS)
def test_magnitudes_of_several_tables_hold(seed: int) -> None:
    one = linked(seed, magnitude=True)
    done = protected(one)
    if done is not None:
        assert not found_in(one, written(done))


def test_the_inventions_are_worth_it() -> None:
    """Of every shape enough have a pattern, hide more than what is unsafe, and can be tried in full."""
    done = {seed: found for seed in SEEDS if (found := protected(linked(seed)))}
    for shape in range(4):
        some = [one for seed, one in done.items() if seed % 4 == shape]
        assert sum(len(one.hidden) > len(one.tabular.system.needs) for one in some) >= 3, shape
        assert sum(0 < len(one.hidden) <= FEW for one in some) >= 3, shape


def test_a_cell_has_one_status_wherever_it_is_written() -> None:
    for seed in SEEDS:
        done = protected(linked(seed))
        if done is None:
            continue
        said: dict[int, set[str]] = {}
        for part in done.tabular.parts:
            for row, cell in enumerate(part.cells):
                hidden = done.hidden.get(cell)
                said.setdefault(cell, set()).add("shown" if hidden is None else str(hidden.unsafe))
                assert len(part.keys[row]) == len(part.spec.dimensions)
        assert all(len(one) == 1 for one in said.values())


def _worth() -> tuple[Linked, Written]:
    for seed in SEEDS:
        one = linked(seed)
        done = protected(one)
        if done is None:
            continue
        files = written(done)
        counts = [
            (name, row) for name, rows in files[0].items() for row in rows if row["status"] == "secondary"
        ]
        both = [cell for cell in done.hidden if sum(cell in part.cells for part in done.tabular.parts) > 1]
        if counts and both:
            return one, files
    raise AssertionError("none")


def test_a_cell_shown_in_one_table_and_hidden_in_another_is_found() -> None:
    one, files = _worth()
    assert not found_in(one, files)
    done = protected(one)
    assert done is not None
    shared = next(cell for cell in done.hidden if sum(cell in part.cells for part in done.tabular.parts) > 1)
    part = next(part for part in done.tabular.parts if shared in part.cells)
    row = part.cells.index(shared)
    forged = copy.deepcopy(files)
    true = str(one.rows[part.spec.name][row]["n"])
    forged[0][part.spec.name][row] |= {"status": "shown", "n": true, "lower": true, "upper": true}
    assert found_in(one, forged)


def test_a_certificate_that_breaks_a_sum_of_another_table_is_found() -> None:
    """Tables that hold by themselves and not together: a change within one alone is no move of the system."""
    one, files = _worth()
    for line in files[1]:
        for side in ("low", "high"):
            if len(line[side]) > 1:
                forged = copy.deepcopy(files)
                place = files[1].index(line)
                del forged[1][place][side][-1]
                assert found_in(one, forged)
                return
    raise AssertionError("no table to break")


@pytest.mark.parametrize("column", ["n", "v", "y"])
def test_tables_that_say_different_things_of_a_cell_are_refused_with_both_places(column: str) -> None:
    one = linked(0, magnitude=True)
    row = one.rows["t1"].index(next(row for row in one.rows["t1"] if row["a"] == "T" and row["c"] == "T"))
    one.rows["t1"][row][column] += -1 if column == "y" else 1
    with pytest.raises(Refused) as refused:
        read(one)
    assert refused.value.code in ("disclosure.tables_differ", "disclosure.margin_incomplete")
    if column == "y":
        assert refused.value.facts == {"place": f"t1:{row + 1}", "other": "t0:1"}


def test_details_of_one_table_that_are_not_the_total_of_another_are_refused() -> None:
    """Shape 1: the groups of the second table are sums of the leaves of the first."""
    one = linked(1)
    for row in one.rows["t1"]:
        if row["a"] == "a0":
            row["n"] += 1
        if row["a"] == "a1":
            row["n"] -= 1
    with pytest.raises(Refused) as refused:
        read(one)
    assert refused.value.code in (
        "disclosure.tables_differ",
        "disclosure.negative",
        "disclosure.margin_incomplete",
    )


def test_a_cell_that_another_table_leaves_out_must_be_empty() -> None:
    """Shape 3: the second table has c within b0; without its row of c0, nobody of b0 would be in c0."""
    one = linked(3)
    gone = next(row for row in one.rows["t1"] if row["c"] != "T" and row["n"])
    total = next(row for row in one.rows["t1"] if row["c"] == "T")
    one.rows["t1"].remove(gone)
    total["n"] -= gone["n"]
    with pytest.raises(Refused) as refused:
        read(one)
    assert refused.value.code == "disclosure.tables_differ"


def test_the_same_tables_give_the_same_files() -> None:
    for seed in range(8):
        once, again = protected(linked(seed)), protected(linked(seed))
        assert (once and written(once)) == (again and written(again))
