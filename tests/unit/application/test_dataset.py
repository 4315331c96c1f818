"""Which data set is asked for: what it does not hold, what the policy sees, what comes back, and what the permit says."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from enclave.application import dataset, permit
from enclave.application.codes import CODES
from enclave.application.request import Application, Draft, draft_from_json, parse
from enclave.application.review import criteria
from enclave.catalogue.facts import DataSet
from enclave.catalogue.packaged import dossiers, packaged
from enclave.core.ids import DatabaseId, PermitId, ProvisionId
from enclave.core.permit import DataSetGrant, Period, PlannedOutput, TableGrant, Tier
from enclave.core.permit import parse as parse_permit
from enclave.core.refusal import Refused
from tests.unit.application.test_request import DRAFT, KNOWN

TODAY = date(2026, 11, 21)
NDB = DatabaseId("ndb")
SETS = dataset.named(dossiers(), TODAY)
OF_NDB = replace(KNOWN, columns={"ndb": {"rcpt": ("pid", "sex")}}, sets=SETS)
ASKED = replace(DRAFT, columns=("ndb.rcpt.sex",), sets={})


def application(set_: str, tables: dict[str, TableGrant] | None = None, **changed: Any) -> Application:
    complete, found = parse(replace(ASKED, sets={"ndb": "special"}), OF_NDB)
    assert complete is not None, found
    return replace(
        complete, sets={NDB: set_}, databases={NDB: tables or {"rcpt": TableGrant(("pid", "sex"))}}, **changed
    )


def row(set_: str) -> DataSet:
    found = dossiers()[NDB].dataset(set_, TODAY)
    assert found is not None
    return found


# -- the choice ------------------------------------------------------------------------------------------------------
def test_a_special_extraction_is_meant_where_no_set_is_named() -> None:
    """And the anonymised information of the cancer registry, since the identifiable one is not given here."""
    complete, _ = parse(ASKED, OF_NDB)
    assert complete is not None
    assert complete.sets == {"ndb": "special"}
    assert dataset.choices(dossiers(), TODAY)["cancer"] == ("anonymised",)
    assert SETS["cancer"] == ("anonymised", "national")


@pytest.mark.parametrize("sets", [{"ndb": "gamma"}, {"ndb": "anonymised"}, {"ndb": "Beta"}])
def test_a_set_that_the_database_does_not_have_is_named_as_a_problem(sets: dict[str, str]) -> None:
    """At its own field, with what was chosen."""
    complete, (problem,) = parse(replace(ASKED, sets=sets), OF_NDB)
    assert complete is None
    assert (problem.field, problem.code) == ("set.ndb", "application.dataset_unknown")
    assert problem.facts == {"database": "ndb", "set": sets["ndb"]}


def test_a_database_without_several_sets_is_asked_for_as_before() -> None:
    """No set is named in its application; one that is named all the same is refused."""
    complete, _ = parse(DRAFT, KNOWN)
    assert complete is not None
    assert complete.sets == {}
    _, problems = parse(replace(DRAFT, sets={"nafld": "trial"}), KNOWN)
    assert [p.code for p in problems] == ["application.dataset_unknown"]
    _, problems = parse(replace(DRAFT, sets={"ndb": "trial"}), KNOWN)
    assert problems == ()


def test_a_draft_of_before_reads_as_one_without_a_choice() -> None:
    """And a new one survives its JSON."""
    old = {name: value for name, value in ASKED.to_json().items() if name != "sets"}
    assert draft_from_json(old) == ASKED
    new = Draft(sets={"ndb": "beta"})
    assert draft_from_json(new.to_json()) == new


def test_a_set_is_offered_from_its_first_day_on() -> None:
    """NDB-β from the guideline of September 2024."""
    assert "beta" not in dataset.choices(dossiers(), date(2024, 8, 31))["ndb"]
    assert "beta" in dataset.choices(dossiers(), date(2024, 9, 1))["ndb"]


# -- what a set holds ------------------------------------------------------------------------------------------------
HELD: list[tuple[str, str, TableGrant, list[str]]] = [
    ("special", "rcpt", TableGrant(("pid", "admit_date", "muni_code", "facility_id")), []),
    ("panel", "rcpt", TableGrant(("pid", "admit_date", "muni_code", "facility_id")), []),
    ("beta", "rcpt", TableGrant(("pid", "sex", "service_ym", "points", "insurer_kind")), []),
    ("beta", "rcpt", TableGrant(("pid", "admit_date", "pref_code", "facility_id")), ["rcpt.pref_code", "rcpt.facility_id", "rcpt.admit_date"]),
    ("beta", "iy", TableGrant(("pid", "yj12", "qty")), ["iy.qty"]),
    ("beta", "rcpt", TableGrant(("pid",), rows="muni_code = '13101'"), ["rcpt.muni_code"]),
    ("beta", "rcpt", TableGrant(("pid",), rows="upper(PREF_CODE) = '13'"), ["rcpt.pref_code"]),
    ("beta", "rcpt", TableGrant(("pid",), period=Period("admit_date", "2023-04-01", "2024-04-01")), ["rcpt.admit_date"]),
    ("beta", "death", TableGrant(("pid", "place")), ["death"]),
    ("beta", "checkup", TableGrant(("pid", "bmi")), ["checkup"]),
    ("trial", "si", TableGrant(("pid", "act_date", "act_code", "times")), []),
    ("trial", "si", TableGrant(("pid", "facility_id", "sma_code")), ["si.facility_id", "si.sma_code"]),
    ("trial", "bu", TableGrant(("pid", "dpc14")), ["bu"]),
    ("sampling", "rcpt", TableGrant(("pid", "insurer_kind", "facility_pref", "facility_id")), ["rcpt.insurer_kind", "rcpt.facility_pref"]),
    ("sampling", "iy", TableGrant(("pid", "qty", "act_date")), []),
]  # fmt: skip


@pytest.mark.parametrize(("set_", "table", "grant", "expected"), HELD)
def test_each_set_lacks_what_its_source_says(
    set_: str, table: str, grant: TableGrant, expected: list[str]
) -> None:
    """Asked for as a column, by a period or by a condition; a pseudonym never counts."""
    found = dataset.lacking(row(set_), NDB, {table: grant}, packaged())
    assert [name for name, _ in found] == [f"ndb.{name}" for name in expected]


def test_every_name_that_a_set_speaks_of_is_in_the_catalogue() -> None:
    """A misspelt column would be given."""
    for database, dossier in dossiers().items():
        for one in dossier.datasets:
            tables = packaged()[database].tables
            assert (one.tables or frozenset()) <= tables.keys(), one.id
            for lack in one.lacks:
                types = {c.type.value for t in tables.values() for c in t.columns.values()}
                roles = {c.role.value for t in tables.values() for c in t.columns.values()}
                assert lack.types <= types, (one.id, lack)
                assert lack.roles <= roles, (one.id, lack)
                for name in lack.columns:
                    table, _, column = name.partition(".")
                    assert column in tables[table].columns, (one.id, name)
            for table, column in one.months.by.items() if one.months else ():
                assert tables[table].columns[column].type.value in {"date", "month"}, (one.id, table)


# -- the policy ------------------------------------------------------------------------------------------------------
def test_the_policy_sees_the_days_and_bounds_of_the_set_and_decides_itself() -> None:
    """No verdict of Python's is among the facts."""
    asked = dataset.facts(application("aggregate", tier=Tier.AGGREGATE), TODAY, dossiers(), packaged())
    assert asked == {
        "sets": [
            {
                "database": "ndb",
                "set": "aggregate",
                "rows": [{"valid_from": "2011-04-01", "valid_to": None}],
                "here": True,
                "lacking": [],
                "tier": "aggregate",
                "axes": 3,
                "outputs": 10,
            }
        ],
        "tier": "aggregate",
        "outputs": [{"id": "t1", "axes": 2}],
    }


def test_each_no_of_the_policy_has_its_sentence_in_both_languages() -> None:
    """With the set's name, what it lacks, and where in the form."""
    four = application(
        "beta",
        {"rcpt": TableGrant(("pid", "admit_date", "pref_code", "sma_code")), "death": TableGrant(("place",))},
        outputs=(PlannedOutput("t1", "table", "T", ("a", "b", "c", "d")),),
    )
    codes = [c for c in CODES if c.startswith("application.dataset_") and c != "application.dataset_unknown"]
    assert len(codes) == 6
    answer = {"obligations": {"sets": [{"database": "ndb", "code": code} for code in codes]}}
    found = dataset.problems(answer, four, TODAY, dossiers(), packaged())
    assert {p.code for p in found} == set(codes)
    columns = {p.facts["what_en"]: p.facts["columns"] for p in found if p.code == dataset.COLUMNS}
    assert columns == {
        "the table itself": "ndb.death",
        "days": "ndb.rcpt.admit_date",
        "areas": "ndb.rcpt.pref_code, ndb.rcpt.sma_code",
    }
    for problem in found:
        wording = CODES[problem.code]
        assert problem.field in {"set.ndb", "columns", "tier"}
        if problem.code == dataset.NOT_HERE:
            assert "ground_en" not in problem.facts  # β is given here; the sentence below has a ground
            continue
        assert "NDB-β" in wording.title_ja.format(**problem.facts)
        assert "NDB-β" in wording.title_en.format(**problem.facts)


def test_a_set_that_is_given_elsewhere_says_why() -> None:
    """The identifiable cancer registry."""
    cancer = DatabaseId("cancer")
    asked = replace(
        application("special"),
        sets={cancer: "national"},
        databases={cancer: {"reg": TableGrant(("pid", "topo"))}},
    )
    (facts,) = dataset.facts(asked, TODAY, dossiers(), packaged())["sets"]
    assert facts["here"] is False
    answer = {"obligations": {"sets": [{"database": "cancer", "code": dataset.NOT_HERE}]}}
    (problem,) = dataset.problems(answer, asked, TODAY, dossiers(), packaged())
    assert problem.field == "set.cancer"
    assert "identifiable" in CODES[problem.code].title_en.format(**problem.facts)
    assert "顕名" in CODES[problem.code].title_ja.format(**problem.facts)


def test_a_set_that_the_catalogue_never_knew_is_no_set() -> None:
    """A stored application cannot smuggle one in."""
    with pytest.raises(Refused, match=r"application\.dataset_unknown"):
        dataset.chosen(application("gamma"), dossiers(), TODAY)


# -- the sheet and the permit ----------------------------------------------------------------------------------------
def test_no_proof_of_least_need_is_asked_of_sampling_and_trial_sets() -> None:
    """The other nine lines stay; every other set is judged by all ten."""
    asked = {one.id for one in dossiers()[NDB].datasets if one.least_need}
    assert asked == {"special", "panel", "beta", "aggregate"}
    assert len(criteria(least_need=True)) == 10
    assert {c.id for c in criteria(True)} - {c.id for c in criteria(False)} == {"minimal"}


def test_a_permit_names_the_set_and_holds_its_months_and_its_share() -> None:
    """The applicant's own condition goes on beside the set's; a table is cut by its own column."""
    tables = {"rcpt": TableGrant(("pid", "sex"), rows="age >= 65 OR sex = 2"), "si": TableGrant(("pid",))}
    asked = application("trial", tables)
    built = permit.build(
        asked,
        number=PermitId("p-2026-0001"),
        provision=ProvisionId("v-0001"),
        sets=dataset.chosen(asked, dossiers(), TODAY),
    )
    assert (
        built.databases[NDB]["rcpt"].rows == "(age >= 65 OR sex = 2) AND month(service_ym) IN (1, 4, 7, 10)"
    )
    assert built.databases[NDB]["si"].rows == "month(act_date) IN (1, 4, 7, 10)"
    assert built.data_sets == {NDB: DataSetGrant("trial", 20)}
    assert built.to_json()["data_sets"] == {"ndb": {"id": "trial", "one_in": 20}}
    assert parse_permit(built.to_json()) == built


def test_a_special_extraction_changes_nothing_but_the_permits_name_of_it() -> None:
    """What was granted before there was a choice is granted still."""
    asked = application("special")
    names: dict[str, Any] = {"number": PermitId("p-2026-0001"), "provision": ProvisionId("v-0001")}
    built = permit.build(asked, **names, sets=dataset.chosen(asked, dossiers(), TODAY))
    before = permit.build(asked, **names)
    assert built.to_json() == {**before.to_json(), "data_sets": {"ndb": {"id": "special"}}}
