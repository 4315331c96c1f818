"""GROUP BY ALL and ORDER BY ALL written out: the engine's own shorthand, which other engines read otherwise or not.

Keys are the output columns without an aggregate, in order; constants are none, as the engine takes them.
"""

from sqlglot import exp

from enclave.query.origins import outside_queries
from enclave.query.parse import is_aggregate
from enclave.query.stages import OfKnown


def write_out_all(tree: exp.Query, judged: OfKnown) -> exp.Query:
    if not any(_shorthand(query) for query in tree.find_all(exp.Query)):
        return tree
    tree = tree.copy()
    for select in tuple(tree.find_all(exp.Select)):
        group = select.args.get("group")
        if group is not None and group.args.get("all"):
            keys = _keys(select)
            select.set("group", exp.Group(expressions=keys) if keys else None)
    for query in tuple(tree.find_all(exp.Query)):
        order = query.args.get("order")
        if order is None:
            continue
        if _by_all(order):
            places = range(1, len(query.named_selects) + 1)
            order.set("expressions", [_by(order.expressions[0], place) for place in places])
    return tree


def _shorthand(query: exp.Query) -> bool:
    group, order = query.args.get("group"), query.args.get("order")
    return bool(group is not None and group.args.get("all")) or (order is not None and _by_all(order))


def _by_all(order: exp.Expr) -> bool:
    terms = order.expressions
    return len(terms) == 1 and isinstance(terms[0].this, exp.Var) and terms[0].this.name.upper() == "ALL"


def _keys(select: exp.Select) -> list[exp.Expr]:
    keys: list[exp.Expr] = []
    for node in select.expressions:
        inner = node.unalias()
        parts = tuple(outside_queries(inner))
        named = any(isinstance(part, exp.Column | exp.Query) for part in parts)
        if named and not any(is_aggregate(part) for part in parts) and inner not in keys:
            keys.append(inner.copy())
    return keys


def _by(term: exp.Expr, place: int) -> exp.Expr:
    made = term.copy()
    made.set("this", exp.Literal.number(place))
    return made
