"""What could be written next in a statement: tables and columns of the permit. Pure; the gateway decides what is read.

Relies on GET /v1/session for names. Does not parse SQL: it looks at the words before and after the place, which is
enough to offer names and cannot be wrong in any way that matters.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Columns = Mapping[str, Sequence[str]]
"""Columns by the table's full name (`nafld.patients`)."""

KEYWORDS = tuple(
    re.findall(
        r"\w+",
        "SELECT DISTINCT FROM WHERE JOIN LEFT INNER SEMI ANTI CROSS ON USING GROUP BY HAVING ORDER LIMIT UNION ALL "
        "INTERSECT EXCEPT WITH AS CASE WHEN THEN ELSE END AND OR NOT IN IS NULL BETWEEN LIKE EXISTS OVER PARTITION "
        "QUALIFY FILTER ROLLUP CUBE COUNT SUM AVG MIN MAX CAST DATE INTERVAL ASC DESC",
    )
)

_NAMED = re.compile(
    r"\b(?:from|join|,)\s*([\w.]+)(?:\s+(?:as\s+)?(?!on\b|using\b|where\b|join\b)(\w+))?", re.I
)
_PLACE_OF_A_TABLE = re.compile(r"\b(?:from|join)\s+(?:[\w.]+(?:\s+(?:as\s+)?\w+)?\s*,\s*)*[\w.]*$", re.I)


@dataclass(frozen=True)
class Offer:
    """A word that fits, and what it is: `table`, `column` or `keyword`."""

    text: str
    kind: str


def offers(before: str, after: str, tables: Columns) -> tuple[str, list[Offer]]:
    """The part already written, which an offer replaces, and the offers. `before` and `after` the place, of one statement."""
    if _in_quotes(before):
        return "", []
    found = re.search(r"[\w.]*$", before)
    written = found.group() if found else ""
    owner, dot, begun = written.rpartition(".")
    if dot:
        columns = _columns_of(owner, before + after, tables)
        inside = [Offer(name.rpartition(".")[2], "table") for name in tables if name.startswith(f"{owner}.")]
        return begun, _fitting(begun, [*(Offer(name, "column") for name in columns), *inside])
    names = [Offer(name, "table") for name in tables]
    if _PLACE_OF_A_TABLE.search(before):
        return begun, _fitting(begun, names)
    mentioned = {
        name for spoken, _ in _NAMED.findall(before + after) for name in tables if _is_called(name, spoken)
    } or set(tables)
    columns = list(dict.fromkeys(column for name in tables if name in mentioned for column in tables[name]))
    words = [Offer(word, "keyword") for word in KEYWORDS] if begun else []
    return begun, _fitting(begun, [*(Offer(name, "column") for name in columns), *names, *words])


def _fitting(begun: str, offered: Sequence[Offer]) -> list[Offer]:
    start = begun.lower()
    return [
        offer
        for offer in offered
        if offer.text.lower().startswith(start) or offer.text.lower().rpartition(".")[2].startswith(start)
    ]


def _columns_of(owner: str, statement: str, tables: Columns) -> Sequence[str]:
    """Columns of a table by its name or by what the statement calls it."""
    called = owner
    for spoken, alias in _NAMED.findall(statement):
        if alias.lower() == owner.lower():
            called = spoken
    return next((tables[name] for name in tables if _is_called(name, called)), ())


def _is_called(name: str, spoken: str) -> bool:
    return spoken.lower() in (name.lower(), name.lower().rpartition(".")[2])


def _in_quotes(before: str) -> bool:
    """Whether the place lies inside a text or a comment."""
    rest = re.sub(r"'(?:[^']|'')*'|--[^\n]*\n|/\*.*?\*/", " ", before, flags=re.S)
    return "'" in rest or "--" in rest or "/*" in rest


_CALL = re.compile(r"(?:\.(?:sql|table|arrow|polars)|read_sql(?:_query)?)\(\s*[rR]?(\"\"\"|'''|\"|')", re.S)
_CELL = re.compile(r"\s*%%sql\b[^\n]*\n", re.S)
_LINE = re.compile(r"(?:^|=)[ \t]*%sql[ \t]+(.*)$")


def statement_at(text: str, place: int) -> tuple[str, str] | None:
    """The statement around a place in a notebook's cell, cut there: a `%%sql` cell, a `%sql` line, or a text that is
    passed to `sql(`, `table(`, `arrow(`, `polars(`, `read_sql(`. None where there is none."""
    before, after = text[:place], text[place:]
    if cell := _CELL.match(before):
        return before[cell.end() :], after
    if line := _LINE.search(before.rpartition("\n")[2]):
        return line.group(1), after.partition("\n")[0]
    calls = list(_CALL.finditer(before))
    if not calls:
        return None
    last = calls[-1]
    quote, inside = last.group(1), before[last.end() :]
    if quote in inside or (len(quote) == 1 and "\n" in inside):
        return None
    return inside, after.partition(quote)[0]


_WORDS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\$([A-Za-z_]\w*)", re.S)


def parameters_in(statement: str) -> tuple[str, ...]:
    """Names after `$`, each once; not those inside texts, quoted names and comments."""
    return tuple(dict.fromkeys(found.group(1) for found in _WORDS.finditer(statement) if found.group(1)))
