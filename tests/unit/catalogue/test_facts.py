"""Legal facts are dated rows with a source; none is timeless, none stands alone."""

from collections import Counter
from datetime import date

import pytest

from enclave.catalogue.facts import Certainty, FactKind, ReviewPath, parse_dossier, source
from enclave.catalogue.packaged import PLANNED, PUBLIC, dossiers, linkage_rules, sources
from enclave.core.ids import DatabaseId

TODAY = date(2026, 11, 21)
NEEDED = {
    FactKind.FULL_NAME, FactKind.SINCE, FactKind.HOLDER, FactKind.SOURCE_DATA, FactKind.ITEMS,
    FactKind.IDENTIFIABILITY, FactKind.CONSENT, FactKind.PROVIDED_TO, FactKind.BODY, FactKind.KEYS,
}  # fmt: skip
SEVERAL = {FactKind.IDENTIFIABILITY, FactKind.VOLUME, FactKind.SPECIAL}


def test_the_twelve_stand_in_the_ministrys_order() -> None:
    """The announced one last, and marked as such."""
    assert [d.number for d in dossiers().values()] == list(range(1, 13))
    assert [d.database for d in dossiers().values() if d.planned] == [PLANNED]


@pytest.mark.parametrize("database", PUBLIC)
def test_everything_that_an_applicant_asks_is_answered_today(database: DatabaseId) -> None:
    """Names, holder, source, since when, identifiability, consent, to whom, body heard, keys."""
    assert {fact.kind for fact in dossiers()[database].at(TODAY)} >= NEEDED


@pytest.mark.parametrize("database", [*PUBLIC, PLANNED])
@pytest.mark.parametrize("day", [date(2019, 1, 1), date(2024, 3, 31), TODAY, date(2028, 1, 1)])
def test_on_no_day_do_two_facts_contradict_each_other(database: DatabaseId, day: date) -> None:
    """A database has one holder, one start, one body on any day."""
    found = Counter(fact.kind for fact in dossiers()[database].at(day))
    assert [kind for kind, n in found.items() if n > 1 and kind not in SEVERAL] == []


def test_every_row_names_a_source_that_is_listed() -> None:
    """Also data sets and the matrix."""
    rules = linkage_rules()
    named = [f.source for d in dossiers().values() for f in (*d.facts, *d.datasets)]
    named += [row.source for row in rules.links] + [row.source for row in (*rules.alone, *rules.undecided)]
    for id_ in named:
        said = source(sources(), id_).title
        assert said.ja
        assert said.en


def test_what_rests_on_common_knowledge_says_so() -> None:
    """The source `DK` is never passed off as stated."""
    for dossier in dossiers().values():
        for fact in dossier.facts:
            assert fact.source != "DK" or fact.certainty is Certainty.ASSUMED, fact


def test_a_paper_is_named_by_its_number_and_page() -> None:
    """So that whoever doubts a row can read on."""
    found = source(sources(), "W16766/9")
    assert found.address == "wic-net.com/material/document/16766/9"
    with pytest.raises(KeyError):
        source(sources(), "W16766")


def test_facts_change_with_the_day() -> None:
    """The NDB holds deaths from 2024 on; the vaccination database runs from 2026 on."""

    def said(database: str, kind: FactKind, day: date) -> list[str]:
        return [f.text.en for f in dossiers()[DatabaseId(database)].at(day) if f.kind is kind]

    assert "death" not in said("ndb", FactKind.SOURCE_DATA, date(2024, 3, 31))[0]
    assert "death" in said("ndb", FactKind.SOURCE_DATA, date(2024, 4, 1))[0]
    assert said("vac", FactKind.SINCE, date(2026, 3, 31)) == ["Under construction"]


def test_the_data_sets_of_the_ndb_have_their_review_paths() -> None:
    """Panel and beta are reviewed in the simplified way, from the day of the guideline on."""
    ndb = dossiers()[DatabaseId("ndb")]
    paths = {s.id: s.path for s in ndb.datasets_at(TODAY)}
    assert {name for name, path in paths.items() if path is ReviewPath.SIMPLIFIED} == {
        "trial",
        "panel",
        "beta",
    }
    assert "panel" not in {s.id for s in ndb.datasets_at(date(2024, 8, 31))}
    sampling = next(s for s in ndb.datasets if s.id == "sampling")
    assert any("700,000" in rule.en for rule in sampling.rules)


@pytest.mark.parametrize(
    "row",
    [
        {"fact": "holder", "ja": "a", "en": "a", "source": "S2"},
        {"fact": "owner", "ja": "a", "en": "a", "source": "S2", "valid_from": date(2020, 1, 1)},
        {
            "fact": "holder",
            "ja": "a",
            "en": "a",
            "source": "S2",
            "valid_from": date(2020, 1, 1),
            "vaild_to": date(2021, 1, 1),
        },
        {
            "fact": "holder",
            "ja": "a",
            "en": "a",
            "source": "S2",
            "valid_from": date(2021, 1, 1),
            "valid_to": date(2020, 1, 1),
        },
        {"fact": "holder", "ja": "a", "en": "a", "valid_from": date(2020, 1, 1)},
    ],
    ids=["no day", "unknown kind", "misspelt key", "ends before it begins", "no source"],
)
def test_a_row_that_cannot_be_meant_stops_the_program(row: dict[str, object]) -> None:
    """A misspelt end would let a fact hold for ever."""
    with pytest.raises((ValueError, KeyError)):
        parse_dossier(
            {"database": "x", "number": 1, "names": {"ja": "x", "en": "x"}, "facts": [row], "datasets": []}
        )


SET = {
    "id": "s", "title": {"ja": "x", "en": "x"}, "about": {"ja": "x", "en": "x"}, "review": {"ja": "x", "en": "x"},
    "path": "full", "rules": [], "valid_from": date(2020, 1, 1), "source": "S2",
}  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"lacks": [{"ja": "x", "en": "x"}]},
        {"lacks": [{"ja": "x", "en": "x", "role": ["area"]}]},
        {"months": {"of": [0, 4], "by": {}}},
        {"months": {"of": [], "by": {"rcpt": "service_ym"}}},
        {"path": "short"},
        {"tabels": ["rcpt"]},
    ],
    ids=["lacks nothing", "misspelt", "no month of a year", "no month", "unknown path", "unknown key"],
)
def test_a_data_set_that_cannot_be_meant_stops_the_program(wrong: dict[str, object]) -> None:
    """A reduction that is not read would not be carried out."""
    body = {"database": "x", "number": 1, "names": {"ja": "x", "en": "x"}, "facts": []}
    assert parse_dossier({**body, "datasets": [SET]}).datasets[0].id == "s"
    with pytest.raises((ValueError, KeyError)):
        parse_dossier({**body, "datasets": [{**SET, **wrong}]})


def test_a_set_is_the_row_of_the_day_and_outside_its_days_the_last_that_was_known() -> None:
    """A law that changes a set becomes a new row of the same name."""
    rows = [
        {**SET, "valid_to": date(2022, 1, 1)},
        {**SET, "valid_from": date(2022, 1, 1), "path": "simplified"},
    ]
    dossier = parse_dossier(
        {"database": "x", "number": 1, "names": {"ja": "x", "en": "x"}, "facts": [], "datasets": rows}
    )
    paths = {day: dossier.dataset("s", date(*day)) for day in ((2021, 12, 31), (2022, 1, 1), (2019, 1, 1))}
    assert [found.path.value for found in paths.values() if found] == ["full", "simplified", "simplified"]
    assert dossier.dataset("t", date(2021, 1, 1)) is None
