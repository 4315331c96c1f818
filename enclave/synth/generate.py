"""A whole run: places and population once, blocks in worker processes, files in block order.

Decides nothing about people. Determinism: every block's content depends on (seed, block) alone, blocks are written in
their order with fixed row groups, so the bytes are the same whatever the number of workers. A worker hands its tables
over as Arrow files in `<out>/.blocks`, read by memory map and removed at once.
"""

import os
import shutil
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa

from enclave.catalogue.packaged import CORE, PUBLIC
from enclave.core.refusal import Refused
from enclave.synth import places, population, reference, simulate
from enclave.synth.block import Block, World
from enclave.synth.period import Window
from enclave.synth.write import TableFile

FIRST_YEAR, LAST_YEAR = 2009, 2030
MOST_PEOPLE = 5_000_000
AHEAD = 2
"""Blocks per worker that may wait to be written."""

Progress = Callable[[int, int, int], None]
"""(blocks written, blocks in all, rows written)"""


@dataclass(frozen=True)
class Request:
    """What to make. `only` are database ids; empty: all."""

    people: int
    first: int
    last: int
    seed: int
    out: Path
    only: tuple[str, ...] = ()
    workers: int = 0

    @property
    def databases(self) -> tuple[str, ...]:
        return tuple(database for database in PUBLIC if not self.only or database in self.only)


@dataclass(frozen=True)
class Made:
    """Rows by (database, table)."""

    rows: dict[tuple[str, str], int]

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def check(request: Request) -> None:
    """Raises Refused `synth.people`, `synth.years`, `synth.seed`, `synth.unknown_database`, `synth.not_empty`."""
    if not 100 <= request.people <= MOST_PEOPLE:
        raise Refused("synth.people", {"people": request.people, "least": 100, "most": MOST_PEOPLE})
    if not FIRST_YEAR <= request.first <= request.last <= LAST_YEAR:
        raise Refused(
            "synth.years", {"first": request.first, "last": request.last, "from": FIRST_YEAR, "to": LAST_YEAR}
        )
    if not 0 <= request.seed < 2**32:
        raise Refused("synth.seed", {"seed": request.seed})
    unknown = sorted(set(request.only) - set(PUBLIC))
    if unknown:
        raise Refused("synth.unknown_database", {"databases": unknown, "known": list(PUBLIC)})
    taken = [name for name in _folders(request) if (request.out / name).exists()]
    if taken:
        raise Refused("synth.not_empty", {"folders": taken})


def world(request: Request) -> World:
    window = Window(request.first, request.last)
    here = places.build(request.seed, request.people)
    people = population.build(request.seed, request.people, window, here)
    return World(request.seed, window, here, people, request.people)


def run(request: Request, progress: Progress = lambda *_: None) -> Made:
    """Write all databases of the request; what was written. On failure nothing stays."""
    check(request)
    made = world(request)
    request.out.mkdir(parents=True, exist_ok=True)
    hand_over = request.out / ".blocks"
    hand_over.mkdir(exist_ok=True)
    files: dict[tuple[str, str], TableFile] = {}
    try:
        for number, folder in enumerate(_blocks(made, request, hand_over)):
            _append(files, folder, request.out)
            shutil.rmtree(folder)
            progress(number + 1, made.blocks, sum(file.rows for file in files.values()))
        for file in files.values():
            file.close()
        rows = {key: file.rows for key, file in files.items()}
        rows |= reference.write(made, request.databases, request.out)
    except BaseException:
        for file in files.values():
            file.abandon()
        # None of them was there before (`check`), so all that is in them is this run's.
        for name in _folders(request):
            shutil.rmtree(request.out / name, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(hand_over, ignore_errors=True)
    return Made(rows)


def _folders(request: Request) -> tuple[str, ...]:
    return (*request.databases, CORE, "truth")


def _append(files: dict[tuple[str, str], TableFile], folder: Path, out: Path) -> None:
    for path in sorted(folder.iterdir()):
        database, table, _ = path.name.split(".")
        key = (database, table)
        if key not in files:
            files[key] = TableFile(out / database / f"{table}.parquet")
        with pa.memory_map(str(path)) as source:
            files[key].add(pa.ipc.open_file(source).read_all())


# -- workers -------------------------------------------------------------------------------------
_WORLD: World | None = None


def _start(made: World) -> None:
    """Runs once in each worker."""
    global _WORLD
    _WORLD = made
    # One thread a worker: the workers are the parallelism.
    pa.set_cpu_count(1)


def _block(number: int, databases: tuple[str, ...], hand_over: str) -> str:
    if _WORLD is None:
        raise RuntimeError("a worker that was not started by _start")
    return str(hand(Block(_WORLD, number), databases, Path(hand_over)))


def hand(block: Block, databases: Collection[str], hand_over: Path) -> Path:
    """Simulate a block and leave its tables in a folder of Arrow files."""
    folder = hand_over / f"{block.number:06d}"
    folder.mkdir()
    for (database, table), rows in simulate.run(block, databases).items():
        with (
            pa.OSFile(str(folder / f"{database}.{table}.arrow"), "wb") as sink,
            pa.ipc.new_file(sink, rows.schema) as file,
        ):
            file.write_table(rows)
    return folder


def _blocks(made: World, request: Request, hand_over: Path) -> Iterator[Path]:
    """Folders of finished blocks, in order; at most a few ahead of the writer."""
    workers = request.workers or len(os.sched_getaffinity(0))
    if workers == 1:
        for number in range(made.blocks):
            yield hand(Block(made, number), request.databases, hand_over)
        return
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_start, initargs=(made,)
    ) as pool:
        waiting: list[Future[str]] = []
        try:
            for number in range(made.blocks):
                waiting.append(pool.submit(_block, number, request.databases, str(hand_over)))
                if len(waiting) >= workers * AHEAD:
                    yield Path(waiting.pop(0).result())
            while waiting:
                yield Path(waiting.pop(0).result())
        finally:
            for future in waiting:
                future.cancel()
