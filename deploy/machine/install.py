"""The steps that put the program and what it stands on onto this machine (standard library only).

packages   Debian's packages; Docker Engine only where no daemon answers
docker     a running daemon
program    a copy of this clone under the prefix, readable by the services' users wherever the clone lies
python     a virtual environment with the locked packages, by digest
node       the HTTP proxy, by the npm lock
policy     the policy server: on the PATH, else built by Go at the pinned version, else the official release by digest
images     base and analysis image
"""

import hashlib
import http.client
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from preflight import docker_answers
from say import SetupRefused
from steps import RUNNING, Step

CLONE = Path(__file__).resolve().parents[2]
PREFIX = Path(os.environ.get("ENCLAVE_PREFIX", "/opt/enclave"))
RUN = Path("/run/enclave")
APP, VENV, BIN, NODE = PREFIX / "app", PREFIX / "venv", PREFIX / "bin", PREFIX / "node"
OPA_VERSION = "1.22.0"
OPA_RELEASES = "https://github.com/open-policy-agent/opa/releases/download"

PACKAGES = {
    "iptables": "iptables",
    "chromium": "chromium",
    "mmdebstrap": "mmdebstrap",
    "rsync": "rsync",
    "certutil": "libnss3-tools",
}
"""Program → the Debian package that carries it."""

SHIPPED = ("enclave", "policies", "images", "deploy")


def _packages_missing() -> list[str]:
    missing = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    if not Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc").exists():
        missing.append("fonts-noto-cjk")
    if not Path("/usr/share/doc/python3-venv").exists():
        missing.append("python3-venv")
    if not docker_answers() and shutil.which("dockerd") is None:
        missing.append("docker.io")
    if shutil.which("npm") is None:
        missing.append("npm")
    return missing


def _install_packages(log: IO[str]) -> None:
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    RUNNING.command(log, "apt-get", "update", env=quiet)
    RUNNING.command(
        log, "apt-get", "install", "-y", "--no-install-recommends", *_packages_missing(), env=quiet
    )


DOCKER_PIDS = (
    ("dockerd", Path("/run/docker.pid")),
    ("containerd", Path("/run/docker/containerd/containerd.pid")),
)


def forget_dead(pids: Iterable[tuple[str, Path]]) -> None:
    """Remove the pid files of daemons that are gone: one whose number went to another process stops the next start."""
    for program, file in pids:
        try:
            command = Path(f"/proc/{int(file.read_text())}/cmdline").read_bytes()
        except (OSError, ValueError):
            command = b""
        if program.encode() not in command:
            file.unlink(missing_ok=True)


def _start_docker(log: IO[str]) -> None:
    if Path("/run/systemd/system").is_dir():
        RUNNING.command(log, "systemctl", "start", "docker")
    else:
        RUN.mkdir(parents=True, exist_ok=True)
        forget_dead(DOCKER_PIDS)
        daemon = subprocess.Popen(
            ["dockerd"], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
        # `enclave down` ends the daemon that the set-up started, and only that one.
        (RUN / "dockerd.pid").write_text(str(daemon.pid))
    for _ in range(120):
        if docker_answers():
            return
        time.sleep(0.5)
    raise SetupRefused(
        "setup.docker_silent",
        "Docker の起動を確認できません。/var/log/enclave/docker.log を確かめてください。",
        "Docker was started but does not answer. See /var/log/enclave/docker.log.",
    )


def _digest(*paths: Path) -> str:
    sha = hashlib.sha256()
    for path in paths:
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            if "__pycache__" in file.parts or "node_modules" in file.parts:
                continue
            sha.update(str(file.relative_to(CLONE)).encode() + b"\0" + file.read_bytes() + b"\0")
    return sha.hexdigest()


def program_digest() -> str:
    """Digest of everything that the running program is made of."""
    return _digest(*(CLONE / part for part in SHIPPED))


def _stamp(name: str, value: str) -> bool:
    file = PREFIX / f".{name}"
    return file.exists() and file.read_text() == value


def _set_stamp(name: str, value: str) -> None:
    (PREFIX / f".{name}").write_text(value)


def _install_program(log: IO[str]) -> None:
    APP.mkdir(parents=True, exist_ok=True)
    digest = program_digest()
    sources = [str(CLONE / part) for part in SHIPPED]
    RUNNING.command(
        log, "rsync", "-a", "--delete", "--chmod=D755,F644,Fa+X", "--chown=root:root",
        "--exclude=__pycache__", "--exclude=node_modules", *sources, f"{APP}/",
    )  # fmt: skip
    _set_stamp("program", digest)


def _locks() -> str:
    return _digest(CLONE / "deploy" / "requirements.txt", CLONE / "deploy" / "requirements-dev.txt")


def _python_present() -> bool:
    return _stamp("python", _locks()) and (VENV / "bin" / "python").exists()


def _install_python(log: IO[str]) -> None:
    if not (VENV / "bin" / "pip").exists():
        # Debian's own interpreter: the services' users cannot read one that lies in somebody's home.
        RUNNING.command(log, "/usr/bin/python3", "-m", "venv", VENV)
    pip = [VENV / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes"]
    for lock in ("requirements.txt", "requirements-dev.txt"):
        RUNNING.command(log, *pip, "-r", CLONE / "deploy" / lock)
    packages = next((VENV / "lib").glob("python3.*")) / "site-packages"
    (packages / "enclave_app.pth").write_text(f"{APP}\n")
    command = Path("/usr/local/bin/enclave")
    command.write_text(f'#!/bin/sh\nexec {VENV}/bin/python -P -m enclave "$@"\n')
    command.chmod(0o755)
    _set_stamp("python", _locks())


def _node_lock() -> str:
    return _digest(CLONE / "deploy" / "node" / "package-lock.json")


def _install_node(log: IO[str]) -> None:
    NODE.mkdir(parents=True, exist_ok=True)
    for file in ("package.json", "package-lock.json"):
        shutil.copy(CLONE / "deploy" / "node" / file, NODE / file)
    RUNNING.command(log, "npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", cwd=NODE)
    _set_stamp("node", _node_lock())


def _opa_version(binary: str | Path) -> tuple[int, ...]:
    try:
        answer = subprocess.run(
            [str(binary), "version"], capture_output=True, text=True, timeout=20, check=False
        )
    except OSError:
        return ()
    found = re.search(r"Version: (\d+)\.(\d+)\.(\d+)", answer.stdout)
    return tuple(int(part) for part in found.groups()) if found else ()


def _opa_fits(binary: str | Path) -> bool:
    wanted = tuple(int(part) for part in OPA_VERSION.split("."))
    version = _opa_version(binary)
    return bool(version) and version[0] == wanted[0] and version >= wanted


def _opa_present() -> bool:
    return (BIN / "opa").exists() and _opa_fits(BIN / "opa")


def _install_opa(log: IO[str]) -> None:
    BIN.mkdir(parents=True, exist_ok=True)
    on_path = shutil.which("opa")
    if on_path is not None and _opa_fits(on_path):
        shutil.copy(on_path, BIN / "opa")
        (BIN / "opa").chmod(0o755)
        return
    if shutil.which("go") is not None:
        try:
            RUNNING.command(
                log, "go", "install", f"github.com/open-policy-agent/opa@v{OPA_VERSION}",
                env=os.environ | {"GOBIN": str(BIN), "GOFLAGS": "-trimpath"},
            )  # fmt: skip
            return
        except subprocess.CalledProcessError:
            log.write("go install failed; trying the official release\n")
    fetch_release(OPA_RELEASES, BIN / "opa")


def fetch_release(releases: str, target: Path) -> None:
    """Fetch the official static binary and its published digest; put it in place only where they agree.

    Raises SetupRefused `setup.policy_server` where neither can be had, `setup.policy_server_digest` where they differ.
    """
    name = f"{releases}/v{OPA_VERSION}/opa_linux_amd64_static"
    try:
        with urllib.request.urlopen(name + ".sha256", timeout=30) as answer:  # noqa: S310  an https address above
            published = answer.read().decode().split()[0]
        with urllib.request.urlopen(name, timeout=300) as answer:  # noqa: S310
            data = answer.read()
    except (OSError, http.client.HTTPException, ValueError, IndexError) as error:
        raise SetupRefused(
            "setup.policy_server",
            f"方針サーバー OPA {OPA_VERSION} を用意できません。Go 1.24 以上を導入するか、opa {OPA_VERSION} を PATH に置いてください。",
            f"The policy server OPA {OPA_VERSION} cannot be had. Install Go 1.24 or later, or put opa {OPA_VERSION} on the PATH.",
        ) from error
    if hashlib.sha256(data).hexdigest() != published:
        raise SetupRefused(
            "setup.policy_server_digest",
            "取得した OPA が公表されたダイジェストと一致しないため、使用しません。",
            "The OPA that was fetched does not have its published digest; it is not used.",
        )
    partial = target.with_suffix(".part")
    partial.write_bytes(data)
    partial.chmod(0o755)
    partial.rename(target)


def _images_present() -> bool:
    def answer(*words: str | Path) -> str | None:
        run = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False)
        return run.stdout.strip() if run.returncode == 0 else None

    name = answer(CLONE / "images" / "build", "--name")
    return bool(name) and answer("docker", "image", "inspect", str(name)) is not None


def steps() -> list[Step]:
    """The steps of an installation, in the order a reader would tell them."""
    return [
        Step("packages", "Debian のパッケージ", "Debian's packages", 60, (), lambda: not _packages_missing(), _install_packages),
        Step("docker", "Docker Engine", "Docker Engine", 5, ("packages",), docker_answers, _start_docker),
        Step("program", "プログラムの配置", "The program in its place", 2, ("packages",),
             lambda: _stamp("program", program_digest()), _install_program),
        Step("python", "Python のパッケージ（固定版）", "Python packages, by lock", 60, ("packages",), _python_present, _install_python),
        Step("node", "HTTP プロキシ", "HTTP proxy", 10, ("packages",), lambda: _stamp("node", _node_lock()), _install_node),
        Step("policy", "方針サーバー OPA", "Policy server OPA", 60, (), _opa_present, _install_opa),
        Step("images", "分析環境のイメージ", "Images of the workspaces", 150, ("docker",), _images_present,
             lambda log: RUNNING.command(log, CLONE / "images" / "build")),
    ]  # fmt: skip


def site_is_up(site: str) -> bool:
    """Whether the site's supervisor is alive (its pid file names a living process)."""
    try:
        os.kill(int((RUN / site / "supervisor.pid").read_text()), 0)
    except (OSError, ValueError):
        return False
    return True


def site_port(site: str) -> int:
    """The port on which a site's pages are served."""
    file = Path(os.environ.get("ENCLAVE_HOMES", "/var/lib/enclave")) / site / "site.json"
    index = (
        json.loads(file.read_text())["index"] if file.exists() else {"demo": 0, "test": 1, "bench": 2}[site]
    )
    return 8443 + 1000 * int(index)
