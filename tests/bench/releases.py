"""A new table of 500 cells against 10,000 released cells over a million people. Needs no site.

The history is twenty tables of 500 cells that each cover the population, kept as custody keeps them: sealed, in a file. One
cell of the new table is a released one with one person more, and has to be found. A child process of its own does
the comparing, so that its memory is its own.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from enclave.adapters.released_sets import ReleasedSets
from enclave.adapters.vault import Vault
from enclave.disclosure.files.examine import Verdict
from enclave.disclosure.releases.differencing import examine
from enclave.disclosure.releases.history import Book, Cell, Persons, Ruler, pairs, triples
from tests.bench.promises import Line, Row, Target, Unit

PEOPLE, RELEASES, CELLS = 1_000_000, 20, 500
SECONDS, MEBIBYTES = 1.0, 300.0


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        _child("history", folder)
        told = json.loads(_child("compare", folder))
    failed = "" if told["found"] else "the one person more was not found"
    return [
        Row(
            "release_pairs",
            ("新しい表 500 セルと公表済み 10,000 セル", "500 new cells against 10,000 released"),
            Unit.SECONDS,
            told["pairs"],
            target=Target(SECONDS),
            failed=failed,
            lines=(
                Line(("3 セルの組合せ", "every three cells"), told["triples"], Unit.SECONDS),
                Line(
                    ("公表一件ごとの連立", "with each release as one system"), told["systems"], Unit.SECONDS
                ),
            ),
        ),
        Row(
            "release_memory",
            ("その記憶量", "memory for it"),
            Unit.MEBIBYTES,
            told["mib"],
            target=Target(MEBIBYTES),
            lines=(
                Line(
                    ("組合せまで調べたとき", "with every combination tried"), told["mib_all"], Unit.MEBIBYTES
                ),
                Line(("保存した集合", "sets as they are kept"), told["kept"], Unit.MEBIBYTES),
                Line(
                    ("言い換えのある集計表", "a table with totals"),
                    told["defined"],
                    Unit.MEBIBYTES,
                    told["bare"],
                ),
            ),
        ),
    ]


def _child(part: str, folder: str) -> str:
    command = [sys.executable, "-m", "tests.bench.releases", part, folder]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _table(seed: int) -> Iterator[Persons]:
    order = np.random.default_rng(seed).permutation(PEOPLE).astype(np.uint32)
    for part in np.array_split(order, CELLS):
        yield Persons(np.sort(part))


def _cells(release: str, sets: dict[str, Persons], ruler: Ruler) -> tuple[Cell, ...]:
    return tuple(
        Cell(name, release, "p", "t", (("k", name),), len(one), ruler.sketch(one), 10)
        for name, one in sets.items()
    )


def _history(folder: Path) -> None:
    held = ReleasedSets(Vault(folder / "custody"), folder / "sets", "people", PEOPLE)
    for number in range(RELEASES):
        sets = {f"r{number}/{place}": one for place, one in enumerate(_table(number))}
        held.keep(
            f"r{number}",
            "t",
            "p",
            _cells(f"r{number}", sets, held.ruler),
            sets,
            f"{number:02}",
            released=True,
        )


def _compare(folder: Path) -> None:
    held = ReleasedSets(Vault(folder / "custody"), folder / "sets", "people", PEOPLE)
    sets = {f"new/{place}": one for place, one in enumerate(_table(RELEASES))}
    known = Persons(next(_table(3)))
    known.add(next(person for person in range(PEOPLE) if person not in known))
    sets["new/0"] = known
    began = time.perf_counter()
    history = held.released()
    new = Book(_cells("new", sets, held.ruler), sets.__getitem__)
    found = pairs(new, history.book)
    took = time.perf_counter() - began
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.perf_counter()
    triples(new, history.book)
    three = time.perf_counter() - began
    began = time.perf_counter()
    examined = examine(new, history.book)
    told: dict[str, object] = {
        "pairs": took,
        "found": [one.persons for one in found] == [1] and examined.verdict is Verdict.FAIL,
        "mib": mib,
        "triples": three,
        "systems": time.perf_counter() - began - took - three,
        "mib_all": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "kept": sum(one.stat().st_size for one in (folder / "sets").iterdir()) / (1 << 20),
        **_in_other_words(folder),
    }
    print(json.dumps(told))


def _in_other_words(folder: Path) -> dict[str, float]:
    """Mebibytes of a table of 47 areas by 18 ages with all its totals, with definitions and without."""
    chance = np.random.default_rng(1)
    area, age = chance.integers(0, 47, PEOPLE), chance.integers(0, 18, PEOPLE)
    sets = {"all": Persons(range(PEOPLE))}
    for one in range(47):
        sets[f"a{one}"] = Persons(np.flatnonzero(area == one).astype(np.uint32))
    for one in range(18):
        sets[f"g{one}"] = Persons(np.flatnonzero(age == one).astype(np.uint32))
        for other in range(47):
            sets[f"g{one}a{other}"] = sets[f"g{one}"] & sets[f"a{other}"]
    found = {}
    for name, extract in (("bare", None), ("defined", "v-1/1")):
        held = ReleasedSets(
            Vault(folder / "custody"), folder / name, "people", PEOPLE, lambda _: Persons(range(PEOPLE))
        )
        held.keep("r", "t", "p", _cells("r", sets, held.ruler), sets, "00", released=True, extract=extract)
        found[name] = next((folder / name).iterdir()).stat().st_size / (1 << 20)
    return found


if __name__ == "__main__":
    {"history": _history, "compare": _compare}[sys.argv[1]](Path(sys.argv[2]))
