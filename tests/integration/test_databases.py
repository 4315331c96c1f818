"""Every database goes the whole way in the running system: found, applied for, extracted, queried, exported from.

The table of that is computed here and compared with the documents. The eleven public databases are about invented
people; beside them go an operator's own database and one that nobody has seen before. What belongs together is asked
for in one application, linked where the matrix of today allows it, the others side by side or alone.
"""

import re
import traceback
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from enclave.adapters.descriptor_files import read_catalogue
from enclave.app import build_extract, register_database
from enclave.catalogue.packaged import PLANNED, PUBLIC
from enclave.catalogue.printed import Stage, block, reach_table
from enclave.core.ids import DatabaseId
from enclave.demo.visitor import Visitor
from tests.integration.brought_in import UNSEEN, enclave, holders_files, truth
from tests.integration.provisions import (
    Asked,
    Provision,
    Wish,
    apply_for,
    approved,
    notebook,
    provide,
    question,
    sent_in,
    taken_out,
)
from tests.integration.running_site import Ground, code_of

pytestmark = pytest.mark.site

ROOT = Path(__file__).parents[2]
NAFLD = DatabaseId("nafld")

ASKED: dict[DatabaseId, Asked] = {
    DatabaseId(one.table.partition(".")[0]): one
    for one in (
        Asked(
            "ndb.rcpt",
            "sex",
            ("rcpt_id", "service_ym", "sex", "birth_ym", "pref_code", "facility_id", "points", "days"),
        ),
        Asked("kaigo.cert", "sex", ("cert_date", "sex", "birth_ym", "care_level")),
        Asked("dpc.form1", "sex", ("data_id", "facility_id", "sex", "age", "admit_date", "main_icd")),
        Asked("idb.notif", "sex", ("disease", "dx_date", "sex", "birth_ym", "severity")),
        Asked("vac.shot", "sex", ("shot_date", "vaccine", "sex", "birth_ym")),
        Asked("welfare.cert", "sex", ("cert_date", "support_level", "sex", "pref_code")),
        Asked("cancer.reg", "sex", ("dx_date", "sex", "age", "facility_id", "topo", "vital")),
        Asked("nanbyo.reg", "sex", ("apply_fy", "disease_no", "sex", "birth_ym")),
        Asked("shoman.reg", "sex", ("apply_fy", "group_no", "sex", "birth_ym")),
        Asked("nextgen.patient", "sex", ("sex", "birth_ym", "facility_id")),
        Asked("midnet.patient", "sex", ("sex", "birth_ym", "facility_id")),
        Asked("nafld.patients", "male", ("age", "male", "status")),
        Asked("touseki.kanja", "sei", ("sei", "umare", "donyu", "shisetsu", "genbyo", "ishoku")),
    )
}


def wish(project: str, *databases: str) -> Wish:
    return Wish(project, {DatabaseId(name): ASKED[DatabaseId(name)] for name in databases})


CARE, SHOTS, OWN = (
    wish("of-care", "ndb", "kaigo", "dpc", "idb"),
    wish("of-shots", "ndb", "vac"),
    wish("of-our-own", NAFLD, UNSEEN),
)
WISHES = (
    CARE,
    SHOTS,
    wish("of-the-rare", "nanbyo", "shoman", "nextgen"),
    wish("of-welfare", "welfare"),
    wish("of-cancer", "cancer"),
    wish("of-midnet", "midnet"),
    OWN,
)


@dataclass
class Journey:
    """What was provided, by project; how far each database came, and what stopped those that did not arrive."""

    ground: Ground
    files: Path
    provided: dict[str, Provision] = field(default_factory=dict)
    reach: dict[DatabaseId, set[Stage]] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)

    def came(self, stage: Stage, *databases: DatabaseId) -> None:
        for name in databases:
            self.reach.setdefault(name, set()).add(stage)

    def go(self, one: Wish) -> None:
        """An application from its form to the last release."""
        permit = approved(self.ground, one, apply_for(self.ground, one))
        self.came(Stage.APPLIED, *one.asked)
        provision = provide(self.ground, one, permit)
        self.provided[one.project] = provision
        for name, asked in one.asked.items():
            held = provision.held(name)
            assert held["rows"] > 0
            assert set(held["columns"]) == {"pid", *asked.columns}
            self.came(Stage.EXTRACTED, name)
        with notebook(self.ground, permit) as e:
            for name, asked in one.asked.items():
                provision.rows[name], cells = question(asked, e)
                self.came(Stage.QUERIED, name)
                taken_out(self.ground, one, e, cells, f"{name}-by-{asked.by}")
                self.came(Stage.EXPORTED, name)

    def ask(self, project: str, sql: str) -> pd.DataFrame:
        with notebook(self.ground, self.provided[project].permit) as e:
            rows: pd.DataFrame = e.sql(sql)
            return rows


@pytest.fixture(scope="module")
def journey(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> Journey:
    """All databases registered, and every application gone as far as it would go."""
    files = tmp_path_factory.mktemp("holders")
    made = Journey(ground, files)
    for name, descriptor in holders_files(files).items():
        if name == UNSEEN:
            done = enclave("data", "register", str(descriptor), "--site", ground.site.name)
            assert done.returncode == 0, done.stdout
        else:
            register_database(ground.site, descriptor)
    anybody = Visitor(ground.site)
    listed = set(re.findall(r'data-database="([^"]+)"', anybody.get("/catalogue").text))
    for name in (*PUBLIC, PLANNED, NAFLD, UNSEEN):
        if name in listed and anybody.http.get(f"/catalogue/{name}").status_code == 200:
            made.came(Stage.FOUND, name)
    for one in WISHES:
        try:
            made.go(one)
        except Exception:
            # The table says how far it came; the others go on.
            made.stopped[one.project] = traceback.format_exc()
    return made


# -- the table -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("language", "document"), [("ja", "databases.ja.md"), ("en", "databases.md")])
def test_the_documents_table_is_what_the_system_has_just_done(
    journey: Journey, language: str, document: str
) -> None:
    """Row by row and stage by stage: no tick that was not seen, and none left out."""
    known = read_catalogue(journey.ground.site)
    own = {name: known[name].title for name in (NAFLD, UNSEEN)}
    reach = {name: sorted(stages) for name, stages in journey.reach.items()}
    said = block((ROOT / "docs" / document).read_text(encoding="utf-8"), "reach")
    assert said == reach_table(reach, language, own), "\n".join(journey.stopped.values())


def test_no_database_stops_on_the_way(journey: Journey) -> None:
    """Each of the eleven, the operator's own and the unseen one; the planned one has no tables to apply for."""
    assert journey.stopped == {}
    every = {name: set(Stage) for name in (*PUBLIC, NAFLD, UNSEEN)}
    assert journey.reach == every | {PLANNED: {Stage.FOUND}}


# -- persons ---------------------------------------------------------------------------------------------------------
def matched(journey: Journey) -> pd.DataFrame:
    """The two pseudonyms of each person of NDB whom the claims tell apart: columns `one`, `other`."""
    found = []
    for name in (CARE.project, SHOTS.project):
        rows = journey.provided[name].rows[DatabaseId("ndb")]
        claims = pd.util.hash_pandas_object(rows[["service_ym", "points", "days"]], index=False)
        story = claims.groupby(rows.pid).sum()  # whatever the order of the rows
        found.append(
            pd.Series(story.index, index=story.to_numpy())[lambda s: ~s.index.duplicated(keep=False)]
        )
    return pd.concat(found, axis=1, join="inner", keys=["one", "other"]).astype("uint64")


def test_two_permits_pids_for_the_same_people_share_nothing_beyond_chance(journey: Journey) -> None:
    """No common number, no common bit, no common order, no constant between them."""
    people = matched(journey)
    n = len(people)
    assert n > 1_000
    # Of 1,500 numbers out of 2^32 drawn twice, one is common in fewer than one of a thousand pairs of permits.
    assert len(set(people.one) & set(people.other)) <= 1
    far = 6 / np.sqrt(n)
    one, other = people.one.to_numpy(), people.other.to_numpy()
    for bit in range(32):
        same = ((one >> np.uint64(bit)) & np.uint64(1)) == ((other >> np.uint64(bit)) & np.uint64(1))
        assert abs(2 * same.mean() - 1) < far
    assert abs(np.corrcoef(one.argsort().argsort(), other.argsort().argsort())[0, 1]) < far
    for constant in ((one - other) % np.uint64(1 << 32), one ^ other):
        assert Counter(constant.tolist()).most_common(1)[0][1] <= 2


def test_linked_databases_of_one_permit_join_on_pid(journey: Journey) -> None:
    """Care certificates meet the claims of the same person: nearly all who are in both, and nearly nobody else."""
    joined = journey.ask(
        CARE.project,
        "SELECT DISTINCT k.pid, k.sex, n.sex AS sex_ndb, k.birth_ym, n.birth_ym AS birth_ndb"
        " FROM kaigo.cert k JOIN ndb.rcpt n ON k.pid = n.pid",
    )
    ndb, kaigo = truth(journey.files, "ndb"), truth(journey.files, "kaigo")
    source = pq.read_table(journey.files / "town" / "kaigo" / "cert.parquet", columns=["person"])
    there = pq.read_table(journey.files / "town" / "ndb" / "rcpt.parquet", columns=["person"])
    both = {kaigo[p] for p in source["person"].to_pylist()} & {ndb[p] for p in there["person"].to_pylist()}
    assert len(both) > 50
    assert 0.9 * len(both) <= joined.pid.nunique() <= 1.1 * len(both)
    alike = joined[(joined.sex == joined.sex_ndb) & (joined.birth_ym == joined.birth_ndb)]
    assert alike.pid.nunique() > 0.95 * joined.pid.nunique()


def test_databases_side_by_side_in_one_permit_do_not_join(journey: Journey) -> None:
    """They have no pseudonym in common, and the question is refused."""
    rows = journey.provided[OWN.project].rows
    assert len(set(rows[NAFLD].pid) & set(rows[UNSEEN].pid)) <= 1
    with notebook(journey.ground, journey.provided[OWN.project].permit) as e:
        with pytest.raises(Exception, match=re.escape("query.not_linked")) as no:
            e.sql("SELECT a.age FROM nafld.patients a JOIN touseki.kanja b ON a.pid = b.pid")
        assert no.value.code == "query.not_linked"


@pytest.mark.parametrize("column", ["rcpt_id", "facility_id"])
def test_ids_of_facilities_and_records_differ_between_provisions(journey: Journey, column: str) -> None:
    """As many as in the source, and neither the source's own nor another provision's."""
    file = journey.files / "town" / "ndb" / "rcpt.parquet"
    source = set(pq.read_table(file, columns=[column])[column].drop_null().to_pylist())
    one, other = (
        set(journey.provided[name].rows[DatabaseId("ndb")][column].dropna().tolist())
        for name in (CARE.project, SHOTS.project)
    )
    assert len(one) == len(other) == len(source)
    for a, b in ((one, other), (one, source), (other, source)):
        assert len(a & b) <= 1


def test_the_meaning_of_a_code_stands_beside_it(journey: Journey) -> None:
    """The reference tables of the permitted columns are in the extract, and join."""
    named = journey.ask(
        CARE.project,
        "SELECT DISTINCT n.pref_code, p.name FROM ndb.rcpt n JOIN core.pref p ON n.pref_code = p.code",
    )
    codes = journey.provided[CARE.project].rows[DatabaseId("ndb")].pref_code.dropna()
    assert set(named.pref_code) == set(codes)
    assert all(re.search(r"[都道府県]$", name) for name in named.name)


# -- what is refused -------------------------------------------------------------------------------------------------
def refused(journey: Journey, asked: Wish, **changed: Any) -> dict[str, str]:
    """The codes with their sentences, of an application that is not taken in."""
    submitted = "SELECT count(*) FROM applications WHERE state != 'draft'"
    before = journey.ground.look(submitted)
    page = sent_in(journey.ground, **asked.form() | changed)
    assert page.status_code == 422
    assert journey.ground.look(submitted) == before
    return dict(re.findall(r'class="wrong"[^>]*data-code="([^"]+)">([^<]+)<', page.text))


def test_an_application_that_links_cancer_with_another_database_is_refused_by_rule(journey: Journey) -> None:
    """With its code and its pair, in the form and while it is filled in; custody would not build it either."""
    both = wish("of-cancer-care", "cancer", "ndb")
    asked = {"links": ["cancer", "ndb"], "linkage_reason": "Cancer after claims."}
    said = refused(journey, both, **asked)
    assert set(said) == {"application.linkage_not_permitted"}
    assert "NDB" in said["application.linkage_not_permitted"]
    assert "ancer" in said["application.linkage_not_permitted"]
    while_typing = journey.ground.person("tanaka").get("/applications/linkage?links=ndb&links=cancer")
    assert 'class="cannot" data-pair="cancer ndb"' in while_typing.text
    permit = journey.ground.grant(
        "forged",
        databases={"cancer": {"reg": {"columns": ["pid"]}}, "ndb": {"rcpt": {"columns": ["pid"]}}},
        linkage_groups=[["cancer", "ndb"]],
    )
    build = code_of(lambda: build_extract(journey.ground.site, permit.permit_id))
    assert build == "custody.linkage_population"


def test_a_prefecture_beside_the_code_of_an_intractable_disease_is_refused(journey: Journey) -> None:
    """By the application's rule, and by custody whatever a permit says; either of the two alone is given."""
    hidden = wish("of-welfare-nanbyo", "welfare")
    name = DatabaseId("welfare")
    with_code = replace(ASKED[name], columns=(*ASKED[name].columns, "nanbyo_no"))
    said = refused(journey, replace(hidden, asked={name: with_code}))
    assert set(said) == {"application.columns_apart"}
    grants = {"both": ["pid", "pref_code", "nanbyo_no"], "code": ["pid", "nanbyo_no"]}
    built = {}
    for project, columns in grants.items():
        permit = journey.ground.grant(
            f"welfare-{project}", databases={"welfare": {"cert": {"columns": columns}}}
        )
        built[project] = code_of(lambda number=permit.permit_id: build_extract(journey.ground.site, number))
    assert built == {"both": "custody.columns_apart", "code": "allowed"}


def test_a_withheld_database_cannot_be_asked_for(journey: Journey) -> None:
    """The planned one has no tables, so its columns are no columns."""
    page = sent_in(
        journey.ground, **CARE.form() | {"project": "of-records", "links": [], "columns": ["emr3.x.pid"]}
    )
    assert 'data-code="application.unknown_table"' in page.text
