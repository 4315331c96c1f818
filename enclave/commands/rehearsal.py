"""One question by the whole story, from a terminal: no site, no root."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from enclave.commands.options import AsJson, Policies, language, said, show

rehearsal = typer.Typer()


PermitFile = Annotated[
    Path,
    typer.Option("--permit", help="署名前の承諾（JSON） · The permit as it is before it is signed (JSON)."),
]
Form = Annotated[str, typer.Option("--form", help="rows / table")]
Tier = Annotated[
    str | None,
    typer.Option("--tier", help="record / aggregate; 狭めるだけ · Narrows the permit's, never widens it."),
]
Params = Annotated[
    list[str] | None,
    typer.Option("--param", help="名前=値、または順に値。値はJSONか文字列 · NAME=VALUE, or values in order; JSON, else a text."),
]  # fmt: skip
At = Annotated[
    str | None,
    typer.Option("--at", help="時計をこの時刻に · Set the clock (RFC 3339, UTC without a zone); now."),
]
StatementFile = Annotated[
    Path | None, typer.Argument(metavar="FILE.sql", help="SQL（- は標準入力） · - reads standard input.")
]
Inline = Annotated[str | None, typer.Option("-e", help="SQL · The statement itself, instead of a file.")]


@rehearsal.command("rewrite")
def rewrite(
    permit: PermitFile,
    file: StatementFile = None,
    inline: Inline = None,
    data_folder: Annotated[
        Path | None,
        typer.Option(
            "--data", help="DIR/<database>/descriptor.yaml を読む · Take columns and types from descriptors."
        ),
    ] = None,
    form: Form = "rows",
    tier: Tier = None,
    params: Params = None,
    at: At = None,
    policies: Policies = None,
    as_json: AsJson = False,
) -> None:
    """実際に実行されるSQLを表示する · Print what would run for a statement under a permit. Touches no data.

    承諾だけで動きます。列の型は --data があれば descriptor.yaml から、なければ目録にある公的データベースは目録から取り、どちらにもなければ「不明」として扱います。拒否は終了コード3です。

    Base tables are printed as "database"."table". Types come from the descriptors below --data; without it from the program's own catalogue where the database is known there, and are unknown otherwise. Exit status 3 is a refusal.
    """
    from enclave.rehearsal import flow, statement

    asked = statement.question(file, inline, params or [], form, tier)
    rewritten = flow.rewrite(
        flow.read_permit(permit),
        asked,
        data=data_folder,
        at=flow.moment(at),
        policies=policies or flow.policies_of_program(),
    )
    if as_json:
        first = {"asked_first": list(rewritten.asked_first)} if rewritten.asked_first else {}
        show({"sql": rewritten.sql, "form": asked.form.value, "columns": list(rewritten.columns), **first})
    else:
        print(rewritten.sql)


@rehearsal.command("query")
def query(
    permit: PermitFile,
    data_folder: Annotated[
        Path,
        typer.Option(
            "--data", help="DIR/<database>/descriptor.yaml とそのファイル · Descriptors and their files."
        ),
    ],
    file: StatementFile = None,
    inline: Inline = None,
    form: Form = "rows",
    tier: Tier = None,
    params: Params = None,
    state: Annotated[
        Path | None,
        typer.Option("--state", help="履歴・鍵・抽出データの置き場 · History, keys, extracts; DIR/.enclave."),
    ] = None,
    at: At = None,
    policies: Policies = None,
    as_json: AsJson = False,
) -> None:
    """手元のデータで一問を通す · Ask one question of data at hand, by the whole story: extract, policy, log, protection.

    動いているサイトも管理者権限も要りません。承諾どおりの抽出データは初回に作られ、同じ承諾と同じデータなら再利用されます。個人の列は、状態フォルダの鍵で作る仮名 pid になります。descriptor に identifiers があれば個人はそれで連結し、なければ、承諾の linkage_groups が結ぶデータベースの間で個人番号が等しい人を同一人とみなします。拒否は終了コード3です。

    Needs no site and no root. The permit's extract is built at the first question and used again while permit and data are the same. The descriptor's person column becomes pid under a key of the state folder. Persons are linked by the descriptors' identifiers where there are any; without them, persons with equal numbers are the same person across the databases that the permit's linkage_groups join. Exit status 3 is a refusal.
    """
    from enclave.rehearsal import flow, statement

    question = statement.question(file, inline, params or [], form, tier)
    answering = flow.query(
        flow.read_permit(permit),
        question,
        data=data_folder,
        state=state,
        at=flow.moment(at),
        policies=policies or flow.policies_of_program(),
        notice=_preparing,
    )
    with answering as answer:
        from enclave.rehearsal import printed

        if as_json:
            printed.write_json(answer, sys.stdout)
        else:
            printed.write_table(answer, sys.stdout, language())


def _preparing(what: str) -> None:
    """A line on a terminal's standard error for what takes time; elsewhere nothing."""
    if sys.stderr.isatty():
        words = said("抽出データを作っています", "building the extract") if what == "extract" else what
        print(f"  … {words}", file=sys.stderr, flush=True)
