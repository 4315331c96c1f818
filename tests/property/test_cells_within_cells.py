"""Cells that lie inside others, in tables with margins: few persons by whom two of them differ are never told, whatever is added
and subtracted. Against an attacker who tries every set of details, in exact arithmetic."""

import random
from fractions import Fraction
from itertools import combinations, product

import pytest

from enclave.core.refusal import Refused
from enclave.disclosure.answers.contained import Group, left_between
from enclave.disclosure.answers.table import TOTAL, Hidden, Inside, Measure, Row, Table
from enclave.disclosure.flow import protect
from tests.property.suppression_tables import RULES, N, subsets

Keys = tuple[object, ...]
People = dict[Keys, frozenset[int]]


def world(seed: int) -> People:
    """Who stands in each detail (k, g): `all`, `some` inside it, `most` between them or beside. Large cells that differ by few."""
    draw = random.Random(seed)
    found: dict[Keys, frozenset[int]] = {}
    start = 0
    for g in range(draw.randrange(2, 6)):
        everybody = range(start, start + draw.randrange(6, 30))
        start += 100
        out = draw.choice((0, 0, 0, 1, 2, 3, 5))
        found["all", g] = frozenset(everybody)
        found["some", g] = frozenset(everybody[out:])
        if draw.random() < 0.5:
            found["most", g] = frozenset(everybody[draw.randrange(out + 1) :])
    return found


def answer_of(people: People, asked: list[tuple[int, ...]]) -> Table:
    """As the gateway would read it: what lies between rows from who stands in them."""
    rows: dict[Keys, set[int]] = {}
    lines: dict[Keys, int] = {}
    for kept in asked:
        for keys, members in people.items():
            total = tuple(key if place in kept else TOTAL for place, key in enumerate(keys))
            rows[total] = rows.get(total, set()) | members
            lines[total] = lines.get(total, 0) + len(members)
    beside: dict[Keys, int] = {}
    inside = []
    for kept in asked:
        names = [keys for keys in rows if {p for p, key in enumerate(keys) if key is not TOTAL} == set(kept)]
        told = left_between(
            [Group(n, len(rows[k]), lines[k], tuple(sorted(rows[k])), 1000) for n, k in enumerate(names)]
        )
        beside |= {names[n]: persons for n, persons in told.left.items()}
        inside += [Inside(-1, names[one.row], names[other.row]) for one, other in told.pairs]
    return Table(
        ("k", "g"),
        (Measure("n"),),
        tuple(
            Row(keys, (lines[keys],), (len(members),), len(members), beside=beside.get(keys, 0))
            for keys, members in rows.items()
        ),
        inside=tuple(inside),
    )


def shown(people: People, asked: list[tuple[int, ...]]) -> set[Keys]:
    """The rows that a question shows; nothing where it is refused."""
    try:
        answer = protect(answer_of(people, asked), RULES)
    except Refused:
        return set()
    return {row.keys for row in answer.rows if not isinstance(row.cells[0], Hidden)}


def told(known: list[list[int]], wanted: list[int]) -> bool:
    """Whether the sum `wanted` is a combination of the sums that are known."""
    rows = [[Fraction(one) for one in line] for line in known]
    rest = [Fraction(one) for one in wanted]
    for column in range(len(wanted)):
        pivot = next((row for row in rows if row[column]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        for row in (*rows, rest):
            if row[column]:
                times = row[column] / pivot[column]
                row[:] = [one - times * other for one, other in zip(row, pivot, strict=True)]
    return not any(rest)


def leaks(people: People, rows: set[Keys]) -> list[tuple[object, ...]]:
    """Every inner k, outer k and set of g of which the rows tell that fewer than the threshold are in one and not the other."""
    places = list(people)
    values = sorted({g for _, g in people}, key=repr)
    known = [
        [int(all(key in (TOTAL, own) for key, own in zip(row, one, strict=True))) for one in places]
        for row in rows
    ]
    found: list[tuple[object, ...]] = []
    for outer, inner in product(("all", "some", "most"), repeat=2):
        if not all(
            (inner, g) not in people or people[inner, g] <= people.get((outer, g), frozenset())
            for g in values
        ):
            continue
        for size in range(1, len(values) + 1):
            for chosen in combinations(values, size):
                between = sum(
                    len(people.get((outer, g), frozenset())) - len(people.get((inner, g), frozenset()))
                    for g in chosen
                )
                sign = {outer: 1, inner: -1}
                wanted = [sign.get(str(k), 0) if g in chosen else 0 for k, g in places]
                if outer != inner and 0 < between < N and told(known, wanted):
                    found.append((outer, inner, chosen, between))
    return found


@pytest.mark.parametrize("margins", [True, False])
@pytest.mark.parametrize("seed", range(200))
def test_no_sum_of_what_is_shown_tells_by_how_few_one_cell_is_larger_than_one_inside_it(
    seed: int, margins: bool
) -> None:
    """Details, the margins asked with them or each by itself, and all of it put together."""
    people = world(seed)
    rows = shown(people, subsets(2) if margins else [(0, 1)])
    for kept in subsets(2):
        rows |= shown(people, [kept])
    assert leaks(people, rows) == []


def test_details_that_do_not_differ_stay_shown_where_their_totals_do() -> None:
    """One person is in `all` and not in `some`, and hides the totals and the one detail; the others are the same and may be
    seen."""
    people: People = {}
    for g in range(4):
        everybody = range(100 * g, 100 * g + 20 + g)
        people["all", g] = frozenset(everybody)
        people["some", g] = frozenset(everybody[1:] if g == 0 else everybody)
    rows = shown(people, [(0, 1), (0,)])
    assert {("all", 0), ("some", 0), ("all", TOTAL), ("some", TOTAL)}.isdisjoint(rows)
    assert {(k, g) for k in ("all", "some") for g in (1, 2, 3)} <= rows


def test_details_hidden_together_are_not_few_persons_apart() -> None:
    """Three are in `all` and not in `some` at one value, nobody at the cheapest other, thirty at the last: hiding the cheapest
    with the first would tell the three, since the totals are shown."""
    people: People = {
        ("all", 0): frozenset(range(40)),
        ("some", 0): frozenset(range(3, 40)),
        ("all", 1): frozenset(range(100, 120)),
        ("some", 1): frozenset(range(100, 120)),
        ("all", 2): frozenset(range(200, 290)),
        ("some", 2): frozenset(range(230, 290)),
    }
    rows = shown(people, [(0, 1), (0,)])
    assert {("all", TOTAL), ("some", TOTAL)} <= rows
    assert not {("all", 2), ("some", 2)} <= rows
    assert leaks(people, rows) == []
