"""HTTPS to the gateway: one address, one certificate authority, one token; nothing else is ever contacted.

Relies on `session.json` `{gateway, token}` and `ca.pem` in one folder (`/run/enclave`). The machine's own list of
authorities is not loaded: only the site's authority is trusted. Does not follow redirects, and has no proxy.
"""

import contextlib
import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from enclave_client.refusal import Refused
from enclave_client.words import Language

CONNECT_SECONDS = 20.0
ANSWER_SECONDS = 120.0
"""For all but queries and submissions."""
SUBMIT_SECONDS = 600.0
"""Checking a submission recomputes the answers that it refers to, and lays them beside everything released before."""
Json = dict[str, Any]


class Gateway:
    """Sends requests with the session's token; a no of the gateway becomes `Refused`."""

    def __init__(self, folder: Path, language: Language) -> None:
        session_file, authority = folder / "session.json", folder / "ca.pem"
        for file in (session_file, authority):
            if not file.is_file():
                raise Refused.own("client.not_a_workspace", language, file=str(file))
        session = json.loads(session_file.read_text())
        address = urlsplit(session["gateway"])
        if address.scheme != "https" or not address.hostname:
            raise Refused.own("client.unreachable", language)
        self._host, self._port, self._prefix = address.hostname, address.port or 443, address.path.rstrip("/")
        self._token: str = session["token"]
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._tls.load_verify_locations(cafile=str(authority))
        self.language: Language = language

    def __repr__(self) -> str:
        return f"Gateway({self._host}:{self._port})"  # never the token: a notebook's output is kept

    @contextlib.contextmanager
    def open(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        patient: bool = False,
        seconds: float = ANSWER_SECONDS,
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer to one request, still to be read. Raises `Refused` for every status but 2xx.

        A `patient` request may take as long as the query takes.
        """
        connection = http.client.HTTPSConnection(
            self._host, self._port, timeout=CONNECT_SECONDS, context=self._tls
        )
        headers = {"Authorization": f"Bearer {self._token}", "Accept-Language": self.language}
        data = None
        if body is not None:
            data = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
            headers["Content-Type"] = "application/json"
        try:
            try:
                connection.connect()
                connection.sock.settimeout(None if patient else seconds)
                connection.request(method, self._prefix + path, data, headers)
                response = connection.getresponse()
            except (OSError, http.client.HTTPException) as silent:
                raise Refused.own("client.unreachable", self.language) from silent
            if not 200 <= response.status < 300:
                raise self._no(response)
            yield response
        finally:
            connection.close()

    def json(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        seconds: float = ANSWER_SECONDS,
    ) -> Json:
        """One request whose answer is a JSON object."""
        with self.open(method, path, body, seconds=seconds) as response:
            try:
                answer = json.loads(response.read() or b"{}")
            except (ValueError, OSError, http.client.HTTPException) as broken:
                raise Refused.own("client.answer", self.language, status=response.status) from broken
        if not isinstance(answer, dict):
            raise Refused.own("client.answer", self.language, status=200)
        return answer

    def _no(self, response: http.client.HTTPResponse) -> Refused:
        try:
            problem = json.loads(response.read())
        except (ValueError, OSError, http.client.HTTPException):
            problem = None
        if isinstance(problem, dict) and "code" in problem:
            return Refused.from_problem(problem, self.language)
        return Refused.own("client.answer", self.language, status=response.status)
