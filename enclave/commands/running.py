"""The running system: start, stop, look."""

from typing import Annotated

import typer

from enclave.commands.options import SiteName, load_site, said

running = typer.Typer()


@running.command()
def up(site: SiteName = "demo") -> None:
    """サイトを起動する · Start the site; returns when every service answers."""
    from enclave import operation

    operation.up(load_site(site))
    print(
        said(
            f"サイト {site} が動いています: {load_site(site).origin}",
            f"Site {site} is up: {load_site(site).origin}",
        )
    )


@running.command()
def down(
    site: SiteName = "demo",
    forget: Annotated[
        bool, typer.Option(help="記録・鍵・抽出データも消す · Erase its records, keys and extracts too.")
    ] = False,
) -> None:
    """サイトを停止する · Stop the site; no process, container, network or mount of it remains."""
    from enclave import operation

    operation.down(load_site(site), forget=forget)
    print(said(f"サイト {site} を停止しました。", f"Site {site} is down."))


@running.command()
def status(site: SiteName = "demo", quiet: bool = False) -> None:
    """各サービスの状態 · Which services run and answer. Exit status 1 where one does not."""
    from enclave import operation
    from enclave.adapters import supervision

    place = load_site(site)
    states, silent = supervision.states(place), operation.silent_services(place)
    if not quiet:
        for program in supervision.programs(place):
            answer = (
                said("応答なし", "does not answer") if program.name in silent else said("応答あり", "answers")
            )
            print(f"{program.name:10} {states.get(program.name, 'STOPPED'):10} {answer}")
    raise typer.Exit(1 if silent or operation.outdated(place) else 0)


@running.command(hidden=True)
def serve(service: str, site: SiteName = "demo") -> None:
    """Run one service in this process; what the supervisor calls."""
    from enclave.app import SERVICES

    SERVICES[service](load_site(site))
