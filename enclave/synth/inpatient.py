"""Inpatient claims: one per stay and month, by DPC or by single fees.

Decides daily fees, tests, drugs, rehabilitation, operations with their anaesthesia and materials. In a DPC hospital
what the bundle pays goes to the coding data (`cd`), the rest to the ordinary lines. Relies on `stays` for who is in
hospital when and why.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from enclave.synth.bill import KINDS, Bill
from enclave.synth.block import Block
from enclave.synth.codelists import acts, diseases, products
from enclave.synth.disease import Health, conditions
from enclave.synth.draws import Array, ragged
from enclave.synth.outpatient import pools
from enclave.synth.period import NEVER
from enclave.synth.stays import DPC, LONG, OTHER, PSY, REHAB, Stays, reasons

DAILY: tuple[tuple[float, tuple[tuple[str, float], ...]], ...] = (
    # chance on a day of an acute stay, then (act, chance) [DK]
    (0.30, (("cbc", 0.97), ("crp", 0.9), ("cre", 0.97), ("bun", 0.95), ("ast", 0.9), ("alt", 0.9), ("na", 0.9), ("k", 0.92), ("alb", 0.6), ("ld", 0.6), ("tbil", 0.5), ("ck", 0.3), ("pt", 0.3), ("glu", 0.5))),
    (0.45, (("drip_in", 1.0),)),
    (0.18, (("monitor", 1.0),)),
    (0.12, (("o2", 1.0),)),
    (0.10, (("xp", 1.0), ("xp_read", 1.0), ("xp_el", 1.0))),
    (0.05, (("ct", 1.0), ("ct_read", 0.9), ("ct_el", 1.0))),
    (0.05, (("ecg", 1.0),)),
    (0.04, (("foley", 1.0),)),
    (0.05, (("suction", 1.0),)),
    (0.03, (("culture", 1.0),)),
)  # fmt: skip
DAILY_DRUGS: tuple[tuple[str, float, float], ...] = (
    ("saline100", 0.32, 2), ("soldem3a", 0.3, 3), ("solacet", 0.1, 2), ("beefreed", 0.04, 2), ("acetaminophen_iv", 0.07, 1),
    ("heparin", 0.06, 2), ("omeprazole_iv", 0.06, 1), ("rebamipide_a", 0.12, 3), ("acetaminophen", 0.15, 3),
    ("loxoprofen", 0.1, 3), ("probiotic", 0.06, 3), ("carbocisteine", 0.05, 3), ("ketotape", 0.03, 1),
)  # fmt: skip
BY_REASON: dict[str, tuple[tuple[str, float, float], ...]] = {
    "pneumonia": (("ceftriaxone", 0.35, 2), ("abpc_sbt", 0.3, 3), ("tazpipe", 0.1, 3)),
    "aspiration": (("abpc_sbt", 0.5, 3), ("tazpipe", 0.15, 3), ("meropenem", 0.06, 3)),
    "uti": (("ceftriaxone", 0.5, 2), ("tazpipe", 0.1, 3)),
    "sepsis": (("meropenem", 0.4, 4), ("tazpipe", 0.3, 3)),
    "cholecys": (("ceftriaxone", 0.3, 2), ("tazpipe", 0.3, 3)),
    "biliary": (("ceftriaxone", 0.3, 2), ("abpc_sbt", 0.2, 3)),
    "hfadm": (("furosemide_iv", 0.45, 2),),
    "stroke": (("edaravone", 0.3, 2), ("heparin", 0.2, 2)),
    "cardioembolic": (("edaravone", 0.3, 2), ("heparin", 0.4, 2)),
    "covid_ad": (("remdesivir", 0.3, 1), ("heparin", 0.2, 2)),
    "pemphigoid": (("prednisolone_a", 0.9, 6), ("betamethasone", 0.5, 10)),
    "chemo_lung": (("pembrolizumab", 0.1, 2), ("paclitaxel", 0.08, 3)),
    "chemo_gi": (("oxaliplatin", 0.25, 2),),
    "chemo_other": (("paclitaxel", 0.1, 3),),
}
MATERIAL = {"150050510": 7, "150050410": 6, "150049510": 6, "150019210": 9, "150019310": 8, "150019410": 8, "150019110": 8, "150375410": 4, "150375310": 4, "150375210": 4, "150140210": 10, "150253010": 11, "150171610": 12, "150416410": 5}  # fmt: skip
"""Position in the catalogue's list of materials, by operation."""

MATERIALS = tuple(f"9900000{number:02d}" for number in range(16))


@dataclass(frozen=True)
class Days:
    """One row per day of every acute stay: the stay, the claim, the day, and which day of the stay it is."""

    stay: Array
    claim: Array
    day: Array
    nth: Array


@cache
def _daily() -> tuple[Array, Array, Array, Array]:
    flat = [(acts().index[name], p) for _, items in DAILY for name, p in items]
    counts = np.array([len(items) for _, items in DAILY])
    return (
        np.array([p for p, _ in DAILY], dtype=np.float32),
        np.stack([np.cumsum(counts) - counts, counts], axis=1),
        np.array([act for act, _ in flat], dtype=np.int16),
        np.array([p for _, p in flat], dtype=np.float32),
    )


@cache
def _drug_table() -> tuple[Array, Array, Array, Array]:
    """(ranges by reason, product, chance, quantity): what everybody gets, then what the reason calls for."""
    known = products().by_key
    lists = [[*DAILY_DRUGS, *BY_REASON.get(name, ())] for name in reasons().id]
    counts = np.array([len(part) for part in lists])
    flat = [item for part in lists for item in part]
    return (
        np.stack([np.cumsum(counts) - counts, counts], axis=1),
        np.array([known[key][0] for key, _, _ in flat], dtype=np.int16),
        np.array([p for _, p, _ in flat], dtype=np.float32),
        np.array([qty for _, _, qty in flat], dtype=np.float32),
    )


def build(block: Block, health: Health, stays: Stays) -> tuple[Bill, Days, Array]:
    """(claims, days of acute stays, stay of each claim)."""
    rng = block.rng("inpatient")
    window, code, table = block.window, acts().index, reasons()
    begin = np.maximum(stays.admit, window.start)
    m0, m1 = window.month(begin), window.month(stays.leave)
    stay, k = ragged(m1 - m0 + 1)
    month = (m0[stay] + k).astype(np.int16)
    first = np.maximum(begin[stay], window.month_start[month])
    last = np.minimum(stays.leave[stay], window.month_start[month + 1] - 1)
    kind = stays.kind[stay]
    claims = len(stay)
    bill = Bill(
        {
            "person": stays.person[stay],
            "month": month,
            "kind": np.where(kind == DPC, KINDS.index("dpc"), KINDS.index("med_in")).astype(np.int8),
            "facility": stays.facility[stay],
            "days": (last - first + 1).astype(np.int16),
            "admit": stays.admit[stay],
        }
    )
    everyone = np.arange(claims)
    # Long stays: one line with a number of days, as the claims write them.
    for number, name in ((LONG, "ryoyo_a"), (PSY, "seishin")):
        at = everyone[kind == number]
        bill.add("si", claim=at, day=first[at], act=code[name], times=bill.claims["days"][at])
    psy = everyone[kind == PSY]
    bill.add("si", claim=psy, day=first[psy], act=code["psy_in"], times=4)
    drugged = everyone[(kind == LONG) | (kind == PSY) | (kind == REHAB)]
    for key, chance in (
        ("mgo_a", 0.0),
        ("rebamipide_a", 0.3),
        ("acetaminophen", 0.25),
        ("heparinoid", 0.2),
        ("probiotic", 0.3),
        ("carbocisteine", 0.2),
    ):
        if chance:
            at = drugged[rng.random(len(drugged)) < chance]
            days = bill.claims["days"][at]
            bill.add(
                "iy", claim=at, day=first[at], product=products().by_key[key][0], qty=days * 3.0, days=days
            )
    acute = np.flatnonzero(kind <= REHAB)
    row, nth = ragged(bill.claims["days"][acute])
    claim = acute[row]
    day = first[claim] + nth
    days = Days(stay[claim], claim, day, (day - stays.admit[stay[claim]]).astype(np.int32))
    _wards(bill, stays, days)
    _operations(bill, stays, stay, first, last, rng)
    _care(bill, stays, days, rng)
    extra = np.zeros(claims, dtype=np.float64)
    limit = table.days[stays.reason[days.stay]]
    points = table.points[stays.reason[days.stay]]
    rate = np.where(
        days.nth < limit[:, 0], points[:, 0], np.where(days.nth < limit[:, 1], points[:, 1], points[:, 2])
    )
    rate = np.where(
        (stays.kind[days.stay] == DPC) & (rate == 0), 2100, np.where(stays.kind[days.stay] == DPC, rate, 0)
    )
    np.add.at(extra, days.claim, rate)
    bill.claims["extra"] = extra
    _diagnoses(block, bill, health, stays, stay, first, last, rng)
    bundled = everyone[kind == DPC]
    leaves = (stays.leave[stay] <= last) & ~stays.open[stay]
    ends = _outcome(stays, rng)[stay]
    bill.add(
        "bu", claim=bundled, reason=stays.reason[stay[bundled]], admit=stays.admit[stay[bundled]],
        leave=np.where(leaves, stays.leave[stay], NEVER)[bundled], outcome=np.where(leaves, ends, 9)[bundled],
    )  # fmt: skip
    return bill, days, stay


def _outcome(stays: Stays, rng: np.random.Generator) -> Array:
    u = rng.random(len(stays.person))
    alive = np.where(u < 0.88, 1, np.where(u < 0.93, 3, np.where(u < 0.985, 4, 5)))
    return np.where(stays.died, np.where(u < 0.75, 6, 7), alive)


def _wards(bill: Bill, stays: Stays, days: Days) -> None:
    code = acts().index
    kind = stays.kind[days.stay]
    for number, name in ((OTHER, "acute4"), (REHAB, "kaifuku")):
        at = np.flatnonzero(kind == number)
        bill.add("si", claim=days.claim[at], day=days.day[at], act=code[name], times=1)
    at = np.flatnonzero((kind == OTHER) & (days.nth < 30))
    bill.add(
        "si",
        claim=days.claim[at],
        day=days.day[at],
        act=np.where(days.nth[at] < 14, code["add14"], code["add30"]),
        times=1,
    )
    opening = np.flatnonzero((days.nth == 0) & (kind <= OTHER))
    for name in ("clerk", "infect_in", "safety", "data_add"):
        bill.add("si", claim=days.claim[opening], day=days.day[opening], act=code[name], times=1)
    urgent = opening[stays.emergency[days.stay[opening]]]
    bill.add("si", claim=days.claim[urgent], day=days.day[urgent], act=code["er_add"], times=1)
    weekly = np.flatnonzero((days.nth % 7 == 3) & (kind <= OTHER))
    bill.add("si", claim=days.claim[weekly], day=days.day[weekly], act=code["yakkan"], times=1)


def _operations(
    bill: Bill, stays: Stays, stay: Array, first: Array, last: Array, rng: np.random.Generator
) -> None:
    code, table = acts().index, reasons()
    when = stays.operated[stay]
    at = np.flatnonzero(
        (stays.operation[stay] >= 0) & (when >= first) & (when <= last) & (stays.kind[stay] <= OTHER)
    )
    operation, day = stays.operation[stay[at]], when[at]
    bill.add("si", claim=at, day=day, act=operation, times=1)
    sleep = np.array([("none", "spine", "gen").index(name) for name in table.anaesthesia])[
        stays.reason[stay[at]]
    ]
    general, spinal = at[sleep == 2], at[sleep == 1]
    for name, rows in (("anes_gen", general), ("anes_mgmt", general), ("anes_spine", spinal)):
        bill.add("si", claim=rows, day=when[rows], act=code[name], times=1)
    for key, qty in (("propofol", 2), ("fentanyl", 3)):
        bill.add("iy", claim=general, day=when[general], product=products().by_key[key][0], qty=qty, days=1)
    treated = at[rng.random(len(at)) < 0.5]
    bill.add("iy", claim=treated, day=when[treated], product=products().by_key["cefazolin"][0], qty=2, days=1)
    bled = at[rng.random(len(at)) < 0.05]
    bill.add("si", claim=bled, day=when[bled], act=code["blood"], times=2)
    material = np.full(len(acts().code), -1, dtype=np.int8)
    for act, number in MATERIAL.items():
        material[code[act]] = number
    used = np.flatnonzero(material[operation] >= 0)
    bill.add("to", claim=at[used], day=day[used], material=material[operation[used]], qty=1)


def _care(bill: Bill, stays: Stays, days: Days, rng: np.random.Generator) -> None:
    """Tests, infusions, drugs and rehabilitation of each acute day."""
    code, table = acts().index, reasons()
    kind = stays.kind[days.stay]
    chance, ranges, act, item_chance = _daily()
    # More is done in the first days.
    weight = np.where(days.nth < 4, 1.5, 0.8) * np.where(kind == REHAB, 0.25, 1.0)
    size = len(chance)
    hit = rng.random((len(days.day), size), dtype=np.float32) < chance[None, :] * weight[:, None].astype(
        np.float32
    )
    row, group = np.nonzero(hit)
    start, count = ranges[group].T
    at, k = ragged(count)
    item = start[at] + k
    taken = rng.random(len(at), dtype=np.float32) < item_chance[item]
    row, item = row[at[taken]], item[taken]
    bundled = kind[row] == DPC
    own = row[~bundled]
    bill.add("si", claim=days.claim[own], day=days.day[own], act=act[item[~bundled]], times=1)
    inside = row[bundled]
    bill.add("cd", claim=days.claim[inside], day=days.day[inside], act=act[item[bundled]], product=-1, qty=1)
    ranges, product, chance, qty = _drug_table()
    start, count = ranges[stays.reason[days.stay]].T
    row, k = ragged(count)
    item = start[row] + k
    taken = rng.random(len(row), dtype=np.float32) < chance[item] * weight[row].astype(np.float32)
    row, item = row[taken], item[taken]
    bundled = kind[row] == DPC
    own, inside = row[~bundled], row[bundled]
    bill.add(
        "iy",
        claim=days.claim[own],
        day=days.day[own],
        product=product[item[~bundled]],
        qty=qty[item[~bundled]],
        days=1,
    )
    bill.add(
        "cd",
        claim=days.claim[inside],
        day=days.day[inside],
        act=-1,
        product=product[item[bundled]],
        qty=qty[item[bundled]],
    )
    names = {
        "locomo": "rehab_locomo",
        "cv": "rehab_cv",
        "disuse": "rehab_disuse",
        "resp": "rehab_resp",
        "heart": "rehab_heart",
    }
    by_reason = np.array([code[names[r]] if r in names else -1 for r in table.rehab], dtype=np.int16)[
        stays.reason[days.stay]
    ]
    sunday = (days.day + 4) % 7 == 0
    trains = (
        (by_reason >= 0)
        & ~sunday
        & (days.nth >= 2)
        & (rng.random(len(by_reason)) < np.where(kind == REHAB, 0.97, 0.72))
    )
    row = np.flatnonzero(trains)
    bill.add(
        "si",
        claim=days.claim[row],
        day=days.day[row],
        act=by_reason[row],
        times=np.where(kind[row] == REHAB, 6, 2),
    )


def _diagnoses(
    block: Block,
    bill: Bill,
    health: Health,
    stays: Stays,
    stay: Array,
    first: Array,
    last: Array,
    rng: np.random.Generator,
) -> None:
    table = reasons()
    claims = np.arange(len(stay))
    dies = stays.died[stay] & (stays.leave[stay] <= last)
    gone = (stays.leave[stay] <= last) & ~stays.open[stay]
    outcome = np.where(dies, 3, np.where(gone, np.where(rng.random(len(stay)) < 0.6, 2, 4), 1))
    bill.add(
        "sy", claim=claims, disease=table.disease[stays.reason[stay]], start=stays.admit[stay], outcome=outcome,
        suspected=False, main=True,
    )  # fmt: skip
    disease_of = np.array([diseases().index[c] for c in conditions().disease_code], dtype=np.int16)
    counts = np.bincount(health.person, minlength=block.n)
    starts = np.cumsum(counts) - counts
    order = np.argsort(health.person, kind="stable")
    person = bill.claims["person"]
    row, k = ragged(counts[person])
    at = order[starts[person[row]] + k]
    month = bill.claims["month"][row]
    active = (health.start[at] <= month) & (month < health.end[at]) & (rng.random(len(at)) < 0.8)
    row, at = row[active], at[active]
    bill.add(
        "sy", claim=row, disease=disease_of[health.condition[at]], start=np.minimum(health.onset[at], first[row]), outcome=1,
        suspected=False, main=False,
    )  # fmt: skip
    ranges, flat = pools()["suspected"]
    start, size = ranges[1]
    row, _ = ragged(rng.poisson(2.2, len(stay)))
    place = (rng.random(len(row)) * size).astype(np.int64)
    bill.add(
        "sy", claim=row, disease=flat[start + place], start=first[row], outcome=4, suspected=True, main=False
    )
