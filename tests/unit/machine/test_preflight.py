"""What the set-up looks at before it installs anything: every check is shown, the first failed one gives the code."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import preflight
import pytest

MACHINE = Path(preflight.__file__).parent
CALL = """
import sys
sys.path.insert(0, sys.argv[1])
import preflight
from say import SetupRefused
try:
    preflight.preflight(int(sys.argv[2]), lambda: sys.argv[3] == "up")
except SetupRefused as no:
    print(no.code, no.sentence, file=sys.stderr)
    sys.exit(3)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def japanese(text: str) -> bool:
    return any(ord(c) > 0x2FFF for c in text)


@pytest.mark.parametrize("language", ["ja_JP.UTF-8", "en_GB.UTF-8", "C"])
def test_a_taken_port_is_told_with_its_number_and_what_to_do(language: str) -> None:
    """Somebody listens there: `setup.port_taken`, the port, the command that finds who; with the site up it is no matter."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        ran = {
            state: subprocess.run(
                [sys.executable, "-c", CALL, str(MACHINE), str(port), state],
                capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": language},
            )
            for state in ("down", "up")
        }  # fmt: skip
    no = ran["down"]
    assert no.returncode == 3, no
    assert no.stderr.startswith("setup.port_taken ")
    assert str(port) in no.stderr
    assert "ss -ltnp" in no.stderr
    assert japanese(no.stderr) == language.startswith("ja")
    assert "✗" in no.stdout
    assert "setup.port_taken" not in ran["up"].stderr


def test_a_free_port_is_no_matter(capsys: pytest.CaptureFixture[str]) -> None:
    """The very same check passes where nobody listens, and leaves nothing listening."""
    port = free_port()
    check = preflight._port(port, lambda: False)
    assert check.passed
    with socket.socket() as again:
        again.bind(("127.0.0.1", port))


@pytest.fixture
def without_docker(tmp_path: Path) -> Path:
    """A PATH on which apt-get is found and docker is not."""
    place = tmp_path / "bin"
    place.mkdir()
    found = shutil.which("apt-get")
    assert found is not None
    (place / "apt-get").symlink_to(found)
    for folder in (place, *place.parents):
        if folder == Path("/tmp"):
            break
        folder.chmod(0o755)
    return place


@pytest.mark.parametrize("language", ["ja_JP.UTF-8", "C.UTF-8"])
def test_no_docker_and_no_right_to_install_it(without_docker: Path, tmp_path: Path, language: str) -> None:
    """The whole set-up as nobody, without Docker: each check is shown with its advice, one code, and nothing was touched."""
    copy = tmp_path / "machine"
    shutil.copytree(MACHINE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (copy, *copy.rglob("*"), tmp_path):
        path.chmod(0o755 if path.is_dir() else 0o644)
    ran = subprocess.run(
        ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", str(copy), "install"],
        capture_output=True, text=True, check=False, env={"PATH": str(without_docker), "LC_ALL": language, "HOME": "/nonexistent"},
    )  # fmt: skip
    assert ran.returncode == 3, ran.stderr
    assert ran.stderr.strip().startswith("setup.not_root: ")
    assert "Traceback" not in ran.stderr
    failed = [line for line in ran.stdout.splitlines() if "✗" in line]
    assert any("Docker" in line and "sudo" in line for line in failed), ran.stdout
    assert any("sudo make" in line for line in failed)
    assert japanese(ran.stderr) == japanese(failed[0]) == language.startswith("ja")
    assert "[1/" not in ran.stdout


def test_a_client_alone_is_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `docker` that answers without a server, one that fails and none at all: no daemon answers."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not preflight.docker_answers()
    for script in ("#!/bin/sh\nexit 1\n", "#!/bin/sh\necho\n"):
        (tmp_path / "docker").write_text(script)
        (tmp_path / "docker").chmod(0o755)
        assert not preflight.docker_answers()
    (tmp_path / "docker").write_text("#!/bin/sh\necho 20.10.24\n")
    assert preflight.docker_answers()
