"""Signed notes (c2sp.org/signed-note) with Ed25519 keys: the envelope of a checkpoint.

Decides whether a text carries a valid signature of a known key. Relies on `cryptography` for Ed25519.
Does not say what the text means, and does not hold keys: they are arguments.
"""

import base64
import binascii
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from enclave.core.refusal import Refused

ED25519 = b"\x01"
"""The signature type byte of plain Ed25519 signatures."""

MAX_BYTES = 1_000_000
"""Longest note that is looked at; signed-note asks verifiers for a limit that leaves room for 16 signatures."""

MAX_SIGNATURES = 100


@dataclass(frozen=True)
class VerifierKey:
    """A public key under a name. Its text is `name+<key id, 8 hex digits>+base64(0x01 || 32 bytes)`."""

    name: str
    public: bytes

    @cached_property
    def key_id(self) -> bytes:
        """The four bytes that name key and algorithm in a signature line."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(ED25519 + self.public).decode()}"


@dataclass(frozen=True)
class Signer:
    """A private key under a name; only the ledger's own process ever has one."""

    name: str
    private: Ed25519PrivateKey

    @cached_property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, self.private.public_key().public_bytes_raw())


def name_is_valid(name: str) -> bool:
    """Key names are not empty and hold neither Unicode spaces nor a plus; control characters break the note."""
    return bool(name) and "+" not in name and not any(c.isspace() or c < " " for c in name)


def strict_base64(text: str) -> bytes | None:
    """The bytes of a standard base64 text in its only form; None otherwise.

    Python's decoder lets the unused bits of the last character differ: an edit there would go unseen.
    """
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if base64.b64encode(found).decode() == text else None


def verifier_key(text: str) -> VerifierKey:
    """The key of a `name+hash+base64` text, one trailing newline allowed.

    Raises Refused `audit.key_malformed` where the form is another, the algorithm unknown, or the hash not the key's.
    """
    name, _, rest = text.removesuffix("\n").partition("+")
    key_id, _, encoded = rest.partition("+")
    key = strict_base64(encoded)
    if not name_is_valid(name) or key is None or len(key) != 33 or key[:1] != ED25519:
        raise Refused("audit.key_malformed")
    found = VerifierKey(name, key[1:])
    if found.key_id.hex() != key_id:
        raise Refused("audit.key_malformed")
    return found


def sign(text: str, signer: Signer) -> str:
    """The note: text, blank line, one signature line. Raises ValueError for a text or name a note cannot hold."""
    if not text.endswith("\n") or any(c < " " and c != "\n" for c in text) or not name_is_valid(signer.name):
        raise ValueError("a note's text ends in a newline and holds no other control character")
    signature = signer.verifier.key_id + signer.private.sign(text.encode())
    return f"{text}\n\u2014 {signer.name} {base64.b64encode(signature).decode()}\n"


def open_note(raw: bytes, key: VerifierKey) -> str:
    """The text of a note that `key` signed.

    1. Bounded length, UTF-8, no control character but newline.
    2. Text and signature lines part at the last blank line; there is at least one signature line.
    3. Every line is `— name base64`, at least one byte beyond the key id.
    4. Lines of other keys are ignored; each line of `key` must verify over the text, and there is at least one.

    Raises Refused `audit.checkpoint_malformed` (1 to 3) or `audit.checkpoint_signature` (4).
    """
    # 1.
    if len(raw) > MAX_BYTES:
        raise Refused("audit.checkpoint_malformed", {"part": "length"})
    try:
        whole = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("audit.checkpoint_malformed", {"part": "encoding"}) from None
    if any(c < " " and c != "\n" for c in whole):
        raise Refused("audit.checkpoint_malformed", {"part": "encoding"})
    # 2.
    split = whole.rfind("\n\n")
    text, tail = whole[: split + 1], whole[split + 2 :]
    if split < 0 or not tail.endswith("\n"):
        raise Refused("audit.checkpoint_malformed", {"part": "signatures"})
    # 3.
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise Refused("audit.checkpoint_malformed", {"part": "signatures"})
    ours: list[bytes] = []
    for line in lines:
        name, _, encoded = line.removeprefix("\u2014 ").partition(" ")
        signature = strict_base64(encoded)
        if (
            not line.startswith("\u2014 ")
            or not name_is_valid(name)
            or signature is None
            or len(signature) < 5
        ):
            raise Refused("audit.checkpoint_malformed", {"part": "signatures"})
        if (name, signature[:4]) == (key.name, key.key_id):
            ours.append(signature[4:])
    # 4.
    public = Ed25519PublicKey.from_public_bytes(key.public)
    try:
        for signature in ours:
            public.verify(signature, text.encode())
    except InvalidSignature:
        raise Refused("audit.checkpoint_signature", {"key": key.name}) from None
    if not ours:
        raise Refused("audit.checkpoint_signature", {"key": key.name})
    return text
