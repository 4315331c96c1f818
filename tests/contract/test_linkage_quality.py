"""Held against the truth, the tiers find clearly more than any single key, and hardly anybody else's."""

from pathlib import Path

import pytest

from enclave.adapters import linkage_report
from enclave.adapters.linkage_report import ALL, METHOD, Report
from enclave.core.refusal import Refused
from tests.fakes.identified_people import made, written

PEOPLE = 8_000


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Five databases of 8,000 people with the stated error rates."""
    folder = tmp_path_factory.mktemp("people")
    written(made(PEOPLE, 11), folder)
    return linkage_report.measure(folder)


def test_hardly_anybody_is_taken_for_somebody_else(report: Report) -> None:
    """Of all pairs of records at least 999 in 1,000 are one person; of each pair of databases 995."""
    quality = report.quality[METHOD]
    assert quality[ALL].precision >= 0.999
    assert min(one.precision for one in quality.values()) >= 0.995


def test_nearly_everybody_is_found(report: Report) -> None:
    """At least 99 in 100; in every pair of databases 95 in 100, also where they share ID4 and ID5 only."""
    quality = report.quality[METHOD]
    assert quality[ALL].recall >= 0.99
    assert min(one.recall for one in quality.values()) >= 0.95


@pytest.mark.parametrize("key", ["ID1", "ID2", "ID4", "ID5"])
def test_no_single_key_finds_as_many(report: Report, key: str) -> None:
    """Each alone misses a tenth of the pairs or more, or is wrong ten times as often."""
    tiers, alone = report.quality[METHOD][ALL], report.quality[key][ALL]
    assert tiers.f1 > alone.f1
    assert alone.recall < 0.91 or (1 - alone.precision) > 10 * (1 - tiers.precision)


def test_the_report_says_all_of_it_in_both_languages(report: Report) -> None:
    """One line per pair of databases and one for all; the numbers are those of the JSON."""
    for language, head in (("ja", "適合率 / 再現率"), ("en", "precision / recall")):
        text = linkage_report.as_text(report, language)
        assert text.startswith(head)
        assert len(text.splitlines()) == 2 + 10
    printed = linkage_report.to_json(report)
    assert printed["quality"][METHOD][ALL]["right"] == report.quality[METHOD][ALL].right
    assert printed["records"]["ndb"] > PEOPLE * 0.9


def test_without_a_truth_there_is_no_report(tmp_path: Path) -> None:
    """Real databases bring none: the command says which file it looked for."""
    with pytest.raises(Refused) as no:
        linkage_report.measure(tmp_path)
    assert no.value.code == "catalogue.file_missing"
