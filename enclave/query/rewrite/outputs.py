"""Output columns of the rows form get names that differ, as `SELECT * FROM a JOIN b` would repeat some.

The n-th repetition of `age` is `age_1`, `age_2`, …, the engine's own custom; the first keeps its name.
"""

from sqlglot import exp

from enclave.query.stages import OfKnown


def unique_outputs(tree: exp.Query, judged: OfKnown) -> exp.Query:
    first = _first(tree)
    taken = {node.alias_or_name.lower() for node in first.expressions}
    if len(taken) == len(first.expressions):
        return tree
    tree = tree.copy()
    first = _first(tree)
    seen: set[str] = set()
    for node in first.expressions:
        name = node.alias_or_name
        if name.lower() in seen and isinstance(node, exp.Alias):
            number = 1
            while f"{name}_{number}".lower() in taken:
                number += 1
            node.set("alias", exp.to_identifier(f"{name}_{number}", quoted=True))
        taken.add(node.alias_or_name.lower())
        seen.add(node.alias_or_name.lower())
    return tree


def _first(tree: exp.Expr) -> exp.Select:
    while not isinstance(tree, exp.Select):
        tree = tree.this
    return tree
