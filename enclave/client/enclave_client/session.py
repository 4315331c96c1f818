"""`connect()` and what a connected notebook can do. Each method is one question to the gateway."""

import html
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from enclave_client import described, export, notebook
from enclave_client.described import Told
from enclave_client.export import Item, Submission
from enclave_client.params import sent
from enclave_client.permitted import Permitted, codes, names, permitted
from enclave_client.protected import ProtectedTable, numbers, plain_frame, protected_frame
from enclave_client.query import Answer, ask
from enclave_client.refusal import Refused
from enclave_client.wire import Gateway, Json
from enclave_client.words import Language, in_japan, word

if TYPE_CHECKING:
    import polars as pl

RUN = Path("/run/enclave")


def enter(folder: Path | str = RUN) -> tuple[Gateway, Json]:
    """The gateway in the session's language, and GET /v1/session. Raises `Refused` as `connect` does."""
    asked: Language = (
        "ja" if os.environ.get("ENCLAVE_LANGUAGE", os.environ.get("LANG", "ja")).startswith("ja") else "en"
    )
    gateway = Gateway(Path(folder), asked)
    session = gateway.json("GET", "/v1/session")
    if (language := session.get("language")) in ("ja", "en"):
        gateway.language = language
    return gateway, session


def connect(folder: Path | str = RUN) -> "Enclave":
    """The session of this workspace; in a notebook, `%%sql` answers from it.

    Raises `Refused` where there is no session or it is not valid any more.
    """
    enclave = Enclave(*enter(folder))
    if (ipython := notebook.shell()) is not None:
        notebook.equip(ipython, enclave)
    print(enclave)
    return enclave


class Enclave:
    """A session: who, which permit, what may be asked. Made by `connect()`."""

    def __init__(self, gateway: Gateway, session: Json) -> None:
        self._gateway, self._session = gateway, session
        # No property: one whose type is a Literal breaks the completion of everything after `e.` (jedi 0.20).
        self.language: Language = gateway.language

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

    def budget(self) -> "Budget":
        """What the project may still ask today, when that is renewed, and how to apply for more."""
        return Budget(self.session(), self.language)

    def tables(self) -> Permitted:
        """Every column that the permit shows: table, column, title, type, role, unit, codes."""
        return permitted(self._session.get("tables", []), self.language)

    def codes(self, column: str) -> dict[str | int, str]:
        """What the codes of `table.column` mean, in the session's language; a whole number where the column holds such.

        Raises `Refused` `client.codes` where the permit has no list for it.
        """
        return codes(self._session.get("tables", []), column, self.language)

    def names(self) -> Mapping[str, Sequence[str]]:
        """Columns by table, as a statement names them."""
        return names(self._session.get("tables", []))

    # -- questions ----------------------------------------------------------------------------
    def sql(self, text: str, /, **params: object) -> pd.DataFrame:
        """Rows, as a pandas data frame; `$name` in the text takes `name=…`. `attrs["receipt"]` says what was answered.

        Raises `Refused`; an interrupt cancels the query at the gateway and raises `Cancelled`.
        """
        answer = self._ask(text, params, "rows")
        frame = plain_frame(answer.data)
        frame.attrs = {"receipt": answer.receipt}
        return frame

    def arrow(self, text: str, /, **params: object) -> pa.Table:
        """Rows, as an Arrow table with the engine's own types; its schema's metadata holds the `receipt` as JSON."""
        answer = self._ask(text, params, "rows")
        kept = {**(answer.data.schema.metadata or {}), b"receipt": json.dumps(answer.receipt).encode()}
        return answer.data.replace_schema_metadata(kept)

    def polars(self, text: str, /, **params: object) -> "pl.DataFrame":
        """Rows, as a polars data frame. Raises `Refused` `client.polars` where polars is not installed."""
        try:
            import polars
        except ImportError:
            raise Refused.own("client.polars", self.language) from None
        frame = polars.from_arrow(numbers(self._ask(text, params, "rows").data))
        assert isinstance(frame, polars.DataFrame)  # noqa: S101  a table gives a frame
        return frame

    def table(self, text: str, /, **params: object) -> ProtectedTable:
        """Protected cells: small ones are hidden by the rule sets of the permit, in the form that an export needs."""
        answer = self._ask(text, params, "table")
        frame = protected_frame(answer.data)
        frame.attrs = {
            "receipt": answer.receipt,
            "language": self.language,
            "columns": [str(name) for name in frame.columns],
        }
        return frame

    def _ask(self, text: str, params: Mapping[str, object], form: str) -> Answer:
        return ask(self._gateway, {"sql": text, "params": sent(params, self.language), "form": form})

    # -- taking out ---------------------------------------------------------------------------
    def item(
        self,
        frame: pd.DataFrame | str | os.PathLike[str],
        *,
        name: str = "",
        dimensions: Sequence[str] | None = None,
        counts: Sequence[str] | None = None,
        description: Told | None = None,
        evidence: pd.DataFrame | str | os.PathLike[str] | None = None,
    ) -> Item:
        """A table to submit, saying which columns are dimensions and which are counts (see `export.table_item`).

        `frame`: a data frame, or a CSV file, which leaves exactly as it is and may have its description beside it (`table.yaml`).
        `description`: what the columns are, as `enclave check` reads it: a mapping, or a YAML or JSON file. `evidence`: the
        table of evidence, which does not leave. The checkers see both; they add findings and take none away.
        """
        if description is None and evidence is not None:
            raise Refused.own("client.item", self.language, kind="evidence")
        said = None if description is None else described.description(description, evidence, self.language)
        if isinstance(frame, pd.DataFrame):
            return export.table_item(
                frame, self.language, name=name, dimensions=dimensions, counts=counts, described=said
            )
        return export.file_item(
            Path(frame), self.language, name=name, dimensions=dimensions, counts=counts, described=said
        )

    def figure(self, fig: Any, data: pd.DataFrame | Item, *, name: str = "", title: str = "") -> Item:
        """A figure to submit, with the table that it was drawn from: the checkers look at both."""
        table = data if isinstance(data, Item) else self.item(data)
        return export.figure_item(fig, table, name=name, title=title)

    def submit(self, items: Any, output: str, purpose: str = "") -> Submission:
        """Hands items over for checking and shows the machine's findings at once.

        `items`: one or several of a table, a CSV file, `item(…)`, `figure(…)`. `output`: the planned output's id (`t1`).
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
        if isinstance(thing, pd.DataFrame | str | os.PathLike):
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


class Budget:
    """The project's limits of a day beside what is used and left, in words. `lines`: `{limit: {limit, used, left}}`, whole
    numbers, None where the permit sets no limit."""

    def __init__(self, session: Mapping[str, Any], language: Language) -> None:
        self.language: Language = language
        kinds = {"limit": "limits", "used": "used", "left": "left"}
        self.lines: dict[str, dict[str, int | None]] = {
            name: {kind: (session.get(there) or {}).get(name) for kind, there in kinds.items()}
            for name in ("queries_day", "rows_day", "bytes_day")
        }
        self.renewed = in_japan(str(session["renewed"]), language)
        self.more = str(session.get("more", ""))

    def _table(self) -> list[list[str]]:
        heads = [word(f"budget.{kind}", self.language) for kind in ("limit", "used", "left")]
        table = [["", *heads]]
        for name, line in self.lines.items():
            unlimited = word("budget.unlimited", self.language)
            numbers = [unlimited if number is None else f"{number:,}" for number in line.values()]
            table.append([word(f"budget.{name}", self.language), *numbers])
        return table

    def _below(self) -> list[str]:
        return [word("budget.renewed", self.language, time=self.renewed), self.more]

    def __repr__(self) -> str:
        return "\n".join(["\t".join(line) for line in self._table()] + self._below())

    def _repr_html_(self) -> str:
        heads, *lines = self._table()
        head = "".join(f"<th style='text-align:right'>{html.escape(text)}</th>" for text in heads)
        body = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            + "".join(f"<td style='text-align:right'>{html.escape(text)}</td>" for text in numbers)
            + "</tr>"
            for name, *numbers in lines
        )
        below = "".join(f"<p>{html.escape(text)}</p>" for text in self._below())
        return f"<table class='dataframe'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"


def _spoken(value: Any) -> str:
    if isinstance(value, dict):
        return " · ".join(f"{key}: {_spoken(part)}" for key, part in value.items())
    if isinstance(value, list):
        return "; ".join(str(part.get("id", part)) if isinstance(part, dict) else str(part) for part in value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
