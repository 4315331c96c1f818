"""Designated intractable diseases (nanbyo) and specified chronic diseases of children (shoman).

Decides who is a recipient, by numbers of recipients [DK] and age; for diseases that the model of illness already has,
recipients are among those who have it. A form is filed every year while the person is a recipient, so persons repeat;
one in a hundred files twice. Children with such a disease go on to the adults' register at eighteen where the disease
stands in it.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

from enclave.synth import tables
from enclave.synth.block import Block
from enclave.synth.codelists import diseases
from enclave.synth.columns import coded, month_dates
from enclave.synth.disease import AGES, Health, conditions
from enclave.synth.draws import Array, columns, even, events, mixed, ragged
from enclave.synth.identifiers import Registry
from enclave.synth.lives import Lives
from enclave.synth.population import REAL_PEOPLE, joint_table

RECIPIENT = 0.85
"""Share of those with a designated disease who are recipients [DK]."""

BOUNDARY = 18
ITEMS: dict[int, tuple[tuple[str, float, float, float, float], ...]] = {
    # number: (item, mean at severity 1, step per severity, spread, decimals)
    6: (("hoehn_yahr", 1, 0.9, 0.4, 0), ("updrs3", 14, 9, 6, 0)),
    97: (("mayo", 2, 2.1, 1.2, 0),),
    96: (("cdai", 90, 65, 40, 0),),
    49: (("sledai", 2, 2.6, 2, 0),),
    11: (("mg_adl", 2, 2.4, 1.6, 0), ("achr_ab", 8, 12, 10, 1)),
    2: (("alsfrs_r", 44, -8, 3, 0), ("fvc", 92, -15, 9, 0)),
    85: (("fvc", 86, -11, 9, 0),),
}
ITEM_CODES = ("hoehn_yahr", "updrs3", "mayo", "cdai", "sledai", "mg_adl", "achr_ab", "alsfrs_r", "fvc")
TREATABLE = (11, 49, 50, 63, 84, 96, 97, 222)
"""Diseases that treatment holds where they are: the others grow worse with the years."""

STEROIDS = {
    49: 0.82,
    11: 0.72,
    97: 0.28,
    96: 0.2,
    50: 0.86,
    63: 0.4,
    222: 0.7,
    84: 0.4,
    300: 0.75,
    85: 0.35,
    56: 0.3,
    13: 0.35,
    95: 0.7,
}
SUPPRESSED = {49: 0.5, 11: 0.42, 97: 0.25, 96: 0.55, 50: 0.55, 222: 0.5, 13: 0.1, 51: 0.2, 56: 0.3}


@dataclass(frozen=True)
class Listed:
    database: tuple[str, ...]
    number: Array
    name: tuple[str, ...]
    disease: Array
    prevalence: Array
    """(entry, sex, age); zero for entries that the model of illness has."""
    condition: Array


@cache
def listed() -> Listed:
    rows = tables.rows("designated")
    national = joint_table().sum(axis=0) * REAL_PEOPLE
    middle = np.minimum(np.arange(21) * 5 + 2, 110)
    prevalence = np.zeros((len(rows), 2, len(AGES)))
    for number, row in enumerate(rows):
        if row["condition"]:
            continue
        if row["database"] == "shoman":
            curve = np.interp(AGES, [1, 10, 19, 20], [*[float(v) for v in row["shape"].split()], 0.0])
        else:
            curve = np.where(AGES < BOUNDARY, 0, tables.shape(row["shape"], AGES))
        ratio = float(row["male_to_female"])
        crude = (national[0] * curve[middle]).sum() * ratio + (national[1] * curve[middle]).sum()
        each = curve * float(row["thousand"]) * 1000 / crude
        prevalence[number] = np.stack([each * ratio, each])
    return Listed(
        database=tuple(row["database"] for row in rows),
        number=np.array([int(row["number"]) for row in rows]),
        name=tuple(row["name"] for row in rows),
        disease=np.array([diseases().index[row["disease_code"]] for row in rows], dtype=np.int16),
        prevalence=prevalence,
        condition=np.array(
            [conditions().index[row["condition"]] if row["condition"] else -1 for row in rows]
        ),
    )


@dataclass(frozen=True)
class Recipients:
    """One row per person and designated disease. Months of the window; `onset` months since the year 0."""

    person: Array
    entry: Array
    start: Array
    end: Array
    onset: Array


def build(block: Block, health: Health, lives: Lives) -> Recipients:
    rng = block.rng("designated")
    table, window, people = listed(), block.window, block.people
    order = np.lexsort((rng.random(block.n), people.birth, people.sex))
    middle = block.yearly_age[:, window.years // 2].clip(0, 110)
    rows = []
    for nth, condition in enumerate(table.condition):
        if condition >= 0:
            mine = np.flatnonzero(
                (health.condition == condition) & (rng.random(len(health.person)) < RECIPIENT)
            )
            person, start, end = health.person[mine], health.start[mine], health.end[mine]
            onset = _era(health.onset[mine])
        else:
            expected = table.prevalence[nth, people.sex - 1, middle] * (block.yearly_age[:, -1] >= 0)
            person = np.unique(events(expected, order, rng, block.number * 79 + nth))
            new = rng.random(len(person)) < 0.09 * window.years
            start = np.where(new, (rng.random(len(person)) * window.months).astype(np.int64), 0)
            end = np.full(len(person), window.months)
            back = np.minimum(rng.exponential(90, len(person)), (middle[person] * 12) * 0.8)
            onset = (
                window.era0 + start - np.where(new, rng.integers(1, 14, len(person)), back).astype(np.int64)
            )
        shoman = table.database[nth] == "shoman"
        twenty = 20 * 12 + people.birth_era[person] - window.era0
        eighteen = BOUNDARY * 12 + people.birth_era[person] - window.era0
        start = np.maximum(start, block.born[person] if shoman else eighteen)
        end = np.minimum(end, np.where(shoman, twenty, window.months))
        end = np.minimum(end, lives.gone[person])
        onset = np.maximum(onset, people.birth_era[person])
        keep = end > start
        rows.append((person[keep], np.full(keep.sum(), nth), start[keep], end[keep], onset[keep]))
        if condition >= 0:
            # Children with it are in the children's register where that lists the disease.
            twin = [
                n
                for n, name in enumerate(table.name)
                if name == table.name[nth] and table.database[n] == "shoman"
            ]
            if twin:
                begin = np.maximum(health.start[mine], block.born[person])
                stop = np.minimum(np.minimum(health.end[mine], twenty), lives.gone[person])
                young = stop > begin
                rows.append(
                    (person[young], np.full(young.sum(), twin[0]), begin[young], stop[young], onset[young])
                )
    person, entry, start, end, onset = columns(rows)
    return Recipients(
        person.astype(np.int32),
        entry.astype(np.int16),
        start.astype(np.int32),
        end.astype(np.int32),
        onset.astype(np.int64),
    )


def _era(days: Array) -> Array:
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months + 1970 * 12


def records(
    block: Block, lives: Lives, recipients: Recipients, registry: Registry
) -> dict[tuple[str, str], tuple[pa.Table, Array, Array, Array]]:
    """(database, table) → (rows, person, month, day)."""
    rng = block.rng("designated forms")
    table, window, people = listed(), block.window, block.people
    row, year = ragged(np.full(len(recipients.person), window.years))
    # The form is filed in the month of the first one, every year.
    anniversary = (mixed(people.id[recipients.person[row]], 61) % np.uint64(12)).astype(np.int64)
    month = 12 * year + anniversary
    first = recipients.start[row] - 12 * year
    month = np.where((first > 0) & (first < 12), np.maximum(recipients.start[row], month), month)
    keep = (recipients.start[row] <= month) & (month < recipients.end[row]) & (month < window.months)
    row, year, month = row[keep], year[keep], month[keep]
    again = rng.random(len(row)) < 0.01
    row, year, month = (np.concatenate([v, v[again]]) for v in (row, year, month))
    order = np.lexsort((month, row))
    row, year, month = row[order], year[order], month[order]
    entry, person = recipients.entry[row], recipients.person[row].astype(np.int64)
    number = table.number[entry]
    adult = np.array(table.database)[entry] == "nanbyo"
    known = window.era0 + month - recipients.onset[row]
    steady = even(mixed(people.id[person], 67))
    severity = np.clip(
        np.round(
            1.1
            + 2.2 * steady
            + np.where(np.isin(number, TREATABLE), 0, known / 110)
            + rng.normal(0, 0.35, len(row))
        ),
        1,
        5,
    ).astype(np.int64)
    age = block.age(month, person).astype(np.int64)
    new = (recipients.start[row] // 12 == year) & (recipients.start[row] > 0)
    muni = block.muni(person, month)
    pref = block.places.area_pref[block.places.muni_area[muni]]
    day = window.month_start[month] + rng.integers(0, 28, len(row))
    day = np.minimum(day, lives.death[person])
    common = {
        "apply_fy": (window.first + year).astype(np.int16),
        "renewal": np.where(new, 1, 2).astype(np.int8),
        "onset_age": np.maximum((recipients.onset[row] - people.birth_era[person]) // 12, 0).astype(np.int16),
        "birth_ym": month_dates(people.birth_era[person]),
        "age": age.astype(np.int16),
        "sex": people.sex[person],
        "pref_code": coded(pref, tuple(block.places.pref_code)),
        "disease_name": coded(entry, table.name),
    }
    treated = rng.random((2, len(row)))
    steroid = treated[0] < _by_number(STEROIDS, 0.04, number)
    suppressed = treated[1] < _by_number(SUPPRESSED, 0.02, number)
    ventilator = (number == 2) & (severity >= 5) & (steady > 0.5)
    at = np.flatnonzero(adult)
    nanbyo = pa.table(
        {
            "person": registry.number("nanbyo", person[at], month[at]),
            **{name: _take(column, at) for name, column in common.items()},
            "disease_no": number[at].astype(np.int16),
            "onset_ym": month_dates(recipients.onset[row[at]]),
            "severity": severity[at].astype(np.int8),
            "independence": np.clip(severity[at] - 1 + (steady[at] > 0.7), 1, 4).astype(np.int8),
            "steroid": steroid[at],
            "immunosuppressant": suppressed[at],
            "ventilator": ventilator[at],
        }
    )
    found = {("nanbyo", "reg"): (nanbyo, person[at], month[at], day[at].astype(np.int64))}
    found["nanbyo", "item"] = _items(
        registry, number[at], severity[at], person[at], month[at], window.first + year[at], day[at], rng
    )
    at = np.flatnonzero(~adult)
    male = people.sex[person[at]] == 1
    height = (
        50
        + np.interp(age[at], [0, 1, 5, 10, 14, 18], [0, 25, 60, 88, 110, 116])
        + np.where(male & (age[at] > 13), 9, 0)
        + rng.normal(0, 5, len(at))
    )
    height = np.where(
        np.isin(np.array(table.name)[entry[at]], ["成長ホルモン分泌不全性低身長症", "軟骨無形成症"]),
        height * 0.88,
        height,
    )
    shoman = pa.table(
        {
            "person": registry.number("shoman", person[at], month[at]),
            **{name: _take(column, at) for name, column in common.items()},
            "group_no": number[at].astype(np.int8),
            "height": np.round(height, 1),
            "weight": np.round(
                (15.5 + 0.28 * age[at] + rng.normal(0, 1.5, len(at))) * (height / 100) ** 2, 1
            ),
        }
    )
    found["shoman", "reg"] = (shoman, person[at], month[at], day[at].astype(np.int64))
    return found


def _take(column: Array | pa.Array, at: Array) -> Array | pa.Array:
    return column[at] if isinstance(column, np.ndarray) else column.take(pa.array(at))


def _by_number(chances: dict[int, float], otherwise: float, number: Array) -> Array:
    found = np.full(len(number), otherwise)
    for key, chance in chances.items():
        found[number == key] = chance
    return found


def _items(
    registry: Registry,
    number: Array,
    severity: Array,
    person: Array,
    month: Array,
    fiscal: Array,
    day: Array,
    rng: np.random.Generator,
) -> tuple[pa.Table, Array, Array, Array]:
    parts = []
    for disease, items in ITEMS.items():
        at = np.flatnonzero(number == disease)
        for item, mean, step, spread, decimals in items:
            value = mean + step * (severity[at] - 1) + rng.normal(0, spread, len(at))
            parts.append(
                (at, np.full(len(at), ITEM_CODES.index(item)), np.round(value.clip(0), int(decimals)))
            )
    at, code, value = columns(parts)
    order = np.lexsort((code, at))
    at, code, value = at[order], code[order], value[order]
    table = pa.table(
        {
            "person": registry.number("nanbyo", person[at], month[at]),
            "apply_fy": fiscal[at].astype(np.int16),
            "disease_no": number[at].astype(np.int16),
            "item_code": coded(code, ITEM_CODES),
            "value": value,
        }
    )
    return table, person[at], month[at], day[at].astype(np.int64)
