"""Persons across databases: one name where the permit links, none in common where it does not, and nobody who withdrew."""

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from enclave.adapters.custodian import Custodian, Withdrawal, WithdrawalKind
from enclave.adapters.vault import Vault
from enclave.config import Site
from enclave.core.clock import parse_rfc3339
from tests.fakes.custody_site import GATEWAY, YAMAMOTO, a_custodian, a_site, refused, signed
from tests.fakes.identified_people import Made
from tests.fakes.ledger import MemoryLedger
from tests.fakes.linked_site import DATABASES, granted, write

PEOPLE = 1_500


class Population:
    """Three registered databases, their reference tables, and what is true of them."""

    def __init__(
        self, site: Site, custodian: Custodian, ledger: MemoryLedger, folder: Path, made: Made
    ) -> None:
        self.site, self.custodian, self.ledger, self.folder, self.made = site, custodian, ledger, folder, made

    def build(self, provision: str, *databases: str, linked: bool = True, **more: Any) -> dict[str, Any]:
        self.custodian.build(YAMAMOTO, self.permit(provision, *databases, linked=linked), **more)
        return self.permit(provision, *databases, linked=linked)

    def permit(self, provision: str, *databases: str, linked: bool = True) -> dict[str, Any]:
        groups = [list(databases)] if linked else [[database] for database in databases]
        return signed(
            provision=provision,
            permit_id=f"p-{provision}",
            databases=granted(*databases),
            linkage_groups=groups,
        )

    def rows(self, provision: str, envelope: dict[str, Any], sql: str, n: int | None = None) -> list[Any]:
        opened = self.custodian.open(GATEWAY, provision, n, envelope)
        file = self.site.extracts / provision / str(opened.n) / "extract.duckdb"
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH '{file}' AS x (READ_ONLY, ENCRYPTION_KEY '{opened.key}')")
            return connection.execute(sql).fetchall()


def population(folder: Path, patch: pytest.MonkeyPatch, now: Any = None) -> Population:
    site = a_site(folder, patch)
    ledger = MemoryLedger()
    custodian = a_custodian(site, ledger, **({"now": now} if now else {}))
    made = write(folder / "files", PEOPLE)
    for database in ("core", *DATABASES):
        custodian.register(YAMAMOTO, folder / "files" / database / "descriptor.yaml")
    return Population(site, custodian, ledger, folder / "files", made)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Population]:
    with pytest.MonkeyPatch.context() as patch:
        found = population(tmp_path_factory.mktemp("population"), patch)
        found.build("v-one", "ndb", "kaigo")
        found.build("v-two", "ndb", "kaigo")
        found.build("v-apart", "ndb", "kaigo", linked=False)
        yield found


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Population:
    return population(tmp_path, monkeypatch)


# -- names -------------------------------------------------------------------------------------------
def test_linked_databases_share_names_and_unlinked_ones_do_not(shared: Population) -> None:
    """Most persons of the care database are found in the claims where the permit links, by chance where it does not."""
    common = "SELECT count(DISTINCT pid) FROM x.kaigo.cert SEMI JOIN x.ndb.rcpt USING (pid)"
    linked = shared.rows("v-one", shared.permit("v-one", "ndb", "kaigo"), common)[0][0]
    apart = shared.rows("v-apart", shared.permit("v-apart", "ndb", "kaigo", linked=False), common)[0][0]
    expected = len(
        set(shared.made.truth["kaigo"].column("true_id").to_pylist())
        & set(shared.made.truth["ndb"].column("true_id").to_pylist())
    )
    assert 0.7 * expected < linked <= expected  # some of the claims database's persons have no claim here
    assert apart <= 1


def test_a_linked_name_is_the_same_true_person(shared: Population) -> None:
    """Of linked pairs of rows of two databases at least 99 in 100 are one person in truth, known by their dates and values."""
    permit = shared.permit("v-one", "ndb", "kaigo")
    levels = shared.rows(
        "v-one", permit, "SELECT pid, list_sort(list((cert_date, care_level))) FROM x.kaigo.cert GROUP BY pid"
    )
    claims = shared.rows(
        "v-one", permit, "SELECT pid, list_sort(list((act_date, points))) FROM x.ndb.si GROUP BY pid"
    )
    signature: dict[str, dict[Any, int]] = {}
    with duckdb.connect() as connection:
        for database, table, columns in (
            ("kaigo", "cert", "(cert_date, care_level)"),
            ("ndb", "si", "(act_date, points)"),
        ):
            rows = connection.execute(
                f"SELECT true_id, list_sort(list({columns})) FROM '{shared.folder}/{database}/{table}.parquet'"
                f" JOIN '{shared.folder}/truth/{database}.parquet' USING (person) GROUP BY true_id"
            ).fetchall()
            signature[database] = {repr(found): true for true, found in rows}
    of_level = {pid: signature["kaigo"].get(repr(found)) for pid, found in levels}
    of_claim = {pid: signature["ndb"].get(repr(found)) for pid, found in claims}
    both = [(of_level[pid], of_claim[pid]) for pid in of_level if pid in of_claim]
    told = [(a, b) for a, b in both if a is not None and b is not None]
    assert len(told) > 100
    assert sum(a == b for a, b in told) / len(told) >= 0.99


def test_two_provisions_share_nothing_beyond_chance(shared: Population) -> None:
    """Neither names of persons nor of claims nor of facilities: of 2^32 names about none is in both."""
    for column, table in (("pid", "rcpt"), ("rcpt_id", "rcpt"), ("facility_id", "si")):
        one, two = (
            {
                row[0]
                for row in shared.rows(
                    v, shared.permit(v, "ndb", "kaigo"), f"SELECT DISTINCT {column} FROM x.ndb.{table}"
                )
            }
            for v in ("v-one", "v-two")
        )
        assert len(one) == len(two) > 20
        assert len(one & two) <= 1


def test_a_claims_number_joins_its_own_tables(shared: Population) -> None:
    """The lines of a claim find their claim, of the same person, and the holder's own numbers are nowhere."""
    permit = shared.permit("v-one", "ndb", "kaigo")
    joined = (
        "SELECT count(*), count(*) FILTER (s.pid = r.pid) FROM x.ndb.si s JOIN x.ndb.rcpt r USING (rcpt_id)"
    )
    lines = pq.read_metadata(shared.folder / "ndb" / "si.parquet").num_rows
    assert shared.rows("v-one", permit, joined) == [(lines, lines)]
    own = set(pq.read_table(shared.folder / "ndb" / "rcpt.parquet").column("rcpt_id").to_pylist())
    found = {row[0] for row in shared.rows("v-one", permit, "SELECT DISTINCT rcpt_id FROM x.ndb.rcpt")}
    assert not own & found
    assert shared.rows("v-one", permit, "SELECT typeof(rcpt_id) FROM x.ndb.si LIMIT 1") == [("BIGINT",)]


def test_rows_lie_in_the_order_of_the_names(shared: Population) -> None:
    """So neither the files' order nor the register's is carried along."""
    permit = shared.permit("v-one", "ndb", "kaigo")
    broken = (
        "SELECT count(*) FROM (SELECT pid < lag(pid) OVER (ORDER BY rowid) AS back FROM x.ndb.si) WHERE back"
    )
    assert shared.rows("v-one", permit, broken) == [(0,)]


# -- what comes along --------------------------------------------------------------------------------
def test_the_codes_that_are_shown_are_explained(shared: Population) -> None:
    """The list of prefectures is there, since a prefecture is shown; the list of diseases is not; sexes are explained."""
    envelope = shared.permit("v-one", "ndb", "kaigo")
    joined = "SELECT DISTINCT p.name FROM x.ndb.rcpt r JOIN x.core.pref p ON r.pref_code = p.code ORDER BY 1"
    assert shared.rows("v-one", envelope, joined) == [("北海道",), ("大阪府",), ("東京都",)]
    manifest = shared.custodian.extracts("v-one")[0]
    assert manifest["tables"]["core.pref"]["reference"] is True
    assert "core.icd10" not in manifest["tables"]
    assert shared.rows(
        "v-one", envelope, "SELECT ja FROM x.ndb.code_values WHERE column_name = 'sex' ORDER BY code"
    ) == [
        ("男",),
        ("女",),
    ]


def test_everybody_has_a_block_that_no_statement_can_name(shared: Population) -> None:
    """One block a person, the same persons as in the tables, at least k in the population; the manifest lists no such table."""
    envelope = shared.permit("v-one", "ndb", "kaigo")
    table = 'x."enclave blocks"."kaigo-ndb"'
    counts = shared.rows("v-one", envelope, f"SELECT count(*), count(DISTINCT pid) FROM {table}")[0]
    people = shared.rows(
        "v-one",
        envelope,
        "SELECT count(*) FROM (SELECT pid FROM x.ndb.rcpt UNION SELECT pid FROM x.kaigo.cert)",
    )
    assert counts == (people[0][0], people[0][0])
    manifest = shared.custodian.extracts("v-one")[0]
    assert all(" " not in name for name in manifest["tables"])
    assert "blocks" not in manifest
    (about,) = manifest["block_sets"]
    assert (about["databases"], about["population"], about["k"]) == (["kaigo", "ndb"], "residents", 20)
    held = Vault(shared.site.custody).held("register", "residents")
    assert held is not None
    assert held.about["blocks"]["smallest"] >= 20


def test_blocks_are_cut_by_where_people_live(shared: Population) -> None:
    """People of one prefecture are with people of that prefecture: nobody whose claims all name one is in a block of another."""
    envelope = shared.permit("v-one", "ndb", "kaigo")
    (about,) = shared.custodian.extracts("v-one")[0]["block_sets"]
    assert about["areas"] == ["ndb.rcpt.pref_code"]
    homes = shared.rows(
        "v-one",
        envelope,
        "WITH one AS (SELECT pid, min(pref_code) p FROM x.ndb.rcpt GROUP BY pid HAVING min(pref_code) = max(pref_code))"
        ' SELECT block, p, count(*) FROM one JOIN x."enclave population blocks"."kaigo-ndb" USING (pid) GROUP BY ALL',
    )
    by_block: dict[int, dict[str, int]] = {}
    for block, pref, persons in homes:
        by_block.setdefault(block, {})[pref] = persons
    most = sum(max(prefs.values()) for prefs in by_block.values())
    # The welfare database says otherwise of a few.
    assert most >= 0.9 * sum(persons for _, _, persons in homes)
    assert len({max(prefs, key=lambda one: prefs[one]) for prefs in by_block.values()}) == 3


def test_a_population_with_blocks_keeps_what_they_are_cut_along(own: Population) -> None:
    """Before the first extract blocks are formed anew; after it a rule set that names areas makes no second partition."""

    def areas() -> list[str]:
        held = Vault(own.site.custody).held("register", "residents")
        assert held is not None
        return list(held.about["blocks"]["areas"])

    def register_again() -> None:
        for database in DATABASES:
            own.custodian.register(YAMAMOTO, own.folder / database / "descriptor.yaml")

    assert areas() == ["ndb.rcpt.pref_code", "welfare.cert.pref_code"]
    policies = own.site.policies.resolve()
    own.site.policies.unlink()
    shutil.copytree(policies, own.site.policies)
    rule = own.site.policies / "data" / "blocks-2026" / "data.yaml"
    asked = rule.read_text()
    rule.write_text(asked.replace(", areas: [pref_code, sma_code, muni_code]", ""))
    register_again()
    assert areas() == []
    table = 'FROM x."enclave population blocks"."kaigo-ndb"'
    before = dict(own.rows("v-1", own.build("v-1", "ndb", "kaigo"), table))
    rule.write_text(asked)
    register_again()
    assert areas() == []
    envelope = own.build("v-1", "ndb", "kaigo", refresh=True)
    assert dict(own.rows("v-1", envelope, table)) == before
    assert own.custodian.extracts("v-1")[-1]["block_sets"][0]["areas"] == []


def test_what_must_stay_apart_is_not_given_together(shared: Population) -> None:
    """A prefecture beside the code of an intractable disease is refused with its ground; each alone is given."""
    both = {"welfare": {"cert": {"columns": ["nanbyo_no", "pref_code"]}}}
    no = refused(
        "custody.columns_apart",
        lambda: shared.custodian.build(
            YAMAMOTO, signed(provision="v-w", permit_id="p-w", databases=both, linkage_groups=[])
        ),
    )
    assert no.facts["apart"] == ["cert.pref_code"]
    for n, column in enumerate(("nanbyo_no", "pref_code")):
        alone = {"welfare": {"cert": {"columns": [column]}}}
        permit = signed(provision=f"v-w{n}", permit_id=f"p-w{n}", databases=alone, linkage_groups=[])
        assert shared.custodian.build(YAMAMOTO, permit)["n"] == 1


# -- refresh -----------------------------------------------------------------------------------------
def test_a_refresh_shows_nobody_as_new(own: Population) -> None:
    """Everybody keeps their name, newcomers' names lie among the others, and blocks are sticky."""
    envelope = own.build("v-1", "ndb", "kaigo")
    people = "SELECT pid FROM x.ndb.rcpt UNION SELECT pid FROM x.kaigo.cert"
    before = {row[0] for row in own.rows("v-1", envelope, people)}
    blocks = dict(own.rows("v-1", envelope, 'FROM x."enclave population blocks"."kaigo-ndb"'))
    write(own.folder, PEOPLE * 2)  # the first half of the people is the same in name only: all are drawn anew
    original = own.folder.parent / "more"
    write(original, PEOPLE)
    _grown(original, own.folder, "ndb")
    own.custodian.register(YAMAMOTO, original / "ndb" / "descriptor.yaml")
    assert own.custodian.build(YAMAMOTO, envelope, refresh=True)["n"] == 2
    after = {row[0] for row in own.rows("v-1", envelope, people)}
    assert before <= after
    new = sorted(after - before)
    assert len(new) >= 40
    ranks = [sum(old < one for old in before) / len(before) for one in new]
    assert 0.35 < sum(ranks) / len(ranks) < 0.65
    assert min(ranks) < 0.2
    assert max(ranks) > 0.8
    now = dict(own.rows("v-1", envelope, 'FROM x."enclave population blocks"."kaigo-ndb"'))
    assert {pid: now[pid] for pid in blocks} == blocks


def _grown(folder: Path, other: Path, database: str) -> None:
    """Add 60 persons of another file to a database's files, under numbers of their own."""
    import pyarrow as pa
    import pyarrow.compute as pc

    more = pq.read_table(other / database / "identifiers.parquet")
    chosen = more.column("person").unique().slice(0, 60)
    shift = pa.scalar(10**12, pa.uint64())
    for name in ("identifiers", "rcpt", "si"):
        arriving = pq.read_table(other / database / f"{name}.parquet")
        arriving = arriving.filter(pc.is_in(arriving.column("person"), chosen))
        shifted = pc.add(arriving.column("person"), shift)
        arriving = arriving.set_column(arriving.schema.get_field_index("person"), "person", shifted)
        if "rcpt_id" in arriving.column_names:
            moved = pc.add(arriving.column("rcpt_id"), pa.scalar(10**15, pa.int64()))
            arriving = arriving.set_column(arriving.schema.get_field_index("rcpt_id"), "rcpt_id", moved)
        path = folder / database / f"{name}.parquet"
        pq.write_table(pa.concat_tables([pq.read_table(path), arriving]), path)


# -- who withdrew ------------------------------------------------------------------------------------
def test_a_withdrawal_holds_from_its_day_on_and_before_linkage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not before its day; from then on no row of the person is in what is built, and everybody else keeps their name."""
    moment = {"now": parse_rfc3339("2026-12-01T12:00:00Z")}
    own = population(tmp_path, monkeypatch, lambda: moment["now"])
    envelope = own.build("v-1", "ndb", "kaigo")
    kaigo = "SELECT count(*), count(DISTINCT pid) FROM x.kaigo.cert"
    before = own.rows("v-1", envelope, kaigo)[0]
    names = {row[0] for row in own.rows("v-1", envelope, "SELECT pid FROM x.ndb.rcpt")}
    chosen = own.made.truth["kaigo"].column("person").to_pylist()[:20]
    gone = [Withdrawal("kaigo", str(one), WithdrawalKind.OPT_OUT, date(2026, 12, 10)) for one in chosen]
    assert own.custodian.withdraw(YAMAMOTO, gone)["entered"] == 20
    own.custodian.build(YAMAMOTO, envelope, refresh=True)
    assert own.rows("v-1", envelope, kaigo)[0] == before
    moment["now"] = parse_rfc3339("2026-12-10T00:00:00Z")
    own.custodian.build(YAMAMOTO, envelope, refresh=True)
    after = own.rows("v-1", envelope, kaigo)[0]
    own_rows = pq.read_table(own.folder / "kaigo" / "cert.parquet").column("person").to_pylist()
    assert before[0] - after[0] == sum(one in set(chosen) for one in own_rows)
    assert before[1] - after[1] == len(chosen)
    assert {row[0] for row in own.rows("v-1", envelope, "SELECT pid FROM x.ndb.rcpt")} == names
    assert own.custodian.withdraw(YAMAMOTO, gone)["known"] == 20
    leaf = json.loads(own.ledger.entries[-1])
    assert (leaf["action"], leaf["counts"]) == ("person.withdrawn", {"persons": 20, "in_all": 20})
    assert not any(str(one) in own.ledger.entries[-1].decode() for one in chosen)


def test_a_withdrawal_of_a_database_that_is_not_there_is_refused(own: Population) -> None:
    """And nothing of the list is entered."""
    wrong = [
        Withdrawal("kaigo", "1", WithdrawalKind.STOP, date(2026, 1, 1)),
        Withdrawal("nowhere", "1", WithdrawalKind.STOP, date(2026, 1, 1)),
    ]
    refused("catalogue.database_unknown", lambda: own.custodian.withdraw(YAMAMOTO, wrong))
    refused("custody.withdrawal_empty", lambda: own.custodian.withdraw(YAMAMOTO, []))
    assert own.custodian.report(YAMAMOTO)["withdrawals"] == {}


# -- what was provided -------------------------------------------------------------------------------
def test_the_provision_ledger_says_when_what_went_to_whom(shared: Population) -> None:
    """Date, permit, handlers, tables and columns with their numbers of rows, in the order in which it happened."""
    found = shared.custodian.report(YAMAMOTO, "v-one")
    (entry,) = found["provided"]
    assert (entry["provision"], entry["n"], entry["permit"], entry["to"]) == (
        "v-one",
        1,
        "p-v-one@1",
        ["tanaka"],
    )
    assert entry["at"].startswith("2026-12-01")
    assert entry["tables"]["kaigo.cert"]["columns"] == ["pid", "cert_date", "care_level"]
    assert (
        entry["tables"]["kaigo.cert"]["rows"]
        == pq.read_metadata(shared.folder / "kaigo" / "cert.parquet").num_rows
    )
    refused("custody.extract_unknown", lambda: shared.custodian.report(YAMAMOTO, "v-never"))


def test_a_person_learns_from_the_custodian_which_provisions_contained_them(shared: Population) -> None:
    """By the holder's number; somebody of another database only, and nobody, get an empty answer of the same form."""
    person = str(pq.read_table(shared.folder / "kaigo" / "cert.parquet").column("person")[0].as_py())
    found = shared.custodian.trace(YAMAMOTO, "kaigo", person)["provisions"]
    assert sorted(one["provision"] for one in found) == ["v-apart", "v-one", "v-two"]
    assert shared.custodian.trace(YAMAMOTO, "kaigo", "999")["provisions"] == []
    shared.build("v-care", "kaigo")
    in_kaigo = set(shared.made.truth["kaigo"].column("true_id").to_pylist())
    held = set(pq.read_table(shared.folder / "ndb" / "rcpt.parquet").column("person").to_pylist())
    claims = [one for one in shared.made.truth["ndb"].to_pylist() if one["person"] in held]
    stranger = next(one["person"] for one in claims if one["true_id"] not in in_kaigo)
    names = [one["provision"] for one in shared.custodian.trace(YAMAMOTO, "ndb", str(stranger))["provisions"]]
    assert sorted(names) == ["v-apart", "v-one", "v-two"]
    leaf = shared.ledger.entries[-1].decode()
    assert json.loads(leaf)["action"] == "person.traced"
    assert str(stranger) not in leaf
