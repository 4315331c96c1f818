"""Custody's books: who withdrew, what was provided to whom, and who was in it. They lie in the vault's file.

Decides nothing. The provision ledger (第三者提供の記録) and the lists of members outlive an erasure: the law asks
when and to whom something was provided, and a person may ask whether they were in it. A list of members holds numbers of
the register, never a pseudonym, wrapped under the master key; it says who was there, not who was called what.
"""

import json
import re
import secrets
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from enclave.adapters.custody_log import Listed, listed
from enclave.adapters.vault import Vault
from enclave.core.refusal import Refused


class WithdrawalKind(StrEnum):
    """Why a person is left out."""

    OPT_OUT = "opt-out"
    """次世代医療基盤法: the person refused the provision."""
    STOP = "stop"
    """提供停止: the holder stopped providing this person's data."""
    DELETION = "deletion"
    """The holder deleted the person's record; it is left out before the next registration brings a file without it."""


@dataclass(frozen=True)
class Withdrawal:
    """A person of one database, by the holder's own number, who is left out from a day on."""

    database: str
    person: str
    kind: WithdrawalKind
    effective: date


class Books:
    """The books of one vault. Each call opens its own connection."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    # -- withdrawals --------------------------------------------------------------------------
    def withdraw(
        self, withdrawals: Iterable[Withdrawal], at: str, record: Callable[[Listed], int]
    ) -> tuple[int, int]:
        """Enter withdrawals: (how many were new or earlier than known, the place of the leaf).

        One that is known is kept with its first day. `record` tells the log what the list now is, before it holds: a
        refusal enters nobody.
        """
        key = self.withdrawals_key()
        with self._vault.change() as connection:
            before = connection.total_changes
            connection.executemany(
                "INSERT INTO withdrawals VALUES (?, ?, ?, ?, ?) ON CONFLICT (database, person) DO UPDATE SET"
                " kind = excluded.kind, effective = excluded.effective, received = excluded.received"
                " WHERE excluded.effective < effective",
                (
                    (w.database, spelled(w.person), w.kind.value, w.effective.isoformat(), at)
                    for w in withdrawals
                ),
            )
            entered = connection.total_changes - before
            return entered, record(listed(key, _withdrawals(connection)))

    def listed(self) -> Listed:
        """What the list of withdrawals is called in the log."""
        key = self.withdrawals_key()
        with self._vault.read() as connection:
            return listed(key, _withdrawals(connection))

    def withdrawals_key(self) -> bytes:
        held = self._vault.held("withdrawals", "key")
        return self._vault.make_key("withdrawals", "key") if held is None else held.key

    def withdrawn(self, database: str, on: date) -> frozenset[str]:
        """Who of a database is left out of what is built on that day."""
        with self._vault.read() as connection:
            rows = connection.execute(
                "SELECT person FROM withdrawals WHERE database = ? AND effective <= ?",
                (database, on.isoformat()),
            )
            return frozenset(spelled(row[0]) for row in rows)

    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """How many persons are entered, by database and kind."""
        found: dict[str, dict[str, int]] = {}
        with self._vault.read() as connection:
            for database, kind, count in connection.execute(
                "SELECT database, kind, count(*) FROM withdrawals GROUP BY 1, 2 ORDER BY 1, 2"
            ):
                found.setdefault(database, {})[kind] = int(count)
        return found

    # -- the provision ledger -----------------------------------------------------------------
    def entering(
        self,
        provision: str,
        n: int,
        at: str,
        entry: Mapping[str, Any],
        members: Mapping[str, NDArray[np.uint32]],
    ) -> Callable[[sqlite3.Connection], None]:
        """What writes an extract into the books, for the transaction in which it comes to exist.

        `entry` is the ledger's; `members` by population the register's numbers of who is in it, kept as a bit per number,
        packed and sealed.
        """
        key = self._key() if members else b""
        sealed = [
            (provision, n, population, _sealed(key, _packed(numbers), f"{provision}/{n}/{population}"))
            for population, numbers in members.items()
        ]

        def enter(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR IGNORE INTO provided VALUES (?, ?, ?, ?)", (provision, n, at, json.dumps(entry))
            )
            connection.executemany("INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?)", sealed)

        return enter

    def provided(self, provision: str | None = None) -> list[dict[str, Any]]:
        """The ledger, oldest first."""
        asked = "" if provision is None else " WHERE provision = ?"
        with self._vault.read() as connection:
            rows = connection.execute(
                f"SELECT provision, n, at, entry FROM provided{asked} ORDER BY at, provision, n",
                () if provision is None else (provision,),
            ).fetchall()
        return [{"provision": p, "n": int(n), "at": at, **json.loads(entry)} for p, n, at, entry in rows]

    def given(self, population: str) -> bool:
        """Whether an extract with persons of a population was ever provided, or may be under way."""
        with self._vault.read() as connection:
            row = connection.execute(
                "SELECT EXISTS (SELECT 1 FROM members WHERE population = ?) OR EXISTS (SELECT 1 FROM builds)",
                (population,),
            ).fetchone()
        return bool(row[0])

    # -- who was in it ------------------------------------------------------------------------
    def containing(self, population: str, numbers: Sequence[int]) -> list[tuple[str, int]]:
        """(provision, n) of every extract that contained one of these persons of a population."""
        found = []
        with self._vault.read() as connection:
            rows = connection.execute(
                "SELECT provision, n, wrapped FROM members WHERE population = ? ORDER BY provision, n",
                (population,),
            ).fetchall()
        key = self._key() if rows else b""
        for provision, n, sealed in rows:
            packed = zlib.decompress(_opened(key, sealed, f"{provision}/{n}/{population}"))
            if any(
                number >> 3 < len(packed) and packed[number >> 3] & (0x80 >> (number & 7))
                for number in numbers
            ):
                found.append((provision, int(n)))
        return found

    def members(self, provision: str, n: int, population: str) -> NDArray[np.uint32] | None:
        """The register's numbers of the persons of one population in an extract; None where there is no such list."""
        with self._vault.read() as connection:
            row = connection.execute(
                "SELECT wrapped FROM members WHERE provision = ? AND n = ? AND population = ?",
                (provision, n, population),
            ).fetchone()
        if row is None:
            return None
        packed = zlib.decompress(_opened(self._key(), row[0], f"{provision}/{n}/{population}"))
        return np.flatnonzero(np.unpackbits(np.frombuffer(packed, dtype=np.uint8))).astype(np.uint32)

    def _key(self) -> bytes:
        """The key of the lists of members; they are too large for a device that wraps keys."""
        held = self._vault.held("members", "key")
        if held is None:
            return self._vault.make_key("members", "key")
        return held.key


def spelled(person: str) -> str:
    """The one spelling of an identifier, as files are read (`source_files.identifier`): `10630.0` is `10630`."""
    found = person.strip()
    return re.sub(r"^([0-9]+)[.]0+$", r"\1", found)


def _withdrawals(connection: sqlite3.Connection) -> list[tuple[str, str, str, str]]:
    return connection.execute("SELECT database, person, kind, effective FROM withdrawals").fetchall()


def _packed(numbers: NDArray[np.uint32]) -> bytes:
    bits = np.zeros(int(numbers.max()) + 1 if len(numbers) else 0, dtype=bool)
    bits[numbers] = True
    return zlib.compress(np.packbits(bits).tobytes(), 6)


def _sealed(key: bytes, data: bytes, name: str) -> bytes:
    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(key).encrypt(nonce, data, name.encode())


def _opened(key: bytes, sealed: bytes, name: str) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], name.encode())
    except InvalidTag:
        raise Refused("custody.vault_sealed") from None
