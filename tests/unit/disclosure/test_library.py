"""The engine as a library: the page that describes it is run, and it says what the commands say."""

import csv
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from enclave import disclosure
from enclave.core.refusal import Refused
from enclave.disclosure import library
from enclave.rehearsal import tables
from tests.property.linked_tables import linked
from tests.property.protect_tables import invented

DOCS = Path(__file__).resolve().parents[3] / "docs"

CODE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: str) -> list[str]:
    return CODE.findall((DOCS / page).read_text(encoding="utf-8"))


def a_table_on_disk(folder: Path) -> None:
    """What the last block of the page reads."""
    with (folder / "table.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([["sex", "n"], ["f", 30], ["m", 4], ["x", 20], ["all", 54]])
    (folder / "spec.yaml").write_text("dimensions: {sex: {total: all}}\ncount: n\n")


def test_every_block_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, in a folder of their own; and what they claim holds."""
    monkeypatch.chdir(tmp_path)
    a_table_on_disk(tmp_path)
    found = blocks("disclosure-library.md")
    assert len(found) == 8
    names: dict[str, Any] = {}
    for number, block in enumerate(found):
        exec(compile(block, f"block {number}", "exec"), names)  # noqa: S102  the page itself
    assert names["said"]["primary"] == 1
    assert names["checked"].verdict == "pass"


def test_both_pages_have_the_same_blocks() -> None:
    assert blocks("disclosure-library.md") == blocks("disclosure-library.ja.md")


def test_the_page_names_every_call_and_every_call_is_there() -> None:
    for page in ("disclosure-library.md", "disclosure-library.ja.md"):
        text = (DOCS / page).read_text(encoding="utf-8")
        assert all(
            f"`{name}" in text or f".{name}(" in text for name in disclosure.LIBRARY if name != "Perturbed"
        )
    assert all(getattr(disclosure, name).__doc__ for name in disclosure.LIBRARY)
    with pytest.raises(AttributeError):
        disclosure.protects  # noqa: B018


def test_importing_the_package_loads_neither_numbers_nor_a_solver() -> None:
    """A command that needs one module of it does not wait for the others."""
    script = (
        "import sys, enclave.disclosure; print(any(m in sys.modules for m in ('numpy', 'highspy', 'yaml')))"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"


@pytest.mark.parametrize("magnitude", [False, True])
def test_it_says_what_the_command_writes(tmp_path: Path, magnitude: bool) -> None:
    """The same rows for the checker and the public, and the same certificates, which hold."""
    done = 0
    for seed in range(12):
        one = invented(seed, 2, magnitude)
        folder = tmp_path / str(seed)
        folder.mkdir()
        with (folder / "t.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, one.rows[0])
            writer.writeheader()
            writer.writerows(one.rows)
        for name, parents in one.parents.items():
            with (folder / f"{name}.csv").open("w", newline="") as file:
                csv.writer(file).writerows([("child", "parent"), *parents.items()])
        (folder / "s.yaml").write_text(yaml.safe_dump(dict(one.spec)))
        (folder / "rules.yaml").write_text(yaml.safe_dump(dict(one.rules)))
        command = (folder / "t.csv", folder / "s.yaml", [str(folder / "rules.yaml")], folder / "o.csv")
        try:
            said = library.protect(one.rows, one.spec, [library.rule_set(one.rules)], one.parents)
        except Refused as no:
            with pytest.raises(Refused, match=no.code):
                tables.protect(*command, None, tables.policies_of_program(), time.monotonic())
            continue
        tables.protect(*command, folder / "p.csv", tables.policies_of_program(), time.monotonic())
        for name, rows in (("o.csv", said.rows), ("p.csv", said.public)):
            with (folder / name).open(newline="") as file:
                assert list(csv.DictReader(file)) == list(rows)
        assert len((folder / "o.csv.cert.jsonl").read_text().splitlines()) == len(said.certificates)
        assert not library.verify(
            one.by_code(), one.spec, [one.rules], said.rows, said.certificates, one.parents
        )
        done += bool(said.certificates)
    assert done > 3


def test_several_tables_are_protected_as_one() -> None:
    """A cell of two tables is hidden in both; a table that the spec does not name is refused."""
    one = linked(0)
    parents = {"a": one.parents("t0")["a"]}
    found = library.protect_tables(one.rows, one.spec, [library.rule_set(one.rules)], parents)
    assert [table.name for table in found] == ["t0", "t1"]
    margins = [
        {row["a"]: row["status"] for row in table.rows if "T" in (row.get("b"), row.get("c"))}
        for table in found
    ]
    assert all(margins[0][code] == margins[1][code] for code in margins[0].keys() & margins[1].keys())
    assert found[0].certificates == found[1].certificates
    with pytest.raises(Refused, match="spec_invalid"):
        library.protect_tables({"t0": one.rows["t0"]}, one.spec, [library.rule_set(one.rules)], parents)


def test_a_time_limit_counts_from_the_call_by_the_clock_that_is_given() -> None:
    """A clock that runs out at once leaves no time for a pattern, and no pattern is told."""
    one = invented(3, 2)
    seconds = iter(range(0, 10**9, 1_000))
    with pytest.raises(Refused, match="out_of_time"):
        library.protect(
            one.rows,
            {**one.spec, "time_limit": 5},
            [library.rule_set(one.rules)],
            one.parents,
            lambda: float(next(seconds)),
        )


def test_what_cannot_be_perturbed_is_refused() -> None:
    plain = library.rule_set(invented(0, 2).rules)
    with pytest.raises(Refused, match="rule_unsupported"):
        library.perturb_counts([5], [1], plain)
    noisy = library.rule_set({**invented(0, 2).rules, "perturbation": {"max_deviation": 3, "variance": 2}})
    for keys in ([1, 2], [-1], [1 << 32]):
        with pytest.raises(Refused, match="evidence_invalid"):
            library.perturb_counts([5], keys, noisy)
