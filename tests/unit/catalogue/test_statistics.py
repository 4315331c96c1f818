"""What is published of a column: rounded, hidden where few stand behind it, and never a person's own extreme."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enclave.adapters.statistics_files import FILE, read_statistics, write_statistics
from enclave.catalogue.descriptor import Descriptor, parse
from enclave.catalogue.packaged import packaged
from enclave.catalogue.statistics import (
    ColumnFacts,
    ColumnStatistics,
    Kind,
    Statistics,
    TableFacts,
    Thresholds,
    count,
    from_json,
    kind_of,
    publish,
    rank,
    to_json,
)
from enclave.core.ids import DatabaseId
from enclave.core.refusal import Refused

TEN = Thresholds(n=10, base=10, margin=10, rule_sets=("ndb-2024-09",))


def one(column: dict[str, Any]) -> Descriptor:
    """A database of one table with one column `x`."""
    return parse(
        {"database": "d", "tables": {"t": {"file": "t.csv", "person": "id", "columns": {"x": column}}}}
    )


def published(
    column: dict[str, Any], facts: ColumnFacts, rows: int = 1000, persons: int = 500
) -> ColumnStatistics:
    found = publish(one(column), {"t": TableFacts(rows, persons, {"x": facts})}, TEN, "2026-11-21T00:00:00Z")
    return found.tables["t"].columns["x"]


FULL = ColumnFacts(missing_rows=0, missing_persons=0, present_persons=500)
INT = {"type": "int", "role": "clinical"}


@pytest.mark.parametrize(
    ("number", "persons", "shown"),
    [
        (0, 0, 0),
        (3, 1, None),
        (900, 9, None),
        (10, 10, 10),
        (14, 12, 10),
        (16, 12, 20),
        (12_345, 500, 12_340),
    ],
)
def test_counts_are_rounded_and_hidden_below_the_threshold(
    number: int, persons: int, shown: int | None
) -> None:
    """Also many rows of few persons: they would say how often those few came."""
    assert count(number, persons, TEN) == shown


@pytest.mark.parametrize(
    ("missing_rows", "missing_persons", "present", "shown"),
    [
        (0, 0, 500, 0),
        (1, 1, 500, None),
        (9, 9, 500, None),
        (10, 10, 500, 1),
        (3, 10, 500, 1),
        (250, 200, 400, 25),
        (999, 500, 10, 99),
        (999, 500, 3, None),
        (1000, 500, 0, 100),
    ],
)
def test_what_is_missing_is_whole_per_cent_and_hidden_where_few_lack_or_have_it(
    missing_rows: int, missing_persons: int, present: int, shown: int | None
) -> None:
    """Neither none nor all is said where it is not so."""
    assert published(INT, ColumnFacts(missing_rows, missing_persons, present)).missing == shown


RANGES: list[tuple[str, dict[str, Any], Any, Any, tuple[str | None, str | None]]] = [
    ("whole numbers go outward to two figures", INT, 123, 4567, ("120", "4600")),
    ("small whole numbers stay", INT, 1, 52, ("1", "52")),
    ("zero stays", INT, 0, 9, ("0", "9")),
    ("below zero", INT, -123, 5, ("-130", "5")),
    ("fractions", {"type": "float", "role": "clinical"}, 4.63, 13.21, ("4.6", "14")),
    ("a multiple stays", {"type": "float", "role": "clinical"}, 7.9, 8.1, ("7.9", "8.1")),
    ("bands", {"type": "int", "role": "identifying", "bands": 5}, 17, 96, ("15", "100")),
    ("days become months", {"type": "date", "role": "date"}, date(2019, 4, 17), date(2023, 3, 2), ("2019-04", "2023-03")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("column", "low", "high", "shown"), [r[1:] for r in RANGES], ids=[r[0] for r in RANGES]
)
def test_a_range_ends_outward_of_the_values_it_comes_from(
    column: dict[str, Any], low: Any, high: Any, shown: tuple[str | None, str | None]
) -> None:
    """A published end is nobody's exact value but by chance."""
    found = published(column, ColumnFacts(0, 0, 500, low=low, high=high))
    assert (found.low, found.high) == shown


@pytest.mark.parametrize("persons", [0, 9, 29])
def test_a_range_of_few_persons_is_hidden(persons: int) -> None:
    """Ten beyond each end and ten between them are needed."""
    assert rank(persons, TEN) is None
    found = published(INT, ColumnFacts(0, 0, persons, low=1, high=2), persons=persons)
    assert (found.low, found.high) == (None, None)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (INT, Kind.RANGE),
        ({**INT, "values": {"1": "a"}}, Kind.CODES),
        ({"type": "bool", "role": "clinical"}, Kind.CODES),
        ({"type": "code", "system": "icd10", "role": "clinical"}, Kind.CODES),
        ({"type": "int", "role": "facility"}, Kind.CODES),
        ({"type": "text", "role": "clinical"}, Kind.NOTHING),
        ({"type": "int", "role": "person"}, Kind.NOTHING),
        ({**INT, "sensitivity": "restricted"}, Kind.NOTHING),
    ],
)
def test_a_column_is_summarised_by_what_it_is(column: dict[str, Any], kind: Kind) -> None:
    """Numbers of persons and records, free text and restricted columns are not summarised at all."""
    found = kind_of(one(column).tables["t"].columns["x"])
    assert found is kind
    facts = ColumnFacts(0, 0, 500, codes=4, low=1, high=2)
    shown = published(column, facts)
    assert (shown.codes is not None) == (kind is Kind.CODES)
    assert (shown.low is not None) == (kind is Kind.RANGE)


@given(
    st.lists(st.lists(st.integers(-500, 5000), min_size=1, max_size=4), min_size=1, max_size=400),
    st.sampled_from([5, 10, 20]),
)
def test_beyond_each_end_of_a_range_there_are_enough_persons(values: list[list[int]], n: int) -> None:
    """Whatever the values: at least `margin` persons lie at or beyond the values that the ends come from."""
    thresholds = Thresholds(n, n, n, ())
    k = rank(len(values), thresholds)
    if k is None:
        return
    low = sorted(min(v) for v in values)[k - 1]
    high = sorted((max(v) for v in values), reverse=True)[k - 1]
    facts = TableFacts(
        sum(map(len, values)), len(values), {"x": ColumnFacts(0, 0, len(values), low=low, high=high)}
    )
    found = publish(one(INT), {"t": facts}, thresholds, "").tables["t"].columns["x"]
    if found.low is None or found.high is None:
        return
    assert sum(min(v) <= low for v in values) >= n
    assert sum(max(v) >= high for v in values) >= n
    assert float(found.low) <= low
    assert float(found.high) >= high


@given(st.integers(0, 2000), st.integers(0, 2000))
def test_one_person_more_moves_a_count_by_a_whole_step_or_not_at_all(number: int, persons: int) -> None:
    """Two registrations that differ by one person look alike, or differ by the base."""
    persons = min(persons, number)
    before, after = count(number, persons, TEN), count(number + 1, persons + 1, TEN)
    if before is not None and after is not None and persons:
        assert after - before in {0, TEN.base}


def test_statistics_are_written_whole_and_read_again(tmp_path: Path) -> None:
    """What is published is what the page shows; a torn file is shown as none."""

    class Place:
        catalogue = tmp_path

    ndb = packaged()[DatabaseId("ndb")]
    facts = {"sy": TableFacts(5000, 700, {"icd10": ColumnFacts(40, 30, 690, codes=120)})}
    found = publish(ndb, facts, TEN, "2026-11-21T00:00:00Z")
    path = write_statistics(found, tmp_path)
    assert path.stat().st_mode & 0o777 == 0o644
    assert read_statistics(Place()) == {"ndb": found}  # type: ignore[arg-type]  # only the folder is read
    assert json.loads(path.read_text())["tables"]["sy"]["columns"]["icd10"] == {"missing": 1, "codes": 120}
    path.write_text(path.read_text()[:40])
    assert read_statistics(Place()) == {}  # type: ignore[arg-type]  # as above
    assert path.name == FILE


def test_tables_without_persons_and_tables_without_facts_are_left_out() -> None:
    """Reference tables are public as they are."""
    found = publish(packaged()[DatabaseId("core")], {"pref": TableFacts(47, 0, {})}, TEN, "")
    assert found == Statistics(DatabaseId("core"), "", TEN.rule_sets, {})


@pytest.mark.parametrize("data", [{}, {"schema": "x"}, {"schema": "enclave.statistics/1", "database": "d"}])
def test_a_file_of_another_shape_is_refused(data: dict[str, Any]) -> None:
    """Nothing is guessed."""
    with pytest.raises(Refused) as no:
        from_json(data)
    assert no.value.code == "catalogue.statistics_malformed"


def test_what_is_printed_reads_back_equal() -> None:
    """Also what is hidden."""
    found = publish(one(INT), {"t": TableFacts(5, 3, {"x": FULL})}, TEN, "now")
    assert found.tables["t"].rows is None
    assert from_json(json.loads(json.dumps(to_json(found)))) == found
