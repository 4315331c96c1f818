"""The disclosure engine on its own: protecting tables, examining files."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from enclave.commands.options import AsJson, Policies, language, show
from enclave.core.refusal import Refused, problem

tables = typer.Typer()


RuleNames = Annotated[
    str, typer.Option("--rules", help="規則集の名前、コンマ区切り · Rule sets by name, separated by commas.")
]


def _tell(figures: Mapping[str, object], as_json: bool) -> None:
    if as_json:
        show(figures)
    else:
        for name, value in figures.items():
            print(f"{name:<12} {value}")


@tables.command("protect")
def protect(
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE",
            help="CSV, Parquet, Arrow; 複数の表ならフォルダー · of several tables their folder",
        ),
    ],
    spec: Annotated[Path, typer.Option("--spec", help="表の説明 · What the table is made of (YAML).")],
    rules: RuleNames,
    out: Annotated[Path, typer.Option("-o", "--out", help="審査者用の表 · The checker's table (CSV).")],
    published: Annotated[
        Path | None, typer.Option("--published", help="公表用の表 · What the public gets (CSV).")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="証明書を検算するだけ · Only check the certificates of OUT.")
    ] = False,
    policies: Policies = None,
    as_json: AsJson = False,
) -> None:
    """集計表を秘匿処理する · Hide the cells of a table that must be hidden, at the least cost, and prove it.

    OUT のとなりに証明書 OUT.cert.jsonl を書きます。--verify は、ソルバーを使わず厳密な計算だけで証明書を確かめます。拒否と、成り立たない証明書は終了コード3です。

    The certificates are written beside OUT, as OUT.cert.jsonl. With --verify nothing is written: they are checked in exact arithmetic without a solver. Exit status 3 is a refusal, or a certificate that does not hold.
    """
    from enclave.rehearsal import tables

    began = tables.began()
    folder = policies or tables.policies_of_program()
    names = [name for name in rules.split(",") if name]
    said = (
        tables.verify(table, spec, names, out, folder)
        if verify
        else tables.protect(table, spec, names, out, published, folder, began)
    )
    _tell(said, as_json)


@tables.command("perturb")
def perturb(
    table: Annotated[Path, typer.Argument(help="CSV, Parquet, Arrow")],
    spec: Annotated[Path, typer.Option("--spec", help="表の説明 (YAML) · What the table is.")],
    rules: RuleNames,
    out: Annotated[Path, typer.Option("-o", "--out", help="公表用の表 · What the public gets (CSV).")],
    policies: Policies = None,
    as_json: AsJson = False,
) -> None:
    """公表用の表の人数を、秘匿せずに変える · Change the counts of a public table instead of hiding them.

    セルキー法または丸めです。OUT のとなりに、公開してよい方法の説明 OUT.method.json を書きます。表示される誤差は確認者だけのものです。

    By the cell-key method, or by rounding. What anybody may know of the method is written beside OUT, as OUT.method.json. The error that is printed is for the checker alone.
    """
    from enclave.rehearsal import flow, perturbing

    names = [name for name in rules.split(",") if name]
    said = perturbing.perturb(table, spec, names, out, policies or flow.policies_of_program())
    _tell(said, as_json)


@tables.command("check")
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="CSV, Parquet, Arrow, XLSX")],
    rules: RuleNames,
    spec: Annotated[
        Path | None,
        typer.Option("--spec", help="列の説明と根拠 (YAML) · What the columns are, and evidence."),
    ] = None,
    policies: Policies = None,
    as_json: AsJson = False,
) -> None:
    """持ち出すファイルを検査する · Examine tables that are to leave, each by itself.

    判定は pass・fail・human（人が確かめる）です。人数の根拠のない表は安全とされません。pass でないファイルがあれば終了コード3です。

    The verdict is pass, fail, or human. A table without the number of persons behind it is never called safe. Exit status 3 where a file does not pass.
    """
    from enclave.disclosure.files.examine import Verdict
    from enclave.rehearsal import checking, flow

    names = [name for name in rules.split(",") if name]
    checked = checking.check(files, names, policies or flow.policies_of_program(), spec)
    if as_json:
        show({"files": [one.to_json() for one in checked]})
    else:
        from enclave.wordings import WORDINGS

        for one in checked:
            print(f"{one.verdict.value:<6} {one.path}")
            for finding in one.findings:
                told = problem(Refused(finding.code, finding.facts), WORDINGS, language())
                where = finding.where
                if language() == "ja":
                    where = re.sub(r"^row (\d+)", r"\1 行目", where)
                print(f"       {finding.code} · {where}\n         {told['title']} {told['hint']}")
    if any(one.verdict is not Verdict.PASS for one in checked):
        raise typer.Exit(3)
