"""The catalogue as Markdown, for docs/databases.md and its Japanese sister: what the pages show, on one day.

Decides nothing. A test holds the documents against what is printed here, so that they cannot fall behind the rows, and
a test of the whole system holds the table of reach against what it has just done (`reach_table`, `read_reach`).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum

from enclave.catalogue.facts import Certainty, FactKind
from enclave.catalogue.linkage import Link, NoLink, NoReason, matrix
from enclave.catalogue.packaged import PLANNED, PUBLIC, dossiers, linkage_rules, packaged
from enclave.catalogue.words import Title
from enclave.core.ids import DatabaseId

EVERY = (*PUBLIC, PLANNED)


class Stage(StrEnum):
    """How far a database comes in a running system."""

    FOUND = "found"
    APPLIED = "applied"
    EXTRACTED = "extracted"
    QUERIED = "queried"
    EXPORTED = "exported"


STAGES: Mapping[Stage, Title] = {
    Stage.FOUND: Title("カタログにある", "Found in the catalogue"),
    Stage.APPLIED: Title("申し出られる", "Applied for"),
    Stage.EXTRACTED: Title("抽出される", "Extracted"),
    Stage.QUERIED: Title("問い合わせられる", "Queried"),
    Stage.EXPORTED: Title("結果を持ち出せる", "Exported from"),
}

Reach = Mapping[DatabaseId, Sequence[Stage]]
"""Which stages each database has been seen to come through; a database without an entry through none."""

YES, NO = "✓", "–"


def reach_table(reach: Reach, language: str, own: Mapping[DatabaseId, Title] | None = None) -> str:
    """One row per database, one column per stage; `own` are an operator's databases, after the public ones."""
    head = [Title("データベース", "Database").of(language), *(t.of(language) for t in STAGES.values())]
    rows = [
        [named, *(YES if stage in reach.get(name, ()) else NO for stage in STAGES)]
        for name, named in (
            *((name, _named(name, language)) for name in EVERY),
            *((name, f"{title.of(language)} `{name}`") for name, title in (own or {}).items()),
        )
    ]
    return _table(head, rows)


def read_reach(markdown: str) -> dict[DatabaseId, tuple[Stage, ...]]:
    """What a printed table of reach says."""
    found = {}
    for line in markdown.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        named = re.search(r"`([a-z][a-z0-9_]*)`$", cells[0])
        if named is not None and len(cells) == 1 + len(STAGES):
            marks = zip(STAGES, cells[1:], strict=True)
            found[DatabaseId(named[1])] = tuple(stage for stage, mark in marks if mark == YES)
    return found


_SHOWN = (FactKind.HOLDER, FactKind.SINCE, FactKind.IDENTIFIABILITY, FactKind.CONSENT, FactKind.BODY)
_HEADS: Mapping[FactKind, Title] = {
    FactKind.HOLDER: Title("保有者", "Holder"),
    FactKind.SINCE: Title("開始", "Since"),
    FactKind.IDENTIFIABILITY: Title("識別性", "Held as"),
    FactKind.CONSENT: Title("収集時の同意", "Consent at collection"),
    FactKind.BODY: Title("意見を聴く会議", "Body heard"),
}


def facts_table(day: date, language: str) -> str:
    """What is known of each database on a day; † is read from a draft or a damaged cell, ‡ planned, * not verified."""
    rows = []
    for name in EVERY:
        at = dossiers()[name].at(day)
        cells = [
            "<br>".join(f"{f.text.of(language)}{MARKS[f.certainty]}" for f in at if f.kind is kind) or NO
            for kind in _SHOWN
        ]
        rows.append([_named(name, language), *cells])
    return _table(
        [Title("データベース", "Database").of(language), *(_HEADS[k].of(language) for k in _SHOWN)], rows
    )


MARKS: Mapping[Certainty, str] = {
    Certainty.STATED: "",
    Certainty.RECONSTRUCTED: " †",
    Certainty.PLANNED: " ‡",
    Certainty.ASSUMED: " *",
}


def matrix_table(day: date, language: str) -> str:
    """The linkage matrix on a day: the best key, or why not."""
    cells = matrix(linkage_rules(), EVERY, day)
    rows = [
        [_named(a, language), *("" if a == b else _cell(cells[a, b], language) for b in EVERY)] for a in EVERY
    ]
    return _table(["", *(f"`{name}`" for name in EVERY)], rows)


def _cell(found: Link | NoLink, language: str) -> str:
    if isinstance(found, Link):
        return f"{found.keys[0].upper()}{MARKS[found.certainty]}"
    return {
        NoReason.ALONE: "－" if language == "ja" else "—",
        NoReason.UNDECIDED: "未定" if language == "ja" else "?",
        NoReason.NOT_YET: "·",
        NoReason.ENDED: "·",
        NoReason.NOT_LISTED: "·",
    }[found.reason]


def tables_table(language: str) -> str:
    """Every table of every database, with how many columns it has."""
    rows = [
        [f"`{name}.{table.name}`", table.title.of(language), str(len(table.columns))]
        for name in PUBLIC
        for table in packaged()[name].tables.values()
    ]
    heads = (Title("表", "Table"), Title("内容", "Holds"), Title("項目数", "Columns"))
    return _table([head.of(language) for head in heads], rows)


def _named(name: DatabaseId, language: str) -> str:
    return f"{dossiers()[name].names.of(language)} `{name}`"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


# -- places in a document ----------------------------------------------------------------------------------------------
def block(document: str, name: str) -> str:
    """What stands between `<!-- name -->` and `<!-- /name -->`. Raises ValueError where it does not stand once."""
    found = re.findall(rf"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", document, re.DOTALL)
    if len(found) != 1:
        raise ValueError(f"{name}: {len(found)} places")
    return str(found[0])


def replaced(document: str, name: str, text: str) -> str:
    """The document with another text in that place."""
    block(document, name)
    pattern = rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)"
    return re.sub(pattern, lambda m: f"{m[1]}{text}{m[2]}", document, flags=re.DOTALL)
