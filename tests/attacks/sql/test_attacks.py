"""What must never work, and beside each attack what must."""

import pytest

from enclave.adapters.engine import Engine
from enclave.adapters.policy_server import PolicyServer
from enclave.core.refusal import Refused, problem
from enclave.query.codes import CODES
from tests.attacks.sql.pairs import Pair, pairs
from tests.unit.query import world

CORPUS = pairs()


def test_the_corpus_is_large_and_no_title_is_used_twice() -> None:
    assert len(CORPUS) >= 60
    assert len({pair.name for pair in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("pair", CORPUS, ids=lambda pair: pair.name)
def test_each_attack_is_refused_with_its_code(pair: Pair, policy: PolicyServer) -> None:
    """Refused, with the very code of the corpus, and with words for it in both languages."""
    with pytest.raises(Refused) as refused:
        world.ask(pair.attack, policy, pair.form)
    assert refused.value.code == pair.code, refused.value
    for language in ("ja", "en"):
        assert "…" not in str(problem(refused.value, CODES, language)["title"])


@pytest.mark.parametrize("pair", CORPUS, ids=lambda pair: pair.name)
def test_each_honest_twin_is_answered(pair: Pair, policy: PolicyServer, engine: Engine) -> None:
    """A gateway that refuses everything would pass the attacks and fail here."""
    guarded = world.ask(pair.twin, policy, pair.twin_form)
    run = engine.run(guarded)
    names = run.schema.names
    for _ in run.batches():
        pass
    assert tuple(names[: len(guarded.names)]) == guarded.names
