"""`connect()` and what a connected notebook can do. Each method is one question to the gateway."""

import html
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from enclave_client import export
from enclave_client.export import Item, Submission
from enclave_client.protected import ProtectedTable, plain_frame, protected_frame
from enclave_client.query import ask
from enclave_client.refusal import Refused
from enclave_client.wire import Gateway, Json
from enclave_client.words import Language, in_japan, word

RUN = Path("/run/enclave")


def connect(folder: Path | str = RUN) -> "Enclave":
    """The session of this workspace. Raises `Refused` where there is none or it is not valid any more."""
    asked: Language = (
        "ja" if os.environ.get("ENCLAVE_LANGUAGE", os.environ.get("LANG", "ja")).startswith("ja") else "en"
    )
    gateway = Gateway(Path(folder), asked)
    session = gateway.json("GET", "/v1/session")
    if (language := session.get("language")) in ("ja", "en"):
        gateway.language = language
    enclave = Enclave(gateway, session)
    print(enclave)
    return enclave


class Enclave:
    """A session: who, which permit, what may be asked. Made by `connect()`."""

    def __init__(self, gateway: Gateway, session: Json) -> None:
        self._gateway, self._session = gateway, session

    @property
    def language(self) -> Language:
        return self._gateway.language

    def __repr__(self) -> str:
        facts = {key: self._session.get(key, "") for key in ("person", "project", "permit")}
        facts["valid_to"] = in_japan(str(self._session.get("valid_to", "")), self.language)
        tier = str(self._session.get("tier", ""))
        return word("connected", self.language, tier=word(f"tier.{tier}", self.language) or tier, **facts)

    # -- what the permit says -----------------------------------------------------------------
    def session(self) -> "Session":
        """The permit in words, its limits and what is left of them, as of now."""
        self._session = self._gateway.json("GET", "/v1/session")
        return Session(self._session)

    def tables(self) -> pd.DataFrame:
        """Every column that the permit shows: table, column, title, type, role, unit."""
        lines = [
            {
                "table": self._full_name(table),
                "column": column["name"],
                "title": self._title(column.get("title")),
                "type": column.get("type", ""),
                "role": column.get("role", ""),
                "unit": column.get("unit") or "",
            }
            for table in self._session.get("tables", [])
            for column in table.get("columns", [])
        ]
        return pd.DataFrame(lines, columns=["table", "column", "title", "type", "role", "unit"])

    @staticmethod
    def _full_name(table: Json) -> str:
        name, database = str(table["name"]), table.get("database")
        return f"{database}.{name}" if database and "." not in name else name

    def _title(self, title: Any) -> str:
        return str(title.get(self.language) or "") if isinstance(title, dict) else str(title or "")

    # -- questions ----------------------------------------------------------------------------
    def sql(self, text: str, **params: object) -> pd.DataFrame:
        """Rows, as a data frame; `$name` in the text takes `name=…`. `attrs["receipt"]` says what was answered.

        Raises `Refused`; an interrupt cancels the query at the gateway and raises `Cancelled`.
        """
        answer = ask(self._gateway, {"sql": text, "params": params, "form": "rows"})
        frame = plain_frame(answer.data)
        frame.attrs = {"receipt": answer.receipt}
        return frame

    def table(self, text: str, **params: object) -> ProtectedTable:
        """Protected cells: small ones are hidden by the rule sets of the permit, in the form that an export needs."""
        answer = ask(self._gateway, {"sql": text, "params": params, "form": "table"})
        frame = protected_frame(answer.data)
        frame.attrs = {
            "receipt": answer.receipt,
            "language": self.language,
            "columns": [str(name) for name in frame.columns],
        }
        return frame

    # -- taking out ---------------------------------------------------------------------------
    def item(
        self,
        frame: pd.DataFrame,
        *,
        name: str = "",
        dimensions: Sequence[str] | None = None,
        counts: Sequence[str] | None = None,
    ) -> Item:
        """A table to submit, saying which columns are dimensions and which are counts (see `export.table_item`)."""
        return export.table_item(frame, self.language, name=name, dimensions=dimensions, counts=counts)

    def figure(self, fig: Any, data: pd.DataFrame | Item, *, name: str = "", title: str = "") -> Item:
        """A figure to submit, with the table that it was drawn from: the checkers look at both."""
        table = data if isinstance(data, Item) else self.item(data)
        return export.figure_item(fig, table, name=name, title=title)

    def submit(self, items: Any, output: str, purpose: str = "") -> Submission:
        """Hands items over for checking and shows the machine's findings at once.

        `items`: one or several of a table, `item(…)`, `figure(…)`. `output`: the planned output's id (`t1`).
        """
        several = items if isinstance(items, list | tuple) else [items]
        submission = export.submit(
            self._gateway, [self._as_item(thing) for thing in several], output, purpose
        )
        submission.show()
        return submission

    def _as_item(self, thing: Any) -> Item:
        if isinstance(thing, Item):
            return thing
        if isinstance(thing, pd.DataFrame):
            return self.item(thing)
        if isinstance(thing, pd.Series):
            return self.item(thing.to_frame(thing.name or "value"))
        raise Refused.own("client.item", self.language, kind=type(thing).__name__)

    def exports(self) -> pd.DataFrame:
        """What this project has submitted, and how far each is."""
        found = self._gateway.json("GET", "/v1/exports").get("exports", [])
        lines = [
            {
                "id": entry.get("id"),
                "output": entry.get("output"),
                "state": word(f"state.{entry.get('state')}", self.language) or entry.get("state"),
                "submitted": entry.get("submitted"),
                "files": ", ".join(str(file.get("name")) for file in entry.get("files") or []),
            }
            for entry in found
        ]
        return pd.DataFrame(lines, columns=["id", "output", "state", "submitted", "files"])


class Session(dict[str, Any]):
    """GET /v1/session as it came, shown as a small table."""

    def _repr_html_(self) -> str:
        lines = [(key, self[key]) for key in self if key not in ("tables", "language")]
        body = "".join(
            f"<tr><th style='text-align:left'>{html.escape(key)}</th>"
            f"<td style='text-align:left'>{html.escape(_spoken(value))}</td></tr>"
            for key, value in lines
        )
        return f"<table class='dataframe'><tbody>{body}</tbody></table>"


def _spoken(value: Any) -> str:
    if isinstance(value, dict):
        return " · ".join(f"{key}: {_spoken(part)}" for key, part in value.items())
    if isinstance(value, list):
        return "; ".join(str(part.get("id", part)) if isinstance(part, dict) else str(part) for part in value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
