"""Keys are held for one purpose, are gone when destroyed, and are bound to what they are for."""

import sqlite3
import threading
import time
from pathlib import Path

import pytest

from enclave.adapters.master_key import FileKey, Replacement
from enclave.adapters.vault import HeldFile, Kept, Vault
from enclave.core.refusal import Refused

AT = "2026-11-01T00:00:00Z"


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "custody")


def with_extract(vault: Vault, provision: str = "v-1") -> bytes:
    vault.provision_key(provision, "p-1", AT)
    key = bytes([7]) * 32
    vault.keep_extract(provision, Kept(1, "p-1", 1, {"n": 1}), key)
    return key


def test_a_provision_has_one_key_and_survives_a_restart(vault: Vault, tmp_path: Path) -> None:
    """Asked again, also by a new process, it is the same: a refresh keeps the pseudonyms."""
    key = vault.provision_key("v-1", "p-1", AT)
    assert len(key) == 32
    assert Vault(tmp_path / "custody").provision_key("v-1", "p-1", AT) == key
    assert vault.provision_key("v-2", "p-1", AT) != key


def test_a_provision_belongs_to_one_permit(vault: Vault) -> None:
    """Another permit cannot obtain the same pseudonyms by naming the same provision."""
    vault.provision_key("v-1", "p-1", AT)
    with pytest.raises(Refused) as no:
        vault.provision_key("v-1", "p-2", AT)
    assert no.value.code == "custody.provision_taken"


def test_a_destroyed_key_is_in_no_file_and_never_comes_back(vault: Vault, tmp_path: Path) -> None:
    """Neither the key nor its wrapped form is left in custody's folder, and the name cannot be used again."""
    key = vault.provision_key("v-1", "p-1", AT)
    data_key = with_extract(vault)
    path = tmp_path / "custody" / "vault.sqlite"
    wrapped = wrapped_keys(path)
    assert len(wrapped) == 2
    assert all(found in path.read_bytes() for found in wrapped)
    assert vault.destroy("v-1", AT) == 2
    for file in (tmp_path / "custody").iterdir():
        held = file.read_bytes()
        assert not any(secret in held for secret in (key, data_key, *wrapped))
    for ask in (lambda: vault.provision_key("v-1", "p-1", AT), lambda: vault.data_key("v-1", 1)):
        with pytest.raises(Refused) as no:
            ask()
        assert no.value.code == "custody.provision_erased"


def test_a_key_that_was_replaced_is_read_again_while_another_writer_waits(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer waits for whoever reads: if the reader then opened the file once more, each would wait for the other."""
    key = with_extract(vault)
    folder = tmp_path / "custody"
    writer = threading.Thread(target=Vault(folder).certify, args=("v-1", {"of": "v-1"}))

    def replaced(_self: FileKey, _path: Path) -> bool:
        if threading.current_thread() is threading.main_thread() and not writer.ident:
            writer.start()
            wait_for_a_writer(folder / "vault.sqlite")
        return False

    monkeypatch.setattr(FileKey, "is_in", replaced)
    assert vault.data_key("v-1", 1) == key
    writer.join(60)
    assert vault.certificate("v-1") == {"of": "v-1"}


def wait_for_a_writer(path: Path) -> None:
    """Until a writer has closed the file to new readers."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        reader = sqlite3.connect(path, timeout=0)
        try:
            reader.execute("SELECT 1 FROM provisions").fetchone()
        except sqlite3.OperationalError:
            return
        finally:
            reader.close()
        time.sleep(0.01)
    raise AssertionError("no writer came")


def wrapped_keys(path: Path) -> list[bytes]:
    with sqlite3.connect(path) as connection:
        return [
            row[0]
            for row in connection.execute(
                "SELECT wrapped FROM provisions UNION ALL SELECT wrapped FROM extracts"
            )
        ]


def test_no_key_lies_open_in_the_vault(vault: Vault, tmp_path: Path) -> None:
    """The database holds wrapped keys only."""
    keys = (vault.provision_key("v-1", "p-1", AT), with_extract(vault))
    held = (tmp_path / "custody" / "vault.sqlite").read_bytes()
    assert not any(key in held for key in keys)


def test_a_wrapped_key_works_in_its_own_place_only(vault: Vault, tmp_path: Path) -> None:
    """Copied to another provision's row, it does not open."""
    vault.provision_key("v-1", "p-1", AT)
    vault.provision_key("v-2", "p-1", AT)
    with sqlite3.connect(tmp_path / "custody" / "vault.sqlite") as connection:
        connection.execute(
            "UPDATE provisions SET wrapped = (SELECT wrapped FROM provisions WHERE provision = 'v-1')"
        )
    vault.provision_key("v-1", "p-1", AT)
    with pytest.raises(Refused) as no:
        vault.provision_key("v-2", "p-1", AT)
    assert no.value.code == "custody.vault_sealed"


@pytest.mark.parametrize("damage", ["gone", "another", "short"])
def test_a_vault_without_its_master_key_does_not_open(vault: Vault, tmp_path: Path, damage: str) -> None:
    """It refuses instead of quietly making a new master key, which would lose every extract."""
    path = tmp_path / "custody" / "master.key"
    path.unlink()
    if damage != "gone":
        path.write_bytes(bytes(32 if damage == "another" else 5))
    with pytest.raises(Refused) as no:
        Vault(tmp_path / "custody")
    assert no.value.code == "custody.vault_sealed"


@pytest.mark.parametrize("fails", ["wrapping", "placing", "before the end", "after the end"])
def test_a_master_key_whose_replacement_fails_is_still_the_key(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    """Wherever it stops, exactly one key file is left, and every key that was not destroyed opens with it."""
    key = vault.provision_key("v-1", "p-1", AT)
    vault.provision_key("v-2", "p-1", AT)

    def fail(*_: object) -> None:
        raise OSError("an input/output error")

    with monkeypatch.context() as patch:
        if fails == "wrapping":
            patch.setattr(Vault, "_wrap_all", fail)
        elif fails == "placing":
            patch.setattr(Replacement, "place", fail)
        elif fails == "before the end":
            real = Replacement.place

            def placed(self: Replacement) -> None:
                real(self)
                fail()

            patch.setattr(Replacement, "place", placed)
        else:
            calls = iter([fail])
            counted = Vault.changes

            def first_fails(self: Vault) -> int:
                return next(calls, counted)(self) or 0

            patch.setattr(Vault, "changes", first_fails)
        with pytest.raises(OSError, match="input/output"):
            vault.destroy("v-2", AT)
    assert [path.name for path in sorted((tmp_path / "custody").glob("master*"))] == ["master.key"]
    for again in (vault, Vault(tmp_path / "custody")):
        assert again.provision_key("v-1", "p-1", AT) == key
    assert vault.destroy("v-2", AT) == 1
    assert Vault(tmp_path / "custody").provision_key("v-1", "p-1", AT) == key


def test_keys_are_for_custody_alone(vault: Vault, tmp_path: Path) -> None:
    """Folder 0700, master key 0400, database 0600."""
    folder = tmp_path / "custody"
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
    assert modes == {"custody": 0o700, "master.key": 0o400, "vault.sqlite": 0o600}


def test_an_extract_of_an_erased_provision_cannot_be_kept(vault: Vault) -> None:
    """An erasure during a build wins."""
    vault.provision_key("v-1", "p-1", AT)
    vault.destroy("v-1", AT)
    with pytest.raises(Refused) as no:
        vault.keep_extract("v-1", Kept(1, "p-1", 1, {}), bytes(32))
    assert no.value.code == "custody.provision_erased"


def test_an_interrupted_build_keeps_its_key_until_something_changes(vault: Vault) -> None:
    """The same work goes on under the same key; other work starts anew; a finished extract leaves no build behind."""
    vault.provision_key("v-1", "p-1", AT)
    key, goes_on = vault.begin_build("v-1", 1, "as planned")
    assert not goes_on
    assert vault.begin_build("v-1", 1, "as planned") == (key, True)
    assert vault.building("v-1") == 1
    other, goes_on = vault.begin_build("v-1", 1, "planned otherwise")
    assert (other != key, goes_on) == (True, False)
    vault.keep_extract("v-1", Kept(1, "p-1", 1, {}), other)
    assert vault.building("v-1") is None
    assert vault.data_key("v-1", 1) == other


def test_a_held_file_is_replaced_with_its_key(vault: Vault, tmp_path: Path) -> None:
    """A register's new file takes the old one's place; the old key is nowhere."""
    vault.keep_file("register", "residents", HeldFile("a.duckdb", b"a" * 32, {"n": 1}))
    vault.keep_file("register", "residents", HeldFile("b.duckdb", b"b" * 32, {"n": 2}))
    held = vault.held("register", "residents")
    assert held is not None
    assert (held.path, held.key, held.about) == ("b.duckdb", b"b" * 32, {"n": 2})
    assert "b" * 32 not in repr(held)
    assert vault.held_paths() == {"b.duckdb"}
    assert vault.held("store", "residents") is None
    assert all(b"a" * 32 not in file.read_bytes() for file in (tmp_path / "custody").iterdir())


def test_a_vault_of_an_earlier_version_is_brought_into_todays_form(vault: Vault, tmp_path: Path) -> None:
    """Without the columns that came later: its keys open, and an erasure counts them."""
    key = vault.provision_key("v-1", "p-1", AT)
    with sqlite3.connect(tmp_path / "custody" / "vault.sqlite") as connection:
        for column in ("destroyed", "revision"):
            connection.execute(f"ALTER TABLE provisions DROP COLUMN {column}")
    again = Vault(tmp_path / "custody")
    assert again.provision_key("v-1", "p-1", AT) == key
    again.saw_revision("v-1", 3)
    with pytest.raises(Refused) as no:
        again.check_revision("v-1", "p-1", 2)
    assert no.value.code == "custody.permit_superseded"
    assert again.destroy("v-1", AT) == 1
