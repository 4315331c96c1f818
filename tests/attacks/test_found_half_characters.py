"""Half a character in a question or a submission: JSON carries it, no store takes it. It once was an inner error."""

import pytest

from enclave.core.refusal import Refused
from enclave.gateway.exports import submission_of
from enclave.gateway.question import question_of

HALF = "\ud800"
TABLE = {"kind": "table", "name": "a.csv", "csv": "sex,n\nf,120\n", "dimensions": ["sex"], "counts": ["n"]}


@pytest.mark.parametrize(
    "body",
    [
        {"sql": f"SELECT '{HALF}'"},
        {"sql": "SELECT ?", "params": [HALF]},
        {"sql": "SELECT ?", "params": [["a", HALF]]},
        {"sql": "SELECT $a", "params": {"a": HALF}},
        {"sql": "SELECT 1", "params": {HALF: 1}},
    ],
)
def test_half_a_character_is_no_question(body: dict[str, object]) -> None:
    with pytest.raises(Refused, match=r"gateway\.(field|params)"):
        question_of(body)
    assert question_of({"sql": "SELECT '𠮷'", "params": {"a": "𠮷"}}).sql == "SELECT '𠮷'"


@pytest.mark.parametrize(
    "change",
    [{"purpose": HALF}, {"output": HALF}, *({"items": [TABLE | {n: HALF}]} for n in ("name", "receipt")),
     *({"items": [TABLE | {n: [HALF]}]} for n in ("dimensions", "counts"))],
)  # fmt: skip
def test_half_a_character_is_no_submission(change: dict[str, object]) -> None:
    whole = {"output": "t1", "purpose": "a poster", "items": [TABLE]}
    with pytest.raises(Refused, match=r"export\.malformed"):
        submission_of(whole | change)
    assert submission_of(whole).items
