"""What a machine can find in a table file that asks to leave. Text in, findings out; the file's bytes are the caller's.

Decides, per file, `fail` (a rule is broken), `human` (it cannot tell) or `pass`. Relies on the file's own counts as
evidence: a table without counts is never called safe. Does not: know other files or earlier releases, or which
answer of the gateway a number came from.

Checks, in this order: rows of persons, no evidence, small cells, numbers beside hidden ones, columns that may be counts
though nobody says so, differences within a row, then what subtraction along the table's totals gives (`margins` finds the totals).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import permutations

from enclave.disclosure.interval import Solver, System, detailed, families
from enclave.disclosure.margins import mark_totals
from enclave.disclosure.rules import CONCENTRATION, Rules, Zero
from enclave.disclosure.table import TOTAL

MAX_ROWS = 5_000
"""A table of more rows is not something that two people can check: it is data."""

_PERSON_NAMES = ("pid", "case_pid", "patient_id", "person_id", "id1", "id5")
_COUNT_NAMES = (
    "n",
    "count",
    "cnt",
    "persons",
    "patients",
    "people",
    "freq",
    "frequency",
    "人数",
    "件数",
    "患者数",
    "実人数",
    "度数",
)
_AREA_NAMES = ("municipality", "city", "ward", "town", "市区町村", "市町村", "行政区")
_STARRED = re.compile(
    r"|[*＊†.…・x×–—―−‐ー-]+|\(?(secret|suppressed|hidden|masked|na|n/a|c|秘匿|非公表|非表示)\)?|(<|<=|≤|＜|under |below )\s?\d+|\d+未満",
    re.IGNORECASE,
)
"""How people write a count that they hide. Anything else in a column of counts is a number in another spelling."""

_NOT_FINITE = ("nan", "inf", "-inf", "+inf", "infinity", "-infinity")
_LISTED_AT_MOST = 100
_ONLY_KEYS = 20
"""Rows without a count to be seen, from which on a table made of them is a list of records."""


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105  a verdict, not a password
    FAIL = "fail"
    HUMAN = "human"


@dataclass(frozen=True)
class Finding:
    """`where`: the place in words, named by its keys, never by a hidden or small value. `facts`: thresholds, counts."""

    code: str
    where: str
    facts: Mapping[str, object]
    rule_set: str
    verdict: Verdict = Verdict.FAIL


@dataclass(frozen=True)
class Findings:
    path: str
    verdict: Verdict
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class TableFile:
    """A delimited file as text.

    columns     per name the cells, all equally long
    dimensions  columns whose values name a cell; () lets `roles` guess
    counts      columns that count persons or records; () lets `roles` guess
    statuses    value column to its status column; where absent `<column>_status` is looked for
    """

    path: str
    columns: Mapping[str, Sequence[str]]
    dimensions: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    statuses: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values()), ()))


def plain(text: str) -> str:
    """Full-width digits and spaces as the reader means them."""
    return unicodedata.normalize("NFKC", text).strip()


def number(text: str) -> float | None:
    """The number that a cell writes, thousands separators allowed; None for anything else."""
    try:
        value = float(plain(text).replace(",", ""))
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


@dataclass(frozen=True)
class Roles:
    """Which column is what. `values`: numbers that are neither dimensions nor counts."""

    dimensions: tuple[str, ...]
    counts: tuple[str, ...]
    values: tuple[str, ...]
    statuses: Mapping[str, str]


def roles(file: TableFile) -> Roles:
    """The declared roles, and for what was not declared the likeliest: counts by their names, dimensions the rest that
    is not a number with a status."""
    statuses = {
        name: file.statuses.get(name, f"{name}_status")
        for name in file.columns
        if file.statuses.get(name, f"{name}_status") in file.columns
    }
    status_columns = set(statuses.values())
    free = [name for name in file.columns if name not in status_columns]
    counts = file.counts or tuple(name for name in free if _counts(name) and name not in file.dimensions)
    marked = {name for name, status in statuses.items() if _says(file.columns[status]) <= _VALUE_WORDS}
    dimensions = file.dimensions or tuple(
        name
        for name in free
        if name not in counts and name not in marked and not _fractional(file.columns[name])
    )
    values = tuple(name for name in free if name not in counts and name not in dimensions)
    return Roles(dimensions, tuple(counts), values, statuses)


_VALUE_WORDS = frozenset({"shown", "hidden", "perturbed"})


def _says(cells: Iterable[str]) -> set[str]:
    return {plain(cell) for cell in cells}


def _counts(name: str) -> bool:
    lower = plain(name).casefold()
    return lower in _COUNT_NAMES or any(
        lower.endswith(f"_{word}") or lower.startswith(f"{word}_") for word in ("n", "count")
    )


def _fractional(cells: Sequence[str]) -> bool:
    numbers = [value for cell in cells if (value := number(cell)) is not None]
    return any(value != int(value) for value in numbers)


@dataclass(frozen=True)
class _Sheet:
    """The file with its roles decided and its keys read."""

    file: TableFile
    roles: Roles
    keys: tuple[tuple[object, ...], ...]
    rules: Rules

    def hidden(self, column: str, row: int) -> bool:
        status = self.roles.statuses.get(column)
        if status is not None and plain(self.file.columns[status][row]) == "hidden":
            return True
        # Without a status an empty or starred count is somebody's way of hiding it.
        return column in self.roles.counts and number(self.file.columns[column][row]) is None

    def cell(self, row: int, column: str) -> str:
        names = ", ".join(f"{name}={self.file.columns[name][row]}" for name in self.roles.dimensions)
        return f"row {row + 1}: {names}; {column}" if names else f"row {row + 1}; {column}"

    def finding(self, code: str, where: str, verdict: Verdict = Verdict.FAIL, **facts: object) -> Finding:
        return Finding(f"disclosure.{code}", where, facts, self.rules.source, verdict)


def examine(file: TableFile, rules: Rules) -> Findings:
    """All findings of one file and the verdict that follows from them."""
    found_roles = roles(file)
    numbers = {name: [number(cell) for cell in file.columns[name]] for name in found_roles.counts}
    keys = mark_totals(
        [[plain(cell) for cell in file.columns[name]] for name in found_roles.dimensions],
        [
            [plain(cell) for cell in file.columns[found_roles.statuses[name]]]
            if name in found_roles.statuses
            else None
            for name in found_roles.dimensions
        ],
        list(numbers.values()),
    )
    sheet = _Sheet(file, found_roles, tuple(keys), rules)
    findings: list[Finding] = []
    for check in CHECKS:
        found = list(check(sheet))
        findings += found[:_LISTED_AT_MOST]
        if len(found) > _LISTED_AT_MOST:
            more = len(found) - _LISTED_AT_MOST
            worst = Verdict.FAIL if any(one.verdict is Verdict.FAIL for one in found) else Verdict.HUMAN
            findings.append(sheet.finding("more", file.path, worst, repeats=found[0].code, more=more))
    verdicts = {one.verdict for one in findings}
    verdict = next((one for one in (Verdict.FAIL, Verdict.HUMAN) if one in verdicts), Verdict.PASS)
    return Findings(file.path, verdict, tuple(findings))


def _row_level(sheet: _Sheet) -> Iterator[Finding]:
    """Microdata in a table's clothes."""
    file = sheet.file
    for name in file.columns:
        lower = plain(name).casefold()
        if lower in _PERSON_NAMES or lower.endswith("_pid"):
            yield sheet.finding("row_level", name, why="person_column")
    if file.rows > MAX_ROWS:
        yield sheet.finding("row_level", file.path, why="rows", limit=MAX_ROWS)
    hidden = sum(all(sheet.hidden(one, row) for one in sheet.roles.counts) for row in range(file.rows))
    if sheet.roles.counts and hidden >= _ONLY_KEYS and 4 * hidden > 3 * file.rows:
        yield sheet.finding("row_level", file.path, why="only_keys")
    distinct = len(set(sheet.keys))
    if sheet.roles.dimensions and not sheet.roles.counts and distinct < file.rows:
        yield sheet.finding("row_level", file.path, why="repeated_cells")
    for name in (*sheet.roles.values, *(one for one in sheet.roles.dimensions if one not in file.dimensions)):
        cells = [plain(cell) for cell in file.columns[name]]
        if (
            len(cells) >= 20
            and len(set(cells)) == len(cells)
            and all(cell.isdigit() and int(cell) >= 10_000 for cell in cells)
        ):
            yield sheet.finding("row_level", name, why="unique_numbers")


def _evidence(sheet: _Sheet) -> Iterator[Finding]:
    if not sheet.roles.counts:
        yield sheet.finding("no_evidence", sheet.file.path, Verdict.HUMAN)
        return
    if len(set(sheet.keys)) < sheet.file.rows:
        yield sheet.finding("repeated_cell", sheet.file.path, Verdict.HUMAN)
    uncounted = ["min_institutions"] if sheet.rules.min_institutions is not None else []
    if sheet.roles.values:
        uncounted += [name for name in sheet.rules.unenforced if name in CONCENTRATION]
    for rule in uncounted:
        yield sheet.finding("evidence_missing", sheet.file.path, Verdict.HUMAN, rule=rule)
    if sheet.rules.tiers:
        for name in sheet.roles.dimensions:
            if any(word in plain(name).casefold() for word in _AREA_NAMES):
                yield sheet.finding("population_unknown", name, Verdict.HUMAN)


def _small(sheet: _Sheet) -> Iterator[Finding]:
    for column in sheet.roles.counts:
        for row, text in enumerate(sheet.file.columns[column]):
            where = sheet.cell(row, column)
            if plain(text).casefold() in _NOT_FINITE:
                yield sheet.finding("not_finite", where)
                continue
            value = number(text)
            if value is None:
                # «four», 四 or Ⅳ is read as a count by everybody but a machine.
                if _STARRED.fullmatch(plain(text)) is None:
                    yield sheet.finding("not_a_count", where)
                continue
            if sheet.hidden(column, row):
                yield sheet.finding("hidden_written", where)
            elif value < 0:
                yield sheet.finding("not_a_count", where)
            elif 0 < value < sheet.rules.n or (value == 0 and sheet.rules.zero is Zero.HIDDEN):
                yield sheet.finding("small_cell", where, threshold=sheet.rules.n)


def _beside(sheet: _Sheet) -> Iterator[Finding]:
    """A percentage, mean or sum beside a hidden count gives the count back."""
    for column in sheet.roles.values:
        for row, text in enumerate(sheet.file.columns[column]):
            value = number(text)
            where = sheet.cell(row, column)
            if plain(text).casefold() in _NOT_FINITE:
                yield sheet.finding("not_finite", where)
            elif value is not None and sheet.hidden(column, row):
                yield sheet.finding("hidden_written", where)
            elif value and any(sheet.hidden(count, row) for count in sheet.roles.counts):
                yield sheet.finding("beside_hidden", where)


def _undeclared(sheet: _Sheet) -> Iterator[Finding]:
    """A column that nobody declared, beside counts: whole numbers that may be a part of them, or a share that gives one."""
    wholes = [[number(cell) for cell in sheet.file.columns[name]] for name in sheet.roles.counts]
    for column in sheet.roles.values:
        numbers = [number(cell) for cell in sheet.file.columns[column]]
        for whole in wholes:
            pairs = [
                (row, part, n) for row, (part, n) in enumerate(zip(numbers, whole, strict=True)) if part and n
            ]
            place = _small_part(pairs, sheet.rules.n)
            if place is not None:
                where = sheet.cell(place, column)
                yield sheet.finding("maybe_count", where, Verdict.HUMAN, threshold=sheet.rules.n)
                break


def _small_part(pairs: Sequence[tuple[int, float, float]], n: int) -> int | None:
    """The first row whose part of the whole would be 1 to n - 1, where every row is a part by one reading: itself, a
    share of one or a share of a hundred. A share that is rounded too much to give whole numbers is not found."""
    for share, slack in ((None, 0.0), (1, 0.05), (100, 0.05)):
        parts = [(row, part if share is None else part * whole / share, whole) for row, part, whole in pairs]
        if parts and all(0 < part <= whole and abs(part - round(part)) <= slack for _, part, whole in parts):
            small = [row for row, part, _ in parts if 0 < round(part) < n]
            if small:
                return small[0]
    return None


def _differences(sheet: _Sheet) -> Iterator[Finding]:
    """Two counts of which one never exceeds the other may be a part and its whole."""
    columns = {name: [number(cell) for cell in sheet.file.columns[name]] for name in sheet.roles.counts}
    for part, whole in permutations(columns, 2):
        pairs = [
            (row, have - less)
            for row, (less, have) in enumerate(zip(columns[part], columns[whole], strict=True))
            if less is not None and have is not None
        ]
        if any(rest < 0 for _, rest in pairs) or (len(pairs) < 2 and len(columns) > 2):
            continue
        for row, rest in pairs:
            if 0 < rest < sheet.rules.n:
                where = sheet.cell(row, f"{whole} - {part}")
                yield sheet.finding("small_difference", where, Verdict.HUMAN, threshold=sheet.rules.n)


def _subtraction(sheet: _Sheet) -> Iterator[Finding]:
    if len(set(sheet.keys)) < len(sheet.keys):
        return  # Said by _evidence: cells that stand twice cannot be summed.
    place_of = {keys: row for row, keys in enumerate(sheet.keys)}
    groupings = {detailed(keys) for keys in sheet.keys}
    for column in sheet.roles.counts:
        values = [number(cell) for cell in sheet.file.columns[column]]
        hidden = [row for row in range(len(values)) if sheet.hidden(column, row)]
        known = {
            row: int(value)
            for row, value in enumerate(values)
            if value is not None and value == int(value) and row not in set(hidden)
        }
        sums = []
        for (parent, _), children in families(dict.fromkeys(sheet.keys, (0,)), groupings).items():
            members = [place_of[parent], *(place_of[child] for child in children)]
            if all(row in known or row in hidden for row in members):
                sums.append(members)
        yield from _groups(sheet, column, known, sums)
        yield from _exact(sheet, column, known, hidden, sums)
        if not any(TOTAL in keys for keys in sheet.keys):
            yield from _likely_totals(sheet, column, known, hidden)


def _groups(sheet: _Sheet, column: str, known: Mapping[int, int], sums: list[list[int]]) -> Iterator[Finding]:
    """What is hidden under one shown total can be read as one cell."""
    for total, *details in sums:
        secret = [row for row in details if row not in known]
        if total not in known or len(secret) < 2:
            continue
        together = known[total] - sum(known.get(row, 0) for row in details)
        if 0 < together < sheet.rules.n:
            where = sheet.cell(total, column)
            yield sheet.finding("small_group", where, threshold=sheet.rules.n, cells=len(secret))


def _exact(
    sheet: _Sheet, column: str, known: Mapping[int, int], hidden: list[int], sums: list[list[int]]
) -> Iterator[Finding]:
    """Hidden counts that only one whole number fits."""
    place = {row: number for number, row in enumerate(hidden)}
    rows: list[tuple[Mapping[int, int], int | None, int | None]] = []
    for total, *details in sums:
        signed = [(total, 1), *((row, -1) for row in details)]
        unknown = {place[row]: sign for row, sign in signed if row in place}
        if unknown:
            rest = -sum(sign * known[row] for row, sign in signed if row in known)
            rows.append((unknown, rest, rest))
    if not rows:
        return
    least = 0 if sheet.rules.zero is Zero.HIDDEN else 1
    try:
        solver = Solver(System(len(hidden), (least,) * len(hidden), tuple(rows)))
    except ValueError:
        # Totals that are no sums (a person in several rows, rows left out): nothing can be told by arithmetic.
        yield sheet.finding("not_additive", sheet.file.path, Verdict.HUMAN, column=column)
        return
    for row in hidden:
        low, high = solver.bounds(place[row])
        if low == high:
            yield sheet.finding("recomputable", sheet.cell(row, column))


def _likely_totals(
    sheet: _Sheet, column: str, known: Mapping[int, int], hidden: list[int]
) -> Iterator[Finding]:
    """No row is marked as a total, one count is hidden, and the largest count exceeds all others by a small number."""
    if len(hidden) != 1 or len(known) < 2:
        return
    largest = max(known, key=lambda row: known[row])
    rest = known[largest] - sum(value for row, value in known.items() if row != largest)
    if 0 < rest < sheet.rules.n:
        yield sheet.finding("maybe_recomputable", sheet.cell(hidden[0], column), Verdict.HUMAN)


CHECKS = (_row_level, _evidence, _small, _beside, _undeclared, _differences, _subtraction)
"""The list can be read and shown; each looks at the whole sheet."""
