"""A log's files by the letter of the specifications, slowly: the oracle of everything that writes or reads a log."""

from collections.abc import Sequence
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from enclave.audit import checkpoint, leaf
from enclave.audit.checkpoint import Checkpoint
from enclave.audit.note import Signer
from enclave.core.ids import uuid7

SIGNER = Signer("copy.test/log", Ed25519PrivateKey.from_private_bytes(b"\x05" * 32))


def mth(entries: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, as it is written there."""
    n = len(entries)
    if n == 0:
        return sha256(b"").digest()
    if n == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < n:
        k *= 2
    return sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def number(n: int) -> str:
    """`<N>` of tlog-tiles, below a thousand million."""
    a, b, c = n // 1_000_000, n // 1000 % 1000, n % 1000
    return f"x{a:03d}/x{b:03d}/{c:03d}" if a else f"x{b:03d}/{c:03d}" if b else f"{c:03d}"


def files_of(entries: Sequence[bytes], signer: Signer = SIGNER) -> dict[str, bytes]:
    """Every file of the log of these entries, by path, with its checkpoint and verifier key."""
    found: dict[str, bytes] = {}
    size, level = len(entries), 0
    while size // 256**level:
        span = 256**level
        count = size // span
        for n in range(-(-count // 256)):
            width = min(256, count - n * 256)
            hashes = [mth(entries[(n * 256 + i) * span : (n * 256 + i + 1) * span]) for i in range(width)]
            suffix = "" if width == 256 else f".p/{width}"
            found[f"tile/{level}/{number(n)}{suffix}"] = b"".join(hashes)
            if level == 0:
                part = entries[n * 256 : n * 256 + width]
                packed = b"".join(len(entry).to_bytes(2, "big") + entry for entry in part)
                found[f"tile/entries/{number(n)}{suffix}"] = packed
        level += 1
    found["checkpoint"] = checkpoint.sign(Checkpoint(signer.name, size, mth(entries)), signer).encode()
    found["verifier.key"] = f"{signer.verifier}\n".encode()
    return found


def leaf_number(i: int, **other: object) -> dict[str, object]:
    """The i-th of a row of leaves that differ."""
    return {
        "v": 1,
        "id": uuid7(1_700_000_000_000 + i, i.to_bytes(10, "big")),
        "time": "2026-11-01T00:00:00Z",
        "actor": {"person": "tanaka", "role": "handler", "session": None},
        "project": "nafld-fib",
        "permit": "p-2026-0007@1",
        "action": "query.authorised",
        "object": {"kind": "query", "id": f"q-{i}", "digest": None},
        "outcome": "ok",
        "codes": [],
        "counts": {"rows": i},
        **other,
    }


def entries_up_to(size: int) -> list[bytes]:
    return [leaf.entry_of(leaf_number(i)) for i in range(size)]
