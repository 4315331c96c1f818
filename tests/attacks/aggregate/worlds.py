"""A register with blocks, and the worlds that differ from it by one exchange: two persons of one block trade everything
that outsiders do not know of them. What an attacker is told must not differ between the two.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

from enclave.core.permit import Permit, Tier
from enclave.core.refusal import Refused
from enclave.custody import blocks
from enclave.gateway import cells
from enclave.query import schema as schemas
from enclave.query.flow import Unsettled, prepare
from enclave.query.stages import Form, Guarded
from tests.unit.query import world

K = 20
PERSONS = 2_500

COLUMNS: dict[str, dict[str, tuple[str, str]]] = {
    "p": {
        "pid": ("UINTEGER", "person"), "sex": ("TINYINT", "identifying"), "age": ("SMALLINT", "identifying"),
        "birth_ym": ("DATE", "identifying"), "pref": ("VARCHAR", "area"), "status": ("TINYINT", "outcome"),
        "bmi": ("DOUBLE", "clinical"), "smoker": ("BOOLEAN", "clinical"),
    },
    "rx": {"pid": ("UINTEGER", "person"), "day": ("DATE", "date"), "drug": ("VARCHAR", "clinical")},
    "dx": {"pid": ("UINTEGER", "person"), "day": ("DATE", "date"), "icd": ("VARCHAR", "clinical")},
    "claim": {
        "pid": ("UINTEGER", "person"), "sex": ("TINYINT", "identifying"), "age": ("SMALLINT", "identifying"),
        "ym": ("DATE", "date"), "points": ("INTEGER", "measure"),
    },
}  # fmt: skip

PREFS = ("01", "13", "13", "13", "27", "27", "47")


@dataclass(frozen=True)
class World:
    """Rows by table; the clinical part of a person is what an exchange takes along."""

    rows: Mapping[str, Sequence[tuple[Any, ...]]]
    blocks: Mapping[int, int]

    def exchanged(self, one: int, other: int) -> "World":
        """The world in which two persons have traded status, values, drugs and diagnoses, and nothing that is known."""
        whose = {one: other, other: one}
        known = {row[0]: row[:5] for row in self.rows["p"]}
        clinical = {row[0]: row[5:] for row in self.rows["p"]}
        changed = {
            "p": [(*known[pid], *clinical[whose.get(pid, pid)]) for pid in known],
            "claim": self.rows["claim"],
            **{
                name: [(whose.get(row[0], row[0]), *row[1:]) for row in self.rows[name]]
                for name in ("rx", "dx")
            },
        }
        return World(changed, self.blocks)


def make(seed: int = 11) -> World:
    chance = random.Random(seed)
    people, rx, dx, claims = [], [], [], []
    for pid in chance.sample(range(1, 2**31), PERSONS):
        age = min(99, max(18, round(chance.gauss(62, 14))))
        sex = chance.randint(1, 2)
        birth = f"{2024 - age}-{chance.randint(1, 12):02}-01"
        status = int(chance.random() < 0.12)
        people.append(
            (
                pid,
                sex,
                age,
                birth,
                chance.choice(PREFS),
                status,
                round(chance.gauss(24, 4), 1),
                chance.random() < 0.3,
            )
        )
        for _ in range(chance.randint(0, 4)):
            rx.append((pid, f"20{chance.randint(19, 23)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
                       chance.choice("AABC")))  # fmt: skip
        for _ in range(chance.randint(0, 3)):
            dx.append((pid, f"20{chance.randint(19, 23)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
                       chance.choice(("E11", "I21", "S72", "L120"))))  # fmt: skip
        for year in range(2019, 2024):
            # A person's age moves on with the years, as it does on real claims.
            claims.append((pid, sex, age - (2023 - year), f"{year}-04-01", chance.randint(100, 9000)))
    cells_of = {row[0]: (row[1], row[2] // 5, row[2]) for row in people}
    counts: dict[tuple[int, ...], int] = {}
    for cell in cells_of.values():
        counts[cell] = counts.get(cell, 0) + 1
    formed = blocks.form(counts, K)
    return World(
        {"p": people, "rx": rx, "dx": dx, "claim": claims},
        {pid: formed.of[cell] for pid, cell in cells_of.items()},
    )


def permit() -> Permit:
    return world.permit(
        tier="aggregate",
        databases={"reg": {name: {"columns": list(columns)} for name, columns in COLUMNS.items()}},
        linkage_groups=[["reg"]],
    )


def schema() -> schemas.Schema:
    return schemas.read(
        {
            "tables": {
                f"reg.{name}": {
                    "columns": {c: {"type": kind, "role": role} for c, (kind, role) in columns.items()},
                    "person": True,
                }
                for name, columns in COLUMNS.items()
            },
            "extract": "v-81c2/1",
            "permit": "p-2026-0007@1",
            "block_sets": [{"databases": ["reg"], "k": K}],
        }
    )


@contextmanager
def opened(one: World) -> Iterator[Any]:
    """The world as an extract lies before the engine."""
    con = duckdb.connect()
    con.execute('CREATE SCHEMA reg; CREATE SCHEMA "enclave blocks"')
    for name, columns in COLUMNS.items():
        con.execute(f"CREATE TABLE reg.{name} ({', '.join(f'{c} {k}' for c, (k, _) in columns.items())})")
        con.executemany(f"INSERT INTO reg.{name} VALUES ({', '.join('?' * len(columns))})", one.rows[name])
    con.execute('CREATE TABLE "enclave blocks".reg (pid UINTEGER, block UINTEGER)')
    con.executemany('INSERT INTO "enclave blocks".reg VALUES (?, ?)', list(one.blocks.items()))
    try:
        yield con
    finally:
        con.close()


def told(text: str, con: Any, policy: Any) -> object:
    """All that an asker of the aggregate tier is told: columns, values and statuses in their order, or the refusal."""
    try:
        prepared = prepare(text, (), Form.TABLE, permit(), schema(), world.session(), policy, Tier.AGGREGATE)
        if isinstance(prepared, Unsettled):
            answers = [con.sql(one.sql).to_arrow_table().to_pylist() for one in prepared.questions()]
            guarded: Guarded = prepared.settle(answers)
        else:
            guarded = prepared
        answered = con.sql(guarded.sql).to_arrow_table()
        protected = cells.protect(answered, guarded)
        return cells.arrow(protected, answered, guarded).to_pylist()
    except Refused as refused:
        return refused.code, dict(refused.facts), refused.codes
