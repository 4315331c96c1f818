"""Cancers: incidence, extent, treatment and survival.

Decides who has a cancer diagnosed when, how far it had spread, how it was treated and when it kills, from
`data/cancers.csv` [DK: shares, extents and five-year survival after the national registry's reports]. Someone who is
alive on the reference day by the population's skeleton has no cancer that would have killed before; those who died
before it get theirs by the share of cancer among causes of death.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from enclave.synth import population, tables
from enclave.synth.block import Block
from enclave.synth.disease import AGES
from enclave.synth.draws import Array, columns, cumulated, events, pick
from enclave.synth.period import NEVER
from enclave.synth.population import YEAR

ANNUAL = 1_000_000
"""Invasive cancers a year in the country [DK]."""

BACK = 5
"""Years before the window from which patients are still in care."""

EXTENT = np.array([410, 420, 430, 440, 499, 400])
DEATH_SHARE = (
    np.interp(AGES, [0, 20, 35, 45, 55, 65, 75, 85, 95, 110], [5, 8, 17, 33, 46, 46, 33, 18, 8, 5]) / 100
)
"""Share of cancer among deaths, by age [DK, after the vital statistics of 2022]."""


@dataclass(frozen=True)
class Sites:
    site: tuple[str, ...]
    disease_code: tuple[str, ...]
    icd10: tuple[str, ...]
    name: tuple[str, ...]
    topo: tuple[tuple[str, ...], ...]
    morph: tuple[tuple[str, ...], ...]
    rate: Array
    """(sex, site, age): new tumours per person and year, in situ included."""
    in_situ: Array
    extent: Array
    extent_of_deaths: Array
    hazard: Array
    """(site, extent): yearly hazard of dying of it in the first five years."""
    treatment: Array
    """(site, treatment): surgery, chemotherapy, radiotherapy, endoscopic, hormone."""
    deadly: Array


@cache
def sites() -> Sites:
    rows = tables.rows("cancers")
    national = population.joint_table().sum(axis=0) * population.REAL_PEOPLE
    curves = np.stack([tables.shape(row["shape"], AGES) for row in rows])
    ratio = np.array([float(row["male_to_female"]) for row in rows])
    share = np.array([float(row["share_pct"]) for row in rows])
    situ = np.array([float(row["in_situ_ratio"]) for row in rows])
    middle = np.minimum(np.arange(21) * 5 + 2, 110)
    # A ratio of men to women is one of numbers of patients.
    wanted = ANNUAL * share / share.sum() * (1 + situ)
    by_sex = []
    for sex, part in ((0, ratio / (1 + ratio)), (1, 1 / (1 + ratio))):
        crude = (national[sex] * curves[:, middle]).sum(axis=1)
        by_sex.append(curves * (wanted * part / crude)[:, None])
    survival = np.array([[float(v) for v in row["survival5_pct"].split()] for row in rows]) / 100
    survival = np.c_[survival, survival.mean(axis=1), np.ones(len(rows))]
    extent = np.array([[float(v) for v in row["extent_pct"].split()] for row in rows])
    hazard = -np.log(survival.clip(0.01, 0.9995)) / 5
    return Sites(
        site=tuple(row["site"] for row in rows),
        disease_code=tuple(row["disease_code"] for row in rows),
        icd10=tuple(row["icd10"] for row in rows),
        name=tuple(row["name"] for row in rows),
        topo=tuple(tuple(row["topo"].split()) for row in rows),
        morph=tuple(tuple(row["morph"].split()) for row in rows),
        rate=np.stack(by_sex),
        in_situ=situ / (1 + situ),
        extent=cumulated(extent),
        extent_of_deaths=cumulated(extent * (1 - survival[:, :5])),
        hazard=hazard,
        treatment=np.array([[float(v) for v in row["treatment_pct"].split()] for row in rows]) / 100,
        deadly=1 - (extent / 100 * survival[:, :5]).sum(axis=1),
    )


@dataclass(frozen=True)
class Cancers:
    """One row per tumour, by person and date. `kills` is the day of death from it, or never."""

    person: Array
    site: Array
    day: Array
    extent: Array
    kills: Array
    treated: Array
    """(tumour, treatment)"""

    def years_with(self, block: Block) -> Array:
        """(person, year boundary): in care for cancer (diagnosed within the last five years)."""
        starts = block.window.start + np.arange(block.window.years + 1) * YEAR
        found = np.zeros((block.n, len(starts)), dtype=bool)
        for year, day in enumerate(starts):
            near = (self.day < day + YEAR) & (self.day > day - BACK * YEAR)
            found[self.person[near], year] = True
        return found


def build(block: Block) -> Cancers:
    table = sites()
    rng = block.rng("cancer")
    window, people = block.window, block.people
    gone = people.died_before < NEVER
    rows: list[tuple[Array, Array, Array]] = []
    order = np.lexsort((rng.random(block.n), people.birth, people.sex))
    for year in range(-BACK, window.years):
        age = block.age(12 * year)
        for nth in range(len(table.site)):
            rate = table.rate[people.sex - 1, nth, age.clip(0, 110)]
            rate = np.where((age >= 0) & ~gone, rate, 0.0)
            person = events(rate, order, rng, block.number * 31 + year * 7 + nth)
            day = window.start + ((year + rng.random(len(person))) * YEAR).astype(np.int64)
            rows.append((person, np.full(len(person), nth), day))
    died = np.flatnonzero(gone)
    age_then = ((people.died_before[died] - people.birth[died]) / YEAR).astype(int).clip(0, 110)
    cause = died[rng.random(len(died)) < DEATH_SHARE[age_then]]
    age_cause = ((people.died_before[cause] - people.birth[cause]) / YEAR).astype(int).clip(0, 110)
    weights = table.deadly * table.rate[people.sex[cause] - 1, :, age_cause]
    fatal = pick(cumulated(weights), rng.random(len(cause)))
    lag = rng.exponential(1.4 * YEAR, len(cause)).clip(20, BACK * YEAR)
    rows.append(
        (cause, fatal, np.maximum(people.died_before[cause] - lag, people.birth[cause]).astype(np.int64))
    )
    person, site, day = columns(rows)
    due = np.r_[np.zeros(len(person) - len(cause), dtype=bool), np.ones(len(cause), dtype=bool)]
    extent = pick(table.extent[site], rng.random(len(person)))
    extent = np.where(rng.random(len(person)) < table.in_situ[site], 5, extent)
    extent = np.where(due, pick(table.extent_of_deaths[site], rng.random(len(person))), extent)
    # Half of the deaths in the first two years after a spread cancer: a hazard that falls.
    wait = rng.weibull(0.85, len(person)) / table.hazard[site, extent] * YEAR
    cured = (wait > 8 * YEAR) | (extent == 5)
    kills = np.where(cured, NEVER, day + wait).astype(np.int64)
    kills = np.where(due, people.died_before[person], kills)
    treated = rng.random((len(person), 5)) < _treatment(table, site, extent)
    fits = due | (kills > window.reference)
    fits &= day >= people.birth[person]
    keep = np.flatnonzero(fits & (kills >= window.start))
    keep = keep[np.lexsort((day[keep], person[keep]))]
    return Cancers(person[keep], site[keep], day[keep], EXTENT[extent[keep]], kills[keep], treated[keep])


def _treatment(table: Sites, site: Array, extent: Array) -> Array:
    """Probability of each treatment: spread cancers are operated on less and treated with drugs more."""
    factor = np.array(
        [
            # surgery, chemotherapy, radiotherapy, endoscopic, hormone
            [1.15, 0.6, 0.7, 1.5, 1.0],
            [1.25, 1.5, 1.2, 0.1, 1.1],
            [1.0, 1.5, 1.6, 0.1, 1.0],
            [0.3, 1.7, 1.4, 0.05, 1.1],
            [0.5, 0.7, 0.6, 0.3, 0.6],
            [0.8, 0.0, 0.1, 2.2, 0.2],
        ]
    )
    chance: Array = np.minimum(table.treatment[site] * factor[extent], 0.98)
    return chance
