"""The use cases' queries, asked of extracts that custody made of synthetic databases, say what the field expects."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from enclave.synth.generate import Request, run
from tests.unit.synth.provided import TUMOURS, WISHES, Provided, total


@pytest.fixture(scope="module")
def provided(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provided]:
    """12,500 people, and the cancers of 60,000 others, under permits of their own."""
    registry = tmp_path_factory.mktemp("tumours") / "world"
    run(Request(60_000, 2018, 2021, seed=11, out=registry, only=("cancer",)))
    with pytest.MonkeyPatch.context() as patch:
        found = Provided(tmp_path_factory.mktemp("provided"), patch)
        found.take_in(registry, (TUMOURS,))
        found.take_in(made, WISHES)
        yield found


@pytest.mark.parametrize("name", ["UC1", "UC3", "UC4", "UC5", "UC7", "UC8", "UC11"])
def test_the_query_runs_over_the_extract_and_has_rows(provided: Provided, name: str) -> None:
    """Every use case finds something in what its permit gave."""
    assert provided.answer(name)


def test_the_extract_names_nobody_as_the_holder_does(provided: Provided) -> None:
    """Persons are 32-bit pseudonyms of the provision: those of two permits have no more in common than chance gives."""
    everybody = "SELECT DISTINCT pid FROM ndb.sy"
    one, other = ({row["pid"] for row in provided.ask(case, everybody)} for case in ("UC4", "UC5"))
    assert max(one) < 2**32
    assert len(one) == len(other) > 10_000
    assert len(one & other) <= 3


def test_uc1_many_begin_a_dpp4_inhibitor_and_few_a_sulfonylurea(provided: Provided) -> None:
    """DPP-4 inhibitors are the usual first choice, in men more than in women, mostly after sixty."""
    rows = provided.answer("UC1")
    dpp4, su = total(rows, "n", grp="DPP4"), total(rows, "n", grp="SU")
    assert dpp4 > 4 * su > 0
    assert total(rows, "n", grp="DPP4", sex=1) > total(rows, "n", grp="DPP4", sex=2)
    old = sum(float(row["n"]) for row in rows if row["grp"] == "DPP4" and row["age5"] >= 60)
    assert old > 0.6 * dpp4
    assert total(rows, "events") <= 0.02 * (dpp4 + su)


def test_uc3_survival_falls_with_the_extent_of_gastric_cancer(provided: Provided) -> None:
    """Localised cancers are the most and nearly all survive three years; with distant spread few do."""
    rows = provided.answer("UC3")
    alive = {}
    for extent in (410, 420, 440):
        n, deaths = total(rows, "n", extent=extent), total(rows, "deaths_3y", extent=extent)
        alive[extent] = 1 - deaths / n
    assert alive[410] > 0.85 > alive[440]
    # Ten stomachs with distant spread are few; over all sites there are enough to say how few live three years.
    (distant,) = provided.ask(
        "UC3",
        "SELECT avg((vital = 1 AND date_diff('day', dx_date, last_date) <= 1095)::INT) AS dead FROM cancer.reg"
        " WHERE extent = 440 AND behavior = 3 AND year(dx_date) = 2018",
    )
    assert distant["dead"] > 0.6
    assert total(rows, "n", extent=410) > 0.45 * total(rows, "n")


def test_uc4_nearly_everybody_was_vaccinated_twice_and_myocarditis_is_rare(provided: Provided) -> None:
    """Second doses follow first ones; cases within three weeks are no more than a handful."""
    rows = [row for row in provided.answer("UC4") if str(row["vaccine"]).startswith("COVID")]
    first, second = total(rows, "vaccinated", dose_no=1), total(rows, "vaccinated", dose_no=2)
    assert 0.95 < second / first <= 1
    assert 0.7 < first / 12_500 < 0.9
    assert total(rows, "risk_window") <= 3


def test_uc5_a_disorder_of_taste_is_seen_early_and_fades(provided: Provided) -> None:
    """Most are treated within three months; half a year on few are."""
    rows = provided.answer("UC5")
    early = sum(total(rows, "n", m=month) for month in (0, 1, 2))
    late = sum(total(rows, "n", m=month) for month in (8, 9, 10))
    assert early > 20
    assert early > 3 * late


def test_uc7_dialysis_follows_from_failing_kidneys(provided: Provided) -> None:
    """Three years after a check-up dialysis has begun in many of stage G5 and in hardly any of stage G1 or G2."""
    rows = provided.answer("UC7")
    good_n = sum(total(rows, "n", g=g) for g in ("G1", "G2"))
    good = sum(total(rows, "dialysis", g=g) for g in ("G1", "G2"))
    bad_n = sum(total(rows, "n", g=g) for g in ("G4", "G5"))
    bad = sum(total(rows, "dialysis", g=g) for g in ("G4", "G5"))
    assert good_n > 50 * bad_n > 0
    assert good / good_n < 0.003
    assert bad / bad_n > max(0.04, 20 * good / good_n)


def test_uc8_myasthenia_is_mostly_mild_and_treated(provided: Provided) -> None:
    """Over all years' forms few are of the two severest grades, and most of the patients take steroids."""
    rows = provided.answer("UC8")
    (held,) = provided.ask(
        "UC8",
        "SELECT count(*) AS n, avg((severity >= 4)::INT) AS severe, avg(steroid::INT) AS steroid"
        " FROM nanbyo.reg WHERE disease_no = 11",
    )
    assert total(rows, "n") <= held["n"]
    assert held["severe"] < 0.35
    assert held["steroid"] > 0.5


def test_uc11_those_with_a_support_level_cost_and_are_admitted(provided: Provided) -> None:
    """Everybody with a support level has costs, some are admitted."""
    rows = provided.answer("UC11")
    assert {row["support_level"] for row in rows} >= {1, 2, 3, 4}
    assert all(float(row["yen_pp"]) > 20_000 for row in rows)
    assert total(rows, "admitted") > 0


def test_women_break_their_hips_and_the_old_do(provided: Provided) -> None:
    """Of operated hip fractures most are women's, and after 75 the rate is several times that before 65."""
    rows = provided.answer("HIP")
    assert total(rows, "broken", sex=2) > 1.5 * total(rows, "broken", sex=1)
    rate = {
        ages: total(rows, "broken", ages=ages) / total(rows, "persons", ages=ages)
        for ages in ("50–64", "65–74", "75–84", "85+")
    }
    assert rate["85+"] > rate["65–74"] > 0
    assert rate["75–84"] > 3 * rate["50–64"]


def test_illness_grows_with_age(provided: Provided) -> None:
    """Hypertension is on the claims of few under forty and of every second person after seventy-five."""
    rows = provided.ask(
        "UC1",
        "SELECT least(age, 90) // 10 AS decade, avg((h.pid IS NOT NULL)::INT) AS share FROM"
        " (SELECT pid, max(age) AS age FROM ndb.rcpt GROUP BY pid) LEFT JOIN"
        " (SELECT DISTINCT pid FROM ndb.sy WHERE icd10 = 'I10' AND NOT suspected) h USING (pid)"
        " GROUP BY ALL ORDER BY ALL",
    )
    share = {row["decade"]: row["share"] for row in rows}
    assert share[2] < 0.1 < share[4] < share[6] < share[8]
    assert share[8] > 0.5
