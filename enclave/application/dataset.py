"""Which data set of a database is asked for: its facts for the policy, the words of a no, and what the permit says of it.

A ministry gives several sets out of one database (special extraction, trial, panel, β, ...), each with its own review and
each reduced in its own way. The sets are dated rows of the catalogue (`enclave.catalogue.facts.DataSet`). This module
computes what bears on a choice; the policy decides over it (`policies/enclave/application`). Which columns a set lacks is
read off the descriptor, as for columns that hide others (`enclave.application.linkage`).

Does not carry out what a set is reduced to: columns are refused here, months become a condition on rows, a share of
persons is in the permit for custody to draw. What is left (`DataSet.not_made`) is shown to applicant and committee.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from enclave.application.request import Application, Problem
from enclave.catalogue.descriptor import PID, Descriptor
from enclave.catalogue.facts import DataSet, Dossier
from enclave.catalogue.words import Title
from enclave.core.ids import DatabaseId
from enclave.core.permit import DataSetGrant, TableGrant
from enclave.core.refusal import Refused

NOT_OPEN = "application.dataset_not_open"
NOT_HERE = "application.dataset_not_here"
COLUMNS = "application.dataset_columns"
TIER = "application.dataset_tier"
AXES = "application.dataset_axes"
OUTPUTS = "application.dataset_outputs"

Dossiers = Mapping[DatabaseId, Dossier]
Catalogue = Mapping[DatabaseId, Descriptor]

NOTHING: Mapping[str, Any] = {"sets": [], "tier": "record", "outputs": []}
"""What the policy is told of sets where no application is asked about."""


def choices(known: Dossiers, day: date) -> dict[str, tuple[str, ...]]:
    """The sets that can be asked for on a day, of each database that has several; the first is the default."""
    return {
        database: tuple(dict.fromkeys(one.id for one in dossier.offered(day)))
        for database, dossier in known.items()
        if len({one.id for one in dossier.datasets}) > 1 and dossier.offered(day)
    }


def named(known: Dossiers, day: date) -> dict[str, tuple[str, ...]]:
    """Every set that has a name, the offered ones first: one that is not given today is refused with its reason."""
    offered = choices(known, day)
    return {
        database: tuple(dict.fromkeys((*offered.get(database, ()), *(one.id for one in dossier.datasets))))
        for database, dossier in known.items()
        if len({one.id for one in dossier.datasets}) > 1
    }


def chosen(application: Application, known: Dossiers, day: date) -> dict[DatabaseId, DataSet]:
    """The rows of the sets that an application asks for. Raises Refused `application.dataset_unknown`."""
    found = {}
    for database, id_ in application.sets.items():
        row = known[database].dataset(id_, day) if database in known else None
        if row is None:
            raise Refused("application.dataset_unknown", {"database": database, "set": id_[:40]})
        found[database] = row
    return found


def facts(application: Application, at: date, known: Dossiers, catalogue: Catalogue) -> dict[str, Any]:
    """The part of the policy's input about sets: days, what is asked for and not held, and the set's bounds."""
    asked = [
        {
            "database": database,
            "set": row.id,
            "rows": [
                {
                    "valid_from": one.span.start.isoformat(),
                    "valid_to": None if one.span.end is None else one.span.end.isoformat(),
                }
                for one in known[database].datasets
                if one.id == row.id
            ],
            "here": row.elsewhere is None,
            "lacking": [
                name for name, _ in lacking(row, database, application.databases[database], catalogue)
            ],
            "tier": row.tier,
            "axes": row.axes,
            "outputs": row.outputs,
        }
        for database, row in chosen(application, known, at).items()
    ]
    return {
        "sets": asked,
        "tier": application.tier.value,
        "outputs": [{"id": one.id, "axes": len(one.dimensions)} for one in application.outputs],
    }


def lacking(
    row: DataSet, database: DatabaseId, tables: Mapping[str, TableGrant], catalogue: Catalogue
) -> list[tuple[str, Title | None]]:
    """What is asked for and not in the set: `database.table.column` with why, `database.table` with None.

    A column that only a period or a condition reads counts: to choose persons by a prefecture is to learn it. A
    condition is text here, so each of its words is held against the names.
    """
    found: list[tuple[str, Title | None]] = []
    for name, grant in tables.items():
        if not row.holds(name):
            found.append((f"{database}.{name}", None))
            continue
        table = catalogue[database].tables.get(name) if database in catalogue else None
        words = set(re.findall(r"\w+", (grant.rows or "").casefold()))
        read = {*grant.columns} if grant.period is None else {*grant.columns, grant.period.column}
        for column in table.columns.values() if table else ():
            lack = row.lack(name, column)
            if lack and column.name != PID and (column.name in read or column.name.casefold() in words):
                found.append((f"{database}.{name}.{column.name}", lack.title))
    return found


def problems(
    answer: Mapping[str, Any], application: Application, at: date, known: Dossiers, catalogue: Catalogue
) -> tuple[Problem, ...]:
    """What the applicant reads of a denial: the set, and what of the application does not go with it."""
    rows = chosen(application, known, at)
    found = []
    for one in (answer.get("obligations") or {}).get("sets", ()):
        database, code = DatabaseId(str(one["database"])), str(one["code"])
        row = rows[database]
        said = {"set": row.id, "set_ja": row.title.ja, "set_en": row.title.en, "day": at.isoformat()}
        if code == COLUMNS:
            held = lacking(row, database, application.databases[database], catalogue)
            for why in dict.fromkeys(why for _, why in held):
                what = why or Title("表そのもの", "the table itself")
                columns = ", ".join(name for name, reason in held if reason == why)
                words = {**said, "columns": columns, "what_ja": what.ja, "what_en": what.en}
                found.append(Problem("columns", code, words))
            continue
        if row.elsewhere is not None:
            said |= {"ground_ja": row.elsewhere.ja, "ground_en": row.elsewhere.en}
        span = f"{row.span.start.isoformat()} – {row.span.end.isoformat() if row.span.end else ''}".strip()
        said |= {"axes": str(row.axes), "outputs": str(row.outputs), "span": span}
        found.append(Problem("tier" if code == TIER else f"set.{database}", code, said))
    return tuple(sorted(found, key=lambda p: (p.field, p.code, p.facts.get("columns", ""))))


# -- the permit --------------------------------------------------------------------------------------------------------
def reduced(
    databases: Mapping[DatabaseId, Mapping[str, TableGrant]], rows: Mapping[DatabaseId, DataSet]
) -> dict[DatabaseId, Mapping[str, TableGrant]]:
    """The tables of an application as its sets hold them: rows of the set's months only."""
    return {
        database: {name: _cut(name, grant, rows.get(database)) for name, grant in tables.items()}
        for database, tables in databases.items()
    }


def _cut(table: str, grant: TableGrant, row: DataSet | None) -> TableGrant:
    if row is None or row.months is None:
        return grant
    held = f"month({row.months.by[table]}) IN ({', '.join(str(month) for month in row.months.of)})"
    return replace(grant, rows=held if grant.rows is None else f"({grant.rows}) AND {held}")


def granted(rows: Mapping[DatabaseId, DataSet]) -> dict[DatabaseId, DataSetGrant]:
    """What a permit says of its sets: the name, and the share of persons for custody to draw."""
    return {database: DataSetGrant(row.id, row.one_in) for database, row in rows.items()}
