"""Evidence columns: what the protection of cells needs to know beside the numbers themselves.

For the row: distinct persons and records. For each aggregate call: its value where no output column is that value, and
the distinct persons who contribute to it. Under ROLLUP, CUBE, GROUPING SETS: per key whether the row is a margin over
it. Distinct persons, not rows: a fan-out join must not make a crowd of one person (THREATS 24).
"""

from sqlglot import exp

from enclave.query.cells import Call, Shape
from enclave.query.stages import EVIDENCE, Authorised, Cells, Dimension, Measure, Part

PERSONS = f"{EVIDENCE}persons"
RECORDS = f"{EVIDENCE}records"


def cells_of(authorised: Authorised) -> Cells:
    """How the rows of the rewritten statement are to be read; the names are those that `add_evidence` gives."""
    shape = _shape(authorised)
    schema = authorised.known.schema
    bare = {column.calls[0]: column.name for column in reversed(shape.columns) if column.bare}
    dimensions = tuple(
        Dimension(
            key.name,
            grouping=f"{EVIDENCE}g{order}" if shape.margins else None,
            type=schema.tables[key.origins[0][:2]].columns[key.origins[0][2]].type if key.bare else "",
            source=key.origins[0] if key.bare else None,
        )
        for order, key in enumerate(shape.keys, 1)
    )
    return Cells(
        dimensions=dimensions,
        measures=tuple(
            Measure(column.name, column.calls, derived=not column.bare) for column in shape.columns
        ),
        parts=tuple(
            Part(
                call.id,
                call.kind,
                value=bare.get(call.id, f"{EVIDENCE}{call.id}"),
                persons=PERSONS if call.contributes is None else f"{EVIDENCE}{call.id}_persons",
            )
            for call in shape.calls
        ),
        persons=PERSONS,
        records=RECORDS,
    )


def add_evidence(tree: exp.Query, authorised: Authorised) -> exp.Query:
    shape = _shape(authorised)
    cells = cells_of(authorised)
    tree = tree.copy()
    group = tree.args.get("group")
    if group is not None and group.args.get("all"):
        # Written out, since added columns must not become keys and other engines have no ALL.
        keys = [key.expression.copy() for key in shape.keys]
        tree.set("group", exp.Group(expressions=keys) if keys else None)
    added = [
        _named(_persons(shape, None), PERSONS),
        _named(exp.Count(this=exp.Star(), big_int=True), RECORDS),
    ]
    written = {column.name for column in shape.columns}
    for call, part in zip(shape.calls, cells.parts, strict=True):
        if part.value not in written:
            added.append(_named(call.node.copy(), part.value))
        if part.persons != PERSONS:
            added.append(_named(_persons(shape, call), part.persons))
    for key, dimension in zip(shape.keys, cells.dimensions, strict=True):
        if dimension.grouping is not None:
            added.append(_named(exp.Grouping(expressions=[key.expression.copy()]), dimension.grouping))
    tree.set("expressions", [*tree.expressions, *added])
    return tree


def _persons(shape: Shape, call: Call | None) -> exp.Expr:
    counted: exp.Expr = exp.Count(this=exp.Distinct(expressions=[shape.person.copy()]), big_int=True)
    if call is None or call.contributes is None:
        return counted
    return exp.Filter(this=counted, expression=exp.Where(this=call.contributes.copy()))


def _named(node: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(node, exp.to_identifier(name, quoted=True))


def _shape(authorised: Authorised) -> Shape:
    shape = authorised.known.shape
    if shape is None:
        raise TypeError("only a statement in table form has evidence")
    return shape
