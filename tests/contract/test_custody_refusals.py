"""Neither an extract nor a key without a whole, valid permit, an explicit yes and a ledger that answers."""

from pathlib import Path
from typing import Any

import pytest

from enclave.adapters.vault import Vault
from enclave.core.clock import parse_rfc3339
from tests.fakes.custody_site import (
    GATEWAY,
    YAMAMOTO,
    Deciding,
    a_custodian,
    a_small_database,
    refused,
)
from tests.fakes.custody_small import actions, rows, small_permit


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
