"""Three persons in custody: their permit, and what an extract or the ledger then holds of them."""

import json
from typing import Any

import duckdb

from enclave.adapters.custodian import Custodian
from enclave.adapters.custody_desk import attach_key
from enclave.adapters.custody_engine import Attached, engine
from enclave.adapters.vault import Vault
from enclave.config import Site
from tests.fakes.custody_site import (
    GATEWAY,
    signed,
)
from tests.fakes.ledger import MemoryLedger

SMALL = {
    "people": {"columns": ["age", "sex", "born", "first", "bmi", "dead", "clinic"]},
    "visits": {"columns": ["day"]},
}


def small_permit(people: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    tables = {**SMALL, **({"people": people} if people else {})}
    return signed(databases={"small": tables}, linkage_groups=[["small"]], **more)


def rows(
    custodian: Custodian, site: Site, envelope: dict[str, Any], sql: str, n: int | None = None
) -> list[Any]:
    """Answers from an extract, opened as the gateway opens it."""
    opened = custodian.open(GATEWAY, "v-81c2", n, envelope)
    with duckdb.connect() as connection:
        connection.execute(
            f"ATTACH '{site.extracts}/v-81c2/{opened.n}/extract.duckdb' AS x"
            f" (READ_ONLY, ENCRYPTION_KEY '{opened.key}')"
        )
        return connection.execute(sql).fetchall()


def numbered(site: Site, population: str) -> dict[str, int]:
    """The register of a population, read as custody reads it."""
    held = Vault(site.custody).held("register", population)
    assert held is not None
    file = Attached(site.custody / held.path, "register", attach_key(held.key))
    with engine([file]) as connection:
        return dict(connection.execute("FROM register.numbers.shared").fetchall())


def actions(ledger: MemoryLedger) -> list[tuple[str, str, tuple[str, ...]]]:
    leaves = [json.loads(entry) for entry in ledger.entries]
    return [(leaf["action"], leaf["outcome"], tuple(leaf["codes"])) for leaf in leaves]
