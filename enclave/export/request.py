"""What a researcher asks to take out, as typed values, and what the machine said of it.

Decides the form of a submission (which items there are, what each carries). Whether its bytes may leave is for
`checks` and `flow`. Nothing here is trusted: names and bytes are as they were sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from enclave.core.ids import Digest


class Kind(StrEnum):
    """`data` is the table under a figure: checked like any table, kept and released beside the figure."""

    TABLE = "table"
    FIGURE = "figure"
    DATA = "data"


MEDIA = {
    Kind.TABLE: "text/csv; charset=utf-8",
    Kind.DATA: "text/csv; charset=utf-8",
    Kind.FIGURE: "image/png",
}
EXTENSION = {Kind.TABLE: ".csv", Kind.DATA: ".csv", Kind.FIGURE: ".png"}


@dataclass(frozen=True)
class Described:
    """What the maker of a table says of its columns. `source`: the text as submitted, in UTF-8; `said`: what it says, read;
    `unread`: why it could not be read, the facts of a refusal. `evidence`: the table of evidence as CSV, which does not leave."""

    source: bytes
    said: object = None
    evidence: bytes | None = None
    unread: Mapping[str, object] | None = None


@dataclass(frozen=True)
class TableItem:
    """A table as CSV. `dimensions` are its key columns, `counts` the columns that hold numbers of persons or records; where
    neither is given, those of its description are. `receipt` is the id of the query that it came from."""

    name: str
    data: bytes
    dimensions: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    receipt: str | None = None
    described: Described | None = None


@dataclass(frozen=True)
class FigureItem:
    """A picture, and the table of the numbers that it shows."""

    name: str
    data: bytes
    table: TableItem


Item = TableItem | FigureItem


@dataclass(frozen=True)
class Submission:
    """One export: for which planned output of the permit, why, and what."""

    output: str
    purpose: str
    items: tuple[Item, ...]


class Verdict(StrEnum):
    """`fail` turns the export back, `human` is for the checkers to judge, `pass` found nothing."""

    PASS = "pass"  # noqa: S105  a verdict
    HUMAN = "human"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One thing that a check says. `where` names a place in the file (`row`, `column`), `facts` limits and names;
    neither holds a data value. `rule_set` is where the rule comes from, None for the airlock's own."""

    code: str
    verdict: Verdict
    where: Mapping[str, object] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)
    rule_set: str | None = None

    def to_json(self) -> dict[str, object]:
        return {
            "code": self.code,
            "verdict": self.verdict.value,
            "where": dict(self.where),
            "facts": dict(self.facts),
            "rule_set": self.rule_set,
        }


_ORDER = (Verdict.PASS, Verdict.HUMAN, Verdict.FAIL)


def worst(verdicts: tuple[Verdict, ...]) -> Verdict:
    """The gravest of the verdicts; none at all is a pass of nothing and so never asked of an empty export."""
    return max(verdicts, key=_ORDER.index, default=Verdict.PASS)


@dataclass(frozen=True)
class Attached:
    """What was submitted with a file, was judged with it and does not leave: its description, its evidence."""

    data: bytes
    digest: Digest


@dataclass(frozen=True)
class CheckedFile:
    """One file with what was found. `data` are the bytes that were checked and, if all agree, the bytes that leave.
    `attached`: the description, and then the evidence, where there are any."""

    name: str
    kind: Kind
    data: bytes
    digest: Digest
    findings: tuple[Finding, ...]
    declared: Mapping[str, object]
    attached: tuple[Attached, ...] = ()

    @property
    def verdict(self) -> Verdict:
        return worst(tuple(finding.verdict for finding in self.findings))


@dataclass(frozen=True)
class CheckedSubmission:
    """A submission after every check. Files in the order in which they were submitted, data beside their figures."""

    output: str
    purpose: str
    files: tuple[CheckedFile, ...]
    digest: Digest

    @property
    def verdict(self) -> Verdict:
        return worst(tuple(file.verdict for file in self.files))
