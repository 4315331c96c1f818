"""The databases describe the same people: what one says, another does not contradict."""

import duckdb
import pytest

from tests.unit.synth.invented import FIRST, LAST, PEOPLE

Connection = duckdb.DuckDBPyConnection

DATED = [
    ("ndb", "si", "act_date"), ("ndb", "iy", "act_date"), ("ndb", "bu", "discharge_date"), ("ndb", "checkup", "check_date"),
    ("kaigo", "cert", "cert_date"), ("kaigo", "life_adl", "eval_date"), ("dpc", "form1", "discharge_date"),
    ("dpc", "ef", "act_date"), ("vac", "shot", "shot_date"), ("vac", "aefi", "onset_date"), ("idb", "notif", "dx_date"),
    ("welfare", "cert", "cert_date"), ("cancer", "reg", "dx_date"), ("nextgen", "rx", "order_date"),
    ("nextgen", "lab", "exam_date"), ("midnet", "lab", "exam_date"), ("midnet", "dx", "dx_date"),
]  # fmt: skip


def one(world: Connection, sql: str) -> float:
    row = world.execute(sql).fetchone()
    assert row is not None
    return float(row[0] or 0)


@pytest.mark.parametrize(("database", "table", "column"), DATED)
def test_nothing_is_recorded_after_death_or_before_birth(
    world: Connection, database: str, table: str, column: str
) -> None:
    """Whoever has died is treated, examined, vaccinated and certified no more; nobody is before birth."""
    after = one(
        world,
        f"SELECT count(*) FROM {database}.{table} x JOIN ndb.death d USING (pid) WHERE x.{column} > d.death_date",
    )
    before = one(
        world,
        f"SELECT count(*) FROM {database}.{table} x JOIN persons p ON p.true_id = x.pid WHERE x.{column} < p.birth_date",
    )
    assert (after, before) == (0, 0)


def test_no_claim_of_any_kind_is_for_a_month_after_death(world: Connection) -> None:
    """Medical, care and welfare claims end with the month of death."""
    for table in ("ndb.rcpt", "kaigo.claim", "welfare.claim"):
        late = f"SELECT count(*) FROM {table} x JOIN ndb.death d USING (pid) WHERE service_ym > d.death_date"
        assert one(world, late) == 0, table


def test_everybody_dies_at_most_once_and_the_rate_is_the_countrys(world: Connection) -> None:
    """One death per person, and 10 to 15 deaths per thousand in a year."""
    assert one(world, "SELECT count(*) - count(DISTINCT pid) FROM ndb.death") == 0
    rate = (
        one(world, f"SELECT count(*) FROM ndb.death WHERE death_date >= DATE '{LAST}-04-01'") / PEOPLE * 1000
    )
    assert 9 < rate < 16


@pytest.mark.parametrize(
    ("table", "sex", "born"),
    [
        ("ndb.rcpt", "sex", "birth_ym"), ("ndb.checkup", "sex", None), ("kaigo.cert", "sex", "birth_ym"),
        ("dpc.form1", "sex", None), ("vac.shot", "sex", "birth_ym"), ("welfare.cert", "sex", "birth_ym"),
        ("cancer.reg", "sex", None), ("nanbyo.reg", "sex", "birth_ym"), ("shoman.reg", "sex", "birth_ym"),
        ("idb.notif", "sex", "birth_ym"), ("nextgen.patient", "sex", "birth_ym"), ("midnet.patient", "sex", "birth_ym"),
    ],
)  # fmt: skip
def test_sex_and_birth_are_the_same_everywhere(
    world: Connection, table: str, sex: str, born: str | None
) -> None:
    """A person has one sex and one month of birth in all databases."""
    other = f" OR date_trunc('month', p.birth_date) <> x.{born}" if born else ""
    assert (
        one(
            world,
            f"SELECT count(*) FROM {table} x JOIN persons p ON p.true_id = x.pid WHERE x.{sex} <> p.sex{other}",
        )
        == 0
    )


def test_men_have_no_obstetrics_and_women_no_prostate(world: Connection) -> None:
    """No man gives birth or has a uterus operated on; no woman has a prostate."""
    men = "SELECT count(*) FROM ndb.si JOIN ndb.rcpt USING (rcpt_id) WHERE sex = 1 AND (kubun LIKE 'K89%' OR kubun LIKE 'K87%' OR kubun LIKE 'K86%')"
    assert one(world, men) == 0
    assert (
        one(
            world,
            "SELECT count(*) FROM ndb.sy JOIN ndb.rcpt USING (rcpt_id) WHERE sex = 1 AND icd10[1] = 'O'",
        )
        == 0
    )
    assert (
        one(
            world, "SELECT count(*) FROM ndb.sy JOIN ndb.rcpt USING (rcpt_id) WHERE sex = 2 AND icd10 = 'N40'"
        )
        == 0
    )
    assert (
        one(
            world,
            "SELECT count(*) FROM cancer.reg WHERE (sex = 2 AND topo = 'C61.9') OR (sex = 1 AND topo IN ('C53.9', 'C54.1', 'C56.9'))",
        )
        == 0
    )


def test_care_needs_forty_years_and_below_sixty_five_a_specified_disease(world: Connection) -> None:
    """Nobody under 40 is certified, hardly anybody under 65, most at 90."""
    assert one(world, "SELECT min(age) FROM kaigo.cert") >= 40
    assert one(world, "SELECT avg((age < 65)::int) FROM kaigo.cert") < 0.06
    share = "SELECT count(DISTINCT c.pid) / count(DISTINCT r.pid) FROM (SELECT pid FROM ndb.rcpt WHERE age >= 90) r LEFT JOIN kaigo.cert c USING (pid)"
    assert 0.55 < one(world, share) < 0.98


def test_a_broken_hip_leads_through_operation_and_rehabilitation_to_care(world: Connection) -> None:
    """Most people operated on for a hip fracture train again, and their need of care rises."""
    world.execute(
        "CREATE OR REPLACE TEMP TABLE hip AS SELECT pid, min(act_date) AS day FROM ndb.si "
        "WHERE act_code IN ('150019210', '150049510') GROUP BY pid"
    )
    people = one(world, "SELECT count(*) FROM hip")
    assert people > 20
    trained = one(
        world,
        "SELECT count(DISTINCT pid) FROM hip JOIN ndb.si USING (pid) WHERE kubun = 'H002' AND act_date BETWEEN day AND day + 60",
    )
    assert trained / people > 0.7
    after = one(
        world,
        "SELECT count(DISTINCT pid) FROM hip JOIN kaigo.cert USING (pid) WHERE cert_date BETWEEN day AND day + 365",
    )
    women = one(world, "SELECT avg((sex = 2)::int) FROM hip JOIN persons ON true_id = pid")
    assert after / people > 0.4
    assert women > 0.6


def test_the_late_elderly_are_insured_as_such(world: Connection) -> None:
    """From the month of the 75th birthday on the insurer is the late elderly's, and nobody younger has it."""
    wrong = "SELECT count(*) FROM ndb.rcpt WHERE (insurer_kind = '39') <> (age >= 75)"
    assert one(world, wrong) == 0


def test_nobody_lies_in_two_hospitals_at_once(world: Connection) -> None:
    """Discharge summaries of one person do not overlap."""
    clash = (
        "SELECT count(*) FROM (SELECT admit_date, lag(discharge_date) OVER (PARTITION BY pid ORDER BY admit_date) AS before "
        "FROM dpc.form1) WHERE admit_date <= before"
    )
    assert one(world, clash) == 0


def test_claims_are_as_many_and_as_long_as_the_field_knows_them(world: Connection) -> None:
    """12 to 19 claims a year and person; lines per claim; a quarter of the diagnoses suspected; three quarters of the claims outpatient or pharmacy."""
    years = PEOPLE * (LAST - FIRST + 1)
    claims = one(world, "SELECT count(*) FROM ndb.rcpt")
    assert 12 < claims / years < 19
    medical = one(world, "SELECT count(*) FROM ndb.rcpt WHERE rcpt_kind IN ('med_out', 'med_in', 'dpc')")
    sy = one(
        world,
        "SELECT count(*) FROM ndb.sy JOIN ndb.rcpt USING (rcpt_id) WHERE rcpt_kind IN ('med_out', 'med_in', 'dpc')",
    )
    assert 4 < sy / medical < 7
    assert 7 < one(world, "SELECT count(*) FROM ndb.si") / claims < 14
    assert 0.2 < one(world, "SELECT avg(suspected::int) FROM ndb.sy") < 0.3
    old = one(
        world, "SELECT count(*) / count(DISTINCT (pid, year(service_ym))) FROM ndb.rcpt WHERE age >= 75"
    )
    young = one(
        world,
        "SELECT count(*) / count(DISTINCT (pid, year(service_ym))) FROM ndb.rcpt WHERE age BETWEEN 20 AND 35",
    )
    assert old > 3 * young


def test_dispensing_follows_a_diagnosis(world: Connection) -> None:
    """Whoever is dispensed a DPP-4 inhibitor has diabetes on a claim; a direct anticoagulant, atrial fibrillation."""
    for prefix, icd in (("3969010", "E1%"), ("3339002", "I48%"), ("2171022", "I10%")):
        users = one(world, f"SELECT count(DISTINCT pid) FROM ndb.iy WHERE yj12 LIKE '{prefix}%'")
        ill = one(
            world,
            f"SELECT count(DISTINCT i.pid) FROM ndb.iy i JOIN ndb.sy s USING (pid) WHERE yj12 LIKE '{prefix}%' AND icd10 LIKE '{icd}' AND NOT suspected",
        )
        assert users > 0
        assert ill / users > 0.95, prefix


def test_missing_values_are_missing_where_they_are_in_reality(world: Connection) -> None:
    """HbA1c is not measured in all check-ups; a summary may lack the Barthel index; the disability record may lack the sex."""
    assert 0.1 < one(world, "SELECT avg((hba1c IS NULL)::int) FROM ndb.checkup") < 0.35
    assert 0.01 < one(world, "SELECT avg((bi_admit IS NULL)::int) FROM dpc.form1") < 0.1
    assert one(world, "SELECT avg((sex IS NULL)::int) FROM welfare.cert") > 0


def test_designated_diseases_repeat_by_renewal(world: Connection) -> None:
    """A recipient files every year, and some file twice in one."""
    assert one(world, "SELECT count(*) / count(DISTINCT pid) FROM nanbyo.reg") > 2
    twice = "SELECT count(*) FROM (SELECT pid, apply_fy, disease_no FROM nanbyo.reg GROUP BY ALL HAVING count(*) > 1)"
    assert one(world, twice) > 0
