"""No value ends a statement: what could fail on one row is null there instead. Aggregate tier only.

An error that depends on somebody's values is an answer about them (THREATS 5–9, 43): `ln(status)` fails where somebody's
status is 0, `ln(count(*) - 5)` where a hidden count is small. So every expression over rows is tried, and every column that
is computed from aggregates is computed, and tried, around the statement that aggregates. What stands above a window
function cannot be tried by the engine; it speaks of one person's rows in one block, and its failure ends the statement
with the constant code of all failures.
"""

from dataclasses import replace

from sqlglot import exp

from enclave.query.cells import Shape
from enclave.query.origins import outside_queries
from enclave.query.parse import is_aggregate
from enclave.query.rewrite.evidence import cells_of
from enclave.query.rewrite.orderless import complete
from enclave.query.stages import EVIDENCE, Authorised, Cells

_WHOLE = "answered"

_SAFE = (
    exp.Column, exp.Literal, exp.Boolean, exp.Null, exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.GT, exp.GTE,
    exp.LT, exp.LTE, exp.Is, exp.Between, exp.In, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Coalesce, exp.Case, exp.If,
    exp.Identifier, exp.Tuple, exp.Alias, exp.Like, exp.DataType, exp.TryCast, exp.Interval, exp.Var, exp.Nullif,
    exp.Greatest, exp.Least, exp.Try,
)  # fmt: skip
"""Nodes that fail on no value."""

_HOLDERS = (
    exp.And, exp.Alias, exp.Paren, exp.Where, exp.Distinct, exp.Order, exp.Ordered, exp.Rollup, exp.Cube, exp.GroupingSets, exp.Tuple,
)  # fmt: skip
"""Nodes that are no value themselves, and conjunctions: the engine reads its joins from their parts."""


_AROUND = (exp.Window, exp.Filter, exp.IgnoreNulls, exp.RespectNulls, exp.WithinGroup)


def steady_rows(authorised: Authorised) -> Authorised:
    """The statement with every expression over rows that could fail tried, tree and shape alike: what is counted as
    evidence is then counted on what is shown."""
    shape = authorised.known.shape
    if shape is None:
        raise TypeError("only a statement in table form is of the aggregate tier")
    tree = authorised.known.tree.copy()
    steady(tree)
    calls = tuple(
        replace(
            call,
            node=_tried(call.node.copy()),
            contributes=_maybe(call.contributes),
            summed=_maybe(call.summed),
            condition=_maybe(call.condition),
        )
        for call in shape.calls
    )
    keys = tuple(replace(key, expression=_tried(key.expression.copy())) for key in shape.keys)
    shape = replace(shape, keys=keys, calls=calls)
    return replace(authorised, known=replace(authorised.known, tree=tree, shape=shape))


def steady(tree: exp.Expr) -> None:
    """Every expression over rows that could fail, tried, in a tree of one's own; and every choice among rows complete."""
    complete(tree)
    for select in tuple(tree.find_all(exp.Select)):
        for name in ("where", "having", "qualify"):
            clause = select.args.get(name)
            if clause is not None:
                clause.set("this", _tried(clause.this))
        for join in select.args.get("joins") or ():
            if join.args.get("on") is not None:
                join.set("on", _tried(join.args["on"]))
        select.set("expressions", [_tried(node) for node in select.expressions])
        group = select.args.get("group")
        if group is not None:
            _try_within(group)


def _maybe(node: exp.Expr | None) -> exp.Expr | None:
    return None if node is None else _tried(node.copy())


def _tried(node: exp.Expr) -> exp.Expr:
    """`node` with its largest parts that could fail, and can be tried, tried. What a node that fails on nothing makes of
    them is left as it is: `f(x) IS NULL` is true where f fails."""
    if isinstance(node, exp.Query | exp.Try):
        return node
    breaks = any(
        isinstance(part, exp.Query | exp.Window | exp.Star | exp.Ordered | exp.Filter) or is_aggregate(part)
        for part in outside_queries(node)
    )
    if breaks or isinstance(node, _HOLDERS + _SAFE):
        _try_within(node)
        return node
    return exp.Try(this=node.copy())


def _try_within(node: exp.Expr) -> None:
    for name, value in tuple(node.args.items()):
        if name == "this" and isinstance(node, _AROUND) and isinstance(value, exp.Expr):
            _try_within(value)  # the function itself is no value
        elif isinstance(value, exp.Expr):
            if not isinstance(value, exp.DataType | exp.Identifier | exp.WindowSpec | exp.Var | exp.Literal):
                node.set(name, _tried(value))
        elif isinstance(value, list):
            node.set(name, [_tried(v) if isinstance(v, exp.Expr) else v for v in value])


def compute_outside(tree: exp.Query, authorised: Authorised) -> exp.Query:
    """The columns that are computed from aggregates, computed around the statement and tried there."""
    shape = authorised.known.shape
    if shape is None:
        raise TypeError("only a statement in table form has measures")
    derived = {column.name for column in shape.columns if not column.bare}
    if not derived:
        return tree
    inner = tree.copy()
    order = inner.args.get("order")
    inner.set("order", None)
    outputs, kept = [], []
    for node in inner.expressions:
        name = node.alias_or_name
        if name in derived and not name.startswith(EVIDENCE):
            outputs.append(exp.alias_(_outside(node.unalias(), shape, authorised), name, quoted=True))
        else:
            outputs.append(_column(name))
            kept.append(node)
    inner.set("expressions", kept)
    outer = exp.Select(
        expressions=outputs,
        from_=exp.From(
            this=exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier(_WHOLE, quoted=True)))
        ),
    )
    clause = inner.args.get("with_")
    if clause is not None:
        inner.set("with_", None)
        outer.set("with_", clause)
    if order is not None:
        outer.set("order", order)
    return outer


def _outside(node: exp.Expr, shape: Shape, authorised: Authorised) -> exp.Expr:
    """The expression with each aggregate call, each key and each GROUPING as columns of the statement within."""
    cells = cells_of(authorised)
    parts = {part.id: part.value for part in cells.parts}

    def put(inner: exp.Expr) -> exp.Expr:
        for call in shape.calls:
            if inner == call.node:
                return _column(parts[call.id])
        for key in shape.keys:
            if inner == key.expression:
                return _column(key.name)
        if isinstance(inner, exp.Grouping):
            return _level(inner, shape, cells)
        made = inner.copy()
        for name, value in inner.args.items():
            if isinstance(value, exp.Expr):
                made.set(name, put(value))
            elif isinstance(value, list):
                made.set(name, [put(v) if isinstance(v, exp.Expr) else v for v in value])
        return made

    return exp.Try(this=put(node))


def _level(node: exp.Grouping, shape: Shape, cells: Cells) -> exp.Expr:
    """`GROUPING(a, b)`: of each key the column that is 1 where the row is a total over it, the last key's counting once,
    the one before it twice, and so on. Where there are no totals it is 0."""
    total: exp.Expr = exp.Literal.number(0)
    columns = {key.expression: d.grouping for key, d in zip(shape.keys, cells.dimensions, strict=True)}
    for place, key in enumerate(reversed(node.expressions)):
        column = columns.get(key)
        if column is not None:
            weighed = exp.Mul(this=_column(column), expression=exp.Literal.number(1 << place))
            total = exp.Add(this=total, expression=weighed)
    return exp.paren(total)


def _column(name: str) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True))
