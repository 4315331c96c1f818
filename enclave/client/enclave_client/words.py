"""Every sentence that the client itself says, in both languages. What the gateway says comes translated already."""

from datetime import datetime, timedelta, timezone
from typing import Literal

Language = Literal["ja", "en"]

WORDS: dict[str, tuple[str, str]] = {
    "connected": (
        "接続しました: {person} さん / プロジェクト {project} / 承諾 {permit}（{tier}）/ {valid_to} まで",
        "Connected: {person} / project {project} / permit {permit} ({tier}) / until {valid_to}",
    ),
    "tier.record": ("個票を閲覧できる段階", "record tier"),
    "tier.aggregate": ("集計のみの段階", "aggregate tier"),
    "running": ("実行中", "running"),
    "waiting": ("順番を待っています", "waiting for its turn"),
    "cancelled": ("問合せを取り消しました。", "The query was cancelled."),
    "cancelled.hint": ("取り消しも記録されています。", "That it was cancelled is on record, too."),
    "budget.limit": ("一日の上限", "limit a day"),
    "budget.used": ("使った量", "used today"),
    "budget.left": ("残り", "left today"),
    "budget.unlimited": ("上限なし", "no limit"),
    "budget.queries_day": ("問い合わせ（回）", "queries"),
    "budget.rows_day": ("行", "rows"),
    "budget.bytes_day": ("データ量（バイト）", "bytes"),
    "budget.renewed": ("{time} に戻ります。", "Renewed at {time}."),
    "refused": ("承認されませんでした", "Refused"),
    "hidden_cells": ("秘匿", "hidden"),
    "shown_cells": ("表示", "shown"),
    "perturbed_cells": ("攪乱", "perturbed"),
    "rows": ("行", "rows"),
    "more_rows": ("ほか {n} 行", "{n} more rows"),
    "all": ("計", "all"),
    "hidden_has_no_value": (
        "秘匿されたセルには値がありません。計算に使うには .shown() で表示されているセルだけを取り出してください。",
        "A hidden cell has no value. Take only the shown cells with .shown() to calculate with them.",
    ),
    "findings.title": ("機械による確認", "The machine's findings"),
    "row": ("行", "row"),
    "file": ("ファイル", "file"),
    "verdict": ("判定", "verdict"),
    "code": ("コード", "code"),
    "where": ("場所", "where"),
    "sentence": ("内容", "what it means"),
    "verdict.pass": ("合格", "pass"),
    "verdict.fail": ("不合格", "fail"),
    "verdict.human": ("人の確認が必要", "for a person to decide"),
    "no_findings": ("指摘はありません", "nothing found"),
    "more_findings": (
        "ほか {n} 件。すべての指摘は返り値の .findings() で見られます。",
        "{n} more. All of them are in .findings() of what submit() returns.",
    ),
    "next.queued": (
        "次は: 2 名の確認者が互いの判断を見ずに確認します。承認されると、ポータルからダウンロードできます。状況は e.exports() で分かります。",
        "Next: two checkers look at it, neither seeing the other's vote. Once approved, you download it in the portal. "
        "e.exports() shows how far it is.",
    ),
    "next.returned": (
        "次は: 不合格の箇所を直して、もう一度提出してください。小さいセルは e.table(…) で作り直すと秘匿されます。",
        "Next: mend what failed and submit again. A table made with e.table(…) has its small cells hidden.",
    ),
    "state.submitted": ("確認中", "being examined"),
    "state.queued": ("確認待ち", "waiting for checkers"),
    "state.returned": ("差し戻し", "turned back"),
    "state.released": ("承認済み・ダウンロードできます", "released: download it in the portal"),
    "state.approved": ("承認済み", "approved"),
    "state.rejected": ("不承認", "rejected"),
    "client.unreachable": ("ゲートウェイに接続できません。", "The gateway cannot be reached."),
    "client.unreachable.hint": (
        "しばらくしてからもう一度お試しください。続くときは運用者にお知らせください。",
        "Try again in a moment; tell the operator if it goes on.",
    ),
    "client.not_a_workspace": (
        "ここはワークスペースではありません: {file} がありません。",
        "This is no workspace: {file} is missing.",
    ),
    "client.not_a_workspace.hint": (
        "ポータルからプロジェクトを選び、ワークスペースを開いてください。",
        "Choose a project in the portal and open its workspace.",
    ),
    "client.incomplete": ("答えが途中で切れました。", "The answer was cut off."),
    "client.incomplete.hint": (
        "途中までの結果は使わずに捨てました。もう一度実行してください。",
        "The part that came was thrown away. Run the query again.",
    ),
    "client.answer": (
        "ゲートウェイの応答を理解できません（HTTP {status}）。",
        "The gateway's answer makes no sense (HTTP {status}).",
    ),
    "client.item": ("提出できない項目です: {kind}。", "This cannot be submitted: {kind}."),
    "client.item.hint": (
        "表（DataFrame または CSV ファイル）、e.item(…)、e.figure(…) を渡してください。",
        "Pass a table (a DataFrame or a CSV file), e.item(…) or e.figure(…).",
    ),
    "client.file": ("ファイルが読めません: {file}。", "The file cannot be read: {file}."),
    "client.file.hint": (
        "UTF-8 の CSV（説明は YAML か JSON）を、ワークスペースの中から指定してください。",
        "Name a CSV file in UTF-8 (a description: YAML or JSON) of the workspace.",
    ),
    "undescribed": ("（列の説明がなくても残る指摘です。）", "(This stands also without the description.)"),
    "client.parameter": (
        "パラメータ {parameter} の値（{kind}）は送れません。",
        "The value of parameter {parameter} ({kind}) cannot be sent.",
    ),
    "client.parameter.hint": (
        "数、文字列、真偽値、日付、またはそのリスト（IN ($名前)）を渡してください。",
        "Pass a number, a text, true or false, a date, or a list of them (IN ($name)).",
    ),
    "client.variable": ("変数 {name} がありません。", "There is no variable {name}."),
    "client.variable.hint": (
        "%%sql の中の ${name} は、ノートブックの同じ名前の変数の値になります。先に代入してください。",
        "In %%sql, ${name} takes the value of the notebook's variable of that name. Assign it first.",
    ),
    "client.polars": ("polars が入っていません。", "polars is not installed."),
    "client.polars.hint": (
        "e.sql()（pandas）か e.arrow() を使ってください。",
        "Use e.sql() (pandas) or e.arrow().",
    ),
    "client.codes": ("{column} のコード表はありません。", "There is no list of codes for {column}."),
    "client.codes.hint": (
        "コードの意味がある列は e.tables() の「codes」に出ています。",
        "e.tables() shows in its column `codes` where there is one.",
    ),
    "client.closed": ("すでに閉じられています。", "This is closed already."),
    "client.closed.hint": ("connect() で作り直してください。", "Make another with connect()."),
    "client.not_asked": ("まだ問合せをしていません。", "Nothing was asked yet."),
    "client.not_asked.hint": ("先に execute(…) を呼んでください。", "Call execute(…) first."),
    "client.unsupported": ("{what} はありません。", "There is no {what}."),
    "client.unsupported.hint": (
        "問合せは 1 件ずつ execute(…) で送ります。",
        "Questions go one by one, through execute(…).",
    ),
    "codes": ("コード", "codes"),
    "table": ("表", "table"),
    "column": ("列", "column"),
    "title": ("名称", "title"),
    "type": ("型", "type"),
    "role": ("役割", "role"),
    "unit": ("単位", "unit"),
    "reference": ("コード表", "list of codes"),
    "client.column": ("列がありません: {columns}。", "No such column: {columns}."),
    "client.column.hint": ("表にある列: {present}。", "The table has: {present}."),
}


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def in_japan(time: str, language: Language) -> str:
    """An RFC 3339 time as the portal writes it: as in Japan, and in English it says so."""
    local = datetime.fromisoformat(time).astimezone(timezone(timedelta(hours=9)))
    if language == "ja":
        return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}, {local:%H:%M} JST"


def word(key: str, language: Language, **facts: object) -> str:
    """The sentence for `key`; "" where there is none (a code may have no hint)."""
    ja, en = WORDS.get(key, ("", ""))
    return (ja if language == "ja" else en).format(**facts)
