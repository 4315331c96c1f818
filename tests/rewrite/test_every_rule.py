"""No rule rewrites a question without pairs that show what it does."""

import importlib
from pathlib import Path

import pytest

from enclave.query import rewrite
from enclave.query.rewrite import AGGREGATE_RULES, ROWS_RULES, TABLE_RULES
from tests.rewrite.pairs import FOLDER, pairs

SHOWN = {pair.rule for folder in (FOLDER, FOLDER / "aggregate") for pair in pairs(folder)}
"""The names of the files of pairs: a rule's, or its module's with what is shown of it behind."""

MODULES = sorted(
    file.stem for file in Path(rewrite.__file__).parent.glob("*.py") if not file.stem.startswith("_")
)


@pytest.mark.parametrize(
    "rule", sorted({rule.__name__ for rule in (*ROWS_RULES, *TABLE_RULES, *AGGREGATE_RULES)})
)
def test_every_rule_of_a_form_has_pairs(rule: str) -> None:
    assert rule in SHOWN


@pytest.mark.parametrize("module", MODULES)
def test_every_module_of_the_rewriting_has_pairs(module: str) -> None:
    """Rules that stand before the tuples (steps, choices made complete) and statements of their own are shown, too."""
    functions = vars(importlib.import_module(f"enclave.query.rewrite.{module}"))
    assert any(
        name == module or name.startswith(f"{module}_") or callable(functions.get(name)) for name in SHOWN
    )
