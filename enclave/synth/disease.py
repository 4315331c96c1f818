"""Chronic conditions: who has which, from when to when, and what disposes to several at once.

Decides onset and course from the age curves of `data/conditions.csv` [DK prevalences, marked there]: a person's
liability to a condition is one number; the condition is present while the curve for their sex and age stands above
it. Liabilities of related conditions share a latent factor and are spread evenly within sex and age, so that
prevalence is met with little noise. Does not decide what is done about a condition.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from enclave.synth import population, tables
from enclave.synth.block import Block
from enclave.synth.draws import Array, liability
from enclave.synth.population import YEAR
from enclave.synth.tables import cell21

LATENTS = ("met", "cv", "frail", "mental", "atopic", "none")
AGES = np.arange(111)


@dataclass(frozen=True)
class Conditions:
    """The table, as arrays over conditions. `prevalence` is (sex, condition, age in years)."""

    index: dict[str, int]
    disease_code: tuple[str, ...]
    icd10: tuple[str, ...]
    name: tuple[str, ...]
    dept: tuple[str, ...]
    latent: Array
    load: Array
    prevalence: Array


@cache
def conditions() -> Conditions:
    rows = tables.rows("conditions")
    national = population.joint_table().sum(axis=0)
    curves = np.stack([tables.shape(row["shape"], AGES) for row in rows])
    ratio = np.array([float(row["male_to_female"]) for row in rows])
    wanted = np.array([float(row["prevalence_pct"]) for row in rows]) / 100
    middle = np.minimum(np.arange(21) * 5 + 2, 110)
    # Women at 1, men at `ratio`, both scaled to the prevalence over all.
    crude = (national[0] * curves[:, middle]).sum(axis=1) * ratio + (national[1] * curves[:, middle]).sum(
        axis=1
    )
    scale = wanted / crude
    both = np.stack([curves * (scale * ratio)[:, None], curves * scale[:, None]])
    return Conditions(
        index={row["condition"]: number for number, row in enumerate(rows)},
        disease_code=tuple(row["disease_code"] for row in rows),
        icd10=tuple(row["icd10"] for row in rows),
        name=tuple(row["name"] for row in rows),
        dept=tuple(row["dept"] for row in rows),
        latent=np.array([LATENTS.index(row["latent"]) for row in rows]),
        load=np.array([float(row["load"]) for row in rows]),
        prevalence=np.minimum(both, 0.97),
    )


@dataclass(frozen=True)
class Health:
    """`active` is (person, condition, year boundary). The other arrays have one row per condition present at any time.

    `start` and `end` are months of the window (end exclusive); `onset` is the day on which it began.
    """

    latents: Array
    active: Array
    person: Array
    condition: Array
    start: Array
    end: Array
    onset: Array

    def has(self, name: str) -> Array:
        """(person, year boundary)"""
        found: Array = self.active[:, conditions().index[name], :]
        return found

    def ever(self, name: str) -> Array:
        found: Array = np.asarray(self.has(name).any(axis=1))
        return found


def build(block: Block) -> Health:
    """The block's conditions, as if nobody died; `lives` cuts them at death."""
    table = conditions()
    rng = block.rng("disease")
    n, years = block.n, block.window.years
    latents = rng.standard_normal((len(LATENTS), n))
    # What disposes to one chronic disease disposes a little to others.
    general = rng.standard_normal(n)
    latents[:4] = 0.9 * latents[:4] + 0.436 * general
    ages = block.yearly_age.clip(0, 110)
    middle = ages[:, years // 2]
    cell = cell21(block.people.sex, middle)
    sex = block.people.sex - 1
    count = len(table.latent)
    u = np.empty((n, count))
    for c in range(count):
        noise = rng.standard_normal(n)
        load = table.load[c]
        u[:, c] = liability(load * latents[table.latent[c]] + np.sqrt(1 - load * load) * noise, cell, rng)
    prevalence = table.prevalence[sex[:, None, None], np.arange(count)[None, :, None], ages[:, None, :]]
    active: Array = np.asarray((u[:, :, None] < prevalence) & (block.yearly_age >= 0)[:, None, :])
    person, condition = np.nonzero(active.any(axis=2))
    states = active[person, condition]
    first = states.argmax(axis=1)
    last = years - states[:, ::-1].argmax(axis=1)
    jitter = rng.integers(1, 13, (2, len(person)))
    start = np.where(first == 0, 0, 12 * (first - 1) + jitter[0])
    start = np.maximum(start, block.born[person])
    end = np.where(last == years, block.window.months, 12 * last + jitter[1])
    end = np.minimum(np.maximum(end, start + 1), block.window.months)
    onset = _onset(block, person, condition, u[person, condition], start, rng)
    keep = start < block.window.months
    return Health(
        latents=latents,
        active=active,
        person=person[keep].astype(np.int32),
        condition=condition[keep].astype(np.int16),
        start=start[keep].astype(np.int32),
        end=end[keep].astype(np.int32),
        onset=onset[keep].astype(np.int32),
    )


def _onset(
    block: Block, person: Array, condition: Array, u: Array, start: Array, rng: np.random.Generator
) -> Array:
    """The day on which a condition began: inside the window where it starts there, else where the curve passed `u`."""
    table = conditions()
    window, people = block.window, block.people
    rising = np.maximum.accumulate(table.prevalence, axis=2)
    age = np.empty(len(person))
    for sex in (0, 1):
        for c in range(rising.shape[1]):
            here = np.flatnonzero((condition == c) & (people.sex[person] == sex + 1))
            if len(here):
                age[here] = np.searchsorted(rising[sex, c], u[here], side="right")
    days = (people.birth[person] + (age + rng.random(len(person)) - 0.5).clip(0) * YEAR).astype(np.int64)
    inside = window.month_start[start.clip(max=window.months - 1)] + rng.integers(0, 28, len(person))
    earlier = np.minimum(days, window.start - rng.integers(1, 400, len(person)))
    earlier = np.maximum(earlier, people.birth[person])
    begun = np.where(start > 0, inside, earlier)
    return np.maximum(begun, people.birth[person])
