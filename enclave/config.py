"""One site (an instance of Enclave on this machine): every path, port, address, user and container name in one place.

Several sites run side by side (`demo`, `test`): `index` keeps their ports, addresses and bridges apart. The site's
settings are a file written at set-up (`<home>/site.json`); everything else here is computed. This module decides no
rule and reads nothing but that file.
"""

import json
import os
import re
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

PREFIX = Path(os.environ.get("ENCLAVE_PREFIX", "/opt/enclave"))
"""Where the set-up puts the program: `venv`, `app` (a copy of the clone), `bin/opa`, `node`."""

HOMES = Path(os.environ.get("ENCLAVE_HOMES", "/var/lib/enclave"))
"""Where sites keep their state, one folder each."""

SERVICES_GROUP = "enclave-services"
"""May connect to the sockets of ledger, custody and policy server (each call is authenticated besides)."""

RECORDS_GROUP = "enclave-records"
"""May open the records database: portal, gateway, hub."""

USERS = {
    "ledger": "enclave-ledger",
    "custody": "enclave-custody",
    "policy": "enclave-policy",
    "gateway": "enclave-gateway",
    "portal": "enclave-portal",
    "hub": "enclave-hub",
    "proxy": "enclave-proxy",
}
"""System user of each service. Only the hub's is in the group that reaches Docker (docs/decisions)."""


@dataclass(frozen=True)
class Site:
    """Names and places of one site. `profile` is `demo` (fixed accounts, one-time codes shown by a command) or `site`."""

    name: str
    index: int
    profile: str = "demo"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9]{0,15}", self.name) or not 0 <= self.index < 50:
            raise ValueError("a site's name is a short lower-case word, its index 0 to 49")

    # -- places -------------------------------------------------------------------------------
    @property
    def home(self) -> Path:
        return HOMES / self.name

    @property
    def run(self) -> Path:
        """Sockets and process ids."""
        return Path("/run/enclave") / self.name

    @property
    def logs(self) -> Path:
        """Text output of the services; codes, counts and ids only."""
        return self.home / "logs"

    @property
    def secrets(self) -> Path:
        """`<service>/…`, each folder 0700 and owned by its service's user."""
        return self.home / "secrets"

    @property
    def records(self) -> Path:
        return self.home / "records" / "records.sqlite"

    @property
    def blobs(self) -> Path:
        """Erasable texts and submitted files, by content digest (records group)."""
        return self.home / "records" / "blobs"

    @property
    def ledger(self) -> Path:
        """`log/` (tiles, checkpoint, verifier.key: readable by all services) and the ledger's own database."""
        return self.home / "ledger"

    @property
    def log(self) -> Path:
        return self.ledger / "log"

    @property
    def custody(self) -> Path:
        """Keys, maps and sources; 0700, custody's own."""
        return self.home / "custody"

    @property
    def extracts(self) -> Path:
        """`<provision>/<n>/{manifest.json, extract.duckdb}`; written by custody, encrypted, read by the gateway."""
        return self.home / "extracts"

    @property
    def catalogue(self) -> Path:
        """Descriptors of registered databases, `<database>/descriptor.yaml`: written by custody, read by all services."""
        return self.home / "catalogue"

    @property
    def workspaces(self) -> Path:
        """Per-workspace folders bind-mounted at /run/enclave; written by the hub."""
        return self.home / "workspaces"

    @property
    def tls(self) -> Path:
        """The local authority and the certificates it issued: `ca.pem`, `public.pem/.key`, `gateway.pem/.key`."""
        return self.home / "tls"

    @property
    def ca(self) -> Path:
        return self.tls / "ca.pem"

    @property
    def policies(self) -> Path:
        return PREFIX / "app" / "policies"

    # -- sockets ------------------------------------------------------------------------------
    @property
    def ledger_socket(self) -> Path:
        return self.run / "ledger.sock"

    @property
    def custody_socket(self) -> Path:
        return self.run / "custody.sock"

    @property
    def policy_socket(self) -> Path:
        return self.run / "policy.sock"

    @property
    def supervisor_socket(self) -> Path:
        return self.run / "supervisor.sock"

    def token(self, caller: str, callee: str) -> Path:
        """The bearer token with which `caller` speaks to `callee`; readable by the caller's user alone."""
        return self.secrets / caller / f"{callee}.token"

    def callers(self, callee: str) -> Path:
        """`{caller: sha256hex}` of the tokens that `callee` accepts."""
        return self.secrets / callee / "callers.json"

    # -- addresses ----------------------------------------------------------------------------
    @property
    def service_ip(self) -> str:
        """Put on `lo` by `enclave up`; workspaces reach two ports of it and nothing else of the host."""
        return f"10.87.{self.index}.1"

    @property
    def workspace_pool(self) -> IPv4Network:
        """Cut into one /29 per workspace."""
        return IPv4Network(f"10.{100 + self.index}.0.0/16")

    def bridge(self, n: int) -> str:
        """Name of the n-th workspace's bridge (15 characters at most); the firewall matches the common prefix."""
        return f"enw{self.index}-{n}"

    @property
    def bridge_prefix(self) -> str:
        return f"enw{self.index}-"

    hub_port = 8081
    gateway_port = 8082
    portal_port = 8083
    proxy_api_port = 8084

    @property
    def https_port(self) -> int:
        return 8443 + 1000 * self.index

    @property
    def hub_host(self) -> str:
        return "enclave.localhost"

    @property
    def workspace_domain(self) -> str:
        return "enclave-work.localhost"

    @property
    def origin(self) -> str:
        """The portal's and hub's origin."""
        return f"https://{self.hub_host}:{self.https_port}"

    def workspace_host(self, person: str) -> str:
        return f"{person}.{self.workspace_domain}"

    def workspace_origin(self, person: str) -> str:
        return f"https://{self.workspace_host(person)}:{self.https_port}"

    @property
    def gateway_url(self) -> str:
        """As a workspace knows it; the certificate names this address."""
        return f"https://{self.service_ip}:{self.gateway_port}"

    @property
    def hub_api_url(self) -> str:
        return f"http://{self.service_ip}:{self.hub_port}/hub/api"

    @property
    def portal_url(self) -> str:
        return f"http://{self.service_ip}:{self.portal_port}"

    # -- container names ----------------------------------------------------------------------
    @property
    def label(self) -> str:
        """Label `enclave.site=<name>` on every container, network and volume of this site."""
        return f"enclave.site={self.name}"

    def workspace_name(self, person: str, project: str) -> str:
        """Name of the container and its network."""
        return f"enclave-{self.name}-{person}--{project}"

    def home_volume(self, person: str, project: str) -> str:
        return f"enclave-{self.name}-home-{person}--{project}"


SITES = {"demo": Site("demo", 0), "test": Site("test", 1), "bench": Site("bench", 2)}
"""Sites known without a file."""


def load_site(name: str) -> Site:
    """The site of that name: its `site.json` where set up, else one of SITES. Raises KeyError for an unknown name."""
    file = HOMES / name / "site.json"
    if file.exists():
        data = json.loads(file.read_text())
        return Site(data["name"], data["index"], data["profile"])
    return SITES[name]
