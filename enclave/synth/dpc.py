"""DPC data: one discharge summary per stay in a DPC hospital, its acts and drugs, its daily nursing need.

Decides what the summary says beyond the claim: route and urgency, independence and consciousness on arrival and when
leaving, cancer stage. Relies on `stays` and on the lines of `inpatient`.
"""

import numpy as np
import pyarrow as pa

from enclave.synth.bill import Bill
from enclave.synth.block import Block
from enclave.synth.cancer import Cancers
from enclave.synth.codelists import acts, diseases, products
from enclave.synth.columns import coded, dates
from enclave.synth.disease import Health, conditions
from enclave.synth.draws import Array, even, mixed
from enclave.synth.identifiers import Registry
from enclave.synth.inpatient import Days
from enclave.synth.kaigo import Care
from enclave.synth.period import NEVER
from enclave.synth.stays import DPC, Stays, reasons

PER_BLOCK = 1_000_000
"""Numbers of admissions of one block lie together."""

JCS = np.array([0, 1, 2, 3, 10, 20, 30, 100, 200, 300])
STAGES = ("0", "I", "II", "III", "IV")
STAGE_OF = {400: 0, 410: 1, 420: 2, 430: 3, 440: 4, 499: -1}


def tables(
    block: Block,
    health: Health,
    cancers: Cancers,
    care: Care,
    stays: Stays,
    bill: Bill,
    days: Days,
    claim_stay: Array,
    registry: Registry,
) -> tuple[dict[str, pa.Table], Array, Array, Array]:
    """The tables, with (person, month, day) of the summaries."""
    window = block.window
    chosen = np.flatnonzero((stays.kind == DPC) & ~stays.open & (stays.admit >= window.start))
    number = np.full(len(stays.person), -1, dtype=np.int64)
    number[chosen] = block.number * PER_BLOCK + 1 + np.arange(len(chosen))
    person = stays.person[chosen].astype(np.int64)
    month = window.month(stays.leave[chosen]).astype(np.int64)
    holder = np.zeros(len(stays.person), dtype=np.uint64)
    holder[chosen] = registry.number("dpc", person, month)
    found = {
        "form1": _form1(block, health, cancers, care, stays, chosen, number, holder),
        "ef": _ef(bill, claim_stay, number, holder),
        "h": _h(block, stays, days, number, holder),
    }
    return found, person, month, stays.leave[chosen].astype(np.int64)


def _form1(
    block: Block,
    health: Health,
    cancers: Cancers,
    care: Care,
    stays: Stays,
    at: Array,
    number: Array,
    holder: Array,
) -> pa.Table:
    rng = block.rng("form 1")
    window, people, table = block.window, block.people, reasons()
    person, reason = stays.person[at].astype(np.int64), stays.reason[at]
    admit, leave, died = stays.admit[at], stays.leave[at], stays.died[at]
    size = len(at)
    month = window.month(admit).astype(np.int64)
    level = care.level_at(person, month).astype(np.int64)
    drop = table.drop[reason]
    before = np.where(level >= 0, np.array([95, 88, 76, 62, 45, 25, 8])[level.clip(0)], 100)
    urgent = stays.emergency[at]
    arrives = (
        np.clip(before - np.where(urgent, drop * 2.2, drop * 0.2) + 5 * rng.integers(-2, 1, size), 0, 100)
        // 5
        * 5
    )
    leaves = np.clip(before - drop * 0.9 + 5 * rng.integers(-1, 2, size), 0, 100) // 5 * 5
    serious = np.isin(
        reason, table_index("ich", "cardioembolic", "stroke", "headinj", "sepsis", "aspiration")
    )
    coma = JCS[
        np.clip(
            np.round(rng.exponential(np.where(serious, 2.2, np.where(died, 1.6, 0.12)), size)), 0, 9
        ).astype(int)
    ]
    coma_out = np.where(
        died,
        JCS[np.clip(np.round(3 + rng.exponential(3, size)), 0, 9).astype(int)],
        np.where(rng.random(size) < 0.85, np.minimum(coma, 3), coma),
    )
    from_home = np.where((level >= 4) & (rng.random(size) < 0.45), 5, np.where(rng.random(size) < 0.06, 4, 1))
    from_home = np.where(reason == table.index["neonate"], 8, from_home)
    urgency = np.where(urgent, np.where(rng.random(size) < 0.62, 3, 2), 1)
    on = np.isin(reason, table_index("hipfx_nail", "hipfx_head", "stroke", "cardioembolic", "ich"))
    to = np.where(
        died,
        7,
        np.where(
            on & (rng.random(size) < 0.6),
            4,
            np.where((level >= 4) & (rng.random(size) < 0.5), 5, np.where(rng.random(size) < 0.72, 1, 2)),
        ),
    )
    disease = table.disease[reason]
    tumour = np.array([str(code).startswith("C") for code in diseases().second])[disease]
    stage = np.full(size, -1)
    extent = np.zeros(block.n, dtype=np.int64)
    extent[cancers.person] = cancers.extent
    for value, position in STAGE_OF.items():
        stage = np.where(tumour & (extent[person] == value), position, stage)
    stage = np.where(
        tumour & (extent[person] == 0), np.clip(np.round(rng.normal(2.4, 1.1, size)), 0, 4).astype(int), stage
    )
    u = rng.random(size)
    outcome = np.where(u < 0.06, 1, np.where(u < 0.88, 2, np.where(u < 0.91, 3, np.where(u < 0.985, 4, 5))))
    outcome = np.where(died, np.where(u < 0.78, 6, 7), outcome)
    operation = stays.operation[at]
    operated = np.where(operation >= 0, stays.operated[at], NEVER)
    steady = even(mixed(people.id[person], 53))
    male = people.sex[person] == 1
    age = block.age(month, person).astype(np.int64)
    height = np.where(
        age < 16, 50 + 7.2 * age, np.where(male, 169, 156) - 0.12 * np.maximum(age - 40, 0)
    ) + 12 * (steady - 0.5)
    mass = np.where(age < 16, 15.5 + 0.25 * age, 22.6 + 7 * (steady - 0.5) + rng.normal(0, 1.6, size))
    smokes = steady < np.where(male, 0.5, 0.14)
    muni = block.muni(person, month)
    area = block.places.muni_area[muni]
    place = block.places.facility_area[stays.facility[at]]
    return pa.table(
        {
            "person": holder[at],
            "data_id": number[at],
            "facility_id": block.places.facility_id[stays.facility[at]],
            "sex": people.sex[person],
            "age": age.astype(np.int16),
            "pref_code": coded(block.places.area_pref[area], tuple(block.places.pref_code)),
            "facility_sma": coded(place, tuple(block.places.area_code)),
            "admit_date": dates(admit),
            "discharge_date": dates(leave),
            "admit_route": from_home.astype(np.int8),
            "urgency": urgency.astype(np.int8),
            "discharge_to": to.astype(np.int8),
            "main_icd": coded(disease, diseases().second),
            "trigger_icd": coded(disease, diseases().second),
            "resource_icd": coded(disease, diseases().second),
            "comorbid_icd": coded(_comorbid(block, health, person, month), (*conditions().icd10,)),
            "height": pa.array(np.round(height.clip(40, 200), 1), mask=rng.random(size) < 0.03),
            "weight": pa.array(
                np.round((mass * (height / 100) ** 2).clip(2, 160), 1), mask=rng.random(size) < 0.03
            ),
            "smoking_index": pa.array(
                np.where(smokes & (age >= 20), (rng.gamma(2, 250, size)).astype(int) // 10 * 10, 0).astype(
                    np.int32
                ),
                mask=rng.random(size) < 0.12,
            ),
            "jcs_admit": coma.astype(np.int16),
            "jcs_discharge": coma_out.astype(np.int16),
            "bi_admit": pa.array(arrives.astype(np.int16), mask=rng.random(size) < 0.05),
            "bi_discharge": pa.array(
                np.where(died, 0, leaves).astype(np.int16), mask=died | (rng.random(size) < 0.04)
            ),
            "op_kcode": coded(operation, acts().second),
            "op_date": dates(operated),
            "cancer_stage": coded(stage, STAGES),
            "outcome": outcome.astype(np.int8),
            "dpc14": coded(reason, tuple(code or None for code in table.dpc14)),
        }
    )


def table_index(*names: str) -> Array:
    return np.array([reasons().index[name] for name in names])


def _comorbid(block: Block, health: Health, person: Array, month: Array) -> Array:
    """A chronic condition of the patient at admission, −1 where none."""
    first = np.full(block.n, -1, dtype=np.int64)
    order = np.argsort(-health.condition, kind="stable")
    first[health.person[order]] = health.condition[order]
    begun = np.full(block.n, NEVER, dtype=np.int64)
    begun[health.person[order]] = health.start[order]
    return np.where(begun[person] <= month, first[person], -1)


def _ef(bill: Bill, claim_stay: Array, number: Array, holder: Array) -> pa.Table:
    si, iy, cd = bill.joined("si"), bill.joined("iy"), bill.joined("cd")
    claim = np.concatenate([si["claim"], iy["claim"], cd["claim"]])
    stay = claim_stay[claim]
    none = np.full
    act = np.concatenate([si["act"], none(len(iy["claim"]), -1), cd["act"]])
    product = np.concatenate([none(len(si["claim"]), -1), iy["product"], cd["product"]])
    qty = np.concatenate([si["times"], iy["qty"], cd["qty"]]).astype(np.float64)
    day = np.concatenate([si["day"], iy["day"], cd["day"]])
    known = np.flatnonzero(number[stay] >= 0)
    order = known[np.lexsort((day[known], number[stay[known]]))]
    stay, act, product, qty, day = stay[order], act[order], product[order], qty[order], day[order]
    points = np.where(
        act >= 0, acts().number[act.clip(0)] * qty, products().price[product.clip(0)] * qty / 10
    )
    kind = np.where(act >= 0, _act_kind()[act.clip(0)], _drug_kind()[product.clip(0)])
    return pa.table(
        {
            "person": holder[stay],
            "data_id": number[stay],
            "act_date": dates(day),
            "data_kind": kind.astype(np.int8),
            "act_code": coded(act, acts().code),
            "yj12": coded(product, products().yj12),
            "qty": qty,
            "points": np.round(points).astype(np.int32),
        }
    )


def _act_kind() -> Array:
    by_letter = {
        "B": 13,
        "G": 33,
        "J": 40,
        "K": 50,
        "L": 54,
        "D": 60,
        "E": 70,
        "H": 80,
        "M": 80,
        "N": 60,
        "A": 90,
    }
    return np.array([by_letter.get(str(kubun)[:1], 80) for kubun in acts().second])


def _drug_kind() -> Array:
    return np.array([{"oral": 21, "external": 21, "injection": 33}[form] for form in products().form])


def _h(block: Block, stays: Stays, days: Days, number: Array, holder: Array) -> pa.Table:
    rng = block.rng("nursing need")
    at = np.flatnonzero(number[days.stay] >= 0)
    stay, nth = days.stay[at], days.nth[at]
    size = len(at)
    operated = stays.operation[stay] >= 0
    since = days.day[at] - stays.operated[stay]
    serious = np.where(stays.emergency[stay], 2.0, 0.8) * np.exp(-nth / 7.0)
    surgical = np.where(operated & (since >= 0) & (since < 5), 1, 0)
    return pa.table(
        {
            "person": holder[stay],
            "data_id": number[stay],
            "eval_date": dates(days.day[at]),
            "a_score": np.minimum(rng.poisson(serious), 9).astype(np.int8),
            "b_score": np.clip(np.round(rng.normal(2.5 + serious, 2, size)), 0, 12).astype(np.int8),
            "c_score": surgical.astype(np.int8),
        }
    )
