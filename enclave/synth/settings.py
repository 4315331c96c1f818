"""Dental and home-nursing claims.

Decides episodes of dental care by age [DK rates: about 1.9 claims a year and person], what is done in them, and who
is visited by a nurse at home.
"""

import numpy as np

from enclave.synth.bill import KINDS, Bill
from enclave.synth.block import Block
from enclave.synth.codelists import acts, diseases
from enclave.synth.disease import Health
from enclave.synth.draws import Array, cumulated, events, pick, ragged
from enclave.synth.lives import Lives
from enclave.synth.places import Kind

DENTAL_CLAIMS = np.interp(
    np.arange(111),
    [0, 2, 7, 12, 17, 25, 35, 45, 55, 65, 75, 85, 95],
    [0.1, 1.2, 2.4, 1.4, 1.0, 1.2, 1.5, 1.7, 1.95, 2.4, 2.9, 2.6, 1.6],
)
EPISODE = 2.3
"""Mean months of an episode."""

DENTAL_DISEASES = (
    "perio",
    "caries",
    "gingivitis",
    "chronic_perio",
    "missing_tooth",
    "early_caries",
    "apical",
    "pulpitis",
)
DENTAL_WEIGHT = np.array([149.4, 58.9, 18.3, 13.4, 12.8, 12.4, 11.6, 11.6])
"""Millions of claims in the 9th NDB Open Data (FY2022)."""

CHILD_WEIGHT = np.array([4.0, 70.0, 40.0, 0.1, 0.1, 60.0, 4.0, 10.0])
DENTAL_ACTS: tuple[tuple[str, float], ...] = (
    ("d_kanri", 0.85), ("d_jisshi", 0.6), ("d_perio_ex", 0.7), ("d_xp", 0.25), ("d_pano", 0.2), ("d_scaling", 0.65),
    ("d_srp", 0.3), ("d_fill", 0.35), ("d_cavity", 0.18), ("d_root", 0.12), ("d_crown", 0.1), ("d_denture", 0.05),
    ("d_extract", 0.06), ("d_spt", 0.18),
)  # fmt: skip


def _empty_admit(size: int) -> Array:
    return np.full(size, -1, dtype=np.int32)


def _visit_days(
    block: Block, lives: Lives, person: Array, month: Array, visits: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    """(row, day) of visits a week apart within the month and the life."""
    window = block.window
    row, k = ragged(visits)
    free = np.maximum(window.month_days[month] - 7 * (visits - 1), 1)
    day = window.month_start[month] + (rng.random(len(person)) * free).astype(np.int64)
    day = day[row] + 7 * k
    day = np.where((day + 4) % 7 == 0, day - 1, day)
    low = np.maximum(block.people.birth, window.start)[person][row]
    high = np.minimum(lives.death, window.end - 1)[person][row]
    return row, np.clip(
        day,
        np.maximum(low, window.month_start[month[row]]),
        np.minimum(high, window.month_start[month[row] + 1] - 1),
    )


def dental(block: Block, lives: Lives, ward: tuple[Array, Array]) -> Bill:
    rng = block.rng("dental")
    window = block.window
    order = np.lexsort((rng.random(block.n), block.people.birth))
    habit = rng.gamma(1.3, 1 / 1.3, block.n)
    persons, months = [], []
    for year in range(window.years):
        age = block.yearly_age[:, year]
        there = np.clip((lives.gone - 12 * year) / 12, 0, 1) * (age >= 0)
        rate = DENTAL_CLAIMS[age.clip(0, 110)] / EPISODE * habit * there
        person = events(rate, order, rng, block.number * 71 + year)
        persons.append(person)
        months.append(12 * year + rng.integers(0, 12, len(person)))
    person, month = np.concatenate(persons), np.concatenate(months)
    length = np.minimum(rng.geometric(1 / EPISODE, len(person)), 8)
    row, k = ragged(length)
    person, month, fresh = person[row], month[row] + k, k == 0
    inside = (month < lives.gone[person]) & (month >= block.born[person]) & (month < window.months)
    inside &= ~((month > ward[0][person]) & (month < ward[1][person]))
    person, month, fresh = person[inside], month[inside], fresh[inside]
    key = person.astype(np.int64) * 1024 + month
    _, at = np.unique(key, return_index=True)
    person, month, fresh = person[at], month[at], fresh[at]
    chosen = np.stack(
        [
            block.places.choose(Kind.DENTAL, block.places.muni_area[m], rng)
            for m in (block.people.muni, block.people.muni_after)
        ],
        axis=1,
    )
    moved = (
        (month >= block.people.move_month[person])
        & (block.people.muni[person] != block.people.muni_after[person])
    ).astype(np.int8)
    visits = 1 + np.minimum(rng.poisson(0.9, len(person)), 3)
    size = len(person)
    bill = Bill(
        {
            "person": person.astype(np.int32),
            "month": month.astype(np.int16),
            "kind": np.full(size, KINDS.index("dental"), dtype=np.int8),
            "facility": chosen[person, moved],
            "days": visits.astype(np.int16),
            "admit": _empty_admit(size),
        }
    )
    row, day = _visit_days(block, lives, person, month, visits, rng)
    code = acts().index
    first = np.r_[True, row[1:] != row[:-1]] if len(row) else np.zeros(0, dtype=bool)
    bill.add(
        "si",
        claim=row,
        day=day,
        act=np.where(first & fresh[row], code["d_shoshin"], code["d_saishin"]),
        times=1,
    )
    chance = np.array([p for _, p in DENTAL_ACTS], dtype=np.float32)
    act = np.array([code[name] for name, _ in DENTAL_ACTS], dtype=np.int16)
    hit, which = np.nonzero(rng.random((len(row), len(chance)), dtype=np.float32) < chance[None, :])
    bill.add("si", claim=row[hit], day=day[hit], act=act[which], times=1)
    child = block.age(month.astype(np.int32), person) < 15
    names = np.array([diseases().index[name] for name in DENTAL_DISEASES], dtype=np.int16)
    weights = np.where(child[:, None], CHILD_WEIGHT, DENTAL_WEIGHT)
    begin = day[np.flatnonzero(first)] if len(row) else day
    every = np.arange(size)
    bill.add(
        "sy",
        claim=every,
        disease=names[pick(cumulated(weights), rng.random(size))],
        start=begin,
        outcome=1,
        suspected=False,
        main=True,
    )
    more, _ = ragged(rng.poisson(0.9, size))
    bill.add(
        "sy", claim=more, disease=names[pick(cumulated(DENTAL_WEIGHT), rng.random(len(more)))], start=begin[more] - 40,
        outcome=1, suspected=False, main=False,
    )  # fmt: skip
    return bill


def nursing(block: Block, lives: Lives, health: Health, ward: tuple[Array, Array]) -> Bill:
    """Home nursing paid by health insurance: those with a neurological disease or much need, by the month."""
    rng = block.rng("nursing")
    window = block.window
    need = np.where(
        health.ever("pd") | health.ever("als"),
        0.3,
        np.where(health.ever("schizo"), 0.08, np.where(health.ever("dementia"), 0.03, 0.0015)),
    )
    person = np.flatnonzero(rng.random(block.n) < need)
    begin = (rng.random(len(person)) * window.months * 0.8).astype(np.int64)
    length = rng.geometric(1 / 16, len(person))
    row, k = ragged(length)
    person, month = person[row], begin[row] + k
    inside = (month < np.minimum(lives.gone[person], window.months)) & (month >= block.born[person])
    inside &= ~((month > ward[0][person]) & (month < ward[1][person]))
    person, month = person[inside], month[inside]
    visits = 2 + rng.integers(0, 3, len(person))
    size = len(person)
    area = block.places.muni_area[block.muni(person, month)]
    bill = Bill(
        {
            "person": person.astype(np.int32),
            "month": month.astype(np.int16),
            "kind": np.full(size, KINDS.index("nurse"), dtype=np.int8),
            "facility": block.places.choose(Kind.NURSING, area, rng),
            "days": visits.astype(np.int16),
            "admit": _empty_admit(size),
        }
    )
    row, day = _visit_days(block, lives, person, month, visits, rng)
    for name in ("n_basic", "n_kanri"):
        bill.add("si", claim=row, day=day, act=acts().index[name], times=1)
    return bill
