"""Noise on the counts of public tables: what its table of probabilities keeps, and what nobody may read out of it."""

import json
import math
from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from enclave.cli import cli
from enclave.core.refusal import Refused
from enclave.disclosure.criteria.rules import parse
from enclave.disclosure.perturb import KEYS, Parameters, cell_key, error, ptable, record_key

SECRET = b"a secret of the custodian's, kept"
CHOICES = [(5, 3, 2), (2, Fraction(108, 100), 1), (1, Fraction(1, 2), 0), (3, Fraction(1, 4), 0), (10, 7, 4)]


@pytest.mark.parametrize(("most", "variance", "gap"), CHOICES)
def test_every_row_has_no_bias_the_variance_asked_for_and_no_result_in_the_gap(
    most: int, variance: Fraction, gap: int
) -> None:
    """Exactly computed from the keys, for every count."""
    for count, row in enumerate(ptable(Parameters(most, Fraction(variance), gap)).rows, start=1):
        assert abs(row.moment(count, 1)) < Fraction(1, 10**7)
        assert abs(row.moment(count, 2) - variance) < Fraction(1, 10**6)
        assert sum(row.probabilities()) == 1
        assert all(one == 0 or one > gap for one in row.results)
        assert all(abs(one - count) <= most for one in row.results)


@pytest.mark.parametrize(("most", "variance", "gap"), CHOICES)
def test_no_row_could_have_more_entropy(most: int, variance: Fraction, gap: int) -> None:
    """Along every direction that keeps mean and variance, entropy falls: the slow obvious check of the fast search."""
    for row in ptable(Parameters(most, Fraction(variance), gap)).rows:
        chances = [float(one) for one in row.probabilities()]
        for places in product(range(len(chances)), repeat=4):
            if len(set(places)) < 4 or list(places) != sorted(places):
                continue
            x = [row.results[place] for place in places]
            # The one direction on four points that keeps sum, mean and second moment.
            step = [1 / math.prod(x[i] - x[j] for j in range(4) if j != i) for i in range(4)]
            slope = -math.fsum(s * math.log(chances[place]) for s, place in zip(step, places, strict=True))
            assert abs(slope) < 2e-2, "entropy would rise"


def test_the_same_persons_get_the_same_noise_and_others_other_noise() -> None:
    """A cell's number does not depend on the table it stands in, so that asking again tells nothing."""
    keys = [record_key(person, SECRET) for person in range(500)]
    table = ptable(Parameters(5, Fraction(3), 2))
    shown = [table.perturbed(100, cell_key(keys[begin : begin + 100])) for begin in range(0, 400, 1)]
    assert table.perturbed(100, cell_key(reversed(keys[:100]))) == shown[0]
    assert len(set(shown)) > 5


def test_a_zero_stays_and_nothing_becomes_one_or_two() -> None:
    """What is shown of small counts is 0 or above the gap, for every key."""
    table = ptable(Parameters(5, Fraction(3), 2))
    for key in range(0, KEYS, KEYS // 997):
        assert table.perturbed(0, key) == 0
        assert {table.perturbed(count, key) for count in range(1, 8)} & {1, 2} == set()


def test_a_large_count_is_shifted_as_the_last_row_says() -> None:
    """The noise of a million is that of the last count of the table."""
    table = ptable(Parameters(5, Fraction(3), 2))
    last = len(table.rows)
    for key in range(0, KEYS, KEYS // 101):
        assert table.perturbed(1_000_000, key) - 1_000_000 == table.perturbed(last, key) - last


def test_two_tables_that_differ_by_a_person_do_not_give_the_person_away_for_sure() -> None:
    """The difference of two counts that differ by one takes many values; that averaging many wears it off is said to readers."""
    keys = [record_key(person, SECRET) for person in range(4_000)]
    table = ptable(Parameters(5, Fraction(3), 2))
    differences = set()
    for begin in range(0, 4_000, 40):
        cell = keys[begin : begin + 40]
        one = table.perturbed(40, cell_key(cell))
        differences.add(one - table.perturbed(39, cell_key(cell[1:])))
    assert len(differences) >= 7


@pytest.mark.parametrize(
    "rule",
    [
        {"max_deviation": 5},
        {"max_deviation": 5, "variance": 0},
        {"max_deviation": 5, "variance": 30},
        {"max_deviation": 2, "variance": 1, "none_up_to": 2},
        {"max_deviation": 5, "variance": 0.5, "none_up_to": 2},
        {"max_deviation": 0, "variance": 1},
        {"max_deviation": 5, "variance": 3, "seed": 1},
    ],
)
def test_noise_that_some_count_cannot_have_is_no_rule(rule: dict[str, object]) -> None:
    """A rule set is refused when it is read, not when a count meets it."""
    with pytest.raises(Refused, match=r"rule_(invalid|unknown_key)"):
        parse(
            {
                "id": "x", "valid_from": "2026-01-01", "valid_to": None, "source": "test",
                "scope": {"databases": ["x"]}, "perturbation": rule,
            }
        )  # fmt: skip


def test_what_is_impossible_is_refused() -> None:
    """A negative count, a key out of range, a secret that can be guessed."""
    table = ptable(Parameters(1, Fraction(1, 2)))
    for count, key in ((-1, 0), (3, -1), (3, KEYS)):
        with pytest.raises(Refused, match="evidence_invalid"):
            table.perturbed(count, key)
    with pytest.raises(ValueError, match="secret"):
        record_key(1, b"short")


def test_the_error_is_told_as_it_is() -> None:
    """Mean, variance, greatest deviation, and totals that no longer add up, by hand."""
    told = error([10, 20, 30, 0], [12, 20, 29, 0], [(2, [0, 1])])
    assert (told.cells, told.unchanged, told.largest) == (3, 1, 2)
    assert (told.mean, told.absolute) == (1 / 3, 1.0)
    assert told.variance == pytest.approx(14 / 9)
    assert (told.totals, told.not_additive) == (1, 1)
    assert error([5], [5], []).hellinger == 0


SPEC = "{dimensions: {sex: {total: all}, age: {total: all}}, count: n, records: r.csv}"


def world(folder: Path) -> Path:
    """A table with all its margins and the records behind it."""
    people = [(sex, age, record_key(number, SECRET)) for number, (sex, age) in enumerate(
        [("m", "old")] * 3 + [("m", "young")] * 40 + [("f", "old")] * 17
    )]  # fmt: skip
    lines = ["sex,age,n"]
    for sex, age in product(("m", "f", "all"), ("old", "young", "all")):
        inside = [one for one in people if sex in (one[0], "all") and age in (one[1], "all")]
        lines.append(f"{sex},{age},{len(inside)}")
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    records = ["sex,age,record_key", *(",".join(map(str, one)) for one in people)]
    (folder / "r.csv").write_text("\n".join(records) + "\n")
    (folder / "s.yaml").write_text(SPEC)
    return folder / "t.csv"


def run(folder: Path, *more: str, rules: str = "perturbed-2026") -> Result:
    call = ["perturb", str(folder / "t.csv"), "--spec", str(folder / "s.yaml"), "--rules", rules]
    return CliRunner().invoke(cli, [*call, "-o", str(folder / "out.csv"), "--json", *more])


def test_the_command_writes_the_table_and_the_method_and_no_key(tmp_path: Path) -> None:
    """What is public: the numbers, their statuses, and the table of probabilities. The error is printed for the checker."""
    world(tmp_path)
    done = run(tmp_path)
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["cells"], said["totals"]) == (8, 6)
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0] == "sex,age,n,status"
    assert "f,young,0,shown" in lines
    assert all(line.split(",")[2] not in ("1", "2") for line in lines[1:])
    method = json.loads((tmp_path / "out.csv.method.json").read_text())
    assert (method["max_deviation"], method["none_up_to"], method["rule_set"]) == (5, 2, "perturbed-2026")
    assert "key" not in str(sorted(method))


def test_a_table_that_is_not_its_records_is_refused(tmp_path: Path) -> None:
    """A wrong count would get the noise of other persons."""
    table = world(tmp_path)
    table.write_text(table.read_text().replace("m,old,3", "m,old,4"))
    assert isinstance(run(tmp_path).exception, Refused)
    assert not (tmp_path / "out.csv").exists()


def test_rounding_is_done_by_the_same_command_and_two_ways_at_once_by_none(tmp_path: Path) -> None:
    """OpenSAFELY's rounding needs no keys; noise upon rounding would keep neither's promise."""
    world(tmp_path)
    assert run(tmp_path, rules="opensafely-rounding").exit_code == 0
    assert "m,old,,hidden" in (tmp_path / "out.csv").read_text()
    for rules in ("opensafely-rounding,perturbed-2026", "ndb-2024-09"):
        refused = run(tmp_path, rules=rules).exception
        assert isinstance(refused, Refused)
        assert refused.code == "disclosure.rule_unsupported"


@pytest.mark.parametrize("place", ["t.csv", "s.yaml", "r.csv"])
def test_a_perturbed_table_is_not_written_over_what_is_read(tmp_path: Path, place: str) -> None:
    """The true counts, or the keys of the records, would be gone."""
    world(tmp_path)
    before = (tmp_path / place).read_bytes()
    call = [
        "perturb",
        str(tmp_path / "t.csv"),
        "--spec",
        str(tmp_path / "s.yaml"),
        "--rules",
        "perturbed-2026",
    ]
    done = CliRunner().invoke(cli, [*call, "-o", str(tmp_path / place), "--json"])
    assert isinstance(done.exception, Refused)
    assert done.exception.code == "disclosure.file_unwritable"
    assert (tmp_path / place).read_bytes() == before


@pytest.mark.parametrize(
    "spec",
    [
        SPEC.replace("r.csv", "[r.csv]"),
        SPEC.replace("records: r.csv", "key: [k]"),
        SPEC.replace("all", "[all]"),
    ],
)
def test_a_list_where_a_name_belongs_is_refused(tmp_path: Path, spec: str) -> None:
    """With the place, and not with a traceback."""
    world(tmp_path)
    (tmp_path / "s.yaml").write_text(spec)
    done = run(tmp_path)
    assert isinstance(done.exception, Refused)
    assert done.exception.code == "disclosure.spec_invalid"
