"""Every sentence of both clients exists in Japanese and English, and R says of a submission what Python says."""

import re
import sys
from pathlib import Path

CLIENT = Path(__file__).resolve().parents[2] / "enclave" / "client"
sys.path[:0] = [str(CLIENT)]

from enclave_client.words import WORDS  # noqa: E402


def test_every_sentence_exists_in_both_languages() -> None:
    """Japanese and English, with the same facts in each."""
    for key, (ja, en) in WORDS.items():
        assert ja, key
        assert en, key
        assert sorted(re.findall(r"{\w+}", ja)) == sorted(re.findall(r"{\w+}", en)), key


def test_every_sentence_of_r_exists_in_both_languages_too() -> None:
    """The same words in the same number of places; a hint for every code of its own."""
    source = (CLIENT / "r/R/words.R").read_text()
    told = re.findall(r'^  ([\w.]+) = c\(\s*ja = "(.+?)",\s*en = "(.+?)"\s*\)', source, re.M)
    assert len(told) == len(re.findall(r"^  [\w.]+ = c\(", source, re.M)) > 20
    for key, ja, en in told:
        assert ja.count("%s") == en.count("%s"), key
        assert sorted(re.findall(r"{\w+}", ja)) == sorted(re.findall(r"{\w+}", en)), key
    keys = {key for key, _, _ in told}
    assert {key for key in keys if key.startswith("client.") and not key.endswith(".hint")} <= {
        key.removesuffix(".hint") for key in keys if key.endswith(".hint")
    }


def test_r_says_the_same_words_of_a_submission_as_python() -> None:
    """States, verdicts, headings and the sentences of a code; only where a function is named they differ by its name."""
    source = (CLIENT / "r/R/words.R").read_text()
    told = {
        key: (ja, en)
        for key, ja, en in re.findall(r'^  ([\w.]+) = c\(\s*ja = "(.+?)",\s*en = "(.+?)"\s*\)', source, re.M)
    }
    submission = {
        key for key in WORDS if key.startswith(("state.", "verdict", "next.", "findings", "more_", "budget."))
    }
    assert submission <= set(told)
    alike = [
        key for key in told if key in WORDS and not key.endswith(".hint") and "enclave_" not in told[key][0]
    ]
    differing = {key for key in alike if told[key] != WORDS[key]} - {"connected", "hidden_has_no_value"}
    assert differing == {"client.parameter"}  # R does not tell which of them
    assert len(alike) > 30
