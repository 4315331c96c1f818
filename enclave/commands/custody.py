"""Custody: databases, extracts, withdrawals, erasures; and the generator of invented people."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from enclave.commands.options import AsJson, Custodian, Language, SiteName, language, load_site, show
from enclave.core.refusal import Refused

data = typer.Typer(
    no_args_is_help=True, help="データの管理: 登録・抽出・消去 · Custody: databases and extracts."
)


@data.command("register")
def register(descriptor: Path, site: SiteName = "demo", person: Custodian = None) -> None:
    """データベースを登録する · Take a database in from its descriptor (YAML) and the files it names."""
    from enclave.app import register_database

    show(register_database(load_site(site), descriptor.resolve(), person))


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
    show({"out": str(out), "rows": made.total, "tables": rows})


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
        show(made.to_json())
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

    show(build_extract(load_site(site), permit_id, person, refresh=refresh, tell=_build_progress()))


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

    show(build_extract(load_site(site), permit_id, person, refresh=True, tell=_build_progress()))


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
    show(withdraw_persons(load_site(site), rows, person))


@data.command("trace")
def trace(database: str, number: str, site: SiteName = "demo", person: Custodian = None) -> None:
    """本人からの照会に答える · Which provisions contained somebody, by the holder's number. For the custodian alone."""
    from enclave.app import trace_person

    show(trace_person(load_site(site), database, number, person))


@data.command("report")
def report(
    provision: Annotated[str | None, typer.Argument(help="提供番号 · One provision; all otherwise.")] = None,
    site: SiteName = "demo",
    person: Custodian = None,
) -> None:
    """提供の記録と消去証明書 · The record of what was provided to whom, and the certificates of erasures."""
    from enclave.app import report_provisions

    show(report_provisions(load_site(site), provision, person))


@data.command("linkage-report")
def linkage_report(folder: Path, as_json: AsJson = False) -> None:
    """合成データで連結の精度を測る · Precision and recall of the linkage against the truth of synthetic databases."""
    from enclave.adapters import linkage_report as reports

    found = reports.measure(folder)
    if as_json:
        show(reports.to_json(found))
    else:
        print(reports.as_text(found, language()))


@data.command("erase")
def erase(provision: str, site: SiteName = "demo", person: Custodian = None) -> None:
    """抽出データと鍵を消去する · Destroy a provision's key and extracts; prints the certificate of erasure."""
    from enclave.app import erase_provision

    show(erase_provision(load_site(site), provision, person))
