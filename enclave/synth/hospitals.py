"""Records of hospitals themselves: the certified operators' database (nextgen) and MID-NET.

Decides whose hospital takes part (a share of people [DK]) and what laboratory values its patients show: values follow
illness and treatment, so that someone with diabetes has a high HbA1c which falls under a drug. Opt-outs (one in a
thousand) are already left out of nextgen.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from enclave.synth.block import Block
from enclave.synth.codelists import diseases, products
from enclave.synth.columns import coded, dates, month_dates
from enclave.synth.disease import Health, conditions
from enclave.synth.draws import Array, even, mixed, ragged
from enclave.synth.identifiers import Registry
from enclave.synth.lives import Lives
from enclave.synth.medication import Medication
from enclave.synth.places import Kind
from enclave.synth.stays import Stays, reasons

SHARE = {"nextgen": 0.021, "midnet": 0.055}
"""Patients of the taking-part hospitals among all people: 2.6 and about 7 million [DK]."""

OPT_OUT = 0.001
LABS: tuple[tuple[str, str, float, float, int], ...] = (
    # JLAC10, unit, mean, spread, decimals [DK]
    ("3D046000001906202", "%", 5.7, 0.35, 1),
    ("3D010000001926101", "mg/dL", 98, 10, 0),
    ("3F015000002327101", "mg/dL", 115, 55, 0),
    ("3F070000002327101", "mg/dL", 60, 15, 0),
    ("3F077000002327101", "mg/dL", 122, 28, 0),
    ("3B035000002327201", "U/L", 23, 8, 0),
    ("3B045000002327201", "U/L", 21, 11, 0),
    ("3B090000002327101", "U/L", 34, 26, 0),
    ("3C015000002327101", "mg/dL", 0.75, 0.13, 2),
    ("8A065000002391901", "mL/min/1.73m2", 74, 13, 1),
    ("3C025000002327101", "mg/dL", 15, 4, 1),
    ("3C020000002327101", "mg/dL", 5.3, 1.2, 1),
    ("3H015000002326101", "mmol/L", 4.3, 0.35, 1),
    ("5C070000002306201", "mg/dL", 0.12, 0.25, 2),
    ("2A010000001930101", "10^3/uL", 6.1, 1.6, 1),
    ("2A030000001930101", "g/dL", 13.6, 1.4, 1),
    ("2A050000001930101", "10^3/uL", 235, 55, 0),
    ("2B030000002231157", "", 1.02, 0.08, 2),
    ("4Z271000001905302", "pg/mL", 22, 18, 1),
)
A1C, GLUCOSE, LDL, ALT, CRE, EGFR, URATE, HB, INR, BNP = 0, 1, 4, 6, 8, 9, 11, 15, 17, 18


@dataclass(frozen=True)
class Patients:
    person: Array
    hospital: Array
    start: Array
    """First month in that hospital's records."""


def patients(block: Block, health: Health, lives: Lives, stays: Stays, database: str) -> Patients:
    rng = block.rng(f"patients of {database}")
    sick = np.zeros(block.n, dtype=bool)
    sick[stays.person] = True
    sick[health.person] = True
    share = np.where(sick, 1.5, 0.25) * SHARE[database]
    who = np.flatnonzero((rng.random(block.n) < share) & (lives.gone > block.born))
    if database == "nextgen":
        who = who[mixed(block.people.id[who], 139) % np.uint64(10_000) >= np.uint64(OPT_OUT * 10_000)]
    area = block.places.muni_area[block.people.muni[who]]
    hospital = block.places.choose(Kind.HOSPITAL, area, rng)
    start = np.where(
        rng.random(len(who)) < 0.7, 0, (rng.random(len(who)) * block.window.months * 0.9).astype(np.int64)
    )
    start = np.maximum(start, block.born[who])
    keep = start < lives.gone[who]
    return Patients(who[keep].astype(np.int64), hospital[keep], start[keep].astype(np.int64))


def tables(
    block: Block,
    health: Health,
    lives: Lives,
    medication: Medication,
    stays: Stays,
    registry: Registry,
    database: str,
) -> tuple[dict[str, pa.Table], Array, Array, Array]:
    """The tables of `nextgen` or `midnet`, with (person, month, day) of the rows."""
    rng = block.rng(f"records of {database}")
    window, people = block.window, block.people
    found = patients(block, health, lives, stays, database)
    linked = database == "nextgen"
    facility = np.zeros(block.n, dtype=np.int64)
    facility[found.person] = block.places.facility_id[found.hospital]
    known = np.zeros(block.n, dtype=bool)
    known[found.person] = True
    begin = np.full(block.n, window.months, dtype=np.int64)
    begin[found.person] = found.start

    def number(person: Array, month: Array) -> Array:
        if linked:
            return registry.number(database, person, month)
        return mixed(block.world.seed + 1409, people.id[person]) >> np.uint64(1)

    area = block.places.facility_area[found.hospital]
    patient = {
        "person": number(found.person, found.start),
        "sex": people.sex[found.person],
        "birth_ym": month_dates(people.birth_era[found.person]),
        "facility_id": facility[found.person],
    }
    if linked:
        patient["pref_code"] = coded(block.places.area_pref[area], tuple(block.places.pref_code))
    dx, dx_rows = _diagnoses(block, health, lives, stays, known, begin, facility, number, linked, rng)
    rx, rx_rows = _drugs(block, lives, medication, known, begin, facility, number, linked, rng)
    lab, lab_rows = _laboratory(block, health, lives, medication, found, facility, number, linked, rng)
    person = np.concatenate([found.person, dx_rows[0], rx_rows[0], lab_rows[0]])
    day = np.concatenate(
        [window.month_start[found.start].astype(np.int64), dx_rows[1], rx_rows[1], lab_rows[1]]
    )
    month = window.month(day).astype(np.int64)
    return {"patient": pa.table(patient), "dx": dx, "rx": rx, "lab": lab}, person, month, day


Number = Callable[[Array, Array], Array]
"""(person, month) → the holder's number."""

Found = tuple[pa.Table, tuple[Array, Array]]
"""Rows, and (person, day) of each."""


def _diagnoses(
    block: Block,
    health: Health,
    lives: Lives,
    stays: Stays,
    known: Array,
    begin: Array,
    facility: Array,
    number: Number,
    linked: bool,
    rng: np.random.Generator,
) -> Found:
    window = block.window
    mine = np.flatnonzero(known[health.person])
    month = np.maximum(health.start[mine], begin[health.person[mine]])
    keep = month < np.minimum(health.end[mine], lives.gone[health.person[mine]])
    mine, month = mine[keep], month[keep]
    admitted = np.flatnonzero(known[stays.person] & (stays.admit >= window.start))
    person = np.concatenate([health.person[mine], stays.person[admitted]]).astype(np.int64)
    day = np.concatenate(
        [window.month_start[month] + rng.integers(0, 28, len(month)), stays.admit[admitted]]
    ).astype(np.int64)
    day = np.maximum(np.minimum(day, lives.death[person]), block.people.birth[person])
    codes = (*conditions().icd10, *diseases().second)
    shift = len(conditions().icd10)
    index = np.concatenate(
        [
            health.condition[mine].astype(np.int64),
            reasons().disease[stays.reason[admitted]].astype(np.int64) + shift,
        ]
    )
    order = np.lexsort((day, person))
    person, day, index = person[order], day[order], index[order]
    columns = {"person": number(person, window.month(day).astype(np.int64))}
    if not linked:
        columns["facility_id"] = facility[person]
    columns |= {"dx_date": dates(day), "icd10": coded(index, codes)}
    if linked:
        columns["suspected"] = rng.random(len(person)) < 0.15
    return pa.table(columns), (person, day)


def _drugs(
    block: Block,
    lives: Lives,
    medication: Medication,
    known: Array,
    begin: Array,
    facility: Array,
    number: Number,
    linked: bool,
    rng: np.random.Generator,
) -> Found:
    window = block.window
    mine = np.flatnonzero(known[medication.person])
    start = np.maximum(medication.start[mine], begin[medication.person[mine]])
    every = 2
    row, k = ragged(
        np.maximum((np.minimum(medication.end[mine], window.months) - start + every - 1) // every, 0)
    )
    spell = mine[row]
    person = medication.person[spell].astype(np.int64)
    month = start[row] + every * k
    keep = (month < lives.gone[person]) & (rng.random(len(row)) < 0.93)
    spell, person, month = spell[keep], person[keep], month[keep]
    # Drugs of one visit are ordered on one day.
    day = window.month_start[month] + (mixed(block.people.id[person], month) % np.uint64(27)).astype(np.int64)
    day = np.maximum(np.minimum(day, lives.death[person]), block.people.birth[person]).astype(np.int64)
    order = np.lexsort((day, person))
    spell, person, day = spell[order], person[order], day[order]
    columns = {"person": number(person, window.month(day).astype(np.int64))}
    if not linked:
        columns["facility_id"] = facility[person]
    columns |= {"order_date": dates(day), "yj12": coded(medication.product[spell], products().yj12)}
    if linked:
        columns["qty"] = medication.daily[spell].astype(np.float64)
    columns["days"] = np.full(len(person), 28 * every, dtype=np.int16)
    return pa.table(columns), (person, day)


def _laboratory(
    block: Block,
    health: Health,
    lives: Lives,
    medication: Medication,
    found: "Patients",
    facility: Array,
    number: Number,
    linked: bool,
    rng: np.random.Generator,
) -> Found:
    window = block.window
    ill = np.bincount(health.person, minlength=block.n)[found.person]
    every = np.where(ill > 3, 2, np.where(ill > 0, 4, 12))
    row, k = ragged(
        np.maximum((np.minimum(lives.gone[found.person], window.months) - found.start) // every, 0)
    )
    person = found.person[row]
    month = found.start[row] + every[row] * k
    keep = rng.random(len(row)) < 0.85
    person, month = person[keep], month[keep]
    day = window.month_start[month] + (mixed(block.people.id[person], month) % np.uint64(27)).astype(np.int64)
    day = np.maximum(np.minimum(day, lives.death[person]), block.people.birth[person]).astype(np.int64)
    base = (month // 12).clip(0, window.years)
    names = conditions().index

    def has(name: str) -> Array:
        ill: Array = health.active[person, names[name], base]
        return ill

    treated = _treated(block, medication, person, month, ("metformin", "dpp4", "sglt2", "su"))
    lipid = _treated(block, medication, person, month, ("statin",))
    warfarin = _treated(block, medication, person, month, ("anticoag",))
    visits, tests = len(person), len(LABS)
    mean = np.tile(np.array([lab[2] for lab in LABS]), (visits, 1))
    spread = np.array([lab[3] for lab in LABS])
    own = np.stack(
        [even(mixed(block.people.id[person], 149 + t)) - 0.5 for t in range(tests)],
        axis=1,
    )
    male = block.people.sex[person] == 1
    age = block.age(month, person)
    mean[:, A1C] += np.where(has("dm"), np.where(treated, 1.15, 1.7), 0)
    mean[:, GLUCOSE] += np.where(has("dm"), np.where(treated, 34, 52), 0)
    mean[:, LDL] += np.where(has("dl"), np.where(lipid, -18, 28), 0)
    mean[:, ALT] += np.where(has("liver"), 24, 0)
    mean[:, EGFR] += (45 - age) * 0.45 + np.where(has("ckd"), -28, 0) + np.where(has("dialysis"), -60, 0)
    mean[:, URATE] += np.where(male, 0.7, -0.5) + np.where(has("gout"), 1.2, 0)
    mean[:, HB] += (
        np.where(male, 0.7, -0.7) + np.where(has("anemia"), -2.4, 0) + np.where(has("dialysis"), -2.2, 0)
    )
    mean[:, INR] += np.where(warfarin & (own[:, INR] > 0.1), 0.9, 0)
    mean[:, BNP] += np.where(has("hf"), 180, 0) + np.where(has("af"), 60, 0) + np.maximum(age - 60, 0) * 0.9
    value = mean + spread * (1.9 * own + 0.55 * rng.standard_normal((visits, tests)))
    skew = np.array([lab[3] / lab[2] > 0.4 for lab in LABS])
    value = np.where(
        skew[None, :], mean * np.exp(1.5 * own + 0.35 * rng.standard_normal((visits, tests))), value
    )
    value[:, EGFR] = value[:, EGFR].clip(4, 150)
    value[:, CRE] = (194 * np.maximum(age, 18) ** -0.287 * np.where(male, 1, 0.739) / value[:, EGFR]) ** (
        1 / 1.094
    )
    rare = np.array(
        [
            0.55,
            0.7,
            0.75,
            0.7,
            0.75,
            0.95,
            0.95,
            0.9,
            0.95,
            0.9,
            0.92,
            0.7,
            0.85,
            0.7,
            0.95,
            0.95,
            0.95,
            0.12,
            0.15,
        ]
    )
    wanted = rng.random((visits, tests)) < rare
    wanted[:, A1C] |= has("dm")
    wanted[:, INR] |= warfarin
    wanted[:, BNP] |= has("hf") & (rng.random(visits) < 0.6)
    row, test = np.nonzero(wanted)
    shown = value[row, test].clip(0.01)
    digits = np.array([lab[4] for lab in LABS])[test]
    shown = np.round(shown * 10.0**digits) / 10.0**digits
    columns = {"person": number(person[row], window.month(day[row]).astype(np.int64))}
    if not linked:
        columns["facility_id"] = facility[person[row]]
    columns |= {
        "exam_date": dates(day[row]),
        "jlac10": coded(test, tuple(lab[0] for lab in LABS)),
        "value": shown,
    }
    if linked:
        columns["unit"] = coded(test, tuple(lab[1] or None for lab in LABS))
    return pa.table(columns), (person[row], day[row])


def _treated(
    block: Block, medication: Medication, person: Array, month: Array, names: tuple[str, ...]
) -> Array:
    start = np.full(block.n, block.window.months)
    end = np.zeros(block.n)
    for name in names:
        s, e = medication.users(block, name)
        start, end = np.minimum(start, s), np.maximum(end, e)
    return (start[person] <= month) & (month < end[person])
