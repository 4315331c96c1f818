"""Several numbers of one row tell more together than each by itself: an account of whom, person by person.

Smokers, women, women who smoke, and those who are either or have one rare code: adding and subtracting them leaves few persons, and
so does a number of records less a number of persons. Decides which numbers of a row are compared with each other: counts of
records and of persons under two conditions or more, sums of the same thing likewise. A count is also a sum of fixed numbers or truths,
in a step or not, or of what is computed of truths, texts and small whole numbers. What each person adds to each of them
is evidence then; whom adding and subtracting leaves is `disclosure.answers.accounts`'. In the aggregate tier cells are of
blocks, not of persons.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from enclave.query.cells import Call, Shape
from enclave.query.origins import origins_of, untouched
from enclave.query.rewrite.by_person import (
    BY_BUCKET,
    BY_PERSON,
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
from enclave.query.rewrite.coded import is_term
from enclave.query.rewrite.digits import made_by
from enclave.query.rewrite.tallied import NARROW
from enclave.query.schema import Schema
from enclave.query.stages import EVIDENCE, Account, Authorised

_MOST = 40
"""Numbers of one row that are looked at together."""

_ROWS, _EACH, _ALIKE, _ACCOUNT = (f"{EVIDENCE}{name}" for name in ("rows", "each", "alike", "account"))
_PERSONS = f"{EVIDENCE}alike_persons"

BUCKETS = 1024
"""Groups of the persons of a cell of a large table. Ten persons are in ten of them but for one time in twenty."""


@dataclass(frozen=True)
class _Number:
    """One number of an account: `added` by a record (nothing where it adds none), `once` for each person or once for each record."""

    added: exp.Expr
    once: bool = False


@dataclass(frozen=True)
class _Family:
    """Calls that are compared with each other, and the numbers of the account."""

    calls: tuple[Call, ...]
    numbers: tuple[_Number, ...]
    counts: bool

    @property
    def once(self) -> bool:
        """Whether some number counts each person once, so that those of several persons do not add up."""
        return any(one.once for one in self.numbers)


def accounts_of(authorised: Authorised) -> tuple[Account, ...]:
    """How the columns are to be read that `add_accounts` adds."""
    return tuple(
        Account(_name(place), len(one.numbers), tuple(call.id for call in one.calls), one.counts)
        for place, one in enumerate(_families(authorised), 1)
    )


def add_accounts(tree: exp.Query, authorised: Authorised, cuts: Sequence[int] = ()) -> exp.Query:
    """`cuts`: of a large table, pseudonyms after which the persons are cut into slices that are read one by one; none for a small
    one. What adds up is then told of `BUCKETS` groups of persons at most: few persons are in few of them."""
    families = _families(authorised)
    apart = [one for one in families if not cuts or one.once]
    together = [one for one in families if one not in apart]
    for several, name, within in ((apart, BY_PERSON, tuple(cuts)), (together, BY_BUCKET, None)):
        if several:
            columns = [_name(families.index(one) + 1) for one in several]
            tree = _add(tree, authorised, several, columns, name, within)
    return tree


def _add(
    tree: exp.Query,
    authorised: Authorised,
    families: Sequence[_Family],
    columns: Sequence[str],
    name: str,
    cuts: tuple[int, ...] | None,
) -> exp.Query:
    """The accounts of some families, as `columns`, of what is read once for all of them (`name`): by person, between `cuts`, or
    (None) by bucket."""
    shape = authorised.known.shape
    if shape is None:
        raise TypeError("only a statement in table form has numbers")
    every = list(dict.fromkeys(number for one in families for number in one.numbers))
    margins = margin_names(shape) if shape.margins else ()
    kept = [*key_names(shape), *margins]
    source = exp.to_table(name, quoted=True)
    for family, told in zip(families, columns, strict=True):
        added = [_added(every.index(number)) for number in family.numbers]
        again = family.counts and cuts is not None and (len(families) > 1 or len(cuts) > 0)
        lines = _alike(kept, added, source.copy(), exp.Sum(this=column(_PERSONS))) if again else source.copy()
        tree = beside(
            tree, authorised, _cells(kept, added, lines, told), _ACCOUNT, [told], margins, side="LEFT"
        )
    # Hardly two persons have the same sum of a measurement: to look for them costs more than it saves.
    few = cuts is not None and all(one.counts for one in families)
    numbers = [_added(place) for place, _ in enumerate(every)]
    parts: list[exp.Query] = []
    for within in between(shape.person, cuts or ()):
        person = shape.person if cuts is not None else _bucket(shape.person)
        each = subquery(_by_person(every, shape, authorised, person, within), _EACH)
        counted = exp.Count(this=exp.Star(), big_int=True) if few else exp.Literal.number(1)
        parts.append(_alike(kept, numbers, each, counted, grouped=few))
    whole = parts[0]
    for part in parts[1:]:
        whole = exp.Union(this=whole, expression=part, distinct=False)
    clause = tree.args.get("with_") or exp.With(expressions=[])
    alias = exp.TableAlias(this=exp.to_identifier(name, quoted=True))
    clause.append("expressions", exp.CTE(this=whole, alias=alias))
    tree.set("with_", clause)
    return tree


def _bucket(person: exp.Expr) -> exp.Expr:
    mark = exp.Anonymous(this="HASH", expressions=[person.copy()])
    return exp.Mod(this=mark, expression=exp.Literal.number(BUCKETS))


def _added(place: int) -> str:
    """The column of what a person adds to a number."""
    return f"{EVIDENCE}n{place}"


def _name(place: int) -> str:
    return f"{_ACCOUNT}{place}"


def _families(authorised: Authorised) -> list[_Family]:
    """What is compared with each other; of each family two different numbers at least take in some records only."""
    known = authorised.known
    shape, tree, schema = known.shape, known.tree, known.schema
    if authorised.aggregate or shape is None or not isinstance(tree, exp.Select):
        return []
    counts: list[Call] = []
    sums: dict[str, list[Call]] = defaultdict(list)
    for call in shape.calls:
        if is_term(call) or call.kind in {"count_distinct", "variance"}:
            continue
        if call.summed is None or _is_flag(call.summed, tree) or _computed(call.summed, tree, schema):
            counts.append(call)
        else:
            sums[_of(call.summed)].append(call)
    found = [_Family(tuple(counts), numbers, counts=True) for numbers in _counted(counts)]
    for calls in sums.values():
        found.append(_Family(tuple(calls), tuple(dict.fromkeys(map(_number, calls))), counts=False))
    return [
        one
        for one in found
        if len({_number(call) for call in one.calls if call.contributes is not None}) >= 2
        and len(one.numbers) <= _MOST
    ]


def _counted(calls: list[Call]) -> list[tuple[_Number, ...]]:
    """The numbers of counts, with how many records and persons a row has: once with the records wherever both they and the
    persons under a condition are told, once with the persons. What the one leaves over of the other is a number of further records,
    which tells of nobody knows how many persons."""
    everybody = _Number(exp.Literal.number(1))
    told = {(_under(call), call.kind == "persons"): _number(call) for call in calls}
    told[None, False] = everybody
    if any(persons for _, persons in told):
        told[None, True] = replace(everybody, once=True)
    found = []
    for ours in (False, True):
        numbers = [n for (under, once), n in told.items() if once == ours or (under, not once) not in told]
        found.append(tuple(dict.fromkeys(numbers)))
    return [found[0]] if set(found[0]) == set(found[1]) else found


def _under(call: Call) -> exp.Expr | None:
    """The condition under which records or persons are counted; None for all of them."""
    node = call.node.this if isinstance(call.node, exp.Filter) else call.node
    if call.summed is not None or call.kind == "count":
        return call.contributes if not isinstance(node, exp.CountIf) else _both(call.condition, node.this)
    if call.kind != "persons":
        return call.condition
    counted = node.this.expressions[0].unnest()
    if isinstance(counted, exp.Case) and counted.this is None and len(counted.args["ifs"]) == 1:
        default = counted.args.get("default")
        if default is None or isinstance(default, exp.Null):
            return _both(call.condition, counted.args["ifs"][0].this)
    return call.condition


def _both(one: exp.Expr | None, other: exp.Expr) -> exp.Expr:
    return other if one is None else exp.and_(one, other, copy=True)


def _number(call: Call) -> _Number:
    added: exp.Expr = exp.Literal.number(1)
    if call.summed is not None:
        added = exp.TryCast(this=exp.paren(call.summed.copy()), to=exp.DataType.build("DOUBLE"))
    if call.contributes is not None:
        added = exp.Case(ifs=[exp.If(this=call.contributes.copy(), true=added)])
    return _Number(added, once=call.kind == "persons")


def _source() -> exp.Expr:
    return exp.to_table(BY_PERSON, quoted=True)


def _alike(
    kept: Sequence[str], added: Sequence[str], source: exp.Expr, counted: exp.Expr, grouped: bool = True
) -> exp.Select:
    """What somebody adds to each number of a cell, and how many persons add the same."""
    names = [*kept, *added]
    persons = exp.Cast(this=counted, to=exp.DataType.build("DOUBLE"))
    return exp.Select(
        expressions=[*map(column, names), named(persons, _PERSONS)],
        from_=exp.From(this=source),
        group=exp.Group(expressions=[*map(column, names)]) if grouped else None,
    )


def _cells(kept: Sequence[str], added: Sequence[str], source: exp.Expr, name: str) -> exp.Query:
    """By cell a list of that."""
    line = exp.Array(expressions=[*map(column, added), column(_PERSONS)])
    return exp.Select(
        expressions=[*map(column, kept), named(exp.Anonymous(this="LIST", expressions=[line]), name)],
        from_=exp.From(this=subquery(source, _ALIKE) if isinstance(source, exp.Query) else source),
        group=exp.Group(expressions=[*map(column, kept)]) if kept else None,
    )


def _by_person(
    numbers: list[_Number], shape: Shape, authorised: Authorised, person: exp.Expr, within: exp.Expr
) -> exp.Query:
    """Each person in each row of the statement: what all of the person's records in it add to each number."""
    names = key_names(shape)
    values = [(f"{EVIDENCE}v{place}", one.added) for place, one in enumerate(numbers)]
    added = []
    for place, one in enumerate(numbers):
        value = column(f"{EVIDENCE}v{place}")
        whole = exp.Max(this=value) if one.once else exp.Sum(this=value)
        number: exp.Expr = exp.Coalesce(this=whole, expressions=[exp.Literal.number(0)])
        number = exp.Cast(this=number, to=exp.DataType.build("DOUBLE"))
        added.append(named(number, _added(place)))
    marks = [
        named(exp.Grouping(expressions=[column(key)]), mark)
        for key, mark in zip(names, margin_names(shape), strict=True)
    ]
    return exp.Select(
        expressions=[*map(column, names), *(marks if shape.margins else ()), *added],
        from_=exp.From(this=subquery(rows_by_key(authorised, values, person, within), _ROWS)),
        group=_group(shape, authorised),
    )


def _group(shape: Shape, authorised: Authorised) -> exp.Group:
    """As the statement groups, and by person."""
    person = column(PERSON)
    if not shape.margins:
        return exp.Group(expressions=[person, *map(column, key_names(shape))])
    names = {key.expression: name for key, name in zip(shape.keys, key_names(shape), strict=True)}
    group: exp.Expr = authorised.known.tree.args["group"].copy()
    made = group.transform(lambda node: column(names[node]) if node in names else node)
    return exp.Group(**{**made.args, "expressions": [person, *made.expressions]})


def _of(summed: exp.Expr) -> str:
    """What is summed, without the condition that a choice makes."""
    inner = summed.unnest()
    if isinstance(inner, exp.Case) and inner.this is None and len(inner.args["ifs"]) == 1:
        default = inner.args.get("default")
        if default is None or isinstance(default.unnest(), exp.Null | exp.Literal):
            inner = inner.args["ifs"][0].args["true"].unnest()
    return inner.sql("duckdb")


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
