"""An SQLite file whose secrets are wrapped by a master key: transactions, the key at hand, and a new key for all.

Decides which of the keys in the folder opens the file and when it is replaced. Knows the tables that hold wrapped
secrets, not what they are for: that is the vault's. Relies on the folder being its user's alone (0700) and on
`enclave.adapters.master_key`. A file with secrets and no master key, or another one, is refused
(`custody.vault_sealed`): making a new one would lose every secret silently.

Deleted rows are overwritten (`secure_delete`), and no write-ahead log keeps an older page, so that a destroyed key is
not found in the file.
"""

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from enclave.adapters.master_key import FileKey, MasterKey, Replacement, files, master_key
from enclave.core.refusal import Refused

_SEAL_TABLE = (
    "CREATE TABLE IF NOT EXISTS seal (one INTEGER PRIMARY KEY CHECK (one = 1), wrapped BLOB NOT NULL)"
)

_SEAL = b"enclave.vault/1"

Wrapped = tuple[str, str, str]
"""A table whose column `wrapped` holds secrets, its key's columns, and the SQL of the name that a secret is bound to."""


class SealedFile:
    """One process's hold on the file. Each call opens its own connection, so threads may share it."""

    def __init__(self, path: Path, tables: str, wrapped: Sequence[Wrapped]) -> None:
        """Open the file, making it with `tables` (SQL, `;` between) where there is none.

        Raises Refused `custody.vault_sealed`, `custody.disk_full`.
        """
        self._path = path
        self._folder = path.parent
        self._wrapped = (("seal", "one", "'seal'"), *wrapped)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        self._master: MasterKey | None = None
        self.highest = 0
        """What `changes` said after this process's last change."""
        with self.change() as connection:
            for statement in (_SEAL_TABLE, *tables.split(";")):
                connection.execute(statement)
            sealed = connection.execute("SELECT wrapped FROM seal").fetchone()
            if sealed is None:
                self._master = master_key(self._folder, fresh=True)
                connection.execute("INSERT INTO seal VALUES (1, ?)", (self._master.wrap(_SEAL, "seal"),))
            else:
                self._master = self._opening(sealed[0])
                self._settle(self._master)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """One transaction, durable when it is left. Raises Refused `custody.disk_full`, and then nothing has changed."""
        with self.read() as connection:
            # DELETE, not WAL: an older page with a destroyed key must not live on in a log beside the file.
            for pragma in (
                "journal_mode = DELETE",
                "synchronous = FULL",
                "secure_delete = ON",
                "temp_store = MEMORY",
            ):
                connection.execute(f"PRAGMA {pragma}")
            with _room():
                connection.execute("BEGIN IMMEDIATE")
            try:
                with _room():
                    yield connection
                    connection.execute("COMMIT")
                self.highest = max(self.highest, self.changes())
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def changes(self) -> int:
        """How often the file was changed (SQLite's own counter): less than before is another file."""
        with self._path.open("rb") as file:
            file.seek(24)
            return int.from_bytes(file.read(4), "big")

    # -- secrets ------------------------------------------------------------------------------
    @contextmanager
    def reading_secrets(self) -> Iterator[sqlite3.Connection]:
        """Reading a wrapped secret and opening it, between which no other master key takes the place of this one."""
        with self.read() as connection:
            connection.execute("BEGIN")
            yield connection

    def master(self, connection: sqlite3.Connection) -> MasterKey:
        """The key that wraps all others; read again where another process has replaced it.

        By the caller's own connection: another one would wait for a writer that waits for the caller.
        """
        master = self._master
        if master is None:
            raise Refused("custody.vault_sealed")
        if isinstance(master, FileKey) and not master.is_in(files(self._folder)[0]):
            master = self._master = self._opening(
                connection.execute("SELECT wrapped FROM seal").fetchone()[0]
            )
        return master

    @property
    def replaces_master(self) -> bool:
        """Whether the master key is custody's own to replace; a device's is its keeper's."""
        return isinstance(self._master, FileKey)

    @contextmanager
    def changing_secrets(self) -> Iterator[tuple[sqlite3.Connection, Callable[[], None]]]:
        """A transaction, and what it calls once to have everything that is left wrapped under a new master key.

        A device's key is not replaced: there the call does nothing.
        """
        replacement = Replacement(self._folder) if self.replaces_master else None
        try:
            with self.change() as connection:

                def renew() -> None:
                    if replacement is not None:
                        after = replacement.make()
                        self._wrap_all(connection, self.master(connection), after)
                        replacement.place()

                yield connection, renew
        finally:
            # Whichever key opens the file now is the key, also where the transaction's end is what failed.
            if replacement is not None:
                with self.change() as connection:
                    sealed = connection.execute("SELECT wrapped FROM seal").fetchone()
                    self._settle(self._opening(sealed[0]))

    def _opening(self, sealed: bytes) -> MasterKey:
        """The master key that opens the seal. Raises Refused `custody.vault_sealed` where none does."""
        for path in files(self._folder):
            try:
                found = master_key(self._folder, path=path)
                if found.unwrap(sealed, "seal") == _SEAL:
                    return found
            except Refused:
                continue
        raise Refused("custody.vault_sealed")

    def _settle(self, master: MasterKey) -> None:
        """End a replacement, also one that was interrupted: the key that opens the file is the key.

        Inside a transaction, so that no other process is in the middle of one.
        """
        if not isinstance(master, FileKey):
            return
        replacement = Replacement(self._folder)
        if master.is_in(files(self._folder)[0]):
            replacement.finish()
        else:
            replacement.undo()

    def _wrap_all(self, connection: sqlite3.Connection, before: MasterKey, after: MasterKey) -> None:
        for table, key, name in self._wrapped:
            rows = connection.execute(
                f"SELECT {key}, {name}, wrapped FROM {table} WHERE wrapped IS NOT NULL"
            ).fetchall()
            for *place, bound, wrapped in rows:
                again = after.wrap(before.unwrap(wrapped, bound), bound)
                where = " AND ".join(f"{column} = ?" for column in key.split(", "))
                connection.execute(f"UPDATE {table} SET wrapped = ? WHERE {where}", (again, *place))


@contextmanager
def _room() -> Iterator[None]:
    """A disk without room is a refusal of its own: the operator can mend it, and nothing else is wrong."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE}:
            raise Refused("custody.disk_full") from None
        raise
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise Refused("custody.disk_full") from None
        raise
