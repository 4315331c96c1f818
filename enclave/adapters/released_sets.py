"""Who stands behind every number that was released: sets of the population's own numbers, sealed, in custody's folder.

Decides nothing; keeps cells (`enclave.disclosure.releases.history`) with their sets. One file per population. Words and sets
are sealed under a key that the vault wraps, so a copy of the file tells nobody anything. The numbers are those of the
register, not pseudonyms: an erasure destroys the key that translates pseudonyms, and these sets stay.

An output is `pending` from its examination on, and `released` once the checkers' last vote is in; only released ones
are history. What is known to be public (`project` None) is entered as released. A release of which only totals are
known has no cells with persons and is named, so that whoever examines says that it could not look (`without_sets`); its
totals stand in `published`.

A large set is kept as its definition over the extract and the cells beside it, where it has one (`disclosure.definitions`),
and becomes a set when it is asked for: when a collision is possible. Before the extract's provision is erased,
`settle` makes a set of each definition over it.
"""

import json
import secrets
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from enclave.adapters.vault import Vault
from enclave.core.refusal import Refused
from enclave.disclosure.releases.definitions import LARGE, AllBut, AllOf, Definition, defined, evaluated
from enclave.disclosure.releases.history import Book, Cell, Persons, Ruler
from enclave.disclosure.releases.published import Published, published_of

CACHED = 32 << 20
"""Bytes of sets that one examination keeps unsealed."""

_TABLES = """
CREATE TABLE IF NOT EXISTS about (one INTEGER PRIMARY KEY CHECK (one = 1), population TEXT NOT NULL, width INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS outputs (
  output TEXT NOT NULL, part TEXT NOT NULL, project TEXT, state TEXT NOT NULL, at TEXT NOT NULL, cells BLOB,
  PRIMARY KEY (output, part)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sets (
  output TEXT NOT NULL, part TEXT NOT NULL, cell TEXT PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS defined (cell TEXT PRIMARY KEY, over TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS totals (
  output TEXT NOT NULL, part TEXT NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (output, part)) WITHOUT ROWID;
"""

Listed = Callable[[str], Persons]
"""The persons of an extract, by its name (`v-81c2/3`): the population's own numbers."""


@dataclass(frozen=True)
class Kept:
    """The released outputs of a population: their cells, and those of which nobody has sets."""

    book: Book
    without_sets: tuple[str, ...]
    published: tuple[Published, ...] = ()


@dataclass(frozen=True)
class Entered:
    """A release as it is listed: `numbers` of it, and whether the persons behind them are known."""

    output: str
    part: str
    project: str | None
    at: str
    numbers: int
    persons_known: bool


def _nobody_listed(extract: str) -> Persons:
    raise Refused("custody.engine", {"extract": extract})


class ReleasedSets:
    """The sets of one population. Each call opens its own connection."""

    def __init__(
        self,
        vault: Vault,
        folder: Path,
        population: str,
        persons: int = 0,
        listed: Listed = _nobody_listed,
    ) -> None:
        """Open or make it. `persons`: how many the population has now; it scales the summaries when it is made."""
        folder.mkdir(mode=0o700, exist_ok=True)
        self._listed = listed
        self._path = _place(folder, population)
        self._key = vault.make_key("releases", population)
        with self._change() as connection:
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            width = Ruler.for_size(max(persons, 1)).width
            connection.execute("INSERT OR IGNORE INTO about VALUES (1, ?, ?)", (population, width))
            self.ruler = Ruler(int(connection.execute("SELECT width FROM about").fetchone()[0]))
        self._path.chmod(0o600)

    @staticmethod
    def there(folder: Path, population: str) -> bool:
        """Whether anything of the population was ever examined."""
        return _place(folder, population).exists()

    def keep(
        self,
        output: str,
        part: str,
        project: str | None,
        cells: Sequence[Cell],
        sets: Mapping[str, Persons],
        at: str,
        *,
        released: bool = False,
        complete: bool = True,
        extract: str | None = None,
        published: Sequence[Published] = (),
        persons_known: bool = True,
    ) -> None:
        """Enter a part of an output: pending until `release`. Entered again it takes its own place.

        `complete`: nothing was left unexamined, so no human was told. `extract`: whose persons these are; large sets may be
        kept as definitions over it. `published`: numbers of which nobody knows the persons; `persons_known` False where there are any. Raises
        ValueError for an output that was released: what is history stays as it was.
        """
        words = json.dumps(
            {"cells": [_words(cell) for cell in cells], "complete": complete}, ensure_ascii=False
        ).encode()
        short = {} if extract is None else defined(sets, self._listed(extract), LARGE)
        rows = [
            (output, part, cell.id, self._sealed(_packed(short.get(cell.id, sets[cell.id])), cell.id))
            for cell in cells
        ]
        totals = json.dumps([[one.table, one.to_json()] for one in published], ensure_ascii=False).encode()
        state = "released" if released else "pending"
        with self._change() as connection:
            place = (output, part)
            asked = "SELECT 1 FROM outputs WHERE output = ? AND part = ? AND state = 'released'"
            if connection.execute(asked, place).fetchone() is not None:
                raise ValueError("an output that was released")
            gone = "SELECT cell FROM sets WHERE output = ? AND part = ?"
            connection.execute(f"DELETE FROM defined WHERE cell IN ({gone})", place)
            for table in ("sets", "totals", "outputs"):
                connection.execute(f"DELETE FROM {table} WHERE output = ? AND part = ?", place)
            sealed = self._sealed(words, f"cells/{output}/{part}") if persons_known else None
            connection.execute(
                "INSERT INTO outputs VALUES (?, ?, ?, ?, ?, ?)", (*place, project, state, at, sealed)
            )
            connection.executemany("INSERT INTO sets VALUES (?, ?, ?, ?)", rows)
            over = [(cell, extract) for cell, one in short.items() if isinstance(one, AllBut)]
            connection.executemany("INSERT INTO defined VALUES (?, ?)", over)
            if published:
                sealed = self._sealed(totals, f"totals/{output}/{part}")
                connection.execute("INSERT INTO totals VALUES (?, ?, ?)", (*place, sealed))

    def settle(self, provision: str) -> int:
        """Make sets of all definitions over a provision's extracts, before it is erased; how many there were."""
        asked = "SELECT cell, over FROM defined WHERE substr(over, 1, ?) = ?"
        start = f"{provision}/"
        with self._read() as connection:
            cells = [cell for cell, _ in connection.execute(asked, (len(start), start)).fetchall()]
            sets = [(self._sealed(_packed(self.load(connection, cell)), cell), cell) for cell in cells]
        with self._change() as connection:
            connection.executemany("UPDATE sets SET sealed = ? WHERE cell = ?", sets)
            connection.executemany("DELETE FROM defined WHERE cell = ?", [(cell,) for cell in cells])
        return len(cells)

    def listing(self) -> list[Entered]:
        """Everything that is history, oldest first, without a set."""
        with self._read() as connection:
            rows = connection.execute(
                "SELECT o.output, o.part, o.project, o.at, o.cells, t.sealed FROM outputs o LEFT JOIN totals t"
                " USING (output, part) WHERE o.state = 'released' ORDER BY o.at, o.output, o.part"
            ).fetchall()
        return [
            Entered(output, part, project, at, self._numbers(output, part, cells, totals), cells is not None)
            for output, part, project, at, cells, totals in rows
        ]

    def _numbers(self, output: str, part: str, cells: bytes | None, totals: bytes | None) -> int:
        if cells is not None:
            return len(self._told(cells, output, part)["cells"])
        return 0 if totals is None else len(json.loads(self._opened(totals, f"totals/{output}/{part}")))

    def _told(self, sealed: bytes, output: str, part: str) -> dict[str, Any]:
        return dict(json.loads(self._opened(sealed, f"cells/{output}/{part}")))

    def was_complete(self, output: str) -> bool:
        """Whether nothing was left unexamined when the output was: then nobody has been told to look."""
        with self._read() as connection:
            rows = connection.execute(
                "SELECT part, cells FROM outputs WHERE output = ?", (output,)
            ).fetchall()
        return all(
            sealed is not None and bool(self._told(sealed, output, part)["complete"]) for part, sealed in rows
        )

    def known(self, output: str) -> bool:
        with self._read() as connection:
            found = connection.execute("SELECT 1 FROM outputs WHERE output = ?", (output,)).fetchone()
        return found is not None

    def release(self, output: str, at: str) -> None:
        """From now on the output is history, at the time of its release."""
        with self._change() as connection:
            connection.execute("UPDATE outputs SET state = 'released', at = ? WHERE output = ?", (at, output))

    def drop(self, output: str) -> None:
        """Forget an output that was not released."""
        with self._change() as connection:
            pending = "SELECT part FROM outputs WHERE output = ? AND state = 'pending'"
            gone = f"SELECT cell FROM sets WHERE output = ? AND part IN ({pending})"
            connection.execute(f"DELETE FROM defined WHERE cell IN ({gone})", (output, output))
            for table in ("sets", "totals"):
                connection.execute(
                    f"DELETE FROM {table} WHERE output = ? AND part IN ({pending})", (output, output)
                )
            connection.execute("DELETE FROM outputs WHERE output = ? AND state = 'pending'", (output,))

    def released(self) -> Kept:
        """The history of the population."""
        cells, bare = self._all("state = 'released'", ())
        with self._read() as connection:
            rows = connection.execute(
                "SELECT output, part, sealed FROM totals JOIN outputs USING (output, part) WHERE state = 'released'"
            ).fetchall()
        published = tuple(
            published_of(output, table, words)
            for output, part, sealed in rows
            for table, words in json.loads(self._opened(sealed, f"totals/{output}/{part}"))
        )
        return Kept(Book(tuple(cells), _Opening(self).load), tuple(bare), published)

    def of(self, output: str, but: str | None = None) -> Book:
        """The cells of one output, released or not; without those of its part `but`."""
        cells, _ = self._all("output = ? AND part <> ?", (output, but or ""))
        return Book(tuple(cells), _Opening(self).load)

    def _all(self, where: str, values: tuple[str, ...]) -> tuple[list[Cell], list[str]]:
        with self._read() as connection:
            rows = connection.execute(
                f"SELECT output, part, cells FROM outputs WHERE {where} ORDER BY at, output, part", values
            ).fetchall()
        cells = [
            _cell(words)
            for output, part, sealed in rows
            if sealed is not None
            for words in self._told(sealed, output, part)["cells"]
        ]
        return cells, list(dict.fromkeys(output for output, _, sealed in rows if sealed is None))

    def load(self, connection: sqlite3.Connection, cell: str) -> Persons:
        row = connection.execute("SELECT sealed FROM sets WHERE cell = ?", (cell,)).fetchone()
        if row is None:
            raise Refused("custody.vault_sealed")
        found = _unpacked(self._opened(row[0], cell))
        if isinstance(found, Persons):
            return found

        def everybody() -> Persons:
            over = connection.execute("SELECT over FROM defined WHERE cell = ?", (cell,)).fetchone()
            return self._listed("-" if over is None else str(over[0]))

        return evaluated(found, lambda part: self.load(connection, part), everybody)

    def _sealed(self, data: bytes, name: str) -> bytes:
        nonce = secrets.token_bytes(12)
        return nonce + AESGCM(self._key).encrypt(nonce, data, name.encode())

    def _opened(self, sealed: bytes, name: str) -> bytes:
        try:
            return AESGCM(self._key).decrypt(sealed[:12], sealed[12:], name.encode())
        except InvalidTag:
            raise Refused("custody.vault_sealed") from None

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
        try:
            yield connection
        finally:
            connection.close()

    def reading(self) -> sqlite3.Connection:
        """A connection for many reads; its caller closes it, or forgets it."""
        return sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._read() as connection:
            for pragma in ("journal_mode = DELETE", "synchronous = FULL", "secure_delete = ON"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise


class _Opening:
    """Sets unsealed as they are asked for; the last of them kept, up to `CACHED` bytes."""

    def __init__(self, of: ReleasedSets) -> None:
        self._of = of
        self._connection: sqlite3.Connection | None = None
        self._kept: OrderedDict[str, tuple[Persons, int]] = OrderedDict()
        self._bytes = 0

    def load(self, cell: str) -> Persons:
        if cell in self._kept:
            self._kept.move_to_end(cell)
            return self._kept[cell][0]
        if self._connection is None:
            self._connection = self._of.reading()
        found = self._of.load(self._connection, cell)
        size = len(found.serialize())
        self._kept[cell] = (found, size)
        self._bytes += size
        while self._bytes > CACHED and len(self._kept) > 3:
            _, (_, gone) = self._kept.popitem(last=False)
            self._bytes -= gone
        return found

    def __del__(self) -> None:
        if self._connection is not None:
            self._connection.close()


def _place(folder: Path, population: str) -> Path:
    return folder / f"{sha256(population.encode()).hexdigest()[:32]}.sqlite"


_SET, _ALL_OF, _ALL_BUT = b"S", b"O", b"B"
"""The first byte of what is sealed: how the rest is read."""


def _packed(held: Persons | Definition) -> bytes:
    match held:
        case AllOf(cells):
            return _ALL_OF + json.dumps(cells).encode()
        case AllBut(persons):
            return _ALL_BUT + _bytes(persons)
        case _:
            return _SET + _bytes(held)


def _bytes(persons: Persons) -> bytes:
    packed = Persons(persons)
    packed.run_optimize()
    return bytes(packed.serialize())


def _unpacked(held: bytes) -> Persons | Definition:
    match held[:1]:
        case b"O":
            return AllOf(tuple(str(one) for one in json.loads(held[1:])))
        case b"B":
            return AllBut(Persons.deserialize(held[1:]))
        case b"S":
            return Persons.deserialize(held[1:])
    raise Refused("custody.vault_sealed")


def _words(cell: Cell) -> dict[str, Any]:
    return {**cell.__dict__, "keys": [list(pair) for pair in cell.keys], "sketch": list(cell.sketch)}


def _cell(words: Mapping[str, Any]) -> Cell:
    keys = tuple((str(name), str(value)) for name, value in words["keys"])
    return Cell(**{**words, "keys": keys, "sketch": tuple(words["sketch"])})
