"""What researchers of the field ask parses, is rewritten and runs, on a schema of eight databases."""

import re
from pathlib import Path

import duckdb
import pytest

from enclave.adapters.policy_server import PolicyServer
from enclave.query.stages import Form
from tests.unit.query import world

FOLDER = Path(__file__).parent / "use_cases"
DDL = (FOLDER / "schema.sql").read_text()
CASES = dict(
    re.findall(r"^-- (\w+)\n(.*?);\s*$", (FOLDER / "queries.sql").read_text(), flags=re.MULTILINE | re.DOTALL)
)
TABLES = {
    f"{m[1]}.{m[2]}": {c.split()[0]: c.split()[1] for c in m[3].split(", ")}
    for m in re.finditer(r"CREATE TABLE (\w+)\.(\w+)\((.*?)\);", DDL)
}


def permit_and_schema() -> dict[str, object]:
    databases: dict[str, dict[str, dict[str, list[str]]]] = {}
    for name, columns in TABLES.items():
        database, table = name.split(".")
        databases.setdefault(database, {})[table] = {"columns": list(columns)}
    return {
        "permit": world.permit(databases=databases, linkage_groups=[sorted(databases)]),
        "schema": world.schema(tables=TABLES),
    }


@pytest.mark.parametrize("name", sorted(CASES))
def test_each_use_case_runs_in_rows_form(name: str, policy: PolicyServer) -> None:
    guarded = world.ask(CASES[name], policy, **permit_and_schema())
    con = duckdb.connect()
    con.execute(DDL)
    assert [c[0] for c in con.execute(guarded.sql).description or ()] == list(guarded.names)
    con.close()


@pytest.mark.parametrize("name", sorted(set(CASES) - {"UC3"}))
def test_each_use_case_over_persons_is_a_table_too(name: str, policy: PolicyServer) -> None:
    """UC3's registry carries an identifier of its own here, not the pseudonym of an extract."""
    guarded = world.ask(CASES[name], policy, Form.TABLE, **permit_and_schema())
    con = duckdb.connect()
    con.execute(DDL)
    con.execute(guarded.sql)
    con.close()
    assert guarded.cells is not None
