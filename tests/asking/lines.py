"""Long statements broken over lines for reading: before clauses, then between columns. Words and brackets stay as they are."""

import re

WIDTH = 100

_CLAUSES = re.compile(
    r"(?:FROM|WHERE|GROUP\s+BY|HAVING|QUALIFY|ORDER\s+BY|WINDOW|LIMIT|UNION|EXCEPT|INTERSECT|SELECT"
    r"|(?:(?:LEFT|RIGHT|FULL|INNER|CROSS|SEMI|ANTI|ASOF)\s+)*(?:OUTER\s+)?JOIN)\b",
    re.IGNORECASE,
)
_STEPS = re.compile(r"(?<=\), )\w+(?:\s*\([^)]*\))? AS (?:(?:NOT )?MATERIALIZED )?\(")
_BETWEEN = re.compile(r"(?:AND|OR|WHEN|ELSE)\b", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|\$\$.*?\$\$", re.DOTALL)


def laid_out(sql: str) -> str:
    """As it was written where it fits; otherwise put on one line (but for comments) and broken anew."""
    lines = [line.rstrip() for line in sql.strip().splitlines()]
    if all(len(line) <= WIDTH for line in lines) or "--" in sql:
        return "\n".join(lines)
    return "\n".join(_broken(" ".join(line.strip() for line in lines), 0))


def _broken(line: str, indent: int) -> list[str]:
    """The line in pieces no longer than `WIDTH` where there is a place to break it."""
    text = line.strip()
    if indent + len(text) <= WIDTH:
        return [" " * indent + text]
    depths = _depths(text)
    for pattern in (_STEPS, _CLAUSES, None, _BETWEEN):
        places = _places(text, depths, pattern)
        if places:
            ends = [*places, len(text)]
            starts = [0, *places]
            pieces = [text[start:end].strip() for start, end in zip(starts, ends, strict=True)]
            whole = pattern in {_STEPS, _CLAUSES}
            if not whole:
                pieces = _filled(pieces, WIDTH - indent - 2)
            if len(pieces) == 1:
                continue
            deeper = indent + (0 if whole and not depths[places[0]] else 2)
            first, *others = pieces
            return [
                *_broken(first, indent),
                *(made for piece in others for made in _broken(piece, deeper)),
            ]
    return [" " * indent + text]


def _depths(text: str) -> list[int]:
    """The brackets around each character; within quotation marks very many."""
    plain = _QUOTED.sub(lambda m: "\0" * len(m[0]), text)
    depth, found = 0, []
    for character in plain:
        depth -= character in ")]"
        found.append(1_000 if character == "\0" else depth)
        depth += character in "(["
    return found


def _places(text: str, depths: list[int], pattern: re.Pattern[str] | None) -> list[int]:
    """Where the line may be broken: of all places those within the fewest brackets. Without a pattern: behind commas."""
    if pattern is None:
        found = [place + 1 for place, c in enumerate(text[:-1]) if c == "," and depths[place] < 1_000]
    else:
        found = [
            m.start()
            for m in pattern.finditer(text)
            if m.start() and text[m.start() - 1].isspace() and depths[m.start()] < 1_000
            and text[: m.start()].rstrip()[-1] != "("
        ]  # fmt: skip
    # A piece of brackets alone is no line; `extract(year FROM d)` and `OVER (… ORDER BY …)` stay together.
    least = min((depths[p] for p in found if p < len(depths)), default=0)
    return [p for p in found if p < len(depths) and depths[p] == least and (least == 0 or _in_query(text, p))]


def _in_query(text: str, place: int) -> bool:
    """Whether the nearest bracket open at a place holds a query, or columns of one."""
    depth = 0
    for at in range(place - 1, -1, -1):
        depth += (text[at] in ")]") - (text[at] in "([")
        if depth < 0:
            return (
                re.match(r"\(\s*(?:SELECT|FROM|WITH|VALUES)\b|\(\s*\(", text[at:], re.IGNORECASE) is not None
            )
    return True


def _filled(pieces: list[str], width: int) -> list[str]:
    """Neighbours put together again as long as they fit on a line."""
    made = [pieces[0]]
    for piece in pieces[1:]:
        if len(made[-1]) + 1 + len(piece) <= width:
            made[-1] = f"{made[-1]} {piece}"
        else:
            made.append(piece)
    return made
