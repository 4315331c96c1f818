"""More rows than a small machine holds are refused while they are read, whatever they are written in."""

import csv
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from enclave.adapters import table_files
from enclave.adapters.table_files import CELLS_AT_MOST, read_specs, read_table
from enclave.core.refusal import Refused
from enclave.rehearsal import tables


def refused(path: Path) -> None:
    with pytest.raises(Refused) as no:
        read_table(path)
    assert (no.value.code, dict(no.value.facts)) == ("disclosure.too_large", {"limit": 250_000})


def text(rows: int) -> str:
    return "a,n\n" + "".join(f"{row},1\n" for row in range(rows))


def test_the_last_row_that_is_held_and_the_first_that_is_not(tmp_path: Path) -> None:
    """250,000 rows of text are read; of one more, none is."""
    file = tmp_path / "t.csv"
    file.write_text(text(CELLS_AT_MOST))
    assert len(read_table(file)) == 250_000
    file.write_text(text(CELLS_AT_MOST + 1))
    refused(file)


def test_text_is_refused_before_what_follows_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after the first row too many could be anything, and of any length: nobody looks at it."""
    monkeypatch.setattr(table_files, "CELLS_AT_MOST", 1_000)
    file = tmp_path / "t.csv"
    file.write_text(text(1_001) + "a row, with, too many, cells\n")
    with pytest.raises(Refused, match="too_large"):
        read_table(file)
    taken = []

    class Watched(io.StringIO):
        def __next__(self) -> str:
            taken.append(1)
            return super().__next__()

    monkeypatch.setattr(Path, "open", lambda *about, **more: Watched(text(100_000)))
    with pytest.raises(Refused, match="too_large"):
        read_table(file)
    assert len(taken) < 1_010


def test_a_parquet_file_is_refused_by_what_its_head_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "t.parquet"
    pyarrow.parquet.write_table(pa.table({"a": pa.array(range(CELLS_AT_MOST + 1))}), file)

    def never(*about: object) -> None:
        raise AssertionError("read")

    monkeypatch.setattr(pyarrow.parquet.ParquetFile, "read", never)
    refused(file)


def test_an_arrow_file_is_refused_however_many_parts_it_has(tmp_path: Path) -> None:
    """No part is large."""
    file = tmp_path / "t.arrow"
    part = pa.record_batch({"a": pa.array(range(50_000))})
    with pa.OSFile(str(file), "wb") as out, pa.ipc.new_file(out, part.schema) as writer:
        for _ in range(6):
            writer.write_batch(part)
    refused(file)


def test_a_hierarchy_is_held_to_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_files, "CELLS_AT_MOST", 1_000)
    (tmp_path / "tree.csv").write_text("child,parent\n" + "".join(f"{row},all\n" for row in range(1_001)))
    spec = tmp_path / "s.yaml"
    spec.write_text("dimensions: {a: {total: all, hierarchy: tree.csv}}\ncount: n\n")
    with pytest.raises(Refused, match="too_large"):
        read_specs(spec)


def test_nothing_is_written_of_a_table_that_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_files, "CELLS_AT_MOST", 1_000)
    with (tmp_path / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerow(["a", "n"])
        file.write("".join(f"{row},1\n" for row in range(1_001)))
    (tmp_path / "s.yaml").write_text("dimensions: {a: {total: all}}\ncount: n\n")
    out = tmp_path / "o.csv"
    with pytest.raises(Refused, match="too_large"):
        tables.protect(
            tmp_path / "t.csv",
            tmp_path / "s.yaml",
            ["ndb-2024-09"],
            out,
            None,
            tables.policies_of_program(),
            0.0,
        )
    assert sorted(one.name for one in tmp_path.iterdir()) == ["s.yaml", "t.csv"]
