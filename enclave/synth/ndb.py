"""NDB: claims with their lines, check-ups and deaths, as tables.

Decides the order and the numbers of claims, their points, and how a death is recorded (from 2023-04, as the ministry
receives it). Relies on the bills of the single settings.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from enclave.synth import counting
from enclave.synth.bill import KINDS, LINES, Bill
from enclave.synth.block import Block
from enclave.synth.codelists import acts, diseases, products
from enclave.synth.columns import coded, dates, month_dates, some
from enclave.synth.draws import Array
from enclave.synth.identifiers import Registry
from enclave.synth.inpatient import MATERIALS
from enclave.synth.lives import CAUSE_CODES, MANNER, Lives
from enclave.synth.lives import KINDS as INSURERS
from enclave.synth.period import NEVER
from enclave.synth.stays import reasons

PER_BLOCK = 100_000_000
"""Numbers of claims of one block lie together; a block has fewer than this."""

DEATHS_FROM = (2023, 4)


@dataclass(frozen=True)
class Claims:
    """All claims of the block in their order (person, month, kind)."""

    person: Array
    month: Array
    kind: Array
    facility: Array
    days: Array
    admit: Array
    points: Array
    number: Array
    """The holder's number of the person."""
    offset: tuple[int, ...]
    place: Array
    """Place in the order of (bill's offset + claim in the bill)."""

    @property
    def rcpt_id(self) -> Array:
        return np.arange(len(self.person), dtype=np.int64)


def gather(block: Block, registry: Registry, bills: list[Bill]) -> Claims:
    def column(name: str) -> Array:
        return np.concatenate([bill.claims[name] for bill in bills])

    person, month, kind = column("person"), column("month"), column("kind")
    sizes = [len(bill.claims["person"]) for bill in bills]
    offsets = np.cumsum([0, *sizes])[:-1]
    order = np.argsort(((person.astype(np.int64) * 512 + month) * 8 + kind), kind="stable")
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    points = np.concatenate([_points(bill) for bill in bills])
    return Claims(
        person=person[order],
        month=month[order],
        kind=kind[order],
        facility=column("facility")[order],
        days=column("days")[order],
        admit=column("admit")[order],
        points=points[order],
        number=registry.number("ndb", person[order], month[order].astype(np.int64)),
        offset=tuple(int(o) for o in offsets),
        place=place,
    )


def _points(bill: Bill) -> Array:
    size = len(bill.claims["person"])
    total = np.asarray(bill.claims.get("extra", np.zeros(size))).copy()
    for part in bill.lines["si"]:
        total += np.bincount(part["claim"], acts().number[part["act"]] * part["times"], size)
    for part in bill.lines["iy"]:
        total += np.bincount(part["claim"], products().price[part["product"]] * part["qty"] / 10, size)
    return np.round(total).astype(np.int32)


def lines(claims: Claims, bills: list[Bill], kind: str) -> dict[str, Array]:
    """One kind of line of all bills, in the order of the claims; `claim` is the place in that order."""
    parts = [bill.joined(kind) for bill in bills]
    place = np.concatenate(
        [claims.place[part["claim"] + offset] for part, offset in zip(parts, claims.offset, strict=True)]
    )
    order = np.argsort(place, kind="stable")
    columns = {
        name: np.concatenate([part[name] for part in parts])[order] for name in LINES[kind] if name != "claim"
    }
    columns["claim"] = place[order]
    return columns


def tables(block: Block, lives: Lives, claims: Claims, bills: list[Bill]) -> dict[str, pa.Table]:
    """The claims' tables by name; `counted` is what the comparison with published tables needs."""
    window, places, people = block.window, block.places, block.people
    base = block.number * PER_BLOCK + 1
    month_first = window.month_start[claims.month]
    age = block.age(claims.month.astype(np.int32), claims.person)
    muni = block.muni(claims.person, claims.month)
    area = places.muni_area[muni]
    place = places.facility_area[claims.facility]
    spell = lives.spell(claims.person, claims.month)
    prefs = tuple(places.pref_code)
    areas = tuple(places.area_code)
    facility = places.facility_id[claims.facility]
    rcpt = pa.table(
        {
            "rcpt_id": base + claims.rcpt_id,
            "person": claims.number,
            "rcpt_kind": coded(claims.kind, KINDS),
            "service_ym": dates(month_first),
            "sex": people.sex[claims.person],
            "birth_ym": month_dates(people.birth_era[claims.person]),
            "age": age,
            "insurer_kind": coded(lives.kind[claims.person, spell], INSURERS),
            "pref_code": coded(places.area_pref[area], prefs),
            "sma_code": coded(area, areas),
            "muni_code": coded(muni, tuple(places.muni_code)),
            "facility_id": facility,
            "facility_pref": coded(places.area_pref[place], prefs),
            "facility_sma": coded(place, areas),
            "points": claims.points,
            "days": claims.days,
            "admit_date": dates(claims.admit, claims.admit == -1),
        }
    )
    found = {"rcpt": rcpt}
    listed, drug = acts(), products()

    def head(line: dict[str, Array]) -> dict[str, Array | pa.Array]:
        return {"rcpt_id": base + line["claim"].astype(np.int64), "person": claims.number[line["claim"]]}

    line = lines(claims, bills, "sy")
    first = np.r_[True, line["claim"][1:] != line["claim"][:-1]] if len(line["claim"]) else line["main"]
    has_main = np.zeros(len(claims.person), dtype=bool)
    has_main[line["claim"][line["main"]]] = True
    main = line["main"] | (first & ~has_main[line["claim"]] & ~line["suspected"])
    birth = people.birth[claims.person[line["claim"]]]
    found["sy"] = pa.table(
        {
            **head(line),
            "service_ym": dates(month_first[line["claim"]]),
            "disease_code": coded(line["disease"], diseases().code),
            "icd10": coded(line["disease"], diseases().second),
            "start_date": dates(np.maximum(line["start"], birth)),
            "outcome": line["outcome"],
            "suspected": line["suspected"],
            "is_main": main,
        }
    )
    si = line = lines(claims, bills, "si")
    found["si"] = pa.table(
        {
            **head(line),
            "act_date": dates(line["day"]),
            "act_code": coded(line["act"], listed.code),
            "kubun": coded(line["act"], listed.second),
            "times": line["times"],
            "points": listed.number[line["act"]].astype(np.int32),
            "facility_id": facility[line["claim"]],
            "sma_code": coded(place[line["claim"]], areas),
        }
    )
    line = lines(claims, bills, "iy")
    found["counted"] = counting.count(block, claims.person, claims.month, claims.kind, si, line)
    found["iy"] = pa.table(
        {
            **head(line),
            "act_date": dates(line["day"]),
            "drug_code": coded(line["product"], drug.drug_code),
            "yj12": coded(line["product"], drug.yj12),
            "form": coded(line["product"], drug.form),
            "qty": line["qty"].astype(np.float64),
            "days": line["days"],
        }
    )
    line = lines(claims, bills, "to")
    found["to"] = pa.table(
        {
            **head(line),
            "act_date": dates(line["day"]),
            "material_code": coded(line["material"], MATERIALS),
            "qty": line["qty"].astype(np.float64),
        }
    )
    line = lines(claims, bills, "bu")
    found["bu"] = pa.table(
        {
            **head(line),
            "dpc14": coded(line["reason"], tuple(code or None for code in reasons().dpc14)),
            "admit_date": dates(line["admit"]),
            "discharge_date": dates(line["leave"]),
            "outcome": line["outcome"],
        }
    )
    line = lines(claims, bills, "cd")
    found["cd"] = pa.table(
        {
            **head(line),
            "act_date": dates(line["day"]),
            "kind": coded((line["act"] < 0).astype(np.int8), ("si", "iy")),
            "act_code": coded(line["act"], listed.code),
            "yj12": coded(line["product"], drug.yj12),
            "qty": line["qty"].astype(np.float64),
        }
    )
    return found


def deaths(block: Block, lives: Lives, registry: Registry) -> tuple[pa.Table, Array, Array]:
    """The table of deaths from 2023-04, with (person, day) of its rows."""
    rng = block.rng("death records")
    window, people = block.window, block.people
    since = window.month_start[np.clip(window.month_at(*DEATHS_FROM), 0, window.months)]
    # A death record reaches the holder for all but a few, who cannot be found in the register.
    found = (lives.death < NEVER) & (lives.death >= since) & (rng.random(block.n) < 0.985)
    person = np.flatnonzero(found)
    day = lives.death[person]
    month = window.month(day)
    age_days = day - people.birth[person]
    u = rng.random(len(person))
    home = np.array([0.645, 0.66, 0.69, 0.695, 0.805, 0.985, 1.0])
    manner = MANNER[lives.cause[person]]
    place = np.where(manner > 1, np.where(u < 0.35, 1, np.where(u < 0.7, 6, 7)), np.searchsorted(home, u) + 1)
    infant = (age_days < 365) & (manner == 1)
    weeks = np.clip(np.round(rng.normal(34, 5, len(person))), 22, 41).astype(np.int16)
    weight = np.clip(np.round(weeks * 110 - 1700 + rng.normal(0, 350, len(person))), 300, 4200).astype(
        np.int16
    )
    mother = people.mother[person]
    mother_age = np.where(mother >= 0, (people.birth[person] - people.birth[mother]) // 365, 31).astype(
        np.int16
    )
    table = pa.table(
        {
            "person": registry.number("ndb", person, month.astype(np.int64)),
            "death_date": dates(day),
            "death_hour": rng.integers(0, 24, len(person)).astype(np.int8),
            "place": place.astype(np.int8),
            "cause_icd10": coded(lives.cause[person], CAUSE_CODES),
            "manner": manner,
            "birth_weight_g": some(weight, ~infant),
            "gest_weeks": some(weeks, ~infant),
            "siblings": some(rng.integers(0, 4, len(person)).astype(np.int8), ~infant),
            "mother_age": some(mother_age, ~infant),
        }
    )
    return table, person, day
