"""The built image before a gateway that speaks: a container like a workspace's, and cells in the kernels of its Jupyter.

The gateway listens on the bridge that the container hangs on; the container is started like a workspace (read-only,
no capabilities). Cells run in kernels that the image's own Jupyter starts from its kernel specifications.
"""

import ipaddress
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE)]

from speaking_gateway import SpeakingGateway  # noqa: E402

PYTHON = "/opt/analysis/bin/python"
CONNECT = "from enclave_client import connect, dbapi; e = connect()"
R_CONNECT = "library(DBI); library(enclave); con <- dbConnect(Enclave())"

DRIVER = """
import json, sys, threading, time
from jupyter_client.manager import start_new_kernel
asked = json.load(sys.stdin)
began = time.monotonic()
manager, kernel = start_new_kernel(kernel_name=asked["kernel"], startup_timeout=180)
told = {"ready": time.monotonic() - began, "cells": []}
for cell in asked["cells"]:
    if "complete" in cell:
        found = kernel.complete(cell["complete"], len(cell["complete"]), reply=True, timeout=120)["content"]
        told["cells"].append(found["matches"])
        continue
    said = []
    if "interrupt" in cell:
        threading.Timer(cell["interrupt"], manager.interrupt_kernel).start()
    reply = kernel.execute_interactive(cell["code"], timeout=180, output_hook=lambda m: said.append(dict(m["content"], type=m["msg_type"])))
    pages = [dict(page, type="page") for page in reply["content"].get("payload", [])]
    told["cells"].append([one for one in said if one["type"] in {"stream", "display_data", "execute_result", "error"}] + pages)
kernel.stop_channels()
manager.shutdown_kernel(now=True)
print(json.dumps(told))
"""

Cell = dict[str, Any]


def docker(*words: str, **options: Any) -> str:
    return subprocess.run(
        ["docker", *words], check=True, text=True, stdout=subprocess.PIPE, **options
    ).stdout.strip()


@dataclass
class Workspace:
    """A running container of the image and the gateway that its session names."""

    name: str
    gateway: SpeakingGateway

    def cells(self, kernel: str, *cells: str | Cell) -> list[Any]:
        """What each cell showed, run one after another in one fresh kernel."""
        asked = {"kernel": kernel, "cells": [c if isinstance(c, dict) else {"code": c} for c in cells]}
        words = ("exec", "--interactive", self.name, PYTHON, "-I", "-c", DRIVER)
        shown: list[Any] = json.loads(docker(*words, input=json.dumps(asked)).splitlines()[-1])["cells"]
        return shown


def text_of(messages: list[dict[str, Any]]) -> str:
    """Everything that a person reads of a cell."""
    return "".join(
        str(m.get("text") or m.get("data", {}).get("text/plain") or "\n".join(m.get("traceback", [])))
        for m in messages
    )


def error_of(messages: list[dict[str, Any]]) -> dict[str, Any]:
    return next(m for m in messages if m["type"] == "error")


@pytest.fixture(scope="module", name="image")
def built_image() -> str:
    """Built if its inputs changed; minutes the first time."""
    built = subprocess.run([ROOT / "images" / "build"], check=True, text=True, stdout=subprocess.PIPE)
    return built.stdout.strip()


@pytest.fixture(scope="module", name="workspace")
def like_a_workspace(image: str) -> Iterator[Workspace]:
    subnet = json.loads(docker("network", "inspect", "bridge"))[0]["IPAM"]["Config"][0]["Subnet"]
    bridge = str(next(ipaddress.ip_network(subnet).hosts()))
    name = f"enclave-clients-test-{uuid.uuid4().hex[:8]}"
    with SpeakingGateway(bridge, "ja") as gateway:
        gateway.folder.chmod(0o755)
        docker(
            "run", "--detach", "--name", name, "--read-only", "--cap-drop", "ALL",
            "--security-opt", "no-new-privileges", "--tmpfs", "/tmp", "--tmpfs", "/home/researcher:uid=1000",
            "--env", "JUPYTER_RUNTIME_DIR=/tmp/jupyter", "--volume", f"{gateway.folder}:/run/enclave:ro",
            "--entrypoint", "/usr/bin/tini", image, "--", "/bin/sleep", "86400",
        )  # fmt: skip
        try:
            yield Workspace(name, gateway)
        finally:
            docker("rm", "--force", name)
