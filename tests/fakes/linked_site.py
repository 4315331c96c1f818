"""Three databases of one population, as their holders would bring them: identifiers with errors, claims, admissions.

`write(folder, people)` makes `<folder>/<database>/{descriptor.yaml, identifiers.parquet, …}` and `<folder>/truth`.
"""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from tests.fakes.identified_people import Made, made, written

DATABASES = ("ndb", "kaigo", "welfare")
_SEX = {
    "type": "int",
    "role": "identifying",
    "values": {1: {"ja": "男", "en": "male"}, 2: {"ja": "女", "en": "female"}},
}
DESCRIPTORS: dict[str, dict[str, object]] = {
    "ndb": {
        "identifiers": {
            "file": "identifiers.parquet",
            "person": "person",
            "keys": ["id1", "id2", "id4", "id5"],
        },
        "tables": {
            "si": {
                "file": "si.parquet",
                "person": "person",
                "columns": {
                    "rcpt_id": {"type": "int", "role": "person", "record": True},
                    "act_date": {"type": "date", "role": "date"},
                    "act_code": {"type": "code", "system": "ssk_act", "role": "clinical"},
                    "points": {"type": "int", "role": "measure"},
                    "facility_id": {"type": "int", "role": "facility"},
                },
            },
            "rcpt": {
                "file": "rcpt.parquet",
                "person": "person",
                "columns": {
                    "rcpt_id": {"type": "int", "role": "person", "record": True},
                    "sex": _SEX,
                    "age": {"type": "int", "role": "identifying", "bands": 5},
                    "pref_code": {"type": "code", "system": "pref", "role": "area"},
                },
            },
        },
    },
    "kaigo": {
        "identifiers": {
            "file": "identifiers.parquet",
            "person": "person",
            "keys": ["id1", "id2", "id4", "id5"],
        },
        "tables": {
            "cert": {
                "file": "cert.parquet",
                "person": "person",
                "columns": {
                    "cert_date": {"type": "date", "role": "date"},
                    "care_level": {"type": "int", "role": "clinical"},
                },
            }
        },
    },
    "welfare": {
        "identifiers": {"file": "identifiers.parquet", "person": "person", "keys": ["id4", "id5"]},
        "apart": [{"when": ["cert.nanbyo_no"], "hide": ["cert.pref_code"], "source": "第18844号資料 p.14"}],
        "tables": {
            "cert": {
                "file": "cert.parquet",
                "person": "person",
                "one_row_per_person": True,
                "columns": {
                    "support_level": {"type": "int", "role": "clinical"},
                    "nanbyo_no": {"type": "code", "system": "nanbyo", "role": "clinical"},
                    "pref_code": {"type": "code", "system": "pref", "role": "area"},
                },
            }
        },
    },
}
CORE = {
    "database": "core",
    "tables": {
        "pref": {
            "file": "pref.csv",
            "reference": True,
            "codes": "pref",
            "columns": {
                "code": {"type": "code", "system": "pref", "role": "area"},
                "name": {"type": "text", "role": "area"},
            },
        },
        "icd10": {
            "file": "icd10.csv",
            "reference": True,
            "codes": "icd10",
            "columns": {
                "code": {"type": "code", "system": "icd10", "role": "clinical"},
                "name": {"type": "text", "role": "clinical"},
            },
        },
    },
}
PREFS = ("01", "13", "27")


def write(folder: Path, people: int, seed: int = 1) -> Made:
    """Everything that the holders bring, for `people` invented persons."""
    found = made(people, seed, DATABASES)
    written(found, folder)
    chance = np.random.default_rng(seed)
    for database, about in DESCRIPTORS.items():
        (folder / database / "descriptor.yaml").write_text(yaml.safe_dump({"database": database, **about}))
        persons = found.truth[database].column("person").to_numpy()
        for name, table in _tables(chance, database, persons).items():
            pq.write_table(pa.table(table), folder / database / f"{name}.parquet")
    (folder / "core").mkdir(exist_ok=True)
    (folder / "core" / "descriptor.yaml").write_text(yaml.safe_dump(CORE))
    (folder / "core" / "pref.csv").write_text("code,name\n01,北海道\n13,東京都\n27,大阪府\n")
    (folder / "core" / "icd10.csv").write_text("code,name\nI10,高血圧\n")
    return found


def _tables(
    chance: np.random.Generator, database: str, persons: np.ndarray
) -> dict[str, dict[str, pa.Array]]:
    n = len(persons)
    day = np.datetime64("2020-04-01")
    if database == "ndb":
        claims = np.arange(n * 2) * 13 + 1_000_000_000_007
        of = chance.integers(0, n, n * 2)
        lines = chance.integers(0, n * 2, n * 6)
        return {
            "rcpt": {
                "person": pa.array(persons[of], pa.uint64()),
                "rcpt_id": pa.array(claims, pa.int64()),
                "sex": pa.array(chance.integers(1, 3, n * 2), pa.int8()),
                "age": pa.array(chance.integers(0, 100, n * 2), pa.int16()),
                "pref_code": pa.array(chance.choice(PREFS, n * 2)),
            },
            "si": {
                "person": pa.array(persons[of[lines]], pa.uint64()),
                "rcpt_id": pa.array(claims[lines], pa.int64()),
                "act_date": pa.array(day + chance.integers(0, 700, n * 6)),
                "act_code": pa.array([f"1600{code:05d}" for code in chance.integers(0, 40, n * 6)]),
                "points": pa.array(chance.integers(1, 999, n * 6), pa.int32()),
                "facility_id": pa.array(chance.integers(100, 130, n * 6), pa.int32()),
            },
        }
    if database == "kaigo":
        return {
            "cert": {
                "person": pa.array(np.concatenate([persons, persons[: n // 3]]), pa.uint64()),
                "cert_date": pa.array(day + chance.integers(0, 700, n + n // 3)),
                "care_level": pa.array(chance.integers(1, 8, n + n // 3), pa.int8()),
            }
        }
    return {
        "cert": {
            "person": pa.array(persons, pa.uint64()),
            "support_level": pa.array(chance.integers(0, 7, n), pa.int8()),
            "nanbyo_no": pa.array([None if x % 4 else str(x % 300 + 1) for x in range(n)], pa.string()),
            "pref_code": pa.array(chance.choice(PREFS, n)),
        }
    }


def granted(*databases: str) -> dict[str, dict[str, dict[str, list[str]]]]:
    """A permit's `databases`: every table and column of these, but what must stay apart."""
    found: dict[str, dict[str, dict[str, list[str]]]] = {}
    for database in databases:
        tables = json.loads(json.dumps(DESCRIPTORS[database]["tables"], default=str))
        found[database] = {
            name: {"columns": [column for column in table["columns"] if column != "nanbyo_no"]}
            for name, table in tables.items()
        }
    return found
