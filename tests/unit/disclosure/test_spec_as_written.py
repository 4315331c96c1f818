"""A spec is read as people write codes, and no file is written over one that is read or over another."""

from pathlib import Path

import pytest

from enclave.core.refusal import Refused
from enclave.rehearsal import tables

POLICIES = tables.policies_of_program()
TABLE = "a,b,n\na0,b0,3\na0,b1,12\na1,b0,9\na1,b1,30\na0,T,15\na1,T,39\nT,b0,12\nT,b1,42\nT,T,54\n"
SPEC = "dimensions: {a: {total: T}, b: {total: T}}\ncount: n\n"
RULES = "id: r\nvalid_from: 2024-01-01\nsource: invented\nscope: {databases: ['*']}\nmin_persons: {n: 5, zero: shown}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "t.csv").write_text(TABLE)
    (tmp_path / "s.yaml").write_text(SPEC)
    (tmp_path / "r.yaml").write_text(RULES)
    return tmp_path


def _protect(folder: Path, out: str = "o.csv", published: str | None = None) -> dict[str, object]:
    public = None if published is None else folder / published
    return tables.protect(*_files(folder, out), public, POLICIES, 0.0)


def _files(folder: Path, out: str = "o.csv") -> tuple[Path, Path, list[str], Path]:
    return folder / "t.csv", folder / "s.yaml", [str(folder / "r.yaml")], folder / out


@pytest.mark.parametrize("code", ["00", "010", "9", "no", "On", "2024-02-20", "2024-02-30", "1:30", "1_0"])
def test_a_code_is_what_is_written(folder: Path, code: str) -> None:
    """YAML itself takes these for a number, a truth value or a day."""
    (folder / "t.csv").write_text(TABLE.replace("T", code))
    (folder / "s.yaml").write_text(SPEC.replace("total: T", f"total: {code}"))
    assert _protect(folder)["secondary"] == 3
    assert tables.verify(*_files(folder), POLICIES)["verified"]


def test_a_total_that_is_in_no_row_is_named(folder: Path) -> None:
    """Otherwise every row would seem not to add up."""
    (folder / "s.yaml").write_text(SPEC.replace("b: {total: T}", "b: {total: All}"))
    with pytest.raises(Refused) as refused:
        _protect(folder)
    assert (refused.value.code, refused.value.facts["where"]) == (
        "disclosure.spec_invalid",
        "dimensions.b.total",
    )


@pytest.mark.parametrize(
    "spec",
    [
        "[" * 5000,
        SPEC + "count: m\n",
        "&a [*a]",
        "tables: {x: {file: t.csv, dimensions: {a: {total: T}, b: {total: T}}, within: 3}}\ncount: n\n",
    ],
)
def test_a_spec_that_is_none_is_refused(folder: Path, spec: str) -> None:
    """Too deep, a key twice, itself, a number where codes belong."""
    (folder / "s.yaml").write_text(spec)
    with pytest.raises(Refused) as refused:
        _protect(folder)
    assert refused.value.code == "disclosure.spec_invalid"


def test_a_rule_set_too_deep_to_be_read_is_refused(folder: Path) -> None:
    """The reader of YAML ends where Python does."""
    (folder / "r.yaml").write_text("[" * 5000)
    with pytest.raises(Refused) as refused:
        _protect(folder)
    assert refused.value.code == "disclosure.rule_invalid"


def test_a_line_for_the_total_itself_belongs_to_a_hierarchy(folder: Path) -> None:
    """Many write it, with nothing above it."""
    (folder / "h.csv").write_text("child,parent\nT,\na0,T\na1,T\n")
    (folder / "s.yaml").write_text(SPEC.replace("a: {total: T}", "a: {total: T, hierarchy: h.csv}"))
    assert _protect(folder)["secondary"] == 3
    assert tables.verify(*_files(folder), POLICIES)["verified"]


@pytest.mark.parametrize(
    ("out", "published"),
    [
        ("t.csv", None),
        ("s.yaml", None),
        ("r.yaml", None),
        ("o.csv", "o.csv"),
        ("o.csv", "o.csv.cert.jsonl"),
        ("o.csv", "t.csv"),
        ("o.csv", "elsewhere/../t.csv"),
    ],
)
def test_nothing_is_written_over_what_is_read_or_over_another(
    folder: Path, out: str, published: str | None
) -> None:
    """The certificates in the place of the public table would hold what is hidden."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(Refused) as refused:
        _protect(folder, out, published)
    assert refused.value.code == "disclosure.file_unwritable"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_folder_for_several_tables_is_not_the_public_one(folder: Path) -> None:
    """Each of its files would be written twice."""
    spec = "tables: {x: {file: t.csv, dimensions: {a: {total: T}, b: {total: T}}}}\ncount: n\n"
    (folder / "s.yaml").write_text(spec)
    with pytest.raises(Refused) as refused:
        tables.protect(
            folder, folder / "s.yaml", [str(folder / "r.yaml")], folder / "o", folder / "o", POLICIES, 0.0
        )
    assert refused.value.code == "disclosure.file_unwritable"
    assert not (folder / "o").exists()
