"""One site's custody, as its service sees it: take in, withdraw, build, open, report, trace, erase.

Decides nothing: puts the acts of `custody_sources` and `custody_extracts` over one desk, and carries out the erasure,
which needs both keys and files gone in the right order.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from enclave.adapters import edge, extract_store, signing
from enclave.adapters.custody_books import Withdrawal, WithdrawalKind, spelled
from enclave.adapters.custody_desk import Caller, Desk, Ledger, Policy
from enclave.adapters.custody_engine import quiet
from enclave.adapters.custody_extracts import Extracts, Opened
from enclave.adapters.custody_releases import Asked, Line, Releases
from enclave.adapters.custody_sources import Sources
from enclave.adapters.register import whose
from enclave.config import Site
from enclave.core.clock import Clock
from enclave.core.event import Actor, Thing
from enclave.core.ids import DatabaseId
from enclave.core.refusal import Refused
from enclave.custody import certificate as certificates
from enclave.custody.plan import CompileRows, check_provision
from enclave.disclosure.releases.published import Published

__all__ = ["Caller", "Custodian", "Ledger", "Opened", "Policy", "Withdrawal", "WithdrawalKind"]


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
        self._desk = Desk(site, ledger=ledger, policy=policy, trusted=trusted, now=now)
        self._sources = Sources(self._desk)
        self._extracts = Extracts(self._desk, self._sources, compile_rows)
        self._releases = Releases(self._desk, self._sources)
        self._sources.repair()
        self._extracts.repair()

    # -- databases ----------------------------------------------------------------------------
    def register(self, caller: Caller, descriptor_path: Path) -> dict[str, Any]:
        """Take a database in: `{database, tables: {name: {taken, left, rows, persons}}, log}`."""
        self._finish_erasures()
        return self._sources.take_in(caller, descriptor_path)

    def databases(self) -> dict[str, Any]:
        """`{id: {registered, digest, tables: {name: {taken, left, rows, persons}}}}` of what was taken in."""
        return self._sources.databases()

    def withdraw(self, caller: Caller, withdrawals: Sequence[Withdrawal]) -> dict[str, Any]:
        """Leave persons out from a day on: `{entered, known, unknown, log}`."""
        self._finish_erasures()
        return self._sources.withdraw(caller, withdrawals)

    # -- extracts -----------------------------------------------------------------------------
    def build(self, caller: Caller, envelope: Mapping[str, Any], *, refresh: bool = False) -> dict[str, Any]:
        """The manifest of the permit's extract, built now unless this revision has one (`refresh` builds anew)."""
        self._finish_erasures()
        return self._extracts.build(caller, envelope, refresh=refresh)

    def progress(self, provision: str) -> dict[str, Any]:
        """`{n, table, share}` of the build that runs; `{}` where none does."""
        return self._extracts.progress(provision)

    def open(self, caller: Caller, provision: str, n: int | None, envelope: Mapping[str, Any]) -> Opened:
        """The key of one extract (None: the newest that the permit matches), once the permit has been seen again."""
        self._finish_erasures()
        return self._extracts.open(caller, provision, n, envelope)

    def extracts(self, provision: str) -> list[Mapping[str, Any]]:
        """The manifests of a provision's extracts, oldest first; none after its erasure."""
        return self._extracts.extracts(provision)

    # -- releases -----------------------------------------------------------------------------
    def examine(
        self, caller: Caller, envelope: Mapping[str, Any], asked: Asked, cells: Sequence[Line]
    ) -> dict[str, Any]:
        """What the cells of an output tell together with all released before; they are kept as pending."""
        return self._releases.examine(caller, envelope, asked, cells)

    def enter_release(
        self, caller: Caller, database: str, release: str, cells: Sequence[Published]
    ) -> dict[str, Any]:
        """A table that is public already counts as released from now on."""
        return self._releases.enter(caller, database, release, cells)

    def releases(self, caller: Caller, database: str) -> dict[str, Any]:
        """What counts as released of the population that a database belongs to."""
        return self._releases.listing(caller, database)

    def conclude(self, caller: Caller, output: str, released: bool) -> dict[str, Any]:
        """An output is history from now on, or forgotten."""
        return self._releases.conclude(caller, output, released)

    # -- what was provided --------------------------------------------------------------------
    def report(self, caller: Caller, provision: str | None = None) -> dict[str, Any]:
        """The provision ledger, all or one: `{provided: […], erasures: {provision: certificate}, withdrawals, log}`.

        Raises Refused `custody.extract_unknown` for a provision that never was.
        """
        desk = self._desk
        thing = Thing("provision", "all" if provision is None else "unread")
        with desk.recorded(caller, "provision.reported", thing) as subject:
            if provision is not None:
                check_provision(provision)
                subject.thing = Thing("provision", provision)
                if desk.vault.known(provision) is None:
                    raise Refused("custody.extract_unknown", {"extract": provision})
            desk.allow("provision.report", caller, provision=provision)
            place = desk.record(caller, "provision.reported", subject.thing)
        entries = desk.books.provided(provision)
        named = [provision] if provision is not None else sorted({one["provision"] for one in entries})
        certificates_of = {one: desk.vault.certificate(one) for one in named}
        return {
            "provided": entries,
            "erasures": {name: dict(one) for name, one in certificates_of.items() if one is not None},
            "withdrawals": {name: dict(kinds) for name, kinds in desk.books.counts().items()},
            "log": place,
        }

    def trace(self, caller: Caller, database: str, person: str) -> dict[str, Any]:
        """Which provisions contained a person, by the holder's own number: `{provisions: [...], log}`.

        Only the custodian may ask, and the log does not learn about whom. Whether the person is in the database at all
        is not told apart from being in no provision.
        """
        desk = self._desk
        thing = Thing("trace", edge.new_id())
        with desk.recorded(caller, "person.traced", thing):
            desk.allow("person.trace", caller)
            known = self._sources.registered().get(DatabaseId(database))
            if known is None:
                raise Refused("catalogue.database_unknown", {"database": database})
            place = desk.record(caller, "person.traced", thing)
        descriptor = known[0]
        population = descriptor.population
        numbers = whose(descriptor, self._sources.people(population)[0], spelled(person))
        inside = set(desk.books.containing(population, numbers))
        provisions = [
            {
                "provision": one["provision"],
                "n": one["n"],
                "at": one["at"],
                "project": one["project"],
                "purpose": one["purpose"],
                "erased": desk.vault.certificate(one["provision"]) is not None,
            }
            for one in desk.books.provided()
            if (one["provision"], one["n"]) in inside
        ]
        return {"provisions": provisions, "log": place}

    # -- erasure ------------------------------------------------------------------------------
    def erase(self, caller: Caller, provision: str) -> dict[str, Any]:
        """Destroy the provision's keys, remove its files, certify it. Again: the same certificate.

        What was released of it is first made to stand by itself. The intent is recorded first, then the keys go (from here the files are noise), then the files, then the
        deed is recorded and certified. A silence in between leaves no key behind; asking again finishes the work, and so
        does custody's next start, since the log holds the intent.
        """
        desk = self._desk
        self._finish_erasures()
        with desk.recorded(caller, "extract.erased", Thing("provision", "unread")) as subject:
            check_provision(provision)
            subject.thing = Thing("provision", provision)
            desk.check_clock()
            permit_id = desk.vault.known(provision)
            if permit_id is None:
                raise Refused("custody.extract_unknown", {"extract": provision})
            with extract_store.exclusively(desk.locks, extract_store.lock_of(provision)):
                certificate = desk.vault.certificate(provision)
                if certificate is not None:
                    return dict(certificate)
                desk.allow("extract.erase", caller, provision=provision)
                desk.record(caller, "extract.erasing", Thing("provision", provision))
                return self._carry_out(caller, provision, permit_id)

    def _finish_erasures(self) -> None:
        """Carry out what the log says was begun: by a process that died, or before an older vault was put back."""
        desk = self._desk
        for provision in desk.unfinished():
            with extract_store.exclusively(desk.locks, extract_store.lock_of(provision)):
                permit_id = desk.vault.known(provision)
                if permit_id is not None and desk.vault.certificate(provision) is None:
                    self._carry_out(Caller("custody", Actor("custody", "service")), provision, permit_id)

    def _carry_out(self, caller: Caller, provision: str, permit_id: str) -> dict[str, Any]:
        """The erasure itself, once its intent is on record. The caller holds the provision's lock."""
        desk = self._desk
        self._releases.settle(provision)
        extracts = desk.vault.extracts(provision)
        keys = desk.vault.destroy(provision, desk.moment())
        extract_store.remove(desk.site.extracts, provision)
        files = [{"extract": f"{provision}/{one.n}", **one.manifest["file"]} for one in extracts]
        said = certificates.statement(
            provision,
            permit_id,
            desk.moment(),
            files,
            keys,
            master_replaced=desk.vault.replaces_master,
        )
        digest = "sha256:" + hashlib.sha256(signing.canonical(said)).hexdigest()
        place = desk.record(
            caller,
            "extract.erased",
            Thing("provision", provision, digest),
            counts={"extracts": len(extracts), "keys": keys},
        )
        whole = {**said, "digest": digest, "log": place}
        certificate = {**whole, "envelope": signing.sign(certificates.SCHEMA, whole, self._signing_key())}
        desk.vault.certify(provision, certificate)
        return dict(certificate)

    def _signing_key(self) -> Ed25519PrivateKey:
        """Custody's own key for certificates, made at its first use; its public half is published."""
        path = self._desk.site.custody / "certificate.key"
        if not path.exists():
            signing.save_private(signing.generate_private(), path)
        key = signing.load_private(path)
        public, said = self._desk.site.catalogue / "certificate.pub", signing.public_text(key)
        # Also where a process died between the two, or somebody put another in its place.
        if not public.exists() or public.read_text() != said:
            with quiet("custody.engine", {}):
                part = public.with_suffix(".part")
                part.write_text(said)
                part.chmod(0o644)
                part.rename(public)
        return key
