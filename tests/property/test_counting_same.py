"""What a large table's question is answered is what exact evidence of every cell would have had answered.

Many random populations; on each the whole way to the wire, twice: as the gateway goes it, and by exact counts with the
whole of the protection, secondary suppression included. Values, statuses, margins and order of rows, to the byte.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import duckdb
import pyarrow as pa
import pytest

from enclave.adapters.engine import Engine, EngineLimits, EnginePool
from enclave.core import permit as permits
from enclave.core.refusal import Refused
from enclave.disclosure import flow as disclosure
from enclave.disclosure.answers.table import Hidden, ProtectedTable, Reason, Table
from enclave.disclosure.criteria.rules import combine
from enclave.gateway import cells
from enclave.gateway.counting import Counted, counted
from enclave.query import schema as schemas
from enclave.query.facts import know
from enclave.query.flow import guard
from enclave.query.parse import parse
from enclave.query.stages import Authorised, Cells, Form, Guarded, Obligations

POPULATIONS = 15
QUESTIONS = 22

VISIT = {"pid": "UINTEGER", "day": "DATE", "kind": "VARCHAR", "facility": "INTEGER", "area": "VARCHAR", "points": "INTEGER",
         "cost": "DECIMAL(9,2)", "score": "DOUBLE", "flag": "SMALLINT", "twice": "INTEGER"}  # fmt: skip
PERSON = {"pid": "UINTEGER", "sex": "VARCHAR", "age": "SMALLINT"}
TABLES = {
    f"{name}{number}": columns
    for number in range(POPULATIONS)
    for name, columns in (("visit", VISIT), ("person", PERSON))
}
SCHEMA = schemas.read(
    {"tables": {f"reg.{name}": {"columns": columns, "person": True} for name, columns in TABLES.items()}}
)
PERMIT = permits.parse(
    {
        "schema": "enclave.permit/1", "permit_id": "p-1", "revision": 1, "project": "x", "provision": "v-1", "handlers": ["mori"],
        "purpose": "", "tier": "record", "rule_sets": ["r"],
        "databases": {"reg": {name: {"columns": list(columns)} for name, columns in TABLES.items()}},
        "valid_from": "2026-01-01T00:00:00Z", "valid_to": "2027-01-01T00:00:00Z",
    }
)  # fmt: skip


def visits(number: int, draw: random.Random) -> str:
    """One population: how many persons, how alike, how many visits each, how rare keys and values are."""
    persons = draw.choice((12, 120, 800, 2500, 6000))
    lines = persons * draw.choice((1, 3, 10))
    pid = draw.choice(("{p}", "{p} * 64", "{p} * 7919 + 11", "hash({p}) % 4294967296"))
    skewed = draw.choice((1, 3, 6))
    who = f"(pow((hash(i * {number} + 1) % 10000) / 10000.0, {skewed}) * {persons})::UBIGINT"
    values = draw.choice((2, 3, 50, 5000))
    missing = draw.choice((2, 9, 1000))
    return f"""CREATE TABLE reg.visit{number} AS SELECT ({pid.format(p="p")})::UINTEGER AS pid,
        DATE '2020-01-01' + (hash(i * 3) % {draw.choice((60, 700))})::INTEGER AS day,
        CASE hash(i * 5) % {missing} WHEN 0 THEN NULL ELSE 'k' || (hash(i * 5) % {draw.choice((1, 3, 8))}) END AS kind,
        (pow((hash(i * 7) % 10000) / 10000.0, {draw.choice((1, 4))}) * {draw.choice((3, 10, 60))})::INTEGER AS facility,
        CASE WHEN hash(p * 13) % {missing} = 1 THEN NULL ELSE 'a' || (hash(p * 13) % {draw.choice((2, 9))}) END AS area,
        CASE hash(i * 17) % {missing} WHEN 0 THEN NULL WHEN 1 THEN 0 ELSE (hash(i * 17) % {values})::INTEGER - 1 END AS points,
        ((hash(i * 19) % {values}) / 4.0)::DECIMAL(9,2) AS cost, sqrt(hash(i * 23) % {values}) AS score,
        (hash(p) % {draw.choice((2, 7))} = 0)::SMALLINT AS flag, (1 + hash(i * 29) % 2)::INTEGER AS twice
        FROM (SELECT i, {who} AS p FROM range({lines}) t(i)) ORDER BY pid"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    path = tmp_path_factory.mktemp("same") / "extract.duckdb"
    draw = random.Random(7)
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA reg")
        for number in range(POPULATIONS):
            connection.execute(visits(number, draw))
            absent = draw.choice((5, 1000))
            connection.execute(
                f"""CREATE TABLE reg.person{number} AS SELECT pid, (1 + hash(pid::UBIGINT * 3) % 2)::VARCHAR AS sex,
                (hash(pid::UBIGINT * 5) % 90)::SMALLINT AS age
                FROM (SELECT DISTINCT pid FROM reg.visit{number}) WHERE hash(pid::UBIGINT * 7) % {absent} <> 0 ORDER BY pid"""
            )
    pool = EnginePool(EngineLimits(wall=60, workers=2))
    yield pool.open(path, None, "v-1/1")
    pool.close()


KEYS = ("v.kind", "v.facility", "v.area", "year(v.day)", "month(v.day)", "v.facility % 5", "v.flag", "v.score // 20",
        "v.points")  # fmt: skip
MEASURES = (
    "count(*)", "sum(v.points)", "avg(v.points)", "sum(v.cost)", "avg(v.score)", "stddev(v.cost)", "sum(v.flag)", "sum(v.twice)",
    "count(DISTINCT v.pid)", "count(v.points)", "count(*) FILTER (WHERE v.flag = 1)", "count(*) FILTER (WHERE v.points > 2)",
    "sum(v.cost) FILTER (WHERE v.flag = 0)", "avg(v.points + 1)", "1.0 * sum(v.cost) / count(*)", "count(DISTINCT v.facility)",
    "sum(CASE WHEN v.flag = 1 THEN 1 ELSE 0 END)", "count(*) FILTER (WHERE v.facility < 0)", "sum(v.points) - sum(v.twice)",
    "count(DISTINCT v.pid) FILTER (WHERE v.points > 2)", "avg(v.cost) FILTER (WHERE v.points IS NOT NULL)",
)  # fmt: skip
CONDITIONS = ("TRUE", "TRUE", "TRUE", "v.day >= DATE '2020-02-01'", "v.points > 1", "v.kind IS NOT NULL", "v.facility % 3 = 1",
              "v.pid IN (SELECT w.pid FROM reg.visit{n} AS w WHERE w.flag = 1)")  # fmt: skip
SOURCES = (
    "reg.visit{n} AS v", "reg.visit{n} AS v", "reg.visit{n} AS v",
    "reg.visit{n} AS v JOIN reg.person{n} AS p ON p.pid = v.pid",
    "reg.visit{n} AS v LEFT JOIN reg.person{n} AS p ON p.pid = v.pid",
    "reg.visit{n} AS v JOIN reg.visit{n} AS w ON w.pid = v.pid AND w.flag = 1",
    "(SELECT pid, min(day) AS day, min(kind) AS kind, min(area) AS area, max(facility) AS facility, sum(points) AS points,"
    " sum(cost) AS cost, max(score) AS score, max(flag) AS flag, max(twice) AS twice FROM reg.visit{n} GROUP BY pid) AS v",
)  # fmt: skip
GROUPS = ("{keys}", "{keys}", "{keys}", "ROLLUP ({keys})", "CUBE ({keys})")


def questions(number: int) -> Iterator[str]:
    """The same in every run; about one population."""
    draw = random.Random(1000 + number)
    for _ in range(QUESTIONS):
        source = draw.choice(SOURCES)
        keys = draw.sample(KEYS, draw.choice((0, 1, 1, 1, 2, 2, 3)))
        if " AS p " in source and keys:
            keys[0] = draw.choice(("p.sex", "p.age // 30"))
        named = [f"{key} AS k{place}" for place, key in enumerate(keys)]
        measures = draw.sample(MEASURES, draw.choice((1, 1, 2, 3)))
        told = [*named, *(f"{measure} AS m{place}" for place, measure in enumerate(measures))]
        draw.shuffle(told)
        group = f" GROUP BY {draw.choice(GROUPS).format(keys=', '.join(keys))}" if keys else ""
        order = draw.choice(("", "", " ORDER BY k0 DESC NULLS FIRST")) if keys else ""
        text = f"SELECT {', '.join(told)} FROM {source} WHERE {draw.choice(CONDITIONS)}{group}{order}"
        yield text.replace("{n}", str(number))


@dataclass(frozen=True)
class Answer:
    """What leaves, or the code of the no."""

    table: list[dict[str, object]]
    names: tuple[str, ...]
    tally: dict[str, int]
    refused: str = ""


def prepared(sql: str, n: int) -> Guarded:
    rule = {
        "id": "r", "valid_from": "2024-09-01", "source": "x", "scope": {"databases": ["*"]},
        "min_persons": {"n": n, "zero": "shown"},
    }  # fmt: skip
    known = know(parse(sql, (), Form.TABLE), PERMIT, SCHEMA)
    return guard(Authorised(known, Obligations(rule_sets={"r": rule})))


def exactly(engine: Engine, guarded: Guarded) -> Answer:
    run = engine.run(guarded)
    answered = pa.Table.from_batches(list(run.batches()), schema=run.schema)
    try:
        protected = cells.protect(answered, guarded)
    except Refused as refused:
        return Answer([], (), {}, refused.code)
    shown = cells.arrow(protected, answered, guarded)
    return Answer(_near(shown), tuple(shown.column_names), protected.tally())


def by_bounds(engine: Engine, guarded: Guarded) -> Answer | None:
    shown = cells.shown_by_bounds(engine, guarded, many=1)
    if shown is None:
        return None
    return Answer(_near(shown.table), tuple(shown.table.column_names), dict(shown.tally))


def _near(table: pa.Table) -> list[dict[str, object]]:
    """Sums of floats differ in their last digits with the order of addition."""
    return [
        {name: float(f"{one:.9g}") if isinstance(one, float) else one for name, one in line.items()}
        for line in table.to_pylist()
    ]


@pytest.mark.parametrize("number", range(POPULATIONS))
def test_what_bounds_have_shown_is_what_exact_counts_show(engine: Engine, number: int) -> None:
    """Values, statuses, totals, order of rows and tally; where bounds do not tell, the exact way answers as ever."""
    n = (2, 3, 5, 10, 24)[number % 5]
    for sql in questions(number):
        guarded = prepared(sql, n)
        found = by_bounds(engine, guarded)
        if found is not None:
            assert found == exactly(engine, guarded), sql


@pytest.mark.parametrize("number", range(0, POPULATIONS, 3))
def test_rows_that_bounds_find_unsafe_are_those_that_exact_counts_hide_for_themselves(
    engine: Engine, number: int
) -> None:
    """No more and no fewer: what secondary suppression then adds rests on the same set."""
    for sql in questions(number):
        guarded = prepared(sql, 5)
        found = primarily(engine, guarded)
        if found is None:
            continue
        run = engine.run(guarded)
        answered = pa.Table.from_batches(list(run.batches()), schema=run.schema)
        table = cells.table_of(answered, _cells(guarded))
        protected, code = _protected(table, guarded)
        if protected is None:
            # Nothing is shown at all, where hiding more would not do.
            assert code == "disclosure.no_safe_pattern"
            assert found.unsafe.any()
            continue
        for row, shown, one in zip(table.rows, protected.rows, found.unsafe, strict=True):
            hides = any(isinstance(cell, Hidden) and cell.reason is Reason.PRIMARY for cell in shown.cells)
            # Of a row with nobody behind any of its numbers there is nothing to hide.
            assert hides == (bool(one) and any(row.persons)), sql


def _protected(table: Table, guarded: Guarded) -> tuple[ProtectedTable | None, str]:
    try:
        return disclosure.protect(table, cells.rule_sets_of(guarded)), ""
    except Refused as refused:
        return None, refused.code


def primarily(engine: Engine, guarded: Guarded) -> Counted | None:
    rules = combine(cells.rule_sets_of(guarded))
    return counted(engine, guarded, rules, partial(cells.table_of, cells=_cells(guarded)), many=1)


def _cells(guarded: Guarded) -> Cells:
    assert guarded.cells is not None
    return guarded.cells


@pytest.mark.parametrize("number", range(0, POPULATIONS, 2))
def test_a_table_read_in_two_parts_is_the_table(engine: Engine, number: int) -> None:
    """Wherever it is parted: the asker's own columns as ever, and bounds that hold nobody whom the whole bounds do not."""
    parted = 0
    for place, sql in enumerate(questions(number)):
        counting = prepared(sql, 5).counting
        if counting is None or not counting.masks:
            continue
        most = (0, 1000, 1 << 20, 1 << 30, (1 << 32) - 1)[place % 5]
        statement = counting.parted(counting.tables[0], most)
        if statement is None:
            assert "JOIN" in sql or "(SELECT pid, " in sql, sql
            continue
        parted += 1
        found, whole = run(engine, statement), run(engine, counting.masked())
        assert found.column_names == whole.column_names
        masks = [name for name in whole.column_names if name.endswith("mask")]
        lines, lines_of_whole = _by_numbers(found, masks), _by_numbers(whole, masks)
        assert [one for one, _ in lines] == [one for one, _ in lines_of_whole], sql
        for (_, some), (_, all_of_them) in zip(lines, lines_of_whole, strict=True):
            assert all(one & ~other == 0 for one, other in zip(some, all_of_them, strict=True)), sql
    assert parted >= 3


def _by_numbers(table: pa.Table, masks: list[str]) -> list[tuple[str, list[int]]]:
    """Each row's numbers and its masks; where a key is missing in one row and a margin in another, their order is open."""
    numbers = _near(table.drop_columns(masks))
    bits = [[line[name] or 0 for name in masks] for line in table.select(masks).to_pylist()]
    return sorted(zip(map(repr, numbers), bits, strict=True))


def run(engine: Engine, guarded: Guarded) -> pa.Table:
    running = engine.run(guarded)
    return pa.Table.from_batches(list(running.batches()), schema=running.schema)


def test_bounds_answer_a_fair_share_of_the_questions(engine: Engine) -> None:
    """The comparison is of something: whole tables, by every way of counting, with several aggregates, joins and margins."""
    seen: Counter[str] = Counter()
    for number in range(0, POPULATIONS, 2):
        for sql in questions(number):
            shown = cells.shown_by_bounds(engine, prepared(sql, 3), many=1)
            if shown is None:
                continue
            seen["all"] += 1
            seen["rows"] += shown.table.num_rows
            seen["joined"] += "JOIN" in sql
            seen["margins"] += "ROLLUP" in sql or "CUBE" in sql
            seen["several"] += " AS m1" in sql
            seen["sums"] += "sum(" in sql or "avg(" in sql
            seen["masked"] += any(
                "BIT_OR" in one and "count" in one.lower() and "<=" not in one for one in shown.statements
            )
            seen["recounted"] += any("_enclave_wanted" in one for one in shown.statements)
    assert seen["all"] >= 25, seen
    assert min(seen[kind] for kind in ("joined", "margins", "several", "sums", "masked", "recounted")) >= 5, (
        seen
    )
    assert seen["rows"] > seen["all"] * 2, seen
