"""Whole blocks: what the aggregate tier asks an extract before it answers, and what follows from the answer.

Decides, from identifying columns and areas alone, whether a statement's cuts run between blocks. An expression that cuts
through blocks is answered in steps of whole blocks: everybody in a block counts with the value that most of them have
(`rewrite.step`), and the cells that this touches are called perturbed. None of it depends on what anybody is treated for
or what became of them. Relies on `cuts` for where a statement uses what outsiders know, and on custody for the blocks (at
least k persons each, the same for every permit).

Where blocks are cut along areas of residence, these are as sex and age are. Other areas are blocks of their own: one with k
persons or more is one, the smaller ones together are one, and its cells are hidden. Where a statement also cuts by what
is known, an area counts as small unless each block has none or k persons in it. Does not run anything: `probes` makes
statements, `keeping.settle` reads their answers.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from enclave.core.ids import DatabaseId
from enclave.core.refusal import Refused
from enclave.query.cuts import Cut, Cuts, KeyCut, Kind, Site
from enclave.query.origins import cte_of
from enclave.query.parse import DIALECT, printable
from enclave.query.rewrite.projection import BLOCKS, project_permitted
from enclave.query.rewrite.steady import steady
from enclave.query.schema import PERSON_COLUMN, TableName
from enclave.query.stages import Authorised

BLOCK = "block"


@dataclass(frozen=True)
class Probe:
    """One statement over known columns and blocks. `expected` as in `stages.Guarded`.

    `conditions`: one row, per cut the number of blocks that it runs through. `homes`: per value how many persons have it, and
    how many would lose or gain it in steps. `keys`: the values of the keys with their persons, block by block, of blocks
    with more than one. `areas`: per unit of area its persons, the least in a block, and every value.
    """

    sql: str
    expected: Mapping[TableName, tuple[str, ...]]
    conditions: tuple[Cut, ...] = ()
    homes: tuple[Cut, ...] = ()
    keys: tuple[KeyCut, ...] = ()
    areas: tuple[Cut, ...] = ()
    area_keys: tuple[KeyCut, ...] = ()


def probes(authorised: Authorised, cuts: Cuts) -> tuple[Probe, ...]:
    """What to ask. Empty where the statement uses nothing that outsiders know.

    Raises Refused `query.aggregate_unprepared` without blocks for the databases asked, `query.areas_apart` where areas
    of several tables are used.
    """
    group = group_of(authorised)
    found: list[Probe] = []
    by_site: dict[str, list[Cut]] = defaultdict(list)
    for cut in cuts.conditions:
        if cut.kind is Kind.KNOWN:
            by_site[cut.site.name].append(cut)
    for together in by_site.values():
        found.append(_conditions(authorised, group, together))
        for cut in together:
            found += [_misplaced(authorised, group, part) for part in (cut.parts or (cut,)) if part.home]
    known_keys = tuple(key for key in cuts.keys if key.cut.kind is Kind.KNOWN)
    if known_keys:
        found.append(_keys(authorised, group, known_keys))
    areas = [cut for cut in cuts.conditions if cut.kind is Kind.AREA]
    area_keys = tuple(key for key in cuts.keys if key.cut.kind is Kind.AREA)
    if areas or area_keys:
        found.append(_areas(authorised, group, tuple(areas), area_keys))
    return tuple(found)


def group_of(authorised: Authorised) -> tuple[DatabaseId, ...]:
    """The linkage group whose blocks hold for every database of persons in the statement."""
    known = authorised.known
    asked = {
        use.database for use in known.facts.tables if known.schema.tables[use.database, use.table].person
    }
    for group in known.schema.block_groups:
        if asked <= set(group):
            return group
    raise Refused("query.aggregate_unprepared")


# -- the statements -----------------------------------------------------------------------------------------------------


def _conditions(authorised: Authorised, group: Sequence[DatabaseId], cuts: Sequence[Cut]) -> Probe:
    site = cuts[0].site
    named = [(f"v{n}", cut.expression) for n, cut in enumerate(cuts)]
    rows, expected = _rows(authorised, group, site, named)
    beside = [f"b{n}" for n in range(len(site.beside))]
    per_block = exp.Select(
        expressions=[exp.alias_(_several(name), f"m{n}", quoted=True) for n, (name, _) in enumerate(named)],
        from_=exp.From(this=exp.Subquery(this=rows, alias=_alias("r"))),
        group=exp.Group(expressions=[_column(BLOCK), *map(_column, beside)]),
    )
    total = exp.Select(
        expressions=[
            exp.alias_(exp.CountIf(this=_column(f"m{n}")), f"n{n}", quoted=True) for n in range(len(named))
        ],
        from_=exp.From(this=exp.Subquery(this=per_block, alias=_alias("p"))),
    )
    return Probe(_print(total), expected, conditions=tuple(cuts))


def _keys(authorised: Authorised, group: Sequence[DatabaseId], keys: Sequence[KeyCut]) -> Probe:
    """Blocks with several tuples of the keys. Each site's values are taken per person and joined on the person."""
    by_site: dict[str, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        by_site[key.cut.site.name].append(place)
    expected: dict[TableName, tuple[str, ...]] = {}
    whose = [_column(PERSON_COLUMN, "b"), _column(BLOCK, "b")]
    tree = exp.Select(expressions=whose, distinct=exp.Distinct())
    source, blocks = _block_table(group)
    expected.update(blocks)
    tree.set("from_", exp.From(this=exp.Subquery(this=source, alias=_alias("b"))))
    joins = []
    for number, places in enumerate(by_site.values()):
        named = [(f"k{place}", keys[place].cut.expression) for place in places]
        rows, read = _inner(authorised, keys[places[0]].cut.site, named)
        expected.update(read)
        rows.set("distinct", exp.Distinct())
        alias = f"s{number}"
        same = exp.EQ(this=_column(PERSON_COLUMN, "b"), expression=_column(PERSON_COLUMN, alias))
        joins.append(exp.Join(this=exp.Subquery(this=rows, alias=_alias(alias)), on=same))
        for place in places:
            tree.append("expressions", exp.alias_(_column(f"k{place}", alias), f"k{place}", quoted=True))
    tree.set("joins", joins)
    names = [f"k{place}" for place in range(len(keys))]
    values = ", ".join(f'"{name}"' for name in names)
    chosen = _around(
        f"""SELECT CASE WHEN "several" > 1 THEN "block" END AS "block", {values}, CAST(sum("persons") AS BIGINT) AS "persons"
        FROM (SELECT "block", {values}, "persons", count(*) OVER (PARTITION BY "block") AS "several" FROM (
            SELECT "block", {values}, count(*) AS "persons" FROM rows AS t GROUP BY "block", {values}) AS c) AS m
        GROUP BY ALL""",
        tree,
    )
    return Probe(_print(chosen), expected, keys=tuple(keys))


def _misplaced(authorised: Authorised, group: Sequence[DatabaseId], cut: Cut) -> Probe:
    """Per value of a cut how many persons have it (`own`), and how many of them would lose it, how many others gain it, if
    everybody had what most of their block have."""
    rows, expected = _rows(authorised, group, cut.site, [("value", cut.expression)])
    tree = _around(
        """SELECT "value", CAST(sum("persons") AS BIGINT) AS "own",
        CAST(sum(CASE WHEN "value" IS NOT DISTINCT FROM "top" THEN 0 ELSE "persons" END) AS BIGINT) AS "lost",
        CAST(sum(CASE WHEN "value" IS NOT DISTINCT FROM "top" THEN "everybody" - "persons" ELSE 0 END) AS BIGINT) AS "gained"
        FROM (SELECT "value", "persons", sum("persons") OVER (PARTITION BY "block") AS "everybody",
                first_value("value") OVER (PARTITION BY "block" ORDER BY "persons" DESC, "value") AS "top"
            FROM (SELECT "block", "value", count(DISTINCT "pid") AS "persons" FROM rows AS r GROUP BY "block", "value") AS c
        ) AS x GROUP BY "value" """,
        rows,
    )
    return Probe(_print(tree), expected, homes=(cut,))


def _around(text: str, rows: exp.Select) -> exp.Select:
    """A statement of ours, with `rows` in it."""
    tree = sqlglot.parse_one(text, dialect=DIALECT)
    for table in tree.find_all(exp.Table):
        if table.name == "rows":
            table.replace(exp.Subquery(this=rows, alias=_alias(table.alias)))
    if not isinstance(tree, exp.Select):
        raise TypeError("a statement became something else")
    return tree


def _areas(
    authorised: Authorised, group: Sequence[DatabaseId], cuts: tuple[Cut, ...], keys: tuple[KeyCut, ...]
) -> Probe:
    everything = [*cuts, *(key.cut for key in keys)]
    site = everything[0].site
    if any(cut.site.name != site.name for cut in everything) or site.beside:
        raise Refused("query.areas_apart", {"columns": columns_named(everything)})
    units = sorted({column for cut in everything for column in cut.columns})
    alias = site.source.alias_or_name
    named: list[tuple[str, exp.Expr]] = [
        (f"u{n}", exp.column(name, alias, quoted=True)) for n, name in enumerate(units)
    ]
    named += [(f"v{n}", cut.expression) for n, cut in enumerate(everything)]
    rows, expected = _rows(authorised, group, site, named)
    unit_names = [f"u{n}" for n in range(len(units))]
    value_names = [f"v{n}" for n in range(len(everything))]
    persons = exp.Count(this=exp.Distinct(expressions=[_column(PERSON_COLUMN)]))
    per_block = exp.Select(
        expressions=[
            *map(_column, [*unit_names, *value_names]),
            exp.alias_(persons, "persons", quoted=True),
        ],
        from_=exp.From(this=exp.Subquery(this=rows, alias=_alias("r"))),
        group=exp.Group(expressions=[_column(BLOCK), *map(_column, [*unit_names, *value_names])]),
    )
    # A unit's persons are those of its blocks: everybody is in one block.
    tree = exp.Select(
        expressions=[
            *map(_column, [*unit_names, *value_names]),
            exp.alias_(exp.Sum(this=_column("persons")), "persons", quoted=True),
            exp.alias_(exp.Min(this=_column("persons")), "least", quoted=True),
        ],
        from_=exp.From(this=exp.Subquery(this=per_block, alias=_alias("p"))),
        group=exp.Group(expressions=list(map(_column, [*unit_names, *value_names]))),
        order=exp.Order(expressions=[exp.Ordered(this=_column(name)) for name in unit_names]),
    )
    return Probe(_print(tree), expected, areas=cuts, area_keys=keys)


def step_of(authorised: Authorised, group: Sequence[DatabaseId], cut: Cut) -> exp.Select:
    """Everybody of the blocks with the value that most persons of their block have, as `pid` and `value`; of values
    that equally many have, the first in their order."""
    rows, _ = _rows(authorised, group, cut.site, [("value", cut.expression)])
    counted = exp.Select(
        expressions=[
            _column(BLOCK),
            _column("value"),
            exp.alias_(
                exp.Count(this=exp.Distinct(expressions=[_column(PERSON_COLUMN)])), "persons", quoted=True
            ),
        ],
        from_=exp.From(this=exp.Subquery(this=rows, alias=_alias("r"))),
        group=exp.Group(expressions=[_column(BLOCK), _column("value")]),
    )
    order = [exp.Ordered(this=_column("persons"), desc=True), exp.Ordered(this=_column("value"))]
    first = exp.Window(
        this=exp.RowNumber(), partition_by=[_column(BLOCK)], order=exp.Order(expressions=order)
    )
    ranked = exp.Select(
        expressions=[_column(BLOCK), _column("value"), exp.alias_(first, "place", quoted=True)],
        from_=exp.From(this=exp.Subquery(this=counted, alias=_alias("c"))),
    )
    source, _ = _block_table(group)
    same = exp.EQ(this=_column(BLOCK, "m"), expression=_column(BLOCK, "b"))
    return exp.Select(
        expressions=[_column(PERSON_COLUMN, "b"), _column("value", "m")],
        from_=exp.From(this=exp.Subquery(this=source, alias=_alias("b"))),
        joins=[exp.Join(this=exp.Subquery(this=ranked, alias=_alias("m")), on=same)],
        where=exp.Where(this=exp.EQ(this=_column("place", "m"), expression=exp.Literal.number(1))),
    )


def _rows(
    authorised: Authorised, group: Sequence[DatabaseId], site: Site, named: Sequence[tuple[str, exp.Expr]]
) -> tuple[exp.Select, dict[TableName, tuple[str, ...]]]:
    """Every row of a site with the values of expressions, and its person and block."""
    inner, expected = _inner(authorised, site, named)
    source, blocks = _block_table(group)
    same = exp.EQ(this=_column(PERSON_COLUMN, "s"), expression=_column(PERSON_COLUMN, "b"))
    tree = exp.Select(
        expressions=[exp.column(exp.Star(), "s"), _column(BLOCK, "b")],
        from_=exp.From(this=exp.Subquery(this=inner, alias=_alias("s"))),
        joins=[exp.Join(this=exp.Subquery(this=source, alias=_alias("b")), on=same)],
    )
    return tree, {**expected, **blocks}


def _inner(
    authorised: Authorised, site: Site, named: Sequence[tuple[str, exp.Expr]]
) -> tuple[exp.Select, dict[TableName, tuple[str, ...]]]:
    """The person and the values, row by row, over permitted projections alone."""
    alias = site.source.alias_or_name
    person = exp.column(site.person, alias, quoted=True)
    expressions = [exp.alias_(person, PERSON_COLUMN, quoted=True)]
    expressions += [exp.alias_(exp.paren(node.copy()), name, quoted=True) for name, node in named]
    joins = []
    for number, beside in enumerate(site.beside):
        joins.append(exp.Join(this=beside.copy(), kind="CROSS"))
        # Which line of the list it is: two lines are two questions, where they differ in what is asked of them.
        asked = sorted(
            {
                c.name
                for _, node in named
                for c in node.find_all(exp.Column)
                if c.table == beside.alias_or_name
            }
        )
        parts = [exp.column(name, beside.alias_or_name, quoted=True) for name in asked]
        line: exp.Expr = (
            exp.cast(exp.Anonymous(this="row", expressions=parts), "VARCHAR") if parts else exp.Null()
        )
        expressions.append(exp.alias_(line, f"b{number}", quoted=True))
    tree = exp.Select(expressions=expressions, from_=exp.From(this=site.source.copy()), joins=joins)
    needed = _ctes([site.source, *site.beside])
    if needed:
        tree.set("with_", exp.With(expressions=[cte.copy() for cte in needed]))
    steady(tree)
    projected = project_permitted(tree, authorised)
    if not isinstance(projected, exp.Select):
        raise TypeError("a statement became something else")
    return projected, _expected(projected)


def _ctes(sources: Sequence[exp.Expr]) -> list[exp.CTE]:
    """The CTEs that these items of a FROM need, each after those it needs itself."""
    found: list[exp.CTE] = []

    def add(node: exp.Expr) -> None:
        for table in node.find_all(exp.Table):
            if table.db:
                continue
            cte = cte_of(table.name, table)
            if cte is not None and not any(cte is one for one in found):
                add(cte.this)
                if not any(cte is one for one in found):
                    found.append(cte)

    for source in sources:
        add(source)
    inner = {id(c) for cte in found for c in cte.this.find_all(exp.CTE)}
    return [cte for cte in found if id(cte) not in inner]


def _expected(tree: exp.Expr) -> dict[TableName, tuple[str, ...]]:
    found: dict[TableName, tuple[str, ...]] = {}
    for table in tree.find_all(exp.Table):
        if table.db and table.parent_select is not None:
            columns = tuple(node.name for node in table.parent_select.expressions)
            found[DatabaseId(table.db), table.name] = columns
    return found


def _block_table(group: Sequence[DatabaseId]) -> tuple[exp.Select, dict[TableName, tuple[str, ...]]]:
    name = "-".join(group)
    table = exp.Table(this=exp.to_identifier(name, quoted=True), db=exp.to_identifier(BLOCKS, quoted=True))
    tree = exp.Select(expressions=[_column(PERSON_COLUMN), _column(BLOCK)], from_=exp.From(this=table))
    return tree, {(DatabaseId(BLOCKS), name): (PERSON_COLUMN, BLOCK)}


def _several(name: str) -> exp.Expr:
    """Whether a column has more than one value, missing counting as one."""
    different = exp.Count(this=exp.Distinct(expressions=[_column(name)]))
    absent = exp.Cast(
        this=exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Count(this=_column(name))),
        to=exp.DataType.build("INT"),
    )
    return exp.GT(
        this=exp.paren(exp.Add(this=different, expression=absent)), expression=exp.Literal.number(1)
    )


def _column(name: str, table: str | None = None) -> exp.Column:
    return exp.column(
        exp.to_identifier(name, quoted=True), exp.to_identifier(table, quoted=True) if table else None
    )


def _alias(name: str) -> exp.TableAlias:
    return exp.TableAlias(this=exp.to_identifier(name, quoted=True))


def _print(tree: exp.Expr) -> str:
    return tree.sql(DIALECT, identify=True, comments=False)


def columns_named(cuts: Sequence[Cut]) -> str:
    return ", ".join(sorted({printable(name) for cut in cuts for name in cut.columns}))


# -- the tree that runs -------------------------------------------------------------------------------------------------
