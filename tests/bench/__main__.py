"""`python -m tests.bench [PART…]`: measures what is promised, prints one table, keeps it in build/bench.json.

Parts: `starts` `queries` `notebook` `protection` `crowd` `synth` `extract`
`protected` `releases` `disclosure`; all where none is named. Exit status 1 where a promise is missed or
a part failed, 3 for a refusal, 130 when interrupted. Its site is gone afterwards in every case.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType

from enclave.commands.options import language
from enclave.core.refusal import Refused, problem
from enclave.wordings import WORDINGS
from tests.bench import (
    crowd,
    disclosure,
    extract,
    notebook,
    place,
    protected,
    protection,
    questions,
    releases,
    sheet,
    starts,
    synth,
)
from tests.bench.promises import Row, Target, Unit, Words, status

PARTS: dict[str, Callable[[place.Place], list[Row]]] = {
    "queries": questions.measure,
    "notebook": notebook.measure,
    "protection": protection.measure,
    "crowd": crowd.measure,
}
NAMES: dict[str, Words] = {
    "starts": ("起動", "starts"),
    "queries": ("問合せ", "queries"),
    "notebook": ("ノートブック", "notebook"),
    "protection": ("保護と台帳", "protection and log"),
    "crowd": ("混雑", "a crowd"),
    "synth": ("合成データ", "synthetic data"),
    "extract": ("抽出", "extracts"),
    "protected": ("保護した集計", "protected cells"),
    "releases": ("公表どうし", "across releases"),
    "disclosure": ("秘匿エンジン", "the disclosure engine"),
}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _part(name: str, measure: Callable[[], list[Row]], own: int) -> list[Row]:
    """A part's rows. One that fails is a row that says so, and the others are still measured."""
    began = time.monotonic()
    try:
        return measure()
    except Exception as error:
        words = NAMES[name]
        told = f"{type(error).__name__}: {error}"
        return [Row(name, words, Unit.SECONDS, target=Target(0.0), failed=told)]
    finally:
        _say(f"  {NAMES[name][own]:<20} {time.monotonic() - began:5.1f} s")


def _measured(chosen: Sequence[str], own: int) -> list[Row]:
    rows: list[Row] = []
    again: list[Row] = []
    demo_is_up = "starts" in chosen and not starts.demo_is_silent()
    if demo_is_up:
        # Before the bench's own site takes processors and memory.
        again = _part("starts", lambda: [starts.demo_again(None)], own)
    made = _part("synth", synth.measure, own) if "synth" in chosen else []
    made += _part("extract", extract.rows, own) if "extract" in chosen else []
    made += _part("protected", protected.rows, own) if "protected" in chosen else []
    made += _part("releases", releases.rows, own) if "releases" in chosen else []
    made += _part("disclosure", disclosure.rows, own) if "disclosure" in chosen else []
    up_s = None
    if set(chosen) & set(PARTS) or ("starts" in chosen and not demo_is_up):
        _say("  " + ("測定用サイトを起動しています…", "bringing up the bench's own site…")[own])
        with place.standing() as ready:
            up_s = ready.up_s
            _say(f"  {'enclave up':<20} {up_s:5.1f} s")
            for name, measure in PARTS.items():
                if name in chosen:
                    rows += _part(name, lambda measure=measure: measure(ready), own)  # type: ignore[misc]
    if "starts" in chosen:
        rows += [*(again or [starts.demo_again(up_s)]), starts.demo_fresh(), *starts.test_times()]
    order = [
        "query_small",
        "query_middling",
        "click_to_notebook",
        "demo_again",
        "demo_fresh",
        "test_fresh",
        "test_warm",
    ]
    rows += made
    return sorted(rows, key=lambda row: order.index(row.id) if row.id in order else len(order))


def _ended(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(words: Sequence[str]) -> int:
    """Measure the named parts, or all."""
    spoken = language()
    own = 0 if spoken == "ja" else 1
    chosen = list(words) or list(NAMES)
    if set(chosen) - set(NAMES):
        print(f"usage: python -m tests.bench [{' | '.join(NAMES)}]", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _ended)
    began, load = time.monotonic(), os.getloadavg()[0]
    try:
        with place.alone():
            rows = _measured(chosen, own)
    except Refused as refused:
        told = problem(refused, WORDINGS, spoken)
        _say(f"{refused.code}: {told['title']} {told['hint']}")
        return 3
    except KeyboardInterrupt:
        _say(
            (
                "中断しました。測定用サイトは残っていません。",
                "Interrupted. Nothing of the bench's site remains.",
            )[own]
        )
        return 130
    took = time.monotonic() - began
    sheet.show(rows, spoken)
    kept = sheet.write(rows, took, load)
    cores = os.cpu_count()
    print(
        (
            f"{took:.0f} 秒。開始時の負荷 {load:.1f}（{cores} コア）。数値: {kept}",
            f"{took:.0f} s. Load when it began: {load:.1f} on {cores} cores. Figures: {kept}",
        )[own]
    )
    return status(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
