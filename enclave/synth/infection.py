"""Infections that are notified, and what follows them.

Decides who gets COVID-19 in which month (the national waves, spread within households), tuberculosis, syphilis, EHEC
infection and measles; how severe they are; and who keeps a disorder of taste. The waves are national monthly numbers
of notified cases in thousands [DK], 33.6 million to May 2023, after which nobody is notified any more.
"""

from dataclasses import dataclass

import numpy as np

from enclave.synth.block import Block
from enclave.synth.draws import Array, events
from enclave.synth.lives import Lives
from enclave.synth.population import REAL_PEOPLE

COVID = ((2020, 4), (12, 3, 2, 17, 32, 15, 18, 47, 87, 155, 42, 42,
                     118, 152, 53, 127, 567, 208, 18, 4, 6, 1050, 2230, 1550,
                     1330, 960, 480, 3540, 6150, 2200, 980, 2400, 4400, 3300, 700, 240,
                     280, 60))  # fmt: skip
"""First month, then thousands of cases a month."""

COVID_AGE = np.interp(
    np.arange(111),
    [0, 5, 15, 25, 35, 45, 55, 65, 75, 85, 110],
    [1.3, 1.7, 1.6, 1.5, 1.45, 1.2, 0.85, 0.6, 0.45, 0.55, 0.7],
)
SECONDARY = 0.28
"""Chance of a housemate to be infected by an index case."""

DISEASES = ("COVID-19", "TB", "SYPHILIS", "EHEC", "MEASLES")
OTHERS: dict[str, tuple[int, float, tuple[float, ...], float]] = {
    # a year in the country; men to women; weight at ages 0, 10, … 90 [DK]
    "TB": (10_500, 1.45, (0.2, 0.3, 2, 2, 2, 3, 5, 9, 22, 40), 0),
    "SYPHILIS": (12_500, 2.0, (0.05, 2, 16, 12, 9, 6, 2, 1, 0.5, 0.2), 0),
    "EHEC": (3_400, 0.9, (9, 5, 5, 3, 2.5, 2, 2, 2.5, 3, 3), 0),
    "MEASLES": (60, 1.0, (3, 2, 4, 4, 2, 1, 0.2, 0.1, 0, 0), 0),
}
TASTE = 0.02
"""Share of COVID-19 cases with a diagnosed disorder of taste, half a year on still one in five of them [DK]."""


@dataclass(frozen=True)
class Infections:
    """One row per case. `severity` 0–3; `taste` months that a disorder of taste is treated (0: none)."""

    person: Array
    disease: Array
    day: Array
    severity: Array
    taste: Array


def build(block: Block, lives: Lives) -> Infections:
    rng = block.rng("infection")
    window, people = block.window, block.people
    order = np.lexsort((rng.random(block.n), people.birth))
    persons, diseases, days = [], [], []
    (year, month), waves = COVID
    first = window.month_at(year, month)
    _, house, size = np.unique(people.house, return_inverse=True, return_counts=True)
    boost = 1 + SECONDARY * (size[house] - 1) * 0.75
    for step, thousands in enumerate(waves):
        m = first + step
        if not 0 <= m < window.months:
            continue
        age = block.age(m)
        rate = np.where(age >= 0, COVID_AGE[age.clip(0, 110)], 0) * thousands * 1000 / REAL_PEOPLE / boost
        index = events(rate * 1.06, order, rng, block.number * 53 + m)
        day = window.month_start[m] + rng.integers(0, window.month_days[m], len(index))
        persons.append(index)
        days.append(day)
        in_house = np.zeros(house.max() + 1, dtype=np.int64)
        in_house[house[index]] = day
        exposed = (in_house[house] > 0) & (rng.random(block.n) < SECONDARY)
        exposed[index] = False
        mates = np.flatnonzero(exposed)
        persons.append(mates)
        days.append(in_house[house[mates]] + rng.integers(2, 9, len(mates)))
    diseases.append(np.zeros(sum(len(p) for p in persons), dtype=np.int64))
    for number, (total, ratio, weights, _) in enumerate(OTHERS.values(), start=1):
        middle = block.yearly_age[:, window.years // 2]
        weight = np.interp(middle.clip(0), np.arange(0, 100, 10), weights) * np.where(
            people.sex == 1, ratio, 1
        )
        share = weight / max(float(weight.mean()), 1e-9)
        expected = np.where(middle >= 0, share * total / REAL_PEOPLE * window.years, 0)
        found = events(expected, order, rng, block.number * 59 + number)
        persons.append(found)
        days.append(window.start + (rng.random(len(found)) * (window.end - window.start)).astype(np.int64))
        diseases.append(np.full(len(found), number))
    person, disease, day = np.concatenate(persons), np.concatenate(diseases), np.concatenate(days)
    alive = (day < np.minimum(lives.death[person], window.end)) & (day >= people.birth[person])
    person, disease, day = person[alive], disease[alive], day[alive]
    keep = np.lexsort((day, person))
    person, disease, day = person[keep], disease[keep], day[keep]
    # Nobody has COVID-19 twice within three months.
    again = np.zeros(len(person), dtype=bool)
    again[1:] = (person[1:] == person[:-1]) & (disease[1:] == disease[:-1]) & (np.diff(day) < 90)
    person, disease, day = person[~again], disease[~again], day[~again]
    age = (day - people.birth[person]) / 365.25
    early = np.where(day < window.month_start[np.clip(window.month_at(2022, 1), 0, window.months)], 3.0, 0.7)
    serious = np.interp(age, [0, 20, 40, 60, 75, 90], [0.004, 0.003, 0.012, 0.04, 0.1, 0.17]) * early
    u = rng.random(len(person))
    severity = np.where(u < serious * 0.25, 3, np.where(u < serious, 2, np.where(u > 0.97, 0, 1)))
    tasted = (disease == 0) & (rng.random(len(person)) < TASTE * np.where(early > 1, 1.8, 0.9)) & (age > 10)
    lasting = np.minimum(1 + rng.geometric(0.3, len(person)), 12)
    return Infections(
        person.astype(np.int32),
        disease.astype(np.int8),
        day.astype(np.int32),
        severity.astype(np.int8),
        np.where(tasted, lasting, 0).astype(np.int8),
    )
