"""Invented people with the holders' hashes of their identifiers, wrong at the rates that the field states.

One row per (record, observed combination), as a descriptor's `identifiers` section names it. Rates: a change of insurer
about 10 % a year of adults, a change of name about 3 % a year of women of 25 to 39, kana noise 0.5 to 1 %, ID5 not
before 2022, sex absent in the welfare records of some (source: the ID pages of the public databases; rates assumed).
Also twins of one sex who share ID1, and namesakes born on one day.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

KEYS = {
    "ndb": ("id1", "id2", "id4", "id5"),
    "kaigo": ("id1", "id2", "id4", "id5"),
    "dpc": ("id1", "id2", "id4", "id5"),
    "welfare": ("id4", "id5"),
    "nextgen": ("id2", "id5"),
}
SHARE = {"ndb": 0.97, "kaigo": 0.18, "dpc": 0.35, "welfare": 0.05, "nextgen": 0.06}
FIRST, LAST = date(2019, 4, 1), date(2024, 3, 31)
ID5_SINCE = date(2022, 4, 1)


@dataclass(frozen=True)
class Made:
    """Per database: the identifiers' columns, and the true person of each record."""

    observed: dict[str, pa.Table]
    truth: dict[str, pa.Table]


def made(
    people: int, seed: int = 1, databases: tuple[str, ...] = ("ndb", "kaigo", "dpc", "welfare", "nextgen")
) -> Made:
    """`people` invented persons. The same seed gives the same rows."""
    chance = np.random.default_rng(seed)
    sex = chance.integers(1, 3, people)
    # Births of forty years: as many persons share a birthday as in the real population's proportion of names.
    born = np.datetime64("1930-01-01") + chance.integers(0, 365 * 90, people)
    surname = _zipf(chance, people, 20_000)
    given = _zipf(chance, people, 30_000)
    twins = np.arange(0, people - 1, 250)  # 0.4 % of births, of one sex
    sex[twins + 1], born[twins + 1], surname[twins + 1] = sex[twins], born[twins], surname[twins]
    household = np.arange(people)
    household[twins + 1] = household[twins]
    namesakes = np.arange(7, people - 200, 2_000)
    for array in (sex, born, surname, given):
        array[namesakes + 101] = array[namesakes]
    dies = np.where(chance.random(people) < 0.07, chance.integers(0, 1826, people), 10_000)
    changes = chance.random((people, 5)) < np.where(_age(born) >= 20, 0.10, 0.05)[:, None]
    marries = (sex == 2) & (_age(born) >= 25) & (_age(born) < 40)
    renamed = (chance.random((people, 5)) < 0.03) & marries[:, None]
    observed, truth = {}, {}
    for database in databases:
        inside = np.flatnonzero(chance.random(people) < SHARE[database])
        observed[database], truth[database] = _records(
            chance, database, inside, sex, born, surname, given, household, dies, changes, renamed
        )
    return Made(observed, truth)


def written(found: Made, folder: Path) -> None:
    """`<folder>/<database>/identifiers.parquet` and `<folder>/truth/<database>.parquet`."""
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    for database, table in found.observed.items():
        (folder / database).mkdir(exist_ok=True)
        pq.write_table(table, folder / database / "identifiers.parquet")
        pq.write_table(found.truth[database], folder / "truth" / f"{database}.parquet")


def _zipf(chance: np.random.Generator, n: int, words: int) -> np.ndarray:
    weights = 1 / np.arange(1, words + 1) ** 0.8
    return chance.choice(words, n, p=weights / weights.sum())


def _age(born: np.ndarray) -> np.ndarray:
    return (np.datetime64("2019-04-01") - born).astype(int) // 365


def _records(chance, database, inside, sex, born, surname, given, household, dies, changes, renamed):  # type: ignore[no-untyped-def]
    columns: dict[str, list] = {
        k: [] for k in ("person", "id1", "id2", "id4", "id5", "sex", "birth_ym", "first_seen", "last_seen")
    }  # type: ignore[type-arg]
    numbers = chance.permutation(len(inside) * 3)[: len(inside) * 2] + 10_000_000
    true_of: dict[int, int] = {}
    keys = KEYS[database]
    for seat, who in enumerate(inside):
        number = int(numbers[seat])
        start = 0 if database == "ndb" else int(chance.integers(0, 5))
        stop = 5 if database == "ndb" else min(5, start + int(chance.integers(1, 5)))
        noisy = chance.random() < 0.008
        for year in range(start, stop):
            if dies[who] < year * 365:
                break
            insurer = int(changes[who, : year + 1].sum())
            names = int(renamed[who, : year + 1].sum())
            first = FIRST + timedelta(days=365 * year)
            last = min(first + timedelta(days=364), FIRST + timedelta(days=int(dies[who])))
            if last < first:
                break
            if year > start and insurer and changes[who, year] and chance.random() < 0.15 and "id1" in keys:
                # The holder could not tell that these are one person: another number from now on.
                number = int(numbers[len(inside) + seat])
            day = str(born[who])
            name = (int(surname[who]) + 100_000 * names, int(given[who]))
            kana = (name[0] % 9_000, name[1] % 12_000)  # several spellings sound alike
            if noisy:
                kana = (kana[0], kana[1] + 50_000)
            sexless = database == "welfare" and chance.random() < 0.1
            true_of[number] = int(who)
            columns["person"].append(number)
            columns["id1"].append(
                _hash("id1", household[who], insurer, day, sex[who]) if "id1" in keys else None
            )
            columns["id2"].append(_hash("id2", *name, day, sex[who]) if "id2" in keys else None)
            columns["id4"].append(
                _hash("id4", *kana, day, sex[who]) if "id4" in keys and not sexless else None
            )
            columns["id5"].append(_hash("id5", who) if last >= ID5_SINCE else None)
            columns["sex"].append(None if sexless else int(sex[who]))
            columns["birth_ym"].append(date.fromisoformat(day[:7] + "-01"))
            columns["first_seen"].append(first)
            columns["last_seen"].append(last)
    table = pa.table(
        {
            "person": pa.array(columns["person"], pa.uint64()),
            **{key: pa.array(columns[key], pa.string()) for key in ("id1", "id2", "id4", "id5")},
            "sex": pa.array(columns["sex"], pa.int8()),
            **{day: pa.array(columns[day], pa.date32()) for day in ("birth_ym", "first_seen", "last_seen")},
        }
    )
    truth = pa.table(
        {
            "person": pa.array(list(true_of), pa.uint64()),
            "true_id": pa.array(list(true_of.values()), pa.uint64()),
        }
    )
    return table, truth


def _hash(*parts: object) -> str:
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
