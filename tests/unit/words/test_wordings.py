"""Every code that anything of the product can say has its sentence and hint in Japanese and English."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from enclave import wordings
from enclave.core.refusal import Wording
from enclave.wordings import WORDINGS

ROOT = Path(__file__).parents[3]
REGO_CODE = re.compile(r'"((?:query|permit|export|application|session|custody|policy|disclosure)\.[a-z_.]+)"')
PYTHON_CODE = re.compile(r'Refused\(\s*"([a-z_]+\.[a-z_.]+)"')


def _codes(pattern: re.Pattern[str], folder: str, suffix: str) -> set[str]:
    found: set[str] = set()
    for file in (ROOT / folder).rglob(f"*{suffix}"):
        if "_test" not in file.name and "client" not in file.parts:
            found.update(pattern.findall(file.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("code", sorted(_codes(REGO_CODE, "policies/enclave", ".rego")))
def test_every_code_of_a_policy_has_its_sentence(code: str) -> None:
    """A no of the policy server is never shown as a bare code."""
    assert code in WORDINGS


@pytest.mark.parametrize("code", sorted(_codes(PYTHON_CODE, "enclave", ".py")))
def test_every_refusal_in_the_code_has_its_sentence(code: str) -> None:
    """A no of any story is never shown as a bare code."""
    assert code in WORDINGS


def test_a_code_belongs_to_one_story() -> None:
    """Two sentences for one code would depend on where it is read."""
    stories = [
        words for words in vars(wordings).values() if isinstance(words, dict) and words is not WORDINGS
    ]
    said = [code for words in stories for code, wording in words.items() if isinstance(wording, Wording)]
    assert len(said) > 250
    assert {code for code in said if said.count(code) > 1} == set()


@pytest.mark.parametrize("code", sorted(WORDINGS))
def test_each_sentence_exists_in_both_languages(code: str) -> None:
    """Title and hint are there in both; the Japanese one is Japanese, the English one is not."""
    wording = WORDINGS[code]
    assert re.search(r"[぀-ヿ一-鿿]", wording.title_ja)
    assert wording.title_en
    assert not re.search(r"[぀-ヿ一-鿿]", wording.title_en + wording.hint_en)
    assert bool(wording.hint_ja) == bool(wording.hint_en)


def test_sentences_bring_nothing_but_themselves() -> None:
    """A no at the terminal loads no engine, no database and no container library to say one sentence."""
    heavy = (
        "duckdb",
        "pyarrow",
        "sqlalchemy",
        "docker",
        "starlette",
        "cryptography",
        "numpy",
        "sqlglot",
        "yaml",
    )
    said = f"import enclave.wordings, sys; print([name for name in {heavy!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
