"""Every no of custody is worded in both languages, and every wording is a no that can happen."""

import re
from pathlib import Path

from enclave.catalogue.codes import CODES as CATALOGUE_CODES
from enclave.custody.codes import CODES

ENCLAVE = Path(__file__).parents[3] / "enclave"
SOURCES = (
    *(ENCLAVE / "custody").glob("*.py"),
    *(ENCLAVE / "catalogue").glob("*.py"),
    *(ENCLAVE / "adapters").glob("custod*.py"),
    ENCLAVE / "adapters" / "vault.py",
    ENCLAVE / "adapters" / "extract_store.py",
    ENCLAVE / "adapters" / "descriptor_files.py",
    ENCLAVE / "gateway" / "extracts.py",
)


def test_what_is_refused_is_worded_and_what_is_worded_is_refused() -> None:
    """No code without a sentence, no sentence without a code."""
    raised = {
        code
        for path in SOURCES
        if path.name != "codes.py"
        for code in re.findall(r'"((?:custody|catalogue)\.[a-z_]+)"', path.read_text())
    }
    assert raised - {"custody.unavailable"} == set(CODES) | set(CATALOGUE_CODES)


def test_every_wording_says_what_to_do_in_both_languages() -> None:
    """A title and a hint, in Japanese and in English."""
    for wording in CODES.values():
        assert all((wording.title_ja, wording.title_en, wording.hint_ja, wording.hint_en))
