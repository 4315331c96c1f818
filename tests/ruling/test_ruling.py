"""docs/rules-of-outputs.md and its Japanese sister say what is so. To print them anew: `python -m tests.ruling docs`."""

import re
from pathlib import Path

import pytest

from enclave.adapters.rule_files import load_directory
from tests.ruling.examples import EXAMPLES
from tests.ruling.page import DATA, LANGUAGES, NAMES, UNEXPLAINED, page, verdict
from tests.ruling.words import SECTIONS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_what_the_rule_sets_and_the_program_say(language: str) -> None:
    """A number that changes in a file changes the page. A difference: print the pages anew, and read them."""
    assert (DOCS / NAMES[language]).read_text("utf-8") == page(language)


def test_each_page_leads_to_the_other_and_the_readme_to_both() -> None:
    """Nobody has to guess that there is another language."""
    readme = (ROOT / "README.md").read_text("utf-8")
    for one, other in (("en", "ja"), ("ja", "en")):
        assert f"docs/{NAMES[one]}" in readme
        assert f"]({NAMES[other]})" in (DOCS / NAMES[one]).read_text("utf-8")


def test_every_rule_is_explained_with_examples_of_both_verdicts() -> None:
    """What is found unsafe, and what is not: a rule that hides everything would explain nothing."""
    sets = load_directory(DATA)
    assert set(EXAMPLES) == set(SECTIONS)
    assert {"blocks"} == UNEXPLAINED
    for key, examples in EXAMPLES.items():
        verdicts = [bool(verdict(example, sets)) for example in examples]
        assert True in verdicts, key
        assert False in verdicts, key


def test_every_reason_of_a_cell_is_shown_in_an_example() -> None:
    """No code reaches a researcher that this page does not show."""
    sets = load_directory(DATA)
    shown = {
        reason.code for examples in EXAMPLES.values() for one in examples for reason in verdict(one, sets)
    }
    text = "".join(
        (ROOT / "enclave" / "disclosure" / "criteria" / f"{name}.py").read_text()
        for name in ("cell_rules", "categories")
    )
    named = set(re.findall(r'"(disclosure\.[a-z_]+)"', text)) | {
        "disclosure.dominance",
        "disclosure.p_percent",
    }
    # No delivered set has a rule about the rest of a group or an area finer than all; tests of the rules show them.
    assert named - shown <= {"disclosure.group_rest", "disclosure.area_too_fine"}
