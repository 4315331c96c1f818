"""Custody's sources: databases taken in, the register of their persons, and who is left out.

Decides the order of the steps. What a file must be is decided in `enclave.adapters.source_store`, who is who in
`enclave.custody.linkage`. A registration or a withdrawal holds in one transaction of the vault; whatever fails before
leaves the population, the store and the catalogue as they were, and what lies about is removed.
"""

import hashlib
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from enclave.adapters import extract_store, register, source_statistics, source_store
from enclave.adapters.custody_books import Withdrawal, spelled
from enclave.adapters.custody_desk import Caller, Desk, attach_key
from enclave.adapters.custody_engine import Attached
from enclave.adapters.custody_log import Listed
from enclave.adapters.descriptor_files import print_descriptor, read_descriptor, write_descriptor
from enclave.adapters.members import REGISTER, Member
from enclave.adapters.register_blocks import BlockRule
from enclave.adapters.rule_files import load_directory
from enclave.adapters.statistics_files import FILE as STATISTICS
from enclave.adapters.statistics_files import write_statistics
from enclave.adapters.vault import HeldFile, Registered, Source
from enclave.catalogue.descriptor import Column, ColumnType, Descriptor, Role, parse
from enclave.catalogue.statistics import publish
from enclave.core.event import Thing
from enclave.core.ids import DatabaseId
from enclave.core.refusal import Refused
from enclave.custody.plan import Kind, kind_of


class Sources:
    """What was taken in. Safe to share between threads."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # -- databases ----------------------------------------------------------------------------
    def take_in(
        self,
        caller: Caller,
        descriptor_path: Path,
        *,
        population: str | None = None,
        publishes: bool = True,
    ) -> dict[str, Any]:
        """Take a database in: `{database, tables: {name: {taken, left, rows, persons}}, log}`.

        `population` is whose register its persons belong to where the caller knows better than the descriptor;
        `publishes` whether a catalogue shows statistics of it.

        1. Read the descriptor; ask the policy.
        2. Copy and examine every file, and keep the whole as one encrypted store; one thing wrong and nothing is kept.
        3. Record it.
        4. Number its persons, those who are linked with persons of other databases as one; keep all; publish the
           descriptor.
        """
        desk = self._desk
        with desk.recorded(caller, "database.registered", Thing("database", "unread")) as subject:
            descriptor = read_descriptor(descriptor_path)
            if population is not None:
                descriptor = replace(descriptor, population=population)
            database = descriptor.database
            subject.thing = Thing("database", database)
            desk.check_clock()
            desk.allow("database.register", caller)
            with extract_store.exclusively(desk.locks, "sources"):
                folder = desk.sources / database / secrets.token_hex(6)
                made: list[Path] = [folder]
                try:
                    store, found = self._store(descriptor, descriptor_path.parent, folder)
                    place = desk.record(
                        caller,
                        "database.registered",
                        Thing("database", database, descriptor_digest(descriptor)),
                        counts={
                            "tables": len(found),
                            "columns_taken": sum(len(one.columns) for one in found.values()),
                            "columns_left": sum(len(one.left) for one in found.values()),
                        },
                    )
                    held: dict[tuple[str, str], HeldFile] = {("store", database): store}
                    population = descriptor.population
                    if _names_someone(descriptor):
                        people = self._register(population, made, {database: (descriptor, store)})
                        held["register", population] = people
                    registered = Registered(descriptor.to_json(), desk.moment(), found)
                    desk.vault.keep_database(database, registered, held)
                except BaseException:
                    for path in made:
                        _remove(path)
                    raise
                write_descriptor(descriptor, desk.site.catalogue)
                if publishes:
                    self._publish_statistics(descriptor)
                self.sweep()
        return {"database": database, "tables": listing(found), "log": place}

    def _store(self, descriptor: Descriptor, home: Path, folder: Path) -> tuple[HeldFile, dict[str, Source]]:
        desk = self._desk
        key = secrets.token_bytes(32)
        tables = source_store.take_in(descriptor, home, folder, attach_key(key), desk.spill)
        path = folder / source_store.STORE_FILE
        extract_store.flush(path)
        held = HeldFile(desk.inside(path), key)
        return held, {
            name: Source(held.path, one.digest, one.rows, one.persons, one.taken.columns, one.taken.left)
            for name, one in tables.items()
        }

    def _publish_statistics(self, descriptor: Descriptor) -> None:
        """What researchers may know before they apply. Where it fails, the registration stands without it."""
        site = self._desk.site
        rule_sets = list(load_directory(site.policies / "data").values())
        thresholds = source_statistics.thresholds_of(rule_sets, descriptor.database)
        if descriptor.reference or thresholds is None:
            return
        try:
            facts = source_statistics.facts_of(
                descriptor, self.store(descriptor.database), thresholds, self._desk.spill
            )
            published = publish(descriptor, facts, thresholds, self._desk.moment())
            write_statistics(published, site.catalogue)
        except Refused:
            (site.catalogue / descriptor.database / STATISTICS).unlink(missing_ok=True)

    def databases(self) -> dict[str, Any]:
        """`{id: {registered, digest, tables: {name: {taken, left, rows, persons}}}}` of what was taken in."""
        return {
            name: {
                "registered": one.registered_at,
                "digest": descriptor_digest(parse(one.descriptor)),
                "tables": listing(one.sources),
            }
            for name, one in self._desk.vault.databases().items()
        }

    def registered(self) -> dict[DatabaseId, tuple[Descriptor, Registered]]:
        return {
            DatabaseId(n): (parse(one.descriptor), one) for n, one in self._desk.vault.databases().items()
        }

    def store(self, database: str, name: str | None = None) -> Attached:
        """The store of a database, as the engine attaches it. Raises Refused `custody.vault_sealed`."""
        held = self._desk.vault.held("store", database)
        if held is None:
            raise Refused("catalogue.database_unknown", {"database": database})
        return Attached(self._desk.site.custody / held.path, name or source_store.STORE, attach_key(held.key))

    # -- the register -------------------------------------------------------------------------
    def people(self, population: str) -> tuple[Attached, Mapping[str, Any]]:
        """The register of a population and what it says of itself."""
        held = self._desk.vault.held("register", population)
        if held is None:
            raise Refused("custody.engine", {"population": population})
        file = Attached(self._desk.site.custody / held.path, REGISTER, attach_key(held.key))
        return file, held.about

    def bring_up_to_date(self, populations: Sequence[str]) -> None:
        """Link anew where a withdrawal has become effective since: the withdrawn are left out before linkage."""
        with extract_store.exclusively(self._desk.locks, "sources"):
            for population in sorted(set(populations)):
                held = self._desk.vault.held("register", population)
                if held is None or held.about.get("withdrawn") == self._withdrawn_digest(population):
                    continue
                self.relink(population)

    def relink(self, population: str) -> None:
        """Make the register of a population anew. The caller holds the lock `sources`."""
        made: list[Path] = []
        try:
            file = self._register(population, made, {})
            self._desk.vault.keep_file("register", population, file)
        except BaseException:
            for path in made:
                _remove(path)
            raise
        self.sweep()

    def _register(
        self, population: str, made: list[Path], arriving: Mapping[str, tuple[Descriptor, HeldFile]]
    ) -> HeldFile:
        desk = self._desk
        known = {name: one for name, (one, _) in self.registered().items() if name not in arriving}
        files: dict[str, tuple[Descriptor, HeldFile]] = dict(arriving)
        for name, descriptor in known.items():
            held = desk.vault.held("store", name)
            if held is not None:
                files[name] = (descriptor, held)
        members = [
            Member(
                descriptor,
                Attached(desk.site.custody / held.path, f"store {name}", attach_key(held.key)),
                self.withdrawn(name),
            )
            for name, (descriptor, held) in sorted(files.items())
            if descriptor.population == population and _names_someone(descriptor)
        ]
        before = desk.vault.held("register", population)
        key = secrets.token_bytes(32)
        path = desk.registers / population / f"{secrets.token_hex(6)}.duckdb"
        made.append(path)
        counts = register.make(
            members,
            path,
            attach_key(key),
            before=None
            if before is None
            else Attached(desk.site.custody / before.path, "before", attach_key(before.key)),
            legacy={
                "shared": desk.vault.numbers(population),
                "facility": desk.vault.numbers(f"{population}/{Kind.FACILITY.value}"),
            },
            blocks=self._block_rule([one.descriptor for one in members]),
            given=desk.books.given(population),
            spill=desk.spill,
        )
        extract_store.flush(path)
        linked = [one.descriptor.database for one in members if one.linked]
        about = {"withdrawn": self._digest_of(linked), "blocks": counts}
        return HeldFile(desk.inside(path), key, about)

    def _block_rule(self, descriptors: Sequence[Descriptor]) -> BlockRule | None:
        """The strictest k of the rule sets that cover the population's databases, cut along the columns they name.

        Then along whatever else its descriptors call identifying, kinds before quantities: a holder's own words for sex and
        age must not leave a database without blocks.
        """
        databases = [one.database for one in descriptors]
        binding = [
            one.blocks
            for one in load_directory(self._desk.site.policies / "data").values()
            if one.blocks and any(one.covers(database) for database in databases)
        ]
        if not binding:
            return None
        columns: dict[str, None] = {}
        for rule in binding:
            named = rule.get("columns")
            columns.update(
                dict.fromkeys(str(one) for one in (named if isinstance(named, list | tuple) else ()))
            )
        linked = any(one.identifiers is not None for one in descriptors)
        identifying = [
            column
            for one in descriptors
            for table in one.tables.values()
            if table.person_level
            for column in table.columns.values()
            if column.role is Role.IDENTIFYING
        ]
        living = dict.fromkeys(
            column.name
            for one in descriptors
            for table in one.tables.values()
            if table.person_level
            for column in table.columns.values()
            if column.role is Role.AREA
        )
        # Sex before age, as in the rule sets: a cut of one in two, once made, is kept by every later one.
        own = dict.fromkeys(column.name for column in sorted(identifying, key=_in_steps))
        areas = dict.fromkeys(
            str(one)
            for rule in binding
            if isinstance(named := rule.get("areas"), list | tuple)
            for one in named
        )
        if not linked:
            columns.update(own)
            areas = {name: None for name in areas if name in living} | living
        return BlockRule(max(int(str(rule["k"])) for rule in binding), tuple(columns), tuple(areas))

    # -- who is left out ----------------------------------------------------------------------
    def withdrawn(self, database: str) -> frozenset[str]:
        """Who of a database is left out today."""
        return self._desk.books.withdrawn(database, self._today())

    def withdraw(self, caller: Caller, withdrawals: Sequence[Withdrawal]) -> dict[str, Any]:
        """Enter withdrawals: `{entered, known, unknown, log}`. They are effective from their day, at the next extract.

        `unknown` is how many name nobody of the database as it is today: a number may be misspelled, or come later.
        Raises Refused `catalogue.database_unknown`, `custody.withdrawal_empty`.
        """
        desk = self._desk
        with desk.recorded(caller, "person.withdrawn", Thing("withdrawals", "unread")) as subject:
            desk.check_clock()
            desk.allow("person.withdraw", caller)
            if not withdrawals:
                raise Refused("custody.withdrawal_empty")
            known = desk.vault.databases()
            for one in withdrawals:
                if one.database not in known:
                    raise Refused("catalogue.database_unknown", {"database": one.database})
            with extract_store.exclusively(desk.locks, "sources"):
                unknown = self._unknown(withdrawals)

                def record(after: Listed) -> int:
                    # Which persons, the log does not learn: only under custody's own key has the list a digest.
                    subject.thing = Thing("withdrawals", secrets.token_hex(8), after.digest)
                    counts = {"persons": len(withdrawals), "in_all": after.total}
                    return desk.record(caller, "person.withdrawn", subject.thing, counts=counts)

                entered, place = desk.books.withdraw(withdrawals, desk.moment(), record)
        return {"entered": entered, "known": len(withdrawals) - entered, "unknown": unknown, "log": place}

    def _unknown(self, withdrawals: Sequence[Withdrawal]) -> int:
        asked: dict[str, set[str]] = {}
        for one in withdrawals:
            asked.setdefault(one.database, set()).add(spelled(one.person))
        return sum(
            len(persons) - register.here(self.store(database), frozenset(persons))
            for database, persons in asked.items()
        )

    def _today(self) -> date:
        return self._desk.now().date()

    def _withdrawn_digest(self, population: str) -> str:
        linked = [
            database
            for database, (descriptor, _) in self.registered().items()
            if descriptor.population == population and descriptor.identifiers is not None
        ]
        return self._digest_of(linked)

    def _digest_of(self, databases: Sequence[str]) -> str:
        digest = hashlib.sha256()
        for database in sorted(databases):
            digest.update(f"{database}\0".encode())
            for person in sorted(self.withdrawn(database)):
                digest.update(f"{person}\0".encode())
        return digest.hexdigest()

    # -- keeping order ------------------------------------------------------------------------
    def repair(self) -> None:
        """Finish what a killed process began, and bring what an earlier version kept into today's form."""
        desk = self._desk
        with extract_store.exclusively(desk.locks, "sources"):
            shutil.rmtree(desk.spill, ignore_errors=True)
            for database, (descriptor, known) in self.registered().items():
                if desk.vault.held("store", database) is None:
                    self._bring_over(descriptor, known)
                write_descriptor(descriptor, desk.site.catalogue)
            self.sweep()

    def _bring_over(self, descriptor: Descriptor, known: Registered) -> None:
        """A database whose files lie as they came: an earlier version kept them so."""
        desk, database = self._desk, descriptor.database
        tables = {
            name: replace(table, file=known.sources[name].file) for name, table in descriptor.tables.items()
        }
        folder = desk.sources / database / secrets.token_hex(6)
        made = [folder]
        try:
            store, found = self._store(replace(descriptor, tables=tables), desk.sources, folder)
            held = {("store", str(database)): store}
            if _names_someone(descriptor):
                people = self._register(descriptor.population, made, {database: (descriptor, store)})
                held["register", descriptor.population] = people
            desk.vault.keep_database(database, replace(known, sources=found), held)
        except BaseException:
            for path in made:
                _remove(path)
            raise

    def sweep(self) -> None:
        """Remove files that an earlier registration, or one that was refused or killed, left behind."""
        held = {(self._desk.site.custody / path).resolve() for path in self._desk.vault.held_paths() if path}
        for path in self._desk.registers.glob("*/*"):
            if path.resolve() not in held:
                _remove(path)
        for folder in self._desk.sources.glob("*/*"):
            if not any(folder.resolve() in path.parents for path in held):
                _remove(folder)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
        path.with_name(f"{path.name}.wal").unlink(missing_ok=True)


def _in_steps(column: Column) -> bool:
    """Whether a column measures in steps (years, dates) and does not tell kinds apart."""
    return column.bands is not None or column.type in {ColumnType.FLOAT, ColumnType.DATE, ColumnType.MONTH}


def _names_someone(descriptor: Descriptor) -> bool:
    return descriptor.identifiers is not None or any(
        kind_of(column) in {Kind.PERSON, Kind.FACILITY}
        for table in descriptor.tables.values()
        for column in table.columns.values()
    )


def listing(sources: Mapping[str, Source]) -> dict[str, Any]:
    """What was taken in, as the custodian sees it."""
    return {
        name: {
            "taken": list(source.columns),
            "left": list(source.left),
            "rows": source.rows,
            "persons": source.persons,
        }
        for name, source in sources.items()
    }


def descriptor_digest(descriptor: Descriptor) -> str:
    """`sha256:<hex>` of a descriptor as it is printed."""
    return "sha256:" + hashlib.sha256(print_descriptor(descriptor)).hexdigest()
