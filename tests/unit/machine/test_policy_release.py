"""Where the policy server comes from, with a release server on this machine in the place of the official one."""

import hashlib
import http.server
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import install
import pytest
import say
from install import OPA_VERSION, fetch_release
from say import SetupRefused

PROGRAM = f"#!/bin/sh\necho Version: {OPA_VERSION}\n".encode()
NAME = f"/v{OPA_VERSION}/opa_linux_amd64_static"


class Releases(http.server.ThreadingHTTPServer):
    """A release server: `files` by path, `cut` names the ones that end before they were whole."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.cut: set[str] = set()
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def publish(self, program: bytes, digest: bytes | None = None) -> None:
        said = hashlib.sha256(program).hexdigest().encode() + b"  opa_linux_amd64_static\n"
        self.files = {NAME: program, NAME + ".sha256": said if digest is None else digest}


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Releases

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        data = self.server.files.get(self.path)
        if data is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if self.path in self.server.cut else data)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def releases() -> Iterator[Releases]:
    with Releases() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def test_a_release_with_its_published_digest_is_put_in_place(releases: Releases, tmp_path: Path) -> None:
    """Byte for byte, executable, and nothing else left beside it."""
    releases.publish(PROGRAM)
    fetch_release(releases.address, tmp_path / "opa")
    assert (tmp_path / "opa").read_bytes() == PROGRAM
    assert (tmp_path / "opa").stat().st_mode & 0o777 == 0o755
    assert [p.name for p in tmp_path.iterdir()] == ["opa"]


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("another program", "setup.policy_server_digest"),
        ("another digest", "setup.policy_server_digest"),
        ("no release", "setup.policy_server"),
        ("no digest", "setup.policy_server"),
        ("an empty digest", "setup.policy_server"),
        ("a digest that is no text", "setup.policy_server"),
        ("half a program", "setup.policy_server"),
        ("nobody", "setup.policy_server"),
    ],
)
def test_anything_else_is_refused_and_what_stood_there_stays(
    releases: Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, code: str, language: str
) -> None:
    """One code, one sentence in the reader's language, and the program of before untouched."""
    monkeypatch.setattr(say, "LANGUAGE", language)
    releases.publish(PROGRAM)
    address = releases.address
    match what:
        case "another program":
            releases.files[NAME] = PROGRAM + b"#"
        case "another digest":
            releases.publish(PROGRAM, b"0" * 64)
        case "no release":
            releases.files.clear()
        case "no digest":
            del releases.files[NAME + ".sha256"]
        case "an empty digest":
            releases.publish(PROGRAM, b"")
        case "a digest that is no text":
            releases.publish(PROGRAM, b"\xff\xfe")
        case "half a program":
            releases.cut = {NAME}
        case _:
            address = "http://127.0.0.1:1"
    (tmp_path / "opa").write_bytes(b"the one before")
    with pytest.raises(SetupRefused) as no:
        fetch_release(address, tmp_path / "opa")
    assert no.value.code == code
    assert any(ord(c) > 0x2FFF for c in no.value.sentence) == (language == "ja")
    assert code not in no.value.sentence
    assert [p.name for p in tmp_path.iterdir()] == ["opa"]
    assert (tmp_path / "opa").read_bytes() == b"the one before"


def test_the_release_is_the_last_resort(
    releases: Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program of that version on the PATH is copied; without it and without Go the release is fetched and checked."""
    shelf, tools = tmp_path / "bin", tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setattr(install, "BIN", shelf)
    monkeypatch.setattr(install, "OPA_RELEASES", releases.address)
    monkeypatch.setenv("PATH", str(tools))
    releases.publish(PROGRAM)
    install._install_opa(io.StringIO())
    assert (shelf / "opa").read_bytes() == PROGRAM
    assert install._opa_present()
    (shelf / "opa").unlink()
    releases.asked.clear()
    (tools / "opa").write_bytes(PROGRAM + b"# from the PATH\n")
    (tools / "opa").chmod(0o755)
    install._install_opa(io.StringIO())
    assert (shelf / "opa").read_bytes().endswith(b"# from the PATH\n")
    assert releases.asked == []


def test_an_older_program_on_the_path_is_not_taken(
    releases: Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its version is asked, not its name; what is no policy server at all counts as none."""
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setattr(install, "BIN", tmp_path / "bin")
    monkeypatch.setattr(install, "OPA_RELEASES", releases.address)
    monkeypatch.setenv("PATH", str(tools))
    releases.publish(PROGRAM)
    for older in (
        b"#!/bin/sh\necho Version: 0.70.0\n",
        b"#!/bin/sh\necho Version: 2.0.0\n",
        b"#!/bin/sh\nexit 1\n",
    ):
        (tools / "opa").write_bytes(older)
        (tools / "opa").chmod(0o755)
        install._install_opa(io.StringIO())
        assert (tmp_path / "bin" / "opa").read_bytes() == PROGRAM
    assert len(releases.asked) == 6


def test_go_that_fails_is_no_end(releases: Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Go is there and cannot build it (no module proxy), the release is fetched."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "go").write_text("#!/bin/sh\necho no network; exit 1\n")
    (tools / "go").chmod(0o755)
    monkeypatch.setattr(install, "BIN", tmp_path / "bin")
    monkeypatch.setattr(install, "OPA_RELEASES", releases.address)
    monkeypatch.setenv("PATH", str(tools))
    releases.publish(PROGRAM)
    with (tmp_path / "log").open("w") as log:
        install._install_opa(log)
    assert (tmp_path / "bin" / "opa").read_bytes() == PROGRAM
    assert "no network" in (tmp_path / "log").read_text()
