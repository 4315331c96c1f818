"""Files that are not what was promised are refused with file, line and column, and the store is as it was."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from enclave.adapters.custodian import Custodian
from enclave.adapters.vault import Vault
from enclave.config import Site
from enclave.core.clock import parse_rfc3339
from tests.fakes.custody_site import GATEWAY, YAMAMOTO, a_custodian, a_site, a_small_database, refused, signed
from tests.fakes.ledger import MemoryLedger
from tests.fakes.linked_site import write

GRANT = {"small": {"people": {"columns": ["age"]}}}


def envelope(**more: Any) -> dict[str, Any]:
    return signed(**{"databases": GRANT, "linkage_groups": [["small"]], **more})


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Site, Custodian, Path]:
    """A site with one good database and an extract of it."""
    site = a_site(tmp_path, monkeypatch)
    custodian = a_custodian(site, MemoryLedger())
    path = a_small_database(tmp_path / "files")
    custodian.register(YAMAMOTO, path)
    custodian.build(YAMAMOTO, envelope())
    return site, custodian, path


def state(site: Site, custodian: Custodian) -> Any:
    """All that a refusal must leave alone: the catalogue, what is held, every file of custody's but the vault's locks."""
    vault = Vault(site.custody)
    held = [vault.held("store", "small"), vault.held("register", "small"), vault.held("store", "other")]
    files = sorted(
        str(path) for path in site.custody.rglob("*") if path.is_file() and path.parent.name != "locks"
    )
    catalogue = {path: path.read_bytes() for path in site.catalogue.rglob("*") if path.is_file()}
    return custodian.databases(), held, files, catalogue, custodian.extracts("v-81c2")


def csv_database(folder: Path, content: bytes, name: str = "t.csv", **table: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    columns = {
        "age": {"type": "int", "role": "identifying"},
        "name": {"type": "text", "role": "clinical"},
    }
    about = {"file": name, "person": "id", "columns": columns, **table}
    (folder / "descriptor.yaml").write_text(yaml.safe_dump({"database": "other", "tables": {"t": about}}))
    return folder / "descriptor.yaml"


HEAD = b"id,age,name\n"
WRONG: list[tuple[str, bytes, dict[str, Any], str, dict[str, Any]]] = [
    (
        "broken UTF-8",
        HEAD + b"1,20,ab\n2,30,a\xff\xfeb\n",
        {},
        "catalogue.bytes_unreadable",
        {"line": 3, "column": 7},
    ),
    (
        "UTF-8 that ends in the middle",
        HEAD + "1,20,京".encode()[:-1],
        {},
        "catalogue.bytes_unreadable",
        {"line": 2},
    ),
    (
        "Shift-JIS that is called UTF-8",
        HEAD + "1,20,東京\n".encode("cp932"),
        {},
        "catalogue.bytes_unreadable",
        {"line": 2, "column": 6, "encoding": "utf-8"},
    ),
    (
        "broken Shift-JIS",
        HEAD + "1,20,東京\n2,30,大".encode("cp932") + b"\x81\n",
        {"encoding": "shift_jis"},
        "catalogue.bytes_unreadable",
        {"line": 3, "column": 7, "encoding": "shift_jis"},
    ),
    (
        "a line with too many fields",
        HEAD + b"1,20,a\n2,30,b,c\n",
        {},
        "catalogue.file_unreadable",
        {"line": 3, "column": 4},
    ),
    (
        "a line with too few fields",
        HEAD + b"1,20,a\n2\n3,4,b\n",
        {},
        "catalogue.file_unreadable",
        {"line": 3, "column": "age"},
    ),
    (
        "lines that end in two ways",
        HEAD + b'1,20,"a\r\nb"\n2,30,b\r\n3,40,c\n',
        {},
        "catalogue.file_unreadable",
        {"line": 4},
    ),
    (
        "a byte that no text has",
        HEAD + b"1,20,ab\n2,30,a\0b\n",
        {},
        "catalogue.bytes_unreadable",
        {"line": 3, "column": 7},
    ),
    (
        "semicolons",
        b"id;age;name\n1;20;a\n",
        {},
        "catalogue.column_missing",
        {"file": "t.csv", "line": 1, "columns": ["id", "age", "name"]},
    ),
    ("a quote that never ends", HEAD + b'1,20,"a\n2,30,b\n', {}, "catalogue.file_unreadable", {}),
    (
        "a value that does not fit, behind a field of three lines",
        HEAD + b'1,20,"a\nb\nc"\n2,x,b\n',
        {},
        "catalogue.value_unreadable",
        {"line": 5, "column": "age", "rows": 1, "file": "t.csv"},
    ),
    ("no person", HEAD + b"1,20,a\n,30,b\n", {}, "catalogue.person_absent", {"line": 3}),
    (
        "a person twice where one row is promised",
        HEAD + b"1,20,a\n2,30,b\n1,20,a\n",
        {"one_row_per_person": True},
        "catalogue.person_repeated",
        {"line": 4, "rows": 1, "column": "id", "file": "t.csv"},
    ),
    ("a column that is not there", b"id,name\n1,a\n", {}, "catalogue.column_missing", {"columns": ["age"]}),
    ("a column twice", b"id,age,age,name\n1,2,3,a\n", {}, "catalogue.header_repeated", {}),
    ("an empty file", b"", {}, "catalogue.file_unreadable", {"line": 1}),
]


@pytest.mark.parametrize(("what", "content", "table", "code", "facts"), WRONG, ids=[row[0] for row in WRONG])
def test_a_csv_that_is_not_what_was_promised(
    ground: Any,
    tmp_path: Path,
    what: str,
    content: bytes,
    table: dict[str, Any],
    code: str,
    facts: dict[str, Any],
) -> None:
    """Refused with its place; nothing of custody's has changed, and the good database still answers."""
    site, custodian, _path = ground
    before = state(site, custodian)
    path = csv_database(tmp_path / "wrong", content, **table)
    no = refused(code, lambda: custodian.register(YAMAMOTO, path))
    assert facts.items() <= no.facts.items()
    assert state(site, custodian) == before
    assert custodian.open(GATEWAY, "v-81c2", None, envelope()).n == 1
    values = {"x", "ab", "東京"}
    assert not values & {str(fact) for fact in no.facts.values()}


def test_shift_jis_is_read_where_it_is_named(ground: Any, tmp_path: Path) -> None:
    """Packed or not, with a wave dash and half-width kana; and it is UTF-8 in the extract."""
    site, custodian, _path = ground
    text = 'id,age,name\r\n1,20,"東京～ｶﾅ\r\n二行目"\r\n2,30,髙橋\r\n'
    path = csv_database(
        tmp_path / "sjis", gzip.compress(text.encode("cp932")), "t.csv.gz", encoding="shift_jis"
    )
    assert custodian.register(YAMAMOTO, path)["tables"]["t"]["rows"] == 2
    permit = envelope(
        databases={"other": {"t": {"columns": ["age", "name"]}}},
        linkage_groups=[],
        provision="v-s",
        permit_id="p-s",
    )
    custodian.build(YAMAMOTO, permit)
    opened = custodian.open(GATEWAY, "v-s", None, permit)
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(
            f"ATTACH '{site.extracts}/v-s/1/extract.duckdb' AS x (READ_ONLY, ENCRYPTION_KEY '{opened.key}')"
        )
        found = connection.execute("SELECT age, name FROM x.other.t ORDER BY age").fetchall()
    assert found == [(20, "東京～ｶﾅ\r\n二行目"), (30, "髙橋")]


def parquet_database(folder: Path, table: pa.Table) -> Path:
    folder.mkdir(exist_ok=True)
    pq.write_table(table, folder / "t.parquet")
    columns = {
        "age": {"type": "int", "role": "identifying"},
        "day": {"type": "date", "role": "date"},
        "month": {"type": "month", "role": "date"},
        "x": {"type": "float", "role": "measure"},
        "word": {"type": "text", "role": "measure"},
    }
    about = {"file": "t.parquet", "person": "id", "columns": columns}
    (folder / "descriptor.yaml").write_text(yaml.safe_dump({"database": "other", "tables": {"t": about}}))
    return folder / "descriptor.yaml"


def good() -> dict[str, pa.Array]:
    import datetime

    day = datetime.date(2024, 4, 1)
    return {
        "id": pa.array([1, 2], pa.uint64()),
        "age": pa.array([20, 30], pa.int16()),
        "day": pa.array([day, day], pa.date32()),
        "month": pa.array([day, day], pa.date32()),
        "x": pa.array([1.5, None], pa.float64()),
        "word": pa.array(["a", None]),
    }


def dated(day: int) -> pa.Array:
    import datetime

    return pa.array([datetime.date(2024, 4, 1), datetime.date(2024, 4, day)], pa.date32())


PARQUET: list[tuple[str, dict[str, pa.Array], str, dict[str, Any]]] = [
    (
        "a date as a number",
        {"day": pa.array([1, 2])},
        "catalogue.column_type",
        {"column": "day", "found": "BIGINT"},
    ),
    (
        "a fraction as a whole number",
        {"age": pa.array([1.5, 2.0])},
        "catalogue.column_type",
        {"column": "age"},
    ),
    (
        "a month that is a day",
        {"month": dated(2)},
        "catalogue.value_unreadable",
        {"column": "month", "line": 2},
    ),
    (
        "not a number",
        {"x": pa.array([1.0, float("nan")])},
        "catalogue.value_unreadable",
        {"column": "x", "line": 2},
    ),
    ("no person", {"id": pa.array([1, None], pa.uint64())}, "catalogue.person_absent", {"line": 2}),
    (
        "a byte that no text has",
        {"word": pa.array(["a", "b\0c"])},
        "catalogue.value_unreadable",
        {"column": "word", "line": 2},
    ),
]


@pytest.mark.parametrize(("what", "change", "code", "facts"), PARQUET, ids=[row[0] for row in PARQUET])
def test_a_parquet_whose_columns_do_not_fit(
    ground: Any, tmp_path: Path, what: str, change: dict[str, pa.Array], code: str, facts: dict[str, Any]
) -> None:
    """Refused with the column, and the row where it is one value; the honest file beside it is taken in."""
    site, custodian, _path = ground
    before = state(site, custodian)
    wrong = parquet_database(tmp_path / "wrong", pa.table({**good(), **change}))
    no = refused(code, lambda: custodian.register(YAMAMOTO, wrong))
    assert facts.items() <= no.facts.items()
    assert state(site, custodian) == before
    assert custodian.register(YAMAMOTO, parquet_database(tmp_path / "right", pa.table(good())))["tables"]


def test_a_parquet_file_that_was_cut_off(ground: Any, tmp_path: Path) -> None:
    """Neither its beginning nor its end alone is a file."""
    site, custodian, _path = ground
    before = state(site, custodian)
    path = parquet_database(tmp_path / "cut", pa.table(good()))
    whole = (path.parent / "t.parquet").read_bytes()
    for part in (whole[:-20], whole[20:], b""):
        (path.parent / "t.parquet").write_bytes(part)
        refused("catalogue.file_unreadable", lambda: custodian.register(YAMAMOTO, path))
    assert state(site, custodian) == before


@pytest.mark.parametrize(
    ("column", "value", "line"),
    [("id5", "not a hash", 3), ("sex", 3, 3), ("birth_ym", None, None), ("first_seen", None, 3)],
)
def test_identifiers_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: str, value: Any, line: int | None
) -> None:
    """A key that is no hash and a sex that is none are refused with their row; what may be absent may."""
    site = a_site(tmp_path, monkeypatch)
    custodian = a_custodian(site, MemoryLedger())
    write(tmp_path / "files", 60)
    path = tmp_path / "files" / "ndb" / "identifiers.parquet"
    table = pq.read_table(path)
    values = table.column(column).to_pylist()
    values[2] = value
    field = table.schema.field(column)
    changed = table.set_column(table.schema.get_field_index(column), field, pa.array(values, field.type))
    pq.write_table(changed, path)
    register = lambda: custodian.register(YAMAMOTO, tmp_path / "files" / "ndb" / "descriptor.yaml")  # noqa: E731
    if line is None:
        assert register()["tables"]
        return
    no = refused("catalogue.value_unreadable", register)
    assert (no.facts["table"], no.facts["column"], no.facts["line"]) == ("identifiers", column, line)
    assert custodian.databases() == {}


def test_numbers_of_linked_persons_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text where the holder promised its own number would be somebody of another database."""
    site = a_site(tmp_path, monkeypatch)
    custodian = a_custodian(site, MemoryLedger())
    write(tmp_path / "files", 60)
    path = tmp_path / "files" / "kaigo" / "cert.parquet"
    table = pq.read_table(path)
    texts = pa.array([str(one) for one in table.column("person").to_pylist()])
    pq.write_table(table.set_column(0, "person", texts), path)
    refused(
        "catalogue.person_number",
        lambda: custodian.register(YAMAMOTO, tmp_path / "files" / "kaigo" / "descriptor.yaml"),
    )


DESCRIPTORS: list[tuple[str, Callable[[dict[str, Any]], None], str]] = [
    (
        "an unknown role",
        lambda d: d["tables"]["t"]["columns"]["age"].update(role="identifing"),
        "tables.t.columns.age",
    ),
    (
        "an unknown code system",
        lambda d: d["tables"]["t"]["columns"]["name"].update(type="code", system="icd11"),
        "tables.t.columns.name",
    ),
    (
        "an unknown type",
        lambda d: d["tables"]["t"]["columns"]["age"].update(type="number"),
        "tables.t.columns.age",
    ),
    ("an unknown encoding", lambda d: d["tables"]["t"].update(encoding="latin-1"), "tables.t.encoding"),
    ("a file elsewhere", lambda d: d["tables"]["t"].update(file="../../custody/master.key"), "tables.t.file"),
]


@pytest.mark.parametrize(("what", "change", "place"), DESCRIPTORS, ids=[row[0] for row in DESCRIPTORS])
def test_a_descriptor_that_says_what_nobody_knows(
    ground: Any, tmp_path: Path, what: str, change: Callable[[dict[str, Any]], None], place: str
) -> None:
    """Refused with the place in the document, before a file is read."""
    site, custodian, _path = ground
    before = state(site, custodian)
    path = csv_database(tmp_path / "wrong", HEAD + b"1,20,a\n")
    document = yaml.safe_load(path.read_text())
    change(document)
    path.write_text(yaml.safe_dump(document))
    no = refused("catalogue.descriptor_malformed", lambda: custodian.register(YAMAMOTO, path))
    assert str(no.facts["place"]).startswith(place)
    named = place.rsplit(".", 1)[-1]
    stands = path.read_text().splitlines()[int(str(no.facts["line"])) - 1]
    assert (no.facts["file"], named in stands or stands.strip().split(":")[0] in what) == (
        "descriptor.yaml",
        True,
    )
    assert int(str(no.facts["column"])) > 1
    assert state(site, custodian) == before


NO_YAML: list[tuple[str, bytes, int, int | None]] = [
    ("a bracket that never closes", b"database: other\ntables: [\n", 3, 1),
    ("a tab", b"database: other\ntables:\n\tt: 1\n", 3, 1),
    ("Shift-JIS", "database: other\ntitle: 表\n".encode("cp932"), 2, None),
    ("a key twice", b"database: other\ntables:\n  t: {file: a}\n  t: {file: b}\n", 4, 3),
    (
        "a column's role twice",
        b"database: other\ntables: {t: {columns: {a: {role: date, role: measure}}}}\n",
        2,
        40,
    ),
]


@pytest.mark.parametrize(("what", "text", "line", "column"), NO_YAML, ids=[row[0] for row in NO_YAML])
def test_a_descriptor_that_can_be_read_in_no_way_or_in_two(
    ground: Any, tmp_path: Path, what: str, text: bytes, line: int, column: int | None
) -> None:
    """File, line and column; a second key would silently take the first one's place."""
    site, custodian, _path = ground
    before = state(site, custodian)
    path = csv_database(tmp_path / "wrong", HEAD + b"1,20,a\n")
    path.write_bytes(text)
    no = refused("catalogue.descriptor_malformed", lambda: custodian.register(YAMAMOTO, path))
    assert (no.facts["file"], no.facts["line"], no.facts.get("column")) == ("descriptor.yaml", line, column)
    assert state(site, custodian) == before


def test_a_permit_for_what_is_not_there(ground: Any) -> None:
    """A table, a column, a database that were never registered: no extract, no folder, no key."""
    site, custodian, _path = ground
    before = state(site, custodian)
    cases: list[tuple[str, dict[str, Any]]] = [
        ("custody.table_unknown", {"small": {"tables": {"columns": ["age"]}}}),
        ("custody.column_unknown", {"small": {"people": {"columns": ["height"]}}}),
        ("catalogue.database_unknown", {"ndb": {"rcpt": {"columns": ["age"]}}}),
    ]
    for code, databases in cases:
        permit = envelope(databases=databases, linkage_groups=[], provision="v-x", permit_id="p-x")
        refused(code, lambda permit=permit: custodian.build(YAMAMOTO, permit))
    assert state(site, custodian) == before
    assert not (site.extracts / "v-x").exists()
    assert Vault(site.custody).known("v-x") is None


@pytest.mark.parametrize("damage", ["gone", "another"])
def test_a_key_that_is_missing_or_wrong(ground: Any, damage: str) -> None:
    """Custody says so and starts nothing; with the right key back, everything is there."""
    site, custodian, _path = ground
    before = state(site, custodian)
    path = site.custody / "master.key"
    key = path.read_bytes()
    path.unlink()
    if damage == "another":
        path.write_bytes(bytes(32))
    refused("custody.vault_sealed", lambda: a_custodian(site, MemoryLedger()))
    path.unlink(missing_ok=True)
    path.write_bytes(key)
    path.chmod(0o400)
    again = a_custodian(site, MemoryLedger())
    assert state(site, again) == before
    assert again.open(GATEWAY, "v-81c2", None, envelope()).n == 1


def test_a_store_under_a_wrong_key_is_no_store(ground: Any) -> None:
    """A store whose file was exchanged does not open; nothing is built from it, and what was built stays."""
    site, custodian, _path = ground
    held = Vault(site.custody).held("store", "small")
    assert held is not None
    file = site.custody / held.path
    original = file.read_bytes()
    file.write_bytes(original[:4096] + bytes(len(original) - 4096))
    refused("custody.engine", lambda: custodian.build(YAMAMOTO, envelope(), refresh=True))
    assert [one["n"] for one in custodian.extracts("v-81c2")] == [1]
    file.write_bytes(original)
    assert custodian.build(YAMAMOTO, envelope(), refresh=True)["n"] == 2


def test_a_clock_in_the_past(ground: Any, tmp_path: Path) -> None:
    """A clock that was set back registers, builds, opens and withdraws nothing: it would make what has ended valid again."""
    site, custodian, path = ground
    before = state(site, custodian)
    earlier = a_custodian(site, MemoryLedger(), now=lambda: parse_rfc3339("2026-11-30T12:00:00Z"))
    for act in (
        lambda: earlier.register(YAMAMOTO, path),
        lambda: earlier.build(YAMAMOTO, envelope(), refresh=True),
        lambda: earlier.open(GATEWAY, "v-81c2", None, envelope()),
        lambda: earlier.withdraw(YAMAMOTO, []),
    ):
        no = refused("custody.clock", act)
        assert no.facts["latest"] == "2026-12-01T12:00:00Z"
    assert state(site, custodian) == before
    a_minute = a_custodian(site, MemoryLedger(), now=lambda: parse_rfc3339("2026-12-01T11:59:00Z"))
    assert a_minute.open(GATEWAY, "v-81c2", None, envelope()).n == 1
