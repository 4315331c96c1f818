"""The use cases' queries run over the synthetic databases and say what a reader of the field expects."""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from enclave.synth.generate import Request, run
from tests.unit.synth.invented import attach

QUERIES = Path(__file__).parents[1] / "query" / "use_cases" / "queries.sql"


def queries() -> dict[str, str]:
    parts = re.split(r"(?m)^-- ", QUERIES.read_text(encoding="utf-8"))[1:]
    return {part.split("\n", 1)[0].split()[0].strip(): part.split("\n", 1)[1] for part in parts}


@pytest.fixture(scope="module")
def tumours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    out = tmp_path_factory.mktemp("tumours") / "world"
    run(Request(60_000, 2018, 2021, seed=11, out=out, only=("cancer",)))
    connection = attach(out)
    yield connection
    connection.close()


def answer(connection: duckdb.DuckDBPyConnection, name: str) -> list[dict[str, object]]:
    result = connection.execute(queries()[name].strip().rstrip(";"))
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def total(rows: list[dict[str, object]], column: str, **where: object) -> float:
    return sum(
        float(str(row[column] or 0))
        for row in rows
        if all(row[name] == value for name, value in where.items())
    )


@pytest.mark.parametrize("name", ["UC1", "UC4", "UC5", "UC7", "UC8", "UC11"])
def test_the_query_runs_and_has_rows(world: duckdb.DuckDBPyConnection, name: str) -> None:
    """Every use case finds something."""
    assert answer(world, name)


def test_uc1_many_begin_a_dpp4_inhibitor_and_few_a_sulfonylurea(world: duckdb.DuckDBPyConnection) -> None:
    """DPP-4 inhibitors are the usual first choice, in men more than in women, mostly after sixty."""
    rows = answer(world, "UC1")
    dpp4, su = total(rows, "n", grp="DPP4"), total(rows, "n", grp="SU")
    assert dpp4 > 4 * su > 0
    assert total(rows, "n", grp="DPP4", sex=1) > total(rows, "n", grp="DPP4", sex=2)
    assert total(rows, "events") <= 0.02 * (dpp4 + su)


def test_uc3_survival_falls_with_the_extent_of_gastric_cancer(tumours: duckdb.DuckDBPyConnection) -> None:
    """Localised cancers are the most and nearly all survive three years; with distant spread few do."""
    rows = answer(tumours, "UC3")
    alive = {}
    for extent in (410, 420, 440):
        n, deaths = total(rows, "n", extent=extent), total(rows, "deaths_3y", extent=extent)
        alive[extent] = 1 - deaths / n
    assert alive[410] > 0.85 > alive[440]
    # Ten stomachs with distant spread are few; over all sites there are enough to say how few live three years.
    distant = tumours.execute(
        "SELECT avg((vital = 1 AND date_diff('day', dx_date, last_date) <= 1095)::INT) FROM cancer.reg"
        " WHERE extent = 440 AND behavior = 3 AND year(dx_date) = 2018"
    ).fetchone()
    assert distant is not None
    assert distant[0] > 0.6
    assert total(rows, "n", extent=410) > 0.45 * total(rows, "n")


def test_uc4_nearly_everybody_was_vaccinated_twice_and_myocarditis_is_rare(
    world: duckdb.DuckDBPyConnection,
) -> None:
    """Second doses follow first ones; cases within three weeks are no more than a handful."""
    rows = [row for row in answer(world, "UC4") if str(row["vaccine"]).startswith("COVID")]
    first, second = total(rows, "vaccinated", dose_no=1), total(rows, "vaccinated", dose_no=2)
    assert 0.95 < second / first <= 1
    assert 0.7 < first / 12_500 < 0.9
    assert total(rows, "risk_window") <= 3


def test_uc5_a_disorder_of_taste_is_seen_early_and_fades(world: duckdb.DuckDBPyConnection) -> None:
    """Most are treated within three months; half a year on few are."""
    rows = answer(world, "UC5")
    early = sum(total(rows, "n", m=month) for month in (0, 1, 2))
    late = sum(total(rows, "n", m=month) for month in (8, 9, 10))
    assert early > 20
    assert early > 3 * late


def test_uc7_dialysis_follows_from_failing_kidneys(world: duckdb.DuckDBPyConnection) -> None:
    """Three years after a check-up dialysis has begun in many of stage G5 and in hardly any of stage G1 or G2."""
    rows = answer(world, "UC7")
    good_n = sum(total(rows, "n", g=g) for g in ("G1", "G2"))
    good = sum(total(rows, "dialysis", g=g) for g in ("G1", "G2"))
    bad_n = sum(total(rows, "n", g=g) for g in ("G4", "G5"))
    bad = sum(total(rows, "dialysis", g=g) for g in ("G4", "G5"))
    assert good_n > 50 * bad_n > 0
    assert good / good_n < 0.003
    assert bad / bad_n > max(0.04, 20 * good / good_n)


def test_uc11_those_with_higher_support_cost_no_less(world: duckdb.DuckDBPyConnection) -> None:
    """Everybody with a support level has costs, some are admitted."""
    rows = answer(world, "UC11")
    assert {row["support_level"] for row in rows} >= {1, 2, 3, 4}
    assert all(float(str(row["yen_pp"])) > 20_000 for row in rows)
    assert total(rows, "admitted") > 0
