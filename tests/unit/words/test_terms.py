"""What facts say in words is said in the reader's language: no English word is left in a Japanese sentence, no code in either."""

import re
from pathlib import Path

import pytest

from enclave.adapters import workbook_parts
from enclave.core.refusal import Refused, problem
from enclave.disclosure.criteria.rules import CONCENTRATION
from enclave.disclosure.releases.differencing import OTHERS
from enclave.disclosure.terms import RULES, TERMS
from enclave.wordings import WORDINGS

ROOT = Path(__file__).parents[3]
JAPANESE = re.compile(r"[぀-ヿ一-鿿]")
NEEDS = re.compile(r'\b_?bad\(\s*[^"]*?(?:"[^"]*"[^"]*?)?, "([^"{]+)"\s*\)')


def said(code: str, language: str, **facts: object) -> str:
    told = problem(Refused(code, facts), WORDINGS, language)
    return f"{told['title']} {told['hint']}"


@pytest.mark.parametrize("code", sorted(code for code, wording in WORDINGS.items() if wording.terms))
def test_every_term_is_japanese_in_japanese_and_english_in_english(code: str) -> None:
    """A term is either a name that both languages write alike (fixed, sliding) or Japanese."""
    for word, (ja, en) in WORDINGS[code].terms.items():
        assert JAPANESE.search(ja) or ja == en or "fixed" in ja, word
        assert en
        assert not JAPANESE.search(en)


@pytest.mark.parametrize(
    "code", ["disclosure.history_pair", "disclosure.history_sum", "disclosure.history_equal"]
)
def test_another_project_is_said_in_japanese(code: str) -> None:
    """Alone, in a list, and between releases by name; and where no grouping is safe that is said too."""
    for others in (OTHERS, f"e-1 t.csv n: age=40, male=0; {OTHERS}", [OTHERS, "e-1"]):
        text = said(code, "ja", **{"with": others}, threshold=10, merge="-")
        assert "別のプロジェクト" in text
        assert OTHERS not in text
        assert "区分: -" not in text
        assert OTHERS in said(code, "en", **{"with": others}, threshold=10, merge="-")
    assert "e-1 t.csv n: age=40, male=0" in said(code, "ja", **{"with": "e-1 t.csv n: age=40, male=0"})


def test_what_a_description_needs_is_said_in_japanese() -> None:
    """Every sentence that the readers of descriptions, specs and rule sets can end in."""
    needs = {
        found
        for folder in ("files", "criteria", "protection")
        for file in (ROOT / "enclave/disclosure" / folder).glob("*.py")
        for found in NEEDS.findall(file.read_text(encoding="utf-8"))
    }
    assert len(needs) > 15
    for one in sorted(needs):
        text = said("disclosure.spec_invalid", "ja", where="counts", needs=one)
        assert one not in text or one == "fixed or sliding", one
    assert "次のいずれか: age, n" in said("disclosure.spec_invalid", "ja", where="x", needs="one of age, n")


def test_a_rule_is_named_by_what_it_asks() -> None:
    """In a list too; the word of the rule set stays beside it where people know it by that word."""
    for name in (*CONCENTRATION, "min_institutions"):
        assert name in RULES
    text = said("disclosure.history_unjudged", "ja", rules="dominance, min_institutions")
    assert "最大の寄与の占める割合 (dominance), 施設・保険者の数" in text
    assert "min_institutions" not in said("disclosure.evidence_missing", "en", rule="min_institutions")


def test_everything_that_a_workbook_can_carry_has_its_word() -> None:
    """The kinds of parts and of elements."""
    kinds = {kind for _, kind in workbook_parts._KINDS}
    for file in ("workbook_parts.py", "workbook.py"):
        text = (ROOT / "enclave/adapters" / file).read_text(encoding="utf-8")
        kinds |= {what for _, what in re.findall(r'"(workbook_\w+)",\s+"(\w+)"', text)}
    assert len(kinds) > 25
    assert kinds <= set(TERMS["disclosure.workbook_part"])
