"""The tables at hand as rows of a total and details, and their audits."""

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from enclave.disclosure.proof.public_audit import Audit, Line, audit

FOLDER = Path(__file__).parent / "ndb_open_no9"
BELOW = 10
"""Of the note in row 1 of these tables."""

NAMES: Mapping[str, Mapping[str, str]] = {
    "dental_diseases": {"ja": "歯科傷病 × 性・年齢", "en": "dental diseases by sex and age"},
    "first_visits_patients": {"ja": "初再診料の患者数（外来）× 性・年齢", "en": "patients of consultation fees, outpatient, by sex and age"},
    "radiation_inpatient": {"ja": "放射線治療（入院）× 都道府県", "en": "radiotherapy, inpatient, by prefecture"},
    "radiation_outpatient": {"ja": "放射線治療（外来）× 都道府県", "en": "radiotherapy, outpatient, by prefecture"},
}  # fmt: skip


def lines(path: Path) -> Iterator[Line]:
    """Per row the total and every column after it."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file)
    place = next(number for number, name in enumerate(head) if name.startswith("総計"))
    for row in rows:
        total, *details = (None if cell in ("", "*") else round(float(cell)) for cell in row[place:])
        yield total, details


@cache
def audited(name: str) -> Audit:
    return audit(lines(FOLDER / f"{name}.csv"), BELOW)
