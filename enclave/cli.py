"""The command `enclave`. Exit status 3 is a refusal: its code and sentence, as JSON where `--json` is given.

Only reads arguments, calls, and prints. Each command imports what it needs, so that `enclave --help` is fast.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from enclave.config import SITES, Site
from enclave.config import load_site as find_site
from enclave.core.refusal import Refused, problem

cli = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="健康データのVisiting環境 · A visiting environment for health data.",
)  # fmt: skip
data = typer.Typer(
    no_args_is_help=True, help="データの管理: 登録・抽出・消去 · Custody: databases and extracts."
)
audit = typer.Typer(
    no_args_is_help=True,
    help="記録台帳: 検証・証明・検索・書き出し · The log: verify, prove, search, export.",
)
demo = typer.Typer(no_args_is_help=True, help="デモ · The demo: load it, walk through it, look at it.")
cli.add_typer(data, name="data")
cli.add_typer(audit, name="audit")
cli.add_typer(demo, name="demo")

SiteName = Annotated[str, typer.Option("--site", help="サイト名 · Name of the site.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSONで出力 · Print JSON.")]
Custodian = Annotated[
    str | None, typer.Option("--person", help="データ管理者 · The custodian who does this step.")
]
Language = Annotated[str | None, typer.Option("--lang", help="ja / en")]


def language(chosen: str | None = None) -> str:
    """The language of what is printed: as asked, else the locale's."""
    said = chosen or os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "ja" if said.startswith("ja") else "en"


def load_site(name: str) -> Site:
    """The site of that name. Raises Refused `operation.site_unknown`."""
    try:
        return find_site(name)
    except KeyError:
        raise Refused("operation.site_unknown", {"site": name, "known": ", ".join(SITES)}) from None


def _said(ja: str, en: str) -> str:
    return ja if language() == "ja" else en


def _print(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


# -- the running system ------------------------------------------------------------------------
@cli.command()
def up(site: SiteName = "demo") -> None:
    """サイトを起動する · Start the site; returns when every service answers."""
    from enclave import operation

    operation.up(load_site(site))
    print(
        _said(
            f"サイト {site} が動いています: {load_site(site).origin}",
            f"Site {site} is up: {load_site(site).origin}",
        )
    )


@cli.command()
def down(
    site: SiteName = "demo",
    forget: Annotated[
        bool, typer.Option(help="記録・鍵・抽出データも消す · Erase its records, keys and extracts too.")
    ] = False,
) -> None:
    """サイトを停止する · Stop the site; no process, container, network or mount of it remains."""
    from enclave import operation

    operation.down(load_site(site), forget=forget)
    print(_said(f"サイト {site} を停止しました。", f"Site {site} is down."))


@cli.command()
def status(site: SiteName = "demo", quiet: bool = False) -> None:
    """各サービスの状態 · Which services run and answer. Exit status 1 where one does not."""
    from enclave import operation
    from enclave.adapters import supervision

    place = load_site(site)
    states, silent = supervision.states(place), operation.silent_services(place)
    if not quiet:
        for program in supervision.programs(place):
            answer = (
                _said("応答なし", "does not answer")
                if program.name in silent
                else _said("応答あり", "answers")
            )
            print(f"{program.name:10} {states.get(program.name, 'STOPPED'):10} {answer}")
    raise typer.Exit(1 if silent or operation.outdated(place) else 0)


@cli.command(hidden=True)
def serve(service: str, site: SiteName = "demo") -> None:
    """Run one service in this process; what the supervisor calls."""
    from enclave.app import SERVICES

    SERVICES[service](load_site(site))


# -- custody -----------------------------------------------------------------------------------
@data.command("register")
def register(descriptor: Path, site: SiteName = "demo", person: Custodian = None) -> None:
    """データベースを登録する · Take a database in from its descriptor (YAML) and the files it names."""
    from enclave.app import register_database

    _print(register_database(load_site(site), descriptor.resolve(), person))


@data.command("synth")
def synth(
    people: Annotated[int, typer.Option("--people", help="人数 · Invented people on the reference day.")],
    years: Annotated[str, typer.Option("--years", help="年度 A-B · Fiscal years, first and last.")],
    out: Annotated[Path, typer.Option("--out", help="出力先 · Folder to write into.")],
    seed: Annotated[int, typer.Option("--seed", help="乱数の種 · The same seed gives the same bytes.")] = 1,
    only: Annotated[
        str, typer.Option("--only", help="データベース（カンマ区切り） · Databases, commas between.")
    ] = "",
    workers: Annotated[int, typer.Option("--workers", help="並列数 · Processes; 0 is one per core.")] = 0,
    as_json: AsJson = False,
) -> None:
    """架空の人びとの記録を11のデータベースとして作る · Make the eleven databases about invented people."""
    from enclave.synth import generate

    first, _, last = years.partition("-")
    if not (first.isdigit() and (last or first).isdigit()):
        raise Refused(
            "synth.years",
            {"first": first, "last": last, "from": generate.FIRST_YEAR, "to": generate.LAST_YEAR},
        )
    chosen = tuple(name.strip() for name in only.split(",") if name.strip())
    request = generate.Request(people, int(first), int(last or first), seed, out, chosen, workers)
    made = generate.run(request, _synth_progress() if not as_json else lambda *_: None)
    rows = {f"{database}.{table}": count for (database, table), count in sorted(made.rows.items())}
    _print({"out": str(out), "rows": made.total, "tables": rows})


def _synth_progress() -> Callable[[int, int, int], None]:
    """A line on a terminal's standard error that says how far a run is; elsewhere nothing."""

    def tell(done: int, blocks: int, rows: int) -> None:
        if sys.stderr.isatty():
            end = "\n" if done == blocks else "\r"
            print(f"  {done}/{blocks}  {rows:,}", end=end, file=sys.stderr, flush=True)

    return tell


@data.command("synth-report")
def synth_report(
    folder: Annotated[Path, typer.Argument(help="`data synth` の出力先 · What `data synth` wrote.")],
    plots: Annotated[
        Path | None, typer.Option("--plots", help="図（SVG）の出力先 · Folder for plots (SVG).")
    ] = None,
    lang: Language = None,
    as_json: AsJson = False,
) -> None:
    """合成データを公表値と並べる · Real beside synthetic. Exit status 1 where they disagree."""
    from enclave.synth import plots as drawn
    from enclave.synth import report

    made = report.make(folder)
    if plots is not None:
        drawn.write(made, plots)
    if as_json:
        _print(made.to_json())
    else:
        print("\n".join(made.lines(language(lang))))
    if not made.agrees:
        raise typer.Exit(1)


@data.command("extract")
def extract(
    permit_id: str,
    site: SiteName = "demo",
    person: Custodian = None,
    refresh: Annotated[
        bool, typer.Option(help="作り直す · Build the next one even where one exists.")
    ] = False,
) -> None:
    """承諾に基づき抽出データを作る · Build the extract of a permit: permitted columns, own pseudonyms, encrypted."""
    from enclave.app import build_extract

    _print(build_extract(load_site(site), permit_id, person, refresh=refresh, tell=_build_progress()))


def _build_progress() -> Callable[[str, float], None] | None:
    """A line on a terminal's standard error that says how far a build is; elsewhere nothing."""
    if not sys.stderr.isatty():
        return None

    def tell(table: str, share: float) -> None:
        end = "\n" if share >= 1 else "\r"
        print(f"  {share:6.1%}  {table:<40}", end=end, file=sys.stderr, flush=True)

    return tell


@data.command("refresh")
def refresh(permit_id: str, site: SiteName = "demo", person: Custodian = None) -> None:
    """抽出データを更新する · Build the next version of a permit's extract; everybody keeps their pseudonym."""
    from enclave.app import build_extract

    _print(build_extract(load_site(site), permit_id, person, refresh=True, tell=_build_progress()))


@data.command("optout")
def optout(
    file: Annotated[Path | None, typer.Argument(help="CSV: database,person,kind,effective")] = None,
    database: Annotated[str | None, typer.Option(help="データベース · The database.")] = None,
    number: Annotated[
        str | None, typer.Option(help="保有者の個人番号 · The holder's number of the person.")
    ] = None,
    kind: Annotated[str, typer.Option(help="opt-out / stop / deletion")] = "opt-out",
    effective: Annotated[
        str | None, typer.Option(help="効力日 · From this day on (YYYY-MM-DD); today.")
    ] = None,
    site: SiteName = "demo",
    person: Custodian = None,
) -> None:
    """提供停止・オプトアウトを登録する · Leave persons out of what is built from a day on; before anything is linked."""
    from datetime import UTC, datetime

    from enclave.adapters.custody_client import read_withdrawals
    from enclave.app import withdraw_persons

    if file is not None:
        rows = read_withdrawals(file)
    elif database and number:
        day = effective or datetime.now(UTC).date().isoformat()
        rows = [{"database": database, "person": number, "kind": kind, "effective": day}]
    else:
        raise Refused("custody.withdrawal_empty")
    _print(withdraw_persons(load_site(site), rows, person))


@data.command("trace")
def trace(database: str, number: str, site: SiteName = "demo", person: Custodian = None) -> None:
    """本人からの照会に答える · Which provisions contained somebody, by the holder's number. For the custodian alone."""
    from enclave.app import trace_person

    _print(trace_person(load_site(site), database, number, person))


@data.command("report")
def report(
    provision: Annotated[str | None, typer.Argument(help="提供番号 · One provision; all otherwise.")] = None,
    site: SiteName = "demo",
    person: Custodian = None,
) -> None:
    """提供の記録と消去証明書 · The record of what was provided to whom, and the certificates of erasures."""
    from enclave.app import report_provisions

    _print(report_provisions(load_site(site), provision, person))


@data.command("linkage-report")
def linkage_report(folder: Path, as_json: AsJson = False) -> None:
    """合成データで連結の精度を測る · Precision and recall of the linkage against the truth of synthetic databases."""
    from enclave.adapters import linkage_report as reports

    found = reports.measure(folder)
    if as_json:
        _print(reports.to_json(found))
    else:
        print(reports.as_text(found, language()))


@data.command("erase")
def erase(provision: str, site: SiteName = "demo", person: Custodian = None) -> None:
    """抽出データと鍵を消去する · Destroy a provision's key and extracts; prints the certificate of erasure."""
    from enclave.app import erase_provision

    _print(erase_provision(load_site(site), provision, person))


# -- the story without a site ------------------------------------------------------------------
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
Policies = Annotated[
    Path | None,
    typer.Option("--policies", help="別の方針と規則集 · Other policies and rule sets than the program's."),
]
StatementFile = Annotated[
    Path | None, typer.Argument(metavar="FILE.sql", help="SQL（- は標準入力） · - reads standard input.")
]
Inline = Annotated[str | None, typer.Option("-e", help="SQL · The statement itself, instead of a file.")]


@cli.command("rewrite")
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
        _print({"sql": rewritten.sql, "form": asked.form.value, "columns": list(rewritten.columns), **first})
    else:
        print(rewritten.sql)


@cli.command("query")
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


RuleNames = Annotated[
    str, typer.Option("--rules", help="規則集の名前、コンマ区切り · Rule sets by name, separated by commas.")
]


@cli.command("protect")
def protect(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="CSV, Parquet, Arrow")],
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

    began = time.monotonic()
    folder = policies or tables.policies_of_program()
    names = [name for name in rules.split(",") if name]
    said = (
        tables.verify(table, spec, names, out, folder)
        if verify
        else tables.protect(table, spec, names, out, published, folder, began)
    )
    if as_json:
        _print(said)
    else:
        for name, value in said.items():
            print(f"{name:<10} {value}")


@cli.command("perturb")
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
    if as_json:
        _print(said)
    else:
        for name, value in said.items():
            print(f"{name:<12} {value}")


@cli.command("check")
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
    from enclave.disclosure.examine import Verdict
    from enclave.rehearsal import checking, flow

    names = [name for name in rules.split(",") if name]
    checked = checking.check(files, names, policies or flow.policies_of_program(), spec)
    if as_json:
        _print({"files": [one.to_json() for one in checked]})
    else:
        from enclave.wordings import WORDINGS

        for one in checked:
            print(f"{one.verdict.value:<6} {one.path}")
            for finding in one.findings:
                told = problem(Refused(finding.code, finding.facts), WORDINGS, language())
                print(f"       {finding.code} · {finding.where}\n         {told['title']} {told['hint']}")
    if any(one.verdict is not Verdict.PASS for one in checked):
        raise typer.Exit(3)


def _preparing(what: str) -> None:
    """A line on a terminal's standard error for what takes time; elsewhere nothing."""
    if sys.stderr.isatty():
        words = _said("抽出データを作っています", "building the extract") if what == "extract" else what
        print(f"  … {words}", file=sys.stderr, flush=True)


# -- the log -----------------------------------------------------------------------------------
LogFolder = Annotated[
    Path | None, typer.Argument(help="台帳の写し · A copy of the log; the site's own otherwise.")
]


def _log_and_key(folder: Path | None, site: str, key: str | None):  # type: ignore[no-untyped-def]
    from enclave.adapters import ledger_files
    from enclave.audit import note

    place = folder or load_site(site).log
    return place, note.verifier_key(key) if key else ledger_files.read_verifier_key(place)


@audit.command("verify")
def verify(
    folder: LogFolder = None,
    site: SiteName = "demo",
    key: Annotated[
        str | None, typer.Option(help="検証鍵 · Verifier key (name+hash+key); the copy's own otherwise.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="以前のチェックポイント · An earlier checkpoint you kept.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """台帳を検証する · Verify every entry, tile and signature of a log, offline."""
    from enclave.adapters import ledger_files

    place, verifier = _log_and_key(folder, site, key)
    found = ledger_files.verify_directory(place, verifier, checkpoint.read_bytes() if checkpoint else None)
    if as_json:
        _print({"verified": True, "size": found.size, "root": found.root.hex()})
        return
    print(_said(f"✓ {found.size} 件すべての記録を確認しました。", f"✓ all {found.size} entries verified."))
    print(f"  root {found.root.hex()}")


@audit.command("prove")
def prove(
    index: int,
    folder: LogFolder = None,
    site: SiteName = "demo",
    key: Annotated[str | None, typer.Option()] = None,
) -> None:
    """一件の証明 · The inclusion proof of one entry, as JSON."""
    from enclave.adapters import ledger_files

    place, verifier = _log_and_key(folder, site, key)
    _print(ledger_files.prove(place, index, verifier))


@audit.command("search")
def search(
    site: SiteName = "demo",
    project: str | None = None,
    person: str | None = None,
    action: str | None = None,
    limit: int = 100,
) -> None:
    """台帳を検索する · The newest matching entries, one JSON object a line."""
    from enclave.app import ledger_of
    from enclave.audit.ledger import Sought

    found = ledger_of(load_site(site), "operator").search(
        Sought(project=project, person=person, action=action, limit=limit)
    )
    for entry in found.entries:
        # Escaped on purpose: what a leaf says must not act on the terminal.
        print(json.dumps({"index": entry.index, "leaf": entry.leaf}))


@audit.command("export")
def export(target: Path, site: SiteName = "demo") -> None:
    """台帳を書き出す · Copy a consistent state of the log, verifiable offline."""
    from enclave.adapters import ledger_files

    place, verifier = _log_and_key(None, site, None)
    found = ledger_files.export_log(place, target, verifier)
    print(
        _said(f"{found.size} 件を {target} に書き出しました。", f"{found.size} entries written to {target}.")
    )


# -- the demo ----------------------------------------------------------------------------------
@demo.command("load")
def load(site: SiteName = "demo") -> None:
    """アカウントと nafld を用意する · Enter the accounts and register nafld; what is there stays."""
    from enclave.demo.load import load

    load(load_site(site))


@demo.command("people")
def people(
    made: Annotated[
        bool, typer.Option("--made", help="あれば終了コード0 · Only say whether they are.")
    ] = False,
) -> None:
    """架空の人びとのデータベースを作る · Make the invented people's databases; prints where they lie."""
    from enclave.demo import people

    if made:
        raise typer.Exit(0 if people.folder().exists() else 1)
    print(people.make())


@demo.command("load-linked")
def load_linked(site: SiteName = "demo") -> None:
    """NDB・介護・DPCを登録する · Register the invented people's NDB, 介護DB and DPCDB; what is there stays."""
    from enclave.demo.load import load_linked

    load_linked(load_site(site))


@demo.command("loaded")
def loaded(
    site: SiteName = "demo",
    linked: Annotated[bool, typer.Option("--linked", help="NDB・介護・DPC · The linked databases.")] = False,
) -> None:
    """Exit status 0 where accounts and database (with --linked: the linked databases) are there."""
    from enclave.demo.load import linked_loaded, loaded

    there = linked_loaded if linked else loaded
    raise typer.Exit(0 if there(load_site(site)) else 1)


@demo.command("walk")
def walk(site: SiteName = "demo", lang: Language = None) -> None:
    """物語を一通り歩く · Walk the story over the same HTTP routes a person uses; does nothing where it was walked."""
    from enclave.demo.walk import walk

    walk(load_site(site), language(lang))


@demo.command("about")
def about(site: SiteName = "demo", lang: Language = None) -> None:
    """入口とアカウント · Addresses, accounts, and five things to try."""
    from enclave.demo.about import about

    print(about(load_site(site), language(lang)))


@demo.command("code")
def code(person: str, site: SiteName = "demo") -> None:
    """ワンタイムコード · A one-time code of a demo account that still works."""
    from enclave.demo.load import fresh_code

    print(fresh_code(load_site(site), person))


@demo.command("tour")
def tour(
    out: Annotated[Path, typer.Option(help="画面の保存先 · Where the pictures go.")] = Path("tour"),
    site: SiteName = "demo",
    lang: Language = None,
) -> None:
    """ブラウザなしで画面を見る · Drive the real pages headlessly and save screenshots."""
    from enclave.demo.tour import tour

    tour(load_site(site), out, language(lang))


def main() -> None:
    """Run the command; a refusal becomes one sentence, its code and exit status 3."""
    try:
        cli()
    except Refused as refused:
        from enclave.wordings import WORDINGS

        told = problem(refused, WORDINGS, language())
        if "--json" in sys.argv:
            print(json.dumps(told, ensure_ascii=False))
        else:
            print(f"{told['code']}: {told['title']} {told['hint']}", file=sys.stderr)
        sys.exit(3)
