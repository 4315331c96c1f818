"""What an extract says of itself: which permit, which tables and columns, how many rows and persons, which bytes.

Decides what a manifest contains and whether it still answers to a permit. Relies on nothing but the permit and the
counts it is given. Does not read the extract. The JSON is that of SHAPES (Extract); counts are for services, not for
researchers.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from enclave.catalogue.descriptor import PID, Title
from enclave.core.clock import rfc3339
from enclave.core.ids import DatabaseId, PermitId, ProjectId, ProvisionId
from enclave.core.permit import Permit, data_sets_json
from enclave.core.refusal import Refused

SCHEMA = "enclave.extract/1"


@dataclass(frozen=True)
class ManifestColumn:
    name: str
    type: str
    role: str
    title: Title
    system: str | None = None
    coarsened: int | None = None


@dataclass(frozen=True)
class ManifestTable:
    """One table: `persons` is the number of distinct `pid`, None for a table that is not about persons.

    A `reference` table is public and explains codes; it is there whether or not the permit names it.
    """

    database: DatabaseId
    name: str
    title: Title
    columns: tuple[ManifestColumn, ...]
    rows: int
    persons: int | None
    reference: bool = False


@dataclass(frozen=True)
class BlockSet:
    """The blocks of one linkage group's persons: formed of `columns` by `k`; how many there are, and the smallest.

    `areas` are the columns (`database.table.column`) that tell where somebody lives, by which blocks are cut as well: none in
    an extract whose population was first cut without them.
    """

    group: tuple[DatabaseId, ...]
    population: str
    k: int
    columns: tuple[str, ...]
    blocks: int
    smallest: int
    areas: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "databases": list(self.group),
            "population": self.population,
            "k": self.k,
            "columns": list(self.columns),
            "blocks": self.blocks,
            "smallest": self.smallest,
            "areas": list(self.areas),
        }


@dataclass(frozen=True)
class Manifest:
    """`catalogue` is the digest of each database's descriptor; `sources` that of each file it was built from.

    `block_sets` say that the file carries blocks; where they cover every database of persons the aggregate tier is open.
    """

    permit: PermitId
    revision: int
    project: ProjectId
    provision: ProvisionId
    n: int
    built: datetime
    tables: tuple[ManifestTable, ...]
    linkage_groups: tuple[tuple[DatabaseId, ...], ...]
    conditions: str
    catalogue: Mapping[DatabaseId, str]
    sources: Mapping[str, str]
    rule_sets: Mapping[str, str]
    engine: str
    digest: str
    size: int
    block_sets: tuple[BlockSet, ...] = ()

    @property
    def extract(self) -> str:
        """`v-81c2/3`, as receipts name an extract."""
        return f"{self.provision}/{self.n}"

    @property
    def reference(self) -> str:
        return f"{self.permit}@{self.revision}"

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "extract": self.extract,
            "permit": self.reference,
            "permit_id": self.permit,
            "revision": self.revision,
            "project": self.project,
            "provision": self.provision,
            "n": self.n,
            "built": rfc3339(self.built),
            "tables": {f"{table.database}.{table.name}": _table_json(table) for table in self.tables},
            "linkage_groups": [list(group) for group in self.linkage_groups],
            "conditions": self.conditions,
            "catalogue": dict(self.catalogue),
            "sources": dict(self.sources),
            "rule_sets": dict(self.rule_sets),
            "block_sets": [one.to_json() for one in self.block_sets],
            "engine": self.engine,
            "file": {"name": "extract.duckdb", "digest": self.digest, "size": self.size},
        }


def conditions_digest(permit: Permit) -> str:
    """`sha256:<hex>` of the permit's restrictions on rows: period, rows and coarsening of every table, and data sets.

    They are evaluated on source values when the extract is built and cannot be run again, so at query time the
    permit's digest must equal the manifest's (SHAPES, Permit). Canonical JSON: the names are ASCII.
    """
    conditions: dict[str, Any] = {}
    for database, name, grant in permit.tables():
        period = grant.period
        conditions[f"{database}.{name}"] = {
            "period": None if period is None else [period.column, period.start, period.end],
            "rows": grant.rows,
            "coarsen": dict(grant.coarsen),
        }
    if permit.data_sets:
        conditions["data_sets"] = data_sets_json(permit)
    text = json.dumps(conditions, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def check_matches(manifest: Mapping[str, Any], permit: Permit) -> None:
    """Raise Refused `custody.extract_stale` unless a manifest (its JSON) is exactly what the permit grants.

    Permit and provision, conditions, linkage, and the columns of every table must agree: what an amendment took
    away must not stay readable, and what it added is not there yet. The revision may differ where these do not.
    """
    granted = {
        f"{database}.{name}": {column for column in grant.columns if column != PID}
        for database, name, grant in permit.tables()
    }
    held = {
        name: {column for column in table["columns"] if column != PID}
        for name, table in manifest["tables"].items()
        if not table.get("reference") or name in granted
    }
    groups = [sorted(group) for group in permit.linkage_groups]
    agreed = (
        manifest["permit_id"] == permit.permit_id
        and manifest["provision"] == permit.provision
        and manifest["conditions"] == conditions_digest(permit)
        and sorted(sorted(group) for group in manifest["linkage_groups"]) == sorted(groups)
        and held == granted
    )
    if not agreed:
        raise Refused(
            "custody.extract_stale", {"permit": permit.reference, "extract": str(manifest["extract"])}
        )


def _table_json(table: ManifestTable) -> dict[str, Any]:
    return {
        "title": {"ja": table.title.ja, "en": table.title.en},
        "person": table.persons is not None,
        **({"reference": True} if table.reference else {}),
        "rows": table.rows,
        "persons": table.persons,
        "columns": {
            column.name: {
                "type": column.type,
                "role": column.role,
                "title": {"ja": column.title.ja, "en": column.title.en},
                **({"system": column.system} if column.system else {}),
                **({"coarsened": column.coarsened} if column.coarsened else {}),
            }
            for column in table.columns
        },
    }
