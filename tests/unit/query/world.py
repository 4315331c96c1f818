"""A small world to ask questions of: a permit, an extract with a little made-up data, a session, the real policies.

The extract file holds more than the permit shows (`weight`, the table `notes`, the database `secret`), so that a test
can see whether a question reached it.
"""

import random
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from enclave.adapters.policy_server import PolicyServer, start_private
from enclave.core import permit as permits
from enclave.core.ids import PersonId, ProjectId, SessionId
from enclave.core.permit import Permit, Tier
from enclave.query import schema as schemas
from enclave.query.flow import prepare
from enclave.query.stages import Form, Guarded, Params, Session, Used

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)

TABLES: dict[str, dict[str, str]] = {
    "nafld.patients": {
        "pid": "UINTEGER", "age": "TINYINT", "male": "BOOLEAN", "weight": "DOUBLE", "bmi": "DOUBLE",
        "case_pid": "UINTEGER", "futime": "INTEGER", "status": "TINYINT", "entry": "DATE",
    },
    "nafld.labs": {"pid": "UINTEGER", "days": "INTEGER", "test": "VARCHAR", "value": "DOUBLE"},
    "nafld.events": {"pid": "UINTEGER", "days": "INTEGER", "event": "VARCHAR"},
    "nafld.notes": {"pid": "UINTEGER", "note": "VARCHAR"},
    "claims.visits": {"pid": "UINTEGER", "month": "DATE", "icd10": "VARCHAR", "points": "INTEGER"},
    "area.bands": {"age_from": "TINYINT", "age_to": "TINYINT", "band": "VARCHAR", "standard": "INTEGER"},
    "apart.registry": {"pid": "UINTEGER", "stage": "TINYINT"},
    "secret.people": {"pid": "UINTEGER", "name": "VARCHAR"},
}  # fmt: skip

SHOWN: dict[str, dict[str, list[str]]] = {
    "nafld": {
        "patients": ["pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry"],
        "labs": ["pid", "days", "test", "value"],
        "events": ["pid", "days", "event"],
    },
    "claims": {"visits": ["pid", "month", "icd10", "points"]},
    "area": {"bands": ["age_from", "age_to", "band", "standard"]},
    "apart": {"registry": ["pid", "stage"]},
}


def permit(**changes: Any) -> Permit:
    data: dict[str, Any] = {
        "schema": "enclave.permit/1",
        "permit_id": "p-2026-0007",
        "revision": 1,
        "project": "nafld-fib",
        "provision": "v-81c2",
        "handlers": ["tanaka"],
        "purpose": "a test",
        "tier": "record",
        "workspace": "direct",
        "databases": {
            database: {name: {"columns": columns} for name, columns in tables.items()}
            for database, tables in SHOWN.items()
        },
        "linkage_groups": [["nafld", "claims"], ["apart"]],
        "rule_sets": ["ndb-2024-09"],
        "outputs": [],
        "limits": {"queries_day": 2000, "rows_day": 50_000_000, "bytes_day": 5_000_000_000},
        "checkers": 2,
        "valid_from": "2026-11-01T00:00:00Z",
        "valid_to": "2027-10-31T15:00:00Z",
    }
    return permits.parse({**data, **changes})


def schema(**changes: Any) -> schemas.Schema:
    manifest = {
        "tables": {name: dict(columns) for name, columns in TABLES.items()},
        "extract": "v-81c2/1",
        "permit": "p-2026-0007@1",
    }
    return schemas.read({**manifest, **changes})


def session(person: str = "tanaka", used: Used | None = None, **changes: Any) -> Session:
    values: dict[str, Any] = {
        "id": SessionId("s-1"),
        "person": PersonId(person),
        "project": ProjectId("nafld-fib"),
        "permit": "p-2026-0007@1",
        "now": NOW,
        "used": used or Used(),
    }
    return Session(**{**values, **changes})


class Recorded:
    """A policy server whose last question can be looked at."""

    def __init__(self, server: PolicyServer) -> None:
        self._server = server
        self.question: Mapping[str, Any] = {}
        self.asked = 0

    def decide(self, path: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
        self.question = question
        self.asked += 1
        return self._server.decide(path, question)


@contextmanager
def policies() -> Iterator[PolicyServer]:
    with (
        tempfile.TemporaryDirectory(prefix="enclave-policy-") as folder,
        start_private(ROOT / "policies", Path(folder) / "policy.sock") as server,
    ):
        yield server


def ask(
    text: str,
    policy: Any,
    form: Form = Form.ROWS,
    params: Params = (),
    tier: Tier | None = None,
    **parts: Any,
) -> Guarded:
    """`prepare` with this world's permit, schema and session, or those given."""
    return prepare(
        text,
        params,
        form,
        parts.get("permit") or permit(),
        parts.get("schema") or schema(),
        parts.get("session") or session(),
        policy,
        tier,
    )


def build(path: Path) -> Path:
    """The extract as an unencrypted file: 400 persons from a fixed seed."""
    chance = random.Random(20241118)
    con = duckdb.connect(str(path))
    for name, columns in TABLES.items():
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {name.split('.')[0]}")
        con.execute(f"CREATE TABLE {name} ({', '.join(f'{c} {t}' for c, t in columns.items())})")
    pids = chance.sample(range(1, 2**32 - 1), 400)
    tests = ("hdl", "chol", "fib4", "bmi")
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in TABLES}
    for pid in pids:
        age, bmi = chance.randint(18, 95), round(chance.uniform(17, 45), 2) if chance.random() > 0.1 else None
        rows["nafld.patients"].append(
            (
                pid, age, chance.random() < 0.5, chance.uniform(40, 120), bmi, chance.choice(pids),
                chance.randint(7, 7000), int(chance.random() < 0.1), f"{chance.randint(2000, 2016)}-04-01",
            )
        )  # fmt: skip
        for _ in range(chance.randint(0, 12)):
            rows["nafld.labs"].append(
                (pid, chance.randint(-500, 5000), chance.choice(tests), round(chance.uniform(1, 300), 1))
            )
        for _ in range(chance.randint(0, 3)):
            rows["nafld.events"].append(
                (pid, chance.randint(0, 5000), chance.choice(("htn", "nafld", "diabetes")))
            )
        for _ in range(chance.randint(0, 3)):
            rows["claims.visits"].append(
                (
                    pid,
                    f"20{chance.randint(10, 16)}-0{chance.randint(1, 9)}-01",
                    chance.choice(("E11", "K76")),
                    100,
                )
            )
        rows["nafld.notes"].append((pid, f"note-{pid}"))
        rows["secret.people"].append((pid, f"SECRET-{pid}"))
        rows["apart.registry"].append((pid, chance.randint(0, 4)))
    rows["area.bands"] = [(low, low + 4, f"{low}-{low + 4}", 1000 + low) for low in range(15, 100, 5)]
    for name, values in rows.items():
        made = pa.table({c: [row[place] for row in values] for place, c in enumerate(TABLES[name])})
        con.register("made", made)
        con.execute(f"INSERT INTO {name} SELECT * FROM made")
        con.unregister("made")
    con.close()
    return path
