"""What a store says of its columns, exactly: the facts from which the public statistics are made.

Decides nothing: what is published of them `enclave.catalogue.statistics` decides. The facts stay in custody's memory and
are never written. Relies on the stores' layout (`enclave.adapters.source_store`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from enclave.adapters.custody_engine import Attached, engine, quiet, quoted
from enclave.adapters.source_store import STORE
from enclave.catalogue.descriptor import PID, Column, Descriptor, Table
from enclave.catalogue.statistics import ColumnFacts, Kind, TableFacts, Thresholds, kind_of, rank
from enclave.disclosure.criteria.rules import RuleSet


def thresholds_of(rule_sets: Sequence[RuleSet], database: str) -> Thresholds | None:
    """The strictest of the rule sets that cover a database; None where none says how many persons a figure needs."""
    binding = [one for one in rule_sets if one.covers(database) and one.min_persons is not None]
    if not binding:
        return None
    n = max(one.min_persons.n for one in binding if one.min_persons is not None)
    base = max([int((one.rounding or {}).get("base", 0)) for one in binding])
    margin = max([int((one.statistics or {}).get("quantile_margin", 0)) for one in binding])
    return Thresholds(n, base or n, margin or n, tuple(sorted(one.id for one in binding)))


def facts_of(
    descriptor: Descriptor, store: Attached, thresholds: Thresholds, spill: Path
) -> Mapping[str, TableFacts]:
    """The exact facts of every person-level table. Raises Refused `custody.engine`, `custody.disk_full`."""
    found = {}
    with (
        engine([store], spill=spill) as connection,
        quiet("custody.engine", {"database": descriptor.database}),
    ):
        for table in descriptor.tables.values():
            if table.person_level:
                found[table.name] = _table(connection, table, thresholds)
    return found


def _table(connection: Any, table: Table, thresholds: Thresholds) -> TableFacts:
    """One pass gathers each person's rows; what is asked of a column is asked of persons then."""
    held = f"{STORE}.held.{quoted(table.name)}"
    columns = [column for column in table.columns.values() if column.name != PID]
    gathered = [f"{PID}", "count(*) AS n"]
    for place, column in enumerate(columns):
        name = quoted(column.name)
        gathered.append(f"count({name}) AS n{place}")
        if kind_of(column) is Kind.RANGE:
            gathered += [f"min({name}) AS low{place}", f"max({name}) AS high{place}"]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE persons AS SELECT {', '.join(gathered)} FROM {held} GROUP BY {PID}"
    )
    asked = ["coalesce(sum(n), 0)", "count(*)"]
    for place in range(len(columns)):
        asked += [
            f"coalesce(sum(n - n{place}), 0)",
            f"count(*) FILTER (n{place} < n)",
            f"count(*) FILTER (n{place} > 0)",
        ]
    rows, persons, *counts = connection.execute(f"SELECT {', '.join(asked)} FROM persons").fetchone()
    facts = {}
    for place, column in enumerate(columns):
        missing, lacking, having = (int(count) for count in counts[3 * place : 3 * place + 3])
        told = _told(connection, held, column, place, having, thresholds)
        facts[column.name] = ColumnFacts(missing, lacking, having, **told)
    return TableFacts(int(rows), int(persons), facts)


def _told(
    connection: Any, held: str, column: Column, place: int, having: int, thresholds: Thresholds
) -> dict[str, Any]:
    match kind_of(column):
        case Kind.NOTHING:
            return {}
        case Kind.CODES:
            name = quoted(column.name)
            (codes,) = connection.execute(
                f"SELECT count(*) FROM (SELECT {name} FROM {held} WHERE {name} IS NOT NULL GROUP BY {name}"
                f" HAVING count(DISTINCT {PID}) >= {thresholds.n})"
            ).fetchone()
            return {"codes": int(codes)}
        case Kind.RANGE:
            k = rank(having, thresholds)
            if k is None:
                return {}
            ends = []
            for end, order in ((f"low{place}", "ASC"), (f"high{place}", "DESC")):
                (value,) = connection.execute(
                    f"SELECT {end} FROM persons WHERE {end} IS NOT NULL ORDER BY {end} {order} LIMIT 1 OFFSET {k - 1}"
                ).fetchone()
                ends.append(value)
            return {"low": ends[0], "high": ends[1]}
