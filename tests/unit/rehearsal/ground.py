"""Databases that only a descriptor describes, and the two commands run over them, in this process or in one of their own.

`clinic` (CSV, Shift-JIS, one table gzipped) and `sports` (Parquet) have no identifiers: a number names the same person in
both. What they hold is made from a fixed seed, so that a plain count over the rows is the oracle.
"""

import csv
import gzip
import io
import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from enclave import cli

ROOT = Path(__file__).parents[3]
AT = "2026-12-01T09:00:00Z"
PEOPLE = 600
SHAPES_PERMIT: dict[str, Any] = {
    "schema": "enclave.permit/1", "permit_id": "p-2026-0007", "revision": 1, "project": "nafld-fib",
    "provision": "v-81c2", "handlers": ["tanaka"], "purpose": "…",
    "tier": "record", "workspace": "direct",
    "databases": {"nafld": {"patients": {"columns": ["pid", "age", "male", "bmi", "status"],
                                         "period": {"column": "date", "from": "2010-04-01", "to": "2024-04-01"},
                                         "rows": "age >= 18", "coarsen": {"age": 5}}}},
    "linkage_groups": [["nafld"]], "rule_sets": ["ndb-2024-09"],
    "outputs": [{"id": "t1", "kind": "table", "title": "…", "dimensions": ["male", "age"]}],
    "limits": {"queries_day": 2000, "rows_day": 50000000, "bytes_day": 5000000000},
    "checkers": 2, "valid_from": "2026-11-01T00:00:00Z", "valid_to": "2027-10-31T15:00:00Z",
}  # fmt: skip
"""The permit of SHAPES, word for word."""

CLINIC: dict[str, Any] = {
    "database": "clinic",
    "title": {"ja": "診療所", "en": "A clinic"},
    "tables": {
        "visit": {
            "file": "受診.csv.gz",
            "person": "番号",
            "encoding": "shift_jis",
            "columns": {
                "day": {"from": "受診日", "type": "date", "role": "date"},
                "ward": {"from": "病棟", "type": "text", "role": "clinical"},
                "cost": {"from": "点数", "type": "int", "role": "measure"},
                "clinic": {"from": "施設", "type": "text", "role": "facility"},
            },
        },
        "person": {
            "file": "people.csv",
            "person": "番号",
            "one_row_per_person": True,
            "columns": {
                "sex": {"type": "int", "role": "identifying"},
                "age": {"type": "int", "role": "identifying", "bands": 5},
                "died": {"type": "bool", "role": "outcome"},
            },
        },
    },
}
SPORTS: dict[str, Any] = {
    "database": "sports",
    "tables": {
        "member": {
            "file": "member.parquet",
            "person": "number",
            "columns": {
                "kind": {"type": "text", "role": "clinical"},
                "since": {"type": "date", "role": "date"},
            },
        }
    },
}
WARDS = ("内科", "外科", "眼科")


@dataclass(frozen=True)
class Person:
    """One invented person, as the oracle knows them."""

    number: int
    sex: int
    age: int
    died: bool
    visits: tuple[tuple[str, str, int, str], ...]
    sport: str | None


def people(seed: int = 7) -> list[Person]:
    chance = random.Random(seed)
    found = []
    for number in range(1000, 1000 + PEOPLE):
        visits = tuple(
            (f"20{chance.randint(18, 23)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
             chance.choices(WARDS, (700, 290, 6))[0], chance.randint(1, 900), chance.choice("KLM"))
            for _ in range(chance.randint(0, 5))
        )  # fmt: skip
        sport = chance.choice(("水泳", "running")) if chance.random() < 0.4 else None
        died = chance.random() < 0.2
        found.append(Person(number, chance.randint(1, 2), chance.randint(10, 89), died, visits, sport))
    return found


def write(folder: Path, persons: Sequence[Person]) -> Path:
    """`<folder>/{clinic,sports}` with descriptors and files; the folder."""
    for about in (CLINIC, SPORTS):
        home = folder / about["database"]
        home.mkdir(parents=True, exist_ok=True)
        (home / "descriptor.yaml").write_text(yaml.safe_dump(about, allow_unicode=True))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["番号", "受診日", "病棟", "点数", "施設", "備考"])
    for one in persons:
        writer.writerows([one.number, *visit, "秘密のメモ"] for visit in one.visits)
    with gzip.open(folder / "clinic" / "受診.csv.gz", "wb") as packed:
        packed.write(text.getvalue().encode("cp932"))
    lines = ["番号,sex,age,died", *(f"{p.number},{p.sex},{p.age},{int(p.died)}" for p in persons)]
    (folder / "clinic" / "people.csv").write_text("\n".join(lines) + "\n")
    members = [p for p in persons if p.sport is not None]
    table = {
        "number": pa.array([p.number for p in members], pa.uint64()),
        "kind": pa.array([p.sport for p in members]),
        "since": pa.array(["2020-04-01"] * len(members)).cast(pa.date32()),
    }
    pq.write_table(pa.table(table), folder / "sports" / "member.parquet")
    return folder


def permit(**more: Any) -> dict[str, Any]:
    """A permit over both databases, linked; what `more` says instead."""
    databases = {
        "clinic": {
            "visit": {"columns": ["pid", "day", "ward", "cost", "clinic"]},
            "person": {"columns": ["pid", "sex", "age", "died"]},
        },
        "sports": {"member": {"columns": ["pid", "kind", "since"]}},
    }
    return {**SHAPES_PERMIT, "databases": databases, "linkage_groups": [["clinic", "sports"]], **more}


@dataclass(frozen=True)
class Ran:
    """How a command ended: status and texts."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)

    def rows(self) -> list[list[Any]]:
        assert self.status == 0, self.out + self.err
        return list(self.json()["rows"])

    def code(self) -> str:
        """The code of a refusal; its other parts must be there too."""
        assert self.status == 3, self.out + self.err
        told = self.json()
        assert {"type", "status", "code", "title", "facts", "hint"} <= set(told)
        return str(told["code"])


class Terminal:
    """One folder with data, a permit in a file, and commands over them."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.folder, self.data = folder, data
        self.permit = folder / "permit.json"
        self.use(permit())

    def use(self, value: Mapping[str, Any]) -> None:
        self.permit.write_text(json.dumps(value, ensure_ascii=False))

    def query(self, sql: str, *more: str, at: str | None = AT, json_too: bool = True) -> Ran:
        return run(*self.words(sql, *more, at=at, json_too=json_too))

    def words(self, sql: str, *more: str, at: str | None = AT, json_too: bool = True) -> list[str]:
        words = ["query", "--permit", str(self.permit), "--data", str(self.data), "-e", sql, *more]
        return [*words, *(["--at", at] if at else []), *(["--json"] if json_too else [])]

    def rewrite(self, sql: str, *more: str, at: str | None = AT, json_too: bool = True) -> Ran:
        words = ["rewrite", "--permit", str(self.permit), "-e", sql, *more]
        return run(*words, *(["--at", at] if at else []), *(["--json"] if json_too else []))


def run(*words: str) -> Ran:
    """The command in this process: what a terminal would see, without the second that Python takes to start."""
    out, err = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["enclave", *words]
    try:
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            cli.main()
    finally:
        sys.argv = before
    status = ended.value.code
    return Ran(status if isinstance(status, int) else int(bool(status)), out.getvalue(), err.getvalue())


def start(words: Sequence[str], **environment: str) -> "subprocess.Popen[str]":
    """The command in a process of its own, as from a terminal."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "enclave", *words],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LANG": "en_US.UTF-8", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> Ran:
    out, err = process.communicate(timeout=240)
    return Ran(process.returncode, out, err)
