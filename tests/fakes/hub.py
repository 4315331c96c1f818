"""A little hub: it logs people in at once, starts workspaces when told how, and can fall silent."""

import secrets
from collections.abc import Mapping
from urllib.parse import urlencode

from enclave.adapters.hub_api import Server
from enclave.core.refusal import Refused


class LittleHub:
    """The port `enclave.adapters.hub_api.Hub`. A started server is pending until `finish` is called."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.silent = False
        self.refuses: Refused | None = None
        self.failed: Refused | None = None
        self.at_once = False
        self.calls: list[tuple[str, str, str]] = []
        self._servers: dict[tuple[str, str], Server] = {}
        self._codes: dict[str, str] = {}
        self._tokens: dict[str, str] = {}
        self.challenges: list[str] = []

    # -- who logged in --------------------------------------------------------------------------
    def authorize_url(self, state: str, verifier: str) -> str:
        self.challenges.append(verifier)
        return f"{self.origin}/hub/api/oauth2/authorize?{urlencode({'state': state})}"

    def code_for(self, person: str) -> str:
        """What the hub's own log-in page would lead to."""
        code = secrets.token_hex(8)
        self._codes[code] = person
        return code

    def exchange(self, code: str, verifier: str) -> str:
        self._answer()
        person = self._codes.pop(code, None)
        if person is None or verifier not in self.challenges:
            raise Refused("session.login_failed")
        token = secrets.token_hex(8)
        self._tokens[token] = person
        return token

    def whoami(self, token: str) -> str | None:
        self._answer()
        return self._tokens.get(token)

    def log_out(self, person: str) -> None:
        """As if the person had logged out at the hub."""
        self._tokens = {t: p for t, p in self._tokens.items() if p != person}

    # -- workspaces -------------------------------------------------------------------------------
    def servers(self, person: str) -> Mapping[str, Server]:
        self._answer()
        return {name: server for (owner, name), server in self._servers.items() if owner == person}

    def start(self, person: str, project: str, language: str) -> None:
        self._answer()
        self.calls.append(("start", person, project))
        if self.refuses is not None:
            raise self.refuses
        pending = None if self.at_once else "spawn"
        self._servers[person, project] = Server(project, self.at_once, pending)

    def finish(self, person: str, project: str) -> None:
        self._servers[person, project] = Server(project, True, None)

    def break_off(self, person: str, project: str, why: Refused) -> None:
        """The start fails after the hub had taken it."""
        self._servers.pop((person, project), None)
        self.failed = why

    def stop(self, person: str, project: str) -> None:
        self._answer()
        self.calls.append(("stop", person, project))
        self._servers.pop((person, project), None)

    def failure(self, person: str, project: str) -> Refused | None:
        return self.failed

    def _answer(self) -> None:
        if self.silent:
            raise Refused("hub.unavailable")
