"""The page on real public tables: its words, and the counts and widths that the audit finds. Never a bound or a value."""

from collections.abc import Mapping

from enclave.disclosure.proof.public_audit import NARROW, Widths
from tests.published.tables import NAMES, audited

LANGUAGES = ("en", "ja")
PAGES = {"en": "public-tables.md", "ja": "public-tables.ja.md"}

_WORDS: Mapping[str, Mapping[str, str]] = {
    "title": {"en": "What published dashes leave open", "ja": "公表された「‐」は何を残すか"},
    "other": {"en": "[日本語](public-tables.ja.md)", "ja": "[English](public-tables.md)"},
    "intro": {
        "en": (
            "Four tables of the 9th NDB Open Data (claims of fiscal year 2022), audited by the engine's interval audit. Source: Ministry "
            "of Health, Labour and Welfare, NDB Open Data no. 9, processed. Only counts and widths are reported, never a recovered value. "
            "The page is printed by `python -m tests.published docs`; a test holds it and the audit together.\n\n"
            "The rule of these tables, from their first row: what is below 10 is a dash; where that is one place of the row, the smallest "
            "number of 10 or more is a dash too. A zero is shown. So a hidden count is at least 1. One attacker knows only that and the "
            "row's total; the other knows the rule too, and with it that nearly every dash is below 10."
        ),
        "ja": (
            "第 9 回 NDB オープンデータ（2022 年度診療分）の 4 表を、このエンジンの秘匿インターバルの監査で調べました。出典：厚生労働省「第9回NDBオープンデータ」を"
            "加工して作成。報告するのは件数と幅だけで、求まった値は示しません。このページは `python -m tests.published docs` が印刷し、テストが監査との一致を確かめます。\n\n"
            "表の 1 行目にある基準：10 未満は「‐」。行の中で 10 未満が一箇所だけなら、10 以上の最小値も「‐」。0 は示されるので、隠れた数は 1 以上です。"
            "一人目の攻撃者はこのことと行の総計だけを知り、二人目は基準も知っていて、「‐」のほとんどが 10 未満であることを使います。"
        ),
    },
    "table": {"en": "table", "ja": "表"},
    "rows": {"en": "rows", "ja": "行"},
    "cells": {"en": "cells", "ja": "セル"},
    "hidden": {"en": "hidden", "ja": "秘匿"},
    "totals": {"en": "totals hidden", "ja": "総計も秘匿"},
    "attacker": {"en": "attacker", "ja": "攻撃者"},
    "exact": {"en": "exact", "ja": "一意に定まる"},
    "narrow": {"en": f"at most {NARROW} numbers", "ja": f"{NARROW} 通り以下"},
    "endless": {"en": "no upper end", "ja": "上限なし"},
    "median": {"en": "median width (numbers)", "ja": "幅の中央値（通り）"},
    "ignorant": {"en": "knows the total", "ja": "総計を知る"},
    "informed": {"en": "knows the rule too", "ja": "基準も知る"},
    "odd": {
        "en": "Rows whose numbers are no sum: {wrong}. Rows whose dashes the rule does not give: {unexplained}.",
        "ja": "総計が内訳の和でない行：{wrong}。基準からは生じない「‐」のある行：{unexplained}。",
    },
    "meaning": {"en": "What it means", "ja": "読み方"},
    "said": {
        "en": (
            "- **To whoever reads such tables.** No dash of these rows can be solved by the row's total, as the rule intends.\n"
            "- **To whoever makes them.** The rule works row by row. Who knows it narrows a hidden count to at most nine numbers, whatever "
            "the total: a width of 9 is the threshold itself, and no wider table gives more. A few rows leave only two or three numbers: "
            "where several dashes share a small rest. A requirement on widths (`interval` of a rule set, "
            "[protecting tables](protecting-tables.md)) is what forbids that.\n"
            "- **Not examined here.** Sums over rows: the totals of columns are not published in these tables. Tables that share rows "
            "(claims and patients of the same act, additions and their base) can narrow each other."
        ),
        "ja": (
            "- **表を読む人へ。** 基準の意図どおり、行の総計から求まる「‐」は一つもありません。\n"
            "- **表を作る人へ。** この基準は行ごとに働きます。基準を知る人にとって、隠れた数は総計によらず最大でも 9 通りです。幅 9 は基準の数そのもので、表を大きく"
            "しても広がりません。いくつかの行では、複数の「‐」が小さな残りを分け合うため 2〜3 通りしか残りません。幅についての要件（基準の `interval`、"
            "[表の秘匿](protecting-tables.ja.md)）があればこれを防げます。\n"
            "- **ここで調べていないこと。** 行をまたぐ和（これらの表では列の合計は公表されていません）。同じ行を持つ表どうし（同じ診療行為の算定回数と患者数、"
            "加算とその元）は、互いの幅を狭めることがあります。"
        ),
    },
}  # fmt: skip


def page(language: str) -> str:
    """The whole page in one language."""
    word = {name: words[language] for name, words in _WORDS.items()}
    heads = ("table", "rows", "cells", "hidden", "totals", "attacker", "exact", "narrow", "endless", "median")
    lines = [f"# {word['title']}", "", word["other"], "", word["intro"], ""]
    lines += ["| " + " | ".join(word[head] for head in heads) + " |", "|" + " --- |" * len(heads)]
    wrong = unexplained = 0
    for name, words in NAMES.items():
        told = audited(name)
        wrong, unexplained = wrong + told.contradictory, unexplained + told.unexplained
        hidden = f"{told.ignorant.hidden:,} ({100 * told.ignorant.hidden / told.cells:.1f} %)"
        first = (words[language], f"{told.rows}", f"{told.cells:,}", hidden, f"{told.totals}")
        lines += [_row(*first, word["ignorant"], *_numbers(told.ignorant))]
        lines += [_row("", "", "", "", "", word["informed"], *_numbers(told.informed))]
    lines += ["", word["odd"].format(wrong=wrong, unexplained=unexplained), ""]
    lines += [f"## {word['meaning']}", "", word["said"]]
    return "\n".join(lines) + "\n"


def _numbers(found: Widths) -> tuple[str, ...]:
    middle = "–" if found.median is None else f"{found.median:g}"
    return (f"{found.exact}", f"{found.narrow}", f"{found.endless}", middle)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
