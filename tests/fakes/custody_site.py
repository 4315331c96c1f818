"""Custody on a place of its own, with the real vault, engine and files; ledger and policy are handed in."""

import hashlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from enclave import config
from enclave.adapters import signing
from enclave.adapters.custodian import Caller, Custodian
from enclave.config import Site
from enclave.core import permit as permits
from enclave.core.clock import Clock, parse_rfc3339
from enclave.core.event import Actor
from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.custody.plan import Predicate

ROOT = Path(__file__).parents[2]
NAFLD = ROOT / "deploy" / "demo" / "nafld" / "descriptor.yaml"
KEY = signing.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"the test's permit key").digest())
TRUSTED = {signing.key_id(KEY.public_key()): KEY.public_key()}
YAMAMOTO = Caller("operator", Actor("yamamoto", "custodian"))
GATEWAY = Caller("gateway", Actor("tanaka", "handler", "s-1"))
DATABASES: dict[str, Any] = {
    "nafld": {
        "patients": {"columns": ["pid", "age", "male", "bmi", "futime", "status", "case_pid"]},
        "labs": {"columns": ["pid", "days", "test", "value"]},
        "events": {"columns": ["pid", "days", "event"]},
    }
}


class Deciding:
    """A policy server for tests: says what it is told to, and keeps what it was asked."""

    def __init__(self, answer: Mapping[str, Any] | None = None) -> None:
        self.answer: Mapping[str, Any] | None = {"allow": True, "deny": []} if answer is None else answer
        self.asked: list[dict[str, Any]] = []

    def decide(self, path: str, question: dict[str, Any]) -> Mapping[str, Any]:
        self.asked.append({"path": path, **question})
        if self.answer is None:
            raise Refused("policy.unavailable")
        return self.answer


def compiled(text: str, columns: Mapping[str, str]) -> Predicate:
    """Stands for the query grammar: `<column> <operator> <whole number>` and nothing else."""
    column, operator, number = text.split()
    if operator not in {"<", ">=", "="}:
        raise Refused("query.syntax")
    return Predicate(f'"{column}" {operator} {int(number)}', (column,))


def noon() -> Any:
    """A moment inside the test permits' validity."""
    return parse_rfc3339("2026-12-01T12:00:00Z")


def a_site(home: Path, patch: pytest.MonkeyPatch) -> Site:
    """The site `test` below a folder, with the program's own policies."""
    patch.setattr(config, "HOMES", home / "homes")
    patch.setattr(config, "PREFIX", home / "prefix")
    site = Site("test", 1)
    for place in (site.custody, site.extracts, site.catalogue, site.policies.parent):
        place.mkdir(parents=True)
    site.policies.symlink_to(ROOT / "policies")
    return site


def a_custodian(site: Site, ledger: Any, policy: Any = None, now: Clock = noon) -> Custodian:
    return Custodian(
        site,
        ledger=ledger,
        policy=policy or Deciding(),
        compile_rows=compiled,
        trusted=lambda: TRUSTED,
        now=now,
    )


def a_permit(**more: Any) -> Permit:
    return permits.parse(
        {
            "schema": "enclave.permit/1",
            "permit_id": "p-2026-0007",
            "revision": 1,
            "project": "nafld-fib",
            "provision": "v-81c2",
            "handlers": ["tanaka"],
            "purpose": "脂肪肝と予後",
            "tier": "record",
            "databases": DATABASES,
            "linkage_groups": [["nafld"]],
            "rule_sets": ["ndb-2024-09"],
            "valid_from": "2026-11-01T00:00:00Z",
            "valid_to": "2027-10-31T15:00:00Z",
            **more,
        }
    )


def signed(**more: Any) -> signing.Envelope:
    return signing.sign_permit(a_permit(**more), KEY)


def a_small_database(folder: Path, extra: str = "") -> Path:
    """Three persons, two tables and every type, as the custodian's files; the descriptor's path."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "people.csv").write_text(
        "id,age,sex,born,first,bmi,dead,clinic,note\n"
        "A-1,17,f,2009-03-04,2024-04,20.5,0,K1,secret note\n"
        " 2.0 ,44,m,1980-12-31,202405,,true,K2,secret note\n"
        "003,71,f,1953-01-01,2024-06,31.25,0,K1,secret note\n" + extra,
        encoding="utf-8",
    )
    (folder / "visits.csv").write_text("id,day,home\n2,5,01202\n2,12,\nA-1,7,13101\n", encoding="utf-8")
    path = folder / "descriptor.yaml"
    path.write_text(
        """
database: small
tables:
  people:
    file: people.csv
    person: id
    columns:
      age: {type: int, role: identifying}
      sex: {type: code, role: identifying}
      born: {type: date, role: date}
      first: {type: month, role: date}
      bmi: {type: float, role: clinical}
      dead: {type: bool, role: outcome}
      clinic: {type: text, role: facility}
  visits:
    file: visits.csv
    person: id
    columns:
      day: {type: int, role: date}
      home: {type: code, system: muni, role: area}
"""
    )
    return path


def refused(code: str, ask: Callable[[], Any]) -> Refused:
    """The refusal that `ask` ends in."""
    with pytest.raises(Refused) as no:
        ask()
    assert no.value.code == code, no.value
    return no.value
