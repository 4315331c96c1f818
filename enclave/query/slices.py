"""The exact evidence of a large table's cells, counted slice by slice of the persons (`rewrite.slices`).

Decides which statements can be counted so, and writes them: how many rows a person table has, how its persons lie, and the
statement with its evidence. Where the slices are cut, and whether a table is large, is the gateway's. Relies on pseudonyms
that are whole numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from enclave.query.counting import WHOLE_NUMBERS, named_table, person_column, person_tables
from enclave.query.origins import origins_of
from enclave.query.parse import DIALECT
from enclave.query.rewrite import rules_of
from enclave.query.rewrite.account import add_account
from enclave.query.rewrite.by_person import named
from enclave.query.rewrite.evidence import add_evidence
from enclave.query.rewrite.projection import project_permitted
from enclave.query.rewrite.slices import sliced_evidence, steady
from enclave.query.schema import TableName
from enclave.query.stages import Authorised, Form, Guarded


@dataclass(frozen=True)
class Slices:
    """The statements of one question. `tables`: those about persons; `sets`: how many sets of keys it is grouped by, at most."""

    authorised: Authorised
    tables: tuple[TableName, ...]
    sets: int

    def size(self, table: TableName) -> Guarded:
        """Of a table: its `rows`, those `named` (with a person), and the `least` and the `most` of the pseudonyms."""
        counted = [
            named(exp.Count(this=exp.Star(), big_int=True), "rows"),
            named(exp.Count(this=person_column(), big_int=True), "named"),
            named(exp.Min(this=person_column()), "least"),
            named(exp.Max(this=person_column()), "most"),
        ]
        return self._printed(exp.Select(expressions=counted, from_=exp.From(this=named_table(table))))

    def spread(self, table: TableName, width: int) -> Guarded:
        """How many `rows` of a table lie in each interval (`place`) of so many pseudonyms, in no order."""
        place = exp.IntDiv(this=person_column(), expression=exp.Literal.number(width))
        counted = [named(place, "place"), named(exp.Count(this=exp.Star(), big_int=True), "rows")]
        made = exp.Select(expressions=counted, from_=exp.From(this=named_table(table)))
        made.set("group", exp.Group(expressions=[place.copy()]))
        return self._printed(made)

    def exact(self, guarded: Guarded, cuts: Sequence[int]) -> Guarded | None:
        """`guarded` with a text that gives the same columns, cut after each of these pseudonyms. None where there is none."""
        from enclave.query.flow import check_projections  # the way of a question knows this module

        tree = self.authorised.known.tree
        for rule in rules_of(self.authorised):
            if rule is add_evidence:
                counted = sliced_evidence(tree, self.authorised, cuts)
                if counted is None:
                    return None
                tree = counted
            elif rule is add_account:
                tree = add_account(tree, self.authorised, cuts)
            else:
                tree = rule(tree, self.authorised)
        expected = check_projections(tree, self.authorised)
        return replace(guarded, sql=tree.sql(DIALECT, identify=True, comments=False), expected=expected)

    def _printed(self, tree: exp.Query) -> Guarded:
        from enclave.query.flow import check_projections

        tree = project_permitted(tree, self.authorised)
        return Guarded(
            sql=tree.sql(DIALECT, identify=True, comments=False),
            form=Form.ROWS,
            names=(),
            expected=check_projections(tree, self.authorised),
            facts=self.authorised.known.facts,
            obligations=self.authorised.obligations,
        )


def slices_of(authorised: Authorised) -> Slices | None:
    """How a statement's persons can be counted in slices; None where they are counted in one go."""
    known, shape = authorised.known, authorised.known.shape
    if shape is None or not isinstance(known.tree, exp.Select):
        return None
    origins = origins_of(shape.person, known.tree, known.schema)
    types = {known.schema.tables[o[:2]].columns[o[2]].type for o in origins}
    if not types or not types <= WHOLE_NUMBERS or not steady(authorised):
        return None
    return Slices(authorised, person_tables(known), 1 << len(shape.keys) if shape.margins else 1)
