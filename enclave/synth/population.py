"""Who lives when and where: the whole population's skeleton, drawn once before the blocks.

Decides sex, birth, residence, household, move and who is too early dead or too late born for the reference day. On
that day (1 October of the claims' year) the living have exactly the published structure by sex, age and prefecture,
as far as whole people allow. Relies on the 2020 census by prefecture and on age shares [DK]; the joint table is
fitted to them. Who falls ill and dies afterwards is `lives`.
"""

from dataclasses import dataclass, fields

import numpy as np

from enclave.synth import tables
from enclave.synth.draws import Array, columns, pick, ragged, stream, systematic
from enclave.synth.period import NEVER, Window, era_month
from enclave.synth.places import Places

BLOCK = 2_500
"""Persons in a block, about. Part of what makes the bytes: changing it changes every database."""

YEAR = 365.2425
BIRTHS = 0.00611
"""Births per person and year (2022: 770,759 [DK])."""

MOVES = np.interp(
    np.arange(111), [0, 5, 15, 18, 22, 30, 40, 60, 80, 110], [4.5, 3, 1.5, 8, 13, 8, 4, 1.6, 1.3, 1.3]
)
"""Percent who move to another municipality in a year, by age [DK, after the resident register's migration report]."""


@dataclass(frozen=True)
class People:
    """One row per person, households together, block by block. Days since 1970; months of the window."""

    id: Array
    sex: Array
    birth: Array
    birth_era: Array
    pref: Array
    muni: Array
    muni_after: Array
    move_month: Array
    house: Array
    mother: Array
    died_before: Array
    checked: Array
    check_habit: Array
    block: Array

    def part(self, block: int) -> "People":
        """The persons of one block; `mother` becomes a position inside it (−1: none)."""
        first, last = np.searchsorted(self.block, [block, block + 1])
        part = People(**{field.name: getattr(self, field.name)[first:last] for field in fields(self)})
        inside = (part.mother >= first) & (part.mother < last)
        mother = np.where(inside, part.mother - first, -1).astype(np.int32)
        return People(**{**{f.name: getattr(part, f.name) for f in fields(self)}, "mother": mother})

    @property
    def size(self) -> int:
        return len(self.id)


def joint_table() -> Array:
    """Share of residents by (prefecture, sex, five-year age to 100), fitted to what is published of it."""
    ages = tables.rows("ages")
    prefs = tables.rows("prefectures")
    count = np.array([float(row["population_2022_thousand"]) for row in ages])
    male = np.array([float(row["male_share"]) for row in ages])
    national = np.stack([count * male, count * (1 - male)])
    national /= national.sum()
    people = np.array([float(row["population_2020"]) for row in prefs])
    people /= people.sum()
    old = np.array([float(row["share_65_pct"]) for row in prefs]) / 100
    young = np.array([float(row["share_under_15_pct"]) for row in prefs]) / 100
    group = np.repeat([0, 1, 2], [3, 10, 8])
    wanted = people[:, None] * np.stack([young, 1 - young - old, old], axis=1)
    table = people[:, None, None] * national[None]
    for _ in range(200):
        for g in range(3):
            inside = group == g
            table[:, :, inside] *= (wanted[:, g] / table[:, :, inside].sum(axis=(1, 2)))[:, None, None]
        table *= (national / table.sum(axis=0))[None]
    fitted: Array = table
    return fitted


def mortality() -> Array:
    """Deaths per person and year by (sex, five-year age to 100)."""
    ages = tables.rows("ages")
    columns = ("deaths_per_1000_male", "deaths_per_1000_female")
    return np.array([[float(row[column]) for row in ages] for column in columns]) / 1000


def build(seed: int, people: int, window: Window, places: Places) -> People:
    """The population of `people` persons on the reference day, with those who died before and were born after."""
    rng = stream(seed, -1, "population")
    table = joint_table()
    before = (window.reference - window.start) / YEAR
    after = (window.end - window.reference) / YEAR
    dead = table * mortality()[None] * before
    mothers = table[:, 1, 5:7].sum(axis=1)
    born = np.zeros_like(table)
    born[:, 0, 0] = mothers / mothers.sum() * BIRTHS * after * 0.513
    born[:, 1, 0] = mothers / mothers.sum() * BIRTHS * after * 0.487
    parts = [
        _draw(table, people, rng, window, "living"),
        _draw(dead, people, rng, window, "dead"),
        _draw(born, people, rng, window, "born"),
    ]
    pref, sex, birth, died = columns(parts)
    muni = _residence(pref, places, rng)
    house, mother = _households(places.muni_area[muni], sex, birth, rng)
    muni = muni[_head(house, birth)]
    # Whole households to blocks, in an order that says nothing about where they live.
    shuffled = rng.permutation(house.max() + 1)[house]
    order = np.lexsort((birth, shuffled))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    block = (np.arange(len(order)) // BLOCK).astype(np.int32)
    first = np.r_[True, shuffled[order][1:] != shuffled[order][:-1]]
    block = block[np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))]
    pref, sex, birth, died, muni = pref[order], sex[order], birth[order], died[order], muni[order]
    house = np.cumsum(first) - 1
    mother = np.where(mother[order] >= 0, rank[mother[order]], -1)
    after_move, month = _moves(house, sex, birth, muni, places, window, rng)
    checked, habit = _checkups(places.area_pref[places.muni_area[muni]], sex, birth, died, window, rng)
    return People(
        id=np.arange(1, len(order) + 1, dtype=np.uint64),
        sex=sex.astype(np.int8),
        birth=birth.astype(np.int32),
        birth_era=era_month(birth),
        pref=places.area_pref[places.muni_area[muni]].astype(np.int8),
        muni=muni.astype(np.int16),
        muni_after=after_move.astype(np.int16),
        move_month=month.astype(np.int32),
        house=house.astype(np.int32),
        mother=mother.astype(np.int32),
        died_before=died.astype(np.int32),
        checked=checked,
        check_habit=habit,
        block=block,
    )


def _draw(
    table: Array, people: int, rng: np.random.Generator, window: Window, what: str
) -> tuple[Array, Array, Array, Array]:
    """(prefecture, sex, birth, day of death before the reference day) of one group, drawn systematically."""
    # Sex and age outermost: the national structure is met to the person, prefectures within it.
    flat = table.transpose(1, 2, 0).ravel() * people
    counts = systematic(flat, rng.random())
    index = np.repeat(np.arange(len(flat)), counts)
    sex, age5, pref = np.unravel_index(index, (2, 21, 47))
    u = rng.random(len(index))
    days = (age5 * 5 + np.where(age5 == 20, u**3 * 8, u * 5)) * YEAR
    birth = window.reference - 1 - days.astype(np.int32)
    died = np.full(len(index), NEVER, dtype=np.int32)
    if what == "dead":
        died = (window.start + rng.random(len(index)) * (window.reference - window.start)).astype(np.int32)
        birth = np.minimum(birth, died - 1)
    if what == "born":
        birth = (window.reference + rng.random(len(index)) * (window.end - window.reference)).astype(np.int32)
    return pref, sex + 1, birth, died


def _residence(pref: Array, places: Places, rng: np.random.Generator) -> Array:
    """A municipality for everybody, in proportion within the prefecture."""
    muni = np.empty(len(pref), dtype=np.int64)
    muni_pref = places.area_pref[places.muni_area]
    for number in range(47):
        here = np.flatnonzero(pref == number)
        inside = np.flatnonzero(muni_pref == number)
        share = places.muni_population[inside].astype(float)
        counts = systematic(share / share.sum() * len(here), rng.random())
        counts[np.argmax(share)] += len(here) - counts.sum()
        muni[rng.permutation(here)] = np.repeat(inside, counts)
    return muni


def _households(area: Array, sex: Array, birth: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """(household, mother) within each area: couples of like age, children with a woman who could be their mother."""
    n = len(area)
    house = np.arange(n)
    mother = np.full(n, -1)
    age = (birth.max() - birth) / YEAR
    married = np.interp(age, [20, 25, 30, 40, 60, 75, 85, 95], [0, 0.15, 0.55, 0.68, 0.72, 0.7, 0.5, 0.25])
    willing = rng.random(n) < np.where(sex == 1, married, np.minimum(married * 1.05, 0.8))
    men = np.flatnonzero((sex == 1) & willing & (age >= 20))
    women = np.flatnonzero((sex == 2) & willing & (age >= 20))
    men = men[np.lexsort((birth[men] + 730, area[men]))]
    women = women[np.lexsort((birth[women], area[women]))]
    place_m, place_w = _position(area[men]), _position(area[women])
    key_w = area[women].astype(np.int64) * 10**6 + place_w
    key_m = area[men].astype(np.int64) * 10**6 + place_m
    at = np.searchsorted(key_w, key_m).clip(max=max(len(women) - 1, 0))
    if len(women):
        matched = key_w[at] == key_m
        close = np.abs(birth[men] - birth[women[at]]) < 12 * YEAR
        pair = matched & close
        house[women[at[pair]]] = house[men[pair]]
    children = np.flatnonzero(age < 22)
    able = np.flatnonzero((sex == 2) & (age >= 18) & (age < 66))
    if len(able) and len(children):
        able = able[np.lexsort((birth[able], area[able]))]
        scale = 10**5
        wanted = birth[children] - rng.normal(31.5, 4.5, len(children)).clip(19, 43) * YEAR
        keys = area[able].astype(np.int64) * scale + (birth[able] + 45_000)
        target = area[children].astype(np.int64) * scale + (wanted + 45_000).astype(np.int64)
        at = np.searchsorted(keys, target).clip(max=len(able) - 1)
        difference = (birth[children] - birth[able[at]]) / YEAR
        fits = (area[able[at]] == area[children]) & (difference > 17) & (difference < 47)
        mother[children[fits]] = able[at[fits]]
        house[children[fits]] = house[able[at[fits]]]
    # A woman that joined a man's household takes her earlier children along: follow the links once more.
    house = house[house]
    _, house = np.unique(house, return_inverse=True)
    return house, mother


def _position(sorted_area: Array) -> Array:
    counts = np.bincount(sorted_area) if len(sorted_area) else np.zeros(0, dtype=int)
    return ragged(counts)[1]


def _head(house: Array, birth: Array) -> Array:
    """The oldest person of everybody's household."""
    order = np.lexsort((birth, house))
    first = order[np.r_[True, house[order][1:] != house[order][:-1]]]
    return first[house]


def _moves(
    house: Array,
    sex: Array,
    birth: Array,
    muni: Array,
    places: Places,
    window: Window,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """(municipality afterwards, month of the move): households move together, young adults also alone."""
    n = len(house)
    age = ((window.reference - birth) / YEAR).clip(0, 110).astype(int)
    head = _head(house, birth)
    yearly = MOVES[age] / 100
    moves = rng.random(n) < 1 - (1 - yearly) ** window.years
    with_house = moves[head] & (age[head] >= 22)
    alone = moves & (age >= 18) & (age < 30) & (head != np.arange(n))
    month = rng.integers(1, window.months, n)
    spring = rng.random(n) < 0.35
    month = np.where(spring, (month // 12) * 12 + rng.choice([0, 11], n), month)
    month = np.where(month == 0, 12, month).clip(max=window.months - 1)
    month = np.where(with_house, month[head], month)
    # Half within the prefecture; the others to where people are.
    weights = places.muni_population.astype(float)
    anywhere = pick(np.cumsum(weights) / weights.sum(), rng.random(n))
    area_pref = places.area_pref[places.muni_area]
    order = np.argsort(area_pref, kind="stable")
    counts = np.bincount(area_pref, minlength=47)
    starts = np.cumsum(counts) - counts
    own = area_pref[muni]
    near = order[starts[own] + (rng.random(n) * counts[own]).astype(int)]
    chosen = np.where(rng.random(n) < 0.55, near, anywhere)
    chosen = np.where(with_house, chosen[head], chosen)
    gone = (with_house | alone) & (chosen != muni)
    return np.where(gone, chosen, muni), np.where(gone, month, NEVER)


def _checkups(
    pref: Array, sex: Array, birth: Array, died: Array, window: Window, rng: np.random.Generator
) -> tuple[Array, Array]:
    """(checked in the check-ups' year, habit 0–1): as many by prefecture, sex and age as published, scaled.

    People go to check-ups by habit, so the same number decides the other years.
    """
    n = len(pref)
    end = window.fiscal_start(window.checkup_year + 1)
    age = (end - 1 - birth) / YEAR
    band = (age // 5).astype(int) - 8
    alive = (birth < end) & (died >= end)
    inside = alive & (band >= 0) & (band < 7)
    expected = checkup_targets()
    people_there = np.zeros((47, 2, 7))
    np.add.at(people_there, (pref[inside], sex[inside] - 1, band[inside]), 1)
    scale = _scale(people_there)
    share = np.divide(expected * scale, people_there, out=np.zeros_like(expected), where=people_there > 0)
    habit = rng.random(n)
    checked = np.zeros(n, dtype=bool)
    rows = np.flatnonzero(inside)
    order = rows[np.lexsort((rng.random(len(rows)), pref[rows], band[rows], sex[rows]))]
    probability = np.minimum(share[pref[order], sex[order] - 1, band[order]], 0.97)
    checked[order] = systematic(probability, rng.random()) > 0
    p = np.zeros(n)
    p[order] = probability
    # Whoever goes has a habit below the share, whoever does not above: later years follow from it.
    habit = np.where(inside, np.where(checked, habit * p, p + habit * (1 - p)), habit)
    return checked, habit.astype(np.float32)


def checkup_targets() -> Array:
    """Published number of check-ups by (prefecture, sex, five-year age 40–74), FY2021."""
    table = np.zeros((47, 2, 7))
    for row in tables.rows("checkup_classes"):
        total = sum(float(row[column]) for column in row if column.startswith("bmi"))
        table[int(row["pref"]) - 1, int(row["sex"]) - 1, int(row["age"]) // 5 - 8] = total
    return table


def _scale(people_there: Array) -> float:
    """Invented persons per real person, from the ages that have check-ups."""
    national = joint_table()[:, :, 8:15].sum()
    return float(people_there.sum() / (national * REAL_PEOPLE))


REAL_PEOPLE = 124_947_000
"""Residents on 1 October 2022 [DK]: what one invented person stands for is this divided by `people`."""
