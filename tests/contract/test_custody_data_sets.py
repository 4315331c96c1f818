"""A data set that holds one person in so many: custody draws them, and nobody else is anywhere in the extract."""

from datetime import date
from typing import Any

import pytest

from enclave.adapters.custodian import Custodian
from enclave.application.dataset import reduced
from enclave.catalogue.packaged import dossiers
from enclave.core.ids import DatabaseId
from enclave.core.permit import TableGrant, parse
from enclave.custody.plan import Predicate
from enclave.query.condition import compile_condition
from tests.contract.test_custody_people import Population, population, refused
from tests.fakes.custody_site import GATEWAY, TRUSTED, YAMAMOTO, Deciding, a_permit, noon, signed
from tests.fakes.linked_site import granted

ONE_IN = 4
NDB = DatabaseId("ndb")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        yield population(tmp_path_factory.mktemp("sampled"), patch)


def permit(provision: str, one_in: int | None) -> dict[str, Any]:
    sets = {"ndb": {"id": "trial", "one_in": one_in}} if one_in else {"ndb": {"id": "special"}}
    return signed(
        provision=provision,
        permit_id=f"p-{provision}",
        databases=granted("ndb", "kaigo"),
        linkage_groups=[["kaigo", "ndb"]],
        data_sets=sets,
    )


def persons(shared: Population, provision: str, envelope: dict[str, Any], table: str) -> set[int]:
    found = shared.rows(provision, envelope, f"SELECT DISTINCT pid FROM x.{table}")
    return {pid for (pid,) in found}


def test_one_person_in_four_is_in_every_table_of_the_set_and_the_linked_database_is_whole(
    shared: Population,
) -> None:
    """The same persons in each table of the set; four standard deviations around a quarter."""
    whole, sample = permit("v-whole", None), permit("v-sample", ONE_IN)
    for provision, envelope in (("v-whole", whole), ("v-sample", sample)):
        shared.custodian.build(YAMAMOTO, envelope)
        assert len(persons(shared, provision, envelope, "kaigo.cert")) > 100
    everybody = len(persons(shared, "v-whole", whole, "ndb.rcpt"))
    drawn = persons(shared, "v-sample", sample, "ndb.rcpt")
    spread = (everybody * (1 / ONE_IN) * (1 - 1 / ONE_IN)) ** 0.5
    assert abs(len(drawn) - everybody / ONE_IN) < 4 * spread
    acts = persons(shared, "v-sample", sample, "ndb.si")
    assert acts
    assert max(drawn | acts) < (1 << 32) // ONE_IN
    whole_care = len(persons(shared, "v-whole", whole, "kaigo.cert"))
    assert len(persons(shared, "v-sample", sample, "kaigo.cert")) == whole_care


def test_a_refresh_draws_the_same_persons(shared: Population) -> None:
    """Else two extracts of one permit would hold more than one in four."""
    envelope = permit("v-again", ONE_IN)
    shared.custodian.build(YAMAMOTO, envelope)
    first = persons(shared, "v-again", envelope, "ndb.rcpt")
    shared.custodian.build(YAMAMOTO, envelope, refresh=True)
    assert persons(shared, "v-again", envelope, "ndb.rcpt") == first


def test_an_extract_of_everybody_is_not_opened_for_a_share(shared: Population) -> None:
    """What an amendment took away does not stay readable."""
    shared.custodian.build(YAMAMOTO, permit("v-amended", None))
    no = refused(
        "custody.extract_stale",
        lambda: shared.custodian.open(GATEWAY, "v-amended", None, permit("v-amended", ONE_IN)),
    )
    assert no.facts["permit"]


@pytest.mark.parametrize(
    "sets",
    [
        {"kaigo": {"id": "x"}},
        {"ndb": {"id": ""}},
        {"ndb": {"id": "trial", "one_in": 1}},
        {"ndb": {"id": "trial", "one_in": True}},
        {"ndb": {"id": "trial", "one_in": "4"}},
        {"ndb": {"id": "trial", "share": 4}},
        {"ndb": "trial"},
        ["ndb"],
    ],
)
def test_a_data_set_that_cannot_be_read_makes_a_permit_malformed(sets: Any) -> None:
    """A restriction that nobody understands is not taken for none."""

    plain = a_permit(databases=granted("ndb"), linkage_groups=[["ndb"]]).to_json()
    assert parse(plain).to_json() == plain
    assert "data_sets" not in plain
    assert (
        refused("permit.malformed", lambda: parse({**plain, "data_sets": sets})).facts["place"] == "data_sets"
    )


def test_a_trial_set_holds_the_rows_of_its_months_of_the_persons_drawn(shared: Population) -> None:
    """The permit that an application for it becomes, carried out with the real grammar of conditions."""
    row = dossiers()[NDB].dataset("trial", date(2026, 11, 21))
    assert row is not None
    assert row.months is not None
    acts = {"si": TableGrant(("pid", "act_date", "act_code"))}
    envelope = signed(
        provision="v-trial",
        permit_id="p-v-trial",
        databases={"ndb": {"si": {"columns": ["pid", "act_date", "act_code"], "rows": reduced({NDB: acts}, {NDB: row})[NDB]["si"].rows}}},
        linkage_groups=[["ndb"]],
        data_sets={"ndb": {"id": "trial", "one_in": ONE_IN}},
    )  # fmt: skip
    custodian = Custodian(
        shared.site,
        ledger=shared.ledger,
        policy=Deciding(),
        compile_rows=lambda text, columns: Predicate(*compile_condition(text, columns)),
        trusted=lambda: TRUSTED,
        now=noon,
    )
    custodian.build(YAMAMOTO, envelope)
    found = shared.rows("v-trial", envelope, "SELECT DISTINCT month(act_date), pid FROM x.ndb.si")
    assert {month for month, _ in found} == set(row.months.of)
    assert max(pid for _, pid in found) < (1 << 32) // ONE_IN
