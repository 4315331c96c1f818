"""The databases of a population, and where a register keeps whose numbers. Decides nothing."""

from dataclasses import dataclass
from typing import Any

from enclave.adapters.custody_engine import Attached, quoted
from enclave.catalogue.descriptor import Descriptor
from enclave.custody.plan import Kind, kind_of

REGISTER = "register"
BEFORE = "before"
"""What a register, and the one that it follows, are attached as."""


@dataclass(frozen=True)
class Member:
    """One database of a population: what it is, where its store lies, and which of its persons are withdrawn."""

    descriptor: Descriptor
    store: Attached
    withdrawn: frozenset[str]

    @property
    def linked(self) -> bool:
        return self.descriptor.identifiers is not None


def has_kind(descriptor: Descriptor, kind: Kind) -> bool:
    links = kind is Kind.PERSON and descriptor.identifiers is not None
    return links or any(kind_of(c) is kind for t in descriptor.tables.values() for c in t.columns.values())


def numbers_of(descriptor: Descriptor, kind: Kind) -> str:
    """The relation (source, number) of one kind of identifier of a database, in an attached register."""
    if kind is Kind.FACILITY:
        return f"{REGISTER}.numbers.facility"
    if descriptor.identifiers is not None:
        return f"{REGISTER}.numbers.{quoted(f'of {descriptor.database}')}"
    return f"{REGISTER}.numbers.shared"


def table_exists(connection: Any, catalog: str, schema: str, table: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND schema_name = ? AND table_name = ?",
        [catalog, schema, table],
    ).fetchone()
    return found is not None
