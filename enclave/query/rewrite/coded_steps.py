"""A code that is made in a step is put together there: its terms become columns of the step, to be looked at like those of a
sum that is written in one place (`coded`).

`WITH c AS (SELECT pid, CASE WHEN age = 95 THEN 100000 WHEN male THEN 1 ELSE 0 END AS x …) SELECT sum(x)` packs two counts.
Decides which columns of steps are looked at: those carried through steps of one SELECT that neither groups nor removes rows
that are alike, and whose weights are far enough apart that a sum of them can be read digit by digit. A score of small
weights (Charlson's 1 to 6) is one number, and stays one.
"""

from collections.abc import Callable

from sqlglot import exp

from enclave.query.lineage import is_grouped
from enclave.query.origins import behind, branches_of, cte_of, source_of
from enclave.query.stages import EVIDENCE

APART = 10
"""How many times a weight is another, at least, for a sum of both to be two numbers: cells have as many persons."""

Terms = Callable[[exp.Expr], list[exp.Expr]]


def of_steps(tree: exp.Select, node: exp.Expr, terms: Terms) -> list[exp.Expr]:
    """Columns over `tree`'s FROM that are the terms of codes made in steps behind `node`; puts them into the steps of `tree`."""
    found = []
    for column in node.find_all(exp.Column):
        path, made = _made(column, tree)
        if made is None or not _packs(made):
            continue
        # One code that something else is added to is a number beside it; alone its call speaks for it.
        alone = isinstance(node.unnest(), exp.Column) or made.find(exp.Case, exp.If, exp.Predicate) is None
        for term in terms(made) or ([] if alone else [made]):
            name = exp.to_identifier(f"{EVIDENCE}v{_number(tree)}", quoted=True)
            value: exp.Expr = term.copy()
            for alias, select in reversed(path):
                select.append("expressions", exp.alias_(value, name.copy()))
                value = exp.Column(this=name.copy(), table=exp.to_identifier(alias, quoted=True))
            found.append(value)
    return found


def _made(column: exp.Column, tree: exp.Select) -> tuple[list[tuple[str, exp.Select]], exp.Expr | None]:
    """The steps from the outermost inwards, each by its alias outside, and the expression behind the column."""
    path: list[tuple[str, exp.Select]] = []
    select, node = tree, column
    while True:
        source = source_of(node.table, select)
        query = _query(source)
        branches = branches_of(query) if query is not None else []
        if source is None or len(branches) != 1 or not _plain(branches[0]):
            return [], None
        inner = behind(source, node.name)
        if len(inner) != 1:
            return [], None
        path.append((node.table, branches[0]))
        expression, select = inner[0][0].unnest(), branches[0]
        if not isinstance(expression, exp.Column):
            return path, expression
        node = expression


def _query(source: exp.Expr | None) -> exp.Expr | None:
    if isinstance(source, exp.Subquery):
        inner: exp.Expr = source.this
        return inner
    cte = cte_of(source.name, source) if isinstance(source, exp.Table) and not source.db else None
    return None if cte is None else cte.this


def _plain(select: exp.Select) -> bool:
    return not is_grouped(select) and not select.args.get("distinct")


def _packs(node: exp.Expr) -> bool:
    """Whether weights stand in an expression that are far apart, or a text of digits. A truth weighs one."""
    if node.find(exp.Window, exp.Query) is not None:
        return False
    weights = []
    for one in node.find_all(exp.Literal, exp.Cast, exp.TryCast):
        if _decides(one, node):
            continue
        if isinstance(one, exp.Literal):
            weights.append(_weight(one))
        elif isinstance(one.this.unnest(), exp.Predicate):
            weights.append(1.0)
    told = [one for one in weights if one]
    return None in weights or (
        bool(told) and max(told) >= APART * min(1.0 if len(told) == 1 else min(told), max(told))
    )


def _weight(literal: exp.Literal) -> float | None:
    try:
        return abs(float(literal.name))
    except ValueError:
        return None


def _decides(node: exp.Expr, within: exp.Expr) -> bool:
    """Whether a literal is part of a condition, not of a value."""
    held: exp.Expr | None = node
    while held is not None and held is not within:
        parent = held.parent
        if isinstance(parent, exp.Predicate) or (isinstance(parent, exp.If) and held.arg_key == "this"):
            return True
        if isinstance(parent, exp.Case) and held.arg_key == "this":
            return True
        held = parent
    return False


def _number(tree: exp.Expr) -> int:
    return sum(one.alias.startswith(f"{EVIDENCE}v") for one in tree.find_all(exp.Alias)) + 1
