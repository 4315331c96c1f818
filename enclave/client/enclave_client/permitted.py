"""What the permit holds, as a researcher reads it: tables and columns with titles, types, roles, units and codes.

Relies on GET /v1/session. Decides nothing.
"""

import html
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from enclave_client.refusal import Refused
from enclave_client.wire import Json
from enclave_client.words import Language, word

COLUMNS = ["table", "column", "title", "type", "role", "unit", "codes"]


class Permitted(pd.DataFrame):  # type: ignore[misc]  # pandas is not read by the type checker
    """One line per column, shown whole and table by table. `attrs`: `titles` of the tables, `language`."""

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        # A part of it is an ordinary frame.
        return pd.DataFrame

    def _repr_html_(self) -> str:
        language: Language = self.attrs.get("language", "en")
        titles: Mapping[str, str] = self.attrs.get("titles", {})
        shown = [name for name in COLUMNS[1:] if name in self.columns]
        left = "style='text-align:left;vertical-align:top'"
        heads = "".join(f"<th {left}>{html.escape(word(name, language))}</th>" for name in shown)
        parts = []
        for table in dict.fromkeys(self["table"]):
            lines = self[self["table"] == table]
            body = "".join(
                f"<tr>{''.join(f'<td {left}>{_cell(name, row[name])}</td>' for name in shown)}</tr>"
                for _, row in lines.iterrows()
            )
            title = html.escape(titles.get(str(table), ""))
            parts.append(
                f"<details open><summary><code>{html.escape(str(table))}</code> {title} ({len(lines)})</summary>"
                f"<table class='dataframe'><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></details>"
            )
        return f"<div>{''.join(parts)}</div>"

    def __repr__(self) -> str:
        return str(pd.DataFrame(self).to_string(index=False))


def _cell(name: str, value: object) -> str:
    text = html.escape(str(value))
    if name == "column":
        return f"<code>{text}</code>"
    return f"<div style='max-width:34em;white-space:normal'>{text}</div>" if name == "codes" else text


def permitted(tables: Sequence[Json], language: Language) -> Permitted:
    """GET /v1/session's tables as lines; a table of codes that belongs to the public says so in its title."""
    lines = [
        {
            "table": full_name(table),
            "column": column["name"],
            "title": _title(column.get("title"), language),
            "type": column.get("type", ""),
            "role": column.get("role", ""),
            "unit": column.get("unit") or "",
            "codes": " · ".join(
                f"{code}: {_title(title, language)}" for code, title in (column.get("values") or {}).items()
            ),
        }
        for table in tables
        for column in table.get("columns", [])
    ]
    frame = Permitted(pd.DataFrame(lines, columns=COLUMNS))
    frame.attrs = {"titles": {full_name(t): _table_title(t, language) for t in tables}, "language": language}
    return frame


def names(tables: Sequence[Json]) -> dict[str, list[str]]:
    """Columns by the table's full name."""
    return {full_name(table): [str(c["name"]) for c in table.get("columns", [])] for table in tables}


def codes(tables: Sequence[Json], column: str, language: Language) -> dict[str | int, str]:
    """Titles by code, of `table.column` or `database.table.column`. Raises `Refused` `client.codes`."""
    wanted, _, name = column.rpartition(".")
    for table in tables:
        if wanted not in (full_name(table), full_name(table).rpartition(".")[2]):
            continue
        for one in table.get("columns", []):
            if one["name"] == name and one.get("values"):
                whole = one.get("type") == "int"
                return {
                    int(code) if whole else str(code): _title(title, language)
                    for code, title in one["values"].items()
                }
    raise Refused.own("client.codes", language, column=column)


def full_name(table: Json) -> str:
    """`database.table`, however the session names it."""
    name, database = str(table["name"]), table.get("database")
    return f"{database}.{name}" if database and "." not in name else name


def _table_title(table: Json, language: Language) -> str:
    title = _title(table.get("title"), language)
    return f"{title} [{word('reference', language)}]" if table.get("reference") else title


def _title(title: Any, language: Language) -> str:
    return str(title.get(language) or "") if isinstance(title, Mapping) else str(title or "")
