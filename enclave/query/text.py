"""The text of a question before it is parsed: its size, its characters, its tokens.

Decides whether a text may be parsed at all: format characters, other statements than one that begins like a query, and
what would make the parser slow are refused here. Relies on sqlglot's tokenizer. Nothing of the text is echoed but the
place of what is wrong, and a keyword that a misspelt word is close to.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import TokenError
from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]  # exported by its documentation

from enclave.core.refusal import Refused
from enclave.query import grammar, instead

DIALECT = Dialect.get_or_raise("duckdb")

_TEXTS = frozenset({TokenType.STRING, TokenType.RAW_STRING, TokenType.HEREDOC_STRING})

KEYWORDS = (
    "SELECT", "DISTINCT", "FROM", "WHERE", "GROUP", "BY", "HAVING", "QUALIFY", "ORDER", "LIMIT", "OFFSET", "WITH", "AS",
    "JOIN", "LEFT", "RIGHT", "FULL", "INNER", "OUTER", "CROSS", "SEMI", "ANTI", "USING", "UNION", "EXCEPT", "INTERSECT",
    "BETWEEN", "LIKE", "EXISTS", "CASE", "WHEN", "THEN", "ELSE", "END", "FILTER", "OVER", "PARTITION", "WINDOW",
    "INTERVAL", "DATE", "CAST", "NULL", "VALUES", "ROLLUP", "CUBE", "GROUPING", "SETS",
)  # fmt: skip
"""Words that a misspelt one may have been meant as."""

WHOLE = "SELECT … FROM … WHERE … GROUP BY … ORDER BY …"
"""What a query looks like, said where no nearer suggestion is found."""


def check_length(text: str) -> None:
    """Raises Refused `query.too_long`."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > grammar.MAX_BYTES:
        raise Refused("query.too_long", {"bytes": size, "limit": grammar.MAX_BYTES})


def check_characters(text: str) -> None:
    """Format characters are white space to the engine and identifier characters to the parser (FINDINGS): the two
    would read two different statements. None is needed in a query, not even inside a text."""
    for place, character in enumerate(text):
        if character in "\n\t\r" or " " <= character < "\x7f":
            continue
        if unicodedata.category(character) in {"Cf", "Cc", "Co", "Cs", "Cn", "Zl", "Zp"}:
            raise Refused(
                "query.format_character", {"character": f"U+{ord(character):04X}", **position(text, place)}
            )


def tokens_of(text: str) -> list[Token]:
    """Raises Refused `query.syntax`, `query.format_character`."""
    try:
        tokens = DIALECT.tokenize(text)
    except TokenError:
        raise Refused("query.syntax", {**position(text, _unclosed(text)), "suggestion": "' \" */"}) from None
    except Exception:  # FINDINGS: malformed input raises more than TokenError; anything raised is a no
        raise Refused("query.syntax", {"line": 1, "column": 1, "suggestion": WHOLE}) from None
    # Other spaces (U+00A0, U+3000) are white space to the engine alone; they may stand in texts and nowhere else.
    covered = 0
    for token in tokens:
        _check_spaces(text, covered, token.start)
        if token.token_type not in _TEXTS:
            _check_spaces(text, token.start, token.end + 1)
        covered = token.end + 1
    _check_spaces(text, covered, len(text))
    return tokens


def _unclosed(text: str) -> int:
    """Where the quotation or comment begins that never ends: every whole one before it is stepped over."""
    whole = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|[^'\"/-]+|[/-]", re.DOTALL)
    place = 0
    while place < len(text):
        found = whole.match(text, place)
        if found is None or (text.startswith("/*", place) and not found.group().startswith("/*")):
            return place
        place = found.end()
    return 0


def _check_spaces(text: str, start: int, end: int) -> None:
    for place in range(start, end):
        character = text[place]
        if character > "\x7f" and unicodedata.category(character) == "Zs":
            raise Refused(
                "query.format_character", {"character": f"U+{ord(character):04X}", **position(text, place)}
            )


def check_size(text: str, tokens: list[Token]) -> None:
    """Limits that hold before parsing: the parser's time grows faster than its text on some of these."""
    if len(tokens) > grammar.MAX_TOKENS:
        raise Refused("query.limit_tokens", {"tokens": len(tokens), "limit": grammar.MAX_TOKENS})
    depth = joins = queries = lists = 0
    for token in tokens:
        match token.token_type:
            case TokenType.L_PAREN | TokenType.CASE:
                depth += 1
            case TokenType.R_PAREN | TokenType.END:
                depth -= 1
            case TokenType.L_BRACE:
                raise Refused("query.node", {"node": "struct", "instead": instead.for_node("struct")})
            case TokenType.L_BRACKET:
                lists += 1
            case TokenType.JOIN:
                joins += 1
            case TokenType.SELECT:
                queries += 1
            case _:
                pass
        if depth > grammar.MAX_DEPTH or lists > grammar.MAX_LISTS:
            raise Refused("query.limit_depth", {"limit": grammar.MAX_DEPTH})
    if joins > grammar.MAX_JOINS:
        raise Refused("query.limit_joins", {"joins": joins, "limit": grammar.MAX_JOINS})
    if queries > grammar.MAX_QUERIES:
        raise Refused("query.limit_queries", {"queries": queries, "limit": grammar.MAX_QUERIES})


def check_statement(tokens: list[Token]) -> None:
    """One statement that begins like a query. Asked before parsing, because the parser writes the text of what it
    does not know (EXPLAIN, PREPARE) to the process's log."""
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        tokens = tokens[:-1]
    if not tokens:
        raise Refused("query.syntax", {"line": 1, "column": 1, "suggestion": WHOLE})
    if any(token.token_type == TokenType.SEMICOLON for token in tokens):
        raise Refused("query.statement", {"statement": "several"})
    first = next((t for t in tokens if t.token_type != TokenType.L_PAREN), tokens[0])
    if first.token_type not in {TokenType.SELECT, TokenType.WITH, TokenType.FROM}:
        raise Refused("query.statement", {"statement": printable(first.text.lower())})


_ENDS = frozenset(
    {
        TokenType.WHERE, TokenType.GROUP_BY, TokenType.HAVING, TokenType.QUALIFY, TokenType.ORDER_BY, TokenType.WINDOW,
        TokenType.LIMIT, TokenType.OFFSET, TokenType.FETCH, TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT,
        TokenType.SELECT, TokenType.COMMA, TokenType.R_PAREN, TokenType.SEMICOLON,
    }
)  # fmt: skip
"""Tokens by which the condition of a join must have been said."""

_WITHOUT = frozenset({TokenType.CROSS, TokenType.NATURAL, TokenType.POSITIONAL})
"""Kinds of join that have no condition."""


def check_joins(tokens: list[Token]) -> None:
    """Each join says on what. The parser reads `a LEFT JOIN b` and `a JOIN b ON WHERE …` as `a, b`: every row of one beside
    every row of the other, which is not what was written, and which the engine would refuse.

    Raises Refused `query.syntax` at the join.
    """
    pending: list[list[Token]] = [[]]
    for place, token in enumerate(tokens):
        kind = token.token_type
        if kind in _ENDS and pending[-1]:
            raise _unjoined(pending[-1][-1])
        match kind:
            case TokenType.L_PAREN:
                pending.append([])
            case TokenType.R_PAREN if len(pending) > 1:
                pending.pop()
            case TokenType.JOIN if not place or tokens[place - 1].token_type not in _WITHOUT:
                pending[-1].append(token)
            case TokenType.ON | TokenType.USING if pending[-1]:
                if place + 1 == len(tokens) or tokens[place + 1].token_type in _ENDS - {TokenType.SELECT}:
                    raise _unjoined(token)
                pending[-1].pop()
            case _:
                pass
    if pending[-1]:
        raise _unjoined(pending[-1][-1])


def _unjoined(token: Token) -> Refused:
    return Refused("query.syntax", {"line": token.line, "column": token.col, "suggestion": "ON"})


def position(text: str, place: int) -> dict[str, int]:
    """Line and column of a character, from 1."""
    before = text[:place]
    return {"line": before.count("\n") + 1, "column": place - before.rfind("\n")}


def suggestion(tokens: Iterable[Token], line: int, column: int) -> str:
    """What may be meant near a place that does not parse: a keyword that a word there (or just before) is close to, a
    bracket that is missing. Only keywords and brackets are ever said, never a word of the text."""
    tokens = list(tokens)
    near = [t for t in tokens if (t.line, t.col) <= (line, column)][-3:]
    near += [t for t in tokens if (t.line, t.col) > (line, column)][:1]
    for token in reversed(near):
        word = token.text.upper()
        if token.token_type == TokenType.VAR and word not in KEYWORDS:
            close = difflib.get_close_matches(word, KEYWORDS, n=1, cutoff=0.7)
            if close:
                return close[0]
    opened = sum((t.token_type == TokenType.L_PAREN) - (t.token_type == TokenType.R_PAREN) for t in tokens)
    if opened:
        return ")" if opened > 0 else "("
    cases = sum((t.token_type == TokenType.CASE) - (t.token_type == TokenType.END) for t in tokens)
    return "END" if cases > 0 else WHOLE


def printable(name: str) -> str:
    """A name that the researcher wrote, short and harmless enough to repeat."""
    return re.sub(r"[^\w.]", "?", name)[:64]


def calls(tokens: list[Token]) -> list[str]:
    """The words that stand before a bracket, as written, in lower case: the functions of a text."""
    return [
        token.text.lower()
        for token, after in pairwise(tokens)
        if after.token_type == TokenType.L_PAREN and re.fullmatch(r"[A-Za-z_]\w*", token.text)
    ]
