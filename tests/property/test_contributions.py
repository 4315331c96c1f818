"""Where a rule asks for the largest contributions, no sum that `table()` shows is dominated and none that it hides is known too well:
judged again naively, from each person's own rows."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

import duckdb
import highspy
import numpy as np
import pyarrow as pa
import pytest

from enclave.core import permit as permits
from enclave.core.refusal import Refused
from enclave.disclosure.answers.table import TOTAL, ProtectedTable, Shown
from enclave.gateway import cells
from enclave.query import schema as schemas
from enclave.query.facts import know
from enclave.query.flow import guard
from enclave.query.members import measured, members_of
from enclave.query.parse import parse
from enclave.query.stages import Authorised, Form, Guarded, Obligations

PERSONS = 3
COLUMNS = {"pid": "UINTEGER", "kind": "VARCHAR", "level": "SMALLINT", "ward": "SMALLINT", "cost": "INTEGER"}
SCHEMA = schemas.read({"tables": {"care.bill": {"columns": COLUMNS, "person": True}}})
DOMINANCE = {"dominance": {"n": 2, "k": 90}}
PERCENT = {"p_percent": {"p": 10, "n": 1}}
PRIOR = {"pq": {"p": 20, "q": 80}}
RULES: dict[str, dict[str, Any]] = {
    "dominance": DOMINANCE, "p-q": PRIOR, "both": {**DOMINANCE, **PERCENT},
}  # fmt: skip

Line = tuple[int, str, int, int, int | None]
Keys = tuple[object, ...]


def rule(**keys: Any) -> dict[str, Any]:
    return {
        "id": "r", "valid_from": "2024-09-01", "source": "the test's own", "scope": {"databases": ["care"]},
        "min_persons": {"n": PERSONS, "zero": "shown"}, **keys,
    }  # fmt: skip


def guarded(sql: str, rules: dict[str, Any], tier: str = "record") -> Guarded:
    permit = permits.parse(
        {
            "schema": "enclave.permit/1", "permit_id": "p-1", "revision": 1, "project": "x", "provision": "v-1",
            "handlers": ["mori"], "purpose": "", "tier": tier, "rule_sets": ["r"],
            "databases": {"care": {"bill": {"columns": list(COLUMNS)}}},
            "valid_from": "2026-01-01T00:00:00Z", "valid_to": "2027-01-01T00:00:00Z",
        }
    )  # fmt: skip
    known = know(parse(sql, (), Form.TABLE), permit, SCHEMA)
    return guard(Authorised(known, Obligations({"r": rules}, tier=tier)))


def lines(seed: int, signed: bool = False) -> list[Line]:
    """Persons with some bills each, of which a few are very large; nulls and noughts among them."""
    draw = random.Random(seed)
    found: list[Line] = []
    for pid in range(draw.choice((30, 80, 200))):
        for _ in range(draw.choice((1, 1, 2, 4))):
            cost: int | None = draw.choice((draw.randrange(50), draw.randrange(5, 40)))
            if draw.random() < 0.03:
                cost = draw.randrange(500, 9000)
            if draw.random() < 0.05:
                cost = None
            if signed and cost is not None and draw.random() < 0.3:
                cost = -cost
            found.append((pid, draw.choice("abcde"), draw.randrange(3), draw.randrange(2), cost))
    return found


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA care")
        yield connection


def answer(
    engine: duckdb.DuckDBPyConnection, bills: Sequence[Line], sql: str, rules: dict[str, Any]
) -> ProtectedTable | None:
    """None where there is no safe answer: that is safe as well; any other refusal is a defect."""
    types = (pa.uint32(), pa.string(), pa.int16(), pa.int16(), pa.int32())
    columns = zip(zip(*bills, strict=True), types, strict=True)
    table = pa.table([pa.array(one, kind) for one, kind in columns], names=list(COLUMNS))
    engine.register("lines", table)
    engine.execute("CREATE OR REPLACE TABLE care.bill AS SELECT * FROM lines")
    asked = guarded(sql, rules)
    try:
        return cells.protect(engine.sql(asked.sql).to_arrow_table(), asked)
    except Refused as refused:
        if refused.code != "disclosure.no_safe_pattern":
            raise
        return None


# -- the oracle ------------------------------------------------------------------------------------------------------------

PLACE = {"kind": 1, "level": 2, "ward": 3}


def each(of: Sequence[Line], high: bool | None = None) -> dict[int, int]:
    """What each person's lines add up to."""
    found: dict[int, int] = defaultdict(int)
    for pid, _, level, _, cost in of:
        if cost is not None and (high is None or (level == 2) == high):
            found[pid] += cost
    return {pid: total for pid, total in found.items() if total}


def lack(by_person: dict[int, int], rules: dict[str, Any]) -> Fraction:
    """How much more there would have to be for every rule to be kept; nothing or less where all are."""
    sizes = sorted((abs(one) for one in by_person.values()), reverse=True)
    total, found = Fraction(sum(sizes)), [Fraction(-1)]
    if not sizes:
        return found[0]
    if "dominance" in rules:
        n, k = rules["dominance"]["n"], Fraction(rules["dominance"]["k"], 100)
        found.append(sum(sizes[:n]) / k - total)
    for name in ("p_percent", "pq"):
        if name in rules:
            share = Fraction(rules[name]["p"], 100 if name == "p_percent" else rules[name]["q"])
            found.append(share * sizes[0] - (total - sum(sizes[:2])))
    return max(found)


def behind(bills: Sequence[Line], names: Sequence[str], keys: Keys) -> list[Line]:
    return [
        one
        for one in bills
        if all(key is TOTAL or one[PLACE[name]] == key for name, key in zip(names, keys, strict=True))
    ]


def reach(sums: dict[Keys, int], shown: set[Keys], wanted: Keys, signed: bool) -> tuple[float, float]:
    """The least and greatest value that fits what is shown, for somebody who knows every sum is one and, unless some take
    away, that all are at least 0."""
    unknown = {keys: place for place, keys in enumerate(keys for keys in sums if keys not in shown)}
    rows: list[tuple[dict[int, float], float]] = []
    for keys in sums:
        for dimension, key in enumerate(keys):
            if key is not TOTAL:
                continue
            details = [
                one
                for one in sums
                if one[dimension] is not TOTAL
                and all(
                    a == b for place, (a, b) in enumerate(zip(one, keys, strict=True)) if place != dimension
                )
            ]
            if not details:
                continue
            row: dict[int, float] = {}
            rest = 0.0
            for one, sign in [(keys, 1.0), *((one, -1.0) for one in details)]:
                if one in unknown:
                    row[unknown[one]] = sign
                else:
                    rest += sign * sums[one]
            rows.append((row, -rest))
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    for _ in unknown:
        highs.addVar(-highspy.kHighsInf if signed else 0.0, highspy.kHighsInf)
    for row, right in rows:
        if row:
            highs.addRow(right, right, len(row), np.array(list(row)), np.array(list(row.values())))
    found = []
    for sign in (1.0, -1.0):
        highs.changeColCost(unknown[wanted], sign)
        highs.run()
        optimal = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        value = highs.getSolution().col_value[unknown[wanted]] if optimal else -sign * float("inf")
        found.append(float(value))
        highs.changeColCost(unknown[wanted], 0.0)
    return found[0], found[1]


def all_sums(bills: Sequence[Line], names: Sequence[str], high: bool | None) -> dict[Keys, int]:
    """Of every cell and every total that could be asked for."""
    found: dict[Keys, int] = defaultdict(int)
    for size in range(len(names) + 1):
        for kept in combinations(range(len(names)), size):
            for one in bills:
                keys = tuple(one[PLACE[name]] if n in kept else TOTAL for n, name in enumerate(names))
                found[keys] += (one[4] or 0) if high is None or (one[2] == 2) == high else 0
    return dict(found)


QUESTIONS = (
    ("GROUP BY kind", ("kind",), False),
    ("GROUP BY ROLLUP (kind, level)", ("kind", "level"), True),
    ("GROUP BY CUBE (kind, ward)", ("kind", "ward"), True),
    ("GROUP BY CUBE (kind, level, ward)", ("kind", "level", "ward"), True),
    ("GROUP BY GROUPING SETS ((kind, level), (level), ())", ("kind", "level"), True),
)


@pytest.mark.parametrize("seed", range(9))
@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
@pytest.mark.parametrize(("grouping", "names", "whole"), QUESTIONS)
def test_no_sum_that_is_shown_is_dominated_and_no_hidden_one_is_known_too_well(
    engine: duckdb.DuckDBPyConnection,
    seed: int,
    rules: dict[str, Any],
    grouping: str,
    names: tuple[str, ...],
    whole: bool,
) -> None:
    """Whatever is shown keeps the rules by each person's own rows, what is left over by a sum inside another too; what is hidden
    may lie as far from its value as its rule asks, for all that the answer tells."""
    signed = seed % 3 == 2
    bills = lines(seed, signed)
    numbers = "sum(cost) AS s, sum(cost) FILTER (WHERE level = 2) AS h"
    protected = answer(
        engine, bills, f"SELECT {', '.join(names)}, {numbers} FROM care.bill {grouping}", rule(**rules)
    )
    if protected is None:
        return
    shown = {row.keys for row in protected.rows if isinstance(row.cells[0], Shown)}
    for row in protected.rows:
        of = behind(bills, names, row.keys)
        everything, high, low = each(of), each(of, True), each(of, False)
        if row.keys in shown:
            assert row.cells[0] == Shown(sum(everything.values()))
            for one in (everything, high, low):
                assert lack(one, rules) <= 0
                assert not 0 < len(one) < PERSONS or one is low
    if not whole:
        return
    for high in (None, True, False):
        # The sum, the one inside it, and what that leaves over.
        sums = all_sums(bills, names, high)
        for row in protected.rows:
            need = lack(each(behind(bills, names, row.keys), high), rules)
            if row.keys in shown or need <= 0:
                continue
            value = sums[row.keys]
            low_end, high_end = reach(sums, shown, row.keys, signed)
            below = float(need) if signed else min(float(need), value)
            assert low_end <= value - below * 0.999
            assert high_end >= value + float(need) * 0.999


def test_most_questions_are_answered(engine: duckdb.DuckDBPyConnection) -> None:
    """A protection that refuses everything would leak nothing either."""
    numbers = "sum(cost) AS s, sum(cost) FILTER (WHERE level = 2) AS h"
    for grouping, names, _ in QUESTIONS:
        sql = f"SELECT {', '.join(names)}, {numbers} FROM care.bill {grouping}"
        answers = [answer(engine, lines(seed), sql, rule(**RULES["both"])) for seed in (0, 4, 6)]
        assert sum(one is not None for one in answers) >= 2


def test_nothing_is_added_where_no_rule_asks() -> None:
    """The statement is the one that ran before there were such rules."""
    sql = "SELECT kind, sum(cost) AS s FROM care.bill GROUP BY kind"
    plain = guarded(sql, rule())
    assert plain.cells is not None
    assert plain.cells.given is None
    assert "FULL JOIN" not in plain.sql


@pytest.mark.parametrize("seed", range(4))
def test_a_table_of_persons_is_the_same_under_such_a_rule(
    engine: duckdb.DuckDBPyConnection, seed: int
) -> None:
    """Nobody contributes more than another to a number of persons."""
    sql = "SELECT kind, level, count(DISTINCT pid) AS n FROM care.bill GROUP BY CUBE (kind, level)"
    bills = lines(seed)
    assert answer(engine, bills, sql, rule(**RULES["both"])) == answer(engine, bills, sql, rule())


def test_the_persons_behind_a_table_are_listed_as_without_such_a_rule() -> None:
    """What a release is compared with is the statement's own cells, and in their own words."""
    sql = "WITH b AS (SELECT * FROM care.bill) SELECT kind, sum(cost) AS s FROM b GROUP BY ROLLUP (kind)"
    under, plain = guarded(sql, rule(**DOMINANCE)), guarded(sql, rule())
    listed, as_before = members_of(under), members_of(plain)
    assert listed is not None
    assert as_before is not None
    assert listed.names == as_before.names
    assert as_before.sql.startswith(listed.sql)
    assert measured(under) == measured(plain)
