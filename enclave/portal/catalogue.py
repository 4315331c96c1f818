"""The public catalogue: every database there is, what is known of it on a day, and which may be linked with which.

Decides nothing: facts, matrix and published statistics come from `enclave.catalogue`, registered databases from the
site. A database that an operator registered stands in the same list as the ministry's; where a public database is
registered here, its page shows the registered tables, else those that the program knows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from enclave.catalogue import facts as known
from enclave.catalogue.descriptor import Column, Descriptor, Table
from enclave.catalogue.facts import Dossier, Fact, FactKind, Source
from enclave.catalogue.linkage import Link, LinkRow, linkage, matrix
from enclave.catalogue.packaged import CORE, PLANNED, PUBLIC, dossiers, linkage_rules, packaged, sources
from enclave.catalogue.words import Title
from enclave.core.clock import JAPAN
from enclave.core.ids import DatabaseId
from enclave.core.refusal import Refused
from enclave.portal.deps import Deps
from enclave.portal.pages import Pages
from enclave.portal.visit import Visit, visit_of

MOST_FOUND = 40
"""Columns that a search shows at most."""

SHORTEST = 2
"""Characters below which nothing is searched for; one Japanese character is a word."""


@dataclass(frozen=True)
class Entry:
    """One database of the list: what is known of it, and what is registered here, each where there is any."""

    id: DatabaseId
    names: Title
    dossier: Dossier | None
    descriptor: Descriptor | None
    registered: bool


@dataclass
class Notes:
    """Sources in the order in which a page first names them: `mark` gives the number of the footnote."""

    found: list[Source]

    def mark(self, id_: str) -> int:
        source = known.source(sources(), id_)
        if source not in self.found:
            self.found.append(source)
        return self.found.index(source) + 1


def entries(catalogue: Mapping[DatabaseId, Descriptor]) -> tuple[Entry, ...]:
    """The ministry's databases in its order, then what operators registered, then the reference tables."""
    listed = [
        Entry(
            name,
            dossiers()[name].names,
            dossiers()[name],
            catalogue.get(name) or packaged().get(name),
            name in catalogue,
        )
        for name in (*PUBLIC, PLANNED)
    ]
    others = [name for name in catalogue if name not in {*PUBLIC, PLANNED, CORE}]
    listed += [Entry(name, catalogue[name].title, None, catalogue[name], True) for name in sorted(others)]
    core = catalogue.get(CORE) or packaged()[CORE]
    return (*listed, Entry(CORE, core.title, None, core, CORE in catalogue))


def to_choose_from(catalogue: Mapping[DatabaseId, Descriptor]) -> list[Descriptor]:
    """What can be applied for, in the order of the list."""
    return [
        e.descriptor
        for e in entries(catalogue)
        if e.descriptor and e.registered and not e.descriptor.reference
    ]


def day_of(request: Request, deps: Deps) -> date:
    """The day that a page is asked for, today in Japan where none is. Raises Refused `catalogue.day`."""
    asked = request.query_params.get("at", "").strip()
    if not asked:
        return deps.now().astimezone(JAPAN).date()
    try:
        return date.fromisoformat(asked) if len(asked) == len("2026-11-21") else _no_day()
    except ValueError:
        return _no_day()


def _no_day() -> date:
    raise Refused("catalogue.day")


def routes(deps: Deps, pages: Pages) -> APIRouter:
    router = APIRouter()

    @router.get("/catalogue")
    def catalogue(request: Request) -> Response:
        visit, today = visit_of(request), day_of(request, deps)
        listed = entries(deps.catalogue())
        # A control character is no text of a page.
        asked = "".join(c for c in request.query_params.get("q", "") if c.isprintable()).strip()[:60]
        found = search(listed, asked) if asked else None
        facts: dict[str, Any] = {"asked": asked, "found": found, "most": MOST_FOUND}
        if "hx-request" in request.headers:
            return pages.part(visit, "catalogue_found.html", **facts)
        return pages.show(
            visit,
            "catalogue.html",
            visit.say("データカタログ", "Data catalogue"),
            entries=[(entry, _line(entry, today)) for entry in listed],
            today=today,
            **facts,
        )

    @router.get("/catalogue/{database}")
    def one(request: Request, database: str) -> Response:
        visit, at = visit_of(request), day_of(request, deps)
        entry = next((e for e in entries(deps.catalogue()) if e.id == database), None)
        if entry is None:
            raise Refused("catalogue.unknown")
        notes = Notes([])
        return pages.show(
            visit,
            "catalogue_database.html",
            _heading(visit, entry),
            entry=entry,
            at=at,
            facts=_by_kind(entry.dossier.at(at)) if entry.dossier else [],
            others=entry.dossier.others(at) if entry.dossier else (),
            datasets=entry.dossier.datasets_at(at) if entry.dossier else (),
            links=_links(entry.id, at) if entry.dossier else [],
            notes=notes,
            statistics=deps.statistics().get(entry.id),
            names={e.id: e.names for e in entries(deps.catalogue())},
        )

    @router.get("/linkage")
    def links(request: Request) -> Response:
        visit, at = visit_of(request), day_of(request, deps)
        public, rules = (*PUBLIC, PLANNED), linkage_rules()
        facts: dict[str, Any] = {
            "at": at,
            "databases": [(name, dossiers()[name].names) for name in public],
            "cells": matrix(rules, public, at),
            "rows": _grounds(rules.links),
            "alone": (*rules.alone, *rules.undecided),
            "days": rules.days(),
            "names": {name: dossiers()[name].names for name in public},
            "notes": Notes([]),
        }
        if "hx-request" in request.headers:
            return pages.part(visit, "linkage_matrix.html", **facts)
        return pages.show(visit, "linkage.html", visit.say("連結できる組合せ", "Linkage matrix"), **facts)

    return router


def search(listed: Sequence[Entry], asked: str) -> list[tuple[Entry, Table, Column]]:
    """Columns whose name, title, codes' system or table is like what was typed; the list's own order."""
    if len(asked) < SHORTEST and asked.isascii():
        return []
    words = asked.casefold().split()
    found = []
    for entry in listed:
        for table in entry.descriptor.tables.values() if entry.descriptor else ():
            for column in table.columns.values():
                titles = (column.title, table.title, entry.names)
                said = [column.name, column.system or "", f"{entry.id}.{table.name}"]
                text = " ".join([*said, *(t.ja for t in titles), *(t.en for t in titles)]).casefold()
                if all(word in text for word in words):
                    found.append((entry, table, column))
    return found[: MOST_FOUND + 1]


def _heading(visit: Visit, entry: Entry) -> str:
    if entry.descriptor is not None and entry.dossier is None:
        return entry.descriptor.title.of(visit.language)
    return entry.names.of(visit.language)


def _line(entry: Entry, today: date) -> dict[str, Any]:
    """What the list says of a database: facts of today, and how many others it may be linked with."""
    if entry.dossier is None:
        return {"facts": {}, "links": [], "held": ()}
    facts = {fact.kind.value: fact for fact in entry.dossier.at(today)}
    return {
        "facts": facts,
        "links": [link for _, link in _links(entry.id, today) if isinstance(link, Link)],
        "held": tuple(dict.fromkeys(entry.dossier.identifiability(today))),
    }


def _links(database: DatabaseId, at: date) -> list[tuple[DatabaseId, Any]]:
    others = (name for name in (*PUBLIC, PLANNED) if name != database)
    return [(name, linkage(linkage_rules(), database, name, at)) for name in others]


def _grounds(links: Sequence[LinkRow]) -> list[list[LinkRow]]:
    """Rows that say the same of several pairs, together; by the day from which they hold."""
    found: dict[tuple[object, ...], list[LinkRow]] = {}
    for row in sorted(links, key=lambda r: r.span.start):
        found.setdefault((row.span, row.ground, row.keys, row.source), []).append(row)
    return list(found.values())


def _by_kind(facts: Sequence[Fact]) -> list[tuple[FactKind, list[Fact]]]:
    return [(kind, list(found)) for kind, found in groupby(facts, key=lambda f: f.kind)]
