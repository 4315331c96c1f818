"""Custody's extracts: built under a permit, opened for a session, refreshed.

Decides the order of the steps. What an extract holds is decided in `enclave.custody.plan`. Relies on the vault for keys,
on the store for files and on the ledger for the record; when the ledger or the policy server is silent, nothing happens.

A build that is interrupted (a killed process, a full disk) goes on where it stopped when it is asked for again, as long
as nothing that it follows from has changed; until it is whole it has no name under which anybody could open it.
"""

import hashlib
import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enclave.adapters import custody_engine, extract_build, extract_store, signing
from enclave.adapters.custody_desk import Caller, Desk, attach_key
from enclave.adapters.custody_sources import Sources, descriptor_digest
from enclave.adapters.extract_build import Built, Names, Numbered, Placed
from enclave.adapters.register_blocks import blocks_of
from enclave.adapters.vault import Kept, Registered
from enclave.catalogue.descriptor import Descriptor
from enclave.core.event import Thing
from enclave.core.ids import DatabaseId, PersonId
from enclave.core.permit import Permit, data_sets_json
from enclave.core.refusal import Refused
from enclave.custody import manifest as manifests
from enclave.custody.manifest import BlockSet
from enclave.custody.plan import CompileRows, ExtractPlan, Kind, check_provision, plan
from enclave.custody.pseudonym import SIZE, Permutation, RecordPermutation, derive

_RULE_SET = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")


@dataclass(frozen=True)
class Opened:
    """What the gateway needs to answer queries: the extract, its manifest and its key (base64, for ATTACH)."""

    n: int
    manifest: Mapping[str, Any]
    key: str
    log: int


@dataclass(frozen=True)
class _Work:
    """One build: what is planned, from which sources, and what it follows from (`about`, a digest)."""

    permit: Permit
    planned: ExtractPlan
    known: Mapping[DatabaseId, tuple[Descriptor, Registered]]
    rule_sets: Mapping[str, str]
    about: str

    @property
    def databases(self) -> tuple[DatabaseId, ...]:
        tables = (*self.planned.tables, *self.planned.references)
        return tuple(dict.fromkeys(table.database for table in tables))


class Extracts:
    """What was built. Safe to share between threads."""

    def __init__(self, desk: Desk, sources: Sources, compile_rows: CompileRows) -> None:
        self._desk, self._sources, self._compile_rows = desk, sources, compile_rows
        self._progress: dict[str, dict[str, Any]] = {}

    def build(self, caller: Caller, envelope: Mapping[str, Any], *, refresh: bool = False) -> dict[str, Any]:
        """The manifest of the permit's extract, built now unless this revision has one (`refresh` builds anew).

        The newest extract is this revision's too where it is exactly what the revision grants: a change of the limits, which
        bind questions, needs no other file.

        1. The permit is signed and in force, and no later revision was acted on; the clock is no earlier than what custody
           has done; the policy agrees.
        2. Under the provision's lock: if this revision has an extract, or the newest is what it grants, that is it. Who withdrew (the list must be the one
           that the log knows) is left out, and the rest linked anew, before anything is read.
        3. Plan it, and record that it is authorised. An interrupted build of the same plan goes on.
        4. Pseudonyms, encrypted file, manifest; flushed to disk.
        5. Record what was built, give it its place, and only then keep its key and enter it in the provision ledger, in
           one transaction: now it exists.
        """
        desk = self._desk
        with desk.recorded(caller, "extract.built", Thing("permit", "unverified")) as subject:
            permit = signing.verify_permit(envelope, desk.trusted())
            subject.of(permit)
            permit.check_in_force(desk.now())
            desk.check_clock()
            check_provision(permit.provision)
            desk.vault.check_provision(permit.provision, permit.permit_id)
            desk.check_revision(permit.provision, permit.permit_id, permit.revision)
            desk.allow("extract.build", caller, permit=permit)
            with extract_store.exclusively(desk.locks, extract_store.lock_of(permit.provision)):
                if not refresh and (held := self._held(permit)) is not None:
                    desk.vault.saw_revision(permit.provision, permit.revision)
                    return dict(held.manifest)
                desk.check_withdrawals()
                planned = self._planned(permit)
                self._sources.bring_up_to_date(list(planned.populations.values()))
                with extract_store.exclusively(desk.locks, "sources", shared=True):
                    work = self._work(permit)
                    try:
                        return self._build(caller, work, signing.envelope_digest(envelope))
                    finally:
                        self._progress.pop(permit.provision, None)

    def _held(self, permit: Permit) -> Kept | None:
        """The extract of this revision; else the newest, where it is exactly what the revision grants."""
        kept = self._desk.vault.extracts(permit.provision)
        for one in reversed(kept):
            if one.permit_id == permit.permit_id and one.revision == permit.revision:
                return one
        if not kept:
            return None
        try:
            manifests.check_matches(kept[-1].manifest, permit)
        except Refused:
            return None
        # Blocks and what else a rule set shapes in the file are those of the sets that it was built for.
        same_rules = set(kept[-1].manifest["rule_sets"]) == set(permit.rule_sets)
        return kept[-1] if same_rules else None

    def _planned(self, permit: Permit) -> ExtractPlan:
        descriptors = {name: one for name, (one, _) in self._sources.registered().items()}
        return plan(permit, descriptors, self._compile_rows)

    def _work(self, permit: Permit) -> _Work:
        known = self._sources.registered()
        planned = self._planned(permit)
        rule_sets = {name: self._rule_set(name) for name in permit.rule_sets}
        digest = hashlib.sha256(manifests.conditions_digest(permit).encode())
        digest.update(f"{permit.reference} {custody_engine.version()}".encode())
        for table in (*planned.tables, *planned.references):
            columns = ",".join(column.name for column in table.shown)
            digest.update(f"\0{table.name}({columns})".encode())
        for database in sorted({table.database for table in (*planned.tables, *planned.references)}):
            digest.update(f"\0{self._sources.store(database).path}".encode())
            for person in sorted(self._sources.withdrawn(database)):
                digest.update(f"\0{person}".encode())
        for population in sorted(set(planned.populations.values())):
            held = self._desk.vault.held("register", population)
            digest.update(f"\0{held.path if held else ''}".encode())
        return _Work(permit, planned, known, rule_sets, digest.hexdigest())

    def _build(self, caller: Caller, work: _Work, envelope_digest: str) -> dict[str, Any]:
        desk, permit = self._desk, work.permit
        thing = Thing("provision", permit.provision, envelope_digest)
        desk.record(caller, "extract.authorised", thing, permit=permit)
        key = desk.vault.provision_key(permit.provision, permit.permit_id, desk.moment())
        desk.vault.saw_revision(permit.provision, permit.revision)
        n = desk.vault.next_extract(permit.provision)
        data_key, goes_on = desk.vault.begin_build(permit.provision, n, work.about)
        folder = extract_store.begin(desk.site.extracts, permit.provision, n, goes_on=goes_on)
        try:
            numbered = self._numbered(work)
            names = self._names(work.planned, numbered, key)
            numbered, names = _sampled(permit, numbered, names)
            built = extract_build.build(
                work.planned,
                {database: self._sources.store(database).path for database in work.databases},
                {database: self._sources.store(database).key for database in work.databases},
                {**names, **self._records(work.planned, key)},
                self._blocks(work.planned, numbered, names),
                file=folder / extract_store.EXTRACT_FILE,
                key=attach_key(data_key),
                spill=desk.spill,
                progress=lambda table, share: self._tell(permit.provision, n, table, share),
            )
            manifest = self._manifest(work, n, built)
            desk.record(
                caller,
                "extract.built",
                Thing("extract", f"{permit.provision}/{n}", built.digest),
                permit=permit,
                counts={
                    "tables": len(built.tables),
                    "columns": sum(len(table.columns) for table in built.tables),
                    "bytes": built.size,
                },
            )
            enter = self._entering(caller, work, n, built, numbered, names)
            extract_store.finish(folder, n, manifest)
            desk.vault.keep_extract(
                permit.provision, Kept(n, permit.permit_id, permit.revision, manifest), data_key, enter
            )
        except Refused as no:
            # What can go on stays, where nobody can open it. A broken file or a condition that fails would stay so.
            kept = frozenset(one.n for one in desk.vault.extracts(permit.provision))
            building = n if no.code in _GOES_ON else None
            extract_store.sweep(desk.site.extracts, permit.provision, kept, building=building)
            raise
        return manifest

    def _entering(
        self,
        caller: Caller,
        work: _Work,
        n: int,
        built: Built,
        numbered: Mapping[tuple[DatabaseId, Kind], Numbered],
        names: Mapping[tuple[DatabaseId, Kind], Names],
    ) -> Callable[[sqlite3.Connection], None]:
        """What enters the extract in the provision ledger, with who is in it."""
        desk, permit = self._desk, work.permit
        members: dict[str, list[NDArray[np.uint32]]] = {}
        for database, present in built.present.items():
            place = (database, Kind.PERSON)
            here = np.isin(names[place].pseudonyms, present)
            members.setdefault(work.planned.populations[database], []).append(numbered[place].numbers[here])
        entry = {
            "permit": permit.reference,
            "project": permit.project,
            "to": list(permit.handlers),
            "purpose": permit.purpose,
            "valid_to": permit.to_json()["valid_to"],
            "tables": {
                f"{one.database}.{one.name}": {
                    "columns": [column.name for column in one.columns],
                    "rows": one.rows,
                    "persons": one.persons,
                }
                for one in built.tables
                if not one.reference
            },
            "linkage_groups": [list(group) for group in permit.linkage_groups],
            "data_sets": data_sets_json(permit),
            "digest": built.digest,
            "by": caller.actor.person,
        }
        here_by = {name: np.unique(np.concatenate(lists)) for name, lists in members.items()}
        return desk.books.entering(permit.provision, n, desk.moment(), entry, here_by)

    def _blocks(
        self,
        planned: ExtractPlan,
        numbered: Mapping[tuple[DatabaseId, Kind], Numbered],
        names: Mapping[tuple[DatabaseId, Kind], Names],
    ) -> dict[tuple[DatabaseId, ...], Placed]:
        """By linkage group its persons' blocks; groups without blocks are left out."""
        found = {}
        for group in dict.fromkeys(planned.groups.values()):
            places = [(database, Kind.PERSON) for database in group if (database, Kind.PERSON) in numbered]
            if not places:
                continue
            pids = np.concatenate([names[place].pseudonyms for place in places])
            blocks = np.concatenate([_block_of(numbered[place]) for place in places])
            if len(blocks) and int(blocks.min()) >= 0:
                held, about = self._sources.people(planned.populations[group[0]])
                found[group] = Placed(pids, blocks, int(about["blocks"]["k"]), blocks_of(held))
        return found

    def _manifest(self, work: _Work, n: int, built: Built) -> dict[str, Any]:
        desk, permit = self._desk, work.permit
        tables = (*work.planned.tables, *work.planned.references)
        sets = []
        for group, (count, smallest) in built.blocks.items():
            population = work.planned.populations[group[0]]
            about = self._sources.people(population)[1]["blocks"]
            columns = tuple(about.get("columns", ()))
            here = {f"{one.database}.{one.name}" for one in built.tables}
            areas = tuple(one for one in about.get("areas", ()) if one.rpartition(".")[0] in here)
            sets.append(BlockSet(group, population, int(about["k"]), columns, count, smallest, areas))
        return manifests.Manifest(
            permit=permit.permit_id,
            revision=permit.revision,
            project=permit.project,
            provision=permit.provision,
            n=n,
            built=desk.now(),
            tables=built.tables,
            linkage_groups=permit.linkage_groups,
            conditions=manifests.conditions_digest(permit),
            catalogue={name: descriptor_digest(work.known[name][0]) for name in work.databases},
            sources={one.name: work.known[one.database][1].sources[one.table].digest for one in tables},
            rule_sets=work.rule_sets,
            engine=custody_engine.version(),
            digest=built.digest,
            size=built.size,
            block_sets=tuple(sets),
        ).to_json()

    # -- names --------------------------------------------------------------------------------
    def _numbered(self, work: _Work) -> dict[tuple[DatabaseId, Kind], Numbered]:
        wanted: set[tuple[DatabaseId, Kind]] = {
            (table.database, column.kind)
            for table in work.planned.tables
            for column in table.shown
            if column.kind in {Kind.PERSON, Kind.FACILITY}
        }
        found: dict[tuple[DatabaseId, Kind], Numbered] = {}
        for database, kind in sorted(wanted):
            descriptor = work.known[database][0]
            register, _ = self._sources.people(work.planned.populations[database])
            withdrawn = self._sources.withdrawn(database)
            store = self._sources.store(database)
            found[database, kind] = extract_build.numbered(descriptor, store, register, kind, withdrawn)
        return found

    def _names(
        self, planned: ExtractPlan, numbered: Mapping[tuple[DatabaseId, Kind], Numbered], provision_key: bytes
    ) -> dict[tuple[DatabaseId, Kind], Names]:
        return {
            (database, kind): Names(
                one.seats,
                Permutation(derive(provision_key, kind.value, planned.groups[database])).of_all(one.numbers),
            )
            for (database, kind), one in numbered.items()
        }

    def _records(
        self, planned: ExtractPlan, provision_key: bytes
    ) -> dict[tuple[DatabaseId, Kind], RecordPermutation]:
        """A claim's number is its database's own: there is nobody to share it with."""
        return {
            (table.database, Kind.RECORD): RecordPermutation(
                derive(provision_key, Kind.RECORD.value, (table.database,))
            )
            for table in planned.tables
            if any(column.kind is Kind.RECORD for column in table.shown)
        }

    def _rule_set(self, name: str) -> str:
        path = self._desk.site.policies / "data" / name / "data.yaml"
        if not _RULE_SET.fullmatch(name) or not path.is_file():
            raise Refused("custody.rule_set_unknown", {"rule_set": name[:60]})
        return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()

    # -- progress -----------------------------------------------------------------------------
    def _tell(self, provision: str, n: int, table: str, share: float) -> None:
        self._progress[provision] = {"n": n, "table": table, "share": round(share, 3)}

    def progress(self, provision: str) -> dict[str, Any]:
        """`{n, table, share}` of the build that runs; `{}` where none does."""
        return dict(self._progress.get(provision, {}))

    # -- opening ------------------------------------------------------------------------------
    def open(
        self,
        caller: Caller,
        provision: str,
        n: int | None,
        envelope: Mapping[str, Any],
    ) -> Opened:
        """The key of one extract (None: the newest that the permit matches), once the permit has been seen again.

        1. The permit is signed, in force, of this provision and its latest revision; its person is a handler where one
           is named.
        2. The extract is exactly what the permit grants (custody's own copy of the manifest says so).
        3. The policy agrees.
        4. Record it; only then is the key handed over.
        """
        desk = self._desk
        with desk.recorded(caller, "extract.opened", Thing("permit", "unverified")) as subject:
            permit = signing.verify_permit(envelope, desk.trusted())
            subject.of(permit)
            permit.check_in_force(desk.now())
            desk.check_clock()
            if permit.provision != provision:
                raise Refused("custody.extract_stale", {"permit": permit.reference, "extract": provision})
            check_provision(provision)
            if caller.actor.role == "handler":
                permit.check_handler(PersonId(caller.actor.person))
            desk.vault.check_provision(provision, permit.permit_id)
            desk.check_revision(provision, permit.permit_id, permit.revision)
            kept = self._choose(permit, n)
            desk.allow("extract.open", caller, permit=permit, extract=kept.manifest)
            desk.vault.saw_revision(provision, permit.revision)
            data_key = desk.vault.data_key(provision, kept.n)
            place = desk.record(
                caller,
                "extract.opened",
                Thing("extract", f"{provision}/{kept.n}", str(kept.manifest["file"]["digest"])),
                permit=permit,
            )
            return Opened(kept.n, kept.manifest, attach_key(data_key), place)

    def _choose(self, permit: Permit, n: int | None) -> Kept:
        kept = [one for one in self._desk.vault.extracts(permit.provision) if n is None or one.n == n]
        if not kept:
            raise Refused("custody.extract_unknown", {"extract": f"{permit.provision}/{n or 'latest'}"})
        newest = kept[-1]
        manifests.check_matches(newest.manifest, permit)
        return newest

    def extracts(self, provision: str) -> list[Mapping[str, Any]]:
        """The manifests of a provision's extracts, oldest first; none after its erasure."""
        if self._desk.vault.certificate(provision) is not None:
            return []
        return [one.manifest for one in self._desk.vault.extracts(provision)]

    def repair(self) -> None:
        """Sweep what is neither an extract nor a build that can go on."""
        desk = self._desk
        for home in desk.site.extracts.iterdir() if desk.site.extracts.is_dir() else ():
            with extract_store.exclusively(desk.locks, extract_store.lock_of(home.name)):
                kept = frozenset(one.n for one in desk.vault.extracts(home.name))
                building = desk.vault.building(home.name)
                extract_store.sweep(desk.site.extracts, home.name, kept, building=building)


_GOES_ON = frozenset({"custody.disk_full"})
"""Refusals of a build after which the same file can go on: nothing in it is wrong."""


def _sampled(
    permit: Permit,
    numbered: Mapping[tuple[DatabaseId, Kind], Numbered],
    names: Mapping[tuple[DatabaseId, Kind], Names],
) -> tuple[dict[tuple[DatabaseId, Kind], Numbered], dict[tuple[DatabaseId, Kind], Names]]:
    """Persons of a data set that holds one in so many: those whose pseudonym is among the lowest of all there could be.

    Pseudonyms are a keyed permutation, so this is a draw that nobody can foresee, a refresh repeats, another provision
    does not, and databases linked with one another share.
    """
    kept, called = dict(numbered), dict(names)
    for database, granted in permit.data_sets.items():
        place = (database, Kind.PERSON)
        if granted.one_in is None or place not in names:
            continue
        one, name = numbered[place], names[place]
        drawn = name.pseudonyms < SIZE // granted.one_in
        blocks = None if one.blocks is None else one.blocks[drawn]
        kept[place] = Numbered(one.seats[drawn], one.numbers[drawn], blocks)
        called[place] = Names(name.seats[drawn], name.pseudonyms[drawn])
    return kept, called


def _block_of(one: Numbered) -> NDArray[np.int32]:
    return np.full(len(one.seats), -1, dtype=np.int32) if one.blocks is None else one.blocks
