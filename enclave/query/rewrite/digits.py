"""What a value that is made in steps packs is read digit by digit, where no step can be taken apart.

`WITH c AS (SELECT pid, max(CASE WHEN age = 95 THEN 100000 WHEN male THEN 1 ELSE 0 END) AS x … GROUP BY pid) SELECT sum(x)` packs
two counts. More columns in a step that groups, or removes what is alike, would change what it answers; so the value itself is
looked at, outside. Decides which weights an expression may be put together from, through all its steps, and where they
are far apart, so that a sum can be read digit by digit: whoever has such a digit is counted like whoever a sum is of. For a
number of different values: whoever has a value that a step wrote down. For two sums of much the same: whoever makes them differ.

Weights are those that are written: products of columns say nothing of theirs, and a score of small weights is one number.
"""

import math
from dataclasses import dataclass

from sqlglot import exp

from enclave.query.origins import branches_of, cte_of, outside_queries, source_of

APART = 10
"""How many times a weight is another, at least, for a sum of both to be two numbers: cells have as many persons."""

MAX_WEIGHTS = 64
"""Weights of one expression that are told apart; of more, the smallest and the largest count."""

DIGITS = frozenset(10.0**n for n in range(7))
"""The weights of what is read from a text that is put together."""

ONE = frozenset({1.0})


def digits_of(tree: exp.Select, summed: exp.Expr) -> list[exp.Expr]:
    """What is read of a sum of `summed` digit by digit, null where a digit is none; nothing where no step makes anything of it
    or its weights are near each other."""
    if not any(made_by(column, tree) is not None for column in _columns(summed)):
        return []
    found = _Reader(frozenset()).weights(summed, tree)
    weights: list[float] = []
    for one in sorted(found):
        if not weights or one >= APART * weights[-1]:
            weights.append(one)
    if len(weights) < 2:
        return []
    value = exp.Abs(this=exp.TryCast(this=exp.paren(summed.copy()), to=exp.DataType.build("DOUBLE")))
    made: list[exp.Expr] = []
    for place, weight in enumerate(weights):
        rest: exp.Expr = value.copy()
        if place + 1 < len(weights):
            rest = exp.Mod(this=rest, expression=_number(weights[place + 1]))
        # A digit of less below takes a little of the one above it.
        there: exp.Expr = exp.GTE(this=rest, expression=_number(weight / 2))
        if place == 0:
            there = exp.NEQ(this=rest, expression=_number(0))
        digit = exp.Floor(this=exp.Add(this=_over(rest, weight), expression=_number(0.5)))
        made.append(exp.Case(ifs=[exp.If(this=there, true=digit if place else rest.copy())]))
    return made


def written_by_steps(tree: exp.Select, node: exp.Expr) -> list[exp.Literal]:
    """The values that a choice in a step behind `node` writes down."""
    if not any(made_by(column, tree) is not None for column in _columns(node)):
        return []
    return _Reader(frozenset()).results(node, tree)


def values_of(tree: exp.Select, node: exp.Expr) -> list[exp.Expr]:
    """One where `node` has a value that a step behind it chose, null elsewhere: once per value; and once for all who have none of
    them, since their different values are what is left of the number."""
    one = exp.Literal.number(1)
    written = [_has(node, value) for value in written_by_steps(tree, node)]
    found: list[exp.Expr] = [exp.Case(ifs=[exp.If(this=same, true=one.copy())]) for same in written]
    if written:
        there = exp.Not(this=exp.Is(this=exp.paren(node.copy()), expression=exp.Null()))
        others = [
            exp.Not(this=exp.Coalesce(this=exp.paren(w.copy()), expressions=[exp.false()])) for w in written
        ]
        found.append(exp.Case(ifs=[exp.If(this=exp.and_(there, *others), true=one.copy())]))
    return found


def _has(node: exp.Expr, value: exp.Literal) -> exp.Expr:
    if value.is_string:
        text = exp.Cast(this=exp.paren(node.copy()), to=exp.DataType.build("VARCHAR"))
        return exp.EQ(this=text, expression=value.copy())
    number = exp.TryCast(this=exp.paren(node.copy()), to=exp.DataType.build("DOUBLE"))
    return exp.EQ(this=number, expression=value.copy())


@dataclass(frozen=True)
class _Reader:
    """`on_the_way`: the columns of steps that are being read; one that is made of itself is none."""

    on_the_way: frozenset[tuple[str, str]]

    def weights(self, node: exp.Expr, select: exp.Select) -> frozenset[float]:
        """What one of what is counted may add to a value, by what is written; `ONE` where nothing is."""
        match node:
            case exp.Literal():
                return _literal(node)
            case exp.Column():
                return self.column(node, select)
            case exp.Mul() | exp.IntDiv() | exp.Div():
                left, right = self.weights(node.this, select), self.weights(node.expression, select)
                if isinstance(node, exp.Mul):
                    return _few(frozenset(a * b for a in left for b in right))
                return _few(frozenset(a / b for a in left for b in right))
            case exp.Case():
                results = [*(one.args.get("true") for one in node.args["ifs"]), node.args.get("default")]
                return self.any_of([one for one in results if one is not None], select)
            case exp.If():
                results = [node.args.get("true"), node.args.get("false")]
                return self.any_of([one for one in results if one is not None], select)
            case exp.Filter() | exp.Window() | exp.Distinct() if isinstance(node.this, exp.Expr):
                return self.weights(node.this, select)
            case exp.Predicate() | exp.Not() | exp.Count() | exp.Query() | exp.DataType() | exp.Interval():
                return ONE
            case exp.Null():
                return frozenset()
            case exp.Cast() | exp.TryCast():
                inner = node.this.unnest()
                if inner.is_string:
                    return _literal(inner)
                return DIGITS if _puts_text_together(inner) else self.weights(inner, select)
            case exp.Pow():
                return self.power(node, select)
            case exp.Round():
                return self.weights(node.this, select)
            case exp.Greatest() | exp.Least():
                # A bound is no weight.
                values = [one for one in _children(node) if not isinstance(one.unnest(), exp.Literal)]
                return self.any_of(values or _children(node), select)
            case _:
                return self.any_of(_children(node), select) or ONE

    def any_of(self, nodes: list[exp.Expr], select: exp.Select) -> frozenset[float]:
        return _few(frozenset(weight for one in nodes for weight in self.weights(one, select)))

    def power(self, node: exp.Pow, select: exp.Select) -> frozenset[float]:
        found = set()
        for base in self.weights(node.this, select):
            for exponent in self.weights(node.expression, select):
                # Nought is none of the weights, and the exponent of one.
                found |= {1.0, min(base ** min(exponent, 64.0), 1e300)}
        return _few(frozenset(found))

    def column(self, node: exp.Column, select: exp.Select) -> frozenset[float]:
        within = made_by(node, select)
        if within is None or (node.table, node.name) in self.on_the_way:
            return ONE
        reader = _Reader(self.on_the_way | {(node.table, node.name)})
        found: frozenset[float] = frozenset()
        for value, of in within:
            found |= reader.weights(value, of)
        return _few(found)

    def results(self, node: exp.Expr, select: exp.Select) -> list[exp.Literal]:
        """The values that a choice behind `node` writes down, each once."""
        found: list[exp.Literal] = []
        match node:
            case exp.Column():
                within = made_by(node, select)
                if within is not None and (node.table, node.name) not in self.on_the_way:
                    reader = _Reader(self.on_the_way | {(node.table, node.name)})
                    for value, of in within:
                        found += reader.results(value, of)
            case exp.Case() | exp.If():
                branches = node.args["ifs"] if isinstance(node, exp.Case) else [node]
                ends = [*(one.args.get("true") for one in branches)]
                ends.append(node.args.get("default") or node.args.get("false"))
                for end in ends:
                    if end is not None:
                        found += _literals(end)
                        found += self.results(end, select)
            case exp.Predicate() | exp.Query():
                pass
            case exp.Filter() | exp.Window():
                found += self.results(node.this, select)
            case _:
                for child in _children(node):
                    found += self.results(child, select)
                if isinstance(node, exp.Coalesce):
                    found += [
                        one.unnest() for one in node.expressions if isinstance(one.unnest(), exp.Literal)
                    ]
        return list(dict.fromkeys(found))


def made_by(column: exp.Column, select: exp.Select) -> list[tuple[exp.Expr, exp.Select]] | None:
    """The expressions that make a column in a step, one per branch; the lines of a written list, each a value. None for what is
    a base table's."""
    source = source_of(column.table, select)
    query: exp.Expr | None = None
    alias = source.args.get("alias") if source is not None else None
    renamed = [c.name for c in alias.args.get("columns") or ()] if alias is not None else []
    if isinstance(source, exp.Subquery | exp.Values):
        query = source.this if isinstance(source, exp.Subquery) else source
    elif isinstance(source, exp.Table) and not source.db:
        cte = cte_of(source.name, source)
        if cte is not None:
            query = cte.this
            renamed = renamed or [c.name for c in cte.args["alias"].args.get("columns") or ()]
    if isinstance(query, exp.Values):
        place = renamed.index(column.name) if column.name in renamed else -1
        lines = [one.expressions for one in query.expressions if isinstance(one, exp.Tuple)]
        return [(line[place], select) for line in lines if 0 <= place < len(line)]
    branches = branches_of(query) if query is not None else []
    if not branches:
        return None
    outputs = [*renamed, *branches[0].named_selects[len(renamed) :]]
    if column.name not in outputs:
        return None
    place = outputs.index(column.name)
    return [(one.expressions[place].unalias(), one) for one in branches if len(one.expressions) > place]


def _columns(node: exp.Expr) -> list[exp.Column]:
    return [one for one in outside_queries(node) if isinstance(one, exp.Column)]


def _children(node: exp.Expr) -> list[exp.Expr]:
    skipped = (exp.Identifier, exp.DataType, exp.Var, exp.Ordered, exp.Order, exp.WindowSpec)
    return [one for one in node.iter_expressions() if not isinstance(one, skipped)]


def _literal(node: exp.Expr) -> frozenset[float]:
    """The weight that is written; none where it is nought."""
    try:
        value = abs(float(node.name))
    except ValueError:
        return ONE
    return frozenset({value}) if 0 < value < math.inf else frozenset()


def _literals(node: exp.Expr) -> list[exp.Literal]:
    """What is written down, also as a date; nothing for anything else."""
    inner = node.unnest()
    while isinstance(inner, exp.Cast | exp.TryCast):
        inner = inner.this.unnest()
    return [inner] if isinstance(inner, exp.Literal) else []


def _puts_text_together(node: exp.Expr) -> bool:
    return node.find(exp.DPipe, exp.Concat, exp.ConcatWs) is not None


def _few(found: frozenset[float]) -> frozenset[float]:
    told = frozenset(one for one in found if 0 < one < math.inf)
    if len(told) <= MAX_WEIGHTS:
        return told
    ordered = sorted(told)
    return frozenset((ordered[0], *ordered[-MAX_WEIGHTS + 1 :]))


def _over(node: exp.Expr, weight: float) -> exp.Expr:
    return exp.Div(this=exp.paren(node.copy()), expression=_number(weight))


def _number(value: float) -> exp.Expr:
    return exp.Literal.number(repr(float(value)))
