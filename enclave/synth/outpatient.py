"""Medical outpatient claims and the pharmacy claims that follow from their prescriptions.

Decides which lines an encounter leaves: visit fees, tests and treatments by department and illness, diagnoses (a
quarter of them suspected), drugs. Groups of tests are drawn together, as they are ordered. Does not decide who goes
where (`encounters`) nor long-term use (`medication`).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from enclave.synth import tables
from enclave.synth.bill import KINDS, Bill
from enclave.synth.block import Block
from enclave.synth.codelists import acts, diseases, products
from enclave.synth.disease import conditions
from enclave.synth.draws import Array, columns, ragged
from enclave.synth.encounters import (
    DEPTS,
    ORIGIN_ACUTE,
    ORIGIN_COURSE,
    ORIGIN_OPERATION,
    Encounters,
    Reasons,
    acute,
)
from enclave.synth.lives import Lives
from enclave.synth.medication import Medication

SUSPECTED = np.array([2.0, 2.3, 0.9, 1.1, 0.5, 1.0, 0.8, 1.4, 1.5, 1.4])
"""Mean suspected diagnoses of an encounter by department: a quarter of all [DK]."""

ADDED = np.array([2.7, 3.2, 2.2, 2.1, 1.8, 1.9, 1.7, 1.6, 1.6, 5.0])
"""Mean further diagnoses that a course carries along."""

PRESCRIBES = np.array([0.92, 0.9, 0.75, 0.75, 0.96, 0.85, 0.92, 0.9, 0.6, 0.85])
"""Chance of a prescription in an encounter of a course that has drugs."""


@dataclass(frozen=True)
class Groups:
    """Groups of acts by department: `by_dept` are ranges over groups, `items` ranges over (act, chance)."""

    by_dept: Array
    chance: Array
    items: Array
    act: Array
    item_chance: Array


@cache
def groups() -> Groups:
    rows = tables.rows("act_groups")
    listed: list[tuple[int, float]] = []
    chances, starts, depts = [], [], []
    previous = None
    for row in rows:
        key = (row["dept"], row["group"])
        if key != previous:
            chances.append(float(row["group_prob"]))
            starts.append(len(listed))
            depts.append(DEPTS.index(row["dept"]))
            previous = key
        listed.append((acts().index[row["act"]], float(row["prob"])))
    ends = [*starts[1:], len(listed)]
    counts = np.bincount(depts, minlength=len(DEPTS))
    return Groups(
        by_dept=np.stack([np.cumsum(counts) - counts, counts], axis=1),
        chance=np.array(chances, dtype=np.float32),
        items=np.stack([starts, np.array(ends) - np.array(starts)], axis=1),
        act=np.array([act for act, _ in listed], dtype=np.int16),
        item_chance=np.array([chance for _, chance in listed], dtype=np.float32),
    )


@dataclass(frozen=True)
class Menu:
    """Ranges over candidates, one range per row of what they belong to."""

    ranges: Array
    product: Array
    chance: Array
    days: Array
    daily: Array


def _menu(lists: list[list[tuple[str, float, float, float]]]) -> Menu:
    listed = products()
    flat = [(listed.by_key[key][0], p, days, daily) for part in lists for key, p, days, daily in part]
    counts = np.array([len(part) for part in lists])
    return Menu(
        np.stack([np.cumsum(counts) - counts, counts], axis=1),
        np.array([item[0] for item in flat], dtype=np.int16),
        np.array([item[1] for item in flat], dtype=np.float32),
        np.array([item[2] for item in flat], dtype=np.int16),
        np.array([item[3] for item in flat], dtype=np.float32),
    )


@cache
def acute_menu() -> Menu:
    known = products().by_key
    lists = []
    for text in acute().drugs:
        parts = [part.split(":") for part in text.split()]
        lists.append(
            [(k, float(p), float(d), float(q)) for k, p, d, q in parts if k in known and float(p) > 0]
        )
    return _menu(lists)


@cache
def dept_menu() -> Menu:
    """By department, then one more for COVID-19."""
    lists: dict[str, list[tuple[str, float, float, float]]] = {dept: [] for dept in (*DEPTS, "covid")}
    for row in tables.rows("dept_drugs"):
        lists[row["dept"]].append((row["key"], float(row["prob"]), float(row["days"]), float(row["daily"])))
    return _menu(list(lists.values()))


@cache
def pools() -> dict[str, tuple[Array, Array]]:
    """Suspected and further diagnoses by department: (ranges, diseases)."""
    found = {}
    for kind in ("suspected", "addon"):
        lists = [
            [
                diseases().index[r["disease_code"]]
                for r in tables.rows("other_diagnoses")
                if r["dept"] == d and r["kind"] == kind
            ]
            for d in DEPTS
        ]
        counts = np.array([len(part) for part in lists])
        flat = np.array([number for part in lists for number in part], dtype=np.int16)
        found[kind] = (np.stack([np.cumsum(counts) - counts, counts], axis=1), flat)
    return found


@cache
def condition_acts() -> tuple[Array, Array, Array]:
    """(ranges by condition, act, chance)."""
    names = list(conditions().index)
    lists: list[list[tuple[int, float]]] = [[] for _ in names]
    for row in tables.rows("condition_acts"):
        lists[names.index(row["condition"])].append((acts().index[row["act"]], float(row["prob"])))
    counts = np.array([len(part) for part in lists])
    flat = [item for part in lists for item in part]
    return (
        np.stack([np.cumsum(counts) - counts, counts], axis=1),
        np.array([act for act, _ in flat], dtype=np.int16),
        np.array([chance for _, chance in flat], dtype=np.float32),
    )


def build(
    block: Block, lives: Lives, reasons: Reasons, encounters: Encounters, medication: Medication
) -> tuple[Bill, Bill]:
    """(medical outpatient, pharmacy)."""
    rng = block.rng("outpatient")
    key = (
        (encounters.person.astype(np.int64) << 40)
        | (encounters.month.astype(np.int64) << 32)
        | encounters.facility
    )
    unique, claim = np.unique(key, return_inverse=True)
    claim = claim.astype(np.int32)
    person = (unique >> 40).astype(np.int32)
    month = ((unique >> 32) & 255).astype(np.int16)
    facility = (unique & (2**32 - 1)).astype(np.int32)
    bill = Bill(
        {
            "person": person,
            "month": month,
            "kind": np.full(len(unique), KINDS.index("med_out"), dtype=np.int8),
            "facility": facility,
            "days": np.bincount(claim, encounters.visits, len(unique)).astype(np.int16),
            "admit": np.full(len(unique), -1, dtype=np.int32),
        }
    )
    first = _visits(block, lives, bill, claim, encounters, rng)
    _tests(bill, claim, first, encounters, rng)
    _diagnoses(block, bill, claim, first, reasons, encounters, rng)
    prescriptions = _drugs(block, bill, claim, first, reasons, encounters, medication, rng)
    _prescription_fees(block, bill, claim, first, facility, prescriptions, rng)
    pharmacy = _pharmacy(block, bill, claim, first, encounters, prescriptions, rng)
    return bill, pharmacy


def _visits(
    block: Block, lives: Lives, bill: Bill, claim: Array, e: Encounters, rng: np.random.Generator
) -> Array:
    """Visit fees on their days; the first day of each encounter."""
    window, code = block.window, acts().index
    row, k = ragged(e.visits)
    gap = np.where(e.visits <= 4, 7, np.where(e.visits <= 8, 3, 2)).astype(np.int32)
    month_days = window.month_days[e.month]
    free = np.maximum(month_days - gap * (e.visits - 1), 1)
    begin = window.month_start[e.month] + (rng.random(len(claim), dtype=np.float32) * free).astype(np.int32)
    day = begin[row] + gap[row] * k
    # Sundays (1970-01-01 was a Thursday) are closed: the day after, or before at the month's end.
    last = window.month_start[e.month + 1] - 1
    sunday = (day + 4) % 7 == 0
    day = np.where(sunday, np.where(day >= last[row], day - 1, day + 1), day)
    low = np.maximum(block.people.birth, window.start)[e.person]
    high = np.minimum(lives.death, window.end - 1)[e.person]
    day = np.clip(day, low[row], high[row]).astype(np.int32)
    starts = np.cumsum(e.visits) - e.visits
    first: Array = day[starts]
    fresh = e.fresh[row] & (k == 0)
    revisit = np.where(e.big, code["gairai"], code["saishin"])[row]
    bill.add("si", claim=claim[row], day=day, act=np.where(fresh, code["shoshin"], revisit), times=1)
    u = rng.random(len(row), dtype=np.float32)
    plain = ~fresh & ~e.big[row]
    for name, who in (
        ("kanri", plain & (u < np.array([0.7, 0, 0.3, 0, 0, 0.2, 0.6, 0.6, 0.5, 0])[e.dept][row])),
        ("meisai", plain & (u < 0.83)),
        ("jikan", plain & (u > 0.85)),
        ("kansen_s", fresh & (u < 0.18)),
        ("denshi_s", fresh & (u > 0.82)),
        ("kansen_r", plain & (u > 0.4) & (u < 0.52)),
        ("renkei_r", plain & (u > 0.47) & (u < 0.52)),
    ):
        at = np.flatnonzero(who)
        bill.add("si", claim=claim[row[at]], day=day[at], act=code[name], times=1)
    sessions = np.flatnonzero(((e.dept == 9) & (e.origin == ORIGIN_COURSE))[row])
    for name in ("dialysis", "dialysis_add"):
        bill.add("si", claim=claim[row[sessions]], day=day[sessions], act=code[name], times=1)
    bill.add("to", claim=claim[row[sessions]], day=day[sessions], material=5, qty=1)
    operated = np.flatnonzero(e.operation >= 0)
    bill.add("si", claim=claim[operated], day=first[operated], act=e.operation[operated], times=1)
    lens = operated[e.operation[operated] == code["150253010"]]
    bill.add("to", claim=claim[lens], day=first[lens], material=11, qty=1)
    return first


def _tests(bill: Bill, claim: Array, first: Array, e: Encounters, rng: np.random.Generator) -> None:
    table = groups()
    start, count = table.by_dept[e.dept].T
    row, k = ragged(count)
    group = start[row] + k
    hit = rng.random(len(row), dtype=np.float32) < table.chance[group]
    row, group = row[hit], group[hit]
    start, count = table.items[group].T
    at, k = ragged(count)
    item = start[at] + k
    hit = rng.random(len(at), dtype=np.float32) < table.item_chance[item]
    row, item = row[at[hit]], item[hit]
    bill.add("si", claim=claim[row], day=first[row], act=table.act[item], times=1)


def _diagnoses(
    block: Block,
    bill: Bill,
    claim: Array,
    first: Array,
    reasons: Reasons,
    e: Encounters,
    rng: np.random.Generator,
) -> None:
    window = block.window
    mine = np.flatnonzero(e.origin == ORIGIN_COURSE)
    course = e.what[mine]
    row, k = ragged(np.diff(reasons.first)[course])
    reason = (reasons.first[:-1][course[row]] + k).astype(np.int64)
    month = e.month[mine[row]]
    active = (reasons.start[reason] <= month) & (month < reasons.end[reason])
    row, reason = mine[row[active]], reason[active]
    ending = reasons.end[reason] - 1 == e.month[row]
    outcome = np.where(ending & (reasons.end[reason] < window.months), 2, 1)
    bill.add(
        "sy", claim=claim[row], disease=reasons.disease[reason], start=np.minimum(reasons.onset[reason], first[row]),
        outcome=outcome, suspected=False, main=False,
    )  # fmt: skip
    # Tests that an illness calls for.
    ranges, act, chance = condition_acts()
    condition = reasons.condition[reason]
    listed = np.flatnonzero(condition >= 0)
    start, count = ranges[condition[listed]].T
    at, k = ragged(count)
    item = start[at] + k
    hit = rng.random(len(at), dtype=np.float32) < chance[item]
    where = row[listed[at[hit]]]
    bill.add("si", claim=claim[where], day=first[where], act=act[item[hit]], times=1)
    short = np.flatnonzero(e.origin != ORIGIN_COURSE)
    is_acute = e.origin[short] == ORIGIN_ACUTE
    disease = np.where(is_acute, acute().disease[np.where(is_acute, e.what[short], 0)], e.what[short])
    outcome = 1 + (rng.random(len(short), dtype=np.float32) < 0.55)
    bill.add(
        "sy", claim=claim[short], disease=disease, start=first[short], outcome=outcome, suspected=False, main=False,
    )  # fmt: skip
    _pool(bill, claim, first, e, "suspected", rng.poisson(SUSPECTED[e.dept]), None, rng)
    carried = np.zeros(len(claim), dtype=np.int64)
    carried[mine] = rng.poisson(ADDED[e.dept[mine]])
    _pool(bill, claim, first, e, "addon", carried, e.what, rng)


def _pool(
    bill: Bill,
    claim: Array,
    first: Array,
    e: Encounters,
    kind: str,
    count: Array,
    course: Array | None,
    rng: np.random.Generator,
) -> None:
    """Diagnoses from the department's pool: any one where suspected, the course's own where carried along."""
    ranges, flat = pools()[kind]
    start, size = ranges[e.dept].T
    row, k = ragged(np.minimum(count, size))
    if course is None:
        place = (rng.random(len(row), dtype=np.float32) * size[row]).astype(np.int64)
        begun = first[row]
    else:
        place = (course[row].astype(np.int64) * 7 + k * 3) % size[row]
        begun = first[row] - 30 - (course[row] * 37) % 900
    bill.add(
        "sy", claim=claim[row], disease=flat[start[row] + place], start=begun,
        outcome=np.where(kind == "suspected", 4, 1) if course is None else 1, suspected=kind == "suspected", main=False,
    )  # fmt: skip


@dataclass(frozen=True)
class Prescriptions:
    """Lines of drugs, by encounter."""

    encounter: Array
    product: Array
    qty: Array
    days: Array


def _drugs(
    block: Block,
    bill: Bill,
    claim: Array,
    first: Array,
    reasons: Reasons,
    e: Encounters,
    medication: Medication,
    rng: np.random.Generator,
) -> Prescriptions:
    course_of = np.full((block.n, len(conditions().dept)), -1, dtype=np.int32)
    known = np.flatnonzero(reasons.condition >= 0)
    course_of[reasons.person[reasons.course[known]], reasons.condition[known]] = reasons.course[known]
    course = course_of[medication.person, medication.condition]
    order = np.argsort(course, kind="stable")
    order = order[course[order] >= 0]
    bounds = np.searchsorted(course[order], np.arange(len(reasons.person) + 1))
    mine = np.flatnonzero((e.origin == ORIGIN_COURSE) & (rng.random(len(claim)) < PRESCRIBES[e.dept] + 0.2))
    row, k = ragged(np.diff(bounds)[e.what[mine]])
    spell = order[bounds[:-1][e.what[mine[row]]] + k]
    month = e.month[mine[row]]
    active = (medication.start[spell] <= month) & (month < medication.end[spell])
    row, spell = mine[row[active]], spell[active]
    unit = np.where(medication.person[spell] % 3 == 0, 30, 28)
    days = unit * np.maximum(e.interval[row], 1)
    qty = np.round(medication.daily[spell] * days * 2) / 2
    parts = [(row, medication.product[spell], qty, days)]
    sick = np.flatnonzero(e.origin == ORIGIN_ACUTE)
    parts.append(_from_menu(acute_menu(), sick, e.what[sick], rng))
    regular = np.flatnonzero(e.origin == ORIGIN_COURSE)
    parts.append(_from_menu(dept_menu(), regular, e.dept[regular], rng))
    covid = np.flatnonzero(
        (e.origin > ORIGIN_ACUTE) & (e.origin < ORIGIN_OPERATION) & (e.what == diseases().index["covid"])
    )
    parts.append(_from_menu(dept_menu(), covid, np.full(len(covid), len(DEPTS)), rng))
    encounter, product, qty, days = columns(parts)
    return Prescriptions(
        encounter.astype(np.int32),
        product.astype(np.int16),
        np.maximum(qty, 0.1).astype(np.float32),
        days.astype(np.int16),
    )


def _from_menu(
    menu: Menu, rows: Array, which: Array, rng: np.random.Generator
) -> tuple[Array, Array, Array, Array]:
    start, count = menu.ranges[which].T
    at, k = ragged(count)
    item = start[at] + k
    hit = rng.random(len(at), dtype=np.float32) < menu.chance[item]
    at, item = at[hit], item[hit]
    days = menu.days[item]
    return rows[at], menu.product[item], np.round(menu.daily[item] * days, 1), days


def _prescription_fees(
    block: Block,
    bill: Bill,
    claim: Array,
    first: Array,
    facility: Array,
    p: Prescriptions,
    rng: np.random.Generator,
) -> None:
    code = acts().index
    injected = np.array([form == "injection" for form in products().form])
    has = np.zeros(len(claim), dtype=bool)
    has[p.encounter[~injected[p.product]]] = True
    rows = np.flatnonzero(has)
    inside = block.places.facility_in_house[facility[claim[rows]]]
    own, out = rows[inside], rows[~inside]
    u = rng.random(len(out), dtype=np.float32)
    for name, at in (
        ("shoho", own), ("chozai", own), ("rx", out), ("ippan", out[u < 0.6]), ("tokusho", out[u > 0.75]),
    ):  # fmt: skip
        bill.add("si", claim=claim[at], day=first[at], act=code[name], times=1)
    shots = np.flatnonzero(injected[p.product])
    at = p.encounter[shots]
    bill.add("iy", claim=claim[at], day=first[at], product=p.product[shots], qty=p.qty[shots], days=1)


def _pharmacy(
    block: Block,
    bill: Bill,
    claim: Array,
    first: Array,
    e: Encounters,
    p: Prescriptions,
    rng: np.random.Generator,
) -> Bill:
    """Lines dispensed outside go to a pharmacy's claim, those dispensed in the house stay."""
    code = acts().index
    injected = np.array([form == "injection" for form in products().form])
    drug = np.flatnonzero(~injected[p.product])
    facility = bill.claims["facility"]
    inside = block.places.facility_in_house[facility[claim[p.encounter[drug]]]]
    own = drug[inside]
    at = p.encounter[own]
    bill.add("iy", claim=claim[at], day=first[at], product=p.product[own], qty=p.qty[own], days=p.days[own])
    out = drug[~inside]
    origin = claim[p.encounter[out]]
    unique, number = np.unique(origin, return_inverse=True)
    person, month = bill.claims["person"][unique], bill.claims["month"][unique]
    chosen = _usual_pharmacy(block)
    moved = (month >= block.people.move_month[person]).astype(np.int8)
    day = first[p.encounter[out]]
    pharmacy = Bill(
        {
            "person": person,
            "month": month,
            "kind": np.full(len(unique), KINDS.index("pharm"), dtype=np.int8),
            "facility": chosen[person, moved],
            "days": np.ones(len(unique), dtype=np.int16),
            "admit": np.full(len(unique), -1, dtype=np.int32),
        }
    )
    pharmacy.add("iy", claim=number, day=day, product=p.product[out], qty=p.qty[out], days=p.days[out])
    external = np.array([form == "external" for form in products().form])[p.product[out]]
    days = np.zeros(len(unique), dtype=np.int64)
    np.maximum.at(days, number, p.days[out])
    inner = np.bincount(number[~external], minlength=len(unique))
    outer = np.bincount(number[external], minlength=len(unique))
    when = np.zeros(len(unique), dtype=np.int32)
    when[number] = day
    everyone = np.arange(len(unique))
    manage = np.array([code[n] for n in ("p_kanri7", "p_kanri14", "p_kanri28", "p_kanri29")], dtype=np.int16)
    u = rng.random(len(unique), dtype=np.float32)
    for act, who, times in (
        (np.full(len(unique), code["p_base"]), everyone, np.ones(len(unique), dtype=int)),
        (np.full(len(unique), code["p_kouhatsu"]), everyone[u < 0.8], np.ones(len(unique), dtype=int)),
        (manage[np.searchsorted([7, 14, 28], days)], everyone[inner > 0], np.minimum(inner, 3)),
        (np.full(len(unique), code["p_nai"]), everyone[inner > 0], np.minimum(inner, 3)),
        (np.full(len(unique), code["p_gai"]), everyone[outer > 0], np.minimum(outer, 3)),
        (np.full(len(unique), code["p_chiiki"]), everyone[u > 0.55], np.ones(len(unique), dtype=int)),
        (np.full(len(unique), code["p_renkei"]), everyone[u > 0.7], np.ones(len(unique), dtype=int)),
        (
            np.full(len(unique), code["p_tokutei"]),
            everyone[(u > 0.2) & (u < 0.32)],
            np.ones(len(unique), dtype=int),
        ),
        (np.full(len(unique), code["p_fuyaku"]), everyone[u > 0.06], np.ones(len(unique), dtype=int)),
    ):
        pharmacy.add("si", claim=who, day=when[who], act=act[who], times=times[who])
    return pharmacy


def _usual_pharmacy(block: Block) -> Array:
    from enclave.synth.places import Kind

    rng = block.rng("pharmacies")
    here = block.places.choose(Kind.PHARMACY, block.places.muni_area[block.people.muni], rng)
    there = block.places.choose(Kind.PHARMACY, block.places.muni_area[block.people.muni_after], rng)
    stays = block.people.muni == block.people.muni_after
    return np.stack([here, np.where(stays, here, there)], axis=1)
