"""A world of municipalities that only a descriptor describes: claims with a code of residence, and the public table of areas.

Five municipalities of two medical areas: two villages of 1,500 and 1,999, a town of 20,000, a borough of 25,000 and a city of 300,000
inhabitants. The records are given by a test, so that it can recount them.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from enclave.adapters.engine import Engine, EngineLimits, EnginePool
from enclave.core import permit as permits
from enclave.disclosure.answers.table import ProtectedTable
from enclave.gateway import cells
from enclave.gateway.inhabitants import inhabitants_of
from enclave.gateway.settling import settled
from enclave.query import schema as schemas
from enclave.query.blocks import probes
from enclave.query.cuts import cuts_of
from enclave.query.facts import know
from enclave.query.flow import Unsettled, guard
from enclave.query.parse import parse
from enclave.query.rewrite.orderless import orderless
from enclave.query.stages import Authorised, Form, Guarded, Obligations

AREAS = (
    ("01001", "Aoyama", "0101", "01", 1_500),
    ("01002", "Biei", "0101", "01", 1_999),
    ("01003", "Chitose", "0101", "01", 20_000),
    ("01004", "Date", "0102", "01", 25_000),
    ("01005", "Ebetsu", "0102", "01", 300_000),
)
POPULATION = {code: number for code, _, _, _, number in AREAS}

CLAIM: dict[str, Any] = {
    "pid": "UINTEGER",
    "sex": {"type": "TINYINT", "role": "identifying"},
    "kind": {"type": "VARCHAR", "role": "clinical"},
    "muni_code": {"type": "VARCHAR", "system": "muni", "role": "area"},
}
MUNI: dict[str, Any] = {
    "muni_code": {"type": "VARCHAR", "system": "muni", "role": "area"},
    "muni_name": {"type": "VARCHAR", "role": "area"},
    "sma_code": {"type": "VARCHAR", "system": "sma", "role": "area"},
    "pref_code": {"type": "VARCHAR", "system": "pref", "role": "area"},
    "population": {"type": "INTEGER", "role": "measure"},
}
TIERS = ({"below": 2000, "n": None}, {"below": 25000, "n": 20})

Record = tuple[int, int, str, str | None]
"""pid, sex, kind, muni_code"""


def rule(*tiers: Mapping[str, Any], name: str = "r") -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": name, "valid_from": "2024-09-01", "source": "the test's own", "scope": {"databases": ["*"]},
        "min_persons": {"n": 10, "zero": "shown"},
    }  # fmt: skip
    return {**found, **({"min_persons_by_population": list(tiers)} if tiers else {})}


def guarded(
    sql: str,
    *rules: Mapping[str, Any],
    form: Form = Form.TABLE,
    with_areas: bool = True,
    coarsen: Mapping[str, int] | None = None,
) -> Guarded:
    return guard(_authorised(sql, rules, form, with_areas, coarsen))


def settled_by_blocks(sql: str, engine: Engine) -> Guarded:
    """The same in the aggregate tier, settled by the engine's own answers; blocks know municipalities."""
    authorised = _authorised(sql, (), Form.TABLE, True, None)
    authorised = replace(authorised, obligations=replace(authorised.obligations, tier="aggregate"))
    assert authorised.known.shape is not None
    authorised, shape = orderless(authorised, authorised.known.shape)
    cuts = cuts_of(authorised.known.tree, shape, authorised.known.schema)
    return settled(engine, Unsettled(authorised, cuts, probes(authorised, cuts)))


def _authorised(
    sql: str,
    rules: Sequence[Mapping[str, Any]],
    form: Form,
    with_areas: bool,
    coarsen: Mapping[str, int] | None,
) -> Authorised:
    tables: dict[str, Any] = {"care.claim": {"columns": CLAIM, "person": True}}
    if with_areas:
        tables["core.muni"] = {"columns": MUNI, "reference": True}
    grant = {"columns": list(CLAIM), **({"coarsen": dict(coarsen)} if coarsen else {})}
    permit = permits.parse(
        {
            "schema": "enclave.permit/1", "permit_id": "p-1", "revision": 1, "project": "x", "provision": "v-1",
            "handlers": ["mori"], "purpose": "", "tier": "record", "rule_sets": ["r"],
            "databases": {"care": {"claim": grant}}, "linkage_groups": [["care"]],
            "valid_from": "2026-01-01T00:00:00Z", "valid_to": "2027-01-01T00:00:00Z",
        }
    )  # fmt: skip
    bound = {str(one["id"]): one for one in rules or (rule(*TIERS),)}
    blocks = [{"databases": ["care"], "k": 10, "areas": ["care.claim.muni_code"]}]
    schema = schemas.read({"tables": tables, "block_sets": blocks})
    return Authorised(know(parse(sql, (), form), permit, schema), Obligations(bound))


@contextmanager
def opened(records: Sequence[Record]) -> Iterator[Engine]:
    """The real engine over an extract with these records."""
    with tempfile.TemporaryDirectory(prefix="enclave-muni-") as folder:
        path = Path(folder) / "extract.duckdb"
        with duckdb.connect(str(path)) as con:
            con.execute("CREATE SCHEMA care; CREATE SCHEMA core")
            con.execute(
                "CREATE TABLE care.claim (pid UINTEGER, sex TINYINT, kind VARCHAR, muni_code VARCHAR)"
            )
            con.execute(
                "CREATE TABLE core.muni (muni_code VARCHAR, muni_name VARCHAR, sma_code VARCHAR, pref_code VARCHAR,"
                " population INTEGER)"
            )
            con.executemany("INSERT INTO core.muni VALUES (?, ?, ?, ?, ?)", [list(one) for one in AREAS])
            columns = list(zip(*records, strict=True)) or [()] * 4
            kinds = (pa.uint32(), pa.int8(), pa.string(), pa.string())
            lines = pa.table(
                [pa.array(one, kind) for one, kind in zip(columns, kinds, strict=True)], names=list(CLAIM)
            )
            con.register("lines", lines)
            con.execute("INSERT INTO care.claim SELECT * FROM lines")
            con.execute('CREATE SCHEMA "enclave blocks"')
            con.execute('CREATE TABLE "enclave blocks".care (pid UINTEGER, block UINTEGER)')
            con.execute(
                'INSERT INTO "enclave blocks".care SELECT pid, dense_rank() OVER (ORDER BY m) FROM'
                " (SELECT pid, min(muni_code) AS m FROM care.claim GROUP BY pid)"
            )
        pool = EnginePool(EngineLimits(wall=30, workers=1))
        try:
            yield pool.open(path, None, "v-1/1")
        finally:
            pool.close()


def answer(engine: Engine, asked: Guarded) -> ProtectedTable:
    inhabitants = inhabitants_of(engine, asked)
    run = engine.run(asked)
    try:
        answered = pa.Table.from_batches(list(run.batches()), schema=run.schema)
    finally:
        run.close()
    return cells.protect(answered, asked, inhabitants)
