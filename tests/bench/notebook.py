"""From the click on the portal's page to a notebook that can be worked in, in a real browser.

Usable means: the first code cell of the first notebook can be typed into and its kernel is idle. Beside it the bare
part: `docker run` of the same image with JupyterLab and nothing else, until its port answers.
"""

import re
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from statistics import median

from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page

from enclave.adapters.containers import Containers
from enclave.config import Site
from enclave.demo.browser import browser, enter_workspace, log_in, person_at
from tests.bench.place import BROWSER_HANDLER, PROJECT, Place
from tests.bench.promises import Line, Row, Target, Unit, Words

RUNS = 5
BARE_RUNS = 3
VOID_RUNS = 2
"""Runs that may be lost because the machine's networks changed under the browser; they are told."""

ENOUGH_S = 100.0
"""Seconds after which no further run is begun."""

IMAGE = "enclave-analysis:current"
BARE = "enclave-bench-bare"
IDLE = re.compile(r"ipykernel\) \| (アイドル|Idle)")
MIB = 1 << 20


@dataclass(frozen=True)
class Opened:
    """Seconds since the click that led in; `again` counts clicks before it whose loading the browser broke off."""

    ready: float
    lab: float
    cell: float
    idle: float
    again: int


def measure(place: Place) -> list[Row]:
    """The row of the click, and that of a workspace's memory."""
    opened: list[Opened] = []
    memory: list[float] = []
    void = 0
    began = time.monotonic()
    with browser(place.site) as chromium:
        context = person_at(chromium, "en")
        context.set_default_timeout(60_000)
        page = context.new_page()
        log_in(page, place.site, BROWSER_HANDLER)
        while len(opened) < RUNS and (not opened or time.monotonic() - began < ENOUGH_S):
            page = context.new_page()
            try:
                opened.append(_open(page, place.site))
                void += opened[-1].again
                memory.append(_memory(place.site.workspace_name(BROWSER_HANDLER, PROJECT)))
            except BrowserError as error:
                # The browser runs on the machine whose networks come and go with workspaces, other sites' too.
                void += 1
                if "ERR_NETWORK_CHANGED" not in str(error) or void > VOID_RUNS:
                    raise
            page.close()
            _stop(context.new_page(), place.site)
    bare_s, bare_mib = _bare(place.site)
    usable = median(max(o.cell, o.idle) for o in opened)
    legs = (
        (("クリック → 準備完了", "click → ready"), median(o.ready for o in opened), bare_s),
        (
            ("準備完了 → JupyterLabの枠", "ready → the lab's dock"),
            median(o.lab - o.ready for o in opened),
            None,
        ),
        (("枠 → 最初のコードセル", "dock → first code cell"), median(o.cell - o.lab for o in opened), None),
        (
            ("セル → カーネル待機", "cell → kernel idle"),
            median(max(0.0, o.idle - o.cell) for o in opened),
            None,
        ),
        (("もっとも遅い1回", "slowest run"), max(max(o.cell, o.idle) for o in opened), None),
    )
    return [
        Row(
            "click_to_notebook",
            ("クリックから使えるノートブックまで", "From the click to a usable notebook"),
            Unit.SECONDS, usable, bare_s, ("docker run", "docker run"), Target(4.0), runs=len(opened),
            note=_void(void),
            lines=tuple(Line(words, took, Unit.SECONDS, alone) for words, took, alone in legs),
        ),
        Row(
            "workspace_memory",
            ("ワークスペースのメモリ（カーネル1つ）", "Memory of a workspace with one kernel"),
            Unit.MEBIBYTES, median(memory), bare_mib, ("カーネルなし", "no kernel"), runs=len(memory),
        ),
    ]  # fmt: skip


def _void(runs: int) -> Words:
    if not runs:
        return ("", "")
    return (
        f"{runs} 回は計算機のネットワーク変更でブラウザが接続を失い、数えていません",
        f"{runs} run(s) not counted: the browser lost its connection as the machine's networks changed",
    )


def _open(page: Page, site: Site) -> Opened:
    enter = f"{site.workspace_origin(BROWSER_HANDLER)}/"
    pressed: list[float] = []
    left: list[float] = []

    # The first request to the workspace's origin: the portal has said that it is ready.
    page.on(
        "request", lambda request: left.append(time.monotonic()) if request.url.startswith(enter) else None
    )
    enter_workspace(page, site, BROWSER_HANDLER, PROJECT, pressing=lambda: pressed.append(time.monotonic()))
    lab = time.monotonic()
    page.wait_for_selector('.jp-Notebook .jp-CodeCell .cm-content[contenteditable="true"]')
    cell = time.monotonic()
    page.get_by_text(IDLE).first.wait_for()
    idle = time.monotonic()
    began = pressed[-1]
    ready = next(asked for asked in left if asked >= began)
    return Opened(ready - began, lab - began, cell - began, idle - began, len(pressed) - 1)


def _stop(page: Page, site: Site) -> None:
    page.goto(f"{site.origin}/projects/{PROJECT}")
    page.click('[data-action="stop-workspace"]')
    end = time.monotonic() + 30
    while page.locator('[data-action="open-workspace"]').count() == 0 or _running(site):
        if time.monotonic() > end:
            raise TimeoutError("the workspace does not stop")
        page.wait_for_timeout(200)
        page.goto(f"{site.origin}/projects/{PROJECT}")
    page.close()


def _running(site: Site) -> bool:
    return any(w.person == BROWSER_HANDLER for w in Containers().workspaces(site))


def _memory(container: str) -> float:
    """MiB in use by a container, its page cache left out (as `docker stats` counts)."""
    used = Containers().client.stats(container, stream=False)["memory_stats"]
    cache = used["stats"].get("inactive_file", used["stats"].get("total_inactive_file", 0))
    return float(used["usage"] - cache) / MIB


def _docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout.strip()


def _bare(site: Site) -> tuple[float, float]:
    """Median seconds from `docker run` until JupyterLab's port answers, and the memory it then has in MiB."""
    took, memory = [], 0.0
    for _ in range(BARE_RUNS):
        began = time.monotonic()
        _docker(
            "run", "--detach", "--rm", "--name", BARE, "--label", site.label, "--entrypoint", "/opt/analysis/bin/python",
            IMAGE, "-I", "-m", "jupyterlab", "--ip=0.0.0.0", "--port=8888", "--no-browser",
        )  # fmt: skip
        try:
            address = _docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", BARE)
            _until_it_answers(f"http://{address}:8888/api")
            took.append(time.monotonic() - began)
            memory = _memory(BARE)
        finally:
            subprocess.run(["docker", "rm", "--force", BARE], capture_output=True, check=False)
    return median(took), memory


def _until_it_answers(address: str) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + 30
    while True:
        try:
            direct.open(address, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
