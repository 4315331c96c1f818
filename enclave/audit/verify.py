"""Verification of a whole copy of a log, offline: is it complete, unaltered, and what the log's key signed?

Decides by recomputing every hash from the entries up. Relies on the verifier key (and the earlier checkpoint)
that the reader kept elsewhere: a copy cannot vouch for itself. Does not say whether leaves tell the truth.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from enclave.audit import checkpoint as checkpoints
from enclave.audit import leaf as leaves
from enclave.audit import tiles, tree
from enclave.audit.checkpoint import Checkpoint
from enclave.audit.note import VerifierKey
from enclave.audit.tiles import Tile
from enclave.core.refusal import Refused

Reader = Callable[[str], bytes | None]
"""The bytes of a file of the copy by its path (`tile/0/000.p/5`), None where there is none."""

CHECKPOINT = "checkpoint"
VERIFIER_KEY = "verifier.key"


@dataclass(frozen=True)
class Verified:
    """A copy that holds: all entries below `size` are those the key signed under `root`."""

    origin: str
    size: int
    root: bytes
    earlier: int | None
    """Size of the earlier checkpoint that this log was shown to continue; None where none was given."""

    files: int
    """Files read and found in order."""


@dataclass(frozen=True)
class _Bundles:
    hashes: tuple[bytes, ...]
    """Leaf hashes of the entries as they are read, up to the first place where an entry is cut off."""

    stop: Refused | None
    """Why reading stopped before the last entry, or what followed it."""


def verify(
    read: Reader, key: VerifierKey, *, earlier: bytes | None = None, names: Iterable[str] | None = None
) -> Verified:
    """Checks a copy of the log.

    1. The checkpoint is there and signed by `key` for the log of that name.
    2. An earlier checkpoint, where given, is signed by the same key and not larger.
    3. Every tile that a log of this size consists of is there with its exact length.
    4. Every level of tiles is what the level below it hashes to; the lowest level leads to the signed root.
    5. Every entry hashes to its place in the lowest level; no entry is missing, cut off or left over.
    6. Every entry is a leaf in canonical form, and no leaf id stands twice.
    7. The tree of the earlier checkpoint is the beginning of this one.
    8. Where the copy's file names are given: `verifier.key` is `key`, an older partial tile is the beginning of the
       present one, and there is no other file.

    Raises Refused with a code of `audit.codes`; facts name the entry (`index`, `id` where it can be read) or the `file`.
    """
    # 1.
    present = checkpoints.verified(_required(read, CHECKPOINT), key)
    # 2.
    before = checkpoints.verified(earlier, key) if earlier is not None else None
    if before is not None and before.size > present.size:
        raise Refused("audit.rolled_back", {"earlier": before.size, "size": present.size})
    # 3.
    levels = [
        _hashes(read, tiles.tiles_of_level(present.size, level))
        for level in range(tiles.height(present.size))
    ]
    lowest = levels[0] if levels else ()
    # 4. and 5.
    bundles = _bundles(read, present.size)
    _hold_together(present, levels, lowest, bundles, read)
    # 6.
    _are_leaves(read, present.size)
    # 7.
    if before is not None and tree.root_of(lowest[: before.size]) != before.root:
        raise Refused("audit.inconsistent", {"earlier": before.size, "size": present.size})
    # 8.
    expected = {tile.path for tile in tiles.tiles_of(present.size)} | {CHECKPOINT}
    for name in sorted(set(names or ()) - expected):
        _belongs(name, present.size, read, key)
    return Verified(
        present.origin, present.size, present.root, before.size if before else None, len(expected)
    )


def _required(read: Reader, path: str) -> bytes:
    raw = read(path)
    if raw is None:
        raise Refused("audit.file_missing", {"file": path})
    return raw


def _hashes(read: Reader, files: Iterable[Tile]) -> tuple[bytes, ...]:
    found: list[bytes] = []
    for tile in files:
        hashes = tiles.unpack_hashes(_required(read, tile.path), tile.width)
        if hashes is None:
            raise Refused("audit.file_malformed", {"file": tile.path})
        found.extend(hashes)
    return tuple(found)


def _bundles(read: Reader, size: int) -> _Bundles:
    found: list[bytes] = []
    for tile in tiles.tiles_of_level(size, None):
        entries, rest = tiles.unpack_entries(_required(read, tile.path), tile.width)
        found.extend(tree.leaf_hash(entry) for entry in entries)
        if len(entries) < tile.width:
            return _Bundles(
                tuple(found), Refused("audit.entry_missing", {"index": len(found), "file": tile.path})
            )
        if rest:
            return _Bundles(
                tuple(found), Refused("audit.entry_extra", {"index": len(found), "file": tile.path})
            )
    return _Bundles(tuple(found), None)


def _hold_together(
    present: Checkpoint,
    levels: Sequence[tuple[bytes, ...]],
    lowest: tuple[bytes, ...],
    bundles: _Bundles,
    read: Reader,
) -> None:
    """Steps 4 and 5. The signed root is the judge: what leads to it is right, and what differs from that was altered."""
    if tree.root_of(lowest) == present.root:
        _same_levels(lowest, levels)
        _same_entries(bundles, lowest, present.size, read)
        return
    if bundles.stop is None and tree.root_of(bundles.hashes) == present.root:
        # The entries are those that were signed: some tile of the lowest level is not.
        _same_levels(bundles.hashes, levels)
    else:
        _same_entries(bundles, lowest, present.size, read)
        # Entries and lowest tiles were rewritten together. The level above, if it was left alone, says where.
        _same_levels(lowest, levels, rewritten=True)
    raise Refused("audit.root_differs", {"size": present.size})


def _same_entries(bundles: _Bundles, lowest: Sequence[bytes], size: int, read: Reader) -> None:
    index = _first_difference(bundles.hashes, lowest)
    if index is not None:
        raise _altered(index, size, read)
    if bundles.stop is not None:
        raise bundles.stop


def _first_difference(found: Sequence[bytes], expected: Sequence[bytes]) -> int | None:
    return next((i for i, (a, b) in enumerate(zip(found, expected, strict=False)) if a != b), None)


def _altered(index: int, size: int, read: Reader) -> Refused:
    n, within = divmod(index, tree.WIDTH)
    tile = Tile(None, n, min(tree.WIDTH, size - n * tree.WIDTH))
    entries, _rest = tiles.unpack_entries(_required(read, tile.path), tile.width)
    facts: dict[str, object] = {"index": index, "file": tile.path}
    found = leaves.readable_id(entries[within])
    if found is not None:
        facts["id"] = found
    return Refused("audit.entry_altered", facts)


def _same_levels(
    lowest: Sequence[bytes], levels: Sequence[tuple[bytes, ...]], *, rewritten: bool = False
) -> None:
    """Every level must be what the lowest hashes to; refused with the tile (or the range of entries) where not."""
    computed = tuple(lowest)
    size = len(lowest)
    for level, stored in enumerate(levels):
        at = _first_difference(stored, computed)
        if at is not None and rewritten:
            span = tree.WIDTH**level
            raise Refused("audit.entries_rewritten", {"first": at * span, "last": (at + 1) * span - 1})
        if at is not None:
            n = at // tree.WIDTH
            tile = Tile(level, n, min(tree.WIDTH, (size >> (tree.HEIGHT * level)) - n * tree.WIDTH))
            raise Refused("audit.tile_altered", {"file": tile.path})
        full = len(computed) // tree.WIDTH * tree.WIDTH
        computed = tuple(tree.perfect_root(computed[i : i + tree.WIDTH]) for i in range(0, full, tree.WIDTH))


def _are_leaves(read: Reader, size: int) -> None:
    places: dict[str, int] = {}
    index = 0
    for tile in tiles.tiles_of_level(size, None):
        entries, _rest = tiles.unpack_entries(_required(read, tile.path), tile.width)
        for entry in entries:
            try:
                found = leaves.leaf_of(entry)
            except Refused:
                raise Refused("audit.entry_not_leaf", {"index": index, "file": tile.path}) from None
            first = places.setdefault(str(found["id"]), index)
            if first != index:
                raise Refused("audit.id_repeated", {"index": index, "first": first, "id": str(found["id"])})
            index += 1


def _belongs(name: str, size: int, read: Reader, key: VerifierKey) -> None:
    """Step 8, for one file that this size of the log does not need."""
    if name == VERIFIER_KEY:
        if _required(read, name) != f"{key}\n".encode():
            raise Refused("audit.key_differs", {"file": name})
        return
    tile = tiles.parse_path(name)
    count = 0 if tile is None else (size >> (tree.HEIGHT * (tile.level or 0))) - tile.n * tree.WIDTH
    if tile is None or tile.width > count:
        raise Refused("audit.file_extra", {"file": name})
    whole = _required(read, Tile(tile.level, tile.n, min(count, tree.WIDTH)).path)
    if tile.level is None:
        entries, _rest = tiles.unpack_entries(whole, tile.width)
        beginning = tiles.pack_entries(entries)
    else:
        beginning = whole[: tiles.HASH * tile.width]
    if _required(read, name) != beginning:
        raise Refused("audit.tile_altered", {"file": name})
