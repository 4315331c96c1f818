"""Vaccinations, the letters that recommend them, and suspected adverse reactions.

Decides who gets which dose when: the children's schedule, HPV with its catch-up, the elderly's influenza and
pneumococcal vaccines, and COVID-19 from April 2021 (coverage [DK]). Adverse reactions are reported at about one
serious report in 100,000 doses; young men have myocarditis after a second mRNA dose a little more often.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from enclave.synth.block import Block
from enclave.synth.columns import coded, dates, month_dates
from enclave.synth.draws import Array, even, mixed
from enclave.synth.identifiers import Registry
from enclave.synth.lives import Lives

VACCINES = (
    "DPT-IPV", "DT", "HIB", "BCG", "MR", "VZV", "JE", "HPV2", "HPV4", "HPV9", "PCV13", "HBV", "ROTA1", "ROTA5", "FLU",
    "PPSV23", "COVID19-A", "COVID19-B", "COVID19-C",
)  # fmt: skip
SCHEDULE: tuple[tuple[str, int, float, float], ...] = (
    # vaccine, dose, age in months, coverage [DK]
    ("HIB", 1, 2.2, 0.975), ("HIB", 2, 3.3, 0.97), ("HIB", 3, 4.4, 0.965), ("HIB", 4, 12.8, 0.945),
    ("PCV13", 1, 2.2, 0.975), ("PCV13", 2, 3.3, 0.97), ("PCV13", 3, 4.4, 0.965), ("PCV13", 4, 12.8, 0.945),
    ("HBV", 1, 2.2, 0.965), ("HBV", 2, 3.3, 0.96), ("HBV", 3, 7.8, 0.94),
    ("ROTA1", 1, 2.2, 0.6), ("ROTA1", 2, 3.3, 0.59), ("ROTA5", 1, 2.2, 0.33), ("ROTA5", 2, 3.3, 0.33), ("ROTA5", 3, 4.4, 0.32),
    ("DPT-IPV", 1, 3.3, 0.975), ("DPT-IPV", 2, 4.4, 0.97), ("DPT-IPV", 3, 5.5, 0.965), ("DPT-IPV", 4, 18, 0.94),
    ("BCG", 1, 5.6, 0.965), ("MR", 1, 12.6, 0.955), ("MR", 2, 66, 0.93), ("VZV", 1, 12.6, 0.945), ("VZV", 2, 17, 0.9),
    ("JE", 1, 37, 0.93), ("JE", 2, 38, 0.92), ("JE", 3, 50, 0.88), ("JE", 4, 112, 0.78), ("DT", 1, 134, 0.82),
)  # fmt: skip
HPV_SINCE = (2022, 4)
FLU_SHARE = 0.55
PNEUMO_SHARE = 0.36
COVID: tuple[tuple[int, tuple[int, int], tuple[int, int], tuple[tuple[int, float], ...]], ...] = (
    # dose, from, to (for 65 and over; the others two months later), coverage by least age [DK]
    (1, (2021, 4), (2021, 8), ((12, 0.78), (20, 0.82), (40, 0.87), (65, 0.93))),
    (2, (2021, 5), (2021, 9), ((12, 0.77), (20, 0.81), (40, 0.86), (65, 0.925))),
    (3, (2021, 12), (2022, 4), ((12, 0.36), (20, 0.52), (40, 0.7), (65, 0.90))),
    (4, (2022, 6), (2022, 9), ((60, 0.72), (65, 0.82))),
    (5, (2022, 10), (2023, 1), ((12, 0.12), (20, 0.25), (40, 0.4), (65, 0.68))),
    (6, (2023, 5), (2023, 8), ((65, 0.56),)),
    (7, (2023, 9), (2023, 12), ((12, 0.05), (40, 0.15), (65, 0.53))),
)
SYMPTOMS = ("anaphylaxis", "syncope", "fever", "convulsion", "myocarditis", "itp", "local", "other")
REPORTED = 6e-5
"""Reports per dose, one in four of them serious [DK]."""

HEART = {1: 2.5e-6, 2: 4e-5, 3: 2e-5}
"""Myocarditis per mRNA dose in men of 12 to 29, by dose [DK]; a tenth of it in others."""


@dataclass(frozen=True)
class Shots:
    """One row per dose. `heart`: followed by myocarditis within three weeks."""

    person: Array
    vaccine: Array
    dose: Array
    day: Array
    heart: Array


def build(block: Block, lives: Lives) -> Shots:
    rng = block.rng("vaccination")
    window, people = block.window, block.people
    rows: list[tuple[Array, int | Array, int, Array]] = []
    birth = people.birth.astype(np.int64)
    careless = rng.random(block.n)
    for name, nth, months, coverage in SCHEDULE:
        due = birth + (months * 30.44 + rng.gamma(1.5, 8 + months * 0.25, block.n)).astype(np.int64)
        takes = careless < coverage
        if name.startswith("ROTA"):
            # One of the two products, chosen once.
            other = mixed(people.id, 83) % np.uint64(100) < np.uint64(64)
            takes = (careless < 0.93) & (other == (name == "ROTA1"))
        who = np.flatnonzero(takes & (due >= window.start) & (due < window.end))
        rows.append((who, VACCINES.index(name), nth, due[who]))
    rows += _hpv(block, rng)
    rows += _elderly(block, rng)
    rows += _covid(block, rng)
    person = np.concatenate([row[0] for row in rows])
    vaccine = np.concatenate(
        [np.full(len(row[0]), row[1]) if np.isscalar(row[1]) else row[1] for row in rows]
    )
    dose = np.concatenate([np.full(len(row[0]), row[2]) for row in rows])
    day = np.concatenate([row[3] for row in rows])
    keep = (day < lives.death[person]) & (day >= birth[person]) & (day < window.end) & (day >= window.start)
    person, vaccine, dose, day = person[keep], vaccine[keep], dose[keep], day[keep]
    order = np.lexsort((vaccine, day, person))
    person, vaccine, dose, day = person[order], vaccine[order], dose[order], day[order]
    chance = np.zeros(len(person))
    mrna = (vaccine == VACCINES.index("COVID19-A")) | (vaccine == VACCINES.index("COVID19-B"))
    age = (day - birth[person]) / 365.25
    young = (people.sex[person] == 1) & (age >= 12) & (age < 30)
    for number, risk in HEART.items():
        chance = np.where(mrna & (dose == number), np.where(young, risk, risk / 10), chance)
    return Shots(
        person.astype(np.int32),
        vaccine.astype(np.int8),
        dose.astype(np.int8),
        day.astype(np.int32),
        rng.random(len(person)) < chance,
    )


Rows = list[tuple[Array, int | Array, int, Array]]


def _hpv(block: Block, rng: np.random.Generator) -> Rows:
    """Girls of 12 to 16, and the catch-up of those born from 1997, since the recommendation came back."""
    window, people = block.window, block.people
    since = window.month_at(*HPV_SINCE)
    if since >= window.months:
        return []
    year = people.birth_era // 12
    at = np.maximum(12 * 13 + people.birth_era - window.era0, since) + rng.integers(0, 14, block.n)
    late = (year >= 1997) & (year <= 2006)
    takes = (
        (people.sex == 2)
        & (rng.random(block.n) < np.where(late, 0.3, 0.45))
        & (year >= 1997)
        & (year <= 2012)
    )
    rows: Rows = []
    product = np.where(at >= window.month_at(2023, 4), VACCINES.index("HPV9"), VACCINES.index("HPV4"))
    for dose, wait in ((1, 0), (2, 2), (3, 6)):
        who = np.flatnonzero(takes & (at + wait < window.months) & (at + wait >= 0))
        takes = takes & (rng.random(block.n) < 0.95)
        day = window.month_start[at[who] + wait] + rng.integers(0, 28, len(who))
        rows.append((who, product[who], dose, day))
    return rows


def _elderly(block: Block, rng: np.random.Generator) -> Rows:
    window, people = block.window, block.people
    rows: Rows = []
    habit = even(mixed(people.id, 89))
    for year in range(window.first, window.last + 1):
        month = window.month_at(year, 10)
        age = block.age(month)
        who = np.flatnonzero((age >= 65) & ((habit < FLU_SHARE - 0.1) | (rng.random(block.n) < 0.15)))
        rows.append(
            (
                who,
                VACCINES.index("FLU"),
                1,
                window.month_start[month] + rng.gamma(4.0, 9.0, len(who)).astype(np.int64).clip(0, 110),
            )
        )
        # At 65, and until March 2024 at every fifth year after.
        month = window.month_at(year, 4)
        turns = block.age(month + 11)
        due = (turns == 65) | (
            (turns % 5 == 0) & (turns > 65) & (turns <= 100) & (year < 2024) & (rng.random(block.n) < 0.25)
        )
        who = np.flatnonzero(due & (rng.random(block.n) < PNEUMO_SHARE))
        rows.append(
            (who, VACCINES.index("PPSV23"), 1, window.month_start[month] + rng.integers(0, 350, len(who)))
        )
    return rows


def _covid(block: Block, rng: np.random.Generator) -> Rows:
    window, people = block.window, block.people
    willing = even(mixed(people.id, 97))
    maker = even(mixed(people.id, 101))
    rows: Rows = []
    previous = np.full(block.n, -(10**6), dtype=np.int64)
    done = np.ones(block.n, dtype=bool)
    for dose, begin, end, coverage in COVID:
        first, last = window.month_at(*begin), window.month_at(*end)
        if first < 0 or last >= window.months:
            continue
        age = block.age(first)
        share = np.zeros(block.n)
        for least, value in coverage:
            share = np.where(age >= least, value, share)
        later = np.where(age >= 65, 0, 61)
        span = window.month_start[last + 1] - window.month_start[first]
        day = window.month_start[first] + later + (rng.beta(2.2, 2.6, block.n) * span).astype(np.int64)
        if dose == 2:
            day = previous + 21 + rng.integers(0, 9, block.n)
        takes = done & (willing < share) & (day - previous > 20)
        if dose > 2:
            day = np.maximum(day, previous + 95)
        who = np.flatnonzero(takes & (day < window.end))
        product = np.where(
            maker[who] < 0.8,
            VACCINES.index("COVID19-A"),
            np.where(maker[who] < 0.992, VACCINES.index("COVID19-B"), VACCINES.index("COVID19-C")),
        )
        if dose >= 3:
            product = np.where(
                rng.random(len(who)) < 0.66, VACCINES.index("COVID19-A"), VACCINES.index("COVID19-B")
            )
        rows.append((who, product, dose, day[who]))
        done = np.zeros(block.n, dtype=bool)
        done[who] = True
        previous = np.where(done, day, previous)
    return rows


def tables(
    block: Block, lives: Lives, shots: Shots, registry: Registry
) -> tuple[dict[str, pa.Table], Array, Array, Array]:
    """The tables, with (person, month, day) of all their rows."""
    rng = block.rng("vaccination records")
    window, people = block.window, block.people
    person, day = shots.person.astype(np.int64), shots.day.astype(np.int64)
    month = window.month(day).astype(np.int64)
    size = len(person)
    munis = tuple(block.places.muni_code)
    # A lot is used by many places over some weeks.
    lot = mixed(shots.vaccine.astype(np.int64), day // 21, rng.integers(0, 5, size)) % np.uint64(9000)
    lots = tuple(f"{chr(65 + n % 26)}{chr(65 + n // 26 % 26)}{1000 + n:04d}" for n in range(9000))
    shot = pa.table(
        {
            "person": registry.number("vac", person, month),
            "shot_date": dates(day),
            "vaccine": coded(shots.vaccine, VACCINES),
            "dose_no": shots.dose,
            "lot_no": coded(lot.astype(np.int64), lots, rng.random(size) < 0.006),
            "birth_ym": month_dates(people.birth_era[person]),
            "sex": people.sex[person],
            "muni_code": coded(block.muni(person, month), munis),
        }
    )
    child = np.flatnonzero(
        (shots.dose == 1) & ~np.isin(shots.vaccine, [VACCINES.index("FLU")]) & (rng.random(size) < 0.9)
    )
    ahead = np.maximum(month[child] - rng.integers(0, 3, len(child)), 0)
    ahead = np.maximum(ahead, block.born[person[child]])
    sent = pa.table(
        {
            "person": registry.number("vac", person[child], ahead),
            "sent_ym": dates(window.month_start[ahead]),
            "vaccine": coded(shots.vaccine[child], VACCINES),
            "muni_code": coded(block.muni(person[child], ahead), munis),
        }
    )
    aefi, aefi_person, aefi_month, aefi_day = _reactions(block, lives, shots, registry, rng)
    return (
        {"shot": shot, "recommendation": sent, "aefi": aefi},
        np.concatenate([person, person[child], aefi_person]),
        np.concatenate([month, ahead, aefi_month]),
        np.concatenate([day, window.month_start[ahead], aefi_day]),
    )


def _reactions(
    block: Block, lives: Lives, shots: Shots, registry: Registry, rng: np.random.Generator
) -> tuple[pa.Table, Array, Array, Array]:
    window = block.window
    covid = shots.vaccine >= VACCINES.index("COVID19-A")
    hpv = np.isin(shots.vaccine, [VACCINES.index(name) for name in ("HPV2", "HPV4", "HPV9")])
    rate = REPORTED * np.where(
        covid, 2.2, np.where(hpv, 2.0, np.where(shots.vaccine == VACCINES.index("FLU"), 0.3, 1.0))
    )
    at = np.flatnonzero((rng.random(len(shots.person)) < rate) | shots.heart)
    person = shots.person[at].astype(np.int64)
    size = len(at)
    symptom = rng.choice(len(SYMPTOMS), size, p=[0.14, 0.16, 0.2, 0.06, 0.0, 0.02, 0.17, 0.25])
    symptom = np.where(shots.heart[at], SYMPTOMS.index("myocarditis"), symptom)
    lag = np.where(np.isin(symptom, [0, 1]), 0, rng.integers(0, 9, size))
    onset = np.minimum(np.minimum(shots.day[at] + lag, lives.death[person]), window.end - 1).astype(np.int64)
    serious = (rng.random(size) < 0.25) | np.isin(symptom, [4, 5]) | (symptom == 0)
    u = rng.random(size)
    outcome = np.where(u < 0.62, 1, np.where(u < 0.82, 2, np.where(u < 0.9, 3, np.where(u < 0.91, 4, 9))))
    month = window.month(onset).astype(np.int64)
    table = pa.table(
        {
            "person": registry.number("vac", person, month),
            "onset_date": dates(onset),
            "report_date": dates(onset + rng.integers(1, 40, size)),
            "vaccine": coded(shots.vaccine[at], VACCINES),
            "symptom": coded(symptom, SYMPTOMS),
            "severity": serious.astype(np.int8),
            "outcome": outcome.astype(np.int8),
            "causality": (1 + (rng.random(size) > 0.5) + (rng.random(size) > 0.6)).astype(np.int8),
        }
    )
    return table, person, month, onset
