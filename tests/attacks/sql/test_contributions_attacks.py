"""Where a rule about contributions binds, no spelling of a question tells what one person contributed; beside each attack an honest
twin. Parsed, rewritten, run and protected as any question; the rules are those of the European set."""

import random
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import yaml

from enclave.core import permit as permits
from enclave.core.refusal import Refused
from enclave.disclosure.answers.table import Hidden
from enclave.gateway import cells
from enclave.query import schema as schemas
from enclave.query.facts import know
from enclave.query.flow import guard
from enclave.query.parse import parse
from enclave.query.stages import Authorised, Form, Obligations
from tests.attacks.sql.pairs import FOLDER, Pair, read
from tests.unit.query.world import ROOT

CORPUS = read(FOLDER / "contributions" / "sums.sql")
EUROPE: dict[str, Any] = yaml.safe_load(next((ROOT / "policies/data/eu-output").iterdir()).read_text())
TYPES = {
    "pid": pa.uint32(), "kind": pa.string(), "ward": pa.int16(), "cost": pa.int32(), "paid": pa.int32(), "units": pa.int32(),
}  # fmt: skip
COLUMNS = {
    "pid": "UINTEGER", "kind": "VARCHAR", "ward": "SMALLINT", "cost": "INTEGER", "paid": "INTEGER", "units": "INTEGER",
}  # fmt: skip
SCHEMA = schemas.read({"tables": {"europe.bill": {"columns": COLUMNS, "person": True}}})
PERMIT = permits.parse(
    {
        "schema": "enclave.permit/1", "permit_id": "p-1", "revision": 1, "project": "x", "provision": "v-1",
        "handlers": ["mori"], "purpose": "", "tier": "record", "rule_sets": ["eu-output"],
        "databases": {"europe": {"bill": {"columns": list(COLUMNS)}}},
        "valid_from": "2026-01-01T00:00:00Z", "valid_to": "2027-01-01T00:00:00Z",
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """Two hundred persons in four wards: in ward 1 one of them has a bill of 150,000, in ward 3 one has two thousand small
    bills, in wards 2 and 4 nobody stands out."""
    draw = random.Random(20261122)
    rows = []
    for pid in range(200):
        for _ in range(draw.choice((1, 2, 3))):
            ward, cost = pid % 4 + 1, draw.randrange(10, 90)
            rows.append((pid, draw.choice("ab"), ward, cost, cost, draw.randrange(1, 6)))
    rows.append((0, "a", 1, 150_000, 50, 3))
    rows += [(2, draw.choice("ab"), 3, 2, 2, 2) for _ in range(2_000)]
    arrays = [pa.array(one, kind) for one, kind in zip(zip(*rows, strict=True), TYPES.values(), strict=True)]
    with duckdb.connect() as connection:
        connection.register("lines", pa.table(arrays, names=list(TYPES)))
        connection.execute("CREATE SCHEMA europe; CREATE TABLE europe.bill AS SELECT * FROM lines")
        yield connection


def hidden(text: str, form: Form, engine: duckdb.DuckDBPyConnection) -> list[bool]:
    """Cell by cell whether it is hidden. Raises Refused."""
    known = know(parse(text, (), form), PERMIT, SCHEMA)
    guarded = guard(Authorised(known, Obligations({"eu-output": EUROPE})))
    table = cells.protect(engine.sql(guarded.sql).to_arrow_table(), guarded)
    return [isinstance(cell, Hidden) for row in table.rows for cell in row.cells]


@pytest.mark.parametrize("pair", CORPUS, ids=lambda pair: pair.name)
def test_no_spelling_tells_what_one_person_contributed(pair: Pair, engine: duckdb.DuckDBPyConnection) -> None:
    """Its code; or an answer in which the cells in question are hidden, and one more where there are others."""
    if pair.code == "hidden":
        found = hidden(pair.attack, pair.form, engine)
        assert all(found) or sum(found) >= 2
        return
    with pytest.raises(Refused) as refused:
        hidden(pair.attack, pair.form, engine)
    assert refused.value.code == pair.code


@pytest.mark.parametrize("pair", CORPUS, ids=lambda pair: pair.name)
def test_the_same_of_a_sum_that_many_contribute_to_is_answered(
    pair: Pair, engine: duckdb.DuckDBPyConnection
) -> None:
    assert not any(hidden(pair.twin, pair.twin_form, engine))
