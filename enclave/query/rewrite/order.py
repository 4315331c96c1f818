"""Cells come in the order of their keys, and of nothing else: row order must not carry a hidden number (THREATS 17).

The researcher's own order by keys is kept (descending, nulls first); the remaining keys follow, so that the order is
complete. An order by a measure was refused with the shape of the table.
"""

from sqlglot import exp

from enclave.query.stages import Authorised


def order_by_keys(tree: exp.Query, authorised: Authorised) -> exp.Query:
    shape = authorised.known.shape
    if shape is None:
        raise TypeError("only a statement in table form has keys")
    tree = tree.copy()
    terms: list[exp.Expr] = []
    named: set[str] = set()
    order = tree.args.get("order")
    for term in order.expressions if order is not None else ():
        if isinstance(term.this, exp.Var):
            continue
        name = next(
            key.name
            for key in shape.keys
            if term.this == key.expression
            or (
                isinstance(term.this, exp.Column)
                and not term.this.table
                and term.this.name == key.name.lower()
            )
        )
        if name not in named:
            named.add(name)
            terms.append(exp.Ordered(**{**term.args, "this": _column(name)}))
    terms += [
        exp.Ordered(this=_column(key.name), nulls_first=False) for key in shape.keys if key.name not in named
    ]
    tree.set("order", exp.Order(expressions=terms) if terms else None)
    return tree


def _column(name: str) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True))
