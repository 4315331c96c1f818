"""What portal and gateway are shown of an export: frozen values without a decision in them.

`adapters/export_records` fills them in, each with no more than its viewer may see.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from enclave.adapters import description_text
from enclave.core.ids import Digest, ExportId, PersonId, ProjectId
from enclave.core.refusal import CODES as CORE
from enclave.core.refusal import Refused, Wording, problem
from enclave.disclosure.codes import CODES as DISCLOSURE
from enclave.disclosure.files.description import Description, parse
from enclave.export.codes import CODES as EXPORT
from enclave.export.request import Kind, Verdict
from enclave.export.review import Choice, State, Vote
from enclave.export.table_text import Sheet

WORDINGS: dict[str, Wording] = {**CORE, **DISCLOSURE, **EXPORT}
"""Every code that a finding can carry."""


@dataclass(frozen=True)
class ExportSummary:
    """One line of a list. `permit` is `p@rev`; `files` are names in order; times are None until they happen."""

    id: ExportId
    project: ProjectId
    permit: str
    person: PersonId
    output: str
    state: State
    digest: Digest
    files: tuple[str, ...]
    verdict: Verdict
    submitted_at: datetime
    decided_at: datetime | None
    released_at: datetime | None


@dataclass(frozen=True)
class QueueEntry:
    """What a checker's queue shows: the export, and whether this checker has voted. Nothing of the others' votes."""

    export: ExportSummary
    voted: bool


@dataclass(frozen=True)
class FindingView:
    """A finding in words. `where` may hold `row` (from 1, the header not counted) and `column`."""

    code: str
    verdict: Verdict
    where: Mapping[str, Any]
    facts: Mapping[str, Any]
    rule_set: str | None
    title: str
    hint: str


@dataclass(frozen=True)
class DescriptionView:
    """A description as it was written, and what it says, by column; `said` is None where it says nothing readable."""

    text: str
    said: Description | None


@dataclass(frozen=True)
class FileView:
    """One file of an export. `sheet` is the parsed table (header and rows of text) where there is one to show.

    `declared` holds `dimensions`, `counts`, `receipt` as submitted, and the digests of `description` and `evidence` where there
    are any; `figure` (of a data table) names its figure. `description` and `evidence` do not leave.
    """

    position: int
    name: str
    kind: Kind
    media_type: str
    digest: Digest
    size: int
    verdict: Verdict
    findings: tuple[FindingView, ...]
    declared: Mapping[str, Any]
    sheet: Sheet | None
    description: DescriptionView | None = None
    evidence: Sheet | None = None


@dataclass(frozen=True)
class VoteView:
    """A vote as the viewer may see it; `checker` is None for the project's own people, who never learn who checked."""

    checker: PersonId | None
    choice: Choice
    comment: str | None
    given_at: datetime


@dataclass(frozen=True)
class ExportView:
    """Everything one viewer may see of one export. `purpose` is None where its text was erased.

    `needed` votes decide; `mine` is the viewer's own vote; `votes` are those visible to the viewer (all of them only
    once they decided). `may_vote` and `may_download` say what the page should offer; asking decides again.
    """

    export: ExportSummary
    purpose: str | None
    files: tuple[FileView, ...]
    needed: int
    mine: VoteView | None
    votes: tuple[VoteView, ...]
    may_vote: bool
    may_download: bool


def finding_view(finding: Mapping[str, Any], wordings: Mapping[str, Wording], language: str) -> FindingView:
    """A finding in the words of a language; a code without a wording is shown as itself."""
    refused = Refused(finding["code"], {**finding["facts"], **finding["where"]})
    said = problem(refused, wordings, language)
    return FindingView(
        finding["code"],
        Verdict(finding["verdict"]),
        finding["where"],
        finding["facts"],
        finding["rule_set"],
        str(said["title"]),
        str(said["hint"]),
    )


def described(source: bytes) -> DescriptionView:
    """A description for who checks: its own text is always there."""
    text = source.decode("utf-8", "replace")
    try:
        return DescriptionView(text, parse(description_text.read(source, "description")))
    except Refused:
        return DescriptionView(text, None)


def vote_view(vote: Vote, *, named: bool) -> VoteView:
    return VoteView(vote.checker if named else None, vote.choice, vote.comment, vote.given_at)
