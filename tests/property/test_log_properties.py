"""What holds of every log: proofs verify, nothing else does, and no byte can be changed unseen."""

import base64
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enclave.audit import leaf, proof, tiles, tree
from enclave.audit.checkpoint import Checkpoint, sign
from enclave.audit.verify import verify
from enclave.core.refusal import Refused
from tests.fakes.log_copy import SIGNER, entries_up_to, files_of, leaf_number, mth

KEY = SIGNER.verifier
SLOW = settings(deadline=None)  # the oracle is recursive, and the machine may be busy
BYTES = [bytes([i % 256, i // 256]) for i in range(1100)]
HASHES = [tree.leaf_hash(entry) for entry in BYTES]


def node(height: int, index: int) -> bytes:
    return mth(BYTES[index << height : (index + 1) << height])


@cache
def copy(size: int) -> dict[str, bytes]:
    return files_of(entries_up_to(size))


@SLOW
@given(st.lists(st.integers(0, 300), max_size=6))
def test_a_tree_grown_in_any_steps_is_the_tree_of_its_entries(steps: list[int]) -> None:
    """The incremental tree has the root and the tiles of the recursive definition."""
    edge, size, written = tree.Edge(), 0, {}
    for step in steps:
        more = HASHES[size : size + step]
        edge, grown = edge.extend(more)
        size += len(more)
        written.update(
            {tiles.Tile(tile.level, tile.n, len(tile.hashes)).path: b"".join(tile.hashes) for tile in grown}
        )
        assert (edge.size, edge.root()) == (size, mth(BYTES[:size]))
    oracle = {
        path: raw for path, raw in files_of(BYTES[:size]).items() if path.startswith(("tile/0/", "tile/1/"))
    }
    assert oracle.items() <= written.items()


@SLOW
@given(st.data())
def test_an_inclusion_proof_verifies_at_its_place_only(data: st.DataObject) -> None:
    """The path leads to the root from this leaf at this index, and from no other index or leaf."""
    size = data.draw(st.integers(1, 700))
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(-1, size))
    path = proof.inclusion(index, size, node)
    root = mth(BYTES[:size])
    assert proof.root_by_inclusion(index, size, HASHES[index], path) == root
    if other != index:
        assert proof.root_by_inclusion(other, size, HASHES[index], path) != root
        assert proof.root_by_inclusion(index, size, HASHES[other], path) != root
    for wrong in (path[:-1], (*path, root), tuple(reversed(path))):
        if wrong != path:
            assert proof.root_by_inclusion(index, size, HASHES[index], wrong) != root


@SLOW
@given(st.data())
def test_a_consistency_proof_convinces_of_the_past_only(data: st.DataObject) -> None:
    """It holds for the true earlier root, and for no other root, size or path."""
    size = data.draw(st.integers(1, 700))
    earlier = data.draw(st.integers(0, size))
    path = proof.consistency(earlier, size, node)
    old, new = mth(BYTES[:earlier]), mth(BYTES[:size])
    assert proof.is_consistent(earlier, old, size, new, path)
    assert not proof.is_consistent(earlier, bytes(32), size, new, path)
    assert not proof.is_consistent(earlier, old, size, new, (*path, new))
    if earlier not in (0, size):
        assert not proof.is_consistent(earlier, old, size, bytes(32), path)
        assert not proof.is_consistent(earlier, old, size, new, path[:-1])


@SLOW
@given(st.data())
def test_the_same_proofs_come_from_tiles(data: st.DataObject) -> None:
    """Proofs made from a log's files are those made from its entries."""
    size = data.draw(st.integers(1, 700))
    index = data.draw(st.integers(0, size - 1))
    files = _byte_files(size)
    from_tiles = tiles.nodes(size, lambda tile: tiles.unpack_hashes(files[tile.path], tile.width) or ())
    assert proof.inclusion(index, size, from_tiles) == proof.inclusion(index, size, node)
    assert proof.consistency(index, size, from_tiles) == proof.consistency(index, size, node)


@cache
def _byte_files(size: int) -> dict[str, bytes]:
    return files_of(BYTES[:size])


@SLOW
@given(st.data())
def test_no_byte_of_a_copy_can_be_changed_unseen(data: st.DataObject) -> None:
    """Any one byte of any file, to any other value: refused, and the place named."""
    files = copy(data.draw(st.sampled_from((1, 30, 256, 290))))
    path = data.draw(st.sampled_from(sorted(files)))
    raw = files[path]
    offset = data.draw(st.integers(0, len(raw) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda value: value != raw[offset]))
    changed = {**files, path: raw[:offset] + bytes([value]) + raw[offset + 1 :]}
    with pytest.raises(Refused) as no:
        verify(changed.get, KEY, names=changed)
    if path.startswith("tile/entries/"):
        assert no.value.code in {"audit.entry_altered", "audit.entry_missing"}
        assert no.value.facts["index"] == _entry_at(files, path, offset)
    elif path.startswith("tile/"):
        assert (no.value.code, no.value.facts) == ("audit.tile_altered", {"file": path})
    elif path == "checkpoint":
        assert no.value.code in {"audit.checkpoint_malformed", "audit.checkpoint_signature"}
    else:
        assert no.value.code == "audit.key_differs"


def _entry_at(files: dict[str, bytes], path: str, offset: int) -> int:
    tile = tiles.parse_path(path)
    assert tile is not None
    entries, _rest = tiles.unpack_entries(files[path], tile.width)
    end = 0
    for within, entry in enumerate(entries):
        end += 2 + len(entry)
        if offset < end:
            return tile.n * 256 + within
    raise AssertionError("an offset behind the last entry")


@SLOW
@given(st.data())
def test_no_piece_of_a_copy_can_be_cut_or_added_unseen(data: st.DataObject) -> None:
    """Any file shortened, lengthened or gone is refused."""
    files = copy(data.draw(st.sampled_from((1, 30, 256, 290))))
    path = data.draw(st.sampled_from(sorted(set(files) - {"verifier.key"})))
    raw = files[path]
    change = data.draw(st.sampled_from(("cut", "add", "gone")))
    changed = {name: kept for name, kept in files.items() if name != path}
    if change == "cut":
        start = data.draw(st.integers(0, len(raw) - 1))
        end = data.draw(st.integers(start + 1, len(raw)))
        changed[path] = raw[:start] + raw[end:]
    elif change == "add":
        at = data.draw(st.integers(0, len(raw)))
        changed[path] = raw[:at] + data.draw(st.binary(min_size=1, max_size=70)) + raw[at:]
    with pytest.raises(Refused):
        verify(changed.get, KEY, names=changed)


@SLOW
@given(st.data())
def test_no_two_entries_can_change_places_unseen(data: st.DataObject) -> None:
    """The first of the two is named."""
    entries = entries_up_to(290)
    first = data.draw(st.integers(0, 288))
    second = data.draw(st.integers(first + 1, 289))
    entries[first], entries[second] = entries[second], entries[first]
    with pytest.raises(Refused) as no:
        verify({**copy(290), **_bundles(entries)}.get, KEY)
    assert (no.value.code, no.value.facts["index"]) == ("audit.entry_altered", first)


def _bundles(entries: list[bytes]) -> dict[str, bytes]:
    return {
        "tile/entries/000": tiles.pack_entries(entries[:256]),
        "tile/entries/001.p/34": tiles.pack_entries(entries[256:]),
    }


@SLOW
@given(st.data())
def test_no_byte_of_a_proof_can_be_changed_into_another_claim(data: st.DataObject) -> None:
    """An edited proof text is refused, or says nothing else than before."""
    size = data.draw(st.integers(1, 290))
    index = data.draw(st.integers(0, size - 1))
    entries = entries_up_to(size)
    path = proof.inclusion(index, size, lambda tall, i: mth(entries[i << tall : (i + 1) << tall]))
    signed = sign(Checkpoint(KEY.name, size, mth(entries)), SIGNER)
    text = proof.write(index, path, signed)
    assert proof.verify(text, entries[index], KEY).index == index
    offset = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(codec="utf-8").filter(lambda letter: letter != text[offset]))
    with pytest.raises(Refused):
        proof.verify(text[:offset] + letter + text[offset + 1 :], entries[index], KEY)


@SLOW
@given(st.integers(0, 289), st.binary(max_size=20))
def test_extra_data_of_a_proof_is_skipped(index: int, extra: bytes) -> None:
    """An `extra` line is allowed by the format and vouched for by nobody."""
    files, entries = copy(290), entries_up_to(290)
    at = tiles.nodes(290, lambda tile: tiles.unpack_hashes(files[tile.path], tile.width) or ())
    text = proof.write(index, proof.inclusion(index, 290, at), files["checkpoint"].decode())
    header, rest = text.split("\n", 1)
    more = f"{header}\nextra {base64.b64encode(extra).decode()}\n{rest}"
    assert proof.verify(more, entries[index], KEY).index == index


TEXT = st.text(min_size=1, max_size=128).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text))


@SLOW
@given(
    TEXT,
    TEXT,
    st.dictionaries(st.from_regex(r"\A[a-z][a-z0-9_]{0,20}\Z"), st.integers(-(2**53) + 1, 2**53 - 1)),
)
def test_every_leaf_comes_back_from_its_bytes(project: str, name: str, counts: dict[str, int]) -> None:
    """Canonical bytes lose nothing and have no second form."""
    one = leaf_number(1, project=project, object={"kind": "query", "id": name, "digest": None}, counts=counts)
    entry = leaf.entry_of(one)
    assert leaf.leaf_of(entry) == one
    assert leaf.readable_id(entry) == one["id"]
