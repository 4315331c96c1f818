"""Wires the parts of each service by plain calls, once. No registry, no side effect on import.

Each `serve_<service>` runs in a process of its own, as that service's system user, and returns when it is told to end.
"""

import errno
import gc
import http.client
import os
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from enclave.config import PREFIX, SERVICES_GROUP, Site
from enclave.core.ids import DatabaseId
from enclave.core.refusal import Refused
from enclave.core.roles import Role

if TYPE_CHECKING:
    from enclave.adapters.ledger_client import LedgerClient
    from enclave.adapters.permit_records import SignedPermit
    from enclave.adapters.records import Records
    from enclave.custody.plan import Predicate

# Each function imports what it wires: a service starts in a second, not in the time that all of them take.


def _secret(site: Site, service: str, name: str) -> str:
    return (site.secrets / service / f"{name}.token").read_text().strip()


def ledger_of(site: Site, caller: str) -> "LedgerClient":
    """The ledger, as `caller` reaches it."""
    from enclave.adapters.ledger_client import LedgerClient

    return LedgerClient(site.ledger_socket, _secret(site, caller, "ledger"))


def records_of(site: Site, caller: str) -> "Records":
    """The records, with their outbox delivered by `caller`."""
    from enclave.adapters.records import Records, connect

    return Records(connect(site.records), ledger_of(site, caller), site.blobs)


def trusted_of(site: Site) -> Callable[[], Mapping[str, Any]]:
    """The keys that may sign permits, read anew at each call."""
    from enclave.adapters import signing

    return lambda: signing.load_trusted(signing.trusted_file(site))


def permit_of(site: Site, permit_id: str) -> "SignedPermit":
    """A permit by its number, for the custodian's commands. Raises Refused `permit.*`."""
    from enclave.adapters.permit_records import permit_by_id

    return permit_by_id(records_of(site, "operator"), permit_id, trusted_of(site)())


def compile_rows(text: str, columns: Mapping[str, str]) -> "Predicate":
    """A permit's row condition for custody, which knows no SQL parser. Raises Refused `permit.malformed`, `query.*`."""
    from enclave.custody.plan import Predicate
    from enclave.query.condition import compile_condition

    return Predicate(*compile_condition(text, columns))


# -- the custodian's commands ------------------------------------------------------------------
def custodian_of(site: Site, person: str | None) -> str:
    """Who the custodian's step is recorded for: the named person, else the site's only custodian.

    Raises Refused `custody.custodian_needed` where nobody of that name is an active custodian, or several are.
    """
    from enclave.adapters.person_records import all_persons

    able = [p.id for p in all_persons(records_of(site, "operator")) if p.active and Role.CUSTODIAN in p.roles]
    if person is None and len(able) == 1:
        return able[0]
    if person is None or person not in able:
        raise Refused("custody.custodian_needed", {"custodians": ", ".join(able)})
    return person


def register_database(site: Site, descriptor: Path, person: str | None = None) -> dict[str, Any]:
    """Hand a descriptor and the files it names to custody, which cannot read where the operator keeps them."""
    from enclave.adapters import custody_client, machine
    from enclave.adapters.descriptor_files import read_descriptor

    custodian = custodian_of(site, person)
    described = read_descriptor(descriptor)
    files = {table.name: table.file for table in described.tables.values()}
    if described.identifiers is not None:
        files["identifiers"] = described.identifiers.file
    with tempfile.TemporaryDirectory(prefix="enclave-register-") as staging:
        place = Path(staging)
        shutil.copy(descriptor, place / "descriptor.yaml")
        for table, file in files.items():
            target = place / file
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copy(descriptor.parent / file, target)
            except FileNotFoundError:
                facts = {"database": described.database, "table": table, "file": file}
                raise Refused("catalogue.file_missing", facts) from None
            except OSError as error:
                if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                    raise Refused("custody.disk_full") from None
                raise
        for path in (place, *place.rglob("*")):
            os.chown(path, *machine.user_id("custody"))
        return custody_client.register(site, place / "descriptor.yaml", person=custodian)


def build_extract(
    site: Site,
    permit_id: str,
    person: str | None = None,
    *,
    refresh: bool = False,
    tell: Callable[[str, float], None] | None = None,
) -> dict[str, Any]:
    """The extract of a permit; its manifest. `tell` hears the table and the share of the work that is done."""
    from enclave.adapters import custody_client

    custodian = custodian_of(site, person)
    signed = permit_of(site, permit_id)
    provision = signed.permit.provision
    return custody_client.extract(
        site, signed.envelope, person=custodian, provision=provision, refresh=refresh, tell=tell
    )


def erase_provision(site: Site, provision: str, person: str | None = None) -> dict[str, Any]:
    """Destroy a provision's key and extracts; the certificate."""
    from enclave.adapters import custody_client

    return custody_client.erase(site, provision, person=custodian_of(site, person))


def withdraw_persons(
    site: Site, withdrawals: Sequence[Mapping[str, str]], person: str | None = None
) -> dict[str, Any]:
    """Leave persons out of what is built from their day on: `{entered, known, log}`."""
    from enclave.adapters import custody_client

    return custody_client.withdraw(site, withdrawals, person=custodian_of(site, person))


def trace_person(site: Site, database: str, number: str, person: str | None = None) -> dict[str, Any]:
    """Which provisions contained somebody, by the holder's number: `{provisions, log}`."""
    from enclave.adapters import custody_client

    return custody_client.trace(site, database, number, person=custodian_of(site, person))


def report_provisions(site: Site, provision: str | None = None, person: str | None = None) -> dict[str, Any]:
    """The provision ledger and the certificates of erasures."""
    from enclave.adapters import custody_client

    return custody_client.report(site, provision, person=custodian_of(site, person))


# -- the services ------------------------------------------------------------------------------
def serve_ledger(site: Site) -> None:
    from enclave.adapters import ledger_service, machine

    _settle()
    ledger_service.main(
        site.ledger,
        site.ledger_socket,
        site.secrets / "ledger" / "log.key",
        site.callers("ledger"),
        readers=frozenset(machine.READERS_OF_LEDGER),
        socket_group=SERVICES_GROUP,
    )


def serve_walls(site: Site) -> None:
    from enclave.adapters import firewall

    firewall.guard(site)


def serve_proxy(site: Site) -> None:
    from enclave.adapters import proxy

    proxy.main(site.name)


def serve_custody(site: Site) -> None:
    from enclave.adapters import custody_service
    from enclave.adapters.policy_server import PolicyServer

    custody_service.serve(
        site,
        ledger=ledger_of(site, "custody"),
        policy=PolicyServer(site.policy_socket),
        compile_rows=compile_rows,
    )


def serve_portal(site: Site) -> None:
    from enclave.adapters import custody_client, edge, signing
    from enclave.adapters.descriptor_files import read_catalogue
    from enclave.adapters.hub_api import HubApi
    from enclave.adapters.policy_server import PolicyServer
    from enclave.adapters.statistics_files import read_statistics
    from enclave.custody.codes import CODES as CUSTODY_CODES
    from enclave.hub.codes import CODES as HUB_CODES
    from enclave.portal.deps import Deps
    from enclave.portal.sessions import Sessions
    from enclave.portal.web import build
    from enclave.query.condition import compile_condition

    def row_condition(database: str, table: str, text: str) -> bool:
        described = read_catalogue(site).get(DatabaseId(database))
        if described is None or table not in described.tables:
            return False
        try:
            compile_condition(text, described.tables[table].columns)
        except Refused:
            return False
        return True

    custody = custody_client.custody_of(site, "portal")
    app = build(
        Deps(
            site=site,
            records=records_of(site, "portal"),
            ledger=ledger_of(site, "portal"),
            policy=PolicyServer(site.policy_socket),
            hub=HubApi(site.hub_api_url, site.origin, "portal", _secret(site, "portal", "hub")),
            signing_key=signing.load_private(site.secrets / "portal" / "permit.key"),
            trusted=trusted_of(site),
            sessions=Sessions(site.secrets / "portal" / "sessions.sqlite"),
            catalogue=lambda: read_catalogue(site),
            now=edge.now,
            random=secrets.token_bytes,
            metrics_digest=edge.token_digest(_secret(site, "portal", "metrics")).removeprefix("sha256:"),
            row_condition=row_condition,
            wordings={**HUB_CODES, **CUSTODY_CODES},
            statistics=lambda: read_statistics(site),
            conclude=custody.conclude,
        )
    )
    _serve(app, site.service_ip, site.portal_port)


class WithoutFrames:
    """Hides pandas from a service: Arrow takes it in with its first array, 33 MiB for frames that nobody here makes."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def serve_gateway(site: Site) -> None:
    from enclave.adapters import custody_client, edge
    from enclave.adapters.connections import WorkspaceConnection
    from enclave.adapters.descriptor_files import read_catalogue
    from enclave.adapters.engine import EnginePool, limits_of_machine
    from enclave.adapters.metrics import GatewayMetrics
    from enclave.adapters.policy_server import PolicyServer, bundle_digest
    from enclave.gateway.deps import Deps
    from enclave.gateway.extracts import OpenExtracts
    from enclave.gateway.line import places_for
    from enclave.gateway.web import build

    sys.meta_path.insert(0, WithoutFrames())
    processors = len(os.sched_getaffinity(0))
    limits = limits_of_machine(processors, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    policies = bundle_digest(site.policies)
    custody = custody_client.custody_of(site, "gateway")
    deps = Deps(
        records=records_of(site, "gateway"),
        trusted=trusted_of(site),
        policy=PolicyServer(site.policy_socket),
        # The policy server reads its bundle when it starts, and so does this process: both restart with the program.
        policy_digest=lambda: policies,
        extracts=OpenExtracts(custody, site.extracts, EnginePool(limits)),
        catalogue=lambda: read_catalogue(site),
        metrics=GatewayMetrics(),
        metrics_token=edge.token_digest(_secret(site, "gateway", "metrics")),
        hosts=frozenset({f"{site.service_ip}:{site.gateway_port}"}),
        now=edge.now,
        new_id=edge.new_id,
        places=places_for(processors, limits.workers),
        releases=custody,
    )
    _serve(
        build(deps), site.service_ip, site.gateway_port,
        ssl_certfile=str(site.tls / "gateway.pem"), ssl_keyfile=str(site.tls / "gateway.key"),
        http=WorkspaceConnection,
    )  # fmt: skip


def serve_hub(site: Site) -> None:
    """Become JupyterHub, with the site's configuration."""
    os.chdir(site.home / "hub")
    config = PREFIX / "app" / "enclave" / "hub" / "jupyterhub_config.py"
    python = str(PREFIX / "venv" / "bin" / "python")
    os.execv(python, [python, "-P", "-m", "jupyterhub", "-f", str(config)])


YOUNG = 5_000
"""New objects after which the collector looks for cycles among them: one question makes some thousands."""


def _settle() -> None:
    """What a service has taken in stays for as long as it lives: the collector need not go through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)


def _serve(app: Any, host: str, port: int, **more: Any) -> None:
    import uvicorn

    from enclave.adapters import edge

    _settle()
    uvicorn.run(
        app, host=host, port=port, log_level="warning", timeout_keep_alive=75, timeout_graceful_shutdown=5,
        **{**edge.HTTP, **more},
    )  # fmt: skip


SERVICES: dict[str, Callable[[Site], None]] = {
    "ledger": serve_ledger,
    "walls": serve_walls,
    "proxy": serve_proxy,
    "custody": serve_custody,
    "gateway": serve_gateway,
    "portal": serve_portal,
    "hub": serve_hub,
}


def _unix_answers(path: Path) -> bool:
    connection = http.client.HTTPConnection("localhost", timeout=2)
    try:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(2)
        connection.sock.connect(str(path))
        connection.request("GET", "/health" if path.name == "policy.sock" else "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _tcp_answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False


def answers(site: Site, service: str) -> bool:
    """Whether a service of the site answers right now."""
    match service:
        case "ledger":
            return _unix_answers(site.ledger_socket)
        case "policy":
            return _unix_answers(site.policy_socket)
        case "custody":
            return _unix_answers(site.custody_socket)
        case "walls":
            from enclave.adapters import firewall

            try:
                firewall.check_wall(site)
            except Refused:
                return False
            return True
        case "gateway":
            return _tcp_answers(site.service_ip, site.gateway_port)
        case "portal":
            return _tcp_answers(site.service_ip, site.portal_port)
        case "hub":
            return _tcp_answers(site.service_ip, site.hub_port)
        case "proxy":
            return _tcp_answers("127.0.0.1", site.https_port)
    raise KeyError(service)
