"""No answer depends on the order in which rows lie. Aggregate tier only, before anything else reads the statement.

Where somebody's row lies is nobody's knowledge, but two persons who trade what is not known of them do not trade their
places. So whatever takes the first of equals gets a complete order: of what is not known in the row (what is known is
looked at by `cuts`, as a condition, and must not decide here). Sums of numbers with fractions are taken in the order of
the numbers, since `1e16 + x - 1e16` tells who lies between the two. `any_value` is the smallest one.

An order within the statement is dropped where nothing depends on it, and refused where something does: engines may forget
it, and `first(x ORDER BY y)` says what is meant.
"""

from dataclasses import replace

from sqlglot import exp

from enclave.query.cells import Shape
from enclave.query.cuts import Grades
from enclave.query.origins import own_nodes, source_of
from enclave.query.parse import is_aggregate, no_node
from enclave.query.stages import Authorised

_OF_ONE = (
    exp.Sum, exp.Avg, exp.Stddev, exp.StddevSamp, exp.StddevPop, exp.Variance, exp.VariancePop, exp.Skewness,
    exp.Kurtosis, exp.Mode, exp.First, exp.Last, exp.ArrayAgg, exp.GroupConcat, exp.ArgMin, exp.ArgMax,
)  # fmt: skip
"""Aggregates whose value depends on the order of their rows: through ties, or through the last bits of a sum."""

_OF_TWO = (
    exp.Corr, exp.CovarSamp, exp.CovarPop, exp.RegrSlope, exp.RegrIntercept, exp.RegrR2, exp.RegrAvgx, exp.RegrAvgy,
    exp.RegrSxx, exp.RegrSxy, exp.RegrSyy,
)  # fmt: skip

_FIRST = (exp.First, exp.Last, exp.ArrayAgg, exp.GroupConcat)

_PLACED = (
    exp.RowNumber, exp.Ntile, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue,
)  # fmt: skip
"""Window functions for which two rows of the same order are not alike."""


def orderless(authorised: Authorised, shape: Shape) -> tuple[Authorised, Shape]:
    """The statement with every choice among rows made complete, tree and shape alike; and its shape.

    Raises Refused `query.node` where something takes the first row of an ordered subquery.
    """
    tree = authorised.known.tree.copy()
    grades = Grades(authorised.known.schema)
    _forget_orders(tree)
    _check_constants(tree)
    for select in tuple(tree.find_all(exp.Select)):
        _inline_windows(select)
        _order_windows(select, grades)
        _order_distinct(select, grades)
        _order_nearest(select, grades)
    if any(_is_large(node) for node in tree.walk()):
        tree = _query(tree.transform(_bounded))
        calls = tuple(replace(call, node=call.node.copy().transform(_bounded)) for call in shape.calls)
        shape = replace(shape, calls=calls)
    ordered = _query(tree.transform(_ordered))
    calls = tuple(replace(call, node=call.node.copy().transform(_ordered)) for call in shape.calls)
    shape = replace(shape, calls=calls)
    return replace(authorised, known=replace(authorised.known, tree=ordered, shape=shape)), shape


def _query(node: exp.Expr) -> exp.Query:
    if not isinstance(node, exp.Query):
        raise TypeError("a statement became something else")
    return node


def _check_constants(tree: exp.Query) -> None:
    """Frames of windows and lists of values are constants: a column in one is a condition that nobody looks at."""
    for kind, name in ((exp.Values, "values"), (exp.WindowSpec, "window")):
        if any(node.find(exp.Column, exp.Query) is not None for node in tree.find_all(kind)):
            raise no_node(name)


def complete(tree: exp.Expr) -> None:
    """Every choice among rows completed by what is known, too, in a tree of one's own that is about to run: rows that
    differ in nothing else. By then known columns decide in steps of blocks, so this decides nothing more of anybody."""
    for select in tuple(tree.find_all(exp.Select)):
        _order_windows(select, None)
        _order_distinct(select, None)


# -- sums that could overflow on the way ---


_LARGE = 1e27
"""A number so large is missing in a sum: whether sums of larger ones overflow depends on the order of the rows."""


def _is_large(node: exp.Expr) -> bool:
    """Whether a node can make whole numbers or decimals that a sum of some rows does not hold."""
    match node:
        case exp.Mul() | exp.Factorial():
            return True
        case exp.Cast():
            return node.to.this in {exp.DType.INT128, exp.DType.DECIMAL}
        case exp.Literal():
            return not node.is_string and len(node.name) > 18
        case _:
            return False


def _bounded(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Sum | exp.Avg) and not isinstance(node.this, exp.Distinct | exp.Order):
        value = node.this
        limit = exp.Cast(this=exp.Literal.string(repr(_LARGE)), to=exp.DataType.build("DOUBLE"))
        small = exp.LT(this=exp.Abs(this=value.copy()), expression=limit)
        node.set("this", exp.Case(ifs=[exp.If(this=small, true=value.copy())]))
    return node


# -- aggregates -----------------------------------------------------------------------------------------------------------


def _ordered(node: exp.Expr) -> exp.Expr:
    some = node.this if isinstance(node, exp.IgnoreNulls) else node
    if isinstance(some, exp.AnyValue):
        # Of several values any; so the smallest.
        inner = some.this.this if isinstance(some.this, exp.Order) else some.this
        return exp.Min(this=inner.copy())
    named = type(node) is exp.Anonymous and is_aggregate(node)
    if isinstance(node, _OF_TWO):
        if not isinstance(node.expression, exp.Order):
            node.set("expression", _by(node.expression, [node.this, node.expression]))
    elif isinstance(node, _OF_ONE):
        if isinstance(node, exp.ArgMin | exp.ArgMax):
            if isinstance(node.expression, exp.Order) or node.args.get("count"):
                raise no_node("order by in arg_min")
            node.set("expression", _by(node.expression, [node.this]))
        else:
            inner = node.this
            values = inner.this if isinstance(inner, exp.Order) else inner
            own = values.expressions[0] if isinstance(values, exp.Distinct) else values
            node.set("this", _by(inner, [own]))
    elif named and node.expressions:
        node.set("expressions", [_by(node.expressions[0], [node.expressions[0]]), *node.expressions[1:]])
    return node


def _by(node: exp.Expr, terms: list[exp.Expr]) -> exp.Expr:
    """`node ORDER BY terms`, after the order that it has. Constants are in no order."""
    if not any(term.find(exp.Column) for term in terms):
        return node
    values, own = (node.this, node.expressions) if isinstance(node, exp.Order) else (node, [])
    added = [exp.Ordered(this=term.copy(), nulls_first=False) for term in terms]
    return exp.Order(this=values.copy(), expressions=[*(one.copy() for one in own), *added])


# -- orders of relations --------------------------------------------------------------------------------------------------


def _forget_orders(tree: exp.Query) -> None:
    forgotten = False
    for node in tuple(tree.find_all(exp.Query)):
        if node is tree or node.args.get("order") is None:
            continue
        distinct = node.args.get("distinct")
        if isinstance(distinct, exp.Distinct) and distinct.args.get("on") is not None:
            continue
        node.set("order", None)
        forgotten = True
    taken = any(not isinstance(node.this, exp.Order) for node in tree.find_all(*_FIRST))
    if forgotten and taken:
        raise no_node("order by in a subquery")


def _inline_windows(select: exp.Select) -> None:
    """`OVER w` written out."""
    defined = {window.this.name.lower(): window for window in select.args.get("windows") or ()}
    if not defined:
        return
    for node in tuple(own_nodes(select)):
        if isinstance(node, exp.Window) and node.args.get("alias") is not None and node.arg_key != "windows":
            found = defined.get(node.args["alias"].name.lower())
            if found is None:
                raise no_node("window")
            node.set("alias", None)
            for part in ("partition_by", "order", "spec"):
                value = found.args.get(part)
                node.set(
                    part, [v.copy() for v in value] if isinstance(value, list) else value and value.copy()
                )
    select.set("windows", None)


def _order_windows(select: exp.Select, grades: Grades | None) -> None:
    for node in tuple(own_nodes(select)):
        if not isinstance(node, exp.Window):
            continue
        inner = node.this
        while isinstance(inner, exp.IgnoreNulls | exp.RespectNulls | exp.Filter):
            inner = inner.this
        spec = node.args.get("spec")
        by_rows = spec is not None and str(spec.args.get("kind") or "").upper() == "ROWS"
        by_range = spec is not None and not by_rows
        if (isinstance(inner, _PLACED) or by_rows) and not by_range:
            node.set("order", _completed(node.args.get("order"), _unknown(select, grades)))


def _order_distinct(select: exp.Select, grades: Grades | None) -> None:
    distinct = select.args.get("distinct")
    if distinct is not None and distinct.args.get("on") is not None:
        select.set("order", _completed(select.args.get("order"), _unknown(select, grades)))


def _order_nearest(select: exp.Select, grades: Grades) -> None:
    """Of several nearest rows of an ASOF join one, by a complete order."""
    for join in select.args.get("joins") or ():
        if str(join.args.get("method") or "").upper() != "ASOF" or join.args.get("on") is None:
            continue
        alias = join.this.alias_or_name
        matched = {c.name: c for c in join.args["on"].find_all(exp.Column) if c.table == alias}
        read = {c.name: c for c in select.find_all(exp.Column) if c.table == alias}
        known = [
            c for c in matched.values() if grades.is_known(c, select) and not grades.is_person(c, select)
        ]
        if not matched or known:
            # In steps of blocks all of a person's rows may be equally near.
            raise no_node("asof join")
        others = [
            c for name, c in sorted(read.items()) if name not in matched and not grades.is_known(c, select)
        ]
        number = exp.Window(
            this=exp.RowNumber(),
            partition_by=[c.copy() for c in matched.values()],
            order=_completed(None, others),
        )
        item = join.this.copy()
        inner = exp.Select(
            expressions=[exp.alias_(c.copy(), name, quoted=True) for name, c in sorted(read.items())],
            from_=exp.From(this=item),
            qualify=exp.Qualify(this=exp.EQ(this=number, expression=exp.Literal.number(1))),
        )
        join.set(
            "this",
            exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True))),
        )


def _completed(order: exp.Order | None, columns: list[exp.Column]) -> exp.Order | None:
    own = [one.copy() for one in order.expressions] if order is not None else []
    there = {one.this.sql() for one in own}
    added = [exp.Ordered(this=c.copy(), nulls_first=False) for c in columns if c.sql() not in there]
    return exp.Order(expressions=[*own, *added]) if own or added else None


def _unknown(select: exp.Select, grades: Grades | None) -> list[exp.Column]:
    """The columns of the SELECT's own items that it reads and that outsiders do not know; all without `grades`."""
    items = [
        join.this
        for join in select.args.get("joins") or ()
        if str(join.args.get("kind") or "").upper() not in {"SEMI", "ANTI"}
    ]
    if select.args.get("from_") is not None:
        items.append(select.args["from_"].this)
    found = {
        column.sql(): column
        for column in select.find_all(exp.Column)
        if column.table
        and _stands_in(column, items)
        and not column.is_star
        and not (grades is not None and grades.is_known(column, select))
    }
    return [found[name] for name in sorted(found)]


def _stands_in(column: exp.Column, items: list[exp.Expr]) -> bool:
    """Whether a column is one of these items' own; within a subquery the same name may mean another."""
    within = column.find_ancestor(exp.Select)
    source = source_of(column.table, within) if within is not None else None
    return any(source is item for item in items)
