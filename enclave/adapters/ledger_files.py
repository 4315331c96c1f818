"""The log as files: keys, copies, verification of a folder, proofs from a folder.

Decides nothing about validity (`enclave.audit` does); reads and writes what it is told to. A copy is consistent
because every file but `checkpoint` only ever grows: what a checkpoint covers is still there after later appends.
"""

import base64
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from enclave.audit import checkpoint as checkpoints
from enclave.audit import leaf as leaves
from enclave.audit import note, proof, tiles, tree
from enclave.audit.checkpoint import Checkpoint
from enclave.audit.note import ED25519, Signer, VerifierKey
from enclave.audit.tiles import Tile
from enclave.audit.verify import CHECKPOINT, VERIFIER_KEY, Verified, verify
from enclave.core.refusal import Refused

PRIVATE = "PRIVATE+KEY"
"""Beginning of a signing key's text, `PRIVATE+KEY+name+hash+base64(0x01 || 32-byte seed)`, as Go's note package."""

PROOF_SCHEMA = "enclave.log-proof/1"
_ATTEMPTS = 20
_PATIENT = 5


# -- keys ---------------------------------------------------------------------------------------------


def make_key(path: Path, origin: str) -> VerifierKey:
    """The ledger's key at `path`, made if there is none (mode 0400, written whole or not at all).

    `origin` names the log for ever, for example `enclave.localhost/log/demo`. Raises ValueError for a name that
    a note cannot hold, Refused `ledger.key_unusable` for a file that is no key.
    """
    if not note.name_is_valid(origin):
        raise ValueError("an origin holds neither spaces nor a plus")
    if not path.exists():
        seed = secrets.token_bytes(32)
        key_id = Signer(origin, Ed25519PrivateKey.from_private_bytes(seed)).verifier.key_id.hex()
        text = f"{PRIVATE}+{origin}+{key_id}+{base64.b64encode(ED25519 + seed).decode()}\n"
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    return load_signer(path).verifier


def load_signer(path: Path) -> Signer:
    """The signing key in a file. Raises Refused `ledger.key_unusable`."""
    try:
        text = path.read_text("utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError):
        raise Refused("ledger.key_unusable", {"file": str(path)}) from None
    name, _, rest = text.removeprefix(f"{PRIVATE}+").partition("+")
    key_id, _, encoded = rest.partition("+")
    key = note.strict_base64(encoded)
    if not text.startswith(f"{PRIVATE}+") or not note.name_is_valid(name) or key is None:
        raise Refused("ledger.key_unusable", {"file": str(path)})
    if len(key) != 33 or key[:1] != ED25519:
        raise Refused("ledger.key_unusable", {"file": str(path)})
    signer = Signer(name, Ed25519PrivateKey.from_private_bytes(key[1:]))
    if signer.verifier.key_id.hex() != key_id:
        raise Refused("ledger.key_unusable", {"file": str(path)})
    return signer


# -- reading ------------------------------------------------------------------------------------------


def read_file(folder: Path, path: str) -> bytes | None:
    """The bytes of a regular file below `folder`; None where there is none."""
    target = folder / path
    try:
        return target.read_bytes() if target.is_file() and not target.is_symlink() else None
    except OSError:
        return None


def file_names(folder: Path) -> list[str]:
    """Paths of everything below a folder that is not a folder, with `/` between parts."""
    return [
        (Path(place) / name).relative_to(folder).as_posix()
        for place, _folders, names in os.walk(folder)
        for name in names
    ]


def read_tile(folder: Path, tile: Tile) -> bytes:
    """The bytes of a tile or bundle, cut from the full one where the partial one is gone already.

    Raises Refused `audit.file_missing` or `audit.file_malformed`.
    """
    raw = read_file(folder, tile.path)
    if raw is not None:
        return raw
    # A partial tile may be deleted once it is full; its bytes are then the beginning of the full one.
    whole = read_file(folder, Tile(tile.level, tile.n).path)
    if whole is None:
        raise Refused("audit.file_missing", {"file": tile.path})
    if tile.level is not None:
        return whole[: tiles.HASH * tile.width]
    entries, _rest = tiles.unpack_entries(whole, tile.width)
    return tiles.pack_entries(entries)


def _hashes(folder: Path, tile: Tile) -> tuple[bytes, ...]:
    found = tiles.unpack_hashes(read_tile(folder, tile), tile.width)
    if found is None:
        raise Refused("audit.file_malformed", {"file": tile.path})
    return found


def read_checkpoint(folder: Path, key: VerifierKey) -> tuple[str, Checkpoint]:
    """The signed checkpoint of a folder, as note and as value. Raises Refused `audit.*`."""
    raw = read_file(folder, CHECKPOINT)
    if raw is None:
        raise Refused("audit.file_missing", {"file": CHECKPOINT})
    return raw.decode("utf-8", "replace"), checkpoints.verified(raw, key)


def read_verifier_key(folder: Path) -> VerifierKey:
    """The verifier key that lies in a copy. It proves nothing by itself: compare it with one that you hold."""
    raw = read_file(folder, VERIFIER_KEY)
    if raw is None:
        raise Refused("audit.file_missing", {"file": VERIFIER_KEY})
    return note.verifier_key(raw.decode("utf-8", "replace"))


# -- what an auditor does -----------------------------------------------------------------------------


def verify_directory(folder: Path, key: VerifierKey, earlier_checkpoint: bytes | None = None) -> Verified:
    """Verifies every file of a copy (`enclave.audit.verify`), also while the ledger is writing to it.

    Raises Refused `audit.*`; `audit.copy_unreadable` where the folder is none.
    """
    if not folder.is_dir():
        raise Refused("audit.copy_unreadable", {"folder": str(folder)})
    for attempt in range(_ATTEMPTS):
        names = file_names(folder)
        before = read_file(folder, CHECKPOINT)
        try:
            return verify(lambda path: read_file(folder, path), key, earlier=earlier_checkpoint, names=names)
        except Refused as no:
            # A log that grew meanwhile is looked at again; a copy that lies still is judged. A writer puts tiles
            # out just before their checkpoint, so a file too many or too few is given a moment to be explained.
            if no.code in {"audit.file_extra", "audit.file_missing"} and attempt < _PATIENT:
                time.sleep(0.05 * (attempt + 1))
            elif read_file(folder, CHECKPOINT) == before:
                raise
    # It grows too fast to be seen at rest: what the checkpoint covers is judged, what lies beside it is not.
    return verify(lambda path: _as_of(folder, path), key, earlier=earlier_checkpoint)


def _as_of(folder: Path, path: str) -> bytes | None:
    tile = tiles.parse_path(path)
    if tile is None:
        return read_file(folder, path)
    try:
        return read_tile(folder, tile)
    except Refused:
        return None


def export_log(folder: Path, target: Path, key: VerifierKey) -> Verified:
    """Copies the log as of its present checkpoint into a new or empty folder, and verifies the copy.

    Raises Refused `audit.folder_in_use`, or any `audit.*` of what it found. `checkpoint` is written last: an
    interrupted export never looks whole.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Refused("audit.folder_in_use", {"folder": str(target)})
    signed, present = read_checkpoint(folder, key)
    for tile in tiles.tiles_of(present.size):
        place = target / tile.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(read_tile(folder, tile))
    target.mkdir(parents=True, exist_ok=True)
    (target / VERIFIER_KEY).write_text(f"{key}\n", "utf-8")
    (target / CHECKPOINT).write_text(signed, "utf-8")
    return verify_directory(target, key)


def inclusion_text(folder: Path, index: int, signed: str, present: Checkpoint) -> tuple[bytes, str]:
    """An entry and its tlog-proof text under a signed checkpoint, from the tiles of a folder.

    Raises Refused `ledger.index_unknown`, `audit.file_missing`, `audit.file_malformed`, `audit.entry_missing`.
    """
    if not 0 <= index < present.size:
        raise Refused("ledger.index_unknown", {"index": index, "size": present.size})
    node = tiles.nodes(present.size, lambda tile: _hashes(folder, tile))
    path = proof.inclusion(index, present.size, node)
    n, within = divmod(index, tree.WIDTH)
    tile = Tile(None, n, min(tree.WIDTH, present.size - n * tree.WIDTH))
    entries, _rest = tiles.unpack_entries(read_tile(folder, tile), tile.width)
    if within >= len(entries):
        raise Refused("audit.entry_missing", {"index": index, "file": tile.path})
    return entries[within], proof.write(index, path, signed)


def bundle(entry: bytes, text: str, key: VerifierKey) -> dict[str, Any]:
    """A proof to hand on, after it was checked: `{schema, index, size, leaf, proof, verifier_key}`.

    `proof` is c2sp.org/tlog-proof text; the entry that it proves is the canonical JSON of `leaf`.
    """
    found = proof.verify(text, entry, key)
    return {
        "schema": PROOF_SCHEMA,
        "index": found.index,
        "size": found.checkpoint.size,
        "leaf": json.loads(entry),
        "proof": text,
        "verifier_key": str(key),
    }


def prove(folder: Path, index: int, key: VerifierKey) -> dict[str, Any]:
    """The proof that an entry stands at its place, from a folder. Raises Refused `audit.*`, `ledger.index_unknown`."""
    signed, present = read_checkpoint(folder, key)
    entry, text = inclusion_text(folder, index, signed, present)
    return bundle(entry, text, key)


@dataclass(frozen=True)
class Proved:
    """What a proof bundle showed."""

    index: int
    size: int
    leaf: leaves.Leaf


def verify_proof(found: Mapping[str, Any], key: VerifierKey) -> Proved:
    """Checks a bundle of `prove` against a key that the reader holds; the bundle's own key is not believed.

    Raises Refused `audit.proof_malformed`, `audit.proof_fails`, or one of the checkpoint's codes.
    """
    text, leaf = found.get("proof"), found.get("leaf")
    if found.get("schema") != PROOF_SCHEMA or not isinstance(text, str):
        raise Refused("audit.proof_malformed")
    try:
        entry = leaves.entry_of(leaf)
    except Refused:
        raise Refused("audit.proof_malformed") from None
    shown = proof.verify(text, entry, key)
    if found.get("index") != shown.index or found.get("size") != shown.checkpoint.size:
        raise Refused("audit.proof_fails", {"index": shown.index, "size": shown.checkpoint.size})
    return Proved(shown.index, shown.checkpoint.size, leaves.leaf_of(entry))
