"""What persons contribute to each cell, where a rule asks for it: once more the same rows, first by person and then by cell.

The statement with its evidence becomes one side of a FULL JOIN, by key, with the largest contributions to each of its cells and to
every total of them that could be asked for. A person's contribution to a cell is what all of that person's records in it add to
the number, so that many small records make one large contribution, and +5 and -5 of one person none. Rows about nobody
(a table of reference beside persons) are nobody's contribution. Two sums that are the same to 12 digits leave nothing over.
"""

from sqlglot import exp

from enclave.query.contributions import Contributions, Told, contributions_of
from enclave.query.rewrite.by_person import (
    PERSON,
    beside,
    column,
    key_names,
    margin_names,
    named,
    rows_by_key,
    subquery,
)
from enclave.query.stages import EVIDENCE, Authorised, Contributed, Given

_GIVEN, _EACH, _ROWS = (f"{EVIDENCE}{name}" for name in ("given", "each", "rows"))
_PERSONS = f"{EVIDENCE}given_persons"
_SAME = "1e-12"
"""Of two numbers, the part of them that may be the last bits of sums in another order."""


def given_of(authorised: Authorised) -> Given | None:
    """How the columns are to be read that `add_contributions` adds; None where no rule asks. Raises Refused `query.*`."""
    found, shape = contributions_of(authorised), authorised.known.shape
    if found is None or shape is None:
        return None
    return Given(
        keys=key_names(shape),
        margins=margin_names(shape),
        persons=_PERSONS,
        of=tuple(
            Contributed(
                one.name,
                persons=f"{EVIDENCE}c{n}_persons",
                largest=f"{EVIDENCE}c{n}_largest",
                total=f"{EVIDENCE}c{n}_total",
                sum=f"{EVIDENCE}c{n}_sum",
                counts=any(found.bases[place].counts for place, _ in one.of),
                adds=not any(found.bases[place].distinct for place, _ in one.of),
            )
            for n, one in enumerate(found.told, 1)
        ),
    )


def add_contributions(tree: exp.Query, authorised: Authorised) -> exp.Query:
    found, given, shape = contributions_of(authorised), given_of(authorised), authorised.known.shape
    if found is None or given is None or shape is None:
        return tree
    added = [*given.keys, *given.margins, given.persons]
    added += [name for one in given.of for name in (one.persons, one.largest, one.total, one.sum)]
    return beside(
        tree, authorised, _cells(found, given, authorised), _GIVEN, added, given.margins, side="FULL"
    )


def _cells(found: Contributions, given: Given, authorised: Authorised) -> exp.Query:
    """Persons by cell: one line for each cell and each total."""
    keys = [column(name) for name in (*given.keys, *given.margins)]
    added = [named(exp.Count(this=exp.Star(), big_int=True), given.persons)]
    for n, one in enumerate(given.of, 1):
        value = column(f"{EVIDENCE}c{n}")
        size = exp.Abs(this=value.copy())
        largest = exp.Anonymous(this="max", expressions=[size.copy(), exp.Literal.number(found.largest)])
        added += [
            named(exp.Count(this=value.copy(), big_int=True), one.persons),
            named(largest, one.largest),
            named(exp.Sum(this=size), one.total),
            named(exp.Sum(this=value), one.sum),
        ]
    return exp.Select(
        expressions=[*(key.copy() for key in keys), *added],
        from_=exp.From(this=subquery(_read(found, given, authorised), f"{_EACH}_told")),
        group=exp.Group(expressions=[key.copy() for key in keys]) if keys else None,
    )


def _read(found: Contributions, given: Given, authorised: Authorised) -> exp.Query:
    """What each person adds to each number that can be read; nothing is null."""
    kept = [column(name) for name in (*given.keys, *given.margins)]
    nothing = exp.Literal.number(0)
    numbers = [
        named(exp.Nullif(this=_sum_of(one), expression=nothing.copy()), f"{EVIDENCE}c{n}")
        for n, one in enumerate(found.told, 1)
    ]
    return exp.Select(
        expressions=[*kept, *numbers],
        from_=exp.From(this=subquery(_persons(found, given, authorised), _EACH)),
    )


def _sum_of(told: Told) -> exp.Expr:
    parts = [(column(f"{EVIDENCE}b{place}"), sign) for place, sign in told.of]
    if len(parts) == 1:
        return parts[0][0]
    whole: exp.Expr = parts[0][0].copy()
    size: exp.Expr = exp.Abs(this=parts[0][0].copy())
    for value, sign in parts[1:]:
        whole = (exp.Add if sign > 0 else exp.Sub)(this=whole, expression=value.copy())
        size = exp.Add(this=size, expression=exp.Abs(this=value.copy()))
    least = exp.Mul(this=exp.Literal.number(_SAME), expression=exp.paren(size))
    same = exp.LTE(this=exp.Abs(this=whole.copy()), expression=least)
    return exp.Case(ifs=[exp.If(this=same, true=exp.Literal.number(0))], default=whole)


def _persons(found: Contributions, given: Given, authorised: Authorised) -> exp.Query:
    """Each person in each cell and each total: what all of the person's records in it add to each number."""
    keys, person = [column(name) for name in given.keys], column(PERSON)
    numbers = []
    for place, one in enumerate(found.bases):
        value: exp.Expr = column(f"{EVIDENCE}v{place}")
        if one.distinct:
            value = exp.Count(this=exp.Distinct(expressions=[value]), big_int=True)
        else:
            value = exp.Coalesce(this=exp.Sum(this=value), expressions=[exp.Literal.number(0)])
        value = exp.Cast(this=value, to=exp.DataType.build("DOUBLE"))
        numbers.append(named(value, f"{EVIDENCE}b{place}"))
    marks = [
        named(exp.Grouping(expressions=[key.copy()]), name)
        for key, name in zip(keys, given.margins, strict=True)
    ]
    values = [(f"{EVIDENCE}v{place}", one.value) for place, one in enumerate(found.bases)]
    somebody = exp.Not(this=exp.Is(this=person.copy(), expression=exp.Null()))
    group = exp.Group(expressions=[person.copy()])
    if keys:
        group.set("cube", [exp.Cube(expressions=[key.copy() for key in keys])])
    return exp.Select(
        expressions=[*(key.copy() for key in keys), *marks, *numbers],
        from_=exp.From(this=subquery(rows_by_key(authorised, values), _ROWS)),
        where=exp.Where(this=somebody),
        group=group,
    )
