"""Which columns name the institutions behind a table's cells, where a rule asks how many they are.

Decides, from the roles of columns (SHAPES, Descriptor), what is counted besides persons: `add_evidence` counts the different
values of these columns in every cell and in every group that can be read in it. A statement in which they cannot be reached
is refused: what cannot be counted cannot be shown to be enough. Relies on resolved trees. Touches no data.

A table of persons in which no institution is named (a register of certificates) has none behind its cells. Whether it was not
named or not permitted the extract does not say: in a database of which no such column is permitted at all, nobody can
tell, and the answer is a refusal.
"""

from collections import Counter
from collections.abc import Iterator

from sqlglot import exp

from enclave.core.ids import DatabaseId
from enclave.core.refusal import Refused
from enclave.query.names import Permitted, permitted
from enclave.query.origins import cte_of, untouched
from enclave.query.schema import Schema, TableName
from enclave.query.stages import Authorised, Obligations

RULE = "min_institutions"
ROLE = "facility"


def databases_concerned(authorised: Authorised) -> tuple[DatabaseId, ...]:
    """Those of the question's databases for which a binding set asks for a number of institutions."""
    return tuple(one for one in authorised.known.facts.databases if _asks(authorised.obligations, one))


def _asks(obligations: Obligations, database: str) -> bool:
    for rules in obligations.rule_sets.values():
        covered = rules.get("scope", {}).get("databases", ())
        if rules.get(RULE) and ("*" in covered or database in covered):
            return True
    return False


def institutions_of(authorised: Authorised) -> tuple[exp.Column, ...] | None:
    """The columns, over the statement's own FROM; none where no institution stands behind anything. None: no rule asks.

    Raises Refused `query.institutions_uncounted` (`databases`).
    """
    concerned = databases_concerned(authorised)
    tree = authorised.known.tree
    if not concerned or not isinstance(tree, exp.Select):
        return None
    known = authorised.known
    allowed = permitted(known.permit, known.schema, known.form)
    silent = [
        one
        for one in concerned
        if not any(_named(name, allowed, known.schema) for name in allowed if name[0] == one)
    ]
    found: list[exp.Column] = []
    reached: Counter[TableName] = Counter()
    for alias, names in _sources(tree, allowed):
        tables = set()
        for name in names:
            column = exp.column(
                exp.to_identifier(name, quoted=True), table=exp.to_identifier(alias, quoted=True)
            )
            origin = untouched(column, tree)
            if origin is not None and origin[2] in _named(origin[:2], allowed, known.schema):
                found.append(column)
                tables.add(origin[:2])
        reached.update(tables)
    there = Counter(
        (DatabaseId(node.db), node.name)
        for node in tree.find_all(exp.Table)
        if node.db and _named((DatabaseId(node.db), node.name), allowed, known.schema)
    )
    hidden = sorted({name[0] for name, times in there.items() if reached[name] < times})
    if silent or hidden:
        raise Refused("query.institutions_uncounted", {"databases": ", ".join(sorted({*silent, *hidden}))})
    return tuple(found)


def _named(name: TableName, allowed: Permitted, schema: Schema) -> set[str]:
    """The permitted columns of a table that name an institution."""
    table = schema.tables.get(name)
    if table is None or not table.person:
        return set()
    return {column for column in allowed.get(name, ()) if table.columns[column].role == ROLE}


def _sources(tree: exp.Select, allowed: Permitted) -> Iterator[tuple[str, list[str]]]:
    """What the statement reads from: alias and the columns that can be named there."""
    sources: list[exp.Expr] = [join.this for join in tree.args.get("joins") or ()]
    if tree.args.get("from_") is not None:
        sources.insert(0, tree.args["from_"].this)
    for source in sources:
        if isinstance(source, exp.Table) and source.db:
            yield source.alias_or_name, list(allowed.get((DatabaseId(source.db), source.name), ()))
        elif isinstance(source, exp.Table):
            cte = cte_of(source.name, source)
            yield source.alias_or_name, [] if cte is None else list(cte.this.named_selects)
        elif isinstance(source, exp.Subquery):
            yield source.alias_or_name, list(source.this.named_selects)
