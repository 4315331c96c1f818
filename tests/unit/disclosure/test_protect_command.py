"""`enclave protect`: files in, files out; what is wrong with a table, its spec or its rules is said with a code and a place."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest
import yaml

from enclave.core.refusal import Refused
from enclave.rehearsal import tables

POLICIES = Path(__file__).resolve().parents[3] / "policies"

RULES = {
    "id": "three", "valid_from": "2020-01-01", "source": "invented", "scope": {"databases": ["*"]},
    "min_persons": {"n": 3, "zero": "shown"},
}  # fmt: skip

TREE = [("r1", "T"), ("r2", "T"), ("r11", "r1"), ("r12", "r1"), ("r21", "r2"), ("r22", "r2")]

COUNTS = [("r11", "m", 1), ("r11", "f", 20), ("r12", "m", 30), ("r12", "f", 9), ("r21", "m", 12), ("r21", "f", 8), ("r22", "m", 7), ("r22", "f", 40)]  # fmt: skip


def cells() -> list[dict[str, Any]]:
    """All cells of region by sex, margins included."""
    above = dict(TREE)
    sums: dict[tuple[str, str], int] = {}
    for region, sex, count in COUNTS:
        for code in (region, above[region], "T"):
            for one in (sex, "T"):
                sums[code, one] = sums.get((code, one), 0) + count
    return [{"region": region, "sex": sex, "n": count} for (region, sex), count in sums.items()]


@dataclass
class Files:
    folder: Path
    rows: list[dict[str, Any]] = field(default_factory=cells)
    spec: Any = field(
        default_factory=lambda: {
            "dimensions": {"region": {"hierarchy": "tree.csv", "total": "T"}, "sex": {"total": "T"}}, "count": "n",
        }
    )  # fmt: skip
    tree: list[tuple[str, str]] = field(default_factory=lambda: list(TREE))
    rules: Any = field(default_factory=lambda: dict(RULES))
    table: str = "table.csv"

    @property
    def out(self) -> Path:
        return self.folder / "out.csv"

    def run(self, verify: bool = False) -> dict[str, object]:
        (self.folder / "three").mkdir(exist_ok=True)
        (self.folder / "three" / "data.yaml").write_text(yaml.safe_dump(self.rules))
        spec = self.folder / "spec.yaml"
        spec.write_text(self.spec if isinstance(self.spec, str) else yaml.safe_dump(self.spec))
        with (self.folder / "tree.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("child", "parent"), *self.tree])
        place = self.folder / self.table
        if not place.exists() and place.suffix == ".csv":
            with place.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(self.rows[0]))
                writer.writeheader()
                writer.writerows(self.rows)
        rules = [str(self.folder / "three")]
        if verify:
            return tables.verify(place, spec, rules, self.out, POLICIES)
        return tables.protect(
            place, spec, rules, self.out, self.folder / "public.csv", POLICIES, tables.time.monotonic()
        )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_only_small_cell_takes_others_with_it_and_nothing_of_them_is_written(files: Files) -> None:
    said = files.run()
    assert said["primary"] == 1
    assert said["optimal"] is True
    assert said["loss"] == said["bound"]
    out, public = read(files.out), read(files.folder / "public.csv")
    assert list(out[0]) == ["region", "sex", "n", "status", "lower", "upper", "bounds"]
    assert list(public[0]) == ["region", "sex", "n", "status"]
    assert {row["status"] for row in public} == {"shown", "hidden"}
    unsafe = next(row for row in out if row["status"] == "primary")
    assert (unsafe["region"], unsafe["sex"], unsafe["n"]) == ("r11", "m", "")
    # Zeros are shown, so who is hidden is at least one.
    assert unsafe["lower"] == "1"
    assert int(unsafe["upper"]) >= 2
    true = {(row["region"], row["sex"]): row["n"] for row in files.rows}
    for row, seen in zip(out, public, strict=True):
        if row["status"] == "shown":
            assert (
                row["n"] == row["lower"] == row["upper"] == seen["n"] == str(true[row["region"], row["sex"]])
            )
        else:
            assert row["n"] == seen["n"] == ""
            assert int(row["lower"]) <= true[row["region"], row["sex"]] <= int(row["upper"])
    assert files.run(verify=True) == {"hidden": said["primary"] + said["secondary"], "verified": True}  # type: ignore[operator]


def test_the_same_files_give_the_same_bytes(files: Files) -> None:
    files.run()
    names = ("out.csv", "out.csv.cert.jsonl", "public.csv")
    first = [(files.folder / name).read_bytes() for name in names]
    files.run()
    assert [(files.folder / name).read_bytes() for name in names] == first


def test_parquet_and_arrow_hold_the_same_table(files: Files) -> None:
    files.run()
    expected = files.out.read_bytes()
    table = pa.Table.from_pylist(cells())
    pyarrow.parquet.write_table(table, files.folder / "table.parquet")
    with pyarrow.ipc.new_file(files.folder / "table.arrow", table.schema) as writer:
        writer.write_table(table)
    for name in ("table.parquet", "table.arrow"):
        files.table = name
        files.run()
        assert files.out.read_bytes() == expected


def test_a_table_in_csv_is_protected_without_what_reads_the_others(files: Files) -> None:
    """Loading Arrow, or numpy's masked arrays, takes as long as protecting a small table."""
    files.run()
    folder = files.folder
    asked = [str(folder / name) for name in ("table.csv", "spec.yaml", "three", "out.csv")]
    script = (
        "import sys\nfrom pathlib import Path\nfrom enclave.rehearsal import tables\n"
        "table, spec, rules, out, policies = sys.argv[1:]\n"
        "tables.protect(Path(table), Path(spec), [rules], Path(out), None, Path(policies), tables.began())\n"
        "print([name for name in ('pyarrow', 'numpy.ma', 'duckdb', 'sqlalchemy') if name in sys.modules])"
    )
    command = [sys.executable, "-c", script, *asked, str(POLICIES)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_magnitudes_keep_their_decimals_and_are_protected_by_contribution(files: Files) -> None:
    """Two enterprises of a cell: the smaller knows the larger to within what is left, unless p % keeps it wide."""
    files.spec |= {"value": "v", "max1": "x", "max2": "y"}
    files.rules["p_percent"] = {"p": 15, "n": 1}
    above = dict(TREE)
    held: dict[tuple[str, str], list[Decimal]] = {}
    for region, sex, count in COUNTS:
        shares = [Decimal("10.05")] * (count - 1) + [Decimal("11.2")]
        if (region, sex) == ("r21", "m"):
            shares = [Decimal("1000.5"), Decimal(20)] + [Decimal("0.5")] * (count - 2)
        for code in (region, above[region], "T"):
            for one in (sex, "T"):
                held.setdefault((code, one), []).extend(shares)
    files.rows = [
        {"region": region, "sex": sex, "n": len(shares), "v": sum(shares), "x": max(shares), "y": sorted(shares)[-2] if len(shares) > 1 else 0}
        for (region, sex), shares in held.items()
    ]  # fmt: skip
    files.run()
    out = {(row["region"], row["sex"]): row for row in read(files.out)}
    cell = out["r21", "m"]
    true = sum(held["r21", "m"])
    lacking = Decimal("0.15") * Decimal("1000.5") - (true - Decimal("1020.5"))
    assert cell["status"] == "primary"
    assert Decimal(cell["lower"]) <= true - lacking
    assert cell["upper"] == "inf" or Decimal(cell["upper"]) >= true + lacking
    assert out["T", "T"]["v"] == str(sum(held["T", "T"]))
    assert files.run(verify=True)["verified"]


def test_a_missing_row_is_an_empty_cell(files: Files) -> None:
    files.rows = [row for row in files.rows if row["region"] != "r22"]
    for row in files.rows:
        gone = sum(n for region, sex, n in COUNTS if region == "r22" and row["sex"] in (sex, "T"))
        if row["region"] in ("r2", "T"):
            row["n"] -= gone
    files.run()
    assert not [row for row in read(files.out) if row["region"] == "r22"]
    assert files.run(verify=True)["verified"]


def _cell(files: Files, number: int, **values: Any) -> None:
    files.rows[number] |= values


Wrong = Callable[[Files], Any]

WRONG: dict[str, tuple[str, Wrong]] = {
    "a column that the spec names is missing": ("disclosure.column_missing", lambda f: f.spec.update(value="salary")),
    "a dimension that is no column": ("disclosure.column_missing", lambda f: f.spec["dimensions"].update(age={"total": "T"})),
    "a hierarchy with a cycle": ("disclosure.hierarchy_invalid", lambda f: f.tree.extend([("a", "b"), ("b", "a")])),
    "a hierarchy whose total has a parent": ("disclosure.hierarchy_invalid", lambda f: f.tree.append(("T", "r1"))),
    "a code of two parents": ("disclosure.hierarchy_invalid", lambda f: f.tree.append(("r11", "r2"))),
    "a code that leads to no total": ("disclosure.hierarchy_invalid", lambda f: f.tree.append(("x", "y"))),
    "a code that no hierarchy has": ("disclosure.category_unknown", lambda f: _cell(f, 0, region="r99")),
    "a negative count": ("disclosure.negative", lambda f: _cell(f, 0, n=-1)),
    "a negative zero of a float": ("disclosure.margin_incomplete", lambda f: _cell(f, 0, n="-0.0")),
    "half a person": ("disclosure.not_a_number", lambda f: _cell(f, 0, n="1.5")),
    "a word for a count": ("disclosure.not_a_number", lambda f: _cell(f, 0, n="few")),
    "nothing for a count": ("disclosure.not_a_number", lambda f: _cell(f, 0, n="")),
    "NaN": ("disclosure.not_finite", lambda f: _cell(f, 0, n="NaN")),
    "infinity": ("disclosure.not_finite", lambda f: _cell(f, 0, n="-Infinity")),
    "a total that does not add up": ("disclosure.margin_incomplete", lambda f: _cell(f, 4, n=1000)),
    "a total that is missing": ("disclosure.margin_incomplete", lambda f: f.rows.__delitem__(slice(None)) or f.rows.extend(one for one in cells() if one["region"] != "r1")),
    "a cell written twice": ("disclosure.duplicate_row", lambda f: f.rows.append(dict(f.rows[0]))),
    "a spec that is no YAML": ("disclosure.spec_invalid", lambda f: setattr(f, "spec", "dimensions: [")),
    "a spec that is a list": ("disclosure.spec_invalid", lambda f: setattr(f, "spec", [1])),
    "an unknown key": ("disclosure.spec_invalid", lambda f: f.spec.update(dimension={})),
    "no dimension": ("disclosure.spec_invalid", lambda f: f.spec.update(dimensions={})),
    "a dimension without its total": ("disclosure.spec_invalid", lambda f: f.spec["dimensions"].update(sex={})),
    "no time at all": ("disclosure.spec_invalid", lambda f: f.spec.update(time_limit=0)),
    "endless time in words": ("disclosure.spec_invalid", lambda f: f.spec.update(time_limit=".inf")),
    "a hierarchy that is not there": ("disclosure.file_missing", lambda f: f.spec["dimensions"]["region"].update(hierarchy="no.csv")),
    "a column named as a status": ("disclosure.name_taken", lambda f: f.spec["dimensions"].update(status={"total": "T"})),
    "an unknown rule": ("disclosure.rule_unknown_key", lambda f: f.rules.update(min_person={"n": 3})),
    "a rule that needs contributions of a count": ("disclosure.rule_unsupported", lambda f: (f.rules.update(dominance={"n": 2, "k": 90}), f.spec.update(value="n2"), [row.update(n2=row["n"]) for row in f.rows])),
    "a rule about institutions": ("disclosure.rule_unsupported", lambda f: f.rules.update(min_institutions={"n": 3})),
    "a rule that rounds": ("disclosure.rule_unsupported", lambda f: f.rules.update(rounding={"base": 5})),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_and_nothing_is_written(files: Files, name: str) -> None:
    code, spoil = WRONG[name]
    spoil(files)
    with pytest.raises(Refused) as refused:
        files.run()
    assert refused.value.code == code
    assert not files.out.exists()
    assert not (files.folder / "public.csv").exists()
    assert not list(files.folder.glob("*.cert.jsonl"))


def test_files_that_are_no_tables(files: Files) -> None:
    for name, content, code in (
        ("a.csv", b"\xff\xfe\x00n", "disclosure.file_unreadable"),
        ("b.parquet", b"PAR1 no", "disclosure.file_unreadable"),
        ("c.arrow", b"", "disclosure.file_unreadable"),
        ("d.sav", b"x", "disclosure.file_unreadable"),
        ("e.csv", b"", "disclosure.shape"),
        ("f.csv", b"region,sex,n\n", "disclosure.shape"),
        ("g.csv", b"region,sex,n\nT,T\n", "disclosure.shape"),
        ("h.csv", b"region,sex,n,n\nT,T,1,1\n", "disclosure.shape"),
        ("none.csv", None, "disclosure.file_missing"),
    ):
        if content is None:
            (files.folder / "none.csv").mkdir()
        else:
            (files.folder / name).write_bytes(content)
        files.table = name
        with pytest.raises(Refused) as refused:
            files.run()
        assert refused.value.code == code, name


def test_certificates_that_are_gone_broken_or_false_are_refused(files: Files) -> None:
    files.run()
    certificates = files.folder / "out.csv.cert.jsonl"
    whole = certificates.read_text()
    lines = whole.splitlines()
    forged = json.loads(lines[0])
    forged["low"] = forged["high"] = []
    for content in (
        "",
        "{",
        "[]\n",
        '{"cell": {}}\n',
        "\n".join([json.dumps(forged), *lines[1:]]),
        lines[0].replace("1", "x"),
    ):
        certificates.write_text(content)
        with pytest.raises(Refused, match="certificate_invalid"):
            files.run(verify=True)
    certificates.unlink()
    with pytest.raises(Refused, match="certificate_invalid"):
        files.run(verify=True)
    certificates.write_text(whole)
    assert files.run(verify=True)["verified"]


def test_a_set_of_the_program_is_named_by_its_id(files: Files) -> None:
    files.run()
    said = tables.protect(
        files.folder / "table.csv",
        files.folder / "spec.yaml",
        ["ndb-2024-09"],
        files.out,
        None,
        POLICIES,
        tables.time.monotonic(),
    )
    assert said["primary"] == 4
    with pytest.raises(Refused, match="rule_unknown"):
        tables.protect(
            files.folder / "table.csv",
            files.folder / "spec.yaml",
            ["ndb-1999"],
            files.out,
            None,
            POLICIES,
            tables.time.monotonic(),
        )


def test_where_everything_is_small_nothing_is_shown(files: Files) -> None:
    files.rows = [{"region": code, "sex": sex, "n": 1} for code in ("r11", "r1", "T") for sex in ("m", "T")]
    files.run()
    out = read(files.out)
    assert {row["status"] for row in out} == {"primary"}
    assert {(row["lower"], row["upper"]) for row in out} == {("1", "inf")}
    assert files.run(verify=True)["verified"]


def test_certificates_are_not_checked_by_a_set_that_does_not_exist(files: Files) -> None:
    files.run()
    with pytest.raises(Refused, match="rule_unknown"):
        tables.verify(
            files.folder / "table.csv", files.folder / "spec.yaml", ["ndb-1999"], files.out, POLICIES
        )
