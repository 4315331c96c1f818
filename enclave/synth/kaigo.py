"""Long-term care: who is certified at which level, the services used, the assessments of LIFE.

Decides certification by the share of certified people by age and sex [DK], given first to those whom dementia,
stroke, fractures and frailty make dependent; nobody under 40, and under 65 only for a specified disease. After a
fracture or a stroke the level rises. Services follow level and household; the level of a claim is that of the last
certification.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from enclave.synth.block import Block
from enclave.synth.columns import coded, dates, month_dates
from enclave.synth.disease import AGES, Health, conditions
from enclave.synth.draws import Array, columns, cumulated, even, liability, mixed, pick, ragged
from enclave.synth.identifiers import Registry
from enclave.synth.lives import Lives
from enclave.synth.period import NEVER
from enclave.synth.places import Kind
from enclave.synth.stays import Stays, reasons
from enclave.synth.tables import cell21

CERTIFIED = np.interp(
    AGES,
    [0, 39.9, 40, 64, 65, 70, 74, 77, 82, 87, 92, 97, 110],
    [0, 0, 0.001, 0.005, 0.018, 0.035, 0.06, 0.12, 0.26, 0.48, 0.70, 0.84, 0.9],
)
BY_SEX = np.stack(
    [np.interp(AGES, [65, 80, 90], [1.05, 0.82, 0.84]), np.interp(AGES, [65, 80, 90], [0.96, 1.13, 1.07])]
)
LEVELS = np.array([12, 13, 21, 22, 23, 24, 25], dtype=np.int8)
LEVEL_SHARE = np.array([0.14, 0.14, 0.21, 0.17, 0.13, 0.13, 0.08])
"""Levels among the certified [DK]."""

EVENT = 14.0
"""A stay that costs this much independence (Barthel points) makes people apply."""

INSTITUTION = np.array([0.01, 0.02, 0.08, 0.14, 0.40, 0.52, 0.58])
USES = np.array([0.52, 0.66, 0.86, 0.90, 0.93, 0.94, 0.92])
HOMES = ("51", "52", "55", "32", "33", "54")
HOME_SHARE = np.array(
    [
        [0.0, 0.1, 0.0, 0.1, 0.8, 0.0],
        [0.0, 0.1, 0.0, 0.1, 0.8, 0.0],
        [0.05, 0.25, 0.01, 0.3, 0.39, 0.0],
        [0.1, 0.3, 0.02, 0.3, 0.28, 0.0],
        [0.5, 0.2, 0.02, 0.12, 0.1, 0.06],
        [0.52, 0.2, 0.05, 0.07, 0.09, 0.07],
        [0.5, 0.16, 0.12, 0.05, 0.09, 0.08],
    ]
)
AT_HOME: tuple[tuple[str, tuple[float, ...], int, int], ...] = (
    # service; chance by level; units each time; times a month [DK]
    ("46", (0.9, 0.9, 0, 0, 0, 0, 0), 438, 1),
    ("66", (0.42, 0.55, 0, 0, 0, 0, 0), 2900, 1),
    ("67", (0.3, 0.42, 0, 0, 0, 0, 0), 650, 1),
    ("63", (0.08, 0.1, 0, 0, 0, 0, 0), 790, 4),
    ("43", (0, 0, 1, 1, 1, 1, 1), 1200, 1),
    ("11", (0, 0, 0.28, 0.32, 0.34, 0.4, 0.46), 280, 12),
    ("15", (0, 0, 0.36, 0.38, 0.38, 0.33, 0.26), 740, 9),
    ("78", (0, 0, 0.16, 0.16, 0.13, 0.1, 0.07), 760, 8),
    ("16", (0, 0, 0.17, 0.18, 0.16, 0.13, 0.09), 760, 7),
    ("13", (0, 0, 0.12, 0.15, 0.18, 0.25, 0.4), 820, 4),
    ("17", (0, 0, 0.4, 0.6, 0.66, 0.7, 0.72), 1450, 1),
    ("21", (0, 0, 0.07, 0.1, 0.2, 0.19, 0.16), 700, 6),
    ("31", (0, 0, 0.12, 0.16, 0.24, 0.32, 0.42), 500, 2),
)  # fmt: skip
HOME_UNITS = {"51": (0, 0, 589, 659, 732, 802, 871), "52": (0, 0, 788, 836, 898, 949, 1003), "55": (0, 0, 825, 934, 1171, 1271, 1362), "32": (0, 761, 765, 801, 824, 841, 859), "33": (183, 313, 542, 609, 679, 744, 813), "54": (0, 0, 600, 671, 745, 817, 887)}  # fmt: skip
SERVICES = (*HOMES, *(service for service, *_ in AT_HOME))
LIFE_FROM = (2021, 4)
DEMENTIA = ("0", "I", "IIa", "IIb", "IIIa", "IIIb", "IV", "M")
BEDRIDDEN = ("0", "J1", "J2", "A1", "A2", "B1", "B2", "C1", "C2")


@dataclass(frozen=True)
class Care:
    """Certified persons: `start` month of the first certification (negative: before the window), `depth` what decides
    the level, certification rows by person and month with the level's position in LEVELS."""

    certified: Array
    start: Array
    person: Array
    month: Array
    level: Array
    kind: Array

    def level_at(self, person: Array, month: Array) -> Array:
        """Position in LEVELS at a month, −1 where not certified then."""
        key = self.person.astype(np.int64) * 1024 + (self.month + 512)
        at = np.searchsorted(key, person.astype(np.int64) * 1024 + (month + 512), side="right") - 1
        known = (at >= 0) & (self.person[at.clip(0)] == person)
        return np.where(known, self.level[at.clip(0)], -1)


def build(block: Block, health: Health, lives: Lives, stays: Stays) -> Care:
    rng = block.rng("care")
    window, n, years = block.window, block.n, block.window.years
    names = conditions().index
    loss = np.zeros(n)
    drop = reasons().drop[stays.reason]
    np.add.at(loss, stays.person, drop)
    score = health.latents[2] * 1.1 + rng.standard_normal(n) * 0.7 + np.minimum(loss, 80) / 22
    for name, weight in (
        ("dementia", 2.4),
        ("cva", 1.3),
        ("pd", 1.7),
        ("hf", 0.4),
        ("ra", 0.4),
        ("als", 4.0),
        ("copd", 0.3),
    ):
        score += weight * health.active[:, names[name], years // 2]
    specified = health.ever("cva") | health.ever("pd") | health.ever("als") | health.ever("ra")
    ages = block.yearly_age.clip(0, 110)
    score = np.where((ages[:, years // 2] < 65) & ~specified, -50, score)
    u = liability(score, cell21(block.people.sex, ages[:, years // 2]), rng)
    share = np.minimum(CERTIFIED[ages] * BY_SEX[block.people.sex - 1][np.arange(n)[:, None], ages], 0.97)
    active = (u[:, None] < share) & (ages >= 40)
    certified = active.any(axis=1)
    first_year = active.argmax(axis=1)
    start = np.where(first_year == 0, -rng.integers(1, 48, n), 12 * (first_year - 1) + rng.integers(0, 12, n))
    # Forty is forty: nobody is certified before.
    forty = 40 * 12 + block.people.birth_era - window.era0
    start = np.maximum(start, forty)
    hurt = np.flatnonzero(drop >= EVENT)
    month = window.month(stays.leave[hurt]) + 2
    who = stays.person[hurt]
    old = block.age(month, who) >= 65
    who, month = who[old], month[old]
    early = np.full(n, NEVER, dtype=np.int64)
    np.minimum.at(early, who, month)
    applies = (early < NEVER) & (rng.random(n) < 0.5)
    start = np.where(applies & (~certified | (start > early)), early, start)
    certified |= applies
    certified &= start < lives.gone
    return _certificates(
        block, lives, certified, start.astype(np.int64), u, share, who, month, drop[hurt][old], rng
    )


def _certificates(
    block: Block,
    lives: Lives,
    certified: Array,
    start: Array,
    u: Array,
    share: Array,
    hurt: Array,
    hurt_month: Array,
    hurt_loss: Array,
    rng: np.random.Generator,
) -> Care:
    window = block.window
    people = np.flatnonzero(certified)
    term = rng.integers(12, 37, len(people))
    first = np.where(start[people] < 0, start[people] % 1000 % term - term, start[people])
    first = np.where(
        start[people] < 0,
        -(mixed(block.people.id[people], 31) % term.astype(np.uint64)).astype(np.int64),
        first,
    )
    # The first term is short, as new certifications are.
    counts = np.maximum((window.months - first + term - 1) // term, 1) + 1
    row, k = ragged(counts)
    month = first[row] + np.where(
        k > 0, np.where(start[people[row]] >= 0, 9, term[row]) + (k - 1) * term[row], 0
    )
    person = people[row]
    kind = np.where((k == 0) & (start[person] >= 0), 1, 2)
    inside = certified[hurt] & (hurt_month > start[hurt] + 2)
    person = np.concatenate([person, hurt[inside]])
    month = np.concatenate([month, hurt_month[inside]])
    kind = np.concatenate([kind, np.full(inside.sum(), 3)])
    keep = (month < lives.gone[person]) & (month < window.months)
    person, month, kind = person[keep], month[keep], kind[keep]
    order = np.lexsort((-kind, month, person))
    person, month, kind = person[order], month[order], kind[order]
    double = np.r_[False, (person[1:] == person[:-1]) & (month[1:] == month[:-1])]
    person, month, kind = person[~double], month[~double], kind[~double]
    year = np.clip(month // 12, 0, window.years)
    p = share[person, year]
    deep = np.where(p > 0, (p - u[person]) / np.maximum(p, 1e-6), 0.1).clip(0, 1)
    # What was lost in stays before this month, more than half regained after half a year.
    lost = np.zeros(len(person))
    by = np.argsort(hurt, kind="stable")
    bounds = np.searchsorted(hurt[by], np.arange(block.n + 1))
    at, j = ragged(np.diff(bounds)[person])
    event = by[bounds[:-1][person[at]] + j]
    since = month[at] - hurt_month[event]
    np.add.at(lost, at, np.where(since >= 0, hurt_loss[event] * np.where(since > 6, 0.4, 1.0), 0))
    steady = even(mixed(block.people.id[person], 37))
    depth = 0.55 * deep + 0.33 * steady + 0.12 * rng.random(len(person)) + np.minimum(lost, 70) / 340
    level = np.searchsorted(np.cumsum(LEVEL_SHARE)[:-1], (depth * 1.08 - 0.03).clip(0, 0.999))
    return Care(
        certified,
        start,
        person.astype(np.int32),
        month.astype(np.int32),
        level.astype(np.int8),
        kind.astype(np.int8),
    )


def tables(
    block: Block, health: Health, lives: Lives, care: Care, stays: Stays, registry: Registry
) -> tuple[dict[str, pa.Table], Array, Array, Array]:
    """kaigo's tables, with (person, month, day) of all their rows."""
    cert, rows = _cert_table(block, health, care, registry)
    claim, claim_person, claim_month, at_home = _claim_table(
        block, lives, care, hospital_days(block, stays), registry
    )
    life, life_person, life_month, life_day = _life_table(block, lives, care, registry, at_home)
    window = block.window
    person = np.concatenate([rows[0], claim_person, life_person])
    month = np.concatenate([rows[1], claim_month, life_month])
    day = np.concatenate([rows[2], window.month_start[claim_month], life_day])
    return {"cert": cert, "claim": claim, "life_adl": life}, person, month, day


def _cert_table(
    block: Block, health: Health, care: Care, registry: Registry
) -> tuple[pa.Table, tuple[Array, Array, Array]]:
    rng = block.rng("care certificates")
    window, people = block.window, block.people
    at = np.flatnonzero(care.month >= 0)
    person, month, level = care.person[at], care.month[at].astype(np.int64), care.level[at].astype(np.int64)
    size = len(at)
    day = window.month_start[month] + rng.integers(0, 28, size)
    day = np.minimum(day, registry.lives.death[person])
    demented = health.ever("dementia")[person]
    base = np.clip(
        np.round(level * 0.85 + rng.normal(0, 1.1, size) + np.where(demented, 1.8, -0.8)), 0, 7
    ).astype(int)
    bed = np.clip(np.round(1.2 + level * 0.95 + rng.normal(0, 0.8, size)), 0, 8).astype(int)
    shift = np.clip(
        level + np.where(rng.random(size) < 0.14, 1, 0) - np.where(rng.random(size) < 0.06, 1, 0), 0, 6
    )
    severity = level + rng.normal(0, 0.9, size)
    length = np.where(care.kind[at] == 1, 12, np.where(level > 4, 36, 24))
    last = window.month_start[np.minimum(month + 1, window.months)] - 1
    first_day = window.month_start[month]
    age = block.age(month, person)
    muni = block.muni(person, month)
    table = pa.table(
        {
            "person": registry.number("kaigo", person, month),
            "cert_date": dates(day),
            "kind": care.kind[at],
            "valid_from": dates(np.where(care.kind[at] == 2, first_day, day)),
            "valid_to": dates(last + length * 30),
            "sex": people.sex[person],
            "birth_ym": month_dates(people.birth_era[person]),
            "age": age,
            "first_level": LEVELS[shift],
            "care_level": LEVELS[level],
            "dementia_rank": coded(base, DEMENTIA),
            "adl_rank": coded(bed, BEDRIDDEN),
            "walking": np.clip(np.round(1 + severity / 3), 1, 3).astype(np.int8),
            "eating": np.clip(np.round(0.4 + severity * 0.55), 1, 4).astype(np.int8),
            "toileting": np.clip(np.round(0.6 + severity * 0.6), 1, 4).astype(np.int8),
            "short_memory": (1 + (base >= 2)).astype(np.int8),
            "decision": np.clip(1 + base // 2, 1, 4).astype(np.int8),
            "tube_feeding": (level >= 5) & (rng.random(size) < 0.09),
            "muni_code": coded(muni, tuple(block.places.muni_code)),
        }
    )
    return table, (person.astype(np.int64), month, day)


def hospital_days(block: Block, stays: Stays) -> Array:
    """(person, month) Days in hospital."""
    window = block.window
    begin = np.maximum(stays.admit, window.start)
    first, last = window.month(begin).astype(np.int64), window.month(stays.leave).astype(np.int64)
    row, k = ragged(last - first + 1)
    month = first[row] + k
    since = np.maximum(begin[row], window.month_start[month])
    until = np.minimum(stays.leave[row], window.month_start[month + 1] - 1)
    days = np.zeros((block.n, window.months), dtype=np.int64)
    np.add.at(days, (stays.person[row], month), until - since + 1)
    return days


def _claim_table(
    block: Block, lives: Lives, care: Care, away: Array, registry: Registry
) -> tuple[pa.Table, Array, Array, Array]:
    rng = block.rng("care claims")
    window = block.window
    people = np.flatnonzero(care.certified)
    begin = np.maximum(care.start[people], 0)
    row, k = ragged(np.maximum(np.minimum(lives.gone[people], window.months) - begin, 0))
    person, month = people[row].astype(np.int64), begin[row] + k
    level = care.level_at(person, month)
    steady = rng.random((2, block.n))
    uses = (level >= 0) & (rng.random(len(person)) < 0.97) & (steady[0][person] < USES[level])
    # Nobody is cared for at home or in a home while lying in hospital.
    uses &= away[person, month] < window.month_days[month] - 3
    person, month, level = person[uses], month[uses], level[uses].astype(np.int64)
    lives_in = steady[1][person] < INSTITUTION[level]
    kinds = pick(
        cumulated(HOME_SHARE)[level],
        even(mixed(block.people.id[person], 41)),
    )
    units = np.array([[HOME_UNITS[h][lv] for lv in range(7)] for h in HOMES])
    inside = np.flatnonzero(lives_in)
    present = window.month_days[month] - away[person, month]
    days = present[inside]
    parts = [(inside, kinds[inside], units[kinds[inside], level[inside]] * days, days, days)]
    outside = np.flatnonzero(~lives_in)
    for number, (_, chance, each, usual) in enumerate(AT_HOME):
        # A service is kept over the months: the same number decides each time.
        habit = even(mixed(block.people.id[person[outside]], 43 + number))
        at = outside[habit < np.array(chance)[level[outside]]]
        count = (
            np.maximum(1, np.round(usual * rng.uniform(0.6, 1.4, len(at)) * present[at] / 30)).astype(
                np.int64
            )
            if usual > 1
            else np.ones(len(at), dtype=np.int64)
        )
        parts.append((at, np.full(len(at), len(HOMES) + number), each * count, count, np.minimum(count, 31)))
    at, service, amount, times, days = columns(parts)
    order = np.lexsort((service, month[at], person[at]))
    at, service, amount, times, days = at[order], service[order], amount[order], times[order], days[order]
    who, when = person[at], month[at]
    muni = block.muni(who, when)
    provider = np.zeros((block.n, 3, 2), dtype=np.int64)
    for moved, home in ((0, block.people.muni), (1, block.people.muni_after)):
        for number, kind in enumerate((Kind.CARE_HOME, Kind.DAY_CARE, Kind.HOME_CARE)):
            provider[:, number, moved] = block.places.choose(kind, block.places.muni_area[home], rng)
    moved = (when >= block.people.move_month[who]).astype(int)
    by_day = np.isin(np.array(SERVICES)[service], ["15", "16", "66", "78", "21"])
    group = np.where(service < len(HOMES), 0, np.where(by_day, 1, 2))
    codes = tuple(f"{service}{1000 + 10 * lv + 1}" for service in SERVICES for lv in range(7))
    table = pa.table(
        {
            "person": registry.number("kaigo", who, when),
            "service_ym": dates(window.month_start[when]),
            "service_kind": coded(service, SERVICES),
            "service_code": coded(service * 7 + level[at], codes),
            "care_level": LEVELS[level[at]],
            "units": amount.astype(np.int32),
            "times": times.astype(np.int16),
            "days": days.astype(np.int16),
            "provider_id": block.places.facility_id[provider[who, group, moved]],
            "muni_code": coded(muni, tuple(block.places.muni_code)),
        }
    )
    in_life = np.zeros(block.n, dtype=bool)
    in_life[who[service < len(HOMES)]] = True
    return table, who, when, in_life


def _life_table(
    block: Block, lives: Lives, care: Care, registry: Registry, in_home: Array
) -> tuple[pa.Table, Array, Array, Array]:
    rng = block.rng("life")
    window, people = block.window, block.people
    since = max(window.month_at(*LIFE_FROM), 0)
    joins = care.certified & (rng.random(block.n) < np.where(in_home, 0.5, 0.18))
    who = np.flatnonzero(joins)
    begin = np.maximum(care.start[who], since)
    row, k = ragged(np.maximum((np.minimum(lives.gone[who], window.months) - begin + 2) // 3, 0))
    person, month = who[row].astype(np.int64), begin[row] + 3 * k
    level = care.level_at(person, month)
    keep = (level >= 0) & (month < window.months) & (rng.random(len(person)) < 0.9)
    person, month, level = person[keep], month[keep], level[keep]
    size = len(person)
    day = np.minimum(window.month_start[month] + rng.integers(0, 28, size), lives.death[person])
    barthel = np.array([95, 88, 76, 62, 45, 25, 8])[level] + 5 * rng.integers(-2, 3, size)
    sex = people.sex[person]
    height = np.where(sex == 1, 160, 146) + 6 * (even(mixed(people.id[person], 47)) * 2 - 1)
    table = pa.table(
        {
            "person": registry.number("kaigo", person, month),
            "eval_date": dates(day),
            "bi_total": np.clip(barthel, 0, 100).astype(np.int16),
            "dbd13": np.clip(np.round(6 + level * 2.3 + rng.normal(0, 6, size)), 0, 52).astype(np.int16),
            "vitality": np.clip(np.round(10 - level * 1.1 + rng.normal(0, 1.1, size)), 0, 10).astype(
                np.int16
            ),
            "height": np.round(height, 1),
            "weight": np.round((22.6 - 0.55 * level + rng.normal(0, 2.6, size)) * (height / 100) ** 2, 1),
            "albumin": pa.array(
                np.round(4.05 - 0.11 * level + rng.normal(0, 0.3, size), 1), mask=rng.random(size) < 0.55
            ),
            "ulcer": rng.random(size) < np.array([0.002, 0.004, 0.006, 0.012, 0.025, 0.06, 0.1])[level],
        }
    )
    return table, person, month, day
