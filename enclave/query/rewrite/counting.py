"""Cheaper evidence than `evidence`: sound lower bounds where cells are large, so that most need no exact count.

A mask is the union of one bit per person (the low bits of the pseudonym): it has at most as many bits as there are persons,
whatever a join repeats, and costs eight bytes a cell. Beside a sum the other half of the mask holds one bit per value
(by its hash): three bits are three different values, so that the sum is no count in disguise. The same numbers counted
among some of the persons alone (`only_persons`) are lower bounds too.

Which evidence decides what is `disclosure.bounds`; `evidence` stays the rule that is exact.
"""

from sqlglot import exp

from enclave.query.cells import Call, Shape
from enclave.query.parse import DIALECT
from enclave.query.rewrite.by_person import named
from enclave.query.rewrite.evidence import RECORDS
from enclave.query.stages import EVIDENCE, Authorised

MASK = f"{EVIDENCE}mask"
BITS = 64
HALF = 32
"""Bits for persons, and above them for values, in the mask of a sum."""


def mask_of(call: Call) -> str:
    return f"{EVIDENCE}{call.id}_mask"


def inside_of(call: Call) -> str:
    """How many records the call takes in."""
    return f"{EVIDENCE}{call.id}_inside"


def persons_of(call: Call | None) -> str:
    return f"{EVIDENCE}persons" if call is None else f"{EVIDENCE}{call.id}_persons"


def person_mask(shape: Shape) -> exp.Expr:
    return exp.BitwiseOrAgg(this=_bit(1, shape.person, BITS))


def sum_mask(shape: Shape, call: Call) -> exp.Expr:
    """Persons and values of the records that a sum takes in."""
    if call.summed is None or call.contributes is None:
        raise TypeError("only a sum has values")
    value = exp.Anonymous(this="HASH", expressions=[call.summed.copy()])
    both = exp.BitwiseOr(
        this=exp.paren(_bit(1, shape.person, HALF)), expression=exp.paren(_bit(1 << HALF, value, HALF))
    )
    return _where(exp.BitwiseOrAgg(this=both), call)


def records_of(call: Call) -> exp.Expr:
    return _where(exp.Count(this=exp.Star(), big_int=True), call)


def distinct_of(shape: Shape, call: Call | None) -> exp.Expr:
    counted = exp.Count(this=exp.Distinct(expressions=[shape.person.copy()]), big_int=True)
    return counted if call is None else _where(counted, call)


def records() -> exp.Expr:
    return named(exp.Count(this=exp.Star(), big_int=True), RECORDS)


def groupings(shape: Shape) -> list[exp.Expr]:
    """Per key whether the row is a margin over it, by the names that `evidence.cells_of` gives."""
    if not shape.margins:
        return []
    return [
        named(exp.Grouping(expressions=[key.expression.copy()]), f"{EVIDENCE}g{order}")
        for order, key in enumerate(shape.keys, 1)
    ]


def only_persons(tree: exp.Query, shape: Shape, most: int) -> exp.Query:
    """The statement over the persons whose pseudonym is at most `most`: rows of whole persons, so that every number of
    persons is at most what it is over all."""
    tree = tree.copy()
    condition = exp.LTE(this=exp.paren(shape.person.copy()), expression=exp.Literal.number(most))
    return _narrowed(tree, condition)


def in_parts(
    tree: exp.Query, shape: Shape, masks: list[exp.Expr], table: exp.Table, most: int, columns: frozenset[str]
) -> exp.Query | None:
    """The statement over two parts of its one table: persons up to `most`, with what each mask is the union of as columns
    of their own (`united`), and the others with none. None where the statement is about anything else besides."""
    source, person = tree.args["from_"].this, shape.person.unnest()
    alone = isinstance(source, exp.Table) and not tree.args.get("joins") and not tree.args.get("laterals")
    if not alone or not isinstance(person, exp.Column) or person.table != source.alias_or_name:
        return None
    if (source.name, source.db) != (table.name, table.db):
        return None
    alias = source.alias_or_name
    used = {node.name for node in tree.find_all(exp.Column) if node.table == alias} & columns
    kept = [exp.column(name, alias, quoted=True) for name in sorted(used | {person.name})]
    nothing = exp.Cast(this=exp.Null(), to=exp.DataType.build("UBIGINT", dialect=DIALECT))
    first = exp.LTE(this=person.copy(), expression=exp.Literal.number(most))
    rest = exp.GT(this=person.copy(), expression=exp.Literal.number(most))
    made = [named(_bits_of(mask), _part(place)) for place, mask in enumerate(masks)]
    without = [named(nothing.copy(), _part(place)) for place in range(len(masks))]
    parts = [
        exp.Select(
            expressions=[*(node.copy() for node in kept), *bits],
            from_=exp.From(this=source.copy()),
            where=exp.Where(this=condition),
        )
        for bits, condition in ((made, first), (without, rest))
    ]
    both = exp.Union(this=parts[0], expression=parts[1], distinct=False)
    tree = tree.copy()
    held = exp.Subquery(this=both, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
    tree.set("from_", exp.From(this=held))
    return tree


def united(place: int, parts: exp.Query) -> exp.Expr:
    """The mask that `in_parts` prepared."""
    alias = parts.args["from_"].this.alias
    return exp.BitwiseOrAgg(this=exp.column(_part(place), alias, quoted=True))


def _part(place: int) -> str:
    return f"{EVIDENCE}part{place}"


def _bits_of(mask: exp.Expr) -> exp.Expr:
    """What of one row goes into a mask; nothing where the mask does not take it in."""
    union: exp.Expr = mask.this if isinstance(mask, exp.Filter) else mask
    bits: exp.Expr = union.this.copy()
    if not isinstance(mask, exp.Filter):
        return bits
    return exp.Case(ifs=[exp.If(this=mask.expression.this.copy(), true=bits)])


def only_cells(tree: exp.Query, conditions: list[exp.Expr]) -> exp.Query:
    """The statement over the rows for which one of the conditions holds."""
    together = conditions[0]
    for other in conditions[1:]:
        together = exp.Or(this=together, expression=other)
    return _narrowed(tree.copy(), exp.paren(together))


def only_joined(tree: exp.Query, lines: exp.Values, same: exp.Expr) -> exp.Query:
    """The statement over the rows of some cells, found by a join: a condition that names the row's own keys costs the engine
    a list of all keys there are."""
    tree = tree.copy()
    joins = tree.args.get("joins") or []
    for join in joins:
        if not any(join.args.get(part) for part in ("kind", "side", "method", "on", "using")):
            # After a comma the next join would see the last table alone.
            join.set("kind", "CROSS")
    tree.set("joins", [*joins, exp.Join(this=lines, kind="SEMI", on=same)])
    return tree


def _narrowed(tree: exp.Query, condition: exp.Expr) -> exp.Query:
    where = tree.args.get("where")
    both = condition if where is None else exp.And(this=exp.paren(where.this.copy()), expression=condition)
    tree.set("where", exp.Where(this=both))
    return tree


def written_out(tree: exp.Query, authorised: Authorised) -> exp.Query:
    """GROUP BY ALL as the keys that it stands for: what is added to the outputs must not become a key."""
    tree = tree.copy()
    group = tree.args.get("group")
    shape = authorised.known.shape
    if shape is not None and group is not None and group.args.get("all"):
        keys = [key.expression.copy() for key in shape.keys]
        tree.set("group", exp.Group(expressions=keys) if keys else None)
    return tree


def _bit(lowest: int, number: exp.Expr, among: int) -> exp.Expr:
    place = exp.BitwiseAnd(this=exp.paren(number.copy()), expression=exp.Literal.number(among - 1))
    wide = exp.DataType.build("UBIGINT", dialect=DIALECT)
    return exp.BitwiseLeftShift(
        this=exp.Cast(this=exp.Literal.number(lowest), to=wide),
        expression=exp.Cast(this=exp.paren(place), to=wide.copy()),
    )


def _where(node: exp.Expr, call: Call) -> exp.Expr:
    if call.contributes is None:
        return node
    return exp.Filter(this=node, expression=exp.Where(this=call.contributes.copy()))
