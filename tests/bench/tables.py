"""`python -m tests.bench.tables`: what protection adds to an answer of `table()`, beyond the engine's own counting.

A population in memory, of skewed groups so that every table has small cells; questions of some 200 and some 5,000 cells in
several shapes. Measured is all that follows the engine's answer: reading the evidence, primary and secondary suppression, the
audit. The kinds of answer: a pattern, or a refusal, which took its time as well. Needs no site.
"""

import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from enclave.cli import language
from enclave.core import permit as permits
from enclave.core.refusal import Refused
from enclave.gateway import cells
from enclave.query import schema as schemas
from enclave.query.facts import know
from enclave.query.flow import guard
from enclave.query.parse import parse
from enclave.query.stages import Authorised, Form, Guarded, Obligations
from tests.bench import sheet
from tests.bench.promises import Line, Row, Target, Unit, Words, p50

FEW_MS, MANY_MS = 50.0, 2000.0
PERSONS = 60_000

VISIT = {"pid": "UINTEGER", "sex": "VARCHAR", "age": "SMALLINT", "kind": "VARCHAR", "ward": "SMALLINT", "month": "SMALLINT",
         "points": "INTEGER", "died": "SMALLINT"}  # fmt: skip
SCHEMA = schemas.read(
    {"tables": {f"reg.{name}": {"columns": VISIT, "person": True} for name in ("person", "visit")}}
)
PERMIT = permits.parse(
    {
        "schema": "enclave.permit/1", "permit_id": "p-1", "revision": 1, "project": "bench", "provision": "v-1",
        "handlers": ["mori"], "purpose": "", "tier": "record", "rule_sets": ["r"],
        "databases": {"reg": {name: {"columns": list(VISIT)} for name in ("person", "visit")}},
        "valid_from": "2026-01-01T00:00:00Z", "valid_to": "2027-01-01T00:00:00Z",
    }
)  # fmt: skip
OBLIGATIONS = Obligations(
    rule_sets={
        "r": {
            "id": "r", "valid_from": "2024-09-01", "source": "the benchmark's own", "scope": {"databases": ["*"]},
            "min_persons": {"n": 10, "zero": "shown"},
        }
    }
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """`few`: of some 200 cells, else of some 5,000."""

    id: str
    words: Words
    sql: str
    few: bool

    @property
    def target(self) -> Target:
        return Target(FEW_MS if self.few else MANY_MS)


_MORE = "count(*) AS n, sum(t.points) AS points, avg(t.points) AS mean, count(*) FILTER (WHERE t.died = 1) AS died, 100.0 * count(*) FILTER (WHERE t.died = 1) / count(*) AS rate"

ASKED = (
    Asked("one", ("1次元 200", "one dimension, 200"), "SELECT t.ward % 200 AS w, count(*) AS n FROM reg.person AS t WHERE t.age < 5 GROUP BY w", few=True),
    Asked("rollup", ("2次元 ROLLUP 200", "ROLLUP of two, 200"), "SELECT t.kind, t.ward % 9 AS w, count(*) AS n FROM reg.person AS t WHERE t.age < 5 GROUP BY ROLLUP (t.kind, w)", few=True),
    Asked("cube2", ("2次元 CUBE 200", "CUBE of two, 200"), "SELECT t.kind, t.ward % 9 AS w, count(*) AS n FROM reg.person AS t WHERE t.age < 5 GROUP BY CUBE (t.kind, w)", few=True),
    Asked("cube3", ("3次元 CUBE 200", "CUBE of three, 200"), "SELECT t.sex, t.age // 12 AS band, t.kind, count(*) AS n FROM reg.person AS t WHERE t.ward < 1 AND t.kind < 'k07' GROUP BY CUBE (t.sex, band, t.kind)", few=True),
    Asked("many3", ("3次元 CUBE 200、5列", "CUBE of three, 200, five columns"), f"SELECT t.sex, t.age // 12 AS band, t.kind, {_MORE} FROM reg.person AS t WHERE t.ward < 2 AND t.kind < 'k07' GROUP BY CUBE (t.sex, band, t.kind)", few=True),
    Asked("visits3", ("同、1人に数行", "the same, several lines a person"), f"SELECT t.sex, t.age // 12 AS band, t.kind, {_MORE} FROM reg.visit AS t WHERE t.ward < 2 AND t.kind < 'k07' GROUP BY CUBE (t.sex, band, t.kind)", few=True),
    Asked("one_5000", ("1次元 5,000", "one dimension, 5,000"), "SELECT t.ward * 10 + t.month AS w, count(*) AS n FROM reg.person AS t GROUP BY w", few=False),
    Asked("rollup_5000", ("2次元 ROLLUP 5,000", "ROLLUP of two, 5,000"), "SELECT t.ward, t.month, count(*) AS n FROM reg.person AS t GROUP BY ROLLUP (t.ward, t.month)", few=False),
    Asked("cube2_5000", ("2次元 CUBE 5,000", "CUBE of two, 5,000"), "SELECT t.ward, t.month, count(*) AS n FROM reg.person AS t GROUP BY CUBE (t.ward, t.month)", few=False),
    Asked("cube3_5000", ("3次元 CUBE 5,000", "CUBE of three, 5,000"), "SELECT t.ward % 24 AS w, t.kind, t.month, count(*) AS n FROM reg.person AS t GROUP BY CUBE (w, t.kind, t.month)", few=False),
    Asked("many3_5000", ("3次元 CUBE 5,000、5列", "CUBE of three, 5,000, five columns"), f"SELECT t.ward % 24 AS w, t.kind, t.month, {_MORE} FROM reg.person AS t GROUP BY CUBE (w, t.kind, t.month)", few=False),
    Asked("visits3_5000", ("同、1人に数行", "the same, several lines a person"), f"SELECT t.ward % 24 AS w, t.kind, t.month, {_MORE} FROM reg.visit AS t GROUP BY CUBE (w, t.kind, t.month)", few=False),
)  # fmt: skip


def population(persons: int = PERSONS) -> duckdb.DuckDBPyConnection:
    """Persons with one line each, and the same with some five each."""
    connection = duckdb.connect(config={"threads": 2})
    connection.execute("CREATE SCHEMA reg")
    for name, lines in (("person", 1), ("visit", 5)):
        connection.execute(
            f"""CREATE TABLE reg.{name} AS SELECT p::UINTEGER AS pid, (1 + hash(p * 3) % 2)::VARCHAR AS sex,
            (hash(p * 5) % 96)::SMALLINT AS age, 'k' || lpad((pow((hash(i * 7) % 10000) / 10000.0, 2) * 18)::INTEGER::VARCHAR, 2, '0') AS kind,
            (pow((hash(p * 11) % 10000) / 10000.0, 3) * 500)::SMALLINT AS ward,
            (pow((hash(i * 13) % 10000) / 10000.0, 2) * 9.99)::SMALLINT % 10 AS month, (10 + hash(i * 17) % 900)::INTEGER AS points,
            (hash(p * 19) % 6 = 0)::SMALLINT AS died FROM (SELECT i, i // {lines} AS p FROM range({lines * persons}) t(i)) ORDER BY pid"""
        )
    return connection


def rewritten(sql: str) -> Guarded:
    return guard(Authorised(know(parse(sql, (), Form.TABLE), PERMIT, SCHEMA), OBLIGATIONS))


@dataclass(frozen=True)
class Protected:
    """`took` in ms, the median; `told`: what became of it."""

    rows: int
    took: float
    slowest: float
    told: str
    hidden: int


def ask(asked: Asked, connection: duckdb.DuckDBPyConnection, turns: int = 3) -> Protected:
    guarded = rewritten(asked.sql)
    answered: pa.Table = connection.sql(guarded.sql).to_arrow_table()
    times, told, hidden = [], "", 0
    for _ in range(turns):
        began = time.perf_counter()
        try:
            tally = cells.protect(answered, guarded).tally()
            told, hidden = "", tally["hidden"] // max(1, len(guarded.cells.measures if guarded.cells else ()))
        except Refused as refused:
            told = f"{refused.code} {refused.facts}"
        times.append((time.perf_counter() - began) * 1000)
    return Protected(answered.num_rows, p50(times), max(times), told, hidden)


def rows(turns: int = 3) -> list[Row]:
    """One row per size, judged by its slowest shape; the shapes are lines of it."""
    connection = population()
    try:
        found = [(asked, ask(asked, connection, turns)) for asked in ASKED]
    finally:
        connection.close()
    made = []
    for few, name, words in (
        (True, "table_200", ("table() の保護、200セル（最も遅い形）", "table() protected, 200 cells (the slowest shape)")),
        (False, "table_5000", ("同、5,000セル", "the same, 5,000 cells")),
    ):  # fmt: skip
        ours = [(asked, one) for asked, one in found if asked.few is few]
        made.append(
            Row(
                name, words, Unit.MILLISECONDS, max(one.took for _, one in ours), target=ours[0][0].target, runs=turns,
                lines=tuple(_line(asked, one) for asked, one in ours),
            )
        )  # fmt: skip
    return made


def _line(asked: Asked, one: Protected) -> Line:
    japanese, english = asked.words
    rest = (f"非表示{one.hidden:,}", f"{one.hidden:,} hidden") if not one.told else (one.told, one.told)
    told = (f"  {japanese}、{one.rows:,}行、{rest[0]}", f"  {english}: {one.rows:,} rows, {rest[1]}")
    return Line(told, one.took, Unit.MILLISECONDS)


def main(words: Sequence[str]) -> int:
    found = rows(int(words[0]) if words else 3)
    sheet.show(found, language())
    mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{mebibytes:.0f} MiB", file=sys.stderr)
    return int(any(row.verdict.value == "missed" for row in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
