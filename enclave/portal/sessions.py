"""Who is logged in at the portal: sessions kept at the server, so that logging out ends them for good.

Decides when a session is over: 12 hours after log-in, or 30 minutes without use. Relies on a SQLite file of the
portal's own (its secrets folder), which holds digests of cookies, never cookies. What a person may do is not here:
roles are read from the records at every request.
"""

import hashlib
import hmac
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

LASTS = timedelta(hours=12)
IDLE = timedelta(minutes=30)
LOGIN_LASTS = timedelta(minutes=10)
TOUCH = timedelta(minutes=1)
"""Use is noted at most once in this time, so that a page is not a write."""

ASK_HUB = timedelta(minutes=1)
"""How long the hub's word that a token is good is believed: logging out there ends the session here."""


@dataclass(frozen=True)
class Session:
    digest: str
    person: str
    hub_token: str
    seen_at: datetime
    asked_at: datetime


@dataclass(frozen=True)
class Login:
    """A log-in that has begun: where to go afterwards, and the PKCE verifier."""

    next: str
    verifier: str


class Sessions:
    """Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        path.chmod(0o600)
        self._connection.executescript(
            """
            PRAGMA journal_mode=WAL;
            CREATE TABLE IF NOT EXISTS sessions (digest TEXT PRIMARY KEY, person TEXT NOT NULL, hub_token TEXT NOT NULL,
                began REAL NOT NULL, seen REAL NOT NULL, asked REAL NOT NULL);
            CREATE TABLE IF NOT EXISTS logins (digest TEXT PRIMARY KEY, next TEXT NOT NULL, verifier TEXT NOT NULL,
                began REAL NOT NULL);
            CREATE TABLE IF NOT EXISTS keys (name TEXT PRIMARY KEY, value BLOB NOT NULL);
            """
        )
        with self._write() as db:
            db.execute("INSERT OR IGNORE INTO keys VALUES ('csrf', ?)", (secrets.token_bytes(32),))
        self._csrf_key: bytes = self._connection.execute(
            "SELECT value FROM keys WHERE name = 'csrf'"
        ).fetchone()[0]

    # -- logging in -------------------------------------------------------------------------------
    def begin_login(self, next_page: str, now: datetime) -> tuple[str, Login]:
        """A state for the round trip to the hub; it is also the value of a cookie, which binds it to the browser."""
        state, login = secrets.token_urlsafe(32), Login(next_page, secrets.token_urlsafe(48))
        with self._write() as db:
            db.execute("DELETE FROM logins WHERE began < ?", ((now - LOGIN_LASTS).timestamp(),))
            db.execute(
                "INSERT INTO logins VALUES (?, ?, ?, ?)",
                (_digest(state), login.next, login.verifier, now.timestamp()),
            )
        return state, login

    def end_login(self, state: str, now: datetime) -> Login | None:
        """The log-in of a state, once."""
        with self._write() as db:
            row = db.execute(
                "DELETE FROM logins WHERE digest = ? AND began >= ? RETURNING next, verifier",
                (_digest(state), (now - LOGIN_LASTS).timestamp()),
            ).fetchone()
        return None if row is None else Login(*row)

    # -- being logged in --------------------------------------------------------------------------
    def begin(self, person: str, hub_token: str, now: datetime) -> str:
        """A new session's cookie value."""
        cookie = secrets.token_urlsafe(32)
        at = now.timestamp()
        with self._write() as db:
            db.execute("DELETE FROM sessions WHERE began < ? OR seen < ?", _bounds(now))
            db.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?)",
                (_digest(cookie), person, hub_token, at, at, at),
            )
        return cookie

    def find(self, cookie: str, now: datetime) -> Session | None:
        """The live session of a cookie; its use is noted."""
        digest = _digest(cookie)
        with self._lock:
            row = self._connection.execute(
                "SELECT person, hub_token, seen, asked FROM sessions WHERE digest = ? AND began >= ? AND seen >= ?",
                (digest, *_bounds(now)),
            ).fetchone()
        if row is None:
            return None
        person, token, seen, asked = row
        if now.timestamp() - seen > TOUCH.total_seconds():
            with self._write() as db:
                db.execute("UPDATE sessions SET seen = ? WHERE digest = ?", (now.timestamp(), digest))
        zone = now.tzinfo
        return Session(
            digest, person, token, datetime.fromtimestamp(seen, zone), datetime.fromtimestamp(asked, zone)
        )

    def asked_hub(self, session: Session, now: datetime) -> None:
        """Note that the hub still knows the session's token."""
        with self._write() as db:
            db.execute("UPDATE sessions SET asked = ? WHERE digest = ?", (now.timestamp(), session.digest))

    def end(self, session: Session) -> None:
        with self._write() as db:
            db.execute("DELETE FROM sessions WHERE digest = ?", (session.digest,))

    def csrf(self, person: str) -> str:
        """The token that every form of a person carries.

        It belongs to the person, not to the session: a form that was open when the session ended can still be sent
        after logging in again, so that nothing typed is lost.
        """
        return hmac.new(self._csrf_key, person.encode(), hashlib.sha256).hexdigest()

    def csrf_good(self, person: str, token: str) -> bool:
        return hmac.compare_digest(self.csrf(person).encode(), token.encode())

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


def _bounds(now: datetime) -> tuple[float, float]:
    return (now - LASTS).timestamp(), (now - IDLE).timestamp()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
