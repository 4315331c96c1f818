"""The demo: load it, walk through it, look at it."""

from pathlib import Path
from typing import Annotated

import typer

from enclave.commands.options import Language, SiteName, language, load_site

demo = typer.Typer(no_args_is_help=True, help="デモ · The demo: load it, walk through it, look at it.")


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
