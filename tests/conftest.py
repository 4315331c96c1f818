"""Fixtures of the whole system: the running test site, its people, its browser. Unit tests need none of them."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from enclave.config import SITES, Site

# How long one example takes says something about the machine, not about what is tried. The same examples in every run: a
# change is judged by what it does, not by what was drawn; `make fuzz` draws others.
settings.register_profile(
    "enclave",
    deadline=None,
    derandomize="ENCLAVE_FUZZ" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
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


TOGETHER = ("tests/unit/synth/",)
"""Folders whose tests share what takes long to make: where tests run in several processes, one of them has them all."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Whole files, and whole folders of `TOGETHER`, to one process each, in the order of the files."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::", 1)[0]
            return next((folder for folder in TOGETHER if file.startswith(folder)), file)

    return Scheduling(config, log)
