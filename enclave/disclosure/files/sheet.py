"""A table file as text, which column of it is what, and what is found in it: the words that the checks of files share.

Decides only roles: what was declared or described, and for the rest the likeliest. Relies on nothing but the text. Does not judge.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from enclave.disclosure.criteria.rules import Rules
from enclave.disclosure.files.description import Description

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
    description what its maker says of the columns
    attached    columns of evidence that do not leave with the file, as long as its own (`description.attach`)
    """

    path: str
    columns: Mapping[str, Sequence[str]]
    dimensions: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    statuses: Mapping[str, str] = field(default_factory=dict)
    description: Description = field(default_factory=Description)
    attached: Mapping[str, Sequence[str]] = field(default_factory=dict)

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
    said = file.description
    known = set(file.dimensions) | set(said.dimensions) | set(said.values) | said.evidence_columns()
    counts = (
        file.counts
        or tuple(name for name in said.counts if name in file.columns)
        or tuple(name for name in free if _counts(name) and name not in known)
    )
    marked = {name for name, status in statuses.items() if _says(file.columns[status]) <= _VALUE_WORDS}
    dimensions = (
        file.dimensions
        or tuple(said.dimensions)
        or tuple(
            name
            for name in free
            if name not in counts
            and name not in marked
            and name not in known
            and not _fractional(file.columns[name])
        )
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
class Sheet:
    """The file with its roles decided and its keys read."""

    file: TableFile
    roles: Roles
    keys: tuple[tuple[object, ...], ...]
    rules: Rules

    def evidence(self, column: str | None) -> Sequence[str] | None:
        """The cells of a column of evidence, attached or in the file; None where there is none."""
        if column is None:
            return None
        return self.file.attached.get(column, self.file.columns.get(column))

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
