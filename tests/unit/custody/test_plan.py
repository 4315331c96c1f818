"""What the permit grants is what the plan reads and shows, and a permit that does not fit the catalogue has no plan."""

from collections.abc import Mapping
from typing import Any

import pytest

from enclave.catalogue.descriptor import parse
from enclave.core import permit as permits
from enclave.core.ids import DatabaseId
from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.custody.plan import ExtractPlan, Kind, Predicate, plan

PATIENTS: dict[str, Any] = {
    "file": "p.csv",
    "person": "id",
    "columns": {
        "age": {"type": "int", "role": "identifying"},
        "sex": {"type": "code", "role": "identifying"},
        "bmi": {"type": "float", "role": "clinical"},
        "seen": {"type": "date", "role": "date"},
        "month": {"type": "month", "role": "date"},
        "clinic": {"type": "text", "role": "facility"},
        "mother": {"type": "text", "role": "person", "from": "mother.id"},
        "dead": {"type": "bool", "role": "outcome"},
        "home": {"type": "code", "system": "muni", "role": "area"},
        "word": {"type": "code", "system": "insurer_kind", "role": "area"},
        "rare": {"type": "code", "role": "clinical"},
    },
}
AREAS = {"file": "a.csv", "columns": {"area": {"type": "code", "role": "area"}}}
CATALOGUE = {
    DatabaseId(name): parse(
        {"database": name, "population": population, "tables": {"patients": PATIENTS, "areas": AREAS}}
    )
    for name, population in (("one", "people"), ("two", "people"), ("three", "others"))
}


def a_permit(grant: Mapping[str, Any], **more: Any) -> Permit:
    raw: dict[str, Any] = {
        "schema": "enclave.permit/1",
        "permit_id": "p-1",
        "revision": 1,
        "project": "x",
        "provision": "v-1",
        "handlers": ["tanaka"],
        "purpose": "",
        "tier": "record",
        "databases": {"one": {"patients": grant}},
        "rule_sets": ["r"],
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_to": "2027-01-01T00:00:00Z",
    }
    return permits.parse({**raw, **more})


def compiled(text: str, columns: Mapping[str, str]) -> Predicate:
    """Stands where the query grammar is wired in: `rows` is one name of a column here."""
    return Predicate(f'"{text}" IS NOT NULL', (text,))


def planned(grant: Mapping[str, Any], **more: Any) -> ExtractPlan:
    return plan(a_permit(grant, **more), CATALOGUE, compiled)


def test_only_what_is_granted_is_shown_and_pid_always() -> None:
    """The person's pseudonym comes first whether or not the permit names it; nothing else is added."""
    for columns in (["age", "bmi"], ["pid", "age", "bmi"], ["age", "pid", "bmi"]):
        table = planned({"columns": columns}).tables[0]
        assert [c.name for c in table.shown] == ["pid", "age", "bmi"]


def test_a_table_about_no_person_has_no_pid() -> None:
    """`pid` belongs to person-level tables only."""
    permit = a_permit({}, databases={"one": {"areas": {"columns": ["area"]}}})
    assert [c.name for c in plan(permit, CATALOGUE, compiled).tables[0].shown] == ["area"]


def test_identifiers_become_pseudonyms() -> None:
    """Persons and facilities are unsigned 32-bit integers in the extract, whatever the source holds."""
    table = planned({"columns": ["mother", "clinic", "age"]}).tables[0]
    held = {c.name: (c.kind, c.engine_type) for c in table.shown}
    assert held == {
        "pid": (Kind.PERSON, "UINTEGER"),
        "mother": (Kind.PERSON, "UINTEGER"),
        "clinic": (Kind.FACILITY, "UINTEGER"),
        "age": (Kind.VALUE, "BIGINT"),
    }


def test_conditions_may_read_what_is_not_shown() -> None:
    """Columns of `rows` and `period` are read for the condition and are not in the extract."""
    grant = {
        "columns": ["age"],
        "rows": "dead",
        "period": {"column": "seen", "from": "2020-01-01", "to": "2021-01-01"},
    }
    table = planned(grant).tables[0]
    assert [c.name for c in table.shown] == ["pid", "age"]
    assert {c.name for c in table.columns} == {"pid", "age", "dead", "seen"}


PERIOD = {"from": "2020-01-01", "to": "2021-01-01"}
REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("a column that is not registered", {"columns": ["weight"]}, "custody.column_unknown"),
    ("the source's own name of a column", {"columns": ["mother.id"]}, "custody.column_unknown"),
    ("the source's identifier", {"columns": ["id"]}, "custody.column_unknown"),
    (
        "a period on no column",
        {"columns": ["age"], "period": {"column": "x", **PERIOD}},
        "custody.period_column",
    ),
    (
        "a period on a code",
        {"columns": ["age"], "period": {"column": "sex", **PERIOD}},
        "custody.period_column",
    ),
    (
        "a period on a person",
        {"columns": ["age"], "period": {"column": "pid", **PERIOD}},
        "custody.period_column",
    ),
    (
        "a period that ends before it starts",
        {"columns": ["age"], "period": {"column": "seen", "from": "2021-01-01", "to": "2020-01-01"}},
        "custody.period_value",
    ),
    (
        "an empty period",
        {"columns": ["age"], "period": {"column": "age", "from": "5", "to": "5"}},
        "custody.period_value",
    ),
    (
        "a period that is SQL",
        {"columns": ["age"], "period": {"column": "age", "from": "0", "to": "1 OR true"}},
        "custody.period_value",
    ),
    (
        "a day that does not exist",
        {"columns": ["age"], "period": {"column": "seen", "from": "2020-02-30", "to": "2021-01-01"}},
        "custody.period_value",
    ),
    ("a condition on an identifier", {"columns": ["age"], "rows": "pid"}, "custody.rows_column"),
    ("a condition on a facility", {"columns": ["age"], "rows": "clinic"}, "custody.rows_column"),
    ("coarsening what is not shown", {"columns": ["age"], "coarsen": {"bmi": 5}}, "custody.coarsen_column"),
    ("coarsening a code", {"columns": ["sex"], "coarsen": {"sex": 5}}, "custody.coarsen_column"),
    ("coarsening a pseudonym", {"columns": ["pid"], "coarsen": {"pid": 5}}, "custody.coarsen_column"),
    (
        "an area to something else than its prefecture",
        {"columns": ["home"], "coarsen": {"home": 3}},
        "custody.coarsen_column",
    ),
    (
        "an area whose code begins with no prefecture",
        {"columns": ["word"], "coarsen": {"word": 2}},
        "custody.coarsen_column",
    ),
    ("yes and no", {"columns": ["dead"], "coarsen": {"dead": 2}}, "custody.coarsen_column"),
    ("coarsening by nothing", {"columns": ["age"], "coarsen": {"age": 0}}, "custody.coarsen_column"),
]


@pytest.mark.parametrize(("what", "grant", "code"), REFUSALS, ids=[row[0] for row in REFUSALS])
def test_what_does_not_fit_is_refused(what: str, grant: dict[str, Any], code: str) -> None:
    """Each has its own code, so that the custodian knows which line of the permit to mend."""
    with pytest.raises(Refused) as no:
        planned(grant)
    assert no.value.code == code


@pytest.mark.parametrize(
    ("column", "start", "end"),
    [("seen", "2020-01-01", "2021-01-01"), ("month", "2020-04", "2021-04"), ("age", "-5", "40")],
)
def test_periods_are_read_in_the_columns_own_type(column: str, start: str, end: str) -> None:
    """Days, months and whole numbers (days since an index date) have an order that a period can mean."""
    table = planned({"columns": ["bmi"], "period": {"column": column, "from": start, "to": end}}).tables[0]
    assert table.period is not None
    assert (table.period.start, table.period.end) == (start, end)


@pytest.mark.parametrize(
    ("databases", "code"),
    [
        ({"four": {"patients": {"columns": ["age"]}}}, "catalogue.database_unknown"),
        ({"one": {"visits": {"columns": ["age"]}}}, "custody.table_unknown"),
    ],
)
def test_a_strange_place_is_refused(databases: dict[str, Any], code: str) -> None:
    """A database or table that was never registered has no extract."""
    with pytest.raises(Refused) as no:
        planned({}, databases=databases)
    assert no.value.code == code


def both(*names: str) -> dict[str, Any]:
    return {name: {"patients": {"columns": ["age"]}} for name in names}


def test_databases_share_pseudonyms_only_where_the_permit_links_them() -> None:
    """Linked ones are one group; unlinked ones are each alone."""
    linked = planned({}, databases=both("one", "two"), linkage_groups=[["two", "one"]])
    assert linked.groups == {"one": ("one", "two"), "two": ("one", "two")}
    apart = planned({}, databases=both("one", "two"))
    assert apart.groups == {"one": ("one",), "two": ("two",)}


@pytest.mark.parametrize(
    ("databases", "groups", "code"),
    [
        (("one", "three"), [["one", "three"]], "custody.linkage_population"),
        (("one",), [["one", "two"]], "custody.linkage_group"),
        (("one", "two"), [["one"], ["one", "two"]], "custody.linkage_group"),
        (("one",), [["one", "one"]], "custody.linkage_group"),
    ],
)
def test_a_linkage_that_would_join_strangers_is_refused(
    databases: tuple[str, ...], groups: list[list[str]], code: str
) -> None:
    """Numbers mean the same person within one population only; overlapping groups mean nothing."""
    with pytest.raises(Refused) as no:
        planned({}, databases=both(*databases), linkage_groups=groups)
    assert no.value.code == code


@pytest.mark.parametrize("provision", ["../../etc", "", "V-1", "v/1", "v-1 ", "-v", "a" * 41, "v\n"])
def test_a_provision_is_not_a_path(provision: str) -> None:
    """Its name becomes a folder, so nothing that could leave the folder is a name."""
    with pytest.raises(Refused) as no:
        planned({"columns": ["age"]}, provision=provision)
    assert no.value.code == "custody.provision_malformed"


@pytest.mark.parametrize("coarsen", [{"age": 5}, {"bmi": 2}, {"month": 12}, {"seen": 60}, {"home": 2}])
def test_ages_times_and_areas_are_coarsened(coarsen: dict[str, int]) -> None:
    """Numbers by a width, days and months by months (12 leaves the year), an area's code to its prefecture."""
    (name,) = coarsen
    table = planned({"columns": [name], "coarsen": coarsen}).tables[0]
    assert {c.name: c.coarsen for c in table.shown} == {"pid": None, **coarsen}


# -- what must stay apart ------------------------------------------------------------------------------
HIDING = {"when": ["patients.rare"], "hide": ["patients.home"], "source": "a rule"}
APART = {
    **{DatabaseId(name): CATALOGUE[DatabaseId(name)] for name in ("two", "three")},
    DatabaseId("one"): parse(
        {
            "database": "one",
            "population": "people",
            "apart": [HIDING],
            "tables": {"patients": PATIENTS, "more": PATIENTS, "areas": AREAS},
        }
    ),
}


TOGETHER: list[tuple[str, dict[str, Any], list[list[str]], list[str] | None]] = [
    ("both shown", {"one": {"patients": {"columns": ["rare", "home"]}}}, [], ["patients.home"]),
    ("each alone", {"one": {"patients": {"columns": ["rare"]}}}, [], None),
    (
        "rows chosen by the hidden one",
        {"one": {"patients": {"columns": ["rare"], "rows": "home"}}},
        [],
        ["patients.home"],
    ),
    (
        "rows chosen by the hiding one",
        {"one": {"patients": {"columns": ["home"], "rows": "rare"}}},
        [],
        ["patients.home"],
    ),
    (
        "coarsened it is still an area",
        {"one": {"patients": {"columns": ["rare", "home"], "coarsen": {"home": 2}}}},
        [],
        ["patients.home"],
    ),
    (
        "an area of a linked database",
        {"one": {"patients": {"columns": ["rare"]}}, "two": {"patients": {"columns": ["home"]}}},
        [["one", "two"]],
        ["two.patients.home"],
    ),
    (
        "rows of a linked database chosen by its area",
        {
            "one": {"patients": {"columns": ["rare"]}},
            "two": {"patients": {"columns": ["age"], "rows": "home"}},
        },
        [["one", "two"]],
        ["two.patients.home"],
    ),
    (
        "an area of a database that is not linked",
        {"one": {"patients": {"columns": ["rare"]}}, "two": {"patients": {"columns": ["home"]}}},
        [],
        None,
    ),
    (
        "a list of areas about nobody",
        {"one": {"patients": {"columns": ["rare"]}}, "two": {"areas": {"columns": ["area"]}}},
        [["one", "two"]],
        None,
    ),
]


@pytest.mark.parametrize(
    ("what", "databases", "groups", "hidden"), TOGETHER, ids=[row[0] for row in TOGETHER]
)
def test_what_must_stay_apart_is_refused_however_it_would_come_together(
    what: str, databases: dict[str, Any], groups: list[list[str]], hidden: list[str] | None
) -> None:
    """Shown beside it, used to choose rows, or one join away in a linked database: refused with its ground."""
    permit = a_permit({}, databases=databases, linkage_groups=groups)
    if hidden is None:
        assert plan(permit, APART, compiled).tables
        return
    with pytest.raises(Refused) as no:
        plan(permit, APART, compiled)
    assert no.value.code == "custody.columns_apart"
    assert no.value.facts["apart"] == hidden
    assert no.value.facts["source"] == "a rule"
