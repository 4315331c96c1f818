"""The page on the rules of outputs, printed from the rule sets, the engine's own verdicts and `words`."""

from collections.abc import Mapping
from pathlib import Path

from enclave.adapters.rule_files import load_directory
from enclave.disclosure.codes import CODES
from enclave.disclosure.criteria.categories import Categories, unfit
from enclave.disclosure.criteria.cell_rules import Reason, reasons
from enclave.disclosure.criteria.rule_forms import FORMS
from enclave.disclosure.criteria.rules import RuleSet, combine
from tests.ruling.examples import EXAMPLES, Example
from tests.ruling.words import SECTIONS

LANGUAGES = ("en", "ja")
NAMES = {"en": "rules-of-outputs.md", "ja": "rules-of-outputs.ja.md"}
DATA = Path(__file__).resolve().parents[2] / "policies" / "data"

_HEADS: Mapping[str, Mapping[str, str]] = {
    "title": {"en": "Rules of outputs", "ja": "公表物の基準"},
    "intro": {
        "en": (
            "Which rules a number must keep to be shown, where each comes from, and what it means to whoever makes a table and to "
            "whoever checks it. The numbers stand in `policies/data/<id>/data.yaml`, each set dated and with its source, and "
            "nowhere else. Every verdict on this page was given by the program; a test holds page, rule sets and program "
            "together. This page is printed by `python -m tests.ruling docs`; do not edit it by hand."
        ),
        "ja": (
            "数値を示すために守るべき基準、その出典、そして表を作る人と確認する人にとっての意味をまとめたページです。基準の数は "
            "`policies/data/<id>/data.yaml` だけにあり、どれも日付と出典を持ちます。このページの判定はすべてプログラムが出したもので、"
            "ページ・基準・プログラムの一致はテストが確かめます。このページは `python -m tests.ruling docs` が印刷します。手で編集しないでください。"
        ),
    },
    "binds": {"en": "Which sets bind", "ja": "どの基準が適用されるか"},
    "binding": {
        "en": (
            "A set binds where it is in force on the day and covers a database that the output draws on; an output of several "
            "databases obeys all of their sets, the strictest of each rule. The policy server decides it once per question and "
            "once per submission and hands the numbers over (`policies/enclave/disclosure`). A database that no set covers shows "
            "nothing. Sets of other bodies bind no database here: they are named, to protect or to read a table as that body does. "
            "What a rule needs and nobody counted makes a cell unsafe."
        ),
        "ja": (
            "その日に有効で、公表物が使うデータベースを対象とする基準が適用されます。複数のデータベースを使う公表物には、すべての基準のうち最も"
            "厳しいものが適用されます。ポリシーサーバーが問い合わせごと・申請ごとに一度だけ決め、数を引き渡します (`policies/enclave/disclosure`)。"
            "どの基準の対象でもないデータベースは何も表示しません。他機関の基準はここのデータベースには適用されず、名前を指定したときだけ使います。"
            "判定に必要なのに誰も数えていないものがあれば、そのセルは安全と判定しません。"
        ),
    },
    "set": {"en": "set | in force | covers | source", "ja": "基準 | 有効期間 | 対象 | 出典"},
    "rule": {"en": "Rule", "ja": "基準"},
    "source": {"en": "Source", "ja": "出典"},
    "researcher": {"en": "To a researcher", "ja": "研究者へ"},
    "checker": {"en": "To a checker", "ja": "確認者へ"},
    "values": {"en": "In the sets", "ja": "各基準の値"},
    "example": {"en": "example | under | verdict", "ja": "例 | 適用する基準 | 判定"},
    "safe": {"en": "may be shown", "ja": "表示できる"},
    "none": {"en": "no set uses it yet", "ja": "使う基準はまだない"},
}


def verdict(example: Example, sets: Mapping[str, RuleSet]) -> tuple[Reason, ...]:
    """What the program says of an example."""
    rules = combine([sets[one] for one in example.sets])
    if isinstance(example.cell, Categories):
        return unfit(example.cell, rules)
    return reasons(example.cell, rules)


def _said(reason: Reason, language: str) -> str:
    wording = CODES[reason.code]
    title = wording.title_ja if language == "ja" else wording.title_en
    facts = " ".join(f"{key}={value}" for key, value in reason.facts.items())
    return (
        f"{title.format(**reason.facts)} `{reason.code}` ({reason.rule_set}{'; ' + facts if facts else ''})"
    )


def _values(key: str, sets: Mapping[str, RuleSet], language: str) -> list[str]:
    found = []
    for name, one in sets.items():
        match key:
            case "min_persons":
                value = one.min_persons and {"n": one.min_persons.n, "zero": one.min_persons.zero.value}
            case "min_persons_by_population":
                value = [{"below": t.below, "n": t.n} for t in one.min_persons_by_population]
            case "min_institutions":
                value = one.min_institutions and {"n": one.min_institutions}
            case "interval":
                value = one.min_whole_numbers and {"min_whole_numbers": one.min_whole_numbers}
            case _:
                value = getattr(one, key)
        if value:
            found.append(f"- `{name}`: `{key}: {_yaml(value)}`")
    return found or [f"- `{key}`: {_HEADS['none'][language]}"]


def _yaml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_yaml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_yaml(one) for one in value) + "]"
    return "null" if value is None else str(value)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def page(language: str) -> str:
    """The whole page in one language."""
    sets = load_directory(DATA)
    other = "ja" if language == "en" else "en"
    head = {key: words[language] for key, words in _HEADS.items()}
    lines = [
        f"# {head['title']}",
        "",
        f"[{'日本語' if other == 'ja' else 'English'}]({NAMES[other]})",
        "",
        head["intro"],
    ]
    lines += [
        "",
        f"## {head['binds']}",
        "",
        head["binding"],
        "",
        f"| {head['set']} |",
        "| --- | --- | --- | --- |",
    ]
    for name, one in sets.items():
        period = f"{one.valid_from} – {one.valid_to or ''}".strip()
        lines.append(_row(f"`{name}`", period, ", ".join(f"`{d}`" for d in one.databases), one.source))
    for key, section in SECTIONS.items():
        title, rule, source, researcher, checker = section.text(language)
        lines += ["", f"## {title}", ""]
        lines += [f"- **{head['rule']}.** {rule}", f"- **{head['source']}.** {source}"]
        lines += [f"- **{head['researcher']}.** {researcher}", f"- **{head['checker']}.** {checker}"]
        lines += ["", f"{head['values']}:", ""]
        for one_key in section.keys:
            lines += _values(one_key, sets, language)
        lines += ["", f"| {head['example']} |", "| --- | --- | --- |"]
        for example in EXAMPLES[key]:
            found = "<br>".join(_said(reason, language) for reason in verdict(example, sets))
            lines.append(_row(example.words[language], ", ".join(example.sets), found or head["safe"]))
        for name in _PICTURES.get(key, ()):
            lines += ["", f"![{title}](pictures/{name}.{language}.svg)"]
        for example in EXAMPLES[key]:
            if example.picture:
                lines += ["", f"{example.words[language]}:", "", "```", example.picture, "```"]
    return "\n".join(lines) + "\n"


_PICTURES: Mapping[str, tuple[str, ...]] = {"min_persons": ("by-hand", "by-engine"), "rounding": ("noise",)}
"""Section → pictures of `tests.pictures`, which draws them from the engine's own results."""

UNEXPLAINED = frozenset(FORMS) - {key for section in SECTIONS.values() for key in section.keys}
"""Keys of a rule set that the page leaves out: blocks are no rule of an output."""
