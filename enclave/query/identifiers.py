"""In table form a person identifier joins, counts and groups; no condition tells one person from another by it.

Decides one thing: whether each use of an identifier (`pid`, `…_pid`, a column of the role `person`, and whatever is
made of one) is among the few that treat all persons alike. A comparison with anything but an identifier, arithmetic, a
text of it: `WHERE pid <> 4242` is everybody but one (THREATS 4, 9, 26). Works on a resolved tree; touches no data.
Records are another matter: there the identifier is a column like others.
"""

from sqlglot import exp

from enclave.core.refusal import Refused
from enclave.query import origins
from enclave.query.parse import is_aggregate
from enclave.query.schema import PERSON_COLUMN, Schema

_THROUGH = (exp.Paren, exp.Alias, exp.Cast, exp.TryCast, exp.Distinct, exp.Tuple, exp.Any, exp.All, exp.Case)
"""What hands an identifier on unchanged, or changed for all alike."""

_CHOOSING = (
    exp.Min, exp.Max, exp.AnyValue, exp.First, exp.Last, exp.ArgMin, exp.ArgMax, exp.Lag, exp.Lead, exp.FirstValue,
    exp.LastValue, exp.NthValue, exp.IgnoreNulls, exp.RespectNulls,
)  # fmt: skip
"""What makes one identifier of several."""

_PLACES = (
    exp.Ordered,
    exp.Order,
    exp.Group,
    exp.Rollup,
    exp.Cube,
    exp.GroupingSets,
    exp.Grouping,
    exp.Select,
)
"""Where an identifier may come to stand."""


def check_alike(tree: exp.Query, schema: Schema) -> None:
    """Raises Refused `query.identifier_condition`."""
    reader = _Reader(schema)
    for column in tree.find_all(exp.Column):
        select = column.find_ancestor(exp.Select)
        if (
            select is not None
            and column.table
            and reader.identifies(column, select)
            and not reader.fits(column)
        ):
            raise Refused("query.identifier_condition")


class _Reader:
    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._known: dict[tuple[int, str], bool] = {}

    def identifies(self, column: exp.Column, select: exp.Select) -> bool:
        """Whether a column is, or is made of, a person identifier."""
        source = origins.source_of(column.table, select)
        if source is None:
            return False
        key = (id(source), column.name)
        if key not in self._known:
            self._known[key] = False  # a name that leads back to itself
            self._known[key] = self._of(source, column.name)
        return self._known[key]

    def _of(self, source: exp.Expr, name: str) -> bool:
        if isinstance(source, exp.Table) and source.db:
            table = next(
                (t for (db, n), t in self._schema.tables.items() if (db, n) == (source.db, source.name)), None
            )
            role = table.columns[name].role if table is not None and name in table.columns else ""
            return name == PERSON_COLUMN or name.endswith(f"_{PERSON_COLUMN}") or role == "person"
        return any(
            self.made_of_one(expression, branch) for expression, branch in origins.behind(source, name)
        )

    def made_of_one(self, expression: exp.Expr, branch: exp.Select) -> bool:
        """Whether an output is made of an identifier, and not only a number of persons."""
        if isinstance(expression, exp.Count | exp.CountIf | exp.Exists | exp.Is | exp.EQ):
            return False
        return any(
            self.identifies(column, column.find_ancestor(exp.Select) or branch)
            for column in expression.find_all(exp.Column)
            if column.find_ancestor(exp.Count, exp.CountIf, exp.Select) in {None, branch}
            and not _in_window_frame(column)
        )

    def fits(self, column: exp.Column) -> bool:
        node: exp.Expr = column
        place = 0
        while (parent := node.parent) is not None:
            if isinstance(parent, exp.Tuple):
                place = parent.expressions.index(node)
            match parent:
                case exp.Select() if node.arg_key == "expressions":
                    holder = parent.parent
                    position = parent.expressions.index(node)
                    if isinstance(holder, exp.In):
                        return self._named(holder.this, position)
                    if not isinstance(holder, exp.Subquery) or _is_source(holder):
                        return True
                    if isinstance(holder.parent, exp.Exists):
                        return True
                    if isinstance(holder.parent, exp.In):
                        return self._named(holder.parent.this, position)
                    node = holder
                case exp.If():
                    if node.arg_key == "this":
                        return False
                    node = parent
                case exp.Case() if node.arg_key == "this":
                    return False
                case exp.Filter() if node.arg_key == "expression":
                    return False
                case exp.Filter():
                    node = parent
                case exp.Window():
                    if node.arg_key != "this":
                        return True
                    node = parent
                case exp.Coalesce():
                    if not all(self._named(part, 0) for part in (parent.this, *parent.expressions)):
                        return False
                    node = parent
                case exp.Count():
                    return True
                case exp.EQ() | exp.NullSafeEQ():
                    other = parent.expression if node is parent.this else parent.this
                    return self._named(other, place)
                case exp.Is():
                    return isinstance(parent.expression, exp.Null)
                case exp.In():
                    query = parent.args.get("query")
                    return query is not None and all(
                        len(branch.expressions) > place
                        and self._named(branch.expressions[place].unalias(), 0)
                        for branch in origins.branches_of(query)
                    )
                case _ if isinstance(parent, _PLACES):
                    return True
                case _ if isinstance(parent, _THROUGH):
                    node = parent
                case _ if isinstance(parent, _CHOOSING) and node.arg_key == "this":
                    node = parent
                case _ if is_aggregate(parent):
                    return False
                case _:
                    return False
        return True

    def _named(self, node: exp.Expr, place: int) -> bool:
        """Whether an expression is an identifier by itself: a column, or what chooses among such."""
        while isinstance(node, exp.Paren | exp.Cast | exp.TryCast | exp.Any | exp.All | exp.Subquery):
            node = node.this
        if isinstance(node, exp.Tuple):
            return len(node.expressions) > place and self._named(node.expressions[place], 0)
        if isinstance(node, exp.Select):
            return len(node.expressions) > place and self._named(node.expressions[place].unalias(), 0)
        if isinstance(node, exp.Coalesce):
            return all(self._named(part, 0) for part in (node.this, *node.expressions))
        if isinstance(node, _CHOOSING):
            return self._named(node.this, 0)
        select = node.find_ancestor(exp.Select)
        return isinstance(node, exp.Column) and select is not None and self.identifies(node, select)


def _is_source(subquery: exp.Subquery) -> bool:
    """Whether a subquery stands where a table would, or makes a CTE, a branch or another subquery whole."""
    return isinstance(
        subquery.parent, exp.From | exp.Join | exp.CTE | exp.SetOperation | exp.Subquery | type(None)
    )


def _in_window_frame(column: exp.Column) -> bool:
    """Whether a column only says over which rows a window runs."""
    node: exp.Expr = column
    while (parent := node.parent) is not None and not isinstance(parent, exp.Select):
        if isinstance(parent, exp.Window) and node.arg_key != "this":
            return True
        node = parent
    return False
