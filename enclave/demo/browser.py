"""The system's Chromium with the site's own authority trusted, for the tour of the pages and for the browser tests."""

import os
import re
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Error, Page, Request, sync_playwright

from enclave.config import Site
from enclave.demo.accounts import account
from enclave.demo.load import fresh_code

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
]


@contextmanager
def browser(site: Site) -> Iterator[Browser]:
    """A headless Chromium. Certificates are checked: the site's authority is the only addition."""
    with tempfile.TemporaryDirectory(prefix="enclave-browser-") as home:
        store = Path(home) / ".pki" / "nssdb"
        store.mkdir(parents=True)
        for words in (
            ["-N", "--empty-password"],
            ["-A", "-t", "C,,", "-n", f"enclave {site.name}", "-i", str(site.ca)],
        ):
            subprocess.run(["certutil", "-d", f"sql:{store}", *words], check=True, capture_output=True)
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=CHROMIUM,
                # Chromium cannot make its own sandbox as root; the pages it opens are this site's alone.
                args=[*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])],
                env={**os.environ, "HOME": home},
            )
            try:
                yield chromium
            finally:
                chromium.close()


def person_at(chromium: Browser, language: str) -> BrowserContext:
    """A fresh person: no cookies, their language, a common screen."""
    return chromium.new_context(
        locale="ja-JP" if language == "ja" else "en-GB",
        viewport={"width": 1280, "height": 860},
        accept_downloads=True,
    )


def log_in(page: Page, site: Site, person: str) -> None:
    """Log a demo account in on this page, with its password and a one-time code; ends on the portal's first page."""
    page.goto(f"{site.origin}/login")
    page.fill('input[name="username"]', person)
    page.fill('input[name="password"]', account(person).password)
    page.fill('input[name="otp"]', fresh_code(site, person))
    page.click('form button[type="submit"], form input[type="submit"]')
    page.wait_for_selector('[data-action="log-out"]')


def enter_workspace(
    page: Page, site: Site, person: str, project: str, pressing: Callable[[], None] = lambda: None
) -> None:
    """Open the project's workspace from its page, or enter it where it runs; ends inside JupyterLab.

    A browser on the same machine sees the workspace's own network come up, and Chromium then breaks off what it is
    loading (ERR_NETWORK_CHANGED), be it the page or one of its scripts, without which the page stays blank: the person
    would press the button once more, and so does this, with a warning of what was seen. `pressing` is called each time
    that the button is about to be pressed. Raises LookupError where JupyterLab does not come up in three attempts.
    """
    inside = re.compile(re.escape(site.workspace_origin(person)))
    seen: list[str] = []
    for _ in range(3):
        page.goto(f"{site.origin}/projects/{project}")
        button = page.locator('[data-action="open-workspace"], [data-action="enter-workspace"]')
        button.wait_for()
        pressing()
        with _losses(page) as lost:
            button.click(no_wait_after=True)
            try:
                page.wait_for_url(inside, wait_until="commit", timeout=90_000)
                page.wait_for_selector("#jp-main-dock-panel", timeout=120_000)
                return
            except Error as error:
                seen.append(
                    f"{str(error).splitlines()[0]} at {page.url}, lost {lost}, shown {_shown(page)!r}"
                )
                warnings.warn(f"JupyterLab did not come up: {seen[-1]}", stacklevel=2)
        page.wait_for_timeout(1_000)
    raise LookupError("; ".join(seen))


@contextmanager
def _losses(page: Page) -> Iterator[list[str]]:
    """What the page asked for meanwhile and did not get, with the browser's reason."""
    lost: list[str] = []

    def failed(request: Request) -> None:
        lost.append(f"{request.url} ({request.failure})")

    page.on("requestfailed", failed)
    try:
        yield lost
    finally:
        page.remove_listener("requestfailed", failed)


def _shown(page: Page) -> str:
    """The first of the page's text; a page that is being left has none."""
    try:
        return page.inner_text("body", timeout=5_000)[:300]
    except Error:
        return ""
