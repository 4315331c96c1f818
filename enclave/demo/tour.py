"""The tour: drives the real pages headlessly, as each person of the story, and saves a picture of each.

Shows what is there; changes nothing but opening (and closing) a workspace.
"""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page

from enclave.config import Site
from enclave.demo import linked
from enclave.demo.browser import browser, enter_workspace, log_in, person_at
from enclave.demo.walk import PROJECT

FIRST_NOTEBOOK = "はじめに-first-steps.ipynb"
NOTEBOOK = ".jp-NotebookPanel:not(.lm-mod-hidden)"
"""The notebook in front; others may be open behind it."""


def tour(site: Site, out: Path, language: str) -> None:
    """Save `NN-name.png` for each page into `out` and print each line as it is taken."""
    out.mkdir(parents=True, exist_ok=True)
    taken = 0

    def show(page: Page, name: str, *, whole: bool = True) -> None:
        nonlocal taken
        taken += 1
        path = out / f"{taken:02d}-{name}.png"
        page.screenshot(path=path, full_page=whole)
        print(f"  {path}", flush=True)

    with browser(site) as chromium:

        def as_person(person: str) -> Page:
            page = person_at(chromium, language).new_page()
            log_in(page, site, person)
            return page

        page = person_at(chromium, language).new_page()
        for path, name in (
            ("/", "front"),
            ("/catalogue", "catalogue"),
            ("/register", "register"),
            ("/login", "login"),
        ):
            page.goto(site.origin + path)
            show(page, name)
        page = as_person("tanaka")
        show(page, "home-researcher")
        for path, name in (
            ("/applications/new", "application-form"),
            ("/applications", "applications"),
            (f"/projects/{PROJECT}", "project"),
        ):
            page.goto(site.origin + path)
            show(page, name)
        page.locator('a[href*="/permits/"]').first.click()
        page.wait_for_url("**/permits/*")
        show(page, "permit")
        page.goto(f"{site.origin}/projects/{PROJECT}")
        released = page.locator(f'a[href^="/projects/{PROJECT}/exports/"]')
        addresses = [a.get_attribute("href") for a in released.all()]
        for address in dict.fromkeys(addresses):
            page.goto(f"{site.origin}{address}")
            if page.locator('[data-action="download-file"]').count():
                show(page, "release")
                break
        _work(page, site, PROJECT, FIRST_NOTEBOOK, ("plot", "refusal", "protected-table", "findings"), show)
        page.goto(f"{site.origin}/projects/{linked.PROJECT}")
        show(page, "linked-project")
        page.locator('a[href*="/permits/"]').first.click()
        page.wait_for_url("**/permits/*")
        show(page, "linked-permit")
        for name in linked.notebooks():
            pictures = {"1-": ("incidence", "stay", "trajectory"), "2-": ("prefectures", "funnel")}
            parts = pictures.get(name[:2], ("propensity", "rate-ratios"))
            _work(page, site, linked.PROJECT, name, parts, show)
        page = as_person("takahashi")
        page.goto(f"{site.origin}/checks")
        show(page, "checks")
        first = page.locator('a[data-action="open-check"]').first
        if first.count():
            first.click()
            page.wait_for_load_state()
            show(page, "check")
        page = as_person("kobayashi")
        page.goto(f"{site.origin}/log?project={PROJECT}")
        show(page, "log")
        page.goto(f"{site.origin}/log/checkpoint")
        show(page, "checkpoint")


def _work(
    page: Page, site: Site, project: str, notebook: str, parts: tuple[str, ...], show: Callable[..., None]
) -> None:
    """Open the project's workspace, run a notebook and show it, one picture a part (from its second heading on); stop."""
    enter_workspace(page, site, "tanaka", project)
    # What the person had open before is theirs; the tour begins with one notebook alone.
    page.wait_for_url("**/lab*")
    page.goto(f"{page.url.split('/lab', maxsplit=1)[0]}/lab/tree/{quote(notebook)}?reset")
    page.locator(f"{NOTEBOOK} .jp-Cell").first.wait_for(timeout=120_000)
    _run_all(page)
    name = "notebook" if project == PROJECT else f"notebook-{notebook[:1]}"
    show(page, name, whole=False)
    for n, title in enumerate(parts):
        places = page.locator(f"{NOTEBOOK} .jp-MarkdownCell h2")
        if places.count() > n + 1:
            places.nth(n + 1).scroll_into_view_if_needed()
            page.mouse.wheel(0, 500)
            page.wait_for_timeout(800)
            show(page, f"{name}-{title}", whole=False)
    page.goto(f"{site.origin}/projects/{project}")
    page.click('[data-action="stop-workspace"]')


def _run_all(page: Page) -> None:
    """Run every cell of the open notebook and wait until the kernel is idle again."""
    idle = re.compile(r"ipykernel\) \| (アイドル|Idle)")
    page.get_by_text(idle).first.wait_for(timeout=120_000)
    page.locator("#jp-MainMenu .lm-MenuBar-item").nth(3).click()
    page.locator(
        '.lm-Menu-item[data-command="notebook:run-all-cells"], .lm-Menu-item[data-command="runmenu:run-all"]'
    ).first.click()
    # The last cell's number appears when everything before it has run; a refusal on the way does not stop the notebook.
    page.wait_for_timeout(6000)
    page.get_by_text(idle).first.wait_for(timeout=120_000)
