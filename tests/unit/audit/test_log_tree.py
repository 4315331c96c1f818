"""The tree and its proofs agree with RFC 6962's own example values and with Go's implementation."""

import json
from pathlib import Path

import pytest

from enclave.audit import proof, tree
from enclave.audit.tree import leaf_hash

# The eight entries of the certificate-transparency reference tests, and the roots of their first n.
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
GO = json.loads(Path(__file__).with_name("known_answers.json").read_text())
GO_HASHES = [leaf_hash(f"entry {i}".encode()) for i in range(700)]


def go_node(height: int, index: int) -> bytes:
    return tree.root_of(GO_HASHES[index << height : (index + 1) << height])


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_reference(size: int) -> None:
    """The first n reference entries have the published root, as a list and as a growing tree."""
    hashes = [leaf_hash(entry) for entry in ENTRIES[:size]]
    assert tree.root_of(hashes).hex() == ROOTS[size]
    assert tree.Edge().extend(hashes)[0].root().hex() == ROOTS[size]


@pytest.mark.parametrize("size", sorted(map(int, GO["roots"])))
def test_roots_are_those_of_go(size: int) -> None:
    """Go's tlog package computes the same roots, across tile boundaries too."""
    assert tree.Edge().extend(GO_HASHES[:size])[0].root().hex() == GO["roots"][str(size)]


@pytest.mark.parametrize("case", sorted(GO["inclusion"]))
def test_inclusion_proofs_are_those_of_go(case: str) -> None:
    """The audit path has Go's hashes in Go's order and leads to the root."""
    index, size = map(int, case.split("/"))
    path = proof.inclusion(index, size, go_node)
    assert [step[:8].hex() for step in path] == GO["inclusion"][case]
    assert proof.root_by_inclusion(index, size, GO_HASHES[index], path) == tree.root_of(GO_HASHES[:size])


@pytest.mark.parametrize("case", sorted(GO["consistency"]))
def test_consistency_proofs_are_those_of_go(case: str) -> None:
    """The consistency path has Go's hashes in Go's order and convinces."""
    earlier, size = map(int, case.split("/"))
    path = proof.consistency(earlier, size, go_node)
    assert [step[:8].hex() for step in path] == GO["consistency"][case]
    assert proof.is_consistent(
        earlier, tree.root_of(GO_HASHES[:earlier]), size, tree.root_of(GO_HASHES[:size]), path
    )


def test_a_tree_that_grows_leaf_by_leaf_has_the_roots_of_the_whole() -> None:
    """The edge remembers parts of its root from one leaf to the next; two trees that grow in turns share none of them."""
    edge, other = tree.Edge(), tree.Edge()
    for size in range(1, 601):
        edge, _ = edge.extend([GO_HASHES[size - 1]])
        other, _ = other.extend([GO_HASHES[-size]])
        assert edge.root() == tree.root_of(GO_HASHES[:size])
    assert other.root() == tree.root_of(GO_HASHES[: -len(GO_HASHES[:600]) - 1 : -1])


def test_an_append_names_each_grown_tile_once() -> None:
    """Growing from 255 to 513 gives three lowest tiles and the second level's, whole and in their last form."""
    edge, _ = tree.Edge().extend(GO_HASHES[:255])
    _, grown = edge.extend(GO_HASHES[255:513])
    assert [(tile.level, tile.n, len(tile.hashes)) for tile in grown] == [
        (0, 0, 256),
        (0, 1, 256),
        (0, 2, 1),
        (1, 0, 2),
    ]


def test_a_level_that_did_not_grow_is_not_written_again() -> None:
    """A single leaf after 300 changes the lowest unfinished tile only."""
    edge, _ = tree.Edge().extend(GO_HASHES[:300])
    _, grown = edge.extend(GO_HASHES[300:301])
    assert [(tile.level, tile.n, len(tile.hashes)) for tile in grown] == [(0, 1, 45)]


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0)])
def test_there_is_no_proof_for_a_place_outside(index: int, size: int) -> None:
    """A place outside the tree is an error of the caller."""
    with pytest.raises(ValueError, match="no such leaf"):
        proof.inclusion(index, size, go_node)


def test_there_is_no_proof_backwards() -> None:
    """A tree is not the beginning of a smaller one."""
    with pytest.raises(ValueError, match="larger"):
        proof.consistency(6, 5, go_node)
