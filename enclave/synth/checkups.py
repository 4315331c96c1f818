"""Specific health check-ups: who goes in which year, and what is measured.

Decides values so that the published classes of BMI and HbA1c and the published means are met by prefecture, sex and
age, with everybody's place in them by their disposition and illness: those with diabetes have the high HbA1c, kidneys
that will need dialysis filter less every year. Relies on the population for who goes in the published year.
"""

from functools import cache

import numpy as np
import pyarrow as pa

from enclave.synth import tables
from enclave.synth.block import Block
from enclave.synth.columns import coded, dates, some
from enclave.synth.disease import Health, conditions
from enclave.synth.draws import Array, columns, cumulated, even, liability, mixed
from enclave.synth.identifiers import Registry
from enclave.synth.lives import Lives
from enclave.synth.medication import Medication, families
from enclave.synth.population import REAL_PEOPLE, checkup_targets, joint_table

BMI_EDGES = np.array([15.0, 18.5, 20.0, 25.0, 30.0, 35.0, 40.0, 48.0])
A1C_EDGES = np.array([4.7, 5.6, 6.0, 6.5, 8.0, 8.4, 12.5])
MEANS = (
    "bmi",
    "waist",
    "sbp",
    "dbp",
    "tg",
    "hdl",
    "ldl",
    "ast",
    "alt",
    "ggt",
    "fpg",
    "hba1c",
    "creatinine",
    "egfr",
    "hb",
)
SPREAD = {"sbp": 16.5, "dbp": 11.3, "hdl": 16.0, "ldl": 29.5, "egfr": 13.0, "hb": 1.1}
"""Standard deviations [DK]."""

RATIO = {"tg": 0.55, "ast": 0.33, "alt": 0.5, "ggt": 0.75}
"""Standard deviations of the logarithm [DK]."""

SMOKES = np.array([[0.34, 0.33, 0.33, 0.31, 0.28, 0.21, 0.15], [0.11, 0.12, 0.12, 0.10, 0.07, 0.04, 0.03]])
DRINKS = np.array([[0.34, 0.34], [0.12, 0.33]])
"""By sex: every day, sometimes."""

HABIT_CHANGES = 0.12


@cache
def _classes() -> tuple[Array, Array, Array]:
    """Cumulative shares of BMI and HbA1c classes by (prefecture, sex, age band), and the share with HbA1c."""
    bmi, a1c = np.zeros((47, 2, 7, 7)), np.zeros((47, 2, 7, 6))
    for row in tables.rows("checkup_classes"):
        at = (int(row["pref"]) - 1, int(row["sex"]) - 1, int(row["age"]) // 5 - 8)
        bmi[at] = tables.numbers(row, [c for c in row if c.startswith("bmi")])
        a1c[at] = tables.numbers(row, [c for c in row if c.startswith("a1c")])
    # A masked class (fewer than ten people) counts as the nation's share of it.
    for counts in (bmi, a1c):
        nation = counts.sum(axis=0, keepdims=True)
        counts[...] = np.where(counts == 0, nation * 1e-4, counts)
    return cumulated(bmi), cumulated(a1c), a1c.sum(axis=3) / bmi.sum(axis=3)


@cache
def _means() -> Array:
    found = np.zeros((47, 2, 7, len(MEANS)))
    for row in tables.rows("checkup_means"):
        found[int(row["pref"]) - 1, int(row["sex"]) - 1, int(row["age"]) // 5 - 8] = tables.numbers(
            row, MEANS
        )
    return found


@cache
def _share() -> Array:
    """Share of residents that go, by (prefecture, sex, age band)."""
    residents = joint_table()[:, :, 8:15] * REAL_PEOPLE
    share: Array = np.minimum(checkup_targets() / residents, 0.97)
    return share


def _value(cumulative: Array, edges: Array, u: Array) -> Array:
    """Values by inverse of classes' cumulative shares, even within a class."""
    k = (u[:, None] >= cumulative[:, :-1]).sum(axis=1)
    low = np.where(k > 0, cumulative[np.arange(len(u)), np.maximum(k - 1, 0)], 0)
    high = cumulative[np.arange(len(u)), k]
    part = np.divide(u - low, high - low, out=np.full(len(u), 0.5), where=high > low).clip(0, 0.999)
    # The open ends thin out.
    part = np.where(k == 0, 1 - (1 - part) ** 0.45, part)
    part = np.where(k == len(edges) - 2, part**2.5, part)
    value: Array = edges[k] + part * (edges[k + 1] - edges[k])
    return value


def build(
    block: Block, lives: Lives, health: Health, medication: Medication, registry: Registry
) -> tuple[pa.Table, Array, Array, Array]:
    """The table, with (person, month, day) of its rows."""
    rng = block.rng("checkups")
    window, people = block.window, block.people
    parts = []
    habit = people.check_habit.astype(np.float64)
    pref = block.places.area_pref[block.places.muni_area[people.muni]]
    for nth in range(window.years):
        fiscal = window.first + nth
        at_end = ((fiscal + 1) * 12 + 2 - people.birth_era) // 12
        band = at_end // 5 - 8
        inside = (band >= 0) & (band < 7)
        share = _share()[pref, people.sex - 1, band.clip(0, 6)]
        anew = rng.random(block.n)
        goes = np.where(rng.random(block.n) < HABIT_CHANGES, anew, habit) < share
        if fiscal == window.checkup_year:
            goes = people.checked
        day = window.month_start[12 * nth] + np.minimum(rng.gamma(5.0, 36.0, block.n), 350).astype(np.int64)
        if fiscal == window.checkup_year:
            day = np.minimum(day, np.maximum(lives.death, window.start))
        # People on dialysis are examined where they are treated, hardly ever at a check-up.
        goes = goes & inside & (day <= lives.death) & ~health.has("dialysis")[:, nth]
        who = np.flatnonzero(goes)
        parts.append((who, np.full(len(who), nth), band[who], day[who]))
    person, year, band, day = columns(parts)
    month = window.month(day)
    order = np.lexsort((month, person))
    person, year, band, day, month = person[order], year[order], band[order], day[order], month[order]
    sex = people.sex[person].astype(np.int64) - 1
    table = _measure(block, health, medication, person, year, band, sex, pref[person], month, rng)
    muni = block.muni(person, month)
    area = block.places.muni_area[muni]
    head = {
        "person": registry.number("ndb", person, month.astype(np.int64)),
        "check_date": dates(day),
        "sex": people.sex[person],
        "age": (((window.first + year + 1) * 12 + 2 - people.birth_era[person]) // 12).astype(np.int16),
        "pref_code": coded(block.places.area_pref[area], tuple(block.places.pref_code)),
        "sma_code": coded(area, tuple(block.places.area_code)),
    }
    return pa.table({**head, **table}), person, month, day


def _measure(
    block: Block,
    health: Health,
    medication: Medication,
    person: Array,
    year: Array,
    band: Array,
    sex: Array,
    pref: Array,
    month: Array,
    rng: np.random.Generator,
) -> dict[str, Array | pa.Array]:
    size = len(person)
    bmi_classes, a1c_classes, a1c_share = _classes()
    mean = dict(zip(MEANS, _means()[pref, sex, band].T, strict=True))
    cell = sex * 8 + band + 16 * year
    names = conditions().index
    met = health.latents[0][person]
    noise = rng.standard_normal((8, size))

    def ill(name: str) -> Array:
        found: Array = health.active[person, names[name], year]
        return found

    u = 1 - liability(0.85 * met + 0.53 * noise[0], cell, rng)
    bmi = _value(bmi_classes[pref, sex, band], BMI_EDGES, u)
    u = 1 - liability(ill("dm") * 2.6 + 0.45 * met + 0.75 * noise[1], cell, rng)
    a1c = _value(a1c_classes[pref, sex, band], A1C_EDGES, u)
    low_a1c = rng.random(size) >= a1c_share[pref, sex, band]
    taken = rng.random(size)
    z = {
        name: rng.standard_normal(size)
        for name in ("sbp", "dbp", "hdl", "ldl", "egfr", "hb", "tg", "ast", "alt", "ggt")
    }
    z["sbp"] = 0.35 * met + 0.93 * z["sbp"]
    z["dbp"] = 0.7 * z["sbp"] + 0.71 * z["dbp"]
    z["tg"] = 0.4 * met + 0.91 * z["tg"]
    z["hdl"] = -0.45 * z["tg"] + 0.89 * z["hdl"]
    z["ggt"] = 0.5 * z["alt"] + 0.87 * z["ggt"]
    z["alt"] = 0.7 * z["ast"] + 0.71 * z["alt"]
    values = {name: mean[name] + SPREAD[name] * z[name] for name in SPREAD}
    values |= {name: mean[name] * np.exp(RATIO[name] * z[name] - RATIO[name] ** 2 / 2) for name in RATIO}
    egfr = _kidneys(block, health, person, month, values["egfr"], rng)
    age = 40 + 5 * band + 2
    creatinine = (194 * age**-0.287 * np.where(sex == 1, 0.739, 1.0) / egfr.clip(3)) ** (1 / 1.094)
    height = np.where(sex == 0, 170.5, 157.5) - 0.13 * (age - 45) + np.where(sex == 0, 6.0, 5.5) * noise[2]
    waist = mean["waist"] + 2.35 * (bmi - mean["bmi"]) + 3.0 * noise[3]
    fpg = mean["fpg"] + 21 * (a1c - mean["hba1c"]) + 6.5 * noise[4]
    bad = 0.075 + 0.05 * ill("dm") + np.interp(egfr, [10, 30, 45, 60, 90], [0.75, 0.5, 0.22, 0.05, 0.0])
    v = rng.random(size)
    protein = np.where(
        v < bad * 0.05, 4, np.where(v < bad * 0.14, 3, np.where(v < bad * 0.36, 2, np.where(v < bad, 1, 0)))
    )
    sugar = np.where(a1c > 8, 2 + (v > 0.5), np.where(rng.random(size) < 0.02, 1, 0))
    treated = {
        name: _on(block, medication, group, person, month)
        for name, group in (
            ("med_bp", ("ccb", "arb", "beta", "thiazide")),
            ("med_dm", ("metformin", "dpp4", "sglt2", "su", "agi", "glinide", "tzd")),
            ("med_lipid", ("statin", "ezetimibe", "fibrate")),
        )
    }
    smoking = np.where(_steady(block, person, 1) < SMOKES[sex, band], 1, 2)
    w = _steady(block, person, 2)
    drinking = np.where(w < DRINKS[sex, 0], 1, np.where(w < DRINKS[sex].sum(axis=1), 2, 3))
    large = waist >= np.where(sex == 0, 85, 90)
    risks = (
        ((values["sbp"] >= 130) | (values["dbp"] >= 85) | treated["med_bp"]).astype(int)
        + ((values["tg"] >= 150) | (values["hdl"] < 40) | treated["med_lipid"])
        + ((fpg >= 110) | treated["med_dm"])
    )
    metabo = np.where(large & (risks >= 2), 1, np.where(large & (risks == 1), 2, 3))
    free = ~(treated["med_bp"] | treated["med_dm"] | treated["med_lipid"])
    advice = np.where(
        free & large & (risks >= 2),
        np.where(age >= 65, 2, 1),
        np.where(free & (large | (bmi >= 25)) & (risks >= 1), 2, 3),
    )
    yes = {name: np.where(found, 1, 2).astype(np.int8) for name, found in treated.items()}
    unanswered = rng.random((3, size)) < 0.03
    return {
        "height": np.round(height, 1),
        "weight": np.round(bmi * (height / 100) ** 2, 1),
        "bmi": np.floor(bmi * 10) / 10,
        "waist": some(np.round(waist, 1), rng.random(size) < 0.004),
        "sbp": np.clip(np.round(values["sbp"]), 75, 240).astype(np.int16),
        "dbp": np.clip(np.round(values["dbp"]), 40, 140).astype(np.int16),
        "tg": np.clip(np.round(values["tg"]), 20, 1800).astype(np.int16),
        "hdl": np.clip(np.round(values["hdl"]), 20, 150).astype(np.int16),
        "ldl": np.clip(np.round(values["ldl"]), 25, 330).astype(np.int16),
        "ast": np.clip(np.round(values["ast"]), 8, 600).astype(np.int16),
        "alt": np.clip(np.round(values["alt"]), 4, 700).astype(np.int16),
        "ggt": np.clip(np.round(values["ggt"]), 5, 1500).astype(np.int16),
        "fpg": some(np.clip(np.round(fpg), 55, 450).astype(np.int16), taken > 0.72),
        # Cut, not rounded: a value stays in its class.
        "hba1c": some(np.floor(a1c * 10) / 10, low_a1c),
        "creatinine": np.round(creatinine, 2),
        "egfr": np.round(egfr, 1),
        "hb": some(np.round(values["hb"], 1), rng.random(size) < 0.12),
        "u_glucose": sugar.astype(np.int8),
        "u_protein": protein.astype(np.int8),
        "smoking": smoking.astype(np.int8),
        "drinking": some(drinking.astype(np.int8), unanswered[0]),
        "exercise": some((1 + (rng.random(size) > 0.3)).astype(np.int8), unanswered[1]),
        **yes,
        "metabo": metabo.astype(np.int8),
        "guidance": advice.astype(np.int8),
    }


def _kidneys(
    block: Block, health: Health, person: Array, month: Array, usual: Array, rng: np.random.Generator
) -> Array:
    """eGFR: lower with chronic kidney disease, falling towards the start of dialysis, hardly any after it."""
    names = conditions().index
    ckd = np.zeros(block.n, dtype=bool)
    ckd[health.person[health.condition == names["ckd"]]] = True
    start = np.full(block.n, 10_000, dtype=np.int64)
    on = health.condition == names["dialysis"]
    np.minimum.at(start, health.person[on], health.start[on])
    steady = 50 - 9 * np.abs(_steady(block, person, 3) * 4 - 1.2) + 2 * rng.standard_normal(len(person))
    value = np.where(ckd[person], np.minimum(usual, steady), usual)
    ahead = (start[person] - month) / 12
    failing = np.where(ahead <= 0, 6.0, 9 + 6.5 * ahead) + rng.standard_normal(len(person))
    value = np.where(ahead < 8, np.minimum(value, failing), value)
    lowest: Array = value.clip(3.5, 160)
    return lowest


def _steady(block: Block, person: Array, topic: int) -> Array:
    """A number of each person that stays the same over the years, 0–1."""

    return even(mixed(block.people.id[person], 700 + topic))


def _on(block: Block, medication: Medication, names: tuple[str, ...], person: Array, month: Array) -> Array:
    """Whether the person uses a drug of these families in the month."""
    numbers = [n for n, family in enumerate(families()) if family.name in names]
    found = np.zeros(len(person), dtype=bool)
    mine = np.flatnonzero(np.isin(medication.family, numbers))
    order = mine[np.argsort(medication.person[mine], kind="stable")]
    counts = np.bincount(medication.person[order], minlength=block.n)
    starts = np.cumsum(counts) - counts
    for k in range(int(counts.max(initial=0))):
        has = counts[person] > k
        at = order[np.where(has, starts[person] + k, 0)] if len(order) else np.zeros(len(person), dtype=int)
        found |= has & (medication.start[at] <= month) & (month < medication.end[at])
    return found
