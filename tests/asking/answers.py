"""What the page shows of answers and refusals, by asking: the real policy, engine and protection over the tests' made-up data."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from enclave.adapters.engine import Engine, EngineLimits, EnginePool
from enclave.core.permit import Tier
from enclave.core.refusal import Refused
from enclave.gateway import cells
from enclave.query.flow import prepare
from enclave.query.stages import Form
from tests.attacks.sql.pairs import FOLDER, Pair, read
from tests.unit.query import aggregate_world, world

SLIPS = read(FOLDER / "24_slips.sql")
AGGREGATE_SLIPS = read(FOLDER.parent / "aggregate" / "slips.sql")

SHOWN = (
    "SELECT male, age // 10 * 10 AS age10, count(*) AS n, avg(bmi) AS bmi\n"
    "FROM patients WHERE age < 50 GROUP BY ALL ORDER BY ALL"
)
"""The question whose answer stands on the page."""


@dataclass(frozen=True)
class Answers:
    """`refused`: by the name of a slip, the refusal it got; `cells`: the rows of `SHOWN` as they are sent."""

    refused: Mapping[str, Refused]
    cells: Sequence[Mapping[str, Any]]


def ask_all() -> Answers:
    """Seconds. Raises Refused for `SHOWN`."""
    refused: dict[str, Refused] = {}
    with world.policies() as policy, tempfile.TemporaryDirectory(prefix="enclave-asking-") as folder:
        pool = EnginePool(EngineLimits(wall=30, workers=1))
        try:
            engine = pool.open(world.build(Path(folder) / "extract.duckdb"), None, "v-81c2/1")
            for slip in SLIPS:
                try:
                    _cells(slip.attack, slip.form, policy, engine)
                except Refused as no:
                    refused[slip.name] = no
            shown = _cells(SHOWN, Form.TABLE, policy, engine)
        finally:
            pool.close()
        for small in (False, True):
            with aggregate_world.opened(False, homes=small, small=small) as con:
                for slip in AGGREGATE_SLIPS:
                    try:
                        if (slip.code == aggregate_world.OF_SMALL_AREAS) == small:
                            _aggregate(slip, policy, con, small)
                    except Refused as no:
                        refused[slip.name] = no
    return Answers(refused, shown)


def _cells(text: str, form: Form, policy: Any, engine: Engine) -> Sequence[Mapping[str, Any]]:
    guarded = world.ask(text, policy, form)
    run = engine.run(guarded)
    schema = run.schema
    answered = pa.Table.from_batches(list(run.batches()), schema=schema)
    if form is Form.ROWS:
        return []
    rows: list[dict[str, Any]] = cells.arrow(cells.protect(answered, guarded), answered, guarded).to_pylist()
    return rows


def _aggregate(slip: Pair, policy: Any, con: Any, homes: bool) -> None:
    if slip.form is Form.TABLE:
        aggregate_world.compared(slip.attack, con, policy, homes)
    else:
        permit, schema = aggregate_world.permit(), aggregate_world.schema()
        prepare(slip.attack, (), slip.form, permit, schema, world.session(), policy, Tier.AGGREGATE)
