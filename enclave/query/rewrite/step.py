"""Expressions that cut through blocks take the value that most of the block have; small areas are counted as one.

Aggregate tier only. An item of a FROM whose column decides something gets, beside its own columns, what its person's
block counts as (`blocks.step_of`), and the expression is replaced by that wherever it stands in the SELECT. The rest of
the statement stays as it was, so it is a function of the block and of what outsiders do not know.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count

from sqlglot import exp

from enclave.query.blocks import group_of, step_of
from enclave.query.cells import Call, Shape
from enclave.query.cuts import Cut
from enclave.query.keeping import Steps, mapped
from enclave.query.lineage import person_output
from enclave.query.origins import source_of
from enclave.query.parse import is_aggregate
from enclave.query.schema import PERSON_COLUMN, Schema
from enclave.query.stages import EVIDENCE, Authorised

Change = Callable[[exp.Expr], exp.Expr | None]
"""What a node becomes; None where it stays."""


def step(authorised: Authorised, steps: Steps) -> Authorised:
    """The statement in steps of whole blocks, tree and shape alike."""
    shape = authorised.known.shape
    if shape is None:
        return authorised
    tree = authorised.known.tree.copy()
    selects = list(tree.find_all(exp.Select))
    by_item: dict[tuple[int, str], dict[str, Cut]] = {}
    names = (f"{EVIDENCE}step{n}" for n in count())
    for cut in steps.stepped:
        together = by_item.setdefault((cut.select, cut.alias), {})
        if not any(cut.written == other.written for other in together.values()):
            together[next(names)] = cut
    # Before anything is changed: a widened item says less of itself.
    persons = {
        item: _person(source_of(item[1], selects[item[0]]), authorised.known.schema) for item in by_item
    }
    for (number, alias), cuts in by_item.items():
        change = _by_equality(
            [(cut.written, exp.column(name, alias, quoted=True)) for name, cut in cuts.items()]
        )
        select = selects[number]
        _change_within(select, change)
        if select is tree:
            shape = _changed_shape(shape, change)
        _widen(select, alias, persons[number, alias], cuts, authorised)
    if steps.merges:
        written = mapped({key.name: key.expression for key in shape.keys}, steps.merges)
        change = _by_equality([(key.expression, written[key.name]) for key in shape.keys])
        kept = [_changed(node, change, into_aggregates=False) for node in tree.expressions]
        tree.set("expressions", kept)
        group = tree.args.get("group")
        if group is not None:
            tree.set("group", _changed(group, change))
        keys = tuple(replace(key, expression=written[key.name]) for key in shape.keys)
        shape = replace(shape, keys=keys)
    return replace(authorised, known=replace(authorised.known, tree=tree, shape=shape))


def _by_equality(pairs: Sequence[tuple[exp.Expr, exp.Expr]]) -> Change:
    def change(node: exp.Expr) -> exp.Expr | None:
        return next((after.copy() for before, after in pairs if node == before), None)

    return change


def _changed(node: exp.Expr, change: Change, into_aggregates: bool = True) -> exp.Expr:
    """A copy with every node changed that is to be; subqueries are SELECTs of their own and stay."""
    found = change(node)
    if found is not None:
        return found
    made = node.copy()
    opaque = is_aggregate(node) and not isinstance(node, exp.Grouping)
    if isinstance(node, exp.Query) or (opaque and not into_aggregates):
        return made
    for name, value in node.args.items():
        if isinstance(value, exp.Expr):
            made.set(name, _changed(value, change, into_aggregates))
        elif isinstance(value, list):
            items = [
                _changed(item, change, into_aggregates) if isinstance(item, exp.Expr) else item
                for item in value
            ]
            made.set(name, items)
    return made


def _change_within(select: exp.Select, change: Change) -> None:
    """The SELECT's own expressions changed in place. A query within it is a SELECT of its own, whatever items it reads."""
    for name in ("expressions", "where", "group", "having", "qualify", "windows", "order", "distinct"):
        value = select.args.get(name)
        if isinstance(value, exp.Expr):
            _replace(value, change)
        elif isinstance(value, list):
            for item in list(value):
                _replace(item, change)
    for join in select.args.get("joins") or ():
        if join.args.get("on") is not None:
            _replace(join.args["on"], change)


def _replace(node: exp.Expr, change: Change) -> None:
    found = change(node)
    if found is not None:
        node.replace(found)
        return
    if isinstance(node, exp.Query):
        return
    for child in list(node.iter_expressions()):
        _replace(child, change)


def _changed_shape(shape: Shape, change: Change) -> Shape:
    def maybe(node: exp.Expr | None) -> exp.Expr | None:
        return None if node is None else _changed(node, change)

    calls = tuple(
        Call(
            call.id,
            call.kind,
            _changed(call.node, change),
            maybe(call.contributes),
            maybe(call.summed),
            maybe(call.condition),
        )
        for call in shape.calls
    )
    keys = tuple(replace(key, expression=_changed(key.expression, change)) for key in shape.keys)
    return replace(shape, keys=keys, calls=calls)


def _person(source: exp.Expr | None, schema: Schema) -> str:
    person = None if source is None else person_output(source, schema)
    if person is None:
        raise TypeError("an item without persons has no blocks")
    return person


def _widen(
    select: exp.Select, alias: str, person: str, cuts: Mapping[str, Cut], authorised: Authorised
) -> None:
    """The item of the FROM with the steps of its persons' blocks as further columns."""
    source = source_of(alias, select)
    if source is None:
        raise TypeError("an item of the FROM is gone")
    inner = source.copy()
    columns: list[exp.Expr] = [exp.column(exp.Star(), alias)]
    joins = []
    for step_name, cut in cuts.items():
        name = f"{step_name}_of"
        table = exp.Subquery(
            this=step_of(authorised, group_of(authorised), cut),
            alias=exp.TableAlias(this=exp.to_identifier(name, quoted=True)),
        )
        same = exp.EQ(
            this=exp.column(PERSON_COLUMN, name, quoted=True),
            expression=exp.column(person, alias, quoted=True),
        )
        joins.append(exp.Join(this=table, side="LEFT", on=same))
        columns.append(exp.alias_(exp.column("value", name, quoted=True), step_name, quoted=True))
    wide = exp.Select(expressions=columns, from_=exp.From(this=inner), joins=joins)
    source.replace(exp.Subquery(this=wide, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True))))
