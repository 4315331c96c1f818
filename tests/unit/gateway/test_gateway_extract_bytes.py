"""The extract's file against custody's manifest: what was changed is not read, and looking costs nothing."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from enclave.core.refusal import Refused
from enclave.gateway.extracts import CheckedBytes
from tests.unit.gateway.ground import Ground

COUNT = "SELECT count(*) AS n FROM patients"


@pytest.fixture
def file(ground: Ground) -> Iterator[Path]:
    """The extract's file, put back as it was."""
    (found,) = ground.site.extracts.glob("*/*/extract.duckdb")
    raw = found.read_bytes()
    yield found
    found.write_bytes(raw)


def flipped(raw: bytes, place: int) -> bytes:
    changed = bytearray(raw)
    changed[place] ^= 1
    return bytes(changed)


@pytest.mark.parametrize("place", [0, 9000, -1], ids=["first", "inside", "last"])
def test_a_byte_that_differs_from_the_manifest_opens_nothing(
    ground: Ground, token: str, file: Path, place: int
) -> None:
    """One sentence with its code, the refusal is on record; put back, the question is answered."""
    raw = file.read_bytes()
    file.write_bytes(flipped(raw, place))
    refused = ground.query(token, COUNT)
    assert (refused.status, refused.json()["code"]) == (503, "custody.extract_altered")
    assert ground.leaves()[-1]["codes"] == ["custody.extract_altered"]
    file.write_bytes(raw)
    assert ground.query(token, COUNT).status == 200


def test_a_file_changed_while_it_is_open_answers_nothing_more(ground: Ground, token: str, file: Path) -> None:
    """The next question finds it, also where the size is the same; one that is gone, too."""
    raw = file.read_bytes()
    assert ground.query(token, COUNT).status == 200
    file.write_bytes(flipped(raw, 9000))
    assert ground.query(token, COUNT).json()["code"] == "custody.extract_altered"
    file.write_bytes(raw)
    assert ground.query(token, COUNT).status == 200
    file.unlink()
    assert ground.query(token, COUNT).json()["code"] == "custody.extract_altered"


def test_a_file_is_read_through_once(tmp_path: Path) -> None:
    """Until the kernel says that it changed, a look at it is a look at its times."""
    file, checked = tmp_path / "extract.duckdb", CheckedBytes()
    with file.open("wb") as out:
        out.truncate(200 << 20)
    digest = "sha256:c83d6b0c5e1aa4c5ae71b7b4f4d1c7c6d8b0"
    manifest = {"extract": "v-1/1", "file": {"digest": digest}}

    def seconds() -> float:
        begun = time.perf_counter()
        with pytest.raises(Refused, match=r"custody\.extract_altered"):
            checked.check(file, manifest)
        return time.perf_counter() - begun

    # The best of some looks: one may have had to wait for others on the machine.
    first, second = seconds(), min(seconds() for _ in range(10))
    assert second * 20 < first
    file.touch()
    assert seconds() > second * 20
