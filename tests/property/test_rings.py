"""Three margins of a table that nobody writes: what is unsafe in them stays open to whoever knows that the table exists."""

import itertools
import random
from typing import Any

import highspy
import numpy as np
import pytest

from enclave.core.refusal import Refused
from enclave.disclosure import library
from enclave.disclosure.library import ProtectedTable
from enclave.disclosure.protection import protecting, rings
from tests.property.protect_tables import rule_set

Leaf = tuple[str, str, str]
Table = dict[str, list[dict[str, Any]]]

PAIRS = (("a", "b"), ("a", "c"), ("b", "c"))
OPEN = (4, 34, 38)
"""Where sums alone leave a cell open, and the table pins it."""


def margins(cube: dict[Leaf, int]) -> Table:
    tables: Table = {}
    for names in PAIRS:
        axes = ["abc".index(name) for name in names]
        codes = [sorted({leaf[axis] for leaf in cube}) for axis in axes]
        tables["".join(names)] = [
            dict(zip(names, key, strict=True))
            | {
                "n": sum(
                    n
                    for leaf, n in cube.items()
                    if all(k in ("T", leaf[x]) for k, x in zip(key, axes, strict=True))
                )
            }
            for key in itertools.product(*([*one, "T"] for one in codes))
        ]
    return tables


def invented(seed: int) -> tuple[dict[Leaf, int], Table]:
    rng = random.Random(seed)
    size = rng.choice([3, 3, 4])
    names = [[f"{name}{at}" for at in range(size)] for name in "abc"]
    empty_at = rng.choice([0.4, 0.5, 0.6, 0.7])
    cube = {
        (a, b, c): 0 if rng.random() < empty_at else rng.choice([1, 2, 3, 4, 5, 8, 15, 30])
        for a, b, c in itertools.product(*names)
    }
    return cube, margins(cube)


SPEC: dict[str, Any] = {
    "tables": {
        "".join(names): {
            "file": f"{''.join(names)}.csv",
            "dimensions": {one: {"total": "T"} for one in names},
        }
        for names in PAIRS
    },
    "count": "n",
}


def protected(tables: Table, whole_numbers: int = 2) -> tuple[ProtectedTable, ...]:
    rules = rule_set(5, interval={"min_whole_numbers": whole_numbers})
    try:
        return library.protect_tables(tables, SPEC, [library.rule_set(rules)])
    except Refused as no:
        if no.code != "disclosure.no_safe_pattern":
            raise
        return ()


def narrow(
    cube: dict[Leaf, int], tables: Table, done: tuple[ProtectedTable, ...], width: int
) -> list[tuple[str, ...]]:
    """Unsafe cells that whoever knows all three tables knows to less than `width`: over all tables of whole numbers that fit."""
    leaves = list(cube)
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    places = np.arange(len(leaves), dtype=np.int32)
    for _ in leaves:
        highs.addVar(0, highspy.kHighsInf)
    highs.changeColsIntegrality(len(leaves), places, np.ones(len(leaves), dtype=np.uint8))
    unsafe: dict[tuple[str, ...], list[int]] = {}
    for table in done:
        for said, row in zip(table.rows, tables[table.name], strict=True):
            codes = [said.get(name, "T") for name in "abc"]
            inside = [
                at
                for at, leaf in enumerate(leaves)
                if all(k in ("T", x) for k, x in zip(codes, leaf, strict=True))
            ]
            low, high = (row["n"], row["n"]) if said["status"] == "shown" else (1, highspy.kHighsInf)
            highs.addRow(low, high, len(inside), np.array(inside, dtype=np.int32), np.ones(len(inside)))
            if said["status"] == "primary":
                unsafe[tuple(codes)] = inside
    found = []
    for codes, inside in unsafe.items():
        ends = []
        for sign in (1.0, -1.0):
            costs = np.zeros(len(leaves))
            costs[inside] = sign
            highs.changeColsCost(len(leaves), places, costs)
            highs.run()
            solved = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
            ends.append(sign * highs.getInfo().objective_function_value if solved else -sign * np.inf)
        if ends[1] - ends[0] < width - 0.5:
            found.append(codes)
    return found


@pytest.mark.parametrize("seed", [*OPEN, *range(40, 52)])
def test_unsafe_cells_hold_against_whoever_knows_that_the_table_exists(seed: int) -> None:
    cube, tables = invented(seed)
    assert not narrow(cube, tables, protected(tables), 1)


def test_a_wider_interval_holds_in_a_ring_too() -> None:
    for seed in range(5):
        cube, tables = invented(seed)
        assert not narrow(cube, tables, protected(tables, 4), 3), seed


@pytest.mark.parametrize("seed", OPEN)
def test_sums_alone_do_not_tell_it(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The referee finds what the engine would leave open if it knew sums only."""
    cube, tables = invented(seed)
    monkeypatch.setattr(protecting, "against_rings", lambda tabular, small, hidden, left: hidden)
    assert narrow(cube, tables, protected(tables), 1)


def test_what_is_hidden_besides_is_proven_as_all_else() -> None:
    """The certificates hold, and the cost is that of what is hidden."""
    for seed in OPEN:
        _, tables = invented(seed)
        for table in protected(tables):
            costs = {tuple(row[name] for name in table.name): row["n"] for row in tables[table.name]}
            hidden = [row for row in table.rows if row["status"] == "secondary"]
            assert sum(costs[tuple(row[name] for name in table.name)] for row in hidden) <= table.cost
            assert table.bound <= table.cost
            assert not table.optimal


@pytest.mark.parametrize(
    ("scopes", "is_one"),
    [
        (("ab", "bc", "ac"), True),
        (("ab", "bc", "cd", "ad"), True),
        (("ab", "bc"), False),
        (("ab", "bc", "cd"), False),
        (("ab", "ac", "ad"), False),
        (("ab", "bc", "ac", "abc"), False),
        (("abc", "bcd", "ad"), True),
        (("ab", "ab"), False),
        (("a",), False),
        (("ab", "cd"), False),
    ],
)
def test_which_tables_form_a_ring(scopes: tuple[str, ...], is_one: bool) -> None:
    assert rings.ring(frozenset(one) for one in scopes) is is_one


def test_margins_that_no_table_has_are_refused() -> None:
    """They agree two by two and are of no population: a knows b, b knows c, and a contradicts c."""
    tables = margins(dict.fromkeys(itertools.product(("a0", "a1"), ("b0", "b1"), ("c0", "c1")), 0))
    diagonal, other = {("0", "0"): 3, ("1", "1"): 3}, {("0", "1"): 3, ("1", "0"): 3}
    for name, held in (("ab", diagonal), ("bc", diagonal), ("ac", other)):
        for row in tables[name]:
            codes = [row[one][-1] for one in name]
            row["n"] = sum(
                n for key, n in held.items() if all(k in ("T", x) for k, x in zip(codes, key, strict=True))
            )
    with pytest.raises(Refused, match="tables_differ"):
        library.protect_tables(tables, SPEC, [library.rule_set(rule_set(5))])


def test_tables_that_part_the_same_people_differently_are_left_to_their_sums() -> None:
    """Groups in one and finer codes in another, and nobody says how they belong together: they are not taken to contradict."""
    _, tables = invented(4)
    finer = {code: f"{code}{at}" for at, code in enumerate(("a0", "a1", "a2"))}
    apart = {**tables, "ac": [row | {"a": finer.get(row["a"], row["a"])} for row in tables["ac"]]}
    assert protected(apart)


def test_a_ring_of_too_many_cells_is_refused_and_nothing_else_is(monkeypatch: pytest.MonkeyPatch) -> None:
    _, tables = invented(4)
    monkeypatch.setattr(rings, "CELLS_AT_MOST", 5)
    with pytest.raises(Refused, match="ring_too_large"):
        library.protect_tables(tables, SPEC, [library.rule_set(rule_set(5))])
    two = {name: tables[name] for name in ("ab", "ac")}
    spec = {**SPEC, "tables": {name: SPEC["tables"][name] for name in two}}
    assert library.protect_tables(two, spec, [library.rule_set(rule_set(5))])


def test_a_ring_whose_table_is_too_large_to_be_asked_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than left unasked: its margins may pin what is unsafe."""
    monkeypatch.setattr(rings, "CELLS_AT_MOST", 3)
    with pytest.raises(Refused) as no:
        protected(invented(OPEN[0])[1])
    assert no.value.code == "disclosure.ring_too_large"
    assert no.value.facts == {"limit": 3}
