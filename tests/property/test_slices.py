"""Cells of a large table are counted slice by slice of the persons, to the same numbers as in one go and as by hand.

Random populations and questions, cut anywhere; and a population that is counted again by hand from its rows: missing keys,
rows of nobody, keys that coincide once they are cut short, two tables, and a permit's condition on rows.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from enclave.adapters.engine import Engine, EngineLimits, EnginePool
from enclave.core import permit as permits
from enclave.core.refusal import Refused
from enclave.disclosure.answers.table import Table
from enclave.gateway import cells, large
from enclave.gateway.readable import Bounds
from enclave.query import schema as schemas
from enclave.query.facts import know
from enclave.query.flow import guard
from enclave.query.parse import parse
from enclave.query.rewrite.orderless import orderless
from enclave.query.rewrite.slices import SEVERAL
from enclave.query.stages import Authorised, Form, Guarded, Obligations
from tests.property import test_counting_same as same

LEAST = 5
"""Persons of a cell."""

engine = same.engine
"""The random populations."""


def cut(guarded: Guarded, cuts: Sequence[int]) -> Guarded | None:
    return None if guarded.slices is None else guarded.slices.exact(guarded, cuts)


def cuts_of(draw: random.Random) -> list[int]:
    top = draw.choice((100, 100_000, 1 << 26, 1 << 32))
    return sorted(draw.sample(range(top), draw.choice((0, 1, 3, 12))))


def rows_of(table: pa.Table, guarded: Guarded) -> list[tuple[object, ...]]:
    """Each row's columns, in the order that the asker was promised; several values are as good as many, and buckets of persons as
    persons: what is read of either is compared by `read`."""
    assert guarded.cells is not None
    account = guarded.cells.account
    if account is not None:
        table = table.drop_columns([account.added])
    told = {part.coding.different for part in guarded.cells.parts if part.coding is not None}
    return [
        tuple(min(value, SEVERAL) if name in told else same_digits(value) for name, value in line.items())
        for line in table.to_pylist()
    ]


@pytest.mark.parametrize("number", range(same.POPULATIONS))
def test_in_slices_every_column_is_what_it_is_in_one_go(engine: Engine, number: int) -> None:
    """Names, types, values, order of rows; whatever the engine or the protection then makes of them is the same."""
    draw = random.Random(number)
    counted = groups = besides = 0
    for sql in same.questions(number):
        guarded = same.prepared(sql, LEAST)
        sliced = cut(guarded, cuts_of(draw))
        if sliced is None:
            continue
        counted += 1
        one, other = same.run(engine, guarded), same.run(engine, sliced)
        assert one.schema == other.schema, sql
        # Where a key is missing in one row and a margin in another, their order is open.
        assert sorted(rows_of(one, guarded), key=repr) == sorted(rows_of(other, guarded), key=repr), sql
        assert read(one, guarded) == read(other, guarded), sql
        # Of two persons in one bucket one is seen: a group may look smaller, and none larger.
        whole, bucketed = small_together(one, guarded), small_together(other, guarded)
        assert all(bucketed.get(key, size + 1) <= size for key, size in whole.items()), sql
        groups += len(whole)
        besides += len(bucketed.keys() - whole.keys())
    assert besides <= 1 + groups // 10
    assert counted >= same.QUESTIONS // 2


def read(answered: pa.Table, guarded: Guarded) -> tuple[list[str], list[str]]:
    """What protection is told: rows with their persons, and every group that can be read in them but by several numbers together."""
    table = _table(answered, guarded)
    rows = (
        (row.keys, row.persons, row.total_persons, list(map(same_digits, row.values))) for row in table.rows
    )
    return [repr(one) for one in table.measures], sorted(map(repr, rows))


def small_together(answered: pa.Table, guarded: Guarded) -> dict[str, int]:
    """The smallest groups of fewer than five that numbers of a row tell together, by its key."""
    rows = _table(answered, guarded).rows
    return {repr([*map(same_digits, row.keys)]): row.beside for row in rows if 0 < row.beside < LEAST}


def _table(answered: pa.Table, guarded: Guarded) -> Table:
    assert guarded.cells is not None
    return cells.table_of(answered, guarded.cells, Bounds(LEAST, LEAST))


def same_digits(value: object) -> object:
    """Sums of floats differ in their last digits with the order of addition; a list is in no order of its own."""
    if isinstance(value, list):
        return (
            sorted(map(same_digits, value), key=repr) if _of_lists(value) else list(map(same_digits, value))
        )
    return float(f"{value:.9g}") if isinstance(value, float) else value


def _of_lists(value: list[object]) -> bool:
    return any(isinstance(one, list) for one in value)


@pytest.mark.parametrize("number", range(1, same.POPULATIONS, 4))
def test_the_aggregate_tier_is_counted_the_same_in_slices(engine: Engine, number: int) -> None:
    draw = random.Random(number)
    counted = 0
    for sql in same.questions(number):
        known = know(parse(sql, (), Form.TABLE), same.PERMIT, same.SCHEMA)
        rule = same.prepared(sql, 5).obligations.rule_sets
        asked = Authorised(known, Obligations(rule_sets=rule, tier="aggregate"))
        assert known.shape is not None
        guarded = guard(orderless(asked, known.shape)[0])
        sliced = cut(guarded, cuts_of(draw))
        if sliced is None:
            continue
        counted += 1
        one, other = same.run(engine, guarded), same.run(engine, sliced)
        assert one.schema == other.schema, sql
        assert sorted(rows_of(one, guarded), key=repr) == sorted(rows_of(other, guarded), key=repr), sql
    assert counted >= 5


# -- counted again by hand ------------------------------------------------------------------------------------------------

Line = tuple[int | None, str | None, int | None, int | None]
"""pid, code, year, points."""

SCHEMA = schemas.read(
    {
        "tables": {
            "reg.line": {
                "columns": {"pid": "UINTEGER", "code": "VARCHAR", "year": "SMALLINT", "points": "INTEGER"},
                "person": True,
            },
            "reg.who": {"columns": {"pid": "UINTEGER", "sex": "VARCHAR"}, "person": True},
        }
    }
)


def permit(rows: str | None) -> permits.Permit:
    line = {"columns": ["pid", "code", "year", "points"], **({} if rows is None else {"rows": rows})}
    return permits.parse(
        {
            "schema": "enclave.permit/1", "permit_id": "p-1", "revision": 1, "project": "x", "provision": "v-1",
            "handlers": ["mori"], "purpose": "", "tier": "record", "rule_sets": ["r"],
            "databases": {"reg": {"line": line, "who": {"columns": ["pid", "sex"]}}},
            "valid_from": "2026-01-01T00:00:00Z", "valid_to": "2027-01-01T00:00:00Z",
        }
    )  # fmt: skip


def lines_by_hand() -> list[Line]:
    draw = random.Random(11)
    people = [draw.randrange(1 << 32) for _ in range(700)]
    codes = ["a10", "a11", "A1", "b2", "b20", "", "a", None]
    return [
        (
            None if draw.random() < 0.05 else draw.choice(people[: draw.choice((3, 40, 700))]),
            draw.choice(codes),
            draw.choice((2019, 2020, 2021, None)),
            draw.choice((None, 0, 1, 1, 2, draw.randrange(50))),
        )
        for _ in range(6000)
    ]


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, list[Line], dict[int, str]]]:
    path: Path = tmp_path_factory.mktemp("slices") / "extract.duckdb"
    lines = lines_by_hand()
    draw = random.Random(5)
    sexes = {pid: draw.choice("12") for pid, *_ in lines if pid is not None and pid % 5}
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA reg")
        connection.execute("CREATE TABLE reg.raw (pid UINTEGER, code VARCHAR, year SMALLINT, points INTEGER)")
        connection.executemany("INSERT INTO reg.raw VALUES (?, ?, ?, ?)", lines)
        connection.execute("CREATE TABLE reg.line AS SELECT * FROM reg.raw ORDER BY pid")
        connection.execute("DROP TABLE reg.raw")
        connection.execute("CREATE TABLE reg.who (pid UINTEGER, sex VARCHAR)")
        connection.executemany("INSERT INTO reg.who VALUES (?, ?)", sorted(sexes.items()))
    pool = EnginePool(EngineLimits(wall=60, workers=2))
    yield pool.open(path, None, "v-1/1"), lines, sexes
    pool.close()


def asked(sql: str, rows: str | None = None) -> Guarded:
    rule = {
        "id": "r", "valid_from": "2024-09-01", "source": "x", "scope": {"databases": ["*"]},
        "min_persons": {"n": 10, "zero": "shown"},
    }  # fmt: skip
    known = know(parse(sql, (), Form.TABLE), permit(rows), SCHEMA)
    return guard(Authorised(known, Obligations(rule_sets={"r": rule})))


WHAT = "count(*) AS n, sum(points) AS s, count(*) FILTER (WHERE points > 1) AS f"


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("rows", [None, "year >= 2020"])
@pytest.mark.parametrize("margins", [False, True])
def test_persons_of_cells_are_those_that_a_count_by_hand_finds(
    by_hand: tuple[Engine, list[Line], dict[int, str]], joined: bool, rows: str | None, margins: bool
) -> None:
    engine, lines, sexes = by_hand
    source = "reg.line JOIN reg.who USING (pid)" if joined else "reg.line"
    group = "GROUP BY ROLLUP (lower(left(code, 2)), year)" if margins else "GROUP BY ALL"
    guarded = asked(f"SELECT lower(left(code, 2)) AS c, year, {WHAT} FROM {source} {group}", rows)
    behind: dict[tuple[object, ...], list[Line]] = defaultdict(list)
    for line in lines:
        pid, code, year, _ = line
        if (rows is not None and (year is None or year < 2020)) or (joined and pid not in sexes):
            continue
        key = (None if code is None else code[:2].lower(), year)
        for cell in [(*key, 0, 0), (key[0], None, 0, 1), (None, None, 1, 1)] if margins else [(*key, 0, 0)]:
            behind[cell].append(line)
    for cuts in ([], [1 << 31], [1 << 28, 1 << 29, 1 << 30, 3 << 30]):
        sliced = cut(guarded, cuts)
        assert sliced is not None
        found = {
            (row["c"], row["year"], row.get("_enclave_g1", 0), row.get("_enclave_g2", 0)): row
            for row in same.run(engine, sliced).to_pylist()
        }
        assert found.keys() == behind.keys()
        for cell, of in behind.items():
            row = found[cell]

            def persons(some: list[Line]) -> int:
                return len({line[0] for line in some if line[0] is not None})

            assert row["n"] == row["_enclave_records"] == len(of)
            assert row["_enclave_persons"] == persons(of)
            assert row["_enclave_a2_persons"] == persons([one for one in of if one[3]])
            assert row["_enclave_a2_rest"] == persons([one for one in of if not one[3]])
            assert row["_enclave_a3_persons"] == persons([one for one in of if (one[3] or 0) > 1])
            assert row["_enclave_a3_rest"] == persons([one for one in of if (one[3] or 0) <= 1])
            values = {one[3] for one in of if one[3] is not None}
            assert min(row["_enclave_a2_different"], SEVERAL) == min(len(values), SEVERAL)


def test_a_set_of_keys_that_is_named_twice_is_refused_either_way(
    by_hand: tuple[Engine, list[Line], dict[int, str]],
) -> None:
    """Its rows would be counted twice, which nobody sees: nothing of it is shown."""
    engine, _, _ = by_hand
    guarded = asked("SELECT year, count(*) AS n FROM reg.line GROUP BY GROUPING SETS ((year), (year))")
    for one in (guarded, cut(guarded, [1 << 31])):
        assert one is not None
        with pytest.raises(Refused) as refused:
            cells.protect(same.run(engine, one), guarded)
        assert refused.value.code == "disclosure.duplicate_row"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT c, count(*) AS n FROM (SELECT pid, any_value(code) AS c FROM reg.line GROUP BY pid) x GROUP BY c",
        "SELECT c, count(*) AS n FROM (SELECT pid, arg_max(code, year) AS c FROM reg.line GROUP BY pid) x GROUP BY c",
        "SELECT c, count(*) AS n FROM (SELECT pid, row_number() OVER (PARTITION BY pid ORDER BY year) AS c FROM reg.line) x GROUP BY c",
        "SELECT c, count(*) AS n FROM (SELECT pid, sum(points / 3) AS c FROM reg.line GROUP BY pid) x GROUP BY c",
    ],
)  # fmt: skip
def test_what_may_come_out_otherwise_the_second_time_is_read_once(sql: str) -> None:
    """A first of equals, and the last bits of a sum: who is counted in a cell would not be who is shown in it."""
    assert asked(sql).slices is None


def test_slices_hold_about_as_many_rows_each(by_hand: tuple[Engine, list[Line], dict[int, str]]) -> None:
    """However the persons lie; each person is in one slice, and a small table is counted in one go."""
    engine, lines, _ = by_hand
    guarded = asked("SELECT year, count(*) AS n FROM reg.line GROUP BY year")
    assert large.in_slices(engine, guarded) is guarded
    sliced = large.in_slices(engine, guarded, many=1, rows_each=600)
    spread = large.sizes_of(engine).spread[schemas.DatabaseId("reg"), "line"]
    cuts = large.cuts_of(spread, 10)
    assert sliced.sql == cut(guarded, cuts).sql  # type: ignore[union-attr]
    assert 4 <= len(cuts) <= 10
    assert cuts == sorted(set(cuts))
    held = Counter(sum(pid > one for one in cuts) for pid, *_ in lines if pid is not None)
    most_of_one = max(Counter(pid for pid, *_ in lines if pid is not None).values())
    # Few persons with many rows may lie in one interval of pseudonyms.
    assert max(held.values()) <= 600 + 3 * most_of_one
