"""Persons, their roles and their credentials, as the records hold them. The hub only authenticates; roles live here.

Passwords are argon2id hashes; one-time codes are TOTP (RFC 6238, 30 seconds) and each code works once: the last used
time step is kept and never goes back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import argon2
import pyotp
import sqlalchemy as sa

from enclave.adapters import records_schema as t
from enclave.adapters.records import Records
from enclave.core.clock import rfc3339
from enclave.core.event import Event
from enclave.core.ids import PersonId
from enclave.core.refusal import Refused
from enclave.core.roles import Role

TOTP_SECONDS = 30
_HASHER = argon2.PasswordHasher()


@cache
def _absent() -> str:
    """Verified against when a name is unknown, so that an unknown name takes as long as a wrong password."""
    return _HASHER.hash("nobody has this password")


@dataclass(frozen=True)
class Person:
    id: PersonId
    name_ja: str
    name_en: str
    affiliation_ja: str
    affiliation_en: str
    roles: frozenset[Role]
    active: bool

    def name(self, language: str) -> str:
        return self.name_ja if language == "ja" else self.name_en

    def affiliation(self, language: str) -> str:
        return self.affiliation_ja if language == "ja" else self.affiliation_en


def add_person(
    records: Records,
    event: Event,
    person: Person,
    *,
    password: str,
    totp_secret: str,
    at: datetime,
) -> None:
    """Enter a person with roles; does nothing to one who is already there (so that a set-up can run again)."""
    with records.change(event) as tx:
        if tx.scalar(sa.select(t.persons.c.id).where(t.persons.c.id == person.id)):
            return
        tx.execute(
            sa.insert(t.persons).values(
                id=person.id,
                name_ja=person.name_ja,
                name_en=person.name_en,
                affiliation_ja=person.affiliation_ja,
                affiliation_en=person.affiliation_en,
                password_hash=_HASHER.hash(password),
                totp_secret=totp_secret,
                active=person.active,
            )
        )
        for role in sorted(person.roles):
            tx.execute(
                sa.insert(t.person_roles).values(person=person.id, role=role.value, granted_at=rfc3339(at))
            )


def find_person(records: Records, person: str) -> Person | None:
    """The person with the roles that are theirs now, or None."""
    found = {p.id: p for p in _persons(records, [person])}
    return found.get(PersonId(person))


def all_persons(records: Records) -> tuple[Person, ...]:
    """Everybody, by id."""
    return _persons(records, None)


def _persons(records: Records, only: Iterable[str] | None) -> tuple[Person, ...]:
    people = sa.select(t.persons).order_by(t.persons.c.id)
    roles = sa.select(t.person_roles).where(t.person_roles.c.revoked_at.is_(None))
    if only is not None:
        wanted = list(only)
        people = people.where(t.persons.c.id.in_(wanted))
        roles = roles.where(t.person_roles.c.person.in_(wanted))
    with records.read() as connection:
        held: dict[str, set[Role]] = {}
        for row in connection.execute(roles):
            held.setdefault(row.person, set()).add(Role(row.role))
        return tuple(
            Person(
                PersonId(row.id),
                row.name_ja,
                row.name_en,
                row.affiliation_ja,
                row.affiliation_en,
                frozenset(held.get(row.id, ())),
                row.active,
            )
            for row in connection.execute(people)
        )


def check_credentials(
    records: Records, person: str, password: str, code: str, at: datetime, event: Event
) -> None:
    """Consume a one-time code together with the password, recording `event` with the use.

    Raises Refused `session.login_failed` for an unknown name, a wrong password, an inactive person or a wrong code
    (one answer for all four), and `session.otp_used` only where the password is right and the code was used before.
    """
    with records.read() as connection:
        row = connection.execute(sa.select(t.persons).where(t.persons.c.id == person)).one_or_none()
    try:
        _HASHER.verify(_absent() if row is None else row.password_hash, password)
    except argon2.exceptions.Argon2Error as error:
        raise Refused("session.login_failed") from error
    if row is None or not row.active:
        raise Refused("session.login_failed")
    step = _matching_step(row.totp_secret, code, at)
    if step is None:
        raise Refused("session.login_failed")
    with records.change(event) as tx:
        used = tx.execute(
            sa.update(t.persons)
            .where(t.persons.c.id == person, t.persons.c.totp_last_step < step)
            .values(totp_last_step=step)
        )
        if used.rowcount != 1:
            raise Refused("session.otp_used")


def _matching_step(secret: str, code: str, at: datetime) -> int | None:
    """The 30-second step whose code this is, one step of clock difference allowed either way; None for none."""
    totp = pyotp.TOTP(secret, interval=TOTP_SECONDS)
    present = int(at.timestamp()) // TOTP_SECONDS
    for step in (present, present - 1, present + 1):
        if pyotp.utils.strings_equal(totp.generate_otp(step), code.strip()):
            return step
    return None
