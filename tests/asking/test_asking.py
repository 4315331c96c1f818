"""docs/asking.md and its Japanese sister say what is so. To print them anew: `python -m tests.asking docs`."""

import re
from pathlib import Path

import pytest

from enclave.query.codes import CODES
from tests.asking import words
from tests.asking.answers import AGGREGATE_SLIPS, SLIPS, Answers, ask_all
from tests.asking.lines import laid_out
from tests.asking.page import HONEST, LANGUAGES, NAMES, page
from tests.attacks.sql.pairs import pairs

DOCS = Path(__file__).resolve().parents[2] / "docs"
KANA_OR_KANJI = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def answers() -> Answers:
    return ask_all()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_are_what_the_tests_say(language: str, answers: Answers) -> None:
    """What researchers read is what is tested. A difference: print the pages anew, and read them."""
    assert (DOCS / NAMES[language]).read_text("utf-8") == page(language, answers)


def test_each_page_leads_to_the_other_and_the_readme_to_both() -> None:
    readme = (DOCS.parent / "README.md").read_text("utf-8")
    for name in NAMES.values():
        assert f"docs/{name}" in readme
    for one, other in (("en", "ja"), ("ja", "en")):
        assert f"]({NAMES[other]})" in (DOCS / NAMES[one]).read_text("utf-8")


def test_every_code_of_the_attacks_is_explained_with_an_example_or_is_a_limit() -> None:
    shown = {slip.code for slip in (*SLIPS, *AGGREGATE_SLIPS)}
    assert shown == set(words.REASONS)
    assert {pair.code for pair in pairs()} <= shown | set(words.LIMITS)
    in_chapters = [code for chapter in words.CHAPTERS for code in chapter.codes]
    assert sorted(in_chapters) == sorted(words.REASONS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_of_the_query_story_is_on_the_page(language: str) -> None:
    text = (DOCS / NAMES[language]).read_text("utf-8")
    assert not [code for code in CODES if f"`{code}`" not in text]


def test_every_refusal_on_the_page_was_given_when_it_was_printed(answers: Answers) -> None:
    """A slip that is answered stands under a code that it does not get."""
    for slip in (*SLIPS, *AGGREGATE_SLIPS):
        no = answers.refused.get(slip.name)
        assert (no.code if no else "answered") == (slip.code if "." in slip.code else "answered"), slip.name


def test_every_question_and_slip_has_a_title_in_both_languages() -> None:
    titles = [title for questions in HONEST.values() for title in questions]
    titles += [slip.name.partition(": ")[2] for slip in (*SLIPS, *AGGREGATE_SLIPS)]
    for title in titles:
        english, slash, japanese = title.partition(" / ")
        assert slash, title
        assert not KANA_OR_KANJI.search(english), title
        assert japanese, title


@pytest.mark.parametrize("file", sorted(HONEST))
def test_a_statement_broken_over_lines_is_the_same_statement(file: str) -> None:
    """Only white space between words changes, and lines are short where there is a place to break them."""
    long = 0
    for sql in HONEST[file].values():
        laid = laid_out(sql)
        assert laid.split() == sql.split()
        long += max(map(len, laid.splitlines())) > 130
    assert long <= 0.25 * len(HONEST[file])
