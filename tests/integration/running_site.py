"""The running site as its tests reach into it: a prepared project, sessions at the gateway, services taken away and put back.

Nothing here stands between a test and the system: permits are signed with the portal's key and entered as a decision
would, questions go over TLS to the gateway's own address, services are ended by the supervisor that runs them.
"""

import shutil
import sqlite3
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa

from enclave.adapters import edge, ledger_files, policy_server, signing, supervision
from enclave.adapters import records_schema as t
from enclave.adapters.containers import Containers
from enclave.adapters.permit_records import WorkspaceSession, create_workspace_session
from enclave.adapters.policy_server import PolicyServer
from enclave.adapters.records import Records
from enclave.app import answers, build_extract, ledger_of, records_of
from enclave.audit.ledger import Sought
from enclave.config import PREFIX, USERS, Site
from enclave.core.clock import rfc3339
from enclave.core.event import Actor, Thing
from enclave.core.ids import SessionId
from enclave.core.permit import Permit, parse
from enclave.core.refusal import Refused, problem
from enclave.demo.accounts import account
from enclave.demo.load import fresh_code
from enclave.demo.visitor import Visitor
from enclave.wordings import WORDINGS

PROJECT = "controls"
COLUMNS = ("age", "male", "status")
"""The permit of the prepared project does not show `pid`: whoever gets one went round the policy."""

GOOD = "SELECT male, age FROM nafld.patients"
ATTACK = "SELECT pid, age FROM nafld.patients"
LANGUAGES = ("ja", "en")


def until(true: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError("it did not become true in time")
        time.sleep(0.05)


def is_a_sentence(told: Mapping[str, Any], language: str) -> bool:
    """Whether a person who reads that language was told something: a title that is no code, with every fact filled in."""
    title, hint = str(told["title"]), str(told["hint"])
    foreign = any(ord(c) > 0x2FFF for c in title)
    return (
        len(title) > 5 and title != told["code"] and "…" not in title + hint and foreign == (language == "ja")
    )


def code_of(act: Callable[[], object]) -> str:
    """The code with which something was refused; `allowed` where it was not. Its sentences exist in both languages."""
    refused = _refusal(act)
    if refused is None:
        return "allowed"
    for language in LANGUAGES:
        assert is_a_sentence(problem(refused, WORDINGS, language), language), refused
    return refused.code


def _refusal(act: Callable[[], object]) -> Refused | None:
    try:
        act()
    except Refused as refused:
        return refused
    return None


@dataclass
class Desk:
    """A workspace's side of the gateway: one session's token, from one address."""

    site: Site
    token: str
    session: str = ""
    address: str = ""

    def send(self, method: str, path: str, language: str = "en", **named: Any) -> httpx.Response:
        """One request on a connection of its own, so that nothing of an earlier one helps or hinders it."""
        tls = ssl.create_default_context(cafile=str(self.site.ca))
        wire = httpx.HTTPTransport(verify=tls, local_address=self.address or self.site.service_ip)
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Language": language}
        with httpx.Client(
            transport=wire, base_url=self.site.gateway_url, headers=headers, timeout=60
        ) as http:
            return http.request(method, path, **named)

    def ask(self, sql: str = GOOD, form: str = "rows", language: str = "en") -> httpx.Response:
        return self.send("POST", "/v1/queries", language, json={"sql": sql, "form": form})

    def rows(self, sql: str = GOOD, form: str = "rows") -> pa.Table:
        """The answer. Raises AssertionError where there is none."""
        answer = self.ask(sql, form)
        assert answer.status_code == 200, answer.text
        return pa.ipc.open_stream(answer.content).read_all()

    def code(self, sql: str = GOOD, form: str = "rows") -> str:
        """The code of a question's refusal, `allowed` where it was answered."""
        return code_told(lambda language: self.ask(sql, form, language))

    def submit(self, files: Sequence[Mapping[str, Any]], language: str = "en") -> httpx.Response:
        body = {"output": "t1", "purpose": "as planned", "items": list(files)}
        return self.send("POST", "/v1/exports", language, json=body)


def code_told(send: Callable[[str], httpx.Response]) -> str:
    """The code of a problem, told as a sentence in both languages; `allowed` where it is none."""
    codes = set()
    for language in LANGUAGES:
        answer = send(language)
        if answer.status_code < 300:
            return "allowed"
        told = answer.json()
        assert told["status"] == answer.status_code
        assert is_a_sentence(told, language), told
        codes.add(told["code"])
    assert len(codes) == 1, codes
    return str(codes.pop())


@dataclass
class Ground:
    """The site, its records as the operator holds them, and what the tests have prepared on it."""

    site: Site
    records: Records
    permit: Permit
    visitors: dict[str, Visitor] = field(default_factory=dict)

    # -- permits and sessions ---------------------------------------------------------------------
    def grant(self, project: str, *, ends: timedelta = timedelta(days=30), **changed: Any) -> Permit:
        """Sign the project's permit, or its next revision, with the portal's key, and enter it as a decision would."""
        permit = self.drawn_up(project, ends=ends, **changed)
        self.enter_permit(permit, signing.load_private(self.site.secrets / "portal" / "permit.key"))
        return permit

    def drawn_up(self, project: str, *, ends: timedelta = timedelta(days=30), **changed: Any) -> Permit:
        """The project's permit, or its next revision, not signed yet."""
        ((revisions,),) = self.look("SELECT count(*) FROM permits WHERE project = ?", project)
        return a_permit(project, ends=ends, **{"revision": revisions + 1} | changed)

    def enter_permit(self, permit: Permit, key: Any) -> None:
        event = edge.event(Actor("operator", "operator"), "permit.granted", Thing("permit", permit.permit_id))
        with self.records.change(event) as tx:
            tx.execute(
                t.permits.insert().values(
                    permit_id=permit.permit_id,
                    revision=permit.revision,
                    project=permit.project,
                    envelope=signing.sign_permit(permit, key),
                    valid_from=rfc3339(permit.valid_from),
                    valid_to=rfc3339(permit.valid_to),
                    granted_at=rfc3339(edge.now()),
                )
            )

    def sit_down(
        self, person: str = "mori", permit: Permit | None = None, address: str | None = None
    ) -> Desk:
        """A session as the hub enters one, for a workspace at this machine's own address."""
        permit = permit or self.permit
        token, session = edge.new_token(), f"s-{edge.new_id()}"
        address = address or self.site.service_ip
        event = edge.event(
            Actor(person, "handler", session), "workspace.started", Thing("workspace", session)
        )
        create_workspace_session(
            self.records,
            event,
            WorkspaceSession(
                SessionId(session), permit.handlers[0].__class__(person), permit.project, permit.permit_id,
                permit.revision, address, edge.now() + timedelta(hours=1),
            ),
            edge.token_digest(token),
            edge.now(),
        )  # fmt: skip
        return Desk(self.site, token, session, address)

    def person(self, name: str) -> Visitor:
        """A person, logged in once."""
        if name not in self.visitors:
            visitor = Visitor(self.site)
            visitor.log_in(name, account(name).password, fresh_code(self.site, name)).raise_for_status()
            self.visitors[name] = visitor
        return self.visitors[name]

    # -- what is on record ------------------------------------------------------------------------
    def edit(self, statement: str, *values: object) -> int:
        """Change the records' file behind the back of every service, as someone with the disk could; rows changed."""
        with sqlite3.connect(self.site.records, timeout=60) as connection:
            return connection.execute(statement, values).rowcount

    def look(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What the records' file holds, delivered to the log or not."""
        with sqlite3.connect(self.site.records, timeout=60) as connection:
            return connection.execute(statement, values).fetchall()

    def leaves(self, **sought: Any) -> list[Mapping[str, Any]]:
        """What the log holds, oldest first."""
        found = ledger_of(self.site, "operator").search(Sought(limit=500, **sought))
        return [entry.leaf for entry in reversed(found.entries)]

    def log_size(self) -> int:
        return ledger_files.verify_directory(
            self.site.log, ledger_files.read_verifier_key(self.site.log)
        ).size

    # -- services ---------------------------------------------------------------------------------
    def end(self, program: str) -> None:
        supervision.stop_program(self.site, program)

    def begin(self, program: str) -> None:
        supervision.start_program(self.site, program)
        until(lambda: answers(self.site, program))

    @contextmanager
    def without(self, program: str) -> Iterator[None]:
        """While inside, a service of the running site is ended."""
        self.end(program)
        try:
            yield
        finally:
            self.begin(program)

    def restart(self, program: str) -> None:
        self.end(program)
        self.begin(program)

    @contextmanager
    def policies(self, folder: Path) -> Iterator[None]:
        """While inside, the site's policy server serves other policies: same socket, same user, another bundle."""
        self.end("policy")
        user = USERS["policy"]
        group = int(subprocess.run(["id", "-g", user], capture_output=True, text=True, check=True).stdout)
        self.site.policy_socket.unlink(missing_ok=True)
        server = subprocess.Popen(
            policy_server.command(folder, self.site.policy_socket),
            user=user, group=group, extra_groups=[], umask=0o027, cwd="/", env={"HOME": "/nonexistent"},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            until(lambda: server.poll() is None and PolicyServer(self.site.policy_socket).healthy())
            yield
        finally:
            server.terminate()
            server.wait(60)
            self.begin("policy")
            until(PolicyServer(self.site.policy_socket).healthy)

    # -- the hub ----------------------------------------------------------------------------------
    def hub(self, method: str, path: str) -> httpx.Response:
        """The hub's API as the portal uses it."""
        token = (self.site.secrets / "portal" / "hub.token").read_text().strip()
        place = f"{self.site.hub_api_url}{path}"
        return httpx.request(method, place, headers={"Authorization": f"token {token}"}, timeout=60)

    def spawn(self, person: str, project: str) -> str:
        """Ask the hub for a workspace: the refusal's code, `allowed` where it started."""
        answer = self.hub("POST", f"/users/{person}/servers/{project}")
        if answer.status_code == 201:
            return "allowed"
        message = str(answer.json()["message"])
        sentence, _, code = message.rpartition(" [")
        japanese, _, english = sentence.partition(" / ")
        assert is_a_sentence({"title": japanese, "hint": "", "code": code}, "ja"), message
        assert is_a_sentence({"title": english, "hint": "", "code": code}, "en"), message
        return code.rstrip("]")

    def stop(self, person: str, project: str) -> None:
        self.hub("DELETE", f"/users/{person}/servers/{project}")
        until(lambda: not self.containers(person))

    def containers(self, person: str) -> list[str]:
        return [w.name for w in Containers().workspaces(self.site) if w.person == person]


def a_permit(project: str, *, ends: timedelta, **changed: Any) -> Permit:
    """A permit over `nafld.patients`, in force since two months, that ends in `ends` from now."""
    now = edge.now()
    data: dict[str, Any] = {
        "schema": "enclave.permit/1",
        "permit_id": f"p-2026-{project}",
        "revision": 1,
        "project": project,
        "provision": f"v-{project}",
        "handlers": ["mori", "tanaka"],
        "purpose": "the tests of the controls",
        "tier": "record",
        "databases": {"nafld": {"patients": {"columns": list(COLUMNS)}}},
        "rule_sets": ["ndb-2024-09"],
        "outputs": [{"id": "t1", "kind": "table", "title": "Persons by sex", "dimensions": ["male"]}],
        "valid_from": rfc3339(now - timedelta(days=60)),
        "valid_to": rfc3339(now + ends),
    }
    return parse(data | changed)


def prepared(site: Site) -> Ground:
    """The site with one project: its permit in force, its extract built."""
    records = records_of(site, "operator")
    ground = Ground(site, records, a_permit(PROJECT, ends=timedelta(days=30)))
    ground.permit = ground.grant(PROJECT)
    build_extract(site, ground.permit.permit_id)
    return ground


def edited_policies(folder: Path, story: str, rule: str, instead: str = "") -> Path:
    """A copy of the installed policies, readable by the server, in which one rule (its whole block) is another or none."""
    copy = folder / "policies"
    shutil.copytree(PREFIX / "app" / "policies", copy)
    file = copy / "enclave" / story / "decision.rego"
    blocks = file.read_text().split("\n\n")
    assert sum(rule in block for block in blocks) == 1, rule
    file.write_text("\n\n".join(instead if rule in block else block for block in blocks) + "\n")
    for place in (copy, *copy.rglob("*")):
        place.chmod(0o755 if place.is_dir() else 0o644)
    return copy


__all__ = [
    "ATTACK",
    "GOOD",
    "Desk",
    "Ground",
    "code_of",
    "code_told",
    "edited_policies",
    "is_a_sentence",
    "prepared",
    "until",
]
