"""Opened extracts, kept for as long as this process lives: one engine for each, its key in memory only.

Decides nothing about who may open one: custody verifies the signed permit each time a session asks for the first time,
and records it. Relies on the engine pool for what an engine may do.
"""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from enclave.adapters.custody_client import OpenedExtract
from enclave.adapters.permit_records import SignedPermit, WorkspaceSession
from enclave.custody.manifest import check_matches
from enclave.gateway.deps import Engine, OpenExtract
from enclave.query import schema

KEPT = 8
"""Engines kept open; the least lately used one is closed first."""


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


class OpenExtracts:
    """Extracts by session and permit. Safe to share between threads."""

    def __init__(self, custody: Custody, folder: Path, pool: Pool) -> None:
        """`folder` is the site's `extracts`."""
        self._custody = custody
        self._folder = folder
        self._pool = pool
        self._lock = threading.Lock()
        self._engines: dict[str, OpenExtract] = {}
        self._manifests: dict[str, dict[str, object]] = {}
        self._granted: dict[tuple[str, str, int | None], str] = {}

    def open(self, signed: SignedPermit, session: WorkspaceSession, n: int | None = None) -> OpenExtract:
        """The newest extract of the permit, or its n-th. Raises Refused `custody.*`, `permit.*`."""
        permit = signed.permit
        asked = (session.id, permit.reference, n)
        with self._lock:
            known = self._granted.get(asked)
            if known is not None and known in self._engines:
                # Held against the permit at each use, not only when it was opened.
                check_matches(self._manifests[known], permit)
                return self._engines[known]
            opened = self._custody.open(
                permit.provision, n, signed.envelope, session=session.id, person=session.person
            )
            check_matches(opened.manifest, permit)
            reference = f"{permit.provision}/{opened.n}"
            if reference not in self._engines:
                file = self._folder / permit.provision / str(opened.n) / "extract.duckdb"
                engine = self._pool.open(file, opened.key, reference)
                if len(self._engines) >= KEPT:
                    oldest = next(iter(self._engines))
                    self._engines.pop(oldest)
                    self._manifests.pop(oldest)
                    self._pool.forget(oldest)
                self._engines[reference] = OpenExtract(reference, schema.read(opened.manifest), engine)
                self._manifests[reference] = dict(opened.manifest)
            if len(self._granted) > 4096:
                self._granted.clear()
            self._granted[asked] = reference
            return self._engines[reference]
