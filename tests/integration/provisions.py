"""One application's way through the running site, by the doors that people use: portal, custody, gateway, portal again.

Each step is a function that leaves behind what it saw, and fails where the system did something else. Nothing is
entered behind the system's back but the session's token, which a workspace receives from the hub.
"""

import contextlib
import hashlib
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import pandas as pd

from enclave.adapters import edge
from enclave.app import build_extract, permit_of
from enclave.catalogue.linkage import Link, linkage
from enclave.catalogue.packaged import linkage_rules
from enclave.core.clock import JAPAN
from enclave.core.ids import DatabaseId
from enclave.core.permit import Permit
from tests.integration.acting import cast, state_of
from tests.integration.running_site import Ground

# The client is a project of its own: it is on the path of a notebook, not of the services.
sys.path.append(str(Path(__file__).parents[2] / "enclave" / "client"))

from enclave_client import connect  # type: ignore[import-not-found]

APPLICANT = "tanaka"
LEAST = 10
"""Persons from which a cell is shown: the rule set ndb-2024-09, in force for every database."""


@dataclass(frozen=True)
class Asked:
    """What one database is asked for: columns of one table, and the one by which its persons are counted."""

    table: str
    by: str
    columns: tuple[str, ...]

    @property
    def rows(self) -> str:
        return f"SELECT {', '.join(('pid', *self.columns))} FROM {self.table}"

    @property
    def cells(self) -> str:
        return f"SELECT {self.by}, count(DISTINCT pid) AS persons FROM {self.table} GROUP BY CUBE ({self.by})"

    @property
    def named(self) -> list[str]:
        """As the form names them."""
        return [f"{self.table}.{column}" for column in ("pid", *self.columns)]


@dataclass(frozen=True)
class Wish:
    """One application: what is asked of each database, in the order of the form."""

    project: str
    asked: Mapping[DatabaseId, Asked]

    @property
    def links(self) -> list[str]:
        """All of them where the matrix lets every pair be linked today, else nothing."""
        today = edge.now().astimezone(JAPAN).date()
        pairs = list(combinations(self.asked, 2))
        together = all(isinstance(linkage(linkage_rules(), a, b, today), Link) for a, b in pairs)
        return sorted(self.asked) if pairs and together else []

    def form(self) -> dict[str, Any]:
        today = edge.now().astimezone(JAPAN).date()
        return {
            "title": f"Persons in {', '.join(self.asked)}",
            "project": self.project,
            "purpose": "To count the persons of each sex.",
            "public_interest": "It says how complete the registers are.",
            "other_data": "No published table has these columns.",
            "linkage_reason": "The same persons are looked for in each." if self.links else "",
            "links": self.links,
            "columns": [name for one in self.asked.values() for name in one.named],
            "members": APPLICANT,
            "use_from": today.isoformat(),
            "use_to": (today + timedelta(days=300)).isoformat(),
            "output_id": ["t1"],
            "output_kind": ["table"],
            "output_title": ["Persons by sex"],
            "output_dimensions": ["sex"],
        }


@dataclass
class Provision:
    """What came of an application: its permit, the extract's manifest, and the rows that a notebook was given."""

    wish: Wish
    permit: Permit
    manifest: Mapping[str, Any]
    rows: dict[DatabaseId, pd.DataFrame] = field(default_factory=dict)

    def held(self, database: DatabaseId) -> Mapping[str, Any]:
        """The table that was asked for, as the manifest has it."""
        table: Mapping[str, Any] = self.manifest["tables"][self.wish.asked[database].table]
        return table


# -- the portal ------------------------------------------------------------------------------------------------------
def sent_in(ground: Ground, **form: Any) -> httpx.Response:
    """The page after the applicant pressed `submit`, refusal or not."""
    applicant = ground.person(APPLICANT)
    try:
        return applicant.send(applicant.get("/applications/new"), "submit-application", **form)
    except httpx.HTTPStatusError as no:
        return no.response


def apply_for(ground: Ground, wish: Wish) -> str:
    """The id of the application, submitted."""
    page = sent_in(ground, **wish.form())
    assert 'data-state="submitted"' in page.text, re.findall(r'class="wrong"[^>]*>([^<]*)', page.text)
    return str(page.url).rsplit("/", 1)[-1]


def approved(ground: Ground, wish: Wish, application: str) -> Permit:
    """The permit, once two members of the committee have given an opinion on each database."""
    for member in ("sato", "suzuki"):
        reviewer = ground.person(member)
        for _ in wish.asked:
            page = reviewer.get(f"/reviews/{application}")
            reviewer.send(page, "give-opinion", opinion="approve", comment="In proportion to its purpose.")
    page = ground.person(APPLICANT).get(f"/applications/{application}")
    number = re.search(r"/permits/(p-\d{4}-\d{4})", page.text)
    assert number is not None, "approved by two members, but no permit"
    return permit_of(ground.site, number[1]).permit


def provide(ground: Ground, wish: Wish, permit: Permit) -> Provision:
    """The extract, built by custody: exactly the columns that were asked for."""
    return Provision(wish, permit, build_extract(ground.site, permit.permit_id))


# -- the workspace ---------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def notebook(ground: Ground, permit: Permit) -> Iterator[Any]:
    """What `connect()` gives inside a workspace of the permit."""
    desk = ground.sit_down(APPLICANT, permit)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        session = {"gateway": ground.site.gateway_url, "token": desk.token}
        (folder / "session.json").write_text(json.dumps(session))
        (folder / "ca.pem").write_bytes(ground.site.ca.read_bytes())
        yield connect(folder)


def question(asked: Asked, e: Any) -> tuple[pd.DataFrame, Any]:
    """Rows and protected cells; the cells are those of the rows, small ones hidden."""
    rows, cells = e.sql(asked.rows), e.table(asked.cells)
    assert len(rows) > 0
    counted = rows.groupby(asked.by, dropna=False).pid.nunique()
    persons = {None if pd.isna(key) else key: int(n) for key, n in counted.items()}
    shown = 0
    for _, cell in cells.iterrows():
        whole = cell[f"{asked.by}_status"] == "total"
        key = None if pd.isna(cell[asked.by]) else cell[asked.by]
        true = rows.pid.nunique() if whole else persons[key]
        if cell.persons_status == "shown":
            assert (true, true >= LEAST) == (cell.persons, True)
            shown += 1
        else:
            assert cell.persons_status == "hidden"
    assert len(cells) == len(persons) + 1
    assert shown > 0
    return rows, cells


def taken_out(ground: Ground, wish: Wish, e: Any, cells: Any, name: str) -> None:
    """A table with its receipt, found by the machine to be its answer, approved by two checkers, fetched: the same bytes."""
    item = e.item(cells, name=name)
    assert item.receipt
    sent = e.submit(item, output="t1", purpose="as planned")
    (file,) = sent.files
    codes = {finding["code"] for finding in file["findings"]}
    # Where somebody has released a table of the same population whose persons nobody knows, a person judges the rest.
    beside_unknown = "disclosure.history_bound" in codes
    assert (sent.state, file["verdict"]) == ("queued", "human" if beside_unknown else "pass"), file
    assert codes - {"disclosure.history_examined", "disclosure.history_bound"} == {"export.matches_receipt"}
    for checker in ("takahashi", "ito"):
        assert cast(ground, checker, sent.id, "approve").status_code == 200
    assert state_of(ground, sent.id) == "released"
    applicant = ground.person(APPLICANT)
    place = f"/projects/{wish.project}/exports/{sent.id}"
    released = applicant.get(f"{place}/files/0").content
    assert released == item.csv.encode()
    digest = hashlib.sha256(released).hexdigest()
    assert file["digest"] == f"sha256:{digest}"
    assert digest in applicant.get(place).text
