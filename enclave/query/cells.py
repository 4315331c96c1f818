"""What a question in table form asks for: keys, measures, and the aggregate calls (parts) that make the measures.

Decides which statements are tables at all. A table is one SELECT of aggregates over grouping keys; whatever could let
rows speak otherwise is refused: HAVING (a group that appears is an answer), LIMIT, DISTINCT, windows, an order by a
measure, an aggregate that is one person's value. Works on a resolved tree; touches no data.
"""

from dataclasses import dataclass

from sqlglot import exp

from enclave.core.refusal import Refused
from enclave.query import grammar, lineage
from enclave.query.origins import Origin, behind, branches_of, origins_of, source_of, untouched
from enclave.query.parse import aggregate_name, is_aggregate, printable
from enclave.query.schema import PERSON_COLUMN, Schema


@dataclass(frozen=True)
class Key:
    """A grouping key: output name, expression, the base columns that it is computed from, and whether it is one of
    them unchanged."""

    name: str
    expression: exp.Expr
    origins: tuple[Origin, ...]
    bare: bool
    person: bool = False
    """Whether its values name persons."""


@dataclass(frozen=True)
class Call:
    """One aggregate call. `kind` as in `stages.Part.aggregate`; `contributes` is the condition under which a row's
    person contributes to it (None: always). `summed`: what a sum, mean or variance is of, within `condition`."""

    id: str
    kind: str
    node: exp.Expr
    contributes: exp.Expr | None
    summed: exp.Expr | None = None
    condition: exp.Expr | None = None


@dataclass(frozen=True)
class Column:
    """An output column that is no key: its calls' ids; `bare` where it is one call and nothing else."""

    name: str
    calls: tuple[str, ...]
    bare: bool


@dataclass(frozen=True)
class Shape:
    keys: tuple[Key, ...]
    columns: tuple[Column, ...]
    calls: tuple[Call, ...]
    margins: bool
    """Whether rows may be margins (ROLLUP, CUBE, GROUPING SETS)."""
    person: exp.Expr


def shape(tree: exp.Query, schema: Schema) -> Shape:
    """The shape of a resolved statement.

    Raises Refused `query.table_shape`, `query.table_having`, `query.table_limit`, `query.table_distinct`,
    `query.table_window`, `query.table_order`, `query.table_aggregate`, `query.person_unknown`, `query.name_taken`.
    """
    if not isinstance(tree, exp.Select):
        raise Refused("query.table_shape", {"reason": "UNION, EXCEPT, INTERSECT"})
    _check_clauses(tree)
    person = lineage.person_of(tree, schema)
    if person is None:
        raise Refused("query.person_unknown")
    group = tree.args.get("group")
    key_expressions = _key_expressions(tree)
    keys: list[Key] = []
    columns: list[Column] = []
    calls: dict[str, Call] = {}
    names = tree.named_selects
    _check_output_names([name.lower() for name in names])
    for node in tree.expressions:
        inner = node.unalias()
        if any(inner == key for key in key_expressions):
            keys.append(_key(node.alias_or_name, inner, tree, schema))
            continue
        if any(isinstance(part, exp.Query) for part in _plain_parts(inner)):
            raise Refused(
                "query.table_shape", {"reason": "(SELECT)", "column": printable(node.alias_or_name)}
            )
        found = [_call(part, tree, schema, person, calls) for part in _plain_parts(inner) if _is_cell(part)]
        columns.append(Column(node.alias_or_name, tuple(dict.fromkeys(found)), _is_cell(inner)))
    if not calls:
        raise Refused("query.table_shape", {"reason": "SELECT count(*), sum(x), avg(x)"})
    for key in key_expressions:
        if not any(key == k.expression for k in keys):
            # Two cells that differ only in a key that is not shown would be two rows with one name.
            raise Refused("query.table_shape", {"reason": "SELECT, GROUP BY"})
    _check_order(tree, {key.name.lower() for key in keys}, key_expressions)
    _check_margins(group, keys)
    margins = group is not None and any(
        isinstance(part, exp.Rollup | exp.Cube | exp.GroupingSets) for part in group.find_all(exp.Expr)
    )
    return Shape(tuple(keys), tuple(columns), tuple(calls.values()), margins, person)


def _check_margins(group: exp.Expr | None, keys: list[Key]) -> None:
    """Keys made of one column (`age // 5`, `age // 20`) are cells within cells: margins over one of them are told beside the
    cells of both, from which follows what lies in what; else each would look like a division of its own."""
    related = any(
        set(one.origins) & set(other.origins) for place, one in enumerate(keys) for other in keys[:place]
    )
    if group is not None and related and not _tells_details(group):
        raise Refused("query.table_shape", {"reason": "GROUPING SETS"})


def _tells_details(group: exp.Expr) -> bool:
    """Whether some rows are margins over none of the keys."""
    for sets in group.find_all(exp.GroupingSets):
        every = _flat_keys(sets)
        if not any(
            all(key in _flat_keys(exp.Tuple(expressions=[one.copy()])) for key in every)
            for one in sets.expressions
        ):
            return False
    return True


def _check_output_names(names: list[str]) -> None:
    """Each name once, and none that is another's companion on the wire (`n` and `n_status`)."""
    for name in names:
        if names.count(name) > 1 or (name.endswith("_status") and name.removesuffix("_status") in names):
            raise Refused("query.name_taken", {"name": printable(name)})


def _check_clauses(tree: exp.Select) -> None:
    for part, code in (
        ("having", "query.table_having"),
        ("qualify", "query.table_window"),
        ("windows", "query.table_window"),
        ("distinct", "query.table_distinct"),
    ):
        if tree.args.get(part):
            raise Refused(code)
    if next(iter(tree.find_all(exp.Limit, exp.Offset)), None) is not None:
        raise Refused("query.table_limit")
    for node in tree.expressions:
        if any(isinstance(part, exp.Window) for part in _plain_parts(node)):
            raise Refused("query.table_window")


def _plain_parts(node: exp.Expr) -> list[exp.Expr]:
    """The nodes of an expression down to its aggregate calls and subqueries, which are not entered."""
    found = [node]
    if not isinstance(node, exp.Query) and not _is_cell(node):
        for child in node.iter_expressions():
            found += _plain_parts(child)
    return found


def _is_cell(node: exp.Expr) -> bool:
    """An aggregate call with its FILTER. GROUPING(…) speaks of the keys alone."""
    if isinstance(node, exp.Filter | exp.WithinGroup | exp.IgnoreNulls | exp.RespectNulls):
        return True
    return is_aggregate(node) and type(node) is not exp.Grouping


def _key_expressions(tree: exp.Select) -> list[exp.Expr]:
    group = tree.args.get("group")
    if group is None:
        return []
    if group.args.get("all"):
        if group.expressions:
            raise Refused("query.table_shape", {"reason": "GROUP BY"})
        return [
            node.unalias()
            for node in tree.expressions
            if not lineage.has_aggregate(node) and next(iter(node.find_all(exp.Column)), None) is not None
        ]
    keys: list[exp.Expr] = []
    for part in _flat_keys(group):
        if next(iter(part.find_all(exp.Query)), None) is not None:
            raise Refused("query.table_shape", {"reason": "(SELECT)"})
        if part not in keys:
            keys.append(part)
    return keys


def _flat_keys(group: exp.Expr) -> list[exp.Expr]:
    keys: list[exp.Expr] = []
    for name in ("expressions", "rollup", "cube", "grouping_sets"):
        for part in group.args.get(name) or ():
            if isinstance(part, exp.Rollup | exp.Cube | exp.GroupingSets | exp.Tuple):
                keys += _flat_keys(part)
            elif isinstance(part, exp.Paren):
                keys.append(part.unnest())
            else:
                keys.append(part)
    return keys


def _key(name: str, expression: exp.Expr, tree: exp.Select, schema: Schema) -> Key:
    base = untouched(expression, tree)
    origins = (base,) if base else tuple(sorted(origins_of(expression, tree, schema)))
    person = _names_persons(expression, tree)
    if not person:
        # `pid IS NOT NULL`, the n-th record of a person: a person's number decides, and is not told.
        origins = tuple(one for one in origins if not _identifier(one[2]))
    return Key(name, expression, origins, bare=base is not None, person=person)


def _names_persons(node: exp.Expr, select: exp.Select) -> bool:
    """Whether an expression's values are made of person identifiers. A comparison, a number of persons and a place among
    a person's own rows are not."""
    match node:
        case exp.Column():
            source = source_of(node.table, select)
            if isinstance(source, exp.Table) and source.db:
                return _identifier(node.name)
            found = behind(source, node.name) if source is not None else []
            return any(_names_persons(inner, branch) for inner, branch in found)
        case exp.Is() | exp.EQ() | exp.NullSafeEQ() | exp.Exists() | exp.Count() | exp.CountIf():
            return False
        case exp.In():
            return node.args.get("query") is None and any(
                _names_persons(child, select) for child in node.iter_expressions()
            )
        case exp.Window():
            return _names_persons(node.this, select)
        case exp.Query():
            return any(
                _names_persons(output.unalias(), branch)
                for branch in branches_of(node)
                for output in branch.expressions
            )
        case _:
            return any(_names_persons(child, select) for child in node.iter_expressions())


def _call(node: exp.Expr, tree: exp.Select, schema: Schema, person: exp.Expr, calls: dict[str, Call]) -> str:
    """The id of an aggregate call, entered in `calls` unless an equal one is there."""
    for known in calls.values():
        if known.node == node:
            return known.id
    condition = None
    inner = node
    if isinstance(node, exp.Filter):
        condition, inner = node.expression.this, node.this
    kind = grammar.TABLE_AGGREGATES.get(type(inner))
    if kind is None:
        raise Refused("query.table_aggregate", {"function": printable(_name(inner))})
    argument = inner.this
    if isinstance(argument, exp.Order) or (
        isinstance(argument, exp.Distinct) and len(argument.expressions) != 1
    ):
        raise Refused("query.table_aggregate", {"function": printable(_name(inner))})
    if inner.args.get("expressions"):
        raise Refused("query.table_aggregate", {"function": printable(_name(inner))})
    contributes: list[exp.Expr] = [condition] if condition is not None else []
    if isinstance(argument, exp.Star):
        kind = "records"
    elif type(inner) is exp.CountIf:
        contributes.append(argument)
    else:
        if isinstance(argument, exp.Distinct):
            argument = argument.expressions[0]
            if kind != "count":
                raise Refused("query.table_aggregate", {"function": printable(f"{_name(inner)}(distinct)")})
            # count(DISTINCT CASE WHEN … THEN pid END) counts persons too: what it leaves out can be subtracted.
            named = any(_identifier(column) for _, _, column in origins_of(argument, tree, schema))
            kind = "persons" if named or lineage.is_person(tree, schema, argument) else "count_distinct"
        if argument != person:
            contributes.append(exp.Not(this=exp.Is(this=argument.copy(), expression=exp.Null())))
        if kind in {"sum", "avg", "variance"}:
            # sum(status) is a count of ones: those who add nothing do not hide those who do.
            contributes.append(exp.NEQ(this=exp.paren(argument.copy()), expression=exp.Literal.number(0)))
    summed = argument if kind in {"sum", "avg", "variance"} else None
    together = exp.and_(*contributes, copy=True) if contributes else None
    call = Call(f"a{len(calls) + 1}", kind, node, together, summed, condition)
    calls[call.id] = call
    return call.id


def _name(node: exp.Expr) -> str:
    while isinstance(node, exp.IgnoreNulls | exp.RespectNulls | exp.WithinGroup | exp.Filter):
        node = node.this
    return aggregate_name(node) if is_aggregate(node) else node.key


def _check_order(tree: exp.Select, keys: set[str], expressions: list[exp.Expr]) -> None:
    order = tree.args.get("order")
    for term in order.expressions if order is not None else ():
        inner = term.this
        everything = isinstance(inner, exp.Var) and inner.name.upper() == "ALL"
        named = isinstance(inner, exp.Column) and not inner.table and inner.name in keys
        if not everything and not named and not any(inner == key for key in expressions):
            raise Refused("query.table_order")


def identifies(key: Key) -> bool:
    """Whether a key is made of a person identifier: its cells would be persons."""
    return key.person


def _identifier(column: str) -> bool:
    return column == PERSON_COLUMN or column.endswith(f"_{PERSON_COLUMN}")
