"""Where a column comes from: through CTEs, subqueries and set operations down to the columns of base tables.

Reads resolved trees (`names.resolve`): every column names its source, every CTE name is unique. Decides nothing.
"""

from collections.abc import Iterator

from sqlglot import exp

from enclave.core.ids import DatabaseId
from enclave.query.schema import Schema, TableName

Origin = tuple[DatabaseId, str, str]
"""(database, table, column) of a base column."""


def origins_of(node: exp.Expr, select: exp.Select, schema: Schema) -> set[Origin]:
    """The base columns that an expression over `select`'s FROM is computed from, through CTEs and subqueries."""
    found: set[Origin] = set()
    for column in node.find_all(exp.Column):
        source = source_of(column.table, select)
        if isinstance(source, exp.Table) and source.db:
            found.add((DatabaseId(source.db), source.name, column.name))
        elif source is not None:
            for inner, branch in behind(source, column.name):
                found |= origins_of(inner, branch, schema)
    return found


def source_table(column: exp.Column, select: exp.Select) -> TableName | None:
    """The base table that a column of this SELECT (or of one around it) belongs to, None where it is a CTE's."""
    source = source_of(column.table, select)
    return (DatabaseId(source.db), source.name) if isinstance(source, exp.Table) and source.db else None


def source_of(alias: str, select: exp.Select) -> exp.Expr | None:
    scope: exp.Expr | None = select
    while scope is not None:
        if isinstance(scope, exp.Select):
            sources: list[exp.Expr] = [join.this for join in scope.args.get("joins") or ()]
            if scope.args.get("from_") is not None:
                sources.append(scope.args["from_"].this)
            for source in sources:
                if source.alias_or_name == alias:
                    return source
        scope = scope.parent
    return None


def behind(source: exp.Expr, name: str) -> list[tuple[exp.Expr, exp.Select]]:
    """The expressions that make column `name` of a CTE or subquery, one per branch of a set operation."""
    query: exp.Expr | None = source.this if isinstance(source, exp.Subquery) else None
    alias = source.args.get("alias")
    renamed = [c.name for c in alias.args.get("columns") or ()] if alias is not None else []
    if isinstance(source, exp.Table):
        cte = cte_of(source.name, source)
        if cte is None:
            return []
        query = cte.this
        renamed = renamed or [c.name for c in cte.args["alias"].args.get("columns") or ()]
    branches = branches_of(query) if query is not None else []
    if not branches:
        return []
    # The first branch names the columns of all.
    outputs = [*renamed, *branches[0].named_selects[len(renamed) :]]
    if name not in outputs:
        return []
    place = outputs.index(name)
    return [(one.expressions[place].unalias(), one) for one in branches if len(one.expressions) > place]


def untouched(node: exp.Expr, select: exp.Select) -> Origin | None:
    """The one base column that an expression is, carried unchanged; None for anything computed."""
    if not isinstance(node, exp.Column):
        return None
    source = source_of(node.table, select)
    if isinstance(source, exp.Table) and source.db:
        return DatabaseId(source.db), source.name, node.name
    found = behind(source, node.name) if source is not None else []
    return untouched(*found[0]) if len(found) == 1 else None


def branches_of(query: exp.Expr) -> list[exp.Select]:
    if isinstance(query, exp.SetOperation):
        return branches_of(query.this) + branches_of(query.expression)
    inner = query.unnest() if isinstance(query, exp.Subquery) else query
    return [inner] if isinstance(inner, exp.Select) else []


def cte_of(name: str, node: exp.Expr) -> exp.CTE | None:
    """The CTE of that name; names are unique within a statement (`names.resolve`)."""
    found = [cte for cte in node.root().find_all(exp.CTE) if cte.alias == name]
    return found[0] if found else None


def own_nodes(select: exp.Select) -> Iterator[exp.Expr]:
    """The nodes of the SELECT's expressions; a nested query is yielded once and not entered."""
    for part in ("expressions", "where", "group", "having", "qualify", "windows", "order", "distinct"):
        value = select.args.get(part)
        for node in value if isinstance(value, list) else [value] if value is not None else []:
            yield from outside_queries(node)
    for join in select.args.get("joins") or ():
        if join.args.get("on") is not None:
            yield from outside_queries(join.args["on"])


def outside_queries(node: exp.Expr) -> Iterator[exp.Expr]:
    """The nodes of an expression; a query within is yielded and not entered."""
    yield node
    if not isinstance(node, exp.Query):
        for child in node.iter_expressions():
            yield from outside_queries(child)
