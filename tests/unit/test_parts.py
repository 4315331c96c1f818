"""Which tests run beside others: what needs the site or a container is where nothing else runs."""

import re
from pathlib import Path

from tests.__main__ import ALONE, PARTS, ROOT, run

WANTS = re.compile(r"\bmark\.(?:site|docker)\b")


def alone(file: Path) -> bool:
    return any(file.is_relative_to(ROOT / place) for place in ALONE)


def test_what_needs_the_site_or_a_container_runs_alone() -> None:
    """By its marks; and whatever is listed is there."""
    assert all((ROOT / place).exists() for place in ALONE)
    wanting = [file for file in (ROOT / "tests").rglob("*.py") if WANTS.search(file.read_text())]
    assert len(wanting) > 10
    assert [file.name for file in wanting if not alone(file) and file != Path(__file__)] == []


def test_every_test_is_in_one_part() -> None:
    """What one part leaves out is what the other one asks for."""
    beside, apart = PARTS
    assert [word.removeprefix("--ignore=") for word in beside if word.startswith("--ignore=")] == list(apart)


def test_what_failed_is_named_and_its_status_is_kept(tmp_path: Path) -> None:
    """Though another part follows."""
    file = tmp_path / "test_one.py"
    file.write_text("def test_good():\n    pass\n\n\ndef test_bad():\n    assert not 'this'\n")
    status, failed = run(["-p", "no:cacheprovider", f"--rootdir={tmp_path}", "-c", "/dev/null", str(file)])
    assert status == 1
    assert [line.split(" - ")[0].rpartition("::")[2] for line in failed] == ["test_bad"]
    assert run(["-p", "no:cacheprovider", "-c", "/dev/null", f"{file}::test_good"]) == (0, [])
