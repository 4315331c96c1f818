"""Custody as its callers see it: over its socket, with a real ledger beside it, killed in mid-build, looked at by strangers."""

import contextlib
import hashlib
import http.client
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from enclave.adapters import custody_client, custody_service
from enclave.adapters.custody_client import CustodyClient
from enclave.adapters.ledger_service import bind
from enclave.adapters.policy_server import PolicyServer, start_private
from enclave.config import Site
from enclave.core.refusal import Refused
from tests.fakes.custody_site import (
    NAFLD,
    ROOT,
    YAMAMOTO,
    a_custodian,
    a_site,
    a_small_database,
    refused,
    signed,
)
from tests.fakes.ledger import MemoryLedger
from tests.fakes.ledger_process import LedgerProcess

SERVICES = ("gateway", "operator", "portal", "hub")
CUSTODIAN = {"person": "yamamoto", "role": "custodian"}
SMALL = {"small": {"people": {"columns": ["age"]}}}


class Running:
    """Custody behind a Unix socket in this process, with the real ledger and the real policy server beside it."""

    def __init__(self, site: Site, ledger: LedgerProcess, policy: Path, folder: Path) -> None:
        self.site, self.ledger = site, ledger
        self.socket = folder / "custody.sock"
        digests = {name: hashlib.sha256(f"token of {name}".encode()).hexdigest() for name in SERVICES}
        custodian = a_custodian(site, ledger.client("portal"), PolicyServer(policy))
        app = custody_service.build(custodian, lambda: digests)
        self.server = uvicorn.Server(uvicorn.Config(app, lifespan="off", access_log=False, log_level="error"))
        bound = bind(self.socket)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [bound]}, daemon=True)
        self.thread.start()

    def client(self, service: str) -> CustodyClient:
        return CustodyClient(self.socket, f"token of {service}")

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(30)


@pytest.fixture(scope="module")
def policy() -> Iterator[Path]:
    """The policy server with the project's own policies; its socket."""
    folder = Path(tempfile.mkdtemp())
    with start_private(ROOT / "policies", folder / "policy.sock"):
        yield folder / "policy.sock"
    shutil.rmtree(folder)


@pytest.fixture
def running(tmp_path: Path, policy: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(
        custody_client, "PATIENCE", 60.0
    )  # what is tried is what is said, on a machine that may be busy
    folder = Path(tempfile.mkdtemp())  # a socket's path must be short
    ledger = LedgerProcess(folder).start()
    found = Running(a_site(tmp_path, monkeypatch), ledger, policy, folder)
    yield found
    found.stop()
    ledger.stop()
    shutil.rmtree(folder)


def test_the_story_over_the_socket(running: Running) -> None:
    """Registered, built, opened by the gateway, erased: every step is a leaf of the real log, in this order."""
    operator, gateway = running.client("operator"), running.client("gateway")
    operator.ping()
    taken = operator.register(NAFLD, CUSTODIAN)
    assert taken["tables"]["patients"]["left"] == ["rownames"]
    began = time.monotonic()
    manifest = operator.extract(signed(), actor=CUSTODIAN)
    took = time.monotonic() - began
    opened = gateway.open("v-81c2", None, signed(), session="s-1", person="tanaka")
    assert (opened.n, opened.manifest) == (1, manifest)
    assert operator.extract(signed(), actor=CUSTODIAN) == manifest
    certificate = operator.erase("v-81c2", CUSTODIAN)
    from enclave.audit.ledger import Sought

    leaves = [e.leaf for e in reversed(running.ledger.client("auditor").search(Sought()).entries)]
    assert [leaf["action"] for leaf in leaves] == [
        "database.registered",
        "extract.authorised",
        "extract.built",
        "extract.opened",
        "extract.erasing",
        "extract.erased",
    ]
    assert leaves[3]["actor"] == {"person": "tanaka", "role": "handler", "session": "s-1"}
    assert (leaves[2]["project"], leaves[2]["permit"]) == ("nafld-fib", "p-2026-0007@1")
    assert leaves[certificate["log"]]["object"]["digest"] == certificate["digest"]
    assert took < 60, "an extract of 450,000 rows takes seconds, not minutes"


def test_no_key_is_in_the_log_or_on_the_screen(running: Running, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither the ledger's files nor what the service printed holds the key that was handed over."""
    path = a_small_database(running.site.home / "files")
    running.client("operator").register(path, CUSTODIAN)
    envelope = signed(databases=SMALL, linkage_groups=[["small"]])
    running.client("operator").extract(envelope, actor=CUSTODIAN)
    opened = running.client("gateway").open("v-81c2", 1, envelope, session="s-1")
    printed = "".join(capfd.readouterr())
    assert opened.key not in printed
    assert opened.key not in repr(opened)
    for file in running.ledger.store.rglob("*"):
        if file.is_file():
            assert opened.key.encode() not in file.read_bytes()


WHO: list[tuple[str, dict[str, str], str | None]] = [
    ("the custodian", CUSTODIAN, None),
    ("a researcher", {"person": "sakura", "role": "researcher"}, "custody.not_allowed"),
    ("an auditor", {"person": "kobayashi", "role": "auditor"}, "custody.not_allowed"),
    ("a custodian who would use it", {"person": "tanaka", "role": "custodian"}, "custody.own_project"),
]


@pytest.mark.parametrize(("who", "actor", "code"), WHO, ids=[row[0] for row in WHO])
def test_the_policy_decides_who_builds(
    running: Running, who: str, actor: dict[str, str], code: str | None
) -> None:
    """Asked of the real policy server, with the project's own policies."""
    operator = running.client("operator")
    operator.register(a_small_database(running.site.home / "files"), CUSTODIAN)
    envelope = signed(databases=SMALL, linkage_groups=[["small"]])
    if code is None:
        assert operator.extract(envelope, actor=actor)["n"] == 1
    else:
        refused(code, lambda: operator.extract(envelope, actor=actor))
        assert list(running.site.extracts.iterdir()) == []


@pytest.mark.parametrize("role", ["operator", "service", "auditor", "handler", "checker"])
def test_only_the_custodian_is_told_who_was_in_it(running: Running, role: str) -> None:
    """Asked of the real policy server: whoever else asks is refused, for withdrawals and the ledger too."""
    operator = running.client("operator")
    operator.register(a_small_database(running.site.home / "files"), CUSTODIAN)
    someone = {"person": "mori", "role": role}
    withdrawal = {"database": "small", "person": "2", "kind": "stop", "effective": "2026-01-01"}
    refused("custody.not_allowed", lambda: operator.trace("small", "2", someone))
    refused("custody.not_allowed", lambda: operator.withdraw([withdrawal], someone))
    refused("custody.not_allowed", lambda: operator.report(None, someone))
    assert operator.trace("small", "2", CUSTODIAN)["provisions"] == []
    assert operator.withdraw([withdrawal], CUSTODIAN)["entered"] == 1
    assert operator.report(None, CUSTODIAN)["withdrawals"] == {"small": {"stop": 1}}


CALLS: list[tuple[str, str, Any]] = [
    ("register", "operator", lambda c: c.register(Path("/nowhere"))),
    ("build", "operator portal", lambda c: c.extract({})),
    ("withdraw", "operator", lambda c: c.withdraw([])),
    ("trace", "operator", lambda c: c.trace("small", "1")),
    ("report", "operator portal", lambda c: c.report("v-1")),
    ("list", "operator portal gateway", lambda c: c.extracts("v-1")),
    ("progress", "operator portal gateway", lambda c: c.progress("v-1")),
    ("open", "gateway", lambda c: c.open("v-1", 1, {}, session="s-1")),
    ("erase", "operator portal", lambda c: c.erase("v-1")),
]


@pytest.mark.parametrize(("act", "allowed", "call"), CALLS, ids=[row[0] for row in CALLS])
def test_each_service_may_do_its_own_part_only(running: Running, act: str, allowed: str, call: Any) -> None:
    """Only the gateway gets a key; the hub nothing; a token that is not known is nobody."""
    for service in SERVICES:
        code = None
        try:
            call(running.client(service))
        except Refused as no:
            code = no.code
        assert (code == "custody.caller_not_allowed") == (service not in allowed.split())
    refused("custody.caller_unknown", lambda: call(CustodyClient(running.socket, "token of nobody")))


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/v1/extracts", b"{"),
        ("/v1/extracts", b"[]"),
        ("/v1/extracts", b'{"envelope": []}'),
        ("/v1/extracts", b'{"envelope": {}, "refresh": "yes"}'),
        ("/v1/extracts", b'{"envelope": {}, "actor": {"person": "Yamamoto Hanako", "role": "x"}}'),
        ("/v1/extracts", b'{"envelope": {}, "actor": {"person": "yamamoto", "role": "\\n"}}'),
        ("/v1/databases", b'{"descriptor": "relative.yaml"}'),
        ("/v1/databases", b'{"descriptor": 7}'),
        ("/v1/withdrawals", b'{"withdrawals": 7}'),
        (
            "/v1/withdrawals",
            b'{"withdrawals": [{"database": "small", "person": "1", "kind": "no", "effective": "2026-01-01"}]}',
        ),
        (
            "/v1/withdrawals",
            b'{"withdrawals": [{"database": "small", "person": "1", "kind": "stop", "effective": "soon"}]}',
        ),
        ("/v1/withdrawals", b'{"withdrawals": [7]}'),
        ("/v1/traces", b'{"database": "small"}'),
        ("/v1/extracts", b" " * ((1 << 20) + 1)),
    ],
)
def test_a_request_that_cannot_be_read_is_one_no(running: Running, target: str, body: bytes) -> None:
    """400 with the place, as problem+json."""
    status, kind, _text = raw(running.socket, "POST", target, body)
    assert (status, kind) == (400, "application/problem+json")


def raw(path: Path, method: str, target: str, body: bytes) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("custody")
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.connect(str(path))
    with contextlib.closing(connection):
        connection.request(method, target, body, {"Authorization": "Bearer token of operator"})
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()


def test_a_descriptor_path_does_not_become_a_way_to_read_files(running: Running) -> None:
    """Pointed at a key, the answer names a place in a document and quotes nothing of it."""
    key = running.site.custody / "master.key"
    body = f'{{"descriptor": "{key}"}}'.encode()
    _status, _kind, text = raw(running.socket, "POST", "/v1/databases", body)
    assert b"catalogue.descriptor_malformed" in text
    assert key.read_bytes()[:6] not in text


def test_when_the_ledger_is_ended_custody_gives_nothing(running: Running) -> None:
    """503 `ledger.unavailable`; when the ledger is back, the same request is answered."""
    operator, gateway = running.client("operator"), running.client("gateway")
    operator.register(a_small_database(running.site.home / "files"), CUSTODIAN)
    envelope = signed(databases=SMALL, linkage_groups=[["small"]])
    operator.extract(envelope, actor=CUSTODIAN)
    running.ledger.kill()
    refused("ledger.unavailable", lambda: gateway.open("v-81c2", 1, envelope, session="s-1"))
    refused("ledger.unavailable", lambda: operator.extract(envelope, refresh=True, actor=CUSTODIAN))
    refused("ledger.unavailable", lambda: operator.erase("v-81c2", CUSTODIAN))
    running.ledger.start()
    assert gateway.open("v-81c2", 1, envelope, session="s-1").n == 1


def test_when_custody_is_silent_the_client_says_so(tmp_path: Path) -> None:
    """No socket, or one that nobody answers: `custody.unavailable`."""
    refused("custody.unavailable", CustodyClient(tmp_path / "none.sock", "x").ping)


# -- killed in mid-build -------------------------------------------------------------------------
@pytest.mark.parametrize("point", ["while the file grows", "before the rename", "before the key is kept"])
def test_a_killed_build_leaves_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """kill -9 wherever it strikes: no extract exists; what cannot go on is gone at the next start, what can is open to
    nobody; the next build is number 1."""
    site = a_site(tmp_path, monkeypatch)
    ledger = MemoryLedger()
    custodian = a_custodian(site, ledger)
    custodian.register(YAMAMOTO, NAFLD)
    environment = {
        **os.environ,
        "ENCLAVE_HOMES": str(tmp_path / "homes"),
        "ENCLAVE_PREFIX": str(tmp_path / "prefix"),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.custody_killed", point], cwd=ROOT, env=environment
    )
    home = site.extracts / "v-81c2"
    if point == "while the file grows":
        growing = home / ".building-1" / "extract.duckdb"
        for _ in range(24_000):
            if growing.exists():
                break
            time.sleep(0.005)
        process.kill()
    assert process.wait(120) == -signal.SIGKILL
    left = [path.name for path in home.iterdir()]
    assert left == (["1"] if point == "before the key is kept" else [".building-1"])
    refused("custody.extract_unknown", lambda: custodian.open(YAMAMOTO, "v-81c2", None, signed()))
    again = a_custodian(site, ledger)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()} == (
        {} if point == "before the key is kept" else {".building-1": 0o700}
    )
    refused("custody.extract_unknown", lambda: again.open(YAMAMOTO, "v-81c2", None, signed()))
    assert again.build(YAMAMOTO, signed())["n"] == 1
    assert sorted(path.name for path in (home / "1").iterdir()) == ["extract.duckdb", "manifest.json"]


# -- strangers -----------------------------------------------------------------------------------
READ_ALL = """
import os, sys
held = []
for place in sys.argv[1:]:
    for folder, _folders, files in os.walk(place):
        for name in files:
            try:
                held.append(open(os.path.join(folder, name), "rb").read(1) and os.path.join(folder, name))
            except OSError:
                pass
print("\\n".join(held))
"""


def test_another_user_reads_the_catalogue_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of keys, sources, register and extracts a user outside the group opens no file."""
    if os.geteuid() != 0:
        pytest.fail("to look as another user the tests need root: sudo make test")
    home = Path(tempfile.mkdtemp())
    home.chmod(0o755)
    try:
        site = a_site(home, monkeypatch)
        custodian = a_custodian(site, MemoryLedger())
        custodian.register(YAMAMOTO, a_small_database(home / "homes" / "files"))
        custodian.build(YAMAMOTO, signed(databases=SMALL, linkage_groups=[["small"]]))
        nobody = pwd.getpwnam("nobody")
        places = [str(site.custody), str(site.extracts), str(site.catalogue)]
        seen = subprocess.run(
            [sys.executable, "-I", "-c", READ_ALL, *places],
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        published = site.catalogue / "small"
        assert sorted(seen) == [str(published / "descriptor.yaml"), str(published / "statistics.json")]
    finally:
        shutil.rmtree(home)


def test_the_group_may_read_an_extract_and_only_custody_may_write_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files 0640, folders 0750: the gateway reads them as a member of the group; the socket is 0660."""
    site = a_site(tmp_path, monkeypatch)
    custodian = a_custodian(site, MemoryLedger())
    custodian.register(YAMAMOTO, a_small_database(tmp_path / "files"))
    custodian.build(YAMAMOTO, signed(databases=SMALL, linkage_groups=[["small"]]))
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (site.extracts / "v-81c2").rglob("*")}
    assert modes == {"1": 0o750, "extract.duckdb": 0o640, "manifest.json": 0o640}
    assert stat.S_IMODE((site.extracts / "v-81c2").stat().st_mode) == 0o750
    for path in (site.custody / "sources").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 or path.is_dir()
