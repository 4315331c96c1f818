"""Linked databases for the aggregate tier that nothing but their columns' roles describes: made by the engine from hashes.

Two forms: ages that are one per person, whatever the row's date, and ages that move on with the rows' dates; and blocks that
know where people live, or do not. `opened` has them as an extract lies before the engine, blocks included.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from enclave.core.permit import Permit, Tier
from enclave.custody import blocks
from enclave.gateway import cells
from enclave.query import schema as schemas
from enclave.query.flow import Unsettled, prepare
from enclave.query.stages import Form
from tests.unit.query import world

OF_SMALL_AREAS = "query.areas_small"
"""The refusal that needs blocks which know where people live, and an area of fewer persons than a block has."""

K = 10
PERSONS = 9_000
QUERIES = Path(__file__).parent / "use_cases" / "aggregate.sql"

_ROLES = {
    "pid": "person", "sex": "identifying", "age": "identifying", "birth_ym": "identifying", "pref_code": "area",
    "vital": "outcome", "points": "measure",
}  # fmt: skip

TABLES = {
    "ndb.rcpt": "pid UINTEGER, rcpt_kind VARCHAR, service_ym DATE, sex TINYINT, age SMALLINT, pref_code VARCHAR, points INTEGER",
    "ndb.sy": "pid UINTEGER, service_ym DATE, icd10 VARCHAR, suspected BOOLEAN",
    "ndb.si": "pid UINTEGER, act_date DATE, kubun VARCHAR, points INTEGER",
    "ndb.iy": "pid UINTEGER, act_date DATE, yj12 VARCHAR, days SMALLINT",
    "ndb.checkup": "pid UINTEGER, check_date DATE, sex TINYINT, age SMALLINT, bmi DOUBLE, egfr DOUBLE, u_protein TINYINT",
    "cancer.reg": "pid UINTEGER, dx_date DATE, sex TINYINT, age SMALLINT, pref_code VARCHAR, topo VARCHAR, behavior TINYINT,"
    " extent SMALLINT, vital TINYINT, last_date DATE",
    "vac.shot": "pid UINTEGER, shot_date DATE, vaccine VARCHAR, dose_no TINYINT, birth_ym DATE, sex TINYINT",
    "idb.notif": "pid UINTEGER, disease VARCHAR, onset_date DATE, severity TINYINT, birth_ym DATE, sex TINYINT, pref_code VARCHAR",
    "nanbyo.reg": "pid UINTEGER, apply_fy SMALLINT, disease_no SMALLINT, age SMALLINT, sex TINYINT, pref_code VARCHAR,"
    " severity TINYINT, steroid BOOLEAN",
    "shoman.reg": "pid UINTEGER, apply_fy SMALLINT, group_no SMALLINT, sex TINYINT, pref_code VARCHAR",
    "welfare.cert": "pid UINTEGER, cert_date DATE, support_level TINYINT, disability_kind VARCHAR",
    "core.pop": "pref_code VARCHAR, sex TINYINT, age5 SMALLINT, population INTEGER",
}  # fmt: skip
COLUMNS = {name: {c.split()[0]: c.split()[1] for c in text.split(", ")} for name, text in TABLES.items()}

_MACROS = """
CREATE TEMP MACRO n(i, salt, m) AS (hash(i::VARCHAR || salt) % m)::INTEGER;
CREATE TEMP MACRO who(i) AS (hash(i) % 4000000000)::UINTEGER;
CREATE TEMP MACRO pick(i, salt, l) AS l[1 + n(i, salt, len(l))];
CREATE TEMP MACRO day(i, salt) AS (DATE '2018-04-01' + n(i, salt, 1800));
CREATE TEMP MACRO ym(i, salt) AS (DATE '2018-04-01' + to_months(n(i, salt, 60)))::DATE;
CREATE TEMP MACRO area(p) AS pick(p, 'area', ['01','13','13','13','27','27','40','47']);
CREATE TEMP MACRO sexof(p) AS 1 + n(p, 'sex', 2);
CREATE TEMP MACRO born(p) AS (DATE '1931-01-01' + to_months(n(p, 'born', 600) + n(p, 'more', 150)))::DATE;
"""

_SMALL = re.sub(
    r"area\(p\) AS (.*);", r"area(p) AS CASE WHEN n(p, 'few', 3000) = 0 THEN '46' ELSE \1 END;", _MACROS
)

_ROWS = {
    "ndb.rcpt": "SELECT who(p), pick(i, 'kind', ['med_in','med_out','med_out','dpc','pharm']), ym(i, 'ym'), sexof(p),"
    " ageat(p, ym(i, 'ym')), area(p), 100 + n(i, 'pts', 50000) FROM (SELECT i, i % {n} p FROM range({n} * 4) t(i))",
    "ndb.sy": "SELECT who(n(i, 'p', {n})), ym(i, 'ym'), pick(i, 'icd', ['E119','I10','I514','I309','L120','L120','R432','R432',"
    "'U071','J189','N185']), n(i, 'sus', 5) = 0 FROM range({n} * 4) t(i)",
    "ndb.si": "SELECT who(n(i, 'p', {n})), day(i, 'act'), pick(i, 'kb', ['J038','A001','D007','K552']), n(i, 'sp', 3000)"
    " FROM range({n} * 2) t(i)",
    "ndb.iy": "SELECT who(n(i, 'p', {n})), day(i, 'act'), pick(i, 'drug', ['3969010F1020','3969011F1027','3961008F1020',"
    "'3961008F1020','3999014M1022','2171022F1029']), pick(i, 'dy', [7, 14, 28, 30]) FROM range({n} * 2) t(i)",
    "ndb.checkup": "SELECT who(p), day(i, 'chk'), sexof(p), ageat(p, day(i, 'chk')), CASE WHEN n(i, 'nb', 12) > 0 THEN"
    " round(17 + n(i, 'bmi', 200) / 10.0, 1) END, CASE WHEN n(i, 'ne', 15) > 0 THEN 8.0 + n(i, 'egfr', 110) END, n(i, 'up', 3)"
    " FROM (SELECT i, n(i, 'p', {n}) p FROM range({n}) t(i))",
    "cancer.reg": "SELECT who(p), DATE '2018-01-01' + n(p, 'dx', 730), sexof(p), ageat(p, DATE '2018-01-01' + n(p, 'dx', 730)),"
    " area(p), pick(p, 'topo', ['C161','C169','C341','C509']), pick(p, 'beh', [2, 3, 3, 3]), pick(p, 'ext', [400, 410, 420]),"
    " n(p, 'vit', 2), DATE '2018-01-01' + n(p, 'dx', 730) + n(p, 'fu', 2000) FROM range({n}) t(p) WHERE n(p, 'ca', 3) = 0",
    "vac.shot": "SELECT who(p), DATE '2021-02-15' + (120 * dose + n(i, 'sd', 90))::INTEGER, pick(i, 'vx', ['BNT','MOD']), dose"
    " + 1, born(p), sexof(p) FROM (SELECT i, i // 2 p, i % 2 dose FROM range({n}) t(i))",
    "idb.notif": "SELECT who(n(i, 'p', {n})), pick(i, 'dis', ['COVID-19','COVID-19','measles']), day(i, 'on'), n(i, 'sev', 4),"
    " born(n(i, 'p', {n})), sexof(n(i, 'p', {n})), area(n(i, 'p', {n})) FROM range({n} // 2) t(i)",
    "nanbyo.reg": "SELECT who(p), 2019 + n(i, 'fy', 4), 9 + n(i, 'dn', 4), ageat(p, DATE '2021-04-01'), sexof(p), area(p), 1 +"
    " n(i, 'sev', 3), n(i, 'ste', 2) = 0 FROM (SELECT i, n(i, 'p', {n}) p FROM range({n}) t(i))",
    "shoman.reg": "SELECT who(n(i, 'p', {n})), 2019 + n(i, 'fy', 4), 1 + n(i, 'g', 9), sexof(n(i, 'p', {n})), area(n(i, 'p', {n}))"
    " FROM range({n} * 2) t(i)",
    "welfare.cert": "SELECT who(i * 5), day(i, 'cert'), 1 + n(i, 'sl', 6), pick(i, 'dk', ['phys','int','psy'])"
    " FROM range({n} // 5) t(i)",
    "core.pop": "SELECT a, s, 5 * g, 500 + 10 * g + s FROM (VALUES ('01'), ('13'), ('27'), ('40'), ('47')) x(a), range(1, 3) y(s),"
    " range(21) z(g)",
}  # fmt: skip

_CONSTANT = "CREATE TEMP MACRO ageat(p, d) AS date_diff('year', born(p), DATE '2021-04-01')"
_MOVING = "CREATE TEMP MACRO ageat(p, d) AS date_diff('year', born(p), d)"

CASES: dict[str, str] = dict(
    re.findall(
        r"^-- (\w+)[^\n]*\n(.*?);\s*$", QUERIES.read_text() if QUERIES.exists() else "", flags=re.M | re.S
    )
)
"""Name (`UC1`, `UC1a`, …) → statement."""


def databases() -> list[str]:
    return sorted({name.split(".")[0] for name in TABLES} - {"core"})


def permit() -> Permit:
    granted: dict[str, dict[str, dict[str, list[str]]]] = {}
    for name, columns in COLUMNS.items():
        database, table = name.split(".")
        granted.setdefault(database, {})[table] = {"columns": list(columns)}
    return world.permit(tier="aggregate", databases=granted, linkage_groups=[databases()])


def schema(homes: bool = False) -> schemas.Schema:
    areas = [
        f"{name}.pref_code"
        for name, columns in COLUMNS.items()
        if homes and "pid" in columns and "pref_code" in columns
    ]
    return schemas.read(
        {
            "tables": {
                name: {
                    "columns": {
                        c: {"type": kind, "role": _ROLES.get(c, "date" if kind == "DATE" else "clinical")}
                        for c, kind in columns.items()
                    },
                    "person": "pid" in columns,
                }
                for name, columns in COLUMNS.items()
            },
            "extract": "v-81c2/1",
            "permit": "p-2026-0007@1",
            "block_sets": [{"databases": databases(), "k": K, "areas": areas}],
        }
    )


@contextmanager
def opened(moving: bool, homes: bool = False, small: bool = False) -> Iterator[Any]:
    """`small`: with an area, 46, of some three persons."""
    con = duckdb.connect()
    for database in [*databases(), "core"]:
        con.execute(f"CREATE SCHEMA {database}")
    con.execute(_SMALL if small else _MACROS)
    con.execute(_MOVING if moving else _CONSTANT)
    for name, columns in TABLES.items():
        con.execute(f"CREATE TABLE {name} ({columns})")
        con.execute(f"INSERT INTO {name} {_ROWS[name].format(n=PERSONS)}")
    area = "area(p)::INTEGER" if homes else "0"
    known = con.execute(
        f"SELECT who(p), {area}, sexof(p), year(born(p)) // 5, year(born(p)), month(born(p)) FROM range({PERSONS}) t(p)"
    ).fetchall()
    counts: dict[tuple[int, ...], int] = {}
    for row in known:
        counts[row[1:]] = counts.get(row[1:], 0) + 1
    formed = blocks.form(counts, K)
    con.execute('CREATE SCHEMA "enclave blocks"')
    con.execute(f'CREATE TABLE "enclave blocks"."{"-".join(databases())}" (pid UINTEGER, block UINTEGER)')
    values = ", ".join(f"({row[0]}, {formed.of[row[1:]]})" for row in known)
    con.execute(f'INSERT INTO "enclave blocks"."{"-".join(databases())}" VALUES {values}')
    try:
        yield con
    finally:
        con.close()


@dataclass(frozen=True)
class Compared:
    """One statement's answer held against the bare engine's: cells by status, shown ones that differ, and how far off
    the perturbed ones are (|answer - truth| / max(|truth|, 20))."""

    statuses: dict[str, int]
    wrong: list[str]
    off: list[float]


def compared(text: str, con: Any, policy: Any, homes: bool = False) -> Compared:
    """Raises Refused."""
    prepared = prepare(text, (), Form.TABLE, permit(), schema(homes), world.session(), policy, Tier.AGGREGATE)
    if isinstance(prepared, Unsettled):
        prepared = prepared.settle(
            [con.sql(one.sql).to_arrow_table().to_pylist() for one in prepared.questions()]
        )
    answered = con.sql(prepared.sql).to_arrow_table()
    told = cells.arrow(cells.protect(answered, prepared), answered, prepared).to_pylist()
    bare = con.sql(text).to_arrow_table().to_pylist()
    keys = [d.name for d in (prepared.cells.dimensions if prepared.cells else ())]
    measures = [name for name in prepared.names if name not in keys]
    # A margin's keys are null, and so are missing ones: rows are told apart by what is null besides.
    truth: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in bare:
        truth.setdefault(tuple(row[k] for k in keys), []).append(row)
    statuses: dict[str, int] = {}
    wrong, off = [], []
    for row in told:
        candidates = truth.get(tuple(row[k] for k in keys), [])
        for name in measures:
            status = row[f"{name}_status"]
            statuses[status] = statuses.get(status, 0) + 1
            if status == "hidden":
                continue
            expected = [one[name] for one in candidates] or [0]
            apart = min(
                0.0 if row[name] is None and e is None else 1.0 if row[name] is None or e is None
                else abs(float(row[name]) - float(e)) / max(abs(float(e)), 20 if status == "perturbed" else 1e-9)
                for e in expected
            )  # fmt: skip
            if status == "shown" and apart > 1e-9:
                wrong.append(f"{name}: {row} but {candidates[:1]}")
            elif status == "perturbed":
                off.append(apart)
    return Compared(statuses, wrong, off)
