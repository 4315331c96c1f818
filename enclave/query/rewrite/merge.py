"""Grouping keys whose cells are not whole blocks are written as the first of the values they are merged with.

Aggregate tier only. What is inside an aggregate call is left as it is: the same expression there was seen to have one
value in every block, or the statement was refused.
"""

from collections.abc import Mapping
from dataclasses import replace

from sqlglot import exp

from enclave.query.blocks import mapped
from enclave.query.parse import is_aggregate
from enclave.query.stages import Authorised, Merge


def merge_keys(authorised: Authorised, merges: tuple[Merge, ...]) -> Authorised:
    """The statement with its keys merged, tree and shape alike."""
    shape = authorised.known.shape
    if shape is None or not merges:
        return authorised
    written = mapped({key.name: key.expression for key in shape.keys}, merges)
    changed = {key.name: (key.expression, written[key.name]) for key in shape.keys}
    tree = authorised.known.tree.copy()
    tree.set("expressions", [_replaced(node, changed) for node in tree.expressions])
    group = tree.args.get("group")
    if group is not None:
        tree.set("group", _replaced(group, changed))
    keys = tuple(replace(key, expression=written[key.name]) for key in shape.keys)
    known = replace(authorised.known, tree=tree, shape=replace(shape, keys=keys))
    return replace(authorised, known=known)


def _replaced(node: exp.Expr, changed: Mapping[str, tuple[exp.Expr, exp.Expr]]) -> exp.Expr:
    for before, after in changed.values():
        if node == before:
            return after.copy()
    if is_aggregate(node) and not isinstance(node, exp.Grouping):
        return node.copy()
    made = node.copy()
    for name, value in node.args.items():
        if isinstance(value, exp.Expr):
            made.set(name, _replaced(value, changed))
        elif isinstance(value, list):
            made.set(name, [_replaced(v, changed) if isinstance(v, exp.Expr) else v for v in value])
    return made
