"""Where a rule asks for institutions, no number that `table()` shows speaks of fewer: recounted naively, record by record."""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from enclave.core import permit as permits
from enclave.core.refusal import Refused
from enclave.disclosure.answers.table import TOTAL, Hidden, ProtectedTable, Reason
from enclave.gateway import cells
from enclave.query import schema as schemas
from enclave.query.facts import know
from enclave.query.flow import guard
from enclave.query.parse import parse
from enclave.query.stages import Authorised, Form, Guarded, Obligations

PERSONS, INSTITUTIONS = 4, 3
CLAIM = {"pid": "UINTEGER", "kind": "VARCHAR", "level": "SMALLINT", "ward": "SMALLINT", "units": "INTEGER",
         "provider_id": {"type": "UINTEGER", "role": "facility"}}  # fmt: skip
CERT = {"pid": "UINTEGER", "sex": "VARCHAR"}
SCHEMA = schemas.read(
    {
        "tables": {
            "care.claim": {"columns": CLAIM, "person": True},
            "care.cert": {"columns": CERT, "person": True},
        }
    }
)
GRANTED = {"claim": {"columns": list(CLAIM)}, "cert": {"columns": list(CERT)}}


def rule(**keys: Any) -> dict[str, Any]:
    return {
        "id": "r", "valid_from": "2024-09-01", "source": "the test's own", "scope": {"databases": ["care"]},
        "min_persons": {"n": PERSONS, "zero": "shown"}, **keys,
    }  # fmt: skip


RULES = rule(min_institutions={"n": INSTITUTIONS})


def guarded(
    sql: str, granted: Mapping[str, Any] = GRANTED, rules: Mapping[str, Any] = RULES, form: Form = Form.TABLE
) -> Guarded:
    permit = permits.parse(
        {
            "schema": "enclave.permit/1", "permit_id": "p-1", "revision": 1, "project": "x", "provision": "v-1",
            "handlers": ["mori"], "purpose": "", "tier": "record", "rule_sets": ["r"], "databases": {"care": granted},
            "valid_from": "2026-01-01T00:00:00Z", "valid_to": "2027-01-01T00:00:00Z",
        }
    )  # fmt: skip
    return guard(Authorised(know(parse(sql, (), form), permit, SCHEMA), Obligations({"r": rules})))


Record = tuple[int, str, int, int, int, int | None]


def records(seed: int) -> list[Record]:
    """Persons with some records each; providers that keep to few kinds, so that cells of one or two of them are common."""
    draw = random.Random(seed)
    providers = [
        (number, draw.choices("abcd", k=2), draw.randrange(3)) for number in range(draw.choice((6, 14, 30)))
    ]
    found: list[Record] = []
    for pid in range(draw.choice((60, 200, 500))):
        for _ in range(draw.choice((1, 1, 3))):
            number, kinds, ward = draw.choice(providers)
            where = ward if draw.random() < 0.8 else draw.randrange(3)
            known = number if draw.random() < 0.95 else None
            found.append((pid, draw.choice(kinds), draw.randrange(4), where, draw.randrange(5), known))
    return found


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA care")
        yield connection


def answer(engine: duckdb.DuckDBPyConnection, lines: list[Record], sql: str) -> ProtectedTable:
    columns = zip(*lines, strict=True)
    types = (pa.uint32(), pa.string(), pa.int16(), pa.int16(), pa.int32(), pa.uint32())
    names = ("pid", "kind", "level", "ward", "units", "provider_id")
    table = pa.table([pa.array(one, kind) for one, kind in zip(columns, types, strict=True)], names=names)
    engine.register("lines", table)
    engine.execute("CREATE OR REPLACE TABLE care.claim AS SELECT * FROM lines")
    asked = guarded(sql)
    return cells.protect(engine.sql(asked.sql).to_arrow_table(), asked)


QUESTIONS = (
    ("GROUP BY kind, level", ("kind", "level")),
    ("GROUP BY ROLLUP (kind, level)", ("kind", "level")),
    ("GROUP BY CUBE (kind, ward)", ("kind", "ward")),
    ("GROUP BY CUBE (kind, level, ward)", ("kind", "level", "ward")),
)
PLACE = {"kind": 1, "level": 2, "ward": 3}


def few(group: list[Record]) -> bool:
    return 0 < len({one[5] for one in group if one[5] is not None}) < INSTITUTIONS


def groups(of: list[Record]) -> tuple[list[Record], list[Record], list[Record]]:
    """What one line of the answer speaks of: all its records, those with units above 2, and the others."""
    above = [one for one in of if one[4] > 2]
    return of, above, [one for one in of if one[4] <= 2]


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize(("grouping", "keys"), QUESTIONS)
def test_no_number_that_is_shown_speaks_of_few_institutions(
    engine: duckdb.DuckDBPyConnection, seed: int, grouping: str, keys: tuple[str, ...]
) -> None:
    """Not of its line, not of a condition within it, not of what the condition leaves out, not of hidden lines together."""
    lines = records(seed)
    numbers = "count(*) AS n, count(*) FILTER (WHERE units > 2) AS high"
    sql = f"SELECT {', '.join(keys)}, {numbers} FROM care.claim {grouping}"
    try:
        protected = answer(engine, lines, sql)
    except Refused as refused:
        # No answer at all is safe as well; any other reason for none would be a defect.
        if refused.code != "disclosure.no_safe_pattern":
            raise
        return

    def behind(row_keys: tuple[object, ...]) -> list[Record]:
        return [
            one
            for one in lines
            if all(key is TOTAL or one[PLACE[name]] == key for name, key in zip(keys, row_keys, strict=True))
        ]

    hidden = {row.keys: row for row in protected.rows if isinstance(row.cells[0], Hidden)}
    for row in protected.rows:
        speaks = groups(behind(row.keys))
        small = any(0 < len({one[0] for one in group}) < PERSONS for group in speaks)
        unsafe = small or any(few(group) for group in speaks)
        if row.keys not in hidden:
            assert not unsafe
        elif unsafe:
            assert row.cells[0] == Hidden(Reason.PRIMARY)
    together: dict[tuple[tuple[object, ...], int], list[Record]] = defaultdict(list)
    for row_keys in hidden:
        for place, key in enumerate(row_keys):
            if key is not TOTAL:
                together[(*row_keys[:place], TOTAL, *row_keys[place + 1 :]), place] += behind(row_keys)
    shown = {row.keys for row in protected.rows} - hidden.keys()
    for (total, _), found in together.items():
        if total in shown:
            assert not any(few(group) for group in groups(found))


def test_a_cell_of_two_institutions_hides_however_many_persons(engine: duckdb.DuckDBPyConnection) -> None:
    """Forty patients of two providers beside cells of many: hidden, and not to be had by subtraction."""
    lines: list[Record] = [(pid, "a", 0, 0, 3, pid % 2) for pid in range(40)]
    lines += [(pid, kind, 0, 0, 3, pid % 7) for kind in "bcd" for pid in range(40, 100)]
    protected = answer(engine, lines, "SELECT kind, count(*) AS n FROM care.claim GROUP BY ROLLUP (kind)")
    status = {row.keys[0]: row.cells[0] for row in protected.rows}
    assert status["a"] == Hidden(Reason.PRIMARY)
    assert sum(isinstance(cell, Hidden) for cell in status.values()) == 2
    assert not isinstance(status[TOTAL], Hidden)


def test_where_no_institution_is_named_none_is_counted() -> None:
    """A register beside the claims names nobody; a set that does not ask adds nothing to the statement."""
    register = guarded("SELECT sex, count(*) AS n FROM care.cert GROUP BY sex")
    assert register.cells is not None
    assert register.cells.institutions == ()
    unasked = guarded("SELECT kind, count(*) AS n FROM care.claim GROUP BY kind", rules=rule())
    assert unasked.cells is not None
    assert unasked.cells.institutions is None
    assert "provider_id" not in unasked.sql.split("FROM", 1)[0]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT kind, count(*) AS n FROM (SELECT pid, kind, provider_id FROM care.claim) AS c GROUP BY kind",
        "WITH c AS (SELECT pid, kind, provider_id AS where_from FROM care.claim) SELECT kind, count(*) AS n FROM c GROUP BY kind",
        "SELECT kind, sex, count(*) AS n FROM care.claim AS c JOIN care.cert AS r ON r.pid = c.pid GROUP BY ALL",
    ],
)
def test_institutions_are_counted_through_what_carries_them(sql: str) -> None:
    """A subquery or a WITH that hands the column on, under whatever name, and a join."""
    found = guarded(sql).cells
    assert found is not None
    assert found.institutions == ("_enclave_institutions1_row",)


@pytest.mark.parametrize(
    ("sql", "granted"),
    [
        ("SELECT kind, count(*) AS n FROM (SELECT pid, kind FROM care.claim) AS c GROUP BY kind", GRANTED),
        ("SELECT sex, count(*) AS n FROM care.cert WHERE pid IN (SELECT pid FROM care.claim WHERE provider_id = 7) GROUP BY sex", GRANTED),
        ("SELECT kind, count(*) AS n FROM (SELECT pid, kind, max(provider_id) AS p FROM care.claim GROUP BY ALL) AS c GROUP BY kind", GRANTED),
        ("SELECT kind, count(*) AS n FROM care.claim GROUP BY kind", {"claim": {"columns": ["pid", "kind", "units"]}}),
    ],
)  # fmt: skip
def test_what_cannot_be_counted_is_refused(sql: str, granted: Mapping[str, Any]) -> None:
    """A subquery that drops the institution, one that chooses among them, a condition on it, a permit without it."""
    with pytest.raises(Refused) as refused:
        guarded(sql, granted)
    assert refused.value.code == "query.institutions_uncounted"
    assert refused.value.facts["databases"] == "care"


def test_records_inside_the_workspace_are_not_concerned() -> None:
    """The rule is about what is shown: rows form needs no institution."""
    sql = "SELECT kind, units FROM (SELECT pid, kind, units FROM care.claim) AS c"
    assert guarded(sql, form=Form.ROWS).cells is None
