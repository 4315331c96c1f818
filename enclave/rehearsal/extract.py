"""Permit and data → an extract that custody has built, once.

Decides nothing about what it holds. Decides when there is nothing to do: the same permit over the same bytes, with blocks
of the same rule, has its extract already, and a second question finds it by the files' identities alone.

 1. Same permit, files as they were: that extract.
 2. Otherwise, one command at a time: bring the databases; plan, before anything is read.
 3. Take in what is new or changed, as custody does. Persons keep their numbers.
 4. Build it under the permit, signed with the state folder's key, and remember what for.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from enclave.adapters import custody_engine, extract_store, rule_files, signing
from enclave.adapters.custody_client import OpenedExtract
from enclave.adapters.custody_desk import Caller, Desk, Policy
from enclave.adapters.custody_extracts import Extracts
from enclave.adapters.custody_sources import Sources
from enclave.adapters.permit_records import SignedPermit, WorkspaceSession
from enclave.app import compile_rows
from enclave.core.clock import Clock
from enclave.core.event import Actor
from enclave.core.ids import DatabaseId, ProvisionId
from enclave.core.permit import Permit
from enclave.custody.plan import check_provision, plan
from enclave.gateway.deps import Extracts as ExtractsPort
from enclave.gateway.deps import OpenExtract
from enclave.rehearsal import data as sources_of
from enclave.rehearsal.data import Brought
from enclave.rehearsal.state import Holding, State

LAYOUT = "1"
"""Of what is remembered below; another one makes every extract anew."""

HOLDER = Caller("operator", Actor("enclave", "custodian"))
"""Whoever holds the data takes it in; a handler of that name would be nobody's."""

Notice = Callable[[str], None]


@dataclass(frozen=True)
class Ready:
    """An extract that can be opened: by whom it is kept, under which signed permit, and its number."""

    extracts: Extracts
    holding: Holding
    signed: SignedPermit
    n: int


@dataclass(frozen=True)
class Remembered:
    """What an earlier command prepared: in which holding, as which extract, from which files."""

    holding: str
    provision: str
    n: int
    files: Mapping[str, sources_of.Identity]


class Preparing:
    """One state folder's extracts over one data folder."""

    def __init__(self, state: State, data: Path, policies: Path, policy: Policy, now: Clock) -> None:
        self._state, self._data, self._policies = state, data.absolute(), policies
        self._policy, self._now = policy, now

    def ready(self, permit: Permit, notice: Notice) -> Ready:
        """The extract of a permit; `notice` hears what takes time.

        Raises Refused `rehearsal.*`, `catalogue.*`, `custody.*`, `permit.*`.
        """
        asked = _digest(_about(permit), str(self._data), self._blocks(), custody_engine.version(), LAYOUT)
        note = self._state.prepared / f"{asked}.json"
        found = self._remembered(note)
        if found is None:
            with extract_store.exclusively(self._state.locks, "prepare"):
                found = self._remembered(note)  # another command may have been at it
                if found is None:
                    found = self._prepare(permit, notice)
                    _write(note, found.__dict__)
        holding = self._holding(found.holding)
        desk, sources = self._desk(holding)
        signed = self._signed(permit, found.provision)
        return Ready(Extracts(desk, sources, compile_rows), holding, signed, found.n)

    def _remembered(self, note: Path) -> Remembered | None:  # 1
        raw = _read(note)
        if not raw:
            return None
        files = {path: tuple(one) for path, one in raw["files"].items()}
        if files != sources_of.identities([Path(path) for path in files]):
            return None
        below = {str(path) for path in sources_of.descriptors_below(self._data)}
        known = {path for path in files if path.endswith("/descriptor.yaml")}
        place = self._state.holdings / raw["holding"] / "extracts" / raw["provision"] / str(raw["n"])
        if below != known or not place.is_dir():
            return None
        return Remembered(raw["holding"], raw["provision"], raw["n"], files)

    def _prepare(self, permit: Permit, notice: Notice) -> Remembered:
        check_provision(permit.provision)
        brought = sources_of.bring(self._data, permit)  # 2
        described = {name: one.descriptor for name, one in brought.items()}
        plan(permit, described, compile_rows)
        files = [
            *sources_of.descriptors_below(self._data),
            *(f for b in brought.values() for f in b.files().values()),
        ]
        # Looked at before they are read: what changes meanwhile is seen to have changed.
        seen = sources_of.identities([path for path in files if path.exists()]) or {}
        name = _digest({n: d.population for n, d in described.items()}, self._blocks())[:16]
        holding = self._holding(name)
        for place in (holding.custody, holding.extracts, holding.catalogue):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        desk, sources = self._desk(holding)
        extracts = Extracts(desk, sources, compile_rows)
        sources.repair()
        extracts.repair()
        taken = self._take_in(holding, sources, brought, notice)  # 3
        about = _digest(_about(permit), taken, custody_engine.version(), LAYOUT)  # 4
        built = _read(holding.home / "extracts.json")
        provision = _provision(desk, permit)
        n = built.get(about)
        if n is None or not (holding.extracts / provision / str(n)).is_dir():
            notice("extract")
            envelope = self._signed(permit, provision).envelope
            n = int(extracts.build(HOLDER, envelope, refresh=True)["n"])
            _write(holding.home / "extracts.json", {**built, about: n})
        return Remembered(name, provision, n, seen)

    def _take_in(
        self, holding: Holding, sources: Sources, brought: Mapping[DatabaseId, Brought], notice: Notice
    ) -> dict[str, Any]:
        """Digests of what is taken in now, by database: `{descriptor, files: {table: digest}}`."""
        note = holding.home / "taken.json"
        taken = _read(note)
        there = sources.databases()
        for name, one in sorted(brought.items()):
            place = {"database": name}
            files = {
                table: sources_of.file_digest({**place, "table": table, "file": path.name}, path)
                for table, path in one.files().items()
            }
            now = {"descriptor": one.digest, "files": files}
            if taken.get(name) != now or name not in there:
                notice(name)
                sources.take_in(HOLDER, one.path, population=one.descriptor.population, publishes=False)
                taken[name] = now
                _write(note, taken)
        return {name: taken[name] for name in sorted(brought)}

    def _blocks(self) -> list[Any]:
        """What the rule sets say of blocks: persons are cut into them when they are taken in. Nothing else of the rules
        shows in an extract, so that their author need not wait for another one."""
        sets = rule_files.load_directory(self._policies / "data").values()
        return [[one.id, dict(one.blocks)] for one in sets if one.blocks]

    def _holding(self, name: str) -> Holding:
        return Holding("rehearsal", 0, "site", self._state.holdings / name, self._policies)

    def _desk(self, holding: Holding) -> tuple[Desk, Sources]:
        desk = Desk(
            holding,
            ledger=self._state.custody_ledger,
            policy=self._policy,
            trusted=lambda: self._state.trusted,
            now=self._now,
            keeps_time=False,
        )
        return desk, Sources(desk)

    def _signed(self, permit: Permit, provision: str) -> SignedPermit:
        rehearsed = replace(permit, provision=ProvisionId(provision))
        return SignedPermit(rehearsed, signing.sign_permit(rehearsed, self._state.permit_key))


class OneExtract(ExtractsPort):
    """The prepared extract and no other, as the gateway's port."""

    def __init__(self, inner: ExtractsPort, n: int) -> None:
        self._inner, self._n = inner, n

    def open(self, signed: SignedPermit, session: WorkspaceSession, n: int | None = None) -> OpenExtract:
        return self._inner.open(signed, session, self._n if n is None else n)


class CustodyHere:
    """Custody's own flow without its socket, as the gateway's port."""

    def __init__(self, extracts: Extracts) -> None:
        self._extracts = extracts

    def open(
        self,
        provision: str,
        n: int | None,
        envelope: Mapping[str, Any],
        *,
        session: str,
        person: str | None = None,
    ) -> OpenedExtract:
        """Raises Refused `custody.*`, `permit.*`."""
        caller = Caller("gateway", Actor(person or "enclave", "handler", session))
        found = self._extracts.open(caller, provision, n, envelope)
        return OpenedExtract(found.n, found.manifest, found.key, found.log)


def _provision(desk: Desk, permit: Permit) -> str:
    """The permit's provision; where another permit of the rehearsal has taken the name, one beside it."""
    if desk.vault.known(permit.provision) in {None, permit.permit_id}:
        return permit.provision
    return f"{permit.provision[:29]}-{hashlib.sha256(permit.permit_id.encode()).hexdigest()[:10]}"


def _about(permit: Permit) -> dict[str, Any]:
    """What of a permit an extract follows from."""
    told = permit.to_json()
    parts = ("permit_id", "project", "provision", "databases", "linkage_groups", "rule_sets")
    return {name: told[name] for name in parts}


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    """What was remembered; nothing where nothing was, or not to the end."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, value: Mapping[str, Any]) -> None:
    """Whole or not at all."""
    part = path.with_name(f".{secrets.token_hex(4)}")
    part.write_text(json.dumps(value), encoding="utf-8")
    os.replace(part, path)
