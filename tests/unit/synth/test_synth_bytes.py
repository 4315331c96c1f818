"""The same seed gives the same bytes, whatever the number of cores."""

import hashlib
from pathlib import Path

import pytest

from enclave.core.refusal import Refused
from enclave.synth.generate import Request, run


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_one_worker_and_three_write_the_same_bytes(tmp_path: Path) -> None:
    """Every file of every database is byte for byte the same from one process and from three."""
    run(Request(5_300, 2022, 2022, seed=3, out=tmp_path / "one", workers=1))
    run(Request(5_300, 2022, 2022, seed=3, out=tmp_path / "three", workers=3))
    one = digests(tmp_path / "one")
    assert one == digests(tmp_path / "three")
    assert len(one) > 60


def test_another_seed_makes_other_people(tmp_path: Path) -> None:
    """A seed is all that a world depends on: another one changes every table of records."""
    for seed in (3, 4):
        run(Request(1_200, 2022, 2022, seed=seed, out=tmp_path / str(seed), only=("ndb",), workers=1))
    first, second = digests(tmp_path / "3"), digests(tmp_path / "4")
    for name in ("rcpt", "sy", "si", "iy", "checkup"):
        assert first[f"ndb/{name}.parquet"] != second[f"ndb/{name}.parquet"]


def test_only_the_named_databases_are_made_and_they_are_the_same(tmp_path: Path) -> None:
    """`--only` leaves the others out and changes nothing in what it makes."""
    run(Request(1_200, 2022, 2022, seed=3, out=tmp_path / "all", workers=1))
    run(Request(1_200, 2022, 2022, seed=3, out=tmp_path / "few", only=("kaigo", "dpc"), workers=1))
    some, every = digests(tmp_path / "few"), digests(tmp_path / "all")
    assert {name.split("/")[0] for name in some} == {"kaigo", "dpc", "core", "truth"}
    assert all(every[name] == digest for name, digest in some.items())


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"people": 5}, "synth.people"),
        ({"first": 2023, "last": 2021}, "synth.years"),
        ({"first": 1990}, "synth.years"),
        ({"seed": -1}, "synth.seed"),
        ({"only": ("ndb", "nosuch")}, "synth.unknown_database"),
    ],
)
def test_what_cannot_be_made_is_refused_before_anything_is_written(
    request_: dict[str, object], code: str, tmp_path: Path
) -> None:
    """A wrong number, year, seed or name is refused by its code, and the folder is not even made."""
    wanted = {"people": 500, "first": 2022, "last": 2022, "seed": 1, "out": tmp_path / "out"} | request_
    with pytest.raises(Refused) as refused:
        run(Request(**wanted))  # type: ignore[arg-type]
    assert refused.value.code == code
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A folder that already holds one of the databases is left as it is."""
    (tmp_path / "ndb").mkdir()
    (tmp_path / "ndb" / "mine.txt").write_text("mine")
    with pytest.raises(Refused) as refused:
        run(Request(500, 2022, 2022, seed=1, out=tmp_path))
    assert refused.value.code == "synth.not_empty"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["mine.txt"]


def test_an_interrupted_run_leaves_nothing_and_can_be_repeated(tmp_path: Path) -> None:
    """Ctrl-C in the middle takes away what was begun; the next run into the same folder is whole."""

    def interrupt(done: int, blocks: int, rows: int) -> None:
        assert rows > 0
        if done == 1:
            raise KeyboardInterrupt

    request = Request(5_300, 2022, 2022, seed=3, out=tmp_path, only=("kaigo", "vac"))
    with pytest.raises(KeyboardInterrupt):
        run(request, interrupt)
    assert list(tmp_path.iterdir()) == []
    assert run(request).rows["kaigo", "cert"] > 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_hundred_people_are_enough(seed: int, tmp_path: Path) -> None:
    """The smallest world has places for everybody and whole files."""
    made = run(Request(100, 2021, 2022, seed=seed, out=tmp_path, workers=1))
    assert made.rows["ndb", "rcpt"] > 500
    assert made.rows["truth", "persons"] >= 100
