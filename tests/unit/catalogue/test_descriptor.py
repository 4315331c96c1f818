"""A descriptor says exactly what is taken in, and one that cannot be read says where."""

import copy
from pathlib import Path
from typing import Any

import pytest

from enclave.adapters.descriptor_files import print_descriptor, read_descriptor, write_descriptor
from enclave.catalogue.codes import CODES
from enclave.catalogue.descriptor import ColumnType, Role, parse, taken
from enclave.core.refusal import Refused

ROOT = Path(__file__).parents[3]
FLCHAIN: dict[str, Any] = {
    "database": "flchain",
    "title": {"ja": "遊離軽鎖", "en": "Free light chain"},
    "holder": "R survival",
    "source": "…",
    "tables": {
        "t": {
            "file": "t.csv",
            "person": "id",
            "columns": {
                "age": {"type": "int", "unit": "year", "role": "identifying", "bands": 5},
                "death": {"type": "bool", "role": "outcome"},
            },
        }
    },
}


def test_the_shape_that_everyone_was_promised_is_read() -> None:
    """The example of the shared shapes, word for word."""
    table = parse(FLCHAIN).tables["t"]
    assert list(table.columns) == ["pid", "age", "death"]
    assert (table.columns["age"].type, table.columns["age"].role) == (ColumnType.INT, Role.IDENTIFYING)
    assert table.columns["pid"].source == "id"


def test_the_demonstration_is_described_in_two_languages() -> None:
    """Every table and column of nafld has a title in both, and every coded value a word."""
    descriptor = read_descriptor(ROOT / "deploy/demo/nafld/descriptor.yaml")
    assert set(descriptor.tables) == {"patients", "labs", "events"}
    for table in descriptor.tables.values():
        for said in (table.title, *(column.title for column in table.columns.values())):
            assert said.ja
            assert said.en
            assert said.ja != said.en or said.ja == "BMI"
    assert descriptor.tables["patients"].columns["case_pid"].source == "case.id"


def test_what_is_published_reads_back_equal(tmp_path: Path) -> None:
    """The catalogue's copy means what the custodian's file meant."""
    for descriptor in (parse(FLCHAIN), read_descriptor(ROOT / "deploy/demo/nafld/descriptor.yaml")):
        path = write_descriptor(descriptor, tmp_path)
        assert read_descriptor(path) == descriptor
        assert path.read_bytes() == print_descriptor(descriptor)
        assert path.stat().st_mode & 0o777 == 0o644


def test_columns_that_are_not_named_are_listed_and_left() -> None:
    """The custodian sees what does not come in."""
    found = taken(parse(FLCHAIN).tables["t"], ["rownames", "id", "age", "death", "note"])
    assert found.columns == ("id", "age", "death")
    assert found.left == ("rownames", "note")


def test_columns_that_are_named_and_absent_are_refused() -> None:
    """All of them are named at once."""
    with pytest.raises(Refused) as no:
        taken(parse(FLCHAIN).tables["t"], ["id", "years"], "flchain")
    assert no.value.code == "catalogue.column_missing"
    assert no.value.facts["columns"] == ["age", "death"]


def test_a_header_that_repeats_a_name_is_refused() -> None:
    """Either column could be meant."""
    with pytest.raises(Refused) as no:
        taken(parse(FLCHAIN).tables["t"], ["id", "age", "age", "death"])
    assert no.value.code == "catalogue.header_repeated"


def test_databases_with_identifiers_share_the_register_of_residents() -> None:
    """Unless they name another one; a study of its own stays by itself."""
    keys = {"file": "i.parquet", "person": "person", "keys": ["id5"]}
    assert parse(FLCHAIN).population == "flchain"
    assert parse({**FLCHAIN, "identifiers": keys}).population == "residents"
    assert parse({**FLCHAIN, "identifiers": keys, "population": "town"}).population == "town"


def test_a_table_says_how_it_is_written_and_whether_a_person_stands_in_it_once() -> None:
    """Both are printed again; neither is guessed."""
    data = edited("tables/t/encoding", "shift_jis")
    data["tables"]["t"]["one_row_per_person"] = True
    table = parse(data).tables["t"]
    assert (table.encoding, table.one_row_per_person) == ("shift_jis", True)
    assert parse(parse(data).to_json()).tables["t"] == table
    assert (parse(FLCHAIN).tables["t"].encoding, parse(FLCHAIN).tables["t"].one_row_per_person) == (
        "utf-8",
        False,
    )


def edited(path: str, value: object) -> dict[str, Any]:
    data = copy.deepcopy(FLCHAIN)
    *way, last = path.split("/")
    place = data
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return data


AGE = "tables/t/columns/age"
WRONG: list[tuple[str, object, str]] = [
    ("database", "Fl Chain", "database"),
    ("database", None, "database"),
    ("database", "../etc", "database"),
    ("tabels", {}, "tabels"),
    ("tables", {}, "tables"),
    ("tables", ["t"], "tables"),
    ("tables/t/file", "../../custody/master.key", "tables.t.file"),
    ("tables/t/file", "/etc/passwd", "tables.t.file"),
    ("tables/t/file", None, "tables.t.file"),
    ("tables/t/persons", "id", "tables.t.persons"),
    ("tables/t/columns", {}, "tables.t.columns"),
    (f"{AGE}/role", "identifing", "tables.t.columns.age"),
    (f"{AGE}/role", None, "tables.t.columns.age"),
    (f"{AGE}/type", "integer", "tables.t.columns.age"),
    (f"{AGE}/bands", 0, "tables.t.columns.age.bands"),
    (f"{AGE}/bands", True, "tables.t.columns.age.bands"),
    (f"{AGE}/unti", "year", "tables.t.columns.age.unti"),
    (f"{AGE}/title", {"en": "Age"}, "tables.t.columns.age.title.ja"),
    (f"{AGE}/from", "id", "tables.t.columns"),
    ("tables/t/columns/pid", {"type": "int", "role": "person"}, "tables.t.columns.pid"),
    (f"{AGE}/system", "icd11", "tables.t.columns.age.system"),
    (f"{AGE}/sensitivity", "secret", "tables.t.columns.age.sensitivity"),
    (f"{AGE}/record", True, "tables.t.columns.age.record"),
    (f"{AGE}/record", "yes", "tables.t.columns.age.record"),
    ("tables/t/reference", True, "tables.t.reference"),
    ("tables/t/codes", "icd10", "tables.t.codes"),
    ("identifiers", {"file": "i.parquet", "person": "person", "keys": ["id9"]}, "identifiers.keys"),
    ("identifiers", {"file": "i.parquet", "person": "person", "keys": []}, "identifiers.keys"),
    ("identifiers", {"file": "i.parquet", "person": "person", "keys": ["id1", "id1"]}, "identifiers.keys"),
    ("identifiers", {"file": "../i.parquet", "person": "person", "keys": ["id1"]}, "identifiers.file"),
    ("identifiers", {"file": "i.parquet", "keys": ["id1"]}, "identifiers.person"),
    ("apart", [{"when": ["t.age"], "hide": ["t.nowhere"]}], "apart.0.hide"),
    ("apart", [{"when": [], "hide": ["t.age"]}], "apart.0.when"),
    ("tables/t/encoding", "latin-1", "tables.t.encoding"),
    ("tables/t/one_row_per_person", 1, "tables.t.one_row_per_person"),
    ("apart", {"when": ["t.age"]}, "apart"),
]


@pytest.mark.parametrize(("path", "value", "place"), WRONG, ids=[f"{row[0]}={row[1]}" for row in WRONG])
def test_what_cannot_be_read_is_refused_with_its_place(path: str, value: object, place: str) -> None:
    """A misspelt role would silently unprotect a column, so nothing unknown passes."""
    with pytest.raises(Refused) as no:
        parse(edited(path, value))
    assert no.value.code == "catalogue.descriptor_malformed"
    assert no.value.facts["place"] == place


@pytest.mark.parametrize("data", [None, [], "text", 7, {"database": "x"}])
def test_what_is_no_descriptor_is_refused(data: object) -> None:
    """Any document may come in; only a descriptor gets out."""
    with pytest.raises(Refused):
        parse(data)


@pytest.mark.parametrize("text", [b"{", b"\xff\xfe", b"a: &a [*a]\n", b"!!python/object:os.system {}", b""])
def test_a_file_that_is_no_yaml_is_refused_without_quoting_it(tmp_path: Path, text: bytes) -> None:
    """Were the path of a key given instead, its content must not appear in the answer."""
    path = tmp_path / "descriptor.yaml"
    path.write_bytes(text)
    with pytest.raises(Refused) as no:
        read_descriptor(path)
    assert no.value.code == "catalogue.descriptor_malformed"
    assert set(no.value.facts) <= {"place", "file", "line", "column"}


def test_every_code_is_worded_in_both_languages() -> None:
    """A no that a person reads says what to do."""
    for wording in CODES.values():
        assert wording.title_ja
        assert wording.title_en
        assert wording.hint_ja
        assert wording.hint_en
