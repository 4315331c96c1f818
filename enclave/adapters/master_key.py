"""The key under which custody wraps all others: a file by default, or whatever device a command speaks for.

Decides how a key is wrapped and what a wrapped key is bound to: its own name goes in as associated data, so that it
cannot be moved to another provision or extract. `MasterKey` is the port; both implementations pass the same tests.

- `FileKey`: 32 random bytes in `master.key`, mode 0400, made when the vault is empty and made anew at every erasure
  (`Replacement`), so that an older copy of the vault no longer opens; AES-256-GCM (`cryptography`).
- `CommandKey`: a program of the operator's, named in `master.json` (`{"command": ["/usr/local/bin/…", …]}`), which keeps
  the key where it likes (a security module, a key service). It is run as `… wrap NAME` or `… unwrap NAME`, reads the
  input from standard input and prints the output; any other exit status than 0 is a no. Nothing is passed in the
  environment or in arguments but the name.
"""

import json
import os
import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from enclave.core.refusal import Refused

PATIENCE = 30.0
"""Seconds that a device may take for one key."""


class MasterKey(Protocol):
    """Wraps and unwraps short secrets. Both raise Refused `custody.vault_sealed`."""

    def wrap(self, key: bytes, name: str) -> bytes: ...

    def unwrap(self, wrapped: bytes, name: str) -> bytes: ...


class FileKey:
    """32 bytes in a file of custody's own."""

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        """Read the key; make it where the vault is `fresh`. Raises Refused `custody.vault_sealed`."""
        if fresh and not path.exists():
            _write(path)
        try:
            self.identity = _identity(path)
            key = path.read_bytes()
        except OSError:
            raise Refused("custody.vault_sealed") from None
        if len(key) != 32:
            raise Refused("custody.vault_sealed")
        self._aes = AESGCM(key)

    def is_in(self, path: Path) -> bool:
        """Whether the file still is the one that was read."""
        try:
            return _identity(path) == self.identity
        except OSError:
            return False

    def wrap(self, key: bytes, name: str) -> bytes:
        nonce = secrets.token_bytes(12)
        return nonce + self._aes.encrypt(nonce, key, _bound_to(name))

    def unwrap(self, wrapped: bytes, name: str) -> bytes:
        try:
            return self._aes.decrypt(wrapped[:12], wrapped[12:], _bound_to(name))
        except (InvalidTag, ValueError):
            raise Refused("custody.vault_sealed") from None


class CommandKey:
    """A program that speaks for a device."""

    def __init__(self, command: Sequence[str]) -> None:
        if not command or not os.path.isabs(command[0]):
            raise Refused("custody.vault_sealed")
        self._command = list(command)

    def wrap(self, key: bytes, name: str) -> bytes:
        return self._run("wrap", key, name)

    def unwrap(self, wrapped: bytes, name: str) -> bytes:
        return self._run("unwrap", wrapped, name)

    def _run(self, act: str, given: bytes, name: str) -> bytes:
        try:
            done = subprocess.run(
                [*self._command, act, _bound_to(name).decode()],
                input=given,
                capture_output=True,
                timeout=PATIENCE,
                env={},
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            raise Refused("custody.vault_sealed") from None
        # What the program prints besides is not kept: it could quote the key.
        if done.returncode != 0 or not done.stdout:
            raise Refused("custody.vault_sealed")
        return done.stdout


def master_key(folder: Path, *, fresh: bool = False, path: Path | None = None) -> MasterKey:
    """The master key of a vault's folder, in `path` where it is a file. Raises Refused `custody.vault_sealed`."""
    settings = folder / "master.json"
    if not settings.exists():
        return FileKey(path or files(folder)[0], fresh=fresh)
    try:
        command = json.loads(settings.read_text())["command"]
    except (OSError, ValueError, KeyError, TypeError):
        raise Refused("custody.vault_sealed") from None
    if not isinstance(command, list) or not all(isinstance(word, str) for word in command):
        raise Refused("custody.vault_sealed")
    return CommandKey(command)


def _bound_to(name: str) -> bytes:
    return f"enclave.vault/1/{name}".encode()


class Replacement:
    """Another key in the file's place, in step with the vault's transaction, whatever ends the process in between.

    `make` before the vault is changed, `place` before it commits, `finish` after; the old key stays beside the new one
    until the vault that it opens is gone. `files` are where the key of a vault may lie, the usual place first.
    """

    def __init__(self, folder: Path) -> None:
        self._path, self._last = files(folder)

    def make(self) -> FileKey:
        """The new key, durable beside the old one."""
        return FileKey(self._next(), fresh=True)

    def place(self) -> None:
        self._path.rename(self._last)
        self._next().rename(self._path)
        _flush(self._path.parent)

    def undo(self) -> None:
        """The vault did not change: the old key is the key."""
        if self._last.exists():
            _shred(self._path)
            self._last.rename(self._path)
        _shred(self._next())

    def finish(self) -> None:
        """The old key opens nothing any more: its bytes are written over."""
        _shred(self._last)
        _shred(self._next())
        _flush(self._path.parent)

    def _next(self) -> Path:
        return self._path.with_suffix(".next")


def files(folder: Path) -> tuple[Path, Path]:
    """Where the master key of a vault may lie: its place, and that of the key before it while it is replaced."""
    return folder / "master.key", folder / "master.last"


def _write(path: Path) -> None:
    part = path.with_suffix(".part")
    _shred(part)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:
        file.write(secrets.token_bytes(32))
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    _flush(path.parent)


def _shred(path: Path) -> None:
    """Write over a key and remove it. What a file system or a drive keeps elsewhere this cannot reach."""
    try:
        path.chmod(0o600)
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
    except FileNotFoundError:
        return
    path.unlink(missing_ok=True)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _identity(path: Path) -> tuple[int, int]:
    seen = path.stat()
    return seen.st_ino, seen.st_mtime_ns
