"""Custody's four acts, each recorded before it has an effect: take in a database, build, open and erase an extract.

Decides the order of the steps. What an extract holds is decided in `enclave.custody.plan`, who may is decided by the
policy server, and that a permit is genuine by `enclave.adapters.signing`. Relies on the vault for keys, on the store
for files and on the ledger for the record; when the ledger or the policy server is silent, nothing happens.

A refusal is recorded too. Nothing here puts a value of a source, a key or a map into a fact, a leaf or a log.
"""

import base64
import hashlib
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from enclave.adapters import edge, extract_store, signing
from enclave.adapters.descriptor_files import print_descriptor, read_descriptor, write_descriptor
from enclave.adapters.vault import Kept, Registered, Source, Vault
from enclave.catalogue.descriptor import Descriptor, parse
from enclave.config import Site
from enclave.core.clock import Clock, rfc3339
from enclave.core.event import Actor, Event, Outcome, Thing
from enclave.core.ids import DatabaseId, PersonId
from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.custody import manifest as manifests
from enclave.custody.plan import CompileRows, ExtractPlan, Kind, check_provision, plan
from enclave.custody.pseudonym import Permutation, derive

DECISION = "enclave/custody/decision"
"""One decision per act. Input: `{action, caller, actor: {person, role}, now, permit, provision, extract}`, where
`action` is `database.register`, `extract.build`, `extract.open` or `extract.erase`; `permit` and `extract` are the
permit's and the manifest's JSON or null."""

_RULE_SET = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")


class Ledger(Protocol):
    def append(self, events: Sequence[Event]) -> Sequence[int]:
        """Places of the events in the log, once durable. Raises Refused `ledger.unavailable`."""
        ...


class Policy(Protocol):
    def decide(self, path: str, question: dict[str, Any]) -> Mapping[str, Any]:
        """The decision document at `path`. Raises Refused `policy.unavailable`."""
        ...


@dataclass(frozen=True)
class Caller:
    """Which service asks, and for whom. The person is that service's statement and is recorded as such."""

    service: str
    actor: Actor


@dataclass(frozen=True)
class Opened:
    """What the gateway needs to answer queries: the extract, its manifest and its key (base64, for ATTACH)."""

    n: int
    manifest: Mapping[str, Any]
    key: str
    log: int


class Custodian:
    """One site's custody. Safe to share between threads."""

    def __init__(
        self,
        site: Site,
        *,
        ledger: Ledger,
        policy: Policy,
        compile_rows: CompileRows,
        trusted: Callable[[], Mapping[str, Ed25519PublicKey]],
        now: Clock = edge.now,
    ) -> None:
        """Open the vault and repair what an earlier end left half-done. Raises Refused `custody.vault_sealed`."""
        self._site = site
        self._ledger = ledger
        self._policy = policy
        self._compile_rows = compile_rows
        self._trusted = trusted
        self._now = now
        self._vault = Vault(site.custody)
        self._locks = site.custody / "locks"
        self._sources = site.custody / "sources"
        self._spill = site.custody / "spill"
        for place in (site.custody, self._sources):
            place.mkdir(mode=0o700, exist_ok=True)
            place.chmod(0o700)
        self._repair()

    # -- databases ----------------------------------------------------------------------------
    def register(self, caller: Caller, descriptor_path: Path) -> dict[str, Any]:
        """Take a database in: `{database, tables: {name: {taken, left, rows, persons}}, log}`.

        1. Read the descriptor, and copy each file into custody: what is examined is what is kept.
        2. Examine every file; one thing wrong and nothing is taken in.
        3. Ask the policy, record it.
        4. Give new persons their numbers; keep sources; publish the descriptor.
        """
        with self._recorded(caller, "database.registered", Thing("database", "unread")) as subject:
            descriptor = read_descriptor(descriptor_path)
            database = descriptor.database
            subject.thing = Thing("database", database)
            self._allow("database.register", caller, provision=None)
            with extract_store.exclusively(self._locks, "sources"):
                folder = self._sources / database / secrets.token_hex(6)
                try:
                    sources, identifiers = self._examine(descriptor, descriptor_path.parent, folder)
                    digest = _descriptor_digest(descriptor)
                    place = self._record(
                        caller,
                        "database.registered",
                        Thing("database", database, digest),
                        counts={
                            "tables": len(sources),
                            "columns_taken": sum(len(s.columns) for s in sources.values()),
                            "columns_left": sum(len(s.left) for s in sources.values()),
                        },
                    )
                    for kind, texts in identifiers.items():
                        self._vault.enrol(_register(descriptor.population, kind), texts)
                    self._vault.keep_database(
                        database, Registered(descriptor.to_json(), rfc3339(self._now()), sources)
                    )
                except BaseException:
                    shutil.rmtree(folder, ignore_errors=True)
                    raise
                write_descriptor(descriptor, self._site.catalogue)
                self._sweep_sources(database)
        return {"database": database, "tables": _listing(sources), "log": place}

    def databases(self) -> dict[str, Any]:
        """`{id: {registered, digest, tables: {name: {taken, left, rows, persons}}}}` of what was taken in."""
        return {
            name: {
                "registered": one.registered_at,
                "digest": _descriptor_digest(parse(one.descriptor)),
                "tables": _listing(one.sources),
            }
            for name, one in self._vault.databases().items()
        }

    # -- extracts -----------------------------------------------------------------------------
    def build(self, caller: Caller, envelope: Mapping[str, Any], *, refresh: bool = False) -> dict[str, Any]:
        """The manifest of the permit's extract, built now unless this revision has one (`refresh` builds anew).

        1. The permit is signed and in force; the policy agrees.
        2. Under the provision's lock: sweep what a killed build left; if this revision has an extract, that is it.
        3. Plan it, and record that it is authorised, before a source is read.
        4. Pseudonyms, encrypted file, manifest; flushed to disk.
        5. Record what was built, give it its place, and only then keep its key: now it exists.
        """
        with self._recorded(caller, "extract.built", Thing("permit", "unverified")) as subject:
            permit = signing.verify_permit(envelope, self._trusted())
            subject.of(permit)
            permit.check_in_force(self._now())
            check_provision(permit.provision)
            self._vault.check_provision(permit.provision, permit.permit_id)
            self._allow("extract.build", caller, permit=permit)
            with (
                extract_store.exclusively(self._locks, permit.provision),
                extract_store.exclusively(self._locks, "sources", shared=True),
            ):
                kept = self._vault.extracts(permit.provision)
                extract_store.sweep(self._site.extracts, permit.provision, frozenset(one.n for one in kept))
                if not refresh:
                    for one in reversed(kept):
                        if one.permit_id == permit.permit_id and one.revision == permit.revision:
                            return dict(one.manifest)
                return self._build(caller, permit, signing.envelope_digest(envelope))

    def _build(self, caller: Caller, permit: Permit, digest: str) -> dict[str, Any]:
        registered = {DatabaseId(name): one for name, one in self._vault.databases().items()}
        descriptors = {
            name: parse(registered[name].descriptor) for name in permit.databases if name in registered
        }
        planned = plan(permit, descriptors, self._compile_rows)
        rule_sets = {name: self._rule_set(name) for name in permit.rule_sets}
        self._record(
            caller, "extract.authorised", Thing("provision", permit.provision, digest), permit=permit
        )
        key = self._vault.provision_key(permit.provision, permit.permit_id, rfc3339(self._now()))
        data_key = secrets.token_bytes(32)
        n = self._vault.next_extract(permit.provision)
        folder = extract_store.begin(self._site.extracts, permit.provision, n)
        try:
            built = extract_store.build(
                planned,
                {
                    (t.database, t.table): self._sources / registered[t.database].sources[t.table].file
                    for t in planned.tables
                },
                self._names(planned, key),
                home=self._sources,
                key=_attach_key(data_key),
                folder=folder,
                spill=self._spill,
            )
            manifest = manifests.Manifest(
                permit=permit.permit_id,
                revision=permit.revision,
                project=permit.project,
                provision=permit.provision,
                n=n,
                built=self._now(),
                tables=built.tables,
                linkage_groups=permit.linkage_groups,
                conditions=manifests.conditions_digest(permit),
                catalogue={name: _descriptor_digest(one) for name, one in descriptors.items()},
                sources={
                    f"{t.database}.{t.table}": registered[t.database].sources[t.table].digest
                    for t in planned.tables
                },
                rule_sets=rule_sets,
                engine=extract_store.engine(),
                digest=built.digest,
                size=built.size,
            ).to_json()
            self._record(
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
            extract_store.finish(folder, n, manifest)
            self._vault.keep_extract(
                permit.provision, Kept(n, permit.permit_id, permit.revision, manifest), data_key
            )
        except BaseException:
            kept = frozenset(one.n for one in self._vault.extracts(permit.provision))
            extract_store.sweep(self._site.extracts, permit.provision, kept)
            raise
        return manifest

    def open(
        self,
        caller: Caller,
        provision: str,
        n: int | None,
        envelope: Mapping[str, Any],
    ) -> Opened:
        """The key of one extract (None: the newest that the permit matches), once the permit has been seen again.

        1. The permit is signed, in force, and of this provision; its person is a handler where one is named.
        2. The extract is exactly what the permit grants (custody's own copy of the manifest says so).
        3. The policy agrees.
        4. Record it; only then is the key handed over.
        """
        with self._recorded(caller, "extract.opened", Thing("permit", "unverified")) as subject:
            permit = signing.verify_permit(envelope, self._trusted())
            subject.of(permit)
            permit.check_in_force(self._now())
            if permit.provision != provision:
                raise Refused("custody.extract_stale", {"permit": permit.reference, "extract": provision})
            check_provision(provision)
            if caller.actor.role == "handler":
                permit.check_handler(PersonId(caller.actor.person))
            self._vault.check_provision(provision, permit.permit_id)
            kept = self._choose(permit, n)
            self._allow("extract.open", caller, permit=permit, extract=kept.manifest)
            data_key = self._vault.data_key(provision, kept.n)
            place = self._record(
                caller,
                "extract.opened",
                Thing("extract", f"{provision}/{kept.n}", str(kept.manifest["file"]["digest"])),
                permit=permit,
            )
            return Opened(kept.n, kept.manifest, _attach_key(data_key), place)

    def _choose(self, permit: Permit, n: int | None) -> Kept:
        kept = [one for one in self._vault.extracts(permit.provision) if n is None or one.n == n]
        if not kept:
            raise Refused("custody.extract_unknown", {"extract": f"{permit.provision}/{n or 'latest'}"})
        newest = kept[-1]
        manifests.check_matches(newest.manifest, permit)
        return newest

    def extracts(self, provision: str) -> list[Mapping[str, Any]]:
        """The manifests of a provision's extracts, oldest first; none after its erasure."""
        if self._vault.certificate(provision) is not None:
            return []
        return [one.manifest for one in self._vault.extracts(provision)]

    def erase(self, caller: Caller, provision: str) -> dict[str, Any]:
        """Destroy the provision's keys, remove its files, certify it. Again: the same certificate.

        The intent is recorded first, then the keys go (from here the files are noise), then the files, then the
        deed is recorded and certified. A silence in between leaves no key behind; asking again finishes the work.
        """
        with self._recorded(caller, "extract.erased", Thing("provision", "unread")) as subject:
            check_provision(provision)
            subject.thing = Thing("provision", provision)
            permit_id = self._vault.known(provision)
            if permit_id is None:
                raise Refused("custody.extract_unknown", {"extract": provision})
            with extract_store.exclusively(self._locks, provision):
                certificate = self._vault.certificate(provision)
                if certificate is not None:
                    return dict(certificate)
                self._allow("extract.erase", caller, provision=provision)
                thing = Thing("provision", provision)
                self._record(caller, "extract.erasing", thing)
                extracts = self._vault.extracts(provision)
                self._vault.destroy(provision, rfc3339(self._now()))
                extract_store.remove(self._site.extracts, provision)
                said = {
                    "schema": "enclave.erasure/1",
                    "provision": provision,
                    "permit": permit_id,
                    "erased": rfc3339(self._now()),
                    "extracts": [
                        {"extract": f"{provision}/{one.n}", **one.manifest["file"]} for one in extracts
                    ],
                    "keys_destroyed": 1 + len(extracts),
                }
                digest = "sha256:" + hashlib.sha256(signing.canonical(said)).hexdigest()
                place = self._record(
                    caller,
                    "extract.erased",
                    Thing("provision", provision, digest),
                    counts={"extracts": len(extracts), "keys": 1 + len(extracts)},
                )
                certificate = {**said, "digest": digest, "log": place}
                self._vault.certify(provision, certificate)
                return dict(certificate)

    # -- what the acts share ------------------------------------------------------------------
    def _allow(
        self,
        action: str,
        caller: Caller,
        *,
        permit: Permit | None = None,
        provision: str | None = None,
        extract: Mapping[str, Any] | None = None,
    ) -> None:
        decision = self._policy.decide(
            DECISION,
            {
                "action": action,
                "caller": caller.service,
                "actor": {"person": caller.actor.person, "role": caller.actor.role},
                "now": rfc3339(self._now()),
                "permit": None if permit is None else permit.to_json(),
                "provision": permit.provision if permit is not None else provision,
                "extract": None if extract is None else dict(extract),
            },
        )
        # Anything else than an explicit yes is a no (SHAPES, Policy).
        if decision.get("allow") is not True:
            codes = tuple(sorted(str(code) for code in decision.get("deny", ()))) or ("custody.not_allowed",)
            raise Refused(codes[0], {"action": action}, codes)

    def _record(
        self,
        caller: Caller,
        action: str,
        thing: Thing,
        *,
        permit: Permit | None = None,
        outcome: Outcome = Outcome.OK,
        codes: tuple[str, ...] = (),
        counts: dict[str, int] | None = None,
    ) -> int:
        happened = edge.event(
            caller.actor,
            action,
            thing,
            project=None if permit is None else permit.project,
            permit=None if permit is None else permit.reference,
            outcome=outcome,
            codes=codes,
            counts=counts,
        )
        return int(self._ledger.append([happened])[0])

    @contextmanager
    def _recorded(self, caller: Caller, action: str, thing: Thing) -> Iterator["_Subject"]:
        """Record a refusal of the block under the action that did not happen."""
        subject = _Subject(thing)
        try:
            yield subject
        except Refused as no:
            if no.code != "ledger.unavailable":
                self._record(
                    caller,
                    action,
                    subject.thing,
                    permit=subject.permit,
                    outcome=Outcome.REFUSED,
                    codes=no.codes,
                )
            raise

    def _examine(
        self, descriptor: Descriptor, home: Path, folder: Path
    ) -> tuple[dict[str, Source], dict[Kind, frozenset[str]]]:
        sources: dict[str, Source] = {}
        identifiers: dict[Kind, frozenset[str]] = {}
        for name, table in descriptor.tables.items():
            # The suffix says how it is packed; the rest of the name is ours.
            kept = folder / (f"{name}.csv.gz" if table.file.endswith(".gz") else f"{name}.csv")
            try:
                digest = extract_store.copy_source(home / table.file, kept)
            except OSError:
                place = {"database": descriptor.database, "table": name, "file": table.file}
                raise Refused("catalogue.file_missing", place) from None
            found = extract_store.inspect(descriptor.database, table, kept)
            sources[name] = Source(
                str(kept.relative_to(self._sources)),
                digest,
                found.rows,
                found.persons,
                found.taken.columns,
                found.taken.left,
            )
            for kind, texts in found.identifiers.items():
                identifiers[kind] = identifiers.get(kind, frozenset()) | texts
        return sources, identifiers

    def _names(
        self, planned: ExtractPlan, provision_key: bytes
    ) -> dict[tuple[str, Kind], extract_store.Names]:
        wanted = {
            (table.database, column.kind)
            for table in planned.tables
            for column in table.shown
            if column.kind is not Kind.VALUE
        }
        names: dict[tuple[str, Kind], extract_store.Names] = {}
        for database, kind in sorted(wanted):
            texts, numbers = self._vault.numbers(_register(planned.populations[database], kind))
            permutation = Permutation(derive(provision_key, kind.value, planned.groups[database]))
            names[database, kind] = extract_store.Names(
                texts, permutation.of_all(np.array(numbers, dtype=np.uint32))
            )
        return names

    def _rule_set(self, name: str) -> str:
        path = self._site.policies / "data" / name / "data.yaml"
        if not _RULE_SET.fullmatch(name) or not path.is_file():
            raise Refused("custody.rule_set_unknown", {"rule_set": name[:60]})
        return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()

    def _sweep_sources(self, database: str) -> None:
        """Remove copies that an earlier registration, or one that was refused or killed, left behind."""
        home = self._sources / database
        registered = self._vault.databases().get(database)
        live = set() if registered is None else {Path(s.file).parts[1] for s in registered.sources.values()}
        for path in home.iterdir() if home.is_dir() else ():
            if path.name not in live:
                shutil.rmtree(path)

    def _repair(self) -> None:
        """Finish what a killed process began: sweep folders, publish descriptors that are not in the catalogue."""
        with extract_store.exclusively(self._locks, "sources"):
            shutil.rmtree(self._spill, ignore_errors=True)
            for database, registered in self._vault.databases().items():
                self._sweep_sources(database)
                write_descriptor(parse(registered.descriptor), self._site.catalogue)
        for home in self._site.extracts.iterdir() if self._site.extracts.is_dir() else ():
            with extract_store.exclusively(self._locks, home.name):
                kept = frozenset(one.n for one in self._vault.extracts(home.name))
                extract_store.sweep(self._site.extracts, home.name, kept)


@dataclass
class _Subject:
    """What an act turned out to be about, as far as it got before a no."""

    thing: Thing
    permit: Permit | None = None

    def of(self, permit: Permit) -> None:
        self.permit = permit
        self.thing = Thing("provision", permit.provision[:128])


def _register(population: str, kind: Kind) -> str:
    """Persons and facilities of one population are numbered apart."""
    return population if kind is Kind.PERSON else f"{population}/{kind.value}"


def _listing(sources: Mapping[str, Source]) -> dict[str, Any]:
    return {
        name: {
            "taken": list(source.columns),
            "left": list(source.left),
            "rows": source.rows,
            "persons": source.persons,
        }
        for name, source in sources.items()
    }


def _descriptor_digest(descriptor: Descriptor) -> str:
    return "sha256:" + hashlib.sha256(print_descriptor(descriptor)).hexdigest()


def _attach_key(data_key: bytes) -> str:
    """The key as DuckDB's ENCRYPTION_KEY takes it."""
    return base64.b64encode(data_key).decode()
