"""Custody's part in a release: whose numbers an output holds, and what they tell together with all released before.

Decides the order of the steps; what collides is decided in `enclave.disclosure.differencing`. Sets of persons never
leave custody: pseudonyms come in, are translated with the provision's key, and findings go out. Relies on the gateway for
which persons stand behind a cell (it ran the cell's own question over the extract) and on the list of an extract's
persons, which custody made, for these being persons of that extract.

1. `examine`, at submission: the sets are kept, pending, and examined against everything released of the population, of
   whichever project. 2. `conclude`, with the last vote: examined again, since other outputs may have left meanwhile; then
   they are history, or nothing is released. An output that is turned down is forgotten.
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
from enclave.disclosure.differencing import Said, examine, findings
from enclave.disclosure.examine import Verdict
from enclave.disclosure.history import Book, Cell, Persons

MOST_CELLS = 50_000


@dataclass(frozen=True)
class Line:
    """One cell as the gateway sends it: what its table says of it, and the pseudonyms behind it."""

    table: str
    keys: tuple[tuple[str, str], ...]
    persons: Persons
    definition: str | None


def lines_of(raw: object) -> tuple[Line, ...]:
    """The cells of a request: `[{table, keys: [[name, value], …], persons: base64 of 32-bit numbers, definition?}]`.

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
            definition = one.get("definition")
            found.append(
                Line(str(one["table"]), keys, persons, None if definition is None else str(definition))
            )
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
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
        n: int,
        output: str,
        database: str,
        floor: int,
        zero_hidden: bool,
        rule_set: str,
        cells: Sequence[Line],
    ) -> dict[str, Any]:
        """`{findings: [{code, verdict, where, facts, rule_set, checker}], bound, log}` of an output's cells over one
        population, which are kept as pending unless they collide.

        1. The permit is signed, in force and the handler's; the policy agrees. 2. Pseudonyms become the population's
        numbers, each of a person of that extract. 3. Recorded, kept, examined.
        """
        desk = self._desk
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
                        held.ruler.sketch(persons), floor, line.definition,
                    )
                )  # fmt: skip
            history = held.released()
        mine = Book(tuple(new), sets.__getitem__)
        found = examine(mine, history.book, zero_hidden=zero_hidden, without_sets=history.without_sets)
        if not found.collisions:
            # What collides is turned back and is never released; what is not kept cannot be either.
            with extract_store.exclusively(desk.locks, _lock_of(population)):
                held.keep(output, part, permit.project, new, sets, desk.moment())
        said = findings(found, mine, history.book, held.ruler, permit.project, rule_set)
        return {"findings": [_json(one) for one in said], "bound": found.bound.to_json(), "log": place}

    def conclude(self, caller: Caller, output: str, released: bool) -> dict[str, Any]:
        """`{populations, log}` once an output is history, or forgotten. Raises Refused `custody.release_collides` where it
        collides with what was released since it was examined; nothing is entered then.

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
                    if examine(mine, history.book, without_sets=history.without_sets).collisions:
                        raise Refused("custody.release_collides", {"output": output})
            place = desk.record(caller, "release.concluded", thing, counts={"released": int(released)})
            for held in holding:
                if released:
                    held.release(output, desk.moment())
                else:
                    held.drop(output)
        return {"populations": len(holding), "log": place}

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
            persons = int(self._sources.people(population)[1].get("persons", 0))
            return ReleasedSets(self._desk.vault, self._folder, population, persons)


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
