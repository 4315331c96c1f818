"""Real published tables, audited; and that the audit says what the slow obvious way says."""

import random
from itertools import product
from pathlib import Path

import pytest

from enclave.disclosure.criteria.public_tables import dashes
from enclave.disclosure.criteria.rules import Zero
from enclave.disclosure.proof.public_audit import audit, bounds, informed_bounds
from tests.published.page import LANGUAGES, PAGES, page
from tests.published.tables import NAMES, audited

DOCS = Path(__file__).resolve().parents[2] / "docs"
N = 3
"""A small threshold, so that every row can be tried."""
ROWS = [
    (total, details)
    for details in product(range(6), repeat=3)
    for total in (sum(details),)
]  # fmt: skip


def masked(total: int, details: tuple[int, ...]) -> tuple[int | None, tuple[int | None, ...]]:
    top, below = dashes(total, details, "ndb-open-5-9", N, Zero.SHOWN)
    return (
        None if top else total,
        tuple(None if dash else one for dash, one in zip(below, details, strict=True)),
    )


def test_who_knows_the_rule_knows_what_trying_every_row_tells() -> None:
    """For every row of three details up to 5: the bounds hold every possible row, and their ends are reached by one."""
    possible: dict[object, list[tuple[int, ...]]] = {}
    for total, details in ROWS:
        possible.setdefault(masked(total, details), []).append(details)
    tried = 0
    for (total, details), fits in possible.items():
        if None not in details or any(max(fit) == 5 for fit in fits):
            continue  # A longer list of rows would hold further ones.
        found = informed_bounds(total, details, N)
        assert found is not None
        hidden = [place for place, one in enumerate(details) if one is None]
        values = [fit[place] for fit in fits for place in hidden]
        for (low, high), place in zip(found, hidden, strict=True):
            assert all(low <= fit[place] <= (high or 0) for fit in fits)
        assert (found[0][0], found[0][1]) == (min(values), max(values))
        tried += 1
    assert tried > 10


def test_who_does_not_know_it_knows_less() -> None:
    """The interval of the informed lies within that of the ignorant, whatever the row."""
    chance = random.Random(7)
    for _ in range(300):
        details = tuple(chance.choice((0, 1, 4, 9, 10, 25, 300)) for _ in range(6))
        top, below = dashes(sum(details), details, "ndb-open-5-9", 10, Zero.SHOWN)
        shown = [None if dash else one for dash, one in zip(below, details, strict=True)]
        if None not in shown:
            continue
        total = None if top else sum(details)
        plain, knowing = bounds(total, shown), informed_bounds(total, shown, 10)
        assert plain is not None
        assert knowing is not None
        for (low, high), (least, most) in zip(plain, knowing, strict=True):
            assert low <= least
            assert most is not None
            assert high is None or most <= high


def test_a_row_that_is_no_sum_says_nothing() -> None:
    """Counted apart; no bound is made up."""
    told = audit([(5, (None, None, 7))], 10)
    assert (told.contradictory, told.ignorant.hidden) == (1, 0)


@pytest.mark.parametrize("name", NAMES)
def test_no_hidden_count_of_the_real_tables_is_exact(name: str) -> None:
    """What the ministry's rule promises row by row holds: nothing is solved by its row's total, and no dash stands alone."""
    told = audited(name)
    assert told.ignorant.hidden > 300
    assert (told.alone, told.ignorant.exact, told.informed.exact) == (0, 0, 0)
    assert told.contradictory <= 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_what_the_audit_finds(language: str) -> None:
    """To print it anew: `python -m tests.published docs`."""
    assert (DOCS / PAGES[language]).read_text("utf-8") == page(language)
