"""Lifecycles are tables, and the documentation shows the tables that run."""

from pathlib import Path

import pytest

from enclave.application import amendment
from enclave.application import review as application
from enclave.core.lifecycle import diagram, is_possible
from enclave.core.refusal import Refused
from enclave.export import review as export


@pytest.mark.parametrize("table", [application.TRANSITIONS, amendment.TRANSITIONS, export.TRANSITIONS])
def test_the_documented_diagram_is_the_table(table) -> None:
    """`docs/lifecycles.md` is what the code does, not what it once did."""
    assert diagram(table) in (Path(__file__).parents[3] / "docs" / "lifecycles.md").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("story", [application, amendment, export])
def test_what_is_not_in_the_table_is_refused(story) -> None:
    """Every pair of state and step either has its row or is a refusal with the story's code."""
    for state in story.State:
        for step in story.Step:
            if is_possible(story.TRANSITIONS, state, step):
                assert story.after(state, step) in story.State
            else:
                with pytest.raises(Refused, match=r"\.state$"):
                    story.after(state, step)
