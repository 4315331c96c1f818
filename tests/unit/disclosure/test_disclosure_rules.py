"""Rule sets are data: what is a set, what is refused, and which of several binds."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from enclave.adapters.rule_files import load_directory, load_file, pick
from enclave.core.refusal import Refused
from enclave.disclosure.codes import CODES
from enclave.disclosure.rules import MinPersons, PopulationTier, Zero, combine, parse

ROOT = Path(__file__).resolve().parents[3]


def a_set(**more: Any) -> dict[str, Any]:
    return {
        "id": "one",
        "valid_from": "2024-09-18",
        "valid_to": None,
        "source": "here",
        "scope": {"databases": ["*"]},
        "min_persons": {"n": 10, "zero": "shown"},
        **more,
    }


def test_the_ministry_s_set_says_ten_with_zero_shown() -> None:
    """The delivered set: fewer than 10 hidden, zero shown, and the two tiers of small municipalities."""
    ndb = load_directory(ROOT / "policies" / "data")["ndb-2024-09"]
    assert ndb.min_persons == MinPersons(10, Zero.SHOWN)
    assert ndb.min_persons_by_population == (PopulationTier(2000, None), PopulationTier(25000, 20))
    assert ndb.min_institutions is None
    assert ndb.valid_from == date(2024, 9, 18)
    assert ndb.covers("nafld")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (a_set(min_person={"n": 10}), "disclosure.rule_unknown_key"),
        (a_set(min_persons={"n": 10, "zero": "shown", "except": "tuesdays"}), "disclosure.rule_unknown_key"),
        (a_set(min_persons={"n": 0, "zero": "shown"}), "disclosure.rule_invalid"),
        (a_set(min_persons={"n": True, "zero": "shown"}), "disclosure.rule_invalid"),
        (a_set(min_persons={"n": "10", "zero": "shown"}), "disclosure.rule_invalid"),
        (a_set(min_persons={"n": 10}), "disclosure.rule_invalid"),
        (a_set(min_persons=10), "disclosure.rule_invalid"),
        (a_set(valid_from="soon"), "disclosure.rule_invalid"),
        (a_set(scope={}), "disclosure.rule_invalid"),
        (a_set(interval={"min_whole_numbers": 1}), "disclosure.rule_invalid"),
        (a_set(min_persons_by_population=[{"below": 2000}]), "disclosure.rule_invalid"),
    ],
)
def test_a_set_that_is_not_understood_is_refused(data: dict[str, Any], code: str) -> None:
    """A misspelt or half-written rule protects nobody, so nothing of the set is used."""
    with pytest.raises(Refused) as caught:
        parse(data)
    assert caught.value.code == code


def test_the_strictest_of_several_sets_binds() -> None:
    """The larger threshold, hidden zeros, every tier, the larger number of institutions; in any order."""
    ten = parse(a_set(id="ten"))
    twenty = parse(
        a_set(
            id="twenty",
            min_persons={"n": 20, "zero": "hidden"},
            min_institutions={"n": 3},
            min_persons_by_population=[{"below": 100, "n": 50}],
        )
    )
    rules = combine([ten, twenty])
    assert rules == combine([twenty, ten])
    assert (rules.n, rules.zero, rules.min_institutions, rules.source) == (20, Zero.HIDDEN, 3, "twenty")
    assert rules.ids == ("ten", "twenty")


@pytest.mark.parametrize(
    ("population", "threshold"),
    [(None, 10), (1999, None), (2000, 20), (24999, 20), (25000, 10)],
)
def test_the_threshold_follows_the_population_of_the_area(
    population: int | None, threshold: int | None
) -> None:
    """Below 2,000 no counts at all, below 25,000 twenty, above ten."""
    tiers = [{"below": 25000, "n": 20}, {"below": 2000, "n": None}]
    assert combine([parse(a_set(min_persons_by_population=tiers))]).threshold(population) == threshold


def test_without_a_threshold_nothing_may_be_shown() -> None:
    """No set, or sets that do not say how many persons: refused, not unlimited."""
    bare = a_set()
    del bare["min_persons"]
    for sets in ([], [parse(bare)]):
        with pytest.raises(Refused, match="no_rules"):
            combine(sets)


def test_rules_that_the_engine_does_not_apply_are_named() -> None:
    """A dominance rule binds; that it is not applied must show."""
    assert combine([parse(a_set(dominance={"n": 2, "k": 90}))]).unenforced == ("dominance",)


def test_a_set_is_named_like_its_folder(tmp_path: Path) -> None:
    """A set under another name, and a name without a set, are refused; broken YAML too."""
    (tmp_path / "other").mkdir()
    file = tmp_path / "other" / "data.yaml"
    file.write_text("id: one\nvalid_from: 2024-01-01\nsource: x\nscope: {databases: ['*']}\n")
    with pytest.raises(Refused, match="rule_invalid"):
        load_directory(tmp_path)
    assert load_file(file).id == "one"
    with pytest.raises(Refused, match="rule_unknown"):
        pick({}, ["one"])
    with pytest.raises(Refused, match="rule_unknown"):
        load_file(tmp_path / "none" / "data.yaml")
    file.write_text("id: [")
    with pytest.raises(Refused, match="rule_invalid"):
        load_file(file)


def test_every_code_has_both_languages() -> None:
    """Whoever reads a no reads it in their language."""
    for code, wording in CODES.items():
        assert code.startswith("disclosure.")
        assert wording.title_ja
        assert wording.title_en
        assert bool(wording.hint_ja) == bool(wording.hint_en)
