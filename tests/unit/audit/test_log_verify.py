"""Every kind of edit of a copy is found and named; what was not edited verifies."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from enclave.audit import leaf, tiles
from enclave.audit.note import Signer
from enclave.audit.verify import Verified, verify
from enclave.core.refusal import Refused
from tests.fakes.log_copy import SIGNER, entries_up_to, files_of, leaf_number, mth

SIZE = 600
ENTRIES = entries_up_to(SIZE)
FILES = files_of(ENTRIES)
KEY = SIGNER.verifier
Files = dict[str, bytes]


def check(files: Files, earlier: bytes | None = None) -> Verified:
    return verify(files.get, KEY, earlier=earlier, names=files)


def refusal(files: Files, earlier: bytes | None = None) -> Refused:
    with pytest.raises(Refused) as no:
        check(files, earlier)
    return no.value


def edited(path: str, change: Callable[[bytes], bytes]) -> Files:
    assert change(FILES[path]) != FILES[path]
    return {**FILES, path: change(FILES[path])}


def flip(offset: int) -> Callable[[bytes], bytes]:
    return lambda raw: raw[:offset] + bytes([raw[offset] ^ 1]) + raw[offset + 1 :]


def rewritten(index: int, entry: bytes) -> list[bytes]:
    return [*ENTRIES[:index], entry, *ENTRIES[index + 1 :]]


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 512, 600])
def test_a_whole_copy_verifies(size: int) -> None:
    """The oracle's files of a log of any size hold."""
    files = files_of(ENTRIES[:size])
    found = check(files)
    assert (found.size, found.root, found.files) == (size, mth(ENTRIES[:size]), len(files) - 1)


@pytest.mark.parametrize("earlier", [0, 1, 255, 256, 300, 599, 600])
def test_a_copy_continues_every_earlier_checkpoint(earlier: int) -> None:
    """Any checkpoint of the past is the beginning of the present log."""
    assert check(FILES, files_of(ENTRIES[:earlier])["checkpoint"]).earlier == earlier


def test_older_partial_tiles_may_lie_beside() -> None:
    """What an earlier size needed and the present one does not is no edit."""
    assert check({**files_of(ENTRIES[:520]), **files_of(ENTRIES[:300]), **FILES}).size == SIZE


@pytest.mark.parametrize("index", [0, 255, 256, 511, 512, 599])
def test_an_edited_entry_is_named_with_its_id(index: int) -> None:
    """One byte of a text in an entry: the index, the file and the leaf's id."""
    n, within = divmod(index, 256)
    path = tiles.Tile(None, n, min(256, SIZE - n * 256)).path
    offset = sum(len(entry) + 2 for entry in ENTRIES[n * 256 : index]) + 2 + ENTRIES[index].index(b"tanaka")
    no = refusal(edited(path, flip(offset)))
    assert no.code == "audit.entry_altered"
    assert no.facts == {"index": index, "file": path, "id": leaf_number(index)["id"]}
    assert within < 256


def test_swapped_entries_are_named() -> None:
    """Two entries that changed places: the first of the two."""
    swapped = [*ENTRIES[:100], ENTRIES[101], ENTRIES[100], *ENTRIES[102:]]
    no = refusal({**FILES, "tile/entries/000": files_of(swapped)["tile/entries/000"]})
    assert (no.code, no.facts["index"]) == ("audit.entry_altered", 100)


def test_an_entry_replaced_by_another_valid_one_is_named() -> None:
    """A well-formed leaf in the place of the signed one."""
    other = rewritten(300, leaf.entry_of(leaf_number(300, outcome="refused")))
    no = refusal({**FILES, "tile/entries/001": files_of(other)["tile/entries/001"]})
    assert (no.code, no.facts["index"]) == ("audit.entry_altered", 300)


def test_a_left_out_entry_is_named() -> None:
    """The entry that now stands in its place is the first that differs."""
    shorter = tiles.pack_entries([*ENTRIES[512:550], *ENTRIES[551:]])
    no = refusal({**FILES, "tile/entries/002.p/88": shorter})
    assert (no.code, no.facts["index"]) == ("audit.entry_altered", 550)


def test_a_truncated_bundle_names_the_entry_that_is_cut() -> None:
    """The last entry without its last byte."""
    no = refusal(edited("tile/entries/002.p/88", lambda raw: raw[:-1]))
    assert (no.code, no.facts["index"]) == ("audit.entry_missing", 599)


@pytest.mark.parametrize(
    "more", [b"\x00", b"\x00\x00", tiles.pack_entries([leaf.entry_of(leaf_number(600))])]
)
def test_an_extra_entry_is_found(more: bytes) -> None:
    """Anything behind the last entry of a bundle, whole entry or not."""
    no = refusal(edited("tile/entries/002.p/88", lambda raw: raw + more))
    assert (no.code, no.facts["index"]) == ("audit.entry_extra", 600)


@pytest.mark.parametrize("path", sorted(path for path in FILES if path.startswith(("tile/0", "tile/1"))))
def test_an_edited_tile_is_named(path: str) -> None:
    """One bit of a hash, at any level: the tile, not an entry."""
    no = refusal(edited(path, flip(40)))
    assert (no.code, no.facts) == ("audit.tile_altered", {"file": path})


@pytest.mark.parametrize("path", sorted(path for path in FILES if path.startswith(("tile/0", "tile/1"))))
def test_a_truncated_or_longer_tile_is_named(path: str) -> None:
    """A tile has its length."""
    for change in (lambda raw: raw[:-32], lambda raw: raw[:-1], lambda raw: raw + raw[-32:]):
        no = refusal(edited(path, change))
        assert (no.code, no.facts) == ("audit.file_malformed", {"file": path})


@pytest.mark.parametrize("path", sorted(set(FILES) - {"verifier.key"}))
def test_a_missing_file_is_named(path: str) -> None:
    """Every file is needed."""
    no = refusal({name: raw for name, raw in FILES.items() if name != path})
    assert (no.code, no.facts) == ("audit.file_missing", {"file": path})


def test_an_entry_rewritten_with_its_leaf_hash_is_found_by_the_level_above() -> None:
    """The range of entries below the hash that disagrees."""
    other = files_of(rewritten(300, leaf.entry_of(leaf_number(300, outcome="refused"))))
    changed = {name: other[name] for name in ("tile/entries/001", "tile/0/001")}
    no = refusal({**FILES, **changed})
    assert (no.code, no.facts) == ("audit.entries_rewritten", {"first": 256, "last": 511})


def test_an_entry_rewritten_with_all_hashes_is_found_by_the_checkpoint() -> None:
    """Whoever rewrites every tile still lacks the signature."""
    other = files_of(rewritten(300, leaf.entry_of(leaf_number(300, outcome="refused"))))
    no = refusal({**other, "checkpoint": FILES["checkpoint"]})
    assert (no.code, no.facts) == ("audit.root_differs", {"size": SIZE})


def test_a_log_rewritten_by_its_own_key_is_found_by_an_earlier_checkpoint() -> None:
    """Even the ledger cannot change the past of whoever kept a checkpoint."""
    other = files_of(rewritten(10, leaf.entry_of(leaf_number(10, outcome="refused"))))
    assert check(other).size == SIZE
    no = refusal(other, files_of(ENTRIES[:300])["checkpoint"])
    assert (no.code, no.facts) == ("audit.inconsistent", {"earlier": 300, "size": SIZE})


def test_a_shortened_log_is_found_by_an_earlier_checkpoint() -> None:
    """A log that was set back verifies by itself, but not before someone who saw more of it."""
    no = refusal(files_of(ENTRIES[:590]), FILES["checkpoint"])
    assert (no.code, no.facts) == ("audit.rolled_back", {"earlier": 600, "size": 590})


def test_a_checkpoint_of_another_key_is_refused() -> None:
    """The copy's own claims count for nothing."""
    impostor = Signer(SIGNER.name, Ed25519PrivateKey.from_private_bytes(b"\x06" * 32))
    assert refusal(files_of(ENTRIES, impostor)).code == "audit.checkpoint_signature"
    assert refusal(FILES, files_of(ENTRIES[:5], impostor)["checkpoint"]).code == "audit.checkpoint_signature"


def test_a_verifier_key_that_was_exchanged_is_found() -> None:
    """The key in the copy is for convenience and must be the reader's."""
    assert refusal(edited("verifier.key", flip(3))).code == "audit.key_differs"


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/003",
        "tile/0/002.p/89",
        "tile/entries/002.p/200",
        "tile/2/000.p/1",
        "notes.txt",
        "tile/0/000.p/256",
    ],
)
def test_a_file_that_does_not_belong_is_named(path: str) -> None:
    """Nothing unsigned travels with the log."""
    no = refusal({**FILES, path: b"x"})
    assert (no.code, no.facts) == ("audit.file_extra", {"file": path})


@pytest.mark.parametrize("path", ["tile/0/002.p/8", "tile/entries/002.p/8", "tile/1/000.p/1"])
def test_an_edited_older_partial_tile_is_named(path: str) -> None:
    """What a witness of an earlier size would read is checked too."""
    older = {**files_of(ENTRIES[:300]), **files_of(ENTRIES[:520])}
    no = refusal({**older, **FILES, path: flip(5)(older[path])})
    assert (no.code, no.facts) == ("audit.tile_altered", {"file": path})


def test_a_signed_entry_that_is_no_leaf_is_named() -> None:
    """A signature does not make a leaf."""
    no = refusal(files_of([*ENTRIES[:5], b'{"v": 1}', *ENTRIES[5:9]]))
    assert (no.code, no.facts["index"]) == ("audit.entry_not_leaf", 5)


def test_a_signed_id_that_stands_twice_is_named() -> None:
    """One event is one leaf."""
    no = refusal(files_of([*ENTRIES[:5], leaf.entry_of(leaf_number(2, outcome="refused"))]))
    assert (no.code, no.facts["index"], no.facts["first"]) == ("audit.id_repeated", 5, 2)
