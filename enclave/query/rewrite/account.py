"""Several numbers of one row tell more together than each by itself: an account of whom, person by person.

Smokers, women, women who smoke, and those who are either or have one rare code: adding and subtracting them leaves few persons, and
so does a number of records less a number of persons, or a sum less another. Decides for which rows an account is made: where two
numbers or more take in some records only, or are computed. What each person adds to each of them is evidence then; whom adding and
subtracting leaves is `disclosure.answers.accounts`'. In the aggregate tier cells are of blocks, not of persons.

What is judged together: the counts, and all numbers. A sum of fixed numbers or truths, in a step or not, or of what is computed of
truths, texts and small whole numbers is a count. A number of different values is one of what each person has, where these add up. A mean
beside the sum of the same values tells how many there are, and so do two spreads.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from sqlglot import exp

from enclave.query.cells import Call, Shape
from enclave.query.origins import origins_of, untouched
from enclave.query.overlaps import copying
from enclave.query.rewrite.by_person import (
    PERSON,
    beside,
    between,
    column,
    key_names,
    margin_names,
    named,
    rows_by_key,
    subquery,
)
from enclave.query.rewrite.coded import distinct, is_term
from enclave.query.rewrite.digits import made_by
from enclave.query.rewrite.tallied import NARROW
from enclave.query.schema import Schema
from enclave.query.stages import EVIDENCE, Account, Authorised, Judged

_ROWS, _EACH, _ALIKE, _ACCOUNT = (f"{EVIDENCE}{name}" for name in ("rows", "each", "alike", "account"))
_ADDED, _BUCKET, _PERSONS = f"{EVIDENCE}added", f"{EVIDENCE}bucket", f"{EVIDENCE}alike_persons"

BUCKETS = 1024
"""Groups of the persons of a cell of a large table. Ten persons are in ten of them but for one time in twenty."""


class _How(Enum):
    """What a person's records in a cell add to a number, together: their sum, one for each person, their different values."""

    SUM = "sum"
    ONCE = "once"
    DISTINCT = "distinct"


@dataclass(frozen=True)
class _Number:
    """One number of an account. `added`: what a record adds (nothing where it adds none); `counts`: it counts."""

    added: exp.Expr
    counts: bool
    how: _How = _How.SUM


@dataclass(frozen=True)
class _Told:
    """A number with the call that tells it (None: everybody knows it), and the condition under which it counts, as it is written."""

    number: _Number
    call: Call | None = None
    under: exp.Expr | None = None


def account_of(authorised: Authorised) -> Account | None:
    """How the column is to be read that `add_account` adds; None where none is needed."""
    told = _all_told(authorised)
    if not told:
        return None
    numbers = _numbers(told)
    parts = [
        one.call.id
        for one in told
        if one.call is not None and one.call.kind not in {"variance", "count_distinct"}
    ]
    adding = tuple(
        (numbers.index(one.number), one.call.id)
        for one in told
        if one.number.how is _How.DISTINCT and one.call is not None
    )
    return Account(
        _ADDED,
        len(numbers),
        tuple(dict.fromkeys(parts)),
        tuple(_judged(told, authorised)),
        adding,
        of_missing=not _several(told, authorised.known.tree, authorised.known.schema),
    )


def add_account(tree: exp.Query, authorised: Authorised, cuts: Sequence[int] = ()) -> exp.Query:
    """`cuts`: of a large table, pseudonyms after which the persons are cut into slices that are read one by one; none for a small
    one. What somebody adds is then told of `BUCKETS` groups of persons at most: few persons are in few of them."""
    shape, told = authorised.known.shape, _all_told(authorised)
    if shape is None or not told:
        return tree
    numbers = _numbers(told)
    margins = margin_names(shape) if shape.margins else ()
    kept, added = [*key_names(shape), *margins], [_added(place) for place, _ in enumerate(numbers)]
    few = all(one.counts for one in numbers)
    if not cuts:
        (everybody,) = between(shape.person, ())
        # Hardly two persons have the same sum of a measurement: to look for them costs more than it saves.
        one = exp.Count(this=exp.Star(), big_int=True) if few else exp.Literal.number(1)
        lines = _lines(kept, added, _by_person(numbers, shape, authorised, shape.person, everybody), one, few)
    elif not any(one.how is _How.ONCE for one in numbers):
        (everybody,) = between(shape.person, ())
        each = _by_person(numbers, shape, authorised, _bucket(shape.person), everybody)
        lines = _lines(kept, added, each, exp.Literal.number(1), grouped=False)
    else:
        slices = [
            _summed(kept, added, _by_person(numbers, shape, authorised, shape.person, within, bucket=True))
            for within in between(shape.person, cuts)
        ]
        whole: exp.Query = slices[0]
        for part in slices[1:]:
            whole = exp.Union(this=whole, expression=part, distinct=False)
        lines = _lines(kept, added, _summed(kept, added, whole), exp.Literal.number(1), grouped=False)
    listed = exp.Array(expressions=[*map(column, added), column(_PERSONS)])
    cells = exp.Select(
        expressions=[*map(column, kept), named(exp.Anonymous(this="LIST", expressions=[listed]), _ADDED)],
        from_=exp.From(this=subquery(lines, _ALIKE)),
        group=exp.Group(expressions=[*map(column, kept)]) if kept else None,
    )
    return beside(tree, authorised, cells, _ACCOUNT, [_ADDED], margins, side="LEFT")


def _added(place: int) -> str:
    """The column of what a person adds to a number."""
    return f"{EVIDENCE}n{place}"


def _bucket(person: exp.Expr) -> exp.Expr:
    mark = exp.Anonymous(this="HASH", expressions=[person.copy()])
    return exp.Mod(this=mark, expression=exp.Literal.number(BUCKETS))


def _lines(
    kept: Sequence[str], added: Sequence[str], each: exp.Query, counted: exp.Expr, grouped: bool
) -> exp.Select:
    """What somebody adds to each number of a cell, and how many persons add the same."""
    names = [*kept, *added]
    persons = exp.Cast(this=counted, to=exp.DataType.build("DOUBLE"))
    return exp.Select(
        expressions=[*map(column, names), named(persons, _PERSONS)],
        from_=exp.From(this=subquery(each, _EACH)),
        group=exp.Group(expressions=[*map(column, names)]) if grouped else None,
    )


def _summed(kept: Sequence[str], added: Sequence[str], each: exp.Query) -> exp.Select:
    """By bucket, what its persons add together."""
    names = [*kept, _BUCKET]
    return exp.Select(
        expressions=[*map(column, names), *(named(exp.Sum(this=column(one)), one) for one in added)],
        from_=exp.From(this=subquery(each, _EACH)),
        group=exp.Group(expressions=[*map(column, names)]),
    )


def _by_person(
    numbers: Sequence[_Number],
    shape: Shape,
    authorised: Authorised,
    person: exp.Expr,
    within: exp.Expr,
    bucket: bool = False,
) -> exp.Select:
    """Each person in each row of the statement: what all of the person's records in it add to each number."""
    names = key_names(shape)
    values = [(f"{EVIDENCE}v{place}", one.added) for place, one in enumerate(numbers)]
    added = []
    for place, one in enumerate(numbers):
        value = column(f"{EVIDENCE}v{place}")
        whole: exp.Expr
        match one.how:
            case _How.ONCE:
                whole = exp.Max(this=value)
            case _How.DISTINCT:
                whole = exp.Count(this=exp.Distinct(expressions=[value]), big_int=True)
            case _How.SUM:
                whole = exp.Sum(this=value)
        number: exp.Expr = exp.Coalesce(this=whole, expressions=[exp.Literal.number(0)])
        number = exp.Cast(this=number, to=exp.DataType.build("DOUBLE"))
        added.append(named(number, _added(place)))
    marks = [
        named(exp.Grouping(expressions=[column(key)]), mark)
        for key, mark in zip(names, margin_names(shape), strict=True)
    ]
    besides = [named(_bucket(column(PERSON)), _BUCKET)] if bucket else []
    return exp.Select(
        expressions=[*map(column, names), *(marks if shape.margins else ()), *besides, *added],
        from_=exp.From(this=subquery(rows_by_key(authorised, values, person, within), _ROWS)),
        group=_group(shape, authorised),
    )


# -- which numbers ------------------------------------------------------------------------------------------------------


def _numbers(told: Sequence[_Told]) -> list[_Number]:
    return list(dict.fromkeys(one.number for one in told))


def _all_told(authorised: Authorised) -> list[_Told]:
    """What a row tells, and beside it how many records there are (and persons, where some are told); nothing where no two of these
    tell more than each by itself."""
    known = authorised.known
    shape, tree, schema = known.shape, known.tree, known.schema
    if authorised.aggregate or shape is None or not isinstance(tree, exp.Select):
        return []
    calls = [call for call in shape.calls if not is_term(call)]
    told = [_of(call, tree, schema) for call in calls if call.kind != "variance"]
    told += [one for call in calls if call.kind == "variance" for one in _of_spread(call)]
    sized = list(_sized(calls))
    if not sized and not _several(told, tree, schema):
        return []
    told += sized
    everybody = _Number(exp.Literal.number(1), counts=True)
    told.append(_Told(everybody))
    if any(one.number.how is _How.ONCE for one in told):
        told.append(_Told(replace(everybody, how=_How.ONCE)))
    return told


def _several(told: Sequence[_Told], tree: exp.Query, schema: Schema) -> bool:
    """Whether two numbers take in some records only, or records and persons are told of which somebody chose how many there are."""
    some = {one.number for one in told if one.call is not None and _takes_in_some(one.call, tree)}
    if len(some) > 1:
        return True
    counts = {one.number.how for one in told if one.call is not None and one.number.counts}
    return _How.ONCE in counts and len(counts) > 1 and (_weighed(told) or copying(tree, schema))


def _weighed(told: Sequence[_Told]) -> bool:
    """Whether some count is a sum, of which the asker chose the weights."""
    return any(one.call is not None and one.call.summed is not None and one.number.counts for one in told)


def _takes_in_some(call: Call, tree: exp.Query) -> bool:
    """Whether a call takes in some records only, by a condition or by what it computes."""
    if call.summed is not None:
        plain = isinstance(tree, exp.Select) and untouched(call.summed, tree) is not None
        return call.condition is not None or not plain
    return call.contributes is not None


def _of(call: Call, tree: exp.Select, schema: Schema) -> _Told:
    one = exp.Literal.number(1)
    if call.kind == "count_distinct":
        return _Told(
            _Number(_where(call, distinct(call)), counts=True, how=_How.DISTINCT), call, call.contributes
        )
    if call.summed is None:
        how = _How.ONCE if call.kind == "persons" else _How.SUM
        return _Told(_Number(_where(call, one), counts=True, how=how), call, _under(call))
    counts = _is_flag(call.summed, tree) or _computed(call.summed, tree, schema)
    return _Told(_Number(_where(call, _double(call.summed)), counts), call, call.contributes)


def _of_spread(call: Call) -> Iterator[_Told]:
    """A variance is of values and of their squares."""
    if call.summed is None:
        return
    number = _double(call.summed)
    square = exp.Mul(this=exp.paren(number.copy()), expression=exp.paren(number.copy()))
    for one in (number, square):
        yield _Told(_Number(_where(call, one), counts=False), call, call.contributes)


def _sized(calls: Sequence[Call]) -> Iterator[_Told]:
    """How many values a mean beside a sum of them, or two spreads, tell."""
    kinds: dict[tuple[exp.Expr, exp.Expr | None], dict[str, Call]] = defaultdict(dict)
    for call in calls:
        if call.summed is not None:
            node = call.node.this if isinstance(call.node, exp.Filter) else call.node
            kind = call.kind if call.kind != "variance" else type(node).__name__
            kinds[call.summed, call.condition][kind] = call
    for (summed, condition), found in kinds.items():
        if {"sum", "avg"} <= set(found) or len(set(found) - {"sum", "avg"}) > 1:
            there: exp.Expr = exp.Not(this=exp.Is(this=exp.paren(summed.copy()), expression=exp.Null()))
            there = there if condition is None else exp.and_(condition, there, copy=True)
            one = exp.Case(ifs=[exp.If(this=there, true=exp.Literal.number(1))])
            yield _Told(_Number(one, counts=True), under=there)


def _double(summed: exp.Expr) -> exp.Expr:
    return exp.TryCast(this=exp.paren(summed.copy()), to=exp.DataType.build("DOUBLE"))


def _where(call: Call, added: exp.Expr) -> exp.Expr:
    if call.contributes is None:
        return added.copy()
    return exp.Case(ifs=[exp.If(this=call.contributes.copy(), true=added.copy())])


def _judged(told: Sequence[_Told], authorised: Authorised) -> Iterator[Judged]:
    """Which numbers are judged together: counts; all numbers where there are sums; and sums, whatever their signs.

    Where nobody made copies of records, the records and the persons under one condition are judged apart, once the ones beside all
    other numbers and once the others. What the one leaves over of the other is a number of further records, which nobody chose and
    which tells of nobody knows how many persons.
    """
    numbers = _numbers(told)
    sums = [numbers.index(one) for one in numbers if not one.counts]
    both = {(one.under, one.number.how) for one in told}
    natural = not _weighed(told) and not copying(authorised.known.tree, authorised.known.schema)
    seen = set()
    for other in (_How.ONCE, _How.SUM):
        mine = _How.SUM if other is _How.ONCE else _How.ONCE
        counts = [
            one.number
            for one in told
            if one.number.counts and not (natural and one.number.how is other and (one.under, mine) in both)
        ]
        places = tuple(sorted({numbers.index(one) for one in counts}))
        if places in seen:
            continue
        seen.add(places)
        yield Judged(places, counts=True)
        if sums:
            yield Judged((*places, *sums), counts=True, general=True)
    if sums:
        yield Judged(tuple(sums), counts=False, general=True)


def _under(call: Call) -> exp.Expr | None:
    """The condition under which records or persons are counted, as it is written where it is one; None for all of them."""
    node = call.node.this if isinstance(call.node, exp.Filter) else call.node
    if isinstance(node, exp.CountIf):
        return node.this if call.condition is None else exp.and_(call.condition, node.this, copy=True)
    if call.kind == "records":
        return call.condition
    if call.kind == "persons" and isinstance(node.this.expressions[0].unnest(), exp.Column):
        return call.condition
    return call.contributes


def _group(shape: Shape, authorised: Authorised) -> exp.Group:
    """As the statement groups, and by person."""
    person = column(PERSON)
    if not shape.margins:
        return exp.Group(expressions=[person, *map(column, key_names(shape))])
    names = {key.expression: name for key, name in zip(shape.keys, key_names(shape), strict=True)}
    group: exp.Expr = authorised.known.tree.args["group"].copy()
    made = group.transform(lambda node: column(names[node]) if node in names else node)
    return exp.Group(**{**made.args, "expressions": [person, *made.expressions]})


def _computed(summed: exp.Expr, tree: exp.Select, schema: Schema) -> bool:
    """Whether a number is made of truths, texts and small whole numbers alone: maybe a truth by another name."""
    found = origins_of(summed, tree, schema)
    types = {schema.tables[o[:2]].columns[o[2]].type.upper() for o in found}
    if not types or not types <= NARROW:
        return False
    return types <= {"BOOLEAN", "VARCHAR", "TEXT"} or untouched(summed, tree) is None


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
