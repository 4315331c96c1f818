"""The worked examples of the page: a cell in words, the evidence of it, and the rule sets it is judged by."""

from collections.abc import Mapping
from dataclasses import dataclass

from enclave.disclosure.criteria.categories import Categories
from enclave.disclosure.criteria.evidence import CellEvidence, Route, Statistic


@dataclass(frozen=True)
class Example:
    """`words`: the cell, by language. `sets`: ids of rule sets. `picture`: lines of text, the same in every language."""

    words: Mapping[str, str]
    sets: tuple[str, ...]
    cell: CellEvidence | Categories
    picture: str = ""


def said(ja: str, en: str) -> Mapping[str, str]:
    return {"ja": ja, "en": en}


NDB, KAIGO, EU, ESSNET = "ndb-2024-09", "kaigo-2022-12", "eu-output", "essnet-2010"

EXAMPLES: Mapping[str, tuple[Example, ...]] = {
    "min_persons": (
        Example(said("患者 9 人", "9 patients"), (NDB,), CellEvidence(9)),
        Example(said("患者 10 人", "10 patients"), (NDB,), CellEvidence(10)),
        Example(said("患者 0 人", "no patient"), (NDB,), CellEvidence(0)),
        Example(said("患者 0 人", "no patient"), (EU,), CellEvidence(0)),
        Example(
            said("患者 300 人のうち 3% (9 人)", "3 % of 300 patients (9)"),
            (NDB,),
            CellEvidence(300, Statistic.RATIO, numerator=9),
        ),
        Example(said("人数を数えていない平均", "a mean of nobody knows how many"), (NDB,), CellEvidence()),
    ),
    "min_persons_by_population": (
        Example(
            said("人口 1,500 人の村の患者 40 人", "40 patients of a village of 1,500"),
            (NDB,),
            CellEvidence(40, population=1_500, municipal=True),
        ),
        Example(
            said("人口 8,000 人の町の患者 19 人", "19 patients of a town of 8,000"),
            (NDB,),
            CellEvidence(19, population=8_000, municipal=True),
        ),
        Example(
            said("人口 8,000 人の町の患者 20 人", "20 patients of a town of 8,000"),
            (NDB,),
            CellEvidence(20, population=8_000, municipal=True),
        ),
        Example(
            said("人口のわからない市区町村の患者 40 人", "40 patients of a municipality of unknown size"),
            (NDB,),
            CellEvidence(40, municipal=True),
        ),
    ),
    "min_institutions": (
        Example(
            said("2 事業所の利用者 120 人", "120 clients of 2 providers"),
            (KAIGO,),
            CellEvidence(120, institutions=2),
        ),
        Example(
            said("2 病院の患者 120 人 (NDB)", "120 patients of 2 hospitals (NDB)"),
            (NDB,),
            CellEvidence(120, institutions=2),
        ),
        Example(
            said("NDB と介護 DB を連結した同じ表", "the same of NDB and 介護DB linked"),
            (NDB, KAIGO),
            CellEvidence(120, institutions=2),
        ),
    ),
    "group": (
        Example(
            said("一つの町の患者 100 人のうち 95 人が陽性", "95 of a town's 100 patients are positive"),
            (NDB,),
            CellEvidence(95, group=100),
            picture="positive  ███████████████████▏  95\nnegative  █▏   5  ← 100 − 95",
        ),
        Example(said("100 人全員が陽性", "all 100 are positive"), (ESSNET,), CellEvidence(100, group=100)),
        Example(
            said("100 人のうち 89 人が陽性", "89 of 100 are positive"),
            (ESSNET,),
            CellEvidence(89, group=100),
        ),
    ),
    "dominance": (
        Example(
            said("費用 1,000 のうち最大の 2 人が 920", "costs of 1,000, of which the largest two make 920"),
            (EU,),
            CellEvidence(40, Statistic.SUM, total=1000, contributions=(500, 420)),
            picture="largest  █████████████▏        500\nsecond   ███████████▏          420\n38 more  ██▏                    80",
        ),
        Example(
            said("費用 1,000 のうち最大の 1 人が 480", "costs of 1,000, of which the largest makes 480"),
            (ESSNET,),
            CellEvidence(40, Statistic.SUM, total=1000, contributions=(480,)),
        ),
    ),
    "p_percent": (
        Example(
            said(
                "合計 100,000、最大 50,000、次が 49,000",
                "a total of 100,000, the largest 50,000, the next 49,000",
            ),
            (EU,),
            CellEvidence(40, Statistic.SUM, total=100_000, contributions=(50_000, 49_000)),
            picture="100,000 − 49,000 = 51,000 : the second largest knows the largest (50,000) to within 2 %",
        ),
        Example(
            said(
                "合計 115,000、最大 52,000、次が 50,000",
                "a total of 115,000, the largest 52,000, the next 50,000",
            ),
            (EU,),
            CellEvidence(40, Statistic.SUM, total=115_000, contributions=(52_000, 50_000)),
        ),
        Example(
            said("最大の値がわからない合計", "a total whose largest contributions nobody knows"),
            (EU,),
            CellEvidence(40, Statistic.SUM, total=100_000),
        ),
    ),
    "quantities": (
        Example(
            said("人数不明、内服薬 999 錠", "999 tablets, patients not known"),
            (NDB,),
            CellEvidence(None, Statistic.QUANTITY, quantity=999, route=Route.ORAL),
        ),
        Example(
            said("人数不明、注射薬 400 本", "400 injections, patients not known"),
            (NDB,),
            CellEvidence(None, Statistic.QUANTITY, quantity=400, route=Route.INJECTION),
        ),
        Example(
            said("患者 9 人、内服薬 5,000 錠", "5,000 tablets of 9 patients"),
            (NDB,),
            CellEvidence(9, Statistic.QUANTITY, quantity=5000, route=Route.ORAL),
        ),
    ),
    "statistics": (
        Example(
            said("100 人の 95% 点 (上に 5 人)", "the 95 % point of 100 (5 above)"),
            (EU,),
            CellEvidence(100, Statistic.QUANTILE, below=95, above=5),
            picture="|·······················|·················|···|\n 0                      50                95   ↑ 5 persons",
        ),
        Example(
            said("100 人の中央値", "the median of 100"),
            (EU,),
            CellEvidence(100, Statistic.QUANTILE, below=50, above=50),
        ),
        Example(
            said("最高齢 (1 人)", "the highest age (of one)"),
            (EU,),
            CellEvidence(100, Statistic.EXTREME, at=1),
        ),
        Example(
            said("リスク集合が 7 人の段", "a step of a curve with 7 at risk"),
            (EU,),
            CellEvidence(100, Statistic.SURVIVAL, at_risk=7),
        ),
        Example(
            said("12 人、説明変数 6 個の回帰", "a regression of 12 persons on 6 variables"),
            (EU,),
            CellEvidence(12, Statistic.MODEL, df=5),
        ),
    ),
    "rounding": (
        Example(said("患者 7 人", "7 patients"), ("opensafely-rounding",), CellEvidence(7)),
        Example(said("患者 8 人", "8 patients"), ("opensafely-rounding",), CellEvidence(8)),
    ),
    "age": (
        Example(said("0–4 歳、5–9 歳", "ages 0–4, 5–9"), (NDB,), Categories(ages=((0, 5), (5, 10)))),
        Example(
            said("100–104 歳、105 歳以上", "ages 100–104, 105 and over"),
            (NDB,),
            Categories(ages=((100, 105), (105, None))),
        ),
        Example(
            said("60–64 歳、65–69 歳 (介護)", "ages 60–64, 65–69 (care)"),
            (KAIGO,),
            Categories(ages=((60, 65), (65, 70))),
        ),
    ),
    "area": (
        Example(
            said("市区町村 × 保険者種別", "municipality × kind of insurer"),
            (NDB,),
            Categories(areas=frozenset({"muni"}), crossed=frozenset({"insurer_kind"})),
        ),
        Example(
            said("二次医療圏 × 保険者種別", "secondary medical area × kind of insurer"),
            (NDB,),
            Categories(areas=frozenset({"sma"}), crossed=frozenset({"insurer_kind"})),
        ),
    ),
    "death": (
        Example(said("1 時間ごとの死亡時刻", "time of death by the hour"), (NDB,), Categories(death_hours=1)),
        Example(
            said("100 g ごとの出生体重", "birth weight by 100 g"),
            (NDB,),
            Categories(birth_weights=((0, 300), (300, 400), (4000, None))),
        ),
        Example(
            said("きょうだいの数をそのまま", "the number of siblings as it is"),
            (NDB,),
            Categories(ungrouped=frozenset({"siblings"})),
        ),
    ),
}
"""Key of a rule set → its examples."""
