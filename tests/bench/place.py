"""The site that the benchmark runs on: its own, freshly made, with one project; gone without a trace afterwards.

The permit is signed with the portal's key and entered as a decision would; the extract is the custodian's command; the
session at the gateway is entered as the hub does it. Nothing stands between a measurement and the system.
"""

import fcntl
import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import duckdb

from enclave import operation
from enclave.adapters import custody_client, edge, signing
from enclave.adapters import records_schema as t
from enclave.adapters.permit_records import (
    SignedPermit,
    WorkspaceSession,
    create_workspace_session,
    permit_by_id,
)
from enclave.adapters.records import Records
from enclave.app import build_extract, records_of, trusted_of
from enclave.config import SITES, Site
from enclave.core.clock import rfc3339
from enclave.core.event import Actor, Thing
from enclave.core.ids import PersonId, SessionId
from enclave.core.permit import parse
from enclave.core.refusal import Refused
from enclave.demo.load import load

PROJECT = "bench"
HANDLER = "mori"
"""Asks the gateway. The browser is another person's: one workspace at a time ends the sessions of the first."""

BROWSER_HANDLER = "tanaka"
CROWD = tuple(f"person{n}" for n in range(33))
"""Researchers who ask at once, and one who means harm."""
PATIENTS = ("pid", "age", "male", "bmi", "futime", "status")
LABS = ("pid", "days", "test", "value")


@dataclass(frozen=True)
class Place:
    """The site with its project. `key` opens the extract at `file`; `up_s` is how long the first start took."""

    site: Site
    records: Records
    signed: SignedPermit
    manifest: dict[str, object]
    reference: str
    file: Path
    key: str
    up_s: float

    def bare(self) -> duckdb.DuckDBPyConnection:
        """DuckDB alone over the same encrypted file, with the same two threads, and no more."""
        connection = duckdb.connect(":memory:", config={"threads": "2"})
        key = self.key.replace("'", "''")
        connection.execute(f"ATTACH '{self.file}' AS held (READ_ONLY, ENCRYPTION_KEY '{key}')")
        connection.execute("USE held")
        return connection

    def session(self) -> tuple[str, WorkspaceSession]:
        """A token for the address that this process calls from, and its session."""
        return self.session_of(HANDLER, self.site.service_ip)

    def session_of(self, person: str, address: str) -> tuple[str, WorkspaceSession]:
        """The same of another handler, who calls from another address."""
        token, permit = edge.new_token(), self.signed.permit
        session = WorkspaceSession(
            SessionId(f"s-{edge.new_id()}"), PersonId(person), permit.project, permit.permit_id, permit.revision,
            address, edge.now() + timedelta(hours=1),
        )  # fmt: skip
        event = edge.event(
            Actor(person, "handler", session.id), "workspace.started", Thing("workspace", session.id)
        )
        create_workspace_session(self.records, event, session, edge.token_digest(token), edge.now())
        return token, session

    @contextmanager
    def workspace_folder(self, token: str) -> Iterator[Path]:
        """What a workspace has at /run/enclave, for the notebook's own client."""
        with tempfile.TemporaryDirectory(prefix="enclave-bench-") as name:
            folder = Path(name)
            (folder / "session.json").write_text(
                json.dumps({"gateway": self.site.gateway_url, "token": token})
            )
            (folder / "ca.pem").write_bytes(self.site.ca.read_bytes())
            yield folder


@contextmanager
def alone() -> Iterator[None]:
    """One benchmark at a time: the next one would take this one's site down. Raises Refused `operation.*`."""
    if os.geteuid() != 0:
        raise Refused("operation.not_root")
    place = Path("/run/enclave")
    place.mkdir(exist_ok=True)
    with (place / "benchmark.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refused("operation.busy", {"site": SITES["bench"].name}) from error
        # The services must not inherit it: it ends with this process.
        yield


@contextmanager
def standing() -> Iterator[Place]:
    """The site, up and prepared; forgotten at the end, also after an interrupt (a second one is not heard then)."""
    site = SITES["bench"]
    operation.down(site, forget=True, keep_docker=True)
    try:
        began = time.monotonic()
        operation.up(site)
        took = time.monotonic() - began
        load(site)
        yield _prepared(site, took)
    finally:
        before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            operation.down(site, forget=True, keep_docker=True)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _prepared(site: Site, up_s: float) -> Place:
    records = records_of(site, "operator")
    now = edge.now()
    permit = parse(
        {
            "schema": "enclave.permit/1",
            "permit_id": "p-2026-0001",
            "revision": 1,
            "project": PROJECT,
            "provision": f"v-{PROJECT}",
            "handlers": [HANDLER, BROWSER_HANDLER, *CROWD],
            "purpose": "to measure",
            "tier": "record",
            "databases": {
                "nafld": {"patients": {"columns": list(PATIENTS)}, "labs": {"columns": list(LABS)}}
            },
            "rule_sets": ["ndb-2024-09"],
            "outputs": [{"id": "t1", "kind": "table", "title": "Persons", "dimensions": ["male"]}],
            "valid_from": rfc3339(now - timedelta(days=1)),
            "valid_to": rfc3339(now + timedelta(days=1)),
        }
    )
    event = edge.event(Actor("operator", "operator"), "permit.granted", Thing("permit", permit.permit_id))
    envelope = signing.sign_permit(permit, signing.load_private(site.secrets / "portal" / "permit.key"))
    with records.change(event) as tx:
        tx.execute(
            t.permits.insert().values(
                permit_id=permit.permit_id,
                revision=permit.revision,
                project=permit.project,
                envelope=envelope,
                valid_from=rfc3339(permit.valid_from),
                valid_to=rfc3339(permit.valid_to),
                granted_at=rfc3339(now),
            )
        )
    build_extract(site, permit.permit_id)
    signed = permit_by_id(records, permit.permit_id, trusted_of(site)())
    opened = custody_client.custody_of(site, "gateway").open(
        permit.provision, None, signed.envelope, session="bench", person=HANDLER
    )
    file = site.extracts / permit.provision / str(opened.n) / "extract.duckdb"
    reference = f"{permit.provision}/{opened.n}"
    return Place(site, records, signed, dict(opened.manifest), reference, file, opened.key, up_s)
