"""A made-up population in the databases of the use cases (`use_cases/schema.sql`), by a generator that needs no file.

Every number comes from the engine's `hash` of a row's own number, so that the same rows arise each time. 240 persons;
ages, areas, codes and dates are dense enough that what a study asks for exists.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from tests.unit.query import world

FOLDER = Path(__file__).parent / "use_cases"
DDL = (FOLDER / "schema.sql").read_text()
TABLES = {
    f"{m[1]}.{m[2]}": {c.split()[0]: c.split()[1] for c in m[3].split(", ")}
    for m in re.finditer(r"CREATE TABLE (\w+)\.(\w+)\((.*?)\);", DDL)
}

PERSONS = 240

MACROS = """
CREATE TEMP MACRO n(i, salt, m) AS (hash(i::VARCHAR || salt) % m)::INTEGER;
CREATE TEMP MACRO who(i) AS lpad(i::VARCHAR, 6, 'p');
CREATE TEMP MACRO pick(i, salt, l) AS l[1 + n(i, salt, len(l))];
CREATE TEMP MACRO day(i, salt) AS DATE '2018-04-01' + n(i, salt, 1800);
CREATE TEMP MACRO ym(i, salt) AS (DATE '2018-04-01' + to_months(n(i, salt, 60)))::DATE;
CREATE TEMP MACRO area(p) AS '13' || n(p, 'area', 3)::VARCHAR;
CREATE TEMP MACRO muni(p) AS area(p) || '0' || n(p, 'muni', 2)::VARCHAR;
CREATE TEMP MACRO sexof(p) AS 1 + n(p, 'sex', 2);
CREATE TEMP MACRO ageof(p) AS 38 + n(p, 'age', 55);
CREATE TEMP MACRO icd(i) AS pick(i, 'icd', ['E119','I10','I514','I309','L120','R432','U071','J189','C169','I219','F03','N185',
    'I500','M0690','J440','E780','K760']);
CREATE TEMP MACRO drug(i) AS pick(i, 'drug', ['3969010F1020','3969011F1027','3961008F1020','3999014M1022','2171022F1029',
    '6132005F1020','2189010F1023','1141007F1013']);
"""

ROWS = {
    "core.muni": "SELECT '13' || a || '0' || b, 'City ' || a || b, '13' || a, '13', 20000 + 1000 * a + 100 * b"
    " FROM range(3) x(a), range(2) y(b)",
    "core.pop": "SELECT '13' || a, s, 5 * g, 500 + 10 * g + s FROM range(3) x(a), range(1, 3) y(s), range(21) z(g)",
    "ndb.rcpt": "SELECT i, who(p), pick(i, 'kind', ['med_in','med_out','dpc','pharm','dent']), ym(i, 'ym'), sexof(p),"
    " ageof(p) + n(i, 'ym', 60) // 12, '13', area(p), muni(p), 'f' || n(i, 'fac', 12), pick(i, 'ins', ['nhi','kyokai',"
    "'kouki']), 100 + n(i, 'pts', 50000), 1 + n(i, 'days', 20) FROM (SELECT i, n(i, 'p', 240) p FROM range(3000) t(i))",
    "ndb.sy": "SELECT i, who(n(i, 'p', 240)), ym(i, 'ym'), '88' || n(i, 'dc', 100), icd(i), day(i, 'st'), 1 +"
    " n(i, 'out', 4), n(i, 'sus', 5) = 0, n(i, 'main', 3) = 0 FROM range(4000) t(i)",
    "ndb.si": "SELECT i, who(n(i, 'p', 240)), day(i, 'act'), '1800' || n(i, 'ac', 30), pick(i, 'kb', ['J038','A001','D007',"
    "'K552','E101']), 1 + n(i, 'tm', 3), n(i, 'sp', 3000), 'f' || n(i, 'fac', 12), area(n(i, 'p', 240))"
    " FROM range(2500) t(i)",
    "ndb.iy": "SELECT i, who(n(i, 'p', 240)), day(i, 'act'), '62' || n(i, 'dg', 500), drug(i), pick(i, 'fm', ['内','外','注']),"
    " (1 + n(i, 'q', 80)) / 4.0, pick(i, 'dy', [7, 14, 28, 30, 60, 90]) FROM range(4000) t(i)",
    "ndb.bu": "SELECT i, who(n(i, 'p', 240)), pick(i, 'dpc', ['050030xx97000x','040080x099x0xx','060020xx99x4xx']),"
    " day(i, 'adm'), day(i, 'adm') + 1 + n(i, 'los', 40), 1 + n(i, 'out', 6) FROM range(700) t(i)",
    "ndb.checkup": "SELECT who(p), day(i, 'chk'), sexof(p), ageof(p), CASE WHEN n(i, 'nb', 12) > 0 THEN round(17 +"
    " n(i, 'bmi', 200) / 10.0, 1) END, 95 + n(i, 'sbp', 90), 4.8 + n(i, 'a1c', 60) / 10.0, CASE WHEN n(i, 'ne', 15) > 0"
    " THEN 8.0 + n(i, 'egfr', 110) END, n(i, 'up', 3), n(i, 'sm', 3), area(p)"
    " FROM (SELECT i, n(i, 'p', 240) p FROM range(900) t(i))",
    "ndb.death": "SELECT who(p), day(p, 'death') + 900, n(p, 'hour', 24), 1 + n(p, 'place', 5), icd(p), 1, NULL, NULL, NULL,"
    " NULL FROM range(240) t(p) WHERE n(p, 'dies', 6) = 0",
    "kaigo.cert": "SELECT who(n(i, 'p', 240)), day(i, 'cert'), n(i, 'lvl', 8), pick(i, 'dem', ['I','IIa','IIb','IIIa','M']),"
    " pick(i, 'adl', ['J1','A1','B1','C1']), muni(n(i, 'p', 240)) FROM range(300) t(i)",
    "kaigo.claim": "SELECT who(n(i, 'p', 240)), ym(i, 'ym'), pick(i, 'k', ['11','15','51','52']), '1111' || n(i, 'c', 9),"
    " 100 + n(i, 'u', 30000), 'v' || n(i, 'prov', 8), muni(n(i, 'p', 240)) FROM range(1200) t(i)",
    "kaigo.life_adl": "SELECT who(n(i, 'p', 240)), day(i, 'ev'), 5 * n(i, 'bi', 21), n(i, 'dbd', 53), n(i, 'vit', 11)"
    " FROM range(500) t(i)",
    "dpc.form1": "SELECT who(p), 'd' || i, 'f' || n(i, 'fac', 12), sexof(p), ageof(p), day(i, 'adm'), day(i, 'adm') + 1 +"
    " n(i, 'los', 35), icd(i), icd(i + 1), pick(i, 'jcs', [0, 1, 2, 3, 10, 20, 100, 300]), 5 * n(i, 'bia', 21), CASE WHEN"
    " n(i, 'dead', 9) > 0 THEN 5 * n(i, 'bid', 21) END, CASE WHEN n(i, 'op', 3) = 0 THEN 'K' || (500 + n(i, 'k', 40)) END,"
    " CASE WHEN n(i, 'op', 3) = 0 THEN day(i, 'adm') + n(i, 'od', 5) END, 1 + n(i, 'out', 7), '050030xx97000x'"
    " FROM (SELECT i, n(i, 'p', 240) p FROM range(800) t(i))",
    "vac.shot": "SELECT who(p), DATE '2021-02-15' + (120 * dose + n(i, 'sd', 90))::INTEGER, pick(i, 'vx', ['BNT','MOD','AZ']), dose + 1,"
    " 'L' || n(i, 'lot', 9), (DATE '2021-04-01' - to_years(ageof(p)))::DATE, sexof(p), muni(p)"
    " FROM (SELECT i, i // 3 p, i % 3 dose FROM range(600) t(i))",
    "vac.aefi": "SELECT who(n(i, 'p', 200)), DATE '2021-03-01' + n(i, 'on', 400), pick(i, 'vx', ['BNT','MOD','AZ']), pick(i,"
    " 'sy', ['fever','anaphylaxis','myocarditis']), 1 + n(i, 'sev', 3), 1 + n(i, 'out', 4) FROM range(90) t(i)",
    "idb.notif": "SELECT who(n(i, 'p', 240)), pick(i, 'dis', ['COVID-19','measles','TB']), day(i, 'on'), day(i, 'on') +"
    " n(i, 'dx', 8), n(i, 'sev', 4), (DATE '2021-04-01' - to_years(ageof(n(i, 'p', 240))))::DATE, sexof(n(i, 'p', 240)),"
    " '13' FROM range(260) t(i)",
    "welfare.cert": "SELECT who(i * 5), day(i, 'cert'), 1 + n(i, 'sl', 6), pick(i, 'dk', ['phys','int','psy']), muni(i * 5)"
    " FROM range(48) t(i)",
    "welfare.claim": "SELECT who(5 * n(i, 'p', 48)), ym(i, 'ym'), pick(i, 'k', ['A','B','C']), n(i, 'u', 9000), muni(5 *"
    " n(i, 'p', 48)) FROM range(400) t(i)",
    "cancer.reg": "SELECT 'c' || i, day(i, 'dx') - 400, 1 + n(i, 'sex', 2), 40 + n(i, 'age', 50), '13', pick(i, 'topo', ['C161',"
    "'C169','C341','C509']), '8140', pick(i, 'beh', [2, 3, 3]), pick(i, 'ext', [400, 410, 420, 430]), 1, 1, 0, 0,"
    " n(i, 'vit', 2), day(i, 'dx') - 400 + n(i, 'fu', 2000), icd(i) FROM range(400) t(i)",
    "nanbyo.reg": "SELECT who(n(i, 'p', 240)), 2019 + n(i, 'fy', 4), 9 + n(i, 'dn', 4), 'disease ' || (9 + n(i, 'dn', 4)),"
    " 20 + n(i, 'oa', 30), ageof(n(i, 'p', 240)), sexof(n(i, 'p', 240)), '13', 1 + n(i, 'sev', 3), n(i, 'ste', 2) = 0"
    " FROM range(400) t(i)",
    "shoman.reg": "SELECT who(n(i, 'p', 240)), 2019 + n(i, 'fy', 4), 1 + n(i, 'g', 9), 'child disease', 3, 12, sexof(n(i,"
    " 'p', 240)), '13' FROM range(80) t(i)",
    "nextgen.lab": "SELECT who(n(i, 'p', 240)), day(i, 'ex'), pick(i, 'jl', ['3B035','3D046','8A065','3F077']), round(n(i,"
    " 'v', 20000) / 100.0, 2), pick(i, 'u', ['mg/dL','%','U/L']) FROM range(2500) t(i)",
    "midnet.rx": "SELECT 'm' || n(i, 'p', 150), 'h' || n(i, 'h', 5), day(i, 'od'), drug(i), pick(i, 'dy', [7, 14, 28, 30])"
    " FROM range(900) t(i)",
    "midnet.lab": "SELECT 'm' || n(i, 'p', 150), 'h' || n(i, 'h', 5), day(i, 'ex'), pick(i, 'jl', ['3B035','3D046']), n(i, 'v',"
    " 20000) / 100.0 FROM range(1200) t(i)",
}  # fmt: skip


def fill(con: duckdb.DuckDBPyConnection, changed: Callable[[str], str] = str) -> None:
    """Schemas, tables and rows, by the statements of `ROWS` as `changed` has them; nothing but them is left behind."""
    con.execute(DDL)
    con.execute(MACROS)
    for name, rows in ROWS.items():
        con.execute(f"INSERT INTO {name} {changed(rows)}")
    for name in re.findall(r"TEMP MACRO (\w+)", MACROS):
        con.execute(f"DROP MACRO {name}")


def parts() -> dict[str, Any]:
    """A permit for everything and its schema, as keyword arguments of `world.ask`."""
    databases: dict[str, dict[str, dict[str, list[str]]]] = {}
    for name, columns in TABLES.items():
        database, table = name.split(".")
        databases.setdefault(database, {})[table] = {"columns": list(columns)}
    return {
        "permit": world.permit(databases=databases, linkage_groups=[sorted(databases)]),
        "schema": world.schema(tables=TABLES),
    }
