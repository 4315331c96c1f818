"""Wires the parts of each service by plain calls, once. No registry, no side effect on import.

Each `serve_<service>` runs in a process of its own, as that service's system user, and returns when it is told to end.
"""

import http.client
import socket
from collections.abc import Callable
from pathlib import Path

from enclave.adapters import firewall, ledger_service, proxy
from enclave.adapters.ledger_client import LedgerClient
from enclave.adapters.records import Records, connect
from enclave.config import SERVICES_GROUP, Site
from enclave.core.refusal import Refused


def token(site: Site, caller: str, callee: str) -> str:
    """The bearer token with which this process speaks to `callee`."""
    return site.token(caller, callee).read_text().strip()


def ledger_of(site: Site, caller: str) -> LedgerClient:
    """The ledger, as `caller` reaches it."""
    return LedgerClient(site.ledger_socket, token(site, caller, "ledger"))


def records_of(site: Site, caller: str) -> Records:
    """The records, with their outbox delivered by `caller`."""
    return Records(connect(site.records), ledger_of(site, caller), site.blobs)


def serve_ledger(site: Site) -> None:
    ledger_service.main(
        site.ledger,
        site.ledger_socket,
        site.secrets / "ledger" / "log.key",
        site.callers("ledger"),
        socket_group=SERVICES_GROUP,
    )


def serve_walls(site: Site) -> None:
    firewall.guard(site)


def serve_proxy(site: Site) -> None:
    proxy.main(site.name)


SERVICES: dict[str, Callable[[Site], None]] = {
    "ledger": serve_ledger,
    "walls": serve_walls,
    "proxy": serve_proxy,
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
