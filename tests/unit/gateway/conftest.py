"""The ground of the gateway's tests, made once; records and sessions are fresh for each test that asks for them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from enclave.adapters import signing
from enclave.adapters.custodian import Custodian
from enclave.adapters.engine import EngineLimits, EnginePool
from enclave.adapters.policy_server import start_private
from enclave.config import Site
from enclave.core.permit import Permit
from tests.fakes.custody_site import KEY, NAFLD, YAMAMOTO, a_custodian, a_site
from tests.fakes.ledger_process import LedgerProcess
from tests.unit.gateway.ground import (
    ROOT,
    CustodyHere,
    Ground,
    a_research_permit,
    deps_of,
    fresh_records,
    people,
    serving,
)

Built = tuple[Site, Custodian, object, LedgerProcess]


@contextmanager
def building(folder: Path) -> Iterator[Built]:
    """Policy server, ledger, and custody with the real cohort registered and one extract built."""
    patch = pytest.MonkeyPatch()
    ledger = LedgerProcess(folder).start()
    with start_private(ROOT / "policies", folder / "policy.sock") as policy:
        site = a_site(folder, patch)
        custodian = a_custodian(site, ledger.client("portal"), policy)
        custodian.register(YAMAMOTO, NAFLD)
        custodian.build(YAMAMOTO, signing.sign_permit(a_research_permit(), KEY))
        yield site, custodian, policy, ledger
    ledger.stop()
    patch.undo()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """What all tests share."""
    with building(tmp_path_factory.mktemp("ground")) as built:
        yield built


@pytest.fixture(scope="session")
def pool() -> Iterator[EnginePool]:
    pool = EnginePool(EngineLimits(wall=60.0, patience=60.0))
    yield pool
    pool.close()


@pytest.fixture
def ground(built: Built, pool: EnginePool, tmp_path: Path) -> Iterator[Ground]:
    """A gateway that answers, with the permit granted and nobody in it yet."""
    with standing(built, pool, tmp_path) as ground:
        yield ground


@pytest.fixture
def ground_apart(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[Ground]:
    """The same over a custody of its own: for a permit that is amended, which custody never forgets, and for
    thousands of requests, which would fill the log that others look into."""
    pool = EnginePool(EngineLimits(wall=60.0, patience=60.0))
    with (
        building(tmp_path_factory.mktemp("apart")) as built,
        standing(built, pool, tmp_path / "apart") as ground,
    ):
        yield ground
    pool.close()


@contextmanager
def standing(built: Built, pool: EnginePool, folder: Path) -> Iterator[Ground]:
    """A gateway over what is built, with fresh records, and nothing released yet."""
    site, custodian, policy, ledger = built
    shutil.rmtree(site.custody / "releases", ignore_errors=True)
    records = fresh_records(folder, ledger.client("portal"))
    people(records)
    custody = CustodyHere(custodian)
    ground = Ground(site, folder, records, ledger, policy, pool, custody, None)  # type: ignore[arg-type]
    ground.deps = deps_of(site, records, policy, pool, custody, ground.moment)
    with serving(ground.deps) as port:
        ground.port = port
        yield ground


@pytest.fixture
def permit(ground: Ground) -> Permit:
    """The permit that the extract was built for, granted."""
    permit = a_research_permit()
    ground.grant(permit)
    return permit


@pytest.fixture
def token(ground: Ground, permit: Permit) -> str:
    """Tanaka's workspace."""
    return ground.session("tanaka", permit)
