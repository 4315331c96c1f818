"""The public databases are described completely, in two languages, and every code that can be looked up is."""

import csv
import io
from collections.abc import Iterator

import pytest

from enclave.adapters.descriptor_files import read_descriptor, write_descriptor
from enclave.catalogue.descriptor import Column, Descriptor, Role, Sensitivity, Table, parse
from enclave.catalogue.packaged import CORE, PUBLIC, code_list, packaged
from enclave.catalogue.systems import SYSTEMS
from enclave.core.ids import DatabaseId
from tests.unit.catalogue.field_schema import NAMED

MADE = {"muni", "pop"}
"""Reference tables whose rows are made with the databases."""


def columns() -> Iterator[tuple[Descriptor, Table, Column]]:
    for descriptor in packaged().values():
        for table in descriptor.tables.values():
            for column in table.columns.values():
                yield descriptor, table, column


def rows(table: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(code_list(table).decode())))


def test_the_eleven_come_in_the_ministrys_order_and_the_reference_tables_last() -> None:
    """One list for the catalogue, the generator and custody."""
    assert tuple(packaged()) == (*PUBLIC, CORE)
    assert len(PUBLIC) == 11


@pytest.mark.parametrize("place", NAMED)
def test_every_column_that_research_queries_name_is_there(place: str) -> None:
    """Queries of the field run without renaming anything."""
    database, table = place.split(".")
    assert set(NAMED[place].split()) <= set(packaged()[DatabaseId(database)].tables[table].columns)


@pytest.mark.parametrize("database", [*PUBLIC, CORE])
def test_what_is_packaged_is_what_registration_reads(database: DatabaseId, tmp_path: object) -> None:
    """Printed, written and read again it is the same value."""
    from pathlib import Path

    descriptor = packaged()[database]
    assert parse(descriptor.to_json()) == descriptor
    assert read_descriptor(write_descriptor(descriptor, Path(str(tmp_path)))) == descriptor


def test_everything_has_a_title_in_both_languages() -> None:
    """A title that is only the name again is none."""
    for descriptor, table, column in columns():
        for said in (descriptor.title, descriptor.holder, table.title, column.title):
            assert said.ja, column
            assert said.en, column
        assert column.title.ja != column.name, f"{table.name}.{column.name} has no Japanese title"
        assert column.title.en != column.name, f"{table.name}.{column.name} has no English title"
        for title in (column.values or {}).values():
            assert title.ja
            assert title.en


def test_every_person_level_table_names_its_person_and_no_reference_table_does() -> None:
    """The databases' own number of a person is `person` in every source."""
    for descriptor, table, column in columns():
        if descriptor.database == CORE:
            assert table.reference
            assert not column.pseudonymous
        else:
            assert table.columns["pid"].source == "person"


def test_numbers_of_records_are_named_as_such() -> None:
    """A claim's number that came through unchanged would join two provisions."""
    found = {(d.database, c.name) for d, _, c in columns() if c.record}
    assert found == {("ndb", "rcpt_id"), ("dpc", "data_id")}
    for _, _, column in columns():
        if column.name.endswith("_id"):
            assert column.role in {Role.PERSON, Role.FACILITY}, column.name


def test_the_registries_that_link_with_nothing_bring_no_identifiers() -> None:
    """What custody never gets, it cannot link."""
    without = {name for name, d in packaged().items() if d.identifiers is None}
    assert without == {"cancer", "midnet", CORE}


def test_the_prefecture_is_kept_apart_from_the_code_of_an_intractable_disease() -> None:
    """The default of the disability database."""
    (rule,) = packaged()[DatabaseId("welfare")].apart
    assert rule.when == ("cert.nanbyo_no",)
    assert "cert.pref_code" in rule.hide
    assert "claim.muni_code" in rule.hide
    assert rule.source


def test_what_could_name_a_person_is_restricted() -> None:
    """Lots, municipalities of cancers, codes of intractable diseases beside a disability."""
    found = {
        f"{d.database}.{t.name}.{c.name}" for d, t, c in columns() if c.sensitivity is Sensitivity.RESTRICTED
    }
    assert found == {"vac.shot.lot_no", "cancer.reg.muni_code", "welfare.cert.nanbyo_no"}


# -- code lists --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("table", [t for t in packaged()[CORE].tables if t not in MADE])
def test_a_code_list_has_the_columns_of_its_table_and_codes_of_its_form(table: str) -> None:
    """Every code once, in the form that its system says; only what a list points at may be missing."""
    described = packaged()[CORE].tables[table]
    found = rows(table)
    assert list(found[0]) == list(described.columns)
    for column in described.columns.values():
        if column.system is not None:
            pattern = SYSTEMS[column.system].pattern
            written = [r[column.name] for r in found if r[column.name] or column.system == described.codes]
            assert [code for code in written if not pattern.fullmatch(code)] == []
        if column.values is not None:
            assert {r[column.name] for r in found} <= set(column.values)
    key = "code" if described.codes else next(iter(described.columns))
    assert len({r[key] for r in found}) == len(found)


def test_a_system_that_names_a_table_has_it() -> None:
    """Whoever holds a code can join its meaning."""
    for system in SYSTEMS.values():
        if system.table is not None:
            database, table = system.table.split(".")
            described = packaged()[DatabaseId(database)].tables[table]
            assert described.codes == system.id or any(
                c.system == system.id for c in described.columns.values()
            )


@pytest.mark.parametrize(
    ("table", "column", "other", "key"),
    [
        ("sma", "pref_code", "pref", "code"),
        ("disease", "icd10", "icd10", "code"),
        ("act", "kubun", "kubun", "code"),
    ],
)
def test_lists_that_point_at_one_another_agree(table: str, column: str, other: str, key: str) -> None:
    """No code of a list leads nowhere; pharmacy and home nursing have no section of the medical fee schedule."""
    assert {r[column] for r in rows(table)} - {""} <= {r[key] for r in rows(other)}


def test_the_published_totals_are_kept() -> None:
    """Population of the 2020 census; the number of secondary medical areas."""
    assert sum(int(r["population"]) for r in rows("pref")) == 126_146_099
    assert len(rows("sma")) == 335


def test_every_list_says_where_it_comes_from() -> None:
    """SOURCE.md has a row for each."""
    from importlib.resources import files

    said = (files("enclave.catalogue") / "data" / "codes" / "SOURCE.md").read_text(encoding="utf-8")
    for table in packaged()[CORE].tables:
        assert table in MADE or f"`{table}.csv`" in said, table


def test_systems_that_are_unknown_are_refused() -> None:
    """A column of a system that nobody keeps means nothing."""
    from enclave.core.refusal import Refused

    data = packaged()[DatabaseId("ndb")].to_json()
    data["tables"]["sy"]["columns"]["icd10"]["system"] = "icd11"
    with pytest.raises(Refused) as no:
        parse(data)
    assert no.value.facts["place"] == "tables.sy.columns.icd10.system"
