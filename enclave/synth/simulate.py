"""One block from birth to records: calls the subjects in the order in which they depend on one another."""

from collections.abc import Collection

import numpy as np
import pyarrow as pa

from enclave.synth import (
    cancer,
    checkups,
    disease,
    encounters,
    infection,
    inpatient,
    lives,
    medication,
    ndb,
    outpatient,
    settings,
    stays,
)
from enclave.synth.block import Block
from enclave.synth.identifiers import Registry
from enclave.synth.stays import LONG, PSY

Tables = dict[tuple[str, str], pa.Table]
"""(database, table) → rows of one block. `truth` is a database of its own here."""


def run(block: Block, wanted: Collection[str]) -> Tables:
    """The block's rows of the wanted databases."""
    found: Tables = {}
    health = disease.build(block)
    cancers = cancer.build(block)
    life = lives.build(block, health, cancers)
    drugs = medication.build(block, health, life)
    infected = infection.build(block, life)
    stay = stays.build(block, health, cancers, life, drugs, infected)
    registry = Registry(block, life)
    ward = _wards(block, stay)
    usual = encounters.usual_facilities(block)
    course = encounters.courses(block, health, life, drugs, cancers)
    if "ndb" in wanted or "dpc" in wanted:
        admitted, days, claim_stay = inpatient.build(block, health, stay)
    if "ndb" in wanted:
        met = encounters.build(block, life, course, infected, usual, ward)
        bills = [admitted, *outpatient.build(block, life, course, met, drugs), settings.dental(block, life, ward)]
        bills.append(settings.nursing(block, life, health, ward))
        for bill in bills:
            bill.claims.setdefault("extra", np.zeros(len(bill.claims["person"])))
        claims = ndb.gather(block, registry, bills)
        for name, table in ndb.tables(block, life, claims, bills).items():
            found["truth" if name == "counted" else "ndb", name] = table
        checked, person, month, day = checkups.build(block, life, health, drugs, registry)
        found["ndb", "checkup"] = checked
        dead, dead_person, dead_day = ndb.deaths(block, life, registry)
        found["ndb", "death"] = dead
        window = block.window
        who = np.concatenate([claims.person, person, dead_person])
        when = np.concatenate([claims.month.astype(np.int64), month, window.month(dead_day)])
        seen = np.concatenate([window.month_start[claims.month], day, dead_day])
        _identify(found, registry, "ndb", who, when, seen)
    return found


def _identify(found: Tables, registry: Registry, database: str, person: np.ndarray, month: np.ndarray, day: np.ndarray) -> None:  # type: ignore[type-arg]
    month = month.astype(np.int64)
    found[database, "identifiers"] = registry.table(database, person, month, day)
    found["truth", database] = registry.truth(database, person, month)


def _wards(block: Block, stay: stays.Stays) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """First and last month of each person's stay on a long-term ward (an empty span where none)."""
    window = block.window
    start = np.full(block.n, window.months, dtype=np.int32)
    end = np.zeros(block.n, dtype=np.int32)
    long = np.flatnonzero(((stay.kind == LONG) | (stay.kind == PSY)) & (stay.leave - stay.admit > 120))
    begin = window.month(np.maximum(stay.admit[long], window.start))
    np.minimum.at(start, stay.person[long], begin)
    np.maximum.at(end, stay.person[long], window.month(stay.leave[long]))
    return start, end
