"""The comparison as people read it: part by part, how many numbers agree, the largest of each, the worst.

Decides a part's verdict: among many numbers some lie beyond three standard errors by chance (27 in 10,000), so a part
agrees where no more do than chance explains. Relies on `calibration` for single numbers.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from enclave.core.refusal import Refused
from enclave.synth import calibration, checkups, tables
from enclave.synth.calibration import Compared
from enclave.synth.draws import Array
from enclave.synth.period import era_month
from enclave.synth.population import REAL_PEOPLE, checkup_targets, joint_table

CHANCE = 0.0027
PARTS: dict[str, tuple[str, str]] = {
    "residents": ("住民（性×年齢×都道府県）", "Residents (sex × age × prefecture)"),
    "prefectures": ("住民（都道府県）", "Residents (prefecture)"),
    "ages": ("住民（性×年齢）", "Residents (sex × age)"),
    "checkups": ("特定健診受診者（性×年齢×都道府県）", "Check-ups (sex × age × prefecture)"),
    "bmi": ("BMI区分（性×年齢）", "BMI classes (sex × age)"),
    "hba1c": ("HbA1c区分（性×年齢）", "HbA1c classes (sex × age)"),
    "means": ("健診の平均値（15項目、性×年齢）", "Check-up means (15 items, sex × age)"),
    "fee": ("初診・再診・外来診療料（性×年齢）", "Visit fees (sex × age)"),
    "operation": ("入院手術（性×年齢）", "Operations, inpatient (sex × age)"),
    "outpatient": ("外来手術（性×年齢）", "Operations, outpatient (sex × age)"),
    "drug": ("内服薬（院外、性×年齢）", "Oral drugs, by pharmacies (sex × age)"),
    "totals": ("診察料・手術・内服薬の項目ごとの合計", "Totals of every fee, operation and drug"),
}
TOP = 10


@dataclass(frozen=True)
class Part:
    name: str
    numbers: tuple[Compared, ...]

    @property
    def outside(self) -> tuple[Compared, ...]:
        found = [number for number in self.numbers if not number.agrees]
        return tuple(sorted(found, key=lambda c: -abs(c.found - c.expected) / max(c.allowed, 1e-12)))

    @property
    def by_chance(self) -> float:
        """How many numbers chance alone puts outside, at most (about the 99.9th percentile)."""
        mean = CHANCE * len(self.numbers)
        return math.floor(mean + 3.1 * math.sqrt(mean) + 1)

    @property
    def agrees(self) -> bool:
        return len(self.outside) <= self.by_chance


@dataclass(frozen=True)
class Report:
    people: int
    parts: tuple[Part, ...]
    names: dict[tuple[str, str], str]

    @property
    def agrees(self) -> bool:
        return all(part.agrees for part in self.parts)

    def totals(self, part: str) -> list[tuple[str, float, float]]:
        """(item's name, published and scaled, synthetic), the largest first."""
        expected: dict[str, float] = {}
        found: dict[str, float] = {}
        for number in next(p for p in self.parts if p.name == part).numbers:
            expected[number.item] = expected.get(number.item, 0) + number.expected
            found[number.item] = found.get(number.item, 0) + number.found
        order = sorted(expected, key=lambda item: -expected[item])
        return [(self.names.get((part, item), item), expected[item], found[item]) for item in order]

    def lines(self, language: str) -> list[str]:
        own = 0 if language == "ja" else 1
        said = [
            ("公表値（人数比で換算）と合成値", "Published (scaled to the people) beside synthetic")[own],
            "",
        ]
        heads = (
            ("区分", "数", "一致", "範囲外", "偶然の上限"),
            ("Part", "Numbers", "Agree", "Outside", "By chance up to"),
        )[own]
        said.append("| " + " | ".join(heads) + " | |")
        said.append("|---|---:|---:|---:|---:|---|")
        for part in self.parts:
            count, out = len(part.numbers), len(part.outside)
            mark = "✓" if part.agrees else "✗"
            said.append(
                f"| {PARTS[part.name][own]} | {count:,} | {count - out:,} | {out} | {part.by_chance:.0f} | {mark} |"
            )
        for name in ("fee", "operation", "outpatient", "drug"):
            if name not in {part.name for part in self.parts}:
                continue
            said += ["", PARTS[name][own], ""]
            said.append(("| 項目 | 公表値 | 合成値 | 比 |", "| Item | Published | Synthetic | Ratio |")[own])
            said.append("|---|---:|---:|---:|")
            for item, expected, found in self.totals(name)[:TOP]:
                said.append(
                    f"| {item} | {expected:,.0f} | {found:,.0f} | {found / max(expected, 1e-9):.2f} |"
                )
        return said

    def to_json(self) -> dict[str, Any]:
        return {
            "people": self.people,
            "agrees": self.agrees,
            "parts": [
                {
                    "part": part.name,
                    "numbers": len(part.numbers),
                    "outside": len(part.outside),
                    "by_chance": part.by_chance,
                    "agrees": part.agrees,
                    "worst": [
                        {
                            "item": n.item,
                            "cell": n.cell,
                            "published": n.expected,
                            "synthetic": n.found,
                            "allowed": n.allowed,
                        }
                        for n in part.outside[:5]
                    ],
                }
                for part in self.parts
            ],
        }


def make(folder: Path) -> Report:
    """Compare a run's folder. Raises Refused `synth.not_made`."""
    if not (folder / "truth" / "counted.parquet").is_file():
        raise Refused("synth.not_made", {"folder": str(folder)})
    claims = list(calibration.claims(folder))
    parts = [*_residents(folder), *_checkups(folder)]
    parts += [
        Part(kind, tuple(n for n in claims if n.part == kind))
        for kind in ("fee", "operation", "outpatient", "drug")
    ]
    parts.append(Part("totals", tuple(calibration.totals(folder))))
    return Report(calibration.living(folder), tuple(parts), _names())


def _names() -> dict[tuple[str, str], str]:
    found = {("fee", row["kubun"]): row["name"] for row in tables.rows("visit_fees")}
    for row in tables.rows("procedures"):
        kind = "operation" if row["setting"] == "in" else "outpatient"
        found[kind, row["act_code"]] = f"{row['kubun']} {row['name'][:32]}"
    found |= {("drug", row["yj7"]): f"{row['name']} ({row['yj7']})" for row in tables.rows("drug_units")}
    return found


def _number(part: str, item: str, cell: str, expected: float, found: float) -> Compared:
    return Compared(part, item, cell, expected, found, math.sqrt(max(expected, 1e-9)))


def _residents(folder: Path) -> list[Part]:
    people = pq.read_table(folder / "truth" / "persons.parquet")
    people = people.filter(people["resident"])
    reference = _reference(folder)
    birth = people["birth_date"].cast(pa.int32()).to_numpy()
    # Bands as the skeleton drew them: by days, not by birthdays.
    age5 = (((reference - 1 - birth) / 365.2425) // 5).clip(0, 20).astype(int)
    pref = (
        pc.cast(pc.utf8_slice_codeunits(people["muni_code"].cast(pa.string()), 0, 2), pa.int32()).to_numpy()
        - 1
    )
    sex = people["sex"].to_numpy() - 1
    found = np.zeros((47, 2, 21))
    np.add.at(found, (pref, sex, age5), 1)
    expected = joint_table() * len(birth)
    label = [f"{'mf'[s]}{a * 5}" for s in range(2) for a in range(21)]
    joint = [
        _number(
            "residents", f"{p + 1:02d}", label[c], float(expected[p].ravel()[c]), float(found[p].ravel()[c])
        )
        for p in range(47)
        for c in range(42)
    ]
    prefs = [
        _number("prefectures", f"{p + 1:02d}", "", float(expected[p].sum()), float(found[p].sum()))
        for p in range(47)
    ]
    ages = [
        _number(
            "ages", label[c], "", float(expected.sum(axis=0).ravel()[c]), float(found.sum(axis=0).ravel()[c])
        )
        for c in range(42)
    ]
    return [Part("residents", tuple(joint)), Part("prefectures", tuple(prefs)), Part("ages", tuple(ages))]


def _reference(folder: Path) -> int:
    """The reference day that the run noted."""
    meta = pq.read_table(folder / "truth" / "run.parquet").to_pydict()
    return int(meta["reference_day"][0])


def _year(folder: Path) -> int:
    return int(pq.read_table(folder / "truth" / "run.parquet").to_pydict()["checkup_year"][0])


def _checkups(folder: Path) -> list[Part]:
    year = _year(folder)
    rows = pq.read_table(folder / "ndb" / "checkup.parquet")
    months = era_month(rows["check_date"].cast(pa.int32()).to_numpy())
    first = year * 12 + 3
    rows = rows.filter(pa.array((months >= first) & (months < first + 12)))
    factor = calibration.scale(folder)
    pref = pc.cast(rows["pref_code"].cast(pa.string()), pa.int32()).to_numpy() - 1
    sex = rows["sex"].to_numpy() - 1
    band = rows["age"].to_numpy() // 5 - 8
    found = np.zeros((47, 2, 7))
    np.add.at(found, (pref, sex, band), 1)
    target = checkup_targets() * factor
    cells = [(s, b) for s in range(2) for b in range(7)]
    joint = [
        _number("checkups", f"{p + 1:02d}", _cell(s, b), float(target[p, s, b]), float(found[p, s, b]))
        for p in range(47)
        for s, b in cells
    ]
    parts = [Part("checkups", tuple(joint))]
    for name, edges, prefix in (("bmi", checkups.BMI_EDGES, "bmi"), ("hba1c", checkups.A1C_EDGES, "a1c")):
        parts.append(_classes(name, edges, prefix, rows, sex, band, factor))
    parts.append(_means(rows, sex, band, cells))
    return parts


def _cell(sex: int, band: int) -> str:
    return f"{'mf'[sex]}{40 + 5 * band}"


def _classes(
    name: str, edges: Array, prefix: str, rows: pa.Table, sex: Array, band: Array, factor: float
) -> Part:
    values = rows[name].to_numpy(zero_copy_only=False)
    known = ~np.isnan(values)
    # Values are rounded to a tenth; a class holds what rounds into it.
    k = np.searchsorted(edges[1:-1] - 1e-9, values[known], side="right")
    found = np.zeros((2, 7, len(edges) - 1))
    np.add.at(found, (sex[known], band[known], k), 1)
    expected = np.zeros_like(found)
    for row in tables.rows("checkup_classes"):
        counts = tables.numbers(row, [c for c in row if c.startswith(prefix)])
        expected[int(row["sex"]) - 1, int(row["age"]) // 5 - 8] += counts
    expected *= factor
    classes = [c for c in tables.rows("checkup_classes")[0] if c.startswith(prefix)]
    numbers = [
        _number(name, classes[c], _cell(s, b), float(expected[s, b, c]), float(found[s, b, c]))
        for s in range(2)
        for b in range(7)
        for c in range(len(classes))
    ]
    return Part(name, tuple(numbers))


def _means(rows: pa.Table, sex: Array, band: Array, cells: list[tuple[int, int]]) -> Part:
    people = checkup_targets()
    published = np.zeros((47, 2, 7, len(checkups.MEANS)))
    for row in tables.rows("checkup_means"):
        published[int(row["pref"]) - 1, int(row["sex"]) - 1, int(row["age"]) // 5 - 8] = tables.numbers(
            row, checkups.MEANS
        )
    weight = people / people.sum(axis=0)
    expected = (published * weight[..., None]).sum(axis=0)
    numbers = []
    for m, item in enumerate(checkups.MEANS):
        values = rows[item].to_numpy(zero_copy_only=False).astype(float)
        for s, b in cells:
            mine = values[(sex == s) & (band == b)]
            mine = mine[~np.isnan(mine)]
            if len(mine) < 2:
                continue
            error = float(mine.std(ddof=1) / math.sqrt(len(mine)))
            numbers.append(
                Compared(
                    "means",
                    item,
                    _cell(s, b),
                    float(expected[s, b, m]),
                    float(mine.mean()),
                    error,
                    counts=False,
                )
            )
    return Part("means", tuple(numbers))


__all__ = ["PARTS", "REAL_PEOPLE", "Part", "Report", "make"]
