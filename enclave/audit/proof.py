"""Proofs: that an entry is in a tree, and that a tree is the beginning of a later one (RFC 6962, 2.1.1 and 2.1.2).

Makes proofs from the hashes of perfect subtrees, checks them as RFC 9162, 2.1.3.2 and 2.1.4.2 say, and writes
an inclusion proof as c2sp.org/tlog-proof text, which verifies offline with nothing but the verifier key.
"""

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from enclave.audit import checkpoint, note
from enclave.audit.checkpoint import Checkpoint
from enclave.audit.note import VerifierKey
from enclave.audit.tree import fold, leaf_hash, node_hash
from enclave.core.refusal import Refused

Node = Callable[[int, int], bytes]
"""The hash of the perfect subtree of a height and an index: it covers the leaves from index·2^height on."""

HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)


def _split(width: int) -> int:
    """The largest power of two below `width` (at least 2)."""
    return 1 << ((width - 1).bit_length() - 1)


def range_root(low: int, high: int, node: Node) -> bytes:
    """The root over leaves low to high − 1, where low is a multiple of the largest power of two up to the width."""
    found: list[bytes] = []
    while low < high:
        tall = (high - low).bit_length() - 1
        found.append(node(tall, low >> tall))
        low += 1 << tall
    return fold(found)


def inclusion(index: int, size: int, node: Node) -> tuple[bytes, ...]:
    """The audit path of a leaf, from its sibling up. Raises ValueError for an index outside the tree."""
    if not 0 <= index < size:
        raise ValueError("no such leaf")
    low, high = 0, size
    path: list[bytes] = []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(range_root(middle, high, node))
            high = middle
        else:
            path.append(range_root(low, middle, node))
            low = middle
    return tuple(reversed(path))


def consistency(earlier: int, size: int, node: Node) -> tuple[bytes, ...]:
    """The proof that the tree of `earlier` leaves begins the tree of `size`; empty for equal or empty trees.

    Raises ValueError where `earlier` is larger.
    """
    if not 0 <= earlier <= size:
        raise ValueError("the earlier tree is the larger one")
    if earlier in (0, size):
        return ()
    low, high, whole = 0, size, True
    path: list[bytes] = []
    while earlier != high:
        middle = low + _split(high - low)
        if earlier <= middle:
            path.append(range_root(middle, high, node))
            high = middle
        else:
            path.append(range_root(low, middle, node))
            low, whole = middle, False
    if not whole:
        path.append(range_root(low, high, node))
    return tuple(reversed(path))


def root_by_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes | None:
    """The root that an audit path leads to; None where the path is not one of this place (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return None
    fn, sn, root = index, size - 1, leaf
    for step in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            root = node_hash(step, root)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = node_hash(root, step)
        fn, sn = fn >> 1, sn >> 1
    return root if sn == 0 else None


def is_consistent(earlier: int, earlier_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the path proves that the earlier tree begins the later one (RFC 9162, 2.1.4.2)."""
    if earlier == size:
        return not path and earlier_root == root
    if earlier == 0:
        return not path and earlier_root == fold(())
    if not 0 < earlier < size or not path:
        return False
    steps = [earlier_root, *path] if earlier & (earlier - 1) == 0 else list(path)
    fn, sn = earlier - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            old, new = node_hash(step, old), node_hash(step, new)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node_hash(new, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and old == earlier_root and new == root


@dataclass(frozen=True)
class Included:
    """What a proof showed: the entry stands at `index` under the signed `checkpoint`."""

    index: int
    entry: bytes
    checkpoint: Checkpoint


def write(index: int, path: Sequence[bytes], signed: str) -> str:
    """The proof as c2sp.org/tlog-proof text; `signed` is the checkpoint's note, verbatim."""
    hashes = "".join(base64.b64encode(step).decode() + "\n" for step in path)
    return f"{HEADER}\nindex {index}\n{hashes}\n{signed}"


def verify(text: str, entry: bytes, key: VerifierKey) -> Included:
    """Checks a tlog-proof text for an entry.

    1. The header, the index and the hashes have their form (an `extra` line is skipped: nothing vouches for it).
    2. The checkpoint is signed by `key`.
    3. The path leads from the entry's leaf hash to the checkpoint's root.

    Raises Refused `audit.proof_malformed`, one of the checkpoint's codes, or `audit.proof_fails`.
    """
    # 1.
    head, blank, signed = text.partition("\n\n")
    lines = head.split("\n")
    if len(lines) > 1 and lines[1].startswith("extra "):
        del lines[1]
    match = _INDEX.fullmatch(lines[1]) if len(lines) > 1 else None
    path = [note.strict_base64(line) for line in lines[2:]]
    hashes = [step for step in path if step is not None and len(step) == 32]
    if not blank or lines[0] != HEADER or match is None or len(hashes) != len(path):
        raise Refused("audit.proof_malformed")
    index = int(match[1])
    # 2.
    found = checkpoint.verified(signed.encode(), key)
    # 3.
    if root_by_inclusion(index, found.size, leaf_hash(entry), hashes) != found.root:
        raise Refused("audit.proof_fails", {"index": index, "size": found.size})
    return Included(index, entry, found)
