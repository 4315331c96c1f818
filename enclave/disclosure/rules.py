"""Rule sets: which thresholds bind, read from data (SHAPES, Rule set). Nothing here knows a number of its own.

Decides: whether a mapping is a rule set, and what several of them together ask of one cell (the strictest of each).
Relies on: the files under `policies/data/`, loaded by `enclave.adapters.rule_files`; the policy server says which
sets bind. Does not: read a disk, look at a table, or drop a rule silently (`unenforced` names what the cell engine
cannot apply yet, and `flow.protect` refuses then).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import Any

from enclave.core.refusal import Refused


class Zero(StrEnum):
    """Whether a count of nobody is shown as 0 (the ministry's criterion) or hidden like a small one."""

    SHOWN = "shown"
    HIDDEN = "hidden"


@dataclass(frozen=True)
class MinPersons:
    """A cell of 1 to n - 1 persons is unsafe; `zero` says what becomes of 0."""

    n: int
    zero: Zero


@dataclass(frozen=True)
class PopulationTier:
    """Where the area of a cell has fewer than `below` inhabitants: the threshold `n`, or None for no counts at all."""

    below: int
    n: int | None


@dataclass(frozen=True)
class RuleSet:
    """One dated, sourced set. Keys that a set does not need are None or empty."""

    id: str
    valid_from: date
    valid_to: date | None
    source: str
    databases: tuple[str, ...]
    min_persons: MinPersons | None = None
    min_persons_by_population: tuple[PopulationTier, ...] = ()
    min_institutions: int | None = None
    min_whole_numbers: int | None = None
    dominance: Mapping[str, int] | None = None
    p_percent: Mapping[str, int] | None = None
    pq: Mapping[str, int] | None = None
    rounding: Mapping[str, int] | None = None
    masking: Mapping[str, str] | None = None
    quantities: Mapping[str, int] | None = None
    statistics: Mapping[str, int] | None = None
    age: Mapping[str, int] | None = None
    area: Mapping[str, object] | None = None
    blocks: Mapping[str, object] | None = None

    def covers(self, database: str) -> bool:
        return "*" in self.databases or database in self.databases


CELL_RULES_NOT_APPLIED = ("dominance", "p_percent", "pq", "rounding", "masking")
"""Rules about single cells that this engine reads but does not apply: a table under them is refused, not half-checked.

`quantities`, `statistics`, `age`, `area` and `blocks` bind elsewhere (query rewriting, extract, output kinds).
"""


@dataclass(frozen=True)
class Rules:
    """What all binding sets ask together, the strictest of each.

    `n` and `zero` hold for every cell; `tiers` by the population of a cell's area; `source` is the id of the set
    that `n` comes from, for findings.
    """

    ids: tuple[str, ...]
    source: str
    n: int
    zero: Zero
    tiers: tuple[tuple[PopulationTier, ...], ...]
    min_institutions: int | None
    min_whole_numbers: int
    unenforced: tuple[str, ...]

    def threshold(self, population: int | None) -> int | None:
        """The least number of persons for a cell whose area has `population` inhabitants; None: no counts at all."""
        strictest = self.n
        if population is None:
            return strictest
        for tiers in self.tiers:
            tier = next((tier for tier in tiers if population < tier.below), None)
            if tier is None:
                continue
            if tier.n is None:
                return None
            strictest = max(strictest, tier.n)
        return strictest


_KEYS = {
    "id", "valid_from", "valid_to", "source", "scope", "min_persons", "min_persons_by_population",
    "min_institutions", "dominance", "p_percent", "pq", "interval", "rounding", "quantities", "statistics",
    "age", "area", "masking", "blocks",
}  # fmt: skip

_PARTS: Mapping[str, frozenset[str]] = {
    "scope": frozenset({"databases"}),
    "min_persons": frozenset({"n", "zero"}),
    "min_institutions": frozenset({"n"}),
    "dominance": frozenset({"n", "k"}),
    "p_percent": frozenset({"p", "n"}),
    "pq": frozenset({"p", "q"}),
    "interval": frozenset({"min_whole_numbers"}),
    "rounding": frozenset({"redact_at_most", "base", "midpoint"}),
    "statistics": frozenset({"min_df", "quantile_margin", "survival_at_risk"}),
    "age": frozenset({"bands", "top"}),
    "area": frozenset({"finest", "forbidden_with"}),
    "masking": frozenset({"rule"}),
    "blocks": frozenset({"k", "columns", "areas"}),
}
_NUMBERS = ("dominance", "p_percent", "pq", "rounding", "quantities", "statistics", "age")


def _known(found: Mapping[str, Any], allowed: frozenset[str] | set[str], where: str) -> None:
    unknown = sorted(str(key) for key in found if key not in allowed)
    if unknown:
        raise Refused("disclosure.rule_unknown_key", {"where": where, "key": unknown[0]})


def _bad(where: str, needs: str) -> Refused:
    return Refused("disclosure.rule_invalid", {"where": where, "needs": needs})


def _whole(value: object, where: str, least: int = 1) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise _bad(where, f"a whole number of at least {least}")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise _bad(where, "a text")
    return value


def _date(value: object, where: str) -> date:
    if type(value) is date:
        return value
    try:
        return date.fromisoformat(_text(value, where))
    except ValueError:
        raise _bad(where, "a date") from None


def _part(data: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    if key not in data:
        return None
    part = data[key]
    if not isinstance(part, Mapping):
        raise _bad(key, "a mapping")
    if key in _PARTS:
        _known(part, _PARTS[key], key)
    return part


def _tiers(data: Mapping[str, Any]) -> tuple[PopulationTier, ...]:
    key = "min_persons_by_population"
    found = data.get(key, [])
    if not isinstance(found, list):
        raise _bad(key, "a list")
    tiers = []
    for one in found:
        if not isinstance(one, Mapping) or set(one) != {"below", "n"}:
            raise _bad(key, "entries of {below, n}")
        n = None if one["n"] is None else _whole(one["n"], f"{key}.n")
        tiers.append(PopulationTier(_whole(one["below"], f"{key}.below"), n))
    return tuple(sorted(tiers, key=lambda tier: tier.below))


def parse(data: Mapping[str, Any]) -> RuleSet:
    """The rule set of a mapping in the shape of SHAPES.

    Raises Refused `disclosure.rule_unknown_key` for a key nobody knows (a misspelt rule would protect nobody) and
    `disclosure.rule_invalid` for a value of the wrong form.
    """
    _known(data, _KEYS, str(data.get("id", "")))
    scope = _part(data, "scope") or {}
    databases = scope.get("databases")
    if not isinstance(databases, list) or not databases:
        raise _bad("scope.databases", "a list of databases")
    persons = _part(data, "min_persons")
    institutions = _part(data, "min_institutions")
    interval = _part(data, "interval")
    numbers = {key: _part(data, key) for key in _NUMBERS}
    for key, part in numbers.items():
        for name, value in (part or {}).items():
            _whole(value, f"{key}.{name}", 0)
    try:
        zero = None if persons is None else Zero(str(persons.get("zero")))
    except ValueError:
        raise _bad("min_persons.zero", "shown or hidden") from None
    valid_to = data.get("valid_to")
    return RuleSet(
        id=_text(data.get("id"), "id"),
        valid_from=_date(data.get("valid_from"), "valid_from"),
        valid_to=None if valid_to is None else _date(valid_to, "valid_to"),
        source=_text(data.get("source"), "source"),
        databases=tuple(_text(name, "scope.databases") for name in databases),
        min_persons=None
        if persons is None or zero is None
        else MinPersons(_whole(persons.get("n"), "min_persons.n"), zero),
        min_persons_by_population=_tiers(data),
        min_institutions=None
        if institutions is None
        else _whole(institutions.get("n"), "min_institutions.n"),
        min_whole_numbers=None
        if interval is None
        else _whole(interval.get("min_whole_numbers"), "interval.min_whole_numbers", 2),
        masking=_part(data, "masking"),
        area=_part(data, "area"),
        blocks=_part(data, "blocks"),
        **numbers,
    )


def combine(rule_sets: Sequence[RuleSet]) -> Rules:
    """What all of `rule_sets` ask together. Order does not matter; the strictest binds.

    Raises Refused `disclosure.no_rules` where there is no set, or none says how many persons a cell needs.
    """
    sets = sorted(rule_sets, key=lambda one: one.id)
    minima = [(one.min_persons, one.id) for one in sets if one.min_persons is not None]
    if not minima:
        raise Refused("disclosure.no_rules", {"rule_sets": [one.id for one in sets]})
    n, source = max(((least.n, name) for least, name in minima), key=lambda pair: pair[0])
    hidden = any(least.zero is Zero.HIDDEN for least, _ in minima)
    institutions = [one.min_institutions for one in sets if one.min_institutions is not None]
    whole = [one.min_whole_numbers for one in sets if one.min_whole_numbers is not None]
    present = {
        rule.name for one in sets for rule in fields(one) if getattr(one, rule.name) not in (None, (), {})
    }
    return Rules(
        ids=tuple(one.id for one in sets),
        source=source,
        n=n,
        zero=Zero.HIDDEN if hidden else Zero.SHOWN,
        tiers=tuple(one.min_persons_by_population for one in sets if one.min_persons_by_population),
        min_institutions=max(institutions, default=None),
        min_whole_numbers=max(whole, default=2),
        unenforced=tuple(name for name in CELL_RULES_NOT_APPLIED if name in present),
    )
