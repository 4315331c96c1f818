"""`enclave check`: the verdict on files of every kind, and what it prints."""

import json
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from enclave.cli import cli
from enclave.core.refusal import Refused
from enclave.disclosure.files.examine import Verdict
from enclave.rehearsal import checking

POLICIES = Path(__file__).resolve().parents[3] / "policies"
SAFE = {"sex": ["f", "m", "total"], "n": [120, 95, 215]}
SMALL = {"sex": ["f", "m", "total"], "n": [120, 4, 124]}
BARE = {"sex": ["f", "m"], "mean_bmi": [22.25, 23.5]}


def saved(folder: Path, name: str, columns: dict[str, list[object]]) -> Path:
    path, table = folder / name, pa.table(columns)
    if path.suffix == ".csv":
        lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    elif path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for row in (list(columns), *zip(*columns.values(), strict=True)):
            book.active.append(row)
        book.save(path)
    elif path.suffix == ".parquet":
        pyarrow.parquet.write_table(table, path)
    else:
        with pyarrow.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
    return path


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow", "xlsx"])
@pytest.mark.parametrize(
    ("columns", "verdict", "code"),
    [
        (SAFE, "pass", None),
        (SMALL, "fail", "disclosure.small_cell"),
        (BARE, "human", "disclosure.no_evidence"),
    ],
)
def test_the_same_table_gets_the_same_verdict_in_every_form(
    tmp_path: Path, kind: str, columns: dict[str, list[object]], verdict: str, code: str | None
) -> None:
    path = saved(tmp_path, f"t.{kind}", columns)
    (checked,) = checking.check([path], ["ndb-2024-09"], POLICIES)
    assert checked.verdict.value == verdict
    assert code is None or code in {one.code for one in checked.findings}
    assert checked.digest.startswith("sha256:")


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("picture.png", b"\x89PNG", "disclosure.file_unreadable"),
        ("broken.parquet", b"PAR1", "disclosure.file_unreadable"),
        ("shift-jis.csv", "性別,n\n".encode("cp932"), "export.csv_encoding"),
        ("wide.csv", b"a,n\nx,1,2\n", "export.csv_form"),
        ("nothing.csv", b"", "export.csv_form"),
    ],
)
def test_what_cannot_be_read_is_for_a_human(tmp_path: Path, name: str, data: bytes, code: str) -> None:
    (tmp_path / name).write_bytes(data)
    (checked,) = checking.check([tmp_path / name], ["ndb-2024-09"], POLICIES)
    assert checked.verdict is Verdict.HUMAN
    assert [one.code for one in checked.findings] == [code]


@pytest.mark.parametrize("what", ["metadata", "unused_categories"])
def test_what_a_file_says_beside_its_cells_is_read_by_a_human(tmp_path: Path, what: str) -> None:
    """A note in the schema, or a category whose person was removed, is not seen in any cell."""
    table = pa.table(SAFE)
    if what == "metadata":
        table = table.replace_schema_metadata({b"note": b"one person aged 95"})
    else:
        sexes = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2], pa.int32()), [*SAFE["sex"], "aged 95"])
        table = table.set_column(0, "sex", sexes)
    with pyarrow.ipc.new_file(tmp_path / "t.arrow", table.schema) as writer:
        writer.write_table(table)
    (checked,) = checking.check([tmp_path / "t.arrow"], ["ndb-2024-09"], POLICIES)
    assert checked.verdict is Verdict.HUMAN
    assert "disclosure.file_said" in [one.code for one in checked.findings]
    assert "95" not in str(checked.to_json()["findings"])


def test_lists_in_cells_are_no_table(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pa.table({"sex": ["f"], "n": [[1, 2]]}), tmp_path / "t.parquet")
    (checked,) = checking.check([tmp_path / "t.parquet"], ["ndb-2024-09"], POLICIES)
    assert checked.verdict is Verdict.HUMAN


def test_a_file_that_is_not_there_and_a_set_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="file_missing"):
        checking.check([tmp_path / "none.csv"], ["ndb-2024-09"], POLICIES)
    with pytest.raises(Refused, match="rule_unknown"):
        checking.check([saved(tmp_path, "t.csv", SAFE)], ["none-1999"], POLICIES)


def test_the_command_prints_the_agreed_shape_and_its_status_says_whether_all_may_leave(
    tmp_path: Path,
) -> None:
    good, bad = saved(tmp_path, "good.csv", SAFE), saved(tmp_path, "bad.csv", SMALL)
    run = CliRunner().invoke(cli, ["check", str(good), "--rules", "ndb-2024-09", "--json"])
    assert run.exit_code == 0
    (file,) = json.loads(run.stdout)["files"]
    assert set(file) == {"path", "digest", "verdict", "findings"}
    run = CliRunner().invoke(cli, ["check", str(good), str(bad), "--rules", "ndb-2024-09", "--json"])
    assert run.exit_code == 3
    first, second = json.loads(run.stdout)["files"]
    assert (first["verdict"], second["verdict"]) == ("pass", "fail")
    assert {"code", "where", "facts", "rule_set"} <= set(second["findings"][0])
    told = CliRunner().invoke(
        cli, ["check", str(bad), "--rules", "ndb-2024-09"], env={"LC_ALL": "en_US.UTF-8"}
    )
    assert "disclosure.small_cell" in told.stdout
    assert "fewer than 10 persons" in told.stdout
