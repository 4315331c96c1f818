"""Services for persons with disabilities: certification of the support level and monthly benefits.

Decides who has a disability of which kind [DK: a million adults and half a million children a month], from illness
where it is one (schizophrenia, bipolar disorder, depression, neurological disease), from birth otherwise. The level
decides the services.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from enclave.synth.block import Block
from enclave.synth.columns import coded, dates, month_dates
from enclave.synth.disease import AGES, Health
from enclave.synth.draws import Array, columns, cumulated, even, liability, mixed, pick, ragged
from enclave.synth.identifiers import Registry
from enclave.synth.lives import Lives
from enclave.synth.places import Kind
from enclave.synth.tables import cell21

KINDS = ("physical", "intellectual", "psychiatric", "developmental", "nanbyo")
INTELLECTUAL = np.interp(
    AGES, [0, 3, 6, 18, 20, 60, 75, 90], [0.0, 0.004, 0.009, 0.009, 0.0052, 0.0042, 0.0016, 0.0006]
)
DEVELOPMENTAL = np.interp(
    AGES, [0, 2, 4, 8, 12, 17, 19, 40], [0.0, 0.018, 0.038, 0.042, 0.03, 0.016, 0.002, 0.0004]
)
PHYSICAL = np.interp(
    AGES, [0, 10, 30, 50, 64, 66, 90], [0.0016, 0.0018, 0.0019, 0.0028, 0.0036, 0.0012, 0.0008]
)
PSYCHIATRIC = {"schizo": 0.34, "bipolar": 0.16, "depress": 0.035}
LEVEL = np.array(
    [
        [0.02, 0.06, 0.16, 0.2, 0.18, 0.14, 0.24],
        [0.01, 0.05, 0.16, 0.23, 0.22, 0.17, 0.16],
        [0.05, 0.2, 0.42, 0.24, 0.07, 0.015, 0.005],
        [0.1, 0.2, 0.35, 0.25, 0.1, 0, 0],
        [0.05, 0.1, 0.2, 0.2, 0.2, 0.1, 0.15],
    ]
)
"""Levels 0 to 6 by kind [DK]."""

ADULT: tuple[tuple[str, tuple[float, ...], int, int], ...] = (
    # service; chance by level 0–6; units a day; days a month [DK]
    ("11", (0, 0.25, 0.25, 0.2, 0.22, 0.28, 0.3), 260, 9),
    ("12", (0, 0, 0, 0, 0.01, 0.03, 0.12), 1500, 22),
    ("22", (0, 0, 0.03, 0.3, 0.5, 0.65, 0.75), 900, 19),
    ("24", (0, 0.02, 0.03, 0.06, 0.1, 0.12, 0.12), 750, 4),
    ("32", (0, 0, 0, 0.06, 0.18, 0.3, 0.4), 350, 29),
    ("33", (0.08, 0.12, 0.2, 0.22, 0.2, 0.14, 0.08), 420, 29),
    ("43", (0.1, 0.06, 0.05, 0.03, 0, 0, 0), 850, 16),
    ("45", (0.16, 0.12, 0.12, 0.06, 0.02, 0, 0), 620, 19),
    ("46", (0.3, 0.36, 0.42, 0.36, 0.22, 0.08, 0.03), 600, 17),
    ("52", (0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25), 1600, 1),
)  # fmt: skip
CHILD = (("61", 950, 9), ("63", 780, 12), ("65", 1700, 2))
SERVICES = (*(name for name, *_ in ADULT), *(name for name, *_ in CHILD))


@dataclass(frozen=True)
class Supported:
    person: Array
    kind: Array
    level: Array
    start: Array

    def by_person(self, persons: int) -> Array:
        """The level of each of the block's persons, 0 where none."""
        levels = np.zeros(persons, dtype=np.int64)
        levels[self.person] = self.level
        return levels


def build(block: Block, health: Health, lives: Lives) -> Supported:
    rng = block.rng("welfare")
    window = block.window
    middle = block.yearly_age[:, window.years // 2].clip(0, 110)
    cell = cell21(block.people.sex, middle)
    male = np.where(block.people.sex == 1, 1.3, 0.7)
    kind = np.full(block.n, -1)
    for number, curve, ratio in ((3, DEVELOPMENTAL, male * 1.1), (1, INTELLECTUAL, male), (0, PHYSICAL, 1.0)):
        u = liability(rng.standard_normal(block.n), cell, rng)
        kind = np.where(u < curve[middle] * ratio, number, kind)
    for name, share in PSYCHIATRIC.items():
        kind = np.where(health.ever(name) & (middle < 68) & (rng.random(block.n) < share), 2, kind)
    nerve = health.ever("als") | health.ever("mg")
    kind = np.where(nerve & (middle < 66) & (rng.random(block.n) < 0.3), 4, kind)
    who = np.flatnonzero(kind >= 0)
    level = pick(
        cumulated(LEVEL)[kind[who]],
        even(mixed(block.people.id[who], 103)),
    )
    begin = np.where(rng.random(len(who)) < 0.8, 0, (rng.random(len(who)) * window.months).astype(np.int64))
    begin = np.maximum(begin, block.born[who] + np.where(block.born[who] > 0, 24, 0))
    keep = begin < np.minimum(lives.gone[who], window.months)
    return Supported(
        who[keep].astype(np.int32),
        kind[who[keep]].astype(np.int8),
        level[keep].astype(np.int8),
        begin[keep].astype(np.int32),
    )


def tables(
    block: Block, lives: Lives, supported: Supported, registry: Registry
) -> tuple[dict[str, pa.Table], Array, Array, Array]:
    """The tables, with (person, month, day) of all their rows."""
    rng = block.rng("welfare records")
    window, people = block.window, block.people
    who, level = supported.person.astype(np.int64), supported.level.astype(np.int64)
    age = block.age(supported.start.astype(np.int64), who)
    # The level is certified for adults, every three years; children's benefits need none.
    first = np.where(supported.start > 0, supported.start, rng.integers(0, 36, len(who)))
    row, k = ragged(np.maximum((window.months - first + 35) // 36, 0))
    month = first[row] + 36 * k
    grown = block.age(month, who[row]) >= 18
    keep = grown & (month < np.minimum(lives.gone[who[row]], window.months))
    row, month = row[keep], month[keep]
    day = np.minimum(window.month_start[month] + rng.integers(0, 28, len(row)), lives.death[who[row]]).astype(
        np.int64
    )
    muni = block.muni(who[row], month)
    prefs, munis = tuple(block.places.pref_code), tuple(block.places.muni_code)
    pref_of = block.places.area_pref[block.places.muni_area]
    no_sex = mixed(people.id[who[row]], 17) % np.uint64(100) < np.uint64(9)
    rare = np.where(
        supported.kind[row] == 4, np.where(mixed(people.id[who[row]], 107) % np.uint64(2) == 0, 0, 1), -1
    )
    cert = pa.table(
        {
            "person": registry.number("welfare", who[row], month),
            "cert_date": dates(day),
            "support_level": level[row].astype(np.int8),
            "disability_kind": coded(supported.kind[row], KINDS),
            "nanbyo_no": coded(rare, ("2", "11")),
            "sex": pa.array(people.sex[who[row]], mask=no_sex),
            "birth_ym": month_dates(people.birth_era[who[row]]),
            "pref_code": coded(pref_of[muni], prefs),
            "muni_code": coded(muni, munis),
        }
    )
    at, when = ragged(np.maximum(np.minimum(lives.gone[who], window.months) - supported.start, 0))
    when = when + supported.start[at]
    adult = block.age(when, who[at]) >= 18
    parts = []
    for number, (_, chance, each, usual) in enumerate(ADULT):
        habit = even(mixed(people.id[who], 109 + number))
        uses = (habit < np.array(chance)[level])[at] & adult & (rng.random(len(at)) < 0.95)
        rows = np.flatnonzero(uses)
        count = (
            np.maximum(1, np.round(usual * rng.uniform(0.8, 1.15, len(rows)))).astype(np.int64).clip(1, 31)
        )
        parts.append((rows, np.full(len(rows), number), each * count, count))
    small = block.age(when, who[at]) < 6
    for number, (name, each, usual) in enumerate(CHILD, start=len(ADULT)):
        fits = (
            ~adult & ((name == "61") == small)
            if name != "65"
            else ~adult & ((mixed(people.id[who[at]], 131) % np.uint64(20)) == 0)
        )
        rows = np.flatnonzero(fits & (rng.random(len(at)) < 0.93))
        count = np.maximum(1, np.round(usual * rng.uniform(0.6, 1.3, len(rows)))).astype(np.int64).clip(1, 31)
        parts.append((rows, np.full(len(rows), number), each * count, count))
    rows, service, units, days = columns(parts)
    order = np.lexsort((service, when[rows], who[at[rows]]))
    rows, service, units, days = rows[order], service[order], units[order], days[order]
    person, service_month = who[at[rows]], when[rows].astype(np.int64)
    muni = block.muni(person, service_month)
    provider = block.places.choose(Kind.WELFARE, block.places.muni_area[people.muni[who]], rng)
    by_person = np.zeros(block.n, dtype=np.int64)
    by_person[who] = provider
    claim = pa.table(
        {
            "person": registry.number("welfare", person, service_month),
            "service_ym": dates(window.month_start[service_month]),
            "service_kind": coded(service, SERVICES),
            "units": units.astype(np.int32),
            "days": days.astype(np.int16),
            "provider_id": block.places.facility_id[by_person[person]],
            "pref_code": coded(pref_of[muni], prefs),
            "muni_code": coded(muni, munis),
        }
    )
    del age
    return (
        {"cert": cert, "claim": claim},
        np.concatenate([who[row], person]),
        np.concatenate([month, service_month]),
        np.concatenate([day, window.month_start[service_month].astype(np.int64)]),
    )
