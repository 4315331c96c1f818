"""Who goes to which outpatient facility in which month, why, and how often.

Decides courses (one per person and department, as long as a condition lasts), acute episodes (as many as the 9th NDB
Open Data counts first visits, by sex and age), visits for infections and for operations without a stay. Revisits meet
the published revisit fees by a fitted factor. Does not decide what is done at a visit.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from enclave.synth import cancer, fitted, tables
from enclave.synth.block import Block
from enclave.synth.cancer import Cancers
from enclave.synth.codelists import acts, diseases
from enclave.synth.designated import Recipients, listed
from enclave.synth.disease import AGES, Health, conditions
from enclave.synth.draws import Array, columns, cumulated, events, pick, ragged
from enclave.synth.infection import Infections
from enclave.synth.lives import Lives
from enclave.synth.medication import Medication, cell_people
from enclave.synth.period import NEVER
from enclave.synth.places import Kind
from enclave.synth.population import YEAR
from enclave.synth.tables import cell19
from enclave.synth.vaccination import Shots

DEPTS = ("gp", "hosp", "ortho", "eye", "psy", "ent", "derm", "uro", "gyn", "dialysis")
"""Departments; the order is that of the facilities' kinds."""

INTERVALS = np.array(
    [
        # chance of a visit every month, every second, every third [DK]
        [0.34, 0.34, 0.32],
        [0.24, 0.38, 0.38],
        [0.50, 0.25, 0.25],
        [0.12, 0.28, 0.60],
        [0.66, 0.20, 0.14],
        [0.16, 0.30, 0.54],
        [0.20, 0.34, 0.46],
        [0.30, 0.36, 0.34],
        [0.30, 0.32, 0.38],
        [1.00, 0.00, 0.00],
    ]
)
EXTRA_VISITS = np.array([0.08, 0.12, 0.9, 0.08, 0.25, 0.2, 0.08, 0.08, 0.2, 12.0])
"""Mean further visits in a month of a course [DK], before the fitted factor."""

ATTENDS = 0.94
HOSPITAL = 0.5
"""Share of those with a condition for a hospital who go to one and not to a clinic [DK], before the fitted factor."""

ELSEWHERE = 0.07
"""Share of other courses that are at a large hospital [DK], before the fitted factor."""

NEEDS: dict[str, tuple[str, float | None]] = {
    # section: the condition that such an operation is for, and how much more often those with it have it
    "K616-4": ("dialysis", None), "K282": ("cataract", 12.0), "K282-2": ("cataract", 12.0), "K276": ("dm", 8.0),
    "K331": ("rhinitis", 4.0), "K091": ("tinea", 3.0), "K219": ("dryeye", 2.0),
}  # fmt: skip

PLACES_PER_PERSON = 10
ORIGIN_COURSE, ORIGIN_ACUTE, ORIGIN_SPECIAL, ORIGIN_OPERATION = range(4)


@dataclass(frozen=True)
class Acute:
    disease: Array
    dept: Array
    visits: Array
    season: Array
    """(type, calendar month) cumulative"""
    mix: Array
    """(cell 38, type) cumulative"""
    drugs: tuple[str, ...]


@cache
def acute() -> Acute:
    rows = tables.rows("acute")
    weights = []
    for row in rows:
        ratio = float(row["male_to_female"])
        curve = tables.shape(row["shape"], AGES)[np.minimum(np.arange(19) * 5 + 2, 110)] * float(
            row["weight"]
        )
        curve = curve / max(curve.mean(), 1e-9) * float(row["weight"])
        weights.append(np.concatenate([curve * ratio / (1 + ratio), curve / (1 + ratio)]))
    season = np.array([[float(v) for v in row["season"].split()] for row in rows])
    return Acute(
        disease=np.array([diseases().index[row["disease_code"]] for row in rows], dtype=np.int16),
        dept=np.array([DEPTS.index(row["dept"]) for row in rows], dtype=np.int8),
        visits=np.array([float(row["visits"]) for row in rows]),
        season=cumulated(season),
        mix=cumulated(np.stack(weights, axis=1)),
        drugs=tuple(row["drugs"] for row in rows),
    )


@cache
def first_visits() -> Array:
    """Acute episodes per person and year by cell: published first visits ÷ residents × fitted factor."""
    published = {row["kubun"]: tables.cells(row) for row in tables.rows("visit_fees")}
    rate: Array = published["A000"] / cell_people() * fitted.factor("fee", "A000")
    return rate


@cache
def outpatient_operations() -> tuple[tuple[str, Array, int, int], ...]:
    """(act, rate by cell, department, disease) of operations without a stay."""
    why = {
        "K721": ("gp", "K635"), "K282": ("eye", "H269"), "K282-2": ("eye", "H269"), "K276": ("eye", "H409"),
        "K252": ("eye", "H109"), "K221": ("eye", "H109"), "K213": ("eye", "H000"), "K219": ("eye", "H041"),
        "K286": ("ent", "H612"), "K300": ("ent", "H669"), "K331": ("ent", "J304"), "K616-4": ("dialysis", "N189"),
        "K866": ("gyn", "N760"),
    }  # fmt: skip
    by_icd: dict[str, int] = {}
    for number, icd in enumerate(diseases().second):
        by_icd.setdefault(str(icd), number)
    found = []
    for row in tables.rows("procedures"):
        if row["setting"] == "out":
            dept, icd = why.get(
                row["kubun"], ("derm", "L309") if row["kubun"] < "K028" else ("ortho", "T140")
            )
            rate = tables.cells(row) / cell_people() * fitted.factor("outpatient", row["act_code"])
            found.append((row["act_code"], rate, DEPTS.index(dept), by_icd[icd]))
    return tuple(found)


@dataclass(frozen=True)
class Reasons:
    """What a course is for: one row per (course, disease), by course. Months of the window, onset as a day."""

    course: Array
    disease: Array
    condition: Array
    start: Array
    end: Array
    onset: Array
    first: Array
    """(course + 1) where a course's rows begin."""
    person: Array
    dept: Array
    big: Array
    """Whether a course is at a hospital with 200 beds or more."""
    drug_from: Array
    drug_to: Array
    """Months between which a long-term drug hangs on it: then it is attended whatever the fitted factor."""


@dataclass(frozen=True)
class Encounters:
    """One row per person, facility, month and reason to go. `what` is a course, an acute type or a disease."""

    person: Array
    month: Array
    dept: Array
    facility: Array
    origin: Array
    what: Array
    visits: Array
    fresh: Array
    """Whether the first of the visits is a first visit."""
    interval: Array
    operation: Array
    big: Array


def usual_facilities(block: Block) -> Array:
    """(person, department, before or after a move): where one goes."""
    rng = block.rng("facilities")
    chosen = np.empty((block.n, PLACES_PER_PERSON, 2), dtype=np.int32)
    for moved, muni in ((0, block.people.muni), (1, block.people.muni_after)):
        area = block.places.muni_area[muni]
        for dept in range(PLACES_PER_PERSON):
            chosen[:, dept, moved] = block.places.choose(Kind(dept), area, rng)
    stays = block.people.muni == block.people.muni_after
    chosen[stays, :, 1] = chosen[stays, :, 0]
    return chosen


def courses(
    block: Block,
    health: Health,
    lives: Lives,
    medication: Medication,
    cancers: Cancers,
    recipients: Recipients,
) -> Reasons:
    rng = block.rng("courses")
    table, window = conditions(), block.window
    dept_of = np.array([DEPTS.index(d) for d in table.dept])
    disease_of = np.array([diseases().index[c] for c in table.disease_code])
    cell = cell19(block.people.sex, block.yearly_age[:, window.claims_year - window.first].clip(0))
    more = fitted.factor("fee", "A002")[cell]
    to_hospital = rng.random(block.n) < np.minimum(HOSPITAL * more, 0.95)
    added = medication.added
    # Designated diseases that the conditions do not have: treated at a hospital.
    extra = np.flatnonzero(listed().condition[recipients.entry] < 0)
    others = len(cancers.person) + len(extra)
    person = np.concatenate(
        [health.person, medication.person[added], cancers.person, recipients.person[extra]]
    )
    condition = np.concatenate([health.condition, medication.condition[added], np.full(others, -1)])
    sites = np.array([diseases().index[c] for c in cancer.sites().disease_code])
    disease = np.where(
        condition >= 0,
        disease_of[condition],
        np.r_[
            np.zeros(len(person) - others, dtype=int),
            sites[cancers.site],
            listed().disease[recipients.entry[extra]],
        ],
    )
    dept = np.where(condition >= 0, dept_of[condition], 1)
    # Cancers stay with hospitals; other conditions of the hospital are treated by a clinic for half of the people.
    dept = np.where((dept == 1) & (condition >= 0) & ~to_hospital[person], 0, dept)
    since = np.maximum(cancers.day, window.start)
    cancer_start = np.where(
        since < window.end, window.month(np.minimum(since, window.end - 1)), window.months
    )
    until = np.minimum(cancers.day + int(cancer.BACK * YEAR), window.end - 1)
    cancer_end = np.where(until >= window.start, window.month(np.maximum(until, window.start)) + 1, 0)
    added_onset = window.month_start[medication.start[added].clip(max=window.months - 1)] - 10
    start = np.concatenate([health.start, medication.start[added], cancer_start, recipients.start[extra]])
    end = np.concatenate([health.end, medication.end[added], cancer_end, recipients.end[extra]])
    added_onset = np.maximum(added_onset, block.people.birth[medication.person[added]])
    begun = window.month_start[recipients.start[extra].clip(0, window.months - 1)]
    onset = np.concatenate([health.onset, added_onset, cancers.day, begun])
    end = np.minimum(end, lives.gone[person])
    keep = np.flatnonzero(end > start)
    keep = keep[np.lexsort((disease[keep], dept[keep], person[keep]))]
    person, dept, disease, condition = person[keep], dept[keep], disease[keep], condition[keep]
    start, end, onset = start[keep], end[keep], onset[keep]
    key = person.astype(np.int64) * 16 + dept
    same = np.r_[False, (key[1:] == key[:-1]) & (disease[1:] == disease[:-1])]
    person, dept, disease, condition = person[~same], dept[~same], disease[~same], condition[~same]
    start, end, onset, key = start[~same], end[~same], onset[~same], key[~same]
    new = np.r_[True, key[1:] != key[:-1]] if len(key) else np.zeros(0, dtype=bool)
    course = np.cumsum(new) - 1
    first = np.r_[np.flatnonzero(new), len(key)]
    whose = person[first[:-1]]
    at_hospital = rng.random(len(whose)) < np.minimum(ELSEWHERE * more[whose], 0.6)
    used_from = np.full((block.n, len(table.dept)), NEVER, dtype=np.int32)
    used_to = np.zeros((block.n, len(table.dept)), dtype=np.int32)
    np.minimum.at(used_from, (medication.person, medication.condition), medication.start)
    np.maximum.at(used_to, (medication.person, medication.condition), medication.end)
    drug_from, drug_to = np.full(len(whose), NEVER, dtype=np.int32), np.zeros(len(whose), dtype=np.int32)
    known = condition >= 0
    np.minimum.at(drug_from, course[known], used_from[person[known], condition[known]])
    np.maximum.at(drug_to, course[known], used_to[person[known], condition[known]])
    return Reasons(
        course=course.astype(np.int32),
        disease=disease.astype(np.int16),
        condition=condition.astype(np.int16),
        start=start.astype(np.int32),
        end=end.astype(np.int32),
        onset=onset.astype(np.int32),
        first=first,
        person=whose.astype(np.int32),
        dept=dept[first[:-1]].astype(np.int8),
        big=(dept[first[:-1]] == 1) | (at_hospital & (dept[first[:-1]] != 9)),
        drug_from=drug_from,
        drug_to=drug_to,
    )


def build(
    block: Block,
    health: Health,
    lives: Lives,
    reasons: Reasons,
    infections: Infections,
    shots: Shots,
    usual: Array,
    ward: tuple[Array, Array],
) -> Encounters:
    """All outpatient encounters. `ward` is the span of months that a person spends on a long-term ward."""
    rng = block.rng("encounters")
    parts = [
        _course_encounters(block, reasons, rng),
        _acute_encounters(block, lives, rng),
        _infection_encounters(block, lives, infections, rng),
        _hearts(block, shots, rng),
        _operations(block, health, lives, rng),
    ]
    person, month, dept, origin, what, visits, fresh, interval, operation = columns(parts)
    big = np.zeros(len(person), dtype=bool)
    course = origin == ORIGIN_COURSE
    big[course] = reasons.big[what[course]]
    big |= (dept == 1) & ~course
    inside = (month < lives.gone[person]) & (month >= block.born[person])
    inside &= ~((month > ward[0][person]) & (month < ward[1][person]))
    person, month, dept, origin = person[inside], month[inside], dept[inside], origin[inside]
    moved = (month >= block.people.move_month[person]).astype(np.int8)
    return Encounters(
        person=person.astype(np.int32),
        month=month.astype(np.int16),
        dept=dept.astype(np.int8),
        facility=usual[person, np.where(big[inside], 1, dept), moved],
        origin=origin.astype(np.int8),
        what=what[inside].astype(np.int32),
        visits=visits[inside].astype(np.int8),
        fresh=fresh[inside],
        interval=interval[inside].astype(np.int8),
        operation=operation[inside].astype(np.int16),
        big=big[inside],
    )


Part = tuple[Array, Array, Array, Array, Array, Array, Array, Array, Array]


def _course_encounters(block: Block, reasons: Reasons, rng: np.random.Generator) -> Part:
    window = block.window
    count = len(reasons.person)
    first, last = reasons.first[:-1], reasons.first[1:]
    start = np.minimum.reduceat(reasons.start, first) if count else np.zeros(0, dtype=np.int32)
    end = np.maximum.reduceat(reasons.end, first) if count else np.zeros(0, dtype=np.int32)
    del last
    usual = pick(cumulated(INTERVALS)[reasons.dept], rng.random(count))
    # Drugs are mostly given for a month; who takes none comes seldom.
    monthly = (reasons.drug_to > 0) & (rng.random(count) < 0.5)
    interval = 1 + np.where(monthly, 0, usual)
    cell = cell19(block.people.sex, block.yearly_age[:, window.claims_year - window.first].clip(0))
    # Where fewer revisits are published, those who need a drug come at longer intervals and get more at a time.
    rare = rng.random(count) > 1.6 * fitted.factor("fee", "A001")[cell][reasons.person]
    interval = np.where(rare & (reasons.dept != 9), np.minimum(interval + 1, 3), interval)
    phase = np.where(start > 0, 0, (rng.random(count) * interval).astype(np.int32))
    visits = (end - start - phase + interval - 1) // interval
    course, k = ragged(np.maximum(visits, 0))
    month = start[course] + phase[course] + k * interval[course]
    again = fitted.factor("fee", "A001")[cell][reasons.person[course]]
    dept = reasons.dept[course]
    again = np.where((dept == 9) | reasons.big[course], 1.0, again)
    fresh = (k == 0) & (start[course] > 0)
    # Who needs the drug comes; the others come as often as the published revisits say.
    needs = (reasons.drug_from[course] <= month) & (month < reasons.drug_to[course])
    chance = ATTENDS * np.where(needs, 1.0, np.minimum(again, 1))
    attends = rng.random(len(course), dtype=np.float32) < chance
    mean = EXTRA_VISITS[dept] * np.where(again > 1, again**2, again)
    visits = 1 + np.minimum(rng.poisson(mean), 14)
    keep = np.flatnonzero(attends)
    course, month, dept, visits, fresh = course[keep], month[keep], dept[keep], visits[keep], fresh[keep]
    size = len(course)
    return (
        reasons.person[course], month, dept, np.full(size, ORIGIN_COURSE), course, visits, fresh,
        interval[course], np.full(size, -1),
    )  # fmt: skip


def _acute_encounters(block: Block, lives: Lives, rng: np.random.Generator) -> Part:
    window, table = block.window, acute()
    order = np.lexsort((rng.random(block.n), block.people.birth, block.people.sex))
    frailty = rng.gamma(2.0, 0.5, block.n)
    persons, years, types = [], [], []
    for nth in range(window.years):
        age = block.yearly_age[:, nth]
        cell = cell19(block.people.sex, age.clip(0))
        there = np.clip((lives.gone - 12 * nth) / 12, 0, 1) * (age >= 0)
        born = block.born - 12 * nth
        there = np.where(born >= 12, 0, there * (1 - born.clip(0, 12) / 12))
        there = np.where((age < 0) & (born < 12), 1 - born.clip(0) / 12, there)
        rate = first_visits()[cell] * there
        weighted = rate * frailty
        mean = np.bincount(cell, weighted, 38) / np.maximum(np.bincount(cell, rate, 38), 1e-9)
        person = events(weighted / np.maximum(mean[cell], 1e-9), order, rng, block.number * 61 + nth)
        persons.append(person)
        years.append(np.full(len(person), nth))
        types.append(pick(table.mix[cell[person]], rng.random(len(person))))
    person, year, kind = np.concatenate(persons), np.concatenate(years), np.concatenate(types)
    month = 12 * year + pick(table.season[kind], rng.random(len(person)))
    born = block.born[person]
    month = np.where(month < born, born + rng.integers(0, 3, len(person)), month)
    month = np.minimum(month, np.maximum(lives.gone[person] - 1, 0))
    cell = cell19(block.people.sex, block.yearly_age[:, window.claims_year - window.first].clip(0))
    again = np.minimum(fitted.factor("fee", "A001")[cell][person], 1.2)
    visits = 1 + np.minimum(rng.poisson((table.visits[kind] - 1) * again), 6)
    size = len(person)
    return (
        person, month, table.dept[kind], np.full(size, ORIGIN_ACUTE), kind, visits, np.ones(size, dtype=bool),
        np.zeros(size), np.full(size, -1),
    )  # fmt: skip


def _infection_encounters(
    block: Block, lives: Lives, infections: Infections, rng: np.random.Generator
) -> Part:
    """A visit for the infection, and the months in which a disorder of taste is treated."""
    window = block.window
    names = diseases().at("covid", "tb", "syphilis", "ehec", "measles")
    seen = rng.random(len(infections.person)) < np.where(infections.disease == 0, 0.85, 0.95)
    person = infections.person[seen]
    month = window.month(infections.day[seen])
    what = names[infections.disease[seen]]
    tasted = np.flatnonzero(infections.taste > 0)
    row, k = ragged(infections.taste[tasted].astype(int))
    # Fewer come with every month; a new case is often seen in the month itself.
    stays_on = rng.random(len(row)) < 0.75 / (1 + 0.25 * k)
    row, k = row[stays_on], k[stays_on]
    taste_person = infections.person[tasted][row]
    taste_month = window.month(infections.day[tasted][row]) + k
    inside = taste_month < np.minimum(window.months, lives.gone[taste_person])
    person = np.concatenate([person, taste_person[inside]])
    month = np.concatenate([month, taste_month[inside]])
    what = np.concatenate([what, np.full(inside.sum(), diseases().index["taste"])])
    size = len(person)
    dept = np.where(what == diseases().index["taste"], 5, 0)
    return (
        person, month, dept, np.full(size, ORIGIN_SPECIAL), what, np.ones(size, dtype=int),
        np.zeros(size, dtype=bool), np.zeros(size), np.full(size, -1),
    )  # fmt: skip


def _hearts(block: Block, shots: Shots, rng: np.random.Generator) -> Part:
    """Myocarditis and pericarditis: after a vaccination, and as they come without one [DK: 3 in 100,000 a year]."""
    window = block.window
    at = np.flatnonzero(shots.heart)
    after = np.minimum(shots.day[at] + rng.integers(1, 15, len(at)), window.end - 1)
    others = np.flatnonzero(rng.random(block.n) < 3e-5 * window.years)
    person = np.concatenate([shots.person[at], others])
    month = np.concatenate([window.month(after), rng.integers(0, window.months, len(others))])
    size = len(person)
    what = np.where(rng.random(size) < 0.6, diseases().index["myocarditis"], diseases().index["pericarditis"])
    return (
        person, month, np.ones(size, dtype=int), np.full(size, ORIGIN_SPECIAL), what, np.ones(size, dtype=int),
        np.zeros(size, dtype=bool), np.zeros(size), np.full(size, -1),
    )  # fmt: skip


def _operations(block: Block, health: Health, lives: Lives, rng: np.random.Generator) -> Part:
    window = block.window
    order = np.lexsort((rng.random(block.n), block.people.birth, block.people.sex))
    rows = []
    for year in range(window.years):
        age = block.yearly_age[:, year]
        cell = cell19(block.people.sex, age.clip(0))
        there = np.clip((lives.gone - 12 * year) / 12, 0, 1) * (age >= 0)
        for number, (code, rate, where, why) in enumerate(outpatient_operations()):
            ill = NEEDS.get(str(acts().second[acts().index[code]]))
            weight = np.ones(block.n)
            if ill is not None:
                name, multiple = ill
                c = conditions().index[name]
                has = health.active[:, c, year]
                share = conditions().prevalence[block.people.sex - 1, c, age.clip(0, 110)]
                # A multiple of None: nobody else has it.
                weight = (
                    has / np.maximum(share, 1e-4)
                    if multiple is None
                    else (1 + (multiple - 1) * has) / (1 + (multiple - 1) * share)
                )
            person = events(rate[cell] * there * weight, order, rng, block.number * 67 + year * 5 + number)
            size = len(person)
            month = 12 * year + rng.integers(0, 12, size)
            rows.append(
                (person, month, np.full(size, where), np.full(size, why), np.full(size, acts().index[code]))
            )
    person, month, dept, disease, act = columns(rows)
    month = np.minimum(month, np.maximum(lives.gone[person] - 1, 0))
    size = len(person)
    return (
        person, month, dept, np.full(size, ORIGIN_OPERATION), disease, np.ones(size, dtype=int),
        np.zeros(size, dtype=bool), np.zeros(size), act,
    )  # fmt: skip
