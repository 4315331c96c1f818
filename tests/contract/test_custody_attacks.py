"""Insiders with the files and operators who put older ones back: what they see tells nothing, what they swap is noticed."""

import base64
import json
import shutil
import sqlite3
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from enclave.adapters.custodian import Custodian, Withdrawal, WithdrawalKind
from enclave.adapters.vault import Vault
from enclave.config import Site
from enclave.core.clock import parse_rfc3339
from enclave.core.refusal import Refused
from enclave.gateway.extracts import CheckedBytes
from tests.fakes.custody_site import GATEWAY, YAMAMOTO, a_custodian, a_site, a_small_database, refused, signed
from tests.fakes.ledger import MemoryLedger

GRANT = {"small": {"people": {"columns": ["age", "clinic"]}}}


def envelope(provision: str = "v-81c2", **more: Any) -> dict[str, Any]:
    about = {"databases": GRANT, "linkage_groups": [["small"]], "provision": provision, **more}
    return signed(**{"permit_id": f"p-{provision}", **about})


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Site, Custodian, MemoryLedger]:
    site = a_site(tmp_path, monkeypatch)
    ledger = MemoryLedger()
    custodian = a_custodian(site, ledger)
    custodian.register(YAMAMOTO, a_small_database(tmp_path / "files"))
    custodian.build(YAMAMOTO, envelope())
    return site, custodian, ledger


def pids(site: Site, custodian: Custodian, provision: str = "v-81c2", **more: Any) -> dict[int, int]:
    """Age → pseudonym, as the gateway reads the newest extract."""
    opened = custodian.open(GATEWAY, provision, None, envelope(provision, **more))
    return read(site.extracts / provision / str(opened.n) / "extract.duckdb", opened.key)


def read(file: Path, key: str) -> dict[int, int]:
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{file}' AS x (READ_ONLY, ENCRYPTION_KEY '{key}')")
        return dict(connection.execute("SELECT age, pid FROM x.small.people").fetchall())


def stop(person: str, database: str = "small") -> Withdrawal:
    return Withdrawal(database, person, WithdrawalKind.STOP, date(2026, 1, 1))


# -- read access, without the master key -----------------------------------------------------------------
def test_whoever_reads_everything_but_the_master_key_reads_no_person(ground: Any) -> None:
    """Extracts, sources, registers, vault and log: no identifier, no value, no pseudonym stands open in any of them, and no
    member of a list can be told."""
    site, custodian, ledger = ground
    names = pids(site, custodian)
    custodian.trace(YAMAMOTO, "small", "A-1")
    held = {path: path.read_bytes() for path in site.home.rglob("*") if path.is_file()}
    held[Path("log")] = b"\n".join(ledger.entries)
    held.pop(site.custody / "master.key")
    inside = sorted(names.values())
    words = [b"A-1", b"secret note", b"2009-03-04", b"1980-12-31", b"31.25", b"01202"]
    words += [str(name).encode() for name in inside]
    words += [name.to_bytes(4, "little") for name in inside]
    words += [b"".join(name.to_bytes(4, "little") for name in order) for order in (inside, inside[::-1])]
    for path, data in held.items():
        for word in words:
            # A short word stands in a long cipher text by chance: it is looked for where that cannot happen.
            if len(data) / 256 ** len(word) < 2e-6:
                assert word not in data, (path.name, word)
    with sqlite3.connect(site.custody / "vault.sqlite") as connection:
        (members,) = connection.execute("SELECT wrapped FROM members").fetchone()
    assert len(members) > 28
    seen = Vault(site.custody).known("v-81c2")
    assert seen == "p-v-81c2"


def test_the_books_do_not_tell_who_withdrew_to_whom_the_log_is_open(ground: Any) -> None:
    """The leaf holds how many, and a digest that nobody without custody's key can try persons out against."""
    import hashlib
    import hmac

    _site, custodian, ledger = ground
    custodian.withdraw(YAMAMOTO, [stop("A-1")])
    leaf = json.loads(ledger.entries[-1])
    row = b"\0".join((b"small", b"A-1", b"stop", b"2026-01-01")) + b"\n"
    guesses = {hashlib.sha256(row).hexdigest()}
    guesses |= {hmac.new(key, row, "sha256").hexdigest() for key in (b"", bytes(32), b"withdrawals")}
    assert leaf["object"]["digest"].removeprefix("sha256:") not in guesses
    assert "A-1" not in json.dumps(leaf)


# -- what is swapped or put back -------------------------------------------------------------------------
def keep(site: Site, folder: Path) -> Path:
    """A copy of custody's folder and of the extracts, as a backup takes it, without the master key."""
    shutil.copytree(site.custody, folder / "custody")
    shutil.copytree(site.extracts, folder / "extracts")
    (folder / "custody" / "master.key").unlink()
    return folder


def test_a_backup_from_before_an_erasure_opens_with_nothing_that_is_left(ground: Any, tmp_path: Path) -> None:
    """With every byte that is left on the machine, the new master key and the log included, and the whole backup of vault
    and extracts: no 32 bytes anywhere unwrap a key of the erased provision. The others live on."""
    site, custodian, ledger = ground
    custodian.build(YAMAMOTO, envelope("v-2"))
    others = pids(site, custodian, "v-2")
    backup = keep(site, tmp_path / "backup")
    old_master = (site.custody / "master.key").read_bytes()
    custodian.erase(YAMAMOTO, "v-81c2")
    with sqlite3.connect(backup / "custody" / "vault.sqlite") as connection:
        wrapped = connection.execute(
            "SELECT wrapped, 'provision/' || provision FROM provisions UNION ALL"
            " SELECT wrapped, 'extract/' || provision || '/' || n FROM extracts"
        ).fetchall()
    assert len(wrapped) == 4
    left = {path: path.read_bytes() for path in site.home.rglob("*") if path.is_file()}
    left |= {path: path.read_bytes() for path in backup.rglob("*") if path.is_file()}
    left[Path("log")] = b"\n".join(ledger.entries)
    assert not any(old_master in data for data in left.values())
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    tried = 0
    for path in (site.custody / "master.key", site.custody / "certificate.key", Path("log")):
        data = left[path]
        for start in range(len(data) - 31):
            aes = AESGCM(data[start : start + 32])
            for blob, name in wrapped:
                with pytest.raises(InvalidTag):
                    aes.decrypt(blob[:12], blob[12:], f"enclave.vault/1/{name}".encode())
                tried += 1
    assert tried > 4000
    shutil.copy(site.custody / "master.key", backup / "custody" / "master.key")
    refused("custody.vault_sealed", lambda: Vault(backup / "custody"))
    assert pids(site, custodian, "v-2") == others
    assert pids(site, a_custodian(site, ledger), "v-2") == others


def test_an_older_vault_with_its_own_master_key_does_not_bring_an_erased_provision_back(
    ground: Any, tmp_path: Path
) -> None:
    """Put back whole, key included, at a start or beneath the running process: the log knows better, and the erasure is
    carried out again before anything is answered."""
    site, custodian, ledger = ground
    whole = tmp_path / "whole"
    shutil.copytree(site.custody, whole / "custody")
    shutil.copytree(site.extracts, whole / "extracts")
    custodian.erase(YAMAMOTO, "v-81c2")
    for again in (custodian, a_custodian(site, ledger)):
        for name in ("vault.sqlite", "master.key"):
            (site.custody / name).unlink()
            shutil.copy(whole / "custody" / name, site.custody / name)
        shutil.copytree(whole / "extracts", site.extracts, dirs_exist_ok=True)
        refused("custody.provision_erased", lambda again=again: again.open(GATEWAY, "v-81c2", 1, envelope()))
        refused("custody.provision_erased", lambda again=again: again.build(YAMAMOTO, envelope()))
        assert not (site.extracts / "v-81c2").exists()
        assert again.erase(YAMAMOTO, "v-81c2")["keys_destroyed"] == 2


def test_an_older_vault_from_before_a_provision_cannot_give_its_name_away(
    ground: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vault never had it, the log calls it erased: no permit gets a key under that name."""
    site, custodian, ledger = ground
    shutil.copytree(site.custody, tmp_path / "older")
    custodian.build(YAMAMOTO, envelope("v-2"))
    custodian.erase(YAMAMOTO, "v-2")
    for name in ("vault.sqlite", "master.key"):
        shutil.copy(tmp_path / "older" / name, site.custody / f"{name}.put")
        (site.custody / f"{name}.put").replace(site.custody / name)
    again = a_custodian(site, ledger)
    refused("custody.provision_erased", lambda: again.build(YAMAMOTO, envelope("v-2")))
    assert pids(site, again)


def test_a_shortened_list_of_withdrawals_builds_nothing(ground: Any) -> None:
    """A row that was struck from the books: no extract until the lists are entered again, in parts or at once, with as
    many persons as the log knows; what was built stays open."""
    site, custodian, _ledger = ground
    custodian.withdraw(YAMAMOTO, [stop("A-1"), stop("003")])
    with sqlite3.connect(site.custody / "vault.sqlite") as connection:
        connection.execute("DELETE FROM withdrawals WHERE person = 'A-1'")
    no = refused("custody.withdrawals_missing", lambda: custodian.build(YAMAMOTO, envelope(), refresh=True))
    assert no.facts == {"listed": 2}
    assert custodian.open(GATEWAY, "v-81c2", None, envelope()).n == 1
    custodian.withdraw(YAMAMOTO, [stop("003")])
    refused("custody.withdrawals_missing", lambda: custodian.build(YAMAMOTO, envelope(), refresh=True))
    custodian.withdraw(YAMAMOTO, [stop("A-1")])
    assert custodian.build(YAMAMOTO, envelope(), refresh=True)["n"] == 2
    assert set(pids(site, custodian)) == {44}


def test_a_list_that_arrives_shorter_gives_nobody_back(ground: Any) -> None:
    """Who withdrew once stays out, whatever the next list says."""
    site, custodian, _ledger = ground
    custodian.withdraw(YAMAMOTO, [stop("A-1"), stop("003")])
    custodian.withdraw(YAMAMOTO, [stop("003")])
    custodian.build(YAMAMOTO, envelope(), refresh=True)
    assert set(pids(site, custodian)) == {44}


def test_a_withdrawal_is_understood_however_the_number_is_spelled(ground: Any) -> None:
    """As files are: `2.0` and ` 2` are 2; what names nobody is counted, so that a misspelled number does not pass unseen."""
    site, custodian, _ledger = ground
    told = custodian.withdraw(YAMAMOTO, [stop(" 2.0 "), stop("3"), stop("a-1")])
    assert (told["entered"], told["unknown"]) == (3, 2)
    custodian.build(YAMAMOTO, envelope(), refresh=True)
    assert set(pids(site, custodian)) == {17, 71}
    assert custodian.trace(YAMAMOTO, "small", "2.0")["provisions"][0]["n"] == 1


def test_the_envelope_of_an_earlier_revision_is_spent(ground: Any) -> None:
    """What an amendment took away does not come back with the permit from before it: neither built nor opened, also the
    extract of then."""
    _site, custodian, _ledger = ground
    amended = envelope(revision=2, databases={"small": {"people": {"columns": ["age"]}}})
    custodian.build(YAMAMOTO, amended)
    for ask in (
        lambda: custodian.build(YAMAMOTO, envelope()),
        lambda: custodian.build(YAMAMOTO, envelope(), refresh=True),
        lambda: custodian.open(GATEWAY, "v-81c2", 1, envelope()),
        lambda: custodian.open(GATEWAY, "v-81c2", None, envelope()),
    ):
        assert refused("custody.permit_superseded", ask).facts["latest"] == 2
    assert custodian.open(GATEWAY, "v-81c2", None, amended).n == 2


def test_another_extracts_file_in_the_place_of_one_is_noise(ground: Any) -> None:
    """Of another permit or of an earlier version: its bytes are not those of the manifest, and the key opens neither."""
    site, custodian, _ledger = ground
    custodian.build(YAMAMOTO, envelope(), refresh=True)
    custodian.build(YAMAMOTO, envelope("v-2"))
    mine = site.extracts / "v-81c2" / "2" / "extract.duckdb"
    opened = custodian.open(GATEWAY, "v-81c2", None, envelope())
    for other in ("v-81c2/1", "v-2/1"):
        shutil.copy(site.extracts / other / "extract.duckdb", mine.with_suffix(".put"))
        mine.with_suffix(".put").replace(mine)
        refused("custody.extract_altered", lambda: CheckedBytes().check(mine, opened.manifest))
        with pytest.raises(duckdb.Error):
            read(mine, opened.key)


def test_an_altered_manifest_beside_the_file_changes_nothing(ground: Any) -> None:
    """What the gateway is told comes from the vault: the file is a copy for people."""
    site, custodian, _ledger = ground
    path = site.extracts / "v-81c2" / "1" / "manifest.json"
    said = json.loads(path.read_text())
    altered = {
        **said,
        "conditions": "sha256:0",
        "permit_id": "p-other",
        "file": {**said["file"], "digest": "x"},
    }
    path.unlink()
    path.write_text(json.dumps(altered))
    opened = custodian.open(GATEWAY, "v-81c2", None, envelope())
    assert opened.manifest == said
    assert base64.b64decode(opened.key)


def test_another_public_key_in_the_catalogue_does_not_stay(ground: Any) -> None:
    """A certificate verifies with what custody publishes at its next erasure, also where that was lost or exchanged."""
    from enclave.adapters import signing

    site, custodian, _ledger = ground
    for provision in ("v-2", "v-3"):
        custodian.build(YAMAMOTO, envelope(provision))
    public = site.catalogue / "certificate.pub"
    custodian.erase(YAMAMOTO, "v-81c2")
    said = public.read_text()
    for provision, other in (("v-2", None), ("v-3", signing.public_text(signing.generate_private()))):
        public.unlink()
        if other is not None:
            public.write_text(other)
        certificate = custodian.erase(YAMAMOTO, provision)
        assert public.read_text() == said
        signing.verify("enclave.erasure/1", certificate["envelope"], signing.parse_trusted(said))


def test_an_old_key_file_is_no_key(ground: Any, tmp_path: Path) -> None:
    """The master key from before an erasure opens nothing of today's vault."""
    site, custodian, ledger = ground
    custodian.build(YAMAMOTO, envelope("v-2"))
    old = (site.custody / "master.key").read_bytes()
    custodian.erase(YAMAMOTO, "v-2")
    today = (site.custody / "master.key").read_bytes()
    assert old != today
    (site.custody / "master.key").unlink()
    (site.custody / "master.key").write_bytes(old)
    refused("custody.vault_sealed", lambda: a_custodian(site, ledger))
    (site.custody / "master.key").write_bytes(today)
    assert pids(site, a_custodian(site, ledger))


def test_a_clock_in_the_past_certifies_no_erasure(ground: Any) -> None:
    """The certificate's time would be false."""
    site, custodian, ledger = ground
    earlier = a_custodian(site, ledger, now=lambda: parse_rfc3339("2026-11-30T12:00:00Z"))
    refused("custody.clock", lambda: earlier.erase(YAMAMOTO, "v-81c2"))
    assert pids(site, custodian)


# -- at the same time ------------------------------------------------------------------------------------
def together(*acts: Callable[[], Any]) -> list[Any]:
    """Their answers or refusals; anything else is a defect."""
    answers: list[Any] = [None] * len(acts)

    def run(place: int, act: Callable[[], Any]) -> None:
        try:
            answers[place] = act()
        except Refused as no:
            answers[place] = no.code
        except BaseException as error:
            answers[place] = error

    threads = [threading.Thread(target=run, args=one) for one in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    assert not [one for one in answers if isinstance(one, BaseException)], answers
    return answers


def test_an_erasure_beside_builds_and_openings_ends_in_nothing(ground: Any) -> None:
    """Refreshes, first builds and openings while a provision is erased: each is answered or refused with its code, and
    afterwards there is no key and no file, and the other provisions' keys open under the new master key."""
    site, custodian, _ledger = ground
    answers = together(
        lambda: custodian.build(YAMAMOTO, envelope(), refresh=True),
        lambda: custodian.erase(YAMAMOTO, "v-81c2"),
        lambda: custodian.build(YAMAMOTO, envelope("v-2")),
        lambda: custodian.build(YAMAMOTO, envelope(), refresh=True),
        lambda: custodian.open(GATEWAY, "v-81c2", None, envelope()),
        lambda: custodian.withdraw(YAMAMOTO, [stop("003")]),
    )
    assert {one for one in answers if isinstance(one, str)} <= {"custody.provision_erased"}
    refused("custody.provision_erased", lambda: custodian.open(GATEWAY, "v-81c2", None, envelope()))
    assert not (site.extracts / "v-81c2").exists()
    assert Vault(site.custody).building("v-81c2") is None
    assert pids(site, custodian, "v-2")
    custodian.build(YAMAMOTO, envelope("v-2"), refresh=True)


def test_two_refreshes_and_two_extracts_of_one_permit_stand_in_line(ground: Any) -> None:
    """Every one is whole, numbered in turn, entered in the ledger, and everybody is called the same in all of them."""
    site, custodian, _ledger = ground
    before = pids(site, custodian)
    answers = together(
        *(lambda: custodian.build(YAMAMOTO, envelope(), refresh=True) for _ in range(2)),
        *(lambda: custodian.build(YAMAMOTO, envelope()) for _ in range(2)),
    )
    assert sorted(one["n"] for one in answers[:2]) == [2, 3]
    assert [one["n"] for one in custodian.report(YAMAMOTO, "v-81c2")["provided"]] == [1, 2, 3]
    for n in (1, 2, 3):
        opened = custodian.open(GATEWAY, "v-81c2", n, envelope())
        assert read(site.extracts / "v-81c2" / str(n) / "extract.duckdb", opened.key) == before


def test_a_provision_that_is_called_like_custodys_own_lock_is_built(ground: Any) -> None:
    """`sources` is a good name for a provision, and waits for nobody."""
    _site, custodian, _ledger = ground
    (answer,) = together(lambda: custodian.build(YAMAMOTO, envelope("sources")))
    assert answer["n"] == 1
