"""The demo's project over linked databases: what it applies for, and the notebooks that it brings."""

import json
import re
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from enclave.application.request import LIMITS, Draft, Known, parse
from enclave.catalogue.linkage import Link, linkage, pairs
from enclave.catalogue.packaged import linkage_rules, packaged
from enclave.core.ids import DatabaseId
from enclave.demo import linked
from enclave.query import condition

FOLDER = Path(__file__).parents[3] / "deploy" / "demo" / "fracture-care"
KEPT = linked.notebooks(FOLDER)
TODAY = date(2026, 11, 21)


def application_draft() -> Draft:
    """What the demo types into the form, as the portal reads it."""
    form = linked.application_form(lambda ja, en: ja, linked.PROJECT, "2026-11-21", "2027-11-20")
    outputs = zip(*(form[f"output_{name}"] for name in ("id", "kind", "title", "dimensions")), strict=True)
    limits: dict[str, dict[str, str]] = {}
    for field, value in form.items():
        name, _, place = field.partition(".")
        if name in LIMITS:
            limits.setdefault(place, {})[name] = value
    return Draft(
        texts={name: value for name, value in form.items() if isinstance(value, str) and "." not in name},
        columns=tuple(form["columns"]),
        limits=limits,
        members=(form["members"],),
        outputs=tuple(dict(zip(("id", "kind", "title", "dimensions"), one, strict=True)) for one in outputs),
        links=tuple(form["links"]),
    )


def is_condition(database: str, table: str, text: str) -> bool:
    columns = packaged()[DatabaseId(database)].tables[table].columns
    condition.compile_condition(text, columns)
    return True


def test_the_application_is_complete_over_the_catalogue() -> None:
    """Every table, column and condition that the demo asks for exists in the packaged catalogue."""
    columns = {
        str(name): {table: tuple(t.columns) for table, t in database.tables.items()}
        for name, database in packaged().items()
    }
    known = Known(columns, frozenset({linked.HANDLER}), today=TODAY, row_condition=is_condition)
    application, problems = parse(application_draft(), known)
    assert problems == ()
    assert application is not None
    assert sorted(application.links) == sorted(linked.LINKED)


def test_the_three_databases_may_be_linked() -> None:
    """The matrix says yes to each pair, on a key that both have."""
    now = datetime.now(UTC).date()
    for a, b in pairs(DatabaseId(name) for name in linked.LINKED):
        assert isinstance(linkage(linkage_rules(), a, b, now), Link)


def test_nothing_is_applied_for_that_no_notebook_uses() -> None:
    """Every column of the permit stands in the notebooks' questions."""
    text = "\n".join(code for notebook in KEPT.values() for code in linked.code_cells(notebook))
    unused = [name for name in linked.COLUMNS if not re.search(rf"\b{name.rpartition('.')[2]}\b", text)]
    assert unused == []


@pytest.mark.parametrize("name", KEPT)
def test_a_notebook_holds_no_output_and_both_languages(name: str) -> None:
    """Outputs of a kept notebook could hold data; its words exist in Japanese and English; its cells are told apart."""
    cells: list[dict[str, Any]] = KEPT[name]["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    assert all(re.search("[ぁ-ん]", text) and re.search("[a-z]{4}", text) for text in texts)
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert len({cell["id"] for cell in cells}) == len(cells)
    assert "架空の人びと" in texts[0]
    assert "invented" in texts[0]


def test_the_notebooks_come_in_their_order_and_the_one_that_submits_is_known() -> None:
    """Three, numbered; exactly one submits, and it is the one that the demo runs to its end."""
    assert all(a < b for a, b in pairwise(KEPT))
    submitting = [name for name, notebook in KEPT.items() if "e.submit(" in json.dumps(notebook)]
    assert len(KEPT) == 3
    assert [name.startswith(linked.SUBMITS) for name in submitting] == [True]
