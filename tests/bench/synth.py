"""Synthetic databases: how fast, how much memory, how large. Needs no site.

A child process makes 125,000 people over five years, so that its memory is its own: the most that the writer held, and
the most that any worker held for each of them. What one writer alone needs for the same tables stands beside it as the
bare part.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.promises import Line, Row, Target, Unit

PEOPLE, FIRST, LAST = 125_000, 2019, 2023
SECONDS = 300.0
MEBIBYTES = 4096.0
PER_MILLION = 1.0
"""Seconds per million rows: a million rows a second."""

CHILD = """
import json, resource, sys, time
from pathlib import Path
from enclave.synth.generate import Request, run
if __name__ == "__main__":
    people, first, last, out = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    began = time.monotonic()
    made = run(Request(people, first, last, seed=1, out=out))
    took = time.monotonic() - began
    own, child = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = sum(one.ru_utime + one.ru_stime for one in (own, child))
    print(json.dumps({
        "rows": made.total, "seconds": took, "processor": processor,
        "own_kib": own.ru_maxrss, "child_kib": child.ru_maxrss,
    }))
"""


def measure() -> list[Row]:
    """The rows of the table."""
    place = Path(tempfile.mkdtemp(prefix="enclave-bench-synth-"))
    try:
        script = place / "child.py"
        script.write_text(CHILD)
        words = [sys.executable, str(script), str(PEOPLE), str(FIRST), str(LAST), str(place / "world")]
        ran = subprocess.run(
            words, check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": "."}
        )
        told = json.loads(ran.stdout.strip().splitlines()[-1])
        written = sum(path.stat().st_size for path in (place / "world").rglob("*.parquet"))
        bare = _bare_seconds_per_million(place)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    workers = len(os.sched_getaffinity(0))
    memory = (told["own_kib"] + workers * told["child_kib"]) / 1024
    million = told["seconds"] / told["rows"] * 1e6
    return [
        Row(
            "synth_rows", ("合成データ 100万行", "synthetic data, a million rows"), Unit.SECONDS, million, bare,
            ("Parquetへの書込みのみ", "Parquet writing alone"), Target(PER_MILLION), runs=1,
            note=(f"{told['rows']:,} 行、1行 {written / told['rows']:.1f} バイト", f"{told['rows']:,} rows, {written / told['rows']:.1f} bytes a row"),
        ),
        Row(
            "synth_time", ("合成データ 125,000人×5年", "synthetic data, 125,000 people × 5 years"), Unit.SECONDS,
            told["seconds"], target=Target(SECONDS), runs=1,
            # What others do on the machine lengthens the time, not this.
            lines=(Line(("プロセッサー時間（全プロセス）", "processor time of all processes"), told["processor"], Unit.SECONDS),),
        ),
        Row(
            "synth_memory", ("合成データのメモリ（全プロセス）", "synthetic data, memory of all processes"), Unit.MEBIBYTES,
            memory, target=Target(MEBIBYTES), runs=1,
            lines=(
                Line(("書込み", "the writer"), told["own_kib"] / 1024, Unit.MEBIBYTES),
                Line((f"作業プロセス（{workers}）", f"each of {workers} workers"), told["child_kib"] / 1024, Unit.MEBIBYTES),
            ),
        ),
    ]  # fmt: skip


def _bare_seconds_per_million(place: Path) -> float:
    """Writing the tables of one block again, without making them."""
    from enclave.catalogue.packaged import PUBLIC
    from enclave.synth import simulate
    from enclave.synth.block import Block
    from enclave.synth.generate import Request, world
    from enclave.synth.write import TableFile

    made = world(Request(2_500, FIRST, LAST, seed=1, out=place / "bare"))
    tables = simulate.run(Block(made, 0), PUBLIC)
    began = time.monotonic()
    for (database, name), table in tables.items():
        file = TableFile(place / "bare" / database / f"{name}.parquet")
        file.add(table)
        file.close()
    return (time.monotonic() - began) / sum(table.num_rows for table in tables.values()) * 1e6
