"""Stays in hospital: why, when, how long, what was operated on.

Decides admissions. Operations meet the 9th NDB Open Data by sex and age; who is operated on follows illness (a
fracture falls on brittle bones, a stent goes to narrowed arteries), divided by the mean of that weight so that the
total stays. Medical reasons are at rates of `data/admissions.csv` [DK]. Drugs act: anticoagulants halve the strokes
of atrial fibrillation and cause bleeding, SGLT2 inhibitors spare failing hearts, DPP-4 inhibitors cause pemphigoid.
Most deaths happen in hospital, at the end of a stay for what kills.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from enclave.synth import cancer, fitted, population, tables
from enclave.synth.block import Block
from enclave.synth.cancer import Cancers
from enclave.synth.codelists import acts, diseases
from enclave.synth.disease import AGES, Health, conditions
from enclave.synth.draws import Array, columns, cumulated, events, pick
from enclave.synth.infection import Infections
from enclave.synth.lives import CAUSE_CODES, CAUSES, Lives
from enclave.synth.medication import Medication, cell_people
from enclave.synth.period import NEVER
from enclave.synth.places import Kind
from enclave.synth.tables import cell19

DPC, OTHER, REHAB, LONG, PSY = range(5)
"""Kinds of stay: DPC hospital, other acute ward, rehabilitation ward, long-term ward, psychiatric ward."""

IN_DPC = 0.72
"""Share of acute stays in hospitals paid by DPC [DK]."""

UNLISTED = 1.9
"""The listed medical reasons stand also for those not listed: 110 stays per 1,000 and year over all [DK]."""

DIES_IN_HOSPITAL = 0.66
EFFECTS: dict[str, tuple[tuple[str, float], ...]] = {
    # reason: (drug family, relative risk while used) [DK]
    "cardioembolic": (("anticoag", 0.4),),
    "gibleed": (("anticoag", 1.8), ("antiplatelet", 1.8), ("ppi", 0.6)),
    "ich": (("anticoag", 1.7),),
    "hfadm": (("sglt2", 0.7), ("arni", 0.8)),
    "ami": (("statin", 0.7),),
    "stroke": (("statin", 0.8), ("antiplatelet", 0.8)),
    "pemphigoid": (("dpp4", 3.0),),
    "uti": (("sglt2", 1.2),),
}
DYING = {
    "hipfx_nail": 1.8,
    "hipfx_head": 1.6,
    "aspiration": 3.5,
    "pneumonia": 2.5,
    "hfadm": 2.5,
    "sepsis": 3.0,
}
"""How much more often these happen to those who will be dead within two years [DK]."""

FRAIL = frozenset({"pneumonia", "aspiration", "uti", "ileus", "epilepsy_ad", "sepsis"})
"""What severe disability disposes to."""

PEMPHIGOID = np.interp(AGES, [0, 50, 60, 70, 80, 90, 110], [0, 0.02, 0.08, 0.25, 0.6, 1.0, 1.0]) / 1000
TERMINAL = {
    "J": "pneumonia",
    "I5": "hfadm",
    "I6": "stroke",
    "C": "term_cancer",
    "A": "sepsis",
    "R": "dehydr",
    "K": "biliary",
    "N": "hfadm",
}
"""Reason of the last stay by the beginning of the cause of death; else pneumonia."""


@dataclass(frozen=True)
class Reasons:
    id: tuple[str, ...]
    index: dict[str, int]
    disease: Array
    dpc14: tuple[str, ...]
    los: Array
    emergency: Array
    rate: Array
    """(reason, cell 38) per person and year, operations included."""
    first_operation: Array
    operations: tuple[tuple[int, ...], ...]
    mix: tuple[Array, ...]
    links: tuple[tuple[tuple[str, float], ...], ...]
    anaesthesia: tuple[str, ...]
    rehab: tuple[str, ...]
    drop: Array
    days: Array
    points: Array


def _fold(curve: Array) -> Array:
    """A curve over age in years → its 19 published bands."""
    folded: Array = curve[np.minimum(np.arange(19) * 5 + 2, 110)]
    return folded


@cache
def reasons() -> Reasons:
    rows = tables.rows("admissions")
    published = {r["act_code"]: tables.cells(r) for r in tables.rows("procedures") if r["setting"] == "in"}
    people = cell_people()
    rates, operations, mixes, links = [], [], [], []
    for row in rows:
        codes = row["operations"].split()
        if codes:
            counts = np.stack([published[c] * fitted.factor("operation", c) for c in codes])
            rates.append(counts.sum(axis=0) / people)
            mixes.append(cumulated(counts.T))
        else:
            wanted = float(row["rate_per_1000"]) / 1000 * UNLISTED
            if row["shape"]:
                ratio = float(row["male_to_female"])
                curve = _fold(tables.shape(row["shape"], AGES))
                both = np.concatenate([curve * (ratio if ratio else 0), curve])
                rates.append(both * wanted * people.sum() / (both * people).sum())
            else:
                rates.append(np.zeros(38))
            mixes.append(np.ones((38, 1)))
        operations.append(tuple(acts().index[c] for c in codes))
        links.append(
            tuple(
                (part.split(":")[0], float(part.split(":")[1]))
                for part in row["conditions"].split(",")
                if part
            )
        )
    table_days = np.array([[float(row[f"day{k}"] or 0) for k in (1, 2, 3)] for row in rows])
    los = np.array([float(row["los"]) for row in rows])
    return Reasons(
        id=tuple(row["reason"] for row in rows),
        index={row["reason"]: number for number, row in enumerate(rows)},
        disease=np.array([diseases().index[row["disease_code"]] for row in rows], dtype=np.int16),
        dpc14=tuple(row["dpc14"] for row in rows),
        los=np.where(los > 0, los, np.maximum(table_days[:, 1], 5)),
        emergency=np.array([float(row["emergency"]) for row in rows]),
        rate=np.stack(rates),
        first_operation=np.array([o[0] if o else -1 for o in operations], dtype=np.int16),
        operations=tuple(operations),
        mix=tuple(mixes),
        links=tuple(links),
        anaesthesia=tuple(row["anaesthesia"] for row in rows),
        rehab=tuple(row["rehab"] for row in rows),
        drop=np.array([float(row["adl_drop"]) for row in rows]),
        days=table_days,
        points=np.array([[float(row[f"points{k}"] or 0) for k in (1, 2, 3)] for row in rows]),
    )


@dataclass(frozen=True)
class Stays:
    """One row per stay, by person and day. `leave` is the last day; `operation` an act or −1; `died` on `leave`."""

    person: Array
    reason: Array
    kind: Array
    admit: Array
    leave: Array
    operation: Array
    operated: Array
    facility: Array
    emergency: Array
    died: Array
    open: Array
    """Still in hospital when the window ends."""


def _weight(
    block: Block, health: Health, cancers: Cancers, links: tuple[tuple[str, float], ...], year: int
) -> Array:
    """Relative rate of each person, divided by its mean for their sex and age."""
    age = block.yearly_age[:, year].clip(0, 110)
    sex = block.people.sex - 1
    weight, mean = np.ones(block.n), np.ones(block.n)
    table, sites = conditions(), cancer.sites()
    for name, multiple in links:
        if name.startswith("cancer_"):
            site = name.removeprefix("cancer_")
            start = block.window.start + year * population.YEAR
            span = 2.0 if site == "any" else 1.0
            near = (cancers.day >= start + (1 - span) * population.YEAR) & (
                cancers.day < start + population.YEAR
            )
            if site == "any":
                rate = sites.rate[sex, :, age].sum(axis=1)
            else:
                number = sites.site.index(site)
                near &= cancers.site == number
                rate = sites.rate[sex, number, age]
            there = np.zeros(block.n, dtype=bool)
            there[cancers.person[near]] = True
            weight += multiple * there * 5
            mean += multiple * rate * span * 5
        else:
            c = table.index[name]
            weight += (multiple - 1) * health.active[:, c, year]
            mean += (multiple - 1) * table.prevalence[sex, c, age]
    if links and links[0][0].startswith("cancer_"):
        weight, mean = weight - 0.98, mean - 0.98
    return weight / mean


def build(
    block: Block,
    health: Health,
    cancers: Cancers,
    lives: Lives,
    medication: Medication,
    infections: Infections,
    support: Array,
) -> Stays:
    """All stays of the window. `support` is each person's support level for a disability, 0 where none."""
    rng = block.rng("stays")
    table, window = reasons(), block.window
    order = np.lexsort((rng.random(block.n), block.people.birth, block.people.sex))
    used = {name: medication.users(block, name) for name in {f for fs in EFFECTS.values() for f, _ in fs}}
    quotient = population.mortality()
    rows: list[tuple[Array, Array, Array, Array]] = []
    for year in range(window.years):
        age = block.yearly_age[:, year]
        cell = cell19(block.people.sex, age.clip(0))
        there = (age >= 0) & (lives.gone > 12 * year)
        middle = 12 * year + 6
        starts = window.start + year * population.YEAR
        # The part of the year that a person lives, whose death is near, and how many that is at their age.
        part = np.clip((lives.death - starts) / population.YEAR, 0, 1)
        soon = lives.death < starts + 2 * population.YEAR
        usual = 1 - np.exp(-1.6 * quotient[block.people.sex - 1, np.minimum(age.clip(0) // 5, 20)])
        for number, name in enumerate(table.id):
            rate = table.rate[number, cell]
            if name == "pemphigoid":
                rate = PEMPHIGOID[age.clip(0, 110)]
            if not rate.any():
                continue
            rate = np.where(there, rate, 0) * _weight(block, health, cancers, table.links[number], year)
            for family, risk in EFFECTS.get(name, ()):
                start, end = used[family]
                rate = np.where((start <= middle) & (end > middle), rate * risk, rate)
            if name in FRAIL:
                rate = rate * (1 + 2.0 * np.maximum(support - 2, 0))
            if name in DYING:
                rate = rate * np.where(soon, DYING[name], 1) / (1 + (DYING[name] - 1) * usual)
            person = events(rate * part, order, rng, block.number * 97 + year * 13 + number)
            day = window.start + ((year + rng.random(len(person)) * part[person]) * population.YEAR).astype(
                np.int64
            )
            operation = np.full(len(person), -1)
            if table.operations[number]:
                which = pick(table.mix[number][cell[person]], rng.random(len(person)))
                operation = np.array(table.operations[number])[which]
            rows.append((person, np.full(len(person), number), day, operation))
    serious = (infections.disease == 0) & (infections.severity >= 2)
    rows.append(
        (
            infections.person[serious],
            np.full(serious.sum(), table.index["covid_ad"]),
            infections.day[serious] + 5,
            np.full(serious.sum(), -1),
        )
    )
    person, reason, day, operation = columns(rows)
    days = np.maximum(1, np.round(rng.gamma(3.0, table.los[reason] / 3.0))).astype(np.int64)
    days = np.where(
        table.los[reason] <= 4,
        np.maximum(2, np.round(table.los[reason] + rng.integers(-1, 2, len(days)))),
        days,
    )
    kind = np.where(rng.random(len(person)) < IN_DPC, DPC, OTHER)
    psychiatric = np.isin(reason, [table.index["psyadm"], table.index["depadm"]])
    kind = np.where(psychiatric, PSY, kind)
    parts = [(person, reason, kind, day, day + days - 1, operation, np.zeros(len(person), dtype=bool))]
    parts.append(_rehabilitation(parts[0], rng))
    parts.append(_long_stays(block, health, support, rng))
    parts.append(_last_stays(block, cancers, lives, rng))
    person, reason, kind, admit, leave, operation, died = columns(parts)
    return _tidy(block, lives, person, reason, kind, admit, leave, operation, died, rng)


Part = tuple[Array, Array, Array, Array, Array, Array, Array]


def _rehabilitation(acute: Part, rng: np.random.Generator) -> Part:
    """After a broken hip or a stroke, half go on to a rehabilitation ward."""
    table = reasons()
    person, reason, _, _, leave, _, _ = acute
    chance = np.zeros(len(table.id))
    for name, p in (
        ("hipfx_nail", 0.55),
        ("hipfx_head", 0.55),
        ("stroke", 0.42),
        ("cardioembolic", 0.5),
        ("ich", 0.5),
        ("tka", 0.2),
        ("vertfx", 0.2),
    ):
        chance[table.index[name]] = p
    on = np.flatnonzero(rng.random(len(person)) < chance[reason])
    days = rng.gamma(4.0, 15.0, len(on)).astype(np.int64) + 10
    start = leave[on] + 1
    return (
        person[on], reason[on], np.full(len(on), REHAB), start, start + days, np.full(len(on), -1), np.zeros(len(on), dtype=bool),
    )  # fmt: skip


def _long_stays(block: Block, health: Health, support: Array, rng: np.random.Generator) -> Part:
    """Psychiatric and long-term wards: stays of months and years [DK: 170,000 and 250,000 people].

    Some of those with the severest disabilities live on a ward (療養介護, [DK]: 20,000 people).
    """
    table, window = reasons(), block.window
    age = block.yearly_age[:, 0]
    psy = np.flatnonzero(health.ever("schizo") & (rng.random(block.n) < 0.17) & (age > 35))
    share = np.interp(age, [0, 60, 70, 80, 90, 110], [0.0004, 0.001, 0.003, 0.011, 0.028, 0.04])
    years = window.years
    old = np.flatnonzero(rng.random(block.n) < share * (1 + years * 0.55))
    wards = np.flatnonzero((support == 6) & (rng.random(block.n) < 0.12))
    wards = np.setdiff1d(wards, psy)
    old = np.setdiff1d(old, np.concatenate([psy, wards]))
    person = np.concatenate([psy, old, wards])
    kind = np.r_[np.full(len(psy), PSY), np.full(len(old) + len(wards), LONG)]
    span = window.end - window.start
    start = window.start + (rng.random(len(person)) * (span + 500) - 500).astype(np.int64)
    length = rng.exponential(np.where(kind == PSY, 2200, 420), len(person)).astype(np.int64) + 60
    start = np.where((kind == PSY) & (rng.random(len(person)) < 0.8), window.start - 400, start)
    lives_there = np.arange(len(person)) >= len(psy) + len(old)
    start, length = np.where(lives_there, window.start - 400, start), np.where(lives_there, 4000, length)
    reason = np.where(kind == PSY, table.index["psyadm"], table.index["dehydr"])
    reason = np.where(lives_there, table.index["epilepsy_ad"], reason)
    return (
        person,
        reason,
        kind,
        start,
        start + length,
        np.full(len(person), -1),
        np.zeros(len(person), dtype=bool),
    )


def _last_stays(block: Block, cancers: Cancers, lives: Lives, rng: np.random.Generator) -> Part:
    table = reasons()
    dead = np.flatnonzero(lives.death < NEVER)
    manner_natural = np.array([not code.startswith(("X", "V", "W", "R99")) for code in CAUSE_CODES])
    chance = np.where(manner_natural[lives.cause[dead]], DIES_IN_HOSPITAL, 0.3)
    chance = np.where(lives.cause[dead] == tuple(CAUSES).index("R54"), 0.3, chance)
    dead = dead[rng.random(len(dead)) < chance]
    by_cause = np.full(len(CAUSE_CODES), table.index["pneumonia"])
    for number, code in enumerate(CAUSE_CODES):
        for beginning, name in TERMINAL.items():
            if code.startswith(beginning):
                by_cause[number] = table.index[name]
    reason = by_cause[lives.cause[dead]]
    days = np.maximum(0, rng.gamma(1.2, 18.0, len(dead))).astype(np.int64)
    leave = lives.death[dead].astype(np.int64)
    admit = np.maximum(leave - days, block.people.birth[dead])
    kind = np.where(rng.random(len(dead)) < IN_DPC * 0.8, DPC, OTHER)
    return dead, reason, kind, admit, leave, np.full(len(dead), -1), np.ones(len(dead), dtype=bool)


def _tidy(
    block: Block,
    lives: Lives,
    person: Array,
    reason: Array,
    kind: Array,
    admit: Array,
    leave: Array,
    operation: Array,
    died: Array,
    rng: np.random.Generator,
) -> Stays:
    """One stay at a time, none after death, none before birth; the last stay comes before any other."""
    window, people, table = block.window, block.people, reasons()
    admit, leave = admit.astype(np.int64), leave.astype(np.int64)
    last_start = np.full(block.n, NEVER, dtype=np.int64)
    last_start[person[died]] = admit[died]
    # A stay that runs into the last one ends the day before it.
    limit = np.minimum(last_start[person] - 1, lives.death[person])
    limit = np.where(died, lives.death[person], limit)
    cut = leave > limit
    leave = np.minimum(leave, limit)
    fits = (admit >= people.birth[person]) & (leave >= np.maximum(admit, window.start)) & (admit < window.end)
    fits &= ~(cut & (operation >= 0) & (leave - admit < 2))
    rows = np.flatnonzero(fits)
    rows = rows[np.lexsort((admit[rows], person[rows]))]
    keep = np.ones(len(rows), dtype=bool)
    for _ in range(4):
        rows = rows[keep]
        p, a, b = person[rows], admit[rows], leave[rows]
        clash = np.r_[False, (p[1:] == p[:-1]) & (a[1:] <= b[:-1])]
        # Of two that clash the later goes, unless it is the last one: then the earlier.
        keep = ~(clash & ~died[rows])
        keep &= ~np.r_[(clash & died[rows])[1:], False]
    rows = rows[keep]
    person, reason, kind, admit, leave = person[rows], reason[rows], kind[rows], admit[rows], leave[rows]
    operation, died = operation[rows], died[rows]
    open_ = leave >= window.end
    leave = np.minimum(leave, window.end - 1)
    month = window.month(np.maximum(admit, window.start))
    area = block.places.muni_area[block.muni(person, month)]
    facility = np.zeros(len(person), dtype=np.int32)
    for number, place in (
        (DPC, Kind.HOSPITAL),
        (OTHER, Kind.SMALL_HOSPITAL),
        (REHAB, Kind.SMALL_HOSPITAL),
        (LONG, Kind.LONG_STAY),
        (PSY, Kind.PSY_HOSPITAL),
    ):
        here = np.flatnonzero(kind == number)
        facility[here] = block.places.choose(place, area[here], rng)
    # A broken hip waits some days for its operation, other emergencies hardly, a planned one a day.
    bone = np.array([kind == "locomo" for kind in table.rehab])[reason] & (table.emergency[reason] > 0.5)
    waits = np.where(bone, 1 + rng.geometric(0.38, len(person)), rng.integers(0, 2, len(person)))
    wait = np.where(table.emergency[reason] > 0.5, waits, 1)
    operated = np.minimum(admit + wait, leave)
    return Stays(
        person=person.astype(np.int32),
        reason=reason.astype(np.int16),
        kind=kind.astype(np.int8),
        admit=admit.astype(np.int32),
        leave=leave.astype(np.int32),
        operation=operation.astype(np.int16),
        operated=operated.astype(np.int32),
        facility=facility,
        emergency=rng.random(len(person)) < table.emergency[reason],
        died=died,
        open=open_,
    )
