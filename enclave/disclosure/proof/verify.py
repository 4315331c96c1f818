"""The checker of certificates: exact arithmetic, no solver, nothing of the protector's code.

Every hidden cell has tables of its own that agree with what is shown, keep every sum and what everybody knows, and put the cell
as low and as high as OUT says and as the rules ask; of those that insiders cannot tell from the truth, some put it as low and
as high as it must possibly be for them. `problems` says what does not hold; nothing to say means: proven. What is claimed is
read from the files by `reread`, as far from the protector as this.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

Key = tuple[str, ...]
Asked = tuple[Fraction, Fraction, Fraction]
"""How far below and above its true value a cell must possibly lie, and how far apart the ends."""


@dataclass(frozen=True)
class Claim:
    """`names`: of the dimensions of a key. `true`: every written cell; `least`: what everybody knows it to be at least;
    `hidden`: with the bounds that OUT gives. `insiders`: cells that some contributors know, and what certain cells need
    against these instead of their `needs`."""

    names: Sequence[str]
    true: Mapping[Key, Fraction]
    least: Mapping[Key, int]
    whole: bool
    sums: Sequence[tuple[Key, Sequence[Key]]]
    hidden: Mapping[Key, tuple[str, str]]
    needs: Mapping[Key, Asked]
    insiders: Sequence[tuple[frozenset[Key], Mapping[Key, Asked]]]


def problems(claim: Claim, certificates: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What does not hold, in words."""
    nothing = (Fraction(0),) * 3
    sums_of: dict[Key, list[tuple[int, int]]] = defaultdict(list)
    for number, (total, details) in enumerate(claim.sums):
        sums_of[total].append((number, 1))
        for one in details:
            sums_of[one].append((number, -1))
    tables: dict[Key, list[dict[Key, Fraction]]] = {}
    for line in certificates:
        cell = tuple(str(line["cell"][name]) for name in claim.names)
        tables[cell] = []
        for written in (line["low"], line["high"], *line.get("more", ())):
            change: dict[Key, Fraction] = {}
            left_over: dict[int, Fraction] = defaultdict(Fraction)
            for codes, value in written:
                key, now = tuple(str(codes[name]) for name in claim.names), Fraction(str(value))
                if key not in claim.hidden or key in change or now < claim.least[key]:
                    yield f"{cell}: {key} cannot be {value}"
                if claim.whole and now.denominator != 1:
                    yield f"{cell}: {value} is not whole"
                change[key] = now - claim.true.get(key, Fraction(0))
                for number, sign in sums_of[key]:
                    left_over[number] += change[key] if sign > 0 else -change[key]
            if any(left_over.values()):
                yield f"{cell}: a sum does not hold"
            tables[cell].append(change)
    for cell, bounds in sorted(claim.hidden.items()):
        if cell not in tables:
            yield f"{cell}: no certificate"
            continue
        for known, partly in ((frozenset[Key](), dict[Key, Asked]()), *claim.insiders):
            steps = (one.get(cell, nothing[0]) for one in tables[cell] if one.keys().isdisjoint(known))
            seen = (nothing[0], *steps)
            low, high = min(seen), max(seen)
            lower, upper, width = partly.get(cell, claim.needs.get(cell, nothing))
            if cell not in known and (-low < lower or high < upper or high - low < width):
                yield f"{cell}: not protected as the rules ask" + (
                    f" against {sorted(known)}" if known else ""
                )
        for said, table in zip(bounds, tables[cell], strict=False):
            if said != "inf" and not _says(said, claim.true[cell] + table.get(cell, 0)):
                yield f"{cell}: its bounds are not those of its certificate"


def _says(written: str, exact: Fraction) -> bool:
    """Twelve significant digits."""
    return abs(Fraction(written) - exact) <= abs(exact) / 10**11
