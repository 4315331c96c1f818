"""The log: verify, prove, search, export."""

import json
from pathlib import Path
from typing import Annotated

import typer

from enclave.commands.options import AsJson, SiteName, load_site, said, show

audit = typer.Typer(
    no_args_is_help=True,
    help="記録台帳: 検証・証明・検索・書き出し · The log: verify, prove, search, export.",
)


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
        show({"verified": True, "size": found.size, "root": found.root.hex()})
        return
    print(said(f"✓ {found.size} 件すべての記録を確認しました。", f"✓ all {found.size} entries verified."))
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
    show(ledger_files.prove(place, index, verifier))


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
        said(f"{found.size} 件を {target} に書き出しました。", f"{found.size} entries written to {target}.")
    )
