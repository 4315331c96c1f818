"""The rules of the aggregate tier, as pairs of what was asked and what each makes of it; and what they are for.

Over the register of the swap game: known are sex, age, birth month and prefecture, all else is somebody's own.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlglot import exp

from enclave.core.permit import Tier
from enclave.query.authorise import authorise
from enclave.query.blocks import probes
from enclave.query.cuts import cuts_of
from enclave.query.facts import know
from enclave.query.keeping import settle
from enclave.query.parse import DIALECT, parse
from enclave.query.rewrite.evidence import add_evidence
from enclave.query.rewrite.orderless import orderless
from enclave.query.rewrite.steady import compute_outside, steady_rows
from enclave.query.rewrite.step import step
from enclave.query.stages import Authorised
from tests.attacks.aggregate import worlds
from tests.attacks.aggregate.test_exchanged import pairs as neighbours
from tests.rewrite.pairs import Pair, pairs, plain
from tests.unit.query import world

PAIRS = pairs(Path(__file__).parent)
Made = Callable[[Authorised, Any], exp.Query]


def _orderless(stage: Authorised, con: Any) -> exp.Query:
    shape = stage.known.shape
    assert shape is not None
    return orderless(stage, shape)[0].known.tree


def _step(stage: Authorised, con: Any) -> exp.Query:
    """In steps as the register's own blocks ask for."""
    shape = stage.known.shape
    assert shape is not None
    cuts = cuts_of(stage.known.tree, shape, stage.known.schema)
    asked = probes(stage, cuts)
    answers = [con.sql(probe.sql).to_arrow_table().to_pylist() for probe in asked]
    return step(stage, settle(asked, answers, cuts, stage.known.schema.block_k)).known.tree


RULES: dict[str, Made] = {
    "orderless": _orderless,
    "step": _step,
    "steady": lambda stage, con: steady_rows(stage).known.tree,
    # It stands around the parts that evidence names.
    "compute_outside": lambda stage, con: compute_outside(add_evidence(stage.known.tree, stage), stage),
}


@pytest.fixture(scope="module")
def policy() -> Iterator[Any]:
    with world.policies() as server:
        yield server


@pytest.fixture(scope="module")
def true() -> worlds.World:
    return worlds.make()


@pytest.fixture(scope="module")
def con(true: worlds.World) -> Iterator[Any]:
    with worlds.opened(true) as made:
        yield made


@pytest.fixture(scope="module")
def reordered(true: worlds.World) -> Iterator[Any]:
    """The same register, every table from its last line to its first."""
    rows = {name: list(reversed(lines)) for name, lines in true.rows.items()}
    with worlds.opened(replace(true, rows=rows)) as made:
        yield made


@pytest.fixture(scope="module")
def exchanged(true: worlds.World) -> Iterator[Any]:
    """The register in which two persons of a block have traded all that is not known of them."""
    one, other = neighbours(true, 1)[0]
    with worlds.opened(true.exchanged(one, other)) as made:
        yield made


def made_of(pair: Pair, policy: Any, con: Any) -> str:
    known = know(parse(pair.asked, (), pair.form), worlds.permit(), worlds.schema())
    stage = authorise(known, world.session(), Tier.AGGREGATE, policy)
    before = stage.known.tree.sql(DIALECT)
    tree = RULES[pair.rule](stage, con)
    assert stage.known.tree.sql(DIALECT) == before, "the tree that was judged stays as it was"
    return tree.sql(DIALECT, identify=True, comments=False)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_each_rule_makes_of_a_statement_what_its_pair_says(pair: Pair, policy: Any, con: Any) -> None:
    assert plain(made_of(pair, policy, con)) == plain(pair.expected)


def _of(rule: str) -> list[Pair]:
    return [pair for pair in PAIRS if pair.rule == rule]


@pytest.mark.parametrize("pair", _of("orderless"), ids=lambda pair: pair.name)
def test_no_answer_depends_on_where_rows_lie(pair: Pair, policy: Any, con: Any, reordered: Any) -> None:
    made = made_of(pair, policy, con)
    assert _rows(made, con) == _rows(made, reordered)


@pytest.mark.parametrize("pair", _of("step"), ids=lambda pair: pair.name)
def test_no_answer_in_steps_tells_two_persons_of_a_block_apart(
    pair: Pair, policy: Any, con: Any, exchanged: Any
) -> None:
    made = made_of(pair, policy, con)
    assert _rows(made, con) == _rows(made, exchanged)


@pytest.mark.parametrize("pair", [*_of("steady"), *_of("compute_outside")], ids=lambda pair: pair.name)
def test_what_fails_on_no_value_answers_as_before_and_the_rest_no_longer_fails(
    pair: Pair, policy: Any, con: Any
) -> None:
    got = _rows(made_of(pair, policy, con), con)
    con.execute("USE reg")
    try:
        asked = _rows(pair.asked, con)
    except duckdb.Error:
        assert pair.name.endswith("(fails as asked)")
    else:
        width = len(con.sql(pair.asked).columns)
        assert sorted(str(row[:width]) for row in got) == sorted(map(str, asked))
        assert not pair.name.endswith("(fails as asked)")
    finally:
        con.execute("USE memory.main")


def _rows(sql: str, con: Any) -> list[tuple[Any, ...]]:
    """The rows in the order of their texts. Sums of fractions have the digits that an answer has."""
    found = [tuple(_digits(value) for value in row) for row in con.sql(sql).fetchall()]
    return sorted(found, key=str)


def _digits(value: Any) -> Any:
    return float(f"{value:.12g}") if isinstance(value, float) else value


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_of_the_tier_has_several_pairs(rule: str) -> None:
    assert len(_of(rule)) >= 6
