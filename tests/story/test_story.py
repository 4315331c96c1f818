"""The whole story in a real browser: application, permit, extract, notebook, export, checkers, release, audit.

Chromium drives the pages that people see; certificates are checked. The custodian's step is the custodian's command.
One story, told in order: each test goes on where the one before stopped.
"""

import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from enclave.config import Site
from enclave.demo.accounts import account
from enclave.demo.browser import browser, enter_workspace, log_in, person_at

pytestmark = [pytest.mark.site, pytest.mark.docker, pytest.mark.timeout(900)]

# On a machine that has much else to do a page may take longer than the five seconds that are usual.
expect.set_options(timeout=60_000)

PROJECT = "nafld-story"
COLUMNS = ("pid", "age", "male", "bmi", "futime", "status")


def enclave(*words: str) -> subprocess.CompletedProcess[str]:
    """The command, as an operator types it."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "enclave", *words], capture_output=True, text=True, check=False
    )


class Stage:
    """The browser, who is logged in, and what the story has brought forth so far."""

    def __init__(self, site: Site, chromium: Browser) -> None:
        self.site = site
        self._chromium = chromium
        self._contexts: dict[str, BrowserContext] = {}
        self.permit = ""
        self.export = ""
        self.checked: dict[str, str] = {}

    def page_of(self, person: str, language: str = "en") -> Page:
        """A page of a person who is logged in (password and a one-time code, once per story)."""
        if person not in self._contexts:
            context = person_at(self._chromium, language)
            context.set_default_timeout(120_000)
            self._contexts[person] = context
            page = context.new_page()
            log_in(page, self.site, person)
            return page
        return self._contexts[person].new_page()

    def go(self, person: str, path: str) -> Page:
        page = self.page_of(person)
        page.goto(self.site.origin + path)
        return page


@pytest.fixture(scope="module")
def stage(site: Site) -> Iterator[Stage]:
    with browser(site) as chromium:
        yield Stage(site, chromium)


def test_1_the_database_is_in_the_public_catalogue(stage: Stage, site: Site) -> None:
    """Whoever is not logged in sees the front page and the catalogue with nafld's three tables."""
    context = person_at(stage._chromium, "en")
    page = context.new_page()
    page.goto(site.origin)
    expect(page.locator("h1")).to_be_visible()
    page.goto(f"{site.origin}/catalogue")
    for table in ("patients", "labs", "events"):
        expect(page.get_by_text(f"nafld.{table}").first).to_be_visible()
    page.goto(f"{site.origin}/projects")
    assert "password" in page.content()
    context.close()


def test_2_two_approvals_make_a_signed_permit_and_custody_its_extract(stage: Stage, site: Site) -> None:
    """The form, two opinions, the permit with its verified signature, the extract with permitted columns only."""
    page = stage.go("tanaka", "/applications/new")
    for name, text in {
        "title": "Age and survival in fatty liver disease",
        "project": PROJECT,
        "purpose": "How mortality by sex and age differs.",
        "public_interest": "It informs screening.",
        "other_data": "Published tables do not follow persons.",
        "members": "tanaka",
        "use_from": "2026-01-01",
        "use_to": "2027-12-31",
    }.items():
        page.fill(f'[name="{name}"]', text)
    # Where many databases stand in the form, each is folded until one opens it.
    if page.locator("#choose-nafld:not([open])").count():
        page.click("#choose-nafld > summary")
    for column in COLUMNS:
        page.check(f'input[name="columns"][value="nafld.patients.{column}"]')
    rows = page.locator('[name="output_id"]').count()
    assert rows >= 2
    for n, (output, kind, title) in enumerate((("t1", "table", "Deaths"), ("f1", "figure", "Curve"))):
        page.locator('[name="output_id"]').nth(n).fill(output)
        page.locator('[name="output_kind"]').nth(n).select_option(kind)
        page.locator('[name="output_title"]').nth(n).fill(title)
    page.click('[data-action="submit-application"]')
    page.wait_for_url(re.compile(r"/applications/(?!new)[^/]+$"))
    application = page.url.rsplit("/", 1)[-1]
    for member in ("sato", "suzuki"):
        review = stage.go(member, "/reviews")
        review.click(f'a[data-action="open-review"][href*="{application}"]')
        review.check('input[name="opinion"][value="approve"]')
        review.fill('textarea[name="comment"]', "In proportion to its purpose.")
        review.click('[data-action="give-opinion"]')
        # The page after the vote no longer offers one: the opinion is in, not merely sent.
        expect(review.locator('[data-action="give-opinion"]')).to_have_count(0)
    page.reload()
    page.click('[data-action="open-permit"]')
    expect(page.locator('[data-signature="verified"]')).to_be_visible()
    stage.permit = re.search(r"p-\d{4}-\d{4}", page.url).group()  # type: ignore[union-attr]
    built = enclave("data", "extract", stage.permit, "--site", site.name)
    assert built.returncode == 0, built.stderr
    folder = site.extracts / json.loads(built.stdout)["extract"]
    manifest = (folder / "manifest.json").read_text()
    assert '"case_pid"' not in manifest
    assert '"nafld.labs"' not in manifest
    raw = (folder / "extract.duckdb").read_bytes()
    assert b"patients" not in raw
    assert b"futime" not in raw
    page.reload()
    expect(page.get_by_text("17,549").first).to_be_visible()


def _run_cell(page: Page, code: str, wait_for: str) -> str:
    """Type a cell into the open notebook, run it, and return its output once `wait_for` (a pattern) stands in it."""
    before = page.locator(".jp-CodeCell").count()
    page.keyboard.press("Escape")
    page.locator(".jp-CodeCell").last.click()
    editor = page.locator(".jp-CodeCell").last.locator(".cm-content")
    editor.click()
    page.keyboard.insert_text(code)
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-CodeCell")).to_have_count(before + 1, timeout=120_000)
    output = page.locator(".jp-CodeCell").nth(before - 1).locator(".jp-OutputArea")
    expect(output).to_contain_text(re.compile(wait_for), timeout=180_000)
    return output.inner_text()


@pytest.fixture(scope="module")
def notebook(stage: Stage, site: Site) -> Page:
    """An empty notebook in the workspace, opened from the project's page as a person would."""
    page = stage.page_of("tanaka")
    enter_workspace(page, site, "tanaka", PROJECT)
    page.goto(f"{site.workspace_origin('tanaka')}/user/tanaka/{PROJECT}/lab?reset")
    page.wait_for_selector(".jp-Launcher", timeout=180_000)
    page.locator('.jp-LauncherCard[data-category="Notebook"]').first.click()
    page.wait_for_selector(".jp-Notebook .jp-CodeCell .cm-content", timeout=180_000)
    expect(page.get_by_text(re.compile(r"ipykernel\) \| (アイドル|Idle)")).first).to_be_visible(
        timeout=180_000
    )
    return page


def test_3_the_notebook_answers_within_the_permit_and_refuses_outside(notebook: Page) -> None:
    """sql() gives a frame and a receipt, a plot is drawn, a column outside the permit is refused with code and hint."""
    said = _run_cell(
        notebook,
        'from enclave_client import connect\ne = connect()\nrows = e.sql("SELECT pid, age, male, status FROM nafld.patients")\n'
        'print("ROWS", len(rows), "LOG", rows.attrs["receipt"]["log"])',
        r"ROWS 17549 LOG \[\d+, \d+\]",
    )
    assert "ROWS" in said
    _run_cell(notebook, 'rows.age.plot.hist(); print("DRAWN")', "DRAWN")
    expect(notebook.locator(".jp-OutputArea img").first).to_be_visible()
    refused = _run_cell(
        notebook, 'e.sql("SELECT case_pid FROM nafld.patients")', r"query\.column_not_permitted"
    )
    assert "Traceback" not in refused


def test_4_small_cells_come_back_hidden_and_zero_stays_zero(notebook: Page) -> None:
    """In every line with its margin no hidden cell stands alone, and empty cells are not hidden."""
    code = """
d = e.table("SELECT male, age // 5 * 5 AS band, status, count(*) AS n, count(*) FILTER (WHERE age > 200) AS none FROM nafld.patients GROUP BY CUBE (male, age // 5 * 5, status)")
import pandas as pd
plain = pd.DataFrame(d)
hidden = plain[plain.n_status == "hidden"]
alone = 0
dims = ["male", "band", "status"]
key = plain[dims].astype(str) + plain[[x + "_status" for x in dims]].astype(str).values
for x in dims:
    others = [o for o in dims if o != x]
    for _, line in plain.groupby([key[o] for o in others]):
        alone += int((line.n_status == "hidden").sum() == 1)
print("HIDDEN", len(hidden), "NUMBERS", sum(isinstance(x, (int, float)) for x in hidden.n), "ALONE", alone, "ZERO", set(plain.none_status), set(plain.none.dropna()))
"""
    said = _run_cell(notebook, code, r"HIDDEN \d+ NUMBERS")
    found = re.search(r"HIDDEN (\d+) NUMBERS (\d+) ALONE (\d+) ZERO (.*)", said)
    assert found is not None
    assert int(found.group(1)) > 0
    assert (found.group(2), found.group(3)) == ("0", "0")
    assert "shown" in found.group(4)
    assert "hidden" not in found.group(4)


def test_5_a_checked_table_and_figure_are_queued_and_a_small_cell_is_turned_back(
    notebook: Page, stage: Stage
) -> None:
    """The machine's findings appear at once; an unprotected small cell comes back with the cell named."""
    code = """
import matplotlib.pyplot as plt
t = e.table("SELECT male, age // 10 * 10 AS band, count(*) AS n FROM nafld.patients GROUP BY CUBE (male, age // 10 * 10)")
c = t.details().shown()
fig, ax = plt.subplots(); ax.bar(c.band.astype(str) + c.male.astype(str), c.n)
s = e.submit([e.item(t, name="persons"), e.figure(fig, data=t, name="persons")], output="t1", purpose="as planned")
print("SUBMITTED", s.id, s.state)
"""
    said = _run_cell(notebook, code, r"SUBMITTED \S+ \w+")
    sent = re.search(r"SUBMITTED (\S+) (\w+)", said)
    assert sent is not None
    assert sent.group(2) == "queued"
    stage.export = sent.group(1)
    code = """
bad = rows.assign(band=rows.age // 5 * 5).groupby(["male", "band", "status"], as_index=False).size().rename(columns={"size": "n"})
s = e.submit(e.item(bad, name="bad", dimensions=["male", "band", "status"]), output="t1", purpose="by mistake")
print("SUBMITTED", s.id, s.state)
"""
    said = _run_cell(notebook, code, r"disclosure\.small_cell[\s\S]*SUBMITTED \S+ \w+")
    assert "returned" in said
    assert re.search(r"male=\d, band=\d+, status=\d", said)


ACT = """
async ([origin, project]) => {
  const target = `${origin}/projects/${project}/workspace/stop`;
  const told = {};
  const body = new URLSearchParams({csrf: "x"});
  const ways = {
    fetch: () => fetch(target, {method: "POST", credentials: "include", body}),
    blind: () => fetch(target, {method: "POST", credentials: "include", mode: "no-cors", body}),
    read: () => fetch(`${origin}/projects/${project}`, {credentials: "include"}),
    beacon: async () => { if (!navigator.sendBeacon(target, body)) throw new Error("refused"); },
  };
  for (const [name, act] of Object.entries(ways)) {
    try { const answer = await act(); told[name] = answer ? `${answer.type} ${answer.status}` : "sent"; }
    catch (error) { told[name] = "blocked"; }
  }
  const frame = document.createElement("iframe"); frame.name = "away"; document.body.append(frame);
  const form = document.createElement("form");
  Object.assign(form, {method: "post", action: target, target: "away"}); document.body.append(form); form.submit();
  await new Promise(r => setTimeout(r, 1500));
  return told;
}
"""


def test_no_script_of_a_notebook_can_act_on_the_portal(notebook: Page, stage: Stage, site: Site) -> None:
    """Fetch, beacon, frame and form from the workspace's origin reach nothing; the workspace was not stopped by them."""
    told = notebook.evaluate(ACT, [site.origin, PROJECT])
    assert told["fetch"] == told["blind"] == told["read"] == "blocked"
    page = stage.go("tanaka", f"/projects/{PROJECT}")
    expect(page.locator('[data-action="enter-workspace"]')).to_be_visible()
    assert (
        '"action": "workspace.stopped"'
        not in enclave("audit", "search", "--site", site.name, "--project", PROJECT).stdout
    )


def test_6_two_blind_checkers_approve_and_the_release_is_what_was_checked(stage: Stage) -> None:
    """Table and findings side by side; neither sees the other's vote; the download has the digest that was checked."""
    for n, checker in enumerate(("takahashi", "ito")):
        page = stage.go(checker, "/checks")
        page.click(f'a[data-action="open-check"][href*="{stage.export}"]')
        expect(page.get_by_text("export.matches_receipt").first).to_be_visible()
        expect(page.locator("table").first).to_be_visible()
        other = "takahashi" if n else "ito"
        assert account(other).person.name_en not in page.content()
        page.check('input[name="vote"][value="approve"]')
        page.fill('textarea[name="comment"]', "Looked at.")
        page.click('[data-action="cast-vote"]')
        expect(page.locator('[data-action="cast-vote"]')).to_have_count(0)
    page = stage.go("tanaka", f"/projects/{PROJECT}/exports/{stage.export}")
    shown = page.content()
    with page.expect_download() as waiting:
        page.locator('[data-action="download-file"]').first.click()
    data = Path(waiting.value.path()).read_bytes()
    assert hashlib.sha256(data).hexdigest() in shown
    with page.expect_download() as waiting:
        page.click('[data-action="download-release"]')
    whole = zipfile.ZipFile(io.BytesIO(Path(waiting.value.path()).read_bytes()))
    assert data in [whole.read(name) for name in whole.namelist()]


def test_7_the_auditor_sees_every_step_and_one_byte_changed_is_found(
    stage: Stage, site: Site, tmp_path: Path
) -> None:
    """The log filtered to the project tells the story in order; a copy verifies, and an edited copy names the entry."""
    page = stage.go("kobayashi", f"/log?project={PROJECT}&limit=500")
    for action in (
        "application.submitted",
        "application.opinion_given",
        "permit.granted",
        "extract.built",
        "workspace.started",
        "query.authorised",
        "query.answered",
        "export.submitted",
        "export.returned",
        "export.voted",
        "export.released",
        "export.downloaded",
    ):
        expect(page.get_by_text(action, exact=True).first).to_be_visible()
    copy = tmp_path / "log"
    assert enclave("audit", "export", str(copy), "--site", site.name).returncode == 0
    good = enclave("audit", "verify", str(copy))
    assert good.returncode == 0, good.stderr
    bundle = next(p for p in sorted((copy / "tile" / "entries").rglob("*")) if p.is_file())
    edited = tmp_path / "edited"
    shutil.copytree(copy, edited)
    target = edited / bundle.relative_to(copy)
    raw = bytearray(target.read_bytes())
    place = raw.index(b"tanaka")
    raw[place] ^= 1
    target.chmod(0o644)
    target.write_bytes(raw)
    bad = enclave("audit", "verify", str(edited), "--json")
    assert bad.returncode == 3
    assert "audit.entry_altered" in bad.stdout
    assert re.search(r'"index": \d+', bad.stdout)
