"""The log, and the extract that answers are made from.

Each is taken away in the running system: its guard is seen to fail, and holds again after. A guard is what a test
asserts while the control stands. What is taken away is a rule, a grant, a key, a row or a process of the site itself;
nothing in the code knows that it is tested.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from enclave.adapters import edge, ledger_files, ledger_store, signing, supervision
from enclave.adapters.custody_client import custody_of
from enclave.app import build_extract, ledger_of
from enclave.audit.note import Signer, VerifierKey
from enclave.config import Site
from enclave.core.event import Actor, Thing
from enclave.core.refusal import Refused
from tests.integration.running_site import (
    Desk,
    Ground,
    code_of,
    until,
)

pytestmark = [pytest.mark.site, pytest.mark.docker]


# -- the log -------------------------------------------------------------------------------------------
def copied(site: Site, place: Path) -> tuple[Path, VerifierKey]:
    key = ledger_files.read_verifier_key(site.log)
    ledger_files.export_log(site.log, place, key)
    return place, key


def bundles(folder: Path) -> list[Path]:
    return sorted(p for p in (folder / "tile" / "entries").rglob("*") if p.is_file())


def test_an_edited_entry_is_named(ground: Ground, tmp_path: Path) -> None:
    """In the running ledger's own files one letter of an entry is changed: verifying names its index, and only then."""
    site, key = ground.site, ledger_files.read_verifier_key(ground.site.log)
    whole = ledger_files.verify_directory(site.log, key)
    file = max(bundles(site.log), key=lambda p: p.stat().st_mtime_ns)
    raw = file.read_bytes()
    at = raw.rindex(b'"person":"')
    edited = bytearray(raw)
    edited[at + 10] ^= 1
    mode = file.stat().st_mode
    try:
        file.write_bytes(edited)
        with pytest.raises(Refused) as no:
            ledger_files.verify_directory(site.log, key)
        assert no.value.code == "audit.entry_altered"
        assert isinstance(no.value.facts["index"], int)
        assert no.value.facts["index"] < whole.size
        told = subprocess.run(
            ["/opt/enclave/venv/bin/python", "-P", "-m", "enclave", "audit", "verify", "--site", site.name],
            capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "ja_JP.UTF-8"},
        )  # fmt: skip
        assert told.returncode == 3
        assert f"記録 {no.value.facts['index']} が書き換えられています" in told.stderr
    finally:
        file.write_bytes(raw)
        file.chmod(mode)
    assert ledger_files.verify_directory(site.log, key).size >= whole.size


def test_a_ledger_whose_database_was_edited_does_not_go_on(ground: Ground, desk: Desk) -> None:
    """Its owner's triggers removed and an entry rewritten: the ledger refuses to start, and nothing is done without it."""
    place = ground.site.ledger / "ledger.sqlite"
    ground.end("ledger")
    with sqlite3.connect(place) as database:
        database.execute("DROP TRIGGER entries_stay")
        last, kept = database.execute("SELECT idx, entry FROM entries ORDER BY idx DESC LIMIT 1").fetchone()
        database.execute(
            "UPDATE entries SET entry = ? WHERE idx = ?", (kept.replace(b'"v":1', b'"v":2'), last)
        )
    _owned_again(ground.site)
    log = ground.site.logs / "ledger.log"
    said = len(log.read_bytes())
    try:
        with suppress(Fault):
            supervision.start_program(ground.site, "ledger")
        until(lambda: b"database_altered" in log.read_bytes()[said:])
        assert desk.code() == "ledger.unavailable"
    finally:
        supervision.stop_program(ground.site, "ledger")
        with sqlite3.connect(place) as database:
            database.execute("DROP TRIGGER IF EXISTS entries_stay")
            database.execute("UPDATE entries SET entry = ? WHERE idx = ?", (kept, last))
            database.executescript(ledger_store.SCHEMA)
        _owned_again(ground.site)
        ground.begin("ledger")
    assert desk.code() == "allowed"


def _owned_again(site: Site) -> None:
    for file in site.ledger.glob("ledger.sqlite*"):
        shutil.chown(file, "enclave-ledger")


def test_a_log_signed_anew_convinces_nobody_who_kept_the_key(ground: Ground, tmp_path: Path) -> None:
    """Whoever rewrites entries and signs them with a key of their own is believed by the copy's own key file alone."""
    from tests.fakes.log_copy import files_of

    place, kept = copied(ground.site, tmp_path / "copy")
    size = ledger_files.verify_directory(place, kept).size
    forger = Signer(kept.name, Ed25519PrivateKey.generate())
    from enclave.audit import tiles

    entries: list[bytes] = []
    for tile in tiles.tiles_of_level(size, None):
        found, _rest = tiles.unpack_entries(ledger_files.read_tile(place, tile), tile.width)
        entries += found
    forged = tmp_path / "forged"
    for name, data in files_of([entries[0], *entries[2:]], forger).items():
        (forged / name).parent.mkdir(parents=True, exist_ok=True)
        (forged / name).write_bytes(data)
    assert ledger_files.verify_directory(forged, ledger_files.read_verifier_key(forged)).size == size - 1
    assert code_of(lambda: ledger_files.verify_directory(forged, kept)) == "audit.checkpoint_signature"
    earlier = (place / "checkpoint").read_bytes()
    assert code_of(lambda: ledger_files.verify_directory(forged, forger.verifier, earlier)).startswith(
        "audit."
    )


# -- the extract ---------------------------------------------------------------------------------------
def test_an_extract_whose_file_was_changed_answers_nothing(ground: Ground) -> None:
    """Any byte, the file open or not: it is not what the manifest says, nothing is read; put back, it answers as before."""
    permit = ground.grant("flipped")
    build_extract(ground.site, permit.permit_id)
    file = max(
        (ground.site.extracts / permit.provision).glob("*/extract.duckdb"), key=lambda p: p.stat().st_mtime
    )
    raw, everything = file.read_bytes(), "SELECT age, male, status FROM nafld.patients"
    desk = ground.sit_down("mori", permit)
    right = desk.rows(everything)
    try:
        for place in (len(raw) // 2, 9000):
            changed = bytearray(raw)
            changed[place] ^= 1
            _rewrite(file, bytes(changed))
            assert desk.code(everything) == "custody.extract_altered"
        # A gateway that never saw it whole.
        ground.restart("gateway")
        assert ground.sit_down("mori", permit).code(everything) == "custody.extract_altered"
    finally:
        _rewrite(file, raw)
    assert ground.sit_down("mori", permit).rows(everything).equals(right)


def _rewrite(file: Path, data: bytes) -> None:
    with file.open("r+b") as out:
        out.write(data)


def test_an_extract_without_its_key_is_noise(ground: Ground) -> None:
    """No name of a table or column stands in the file, and the engine opens it with custody's key alone."""
    import duckdb

    file = ground.site.extracts / ground.permit.provision / "1" / "extract.duckdb"
    raw = file.read_bytes()
    assert not any(word in raw for word in (b"patients", b"status", b"nafld"))
    with pytest.raises(duckdb.Error), duckdb.connect() as connection:
        connection.execute(f"ATTACH '{file}' AS x (READ_ONLY)")
    opened = custody_of(ground.site, "gateway").open(
        ground.permit.provision, None, signed(ground), session="s-test", person="mori"
    )
    assert opened.key
    # The same permit, the same extract: another caller than the gateway gets no key.
    operator = custody_of(ground.site, "operator")
    assert (
        code_of(
            lambda: operator.open(
                ground.permit.provision, None, signed(ground), session="s-test", person="mori"
            )
        )
        != "allowed"
    )


def signed(ground: Ground) -> Mapping[str, Any]:
    from enclave.adapters.permit_records import permit_by_id

    trusted = signing.load_trusted(signing.trusted_file(ground.site))
    return permit_by_id(ground.records, ground.permit.permit_id, trusted).envelope


def test_the_ledger_takes_entries_from_its_callers_only(ground: Ground) -> None:
    """Without a caller's token nothing is appended and nothing read; a service that may only append reads nothing."""
    from enclave.adapters.ledger_client import LedgerClient
    from enclave.audit.ledger import Sought

    event = edge.event(Actor("x", "service"), "test.forged", Thing("test", "x"))
    stranger = LedgerClient(ground.site.ledger_socket, "not a token")
    assert code_of(lambda: stranger.append([event])) != "allowed"
    gateway = LedgerClient(
        ground.site.ledger_socket, (ground.site.secrets / "gateway" / "ledger.token").read_text()
    )
    assert code_of(lambda: gateway.search(Sought(limit=1))) != "allowed"
    assert ground.leaves(action="test.forged") == []
    assert ledger_of(ground.site, "operator").search(Sought(limit=1)).entries
