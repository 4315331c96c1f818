"""The ledger's truth: a SQLite database that only grows, and the tile files that are made from it.

Relies on one process at a time (a file lock) and on SQLite's durability (WAL, synchronous=FULL). What it keeps:

1. Entries and the checkpoint that signs them commit in one transaction; only then does anyone learn of either.
2. Tile files follow, then `checkpoint`, each by an atomic rename. A crash between leaves files that the next start
   completes from the database.
3. At start the database must contain what it signed and what it has published. A database that was set back or
   altered is refused: a log never signs a smaller tree, nor two trees of one size.

Callers that arrive while a commit is under way share the next one (group commit). It decides nothing about who may
append or read.
"""

import fcntl
import os
import queue
import shutil
import sqlite3
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from enclave.adapters import ledger_files
from enclave.audit import checkpoint as checkpoints
from enclave.audit import leaf as leaves
from enclave.audit import tiles, tree
from enclave.audit.checkpoint import Checkpoint
from enclave.audit.ledger import MAX_PAGE, Entry, Found, Sought
from enclave.audit.note import Signer
from enclave.audit.tiles import Tile
from enclave.audit.verify import CHECKPOINT, VERIFIER_KEY
from enclave.core.clock import parse_rfc3339
from enclave.core.refusal import Refused

SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
  idx INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, entry BLOB NOT NULL, hash BLOB NOT NULL, caller TEXT NOT NULL,
  time INTEGER NOT NULL, project TEXT, person TEXT NOT NULL, permit TEXT, action TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_project ON entries (project, idx);
CREATE INDEX IF NOT EXISTS by_person ON entries (person, idx);
CREATE INDEX IF NOT EXISTS by_permit ON entries (permit, idx);
CREATE INDEX IF NOT EXISTS by_action ON entries (action, idx);
CREATE INDEX IF NOT EXISTS by_time ON entries (time);
CREATE TABLE IF NOT EXISTS checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, note TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS entries_stay BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries stay'); END;
CREATE TRIGGER IF NOT EXISTS entries_last BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries last'); END;
"""
"""`time` is in microseconds since 1970; `caller` is the authenticated service, which the signed leaf does not name."""

BATCH = 4000
"""Most leaves of one transaction."""


@dataclass(frozen=True)
class Appended:
    """Places of the leaves of one call, and a signed checkpoint that covers them."""

    indices: tuple[int, ...]
    checkpoint: str


@dataclass(frozen=True)
class Published:
    """What is out: the signed note and what it says."""

    note: str
    value: Checkpoint


@dataclass(frozen=True)
class _Row:
    id: str
    entry: bytes
    time: int
    project: str | None
    person: str
    permit: str | None
    action: str


@dataclass(frozen=True)
class _Job:
    rows: tuple[_Row, ...]
    caller: str
    answer: "Future[Appended]"


class Store:
    """The open ledger of one folder: `ledger.sqlite`, `log/`, `writing/`, `ledger.lock`. Safe to share between threads."""

    def __init__(self, folder: Path, signer: Signer) -> None:
        """Opens, checks and completes the log; signs the empty one where there is none.

        Raises Refused `ledger.running`, `ledger.rolled_back`, `ledger.forked`, `ledger.database_altered`,
        `ledger.published_altered`: nothing was written then.
        """
        self.log = folder / "log"
        self._log = str(self.log)
        self._database = folder / "ledger.sqlite"
        self._writing = folder / "writing"
        self._signer = signer
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(folder / "ledger.lock", folder)
        try:
            self._writing.mkdir(mode=0o700, exist_ok=True)
            if not self._database.exists():
                # 0600 from its first byte on; SQLite gives its side files the same mode. Never of one that is there: to close it
                # would let go of every lock that another connection of this process has on it.
                os.close(os.open(self._database, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            self._writer = self._connect("rwc")
            self._writer.executescript(SCHEMA)
            self._readers = threading.local()
            self._edge = tree.Edge()
            self._tail: tuple[bytes, ...] = ()
            """The entries of the bundle that is not full yet, each as it stands in one."""
            self.repaired: tuple[str, ...] = ()
            self._sound = False
            self.published = self._open()
        except BaseException:
            os.close(self._lock)
            raise
        self._serving = threading.Lock()
        """Held by whoever commits: the writer's thread, or one that appends by itself."""
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="ledger-writer", daemon=True)
        self._thread.start()

    # -- for callers --------------------------------------------------------------------------

    def submit(self, batch: Sequence[Mapping[str, Any]], caller: str) -> "Future[Appended]":
        """The places of these leaves, once they are durable and published. All of the call or nothing of it.

        Raises Refused `ledger.leaf_invalid` at once; the future raises `ledger.conflict` or `ledger.unavailable`.
        """
        rows = tuple(_row(leaf) for leaf in batch)
        answer: Future[Appended] = Future()
        # A caller that goes away must not cancel what the writer is about to answer.
        answer.set_running_or_notify_cancel()
        if not self._thread.is_alive():
            raise Refused("ledger.unavailable")
        self._jobs.put(_Job(rows, caller, answer))
        return answer

    def append_here(self, batch: Sequence[Mapping[str, Any]], caller: str) -> Appended | None:
        """`submit` and its answer in the thread at hand; None where the writer is at work, whose next commit takes more.

        Raises Refused as `submit` and its future. For one caller alone: many that go this way each wait for a commit.
        """
        rows = tuple(_row(leaf) for leaf in batch)
        if not self._thread.is_alive():
            raise Refused("ledger.unavailable")
        if not self._jobs.empty() or not self._serving.acquire(blocking=False):
            return None
        try:
            job = _Job(rows, caller, Future())
            self._serve([job])
        finally:
            self._serving.release()
        return job.answer.result()

    def append(self, batch: Sequence[Mapping[str, Any]], caller: str) -> Appended:
        """`submit`, waited for."""
        return self.submit(batch, caller).result()

    def search(self, sought: Sought) -> Found:
        """The newest matching leaves of the published log."""
        size = self.published.value.size
        bounds = {
            "idx < ?": min(size, size if sought.before is None else sought.before),
            "project = ?": sought.project,
            "person = ?": sought.person,
            "action = ?": sought.action,
            "permit = ?": sought.permit,
            "time >= ?": None if sought.since is None else _microseconds(sought.since.timestamp()),
            "time < ?": None if sought.until is None else _microseconds(sought.until.timestamp()),
        }
        asked = {term: value for term, value in bounds.items() if value is not None}
        # The terms are the literals above; only values are bound.
        rows = self._reader().execute(
            f"SELECT idx, entry FROM entries WHERE {' AND '.join(asked)} ORDER BY idx DESC LIMIT ?",
            (*asked.values(), max(0, min(sought.limit, MAX_PAGE))),
        )
        return Found(size, tuple(Entry(index, leaves.leaf_of(entry)) for index, entry in rows))

    def prove(self, index: int) -> dict[str, Any]:
        """The proof bundle of an entry under the published checkpoint, made from the files and checked."""
        now = self.published
        entry, text = ledger_files.inclusion_text(self.log, index, now.note, now.value)
        return ledger_files.bundle(entry, text, self._signer.verifier)

    @property
    def healthy(self) -> bool:
        """Whether the last commit worked and the next one can be tried."""
        return self._thread.is_alive() and self._sound

    def close(self) -> None:
        """Finishes what was submitted, then lets go of the folder."""
        self._jobs.put(None)
        self._thread.join()
        with self._serving:
            self._writer.close()
        os.close(self._lock)

    # -- opening ------------------------------------------------------------------------------

    def _connect(self, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self._database.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA busy_timeout=10000")
        if mode != "ro":
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
        return connection

    def _reader(self) -> sqlite3.Connection:
        if not hasattr(self._readers, "connection"):
            self._readers.connection = self._connect("ro")
        found: sqlite3.Connection = self._readers.connection
        return found

    def _open(self) -> Published:
        """Reads the whole database, holds it against both checkpoints, completes the files."""
        key = self._signer.verifier
        raw = ledger_files.read_file(self.log, CHECKPOINT)
        # An empty file is what a power cut can leave of a rename; it says nothing, like a missing one.
        try:
            out = checkpoints.verified(raw, key) if raw else None
        except Refused:
            raise Refused("ledger.published_altered", {"file": str(self.log / CHECKPOINT)}) from None
        signed = self._writer.execute("SELECT note FROM checkpoint").fetchone()
        try:
            own = checkpoints.verified(signed[0].encode(), key) if signed else None
        except Refused:
            raise Refused("ledger.published_altered", {"file": str(self._database)}) from None

        edge = tree.Edge()
        root_then = edge.root()
        for start, block in _blocks(self._writer):
            hashes: list[bytes] = []
            for offset, (index, entry, kept) in enumerate(block):
                if index != start + offset or tree.leaf_hash(entry) != kept:
                    raise Refused("ledger.database_altered", {"index": start + offset})
                hashes.append(kept)
            if out is not None and start <= out.size <= start + len(block):
                root_then = edge.extend(hashes[: out.size - start])[0].root()
            edge, _grown = edge.extend(hashes)

        if out is not None and out.size > edge.size:
            raise Refused("ledger.rolled_back", {"published": out.size, "size": edge.size})
        if out is not None and out.root != root_then:
            raise Refused("ledger.forked", {"published": out.size, "size": edge.size})
        present = Checkpoint(key.name, edge.size, edge.root())
        if edge.size if own is None else own != present:
            raise Refused("ledger.database_altered", {"index": f"0-{max(edge.size - 1, 0)}"})

        text = checkpoints.sign(present, self._signer)
        if own is None:
            self._writer.execute("INSERT INTO checkpoint VALUES (1, 0, ?)", (text,))
        self._edge = edge
        tail_start = edge.size - edge.size % tree.WIDTH
        self._tail = tuple(
            tiles.pack_entries(row)
            for row in self._writer.execute(
                "SELECT entry FROM entries WHERE idx >= ? ORDER BY idx", (tail_start,)
            )
        )
        repaired = tuple(self._repair(text))
        self.repaired = repaired if own is not None else ()
        self._sound = True
        return Published(text, present)

    def _repair(self, signed: str) -> Iterator[str]:
        """Makes the files what the database says; yields the path of each that was not."""
        edge = tree.Edge()
        shutil.rmtree(self._writing)
        self._writing.mkdir(mode=0o700)
        for start, block in _blocks(self._writer):
            entries = [entry for _index, entry, _hash in block]
            edge, grown = edge.extend(kept for _index, _entry, kept in block)
            bundle = Tile(None, start // tree.WIDTH, len(block))
            yield from self._restore(bundle.path, tiles.pack_entries(entries))
            for tile in grown:
                if len(tile.hashes) == tree.WIDTH:
                    yield from self._restore(Tile(tile.level, tile.n).path, tiles.pack_hashes(tile.hashes))
        for tile in edge.partial():
            yield from self._restore(
                Tile(tile.level, tile.n, len(tile.hashes)).path, tiles.pack_hashes(tile.hashes)
            )
        expected = {tile.path for tile in tiles.tiles_of(edge.size)} | {CHECKPOINT, VERIFIER_KEY}
        for name in sorted(set(ledger_files.file_names(self.log)) - expected):
            yield from self._tidy(name, edge.size)
        yield from self._restore(VERIFIER_KEY, f"{self._signer.verifier}\n".encode())
        yield from self._restore(CHECKPOINT, signed.encode())

    def _restore(self, path: str, raw: bytes) -> Iterator[str]:
        if ledger_files.read_file(self.log, path) != raw:
            self._put(path, raw)
            yield path

    def _tidy(self, name: str, size: int) -> Iterator[str]:
        """A file that the present size does not need: an older partial tile stays, anything else goes."""
        tile = tiles.parse_path(name)
        count = 0 if tile is None else (size >> (tree.HEIGHT * (tile.level or 0))) - tile.n * tree.WIDTH
        if tile is None or tile.width > count or count >= tree.WIDTH:
            (self.log / name).unlink()
            yield name
            return
        whole = ledger_files.read_tile(self.log, Tile(tile.level, tile.n, count))
        if tile.level is None:
            whole = tiles.pack_entries(tiles.unpack_entries(whole, tile.width)[0])
        else:
            whole = whole[: tiles.HASH * tile.width]
        yield from self._restore(name, whole)

    # -- appending (under `_serving`) ------------------------------------------------------

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                return
            batch, leaving = [job], False
            while sum(len(one.rows) for one in batch) < BATCH and not self._jobs.empty():
                more = self._jobs.get()
                if more is None:
                    leaving = True
                    break
                batch.append(more)
            with self._serving:
                self._serve(batch)
            if leaving:
                return

    def _serve(self, batch: Sequence[_Job]) -> None:
        """Answers every job of a batch. Whatever goes wrong below is the same no: nothing was promised."""
        try:
            if not self._sound:
                # An earlier commit or file failed half-way: what is true stands in the database.
                self.published = self._open()
            answers = self._commit(batch)
        except Exception as error:
            self._sound = False
            if self._writer.in_transaction:
                self._writer.rollback()
            print(f"ledger: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            for job in batch:
                job.answer.set_exception(Refused("ledger.unavailable"))
            return
        for job, answer in zip(batch, answers, strict=True):
            if isinstance(answer, Refused):
                job.answer.set_exception(answer)
            else:
                job.answer.set_result(Appended(answer, self.published.note))

    def _commit(self, batch: Sequence[_Job]) -> list[tuple[int, ...] | Refused]:
        """One transaction for all jobs; then the files.

        1. Each leaf gets its place: the one it has already, or the next free one.
        2. New entries and the checkpoint over them commit together, durably.
        3. Tiles are published, then the checkpoint.
        4. Only now the partial tiles of full ones go: until then a checkpoint out there needs them.
        """
        # 1.
        fresh: dict[str, tuple[int, _Row, str]] = {}
        answers = [self._places(job, fresh) for job in batch]
        if not fresh:
            return answers
        # 2.
        new = list(fresh.values())
        hashes = [tree.leaf_hash(row.entry) for _index, row, _caller in new]
        edge, grown = self._edge.extend(hashes)
        present = Checkpoint(self._signer.name, edge.size, edge.root())
        text = checkpoints.sign(present, self._signer)
        self._writer.execute("BEGIN IMMEDIATE")
        self._writer.executemany(
            "INSERT INTO entries VALUES (?,?,?,?,?,?,?,?,?,?)",
            [
                (
                    i,
                    row.id,
                    row.entry,
                    kept,
                    caller,
                    row.time,
                    row.project,
                    row.person,
                    row.permit,
                    row.action,
                )
                for (i, row, caller), kept in zip(new, hashes, strict=True)
            ],
        )
        self._writer.execute("UPDATE checkpoint SET size = ?, note = ?", (present.size, text))
        self._writer.execute("COMMIT")
        # 3.
        first = self._edge.size // tree.WIDTH
        entries = (*self._tail, *(tiles.pack_entries((row.entry,)) for _index, row, _caller in new))
        self._edge, self._tail = edge, entries[len(entries) - edge.size % tree.WIDTH :]
        written: list[Tile] = []
        for n, start in enumerate(range(0, len(entries), tree.WIDTH), start=first):
            part = entries[start : start + tree.WIDTH]
            written.append(Tile(None, n, len(part)))
            self._put(written[-1].path, b"".join(part))
        for tile in grown:
            written.append(Tile(tile.level, tile.n, len(tile.hashes)))
            self._put(written[-1].path, tiles.pack_hashes(tile.hashes))
        self._put(CHECKPOINT, text.encode())
        self.published = Published(text, present)
        # 4.
        for full in written:
            if full.width == tree.WIDTH:
                shutil.rmtree(f"{self._log}/{full.path}.p", ignore_errors=True)
        return answers

    def _places(self, job: _Job, fresh: dict[str, tuple[int, _Row, str]]) -> tuple[int, ...] | Refused:
        """The places of one job's leaves; its new ones join `fresh`, unless one of them conflicts."""
        places: list[int] = []
        mine: dict[str, tuple[int, _Row, str]] = {}
        for row in job.rows:
            waiting = mine.get(row.id) or fresh.get(row.id)
            if waiting is not None:
                index, entry = waiting[0], waiting[1].entry
            else:
                found = self._writer.execute(
                    "SELECT idx, entry FROM entries WHERE id = ?", (row.id,)
                ).fetchone()
                index, entry = found or (self._edge.size + len(fresh) + len(mine), row.entry)
                if found is None:
                    mine[row.id] = (index, row, job.caller)
            if entry != row.entry:
                return Refused("ledger.conflict", {"id": row.id})
            places.append(index)
        fresh.update(mine)
        return tuple(places)

    def _put(self, path: str, raw: bytes) -> None:
        """A file that appears whole or not at all. Not synced: the next start completes it from the database."""
        # Plain calls instead of pathlib: three files are written for every single append.
        target, temporary = f"{self._log}/{path}", f"{self._writing}/next"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            left = memoryview(raw)
            while left:
                left = left[os.write(descriptor, left) :]
        finally:
            os.close(descriptor)
        try:
            os.replace(temporary, target)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.replace(temporary, target)


def _lock(path: Path, folder: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Refused("ledger.running", {"folder": str(folder)}) from None
    return descriptor


def _blocks(connection: sqlite3.Connection) -> Iterator[tuple[int, list[tuple[int, bytes, bytes]]]]:
    """All entries in order, 256 at a time, each block with the index that its first entry should have."""
    cursor = connection.execute("SELECT idx, entry, hash FROM entries ORDER BY idx")
    start = 0
    while block := cursor.fetchmany(tree.WIDTH):
        yield start, block
        start += len(block)


def _microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)


def _row(leaf: Mapping[str, Any]) -> _Row:
    entry = leaves.entry_of(leaf)
    time = _microseconds(parse_rfc3339(leaf["time"]).timestamp())
    return _Row(
        leaf["id"], entry, time, leaf["project"], leaf["actor"]["person"], leaf["permit"], leaf["action"]
    )
