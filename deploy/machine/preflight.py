"""Looks, before anything is installed, whether this machine can carry a site: a tick or one sentence that says what to do.

Standard library only. Ports are asked of the kernel by binding them, and only where the site is not already running.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from say import SetupRefused, say

GIB = 1 << 30
DISK_NEEDED = 6 * GIB
"""Images 2 GiB, Python and Node packages 1.5 GiB, the policy server's build cache 1 GiB, room to work."""
MEMORY_NEEDED = 4 * GIB
"""Services 1 GiB, one workspace 2 GiB, the engine's worker 1 GiB."""


@dataclass(frozen=True)
class Check:
    code: str
    title: str
    passed: bool
    advice: str


def _system() -> Check:
    return Check(
        "setup.system",
        say("Linux と Python 3.11 以上", "Linux and Python 3.11 or later"),
        sys.platform == "linux" and sys.version_info >= (3, 11) and shutil.which("apt-get") is not None,
        say(
            "Debian 12 以降（または apt のある Linux）と Python 3.11 以上で実行してください。",
            "Run this on Debian 12 or later (or another Linux with apt) with Python 3.11 or later.",
        ),
    )


def _root() -> Check:
    return Check(
        "setup.not_root",
        say("管理者権限", "The right to install"),
        os.geteuid() == 0,
        say(
            "利用者と防火壁の設定に管理者権限が要ります: sudo make demo",
            "System users and the firewall need root: run  sudo make demo",
        ),
    )


def _disk() -> Check:
    free = min(shutil.disk_usage(place).free for place in ("/opt", "/var/lib"))
    return Check(
        "setup.disk",
        say(f"空き容量 {free / GIB:.0f} GiB", f"Disk: {free / GIB:.0f} GiB free"),
        free >= DISK_NEEDED,
        say(
            f"/opt と /var/lib に {DISK_NEEDED // GIB} GiB の空きが要ります。不要なファイルを削除してください。",
            f"{DISK_NEEDED // GIB} GiB must be free under /opt and /var/lib. Remove what is not needed.",
        ),
    )


def _memory() -> Check:
    text = Path("/proc/meminfo").read_text()
    available = next(
        int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("MemAvailable")
    )
    return Check(
        "setup.memory",
        say(f"メモリ {available / GIB:.0f} GiB", f"Memory: {available / GIB:.0f} GiB available"),
        available >= MEMORY_NEEDED,
        say(
            f"{MEMORY_NEEDED // GIB} GiB のメモリが要ります。他のプログラムを終了してください。",
            f"{MEMORY_NEEDED // GIB} GiB of memory must be available. Close other programs.",
        ),
    )


def docker_answers() -> bool:
    """Whether a Docker *daemon* answers; a client alone on the PATH is no engine."""
    try:
        answer = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and bool(answer.stdout.strip())


def _docker() -> Check:
    able = docker_answers() or os.geteuid() == 0
    return Check(
        "setup.docker",
        say("Docker の利用", "The right to run Docker"),
        able,
        say(
            "Docker が応答せず、導入する権限もありません。sudo で実行するか、Docker Engine を起動してください。",
            "No Docker daemon answers and it may not be installed from here. Use sudo, or start Docker Engine.",
        ),
    )


def _port(port: int, already_up: Callable[[], bool]) -> Check:
    free = True
    if not already_up():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                free = False
    return Check(
        "setup.port_taken",
        say(f"ポート {port}", f"Port {port}"),
        free,
        say(
            f"ポート {port} が他のプログラムに使われています。`ss -ltnp 'sport = :{port}'` で調べて終了してください。",
            f"Port {port} is taken by another program. Find it with  ss -ltnp 'sport = :{port}'  and stop it.",
        ),
    )


def preflight(port: int, already_up: Callable[[], bool]) -> None:
    """Print every check; raise SetupRefused with the first failed one's code after all were shown."""
    print(say("準備の確認", "Preflight"))
    checks = [_system(), _root(), _disk(), _memory(), _docker(), _port(port, already_up)]
    for check in checks:
        print(
            f"  {'✓' if check.passed else '✗'} {check.title}" + ("" if check.passed else f": {check.advice}")
        )
    for check in checks:
        if not check.passed:
            raise SetupRefused(check.code, check.advice, check.advice)
