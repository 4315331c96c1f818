"""One request over a socket file: in one piece, answered whole and in time, or not at all."""

import contextlib
import http.client
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from enclave.adapters.unix_http import SILENCE, Connection

YES = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"


@contextmanager
def speaking(path: Path, serve: Callable[[socket.socket], None]) -> Iterator[None]:
    """A socket file at which every connection is served in its own thread, and closed afterwards."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def one(connection: socket.socket) -> None:
            with connection:
                serve(connection)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def asked(connection: Connection, seconds: float = 10) -> tuple[int, bytes]:
    return connection.ask("POST", "/x", b"body", {"A": "b"}, seconds)


def test_a_request_leaves_whole_and_its_connection_is_kept(tmp_path: Path) -> None:
    """Head and body are one message; the second request comes on the same connection."""
    heard: list[list[bytes]] = []

    def serve(connection: socket.socket) -> None:
        mine: list[bytes] = []
        heard.append(mine)
        while said := connection.recv(65536):
            mine.append(said)
            connection.sendall(YES)

    with speaking(tmp_path / "s", serve):
        connection = Connection(tmp_path / "s")
        assert not connection.kept
        assert asked(connection) == (200, b"yes")
        assert connection.kept
        assert connection.stands()
        assert asked(connection) == (200, b"yes")
        connection.close()
    whole = b"POST /x HTTP/1.1\r\nHost: localhost\r\nA: b\r\nContent-Length: 4\r\n\r\nbody"
    assert heard == [[whole, whole]]


def test_an_answer_that_ends_its_connection_is_taken_and_the_connection_is_not_kept(tmp_path: Path) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nyes")

    with speaking(tmp_path / "s", serve):
        connection = Connection(tmp_path / "s")
        assert asked(connection) == (200, b"yes")
        assert not connection.kept
        assert asked(connection) == (200, b"yes")


@pytest.mark.parametrize(
    "said",
    [b"", b"HTTP", b"nonsense\r\n\r\n", YES[:-1], b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nye"],
    ids=["nothing", "a part", "no http", "a short body", "a short chunk"],
)  # fmt: skip
def test_a_part_of_an_answer_is_none(tmp_path: Path, said: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(said)

    with speaking(tmp_path / "s", serve):
        connection = Connection(tmp_path / "s")
        with pytest.raises(SILENCE):
            asked(connection)
        assert not connection.kept


@pytest.mark.parametrize(
    ("said", "body"),
    [
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n3\r\nyes\r\nA;of=it\r\n0123456789\r\n0\r\nLast: 1\r\n\r\n", b"yes0123456789"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", b""),
    ],
    ids=["chunks", "nothing to say", "no reason"],
)  # fmt: skip
def test_an_answer_is_read_as_it_says_where_it_ends(tmp_path: Path, said: bytes, body: bytes) -> None:
    """By its length, by its chunks, byte by byte too; the connection stays for the next one."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        for byte in said:
            connection.sendall(bytes([byte]))
        while connection.recv(65536):
            connection.sendall(said)

    with speaking(tmp_path / "s", serve):
        connection = Connection(tmp_path / "s")
        assert asked(connection)[1] == body
        assert connection.kept
        assert asked(connection)[1] == body
        connection.close()


def test_an_answer_without_an_end_of_its_own_ends_with_its_connection(tmp_path: Path) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nyes")

    with speaking(tmp_path / "s", serve):
        connection = Connection(tmp_path / "s")
        assert asked(connection) == (200, b"yes")
        assert not connection.kept


def test_what_comes_behind_an_answer_is_nobodys(tmp_path: Path) -> None:
    """It is not the next answer."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(YES + YES.replace(b"yes", b"no!"))
        connection.recv(65536)

    with speaking(tmp_path / "s", serve):
        connection = Connection(tmp_path / "s")
        assert asked(connection) == (200, b"yes")
        assert not connection.kept


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 2\r\n\r\nyes",
        b"HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nyes",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nyes",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nyes\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes!0\r\n\r\n",
        b"HTTP/2 200 OK\r\nContent-Length: 3\r\n\r\nyes",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 3\r\n\r\nyes",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
    ],
    ids=["two lengths", "a sign", "both ways", "another coding", "a prefix", "no end", "another version", "no status", "a long head"],
)  # fmt: skip
def test_an_answer_that_can_be_read_in_two_ways_is_none(tmp_path: Path, said: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        with contextlib.suppress(OSError):
            connection.sendall(said)

    with speaking(tmp_path / "s", serve):
        connection = Connection(tmp_path / "s")
        with pytest.raises(SILENCE):
            asked(connection)
        assert not connection.kept


def test_an_answer_that_dribbles_is_silence(tmp_path: Path) -> None:
    """Each byte is in time, all together are not."""
    over = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not over.wait(0.02):
            try:
                connection.sendall(b"x")
            except OSError:
                return

    with speaking(tmp_path / "s", serve):
        with pytest.raises(TimeoutError):
            asked(Connection(tmp_path / "s"), 0.5)
        over.set()


def test_a_line_break_begins_no_line_of_its_own(tmp_path: Path) -> None:
    with speaking(tmp_path / "s", lambda connection: None), pytest.raises(ValueError, match="line break"):
        Connection(tmp_path / "s").ask("GET", "/", None, {"A": "b\r\nC: d"}, 5)


def test_the_child_of_a_process_keeps_nothing_of_its_connections(tmp_path: Path) -> None:
    def serve(connection: socket.socket) -> None:
        while connection.recv(65536):
            connection.sendall(YES)

    with speaking(tmp_path / "s", serve):
        connection = Connection(tmp_path / "s")
        asked(connection)
        child = os.fork()
        if child == 0:
            os._exit(int(connection.kept))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert connection.kept
        connection.close()


def test_nobody_there_is_silence(tmp_path: Path) -> None:
    with pytest.raises(SILENCE):
        asked(Connection(tmp_path / "none"))
    assert issubclass(http.client.HTTPException, SILENCE)
