"""How a statement cuts the population: which of its expressions an outsider could compute, and over which rows.

In the aggregate tier what outsiders may know of a person (identifying columns, areas) is used in steps of whole blocks,
so that exchanging what two persons of one block are not known for changes no answer. A statement over one person's rows
at a time (`lineage`) is a function of what is known of the person and of the rest. Each largest expression over known
columns alone is found here, wherever it stands: condition, join, key, argument, branch of a CASE. Where every one of
them has one value within every block, the answer cannot tell two persons of a block apart, whatever the rest does with
them; `blocks` asks the extract that. Grouping keys are listed apart: only the cells of blocks with several values are touched.

Works on a resolved tree and touches no data. That a person's number decides nothing by its value is seen to elsewhere
(`identifiers`). What cannot be followed is a refusal, not a guess.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from sqlglot import exp

from enclave.core.ids import DatabaseId
from enclave.core.refusal import Refused
from enclave.query import grammar, lineage
from enclave.query.cells import Shape
from enclave.query.origins import behind, branches_of, cte_of, origins_of, outside_queries, source_of
from enclave.query.parse import is_aggregate, printable
from enclave.query.schema import PERSON_COLUMN, Schema

PERSON, KNOWN, AREA, NEUTRAL, CLINICAL = "person", "known", "area", "neutral", "clinical"
"""What a column tells: who; what outsiders may know; where; nothing of a person; everything else."""

_GRADES = {"person": PERSON, "identifying": KNOWN, "": KNOWN, "area": AREA}
"""Roles (SHAPES, Descriptor) → grade. A role that is not said could be one that outsiders know. An area that blocks are cut
along (`Schema.homes`) is as known as sex and age, and used as they are."""

_SELECTING = (exp.Min, exp.Max, exp.AnyValue, exp.First, exp.Last, exp.ArgMin, exp.ArgMax, exp.Mode)
"""Aggregates whose value is the value of one of the rows."""


class Kind(Enum):
    KNOWN = "known"
    AREA = "area"


@dataclass(frozen=True)
class Site:
    """The rows that an expression is looked at over: `source` is an item of some FROM: a base table, or a CTE or
    subquery that reads nothing but known columns. `person` names the person in it; `beside` are lists of codes and
    values that the expression reads as well."""

    source: exp.Expr
    person: str
    beside: tuple[exp.Expr, ...] = ()

    @property
    def name(self) -> str:
        return self.source.sql("duckdb", comments=False) + "".join(b.sql("duckdb") for b in self.beside)


@dataclass(frozen=True)
class Cut:
    """One expression over known columns, and the rows that it is looked at over. `columns` are the base columns' names.

    `written` is the expression as it stands over item `alias` of the FROM of the statement's SELECT number `select`; one
    that stands for several (`whole` False: branches of a set operation) cannot be answered in steps of blocks.
    """

    kind: Kind
    site: Site
    expression: exp.Expr
    columns: tuple[str, ...]
    written: exp.Expr
    select: int
    alias: str
    whole: bool = True
    home: bool = False
    """Whether it says where somebody lives."""
    parts: tuple["Cut", ...] = ()
    """The columns of an expression that reads lists besides, each as a cut: what is answered in steps instead."""


@dataclass(frozen=True)
class KeyCut:
    """A grouping key that is one cut: its cells are steps of whole blocks, or are merged until they are."""

    key: str
    cut: Cut


@dataclass(frozen=True)
class Cuts:
    """`conditions` must have one value in every block; `keys` may be merged."""

    conditions: tuple[Cut, ...] = ()
    keys: tuple[KeyCut, ...] = ()

    def kinds(self) -> frozenset[Kind]:
        return frozenset({cut.kind for cut in self.conditions} | {key.cut.kind for key in self.keys})


def cuts_of(tree: exp.Query, shape: Shape, schema: Schema) -> Cuts:
    """Every way in which a resolved statement in table form uses what outsiders may know.

    Raises Refused `query.cut_unknown` where it cannot be told over which rows an expression is to be looked at.
    """
    return _Reader(schema).read(tree, shape)


class Grades:
    """What columns tell, for others than this module."""

    def __init__(self, schema: Schema) -> None:
        self._reader = _Reader(schema)

    def is_known(self, column: exp.Column, select: exp.Select) -> bool:
        """Whether a column names the person, or outsiders may know it."""
        return self._reader.grade(column, select) in {PERSON, KNOWN, AREA}

    def is_person(self, column: exp.Column, select: exp.Select) -> bool:
        return self._reader.grade(column, select) == PERSON


class _Reader:
    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._pure: dict[int, bool] = {}
        self._number: dict[int, int] = {}

    def read(self, tree: exp.Query, shape: Shape) -> Cuts:
        self._number = {id(select): n for n, select in enumerate(tree.find_all(exp.Select))}
        conditions: list[Cut] = []
        keys: list[KeyCut] = []
        key_nodes = [key.expression for key in shape.keys]
        for select in tree.find_all(exp.Select):
            for node in self._deciding(select, final=select is tree):
                conditions += self._largest(node, select)
            for node in select.expressions:
                inner = node.unalias()
                if select is tree and any(inner == key for key in key_nodes):
                    continue
                if select is tree or _is_value(select) or not self._passed_on(inner, select):
                    conditions += self._largest(inner, select)
                else:
                    for part in _choosing(inner):
                        conditions += self._largest(part, select)
        for key in shape.keys:
            cuts = list(self._largest(key.expression, tree))  # type: ignore[arg-type]  # a shape is of a Select
            whole = len(cuts) == 1 and self._is_one(key.expression, tree)  # type: ignore[arg-type]
            if whole:
                keys.append(KeyCut(key.name, cuts[0]))
            else:
                conditions += cuts
        return Cuts(_distinct(conditions), tuple(keys))

    # -- where expressions stand -------------------------------------------------------------------

    def _deciding(self, select: exp.Select, final: bool) -> Iterator[exp.Expr]:
        """What decides which rows there are, and how many."""
        for name in ("where", "having", "qualify"):
            if select.args.get(name) is not None:
                yield select.args[name].this
        for join in select.args.get("joins") or ():
            if join.args.get("on") is not None:
                yield join.args["on"]
        yield from select.args.get("windows") or ()
        if final:
            return
        if select.args.get("order") is not None:
            yield from (term.this for term in select.args["order"].expressions)  # which row DISTINCT ON takes
        holder = select.parent
        while isinstance(holder, exp.Subquery):
            holder = holder.parent
        listed = select.args.get("distinct") is not None or (
            isinstance(holder, exp.SetOperation)
            and (holder.args.get("distinct") is not False or not isinstance(holder, exp.Union))
        )
        if listed:
            yield from (node.unalias() for node in select.expressions)
            distinct = select.args.get("distinct")
            on = distinct.args.get("on") if distinct is not None else None
            if on is not None:
                yield on
        group = select.args.get("group")
        if group is None:
            return
        if group.args.get("all"):
            yield from (n.unalias() for n in select.expressions if not lineage.has_aggregate(n))
            return
        for name in ("expressions", "rollup", "cube", "grouping_sets"):
            yield from group.args.get(name) or ()

    def _passed_on(self, node: exp.Expr, select: exp.Select) -> bool:
        """Whether an output of an inner SELECT is looked at where it is used, with what is made of it there."""
        if self._is_mixed(node, select):
            return False  # known in one branch of a set operation only: where it is used it is not told apart
        if isinstance(node, exp.Column):
            return True
        grades = self._grades(node, select)
        if PERSON in grades or not grades & {KNOWN, AREA}:
            return not grades & {KNOWN, AREA}
        return self.grade(node, select) in {KNOWN, AREA}

    def _is_mixed(self, node: exp.Expr, select: exp.Select) -> bool:
        whole: exp.Expr = select
        while isinstance(whole.parent, exp.Subquery | exp.SetOperation):
            whole = whole.parent
        branches = branches_of(whole)
        if len(branches) < 2:
            return False
        place = next((n for n, one in enumerate(select.expressions) if one.unalias() is node), None)
        if place is None or any(len(branch.expressions) <= place for branch in branches):
            return True
        told = {self.grade(branch.expressions[place].unalias(), branch) for branch in branches} - {NEUTRAL}
        return len(told) > 1

    # -- what a column tells -----------------------------------------------------------------------

    def grade(self, node: exp.Expr, select: exp.Select) -> str:
        """What an expression over `select`'s FROM tells. KNOWN and AREA only where it can be followed to its rows."""
        grades = self._grades(node, select)
        if PERSON in grades:
            return PERSON
        if any(_opaque(inner) for inner in outside_queries(node)):
            argument = _selected(node)
            if argument is not None:
                return self.grade(argument, select)
            if not grades:
                return CLINICAL  # count(*): how many rows there are
            return CLINICAL
        for one in (CLINICAL, NEUTRAL):
            if grades == {one}:
                return one
        known = grades - {NEUTRAL}
        return next(iter(known)) if len(known) == 1 else CLINICAL if grades else NEUTRAL

    def _grades(self, node: exp.Expr, select: exp.Select) -> set[str]:
        found = {self._column(c, select) for c in outside_queries(node) if isinstance(c, exp.Column)}
        return found | ({CLINICAL} if any(isinstance(n, exp.Query) for n in outside_queries(node)) else set())

    def _column(self, column: exp.Column, select: exp.Select) -> str:
        source = source_of(column.table, select) if column.table else None
        if source is None:
            return NEUTRAL  # an output's own name, in an order
        if isinstance(source, exp.Table) and source.db:
            return self._base(source, column.name)
        found: set[str] = set()
        for inner, branch in behind(source, column.name):
            found.add(self.grade(inner, branch))
        if not found:
            return NEUTRAL if isinstance(source, exp.Values) else CLINICAL
        for one in (PERSON, CLINICAL):
            if one in found:
                return one
        known = found - {NEUTRAL}
        return next(iter(known)) if len(known) == 1 else CLINICAL if known else NEUTRAL

    def _base(self, source: exp.Table, name: str) -> str:
        table = self._schema.tables.get((DatabaseId(source.db), source.name))
        if table is None or name not in table.columns:
            return CLINICAL
        if table.reference or not table.person:
            return NEUTRAL
        if name == PERSON_COLUMN:
            return PERSON
        if (DatabaseId(source.db), source.name, name) in self._schema.homes:
            return KNOWN
        return _GRADES.get(table.columns[name].role, CLINICAL)

    # -- the largest known expressions -------------------------------------------------------------

    def _largest(self, node: exp.Expr, select: exp.Select) -> Iterator[Cut]:
        if isinstance(node, exp.Query):
            return  # a SELECT of its own, with expressions of its own
        grades = self._grades(node, select)
        if not grades & {KNOWN, AREA}:
            return
        opaque = any(_opaque(inner) for inner in outside_queries(node)) or _holder(node)
        known = grades - {NEUTRAL}
        if not opaque and len(known) == 1 and known <= {KNOWN, AREA}:
            kind = Kind.KNOWN if known == {KNOWN} else Kind.AREA
            located = self._locate(node, select, kind)
            # A column that was computed with lists besides is looked at where it is computed.
            behind_it = isinstance(node, exp.Column) and any(cut.site.beside for cut in located or ())
            if located is not None and not behind_it:
                yield from self._written(located, node, select)
                return
        if isinstance(node, exp.Column):
            source = source_of(node.table, select)
            for inner, branch in behind(source, node.name) if source is not None else ():
                yield from self._largest(_selected(inner) or inner, branch)
            return
        for child in node.iter_expressions():
            yield from self._largest(child, select)

    def _is_one(self, node: exp.Expr, select: exp.Select) -> bool:
        """Whether a key as a whole is one cut, looked at over one set of rows."""
        grades = self._grades(node, select) - {NEUTRAL}
        if (
            any(_opaque(inner) for inner in outside_queries(node))
            or len(grades) != 1
            or not grades <= {KNOWN, AREA}
        ):
            return False
        kind = Kind.KNOWN if grades == {KNOWN} else Kind.AREA
        located = self._locate(node, select, kind)
        return located is not None and len(located) == 1 and not located[0].site.beside

    def _written(self, located: list[Cut], node: exp.Expr, select: exp.Select) -> Iterator[Cut]:
        alias = next(
            (c.table for c in node.find_all(exp.Column) if self._column(c, select) in {KNOWN, AREA}), ""
        )
        for cut in located:
            columns = [c for c in node.find_all(exp.Column) if c.table == alias] if cut.site.beside else []
            yield replace(
                cut,
                written=node.copy(),
                select=self._number[id(select)],
                alias=alias,
                whole=len(located) == 1,
                parts=tuple(part for column in columns for part in self._largest(column, select)),
            )

    def _locate(self, node: exp.Expr, select: exp.Select, kind: Kind) -> list[Cut] | None:
        """The expression over the rows that it can be looked at over; None where its parts must be looked at one by one."""
        columns = list(node.find_all(exp.Column))
        known = {c.table for c in columns if self._column(c, select) in {KNOWN, AREA}}
        neutral = {c.table for c in columns} - known
        if not known:
            return []  # a constant of this branch
        if len(known) > 1:
            return None
        source = source_of(next(iter(known)), select)
        if source is None:
            return None
        base = isinstance(source, exp.Table) and bool(source.db)
        if base or self._is_pure(source):
            person = lineage.person_output(source, self._schema)
            beside = tuple(b for b in (source_of(n, select) for n in sorted(neutral)) if b is not None)
            if person is None or len(beside) != len(neutral) or not all(map(self._listing, beside)):
                if neutral:
                    return None
                raise Refused("query.cut_unknown", {"columns": _names(node)})
            names = tuple(sorted({c.name for c in columns if c.table in known}))
            home = bool(origins_of(node, select, self._schema) & self._schema.homes)
            return [Cut(kind, Site(source, person, beside), node.copy(), names, node, 0, "", home=home)]
        if neutral:
            return None
        found: list[Cut] = []
        wanted = {c.name for c in columns}
        branches = _branches_of(source, wanted)
        for branch, definitions in branches:
            inner = _substituted(node, {n: _selected(d) or d for n, d in definitions.items()})
            if any(_opaque(part) for part in outside_queries(inner)):
                return None
            located = self._locate(inner, branch, kind)
            if located is None:
                return None
            found += located
        return found if branches else None

    def _is_pure(self, source: exp.Expr) -> bool:
        """Whether a CTE or subquery reads nothing but known columns, so that its rows tell no more than they do."""
        query = _query_of(source)
        if query is None:
            return False
        if id(query) not in self._pure:
            self._pure[id(query)] = all(
                self._column(column, select) != CLINICAL
                for select in query.find_all(exp.Select)
                for column in select.find_all(exp.Column)
                if column.find_ancestor(exp.Select) is select and not _own_output(column, select)
            ) and all(self._plainly_read(select) for select in query.find_all(exp.Select))
        return self._pure[id(query)]

    def _plainly_read(self, select: exp.Select) -> bool:
        """No outputs of an inner relation that tell how many rows there were."""
        return all(
            self.grade(node.unalias(), select) != CLINICAL
            for node in select.expressions
            if not isinstance(node.unalias(), exp.Literal)
        )

    def _listing(self, source: exp.Expr) -> bool:
        """Codes or values that are nobody's: a public table, or VALUES."""
        if isinstance(source, exp.Values):
            return True
        if isinstance(source, exp.Table) and source.db:
            table = self._schema.tables.get((DatabaseId(source.db), source.name))
            return table is not None and not table.person
        query = _query_of(source)
        return query is not None and not any(
            (table := self._schema.tables.get((DatabaseId(t.db), t.name))) is None or table.person
            for t in query.find_all(exp.Table)
            if t.db
        )


# -- reading the tree -------------------------------------------------------------------------------------------------


def _opaque(node: exp.Expr) -> bool:
    return isinstance(node, exp.Query | exp.Window) or is_aggregate(node)


def _holder(node: exp.Expr) -> bool:
    """Whether a node is no value itself: a clause, a list, a branch, the function of a window."""
    kinds: tuple[type[exp.Expr], ...] = (
        exp.IgnoreNulls, exp.RespectNulls, *grammar.WINDOWS,
        exp.Where, exp.Order, exp.Ordered, exp.Tuple, exp.Distinct, exp.Alias, exp.Group, exp.Rollup, exp.Cube,
        exp.GroupingSets, exp.WindowSpec, exp.Star,
    )  # fmt: skip
    return isinstance(node, kinds) or (isinstance(node, exp.If) and isinstance(node.parent, exp.Case))


def _is_value(select: exp.Select) -> bool:
    """Whether a SELECT stands in an expression, where its output is looked at at once; not in a FROM."""
    node: exp.Expr = select
    while isinstance(node.parent, exp.Subquery | exp.SetOperation):
        node = node.parent
    return node.parent is not None and not isinstance(node.parent, exp.From | exp.Join | exp.CTE)


def _selected(node: exp.Expr) -> exp.Expr | None:
    """What an aggregate of `_SELECTING` picks its value from: `x` of `min(x)`, None for anything else."""
    while isinstance(node, exp.Filter | exp.IgnoreNulls | exp.RespectNulls | exp.Paren):
        node = node.this
    if not isinstance(node, _SELECTING):
        return None
    argument = node.this
    if isinstance(argument, exp.Order):
        argument = argument.this
    inner: exp.Expr | None = None if any(_opaque(part) for part in outside_queries(argument)) else argument
    return inner


def _choosing(node: exp.Expr) -> Iterator[exp.Expr]:
    """What decides which row an aggregate of `_SELECTING` picks from, or whether it finds one: all but its value."""
    while isinstance(node, exp.Filter | exp.IgnoreNulls | exp.RespectNulls | exp.Paren):
        if isinstance(node, exp.Filter):
            yield node.expression
        node = node.this
    if isinstance(node, _SELECTING):
        value = _selected(node)
        for child in node.iter_expressions():
            if isinstance(child, exp.Order):
                # Of equal rows the one with the smallest value: a value of the person's all the same.
                parts = (
                    part.this if isinstance(part, exp.Ordered) else part for part in child.iter_expressions()
                )
                yield from (part for part in parts if part != value)
            elif child is not value:
                yield child


def _query_of(source: exp.Expr) -> exp.Expr | None:
    if isinstance(source, exp.Subquery):
        inner: exp.Expr = source.this
        return inner
    if isinstance(source, exp.Table) and not source.db:
        cte = cte_of(source.name, source)
        return None if cte is None else cte.this
    return None


def _branches_of(source: exp.Expr, names: set[str]) -> list[tuple[exp.Select, Mapping[str, exp.Expr]]]:
    """Per branch of a relation the expressions that make the named columns; empty where one is not found."""
    by_branch: dict[int, tuple[exp.Select, dict[str, exp.Expr]]] = {}
    for name in names:
        for inner, branch in behind(source, name):
            by_branch.setdefault(id(branch), (branch, {}))[1][name] = inner
    found: list[tuple[exp.Select, Mapping[str, exp.Expr]]] = list(by_branch.values())
    return found if all(set(definitions) == names for _, definitions in found) else []


def _substituted(node: exp.Expr, definitions: Mapping[str, exp.Expr]) -> exp.Expr:
    def put(inner: exp.Expr) -> exp.Expr:
        return exp.paren(definitions[inner.name].copy()) if isinstance(inner, exp.Column) else inner

    changed: exp.Expr = node.copy().transform(put)
    return changed


def _own_output(column: exp.Column, select: exp.Select) -> bool:
    return not column.table and column.name in select.named_selects


def _names(node: exp.Expr) -> str:
    return ", ".join(sorted({printable(c.name) for c in node.find_all(exp.Column)}))


def _distinct(cuts: list[Cut]) -> tuple[Cut, ...]:
    seen: dict[tuple[str, str, int, str], Cut] = {}
    for cut in cuts:
        texts = (cut.expression.sql("duckdb", comments=False), cut.written.sql("duckdb", comments=False))
        seen.setdefault((cut.site.name, texts[0], cut.select, texts[1]), cut)
    return tuple(seen.values())
