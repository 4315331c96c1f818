"""Tables of protected cells: a hidden cell is visibly hidden, and refuses to be calculated with.

Hidden is not zero and not missing data. In a `ProtectedTable` a hidden cell is the object `HIDDEN`, which has no value
and raises when a sum, a comparison or a plot would need one; the companion column `<column>_status` says `shown`,
`hidden` or `perturbed` for every cell and travels with the table into a submission.
"""

import contextlib
import html
import math
from typing import Any, NoReturn

import pandas as pd
import pyarrow as pa

from enclave_client.words import Language, word

STATUS = "_status"
LABEL = "秘匿 hidden"
TOTAL = "total"
MARGIN = frozenset({"detail", TOTAL})
"""What the companion of a dimension says: a row of a roll-up, or one of its details."""
ROWS_SHOWN = 40


class Hidden:
    """A cell without a value. There is one such object, `HIDDEN`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return LABEL

    def __reduce__(self) -> str:
        return "HIDDEN"

    def _no_value(self, *_: object) -> NoReturn:
        raise TypeError(f"{word('hidden_has_no_value', 'ja')} / {word('hidden_has_no_value', 'en')}")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _no_value
    __floordiv__ = __mod__ = __pow__ = __neg__ = __abs__ = __round__ = _no_value
    __lt__ = __le__ = __gt__ = __ge__ = _no_value
    __bool__ = __int__ = __float__ = __index__ = _no_value


HIDDEN = Hidden()


def numbers(data: pa.Table) -> pa.Table:
    """Exact decimals as numbers: whole ones (the engine's 128-bit sums) as 64-bit integers where they fit."""
    for place, field in enumerate(data.schema):
        if pa.types.is_decimal(field.type):
            data = data.set_column(place, field.name, _number_of(data.column(place), field.type.scale))
    return data


def _number_of(column: pa.ChunkedArray, scale: int) -> pa.ChunkedArray:
    if scale == 0:
        # Beyond 64 bits there is no whole number to hold it: a cast that did not look would wrap round.
        with contextlib.suppress(pa.ArrowInvalid):
            return column.cast(pa.int64())
    return column.cast(pa.float64(), safe=False)


def plain_frame(data: pa.Table) -> pd.DataFrame:
    """Arrow to pandas; whole numbers stay whole where values are missing, exact decimals become numbers."""
    columns = {}
    for name, column in zip(data.column_names, numbers(data).columns, strict=True):
        kind = column.type
        missing = column.null_count > 0
        if missing and pa.types.is_integer(kind):
            columns[name] = pd.array(column.to_pandas(integer_object_nulls=True), dtype="Int64")
        elif missing and pa.types.is_boolean(kind):
            columns[name] = pd.array(column.to_pandas(), dtype="boolean")
        else:
            columns[name] = column.to_pandas()
    return pd.DataFrame(columns, columns=data.column_names)


def protected_frame(data: pa.Table) -> "ProtectedTable":
    """The answer to a query in the form `table`: each value column `<c>` has a companion `<c>_status`."""
    frame = plain_frame(data)
    for column in value_columns(frame):
        hidden = frame[column + STATUS] == "hidden"
        if hidden.any():
            # Even if a value came beside the status, a hidden cell stays hidden here.
            frame[column] = frame[column].astype(object).mask(hidden, HIDDEN)
    return ProtectedTable(frame)


def _companions(frame: pd.DataFrame) -> list[tuple[str, bool]]:
    """Columns that have a companion, and whether it tells totals from details (else: shown from hidden)."""
    names = {str(name) for name in frame.columns}
    return [
        (str(name), bool(len(frame)) and set(frame[f"{name}{STATUS}"]) <= MARGIN)
        for name in frame.columns
        if f"{name}{STATUS}" in names
    ]


def value_columns(frame: pd.DataFrame) -> list[str]:
    """Columns whose cells are shown, hidden or perturbed."""
    return [name for name, margin in _companions(frame) if not margin]


def margin_columns(frame: pd.DataFrame) -> list[str]:
    """Dimensions of which some rows are totals; null there is "all", elsewhere a category of its own."""
    return [name for name, margin in _companions(frame) if margin]


def status_columns(frame: pd.DataFrame) -> set[str]:
    """The companions themselves."""
    return {name + STATUS for name, _ in _companions(frame)}


def whole_numbers(frame: pd.DataFrame, column: str) -> bool:
    """Whether a column holds whole numbers (hidden and missing cells aside): what a count looks like."""
    values = frame[column]
    if pd.api.types.is_bool_dtype(values):
        return False
    if pd.api.types.is_integer_dtype(values):
        return True
    kept = [value for value in values if value is not HIDDEN and not pd.isna(value)]
    # Counting what is perhaps no count only makes the machine look at more cells.
    return (
        all(not isinstance(value, str | bool) and _is_whole(value) for value in kept)
        and values.dtype == object
    )


def _is_whole(value: Any) -> bool:
    try:
        return float(value).is_integer()
    except (TypeError, ValueError):
        return False


class ProtectedTable(pd.DataFrame):  # type: ignore[misc]  # pandas is not read by the type checker
    """A data frame whose value columns have statuses. `attrs`: `receipt`, `columns`, `language`."""

    @property
    def _constructor(self) -> type["ProtectedTable"]:
        return ProtectedTable

    def details(self) -> "ProtectedTable":
        """Only the rows that are no total of others, without the companions that tell totals apart."""
        margins = margin_columns(self)
        keep = pd.Series(True, index=self.index)
        for column in margins:
            keep &= self[column + STATUS] != TOTAL
        kept: ProtectedTable = self[keep].drop(columns=[column + STATUS for column in margins])
        for column in margins:
            kept[column] = kept[column].infer_objects()
        return kept

    def shown(self) -> pd.DataFrame:
        """Only the rows in which every value is shown, as a plain frame with numbers and without their statuses."""
        values = value_columns(self)
        keep = pd.Series(True, index=self.index)
        for column in values:
            keep &= self[column + STATUS] != "hidden"
        plain = pd.DataFrame(self[keep]).drop(columns=[column + STATUS for column in values])
        for column in values:
            plain[column] = pd.to_numeric(plain[column])
        plain.attrs = dict(self.attrs)
        return plain

    def statuses(self) -> dict[str, int]:
        """How many cells are shown, hidden, perturbed."""
        counts = {"shown": 0, "hidden": 0, "perturbed": 0}
        for column in value_columns(self):
            for status in self[column + STATUS]:
                counts[str(status)] = counts.get(str(status), 0) + 1
        return counts

    def _view(self) -> tuple[list[str], list[list[tuple[str, str]]]]:
        """Columns to show, and per row (text, status) with status "" or `total` for a dimension."""
        values, margins, statuses = value_columns(self), margin_columns(self), status_columns(self)
        columns = [str(name) for name in self.columns if str(name) not in statuses]
        total = word("all", self.attrs.get("language", "en"))
        rows = []
        for _, row in self.head(ROWS_SHOWN).iterrows():
            cells = []
            for column in columns:
                value = row[column]
                if column in values:
                    status = str(row[column + STATUS])
                    cells.append((LABEL if status == "hidden" else _number(value), status))
                elif column in margins and row[column + STATUS] == TOTAL:
                    cells.append((total, TOTAL))
                else:
                    missing = (
                        value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))
                    )
                    cells.append(("–" if missing else _number(value), ""))
            rows.append(cells)
        return columns, rows

    def _caption(self) -> str:
        language: Language = self.attrs.get("language", "en")
        counts = self.statuses()
        parts = [
            f"{word(f'{status}_cells', language)} {n}"
            for status, n in counts.items()
            if n or status != "perturbed"
        ]
        if len(self) > ROWS_SHOWN:
            parts.append(word("more_rows", language, n=len(self) - ROWS_SHOWN))
        if query := self.attrs.get("receipt", {}).get("id"):
            parts.append(str(query))
        return " · ".join(parts)

    def _repr_html_(self) -> str:
        columns, rows = self._view()
        numeric = set(value_columns(self))
        head = "".join(
            f"<th style='text-align:{'right' if c in numeric else 'left'}'>{html.escape(c)}</th>"
            for c in columns
        )
        styles = {
            "": "text-align:left",
            TOTAL: "text-align:left;font-weight:600",
            "shown": "text-align:right",
            "perturbed": "text-align:right;font-style:italic",
            "hidden": "text-align:right;color:#8a3b12;background:repeating-linear-gradient(135deg,#fbeee4 0 6px,#f6dfcd 6px 12px)",
        }
        body = "".join(
            "<tr>"
            + "".join(
                f"<td style='{styles.get(status, '')}'>{html.escape(text)}</td>" for text, status in cells
            )
            + "</tr>"
            for cells in rows
        )
        caption = f"<div style='opacity:.75;font-size:90%'>{html.escape(self._caption())}</div>"
        return f"<div><table class='dataframe'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{caption}</div>"

    def __repr__(self) -> str:
        columns, rows = self._view()
        plain = pd.DataFrame([[text for text, _ in cells] for cells in rows], columns=columns)
        return f"{plain.to_string(index=False)}\n[{self._caption()}]"


def _number(value: object) -> str:
    if isinstance(value, float) and not value.is_integer():
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.1f}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return str(int(value))
