"""A registry that only its columns' roles describe, made from a fixed seed: 1,500 persons in two linked databases.

Two identifiers, several days of one person, two columns of institutions, a key of three columns, many missing values, one line
per person in one table and up to eight in others, and sexes and causes written in Japanese. One code, `Z9`, has ten persons.
"""

import random
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from tests.unit.query import world

PERSONS = 1_500
DATABASES = ("reg", "hosp")

COLUMNS: dict[str, dict[str, tuple[str, str]]] = {
    "reg.base": {
        "pid": ("UINTEGER", "person"), "chart_pid": ("UINTEGER", "person"), "sex": ("VARCHAR", "identifying"),
        "birth_ym": ("DATE", "identifying"), "entry_date": ("DATE", "date"), "dx_date": ("DATE", "date"),
        "death_date": ("DATE", "outcome"), "cause": ("VARCHAR", "outcome"), "stage": ("TINYINT", "clinical"),
        "bw": ("DOUBLE", "clinical"), "crp": ("DOUBLE", "clinical"), "hosp_id": ("VARCHAR", "facility"),
        "ref_hosp_id": ("VARCHAR", "facility"), "pref_code": ("VARCHAR", "area"), "smoker": ("BOOLEAN", "clinical"),
        "note_code": ("VARCHAR", "clinical"),
    },
    "reg.follow": {
        "pid": ("UINTEGER", "person"), "visit_no": ("SMALLINT", "clinical"), "hosp_id": ("VARCHAR", "facility"),
        "visit_date": ("DATE", "date"), "next_date": ("DATE", "date"), "sbp": ("SMALLINT", "clinical"),
        "hb": ("DECIMAL(5,2)", "clinical"), "resp": ("VARCHAR", "clinical"), "cost": ("INTEGER", "measure"),
        "seen_at": ("TIMESTAMP", "date"),
    },
    "reg.drug": {
        "pid": ("UINTEGER", "person"), "hosp_id": ("VARCHAR", "facility"), "rx_no": ("INTEGER", "clinical"),
        "line_no": ("TINYINT", "clinical"), "start": ("DATE", "date"), "days": ("SMALLINT", "measure"),
        "code": ("VARCHAR", "clinical"), "qty": ("DOUBLE", "measure"),
    },
    "hosp.stay": {
        "pid": ("UINTEGER", "person"), "admit": ("DATE", "date"), "disch": ("DATE", "date"), "ward": ("VARCHAR", "clinical"),
        "main_icd": ("VARCHAR", "clinical"), "outcome": ("TINYINT", "outcome"), "points": ("INTEGER", "measure"),
        "hosp_id": ("VARCHAR", "facility"),
    },
}  # fmt: skip


def parts() -> dict[str, Any]:
    """A permit for everything and its schema, as keyword arguments of `world.ask`."""
    databases: dict[str, dict[str, dict[str, list[str]]]] = {}
    tables: dict[str, Any] = {}
    for name, columns in COLUMNS.items():
        database, table = name.split(".")
        databases.setdefault(database, {})[table] = {"columns": list(columns)}
        told = {column: {"type": kind, "role": role} for column, (kind, role) in columns.items()}
        tables[name] = {"columns": told, "person": True}
    return {
        "permit": world.permit(databases=databases, linkage_groups=[list(DATABASES)]),
        "schema": world.schema(tables=tables),
    }


def build(path: Path) -> Path:
    rows = _rows(random.Random(99))
    with duckdb.connect(str(path)) as con:
        for name, columns in COLUMNS.items():
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {name.split('.')[0]}")
            con.execute(
                f"CREATE TABLE {name} ({', '.join(f'{c} {kind}' for c, (kind, _) in columns.items())})"
            )
            made = pa.table({c: [row[place] for row in rows[name]] for place, c in enumerate(columns)})
            con.register("made", made)
            con.execute(f"INSERT INTO {name} SELECT * FROM made")
            con.unregister("made")
    return path


def _rows(chance: random.Random) -> dict[str, list[tuple[Any, ...]]]:
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in COLUMNS}
    houses = [f"H{number:02d}" for number in range(14)]
    pids, charts = (chance.sample(range(1, 2**32 - 1), PERSONS) for _ in range(2))
    for pid, chart in zip(pids, charts, strict=True):
        entry = date(2015, 4, 1) + timedelta(chance.randint(0, 1460))
        found = entry - timedelta(chance.randint(0, 300)) if chance.random() > 0.15 else None
        died = entry + timedelta(chance.randint(10, 2000)) if chance.random() < 0.18 else None
        house = chance.choice(houses)
        rows["reg.base"].append(
            (
                pid, chart, chance.choice("男女") if chance.random() > 0.02 else None,
                date(chance.randint(1930, 1995), chance.randint(1, 12), 1), entry, found, died,
                chance.choice("癌心他") if died else None, chance.choice((1, 2, 3, 4, None)),
                round(chance.uniform(35, 110), 1) if chance.random() > 0.3 else None,
                round(chance.expovariate(1), 2) if chance.random() > 0.6 else None,
                house, chance.choice((house, None, chance.choice(houses))), chance.choice(("13", "27", "01", "47")),
                chance.choice((True, False, None)), chance.choices(("A1", "A2", "B1", "Z9"), (50, 30, 19, 0.6))[0],
            )
        )  # fmt: skip
        for number in range(chance.randint(0, 8)):
            day = entry + timedelta(90 * number + chance.randint(0, 30))
            rows["reg.follow"].append(
                (
                    pid, number + 1, house, day, day + timedelta(90) if chance.random() > 0.3 else None,
                    chance.randint(90, 190) if chance.random() > 0.1 else None,
                    round(chance.uniform(7, 17), 2) if chance.random() > 0.5 else None,
                    chance.choice(("CR", "PR", "SD", "PD", None)), chance.randint(0, 5000),
                    datetime(day.year, day.month, day.day, chance.randint(8, 18), chance.randint(0, 59)),
                )
            )  # fmt: skip
        for order in range(chance.randint(0, 4)):
            start = entry + timedelta(chance.randint(-200, 900))
            for line in range(chance.randint(1, 3)):
                code = chance.choice(("A10BA02", "C10AA05", "B01AC06", "L01XC02"))
                rows["reg.drug"].append(
                    (
                        pid,
                        house,
                        order + 1,
                        line + 1,
                        start,
                        chance.choice((7, 14, 28, 56)),
                        code,
                        chance.choice((0.5, 1.0, 2.0)),
                    )
                )
        for _ in range(chance.choice((0, 0, 1, 1, 2, 3))):
            admit = entry + timedelta(chance.randint(-400, 1500))
            left = admit + timedelta(chance.randint(0, 60)) if chance.random() > 0.05 else None
            rows["hosp.stay"].append(
                (
                    pid, admit, left, chance.choice(("内科", "外科", "ICU")), chance.choice(("C34", "I21", "J18", "N18", "E11")),
                    chance.choice((1, 1, 1, 2, 9)), chance.randint(500, 90_000), chance.choice(houses),
                )
            )  # fmt: skip
    return rows
