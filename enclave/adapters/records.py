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
import os
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

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


def connect(path: Path, *, durable: bool = True) -> sa.Engine:
    """An engine on the records file: WAL, foreign keys, transactions that begin IMMEDIATE unless they only read.

    `durable` commits survive the machine's sudden end; the others may be lost and must be safe to do again.
    """
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 10, "check_same_thread": False})
    synchronous = "FULL" if durable else "NORMAL"

    @sa.event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
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


_PENDING = (
    sa.select(t.outbox.c.seq, t.outbox.c.leaf).where(t.outbox.c.index.is_(None)).order_by(t.outbox.c.seq)
)
_ANY_PENDING = sa.select(t.outbox.c.seq).where(t.outbox.c.index.is_(None)).limit(1)
_NOTE = sa.update(t.outbox).where(t.outbox.c.seq == sa.bindparam("at")).values(index=sa.bindparam("place"))
_ADD = sa.insert(t.outbox)
# Made once: building an expression costs more than running it.


class Records:
    """One process's hold on the records. Safe to share between threads."""

    def __init__(self, engine: sa.Engine, ledger: Ledger, blobs: Path) -> None:
        self._engine = engine
        self._notes = connect(Path(str(engine.url.database)), durable=False)
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
            if connection.scalar(_ANY_PENDING) is not None:
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
            # Through the relay's own connection: readers who wait for this relay hold all the others, when many come.
            with self._notes.connect().execution_options(reading=True) as connection, connection.begin():
                rows = connection.execute(_PENDING).all()
            if not rows:
                return
            places = self._ledger.append_leaves([row.leaf for row in rows])
            # The ledger knows each leaf by its id: a place that is lost here is asked for again.
            noted = [{"at": row.seq, "place": place} for row, place in zip(rows, places, strict=True)]
            with self._notes.begin() as connection:
                connection.execute(_NOTE, noted)

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
        temporary = path.with_suffix(f".{secrets.token_hex(4)}.part")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        return digest

    def _blob_path(self, digest: str) -> Path:
        name = digest.removeprefix("sha256:")
        if len(name) != 64 or not all(c in "0123456789abcdef" for c in name):
            raise ValueError("not a digest")
        return self._blobs / name[:2] / name


def add_event(connection: sa.Connection, event: Event) -> None:
    """Put an event beside the state in the transaction at hand."""
    connection.execute(_ADD, {"leaf_id": event.id, "leaf": event.leaf()})
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
