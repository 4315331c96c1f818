"""Custody as another process sees it: HTTP over its Unix socket.

Decides nothing. Silence, a server's error and an answer that is not one are all the same no: `custody.unavailable`.
"""

import csv
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

from enclave.adapters.unix_http import SILENCE, Connection
from enclave.config import Site
from enclave.core.refusal import Refused

BUILD_PATIENCE = 6 * 3600.0
"""Seconds that a build or a registration may take; everything else answers at once."""

AT_ONCE = 5_000
"""Withdrawals that are sent in one request."""

PATIENCE = 10.0

EXAMINE_PATIENCE = 120.0
"""Seconds that the comparison of an output with everything released before may take."""


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
        self._socket = socket
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

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

    def progress(self, provision: str) -> dict[str, Any]:
        """`{n, table, share}` of the build that runs; `{}` where none does."""
        return self._ask("GET", f"/v1/builds/{provision}", None, PATIENCE)

    def withdraw(
        self, withdrawals: Sequence[Mapping[str, str]], actor: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Leave persons out from a day on; each `{database, person, kind, effective}`. Raises Refused."""
        told: dict[str, Any] = {"entered": 0, "known": 0, "unknown": 0, "log": []}
        for start in range(0, max(1, len(withdrawals)), AT_ONCE):
            body = {
                "withdrawals": [dict(one) for one in withdrawals[start : start + AT_ONCE]],
                "actor": actor,
            }
            found = self._ask("POST", "/v1/withdrawals", body, BUILD_PATIENCE)
            for count in ("entered", "known", "unknown"):
                told[count] += found[count]
            told["log"].append(found["log"])
        return told

    def trace(self, database: str, person: str, actor: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Which provisions contained a person, by the holder's number. For the custodian alone. Raises Refused."""
        body = {"database": database, "person": person, "actor": actor}
        return self._ask("POST", "/v1/traces", body, BUILD_PATIENCE)

    def report(self, provision: str | None, actor: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The provision ledger, all or one, with the certificates of erasures. Raises Refused."""
        return self._ask("POST", "/v1/reports", {"provision": provision, "actor": actor}, PATIENCE)

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

    def examine(
        self,
        envelope: Mapping[str, Any],
        n: int,
        output: str,
        *,
        database: str,
        floor: int,
        zero_hidden: bool,
        rule_set: str,
        cells: Sequence[Mapping[str, Any]],
        session: str,
        person: str,
        unread: bool = False,
        unjudged: Sequence[str] = (),
        strictest: int = 0,
    ) -> Mapping[str, Any]:
        """`{findings, bound, log}`: what the cells of an output tell together with all released before. Raises Refused.

        Cells are `{table, keys, persons, definition, measure, value}` (`custody_releases.lines_of`); `unread` and
        `unjudged` and `strictest` as in `custody_releases.Asked`.
        """
        body = {
            "envelope": envelope, "n": n, "database": database, "floor": floor, "zero_hidden": zero_hidden,
            "rule_set": rule_set, "cells": list(cells), "session": session, "person": person,
            "unread": unread, "unjudged": list(unjudged), "strictest": strictest,
        }  # fmt: skip
        target = f"/v1/releases/{output}/examined"
        return self._ask("POST", target, body, EXAMINE_PATIENCE, "custody.examination_long")

    def conclude(self, output: str, released: bool, checker: str) -> None:
        """An output is history from now on, or forgotten. Raises Refused `custody.release_collides`."""
        body = {"released": released, "actor": {"person": checker, "role": "checker"}}
        self._ask("POST", f"/v1/releases/{output}/concluded", body, EXAMINE_PATIENCE)

    def publications(
        self, target: str, body: Mapping[str, Any], actor: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Enter a public table as released (`""`), or list what is (`"/listed"`). Raises Refused."""
        return self._ask("POST", f"/v1/publications{target}", {**body, "actor": actor}, EXAMINE_PATIENCE)

    def erase(self, provision: str, actor: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Destroy a provision's keys and files; the certificate."""
        return self._ask("DELETE", f"/v1/extracts/{provision}", {"actor": actor}, BUILD_PATIENCE)

    def ping(self) -> None:
        """Raise Refused `custody.unavailable` unless custody answers."""
        self._ask("GET", "/healthz", None, 2.0)

    def _ask(
        self,
        method: str,
        target: str,
        body: Mapping[str, Any] | None,
        patience: float,
        late: str = "custody.unavailable",
    ) -> dict[str, Any]:
        asking = Connection(self._socket)
        try:
            sent = None if body is None else json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
            status, raw = asking.ask(method, quote(target), sent, self._headers, patience)
            found = json.loads(raw)
        except TimeoutError:
            raise Refused(late, {} if late == "custody.unavailable" else {"seconds": int(patience)}) from None
        except (*SILENCE, ValueError):
            raise Refused("custody.unavailable") from None
        finally:
            # Seldom asked, and by everybody: a kept connection would only age.
            asking.close()
        if not isinstance(found, dict):
            raise Refused("custody.unavailable")
        if status == 200:
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


def extract(
    site: Site,
    envelope: Mapping[str, Any],
    *,
    person: str,
    provision: str,
    refresh: bool = False,
    tell: Callable[[str, float], None] | None = None,
) -> dict[str, Any]:
    """`enclave data extract`: the manifest. `tell` hears the table and the share of the work that is done."""
    custody = custody_of(site, "operator")
    over = threading.Event()

    def listen() -> None:
        while tell is not None and not over.wait(0.5):
            try:
                found = custody.progress(provision)
            except Refused:
                continue
            if found:
                tell(str(found["table"]), float(found["share"]))

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        return custody.extract(envelope, refresh=refresh, actor={"person": person, "role": "custodian"})
    finally:
        over.set()
        listener.join()


def erase(site: Site, provision: str, *, person: str) -> dict[str, Any]:
    """`enclave data erase`: the certificate."""
    return custody_of(site, "operator").erase(provision, {"person": person, "role": "custodian"})


def withdraw(site: Site, withdrawals: Sequence[Mapping[str, str]], *, person: str) -> dict[str, Any]:
    """`enclave data optout`."""
    return custody_of(site, "operator").withdraw(withdrawals, {"person": person, "role": "custodian"})


def trace(site: Site, database: str, number: str, *, person: str) -> dict[str, Any]:
    """`enclave data trace`."""
    return custody_of(site, "operator").trace(database, number, {"person": person, "role": "custodian"})


def report(site: Site, provision: str | None, *, person: str) -> dict[str, Any]:
    """`enclave data report`."""
    return custody_of(site, "operator").report(provision, {"person": person, "role": "custodian"})


def publish(
    site: Site, database: str, release: str, cells: Sequence[Mapping[str, Any]], *, person: str
) -> dict[str, Any]:
    """`enclave releases enter`."""
    body = {"database": database, "release": release, "cells": list(cells)}
    return custody_of(site, "operator").publications("", body, {"person": person, "role": "custodian"})


def released(site: Site, database: str, *, person: str) -> dict[str, Any]:
    """`enclave releases list`."""
    actor = {"person": person, "role": "custodian"}
    return custody_of(site, "operator").publications("/listed", {"database": database}, actor)


KINDS = ("opt-out", "stop", "deletion")


def read_withdrawals(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV with the columns `database, person, kind, effective`, in UTF-8.

    Raises Refused `custody.withdrawal_malformed` with line and column, `custody.withdrawal_empty`.
    """
    found = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            for row in reader:
                line = reader.line_num
                for column in ("database", "person", "kind", "effective"):
                    if not (row.get(column) or "").strip():
                        raise Refused("custody.withdrawal_malformed", {"line": line, "column": column})
                one = {
                    column: str(row[column]).strip() for column in ("database", "person", "kind", "effective")
                }
                if one["kind"] not in KINDS:
                    raise Refused("custody.withdrawal_malformed", {"line": line, "column": "kind"})
                try:
                    date.fromisoformat(one["effective"])
                except ValueError:
                    raise Refused(
                        "custody.withdrawal_malformed", {"line": line, "column": "effective"}
                    ) from None
                found.append(one)
    except csv.Error:
        raise Refused("custody.withdrawal_malformed", {"line": reader.line_num + 1, "column": "?"}) from None
    except UnicodeDecodeError:
        raise Refused("custody.withdrawal_malformed", {"line": _undecodable(path), "column": "?"}) from None
    except OSError:
        raise Refused("custody.withdrawal_malformed", {"line": "?", "column": "?"}) from None
    if not found:
        raise Refused("custody.withdrawal_empty")
    return found


def _undecodable(path: Path) -> int:
    """The line with the first byte that is no UTF-8."""
    try:
        path.read_bytes().decode()
    except UnicodeDecodeError as wrong:
        return wrong.object.count(b"\n", 0, wrong.start) + 1
    return 1
