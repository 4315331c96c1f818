"""Long-term drugs: who uses which, from when, for how long.

Decides users so that units dispensed meet the 9th NDB Open Data by ingredient, sex and age: the share of users is
published units ÷ (days × daily dose), given first to those whose illness calls for the drug. Initiation and
persistence: a stock of users at the start and a flow of new ones that keeps it, one in five of whom stops within
months. Whoever uses a drug without its illness gets the illness: a claim needs a reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from enclave.synth import fitted, population, tables
from enclave.synth.block import Block
from enclave.synth.codelists import products
from enclave.synth.disease import Health, conditions
from enclave.synth.draws import Array, columns, cumulated, liability, pick
from enclave.synth.lives import Lives
from enclave.synth.tables import cell19

OUTSIDE = 0.76
"""Share of prescriptions that a pharmacy outside dispenses; the published units are those."""

TAKEN = 0.93
"""Days supplied per day of use: months not attended."""

ONLY_ILL = frozenset({"phosphate"})
"""Families that only those with their illness use: nobody is put on dialysis for a drug."""

EARLY_STOP = 0.2
EARLY_MONTHS = 3.0


@dataclass(frozen=True)
class Family:
    """Alternatives of which a person uses one. `share` (38,) of users; `members` are ingredients with their mix."""

    name: str
    indications: Array
    months: float
    share: Array
    products: Array
    daily: Array
    mix: Array


@cache
def cell_people() -> Array:
    """Real residents by published cell (38)."""
    national = population.joint_table().sum(axis=0) * population.REAL_PEOPLE
    folded = np.concatenate([national[:, :18], national[:, 18:].sum(axis=1, keepdims=True)], axis=1)
    cells: Array = folded.reshape(38)
    return cells


@cache
def families() -> tuple[Family, ...]:
    listed = products()
    by_family: dict[str, list[Mapping[str, str]]] = {}
    for row in tables.rows("drug_units"):
        by_family.setdefault(row["family"], []).append(row)
    found = []
    for row in tables.rows("families"):
        numbers, daily, mix = [], [], []
        total = np.zeros(38)
        for member in by_family[row["family"]]:
            dose = float(member["daily"])
            users = (
                tables.cells(member) * fitted.factor("drug", member["yj7"]) / (365 * dose * OUTSIDE * TAKEN)
            )
            total += users
            for number in listed.by_key[member["yj7"]]:
                numbers.append(number)
                daily.append(dose)
                mix.append(users * listed.share[number])
        found.append(
            Family(
                name=row["family"],
                indications=np.array([conditions().index[c] for c in row["indications"].split(",")]),
                months=12 * float(row["years"]),
                share=np.minimum(total / cell_people(), 0.9),
                products=np.array(numbers, dtype=np.int16),
                daily=np.array(daily, dtype=np.float32),
                mix=cumulated(np.stack(mix, axis=1)),
            )
        )
    return tuple(found)


@dataclass(frozen=True)
class Medication:
    """One row per spell of use. `condition` is why. `reasons` are conditions that had to be added (rows)."""

    person: Array
    family: Array
    product: Array
    daily: Array
    start: Array
    end: Array
    condition: Array
    added: Array

    def users(self, block: Block, name: str) -> tuple[Array, Array]:
        """(first month of use, month after the last) per person; an empty span where none."""
        number = [f.name for f in families()].index(name)
        mine = self.family == number
        start = np.full(block.n, block.window.months, dtype=np.int32)
        end = np.zeros(block.n, dtype=np.int32)
        np.minimum.at(start, self.person[mine], self.start[mine])
        np.maximum.at(end, self.person[mine], self.end[mine])
        return start, end


def build(block: Block, health: Health, lives: Lives) -> Medication:
    rng = block.rng("medication")
    window = block.window
    months = window.months
    age = block.yearly_age[:, window.claims_year - window.first].clip(0, 110)
    cell = cell19(block.people.sex, age)
    ever: Array = np.asarray(health.active.any(axis=2))
    first = np.full((block.n, ever.shape[1]), months, dtype=np.int32)
    np.minimum.at(first, (health.person, health.condition), health.start)
    rows = []
    for nth, family in enumerate(families()):
        indicated: Array = ever[:, family.indications]
        # The first reason counts more than the others: a drug for diabetes goes to diabetes before heart failure.
        score = indicated.any(axis=1) * 5 + indicated[:, 0] * 3 + rng.standard_normal(block.n)
        u = liability(score, cell, rng)
        if family.name in ONLY_ILL:
            # Too rare to be ranked within a block: by chance among those who have it, nobody else.
            reason = conditions().prevalence[block.people.sex - 1, family.indications[0], age]
            u = np.where(indicated[:, 0], rng.random(block.n) * reason, 1.0)
        share = family.share[cell]
        mean = (1 - EARLY_STOP) * family.months + EARLY_STOP * EARLY_MONTHS
        fresh = share * months / mean
        stock = u < share
        flow: Array = ~stock & (u < np.minimum(share + fresh, 0.97))
        person = np.flatnonzero(stock | flow)
        new = flow[person]
        # The reason: the first of the family's indications that the person has, else its first.
        has: Array = indicated[person]
        which = np.where(has.any(axis=1), has.argmax(axis=1), 0)
        condition = family.indications[which]
        begun = np.where(has.any(axis=1), first[person, condition], 0)
        start = np.where(new, (rng.random(len(person)) * months).astype(np.int32), 0)
        start = np.maximum(np.maximum(start, np.where(has.any(axis=1), begun, 0)), block.born[person])
        early = new & (rng.random(len(person)) < EARLY_STOP)
        length = rng.exponential(np.where(early, EARLY_MONTHS, family.months)) + 0.5
        end = np.minimum(start + np.maximum(length, 1).astype(np.int64), lives.gone[person])
        product = pick(family.mix[cell[person]], rng.random(len(person)))
        lacks: Array = np.asarray(~has.any(axis=1))
        keep = end > start
        rows.append(
            (
                person[keep],
                np.full(keep.sum(), nth),
                family.products[product[keep]],
                family.daily[product[keep]],
                start[keep],
                end[keep],
                condition[keep],
                lacks[keep],
            )
        )
    person, number, product, daily, start, end, condition, added = columns(rows)
    return Medication(
        person.astype(np.int32),
        number.astype(np.int16),
        product,
        daily,
        start.astype(np.int32),
        end.astype(np.int32),
        condition.astype(np.int16),
        added,
    )
