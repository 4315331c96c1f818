"""May this table be shown? May this file leave? The two questions of the story, each from top to bottom.

Relies on: evidence that the caller counted (distinct persons behind every number), and on rule sets that the caller
chose by policy. Does not: read data, files or clocks, decide which rule sets bind, or look at earlier answers.
"""

from collections.abc import Sequence

from enclave.core.refusal import Refused
from enclave.disclosure.answers import lattice, secondary
from enclave.disclosure.answers.moves import Budget
from enclave.disclosure.answers.table import (
    Cell,
    Hidden,
    MeasureKind,
    ProtectedRow,
    ProtectedTable,
    Reason,
    Row,
    Shown,
    Table,
    checked,
)
from enclave.disclosure.criteria.rules import CONCENTRATION, Rules, RuleSet, Zero, combine
from enclave.disclosure.files.examine import Findings, TableFile, examine
from enclave.disclosure.proof import interval
from enclave.disclosure.proof.distinct import distinct_holds
from enclave.disclosure.proof.widths import wide_enough

MAX_CELLS = 60_000
"""Cells of a table with all its margins. More is refused before any work: it would not end in a useful time."""

TIME_LIMIT = 10.0
"""Seconds of solver time for one table."""


def protect(
    table: Table,
    rule_sets: Sequence[RuleSet],
    time_limit: float = TIME_LIMIT,
    max_cells: int = MAX_CELLS,
) -> ProtectedTable:
    """`table` with every cell hidden that must be. The same numbers give the same pattern, in whatever order of rows.

    1. What binds: the strictest of all rule sets. 2. The table is well-formed and whole. 3. Primary: what a rule finds
    unsafe by itself, in the answer and in the totals that could be asked for. 4. Secondary: what else hides, with a
    certificate for each number that must not be had. 5. Audit: the certificates are checked by other code, in whole numbers.

    `time_limit` in seconds of solving. Raises Refused `disclosure.*`: a bad table, a rule that this engine does not
    apply, `disclosure.no_safe_pattern` (facts `why`: structure, time or audit). Never a pattern that leaks.
    """
    rules = combine(rule_sets)
    sums = any(measure.kind in _SUMMED for measure in table.measures)
    _applicable(rules, sums and table.contributions is None)
    checked(table)
    _institutions(table, rules)
    _zeros(table)
    cells = lattice.build(table, rules, max_cells)
    try:
        pattern = secondary.protect(cells, Budget(time_limit))
    except secondary.NoPatternError as none:
        asked = [name for place, name in enumerate(table.dimensions) if none.grouping >> place & 1]
        raise Refused("disclosure.no_safe_pattern", {"why": "structure", "dimensions": asked}) from None
    hidden = _audited(table, cells, pattern, rules)
    return ProtectedTable(
        table.dimensions,
        table.measures,
        tuple(_row(row, hidden.get(row.keys), rules) for row in table.rows),
        rules.ids,
    )


def claim_of(cells: lattice.Lattice, pattern: secondary.Pattern) -> interval.Claim:
    """What the pattern claims, in the words of the audit: keys and measures instead of places and series."""
    hidden = [cells.nodes[place] for place in pattern.hidden]
    measures_of: dict[int, list[int]] = {0: [interval.ROW]}
    for measure, series in enumerate(cells.series_of):
        measures_of.setdefault(series, []).append(measure)
    return interval.Claim(
        frozenset(node.keys for node in cells.nodes if node.unsafe and node.row is not None),
        frozenset(node.keys for node in hidden if node.row is not None),
        frozenset(node.keys for node in hidden if node.row is None),
        tuple(
            {
                (cells.nodes[node].keys, measure): step
                for (node, series), step in move.items()
                for measure in measures_of[series]
            }
            for move in pattern.moves
        ),
    )


def check_table(file: TableFile, rule_sets: Sequence[RuleSet]) -> Findings:
    """What the machine finds in a table that asks to leave: `pass`, `fail`, or `human` where it cannot tell."""
    rules = combine(rule_sets)
    _applicable(rules, sums=False)
    return examine(file, rules)


_SUMMED = (MeasureKind.SUM, MeasureKind.MEAN)


def _applicable(rules: Rules, sums: bool) -> None:
    """Raises Refused where a rule binds that nothing here applies; `sums`: whether the table has sums and nobody counted
    what persons contribute to them."""
    for rule in rules.unenforced:
        if sums or rule not in CONCENTRATION:
            raise Refused("disclosure.rule_unsupported", {"rule": rule, "rule_sets": list(rules.ids)})
    if rules.min_whole_numbers != 2:
        raise Refused("disclosure.rule_unsupported", {"rule": "interval", "rule_sets": list(rules.ids)})


def _institutions(table: Table, rules: Rules) -> None:
    """A rule about institutions needs them counted wherever there are persons."""
    if rules.min_institutions is not None and any(
        row.institutions is None and row.total_persons for row in table.rows
    ):
        raise Refused(
            "disclosure.rule_unsupported", {"rule": "min_institutions", "rule_sets": list(rules.ids)}
        )


def _zeros(table: Table) -> None:
    """A count of something with nobody behind it contradicts itself: it would be shown as harmless."""
    for number, row in enumerate(table.rows, start=1):
        for measure, value, persons in zip(table.measures, row.values, row.persons, strict=True):
            if measure.kind is MeasureKind.COUNT and persons == 0 and value not in (None, 0):
                raise Refused("disclosure.evidence_invalid", {"row": number})


def _audited(
    table: Table, cells: lattice.Lattice, pattern: secondary.Pattern, rules: Rules
) -> dict[tuple[object, ...], Reason]:
    """Why each hidden row is hidden, by its keys. Raises Refused where the audit does not confirm the pattern."""
    claim = claim_of(cells, pattern)
    by_population = table.inhabitants is not None
    elsewhere = frozenset(
        node.keys for node in cells.nodes if lattice.is_elsewhere(node, rules.n, by_population)
    )
    holds = (
        claim.unsafe <= claim.hidden
        and interval.verify(table, claim, cells.least, rules.n, rules.min_institutions or 0)
        and distinct_holds(table, claim.hidden, cells.least, claim.moves)
        and wide_enough(table, claim, rules, elsewhere)
    )
    if not holds:
        raise Refused("disclosure.no_safe_pattern", {"why": "audit"})
    by_itself = claim.unsafe | {node.keys for node in cells.nodes if node.dominated}
    return {keys: Reason.PRIMARY if keys in by_itself else Reason.SECONDARY for keys in claim.hidden}


_HIDDEN = {reason: Hidden(reason) for reason in Reason}


def _row(row: Row, reason: Reason | None, rules: Rules) -> ProtectedRow:
    """A hidden row keeps its zeros where zeros are shown, except where no number at all may be."""
    if reason is None:
        return ProtectedRow(row.keys, tuple(map(Shown, row.values)))
    no_counts = rules.threshold(row.population) is None
    cells: list[Cell] = []
    for value, persons in zip(row.values, row.persons, strict=True):
        harmless = persons == 0 and rules.zero is Zero.SHOWN and not no_counts
        cells.append(Shown(value) if harmless else _HIDDEN[reason])
    return ProtectedRow(row.keys, tuple(cells))
