"""An extract of the real cohort holds what was permitted, under the provision's own names, and nothing that tells more."""

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from enclave.adapters.custodian import Custodian
from enclave.adapters.custody_desk import attach_key
from enclave.adapters.custody_engine import Attached, engine
from enclave.adapters.descriptor_files import read_descriptor
from enclave.adapters.vault import Registered, Source, Vault
from enclave.config import Site
from enclave.core.clock import parse_rfc3339
from enclave.core.refusal import Refused
from enclave.custody.pseudonym import Permutation, derive
from tests.fakes.custody_site import (
    DATABASES,
    GATEWAY,
    NAFLD,
    YAMAMOTO,
    Deciding,
    a_custodian,
    a_site,
    a_small_database,
    signed,
)
from tests.fakes.ledger import MemoryLedger


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, MemoryLedger, Custodian]]:
    """The real cohort, registered, with one extract of permit p-2026-0007."""
    with pytest.MonkeyPatch.context() as patch:
        site = a_site(tmp_path_factory.mktemp("custody"), patch)
        ledger = MemoryLedger()
        custodian = a_custodian(site, ledger)
        custodian.register(YAMAMOTO, NAFLD)
        custodian.build(YAMAMOTO, signed())
        yield site, ledger, custodian


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Site, MemoryLedger, Custodian]:
    """Three persons, registered; cheap to build many times."""
    site = a_site(tmp_path, monkeypatch)
    ledger = MemoryLedger()
    custodian = a_custodian(site, ledger)
    custodian.register(YAMAMOTO, a_small_database(tmp_path / "files"))
    return site, ledger, custodian


SMALL = {
    "people": {"columns": ["age", "sex", "born", "first", "bmi", "dead", "clinic"]},
    "visits": {"columns": ["day"]},
}


def small_permit(people: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    tables = {**SMALL, **({"people": people} if people else {})}
    return signed(databases={"small": tables}, linkage_groups=[["small"]], **more)


def rows(
    custodian: Custodian, site: Site, envelope: dict[str, Any], sql: str, n: int | None = None
) -> list[Any]:
    """Answers from an extract, opened as the gateway opens it."""
    opened = custodian.open(GATEWAY, "v-81c2", n, envelope)
    with duckdb.connect() as connection:
        connection.execute(
            f"ATTACH '{site.extracts}/v-81c2/{opened.n}/extract.duckdb' AS x"
            f" (READ_ONLY, ENCRYPTION_KEY '{opened.key}')"
        )
        return connection.execute(sql).fetchall()


def numbered(site: Site, population: str) -> dict[str, int]:
    """The register of a population, read as custody reads it."""
    held = Vault(site.custody).held("register", population)
    assert held is not None
    file = Attached(site.custody / held.path, "register", attach_key(held.key))
    with engine([file]) as connection:
        return dict(connection.execute("FROM register.numbers.shared").fetchall())


def actions(ledger: MemoryLedger) -> list[tuple[str, str, tuple[str, ...]]]:
    leaves = [json.loads(entry) for entry in ledger.entries]
    return [(leaf["action"], leaf["outcome"], tuple(leaf["codes"])) for leaf in leaves]


# -- what is in it -------------------------------------------------------------------------------
def test_only_permitted_tables_and_columns_are_there(cohort: Any) -> None:
    """The engine's own account of the file: the permit's columns, `pid` first; what codes mean; persons' blocks."""
    site, _ledger, custodian = cohort
    found = rows(
        custodian,
        site,
        signed(),
        "SELECT schema_name || '.' || table_name, list(column_name ORDER BY column_index) FROM duckdb_columns()"
        " WHERE database_name = 'x' AND NOT internal GROUP BY ALL",
    )
    assert dict(found) == {
        **{f"nafld.{table}": grant["columns"] for table, grant in DATABASES["nafld"].items()},
        "nafld.code_values": ["table_name", "column_name", "code", "ja", "en"],
        "enclave blocks.nafld": ["pid", "block"],
        "enclave population blocks.nafld": ["pid", "block"],
    }
    assert rows(
        custodian,
        site,
        signed(),
        "SELECT count(*) FROM duckdb_views() WHERE database_name = 'x' AND NOT internal",
    ) == [(0,)]


def test_every_row_is_there_under_the_right_name(cohort: Any) -> None:
    """The three tables equal, row for row, a plain re-making from the files with the obvious pseudonym."""
    site, _ledger, custodian = cohort
    key = Vault(site.custody).provision_key("v-81c2", "p-2026-0007", "")
    permutation = Permutation(derive(key, "person", ["nafld"]))
    names = {text: permutation.of(number) for text, number in numbered(site, "nafld").items()}
    with duckdb.connect() as connection:
        source = connection.execute(
            f"SELECT id, age, male, bmi, futime, status, \"case.id\" FROM '{NAFLD.parent}/nafld1.csv.gz'"
        ).fetchall()
        labs = connection.execute(
            f"SELECT id, days, test, value FROM '{NAFLD.parent}/nafld2.csv.gz'"
        ).fetchall()
    expected = [
        (names[str(one)], *rest, None if case is None else names[str(int(case))])
        for one, *rest, case in source
    ]
    patients = rows(custodian, site, signed(), "FROM x.nafld.patients")
    assert len(patients) == 17_549
    assert sorted(patients, key=repr) == sorted(expected, key=repr)
    found = rows(custodian, site, signed(), "FROM x.nafld.labs")
    assert sorted(found, key=repr) == sorted(((names[str(one)], *rest) for one, *rest in labs), key=repr)


def test_no_source_identifier_is_left(cohort: Any) -> None:
    """Pseudonyms fall among the study's numbers no more often than chance, and rows are not in the file's order."""
    site, _ledger, custodian = cohort
    found = rows(custodian, site, signed(), "SELECT pid, case_pid FROM x.nafld.patients")
    names = {one for row in found for one in row if one is not None}
    assert sum(name < 20_000 for name in names) <= 5  # of 17,549 names of 2^32 one in ten times one
    assert [pid for pid, _case in found] == sorted(pid for pid, _case in found)


def test_the_manifest_tells_the_truth(cohort: Any) -> None:
    """Its counts, types and digest are those of the file; on disk, in the vault and in the answer it is the same."""
    import hashlib

    site, ledger, custodian = cohort
    folder = site.extracts / "v-81c2" / "1"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest == custodian.build(YAMAMOTO, signed()) == custodian.extracts("v-81c2")[0]
    data = (folder / "extract.duckdb").read_bytes()
    assert manifest["file"] == {
        "name": "extract.duckdb",
        "digest": "sha256:" + hashlib.sha256(data).hexdigest(),
        "size": len(data),
    }
    for name, table in manifest["tables"].items():
        if table.get("reference"):
            continue
        count, persons = rows(
            custodian, site, signed(), f"SELECT count(*), count(DISTINCT pid) FROM x.{name}"
        )[0]
        assert (table["rows"], table["persons"], table["person"]) == (count, persons, True)
        types = dict(
            rows(custodian, site, signed(), f"SELECT column_name, column_type FROM (DESCRIBE x.{name})")
        )
        assert types == {column: about["type"] for column, about in table["columns"].items()}
    built = next(leaf for leaf in map(json.loads, ledger.entries) if leaf["action"] == "extract.built")
    assert built["object"]["digest"] == manifest["file"]["digest"]


# -- encryption ----------------------------------------------------------------------------------
WORDS = (b"dyslipidemia", b"heart failure", b"patients", b"futime", b"nafld")


def test_the_bytes_on_disk_say_nothing(cohort: Any, tmp_path: Path) -> None:
    """Words that an unencrypted file of the same data shows are nowhere in the extract."""
    site, _ledger, _custodian = cohort
    with duckdb.connect(str(tmp_path / "plain.duckdb")) as connection:
        connection.execute("CREATE SCHEMA nafld")
        connection.execute(f"CREATE TABLE nafld.patients AS FROM '{NAFLD.parent}/nafld1.csv.gz'")
        connection.execute(f"CREATE TABLE nafld.events AS FROM '{NAFLD.parent}/nafld3.csv.gz'")
    plain = (tmp_path / "plain.duckdb").read_bytes()
    encrypted = (site.extracts / "v-81c2" / "1" / "extract.duckdb").read_bytes()
    assert all(word in plain for word in WORDS)
    assert not any(word in encrypted for word in WORDS)


@pytest.mark.parametrize("key", [None, "", "a wrong key", "A" * 43 + "="])
def test_no_other_key_opens_it(cohort: Any, key: str | None) -> None:
    """Without the key, or with another, the engine reads nothing."""
    site, _ledger, _custodian = cohort
    options = "READ_ONLY" if key is None else f"READ_ONLY, ENCRYPTION_KEY '{key}'"
    with pytest.raises(duckdb.Error):
        read_all(site.extracts / "v-81c2" / "1" / "extract.duckdb", options)


def read_all(path: Path, options: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS x ({options})")
        for table in DATABASES["nafld"]:
            connection.execute(f"FROM x.nafld.{table}").fetchall()


def test_a_changed_byte_is_noticed(cohort: Any, tmp_path: Path) -> None:
    """The cipher authenticates what it holds."""
    site, _ledger, custodian = cohort
    key = custodian.open(GATEWAY, "v-81c2", None, signed()).key
    path = site.extracts / "v-81c2" / "1" / "extract.duckdb"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "edited.duckdb").write_bytes(data)
    read_all(path, f"READ_ONLY, ENCRYPTION_KEY '{key}'")
    with pytest.raises(duckdb.Error):
        read_all(tmp_path / "edited.duckdb", f"READ_ONLY, ENCRYPTION_KEY '{key}'")


# -- the permit is the measure -------------------------------------------------------------------
def test_types_and_missing_values_come_through(small: Any) -> None:
    """Dates, months, numbers, yes and no; an empty field is NULL; identifiers have one spelling in all tables."""
    site, _ledger, custodian = small
    envelope = small_permit()
    custodian.build(YAMAMOTO, envelope)
    found = rows(
        custodian,
        site,
        envelope,
        "SELECT age, sex, born::VARCHAR, first::VARCHAR, bmi, dead FROM x.small.people ORDER BY age",
    )
    assert found == [
        (17, "f", "2009-03-04", "2024-04-01", 20.5, False),
        (44, "m", "1980-12-31", "2024-05-01", None, True),
        (71, "f", "1953-01-01", "2024-06-01", 31.25, False),
    ]
    visits = (
        "SELECT age, count(*) FROM x.small.people JOIN x.small.visits USING (pid) GROUP BY age ORDER BY age"
    )
    assert rows(custodian, site, envelope, visits) == [(17, 1), (44, 2)]
    clinics = "SELECT count(DISTINCT clinic), count(clinic), max(typeof(clinic)) FROM x.small.people"
    assert rows(custodian, site, envelope, clinics) == [(2, 3, "UINTEGER")]


@pytest.mark.parametrize(
    ("grant", "ages"),
    [
        ({"columns": ["age"], "rows": "age >= 18"}, [44, 71]),
        ({"columns": ["bmi"], "rows": "age < 18"}, None),
        ({"columns": ["age"], "period": {"column": "born", "from": "1953-01-01", "to": "1980-12-31"}}, [71]),
        ({"columns": ["age"], "period": {"column": "first", "from": "2024-05", "to": "2024-06"}}, [44]),
        ({"columns": ["age"], "period": {"column": "age", "from": "17", "to": "71"}}, [17, 44]),
        ({"columns": ["age"], "coarsen": {"age": 10}}, [10, 40, 70]),
        ({"columns": ["age"], "rows": "age >= 44", "coarsen": {"age": 20}}, [40, 60]),
        ({"columns": ["born"], "coarsen": {"born": 12}}, ["1953-01-01", "1980-01-01", "2009-01-01"]),
        ({"columns": ["born"], "coarsen": {"born": 60}}, ["1950-01-01", "1980-01-01", "2005-01-01"]),
        ({"columns": ["first"], "coarsen": {"first": 3}}, ["2024-04-01"] * 3),
    ],
)
def test_rows_and_period_speak_of_source_values(
    small: Any, grant: dict[str, Any], ages: list[Any] | None
) -> None:
    """Half-open, before coarsening, also over columns that are not shown; what is absent stays absent."""
    site, _ledger, custodian = small
    envelope = small_permit(grant)
    custodian.build(YAMAMOTO, envelope)
    column = grant["columns"][0]
    text = "" if column in {"age", "bmi"} else "::VARCHAR"
    found = [
        row[0]
        for row in rows(custodian, site, envelope, f"SELECT {column}{text} FROM x.small.people ORDER BY 1")
    ]
    assert found == ([20.5] if ages is None else ages)


def test_an_area_is_given_as_its_prefecture(small: Any) -> None:
    """Where the permit coarsens it: the first two digits, which are a prefecture's code; what is absent stays absent."""
    site, _ledger, custodian = small
    visits = {"columns": ["home"], "coarsen": {"home": 2}}
    envelope = signed(databases={"small": {"visits": visits}}, linkage_groups=[["small"]])
    manifest = custodian.build(YAMAMOTO, envelope)
    assert manifest["tables"]["small.visits"]["columns"]["home"]["coarsened"] == 2
    found = rows(custodian, site, envelope, "SELECT home FROM x.small.visits ORDER BY home NULLS LAST")
    assert found == [("01",), ("13",), (None,)]


def test_a_refresh_keeps_everyones_name_and_gives_newcomers_one(small: Any, tmp_path: Path) -> None:
    """A new state of the source becomes extract 2; extract 1 stays readable."""
    site, _ledger, custodian = small
    envelope = small_permit()
    custodian.build(YAMAMOTO, envelope)
    before = dict(rows(custodian, site, envelope, "SELECT age, pid FROM x.small.people"))
    custodian.register(
        YAMAMOTO, a_small_database(tmp_path / "newer", "D-9,30,m,1994-05-06,2024-07,25,0,K9,x\n")
    )
    assert custodian.build(YAMAMOTO, envelope)["n"] == 1
    assert custodian.build(YAMAMOTO, envelope, refresh=True)["n"] == 2
    after = dict(rows(custodian, site, envelope, "SELECT age, pid FROM x.small.people"))
    assert {age: after[age] for age in before} == before
    assert set(after) - set(before) == {30}
    assert len(rows(custodian, site, envelope, "FROM x.small.people", n=1)) == 3


def test_two_provisions_have_no_name_in_common(small: Any) -> None:
    """The same persons in another provision cannot be recognised."""
    site, _ledger, custodian = small
    names = []
    for provision in ("v-81c2", "v-other"):
        envelope = small_permit(provision=provision, permit_id=f"p-{provision}")
        custodian.build(YAMAMOTO, envelope)
        opened = custodian.open(GATEWAY, provision, None, envelope)
        with duckdb.connect() as connection:
            connection.execute(
                f"ATTACH '{site.extracts}/{provision}/1/extract.duckdb' AS x (READ_ONLY, ENCRYPTION_KEY '{opened.key}')"
            )
            names.append({row[0] for row in connection.execute("SELECT pid FROM x.small.people").fetchall()})
    assert len(names[0] | names[1]) == 6


def test_a_permit_that_is_asked_twice_at_once_is_built_once(small: Any) -> None:
    """Four askers, one extract, one leaf that says so."""
    _site, ledger, custodian = small
    answers: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(custodian.build(YAMAMOTO, small_permit())))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer["n"] for answer in answers] == [1, 1, 1, 1]
    assert [action for action, _outcome, _codes in actions(ledger)].count("extract.built") == 1


# -- refusals ------------------------------------------------------------------------------------
def refused(code: str, ask: Any) -> Refused:
    with pytest.raises(Refused) as no:
        ask()
    assert no.value.code == code
    return no.value


def edited(envelope: dict[str, Any]) -> dict[str, Any]:
    import base64

    payload = base64.b64decode(envelope["payload"]).replace(b'"age"', b'"bmj"', 1)
    return {**envelope, "payload": base64.b64encode(payload).decode()}


def test_a_permit_with_an_edited_byte_reaches_nothing(small: Any) -> None:
    """Neither an extract nor a key, and the attempt is on record."""
    site, ledger, custodian = small
    custodian.build(YAMAMOTO, small_permit())
    refused("permit.signature", lambda: custodian.build(YAMAMOTO, edited(small_permit()), refresh=True))
    refused("permit.signature", lambda: custodian.open(GATEWAY, "v-81c2", None, edited(small_permit())))
    assert actions(ledger)[-2:] == [
        ("extract.built", "refused", ("permit.signature",)),
        ("extract.opened", "refused", ("permit.signature",)),
    ]
    assert sorted(path.name for path in (site.extracts / "v-81c2").iterdir()) == ["1"]


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        ("2026-10-31T23:59:59Z", "permit.not_yet_valid"),
        ("2027-10-31T15:00:00Z", "permit.expired"),
        ("2030-01-01T00:00:00Z", "permit.expired"),
    ],
)
def test_outside_its_validity_a_permit_reaches_nothing(small: Any, moment: str, code: str) -> None:
    """Asked anew at every build and every opening, by the server's clock."""
    site, ledger, custodian = small
    custodian.build(YAMAMOTO, small_permit())
    later = a_custodian(site, ledger, now=lambda: parse_rfc3339(moment))
    refused(code, lambda: later.build(YAMAMOTO, small_permit(), refresh=True))
    refused(code, lambda: later.open(GATEWAY, "v-81c2", None, small_permit()))


def test_when_the_ledger_is_silent_nothing_happens(small: Any, tmp_path: Path) -> None:
    """No database, no extract, no key, no erasure without a record; and all of it works when the ledger is back."""
    site, ledger, custodian = small
    envelope = small_permit()
    ledger.silent = True
    refused(
        "ledger.unavailable",
        lambda: custodian.register(YAMAMOTO, a_small_database(tmp_path / "again", "x" * 3)),
    )
    refused("ledger.unavailable", lambda: custodian.build(YAMAMOTO, envelope))
    assert list(site.extracts.iterdir()) == []
    ledger.silent = False
    custodian.build(YAMAMOTO, envelope)
    key = Vault(site.custody).data_key("v-81c2", 1)
    ledger.silent = True
    refused("ledger.unavailable", lambda: custodian.open(GATEWAY, "v-81c2", None, envelope))
    refused("ledger.unavailable", lambda: custodian.erase(YAMAMOTO, "v-81c2"))
    ledger.silent = False
    assert Vault(site.custody).data_key("v-81c2", 1) == key
    assert custodian.open(GATEWAY, "v-81c2", None, envelope).n == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (None, "policy.unavailable"),
        ({}, "custody.not_allowed"),
        ({"allow": "true"}, "custody.not_allowed"),
        ({"allow": 1}, "custody.not_allowed"),
        ({"allow": False, "deny": ["custody.custodian_required"]}, "custody.custodian_required"),
    ],
)
def test_without_an_explicit_yes_of_the_policy_nothing_happens(small: Any, answer: Any, code: str) -> None:
    """Silence, an empty document and a yes of the wrong type are all a no."""
    site, ledger, _custodian = small
    policy = Deciding()
    policy.answer = answer
    custodian = a_custodian(site, ledger, policy)
    refused(code, lambda: custodian.build(YAMAMOTO, small_permit()))
    assert list(site.extracts.iterdir()) == []
    assert actions(ledger)[-1] == ("extract.built", "refused", (code,))
    asked = policy.asked[-1]
    assert (asked["path"], asked["action"], asked["actor"]) == (
        "enclave/custody/decision",
        "extract.build",
        {"person": "yamamoto", "role": "custodian"},
    )


def test_a_key_is_for_the_permit_that_the_extract_was_built_for(small: Any) -> None:
    """An amended permit, another provision's, a person who is no handler: no key."""
    _site, _ledger, custodian = small
    custodian.build(YAMAMOTO, small_permit())
    amended = small_permit({"columns": ["age"]}, revision=2)
    refused("custody.extract_stale", lambda: custodian.open(GATEWAY, "v-81c2", None, amended))
    other = small_permit(permit_id="p-2")
    refused("custody.provision_taken", lambda: custodian.open(GATEWAY, "v-81c2", None, other))
    refused("custody.extract_unknown", lambda: custodian.open(GATEWAY, "v-81c2", 2, small_permit()))
    nobody = small_permit(handlers=["mori"])
    refused("permit.not_handler", lambda: custodian.open(GATEWAY, "v-81c2", None, nobody))


def test_another_permit_cannot_take_a_provision_over(small: Any) -> None:
    """Its pseudonyms would join two studies."""
    _site, _ledger, custodian = small
    custodian.build(YAMAMOTO, small_permit())
    refused("custody.provision_taken", lambda: custodian.build(YAMAMOTO, small_permit(permit_id="p-2")))


def test_an_amendment_is_built_as_the_next_extract(small: Any) -> None:
    """Revision 2 has its own; what revision 1 had and 2 has not is out of reach of revision 2."""
    site, _ledger, custodian = small
    custodian.build(YAMAMOTO, small_permit())
    amended = small_permit({"columns": ["age"]}, revision=2)
    assert custodian.build(YAMAMOTO, amended)["n"] == 2
    assert rows(custodian, site, amended, "SELECT count(COLUMNS(*)) FROM x.small.people") == [(3, 3)]
    refused("custody.extract_stale", lambda: custodian.open(GATEWAY, "v-81c2", 1, amended))


def test_a_revision_that_changes_only_limits_keeps_the_extract(small: Any) -> None:
    """Nothing is built again, the earlier envelope is spent, and the same file opens for the new one."""
    _site, ledger, custodian = small
    first = custodian.build(YAMAMOTO, small_permit(limits={"queries_day": 10}))
    larger = small_permit(revision=2, limits={"queries_day": 20})
    opened = custodian.open(GATEWAY, "v-81c2", None, larger)
    assert (opened.n, opened.manifest["file"]["digest"]) == (1, first["file"]["digest"])
    assert custodian.build(YAMAMOTO, larger)["n"] == 1
    assert len([a for a in actions(ledger) if a[:2] == ("extract.authorised", "ok")]) == 1
    assert custodian.build(YAMAMOTO, larger, refresh=True)["n"] == 2
    spent = small_permit(limits={"queries_day": 10})
    refused("custody.permit_superseded", lambda: custodian.open(GATEWAY, "v-81c2", None, spent))


def test_a_revision_under_another_rule_set_is_built_anew(small: Any) -> None:
    """What a rule set shapes in the file is not there yet, though tables and columns agree."""
    _site, _ledger, custodian = small
    custodian.build(YAMAMOTO, small_permit())
    other = small_permit(revision=2, rule_sets=["ndb-2024-09", "blocks-2026"])
    assert custodian.build(YAMAMOTO, other)["n"] == 2


# -- registering ---------------------------------------------------------------------------------
def test_registering_says_what_comes_in_and_what_does_not(small: Any) -> None:
    """The column that the descriptor does not name is listed, and lies in no extract."""
    _site, _ledger, custodian = small
    people = custodian.databases()["small"]["tables"]["people"]
    assert people["left"] == ["note"]
    assert (people["rows"], people["persons"]) == (3, 3)


@pytest.mark.parametrize(
    ("row", "code", "facts"),
    [
        ("D-1,4x,f,2009-03-04,2024-04,1,0,K\n", "catalogue.file_unreadable", {}),
        (
            "D-1,4.5,f,2009-03-04,2024-04,1,0,K,n\n",
            "catalogue.value_unreadable",
            {"column": "age", "rows": 1},
        ),
        ("D-1,4,f,2009-02-30,2024-04,1,0,K,n\n", "catalogue.value_unreadable", {"column": "born", "rows": 1}),
        (
            "D-1,4,f,2009-03-04,2024-13,1,0,K,n\n",
            "catalogue.value_unreadable",
            {"column": "first", "rows": 1},
        ),
        (
            "D-1,4,f,2009-03-04,2024-04,nan,0,K,n\n",
            "catalogue.value_unreadable",
            {"column": "bmi", "rows": 1},
        ),
        (
            "D-1,4,f,2009-03-04,2024-04,1,perhaps,K,n\n",
            "catalogue.value_unreadable",
            {"column": "dead", "rows": 1},
        ),
        (",4,f,2009-03-04,2024-04,1,0,K,n\n", "catalogue.person_absent", {"rows": 1}),
        ("  ,4,f,2009-03-04,2024-04,1,0,K,n\n", "catalogue.person_absent", {"rows": 1}),
    ],
)
def test_a_file_with_one_wrong_value_is_not_taken_in(
    small: Any, tmp_path: Path, row: str, code: str, facts: dict[str, Any]
) -> None:
    """How many and where, never the value; what was registered before stays as it was."""
    site, _ledger, custodian = small
    before = custodian.databases()
    no = refused(code, lambda: custodian.register(YAMAMOTO, a_small_database(tmp_path / "wrong", row)))
    assert facts.items() <= no.facts.items()
    assert not any(str(cell) in str(no.facts.values()) for cell in ("4x", "4.5", "perhaps", "D-1", "02-30"))
    assert custodian.databases() == before
    assert len(list((site.custody / "sources" / "small").iterdir())) == 1


def test_a_missing_file_is_named(small: Any, tmp_path: Path) -> None:
    """The table and the file, so that the custodian can put it there."""
    _site, _ledger, custodian = small
    path = a_small_database(tmp_path / "gone")
    (path.parent / "visits.csv").unlink()
    no = refused("catalogue.file_missing", lambda: custodian.register(YAMAMOTO, path))
    assert (no.facts["table"], no.facts["file"]) == ("visits", "visits.csv")


def test_what_researchers_may_know_before_they_apply_is_published(cohort: Any) -> None:
    """Registration publishes the columns' statistics, rounded to the rule set's threshold: of the real cohort 17,550
    persons, 27 % of weights missing, no exact count and no single person's age."""
    site, _ledger, _custodian = cohort
    published = json.loads((site.catalogue / "nafld" / "statistics.json").read_text())
    patients = published["tables"]["patients"]
    assert published["rule_sets"] == ["ndb-2024-09"]
    assert (patients["persons"], patients["rows"]) == (17_550, 17_550)
    assert patients["columns"]["weight"]["missing"] == 27
    assert patients["columns"]["age"] == {"missing": 0, "low": "20", "high": "90"}
    assert published["tables"]["events"]["columns"]["event"]["codes"] == 10


def test_what_an_earlier_version_kept_is_brought_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files as they came, and persons numbered in the vault: at the start they become a store and a register, the files
    are gone, and everybody's pseudonym is what it was."""
    site = a_site(tmp_path, monkeypatch)
    path = a_small_database(tmp_path / "files")
    vault = Vault(site.custody)
    kept = site.custody / "sources" / "small" / "abc123"
    kept.mkdir(parents=True)
    sources = {}
    for name in ("people", "visits"):
        shutil.copy(path.parent / f"{name}.csv", kept / f"{name}.csv")
        sources[name] = Source(f"small/abc123/{name}.csv", "sha256:0", 3, 3, (), ())
    described = read_descriptor(path)
    vault.keep_database("small", Registered(described.to_json(), "2026-11-01T00:00:00Z", sources))
    numbers = {"A-1": 7, "2": 5, "003": 9}
    with vault.change() as connection:
        connection.executemany("INSERT INTO identities VALUES ('small', ?, ?)", numbers.items())
        connection.executemany(
            "INSERT INTO identities VALUES ('small/facility', ?, ?)", [("K1", 3), ("K2", 1)]
        )
    custodian = a_custodian(site, MemoryLedger())
    assert [one.name for one in kept.parent.rglob("*") if one.is_file()] == ["store.duckdb"]
    custodian.build(YAMAMOTO, small_permit())
    permutation = Permutation(derive(vault.provision_key("v-81c2", "p-2026-0007", ""), "person", ["small"]))
    found = rows(custodian, site, small_permit(), "SELECT age, pid FROM x.small.people")
    assert dict(found) == {17: permutation.of(7), 44: permutation.of(5), 71: permutation.of(9)}
    assert a_custodian(site, MemoryLedger()).extracts("v-81c2") == custodian.extracts("v-81c2")


# -- erasure -------------------------------------------------------------------------------------
def test_after_erasure_nothing_can_be_opened_or_made_again(small: Any, tmp_path: Path) -> None:
    """Files gone, keys gone, name spent; a copy of the file that someone kept is noise. The certificate is repeatable."""
    site, ledger, custodian = small
    envelope = small_permit()
    custodian.build(YAMAMOTO, envelope)
    shutil.copy(site.extracts / "v-81c2" / "1" / "extract.duckdb", tmp_path / "kept.duckdb")
    certificate = custodian.erase(YAMAMOTO, "v-81c2")
    assert certificate["keys_destroyed"] == 2
    assert certificate["extracts"][0]["extract"] == "v-81c2/1"
    assert not (site.extracts / "v-81c2").exists()
    assert custodian.extracts("v-81c2") == []
    assert custodian.erase(YAMAMOTO, "v-81c2") == certificate
    for ask in (
        lambda: custodian.open(GATEWAY, "v-81c2", None, envelope),
        lambda: custodian.build(YAMAMOTO, envelope),
        lambda: custodian.build(YAMAMOTO, envelope, refresh=True),
    ):
        refused("custody.provision_erased", ask)
    leaf = json.loads(ledger.entries[certificate["log"]])
    assert (leaf["action"], leaf["object"]["digest"]) == ("extract.erased", certificate["digest"])
    refused("custody.extract_unknown", lambda: custodian.erase(YAMAMOTO, "v-never"))


class FallingSilent(MemoryLedger):
    """A ledger that is ended right after it has recorded one kind of leaf."""

    def __init__(self, last: str) -> None:
        super().__init__()
        self.last = last

    def append(self, events: Any) -> tuple[int, ...]:
        places = super().append(events)
        self.silent = self.silent or any(event.action == self.last for event in events)
        return places


def test_an_erasure_that_the_ledger_interrupts_leaves_no_key_and_is_finished_later(small: Any) -> None:
    """The intent was recorded, so the keys are gone; asked again, the deed is recorded and certified."""
    site, _ledger, custodian = small
    custodian.build(YAMAMOTO, small_permit())
    ledger = FallingSilent("extract.erasing")
    interrupted = a_custodian(site, ledger)
    refused("ledger.unavailable", lambda: interrupted.erase(YAMAMOTO, "v-81c2"))
    refused("custody.provision_erased", lambda: Vault(site.custody).data_key("v-81c2", 1))
    ledger.silent, ledger.last = False, ""
    certificate = interrupted.erase(YAMAMOTO, "v-81c2")
    assert json.loads(ledger.entries[certificate["log"]])["action"] == "extract.erased"


def test_a_build_that_cannot_be_recorded_leaves_nothing(small: Any) -> None:
    """The ledger was there when the build was authorised and is silent when it is done: no extract."""
    site, _ledger, _custodian = small
    custodian = a_custodian(site, FallingSilent("extract.authorised"))
    refused("ledger.unavailable", lambda: custodian.build(YAMAMOTO, small_permit()))
    assert list((site.extracts / "v-81c2").iterdir()) == []
    assert Vault(site.custody).extracts("v-81c2") == ()
