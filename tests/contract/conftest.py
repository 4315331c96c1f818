"""Custody with what most of its contracts ask for: the real cohort with one extract, or three persons."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from enclave.adapters.custodian import Custodian
from enclave.config import Site
from tests.fakes.custody_site import (
    NAFLD,
    YAMAMOTO,
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
