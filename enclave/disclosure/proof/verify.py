"""The checker of certificates: exact arithmetic, no solver, nothing of the protector's code.

Every hidden cell has tables of its own that agree with what is shown, keep every sum and what everybody knows, and put the cell
as low and as high as OUT says and as the rules ask; of those that insiders cannot tell from the truth, some put it as low and
as high as it must possibly be for them. `problems` says what does not hold; nothing to say means: proven. What is claimed is
read from the files by `reread`, as far from the protector as this.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
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
    for place, line in enumerate(certificates, start=1):
        try:
            cell, told = _told(line, claim)
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
            yield f"line {place}: not a certificate"
            continue
        if cell in tables or cell not in claim.hidden:
            yield f"{cell}: not one certificate for each hidden cell"
        tables[cell] = []
        for written in told:
            change: dict[Key, Fraction] = {}
            left_over: dict[int, Fraction] = defaultdict(Fraction)
            for key, now in written:
                if key not in claim.hidden or key in change or now < claim.least[key]:
                    yield f"{cell}: {key} cannot be {now}"
                change[key] = now - claim.true.get(key, Fraction(0))
                if not change[key]:
                    yield f"{cell}: {key} is not changed"
                for number_, sign in sums_of[key]:
                    left_over[number_] += change[key] if sign > 0 else -change[key]
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
        low_table, high_table = tables[cell][:2]
        # What only rises can rise for ever: every sum is kept however often it is added.
        endless = bounds[1] == "inf" and bool(high_table.get(cell)) and min(high_table.values()) > 0
        if not _says(bounds[0], claim.true[cell] + low_table.get(cell, 0)) or not (
            endless or _says(bounds[1], claim.true[cell] + high_table.get(cell, 0))
        ):
            yield f"{cell}: its bounds are not those of its certificate"


_PARTS = {"cell", "low", "high"}


def _told(line: Mapping[str, Any], claim: Claim) -> tuple[Key, list[list[tuple[Key, Fraction]]]]:
    """The cell of a line and its tables. Raises what Python raises of a line that is none."""
    if not _PARTS <= line.keys() <= {*_PARTS, "more"}:
        raise ValueError("other parts than those of a certificate")
    tables = [
        [(_key(codes, claim.names), _written(value, claim.whole)) for codes, value in table]
        for table in (line["low"], line["high"], *line.get("more", ()))
    ]
    return _key(line["cell"], claim.names), tables


def _key(codes: Mapping[str, str], names: Sequence[str]) -> Key:
    """Raises KeyError where a dimension is missing, ValueError where there is another or a code is no text."""
    if len(codes) != len(names) or not all(isinstance(code, str) for code in codes.values()):
        raise ValueError("not the codes of a cell")
    return tuple(codes[name] for name in names)


def _written(value: object, whole: bool) -> Fraction:
    """Of a certificate: a whole number where the attacker knows it to be one, else "p/q". Raises ValueError."""
    if whole and type(value) is int:
        return Fraction(value)
    if not whole and isinstance(value, str) and _RATIONAL.fullmatch(value):
        return Fraction(value)
    raise ValueError("not a number of a certificate")


_RATIONAL = re.compile(r"-?[0-9]+/[0-9]+")


def number(written: object) -> Fraction:
    """Of a table, in decimals. Raises ValueError, also for a number of a few signs and endless digits (1e999999999)."""
    found = Decimal(str(written).strip())
    if not found.is_finite() or (found and abs(found.adjusted()) > _DIGITS):
        raise ValueError("not a number of a table")
    return Fraction(found)


_DIGITS = 100


def _says(written: str, exact: Fraction) -> bool:
    """Twelve significant digits."""
    return written != "inf" and abs(number(written) - exact) <= abs(exact) / 10**11
