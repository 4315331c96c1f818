"""What counts as released before, beside what left through the airlock. For the custodian."""

from pathlib import Path
from typing import Annotated, Any

import typer

from enclave.commands.options import AsJson, Custodian, SiteName, load_site, show

releases = typer.Typer(
    no_args_is_help=True,
    help="公表済みの統計: 登録・一覧 · What was released before: enter public tables, list everything.",
)

_Database = Annotated[
    str, typer.Option("--database", help="対象の人々のデータベース · The database whose persons it is about.")
]


@releases.command("enter")
def enter(
    table: Annotated[
        Path, typer.Argument(metavar="TABLE", help="公表された表 · The public table: CSV, Parquet, Arrow.")
    ],
    spec: Annotated[
        Path,
        typer.Option(
            "--spec", help="表の説明（protect と同じ） · What it is made of, as for `enclave protect` (YAML)."
        ),
    ],
    database: _Database,
    name: Annotated[str, typer.Option("--name", help="公表の名前 · Its name, as findings will show it.")],
    site: SiteName = "demo",
    person: Custodian = None,
    as_json: AsJson = False,
) -> None:
    """公表済みの表を登録する · Enter a table that is public: from now on outputs are examined beside it.

    人々はわからないので、数値は合計・区間として残ります。秘匿された数値は <10、1-9、-、* などと書けます。登録後の公表は、機械だけでは通りません（人が確かめます）。

    Nobody knows its persons, so its numbers stand as totals and intervals; a hidden one may be written <10, 1-9, - or *. Whatever is released later passes no more by the machine alone: a person judges it.
    """
    from enclave.adapters import custody_client, published_files
    from enclave.app import custodian_of

    cells = published_files.read(table, spec, name)
    place = load_site(site)
    said = custody_client.publish(
        place, database, name, published_files.as_sent(cells), person=custodian_of(place, person)
    )
    said["intervals"] = sum(one.low != one.high for one in cells)
    _print(said, as_json)


@releases.command("list")
def listed(
    database: _Database, site: SiteName = "demo", person: Custodian = None, as_json: AsJson = False
) -> None:
    """公表済みの一覧 · Everything that counts as released of the persons of a database, oldest first."""
    from enclave.adapters import custody_client
    from enclave.app import custodian_of

    place = load_site(site)
    said = custody_client.released(place, database, person=custodian_of(place, person))
    if as_json:
        _print(said, as_json)
        return
    for one in said["releases"]:
        known = "" if one["persons_known"] else "  人は不明 · persons not known"
        print(
            f"{one['at']}  {one['numbers']:>7}  {one['project'] or '公表 · public':<20}  {one['release']}{known}"
        )


def _print(said: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show(said)
        return
    for name, value in said.items():
        print(f"{name:<14} {value}")
