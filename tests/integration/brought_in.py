"""What holders bring to the running site: eleven databases about invented people, and one that nobody has seen before.

Two invented populations, since a rare register needs many people before anything is left to show: the town's records
are of everybody, the country's are those of the rarer registers. Nobody lives in both.
"""

import gzip
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from enclave.catalogue.packaged import CORE
from enclave.core.ids import DatabaseId


@dataclass(frozen=True)
class Invented:
    """One population: how many people, which fiscal years, and whose records are written."""

    people: int
    years: str
    seed: int
    databases: tuple[str, ...]


TOWN = Invented(1_500, "2021-2022", 11, ("ndb", "kaigo", "dpc", "vac", "idb"))
COUNTRY = Invented(20_000, "2022-2022", 12, ("welfare", "cancer", "nanbyo", "shoman", "nextgen", "midnet"))

UNSEEN = DatabaseId("touseki")
PATIENTS = 130


def enclave(*words: str) -> subprocess.CompletedProcess[str]:
    """The command, as an operator types it."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "enclave", *words], capture_output=True, text=True, check=False
    )


def holders_files(folder: Path) -> dict[DatabaseId, Path]:
    """Write everything below `folder`; the descriptor of each database, the reference tables first."""
    found: dict[DatabaseId, Path] = {}
    for name, one in (("town", TOWN), ("country", COUNTRY)):
        place = folder / name
        made = enclave(
            "data", "synth", "--people", str(one.people), "--years", one.years, "--seed", str(one.seed),
            "--only", ",".join(one.databases), "--out", str(place), "--json",
        )  # fmt: skip
        assert made.returncode == 0, made.stdout + made.stderr
        found.setdefault(CORE, place / CORE / "descriptor.yaml")
        found |= {DatabaseId(database): place / database / "descriptor.yaml" for database in one.databases}
    return found | {UNSEEN: write_unseen(folder / UNSEEN)}


def truth(folder: Path, database: str) -> Mapping[int, int]:
    """Who is who in the town: the database's own number → the invented person."""
    table = pq.read_table(folder / "town" / "truth" / f"{database}.parquet")
    return dict(zip(table["person"].to_pylist(), table["true_id"].to_pylist(), strict=True))


# -- the unseen one --------------------------------------------------------------------------------------------------
_DESCRIPTOR = """
database: touseki
title: {ja: 透析導入の登録（試験で作ったもの）, en: Registry of new dialysis patients (made up by the test)}
holder: {ja: 架空の学会, en: An invented society}
source: 試験 / the test
tables:
  kanja:
    file: 患者.csv
    encoding: shift_jis
    person: 登録番号
    one_row_per_person: true
    missing: ["不詳"]
    title: {ja: 患者（1人1行）, en: Patients (one row each)}
    columns:
      sei:
        from: 性別
        type: code
        role: identifying
        title: {ja: 性別, en: Sex}
        values: {M: {ja: 男, en: Male}, F: {ja: 女, en: Female}, X: {ja: その他, en: Other}}
      umare: {from: 生年月, type: month, role: identifying, title: {ja: 生年月, en: Month of birth}}
      donyu: {from: 導入日, type: date, role: date, title: {ja: 導入日, en: First dialysis}}
      shisetsu: {from: 施設, type: text, role: facility, title: {ja: 施設, en: Facility}}
      genbyo: {from: 原疾患, type: code, system: icd10, role: clinical, title: {ja: 原疾患, en: Cause}}
      ishoku: {from: 移植歴, type: bool, role: clinical, title: {ja: 移植歴, en: Transplanted before}}
  kensa:
    file: kensa/kensa.csv.gz
    person: no.
    missing: ["-9"]
    title: {ja: 検査, en: Measurements}
    columns:
      hi: {type: date, role: date, title: {ja: 測定日, en: Day}}
      omosa: {from: weight kg, type: float, unit: kg, role: clinical, title: {ja: 体重, en: Weight}}
"""


def write_unseen(folder: Path) -> Path:
    """A registry as its holder keeps it: Shift-JIS, headings of its own, a packed file; its descriptor."""
    (folder / "kensa").mkdir(parents=True)
    (folder / "descriptor.yaml").write_text(_DESCRIPTOR, encoding="utf-8")
    began = date(2021, 4, 1)
    patients = ["登録番号,備考,性別,生年月,導入日,施設,原疾患,移植歴"]
    measured = ["no.,hi,weight kg"]
    for n in range(PATIENTS):
        # Four persons of the third sex: too few to be shown.
        sex = "X" if n % 33 == 0 else "MF"[n % 2]
        born = "不詳" if n % 29 == 0 else f"{1935 + n % 50}-{n % 12 + 1:02d}"
        day = began + timedelta(days=n * 5)
        cause = ("E112", "N039", "I120")[n % 3]
        patients.append(f"東-{n:04d},メモ,{sex},{born},{day},第{n % 7}病院,{cause},{n % 2}")
        measured += [
            f"東-{n:04d},{day + timedelta(days=30 * k)},{'-9' if (n + k) % 11 == 0 else 45 + (n * 7 + k) % 300 / 10}"
            for k in range(3)
        ]
    (folder / "患者.csv").write_bytes("\r\n".join([*patients, ""]).encode("cp932"))
    (folder / "kensa" / "kensa.csv.gz").write_bytes(
        gzip.compress("\n".join([*measured, ""]).encode(), mtime=0)
    )
    return folder / "descriptor.yaml"
