"""Every name of a statement resolved against permit and schema: tables to `database.table`, columns to their table.

Decides which tables and columns a question means, scope by scope (a CTE that shadows a table does not hide it), and
refuses what the permit does not show. Relies on sqlglot's `qualify` to resolve and expand; that is not column security
(FINDINGS: 30 of 69 idioms reached a hidden column), so the schema it is given holds permitted columns only, and the
rewriting replaces each base table besides.
"""

import difflib
import re
from collections.abc import Mapping
from typing import Any

from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.schema import MappingSchema

from enclave.core.ids import DatabaseId
from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.query.instead import NONE
from enclave.query.parse import check_grammar, no_node, printable
from enclave.query.schema import PERSON_COLUMN, Schema, TableName
from enclave.query.stages import Form

Permitted = Mapping[TableName, Mapping[str, str]]
"""Columns with their types that both permit and extract hold, by table, in the permit's order."""


def permitted(permit: Permit, schema: Schema, form: Form) -> Permitted:
    """What may be read: the permit's columns that are physically in the extract. In table form every person-level
    table also has its `pid`: it joins and counts persons there, and cannot be shown (policy: `query.key_identifies`).
    Last come the extract's public tables about codes.
    """
    found: dict[TableName, dict[str, str]] = {}
    for database, name, grant in permit.tables():
        table = schema.tables.get((database, name))
        if table is None:
            continue
        columns = {c: table.columns[c].type for c in grant.columns if c in table.columns}
        if form is Form.TABLE and table.person and PERSON_COLUMN in table.columns:
            columns.setdefault(PERSON_COLUMN, table.columns[PERSON_COLUMN].type)
        found[database, name] = columns
    for key, public in schema.tables.items():
        if public.reference and key not in found:
            found[key] = {name: column.type for name, column in public.columns.items()}
    return found


def resolve(tree: exp.Query, permit: Permit, schema: Schema, form: Form) -> exp.Query:
    """A new tree in which every table is `database.table`, every column names its table, and stars are expanded.

    Raises Refused `query.table_unknown`, `query.table_not_permitted`, `query.column_not_permitted`,
    `query.column_ambiguous`, `query.name_taken`, `query.node`.
    """
    allowed = permitted(permit, schema, form)
    tree = tree.copy()
    _check_cte_names(tree)
    spelled = _name_outputs(tree)
    _resolve_tables(tree, permit, schema, allowed)
    resolved = _resolve_columns(tree, allowed)
    _spell_outputs(resolved, spelled)
    _check_bare_columns(resolved, allowed)
    check_grammar(resolved)  # struct access and the like appear only now
    return resolved


def base_tables(tree: exp.Expr) -> list[tuple[exp.Table, TableName]]:
    """The base tables of a resolved tree: those with a database. The others are references to CTEs."""
    return [(t, (DatabaseId(t.db), t.name)) for t in tree.find_all(exp.Table) if t.db]


def _first_select(tree: exp.Expr) -> exp.Select:
    while not isinstance(tree, exp.Select):
        tree = tree.this
    return tree


def _name_outputs(tree: exp.Query) -> dict[str, str]:
    """Give unnamed output columns their own text as a name (`count(*)`), and remember how names were spelled:
    resolving writes all names in lower case."""
    spelled: dict[str, str] = {}
    expressions = []
    for node in _first_select(tree).expressions:
        named = node
        if not isinstance(node, exp.Alias | exp.Column) and not node.is_star:
            text = node.sql("duckdb", comments=False).lower()[:60]
            named = exp.alias_(node, exp.to_identifier(text, quoted=True))
        spelled[named.alias_or_name.lower()] = named.alias_or_name
        expressions.append(named)
    _first_select(tree).set("expressions", expressions)
    return spelled


def _spell_outputs(tree: exp.Query, spelled: Mapping[str, str]) -> None:
    for node in _first_select(tree).expressions:
        if isinstance(node, exp.Alias) and node.alias in spelled:
            node.set("alias", exp.to_identifier(spelled[node.alias], quoted=True))


def _check_cte_names(tree: exp.Query) -> None:
    """Each CTE name once, so that no two readers of the statement can disagree about which one is meant."""
    seen: set[str] = set()
    for cte in tree.find_all(exp.CTE):
        name = cte.alias.lower()
        if name in seen:
            raise Refused("query.name_taken", {"name": printable(cte.alias)})
        seen.add(name)


def _resolve_tables(tree: exp.Query, permit: Permit, schema: Schema, allowed: Permitted) -> None:
    """Print `database.table` into every base table of `tree` (a private copy)."""
    done: set[int] = set()
    try:
        scopes = traverse_scope(tree)
    except (OptimizeError, RecursionError) as error:
        raise no_node("from") from error
    for scope in scopes:
        for table in scope.tables:
            if id(table) in done:
                continue
            done.add(id(table))
            if not table.db and isinstance(_source(scope, table), Scope):
                continue
            database, name = _find(table, permit, schema, allowed)
            alias = table.args.get("alias")
            if alias is not None and alias.args.get("columns"):
                raise no_node("table alias columns")
            if alias is None:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=True)))
            table.set("db", exp.to_identifier(database, quoted=True))
            table.set("this", exp.to_identifier(name, quoted=True))
    if any(id(table) not in done for table in tree.find_all(exp.Table)):
        # A table that the scopes do not show is one whose meaning is not known.
        raise no_node("from")


def _source(scope: Scope, table: exp.Table) -> object:
    """What a bare name means in this scope: a Scope where a CTE of that name is visible."""
    if table.name in scope.cte_sources:
        return scope.cte_sources[table.name]
    lower = {name.lower(): source for name, source in scope.cte_sources.items()}
    return lower.get(table.name.lower())


def _find(table: exp.Table, permit: Permit, schema: Schema, allowed: Permitted) -> TableName:
    name, database = table.name.lower(), table.db.lower()
    if database:
        if (DatabaseId(database), name) in allowed:
            return DatabaseId(database), name
    else:
        found = [key for key in allowed if key[1] == name]
        # A list of codes does not make the name of a permitted table mean two things.
        named = [key for key in found if not schema.tables[key].reference]
        found = named or found
        if len(found) == 1:
            return found[0]
        if found:
            choices = ", ".join(sorted(f"{d}.{n}" for d, n in found))
            raise Refused("query.table_ambiguous", {"table": printable(name), "choices": choices})
    full = f"{database}.{name}" if database else name
    known = {f"{d}.{n}" for d, n in schema.tables} | {n for _, n in schema.tables} | set(permit.databases)
    facts = {
        "table": printable(full),
        "nearest": _nearest(full, [f"{d}.{n}" for d, n in allowed]),
        "permitted": ", ".join(sorted(f"{d}.{n}" for d, n in allowed)),
    }
    raise Refused("query.table_not_permitted" if full in known else "query.table_unknown", facts)


def _nearest(name: str, choices: list[str]) -> str:
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    return close[0] if close else NONE


def _resolve_columns(tree: exp.Query, allowed: Permitted) -> exp.Query:
    try:
        resolved = qualify(
            tree, dialect="duckdb", schema=_schema_of(tree, allowed), validate_qualify_columns=True
        )
    except OptimizeError as error:
        raise _column_refusal(str(error), tree, allowed) from None
    except RecursionError:
        raise Refused("query.limit_depth", {"limit": 0}) from None
    except Refused:
        raise
    except Exception:  # FINDINGS: anything that the library raises is a no
        raise Refused(
            "query.column_not_permitted", {"column": "?", "nearest": NONE, "permitted": NONE}
        ) from None
    if not isinstance(resolved, exp.Query):
        raise Refused("query.statement", {"statement": "?"})
    return resolved


def _schema_of(tree: exp.Query, allowed: Permitted) -> MappingSchema:
    """The permitted columns of the tables that a tree reads, whose tables are resolved: of the others no name in it can
    mean anything, and to read them in is the longest part of resolving. Of a tree without tables all: an empty schema
    would say to the library that nothing is known."""
    read = {key for _, key in base_tables(tree)} & allowed.keys() or allowed.keys()
    nested: dict[str, Any] = {}
    for database, name in read:
        nested.setdefault(database, {})[name] = dict(allowed[database, name])
    # An extract's names are in lower case already (`schema.NAME`), and so are the tree's when it asks.
    return MappingSchema(nested, dialect="duckdb", normalize=False)


def _column_refusal(message: str, tree: exp.Query, allowed: Permitted) -> Refused:
    """The refusal for what `qualify` could not resolve. Its message quotes names of the statement, no value."""
    quoted = re.search(r"[Cc]olumn[:\s]+['\"]?(\w+)", message)
    column = quoted.group(1) if quoted else "?"
    columns: list[str] = []
    holders = 0
    for _, key in base_tables(tree):
        holders += column.lower() in allowed.get(key, {})
        columns += [c for c in allowed.get(key, {}) if c not in columns]
    if "mbiguous" in message or holders > 1:
        return Refused("query.column_ambiguous", {"column": printable(column)})
    return Refused(
        "query.column_not_permitted",
        {"column": printable(column), "nearest": _nearest(column, columns), "permitted": ", ".join(columns)},
    )


def _check_bare_columns(tree: exp.Query, allowed: Permitted) -> None:
    """A column without a table is allowed where it names an output of its own query (ORDER BY, DISTINCT ON).
    Elsewhere it is a whole row (`SELECT t`, `max(t)`) or the engine's own (`rowid`)."""
    for column in tree.find_all(exp.Column):
        if column.table:
            continue
        holder = column.find_ancestor(exp.Order, exp.Distinct, exp.Window, exp.AggFunc, exp.Query)
        query = holder.parent if isinstance(holder, exp.Order | exp.Distinct) else None
        if not isinstance(query, exp.Query) or column.name.lower() not in (
            name.lower() for name in query.named_selects
        ):
            raise _column_refusal(f"column {column.name}", tree, allowed)
