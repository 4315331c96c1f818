"""Who stands behind each cell of a table that was answered: the same statement with the persons instead of their number.

Decides nothing about disclosure. Takes the statement that was rewritten and checked, and changes in it only what counts
distinct persons as evidence into a list of them, and which columns leave it: keys and these. What it reads is what the
statement read, so the engine's own account of it is held against the same tables and columns. Its answer is for custody,
which numbers persons, and for nobody's eyes.
"""

from dataclasses import replace

import sqlglot
from sqlglot import exp

from enclave.query.parse import DIALECT
from enclave.query.rewrite.by_person import without_others
from enclave.query.stages import Guarded


def members_of(guarded: Guarded) -> Guarded | None:
    """The statement whose columns `cells.persons` and `part.persons` are lists of pseudonyms; None where the persons of a
    cell are not counted one by one, so that nobody can name them."""
    cells = guarded.cells
    if cells is None:
        return None
    tree = without_others(sqlglot.parse_one(guarded.sql, dialect=DIALECT))
    wanted = {cells.persons, *(part.persons for part in cells.parts)}
    listed = set()
    for alias in tuple(tree.find_all(exp.Alias)):
        if alias.alias in wanted and _list_instead(alias):
            listed.add(alias.alias)
    if listed != wanted or not isinstance(tree, exp.Select):
        return None
    kept = {dimension.name for dimension in cells.dimensions}
    kept |= {dimension.grouping for dimension in cells.dimensions if dimension.grouping is not None}
    tree.set("expressions", [one for one in tree.expressions if one.alias_or_name in kept | wanted])
    if {one.alias_or_name for one in tree.expressions} != kept | wanted:
        return None
    return replace(
        guarded,
        sql=tree.sql(DIALECT, identify=True, comments=False),
        names=tuple(one.alias_or_name for one in tree.expressions),
        max_rows=None,
        counting=None,
    )


def measured(guarded: Guarded) -> dict[str, str]:
    """What each of the asker's columns computes, in the statement's own words: column → text. Two numbers over the same
    persons by the same words differ only where their records do."""
    tree = without_others(sqlglot.parse_one(guarded.sql, dialect=DIALECT))
    named = {one.name for one in guarded.cells.measures} if guarded.cells is not None else set()
    found = {
        one.alias: one.this.sql(DIALECT, identify=True)
        for one in (tree.expressions if isinstance(tree, exp.Select) else [])
        if isinstance(one, exp.Alias)
    }
    return {name: found.get(name, name) for name in named}


def _list_instead(alias: exp.Alias) -> bool:
    """Change `COUNT(DISTINCT person)`, filtered or not, into a list of them; False where it is something else."""
    counted = alias.this.this if isinstance(alias.this, exp.Filter) else alias.this
    if not isinstance(counted, exp.Count) or not isinstance(counted.this, exp.Distinct):
        return False
    persons = counted.this.expressions
    if len(persons) != 1 or not isinstance(persons[0], exp.Column):
        return False
    counted.replace(exp.Anonymous(this="LIST", expressions=[counted.this.copy()]))
    return True
