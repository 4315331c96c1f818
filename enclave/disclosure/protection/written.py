"""A protected table in words: its rows for the checker, what the public gets of them, and its certificates (SHAPES).

Decides how a number is written: exactly, or to so many significant digits as the shape says. Writes no file. Relies on
`protecting` for what is hidden and on nothing for what is shown.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from enclave.disclosure.protection.protecting import Assignment, Hidden, Protected
from enclave.disclosure.protection.spec import Spec
from enclave.disclosure.protection.tabular import Tabular

DIGITS = 12
"""Significant digits of a bound that has more (SHAPES, Table to protect)."""


def parts(protected: Protected) -> list[tuple[Protected, Spec, str]]:
    """Each of several tables by itself, with the name of its file."""
    found = []
    for part in protected.tabular.parts:
        hidden = {
            row: protected.hidden[cell] for row, cell in enumerate(part.cells) if cell in protected.hidden
        }
        numbers = tuple(protected.tabular.numbers[cell] for cell in part.cells)
        names = tuple(one.name for one in part.spec.dimensions)
        own = Tabular(names, part.keys, numbers, protected.tabular.system)
        found.append((Protected(own, hidden, protected.found), part.spec, f"{part.spec.name}.csv"))
    return found


def rows(protected: Protected, spec: Spec) -> Iterator[dict[str, str]]:
    tabular = protected.tabular
    for place, key in enumerate(tabular.keys):
        row = dict(zip((one.name for one in spec.dimensions), key, strict=True))
        hidden = protected.hidden.get(place)
        if hidden is None:
            value = format(tabular.numbers[place].value, "f")
            row |= {
                spec.published: value,
                "status": "shown",
                "lower": value,
                "upper": value,
                "bounds": "exact",
            }
        else:
            row |= {
                spec.published: "",
                "status": "primary" if hidden.unsafe else "secondary",
                **_ends(hidden),
            }
        yield row


def _ends(hidden: Hidden) -> dict[str, str]:
    upper = "inf" if hidden.upper is None else decimal(hidden.upper)
    return {"lower": decimal(hidden.lower), "upper": upper, "bounds": "exact" if hidden.exact else "inner"}


def decimal(number: Fraction) -> str:
    """A number in decimals; with more than `DIGITS` significant digits it is rounded to these."""
    if number.denominator == 1:
        return str(number.numerator)
    return f"{float(number):.{DIGITS}g}" if _endless(number) else _exactly(number)


def _endless(number: Fraction) -> bool:
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest != 1 or len(_exactly(number).replace(".", "").strip("0-")) > DIGITS


def _exactly(number: Fraction) -> str:
    return format(Decimal(number.numerator) / Decimal(number.denominator), "f")


def public(row: Mapping[str, str], names: Sequence[str], published: str) -> dict[str, str]:
    """What everybody gets: hidden or shown, and neither why nor what stays possible."""
    status = "shown" if row["status"] == "shown" else "hidden"
    return {**{name: row[name] for name in names}, published: row[published], "status": status}


def certificates(protected: Protected) -> Iterator[str]:
    """One line per hidden cell. Cells share most of their assignments, and each is put into words once."""
    names = [json.dumps(name, ensure_ascii=False) for name in protected.tabular.names]
    codes: dict[str, str] = {}

    def cell(place: int) -> str:
        pairs = (
            f"{name}:{codes.get(code) or codes.setdefault(code, json.dumps(code, ensure_ascii=False))}"
            for name, code in zip(names, protected.tabular.keys[place], strict=True)
        )
        return "{" + ",".join(pairs) + "}"

    keys = {place: cell(place) for place in protected.hidden}
    whole = protected.tabular.system.whole
    uses = Counter(id(side) for one in protected.hidden.values() for side in (one.low, one.high, *one.more))
    told: dict[int, str] = {}

    def assignment(values: Assignment) -> str:
        known = told.get(id(values))
        if known is not None:
            return known
        if whole:
            pairs = [f"[{keys[place]},{value}]" for place, value in values.items()]
        else:
            pairs = [
                f'[{keys[place]},"{value.numerator}/{value.denominator}"]' for place, value in values.items()
            ]
        written = ",".join(pairs)
        if uses[id(values)] > 1:
            told[id(values)] = written
        return written

    for place, hidden in sorted(protected.hidden.items()):
        low, high = assignment(hidden.low), assignment(hidden.high)
        more = f',"more":[{",".join(f"[{assignment(one)}]" for one in hidden.more)}]' if hidden.more else ""
        yield f'{{"cell":{keys[place]},"low":[{low}],"high":[{high}]{more}}}\n'
