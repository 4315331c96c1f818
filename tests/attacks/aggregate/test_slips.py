"""What people write by mistake in the aggregate tier gets its code, and what to write instead is answered."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from enclave.core.permit import Tier
from enclave.core.refusal import Refused
from enclave.query.flow import prepare
from enclave.query.stages import Form
from tests.attacks.sql.pairs import Pair, read
from tests.unit.query import aggregate_world, world

SLIPS = read(Path(__file__).parent / "slips.sql")
PERTURBED = "perturbed"
"""Not a refusal: every cell that is there is near what was asked, where the twin has exact ones."""


@pytest.fixture(scope="module")
def policy() -> Iterator[Any]:
    with world.policies() as server:
        yield server


@pytest.fixture(scope="module")
def con() -> Iterator[Any]:
    with aggregate_world.opened(False) as made:
        yield made


@pytest.mark.parametrize(
    "slip", [s for s in SLIPS if s.code == aggregate_world.OF_SMALL_AREAS], ids=lambda slip: slip.name
)
def test_an_area_of_a_few_persons_is_no_condition_where_blocks_know_areas(slip: Pair, policy: Any) -> None:
    with aggregate_world.opened(False, homes=True, small=True) as con:
        with pytest.raises(Refused) as refused:
            aggregate_world.compared(slip.attack, con, policy, homes=True)
        assert refused.value.code == slip.code
        told = aggregate_world.compared(slip.twin, con, policy, homes=True)
    assert not told.wrong
    assert set(told.statuses) - {"hidden"}


@pytest.mark.parametrize(
    "slip", [s for s in SLIPS if s.code != aggregate_world.OF_SMALL_AREAS], ids=lambda slip: slip.name
)
def test_each_slip_gets_its_code_and_its_twin_is_answered(slip: Pair, policy: Any, con: Any) -> None:
    if slip.code == PERTURBED:
        told, instead = statuses(slip.attack, policy, con), statuses(slip.twin, policy, con)
        assert PERTURBED in told
        assert "shown" not in told
        assert "shown" in instead
        return
    with pytest.raises(Refused) as refused:
        asked(slip, policy, con)
    assert refused.value.code == slip.code
    assert statuses(slip.twin, policy, con) - {"hidden"}


def asked(slip: Pair, policy: Any, con: Any) -> None:
    """Raises Refused."""
    if slip.form is Form.ROWS:
        permit, schema = aggregate_world.permit(), aggregate_world.schema()
        prepare(slip.attack, (), slip.form, permit, schema, world.session(), policy, Tier.AGGREGATE)
    statuses(slip.attack, policy, con)


def statuses(text: str, policy: Any, con: Any) -> set[str]:
    """The statuses of the cells of an answer. Raises Refused."""
    told = aggregate_world.compared(text, con, policy)
    assert not told.wrong
    return set(told.statuses)
