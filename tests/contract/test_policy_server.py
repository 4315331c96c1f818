"""The policy server as a machine: over its socket, in time, or not at all."""

import json
import re
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from enclave.adapters.policy_server import PolicyServer, bundle_digest, start_private
from enclave.core.refusal import Refused

ROOT = Path(__file__).resolve().parents[2]
STORIES = {
    "amendment_look": "amendment",
    "amendment_submit": "amendment",
    "amendment_opinion": "amendment",
    "amendment_grant": "amendment",
    "disclosure_output": "disclosure",
    "query_rows": "query",
    "query_aggregate": "query",
    "query_carried": "query",
    "query_no_table": "query",
    "query_table": "query",
    "spawn": "spawn",
    "export_return": "export",
    "export_queue": "export",
    "export_vote": "export",
    "export_approve": "export",
    "export_download": "export",
    "application_submit": "application",
    "application_grant_aggregate": "application",
    "review_grant": "review",
    "review_opinion": "review",
    "custody_register": "custody",
    "custody_build": "custody",
    "custody_build_operator": "custody",
    "custody_open": "custody",
    "custody_open_service": "custody",
    "custody_erase": "custody",
}


@pytest.fixture(scope="module")
def server() -> Iterator[PolicyServer]:
    with (
        tempfile.TemporaryDirectory(prefix="enclave-policy-") as folder,
        start_private(ROOT / "policies", Path(folder) / "p.sock") as running,
    ):
        yield running


@contextmanager
def imposter(answer: bytes | None) -> Iterator[Path]:
    """A socket that answers every request with these bytes, or never (None)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        kept: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                kept.append(connection)
                if answer is not None:
                    _read_whole(connection)
                    connection.sendall(answer)
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield path
        finally:
            listener.close()
            for connection in kept:
                connection.close()


def _read_whole(connection: socket.socket) -> None:
    """Head and body of a request: a connection that is closed with something unread in it is an error for who asked."""
    read = b""
    while True:
        head, end, body = read.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if end and len(body) >= (int(length[1]) if length else 0):
            return
        if not (piece := connection.recv(65536)):
            return
        read += piece


def http(body: bytes, status: str = "200 OK") -> bytes:
    return (
        b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
        % (
            status.encode(),
            len(body),
            body,
        )
    )


@pytest.mark.parametrize("name", sorted(STORIES))
def test_every_example_gets_its_yes(name: str, server: PolicyServer) -> None:
    """The same files are the inputs of the Rego tests."""
    question = json.loads((ROOT / "policies" / "examples" / f"{name}.json").read_text())[name]
    decision = server.decide(f"enclave/{STORIES[name]}/decision", question)
    assert decision["allow"] is True, decision
    assert decision["deny"] == []


def test_every_example_is_used() -> None:
    assert {file.stem for file in (ROOT / "policies" / "examples").glob("*.json")} == set(STORIES)


def test_an_undefined_decision_is_a_denial(server: PolicyServer) -> None:
    assert server.decide("enclave/nothing/decision", {}) == {
        "allow": False,
        "deny": ["policy.undefined"],
        "obligations": {},
    }


def test_a_server_that_is_not_there_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        PolicyServer(tmp_path / "none.sock").decide("enclave/spawn/decision", {})
    assert refused.value.code == "policy.unavailable"


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"",
        b"nonsense",
        http(b"not json"),
        http(b'{"result": {"allow": true}}', "500 Internal Server Error"),
        http(b'{"result": {"allow": true}}', "404 Not Found"),
    ],
    ids=["silence", "hang up", "no http", "no json", "500", "404"],
)
def test_an_answer_that_is_none_is_a_refusal(answer: bytes | None) -> None:
    with imposter(answer) as path, pytest.raises(Refused) as refused:
        PolicyServer(path).decide("enclave/spawn/decision", {})
    assert refused.value.code == "policy.unavailable"


@pytest.mark.parametrize("body", [b"{}", b'{"result": true}', b"[]", b'{"result": ["allow"]}'])
def test_an_answer_without_a_decision_is_a_denial(body: bytes) -> None:
    with imposter(http(body)) as path:
        decision = PolicyServer(path).decide("enclave/spawn/decision", {})
    assert decision["allow"] is False
    assert decision["deny"] == ["policy.undefined"]


def test_the_environments_proxy_is_not_asked(server: PolicyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert server.healthy()


def test_a_client_outlives_its_servers_restart(tmp_path: Path) -> None:
    path = tmp_path / "p.sock"
    with start_private(ROOT / "policies", path):
        client = PolicyServer(path)
        assert client.healthy()
    assert not client.healthy()
    with start_private(ROOT / "policies", path):
        assert client.healthy()
    client.close()


def test_a_question_that_is_heard_later_gets_the_same_decision(server: PolicyServer) -> None:
    """Two at once over connections of their own, heard in the other order."""
    question = json.loads((ROOT / "policies" / "examples" / "query_rows.json").read_text())["query_rows"]
    yes, no = (server.begin("enclave/query/decision", asked) for asked in (question, {}))
    assert no() == server.decide("enclave/query/decision", {})
    assert yes() == server.decide("enclave/query/decision", question)
    assert server.begin("enclave/nothing/decision", {})()["deny"] == ["policy.undefined"]


@pytest.mark.parametrize("answer", [b"", b"nonsense", http(b"not json"), http(b"{}", "404 Not Found")])
def test_silence_that_is_heard_later_is_a_refusal(answer: bytes) -> None:
    with imposter(answer) as path, pytest.raises(Refused) as refused:
        PolicyServer(path).begin("enclave/query/decision", {})()
    assert refused.value.code == "policy.unavailable"


def test_nobody_there_is_a_refusal_at_once(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        PolicyServer(tmp_path / "none.sock").begin("enclave/query/decision", {})
    assert refused.value.code == "policy.unavailable"


def test_a_question_that_is_heard_later_outlives_its_servers_restart(tmp_path: Path) -> None:
    """Whether the kept connection is found dead when it is asked or when it is heard."""
    path = tmp_path / "p.sock"
    with start_private(ROOT / "policies", path):
        client = PolicyServer(path)
        assert client.healthy()
        decided = client.begin("enclave/review/decision", {})
    with start_private(ROOT / "policies", path):
        assert decided()["allow"] is False
    with start_private(ROOT / "policies", path):
        assert client.begin("enclave/review/decision", {})()["allow"] is False
    client.close()


def test_the_bundles_digest_follows_its_policies_and_not_their_tests(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    policy = tmp_path / "a" / "x.rego"
    policy.write_text("package a\n")
    first = bundle_digest(tmp_path)
    (tmp_path / "a" / "x_test.rego").write_text("package a_test\n")
    assert bundle_digest(tmp_path) == first
    policy.write_text("package a\n\nallow := true\n")
    assert bundle_digest(tmp_path) != first
