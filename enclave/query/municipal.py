"""Which municipalities a table's cells can be about, where a rule asks for more persons in small ones.

Decides, from the code systems of columns (SHAPES, Descriptor), which keys tell a municipality and to which municipalities the
rows are restricted before they are counted; and which statements ask the extract how many inhabitants those have. The gateway
runs them and gives each row its population (`gateway.inhabitants`). Source of the rule: the rule sets
(`min_persons_by_population`); why it is done so: decision 0032. Relies on resolved trees. Touches no data.

1. A key that is a municipality's code, or a column of the public table of municipalities (its name, its population), unchanged:
   each row is about that one. A margin over it is about all of them and has no tier.
2. A condition `code = 'x'` or `code IN ('x', 'y')`: the smallest of those named. Not where a key is the same column: the row says
   which one it is about.
   The same holds of whatever else is computed from such a key (`code LIKE '13%'`): of its totals the strictest tier.
3. Anything else that tells rows apart by a municipality (`left(code, 3)`, CASE, NOT IN, the largest code of an area, a sum of what a
   code decides): nobody
   can see which one a cell is about, so the strictest tier holds. Where that shows nothing, the statement is refused.

Columns that join tables by equality, a test for a missing code, and a list of codes that comes from a query by a wider area cut by no
municipality. What two questions tell together is not seen here (a medical area without one of its two municipalities, as the
difference of two answers): that is the business of `query.canonical` and of the checks of what leaves.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from enclave.core.refusal import Refused
from enclave.disclosure.criteria.categories import AREAS
from enclave.disclosure.criteria.rules import combine, parse
from enclave.query.names import permitted
from enclave.query.origins import Origin, origins_of, outside_queries, untouched
from enclave.query.parse import DIALECT
from enclave.query.rewrite.projection import project_permitted
from enclave.query.schema import Table, TableName
from enclave.query.stages import Authorised, Form, Guarded

SYSTEM = "muni"
PLACE, POPULATION = "place", "population"
"""The columns of an answer about inhabitants, the second also the column of the public table."""


@dataclass(frozen=True)
class Place:
    """A key that tells a municipality. `asks` answers `place` and `population`: the inhabitants of the smallest municipality of
    that code or name. `missing_is_none`: a row without a code is about no municipality (it was not recorded); else it may be
    one that the public table does not know."""

    key: str
    asks: Guarded
    missing_is_none: bool


@dataclass(frozen=True)
class Within:
    """The rows are restricted to these codes (none named: to what cannot be told). `told_by`: the key that is the same column;
    where it tells a municipality, the restriction says nothing more."""

    codes: tuple[str, ...]
    asks: Guarded
    told_by: str | None = None


@dataclass(frozen=True)
class Municipal:
    """What is to be known of the municipalities that a table is cut by. `unclear`: it is cut by them in some other way."""

    places: tuple[Place, ...] = ()
    within: tuple[Within, ...] = ()
    unclear: bool = False


def municipal_of(authorised: Authorised) -> Municipal | None:
    """None: no rule has tiers, or no municipality cuts the table.

    Raises Refused `query.municipality_unknown` where the extract has no public table of municipalities with their
    population, `query.municipality_unclear` where nothing could be shown of what is asked.
    """
    sets = [dict(one) for _, one in sorted(authorised.obligations.rule_sets.items())]
    if authorised.known.shape is None or not any(one.get("min_persons_by_population") for one in sets):
        return None
    rules = combine([parse(one) for one in sets])
    found = _Reading(authorised).read()
    if found is not None and found.unclear and rules.threshold(0) is None:
        raise Refused("query.municipality_unclear")
    return found


class _Reading:
    def __init__(self, authorised: Authorised) -> None:
        self._authorised = authorised
        self._known = authorised.known
        self._schema = authorised.known.schema

    def read(self) -> Municipal | None:
        shape, tree = self._known.shape, self._known.tree
        if shape is None or not isinstance(tree, exp.Select):
            return None
        if not any(
            self._municipal((use.database, use.table, name))
            for use in self._known.facts.tables
            for name in use.columns
        ):
            return None
        places: list[Place] = []
        within: list[Within] = []
        same: dict[str, exp.Expr] = {}
        computed: list[exp.Expr] = []
        for key in shape.keys:
            mine = [one for one in key.origins if self._municipal(one)]
            if mine and key.bare:
                reference = self._schema.tables[mine[0][:2]].reference
                places.append(Place(key.name, self._asks(mine[0]), missing_is_none=not reference))
                same[key.name] = key.expression
            elif mine and not _only_presence(key.expression):
                computed.append(key.expression)
        unclear = False
        cuts: list[tuple[exp.Select, exp.Expr, exp.Expr, tuple[str, ...] | None]] = [
            (tree, one, one, None) for one in computed
        ]
        for node in tree.expressions:
            if not any(node.unalias() == key.expression for key in shape.keys):
                cuts += [(tree, node, one, None) for one in _measured(node) if self._about(one, tree)]
        for select in tree.find_all(exp.Select):
            for node in _cutting(select):
                for one, codes in self._restrictions(node, select):
                    plain = codes is not None and not _left_over(node) and _chosen_by(select)
                    cuts.append((select, node, one, codes if plain else None))
        for select, node, one, codes in cuts:
            told = self._told_by(one, select, same) if select is tree and not _left_over(node) else None
            origin = untouched(one if told is None else same[told], select)
            if origin is not None and (told is not None or codes is not None):
                within.append(Within(codes or (), self._asks(origin), told))
            else:
                unclear = True
        if not (places or within or unclear):
            return None
        return Municipal(tuple(places), tuple(within), unclear)

    def _municipal(self, origin: Origin) -> bool:
        """Whether a base column tells a municipality. In the public table of them each column does that is not of a wider area."""
        database, name, column = origin
        table = self._schema.tables.get((database, name))
        one = None if table is None else table.columns.get(column)
        if table is None or one is None:
            return False
        grant = self._known.permit.databases.get(database, {}).get(name)
        if grant is not None and column in grant.coarsen:
            return False  # custody leaves the prefecture of a code that is coarsened
        if one.system == SYSTEM:
            return True
        return table.reference and _code_of(table) is not None and one.system not in AREAS

    def _told_by(self, node: exp.Expr, select: exp.Select, same: Mapping[str, exp.Expr]) -> str | None:
        """The key that is the one column by which a municipality decides here."""
        found = [
            part
            for part in outside_queries(node)
            if isinstance(part, exp.Query) or (isinstance(part, exp.Column) and self._about(part, select))
        ]
        return next(
            (name for name, one in same.items() if found and all(one == part for part in found)), None
        )

    def _about(self, node: exp.Expr, select: exp.Select) -> bool:
        return any(self._municipal(one) for one in origins_of(node, select, self._schema))

    def _base(self, node: exp.Expr, select: exp.Select) -> bool:
        """Whether an expression is a column that tells a municipality, unchanged from its table."""
        origin = untouched(node, select)
        return origin is not None and self._municipal(origin)

    def _restrictions(
        self, node: exp.Expr, select: exp.Select
    ) -> Iterator[tuple[exp.Expr, tuple[str, ...] | None]]:
        """Each column that a condition restricts to codes, with them; None for what cannot be told."""
        match node:
            case exp.Paren() | exp.And() | exp.Or() | exp.Where() | exp.Having() | exp.Qualify():
                for child in node.iter_expressions():
                    yield from self._restrictions(child, select)
                return
            case exp.EQ():
                sides = (node.this.unnest(), node.expression.unnest())
                if all(self._base(side, select) for side in sides):
                    return
                for one, other in (sides, sides[::-1]):
                    if self._base(one, select) and _is_text(other):
                        yield one, (other.this,)
                        return
            case exp.In() if self._base(node.this, select):
                query = node.args.get("query")
                if query is not None:
                    inner = query.unnest()
                    if isinstance(inner, exp.Select) and self._base(inner.expressions[0].unalias(), inner):
                        return
                elif node.expressions and all(_is_text(one.unnest()) for one in node.expressions):
                    yield node.this, tuple(one.unnest().this for one in node.expressions)
                    return
        if not _only_presence(node) and self._about_here(node, select):
            yield node, None

    def _about_here(self, node: exp.Expr, select: exp.Select) -> bool:
        """Whether a municipality decides here: in columns, or in what a query within gives back. Its conditions are its own."""
        for part in outside_queries(node):
            if isinstance(part, exp.Column) and self._about(part, select):
                return True
            if isinstance(part, exp.Query):
                for inner in part.find_all(exp.Select):
                    if any(self._about(one, inner) for one in inner.expressions):
                        return True
        return False

    def _asks(self, origin: Origin) -> Guarded:
        """How many inhabitants the smallest municipality of each code (or name) has. Raises Refused."""
        allowed = permitted(self._known.permit, self._schema, self._known.form)
        source: tuple[TableName, str] | None = None
        for key, table in sorted(self._schema.tables.items()):
            code = _code_of(table)
            if table.reference and code is not None and POPULATION in allowed.get(key, {}):
                source = source or (key, code)
                if key == origin[:2]:
                    source = (key, origin[2])
        if source is None or (
            self._schema.tables[origin[:2]].reference
            and source[0] != origin[:2]
            and self._schema.tables[origin[:2]].columns[origin[2]].system != SYSTEM
        ):
            raise Refused("query.municipality_unknown")
        (database, name), column = source
        place, population = (exp.column(exp.to_identifier(one, quoted=True)) for one in (column, POPULATION))
        tree = exp.Select(
            expressions=[
                exp.alias_(place, PLACE, quoted=True),
                exp.alias_(exp.Min(this=population), POPULATION, quoted=True),
            ],
            from_=exp.From(
                this=exp.Table(
                    this=exp.to_identifier(name, quoted=True), db=exp.to_identifier(database, quoted=True)
                )
            ),
            group=exp.Group(expressions=[place.copy()]),
        )
        return self._printed(tree)

    def _printed(self, tree: exp.Query) -> Guarded:
        from enclave.query.flow import check_projections  # the way of a question knows this module

        tree = project_permitted(tree, self._authorised)
        return Guarded(
            sql=tree.sql(DIALECT, identify=True, comments=False),
            form=Form.ROWS,
            names=(),
            expected=check_projections(tree, self._authorised),
            facts=self._known.facts,
            obligations=replace(self._authorised.obligations, max_rows=None, max_bytes=None),
        )


def _code_of(table: Table) -> str | None:
    """The column of a table that has a municipality's code."""
    return next((name for name, column in table.columns.items() if column.system == SYSTEM), None)


def _is_text(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and node.is_string


def _only_presence(node: exp.Expr) -> bool:
    """`code IS NULL`, `NOT code IS NULL`: whether a code is there says nothing of which."""
    inner = node.unnest()
    while isinstance(inner, exp.Not):
        inner = inner.this.unnest()
    return (
        isinstance(inner, exp.Is)
        and isinstance(inner.expression, exp.Null)
        and isinstance(inner.this, exp.Column)
    )


_CHOOSING = (
    exp.Subquery,
    exp.In,
    exp.Exists,
    exp.Paren,
    exp.And,
    exp.Or,
    exp.Where,
    exp.Filter,
    exp.From,
    exp.Union,
    exp.With,
)
"""What may stand between a query within and the SELECT whose rows it chooses: they are among its own, not what it leaves over."""


def _chosen_by(select: exp.Expr, seen: frozenset[str] = frozenset()) -> bool:
    """Whether what the statement counts is among the rows of this SELECT, wherever it stands; not what it leaves over."""
    above = select.parent
    while above is not None:
        if isinstance(above, exp.CTE):
            name = above.alias
            uses = [t for t in above.root().find_all(exp.Table) if t.name == name and not t.db]
            return name in seen or all(_chosen_by(one, seen | {name}) for one in uses)
        if isinstance(above, exp.Join):
            if _left_over(above):
                return False
        elif isinstance(above, exp.Filter):
            return above.parent_select is None or _chosen_by(above.parent_select, seen)
        elif not isinstance(above, (*_CHOOSING, exp.Select)):
            return False
        above = above.parent
    return True


def _left_over(node: exp.Expr) -> bool:
    """Whether a join, or a condition of one, keeps or takes the rows that have no partner."""
    join = node if isinstance(node, exp.Join) else node.parent
    if not isinstance(join, exp.Join):
        return False
    return bool(join.args.get("side")) or str(join.args.get("kind") or "INNER").upper() not in {
        "INNER",
        "CROSS",
    }


def _measured(node: exp.Expr) -> Iterator[exp.Column]:
    """The columns that a measure's values are made of: a sum of what a municipality decides counts those who live there.
    How many codes there are, and in how many records, says nothing of which; a FILTER is a condition (`_cutting`)."""
    match node:
        case exp.Column():
            yield node
        case exp.Filter():
            yield from _measured(node.this)
        case exp.Count(this=exp.Column() | exp.Distinct(expressions=[exp.Column()])):
            return
        case exp.Query():
            return
        case _:
            for child in node.iter_expressions():
                yield from _measured(child)


def _cutting(select: exp.Select) -> Iterator[exp.Expr]:
    """What chooses a SELECT's rows or tells them apart beside its keys: conditions, joins, what measures choose by, and places in
    an order or a part of it."""
    for part in ("where", "having", "qualify"):
        if select.args.get(part) is not None:
            yield select.args[part]
    for join in select.args.get("joins") or ():
        if join.args.get("on") is not None:
            yield join.args["on"]
    if select.args.get("having") is not None and select.args.get("group") is not None:
        # A group that appears for its size is chosen by its keys as well.
        yield select.args["group"]
    for node in select.expressions:
        for one in outside_queries(node):
            if isinstance(one, exp.Filter):
                yield one.expression
            elif isinstance(
                one,
                exp.Case | exp.If | exp.CountIf | exp.Window | exp.ArgMax | exp.ArgMin | exp.First | exp.Last,
            ):
                yield one
