"""What a table tells its cells apart by, in the words of the rules about categories: areas, and what may not be crossed with them.

Decides from the code systems of the columns that a statement cuts by (SHAPES, Descriptor): its keys, its conditions wherever
they stand, and what its measures choose by; a municipality in a WHERE is crossed with the keys as well as one among them.
A key computed from a municipality counts as one: what it was made to be cannot be seen. Columns that only join tables cut
nothing. Relies on `disclosure.categories` for what is forbidden. Does not know ages, which the extract does not say of a
column, nor look at data.
"""

from collections.abc import Iterator

from sqlglot import exp

from enclave.core.ids import DatabaseId
from enclave.core.refusal import Refused
from enclave.disclosure.criteria.categories import AREAS, Categories, unfit
from enclave.disclosure.criteria.rules import combine, parse
from enclave.query.origins import origins_of
from enclave.query.schema import Schema
from enclave.query.stages import Authorised


def check_categories(authorised: Authorised) -> None:
    """Raises Refused with the first code of `disclosure.categories` that the statement's cuts break."""
    known = authorised.known
    read = {
        _system(known.schema, use.database, use.table, name)
        for use in known.facts.tables
        for name in use.columns
    }
    if not read & set(AREAS) or not any(
        rules.get("area") for rules in authorised.obligations.rule_sets.values()
    ):
        return
    found = categories_of(authorised)
    sets = [parse(dict(rules)) for _, rules in sorted(authorised.obligations.rule_sets.items())]
    broken = unfit(found, combine(sets))
    if broken:
        first = broken[0]
        codes = tuple(dict.fromkeys(one.code for one in broken))
        raise Refused(first.code, {**first.facts, "rule_set": first.rule_set}, codes)


def categories_of(authorised: Authorised) -> Categories:
    """The areas and other code systems that a statement in table form cuts by."""
    known = authorised.known
    systems = set()
    for select in known.tree.find_all(exp.Select):
        for node in _cutting(select):
            systems |= _systems(node, select, known.schema)
    for key in known.shape.keys if known.shape else ():
        systems |= {_system(known.schema, *origin) for origin in key.origins}
    return Categories(areas=frozenset(systems & set(AREAS)), crossed=frozenset(systems - set(AREAS) - {""}))


def _systems(node: exp.Expr, select: exp.Select, schema: Schema) -> set[str]:
    return {_system(schema, *origin) for origin in origins_of(node, select, schema)}


def _system(schema: Schema, database: str, name: str, column: str) -> str:
    """The code system of a base column. The name of an area in a public list of codes says as much as its code."""
    table = schema.tables.get((DatabaseId(database), name))
    one = None if table is None else table.columns.get(column)
    if table is None or one is None:
        return ""
    if table.reference and one.role == "area" and not one.system:
        if "code" in table.columns:
            return table.columns["code"].system
        own = {column.system for column in table.columns.values()} & set(AREAS)
        return max(own, key=AREAS.index, default="")
    return one.system


def _cutting(select: exp.Select) -> Iterator[exp.Expr]:
    """The parts of one SELECT by which its rows are chosen or told apart: conditions, but not the columns that two tables
    are joined by, and what is computed beside the keys."""
    for part in ("where", "having", "qualify"):
        if select.args.get(part) is not None:
            yield select.args[part]
    for join in select.args.get("joins") or ():
        on = join.args.get("on")
        for one in on.flatten() if isinstance(on, exp.And) else [on] if on is not None else []:
            if len({column.table for column in one.find_all(exp.Column)}) < 2:
                yield one
    for node in select.expressions:
        yield from node.find_all(exp.Filter, exp.Case, exp.If, exp.CountIf)
        # A sum of what a column decides counts those of whom it is true; how many codes there are does not.
        for call in node.find_all(exp.AggFunc):
            inner = call.this.expressions[0] if isinstance(call.this, exp.Distinct) else call.this
            if isinstance(inner, exp.Expr) and not isinstance(inner, exp.Column | exp.Star):
                yield inner
