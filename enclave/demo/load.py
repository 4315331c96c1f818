"""Loads the demo: accounts, the real database `nafld`, and the invented people's NDB, 介護DB and DPCDB.

What is there stays, so it can be run again. `load` alone is what most tests need; `load_linked` takes longer.
"""

import time

import sqlalchemy as sa

from enclave.adapters import edge
from enclave.adapters import records_schema as t
from enclave.adapters.person_records import TOTP_SECONDS, add_person, all_persons
from enclave.app import records_of, register_database
from enclave.config import PREFIX, Site
from enclave.core.event import Actor, Thing
from enclave.core.refusal import Refused
from enclave.demo import people
from enclave.demo.accounts import ACCOUNTS, account, unused_code

DESCRIPTOR = PREFIX / "app" / "deploy" / "demo" / "nafld" / "descriptor.yaml"


def _demo_only(site: Site) -> None:
    if site.profile != "demo":
        raise Refused("demo.not_demo")


def load(site: Site) -> None:
    """Enter the accounts, register `nafld`. Raises Refused `demo.not_demo` on any other profile."""
    _demo_only(site)
    records = records_of(site, "operator")
    there = {p.id for p in all_persons(records)}
    setup = Actor("operator", "operator")
    for one in ACCOUNTS:
        if one.person.id not in there:
            event = edge.event(setup, "person.entered", Thing("person", one.person.id))
            add_person(
                records, event, one.person, password=one.password, totp_secret=one.totp_secret, at=edge.now()
            )
    if not _registered(site, "nafld"):
        register_database(site, DESCRIPTOR)


def load_linked(site: Site) -> None:
    """Register the databases of the invented people, making them first where that was not done.

    Raises Refused `demo.not_demo` on any other profile.
    """
    _demo_only(site)
    for database in (people.REFERENCE, *people.DATABASES):
        if not _registered(site, database):
            register_database(site, people.make() / database / "descriptor.yaml")


def linked_loaded(site: Site) -> bool:
    """Whether the databases of the invented people are registered."""
    return all(_registered(site, database) for database in (people.REFERENCE, *people.DATABASES))


def _registered(site: Site, database: str) -> bool:
    return (site.catalogue / database / "descriptor.yaml").exists()


def loaded(site: Site) -> bool:
    """Whether accounts and database are there."""
    try:
        there = {p.id for p in all_persons(records_of(site, "operator"))}
    except (Refused, OSError, sa.exc.SQLAlchemyError):
        return False
    return all(a.person.id in there for a in ACCOUNTS) and _registered(site, "nafld")


def fresh_code(site: Site, person: str) -> str:
    """A one-time code of a demo account that was not used yet; waits (at most 30 seconds) until it is accepted."""
    _demo_only(site)
    try:
        secret = account(person).totp_secret
    except KeyError as error:
        raise Refused("demo.person_unknown", {"known": ", ".join(a.person.id for a in ACCOUNTS)}) from error
    with records_of(site, "operator").read() as connection:
        last = connection.scalar(sa.select(t.persons.c.totp_last_step).where(t.persons.c.id == person))
    code, wait = unused_code(secret, int(last or 0), time.time())
    time.sleep(min(wait, TOTP_SECONDS))
    return code
