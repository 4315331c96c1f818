"""Whether one record may stand in several cells of an answer because of how the question is put.

A person in several cells is ordinary: of two diagnoses. A record in several is made: by a join to a list of bands that
overlap, by a UNION that names the same table twice, or a table and another in which everybody of it stands. Then one cell may
lie inside another, and their difference is some few persons whom nobody asked for by name. Decides only where that has to be
looked for (`rewrite.evidence` then counts, `disclosure.contained` judges); what it cannot follow counts as made. Relies on a
resolved tree; touches no data.
"""

from sqlglot import exp

from enclave.core.ids import DatabaseId
from enclave.query import lineage
from enclave.query.cells import Shape
from enclave.query.origins import behind, branches_of, cte_of, source_of
from enclave.query.schema import Schema


def overlapping(tree: exp.Query, shape: Shape, schema: Schema) -> bool:
    """Whether some key tells rows apart that are of one record."""
    return isinstance(tree, exp.Select) and any(_made(key.expression, tree, schema) for key in shape.keys)


def copying(tree: exp.Query, schema: Schema) -> bool:
    """Whether a statement may make several records of one, so that how many there are is the asker's choice: by a UNION, a list of
    constants, or a join by anything but columns that are equal, the person's among them."""
    if tree.find(exp.SetOperation, exp.Values, exp.Unnest, exp.Lateral) is not None:
        return True
    joins = [join for select in tree.find_all(exp.Select) for join in select.args.get("joins") or ()]
    return any(_copies(join, schema) for join in joins)


def _copies(join: exp.Join, schema: Schema) -> bool:
    if {join.kind, join.side} & {"SEMI", "ANTI"}:
        return False
    on = join.args.get("on")
    if join.side or join.kind not in {"", "INNER"} or join.method or on is None:
        return True
    equal = [one.unnest() for one in (on.flatten() if isinstance(on, exp.And) else [on])]
    sides = [(one.this, one.expression) for one in equal if isinstance(one, exp.EQ)]
    if len(sides) < len(equal) or not all(isinstance(one, exp.Column) for pair in sides for one in pair):
        return True
    person = lineage.person_output(join.this, schema)
    named = {(one.table, one.name) for pair in sides for one in pair}
    return person is not None and (join.alias_or_name, person) not in named


def _made(node: exp.Expr, select: exp.Select, schema: Schema) -> bool:
    sources = [(source_of(column.table, select), column.name) for column in node.find_all(exp.Column)]
    if node.find(exp.Window) is not None:
        # A place among rows tells copies of one record apart, whatever column it is computed from.
        sources += [(item, "") for item in _items(select)]
    return any(source is not None and _source(source, name, select, schema) for source, name in sources)


def _source(source: exp.Expr, name: str, select: exp.Select, schema: Schema) -> bool:
    if isinstance(source, exp.Table) and source.db:
        table = schema.tables.get((DatabaseId(source.db), source.name))
        return table is None or not table.person
    if isinstance(source, exp.Values):
        return not _one_line(source, select)
    if lineage.person_output(source, schema) is None and len(_items(select)) > 1:
        return True
    query = _query(source)
    if query is None:
        return True
    branches = branches_of(query)
    if len(branches) > 1:
        return True
    if not name:
        return any(_made(output, one, schema) for one in branches for output in one.expressions)
    return any(_made(inner, branch, schema) for inner, branch in behind(source, name))


def _items(select: exp.Select) -> list[exp.Expr]:
    first = select.args.get("from_")
    joins = [join.this for join in select.args.get("joins") or ()]
    return [first.this, *joins] if first is not None else joins


def _query(source: exp.Expr) -> exp.Expr | None:
    if isinstance(source, exp.Table):
        cte = cte_of(source.name, source)
        return None if cte is None else cte.this
    found: exp.Expr | None = source.this if isinstance(source, exp.Subquery) else None
    return found


def _one_line(values: exp.Values, select: exp.Select) -> bool:
    """Whether a record meets at most one line of a list: they are joined by columns that name its lines."""
    alias = values.args.get("alias")
    names = [column.name for column in alias.args.get("columns") or ()] if alias is not None else []
    places = [names.index(name) for name in _equal(values.alias_or_name, select) if name in names]
    if not places:
        return False
    lines = [tuple(line.expressions[place] for place in places) for line in values.expressions]
    return len({tuple(one.sql() for one in line) for line in lines}) == len(lines)


def _equal(alias: str, select: exp.Select) -> list[str]:
    """The columns of a source that are equal to something outside it."""
    where = select.args.get("where")
    conditions = [join.args.get("on") for join in select.args.get("joins") or ()]
    conditions.append(where.this if where is not None else None)
    found = []
    for condition in conditions:
        for one in condition.flatten() if isinstance(condition, exp.And) else [condition]:
            inner = one.unnest() if one is not None else None
            if not isinstance(inner, exp.EQ):
                continue
            for own, other in ((inner.this, inner.expression), (inner.expression, inner.this)):
                outside = all(column.table != alias for column in other.find_all(exp.Column))
                if isinstance(own, exp.Column) and own.table == alias and outside:
                    found.append(own.name)
    return found
