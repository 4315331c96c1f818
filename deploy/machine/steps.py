"""Runs the named steps of a set-up: each when those it needs are done, side by side where they do not need each other.

A step is finished work or nothing: it first looks whether its result already stands in the world, so that Ctrl-C and a
second start finish what is missing. Standard library only.
"""

import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from say import SetupRefused, say

LOGS = Path("/var/log/enclave")


@dataclass(frozen=True)
class Step:
    """`present()` says whether the result stands; `make(log)` makes it, writing what tools say to `log`."""

    name: str
    title_ja: str
    title_en: str
    expected_s: int
    needs: tuple[str, ...]
    present: Callable[[], bool]
    make: Callable[[IO[str]], None]

    @property
    def title(self) -> str:
        return say(self.title_ja, self.title_en)

    @property
    def log(self) -> Path:
        return LOGS / f"{self.name}.log"


class Running:
    """Child processes of the steps, so that an interruption ends them too."""

    def __init__(self) -> None:
        self._children: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._ended = False

    def command(
        self, log: IO[str], *words: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        """Run a command to its end with its output in the step's log. Raises CalledProcessError."""
        with self._lock:
            if self._ended:
                raise KeyboardInterrupt
            child = subprocess.Popen(
                [str(w) for w in words],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                env=env,
                cwd=cwd,
                # A group of its own: what a tool started ends with it, wherever the interruption came from.
                start_new_session=True,
            )
            self._children.add(child)
        code = child.wait()
        with self._lock:
            self._children.discard(child)
        if code:
            raise subprocess.CalledProcessError(code, [str(w) for w in words])

    def end(self) -> None:
        with self._lock:
            self._ended = True
            for child in self._children:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGTERM)


RUNNING = Running()
_PRINTING = threading.Lock()


CLEAR = "\r\x1b[K"
"""Back to the line's start, and empty it: what stands under the finished lines is only about the moment."""


def _print(text: str) -> None:
    with _PRINTING:
        print((CLEAR if sys.stdout.isatty() else "") + text, flush=True)


def _tick(running: Iterable[Step], began: float) -> None:
    """On a terminal, one line that moves: what is being done now, and for how long the set-up has been at work."""
    if sys.stdout.isatty():
        now = " · ".join(step.title for step in running)
        with _PRINTING:
            print(f"{CLEAR}    {_duration(time.monotonic() - began)}  {now}"[:100], end="", flush=True)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"


def _perform(step: Step, number: str) -> float:
    began = time.monotonic()
    if step.present():
        _print(f"  ✓ {number} {step.title}  ({say('済み', 'already there')})")
        return 0.0
    expected = say(f"目安 {_duration(step.expected_s)}", f"about {_duration(step.expected_s)}")
    _print(f"  ▸ {number} {step.title}  ({expected}; {say('記録', 'log')}: {step.log})")
    with step.log.open("a", encoding="utf-8") as log:
        step.make(log)
    took = time.monotonic() - began
    _print(f"  ✓ {number} {step.title}  {_duration(took)}")
    return took


def run(steps: Sequence[Step]) -> dict[str, float]:
    """Run all steps in the order their needs allow; seconds by name of those that had something to make.

    Raises SetupRefused naming the step that failed and its log.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    numbers = {s.name: f"[{i}/{len(steps)}]" for i, s in enumerate(steps, 1)}
    began = time.monotonic()
    done: set[str] = set()
    made: dict[str, float] = {}
    left = list(steps)
    running: dict[Future[float], Step] = {}
    with ThreadPoolExecutor(max_workers=4) as pool:
        try:
            while left or running:
                for step in [s for s in left if all(n in done for n in s.needs)]:
                    left.remove(step)
                    running[pool.submit(_perform, step, numbers[step.name])] = step
                finished, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
                _tick(running.values(), began)
                for future in finished:
                    step = running.pop(future)
                    if took := _settle(future, step):
                        made[step.name] = took
                    done.add(step.name)
        except BaseException:
            RUNNING.end()
            raise
        finally:
            if sys.stdout.isatty():
                print(CLEAR, end="", flush=True)
    return made


def _settle(future: "Future[float]", step: Step) -> float:
    try:
        return future.result()
    except SetupRefused:
        raise
    except Exception as error:
        if not isinstance(error, subprocess.CalledProcessError):
            with step.log.open("a", encoding="utf-8") as log:
                log.write("".join(traceback.format_exception(error)))
        tail = step.log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:]
        print("\n".join("      " + line for line in tail), file=sys.stderr)
        raise SetupRefused(
            "setup.step_failed",
            f"「{step.title}」で失敗しました。記録 {step.log} を確かめ、もう一度同じコマンドを実行してください。",
            f"“{step.title}” failed. See {step.log}, then run the same command again: what is finished stays.",
        ) from error
