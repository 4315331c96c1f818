"""Evidence columns: what the protection of cells needs to know beside the numbers themselves.

For the row: distinct persons and records. For each aggregate call: its value where no output column is that value, and
the distinct persons who contribute to it. Under ROLLUP, CUBE, GROUPING SETS: per key whether the row is a margin over
it. Distinct persons, not rows: a fan-out join must not make a crowd of one person (THREATS 24).

For a count under a condition and for a sum: the persons of the records that it leaves out, since total minus part is
them. For a sum: how many different values it is of, and their ends: of two values it is a count, however it is spelled.

Where a rule asks for institutions: how many different ones stand behind the row, behind what each call takes in and what it
leaves out, and behind what several counts leave over together, for each column that names one (`query.institutions`).

Where a rule asks for the largest contributions, they are added by a rule of their own (`contributions`).

Where one record may stand in several rows (`query.overlaps`): a sketch of who stands behind each number. Where a number may be made of
few different values (`tallied`): how many records have which. What each person adds to several numbers: `account`.
"""

from sqlglot import exp

from enclave.query.cells import Call, Shape
from enclave.query.contributions import largest_needed
from enclave.query.institutions import institutions_of
from enclave.query.origins import untouched
from enclave.query.overlaps import overlapping
from enclave.query.rewrite.account import account_of
from enclave.query.rewrite.by_person import named
from enclave.query.rewrite.coded import distinct, is_term
from enclave.query.rewrite.contributions import given_of
from enclave.query.rewrite.tallied import tallied
from enclave.query.stages import (
    EVIDENCE,
    Apart,
    Authorised,
    Cells,
    Coding,
    Dimension,
    Measure,
    Members,
    Others,
    Part,
    Tally,
    TallyOf,
)

PERSONS = f"{EVIDENCE}persons"
RECORDS = f"{EVIDENCE}records"

SKETCH = 512
"""Numbers of a sketch of a row's persons: of cells that differ by less than a tenth of so many, one inside the other is seen
for certain, and two that only cross are told from that."""


MARKS = 1024
"""Different marks of values: two values that are not the same have the same mark once in so many."""


def cells_of(authorised: Authorised) -> Cells:
    """How the rows of the rewritten statement are to be read; the names are those that `add_evidence` gives."""
    shape = _shape(authorised)
    schema = authorised.known.schema
    bare = _bare(shape)
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
                rest=f"{EVIDENCE}{call.id}_rest" if _leaves_out(call) else None,
                coding=_coding(call),
                of=_variable(call, authorised.known.tree),
            )
            for call in shape.calls
        ),
        persons=PERSONS,
        records=RECORDS,
        others=_others(shape),
        apart=_apart(shape),
        institutions=_named_institutions(authorised, shape),
        members=tuple(one for one, _ in _members(authorised, shape)),
        account=account_of(authorised),
        tallies=tuple(one for one, _ in _tallies(authorised, shape)),
        given=given_of(authorised),
    )


def _variable(call: Call, tree: exp.Query) -> str | None:
    """What tells a sum from sums of something else. Two computed values may be the same one (`futime`, `futime + 0`)."""
    if call.summed is None or not isinstance(tree, exp.Select):
        return None
    base = untouched(call.summed, tree)
    return None if base is None else ".".join(base)


def _members(authorised: Authorised, shape: Shape) -> list[tuple[Members, Call | None]]:
    """Who stands behind each number of a row, where a record may stand in several rows."""
    if authorised.aggregate and not largest_needed(authorised.obligations):
        return []
    if not overlapping(authorised.known.tree, shape, authorised.known.schema):
        return []
    taken = [call for call in shape.calls if call.contributes is not None]
    return [
        (Members(PERSONS, RECORDS, f"{EVIDENCE}members", SKETCH), None),
        *(
            (Members(f"{EVIDENCE}{call.id}_persons", "", f"{EVIDENCE}{call.id}_members", SKETCH), call)
            for call in taken
        ),
    ]


def _bare(shape: Shape) -> dict[str, str]:
    """The names of calls that are output columns themselves."""
    return {column.calls[0]: column.name for column in reversed(shape.columns) if column.bare}


def _tallies(authorised: Authorised, shape: Shape) -> list[tuple[Tally, Call]]:
    """Numbers that may be made of few different values. In the aggregate tier cells are of blocks, not of persons."""
    if authorised.aggregate:
        return []
    found = tallied(authorised.known.tree, shape.calls, authorised.known.schema)
    bare = _bare(shape)
    made: list[tuple[Tally, Call]] = []
    for call in shape.calls:
        if call.id in found and not any(_alike(call, other) for _, other in made):
            of, moments = found[call.id]
            different = bare.get(call.id, f"{EVIDENCE}{call.id}") if of is TallyOf.MARKS else ""
            made.append((Tally(f"{EVIDENCE}{call.id}_tally", of, moments, different), call))
    return made


def _alike(one: Call, other: Call) -> bool:
    """Whether two calls are of the same values of the same records: a mean and a spread."""
    return one.summed is not None and one.summed == other.summed and one.condition == other.condition


def _tally(call: Call, of: TallyOf) -> exp.Expr:
    """How many records have which value, one of which power of ten, or one with which mark."""
    value = distinct(call) if call.summed is None else call.summed
    number: exp.Expr = exp.TryCast(this=exp.paren(value.copy()), to=exp.DataType.build("DOUBLE"))
    if of is TallyOf.LENGTHS:
        size = exp.Nullif(this=exp.Abs(this=number), expression=exp.Literal.number(0))
        number = exp.Floor(this=exp.Anonymous(this="log10", expressions=[size]))
    elif of is TallyOf.MARKS:
        mark = exp.Anonymous(this="hash", expressions=[value.copy()])
        number = exp.Mod(this=mark, expression=exp.Literal.number(MARKS))
    counted: exp.Expr = exp.Anonymous(this="histogram", expressions=[number])
    # Noughts are values, too: they are left out of who contributes, and not of a tally.
    there = call.contributes if of is TallyOf.MARKS else call.condition
    if there is not None:
        counted = exp.Filter(this=counted, expression=exp.Where(this=there.copy()))
    return counted


def _sketch(shape: Shape, call: Call | None) -> exp.Expr:
    """The smallest of the persons' scattered numbers."""
    number: exp.Expr = exp.Anonymous(this="hash", expressions=[shape.person.copy()])
    number = exp.Distinct(expressions=[number])
    smallest: exp.Expr = exp.Anonymous(this="min", expressions=[number, exp.Literal.number(SKETCH)])
    there: exp.Expr = exp.Not(this=exp.Is(this=exp.paren(shape.person.copy()), expression=exp.Null()))
    if call is not None and call.contributes is not None:
        there = exp.and_(there, call.contributes.copy())
    return exp.Filter(this=smallest, expression=exp.Where(this=there))


def _named_institutions(authorised: Authorised, shape: Shape) -> tuple[str, ...] | None:
    found = institutions_of(authorised)
    return None if found is None else tuple(name for name, _ in _institutions(shape, found))


def _institutions(shape: Shape, found: tuple[exp.Column, ...]) -> list[tuple[str, exp.Expr]]:
    """Each number of institutions with its name; the first are the row's own."""
    groups: list[tuple[str, exp.Expr | None]] = [("row", None)]
    for call in shape.calls:
        if call.contributes is not None:
            groups += [(call.id, call.contributes), (f"{call.id}_rest", _left_out(call))]
    others = _others(shape)
    if others is not None:
        groups.append(("others", _nobodys(shape, others)))
    made: list[tuple[str, exp.Expr]] = []
    for name, condition in groups:
        for place, column in enumerate(found, 1):
            counted: exp.Expr = exp.Count(this=exp.Distinct(expressions=[column.copy()]), big_int=True)
            if condition is not None:
                counted = exp.Filter(this=counted, expression=exp.Where(this=condition.copy()))
            made.append((f"{EVIDENCE}institutions{place}_{name}", counted))
    return made


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
        named(_persons(shape, None), PERSONS),
        named(exp.Count(this=exp.Star(), big_int=True), RECORDS),
    ]
    written = {column.name for column in shape.columns}
    for call, part in zip(shape.calls, cells.parts, strict=True):
        if part.value not in written:
            added.append(named(call.node.copy(), part.value))
        if part.persons != PERSONS:
            added.append(named(_persons(shape, call), part.persons))
        if part.rest is not None:
            added.append(named(_rest(shape, call), part.rest))
        if part.coding is not None and call.summed is not None:
            added += _codes(call, call.summed, part.coding)
    if cells.others is not None:
        left = _nobodys(shape, cells.others)
        persons, records = _persons(shape, None), exp.Count(this=exp.Star(), big_int=True)
        added += [
            named(exp.Filter(this=persons, expression=exp.Where(this=left.copy())), cells.others.persons),
            named(exp.Filter(this=records, expression=exp.Where(this=left.copy())), cells.others.records),
        ]
    if cells.apart is not None:
        conditions = list(_conditions(shape))
        zero = exp.Literal.number(0)
        taken = [
            exp.Case(ifs=[exp.If(this=one.copy(), true=exp.Literal.number(1))], default=zero.copy())
            for one in conditions
        ]
        most: exp.Expr = taken[0]
        for each in taken[1:]:
            most = exp.Add(this=most, expression=each)
        none = exp.and_(
            *(
                exp.Not(this=exp.Coalesce(this=exp.paren(c.copy()), expressions=[exp.false()]))
                for c in conditions
            )
        )
        left = exp.Filter(this=_persons(shape, None), expression=exp.Where(this=none))
        added += [named(exp.Max(this=most), cells.apart.together), named(left, cells.apart.persons)]
    for name, counted in _institutions(shape, institutions_of(authorised) or ()):
        added.append(named(counted, name))
    for one, of in _members(authorised, shape):
        added.append(named(_sketch(shape, of), one.sketch))
    for tally, summed in _tallies(authorised, shape):
        added.append(named(_tally(summed, tally.of), tally.counts))
    for key, dimension in zip(shape.keys, cells.dimensions, strict=True):
        if dimension.grouping is not None:
            added.append(named(exp.Grouping(expressions=[key.expression.copy()]), dimension.grouping))
    tree.set("expressions", [*tree.expressions, *added])
    return tree


def _persons(shape: Shape, call: Call | None) -> exp.Expr:
    counted: exp.Expr = exp.Count(this=exp.Distinct(expressions=[shape.person.copy()]), big_int=True)
    if call is None or call.contributes is None:
        return counted
    return exp.Filter(this=counted, expression=exp.Where(this=call.contributes.copy()))


def _leaves_out(call: Call) -> bool:
    """Whether what the call leaves out can be had as a number of records. Persons are subtracted from persons, which
    the row's own numbers tell; a number of distinct codes from nothing."""
    return call.contributes is not None and call.kind not in {"persons", "count_distinct"}


def _rest(shape: Shape, call: Call) -> exp.Expr:
    """Distinct persons with a record that the call leaves out: its condition is false there, or unknown."""
    return exp.Filter(this=_persons(shape, None), expression=exp.Where(this=_left_out(call)))


def _left_out(call: Call) -> exp.Expr:
    """The condition under which the call takes a record not in."""
    if call.contributes is None:
        raise TypeError("a call without a condition leaves nothing out")
    return exp.Not(this=exp.Coalesce(this=exp.paren(call.contributes.copy()), expressions=[exp.false()]))


def _nobodys(shape: Shape, others: Others) -> exp.Expr:
    """The condition under which none of several counts takes a record in."""
    return exp.and_(*(_left_out(call) for call in shape.calls if call.id in others.parts))


def _others(shape: Shape) -> Others | None:
    counting = tuple(
        call.id
        for call in shape.calls
        if call.contributes is not None and _counts(call) and not is_term(call)
    )
    return Others(counting, f"{EVIDENCE}others", f"{EVIDENCE}others_records") if len(counting) > 1 else None


def _conditions(shape: Shape) -> dict[exp.Expr, int]:
    """The conditions under which something is summed, each with its number."""
    found = [call.condition for call in shape.calls if call.summed is not None and not is_term(call)]
    return {one: number for number, one in enumerate(dict.fromkeys(one for one in found if one is not None))}


def _apart(shape: Shape) -> Apart | None:
    conditions = _conditions(shape)
    if len(conditions) < 2:
        return None
    of = tuple(
        (call.id, conditions[call.condition])
        for call in shape.calls
        if call.summed is not None and call.condition is not None and not is_term(call)
    )
    return Apart(of, f"{EVIDENCE}together", f"{EVIDENCE}together_rest")


def _counts(call: Call) -> bool:
    """Counts, and sums of cases with fixed numbers, the older way of writing a count."""
    if call.summed is None:
        return call.kind != "count_distinct"
    fixed = call.summed.unnest()
    return isinstance(fixed, exp.Case) and next(iter(_results(fixed).find_all(exp.Column)), None) is None


def _results(case: exp.Case) -> exp.Expr:
    """What a CASE may become, without its conditions."""
    results = [branch.args["true"].copy() for branch in case.args["ifs"]]
    default = case.args.get("default")
    return exp.Tuple(expressions=[*results, default.copy()] if default is not None else results)


def _coding(call: Call) -> Coding | None:
    if call.summed is None:
        return None
    names = (f"{EVIDENCE}{call.id}_{name}" for name in ("different", "records", "low", "high", "total"))
    return Coding(*names)


def _codes(call: Call, summed: exp.Expr, coding: Coding) -> list[exp.Expr]:
    number = exp.TryCast(this=exp.paren(summed.copy()), to=exp.DataType.build("DOUBLE"))
    made: list[tuple[exp.Expr, str]] = [
        (exp.Count(this=exp.Distinct(expressions=[summed.copy()]), big_int=True), coding.different),
        (exp.Count(this=summed.copy(), big_int=True), coding.records),
        (exp.Min(this=number.copy()), coding.low),
        (exp.Max(this=number.copy()), coding.high),
        (exp.Sum(this=number.copy()), coding.total),
    ]
    where = None if call.condition is None else exp.Where(this=call.condition.copy())
    return [
        named(node if where is None else exp.Filter(this=node, expression=where.copy()), name)
        for node, name in made
    ]


def _shape(authorised: Authorised) -> Shape:
    shape = authorised.known.shape
    if shape is None:
        raise TypeError("only a statement in table form has evidence")
    return shape
