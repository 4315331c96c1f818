"""Custody's own memory: keys under a master key, the register of persons, the sources that were taken in.

Decides nothing about who may; keeps what must never leave custody. Relies on the folder being 0700 of custody's own
user and on AES-256-GCM (`cryptography`).

- `master.key`: 32 random bytes, mode 0400, made once when the vault is empty. A vault with keys and no master key, or
  another one, is refused (`custody.vault_sealed`): making a new one would lose every key silently.
- `vault.sqlite`: every other key is wrapped under the master key with its own name as associated data, so that a
  wrapped key cannot be moved to another provision or extract. Deleted rows are overwritten (`secure_delete`), and no
  write-ahead log keeps an older page, so that a destroyed key is not found in the file.
- the register gives each person of a population a number once and for ever: a refreshed source keeps its
  pseudonyms. Numbers are dealt in a random order per batch, so that they do not tell the order of the source file.

A provision belongs to one permit. Erasing it deletes its key and its extracts' keys; the row stays, so that the same
name can never be used again.
"""

import json
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from enclave.core.refusal import Refused

_TABLES = """
CREATE TABLE IF NOT EXISTS seal (one INTEGER PRIMARY KEY CHECK (one = 1), wrapped BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS provisions (
  provision TEXT PRIMARY KEY, permit_id TEXT NOT NULL, wrapped BLOB, created_at TEXT NOT NULL,
  erased_at TEXT, certificate TEXT);
CREATE TABLE IF NOT EXISTS extracts (
  provision TEXT NOT NULL REFERENCES provisions, n INTEGER NOT NULL, permit_id TEXT NOT NULL,
  revision INTEGER NOT NULL, wrapped BLOB, manifest TEXT, PRIMARY KEY (provision, n));
CREATE TABLE IF NOT EXISTS databases (
  database TEXT PRIMARY KEY, descriptor TEXT NOT NULL, registered_at TEXT NOT NULL, sources TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS identities (
  population TEXT NOT NULL, source TEXT NOT NULL, number INTEGER NOT NULL,
  PRIMARY KEY (population, source)) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS numbers ON identities (population, number);
"""

_SEAL = b"enclave.vault/1"


@dataclass(frozen=True)
class Source:
    """A table's file as custody keeps it."""

    file: str
    digest: str
    rows: int
    persons: int | None
    columns: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(frozen=True)
class Registered:
    """A database as taken in: its descriptor's JSON and its sources by table."""

    descriptor: Mapping[str, Any]
    registered_at: str
    sources: Mapping[str, Source]


@dataclass(frozen=True)
class Kept:
    """A finished extract in the vault: `manifest` is the one that custody itself wrote."""

    n: int
    permit_id: str
    revision: int
    manifest: Mapping[str, Any]


class Vault:
    """One process's hold on the vault. Each call opens its own connection, so threads may share it."""

    def __init__(self, folder: Path) -> None:
        """Open the vault in custody's folder, making it where there is none. Raises Refused `custody.vault_sealed`."""
        self._folder = folder
        self._path = folder / "vault.sqlite"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._path.exists():
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600))
        with self._change() as connection:
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            sealed = connection.execute("SELECT wrapped FROM seal").fetchone()
            self._master = AESGCM(_master_key(folder / "master.key", fresh=sealed is None))
            if sealed is None:
                connection.execute("INSERT INTO seal VALUES (1, ?)", (self._wrap(_SEAL, "seal"),))
            elif self._unwrap(sealed[0], "seal") != _SEAL:
                raise Refused("custody.vault_sealed")

    # -- provisions ---------------------------------------------------------------------------
    def provision_key(self, provision: str, permit_id: str, at: str) -> bytes:
        """The key of a provision, made at its first use.

        Raises Refused `custody.provision_taken` for another permit's, `custody.provision_erased` after erasure.
        """
        with self._change() as connection:
            row = connection.execute(
                "SELECT permit_id, wrapped, erased_at FROM provisions WHERE provision = ?", (provision,)
            ).fetchone()
            if row is None:
                key = secrets.token_bytes(32)
                connection.execute(
                    "INSERT INTO provisions (provision, permit_id, wrapped, created_at) VALUES (?, ?, ?, ?)",
                    (provision, permit_id, self._wrap(key, f"provision/{provision}"), at),
                )
                return key
        _check_provision(row, provision, permit_id)
        return self._unwrap(row[1], f"provision/{provision}")

    def check_provision(self, provision: str, permit_id: str) -> None:
        """Raise Refused as `provision_key` would, without making one."""
        with self._read() as connection:
            row = connection.execute(
                "SELECT permit_id, wrapped, erased_at FROM provisions WHERE provision = ?", (provision,)
            ).fetchone()
        if row is not None:
            _check_provision(row, provision, permit_id)

    def known(self, provision: str) -> str | None:
        """The permit that a provision belongs to, erased or not; None where there was never one."""
        with self._read() as connection:
            row = connection.execute(
                "SELECT permit_id FROM provisions WHERE provision = ?", (provision,)
            ).fetchone()
        return None if row is None else str(row[0])

    def certificate(self, provision: str) -> Mapping[str, Any] | None:
        """The certificate of an erasure that was carried through."""
        with self._read() as connection:
            row = connection.execute(
                "SELECT certificate FROM provisions WHERE provision = ?", (provision,)
            ).fetchone()
        return None if row is None or row[0] is None else dict(json.loads(row[0]))

    def destroy(self, provision: str, at: str) -> int:
        """Delete the provision's key and its extracts' keys; how many keys there were. Again: 0."""
        with self._change() as connection:
            keys = connection.execute(
                "SELECT (SELECT count(wrapped) FROM provisions WHERE provision = :p)"
                " + (SELECT count(wrapped) FROM extracts WHERE provision = :p)",
                {"p": provision},
            ).fetchone()[0]
            connection.execute(
                "UPDATE provisions SET wrapped = NULL, erased_at = coalesce(erased_at, ?) WHERE provision = ?",
                (at, provision),
            )
            connection.execute("UPDATE extracts SET wrapped = NULL WHERE provision = ?", (provision,))
        return int(keys)

    def certify(self, provision: str, certificate: Mapping[str, Any]) -> None:
        with self._change() as connection:
            connection.execute(
                "UPDATE provisions SET certificate = ? WHERE provision = ?",
                (json.dumps(certificate), provision),
            )

    # -- extracts -----------------------------------------------------------------------------
    def next_extract(self, provision: str) -> int:
        """The number that the next extract of a provision takes; only finished ones count."""
        with self._read() as connection:
            row = connection.execute(
                "SELECT coalesce(max(n), 0) + 1 FROM extracts WHERE provision = ?", (provision,)
            ).fetchone()
        return int(row[0])

    def keep_extract(self, provision: str, kept: Kept, data_key: bytes) -> None:
        """The moment an extract exists: key and manifest in one transaction, after its files are in place.

        Raises Refused `custody.provision_erased` if the provision was erased meanwhile.
        """
        with self._change() as connection:
            alive = connection.execute(
                "SELECT 1 FROM provisions WHERE provision = ? AND wrapped IS NOT NULL", (provision,)
            ).fetchone()
            if alive is None:
                raise Refused("custody.provision_erased", {"provision": provision})
            connection.execute(
                "INSERT INTO extracts VALUES (?, ?, ?, ?, ?, ?)",
                (
                    provision,
                    kept.n,
                    kept.permit_id,
                    kept.revision,
                    self._wrap(data_key, f"extract/{provision}/{kept.n}"),
                    json.dumps(kept.manifest),
                ),
            )

    def extracts(self, provision: str) -> tuple[Kept, ...]:
        """The finished extracts of a provision, oldest first."""
        with self._read() as connection:
            rows = connection.execute(
                "SELECT n, permit_id, revision, manifest FROM extracts WHERE provision = ? ORDER BY n",
                (provision,),
            ).fetchall()
        return tuple(
            Kept(int(n), permit, int(revision), json.loads(text)) for n, permit, revision, text in rows
        )

    def data_key(self, provision: str, n: int) -> bytes:
        """The key of one extract. Raises Refused `custody.extract_unknown`, `custody.provision_erased`."""
        with self._read() as connection:
            row = connection.execute(
                "SELECT wrapped FROM extracts WHERE provision = ? AND n = ?", (provision, n)
            ).fetchone()
        if row is None:
            raise Refused("custody.extract_unknown", {"extract": f"{provision}/{n}"})
        if row[0] is None:
            raise Refused("custody.provision_erased", {"provision": provision})
        return self._unwrap(row[0], f"extract/{provision}/{n}")

    # -- databases ----------------------------------------------------------------------------
    def keep_database(self, database: str, registered: Registered) -> None:
        sources = {name: {**source.__dict__} for name, source in registered.sources.items()}
        with self._change() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO databases VALUES (?, ?, ?, ?)",
                (database, json.dumps(registered.descriptor), registered.registered_at, json.dumps(sources)),
            )

    def databases(self) -> Mapping[str, Registered]:
        with self._read() as connection:
            rows = connection.execute("SELECT * FROM databases ORDER BY database").fetchall()
        return {
            database: Registered(
                json.loads(descriptor),
                at,
                {
                    name: Source(**{**raw, "columns": tuple(raw["columns"]), "left": tuple(raw["left"])})
                    for name, raw in json.loads(sources).items()
                },
            )
            for database, descriptor, at, sources in rows
        }

    # -- the register of persons --------------------------------------------------------------
    def enrol(self, population: str, identifiers: Iterable[str]) -> int:
        """Give every identifier that has none a number; how many were new. Numbers never change, nor are used again."""
        with self._change() as connection:
            connection.execute("CREATE TEMP TABLE batch (source TEXT PRIMARY KEY) WITHOUT ROWID")
            connection.executemany(
                "INSERT OR IGNORE INTO batch VALUES (?)", ((text,) for text in identifiers)
            )
            fresh = [
                row[0]
                for row in connection.execute(
                    "SELECT source FROM batch EXCEPT SELECT source FROM identities WHERE population = ?",
                    (population,),
                )
            ]
            secrets.SystemRandom().shuffle(fresh)
            first = connection.execute(
                "SELECT coalesce(max(number) + 1, 0) FROM identities WHERE population = ?", (population,)
            ).fetchone()[0]
            if first + len(fresh) > 1 << 32:
                raise ValueError("a population of more than 2^32 persons")
            connection.executemany(
                "INSERT INTO identities VALUES (?, ?, ?)",
                ((population, source, first + place) for place, source in enumerate(fresh)),
            )
            connection.execute("DROP TABLE batch")
        return len(fresh)

    def numbers(self, population: str) -> tuple[Sequence[str], Sequence[int]]:
        """Every identifier of a population and its number, in step. Stays in custody's memory."""
        with self._read() as connection:
            rows = connection.execute(
                "SELECT source, number FROM identities WHERE population = ?", (population,)
            ).fetchall()
        return [row[0] for row in rows], [row[1] for row in rows]

    # -- inside -------------------------------------------------------------------------------
    def _wrap(self, key: bytes, name: str) -> bytes:
        nonce = secrets.token_bytes(12)
        return nonce + self._master.encrypt(nonce, key, f"enclave.vault/1/{name}".encode())

    def _unwrap(self, wrapped: bytes, name: str) -> bytes:
        try:
            return self._master.decrypt(wrapped[:12], wrapped[12:], f"enclave.vault/1/{name}".encode())
        except InvalidTag:
            raise Refused("custody.vault_sealed") from None

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._read() as connection:
            # DELETE, not WAL: an older page with a destroyed key must not live on in a log beside the file.
            for pragma in (
                "journal_mode = DELETE",
                "synchronous = FULL",
                "secure_delete = ON",
                "temp_store = MEMORY",
            ):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")


def _check_provision(row: Sequence[Any], provision: str, permit_id: str) -> None:
    if row[0] != permit_id:
        raise Refused("custody.provision_taken", {"provision": provision})
    if row[1] is None:
        raise Refused("custody.provision_erased", {"provision": provision})


def _master_key(path: Path, *, fresh: bool) -> bytes:
    if fresh and not path.exists():
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    try:
        key = path.read_bytes()
    except OSError:
        raise Refused("custody.vault_sealed") from None
    if len(key) != 32:
        raise Refused("custody.vault_sealed")
    return key
