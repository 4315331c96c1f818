"""The command `enclave`. Exit status 3 is a refusal: its code and sentence, as JSON where `--json` is given.

Puts the commands together; each reads arguments, calls, and prints (`commands`).
"""

import json
import sys

import typer

from enclave.commands.custody import data
from enclave.commands.demo import demo
from enclave.commands.log import audit
from enclave.commands.options import language
from enclave.commands.rehearsal import rehearsal
from enclave.commands.releases import releases
from enclave.commands.running import running
from enclave.commands.tables import tables
from enclave.core.refusal import Refused, problem

cli = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="健康データのVisiting環境 · A visiting environment for health data.",
)  # fmt: skip
for commands in (running, rehearsal, tables):
    cli.add_typer(commands)
cli.add_typer(data, name="data")
cli.add_typer(audit, name="audit")
cli.add_typer(demo, name="demo")
cli.add_typer(releases, name="releases")


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
