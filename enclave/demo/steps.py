"""How the demo's stories are walked: people logged in once, steps that say what came of them, nothing done twice.

A step whose result already stands in the log is not done again, so an interrupted walk goes on where it stopped.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from enclave.app import build_extract, ledger_of
from enclave.audit.ledger import Sought
from enclave.config import Site
from enclave.core.refusal import Refused
from enclave.demo.accounts import account
from enclave.demo.load import fresh_code
from enclave.demo.visitor import Visitor

REVIEWERS = ("sato", "suzuki")


@dataclass
class Walk:
    """One walk on one site. `visitors` are the people who have logged in so far."""

    site: Site
    language: str
    visitors: dict[str, Visitor] = field(default_factory=dict)

    def say(self, ja: str, en: str) -> str:
        return ja if self.language == "ja" else en

    def failed(self, step: str) -> Refused:
        return Refused("demo.step_failed", {"step": step, "logs": str(self.site.logs)})

    def as_person(self, person: str) -> Visitor:
        """The person, logged in once."""
        if person not in self.visitors:
            visitor = Visitor(self.site, self.language)
            visitor.log_in(person, account(person).password, fresh_code(self.site, person)).raise_for_status()
            self.visitors[person] = visitor
        return self.visitors[person]

    def latest(self, project: str, action: str) -> int | None:
        found = ledger_of(self.site, "operator").search(Sought(project=project, action=action, limit=1))
        return found.entries[0].index if found.entries else None

    def step(self, project: str, title: str, recorded: str, act: Callable[[], str]) -> None:
        """Do a step of a project's story unless the log has it, and print its line."""
        there = self.latest(project, recorded)
        began = time.monotonic()
        result = self.say("済み", "already done") if there is not None else act()
        place = self.latest(project, recorded)
        if place is None:
            raise self.failed(title)
        took = time.monotonic() - began
        print(f"  ✓ {title:<34} {result}  ({took:.1f} s, {self.say('記録', 'log')} {place})", flush=True)


def use_period() -> tuple[str, str]:
    """From today for a year, as the form takes it."""
    today = time.gmtime()
    return time.strftime("%Y-%m-%d", today), f"{today.tm_year + 1}-{today.tm_mon:02d}-28"


def review(w: Walk, project: str) -> str:
    """Every reviewer approves every opinion sheet of the project that waits for them; the permit."""
    for member in REVIEWERS:
        reviewer = w.as_person(member)
        listed = re.findall(r'href="(/reviews/[^"/]+)"', reviewer.get("/reviews").text)
        for address in dict.fromkeys(listed):
            page = reviewer.get(address)
            while project in page.text and 'data-action="give-opinion"' in page.text:
                comment = w.say("目的と項目は見合っている。", "The columns are in proportion to the purpose.")
                reviewer.send(page, "give-opinion", opinion="approve", comment=comment)
                page = reviewer.get(address)
    return permit_id(w, project)


def permit_id(w: Walk, project: str) -> str:
    """The project's permit, as its page names it."""
    page = w.as_person("tanaka").get(f"/projects/{project}")
    found = re.search(r"p-\d{4}-\d{4}", page.text)
    if found is None:
        raise w.failed("permit")
    return found.group()


def extract(w: Walk, permit: str) -> str:
    """The custodian's step is the custodian's command."""
    manifest = build_extract(w.site, permit)
    rows = sum(t["rows"] for t in manifest["tables"].values())
    return f"{manifest['extract']}, " + w.say(f"{rows:,} 行", f"{rows:,} rows")


def open_workspace(visitor: Visitor, person: str, project: str) -> str:
    """Open a workspace as the portal's page does, and return its address. Raises Refused `demo.step_failed`."""
    page = visitor.get(f"/projects/{project}")
    if 'data-action="open-workspace"' in page.text:
        page = visitor.send(page, "open-workspace")
    else:
        page = visitor.get(f"/projects/{project}/workspace/state")
    for _ in range(300):
        if 'data-workspace="ready"' in page.text:
            break
        if 'data-workspace="failed"' in page.text:
            raise Refused("demo.step_failed", {"step": "workspace", "logs": str(visitor.site.logs)})
        time.sleep(0.3)
        page = visitor.get(f"/projects/{project}/workspace/state")
    base = f"{visitor.site.workspace_origin(person)}/user/{person}/{project}/"
    visitor.http.get(base + "lab").raise_for_status()
    return base
