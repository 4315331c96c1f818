"""Parsed → Known: what the question is about. Computed here, judged by the policy; no data value is in it.

Relies on `names` for the meaning of names, on `cells` for the shape of a table. Decides only what has no meaning at all
(an unknown table, a statement that is no table, rows whose person cannot be told).
"""

from collections.abc import Iterable

from sqlglot import exp

from enclave.core.permit import Permit
from enclave.query import cells, identifiers, names, origins
from enclave.query.canonical import canonical
from enclave.query.parse import aggregate_name, is_aggregate
from enclave.query.schema import PERSON_COLUMN, Schema, TableName
from enclave.query.stages import Facts, Form, KeyFact, Known, Parsed, TableUse

OUTSIDE = frozenset({"person", "identifying", "area"})
"""Roles of what outsiders may know (SHAPES, Descriptor)."""


def know(parsed: Parsed, permit: Permit, schema: Schema) -> Known:
    """Resolve and describe. Raises the refusals of `names.resolve` and, in table form, of `cells.shape` and
    `identifiers.check_alike`."""
    tree = names.resolve(parsed.tree, permit, schema, parsed.form)
    shape = cells.shape(tree, schema) if parsed.form is Form.TABLE else None
    if shape is not None and not any(cells.identifies(key) for key in shape.keys):
        # With an identifier for a key the policy says no, and says why.
        identifiers.check_alike(tree, schema)
    uses = _uses(tree, names.permitted(permit, schema, parsed.form))
    facts = Facts(
        tables=uses,
        functions=tuple(sorted(parsed.functions)),
        aggregates=tuple(sorted({aggregate_name(node) for node in tree.walk() if is_aggregate(node)})),
        keys=tuple(_key_fact(key, schema) for key in shape.keys) if shape else (),
        measures=tuple(column.name for column in shape.columns) if shape else (),
        sensitive=_sensitive(uses, schema) if shape else (),
        canonical=canonical(tree, [key.expression for key in shape.keys]) if shape else "",
    )
    return Known(tree, parsed.form, facts, schema, permit, shape)


def _uses(tree: exp.Query, allowed: names.Permitted) -> tuple[TableUse, ...]:
    """Each base table with the columns that the statement names, all scopes together."""
    found: dict[TableName, set[str]] = {key: set() for _, key in names.base_tables(tree)}
    for select in tree.find_all(exp.Select):
        for column in _columns(select):
            table = origins.source_table(column, select)
            if table is not None:
                found[table].add(column.name)
    return tuple(TableUse(db, name, tuple(sorted(columns))) for (db, name), columns in sorted(found.items()))


def _sensitive(uses: Iterable[TableUse], schema: Schema) -> tuple[str, ...]:
    """The base columns of persons' tables that outsiders do not know."""
    return tuple(
        f"{use.database}.{use.table}.{column}"
        for use in uses
        if (table := schema.tables[use.database, use.table]).person
        for column in use.columns
        if column != PERSON_COLUMN and table.columns[column].role not in OUTSIDE
    )


def _columns(select: exp.Select) -> Iterable[exp.Column]:
    return (c for c in select.find_all(exp.Column) if c.table and c.find_ancestor(exp.Select) is select)


def _key_fact(key: cells.Key, schema: Schema) -> KeyFact:
    roles = {
        table.columns[column].role
        for database, name, column in key.origins
        if (table := schema.tables.get((database, name))) is not None and column in table.columns
    }
    kind = ""
    if key.bare:
        database, name, column = key.origins[0]
        kind = schema.tables[database, name].columns[column].type
    return KeyFact(
        key.name,
        columns=tuple(f"{d}.{t}.{c}" for d, t, c in key.origins),
        roles=tuple(sorted(roles - {""})),
        bare=key.bare,
        type=kind,
        identifies=cells.identifies(key),
    )
