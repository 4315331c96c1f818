"""Tiles (c2sp.org/tlog-tiles): which files a log of a given size consists of, their paths and their bytes.

Decides names and encodings only. `tile/<L>/<N>[.p/<W>]` holds hashes, `tile/entries/<N>[.p/<W>]` the entries.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from enclave.audit.tree import HEIGHT, WIDTH, perfect_root

HASH = 32
MAX_ENTRY = 0xFFFF
"""Longest entry in bytes: a bundle's length prefix is a big-endian uint16."""

MAX_LEVEL = 63

_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<n>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


@dataclass(frozen=True, order=True)
class Tile:
    """One file: `level` None means a bundle of entries; `n` its place in its level; `width` 1 to 256."""

    level: int | None
    n: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Its path below the log's folder: index 1234067 becomes `x001/x234/067`."""
        digits = f"{self.n:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
        number = "/".join([*("x" + group for group in groups[:-1]), groups[-1]])
        kind = "entries" if self.level is None else str(self.level)
        return f"tile/{kind}/{number}" + ("" if self.width == WIDTH else f".p/{self.width}")


def parse_path(path: str) -> Tile | None:
    """The tile that a path names; None for every other path, and for a second spelling of one."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    level = None if match["level"] == "entries" else int(match["level"])
    found = Tile(level, int(match["n"].replace("x", "").replace("/", "")), int(match["width"] or WIDTH))
    ours = found.width <= WIDTH and (level is None or level <= MAX_LEVEL) and found.path == path
    return found if ours else None


def tiles_of_level(size: int, level: int | None) -> Iterator[Tile]:
    """The files of one level for a log of `size` entries, from left to right."""
    count = size >> (HEIGHT * (level or 0))
    for n in range(count // WIDTH):
        yield Tile(level, n)
    if count % WIDTH:
        yield Tile(level, count // WIDTH, count % WIDTH)


def height(size: int) -> int:
    """How many levels of tiles a log of `size` entries has."""
    return -(-size.bit_length() // HEIGHT)


def tiles_of(size: int) -> Iterator[Tile]:
    """Every file that a log of `size` entries consists of, besides `checkpoint`: hashes level by level, then entries."""
    for level in range(height(size)):
        yield from tiles_of_level(size, level)
    yield from tiles_of_level(size, None)


def pack_hashes(hashes: Sequence[bytes]) -> bytes:
    return b"".join(hashes)


def unpack_hashes(raw: bytes, width: int) -> tuple[bytes, ...] | None:
    """The hashes of a tile; None where it does not hold exactly `width` of them."""
    if len(raw) != HASH * width:
        return None
    return tuple(raw[i : i + HASH] for i in range(0, len(raw), HASH))


def pack_entries(entries: Sequence[bytes]) -> bytes:
    """A bundle. Raises ValueError for an entry of more than 65,535 bytes."""
    if any(len(entry) > MAX_ENTRY for entry in entries):
        raise ValueError("an entry is longer than its length prefix can say")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unpack_entries(raw: bytes, width: int) -> tuple[tuple[bytes, ...], bytes]:
    """As many whole entries as there are, `width` at the most, and the bytes left over behind them."""
    found: list[bytes] = []
    at = 0
    while len(found) < width and at + 2 <= len(raw):
        end = at + 2 + int.from_bytes(raw[at : at + 2], "big")
        if end > len(raw):
            break
        found.append(raw[at + 2 : end])
        at = end
    return tuple(found), raw[at:]


def nodes(size: int, read: Callable[[Tile], tuple[bytes, ...]]) -> Callable[[int, int], bytes]:
    """The hash of any perfect subtree `(height, index)` of a log of `size` entries, from its tiles.

    `read` gives a tile's hashes and decides what becomes of one that is missing. Each tile is read once.
    """
    kept: dict[tuple[int, int], tuple[bytes, ...]] = {}

    def node(tall: int, index: int) -> bytes:
        level, within = divmod(tall, HEIGHT)
        n, first = divmod(index << within, WIDTH)
        if (level, n) not in kept:
            kept[level, n] = read(Tile(level, n, min(WIDTH, (size >> (HEIGHT * level)) - n * WIDTH)))
        return perfect_root(kept[level, n][first : first + (1 << within)])

    return node
