"""Connections without requests: how many, how long, and that nobody who asks properly loses one."""

import socket
import time

import pytest

from enclave.adapters import connections
from tests.unit.gateway.ground import Ground

SLOW = "SELECT count(*) AS n FROM patients a CROSS JOIN patients b WHERE a.pid % 2 = 0 AND sin(a.age) + cos(b.age) = 7"


def connected(ground: Ground, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", ground.port), timeout=60, source_address=(source, 0))


def alive(ground: Ground, plain: socket.socket) -> bool:
    """Whether a request on it is answered."""
    try:
        plain.sendall(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{ground.port}\r\n\r\n".encode())
        return b"200 OK" in plain.recv(4096)
    except OSError:
        return False


def ended(plain: socket.socket) -> bool:
    try:
        return plain.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("said", [b"", b"GET /v1/session HT", b"GET /v1/session HTTP/1.1\r\nHost: x\r\n"])
def test_a_connection_without_a_request_ends(
    ground: Ground, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it says nothing at all or never comes to the end of its headers; also after a first request."""
    monkeypatch.setattr(connections, "SILENCE", 1.0)
    with connected(ground) as fresh, connected(ground) as used:
        assert alive(ground, used)
        began = time.monotonic()
        fresh.sendall(said)
        assert ended(fresh)
        if said:
            used.sendall(said)
            assert ended(used)
        assert 0.9 < time.monotonic() - began < 20


def test_whoever_waits_for_an_answer_is_not_taken_for_silent(
    ground: Ground, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Much longer than headers may take."""
    monkeypatch.setattr(connections, "SILENCE", 0.5)
    began = time.monotonic()
    answer = ground.query(token, SLOW)
    assert time.monotonic() - began > 1.0
    assert (answer.status, answer.cut) == (200, False)


def test_a_workspace_has_so_many_connections_and_gets_them_back(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more is ended; another workspace's is not; a closed one makes room."""
    monkeypatch.setattr(connections, "MAX_OF_ADDRESS", 5)
    held = [connected(ground, "127.0.0.9") for _ in range(5)]
    try:
        assert all(alive(ground, one) for one in held)
        with connected(ground, "127.0.0.9") as more:
            assert ended(more)
        with connected(ground, "127.0.0.10") as other:
            assert alive(ground, other)
        held.pop().close()
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with connected(ground, "127.0.0.9") as again:
                if alive(ground, again):
                    break
        else:
            pytest.fail("its place was not given back")
    finally:
        for one in held:
            one.close()
