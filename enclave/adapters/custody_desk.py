"""What all of custody's acts share: who asks, may they, and the record of it.

Decides nothing: who may is decided by the policy server, and that a permit is genuine by `enclave.adapters.signing`.
When the ledger or the policy server is silent, nothing happens. A refusal is recorded too, under the act that did not
happen. Nothing here puts a value of a source, a key or a map into a fact, a leaf or a log.
"""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from enclave.adapters import custody_log, edge, extract_store
from enclave.adapters.custody_books import Books
from enclave.adapters.vault import Vault
from enclave.config import Site
from enclave.core.clock import Clock, parse_rfc3339, rfc3339
from enclave.core.event import Actor, Event, Outcome, Thing
from enclave.core.permit import Permit
from enclave.core.refusal import Refused

DECISION = "enclave/custody/decision"
"""One decision per act. Input: `{action, caller, actor: {person, role}, now, permit, provision, extract}`, where
`action` is `database.register`, `person.withdraw`, `person.trace`, `extract.build`, `extract.open`, `extract.erase` or
`provision.report`; `permit` and `extract` are the permit's and the manifest's JSON or null."""


CLOCK_TOLERANCE = timedelta(minutes=5)
"""What a time service may set a clock back by."""


class Ledger(custody_log.Searching, Protocol):
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


@dataclass
class Subject:
    """What an act turned out to be about, as far as it got before a no."""

    thing: Thing
    permit: Permit | None = None

    def of(self, permit: Permit) -> None:
        self.permit = permit
        self.thing = Thing("provision", permit.provision[:128])


class Desk:
    """One site's custody, as its acts share it. Safe to share between threads."""

    def __init__(
        self,
        site: Site,
        *,
        ledger: Ledger,
        policy: Policy,
        trusted: Callable[[], Mapping[str, Ed25519PublicKey]],
        now: Clock,
        keeps_time: bool = True,
    ) -> None:
        """Open the vault. `keeps_time` is False where the caller sets the clock, back and forth, in a rehearsal.

        Raises Refused `custody.vault_sealed`.
        """
        self.site = site
        self.trusted = trusted
        self.now = now
        self.vault = Vault(site.custody)
        self.books = Books(self.vault)
        self._ledger, self._policy, self._keeps_time = ledger, policy, keeps_time
        self._asked = False
        self.locks = site.custody / "locks"
        self.sources = site.custody / "sources"
        self.registers = site.custody / "registers"
        self.spill = site.custody / "spill"
        for place in (site.custody, self.sources, self.registers):
            place.mkdir(mode=0o700, exist_ok=True)
            place.chmod(0o700)

    def moment(self) -> str:
        return rfc3339(self.now())

    def inside(self, path: Path) -> str:
        """A path of custody's own, as the vault keeps it."""
        return str(path.relative_to(self.site.custody))

    def check_clock(self) -> None:
        """Raise Refused `custody.clock` where the clock says a time before what custody has already done.

        A clock that was set back would make a permit valid again, and a withdrawal not yet effective.
        """
        latest = self.vault.latest() if self._keeps_time else None
        if latest is not None and self.now() < parse_rfc3339(latest) - CLOCK_TOLERANCE:
            raise Refused("custody.clock", {"now": self.moment(), "latest": latest})

    def check_revision(self, provision: str, permit: str, revision: int) -> None:
        """Raise Refused `custody.permit_superseded` where custody has already acted on a later revision.

        In a rehearsal a permit goes back and forth as its clock does.
        """
        if self._keeps_time:
            self.vault.check_revision(provision, permit, revision)

    def unfinished(self) -> tuple[str, ...]:
        """The provisions whose erasure was begun, here or according to the log, and is not certified.

        The log is asked when custody starts to act, and again whenever the vault is another one than it was. A provision
        that the log calls erased and this vault never had is spent: its name and its files are gone.
        """
        if self._asked and self.vault.changes() >= self.vault.highest:
            return ()
        erased = custody_log.erased(self._ledger)
        uncertified = self.vault.uncertified()
        for provision in sorted(erased):
            if self.vault.known(provision) is None:
                self.vault.spend(provision, self.moment())
                extract_store.remove(self.site.extracts, provision)
        self._asked, self.vault.highest = True, self.vault.changes()
        return tuple(sorted(name for name, alive in uncertified.items() if name in erased or not alive))

    def check_withdrawals(self) -> None:
        """Raise Refused `custody.withdrawals_missing` where the list of who withdrew is not the one in the log."""
        known = custody_log.withdrawals(self._ledger)
        if known is not None and known != self.books.listed():
            raise Refused("custody.withdrawals_missing", {"listed": known.total})

    def allow(
        self,
        action: str,
        caller: Caller,
        *,
        permit: Permit | None = None,
        provision: str | None = None,
        extract: Mapping[str, Any] | None = None,
    ) -> None:
        """Raise Refused unless the policy server says an explicit yes."""
        decision = self._policy.decide(
            DECISION,
            {
                "action": action,
                "caller": caller.service,
                "actor": {"person": caller.actor.person, "role": caller.actor.role},
                "now": self.moment(),
                "permit": None if permit is None else permit.to_json(),
                "provision": permit.provision if permit is not None else provision,
                "extract": None if extract is None else dict(extract),
            },
        )
        # Anything else than an explicit yes is a no (SHAPES, Policy).
        if decision.get("allow") is not True:
            codes = tuple(sorted(str(code) for code in decision.get("deny", ()))) or ("custody.not_allowed",)
            raise Refused(codes[0], {"action": action}, codes)

    def record(
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
        """The place of a leaf, once it is durable. Raises Refused `ledger.unavailable`."""
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
    def recorded(self, caller: Caller, action: str, thing: Thing) -> Iterator[Subject]:
        """Record a refusal of the block under the action that did not happen."""
        subject = Subject(thing)
        try:
            yield subject
        except Refused as no:
            if no.code != "ledger.unavailable":
                self.record(
                    caller,
                    action,
                    subject.thing,
                    permit=subject.permit,
                    outcome=Outcome.REFUSED,
                    codes=no.codes,
                )
            raise


def attach_key(key: bytes) -> str:
    """A key as DuckDB's ENCRYPTION_KEY takes it."""
    return base64.b64encode(key).decode()
