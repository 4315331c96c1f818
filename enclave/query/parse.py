"""text → Parsed: one SELECT of the closed grammar, or a refusal.

Decides what may be *written*. Relies on sqlglot's DuckDB dialect to parse and on `grammar` for what is allowed; it
knows no table and no permit. What sqlglot raises on malformed text is not only ParseError (FINDINGS), so anything
raised is a refusal. Nothing of the text is echoed but names that the researcher wrote.
"""

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]  # exported by its documentation

from enclave.core.refusal import Refused
from enclave.query import grammar
from enclave.query.stages import EVIDENCE, Form, Params, Parsed, Scalar

DIALECT = Dialect.get_or_raise("duckdb")

_PLACES = frozenset({"line", "col", "start", "end"})
_TEXTS = frozenset({TokenType.STRING, TokenType.RAW_STRING, TokenType.HEREDOC_STRING})


def parse(text: str, params: Params, form: Form) -> Parsed:
    """The one statement of `text` with `params` put in as literals.

    Raises Refused: `query.too_long`, `query.format_character`, `query.limit_*`, `query.syntax` (facts: line, column),
    `query.statement`, `query.node`, `query.function`, `query.parameter`, `query.name_taken`.
    """
    _check_length(text)
    _check_characters(text)
    tokens = _tokens(text)
    _check_size(text, tokens)
    _check_statement(tokens)
    tree = _one_query(_statements(_number_marks(text, tokens, params)))
    _forget_places(tree)
    _check_levels(tree)
    tree = put_params(tree, params)
    functions = check_grammar(tree)
    _check_names(tree)
    return Parsed(tree, form, functions)


def predicate(text: str) -> exp.Expr:
    """A permit's `rows` condition: one expression of the same grammar, without subqueries, functions of many rows or
    parameters. Raises Refused `permit.malformed` for anything else: a permit is not the researcher's text."""
    try:
        _check_length(text)
        _check_characters(text)
        _check_size(text, _tokens(text))
        parsed = _statements(f"SELECT 1 WHERE {text}")
        tree = _one_query(parsed)
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


# -- the text ---------------------------------------------------------------------------------------------------------


def _check_length(text: str) -> None:
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > grammar.MAX_BYTES:
        raise Refused("query.too_long", {"bytes": size, "limit": grammar.MAX_BYTES})


def _check_characters(text: str) -> None:
    """Format characters are white space to the engine and identifier characters to the parser (FINDINGS): the two
    would read two different statements. None is needed in a query, not even inside a text."""
    for place, character in enumerate(text):
        if character in "\n\t\r" or " " <= character < "\x7f":
            continue
        if unicodedata.category(character) in {"Cf", "Cc", "Co", "Cs", "Cn", "Zl", "Zp"}:
            raise Refused(
                "query.format_character", {"character": f"U+{ord(character):04X}", **_position(text, place)}
            )


def _tokens(text: str) -> list[Token]:
    try:
        tokens = DIALECT.tokenize(text)
    except TokenError as error:
        raise Refused("query.syntax", {"line": 1, "column": 1}) from error
    except (
        Exception
    ) as error:  # FINDINGS: malformed input raises more than TokenError; anything raised is a no
        raise Refused("query.syntax", {"line": 1, "column": 1}) from error
    # Other spaces (U+00A0, U+3000) are white space to the engine alone; they may stand in texts and nowhere else.
    covered = 0
    for token in tokens:
        _check_spaces(text, covered, token.start)
        if token.token_type not in _TEXTS:
            _check_spaces(text, token.start, token.end + 1)
        covered = token.end + 1
    _check_spaces(text, covered, len(text))
    return tokens


def _check_spaces(text: str, start: int, end: int) -> None:
    for place in range(start, end):
        character = text[place]
        if character > "\x7f" and unicodedata.category(character) == "Zs":
            raise Refused(
                "query.format_character", {"character": f"U+{ord(character):04X}", **_position(text, place)}
            )


def _check_size(text: str, tokens: list[Token]) -> None:
    """Limits that hold before parsing: the parser's time grows faster than its text on some of these."""
    if len(tokens) > grammar.MAX_TOKENS:
        raise Refused("query.limit_tokens", {"tokens": len(tokens), "limit": grammar.MAX_TOKENS})
    depth = joins = queries = 0
    for token in tokens:
        match token.token_type:
            case TokenType.L_PAREN | TokenType.CASE:
                depth += 1
            case TokenType.R_PAREN | TokenType.END:
                depth -= 1
            case TokenType.L_BRACKET | TokenType.L_BRACE:
                raise Refused("query.node", {"node": "list", **_position(text, token.start)})
            case TokenType.JOIN:
                joins += 1
            case TokenType.SELECT:
                queries += 1
            case _:
                pass
        if depth > grammar.MAX_DEPTH:
            raise Refused("query.limit_depth", {"limit": grammar.MAX_DEPTH})
    if joins > grammar.MAX_JOINS:
        raise Refused("query.limit_joins", {"joins": joins, "limit": grammar.MAX_JOINS})
    if queries > grammar.MAX_QUERIES:
        raise Refused("query.limit_queries", {"queries": queries, "limit": grammar.MAX_QUERIES})


def _position(text: str, place: int) -> dict[str, int]:
    before = text[:place]
    return {"line": before.count("\n") + 1, "column": place - before.rfind("\n")}


def _check_statement(tokens: list[Token]) -> None:
    """One statement that begins like a query. Asked before parsing, because the parser writes the text of what it
    does not know (EXPLAIN, PREPARE) to the process's log."""
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        tokens = tokens[:-1]
    if not tokens:
        raise Refused("query.syntax", {"line": 1, "column": 1})
    if any(token.token_type == TokenType.SEMICOLON for token in tokens):
        raise Refused("query.statement", {"statement": "several"})
    first = next((t for t in tokens if t.token_type != TokenType.L_PAREN), tokens[0])
    if first.token_type not in {TokenType.SELECT, TokenType.WITH, TokenType.FROM}:
        raise Refused("query.statement", {"statement": printable(first.text.lower())})


# -- the statement ----------------------------------------------------------------------------------------------------


def _statements(text: str) -> list[exp.Expr]:
    try:
        return [statement for statement in DIALECT.parse(text) if statement is not None]
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        place = {"line": int(first.get("line") or 1), "column": int(first.get("col") or 1)}
        raise Refused("query.syntax", place) from None  # the parser's own text quotes the statement
    except RecursionError:
        raise Refused("query.limit_depth", {"limit": grammar.MAX_DEPTH}) from None
    except Exception:  # FINDINGS: TypeError, AttributeError, AssertionError, ValueError on malformed text
        raise Refused("query.syntax", {"line": 1, "column": 1}) from None


def _one_query(statements: list[exp.Expr]) -> exp.Query:
    if not statements:
        raise Refused("query.syntax", {"line": 1, "column": 1})
    if len(statements) > 1:
        raise Refused("query.statement", {"statements": len(statements)})
    tree = statements[0]
    while isinstance(tree, exp.Subquery) and not any(v for k, v in tree.args.items() if k != "this"):
        tree = tree.this  # (SELECT …) in brackets
    if type(tree) is not exp.Select and not isinstance(tree, exp.SetOperation):
        raise Refused("query.statement", {"statement": kind(tree)})
    if not tree.selects:
        raise Refused("query.syntax", {"line": 1, "column": 1})
    return tree


def _forget_places(tree: exp.Query) -> None:
    """Where each word stood in the text says nothing any more; it would double the cost of every rule's copy."""
    for node in tree.walk():
        kept = {key: value for key, value in node.meta.items() if key not in _PLACES}
        node._meta = kept or None


def _check_levels(tree: exp.Expr) -> None:
    level = [tree]
    levels = 0
    while level:
        levels += 1
        if levels > grammar.MAX_LEVELS:
            raise Refused("query.limit_depth", {"limit": grammar.MAX_LEVELS})
        level = [child for node in level for child in node.iter_expressions()]


def kind(node: exp.Expr) -> str:
    """A node type in words: `table sample` for TableSample."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).lower()


# -- parameters -------------------------------------------------------------------------------------------------------


def _number_marks(text: str, tokens: list[Token], params: Params) -> str:
    """`text` with the n-th `?` written `$n`: the tree does not keep the order in which marks were written."""
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
            _check_characters(value)
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
            continue
        allowed = grammar.NODES.get(type(node))
        if allowed is None:
            raise Refused("query.node", {"node": kind(node)})
        for part, value in node.args.items():
            if part not in allowed and _filled(value):
                raise Refused("query.node", {"node": f"{kind(node)} {part.rstrip('_').replace('_', ' ')}"})
        _check_special(node)
    return frozenset(functions)


def _filled(value: object) -> bool:
    return value is not None and value is not False and value != []


def _function(node: exp.Expr) -> str | None:
    """The function's name where the node is an allowed one, None where it is no function. Raises Refused."""
    if type(node) is exp.Anonymous:
        raw = node.this
        name = str(raw.this if isinstance(raw, exp.Identifier) else raw).lower()
        if name not in grammar.FUNCTION_NAMES:
            raise Refused("query.function", {"function": printable(name)})
        if isinstance(raw, exp.Identifier):  # "glob"(…): a quoted name is the same function (THREATS 40)
            node.set("this", name)
        return name
    listed = grammar.FUNCTIONS.get(type(node))
    if listed is not None:
        return listed
    if type(node) in (exp.Cast, exp.TryCast):
        return None if type(node) in grammar.NODES else "cast"
    if isinstance(node, exp.Func) and type(node) not in grammar.NODES:
        raise Refused("query.function", {"function": printable(type(node).sql_name().lower())})
    return None


def printable(name: str) -> str:
    """A name that the researcher wrote, short and harmless enough to repeat."""
    return re.sub(r"[^\w.]", "?", name)[:64]


def _check_special(node: exp.Expr) -> None:
    """What an allow-list of parts cannot say."""
    match node:
        case exp.Join():
            method, side, kind_ = (
                str(node.args.get(part) or "").upper() for part in ("method", "side", "kind")
            )
            if method not in grammar.METHODS or side not in grammar.SIDES or kind_ not in grammar.JOINS:
                raise Refused("query.node", {"node": f"{method or kind_} join".lower()})
            if isinstance(node.this, exp.Table) and not isinstance(node.this.this, exp.Identifier):
                raise Refused("query.node", {"node": "table function"})
        case exp.Table():
            if not isinstance(node.this, exp.Identifier):
                inner = node.this
                if isinstance(inner, exp.Func):
                    raise Refused("query.function", {"function": printable(inner.name or inner.key)})
                raise Refused("query.node", {"node": "table function"})
        case exp.DataType():
            if node.this not in grammar.TYPES or node.args.get("nested"):
                raise Refused("query.node", {"node": "type"})
        case exp.Limit() | exp.Offset():
            if not isinstance(node.expression, exp.Literal) or not node.expression.is_int:
                # LIMIT (SELECT …): the number of rows would be the answer (THREATS 18)
                raise Refused("query.node", {"node": "limit expression"})
        case exp.In() | exp.Values():
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
                raise Refused("query.syntax", {"line": 1, "column": 1})
        case exp.Window():
            inner = node.this
            while isinstance(inner, exp.IgnoreNulls | exp.RespectNulls | exp.Filter):
                inner = inner.this
            named = isinstance(node.parent, exp.Select) and node.arg_key == "windows"
            if not named and type(inner) not in grammar.WINDOWS and not is_aggregate(inner):
                raise Refused("query.node", {"node": "window"})
        case exp.Column():
            if node.args.get("catalog") is not None:
                raise Refused("query.node", {"node": "catalog"})
        case _:
            pass


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
