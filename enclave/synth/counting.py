"""Counts of one block for comparison with the published tables: per item and sex-age cell, in the published year.

Decides what is counted: visit fees, operations with and without a stay, units dispensed by pharmacies. `squares` is
the sum over persons of their squared amounts, from which a standard error that knows of repeated use follows.
"""

from functools import cache

import numpy as np
import pyarrow as pa

from enclave.synth import tables
from enclave.synth.bill import KINDS
from enclave.synth.block import Block
from enclave.synth.codelists import acts, products
from enclave.synth.columns import coded
from enclave.synth.draws import Array, columns
from enclave.synth.tables import cell19


@cache
def items() -> tuple[tuple[str, str], ...]:
    """(kind, item) of everything that is compared, in a fixed order."""
    fees = [("fee", row["kubun"]) for row in tables.rows("visit_fees")]
    surgery = [
        ("operation" if row["setting"] == "in" else "outpatient", row["act_code"])
        for row in tables.rows("procedures")
    ]
    drugs = [("drug", row["yj7"]) for row in tables.rows("drug_units")]
    return (*fees, *surgery, *drugs)


@cache
def _maps() -> tuple[Array, Array, Array]:
    """Item of each act outside hospital, of each act inside, of each product; −1 where not compared."""
    position = {item: number for number, item in enumerate(items())}
    size = len(acts().code)
    outside, inside = np.full(size, -1, dtype=np.int32), np.full(size, -1, dtype=np.int32)
    for row in tables.rows("visit_fees"):
        outside[acts().index[row["act_code"]]] = position["fee", row["kubun"]]
    for row in tables.rows("procedures"):
        at = acts().index[row["act_code"]]
        if row["setting"] == "in":
            inside[at] = position["operation", row["act_code"]]
        else:
            outside[at] = position["outpatient", row["act_code"]]
    drug = np.array([position.get(("drug", key), -1) for key in products().key], dtype=np.int32)
    return outside, inside, drug


def count(
    block: Block, person: Array, month: Array, kind: Array, si: dict[str, Array], iy: dict[str, Array]
) -> pa.Table:
    """(kind, item, cell, amount, squares) of this block. `person`, `month`, `kind` are the claims'."""
    first = 12 * (block.window.claims_year - block.window.first)
    year = (month >= first) & (month < first + 12)
    hospital = (kind == KINDS.index("med_in")) | (kind == KINDS.index("dpc"))
    outside, inside, drug = _maps()
    claim = si["claim"]
    item = np.where(hospital[claim], inside[si["act"]], outside[si["act"]])
    medical = hospital[claim] | (kind[claim] == KINDS.index("med_out"))
    counted = np.flatnonzero((item >= 0) & year[claim] & medical)
    parts = [(item[counted], claim[counted], si["times"][counted].astype(np.float64))]
    claim = iy["claim"]
    item = drug[iy["product"]]
    counted = np.flatnonzero((item >= 0) & year[claim] & (kind[claim] == KINDS.index("pharm")))
    parts.append((item[counted], claim[counted], iy["qty"][counted].astype(np.float64)))
    item, claim, amount = columns(parts)
    age = block.age(month.astype(np.int32), person)
    cell = cell19(block.people.sex[person], age)[claim]
    key = (item.astype(np.int64) * 38 + cell) * 4096 + person[claim]
    unique, place = np.unique(key, return_inverse=True)
    per_person = np.bincount(place, amount, len(unique))
    group = unique // 4096
    groups, place = np.unique(group, return_inverse=True)
    number = groups // 38
    return pa.table(
        {
            "kind": coded(number, tuple(kind for kind, _ in items())),
            "item": coded(number, tuple(item for _, item in items())),
            "cell": (groups % 38).astype(np.int8),
            "amount": np.bincount(place, per_person, len(groups)),
            "squares": np.bincount(place, per_person**2, len(groups)),
        }
    )
