"""What is wrong, too much or gone in the middle: each has a code and a sentence, costs nobody else, and loses nothing."""

import asyncio
import http.client
import json
import re
import resource
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from enclave.core.permit import Permit
from enclave.gateway import body as bodies
from enclave.gateway import door, stream
from enclave.gateway.body import MAX_OF_ADDRESS, PATIENCE, Room
from enclave.gateway.door import MAX_REQUESTS
from tests.unit.gateway.ground import Ground

ENDLESS = "SELECT a.pid AS p, b.pid AS q, a.value FROM labs a CROSS JOIN patients b"
COUNT = "SELECT count(*) AS n FROM patients"
LARGE = 100_000_000

WRONG = {
    "a name twice": (b'{"sql": "SELECT 1", "sql": "SELECT 2"}', "gateway.name_twice"),
    "a name twice inside": (b'{"sql": "SELECT 1", "params": {"a": 1, "a": 2}}', "gateway.name_twice"),
    "not a number": (b'{"sql": "SELECT 1", "params": {"a": NaN}}', "gateway.not_a_number"),
    "infinite": (b'{"sql": "SELECT 1", "params": {"a": -Infinity}}', "gateway.not_a_number"),
    "infinite in digits": (b'{"sql": "SELECT 1", "params": {"a": 1e999}}', "gateway.not_a_number"),
    "beyond 64 bits": (b'{"sql": "SELECT 1", "params": {"a": 9223372036854775808}}', "gateway.not_a_number"),
    "digits without end": (b'{"sql": "SELECT 1", "params": {"a": ' + b"9" * 9000 + b"}}", "gateway.not_a_number"),
    "a list": (b'["SELECT 1"]', "gateway.not_an_object"),
    "nothing": (b"null", "gateway.not_an_object"),
    "empty": (b"", "gateway.json"),
    "two values": (b'{"sql": "SELECT 1"}{}', "gateway.json"),
    "not JSON": (b"sql=SELECT+1", "gateway.json"),
    "unclosed": (b'{"sql": "SELECT 1"', "gateway.json"),
    "not UTF-8": (b'{"sql": "\xff"}', "gateway.not_utf8"),
    "Shift_JIS": ('{"sql": "SELECT 1 AS 人数"}'.encode("shift_jis"), "gateway.not_utf8"),
    "UTF-16": ('{"sql": "SELECT 1"}'.encode("utf-16"), "gateway.not_utf8"),
    "nested without end": (b'{"params": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "gateway.json"),
    "an unknown field": (b'{"sql": "SELECT 1", "tables": []}', "gateway.unknown_field"),
    "no text": (b'{"sql": 1}', "gateway.field"),
    "no question": (b"{}", "gateway.field"),
    "half a character": (b'{"sql": "\\ud800"}', "gateway.field"),
    "another form": (b'{"sql": "SELECT 1", "form": "csv"}', "gateway.field"),
    "a form that is a list": (b'{"sql": "SELECT 1", "form": ["rows"]}', "gateway.field"),
    "a form that is null": (b'{"sql": "SELECT 1", "form": null}', "gateway.field"),
    "another tier": (b'{"sql": "SELECT 1", "tier": "root"}', "gateway.field"),
    "a tier that is an object": (b'{"sql": "SELECT 1", "tier": {}}', "gateway.field"),
    "an object as a value": (b'{"sql": "SELECT 1", "params": {"a": {"b": 1}}}', "gateway.params"),
    "lists in lists": (b'{"sql": "SELECT 1", "params": {"a": [[1]]}}', "gateway.params"),
    "params that are text": (b'{"sql": "SELECT 1", "params": "a=1"}', "gateway.params"),
    "half a character as a value": (b'{"sql": "SELECT 1", "params": ["\\udc00"]}', "gateway.params"),
}  # fmt: skip
JAPANESE = re.compile("[\u3041-\u9fff]")


@pytest.mark.parametrize("name", WRONG)
def test_a_body_that_is_not_one_question_has_a_code_and_a_sentence_of_its_own(
    ground: Ground, token: str, name: str
) -> None:
    """In the reader's language, without an echo of what came; nothing is begun."""
    sent, code = WRONG[name]
    told = {}
    for language in ("ja", "en"):
        answer = ground.ask("POST", "/v1/queries", token, sent, {"Accept-Language": language})
        told[language] = answer.json()
        assert (answer.status, told[language]["code"]) == (400, code)
        assert answer.headers["content-type"] == "application/problem+json"
    for part in ("title", "hint"):
        assert JAPANESE.search(told["ja"][part]), told["ja"][part]
        assert not JAPANESE.search(told["en"][part]), told["en"][part]
        assert "…" not in told["ja"][part].replace("SELECT …", "")
    assert ground.leaves()[-1]["action"] not in {"query.authorised", "query.refused"}


def test_a_body_of_another_kind_is_415(ground: Ground, token: str) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "", "application/json2"):
        answer = ground.ask("POST", "/v1/queries", token, b'{"sql": "SELECT 1"}', {"Content-Type": kind})
        assert (answer.status, answer.json()["code"]) == (415, "gateway.content_type")


def test_a_method_that_a_route_does_not_take_is_405_and_says_which_it_does(
    ground: Ground, token: str
) -> None:
    for method in ("PUT", "TRACE", "HEAD", "BREW"):
        answer = ground.ask(method, "/v1/queries", token)
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert ground.ask("DELETE", "/v1/session", token).json()["code"] == "gateway.method"


# -- bodies without measure ----------------------------------------------------------------------
def heading(ground: Ground, token: str, length: str) -> bytes:
    return (
        f"POST /v1/queries HTTP/1.1\r\nHost: 127.0.0.1:{ground.port}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\n{length}\r\n\r\n"
    ).encode()


def read_problem(plain: socket.socket) -> tuple[int, str]:
    answer = http.client.HTTPResponse(plain)
    answer.begin()
    return answer.status, json.loads(answer.read())["code"]


def memory(name: str) -> int:
    """VmRSS or VmHWM of this process, in bytes."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]


def test_a_body_of_100_mb_is_refused_before_it_is_sent(ground: Ground, token: str) -> None:
    """Its declared length is enough: the 413 is there while the client has sent nothing but the headers."""
    with socket.create_connection(("127.0.0.1", ground.port), timeout=60) as plain:
        began = time.monotonic()
        plain.sendall(heading(ground, token, f"Content-Length: {LARGE}"))
        assert read_problem(plain) == (413, "gateway.too_large")
        assert time.monotonic() - began < 0.7 * PATIENCE  # whoever waits for the body waits as long as that


@pytest.mark.parametrize("declared", [True, False])
def test_a_client_that_sends_100_mb_all_the_same_reads_why_and_fills_no_memory(
    ground: Ground, token: str, declared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a declared length nor a chunked body without one is held; whoever reads only after writing is told too."""
    monkeypatch.setattr(
        door, "LINGER", 60.0
    )  # a busy machine may take longer for 100 MB than a client is waited for
    piece = b" " * (1 << 20)
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    with socket.create_connection(("127.0.0.1", ground.port), timeout=60) as plain:
        length = f"Content-Length: {LARGE}" if declared else "Transfer-Encoding: chunked"
        plain.sendall(heading(ground, token, length))
        for _ in range(LARGE // len(piece)):
            plain.sendall(piece if declared else b"%x\r\n%s\r\n" % (len(piece), piece))
        assert read_problem(plain) == (413, "gateway.too_large")
    assert memory("VmHWM") - before < 24 << 20
    assert ground.query(token, COUNT).status == 200


def test_a_workspace_has_room_for_so_many_bytes_and_gets_them_back() -> None:
    """Of one's own room nobody else takes any, and all of it is given back, also after a no."""
    from enclave.core.refusal import Refused

    room = Room()
    with room.of("10.0.0.2") as mine:
        mine.take(MAX_OF_ADDRESS)
        with pytest.raises(Refused, match=r"gateway\.crowded"), room.of("10.0.0.2") as more:
            more.take(1)
        with room.of("10.0.0.3") as theirs:
            theirs.take(MAX_OF_ADDRESS)
    with room.of("10.0.0.2") as again:
        again.take(MAX_OF_ADDRESS)


def test_a_body_that_never_ends_is_408(ground: Ground, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends a byte now and then holds a place for so long and no longer."""
    assert PATIENCE <= 60
    monkeypatch.setattr(bodies, "PATIENCE", 1.0)
    with socket.create_connection(("127.0.0.1", ground.port), timeout=60) as plain:
        plain.sendall(heading(ground, token, "Content-Length: 500") + b'{"sql"')
        assert read_problem(plain) == (408, "gateway.slow_body")


# -- readers who go, or stay without reading -----------------------------------------------------
def asked(ground: Ground, token: str, sql: str) -> tuple[socket.socket, str]:
    """A raw connection whose answer has begun, and the query's id. Its own buffer is small."""
    plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    plain.settimeout(60)
    plain.connect(("127.0.0.1", ground.port))
    question = json.dumps({"sql": sql}).encode()
    plain.sendall(heading(ground, token, f"Content-Length: {len(question)}") + question)
    read = b""
    while b"\r\n\r\n" not in read:
        read += plain.recv(1024)
    found = re.search(rb"enclave-query: (\S+)", read)
    assert found is not None, read
    return plain, found[1].decode()


def vanish(plain: socket.socket) -> None:
    """Gone without a goodbye: a reset, as of a machine that is switched off."""
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    plain.close()


def test_a_client_that_vanishes_in_mid_stream_leaves_nothing_running(ground: Ground, token: str) -> None:
    """More often than a session may ask at once: each end is recorded, and each place is free again."""
    for _ in range(6):
        plain, query = asked(ground, token, ENDLESS)
        for _ in range(20):
            assert plain.recv(16_384)
        vanish(plain)
        state = ground.settled(token, query)
        assert (state["state"], state["code"]) == ("aborted", "query.disconnected")
        assert [leaf["action"] for leaf in ground.leaves(query)] == ["query.authorised", "query.aborted"]
    assert ground.query(token, COUNT).status == 200


def test_a_client_that_vanishes_before_it_has_said_everything_began_nothing(
    ground: Ground, token: str
) -> None:
    def questions() -> int:
        return sum(leaf["action"].startswith("query.") for leaf in ground.leaves())

    before = questions()
    for _ in range(40):
        plain = socket.create_connection(("127.0.0.1", ground.port), timeout=60)
        plain.sendall(heading(ground, token, "Content-Length: 500") + b'{"sql": "SELECT')
        vanish(plain)
    assert ground.query(token, COUNT).status == 200
    assert questions() - before == 2


def test_a_reader_who_takes_nothing_loses_the_query(
    ground: Ground, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection stays open and unread: the query ends, says so, and its place is free."""
    monkeypatch.setattr(stream, "TAKEN", 1.0)
    held = [asked(ground, token, ENDLESS) for _ in range(4)]
    try:
        for _, query in held:
            state = ground.settled(token, query)
            assert (state["state"], state["code"]) == ("aborted", "query.disconnected")
        assert ground.query(token, COUNT).status == 200
    finally:
        for plain, _ in held:
            vanish(plain)


@pytest.mark.parametrize("reading", [True, False])
def test_a_revoked_session_ends_a_stream_that_never_pauses(
    ground: Ground, token: str, permit: Permit, reading: bool
) -> None:
    """Whether its pieces are taken as fast as they come or not at all, no look at the session is left out."""
    plain, query = asked(ground, token, ENDLESS)
    try:
        ground.revoke("tanaka")
        revoked = time.monotonic()
        again = ground.session("tanaka", permit)
        while reading and plain.recv(1 << 20):
            assert time.monotonic() - revoked < 30
        state = ground.settled(again, query, 30)
        assert (state["state"], state["code"]) == ("aborted", "session.ended")
    finally:
        vanish(plain)


# -- a thousand at once --------------------------------------------------------------------------
@contextmanager
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def crowd(ground: Ground, request: bytes, number: int) -> list[tuple[int, str, str]]:
    """(status, code, query's id) of that many requests from 127.0.0.2, all sent before any is answered."""
    opened = [
        await asyncio.open_connection("127.0.0.1", ground.port, local_addr=("127.0.0.2", 0))
        for _ in range(number)
    ]
    for _, writer in opened:
        writer.write(request)

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, str, str]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        whole = await reader.read()
        writer.close()
        status = int(head.split(" ")[1])
        said = json.loads(whole) if "problem+json" in head else {}
        query = re.search(r"enclave-query: (\S+)", head)
        return status, said.get("code", ""), query[1] if query else ""

    return await asyncio.gather(*(answered(*one) for one in opened))


@pytest.mark.parametrize("asking", ["queries", "session"])
def test_a_thousand_requests_at_once_are_all_answered_and_delay_nobody_else(
    ground: Ground, permit: Permit, asking: str
) -> None:
    """Each has an answer or a code; what was authorised is answered and recorded; somebody in another workspace, who
    asks all the while, does not wait for two seconds: once at most, for a disk may pause while it writes."""
    crowded = ground.session("tanaka", permit, address="127.0.0.2")
    other = ground.session("suda", permit)
    assert ground.query(other, COUNT).status == 200
    question = json.dumps({"sql": COUNT}).encode()
    text = heading(ground, crowded, f"Content-Length: {len(question)}\r\nConnection: close") + question
    if asking == "session":
        text = heading(ground, crowded, "Connection: close").replace(b"POST /v1/queries", b"GET /v1/session")
    waited: list[float] = []
    over = threading.Event()

    def meanwhile() -> None:
        while not over.is_set():
            began = time.monotonic()
            assert ground.query(other, COUNT).status == 200
            waited.append(time.monotonic() - began)

    neighbour = threading.Thread(target=meanwhile)
    with many_files():
        neighbour.start()
        answers = asyncio.run(crowd(ground, text, 1000))
        over.set()
        neighbour.join(60)
    codes = Counter((status, code) for status, code, _ in answers)
    assert set(codes) <= {(200, ""), (429, "gateway.crowded"), (429, "gateway.busy")}, codes
    assert codes.total() == 1000
    assert codes[200, ""] >= 4
    assert waited
    slow = [one for one in waited if one >= 2]
    assert not slow or (len(slow) <= max(1, len(waited) // 20) and len(waited) > 5), waited
    for _, _, query in answers:
        if query:
            actions = [leaf["action"] for leaf in ground.leaves(query)]
            assert actions == ["query.authorised", "query.answered"]
    assert codes[429, "gateway.crowded"] > 1000 - 8 * MAX_REQUESTS
    assert ground.query(crowded, COUNT).json()["code"] == "session.address"
