"""The hub as the portal uses it: who logged in (OAuth), and a person's workspaces (REST API).

Decides nothing. A hub that is silent, slow or answers nonsense is one no: `hub.unavailable`. A hub that says why it
refused a workspace says it with a code in its message; that code becomes the refusal's.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import httpx

from enclave.core.refusal import Refused

PATIENCE = 5.0
"""Seconds that an answer may take."""

PATIENCE_START = 30.0
"""Seconds for a start: the hub answers when the workspace is ready or after its own slow_spawn_timeout (10)."""

_CODE = re.compile(r"\b[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+\b")
_MARKED = re.compile(r"\[([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+)\]")
"""Our hub ends its sentences with the code in brackets."""

STORIES = ("session", "permit", "policy", "ledger", "custody", "hub", "application", "export", "query")


@dataclass(frozen=True)
class Server:
    """One of a person's named servers: `pending` is `spawn`, `stop` or None."""

    name: str
    ready: bool
    pending: str | None


class Hub(Protocol):
    """What the portal asks of the hub. Every method raises Refused `hub.unavailable` where it is silent."""

    def authorize_url(self, state: str, verifier: str) -> str:
        """Where a browser goes to log in."""
        ...

    def exchange(self, code: str, verifier: str) -> str:
        """The token for a code. Raises Refused `session.login_failed`."""
        ...

    def whoami(self, token: str) -> str | None:
        """The person of a token, None where it is worth nothing any more."""
        ...

    def servers(self, person: str) -> Mapping[str, Server]:
        """A person's active servers by name."""
        ...

    def start(self, person: str, project: str, language: str) -> None:
        """Begin to start a server that speaks a language (`ja` or `en`). Raises Refused with the hub's code, or `hub.refused`."""
        ...

    def stop(self, person: str, project: str) -> None:
        """Begin to stop a server; nothing where there is none."""
        ...

    def failure(self, person: str, project: str) -> Refused | None:
        """Why the last start failed, None where it did not."""
        ...


class HubApi:
    """The hub's REST API with a service token. Safe to share between threads."""

    def __init__(self, api_url: str, origin: str, service: str, token: str) -> None:
        """`origin` is the hub's public one; `service` its name for us, whose OAuth client is `service-<name>`."""
        self._origin = origin
        self._client_id = f"service-{service}"
        self._token = token
        self._http = httpx.Client(
            base_url=api_url,
            timeout=PATIENCE,
            trust_env=False,
            limits=httpx.Limits(max_connections=40, max_keepalive_connections=20),
        )

    @property
    def callback(self) -> str:
        return f"{self._origin}/oauth_callback"

    # -- who logged in --------------------------------------------------------------------------
    def authorize_url(self, state: str, verifier: str) -> str:
        asked = {
            "client_id": self._client_id,
            "redirect_uri": self.callback,
            "response_type": "code",
            "state": state,
            "code_challenge": code_challenge(verifier),
            "code_challenge_method": "S256",
        }
        return f"{self._origin}/hub/api/oauth2/authorize?{urlencode(asked)}"

    def exchange(self, code: str, verifier: str) -> str:
        answer = self._call(
            "POST",
            "/oauth2/token",
            data={
                "client_id": self._client_id,
                "client_secret": self._token,
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self.callback,
                "code_verifier": verifier,
            },
            bearer=None,
        )
        if answer.status_code >= 500:
            raise Refused("hub.unavailable")
        token = _object(answer).get("access_token") if answer.status_code == 200 else None
        if not isinstance(token, str) or not token:
            raise Refused("session.login_failed")
        return token

    def whoami(self, token: str) -> str | None:
        answer = self._call("GET", "/user", bearer=token)
        if answer.status_code in {401, 403}:
            return None
        body = _object(_good(answer))
        name = body.get("name")
        return name if body.get("kind") == "user" and isinstance(name, str) else None

    # -- workspaces -------------------------------------------------------------------------------
    def servers(self, person: str) -> Mapping[str, Server]:
        answer = self._call("GET", f"/users/{quote(person, safe='')}")
        if answer.status_code == 404:
            return {}
        found = _object(_good(answer)).get("servers") or {}
        if not isinstance(found, dict):
            raise Refused("hub.unavailable")
        return {
            str(name): Server(str(name), bool(s.get("ready")), s.get("pending"))
            for name, s in found.items()
            if isinstance(s, dict) and not s.get("stopped", False)
        }

    def start(self, person: str, project: str, language: str) -> None:
        answer = self._call("POST", _server(person, project), timeout=PATIENCE_START, language=language)
        if answer.status_code in {201, 202} or (
            answer.status_code == 400 and "already running" in answer.text
        ):
            return
        raise _refusal(answer)

    def stop(self, person: str, project: str) -> None:
        answer = self._call("DELETE", _server(person, project), timeout=PATIENCE_START)
        if answer.status_code not in {202, 204, 404}:
            raise _refusal(answer)

    def failure(self, person: str, project: str) -> Refused | None:
        place = f"{_server(person, project)}/progress"
        try:
            with self._http.stream("GET", place, headers=self._headers(self._token), timeout=2.0) as answer:
                if answer.status_code != 200:
                    return None
                for line in answer.iter_lines():
                    if not line.startswith("data:"):
                        continue
                    event = json.loads(line.removeprefix("data:"))
                    return refusal_in(str(event.get("message", ""))) if event.get("failed") else None
        except (httpx.HTTPError, ValueError):
            return None
        return None

    # -- the wire ---------------------------------------------------------------------------------
    def _headers(self, bearer: str | None) -> dict[str, str]:
        return {} if bearer is None else {"Authorization": f"token {bearer}"}

    def _call(
        self,
        method: str,
        place: str,
        *,
        data: Mapping[str, str] | None = None,
        bearer: str | None = "",
        timeout: float = PATIENCE,
        language: str | None = None,
    ) -> httpx.Response:
        token = self._token if bearer == "" else bearer
        headers = dict(self._headers(token))
        if language is not None:
            headers["Accept-Language"] = language
        try:
            return self._http.request(method, place, data=data, headers=headers, timeout=timeout)
        except httpx.HTTPError as error:
            raise Refused("hub.unavailable") from error


def code_challenge(verifier: str) -> str:
    """RFC 7636, S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def refusal_in(message: str) -> Refused:
    """The refusal whose code stands in a message of the hub; `hub.refused` where none does."""
    for found in (*_MARKED.findall(message), *_CODE.findall(message)):
        if found.split(".")[0] in STORIES:
            return Refused(found)
    return Refused("hub.refused")


def _refusal(answer: httpx.Response) -> Refused:
    try:
        message = str(_object(answer).get("message", ""))
    except Refused:
        message = answer.text[:400]
    refused = refusal_in(message)
    silent = refused.code == "hub.refused" and answer.status_code in {502, 503, 504}
    return Refused("hub.unavailable") if silent else refused


def _server(person: str, project: str) -> str:
    return f"/users/{quote(person, safe='')}/servers/{quote(project, safe='')}"


def _good(answer: httpx.Response) -> httpx.Response:
    if answer.status_code != 200:
        raise Refused("hub.unavailable")
    return answer


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        raise Refused("hub.unavailable") from None
    if not isinstance(found, dict):
        raise Refused("hub.unavailable")
    return found
