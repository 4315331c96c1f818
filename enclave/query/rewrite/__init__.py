"""Authorised → the tree that runs: tuples of rules, each a function tree → tree with `.sql` pairs in tests/rewrite.

Order matters and is the order of reading. The projection comes last, so that no rule after it could add a base table.
"""

from collections.abc import Callable

from sqlglot import exp

from enclave.query.rewrite.account import add_account
from enclave.query.rewrite.contributions import add_contributions
from enclave.query.rewrite.evidence import add_evidence
from enclave.query.rewrite.order import order_by_keys
from enclave.query.rewrite.outputs import unique_outputs
from enclave.query.rewrite.projection import project_permitted
from enclave.query.rewrite.steady import compute_outside
from enclave.query.rewrite.written_out import write_out_all
from enclave.query.stages import Authorised, Form, OfKnown

Rule = Callable[[exp.Query, Authorised], exp.Query]

RowsRule = Callable[[exp.Query, OfKnown], exp.Query]

ROWS_RULES: tuple[RowsRule, ...] = (unique_outputs, write_out_all, project_permitted)
"""By what is known of a statement alone: they are applied while the decision is on its way."""

TABLE_RULES: tuple[Rule, ...] = (
    order_by_keys,
    add_evidence,
    write_out_all,
    add_account,
    add_contributions,
    project_permitted,
)
AGGREGATE_RULES: tuple[Rule, ...] = (
    order_by_keys,
    add_evidence,
    write_out_all,
    compute_outside,
    add_contributions,
    project_permitted,
)
"""Table form in the aggregate tier, where a failure would be an answer too."""


def rules_of(authorised: Authorised) -> tuple[Rule, ...]:
    if authorised.known.form is Form.ROWS:
        return ROWS_RULES
    return AGGREGATE_RULES if authorised.aggregate else TABLE_RULES


def rewrite(authorised: Authorised) -> exp.Query:
    """The tree after every rule of its form, in order. The tree that was judged is left as it was."""
    tree = authorised.known.tree
    for rule in rules_of(authorised):
        tree = rule(tree, authorised)
    return tree


def rewrite_rows(judged: OfKnown) -> exp.Query:
    """The same for a question for rows."""
    tree = judged.known.tree
    for rule in ROWS_RULES:
        tree = rule(tree, judged)
    return tree
