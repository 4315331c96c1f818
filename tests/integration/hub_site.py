"""A site with everything that the hub needs and nothing else: ledger, policy, walls, proxy, hub, as their own users.

Its name and index are its own, so it runs beside any other site. Nothing of it remains after `ended`.
"""

import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import pyotp

from enclave.adapters import edge, firewall, machine, signing, supervision
from enclave.adapters import records_schema as t
from enclave.adapters.containers import Containers, purge
from enclave.adapters.ledger_client import LedgerClient
from enclave.adapters.person_records import Person, add_person
from enclave.adapters.records import Records, connect
from enclave.config import PREFIX, USERS, Site
from enclave.core.clock import rfc3339
from enclave.core.event import Actor, Thing
from enclave.core.ids import PersonId
from enclave.core.permit import Permit, parse
from enclave.core.roles import Role
from enclave.operation import prepare

ROOT = Path(__file__).parents[2]
SITE = Site("hubtest", 42)
SERVICES = ("ledger", "policy", "walls", "proxy", "hub")
SECRETS = {"tanaka": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "mori": "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"}
PASSWORD = "correct horse battery staple"


@dataclass
class HubSite:
    """The running site, and what a test does to it."""

    site: Site
    records: Records
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    # -- processes --------------------------------------------------------------------------------
    def start(self, service: str) -> None:
        program = {p.name: p for p in supervision.programs(self.site)}[service]
        # The tree under test, not the installed copy.
        command = program.command.replace(str(PREFIX / "app"), str(ROOT)).replace(" -P ", " ")
        if service == "hub":
            command = f"{PREFIX}/venv/bin/jupyterhub -f {ROOT}/enclave/hub/jupyterhub_config.py"
        uid_groups: dict[str, object] = {}
        if program.user != "root":
            groups = subprocess.run(
                ["id", "-G", program.user], capture_output=True, text=True, check=True
            ).stdout.split()
            uid_groups = {
                "user": program.user,
                "group": int(groups[0]),
                "extra_groups": [int(g) for g in groups],
            }
        environment = {
            "PATH": f"{PREFIX}/venv/bin:/usr/local/bin:/usr/bin:/bin",
            "HOME": "/nonexistent",
            "LANG": "C.UTF-8",
            "ENCLAVE_SITE": self.site.name,
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            **program.environment,
        }
        with (self.site.logs / f"{service}.log").open("ab") as log:
            self.processes[service] = subprocess.Popen(
                command.split(),
                cwd="/",
                env=environment,
                stdout=log,
                stderr=log,
                umask=0o027,
                **uid_groups,  # type: ignore[call-overload]
            )

    def end(self, service: str, *, kill: bool = False) -> None:
        process = self.processes.pop(service)
        process.kill() if kill else process.terminate()
        process.wait(120)

    def log(self, service: str) -> str:
        return (self.site.logs / f"{service}.log").read_text(errors="replace")

    # -- a browser's and the portal's view --------------------------------------------------------
    def browser(self) -> httpx.Client:
        """A browser: resolves every name to this machine, trusts the site's authority, keeps cookies, follows nothing."""
        return httpx.Client(
            transport=_ToThisMachine(self.site),
            base_url=self.site.origin,
            headers={"Accept-Language": "en", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"},
            timeout=60,
        )

    def portal(self) -> httpx.Client:
        token = (self.site.secrets / "portal" / "hub.token").read_text().strip()
        return httpx.Client(
            base_url=self.site.hub_api_url, headers={"Authorization": f"token {token}"}, timeout=60
        )

    def code(self, person: str) -> str:
        """The present one-time code. That it may have been used is forgotten first, so that tests need not wait for the
        next: what they hold against a second use they hold themselves."""
        with self.records.change(
            edge.event(Actor("operator", "operator"), "test.codes_reset", Thing("person", person))
        ) as tx:
            tx.execute(t.persons.update().where(t.persons.c.id == person).values(totp_last_step=0))
        return pyotp.TOTP(SECRETS[person]).now()

    def log_in(
        self, browser: httpx.Client, person: str, password: str = PASSWORD, code: str | None = None
    ) -> httpx.Response:
        page = browser.get("/hub/login")
        page.raise_for_status()
        form = {
            "username": person,
            "password": password,
            "otp": code or self.code(person),
            "_xsrf": browser.cookies["_xsrf"],
        }
        return browser.post("/hub/login", data=form)

    def leaves(self, action: str, person: str) -> list[dict[str, object]]:
        """The events of that action that name the person, in their order, as they lie in the outbox."""
        with self.records.read() as connection:
            rows = connection.execute(t.outbox.select().order_by(t.outbox.c.seq)).all()
        return [r.leaf for r in rows if r.leaf["action"] == action and r.leaf["actor"]["person"] == person]

    # -- permits ----------------------------------------------------------------------------------
    def grant(self, project: str, handlers: tuple[str, ...], *, days: int = 30) -> Permit:
        """Sign a permit with the portal's key and enter it, as a decision would."""
        now = edge.now()
        permit = parse(
            {
                "schema": "enclave.permit/1",
                "permit_id": f"p-2026-{project}",
                "revision": self._revision(project),
                "project": project,
                "provision": "v-1",
                "handlers": list(handlers),
                "purpose": "a hub's test",
                "tier": "record",
                "databases": {"nafld": {"patients": {"columns": ["pid"]}}},
                "rule_sets": ["ndb-2024-09"],
                "outputs": [],
                "valid_from": rfc3339(now - timedelta(days=60)),
                "valid_to": rfc3339(now + timedelta(days=days)),
            }
        )
        key = signing.load_private(self.site.secrets / "portal" / "permit.key")
        event = edge.event(Actor("operator", "operator"), "permit.granted", Thing("permit", permit.permit_id))
        with self.records.change(event) as tx:
            tx.execute(
                t.permits.insert().values(
                    permit_id=permit.permit_id,
                    revision=permit.revision,
                    project=project,
                    envelope=signing.sign_permit(permit, key),
                    valid_from=rfc3339(permit.valid_from),
                    valid_to=rfc3339(permit.valid_to),
                    granted_at=rfc3339(now),
                )
            )
        return permit

    def _revision(self, project: str) -> int:
        with self.records.read() as connection:
            return len(connection.execute(t.permits.select().where(t.permits.c.project == project)).all()) + 1


class _ToThisMachine(httpx.HTTPTransport):
    """Connects `*.localhost` to this machine and leaves name and Host header as they are, as a browser does."""

    def __init__(self, site: Site) -> None:
        super().__init__(verify=ssl.create_default_context(cafile=str(site.ca)))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.headers["Host"] = f"{host}:{request.url.port}"
        request.url = request.url.copy_with(host="127.0.0.1")
        response = super().handle_request(request)
        request.url = request.url.copy_with(host=host)
        return response


def until(true: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError("it did not become true in time")
        time.sleep(0.05)


@contextmanager
def running() -> Iterator[HubSite]:
    """The site from nothing to nothing."""
    if os.geteuid() != 0:
        raise PermissionError("services run as their own users: run as root")
    _clear()
    try:
        prepare(SITE)
        here = HubSite(SITE, Records(connect(SITE.records), _ledger(), SITE.blobs))
        try:
            for service in SERVICES:
                here.start(service)
            until(lambda: SITE.ledger_socket.exists() and SITE.policy_socket.exists())
            _people(here)
            with httpx.Client() as client:
                until(lambda: _answers(client, f"{SITE.hub_api_url}/"))
            yield here
        finally:
            for service in reversed(list(here.processes)):
                with suppress(Exception):
                    here.end(service)
    finally:
        _clear()


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == 200
    except httpx.HTTPError:
        return False


def _ledger() -> LedgerClient:
    return LedgerClient(SITE.ledger_socket, SITE.token("operator", "ledger").read_text().strip())


def _people(here: HubSite) -> None:
    until(_pings)
    for name, secret in SECRETS.items():
        person = Person(PersonId(name), name, name, "", "", frozenset({Role.RESEARCHER}), True)
        event = edge.event(Actor("operator", "operator"), "person.entered", Thing("person", name))
        add_person(here.records, event, person, password=PASSWORD, totp_secret=secret, at=edge.now())


def _pings() -> bool:
    try:
        _ledger().ping()
    except Exception:
        return False
    return True


def _clear() -> None:
    purge(SITE, volumes=True)
    firewall.remove(SITE)
    machine.take_address(SITE)
    for place in (SITE.home, SITE.run):
        shutil.rmtree(place, ignore_errors=True)


def containers_of(person: str) -> list[str]:
    """Names of a person's containers on this site, running or not."""
    return [w.name for w in Containers().workspaces(SITE) if w.person == person]


def owner(path: Path) -> str:
    return path.owner()


__all__ = ["PASSWORD", "SITE", "USERS", "HubSite", "containers_of", "owner", "running", "until"]
