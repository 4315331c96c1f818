"""Rule sets are data: what is a set, what is refused, and which of several binds."""

from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from enclave.adapters.rule_files import load_directory, load_file, pick, resolve
from enclave.core.refusal import Refused
from enclave.disclosure.codes import CODES
from enclave.disclosure.criteria.rules import (
    Concentration,
    Limit,
    MinPersons,
    PopulationTier,
    Zero,
    binding,
    combine,
    parse,
)

ROOT = Path(__file__).resolve().parents[3]
NAN = float("nan")


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
        (
            a_set(min_persons_by_population=[{"below": 9, "n": 5}, {"below": 9, "n": 6}]),
            "disclosure.rule_invalid",
        ),
        (a_set(min_persons_by_population=[{"below": -1, "n": 5}]), "disclosure.rule_invalid"),
        (a_set(min_persons_by_population=[]), "disclosure.rule_invalid"),
        (a_set(min_persons={}), "disclosure.rule_invalid"),
        (a_set(min_persons={"n": -10, "zero": "shown"}), "disclosure.rule_invalid"),
        (a_set(min_persons={"n": 9.5, "zero": "shown"}), "disclosure.rule_invalid"),
        (a_set(min_persons={"n": NAN, "zero": "shown"}), "disclosure.rule_invalid"),
        (a_set(min_persons={"n": 10, "zero": True}), "disclosure.rule_invalid"),
        (a_set(min_institutions=3), "disclosure.rule_invalid"),
        (a_set(dominance={"n": 2}), "disclosure.rule_invalid"),
        (a_set(dominance={"n": 2, "k": NAN}), "disclosure.rule_invalid"),
        (a_set(dominance={"n": 2, "k": float("inf")}), "disclosure.rule_invalid"),
        (a_set(dominance={"n": 2, "k": -90}), "disclosure.rule_invalid"),
        (a_set(dominance={"n": 2, "k": 100}), "disclosure.rule_invalid"),
        (a_set(dominance={"n": 2, "k": "90"}), "disclosure.rule_invalid"),
        (a_set(dominance={"n": 2, "k": True}), "disclosure.rule_invalid"),
        (a_set(dominance={"n": 0, "k": 90}), "disclosure.rule_invalid"),
        (a_set(dominance={"n": 2, "k": 90, "q": 1}), "disclosure.rule_unknown_key"),
        (a_set(p_percent={"n": 1}), "disclosure.rule_invalid"),
        (a_set(p_percent={"p": 0, "n": 1}), "disclosure.rule_invalid"),
        (a_set(p_percent={"p": 12.3456, "n": 1}), "disclosure.rule_invalid"),
        (a_set(pq={"p": 15}), "disclosure.rule_invalid"),
        (a_set(pq={"p": 50, "q": 50}), "disclosure.rule_invalid"),
        (a_set(interval={"min_whole_numbers": 2.0}), "disclosure.rule_invalid"),
        (a_set(rounding={}), "disclosure.rule_invalid"),
        (a_set(rounding={"base": 0}), "disclosure.rule_invalid"),
        (a_set(rounding={"base": -5}), "disclosure.rule_invalid"),
        (a_set(rounding={"base": 6, "midpoint": 3}), "disclosure.rule_invalid"),
        (a_set(quantities={"oral": 0}), "disclosure.rule_invalid"),
        (a_set(quantities={"tablets": 1000}), "disclosure.rule_unknown_key"),
        (a_set(statistics={"min_dof": 10}), "disclosure.rule_unknown_key"),
        (a_set(statistics={"min_df": None}), "disclosure.rule_invalid"),
        (a_set(age={"top": 100}), "disclosure.rule_invalid"),
        (a_set(age={"bands": 5, "bottom": 100, "top": 100}), "disclosure.rule_invalid"),
        (a_set(age={"bands": 5, "cuts": 18}), "disclosure.rule_invalid"),
        (a_set(age={"bands": 5, "cuts": [18.5]}), "disclosure.rule_invalid"),
        (a_set(area={"finest": "street"}), "disclosure.rule_invalid"),
        (a_set(area={"finest": "sma", "forbidden_with": "insurer_kind"}), "disclosure.rule_invalid"),
        (a_set(masking={"rule": "my-own"}), "disclosure.rule_invalid"),
        (a_set(blocks={"columns": ["sex"]}), "disclosure.rule_invalid"),
        (a_set(blocks={"k": 20, "columns": ["sex", "sex"]}), "disclosure.rule_invalid"),
        (a_set(group={"share": 101}), "disclosure.rule_invalid"),
        (a_set(death={"birth_weight_low": 400, "birth_weight_high": 300}), "disclosure.rule_invalid"),
        (a_set(scope={"databases": []}), "disclosure.rule_invalid"),
        (a_set(scope={"databases": ["ndb*"]}), "disclosure.rule_invalid"),
        (a_set(scope={"databases": ["*"], "projects": ["a"]}), "disclosure.rule_unknown_key"),
        (a_set(scope=["*"]), "disclosure.rule_invalid"),
        (a_set(source=" "), "disclosure.rule_invalid"),
        (a_set(id=7), "disclosure.rule_invalid"),
        (a_set(valid_from="20240918"), "disclosure.rule_invalid"),
        (a_set(valid_from="2024-02-30"), "disclosure.rule_invalid"),
        (a_set(valid_to="2024-09-18"), "disclosure.rule_invalid"),
        (a_set(**{"note": "x"}), "disclosure.rule_unknown_key"),
    ],
)
def test_a_set_that_is_not_understood_is_refused(data: dict[str, Any], code: str) -> None:
    """A misspelt or half-written rule protects nobody, so nothing of the set is used."""
    with pytest.raises(Refused) as caught:
        parse(data)
    assert caught.value.code == code
    assert caught.value.facts["where"]


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


def test_enterprises_may_be_protected_by_what_they_contribute_alone() -> None:
    """Only where the caller says that persons are not concerned, and never without a rule."""
    bare = a_set(p_percent={"p": 15, "n": 1})
    del bare["min_persons"]
    rules = combine([parse(bare)], minimum=False)
    assert (rules.n, rules.zero, rules.p_percent) == (
        1,
        Zero.SHOWN,
        (Concentration(1, Fraction(3, 20), "one"),),
    )
    with pytest.raises(Refused, match="no_rules"):
        combine([], minimum=False)


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


def test_every_key_of_the_shape_is_read() -> None:
    """The example of a rule set in full, as the form of the file is agreed."""
    full = parse(
        a_set(
            min_persons_by_population=[{"below": 2000, "n": None}, {"below": 25000, "n": 20}],
            min_institutions={"n": 3},
            dominance={"n": 2, "k": 90},
            p_percent={"p": 15, "n": 1},
            pq={"p": 15, "q": 50},
            interval={"min_whole_numbers": 2},
            rounding={"redact_at_most": 7, "base": 5, "midpoint": 0},
            quantities={"oral": 1000, "injection": 400},
            statistics={"min_df": 10, "quantile_margin": 10, "survival_at_risk": 10},
            age={"bands": 5, "top": 100},
            area={"finest": "sma", "forbidden_with": ["insurer_kind"]},
            masking={"rule": "ndb-open-5-9"},
            perturbation={"max_deviation": 5, "variance": 3},
            insiders={"n": 2},
            blocks={"k": 20, "columns": ["sex", "age"]},
        )
    )
    rules = combine([full])
    assert rules.unenforced == (
        "dominance", "p_percent", "pq", "rounding", "masking", "perturbation", "insiders",
    )  # fmt: skip
    assert rules.limits["insiders.n"] == Limit(2, "one")
    assert rules.pq == (Concentration(1, Fraction(3, 10), "one"),)
    assert rules.limits["statistics.min_df"] == Limit(10, "one")
    assert parse(a_set(p_percent={"p": 12.5})).p_percent == {"p": Fraction(25, 2), "n": 1}


@pytest.mark.parametrize(
    ("one", "other", "name", "strictest"),
    [
        ({"min_institutions": {"n": 3}}, {"min_institutions": {"n": 5}}, "min_institutions", 5),
        ({"insiders": {"n": 1}}, {"insiders": {"n": 2}}, "insiders.n", 2),
        ({"quantities": {"oral": 1000}}, {"quantities": {"oral": 500}}, "quantities.oral", 1000),
        ({"statistics": {"min_df": 5}}, {"statistics": {"min_df": 10}}, "statistics.min_df", 10),
        ({"age": {"bands": 5, "top": 100}}, {"age": {"bands": 10, "top": 90}}, "age.bands", 10),
        ({"age": {"bands": 5, "top": 100}}, {"age": {"bands": 10, "top": 90}}, "age.top", 90),
        ({"group": {"share": 90}}, {"group": {"share": 80}}, "group.share", 80),
        (
            {"rounding": {"redact_at_most": 5}},
            {"rounding": {"redact_at_most": 7}},
            "rounding.redact_at_most",
            7,
        ),
    ],
)
def test_of_two_numbers_the_stricter_binds(
    one: dict[str, Any], other: dict[str, Any], name: str, strictest: int
) -> None:
    """Whichever way is stricter, and in any order."""
    sets = [parse(a_set(id="a", **one)), parse(a_set(id="b", **other))]
    for order in (sets, sets[::-1]):
        assert combine(order).limits[name].value == strictest


def test_rules_about_contributions_that_cannot_be_compared_all_bind() -> None:
    """One of 50 % and two of 90 % say different things; of the same number the stricter binds."""
    rules = combine(
        [
            parse(a_set(id=f"s{place}", dominance={"n": n, "k": k}))
            for place, (n, k) in enumerate([(1, 50), (2, 90), (2, 85), (1, 60)])
        ]
    )
    assert rules.dominance == (
        Concentration(1, Fraction(1, 2), "s0"),
        Concentration(2, Fraction(17, 20), "s2"),
    )


def test_a_set_binds_by_database_and_day() -> None:
    """From its first day to the day before its last; a database without one is a no."""
    ndb = parse(a_set(id="ndb", scope={"databases": ["ndb"]}, valid_to="2024-10-01"))
    kaigo = parse(a_set(id="kaigo", scope={"databases": ["kaigo"]}))
    first, last, after = date(2024, 9, 18), date(2024, 9, 30), date(2024, 10, 1)
    assert [one.id for one in binding([ndb, kaigo], ["ndb"], first)] == ["ndb"]
    assert [one.id for one in binding([ndb, kaigo], ["ndb", "kaigo"], last)] == ["kaigo", "ndb"]
    assert [one.id for one in binding([ndb, kaigo], [], after)] == ["kaigo"]
    for databases, day in (
        (["ndb"], after),
        (["ndb", "dpc"], first),
        (["ndb"], date(2024, 9, 17)),
        ([], date(2020, 1, 1)),
    ):
        with pytest.raises(Refused, match="no_rules"):
            binding([ndb, kaigo], databases, day)


def test_the_delivered_sets_say_where_they_come_from() -> None:
    """Each has a source that somebody outside can look up, and a comment that says what it is; only the ministry's and this
    environment's own bind a database by themselves."""
    sets = load_directory(ROOT / "policies" / "data")
    assert set(sets) == {
        "blocks-2026", "essnet-2010", "eu-output", "kaigo-2022-12", "nanbyo-2024-04", "ndb-2024-09", "ndb-open-1-4",
        "ndb-open-5-8", "ndb-open-5-9", "opensafely-midpoint", "opensafely-rounding", "perturbed-2026", "welfare-2025-09",
    }  # fmt: skip
    for name, one in sets.items():
        text = (ROOT / "policies" / "data" / name / "data.yaml").read_text()
        assert text.startswith("# ")
        assert len(one.source) > 20
        assert "/work" not in text
    real = {"ndb", "kaigo", "dpc", "vac", "welfare", "cancer", "nanbyo", "shoman", "idb", "nextgen", "midnet"}
    assert {name for name, one in sets.items() if any(one.covers(database) for database in real)} == {
        "blocks-2026", "kaigo-2022-12", "nanbyo-2024-04", "ndb-2024-09", "welfare-2025-09",
    }  # fmt: skip


def test_a_rule_set_is_named_by_id_or_by_path(tmp_path: Path) -> None:
    """An id below the program's folder, a file, or a folder; each set once."""
    folder = ROOT / "policies" / "data"
    mine = tmp_path / "mine.yaml"
    mine.write_text("id: mine\nvalid_from: 2024-01-01\nsource: x\nscope: {databases: ['*']}\n")
    named = ["ndb-2024-09", str(mine), str(folder / "eu-output"), "ndb-2024-09"]
    assert [one.id for one in resolve(named, folder)] == ["ndb-2024-09", "mine", "eu-output"]
    for unknown in ("gone", str(tmp_path / "gone.yaml"), "../data/gone", str(tmp_path), ""):
        with pytest.raises(Refused, match="rule_unknown"):
            resolve([unknown], folder)
    other = tmp_path / "other.yaml"
    other.write_text(mine.read_text().replace("2024", "2025"))
    with pytest.raises(Refused, match="rule_invalid"):
        resolve([str(mine), str(other)], folder)


@pytest.mark.parametrize(
    "text",
    [
        "min_persons: {n: 10, zero: shown}\nmin_persons: {n: 1, zero: shown}",
        "min_persons: {n: 10, n: 1, zero: shown}",
        "min_persons: {n: .nan, zero: shown}",
        "dominance: {n: 2, k: .inf}",
        "valid_to: 2024-02-30",
        "? [a, b]\n: c",
        "!!python/object/apply:os.system [echo]",
    ],
)
def test_a_file_that_says_a_thing_twice_or_nothing_real_is_refused(tmp_path: Path, text: str) -> None:
    """The second of two keys would silently undo the first."""
    file = tmp_path / "data.yaml"
    file.write_text(f"id: one\nvalid_from: 2024-01-01\nsource: x\nscope: {{databases: ['*']}}\n{text}\n")
    with pytest.raises(Refused, match="rule_"):
        load_file(file)
    (tmp_path / "one").mkdir()
    file.rename(tmp_path / "one" / "data.yaml")
    with pytest.raises(Refused, match="rule_"):
        load_directory(tmp_path)
