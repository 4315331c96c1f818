"""What must never work, and beside each attack what must. Real policy, engine and protection over the small extract."""

import pyarrow as pa
import pytest

from enclave.adapters.engine import Engine
from enclave.adapters.policy_server import PolicyServer
from enclave.core.refusal import Refused, problem
from enclave.disclosure.answers.table import Hidden
from enclave.gateway import cells
from enclave.query.codes import CODES
from enclave.query.stages import Form
from tests.attacks.sql.pairs import Pair, pairs
from tests.unit.query import world

CORPUS = pairs()
HIDDEN = "hidden"

CLASSES = range(1, 47)
"""The classes of THREATS, part SQL."""


def test_the_corpus_is_large_and_no_title_is_used_twice() -> None:
    assert len(CORPUS) >= 450
    assert len({pair.name for pair in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("threat", CLASSES)
def test_every_class_has_attacks_in_several_spellings(threat: int) -> None:
    assert sum(pair.threat == threat for pair in CORPUS) >= 2


@pytest.mark.parametrize("pair", CORPUS, ids=lambda pair: pair.name)
def test_each_attack_gets_its_code(pair: Pair, policy: PolicyServer, engine: Engine) -> None:
    """The very code of the corpus, with words for it in both languages and none of the data's; or an answer in which
    the cells in question, and one more where there are more, are hidden."""
    if pair.code == HIDDEN:
        found = hidden(pair.attack, pair.form, policy, engine)
        assert all(found) or sum(found) >= 2
        return
    with pytest.raises(Refused) as refused:
        hidden(pair.attack, pair.form, policy, engine)
    assert refused.value.code == pair.code, refused.value
    for language in ("ja", "en"):
        said = problem(refused.value, CODES, language)
        assert "…" not in str(said["title"])
        assert not any(word in str(said) for word in ("SECRET-", "note-", "4242"))


@pytest.mark.parametrize("pair", CORPUS, ids=lambda pair: pair.name)
def test_each_honest_twin_is_answered(pair: Pair, policy: PolicyServer, engine: Engine) -> None:
    """A gateway that refuses everything, or hides everything, would pass the attacks and fail here."""
    found = hidden(pair.twin, pair.twin_form, policy, engine)
    assert pair.code != HIDDEN or not any(found)


def hidden(text: str, form: Form, policy: PolicyServer, engine: Engine) -> list[bool]:
    """Cell by cell whether it is hidden; empty for records. Raises Refused."""
    guarded = world.ask(text, policy, form)
    run = engine.run(guarded)
    names = run.schema.names
    batches = list(run.batches())
    assert tuple(names[: len(guarded.names)]) == guarded.names
    if form is Form.ROWS:
        return []
    table = cells.protect(pa.Table.from_batches(batches, schema=run.schema), guarded)
    return [isinstance(cell, Hidden) for row in table.rows for cell in row.cells]
