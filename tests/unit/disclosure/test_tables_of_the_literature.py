"""Tables that were published as examples of what cell suppression must see, protected and audited."""

from fractions import Fraction
from math import inf
from typing import Any

import pytest

from enclave.disclosure.criteria.rules import parse
from enclave.disclosure.protection.certificate import ranges
from enclave.disclosure.protection.protecting import Protected, protect
from enclave.disclosure.protection.spec import parse as spec_of
from enclave.disclosure.protection.spec import parse_tables
from enclave.disclosure.protection.system import System
from enclave.disclosure.protection.tabular import linked, tabular
from tests.property.protect_tables import rule_set

Row = dict[str, Any]


def hidden(done: Protected, *, secondary: bool = False) -> set[tuple[str, ...]]:
    return {done.tabular.keys[cell] for cell, one in done.hidden.items() if not (secondary and one.unsafe)}


def bounds(done: Protected) -> dict[tuple[str, ...], tuple[Fraction, Fraction | None]]:
    return {done.tabular.keys[cell]: (one.lower, one.upper) for cell, one in done.hidden.items()}


# Geurts, Heuristics for cell suppression in tables, working paper of Statistics Netherlands (1992), table 10, page 20; as
# example 3 of section 4.2.2 of the Handbook on Statistical Disclosure Control (Hundepool et al.).
GEURTS = ((4, 3, 7), (2, 1, 3), (3, 3, 6), (9, 7, 16))


def test_the_feasibility_interval_of_geurts() -> None:
    """Four hidden cells, of which the first is said to lie between 3 and 6."""
    values = tuple(value for row in GEURTS for value in row)
    rows = [(row * 3 + 2, (row * 3, row * 3 + 1)) for row in range(4)]
    columns = [(9 + at, (at, 3 + at, 6 + at)) for at in range(3)]
    system = System(values, (0,) * 12, False, 1, (*rows, *columns), {}, tuple(map(Fraction, values)))
    found = ranges(system, (0, 1, 3, 4), lambda: inf)
    ends = [
        (values[cell] + one.low.get(cell, 0), values[cell] + one.high.get(cell, 0))
        for cell, one in found.items()
    ]
    assert ends == [(3, 6), (1, 4), (0, 3), (0, 3)]


# Example 4 of the same section: 330 of which 300, 20 and 10; (1, 85) dominance asks for 100/85 of 300.
def test_the_upper_bound_of_a_dominated_cell() -> None:
    rows = [
        {"a": "x", "n": 3, "v": 330, "m": 300, "l": 20},
        {"a": "y", "n": 9, "v": 900, "m": 120, "l": 110},
        {"a": "z", "n": 9, "v": 1000, "m": 150, "l": 140},
        {"a": "T", "n": 21, "v": 2230, "m": 300, "l": 150},
    ]
    spec = {"dimensions": {"a": {"total": "T"}}, "count": "n", "value": "v", "max1": "m", "max2": "l"}
    rules = rule_set(1, dominance={"n": 1, "k": 85})
    done = protect(tabular(spec_of(spec), {}, rows, [parse(rules)]), lambda: inf)
    assert hidden(done) == {("x",), ("y",)}
    lower, upper = bounds(done)["x",]
    assert upper is not None
    assert upper >= Fraction(100, 85) * 300
    assert lower <= 330 - (Fraction(100, 85) * 300 - 330)


# Tables of the vignette "The problem of singletons and zeros" of easySdcTable (Langsrud, Statistics Norway); the second is by
# Lønø, of whose first row every number could be told after secondary suppression by a program of the time.
NORWAY: dict[str, tuple[dict[str, list[int]], str]] = {
    "ones in a row, whose sum tells them": ({"A": [0, 2], "B": [1, 0], "H": [7, 0], "M": [1, 2], "W": [0, 8]}, "shown"),
    "three ones in a row": ({"A": [1, 1], "B": [1, 0], "H": [7, 0], "M": [1, 2], "W": [0, 8]}, "shown"),
    "two zeros in a row": ({"A": [5, 5], "B": [0, 9], "H": [7, 9], "M": [0, 5], "W": [9, 8]}, "hidden"),
    "three zeros in a row": ({"A": [0, 0], "B": [0, 9], "H": [7, 9], "M": [0, 2], "W": [9, 8]}, "hidden"),
}  # fmt: skip


@pytest.mark.parametrize("name", NORWAY)
def test_ones_and_zeros_of_a_row_are_not_told_by_its_sum(name: str) -> None:
    """Hidden ones are at least 1 where zeros are shown; hidden zeros add up to what is missing."""
    columns, zero = NORWAY[name]
    rows: list[Row] = [
        {"row": row, "column": column, "n": numbers[at]}
        for column, numbers in columns.items()
        for at, row in enumerate(("r1", "r2"))
    ]
    rows += [{"row": "T", "column": column, "n": sum(numbers)} for column, numbers in columns.items()]
    for at, row in enumerate(("r1", "r2")):
        rows.append({"row": row, "column": "T", "n": sum(numbers[at] for numbers in columns.values())})
    rows.append({"row": "T", "column": "T", "n": sum(map(sum, columns.values()))})
    spec = {"dimensions": {"row": {"total": "T"}, "column": {"total": "T"}}, "count": "n"}
    done = protect(tabular(spec_of(spec), {}, rows, [parse(rule_set(4, zero))]), lambda: inf)
    unsafe = [row for row in rows if 0 < row["n"] < 4 or (row["n"] == 0 and zero == "hidden")]
    found = bounds(done)
    for row in unsafe:
        lower, upper = found[row["row"], row["column"]]
        assert upper is None or upper > lower


# The test of linked tables of sdcTable (Meindl; tests/testthat/test-linked-tables.r): eight regions in two hierarchies.
REGIONS = {"A": 2, "B": 2, "I": 8, "J": 8, "K": 3, "L": 3, "M": 3, "N": 7}
COUNTIES = {region: "county-1" if region in "ABIJ" else "county-2" for region in REGIONS}
GROUPS = {region: "BIG" if region in "LM" else "small" for region in REGIONS}


def regions(groups: dict[str, str]) -> tuple[list[Row], dict[str, str]]:
    counts = dict(REGIONS)
    for region, group in groups.items():
        counts[group] = counts.get(group, 0) + REGIONS[region]
    parents = groups | dict.fromkeys(groups.values(), "Total")
    return [{"region": code, "n": n} for code, n in (counts | {"Total": 36}).items()], parents


def test_two_hierarchies_of_the_same_regions_need_one_cell_more() -> None:
    """Each by itself hides what is unsafe and no more. Together, county-1 and the small differ by K and N: N is hidden too, and in
    both tables."""
    about = {"region": {"total": "Total", "hierarchy": "tree.csv"}}
    rules = [parse(rule_set(4))]
    for groups in (COUNTIES, GROUPS):
        rows, parents = regions(groups)
        alone = protect(
            tabular(spec_of({"dimensions": about, "count": "n"}), {"region": parents}, rows, rules),
            lambda: inf,
        )
        assert not hidden(alone, secondary=True)
    spec = {
        "count": "n",
        "tables": {name: {"file": f"{name}.csv", "dimensions": about} for name in ("counties", "groups")},
    }
    tables = []
    for one, groups in zip(parse_tables(spec), (COUNTIES, GROUPS), strict=True):
        rows, parents = regions(groups)
        tables.append((one, {"region": parents}, rows))
    done = protect(linked(tables, rules), lambda: inf)
    assert hidden(done, secondary=True) == {("N",)}
    assert hidden(done) == {("A",), ("B",), ("K",), ("L",), ("M",), ("N",)}
    assert all(("N",) in {part.keys[row] for row in range(len(part.keys))} for part in done.tabular.parts)


# "No matter how large the cell values": two cells of one respondent each in a sum (section 4.2.2 of the Handbook; Cox,
# Disclosure risk for tabular economic data, in Confidentiality, Disclosure and Data Access, 2001). Numbers invented.
def test_two_cells_of_one_respondent_each_do_not_hide_each_other() -> None:
    rows: list[Row] = [
        {"a": "x", "n": 1, "v": 5000},
        {"a": "y", "n": 1, "v": 7000},
        {"a": "z", "n": 9, "v": 900},
        {"a": "w", "n": 9, "v": 400},
        {"a": "T", "n": 20, "v": 13300},
    ]
    spec: dict[str, Any] = {"dimensions": {"a": {"total": "T"}}, "count": "n", "value": "v"}
    rules = [parse(rule_set(3))]
    assert hidden(protect(tabular(spec_of(spec), {}, rows, rules), lambda: inf)) == {("x",), ("y",)}
    spec["insiders"] = 1
    done = protect(tabular(spec_of(spec), {}, rows, rules), lambda: inf)
    assert hidden(done) == {("x",), ("y",), ("w",)}
