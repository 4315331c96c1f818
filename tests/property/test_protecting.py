"""Tables that `protect` hides cells of, against trying every table that fits; certificates, and forged ones."""

import copy
import json
from collections.abc import Mapping
from fractions import Fraction
from math import inf
from typing import Any

import pytest

from enclave.core.refusal import Refused
from enclave.disclosure.proof.reread import Files as Written
from enclave.disclosure.proof.reread import claim
from enclave.disclosure.proof.verify import problems
from enclave.disclosure.protection import protecting
from enclave.disclosure.protection import written as writing
from enclave.disclosure.protection.least import least_of_sums
from enclave.disclosure.protection.protecting import Protected, protect
from enclave.disclosure.protection.system import merged
from enclave.disclosure.protection.tabular import tabular
from tests.property.protect_tables import Invented, every_table, invented

COUNTS = [(seed, dimensions) for seed in range(60) for dimensions in (2, 3) if dimensions == 2 or seed < 25]
MAGNITUDES = range(60)

FEW = 11
"""Hidden cells of which every table can be tried."""

Files = tuple[list[dict[str, str]], list[dict[str, Any]]]


def protected(table: Invented) -> Protected | None:
    """None where no pattern is safe: small tables in which everything is small."""
    try:
        return protect(tabular(*table.parsed), lambda: inf)
    except Refused as refused:
        if refused.code != "disclosure.no_safe_pattern":
            raise
        return None


def written(done: Protected, table: Invented) -> Files:
    """OUT and its certificates, as they are read back."""
    spec = table.parsed[0]
    rows = list(writing.rows(done, spec))
    return rows, [json.loads(line) for line in writing.certificates(done)]


def found_in(files: Files, table: Invented) -> list[str]:
    out, certificates = files
    totals = {name: about["total"] for name, about in table.spec["dimensions"].items()}
    read, wrong = claim([Written(table.by_code(), out, totals, table.parents, {})], table.spec, [table.rules])
    return wrong or list(problems(read, certificates))


def all_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table of counts goes the way of the large ones."""
    monkeypatch.setattr(protecting, "_MANY", -1)


@pytest.mark.parametrize(("seed", "dimensions"), COUNTS)
@pytest.mark.parametrize("large", [False, True])
def test_bounds_of_hidden_counts_are_those_of_every_table_that_fits(
    seed: int, dimensions: int, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no unsafe one is pinned: the bounds are wide enough, and attained."""
    if large:
        all_covered(monkeypatch)
    table = invented(seed, dimensions)
    done = protected(table)
    if done is None:
        return
    system = done.tabular.system
    assert not found_in(written(done, table), table)
    for cell in system.needs:
        low, high = done.hidden[cell].lower, done.hidden[cell].upper
        assert high is None or high - low >= 1
    if 0 < len(done.hidden) <= FEW:
        most = max(system.values) + 4
        tried = every_table(
            list(system.values), list(system.least), list(system.sums), sorted(done.hidden), most
        )
        for cell, (low, high) in tried.items():
            told = done.hidden[cell]
            assert told.lower == low
            # Where there is no end, the trying has one: it goes no higher than `most` in any cell.
            assert told.upper is None or told.upper == high


@pytest.mark.parametrize("seed", MAGNITUDES)
def test_hidden_magnitudes_reach_as_far_as_the_rules_ask(seed: int) -> None:
    table = invented(seed, 2, magnitude=True)
    done = protected(table)
    if done is None:
        return
    assert not found_in(written(done, table), table)
    system = done.tabular.system
    for cell, need in system.needs.items():
        true, told = Fraction(system.values[cell], system.unit), done.hidden[cell]
        assert told.lower <= true - need.down / system.unit
        assert told.upper is None or told.upper >= true + need.up / system.unit


def test_the_inventions_are_worth_it() -> None:
    """Enough of them have a pattern, hide more than what is unsafe, and can be tried in full."""
    done = [found for seed, dimensions in COUNTS if (found := protected(invented(seed, dimensions)))]
    assert len(done) > 60
    assert sum(len(one.hidden) > len(one.tabular.system.needs) for one in done) > 30
    assert sum(0 < len(one.hidden) <= FEW for one in done) > 40
    magnitudes = [found for seed in MAGNITUDES if (found := protected(invented(seed, 2, magnitude=True)))]
    assert sum(any(need.down for need in one.tabular.system.needs.values()) for one in magnitudes) > 20


def _least_by_trying(done: Protected) -> float:
    """The least cost of any safe pattern: tries all sets of cells."""
    system = done.tabular.system
    spare = [cell for cell in range(len(system)) if cell not in system.needs and system.values[cell]]
    if len(spare) > 8:
        return -1
    best = float("inf")
    for chosen in range(1 << len(spare)):
        hidden = sorted({*system.needs, *(cell for at, cell in enumerate(spare) if chosen >> at & 1)})
        cost = float(sum(system.costs[cell] for cell in hidden if cell not in system.needs))
        if cost >= best or len(hidden) > FEW:
            continue
        most = max(system.values) + 4
        tried = every_table(list(system.values), list(system.least), list(system.sums), hidden, most)
        if all(tried[cell][1] - tried[cell][0] >= system.needs[cell].slide for cell in system.needs):
            best = cost
    return best


def test_small_tables_are_hidden_at_the_least_cost_of_all() -> None:
    tried = 0
    for seed in range(30):
        done = protected(invented(seed, 2))
        if done is None or not done.hidden:
            continue
        least = _least_by_trying(done)
        if least < 0 or least == float("inf"):
            continue
        tried += 1
        assert done.found.cost == pytest.approx(least), seed
        assert done.found.bound == pytest.approx(least), seed
    assert tried > 4


def test_what_the_sums_say_of_the_least_cost_is_never_more_than_it() -> None:
    """Nor nothing, where an unsafe cell stands alone in a sum."""
    said = 0
    for seed in range(40):
        done = protected(invented(seed, 2 + seed % 2))
        if done is None or not done.hidden or done.found.ended:
            continue
        least = float(least_of_sums(merged(done.tabular.system).system))
        assert least <= done.found.cost * (1 + 1e-9)
        said += least > 0
    assert said > 10


def test_the_same_table_gives_the_same_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(8):
        table = invented(seed, 3)
        once, again = protected(table), protected(table)
        assert (once and written(once, table)) == (again and written(again, table))
    all_covered(monkeypatch)
    for seed in range(8):
        table = invented(seed, 3)
        once, again = protected(table), protected(table)
        assert (once and written(once, table)) == (again and written(again, table))


def _some() -> tuple[Invented, Files]:
    for seed in range(100):
        table = invented(seed, 2)
        done = protected(table)
        if done and len(done.hidden) > len(done.tabular.system.needs) > 1:
            return table, written(done, table)
    raise AssertionError("no table with hidden cells")


def _pinned(out: list[dict[str, str]], certificates: list[dict[str, Any]]) -> None:
    certificates[0]["low"] = certificates[0]["high"] = []


def _missing(out: list[dict[str, str]], certificates: list[dict[str, Any]]) -> None:
    del certificates[0]


def _moved(out: list[dict[str, str]], certificates: list[dict[str, Any]]) -> None:
    side = "high" if certificates[0]["high"] else "low"
    certificates[0][side][0][1] += 1


def _half(out: list[dict[str, str]], certificates: list[dict[str, Any]]) -> None:
    for side in ("low", "high"):
        certificates[0][side] = [[place, f"{2 * value + 1}/2"] for place, value in certificates[0][side]]


def _negative(out: list[dict[str, str]], certificates: list[dict[str, Any]]) -> None:
    for side in ("low", "high"):
        for pair in certificates[0][side]:
            pair[1] = -1


def _of_shown(out: list[dict[str, str]], certificates: list[dict[str, Any]]) -> None:
    shown = next(row for row in out if row["status"] == "shown" and row["n"] != "0")
    certificates[0]["high"].append([{"a": shown["a"], "b": shown["b"]}, int(shown["n"]) + 1])


def _shown_after_all(out: list[dict[str, str]], certificates: list[dict[str, Any]]) -> None:
    row = next(row for row in out if row["status"] == "secondary")
    row["status"], row["n"] = "shown", row["lower"]


def _false(out: list[dict[str, str]], certificates: list[dict[str, Any]]) -> None:
    row = next(row for row in out if row["status"] == "shown")
    row["n"] = str(int(row["n"]) + 1)


def _left_in(out: list[dict[str, str]], certificates: list[dict[str, Any]]) -> None:
    next(row for row in out if row["status"] == "primary")["n"] = "1"


def _relabelled(out: list[dict[str, str]], certificates: list[dict[str, Any]]) -> None:
    next(row for row in out if row["status"] == "primary")["status"] = "secondary"


def _wider(out: list[dict[str, str]], certificates: list[dict[str, Any]]) -> None:
    row = next(row for row in out if row["status"] == "primary" and row["upper"] != "inf")
    row["upper"] = str(int(row["upper"]) + 1)


def _row_less(out: list[dict[str, str]], certificates: list[dict[str, Any]]) -> None:
    del out[0]


def _twice(out: list[dict[str, str]], certificates: list[dict[str, Any]]) -> None:
    for side in ("low", "high"):
        certificates[0][side] = [pair for pair in certificates[0][side] for _ in range(2)]


@pytest.mark.parametrize(
    "forge",
    [_pinned, _missing, _moved, _half, _negative, _of_shown, _shown_after_all, _false, _left_in, _relabelled, _wider, _row_less, _twice],
)  # fmt: skip
def test_a_forged_certificate_does_not_hold(forge: Any) -> None:
    table, files = _some()
    assert not found_in(files, table)
    forged = copy.deepcopy(files)
    forge(*forged)
    assert forged != files
    assert found_in(forged, table)


def test_a_pattern_of_unsafe_cells_alone_does_not_hold() -> None:
    """What the search for a pattern is for: the unsafe cells alone can be had by subtraction."""
    table, (out, certificates) = _some()
    true: Mapping[tuple[str, str], int] = {(row["a"], row["b"]): row["n"] for row in table.rows}
    bare = [
        row if row["status"] == "primary" else row | {"status": "shown", "n": str(true[row["a"], row["b"]])}
        for row in out
    ]
    assert found_in((bare, certificates), table)
