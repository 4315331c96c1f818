"""What persons contribute to each cell, where a rule asks for it: once more the same rows, first by person and then by cell.

The statement with its evidence becomes one side of a FULL JOIN, by key, with the largest contributions to each of its cells and to
every total of them that could be asked for. A person's contribution to a cell is what all of that person's records in it add to
the number, so that many small records make one large contribution, and +5 and -5 of one person none. Rows about nobody
(a table of reference beside persons) are nobody's contribution. Two sums that are the same to 12 digits leave nothing over.
"""

from sqlglot import exp

from enclave.query.contributions import Contributions, Told, contributions_of
from enclave.query.rewrite.written_out import write_out_all
from enclave.query.stages import EVIDENCE, Authorised, Contributed, Given

_TOLD, _GIVEN, _EACH, _ROWS = (f"{EVIDENCE}{name}" for name in ("told", "given", "each", "rows"))
_PERSON, _PERSONS = f"{EVIDENCE}person", f"{EVIDENCE}given_persons"
_SAME = "1e-12"
"""Of two numbers, the part of them that may be the last bits of sums in another order."""


def given_of(authorised: Authorised) -> Given | None:
    """How the columns are to be read that `add_contributions` adds; None where no rule asks. Raises Refused `query.*`."""
    found, shape = contributions_of(authorised), authorised.known.shape
    if found is None or shape is None:
        return None
    return Given(
        keys=tuple(f"{EVIDENCE}k{n}" for n, _ in enumerate(shape.keys, 1)),
        margins=tuple(f"{EVIDENCE}m{n}" for n, _ in enumerate(shape.keys, 1)),
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
    told = tree.copy()
    clause, order = told.args.get("with_"), told.args.get("order")
    told.set("with_", None)
    told.set("order", None)
    names = [node.alias_or_name for node in told.expressions]
    margins = [f"{EVIDENCE}g{n}" for n, _ in enumerate(shape.keys, 1)]
    for mark in margins:
        if mark not in names:
            told.set("expressions", [*told.expressions, _named(exp.Literal.number(0), mark)])
    same = [
        pair
        for key, mark, own, level in zip(shape.keys, margins, given.keys, given.margins, strict=True)
        for pair in (
            exp.NullSafeEQ(this=_column(key.name, _TOLD), expression=_column(own, _GIVEN)),
            exp.EQ(this=_column(mark, _TOLD), expression=_column(level, _GIVEN)),
        )
    ]
    each = [*given.keys, *given.margins, given.persons]
    each += [name for one in given.of for name in (one.persons, one.largest, one.total, one.sum)]
    joined = exp.Join(
        this=_subquery(_cells(found, given, authorised), _GIVEN),
        **({"side": "FULL", "on": exp.and_(*same)} if same else {"kind": "CROSS"}),
    )
    made = exp.Select(
        expressions=[
            *(_named(_column(name, _TOLD), name) for name in names),
            *(_named(_column(name, _GIVEN), name) for name in each),
        ],
        from_=exp.From(this=_subquery(told, _TOLD)),
        joins=[joined],
    )
    made.set("with_", clause)
    made.set("order", order)
    return made


def without_contributions(tree: exp.Expr) -> exp.Expr:
    """The statement as it was before `add_contributions`, but for its order; any other as it is."""
    source = tree.args.get("from_")
    told = source.this if isinstance(source, exp.From) else None
    if not isinstance(told, exp.Subquery) or told.alias != _TOLD:
        return tree
    inner: exp.Expr = told.this.copy()
    clause = tree.args.get("with_")
    if clause is not None:
        inner.set("with_", clause.copy())
    return inner


def _cells(found: Contributions, given: Given, authorised: Authorised) -> exp.Query:
    """Persons by cell: one line for each cell and each total."""
    keys = [_column(name) for name in (*given.keys, *given.margins)]
    added = [_named(exp.Count(this=exp.Star(), big_int=True), given.persons)]
    for n, one in enumerate(given.of, 1):
        value = _column(f"{EVIDENCE}c{n}")
        size = exp.Abs(this=value.copy())
        largest = exp.Anonymous(this="max", expressions=[size.copy(), exp.Literal.number(found.largest)])
        added += [
            _named(exp.Count(this=value.copy(), big_int=True), one.persons),
            _named(largest, one.largest),
            _named(exp.Sum(this=size), one.total),
            _named(exp.Sum(this=value), one.sum),
        ]
    return exp.Select(
        expressions=[*(key.copy() for key in keys), *added],
        from_=exp.From(this=_subquery(_read(found, given, authorised), f"{_EACH}_told")),
        group=exp.Group(expressions=[key.copy() for key in keys]) if keys else None,
    )


def _read(found: Contributions, given: Given, authorised: Authorised) -> exp.Query:
    """What each person adds to each number that can be read; nothing is null."""
    kept = [_column(name) for name in (*given.keys, *given.margins)]
    nothing = exp.Literal.number(0)
    numbers = [
        _named(exp.Nullif(this=_sum_of(one), expression=nothing.copy()), f"{EVIDENCE}c{n}")
        for n, one in enumerate(found.told, 1)
    ]
    return exp.Select(
        expressions=[*kept, *numbers],
        from_=exp.From(this=_subquery(_persons(found, given, authorised), _EACH)),
    )


def _sum_of(told: Told) -> exp.Expr:
    parts = [(_column(f"{EVIDENCE}b{place}"), sign) for place, sign in told.of]
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
    keys, person = [_column(name) for name in given.keys], _column(_PERSON)
    numbers = []
    for place, one in enumerate(found.bases):
        value: exp.Expr = _column(f"{EVIDENCE}v{place}")
        if one.distinct:
            value = exp.Count(this=exp.Distinct(expressions=[value]), big_int=True)
        else:
            value = exp.Coalesce(this=exp.Sum(this=value), expressions=[exp.Literal.number(0)])
        value = exp.Cast(this=value, to=exp.DataType.build("DOUBLE"))
        numbers.append(_named(value, f"{EVIDENCE}b{place}"))
    marks = [
        _named(exp.Grouping(expressions=[key.copy()]), name)
        for key, name in zip(keys, given.margins, strict=True)
    ]
    named = exp.Not(this=exp.Is(this=person.copy(), expression=exp.Null()))
    group = exp.Group(expressions=[person.copy()])
    if keys:
        group.set("cube", [exp.Cube(expressions=[key.copy() for key in keys])])
    return exp.Select(
        expressions=[*(key.copy() for key in keys), *marks, *numbers],
        from_=exp.From(this=_subquery(_rows(found, given, authorised), _ROWS)),
        where=exp.Where(this=named),
        group=group,
    )


def _rows(found: Contributions, given: Given, authorised: Authorised) -> exp.Query:
    """The rows that the statement counts: their keys, their person and what each of them adds."""
    known = authorised.known
    shape, tree = known.shape, known.tree
    if shape is None:
        raise TypeError("only a statement in table form has contributions")
    made = exp.Select(
        expressions=[
            *(_named(key.expression.copy(), name) for key, name in zip(shape.keys, given.keys, strict=True)),
            _named(shape.person.copy(), _PERSON),
            *(_named(one.value.copy(), f"{EVIDENCE}v{place}") for place, one in enumerate(found.bases)),
        ]
    )
    for part in ("from_", "joins", "where"):
        value = tree.args.get(part)
        if value is not None:
            made.set(part, [one.copy() for one in value] if isinstance(value, list) else value.copy())
    return write_out_all(made, authorised)


def _subquery(query: exp.Query, name: str) -> exp.Subquery:
    return exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(name, quoted=True)))


def _column(name: str, table: str | None = None) -> exp.Column:
    return exp.column(
        exp.to_identifier(name, quoted=True),
        table=None if table is None else exp.to_identifier(table, quoted=True),
    )


def _named(node: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(node, exp.to_identifier(name, quoted=True))
