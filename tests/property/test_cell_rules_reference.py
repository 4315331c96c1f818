"""Two decisions about the same cells: the program's, on what binds of several sets together, and the policy's, set by set.

Thousands of invented cells under invented rule sets, from a fixed seed; the policy answers all of them in one run.
"""

import json
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from enclave.config import PREFIX
from enclave.core.refusal import Refused
from enclave.disclosure.criteria.cell_rules import protection, reasons
from enclave.disclosure.criteria.evidence import CellEvidence, Route, Statistic
from enclave.disclosure.criteria.rules import binding, combine, parse

ROOT = Path(__file__).resolve().parents[2]
CELLS, QUESTIONS = 6_000, 2_000


def by_policy(question: dict[str, Any], tmp_path: Path) -> Any:
    """What the policy's reference answers; one process for everything."""
    asked = tmp_path / "input.json"
    asked.write_text(json.dumps(question))
    opa = PREFIX / "bin" / "opa"
    command = [str(opa), "eval", "-f", "raw", "-d", str(ROOT / "policies/enclave"), "-i", str(asked)]
    command.append("data.enclave.disclosure.reference")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def a_set(random: Random, name: str) -> dict[str, Any]:
    """Any rule set, as a file would hold it; each rule in about half of them."""
    made: dict[str, Any] = {
        "id": name,
        "valid_from": "2020-01-01",
        "valid_to": None,
        "source": "invented",
        "scope": {"databases": ["*"]},
        "min_persons": {"n": random.choice([1, 3, 5, 10, 20]), "zero": random.choice(["shown", "hidden"])},
    }
    share = [1, 5, 10, 12.5, 15, 33.333, 50, 75, 90, 99.999]
    maybe: dict[str, Any] = {
        "min_persons_by_population": [
            {"below": 2000, "n": random.choice([None, 30, 50])},
            {"below": 25000, "n": random.choice([None, 5, 20])},
        ],
        "min_institutions": {"n": random.choice([2, 3, 5])},
        "dominance": {"n": random.choice([1, 2, 3]), "k": random.choice(share)},
        "p_percent": {"p": random.choice(share)} | random.choice([{}, {"n": 1}, {"n": 2}]),
        "pq": {"p": random.choice(share[:5]), "q": random.choice([50, 75, 100])},
        "rounding": {
            "redact_at_most": random.choice([0, 5, 7]),
            "base": 5,
            "midpoint": random.choice([0, 6]),
        },
        "quantities": random.choice(
            [{"oral": 1000, "injection": 400}, {"oral": 500}, {"oral": 1000, "injection": 500}]
        ),
        "statistics": {
            key: random.choice([3, 10])
            for key in ("min_df", "quantile_margin", "survival_at_risk")
            if random.random() < 0.7
        }
        or {"min_df": 5},
        "group": random.choice([{"rest": 1}, {"rest": 10}, {"share": 90}, {"rest": 5, "share": 99.5}]),
    }
    return made | {key: value for key, value in maybe.items() if random.random() < 0.5}


def some(random: Random, *values: Any) -> Any:
    """One of the values, or sometimes nothing: nobody counted it."""
    return None if random.random() < 0.1 else random.choice(values)


def a_cell(random: Random) -> CellEvidence:
    """Any evidence that is possible, close to thresholds more often than not."""
    small = (0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 19, 20, 21, 40, 1000)
    persons = some(random, *small)
    there = persons or 0
    statistic = random.choice(list(Statistic))
    contributions = sorted(
        (
            random.choice([0, 1, 10, 50, 99, 100, 101, 900, 10**9])
            for _ in range(random.randint(0, min(4, there)))
        ),
        reverse=True,
    )
    rest = 0 if there == len(contributions) else random.choice([0, 1, 2, 9, 10, 11, 100, 10**6])
    return CellEvidence(
        persons=persons,
        statistic=statistic,
        population=random.choice([None, 1999, 2000, 24999, 25000, 10**6]),
        municipal=random.random() < 0.5,
        institutions=some(random, 0, 1, 2, 3, 4, 5, 50),
        group=some(random, *(there + more for more in small)),
        total=some(random, sum(contributions) + rest),
        contributions=tuple(contributions),
        contributors=some(random, len(contributions), len(contributions) + 1, there + 100),
        numerator=some(random, *(one for one in (0, there, *small) if one <= there)),
        below=some(random, *(there + more for more in (0, 1, 9, 10))),
        above=some(random, 0, 1, 9, 10, 11, 30),
        at=some(random, *(one for one in small if one <= there)),
        at_risk=some(random, *(one for one in small if one <= there)),
        df=some(random, -1, 0, 1, 2, 3, 9, 10, 11, 500),
        quantity=some(random, 0, 1, 399, 400, 499, 500, 999, 1000),
        route=random.choice([None, *Route]),
    )


def as_input(cell: CellEvidence) -> dict[str, Any]:
    return dict(vars(cell))


def in_hundredths(cell: CellEvidence) -> CellEvidence:
    """The same cell in a hundred times the unit: no rule about shares may notice."""
    total = None if cell.total is None else Decimal(int(cell.total)) / 100
    return replace(
        cell, total=total, contributions=tuple(Decimal(int(one)) / 100 for one in cell.contributions)
    )


def test_program_and_policy_find_the_same_cells_unsafe_for_the_same_reasons(tmp_path: Path) -> None:
    """Under one to three sets at once: the strictest of each in the program, every set for itself in the policy."""
    random = Random(20240918)
    cases = [
        (a_cell(random), [a_set(random, f"set-{place}") for place in range(random.randint(1, 3))])
        for _ in range(CELLS)
    ]
    asked = {"cells": [{"cell": as_input(cell), "sets": sets} for cell, sets in cases], "questions": []}
    answers = by_policy(asked, tmp_path)["cells"]
    assert len(answers) == CELLS
    seen: dict[str, int] = {}
    for (cell, sets), answer in zip(cases, answers, strict=True):
        rules = combine([parse(one) for one in sets])
        expected = sorted((code, rule) for code, rule in answer)
        for one in (cell, in_hundredths(cell)):
            found = {(reason.code, str(reason.facts.get("rule", ""))) for reason in reasons(one, rules)}
            assert sorted(found) == expected, (one, sets)
        for code, _ in expected:
            seen[code] = seen.get(code, 0) + 1
        seen[""] = seen.get("", 0) + (not expected)
    # Every rule fired, and safe cells were among them: an agreement about nothing would be none.
    assert len(seen) == 19
    assert min(seen.values()) >= 10, seen


def test_another_rule_set_never_makes_an_unsafe_cell_safe() -> None:
    """What binds besides can only hide more, and asks for at least as much protection."""
    random = Random(3)
    hidden = 0
    for _ in range(2_000):
        cell = a_cell(random)
        first, second = parse(a_set(random, "first")), parse(a_set(random, "second"))
        alone, both = combine([first]), combine([first, second])
        need, more = protection(cell, alone), protection(cell, both)
        if reasons(cell, alone):
            hidden += 1
            assert reasons(cell, both)
            assert need is not None
            assert more is not None
            assert (more.lower, more.upper, more.width) >= (need.lower, need.upper, need.width)
            assert more.width >= need.width
    assert 200 < hidden < 2_000


@pytest.mark.parametrize("more", [{"quantity": 1}, {"route": Route.ORAL}])
def test_a_quantity_without_route_or_limit_is_not_called_safe(more: dict[str, Any]) -> None:
    """Nobody counted persons, and no rule says how many units stand for enough of them."""
    rules = combine([parse(a_set(Random(1), "one") | {"quantities": {"injection": 400}})])
    cell = CellEvidence(statistic=Statistic.QUANTITY, **more)
    assert "disclosure.evidence_missing" in {one.code for one in reasons(cell, rules)}


def test_program_and_policy_bind_the_same_sets(tmp_path: Path) -> None:
    """By database and by day: the first day binds, the last one does not."""
    random = Random(7)
    questions, days = [], []
    for _ in range(QUESTIONS):
        sets = {}
        for place in range(random.randint(1, 4)):
            begin = date(2024, 1, 1) + timedelta(days=random.randint(0, 20))
            end = random.choice([None, begin + timedelta(days=random.randint(1, 20))])
            sets[f"set-{place}"] = {
                **a_set(random, f"set-{place}"),
                "valid_from": begin.isoformat(),
                "valid_to": None if end is None else end.isoformat(),
                "scope": {"databases": random.sample(["*", "ndb", "kaigo", "dpc"], random.randint(1, 2))},
            }
        now = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=random.choice([0, 720, 1439]))
        now += timedelta(days=random.randint(0, 40))
        databases = random.sample(["ndb", "kaigo", "dpc", "idb"], random.randint(0, 3))
        questions.append({"sets": sets, "databases": databases, "now": now.strftime("%Y-%m-%dT%H:%M:%SZ")})
        days.append(now.date())
    answers = by_policy({"cells": [], "questions": questions}, tmp_path)["questions"]
    assert len(answers) == QUESTIONS
    for asked, day, answer in zip(questions, days, answers, strict=True):
        sets = [parse(one) for one in asked["sets"].values()]
        if answer["covered"]:
            assert [one.id for one in binding(sets, asked["databases"], day)] == sorted(answer["bound"])
        else:
            with pytest.raises(Refused, match="no_rules"):
                binding(sets, asked["databases"], day)
    assert 200 < sum(answer["covered"] for answer in answers) < QUESTIONS - 200
