"""Submitting: tables and figures become items, the gateway's machine looks at them at once, and its findings are shown.

Decides nothing about disclosure. What it owes the machine is honesty about columns: which are dimensions, and which
hold counts. Every column of whole numbers that is not declared a dimension is declared a count, so it is examined.
"""

import base64
import csv
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from enclave_client.described import Description, beside, description, text_of
from enclave_client.progress import in_notebook
from enclave_client.protected import STATUS, status_columns, value_columns, whole_numbers
from enclave_client.refusal import Refused
from enclave_client.wire import SUBMIT_SECONDS, Gateway, Json
from enclave_client.words import Language, word

LINES_SHOWN = 15
"""Findings shown at once; all of them are in `Submission.findings()`."""


@dataclass(frozen=True)
class Item:
    """One thing to submit. `csv` is UTF-8 with LF and a header; `png` is set for a figure, whose data `csv` then is."""

    name: str
    csv: str
    dimensions: tuple[str, ...]
    counts: tuple[str, ...]
    receipt: str | None
    png: bytes | None = None
    title: str = ""
    described: Description | None = None

    @property
    def kind(self) -> str:
        return "table" if self.png is None else "figure"

    def wire(self, number: int) -> Json:
        """As POST /v1/exports takes it; an item without a name is called by its kind and place."""
        stem = self.name.removesuffix(".csv").removesuffix(".png") or f"{self.kind}-{number}"
        table = {
            "kind": "table",
            "name": f"{stem}.csv",
            "csv": self.csv,
            "dimensions": list(self.dimensions),
            "counts": list(self.counts),
            "receipt": self.receipt,
        }
        if self.described is not None:
            table |= {"description": self.described.sent, "evidence": self.described.evidence}
        if self.png is None:
            return table
        # A name of its own: the table may be submitted besides.
        data = table | {"name": f"{stem}-data.csv"}
        png = base64.b64encode(self.png).decode()
        figure = {"kind": "figure", "name": f"{stem}.png", "png": png, "data": data}
        return figure | ({"title": self.title} if self.title else {})

    def __repr__(self) -> str:
        return (
            f"Item({self.kind} {self.name or '–'}: {', '.join(self.dimensions)} → {', '.join(self.counts)})"
        )


def table_item(
    frame: pd.DataFrame,
    language: Language,
    *,
    name: str = "",
    dimensions: Sequence[str] | None = None,
    counts: Sequence[str] | None = None,
    described: Description | None = None,
) -> Item:
    """An item of a frame. A named index counts as dimensions; statuses stay, hidden cells become empty.

    Without `dimensions`, those of the description, else columns of text, truth values and the index are dimensions (in a
    protected table: whatever has no status); without `counts`, those of the description, and every other column of whole
    numbers that it does not mention. Raises `Refused` for unknown columns.
    """
    keys = [str(level) for level in frame.index.names if level is not None]
    flat = pd.DataFrame(frame.reset_index() if keys else frame)
    flat.columns = [str(column) for column in flat.columns]
    columns = list(flat.columns)
    unknown = [column for column in (*(dimensions or ()), *(counts or ())) if column not in columns]
    if unknown:
        raise Refused.own("client.column", language, columns=", ".join(unknown), present=", ".join(columns))
    values = value_columns(flat)
    statuses = status_columns(flat)
    others = [column for column in columns if column not in statuses]
    dimensions, counts = _roles(flat, others, keys, values, dimensions, counts, described)
    cells = flat.copy()
    for column in values:
        cells[column] = cells[column].astype(object).where(cells[column + STATUS] != "hidden", None)
    text = cells.to_csv(index=False, lineterminator="\n")
    return Item(name, text, dimensions, counts, _receipt(frame, columns), described=described)


def file_item(
    path: Path,
    language: Language,
    *,
    name: str = "",
    dimensions: Sequence[str] | None = None,
    counts: Sequence[str] | None = None,
    described: Description | None = None,
) -> Item:
    """An item of a CSV file, exactly as it is, with the description that lies beside it unless another is given.
    Raises `Refused` `client.file`."""
    text = text_of(path, language)
    near = beside(path)
    if described is None and near is not None:
        described = description(near, None, language)
    try:
        frame = pd.read_csv(io.StringIO(text))
    except ValueError:
        raise Refused.own("client.file", language, file=path.name) from None
    item = table_item(
        frame, language, name=name or path.name, dimensions=dimensions, counts=counts, described=described
    )
    return replace(item, csv=text)


def _roles(
    frame: pd.DataFrame,
    others: Sequence[str],
    keys: Sequence[str],
    values: Sequence[str],
    dimensions: Sequence[str] | None,
    counts: Sequence[str] | None,
    described: Description | None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The dimensions and the counts of a table: as given, as described, else the likeliest of the columns that nobody described."""
    known = frozenset() if described is None else described.mentioned()
    free = [column for column in others if column not in known]
    if dimensions is None and described is not None:
        dimensions = described.columns("dimensions") or None
    if dimensions is None:
        dimensions = [column for column in free if column in keys or _is_dimension(frame, column, values)]
    if counts is None:
        said = () if described is None else described.columns("counts")
        counts = [column for column in others if column in said and column not in dimensions]
        counts += [column for column in free if column not in dimensions and whole_numbers(frame, column)]
    return tuple(dimensions), tuple(counts)


def _receipt(frame: pd.DataFrame, columns: Sequence[str]) -> str | None:
    """The query that a table came from, while it is still that table: the gateway holds it against the answer.

    A frame that was calculated further (other columns), or that was counted from rows, has no receipt, and its
    numbers are examined by the rules instead.
    """
    answered = frame.attrs.get("columns")
    if not answered or not set(columns) <= set(answered):
        return None
    return str(frame.attrs["receipt"]["id"])


def _is_dimension(frame: pd.DataFrame, column: str, values: Sequence[str]) -> bool:
    if values:
        return column not in values
    kind = frame[column]
    return pd.api.types.is_bool_dtype(kind) or not (
        pd.api.types.is_numeric_dtype(kind) or whole_numbers(frame, column)
    )


def figure_item(figure: Any, data: Item, *, name: str = "", title: str = "") -> Item:
    """A figure (anything with matplotlib's `savefig`, or an axes of one) with the table that it was drawn from."""
    drawn = figure if hasattr(figure, "savefig") else figure.get_figure()
    picture = io.BytesIO()
    # No text chunks: the file carries the picture and nothing else.
    drawn.savefig(picture, format="png", bbox_inches="tight", metadata={"Software": None})
    return replace(data, name=name, png=picture.getvalue(), title=title)


@dataclass(frozen=True)
class Submission:
    """What became of a submission: `id`, `state` (`queued` or `returned`) and the findings per file."""

    id: str
    state: str
    files: tuple[Mapping[str, Any], ...]
    language: Language
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    """Per table what its rows are (`male=0, age_band=25`), so that a finding's row can be named."""

    @property
    def passed(self) -> bool:
        """Whether it waits for checkers (the machine turned nothing back)."""
        return self.state != "returned"

    def findings(self) -> pd.DataFrame:
        """One line per finding: file, verdict, code, where, what it means, hint."""
        names = [word(key, self.language) for key in ("file", "verdict", "code", "where", "sentence")]
        lines = [dict(zip(names, line[:5], strict=True)) for line in self._lines()]
        return pd.DataFrame(lines, columns=names)

    def _lines(self) -> list[tuple[str, str, str, str, str, str]]:
        """(file, verdict word, code, where, sentence, verdict)"""
        lines = []
        for file in self.files:
            verdict = str(file.get("verdict", ""))
            spoken = word(f"verdict.{verdict}", self.language) or verdict
            findings = file.get("findings") or []
            if not findings:
                lines.append((str(file["name"]), spoken, "", "", word("no_findings", self.language), verdict))
            for finding in findings:
                of_finding = str(finding.get("verdict") or verdict)
                said = word(f"verdict.{of_finding}", self.language) or of_finding
                facts = finding.get("facts") or {}
                alone = word("undescribed", self.language) if facts.get("undescribed") else None
                parts = (finding.get("title"), finding.get("hint"), alone)
                sentence = " ".join(str(part) for part in parts if part)
                place = self._where(str(file["name"]), finding.get("where"))
                code = str(finding.get("code", ""))
                lines.append((str(file["name"]), said, code, place, sentence, of_finding))
        return lines

    def _where(self, file: str, where: object) -> str:
        if not isinstance(where, Mapping) or not isinstance(row := where.get("row"), int):
            return _place(where)
        keys = self.keys.get(file, ())
        named = f" ({keys[row - 1]})" if 0 < row <= len(keys) and keys[row - 1] else ""
        place = f"{word('row', self.language)} {row}{named}"
        rest = {name: part for name, part in where.items() if name != "row"}
        return f"{place}, {_place(rest)}" if rest else place

    def _next(self) -> str:
        return word(f"next.{self.state}", self.language)

    def _head(self) -> str:
        state = word(f"state.{self.state}", self.language) or self.state
        return f"{word('findings.title', self.language)}: {state} ({self.id})"

    def _more(self) -> str:
        hidden = len(self._lines()) - LINES_SHOWN
        return word("more_findings", self.language, n=hidden) if hidden > 0 else ""

    def as_html(self) -> str:
        colours = {"pass": "#2f6b3a", "fail": "#a4262c", "human": "#7a5b00"}
        heads = "".join(
            f"<th style='text-align:left'>{word(key, self.language)}</th>"
            for key in ("file", "verdict", "code", "where", "sentence")
        )
        body = "".join(
            f"<tr><td style='text-align:left'>{html.escape(file)}</td>"
            f"<td style='text-align:left;white-space:nowrap;font-weight:600;color:{colours.get(verdict, 'inherit')}'>{html.escape(spoken)}</td>"
            f"<td style='text-align:left'>{f'<code>{html.escape(code)}</code>' if code else ''}</td>"
            f"<td style='text-align:left'>{html.escape(place)}</td>"
            f"<td style='text-align:left;white-space:normal;max-width:34em'>{html.escape(sentence)}</td></tr>"
            for file, spoken, code, place, sentence, verdict in self._lines()[:LINES_SHOWN]
        )
        more = f"<p>{html.escape(self._more())}</p>" if self._more() else ""
        return (
            f"<div><p><strong>{html.escape(self._head())}</strong></p>"
            f"<table class='dataframe'><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>{more}"
            f"<p>{html.escape(self._next())}</p></div>"
        )

    def as_text(self) -> str:
        lines = [
            f"  [{spoken}] {file} {code} {place} {sentence}".rstrip()
            for file, spoken, code, place, sentence, _ in self._lines()[:LINES_SHOWN]
        ]
        return "\n".join(filter(None, [self._head(), *lines, self._more(), self._next()]))

    def show(self) -> None:
        """Shows the findings here and now."""
        if in_notebook():
            from IPython.display import HTML, display

            display(HTML(self.as_html()))
        else:
            print(self.as_text())

    def __repr__(self) -> str:
        return f"Submission({self.id}: {self.state})"


def _place(where: object) -> str:
    if isinstance(where, Mapping):
        return ", ".join(f"{name}={_place(part)}" for name, part in where.items())
    if isinstance(where, list | tuple):
        return "; ".join(_place(part) for part in where)
    return "" if where is None else str(where)


def submit(gateway: Gateway, items: Sequence[Item], output: str, purpose: str) -> Submission:
    """POST /v1/exports. Raises `Refused` where nothing was taken in; a turned-back submission is not an exception."""
    sent: list[Json] = []
    for item in items:
        sent.append(item.wire(1 + sum(item.kind == earlier["kind"] for earlier in sent)))
    body = {"output": output, "purpose": purpose, "items": sent}
    answer = gateway.json("POST", "/v1/exports", body, seconds=SUBMIT_SECONDS)
    tables = [table["data"] if table["kind"] == "figure" else table for table in sent]
    return Submission(
        str(answer["id"]),
        str(answer["state"]),
        tuple(answer.get("files") or ()),
        gateway.language,
        {table["name"]: _keys(table) for table in tables},
    )


def _keys(table: Json) -> tuple[str, ...]:
    rows = csv.DictReader(io.StringIO(table["csv"]))
    return tuple(", ".join(f"{name}={row.get(name, '')}" for name in table["dimensions"]) for row in rows)
