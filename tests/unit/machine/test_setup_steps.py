"""The named steps of a set-up: their order, what an interruption leaves, what a failure says."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
import say
import steps
from say import SetupRefused
from steps import RUNNING, Step

MACHINE = Path(steps.__file__).parent


@pytest.fixture(autouse=True)
def _logs_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(steps, "RUNNING", steps.Running())


def step(name: str, needs: tuple[str, ...], make: Callable[[IO[str]], None], present: bool = False) -> Step:
    return Step(name, f"手順{name}", f"Step {name}", 1, needs, lambda: present, make)


def test_a_step_begins_when_all_that_it_needs_is_done() -> None:
    """Whatever order they are told in, every step finds what it needs finished."""
    done: list[str] = []

    def making(name: str, needs: tuple[str, ...]) -> Step:
        def make(_log: IO[str]) -> None:
            assert set(needs) <= set(done)
            time.sleep(0.01)
            done.append(name)

        return step(name, needs, make)

    graph = {"e": ("d", "b"), "d": ("b", "c"), "c": ("a",), "b": ("a",), "a": ()}
    steps.run([making(name, needs) for name, needs in graph.items()])
    assert sorted(done) == ["a", "b", "c", "d", "e"]


def test_steps_that_do_not_need_each_other_run_side_by_side() -> None:
    """Two steps that wait for each other both finish."""
    meeting = threading.Barrier(2, timeout=60)
    steps.run(
        [step("a", (), lambda _: meeting.wait() and None), step("b", (), lambda _: meeting.wait() and None)]
    )
    assert not meeting.broken


def test_what_stands_is_not_made_again(capsys: pytest.CaptureFixture[str]) -> None:
    """A step whose result is there says so in the reader's language and does nothing."""
    made: list[str] = []
    there = step("a", (), lambda _: made.append("a"), present=True)
    missing = step("b", ("a",), lambda _: made.append("b"))
    assert steps.run([there, missing]).keys() == {"b"}
    assert made == ["b"]
    assert re.search(r"✓ \[1/2\] (Step a|手順a)", capsys.readouterr().out)


@pytest.mark.parametrize(("language", "title"), [("ja", "手順a"), ("en", "Step a")])
@pytest.mark.parametrize("kind", ["command", "missing program", "defect"])
def test_a_failure_names_its_step_and_log(
    language: str, title: str, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A tool that fails, one that is not there and a defect: one sentence with step and log, and the log's last lines."""
    monkeypatch.setattr(say, "LANGUAGE", language)
    after: list[str] = []

    def make(log: IO[str]) -> None:
        log.flush()
        match kind:
            case "command":
                RUNNING.command(log, "sh", "-c", "echo no space left; exit 7")
            case "missing program":
                RUNNING.command(log, "/nonexistent/program")
            case _:
                raise ValueError("a defect")

    failing = step("a", (), make)
    with pytest.raises(SetupRefused) as no:
        steps.run([failing, step("b", ("a",), lambda _: after.append("b"))])
    assert no.value.code == "setup.step_failed"
    assert title in no.value.sentence
    assert str(failing.log) in no.value.sentence
    told = {"command": "no space left", "missing program": "/nonexistent/program", "defect": "a defect"}[kind]
    assert told in capsys.readouterr().err
    assert told in failing.log.read_text()
    assert after == []


def test_a_refusal_of_a_step_stays_what_it_is() -> None:
    """A step that says itself what to do is not wrapped into another sentence."""

    def make(_log: IO[str]) -> None:
        raise SetupRefused("setup.policy_server", "日本語の文", "an English sentence")

    with pytest.raises(SetupRefused) as no:
        steps.run([step("a", (), make)])
    assert no.value.code == "setup.policy_server"


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, {machine!r})
import steps
place = Path({place!r})
steps.LOGS = place / "logs"
def part(name, needs, script):
    file = place / name
    return steps.Step(name, name, name, 1, needs, file.exists,
        lambda log: steps.RUNNING.command(log, "sh", "-c", script.format(file=file, place=place)))
try:
    steps.run([
        part("first", (), "echo once >> {{place}}/count; touch {{file}}"),
        part("second", ("first",), "touch {{place}}/begun; [ -e {{place}}/again ] || sleep 600; touch {{file}}"),
        part("third", ("second",), "touch {{file}}"),
    ])
except KeyboardInterrupt:
    steps.RUNNING.end()
    sys.exit(130)
"""


def test_an_interrupted_step_is_done_again_and_a_finished_one_is_not(tmp_path: Path) -> None:
    """Ctrl-C in the second of three: its tool is ended, and the second start makes the second and third only."""
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT.format(machine=str(MACHINE), place=str(tmp_path))))
    first = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.DEVNULL, start_new_session=True)
    _until((tmp_path / "begun").exists)
    os.kill(first.pid, signal.SIGINT)
    assert first.wait(60) == 130
    assert not (tmp_path / "second").exists()
    assert not _in_session(first.pid)
    (tmp_path / "again").touch()
    assert (
        subprocess.run([sys.executable, str(script)], stdout=subprocess.DEVNULL, check=False).returncode == 0
    )
    assert (tmp_path / "third").exists()
    assert (tmp_path / "count").read_text() == "once\n"


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def _in_session(session: int) -> list[str]:
    """Command lines of what still runs in a session, but for what has ended already."""
    listed = subprocess.run(
        ["ps", "-s", str(session), "-o", "stat=,args="], capture_output=True, text=True, check=False
    )
    return [line for line in listed.stdout.splitlines() if not line.startswith("Z")]


def test_nothing_begins_after_the_end() -> None:
    """Once interrupted, a step that is just about to start a tool does not."""
    running = steps.Running()
    running.end()
    with pytest.raises(KeyboardInterrupt):
        running.command(sys.stdout, "true")


def test_a_dead_daemon_does_not_stop_the_next(tmp_path: Path) -> None:
    """Its pid file goes even where its number went to another process; a living daemon's stays."""

    from install import forget_dead

    gone, taken, alive = (tmp_path / name for name in ("gone", "taken", "alive"))
    gone.write_text("999999999")
    taken.write_text(str(os.getpid()))
    alive.write_text(str(os.getpid()))
    forget_dead((("dockerd", gone), ("dockerd", taken), ("python", alive), ("dockerd", tmp_path / "absent")))
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["alive"]
