"""The demo's second story: invented people's NDB, 介護DB and DPCDB, linked for one project, and its three notebooks.

Everything goes the way it goes in the demo: generated, registered, applied for, approved, extracted, opened, run.
"""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from enclave.adapters import ledger_files
from enclave.app import register_database
from enclave.config import Site
from enclave.demo import linked, people
from enclave.demo.load import linked_loaded
from enclave.demo.steps import Walk, open_workspace

pytestmark = [pytest.mark.site, pytest.mark.docker, pytest.mark.timeout(900)]

PATIENCE_S = 150
"""Seconds in which all three notebooks have run, on a machine that may be busy."""

Messages = list[dict[str, Any]]


@dataclass
class Told:
    """What the notebooks said, cell by cell, and how long they took together."""

    walk: Walk
    cells: Mapping[str, list[Messages]]
    seconds: float

    def text(self, notebook: str) -> str:
        """All words of a notebook's output, its tables as text."""
        found = []
        for name, cells in self.cells.items():
            if name.startswith(notebook):
                for message in (m for cell in cells for m in cell):
                    found.append(message.get("text") or str(message.get("data", {}).get("text/plain", "")))
        return "\n".join(found)

    def pictures(self, notebook: str) -> int:
        cells = next(cells for name, cells in self.cells.items() if name.startswith(notebook))
        return sum("image/png" in message.get("data", {}) for cell in cells for message in cell)


@pytest.fixture(scope="module")
def told(site: Site) -> Iterator[Told]:
    """The story walked as the demo walks it, then every notebook run from top to bottom in the workspace."""
    for database in (people.REFERENCE, *people.DATABASES):
        # Again where another test brought in databases of these names: the notebooks are about these people.
        register_database(site, people.make() / database / "descriptor.yaml")
    assert linked_loaded(site)
    walk = Walk(site, "en")
    linked.walk(walk)
    handler = walk.as_person(linked.HANDLER)
    base = open_workspace(handler, linked.HANDLER, linked.PROJECT)
    began = time.monotonic()
    cells = {
        name: handler.run_cells(base, linked.code_cells(one)) for name, one in linked.notebooks().items()
    }
    seconds = time.monotonic() - began
    yield Told(walk, cells, seconds)
    handler.send(handler.get(f"/projects/{linked.PROJECT}"), "stop-workspace")


def test_every_cell_runs_without_an_error_in_reasonable_time(told: Told) -> None:
    """No cell of the three notebooks ends in an error, and together they are quick."""
    wrong = [
        (name, number, message.get("ename"), message.get("evalue"))
        for name, cells in told.cells.items()
        for number, cell in enumerate(cells)
        for message in cell
        if message["type"] == "error"
    ]
    assert wrong == []
    assert told.seconds < PATIENCE_S
    assert "Warning" not in "".join(told.text(str(n)) for n in (1, 2, 3))
    assert all(told.pictures(str(n)) >= 3 for n in (1, 2, 3))


def test_a_hip_fracture_looks_like_one(told: Told) -> None:
    """Old, mostly women, weeks in hospital, more dependent afterwards than people of the same age without a fracture."""
    text = told.text("1")
    persons = re.search(r"(\d+) 人 / persons, 平均 ([\d.]+) 歳.*女性 (\d+) %", text)
    assert persons is not None, text
    assert int(persons.group(1)) >= 20
    assert 76 <= float(persons.group(2)) <= 88
    assert 60 <= int(persons.group(3)) <= 95
    stay = re.search(r"^mean\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)", text, re.M)
    assert stay is not None
    days, at_admission, at_discharge = map(float, stay.groups())
    assert 15 <= days <= 45
    assert at_admission < at_discharge < 75
    ratio = re.search(r"率比 rate ratio ([\d.]+) \(95 % CI ([\d.]+)–([\d.]+)\)", text)
    assert ratio is not None
    assert 1.2 < float(ratio.group(1)) < 8
    assert float(ratio.group(2)) > 1


def test_regions_differ_by_little_more_than_chance(told: Told) -> None:
    """Ratios of prefectures spread around 1; shrunken ones less, since no difference was built in."""
    text = told.text("2")
    spread = dict(re.findall(r"(prefectures|areas)\s+([\d.]+\s+[\d.]+)", text))
    raw, shrunk = map(float, spread["prefectures"].split())
    assert 0.05 < raw < 0.35
    assert shrunk < raw / 2
    assert float(spread["areas"].split()[1]) < 0.2


def test_adjusted_for_age_the_drug_looks_less_protective(told: Told) -> None:
    """Those given the newer drug are younger: weighted, its ratio of admissions moves up, and its interval holds 1."""
    text = told.text("3")
    ages = re.search(r"年齢 age\s+([\d.]+)\s+([\d.]+)", text)
    assert ages is not None
    assert float(ages.group(2)) < float(ages.group(1)) - 3
    ratios = re.search(r"crude ([\d.]+) → 重みつき weighted ([\d.]+) \(95 % CI ([\d.]+)–([\d.]+)\)", text)
    assert ratios is not None, text
    crude, weighted, low, high = map(float, ratios.groups())
    assert crude < weighted
    assert low < 1 < high


def test_small_cells_are_hidden_and_one_submission_waits(told: Told, site: Site) -> None:
    """The protected tables hide something, and what was submitted waits for the two checkers."""
    for n in "23":
        hidden = re.findall(r"'hidden': (\d+)", told.text(n))
        assert hidden
        assert int(hidden[-1]) > 0
    assert re.search(r"Submission\(\S+: queued\)", told.text("2"))
    checker = told.walk.as_person("takahashi")
    assert linked.PROJECT in checker.get("/checks").text


def test_the_home_holds_the_projects_notebooks_and_not_those_of_another(told: Told) -> None:
    """The lab opens with the first of the three; the notebook about the other database is gone."""
    handler = told.walk.as_person(linked.HANDLER)
    base = f"{handler.site.workspace_origin(linked.HANDLER)}/user/{linked.HANDLER}/{linked.PROJECT}/"
    names = [
        one["name"] for one in handler.http.get(base + "api/contents/").raise_for_status().json()["content"]
    ]
    assert sorted(names) == sorted(linked.notebooks())
    layout = handler.http.get(base + "lab/api/workspaces/default").raise_for_status().json()
    assert next(iter(linked.notebooks())) in str(layout)


def test_every_step_is_in_a_log_that_verifies(told: Told, site: Site) -> None:
    """From the application over the linked extract to the submission; nothing is done twice when it is walked again."""
    for action in ("application.submitted", "permit.granted", "extract.built", "export.submitted"):
        assert told.walk.latest(linked.PROJECT, action) is not None
    before = ledger_files.verify_directory(site.log, ledger_files.read_verifier_key(site.log)).size
    linked.walk(told.walk)
    after = ledger_files.verify_directory(site.log, ledger_files.read_verifier_key(site.log)).size
    assert after == before
