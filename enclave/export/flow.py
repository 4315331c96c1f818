"""May this leave? The airlock from top to bottom, for one submission.

Relies on `recompute` for receipts (it runs the receipt's question again and protects the answer) and on the rule sets
that bind. Does not keep anything, and does not decide who may submit: the policy and `adapters/export_records` do.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.disclosure import flow as disclosure
from enclave.disclosure.answers.table import ProtectedTable
from enclave.disclosure.criteria.rules import RuleSet
from enclave.disclosure.files.examine import TableFile
from enclave.export import names, receipt
from enclave.export.checks import MAX_FILES, MAX_PURPOSE, MAX_ROWS, Subject, examine
from enclave.export.described import Reading, beside_a_receipt, laid_together, reading
from enclave.export.history import Compare, Matched
from enclave.export.release import digest_of, export_digest
from enclave.export.request import (
    Attached,
    CheckedFile,
    CheckedSubmission,
    FigureItem,
    Finding,
    Kind,
    Submission,
    TableItem,
    Verdict,
)
from enclave.export.table_text import Sheet, read_sheet

MOSTLY_HIDDEN = 20
"""Rows that show nothing but their keys, from which on they are looked at: above a quarter of a table a checker is
asked, above three quarters the table is turned back."""

Recompute = Callable[[str], ProtectedTable]
"""The protected answer of a receipt's id, computed again. Raises Refused where the receipt is not this project's,
not of a table, or no longer answerable."""


def check(
    submission: Submission,
    permit: Permit,
    rule_sets: Sequence[RuleSet],
    recompute: Recompute,
    compare: Compare,
) -> CheckedSubmission:
    """Every file of a submission with its findings and the digest that votes will be for.

    1. It is for an output that the permit names, says what for, and holds a sensible number of files.
    2. Each file: names, form, content (`checks.CHECKS`). 3. Each readable table: may its numbers leave? With a receipt
    by recomputation, without by the disclosure rules; and as its description has it, which takes no finding away. 4. Where all is well so far: what do the numbers with receipts
    tell together with all released before? Numbers without one are remembered. 5. A figure is as good as the table under
    it. 6. Names differ.

    Raises Refused `export.empty`, `export.output_unknown`, `export.purpose_missing`, `export.too_many_files`,
    or what makes the machine unable to judge at all (`policy.unavailable`, …).
    """
    _check_request(submission, permit)
    files: list[CheckedFile] = []
    examined: list[list[Finding]] = []
    matched: list[Matched] = []
    unread: list[int] = []
    for position, (subject, _) in enumerate(_subjects(submission)):
        findings = [*examine(subject)]
        if subject.sheet is not None:
            findings += _numbers(subject, subject.sheet, rule_sets, recompute)
            found = _matched(subject, subject.sheet, position, findings, recompute)
            matched += [found] if found is not None else []
            unread += [position] if subject.receipt is None else []
        examined.append(findings)
    failed = any(one.verdict is Verdict.FAIL for findings in examined for one in findings)
    if (matched or unread) and not failed:
        for position, said in compare(matched, unread).items():
            examined[position] += said
    for (subject, under), findings in zip(_subjects(submission), examined, strict=True):
        if under is not None and _of_data(files, under) is Verdict.FAIL:
            findings.append(Finding("export.data_failed", Verdict.FAIL, {}, {"data": subject.table}))
        files.append(_file(subject, len(files), findings))
    files = _names_differ(files)
    return CheckedSubmission(
        submission.output,
        submission.purpose.strip(),
        tuple(files),
        export_digest((file.name, file.digest, *(one.digest for one in file.attached)) for file in files),
    )


def _check_request(submission: Submission, permit: Permit) -> None:
    outputs = [output.id for output in permit.outputs]
    if submission.output not in outputs:
        raise Refused(
            "export.output_unknown", {"output": submission.output[:40], "known": ", ".join(outputs)}
        )
    if not 0 < len(submission.purpose.strip()) <= MAX_PURPOSE:
        raise Refused("export.purpose_missing", {"limit": MAX_PURPOSE})
    if not submission.items:
        raise Refused("export.empty")
    if sum(2 if isinstance(item, FigureItem) else 1 for item in submission.items) > MAX_FILES:
        raise Refused("export.too_many_files", {"limit": MAX_FILES})


def _subjects(submission: Submission) -> Iterator[tuple[Subject, int | None]]:
    """Files in order; a figure comes right after the table under it, with that table's position."""
    position = 0
    for item in submission.items:
        if isinstance(item, FigureItem):
            table = names.shown(item.table.name, position)
            yield _table(item.table, Kind.DATA), None
            yield Subject(item.name, Kind.FIGURE, item.data, table=table), position
            position += 2
        else:
            yield _table(item, Kind.TABLE), None
            position += 1


def _table(item: TableItem, kind: Kind) -> Subject:
    subject = Subject(
        item.name, kind, item.data, item.dimensions, item.counts, item.receipt, described=item.described
    )
    try:
        sheet = read_sheet(item.data)
    except Refused:
        # Said by the check `csv_form`, in its place among the others.
        return subject
    said = _reading(subject, sheet).description
    dimensions = subject.dimensions or tuple(said.dimensions)
    counts = subject.counts or tuple(name for name in said.counts if name in sheet.header)
    return replace(subject, dimensions=dimensions, counts=counts, sheet=sheet)


def _reading(subject: Subject, sheet: Sheet) -> Reading:
    return Reading() if subject.described is None else reading(subject.described, sheet)


def _numbers(
    subject: Subject, sheet: Sheet, rule_sets: Sequence[RuleSet], recompute: Recompute
) -> list[Finding]:
    """What is told of a table's numbers: by its receipt, or by the rules; and by the rules as its description has it."""
    said = _reading(subject, sheet)
    if said.findings:
        return list(said.findings)
    told = list(_by_rules(subject, sheet, rule_sets, said)) if subject.described is not None else []
    if subject.receipt is None:
        bare = _by_rules(subject, sheet, rule_sets)
        return list(laid_together(told, bare)) if told else list(bare)
    return [*_recomputed(subject, sheet, subject.receipt, recompute), *beside_a_receipt(told)]


def _recomputed(subject: Subject, sheet: Sheet, said: str, recompute: Recompute) -> list[Finding]:
    facts = {"receipt": said[:60]}
    try:
        answer = recompute(said)
    except Refused as refused:
        if refused.code.endswith(".unavailable"):
            raise
        return [Finding("export.receipt_unknown", Verdict.FAIL, {}, facts)]
    found = receipt.difference(sheet, answer)
    if found is None:
        return [Finding("export.matches_receipt", Verdict.PASS, {}, facts), *_hidden_rows(sheet, answer)]
    where = {"row": found.row, "column": found.column[:60]}
    return [Finding("export.differs_from_receipt", Verdict.FAIL, where, facts)]


def _matched(
    subject: Subject, sheet: Sheet, position: int, findings: Sequence[Finding], recompute: Recompute
) -> Matched | None:
    if subject.receipt is None or any(one.verdict is Verdict.FAIL for one in findings):
        return None
    answer = recompute(subject.receipt)
    columns = tuple(one.name for one in answer.measures if one.name in sheet.header)
    name = names.shown(subject.name, position)
    return Matched(position, name, subject.receipt, receipt.rows_of(sheet, answer), columns)


def _hidden_rows(sheet: Sheet, answer: ProtectedTable) -> Iterator[Finding]:
    """Rows that show nothing but their keys say that somebody of these keys exists. A few are how suppression looks;
    a table of them is records whose columns are keys (`GROUP BY age, bmi, …`)."""
    measures = [measure.name for measure in answer.measures if measure.name in sheet.header]
    empty = sum(not any(cells) for cells in zip(*(sheet.column(name) for name in measures), strict=True))
    empty = len(sheet.rows) if not measures else empty
    if empty >= MOSTLY_HIDDEN and 4 * empty > 3 * len(sheet.rows):
        yield Finding("export.only_keys", Verdict.FAIL, {}, {"rows": empty})
    elif empty >= MOSTLY_HIDDEN and 4 * empty > len(sheet.rows):
        yield Finding("export.many_hidden", Verdict.HUMAN, {}, {"rows": empty})


_PLACE = re.compile(r"row (\d+)(?:: (.*))?; (.+)", re.DOTALL)


def _by_rules(
    subject: Subject, sheet: Sheet, rule_sets: Sequence[RuleSet], said: Reading | None = None
) -> Iterator[Finding]:
    """What the rules find in a table that vouches for itself (its own counts are the evidence), or as it is described."""
    named = {*subject.dimensions, *subject.counts}
    if not named <= set(sheet.header) or len(sheet.rows) > MAX_ROWS:
        return  # Already turned back by CHECKS; there is no telling what the columns mean.
    # Its columns say of themselves what they are, and nobody recomputed a number: a checker has to look.
    yield Finding("export.no_receipt" if said is None else "export.described", Verdict.HUMAN)
    columns = {title: sheet.column(title) for title in sheet.header}
    file = TableFile(names.shown(subject.name, 0), columns, subject.dimensions, subject.counts)
    if said is not None:
        # Whatever either calls a count is judged as one; what is described as something else is no dimension.
        told = said.description
        counts = dict.fromkeys((*subject.counts, *(name for name in told.counts if name in columns)))
        others = {*counts, *told.values, *told.evidence_columns()}
        dimensions = dict.fromkeys(
            (*(name for name in subject.dimensions if name not in others), *told.dimensions)
        )
        file = replace(
            file,
            dimensions=tuple(dimensions),
            counts=tuple(counts),
            description=told,
            attached=said.attached,
        )
    for found in disclosure.check_table(file, rule_sets).findings:
        place = _PLACE.fullmatch(found.where)
        where: dict[str, object] = {"place": found.where}
        if place is not None:
            where = {"row": int(place[1]), "column": place[3], **({"cell": place[2]} if place[2] else {})}
        yield Finding(found.code, Verdict(found.verdict.value), where, found.facts, found.rule_set)


def _of_data(files: Sequence[CheckedFile], position: int) -> Verdict:
    return files[position].verdict


def _file(subject: Subject, position: int, findings: Sequence[Finding]) -> CheckedFile:
    declared: dict[str, object] = {}
    if subject.kind is Kind.FIGURE:
        declared["data"] = subject.table
    else:
        declared |= {
            "dimensions": list(subject.dimensions), "counts": list(subject.counts), "receipt": subject.receipt
        }  # fmt: skip
    attached: tuple[Attached, ...] = ()
    if subject.described is not None:
        sources = (subject.described.source, subject.described.evidence)
        attached = tuple(Attached(one, digest_of(one)) for one in sources if one is not None)
        declared |= dict(zip(("description", "evidence"), (one.digest for one in attached), strict=False))
    return CheckedFile(
        names.shown(subject.name, position),
        subject.kind,
        subject.data,
        digest_of(subject.data),
        tuple(findings),
        declared,
        attached,
    )


def _names_differ(files: Sequence[CheckedFile]) -> list[CheckedFile]:
    """Files of which none can be taken for another: a repeated name fails, and is told apart by its place."""
    seen: set[str] = set()
    told: list[CheckedFile] = []
    for position, file in enumerate(files):
        if names.key(file.name) in seen:
            twice = Finding("export.name_twice", Verdict.FAIL)
            told.append(replace(file, name=f"{file.name} (={position})", findings=(*file.findings, twice)))
        else:
            seen.add(names.key(file.name))
            told.append(file)
    return told
