"""The grammar is one list, in Python for the parser and as data for the policy, and every code has its words."""

import re
import string

import pytest
import yaml

from enclave.query import grammar
from enclave.query.codes import CODES
from tests.unit.query.world import ROOT


def test_the_policys_functions_are_those_of_the_grammar() -> None:
    data = yaml.safe_load((ROOT / "policies" / "grammar" / "data.yaml").read_text())
    assert set(data["functions"]) == grammar.ALL_NAMES


def test_what_may_be_a_cell_is_an_aggregate() -> None:
    assert set(grammar.TABLE_AGGREGATES) <= set(grammar.AGGREGATES)


def test_every_code_that_the_query_story_raises_has_words() -> None:
    raised: set[str] = set()
    for file in (ROOT / "enclave" / "query").rglob("*.py"):
        raised |= set(re.findall(r'"((?:query|policy)\.[a-z_]+)"', file.read_text()))
    for file in (ROOT / "enclave" / "adapters").glob("engine*.py"):
        raised |= set(re.findall(r'"(query\.[a-z_]+)"', file.read_text()))
    rego = (ROOT / "policies" / "enclave" / "query" / "decision.rego").read_text()
    raised |= set(re.findall(r'contains "((?:query|session)\.[a-z_]+)"', rego))
    raised |= {f"query.budget_{kind}" for kind in ("queries", "rows", "bytes")}
    assert raised <= set(CODES)


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_worded_in_both_languages_with_the_same_facts(code: str) -> None:
    wording = CODES[code]
    fields = [
        {name for _, name, _, _ in string.Formatter().parse(text) if name}
        for text in (wording.title_ja + wording.hint_ja, wording.title_en + wording.hint_en)
    ]
    assert wording.title_ja
    assert wording.title_en
    assert fields[0] == fields[1]
