"""Whatever is changed in a certificate or beside a hidden number, the checker says no."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from enclave.core.refusal import Refused
from enclave.rehearsal import tables

POLICIES = tables.policies_of_program()
RULES = """
id: r
valid_from: 2024-01-01
source: invented
scope: {databases: ["*"]}
min_persons: {n: 5, zero: shown}
"""
SPEC = """
dimensions: {a: {total: T}, b: {total: T}}
count: n
"""
NUMBERS = [[3, 12, 20], [9, 30, 41], [17, 25, 8]]


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with its OUT and its certificates."""
    folder = tmp_path_factory.mktemp("proven")
    lines = [["a", "b", "n"]]
    columns = [*zip(*NUMBERS, strict=True)]
    for a, row in enumerate([*NUMBERS, [sum(column) for column in columns]]):
        for b, n in enumerate([*row, sum(row)]):
            lines.append(["T" if a == 3 else f"a{a}", "T" if b == 3 else f"b{b}", str(n)])
    (folder / "t.csv").write_text("".join(",".join(line) + "\n" for line in lines))
    (folder / "s.yaml").write_text(SPEC)
    (folder / "r.yaml").write_text(RULES)
    tables.protect(*_files(folder), None, POLICIES, 0.0)
    assert tables.verify(*_files(folder), POLICIES)["verified"]
    return folder


def _files(folder: Path) -> tuple[Path, Path, list[str], Path]:
    return folder / "t.csv", folder / "s.yaml", [str(folder / "r.yaml")], folder / "o.csv"


Lines = list[dict[str, Any]]


def _twice(lines: Lines) -> None:
    lines.append(copy.deepcopy(lines[0]))


def _of_a_shown_cell(lines: Lines) -> None:
    lines.append({"cell": {"a": "T", "b": "T"}, "low": [], "high": []})


def _an_entry_that_changes_nothing(lines: Lines) -> None:
    cell = lines[0]["cell"]
    lines[0]["more"] = [[[cell, _true(cell)]]]


def _true(cell: dict[str, str]) -> int:
    return NUMBERS[int(cell["a"][1:])][int(cell["b"][1:])]


def _first(value: Any) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        lines[0]["low"][0][1] = value(lines[0]["low"][0][1])

    return change


def _swapped(lines: Lines) -> None:
    lines[0]["cell"], lines[1]["cell"] = lines[1]["cell"], lines[0]["cell"]


def _other_names(lines: Lines) -> None:
    lines[0]["cell"]["c"] = "x"


FORGERIES: dict[str, Callable[[Lines], None]] = {
    "one number": _first(lambda one: one + 1),
    "a number as text": _first(str),
    "a number with decimals": _first(float),
    "a truth value": _first(lambda _: True),
    "not a number": _first(lambda _: float("nan")),
    "no end": _first(lambda _: float("inf")),
    "text without end": _first(lambda _: "1e999999999"),
    "a list": _first(lambda one: [one]),
    "nothing": _first(lambda _: None),
    "a huge number": _first(lambda _: 10**400),
    "two cells changed for each other": _swapped,
    "a line twice": _twice,
    "a line of a shown cell": _of_a_shown_cell,
    "an entry that changes nothing": _an_entry_that_changes_nothing,
    "a dimension that is none": _other_names,
    "a line less": lambda lines: lines.pop() and None,
    "a part less": lambda lines: lines[0].pop("high"),
    "a part more": lambda lines: lines[0].update(why="believe me"),
    "more that holds no table": lambda lines: lines[0].update(more=5),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_certificate_is_refused(proven: Path, tmp_path: Path, name: str) -> None:
    """Each is one change of what the program wrote."""
    lines = [json.loads(line) for line in (proven / "o.csv.cert.jsonl").read_text().splitlines()]
    FORGERIES[name](lines)
    _refused(proven, tmp_path, "".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"cell":1}', "5", "null", '"x"', "\x00", "9" * 5000])
def test_what_is_no_certificate_is_refused(proven: Path, tmp_path: Path, text: str) -> None:
    """Also what would end a reader by its depth or its length."""
    _refused(proven, tmp_path, text)


def test_a_second_entry_of_a_name_does_not_take_the_place_of_the_first(proven: Path, tmp_path: Path) -> None:
    """Another reader might take the first."""
    whole = (proven / "o.csv.cert.jsonl").read_text()
    _refused(proven, tmp_path, whole.replace('"low":', '"low":[],"low":', 1))


def _refused(proven: Path, folder: Path, certificates: str) -> None:
    for name in ("t.csv", "s.yaml", "r.yaml", "o.csv"):
        (folder / name).write_bytes((proven / name).read_bytes())
    (folder / "o.csv.cert.jsonl").write_text(certificates)
    with pytest.raises(Refused, match="certificate_invalid"):
        tables.verify(*_files(folder), POLICIES)


def _row(out: str, status: str) -> str:
    return next(line for line in out.splitlines() if f",{status}," in line)


OUTS: dict[str, Callable[[str], str]] = {
    "an upper end that is none": lambda out: out.replace(
        _row(out, "primary"), ",".join([*_row(out, "primary").split(",")[:5], "inf", "exact"])
    ),
    "a lower end without end": lambda out: out.replace(
        _row(out, "primary"), ",".join([*_row(out, "primary").split(",")[:4], "inf", "inf", "exact"])
    ),
    "an end of endless digits": lambda out: out.replace(
        _row(out, "primary"), ",".join([*_row(out, "primary").split(",")[:5], "1e999999999", "exact"])
    ),
    "the end of a shown cell": lambda out: out.replace(
        _row(out, "shown"), ",".join([*_row(out, "shown").split(",")[:4], "0", "1", "exact"])
    ),
    "bounds of another word": lambda out: out.replace("exact", "about", 1),
    "a status of another word": lambda out: out.replace("secondary", "tertiary", 1),
    "another column": lambda out: "\n".join(
        f"{line},{'m' if place == 0 else place}" for place, line in enumerate(out.splitlines())
    ),
    "a hidden number": lambda out: out.replace(
        _row(out, "primary"), _row(out, "primary").replace(",,primary", ",3,primary")
    ),
}


@pytest.mark.parametrize("name", OUTS)
def test_a_forged_out_is_refused(proven: Path, tmp_path: Path, name: str) -> None:
    """What a checker reads beside the certificates is checked as well."""
    for one in ("t.csv", "s.yaml", "r.yaml", "o.csv.cert.jsonl"):
        (tmp_path / one).write_bytes((proven / one).read_bytes())
    out = (proven / "o.csv").read_text()
    forged = OUTS[name](out)
    assert forged != out
    (tmp_path / "o.csv").write_text(forged)
    with pytest.raises(Refused, match="certificate_invalid"):
        tables.verify(*_files(tmp_path), POLICIES)
