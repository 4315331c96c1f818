"""Custody's part in a release: whose numbers an output holds, and what they tell together with all released before.

Decides the order of the steps; what collides is decided in `enclave.disclosure.releases.differencing`. Sets of persons never
leave custody: pseudonyms come in, are translated with the provision's key, and findings go out. Relies on the gateway for
which persons stand behind a cell (it ran the cell's own question over the extract) and on the list of an extract's
persons, which custody made, for these being persons of that extract.

1. `examine`, at submission: the sets are kept, pending, and examined against everything released of the population, of
   whichever project, and against the output's own other parts (another extract's, another database's).
2. `conclude`, with the last vote: examined again, since other outputs may have left meanwhile; then they are history, or
   nothing is released. Where only now something has to be left to a human, the checkers were not told: it is not
   released either. An output that is turned down is forgotten.
3. `settle`, before an erasure: what was kept as a definition over the provision's extracts becomes sets.
"""

import base64
import binascii
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from enclave.adapters import extract_store, signing
from enclave.adapters.custody_desk import Caller, Desk
from enclave.adapters.custody_sources import Sources
from enclave.adapters.released_sets import ReleasedSets
from enclave.core.event import Thing
from enclave.core.ids import DatabaseId, PersonId
from enclave.core.refusal import Refused
from enclave.custody.plan import Kind, check_provision, linkage_group
from enclave.custody.pseudonym import Permutation, derive
from enclave.disclosure.files.examine import Verdict
from enclave.disclosure.releases.differencing import Said, examine, findings
from enclave.disclosure.releases.history import Book, Cell, Persons
from enclave.disclosure.releases.published import Published, published_of

MOST_CELLS = 50_000
MOST_PUBLISHED = 200_000


@dataclass(frozen=True)
class Line:
    """One cell as the gateway sends it: what its table says of it, and the pseudonyms behind it. `area`: the municipality that it
    is about; `floor`: the least persons that the rules ask for there, where it is another than the output's."""

    table: str
    keys: tuple[tuple[str, str], ...]
    persons: Persons
    definition: str | None
    measure: str | None = None
    value: str | None = None
    area: str | None = None
    floor: int | None = None


@dataclass(frozen=True)
class Asked:
    """What the gateway says of an output's part beside its cells.

    unread    other numbers of the output, of which nobody can name the persons, leave with it
    unjudged  rules of the binding sets that ask for more of a difference than persons
    strictest the least persons in the smallest municipality that may be shown; 0 where no rule goes by inhabitants
    """

    output: str
    database: str
    n: int
    floor: int
    zero_hidden: bool
    rule_set: str
    unread: bool = False
    unjudged: tuple[str, ...] = ()
    strictest: int = 0


def lines_of(raw: object) -> tuple[Line, ...]:
    """The cells of a request: `[{table, keys: [[name, value], …], persons: base64 of 32-bit numbers, definition?, measure?,
    value?, area?, floor?}]`.

    Raises Refused `custody.request_malformed`.
    """
    if not isinstance(raw, list) or len(raw) > MOST_CELLS:
        raise Refused("custody.request_malformed", {"place": "cells"})
    found = []
    for number, one in enumerate(raw):
        try:
            packed = base64.b64decode(one["persons"], validate=True)
            persons = Persons(np.frombuffer(packed, dtype="<u4"))
            keys = tuple((str(name), str(value)) for name, value in one["keys"])
            definition, measure, value, area = (
                None if one.get(name) is None else str(one[name])
                for name in ("definition", "measure", "value", "area")
            )
            floor = one.get("floor")
            if floor is not None and (isinstance(floor, bool) or not 0 < int(floor) < 1 << 31):
                raise ValueError("floor")
            floor = None if floor is None else int(floor)
            found.append(Line(str(one["table"]), keys, persons, definition, measure, value, area, floor))
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
            raise Refused("custody.request_malformed", {"place": f"cells.{number}"}) from None
    return tuple(found)


def asked_of(output: str, body: Mapping[str, Any]) -> Asked:
    """The rest of a request about an output's cells. Raises Refused `custody.request_malformed` with the place."""

    def said(name: str, kind: type, otherwise: object = None) -> Any:
        value = body.get(name, otherwise)
        whole = kind is int and (
            isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1 << 31
        )
        if not isinstance(value, kind) or whole or value == "":
            raise Refused("custody.request_malformed", {"place": name})
        return value

    return Asked(
        output, said("database", str), said("n", int), said("floor", int), said("zero_hidden", bool),
        said("rule_set", str), said("unread", bool, False), tuple(map(str, said("unjudged", list, []))),
        said("strictest", int) if body.get("strictest") else 0,
    )  # fmt: skip


def published_lines(release: str, raw: object) -> tuple[Published, ...]:
    """The cells of a public table: `[{table, keys: [[name, value], …], low, high}]`, `high` null where nothing bounds it.

    Raises Refused `custody.request_malformed`.
    """
    if not isinstance(raw, list) or not 0 < len(raw) <= MOST_PUBLISHED:
        raise Refused("custody.request_malformed", {"place": "cells"})
    found = []
    for number, one in enumerate(raw):
        try:
            found.append(published_of(release, str(one["table"]), one))
        except (KeyError, TypeError, ValueError):
            raise Refused("custody.request_malformed", {"place": f"cells.{number}"}) from None
    return tuple(found)


class Releases:
    """What was released of the populations. Safe to share between threads."""

    def __init__(self, desk: Desk, sources: Sources) -> None:
        self._desk, self._sources = desk, sources
        self._folder = desk.site.custody / "releases"
        self._lock = threading.Lock()

    def examine(
        self,
        caller: Caller,
        envelope: Mapping[str, Any],
        asked: Asked,
        cells: Sequence[Line],
    ) -> dict[str, Any]:
        """`{findings: [{code, verdict, where, facts, rule_set, checker}], bound, log}` of an output's cells over one
        population, which are kept as pending unless they collide.

        1. The permit is signed, in force and the handler's; the policy agrees. 2. Pseudonyms become the population's
        numbers, each of a person of that extract. 3. Recorded, kept, examined.
        """
        desk, n, database, output = self._desk, asked.n, asked.database, asked.output
        with desk.recorded(caller, "release.examined", Thing("permit", "unverified")) as subject:
            permit = signing.verify_permit(envelope, desk.trusted())
            subject.of(permit)
            permit.check_in_force(desk.now())
            desk.check_clock()
            check_provision(permit.provision)
            if caller.actor.role == "handler":
                permit.check_handler(PersonId(caller.actor.person))
            desk.vault.check_provision(permit.provision, permit.permit_id)
            kept = [one for one in desk.vault.extracts(permit.provision) if one.n == n]
            if not kept:
                raise Refused("custody.extract_unknown", {"extract": f"{permit.provision}/{n}"})
            desk.allow("release.examine", caller, permit=permit, extract=kept[0].manifest)
            known = self._sources.registered().get(DatabaseId(database))
            if known is None or DatabaseId(database) not in permit.databases:
                raise Refused("catalogue.database_unknown", {"database": database[:60]})
            population = known[0].population
            key = desk.vault.provision_key(permit.provision, permit.permit_id, desk.moment())
            group = linkage_group(permit, DatabaseId(database))
            translated = self._numbers(derive(key, Kind.PERSON.value, group), cells)
            self._check_members(permit.provision, n, population, translated)
            place = desk.record(
                caller,
                "release.examined",
                Thing("export", output),
                permit=permit,
                counts={"cells": len(cells)},
            )
        if not cells and desk.vault.held("register", population) is None:
            # Public facts, of which nobody is behind a number.
            return {"findings": [], "bound": {}, "log": place}
        part = f"{database}@{n}"
        with extract_store.exclusively(desk.locks, _lock_of(population)):
            held = self._held(population)
            sets, new = {}, []
            for number, (line, persons) in enumerate(zip(cells, translated, strict=True)):
                name = f"{output}/{part}/{number}"
                sets[name] = persons
                new.append(
                    Cell(
                        name, output, permit.project, line.table, line.keys, len(persons),
                        held.ruler.sketch(persons), max(asked.floor, line.floor or 0), line.definition,
                        asked.zero_hidden, line.measure, line.value, line.area, asked.strictest,
                    )
                )  # fmt: skip
            history, beside = held.released(), held.of(output, but=part)
        mine = Book((*new, *beside.cells), lambda name: sets[name] if name in sets else beside.load(name))
        found = examine(mine, history.book, without_sets=history.without_sets)
        said = findings(
            found, mine, history.book, held.ruler, permit.project, asked.rule_set,
            public=history.published, unjudged=asked.unjudged,
        )  # fmt: skip
        with extract_store.exclusively(desk.locks, _lock_of(population)):
            if found.verdict is Verdict.FAIL:
                # It is turned back and is never released; what is not kept cannot be either.
                held.drop(output)
            else:
                told = found.verdict is Verdict.HUMAN or asked.unread
                held.keep(
                    output, part, permit.project, new, sets, desk.moment(),
                    complete=not told, extract=f"{permit.provision}/{n}",
                )  # fmt: skip
                if asked.unread:
                    held.keep(
                        output, f"{part}/unread", permit.project, (), {}, desk.moment(), persons_known=False
                    )
        return {"findings": [_json(one) for one in said], "bound": found.bound.to_json(), "log": place}

    def conclude(self, caller: Caller, output: str, released: bool) -> dict[str, Any]:
        """`{populations, log}` once an output is history, or forgotten. Raises Refused `custody.release_collides` where it
        collides with what was released since it was examined, `custody.release_unexamined` where the machine can no
        longer examine all that it did then and no human was told; nothing is entered then.

        Outputs of a population are concluded one after the other: of two that collide the second is not released.
        """
        desk = self._desk
        thing = Thing("export", output)
        with desk.recorded(caller, "release.concluded", thing), ExitStack() as locks:
            desk.check_clock()
            desk.allow("release.conclude", caller)
            holding = []
            for population in self._populations():
                # Nobody has asked anything of some: they have no register, and nothing of them was ever released.
                if ReleasedSets.there(self._folder, population) and self._held(population).known(output):
                    locks.enter_context(extract_store.exclusively(desk.locks, _lock_of(population)))
                    holding.append(self._held(population))
            if released:
                for held in holding:
                    mine, history = held.of(output), held.released()
                    again = examine(mine, history.book, without_sets=history.without_sets).verdict
                    if again is Verdict.FAIL:
                        raise Refused("custody.release_collides", {"output": output})
                    if again is Verdict.HUMAN and held.was_complete(output):
                        raise Refused("custody.release_unexamined", {"output": output})
            place = desk.record(caller, "release.concluded", thing, counts={"released": int(released)})
            for held in holding:
                if released:
                    held.release(output, desk.moment())
                else:
                    held.drop(output)
        return {"populations": len(holding), "log": place}

    def settle(self, provision: str) -> None:
        """Before a provision is erased: nothing that is kept of its releases follows from its extracts any more."""
        for population in self._populations():
            if ReleasedSets.there(self._folder, population):
                with extract_store.exclusively(self._desk.locks, _lock_of(population)):
                    self._held(population).settle(provision)

    def enter(
        self, caller: Caller, database: str, release: str, cells: Sequence[Published]
    ) -> dict[str, Any]:
        """`{release, numbers, persons_known, log}` once a public table stands as released of a database's population.

        Who is behind its numbers is not known: they stand as totals and intervals. Raises Refused
        `custody.release_known` where a release of that name was entered before.
        """
        desk = self._desk
        thing = Thing("release", release)
        with desk.recorded(caller, "release.entered", thing):
            desk.check_clock()
            desk.allow("release.enter", caller)
            population = self._population_of(database)
            place = desk.record(caller, "release.entered", thing, counts={"numbers": len(cells)})
        part = f"public/{cells[0].table}"
        with extract_store.exclusively(desk.locks, _lock_of(population)):
            try:
                self._held(population).keep(
                    release, part, None, (), {}, desk.moment(),
                    released=True, published=cells, persons_known=False,
                )  # fmt: skip
            except ValueError:
                raise Refused("custody.release_known", {"release": f"{release} {cells[0].table}"}) from None
        return {"release": release, "numbers": len(cells), "persons_known": False, "log": place}

    def listing(self, caller: Caller, database: str) -> dict[str, Any]:
        """`{releases: [{release, project, at, numbers, persons_known}], log}` of a database's population, oldest first."""
        desk = self._desk
        thing = Thing("database", database)
        with desk.recorded(caller, "release.listed", thing):
            desk.allow("release.list", caller)
            population = self._population_of(database)
            place = desk.record(caller, "release.listed", thing)
        rows = self._held(population).listing() if ReleasedSets.there(self._folder, population) else []
        told = [
            {"release": one.output, "project": one.project, "at": one.at, "numbers": one.numbers,
             "persons_known": one.persons_known}
            for one in rows
        ]  # fmt: skip
        return {"releases": told, "log": place}

    def _population_of(self, database: str) -> str:
        known = self._sources.registered().get(DatabaseId(database))
        if known is None:
            raise Refused("catalogue.database_unknown", {"database": database[:60]})
        return known[0].population

    def _numbers(self, key: bytes, cells: Sequence[Line]) -> list[Persons]:
        named = [np.array(line.persons.to_array(), dtype=np.uint32) for line in cells]
        everybody = np.unique(np.concatenate(named)) if named else np.zeros(0, dtype=np.uint32)
        numbers = Permutation(key).numbers(everybody)
        return [Persons(numbers[np.searchsorted(everybody, one)]) for one in named]

    def _check_members(self, provision: str, n: int, population: str, cells: Sequence[Persons]) -> None:
        listed = self._desk.books.members(provision, n, population)
        everybody = Persons.union(*cells) if cells else Persons()
        if everybody and (listed is None or not everybody <= Persons(listed)):
            raise Refused("custody.release_persons", {"extract": f"{provision}/{n}"})

    def _populations(self) -> list[str]:
        return sorted({one.population for one, _ in self._sources.registered().values()})

    def _held(self, population: str) -> ReleasedSets:
        with self._lock:
            # Only who has a register has persons.
            self._sources.people(population)
            return ReleasedSets(
                self._desk.vault, self._folder, population, listed=lambda one: self._listed(one, population)
            )

    def _listed(self, extract: str, population: str) -> Persons:
        provision, _, n = extract.rpartition("/")
        listed = self._desk.books.members(provision, int(n), population) if n.isdigit() else None
        if listed is None:
            raise Refused("custody.engine", {"extract": extract})
        return Persons(listed)


def _lock_of(population: str) -> str:
    return f"releases {population}"


def _json(said: Said) -> dict[str, Any]:
    one = said.finding
    return {
        "code": one.code,
        "verdict": Verdict(one.verdict).value,
        "where": one.where,
        "facts": dict(one.facts),
        "rule_set": one.rule_set,
        "checker": dict(said.checker),
    }
