"""How a life runs on beside illness: death and its cause, insurers, the married name, slips of the pen.

Decides the day and the cause of death, the spells of insurance and when a name changes. Relies on life-table rates by
sex and age [DK, 2022] of which `cancer` has its own part, multiplied for those with conditions that kill and divided
by the mean of that, so that deaths as a whole stay at the life table's. Insurer changes (10 % a year of adults), name
changes (3 % a year of women 25–39) and kana slips (0.8 % of registrations) are at the rates of the field's notes [DK].
"""

from dataclasses import dataclass

import numpy as np

from enclave.synth import population
from enclave.synth.block import Block
from enclave.synth.cancer import DEATH_SHARE, Cancers
from enclave.synth.cancer import sites as cancer_sites
from enclave.synth.disease import Health, conditions
from enclave.synth.draws import Array, cumulated, liability, pick
from enclave.synth.period import NEVER
from enclave.synth.population import YEAR
from enclave.synth.tables import cell21

RISK = {
    "hf": 2.2,
    "dementia": 1.9,
    "dialysis": 3.5,
    "copd": 1.8,
    "cva": 1.5,
    "ckd": 1.4,
    "pd": 1.5,
    "dm": 1.2,
    "als": 8.0,
}
"""Relative risks of death by condition [DK]."""

CAUSES: dict[str, tuple[float, tuple[float, ...]]] = {
    # ICD-10 of the underlying cause: manner, weight at ages 0, 10, … 90 among deaths not by cancer [DK, 2022]
    "R54": (1, (0, 0, 0, 0, 0, 0, 0.5, 3, 13, 32)),
    "I500": (1, (1, 1, 1, 2, 3, 5, 7, 9, 10, 12)),
    "I219": (1, (0, 0, 1, 2, 5, 7, 7, 6, 4, 3)),
    "I490": (1, (1, 2, 3, 4, 6, 8, 8, 6, 5, 4)),
    "I639": (1, (0, 0, 1, 1, 2, 3, 5, 6, 7, 6)),
    "I619": (1, (0, 1, 1, 3, 6, 7, 6, 4, 3, 2)),
    "I609": (1, (0, 0, 1, 2, 4, 4, 3, 2, 1, 1)),
    "J189": (1, (3, 2, 1, 1, 2, 2, 4, 6, 8, 8)),
    "J690": (1, (0, 0, 0, 0, 1, 1, 2, 4, 6, 6)),
    "J849": (1, (0, 0, 0, 0, 1, 1, 2, 4, 3, 1)),
    "J449": (1, (0, 0, 0, 0, 0, 1, 2, 3, 2, 1)),
    "N189": (1, (0, 0, 0, 0, 1, 1, 2, 3, 3, 3)),
    "K746": (1, (0, 0, 0, 1, 4, 5, 4, 2, 1, 0.5)),
    "E149": (1, (0, 0, 0, 1, 2, 2, 2, 2, 1, 1)),
    "F03": (1, (0, 0, 0, 0, 0, 0, 0.3, 1, 3, 5)),
    "G309": (1, (0, 0, 0, 0, 0, 0, 0.3, 1, 3, 4)),
    "G20": (1, (0, 0, 0, 0, 0, 0, 0.5, 1, 1, 0.4)),
    "A419": (1, (2, 1, 1, 1, 1, 1, 1, 1, 1, 1)),
    "I710": (1, (0, 0, 1, 1, 2, 3, 3, 3, 2, 1)),
    "P220": (1, (25, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
    "Q249": (1, (25, 4, 1, 1, 0.5, 0.2, 0.1, 0, 0, 0)),
    "X70": (9, (0, 25, 48, 38, 24, 13, 6, 2, 0.7, 0.2)),
    "V899": (2, (3, 8, 7, 4, 3, 2, 1.5, 1, 0.6, 0.2)),
    "W19": (3, (1, 1, 1, 1, 1.5, 2, 2, 2, 2, 2)),
    "W74": (4, (2, 3, 2, 1, 1, 1, 1.5, 2, 1.5, 0.6)),
    "W80": (6, (4, 1, 0.5, 0.5, 1, 1, 1.2, 1.5, 1.6, 1.5)),
    "R99": (12, (8, 6, 6, 6, 6, 6, 4, 2, 1, 0.5)),
}

KINDS = ("00", "01", "06", "31", "32", "34", "39")
"""Kinds of insurer: national health insurance, JHIA, societies, mutual aids (3), late elderly."""

WORKING = np.array([0.245, 0.37, 0.27, 0.025, 0.075, 0.015])
RETIRED = np.array([0.72, 0.19, 0.07, 0.005, 0.013, 0.002])
SPELLS = 8
"""Most changes of insurer that a person has in a run; the ninth does not happen."""

INDIVIDUAL_NUMBERS = (2022, 4)
"""From this month the oldest individual number (ID5) ties a person's records together."""


@dataclass(frozen=True)
class Lives:
    """`gone` is the first month after death (or the window's end), `born` the first month alive.

    `change` (person, SPELLS) are the months of insurer changes, sorted, NEVER where none; `kind` (person, SPELLS + 1)
    indexes KINDS; `policy` (person, SPELLS + 1) numbers the insured household's policy.
    `renamed` is the month of a change of name; `slip` (person, SPELLS + 1) whether the name was mistyped in that spell.
    """

    death: Array
    cause: Array
    gone: Array
    change: Array
    kind: Array
    policy: Array
    renamed: Array
    slip: Array

    def spell(self, person: Array, month: Array) -> Array:
        """Number of the insurance spell in a month."""
        found = np.zeros(len(person), dtype=np.int8)
        for k in range(SPELLS):
            found += self.change[person, k] <= month
        return found


CAUSE_CODES = (*CAUSES, *cancer_sites().icd10)
MANNER = np.array([manner for manner, _ in CAUSES.values()] + [1] * len(cancer_sites().icd10), dtype=np.int8)


def build(block: Block, health: Health, cancers: Cancers) -> Lives:
    rng = block.rng("lives")
    death, cause = _deaths(block, health, cancers, rng)
    window = block.window
    month = np.full(block.n, window.months, dtype=np.int32)
    dead = death < NEVER
    month[dead] = window.month(death[dead]) + 1
    change, kind, policy = _insurers(block, rng)
    age = block.age(window.months // 2)
    yearly = np.where((age >= 25) & (age < 40), 0.03, np.where((age >= 20) & (age < 60), 0.008, 0.0))
    renames = (block.people.sex == 2) & (rng.random(block.n) < yearly * window.years)
    renamed = np.where(renames, rng.integers(0, window.months, block.n), NEVER).astype(np.int32)
    # Marriage often changes insurer and name in one month: then neither of the older hashes lasts.
    both = renames & (rng.random(block.n) < 0.4) & (change[:, 0] < NEVER)
    renamed = np.where(both, change[:, 0], renamed).astype(np.int32)
    slip = rng.random((block.n, SPELLS + 1)) < 0.008
    return Lives(death, cause, month, change, kind, policy, renamed, slip)


def _deaths(block: Block, health: Health, cancers: Cancers, rng: np.random.Generator) -> tuple[Array, Array]:
    """(day of death or NEVER, index into CAUSE_CODES)."""
    window, people = block.window, block.people
    table, quotient = conditions(), population.mortality()
    sex = people.sex - 1
    hazards = np.zeros((block.n, window.years))
    for year in range(window.years):
        age = block.yearly_age[:, year].clip(0, 110)
        cell = np.minimum(age // 5, 20)
        factor = np.ones(block.n)
        for name, risk in RISK.items():
            c = table.index[name]
            factor *= np.where(health.active[:, c, year], risk, 1.0)
            factor /= 1 + (risk - 1) * table.prevalence[sex, c, age]
        # Rates fall linearly into the next band instead of stepping.
        base = quotient[sex, cell] * (1 - DEATH_SHARE[age])
        infant = np.where(block.yearly_age[:, year] < 1, 3.4, np.where(age < 5, 0.5, 1.0))
        hazards[:, year] = base * factor * infant
    begins = np.maximum(window.reference, people.birth)
    starts = window.start + np.arange(window.years + 1) * YEAR
    spent = np.clip((starts[None, 1:] - begins[:, None]) / YEAR, 0, 1) * (starts[None, 1:] > begins[:, None])
    running = np.cumsum(hazards * spent, axis=1)
    u = liability(rng.random(block.n), cell21(people.sex, block.yearly_age[:, 0].clip(0)), rng)
    threshold = -np.log1p(-u * 0.999999)
    year = (running < threshold[:, None]).sum(axis=1)
    dies = year < window.years
    y = np.minimum(year, window.years - 1)
    before = np.where(y > 0, running[np.arange(block.n), y - 1], 0.0)
    rate = np.maximum(hazards[np.arange(block.n), y], 1e-9)
    origin = np.maximum(starts[y], begins)
    day = (origin + (threshold - before) / rate * YEAR).astype(np.int64)
    death = np.where(dies, np.minimum(day, window.end - 1), NEVER)
    death = np.minimum(death, people.died_before)
    age_then = np.where(death < NEVER, (death - people.birth) / YEAR, 0).clip(0, 110)
    weights = np.stack([np.interp(age_then, np.arange(0, 100, 10), w) for _, w in CAUSES.values()], axis=1)
    # A stroke kills those who had one, a failing heart those whose heart fails.
    for name, codes in (
        ("hf", ("I500",)),
        ("cva", ("I639",)),
        ("dementia", ("F03", "G309")),
        ("dialysis", ("N189",)),
    ):
        boost = np.where(health.ever(name), 3.0, 0.8)
        for code in codes:
            weights[:, tuple(CAUSES).index(code)] *= boost
    cause = pick(cumulated(weights), rng.random(block.n))
    first = np.full(block.n, NEVER, dtype=np.int64)
    np.minimum.at(first, cancers.person, cancers.kills)
    of_cancer = (first <= death) & (first < window.end)
    site = np.zeros(block.n, dtype=np.int64)
    fatal = cancers.kills == first[cancers.person]
    site[cancers.person[fatal]] = cancers.site[fatal]
    death = np.where(of_cancer, np.maximum(first, window.start), death)
    cause = np.where(of_cancer, len(CAUSES) + site, cause)
    death = np.where(death < NEVER, np.maximum(death, people.birth), NEVER)
    return death.astype(np.int32), cause.astype(np.int16)


def _insurers(block: Block, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """(months of change, kind of each spell, policy of each spell)."""
    people, window = block.people, block.window
    n, months = block.n, window.months
    _, house = np.unique(people.house, return_inverse=True)
    houses = house.max() + 1
    oldest = np.full(houses, NEVER, dtype=np.int64)
    np.minimum.at(oldest, house, people.birth)
    head_age = (window.start - oldest) / YEAR
    working = pick(cumulated(WORKING), rng.random(houses))
    retired = pick(cumulated(RETIRED), rng.random(houses))
    first_kind = np.where(head_age >= 65, retired, working)
    monthly = np.where(head_age < 65, 0.0062, 0.003)
    # The household's changes, then one's own (first job, retirement, marriage), then the late elderly's at 75.
    house_months = np.sort(
        np.cumsum(rng.exponential(1 / monthly[:, None], (houses, 4)), axis=1), axis=1
    ).astype(np.int64)
    house_kinds = np.concatenate(
        [first_kind[:, None], pick(cumulated(WORKING), rng.random(houses * 4)).reshape(houses, 4)], axis=1
    )
    age = block.age(0)
    adult = (age >= 17) & (age < 70)
    own = np.where(adult, rng.exponential(12 / 0.035, n), NEVER).astype(np.int64)
    own = np.where((age >= 14) & (age < 22), np.minimum(own, (22 - age) * 12 + rng.integers(-6, 7, n)), own)
    own = np.where((own < 1) | (own >= months), NEVER, own)
    late = (75 * 12 - (window.era0 - people.birth_era)).astype(np.int64)
    parts = np.where(house_months[house] < months, house_months[house], NEVER)
    parts = np.where(parts < late[:, None], parts, NEVER)
    own = np.where(own < late, own, NEVER)
    # After an own change the household's changes no longer matter.
    parts = np.where(parts < own[:, None], parts, NEVER)
    late_change = np.where((late > 0) & (late < months), late, NEVER)
    change = np.full((n, SPELLS), NEVER, dtype=np.int64)
    change[:, :4] = parts
    change[:, 4] = own
    change[:, 5] = late_change
    change.sort(axis=1)
    kind = np.zeros((n, SPELLS + 1), dtype=np.int8)
    policy = np.zeros((n, SPELLS + 1), dtype=np.int64)
    own_kind = pick(cumulated(WORKING), rng.random(n))
    for k in range(SPELLS + 1):
        since = np.where(k == 0, -1, change[:, k - 1]) if k else np.full(n, -1)
        household_spell = (parts <= since[:, None]).sum(axis=1)
        is_late = since >= late if k else late <= 0
        is_own = (since >= own) & (own < NEVER)
        kind[:, k] = np.where(is_late, 6, np.where(is_own, own_kind, house_kinds[house, household_spell]))
        shared = people.house.astype(np.int64) * 16 + household_spell
        alone = people.id.astype(np.int64) * 16 + 8 + np.where(is_late, 2, 1)
        policy[:, k] = np.where(is_late | is_own, -alone, shared)
    # An invented person whose household is all of NHI keeps the number when moving within it; the rest is detail.
    return change.astype(np.int32), kind, policy
