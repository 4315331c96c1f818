"""Respondents who know their own contribution: nothing unsafe of others can be worked out by them, tried in full."""

import copy
import itertools
import json
from math import inf
from typing import Any

import pytest

from enclave.core.refusal import Refused
from enclave.disclosure.proof.reread import Files, claim
from enclave.disclosure.proof.verify import problems
from enclave.disclosure.protection import protecting
from enclave.disclosure.protection import written as writing
from enclave.disclosure.protection.protecting import Protected, protect
from enclave.disclosure.protection.system import System
from enclave.disclosure.protection.tabular import tabular
from tests.property.linked_tables import linked
from tests.property.protect_tables import Invented, every_table, invented
from tests.property.test_linked_tables import found_in as found_in_linked
from tests.property.test_linked_tables import protected as protected_linked
from tests.property.test_linked_tables import written as written_linked

SEEDS = range(60)
FEW = 10


def with_insiders(seed: int, most: int = 1, magnitude: bool = False) -> Invented:
    one = invented(seed, 2, magnitude)
    return Invented({**one.spec, "insiders": most}, one.parents, one.rows, one.rules)


def protected(one: Invented) -> Protected | None:
    try:
        return protect(tabular(*one.parsed), lambda: inf)
    except Refused as refused:
        if refused.code != "disclosure.no_safe_pattern":
            raise
        return None


def written(done: Protected, one: Invented) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    return list(writing.rows(done, one.parsed[0])), [json.loads(line) for line in writing.certificates(done)]


def found_in(files: tuple[list[dict[str, str]], list[dict[str, Any]]], one: Invented) -> list[str]:
    totals = {name: about["total"] for name, about in one.spec["dimensions"].items()}
    read, wrong = claim([Files(one.by_code(), files[0], totals, one.parents, {})], one.spec, [one.rules])
    return wrong or list(problems(read, files[1]))


def own_cells(done: Protected, one: Invented, cell: int, most: int) -> frozenset[int]:
    """By the codes alone: what the contributors of a cell know is every cell below one that has them all and no others."""
    keys, counts = done.tabular.keys, [number.count for number in done.tabular.numbers]

    def up(name: str, code: str) -> list[str]:
        path = [code]
        while path[-1] != "T":
            path.append(one.parents.get(name, {}).get(path[-1], "T"))
        return path

    def below(inner: int, outer: int) -> bool:
        return all(
            to in up(name, code)
            for name, code, to in zip(done.tabular.names, keys[inner], keys[outer], strict=True)
        )

    everything = range(len(keys))
    same = [outer for outer in everything if below(cell, outer) and counts[outer] == counts[cell]]
    return frozenset(inner for inner in everything for outer in same if below(inner, outer))


def ends(system: System, hidden: list[int]) -> dict[int, tuple[int, int]]:
    most = max(system.values) + 4
    return every_table(list(system.values), list(system.least), list(system.sums), hidden, most)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("most", [1, 2])
def test_no_contributor_works_out_what_others_have_in_an_unsafe_cell(seed: int, most: int) -> None:
    """Whoever is alone in a cell (or one of two) tries every table that fits what is shown and what they know."""
    one = with_insiders(seed, most)
    done = protected(one)
    if done is None:
        return
    assert not found_in(written(done, one), one)
    if not 0 < len(done.hidden) <= FEW:
        return
    system, counts = done.tabular.system, [number.count for number in done.tabular.numbers]
    for cell in range(len(system)):
        if not 0 < counts[cell] <= most:
            continue
        known = own_cells(done, one, cell, most)
        tried = ends(system, sorted(set(done.hidden) - known))
        for unsafe, need in system.needs.items():
            if unsafe in known:
                continue
            partly = any(unsafe in own.partly for own in system.insiders if own.known == known)
            if not partly:
                low, high = tried[unsafe]
                assert high - low >= need.slide, (done.tabular.keys[cell], done.tabular.keys[unsafe])


@pytest.mark.parametrize("seed", range(0, 60, 5))
@pytest.mark.parametrize("magnitude", [False, True])
def test_a_rule_set_asks_for_insiders_as_a_spec_does_and_the_stricter_counts(
    seed: int, magnitude: bool
) -> None:
    """The same pattern from either; nobody takes a rule back by a spec, and the checker reads the rule by itself."""
    by_spec = with_insiders(seed, 2, magnitude)
    spec = {**by_spec.spec, "insiders": 1}
    by_rule = Invented(spec, by_spec.parents, by_spec.rows, {**by_spec.rules, "insiders": {"n": 2}})
    one, other = protected(by_spec), protected(by_rule)
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert written(one, by_spec) == written(other, by_rule)
        assert not found_in(written(other, by_rule), by_rule)


def test_a_pattern_for_the_public_does_not_pass_under_a_rule_against_insiders() -> None:
    """The checker is told by the rule set alone."""
    found = 0
    for seed in SEEDS:
        one = invented(seed, 2)
        done = protected(one)
        if done is not None:
            asked = Invented(one.spec, one.parents, one.rows, {**one.rules, "insiders": {"n": 1}})
            found += bool(found_in(written(done, one), asked))
    assert found > 4


@pytest.mark.parametrize("seed", SEEDS)
def test_magnitudes_hold_against_who_is_alone_in_a_cell(seed: int) -> None:
    one = with_insiders(seed, magnitude=True)
    done = protected(one)
    if done is not None:
        assert not found_in(written(done, one), one)


def _safe(system: System, hidden: list[int]) -> bool:
    """Against the public and every insider, by trying."""
    for known, partly in [(frozenset[int](), {}), *((one.known, one.partly) for one in system.insiders)]:
        tried = ends(system, sorted(set(hidden) - known))
        for cell, need in system.needs.items():
            asked = partly.get(cell, need).slide
            low, high = tried.get(cell, (0, 0))
            if cell not in known and high - low < asked:
                return False
    return True


def test_small_tables_are_hidden_at_the_least_cost_that_holds_against_insiders() -> None:
    tried = 0
    for seed in range(40):
        done = protected(with_insiders(seed))
        if done is None or not done.hidden or not done.tabular.system.insiders:
            continue
        system = done.tabular.system
        spare = [cell for cell in range(len(system)) if cell not in system.needs and system.values[cell]]
        if len(spare) > 7:
            continue
        best = inf
        for chosen in itertools.chain.from_iterable(
            itertools.combinations(spare, size) for size in range(len(spare) + 1)
        ):
            cost = float(sum(system.costs[cell] for cell in chosen))
            hidden = sorted({*system.needs, *chosen})
            if cost < best and len(hidden) <= FEW and _safe(system, hidden):
                best = cost
        if best < inf:
            tried += 1
            assert done.found.cost == pytest.approx(best), seed
    assert tried > 4


def test_tables_that_go_the_way_of_the_large_ones_hold_against_insiders(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protecting, "_MANY", -1)
    done = 0
    for seed in range(30):
        one = with_insiders(seed)
        found = protected(one)
        if found is not None:
            done += bool(found.hidden)
            assert not found_in(written(found, one), one)
    assert done > 10


def test_insiders_cost_more_than_the_public_in_some_tables_and_never_less() -> None:
    more = 0
    for seed in SEEDS:
        one, without = protected(with_insiders(seed)), protected(invented(seed, 2))
        if one is None:
            continue
        assert without is not None
        assert one.found.cost >= without.found.cost - 1e-6
        more += one.found.cost > without.found.cost
    assert more > 4


def test_a_certificate_without_what_insiders_cannot_tell_does_not_hold() -> None:
    broken = 0
    for seed in SEEDS:
        one = with_insiders(seed)
        done = protected(one)
        if done is None:
            continue
        files = written(done, one)
        if not any("more" in line for line in files[1]):
            continue
        forged = copy.deepcopy(files)
        for line in forged[1]:
            line.pop("more", None)
        broken += bool(found_in(forged, one))
    assert broken > 3


@pytest.mark.parametrize("seed", range(40))
def test_several_tables_hold_against_insiders_together(seed: int) -> None:
    one = linked(seed, insiders=1)
    done = protected_linked(one)
    if done is not None:
        assert not found_in_linked(one, written_linked(done))
