"""The guide for researchers, docs/asking.md and its Japanese sister: printed from the tests and the product's own lists.

Decides which of the tests' questions a page shows, and where. The sentences are in `words`; examples come from the files
of questions, refusals and answers from asking them (`answers`), functions and limits from the grammar.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from enclave.core import refusal
from enclave.core.refusal import Refused, problem
from enclave.gateway import codes as gateway
from enclave.query import grammar, instead
from enclave.query.codes import CODES
from tests.asking import words
from tests.asking.answers import AGGREGATE_SLIPS, SHOWN, SLIPS, Answers
from tests.asking.lines import laid_out
from tests.asking.words import Example, Said, Where
from tests.attacks.sql.pairs import Pair, pairs
from tests.unit.query.aggregate_world import QUERIES
from tests.unit.query.test_honest import FOLDER, questions

LANGUAGES = ("en", "ja")
NAMES = {"en": "asking.md", "ja": "asking.ja.md"}

HONEST: Mapping[str, Mapping[str, str]] = {
    **{file.stem: questions(file) for file in sorted(FOLDER.glob("*.sql"))},
    "aggregate": questions(QUERIES),
}
"""File → title in both languages → question."""

WORDS = {**refusal.CODES, **gateway.CODES, **CODES}
"""Every code that a question can end with, with its words."""


def page(language: str, answers: Answers) -> str:
    parts: Iterable[Iterator[str]] = (
        _head(language),
        _forms(language, answers),
        _subjects(language),
        _refused(language, answers),
        _instead(language),
        _functions(language),
        _limits(language),
        _others(language),
        _everything(language),
    )
    return "\n".join(line for part in parts for line in part).rstrip() + "\n"


# -- what every part is made of ---------------------------------------------------------------------------------------


def _code(text: str) -> Iterator[str]:
    yield from ("```sql", _visible(laid_out(text)), "```", "")


def _visible(text: str) -> str:
    """A wide space is shown as what it is: nobody would see it."""
    outside, *quoted = text.split("'")
    return "'".join([outside.replace("\u3000", "⟨U+3000⟩"), *quoted])


def _titled(title: str, language: str) -> str:
    """The half of a title `in English / 日本語` that is in the language."""
    english, _, japanese = title.partition(" / ")
    return japanese if language == "ja" and japanese else f"{english[0].upper()}{english[1:]}"


def _row(*fields: str) -> str:
    return "| " + " | ".join(field.replace("|", "\\|").replace("\n", " ") for field in fields) + " |"


def _table(language: str, heads: tuple[Said, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _row(*(head.of(language) for head in heads))
    yield _row(*("---" for _ in heads))
    for row in rows:
        yield _row(*row)
    yield ""


# -- the parts --------------------------------------------------------------------------------------------------------


def _head(language: str) -> Iterator[str]:
    yield f"# {words.TITLE.of(language)}"
    yield from ("", words.OTHER.of(language), "", words.OPENING.of(language), "")
    yield f"## {words.IN_SHORT.of(language)}"
    yield ""
    for rule in words.RULES:
        yield f"- {rule.of(language)}"
    yield ""


def _forms(language: str, answers: Answers) -> Iterator[str]:
    yield from (f"## {words.FORMS.of(language)}", "")
    yield from (f"### {words.ROWS_TITLE.of(language)}", "", words.ROWS_TEXT.of(language), "")
    yield from _python("stays", "sql", found(Where.HONEST, "one index stay per person, by QUALIFY"))
    yield from (f"### {words.CELLS_TITLE.of(language)}", "", words.CELLS_TEXT.of(language), "")
    yield from _python("bmi", "table", SHOWN)
    yield from _answer(answers)
    yield from (words.CELLS_AFTER.of(language), "")
    yield from (f"### {words.AGGREGATE_TITLE.of(language)}", "", words.AGGREGATE_TEXT.of(language), "")
    yield from _code(found(Where.AGGREGATE, "UC1a"))
    yield from (words.AGGREGATE_AFTER.of(language), "")


def _python(name: str, method: str, sql: str) -> Iterator[str]:
    inner = "\n".join(f"    {line}" for line in laid_out(sql).splitlines())
    yield from ("```python", "from enclave_client import connect", "", "e = connect()")
    yield from (f'{name} = e.{method}("""', inner, '""")', "```", "")


def _answer(answers: Answers) -> Iterator[str]:
    names = list(answers.cells[0])
    yield _row(*names)
    yield _row(*("---" for _ in names))
    for row in answers.cells:
        yield _row(*(_told(value) for value in row.values()))
    yield ""


def _told(value: object) -> str:
    match value:
        case None:
            return ""
        case float():
            return f"{value:.2f}"
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _subjects(language: str) -> Iterator[str]:
    yield from (f"## {words.SUBJECTS_TITLE.of(language)}", "", words.SUBJECTS_TEXT.of(language), "")
    for subject in words.SUBJECTS:
        yield from (f"### {subject.title.of(language)}", "", subject.text.of(language), "")
        for example in subject.examples:
            yield from (_caption(example, language), "")
            yield from _code(found(example.where, example.title))


def _caption(example: Example, language: str) -> str:
    caption = example.caption.of(language)
    return f"{caption[0].upper()}{caption[1:]}" + ("：" if language == "ja" else ":")


def found(where: Where, title: str) -> str:
    """The one question of the tests whose title begins so (of a twin: holds it). Raises LookupError for none or several."""
    match where:
        case Where.TWIN:
            texts = [pair.twin for pair in pairs() if title in pair.name]
        case Where.AGGREGATE:
            texts = [sql for name, sql in HONEST["aggregate"].items() if name.startswith(f"{title.strip()} ")]
        case Where.HONEST:
            rows = (text for file, text in HONEST.items() if file != "aggregate")
            texts = [sql for those in rows for name, sql in those.items() if name.startswith(title)]
    if len(texts) != 1:
        raise LookupError(f"{len(texts)} questions are called {title!r}")
    return texts[0]


def _refused(language: str, answers: Answers) -> Iterator[str]:
    yield from (f"## {words.REFUSED_TITLE.of(language)}", "", words.REFUSED_TEXT.of(language), "")
    slips = [
        *((slip, words.IN_TABLE) for slip in SLIPS),
        *((slip, words.IN_AGGREGATE) for slip in AGGREGATE_SLIPS),
    ]
    for chapter in words.CHAPTERS:
        yield from (f"### {chapter.title.of(language)}", "")
        for code in chapter.codes:
            yield from (f"#### {_heading(code, language)}", "")
            yield from (_joined(words.WHY, words.REASONS[code], language), "")
            for slip, where in slips:
                if slip.code == code:
                    yield from _slip(slip, where, language, answers.refused.get(slip.name))


def _heading(code: str, language: str) -> str:
    own = {"hidden": words.HIDDEN_TITLE, "perturbed": words.PERTURBED_TITLE}
    return own[code].of(language) if code in own else f"`{code}`"


def _joined(first: Said, second: Said, language: str) -> str:
    return f"{first.of(language)}{'' if language == 'ja' else ' '}{second.of(language)}"


def _slip(slip: Pair, where: Said, language: str, no: Refused | None) -> Iterator[str]:
    """One pair: what was written, what is said to it, what to write instead."""
    _, _, title = slip.name.partition(": ")
    always = slip in AGGREGATE_SLIPS or slip.form.value == "table"
    place = where.of(language) if always else ""
    yield from (f"**{_titled(title, language)}**{place}", "")
    yield from _code(slip.attack)
    if no is not None:
        said = problem(no, WORDS, language)
        yield from (f"> {said['title']}{'' if language == 'ja' else ' '}{said['hint']}", "")
    yield from (words.INSTEAD.of(language), "")
    yield from _code(slip.twin)


def _instead(language: str) -> Iterator[str]:
    yield from (f"## {words.OWN_WAYS.of(language)}", "", words.OWN_WAYS_TEXT.of(language), "")
    both = {**{name: name for name in instead.FUNCTIONS}, **{f"*{name}*": name for name in instead.NODES}}
    offered = [
        (instead.FUNCTIONS[name] if shown == name else instead.NODES[name], shown)
        for shown, name in both.items()
    ]
    rows = []
    for piece, names in groupby(sorted(offered), key=lambda pair: pair[0]):
        written = ", ".join(name if name.startswith("*") else f"`{name}`" for _, name in names)
        rows.append((written, words.NOTHING.of(language) if piece == instead.NONE else f"`{piece}`"))
    yield from _table(language, (words.WRITTEN, words.PASSES), sorted(rows))


def _functions(language: str) -> Iterator[str]:
    yield from (f"## {words.FUNCTIONS_TITLE.of(language)}", "", words.FUNCTIONS_TEXT.of(language), "")
    lists = (
        {*grammar.SCALARS.values(), *grammar.SCALAR_NAMES, "cast", "try_cast", "case"},
        {*grammar.AGGREGATES.values(), *grammar.AGGREGATE_NAMES},
        set(grammar.WINDOWS.values()),
        {grammar.AGGREGATES[node] for node in grammar.TABLE_AGGREGATES},
    )
    for title, names in zip(words.FUNCTIONS_ROWS, lists, strict=True):
        yield f"- **{title.of(language)}**: {', '.join(f'`{name}`' for name in sorted(names))}"
    yield ""


def _limits(language: str) -> Iterator[str]:
    yield from (f"## {words.LIMITS_TITLE.of(language)}", "", words.LIMITS_TEXT.of(language), "")
    rows = (
        (said.of(language), f"{getattr(grammar, name):,}", f"`{code}`")
        for code, (name, said) in words.LIMITS.items()
    )
    yield from _table(language, (words.WHAT, words.AT_MOST, words.CODE), rows)


def _others(language: str) -> Iterator[str]:
    yield from (f"## {words.OTHERS_TITLE.of(language)}", "", words.OTHERS_TEXT.of(language), "")
    told = {*words.REASONS, *words.LIMITS}
    rows = []
    for code in CODES:
        if code not in told:
            said = problem(Refused(code), CODES, language)
            rows.append((f"`{code}`", str(said["title"]), str(said["hint"])))
    yield from _table(language, (words.CODE, words.SENTENCE, words.HINT), rows)


def _everything(language: str) -> Iterator[str]:
    aggregate = len(HONEST["aggregate"])
    counts = {
        "aggregate": aggregate,
        "honest": sum(map(len, HONEST.values())) - aggregate,
        "twins": len(pairs()),
    }
    yield from (f"## {words.ALL_TITLE.of(language)}", "", words.ALL_TEXT.of(language).format(**counts), "")
    for name, said in words.FILES.items():
        yield from (f"<details><summary>{said.of(language)} ({len(HONEST[name])})</summary>", "")
        for title, sql in HONEST[name].items():
            yield from (f"**{_titled(title, language)}**", "")
            yield from _code(sql)
        yield from ("</details>", "")
