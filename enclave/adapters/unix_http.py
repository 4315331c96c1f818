"""One request and its answer over a Unix socket, as the ledger and the policy server are asked for every question.

Decides nothing: who may ask, what an answer means and what silence means is the caller's. A request leaves in one piece
(`http.client` sends head and body apart, and the other process wakes up for each), and everything together has one time
limit, so that an answer that dribbles is silence too. Relies on llhttp (`httptools`) to read answers: `http.client` parses
each head as a mail's, which was most of what asking cost.
"""

import http.client
import os
import select
import socket
import time
from collections.abc import Mapping
from pathlib import Path

import httptools

MAX_ANSWER = 80_000_000
"""Bytes; the ledger's longest page of leaves is below it."""

MAX_HEAD = 65_536
"""Bytes of an answer's head."""

AT_ONCE = 65_536
"""Bytes that are taken from the socket at a time."""

_MEASURES = frozenset({b"content-length", b"transfer-encoding"})

SILENCE = (OSError, http.client.HTTPException)
"""What `ask` raises. TimeoutError among them means that the other end may still be at work."""


class Connection:
    """One connection that may be kept between requests. For one thread at a time, of the process that made it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self._process = os.getpid()

    @property
    def kept(self) -> bool:
        """Whether it is connected, by this process: a child of it has no part in what was begun."""
        return self._socket is not None and self._process == os.getpid()

    def stands(self) -> bool:
        """Whether the other end is still there and silent, as between two requests."""
        if self._socket is None or not self.kept:
            return False
        looked = select.poll()
        looked.register(self._socket, select.POLLIN)
        # Something to read that nobody asked for is the end of the connection.
        return not looked.poll(0)

    def ask(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], seconds: float
    ) -> tuple[int, bytes]:
        """Status and body, within `seconds`. Raises one of `SILENCE`; the connection is closed then."""
        ends = time.monotonic() + seconds
        self._say(method, target, body, headers, ends)
        return self._hear(ends)

    def say(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], seconds: float
    ) -> None:
        """The request alone, within `seconds`; `hear` follows, whatever its asker did meanwhile. Raises as `ask`."""
        self._say(method, target, body, headers, time.monotonic() + seconds)

    def hear(self, seconds: float) -> tuple[int, bytes]:
        """The answer to what was said, within `seconds` from now. Raises as `ask`."""
        return self._hear(time.monotonic() + seconds)

    def _say(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], ends: float
    ) -> None:
        try:
            if self._socket is None:
                self._connect(ends - time.monotonic())
            self._within(ends).sendall(_request(method, target, body, headers))
        except BaseException:
            self.close()
            raise

    def _hear(self, ends: float) -> tuple[int, bytes]:
        try:
            return self._answer(ends)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self, seconds: float) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(seconds)
        self._socket.connect(str(self._path))

    def _within(self, ends: float) -> socket.socket:
        """The socket, with what is left of the time. Raises TimeoutError where nothing is."""
        left = ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if self._socket is None:
            raise http.client.NotConnected
        self._socket.settimeout(left)
        return self._socket

    def _answer(self, ends: float) -> tuple[int, bytes]:
        answer = _Answer()
        while not answer.ended:
            answer.feed(self._within(ends).recv(AT_ONCE))
        if answer.last:
            self.close()
        return answer.status, bytes(answer.body)


class _Answer:
    """One answer as the reader of llhttp finds it. `last`: the connection carries no other."""

    def __init__(self) -> None:
        self.status = 0
        self.body = bytearray()
        self.ended = self.last = False
        self._headed = self._measured = False
        self._head = 0
        self._reader = httptools.HttpResponseParser(self)

    def feed(self, part: bytes) -> None:
        """Raises one of `SILENCE`."""
        if not part:
            # Where nothing said how long it is, the end of the connection is its end.
            if not self._headed or self._measured:
                raise http.client.IncompleteRead(bytes(self.body))
            self.ended = True
            return
        self._head += 0 if self._headed else len(part)
        try:
            self._reader.feed_data(part)
        except httptools.HttpParserError as error:
            raise http.client.HTTPException(type(error).__name__) from None
        if not self._headed and self._head > MAX_HEAD:
            raise http.client.LineTooLong("head")
        if len(self.body) > MAX_ANSWER:
            raise TimeoutError

    # What the reader calls.
    def on_message_begin(self) -> None:
        # What comes behind an answer is nobody's.
        self.last = self.last or self.ended

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"transfer-encoding" and value.lower() != b"chunked":
            raise http.client.UnknownTransferEncoding
        self._measured = self._measured or name.lower() in _MEASURES

    def on_headers_complete(self) -> None:
        if not self._headed:
            self._headed = True
            self.status, self.last = self._reader.get_status_code(), not self._reader.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        if not self.ended:
            self.body += body

    def on_message_complete(self) -> None:
        self.ended = True


def _request(method: str, target: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
    """Raises ValueError for a line that would be two."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *(f"{k}: {v}" for k, v in headers.items())]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a line break in a request's head")
    return "\r\n".join((*lines, "", "")).encode("ascii") + (body or b"")
