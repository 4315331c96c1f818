"""An extract of the real cohort holds what was permitted, under the provision's own names, and nothing that tells more."""

import json
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest

from enclave.adapters.vault import Vault
from enclave.custody.pseudonym import Permutation, derive
from tests.fakes.custody_site import (
    DATABASES,
    GATEWAY,
    NAFLD,
    YAMAMOTO,
    a_small_database,
    signed,
)
from tests.fakes.custody_small import actions, numbered, rows, small_permit


def test_only_permitted_tables_and_columns_are_there(cohort: Any) -> None:
    """The engine's own account of the file: the permit's columns, `pid` first; what codes mean; persons' blocks."""
    site, _ledger, custodian = cohort
    found = rows(
        custodian,
        site,
        signed(),
        "SELECT schema_name || '.' || table_name, list(column_name ORDER BY column_index) FROM duckdb_columns()"
        " WHERE database_name = 'x' AND NOT internal GROUP BY ALL",
    )
    assert dict(found) == {
        **{f"nafld.{table}": grant["columns"] for table, grant in DATABASES["nafld"].items()},
        "nafld.code_values": ["table_name", "column_name", "code", "ja", "en"],
        "enclave blocks.nafld": ["pid", "block"],
        "enclave population blocks.nafld": ["pid", "block"],
    }
    assert rows(
        custodian,
        site,
        signed(),
        "SELECT count(*) FROM duckdb_views() WHERE database_name = 'x' AND NOT internal",
    ) == [(0,)]


def test_every_row_is_there_under_the_right_name(cohort: Any) -> None:
    """The three tables equal, row for row, a plain re-making from the files with the obvious pseudonym."""
    site, _ledger, custodian = cohort
    key = Vault(site.custody).provision_key("v-81c2", "p-2026-0007", "")
    permutation = Permutation(derive(key, "person", ["nafld"]))
    names = {text: permutation.of(number) for text, number in numbered(site, "nafld").items()}
    with duckdb.connect() as connection:
        source = connection.execute(
            f"SELECT id, age, male, bmi, futime, status, \"case.id\" FROM '{NAFLD.parent}/nafld1.csv.gz'"
        ).fetchall()
        labs = connection.execute(
            f"SELECT id, days, test, value FROM '{NAFLD.parent}/nafld2.csv.gz'"
        ).fetchall()
    expected = [
        (names[str(one)], *rest, None if case is None else names[str(int(case))])
        for one, *rest, case in source
    ]
    patients = rows(custodian, site, signed(), "FROM x.nafld.patients")
    assert len(patients) == 17_549
    assert sorted(patients, key=repr) == sorted(expected, key=repr)
    found = rows(custodian, site, signed(), "FROM x.nafld.labs")
    assert sorted(found, key=repr) == sorted(((names[str(one)], *rest) for one, *rest in labs), key=repr)


def test_no_source_identifier_is_left(cohort: Any) -> None:
    """Pseudonyms fall among the study's numbers no more often than chance, and rows are not in the file's order."""
    site, _ledger, custodian = cohort
    found = rows(custodian, site, signed(), "SELECT pid, case_pid FROM x.nafld.patients")
    names = {one for row in found for one in row if one is not None}
    assert sum(name < 20_000 for name in names) <= 5  # of 17,549 names of 2^32 one in ten times one
    assert [pid for pid, _case in found] == sorted(pid for pid, _case in found)


def test_the_manifest_tells_the_truth(cohort: Any) -> None:
    """Its counts, types and digest are those of the file; on disk, in the vault and in the answer it is the same."""
    import hashlib

    site, ledger, custodian = cohort
    folder = site.extracts / "v-81c2" / "1"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest == custodian.build(YAMAMOTO, signed()) == custodian.extracts("v-81c2")[0]
    data = (folder / "extract.duckdb").read_bytes()
    assert manifest["file"] == {
        "name": "extract.duckdb",
        "digest": "sha256:" + hashlib.sha256(data).hexdigest(),
        "size": len(data),
    }
    for name, table in manifest["tables"].items():
        if table.get("reference"):
            continue
        count, persons = rows(
            custodian, site, signed(), f"SELECT count(*), count(DISTINCT pid) FROM x.{name}"
        )[0]
        assert (table["rows"], table["persons"], table["person"]) == (count, persons, True)
        types = dict(
            rows(custodian, site, signed(), f"SELECT column_name, column_type FROM (DESCRIBE x.{name})")
        )
        assert types == {column: about["type"] for column, about in table["columns"].items()}
    built = next(leaf for leaf in map(json.loads, ledger.entries) if leaf["action"] == "extract.built")
    assert built["object"]["digest"] == manifest["file"]["digest"]


def test_what_researchers_may_know_before_they_apply_is_published(cohort: Any) -> None:
    """Registration publishes the columns' statistics, rounded to the rule set's threshold: of the real cohort 17,550
    persons, 27 % of weights missing, no exact count and no single person's age."""
    site, _ledger, _custodian = cohort
    published = json.loads((site.catalogue / "nafld" / "statistics.json").read_text())
    patients = published["tables"]["patients"]
    assert published["rule_sets"] == ["ndb-2024-09"]
    assert (patients["persons"], patients["rows"]) == (17_550, 17_550)
    assert patients["columns"]["weight"]["missing"] == 27
    assert patients["columns"]["age"] == {"missing": 0, "low": "20", "high": "90"}
    assert published["tables"]["events"]["columns"]["event"]["codes"] == 10


# -- encryption ----------------------------------------------------------------------------------
WORDS = (b"dyslipidemia", b"heart failure", b"patients", b"futime", b"nafld")


def test_the_bytes_on_disk_say_nothing(cohort: Any, tmp_path: Path) -> None:
    """Words that an unencrypted file of the same data shows are nowhere in the extract."""
    site, _ledger, _custodian = cohort
    with duckdb.connect(str(tmp_path / "plain.duckdb")) as connection:
        connection.execute("CREATE SCHEMA nafld")
        connection.execute(f"CREATE TABLE nafld.patients AS FROM '{NAFLD.parent}/nafld1.csv.gz'")
        connection.execute(f"CREATE TABLE nafld.events AS FROM '{NAFLD.parent}/nafld3.csv.gz'")
    plain = (tmp_path / "plain.duckdb").read_bytes()
    encrypted = (site.extracts / "v-81c2" / "1" / "extract.duckdb").read_bytes()
    assert all(word in plain for word in WORDS)
    assert not any(word in encrypted for word in WORDS)


@pytest.mark.parametrize("key", [None, "", "a wrong key", "A" * 43 + "="])
def test_no_other_key_opens_it(cohort: Any, key: str | None) -> None:
    """Without the key, or with another, the engine reads nothing."""
    site, _ledger, _custodian = cohort
    options = "READ_ONLY" if key is None else f"READ_ONLY, ENCRYPTION_KEY '{key}'"
    with pytest.raises(duckdb.Error):
        read_all(site.extracts / "v-81c2" / "1" / "extract.duckdb", options)


def read_all(path: Path, options: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS x ({options})")
        for table in DATABASES["nafld"]:
            connection.execute(f"FROM x.nafld.{table}").fetchall()


def test_a_changed_byte_is_noticed(cohort: Any, tmp_path: Path) -> None:
    """The cipher authenticates what it holds."""
    site, _ledger, custodian = cohort
    key = custodian.open(GATEWAY, "v-81c2", None, signed()).key
    path = site.extracts / "v-81c2" / "1" / "extract.duckdb"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "edited.duckdb").write_bytes(data)
    read_all(path, f"READ_ONLY, ENCRYPTION_KEY '{key}'")
    with pytest.raises(duckdb.Error):
        read_all(tmp_path / "edited.duckdb", f"READ_ONLY, ENCRYPTION_KEY '{key}'")


# -- the permit is the measure -------------------------------------------------------------------
def test_types_and_missing_values_come_through(small: Any) -> None:
    """Dates, months, numbers, yes and no; an empty field is NULL; identifiers have one spelling in all tables."""
    site, _ledger, custodian = small
    envelope = small_permit()
    custodian.build(YAMAMOTO, envelope)
    found = rows(
        custodian,
        site,
        envelope,
        "SELECT age, sex, born::VARCHAR, first::VARCHAR, bmi, dead FROM x.small.people ORDER BY age",
    )
    assert found == [
        (17, "f", "2009-03-04", "2024-04-01", 20.5, False),
        (44, "m", "1980-12-31", "2024-05-01", None, True),
        (71, "f", "1953-01-01", "2024-06-01", 31.25, False),
    ]
    visits = (
        "SELECT age, count(*) FROM x.small.people JOIN x.small.visits USING (pid) GROUP BY age ORDER BY age"
    )
    assert rows(custodian, site, envelope, visits) == [(17, 1), (44, 2)]
    clinics = "SELECT count(DISTINCT clinic), count(clinic), max(typeof(clinic)) FROM x.small.people"
    assert rows(custodian, site, envelope, clinics) == [(2, 3, "UINTEGER")]


@pytest.mark.parametrize(
    ("grant", "ages"),
    [
        ({"columns": ["age"], "rows": "age >= 18"}, [44, 71]),
        ({"columns": ["bmi"], "rows": "age < 18"}, None),
        ({"columns": ["age"], "period": {"column": "born", "from": "1953-01-01", "to": "1980-12-31"}}, [71]),
        ({"columns": ["age"], "period": {"column": "first", "from": "2024-05", "to": "2024-06"}}, [44]),
        ({"columns": ["age"], "period": {"column": "age", "from": "17", "to": "71"}}, [17, 44]),
        ({"columns": ["age"], "coarsen": {"age": 10}}, [10, 40, 70]),
        ({"columns": ["age"], "rows": "age >= 44", "coarsen": {"age": 20}}, [40, 60]),
        ({"columns": ["born"], "coarsen": {"born": 12}}, ["1953-01-01", "1980-01-01", "2009-01-01"]),
        ({"columns": ["born"], "coarsen": {"born": 60}}, ["1950-01-01", "1980-01-01", "2005-01-01"]),
        ({"columns": ["first"], "coarsen": {"first": 3}}, ["2024-04-01"] * 3),
    ],
)
def test_rows_and_period_speak_of_source_values(
    small: Any, grant: dict[str, Any], ages: list[Any] | None
) -> None:
    """Half-open, before coarsening, also over columns that are not shown; what is absent stays absent."""
    site, _ledger, custodian = small
    envelope = small_permit(grant)
    custodian.build(YAMAMOTO, envelope)
    column = grant["columns"][0]
    text = "" if column in {"age", "bmi"} else "::VARCHAR"
    found = [
        row[0]
        for row in rows(custodian, site, envelope, f"SELECT {column}{text} FROM x.small.people ORDER BY 1")
    ]
    assert found == ([20.5] if ages is None else ages)


def test_an_area_is_given_as_its_prefecture(small: Any) -> None:
    """Where the permit coarsens it: the first two digits, which are a prefecture's code; what is absent stays absent."""
    site, _ledger, custodian = small
    visits = {"columns": ["home"], "coarsen": {"home": 2}}
    envelope = signed(databases={"small": {"visits": visits}}, linkage_groups=[["small"]])
    manifest = custodian.build(YAMAMOTO, envelope)
    assert manifest["tables"]["small.visits"]["columns"]["home"]["coarsened"] == 2
    found = rows(custodian, site, envelope, "SELECT home FROM x.small.visits ORDER BY home NULLS LAST")
    assert found == [("01",), ("13",), (None,)]


def test_a_refresh_keeps_everyones_name_and_gives_newcomers_one(small: Any, tmp_path: Path) -> None:
    """A new state of the source becomes extract 2; extract 1 stays readable."""
    site, _ledger, custodian = small
    envelope = small_permit()
    custodian.build(YAMAMOTO, envelope)
    before = dict(rows(custodian, site, envelope, "SELECT age, pid FROM x.small.people"))
    custodian.register(
        YAMAMOTO, a_small_database(tmp_path / "newer", "D-9,30,m,1994-05-06,2024-07,25,0,K9,x\n")
    )
    assert custodian.build(YAMAMOTO, envelope)["n"] == 1
    assert custodian.build(YAMAMOTO, envelope, refresh=True)["n"] == 2
    after = dict(rows(custodian, site, envelope, "SELECT age, pid FROM x.small.people"))
    assert {age: after[age] for age in before} == before
    assert set(after) - set(before) == {30}
    assert len(rows(custodian, site, envelope, "FROM x.small.people", n=1)) == 3


def test_two_provisions_have_no_name_in_common(small: Any) -> None:
    """The same persons in another provision cannot be recognised."""
    site, _ledger, custodian = small
    names = []
    for provision in ("v-81c2", "v-other"):
        envelope = small_permit(provision=provision, permit_id=f"p-{provision}")
        custodian.build(YAMAMOTO, envelope)
        opened = custodian.open(GATEWAY, provision, None, envelope)
        with duckdb.connect() as connection:
            connection.execute(
                f"ATTACH '{site.extracts}/{provision}/1/extract.duckdb' AS x (READ_ONLY, ENCRYPTION_KEY '{opened.key}')"
            )
            names.append({row[0] for row in connection.execute("SELECT pid FROM x.small.people").fetchall()})
    assert len(names[0] | names[1]) == 6


def test_a_permit_that_is_asked_twice_at_once_is_built_once(small: Any) -> None:
    """Four askers, one extract, one leaf that says so."""
    _site, ledger, custodian = small
    answers: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(custodian.build(YAMAMOTO, small_permit())))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer["n"] for answer in answers] == [1, 1, 1, 1]
    assert [action for action, _outcome, _codes in actions(ledger)].count("extract.built") == 1
