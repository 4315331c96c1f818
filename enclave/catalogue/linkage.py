"""The linkage matrix: which databases may be linked with which, on which key, since when, on what ground.

Decides what the published rules say about a pair on a day. Relies on rows with dates and sources (`LinkageRules`). Does
not decide whether an application is refused (the policy does, over the same rows) and does not link anybody (custody
does). A pair without a row is a no: linkage is allowed where a rule says so, not where none forbids it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import combinations
from typing import Any

from enclave.catalogue.facts import Certainty, Span, certainty, only, span, title
from enclave.catalogue.words import Title
from enclave.core.ids import DatabaseId

Pair = frozenset[DatabaseId]


@dataclass(frozen=True)
class LinkRow:
    """That two databases may be linked, while the row holds. `keys` are tried best first."""

    pair: Pair
    keys: tuple[str, ...]
    span: Span
    ground: Title
    source: str
    certainty: Certainty


@dataclass(frozen=True)
class AloneRow:
    """That a database is linked with nothing (`－`), or that its linkage is undecided (`未定`)."""

    database: DatabaseId
    span: Span
    ground: Title
    source: str
    certainty: Certainty


@dataclass(frozen=True)
class LinkageRules:
    links: tuple[LinkRow, ...]
    alone: tuple[AloneRow, ...]
    undecided: tuple[AloneRow, ...]

    def rows(self, pair: Pair) -> tuple[LinkRow, ...]:
        return tuple(row for row in self.links if row.pair == pair)

    def days(self) -> tuple[date, ...]:
        """The days on which the matrix changes, in order."""
        spans = [row.span for row in self.links]
        spans += [row.span for row in (*self.alone, *self.undecided)]
        return tuple(sorted({day for one in spans for day in (one.start, one.end) if day is not None}))


class NoReason(StrEnum):
    """Why two databases may not be linked on a day."""

    ALONE = "alone"
    UNDECIDED = "undecided"
    NOT_YET = "not_yet"
    ENDED = "ended"
    NOT_LISTED = "not_listed"


@dataclass(frozen=True)
class Link:
    """They may. `since` is the start of the row that says so; `until` its end, where one is known."""

    a: DatabaseId
    b: DatabaseId
    keys: tuple[str, ...]
    since: date
    until: date | None
    ground: Title
    source: str
    certainty: Certainty


@dataclass(frozen=True)
class NoLink:
    """They may not. `source` is None where the reason is that no row exists; `since` is when they will be able to."""

    a: DatabaseId
    b: DatabaseId
    reason: NoReason
    ground: Title
    source: str | None = None
    certainty: Certainty = Certainty.STATED
    since: date | None = None


_NOT_LISTED = Title("この組合せを認める定めがない", "No rule allows this pair")
_NOT_YET = Title("連結はまだ始まっていない", "Linkage has not begun yet")
_ENDED = Title("連結を認める定めが終わった", "The rule that allowed it has ended")
_RANK = tuple(Certainty)


def linkage(rules: LinkageRules, a: DatabaseId, b: DatabaseId, at: date) -> Link | NoLink:
    """What holds for a pair on a day.

    1. A database that stands alone is linked with nothing, whatever other rows say.
    2. A row for the pair that holds; of several the surest, then the newest.
    3. No row holds: it begins later, is undecided, has ended, or was never there.

    Raises ValueError for a database with itself: its own tables share their persons without any linkage.
    """
    if a == b:
        raise ValueError("a database is not linked with itself")
    for alone in rules.alone:
        if alone.database in {a, b} and alone.span.holds(at):
            return NoLink(a, b, NoReason.ALONE, alone.ground, alone.source, alone.certainty)
    rows = rules.rows(frozenset({a, b}))
    if holding := [row for row in rows if row.span.holds(at)]:
        row = min(holding, key=lambda r: (_RANK.index(r.certainty), -r.span.start.toordinal()))
        return Link(a, b, row.keys, row.span.start, row.span.end, row.ground, row.source, row.certainty)
    later = min((row for row in rows if row.span.start > at), key=lambda r: r.span.start, default=None)
    since = None if later is None else later.span.start
    for undecided in rules.undecided:
        if undecided.database in {a, b} and undecided.span.holds(at):
            return NoLink(
                a, b, NoReason.UNDECIDED, undecided.ground, undecided.source, undecided.certainty, since
            )
    if later is not None:
        return NoLink(a, b, NoReason.NOT_YET, _NOT_YET, later.source, later.certainty, since)
    if rows:
        last = max(rows, key=lambda r: r.span.start)
        return NoLink(a, b, NoReason.ENDED, _ENDED, last.source, last.certainty)
    return NoLink(a, b, NoReason.NOT_LISTED, _NOT_LISTED)


def matrix(
    rules: LinkageRules, databases: Sequence[DatabaseId], at: date
) -> Mapping[tuple[DatabaseId, DatabaseId], Link | NoLink]:
    """Every ordered pair of different databases; symmetric but for the order of `a` and `b`."""
    return {(a, b): linkage(rules, a, b, at) for a in databases for b in databases if a != b}


def pairs(databases: Iterable[DatabaseId]) -> tuple[tuple[DatabaseId, DatabaseId], ...]:
    """Every pair among databases that are to share their persons, each once, in the order of names."""
    return tuple(combinations(sorted(set(databases)), 2))


def common_keys(link: Link, held: Mapping[DatabaseId, Sequence[str]]) -> tuple[str, ...]:
    """The keys of a link that both databases really carry, best first."""
    return tuple(key for key in link.keys if key in held.get(link.a, ()) and key in held.get(link.b, ()))


# -- parsing: part of the program, so a wrong document is a bug --------------------------------------------------------
_ROW_KEYS = {"valid_from", "valid_to", "ground", "source", "certainty"}


def parse_rules(data: Mapping[str, Any]) -> LinkageRules:
    """Raises ValueError or KeyError for a document that cannot be meant."""
    only(data, {"alone", "undecided", "links"})
    links: list[LinkRow] = []
    for raw in data["links"]:
        only(raw, _ROW_KEYS | {"pair", "among", "keys"})
        members = [DatabaseId(name) for name in raw.get("pair") or raw["among"]]
        if ("pair" in raw) == ("among" in raw) or len(set(members)) != len(members) or len(members) < 2:
            raise ValueError(f"a row is about one pair or among several: {raw}")
        for pair in combinations(members, 2):
            links.append(
                LinkRow(
                    frozenset(pair),
                    tuple(raw["keys"]),
                    span(raw),
                    title(raw["ground"]),
                    raw["source"],
                    certainty(raw),
                )
            )
    return LinkageRules(tuple(links), _alone(data["alone"]), _alone(data["undecided"]))


def _alone(rows: Sequence[Mapping[str, Any]]) -> tuple[AloneRow, ...]:
    for raw in rows:
        only(raw, _ROW_KEYS | {"database"})
    return tuple(
        AloneRow(DatabaseId(raw["database"]), span(raw), title(raw["ground"]), raw["source"], certainty(raw))
        for raw in rows
    )
