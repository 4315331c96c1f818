"""`python -m tests.bench.extract [MILLIONS…]`: pseudonymise, sort, encrypt and write, beside the engine alone.

Claims lines as plain Parquet are made by the engine, taken in by custody's own code, and built into an extract with
person, facility and claim under pseudonyms. Beside it the bare engine reads the same Parquet, sorts by person and writes
a database file: not encrypted, not mapped. Each size runs in a process of its own, so that memory is that size's.
Exit status 1 where an extract is built at less than the promised rows a second.
"""

import base64
import hashlib
import json
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from rich.console import Console
from rich.table import Table

from enclave.adapters import extract_build, source_store
from enclave.adapters.custody_engine import Attached, engine
from enclave.adapters.extract_build import Names
from enclave.catalogue.descriptor import parse
from enclave.commands.options import language
from enclave.core import permit as permits
from enclave.core.ids import DatabaseId
from enclave.custody.plan import Kind, plan
from enclave.custody.pseudonym import Permutation, RecordPermutation, derive
from tests.bench.promises import Line, Row, Target, Unit

PROMISED = 2_500_000
"""Rows a second."""
KEY = hashlib.sha256(b"the benchmark's key").digest()
ATTACH = base64.b64encode(KEY).decode()
DB = DatabaseId("claims")
COLUMNS: dict[str, dict[str, Any]] = {
    "rcpt_id": {"type": "int", "role": "person", "record": True},
    "act_date": {"type": "date", "role": "date"},
    "act_code": {"type": "code", "role": "clinical"},
    "kubun": {"type": "code", "role": "clinical"},
    "times": {"type": "int", "role": "measure"},
    "points": {"type": "int", "role": "measure"},
    "facility_id": {"type": "int", "role": "facility"},
    "sma_code": {"type": "code", "role": "area"},
}
DESCRIPTOR = parse(
    {"database": DB, "tables": {"si": {"file": "si.parquet", "person": "person", "columns": COLUMNS}}}
)
PERMIT = permits.parse(
    {
        "schema": "enclave.permit/1", "permit_id": "p-1", "revision": 1, "project": "bench", "provision": "v-1",
        "handlers": ["tanaka"], "purpose": "", "tier": "record",
        "databases": {DB: {"si": {"columns": list(COLUMNS)}}}, "rule_sets": ["r"],
        "valid_from": "2026-01-01T00:00:00Z", "valid_to": "2027-01-01T00:00:00Z",
    }
)  # fmt: skip


def make(rows: int, path: Path) -> None:
    """Claims lines of rows/50 persons, as a holder would write them: in the order of claims, plain Parquet."""
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = '4GB'")
        connection.execute(
            f"""COPY (SELECT (hash(i // 50) % 1000003 * 1000003 + i // 50)::UBIGINT AS person, (i // 8 * 7)::BIGINT AS rcpt_id,
            DATE '2018-04-01' + (hash(i) % 1826)::INTEGER AS act_date,
            (111000000 + (pow((hash(i * 3) % 10000) / 10000.0, 3) * 5000)::INTEGER * 10)::VARCHAR AS act_code,
            'K' || ((hash(i * 3) % 10000) // 20)::VARCHAR AS kubun,
            (1 + hash(i * 5) % 3)::SMALLINT AS times, (10 + hash(i * 7) % 900)::INTEGER AS points,
            (100000 + hash(i // 50 * 11) % 30000)::INTEGER AS facility_id,
            lpad((hash(i // 50 * 13) % 335)::VARCHAR, 4, '0') AS sma_code
            FROM range({rows}) t(i)) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"""
        )


def bare(path: Path, to: Path) -> dict[str, float]:
    """The engine alone: read, sort by person, write."""
    with duckdb.connect(
        config={"memory_limit": "4GB", "temp_directory": str(to.parent / "bare-spill")}
    ) as connection:
        began = time.perf_counter()
        connection.execute(f"ATTACH '{to}' AS x")
        connection.execute(f"CREATE TABLE x.si AS SELECT * FROM '{path}' ORDER BY person")
        connection.execute("CHECKPOINT x")
        took = time.perf_counter() - began
    return {"seconds": took, "bytes": to.stat().st_size}


def built(folder: Path) -> dict[str, float]:
    """An extract of the store, as custody builds it: names made, rows sorted, encrypted, flushed, digested."""
    began = time.perf_counter()
    store = Attached(folder / "store" / source_store.STORE_FILE, source_store.STORE, ATTACH)
    names: dict[Any, Any] = {(DB, Kind.RECORD): RecordPermutation(derive(KEY, Kind.RECORD.value, [DB]))}
    with engine([store]) as connection:
        for kind in (Kind.PERSON, Kind.FACILITY):
            found = connection.execute(f"SELECT seat FROM store.seats.{kind.value}").fetchnumpy()
            seats = found["seat"].astype(np.uint32)
            names[DB, kind] = Names(seats, Permutation(derive(KEY, kind.value, [DB])).of_all(seats))
    named = time.perf_counter() - began
    planned = plan(PERMIT, {DB: DESCRIPTOR}, _no_rows)
    made = extract_build.build(
        planned, {DB: store.path}, {DB: ATTACH}, names, {},
        file=folder / "extract.duckdb", key=ATTACH, spill=folder / "spill",
    )  # fmt: skip
    return {"seconds": time.perf_counter() - began, "names": named, "bytes": made.size}


def _no_rows(_text: str, _columns: Any) -> Any:
    raise ValueError("no condition here")


def _measured(act: Callable[[], dict[str, float]], pipe: Any) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF)
    found = act()
    after = resource.getrusage(resource.RUSAGE_SELF)
    found["memory"] = after.ru_maxrss * 1024.0
    found["processor"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    pipe.send(found)


def apart(act: Callable[[], dict[str, float]]) -> dict[str, float]:
    """What an act measures of itself, in a process of its own."""
    ours, theirs = multiprocessing.get_context("fork").Pipe()
    process = multiprocessing.get_context("fork").Process(target=_measured, args=(act, theirs))
    process.start()
    theirs.close()
    try:
        return dict(ours.recv())
    finally:
        process.join()


def measure(millions: int, home: Path, runs: int = 1) -> dict[str, Any]:
    """The figures of one size."""
    folder = home / str(millions)
    folder.mkdir()
    count, source = millions * 1_000_000, folder / "si.parquet"
    apart(lambda: make(count, source) or {})  # type: ignore[func-returns-value]
    taken = apart(lambda: _taken_in(folder))
    alone, ours = [], []
    for turn in range(runs):  # beside each other: a busy moment weighs on both
        alone.append(apart(lambda: bare(source, folder / f"bare-{turn}.duckdb")))  # noqa: B023
        (folder / f"bare-{turn}.duckdb").unlink()
        ours.append(apart(lambda: built(folder)))
        (folder / "extract.duckdb").unlink()
    found = {
        "rows": count,
        "runs": runs,
        "parquet_bytes": source.stat().st_size,
        "taken_in": taken,
        "bare": min(alone, key=lambda one: one["seconds"]),
        "extract": min(ours, key=lambda one: one["seconds"]),
    }
    shutil.rmtree(folder)
    return found


def _taken_in(folder: Path) -> dict[str, float]:
    began = time.perf_counter()
    source_store.take_in(DESCRIPTOR, folder, folder / "store", ATTACH, folder / "spill")
    return {"seconds": time.perf_counter() - began}


def show(found: list[dict[str, Any]], own: int) -> None:
    table = Table(title=("抽出データの作成", "Building an extract")[own])
    heads = (
        ("行数", "rows"), ("抽出（行/秒）", "extract, rows/s"), ("エンジン単体（行/秒）", "engine alone, rows/s"), ("比", "ratio"),
        ("メモリ", "memory"), ("単体メモリ", "alone"), ("バイト/行", "bytes/row"), ("Parquet", "Parquet"), ("取込（行/秒）", "taken in, rows/s"),
    )  # fmt: skip
    for head in heads:
        table.add_column(head[own], justify="right")
    for one in found:
        rows, ours, alone = one["rows"], one["extract"], one["bare"]
        table.add_row(
            f"{rows:,}",
            f"{rows / ours['seconds']:,.0f}",
            f"{rows / alone['seconds']:,.0f}",
            f"{alone['seconds'] / ours['seconds']:.2f}",
            f"{ours['memory'] / 2**30:.2f} GiB",
            f"{alone['memory'] / 2**30:.2f} GiB",
            f"{ours['bytes'] / rows:.1f}",
            f"{one['parquet_bytes'] / rows:.1f}",
            f"{rows / one['taken_in']['seconds']:,.0f}",
        )
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=150)
    console.print(table)


SIZES = (10, 100)
"""Millions of rows: that memory does not grow is seen from one to the other."""

ROOM = 30 << 30
"""Bytes of disk that the larger size needs while it is measured."""

BESIDE = 512 << 20
"""Bytes that a build may hold beside what the engine may (`extract_build.MEMORY`), however many rows there are: the program
itself, the cipher, names. A build that fits below the engine's limit holds less."""


def rows() -> list[Row]:
    """The rows of the table of promises."""
    sizes = SIZES if shutil.disk_usage(os.environ.get("TMPDIR", "/tmp")).free > ROOM else SIZES[:1]
    found = _measured_all(sizes)
    made = [_speed(one) for one in found]
    first, last = found[0], found[-1]
    mebi = [one["extract"]["memory"] / 2**20 for one in (first, last)]
    grown = len(found) > 1
    made.append(
        Row(
            "extract_memory", ("抽出のメモリ、行数10倍", "extract, memory at ten times the rows"), Unit.MEBIBYTES,
            mebi[1] if grown else None, mebi[0] if grown else None, (f"{SIZES[0]}00万行", f"at {SIZES[0]} million"),
            Target((extract_build.MEMORY + BESIDE) >> 20), runs=1,
            note=("", "") if grown else ("ディスクの空きが足りず未測定", "not measured: too little room on the disk"),
        )
    )  # fmt: skip
    return made


def _speed(one: dict[str, Any]) -> Row:
    count, ours, alone = one["rows"], one["extract"], one["bare"]
    millions = count // 1_000_000
    widths = one["extract"]["bytes"] / count, one["parquet_bytes"] / count, alone["bytes"] / count
    speeds = count / ours["seconds"], count / alone["seconds"]
    return Row(
        f"extract_{millions}",
        (f"抽出 {millions * 100:,}万行（100万行あたり）", f"extract of {millions} million rows, per million"),
        Unit.SECONDS,
        ours["seconds"] / millions,
        alone["seconds"] / millions,
        ("エンジン単体（暗号化・仮名化なし）", "the engine alone, not encrypted, not mapped"),
        Target(1e6 / PROMISED),
        runs=one["runs"],
        note=(
            f"{speeds[0]:,.0f} 行/秒、単体 {speeds[1]:,.0f}。1行 {widths[0]:.1f} バイト、Parquet {widths[1]:.1f}、単体 {widths[2]:.1f}",
            f"{speeds[0]:,.0f} rows/s, alone {speeds[1]:,.0f}; {widths[0]:.1f} bytes a row, Parquet {widths[1]:.1f}, alone {widths[2]:.1f}",
        ),
        lines=(
            Line(("プロセッサ時間", "processor time"), ours["processor"] / millions, Unit.SECONDS, alone["processor"] / millions),
            Line(("メモリ", "memory"), ours["memory"] / 2**20, Unit.MEBIBYTES, alone["memory"] / 2**20),
            Line(("取込み", "taking in"), one["taken_in"]["seconds"] / millions, Unit.SECONDS),
        ),
    )  # fmt: skip


def _measured_all(sizes: Sequence[int]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="enclave-bench-", dir=os.environ.get("TMPDIR")) as home:
        return [measure(size, Path(home), 3 if size <= 10 else 1) for size in sizes]


def main(words: list[str]) -> int:
    found = _measured_all([int(word) for word in words] or SIZES)
    show(found, 0 if language() == "ja" else 1)
    out = Path("build") / "bench-extract.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(
        json.dumps({"schema": "enclave.bench.extract/1", "cores": os.cpu_count(), "sizes": found}, indent=2)
        + "\n"
    )
    return int(any(one["rows"] / one["extract"]["seconds"] < PROMISED for one in found))


if __name__ == "__main__":
    threading.stack_size(16 << 20)
    sys.exit(main(sys.argv[1:]))
