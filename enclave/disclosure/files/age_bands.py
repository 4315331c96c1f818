"""How people write a band of ages (or of grams): read from the text of a category.

Decides where a band begins and ends, in whole units. Does not: judge it, or guess what it cannot read.
"""

import re
import unicodedata
from collections.abc import Iterable

from enclave.disclosure.criteria.categories import Band
from enclave.disclosure.files.margins import TOTAL_WORDS

_UNIT = r"\s*(?:歳|才|years?|yrs?|y|g|グラム)?\s*"
_FROM_TO = re.compile(rf"(\d+){_UNIT}(?:-|–|—|−|‐|~|〜|～|to|から)\s*(\d+){_UNIT}", re.IGNORECASE)
_FROM_BELOW = re.compile(
    rf"(\d+){_UNIT}(?:以上|-|–|~)\s*(\d+){_UNIT}未満|\[(\d+)\s*,\s*(\d+)\)", re.IGNORECASE
)
_FROM = re.compile(
    rf"(?:>=|≥|≧)?\s*(\d+){_UNIT}(?:\+|以上|and over|and older|or more|or over|-|~|〜|～)|(?:>=|≥|≧)\s*(\d+){_UNIT}",
    re.IGNORECASE,
)
_BELOW = re.compile(rf"(?:<|＜|under|below)\s*(\d+){_UNIT}|(\d+){_UNIT}未満", re.IGNORECASE)
_UP_TO = re.compile(rf"(?:<=|≤|≦|up to)\s*(\d+){_UNIT}|(\d+){_UNIT}以下", re.IGNORECASE)
_ONE = re.compile(rf"(\d+){_UNIT}", re.IGNORECASE)


def band(text: str, width: int) -> Band | None:
    """The band that `text` writes; a number alone is the lower end of one of `width`. None for anything else."""
    plain = unicodedata.normalize("NFKC", text).strip()
    for form, read in (
        (_FROM_BELOW, lambda a, b: (a, b)),
        (_FROM_TO, lambda a, b: (a, b + 1)),
        (_FROM, lambda a: (a, None)),
        (_BELOW, lambda a: (0, a)),
        (_UP_TO, lambda a: (0, a + 1)),
        (_ONE, lambda a: (a, a + width)),
    ):
        found = form.fullmatch(plain)
        if found is not None:
            begin, end = read(*(int(one) for one in found.groups() if one is not None))
            return None if end is not None and end <= begin else (begin, end)
    return None


def bands_of(cells: Iterable[str], width: int = 1) -> tuple[Band, ...] | None:
    """Every band once, totals and empty cells left out; None where one of them cannot be read."""
    found: dict[Band, None] = {}
    for text in dict.fromkeys(cells):
        plain = unicodedata.normalize("NFKC", text).strip()
        if not plain or plain.casefold() in TOTAL_WORDS:
            continue
        read = band(plain, width)
        if read is None:
            return None
        found[read] = None
    return tuple(found)
