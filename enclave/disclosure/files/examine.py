"""What a machine can find in a table file that asks to leave. Text in, findings out; the file's bytes are the caller's.

Decides, per file, `fail` (a rule is broken), `human` (it cannot tell) or `pass`. Relies on the file's own counts, and on what
its description says of other columns, as evidence: a table without evidence is never called safe. Does not: know other files
or earlier releases, or which answer of the gateway a number came from.

Checks, in this order: rows of persons, no evidence, every rule about single cells (`judging`), numbers beside hidden ones,
columns that may be counts though nobody says so, differences within a row, then what subtraction along the table's totals gives
(`margins` finds the totals).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

from enclave.core.refusal import Refused
from enclave.disclosure.answers.table import TOTAL
from enclave.disclosure.criteria.rules import Rules, Zero
from enclave.disclosure.files.judging import JUDGING, not_finite
from enclave.disclosure.files.margins import mark_totals
from enclave.disclosure.files.sheet import Finding, Findings, Sheet, TableFile, Verdict, number, plain, roles
from enclave.disclosure.proof.interval import Solver, System, detailed, families

__all__ = ["Finding", "Findings", "TableFile", "Verdict", "examine"]

MAX_ROWS = 5_000
"""A table of more rows is not something that two people can check: it is data."""

_PERSON_NAMES = ("pid", "case_pid", "patient_id", "person_id", "id1", "id5")
_LISTED_AT_MOST = 100
_ONLY_KEYS = 20
"""Rows without a count to be seen, from which on a table made of them is a list of records."""


def examine(file: TableFile, rules: Rules) -> Findings:
    """All findings of one file and the verdict that follows from them.

    Raises Refused `disclosure.column_missing` where its description names a column that is nowhere.
    """
    said = file.description
    for name in (*said.dimensions, *said.values):
        if name not in file.columns:
            raise Refused("disclosure.column_missing", {"column": name})
    for name in (*said.counts, *sorted(said.evidence_columns())):
        if name not in file.columns and name not in file.attached:
            raise Refused("disclosure.column_missing", {"column": name})
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
    sheet = Sheet(file, found_roles, tuple(keys), rules)
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


def _row_level(sheet: Sheet) -> Iterator[Finding]:
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


def _beside(sheet: Sheet) -> Iterator[Finding]:
    """A percentage, mean or sum beside a hidden count gives the count back."""
    for column in sheet.roles.values:
        for row, text in enumerate(sheet.file.columns[column]):
            value = number(text)
            where = sheet.cell(row, column)
            if not_finite(text):
                yield sheet.finding("not_finite", where, column=column)
            elif value is not None and sheet.hidden(column, row):
                yield sheet.finding("hidden_written", where)
            elif value and any(sheet.hidden(count, row) for count in sheet.roles.counts):
                yield sheet.finding("beside_hidden", where)


def _undeclared(sheet: Sheet) -> Iterator[Finding]:
    """A column that nobody declared, beside counts: whole numbers that may be a part of them, or a share that gives one."""
    wholes = [[number(cell) for cell in sheet.file.columns[name]] for name in sheet.roles.counts]
    said = set(sheet.file.description.values) | sheet.file.description.evidence_columns()
    for column in (name for name in sheet.roles.values if name not in said):
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


def _differences(sheet: Sheet) -> Iterator[Finding]:
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


def _subtraction(sheet: Sheet) -> Iterator[Finding]:
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


def _groups(sheet: Sheet, column: str, known: Mapping[int, int], sums: list[list[int]]) -> Iterator[Finding]:
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
    sheet: Sheet, column: str, known: Mapping[int, int], hidden: list[int], sums: list[list[int]]
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
        elif high is not None and high - low + 1 < sheet.rules.min_whole_numbers:
            yield sheet.finding("narrow", sheet.cell(row, column), least=sheet.rules.min_whole_numbers)


def _likely_totals(
    sheet: Sheet, column: str, known: Mapping[int, int], hidden: list[int]
) -> Iterator[Finding]:
    """No row is marked as a total, one count is hidden, and the largest count exceeds all others by a small number."""
    if len(hidden) != 1 or len(known) < 2:
        return
    largest = max(known, key=lambda row: known[row])
    rest = known[largest] - sum(value for row, value in known.items() if row != largest)
    if 0 < rest < sheet.rules.n:
        yield sheet.finding("maybe_recomputable", sheet.cell(hidden[0], column), Verdict.HUMAN)


CHECKS = (_row_level, *JUDGING, _beside, _undeclared, _differences, _subtraction)
"""The list can be read and shown; each looks at the whole sheet."""
