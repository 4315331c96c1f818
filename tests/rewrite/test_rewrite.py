"""Each rule, as pairs of what was asked and what runs; and what runs gives the answer that was asked for."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlglot import exp

from enclave.adapters.engine import Engine
from enclave.adapters.policy_server import PolicyServer
from enclave.core.ids import DatabaseId
from enclave.core.permit import Tier
from enclave.query.authorise import authorise
from enclave.query.counting import Counting
from enclave.query.facts import know
from enclave.query.flow import guard
from enclave.query.parse import DIALECT, parse
from enclave.query.rewrite import ROWS_RULES, TABLE_RULES
from enclave.query.stages import Authorised, Form, Guarded
from tests.rewrite.pairs import Pair, pairs, plain
from tests.unit.query import world

PAIRS = pairs()
RULES = {rule.__name__: rule for rule in (*ROWS_RULES, *TABLE_RULES)}
CELLS = {
    False: [((1,), (True,)), ((None,), (True,))],
    True: [((1,), (True,)), ((None,), (False,))],
}
COUNTED: dict[str, Callable[[Counting], Guarded | None]] = {
    "counting_plain": Counting.plain,
    "counting_masked": Counting.masked,
    "counting_sliced": lambda counting: counting.sliced(1000),
    "counting_parted": lambda counting: counting.parted((DatabaseId("nafld"), "patients"), 1000),
    "counting_exact": lambda counting: counting.exact(CELLS[counting.shape.margins]),
}
"""The statements by which a large table's persons are counted, whole: what runs."""


def authorised(pair: Pair, policy: PolicyServer) -> Authorised:
    known = know(parse(pair.asked, (), pair.form), pair.permit(), world.schema())
    allowed = authorise(known, world.session(), Tier.RECORD, policy)
    besides = {"id": "besides", "valid_from": "2015-01-01", "source": "the pair's own", **pair.rules}
    besides["scope"] = {"databases": ["*"]}
    sets = {**allowed.obligations.rule_sets, **({"besides": besides} if pair.rules else {})}
    return replace(allowed, obligations=replace(allowed.obligations, rule_sets=sets))


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_each_rule_makes_of_a_statement_what_its_pair_says(pair: Pair, policy: PolicyServer) -> None:
    stage = authorised(pair, policy)
    if pair.rule in {"flow", "take_apart", "coded_steps", "digits", "mixed", "tallied", "by_person"}:
        made = guard(stage).sql
    elif pair.rule in COUNTED:
        counting = guard(stage).counting
        assert counting is not None
        counted = COUNTED[pair.rule](counting)
        assert counted is not None
        made = counted.sql
    elif pair.rule == "slices":
        guarded = guard(stage)
        assert guarded.slices is not None
        exact = guarded.slices.exact(guarded, [1000])
        assert exact is not None
        made = exact.sql
    else:
        made = RULES[pair.rule](stage.known.tree, stage).sql(DIALECT, identify=True, comments=False)
    assert plain(made) == plain(pair.expected)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_no_rule_changes_the_tree_that_was_judged(pair: Pair, policy: PolicyServer) -> None:
    stage = authorised(pair, policy)
    before = stage.known.tree.sql(DIALECT)
    guard(stage)
    assert stage.known.tree.sql(DIALECT) == before


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_what_runs_gives_the_answer_that_was_asked_for(
    pair: Pair, policy: PolicyServer, engine: Engine, extract: Path
) -> None:
    """The bare engine over the researcher's text and the guarded run agree in every cell that was asked for."""
    guarded = guard(authorised(pair, policy))
    asked = _bare(pair, extract)
    got = _run(engine, guarded)
    if guarded.cells is not None and guarded.cells.given is not None:
        # Totals that nobody asked for are lines of their own, for the protection only.
        got = [row for row in got if any(value is not None for value in row)]
    assert sorted(map(repr, got)) == sorted(map(repr, asked))


@pytest.mark.parametrize("rule", sorted({*RULES, *COUNTED, "slices"}))
def test_every_rule_has_pairs(rule: str) -> None:
    assert any(pair.rule == rule for pair in PAIRS)


def test_the_pairs_use_both_forms() -> None:
    assert {pair.form for pair in PAIRS} == set(Form)


def test_every_base_table_that_runs_stands_in_a_projection(policy: PolicyServer) -> None:
    for pair in PAIRS:
        tree = DIALECT.parse(guard(authorised(pair, policy)).sql)[0]
        for table in tree.find_all(exp.Table):
            if table.db:
                assert all(type(node) is exp.Column for node in table.parent_select.expressions)


def _bare(pair: Pair, extract: Path) -> list[tuple[Any, ...]]:
    """The answer of the bare engine to the text as it was written, over views of what the permit shows."""
    con = duckdb.connect(":memory:")
    try:
        con.execute(f"ATTACH '{extract}' AS held (READ_ONLY)")
        for database, name, grant in pair.permit().tables():
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {database}")
            where = f"WHERE {grant.rows}" if grant.rows and not grant.coarsen else ""
            con.execute(
                f"CREATE VIEW {database}.{name} AS"
                f" SELECT {', '.join(grant.columns)} FROM held.{database}.{name} {where}"
            )
        con.execute(f"SET search_path = '{','.join(world.SHOWN)}'")
        return [_rounded(row) for row in con.execute(pair.asked).fetchall()]
    finally:
        con.close()


def _run(engine: Engine, guarded: Guarded) -> list[tuple[Any, ...]]:
    run = engine.run(guarded)
    width = len(guarded.names)
    rows: list[tuple[Any, ...]] = []
    for batch in run.batches():
        columns = [batch.column(place).to_pylist() for place in range(width)]
        rows += [_rounded(row) for row in zip(*columns, strict=True)]
    return rows


def _rounded(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Sums of floats differ in their last digits with the order of addition."""
    return tuple(
        float(f"{float(v):.9g}") if isinstance(v, float) or hasattr(v, "as_tuple") else v for v in row
    )
