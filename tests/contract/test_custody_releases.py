"""What custody keeps of a release: whose numbers they were, in the population's own numbering, and nothing readable."""

import base64
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from enclave.adapters.custodian import Caller, Custodian
from enclave.adapters.custody_engine import Attached, engine
from enclave.adapters.custody_releases import lines_of
from enclave.config import Site
from enclave.core.event import Actor
from enclave.core.refusal import Refused
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
    custodian: Custodian, provision: str, output: str, cells: list[dict[str, Any]], **more: Any
) -> dict[str, Any]:
    return custodian.examine(
        GATEWAY, envelope(provision, **more), 1, output, "small", 10, False, "ndb-2024-09", lines_of(cells)
    )


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
    (found,) = custodian.examine(
        GATEWAY, envelope("v-1"), 2, "e-2", "small", 10, False, "ndb-2024-09", lines_of([again])
    )["findings"]
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
