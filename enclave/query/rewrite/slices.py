"""The evidence of `evidence`, column for column, counted in slices of the persons: in little memory, and sooner.

A distinct count of persons holds each person of each cell at once, once for every condition: over twenty million records
more than a worker has. Persons are apart, so their numbers add up: here each slice of the persons (an interval of
pseudonyms, which the extract's order lets the engine read alone) is grouped by cell and person, with a bit for each
condition that one of the person's records fulfils, and then counted by cell; the slices' numbers are summed. All else is
one pass without distinct persons, and what belongs to one cell is joined by its keys.

A number of different values is counted exactly where it may be one or two, by a mask of the values' hashes, and else told as
`SEVERAL`: whether a sum is a count in disguise asks for no more.

Decides which statements can be counted so (`sliced_evidence` is None for others): each part reads the rows again, so that
nothing in them may come out otherwise the second time (a first of equals, a sum of numbers with fractions in a step).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from enclave.query.cells import Shape
from enclave.query.origins import origins_of, own_nodes
from enclave.query.parse import DIALECT, is_aggregate
from enclave.query.rewrite.by_person import between, column, named
from enclave.query.rewrite.evidence import add_evidence, cells_of
from enclave.query.rewrite.written_out import write_out_all
from enclave.query.schema import Schema
from enclave.query.stages import EVIDENCE, Authorised, Cells

SEVERAL = 3
"""So many different values or more: a sum of them is no count in disguise."""

MOST_CONDITIONS = 63
"""Conditions that a record may fulfil, a bit each."""

_ALL, _WHO, _FEW, _EACH = (f"{EVIDENCE}{name}" for name in ("all", "who", "few", "each"))
_PERSON, _BITS = f"{EVIDENCE}person", f"{EVIDENCE}bits"
_VALUES = 64
"""Bits of the mask of a sum's values."""

_STEADY = (exp.Count, exp.CountIf, exp.Min, exp.Max, exp.LogicalAnd, exp.LogicalOr)
"""Aggregates within a step that come out the same however the rows lie."""

_UNSTEADY = (exp.Window, exp.Limit, exp.Offset, exp.Lateral, exp.Unnest)
_FRACTIONS = frozenset({"FLOAT", "DOUBLE", "REAL"})
_WHOLE = (
    exp.Sum, exp.Avg, exp.Column, exp.Identifier, exp.Literal, exp.Paren, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Case, exp.If,
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.And, exp.Or, exp.Not, exp.Is, exp.Null, exp.Boolean, exp.In,
    exp.Between, exp.Coalesce, exp.Distinct,
)  # fmt: skip
"""What makes of whole numbers and decimals nothing else."""


@dataclass
class _Persons:
    """The numbers of distinct persons that are asked for: under each condition (None: none), by its place."""

    conditions: list[exp.Expr | None] = field(default_factory=lambda: [None])

    def place(self, condition: exp.Expr | None) -> int:
        if condition not in self.conditions:
            self.conditions.append(None if condition is None else condition.copy())
        return self.conditions.index(condition)


def sliced_evidence(tree: exp.Query, authorised: Authorised, cuts: Sequence[int]) -> exp.Query | None:
    """`add_evidence(tree)`, counted in slices of the persons up to each of `cuts` (ascending) and beyond the last. None where
    that would not be the same."""
    shape = authorised.known.shape
    if shape is None or not isinstance(tree, exp.Select) or not steady(authorised):
        return None
    cells = cells_of(authorised)
    whole = write_out_all(add_evidence(tree, authorised), authorised)
    clause, order = whole.args.get("with_"), whole.args.get("order")
    whole.set("with_", None)
    whole.set("order", None)
    made = _Parts(authorised, shape, cells, whole)
    outputs = made.outputs()
    if outputs is None or len(made.persons.conditions) > MOST_CONDITIONS:
        return None
    every = made.every()
    joins = [_left(made.who(cuts), _WHO, made.same(_WHO))]
    if made.masked:
        joins.append(_left(made.few(), _FEW, made.same(_FEW)))
    final = exp.Select(expressions=outputs, from_=exp.From(this=_table(_ALL)), joins=joins)
    final.set("with_", _with(clause, exp.CTE(this=every, alias=_alias(_ALL), materialized=True)))
    final.set("order", order)
    return final


def steady(authorised: Authorised) -> bool:
    """Whether the rows that are counted come out the same each time they are read."""
    tree, schema = authorised.known.tree, authorised.known.schema
    if next(iter(tree.find_all(*_UNSTEADY)), None) is not None:
        return False
    for select in tree.find_all(exp.Select):
        distinct = select.args.get("distinct")
        if distinct is not None and distinct.args.get("on") is not None:
            return False
        if any(
            str(join.args.get("method") or "").upper() == "ASOF" for join in select.args.get("joins") or ()
        ):
            return False
        if select is not tree and not all(_same_again(node, select, schema) for node in own_nodes(select)):
            return False
    return True


def _same_again(node: exp.Expr, select: exp.Select, schema: Schema) -> bool:
    """Whether an aggregate of a step does not depend on where rows lie: a sum does by its last bits where it has any."""
    if not is_aggregate(node) or isinstance(node, _STEADY):
        return True
    if not isinstance(node, exp.Sum | exp.Avg) or not all(type(one) in _WHOLE for one in node.walk()):
        return False
    found = origins_of(node, select, schema)
    return not {schema.tables[one[:2]].columns[one[2]].type.upper() for one in found} & _FRACTIONS


class _Parts:
    """One statement, taken apart into what is counted of persons, what of values, and all else."""

    def __init__(self, authorised: Authorised, shape: Shape, cells: Cells, whole: exp.Query) -> None:
        self.authorised, self.shape, self.cells, self.whole = authorised, shape, cells, whole
        self.persons = _Persons()
        self.kept: list[exp.Expr] = []
        """What is read in one pass, by its names."""
        self.masked: dict[str, exp.Expr] = {}
        """Numbers of different values, by their names."""
        self.marks = [d.grouping for d in cells.dimensions if d.grouping is not None]
        self.names = [key.name for key in shape.keys]

    # -- what stands in the answer ---

    def outputs(self) -> list[exp.Expr] | None:
        different = {part.coding.different for part in self.cells.parts if part.coding is not None}
        derived = {column.name for column in self.shape.columns if not column.bare}
        found: list[exp.Expr] = []
        later: list[tuple[int, exp.Expr]] = []
        for node in self.whole.expressions:
            name, inner = node.alias_or_name, node.unalias()
            if name in different:
                self.masked[name] = inner
                found.append(named(self._few(name), name))
            elif self._counts_persons(inner):
                found.append(named(self._persons(inner), name))
            elif name in derived and self.authorised.aggregate:
                # Computed around the statement, of its calls (`steady.compute_outside`).
                found.append(node.copy())
            elif name in derived and self._has_persons(inner):
                later.append((len(found), node))
                found.append(node)
            else:
                self.kept.append(node.copy())
                found.append(named(column(name, _ALL), name))
        for place, node in later:
            made = self._put(node.unalias())
            if made is None:
                return None
            found[place] = named(made, node.alias_or_name)
        return found

    def _has_persons(self, node: exp.Expr) -> bool:
        return any(self._counts_persons(one) for one in node.walk())

    def _counts_persons(self, node: exp.Expr) -> bool:
        counted = node.this if isinstance(node, exp.Filter) else node
        if not isinstance(counted, exp.Count) or not isinstance(counted.this, exp.Distinct):
            return False
        return counted.this.expressions == [self.shape.person]

    def _persons(self, node: exp.Expr) -> exp.Expr:
        place = self.persons.place(node.expression.this if isinstance(node, exp.Filter) else None)
        counted = exp.Coalesce(this=column(_number(place), _WHO), expressions=[exp.Literal.number(0)])
        return exp.Cast(this=counted, to=exp.DataType.build("BIGINT"))

    def _few(self, name: str) -> exp.Expr:
        counted = exp.Coalesce(this=column(name, _FEW), expressions=[exp.Literal.number(0)])
        return exp.Case(
            ifs=[exp.If(this=exp.Not(this=self._open(name, _ALL)), true=exp.Literal.number(SEVERAL))],
            default=counted,
        )

    def _open(self, name: str, source: str) -> exp.Expr:
        """Whether a mask says no more than that there may be two values, or one, or none."""
        bits = exp.Anonymous(this="bit_count", expressions=[column(_mask(name), source)])
        told = exp.Coalesce(this=bits, expressions=[exp.Literal.number(0)])
        return exp.LT(this=told, expression=exp.Literal.number(SEVERAL))

    def _put(self, node: exp.Expr) -> exp.Expr | None:
        """A column of the asker's with its calls as columns; None where something else of the statement is in it."""
        if self._counts_persons(node):
            return self._persons(node)
        for call, part in zip(self.shape.calls, self.cells.parts, strict=True):
            if node == call.node:
                return column(part.value, _ALL)
        for key in self.shape.keys:
            if node == key.expression:
                return column(key.name, _ALL)
        if isinstance(node, exp.Column | exp.Grouping | exp.Query) or is_aggregate(node):
            return None
        made = node.copy()
        for name, value in node.args.items():
            if isinstance(value, exp.Expr):
                inner = self._put(value)
                if inner is None:
                    return None
                made.set(name, inner)
            elif isinstance(value, list):
                parts = [self._put(one) if isinstance(one, exp.Expr) else one for one in value]
                if any(one is None for one in parts):
                    return None
                made.set(name, parts)
        return made

    # -- the parts ---

    def every(self) -> exp.Query:
        """All but persons and different values."""
        made = self.whole.copy()
        masks = [named(_mask_of(node), _mask(name)) for name, node in self.masked.items()]
        made.set("expressions", [*self.kept, *masks])
        return made

    def who(self, cuts: Sequence[int]) -> exp.Query:
        """Persons by cell: the sum over the slices."""
        slices = [self._slice(condition) for condition in between(self.shape.person, cuts)]
        together: exp.Query = slices[0]
        for one in slices[1:]:
            together = exp.Union(this=together, expression=one, distinct=False)
        keys = [*_private(self.names), *self.marks]
        sums = [
            named(exp.Sum(this=column(_number(place))), _number(place))
            for place, _ in enumerate(self.persons.conditions)
        ]
        return _grouped([*(column(name) for name in keys), *sums], together, keys)

    def _slice(self, within: exp.Expr) -> exp.Query:
        inner = self._keyed()
        group = inner.args.get("group")
        keys = [] if group is None else [one.copy() for one in group.expressions]
        made = exp.Group(expressions=[self.shape.person.copy(), *keys])
        for name in ("rollup", "cube", "grouping_sets"):
            if group is not None and group.args.get(name):
                made.set(name, [one.copy() for one in group.args[name]])
        inner.set("group", made)
        _narrow(inner, within)
        bits = _bits(self.persons.conditions)
        # Of no keys and no conditions there is nothing else to name.
        added = named(self.shape.person.copy(), _PERSON) if bits is None else named(bits, _BITS)
        inner.set("expressions", [*inner.expressions, added])
        names = [*_private(self.names), *self.marks]
        counts = []
        for place, condition in enumerate(self.persons.conditions):
            counted: exp.Expr = exp.Count(this=exp.Star(), big_int=True)
            if condition is not None:
                bit = exp.BitwiseAnd(this=column(_BITS), expression=_one(place))
                there = exp.NEQ(this=exp.paren(bit), expression=exp.Literal.number(0))
                counted = exp.Filter(this=counted, expression=exp.Where(this=there))
            counts.append(named(counted, _number(place)))
        return _grouped([*(column(name) for name in names), *counts], inner, names)

    def few(self) -> exp.Query:
        """Different values of the cells whose masks leave it open; what else comes along says nothing."""
        made = self._keyed()
        # What is open of a margin is open of each of its details.
        details = [exp.EQ(this=column(mark), expression=exp.Literal.number(0)) for mark in self.marks]
        left = exp.or_(*(self._open(name, _ALL) for name in self.masked))
        inner = exp.Select(
            expressions=[_hashed([column(name) for name in self.names])],
            from_=exp.From(this=_table(_ALL)),
            where=exp.Where(this=exp.and_(exp.paren(left), *details)),
        )
        own = _hashed([key.expression.copy() for key in self.shape.keys])
        _narrow(made, exp.In(this=own, query=exp.Subquery(this=inner)))
        counted = [named(node.copy(), name) for name, node in self.masked.items()]
        made.set("expressions", [*made.expressions, *counted])
        return made

    def _keyed(self) -> exp.Query:
        """The rows by cell: keys under names of their own, and which of them the row is a margin over."""
        made = self.whole.copy()
        marks = [node.copy() for node in self.whole.expressions if node.alias_or_name in self.marks]
        keys = [
            named(key.expression.copy(), name)
            for key, name in zip(self.shape.keys, _private(self.names), strict=True)
        ]
        made.set("expressions", [*keys, *marks])
        return made

    def same(self, other: str) -> exp.Expr:
        pairs: list[exp.Expr] = [
            exp.NullSafeEQ(this=column(name, _ALL), expression=column(private, other))
            for name, private in zip(self.names, _private(self.names), strict=True)
        ]
        pairs += [exp.EQ(this=column(mark, _ALL), expression=column(mark, other)) for mark in self.marks]
        return exp.and_(*pairs) if pairs else exp.true()


def _bits(conditions: Sequence[exp.Expr | None]) -> exp.Expr | None:
    """Which conditions the records of a person in a cell fulfil, together."""
    taken: list[exp.Expr] = []
    for place, condition in enumerate(conditions):
        if condition is not None:
            there = exp.If(this=condition.copy(), true=_one(place))
            taken.append(exp.Case(ifs=[there], default=_zero()))
    if not taken:
        return None
    together = taken[0]
    for one in taken[1:]:
        together = exp.BitwiseOr(this=together, expression=one)
    return exp.BitwiseOrAgg(this=together)


def _mask_of(different: exp.Expr) -> exp.Expr:
    """A bit for each value that `count(DISTINCT value)` counts: as many as there are values, or fewer."""
    counted = different.this if isinstance(different, exp.Filter) else different
    value = counted.this.expressions[0]
    place = exp.BitwiseAnd(
        this=exp.Anonymous(this="hash", expressions=[value.copy()]),
        expression=exp.Literal.number(_VALUES - 1),
    )
    wide = exp.DataType.build("UBIGINT", dialect=DIALECT)
    bit = exp.BitwiseLeftShift(this=_one(0), expression=exp.Cast(this=exp.paren(place), to=wide))
    made: exp.Expr = exp.BitwiseOrAgg(this=bit)
    there: exp.Expr = exp.Not(this=exp.Is(this=exp.paren(value.copy()), expression=exp.Null()))
    if isinstance(different, exp.Filter):
        there = exp.and_(different.expression.this.copy(), there)
    return exp.Filter(this=made, expression=exp.Where(this=there))


def _one(place: int) -> exp.Expr:
    return exp.Cast(this=exp.Literal.number(1 << place), to=exp.DataType.build("UBIGINT", dialect=DIALECT))


def _zero() -> exp.Expr:
    return exp.Cast(this=exp.Literal.number(0), to=exp.DataType.build("UBIGINT", dialect=DIALECT))


def _hashed(keys: Sequence[exp.Expr]) -> exp.Expr:
    """One number for the keys of a cell, missing ones among them; now and then the same for two cells."""
    return exp.Anonymous(this="hash", expressions=list(keys) or [exp.Literal.number(0)])


def _narrow(query: exp.Query, condition: exp.Expr) -> None:
    where = query.args.get("where")
    both = condition if where is None else exp.And(this=exp.paren(where.this.copy()), expression=condition)
    query.set("where", exp.Where(this=both))


def _grouped(outputs: list[exp.Expr], source: exp.Query, keys: Sequence[str]) -> exp.Select:
    held = exp.Subquery(this=source, alias=_alias(_EACH))
    made = exp.Select(expressions=outputs, from_=exp.From(this=held))
    if keys:
        made.set("group", exp.Group(expressions=[column(name) for name in keys]))
    return made


def _left(query: exp.Query, name: str, on: exp.Expr) -> exp.Join:
    return exp.Join(this=exp.Subquery(this=query, alias=_alias(name)), side="LEFT", on=on)


def _with(clause: exp.With | None, added: exp.CTE) -> exp.With:
    """The asker's steps, each read where it is used, so that a slice reads its own part alone; and one that is kept."""
    steps = [] if clause is None else [one.copy() for one in clause.expressions]
    for one in steps:
        one.set("materialized", False)
    return exp.With(expressions=[*steps, added])


def _private(names: Sequence[str]) -> list[str]:
    return [f"{EVIDENCE}k{place}" for place, _ in enumerate(names, 1)]


def _number(place: int) -> str:
    return f"{EVIDENCE}p{place}"


def _mask(name: str) -> str:
    return f"{name}_bits"


def _table(name: str) -> exp.Table:
    return exp.Table(this=exp.to_identifier(name, quoted=True))


def _alias(name: str) -> exp.TableAlias:
    return exp.TableAlias(this=exp.to_identifier(name, quoted=True))
