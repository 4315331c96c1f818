"""What an extract holds, as the query story needs to know it: tables, columns and their engine types.

A `Schema` is read from the extract's manifest at the edge and is frozen. It decides nothing; the permit says what of
it may be seen. It relies on custody for the truth of the manifest (the engine's own account is held against it later).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from enclave.core.ids import DatabaseId

PERSON_COLUMN = "pid"
"""The provision's pseudonym, in every person-level table (DESIGN, Person identifier)."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""Databases, tables and columns of an extract: lower case, so that no two names differ by case alone."""

RESERVED_DATABASES = frozenset(
    {"main", "temp", "system", "memory", "information_schema", "pg_catalog", "held"}
)
"""Names that the engine itself gives to catalogs and schemas: a database of this name could be mistaken for them."""

TableName = tuple[DatabaseId, str]


@dataclass(frozen=True)
class Column:
    """One column: the engine's type, and the words and code system that a researcher is shown."""

    type: str
    title: Mapping[str, str] = field(default_factory=dict)
    role: str = ""
    system: str = ""


@dataclass(frozen=True)
class Table:
    """One table. `person` says that each of its rows is about one person, named by `pid`; `reference` that it is public
    and explains the codes of others: custody puts it beside what is permitted, and no permit names it."""

    columns: Mapping[str, Column]
    person: bool
    title: Mapping[str, str] = field(default_factory=dict)
    reference: bool = False


@dataclass(frozen=True)
class Schema:
    """The tables of one extract. `extract` is `v-81c2/3`; `permit` the reference `p@rev` that it was built for.

    `block_groups` are the linkage groups whose blocks the extract carries, of at least `block_k` persons each; `blocks`
    whether every database of persons is in one of them. Without, the aggregate tier is refused. `homes` are the columns of
    residence that the blocks are cut along, none in an extract whose blocks know no areas.
    """

    tables: Mapping[TableName, Table]
    extract: str = ""
    permit: str = ""
    block_groups: tuple[tuple[DatabaseId, ...], ...] = ()
    block_k: int = 0
    homes: frozenset[tuple[DatabaseId, str, str]] = frozenset()

    @property
    def blocks(self) -> bool:
        covered = {database for group in self.block_groups for database in group}
        needed = {database for (database, _), table in self.tables.items() if table.person}
        return bool(covered) and needed <= covered


def read(manifest: Mapping[str, Any]) -> Schema:
    """The schema of an extract's manifest.

    `tables` maps `database.table` to `{column: type}` or to
    `{columns: {column: type or {type, title, role, system}}, title, person, reference}`.
    Raises ValueError for a name outside the extract's form: such an extract is a defect of custody, not a refusal.
    """
    tables: dict[TableName, Table] = {}
    for full, raw in manifest["tables"].items():
        database, _, name = str(full).partition(".")
        described = isinstance(raw.get("columns"), Mapping)
        raw_columns = raw["columns"] if described else raw
        columns = {str(column): _column(value) for column, value in raw_columns.items()}
        for part in (database, name, *columns):
            if not NAME.fullmatch(part):
                raise ValueError(f"a name that an extract may not carry: {part!r}")
        if database in RESERVED_DATABASES:
            raise ValueError(f"a database may not be called {database!r}")
        person = bool(raw.get("person", PERSON_COLUMN in columns)) if described else PERSON_COLUMN in columns
        reference = described and raw.get("reference") is True
        if reference and (person or PERSON_COLUMN in columns):
            raise ValueError(f"a public table that is about persons: {full!r}")
        title = raw.get("title", {}) if described else {}
        tables[DatabaseId(database), name] = Table(columns, person, title, reference)
    return Schema(
        tables,
        extract=str(manifest.get("extract", "")),
        permit=str(manifest.get("permit", "")),
        block_groups=tuple(
            tuple(DatabaseId(database) for database in one["databases"]) for one in _block_sets(manifest)
        ),
        block_k=max((int(one["k"]) for one in _block_sets(manifest)), default=0),
        homes=frozenset(
            (DatabaseId(database), table, column)
            for one in _block_sets(manifest)
            for database, table, column in (str(full).split(".") for full in one.get("areas", ()))
        ),
    )


def _block_sets(manifest: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = manifest.get("block_sets", ())
    return found


def _column(value: Any) -> Column:
    if isinstance(value, Mapping):
        return Column(
            str(value["type"]),
            value.get("title", {}),
            str(value.get("role", "")),
            str(value.get("system", "") or ""),
        )
    return Column(str(value))
