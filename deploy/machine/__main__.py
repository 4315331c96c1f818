"""`python3 deploy/machine install | demo`: what `make` calls. Standard library only; the rest is `enclave`'s.

`install` puts everything on the machine; `demo` does that, starts the site `demo`, loads it, walks the story and says
where to go. A second start does only what is missing; two at once are refused.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

sys.path.insert(0, str(Path(__file__).parent))

from install import RUN, VENV, site_is_up, site_port, steps
from preflight import preflight
from say import LANGUAGE, SetupRefused, say
from steps import LOGS, RUNNING, Step, run

ENCLAVE = (VENV / "bin" / "python", "-P", "-m", "enclave")


def _enclave(*words: str) -> bool:
    return subprocess.run([*map(str, ENCLAVE), *words], capture_output=True, check=False).returncode == 0


def _demo_steps() -> list[Step]:
    def command(*words: str):  # type: ignore[no-untyped-def]  # a step's `make`
        def make(log: IO[str]) -> None:
            RUNNING.command(log, *ENCLAVE, *words)

        return make

    installed = tuple(s.name for s in steps() if s.name != "images")
    return [
        Step("services", "サービスの起動", "Services", 15, installed,
             lambda: _enclave("status", "--site", "demo", "--quiet"), command("up", "--site", "demo")),
        Step("database", "データベース nafld の登録", "Database nafld", 5, ("services",),
             lambda: _enclave("demo", "loaded"), command("demo", "load")),
        # Beside the images and the services: it needs nothing but the program.
        Step("people", "架空の人びと12,500人のデータ", "Records of 12,500 invented people", 30, ("program", "python"),
             lambda: _enclave("demo", "people", "--made"), command("demo", "people")),
        Step("linked", "NDB・介護DB・DPCDB の登録", "NDB, 介護DB and DPCDB", 30, ("database", "people"),
             lambda: _enclave("demo", "loaded", "--linked"), command("demo", "load-linked")),
    ]  # fmt: skip


def _only_one() -> IO[str]:
    RUN.mkdir(parents=True, exist_ok=True)
    lock = (RUN / "setup.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        holder = lock.read().strip()
        raise SetupRefused(
            "setup.running",
            f"別の準備作業が進行中です（プロセス {holder}）。終わるまで待つか、そちらを終了してください。",
            f"Another set-up is at work (process {holder}). Wait for it, or end it first.",
        ) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _note_time(seconds: float, fresh: bool) -> None:
    """Keep how long it took, for the benchmark: `{"fresh_s": …, "again_s": …}`."""
    file = LOGS / "demo.json"
    times = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**times, "fresh_s" if fresh else "again_s": round(seconds, 1)}))


LONG = {"python", "images"}
"""Steps that take minutes on a fresh machine and nothing on any other."""


def _note_made(made: dict[str, float], seconds: float) -> None:
    """Keep what a set-up for the tests had to make on a fresh machine: `{"made": […], "seconds": …, "at": …}`."""
    if LONG & made.keys():
        kept = {"made": sorted(made), "seconds": round(seconds, 1), "at": round(time.time())}
        (LOGS / "install.json").write_text(json.dumps(kept))


def main(words: list[str]) -> int:
    """Exit status: 0 done, 3 a refusal with its code, 130 interrupted."""
    began = time.monotonic()
    what = words[0] if words else "demo"
    if what not in {"install", "demo"}:
        print("usage: python3 deploy/machine [install|demo]", file=sys.stderr)
        return 2
    # A closed terminal and a polite end are interruptions like Ctrl-C: the tools at work end too.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        if os.geteuid() == 0:
            lock = _only_one()
        site = "demo" if what == "demo" else "test"
        preflight(site_port(site), lambda: site_is_up(site))
        print(say("準備", "Set-up"))
        fresh = not (VENV / "bin" / "python").exists()
        made = run([*steps(), *(_demo_steps() if what == "demo" else [])])
        if what == "install":
            _note_made(made, time.monotonic() - began)
        if what == "demo":
            # The children must not hold the lock open after this process has ended.
            walked = subprocess.run(
                [*map(str, ENCLAVE), "demo", "walk", "--lang", LANGUAGE], check=False
            ).returncode
            if walked:
                return walked
            _note_time(time.monotonic() - began, fresh)
            print(
                say(
                    f"\n{time.monotonic() - began:.0f} 秒で完了しました。",
                    f"\nReady after {time.monotonic() - began:.0f} s.",
                )
            )
            subprocess.run([*map(str, ENCLAVE), "demo", "about", "--lang", LANGUAGE], check=False)
        lock.close()
    except SetupRefused as refused:
        print(f"\n{refused.code}: {refused.sentence}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        RUNNING.end()
        print(
            say(
                "\n中断しました。同じコマンドで続きから始まります。",
                "\nInterrupted. The same command goes on from here.",
            )
        )
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
