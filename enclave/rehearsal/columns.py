"""What an extract would hold, for `enclave rewrite`, which touches no data: the manifest of an extract that nobody built.

Decides nothing about a permit: with descriptors, custody's plan does. Without them, the tables and columns are those that
the permit names; what the program's own catalogue knows of them is used, and the rest is of type `UNKNOWN`, each table
about persons.
"""

from collections.abc import Mapping
from datetime import datetime

from enclave.app import compile_rows
from enclave.catalogue.descriptor import PID, Column, Descriptor, Title
from enclave.catalogue.packaged import CORE, PUBLIC, packaged
from enclave.core.ids import DatabaseId
from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.custody.manifest import BlockSet, Manifest, ManifestColumn, ManifestTable, conditions_digest
from enclave.custody.plan import (
    CODES_TABLE,
    ENGINE_TYPES,
    PSEUDONYM_TYPES,
    Kind,
    check_provision,
    explaining,
    kind_of,
    linkage_group,
    plan,
)
from enclave.query import schema
from enclave.query.schema import RESERVED_DATABASES, Schema

UNKNOWN = "UNKNOWN"
"""The type of a column of which nobody has said anything."""


def from_descriptors(permit: Permit, descriptors: Mapping[DatabaseId, Descriptor], now: datetime) -> Schema:
    """The schema of the extract that custody would build. Raises Refused `custody.*`, `permit.malformed`."""
    planned = plan(permit, descriptors, compile_rows)
    tables = []
    for one in (*planned.tables, *planned.references):
        columns = tuple(
            ManifestColumn(
                c.name, c.engine_type, c.about.role.value, c.about.title, c.about.system, c.coarsen
            )
            for c in one.shown
        )
        tables.append(
            _table(one.database, one.table, columns, one.about.person_level, reference=one.about.reference)
        )
    tables += [_codes(database) for database in planned.codes]
    return _schema(permit, tables, now)


def from_permit(permit: Permit, now: datetime) -> Schema:
    """The schema that a permit alone speaks of. Raises Refused `permit.malformed`, `custody.provision_malformed`."""
    check_provision(permit.provision)
    known = packaged() if {*PUBLIC, CORE} & set(permit.databases) else {}
    tables, shown, coded = [], [], []
    for database, name, grant in permit.tables():
        about = known[database].tables.get(name) if database in known else None
        of_persons = about is None or about.person_level
        named = dict.fromkeys([*([PID] if of_persons else []), *grant.columns])
        described = [(column, about.columns.get(column) if about else None) for column in named]
        shown += [one for _, one in described if one is not None]
        columns = tuple(_column(column, one, grant.coarsen.get(column)) for column, one in described)
        tables.append(_table(database, name, columns, of_persons))
        if any(one is not None and one.values for _, one in described):
            coded.append(database)
    here = {(table.database, table.name) for table in tables}
    for database, public in explaining(shown, known):
        if (database, public.name) not in here:
            columns = tuple(_column(name, one, None) for name, one in public.columns.items())
            tables.append(_table(database, public.name, columns, False, reference=True))
    tables += [_codes(database) for database in dict.fromkeys(coded)]
    return _schema(permit, tables, now)


def _column(name: str, about: Column | None, coarsen: int | None) -> ManifestColumn:
    if name == PID:
        return ManifestColumn(PID, PSEUDONYM_TYPES[Kind.PERSON], "person", Title(PID, PID))
    if about is None:
        return ManifestColumn(name, UNKNOWN, "", Title(name, name), None, coarsen)
    engine_type = PSEUDONYM_TYPES.get(kind_of(about), ENGINE_TYPES[about.type])
    return ManifestColumn(name, engine_type, about.role.value, about.title, about.system, coarsen)


def _table(
    database: DatabaseId,
    name: str,
    columns: tuple[ManifestColumn, ...],
    of_persons: bool,
    *,
    reference: bool = False,
) -> ManifestTable:
    return ManifestTable(database, name, Title(name, name), columns, 0, 0 if of_persons else None, reference)


def _codes(database: DatabaseId) -> ManifestTable:
    """The table in which custody puts what the catalogue says of codes."""
    names = ("table_name", "column_name", "code", "ja", "en")
    columns = tuple(ManifestColumn(name, "VARCHAR", "measure", Title(name, name)) for name in names)
    return _table(database, CODES_TABLE, columns, False, reference=True)


def _schema(permit: Permit, tables: list[ManifestTable], now: datetime) -> Schema:
    """The schema as it is read from a manifest: names that no extract carries are the permit's mistake."""
    for table in tables:
        names = (table.database, table.name, *(column.name for column in table.columns))
        if table.database in RESERVED_DATABASES or not all(schema.NAME.fullmatch(name) for name in names):
            raise Refused("permit.malformed", {"place": f"databases.{table.database}.{table.name}"})
    groups = dict.fromkeys(linkage_group(permit, database) for database in permit.databases)
    manifest = Manifest(
        permit=permit.permit_id,
        revision=permit.revision,
        project=permit.project,
        provision=permit.provision,
        n=1,
        built=now,
        tables=tuple(tables),
        linkage_groups=permit.linkage_groups,
        conditions=conditions_digest(permit),
        catalogue={},
        sources={},
        rule_sets={},
        engine="",
        digest="",
        size=0,
        # Custody forms blocks in every extract of persons; a rewritten statement is not executed.
        block_sets=tuple(BlockSet(group, "", 0, (), 0, 0) for group in groups),
    )
    return schema.read(manifest.to_json())
