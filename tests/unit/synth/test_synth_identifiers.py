"""What holders can tell of a person: numbers of their own, hashes that could link, and the stated errors."""

from pathlib import Path

import duckdb
import pytest

from tests.unit.synth.invented import FIRST, LAST

LINKED = ("ndb", "kaigo", "dpc", "vac", "welfare", "nanbyo", "shoman", "idb", "nextgen")


def rows(sql: str) -> list[tuple[float, ...]]:
    return [tuple(row) for row in duckdb.sql(sql).fetchall()]


def test_a_number_in_one_database_says_nothing_in_another(made: Path) -> None:
    """No two databases share a person's number."""
    everything = " UNION ALL ".join(
        f"SELECT DISTINCT person, '{db}' AS db FROM '{made}/truth/{db}.parquet'"
        for db in (*LINKED, "cancer", "midnet")
    )
    assert rows(
        f"SELECT count(*) FROM (SELECT person FROM ({everything}) GROUP BY person HAVING count(*) > 1)"
    ) == [(0,)]


@pytest.mark.parametrize("database", LINKED)
def test_every_number_of_the_records_has_its_identifiers(made: Path, database: str) -> None:
    """Each number in the tables stands in identifiers.parquet, and each there has one true person."""
    path = f"{made}/{database}/identifiers.parquet"
    lost = rows(f"SELECT count(*) FROM '{made}/truth/{database}.parquet' ANTI JOIN '{path}' USING (person)")
    unknown = rows(
        f"SELECT count(*) FROM '{path}' ANTI JOIN '{made}/truth/{database}.parquet' USING (person)"
    )
    double = rows(f"SELECT count(*) - count(DISTINCT person) FROM '{made}/truth/{database}.parquet'")
    assert (lost, unknown, double) == ([(0,)], [(0,)], [(0,)])


def test_hashes_have_their_form_and_absent_keys_are_absent(made: Path) -> None:
    """32 lower-case hexadecimal digits, or nothing; the infectious-disease records carry the kana name only."""
    for database in LINKED:
        for key in ("id1", "id2", "id4", "id5"):
            wrong = f"SELECT count(*) FROM '{made}/{database}/identifiers.parquet' WHERE NOT regexp_full_match({key}, '[0-9a-f]{{32}}')"
            assert rows(wrong) == [(0,)], (database, key)
    carried = rows(
        f"SELECT count(id1), count(id2), count(id4) > 0, count(id5) FROM '{made}/idb/identifiers.parquet'"
    )
    assert carried == [(0, 0, True, 0)]


def test_one_key_has_one_hash_in_every_database(made: Path) -> None:
    """The oldest number's hash is the same wherever it is carried, and different for different people."""
    parts = " UNION ALL ".join(
        f"SELECT DISTINCT true_id, id5 FROM '{made}/{db}/identifiers.parquet' JOIN '{made}/truth/{db}.parquet' USING (person) WHERE id5 IS NOT NULL"
        for db in ("ndb", "kaigo", "dpc", "vac")
    )
    assert rows(f"SELECT max(n) FROM (SELECT count(DISTINCT id5) n FROM ({parts}) GROUP BY true_id)") == [
        (1,)
    ]
    assert rows(f"SELECT max(n) FROM (SELECT count(DISTINCT true_id) n FROM ({parts}) GROUP BY id5)") == [
        (1,)
    ]


def test_the_oldest_number_is_there_from_april_2022(made: Path) -> None:
    """Before it nobody has an ID5; after it nearly everybody."""
    found = rows(
        f"SELECT first_seen >= DATE '2022-04-01' AS late, avg((id5 IS NOT NULL)::int) FROM '{made}/ndb/identifiers.parquet' GROUP BY 1 ORDER BY 1"
    )
    assert found[0][1] == 0
    assert 0.97 < found[1][1] < 1


def test_insured_numbers_change_as_often_as_stated(made: Path) -> None:
    """About ten percent of adults change their insurer in a year."""
    changes = rows(
        f"SELECT sum(n - 1) / count(*) FROM (SELECT true_id, count(DISTINCT id1) n FROM '{made}/ndb/identifiers.parquet' "
        f"JOIN '{made}/truth/ndb.parquet' USING (person) JOIN '{made}/truth/persons.parquet' USING (true_id) "
        f"WHERE birth_date BETWEEN DATE '1958-01-01' AND DATE '1996-01-01' GROUP BY true_id)"
    )
    assert 0.06 < changes[0][0] / (LAST - FIRST + 1) < 0.14


def test_young_women_change_their_names_and_names_are_mistyped(made: Path) -> None:
    """About three percent of women of 25 to 39 a year; slips show in men, who keep their names."""
    base = (
        f"SELECT true_id, sex, birth_date, count(DISTINCT id2) n FROM (SELECT person, id2 FROM '{made}/ndb/identifiers.parquet') "
        f"JOIN '{made}/truth/ndb.parquet' USING (person) JOIN '{made}/truth/persons.parquet' USING (true_id) GROUP BY ALL"
    )
    women = rows(
        f"SELECT avg((n > 1)::int) FROM ({base}) WHERE sex = 2 AND year(birth_date) BETWEEN 1985 AND 1996"
    )[0][0]
    men = rows(
        f"SELECT avg((n > 1)::int) FROM ({base}) WHERE sex = 1 AND year(birth_date) BETWEEN 1960 AND 1990"
    )[0][0]
    assert 0.07 < women < 0.2
    assert 0.001 < men < 0.02


def test_few_people_have_two_numbers_and_the_holder_could_not_know(made: Path) -> None:
    """Where both hashes broke in one month before 2022 the NDB has two numbers for one person, and no shared key."""
    split = rows(
        f"SELECT avg((n > 1)::int) FROM (SELECT true_id, count(*) n FROM '{made}/truth/ndb.parquet' GROUP BY true_id)"
    )[0][0]
    assert 0 < split < 0.02
    shared = rows(
        f"WITH i AS (SELECT true_id, person, id1, id2 FROM '{made}/ndb/identifiers.parquet' JOIN '{made}/truth/ndb.parquet' USING (person)) "
        "SELECT count(*) FROM i a JOIN i b ON a.true_id = b.true_id AND a.person < b.person AND (a.id1 = b.id1 OR a.id2 = b.id2)"
    )
    assert shared[0][0] <= 2


def test_the_disability_records_mostly_lack_the_kana_name_before_april_2023(made: Path) -> None:
    """ID4 is nearly complete from 2023-04 and rare before; without a sex there is none."""
    found = rows(
        f"SELECT first_seen >= DATE '2023-04-01' AS late, avg((id4 IS NOT NULL)::int) FROM '{made}/welfare/identifiers.parquet' "
        "WHERE sex IS NOT NULL GROUP BY 1 ORDER BY 1"
    )
    assert found[0][1] < 0.45
    assert found[1][1] > 0.95
    assert rows(f"SELECT count(id4) FROM '{made}/welfare/identifiers.parquet' WHERE sex IS NULL") == [(0,)]
