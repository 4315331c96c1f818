"""Several commands over one state folder: at once, one after another, killed in the middle, over data that changes."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from enclave.adapters import ledger_files
from tests.unit.rehearsal import ground
from tests.unit.rehearsal.ground import Person, Terminal

COUNT = "SELECT count(*) AS n FROM person"
LONG = "SELECT count(*) AS n FROM visit a, visit b, visit c WHERE a.cost + b.cost + c.cost < 0"


@pytest.fixture
def own(tmp_path: Path, persons: list[Person]) -> Terminal:
    """Data and state of one test alone."""
    return Terminal(tmp_path, ground.write(tmp_path / "data", persons))


def extracts(terminal: Terminal) -> list[Path]:
    return sorted((terminal.data / ".enclave").glob("holdings/*/extracts/*/*/extract.duckdb"))


def leaves(terminal: Terminal) -> list[dict[str, object]]:
    log = terminal.data / ".enclave" / "ledger" / "log"
    key = ledger_files.read_verifier_key(log)
    size = ledger_files.verify_directory(log, key).size
    return [ledger_files.prove(log, place, key)["leaf"] for place in range(size)]


def processes_about(folder: Path) -> list[str]:
    """Command lines of living processes that name a folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(folder) in words:
            found.append(words)
    return found


def until(condition: object, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)


def test_an_extract_is_built_once_for_the_same_permit_and_data(own: Terminal, persons: list[Person]) -> None:
    """Not for another statement, form, tier, limit or day; but for another column, condition or byte."""
    pids = own.query("SELECT pid FROM person ORDER BY pid").rows()
    (first,) = extracts(own)
    assert own.query(COUNT, at="2027-01-01").rows() == [[len(persons)]]
    own.use(ground.permit(limits={}, purpose="another", valid_to="2030-01-01T00:00:00Z", revision=2))
    assert own.query(COUNT, "--form", "table").status == 0
    assert extracts(own) == [first]

    own.use(
        ground.permit(
            tier="record",
            databases={**ground.permit()["databases"], "sports": {"member": {"columns": ["kind"]}}},
        )
    )
    assert own.query("SELECT since FROM member").code() == "query.column_not_permitted"
    assert len(extracts(own)) == 2

    own.use(ground.permit())
    ground.write(own.data, [*persons, Person(9999, 1, 44, False, (), None)])
    again = own.query("SELECT pid FROM person ORDER BY pid").rows()
    assert len(again) == len(pids) + 1
    assert set(map(tuple, pids)) < set(map(tuple, again))


def test_the_same_bytes_with_another_time_are_the_same_data(own: Terminal) -> None:
    assert own.query(COUNT).status == 0
    before = extracts(own)
    os.utime(own.data / "clinic" / "people.csv", (1, 1))
    assert own.query(COUNT).status == 0
    assert extracts(own) == before


def test_two_permits_may_call_their_provision_the_same(own: Terminal) -> None:
    """A copied permit with another number is a rehearsal of its own, under pseudonyms of its own."""
    one = own.query("SELECT pid FROM person ORDER BY pid").rows()
    own.use(ground.permit(permit_id="p-2026-0008"))
    other = own.query("SELECT pid FROM person ORDER BY pid")
    assert other.rows() != one
    assert other.json()["receipt"]["extract"].startswith("v-81c2-")


def test_commands_at_once_all_answer(own: Terminal, persons: list[Person]) -> None:
    """Four on a fresh folder: one builds, the others wait; every leaf is in one log that verifies."""
    running = [ground.start(own.words(COUNT)) for _ in range(4)]
    answers = [ground.ended(one) for one in running]
    assert [one.rows() for one in answers] == [[[len(persons)]]] * 4
    assert len(extracts(own)) == 1
    actions = [leaf["action"] for leaf in leaves(own)]
    assert actions.count("query.answered") == actions.count("query.authorised") == 4
    assert actions.count("extract.built") == 1
    assert processes_about(own.data) == []


def test_a_killed_build_is_begun_again(own: Terminal, persons: list[Person]) -> None:
    """kill -9 while custody writes: nothing of it can be opened, no process stays, the next command builds it whole."""
    for _ in range(20):
        killed = ground.start(own.words(COUNT))
        until(lambda: list((own.data / ".enclave").glob("holdings/*/custody/sources/*")))
        killed.kill()
        killed.communicate()
        until(lambda: processes_about(own.data) == [])
        if not extracts(own):
            break
        # The command was quicker than whoever watched it.
        shutil.rmtree(own.data / ".enclave")
    assert extracts(own) == []
    assert own.query(COUNT).rows() == [[len(persons)]]


def test_a_killed_question_is_closed_by_the_next_command(own: Terminal, persons: list[Person]) -> None:
    """kill -9 while the engine works: server and workers end with the command, and the log says how it ended."""
    assert own.query(COUNT).status == 0
    killed = ground.start(own.words(LONG))
    until(lambda: [leaf["action"] for leaf in leaves(own)].count("query.authorised") == 2)
    (sockets,) = (place.resolve() for place in (own.data / ".enclave").glob("run/*"))
    killed.kill()
    killed.communicate()
    until(lambda: processes_about(own.data) == [])
    assert own.query(COUNT).rows() == [[len(persons)]]
    told = [(leaf["action"], leaf["codes"]) for leaf in leaves(own)]
    assert ("query.aborted", ["query.abandoned"]) in told
    assert list((own.data / ".enclave").glob("run/*")) == []
    assert not sockets.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_cancels_the_question(own: Terminal, number: int) -> None:
    """As from a notebook: its end is recorded, the command says so and ends with status 3."""
    assert own.query(COUNT).status == 0
    running = ground.start(own.words(LONG))
    until(lambda: [leaf["action"] for leaf in leaves(own)].count("query.authorised") == 2)
    time.sleep(0.3)
    running.send_signal(number)
    assert ground.ended(running).code() == "query.cancelled"
    assert leaves(own)[-1]["codes"] == ["query.cancelled"]
    assert processes_about(own.data) == []


def test_a_state_folder_may_lie_deep(tmp_path: Path, data: Path) -> None:
    """Longer than the path of a socket may be, and with letters of another script."""
    terminal = Terminal(tmp_path, data)
    state = tmp_path / ("深い" * 12) / ("deep" * 20)
    assert terminal.query(COUNT, "--state", str(state)).status == 0
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_a_state_folder_that_cannot_be_written_is_named(tmp_path: Path, data: Path) -> None:
    terminal = Terminal(tmp_path, data)
    (tmp_path / "file").write_text("")
    ran = terminal.query(COUNT, "--state", str(tmp_path / "file" / "state"))
    assert ran.code() == "rehearsal.state_unwritable"


def test_whoever_has_the_data_needs_no_other_rights(persons: list[Person]) -> None:
    """As a user who owns nothing of the machine but the folder."""
    nobody = 65534 if os.geteuid() == 0 else os.geteuid()
    # Not below pytest's own folder, which is closed to others whenever another run begins.
    with tempfile.TemporaryDirectory(prefix="enclave-rehearsal-") as place:
        home = Path(place)
        own = Terminal(home, ground.write(home / "data", persons))
        for path in (home, *home.rglob("*")):
            os.chown(path, nobody, -1)
        done = subprocess.run(
            [sys.executable, "-P", "-m", "enclave", *own.words(COUNT)],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ground.ROOT)},
            user=nobody,
            extra_groups=[] if os.geteuid() == 0 else None,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)["rows"] == [[len(persons)]]
        assert {path.stat().st_uid for path in (own.data / ".enclave").rglob("*")} == {nobody}


def test_a_changed_descriptor_is_noticed(own: Terminal) -> None:
    """What was found in the state folder holds for the bytes it was made from."""
    assert own.query(COUNT).status == 0
    path = own.data / "clinic" / "descriptor.yaml"
    path.write_text(path.read_text().replace("age:", "years:"))
    assert own.query(COUNT).code() in {"custody.column_unknown", "catalogue.column_missing"}
    (own.data / "clinic" / "people.csv").unlink()
    ground.write(own.data, ground.people())
    assert own.query(COUNT).status == 0
    shutil.rmtree(own.data / "sports")
    assert own.query(COUNT).code() == "rehearsal.database_missing"
