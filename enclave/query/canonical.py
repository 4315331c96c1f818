"""One text for statements that ask the same: what an answer already given is found by, and what noise is keyed by.

Decides which differences are none: names of CTEs, of tables and of outputs, the order of rows, the order of conditions
joined by AND or OR and of keys. Two statements of one text ask the same; two texts may still do. Works on a copy of a
resolved tree.
"""

from collections.abc import Sequence

from sqlglot import exp

from enclave.query.parse import DIALECT

_MIRRORED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.EQ: exp.EQ,
    exp.NEQ: exp.NEQ,
}


def canonical(tree: exp.Query, keys: Sequence[exp.Expr]) -> str:
    """The statement's canonical text. `keys`: its grouping keys, which GROUP BY ALL stands for."""
    made: exp.Expr = tree.copy()
    made.set("order", None)
    group = made.args.get("group")
    if group is not None and group.args.get("all"):
        made.set("group", exp.Group(expressions=[key.copy() for key in keys]) if keys else None)
    _rename(made)
    made = made.transform(_mirrored)
    _sort(made)
    if isinstance(made, exp.Select):
        made.set("expressions", sorted((node.unalias() for node in made.expressions), key=_text))
    return _text(made)


def _rename(tree: exp.Expr) -> None:
    """CTEs `c1…` and other items of a FROM `t1…`, in the order in which they are written."""
    named: dict[str, str] = {}
    for number, cte in enumerate(tree.find_all(exp.CTE, bfs=False), 1):
        named[cte.alias] = f"c{number}"
    for cte in tree.find_all(exp.CTE):
        cte.args["alias"].set("this", exp.to_identifier(named[cte.alias], quoted=True))
    for table in tree.find_all(exp.Table):
        if not table.db and table.name in named:
            table.set("this", exp.to_identifier(named[table.name], quoted=True))
    aliases: dict[tuple[int, str], str] = {}
    for item in tree.find_all(exp.Table, exp.Subquery, exp.Values, bfs=False):
        holder = item.find_ancestor(exp.Select)
        if item.alias and holder is not None and isinstance(item.parent, exp.From | exp.Join):
            aliases[id(holder), item.alias] = f"t{len(aliases) + 1}"
    for column in list(tree.find_all(exp.Column)):
        scope = column.find_ancestor(exp.Select)
        while scope is not None:
            name = aliases.get((id(scope), column.table))
            if name is not None:
                column.set("table", exp.to_identifier(name, quoted=True))
                break
            scope = scope.find_ancestor(exp.Select)
    for item in list(tree.find_all(exp.Table, exp.Subquery, exp.Values)):
        holder = item.find_ancestor(exp.Select)
        name = aliases.get((id(holder), item.alias)) if item.alias else None
        if name is not None:
            item.args["alias"].set("this", exp.to_identifier(name, quoted=True))


def _mirrored(node: exp.Expr) -> exp.Expr:
    """A comparison with its smaller text on the right where a literal stands on the left: `1 < a` is `a > 1`."""
    other = _MIRRORED.get(type(node))
    if (
        other is not None
        and isinstance(node.this, exp.Literal)
        and not isinstance(node.expression, exp.Literal)
    ):
        return other(this=node.expression, expression=node.this)
    return node


def _sort(tree: exp.Expr) -> None:
    for kind in (exp.And, exp.Or):
        for node in list(tree.find_all(kind, bfs=False)):
            if isinstance(node.parent, kind):
                continue
            parts = sorted(node.flatten(), key=_text)
            joined = parts[0].copy()
            for part in parts[1:]:
                joined = kind(this=joined, expression=part.copy())
            node.replace(joined)
    for group in tree.find_all(exp.Group):
        group.set("expressions", sorted(group.expressions, key=_text))


def _text(node: exp.Expr) -> str:
    return node.sql(DIALECT, identify=True, comments=False)
