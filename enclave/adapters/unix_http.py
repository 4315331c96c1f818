"""One request and its answer over a Unix socket, as the ledger and the policy server are asked for every question.

Decides nothing: who may ask, what an answer means and what silence means is the caller's. A request leaves in one piece
(`http.client` sends head and body apart, and the other process wakes up for each), and everything together has one time
limit, so that an answer that dribbles is silence too. Of HTTP it reads what servers at hand say: a status, the length or
the chunks of a body, and whether the connection ends. A reader of everything (`http.client` parses each head as a mail's)
was most of what asking cost. Anything else is no answer.
"""

import http.client
import os
import re
import select
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

MAX_ANSWER = 80_000_000
"""Bytes; the ledger's longest page of leaves is below it."""

MAX_HEAD = 65_536
"""Bytes of an answer's head, and of a line between two chunks."""

AT_ONCE = 65_536
"""Bytes that are taken from the socket at a time."""

_STATUS = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2})(?: |$)")
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"connection"})
_DECIMAL, _HEXADECIMAL = re.compile(rb"[0-9]{1,15}"), re.compile(rb"[0-9A-Fa-f]{1,12}")
_WITHOUT_BODY = frozenset({204, 304})

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
        try:
            if self._socket is None:
                self._connect(seconds)
            self._within(ends).sendall(_request(method, target, body, headers))
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
        incoming = _Incoming(lambda: self._within(ends))
        status, fields = _head(incoming.until(b"\r\n\r\n"))
        coding, length = fields.get(b"transfer-encoding"), fields.get(b"content-length")
        if coding is not None:
            if coding.lower() != b"chunked" or length is not None:
                raise http.client.UnknownTransferEncoding
            body = b"".join(incoming.chunks())
        elif status in _WITHOUT_BODY:
            body = b""
        elif length is not None:
            body = incoming.take(_number(length, _DECIMAL, 10))
        else:
            body = incoming.rest()
        if incoming.ended or incoming.more or b"close" in fields.get(b"connection", b"").lower():
            self.close()
        return status, body


class _Incoming:
    """The bytes of one answer, as they come; `within` gives the socket with what is left of the time."""

    def __init__(self, within: Callable[[], socket.socket]) -> None:
        self._within = within
        self._held = bytearray()
        self._taken = 0
        self.ended = False

    @property
    def more(self) -> bool:
        """Whether something came that belongs to no answer."""
        return bool(self._held)

    def until(self, mark: bytes) -> bytes:
        """What comes before `mark`, which is taken too. Raises one of `SILENCE`."""
        looked = 0
        while (found := self._held.find(mark, looked)) < 0:
            looked = max(0, len(self._held) - len(mark) + 1)
            if len(self._held) > MAX_HEAD:
                raise http.client.LineTooLong("head")
            self._come()
        part = bytes(self._held[:found])
        del self._held[: found + len(mark)]
        return part

    def take(self, count: int) -> bytes:
        """The next `count` bytes. Raises one of `SILENCE`."""
        self._taken += count
        if self._taken > MAX_ANSWER:
            raise TimeoutError
        while len(self._held) < count:
            self._come()
        part = bytes(self._held[:count])
        del self._held[:count]
        return part

    def chunks(self) -> Iterator[bytes]:
        """The parts of a body that says its length in parts (RFC 9112, 7.1); what stands behind the last is passed over."""
        while size := _number(self.until(b"\r\n").partition(b";")[0].strip(), _HEXADECIMAL, 16):
            yield self.take(size)
            if self.take(2) != b"\r\n":
                raise http.client.HTTPException("a chunk without its end")
        while self.until(b"\r\n"):
            pass

    def rest(self) -> bytes:
        """Everything to the end of the connection."""
        while not self.ended:
            self._come(last=True)
            if len(self._held) > MAX_ANSWER:
                raise TimeoutError
        return self.take(len(self._held))

    def _come(self, last: bool = False) -> None:
        part = self._within().recv(AT_ONCE)
        self._held += part
        if not part:
            self.ended = True
            if not last:
                raise http.client.IncompleteRead(bytes(self._held))


def _head(raw: bytes) -> tuple[int, Mapping[bytes, bytes]]:
    """Status, and the fields that say where the answer ends, by their names in lower case. Raises HTTPException."""
    first, *lines = raw.split(b"\r\n")
    if (status := _STATUS.match(first)) is None:
        raise http.client.BadStatusLine(first.decode("latin-1"))
    fields: dict[bytes, bytes] = {}
    for line in lines:
        name, _, value = line.partition(b":")
        if (name := name.lower()) in _FRAMING and fields.setdefault(name, value.strip()) != value.strip():
            raise http.client.HTTPException("a head that can be read in two ways")
    return int(status[1]), fields


def _number(text: bytes, digits: re.Pattern[bytes], base: int) -> int:
    """Raises HTTPException where there is anything but digits."""
    if digits.fullmatch(text) is None:
        raise http.client.HTTPException("no number")
    return int(text, base)


def _request(method: str, target: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
    """Raises ValueError for a line that would be two."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *(f"{k}: {v}" for k, v in headers.items())]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a line break in a request's head")
    return "\r\n".join((*lines, "", "")).encode("ascii") + (body or b"")
