"""`python -m tests.bench protected [MILLIONS]`: protected cells beside the bare aggregate, over claims lines in their order.

The engine makes a file of claims lines (twelve a person, sorted by person, as custody writes an extract). Four questions are
asked of it in turns: bare, as the engine answers them to anybody; and protected, that is rewritten, executed in a worker and
primary-protected, as columns with statuses. Each released row is then counted again, exactly, by SQL of its own. What
exact counts and secondary suppression add, where some cell is small, is a line of its own. Needs no site.
"""

import math
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from enclave.adapters.engine import Engine, EngineLimits, EnginePool
from enclave.commands.options import language
from enclave.core import permit as permits
from enclave.core.refusal import Refused
from enclave.disclosure.criteria.rules import combine
from enclave.gateway import cells
from enclave.gateway.counting import Counted, counted, counted_exactly
from enclave.query import schema as schemas
from enclave.query.facts import know
from enclave.query.flow import guard
from enclave.query.parse import parse
from enclave.query.stages import Authorised, Form, Guarded, Obligations
from tests.bench import sheet
from tests.bench.promises import Line, Row, Target, Unit, Words, p50

MILLIONS = 20
TURNS = 7
GEOMETRIC, WORST = 1.3, 1.5
LEAST = 10
"""Persons of a cell."""

SI = {"pid": "UINTEGER", "act_date": "DATE", "kubun": "VARCHAR", "act_code": "VARCHAR", "points": "INTEGER",
      "facility_id": "INTEGER", "sma_code": "VARCHAR"}  # fmt: skip
PERSON = {"pid": "UINTEGER", "sex": "VARCHAR", "age": "SMALLINT"}
SCHEMA = schemas.read(
    {
        "tables": {
            "claims.si": {"columns": SI, "person": True},
            "claims.person": {"columns": PERSON, "person": True},
        }
    }
)
PERMIT = permits.parse(
    {
        "schema": "enclave.permit/1", "permit_id": "p-1", "revision": 1, "project": "bench", "provision": "v-1",
        "handlers": ["mori"], "purpose": "", "tier": "record", "rule_sets": ["r"],
        "databases": {"claims": {"si": {"columns": list(SI)}, "person": {"columns": list(PERSON)}}},
        "valid_from": "2026-01-01T00:00:00Z", "valid_to": "2027-01-01T00:00:00Z",
    }
)  # fmt: skip
OBLIGATIONS = Obligations(
    rule_sets={
        "r": {
            "id": "r", "valid_from": "2024-09-01", "source": "the benchmark's own", "scope": {"databases": ["*"]},
            "min_persons": {"n": LEAST, "zero": "shown"},
        }
    }
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """`keys`, `source` and `where` again for the recount; `promised`: whether the target is about it."""

    id: str
    words: Words
    keys: str
    source: str = "claims.si AS s"
    where: str = "TRUE"
    more: str = ""
    promised: bool = True

    @property
    def sql(self) -> str:
        numbers = f"count(*) AS n, sum(s.points) AS points{self.more}"
        return f"SELECT {self.keys}, {numbers} FROM {self.source} WHERE {self.where} GROUP BY ALL"

    @property
    def recount(self) -> str:
        numbers = (
            "count(DISTINCT s.pid) AS persons, count(DISTINCT s.pid) FILTER (s.points <> 0) AS contributing"
        )
        return f"SELECT {self.keys}, {numbers} FROM {self.source} WHERE {self.where} GROUP BY ALL"


JOINED = "claims.si AS s JOIN claims.person AS p ON p.pid = s.pid"
QUESTIONS = (
    Question("coarse", ("粗い表", "coarse"), "s.kubun, year(s.act_date) AS y, s.act_date >= DATE '2021-01-01' AS late, month(s.act_date) // 2 AS m"),
    Question("fine", ("10万セル", "100 thousand cells"), "s.facility_id, left(s.kubun, 2) AS k"),
    Question("filtered", ("条件付き", "filtered"), "s.kubun, left(s.sma_code, 2) AS area", where="s.act_date >= DATE '2020-01-01' AND s.points > 300"),
    Question("joined", ("結合", "joined"), "p.sex, p.age // 5 AS band, s.kubun, year(s.act_date) AS y", JOINED),
    Question("persons", ("人数つき", "with a number of persons"), "s.kubun, year(s.act_date) AS y", more=", count(DISTINCT s.pid) AS persons", promised=False),
    Question("codes", ("小さなセルのある表", "with small cells"), "s.act_code, left(s.sma_code, 2) AS area", promised=False),
)  # fmt: skip


def make(lines: int, path: Path) -> None:
    """Claims lines of lines/12 persons, in their order, and the persons."""
    with duckdb.connect(str(path), config={"memory_limit": "4GB", "threads": 2}) as connection:
        connection.execute("CREATE SCHEMA claims")
        connection.execute(
            f"""CREATE TABLE claims.si AS SELECT (hash(i // 12) % 4294967296)::UINTEGER AS pid,
            DATE '2018-04-01' + (hash(i) % 1826)::INTEGER AS act_date, 'K' || lpad((hash(i * 3 + 1) % 50)::VARCHAR, 2, '0') AS kubun,
            (111000000 + (pow((hash(i * 3) % 10000) / 10000.0, 3) * 5000)::INTEGER * 10)::VARCHAR AS act_code,
            (10 + hash(i * 7) % 900)::INTEGER AS points,
            (100000 + hash(i // 2 * 11) % 20000)::INTEGER AS facility_id,
            lpad((hash(i // 12 * 13) % 335)::VARCHAR, 4, '0') AS sma_code FROM range({lines}) t(i) ORDER BY pid"""
        )
        connection.execute(
            """CREATE TABLE claims.person AS SELECT pid, (1 + hash(pid::UBIGINT * 5) % 2)::VARCHAR AS sex,
            (hash(pid::UBIGINT * 7) % 90)::SMALLINT AS age FROM (SELECT DISTINCT pid FROM claims.si) ORDER BY pid"""
        )


def rewritten(sql: str) -> Guarded:
    return guard(Authorised(know(parse(sql, (), Form.TABLE), PERMIT, SCHEMA), OBLIGATIONS))


def protected(engine: Engine, sql: str) -> tuple[Guarded, Counted, pa.Table]:
    """All that stands between the text and the columns with their statuses."""
    guarded = rewritten(sql)
    table_of = partial(cells.table_of, cells=_cells(guarded))
    rules = combine(cells.rule_sets_of(guarded))
    found = counted(engine, guarded, rules, table_of) or counted_exactly(engine, guarded, rules, table_of)
    return guarded, found, cells.primary(found, guarded)


def _cells(guarded: Guarded) -> Any:
    return guarded.cells


@dataclass(frozen=True)
class Measured:
    question: Question
    cells: int
    bare: float
    ours: float
    ratio: float
    wrong: int
    hidden: int
    needless: int
    statements: int
    secondary: float | None
    told: str


def _seconds(act: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    found = act()
    return time.perf_counter() - began, found


def ask(question: Question, bare: duckdb.DuckDBPyConnection, engine: Engine, turns: int) -> Measured:
    """The figures of one question; turns alternate, so that a busy moment weighs on both."""
    pairs = []
    protected(engine, question.sql)  # what is known of an extract once
    for _ in range(turns):
        alone, _answer = _seconds(lambda: bare.sql(question.sql).to_arrow_table())
        took, (guarded, found, table) = _seconds(lambda: protected(engine, question.sql))
        pairs.append((alone, took))
    wrong, needless = _recounted(question, bare, table)
    secondary, told = None, ""
    try:
        secondary = _seconds(lambda: _secondary(engine, guarded))[0]
    except Refused as refused:
        told = refused.code
    hidden = int(found.unsafe.sum())
    # The ratio of each turn: what the machine does beside it weighs on both.
    ratio = p50([took / alone for alone, took in pairs])
    return Measured(
        question, table.num_rows, p50([a for a, _ in pairs]), p50([t for _, t in pairs]), ratio, wrong, hidden, needless,
        len(found.statements), secondary, told,
    )  # fmt: skip


def _secondary(engine: Engine, guarded: Guarded) -> None:
    run = engine.run(guarded)
    cells.protect(pa.Table.from_batches(list(run.batches()), schema=run.schema), guarded)


def _recounted(question: Question, bare: duckdb.DuckDBPyConnection, table: pa.Table) -> tuple[int, int]:
    """Rows shown although a number of theirs is of too few persons, and rows hidden although none is."""
    names = [name for name in table.column_names if name not in {"n", "points", "persons"} and not name.endswith("_status")]  # fmt: skip
    exact = bare.sql(question.recount).to_arrow_table()
    small = {}
    for line in exact.to_pylist():
        counts = (line["persons"], line["contributing"])
        small[tuple(line[name] for name in names)] = any(0 < count < LEAST for count in counts)
    if len(small) != table.num_rows:
        raise RuntimeError("the recount has other rows")
    wrong = needless = 0
    for line in table.to_pylist():
        is_small = small[tuple(line[name] for name in names)]
        shown = "shown" in (line["n_status"], line["points_status"])
        wrong += shown and is_small
        needless += line["n_status"] == "hidden" and not is_small
    return wrong, needless


def measure_all(millions: int = MILLIONS, turns: int = TURNS) -> list[Measured]:
    with tempfile.TemporaryDirectory(prefix="enclave-bench-") as home:
        file = Path(home) / "extract.duckdb"
        make(millions * 1_000_000, file)
        pool = EnginePool(EngineLimits(threads=2))
        with duckdb.connect(config={"threads": 2, "memory_limit": "2GB"}) as bare:
            bare.execute(f"ATTACH '{file}' AS held (READ_ONLY)")
            bare.execute("USE held")
            try:
                engine = pool.open(file, None, "v-1/1")
                return [ask(question, bare, engine, turns) for question in QUESTIONS]
            finally:
                pool.close()


def rows(millions: int = MILLIONS) -> list[Row]:
    """The rows of the table of promises."""
    found = measure_all(millions)
    promised = [one for one in found if one.question.promised]
    geometric = math.exp(sum(math.log(one.ratio) for one in promised) / len(promised))
    wrong = sum(one.wrong for one in found)
    lines = f"{millions * 100:,}万行", f"{millions} million lines"
    return [
        Row("protected_mean", (f"保護した集計、{lines[0]}（素の集計の倍数、幾何平均）", f"protected cells, {lines[1]}, times the bare aggregate (geometric mean)"),
            Unit.TIMES, geometric, target=Target(GEOMETRIC), runs=TURNS),
        Row("protected_worst", ("同、最大", "the same, the worst"), Unit.TIMES, max(one.ratio for one in promised), target=Target(WORST)),
        Row("protected_wrong", ("同、厳密に数え直して見つかった誤った公開", "the same, wrong releases against exact recounting"),
            Unit.CELLS, float(wrong), target=Target(0.0)),
        *(_row(one) for one in found),
    ]  # fmt: skip


def _row(one: Measured) -> Row:
    japanese, english = one.question.words
    extra = () if one.secondary is None else (
        Line(("厳密な計数と二次秘匿が加えるもの", "what exact counts and secondary suppression add"), one.secondary * 1000, Unit.MILLISECONDS),
    )  # fmt: skip
    note = (
        f"{one.cells:,} 行、うち一次秘匿 {one.hidden:,}、過剰 {one.needless:,}。文 {one.statements}。各回の比の中央値 {one.ratio:.2f}",
        f"{one.cells:,} rows, {one.hidden:,} hidden by primary suppression, {one.needless:,} needlessly; {one.statements} statements; median of the turns' ratios {one.ratio:.2f}",
    )
    if one.told:
        note = f"{note[0]}。二次秘匿: {one.told}", f"{note[1]}; secondary suppression: {one.told}"
    return Row(
        f"protected_{one.question.id}", (f"  {japanese}", f"  {english}"), Unit.MILLISECONDS, one.ours * 1000, one.bare * 1000,
        ("保護なしの集計", "the bare aggregate"), runs=TURNS, note=note, lines=extra,
    )  # fmt: skip


def main(words: list[str]) -> int:
    found = rows(int(words[0]) if words else MILLIONS)
    sheet.show(found, language())
    return int(any(row.verdict == "missed" for row in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
