"""Rule sets: which thresholds bind, read from data (SHAPES, Rule set). Nothing here knows a number of its own.

Decides: whether a mapping is a rule set, which sets bind for databases on a day, and what several of them together ask (the
strictest of each). Relies on the files under `policies/data/`, loaded by `enclave.adapters.rule_files`; for a question the
policy server says which sets bind (`policies/enclave/disclosure`), by the same rule as `binding`. Does not: read a disk, look
at a table, or drop a rule silently (`unenforced` names what the engine of tables cannot apply, and `flow.protect` refuses then).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Any

from enclave.core.refusal import Refused
from enclave.disclosure.criteria.rule_forms import DATABASE, FORMS, bad, number_of_tier, whole

Number = int | Fraction


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
    """One dated, sourced set; in force from `valid_from` to the day before `valid_to`. Keys that a set does not need are None
    or empty; percentages are whole numbers, or fractions of exactly the decimals that the file has."""

    id: str
    valid_from: date
    valid_to: date | None
    source: str
    databases: tuple[str, ...]
    min_persons: MinPersons | None = None
    min_persons_by_population: tuple[PopulationTier, ...] = ()
    min_institutions: int | None = None
    min_whole_numbers: int | None = None
    dominance: Mapping[str, Number] | None = None
    p_percent: Mapping[str, Number] | None = None
    pq: Mapping[str, Number] | None = None
    rounding: Mapping[str, int] | None = None
    masking: Mapping[str, str] | None = None
    perturbation: Mapping[str, Number] | None = None
    insiders: Mapping[str, int] | None = None
    quantities: Mapping[str, int] | None = None
    statistics: Mapping[str, int] | None = None
    age: Mapping[str, object] | None = None
    area: Mapping[str, object] | None = None
    blocks: Mapping[str, object] | None = None
    group: Mapping[str, Number] | None = None
    death: Mapping[str, object] | None = None

    def covers(self, database: str) -> bool:
        return "*" in self.databases or database in self.databases

    def in_force(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


CONCENTRATION = ("dominance", "p_percent", "pq")
"""Rules about the largest contributions to a sum. A table without sums is not concerned."""

CELL_RULES_NOT_APPLIED = (*CONCENTRATION, "rounding", "masking", "perturbation", "insiders")
"""Rules that the gateway's engine reads but does not apply: a table that they concern is refused, not half-checked. The first
three are applied where contributions are known (`cell_rules`; in `table()` the rewriting counts them, decision 0033);
`public_tables` and `perturb` apply the next, in a command of their own (decision 0030); `protection` the last, against whom
cells must hold (decisions 0028, 0035).

`quantities`, `statistics`, `age`, `area`, `death` and `blocks` bind elsewhere (extract, kinds of output, `categories`).
"""


@dataclass(frozen=True)
class Limit:
    """A number and the id of the set that it comes from."""

    value: Number
    source: str


@dataclass(frozen=True)
class Concentration:
    """One rule about largest contributions. `n`: how many the rule takes together (dominance), or how many respondents pool
    what they know (p %). `share`: k / 100, p / 100 or p / q."""

    n: int
    share: Fraction
    source: str


@dataclass(frozen=True)
class Rules:
    """What all binding sets ask together, the strictest of each.

    `n` and `zero` hold for every cell; `tiers` by the population of a cell's area; `source` is the id of the set
    that `n` comes from, for findings. `limits`: the strictest of every other single number, by `key.part`. Of rules about
    contributions all that none of the same `n` is stricter than.
    """

    ids: tuple[str, ...]
    source: str
    n: int
    zero: Zero
    tiers: tuple[tuple[PopulationTier, ...], ...]
    min_institutions: int | None
    min_whole_numbers: int
    unenforced: tuple[str, ...]
    sets: tuple[RuleSet, ...] = ()
    zero_source: str = ""
    limits: Mapping[str, Limit] = field(default_factory=dict)
    dominance: tuple[Concentration, ...] = ()
    p_percent: tuple[Concentration, ...] = ()
    pq: tuple[Concentration, ...] = ()

    def threshold(self, population: int | None) -> int | None:
        """The least number of persons for a cell whose area has `population` inhabitants; None: no counts at all."""
        return self.threshold_of(population)[0]

    @property
    def largest_threshold(self) -> int:
        """From so many persons on, a cell is large enough wherever any are shown."""
        tiers = (tier.n or 0 for one in self.sets for tier in one.min_persons_by_population)
        return max(self.n, *tiers, 1)

    def threshold_of(self, population: int | None) -> tuple[int | None, str]:
        """The threshold with the id of the set that it comes from."""
        strictest, source = self.n, self.source
        if population is None:
            return strictest, source
        for one in self.sets:
            tier = next((tier for tier in one.min_persons_by_population if population < tier.below), None)
            if tier is None:
                continue
            if tier.n is None:
                return None, one.id
            if tier.n > strictest:
                strictest, source = tier.n, one.id
        return strictest, source

    def limit(self, name: str) -> Limit | None:
        return self.limits.get(name)


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise bad(where, "a text")
    return value


def _date(value: object, where: str) -> date:
    if type(value) is date:
        return value
    if not _DAY.fullmatch(_text(value, where)):
        raise bad(where, "a date")
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise bad(where, "a date") from None


def _known(found: Mapping[Any, Any], allowed: Iterable[str], where: str) -> None:
    unknown = sorted(str(key) for key in found if key not in set(allowed))
    if unknown:
        raise Refused("disclosure.rule_unknown_key", {"where": where, "key": unknown[0]})


def _part(data: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    """One part in the form of `FORMS`; None where the set does not have it. A part that says nothing is refused."""
    if key not in data:
        return None
    part, form = data[key], FORMS[key]
    if not isinstance(part, Mapping) or not part:
        raise bad(key, "a mapping")
    _known(part, form.parts, key)
    missing = [name for name in form.required if name not in part]
    if missing:
        raise bad(f"{key}.{missing[0]}", "a value")
    found = {name: form.parts[name](value, f"{key}.{name}") for name, value in part.items()}
    form.together({**form.defaults, **found}, key)
    return {**form.defaults, **found}


def _tiers(data: Mapping[str, Any]) -> tuple[PopulationTier, ...]:
    key = "min_persons_by_population"
    found = data.get(key, [])
    if not isinstance(found, list) or (key in data and not found):
        raise bad(key, "a list")
    tiers = []
    for one in found:
        if not isinstance(one, Mapping) or set(one) != {"below", "n"}:
            raise bad(key, "entries of {below, n}")
        tiers.append(
            PopulationTier(whole(1)(one["below"], f"{key}.below"), number_of_tier(one["n"], f"{key}.n"))
        )
    tiers.sort(key=lambda tier: tier.below)
    if len({tier.below for tier in tiers}) < len(tiers):
        raise bad(key, "each `below` once")
    return tuple(tiers)


_OWN_KEYS = ("id", "valid_from", "valid_to", "source", "scope", "min_persons_by_population")


def parse(data: Mapping[str, Any]) -> RuleSet:
    """The rule set of a mapping in the shape of SHAPES.

    Raises Refused `disclosure.rule_unknown_key` for a key nobody knows (a misspelt rule would protect nobody) and
    `disclosure.rule_invalid` (`where`, `needs`) for a value of the wrong form: not finite, negative, of another type, a
    percentage that could never or would always apply.
    """
    _known(data, (*_OWN_KEYS, *FORMS), str(data.get("id", "")))
    scope = data.get("scope")
    if not isinstance(scope, Mapping):
        raise bad("scope.databases", "a list of databases")
    _known(scope, ("databases",), "scope")
    databases = scope.get("databases")
    if not isinstance(databases, list) or not databases:
        raise bad("scope.databases", "a list of databases")
    for name in databases:
        if not DATABASE.fullmatch(_text(name, "scope.databases")):
            raise bad("scope.databases", "ids of databases, or *")
    parts = {key: _part(data, key) for key in FORMS}
    persons, institutions, interval = (
        parts.pop(key) for key in ("min_persons", "min_institutions", "interval")
    )
    valid_from = _date(data.get("valid_from"), "valid_from")
    valid_to = None if data.get("valid_to") is None else _date(data["valid_to"], "valid_to")
    if valid_to is not None and valid_to <= valid_from:
        raise bad("valid_to", "a date after valid_from")
    return RuleSet(
        id=_text(data.get("id"), "id"),
        valid_from=valid_from,
        valid_to=valid_to,
        source=_text(data.get("source"), "source"),
        databases=tuple(databases),
        min_persons=None if persons is None else MinPersons(persons["n"], Zero(persons["zero"])),
        min_persons_by_population=_tiers(data),
        min_institutions=None if institutions is None else institutions["n"],
        min_whole_numbers=None if interval is None else interval["min_whole_numbers"],
        **parts,
    )


def binding(sets: Iterable[RuleSet], databases: Iterable[str], day: date) -> tuple[RuleSet, ...]:
    """The sets that bind for a question about `databases` on `day`, by id; about no database at all, every set in force.

    A set out of force does not bind. Raises Refused `disclosure.no_rules` where a database is covered by none: what no rule
    protects is not shown. The same as `data.enclave.disclosure.binding` in Rego.
    """
    asked = sorted(set(databases))
    bound = [
        one for one in sets if one.in_force(day) and (not asked or any(one.covers(name) for name in asked))
    ]
    uncovered = [name for name in asked if not any(one.covers(name) for one in bound)]
    if uncovered or not bound:
        raise Refused("disclosure.no_rules", {"databases": uncovered})
    return tuple(sorted(bound, key=lambda one: one.id))


_LARGER_IS_STRICTER = (
    ("min_institutions", None),
    ("insiders", "n"),
    ("rounding", "redact_at_most"),
    ("quantities", "oral"),
    ("quantities", "injection"),
    ("statistics", "min_df"),
    ("statistics", "quantile_margin"),
    ("statistics", "survival_at_risk"),
    ("age", "bands"),
    ("age", "bottom"),
    ("group", "rest"),
    ("death", "hours"),
    ("death", "birth_weight_bands"),
    ("death", "birth_weight_low"),
)
_SMALLER_IS_STRICTER = (("age", "top"), ("group", "share"), ("death", "birth_weight_high"))


def _value(one: RuleSet, key: str, part: str | None) -> Any:
    found = getattr(one, key)
    return found if part is None or found is None else found.get(part)


def _limits(sets: Sequence[RuleSet]) -> dict[str, Limit]:
    found: dict[str, Limit] = {}
    for choose, names in ((max, _LARGER_IS_STRICTER), (min, _SMALLER_IS_STRICTER)):
        for key, part in names:
            values = [Limit(value, one.id) for one in sets if (value := _value(one, key, part)) is not None]
            if values:
                strictest = choose(limit.value for limit in values)
                found[key if part is None else f"{key}.{part}"] = next(
                    limit for limit in values if limit.value == strictest
                )
    return found


def _concentrations(sets: Sequence[RuleSet], key: str) -> tuple[Concentration, ...]:
    """Of rules with the same number of respondents the strictest: the smallest k, the largest p or p / q."""
    found: dict[int, Concentration] = {}
    for one in sets:
        rule = getattr(one, key)
        if rule is None:
            continue
        n = int(rule.get("n", 1))
        match key:
            case "dominance":
                share, strictness = Fraction(rule["k"]) / 100, -1
            case "p_percent":
                share, strictness = Fraction(rule["p"]) / 100, 1
            case _:
                share, strictness = Fraction(rule["p"]) / Fraction(rule["q"]), 1
        if n not in found or strictness * share > strictness * found[n].share:
            found[n] = Concentration(n, share, one.id)
    return tuple(found[n] for n in sorted(found))


def combine(rule_sets: Sequence[RuleSet], minimum: bool = True) -> Rules:
    """What all of `rule_sets` ask together. Order does not matter; the strictest binds, and every set's tiers.

    The caller has chosen sets that are in force (`binding`, or the policy server). `minimum`: whether one of them must say how
    many persons a cell needs; a table of enterprises may be protected by what they contribute alone, and then `n` is 1 and a
    zero is shown. Raises Refused `disclosure.no_rules` where there is no set, or none that must be.
    """
    sets = sorted(rule_sets, key=lambda one: one.id)
    minima = [(one.min_persons, one.id) for one in sets if one.min_persons is not None]
    if not sets or (minimum and not minima):
        raise Refused("disclosure.no_rules", {"rule_sets": [one.id for one in sets]})
    minima = minima or [(MinPersons(1, Zero.SHOWN), sets[0].id)]
    n, source = max(((least.n, name) for least, name in minima), key=lambda pair: pair[0])
    hiding = [name for least, name in minima if least.zero is Zero.HIDDEN]
    whole_numbers = [one.min_whole_numbers for one in sets if one.min_whole_numbers is not None]
    limits = _limits(sets)
    institutions = limits.get("min_institutions")
    return Rules(
        ids=tuple(one.id for one in sets),
        source=source,
        n=n,
        zero=Zero.HIDDEN if hiding else Zero.SHOWN,
        tiers=tuple(one.min_persons_by_population for one in sets if one.min_persons_by_population),
        min_institutions=None if institutions is None else int(institutions.value),
        min_whole_numbers=max(whole_numbers, default=2),
        unenforced=tuple(
            name for name in CELL_RULES_NOT_APPLIED if any(getattr(one, name) is not None for one in sets)
        ),
        sets=tuple(sets),
        zero_source=hiding[0] if hiding else "",
        limits=limits,
        dominance=_concentrations(sets, "dominance"),
        p_percent=_concentrations(sets, "p_percent"),
        pq=_concentrations(sets, "pq"),
    )
