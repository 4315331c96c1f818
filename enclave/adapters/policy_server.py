"""The policy server (OPA) over its Unix socket: one question, one decision, or silence, which is a no.

Decides nothing. A missing `result` is an undefined decision and is handed on as a denial; whatever else is not a
decision within the time limit raises Refused `policy.unavailable`. Nothing is cached: a grant that ended must end.
The socket's file permissions say who may ask (group enclave-services).
"""

import hashlib
import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from opa_client.opa import OpaClient

from enclave.adapters.unix_http import SILENCE, Connection
from enclave.config import PREFIX
from enclave.core.refusal import Refused

TIMEOUT = 2.0
"""Seconds; a decision takes about a millisecond."""

CONNECTIONS = 16
"""Kept between decisions."""

_HEADERS = {"Content-Type": "application/json"}


def _bytes(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value).encode()


class _Answer:
    """One answer, with what the client asks of it."""

    def __init__(self, status: int, body: bytes) -> None:
        self._status, self._body = status, body

    def raise_for_status(self) -> None:
        """Raises HTTPException for anything but a yes of HTTP."""
        if self._status != 200:
            raise http.client.HTTPException(f"status {self._status}")

    def json(self) -> Any:
        return json.loads(self._body)


class _OverSocket:
    """Stands for the client's session, which has no way to a socket file: connections that are kept, for any thread.

    Nothing of a session is needed between us and a server at hand: cookies, redirects, proxies of the environment. Leaving
    them out halves what asking costs.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: deque[Connection] = deque()

    def post(self, url: str, json: Mapping[str, Any], timeout: float) -> _Answer:
        """As `requests.Session.post`. Raises one of `SILENCE`."""
        return self._post(urlsplit(url).path, _bytes(json), timeout)

    def begin(self, target: str, json: Mapping[str, Any], timeout: float) -> Callable[[], _Answer]:
        """The same in two steps: it is asked now, and heard when what is returned is called, once.

        Both raise one of `SILENCE`. `timeout` seconds to ask and as many to hear: what lies between is the asker's own.
        """
        body, connection = _bytes(json), self._taken() or Connection(self._path)
        fresh = not connection.kept
        try:
            connection.say("POST", target, body, _HEADERS, timeout)
        except SILENCE as silence:
            if fresh or isinstance(silence, TimeoutError):
                raise
            # Heard on another connection, as below.

        def heard() -> _Answer:
            try:
                return self._given_back(connection, connection.hear(timeout))
            except SILENCE as silence:
                if fresh or isinstance(silence, TimeoutError):
                    raise
                return self._post(target, body, timeout)

        return heard

    def _post(self, target: str, body: bytes, timeout: float) -> _Answer:
        while (kept := self._taken()) is not None:
            try:
                return self._asked(kept, target, body, timeout)
            except TimeoutError:
                raise
            except SILENCE:
                # A kept connection dies when the server restarts; asking again has no effect but the answer.
                continue
        return self._asked(Connection(self._path), target, body, timeout)

    def close(self) -> None:
        while (kept := self._taken()) is not None:
            kept.close()

    def _taken(self) -> Connection | None:
        while self._idle:
            try:
                kept = self._idle.pop()
            except IndexError:  # another thread was faster
                return None
            if kept.kept:
                return kept
        return None

    def _asked(self, connection: Connection, target: str, body: bytes, timeout: float) -> _Answer:
        return self._given_back(connection, connection.ask("POST", target, body, _HEADERS, timeout))

    def _given_back(self, connection: Connection, said: tuple[int, bytes]) -> _Answer:
        answer = _Answer(*said)
        if connection.kept and len(self._idle) < CONNECTIONS:
            self._idle.append(connection)
        else:
            connection.close()
        return answer


class PolicyServer:
    """A client of the policy server at `path`. Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self._client = OpaClient(host="localhost", retries=0, timeout=TIMEOUT)
        self._client.close_connection()
        self._over = self._client._session = _OverSocket(path)

    def decide(self, path: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """The decision at `path` (`enclave/<story>/decision`): `{allow, deny, obligations}`.

        An undefined decision is `{allow: false, deny: ["policy.undefined"], obligations: {}}`.
        Raises Refused `policy.unavailable`.
        """
        return _decision(self._ask(path, question))

    def begin(self, path: str, question: Mapping[str, Any]) -> Callable[[], Mapping[str, Any]]:
        """`decide` in two steps: asked now; what is returned waits for the decision. Both raise `policy.unavailable`."""
        try:
            heard = self._over.begin(f"/v1/data/{path}", {"input": question}, TIMEOUT)
        except SILENCE as error:
            raise Refused("policy.unavailable") from error

        def decided() -> Mapping[str, Any]:
            try:
                answer = heard()
                answer.raise_for_status()
                return _decision(answer.json())
            except (*SILENCE, ValueError) as error:
                raise Refused("policy.unavailable") from error

        return decided

    def _ask(self, path: str, question: Mapping[str, Any]) -> Any:
        try:
            return self._client.query_rule(dict(question), path)
        except (*SILENCE, ValueError) as error:
            raise Refused("policy.unavailable") from error

    def healthy(self) -> bool:
        """Whether the server answers with the policies loaded: an empty application is denied for a reason."""
        try:
            deny = self.decide("enclave/review/decision", {}).get("deny")
        except Refused:
            return False
        return isinstance(deny, list) and bool(deny) and "policy.undefined" not in deny

    def close(self) -> None:
        self._client.close_connection()


def _decision(answer: Any) -> Mapping[str, Any]:
    decision = answer.get("result") if isinstance(answer, Mapping) else None
    if not isinstance(decision, Mapping):
        return {"allow": False, "deny": ["policy.undefined"], "obligations": {}}
    return decision


def binary() -> Path:
    """The server's program: $ENCLAVE_OPA, the set-up's, or one on the PATH. Raises FileNotFoundError."""
    named = os.environ.get("ENCLAVE_OPA")
    for place in (named, PREFIX / "bin" / "opa", shutil.which("opa")):
        if place and os.access(place, os.X_OK):
            return Path(place)
    raise FileNotFoundError("opa: set ENCLAVE_OPA, or run the set-up")


def command(policies: Path, path: Path) -> list[str]:
    """How the server is started over `path`, with the bundle of `policies`; it asks no other machine anything."""
    return [
        str(binary()),
        "run",
        "--server",
        f"--addr=unix://{path}",
        "--unix-socket-perm=660",
        "--log-level=error",
        "--skip-version-check",
        "--ignore=*_test.rego",
        "--ignore=examples",
        "--bundle",
        str(policies),
    ]


_ENDS_WITH_US = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execv(sys.argv[1], sys.argv[1:])"
"""A private server does not outlive the thread that started it, not even of a process that was killed: PR_SET_PDEATHSIG
with SIGKILL, set by the process that becomes the server, since nothing may run between fork and exec beside threads."""


@contextmanager
def start_private(policies: Path, path: Path, patience: float = 60.0) -> Iterator[PolicyServer]:
    """A server of one's own (tests, `enclave query` where none runs), ended with the block.

    Raises Refused `policy.unavailable` where it does not answer within `patience` seconds.
    """
    path.unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _ENDS_WITH_US, *command(policies, path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"HOME": "/nonexistent", "PATH": "/usr/bin:/bin"},
    )
    server = PolicyServer(path)
    try:
        end = time.monotonic() + patience
        while not server.healthy():
            if process.poll() is not None or time.monotonic() > end:
                raise Refused("policy.unavailable")
            time.sleep(0.05)
        yield server
    finally:
        server.close()
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        path.unlink(missing_ok=True)


def bundle_digest(policies: Path) -> str:
    """`sha256:<hex>` of the policies and their data, as receipts name them: what the server loads, tests left out."""
    listed = [
        [str(file.relative_to(policies)), hashlib.sha256(file.read_bytes()).hexdigest()]
        for file in sorted(policies.rglob("*"))
        if (file.suffix == ".rego" and not file.name.endswith("_test.rego")) or file.name == "data.yaml"
    ]
    return "sha256:" + hashlib.sha256(json.dumps(listed, separators=(",", ":")).encode()).hexdigest()
