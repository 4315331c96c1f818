"""What facts say in words: rules, kinds and reasons, as people read them in either language.

Decides nothing. A fact is a stable word for machines (`min_institutions`, `time of death`); a sentence shows what it means
(`core.refusal.problem`). A key that ends with a space stands for everything that begins so.
"""

from collections.abc import Mapping
from typing import Final

Words = Mapping[str, tuple[str, str]]

RULES: Final[Words] = {
    "min_persons": ("人数", "the number of persons"),
    "min_persons_by_population": ("市区町村の人口に応じた人数", "the number of persons by population"),
    "min_institutions": ("施設・保険者の数", "the number of institutions"),
    "dominance": ("最大の寄与の占める割合 (dominance)", "the share of the largest contributions (dominance)"),
    "p_percent": ("最大の寄与の推定 (p%)", "how closely the largest contribution can be estimated (p %)"),
    "pq": ("事前の知識による推定 (p-q)", "how closely it can be estimated with earlier knowledge (p-q)"),
    "masking": ("公表表のマスキング規則 (masking)", "the masking of public tables"),
    "perturbation": ("数値の攪乱 (perturbation)", "the perturbation of counts"),
    "rounding": ("丸め (rounding)", "rounding"),
    "insiders": ("自分の寄与を知る者 (insiders)", "those who know their own contribution (insiders)"),
    "interval": ("秘匿インターバル (interval)", "the interval of a hidden cell"),
    "age": ("年齢区分", "the bands of age"),
    "birth_weight": ("出生体重の区分", "the bands of birth weight"),
    "statistics.quantile_margin": ("分位点の両側の人数", "the persons on either side of a quantile"),
    "statistics.survival_at_risk": ("リスク集合の人数", "the persons at risk"),
    "statistics.min_df": ("残差自由度", "the residual degrees of freedom"),
}

_NEEDS: Final[Words] = {
    "a mapping": ("項目と値の組", "a mapping"),
    "a mapping of at least one dimension": ("一つ以上の次元の組", "a mapping of at least one dimension"),
    "columns, each with what it is": ("列ごとの説明", "columns, each with what it is"),
    "a list of columns": ("列名のリスト", "a list of columns"),
    "the name of a column": ("列名", "the name of a column"),
    "the name of a file": ("ファイル名", "the name of a file"),
    "a text": ("文字列", "a text"),
    "a code of its column": ("その列にある符号", "a code of its column"),
    "YAML, each key once": ("同じキーのない YAML", "YAML, each key once"),
    "a date": ("日付", "a date"),
    "a date after valid_from": ("valid_from より後の日付", "a date after valid_from"),
    "a value": ("値", "a value"),
    "a list": ("リスト", "a list"),
    "a list of texts, each once": ("重複のない文字列のリスト", "a list of texts, each once"),
    "a list of ages": ("年齢のリスト", "a list of ages"),
    "a list of databases": ("データベースのリスト", "a list of databases"),
    "something to do": ("何らかの指定", "something to do"),
    "more than p": ("p より大きい数", "more than p"),
    "0, or at least base": ("0、または base 以上の数", "0, or at least base"),
    "less than birth_weight_high": ("birth_weight_high より小さい数", "less than birth_weight_high"),
    "entries of {below, n}": ("{below, n} の組", "entries of {below, n}"),
    "each `below` once": ("重複のない below", "each `below` once"),
    "ids of databases, or *": ("データベースの ID か *", "ids of databases, or *"),
    "a code of a dimension of another table": ("別の表の次元の区分", "a code of a dimension of another table"),
    "seconds, more than 0": ("0 より大きい秒数", "seconds, more than 0"),
    "less than top": ("top より小さい数", "less than top"),
    "less than max_deviation": ("max_deviation より小さい数", "less than max_deviation"),
    "a whole number, 0 or more": ("0 以上の整数", "a whole number, 0 or more"),
    "0 or more": ("0 以上", "0 or more"),
    "a column that is not a dimension": ("次元でない列", "a column that is not a dimension"),
    "a column, {log: column}, or 1": ("列名、{log: 列名}、または 1", "a column, {log: column}, or 1"),
    "a number, n% of the value, or a column": ("数、値の n%、または列名", "a number, n% of the value, or a column"),
    "a name of letters, digits, - and _": ("英数字、-、_ による名前", "a name of letters, digits, - and _"),
    "fixed or sliding": ("fixed か sliding", "fixed or sliding"),
    "hours above 0 and up to 24": ("0 より大きく 24 以下の時間", "hours above 0 and up to 24"),
    "the width of the bands of a time of death": ("死亡時刻の区分の幅", "the width of the bands of a time of death"),
    "characters that can be seen": ("目に見える文字だけ", "characters that can be seen"),
    "the table that it names, submitted with it": (
        "そこに書かれた表。一緒に提出するもの",
        "the table that it names, submitted with it",
    ),
    "one of ": ("次のいずれか: ", "one of "),
    "a whole number of at least ": ("整数で、少なくとも ", "a whole number of at least "),
    "at most ": ("最大 ", "at most "),
    "no such evidence of a ": ("ここでは使えない根拠。統計の種類: ", "no such evidence of a "),
}  # fmt: skip

_AREAS: Final[Words] = {
    "pref": ("都道府県", "the prefecture"),
    "sma": ("二次医療圏", "the secondary medical area"),
    "muni": ("市区町村", "the municipality"),
}

_ITEMS: Final[Words] = {
    "time of death": ("死亡の時刻", "the time of death"),
    "birth weight": ("出生体重", "the birth weight"),
    "siblings": ("きょうだいの数", "the number of siblings"),
    "insurer_kind": ("保険者の種別", "the kind of insurer"),
    "groups": ("いくつかの区分", "groups"),
}

_WORKBOOK: Final[Words] = {
    "macros": ("マクロ", "macros"), "embedded": ("埋め込まれたファイル", "an embedded file"),
    "external_link": ("ほかのファイルへのリンク", "a link to another file"), "comments": ("コメント", "comments"),
    "drawing": ("図形", "a drawing"), "picture": ("画像", "a picture"), "chart": ("グラフ", "a chart"),
    "pivot": ("ピボットテーブル", "a pivot table"), "connection": ("外部データへの接続", "a data connection"),
    "custom_data": ("独自データ", "custom data"), "table": ("テーブル定義", "a table object"),
    "printer": ("プリンターの設定", "printer settings"), "formula_chain": ("計算順序の記録", "the order of calculation"),
    "links": ("リンク", "links"), "link": ("リンク", "a link"), "unknown": ("不明な部分", "an unknown part"),
    "folder": ("フォルダー", "a folder"), "element": ("表にない要素", "an element that no table has"),
    "formula": ("計算式", "a formula"), "rich_text": ("書式付きの文字", "formatted text"),
    "reading_aid": ("ふりがな", "a reading aid"), "merged_cells": ("結合セル", "merged cells"),
    "filter": ("フィルター", "a filter"), "validation": ("入力規則", "a list to choose from"),
    "conditional_format": ("条件付き書式", "a conditional format"), "header_footer": ("ヘッダー・フッター", "heads of printed pages"),
    "extension": ("拡張データ", "an extension"), "text": ("セル外の文字", "text outside the cells"),
    "hidden_rows_or_columns": ("非表示の行・列", "hidden rows or columns"), "hidden_sheet": ("非表示のシート", "a hidden sheet"),
    "property": ("文書の属性", "a property of the document"), "defined_name": ("名前の定義", "a defined name"),
    "number_format": ("値を隠す表示形式", "a number format that hides"), "sheets": ("複数のシート", "several sheets"),
    "sheet_name": ("シート名", "the name of a sheet"), "unused_text": ("どのセルにもない文字", "text that no cell shows"), "name": ("名前の定義", "a defined name"),
    "archive": ("ZIP として不正", "the archive"), "bomb": ("展開すると大きすぎる", "it unpacks without end"),
    "xml": ("XML として不正", "the XML"), "order": ("セルの順序が不正", "cells out of order"),
    "metadata": ("付加情報", "notes beside the columns"), "unused_categories": ("使われていない区分", "categories that no cell has"),
}  # fmt: skip

_OTHERS: Final[Words] = {"another project": ("別のプロジェクトの公表", "a release of another project")}
_NEAREST: Final[Words] = {"-": ("見つかりません", "none was found")}

TERMS: Final[Mapping[str, Words]] = {
    "disclosure.spec_invalid": _NEEDS,
    "disclosure.rule_invalid": _NEEDS,
    "disclosure.hierarchy_invalid": {
        "two_parents": ("親が二つあります", "it has two parents"),
        "cycle": ("循環しています", "it leads back to itself"),
        "gap": ("合計までたどれません", "no way leads from it to the total"),
    },
    "disclosure.evidence_missing": RULES,
    "disclosure.rule_unsupported": RULES,
    "disclosure.history_unjudged": RULES,
    "disclosure.area_too_fine": _AREAS,
    "disclosure.crossing": _ITEMS,
    "disclosure.death_item": _ITEMS,
    "disclosure.age_bands": {"-": ("上限", "the top")},
    "disclosure.history_pair": {**_OTHERS, **_NEAREST},
    "disclosure.history_sum": {**_OTHERS, **_NEAREST},
    "disclosure.history_equal": _OTHERS,
    "disclosure.history_records": _OTHERS,
    "disclosure.history_area": _OTHERS,
    "disclosure.history_bound": {"all": ("すべて", "all")},
    **{f"disclosure.workbook_{name}": _WORKBOOK for name in ("unsafe", "part", "hidden", "formula", "said")},
    "disclosure.file_said": _WORKBOOK,
}
