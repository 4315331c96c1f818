"""The same rows once more, first by person and then by cell: what evidence needs that no single pass over a cell's records tells.

Decides how such columns come to stand beside the statement's own: it becomes one side of a join by key, and what was counted by
person the other. Relies on the shape of the statement. Does not know what is counted.
"""

from collections.abc import Sequence
from itertools import pairwise

from sqlglot import exp

from enclave.query.cells import Shape
from enclave.query.rewrite.written_out import write_out_all
from enclave.query.stages import EVIDENCE, Authorised

_TOLD = f"{EVIDENCE}told"
PERSON = f"{EVIDENCE}person"
BY_PERSON, BY_BUCKET = f"{EVIDENCE}by_person", f"{EVIDENCE}by_bucket"
"""What each person adds, or several together, where several columns are made of it."""


def key_names(shape: Shape) -> tuple[str, ...]:
    """What the keys are called where rows are counted by person."""
    return tuple(f"{EVIDENCE}k{n}" for n, _ in enumerate(shape.keys, 1))


def margin_names(shape: Shape) -> tuple[str, ...]:
    """What it is called there that a line is a margin over a key."""
    return tuple(f"{EVIDENCE}m{n}" for n, _ in enumerate(shape.keys, 1))


def rows_by_key(
    authorised: Authorised,
    values: Sequence[tuple[str, exp.Expr]],
    person: exp.Expr | None = None,
    within: exp.Expr | None = None,
) -> exp.Select:
    """The rows that the statement counts: their keys (`key_names`), their person (`PERSON`; or another `person`) and `values` by
    name; those that lie `within` a condition."""
    known = authorised.known
    shape, tree = known.shape, known.tree
    if shape is None:
        raise TypeError("only a statement in table form has cells")
    made = exp.Select(
        expressions=[
            *(
                named(key.expression.copy(), name)
                for key, name in zip(shape.keys, key_names(shape), strict=True)
            ),
            named((person or shape.person).copy(), PERSON),
            *(named(value.copy(), name) for name, value in values),
        ]
    )
    for part in ("from_", "joins", "where"):
        value = tree.args.get(part)
        if value is not None:
            made.set(part, [one.copy() for one in value] if isinstance(value, list) else value.copy())
    if within is not None:
        where = made.args.get("where")
        both = within if where is None else exp.and_(exp.paren(where.this), within, copy=False)
        made.set("where", exp.Where(this=both))
    written = write_out_all(made, authorised)
    if not isinstance(written, exp.Select):
        raise TypeError("a SELECT stays one")
    return written


def between(person: exp.Expr, cuts: Sequence[int]) -> list[exp.Expr]:
    """Conditions of which each person fulfils one, and rows of nobody none: up to each of `cuts` (ascending), and beyond the last."""
    if not cuts:
        return [exp.Not(this=exp.Is(this=exp.paren(person.copy()), expression=exp.Null()))]

    def upto(cut: int) -> exp.Expr:
        return exp.LTE(this=exp.paren(person.copy()), expression=exp.Literal.number(cut))

    def above(cut: int) -> exp.Expr:
        return exp.GT(this=exp.paren(person.copy()), expression=exp.Literal.number(cut))

    inner = [exp.and_(above(low), upto(high)) for low, high in pairwise(cuts)]
    return [upto(cuts[0]), *inner, above(cuts[-1])]


def beside(
    tree: exp.Query,
    authorised: Authorised,
    cells: exp.Query,
    name: str,
    columns: Sequence[str],
    margins: Sequence[str],
    side: str,
) -> exp.Query:
    """The statement with `columns` of `cells`, a query called `name` whose lines are told by `key_names` and `margins`, of which
    there may be none. `side`: FULL keeps the lines that stand for none of the statement's own, LEFT does not."""
    shape = authorised.known.shape
    if shape is None:
        raise TypeError("only a statement in table form has cells")
    told = tree.copy()
    clause, order = told.args.get("with_"), told.args.get("order")
    told.set("with_", None)
    told.set("order", None)
    names = [node.alias_or_name for node in told.expressions]
    marks = [f"{EVIDENCE}g{n}" for n, _ in enumerate(margins, 1)]
    for mark in marks:
        if mark not in names:
            told.set("expressions", [*told.expressions, named(exp.Literal.number(0), mark)])
    same: list[exp.Expr] = []
    for place, (key, own) in enumerate(zip(shape.keys, key_names(shape), strict=True)):
        same.append(exp.NullSafeEQ(this=column(key.name, _TOLD), expression=column(own, name)))
        if margins:
            same.append(exp.EQ(this=column(marks[place], _TOLD), expression=column(margins[place], name)))
    joined = exp.Join(
        this=subquery(cells, name), **({"side": side, "on": exp.and_(*same)} if same else {"kind": "CROSS"})
    )
    made = exp.Select(
        expressions=[
            *(named(column(one, _TOLD), one) for one in names),
            *(named(column(one, name), one) for one in columns),
        ],
        from_=exp.From(this=subquery(told, _TOLD)),
        joins=[joined],
    )
    made.set("with_", clause)
    made.set("order", order)
    return made


def without_others(tree: exp.Expr) -> exp.Expr:
    """The statement as it was before anything was put `beside` it, but for its order; any other as it is."""
    source = tree.args.get("from_")
    told = source.this if isinstance(source, exp.From) else None
    if not isinstance(told, exp.Subquery) or told.alias != _TOLD:
        return tree
    inner: exp.Expr = told.this.copy()
    clause = tree.args.get("with_")
    kept = (
        [one.copy() for one in clause.expressions if one.alias not in {BY_PERSON, BY_BUCKET}]
        if clause is not None
        else []
    )
    if kept:
        inner.set("with_", exp.With(expressions=kept))
    return without_others(inner)


def subquery(query: exp.Query, name: str) -> exp.Subquery:
    return exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(name, quoted=True)))


def column(name: str, table: str | None = None) -> exp.Column:
    return exp.column(
        exp.to_identifier(name, quoted=True),
        table=None if table is None else exp.to_identifier(table, quoted=True),
    )


def named(node: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(node, exp.to_identifier(name, quoted=True))
