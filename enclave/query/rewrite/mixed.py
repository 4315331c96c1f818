"""Columns that one value is mixed of are numbers of their own: `sum(futime + status)` beside `sum(futime)` is `sum(status)`.

Two values of much the same, each made in a step (`max(futime + status)`, `max(futime)`), are told from each other in the same way:
whoever makes them differ is a number too.

Decides which columns of a summed expression stand beside others in anything but a product: whoever a product is not nought for
has both. Dates are no numbers: a difference of two is one thing. Conditions are `coded`'s.
"""

from itertools import combinations

from sqlglot import exp

from enclave.query.cells import Call
from enclave.query.origins import Origin, source_of, untouched
from enclave.query.rewrite.digits import made_by
from enclave.query.schema import Schema

_SINGLE = (exp.Mul, exp.Div, exp.IntDiv, exp.Paren, exp.Neg, exp.Cast, exp.TryCast)
"""What makes nothing of two columns that is not nought where either is, but a quotient, whose lower part is not."""

_NUMBERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
)
_FRACTIONS = ("FLOAT", "DOUBLE", "DECIMAL")
_TIMES = ("DATE", "TIME", "TIMESTAMP", "INTERVAL")


def mixed(tree: exp.Select, summed: exp.Expr, schema: Schema) -> list[exp.Expr]:
    """Each column that is mixed with others, as a number; nothing where there is one, or only a product of them."""
    found: list[exp.Column] = []
    for node in values_within(summed):
        columns = list(dict.fromkeys(one for one in values_within(node) if isinstance(one, exp.Column)))
        if len(columns) > 1 and not isinstance(node, _SINGLE):
            found += columns
    made = (_as_number(one, tree, schema) for one in dict.fromkeys(found))
    return [one for one in made if one is not None]


def values_within(node: exp.Expr) -> list[exp.Expr]:
    """The nodes that a value is made of, without the conditions that decide which."""
    if isinstance(node, exp.Predicate | exp.Query | exp.DataType):
        return []
    found = [node]
    for name, value in node.args.items():
        if name == "this" and isinstance(node, exp.Case | exp.If):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, exp.Expr):
                found += values_within(child)
    return found


def _as_number(column: exp.Column, tree: exp.Select, schema: Schema) -> exp.Expr | None:
    base = untouched(column, tree)
    kind = "" if base is None else schema.tables[base[:2]].columns[base[2]].type.upper()
    if kind.startswith(_TIMES):
        return None
    if kind in _NUMBERS or kind.startswith(_FRACTIONS):
        return column.copy()
    text = exp.Cast(this=column.copy(), to=exp.DataType.build("VARCHAR"))
    if kind == "BOOLEAN":
        text = exp.Cast(this=column.copy(), to=exp.DataType.build("INT"))
    return exp.TryCast(this=text, to=exp.DataType.build("DOUBLE"))


def differences(tree: exp.Select, calls: tuple[Call, ...], schema: Schema) -> list[exp.Expr]:
    """For two sums of values made of one column, of which one at least is computed: the one where the other is another."""
    summed = [call.summed for call in calls if call.kind in {"sum", "avg"} and call.summed is not None]
    made: list[exp.Expr] = []
    for one, other in combinations(dict.fromkeys(summed), 2):
        if untouched(one, tree) is not None and untouched(other, tree) is not None:
            continue
        (left, times), (right, more) = _bases(one, tree, schema), _bases(other, tree, schema)
        if not left & right or times or more:
            continue
        differ = exp.NEQ(this=_or_nought(one), expression=_or_nought(other))
        value = exp.TryCast(this=exp.paren(one.copy()), to=exp.DataType.build("DOUBLE"))
        made.append(exp.Case(ifs=[exp.If(this=differ, true=value)]))
    return made


def _or_nought(node: exp.Expr) -> exp.Expr:
    return exp.Coalesce(this=exp.paren(node.copy()), expressions=[exp.Literal.number(0)])


def _bases(
    node: exp.Expr, select: exp.Select, schema: Schema, seen: frozenset[tuple[str, str]] = frozenset()
) -> tuple[set[Origin], bool]:
    """The base columns whose values go into a value, through its steps, and whether there are times among them."""
    found: set[Origin] = set()
    times = False
    for column in values_within(node):
        if not isinstance(column, exp.Column):
            continue
        source = source_of(column.table, select)
        if isinstance(source, exp.Table) and source.db:
            base = untouched(column, select)
            if base is not None:
                found.add(base)
                times |= schema.tables[base[:2]].columns[base[2]].type.upper().startswith(_TIMES)
        elif (column.table, column.name) not in seen:
            for value, of in made_by(column, select) or ():
                within, more = _bases(value, of, schema, seen | {(column.table, column.name)})
                found |= within
                times |= more
    return found, times
