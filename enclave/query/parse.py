"""text → Parsed: one SELECT of the closed grammar, or a refusal.

Decides what may be *written*. Relies on `text` for what may be parsed at all, on sqlglot's DuckDB dialect to parse, on
`spelling` to write one thing one way, and on `grammar` for what is allowed; it knows no table and no permit. What
sqlglot raises on malformed text is not only ParseError (FINDINGS), so anything raised is a refusal. Nothing of the text
is echoed but names that the researcher wrote.
"""

import math
import re
from collections.abc import Iterator, Mapping

from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]  # exported by its documentation

from enclave.core.refusal import Refused
from enclave.query import grammar, instead, spelling
from enclave.query import text as texts
from enclave.query.stages import EVIDENCE, Form, Params, Parsed, Scalar
from enclave.query.text import DIALECT, printable

__all__ = [
    "DIALECT",
    "aggregate_name",
    "check_grammar",
    "is_aggregate",
    "no_node",
    "parse",
    "predicate",
    "printable",
]

_PLACES = frozenset({"line", "col", "start", "end"})


def parse(text: str, params: Params, form: Form) -> Parsed:
    """The one statement of `text` with `params` put in as literals.

    Raises Refused: `query.too_long`, `query.format_character`, `query.limit_*`, `query.syntax` (facts: line, column,
    suggestion), `query.statement`, `query.node`, `query.function`, `query.parameter`, `query.name_taken`.
    """
    texts.check_length(text)
    texts.check_characters(text)
    tokens = texts.tokens_of(text)
    texts.check_size(text, tokens)
    texts.check_statement(tokens)
    texts.check_joins(tokens)
    text = spelling.respell(text, tokens)
    tree = _one_query(_statements(_number_marks(text, params)))
    _forget_places(tree)
    _check_levels(tree)
    tree = put_params(tree, params)
    try:
        tree = spelling.plain(tree)
        functions = check_grammar(tree)
    except Refused as refused:
        raise _as_written(refused, tokens) from None
    _check_names(tree)
    return Parsed(tree, form, functions)


def predicate(text: str) -> exp.Expr:
    """A permit's `rows` condition: one expression of the same grammar, without subqueries, functions of many rows or
    parameters. Raises Refused `permit.malformed` for anything else: a permit is not the researcher's text."""
    try:
        texts.check_length(text)
        texts.check_characters(text)
        tokens = texts.tokens_of(text)
        texts.check_size(text, tokens)
        parsed = _statements(f"SELECT 1 WHERE {spelling.respell(text, tokens)}")
        tree = spelling.plain(_one_query(parsed))
        check_grammar(tree)
    except Refused as refused:
        raise Refused("permit.malformed", {"place": "rows"}) from refused
    where = tree.args.get("where")
    filled = {key for key, value in tree.args.items() if value}
    inner = (
        () if where is None else tuple(where.find_all(exp.Query, exp.AggFunc, exp.Window, exp.Placeholder))
    )
    if not isinstance(tree, exp.Select) or filled != {"expressions", "where"} or where is None or inner:
        raise Refused("permit.malformed", {"place": "rows"})
    condition: exp.Expr = where.this
    return condition


# -- the statement ----------------------------------------------------------------------------------------------------


def _statements(text: str) -> list[exp.Expr]:
    try:
        return [statement for statement in DIALECT.parse(text) if statement is not None]
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        line, column = int(first.get("line") or 1), int(first.get("col") or 1)
        # The parser's own text quotes the statement.
        near = texts.suggestion(texts.tokens_of(text), line, column)
        raise Refused("query.syntax", {"line": line, "column": column, "suggestion": near}) from None
    except RecursionError:
        raise Refused("query.limit_depth", {"limit": grammar.MAX_DEPTH}) from None
    except Exception:  # FINDINGS: TypeError, AttributeError, AssertionError, ValueError on malformed text
        raise _unparsed() from None


def _unparsed() -> Refused:
    return Refused("query.syntax", {"line": 1, "column": 1, "suggestion": texts.WHOLE})


def _one_query(statements: list[exp.Expr]) -> exp.Query:
    if not statements:
        raise _unparsed()
    if len(statements) > 1:
        raise Refused("query.statement", {"statements": len(statements)})
    tree = spelling.outermost(statements[0])
    if type(tree) is not exp.Select and not isinstance(tree, exp.SetOperation):
        raise Refused("query.statement", {"statement": kind(tree)})
    if not tree.selects:
        raise _unparsed()
    return tree


def _forget_places(tree: exp.Query) -> None:
    """Where each word stood in the text says nothing any more; it would double the cost of every rule's copy."""
    for node in tree.walk():
        kept = {key: value for key, value in node.meta.items() if key not in _PLACES}
        node._meta = kept or None


def _check_levels(tree: exp.Expr) -> None:
    """Raises Refused `query.limit_depth` for a tree that is too deep, `query.syntax` for one with a part missing."""
    level = [tree]
    levels = 0
    while level:
        levels += 1
        if levels > grammar.MAX_LEVELS:
            raise Refused("query.limit_depth", {"limit": grammar.MAX_LEVELS})
        if any(_lacks(node) for node in level):
            raise _unparsed()
        level = [child for node in level for child in node.iter_expressions()]


_NEEDED: dict[type[exp.Expr], tuple[str, ...]] = {}
"""Node type → the parts that it cannot be without, as the parser's own tables have them."""


def _lacks(node: exp.Expr) -> bool:
    """Whether a part is missing that the parser does not ask for everywhere: `x LIKE @` is `x LIKE abs()` to it, and what
    is printed from that is no SQL."""
    kind_ = type(node)
    if kind_ not in _NEEDED:
        _NEEDED[kind_] = tuple(part for part, needed in kind_.arg_types.items() if needed)
    args = node.args
    if kind_ is exp.In and not any(args.get(part) for part in ("expressions", "query", "field", "unnest")):
        return True
    return any(args.get(part) is None for part in _NEEDED[kind_])


def kind(node: exp.Expr) -> str:
    """A node type in words: `table sample` for TableSample."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).lower()


# -- parameters -------------------------------------------------------------------------------------------------------


def _number_marks(text: str, params: Params) -> str:
    """`text` with the n-th `?` written `$n`: the tree does not keep the order in which marks were written."""
    if "?" not in text:
        return text
    tokens = texts.tokens_of(text)
    marks = [token for token in tokens if token.token_type == TokenType.PLACEHOLDER]
    if not marks:
        return text
    if isinstance(params, Mapping) or any(token.token_type == TokenType.PARAMETER for token in tokens):
        raise Refused("query.parameter", {"parameter": "?"})
    pieces, done = [], 0
    for order, token in enumerate(marks, 1):
        pieces += [text[done : token.start], f"${order} "]
        done = token.end + 1
    return "".join([*pieces, text[done:]])


def put_params(tree: exp.Query, params: Params) -> exp.Query:
    """`tree` with every placeholder replaced by its value as a literal.

    `$1` reads a tuple in order, `$name` a mapping. Raises Refused `query.parameter` for one that is missing, left
    over, or of a kind that has no literal.
    """
    tree = tree.copy()
    known: Mapping[str, Scalar | tuple[Scalar, ...]] = (
        params
        if isinstance(params, Mapping)
        else {str(order): value for order, value in enumerate(params, 1)}
    )
    taken: set[str] = set()
    for node in tuple(tree.find_all(exp.Placeholder)):
        name = str(node.args.get("this") or "?")
        if name not in known:
            raise Refused("query.parameter", {"parameter": printable(name)})
        taken.add(name)
        _put(node, known[name], name)
    unused = sorted(set(known) - taken)
    if unused:
        raise Refused("query.parameter", {"parameter": printable(unused[0])})
    return tree


def _put(node: exp.Placeholder, value: object, name: str) -> None:
    parent = node.parent
    if isinstance(value, tuple):
        alone = isinstance(parent, exp.In) and parent.expressions == [node]
        if not alone or not value or len(value) > grammar.MAX_LIST:
            raise Refused("query.parameter", {"parameter": name})
        parent.set("expressions", [_literal(v, name) for v in value])  # type: ignore[union-attr]  # alone says In
    else:
        node.replace(_literal(value, name))


def _literal(value: object, name: str) -> exp.Expr:
    match value:
        case None:
            return exp.Null()
        case bool():
            return exp.Boolean(this=value)
        case int() if abs(value) < 1 << 63:
            return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))
        case float() if math.isfinite(value):
            number = exp.Cast(this=exp.Literal.string(repr(value)), to=exp.DataType.build("DOUBLE"))
            return number
        case str():
            texts.check_characters(value)
            if len(value.encode("utf-8", "surrogatepass")) > grammar.MAX_BYTES:
                raise Refused("query.too_long", {"bytes": len(value), "limit": grammar.MAX_BYTES})
            return exp.Literal.string(value)
        case _:
            raise Refused("query.parameter", {"parameter": name})


# -- the grammar ------------------------------------------------------------------------------------------------------


def check_grammar(tree: exp.Expr) -> frozenset[str]:
    """The names of the functions used. Raises Refused `query.node` or `query.function` at the first thing outside."""
    functions: set[str] = set()
    for node in tree.walk():
        name = _function(node)
        if name is not None:
            functions.add(name)
            _check_special(node)
            continue
        allowed = grammar.NODES.get(type(node))
        if allowed is None:
            raise no_node(kind(node))
        for part, value in node.args.items():
            if part not in allowed and _filled(value):
                raise no_node(f"{kind(node)} {part.rstrip('_').replace('_', ' ')}")
        _check_special(node)
    return frozenset(functions)


def no_node(name: str) -> Refused:
    """The refusal of what the grammar has no node for, with what to write instead."""
    return Refused("query.node", {"node": name, "instead": instead.for_node(name)})


def _no_function(name: str) -> Refused:
    return Refused("query.function", {"function": printable(name), "instead": instead.for_function(name)})


def _as_written(refused: Refused, tokens: list[Token]) -> Refused:
    """A refused function by the name that the researcher gave it: the parser has names of its own."""
    named = str(refused.facts.get("function", ""))
    written = texts.calls(tokens)
    if refused.code != "query.function" or not named or named in written:
        return refused
    return next((_no_function(word) for word in written if _parsed_as(word) == named), refused)


def _parsed_as(word: str) -> str | None:
    """The parser's name for a function of one to three arguments that is written `word`."""
    for count in (1, 2, 3, 0):
        try:
            (tree,) = DIALECT.parse(f"SELECT {word}({', '.join('abc'[:count])})")
            node = tree.selects[0].unalias()  # type: ignore[union-attr]  # a SELECT was written
        except Exception:  # noqa: S112  not a function of so many arguments
            continue
        if isinstance(node, exp.Func):
            return type(node).sql_name().lower()
    return None


def _filled(value: object) -> bool:
    return value is not None and value is not False and value != []


def _function(node: exp.Expr) -> str | None:
    """The function's name where the node is an allowed one, None where it is no function. Raises Refused."""
    if type(node) is exp.Anonymous:
        raw = node.this
        name = str(raw.this if isinstance(raw, exp.Identifier) else raw).lower()
        if name not in grammar.FUNCTION_NAMES:
            raise _no_function(name)
        if name == "age" and len(node.expressions) != 2:
            raise _no_function(name)  # of one date it is its distance from today
        if isinstance(raw, exp.Identifier):  # "glob"(…): a quoted name is the same function (THREATS 40)
            node.set("this", name)
        return name
    listed = grammar.FUNCTIONS.get(type(node))
    if listed is not None:
        return listed
    if type(node) in (exp.Cast, exp.TryCast):
        return None if type(node) in grammar.NODES else "cast"
    if isinstance(node, exp.Func) and type(node) not in grammar.NODES:
        raise _no_function(type(node).sql_name().lower())
    return None


def _check_special(node: exp.Expr) -> None:
    """What an allow-list of parts cannot say."""
    match node:
        case exp.Join():
            method, side, kind_ = (
                str(node.args.get(part) or "").upper() for part in ("method", "side", "kind")
            )
            if method not in grammar.METHODS or side not in grammar.SIDES or kind_ not in grammar.JOINS:
                raise no_node(f"{method or kind_} join".lower())
            if isinstance(node.this, exp.Table) and not isinstance(node.this.this, exp.Identifier):
                raise no_node("table function")
        case exp.Table():
            if not isinstance(node.this, exp.Identifier):
                inner = node.this
                if isinstance(inner, exp.Func):
                    raise _no_function(inner.name or inner.key)
                raise no_node("table function")
        case exp.DataType():
            if node.this not in grammar.TYPES or node.args.get("nested"):
                raise no_node("type")
        case exp.Limit() | exp.Offset():
            if not isinstance(node.expression, exp.Literal) or not node.expression.is_int:
                # LIMIT (SELECT …): the number of rows would be the answer (THREATS 18)
                raise no_node("limit expression")
        case exp.In() | exp.Values():
            if isinstance(node, exp.Values) and len({len(row.expressions) for row in node.expressions}) > 1:
                raise Refused("query.syntax", {"line": 1, "column": 1, "suggestion": "(1, 'a'), (2, 'b')"})
            if len(node.expressions) > grammar.MAX_LIST:
                raise Refused(
                    "query.limit_list", {"entries": len(node.expressions), "limit": grammar.MAX_LIST}
                )
        case exp.Select():
            if len(node.expressions) > grammar.MAX_COLUMNS:
                raise Refused(
                    "query.limit_columns", {"columns": len(node.expressions), "limit": grammar.MAX_COLUMNS}
                )
            if node.args.get("from_") is None and node.args.get("joins"):
                raise _unparsed()
        case exp.Window():
            inner = node.this
            while isinstance(inner, exp.IgnoreNulls | exp.RespectNulls | exp.Filter):
                inner = inner.this
            named = isinstance(node.parent, exp.Select) and node.arg_key == "windows"
            if not named and type(inner) not in grammar.WINDOWS and not is_aggregate(inner):
                raise no_node("window")
        case exp.Star():
            held = node.parent if isinstance(node.parent, exp.Column) else node
            if not isinstance(held.parent, exp.Select | exp.Count) or (
                held.arg_key not in {"expressions", "this"}
            ):
                raise no_node("star")  # `* LIKE 'w%'`, `f(*)`: columns that nobody named
        case exp.Pad():
            width = node.expression
            if not isinstance(width, exp.Literal) or not width.is_int or int(width.name) > grammar.MAX_PAD:
                raise no_node("pad width")
        case exp.Is():
            if not isinstance(node.expression, exp.Null | exp.Boolean):
                # `a IS TRUE || b`: the parser and the engine take in different operands.
                raise no_node("is")
        case exp.Array():
            if not all(_constant(part) for part in node.expressions):
                raise no_node("list")
        case exp.Bracket():
            if len(node.expressions) != 1 or not _places(node.expressions[0]):
                raise no_node("bracket")
        case exp.Any() | exp.All():
            if not isinstance(node.this, exp.Subquery):
                raise no_node("any")
        case exp.Column():
            if node.args.get("catalog") is not None:
                raise no_node("catalog")
        case _:
            pass


def _constant(node: exp.Expr) -> bool:
    if isinstance(node, exp.Neg | exp.Paren | exp.Cast):
        return _constant(node.this)
    return isinstance(node, exp.Literal | exp.Boolean | exp.Null)


def _places(node: exp.Expr) -> bool:
    """Whether what stands in brackets behind a list or text is a place in it (`[1]`) or a stretch of it (`[1:3]`)."""
    if isinstance(node, exp.Slice):
        ends = (node.this, node.expression)
        return node.args.get("step") is None and all(end is None or _whole(end) for end in ends)
    return _whole(node)


def _whole(node: exp.Expr) -> bool:
    inner = node.this if isinstance(node, exp.Neg) else node
    return isinstance(inner, exp.Literal) and inner.is_int


def is_aggregate(node: exp.Expr) -> bool:
    """Whether the node is a call of an aggregate function of the grammar."""
    return type(node) in grammar.AGGREGATES or (
        type(node) is exp.Anonymous and str(node.this).lower() in grammar.AGGREGATE_NAMES
    )


def aggregate_name(node: exp.Expr) -> str:
    return grammar.AGGREGATES.get(type(node)) or str(node.this).lower()


def _check_names(tree: exp.Expr) -> None:
    """No name of the researcher's may be one that the rewriting or the answer adds."""
    for node in tree.find_all(exp.Identifier):
        if node.name.lower().startswith(EVIDENCE):
            raise Refused("query.name_taken", {"name": printable(node.name)})


def output_names(tree: exp.Query) -> tuple[str, ...]:
    """What the columns of the answer are called before names are made unique: aliases, column names, else the
    expression's own text. Stars keep their place as `*`."""
    names = []
    for node in _first_select(tree).expressions:
        if isinstance(node, exp.Alias):
            names.append(node.alias)
        elif isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
            names.append(node.name)
        elif node.is_star:
            names.append("*")
        else:
            names.append(node.sql(DIALECT, comments=False).lower())
    return tuple(names)


def _first_select(tree: exp.Expr) -> exp.Select:
    while not isinstance(tree, exp.Select):
        tree = tree.this
    return tree


def walk_queries(tree: exp.Expr) -> Iterator[exp.Select]:
    """Every SELECT of a statement, the statement itself included."""
    yield from tree.find_all(exp.Select)


def scalar(value: object) -> Scalar:
    """A JSON value as a parameter. Raises Refused `query.parameter` for objects."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise Refused("query.parameter", {"parameter": "?"})
