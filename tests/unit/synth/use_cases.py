"""`python -m tests.unit.synth.use_cases DIR TUMOURS [ja | en]`: the use cases' tables for the documents.

DIR and TUMOURS are two runs of `data synth`; the second begins in 2018, the year whose stomach cancers are followed.
Everything is asked over extracts that custody builds (`provided`), summed over prefectures or sexes to fit a page.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.synth.provided import TUMOURS, WISHES, Provided, queries


@dataclass(frozen=True)
class Shown:
    """A use case's table: `sql` over its answer (`{q}`), titles and heads in Japanese and English, formats."""

    case: str
    titles: tuple[str, str]
    heads: tuple[tuple[str, ...], tuple[str, ...]]
    formats: tuple[str, ...]
    sql: str


SHOWN = (
    Shown(
        "UC1",
        (
            "医薬品の安全性: 新規使用者と水疱性類天疱瘡（L12.0）",
            "Drug safety: new users and bullous pemphigoid (L12.0)",
        ),
        (
            ("薬剤", "年齢", "新規使用者", "発症", "人年", "千人年あたり"),
            ("Drug", "Age", "New users", "Cases", "Person-years", "per 1,000 py"),
        ),
        ("{}", "{}", "{:,.0f}", "{:.0f}", "{:,.0f}", "{:.2f}"),
        "SELECT grp, CASE WHEN age5 < 65 THEN '40–64' WHEN age5 < 75 THEN '65–74' ELSE '75+' END AS a, sum(n), sum(events),"
        " sum(py), 1000 * sum(events) / sum(py) FROM ({q}) GROUP BY ALL ORDER BY ALL",
    ),
    Shown(
        "UC3",
        (
            "2018年診断の胃がん: 進展度別3年生存（410 限局、420 リンパ節、430 隣接、440 遠隔、499 不明）",
            "Gastric cancer diagnosed in 2018: three-year survival by extent (410 localised, 420 nodes, 430 adjacent, "
            "440 distant, 499 unknown)",
        ),
        (("進展度", "罹患", "死亡", "生存"), ("Extent", "Cancers", "Deaths", "Survival")),
        ("{}", "{:,.0f}", "{:,.0f}", "{:.2f}"),
        "SELECT extent, sum(n), sum(deaths_3y), 1 - sum(deaths_3y) / sum(n) FROM ({q}) GROUP BY ALL ORDER BY ALL",
    ),
    Shown(
        "UC4",
        (
            "新型コロナワクチンと心筋炎・心膜炎（0～21日、対照は −60～−1日と22～60日）",
            "COVID-19 vaccination and myocarditis or pericarditis (0–21 days; control −60…−1 and 22–60 days)",
        ),
        (
            ("回", "群", "接種者", "リスク期間", "対照期間"),
            ("Dose", "Group", "Vaccinated", "Risk window", "Control window"),
        ),
        ("{}", "{}", "{:,.0f}", "{:.0f}", "{:.0f}"),
        "SELECT dose_no, CASE WHEN sex = 1 AND age10 IN (10, 20) THEN 'm 10–29' ELSE '*' END AS g, sum(vaccinated),"
        " sum(risk_window), sum(control_window) FROM ({q}) WHERE vaccine LIKE 'COVID%' AND dose_no <= 3"
        " GROUP BY ALL ORDER BY ALL",
    ),
    Shown(
        "UC5",
        ("COVID-19後の味覚障害（発病からの月）", "Disorder of taste after COVID-19, by months since onset"),
        (("月", "男", "女"), ("Month", "Men", "Women")),
        ("{}", "{:,.0f}", "{:,.0f}"),
        "SELECT m, coalesce(sum(n) FILTER (sex = 1), 0), coalesce(sum(n) FILTER (sex = 2), 0) FROM ({q})"
        " GROUP BY ALL ORDER BY ALL",
    ),
    Shown(
        "UC7",
        (
            "健診の腎機能区分と3年以内の透析",
            "Check-up stage of kidney function and dialysis within three years",
        ),
        (("eGFR", "A1", "A2", "A3", "透析", "千対"), ("eGFR", "A1", "A2", "A3", "Dialysis", "per 1,000")),
        ("{}", "{:,.0f}", "{:,.0f}", "{:,.0f}", "{:.0f}", "{:.1f}"),
        "SELECT g, sum(n) FILTER (a = 'A1'), sum(n) FILTER (a = 'A2'), sum(n) FILTER (a = 'A3'), sum(dialysis),"
        " 1000 * sum(dialysis) / sum(n) FROM ({q}) GROUP BY ALL ORDER BY ALL",
    ),
    Shown(
        "UC8",
        ("重症筋無力症（2021年度の個人票）", "Myasthenia gravis, forms of FY2021"),
        (
            ("重症度", "人", "ステロイド", "タクロリムス", "小慢から"),
            ("Severity", "Persons", "Steroid", "Tacrolimus", "In the children's register"),
        ),
        ("{}", "{:.0f}", "{:.0f}", "{:.0f}", "{:.0f}"),
        "SELECT severity, sum(n), sum(steroid), sum(tacrolimus), sum(from_shoman) FROM ({q}) GROUP BY ALL ORDER BY ALL",
    ),
    Shown(
        "UC11",
        ("障害支援区分と入院・医療費（2021年度）", "Support level, admissions and cost in FY2021"),
        (("区分", "人", "入院", "一人あたり円"), ("Level", "Persons", "Admitted", "Yen a person")),
        ("{}", "{:,.0f}", "{:,.0f}", "{:,.0f}"),
        "SELECT * FROM ({q}) ORDER BY ALL",
    ),
    Shown(
        "HIP",
        (
            "大腿骨近位部骨折の手術（K046・K081、5年間）",
            "Operated hip fractures (K046, K081) over five years",
        ),
        (
            ("性", "年齢", "受診者", "手術", "千対"),
            ("Sex", "Age", "With a claim", "Operated", "per 1,000"),
        ),
        ("{}", "{}", "{:,.0f}", "{:,.0f}", "{:.1f}"),
        "SELECT * FROM ({q}) ORDER BY ALL",
    ),
)


def table(provided: Provided, shown: Shown, language: str) -> list[str]:
    """A use case's lines of Markdown."""
    own = 0 if language == "ja" else 1
    heads = shown.heads[own]
    name = "" if shown.case == "HIP" else f" ({shown.case})"
    lines = [f"**{shown.titles[own]}**{name}", "", "| " + " | ".join(heads) + " |"]
    lines.append("|" + "|".join(["---", *["---:"] * (len(heads) - 1)]) + "|")
    for row in provided.ask(shown.case, shown.sql.format(q=queries()[shown.case])):
        cells = (
            "–" if value is None else form.format(value)
            for form, value in zip(shown.formats, row.values(), strict=True)
        )
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]


def main(words: Sequence[str]) -> int:
    """Print the tables."""
    made, registry = Path(words[0]), Path(words[1])
    with tempfile.TemporaryDirectory(prefix="enclave-synth-") as home, pytest.MonkeyPatch.context() as patch:
        provided = Provided(Path(home), patch)
        provided.take_in(registry, (TUMOURS,))
        provided.take_in(made, WISHES)
        for language in words[2:] or ("en", "ja"):
            for shown in SHOWN:
                print("\n".join(table(provided, shown, language)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
