"""Keys beyond all numbers and all calendars are keys: told apart, ordered, and sent as the engine has them."""

import math
from datetime import date

import duckdb
import pyarrow as pa
import pytest

from enclave.gateway.key_values import Far, order, values

FOUND = duckdb.sql(
    """SELECT * FROM (VALUES
        (1, 'nan'::DOUBLE, 'infinity'::DATE, 'infinity'::TIMESTAMP, TIME '24:00:00'),
        (2, 'nan'::DOUBLE, '-infinity'::DATE, TIMESTAMP '2020-01-01', TIME '00:00:00'),
        (3, 'inf'::DOUBLE, DATE '2020-01-01', TIMESTAMP '290000-01-01', NULL),
        (4, NULL, NULL, NULL, TIME '10:00:00'),
        (5, 1.5, DATE '290000-01-01', '-infinity'::TIMESTAMP, TIME '10:00:00')) AS t(i, f, d, t, c) ORDER BY i"""
).to_arrow_table()


@pytest.mark.parametrize("name", ["f", "d", "t", "c"])
def test_what_is_read_of_a_column_makes_the_same_column(name: str) -> None:
    column = FOUND.column(name)
    made = pa.array(values(column), type=column.type)
    assert [one.value if hasattr(one, "value") else str(one) for one in made] == [
        one.value if hasattr(one, "value") else str(one) for one in column
    ]


@pytest.mark.parametrize("name", ["f", "d", "t", "c"])
def test_keys_are_as_many_as_the_engine_tells_apart(name: str) -> None:
    different = duckdb.from_arrow(FOUND).aggregate(f"count(DISTINCT {name})").fetchall()[0][0]
    assert len({value for value in values(FOUND.column(name)) if value is not None}) == different


@pytest.mark.parametrize("name", ["f", "d", "t"])
def test_keys_are_ordered_as_the_engine_does(name: str) -> None:
    told = [value for value in values(FOUND.column(name)) if value is not None]
    engine = duckdb.from_arrow(FOUND).filter(f"{name} IS NOT NULL").order(name).project(name).to_arrow_table()
    assert sorted(told, key=order) == values(engine.column(name))


def test_what_a_calendar_has_stays_a_day() -> None:
    found = values(FOUND.column("d"))
    assert found[2] == date(2020, 1, 1)
    assert isinstance(found[0], Far)
    one, other = values(FOUND.column("f"))[:2]
    assert math.isnan(one)
    assert one is other
