"""What a sum is put together from is evidence of its own: several sums may stand in one as digits stand in a number.

`sum(cost + CASE WHEN age = 95 THEN 1e9 ELSE 0 END)` is two sums, the second in the digits that the first does not reach;
`sum(CASE WHEN age = 95 THEN 1e6 WHEN male THEN 1 ELSE 0 END)` is two counts (THREATS 19). Everybody contributes to the
whole, so that the whole's own persons say nothing of it. Decides what is taken apart: terms that are added, the results of
CASE, IF and COALESCE, a factor's terms; each that may be zero for some and is not for others is a call that nobody sees
and that has to be safe like any other. An expression of one term is left as it is: its call speaks for it.

Where a choice decides a value in another way than by being added (`power(10, CASE …)`, a text that is read as a number),
each of its results is such a call; so it is in a number of different values. A value made in a step is looked at where its weights
are far apart (`coded_steps`, `digits`), else it is one thing. Columns that are added to each other are such calls (`mixed`).
"""

from dataclasses import replace

from sqlglot import exp

from enclave.query.cells import Call
from enclave.query.rewrite.coded_steps import of_steps
from enclave.query.rewrite.digits import digits_of, values_of
from enclave.query.rewrite.mixed import differences, mixed
from enclave.query.stages import Authorised

TERM = "t"
"""How the ids of calls begin that only stand for a part of another call."""

MAX_TERMS = 40
"""Terms of one sum that are looked at apart; a longer one is one of weights, and hides where its first forty do."""

_CHOICES = (exp.Case, exp.If, exp.Coalesce, exp.Predicate)
"""What is one number for some and another for others."""


def take_apart(authorised: Authorised) -> Authorised:
    """The statement with a call for each term of a sum, mean or variance of several, and for each choice that decides a
    value in another way than by being added."""
    shape = authorised.known.shape
    if shape is None:
        return authorised
    added: list[Call] = []
    tree = authorised.known.tree.copy()
    for call in shape.calls:
        found: list[exp.Expr] = []
        if call.summed is not None:
            found = _parts(call.summed)
            if isinstance(tree, exp.Select):
                behind = [] if authorised.aggregate else of_steps(tree, call.summed, _parts)
                found += behind or digits_of(tree, call.summed)
                found += mixed(tree, call.summed, authorised.known.schema)
        elif call.kind == "count_distinct":
            # Of a number of different values, too: it is one more where somebody has a value of their own making.
            found = choices(exp.Max(this=distinct(call).copy()))
            if isinstance(tree, exp.Select):
                found += values_of(tree, distinct(call))
        for term in found[:MAX_TERMS]:
            if not any(one.summed == term and one.condition == call.condition for one in added):
                added.append(_call(f"{TERM}{len(added) + 1}", term, call.condition))
    if isinstance(tree, exp.Select):
        found = differences(tree, shape.calls, authorised.known.schema)[:MAX_TERMS]
        added += [_call(f"{TERM}{n}", term, None) for n, term in enumerate(found, len(added) + 1)]
    if not added:
        return authorised
    shape = replace(shape, calls=(*shape.calls, *added))
    return replace(authorised, known=replace(authorised.known, tree=tree, shape=shape))


def _parts(summed: exp.Expr) -> list[exp.Expr]:
    """What is looked at apart in an expression that is summed; nothing where it is one thing."""
    parts = terms(summed)
    found = [one for one in parts if len(parts) > 1 and _chooses(one)]
    return found + [choice for one in parts for choice in choices(one)]


def choices(term: exp.Expr) -> list[exp.Expr]:
    """One where a choice inside a term is taken, null elsewhere: each result of a CASE that is no result of the term
    itself, and a comparison whose truth is reckoned with, either way."""
    if isinstance(term, exp.Case):
        (place, result) = _result(term)
        if result is None:
            return []
        return [_with_result(term, place, one) for one in choices(result)]
    if isinstance(term, exp.Cast | exp.TryCast | exp.Paren | exp.Neg):
        inner = term.this
        return [] if isinstance(inner, exp.Predicate) else choices(inner)
    if isinstance(term, exp.Predicate):
        return []
    return [one for child in term.iter_expressions() for one in _within(child)]


def _within(node: exp.Expr) -> list[exp.Expr]:
    one = exp.Literal.number(1)
    match node:
        case exp.Case():
            taken = [*node.args["ifs"]]
            return [
                _with_result(node, place, one)
                for place in range(len(taken) + 1)
                if not isinstance(_at(node, place), exp.Null | None)
            ] + [choice for place in range(len(taken) + 1) for choice in _of_result(node, place)]
        case exp.If():
            return _within(_as_case(node))
        case exp.Coalesce():
            return _within(_filled(node))
        case exp.Predicate():
            return [
                exp.Case(ifs=[_when(node, one)]),
                exp.Case(ifs=[_when(exp.Not(this=_held(node)), one)]),
            ]
        case exp.Query():
            return []
        case _:
            return [found for child in node.iter_expressions() for found in _within(child)]


def _of_result(case: exp.Case, place: int) -> list[exp.Expr]:
    result = _at(case, place)
    return [] if result is None else [_with_result(case, place, found) for found in _within(result)]


def _at(case: exp.Case, place: int) -> exp.Expr | None:
    ifs = case.args["ifs"]
    found: exp.Expr | None = ifs[place].args.get("true") if place < len(ifs) else case.args.get("default")
    return found


def _result(case: exp.Case) -> tuple[int, exp.Expr | None]:
    """The one result that a CASE of `terms` has left."""
    for place in range(len(case.args["ifs"]) + 1):
        found = _at(case, place)
        if found is not None and not isinstance(found, exp.Null):
            return place, found
    return 0, None


def _with_result(case: exp.Case, place: int, result: exp.Expr) -> exp.Expr:
    kept = [_when(one.this, result if n == place else None) for n, one in enumerate(case.args["ifs"])]
    default = result.copy() if place == len(kept) else None
    return exp.Case(this=_copy(case.this), ifs=kept, default=default)


def distinct(call: Call) -> exp.Expr:
    """What the different values of a number of them are of."""
    node = call.node.this if isinstance(call.node, exp.Filter) else call.node
    inner: exp.Expr = node.this.expressions[0]
    return inner


def is_term(call: Call) -> bool:
    return call.id.startswith(TERM)


def _call(name: str, term: exp.Expr, condition: exp.Expr | None) -> Call:
    node: exp.Expr = exp.Sum(this=term.copy())
    if condition is not None:
        node = exp.Filter(this=node, expression=exp.Where(this=condition.copy()))
    there = exp.Not(this=exp.Is(this=exp.paren(term.copy()), expression=exp.Null()))
    counts = exp.NEQ(this=exp.paren(term.copy()), expression=exp.Literal.number(0))
    parts = [there, counts] if condition is None else [condition, there, counts]
    # Of the kind that nothing is subtracted from: terms of one sum are not told apart from it by their sizes.
    return Call(name, "variance", node, exp.and_(*parts, copy=True), term, condition)


def terms(node: exp.Expr) -> list[exp.Expr]:
    """What is added up in an expression; the expression itself where that is one thing."""
    match node:
        case exp.Paren():
            return terms(node.this)
        case exp.Neg():
            return [_opposite(one) for one in terms(node.this)]
        case exp.Add() | exp.Sub() if _chooses(node):
            return [*terms(node.this), *terms(node.expression)]
        case exp.Mul():
            return _product(node)
        case exp.Div() if _chooses(node.this):
            return [exp.Div(this=_held(one), expression=_held(node.expression)) for one in terms(node.this)]
        case exp.Cast() | exp.TryCast() if node.this.find(exp.Case, exp.If, exp.Coalesce):
            return [type(node)(this=_held(one), to=node.to.copy()) for one in terms(node.this)]
        case exp.Case():
            return _results(node)
        case exp.If():
            return terms(_as_case(node))
        case exp.Coalesce():
            return terms(_filled(node))
        case _:
            return [node]


def _product(node: exp.Mul) -> list[exp.Expr]:
    left, right = terms(node.this), terms(node.expression)
    if len(left) == 1 and len(right) == 1:
        return [node]
    return [exp.Mul(this=_held(one), expression=_held(other)) for one in left for other in right]


def _results(case: exp.Case) -> list[exp.Expr]:
    """The CASE once per result, the others null; a result of several terms once per term."""
    found: list[exp.Expr] = []
    for place in range(len(case.args["ifs"]) + 1):
        result = _at(case, place)
        if result is not None and not _nothing(result):
            found += [_with_result(case, place, term) for term in terms(result)]
    return found


def _as_case(node: exp.If) -> exp.Case:
    return exp.Case(ifs=[_when(node.this, node.args.get("true"))], default=_copy(node.args.get("false")))


def _filled(node: exp.Coalesce) -> exp.Case:
    values = [node.this, *node.expressions]
    there = [exp.Not(this=exp.Is(this=_held(one), expression=exp.Null())) for one in values]
    return exp.Case(ifs=[_when(one, value) for one, value in zip(there, values, strict=True)])


def _when(condition: exp.Expr, result: exp.Expr | None) -> exp.If:
    return exp.If(this=condition.copy(), true=exp.Null() if result is None else result.copy())


def _copy(node: exp.Expr | None) -> exp.Expr | None:
    return None if node is None else node.copy()


def _held(node: exp.Expr) -> exp.Expr:
    return exp.paren(node.copy())


def _opposite(node: exp.Expr) -> exp.Expr:
    return exp.Neg(this=_held(node))


def _chooses(node: exp.Expr) -> bool:
    return node.find(*_CHOICES) is not None


def _nothing(node: exp.Expr) -> bool:
    inner = node.unnest()
    return isinstance(inner, exp.Null) or (isinstance(inner, exp.Literal) and inner.name.strip("0.") == "")
