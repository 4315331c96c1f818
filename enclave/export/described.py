"""What a table's maker says of its columns: may it be used, and what does it tell beside the file?

Decides whether a submitted description and its evidence can be read with their table, and how the findings with and without them
stand side by side. Relies on `disclosure.files` for what a description means. Does not trust it: a description adds findings and
takes none away, since nobody recomputed what it says (`laid_together`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from enclave.core.refusal import Refused
from enclave.disclosure.files.description import Description, attach, parse
from enclave.export.checks import MAX_BYTES, MAX_ROWS, hidden_text
from enclave.export.request import Described, Finding, Kind, Verdict
from enclave.export.table_text import Sheet, read_sheet

UNDESCRIBED = "undescribed"
"""The fact of a finding that stands although the description says why it need not: nobody recomputed the description."""


@dataclass(frozen=True)
class Reading:
    """A description as it can be used. `attached`: columns of evidence, as long as the table. `findings`: why it cannot be."""

    description: Description = field(default_factory=Description)
    attached: Mapping[str, Sequence[str]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def reading(described: Described, sheet: Sheet) -> Reading:
    """The description beside its table, or the first thing that is wrong with it and where.

    1. Its text is readable, and shows everything that it holds. 2. It is a description. 3. The evidence that it names is there,
    is a table, and has the described dimensions. 4. Every column that it names is in the table or in the evidence.
    """
    try:
        if described.unread is not None:
            raise Refused("disclosure.spec_invalid", described.unread)
        for number, line in enumerate(described.source.decode().splitlines(), start=1):
            if hidden_text(line.replace("\t", " ")):
                needs = "characters that can be seen"
                raise Refused("disclosure.spec_invalid", {"where": f"line {number}", "needs": needs})
        said = parse(described.said)
        attached = _attached(described, said, sheet)
        for name in (*said.dimensions, *said.values):
            if name not in sheet.header:
                raise Refused("disclosure.column_missing", {"column": name[:60]})
        for name in (*said.counts, *sorted(said.evidence_columns())):
            if name not in sheet.header and name not in attached:
                raise Refused("disclosure.column_missing", {"column": name[:60]})
    except Refused as no:
        return Reading(findings=(_unusable(no),))
    return Reading(said, attached)


def _unusable(no: Refused) -> Finding:
    """A refusal as a finding with its place: `where` of the description, else a row of the evidence, else a column."""
    facts = dict(no.facts)
    place = facts.get("where") or ("evidence" if no.code != "disclosure.column_missing" else "description")
    # A row of the evidence is none of the table, beside which the finding stands.
    where = {"place": place} | ({"line": facts["row"]} if "row" in facts else {})
    return Finding(no.code, Verdict.FAIL, where, facts)


def _attached(described: Described, said: Description, sheet: Sheet) -> Mapping[str, Sequence[str]]:
    named = isinstance(described.said, Mapping) and described.said.get("evidence") is not None
    if described.evidence is None:
        if named:
            needs = "the table that it names, submitted with it"
            raise Refused("disclosure.spec_invalid", {"where": "evidence", "needs": needs})
        return {}
    if len(described.evidence) > MAX_BYTES[Kind.DATA]:
        raise Refused("export.size", {"limit": MAX_BYTES[Kind.DATA]})
    evidence = read_sheet(described.evidence)
    if len(evidence.rows) > MAX_ROWS:
        raise Refused("export.rows", {"limit": MAX_ROWS})
    for number, row in enumerate((evidence.header, *evidence.rows)):
        if any(hidden_text(text) for text in row):
            raise Refused("export.csv_hidden_text", {"row": number, "column": "evidence"})
    return attach(
        said,
        {name: sheet.column(name) for name in sheet.header},
        {name: evidence.column(name) for name in evidence.header},
    )


def laid_together(described: Iterable[Finding], undescribed: Iterable[Finding]) -> Iterator[Finding]:
    """The findings under the description, then those that stand without it and are marked as such. None is left out."""
    told = []
    for one in described:
        told.append((one.code, one.verdict, dict(one.where)))
        yield one
    for one in undescribed:
        if (one.code, one.verdict, dict(one.where)) not in told:
            yield Finding(one.code, one.verdict, one.where, {**one.facts, UNDESCRIBED: True}, one.rule_set)


GATEWAYS_OWN = ("age", "birth_weight")
"""What the gateway's own evidence does not say of a table with a receipt: bands that nobody could read."""


def beside_a_receipt(described: Iterable[Finding]) -> Iterator[Finding]:
    """What a description adds where every number was recomputed: the rules that it breaks. What it leaves open (who is behind a
    number) the gateway has counted itself."""
    for one in described:
        unread = one.code == "disclosure.evidence_missing" and one.facts.get("rule") in GATEWAYS_OWN
        if one.verdict is Verdict.FAIL or unread:
            yield one
