"""The register of a population: which number every person and facility has, and which block every person is in.

Decides nothing about links (`enclave.custody.linkage`) or blocks (`enclave.custody.blocks`); keeps what follows from
them, for ever: a number is given once and never again, and a person keeps theirs when a source is refreshed. Relies on
the stores (`enclave.adapters.source_store`). A register is never changed: the next one is made beside it and takes its
place in one transaction of the vault, so that whatever fails leaves the population as it was.

Two kinds of databases share a population:

- those whose holder gives identifiers (`identifiers` in the descriptor): numbers of records are the database's own, and
  linkage finds who is who. They share the population `residents` unless they name another;
- the others: the same identifier is the same person in every database of the population.

Layout of the file: `numbers.shared(source, number)`, `numbers.facility(source, number)`, `numbers."of <database>"
(source, number)`, `blocks.person(number, block)`, `blocks.cell(c0, c1, …, block)`, `blocks.column(place, name)` (what `c0`, …
are), `about.next(number)`.
"""

import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from enclave.adapters.custody_engine import Attached, engine, quiet, quoted, text
from enclave.adapters.members import BEFORE, REGISTER, Member, has_kind, numbers_of, table_exists
from enclave.adapters.person_linkage import link
from enclave.adapters.register_blocks import BlockRule, form_blocks
from enclave.catalogue.descriptor import Descriptor
from enclave.custody.plan import Kind
from enclave.custody.pseudonym import SIZE


def make(
    members: Sequence[Member],
    path: Path,
    key: str,
    *,
    before: Attached | None,
    legacy: Mapping[str, tuple[Sequence[str], Sequence[int]]],
    blocks: BlockRule | None,
    given: bool = True,
    spill: Path,
) -> dict[str, Any]:
    """Write the register of a population to `path`; what it counts: `{persons, blocks, smallest_block}`.

    1. Everybody who has a number keeps it, whether or not a source still names them.
    2. Withdrawn records are left out before anything is linked.
    3. Who is new gets the next numbers, in an order that no source tells.
    4. Blocks: whoever has one keeps it, once an extract with such blocks was `given`. Before, nothing was told in steps of
       them, and they are formed anew: what comes last of several databases shall not find a partition made for the first.

    `legacy` is what an earlier version kept, by `shared` and `facility`. Raises Refused `custody.engine`,
    `custody.disk_full`.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = [Attached(path, REGISTER, key, writable=True), *(one.store for one in members)]
    if before is not None:
        files.append(Attached(before.path, BEFORE, before.key))
    with engine(files, spill=spill) as connection, quiet("custody.engine", {}):
        for schema in ("numbers", "blocks", "about"):
            connection.execute(f"CREATE SCHEMA {REGISTER}.{schema}")
        connection.execute("CREATE TEMP TABLE salt AS SELECT ?::VARCHAR AS salt", [secrets.token_hex(16)])
        _take_over(connection, before is not None, legacy)
        _number_shared(connection, members)
        linked = [one for one in members if one.linked]
        if linked:
            _number_linked(connection, linked, before is not None)
        _number_facilities(connection, members)
        counts = form_blocks(connection, members, before is not None and given, blocks)
        connection.execute(f"CHECKPOINT {REGISTER}")
        connection.execute(f"DETACH {REGISTER}")
    os.chmod(path, 0o600)
    return counts


def _take_over(
    connection: Any, before: bool, legacy: Mapping[str, tuple[Sequence[str], Sequence[int]]]
) -> None:
    for name in ("shared", "facility"):
        table = f"{REGISTER}.numbers.{name}"
        if before:
            connection.execute(f"CREATE TABLE {table} AS FROM {BEFORE}.numbers.{name}")
            continue
        texts, numbers = legacy.get(name, ((), ()))
        kept = pa.table({"source": pa.array(texts, pa.string()), "number": pa.array(numbers, pa.uint32())})
        connection.register("kept", kept)
        connection.execute(f"CREATE TABLE {table} AS SELECT source, number FROM kept")
        connection.unregister("kept")
    first = f"(SELECT coalesce(max(number) + 1, 0) FROM {REGISTER}.numbers.shared)"
    if before:
        connection.execute(f"CREATE TABLE {REGISTER}.about.next AS FROM {BEFORE}.about.next")
    else:
        connection.execute(f"CREATE TABLE {REGISTER}.about.next AS SELECT {first}::UBIGINT AS number")


def _deal(connection: Any, newcomers: str, columns: str) -> str:
    """A query that gives each row of `newcomers` the next number, in an order that nothing tells."""
    return (
        f"SELECT {columns}, ((SELECT number FROM {REGISTER}.about.next) + row_number()"
        f" OVER (ORDER BY hash({columns}, (SELECT salt FROM salt))) - 1)::UINTEGER AS number FROM {newcomers}"
    )


def _dealt(connection: Any, count: int) -> None:
    connection.execute(f"UPDATE {REGISTER}.about.next SET number = number + ?", [count])
    (now,) = connection.execute(f"SELECT number FROM {REGISTER}.about.next").fetchone()
    if now > SIZE:
        raise ValueError("a population of more than 2^32 persons")


def _inserted(connection: Any, table: str, newcomers: str) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE dealt AS {_deal(connection, newcomers, 'source')}")
    connection.execute(f"INSERT INTO {table} SELECT source, number FROM dealt")
    (count,) = connection.execute("SELECT count(*) FROM dealt").fetchone()
    _dealt(connection, int(count))


def _number_shared(connection: Any, members: Sequence[Member]) -> None:
    sources = [
        f"SELECT source::VARCHAR AS source FROM {quoted(one.store.name)}.seats.person"
        for one in members
        if not one.linked and has_kind(one.descriptor, Kind.PERSON)
    ]
    if sources:
        table = f"{REGISTER}.numbers.shared"
        new = f"(SELECT source FROM ({' UNION '.join(sources)}) n ANTI JOIN {table} USING (source))"
        _inserted(connection, table, new)


def _number_facilities(connection: Any, members: Sequence[Member]) -> None:
    """Facilities are numbered apart from persons: their pseudonyms come from a key of their own."""
    sources = [
        f"SELECT source::VARCHAR AS source FROM {quoted(one.store.name)}.seats.facility"
        for one in members
        if has_kind(one.descriptor, Kind.FACILITY)
    ]
    if not sources:
        return
    table = f"{REGISTER}.numbers.facility"
    connection.execute(
        f"INSERT INTO {table} SELECT source, ((SELECT coalesce(max(number) + 1, 0) FROM {table}) + row_number()"
        f" OVER (ORDER BY hash(source, (SELECT salt FROM salt))) - 1)::UINTEGER"
        f" FROM ({' UNION '.join(sources)}) n ANTI JOIN {table} USING (source)"
    )


# -- linked databases --------------------------------------------------------------------------------
def withdrawn_table(connection: Any, name: str, withdrawn: frozenset[str], seats: str) -> str:
    """A temporary table of withdrawn identifiers, as texts that equal those of a store's list of `seats`.

    Where these are whole numbers, `007` is 7; a text `007` is itself.
    """
    held = connection.execute(f"SELECT typeof(source) FROM {seats} LIMIT 1").fetchone()
    if held and held[0] != "VARCHAR":
        withdrawn = frozenset(str(int(one)) if one.isascii() and one.isdigit() else one for one in withdrawn)
    rows = pa.table({"source": pa.array(sorted(withdrawn), pa.string())})
    connection.register("withdrawing", rows)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS SELECT source FROM withdrawing")
    connection.unregister("withdrawing")
    return quoted(name)


def here(store: Attached, persons: frozenset[str]) -> int:
    """How many of some persons, by the holder's identifiers, a store knows. Raises Refused `custody.engine`."""
    with engine([store]) as connection, quiet("custody.engine", {}):
        known = "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND schema_name = 'seats' AND table_name = 'person'"
        if connection.execute(known, [store.name]).fetchone() is None:
            return 0
        seats = f"{quoted(store.name)}.seats.person"
        asked = withdrawn_table(connection, "asked", persons, seats)
        (found,) = connection.execute(
            f"SELECT count(DISTINCT source) FROM {seats} WHERE source::VARCHAR IN (FROM {asked})"
        ).fetchone()
    return int(found)


def _number_linked(connection: Any, members: Sequence[Member], before: bool) -> None:
    nodes, observations, earlier = [], [], []
    for one in members:
        store, database = quoted(one.store.name), text(one.descriptor.database)
        seats = f"{store}.seats.person"
        gone = withdrawn_table(connection, f"withdrawn {one.descriptor.database}", one.withdrawn, seats)
        nodes.append(
            f"SELECT {database} AS database, seat, source FROM {store}.seats.person"
            f" WHERE source::VARCHAR NOT IN (FROM {gone})"
        )
        observations.append(f"SELECT {database} AS database, * FROM {store}.links.identifiers")
        if before and table_exists(connection, BEFORE, "numbers", f"of {one.descriptor.database}"):
            known = f"{BEFORE}.numbers.{quoted(f'of {one.descriptor.database}')}"
            earlier.append(f"SELECT {database} AS database, source, number FROM {known}")
    connection.execute(
        "CREATE TEMP TABLE node AS SELECT (row_number() OVER () - 1)::UINTEGER AS node, *"
        f" FROM ({' UNION ALL '.join(nodes)})"
    )
    connection.execute(
        "CREATE TEMP TABLE observed AS SELECT n.node, o.* EXCLUDE (seat)"
        f" FROM ({' UNION ALL '.join(observations)}) o JOIN node n USING (database, seat)"
    )
    (count,) = connection.execute("SELECT count(*) FROM node").fetchone()
    labels = link(connection, "observed", int(count))
    rows = pa.table({"node": pa.array(np.arange(len(labels), dtype=np.uint32)), "label": pa.array(labels)})
    connection.register("linked", rows)
    connection.execute(
        "CREATE TEMP TABLE person AS SELECT n.database, n.source, l.label FROM node n JOIN linked l USING (node)"
    )
    connection.unregister("linked")
    known = (
        " UNION ALL ".join(earlier)
        or "SELECT NULL::VARCHAR AS database, NULL::UBIGINT AS source, NULL::UINTEGER AS number LIMIT 0"
    )
    # A person keeps the number that most of their records had; where a person of before is now two, the larger part
    # keeps it and the other is new.
    connection.execute(
        "CREATE TEMP TABLE kept AS WITH vote AS ("
        f" SELECT p.label, e.number, count(*) AS n FROM person p JOIN ({known}) e USING (database, source) GROUP BY ALL),"
        " one AS (SELECT * FROM vote QUALIFY row_number() OVER (PARTITION BY number ORDER BY n DESC, label) = 1)"
        " SELECT label, number FROM one QUALIFY row_number() OVER (PARTITION BY label ORDER BY n DESC, number) = 1"
    )
    connection.execute(
        "CREATE TEMP TABLE newcomer AS SELECT DISTINCT label AS source FROM person ANTI JOIN kept USING (label)"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE dealt AS {_deal(connection, 'newcomer', 'source')}")
    (new,) = connection.execute("SELECT count(*) FROM dealt").fetchone()
    _dealt(connection, int(new))
    connection.execute("INSERT INTO kept SELECT source AS label, number FROM dealt")
    for one in members:
        connection.execute(
            f"CREATE TABLE {REGISTER}.numbers.{quoted(f'of {one.descriptor.database}')} AS"
            " SELECT source, number FROM person JOIN kept USING (label)"
            f" WHERE database = {text(one.descriptor.database)} ORDER BY source"
        )


# -- who is called what ------------------------------------------------------------------------------
def whose(descriptor: Descriptor, register: Attached, person: str) -> list[int]:
    """The number of a person by the holder's own identifier; empty where the register knows nobody of that name."""
    numbers = numbers_of(descriptor, Kind.PERSON)
    if descriptor.identifiers is not None and person.isascii() and person.isdigit():
        person = str(int(person))
    with engine([register]) as connection, quiet("custody.engine", {}):
        rows = connection.execute(
            f"SELECT number FROM {numbers} WHERE source::VARCHAR = ?", [person]
        ).fetchall()
    return [int(row[0]) for row in rows]
