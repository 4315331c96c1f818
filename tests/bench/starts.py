"""`make demo` a second time, and what the set-up and the tests themselves wrote down about how long they took.

A figure that this machine does not have is said to be missing, not guessed.
"""

import json
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from enclave import operation
from enclave.config import load_site
from tests.bench.promises import Line, Row, Target, Unit, Words

DEMO_RECORD = Path("/var/log/enclave/demo.json")
"""`{fresh_s, again_s}`, written by the set-up."""

TEST_RECORD = Path("build") / "test-time.json"
"""`{seconds, fresh, at}` of the last whole `make test`, and `fresh_s`, `warm_s` of the last of each kind."""

ABSENT: Words = ("この計算機では測定していません", "not measured here")
FRESH = Target(600.0)
AGAIN = Target(20.0)
TESTS_FRESH, TESTS_WARM = Target(1500.0), Target(600.0)


def kept(file: Path) -> dict[str, Any]:
    """A record, empty where there is none."""
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def whole_run(before: Mapping[str, Any], set_up: Mapping[str, Any], seconds: int, now: int) -> dict[str, Any]:
    """What to keep of a run of every test. `before` is what was kept; `set_up` what the last set-up that installed the
    Python packages or built the images left (`{made, seconds, at}`); `now` in seconds since 1970.

    The first whole run after such a set-up is a fresh machine's: `make test` did both, and its time is that of both.
    """
    fresh = bool(set_up) and set_up["at"] > before.get("at", 0)
    total = seconds + (round(set_up["seconds"]) if fresh else 0)
    earlier = {name: before[name] for name in ("fresh_s", "warm_s") if name in before}
    return {**earlier, "seconds": total, "fresh": fresh, "at": now, "fresh_s" if fresh else "warm_s": total}


def _demo() -> float:
    began = time.monotonic()
    done = subprocess.run(["python3", "deploy/machine", "demo"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip()[-300:])
    return time.monotonic() - began


def demo_is_silent() -> bool:
    """Whether some service of the site `demo` does not answer."""
    return bool(operation.silent_services(load_site("demo")))


def demo_again(bench_up_s: float | None) -> Row:
    """Times `make demo` on a running demo. Where none is up, the start of the bench's own site is told instead."""
    words = ("make demo をもう一度（すべて稼働中）", "make demo again, everything running")
    if demo_is_silent():
        note = (
            "サイト demo は動いていません。代わりに測定用サイトの初回起動を示します",
            "the site demo is not up; the first start of the bench's own site is told instead",
        )
        known = kept(DEMO_RECORD).get("again_s")
        if known is not None:
            note = ("前回の make demo の記録から", "from the record of an earlier make demo")
        instead = (
            ()
            if bench_up_s is None
            else (Line(("enclave up（新しいサイト）", "enclave up of a new site"), bench_up_s, Unit.SECONDS),)
        )
        return Row("demo_again", words, Unit.SECONDS, known, target=AGAIN, note=note, lines=instead)
    if operation.outdated(load_site("demo")):
        # It runs an older copy of the program: bring it up to date first, that is another promise.
        _demo()
    return Row("demo_again", words, Unit.SECONDS, _demo(), target=AGAIN, runs=1)


def demo_fresh() -> Row:
    """From the set-up's own record."""
    known = kept(DEMO_RECORD).get("fresh_s")
    note = ABSENT if known is None else ("セットアップの記録から", "from the set-up's record")
    words = ("make demo（新しい計算機）", "make demo on a fresh machine")
    return Row("demo_fresh", words, Unit.SECONDS, known, target=FRESH, note=note)


def test_times() -> list[Row]:
    """From the records of whole runs of `make test`: of a fresh machine, set-up included, and of a warm one."""
    record = kept(TEST_RECORD)
    return [
        Row(
            name, words, Unit.SECONDS, record.get(figure), target=target,
            note=ABSENT if record.get(figure) is None else ("make test の記録から", "from the record of make test"),
        )
        for name, figure, words, target in (
            ("test_fresh", "fresh_s", ("make test（新しい計算機）", "make test on a fresh machine"), TESTS_FRESH),
            ("test_warm", "warm_s", ("make test（2回目以降）", "make test when warm"), TESTS_WARM),
        )
    ]  # fmt: skip
