"""One thing is written one way: spellings that mean the same become the plainest of them before anything is judged.

Decides nothing; every change keeps the meaning, and the tree after it is what is judged and what runs. It exists so
that judges need to know fewer nodes, and because the parser prints some spellings as something else than the engine
reads (`x ~ 'a'` is a match of the whole text to the engine; `NOT` without brackets takes in what follows it).

Series of constants (`range(2018, 2023)`, `generate_series(DATE …, DATE …, INTERVAL 1 MONTH)`, `unnest(['E11', 'E14'])`)
become the rows they are: no table function is left for the engine, and the number of rows is known here. `x = ANY([…])` is
an IN list.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlglot import exp
from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]  # exported by its documentation

from enclave.core.refusal import Refused
from enclave.query import grammar, instead
from enclave.query.text import position

SERIES = "range", "generate_series"
"""The engine's names for a series without and with its last value; a column is called so where nothing else is said."""


def respell(text: str, tokens: Sequence[Token]) -> str:
    """`text` with `~` written SIMILAR TO, which is what it means to the engine.

    Raises Refused `query.node` where the two would take in different operands: the engine reads `a ~ b || c` from the
    left. `^@` is read so too, and has a plain name.
    """
    pieces, done = [], 0
    for place, token in enumerate(tokens):
        if token.token_type == TokenType.CARET_AT:
            raise _no_operator("^@", "starts_with(x, 'E1')", text, token)
        if token.token_type != TokenType.TILDE:
            continue
        if _beside(tokens, place, 1) or _beside(tokens, place, -1):
            raise _no_operator("~ with ||", "regexp_full_match(x, 'E1.*')", text, token)
        before = text[done : token.start].rstrip()
        negated = before.endswith("!")
        pieces += [before[:-1] if negated else before, " NOT SIMILAR TO " if negated else " SIMILAR TO "]
        done = token.end + 1
    return "".join([*pieces, text[done:]])


_ENDS = frozenset(
    {
        TokenType.COMMA, TokenType.AND, TokenType.OR, TokenType.SELECT, TokenType.WHERE, TokenType.WHEN, TokenType.THEN,
        TokenType.ELSE, TokenType.END, TokenType.ON, TokenType.HAVING, TokenType.QUALIFY, TokenType.FROM, TokenType.ALIAS,
        TokenType.GROUP_BY, TokenType.ORDER_BY,
    }
)  # fmt: skip


def _beside(tokens: Sequence[Token], place: int, step: int) -> bool:
    """Whether `||` stands in the same expression as the token, on one side of it and in no bracket."""
    depth = 0
    for token in tokens[place + step :: step]:
        depth += step * ((token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN))
        if depth < 0 or (depth == 0 and token.token_type in _ENDS):
            return False
        if depth == 0 and token.token_type == TokenType.DPIPE:
            return True
    return False


def _no_operator(name: str, plain_name: str, text: str, token: Token) -> Refused:
    return Refused("query.node", {"node": name, "instead": plain_name, **position(text, token.start)})


def outermost(tree: exp.Expr) -> exp.Expr:
    """A statement without the brackets around it; what stands behind them (ORDER BY, LIMIT, WITH) moves inside, or
    outside of a subquery where the inner one has its own."""
    while isinstance(tree, exp.Subquery):
        behind = {key: value for key, value in tree.args.items() if value and key != "this"}
        inner = tree.this
        if not set(behind) <= {"order", "limit", "offset", "with_"} or not isinstance(inner, exp.Query):
            return tree
        if any(inner.args.get(key) for key in ("order", "limit", "offset", "with_")) and behind:
            held = exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier("bracketed")))
            return exp.Select(expressions=[exp.Star()], from_=exp.From(this=held), **behind)
        for key, value in behind.items():
            inner.set(key, value)
        inner.parent = None
        tree = inner
    return tree


def plain(tree: exp.Query) -> exp.Query:
    """`tree`, changed in place, in the plainest spelling. Raises Refused `query.limit_list`, `query.function`."""
    for node in tuple(tree.walk()):
        match node:
            case exp.Like() | exp.ILike() if node.args.get("negate"):
                node.set("negate", None)
                _bracket(node, negated=True)
            case exp.Fetch():
                _limit(node)
            case exp.GroupingId():
                node.replace(exp.Grouping(expressions=node.expressions))
            case exp.ArraySize() if not node.args.get("expression"):
                node.replace(exp.Length(this=node.this.copy()))
            case exp.From() | exp.Join():
                _flatten(node)
            case exp.All() | exp.Any() if isinstance(node.this, exp.Query) and not isinstance(
                node.this, exp.Subquery
            ):
                node.set("this", exp.Subquery(this=node.this))
            case exp.EQ() | exp.NEQ():
                _of_a_list(node)
            case exp.Unnest() if isinstance(node.parent, exp.From | exp.Join):
                node.replace(_listed(node))
            case _:
                pass
    for table in tuple(tree.find_all(exp.Table)):
        if isinstance(table.this, exp.GenerateSeries):
            table.replace(_series(table))
    for node in tuple(tree.find_all(exp.Not)):
        if not isinstance(node.parent, exp.And | exp.Or | exp.Paren | exp.Not) and isinstance(
            node.parent, exp.Binary | exp.Between | exp.In | exp.Neg | exp.Cast
        ):
            _bracket(node, negated=False)
    return tree


def _bracket(node: exp.Expr, negated: bool) -> None:
    held = exp.Paren()
    node.replace(held)
    held.set("this", exp.Not(this=node) if negated else node)


def _limit(node: exp.Fetch) -> None:
    """`FETCH FIRST 5 ROWS ONLY` as LIMIT 5."""
    options = node.args.get("limit_options")
    if options is not None and (options.args.get("percent") or options.args.get("with_ties")):
        raise Refused("query.node", {"node": "fetch", "instead": "LIMIT 100"})
    node.replace(exp.Limit(expression=node.args.get("count") or exp.Literal.number(1)))


def _flatten(node: exp.Expr) -> None:
    """`FROM (a JOIN b ON …) JOIN c` without its brackets: joins are read from the left anyway."""
    held = node.this
    if not isinstance(held, exp.Subquery) or not isinstance(held.this, exp.Table):
        return
    if any(value for key, value in held.args.items() if key not in {"this", "joins"}):
        return
    table = held.this
    inner = [*(table.args.get("joins") or ()), *(held.args.get("joins") or ())]
    if isinstance(node, exp.Join) and inner:
        return
    table.set("joins", None)
    select = node.parent
    if isinstance(node, exp.From) and isinstance(select, exp.Select):
        select.set("joins", [*inner, *(select.args.get("joins") or ())])
    node.set("this", table)


# -- lists of constants -----------------------------------------------------------------------------------------------


def _of_a_list(node: exp.EQ | exp.NEQ) -> None:
    """`x = ANY(ARRAY['a', 'b'])` as `x IN ('a', 'b')`, and `x <> ALL(…)` as `NOT x IN (…)`."""
    right = node.expression
    if isinstance(node, exp.EQ) and isinstance(right, exp.Any):
        held = right.this
    elif isinstance(node, exp.NEQ) and isinstance(right, exp.Anonymous) and right.name.upper() == "ALL":
        held = right.expressions[0] if len(right.expressions) == 1 else None
    else:
        return
    values = _literals(held.unnest() if isinstance(held, exp.Paren) else held)
    left = node.this
    # `a LIKE b = ANY(…)`: what IN takes in is not what `=` takes in.
    alone = isinstance(left, exp.Column | exp.Paren | exp.Bracket | exp.Func) and not isinstance(
        left, exp.Binary
    )
    if values and alone:
        found = exp.In(this=node.this.copy(), expressions=values)
        node.replace(exp.Paren(this=found if isinstance(node, exp.EQ) else exp.Not(this=found)))


def _listed(node: exp.Unnest) -> exp.Expr:
    """`FROM unnest(['E11', 'E14']) AS t(code)` as rows. Raises Refused `query.function` for any other list."""
    values = _literals(node.expressions[0]) if len(node.expressions) == 1 else ()
    if not values or node.args.get("offset"):
        raise _no_series("unnest")
    _check_rows(len(values))
    return _rows(values, "VARCHAR" if values[0].is_string else "INT", node.args.get("alias"), "unnest")


def _literals(node: exp.Expr | None) -> list[exp.Expr]:
    """The entries of a list of texts, or of small whole numbers; nothing for what is not one."""
    entries = node.expressions if isinstance(node, exp.Array) else []
    texts = all(isinstance(entry, exp.Literal) and entry.is_string for entry in entries)
    plain_numbers = [entry.this if isinstance(entry, exp.Neg) else entry for entry in entries]
    numbers = all(isinstance(n, exp.Literal) and n.is_int and len(n.name) < 10 for n in plain_numbers)
    return [entry.copy() for entry in entries] if texts or numbers else []


# -- series of constants ----------------------------------------------------------------------------------------------


def _series(table: exp.Table) -> exp.Expr:
    series = table.this
    name = SERIES[0] if series.args.get("is_end_exclusive") else SERIES[1]
    start, end = _constant(series.args["start"]), _constant(series.args["end"])
    step = series.args.get("step")
    if isinstance(start, int) and isinstance(end, int):
        values: list[exp.Expr] = _numbers(start, end, 1 if step is None else _constant(step), name)
        kind = "BIGINT"
    elif isinstance(start, date) and isinstance(end, date) and isinstance(step, exp.Interval):
        values = _moments(start, end, step, name)
        kind = "TIMESTAMP"
    else:
        raise _no_series(name)
    return _rows(values, kind, table.args.get("alias"), name)


def _no_series(name: str) -> Refused:
    return Refused("query.function", {"function": name, "instead": instead.for_function(name)})


def _constant(node: exp.Expr | None) -> int | date | None:
    """A whole number or a date that is written out, else None."""
    match node:
        case exp.Literal() if node.is_int:
            return int(node.name)
        case exp.Neg() if isinstance(node.this, exp.Literal) and node.this.is_int:
            return -int(node.this.name)
        case exp.Paren():
            return _constant(node.this)
        case exp.Cast() if node.this.is_string and node.to.this in grammar.MOMENTS:
            try:
                return datetime.fromisoformat(node.this.name)
            except ValueError:
                return None
        case _:
            return None


def _numbers(start: int, end: int, step: int | date | None, name: str) -> list[exp.Expr]:
    if not isinstance(step, int) or step == 0 or max(abs(start), abs(end), abs(step)) >= 1 << 62:
        raise _no_series(name)
    last = end if name == SERIES[0] else end + (1 if step > 0 else -1)
    numbers = range(start, last, step)
    _check_rows(len(numbers))
    return [exp.Literal.number(n) if n >= 0 else exp.Neg(this=exp.Literal.number(-n)) for n in numbers]


def _moments(start: date, end: date, step: exp.Interval, name: str) -> list[exp.Expr]:
    count, unit = _interval(step, name)
    months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}.get(unit)
    days = {"DAY": 1, "WEEK": 7}.get(unit)
    if count <= 0 or count > 10_000 or (months is None and days is None):
        raise _no_series(name)
    found: list[exp.Expr] = []
    moment = start
    while moment < end or (moment == end and name == SERIES[1]):
        _check_rows(len(found) + 1)
        found.append(
            exp.Literal.string(moment.isoformat(sep=" ") if isinstance(moment, datetime) else str(moment))
        )
        moment = moment + timedelta(count * days) if days else _months_later(moment, count * (months or 1))
    return found


def _interval(step: exp.Interval, name: str) -> tuple[int, str]:
    text = step.this.name if isinstance(step.this, exp.Literal) else ""
    words = [*text.split(), *([step.unit.name] if step.unit is not None else [])]
    if len(words) != 2 or not words[0].isdigit():
        raise _no_series(name)
    return int(words[0]), words[1].upper().rstrip("S")


def _months_later(start: date, months: int) -> date:
    """The engine's own reckoning, from one value to the next: the last of a short month stands in for a day it lacks."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if year > 9998:
        raise Refused("query.limit_list", {"entries": grammar.MAX_LIST + 1, "limit": grammar.MAX_LIST})
    last = (date(year + month // 11, (month + 1) % 12 + 1, 1) - timedelta(1)).day
    return start.replace(year=year, month=month + 1, day=min(start.day, last))


def _check_rows(count: int) -> None:
    if count > grammar.MAX_LIST:
        raise Refused("query.limit_list", {"entries": count, "limit": grammar.MAX_LIST})


def _rows(values: list[exp.Expr], kind: str, alias: exp.Expr | None, name: str) -> exp.Expr:
    """The rows as VALUES; a series of nothing as a SELECT of no row."""
    columns = list(alias.args.get("columns") or ()) if alias is not None else []
    named = exp.TableAlias(
        this=alias.this.copy() if alias is not None and alias.this is not None else exp.to_identifier(name),
        columns=[column.copy() for column in columns] or [exp.to_identifier(name)],
    )
    if not values:
        nothing = exp.Cast(this=exp.Null(), to=exp.DataType.build(kind))
        none = exp.Select(expressions=[nothing], where=exp.Where(this=exp.false()))
        return exp.Subquery(this=none, alias=named)
    # The engine gives a column of constants the type of the first; times have no literal of their own.
    typed = len(values) if kind == "TIMESTAMP" else 1
    cast = [exp.Cast(this=value, to=exp.DataType.build(kind)) for value in values[:typed]]
    rows = [exp.Tuple(expressions=[value]) for value in (*cast, *values[typed:])]
    return exp.Values(expressions=rows, alias=named)
