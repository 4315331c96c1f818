"""Opened extracts, kept for as long as this process lives: one engine for each, its key in memory only.

Decides nothing about who may open one: custody verifies the signed permit each time a session asks for the first time,
and records it. Decides that a file whose bytes are not those of custody's manifest is not read: the cipher refuses a
block that was changed, the digest also a whole file put back from another build. Relies on the engine pool for what an
engine may do, and on the kernel's account of a file (inode, size, times) for when to read it all again. Whoever can
write the file and forge that account as well is the machine's root.
"""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from enclave.adapters.custody_client import OpenedExtract
from enclave.adapters.permit_records import SignedPermit, WorkspaceSession
from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.custody.manifest import check_matches
from enclave.gateway.deps import Engine, OpenExtract
from enclave.query import schema

KEPT = 8
"""Engines kept open; the one that was opened first is closed first."""


class Custody(Protocol):
    """Opens an extract for a session that holds a permit."""

    def open(
        self,
        provision: str,
        n: int | None,
        envelope: Mapping[str, Any],
        *,
        session: str,
        person: str | None = None,
    ) -> OpenedExtract: ...


class Pool(Protocol):
    """Opens engines by name; the same one for the same name until it is forgotten."""

    def open(self, extract: Path, key: str | None, name: str) -> Engine: ...

    def forget(self, name: str) -> None: ...


@dataclass
class _Held:
    """An engine that is open, and what its extract says of itself."""

    manifest: Mapping[str, Any]
    file: Path
    extract: OpenExtract
    matched: Permit | None = None
    """The permit that was last found to grant exactly this: a value, whose comparison would come out the same again."""

    def check(self, permit: Permit) -> None:
        """Raise Refused `custody.extract_stale` where the permit grants anything else."""
        if self.matched is not permit:
            check_matches(self.manifest, permit)
            self.matched = permit


class OpenExtracts:
    """Extracts by session and permit. Safe to share between threads."""

    def __init__(self, custody: Custody, folder: Path, pool: Pool) -> None:
        """`folder` is the site's `extracts`."""
        self._custody = custody
        self._folder = folder
        self._pool = pool
        self._bytes = CheckedBytes()
        self._lock = threading.Lock()
        self._provisions: dict[str, threading.Lock] = {}
        self._held: dict[str, _Held] = {}
        self._granted: dict[tuple[str, str, int | None], str] = {}

    def open(self, signed: SignedPermit, session: WorkspaceSession, n: int | None = None) -> OpenExtract:
        """The newest extract of the permit, or its n-th. Raises Refused `custody.*`, `permit.*`."""
        permit = signed.permit
        asked = (session.id, permit.reference, n)
        with self._alone(permit.provision):
            held = self._held.get(self._granted.get(asked, ""))
            if held is None:
                opened = self._custody.open(
                    permit.provision, n, signed.envelope, session=session.id, person=session.person
                )
                held = self._open(permit, opened)
                if len(self._granted) > 4096:
                    self._granted.clear()
                self._granted[asked] = held.extract.reference
            # Held against the permit and against its own digest at each use, not only when it was opened.
            held.check(permit)
            try:
                self._bytes.check(held.file, held.manifest)
            except Refused:
                self._close(held.extract.reference)
                raise
            return held.extract

    def _open(self, permit: Permit, opened: OpenedExtract) -> _Held:
        check_matches(opened.manifest, permit)
        reference = f"{permit.provision}/{opened.n}"
        if (held := self._held.get(reference)) is not None:
            return held
        file = self._folder / permit.provision / str(opened.n) / "extract.duckdb"
        self._bytes.check(file, opened.manifest)
        engine = self._pool.open(file, opened.key, reference)
        held = _Held(opened.manifest, file, OpenExtract(reference, schema.read(opened.manifest), engine))
        with self._lock:
            oldest = next(iter(self._held)) if len(self._held) >= KEPT else None
            self._held[reference] = held
        if oldest is not None:
            self._close(oldest)
        return held

    def _close(self, reference: str) -> None:
        with self._lock:
            self._held.pop(reference, None)
        self._pool.forget(reference)

    @contextmanager
    def _alone(self, provision: str) -> Iterator[None]:
        """One at a time for a provision: nobody else waits while a large file is read through."""
        with self._lock:
            lock = self._provisions.setdefault(provision, threading.Lock())
        with lock:
            yield


class CheckedBytes:
    """Which files were read through and found to be what their manifests say. Safe to share between threads."""

    def __init__(self) -> None:
        self._found: dict[Path, tuple[tuple[int, ...], str]] = {}

    def check(self, file: Path, manifest: Mapping[str, Any]) -> None:
        """Raise Refused `custody.extract_altered` unless the file's bytes have the manifest's digest.

        Read once for each (device, inode, size, times); the change time among them cannot be set back by a program.
        """
        try:
            identity = _identity(file)
            if self._found.get(file, (None, ""))[0] != identity:
                with file.open("rb") as data:
                    digest = "sha256:" + hashlib.file_digest(data, "sha256").hexdigest()
                if _identity(file) != identity:
                    raise OSError("it was written while it was read")
                self._found[file] = (identity, digest)
        except OSError as error:
            raise Refused("custody.extract_altered", {"extract": str(manifest["extract"])}) from error
        if self._found[file][1] != manifest["file"]["digest"]:
            raise Refused("custody.extract_altered", {"extract": str(manifest["extract"])})


def _identity(file: Path) -> tuple[int, ...]:
    seen = file.stat()
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns
