"""`python -m tests.bench disclosure`: the disclosure engine on its own, beside its rivals where they install. Needs no site.

Tables: two of Statistics Netherlands' test data (ENCLAVE_CBS, or ../shared/data/cbs beside the repository; where they are absent
the row says so), and two invented by a seeded generator. Each is protected by the command as anybody runs it, then
verified by the command's checker, which shares no code with the search; a watch adds up the memory of all its processes. Rivals
get a virtual environment of their own under build/ and a process of their own; they are in no lock of this program.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.bench import invented
from tests.bench.promises import Line, Row, Target, Unit, Words, p50, p50_extra

ROOT = Path(__file__).resolve().parents[2]
RIVALS = ROOT / "build" / "rivals"
MEBIBYTES = 2048.0
CHECKED_S, CHECKED_ROWS = 2.0, 5_000


@dataclass(frozen=True)
class Instance:
    """`most`: the loss promised, in the units of the table; `seconds`: the time limit that the spec gives."""

    id: str
    words: Words
    seconds: int
    most: float
    rival: str = ""
    sums: bool = True


CBS = (
    Instance("cbs_162", ("CBS 162 セル", "CBS, 162 cells"), 60, 521_926.0, "OPT(1,5)"),
    Instance("cbs_6399_10", ("CBS 6,399 セル、10 秒", "CBS, 6,399 cells, 10 s"), 10, 3.63e6, "MOD(1,5,1,0,0)"),
    Instance("cbs_6399_135", ("CBS 6,399 セル、135 秒", "CBS, 6,399 cells, 135 s"), 135, 3.45e6),
)  # fmt: skip
INVENTED = (
    Instance("value_large", ("架空の企業統計", "invented enterprises"), 60, 0.0, "MOD(1,5,1,0,0)"),
    Instance("count_large", ("架空の人数表、三次元", "invented counts, three dimensions"), 120, 200_000.0, sums=False),
)  # fmt: skip


def cbs() -> Path | None:
    """The folder of the test data, where there is one."""
    for place in (os.environ.get("ENCLAVE_CBS"), ROOT.parent / "shared" / "data" / "cbs"):
        if place and (Path(place) / "industry_size.csv").exists():
            return Path(place)
    return None


def rows() -> list[Row]:
    found: list[Row] = []
    python, absent = rivals()
    with tempfile.TemporaryDirectory() as name:
        folder, source = Path(name), cbs()
        for one in CBS:
            if source is None:
                said = ("データ cbs がこの機械にありません", "the data cbs is not on this machine")
                found.append(Row(one.id, one.words, Unit.SECONDS, note=said))
            else:
                found += _measured(one, _of_cbs(one, source, folder / one.id), python, absent)
        if source is not None:
            found.append(_beyond_start(folder / "cbs_162", folder))
        for one in INVENTED:
            made = invented.values() if one.sums else invented.counts()
            place = folder / one.id
            place.mkdir()
            found += _measured(one, invented.written(place, made, one.sums, one.seconds), python, absent)
        found.append(_checked(folder, python))
    return found


def _of_cbs(one: Instance, source: Path, folder: Path) -> Path:
    folder.mkdir()
    name, column = ("size_region", "region") if one.id == "cbs_162" else ("industry_size", "industry")
    shutil.copy(source / f"{name}.csv", folder / "table.csv")
    shutil.copy(source / f"{column}_hierarchy.csv", folder)
    spec = {
        "dimensions": {
            "size": {"total": "Total"},
            column: {"hierarchy": f"{column}_hierarchy.csv", "total": "Total"},
        },
        "count": "count", "value": "value", "max1": "max1", "max2": "max2", "cost": "value",
        "time_limit": one.seconds,
    }  # fmt: skip
    (folder / "spec.yaml").write_text(yaml.safe_dump(spec))
    (folder / "rules.yaml").write_text(yaml.safe_dump(invented.RULES_VALUE))
    return folder


# -- a run of the command ------------------------------------------------------------------------------------------------


def _command(folder: Path, *more: str) -> list[str]:
    call = [
        sys.executable,
        "-m",
        "enclave",
        "protect",
        str(folder / "table.csv"),
        "--spec",
        str(folder / "spec.yaml"),
    ]
    return [*call, "--rules", str(folder / "rules.yaml"), "-o", str(folder / "out.csv"), "--json", *more]  # fmt: skip


def _family(pid: int) -> list[int]:
    """A process and all that came of it."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(words[1]), []).append(int(stat.parent.name))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += parents.get(found[-1], [])
    return found


def _resident(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/statm").read_text()
    except OSError:
        return 0
    return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def watching(process: "subprocess.Popen[str]", peak: list[float]) -> Iterator[None]:
    """The greatest sum of resident memory of the process and its children, in MiB, ten times a second."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            peak[0] = max(peak[0], sum(_resident(pid) for pid in _family(process.pid)) / (1 << 20))

    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def run(command: Sequence[str], limit: float) -> tuple[float, float, str]:
    """Seconds, MiB and what was printed. Raises RuntimeError for another status than 0, and for a run that does not end."""
    began, peak = time.perf_counter(), [0.0]
    process = subprocess.Popen(
        list(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    with watching(process, peak):
        try:
            out, err = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise RuntimeError(f"did not end within {limit:g} s") from None
    if process.returncode:
        raise RuntimeError((err or out).strip().splitlines()[-1][:200] if err or out else "failed")
    return time.perf_counter() - began, peak[0], out


def _measured(one: Instance, folder: Path, python: Path | None, absent: str) -> list[Row]:
    """Time with the rival's, loss, verification, memory."""
    rival, said = _rival(one, folder, python, absent)
    try:
        took, mib, out = run(_command(folder), 4 * one.seconds + 60)
        told = json.loads(out)
        verified, _, _ = run(_command(folder, "--verify"), 600)
    except RuntimeError as no:
        limit = Target(float(one.seconds))
        return [Row(one.id, one.words, Unit.SECONDS, target=limit, failed=f"{no}; {said}")]
    ours = f"{told['cells']:,} cells, {told['primary']:,} unsafe, {told['secondary']:,} besides, loss {told['loss']:,.0f}, bound {told['bound']:,.0f}"
    seconds = Row(
        one.id, (f"{one.words[0]}: 時間", f"{one.words[1]}: time"), Unit.SECONDS, took,
        bare=None if rival is None else rival["seconds"], bare_words=("τ-ARGUS", "τ-ARGUS"),
        target=Target(float(one.seconds)), note=(f"{ours}; {said}", f"{ours}; {said}"),
        lines=(
            Line(("証明書の検算（探索とコードを共有しない）", "certificates verified, without the search's code"), verified, Unit.SECONDS),
            Line(("全プロセスの記憶量", "memory of all processes"), mib, Unit.MEBIBYTES),
        ),
    )  # fmt: skip
    found = [seconds]
    most = one.most or (0.0 if rival is None else rival["loss"])
    if most:
        # The invented table of values has no promise of its own: the rival's loss, where it succeeds, is what it is beside.
        target = Target(1.0 if one.most else 1.05)
        words = (f"{one.words[0]}: 損失 ÷ {most:,.0f}", f"{one.words[1]}: loss over {most:,.0f}")
        found.append(Row(f"{one.id}_loss", words, Unit.TIMES, told["loss"] / most, target=target))
    memory = (f"{one.words[0]}: 記憶量", f"{one.words[1]}: memory")
    found.append(Row(f"{one.id}_memory", memory, Unit.MEBIBYTES, mib, target=Target(MEBIBYTES)))
    return found


def _beyond_start(folder: Path, place: Path) -> Row:
    """162 cells beside a table of four, in turns: what the protection takes beyond the start of the command."""
    small = place / "four"
    small.mkdir()
    (small / "table.csv").write_text("sex,count\nm,40\nf,50\nT,90\n")
    (small / "spec.yaml").write_text("{dimensions: {sex: {total: T}}, count: count}")
    (small / "rules.yaml").write_text(yaml.safe_dump(invented.RULES_COUNT))
    ours, start = [], []
    for _ in range(7):
        start.append(run(_command(small), 60)[0])
        ours.append(run(_command(folder), 60)[0])
    words = ("CBS 162 セル: コマンドの起動を除く時間", "CBS, 162 cells: beyond the start of the command")
    return Row(
        "cbs_162_beyond", words, Unit.SECONDS, p50(ours), bare=p50(start), extra=p50_extra(ours, start),
        bare_words=("起動", "its start"), target=Target(0.1, above=True), runs=7,
    )  # fmt: skip


# -- the rivals ----------------------------------------------------------------------------------------------------------


def rivals() -> tuple[Path | None, str]:
    """A Python of their own with pytauargus and acro, made once; None and why where they do not install."""
    python = RIVALS / "bin" / "python"
    try:
        if not python.exists():
            run([sys.executable, "-m", "venv", str(RIVALS)], 120)
        run([str(python), "-c", "import pytauargus"], 60)
    except RuntimeError:
        try:
            run([str(python), "-m", "pip", "install", "-q", "pytauargus==0.6.0"], 300)
        except (RuntimeError, OSError) as no:
            return None, f"τ-ARGUS not installed: {no}"
    return python, ""


def _rival(
    one: Instance, folder: Path, python: Path | None, absent: str
) -> tuple[dict[str, Any] | None, str]:
    """What τ-ARGUS needs and loses on the same table, and that in words."""
    if not one.rival:
        return None, "τ-ARGUS not run"
    if python is None:
        return None, absent
    spec = yaml.safe_load((folder / "spec.yaml").read_text())
    asked = {"dimensions": spec["dimensions"], "p": 15, "n": 3, "suppress": one.rival}
    script = Path(__file__).with_name("rival_tauargus.py")
    try:
        _, mib, out = run([str(python), "-P", str(script), str(folder), json.dumps(asked)], 200)
        told: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    except (RuntimeError, ValueError, IndexError) as no:
        return None, f"τ-ARGUS ({one.rival}) fails: {no}"
    said = f"τ-ARGUS ({one.rival}): {told['seconds']:.1f} s, {told['secondary']:,} besides, loss {told['loss']:,.0f}, {mib:,.0f} MiB"
    return told, said


def _checked(folder: Path, python: Path | None) -> Row:
    """An output of 5,000 rows with hidden cells, examined by the command; acro's own check of as many records beside it."""
    path = folder / "output.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["sex", "code", "n", "mean"])
        for number in range(CHECKED_ROWS // 2):
            for sex in ("f", "m"):
                hidden = number % 10 == 0
                writer.writerow(
                    [sex, f"k{number}", "" if hidden else 10 + number % 90, "" if hidden else "3.25"]
                )
    command = [sys.executable, "-m", "enclave", "check", str(path), "--rules", "ndb-2024-09", "--json"]
    times = [run(command, 60)[0] for _ in range(3)]
    beside, said = _acro(python)
    words = ("5,000 行の公表物の検査", "an output of 5,000 rows examined")
    return Row(
        "checked_5000", words, Unit.SECONDS, p50(times), bare=beside, bare_words=("acro", "acro"),
        target=Target(CHECKED_S), runs=3, note=(said, said),
    )  # fmt: skip


ACRO = """
import contextlib, io, time
import pandas, acro
frame = pandas.DataFrame({"sex": ["f", "m"] * 100000, "code": [f"k{i // 2 % 2500}" for i in range(200000)]})
with contextlib.redirect_stdout(io.StringIO()):
    session = acro.ACRO(suppress=True)
    began = time.monotonic()
    session.crosstab(frame["code"], frame["sex"])
print(time.monotonic() - began)
"""


def _acro(python: Path | None) -> tuple[float | None, str]:
    """Seconds of acro's crosstab of 5,000 cells; it needs the records, and sees one table at a time."""
    if python is None:
        return None, ""
    try:
        run([str(python), "-c", "import acro"], 120)
    except RuntimeError:
        try:
            run([str(python), "-m", "pip", "install", "-q", "acro==1.0.2"], 400)
        except RuntimeError as no:
            return None, f"acro not installed: {no}"
    try:
        _, _, out = run([str(python), "-P", "-c", ACRO], 200)
        return float(
            out.strip().splitlines()[-1]
        ), "acro: a crosstab of 5,000 cells from 200,000 records, primary rules only"
    except (RuntimeError, ValueError, IndexError) as no:
        return None, f"acro fails: {no}"
