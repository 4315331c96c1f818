"""The state folder of a rehearsal: keys, records, ledger, and what custody keeps, all of the caller's own.

Decides where things lie and who waits for whom. Several commands may share one folder: the ledger is opened for each
append and the others wait that long; keys and records are made once; an extract is built by one while the others wait.
Relies on file locks, which the kernel lets go of when a process is killed.

    keys/       permit.key signs the rehearsed permit, log.key the log; custody makes its own
    records/    records.sqlite: sessions, questions, budgets; blobs/: their texts
    ledger/     the log, as `enclave audit verify STATE/ledger/log` reads it
    holdings/   one custody per set of databases and way to link them: stores, register, vault, extracts
    prepared/   which extract answers to which permit over which data
    live/       one locked file for each command that runs
"""

import os
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from enclave.adapters import edge, extract_store, ledger_files, query_records, signing
from enclave.adapters import records_schema as t
from enclave.adapters.ledger_store import Store
from enclave.adapters.permit_records import WorkspaceSession, create_workspace_session
from enclave.adapters.records import Records, connect
from enclave.audit.ledger import Found, Sought
from enclave.config import Site
from enclave.core.event import Actor, Event, Thing
from enclave.core.ids import SessionId
from enclave.core.permit import Permit
from enclave.core.refusal import Refused

ORIGIN = "enclave.rehearsal/log"
ADDRESS = "127.0.0.1"
LONGEST_SOCKET = 100
"""Bytes of a socket's path that every kernel takes."""


@dataclass(frozen=True)
class Holding(Site):
    """The places of one custody inside a state folder, as the stories of a site know them."""

    place: Path = Path()
    rules: Path = Path()

    @property
    def home(self) -> Path:
        return self.place

    @property
    def run(self) -> Path:
        return self.place / "run"

    @property
    def policies(self) -> Path:
        return self.rules


class OwnLedger:
    """The ledger of a state folder: the real store, held for as long as one append takes. Safe to share."""

    def __init__(self, folder: Path, key: Path, locks: Path, caller: str) -> None:
        self._folder, self._locks, self._caller = folder, locks, caller
        self._signer = ledger_files.load_signer(key)

    @contextmanager
    def _open(self) -> Iterator[Store]:
        with extract_store.exclusively(self._locks, "ledger"):
            store = Store(self._folder, self._signer)
            try:
                yield store
            finally:
                store.close()

    def append(self, events: Sequence[Event]) -> tuple[int, ...]:
        return self.append_leaves([event.leaf() for event in events])

    def append_leaves(self, leaves: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
        """Raises Refused `ledger.*`."""
        with self._open() as store:
            return store.append(leaves, self._caller).indices

    def search(self, sought: Sought) -> Found:
        with self._open() as store:
            return store.search(sought)

    def ping(self) -> None:
        """There is no process that could be silent; a log that is not what it signed is found at the append."""


class State:
    """One state folder, open. Raises Refused `rehearsal.state_unwritable`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.locks = self.folder / "locks"
        self.holdings = self.folder / "holdings"
        self.prepared = self.folder / "prepared"
        self._live = self.folder / "live"
        keys = self.folder / "keys"
        try:
            for place in (self.folder, keys, self.holdings, self.prepared, self._live):
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
            with extract_store.exclusively(self.locks, "setup"):
                self._set_up(keys)
        except (OSError, sa.exc.OperationalError, sqlite3.OperationalError):
            raise Refused("rehearsal.state_unwritable", {"folder": str(self.folder)}) from None
        self.permit_key = signing.load_private(keys / "permit.key")
        self.trusted = {signing.key_id(self.permit_key.public_key()): self.permit_key.public_key()}
        self.custody_ledger = OwnLedger(self.folder / "ledger", keys / "log.key", self.locks, "custody")
        ledger = OwnLedger(self.folder / "ledger", keys / "log.key", self.locks, "gateway")
        self.records = Records(connect(self._records), ledger, self.folder / "records" / "blobs")

    @property
    def _records(self) -> Path:
        return self.folder / "records" / "records.sqlite"

    def _set_up(self, keys: Path) -> None:
        """Make what is not there yet; again it changes nothing."""
        key = keys / "permit.key"
        if not key.exists():
            fresh = keys / f".{secrets.token_hex(4)}"
            signing.save_private(signing.generate_private(), fresh)
            fresh.rename(key)
        ledger_files.make_key(keys / "log.key", ORIGIN)
        (self.folder / "records" / "blobs").mkdir(mode=0o700, parents=True, exist_ok=True)
        made = self.folder / "records" / "shape"
        shape = " ".join(f"{table.name}({','.join(table.c.keys())})" for table in t.metadata.sorted_tables)
        if not made.exists() or made.read_text() != shape:
            from enclave.adapters.migrations import bring_up_to_date

            bring_up_to_date(connect(self._records))
            made.write_text(shape)

    # -- who asks -----------------------------------------------------------------------------
    @contextmanager
    def session(self, permit: Permit, now: datetime) -> Iterator[WorkspaceSession]:
        """A session of the permit's first handler, for as long as this command runs; its end frees its lock."""
        person = permit.handlers[0]
        session = WorkspaceSession(
            SessionId("s-" + edge.new_id()), person, permit.project, permit.permit_id, permit.revision, ADDRESS, permit.valid_to
        )  # fmt: skip
        with extract_store.exclusively(self._live, session.id):
            try:
                self._enter(person)
                event = edge.event(
                    Actor(person, "handler", session.id),
                    "session.started",
                    Thing("session", session.id),
                    project=permit.project,
                    permit=permit.reference,
                )
                digest = edge.token_digest(edge.new_token())
                create_workspace_session(self.records, event, session, digest, now)
                yield session
            finally:
                (self._live / f"{session.id}.lock").unlink(missing_ok=True)

    def _enter(self, person: str) -> None:
        """A handler of a rehearsed permit is known here, and can log in nowhere."""
        known = sa.select(t.persons.c.id).where(t.persons.c.id == person)
        with self.records.read() as connection:
            if connection.scalar(known) is not None:
                return
        event = edge.event(Actor("enclave", "service"), "person.entered", Thing("person", person))
        row = {"id": person, "name_ja": person, "name_en": person, "password_hash": "-", "totp_secret": "-"}
        with self.records.change(event) as tx:
            if tx.scalar(known) is None:
                tx.execute(sa.insert(t.persons).values(**row))

    def close_abandoned(self, now: datetime) -> None:
        """Record the end of questions whose command was killed."""
        query_records.abandon(self.records, now, self._gone)

    def _gone(self, session: str) -> bool:
        return not _held(self._live / f"{session}.lock")

    # -- sockets ------------------------------------------------------------------------------
    @contextmanager
    def sockets(self) -> Iterator[Path]:
        """A folder for the sockets of this command, gone after it; of killed commands nothing stays either."""
        home = self.folder / "run"
        with extract_store.exclusively(self._live, name := f"run-{secrets.token_hex(4)}"):
            for left in home.glob("run-*") if home.is_dir() else ():
                if not _held(self._live / f"{left.name}.lock"):
                    _remove(left)
            home.mkdir(mode=0o700, exist_ok=True)
            place = home / name
            if len(os.fsencode(place / "policy.sock")) > LONGEST_SOCKET:
                place.symlink_to(tempfile.mkdtemp(prefix="enclave-"))
            else:
                place.mkdir(mode=0o700)
            try:
                yield place.resolve() if place.is_symlink() else place
            finally:
                _remove(place)
                (self._live / f"{name}.lock").unlink(missing_ok=True)


def _remove(place: Path) -> None:
    """A folder of sockets, or the name of one that lies where paths are short."""
    if place.is_symlink():
        shutil.rmtree(place.resolve(), ignore_errors=True)
        place.unlink(missing_ok=True)
    else:
        shutil.rmtree(place, ignore_errors=True)


def _held(path: Path) -> bool:
    """Whether a process that lives holds the lock of a file."""
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        path.unlink(missing_ok=True)
        return False
    finally:
        os.close(descriptor)
