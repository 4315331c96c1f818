"""Whose data is each row? The lineage of the person identifier through CTEs, joins, subqueries and set operations.

Decides, for the table form, whether every row that is counted belongs to exactly one person, and by which expression
that person is named. It is sound rather than complete: what it cannot follow is UNKNOWN, and UNKNOWN is a refusal, not
a guess (THREATS 24–26: fan-out, invented persons, arithmetic on the identifier; padding a single person's value with a
crowd of others through a join that is not on the person).

Works on a resolved tree (`names.resolve`) and needs no data. A person column is `pid` of a base table carried through
untouched; `COALESCE` of person columns that are known to be equal is one too (that is what USING becomes).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from sqlglot import exp

from enclave.core.ids import DatabaseId
from enclave.query.origins import outside_queries, own_nodes
from enclave.query.parse import is_aggregate
from enclave.query.schema import PERSON_COLUMN, Schema


class Kind(Enum):
    NONE = "no person stands behind the rows"
    PERSON = "each row is about one person"
    UNKNOWN = "cannot be told"


@dataclass(frozen=True)
class Relation:
    """What is known of a relation's rows. `outputs` are its column names in order, `persons` those that name the
    person; a PERSON relation has at least one."""

    kind: Kind
    outputs: tuple[str, ...] = ()
    persons: frozenset[str] = frozenset()


UNKNOWN = Relation(Kind.UNKNOWN)

Scope = Mapping[str, Relation]


@dataclass
class _Rows:
    """The rows of one FROM while its joins are read: sources by alias, and which of them are the same person."""

    sources: dict[str, Relation] = field(default_factory=dict)
    groups: list[set[str]] = field(default_factory=list)
    may_be_null: set[str] = field(default_factory=set)
    unknown: bool = False

    def group(self, alias: str) -> set[str] | None:
        return next((group for group in self.groups if alias in group), None)

    def merge(self, aliases: set[str]) -> None:
        touched = [group for group in self.groups if group & aliases]
        if len(touched) > 1:
            self.groups = [group for group in self.groups if group not in touched] + [set().union(*touched)]


def person_of(select: exp.Select, schema: Schema) -> exp.Expr | None:
    """The expression over `select`'s FROM that names the person each of its rows is about, or None."""
    reader = _Reader(schema)
    scope = reader.with_ctes(select, {})
    rows = reader.rows(select, scope, _Rows())
    if rows.unknown or len(rows.groups) != 1 or not reader.clean(select, scope, rows):
        return None
    members = [alias for alias in rows.sources if alias in rows.groups[0]]
    sure = [alias for alias in members if alias not in rows.may_be_null]
    named = [exp.column(sorted(rows.sources[a].persons)[0], a, quoted=True) for a in (sure[:1] or members)]
    return named[0] if len(named) == 1 else exp.Coalesce(this=named[0], expressions=named[1:])


def is_person(select: exp.Select, schema: Schema, expression: exp.Expr) -> bool:
    """Whether `expression` over `select`'s FROM is the person identifier, untouched."""
    reader = _Reader(schema)
    rows = reader.rows(select, reader.with_ctes(select, {}), _Rows())
    return not rows.unknown and bool(_aliases(expression, rows))


def person_output(source: exp.Expr, schema: Schema) -> str | None:
    """The column of a FROM's item (base table, CTE, subquery) that names the person of each of its rows, or None."""
    reader = _Reader(schema)
    holders: list[exp.Expr] = []
    holder: exp.Expr | None = source
    while holder is not None:
        if holder.args.get("with_") is not None:
            holders.append(holder)
        holder = holder.parent
    scope: Scope = {}
    for outer in reversed(holders):
        scope = reader.with_ctes(outer, scope)
    relation = reader.relation(source, scope, _Rows())
    return min(relation.persons) if relation.kind is Kind.PERSON and relation.persons else None


@dataclass(frozen=True)
class _Reader:
    schema: Schema

    def with_ctes(self, query: exp.Expr, scope: Scope) -> Scope:
        clause = query.args.get("with_")
        inner = dict(scope)
        for cte in clause.expressions if clause is not None else ():
            inner[cte.alias] = _renamed(self.query(cte.this, inner, _Rows()), cte.args.get("alias"))
        return inner

    def query(self, query: exp.Expr, scope: Scope, outer: _Rows) -> Relation:
        scope = self.with_ctes(query, scope)
        match query:
            case exp.Subquery():
                return self.query(query.this, scope, outer)
            case exp.Select():
                return self.select(query, scope, outer)
            case exp.SetOperation():
                return self.set_operation(query, scope, outer)
            case _:
                return UNKNOWN

    def set_operation(self, query: exp.SetOperation, scope: Scope, outer: _Rows) -> Relation:
        left, right = self.query(query.this, scope, outer), self.query(query.expression, scope, outer)
        if Kind.UNKNOWN in (left.kind, right.kind) or query.args.get("by_name"):
            return UNKNOWN
        if left.kind is Kind.NONE and right.kind is Kind.NONE:
            return left
        both = frozenset(
            name
            for name, other in zip(left.outputs, right.outputs, strict=False)
            if name in left.persons and other in right.persons
        )
        return Relation(Kind.PERSON, left.outputs, both) if both else UNKNOWN

    def select(self, select: exp.Select, scope: Scope, outer: _Rows) -> Relation:
        rows = self.rows(select, scope, outer)
        if rows.unknown or len(rows.groups) > 1 or not self.clean(select, scope, rows):
            return UNKNOWN
        outputs = tuple(select.named_selects)
        if not rows.groups:
            return Relation(Kind.NONE, outputs)
        persons = frozenset(node.alias_or_name for node in select.expressions if _is_sure(_bare(node), rows))
        if is_grouped(select) and not any(_aliases(key, rows) for key in plain_keys(select)):
            return UNKNOWN  # one row now speaks of several persons
        return Relation(Kind.PERSON, outputs, persons) if persons else UNKNOWN

    # -- FROM and joins -----------------------------------------------------------------------

    def rows(self, select: exp.Select, scope: Scope, outer: _Rows) -> _Rows:
        rows = _Rows()
        source = select.args.get("from_")
        if source is not None:
            self.add(rows, source.this, scope, outer)
        for join in select.args.get("joins") or ():
            self.join(rows, join, scope, outer)
        where = select.args.get("where")
        for aliases in _equalities(where.this if where is not None else None, rows):
            rows.merge(aliases)
        return rows

    def add(self, rows: _Rows, node: exp.Expr, scope: Scope, outer: _Rows) -> str:
        alias = node.alias_or_name
        relation = self.relation(node, scope, outer)
        rows.sources[alias] = relation
        rows.unknown |= relation.kind is Kind.UNKNOWN
        if relation.kind is Kind.PERSON:
            rows.groups.append({alias})
        return alias

    def join(self, rows: _Rows, join: exp.Join, scope: Scope, outer: _Rows) -> None:
        """After each join all sources of one group that are not null are the same person, row by row."""
        before = [set(group) for group in rows.groups]
        kind, side = str(join.args.get("kind") or "").upper(), str(join.args.get("side") or "").upper()
        alias = self.add(rows, join.this, scope, outer)
        condition = join.args.get("on")
        links = list(_equalities(condition, rows))
        if kind in {"SEMI", "ANTI"}:
            # Only whether a match exists counts; it must be a match with the same person's rows.
            linked = any(alias in link and len(link) > 1 for link in links)
            rows.unknown |= rows.sources[alias].kind is Kind.PERSON and not linked
            rows.groups = before
            del rows.sources[alias]
            return
        if side in {"LEFT", "FULL"}:
            rows.may_be_null.add(alias)
        if side in {"RIGHT", "FULL"}:
            rows.may_be_null |= set(rows.sources) - {alias}
        if side:
            # Unmatched rows keep no promise between the sources on the left, so only one group takes the new one.
            for link in links:
                other = next((a for a in link if a != alias), None)
                if alias in link and other is not None:
                    rows.merge({alias, other})
                    break
        else:
            for link in links:
                rows.merge(link)

    def relation(self, node: exp.Expr, scope: Scope, outer: _Rows) -> Relation:
        match node:
            case exp.Table() if node.db:
                table = self.schema.tables.get((DatabaseId(node.db), node.name))
                if table is None:
                    return UNKNOWN
                if not table.person:
                    return Relation(Kind.NONE, tuple(table.columns))
                return Relation(Kind.PERSON, tuple(table.columns), frozenset({PERSON_COLUMN}))
            case exp.Table():
                return _renamed(scope.get(node.name, UNKNOWN), node.args.get("alias"))
            case exp.Subquery():
                if node.args.get("joins"):
                    return UNKNOWN
                return _renamed(
                    self.query(node.this, self.with_ctes(node, scope), outer), node.args.get("alias")
                )
            case exp.Values():
                return Relation(
                    Kind.NONE, tuple(c.name for c in node.args["alias"].columns) if node.alias else ()
                )
            case _:
                return UNKNOWN

    # -- subqueries in expressions, windows ---------------------------------------------------

    def clean(self, select: exp.Select, scope: Scope, rows: _Rows) -> bool:
        """Whether every subquery and window of this SELECT stays within the person of the row."""
        for node in own_nodes(select):
            if isinstance(node, exp.Query) and not self.linked(node, scope, rows):
                return False
            if isinstance(node, exp.Window) and rows.groups and not node.args.get("alias"):
                keys = node.args.get("partition_by") or ()
                if not any(_aliases(key, rows) for key in keys):
                    return False
        return True

    def linked(self, query: exp.Query, scope: Scope, rows: _Rows) -> bool:
        """Whether a subquery in an expression reads no person's rows but those of the outer row's person."""
        inner = query.unnest()
        scope = self.with_ctes(inner, scope)
        if not isinstance(inner, exp.Select):
            return self.query(inner, scope, rows).kind is Kind.NONE
        own = self.rows(inner, scope, rows)
        if own.unknown or len(own.groups) > 1:
            return False
        # An inner alias hides the outer one of the same name, so `p.pid = p.pid` inside ties nothing.
        visible = [group - set(own.sources) for group in rows.groups]
        both = _Rows(
            {**rows.sources, **own.sources}, [*(g for g in visible if g), *(set(g) for g in own.groups)]
        )
        if not own.groups:
            return self.clean(inner, scope, both)
        where = inner.args.get("where")
        tied = any(
            link & own.groups[0] and link & group
            for link in _equalities(where.this if where is not None else None, both)
            for group in visible
        )
        holder = query.parent if not isinstance(query.parent, exp.Subquery) else query.parent.parent
        if isinstance(holder, exp.In):
            # (pid, day) IN (SELECT pid, min(day) …): the person's place in both rows.
            truth = _only_truth_counts(holder)
            left = holder.this.expressions if isinstance(holder.this, exp.Tuple) else [holder.this]
            pairs = zip(left, inner.expressions, strict=False) if len(left) == len(inner.expressions) else ()
            sure = truth or (len(inner.expressions) == 1 and _is_sure(_bare(inner.expressions[0]), own))
            tied = tied or (sure and any(_aliases(_bare(b), own) and _aliases(a, rows) for a, b in pairs))
        if not tied:
            return False
        for aliases in [own.groups[0] | group for group in visible]:
            both.merge(aliases)
        return self.clean(inner, scope, both)


# -- reading expressions ----------------------------------------------------------------------------------------------


def is_grouped(select: exp.Select) -> bool:
    """Whether the SELECT makes one row of several."""
    if select.args.get("group") is not None or select.args.get("having") is not None:
        return True
    return any(is_aggregate(node) and not _in_window(node) for node in own_nodes(select))


def plain_keys(select: exp.Select) -> tuple[exp.Expr, ...]:
    """Grouping keys that hold for every row of the result (not those within ROLLUP, CUBE, GROUPING SETS)."""
    group = select.args.get("group")
    if group is None:
        return ()
    if group.args.get("all"):
        return tuple(_bare(node) for node in select.expressions if not has_aggregate(node))
    return tuple(
        key for key in group.expressions if not isinstance(key, exp.Rollup | exp.Cube | exp.GroupingSets)
    )


def has_aggregate(node: exp.Expr) -> bool:
    return any(is_aggregate(inner) and not _in_window(inner) for inner in outside_queries(node))


def _in_window(node: exp.Expr) -> bool:
    """Whether the aggregate is the function of a window (`sum(x) OVER …`), not an argument within one."""
    parent = node.parent
    while isinstance(parent, exp.Filter | exp.IgnoreNulls | exp.RespectNulls | exp.WithinGroup):
        node, parent = parent, parent.parent
    return isinstance(parent, exp.Window) and node.arg_key == "this"


def _bare(node: exp.Expr) -> exp.Expr:
    inner: exp.Expr = node.unalias()
    return inner


def _aliases(node: exp.Expr, rows: _Rows) -> set[str]:
    """The sources that a person expression names, all known to be the same person; empty for anything else."""
    match node:
        case exp.Paren():
            return _aliases(node.this, rows)
        case exp.Column():
            relation = rows.sources.get(node.table)
            return {node.table} if relation is not None and node.name in relation.persons else set()
        case exp.Coalesce():
            named = [_aliases(part, rows) for part in (node.this, *node.expressions)]
            joined = set().union(*named)
            together = any(joined <= group for group in rows.groups)
            return joined if all(named) and together else set()
        case _:
            return set()


def _is_sure(node: exp.Expr, rows: _Rows) -> bool:
    """Whether an output names the person of each row: not a column that is missing where an outer join found nothing
    though another item names the person there."""
    named = _aliases(node, rows)
    sure = {a for group in rows.groups for a in group} - rows.may_be_null
    return bool(named) and not (sure and named <= rows.may_be_null)


def _equalities(condition: exp.Expr | None, rows: _Rows) -> Iterator[set[str]]:
    """The sources made the same person by a top-level `a.pid = b.pid` of a condition."""
    if condition is None:
        return
    for part in condition.flatten() if isinstance(condition, exp.And) else (condition,):
        inner = part.unnest()
        if isinstance(inner, exp.And):
            yield from _equalities(inner, rows)
        elif isinstance(inner, exp.EQ):
            left, right = _aliases(inner.this, rows), _aliases(inner.expression, rows)
            if left and right:
                yield left | right


def _only_truth_counts(condition: exp.Expr) -> bool:
    """Whether false and unknown are the same where a condition stands. `x NOT IN (…)` is unknown for everybody as soon as
    anybody's row has a null in it (the engine does not look at columns one by one): an answer about that person."""
    node = condition
    while isinstance(node.parent, exp.And | exp.Paren):
        node = node.parent
    holder = node.parent
    branch = isinstance(holder, exp.If) and isinstance(holder.parent, exp.Case) and holder.parent.this is None
    return isinstance(holder, exp.Where | exp.Join) or (branch and node.arg_key == "this")


def _renamed(relation: Relation, alias: exp.Expr | None) -> Relation:
    """A relation under `AS x(a, b)`."""
    names = [column.name for column in alias.args.get("columns") or ()] if alias is not None else []
    if not names or relation.kind is Kind.UNKNOWN:
        return relation
    outputs = (*names, *relation.outputs[len(names) :])
    persons = frozenset(
        new for new, old in zip(outputs, relation.outputs, strict=False) if old in relation.persons
    )
    return Relation(relation.kind, outputs, persons)
