"""The Merkle tree of RFC 6962, section 2.1: what its root is, and how it grows.

Decides hashes only. An `Edge` is all that an append needs to remember of a tree of any size: for each level
of tiles (c2sp.org/tlog-tiles) the hashes of the one tile that is not full yet.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

HEIGHT = 8
"""Levels of the tree within one tile."""

WIDTH = 1 << HEIGHT
"""Hashes in a full tile, entries in a full bundle."""

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry), 32 bytes."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right), 32 bytes."""
    return sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root over 1, 2, 4, … hashes. Raises ValueError for any other number of them."""
    if not hashes or len(hashes) & (len(hashes) - 1):
        raise ValueError("a perfect tree has a power of two of leaves")
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def peaks(hashes: Sequence[bytes]) -> Iterator[bytes]:
    """The roots of the perfect subtrees that the hashes divide into, from the largest (left) to the smallest."""
    return map(perfect_root, _perfect(hashes))


def _perfect(hashes: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    start = 0
    for bit in reversed(range(len(hashes).bit_length())):
        if len(hashes) >> bit & 1:
            yield hashes[start : start + (1 << bit)]
            start += 1 << bit


@lru_cache(maxsize=256)
def _kept_root(hashes: tuple[bytes, ...]) -> bytes:
    """`perfect_root`, remembered in all its halves: a tree that grows by one leaf asks for nearly the same ones again."""
    half = len(hashes) // 2
    if half == 1:
        return node_hash(*hashes)
    return node_hash(_kept_root(hashes[:half]), _kept_root(hashes[half:]))


def fold(found: Sequence[bytes]) -> bytes:
    """The root over peaks, given from left to right; of no peak at all the root of the empty tree."""
    if not found:
        return EMPTY_ROOT
    root = found[-1]
    for peak in reversed(found[:-1]):
        root = node_hash(peak, root)
    return root


def root_of(hashes: Sequence[bytes]) -> bytes:
    """MTH of the leaf hashes: the root of the tree that has exactly these leaves."""
    return fold(list(peaks(hashes)))


@dataclass(frozen=True)
class Grown:
    """One tile that an append changed: `hashes` are all of it, 1 to 256, from its start."""

    level: int
    n: int
    hashes: tuple[bytes, ...]


@dataclass(frozen=True)
class Edge:
    """The right edge of a tree: `levels[l]` holds the 0 to 255 hashes of the unfinished tile of level l."""

    levels: tuple[tuple[bytes, ...], ...] = ()

    @property
    def size(self) -> int:
        """Leaves in the tree."""
        return sum(len(row) << (HEIGHT * level) for level, row in enumerate(self.levels))

    def root(self) -> bytes:
        """The root hash: every level's peaks, the highest level being the leftmost part of the tree."""
        return fold(
            [
                part[0] if len(part) == 1 else _kept_root(part)
                for row in reversed(self.levels)
                for part in _perfect(row)
            ]
        )

    def partial(self) -> tuple[Grown, ...]:
        """The tiles that are not full, one per level at the most."""
        size = self.size
        return tuple(
            Grown(level, size >> HEIGHT * (level + 1), row) for level, row in enumerate(self.levels) if row
        )

    def extend(self, leaves: Iterable[bytes]) -> tuple["Edge", tuple[Grown, ...]]:
        """The edge after these leaf hashes, and every tile that became longer, each once and in its last form.

        Tiles that an append fills are given whole, so that whoever stores tiles never has to read one.
        """
        rows = [list(row) for row in self.levels]
        before = self.size
        full: list[Grown] = []
        for count, leaf in enumerate(leaves, start=1):
            carry, level = leaf, 0
            while True:
                if level == len(rows):
                    rows.append([])
                rows[level].append(carry)
                if len(rows[level]) < WIDTH:
                    break
                tile = tuple(rows[level])
                full.append(Grown(level, ((before + count) >> (HEIGHT * (level + 1))) - 1, tile))
                rows[level] = []
                carry, level = perfect_root(tile), level + 1
        after = Edge(tuple(tuple(row) for row in rows))
        longer = (
            tile
            for tile in after.partial()
            if after.size >> HEIGHT * tile.level != before >> HEIGHT * tile.level
        )
        return after, (*full, *longer)
