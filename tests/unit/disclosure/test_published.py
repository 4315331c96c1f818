"""Public tables whose persons nobody here knows: read from files, and laid beside an output's cells."""

from pathlib import Path

import pytest

from enclave.adapters import published_files
from enclave.adapters.custody_releases import published_lines
from enclave.core.refusal import Refused
from enclave.disclosure.releases.history import Cell, Persons, Ruler
from enclave.disclosure.releases.published import Published, near

SPEC = "dimensions:\n  sex: {total: T}\n  area: {total: Japan, hierarchy: areas.csv}\ncount: persons\n"
AREAS = "child,parent\nTokyo,Kanto\nChiba,Kanto\nKanto,Japan\n"


def files(folder: Path, rows: str, spec: str = SPEC) -> tuple[Path, Path]:
    (folder / "areas.csv").write_text(AREAS, encoding="utf-8")
    (folder / "spec.yaml").write_text(spec, encoding="utf-8")
    (folder / "table.csv").write_text("sex,area,persons\n" + rows, encoding="utf-8")
    return folder / "table.csv", folder / "spec.yaml"


def read(folder: Path, rows: str) -> dict[tuple[str, ...], tuple[int, int | None]]:
    found = published_files.read(*files(folder, rows), "edition 9")
    return {tuple(value for _, value in one.keys): (one.low, one.high) for one in found}


def test_written_numbers_are_exact_and_hidden_ones_are_intervals(tmp_path: Path) -> None:
    """A number, a number with commas, signs for hidden ones with and without a bound, full-width too; totals are margins."""
    found = read(
        tmp_path,
        'T,Japan,"1,234"\n1,Tokyo,<10\n2,Tokyo,1-9\n1,Chiba,３０\n2,Chiba,≤ 9\n2,Kanto,*\nT,Chiba,-\n',
    )
    assert found == {
        ("Σ", "Σ"): (1234, 1234), ("1", "Tokyo"): (0, 9), ("2", "Tokyo"): (1, 9), ("1", "Chiba"): (30, 30),
        ("2", "Chiba"): (0, 9), ("2", "Kanto"): (0, 1234), ("Σ", "Chiba"): (0, 1234),
    }  # fmt: skip


def test_a_hidden_number_is_no_more_than_a_total_that_it_is_part_of(tmp_path: Path) -> None:
    """Totals need not add up: of distinct persons each part is at most the whole, and that is all."""
    found = read(tmp_path, "T,Japan,50\nT,Kanto,40\n1,Tokyo,-\n1,Japan,20\n2,Japan,45\n")
    assert found["1", "Tokyo"] == (0, 20)


def test_without_any_total_nothing_bounds_a_hidden_number(tmp_path: Path) -> None:
    """Nothing is guessed."""
    assert read(tmp_path, "1,Tokyo,-\n") == {("1", "Tokyo"): (0, None)}


@pytest.mark.parametrize(
    ("rows", "code", "facts"),
    [
        ("", "disclosure.shape", {"row": 1}),
        ("1,Tokyo,some\n", "disclosure.not_a_number", {"column": "persons", "row": 1}),
        ("1,Tokyo,9-1\n", "disclosure.not_a_number", {"column": "persons", "row": 1}),
        ("1,Tokyo,1.5\n", "disclosure.not_a_number", {"column": "persons", "row": 1}),
        ("1,Tokyo,5\n1,Chiba,-5\n", "disclosure.negative", {"column": "persons", "row": 2}),
        ("1,Tokyo,5\n1,Tokyo,6\n", "disclosure.duplicate_row", {"row": 2}),
        ("1,Osaka,5\n", "disclosure.category_unknown", {"dimension": "area", "category": "Osaka", "row": 1}),
    ],
)
def test_what_is_no_such_table_is_refused_with_its_place(
    tmp_path: Path, rows: str, code: str, facts: dict[str, object]
) -> None:
    """Nothing is entered of a table with one line that cannot be read."""
    with pytest.raises(Refused) as no:
        published_files.read(*files(tmp_path, rows), "edition 9")
    assert (no.value.code, dict(no.value.facts)) == (code, facts)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    """A spec that names another column than the table has is refused."""
    with pytest.raises(Refused) as no:
        published_files.read(*files(tmp_path, "1,Tokyo,5\n", SPEC.replace("persons", "people")), "edition 9")
    assert no.value.code == "disclosure.column_missing"


def test_a_spec_of_several_tables_enters_one_at_a_time(tmp_path: Path) -> None:
    """Each table is entered by its own file, with its own spec."""
    several = "count: persons\ntables:\n" + "".join(
        f"  {name}:\n    file: {name}.csv\n    dimensions: {{sex: {{total: T}}}}\n" for name in ("a", "b")
    )
    with pytest.raises(Refused) as no:
        published_files.read(*files(tmp_path, "1,Tokyo,5\n", several), "edition 9")
    assert no.value.code == "disclosure.spec_invalid"


def test_what_is_sent_is_what_custody_reads(tmp_path: Path) -> None:
    """A table goes to custody and comes out as it was read."""
    found = published_files.read(*files(tmp_path, "T,Japan,50\n1,Tokyo,<10\n2,Tokyo,-\n"), "edition 9")
    assert published_lines("edition 9", published_files.as_sent(found)) == found


def cell(keys: dict[str, str], size: int) -> Cell:
    return Cell("n/1", "n", "ours", "t", tuple(keys.items()), size, Ruler(1).sketch(Persons()), 10)


@pytest.mark.parametrize(
    ("size", "keys", "low", "high", "beside"),
    [
        (100, {"area": "Tokyo"}, 105, 105, True),
        (100, {"area": "Tokyo"}, 100, 100, False),
        (100, {"area": "Tokyo"}, 110, 110, False),
        (100, {"area": "Chiba"}, 105, 105, False),
        (100, {"area": " TOKYO", "age": "40-"}, 105, 105, True),
        (100, {}, 105, 105, True),
        (12, {"area": "Tokyo"}, 1, 9, True),
        (12, {"area": "Tokyo"}, 0, None, False),
        (12, {"area": "Tokyo"}, 0, 1000, False),
    ],
)
def test_a_cell_stands_beside_public_numbers_that_may_be_few_persons_away(
    size: int, keys: dict[str, str], low: int, high: int | None, beside: bool
) -> None:
    """Near in number, of comparable words, and not the same number; an interval without an end says nothing."""
    public = Published("e", "t", (("area", "Tokyo"), ("sex", "Σ")), low, high)
    assert bool(list(near([cell(keys, size)], [public]))) is beside
