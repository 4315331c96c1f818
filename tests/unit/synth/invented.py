"""The small world of these tests, and how it is looked at."""

from pathlib import Path

import duckdb

from enclave.catalogue.packaged import PUBLIC, packaged

PEOPLE = 12_500
FIRST, LAST = 2020, 2023


def attach(folder: Path) -> duckdb.DuckDBPyConnection:
    """Every table as `<database>.<table>`; the person's true number as `pid`, so that one person is one number."""
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA core")
    for table in ("muni", "pop"):
        connection.execute(f"CREATE VIEW core.{table} AS SELECT * FROM '{folder}/core/{table}.parquet'")
    for database in PUBLIC:
        if not (folder / database).is_dir():
            continue
        connection.execute(f"CREATE SCHEMA {database}")
        for table in packaged()[database].tables:
            connection.execute(
                f"CREATE VIEW {database}.{table} AS SELECT m.true_id AS pid, x.* EXCLUDE (person) "
                f"FROM '{folder}/{database}/{table}.parquet' x JOIN '{folder}/truth/{database}.parquet' m USING (person)"
            )
    connection.execute(f"CREATE VIEW persons AS SELECT * FROM '{folder}/truth/persons.parquet'")
    return connection
