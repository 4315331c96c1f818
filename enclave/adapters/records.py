"""The records database: state and its event commit together, and no effect is visible before the leaf is durable.

Relies on SQLite in WAL mode (or another SQLAlchemy engine) and on a ledger that is idempotent by leaf id.
Decides nothing about who may do what.

How "no record, no effect" is kept:

1. `change(*events)` first asks the ledger whether it is there. A silent ledger refuses before anything is touched.
2. State and events (`outbox`) commit in one transaction.
3. The events are handed to the ledger at once; their places in the log are noted.
4. `read()` hands over whatever is still pending before it shows anything; if that fails, nothing is shown
   (`ledger.unavailable`). So a commit whose leaf could not be delivered is invisible until it is, and then complete.
"""

import fcntl
import hashlib
import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from enclave.adapters import records_schema as t
from enclave.core.event import Event
from enclave.core.ids import Digest


class Ledger(Protocol):
    """What records need of the ledger: append leaves idempotently by id, and say that it is there."""

    def append_leaves(self, leaves: Sequence[dict[str, Any]]) -> tuple[int, ...]:
        """Places of the leaves in the log, once durable. Raises Refused `ledger.unavailable`."""
        ...

    def ping(self) -> None:
        """Raise Refused `ledger.unavailable` unless the ledger answers."""
        ...


def connect(path: Path) -> sa.Engine:
    """An engine on the records file: WAL, foreign keys, transactions that begin IMMEDIATE unless they only read. What it
    commits survives the machine's sudden end."""
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 10, "check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=10000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        reading = connection.get_execution_options().get("reading", False)
        # Said to the driver itself: every request begins several.
        connection.connection.cursor().execute("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


_ANY_PENDING = 'SELECT 1 FROM outbox WHERE "index" IS NULL LIMIT 1'
"""In the driver's own words, since every request asks it several times."""

_ADD = "INSERT INTO outbox (leaf_id, leaf) VALUES (?, ?)"


def driver(connection: sa.Connection) -> sqlite3.Connection:
    """The driver's own connection under a transaction at hand, for what every question says several times: SQLAlchemy takes
    longer to say it than SQLite to do it. Values go in and come out as SQLite has them: JSON as text, truth as a number."""
    found: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]  # of any driver
    return found


def in_words(statement: sa.ClauseElement, columns: Iterable[str] | None = None) -> str:
    """A statement in the driver's words, with its parameters by name (`:project`); an insert's `columns` are named."""
    dialect = sqlite.dialect(paramstyle="named")
    return str(statement.compile(dialect=dialect, column_keys=None if columns is None else list(columns)))


class Records:
    """One process's hold on the records. Safe to share between threads."""

    def __init__(self, engine: sa.Engine, ledger: Ledger, blobs: Path) -> None:
        self._engine = engine
        self._relay = _Relay(Path(str(engine.url.database)))
        self._ledger = ledger
        self._blobs = blobs
        self._flushing = threading.Lock()
        self._reading = threading.local()

    @contextmanager
    def change(self, *events: Event) -> Iterator[sa.Connection]:
        """A write transaction that commits the given events with whatever the block does.

        More events may be added inside by `add_event`. Raises Refused `ledger.unavailable` before the block
        runs (nothing changed) or after the commit (committed, invisible until delivered). An exception in the
        block rolls back state and events alike. At least one event is required: no change goes unrecorded.
        """
        if getattr(self._reading, "connection", None) is not None:
            raise RuntimeError("a change within a read would not be seen by it")
        self._ledger.ping()
        with self._engine.begin() as connection:
            connection.info["events"] = 0
            yield connection
            for event in events:
                add_event(connection, event)
            if not connection.info["events"]:
                raise ValueError("a change without an event")
        self.flush()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A read transaction that sees only what the log already holds. Raises Refused `ledger.unavailable`.

        A read within a read of the same thread is part of it: several questions, one state of affairs.
        """
        outer: sa.Connection | None = getattr(self._reading, "connection", None)
        if outer is not None:
            yield outer
            return
        with self._engine.connect().execution_options(reading=True) as connection:
            transaction = connection.begin()
            if connection.exec_driver_sql(_ANY_PENDING).first() is not None:
                transaction.rollback()
                self.flush()
                transaction = connection.begin()
            self._reading.connection = connection
            try:
                with transaction:
                    yield connection
            finally:
                self._reading.connection = None

    def flush(self) -> None:
        """Deliver pending events in their order. Raises Refused `ledger.unavailable`; safe to call at any time."""
        # One relay at a time on this machine, so that the log keeps the order of the outbox.
        with self._flushing, _file_lock(self._blobs.parent / "outbox.lock"):
            rows = self._relay.pending()
            if not rows:
                return
            places = self._ledger.append_leaves([leaf for _, leaf in rows])
            # The ledger knows each leaf by its id: a place that is lost here is asked for again.
            self._relay.note([(place, seq) for (seq, _), place in zip(rows, places, strict=True)])

    def place_of(self, leaf_id: str) -> int | None:
        """Where an event stands in the log, None while it is not durable there."""
        with self._engine.connect().execution_options(reading=True) as connection, connection.begin():
            return connection.scalar(sa.select(t.outbox.c.index).where(t.outbox.c.leaf_id == leaf_id))

    # -- erasable texts and files -------------------------------------------------------------
    def keep_text(self, text: str) -> Digest:
        """Keep a text as an erasable blob and return its salted digest (SHAPES, Log leaf).

        The salt (16 bytes) lies in the blob, so that a digest in the log says nothing once the blob is erased.
        """
        return self._keep(secrets.token_bytes(16) + text.encode())

    def text(self, digest: str) -> str | None:
        """The text behind a salted digest, None where it was erased. Raises ValueError if the blob was altered."""
        data = self.file(digest)
        return None if data is None else data[16:].decode()

    def keep_file(self, data: bytes) -> Digest:
        """Keep bytes under their plain digest: what is released must be what was checked, byte for byte."""
        return self._keep(data)

    def file(self, digest: str) -> bytes | None:
        """The bytes behind a digest, None where erased. Raises ValueError if they no longer have that digest."""
        path = self._blob_path(digest)
        if not path.exists():
            return None
        data = path.read_bytes()
        if _digest(data) != digest:
            raise ValueError(f"blob altered: {digest}")
        return data

    def _keep(self, data: bytes) -> Digest:
        digest = _digest(data)
        path = self._blob_path(digest)
        if path.exists():
            return digest
        if not path.parent.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            # Whatever the process's umask: every service of the records group keeps blobs here.
            path.parent.chmod(0o2770)
        temporary = f"{path}.{secrets.token_hex(4)}.part"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, path)
        return digest

    def _blob_path(self, digest: str) -> Path:
        name = digest.removeprefix("sha256:")
        if len(name) != 64 or not all(c in "0123456789abcdef" for c in name):
            raise ValueError("not a digest")
        return self._blobs / name[:2] / name


class _Relay:
    """The outbox as whoever delivers it sees it, through a connection of its own: readers who wait for this relay hold
    all the others, when many come. In the driver's own words, since every question passes twice. For one thread at a time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: tuple[int, sqlite3.Connection] | None = None

    def pending(self) -> list[tuple[int, dict[str, Any]]]:
        """What the log does not hold yet: number and leaf, in their order."""
        asked = 'SELECT seq, leaf FROM outbox WHERE "index" IS NULL ORDER BY seq'
        return [(seq, json.loads(leaf)) for seq, leaf in self._connection().execute(asked)]

    def note(self, places: Sequence[tuple[int, int]]) -> None:
        """Places in the log, each with the number of its event. May be lost, and then is noted again."""
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany('UPDATE outbox SET "index" = ? WHERE seq = ?', places)
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise

    def _connection(self) -> sqlite3.Connection:
        process = os.getpid()
        if self._kept is None or self._kept[0] != process:
            # A child of the process that made it has no part in it.
            made = sqlite3.connect(self._path, timeout=10, isolation_level=None, check_same_thread=False)
            made.execute("PRAGMA synchronous=NORMAL")
            self._kept = process, made
        return self._kept[1]


def add_event(connection: sa.Connection, event: Event) -> None:
    """Put an event beside the state in the transaction at hand."""
    driver(connection).execute(_ADD, (event.id, json.dumps(event.leaf())))
    connection.info["events"] += 1


def _digest(data: bytes) -> Digest:
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o660)
    if os.fstat(descriptor).st_uid == os.geteuid():
        os.fchmod(descriptor, 0o660)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
