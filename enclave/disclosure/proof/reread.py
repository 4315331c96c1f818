"""What the files of protected tables claim: a second reading, from the rows and the YAML as they are written.

Decides what is unsafe and what must be possible of it (SHAPES, Table to protect; decision 0028), which cells of several tables
are one, which sums hold, and who knows more than the public. Shares nothing with what the protector reads by, so that a
mistake of either is found. Whether the claim holds, `verify` decides.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

from enclave.disclosure.proof.verify import Asked, Claim, Key, number

Row = Mapping[str, Any]
_STATUS, _BOUNDS = {"shown", "primary", "secondary"}, {"exact", "inner"}
NOTHING: Asked = (Fraction(0), Fraction(0), Fraction(0))


@dataclass(frozen=True)
class Files:
    """One table: its rows, the rows of its OUT, its dimensions with their totals, the parents of the codes of those that have a
    hierarchy, and codes that all of it belongs to."""

    rows: Sequence[Row]
    out: Sequence[Row]
    totals: Mapping[str, str]
    parents: Mapping[str, Mapping[str, str]]
    within: Mapping[str, str]


def minimum(rules: Sequence[Row]) -> tuple[int, bool]:
    """Of persons; and whether zeros are hidden too."""
    asked = [rule["min_persons"] for rule in rules if rule.get("min_persons")]
    return max((one["n"] for one in asked), default=1), any(one["zero"] == "hidden" for one in asked)


def width_of_a_count(rules: Sequence[Row]) -> int:
    return max(
        (rule["interval"]["min_whole_numbers"] - 1 for rule in rules if rule.get("interval")), default=1
    )


def wanted(row: Row, spec: Row, rules: Sequence[Row]) -> Asked | None:
    """How far an unsafe cell must reach to either side, and in all; None where it is safe."""
    count, value, lacking = number(row[spec["count"]]), spec.get("value"), Fraction(0)
    n, zeros = minimum(rules)
    published = number(row[value or spec["count"]])
    first, second = (number(row[spec[one]] if spec.get(one) else 0) for one in ("max1", "max2"))
    for rule in rules if value and count else ():
        p, pq, nk = rule.get("p_percent"), rule.get("pq"), rule.get("dominance")
        rest = published - first - second
        lacking = max(lacking, Fraction(str(p["p"])) / 100 * first - rest) if p else lacking
        lacking = (
            max(lacking, Fraction(str(pq["p"])) / Fraction(str(pq["q"])) * first - rest) if pq else lacking
        )
        largest = first if nk and nk["n"] == 1 else first + second
        lacking = max(lacking, 100 / Fraction(str(nk["k"])) * largest - published) if nk else lacking
    if (not lacking and not count < n) or (not count and not zeros):
        return None
    wide = 2 * lacking or Fraction(1 if value else max(1, width_of_a_count(rules)))
    about = spec.get("protection") or {}
    least = 0 if value or zeros or not count else 1
    lower, upper, width = (
        _distance(about.get(one, 0), row, published) for one in ("lower", "upper", "width")
    )
    side = Fraction(0) if about.get("form") == "sliding" else lacking
    asked = (max(side, min(lower, published - least)), max(side, upper), max(wide, width))
    return asked if value else (Fraction(ceil(asked[0])), Fraction(ceil(asked[1])), Fraction(ceil(asked[2])))


def _distance(asked: Any, row: Row, value: Fraction) -> Fraction:
    if not isinstance(asked, str):
        return Fraction(str(asked))
    return Fraction(asked[:-1].strip()) / 100 * value if asked.endswith("%") else number(row[asked])


def claim(tables: Sequence[Files], spec: Row, rules: Sequence[Row]) -> tuple[Claim, list[str]]:
    """What the tables claim together; and what is wrong with them before any certificate is looked at."""
    totals = {name: total for one in tables for name, total in one.totals.items()}
    names, published = list(totals), spec.get("value") or spec["count"]
    rows: dict[Key, Row] = {}
    status: dict[Key, Row] = {}
    owned: list[set[Key]] = []
    wrong = []
    for one in tables:

        def key(row: Row, one: Files = one) -> Key:
            codes = {**totals, **one.within, **{name: row[name] for name in one.totals}}
            return tuple(str(codes[name]) for name in names)

        own, said = {key(row): row for row in one.rows}, {key(row): row for row in one.out}
        columns = {*one.totals, published, "status", "lower", "upper", "bounds"}
        if any(set(row) != columns for row in one.out):
            wrong.append("it has columns that do not belong there, beside what is hidden")
        if own.keys() != said.keys() or len(own) != len(one.rows) or len(said) != len(one.out):
            wrong.append("the cells of the two tables are not the same")
        numbers = [spec[name] for name in ("count", "value", "max1", "max2") if spec.get(name)]
        for cell in own.keys() & rows.keys():
            if any(number(own[cell][name]) != number(rows[cell][name]) for name in numbers):
                wrong.append(f"{cell}: two tables say different things of it")
        for cell in said.keys() & status.keys():
            if any(said[cell][name] != status[cell][name] for name in ("status", "lower", "upper")):
                wrong.append(f"{cell}: told in two ways")
        rows |= own
        status |= said
        owned.append(set(own))
    counts = {cell: number(row[spec["count"]]) for cell, row in rows.items()}
    true = {cell: number(row[published]) for cell, row in rows.items()}
    sums, empty = [], set()
    for total, details in _sums(tables, owned, names, rows):
        if total not in rows:
            empty |= set(details)
        else:
            sums.append((total, details))
            if true[total] != sum(true[cell] for cell in details):
                wrong.append(f"{total}: does not add up")
    for one, cells in zip(tables, owned, strict=True):
        codes = [
            {cell[axis] for cell in cells} | ({totals[name]} & {one.totals.get(name)})
            for axis, name in enumerate(names)
        ]
        empty |= {cell for cell in rows if cell not in cells and all(map(set.__contains__, codes, cell))}
    wrong += [f"{cell}: written, and elsewhere empty" for cell in empty if counts[cell]]
    needs = {
        cell: asked for cell, row in rows.items() if cell not in empty and (asked := wanted(row, spec, rules))
    }
    for cell, row in status.items():
        shown = row["status"] == "shown"
        if shown and any(
            not row[one] or number(row[one]) != true.get(cell) for one in (published, "lower", "upper")
        ):
            wrong.append(f"{cell}: shown, but not the true number")
        if row["status"] not in _STATUS or row["bounds"] not in _BOUNDS:
            wrong.append(f"{cell}: a status or bounds that are none")
        if not shown and (row[published] != "" or cell in empty):
            wrong.append(f"{cell}: hidden, but written")
        if (row["status"] == "primary") != (cell in needs):
            wrong.append(f"{cell}: not marked as the rules find it")
    floor = 0 if spec.get("value") or minimum(rules)[1] else 1
    return (
        Claim(
            names,
            true,
            {cell: floor if counts[cell] else 0 for cell in rows},
            not spec.get("value"),
            sums,
            {cell: (row["lower"], row["upper"]) for cell, row in status.items() if row["status"] != "shown"},
            needs,
            list(_insiders(spec, rules, counts, sums, needs)),
        ),
        wrong,
    )


def _sums(
    tables: Sequence[Files], owned: Sequence[set[Key]], names: Sequence[str], cells: Mapping[Key, Row]
) -> Iterator[tuple[Key, list[Key]]]:
    """Of each table along each of its dimensions, and of each hierarchy over the cells of all where no table has them all."""
    for one, own in zip(tables, owned, strict=True):
        for name, total in one.totals.items():
            axis, tree = names.index(name), one.parents.get(name)
            for there in (own, cells) if tree is not None else (own,):
                found: dict[Key, list[Key]] = defaultdict(list)
                for cell in there:
                    above = tree.get(cell[axis]) if tree is not None else total
                    if above is not None and cell[axis] != total:
                        found[(*cell[:axis], above, *cell[axis + 1 :])].append(cell)
                for parent, details in found.items():
                    together = {parent, *details}
                    if there is own or (parent in cells and not any(together <= each for each in owned)):
                        yield parent, details


def _insiders(
    spec: Row,
    rules: Sequence[Row],
    counts: Mapping[Key, Fraction],
    sums: Sequence[tuple[Key, Sequence[Key]]],
    needs: Mapping[Key, Asked],
) -> Iterator[tuple[frozenset[Key], dict[Key, Asked]]]:
    """Who pools what they know: the contributors of a cell that has few. They know what nobody else contributes to. A cell that
    they are a part of needs against them what too few others ask for, and nothing where others are enough."""
    below: dict[Key, set[Key]] = defaultdict(set)
    above: dict[Key, set[Key]] = defaultdict(set)
    for total, details in sums:
        below[total] |= set(details)
        for cell in details:
            above[cell].add(total)

    def reached(start: set[Key], steps: Mapping[Key, set[Key]]) -> set[Key]:
        found: set[Key] = set()
        while start := {one for cell in start for one in steps.get(cell, ()) if one not in found}:
            found |= start
        return found

    n, width = minimum(rules)[0], Fraction(1 if spec.get("value") else max(1, width_of_a_count(rules)))
    few = max([spec.get("insiders", 0), *(rule["insiders"]["n"] for rule in rules if rule.get("insiders"))])
    for cell, count in counts.items():
        if 0 < count <= few:
            same = {cell, *(one for one in reached({cell}, above) if counts[one] == count)}
            known = frozenset(same | reached(same, below))
            own: dict[Key, Fraction] = defaultdict(Fraction)
            for part in known:
                for one in (reached({part}, above) if counts[part] else set()) - known:
                    own[one] = max(own[one], counts[part])
            yield (
                known,
                {
                    one: (
                        NOTHING[0],
                        NOTHING[0],
                        min(width, max(needs[one][2], needs[one][0] + needs[one][1])),
                    )
                    if 0 < counts[one] - own[one] < n
                    else NOTHING
                    for one in own.keys() & needs.keys()
                },
            )
