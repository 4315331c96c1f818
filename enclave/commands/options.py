"""What commands of several kinds take, and how all of them speak."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from enclave.config import SITES, Site
from enclave.config import load_site as find_site
from enclave.core.refusal import Refused

SiteName = Annotated[str, typer.Option("--site", help="サイト名 · Name of the site.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSONで出力 · Print JSON.")]
Custodian = Annotated[
    str | None, typer.Option("--person", help="データ管理者 · The custodian who does this step.")
]
Language = Annotated[str | None, typer.Option("--lang", help="ja / en")]
Policies = Annotated[
    Path | None,
    typer.Option("--policies", help="別の方針と規則集 · Other policies and rule sets than the program's."),
]


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


def said(ja: str, en: str) -> str:
    """Of two sentences the one in the language of what is printed."""
    return ja if language() == "ja" else en


def show(value: object) -> None:
    """JSON for people."""
    print(json.dumps(value, ensure_ascii=False, indent=2))
