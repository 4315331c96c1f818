"""Real beside synthetic: every part of the report agrees, and the report itself is not easily pleased."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from enclave.cli import cli
from enclave.core.refusal import Refused
from enclave.synth import report
from enclave.synth.calibration import Compared
from enclave.synth.report import PARTS, Part, Report


@pytest.fixture(scope="module")
def compared(made: Path) -> Report:
    return report.make(made)


@pytest.mark.parametrize("part", list(PARTS))
def test_the_part_agrees_with_what_is_published(compared: Report, part: str) -> None:
    """Within 5 % or three standard errors, but for as many numbers as chance puts beyond them."""
    found = next(p for p in compared.parts if p.name == part)
    assert found.numbers
    assert found.agrees, [(n.item, n.cell, n.expected, n.found) for n in found.outside[:8]]


def test_totals_of_the_commonest_items_are_close(compared: Report) -> None:
    """The visit fees are within 7 % in total, the ten commonest drugs within 15 %."""
    for _, expected, found in compared.totals("fee"):
        assert abs(found / expected - 1) < 0.07
    for name, expected, found in compared.totals("drug")[:10]:
        assert abs(found / expected - 1) < 0.15, name


def test_a_count_that_is_off_does_not_agree() -> None:
    """Eight percent of ten thousand is outside; five percent is not; a rare count is judged by Poisson."""
    assert not Compared("p", "i", "c", 10_000, 10_800, 100).agrees
    assert Compared("p", "i", "c", 10_000, 10_500, 100).agrees
    assert not Compared("p", "i", "c", 0.0005, 1, 0.02).agrees
    assert Compared("p", "i", "c", 3.0, 8, 1.7).agrees
    assert not Compared("p", "i", "c", 3.0, 12, 1.7).agrees


def test_a_part_with_more_strays_than_chance_does_not_agree() -> None:
    """Of a thousand numbers a handful may stray; thirty may not."""
    good = [Compared("p", str(n), "c", 1000, 1000, 30) for n in range(1000)]
    bad = [Compared("p", str(n), "c", 1000, 2000, 30) for n in range(30)]
    assert Part("p", tuple(good + bad[:5])).agrees
    assert not Part("p", tuple(good + bad)).agrees


def test_the_command_prints_both_languages_and_draws(made: Path, tmp_path: Path) -> None:
    """The report is a table in the reader's language; plots are small SVG files."""
    for language, word in (("ja", "公表値"), ("en", "Published")):
        result = CliRunner().invoke(
            cli, ["data", "synth-report", str(made), "--lang", language, "--plots", str(tmp_path)]
        )
        assert result.exit_code == 0, result.output
        assert word in result.output
    drawn = sorted(path.name for path in tmp_path.iterdir())
    assert drawn == ["checkups.svg", "claims.svg", "drugs.svg", "operations.svg", "pyramid.svg"]
    for path in tmp_path.iterdir():
        assert path.stat().st_size < 100_000
        assert ElementTree.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    """Comparing needs what a run counted."""
    with pytest.raises(Refused) as refused:
        report.make(tmp_path)
    assert refused.value.code == "synth.not_made"
