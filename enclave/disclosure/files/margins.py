"""Which rows of a file are totals. A reader sees it at once; a machine needs the words, the status, or the arithmetic.

Decides only what is treated as a total. Relies on nothing but the text: a companion status column where there is one,
the words that people write, and, where nothing is said, that one category's count is the sum of all others wherever
that can be seen. Does not judge.
"""

from collections import defaultdict
from collections.abc import Sequence

from enclave.disclosure.answers.table import TOTAL

TOTAL_WORDS = frozenset(
    {
        "total",
        "totals",
        "all",
        "sum",
        "overall",
        "any",
        "合計",
        "総数",
        "計",
        "総計",
        "小計",
        "全体",
        "全て",
        "全数",
    }
)

Numbers = Sequence[Sequence[float | None]]


def mark_totals(
    dimensions: Sequence[Sequence[str]], statuses: Sequence[Sequence[str] | None], counts: Numbers
) -> list[tuple[object, ...]]:
    """The keys of every row with TOTAL where the row is a total in that dimension.

    `dimensions` and `counts` are columns; `statuses` per dimension its companion column (`total` or `detail`) or None.
    An empty key is a total only if the arithmetic says so, since it may as well be a missing value.
    """
    columns: list[list[object]] = []
    unsaid = []
    for place, (cells, status) in enumerate(zip(dimensions, statuses, strict=True)):
        if status is not None:
            columns.append(
                [TOTAL if word == "total" else cell for cell, word in zip(cells, status, strict=True)]
            )
            continue
        column: list[object] = [TOTAL if cell.casefold() in TOTAL_WORDS else cell for cell in cells]
        columns.append(column)
        if TOTAL not in column:
            unsaid.append(place)
    for place in unsaid:
        total = _by_arithmetic(columns, place, counts)
        if total is not None:
            columns[place] = [TOTAL if cell == total else cell for cell in columns[place]]
    rows = len(columns[0]) if columns else len(counts[0]) if counts else 0
    return [tuple(column[row] for column in columns) for row in range(rows)]


def _by_arithmetic(columns: list[list[object]], place: int, counts: Numbers) -> object | None:
    """The category of one dimension whose count is everywhere the sum of the others; None where there is none."""
    groups: dict[tuple[object, ...], dict[object, int]] = defaultdict(dict)
    for row in range(len(columns[place])):
        others = tuple(column[row] for number, column in enumerate(columns) if number != place)
        if columns[place][row] in groups[others]:
            return None
        groups[others][columns[place][row]] = row
    seen: dict[object, int] = defaultdict(int)
    wrong: set[object] = set()
    for count in counts:
        for rows in groups.values():
            numbers = {category: count[row] for category, row in rows.items()}
            whole = [value for value in numbers.values() if value is not None]
            if len(whole) < 3 or len(whole) != len(numbers):
                continue
            for category, value in numbers.items():
                if value is not None and value > 0 and 2 * value == sum(whole):
                    seen[category] += 1
                else:
                    wrong.add(category)
    likely = [category for category in seen if category not in wrong]
    return likely[0] if len(likely) == 1 else None
