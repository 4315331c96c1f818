"""A gateway on real ground: real policy server, engine, custody, records and ledger over the real cohort, one process."""

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
import uvicorn

from enclave.adapters import edge, signing
from enclave.adapters import records_schema as t
from enclave.adapters.connections import WorkspaceConnection
from enclave.adapters.custodian import Caller, Custodian
from enclave.adapters.custody_client import OpenedExtract
from enclave.adapters.custody_releases import asked_of, lines_of
from enclave.adapters.descriptor_files import read_catalogue
from enclave.adapters.engine import EnginePool
from enclave.adapters.metrics import GatewayMetrics
from enclave.adapters.permit_records import (
    WorkspaceSession,
    create_workspace_session,
    revoke_workspace_sessions,
)
from enclave.adapters.policy_server import PolicyServer, bundle_digest
from enclave.adapters.records import Records, connect
from enclave.config import Site
from enclave.core.clock import rfc3339
from enclave.core.event import Actor, Thing
from enclave.core.ids import PermitId, PersonId, ProjectId, SessionId
from enclave.core.permit import Permit
from enclave.gateway.deps import Deps
from enclave.gateway.extracts import OpenExtracts
from enclave.gateway.web import build
from tests.fakes.custody_site import KEY, TRUSTED, a_permit, noon
from tests.fakes.ledger_process import LedgerProcess

ROOT = Path(__file__).parents[3]
PEOPLE = {
    "tanaka": ("researcher",),
    "suda": ("researcher",),
    "takahashi": ("checker",),
    "ito": ("checker",),
    "mori": ("checker",),
    "sato": ("committee",),
}
METRICS_TOKEN = "a token for the metrics"
OUTPUTS = [{"id": "t1", "kind": "table", "title": "Persons by sex and age", "dimensions": ["male", "age"]}]


class CustodyHere:
    """Custody's own flow without its socket, as the client's port."""

    def __init__(self, custodian: Custodian) -> None:
        self._custodian = custodian
        self.opened = 0

    def open(
        self, provision: str, n: int | None, envelope: Any, *, session: str, person: str | None = None
    ) -> OpenedExtract:
        self.opened += 1
        caller = Caller("gateway", Actor(person or "enclave", "handler", session))
        found = self._custodian.open(caller, provision, n, envelope)
        return OpenedExtract(found.n, found.manifest, found.key, found.log)

    def examine(self, envelope: Any, n: int, output: str, **more: Any) -> dict[str, Any]:
        caller = Caller("gateway", Actor(more.pop("person"), "handler", more.pop("session")))
        lines = lines_of(more.pop("cells"))
        return self._custodian.examine(caller, envelope, asked_of(output, {"n": n, **more}), lines)

    def conclude(self, export: str, released: bool, checker: str) -> None:
        self._custodian.conclude(Caller("portal", Actor(checker, "checker")), export, released)


@dataclass
class Answered:
    """One HTTP answer, read to its end or to the cut."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool

    def json(self) -> Any:
        return json.loads(self.body)

    def table(self) -> pa.Table:
        return pa.ipc.open_stream(self.body).read_all()


@dataclass
class Ground:
    """Everything that one gateway stands on. `at` is the clock; change it to travel."""

    site: Site
    folder: Path
    records: Records
    ledger: LedgerProcess
    policy: PolicyServer
    pool: EnginePool
    custody: CustodyHere
    deps: Deps
    moment: list[datetime] = field(default_factory=lambda: [noon()])
    port: int = 0

    # -- people and permits ---------------------------------------------------------------
    def grant(self, permit: Permit, *, revoked: bool = False) -> None:
        with self.records.change(an_event("permit.granted", "permit", permit.permit_id)) as tx:
            tx.execute(
                sa.insert(t.permits).values(
                    permit_id=permit.permit_id,
                    revision=permit.revision,
                    project=permit.project,
                    envelope=signing.sign_permit(permit, KEY),
                    valid_from=rfc3339(permit.valid_from),
                    valid_to=rfc3339(permit.valid_to),
                    granted_at=rfc3339(noon()),
                    revoked_at=rfc3339(noon()) if revoked else None,
                )
            )

    def session(self, person: str, permit: Permit, address: str = "127.0.0.1") -> str:
        """A workspace session as the hub enters it; its token."""
        token = edge.new_token()
        session = WorkspaceSession(
            SessionId("s-" + edge.new_id()),
            PersonId(person),
            ProjectId(permit.project),
            PermitId(permit.permit_id),
            permit.revision,
            address,
            self.moment[0] + timedelta(hours=12),
        )
        create_workspace_session(
            self.records,
            an_event("session.started", "session", session.id),
            session,
            edge.token_digest(token),
            self.moment[0],
        )
        return token

    def revoke(self, person: str) -> None:
        event = an_event("session.ended", "session", "s")
        revoke_workspace_sessions(self.records, event, self.moment[0], person=person)

    # -- speaking -------------------------------------------------------------------------
    def ask(
        self,
        method: str,
        path: str,
        token: str | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        sent = {"Host": f"127.0.0.1:{self.port}", **(headers or {})}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            cut = False
            try:
                read = answer.read()
            except http.client.IncompleteRead as broken:
                read, cut = broken.partial, True
            return Answered(answer.status, dict(answer.headers.items()), read, cut)
        finally:
            connection.close()

    def query(self, token: str, sql: str, form: str = "rows", **more: Any) -> Answered:
        return self.ask("POST", "/v1/queries", token, {"sql": sql, "form": form, **more})

    def state(self, token: str, query: str) -> Any:
        return self.ask("GET", f"/v1/queries/{query}", token).json()

    def settled(self, token: str, query: str, patience: float = 60) -> Any:
        """The state of a query once it no longer runs."""
        until = time.monotonic() + patience
        while (state := self.state(token, query))["state"] == "running" and time.monotonic() < until:
            time.sleep(0.02)
        return state

    def leaves(self, thing: str | None = None) -> list[dict[str, Any]]:
        """The log, oldest first; of one thing where its id is given."""
        from enclave.audit.ledger import Sought

        client, leaves, before = self.ledger.client("auditor"), [], None
        while page := client.search(Sought(before=before, limit=1000)).entries:
            leaves += [dict(entry.leaf) for entry in page]
            before = page[-1].index
            if len(page) < 1000:
                break
        leaves.reverse()
        return [leaf for leaf in leaves if thing is None or leaf["object"]["id"] == thing]


def an_event(action: str, kind: str, thing: str) -> Any:
    return edge.event(Actor("enclave", "service"), action, Thing(kind, thing))


def deps_of(
    site: Site, records: Records, policy: Any, pool: EnginePool, custody: CustodyHere, moment: list[datetime]
) -> Deps:
    digest = bundle_digest(ROOT / "policies")
    return Deps(
        records=records,
        trusted=lambda: TRUSTED,
        policy=policy,
        policy_digest=lambda: digest,
        extracts=OpenExtracts(custody, site.extracts, pool),
        catalogue=lambda: read_catalogue(site),
        metrics=GatewayMetrics(),
        metrics_token=edge.token_digest(METRICS_TOKEN),
        hosts=frozenset(),
        now=lambda: moment[0],
        new_id=edge.new_id,
        releases=custody,
    )


def people(records: Records) -> None:
    with records.change(an_event("persons.entered", "site", "test")) as tx:
        for person, roles in PEOPLE.items():
            tx.execute(
                sa.insert(t.persons).values(
                    id=person, name_ja=person, name_en=person, password_hash="-", totp_secret="-"
                )
            )
            for role in roles:
                tx.execute(
                    sa.insert(t.person_roles).values(person=person, role=role, granted_at=rfc3339(noon()))
                )


def fresh_records(folder: Path, ledger: Any) -> Records:
    (folder / "records").mkdir(parents=True)
    engine = connect(folder / "records" / "records.sqlite")
    t.metadata.create_all(engine)
    return Records(engine, ledger, folder / "records" / "blobs")


@contextlib.contextmanager
def serving(deps: Deps) -> Iterator[int]:
    """The gateway on a port of this machine, as its process serves it but for TLS."""
    # Named as TCP, as a server that binds by itself does: else each answer waits for a delayed acknowledgement.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        from dataclasses import replace

        app = build(replace(deps, hosts=frozenset({f"127.0.0.1:{port}"})))
        config = uvicorn.Config(app, log_level="error", **{**edge.HTTP, "http": WorkspaceConnection})
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield port
        finally:
            server.should_exit = True
            thread.join(60)


def a_research_permit(**more: Any) -> Permit:
    return a_permit(**{"outputs": OUTPUTS, "handlers": ["tanaka", "suda"], **more})
