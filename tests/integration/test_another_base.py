"""A base image of one's own choosing, from a registry: served here from memory, as much of one as a pull asks for.

The stages on top are cut down to a line each (the real ones take a minute); what pulls, names, runs, commits and clears
is the build itself.
"""

import hashlib
import http.server
import importlib.machinery
import importlib.util
import json
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTE = "/opt/note"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


def layers(image: str) -> list[str]:
    found: list[str] = json.loads(docker("image", "inspect", image))[0]["RootFS"]["Layers"]
    return found


@dataclass
class Registry:
    """Images by name and tag, read only; what was asked of it is kept."""

    address: str = ""
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def put(self, image: str, tag: str, folder: Path) -> None:
        """Takes in what `docker save` says of a local image, under `base:<tag>`."""
        archive = folder / "saved.tar"
        docker("save", "--output", str(archive), image)
        with tarfile.open(archive) as saved:

            def member(name: str) -> bytes:
                found = saved.extractfile(name)
                assert found is not None
                return found.read()

            (entry,) = json.loads(member("manifest.json"))
            config, *tars = (member(name) for name in (entry["Config"], *entry["Layers"]))
        archive.unlink()
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._blob(config, CONFIG),
            "layers": [self._blob(tar, LAYER) for tar in tars],
        }
        data = json.dumps(manifest).encode()
        self.manifests[tag] = self.manifests["sha256:" + hashlib.sha256(data).hexdigest()] = data

    def _blob(self, data: bytes, kind: str) -> dict[str, object]:
        name = "sha256:" + hashlib.sha256(data).hexdigest()
        self.blobs[name] = data
        return {"mediaType": kind, "size": len(data), "digest": name}


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    """On loopback, where Docker needs no certificate."""
    kept = Registry()

    class Answer(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Silent: the test's output is the test's."""

        def do_GET(self) -> None:
            kept.asked.append(self.path)
            *_, store, name = self.path.split("/")
            data = {"manifests": kept.manifests, "blobs": kept.blobs}.get(store, {"": b"{}"}).get(name)
            self.send_response(404 if data is None else 200)
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
            self.send_header("Content-Type", MANIFEST if store == "manifests" else "application/octet-stream")
            self.send_header("Content-Length", str(len(data or b"")))
            if data is not None:
                self.send_header("Docker-Content-Digest", "sha256:" + hashlib.sha256(data).hexdigest())
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data or b"")

        do_HEAD = do_GET  # noqa: N815  the server's word for it

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    kept.address = f"127.0.0.1:{server.server_address[1]}"
    yield kept
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def ours() -> str:
    """The base that this tree builds for itself."""
    subprocess.run([ROOT / "images" / "build"], check=True, stdout=subprocess.DEVNULL)
    return docker("image", "ls", "--filter", "label=org.enclave.image=base", "--format", "{{.Repository}}:{{.Tag}}",
                  "enclave-base").splitlines()[0]  # fmt: skip


@pytest.fixture
def build(tmp_path: Path) -> ModuleType:
    """The build of a tree whose upper stages only note what they found beneath them."""
    shutil.copytree(ROOT / "images", tmp_path / "images")
    shutil.copytree(ROOT / "enclave" / "client", tmp_path / "enclave" / "client")
    found = "python3 -c 'import sys; print(sys.version_info[:2])'"
    (tmp_path / "images" / "python" / "install").write_text(
        f"set -e; {found} > {NOTE}; test -s /tmp/packages.txt\n"
    )
    (tmp_path / "images" / "analysis" / "install").write_text(f"set -e; echo {tmp_path.name} >> {NOTE}\n")
    loader = importlib.machinery.SourceFileLoader(
        "images_build_elsewhere", str(tmp_path / "images" / "build")
    )
    spec = importlib.util.spec_from_loader("images_build_elsewhere", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["images_build_elsewhere"] = module
    loader.exec_module(module)
    return module


def built(build: ModuleType, base: str) -> str:
    """As `images/build --base NAME` does, but without moving the tag that running sites spawn from."""
    build.fetch(base)
    wanted = build.names(base, build.identity(base))
    with build.alone():
        build.stages(wanted)
    return str(wanted.analysis)


@pytest.fixture
def forgotten() -> Iterator[None]:
    """Nothing of the test's images stays: first the names, then what no name holds any more."""

    def listed() -> list[set[str]]:
        return [
            set(docker("image", "ls", "--no-trunc", "--digests", "--format", shape).splitlines())
            for shape in ("{{.Repository}}:{{.Tag}}", "{{.Repository}}@{{.Digest}}", "{{.ID}}")
        ]

    before = listed()
    yield
    for kind in range(3):
        for image in sorted(listed()[kind] - before[kind]):
            if not image.endswith("<none>"):
                docker("image", "rm", "--force", image)


@pytest.mark.usefixtures("forgotten")
def test_a_base_is_pulled_from_its_registry_and_built_upon(
    build: ModuleType, registry: Registry, ours: str, tmp_path: Path
) -> None:
    """The analysis image begins with the registry's own layers; a second build asks the registry nothing."""
    registry.put(ours, "x", tmp_path)
    name = f"{registry.address}/base:x"
    image = built(build, name)
    assert [path for path in registry.asked if "/blobs/" in path or "/manifests/" in path]
    assert layers(image)[: len(layers(ours))] == layers(ours)
    noted = docker("run", "--rm", "--network", "none", "--entrypoint", "/bin/cat", image, NOTE)
    assert noted == f"(3, 13)\n{tmp_path.name}"

    registry.asked.clear()
    assert built(build, name) == image
    assert registry.asked == []


@pytest.mark.usefixtures("forgotten")
def test_a_tag_that_moved_in_the_registry_is_built_anew_when_it_was_pulled(
    build: ModuleType, registry: Registry, tmp_path: Path
) -> None:
    """What is built is named after the base's content, not after its name."""
    name = f"{registry.address}/base:moves"
    wanted = []
    for content in ("one", "two"):
        (tmp_path / "content").write_text(content)
        tar = tmp_path / "base.tar"
        with tarfile.open(tar, "w") as archive:
            archive.add(tmp_path / "content", "content")
        docker("import", str(tar), f"{registry.address}/{content}:x")
        registry.put(f"{registry.address}/{content}:x", "moves", tmp_path)
        build.fetch(name)
        if content == "two":
            assert build.names(name, build.identity(name)) == wanted[0]  # nobody pulled
            docker("pull", "--quiet", name)
        wanted.append(build.names(name, build.identity(name)))
    before, after = wanted
    assert before.base == after.base
    assert {before.python, before.analysis}.isdisjoint({after.python, after.analysis})


def test_a_base_that_cannot_be_had_is_one_sentence(registry: Registry) -> None:
    """No image, no container and no stack trace; in the reader's language."""
    name = f"{registry.address}/base:absent"
    for language, said in (("C.UTF-8", "cannot be pulled"), ("ja_JP.UTF-8", "取得できません")):
        outcome = subprocess.run(
            [ROOT / "images" / "build", "--base", name], env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": language},
            text=True, capture_output=True, check=False,
        )  # fmt: skip
        assert outcome.returncode == 2
        assert said in outcome.stderr
        assert "Traceback" not in outcome.stderr
        assert outcome.stdout == ""
