"""A number made of few different values may tell how many have which: those are tallied.

`sum(x)` of values 0, 1 and 1.0001 tells how many have which; so do `sum(power(1000, x))`, and a mean beside a spread where
there are three values. Decides which sums, means and variances are tallied, by text and types alone: those of whole
numbers of few bytes, truths, texts or what a step wrote down, where a power, a product or another function is made of
them, where weights are written that are no small whole numbers, or where several numbers are made of the same values.
What grows without such values (`exp(50 * bmi)`) is tallied by powers of ten. A number of different computed values is tallied by marks
of the values: where nearly everybody has the same, it tells how many have not. Whether a tally can be read from the answer is
`disclosure.answers.tallies`'. A mean of a code, a score of small weights and a mean of a measurement are not looked at.
"""

from dataclasses import dataclass
from fractions import Fraction

from sqlglot import exp

from enclave.query.cells import Call
from enclave.query.origins import source_of, untouched
from enclave.query.rewrite.coded import distinct, is_term
from enclave.query.rewrite.digits import APART, made_by
from enclave.query.rewrite.mixed import values_within
from enclave.query.schema import Schema
from enclave.query.stages import TallyOf

NARROW = frozenset({"BOOLEAN", "TINYINT", "SMALLINT", "UTINYINT", "USMALLINT", "VARCHAR", "TEXT"})
"""Types of few different values, and texts, of which only functions make numbers."""

_GROWING = (exp.Pow, exp.Exp, exp.Factorial)
"""What makes numbers of different length of numbers that are near each other."""

_STRAIGHT = (
    exp.Column, exp.Literal, exp.Null, exp.Boolean, exp.Paren, exp.Neg, exp.Add, exp.Sub, exp.Cast, exp.TryCast, exp.DataType,
    exp.Round, exp.Coalesce, exp.Case, exp.If, exp.Max, exp.Min, exp.AnyValue, exp.First, exp.Last, exp.ArgMax, exp.ArgMin,
    exp.Sum, exp.Count, exp.CountIf, exp.Avg, exp.Filter, exp.Where, exp.Window, exp.Distinct, exp.Star, exp.Identifier,
    exp.Greatest, exp.Least,
)  # fmt: skip
"""What leaves the distance of two values what it was, or has one weight."""


@dataclass(frozen=True)
class _Made:
    """What a value is made of, through its steps. `narrow`: of few different values by its types; `bent`: by something else
    than adding and choosing; `growing`; `weights`: the constants that a choice in a step writes down, None for one that is
    computed; `columns`: those it names itself."""

    narrow: bool = True
    bent: bool = False
    growing: bool = False
    weights: frozenset[Fraction | None] = frozenset()
    columns: frozenset[exp.Expr] = frozenset()

    def beside(self, other: "_Made") -> "_Made":
        return _Made(
            self.narrow and other.narrow,
            self.bent or other.bent,
            self.growing or other.growing,
            self.weights | other.weights,
            self.columns | other.columns,
        )


def tallied(tree: exp.Query, calls: tuple[Call, ...], schema: Schema) -> dict[str, tuple[TallyOf, int]]:
    """Which calls are tallied: id → what of them, and how many numbers are made of the same values."""
    if not isinstance(tree, exp.Select):
        return {}
    made = {
        call.id: _made(call.summed, tree, schema, frozenset())
        for call in calls
        if call.summed is not None and not is_term(call)
    }
    found: dict[str, tuple[TallyOf, int]] = {}
    for call in calls:
        one = made.get(call.id)
        if one is None:
            if call.kind == "count_distinct" and untouched(distinct(call), tree) is None:
                found[call.id] = (TallyOf.MARKS, 1)
            continue
        beside = {
            (other.summed, other.kind == "variance")
            for other in calls
            if other.id in made and other.condition == call.condition and made[other.id].columns & one.columns
        }
        if one.narrow and (one.bent or _far(one.weights) or len(beside) > 1):
            found[call.id] = (TallyOf.VALUES, max(1, len(beside)))
        elif one.growing:
            found[call.id] = (TallyOf.LENGTHS, max(1, len(beside)))
    return found


def always(tree: exp.Query, call: Call, schema: Schema) -> bool:
    """Whether a tallied call may tell of one value among however many."""
    if call.summed is None or not isinstance(tree, exp.Select):
        return False
    one = _made(call.summed, tree, schema, frozenset())
    return one.bent or one.growing or _far(one.weights)


def _far(weights: frozenset[Fraction | None]) -> bool:
    """Whether weights are no small multiples of one number."""
    told = [one for one in weights if one]
    if None in weights:
        return True
    if len(told) < 2:
        return False
    step = told[0]
    for one in told[1:]:
        step = Fraction(
            _gcd(step.numerator * one.denominator, one.numerator * step.denominator),
            step.denominator * one.denominator,
        )
    return max(told) / step >= APART


def _gcd(one: int, other: int) -> int:
    while other:
        one, other = other, one % other
    return one


def _made(
    node: exp.Expr, select: exp.Select, schema: Schema, seen: frozenset[tuple[str, str]], step: bool = False
) -> _Made:
    found = _Made()
    for one in values_within(node):
        if isinstance(one, exp.Column):
            found = found.beside(_column(one, select, schema, seen))
        elif isinstance(one, exp.Mul | exp.Div | exp.IntDiv | exp.Mod):
            several = _names(one.this) and _names(one.expression)
            bent = several or isinstance(one, exp.IntDiv | exp.Mod) or not _names(one.this)
            if isinstance(one, exp.Mul):
                found = found.beside(_Made(bent=several, growing=_often(one)))
            else:
                found = found.beside(_Made(bent=bent))
        elif isinstance(one, _GROWING) or (
            isinstance(one, exp.Anonymous) and "gamma" in str(one.this).lower()
        ):
            found = found.beside(_Made(bent=_names(one), growing=_names(one)))
        elif not isinstance(one, _STRAIGHT) and _names(one):
            found = found.beside(_Made(bent=True))
        if step and isinstance(one, exp.Case | exp.If):
            found = found.beside(_Made(weights=_written(one)))
    return found


def _column(
    column: exp.Column, select: exp.Select, schema: Schema, seen: frozenset[tuple[str, str]]
) -> _Made:
    itself = frozenset[exp.Expr]({column.copy()})
    source = source_of(column.table, select)
    if isinstance(source, exp.Table) and source.db:
        base = untouched(column, select)
        kind = "" if base is None else schema.tables[base[:2]].columns[base[2]].type.upper()
        return _Made(narrow=kind in NARROW, columns=itself)
    within = made_by(column, select)
    if within is None or (column.table, column.name) in seen:
        return _Made(narrow=False, columns=itself)
    found = _Made()
    for value, of in within:
        found = found.beside(_made(value, of, schema, seen | {(column.table, column.name)}, step=True))
    if isinstance(source, exp.Values) or all(isinstance(value.unnest(), exp.Literal) for value, _ in within):
        found = found.beside(_Made(weights=frozenset(_constant(value) for value, _ in within)))
    return _Made(found.narrow, found.bent, found.growing, found.weights, itself)


def _names(node: exp.Expr) -> bool:
    return node.find(exp.Column) is not None


def _often(node: exp.Mul) -> bool:
    """Whether a column is multiplied with itself twice and more."""
    columns = [one for one in values_within(node) if isinstance(one, exp.Column)]
    return any(columns.count(one) > 2 for one in columns)


def _written(choice: exp.Case | exp.If) -> frozenset[Fraction | None]:
    """The constants that a choice may become."""
    branches = choice.args["ifs"] if isinstance(choice, exp.Case) else [choice]
    ends = [*(one.args.get("true") for one in branches), choice.args.get("default"), choice.args.get("false")]
    return frozenset(
        _constant(end)
        for end in ends
        if end is not None and not _names(end) and not end.find(exp.Null, exp.Query)
    )


def _constant(node: exp.Expr) -> Fraction | None:
    """A number that is written; nought for a text, whose number a function makes; None for what is computed of constants."""
    inner = node.unnest()
    while isinstance(inner, exp.Neg | exp.Cast | exp.TryCast):
        inner = inner.this.unnest()
    if isinstance(inner, exp.Boolean):
        return Fraction(1)
    if not isinstance(inner, exp.Literal):
        return None
    try:
        return abs(Fraction(inner.name))
    except (ValueError, ZeroDivisionError):
        return Fraction(0)
