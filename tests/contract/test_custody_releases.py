"""What custody keeps of a release: whose numbers they were, in the population's own numbering, and nothing readable."""

import base64
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from enclave.adapters import released_sets
from enclave.adapters.custodian import Caller, Custodian
from enclave.adapters.custody_books import Books
from enclave.adapters.custody_engine import Attached, engine
from enclave.adapters.custody_releases import asked_of, lines_of, published_lines
from enclave.config import Site
from enclave.core.event import Actor
from enclave.core.refusal import Refused
from enclave.disclosure.releases import definitions
from tests.fakes.custody_site import GATEWAY, YAMAMOTO, a_custodian, a_site, a_small_database, signed
from tests.fakes.ledger import MemoryLedger

GRANT = {"small": {"people": {"columns": ["age", "clinic"]}}}
CHECKER = Caller("portal", Actor("takahashi", "checker"))


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Site, Custodian]:
    """A site with 60 persons of ages 20 to 79, one each, and three of other ages."""
    site = a_site(tmp_path, monkeypatch)
    custodian = a_custodian(site, MemoryLedger())
    more = "".join(f"P-{n},{20 + n},f,1990-03-04,2024-04,20.5,0,K{n % 7},x\n" for n in range(60))
    custodian.register(YAMAMOTO, a_small_database(tmp_path / "files", more))
    custodian.register(YAMAMOTO, places(tmp_path / "places"))
    return site, custodian


def places(folder: Path) -> Path:
    """A database of public facts: nobody is in it, so it has no register of persons."""
    folder.mkdir()
    (folder / "wards.csv").write_text("code,name\n13101,Chiyoda\n", encoding="utf-8")
    (folder / "descriptor.yaml").write_text(
        "database: places\ntables:\n  wards:\n    file: wards.csv\n    reference: true\n"
        "    columns:\n      code: {type: text, role: area}\n      name: {type: text, role: area}\n",
        encoding="utf-8",
    )
    return folder / "descriptor.yaml"


def envelope(provision: str, project: str = "nafld-fib", **more: Any) -> dict[str, Any]:
    return signed(
        databases=GRANT, linkage_groups=[["small"]], provision=provision, permit_id=f"p-{provision}",
        project=project, **more,
    )  # fmt: skip


def pids(site: Site, custodian: Custodian, provision: str, where: str, **more: Any) -> list[int]:
    opened = custodian.open(GATEWAY, provision, None, envelope(provision, **more))
    path = site.extracts / provision / str(opened.n) / "extract.duckdb"
    with engine([Attached(path, "x", opened.key)]) as connection:
        return [
            row[0] for row in connection.execute(f"SELECT pid FROM x.small.people WHERE {where}").fetchall()
        ]


def cell(keys: dict[str, str], persons: list[int]) -> dict[str, Any]:
    packed = base64.b64encode(np.array(persons, dtype="<u4").tobytes()).decode()
    return {
        "table": "t.csv",
        "keys": [[k, v] for k, v in keys.items()],
        "persons": packed,
        "definition": None,
    }


def asked(
    custodian: Custodian, provision: str, output: str, cells: list[dict[str, Any]], n: int = 1,
    say: Mapping[str, Any] = MappingProxyType({}), **more: Any,
) -> dict[str, Any]:  # fmt: skip
    body = {"n": n, "database": "small", "floor": 10, "zero_hidden": False, "rule_set": "ndb-2024-09", **say}
    signed_permit = envelope(provision, **more)
    return custodian.examine(GATEWAY, signed_permit, asked_of(output, body), lines_of(cells))


def test_one_person_between_two_projects_releases_is_found_though_their_pseudonyms_differ(
    ground: tuple[Site, Custodian],
) -> None:
    """Another project's output that lacks one person of a released cell fails; who released it is for the checker alone."""
    site, custodian = ground
    for provision, project in (("v-1", "nafld-fib"), ("v-2", "other")):
        custodian.build(YAMAMOTO, envelope(provision, project))
    first = pids(site, custodian, "v-1", "age BETWEEN 20 AND 49")
    second = pids(site, custodian, "v-2", "age BETWEEN 20 AND 48", project="other")
    assert not set(first) & set(second), "pseudonyms of two provisions are not alike"
    assert asked(custodian, "v-1", "e-1", [cell({"age": "20-49"}, first)])["findings"] == []
    before = asked(custodian, "v-2", "e-2", [cell({"age": "20-48"}, second)], project="other")
    assert before["findings"] == [], "what is not released yet is no history"
    custodian.conclude(CHECKER, "e-1", released=True)
    (found,) = asked(custodian, "v-2", "e-2", [cell({"age": "20-48"}, second)], project="other")["findings"]
    assert (found["code"], found["verdict"]) == ("disclosure.history_pair", "fail")
    assert found["where"] == "t.csv: age=20-48"
    assert found["facts"] == {"threshold": 10, "with": ["another project"]}
    assert found["checker"] == {"with": ["e-1 t.csv: age=20-49"]}


def test_of_two_outputs_that_collide_the_second_is_not_released(ground: tuple[Site, Custodian]) -> None:
    """Both passed when they were submitted; the last vote on the second finds what has left since."""
    site, custodian = ground
    custodian.build(YAMAMOTO, envelope("v-1"))
    for output, where in (("e-1", "age BETWEEN 20 AND 49"), ("e-2", "age BETWEEN 20 AND 50")):
        found = asked(custodian, "v-1", output, [cell({"age": where}, pids(site, custodian, "v-1", where))])
        assert found["findings"] == []
    assert custodian.conclude(CHECKER, "e-1", released=True)["populations"] == 1
    with pytest.raises(Refused) as no:
        custodian.conclude(CHECKER, "e-2", released=True)
    assert no.value.code == "custody.release_collides"
    custodian.conclude(CHECKER, "e-2", released=False)
    assert custodian.conclude(CHECKER, "e-2", released=True)["populations"] == 0, "it was forgotten"


def test_sets_survive_an_erasure_and_the_translation_does_not(ground: tuple[Site, Custodian]) -> None:
    """After the provision is erased its release still collides with another project's output; no pseudonym of it is
    translated again."""
    site, custodian = ground
    custodian.build(YAMAMOTO, envelope("v-1"))
    first = cell({"age": "20-49"}, pids(site, custodian, "v-1", "age BETWEEN 20 AND 49"))
    asked(custodian, "v-1", "e-1", [first])
    custodian.conclude(CHECKER, "e-1", released=True)
    custodian.erase(YAMAMOTO, "v-1")
    with pytest.raises(Refused):
        asked(custodian, "v-1", "e-3", [first])
    custodian.build(YAMAMOTO, envelope("v-2"))
    second = cell({"age": "20-50"}, pids(site, custodian, "v-2", "age BETWEEN 20 AND 50"))
    (found,) = asked(custodian, "v-2", "e-2", [second])["findings"]
    assert found["code"] == "disclosure.history_pair"
    assert found["facts"]["with"] == ["e-1 t.csv: age=20-49"]


def test_a_refreshed_extract_opens_no_difference(ground: tuple[Site, Custodian], tmp_path: Path) -> None:
    """The same cell over a newer extract, into which one person came, collides with its release over the older one."""
    site, custodian = ground
    custodian.build(YAMAMOTO, envelope("v-1"))
    asked(
        custodian,
        "v-1",
        "e-1",
        [cell({"age": "20-49"}, pids(site, custodian, "v-1", "age BETWEEN 20 AND 49"))],
    )
    custodian.conclude(CHECKER, "e-1", released=True)
    more = "".join(f"P-{n},{20 + n},f,1990-03-04,2024-04,20.5,0,K{n % 7},x\n" for n in range(60))
    more += "P-late,33,f,1990-03-04,2024-04,20.5,0,K1,x\n"
    custodian.register(YAMAMOTO, a_small_database(tmp_path / "newer", more))
    custodian.build(YAMAMOTO, envelope("v-1"), refresh=True)
    again = cell({"age": "20-49"}, pids(site, custodian, "v-1", "age BETWEEN 20 AND 49"))
    (found,) = asked(custodian, "v-1", "e-2", [again], n=2)["findings"]
    assert found["code"] == "disclosure.history_pair"


def test_persons_who_are_not_in_the_extract_are_refused(ground: tuple[Site, Custodian]) -> None:
    """A set with one number more than the provision's persons is no set of its persons."""
    site, custodian = ground
    custodian.build(YAMAMOTO, envelope("v-1"))
    known = pids(site, custodian, "v-1", "true")
    stranger = next(n for n in range(1000) if n not in known)
    with pytest.raises(Refused) as no:
        asked(custodian, "v-1", "e-1", [cell({"age": "all"}, [*known, stranger])])
    assert no.value.code == "custody.release_persons"


def test_the_file_of_sets_tells_nothing_without_its_key(ground: tuple[Site, Custodian]) -> None:
    """Neither categories nor pseudonyms nor numbers can be read in the file, and a changed set is refused."""
    site, custodian = ground
    custodian.build(YAMAMOTO, envelope("v-1"))
    named = cell({"age": "a category of its own"}, pids(site, custodian, "v-1", "age BETWEEN 20 AND 49"))
    asked(custodian, "v-1", "e-1", [named])
    (file,) = (site.custody / "releases").glob("*.sqlite")
    assert b"category" not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(file) as connection:
        (sealed,) = connection.execute("SELECT sealed FROM sets").fetchone()
        changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
        connection.execute("UPDATE sets SET sealed = ?", (changed,))
    with pytest.raises(Refused) as no:
        custodian.conclude(CHECKER, "e-1", released=True)
    assert no.value.code == "custody.vault_sealed"


@pytest.mark.parametrize(
    "raw",
    [None, {}, [1], [{"table": "t"}], [{"table": "t", "keys": [["a"]], "persons": ""}],
     [{"table": "t", "keys": [], "persons": "AAA="}], [{"table": "t", "keys": [], "persons": "?"}]],
)  # fmt: skip
def test_cells_that_are_none_are_refused_with_their_place(raw: object) -> None:
    """Whatever is not a list of cells is malformed."""
    with pytest.raises(Refused) as no:
        lines_of(raw)
    assert no.value.code == "custody.request_malformed"


def test_the_parts_of_one_output_are_examined_beside_each_other(
    ground: tuple[Site, Custodian], tmp_path: Path
) -> None:
    """Two tables of one export, from two extracts of a database, that differ by one person are found at submission."""
    site, custodian = ground
    custodian.build(YAMAMOTO, envelope("v-1"))
    first = cell({"age": "20-49"}, pids(site, custodian, "v-1", "age BETWEEN 20 AND 49"))
    asked(custodian, "v-1", "e-1", [first])
    more = "".join(f"P-{n},{20 + n},f,1990-03-04,2024-04,20.5,0,K{n % 7},x\n" for n in range(60))
    custodian.register(
        YAMAMOTO, a_small_database(tmp_path / "newer", more + "P-l,33,f,,2024-04,20.5,0,K1,x\n")
    )
    custodian.build(YAMAMOTO, envelope("v-1"), refresh=True)
    second = cell({"age": "20-49 now"}, pids(site, custodian, "v-1", "age BETWEEN 20 AND 49"))
    (found,) = asked(custodian, "v-1", "e-1", [second], n=2)["findings"]
    assert found["code"] == "disclosure.history_pair"
    assert found["facts"]["with"] == ["e-1 t.csv: age=20-49"]
    assert custodian.conclude(CHECKER, "e-1", released=True)["populations"] == 0, "nothing of it is kept"


def test_numbers_without_persons_are_remembered_once_they_leave(ground: tuple[Site, Custodian]) -> None:
    """After a table without a receipt was released, a machine passes no later output by itself, and says why."""
    site, custodian = ground
    custodian.build(YAMAMOTO, envelope("v-1"))
    assert asked(custodian, "v-1", "e-1", [], say={"unread": True})["findings"] == []
    young = [cell({"age": "20-49"}, pids(site, custodian, "v-1", "age BETWEEN 20 AND 49"))]
    assert asked(custodian, "v-1", "e-2", young)["findings"] == [], "it has not left yet"
    custodian.conclude(CHECKER, "e-1", released=True)
    with pytest.raises(Refused) as no:
        custodian.conclude(CHECKER, "e-2", released=True)
    assert no.value.code == "custody.release_unexamined"
    (found,) = asked(custodian, "v-1", "e-3", young)["findings"]
    assert (found["code"], found["verdict"]) == ("disclosure.history_bound", "human")
    assert found["facts"]["releases_without_persons"] == 1
    assert custodian.conclude(CHECKER, "e-3", released=True)["populations"] == 1, "the checkers were told"


def test_rules_that_ask_for_more_than_persons_are_said_not_to_be_judged_of_a_difference(
    ground: tuple[Site, Custodian],
) -> None:
    """Where a rule set asks for institutions or contributions and there is a history, a human is told."""
    site, custodian = ground
    custodian.build(YAMAMOTO, envelope("v-1"))
    young, old = (
        [cell({"age": words}, pids(site, custodian, "v-1", words))]
        for words in ("age BETWEEN 20 AND 49", "age BETWEEN 50 AND 79")
    )
    more = {"unjudged": ["dominance", "min_institutions"]}
    assert asked(custodian, "v-1", "e-1", young, say=more)["findings"] == []
    custodian.conclude(CHECKER, "e-1", released=True)
    said = {one["code"]: one for one in asked(custodian, "v-1", "e-2", old, say=more)["findings"]}
    assert said["disclosure.history_unjudged"]["verdict"] == "human"
    assert said["disclosure.history_unjudged"]["facts"] == {"rules": "dominance, min_institutions"}


def test_a_municipality_brings_its_own_number_of_persons(ground: tuple[Site, Custodian]) -> None:
    """Fifteen persons between a wider area and a small municipality fail; with a larger one a human looks, and is told what
    inhabitants decide and nothing here judged."""
    site, custodian = ground
    custodian.build(YAMAMOTO, envelope("v-1"))
    every = pids(site, custodian, "v-1", "age BETWEEN 20 AND 79")
    assert len(every) > 40
    say = {"strictest": 20, "unjudged": ["min_persons_by_population"]}
    fewer = every[:-15]
    assert asked(custodian, "v-1", "e-1", [cell({"k": "a"}, every)], say=say)["findings"] == []
    custodian.conclude(CHECKER, "e-1", released=True)
    said = asked(custodian, "v-1", "e-2", [{**cell({"k": "b"}, fewer), "area": "13104"}], say=say)["findings"]
    codes = {one["code"]: one["verdict"] for one in said}
    assert codes["disclosure.history_area"] == codes["disclosure.history_unjudged"] == "human"
    small = {**cell({"k": "c"}, fewer), "area": "13362", "floor": 20}
    said = asked(custodian, "v-1", "e-3", [small], say=say)["findings"]
    pairs = [one for one in said if one["code"] == "disclosure.history_pair"]
    assert [(one["verdict"], one["facts"]["threshold"]) for one in pairs] == [("fail", 20)]


@pytest.mark.parametrize("wrong", [{"floor": True}, {"floor": -1}, {"floor": "x"}])
def test_a_cells_own_number_of_persons_is_a_number(wrong: dict[str, Any]) -> None:
    """Anything else is no request."""
    with pytest.raises(Refused) as no:
        lines_of([{**cell({}, [1, 2]), **wrong}])
    assert no.value.code == "custody.request_malformed"


def test_the_same_persons_with_another_value_are_shown_to_a_human(ground: tuple[Site, Custodian]) -> None:
    """One measure over the same persons that was 90 and is 89 tells of a record, of whom nobody knows."""
    site, custodian = ground
    custodian.build(YAMAMOTO, envelope("v-1"))
    young = cell({"age": "20-49"}, pids(site, custodian, "v-1", "age BETWEEN 20 AND 49"))
    asked(custodian, "v-1", "e-1", [{**young, "measure": "count(*)", "value": "90"}])
    custodian.conclude(CHECKER, "e-1", released=True)
    again = asked(custodian, "v-1", "e-2", [{**young, "measure": "count(*)", "value": "90"}])
    assert [one["code"] for one in again["findings"]] == ["disclosure.history_examined"]
    other = asked(custodian, "v-1", "e-3", [{**young, "measure": "count(*)", "value": "89"}])
    assert [(one["code"], one["verdict"]) for one in other["findings"]] == [
        ("disclosure.history_records", "human")
    ]


def test_a_public_table_stands_beside_what_is_released_after_it(ground: tuple[Site, Custodian]) -> None:
    """Its numbers are laid beside an output's, by name also for the asker; nothing passes by the machine alone, and nothing is
    refused for a number of which nobody knows the persons."""
    site, custodian = ground
    custodian.build(YAMAMOTO, envelope("v-1"))
    cells = published_lines(
        "NDB Open Data 9",
        [
            {"table": "ages", "keys": [["age", "20-49"], ["sex", "Σ"]], "low": 33, "high": 33},
            {"table": "ages", "keys": [["age", "50-79"], ["sex", "Σ"]], "low": 1, "high": 9},
        ],
    )
    entered = custodian.enter_release(YAMAMOTO, "small", "NDB Open Data 9", cells)
    assert (entered["numbers"], entered["persons_known"]) == (2, False)
    young = [cell({"age": "20-49"}, pids(site, custodian, "v-1", "age BETWEEN 20 AND 49"))]
    said = {one["code"]: one for one in asked(custodian, "v-1", "e-1", young)["findings"]}
    assert set(said) == {"disclosure.history_published", "disclosure.history_bound"}
    assert {one["verdict"] for one in said.values()} == {"human"}
    assert said["disclosure.history_published"]["facts"]["with"] == ["NDB Open Data 9 ages: age=20-49, sex=Σ"]
    with pytest.raises(Refused) as no:
        custodian.enter_release(YAMAMOTO, "small", "NDB Open Data 9", cells)
    assert no.value.code == "custody.release_known"
    (listed,) = custodian.releases(YAMAMOTO, "small")["releases"]
    assert listed["release"] == "NDB Open Data 9"
    assert (listed["project"], listed["numbers"], listed["persons_known"]) == (None, 2, False)


@pytest.mark.parametrize(
    "raw",
    [None, [], [{}], [{"table": "t", "keys": [], "low": 3, "high": 2}],
     [{"table": "t", "keys": [], "low": True, "high": 2}], [{"table": "t", "keys": [], "low": -1, "high": None}]],
)  # fmt: skip
def test_public_cells_that_are_none_are_refused_with_their_place(raw: object) -> None:
    """A number below nothing, bounds the wrong way round and what is no list of cells enter nowhere."""
    with pytest.raises(Refused) as no:
        published_lines("r", raw)
    assert no.value.code == "custody.request_malformed"


def test_definitions_become_sets_before_the_extract_is_erased(
    ground: tuple[Site, Custodian], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept as the extract's persons but some becomes a set; after the erasure nothing follows from the extract's list
    of persons, and what was released of it still collides."""
    site, custodian = ground
    monkeypatch.setattr(released_sets, "LARGE", 0)
    monkeypatch.setattr(definitions, "SHORTER", 0)
    for provision, project in (("v-1", "nafld-fib"), ("v-2", "other")):
        custodian.build(YAMAMOTO, envelope(provision, project))
    words = ("age BETWEEN 20 AND 49", "age BETWEEN 50 AND 78", "age BETWEEN 20 AND 78")
    asked(custodian, "v-1", "e-1", [cell({"age": one}, pids(site, custodian, "v-1", one)) for one in words])
    custodian.conclude(CHECKER, "e-1", released=True)
    (file,) = (site.custody / "releases").glob("*.sqlite")

    def over() -> list[str]:
        with sqlite3.connect(file) as connection:
            return [row[0] for row in connection.execute("SELECT over FROM defined").fetchall()]

    def found() -> list[str]:
        almost = cell({"age": "x"}, pids(site, custodian, "v-2", "age BETWEEN 20 AND 77", project="other"))
        return [one["code"] for one in asked(custodian, "v-2", "e-2", [almost], project="other")["findings"]]

    assert set(over()) == {"v-1/1"}
    before = found()
    assert before[0] == "disclosure.history_pair"
    custodian.erase(YAMAMOTO, "v-1")
    assert over() == []
    monkeypatch.setattr(Books, "members", _only_of("v-2"))
    assert found() == before


def _only_of(kept: str) -> Any:
    """The list of an extract's persons as if that of every other provision were gone."""
    real = Books.members

    def members(self: Books, provision: str, n: int, population: str) -> Any:
        return real(self, provision, n, population) if provision == kept else None

    return members
