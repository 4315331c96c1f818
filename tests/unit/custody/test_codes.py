"""Every no of custody is worded in both languages, and every wording is a no that can happen."""

import re
from pathlib import Path

from enclave.catalogue.codes import CODES as CATALOGUE_CODES
from enclave.core.refusal import CODES as CORE_CODES
from enclave.custody.codes import CODES

ENCLAVE = Path(__file__).parents[3] / "enclave"


def test_what_is_refused_is_worded_and_what_is_worded_is_refused() -> None:
    """No code without a sentence, no sentence without a code, whoever of the program says it."""
    said = {
        code
        for path in ENCLAVE.rglob("*.py")
        if path.name != "codes.py" and path != ENCLAVE / "core" / "refusal.py"
        for code in re.findall(r'"((?:custody|catalogue)\.[a-z_0-9]+)"', path.read_text())
    } - {"catalogue.html", "custody.sock"}
    worded = set(CODES) | set(CATALOGUE_CODES)
    assert said - set(CORE_CODES) - worded == set()
    assert worded - said == set()


def test_every_wording_says_what_to_do_in_both_languages() -> None:
    """A title and a hint, in Japanese and in English."""
    for wording in CODES.values():
        assert all((wording.title_ja, wording.title_en, wording.hint_ja, wording.hint_en))
