"""Fixtures of the whole system: the running test site, its people, its browser. Unit tests need none of them."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from enclave.config import SITES, Site

# How long one example takes says something about the machine, not about what is tried.
settings.register_profile("enclave", deadline=None)
settings.load_profile("enclave")

# What a shell starts in the background has Ctrl-C ignored; some tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """The site `test`, freshly made, loaded with the demo's accounts and database, and gone without a trace afterwards."""
    from enclave import operation
    from enclave.demo.load import load
    from enclave.demo.visitor import local_names

    if os.geteuid() != 0:
        pytest.fail("the tests of the running system need root: sudo make test")
    # Another name and index (ENCLAVE_TEST_SITE=name:index) lets two people test on one machine at once.
    name, _, index = os.environ.get("ENCLAVE_TEST_SITE", "test").partition(":")
    place = Site(name, int(index)) if index else SITES[name]
    operation.down(place, forget=True, keep_docker=True)
    operation.up(place)
    try:
        load(place)
        with local_names():
            yield place
    finally:
        operation.down(place, forget=True, keep_docker=True)


BEGAN = time.monotonic()
RECORD = Path(__file__).parents[1] / "build" / "test-time.json"
SET_UP = Path("/var/log/enclave/install.json")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep how long the whole suite took, for the benchmark. A part of it says nothing."""
    if session.config.args == session.config.getini("testpaths") and not session.config.getoption("keyword"):
        from tests.bench.starts import kept, whole_run

        RECORD.parent.mkdir(exist_ok=True)
        took = round(time.monotonic() - BEGAN)
        RECORD.write_text(json.dumps(whole_run(kept(RECORD), kept(SET_UP), took, round(time.time()))))
