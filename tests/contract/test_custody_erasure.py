"""After an erasure, whoever has everything that is left on disk cannot say who was called what."""

import base64
import contextlib
import hashlib
import json
import os
import shutil
import zlib
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from enclave.adapters import signing
from enclave.adapters.custodian import Custodian
from enclave.adapters.custody_books import Books
from enclave.adapters.custody_desk import attach_key
from enclave.adapters.custody_engine import Attached, engine
from enclave.adapters.vault import Vault
from enclave.config import Site
from enclave.core.refusal import Refused
from enclave.custody.pseudonym import Permutation, derive
from tests.fakes.custody_site import GATEWAY, YAMAMOTO, a_custodian, a_site, a_small_database, signed
from tests.fakes.ledger_process import LedgerProcess

PERSONS = 400


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A site with the real ledger beside it, and one extract of 400 persons."""
    import tempfile

    folder = Path(tempfile.mkdtemp())  # a socket's path must be short
    ledger = LedgerProcess(folder).start()
    site = a_site(tmp_path, monkeypatch)
    custodian = a_custodian(site, ledger.client("portal"))
    more = "".join(f"P-{n},{20 + n % 60},f,1990-03-04,2024-04,20.5,0,K{n % 7},x\n" for n in range(PERSONS))
    custodian.register(YAMAMOTO, a_small_database(tmp_path / "files", more))
    yield site, custodian, ledger
    ledger.stop()
    shutil.rmtree(folder)


GRANT = {"small": {"people": {"columns": ["age", "clinic"]}}}


def envelope(provision: str = "v-81c2") -> dict[str, Any]:
    return signed(
        databases=GRANT, linkage_groups=[["small"]], provision=provision, permit_id=f"p-{provision}"
    )


def spellings(secret: bytes) -> list[bytes]:
    """Forms in which key material might lie about."""
    found = [secret, secret.hex().encode(), secret.hex().upper().encode(), secret[::-1]]
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        found.append(encode(secret).rstrip(b"="))
    return found


def everything(*places: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for place in places for path in place.rglob("*") if path.is_file()}


def register_of(site: Site) -> dict[str, int]:
    held = Vault(site.custody).held("register", "small")
    assert held is not None
    with engine([Attached(site.custody / held.path, "register", attach_key(held.key))]) as connection:
        return dict(connection.execute("FROM register.numbers.shared").fetchall())


def test_nothing_that_is_left_holds_a_key_or_rebuilds_the_map(ground: Any, tmp_path: Path) -> None:
    """Every byte of site, log and a backup made after the erasure is searched for the keys in every usual spelling, and
    every 32 bytes of it are tried as the provision's key against a pseudonym that is known: none computes it."""
    site, custodian, ledger = ground
    custodian.build(YAMAMOTO, envelope())
    custodian.build(YAMAMOTO, envelope(), refresh=True)
    vault = Vault(site.custody)
    key = vault.provision_key("v-81c2", "p-v-81c2", "")
    data_keys = [vault.data_key("v-81c2", n) for n in (1, 2)]
    numbers = register_of(site)
    permutation = Permutation(derive(key, "person", ["small"]))
    pairs = {number: permutation.of(number) for number in numbers.values()}
    kept = tmp_path / "kept.duckdb"  # somebody kept a copy of the encrypted file
    shutil.copy(site.extracts / "v-81c2" / "1" / "extract.duckdb", kept)
    wrapped = _wrapped(site)
    derived = [derive(key, kind, ["small"]) for kind in ("person", "facility")]
    shaped = [np.array(sorted(pairs.values()), dtype="<u4").tobytes()[:64]]

    custodian.erase(YAMAMOTO, "v-81c2")
    backup = tmp_path / "backup"
    shutil.copytree(site.home, backup)  # what a backup of today holds
    left = everything(site.home, backup, ledger.store) | {kept: kept.read_bytes()}
    secrets = [key, *data_keys, *derived, *wrapped, *shaped]
    for path, held in left.items():
        for secret in secrets:
            for spelling in spellings(secret):
                assert spelling not in held, path.name
    # A compressed page or blob is read too.
    for held in left.values():
        for unpacked in _unpacked(held):
            assert not any(spelling in unpacked for secret in secrets for spelling in spellings(secret))

    number, pseudonym = next(iter(pairs.items()))
    for path in (
        site.custody / "vault.sqlite",
        site.custody / "master.key",
        site.custody / "certificate.key",
    ):
        held = path.read_bytes()
        starts = range(0, max(1, len(held) - 31), 1 if len(held) < 4096 else 512)
        for start in starts:
            candidate = held[start : start + 32]
            if len(candidate) == 32:
                assert Permutation(derive(candidate, "person", ["small"])).of(number) != pseudonym
    # Nor does the register tell by its order: numbers and the erased pseudonyms are not correlated.
    given = np.array(list(pairs), dtype=float)
    named = np.array(list(pairs.values()), dtype=float)
    ranks = np.corrcoef(given.argsort().argsort(), named.argsort().argsort())[0, 1]
    assert abs(ranks) < 5 / np.sqrt(len(pairs))
    with pytest.raises(duckdb.Error):
        _read(kept, attach_key(bytes(32)))


def _wrapped(site: Site) -> list[bytes]:
    import sqlite3

    with sqlite3.connect(site.custody / "vault.sqlite") as connection:
        rows = connection.execute(
            "SELECT wrapped FROM provisions WHERE provision = 'v-81c2' UNION ALL"
            " SELECT wrapped FROM extracts WHERE provision = 'v-81c2'"
        ).fetchall()
    assert len(rows) == 3
    return [row[0] for row in rows]


def _unpacked(held: bytes) -> list[bytes]:
    found = []
    at = held.find(b"\x78")
    while at >= 0 and len(found) < 200:
        with contextlib.suppress(zlib.error):
            found.append(zlib.decompressobj().decompress(held[at:], 1 << 20))
        at = held.find(b"\x78", at + 1)
    return found


def _read(path: Path, key: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS x (READ_ONLY, ENCRYPTION_KEY '{key}')")
        connection.execute("FROM x.small.people").fetchall()


def test_a_new_provision_for_the_same_people_tells_nothing_about_the_erased_one(ground: Any) -> None:
    """The register still numbers them; under another key everybody has another name."""
    site, custodian, _ledger = ground
    custodian.build(YAMAMOTO, envelope())
    before = _pids(site, custodian, "v-81c2")
    custodian.erase(YAMAMOTO, "v-81c2")
    custodian.build(YAMAMOTO, envelope("v-2"))
    after = _pids(site, custodian, "v-2")
    assert len(before) == len(after) == PERSONS + 3
    assert len(before & after) <= 1


def _pids(site: Site, custodian: Custodian, provision: str) -> set[int]:
    opened = custodian.open(GATEWAY, provision, None, envelope(provision))
    file = site.extracts / provision / str(opened.n) / "extract.duckdb"
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{file}' AS x (READ_ONLY, ENCRYPTION_KEY '{opened.key}')")
        return {row[0] for row in connection.execute("SELECT pid FROM x.small.people").fetchall()}


def test_the_certificate_is_signed_and_says_what_nobody_can_promise(ground: Any) -> None:
    """Its digest stands in the log, its signature verifies with the published key, an edited one does not; backups and
    what a holder of the source could still do are in it, in both languages."""
    site, custodian, _ledger = ground
    custodian.build(YAMAMOTO, envelope())
    certificate = custodian.erase(YAMAMOTO, "v-81c2")
    trusted = signing.parse_trusted((site.catalogue / "certificate.pub").read_text())
    statement = signing.verify("enclave.erasure/1", certificate["envelope"], trusted)
    assert statement == {name: value for name, value in certificate.items() if name != "envelope"}
    said = {name: value for name, value in statement.items() if name not in {"digest", "log"}}
    assert statement["digest"] == "sha256:" + hashlib.sha256(signing.canonical(said)).hexdigest()
    for language in ("ja", "en"):
        assert statement["backups"][language]
        assert any(word in str(statement["remains"]) for word in ("属性", "attributes"))
    payload = json.loads(base64.b64decode(certificate["envelope"]["payload"]))
    forged = base64.b64encode(signing.canonical({**payload, "keys_destroyed": 9})).decode()
    with pytest.raises(Refused) as no:
        signing.verify("enclave.erasure/1", {**certificate["envelope"], "payload": forged}, trusted)
    assert no.value.code == "custody.certificate_signature"
    assert custodian.report(YAMAMOTO, "v-81c2")["erasures"]["v-81c2"] == certificate


def test_the_record_of_the_provision_outlives_it(ground: Any) -> None:
    """When and to whom, and who was in it, is answered after the erasure as before it."""
    site, custodian, _ledger = ground
    custodian.build(YAMAMOTO, envelope())
    before = custodian.report(YAMAMOTO, "v-81c2")["provided"]
    custodian.erase(YAMAMOTO, "v-81c2")
    assert custodian.report(YAMAMOTO, "v-81c2")["provided"] == before
    (found,) = custodian.trace(YAMAMOTO, "small", "P-5")["provisions"]
    assert (found["provision"], found["erased"]) == ("v-81c2", True)
    assert Books(Vault(site.custody)).containing("small", [10**9]) == []


def test_an_unfinished_build_is_erased_too(ground: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file and its key go with the rest."""
    from enclave.adapters import extract_store

    site, custodian, _ledger = ground

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(extract_store, "finish", stop)
        with pytest.raises(KeyboardInterrupt):
            custodian.build(YAMAMOTO, envelope())
    assert [path.name for path in (site.extracts / "v-81c2").iterdir()] == [".building-1"]
    assert Vault(site.custody).building("v-81c2") == 1
    custodian.erase(YAMAMOTO, "v-81c2")
    assert not (site.extracts / "v-81c2").exists()
    assert Vault(site.custody).building("v-81c2") is None
    assert os.listdir(site.extracts) == []
