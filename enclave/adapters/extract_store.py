"""Where extracts lie, and how one comes to be there whole or not at all. Relies on rename being atomic.

The file grows in `extracts/<provision>/.building-<n>`, is hashed and flushed to disk, and the folder is renamed to `<n>`.
It *exists* once the vault holds its key (`Vault.keep_extract`); whatever the vault does not know, as an extract or as a
build that can go on, is swept away. One build of a provision at a time (`exclusively`), across processes.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from enclave.adapters.custody_engine import quiet
from enclave.core.refusal import Refused

EXTRACT_FILE = "extract.duckdb"
MANIFEST_FILE = "manifest.json"
BUILDING = ".building-"


@contextmanager
def exclusively(locks: Path, name: str, *, shared: bool = False) -> Iterator[None]:
    """One at a time (or many `shared`) per name, across threads and processes; a killed holder lets go."""
    locks.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(locks / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def lock_of(provision: str) -> str:
    """The name of a provision's lock, apart from custody's own: a provision may be called `sources`."""
    return f"provision {provision}"


def sweep(extracts: Path, provision: str, known: frozenset[int], *, building: int | None = None) -> None:
    """Remove what an interrupted build left: unfinished folders, and finished ones that the vault does not know.

    `building` is the number of a build that can go on.
    """
    home = extracts / provision
    if not home.is_dir():
        return
    for path in home.iterdir():
        finished = path.name.isdecimal() and int(path.name) in known
        if not finished and path.name != f"{BUILDING}{building}":
            shutil.rmtree(path)


def begin(extracts: Path, provision: str, n: int, *, goes_on: bool = False) -> Path:
    """The folder in which to build, closed to everybody else: a fresh one, or that of the build that goes on."""
    home = extracts / provision
    home.mkdir(mode=0o750, exist_ok=True)
    os.chmod(home, 0o750)  # noqa: S103  the gateway reads as a member of the group
    folder = home / f"{BUILDING}{n}"
    if folder.exists() and not goes_on:
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700, exist_ok=True)
    if not folder.stat().st_mode & 0o700:
        folder.chmod(0o700)
    return folder


def finish(folder: Path, n: int, manifest: Mapping[str, Any]) -> Path:
    """Write the manifest beside the extract and give the folder its name: the group may read, others nothing.

    Raises Refused `custody.disk_full`.
    """
    path = folder / MANIFEST_FILE
    with quiet("custody.engine", {}):
        path.write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        os.chmod(path, 0o640)
        flush(path)
        os.chmod(folder, 0o750)  # noqa: S103  the gateway reads as a member of the group
        _flush_folder(folder)
        placed = folder.rename(folder.parent / str(n))
        _flush_folder(folder.parent)
    return placed


def remove(extracts: Path, provision: str) -> None:
    """Remove every file of a provision. Their key is gone before; again is no error."""
    shutil.rmtree(extracts / provision, ignore_errors=True)
    if (extracts / provision).exists():
        raise Refused("custody.engine")


def flush(path: Path) -> str:
    """Make a file durable; its `sha256:<hex>`."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
        os.fsync(file.fileno())
    return "sha256:" + digest.hexdigest()


def _flush_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
