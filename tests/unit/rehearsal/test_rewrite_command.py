"""`enclave rewrite`: what would run, without any data; the same judgement as the gateway's."""

from pathlib import Path

import duckdb
import pytest

from enclave.adapters import policy_server
from tests.unit.rehearsal import ground
from tests.unit.rehearsal.ground import SHAPES_PERMIT, Terminal


@pytest.fixture
def bare(tmp_path: Path) -> Terminal:
    """A permit alone: the one of SHAPES, and no data."""
    terminal = Terminal(tmp_path, tmp_path / "nothing")
    terminal.use(SHAPES_PERMIT)
    return terminal


def test_base_tables_are_printed_with_their_database(bare: Terminal) -> None:
    """Only permitted columns are read, whatever was asked; the printed text is the statement and nothing else."""
    ran = bare.rewrite("SELECT * FROM patients p WHERE p.age > 40", json_too=False)
    assert ran.status == 0
    assert ran.err == ""
    assert 'FROM "nafld"."patients"' in ran.out
    assert ran.out.count("\n") == 1
    con = duckdb.connect()
    con.execute(
        "CREATE SCHEMA nafld; CREATE TABLE nafld.patients AS SELECT 7::UINTEGER AS pid, 45 AS age, 1 AS male, 20.0 AS bmi, 0 AS status, 'x' AS hidden"
    )
    assert [c[0] for c in con.execute(ran.out).description or ()] == ["pid", "age", "male", "bmi", "status"]
    con.close()


def test_in_table_form_the_evidence_of_protection_is_added(bare: Terminal) -> None:
    told = bare.rewrite("SELECT male, count(*) AS n FROM patients GROUP BY male", "--form", "table").json()
    assert told["form"] == "table"
    assert told["columns"] == ["male", "n"]
    assert '"_enclave_persons"' in told["sql"]


def test_a_column_of_unknown_type_is_no_obstacle(bare: Terminal) -> None:
    """Without descriptors nobody knows what `status` is; as a key it is asked of the policy like any other."""
    bare.use(
        {
            **SHAPES_PERMIT,
            "databases": {"unheard": {"of": {"columns": ["status", "value"]}}},
            "linkage_groups": [],
        }
    )
    ran = bare.rewrite("SELECT status, avg(value) AS m FROM of GROUP BY status", "--form", "table")
    assert ran.status == 0, ran.out
    assert '"unheard"."of"' in ran.json()["sql"]


def test_the_catalogue_is_used_where_it_knows_the_database(bare: Terminal) -> None:
    """A measurement of a registered database may not be a key, and a list of codes may be joined, without any data."""
    databases = {
        "ndb": {"rcpt": {"columns": ["sex", "age", "pref_code", "points"]}, "own": {"columns": ["thing"]}}
    }
    bare.use({**SHAPES_PERMIT, "databases": databases, "linkage_groups": [["ndb"]]})
    sql = "SELECT c.name_ja, count(*) AS n FROM rcpt r JOIN core.pref c ON r.pref_code = c.code GROUP BY ALL"
    ran = bare.rewrite(sql.replace("name_ja", "code"), "--form", "table")
    assert ran.status == 0, ran.out
    assert '"core"."pref"' in ran.json()["sql"]
    assert bare.rewrite("SELECT thing FROM own").status == 0
    sql = "SELECT pid, count(*) AS n FROM rcpt GROUP BY pid"
    assert bare.rewrite(sql, "--form", "table").code() == "query.key_identifies"


def test_with_data_the_descriptor_says_what_there_is(data: Path, tmp_path: Path) -> None:
    """Types, and a no for what the permit names and no descriptor does; no file of the data is opened."""
    alone = tmp_path / "data"
    for database in ("clinic", "sports"):
        (alone / database).mkdir(parents=True)
        (alone / database / "descriptor.yaml").write_bytes((data / database / "descriptor.yaml").read_bytes())
    terminal = Terminal(tmp_path, alone)
    more = ("--data", str(alone))
    ran = terminal.rewrite(
        "SELECT sex, count(*) AS n FROM person JOIN member USING (pid) GROUP BY sex", *more
    )
    assert ran.status == 0, ran.out
    assert '"clinic"."person"' in ran.json()["sql"]
    assert '"sports"."member"' in ran.json()["sql"]
    terminal.use(ground.permit(databases={"clinic": {"person": {"columns": ["weight"]}}}, linkage_groups=[]))
    assert terminal.rewrite("SELECT 1 AS one", *more).code() == "custody.column_unknown"
    terminal.use(ground.permit(databases={"nowhere": {"t": {"columns": ["x"]}}}, linkage_groups=[]))
    assert terminal.rewrite("SELECT 1 AS one", *more).code() == "rehearsal.database_missing"
    assert sorted(p.name for p in alone.iterdir()) == ["clinic", "sports"]


REFUSALS = [
    ("SELECT weight FROM patients", (), "query.column_not_permitted"),
    ("SELECT * FROM read_csv('/etc/passwd')", (), "query.function"),
    ("SELECT age FROM patients", ("--form", "table"), "query.table_shape"),
    ("SELECT pid FROM patients", ("--tier", "aggregate"), "query.tier_rows"),
    ("SELECT $x AS x", (), "query.parameter"),
]


@pytest.mark.parametrize(("sql", "more", "code"), REFUSALS)
def test_a_no_is_the_gateways_no(bare: Terminal, sql: str, more: tuple[str, ...], code: str) -> None:
    ran = bare.rewrite(sql, *more)
    assert ran.code() == code
    assert bare.rewrite(sql, *more, json_too=False).err.startswith(f"{code}: ")


def test_in_the_aggregate_tier_the_questions_about_blocks_are_told(bare: Terminal, data: Path) -> None:
    """What is asked of the extract before is part of what would run."""
    bare.use(ground.permit(tier="aggregate"))
    sql = "SELECT sex, count(*) AS n FROM person WHERE age >= 65 GROUP BY sex"
    told = bare.rewrite(sql, "--form", "table", "--data", str(data)).json()
    assert '"clinic"."person"' in told["sql"]
    assert any('"enclave blocks"' in one for one in told["asked_first"])


def test_the_permits_time_is_judged(bare: Terminal) -> None:
    assert bare.rewrite("SELECT age FROM patients", at="2028-01-01T00:00:00Z").code() == "permit.expired"
    assert bare.rewrite("SELECT age FROM patients", at="tomorrow").code() == "rehearsal.time"


@pytest.mark.parametrize(
    ("left_out", "code"),
    [
        (("outputs", "limits", "checkers", "workspace", "linkage_groups"), None),
        (("purpose", "project", "provision", "handlers", "revision"), None),
        (("rule_sets",), "permit.malformed"),
        (("valid_to",), "permit.malformed"),
        (("tier",), "permit.malformed"),
        (("databases",), "permit.malformed"),
    ],
)
def test_a_permit_may_leave_out_what_says_nothing_of_what_is_seen(
    bare: Terminal, left_out: tuple[str, ...], code: str | None
) -> None:
    bare.use({name: value for name, value in SHAPES_PERMIT.items() if name not in left_out})
    ran = bare.rewrite("SELECT age FROM patients")
    assert (ran.code() if code else ran.status) == (code or 0)


@pytest.mark.parametrize("name", ["Patients", "a b", "1st", 'x"; DROP'])
def test_a_name_that_no_extract_carries_is_the_permits_mistake(bare: Terminal, name: str) -> None:
    bare.use({**SHAPES_PERMIT, "databases": {"nafld": {name: {"columns": ["age"]}}}})
    assert bare.rewrite("SELECT 1 AS one").code() == "permit.malformed"


def test_a_machine_without_a_policy_server_says_so(
    bare: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("ENCLAVE_OPA", raising=False)
    monkeypatch.setattr(policy_server, "PREFIX", tmp_path)
    assert bare.rewrite("SELECT age FROM patients").code() == "rehearsal.opa_missing"
