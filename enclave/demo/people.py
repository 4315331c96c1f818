"""The demo's invented people: how many, of which years, and where their databases lie.

Decides one fixed request of the generator, so that every demo shows the same numbers. Made on this machine when it is
first needed; kept beside the program, since making them again would give the same bytes. Does not register anything.
"""

import fcntl
import hashlib
import shutil
from pathlib import Path

from enclave.config import PREFIX

PEOPLE = 12_500
FIRST, LAST = 2019, 2023
"""Fiscal years. The first one tells who is new to a drug in the others."""

SEED = 1
DATABASES = ("ndb", "kaigo", "dpc")
REFERENCE = "core"
"""Reference tables: code lists, areas, population."""

SOURCES = ("synth", "catalogue")
"""Packages of this program that decide the bytes."""


def generator() -> str:
    """Digest of what decides the bytes: another generator makes other people."""
    program = Path(__file__).parents[1]
    total = hashlib.sha256(f"{PEOPLE} {FIRST} {LAST} {SEED} {DATABASES}".encode())
    for file in sorted(f for part in SOURCES for f in (program / part).rglob("*") if f.is_file()):
        if file.suffix in {".py", ".csv", ".yaml"}:
            total.update(str(file.relative_to(program)).encode() + b"\0" + file.read_bytes() + b"\0")
    return total.hexdigest()[:16]


def folder(kept: Path = PREFIX / "people") -> Path:
    """Where the databases of these people lie once they are made: `<folder>/<database>/descriptor.yaml`."""
    return kept / generator()


def make(kept: Path = PREFIX / "people") -> Path:
    """The databases' folder, made unless it is there. An interrupted run leaves nothing that looks finished.

    Two at once wait for each other. What another generator made goes.
    """
    from enclave.synth import generate

    kept.mkdir(parents=True, exist_ok=True)
    target = folder(kept)
    with (kept / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            for old in (place for place in kept.iterdir() if place.is_dir()):
                shutil.rmtree(old)
            working = kept / f".{target.name}"
            generate.run(generate.Request(PEOPLE, FIRST, LAST, SEED, working, DATABASES))
            # The truth about who is who is for tests of the linkage; custody never reads it, nor does the demo.
            shutil.rmtree(working / "truth")
            working.rename(target)
    return target
