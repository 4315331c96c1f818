"""What is known of a public database beside its tables: dated facts, each with its source and how sure it is.

Decides nothing: it holds rows and answers which of them are in force on a day. Laws change, tables of ministries are
drafts, and some cells of the ministry's own table are lost; so no fact is a constant here, and none stands without a
source. Relies on parsed documents (`enclave.catalogue.packaged` reads them).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from enclave.catalogue.descriptor import Column
from enclave.catalogue.words import Title
from enclave.core.ids import DatabaseId


class Certainty(StrEnum):
    """How a row is known. Whoever relies on anything but `stated` should ask the holder."""

    STATED = "stated"
    """The source says so."""
    RECONSTRUCTED = "reconstructed"
    """The source is a draft, or its cell was damaged and is read from its neighbours."""
    PLANNED = "planned"
    """Announced, and not seen to have happened."""
    ASSUMED = "assumed"
    """Held to be so in the field, or a day is assumed; not verified."""


class FactKind(StrEnum):
    """What a fact is about, in the order in which people read them."""

    FULL_NAME = "full_name"
    SINCE = "since"
    HOLDER = "holder"
    SOURCE_DATA = "source_data"
    ITEMS = "items"
    IDENTIFIABILITY = "identifiability"
    CONSENT = "consent"
    PROVIDED_TO = "provided_to"
    PURPOSE = "purpose"
    BODY = "body"
    KEYS = "keys"
    SPECIAL = "special"
    USE_PERIOD = "use_period"
    VOLUME = "volume"


class Identifiability(StrEnum):
    """Whether a person can be identified in what is held or given."""

    NAMED = "named"
    PSEUDONYMISED = "pseudonymised"
    ANONYMISED = "anonymised"
    AGGREGATE = "aggregate"


class ReviewPath(StrEnum):
    FULL = "full"
    SIMPLIFIED = "simplified"


@dataclass(frozen=True)
class Span:
    """Half-open [start, end) in whole days; no end is open."""

    start: date
    end: date | None = None

    def holds(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day < self.end)


@dataclass(frozen=True)
class Source:
    """Where a row comes from. `address` is shown as text, never as a link: pages load nothing from elsewhere."""

    id: str
    title: Title
    address: str | None = None


@dataclass(frozen=True)
class Fact:
    """`value` is set where other rules read it (identifiability); `as_of` is the day that a figure was counted."""

    kind: FactKind
    text: Title
    span: Span
    source: str
    certainty: Certainty = Certainty.STATED
    value: Identifiability | None = None
    as_of: date | None = None
    note: Title | None = None


@dataclass(frozen=True)
class Lack:
    """What a data set does not hold: columns by type, by role, or by name (`table.column`)."""

    title: Title
    types: frozenset[str]
    roles: frozenset[str]
    columns: frozenset[str]

    def covers(self, table: str, column: Column) -> bool:
        named = f"{table}.{column.name}" in self.columns
        return named or column.type.value in self.types or column.role.value in self.roles


@dataclass(frozen=True)
class Months:
    """A data set that holds some months of each year: which, and the column by which each of its tables is cut."""

    of: tuple[int, ...]
    by: Mapping[str, str]


@dataclass(frozen=True)
class DataSet:
    """One of several sets that a ministry gives out of one database, with the review that it takes.

    What the set is reduced to, as data: `tables` (None: every one), `lacks`, `months`, `one_in` (of n persons one).
    `tier`, `axes` and `outputs` bound what is asked of it. `least_need` says whether an applicant must show that no less
    would do. `elsewhere` says why this environment does not give the set; `not_made` names what belongs to its reduction
    and is not carried out here, so that nobody takes the extract for more reduced than it is.
    """

    id: str
    title: Title
    about: Title
    review: Title
    path: ReviewPath
    rules: tuple[Title, ...]
    volume: Title | None
    span: Span
    source: str
    certainty: Certainty = Certainty.STATED
    tables: frozenset[str] | None = None
    lacks: tuple[Lack, ...] = ()
    months: Months | None = None
    one_in: int | None = None
    tier: str | None = None
    axes: int | None = None
    outputs: int | None = None
    least_need: bool = True
    elsewhere: Title | None = None
    not_made: tuple[Title, ...] = ()

    def holds(self, table: str) -> bool:
        return self.tables is None or table in self.tables

    def lack(self, table: str, column: Column) -> Lack | None:
        """Why the set has no such column; None where it has, and where it lacks the whole table."""
        return next((one for one in self.lacks if one.covers(table, column)), None)


@dataclass(frozen=True)
class Dossier:
    """Everything dated about one database. `number` is its place in the ministry's table."""

    database: DatabaseId
    number: int
    names: Title
    facts: tuple[Fact, ...]
    datasets: tuple[DataSet, ...]
    planned: bool = False

    def at(self, day: date) -> tuple[Fact, ...]:
        """The facts in force on a day, by kind."""
        order = list(FactKind)
        found = [fact for fact in self.facts if fact.span.holds(day)]
        return tuple(sorted(found, key=lambda f: (order.index(f.kind), f.span.start)))

    def others(self, day: date) -> tuple[Fact, ...]:
        """The facts that held before that day or will after it."""
        return tuple(
            sorted((f for f in self.facts if not f.span.holds(day)), key=lambda f: (f.span.start, f.kind))
        )

    def identifiability(self, day: date) -> tuple[Identifiability, ...]:
        """In which forms the database is held or given on a day."""
        return tuple(f.value for f in self.at(day) if f.value is not None)

    def datasets_at(self, day: date) -> tuple[DataSet, ...]:
        return tuple(one for one in self.datasets if one.span.holds(day))

    def offered(self, day: date) -> tuple[DataSet, ...]:
        """The sets that can be asked for here on a day; the first is the one that is meant where none is named."""
        return tuple(one for one in self.datasets_at(day) if one.elsewhere is None)

    def dataset(self, id_: str, day: date) -> DataSet | None:
        """A set as it is on a day; where it is not given then, as it is known last. None for one that never was."""
        rows = [one for one in self.datasets if one.id == id_]
        return next((one for one in rows if one.span.holds(day)), rows[-1] if rows else None)


_PAPER = re.compile(r"W([0-9]{3,6})/([0-9]{1,3})")


def source(known: Mapping[str, Source], id_: str) -> Source:
    """The source that a row names; papers are named by number and page. Raises KeyError for one that is not listed."""
    paper = _PAPER.fullmatch(id_)
    if paper is None:
        return known[id_]
    number, page = paper.groups()
    return Source(
        id_,
        Title(f"厚生労働省等の会議資料（写し）{number}、{page}ページ", f"Ministry paper (transcription) {number}, page {page}"),
        f"wic-net.com/material/document/{number}/{page}",
    )  # fmt: skip


# -- parsing: these documents are part of the program, so a wrong one is a bug and raises ValueError or KeyError -------
def parse_sources(data: Mapping[str, Any]) -> dict[str, Source]:
    return {id_: Source(id_, title(raw)) for id_, raw in data.items()}


def parse_dossier(data: Mapping[str, Any]) -> Dossier:
    return Dossier(
        database=DatabaseId(data["database"]),
        number=data["number"],
        names=title(data["names"]),
        facts=tuple(_fact(raw) for raw in data["facts"]),
        datasets=tuple(_dataset(raw) for raw in data["datasets"]),
        planned=data.get("planned", False),
    )


def title(raw: Mapping[str, str]) -> Title:
    return Title(raw["ja"], raw["en"])


def span(raw: Mapping[str, Any]) -> Span:
    found = Span(raw["valid_from"], raw.get("valid_to"))
    if found.end is not None and found.end <= found.start:
        raise ValueError(f"a row that never holds: {raw}")
    return found


def certainty(raw: Mapping[str, Any]) -> Certainty:
    return Certainty(raw.get("certainty", Certainty.STATED))


_FACT_KEYS = {
    "fact", "ja", "en", "valid_from", "valid_to", "source", "certainty", "value", "as_of", "note",
}  # fmt: skip
_DATASET_KEYS = {
    "id", "title", "about", "review", "path", "volume", "rules", "valid_from", "valid_to", "source", "certainty",
    "tables", "lacks", "months", "one_in", "tier", "axes", "outputs", "least_need", "elsewhere", "not_made",
}  # fmt: skip


def only(raw: Mapping[str, Any], keys: set[str]) -> None:
    """Raise ValueError for a key that nobody reads: a misspelt `valid_to` would hold for ever."""
    if extra := set(raw) - keys:
        raise ValueError(f"unknown keys {sorted(extra)}")


def _fact(raw: Mapping[str, Any]) -> Fact:
    only(raw, _FACT_KEYS)
    return Fact(
        kind=FactKind(raw["fact"]),
        text=title(raw),
        span=span(raw),
        source=raw["source"],
        certainty=certainty(raw),
        value=Identifiability(raw["value"]) if "value" in raw else None,
        as_of=raw.get("as_of"),
        note=title(raw["note"]) if "note" in raw else None,
    )


def _dataset(raw: Mapping[str, Any]) -> DataSet:
    only(raw, _DATASET_KEYS)
    rules: Sequence[Mapping[str, str]] = raw["rules"]
    months = _months(raw["months"]) if "months" in raw else None
    # A table without a month cannot be cut to the set's months, so it does not come along.
    tables = raw.get("tables") or (months.by if months else None)
    return DataSet(
        id=raw["id"],
        title=title(raw["title"]),
        about=title(raw["about"]),
        review=title(raw["review"]),
        path=ReviewPath(raw["path"]),
        rules=tuple(title(rule) for rule in rules),
        volume=title(raw["volume"]) if "volume" in raw else None,
        span=span(raw),
        source=raw["source"],
        certainty=certainty(raw),
        tables=None if tables is None else frozenset(tables),
        lacks=tuple(_lack(one) for one in raw.get("lacks", ())),
        months=months,
        one_in=raw.get("one_in"),
        tier=raw.get("tier"),
        axes=raw.get("axes"),
        outputs=raw.get("outputs"),
        least_need=raw.get("least_need", True),
        elsewhere=title(raw["elsewhere"]) if "elsewhere" in raw else None,
        not_made=tuple(title(one) for one in raw.get("not_made", ())),
    )


def _lack(raw: Mapping[str, Any]) -> Lack:
    only(raw, {"ja", "en", "types", "roles", "columns"})
    types, roles, columns = (frozenset(raw.get(name, ())) for name in ("types", "roles", "columns"))
    if not types | roles | columns:
        raise ValueError(f"a set lacks nothing by this: {raw}")
    return Lack(title(raw), types, roles, columns)


def _months(raw: Mapping[str, Any]) -> Months:
    only(raw, {"of", "by"})
    if not raw["of"] or not set(raw["of"]) <= set(range(1, 13)):
        raise ValueError(f"months of a year: {raw}")
    return Months(tuple(raw["of"]), dict(raw["by"]))
