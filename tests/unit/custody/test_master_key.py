"""Whatever keeps the master key, a wrapped key opens for its own name only, and a device that is silent seals the vault."""

import json
import sys
from pathlib import Path

import pytest

from enclave.adapters.master_key import CommandKey, FileKey, MasterKey, master_key
from enclave.adapters.vault import Vault
from enclave.core.refusal import Refused

DEVICE = """
import sys
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
import hashlib, os
aes = AESGCM(hashlib.sha256(b"a device's own key").digest())
act, name = sys.argv[1:]
given = sys.stdin.buffer.read()
if act == "wrap":
    nonce = os.urandom(12)
    sys.stdout.buffer.write(nonce + aes.encrypt(nonce, given, name.encode()))
else:
    try:
        sys.stdout.buffer.write(aes.decrypt(given[:12], given[12:], name.encode()))
    except InvalidTag:
        sys.exit(1)
"""


def command(folder: Path) -> list[str]:
    """A program that speaks for a device: what a security module's client would be."""
    path = folder / "device.py"
    path.write_text(DEVICE)
    return [sys.executable, "-I", str(path)]


@pytest.fixture(params=["file", "command"])
def master(request: pytest.FixtureRequest, tmp_path: Path) -> MasterKey:
    if request.param == "file":
        return FileKey(tmp_path / "master.key", fresh=True)
    return CommandKey(command(tmp_path))


def test_what_is_wrapped_opens_under_its_own_name(master: MasterKey) -> None:
    """And the wrapped form does not show the key; twice wrapped is two forms."""
    wrapped = master.wrap(b"k" * 32, "provision/v-1")
    assert b"k" * 32 not in wrapped
    assert master.unwrap(wrapped, "provision/v-1") == b"k" * 32
    assert master.wrap(b"k" * 32, "provision/v-1") != wrapped


@pytest.mark.parametrize("change", ["name", "bytes", "cut", "empty"])
def test_what_was_moved_or_changed_does_not_open(master: MasterKey, change: str) -> None:
    """Another name, an edited byte, a part: `custody.vault_sealed`."""
    wrapped = master.wrap(b"k" * 32, "provision/v-1")
    name = "provision/v-2" if change == "name" else "provision/v-1"
    edited = {"bytes": wrapped[:-1] + bytes([wrapped[-1] ^ 1]), "cut": wrapped[:20], "empty": b""}
    with pytest.raises(Refused) as no:
        master.unwrap(edited.get(change, wrapped), name)
    assert no.value.code == "custody.vault_sealed"


def test_a_vault_lives_under_a_device(tmp_path: Path) -> None:
    """With `master.json` there is no `master.key`; keys come back after a restart; without the device nothing opens."""
    folder = tmp_path / "custody"
    folder.mkdir()
    words = command(tmp_path)
    (folder / "master.json").write_text(json.dumps({"command": words}))
    key = Vault(folder).provision_key("v-1", "p-1", "2026-01-01T00:00:00Z")
    assert Vault(folder).provision_key("v-1", "p-1", "") == key
    assert not (folder / "master.key").exists()
    (tmp_path / "device.py").unlink()
    with pytest.raises(Refused) as no:
        Vault(folder)
    assert no.value.code == "custody.vault_sealed"


@pytest.mark.parametrize(
    "said",
    ["{", "{}", '{"command": "sh"}', '{"command": [7]}', '{"command": []}', '{"command": ["relative"]}'],
)
def test_settings_that_name_no_device_seal_the_vault(tmp_path: Path, said: str) -> None:
    """It does not fall back to a key in a file."""
    (tmp_path / "master.json").write_text(said)
    with pytest.raises(Refused) as no:
        master_key(tmp_path, fresh=True)
    assert no.value.code == "custody.vault_sealed"
    assert not (tmp_path / "master.key").exists()
