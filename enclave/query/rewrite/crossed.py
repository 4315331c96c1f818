"""Several numbers of one row may cross so that together they tell of few: smokers, women, women who smoke, and those who are either
or have one rare code.

Decides which numbers are compared with each other: counts under two conditions or more, and sums of the same thing under three, or
under two beside the sum of all. A count is also a sum of fixed numbers or truths, in a step or not, or of what is
computed of truths and texts alone. Sketches of who stands behind
each are evidence then (`evidence`), and what they tell is `disclosure.answers.contained`'s; and how many records fulfil which of the
conditions, of which `disclosure.answers.tallies` reckons what adding and subtracting leaves.
"""

from collections import defaultdict

from sqlglot import exp

from enclave.query.cells import Call, Shape
from enclave.query.origins import origins_of
from enclave.query.rewrite.coded import is_term
from enclave.query.rewrite.digits import made_by
from enclave.query.schema import Schema

COUNTS = "counts"

LEAST = 3
"""Sums that can tell of few together and not two by two. Of counts two are enough: whether one lies inside the other is seen."""


MOST = 40
"""Conditions of one row that are looked at together."""


def crossing(shape: Shape, tree: exp.Query, schema: Schema) -> dict[str, list[Call]]:
    """The calls that are compared with each other by sketches, by what they count or sum."""
    found = _families(shape, tree, schema)
    return {kind: calls for kind, calls in found.items() if len(calls) >= (2 if kind == COUNTS else LEAST)}


def _families(shape: Shape, tree: exp.Query, schema: Schema) -> dict[str, list[Call]]:
    if not isinstance(tree, exp.Select):
        return {}
    found: dict[str, list[Call]] = defaultdict(list)
    for call in shape.calls:
        if is_term(call) or call.kind in {"count_distinct", "variance"}:
            continue
        if call.summed is None or _is_flag(call.summed, tree) or _of_texts(call.summed, tree, schema):
            if call.contributes is not None:
                found[COUNTS].append(call)
            continue
        found[_of(call.summed)].append(call)
    return found


def patterns(shape: Shape, tree: exp.Query, schema: Schema) -> dict[str, list[exp.Expr]]:
    """The different conditions of what is compared, by what is counted or summed; two at least."""
    found: dict[str, list[exp.Expr]] = {}
    for kind, calls in _families(shape, tree, schema).items():
        conditions = list(dict.fromkeys(call.contributes for call in calls if call.contributes is not None))
        if 2 <= len(conditions) <= MOST:
            found[kind] = conditions
    return found


def _of(summed: exp.Expr) -> str:
    """What is summed, without the condition that a choice makes."""
    inner = summed.unnest()
    if isinstance(inner, exp.Case) and inner.this is None and len(inner.args["ifs"]) == 1:
        default = inner.args.get("default")
        if default is None or isinstance(default.unnest(), exp.Null | exp.Literal):
            inner = inner.args["ifs"][0].args["true"].unnest()
    return inner.sql("duckdb")


def _of_texts(summed: exp.Expr, tree: exp.Select, schema: Schema) -> bool:
    """Whether a number is made of truths and texts alone: a truth by another name."""
    found = origins_of(summed, tree, schema)
    types = {schema.tables[o[:2]].columns[o[2]].type.upper() for o in found}
    return bool(types) and types <= {"BOOLEAN", "VARCHAR", "TEXT"}


def _is_flag(node: exp.Expr, select: exp.Select, seen: frozenset[tuple[str, str]] = frozenset()) -> bool:
    """Whether a value is a truth, or one of some that are written down, through its steps."""

    def all_of(nodes: list[exp.Expr | None]) -> bool:
        return all(_is_flag(one, select, seen) for one in nodes if one is not None)

    match node:
        case exp.Literal() | exp.Boolean() | exp.Null() | exp.Predicate() | exp.Not():
            return True
        case (
            exp.Paren()
            | exp.Neg()
            | exp.Cast()
            | exp.TryCast()
            | exp.Max()
            | exp.Min()
            | exp.AnyValue()
            | exp.First()
            | exp.Last()
        ):
            return _is_flag(node.this, select, seen)
        case exp.Case():
            return all_of([*(one.args.get("true") for one in node.args["ifs"]), node.args.get("default")])
        case exp.If():
            return all_of([node.args.get("true"), node.args.get("false")])
        case exp.Coalesce() | exp.Greatest() | exp.Least():
            return all_of([node.this, *node.expressions])
        case exp.Column() if (node.table, node.name) not in seen:
            within = made_by(node, select)
            further = seen | {(node.table, node.name)}
            return bool(within) and all(_is_flag(value, of, further) for value, of in within or ())
        case _:
            return False
