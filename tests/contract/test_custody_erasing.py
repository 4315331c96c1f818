"""Erasing ends in nothing that opens, also where the ledger falls silent in the middle."""

import json
import shutil
from pathlib import Path
from typing import Any

from enclave.adapters.vault import Vault
from tests.fakes.custody_site import (
    GATEWAY,
    YAMAMOTO,
    a_custodian,
    refused,
)
from tests.fakes.custody_small import small_permit
from tests.fakes.ledger import MemoryLedger


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
