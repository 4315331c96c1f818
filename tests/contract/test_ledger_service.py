"""The ledger's process as its callers meet it: who may do what, what is refused, and what silence looks like."""

import hashlib
import http.client
import json
import os
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from enclave.adapters import ledger_files
from enclave.adapters.ledger_client import LedgerClient
from enclave.audit.ledger import Sought
from enclave.core.refusal import Refused
from tests.fakes.ledger_process import LedgerProcess
from tests.fakes.log_copy import leaf_number


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerProcess]:
    process = LedgerProcess(tmp_path_factory.mktemp("ledger")).start()
    process.client("portal").append_leaves([leaf_number(i) for i in range(3)])
    yield process
    process.kill()


class _Raw(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("ledger", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def call(
    running: LedgerProcess, method: str, target: str, caller: str | None = "portal", body: bytes | None = None
) -> tuple[int, Any]:
    connection = _Raw(running.socket)
    headers = {} if caller is None else {"Authorization": f"Bearer token of {caller}"}
    connection.request(method, target, body, headers)
    answer = connection.getresponse()
    raw = answer.read()
    connection.close()
    return answer.status, json.loads(raw) if "json" in (
        answer.getheader("content-type") or ""
    ) else raw.decode()


def leaves(*batch: object) -> bytes:
    return json.dumps({"leaves": batch}).encode()


ROUTES = [
    ("POST", "/v1/leaves"),
    ("GET", "/v1/leaves"),
    ("GET", "/v1/leaves/0/proof"),
    ("GET", "/v1/checkpoint"),
    ("GET", "/metrics"),
]


@pytest.mark.parametrize(("method", "target"), ROUTES)
@pytest.mark.parametrize("caller", [None, "nobody", ""])
def test_nothing_is_answered_to_a_stranger(
    running: LedgerProcess, method: str, target: str, caller: str | None
) -> None:
    """No token, a wrong one, an empty one."""
    status, problem = call(
        running, method, target, caller, leaves(leaf_number(90)) if method == "POST" else None
    )
    assert (status, problem["code"]) == (401, "ledger.caller_unknown")


def test_the_digest_of_a_token_is_not_a_token(running: LedgerProcess) -> None:
    """Whoever reads the ledger's list of callers cannot call."""
    digest = json.loads((running.folder / "callers.json").read_text())["portal"]
    connection = _Raw(running.socket)
    connection.request("GET", "/v1/checkpoint", headers={"Authorization": f"Bearer {digest}"})
    assert connection.getresponse().status == 401
    assert digest == hashlib.sha256(b"token of portal").hexdigest()


@pytest.mark.parametrize("target", ["/v1/leaves", "/v1/leaves/0/proof"])
def test_who_only_appends_does_not_read(running: LedgerProcess, target: str) -> None:
    """The gateway records and learns nothing of others."""
    status, problem = call(running, "GET", target, "gateway")
    assert (status, problem["code"]) == (403, "ledger.reader_required")
    assert call(running, "GET", target, "auditor")[0] == 200


def test_who_only_appends_gets_places_and_checkpoints(running: LedgerProcess) -> None:
    """The gateway's receipt needs both."""
    status, answer = call(running, "POST", "/v1/leaves", "gateway", leaves(leaf_number(1)))
    assert (status, answer["indices"]) == (200, [1])
    assert call(running, "GET", "/v1/checkpoint", "gateway") == (200, answer["checkpoint"])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "ledger.request_invalid"),
        (b"{", "ledger.request_invalid"),
        (b"[]", "ledger.request_invalid"),
        (b"[" * 100_000, "ledger.request_invalid"),
        (b"\xff\xfe", "ledger.request_invalid"),
        (b'{"leaves": []}', "ledger.request_invalid"),
        (b'{"leaves": {}}', "ledger.request_invalid"),
        (b'{"leaves": [1], "more": 1}', "ledger.request_invalid"),
        (leaves(*[1] * 1001), "ledger.request_invalid"),
        (b'{"leaves": ["' + b"x" * 8_000_000 + b'"]}', "ledger.request_invalid"),
        (leaves(1), "ledger.leaf_invalid"),
        (leaves(None), "ledger.leaf_invalid"),
        (leaves({**leaf_number(50), "v": float("nan")}), "ledger.leaf_invalid"),
        (leaves({**leaf_number(50), "project": "\ud800"}), "ledger.leaf_invalid"),
        (leaves({**leaf_number(50), "counts": {"rows": 10**400}}), "ledger.leaf_invalid"),
    ],
)
def test_a_body_that_is_none_is_refused(running: LedgerProcess, body: bytes, code: str) -> None:
    """400 with a code, and nothing recorded."""
    before = call(running, "GET", "/v1/leaves")[1]["size"]
    status, problem = call(running, "POST", "/v1/leaves", body=body)
    assert (status, problem["code"]) == (400, code)
    assert call(running, "GET", "/v1/leaves")[1]["size"] == before


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "limit=-1", "limit=１", "before=-1", "before=", "since=yesterday",
     "since=2026-11-01T00:00:00", "project=", "project=a&project=b", "who=tanaka"],
)  # fmt: skip
def test_a_search_that_is_none_is_refused(running: LedgerProcess, query: str) -> None:
    """An unknown or malformed filter is never ignored: an auditor would take the answer for the whole."""
    from urllib.parse import quote

    status, problem = call(running, "GET", f"/v1/leaves?{quote(query, safe='=&:')}")
    assert (status, problem["code"]) == (400, "ledger.request_invalid")
    assert problem["facts"]["part"] == query.split("=", maxsplit=1)[0]


@pytest.mark.parametrize(
    ("index", "status"), [("3000", 404), ("-1", 400), ("x", 400), ("01", 400), ("9" * 30, 400)]
)
def test_there_is_no_proof_of_a_place_outside(running: LedgerProcess, index: str, status: int) -> None:
    """A place that does not exist, and what is no place."""
    assert call(running, "GET", f"/v1/leaves/{index}/proof")[0] == status


def test_a_proof_from_the_service_verifies(running: LedgerProcess) -> None:
    """With the verifier key alone."""
    proved = ledger_files.verify_proof(running.client("auditor").prove(2), running.key)
    assert (proved.index, proved.leaf) == (2, leaf_number(2))


def test_a_conflict_is_409(running: LedgerProcess) -> None:
    """With the id, and without what either leaf says."""
    status, problem = call(running, "POST", "/v1/leaves", body=leaves(leaf_number(1, outcome="refused")))
    assert (status, problem["code"], problem["facts"]) == (
        409,
        "ledger.conflict",
        {"id": leaf_number(1)["id"]},
    )


def test_the_socket_is_for_user_and_group_only(running: LedgerProcess) -> None:
    """Mode 660, from the first moment that it can be seen."""
    mode = running.socket.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert mode & 0o777 == 0o660
    assert [path.name for path in running.folder.iterdir() if path.name.startswith(".")] == []


def test_metrics_hold_counts_and_codes_only(running: LedgerProcess) -> None:
    """No person, project or permit in them."""
    _status, text = call(running, "GET", "/metrics", "gateway")
    assert 'enclave_ledger_leaves_total{caller="portal"}' in text
    assert not any(word in text for word in ("tanaka", "nafld", "p-2026"))


def test_health_tells_the_size_to_anyone_on_the_socket(running: LedgerProcess) -> None:
    """The supervisor has no token."""
    status, answer = call(running, "GET", "/healthz", None)
    assert (status, list(answer)) == (200, ["size"])


def test_the_folder_verifies_while_the_ledger_writes(tmp_path: Path) -> None:
    """Verification and export of the live folder, again and again, beside a writer that does not stop."""
    process = LedgerProcess(tmp_path).start()
    enough = threading.Event()
    written: list[int] = []

    def write() -> None:
        client, i = process.client("gateway"), 0
        while not enough.is_set():
            written.extend(client.append_leaves([leaf_number(i + k) for k in range(3)]))
            i += 3

    writer = threading.Thread(target=write)
    writer.start()
    sizes: list[int] = []
    try:
        while len(sizes) < 20 or sizes[0] == sizes[-1]:
            sizes.append(ledger_files.verify_directory(process.log, process.key).size)
            ledger_files.export_log(process.log, tmp_path / f"copy{len(sizes)}", process.key)
    finally:
        enough.set()
        writer.join()
        process.kill()
    assert sizes == sorted(sizes)
    assert ledger_files.verify_directory(process.log, process.key).size == len(written)


# -- silence ------------------------------------------------------------------------------------------


def answering(path: Path, reply: Callable[[socket.socket], None]) -> socket.socket:
    """A socket that answers every connection in some wrong way."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    listening.listen()

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(65536)
                    reply(connection)
                except OSError:
                    continue

    threading.Thread(target=serve, daemon=True).start()
    return listening


def http_reply(status: int, body: bytes) -> Callable[[socket.socket], None]:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return lambda connection: connection.sendall(head + body)


def drip(connection: socket.socket) -> None:
    """One byte after the other, each in time, the whole never."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(600):
        connection.sendall(b"x")
        time.sleep(0.1)


WRONG = {
    "silence": lambda _connection: time.sleep(60),
    "a closed line": lambda connection: connection.close(),
    "noise": lambda connection: connection.sendall(b"\x00\x01\x02 noise\r\n\r\n"),
    "drip": drip,
    "cut off": lambda connection: connection.sendall(
        b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"indices"'
    ),
    "500": http_reply(500, b'{"code": "x.y", "facts": {}}'),
    "503": http_reply(503, b'{"code": "ledger.unavailable", "facts": {}}'),
    "404 of another": http_reply(404, b"not found"),
    "no json": http_reply(200, b"ok"),
    "a list": http_reply(200, b"[1]"),
    "no places": http_reply(200, b"{}"),
    "too few places": http_reply(200, b'{"indices": []}'),
    "places of another kind": http_reply(200, b'{"indices": ["1"]}'),
    "half a place": http_reply(200, b'{"indices": [true]}'),
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_answer_is_silence(tmp_path: Path, name: str) -> None:
    """Whatever is not an answer counts as none, within the client's patience."""
    listening = answering(tmp_path / "l.sock", WRONG[name])
    began = time.monotonic()
    with pytest.raises(Refused) as no:
        LedgerClient(tmp_path / "l.sock", "token", patience=0.5).append_leaves([leaf_number(1)])
    listening.close()
    assert no.value.code == "ledger.unavailable"
    assert time.monotonic() - began < 20  # half a second; the silent one says nothing for a minute


def test_a_socket_that_is_not_there_is_silence(tmp_path: Path) -> None:
    """Every call says so."""
    client = LedgerClient(tmp_path / "none.sock", "token")
    for ask in (
        client.ping,
        client.checkpoint,
        lambda: client.search(Sought()),
        lambda: client.append_leaves([leaf_number(1)]),
    ):
        with pytest.raises(Refused) as no:
            ask()
        assert no.value.code == "ledger.unavailable"


def test_one_client_serves_many_threads(running: LedgerProcess) -> None:
    """Each thread gets the places of its own leaves."""
    client = running.client("portal")
    found: dict[int, tuple[int, ...]] = {}

    def work(thread: int) -> None:
        mine = [leaf_number(1000 + thread * 100 + i) for i in range(20)]
        found[thread] = tuple(place for one in mine for place in client.append_leaves([one]))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for thread, places in found.items():
        for i, place in enumerate(places):
            entry = client.search(Sought(before=place + 1, limit=1)).entries[0]
            assert (entry.index, entry.leaf) == (place, leaf_number(1000 + thread * 100 + i))
    assert len(found) == 8


# -- start and end ------------------------------------------------------------------------------------


def test_a_client_lives_through_a_restart(tmp_path: Path) -> None:
    """The kept connection is gone; the next call makes another."""
    process = LedgerProcess(tmp_path).start()
    client = process.client("gateway")
    assert client.append_leaves([leaf_number(0)]) == (0,)
    assert process.stop() == 0
    assert not process.socket.exists()
    with pytest.raises(Refused) as no:
        client.append_leaves([leaf_number(1)])
    assert no.value.code == "ledger.unavailable"
    process.start()
    assert client.append_leaves([leaf_number(0), leaf_number(1)]) == (0, 1)
    process.kill()


def test_a_ledger_that_must_not_start_says_why_in_both_languages(tmp_path: Path) -> None:
    """One sentence each, the code, status 3; no socket."""
    process = LedgerProcess(tmp_path).start()
    process.client("gateway").append_leaves([leaf_number(0)])
    process.stop()
    (process.store / "ledger.sqlite").unlink()
    _out, said = process.launch().communicate(timeout=120)
    assert process.process is not None
    assert process.process.returncode == 3
    assert [line.split(":")[0] for line in said.splitlines()] == ["ledger.rolled_back"] * 2
    assert "起動しません" in said
    assert "does not start" in said
    assert not process.socket.exists()


def test_a_second_ledger_leaves_the_first_in_peace(tmp_path: Path) -> None:
    """Two starts at once: one clear sentence, and the socket stays the first one's."""
    process = LedgerProcess(tmp_path).start()
    first = process.process
    _out, said = process.launch().communicate(timeout=120)
    assert process.process is not None
    assert process.process.returncode == 3
    assert "ledger.running" in said
    process.process = first
    assert process.client("gateway").append_leaves([leaf_number(0)]) == (0,)
    process.kill()


@pytest.mark.parametrize("caller", ["portal"])
def test_a_stopped_process_is_silence_and_then_an_answer(tmp_path: Path, caller: str) -> None:
    """A process that hangs is not waited for longer than the patience."""
    import signal

    process = LedgerProcess(tmp_path).start()
    assert isinstance(process.process, subprocess.Popen)
    os.kill(process.process.pid, signal.SIGSTOP)
    with pytest.raises(Refused) as no:
        process.client(caller, patience=0.5).ping()
    assert no.value.code == "ledger.unavailable"
    os.kill(process.process.pid, signal.SIGCONT)
    process.client(caller).ping()
    process.kill()


def test_one_who_answered_a_moment_ago_is_not_asked_again_but_seen_to_be_gone(tmp_path: Path) -> None:
    """A ping between two appends costs nothing; once the process has ended it is a no at once."""
    process = LedgerProcess(tmp_path).start()
    client = process.client("gateway")
    client.append_leaves([leaf_number(0)])
    # What this thread itself works, so that others on the machine do not count.
    began = time.thread_time()
    for _ in range(1000):
        client.ping()
    assert time.thread_time() - began < 0.3
    process.kill()
    began = time.monotonic()
    with pytest.raises(Refused) as no:
        client.ping()
    assert no.value.code == "ledger.unavailable"
    assert time.monotonic() - began < 15  # half of its patience
