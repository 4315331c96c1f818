"""The way of a question, in order (DESIGN, Query → answer). `prepare` is the only way to a `Guarded`.

 1. Parse one statement of the closed grammar; parameters become literals.
 2. Know what it is about: resolve every name against permit and extract; in table form find keys, measures, persons.
 3. Authorise: one question to the policy; anything but an explicit yes is a no. For rows 4 and 5 are taken while it is
    asked, since nothing there depends on what it says.
 4. What may not be crossed is not. Rewrite by rules: permitted projections, and in table form the evidence that protection needs.
 5. Look once more at what would run: base tables only inside permitted projections.
 6. Print it. The engine executes this text and nothing else, and holds its own account of it against `expected`.

In the aggregate tier 3 is followed by a question to the extract: do the statement's cuts run between blocks? Its answer
decides which keys are merged (`settle`), before 4.

Executing, protecting and recording belong to the edge and to `disclosure`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from enclave.core.ids import DatabaseId
from enclave.core.permit import Permit, Tier
from enclave.core.refusal import Refused
from enclave.query.authorise import PolicyPort, asked
from enclave.query.blocks import BLOCK, Probe, group_of, probes
from enclave.query.counting import counting_of
from enclave.query.crossings import check_categories
from enclave.query.cuts import Cuts, cuts_of
from enclave.query.facts import know
from enclave.query.keeping import Answer, Steps, settle
from enclave.query.municipal import municipal_of
from enclave.query.names import permitted
from enclave.query.parse import DIALECT, parse
from enclave.query.rewrite import rewrite, rewrite_rows
from enclave.query.rewrite.coded import take_apart
from enclave.query.rewrite.evidence import cells_of
from enclave.query.rewrite.order import terms
from enclave.query.rewrite.orderless import orderless
from enclave.query.rewrite.projection import BLOCKS
from enclave.query.rewrite.steady import steady_rows
from enclave.query.rewrite.step import step
from enclave.query.schema import PERSON_COLUMN, Schema, TableName
from enclave.query.slices import slices_of
from enclave.query.stages import Authorised, Form, Guarded, Known, OfKnown, Params, Session, Supposed


@dataclass(frozen=True)
class Unsettled:
    """A statement of the aggregate tier whose cuts are not yet known to run between blocks."""

    authorised: Authorised
    cuts: Cuts
    probes: tuple[Probe, ...]

    def questions(self) -> tuple[Guarded, ...]:
        """What to run first: statements over known columns and blocks alone."""
        return tuple(
            Guarded(
                sql=probe.sql,
                form=Form.ROWS,
                names=(),
                expected=probe.expected,
                facts=self.authorised.known.facts,
                obligations=replace(self.authorised.obligations, max_rows=None, max_bytes=None),
            )
            for probe in self.probes
        )

    def settle(self, answers: Sequence[Answer]) -> Guarded:
        """The statement that may run, by the answers to `questions` in their order. Raises Refused `query.blocks_cut`."""
        k = self.authorised.known.schema.block_k
        return guard(self.authorised, settle(self.probes, answers, self.cuts, k))


def prepare(
    text: str,
    params: Params,
    form: Form,
    permit: Permit,
    schema: Schema,
    session: Session,
    policy: PolicyPort,
    tier: Tier | None = None,
) -> Guarded | Unsettled:
    """What may run for this question: at once, or (aggregate tier) after its probes. `tier` may narrow the permit's
    tier; the policy refuses a widening.

    Raises Refused: everything of `parse`, `know`, the policy's codes, `policy.unavailable`.
    """
    parsed = parse(text, params, form)  # 1
    known = know(parsed, permit, schema)  # 2
    decided = asked(known, session, tier or permit.tier, policy)  # 3
    if known.form is Form.ROWS:
        return _rows(known, decided)
    authorised = decided()
    if not authorised.aggregate or known.shape is None:
        return guard(authorised)
    authorised, shape = orderless(authorised, known.shape)
    found = cuts_of(authorised.known.tree, shape, known.schema)
    return Unsettled(authorised, found, probes(authorised, found))


def _rows(known: Known, decided: Callable[[], Authorised]) -> Guarded:
    """Steps 3 to 6 of a question for rows. Whatever its rewriting says, the decision's no comes before it."""
    try:
        tree = rewrite_rows(Supposed(known))  # 4
        expected = check_projections(tree, Supposed(known))  # 5
        sql = tree.sql(DIALECT, identify=True, comments=False)
    except Exception:
        decided()
        raise
    authorised = decided()
    if authorised.aggregate:
        return guard(authorised)
    return Guarded(  # 6
        sql=sql,
        form=known.form,
        names=tuple(tree.named_selects),
        expected=expected,
        facts=known.facts,
        obligations=authorised.obligations,
        max_rows=authorised.obligations.max_rows,
    )


def guard(authorised: Authorised, steps: Steps | None = None) -> Guarded:
    """Steps 4 to 6."""
    asked = authorised.known
    municipal = None
    if asked.form is Form.TABLE:
        check_categories(authorised)
        municipal = municipal_of(authorised)
    steps = steps or Steps()
    authorised = take_apart(step(authorised, steps))
    if authorised.aggregate:
        authorised = steady_rows(authorised)
    known = authorised.known
    tree = rewrite(authorised)  # 4
    expected = check_projections(tree, authorised)  # 5
    return Guarded(  # 6
        sql=tree.sql(DIALECT, identify=True, comments=False),
        form=known.form,
        names=tuple(tree.named_selects) if known.shape is None else tuple(asked.tree.named_selects),
        expected=expected,
        facts=known.facts,
        obligations=authorised.obligations,
        cells=replace(
            cells_of(authorised),
            merges=steps.merges,
            near=steps.near,
            near_everywhere=steps.everywhere,
            order=terms(authorised),
            municipal=municipal,
        )
        if known.form is Form.TABLE
        else None,
        max_rows=authorised.obligations.max_rows,
        # Bounds decide by one number of persons for all cells, which small municipalities do not have.
        counting=None if municipal else counting_of(authorised),
        slices=slices_of(authorised),
    )


def check_projections(tree: exp.Query, judged: OfKnown) -> dict[TableName, tuple[str, ...]]:
    """Every base table of what would run, with the columns its projection reads.

    Raises Refused `query.account_differs` where a base table stands anywhere but alone in a projection of permitted
    columns: a defect of a rule must end in a no, not in an answer.
    """
    known = judged.known
    allowed = permitted(known.permit, known.schema, known.form)
    found: dict[TableName, tuple[str, ...]] = {}
    for table in tree.find_all(exp.Table):
        if not table.db:
            continue
        key = (DatabaseId(table.db), table.name)
        if table.db == BLOCKS:
            found[key] = block_columns(table, judged)
            continue
        select = table.parent_select
        columns = [node.name for node in select.expressions] if select is not None else []
        plain = select is not None and all(type(node) is exp.Column for node in select.expressions)
        alone = select is not None and not select.args.get("joins") and isinstance(table.parent, exp.From)
        if not plain or not alone or not columns or not set(columns) <= set(allowed.get(key, ())):
            raise Refused("query.account_differs")
        found[key] = tuple(columns)
    return found


def block_columns(table: exp.Table, judged: OfKnown) -> tuple[str, ...]:
    """The columns of a table of blocks, which only the rules of the aggregate tier put there. Raises Refused."""
    if not isinstance(judged, Authorised) or not judged.aggregate:
        raise Refused("query.account_differs")
    if table.name != "-".join(group_of(judged)):
        raise Refused("query.account_differs")
    return (PERSON_COLUMN, BLOCK)


def describe_expected(guarded: Guarded) -> dict[str, list[str]]:
    """`expected` as JSON for an engine in another process."""
    return {f"{database}.{name}": list(columns) for (database, name), columns in guarded.expected.items()}
