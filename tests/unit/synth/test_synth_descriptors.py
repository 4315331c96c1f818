"""What is written fits what the catalogue says of it."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from enclave.catalogue.descriptor import PID, ColumnType, parse
from enclave.catalogue.packaged import CORE, PUBLIC, code_list, packaged
from enclave.catalogue.systems import SYSTEMS
from enclave.synth import codelists

TABLES = [(database, table) for database in PUBLIC for table in packaged()[database].tables]


def arrow_type_fits(found: pa.DataType, wanted: ColumnType) -> bool:
    value = found.value_type if pa.types.is_dictionary(found) else found
    return {
        ColumnType.INT: pa.types.is_integer,
        ColumnType.FLOAT: pa.types.is_floating,
        ColumnType.BOOL: pa.types.is_boolean,
        ColumnType.TEXT: pa.types.is_string,
        ColumnType.CODE: pa.types.is_string,
        ColumnType.DATE: pa.types.is_date,
        ColumnType.MONTH: pa.types.is_date,
    }[wanted](value)


@pytest.mark.parametrize("database", [*PUBLIC, CORE])
def test_the_descriptor_in_the_folder_is_the_catalogues_own(made: Path, database: str) -> None:
    """A source's folder describes itself exactly as the catalogue does."""
    text = (made / database / "descriptor.yaml").read_text(encoding="utf-8")
    assert parse(yaml.safe_load(text)) == packaged()[database]


@pytest.mark.parametrize(("database", "table"), TABLES)
def test_every_table_has_rows_of_the_columns_and_types_that_are_described(
    made: Path, database: str, table: str
) -> None:
    """Each of the eleven databases' tables has rows at 12,500 people, with just the described columns."""
    described = packaged()[database].tables[table]
    file = pq.ParquetFile(made / database / described.file)
    schema = file.schema_arrow
    assert file.metadata.num_rows > 0
    assert set(schema.names) == {column.source for column in described.columns.values()}
    for column in described.columns.values():
        kind = schema.field(column.source).type
        if column.name == PID:
            assert kind == pa.uint64()
        else:
            assert arrow_type_fits(kind, column.type), (column.name, kind)


@pytest.mark.parametrize(("database", "table"), TABLES)
def test_every_code_is_one_that_its_system_or_its_column_lists(made: Path, database: str, table: str) -> None:
    """Codes have their system's form and stand in its list; coded values are among the column's own."""
    described = packaged()[database].tables[table]
    path = made / database / described.file
    connection = duckdb.connect()
    for column in described.columns.values():
        if column.values is None and column.system is None:
            continue
        found = connection.execute(
            f"SELECT DISTINCT {column.source} FROM '{path}' WHERE {column.source} IS NOT NULL"
        )
        values = {str(row[0]) for row in found.fetchall()}
        if column.values is not None:
            assert values <= set(column.values), column.name
        elif column.system is not None:
            system = SYSTEMS[column.system]
            assert all(system.pattern.fullmatch(value) for value in values), column.name
            if system.table is not None and system.table not in {"core.muni", "core.pop"}:
                listed = {
                    line.split(",")[0] for line in code_list(system.table.split(".")[1]).decode().splitlines()
                }
                if system.id == "ssk_drug":
                    listed = {line.split(",")[1] for line in code_list("drug").decode().splitlines()}
                assert values <= listed, (column.name, sorted(values - listed)[:5])


@pytest.mark.parametrize(("database", "table"), TABLES)
def test_every_row_has_its_person_and_months_are_first_days(made: Path, database: str, table: str) -> None:
    """No row lacks its person; a month is written as its first day."""
    described = packaged()[database].tables[table]
    path = made / database / described.file
    months = [c.source for c in described.columns.values() if c.type is ColumnType.MONTH]
    wrong = " OR ".join(
        [f"{described.columns[PID].source} IS NULL", *(f"day({name}) <> 1" for name in months)]
    )
    assert duckdb.sql(f"SELECT count(*) FROM '{path}' WHERE {wrong}").fetchone() == (0,)


def test_record_numbers_are_unique_in_their_table(made: Path) -> None:
    """A claim has one number and an admission has one."""
    for path, name in (("ndb/rcpt", "rcpt_id"), ("dpc/form1", "data_id")):
        counted = duckdb.sql(
            f"SELECT count(*), count(DISTINCT {name}), min({name}) FROM '{made}/{path}.parquet'"
        )
        rows, distinct, least = counted.fetchone() or (0, 1, 0)
        assert rows == distinct
        assert least > 0


def test_lines_belong_to_claims(made: Path) -> None:
    """Every line of a claim names a claim of the same person."""
    for line in ("sy", "si", "iy", "to", "bu", "cd"):
        lost = duckdb.sql(
            f"SELECT count(*) FROM '{made}/ndb/{line}.parquet' ANTI JOIN '{made}/ndb/rcpt.parquet' USING (rcpt_id, person)"
        ).fetchone()
        assert lost == (0,), line


def test_areas_lie_within_one_another(made: Path) -> None:
    """A municipality's area and prefecture are those of the reference table, and no code is a real municipality's."""
    wrong = duckdb.sql(
        f"SELECT count(*) FROM '{made}/ndb/rcpt.parquet' r LEFT JOIN '{made}/core/muni.parquet' m USING (muni_code) "
        "WHERE m.sma_code IS DISTINCT FROM r.sma_code OR m.pref_code IS DISTINCT FROM r.pref_code"
    ).fetchone()
    assert wrong == (0,)
    least = duckdb.sql(f"SELECT min(muni_code[3:5]::int) FROM '{made}/core/muni.parquet'").fetchone()
    assert least is not None
    assert least[0] > 800


def test_code_lists_of_the_generator_stand_in_the_catalogue() -> None:
    """Not only what one world happens to use: every code the tables of parameters name is listed."""
    listed = {line.split(",")[0] for line in code_list("disease").decode().splitlines()}
    assert set(codelists.diseases().code) <= listed
    listed = {line.split(",")[0] for line in code_list("act").decode().splitlines()}
    assert set(codelists.acts().code) <= listed
    listed = {line.split(",")[0] for line in code_list("drug").decode().splitlines()}
    assert set(codelists.products().yj12) <= listed
