"""Pairs of SQL: what was asked and what runs, one file per rule (and `flow.sql` for all of them together). The rules of the
aggregate tier alone have theirs in `aggregate/`, over the register of `tests/attacks/aggregate/worlds.py`.

    -- case: what it shows
    -- form: rows or table
    -- rows: a permit's row condition on nafld.patients (optional; coarsen and period likewise as JSON)
    -- rules: what a rule set asks that binds besides (optional, JSON)
    SELECT …
    -- becomes
    SELECT …

Expected texts may be broken over lines; white space is not compared.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from enclave.query.stages import Form
from tests.unit.query import world

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Pair:
    rule: str
    name: str
    form: Form
    grant: dict[str, Any]
    asked: str
    expected: str
    rules: dict[str, Any] = field(default_factory=dict)

    def permit(self) -> Any:
        databases = {
            database: {name: {"columns": columns} for name, columns in tables.items()}
            for database, tables in world.SHOWN.items()
        }
        databases["nafld"]["patients"].update(self.grant)
        return world.permit(databases=databases)


def pairs(folder: Path = FOLDER) -> list[Pair]:
    found = []
    for file in sorted(folder.glob("*.sql")):
        for block in re.split(r"^-- case: ", file.read_text(), flags=re.MULTILINE)[1:]:
            title, _, rest = block.partition("\n")
            head = dict(re.findall(r"^-- (form|grant|rules): (.+)$", rest, flags=re.MULTILINE))
            asked, _, expected = re.sub(
                r"^-- (form|grant|rules): .+\n", "", rest, flags=re.MULTILINE
            ).partition("-- becomes\n")
            found.append(
                Pair(
                    file.stem,
                    f"{file.stem}: {title}",
                    Form(head["form"]),
                    json.loads(head.get("grant", "{}")),
                    asked.strip(),
                    expected.strip(),
                    json.loads(head.get("rules", "{}")),
                )
            )
    return found


def plain(sql: str) -> str:
    """A statement on one line."""
    return re.sub(r"\s+", " ", sql).replace("( ", "(").replace(" )", ")").strip()
