"""Cells come in the order of their keys, and of nothing else: row order must not carry a hidden number (THREATS 17).

The researcher's own order by keys is kept (descending, nulls first); the remaining keys follow, so that the order is
complete. An order by a measure was refused with the shape of the table.
"""

from sqlglot import exp

from enclave.query.stages import Authorised, Term


def order_by_keys(tree: exp.Query, authorised: Authorised) -> exp.Query:
    tree = tree.copy()
    ordered = [
        exp.Ordered(
            this=exp.column(exp.to_identifier(term.key, quoted=True)),
            desc=term.descending or None,
            nulls_first=term.nulls_first,
        )
        for term in terms(authorised)
    ]
    tree.set("order", exp.Order(expressions=ordered) if ordered else None)
    return tree


def terms(authorised: Authorised) -> tuple[Term, ...]:
    """The complete order: the researcher's keys as they were ordered, then the others."""
    shape = authorised.known.shape
    if shape is None:
        raise TypeError("only a statement in table form has keys")
    found: dict[str, Term] = {}
    order = authorised.known.tree.args.get("order")
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
        found.setdefault(name, Term(name, bool(term.args.get("desc")), bool(term.args.get("nulls_first"))))
    for key in shape.keys:
        found.setdefault(key.name, Term(key.name))
    return tuple(found.values())
