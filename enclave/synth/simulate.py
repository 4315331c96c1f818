"""One block from birth to records: calls the subjects in the order in which they depend on one another."""

from collections.abc import Collection

import numpy as np
import pyarrow as pa

from enclave.synth import (
    cancer,
    checkups,
    designated,
    disease,
    dpc,
    encounters,
    hospitals,
    infection,
    inpatient,
    kaigo,
    lives,
    medication,
    ndb,
    outpatient,
    registers,
    settings,
    stays,
    vaccination,
    welfare,
)
from enclave.synth.block import Block
from enclave.synth.draws import Array
from enclave.synth.identifiers import KEYS, Registry
from enclave.synth.stays import LONG, PSY

Tables = dict[tuple[str, str], pa.Table]
"""(database, table) → rows of one block. `truth` is a database of its own here."""


def run(block: Block, wanted: Collection[str]) -> Tables:
    """The block's rows of the wanted databases."""
    found: Tables = {}
    window = block.window
    health = disease.build(block)
    cancers = cancer.build(block)
    life = lives.build(block, health, cancers)
    drugs = medication.build(block, health, life)
    infected = infection.build(block, life)
    shots = vaccination.build(block, life)
    recipients = designated.build(block, health, life)
    supported = welfare.build(block, health, life)
    stay = stays.build(block, health, cancers, life, drugs, infected, supported.by_person(block.n))
    cared = kaigo.build(block, health, life, stay)
    registry = Registry(block, life)

    def keep(database: str, parts: dict[str, pa.Table], person: Array, month: Array, day: Array) -> None:
        for name, table in parts.items():
            found[database, name] = table
        if database in KEYS:
            found[database, "identifiers"] = registry.table(database, person, month, day)
        found["truth", database] = registry.truth(database, person, month)

    if "ndb" in wanted or "dpc" in wanted:
        admitted, days, claim_stay = inpatient.build(block, health, stay)
        if "ndb" in wanted:
            ward = _wards(block, stay)
            usual = encounters.usual_facilities(block)
            course = encounters.courses(block, health, life, drugs, cancers, recipients)
            met = encounters.build(block, health, life, course, infected, shots, usual, ward)
            bills = [admitted, *outpatient.build(block, life, course, met, drugs)]
            bills += [settings.dental(block, life, ward), settings.nursing(block, life, health, ward)]
            claims = ndb.gather(block, registry, bills)
            parts = ndb.tables(block, life, claims, bills)
            found["truth", "counted"] = parts.pop("counted")
            parts["checkup"], person, month, day = checkups.build(block, life, health, drugs, registry)
            parts["death"], dead, dead_day = ndb.deaths(block, life, registry)
            keep(
                "ndb",
                parts,
                np.concatenate([claims.person, person, dead]),
                np.concatenate([claims.month.astype(np.int64), month, window.month(dead_day)]),
                np.concatenate([window.month_start[claims.month], day, dead_day]),
            )
        if "dpc" in wanted:
            keep(
                "dpc", *dpc.tables(block, health, cancers, cared, stay, admitted, days, claim_stay, registry)
            )
    if "kaigo" in wanted:
        keep("kaigo", *kaigo.tables(block, health, life, cared, stay, registry))
    if "vac" in wanted:
        keep("vac", *vaccination.tables(block, life, shots, registry))
    if "welfare" in wanted:
        keep("welfare", *welfare.tables(block, life, supported, registry))
    if "cancer" in wanted:
        table, person, day = registers.cancer_table(block, life, cancers, registry)
        found["cancer", "reg"] = table
        found["truth", "cancer"] = _pairs(table["person"], block, person)
    if "idb" in wanted:
        table, person, month, day = registers.notification_table(block, life, infected, registry)
        keep("idb", {"notif": table}, person, month, day)
    forms = designated.records(block, life, recipients, registry)
    for database in ("nanbyo", "shoman"):
        if database in wanted:
            mine = {name: rows for (owner, name), rows in forms.items() if owner == database}
            person, month, day = (np.concatenate([rows[k] for rows in mine.values()]) for k in (1, 2, 3))
            keep(database, {name: rows[0] for name, rows in mine.items()}, person, month, day)
    for database in ("nextgen", "midnet"):
        if database in wanted:
            parts, person, month, day = hospitals.tables(block, health, life, drugs, stay, registry, database)
            if database == "midnet":
                found |= {(database, name): table for name, table in parts.items()}
                found["truth", database] = _pairs(
                    parts["patient"]["person"], block, person[: parts["patient"].num_rows]
                )
            else:
                keep(database, parts, person, month, day)
    return found


def _pairs(number: pa.ChunkedArray, block: Block, person: Array) -> pa.Table:
    """(person, true_id), each once."""
    values, at = np.unique(number.to_numpy(), return_index=True)
    return pa.table({"person": values, "true_id": block.people.id[person[at]]})


def _wards(block: Block, stay: stays.Stays) -> tuple[Array, Array]:
    """First and last month of each person's stay on a long-term ward (an empty span where none)."""
    window = block.window
    start = np.full(block.n, window.months, dtype=np.int32)
    end = np.zeros(block.n, dtype=np.int32)
    long = np.flatnonzero(((stay.kind == LONG) | (stay.kind == PSY)) & (stay.leave - stay.admit > 120))
    begin = window.month(np.maximum(stay.admit[long], window.start))
    np.minimum.at(start, stay.person[long], begin)
    np.maximum.at(end, stay.person[long], window.month(stay.leave[long]))
    return start, end
