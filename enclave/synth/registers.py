"""The national cancer registry and the notifications of infectious diseases, as their records.

Decides nothing about illness (`cancer`, `infection`): what a record shows, what is unknown in it, and how long people
were followed. The registry links with nobody, so its numbers come from nowhere else.
"""

import numpy as np
import pyarrow as pa

from enclave.synth.block import Block
from enclave.synth.cancer import Cancers, sites
from enclave.synth.columns import coded, dates, month_dates
from enclave.synth.draws import Array, mixed, pick
from enclave.synth.identifiers import Registry
from enclave.synth.infection import DISEASES, Infections
from enclave.synth.lives import CAUSE_CODES, Lives
from enclave.synth.period import NEVER
from enclave.synth.places import Kind

PAIRED = {"breast", "lung", "kidney", "ovary", "thyroid"}
DETECTED = np.array([0.17, 0.33, 0.002, 0.42, 0.078])
"""Screening, during other care, autopsy, other, unknown [DK]; spread cancers are seldom found by screening."""


def cancer_table(
    block: Block, lives: Lives, cancers: Cancers, registry: Registry
) -> tuple[pa.Table, Array, Array]:
    """The registry's rows of the window, with (person, day)."""
    rng = block.rng("cancer registry")
    window, people, table = block.window, block.people, sites()
    at = np.flatnonzero(
        (cancers.day >= window.start)
        & (cancers.day < window.end)
        & (cancers.day <= lives.death[cancers.person])
    )
    person, site, day, extent = (
        cancers.person[at].astype(np.int64),
        cancers.site[at],
        cancers.day[at],
        cancers.extent[at],
    )
    size = len(at)
    month = window.month(day).astype(np.int64)
    topos = tuple(dict.fromkeys(t for group in table.topo for t in group))
    morphs = tuple(dict.fromkeys(m for group in table.morph for m in group))
    topo = _one_of(table.topo, topos, site, rng)
    morph = _one_of(table.morph, morphs, site, rng)
    in_situ = extent == 400
    dead = lives.death[person] < window.end
    area = block.places.muni_area[block.muni(person, month)]
    hospital = block.places.choose(Kind.HOSPITAL, area, rng)
    paired = np.isin(np.array(table.site)[site], list(PAIRED))
    u = rng.random(size)
    found = np.array([1, 3, 4, 8, 9])[pick(np.cumsum(DETECTED) / DETECTED.sum(), rng.random(size))]
    found = np.where((extent >= 430) & (found == 1) & (u < 0.8), 8, found)
    found = np.where(in_situ & (found == 8) & (u < 0.6), 1, found)
    surgery = np.where(u > 0.985, 9, np.where(cancers.treated[at][:, 0], 1, 2))
    treated = np.where(cancers.treated[at], 1, 2)
    late = np.where(
        treated[:, 0] == 1, np.where(rng.random(size) < 0.85, extent, np.minimum(extent + 10, 440)), 499
    )
    cause = np.where(dead, lives.cause[person], -1)
    steady = mixed(people.id[person], 71)
    return (
        pa.table(
            {
                "person": mixed(block.world.seed + 977, people.id[person]) >> np.uint64(1),
                "dx_date": dates(day),
                "sex": people.sex[person],
                "age": block.age(month, person),
                "pref_code": coded(block.places.area_pref[area], tuple(block.places.pref_code)),
                "muni_code": coded(block.muni(person, month), tuple(block.places.muni_code)),
                "facility_id": block.places.facility_id[hospital],
                "topo": coded(topo, topos),
                "laterality": np.where(
                    paired, np.where(u > 0.97, 9, 1 + (steady % np.uint64(2)).astype(np.int64)), 7
                ).astype(np.int8),
                "morph": coded(morph, morphs),
                "behavior": np.where(in_situ, 2, 3).astype(np.int8),
                "grade": np.where(
                    u < 0.45, 9, 1 + pick(np.array([0.35, 0.75, 0.97, 1.0]), rng.random(size))
                ).astype(np.int8),
                "dx_basis": np.where(
                    rng.random(size) < 0.86, 1, np.where(u < 0.3, 3, np.where(u < 0.5, 4, 5))
                ).astype(np.int8),
                "extent": extent.astype(np.int16),
                "extent_post": late.astype(np.int16),
                "detection": found.astype(np.int8),
                "surgery": surgery.astype(np.int8),
                "endoscopic": treated[:, 3].astype(np.int8),
                "chemo": treated[:, 1].astype(np.int8),
                "radio": treated[:, 2].astype(np.int8),
                "hormone": treated[:, 4].astype(np.int8),
                "vital": dead.astype(np.int8),
                "last_date": dates(np.where(dead, lives.death[person], window.end - 1)),
                "cause_icd10": coded(cause, CAUSE_CODES),
            }
        ),
        person,
        day.astype(np.int64),
    )


def _one_of(
    groups: tuple[tuple[str, ...], ...], codes: tuple[str, ...], site: Array, rng: np.random.Generator
) -> Array:
    """A code of each row's group, earlier ones more often."""
    size = np.array([len(group) for group in groups])
    u = rng.random(len(site)) ** 1.6
    place = (u * size[site]).astype(np.int64)
    widest = int(size.max())
    table = np.array(
        [[codes.index(group[min(k, len(group) - 1)]) for k in range(widest)] for group in groups]
    )
    chosen: Array = table[site, place]
    return chosen


def notification_table(
    block: Block, lives: Lives, infections: Infections, registry: Registry
) -> tuple[pa.Table, Array, Array, Array]:
    """Notifications, with (person, month, day)."""
    rng = block.rng("notifications")
    window, people = block.window, block.people
    # COVID-19 was no longer notified case by case from 2023-05-08.
    at = np.flatnonzero((infections.disease != 0) | (rng.random(len(infections.person)) < 0.985))
    person, day = infections.person[at].astype(np.int64), infections.day[at].astype(np.int64)
    disease, severity = infections.disease[at], infections.severity[at]
    size = len(at)
    month = window.month(day).astype(np.int64)
    visit = day + rng.integers(0, 3, size)
    found = visit + np.where(disease == 0, rng.integers(0, 2, size), rng.integers(0, 20, size))
    covid_method = np.where(rng.random(size) < 0.45, 1, 2)
    method = np.where(disease == 0, covid_method, np.array([1, 0, 3, 0, 1])[disease])
    age = block.age(month, person)
    works = (age >= 18) & (age < 68) & (rng.random(size) < 0.75)
    job = np.where(works, pick(np.array([0.14, 0.19, 0.26, 1.0]), rng.random(size)), 4)
    dies = (lives.death[person] - day < 60) & (severity >= 2) & (lives.death[person] < NEVER)
    muni = block.muni(person, month)
    end = lives.death[person]
    table = pa.table(
        {
            "person": registry.number("idb", person, month),
            "disease": coded(disease, DISEASES),
            "onset_date": dates(day, (severity == 0) & (rng.random(size) < 0.5)),
            "visit_date": dates(np.minimum(visit, end)),
            "dx_date": dates(np.minimum(found, end)),
            "report_date": dates(np.minimum(found, end) + rng.integers(0, 4, size)),
            "method": coded(method, ("culture", "pcr", "antigen", "serology", "clinical")),
            "severity": severity,
            "birth_ym": month_dates(people.birth_era[person]),
            "sex": people.sex[person],
            "occupation": coded(
                job, ("health", "education", "food", "other", "none"), rng.random(size) < 0.2
            ),
            "pref_code": coded(
                block.places.area_pref[block.places.muni_area[muni]], tuple(block.places.pref_code)
            ),
            "death_date": dates(np.where(dies, lives.death[person], NEVER)),
        }
    )
    return table, person, month, day
