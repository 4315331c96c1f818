"""Custody as another process sees it: HTTP over its Unix socket.

Decides nothing. Silence, a server's error and an answer that is not one are all the same no: `custody.unavailable`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from enclave.config import Site
from enclave.core.refusal import Refused

BUILD_PATIENCE = 900.0
"""Seconds that a build or a registration may take; everything else answers at once."""

PATIENCE = 10.0


@dataclass(frozen=True)
class OpenedExtract:
    """A key in memory. `key` is what DuckDB's ENCRYPTION_KEY takes; it is never written anywhere."""

    n: int
    manifest: Mapping[str, Any]
    key: str
    log: int

    def __repr__(self) -> str:
        return f"OpenedExtract(n={self.n})"


class CustodyClient:
    """Custody for one caller. Safe to share between threads."""

    def __init__(self, socket: Path, token: str) -> None:
        self._http = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(socket)),
            base_url="http://custody",
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
        )

    def register(self, descriptor: Path, actor: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Take a database in; what was taken and what was not, by table. Raises Refused `catalogue.*`."""
        body = {"descriptor": str(descriptor.resolve()), "actor": actor}
        return self._ask("POST", "/v1/databases", body, BUILD_PATIENCE)

    def databases(self) -> dict[str, Any]:
        return dict(self._ask("GET", "/v1/databases", None, PATIENCE)["databases"])

    def extract(
        self,
        envelope: Mapping[str, Any],
        *,
        refresh: bool = False,
        actor: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The manifest of the permit's extract, built if this revision has none. Raises Refused."""
        body = {"envelope": envelope, "refresh": refresh, "actor": actor}
        return self._ask("POST", "/v1/extracts", body, BUILD_PATIENCE)

    def extracts(self, provision: str) -> list[dict[str, Any]]:
        return list(self._ask("GET", f"/v1/extracts/{provision}", None, PATIENCE)["extracts"])

    def open(
        self,
        provision: str,
        n: int | None,
        envelope: Mapping[str, Any],
        *,
        session: str,
        person: str | None = None,
    ) -> OpenedExtract:
        """The key of extract `n`, or of the newest that the permit matches where `n` is None. Raises Refused."""
        body: dict[str, Any] = {"envelope": envelope, "session": session}
        if person is not None:
            body["person"] = person
        target = f"/v1/extracts/{provision}/{'latest' if n is None else n}/open"
        found = self._ask("POST", target, body, PATIENCE)
        try:
            return OpenedExtract(
                int(found["n"]), dict(found["manifest"]), str(found["key"]), int(found["log"])
            )
        except (KeyError, TypeError, ValueError):
            raise Refused("custody.unavailable") from None

    def erase(self, provision: str, actor: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Destroy a provision's keys and files; the certificate."""
        return self._ask("DELETE", f"/v1/extracts/{provision}", {"actor": actor}, BUILD_PATIENCE)

    def ping(self) -> None:
        """Raise Refused `custody.unavailable` unless custody answers."""
        self._ask("GET", "/healthz", None, 2.0)

    def _ask(
        self, method: str, target: str, body: Mapping[str, Any] | None, patience: float
    ) -> dict[str, Any]:
        try:
            answer = self._http.request(
                method, target, json=body, timeout=httpx.Timeout(patience, connect=2.0)
            )
            found = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            raise Refused("custody.unavailable") from None
        if not isinstance(found, dict):
            raise Refused("custody.unavailable")
        if answer.status_code == 200:
            return found
        try:
            code, facts = str(found["code"]), dict(found["facts"])
            codes = tuple(str(one) for one in found["codes"])
        except (KeyError, TypeError, ValueError):
            raise Refused("custody.unavailable") from None
        raise Refused(code, facts, codes)


def custody_of(site: Site, caller: str) -> CustodyClient:
    """The client of one service or of the operator, with that caller's own token. Raises OSError without it."""
    return CustodyClient(site.custody_socket, site.token(caller, "custody").read_text().strip())


# -- for the commands ----------------------------------------------------------------------------
def register(site: Site, descriptor: Path, *, person: str) -> dict[str, Any]:
    """`enclave data register`: as the custodian `person`, with the operator's token."""
    return custody_of(site, "operator").register(descriptor, {"person": person, "role": "custodian"})


def extract(site: Site, envelope: Mapping[str, Any], *, person: str, refresh: bool = False) -> dict[str, Any]:
    """`enclave data extract`: the manifest."""
    return custody_of(site, "operator").extract(
        envelope, refresh=refresh, actor={"person": person, "role": "custodian"}
    )


def erase(site: Site, provision: str, *, person: str) -> dict[str, Any]:
    """`enclave data erase`: the certificate."""
    return custody_of(site, "operator").erase(provision, {"person": person, "role": "custodian"})
