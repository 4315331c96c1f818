"""A register with blocks, and the worlds that differ from it by one exchange: two persons of one block trade everything
that outsiders do not know of them. What an attacker is told must not differ between the two.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from enclave.core.permit import Permit, Tier
from enclave.core.refusal import Refused
from enclave.custody import blocks
from enclave.gateway import cells
from enclave.gateway.key_values import lines
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
        "pref": ("VARCHAR", "area"), "ym": ("DATE", "date"), "points": ("INTEGER", "measure"),
        "hosp": ("VARCHAR", "area"),
    },
}  # fmt: skip

PREFS = ("01", "13", "13", "13", "27", "27", "47")


@dataclass(frozen=True)
class World:
    """Rows by table; the clinical part of a person is what an exchange takes along. `homes`: whether blocks are cut along
    where people live, too. If not, an exchange keeps to one area."""

    rows: Mapping[str, Sequence[tuple[Any, ...]]]
    blocks: Mapping[int, int]
    homes: bool = False

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
        return World(changed, self.blocks, self.homes)

    def mixed(self, chance: random.Random) -> "World":
        """The world in which all persons of a block and the same months of claims (and of one area, where blocks do not know
        areas) have traded at random, and every table's lines lie in another order."""
        alike: dict[object, list[int]] = defaultdict(list)
        here = {row[0]: row for row in self.rows["p"]}
        claims: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        for row in self.rows["claim"]:
            claims[row[0]].append(row)
        for pid, block in self.blocks.items():
            mine = claims[pid]
            area = None if self.homes or pid not in here else here[pid][4]
            months = tuple((None if self.homes else row[3], row[4]) for row in mine)
            alike[block, pid in here, area, months].append(pid)
        whose: dict[int, int] = {}
        for members in alike.values():
            whose |= dict(zip(members, chance.sample(members, len(members)), strict=True))
        back = {old: new for new, old in whose.items()}
        changed = {
            "p": [(*row[:5], *here[whose[row[0]]][5:]) for row in self.rows["p"]],
            "claim": [
                (*row[:5], *theirs[5:])
                for pid, mine in claims.items()
                for row, theirs in zip(mine, claims[whose[pid]], strict=True)
            ],
            **{name: [(back[row[0]], *row[1:]) for row in self.rows[name]] for name in ("rx", "dx")},
        }
        shuffled = {n: chance.sample(rows, len(rows)) for n, rows in changed.items()}
        return World(shuffled, self.blocks, self.homes)


def harder(seed: int = 23, persons: int = 900, *, homes: bool = False) -> World:
    """A register in which not everything is known of everybody: no age, no row, claims of some years only, and a few
    whose claims differ in sex. With `homes` some have moved, some twice, and what one table says of an area another does not."""
    chance = random.Random(seed)
    people, rx, dx, claims = [], [], [], []
    cells: dict[int, tuple[int, ...]] = {}
    for pid in chance.sample(range(1, 2**31), persons):
        sex, age = chance.randint(1, 2), min(99, max(18, round(chance.gauss(62, 12))))
        birth: str | None = f"{2024 - age}-{chance.randint(1, 12):02}-01"
        unknown = chance.random() < 0.04
        pref = chance.choice(PREFS) if chance.random() > 0.02 else None
        cells[pid] = (sex, -1, -1) if unknown else (sex, age // 5, age)
        live = dict.fromkeys(range(2019, 2024), pref)
        if homes:
            # Two areas have fewer people than a block needs.
            pref = chance.choice(("02", "46")) if chance.random() < 0.03 else pref
            live = dict.fromkeys(live, pref)
            cells[pid] = (-1 if pref is None else int(pref), *cells[pid])
            for _ in range(2):
                if chance.random() < 0.07:
                    moved = chance.randint(2020, 2023)
                    live |= {year: chance.choice(("02", *PREFS)) for year in live if year >= moved}
        if chance.random() > 0.03:
            people.append(
                (pid, sex, None if unknown else age, None if unknown else birth, pref, int(chance.random() < 0.2),
                 None if chance.random() < 0.05 else round(chance.gauss(24, 4), 1), chance.random() < 0.3)
            )  # fmt: skip
        for rows, kinds in ((rx, "AABC"), (dx, ("E11", "I21", "S72"))):
            for _ in range(chance.randint(0, 4)):
                day = f"20{chance.randint(19, 23)}-{chance.randint(1, 12):02}-{chance.choice((1, 1, 15)):02}"
                rows.append((pid, day, chance.choice(kinds)))
        first = chance.choice((2019, 2019, 2019, 2021, 2024))
        for year in range(first, 2024):
            other = 3 - sex if chance.random() < 0.004 else sex
            now = None if unknown else age - (2023 - year)
            for month in ("04", "10") if year == 2022 else ("04",):
                points = None if chance.random() < 0.05 else chance.randint(100, 9000)
                hosp = chance.choice((live[year] or "13", "13", "27"))
                claims.append((pid, other, now, live[year], f"{year}-{month}-01", points, hosp))
    counts: dict[tuple[int, ...], int] = {}
    for cell in cells.values():
        counts[cell] = counts.get(cell, 0) + 1
    formed = blocks.form(counts, K)
    return World(
        {"p": people, "rx": rx, "dx": dx, "claim": claims},
        {pid: formed.of[cell] for pid, cell in cells.items()},
        homes,
    )


def make(seed: int = 11, *, homes: bool = False) -> World:
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
                "46" if homes and chance.random() < 0.006 else chance.choice(PREFS),
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
            claims.append(
                (
                    pid,
                    sex,
                    age - (2023 - year),
                    people[-1][4],
                    f"{year}-04-01",
                    chance.randint(100, 9000),
                    "13",
                )
            )
    first = {row[0]: (int(row[4]),) if homes else () for row in people}
    cells_of: dict[int, tuple[int, ...]] = {
        row[0]: (*first[row[0]], row[1], row[2] // 5, row[2]) for row in people
    }
    counts: dict[tuple[int, ...], int] = {}
    for cell in cells_of.values():
        counts[cell] = counts.get(cell, 0) + 1
    formed = blocks.form(counts, K)
    return World(
        {"p": people, "rx": rx, "dx": dx, "claim": claims},
        {pid: formed.of[cell] for pid, cell in cells_of.items()},
        homes,
    )


def permit() -> Permit:
    return world.permit(
        tier="aggregate",
        databases={"reg": {name: {"columns": list(columns)} for name, columns in COLUMNS.items()}},
        linkage_groups=[["reg"]],
    )


def schema(homes: bool = False) -> schemas.Schema:
    areas = ["reg.p.pref", "reg.claim.pref"] if homes else []
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
            "block_sets": [{"databases": ["reg"], "k": K, "areas": areas}],
        }
    )


@contextmanager
def opened(one: World) -> Iterator[Any]:
    """The world as an extract lies before the engine."""
    con = duckdb.connect()
    con.execute('CREATE SCHEMA reg; CREATE SCHEMA "enclave blocks"')
    for name, columns in COLUMNS.items():
        con.execute(f"CREATE TABLE reg.{name} ({', '.join(f'{c} {k}' for c, (k, _) in columns.items())})")
        _fill(con, f"reg.{name}", list(columns), one.rows[name])
    con.execute('CREATE TABLE "enclave blocks".reg (pid UINTEGER, block UINTEGER)')
    _fill(con, '"enclave blocks".reg', ["pid", "block"], list(one.blocks.items()))
    try:
        yield con
    finally:
        con.close()


def _fill(con: Any, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    made = pa.table({name: [row[place] for row in rows] for place, name in enumerate(columns)})
    con.register("made", made)
    con.execute(f"INSERT INTO {table} SELECT * FROM made")
    con.unregister("made")


def told(text: str, con: Any, policy: Any, homes: bool) -> object:
    """All that an asker of the aggregate tier is told: columns, values and statuses in their order, or the refusal."""
    try:
        prepared = prepare(
            text, (), Form.TABLE, permit(), schema(homes), world.session(), policy, Tier.AGGREGATE
        )
        if isinstance(prepared, Unsettled):
            answers = [lines(con.sql(one.sql).to_arrow_table()) for one in prepared.questions()]
            guarded: Guarded = prepared.settle(answers)
        else:
            guarded = prepared
        answered = con.sql(guarded.sql).to_arrow_table()
        protected = cells.protect(answered, guarded)
        return lines(cells.arrow(protected, answered, guarded))
    except Refused as refused:
        return refused.code, dict(refused.facts), refused.codes


def told_or_failed(text: str, con: Any, policy: Any, homes: bool) -> object:
    """As `told`; an engine's failure is the one code of all failures."""
    try:
        return told(text, con, policy, homes)
    except duckdb.Error:
        return "failed"
