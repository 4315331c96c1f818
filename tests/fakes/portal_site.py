"""The portal over real records, real signatures, the real catalogue and the real policies; hub and ledger are little."""

import functools
import hashlib
import json
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from enclave import config
from enclave.adapters import edge, signing
from enclave.adapters import records_schema as t
from enclave.adapters.descriptor_files import read_catalogue, read_descriptor, write_descriptor
from enclave.adapters.export_records import submit_export
from enclave.adapters.migrations import bring_up_to_date
from enclave.adapters.permit_records import permit_of_project
from enclave.adapters.records import Records, connect
from enclave.application.flow import PolicyPort
from enclave.config import Site
from enclave.core.event import Actor, Thing
from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.core.roles import Role
from enclave.custody.manifest import conditions_digest
from enclave.export.release import digest_of, export_digest
from enclave.export.request import Attached, CheckedFile, CheckedSubmission, Finding, Kind
from enclave.portal.deps import Deps
from enclave.portal.sessions import Sessions
from tests.fakes.hub import LittleHub
from tests.fakes.ledger import MemoryLedger

ROOT = Path(__file__).parents[2]
KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"the portal tests' permit key").digest())
METRICS_TOKEN = "count-me"
PEOPLE = (
    ("tanaka", "田中 恵", "Megumi Tanaka", "北都大学", "Hokuto University", Role.RESEARCHER),
    ("mori", "森 健太", "Kenta Mori", "北都大学", "Hokuto University", Role.RESEARCHER),
    ("sato", "佐藤 誠", "Makoto Sato", "専門委員会", "Expert committee", Role.COMMITTEE),
    ("suzuki", "鈴木 京子", "Kyoko Suzuki", "専門委員会", "Expert committee", Role.COMMITTEE),
    ("takahashi", "高橋 直", "Nao Takahashi", "公表物確認", "Output checking", Role.CHECKER),
    ("ito", "伊藤 渚", "Nagisa Ito", "公表物確認", "Output checking", Role.CHECKER),
    ("yamamoto", "山本 修", "Osamu Yamamoto", "データ管理室", "Data custody office", Role.CUSTODIAN),
    ("kobayashi", "小林 梓", "Azusa Kobayashi", "監査室", "Audit office", Role.AUDITOR),
    ("watanabe", "渡辺 豊", "Yutaka Watanabe", "運用室", "Operations", Role.OPERATOR),
)


class Clock:
    """A clock that a test moves."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


class Switched:
    """A policy server that can be ended."""

    def __init__(self, real: PolicyPort) -> None:
        self.real, self.silent = real, False

    def decide(self, path: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.silent:
            raise Refused("policy.unavailable")
        return self.real.decide(path, question)


@dataclass(frozen=True)
class PortalSite:
    """Everything that a page test may touch."""

    site: Site
    deps: Deps
    records: Records
    ledger: MemoryLedger
    hub: LittleHub
    policy: Switched
    clock: Clock

    def permit(self, project: str) -> Permit:
        return permit_of_project(self.records, project, self.deps.trusted()).permit

    def build_extract(self, project: str) -> None:
        """The manifest that custody would write; pages read nothing else of an extract."""
        permit = self.permit(project)
        folder = self.site.extracts / permit.provision / "1"
        folder.mkdir(parents=True)
        manifest = {
            "extract": f"{permit.provision}/1",
            "permit_id": permit.permit_id,
            "provision": permit.provision,
            "built": "2026-11-20T03:00:00Z",
            "tables": {
                f"{d}.{name}": {"rows": 17549, "persons": 17549, "columns": {c: {} for c in grant.columns}}
                for d, name, grant in permit.tables()
            },
            "linkage_groups": [list(g) for g in permit.linkage_groups],
            "conditions": conditions_digest(permit),
            "file": {"name": "extract.duckdb", "digest": "sha256:" + "ab" * 32, "size": 1_880_000},
        }
        (folder / "manifest.json").write_text(json.dumps(manifest))

    def submit(
        self,
        project: str,
        person: str,
        files: tuple[tuple[str, Kind, bytes, tuple[Finding, ...]], ...],
        described: Mapping[str, tuple[bytes, ...]] = MappingProxyType({}),
    ) -> str:
        """An export as the airlock enters it once the machine has checked it. `described`: description and evidence of a file."""
        permit = self.permit(project)
        checked = tuple(
            CheckedFile(
                name,
                kind,
                data,
                digest_of(data),
                findings,
                {"dimensions": ["male"], "counts": {"n": "n"}, "receipt": None}
                | dict(
                    zip(("description", "evidence"), map(digest_of, described.get(name, ())), strict=False)
                ),
                tuple(Attached(one, digest_of(one)) for one in described.get(name, ())),
            )
            for name, kind, data, findings in files
        )
        submission = CheckedSubmission(
            permit.outputs[0].id,
            "First table of the article\n<script>alert(1)</script>",
            checked,
            export_digest((f.name, f.digest, *(one.digest for one in f.attached)) for f in checked),
        )
        export = edge.new_id()
        event = edge.event(
            Actor(person, "handler"),
            "export.submitted",
            Thing("export", export),
            project=project,
            permit=permit.reference,
        )
        now = self.clock()
        submit_export(self.records, self.policy, event, export, submission, permit, ["researcher"], now)
        return export


@functools.cache
def _empty_records() -> bytes:
    """A migrated database, made once: the migrations take longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records.sqlite"
        engine = connect(path)
        bring_up_to_date(engine)
        engine.dispose()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return path.read_bytes()


def make(folder: Path, patch: pytest.MonkeyPatch, policy: PolicyPort) -> PortalSite:
    """A portal in a folder of its own, with the people of the demo and the real database's descriptor."""
    patch.setattr(config, "HOMES", folder)
    site = Site("test", 1)
    for place in (
        site.records.parent,
        site.blobs,
        site.extracts,
        site.catalogue,
        site.secrets / "portal",
        site.log,
    ):
        place.mkdir(parents=True)
    site.records.write_bytes(_empty_records())
    engine = connect(site.records)
    ledger = MemoryLedger()
    records = Records(engine, ledger, site.blobs)
    clock = Clock(datetime(2026, 11, 21, 3, 0, tzinfo=UTC))
    with records.change(
        edge.event(Actor("operator", "operator"), "person.entered", Thing("person", "all"))
    ) as tx:
        # Straight into the table: nobody logs in with a password here, and hashing nine of them takes seconds.
        for name, ja, en, place_ja, place_en, role in PEOPLE:
            row = {"name_ja": ja, "name_en": en, "affiliation_ja": place_ja, "affiliation_en": place_en}
            tx.execute(
                t.persons.insert().values(id=name, password_hash="-", totp_secret="-", active=True, **row)
            )
            tx.execute(
                t.person_roles.insert().values(
                    person=name, role=role.value, granted_at="2026-04-01T00:00:00Z"
                )
            )
    write_descriptor(read_descriptor(ROOT / "deploy" / "demo" / "nafld" / "descriptor.yaml"), site.catalogue)
    hub, switched = LittleHub(site.origin), Switched(policy)
    trusted = {signing.key_id(KEY.public_key()): KEY.public_key()}
    deps = Deps(
        site=site,
        records=records,
        ledger=ledger,
        policy=switched,
        hub=hub,
        signing_key=KEY,
        trusted=lambda: trusted,
        sessions=Sessions(site.secrets / "portal" / "sessions.sqlite"),
        catalogue=lambda: read_catalogue(site),
        now=clock,
        random=lambda n: hashlib.sha256(b"chance").digest()[:n],
        metrics_digest=hashlib.sha256(METRICS_TOKEN.encode()).hexdigest(),
        row_condition=lambda _d, _t, text: ">" in text or "=" in text,
        conclude=lambda _export, _released, _checker: None,
    )
    return PortalSite(site, deps, records, ledger, hub, switched, clock)


def with_profile(made: PortalSite, profile: str) -> Deps:
    """The same portal as another profile would run it."""
    return replace(made.deps, site=replace(made.site, profile=profile))
