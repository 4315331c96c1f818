"""A permit's row condition, compiled for custody: one predicate of the query grammar over known columns.

Decides that every column it names exists and prints it again with quoted identifiers, so that the text of the permit is
never executed. What it means is evaluated on source values, when the extract is built.
"""

from collections.abc import Collection

from sqlglot import exp

from enclave.core.refusal import Refused
from enclave.query.parse import predicate


def compile_condition(text: str, columns: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """(SQL with quoted names, columns it reads). Raises Refused `permit.malformed` for anything that is not one
    predicate over the given columns."""
    condition = predicate(text)
    known = {name.lower(): name for name in columns}
    read: set[str] = set()
    for column in condition.find_all(exp.Column):
        if column.table or column.name.lower() not in known:
            raise Refused("permit.malformed", {"place": "rows"})
        column.set("this", exp.to_identifier(known[column.name.lower()], quoted=True))
        read.add(known[column.name.lower()])
    return condition.sql(dialect="duckdb", identify=True), tuple(sorted(read))
