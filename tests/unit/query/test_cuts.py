"""Where it cannot be told whose rows a known column is looked at over, the aggregate tier says no."""

import pytest

from enclave.core.refusal import Refused
from enclave.query.cuts import cuts_of
from enclave.query.facts import know
from enclave.query.names import resolve
from enclave.query.parse import parse
from enclave.query.stages import Form
from tests.unit.query import aggregate_world

WITHOUT_PERSON = "SELECT count(*) AS n FROM (SELECT sex FROM ndb.rcpt) AS t WHERE t.sex = 1"
WITH_PERSON = "SELECT count(*) AS n FROM (SELECT pid, sex FROM ndb.rcpt) AS t WHERE t.sex = 1"


def test_a_step_that_lost_its_persons_cannot_be_looked_at() -> None:
    """`lineage` refuses such a statement before; were it let through, this is the second lock."""
    permit, schema = aggregate_world.permit(), aggregate_world.schema()
    shape = know(parse(WITH_PERSON, (), Form.TABLE), permit, schema).shape
    assert shape is not None
    lost = resolve(parse(WITHOUT_PERSON, (), Form.TABLE).tree, permit, schema, Form.TABLE)
    with pytest.raises(Refused) as refused:
        cuts_of(lost, shape, schema)
    assert refused.value.code == "query.cut_unknown"
    assert refused.value.facts == {"columns": "sex"}


def test_with_its_persons_it_is_one_condition() -> None:
    permit, schema = aggregate_world.permit(), aggregate_world.schema()
    known = know(parse(WITH_PERSON, (), Form.TABLE), permit, schema)
    assert known.shape is not None
    found = cuts_of(known.tree, known.shape, schema)
    assert [cut.columns for cut in found.conditions] == [("sex",)]


def test_the_whole_way_refuses_it_as_nobodys_rows() -> None:
    with pytest.raises(Refused) as refused:
        know(parse(WITHOUT_PERSON, (), Form.TABLE), aggregate_world.permit(), aggregate_world.schema())
    assert refused.value.code == "query.person_unknown"
