"""Custody's own memory: keys under a master key, what was taken in, what was built.

Decides nothing about who may; keeps what must never leave custody, in a `SealedFile`. Every key is wrapped with its
own name bound to it. Whatever destroys a provision's key also wraps all others under a new master key, where that is a
file: a copy of the vault from before opens with nothing that is left.

A provision belongs to one permit. Erasing it deletes its key and its extracts' keys; the row stays, so that the same
name can never be used again.
"""

import json
import secrets
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from enclave.adapters.sealed_file import SealedFile, Wrapped
from enclave.core.refusal import Refused

_TABLES = """
CREATE TABLE IF NOT EXISTS provisions (
  provision TEXT PRIMARY KEY, permit_id TEXT NOT NULL, wrapped BLOB, created_at TEXT NOT NULL,
  erased_at TEXT, certificate TEXT, destroyed INTEGER NOT NULL DEFAULT 0, revision INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS extracts (
  provision TEXT NOT NULL REFERENCES provisions, n INTEGER NOT NULL, permit_id TEXT NOT NULL,
  revision INTEGER NOT NULL, wrapped BLOB, manifest TEXT, PRIMARY KEY (provision, n));
CREATE TABLE IF NOT EXISTS databases (
  database TEXT PRIMARY KEY, descriptor TEXT NOT NULL, registered_at TEXT NOT NULL, sources TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS identities (
  population TEXT NOT NULL, source TEXT NOT NULL, number INTEGER NOT NULL,
  PRIMARY KEY (population, source)) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS numbers ON identities (population, number);
CREATE TABLE IF NOT EXISTS files (kind TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL, wrapped BLOB NOT NULL,
  about TEXT NOT NULL, PRIMARY KEY (kind, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS builds (
  provision TEXT PRIMARY KEY REFERENCES provisions, n INTEGER NOT NULL, wrapped BLOB, about TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS withdrawals (
  database TEXT NOT NULL, person TEXT NOT NULL, kind TEXT NOT NULL, effective TEXT NOT NULL, received TEXT NOT NULL,
  PRIMARY KEY (database, person)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS provided (
  provision TEXT NOT NULL, n INTEGER NOT NULL, at TEXT NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (provision, n));
CREATE TABLE IF NOT EXISTS members (
  provision TEXT NOT NULL, n INTEGER NOT NULL, population TEXT NOT NULL, wrapped BLOB NOT NULL,
  PRIMARY KEY (provision, n, population));
"""

_WRAPPED: tuple[Wrapped, ...] = (
    ("provisions", "provision", "'provision/' || provision"),
    ("extracts", "provision, n", "'extract/' || provision || '/' || n"),
    ("builds", "provision", "'extract/' || provision || '/' || n"),
    ("files", "kind, name", "kind || '/' || name || '/' || path"),
)
"""Everything that the master key wraps, each bound to its own name."""


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
class HeldFile:
    """An encrypted file of custody's own: its path below custody's folder, its key, and what it follows from."""

    path: str
    key: bytes
    about: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"HeldFile({self.path})"


@dataclass(frozen=True)
class Kept:
    """A finished extract in the vault: `manifest` is the one that custody itself wrote."""

    n: int
    permit_id: str
    revision: int
    manifest: Mapping[str, Any]


class Vault(SealedFile):
    """Custody's keys and what it took in and built, in `vault.sqlite` of its folder."""

    def __init__(self, folder: Path) -> None:
        """Open the vault in custody's folder, making it where there is none. Raises Refused `custody.vault_sealed`."""
        super().__init__(folder / "vault.sqlite", _TABLES, _WRAPPED)
        with self.change() as connection:
            _extend(connection)

    # -- provisions ---------------------------------------------------------------------------
    def provision_key(self, provision: str, permit_id: str, at: str) -> bytes:
        """The key of a provision, made at its first use.

        Raises Refused `custody.provision_taken` for another permit's, `custody.provision_erased` after erasure.
        """
        with self.change() as connection:
            row = connection.execute(
                "SELECT permit_id, wrapped, erased_at FROM provisions WHERE provision = ?", (provision,)
            ).fetchone()
            if row is None:
                key = secrets.token_bytes(32)
                connection.execute(
                    "INSERT INTO provisions (provision, permit_id, wrapped, created_at) VALUES (?, ?, ?, ?)",
                    (
                        provision,
                        permit_id,
                        self.master(connection).wrap(key, f"provision/{provision}"),
                        at,
                    ),
                )
                return key
            _check_provision(row, provision, permit_id)
            return self.master(connection).unwrap(row[1], f"provision/{provision}")

    def check_provision(self, provision: str, permit_id: str) -> None:
        """Raise Refused as `provision_key` would, without making one."""
        with self.read() as connection:
            row = connection.execute(
                "SELECT permit_id, wrapped, erased_at FROM provisions WHERE provision = ?", (provision,)
            ).fetchone()
        if row is not None:
            _check_provision(row, provision, permit_id)

    def check_revision(self, provision: str, permit: str, revision: int) -> None:
        """Raise Refused `custody.permit_superseded` where custody has already acted on a later revision.

        What an amendment took away would come back with the envelope from before it, whose signature stays good.
        """
        with self.read() as connection:
            (latest,) = connection.execute(
                "SELECT max(coalesce((SELECT revision FROM provisions WHERE provision = :p), 0),"
                " coalesce((SELECT max(revision) FROM extracts WHERE provision = :p), 0))",
                {"p": provision},
            ).fetchone()
        if revision < latest:
            raise Refused("custody.permit_superseded", {"permit": permit, "latest": int(latest)})

    def saw_revision(self, provision: str, revision: int) -> None:
        """Remember the latest revision of a provision's permit that custody acted on."""
        with self.read() as connection:
            row = connection.execute(
                "SELECT 1 FROM provisions WHERE provision = ? AND revision < ?", (provision, revision)
            ).fetchone()
        if row is not None:
            with self.change() as connection:
                connection.execute(
                    "UPDATE provisions SET revision = max(revision, ?) WHERE provision = ?",
                    (revision, provision),
                )

    def uncertified(self) -> Mapping[str, bool]:
        """Every provision whose erasure is not certified: whether it still has a key."""
        with self.read() as connection:
            rows = connection.execute(
                "SELECT provision, wrapped IS NOT NULL OR erased_at IS NULL FROM provisions"
                " WHERE certificate IS NULL AND permit_id <> ''"
            ).fetchall()
        return {name: bool(alive) for name, alive in rows}

    def spend(self, provision: str, at: str) -> None:
        """Take a provision that this vault never had as erased: its name cannot be used again."""
        with self.change() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO provisions (provision, permit_id, created_at, erased_at) VALUES (?, '', ?, ?)",
                (provision, at, at),
            )

    def known(self, provision: str) -> str | None:
        """The permit that a provision belongs to, erased or not; None where there was never one."""
        with self.read() as connection:
            row = connection.execute(
                "SELECT permit_id FROM provisions WHERE provision = ?", (provision,)
            ).fetchone()
        return None if row is None else str(row[0])

    def certificate(self, provision: str) -> Mapping[str, Any] | None:
        """The certificate of an erasure that was carried through."""
        with self.read() as connection:
            row = connection.execute(
                "SELECT certificate FROM provisions WHERE provision = ?", (provision,)
            ).fetchone()
        return None if row is None or row[0] is None else dict(json.loads(row[0]))

    def destroy(self, provision: str, at: str) -> int:
        """Delete the provision's key and its extracts' keys; how many keys it had, now or at an earlier call.

        All other keys are wrapped anew under a new master key (`replaces_master`), so that no copy of the vault from
        before opens with what is left here.
        """
        with self.changing_secrets() as (connection, renew):
            keys = connection.execute(
                "SELECT (SELECT count(wrapped) FROM provisions WHERE provision = :p)"
                " + (SELECT count(wrapped) FROM extracts WHERE provision = :p)"
                " + (SELECT count(wrapped) FROM builds WHERE provision = :p)",
                {"p": provision},
            ).fetchone()[0]
            if keys:
                connection.execute(
                    "UPDATE provisions SET wrapped = NULL, destroyed = destroyed + ?,"
                    " erased_at = coalesce(erased_at, ?) WHERE provision = ?",
                    (keys, at, provision),
                )
                connection.execute("UPDATE extracts SET wrapped = NULL WHERE provision = ?", (provision,))
                connection.execute("DELETE FROM builds WHERE provision = ?", (provision,))
                renew()
            (destroyed,) = connection.execute(
                "SELECT destroyed FROM provisions WHERE provision = ?", (provision,)
            ).fetchone()
        return int(destroyed)

    def certify(self, provision: str, certificate: Mapping[str, Any]) -> None:
        with self.change() as connection:
            connection.execute(
                "UPDATE provisions SET certificate = ? WHERE provision = ?",
                (json.dumps(certificate), provision),
            )

    # -- extracts -----------------------------------------------------------------------------
    def next_extract(self, provision: str) -> int:
        """The number that the next extract of a provision takes; only finished ones count."""
        with self.read() as connection:
            row = connection.execute(
                "SELECT coalesce(max(n), 0) + 1 FROM extracts WHERE provision = ?", (provision,)
            ).fetchone()
        return int(row[0])

    def keep_extract(
        self,
        provision: str,
        kept: Kept,
        data_key: bytes,
        enter: Callable[[sqlite3.Connection], None] = lambda _: None,
    ) -> None:
        """The moment an extract exists: key and manifest in one transaction, after its files are in place.

        `enter` writes the books in the same transaction: nothing was provided that is not in them. Raises Refused
        `custody.provision_erased` if the provision was erased meanwhile.
        """
        with self.change() as connection:
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
                    self.master(connection).wrap(data_key, f"extract/{provision}/{kept.n}"),
                    json.dumps(kept.manifest),
                ),
            )
            connection.execute("DELETE FROM builds WHERE provision = ?", (provision,))
            enter(connection)

    def begin_build(self, provision: str, n: int, about: str) -> tuple[bytes, bool]:
        """(the data key of a build, whether it goes on). A build goes on where n and `about` are what they were.

        `about` is the digest of all that the extract follows from. Raises Refused `custody.provision_erased`.
        """
        name = f"extract/{provision}/{n}"
        with self.change() as connection:
            alive = connection.execute(
                "SELECT 1 FROM provisions WHERE provision = ? AND wrapped IS NOT NULL", (provision,)
            ).fetchone()
            if alive is None:
                raise Refused("custody.provision_erased", {"provision": provision})
            row = connection.execute(
                "SELECT n, about, wrapped FROM builds WHERE provision = ?", (provision,)
            ).fetchone()
            if row is not None and (row[0], row[1]) == (n, about):
                return self.master(connection).unwrap(row[2], name), True
            key = secrets.token_bytes(32)
            connection.execute(
                "INSERT OR REPLACE INTO builds VALUES (?, ?, ?, ?)",
                (provision, n, self.master(connection).wrap(key, name), about),
            )
            return key, False

    def building(self, provision: str) -> int | None:
        """The number of the extract that is being built, or whose build was interrupted."""
        with self.read() as connection:
            row = connection.execute("SELECT n FROM builds WHERE provision = ?", (provision,)).fetchone()
        return None if row is None else int(row[0])

    def extracts(self, provision: str) -> tuple[Kept, ...]:
        """The finished extracts of a provision, oldest first."""
        with self.read() as connection:
            rows = connection.execute(
                "SELECT n, permit_id, revision, manifest FROM extracts WHERE provision = ? ORDER BY n",
                (provision,),
            ).fetchall()
        return tuple(
            Kept(int(n), permit, int(revision), json.loads(text)) for n, permit, revision, text in rows
        )

    def data_key(self, provision: str, n: int) -> bytes:
        """The key of one extract. Raises Refused `custody.extract_unknown`, `custody.provision_erased`."""
        with self.reading_secrets() as connection:
            row = connection.execute(
                "SELECT wrapped FROM extracts WHERE provision = ? AND n = ?", (provision, n)
            ).fetchone()
            if row is None:
                raise Refused("custody.extract_unknown", {"extract": f"{provision}/{n}"})
            if row[0] is None:
                raise Refused("custody.provision_erased", {"provision": provision})
            return self.master(connection).unwrap(row[0], f"extract/{provision}/{n}")

    # -- databases ----------------------------------------------------------------------------
    def keep_database(
        self, database: str, registered: Registered, held: Mapping[tuple[str, str], HeldFile] | None = None
    ) -> None:
        """The moment a registration holds: its sources, its file and the register's new file in one transaction.

        `held` by (kind, name): `store` of the database, `register` of its population.
        """
        sources = {name: {**source.__dict__} for name, source in registered.sources.items()}
        with self.change() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO databases VALUES (?, ?, ?, ?)",
                (database, json.dumps(registered.descriptor), registered.registered_at, json.dumps(sources)),
            )
            for place, file in (held or {}).items():
                self._keep_file(connection, *place, file)

    def keep_file(self, kind: str, name: str, file: HeldFile) -> None:
        """Put another file in the place of one that custody holds."""
        with self.change() as connection:
            self._keep_file(connection, kind, name, file)

    def _keep_file(self, connection: sqlite3.Connection, kind: str, name: str, file: HeldFile) -> None:
        wrapped = self.master(connection).wrap(file.key, f"{kind}/{name}/{file.path}")
        row = (kind, name, file.path, wrapped, json.dumps(file.about))
        connection.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", row)

    def held(self, kind: str, name: str) -> HeldFile | None:
        """A file that custody holds, with its key. Raises Refused `custody.vault_sealed`."""
        with self.reading_secrets() as connection:
            row = connection.execute(
                "SELECT path, wrapped, about FROM files WHERE kind = ? AND name = ?", (kind, name)
            ).fetchone()
            if row is None:
                return None
            key = self.master(connection).unwrap(row[1], f"{kind}/{name}/{row[0]}")
        return HeldFile(row[0], key, json.loads(row[2]))

    def make_key(self, kind: str, name: str) -> bytes:
        """A key for what is too large to be wrapped itself; the one that is there, where there is one."""
        with self.change() as connection:
            row = connection.execute(
                "SELECT wrapped FROM files WHERE kind = ? AND name = ?", (kind, name)
            ).fetchone()
            if row is not None:
                return self.master(connection).unwrap(row[0], f"{kind}/{name}/")
            file = HeldFile("", secrets.token_bytes(32))
            self._keep_file(connection, kind, name, file)
            return file.key

    def latest(self) -> str | None:
        """The latest time at which custody is known to have acted, as it wrote it down."""
        with self.read() as connection:
            row = connection.execute(
                "SELECT max(t) FROM (SELECT max(created_at) AS t FROM provisions UNION ALL SELECT max(erased_at) FROM"
                " provisions UNION ALL SELECT max(registered_at) FROM databases UNION ALL SELECT max(received) FROM"
                " withdrawals UNION ALL SELECT max(at) FROM provided)"
            ).fetchone()
        return None if row[0] is None else str(row[0])

    def held_paths(self) -> frozenset[str]:
        """The paths of all files that custody holds, below its folder."""
        with self.read() as connection:
            return frozenset(row[0] for row in connection.execute("SELECT path FROM files"))

    def databases(self) -> Mapping[str, Registered]:
        with self.read() as connection:
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

    # -- the register as it was kept before it had a file of its own ---------------------------
    def numbers(self, population: str) -> tuple[Sequence[str], Sequence[int]]:
        """Every identifier that an earlier version numbered, and its number, in step."""
        with self.read() as connection:
            rows = connection.execute(
                "SELECT source, number FROM identities WHERE population = ?", (population,)
            ).fetchall()
        return [row[0] for row in rows], [row[1] for row in rows]


def _extend(connection: sqlite3.Connection) -> None:
    """Bring a vault of an earlier version into today's form."""
    columns = {row[1] for row in connection.execute("PRAGMA table_info(provisions)")}
    for name in ("destroyed", "revision"):
        if name not in columns:
            connection.execute(f"ALTER TABLE provisions ADD COLUMN {name} INTEGER NOT NULL DEFAULT 0")


def _check_provision(row: Sequence[Any], provision: str, permit_id: str) -> None:
    if row[0] not in {permit_id, ""}:
        raise Refused("custody.provision_taken", {"provision": provision})
    if row[1] is None:
        raise Refused("custody.provision_erased", {"provision": provision})
