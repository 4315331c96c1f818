"""Areas and institutions: real secondary medical areas, invented municipalities and facilities.

Decides how many facilities of each kind an area has and which of them people there use. Relies on the published list
of 335 areas with its first visits as weight. The municipalities are invented (their codes, counted down from 999,
are used by none in reality): no published list at hand says which municipality belongs to which area.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from enclave.synth import tables
from enclave.synth.draws import Array, stream, systematic

NATIONAL = 126_146_099
"""Population of the 2020 census."""


class Kind(IntEnum):
    """Kinds of facility. The clinics' order is that of the departments in `care.DEPTS`."""

    GP = 0
    HOSPITAL = 1
    ORTHO = 2
    EYE = 3
    PSY = 4
    ENT = 5
    DERM = 6
    URO = 7
    GYN = 8
    DIALYSIS = 9
    DENTAL = 10
    PHARMACY = 11
    SMALL_HOSPITAL = 12
    LONG_STAY = 13
    PSY_HOSPITAL = 14
    NURSING = 15
    HOME_CARE = 16
    DAY_CARE = 17
    CARE_HOME = 18
    WELFARE = 19


FACILITIES: dict[Kind, tuple[int, int]] = {
    # national number, least number in an area (0: at least one in a prefecture)
    # [DK] 8,100 hospitals, 105,000 clinics, 67,000 dental, 62,000 pharmacies; their split by department and the
    # numbers of care providers are assumptions.
    Kind.GP: (58_000, 2),
    Kind.HOSPITAL: (1_760, 1),
    Kind.ORTHO: (9_000, 0),
    Kind.EYE: (8_200, 0),
    Kind.PSY: (5_500, 0),
    Kind.ENT: (6_000, 0),
    Kind.DERM: (6_500, 0),
    Kind.URO: (3_000, 0),
    Kind.GYN: (4_500, 0),
    Kind.DIALYSIS: (4_400, 0),
    Kind.DENTAL: (67_000, 1),
    Kind.PHARMACY: (62_000, 2),
    Kind.SMALL_HOSPITAL: (3_700, 1),
    Kind.LONG_STAY: (1_500, 0),
    Kind.PSY_HOSPITAL: (1_050, 0),
    Kind.NURSING: (13_000, 0),
    Kind.HOME_CARE: (36_000, 1),
    Kind.DAY_CARE: (43_000, 1),
    Kind.CARE_HOME: (20_000, 1),
    Kind.WELFARE: (30_000, 0),
}

OWN_AREA = 0.85
"""Share of people who go to a facility in their own area where there is one [DK]."""

MUNICIPALITIES = 1741


@dataclass(frozen=True)
class Places:
    """Areas (index = position in the published list), municipalities and facilities.

    `by_area[kind, area]` and `by_pref[kind, pref]` are ranges (start, count) in `ordered` / `ordered_pref`.
    """

    pref_code: Array
    area_code: Array
    area_name: Array
    area_pref: Array
    area_weight: Array
    muni_code: Array
    muni_name: Array
    muni_area: Array
    muni_population: Array
    area_munis: Array
    facility_id: Array
    facility_kind: Array
    facility_area: Array
    facility_in_house: Array
    ordered: Array
    by_area: Array
    ordered_pref: Array
    by_pref: Array

    def choose(self, kind: Kind, area: Array, rng: np.random.Generator) -> Array:
        """A facility of the kind for a resident of each area: mostly at home, else in the prefecture."""
        start, count = self.by_area[kind][area].T
        pref_start, pref_count = self.by_pref[kind][self.area_pref[area]].T
        home = (rng.random(len(area)) < OWN_AREA) & (count > 0)
        u = rng.random(len(area))
        # Where an area has none, its range is empty and may begin past the end: any place will do, it is not taken.
        place = start + np.minimum((u * count).astype(np.int64), np.maximum(count - 1, 0))
        near = self.ordered[np.minimum(place, len(self.ordered) - 1)]
        far = self.ordered_pref[pref_start + (u * pref_count).astype(np.int64)]
        chosen: Array = np.where(home, near, far).astype(np.int32)
        return chosen


def build(seed: int, people: int) -> Places:
    """All places of a world of `people` persons."""
    rng = stream(seed, -1, "places")
    areas = tables.rows("sma")
    prefs = [row["pref_code"] for row in tables.rows("prefectures")]
    area_pref = np.array([prefs.index(row["pref_code"]) for row in areas])
    visits = np.array([float(row["first_visits"]) for row in areas])
    census = np.array([float(row["population_2020"]) for row in tables.rows("prefectures")])
    by_pref = np.bincount(area_pref, visits, len(prefs))
    weight = visits / by_pref[area_pref] * census[area_pref]
    munis = _municipalities(areas, area_pref, weight, rng)
    kinds, located = _facilities(people, area_pref, weight)
    total = len(kinds)
    identity = np.sort(rng.choice(9_000_000, total, replace=False)) + 1_000_000
    ordered, ranges = _ranges(kinds, located, len(areas))
    ordered_pref, pref_ranges = _ranges(kinds, area_pref[located], len(prefs))
    return Places(
        pref_code=np.array(prefs),
        area_code=np.array([row["sma_code"] for row in areas]),
        area_name=np.array([row["name"] for row in areas]),
        area_pref=area_pref,
        area_weight=weight,
        facility_id=rng.permutation(identity).astype(np.int64),
        facility_kind=kinds,
        facility_area=located.astype(np.int16),
        facility_in_house=_dispensing(kinds, located, area_pref, weight, rng),
        ordered=ordered,
        by_area=ranges,
        ordered_pref=ordered_pref,
        by_pref=pref_ranges,
        **munis,
    )


def _municipalities(
    areas: tuple[Mapping[str, str], ...], area_pref: Array, weight: Array, rng: np.random.Generator
) -> dict[str, Array]:
    counts = np.maximum(1, np.round(MUNICIPALITIES * weight**0.45 / (weight**0.45).sum())).astype(int)
    share = rng.lognormal(0, 1.15, counts.sum())
    owner = np.repeat(np.arange(len(areas)), counts)
    population = np.round(share / np.bincount(owner, share)[owner] * weight[owner]).astype(np.int32)
    number = np.zeros(47, dtype=int)
    codes, names = [], []
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    for row, area in enumerate(owner):
        pref = area_pref[area]
        number[pref] += 1
        codes.append(f"{areas[area]['pref_code']}{1000 - number[pref]}")
        kind = "市" if population[row] >= 50_000 else "町" if population[row] >= 5_000 else "村"
        names.append(f"{areas[area]['name']}第{within[row] + 1}{kind}（仮想）")
    return {
        "muni_code": np.array(codes),
        "muni_name": np.array(names),
        "muni_area": owner.astype(np.int16),
        "muni_population": population,
        "area_munis": np.stack([np.cumsum(counts) - counts, counts], axis=1),
    }


def _facilities(people: int, area_pref: Array, weight: Array) -> tuple[Array, Array]:
    """(kind, area) of every facility: in proportion to people, with the least numbers of `FACILITIES`."""
    kinds, located = [], []
    for kind, (national, least) in FACILITIES.items():
        wanted = national * people / NATIONAL * weight / weight.sum()
        counts = np.maximum(np.floor(wanted + 0.5), least).astype(int)
        if least == 0:
            for pref in range(47):
                inside = np.flatnonzero(area_pref == pref)
                if counts[inside].sum() == 0:
                    counts[inside[np.argmax(weight[inside])]] = 1
        located.append(np.repeat(np.arange(len(weight)), counts))
        kinds.append(np.full(counts.sum(), int(kind), dtype=np.int8))
    return np.concatenate(kinds), np.concatenate(located)


def _dispensing(
    kinds: Array, located: Array, area_pref: Array, weight: Array, rng: np.random.Generator
) -> Array:
    """Which facilities dispense drugs themselves: of each kind, those who see the wanted share of its patients.

    Were each drawn by itself, a few in crowded areas would decide how much the country's pharmacies dispense.
    """
    inside = np.zeros(len(kinds), dtype=bool)
    for kind in np.unique(kinds):
        at = np.flatnonzero(kinds == kind)
        area, pref = located[at], area_pref[located[at]]
        here = np.bincount(area, minlength=len(weight))
        away = np.bincount(area_pref, weight * np.where(here > 0, 1 - OWN_AREA, 1))
        patients = (
            OWN_AREA * weight[area] / here[area] + away[pref] / np.bincount(pref, minlength=len(away))[pref]
        )
        share = 0.3 if kind == Kind.GP else 0.15
        order = np.argsort(patients, kind="stable")
        tries = [order[systematic(np.full(len(at), share), start) > 0] for start in rng.random(64)]
        off = [abs(patients[chosen].sum() / patients.sum() - share) for chosen in tries]
        inside[at[tries[int(np.argmin(off))]]] = True
    return inside


def _ranges(kinds: Array, place: Array, places: int) -> tuple[Array, Array]:
    order = np.lexsort((place, kinds))
    counts = np.zeros((len(Kind), places), dtype=np.int64)
    np.add.at(counts, (kinds, place), 1)
    flat = counts.ravel()
    starts = np.cumsum(flat) - flat
    return order.astype(np.int32), np.stack([starts, flat], axis=1).reshape(len(Kind), places, 2)
