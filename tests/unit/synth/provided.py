"""The use cases as researchers would meet them: permits, extracts of custody's own making, queries over those.

Decides which permit each use case is asked under: columns that it reads and no other, linked as the matrix allows (the
cancer registry with nobody). Relies on custody as it is; only its ledger and its policy server are small ones.
`python -m tests.unit.synth.use_cases DIR TUMOURS` prints the tables of the documents from two runs of `data synth`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from enclave.adapters.custodian import Custodian
from enclave.config import Site
from tests.fakes.custody_site import GATEWAY, YAMAMOTO, a_custodian, a_site, signed
from tests.fakes.ledger import MemoryLedger

FOLDER = Path(__file__).parents[1] / "query" / "use_cases"
Row = dict[str, Any]

HIP = """
WITH o AS (SELECT pid, min(act_date) AS d FROM ndb.si WHERE kubun IN ('K046', 'K081') GROUP BY pid),
f AS (SELECT DISTINCT pid FROM ndb.sy WHERE icd10 IN ('S7200', 'S7210') AND NOT suspected),
dem AS (SELECT pid, any_value(sex) AS sex, max(age) AS age FROM ndb.rcpt GROUP BY pid)
SELECT sex, CASE WHEN age < 65 THEN '50–64' WHEN age < 75 THEN '65–74' WHEN age < 85 THEN '75–84' ELSE '85+' END AS ages,
       count(*) AS persons, count(f.pid) FILTER (o.pid IS NOT NULL) AS broken, 1000.0 * broken / persons AS per_1000
FROM dem LEFT JOIN o USING (pid) LEFT JOIN f USING (pid) WHERE age >= 50 GROUP BY ALL ORDER BY ALL
"""
"""Operated hip fractures among those with a claim, by sex and age at the end."""


@dataclass(frozen=True)
class Wish:
    """One permit: what it covers, which use cases are asked under it."""

    provision: str
    cases: tuple[str, ...]
    tables: Mapping[str, tuple[str, ...]]

    @property
    def databases(self) -> dict[str, dict[str, dict[str, list[str]]]]:
        found: dict[str, dict[str, dict[str, list[str]]]] = {}
        for name, columns in self.tables.items():
            database, table = name.split(".")
            found.setdefault(database, {})[table] = {"columns": list(columns)}
        return found


SY = ("service_ym", "icd10", "suspected")
WISHES = (
    Wish(
        "v-claims",
        ("UC1", "UC7", "HIP"),
        {
            "ndb.rcpt": ("sex", "age"),
            "ndb.sy": SY,
            "ndb.iy": ("act_date", "yj12"),
            "ndb.si": ("act_date", "kubun"),
            "ndb.checkup": ("check_date", "egfr", "u_protein"),
        },
    ),
    Wish(
        "v-shots",
        ("UC4",),
        {"ndb.sy": SY, "vac.shot": ("shot_date", "vaccine", "dose_no", "birth_ym", "sex")},
    ),
    Wish("v-infections", ("UC5",), {"ndb.sy": SY, "idb.notif": ("disease", "onset_date", "sex")}),
    Wish(
        "v-rare",
        ("UC8",),
        {
            "ndb.iy": ("act_date", "yj12"),
            "nanbyo.reg": ("apply_fy", "disease_no", "pref_code", "severity", "steroid"),
            "shoman.reg": ("apply_fy",),
        },
    ),
    Wish(
        "v-support",
        ("UC11",),
        {"ndb.rcpt": ("rcpt_kind", "service_ym", "points"), "welfare.cert": ("cert_date", "support_level")},
    ),
)
TUMOURS = Wish(
    "v-tumours",
    ("UC3",),
    {"cancer.reg": ("dx_date", "pref_code", "topo", "behavior", "extent", "vital", "last_date")},
)


def queries() -> dict[str, str]:
    """Every use case's text, and this page's own."""
    parts = re.split(r"(?m)^-- ", (FOLDER / "queries.sql").read_text(encoding="utf-8"))[1:]
    asked = {part.split("\n", 1)[0].split()[0]: part.split("\n", 1)[1].strip().rstrip(";") for part in parts}
    return {**asked, "HIP": HIP}


class Provided:
    """A custody of its own that has taken a run in, and the extracts it made for `WISHES`."""

    def __init__(self, home: Path, patch: pytest.MonkeyPatch) -> None:
        self.site: Site = a_site(home, patch)
        self.custodian: Custodian = a_custodian(self.site, MemoryLedger())
        self.wishes: dict[str, Wish] = {}

    def take_in(self, made: Path, wishes: tuple[Wish, ...]) -> None:
        """Register what the wishes name, each database once, and build every extract."""
        needed = dict.fromkeys(database for wish in wishes for database in wish.databases)
        for database in needed:
            self.custodian.register(YAMAMOTO, made / database / "descriptor.yaml")
        for wish in wishes:
            self.custodian.build(YAMAMOTO, self._permit(wish))
            self.wishes |= dict.fromkeys(wish.cases, wish)

    def _permit(self, wish: Wish) -> dict[str, Any]:
        return signed(
            provision=wish.provision,
            permit_id=f"p-{wish.provision}",
            databases=wish.databases,
            linkage_groups=[list(wish.databases)],
        )

    def file(self, case: str) -> tuple[Path, str]:
        """The encrypted extract that a use case is asked over, and its key."""
        wish = self.wishes[case]
        opened = self.custodian.open(GATEWAY, wish.provision, None, self._permit(wish))
        return self.site.extracts / wish.provision / str(opened.n) / "extract.duckdb", opened.key

    def answer(self, case: str) -> list[Row]:
        """What the query says of the extract."""
        return self.ask(case, queries()[case])

    def ask(self, case: str, sql: str) -> list[Row]:
        """Another question over the same extract."""
        path, key = self.file(case)
        with duckdb.connect() as connection:
            connection.execute("SET threads = 2")
            connection.execute(f"ATTACH '{path}' AS extract (READ_ONLY, ENCRYPTION_KEY '{key}')")
            connection.execute("USE extract")
            result = connection.execute(sql)
            names = [column[0] for column in result.description or []]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def total(rows: list[Row], column: str, **where: object) -> float:
    """Sum of a column over the rows that match."""
    return sum(
        float(row[column] or 0) for row in rows if all(row[name] == value for name, value in where.items())
    )
