"""Someone who came by SSH: a browser that has one forwarded port and nothing else, not even a route.

`make demo` prints `ssh -L <port>:127.0.0.1:<port> …`. The far end of such a tunnel is a listening socket on the visitor's
own loopback, the near end a connection to this machine's. Here a network namespace is the visitor's machine and the
tunnel a thread between the two. What is tried is that the addresses are chosen so that this is enough: the names of
portal and workspaces mean loopback in every browser, and the port is the same on both sides.
"""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from enclave.config import Site
from enclave.demo import browser as demo
from tests.bench.notebook import IDLE
from tests.integration.running_site import PROJECT, Ground

pytestmark = [pytest.mark.site, pytest.mark.docker, pytest.mark.timeout(900)]

AWAY = "enclave-tunnel"

LISTEN = """
import socket, sys
far = socket.create_server(("127.0.0.1", int(sys.argv[1])))
socket.send_fds(socket.socket(fileno=int(sys.argv[2])), [b"far"], [far.fileno()])
"""


def at(*words: str) -> list[str]:
    """A command on the visitor's machine."""
    return ["ip", "netns", "exec", AWAY, *words]


def far_end(port: int) -> socket.socket:
    """A socket that listens on the visitor's loopback: it stays there, whoever accepts from it."""
    here, there = socket.socketpair()
    with here, there:
        words = at(sys.executable, "-I", "-c", LISTEN, str(port), str(there.fileno()))
        subprocess.run(words, check=True, pass_fds=[there.fileno()])
        _, found, _, _ = socket.recv_fds(here, 16, 1)
    return socket.socket(fileno=found[0])


def forward(far: socket.socket, port: int) -> None:
    """Whatever connects at the far end speaks with the same port of this machine's loopback."""

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    with suppress(OSError):  # closed: the test is over
        while True:
            one, _ = far.accept()
            other = socket.create_connection(("127.0.0.1", port))
            for ends in ((one, other), (other, one)):
                threading.Thread(target=pump, args=ends, daemon=True).start()


@pytest.fixture
def chromium_away(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The system's Chromium on the visitor's machine, whose loopback has the forwarded port."""
    subprocess.run(["ip", "netns", "delete", AWAY], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "add", AWAY], check=True)
    try:
        subprocess.run(at("ip", "link", "set", "lo", "up"), check=True)
        with far_end(site.https_port) as far:
            threading.Thread(target=forward, args=(far, site.https_port), daemon=True).start()
            chromium = tmp_path / "chromium"
            chromium.write_text(f'#!/bin/sh\nexec {" ".join(at(demo.CHROMIUM))} "$@"\n')
            chromium.chmod(0o755)
            monkeypatch.setattr(demo, "CHROMIUM", str(chromium))
            yield
            far.shutdown(socket.SHUT_RDWR)
    finally:
        subprocess.run(["ip", "netns", "delete", AWAY], check=True)


@pytest.mark.usefixtures("chromium_away")
def test_one_forwarded_port_is_enough_to_log_in_and_work(ground: Ground) -> None:
    """Portal, log-in, the workspace on its other site and a kernel's web socket; this machine has no other way there."""
    site = ground.site
    try:
        with demo.browser(site) as chromium:
            page = demo.person_at(chromium, "en").new_page()
            demo.log_in(page, site, "tanaka")
            demo.enter_workspace(page, site, "tanaka", PROJECT)
            page.get_by_text(IDLE).first.wait_for(timeout=180_000)
            assert page.url.startswith(f"{site.workspace_origin('tanaka')}/user/tanaka/{PROJECT}/")
            routes = subprocess.run(at("ip", "route"), capture_output=True, text=True, check=True).stdout
            assert routes == ""
    finally:
        ground.stop("tanaka", PROJECT)
