"""How the persons of a large table's cells are counted: by sound bounds first, exactly where these decide nothing.

Decides which statements can be counted so (`counting_of`) and writes the statements; which of them run, and what their
numbers decide, is the gateway's and disclosure's. A statement that cannot is counted exactly, in one go (`evidence`).

 1. `sliced`: lower bounds of every cell's evidence among the persons below some pseudonym. The extract lies in the order of
    pseudonyms, so that a slice is read alone. 2. Where these bounds decide the cells: `plain`, the asker's own numbers with the
    records. Else `masked`, with bounds over everybody. 3. `exact`: today's evidence for the cells that are left.

Covered: the record tier; counts of records and persons, sums, means and variances; no more than one condition among the
counts, since of two groups that overlap no bounds tell the difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from sqlglot import exp

from enclave.core.refusal import Refused
from enclave.query.cells import Call, Shape
from enclave.query.keeping import literal
from enclave.query.origins import origins_of
from enclave.query.parse import DIALECT
from enclave.query.rewrite import counting as rules
from enclave.query.rewrite.by_person import named
from enclave.query.rewrite.evidence import RECORDS, add_evidence, cells_of
from enclave.query.rewrite.order import order_by_keys
from enclave.query.rewrite.projection import project_permitted
from enclave.query.rewrite.tallied import always, tallied
from enclave.query.rewrite.written_out import write_out_all
from enclave.query.schema import PERSON_COLUMN, TableName
from enclave.query.stages import EVIDENCE, Authorised, Cells, Form, Guarded, Known

WHOLE_NUMBERS = frozenset({"UINTEGER", "INTEGER", "UBIGINT", "BIGINT", "USMALLINT", "SMALLINT"})

_NO_SLICE = (exp.Window, exp.SetOperation, exp.Limit, exp.Offset, exp.Lateral, exp.Unnest)
"""Nodes through which the engine hands no condition down: the slice would cost as much as everything."""

WANTED = f"{EVIDENCE}wanted"


@dataclass(frozen=True)
class Sums:
    """Sums, means and variances that take in the same records of the same values: columns of the mask, and of how many
    records they take in (None where nothing is subtracted from them). `few`: whether a few different values would be told."""

    mask: str
    inside: str | None
    few: bool = False


@dataclass(frozen=True)
class Condition:
    """The one condition of counts: the column of the records under it, and of the persons in a slice."""

    records: str
    persons: str


@dataclass(frozen=True)
class Counting:
    """The statements of one question. `persons`: an own column that is the number of distinct persons itself;
    `named`: every row has a person. `tables`: those about persons, of which the largest is sliced."""

    authorised: Authorised
    shape: Shape
    cells: Cells
    sums: tuple[Sums, ...]
    condition: Condition | None
    persons: str | None
    named: bool
    tables: tuple[TableName, ...]

    @property
    def alone(self) -> bool:
        """Whether `plain` tells everything."""
        return self.persons is not None and not self.sums and self.condition is None

    @property
    def masks(self) -> bool:
        """Whether `masked` can tell what `sliced` could not: of a difference masks tell nothing."""
        return self.condition is None

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The columns that tell a cell from others: keys, and whether the row is a margin over them."""
        marks = [d.grouping for d in self.cells.dimensions if d.grouping is not None]
        return (*(d.name for d in self.cells.dimensions), *marks)

    def size(self, table: TableName) -> Guarded:
        """`rows` and `named` (those with a person) of a table."""
        counted = [
            named(exp.Count(this=exp.Star(), big_int=True), "rows"),
            named(exp.Count(this=person_column(), big_int=True), "named"),
        ]
        return self._printed(exp.Select(expressions=counted, from_=exp.From(this=named_table(table))))

    def bound(self, table: TableName, rows: int) -> Guarded:
        """The highest pseudonym (`most`) among the first `rows` rows of a table."""
        first = exp.Select(expressions=[person_column()], from_=exp.From(this=named_table(table)))
        first.set("limit", exp.Limit(expression=exp.Literal.number(rows)))
        highest = named(exp.Max(this=person_column()), "most")
        alias = exp.TableAlias(this=exp.to_identifier("first", quoted=True))
        return self._printed(
            exp.Select(expressions=[highest], from_=exp.From(this=exp.Subquery(this=first, alias=alias)))
        )

    def sliced(self, most: int) -> Guarded:
        """Keys and bounds among the persons up to `most`."""
        tree = rules.only_persons(self._tree(), self.shape, most)
        names = {key.name for key in self.shape.keys}
        tree.set("expressions", [node for node in tree.expressions if node.alias_or_name in names])
        tree.set("order", None)
        bounds = self._masks()
        if self.condition is not None:
            call = self._conditioned()
            bounds += [
                named(rules.distinct_of(self.shape, None), rules.persons_of(None)),
                named(rules.distinct_of(self.shape, call), rules.persons_of(call)),
            ]
        return self._limited(_with(tree, [*bounds, *rules.groupings(self.shape)]))

    def plain(self) -> Guarded:
        """The asker's own columns, with the records."""
        return self._limited(_with(self._ordered(), self._records()))

    def masked(self) -> Guarded:
        """The asker's own columns, with the records and with bounds over everybody."""
        return self._limited(_with(self._ordered(), [*self._records(), *self._masks()]))

    def parted(self, table: TableName, most: int) -> Guarded | None:
        """As `masked`, with bounds over the persons up to `most` only: the table is read in two parts, of which the first
        makes the bounds. Every row has to have a person. None where the statement is not about that table alone."""
        tree = self._ordered()
        masks = [node.unalias() for node in self._masks()]
        parts = rules.in_parts(tree, self.shape, masks, named_table(table), most, self._columns(table))
        if parts is None:
            return None
        names = [node.alias_or_name for node in self._masks()]
        bounds = [named(rules.united(place, parts), name) for place, name in enumerate(names)]
        return self._limited(_with(parts, [*self._records(), *bounds]))

    def _columns(self, table: TableName) -> frozenset[str]:
        return frozenset(self.authorised.known.schema.tables[table].columns)

    def exact(self, cells: Sequence[tuple[tuple[object, ...], tuple[bool, ...]]]) -> Guarded | None:
        """Today's evidence for some cells, each as its keys and which of them are told (not rolled up); rows of other
        cells may come along and then say nothing. None where a key has no literal."""
        by_told: dict[tuple[bool, ...], list[tuple[object, ...]]] = {}
        for keys, told in cells:
            by_told.setdefault(told, []).append(
                tuple(key for key, one in zip(keys, told, strict=True) if one)
            )
        tree = add_evidence(self.authorised.known.tree, self.authorised)
        tree.set("order", None)
        try:
            if len(by_told) == 1 and all(map(any, by_told)):
                ((told, values),) = by_told.items()
                lines, same = self._among(told, values)
                return self._limited(rules.only_joined(tree, lines, same))
            conditions = [self._exists(told, values) for told, values in by_told.items()]
        except Refused:
            return None
        return self._limited(rules.only_cells(tree, conditions))

    def _exists(self, told: tuple[bool, ...], values: Sequence[tuple[object, ...]]) -> exp.Expr:
        if not any(told):
            return exp.true()
        lines, same = self._among(told, values)
        inner = exp.Select(
            expressions=[exp.Literal.number(1)], from_=exp.From(this=lines), where=exp.Where(this=same)
        )
        return exp.Exists(this=inner)

    def _among(
        self, told: tuple[bool, ...], values: Sequence[tuple[object, ...]]
    ) -> tuple[exp.Values, exp.Expr]:
        """A list of cells, and when a record is of one of them. Raises Refused where a key has no literal."""
        keys = [key.expression for key, one in zip(self.shape.keys, told, strict=True) if one]
        names = [f"w{place}" for place in range(len(keys))]
        lines = exp.Values(
            expressions=[exp.Tuple(expressions=[literal(one) for one in line]) for line in values],
            alias=exp.TableAlias(
                this=exp.to_identifier(WANTED, quoted=True),
                columns=[exp.to_identifier(name, quoted=True) for name in names],
            ),
        )
        same = exp.and_(
            *(
                exp.NullSafeEQ(this=exp.column(name, WANTED, quoted=True), expression=exp.paren(key.copy()))
                for name, key in zip(names, keys, strict=True)
            )
        )
        return lines, same

    def _tree(self) -> exp.Query:
        return rules.written_out(self.authorised.known.tree, self.authorised)

    def _ordered(self) -> exp.Query:
        return order_by_keys(self._tree(), self.authorised)

    def _conditioned(self) -> Call:
        return next(call for call in self.shape.calls if call.summed is None and call.contributes is not None)

    def _sums(self) -> list[tuple[Sums, Call]]:
        by_mask = {rules.mask_of(call): call for call in self.shape.calls}
        return [(one, by_mask[one.mask]) for one in self.sums]

    def _masks(self) -> list[exp.Expr]:
        found = [named(rules.sum_mask(self.shape, call), one.mask) for one, call in self._sums()]
        if not found and self.condition is None and self.persons is None:
            found.append(named(rules.person_mask(self.shape), rules.MASK))
        return found

    def _records(self) -> list[exp.Expr]:
        found = [rules.records()]
        if self.condition is not None:
            call = self._conditioned()
            if self.condition.records not in {column.name for column in self.shape.columns}:
                found.append(named(call.node.copy(), self.condition.records))
        for one, call in self._sums():
            if one.inside is not None:
                found.append(named(rules.records_of(call), one.inside))
        return [*found, *rules.groupings(self.shape)]

    def _limited(self, tree: exp.Query) -> Guarded:
        return replace(self._printed(tree), max_rows=self.authorised.obligations.max_rows)

    def _printed(self, tree: exp.Query) -> Guarded:
        from enclave.query.flow import check_projections  # the way of a question knows this module

        tree = project_permitted(write_out_all(tree, self.authorised), self.authorised)
        known = self.authorised.known
        return Guarded(
            sql=tree.sql(DIALECT, identify=True, comments=False),
            form=Form.ROWS,
            names=(),
            expected=check_projections(tree, self.authorised),
            facts=known.facts,
            obligations=self.authorised.obligations,
        )


def counting_of(authorised: Authorised) -> Counting | None:
    """How a statement's persons can be counted by bounds; None where they are counted exactly."""
    known, shape = authorised.known, authorised.known.shape
    if shape is None or authorised.aggregate or not isinstance(known.tree, exp.Select):
        return None
    cells = cells_of(authorised)
    origins = origins_of(shape.person, known.tree, known.schema)
    types = {known.schema.tables[o[:2]].columns[o[2]].type for o in origins}
    if cells.others is not None or cells.members or not types or not types <= WHOLE_NUMBERS:
        return None
    if cells.account is not None and not cells.account.of_missing:
        return None
    if next(iter(known.tree.find_all(*_NO_SLICE)), None) is not None:
        return None
    told = tallied(known.tree, shape.calls, known.schema)
    if any(call.id in told and always(known.tree, call, known.schema) for call in shape.calls):
        # How many have which value is counted exactly.
        return None
    if cells.apart is not None and any(c.condition is None for c in shape.calls if c.kind in {"sum", "avg"}):
        # Who is in none of several sums, and in a sum of all, is counted exactly.
        return None
    tables = person_tables(known)
    found = _parts(shape, cells, frozenset(told))
    if found is None or not tables:
        return None
    sums, condition, persons = found
    if shape.margins and persons is not None:
        # Whether few stand in two details of a total is seen in exact numbers (`gateway.readable`).
        return None
    named = not any(join.side for join in known.tree.find_all(exp.Join))
    return Counting(authorised, shape, cells, sums, condition, persons, named, tables)


def _parts(
    shape: Shape, cells: Cells, told: frozenset[str]
) -> tuple[tuple[Sums, ...], Condition | None, str | None] | None:
    """The calls by what has to be known of them; None for a call of which bounds tell too little. `told`: those whose number
    of different values matters."""
    sums: dict[tuple[exp.Expr, exp.Expr], Call] = {}
    condition: tuple[exp.Expr, Condition] | None = None
    persons = None
    for call, part in zip(shape.calls, cells.parts, strict=True):
        if call.summed is not None and call.contributes is not None:
            sums.setdefault((call.contributes, call.summed), call)
        elif call.kind == "persons" and call.contributes is None:
            persons = part.value
        elif call.kind in {"records", "count"}:
            if call.contributes is None:
                continue
            if condition is not None and condition[0] != call.contributes:
                return None
            condition = condition or (
                call.contributes, Condition(part.value, rules.persons_of(call)),
            )  # fmt: skip
        else:
            return None
    many = len({call.contributes for call in shape.calls if call.kind in {"sum", "avg"}}) > 1
    # Nobody is without a value where a sum takes in every record.
    many = many or cells.account is not None
    return (
        tuple(
            Sums(
                rules.mask_of(call),
                rules.inside_of(call) if many else None,
                few=any(other.id in told and other.summed == call.summed for other in shape.calls),
            )
            for call in sums.values()
        ),
        None if condition is None else condition[1],
        persons if persons in {column.name for column in shape.columns} else None,
    )


def person_tables(known: Known) -> tuple[TableName, ...]:
    """The tables of a statement that are about persons."""
    return tuple(
        (use.database, use.table)
        for use in known.facts.tables
        if known.schema.tables[use.database, use.table].person
    )


def named_table(table: TableName) -> exp.Table:
    database, name = table
    return exp.Table(this=exp.to_identifier(name, quoted=True), db=exp.to_identifier(database, quoted=True))


def person_column() -> exp.Column:
    return exp.column(exp.to_identifier(PERSON_COLUMN, quoted=True))


def _with(tree: exp.Query, added: Sequence[exp.Expr]) -> exp.Query:
    tree = tree.copy()
    tree.set("expressions", [*tree.expressions, *added])
    return tree


__all__ = ["RECORDS", "Condition", "Counting", "Sums", "counting_of"]
