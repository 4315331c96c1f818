"""An extract answers to the permit it was built for and to no other."""

from datetime import UTC, datetime
from typing import Any

import pytest

from enclave.catalogue.descriptor import Title
from enclave.core import permit as permits
from enclave.core.ids import DatabaseId
from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.custody.manifest import (
    Manifest,
    ManifestColumn,
    ManifestTable,
    check_matches,
    conditions_digest,
)

GRANT: dict[str, Any] = {
    "columns": ["pid", "age"],
    "rows": "age >= 18",
    "period": {"column": "seen", "from": "2010-04-01", "to": "2024-04-01"},
    "coarsen": {"age": 5},
}


def a_permit(grant: dict[str, Any] = GRANT, **more: Any) -> Permit:
    return permits.parse(
        {
            "schema": "enclave.permit/1",
            "permit_id": "p-1",
            "revision": 1,
            "project": "x",
            "provision": "v-1",
            "handlers": ["tanaka"],
            "purpose": "",
            "tier": "record",
            "databases": {"nafld": {"patients": grant}},
            "linkage_groups": [["nafld"]],
            "rule_sets": ["r"],
            "valid_from": "2026-01-01T00:00:00Z",
            "valid_to": "2027-01-01T00:00:00Z",
            **more,
        }
    )


def a_manifest() -> dict[str, Any]:
    columns = tuple(ManifestColumn(n, "BIGINT", "identifying", Title(n, n)) for n in ("pid", "age"))
    table = ManifestTable(DatabaseId("nafld"), "patients", Title("表", "table"), columns, 10, 10)
    permit = a_permit()
    return Manifest(
        permit=permit.permit_id,
        revision=1,
        project=permit.project,
        provision=permit.provision,
        n=3,
        built=datetime(2026, 1, 2, tzinfo=UTC),
        tables=(table,),
        linkage_groups=permit.linkage_groups,
        conditions=conditions_digest(permit),
        catalogue={},
        sources={},
        rule_sets={},
        engine="",
        digest="sha256:0",
        size=1,
    ).to_json()


AMENDED: list[tuple[str, Permit]] = [
    ("one column less", a_permit({**GRANT, "columns": ["pid"], "coarsen": {}})),
    ("one column more", a_permit({**GRANT, "columns": ["pid", "age", "bmi"]})),
    ("other rows", a_permit({**GRANT, "rows": "age >= 19"})),
    ("no rows", a_permit({**GRANT, "rows": None})),
    ("another period", a_permit({**GRANT, "period": {**GRANT["period"], "to": "2024-04-02"}})),
    ("another coarsening", a_permit({**GRANT, "coarsen": {"age": 10}})),
    ("no coarsening", a_permit({**GRANT, "coarsen": {}})),
    ("another table", a_permit(databases={"nafld": {"labs": GRANT}})),
    ("a table more", a_permit(databases={"nafld": {"patients": GRANT, "labs": GRANT}})),
    ("no linkage", a_permit(linkage_groups=[])),
    ("another provision", a_permit(provision="v-2")),
    ("another permit", a_permit(permit_id="p-2")),
]


@pytest.mark.parametrize(("what", "permit"), AMENDED, ids=[row[0] for row in AMENDED])
def test_an_amended_permit_needs_a_new_extract(what: str, permit: Permit) -> None:
    """What an amendment took away must not stay readable, and what it added is not there yet."""
    with pytest.raises(Refused) as no:
        check_matches(a_manifest(), permit)
    assert no.value.code == "custody.extract_stale"


def test_an_amendment_that_leaves_the_data_alone_keeps_the_extract() -> None:
    """Another handler, a longer validity, a new revision, `pid` unnamed: the same data."""
    for permit in (
        a_permit(),
        a_permit(revision=2, handlers=["tanaka", "mori"], valid_to="2028-01-01T00:00:00Z"),
        a_permit({**GRANT, "columns": ["age"]}),
    ):
        check_matches(a_manifest(), permit)


def test_the_manifest_names_the_extract_and_the_permit_as_receipts_do() -> None:
    """`v-1/3` and `p-1@1`."""
    manifest = a_manifest()
    assert (manifest["extract"], manifest["permit"]) == ("v-1/3", "p-1@1")


def test_the_order_in_which_a_permit_lists_things_does_not_change_the_digest() -> None:
    """The digest is of what is restricted, not of how it was typed."""
    one = a_permit(databases={"a": {"t": GRANT, "u": GRANT}, "b": {"t": GRANT}})
    other = a_permit(databases={"b": {"t": GRANT}, "a": {"u": GRANT, "t": GRANT}})
    assert conditions_digest(one) == conditions_digest(other)
