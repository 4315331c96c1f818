"""`enclave protect` over several tables: a folder in, folders out, one file of certificates; what does not fit is refused."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from enclave.core.refusal import Refused
from enclave.rehearsal import tables

POLICIES = Path(__file__).resolve().parents[3] / "policies"
RULES = {
    "id": "three", "valid_from": "2020-01-01", "source": "invented", "scope": {"databases": ["*"]},
    "min_persons": {"n": 3, "zero": "shown"},
}  # fmt: skip
TREE = {"r11": "r1", "r12": "r1", "r21": "r2", "r22": "r2", "r1": "T", "r2": "T"}
PERSONS = [
    (region, sex, age)
    for region, sex, age, n in [
        ("r11", "m", "old", 1), ("r11", "m", "young", 1), ("r11", "f", "old", 20), ("r12", "m", "old", 30), ("r12", "f", "old", 9),
        ("r21", "m", "old", 12), ("r21", "f", "young", 2), ("r21", "f", "old", 6), ("r22", "m", "young", 7), ("r22", "f", "old", 40),
    ]
    for _ in range(n)
]  # fmt: skip


def rows(one: str, other: int, level: Callable[[str], list[str]]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], int] = {}
    for person in PERSONS:
        for region in level(person[0]):
            for code in (person[other], "T"):
                found[region, code] = found.get((region, code), 0) + 1
    return [{"region": region, one: code, "n": n} for (region, code), n in found.items()]


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.spec: dict[str, Any] = {
            "count": "n",
            "tables": {
                "by_sex": {
                    "file": "by_sex.csv",
                    "dimensions": {"region": {"hierarchy": "tree.csv", "total": "T"}, "sex": {"total": "T"}},
                },
                "by_age": {
                    "file": "by_age.csv",
                    "dimensions": {"region": {"total": "T"}, "age": {"total": "T"}},
                },
            },
        }
        self.tables = {
            "by_sex": rows("sex", 1, lambda leaf: [leaf, TREE[leaf], "T"]),
            "by_age": rows("age", 2, lambda leaf: [TREE[leaf], "T"]),
        }

    def write(self) -> None:
        for name, one in self.tables.items():
            with (self.path / f"{name}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, list(one[0]))
                writer.writeheader()
                writer.writerows(one)
        with (self.path / "tree.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("child", "parent"), *TREE.items()])
        (self.path / "spec.yaml").write_text(yaml.safe_dump(self.spec, sort_keys=False))
        (self.path / "three").mkdir(exist_ok=True)
        (self.path / "three" / "data.yaml").write_text(yaml.safe_dump(RULES))

    def protect(self) -> dict[str, object]:
        self.write()
        out, public = self.path / "out", self.path / "public"
        spec, rules = self.path / "spec.yaml", [str(self.path / "three")]
        return tables.protect(self.path, spec, rules, out, public, POLICIES, tables.time.monotonic())

    def verify(self) -> dict[str, object]:
        return tables.verify(
            self.path, self.path / "spec.yaml", [str(self.path / "three")], self.path / "out", POLICIES
        )

    def read(self, name: str) -> list[dict[str, str]]:
        with (self.path / name).open(newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_each_table_has_its_files_and_all_have_one_proof(folder: Folder) -> None:
    said = folder.protect()
    assert said["optimal"] is True
    for name, column in (("by_sex", "sex"), ("by_age", "age")):
        out, public = folder.read(f"out/{name}.csv"), folder.read(f"public/{name}.csv")
        assert list(out[0]) == ["region", column, "n", "status", "lower", "upper", "bounds"]
        assert list(public[0]) == ["region", column, "n", "status"]
        assert len(out) == len(public) == len(folder.tables[name])
    lines = (folder.path / "out.cert.jsonl").read_text().splitlines()
    assert set(json.loads(lines[0])["cell"]) == {"region", "sex", "age"}
    assert folder.verify() == {"hidden": len(lines), "verified": True}


def test_the_same_folder_gives_the_same_bytes(folder: Folder) -> None:
    folder.protect()
    files = sorted(path for path in folder.path.rglob("*") if path.is_file())
    first = [path.read_bytes() for path in files]
    folder.protect()
    assert [path.read_bytes() for path in files] == first


def test_what_one_table_hides_the_other_does_not_show(folder: Folder) -> None:
    folder.protect()
    by_sex = {(row["region"], row["sex"]): row["status"] for row in folder.read("out/by_sex.csv")}
    by_age = {(row["region"], row["age"]): row["status"] for row in folder.read("out/by_age.csv")}
    assert all(by_sex[region, "T"] == by_age[region, "T"] for region in ("T", "r1", "r2"))


def test_a_number_that_was_hidden_in_another_table_and_is_written_is_found(folder: Folder) -> None:
    folder.protect()
    place = folder.path / "out" / "by_age.csv"
    lines = place.read_text().splitlines()
    at = next(at for at, line in enumerate(lines) if ",secondary," in line or ",primary," in line)
    region, age, *_ = lines[at].split(",")
    true = next(row["n"] for row in folder.tables["by_age"] if (row["region"], row["age"]) == (region, age))
    lines[at] = f"{region},{age},{true},shown,{true},{true},exact"
    place.write_text("\n".join(lines) + "\n")
    with pytest.raises(Refused, match="certificate_invalid"):
        folder.verify()


Wrong = Callable[[Folder], object]

WRONG: dict[str, tuple[str, Wrong]] = {
    "a cell with two numbers": ("disclosure.tables_differ", lambda f: [row.update(n=row["n"] + 1) for row in f.tables["by_age"] if row["region"] in ("r1", "T") and row["age"] in ("old", "T")]),
    "a table that is not there": ("disclosure.file_missing", lambda f: f.spec["tables"]["by_age"].update(file="none.csv")),
    "no table": ("disclosure.spec_invalid", lambda f: f.spec.update(tables={})),
    "dimensions beside tables": ("disclosure.spec_invalid", lambda f: f.spec.update(dimensions={"sex": {"total": "T"}})),
    "a column of one table only": ("disclosure.spec_invalid", lambda f: f.spec["tables"]["by_age"].update(count="n")),
    "a name that is a path": ("disclosure.spec_invalid", lambda f: f.spec["tables"].update({"../x": f.spec["tables"]["by_age"]})),
    "another total of the same dimension": ("disclosure.spec_invalid", lambda f: f.spec["tables"]["by_age"]["dimensions"]["region"].update(total="r1")),
    "within a dimension that no table has": ("disclosure.spec_invalid", lambda f: f.spec["tables"]["by_age"].update(within={"income": "low"})),
    "within a dimension of its own": ("disclosure.spec_invalid", lambda f: f.spec["tables"]["by_age"].update(within={"age": "old"})),
    "within all": ("disclosure.spec_invalid", lambda f: f.spec["tables"]["by_age"].update(within={"sex": "T"})),
    "a table that does not add up": ("disclosure.margin_incomplete", lambda f: f.tables["by_sex"][0].update(n=1000)),
    "a column that one table lacks": ("disclosure.column_missing", lambda f: [row.pop("n") for row in f.tables["by_age"]]),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_refused_and_nothing_is_written(folder: Folder, name: str) -> None:
    code, spoil = WRONG[name]
    spoil(folder)
    with pytest.raises(Refused) as refused:
        folder.protect()
    assert refused.value.code == code
    assert not (folder.path / "out").exists()
    assert not (folder.path / "public").exists()
    assert not (folder.path / "out.cert.jsonl").exists()


def test_the_place_of_what_is_wrong_names_its_table(folder: Folder) -> None:
    folder.tables["by_age"][1]["n"] = "few"
    with pytest.raises(Refused) as refused:
        folder.protect()
    assert refused.value.facts["row"] == "by_age:2"
