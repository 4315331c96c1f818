"""File names and encodings are those of tlog-tiles."""

import json
from pathlib import Path

import pytest

from enclave.audit import tiles
from enclave.audit.tiles import Tile

GO = json.loads(Path(__file__).with_name("known_answers.json").read_text())


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(1, 999), "tile/1/999"),
        (Tile(1, 1000), "tile/1/x001/000"),
        (Tile(2, 5, 3), "tile/2/005.p/3"),
        (Tile(None, 1234067, 255), "tile/entries/x001/x234/067.p/255"),
    ],
)
def test_paths_are_those_of_the_specification(tile: Tile, path: str) -> None:
    """A tile has one path, and the path names the tile."""
    assert tile.path == path
    assert tiles.parse_path(path) == tile


def test_paths_are_those_of_go_but_for_the_height() -> None:
    """Go writes the tile height, 8, before the level; the rest is the same."""
    assert Tile(0, 1234067).path == GO["paths"]["1234067"].replace("tile/8/", "tile/")
    assert Tile(1, 5, 3).path == GO["paths"]["5p3"].replace("tile/8/", "tile/")


@pytest.mark.parametrize(
    "path",
    [
        "tile/00/000",
        "tile/64/000",
        "tile/0/0",
        "tile/0/x000/001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/01",
        "tile/0/1234",
        "tile/0/x001",
        "tile/0/001/x002",
        "/tile/0/000",
        "tile/0/../000",
        "tile/0/000\n",
        "tile/-1/000",
        "checkpoint",
    ],
)
def test_other_spellings_are_no_paths(path: str) -> None:
    """Only the one spelling of a path is one."""
    assert tiles.parse_path(path) is None


def test_a_log_of_seventy_thousand_has_the_tiles_of_the_specification() -> None:
    """The example of tlog-tiles, Partial Tiles."""
    found = list(tiles.tiles_of(70_000))
    lowest = [tile for tile in found if tile.level == 0]
    assert (len(lowest), lowest[-1]) == (274, Tile(0, 273, 112))
    assert [tile for tile in found if tile.level == 1] == [Tile(1, 0), Tile(1, 1, 17)]
    assert [tile for tile in found if tile.level == 2] == [Tile(2, 0, 1)]
    assert max(tile.level for tile in found if tile.level is not None) == 2


def test_a_log_of_256_has_a_full_tile_and_one_above() -> None:
    """The second example of tlog-tiles, Partial Tiles."""
    assert list(tiles.tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1), Tile(None, 0)]


def test_an_empty_log_has_no_tiles() -> None:
    """Empty tiles must not be served."""
    assert list(tiles.tiles_of(0)) == []


def test_a_bundle_prefixes_each_entry_with_its_length() -> None:
    """Big-endian uint16, then the bytes."""
    assert tiles.pack_entries([b"", b"abc"]) == b"\x00\x00\x00\x03abc"
    assert tiles.unpack_entries(b"\x00\x00\x00\x03abc", 2) == ((b"", b"abc"), b"")


def test_a_cut_bundle_gives_what_is_whole() -> None:
    """An entry that is cut off is not given out, and what is behind the last one is seen."""
    assert tiles.unpack_entries(b"\x00\x01a\x00\x03ab", 2) == ((b"a",), b"\x00\x03ab")
    assert tiles.unpack_entries(b"\x00\x01a\x00", 1) == ((b"a",), b"\x00")


def test_an_entry_that_its_prefix_cannot_count_is_an_error() -> None:
    """65,535 bytes are the most."""
    with pytest.raises(ValueError, match="longer"):
        tiles.pack_entries([b"x" * 65_536])
