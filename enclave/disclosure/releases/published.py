"""Tables that are public and of which nobody here knows the persons: totals and intervals beside an output's numbers.

Decides which of them an output's cell may differ from by fewer than n persons. That is no proof, since the same words may
mean other persons in another table: so nothing is refused for it, and nothing passes by it. A human is shown the two
numbers' names side by side, and reads that of these releases the persons are not known (`differencing.Bound`).

Relies on the words of a table's categories. Compared are cells of which one says everything that the other says, and more
or nothing more; a hidden number is anything between its bounds.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from enclave.disclosure.releases.history import MARGIN, Cell


@dataclass(frozen=True)
class Published:
    """A public number of persons: between `low` and `high`, which are equal where it was printed. `high` None: no limit."""

    release: str
    table: str
    keys: tuple[tuple[str, str], ...]
    low: int
    high: int | None

    def to_json(self) -> dict[str, Any]:
        return {"keys": [list(pair) for pair in self.keys], "low": self.low, "high": self.high}


def published_of(release: str, table: str, words: Mapping[str, Any]) -> Published:
    """The cell of `Published.to_json`. Raises ValueError, KeyError or TypeError for what is none."""
    low, high = words["low"], words["high"]
    if not isinstance(low, int) or isinstance(low, bool) or low < 0:
        raise ValueError("low")
    if high is not None and (not isinstance(high, int) or isinstance(high, bool) or high < low):
        raise ValueError("high")
    keys = tuple((str(name), str(value)) for name, value in words["keys"])
    return Published(release, table, keys, low, high)


@dataclass(frozen=True)
class Near:
    """A cell of an output and a public number that may be of 1 to n - 1 persons more or fewer."""

    cell: Cell
    public: Published


def near(new: Sequence[Cell], public: Sequence[Published]) -> Iterator[Near]:
    """Every cell beside every public number that it may differ from by 1 to n - 1 persons, as far as words tell.

    An interval as wide as n says too little to be laid beside anything.
    """
    low = np.array([one.low for one in public], dtype=np.int64)
    high = np.array([_WIDE if one.high is None else one.high for one in public], dtype=np.int64)
    words = [_words(one.keys) for one in public]
    for cell in new:
        said, apart = _words(cell.keys), cell.floor - 1
        same = (low == high) & (low == cell.size)
        close = (low <= cell.size + apart) & (high >= cell.size - apart) & (high - low <= apart) & ~same
        for place in np.flatnonzero(close).tolist():
            if said <= words[place] or words[place] <= said:
                yield Near(cell, public[place])


_WIDE: Final = 1 << 62


def _words(keys: Sequence[tuple[str, str]]) -> frozenset[str]:
    return frozenset(value.strip().casefold() for _, value in keys if value != MARGIN)
