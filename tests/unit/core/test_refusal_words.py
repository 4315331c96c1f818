"""The sentences of a no."""

import pytest

from enclave.core.refusal import CODES, Refused, problem


@pytest.mark.parametrize(
    ("language", "said"),
    [("ja", "2027年11月1日 00:00 に終了しました。"), ("en", "It ended at 1 Nov 2027, 00:00 JST.")],
)
def test_a_time_is_read_as_in_japan_and_handed_on_as_it_is(language: str, said: str) -> None:
    """People read the hour of Japan wherever the no comes from; programs get the fact unchanged."""
    facts = {"permit": "p-1@1", "valid_to": "2027-10-31T15:00:00Z"}
    told = problem(Refused("permit.expired", facts), CODES, language)
    assert str(told["hint"]).startswith(said)
    assert told["facts"] == facts
