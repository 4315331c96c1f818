"""Every rule about single cells and about categories, asked of a table file.

Decides nothing about a number itself: `cell_rules.reasons` does, from the evidence that the file or its description gives of it,
and `categories.unfit` for the columns. What a rule needs and nobody counted goes to a person. Does not: look at what subtraction
gives (`examine`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise

from enclave.core.refusal import Refused
from enclave.disclosure.criteria.categories import Band, Categories, unfit
from enclave.disclosure.criteria.cell_rules import reasons
from enclave.disclosure.criteria.evidence import CellEvidence, Statistic
from enclave.disclosure.criteria.public_tables import rounded
from enclave.disclosure.criteria.rules import CONCENTRATION
from enclave.disclosure.files.age_bands import bands_of
from enclave.disclosure.files.description import Dimension, Value, categories
from enclave.disclosure.files.sheet import Finding, Sheet, Verdict, number, plain
from enclave.disclosure.proof.interval import detailed, families

_STARRED = re.compile(
    r"|[*＊†.…・x×–—―−‐ー-]+|\(?(secret|suppressed|hidden|masked|na|n/a|c|秘匿|非公表|非表示)\)?|(<|<=|≤|＜|under |below )\s?\d+|\d+未満",
    re.IGNORECASE,
)
"""How people write a count that they hide. Anything else in a column of counts is a number in another spelling."""

_NOT_FINITE = ("nan", "inf", "-inf", "+inf", "infinity", "-infinity")
_AREA_NAMES = ("municipality", "city", "ward", "town", "市区町村", "市町村", "行政区")
_AGE_NAMES = ("age", "age_band", "age_group", "agegroup", "年齢", "年齢階級", "年齢区分", "年齢層")
_INSURER_NAMES = ("insurer_kind", "insurer_type", "kind_of_insurer", "保険者種別", "保険者の種別")


def not_finite(text: str) -> bool:
    return plain(text).casefold() in _NOT_FINITE


class _Missing:
    """What was missing, each once: a hundred lines that say the same help nobody."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._told: set[tuple[str, str]] = set()

    def told(self, rule: str, source: str) -> Iterator[Finding]:
        if (rule, source) not in self._told:
            self._told.add((rule, source))
            path = self._sheet.file.path
            yield Finding("disclosure.evidence_missing", path, {"rule": rule}, source, Verdict.HUMAN)


def _judged(sheet: Sheet, where: str, row: int, cell: CellEvidence, missing: _Missing) -> Iterator[Finding]:
    try:
        found = reasons(cell, sheet.rules)
    except Refused:
        yield sheet.finding("evidence_invalid", where, row=row + 1)
        return
    for reason in found:
        if reason.code == "disclosure.evidence_missing":
            yield from missing.told(str(reason.facts["rule"]), reason.rule_set)
        else:
            yield Finding(reason.code, where, reason.facts, reason.rule_set)


def evidence(sheet: Sheet) -> Iterator[Finding]:
    """Whether there are counts at all, and what a rule asks for that neither the file nor its description says."""
    file, said = sheet.file, sheet.file.description
    counted = bool(sheet.roles.counts) or any(name in file.attached for name in said.counts)
    quantities = bool(sheet.roles.values) and all(
        name in said.evidence_columns()
        or (name in said.values and said.values[name].statistic is Statistic.QUANTITY)
        for name in sheet.roles.values
    )
    if not counted and not quantities:
        yield sheet.finding("no_evidence", file.path, Verdict.HUMAN)
        return
    if len(set(sheet.keys)) < file.rows:
        yield sheet.finding("repeated_cell", file.path, Verdict.HUMAN)
    uncounted = []
    if sheet.rules.min_institutions is not None and said.institutions is None:
        uncounted.append("min_institutions")
    if [
        name for name in sheet.roles.values if name not in said.values and name not in said.evidence_columns()
    ]:
        uncounted += [name for name in sheet.rules.unenforced if name in CONCENTRATION]
    uncounted += [name for name in sheet.rules.unenforced if name in ("masking", "perturbation", "insiders")]
    for rule in uncounted:
        yield sheet.finding("evidence_missing", file.path, Verdict.HUMAN, rule=rule)
    if sheet.rules.tiers:
        for name in sheet.roles.dimensions:
            described = said.dimensions.get(name)
            municipal = (
                described.kind == "muni" if described and described.kind else _named(name, _AREA_NAMES)
            )
            if municipal and (described is None or described.population is None):
                yield sheet.finding("population_unknown", name, Verdict.HUMAN)
    for value in said.values.values():
        for name in value.largest:
            if name in file.columns:
                yield sheet.finding("evidence_shown", name)


def _named(name: str, words: Sequence[str]) -> bool:
    return any(word in plain(name).casefold() for word in words)


def _whole(text: str) -> int | None:
    value = number(text)
    return int(value) if value is not None and value == int(value) else None


def _exact(text: str) -> Decimal | None:
    try:
        found = Decimal(plain(text).replace(",", ""))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _population(sheet: Sheet, row: int) -> int | None:
    one = _municipality(sheet, row)
    cells = None if one is None else sheet.evidence(one.population)
    return None if cells is None else _whole(cells[row])


def _municipality(sheet: Sheet, row: int) -> Dimension | None:
    """The dimension that makes a row one of a municipality whose inhabitants the description has; None for a total."""
    for place, name in enumerate(sheet.roles.dimensions):
        one = sheet.file.description.dimensions.get(name)
        if one is not None and one.population is not None and isinstance(sheet.keys[row][place], str):
            return one
    return None


def _about(sheet: Sheet, row: int) -> dict[str, int | bool | None]:
    """What is known of a row whatever it shows."""
    said = sheet.file.description
    about: dict[str, int | bool | None] = {
        "population": _population(sheet, row),
        "municipal": _municipality(sheet, row) is not None,
    }
    for field, column in (("institutions", said.institutions), ("group", said.group)):
        cells = sheet.evidence(column)
        if cells is not None:
            about[field] = _whole(cells[row])
    return about


def counts(sheet: Sheet) -> Iterator[Finding]:
    """Every rule for every count that is shown."""
    missing = _Missing(sheet)
    said = sheet.file.description
    # What nobody described is said once, by `evidence`: with it assumed the other rules are still asked.
    lacking = said.institutions is None and sheet.rules.min_institutions is not None
    rounding = next((one.rounding for one in sheet.rules.sets if one.rounding), None)
    for column in sheet.roles.counts:
        for row, text in enumerate(sheet.file.columns[column]):
            where = sheet.cell(row, column)
            if not_finite(text):
                yield sheet.finding("not_finite", where, column=column)
                continue
            value = number(text)
            if value is None:
                # «four», 四 or Ⅳ is read as a count by everybody but a machine.
                if _STARRED.fullmatch(plain(text)) is None:
                    yield sheet.finding("not_a_count", where)
            elif sheet.hidden(column, row):
                yield sheet.finding("hidden_written", where)
            elif value < 0 or value != int(value):
                yield sheet.finding("not_a_count", where)
            else:
                about = _about(sheet, row)
                if lacking:
                    about["institutions"] = sheet.rules.min_institutions
                cell = CellEvidence(int(value), **about)  # type: ignore[arg-type]
                found = list(_judged(sheet, where, row, cell, missing))
                yield from found
                if rounding is not None and not found and rounded(int(value), rounding) != int(value):
                    yield sheet.finding("not_rounded", where)


def values(sheet: Sheet) -> Iterator[Finding]:
    """Every rule for every described number that is no count."""
    missing = _Missing(sheet)
    said = sheet.file.description
    people = sheet.evidence(next(iter((*sheet.roles.counts, *said.counts)), None))
    for column, value in said.values.items():
        for row, text in enumerate(sheet.file.columns[column]):
            shown = _exact(text)
            if shown is None or sheet.hidden(column, row):
                continue
            if any(sheet.hidden(count, row) for count in sheet.roles.counts):
                continue  # The number beside a hidden count is found by another check.
            persons = None if people is None else _whole(people[row])
            cell = _cell(sheet, value, row, shown, persons)
            where = sheet.cell(row, column)
            if cell is None:
                yield sheet.finding("evidence_invalid", where, row=row + 1)
            else:
                yield from _judged(sheet, where, row, cell, missing)


def _cell(sheet: Sheet, value: Value, row: int, shown: Decimal, persons: int | None) -> CellEvidence | None:
    """The evidence of one described number; None where a number of it is none."""
    numbers: dict[str, object] = {}
    for field, column in value.numbers.items():
        text = (sheet.evidence(column) or ())[row]
        read = _exact(text) if field == "total" else _whole(text)
        if text.strip() and read is None:
            return None
        numbers[field] = read
    largest: list[Decimal] = []
    for column in value.largest:
        text = (sheet.evidence(column) or ())[row]
        if text.strip():
            one = _exact(text)
            if one is None:
                return None
            largest.append(one)
    if value.statistic is Statistic.SUM:
        numbers["total"] = shown
    if value.statistic is Statistic.QUANTITY:
        numbers |= {"quantity": shown, "route": value.route}
    about = {name: one for name, one in _about(sheet, row).items() if name != "group"}
    return CellEvidence(persons, value.statistic, contributions=tuple(largest), **about, **numbers)  # type: ignore[arg-type]


def groups(sheet: Sheet) -> Iterator[Finding]:
    """All, or nearly all, of a total in one of its details, where a set has a rule about that. What a detail leaves over is found
    by subtraction."""
    if not any(one.group for one in sheet.rules.sets) or len(set(sheet.keys)) < len(sheet.keys):
        return
    place_of = {keys: row for row, keys in enumerate(sheet.keys)}
    groupings = {detailed(keys) for keys in sheet.keys}
    told: set[tuple[int, str]] = set()
    for column in sheet.roles.counts:
        shown = {
            row: value
            for row, text in enumerate(sheet.file.columns[column])
            if (value := _whole(text)) is not None and not sheet.hidden(column, row)
        }
        for (parent, _), children in families(dict.fromkeys(sheet.keys, (0,)), groupings).items():
            whole = shown.get(place_of[parent])
            if whole is None or len(children) < 2:
                continue
            for row in (place_of[child] for child in children):
                part = shown.get(row)
                if part is None or part > whole or (row, column) in told:
                    continue
                for reason in reasons(CellEvidence(part, group=whole), sheet.rules):
                    if reason.code.startswith("disclosure.group_"):
                        told.add((row, column))
                        yield Finding(reason.code, sheet.cell(row, column), reason.facts, reason.rule_set)


def columns(sheet: Sheet) -> Iterator[Finding]:
    """Ages, areas, crossings, items of birth and death: as described; where nobody described them, by their names, for a person."""
    said = sheet.file.description
    shown = {
        name: [
            cell
            for cell, keys in zip(sheet.file.columns[name], sheet.keys, strict=True)
            if isinstance(keys[place], str)
        ]
        for place, name in enumerate(sheet.roles.dimensions)
    }
    table, unread = categories(said, shown)
    for name in unread:
        yield sheet.finding("evidence_missing", name, Verdict.HUMAN, rule=said.dimensions[name].kind)
    for reason in unfit(table, sheet.rules):
        yield Finding(reason.code, sheet.file.path, reason.facts, reason.rule_set)
    undescribed = {name: cells for name, cells in shown.items() if not said.dimensions.get(name, None)}
    for reason in unfit(_guessed(undescribed), sheet.rules):
        yield Finding(reason.code, sheet.file.path, reason.facts, reason.rule_set, Verdict.HUMAN)


def _guessed(dimensions: Mapping[str, Sequence[str]]) -> Categories:
    """What columns are by their names. Of single numbers the least distance between two is taken as the width of a band."""
    ages: list[Band] = []
    areas: set[str] = set()
    crossed: set[str] = set()
    for name, cells in dimensions.items():
        if plain(name).casefold() in _AGE_NAMES:
            alone = sorted({int(plain(cell)) for cell in cells if plain(cell).isdecimal()})
            width = min((b - a for a, b in pairwise(alone)), default=1)
            ages += bands_of(cells, width) or ()
        elif _named(name, _AREA_NAMES):
            areas.add("muni")
        elif plain(name).casefold() in _INSURER_NAMES:
            crossed.add("insurer_kind")
    return Categories(tuple(ages), frozenset(areas), frozenset(crossed))


JUDGING = (evidence, columns, counts, values, groups)
"""The list can be read and shown; each looks at the whole sheet."""
