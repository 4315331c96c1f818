"""Which categories a table may have, whatever stands in its cells: ages, areas, crossings, items of birth and death.

Decides from what the columns of a table are. Relies on `Rules`. Does not: read a table, or guess what a column means; who
knows says so in `Categories`. Source: the rule sets (the ministry's criteria of age, area and death information).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from enclave.disclosure.criteria.cell_rules import Reason
from enclave.disclosure.criteria.rules import Rules

Band = tuple[int, int | None]
"""From and to, the end excluded; None where it is open."""

AREAS = ("pref", "sma", "muni")
"""Prefecture, secondary medical area, municipality or ward: each finer than the one before."""


@dataclass(frozen=True)
class Categories:
    """What the dimensions of one table are.

    ages           bands of age in whole years
    areas          levels of area, of residence or institution (`AREAS`)
    crossed        kinds of the other dimensions, as a rule names them (`insurer_kind`)
    death_hours    width of the bands of a time of death, in hours (a fraction where finer); None where there is none
    birth_weights  bands of birth weight in g, from 0
    ungrouped      items that stand as they are, without groups (`siblings`)
    """

    ages: tuple[Band, ...] = ()
    areas: frozenset[str] = frozenset()
    crossed: frozenset[str] = frozenset()
    death_hours: Fraction | int | None = None
    birth_weights: tuple[Band, ...] = ()
    ungrouped: frozenset[str] = frozenset()


def _cut(begin: int, end: int, width: int, cuts: frozenset[int]) -> bool:
    """Whether a band is all that a cut leaves of one step of `width` on its side."""
    step = begin // width * width
    inside = {cut for cut in cuts if step < cut < step + width}
    ends = sorted({step, step + width} | inside)
    return (begin, end) in set(pairwise(ends))


def _fine(
    bands: tuple[Band, ...], width: int, low: int | None, high: int | None, cuts: frozenset[int] = frozenset()
) -> bool:
    """Whether some band is narrower than `width` without a cut, or cuts what lies below `low` or from `high` on."""
    for begin, end in bands:
        if low is not None and (0 < begin < low or (begin == 0 and end is not None and end < low)):
            return True
        pooled = low is not None and begin == 0
        if high is not None and (begin > high or (end is not None and end > high)):
            return True
        narrow = end is not None and not pooled and end - begin < width
        if narrow and not (end is not None and _cut(begin, end, width, cuts)):
            return True
    return False


def _cuts(rules: Rules) -> frozenset[int]:
    """Ages at which a step may be cut: only those that every set with bands allows."""
    allowed = [one.age.get("cuts", []) for one in rules.sets if one.age is not None]
    found = [frozenset(cuts) if isinstance(cuts, list) else frozenset() for cuts in allowed]
    return frozenset.intersection(*found) if found else frozenset()


def _ages(table: Categories, rules: Rules) -> Iterator[Reason]:
    bands, top, bottom = (rules.limit(f"age.{name}") for name in ("bands", "top", "bottom"))
    if bands is None or not table.ages:
        return
    low, high = (None if one is None else int(one.value) for one in (bottom, top))
    if _fine(table.ages, int(bands.value), low, high, _cuts(rules)):
        yield Reason("disclosure.age_bands", bands.source, {"bands": bands.value, "top": high or "-"})


def _areas(table: Categories, rules: Rules) -> Iterator[Reason]:
    """The coarsest of the finest areas that the sets allow; where the finest of all is shown, what may not be crossed with it."""
    for one in rules.sets:
        if one.area is None:
            continue
        finest = str(one.area["finest"])
        for area in sorted(table.areas):
            if area not in AREAS or AREAS.index(area) > AREAS.index(finest):
                yield Reason("disclosure.area_too_fine", one.id, {"finest": finest})
        forbidden = one.area.get("forbidden_with", [])
        if "muni" in table.areas and isinstance(forbidden, list):
            for item in sorted(table.crossed & set(forbidden)):
                yield Reason("disclosure.crossing", one.id, {"item": item})


def _death(table: Categories, rules: Rules) -> Iterator[Reason]:
    hours = rules.limit("death.hours")
    if hours is not None and table.death_hours is not None and table.death_hours < hours.value:
        needs = f"{hours.value} h"
        yield Reason("disclosure.death_item", hours.source, {"item": "time of death", "needs": needs})
    width, low, high = (
        rules.limit(f"death.{name}")
        for name in ("birth_weight_bands", "birth_weight_low", "birth_weight_high")
    )
    if width is not None and table.birth_weights:
        least, most = (None if one is None else int(one.value) for one in (low, high))
        if _fine(table.birth_weights, int(width.value), least, most):
            needs = f"{width.value} g"
            yield Reason("disclosure.death_item", width.source, {"item": "birth weight", "needs": needs})
    for one in rules.sets:
        grouped = (one.death or {}).get("grouped", [])
        for item in sorted(table.ungrouped & set(grouped if isinstance(grouped, list) else [])):
            yield Reason("disclosure.death_item", one.id, {"item": item, "needs": "groups"})


CATEGORY_RULES = (_ages, _areas, _death)


def unfit(table: Categories, rules: Rules) -> tuple[Reason, ...]:
    """Every rule that the categories of a table break; none where they may all be shown."""
    return tuple(reason for rule in CATEGORY_RULES for reason in rule(table, rules))
