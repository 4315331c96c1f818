"""The checker of a protected table's certificates: exact arithmetic, no solver, nothing of the protector's code.

Given are the files as they are written: texts by column, and the YAML of spec and rule sets. Every hidden cell needs two
assignments of the hidden cells that agree with what is shown, keep every sum and what everybody knows, and put the cell as
low and as high as OUT says and as the rules ask. `problems` says what does not hold; nothing to say means: proven. Reads
itself what is unsafe, so that a mistake of the protector is found too.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

Row = Mapping[str, Any]
Key = tuple[str, ...]
Parents = Mapping[str, Mapping[str, str]]


def wanted(row: Row, spec: Row, rules: Sequence[Row]) -> tuple[Fraction, Fraction] | None:
    """How far an unsafe cell must reach to either side, and in all; None where it is safe (SHAPES, Table to protect)."""
    count, value, asked = Fraction(str(row[spec["count"]])), spec.get("value"), Fraction(0)
    smallest = [rule["min_persons"] for rule in rules if rule.get("min_persons")]
    if not count:
        hidden = any(one.get("zero", "shown") == "hidden" for one in smallest)
        return (Fraction(0), Fraction(1)) if hidden else None
    if value:
        all_of_it, first, second = (
            Fraction(str(row[spec[one]] if spec.get(one) else 0)) for one in ("value", "max1", "max2")
        )
        for rule in rules:
            p, pq, nk = rule.get("p_percent"), rule.get("pq"), rule.get("dominance")
            rest = all_of_it - first - second
            asked = max(asked, Fraction(p["p"], 100) * first - rest) if p else asked
            asked = max(asked, Fraction(pq["p"], pq["q"]) * first - rest) if pq else asked
            largest = first if nk and nk["n"] == 1 else first + second
            asked = max(asked, Fraction(100, nk["k"]) * largest - all_of_it) if nk else asked
    if asked > 0:
        return asked, 2 * asked
    wide = (
        0
        if value
        else max(
            (rule["interval"]["min_whole_numbers"] - 1 for rule in rules if rule.get("interval")), default=1
        )
    )
    return (Fraction(0), Fraction(max(1, wide))) if any(count < one["n"] for one in smallest) else None


def problems(
    table: Sequence[Row],
    out: Sequence[Row],
    certificates: Sequence[Row],
    spec: Row,
    parents: Parents,
    rules: Sequence[Row],
) -> Iterator[str]:
    """What does not hold, in words. `parents`: per dimension the parent of each code."""
    names, published, whole = list(parents), spec.get("value") or spec["count"], not spec.get("value")
    rows = {tuple(str(row[name]) for name in names): row for row in table}
    true = {key: Fraction(str(row[published])) for key, row in rows.items()}
    totals = {
        (axis, _above(key, axis, parents[name]))
        for key in true
        for axis, name in enumerate(names)
        if key[axis] in parents[name]
    }
    # A total that is not written is empty, and so is what lies below it: known to all.
    empty = {key for key in true if any(above not in true for above in _all_above(key, names, parents))}
    needs = {
        key: need for key, row in rows.items() if key not in empty and (need := wanted(row, spec, rules))
    }
    floor = (
        1
        if whole and all(rule.get("min_persons", {}).get("zero", "shown") == "shown" for rule in rules)
        else 0
    )
    status = {tuple(str(row[name]) for name in names): row for row in out}
    hidden = {key for key, row in status.items() if row["status"] != "shown"}
    if status.keys() != true.keys() or len(status) != len(out):
        yield "the cells of the two tables are not the same"
        return
    yield from (
        f"{key}: shown, but not the true number"
        for key in status.keys() - hidden
        if Fraction(status[key][published]) != true[key]
    )
    yield from (f"{key}: hidden, but written" for key in hidden if status[key][published] != "")
    yield from (
        f"{key}: not marked as the rules find it"
        for key in status
        if (status[key]["status"] == "primary") != (key in needs)
    )
    proven: dict[Key, tuple[Fraction, Fraction]] = {}
    for one in certificates:
        cell, ends = tuple(str(one["cell"][name]) for name in names), []
        for side in ("low", "high"):
            change: dict[Key, Fraction] = {}
            for place, value in one[side]:
                key, now = tuple(str(place[name]) for name in names), Fraction(str(value))
                if key not in hidden or key in change or now < floor or (whole and now.denominator != 1):
                    yield f"{cell}, {side}: {key} cannot be {value}"
                change[key] = now - true.get(key, Fraction(0))
            sums: dict[tuple[int, Key], Fraction] = defaultdict(Fraction)
            for key, step in change.items():
                for axis, name in enumerate(names):
                    if key[axis] in parents[name]:
                        sums[axis, _above(key, axis, parents[name])] += step
                    if (axis, key) in totals:
                        sums[axis, key] -= step
            if any(sums.values()):
                yield f"{cell}, {side}: a sum does not hold"
            ends.append(change.get(cell, Fraction(0)))
        proven[cell] = (ends[0], ends[1])
    for cell in sorted(hidden):
        low, high = proven.get(cell, (Fraction(1), Fraction(-1)))
        side_wanted, in_all = needs.get(cell, (Fraction(0), Fraction(0)))
        if -low < side_wanted or high < side_wanted or high - low < in_all:
            yield f"{cell}: not protected as the rules ask"
        elif not _says(status[cell]["lower"], true[cell] + low) or not (
            status[cell]["upper"] == "inf" or _says(status[cell]["upper"], true[cell] + high)
        ):
            yield f"{cell}: its bounds are not those of its certificate"


def _above(key: Key, axis: int, parent: Mapping[str, str]) -> Key:
    return (*key[:axis], parent[key[axis]], *key[axis + 1 :])


def _all_above(key: Key, names: Sequence[str], parents: Parents) -> list[Key]:
    return [_above(key, axis, parents[name]) for axis, name in enumerate(names) if key[axis] in parents[name]]


def _says(written: str, exact: Fraction) -> bool:
    """Twelve significant digits."""
    return abs(Fraction(written) - exact) <= abs(exact) / 10**11
